"""The tables of section 4.4: sizes counted on the networks, and how often each changes its mind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from emolib import metrics
from emolib.data.sim.clip_sets import RAVDESS, SECONDS
from emolib.models.costs import mult_adds, parameters
from emolib.models.resnet_lstm import PICTURE, SEGMENT, System
from emolib.reproduction.runs import Outcome, Pictures, held
from emolib.reproduction.studies.video.training import faces, strong
from emolib.training import plateaued

FRAME, MEAN, LSTM = "frame by frame", "running mean of the frames", "ResNet-18 + LSTM"
WAYS = (FRAME, MEAN, LSTM)
SPEAKING, SILENT = "speaking", "silent mouth"
MEASURES = {
    "flicker": ("changes of the named emotion", "a second", 1.0),
    "right": ("frames named rightly", "percent", 100.0),
    "last": ("films right after the last frame", "percent", 100.0),
}


# ---------------------------------------------------------------- the two listings


@held
def listing(study, clips: bool = False) -> Outcome:
    """The listings of section 4.4: parameters in M, multiply-adds in G at 1 and 25 frames."""
    image = "3D-Resnet-18" if clips else "2D-Resnet-18 + LSTM"
    with torch.device("meta"):
        net = System(clips=clips)
    every, trained = sum(p.numel() for p in net.parameters()), parameters(net)
    rows = [
        ("Total params", "counted", every / 1e6, "M"),
        ("Trainable params", "counted", trained / 1e6, "M"),
        ("Non-trainable params", "counted", (every - trained) / 1e6, "M"),
        ("Mult-Adds", "1 frame", cost(study, clips, 1) / 1e9, "G"),
        ("Mult-Adds", "25 frames", cost(study, clips, 25) / 1e9, "G"),
    ]
    frame = pd.DataFrame(rows, columns=["metric", "protocol", "measured", "unit"])
    frame["system"] = f"{image} image encoder, 2D-Resnet-18 audio encoder"
    return Outcome(frame, study.profile)


@held
def cost(study, clips: bool, frames: int) -> int:
    """Multiply-adds of a system on `frames` pictures of 224 x 224 and one segment of sound."""
    return mult_adds(lambda: System(clips=clips), (1, frames, *PICTURE), (1, 1, *SEGMENT))


# ---------------------------------------------------------------- how often the mind is changed


def probabilities(study, result: dict) -> np.ndarray:
    """Of a run's test films by mouth and way: (1 or 2, 3, N, T, 8)."""
    alone, remembered = np.moveaxis(result["probabilities"], 1, 0)  # (1 or 2, N, T, 8)
    frames = alone.shape[2]
    recent = min(study.sizes.recent or frames, frames)
    total = alone.cumsum(2, dtype=np.float64).astype(np.float32)
    gone = np.zeros_like(total)
    gone[:, :, recent:] = total[:, :, :-recent]
    counted = np.minimum(np.arange(1, frames + 1), recent).astype(np.float32)
    return np.stack([alone, (total - gone) / counted[:, None], remembered], 1)


@held
def film_by_film(study) -> pd.DataFrame:
    """One row per tested film, way and mouth, the mean over seeds.

    subject, flicker (changes of the named emotion a second), right (share of frames), last (1 or 0)
    """
    data, rows = strong(study.films, study.sizes.each), []
    subject = dict(zip(data.meta["image"], data.subject))
    for (fold, _), result in study.results.items():
        for mouth, by_way in zip((SPEAKING, SILENT), probabilities(study, result)):
            for way, p in zip(WAYS, by_way):
                named = p.argmax(-1)  # (N, T)
                right = named == result["truth"][:, None]
                part = {
                    "fold": fold,
                    "film": result["clips"],
                    "subject": [subject[name] for name in result["clips"]],
                    "way": way,
                    "mouth": mouth,
                    "flicker": flicker(named) / SECONDS,  # a real film's length differs little
                    "right": right.mean(1),
                    "last": right[:, -1].astype(float),
                }
                rows.append(pd.DataFrame(part))
    keys = ["fold", "film", "subject", "way", "mouth"]
    return pd.concat(rows).groupby(keys, sort=False, as_index=False)[list(MEASURES)].mean()


def flicker(named: np.ndarray) -> np.ndarray:
    """How often the named class changes from one frame to the next, (N,), of classes (N, T)."""
    return (named[:, 1:] != named[:, :-1]).sum(1)


@held
def changes(study) -> Outcome:
    """Extra 35: changes a second, frames and films right; and the comparisons, one Holm family."""
    frame, rows, tests = film_by_film(study), [], []
    parts = dict(list(frame.groupby(["way", "mouth"], sort=False)))
    how, pairs = {"draws": study.draws, "level": study.level}, family(study)
    for (way, mouth), part in parts.items():
        for column, (metric, unit, times) in MEASURES.items():
            values = metrics.bootstrap_ci(times * part[column], part.subject, **how)
            row = {"way": way, "mouth": mouth, "against": "", "metric": metric, "unit": unit}
            rows.append(row | dict(zip(("measured", "low", "high"), map(float, values))))
    how |= {"test": "floored bootstrap", "family": len(pairs)}
    for a, b, column in pairs:
        metric, unit, times = MEASURES[column]
        both = parts[a].merge(parts[b][["film", column]], on="film", suffixes=("", "_b"))
        gap = times * (both[column] - both[f"{column}_b"])
        about = {
            "way": a[0],
            "mouth": a[1],
            "against": ", ".join(b),
            "metric": f"difference: {metric}",
            "unit": unit if times == 1.0 else "points",
        }
        tests.append(about | metrics.difference(gap, both.subject, **how))
    frame = pd.DataFrame(rows + metrics.with_holm(tests)).assign(protocol=study.protocol)
    return study.outcome(frame, settled=settled(study))


def family(study) -> list[tuple]:
    """The comparisons, declared before any run: the LSTM's, and what speech does to each way."""
    lstm = (LSTM, SPEAKING)
    pairs = [
        (lstm, (way, SPEAKING), column) for column in ("flicker", "right") for way in (FRAME, MEAN)
    ]
    if study.silent is not None:
        pairs += [((way, SPEAKING), (way, SILENT), "flicker") for way in (FRAME, LSTM)]
    return pairs


def settled(study) -> frozenset[str]:
    """The protocol, if its networks have full width and both curves of every fold have settled."""
    curves = ("validation", "memory_validation")
    full = not study.sizes.narrow and all(
        plateaued(result[curve]) for result in study.results.values() for curve in curves
    )
    return frozenset({study.protocol} if full else ())


# ---------------------------------------------------------------- figures

TRACKS = 4  # emotions whose probabilities are drawn
TILES = 10  # frames that are shown


@held
def frame_by_frame(study) -> Pictures:
    """Figure 4.16."""
    return _strip(study, FRAME)


@held
def with_memory(study) -> Pictures:
    """Figure 4.17."""
    return _strip(study, LSTM)


def _strip(study, way: str) -> Pictures:
    """The film where frame by frame changes most often."""
    frame = film_by_film(study)
    part = frame[(frame.way == FRAME) & (frame.mouth == SPEAKING)]
    fold, name = part.loc[part.flicker.idxmax(), ["fold", "film"]]
    result = study.results[fold, 0]
    i = int(np.flatnonzero(result["clips"] == name)[0])
    answers = dict(zip(WAYS, probabilities(study, result)[0][:, i]))  # (T, 8) each
    p, true = answers[way], int(result["truth"][i])
    largest = np.maximum(answers[FRAME].max(0), answers[LSTM].max(0))  # the same in both figures
    drawn = [true, *(k for k in np.argsort(-largest) if k != true)][:TRACKS]
    emotions, second = np.array(RAVDESS), np.round(np.linspace(0, SECONDS, len(p)), 3)
    lines = pd.DataFrame(
        {
            "film": name,
            "true": RAVDESS[true],
            "second": np.repeat(second, len(RAVDESS)),
            "emotion": np.tile(emotions, len(p)),
            "measured": p.ravel().astype(float),
            "named": np.repeat(emotions[p.argmax(1)], len(RAVDESS)),
        }
    )
    lines["drawn"] = lines.emotion.isin(emotions[drawn])
    at = np.linspace(0, len(p) - 1, min(TILES, len(p))).round().astype(int)
    tiles = {"second": second[at], "named": emotions[p[at].argmax(1)], "true": RAVDESS[true]}
    data = strong(study.films, study.sizes.each)
    row = int(np.flatnonzero(data.meta["image"] == name)[0])
    images = faces(data, study.sizes.frames, study.sizes.side)[row][at]
    return study.outcome(lines, Pictures, images=images, tiles=pd.DataFrame(tiles))
