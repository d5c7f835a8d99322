"""A film as sequence networks read it: what it sounds and looks like, what its characters show
(notebooks 11 and 12).

studyforrest is one film in eight segments. They take turns: one is tested, one of the others
validates, and a gap at both ends keeps neighbours apart. Interval and sign flips are over segments.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emolib import data as datasets
from emolib.data.splits import Split
from emolib.data.studyforrest import PICTURE, SOUND
from emolib.ground.containers import TrackSet

NAME = "studyforrest"
SEGMENTS = 8
GAP = 10  # seconds left out at both ends of a segment
# Of rms, lrdiff, brmean, brlr, brud, normdiff: middle and spread of the film, rounded by eye.
USUAL = np.array([0.05, 0.0, 70.0, 0.0, 15.0, 0.05])
STEP = np.array([0.06, 0.006, 30.0, 50.0, 60.0, 0.06])


def film(rate: int = 1) -> TrackSet:
    """Eight tracks of what all characters show, `rate` steps a second; it ships with emolib."""
    return datasets.load(NAME, rate=rate, gap=GAP)


def columns(data: TrackSet, v: int) -> np.ndarray:
    """Loudness, brightness and change of segment v, float32 (T, 6), of order 1: less `USUAL`, in
    units of `STEP`, the same round numbers for every segment."""
    x = data.features[v]()
    return np.clip((x - USUAL) / STEP, -5, 5).astype(np.float32)


def streams(data: TrackSet):
    """Of each segment the streams of notebook 11: `image` is the picture's four columns, `mel` the
    sound's two; nobody has landmarks or a pose, and these are (T, 0)."""
    for v in range(len(data)):
        x = columns(data, v)
        nothing = x[:, :0]
        yield {"image": x[:, PICTURE], "landmarks": nothing, "pose": nothing, "mel": x[:, SOUND]}


# ---- without a network

MEAN, BEFORE = "mean label, no network", "label a second before, no network"  # knows the answer
SIDES = {"sound": SOUND, "picture": PICTURE, "both": slice(None)}
RIDGE = "ridge, {}, no network"
READ = {  # ridge that reads what a network of notebook 11 reads
    "Full Network": RIDGE.format("both"),
    "Without mel Spectrogram": RIDGE.format("picture"),
    "Audio Network": RIDGE.format("sound"),
}
PAST = (2, 4, 8, 16)  # seconds


def lagged(x: np.ndarray, rate: int) -> np.ndarray:
    """Columns (T, D), and their means over the last PAST seconds: (T, 5 D)."""
    total = np.concatenate([np.zeros_like(x[:1]), x.cumsum(0)])
    until, parts = np.arange(len(x)) + 1, [x]
    for seconds in PAST:
        since = np.maximum(until - seconds * rate, 0)
        parts.append((total[until] - total[since]) / (until - since)[:, None])
    return np.hstack(parts)


def without_network(data: TrackSet, chosen: Split, ridge: Callable) -> dict[int, dict]:
    """test segment -> method -> answer (T, 2).

    ridge   function of training and validation (features, labels) -> a fitted regression
    """
    label, rate = data.valence_arousal, round(data.fps)
    constant = np.concatenate([label[v] for v in chosen.train]).mean(0)
    said = {}
    for v in chosen.test:
        before = np.concatenate([np.repeat(label[v][:1], rate, 0), label[v][:-rate]])
        said[v] = {MEAN: np.broadcast_to(constant, label[v].shape), BEFORE: before}
    for name, side in SIDES.items():
        seen = {v: lagged(columns(data, v)[:, side], rate) for v in range(len(data))}
        pairs = []
        for part in (chosen.train, chosen.validation):
            look = np.concatenate([seen[v] for v in part])
            pairs.append((look, np.concatenate([label[v] for v in part])))
        fit = ridge(*pairs)
        for v in chosen.test:
            said[v][RIDGE.format(name)] = fit.predict(seen[v])
    return said
