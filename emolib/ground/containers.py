"""Four containers: what every loader returns and every study takes, real or simulated alike.

Each holds one row per sample and carries `label`, `subject`, `split` and `meta` beside it, plus
`.source` ('real' or 'simulated'), a badge that follows every number made from it, and
`.fingerprint`, which names its content. Arrays are checked on construction: a wrong shape, a
NaN or a label outside the classes is an error with the row in it, never a silent repair.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.ground.errors import EmolibError

SOURCES = ("real", "simulated")


def digest(*parts) -> str:
    """SHA-256 (16 hex digits) over arrays, tables and plain values: dtype, shape and bytes all count."""
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

    _lowest_label = 0  # -1 where a sample may have no class (tracks)

    def __post_init__(self):
        put = object.__setattr__
        put(self, "label", np.asarray(self.label, dtype=np.int64))
        put(self, "subject", _text(self.subject))
        put(self, "split", _text(self.split))
        put(
            self,
            "meta",
            pd.DataFrame(index=range(len(self)))
            if self.meta is None
            else self.meta.reset_index(drop=True),
        )
        if self.source not in SOURCES:
            raise EmolibError(f"{self.name}: source is '{self.source}', expected one of {SOURCES}")
        for what in ("label", "subject", "split", "meta"):
            if len(getattr(self, what)) != len(self):
                raise EmolibError(
                    f"{self.name}: {len(self)} samples but {len(getattr(self, what))} in `{what}`"
                )
        bad = np.flatnonzero((self.label < self._lowest_label) | (self.label >= len(self.classes)))
        if bad.size:
            raise EmolibError(
                f"{self.name}: label {self.label[bad[0]]} in row {bad[0]}, "
                f"expected {self._lowest_label} to {len(self.classes) - 1}"
            )

    def __len__(self) -> int:
        raise NotImplementedError

    def _content(self) -> tuple:
        raise NotImplementedError

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of the content and its source; equal content, equal fingerprint, on any machine."""
        return digest(
            self.source,
            self.classes,
            self.label,
            self.subject,
            self.split,
            self.meta,
            *self._content(),
        )

    def select(self, rows):
        """The same container with only `rows` (index array or boolean mask), in that order."""
        from dataclasses import replace

        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        taken = {k: _take(getattr(self, k), rows) for k in (*_PER_SAMPLE, *self._rows)}
        return replace(self, **taken)

    @property
    def _rows(self) -> tuple[str, ...]:
        """Names of the fields, beyond the shared ones, that hold one entry per sample."""
        raise NotImplementedError


_PER_SAMPLE = ("label", "subject", "split", "meta")


def _text(values) -> np.ndarray:
    """Text in an array no wider than its longest entry: the width is part of the dtype, and so of the fingerprint."""
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

    def __post_init__(self):
        object.__setattr__(self, "features", np.asarray(self.features, dtype=np.float64))
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

    def __len__(self) -> int:
        return len(self.features)

    def _content(self) -> tuple:
        return (self.features, self.columns)

    @property
    def _rows(self):
        return ("features",)


@dataclass(frozen=True, kw_only=True)
class ImageSet(_Samples):
    """Images of one size. `images` uint8 (N, H, W) grey or (N, H, W, 3) RGB."""

    images: np.ndarray

    def __post_init__(self):
        if (
            self.images.dtype != np.uint8
            or self.images.ndim not in (3, 4)
            or (self.images.ndim == 4 and self.images.shape[-1] != 3)
        ):
            raise EmolibError(
                f"{self.name}: images are {self.images.dtype} {self.images.shape}, "
                "expected uint8 (N, H, W) or (N, H, W, 3)"
            )
        super().__post_init__()

    def __len__(self) -> int:
        return len(self.images)

    def _content(self) -> tuple:
        return (self.images,)

    @property
    def _rows(self):
        return ("images",)


@dataclass(frozen=True, kw_only=True)
class ClipSet(_Samples):
    """Clips that are read when asked for: frames, waveform or both.

    frames     one function per clip, () -> uint8 (T, H, W[, 3]), or None
    waveform   one function per clip, () -> float32 (samples,) in [-1, 1], or None
    fps, rate  frames and samples per second
    content    what names each clip's content without reading it all (file digest, simulator arguments)
    """

    content: Sequence[str]
    frames: Sequence[Callable[[], np.ndarray]] | None = None
    waveform: Sequence[Callable[[], np.ndarray]] | None = None
    fps: float | None = None
    rate: int | None = None

    def __post_init__(self):
        if self.frames is None and self.waveform is None:
            raise EmolibError(f"{self.name}: a clip set needs frames, a waveform or both")
        for what in ("frames", "waveform"):
            if getattr(self, what) is not None and len(getattr(self, what)) != len(self):
                raise EmolibError(
                    f"{self.name}: {len(self)} clips but {len(getattr(self, what))} in `{what}`"
                )
        super().__post_init__()

    def __len__(self) -> int:
        return len(self.content)

    def _content(self) -> tuple:
        return (list(self.content), self.fps, self.rate)

    @property
    def _rows(self):
        return ("content", "frames", "waveform")


@dataclass(frozen=True, kw_only=True)
class TrackSet(_Samples):
    """Per-video tracks: features over time and the valence-arousal annotation of each frame.

    features         one function per video, () -> float32 (T, D)
    valence_arousal  one float32 (T, 2) per video, each value in [-1, 1]
    fps              frames per second
    content          what names each video's features without reading them
    missing          None, or one bool (T,) per video: True where nothing was annotated (valence_arousal is 0 there)
    label            -1 for a video without an emotion class
    """

    _lowest_label = -1

    features: Sequence[Callable[[], np.ndarray]]
    valence_arousal: Sequence[np.ndarray]
    content: Sequence[str]
    fps: float = 30.0
    missing: Sequence[np.ndarray] | None = None

    def __post_init__(self):
        for what in ("features", "content"):
            if len(getattr(self, what)) != len(self):
                raise EmolibError(
                    f"{self.name}: {len(self)} videos but {len(getattr(self, what))} in `{what}`"
                )
        for i, track in enumerate(self.valence_arousal):
            if track.ndim != 2 or track.shape[1] != 2 or not (np.abs(track) <= 1).all():
                raise EmolibError(
                    f"{self.name}: annotation of video {i} has shape {track.shape} and values "
                    "outside [-1, 1] or not finite; expected (T, 2) in [-1, 1]"
                )
        self._check_missing()
        super().__post_init__()

    def _check_missing(self):
        if self.missing is None:
            return
        if len(self.missing) != len(self):
            raise EmolibError(
                f"{self.name}: {len(self)} videos but {len(self.missing)} in `missing`"
            )
        for i, (mask, track) in enumerate(zip(self.missing, self.valence_arousal)):
            if mask.dtype != bool or mask.shape != (len(track),):
                raise EmolibError(
                    f"{self.name}: `missing` of video {i} is {mask.dtype} {mask.shape}, expected bool ({len(track)},)"
                )
            if track[mask].any():
                raise EmolibError(
                    f"{self.name}: video {i} has values in frames marked missing; expected 0 there"
                )

    def __len__(self) -> int:
        return len(self.valence_arousal)

    def _content(self) -> tuple:
        return (list(self.content), *self.valence_arousal, self.fps, *(self.missing or ()))

    @property
    def _rows(self):
        return ("features", "valence_arousal", "content", "missing")
