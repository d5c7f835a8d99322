"""The second verdict on section 4.4 (notebook 42): sizes and costs, none of which needs data."""

from __future__ import annotations

from emolib.reproduction import papers
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.video.tables import cost, listing


def judge(study) -> list[Verdict]:
    """The claims that notebook 42 decides, in the order of claims.csv."""
    one, many = (cost(study, False, frames) for frames in (1, 25))
    clip, clips = (cost(study, True, frames) for frames in (1, 25))
    printed, clips_printed = (round(_printed(table, "Mult-Adds") * 1e9) for table in "ab")
    alike = (printed, clips_printed) in ((one, clip), (many, clips))
    return [
        _verdict(
            "chang-d28",
            clips / many > 10,
            f"25 frames against 25: {clips / many:.2f} times; 25 against one: {clips / one:.2f}",
        ),
        _parameters(study, "chang-f9", "a"),
        _parameters(study, "chang-f9_2", "b"),
        _verdict(
            "chang-f9_3",
            alike,
            f"our networks cost {one:,} at 1 and {many:,} at 25 frames, the 3-D one {clip:,} and "
            f"{clips:,}; printed {printed:,} and {clips_printed:,}",
        ),
    ]


def _parameters(study, claim: str, table: str) -> Verdict:
    frame = listing(study, table == "b").frame.set_index("metric")
    ours = round(frame.measured["Trainable params"] * 1e6)
    printed = round(_printed(table, "Total params") * 1e6)
    because = f"{ours:,} in the network as built, {printed:,} printed"
    return _verdict(claim, ours == printed, because)


def _verdict(claim: str, holds: bool, because: str) -> Verdict:
    return Verdict(claim, "holds" if holds else "fails", because)


def _printed(table: str, metric: str) -> float:
    return float(papers.published(f"chang2021-u4_4{table}").set_index("metric").value[metric])
