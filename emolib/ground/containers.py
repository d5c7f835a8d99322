"""Four containers: what every loader returns and every study takes, real or simulated alike.

Each holds one row per sample and carries `label`, `subject`, `split` and `meta` beside it, plus
`.source` ('real' or 'simulated'), a badge that follows every number made from it, and
`.fingerprint`, which names its content. Arrays are checked on construction: a wrong shape, a NaN or
a label outside the classes is an error with the row in it, never a silent repair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.ground.errors import EmolibError

SOURCES = ("real", "simulated")


def digest(*parts) -> str:
    """SHA-256 (16 hex digits) over arrays, tables and plain values: dtype, shape, bytes count."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.DataFrame):
            h.update(part.to_csv(index=False).encode())
        elif isinstance(part, np.ndarray) and part.dtype != object:
            h.update(f"{part.dtype}{part.shape}".encode())
            h.update(np.ascontiguousarray(part).tobytes())
        elif isinstance(part, np.ndarray):
            h.update(repr(part.tolist()).encode())
        else:
            h.update(repr(part).encode())
    return h.hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class _Samples:
    """What the four containers share: one entry per sample in each of these."""

    label: np.ndarray  # (N,) int64, index into `classes`
    subject: np.ndarray  # (N,) str: actor, movie, model, video ...
    split: np.ndarray  # (N,) str: the set's own split, '' if it has none
    meta: pd.DataFrame = field(default=None)  # N rows: file name, the set's own label code ...
    source: str = "simulated"
    name: str = ""
    recipe: str = ""  # JSON of the arguments `data.load` took; not part of the content
    classes: tuple[str, ...] = EMOTIONS

    _lowest_label: ClassVar[int] = 0  # -1 where a sample may have no class (tracks)
    _rows: ClassVar[tuple[str, ...]]  # further fields with one entry per sample; the first counts
    _kind: ClassVar[str] = "samples"

    def __post_init__(self):
        none = pd.DataFrame(index=range(len(self)))
        self._put("label", np.asarray(self.label, dtype=np.int64))
        self._put("subject", _text(self.subject))
        self._put("split", _text(self.split))
        self._put("meta", none if self.meta is None else self.meta.reset_index(drop=True))
        if self.source not in SOURCES:
            raise EmolibError(f"{self.name}: source is '{self.source}', expected one of {SOURCES}")
        self._check_lengths("label", "subject", "split", "meta")
        bad = np.flatnonzero((self.label < self._lowest_label) | (self.label >= len(self.classes)))
        if bad.size:
            raise EmolibError(
                f"{self.name}: label {self.label[bad[0]]} in row {bad[0]}, "
                f"expected {self._lowest_label} to {len(self.classes) - 1}"
            )

    def _put(self, name: str, value) -> None:
        object.__setattr__(self, name, value)  # what a frozen dataclass takes while it is built

    def _check_lengths(self, *names: str) -> None:
        for name in names:
            values = getattr(self, name)
            if values is not None and len(values) != len(self):
                kind = "samples" if name in _PER_SAMPLE else self._kind
                raise EmolibError(f"{self.name}: {len(self)} {kind} but {len(values)} in `{name}`")

    def __len__(self) -> int:
        return len(getattr(self, self._rows[0]))

    def _content(self) -> tuple:
        raise NotImplementedError

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of content and source; equal content, equal fingerprint, on any machine."""
        shared = (self.source, self.classes, self.label, self.subject, self.split, self.meta)
        return digest(*shared, *self._content())

    def select(self, rows):
        """The same container with only `rows` (index array or boolean mask), in that order."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        names = (*_PER_SAMPLE, *self._rows)
        return replace(self, **{name: _take(getattr(self, name), rows) for name in names})


_PER_SAMPLE = ("label", "subject", "split", "meta")


def _text(values) -> np.ndarray:
    """Text in an array no wider than its longest entry: the width is part of the dtype, and so of
    the fingerprint."""
    text = np.asarray(values).astype(str)
    return text.astype(f"<U{max(1, np.char.str_len(text).max(initial=0))}")


def _take(values, rows):
    if values is None:
        return None
    if isinstance(values, pd.DataFrame):
        return values.iloc[rows]
    return values[rows] if isinstance(values, np.ndarray) else [values[i] for i in rows]


@dataclass(frozen=True, kw_only=True)
class TableSet(_Samples):
    """Fixed-length features. `features` float64 (N, F), finite; `columns` names the F features."""

    features: np.ndarray
    columns: tuple[str, ...] = ()

    _rows = ("features",)

    def __post_init__(self):
        self._put("features", np.asarray(self.features, dtype=np.float64))
        if self.features.ndim != 2:
            raise EmolibError(
                f"{self.name}: features have shape {self.features.shape}, expected (N, F)"
            )
        bad = np.argwhere(~np.isfinite(self.features))
        if bad.size:
            row, column = bad[0]
            raise EmolibError(
                f"{self.name}: feature {column} of row {row} is {self.features[row, column]}, "
                "expected a finite number"
            )
        super().__post_init__()

    def _content(self) -> tuple:
        return (self.features, self.columns)


@dataclass(frozen=True, kw_only=True)
class ImageSet(_Samples):
    """Images of one size. `images` uint8 (N, H, W) grey or (N, H, W, 3) RGB."""

    images: np.ndarray

    _rows = ("images",)

    def __post_init__(self):
        shape = self.images.shape
        grey_or_colour = len(shape) == 3 or (len(shape) == 4 and shape[-1] == 3)
        if self.images.dtype != np.uint8 or not grey_or_colour:
            raise EmolibError(
                f"{self.name}: images are {self.images.dtype} {shape}, "
                "expected uint8 (N, H, W) or (N, H, W, 3)"
            )
        super().__post_init__()

    def _content(self) -> tuple:
        return (self.images,)


@dataclass(frozen=True, kw_only=True)
class ClipSet(_Samples):
    """Clips that are read when asked for: frames, waveform or both.

    content    what names each clip's content without reading it all (file digest, simulator
               arguments)
    frames     one function per clip, () -> uint8 (T, H, W[, 3]), or None
    waveform   one function per clip, () -> float32 (samples,) in [-1, 1], or None
    fps, rate  frames and samples per second
    """

    content: Sequence[str]
    frames: Sequence[Callable[[], np.ndarray]] | None = None
    waveform: Sequence[Callable[[], np.ndarray]] | None = None
    fps: float | None = None
    rate: int | None = None

    _rows = ("content", "frames", "waveform")
    _kind = "clips"

    def __post_init__(self):
        if self.frames is None and self.waveform is None:
            raise EmolibError(f"{self.name}: a clip set needs frames, a waveform or both")
        self._check_lengths("frames", "waveform")
        super().__post_init__()

    def _content(self) -> tuple:
        return (list(self.content), self.fps, self.rate)


@dataclass(frozen=True, kw_only=True)
class TrackSet(_Samples):
    """Per-video tracks: features over time and the valence-arousal annotation of each frame.

    features         one function per video, () -> float32 (T, D)
    valence_arousal  one float32 (T, 2) per video, each value in [-1, 1]
    content          what names each video's features without reading them
    fps              frames per second
    missing          None, or one bool (T,) per video: True where nothing was annotated
                     (valence_arousal is 0 there)
    label            -1 for a video without an emotion class
    """

    features: Sequence[Callable[[], np.ndarray]]
    valence_arousal: Sequence[np.ndarray]
    content: Sequence[str]
    fps: float = 30.0
    missing: Sequence[np.ndarray] | None = None

    _lowest_label = -1
    _rows = ("valence_arousal", "features", "content", "missing")
    _kind = "videos"

    def __post_init__(self):
        self._check_lengths("features", "content", "missing")
        for i, track in enumerate(self.valence_arousal):
            if track.ndim != 2 or track.shape[1] != 2 or not (np.abs(track) <= 1).all():
                raise EmolibError(
                    f"{self.name}: annotation of video {i} has shape {track.shape} and values "
                    "outside [-1, 1] or not finite; expected (T, 2) in [-1, 1]"
                )
        for i, (mask, track) in enumerate(zip(self.missing or (), self.valence_arousal)):
            if mask.dtype != bool or mask.shape != (len(track),):
                raise EmolibError(
                    f"{self.name}: `missing` of video {i} is {mask.dtype} {mask.shape}, "
                    f"expected bool ({len(track)},)"
                )
            if track[mask].any():
                raise EmolibError(
                    f"{self.name}: video {i} has values in frames marked missing; expected 0 there"
                )
        super().__post_init__()

    def _content(self) -> tuple:
        return (list(self.content), *self.valence_arousal, self.fps, *(self.missing or ()))
