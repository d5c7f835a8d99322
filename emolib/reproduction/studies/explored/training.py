"""Linear classifiers of simulated clips, seen, heard or both, for the explorer (notebook 90)."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from emolib import data as datasets
from emolib.data.sim import clip_sets
from emolib.data.splits import cross_validation
from emolib.features import mel, texture

PARTS = ("both", "face", "sound")  # what of a clip is there at test
WAYS = ("whole clips", "parts missing")  # what a classifier is trained on


def run(*, data: str, folds: int, frames: int, seed: int, strength: float) -> dict:
    """Train a classifier per way and fold, and read it on whole clips and on each part alone.

    frames    evenly spaced frames a clip is seen by; their local binary patterns are averaged
    strength  C of the logistic regression: fixed, for nothing is chosen here
    Returns scores (2 ways, 3 parts, N, C), the fold (N,) that tested each clip, the classes (C,).
    """
    clips = datasets.resolve(data)
    clips = clips.select(first_takes(clips))
    face = _seen(clips, frames)
    x = np.hstack([face, _heard(clips)])  # (N, D)
    width = face.shape[1]
    classes, label = np.unique(clips.label, return_inverse=True)
    scores = np.zeros((len(WAYS), len(PARTS), len(clips), len(classes)))
    fold = np.full(len(clips), -1)
    for number, split in enumerate(cross_validation(clips, folds, seed=seed)):
        # no setting is chosen, so validation trains too
        known = np.concatenate([split.train, split.validation])
        scale = StandardScaler().fit(x[known])
        train = _parts(scale.transform(x[known]), width)
        test = _parts(scale.transform(x[split.test]), width)
        fold[split.test] = number
        for w, shown in enumerate((train[:1], train)):
            model = LogisticRegression(C=strength / len(shown), max_iter=300)
            model.fit(np.vstack(shown), np.tile(label[known], len(shown)))
            for p, part in enumerate(test):
                scores[w, p, split.test] = model.decision_function(part)
    return {"scores": scores, "fold": fold, "classes": classes}


def first_takes(clips) -> np.ndarray:
    """Rows of the clips that are used: the first of the two takes of each sentence."""
    return np.flatnonzero(clips.meta["repetition"] == 1)


def _parts(z: np.ndarray, width: int) -> list[np.ndarray]:
    """Standardised features in the order of PARTS: what is missing is 0, its mean in training."""
    face, sound = z.copy(), z.copy()
    face[:, width:], sound[:, :width] = 0, 0
    return [z, face, sound]


def _seen(clips, frames: int) -> np.ndarray:
    """Local binary patterns of each clip's frames, averaged: (N, D)."""
    last = int(clip_sets.SECONDS * clip_sets.FPS) - 1
    at = np.linspace(0.25, 0.75, frames) * last  # the middle half, where the expression is
    patterns = []
    for clip in range(len(clips)):
        grey = clip_sets.drawn(clips, clip, at.round().astype(int)).mean(-1)
        patterns.append(texture.lbp(grey.astype(np.uint8)).mean(0))
    return np.array(patterns)


def _heard(clips) -> np.ndarray:
    """Mean and spread over time of each mel band in decibels: (N, 256)."""
    bands = [mel.log_mel(wave(), clips.rate) for wave in clips.waveform]  # (frames, 128) each
    return np.array([np.concatenate([band.mean(0), band.std(0)]) for band in bands])
