"""What the video networks read: four streams, one row a frame, of all videos below each other (notebook 11).

Nothing here is fitted: every stream reaches [0, 1] by a rule of its own, so no fold sees another. Points are divided by the side
of the picture, decibels are counted from 80 below the loudest of the video, and features of a backbone, never negative behind
their ReLU, go through x / (1 + x).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from emolib import data as datasets
from emolib.containers import TrackSet
from emolib.data import kept
from emolib.errors import EmolibError
from emolib.features.landmarks import Landmarks, scaled

DECIBELS = 80.0                          # range of the sound, librosa's way (choices: orgil2021-c21)


@dataclass(frozen=True)
class Frames:
    """All frames of a set. streams: name -> float32 (N, width) in [0, 1]; target (N, 2); seen (N,) bool: annotated;
    start (V + 1,): video v is rows start[v] to start[v + 1]; subject (V,)."""

    streams: dict[str, np.ndarray]
    target: np.ndarray
    seen: np.ndarray
    start: np.ndarray
    subject: np.ndarray


def frames(ref: str) -> Frames:
    """The frames behind a reference of emolib.data, made once and kept. Raises EmolibError where features were not extracted."""
    data = datasets.resolve(ref)
    make = _simulated if data.source == "simulated" else _recorded
    held = kept.arrays("video-streams-2", (ref, kept.simulator()), lambda: make(data, ref)) if data.source == "simulated" else make(data, ref)
    lengths = [len(track) for track in data.valence_arousal]
    seen = np.concatenate([~m for m in data.missing]) if data.missing is not None else np.ones(sum(lengths), bool)
    return Frames(dict(held), np.concatenate(data.valence_arousal), seen, np.concatenate([[0], np.cumsum(lengths)]), data.subject)


def squashed(features: np.ndarray) -> np.ndarray:
    """x / (1 + x) of what a ReLU lets through: [0, 1) without statistics of any set."""
    features = np.maximum(features, 0)
    return (features / (1 + features)).astype(np.float32)


def loudness(mel: np.ndarray) -> np.ndarray:
    """Log-mel rows in decibels (T, 128) -> [0, 1]: 1 is the loudest of the video, 0 is 80 dB below and silence."""
    return np.clip((mel - mel.max()) / DECIBELS + 1, 0, 1).astype(np.float32)


def _simulated(data: TrackSet, ref: str) -> dict[str, np.ndarray]:
    """The drawn face's points and body, the voice of the same feeling, and the generative model of tracks as the face feature."""
    from emolib.features import mel
    from emolib.sim import soundtrack

    options = json.loads(data.recipe) | {"kind": "features"}
    if "dials" in options:
        from emolib.sim.dials import Dials

        options["dials"] = Dials(**options["dials"])
    twin = datasets.load("aff_wild", source="simulated", **options)
    out = {"image": [], "landmarks": [], "pose": [], "mel": []}
    for k, (drawn, latent) in enumerate(zip(data.features, twin.features, strict=True)):
        row = drawn()                                                             # (T, 136 + 36 + 19)
        points, body = row[:, :136].reshape(-1, 68, 2), row[:, 136:172].reshape(-1, 18, 2)
        face, body = scaled(Landmarks(points=points, found=row.any(1), body=np.pad(body, ((0, 0), (0, 0), (0, 1)))), 1, 1)
        sound = mel.log_mel(soundtrack.of(data, k), soundtrack.RATE, hop_length=512)
        out["image"].append(squashed(latent()))
        out["landmarks"].append(face)
        out["pose"].append(body)
        out["mel"].append(loudness(np.asarray(mel.aligned(sound, soundtrack.RATE, 512, data.fps, len(row)))))
    return {name: np.concatenate(parts).astype(np.float32) for name, parts in out.items()}


def _recorded(data: TrackSet, ref: str) -> dict[str, np.ndarray]:
    """What `emolib features --detector mediapipe` stored of the real films; frames without a face are zeros."""
    from emolib.features import store
    from emolib.features.extract import recipe

    made = {feature: store.stored(data, recipe(feature, detector="mediapipe")) for feature in ("landmarks", "mel", "backbone")}
    width = next((f["features"].shape[1] for f in made["backbone"] if "features" in f), 1)       # a film without any face has none
    out = {"image": [], "landmarks": [], "pose": [], "mel": []}
    for v, track in enumerate(data.valence_arousal):
        marks, sound, look = (made[feature][v] for feature in ("landmarks", "mel", "backbone"))
        seen = Landmarks(points=marks["points"], found=marks["found"], body=marks["body"], pupils=marks.get("pupils"))
        face, body = scaled(seen, *marks["size"])
        columns = {"image": squashed(look.get("features", np.zeros((len(face), width)))), "landmarks": face, "pose": body, "mel": loudness(sound["mel"])}
        for name, value in columns.items():
            if len(value) < len(track):
                raise EmolibError(f"{data.name}: video {v} has {len(track)} annotated frames but {len(value)} of {name}; extract its features anew")
            out[name].append(np.nan_to_num(value[:len(track)]).astype(np.float32))
    return {name: np.concatenate(parts) for name, parts in out.items()}
