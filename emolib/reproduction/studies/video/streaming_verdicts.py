"""The second verdict on section 4.4 (notebook 42): sizes and costs, counted on networks that were built for it."""

from __future__ import annotations

import torch

from emolib.models.costs import parameters
from emolib.models.resnet_lstm import System
from emolib.reproduction import papers
from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.video.streaming import cost


def judge(profile: str) -> list[Verdict]:
    """The claims that notebook 42 decides, in the order of claims.csv; none of them needs data."""
    ratio, same = cost(True, 25) / cost(False, 1), cost(True, 25) / cost(False, 25)
    printed = [round(_printed(k, "Mult-Adds") * 1e9) for k in "ab"]
    alike = [t for t in (1, 25) if cost(False, t) == printed[0] and cost(True, t) == printed[1]]
    return [
        Verdict(
            "chang-d28",
            "holds" if same > 10 else "fails",
            f"25 frames against 25: {same:.2f} times; 25 against one: {ratio:.2f}",
        ),
        _parameters("chang-f9", "a", clips=False),
        _parameters("chang-f9_2", "b", clips=True),
        Verdict(
            "chang-f9_3",
            "holds" if alike else "fails",
            f"our networks cost {cost(False, 1):,} at 1 and {cost(False, 25):,} at 25 frames, the 3-D one {cost(True, 1):,} and {cost(True, 25):,}; "
            f"printed {printed[0]:,} and {printed[1]:,}",
        ),
    ]


def _parameters(claim: str, table: str, clips: bool) -> Verdict:
    with torch.device("meta"):
        ours = parameters(System(clips=clips))
    printed = round(_printed(table, "Total params") * 1e6)
    return Verdict(
        claim,
        "holds" if ours == printed else "fails",
        f"{ours:,} in the network as built, {printed:,} printed",
    )


def _printed(table: str, metric: str) -> float:
    return float(papers.published(f"chang2021-u4_4{table}").set_index("metric").value[metric])
