"""What the video networks read: four streams, one row a frame, of all videos below each other (notebook 11).

Nothing here is fitted: every stream reaches [0, 1] by a rule of its own, so no fold sees another. Points are divided by the side
of the picture, decibels are counted from 80 below the loudest of the video, and features of a backbone, never negative behind
their ReLU, go through x / (1 + x).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from emolib import data as datasets
from emolib.data import kept
from emolib.features.landmarks import Landmarks, scaled
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError

STREAMS = ("image", "landmarks", "pose", "mel")
DECIBELS = 80.0  # range of the sound, librosa's way (choices: orgil2021-c21)


@dataclass(frozen=True)
class Frames:
    """All frames of a set on one device. streams: name -> (N, width) in [0, 1], bfloat16 on a GPU, else float32; target (N, 2) float32;
    seen (N,) bool: annotated; start (V + 1,): video v is rows start[v] to start[v + 1]; subject (V,)."""

    streams: dict[str, Tensor]
    target: Tensor
    seen: Tensor
    start: np.ndarray
    subject: np.ndarray

    def of(self, rows: slice | Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """target (T, 2), seen (T,), streams (T, width); of a slice views, nothing is copied."""
        return (
            self.target[rows],
            self.seen[rows],
            {name: x[rows] for name, x in self.streams.items()},
        )

    def video(self, v: int) -> slice:
        """Rows of video v."""
        return slice(int(self.start[v]), int(self.start[v + 1]))

    @property
    def widths(self) -> dict[str, int]:
        return {name: x.shape[1] for name, x in self.streams.items()}


@functools.lru_cache(maxsize=2)
def frames(ref: str, device: str) -> Frames:
    """The frames behind a reference of emolib.data, on the device once. Raises EmolibError where features were not extracted."""
    data = datasets.resolve(ref)
    tracks, kind = data.valence_arousal, torch.bfloat16 if device == "cuda" else torch.float32
    start = np.concatenate([[0], np.cumsum([len(track) for track in tracks])])
    seen = (
        np.concatenate([~m for m in data.missing])
        if data.missing is not None
        else np.ones(start[-1], bool)
    )
    made = (_simulated if data.source == "simulated" else _recorded)(data)
    streams = {}
    for v, columns in enumerate(made):
        for name, value in columns.items():
            if name not in streams:
                streams[name] = torch.empty(
                    int(start[-1]), value.shape[1], dtype=kind, device=device
                )
            if len(value) < len(tracks[v]):
                raise EmolibError(
                    f"{data.name}: video {v} has {len(tracks[v])} annotated frames but {len(value)} of {name}; extract its features anew"
                )
            streams[name][start[v] : start[v + 1]] = torch.from_numpy(
                np.ascontiguousarray(value[: len(tracks[v])])
            )
    return Frames(
        streams,
        torch.as_tensor(np.concatenate(tracks), device=device),
        torch.as_tensor(seen, device=device),
        start,
        data.subject,
    )


def squashed(features: np.ndarray) -> np.ndarray:
    """x / (1 + x) of what a ReLU lets through: [0, 1) without statistics of any set."""
    features = np.maximum(features, 0)
    return (features / (1 + features)).astype(np.float32)


def loudness(mel: np.ndarray) -> np.ndarray:
    """Log-mel rows in decibels (T, 128) -> [0, 1]: 1 is the loudest of the video, 0 is 80 dB below and silence."""
    return np.clip((mel - mel.max()) / DECIBELS + 1, 0, 1).astype(np.float32)


def _simulated(data: TrackSet) -> Iterator[dict[str, np.ndarray]]:
    """The streams of each simulated video; made once and kept. The hand that annotates (roughness) leaves them as they are."""
    options = json.loads(data.recipe)
    same = {name: value for name, value in options.get("dials", {}).items() if name != "roughness"}
    key = (
        {name: value for name, value in options.items() if name != "dials"},
        same,
        kept.simulator(),
    )
    held = kept.arrays("video-streams-3", key, lambda: _acted(data, options))
    start = np.concatenate([[0], np.cumsum([len(track) for track in data.valence_arousal])])
    for v in range(len(data)):
        yield {name: held[name][start[v] : start[v + 1]] for name in STREAMS}


def _acted(data: TrackSet, options: dict) -> dict[str, np.ndarray]:
    """The drawn face's points and body, the voice of the same feeling, and the generative model of tracks as the face feature."""
    from emolib.data.sim import soundtrack
    from emolib.data.sim.dials import Dials
    from emolib.features import mel

    twin = datasets.load(
        "aff_wild",
        source="simulated",
        **options | {"kind": "features", "dials": Dials(**{"roughness": 0.0})},
    )
    out = {name: [] for name in STREAMS}
    for k, (drawn, latent) in enumerate(zip(data.features, twin.features, strict=True)):
        row = drawn()  # (T, 136 + 36 + 19)
        points, body = row[:, :136].reshape(-1, 68, 2), row[:, 136:172].reshape(-1, 18, 2)
        seen = Landmarks(
            points=points, found=row.any(1), body=np.pad(body, ((0, 0), (0, 0), (0, 1)))
        )
        sound = mel.log_mel(soundtrack.of(data, k), soundtrack.RATE, hop_length=512)
        loud = loudness(np.asarray(mel.aligned(sound, soundtrack.RATE, 512, data.fps, len(row))))
        for name, value in zip(
            STREAMS, (squashed(latent()), *scaled(seen, 1, 1), loud), strict=True
        ):
            out[name].append(value.astype(np.float32))
    return {name: np.concatenate(parts) for name, parts in out.items()}


def _recorded(data: TrackSet) -> Iterator[dict[str, np.ndarray]]:
    """What `emolib features --detector mediapipe` stored of the real films; frames without a face are zeros."""
    from emolib.features import store
    from emolib.features.extract import recipe

    made = [
        store.stored(data, recipe(feature, detector="mediapipe"))
        for feature in ("landmarks", "mel", "backbone")
    ]
    width = next(
        (film["features"].shape[1] for film in made[2] if "features" in film), 1
    )  # a film without any face has none
    for marks, sound, look in zip(*made, strict=True):
        seen = Landmarks(
            points=marks["points"],
            found=marks["found"],
            body=marks["body"],
            pupils=marks.get("pupils"),
        )
        face, body = scaled(seen, *marks["size"])
        image = look.get("features", np.zeros((len(face), width)))
        yield dict(
            zip(
                STREAMS,
                map(np.nan_to_num, (squashed(image), face, body, loudness(sound["mel"]))),
                strict=True,
            )
        )
