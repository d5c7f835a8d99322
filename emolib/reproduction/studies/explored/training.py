"""What the explorer shows (notebook 90): simulated clips seen, heard or both; faces seen twice."""

from __future__ import annotations

import copy

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emolib import data as datasets
from emolib.data.sim import clip_sets
from emolib.data.splits import cross_validation
from emolib.features import mel, texture
from emolib.models import classifiers, trained
from emolib.reproduction.studies.faces import PARTS as FACE_PARTS
from emolib.reproduction.studies.faces import part_rows

PARTS = ("both", "face", "sound")  # what of a clip is there at test
WAYS = ("whole clips", "parts missing")  # what a classifier is trained on
SEEN = ("emolib's network", "the same before it met a face")


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


# ---------------------------------------------------------------- faces


def look(*, data: str, weights: str, shown: int, taught: int) -> dict:
    """The network on faces that comes with emolib looks at test pictures, and so does the same
    network before it has met a face: as ImageNet left it.

    weights   digest of emolib's, which learnt from the training part
    taught    training pictures from which a linear classifier reads what ImageNet's network sees
    Returns rows (N,) of PrivateTest and, of each of SEEN, features (N, 1280) and scores (N, 7).
    """
    faces, network = datasets.resolve(data), trained.load("faces")
    rows, known = part_rows(faces, FACE_PARTS[2], shown), part_rows(faces, FACE_PARTS[0], taught)
    body = copy.deepcopy(network.net)
    body.reset_classifier(0)
    before = classifiers.efficientnet_lite0(classes=0).eval()
    met, unmet = (_features(net, faces.images[rows]) for net in (body, before))
    with torch.inference_mode():
        scores = network.net.get_classifier()(torch.from_numpy(met)).numpy()
    machine = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3, max_iter=300))
    machine.fit(_features(before, faces.images[known]), faces.label[known])
    guessed = np.full((len(rows), 7), -1e3)
    guessed[:, machine[-1].classes_] = machine.decision_function(unmet)
    values = ((scores, met), (guessed, unmet))
    named = {}
    for name, (score, features) in zip(SEEN, values):
        named |= {f"scores {name}": score, f"features {name}": features.astype(np.float32)}
    return {"rows": rows} | named


@torch.inference_mode()
def _features(body, images: np.ndarray) -> np.ndarray:
    """float32 (N, 1280) of faces uint8 (N, 48, 48)."""
    parts = [body(trained.face_fed(images[k : k + 64])) for k in range(0, len(images), 64)]
    return torch.cat(parts).numpy() if parts else np.zeros((0, 1280), np.float32)


# ---------------------------------------------------------------- simulated clips


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
