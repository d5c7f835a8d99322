"""What section 4.4's tables and figures need: sizes counted on the networks, and how often each of them changes its mind (notebook 42)."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from emolib import metrics, training
from emolib.data.sim.clip_sets import RAVDESS
from emolib.models.costs import mult_adds, parameters
from emolib.models.resnet_lstm import PICTURE, SEGMENT, System
from emolib.reproduction import runs
from emolib.reproduction.runs import paired
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.video.streaming_networks import (
    FRAME,
    LSTM,
    MEAN,
    WAYS,
    faces,
    strong,
)
from emolib.reproduction.studies.video.streaming_plan import (
    films,
    pictures,
    protocol,
    results,
    silent,
    sizes,
)
from emolib.reproduction.studies.video.streaming_plan import (
    train as train,  # the notebook's first call
)

SPEAKING, SILENT = "speaking", "silent mouth"
FRAMES = (1, 25)
TRACKS = 4  # emotions whose probabilities are drawn


def outcome(frame: pd.DataFrame, profile: str, kind=Outcome, **more) -> Outcome:
    """An Outcome on the films with the seeds and sizes of a profile."""
    return kind(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources_of(films(profile), pictures(profile)),
        seeds=tuple(range(sizes(profile).seeds)),
        caps=asdict(sizes(profile)),
        **more,
    )


# ---------------------------------------------------------------- the two listings


@runs.once
def listing(profile: str = "quick", clips: bool = False) -> Outcome:
    """The listings of section 4.4, counted on the network: parameters in M, multiply-adds in G at 1 and at 25 frames with one segment of sound."""
    name = (
        "3D-Resnet-18 image encoder, 2D-Resnet-18 audio encoder"
        if clips
        else "2D-Resnet-18 + LSTM image encoder, 2D-Resnet-18 audio encoder"
    )
    import torch

    with torch.device("meta"):
        net = System(clips=clips)
    every = sum(p.numel() for p in net.parameters())
    rows = [
        ("Total params", "counted", every / 1e6, "M"),
        ("Trainable params", "counted", parameters(net) / 1e6, "M"),
        ("Non-trainable params", "counted", (every - parameters(net)) / 1e6, "M"),
    ]
    rows += [
        ("Mult-Adds", f"{t} frame{'s' if t > 1 else ''}", cost(clips, t) / 1e9, "G") for t in FRAMES
    ]
    frame = pd.DataFrame(rows, columns=["metric", "protocol", "measured", "unit"]).assign(
        system=name
    )
    return Outcome(frame, profile=profile)


@runs.once
def cost(clips: bool, frames: int) -> int:
    """Multiply-adds of a whole system on `frames` pictures of 224 x 224 and one segment of sound."""
    return mult_adds(lambda: System(clips=clips), (1, frames, *PICTURE), (1, 1, *SEGMENT))


# ---------------------------------------------------------------- how often the mind is changed


@runs.once
def film_by_film(profile: str) -> pd.DataFrame:
    """One row per tested film, way and mouth: subject, flicker (changes of the named emotion a second), right (share of frames), last (1 or 0)."""
    data, rows = strong(films(profile), sizes(profile).each), []
    of = {name: i for i, name in enumerate(data.meta["image"])}
    seconds = _seconds(profile)
    for (fold, seed), r in results(profile).items():
        subject = data.subject[[of[name] for name in r["clips"]]]
        for m, mouth in enumerate((SPEAKING, SILENT)[: len(r["said"])]):
            for w, way in enumerate(WAYS):
                named = r["said"][m, w].argmax(-1)  # (N, T)
                right = named == r["truth"][:, None]
                rows.append(
                    pd.DataFrame(
                        {
                            "fold": fold,
                            "seed": seed,
                            "film": r["clips"],
                            "subject": subject,
                            "way": way,
                            "mouth": mouth,
                            "flicker": flicker(named) / seconds,
                            "right": right.mean(1),
                            "last": right[:, -1].astype(float),
                        }
                    )
                )
    frame = pd.concat(rows, ignore_index=True)
    keys = ["fold", "film", "subject", "way", "mouth"]
    return frame.groupby(keys, sort=False, as_index=False)[["flicker", "right", "last"]].mean()


def flicker(named: np.ndarray) -> np.ndarray:
    """How often the named class changes from one frame to the next, (N,), of classes (N, T)."""
    return (named[:, 1:] != named[:, :-1]).sum(1)


def _seconds(profile: str) -> float:
    """Length of a film, in seconds (of the simulated ones; a real film's differs little)."""
    from emolib.data.sim.clip_sets import SECONDS

    return SECONDS


MEASURES = {
    "flicker": ("changes of the named emotion", "a second", 1.0),
    "right": ("frames named rightly", "percent", 100.0),
    "last": ("films right after the last frame", "percent", 100.0),
}


@runs.once
def table(profile: str = "quick") -> Outcome:
    """Extra 35: changes a second, frames right, films right, for each way and mouth; and the comparisons, one Holm family."""
    p, frame, rows = shared(profile), film_by_film(profile), []
    for (way, mouth), part in frame.groupby(["way", "mouth"], sort=False):
        for column, (metric, unit, times) in MEASURES.items():
            value, low, high = metrics.bootstrap_ci(
                times * part[column], part.subject, draws=p.draws, level=p.level
            )
            rows.append(
                {
                    "way": way,
                    "mouth": mouth,
                    "against": "",
                    "metric": metric,
                    "measured": float(value),
                    "low": float(low),
                    "high": float(high),
                    "unit": unit,
                }
            )
    tests = []
    for a, b, column in family(profile):
        left, right = (frame[(frame.way == way) & (frame.mouth == mouth)] for way, mouth in (a, b))
        both, (metric, unit, times) = paired.joined(left, right, "film", column), MEASURES[column]
        tests.append(
            {
                "way": a[0],
                "mouth": a[1],
                "against": ", ".join(b),
                "metric": f"difference: {metric}",
                "unit": unit if times == 1.0 else "points",
            }
            | paired.difference(times * both.gap.to_numpy(), both.subject.to_numpy(), profile)
        )
    rows += paired.with_holm(tests)
    return outcome(
        pd.DataFrame(rows).assign(protocol=protocol(profile)), profile, settled=settled(profile)
    )


def family(profile: str) -> list[tuple]:
    """The comparisons, declared before any run: LSTM against frames and against their running mean, and what speech does to each."""
    made = [
        ((LSTM, SPEAKING), (FRAME, SPEAKING), "flicker"),
        ((LSTM, SPEAKING), (MEAN, SPEAKING), "flicker"),
        ((LSTM, SPEAKING), (FRAME, SPEAKING), "right"),
        ((LSTM, SPEAKING), (MEAN, SPEAKING), "right"),
    ]
    if silent(profile) is not None:
        made += [((way, SPEAKING), (way, SILENT), "flicker") for way in (FRAME, LSTM)]
    return made


@runs.once
def settled(profile: str) -> frozenset[str]:
    """The protocol, if its networks are of full width and both curves of every fold have settled."""
    curves = [r[k] for r in results(profile).values() for k in ("validation", "memory_validation")]
    return frozenset(
        {protocol(profile)}
        if not sizes(profile).narrow and all(training.plateaued(c) for c in curves)
        else ()
    )


# ---------------------------------------------------------------- Figures 4.16 and 4.17


@runs.once
def example(profile: str) -> tuple[str, str]:
    """Fold and name of the film that is shown: where frame by frame changes most often."""
    frame = film_by_film(profile)
    part = frame[(frame.way == FRAME) & (frame.mouth == SPEAKING)]
    row = part.loc[part.flicker.idxmax()]
    return row.fold, row.film


@runs.once
def strip(profile: str = "quick", way: str = FRAME, tiles: int = 10) -> Pictures:
    """Figures 4.16 (frame by frame) and 4.17 (LSTM): the film where the former changes most often, what is named, and the probabilities."""
    fold, name = example(profile)
    r = results(profile)[fold, 0]
    i = int(np.flatnonzero(r["clips"] == name)[0])
    p = r["said"][0, WAYS.index(way), i]  # (T, 8)
    at = np.linspace(0, len(p) - 1, min(tiles, len(p))).round().astype(int)
    data = strong(films(profile), sizes(profile).each)
    row = int(np.flatnonzero(data.meta["image"] == name)[0])
    truth = int(r["truth"][i])
    spread = [results(profile)[fold, 0]["said"][0, WAYS.index(w), i].max(0) for w in (FRAME, LSTM)]
    drawn = [truth, *[k for k in np.argsort(-np.maximum(*spread)) if k != truth]][
        :TRACKS
    ]  # the same emotions in both figures
    second = np.round(np.linspace(0, _seconds(profile), len(p)), 3)
    frame = pd.DataFrame(
        [
            {
                "film": name,
                "true": RAVDESS[truth],
                "second": second[t],
                "emotion": RAVDESS[k],
                "measured": float(p[t, k]),
                "named": RAVDESS[int(p[t].argmax())],
            }
            for t in range(len(p))
            for k in range(len(RAVDESS))
        ]
    )
    shown = pd.DataFrame(
        {
            "second": second[at],
            "named": [RAVDESS[k] for k in p[at].argmax(1)],
            "true": RAVDESS[truth],
        }
    )
    lines = frame.assign(drawn=frame.emotion.isin([RAVDESS[k] for k in drawn]))
    images = faces(data, sizes(profile).frames, sizes(profile).side)[row][
        at
    ]  # cut already: a film of its own would be cut again
    return outcome(lines, profile, Pictures, images=images, tiles=shown)


@runs.once
def mouths(profile: str = "quick") -> Outcome:
    """Extra 36: changes of the named emotion a second, by way, with the mouth speaking and silent."""
    frame = table(profile).frame
    return outcome(frame[(frame.metric == MEASURES["flicker"][0]) & (frame.against == "")], profile)
