"""The rules of notebook 42: what networks that are built and counted say; nothing is trained."""

from __future__ import annotations

from emolib.reproduction import papers
from emolib.reproduction.runs import Claims
from emolib.reproduction.studies.video import tables

claim = Claims("42")
judge = claim.judge


def printed(table: str, metric: str) -> float:
    """A number of the listing 4.4a (frames) or 4.4b (3-D), in M or G."""
    return float(papers.published(f"chang2021-u4_4{table}").set_index("metric").value[metric])


@claim("chang-d28")
def fifteen_times(study):
    """Does the 3-D network cost up to 15 times as much, clip for clip?"""
    one, many = (tables.cost(study, False, frames) for frames in (1, 25))
    clips = tables.cost(study, True, 25)
    because = f"25 frames against 25: {clips / many:.2f} times; 25 against one: {clips / one:.2f}"
    return clips / many > 10, because


def parameters(study, table: str):
    """Has the system as built the printed number of parameters?"""
    frame = tables.listing(study, table == "b").frame.set_index("metric")
    ours = round(frame.measured["Trainable params"] * 1e6)
    said = round(printed(table, "Total params") * 1e6)
    return ours == said, f"{ours:,} in the network as built, {said:,} printed"


@claim("chang-f9")
def parameters_of_frames(study):
    """26.813704 M of the frame-wise system."""
    return parameters(study, "a")


@claim("chang-f9_2")
def parameters_of_clips(study):
    """44.6386 M of the 3-D one."""
    return parameters(study, "b")


@claim("chang-f9_3")
def same_clip(study):
    """Are both printed costs those of one number of frames?"""
    frames = [tables.cost(study, False, count) for count in (1, 25)]
    clips = [tables.cost(study, True, count) for count in (1, 25)]
    said = [round(printed(table, "Mult-Adds") * 1e9) for table in "ab"]
    because = (
        f"our networks cost {frames[0]:,} at 1 and {frames[1]:,} at 25 frames, the 3-D one "
        f"{clips[0]:,} and {clips[1]:,}; printed {said[0]:,} and {said[1]:,}"
    )
    return tuple(said) in zip(frames, clips), because
