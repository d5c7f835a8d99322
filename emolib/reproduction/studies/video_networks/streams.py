"""What the video networks read: four streams, one row a frame, all videos below each other.

Nothing is fitted: every stream reaches [0, 1] by a rule of its own, so no fold sees another.
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
from emolib.models.video_grid import windows
from emolib.reproduction.studies import affect_film

STREAMS = ("image", "landmarks", "pose", "mel")
DECIBELS = 80.0  # range of the sound, librosa's way (choices: orgil2021-c21)


@dataclass(frozen=True)
class Frames:
    """All frames of a set on one device.

    streams   name -> (N, width) in [0, 1], bfloat16 on a GPU, else float32
    target    (N, 2) float32;   seen  (N,) bool: annotated
    start     (V + 1,): video v is rows start[v] to start[v + 1];   subject  (V,)
    """

    streams: dict[str, Tensor]
    target: Tensor
    seen: Tensor
    start: np.ndarray
    subject: np.ndarray

    def video(self, v: int) -> slice:
        """Rows of video v."""
        return slice(int(self.start[v]), int(self.start[v + 1]))

    def batch(self, rows: slice | Tensor, length: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """target (W, L, 2), mask (W, L), streams (T, width); of a slice views, nothing is copied.

        A track shorter than a window is a window of its own length.
        """
        target = self.target[rows]
        length = min(length, len(target))
        mask = windows(self.seen[rows, None].to(target.dtype), length)[..., 0] > 0
        streams = {name: x[rows] for name, x in self.streams.items()}
        return windows(target, length), mask, streams

    @property
    def widths(self) -> dict[str, int]:
        return {name: x.shape[1] for name, x in self.streams.items()}


@functools.lru_cache(maxsize=2)
def frames(ref: str, device: str) -> Frames:
    """The frames behind a reference of emolib.data. Raises EmolibError without their features."""
    data = datasets.resolve(ref)
    tracks = data.valence_arousal
    start = _starts(data)
    seen = np.ones(start[-1], bool)
    if data.missing is not None:
        seen = ~np.concatenate(data.missing)
    kind = torch.bfloat16 if device == "cuda" else torch.float32
    streams = {}
    for v, columns in enumerate(_reader(data)(data)):
        count = len(tracks[v])
        for name, value in columns.items():
            if len(value) < count:
                raise EmolibError(
                    f"{data.name}: video {v} has {count} annotated frames but {len(value)} of "
                    f"{name}; extract its features anew"
                )
            if name not in streams:
                shape = (int(start[-1]), value.shape[1])
                streams[name] = torch.empty(shape, dtype=kind, device=device)
            rows = torch.from_numpy(np.ascontiguousarray(value[:count]))
            streams[name][start[v] : start[v + 1]] = rows
    target = torch.as_tensor(np.concatenate(tracks), device=device)
    return Frames(streams, target, torch.as_tensor(seen, device=device), start, data.subject)


def _starts(data: TrackSet) -> np.ndarray:
    """First row of each video, and the number of rows: (V + 1,)."""
    return np.concatenate([[0], np.cumsum([len(track) for track in data.valence_arousal])])


def _reader(data: TrackSet):
    """The function that yields the streams of each video."""
    if data.name == affect_film.NAME:
        return affect_film.streams
    return _simulated if data.source == "simulated" else _recorded


def squashed(features: np.ndarray) -> np.ndarray:
    """x / (1 + x) of what a ReLU lets through: [0, 1) without statistics of any set."""
    features = np.maximum(features, 0)
    return (features / (1 + features)).astype(np.float32)


def loudness(mel: np.ndarray) -> np.ndarray:
    """Log-mel rows in decibels (T, 128) -> [0, 1]: 1 is the loudest of the video, 0 80 dB below."""
    return np.clip((mel - mel.max()) / DECIBELS + 1, 0, 1).astype(np.float32)


def _simulated(data: TrackSet) -> Iterator[dict[str, np.ndarray]]:
    """The streams of each simulated video, made once and kept: another hand annotates the same."""
    options = json.loads(data.recipe)
    dials = {name: v for name, v in options.get("dials", {}).items() if name != "roughness"}
    world = {name: value for name, value in options.items() if name != "dials"}
    key = (world, dials, kept.simulator())
    streams = kept.arrays("video-streams-3", key, lambda: _acted(data, options))
    start = _starts(data)
    for v in range(len(data)):
        yield {name: streams[name][start[v] : start[v + 1]] for name in STREAMS}


def _acted(data: TrackSet, options: dict) -> dict[str, np.ndarray]:
    """The drawn face and body, a voice of the same feeling, and simulated face features."""
    from emolib.data.sim import soundtrack
    from emolib.data.sim.dials import Dials
    from emolib.features import mel

    options = options | {"kind": "features", "dials": Dials(roughness=0.0)}
    twin = datasets.load("aff_wild", source="simulated", **options)
    out = {name: [] for name in STREAMS}
    for v, (drawn, latent) in enumerate(zip(data.features, twin.features, strict=True)):
        row = drawn()  # (T, 136 + 36 + 19)
        points, body = row[:, :136].reshape(-1, 68, 2), row[:, 136:172].reshape(-1, 18, 2)
        body = np.pad(body, ((0, 0), (0, 0), (0, 1)))
        face, body = scaled(Landmarks(points=points, found=row.any(1), body=body), 1, 1)
        sound = mel.log_mel(soundtrack.of(data, v), soundtrack.RATE, hop_length=512)
        sound = np.asarray(mel.aligned(sound, soundtrack.RATE, 512, data.fps, len(row)))
        streams = (squashed(latent()), face, body, loudness(sound))
        for name, value in zip(STREAMS, streams, strict=True):
            out[name].append(value.astype(np.float32))
    return {name: np.concatenate(parts) for name, parts in out.items()}


def _recorded(data: TrackSet) -> Iterator[dict[str, np.ndarray]]:
    """What `emolib features --detector mediapipe` stored of real films; no face: zeros."""
    from emolib.features import store
    from emolib.features.extract import recipe

    made = [
        store.stored(data, recipe(feature, detector="mediapipe"))
        for feature in ("landmarks", "mel", "backbone")
    ]
    # a film without any face has no features, but needs as many columns
    width = next((film["features"].shape[1] for film in made[2] if "features" in film), 1)
    for marks, sound, look in zip(*made, strict=True):
        points = {name: marks[name] for name in ("points", "found", "body")}
        seen = Landmarks(**points, pupils=marks.get("pupils"))
        face, body = scaled(seen, *marks["size"])
        image = squashed(look.get("features", np.zeros((len(face), width))))
        streams = (image, face, body, loudness(sound["mel"]))
        yield dict(zip(STREAMS, map(np.nan_to_num, streams), strict=True))
