"""Small classifiers of simulated clips, seen, heard or both: what the explorer needs to show modalities (notebook 90)."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emolib import data as datasets
from emolib.data.sim import clip_sets
from emolib.data.splits import cross_validation
from emolib.features import mel, texture

PARTS = (
    "both",
    "face",
    "sound",
)  # what of a clip is there at test; the rest is replaced by the mean of the training clips
WAYS = ("whole clips", "parts missing")  # what a classifier is trained on


def run(*, data: str, folds: int, frames: int, seed: int, strength: float) -> dict:
    """Train one linear classifier per way and fold on simulated clips, and read it on whole clips and on each part alone.

    frames    still frames a clip is seen by, evenly spaced; their local binary patterns are averaged
    strength  C of the logistic regression: fixed, for nothing is chosen here
    Returns scores (2 ways, 3 parts, N, C), the fold (N,) that tested each clip, and the classes (C,) that occur.
    """
    clips = first(datasets.resolve(data))
    views = {"face": _seen(clips, frames), "sound": _heard(clips)}
    width = views["face"].shape[1]
    x = np.hstack([views["face"], views["sound"]])  # (N, D)
    classes, label = np.unique(clips.label, return_inverse=True)
    scores, fold = (
        np.zeros((len(WAYS), len(PARTS), len(clips), len(classes))),
        np.full(len(clips), -1),
    )
    for k, split in enumerate(cross_validation(clips, folds, seed=seed)):
        known = np.concatenate(
            [split.train, split.validation]
        )  # no setting is chosen, so validation trains too
        fit = StandardScaler().fit(x[known])
        train, test = (
            _parts(fit.transform(x[known]), width),
            _parts(fit.transform(x[split.test]), width),
        )
        fold[split.test] = k
        for w, way in enumerate(WAYS):
            shown = PARTS if way == "parts missing" else PARTS[:1]
            model = LogisticRegression(C=strength / len(shown), max_iter=300)
            model.fit(np.vstack([train[p] for p in shown]), np.tile(label[known], len(shown)))
            for p, part in enumerate(PARTS):
                scores[w, p, split.test] = model.decision_function(test[part])
    return {"scores": scores, "fold": fold, "classes": classes}


def first(clips):
    """The clips that are used: the first of the two takes of each sentence."""
    return clips.select(first_takes(clips))


def first_takes(clips) -> np.ndarray:
    return np.flatnonzero(clips.meta["repetition"] == 1)


def _parts(z: np.ndarray, width: int) -> dict[str, np.ndarray]:
    """Standardised features as whole clips, faces alone and sounds alone: what is missing is 0, its mean in training."""
    face, sound = z.copy(), z.copy()
    face[:, width:], sound[:, :width] = 0, 0
    return {"both": z, "face": face, "sound": sound}


def _seen(clips, frames: int) -> np.ndarray:
    """Local binary patterns of each clip's frames, averaged: (N, D)."""
    found, last = [], int(clip_sets.SECONDS * clip_sets.FPS) - 1
    at = np.linspace(0.25, 0.75, frames) * last  # the middle half, where the expression is
    for clip in range(len(clips)):
        grey = clip_sets.drawn(clips, clip, at.round().astype(int)).mean(-1)
        found.append(texture.lbp(grey.astype(np.uint8)).mean(0))
    return np.array(found)


def _heard(clips) -> np.ndarray:
    """Mean and spread over time of each mel band in decibels: (N, 256)."""
    found = []
    for wave in clips.waveform:
        bands = mel.log_mel(wave(), clips.rate)  # (frames, 128)
        found.append(np.concatenate([bands.mean(0), bands.std(0)]))
    return np.array(found)
