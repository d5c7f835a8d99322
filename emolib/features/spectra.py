"""The spectrograms of a whole set, made once and kept; and where its segments begin, in order or by chance (chang2021, 4.5.1, 4.5.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolib.data import kept
from emolib.features import mel
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError

VERSION = 1  # raise it when a change here changes a number: kept spectrograms are then made anew


@dataclass(frozen=True)
class Spectra:
    """Clips one after another, time first, so that a segment is a run of rows.

    decibels   float16 (frames of all clips, rows)
    first      int64 (N,) each clip's first frame;   frames   int64 (N,) how many it has
    per_second frames in a second of sound
    """

    decibels: np.ndarray
    first: np.ndarray
    frames: np.ndarray
    per_second: float


def spectra(data: ClipSet, *, hop_length: int = mel.CHANG["hop_length"], pool: int = 1) -> Spectra:
    """`mel.log_spectrogram` of every clip of `data`, from the copy in the cache folder if there is one.

    hop_length   samples between two frames, 64 in print
    pool         average so many neighbouring bins (their decibels): 257 // pool rows; more than 1 in narrow stand-ins only
    Raises EmolibError for a set without sound.
    """
    if data.waveform is None:
        raise EmolibError(f"{data.name}: has no sound; load it with modality='a' or 'av'")
    held = kept.arrays(
        f"spectra-{data.name}",
        (VERSION, data.fingerprint, hop_length, pool),
        lambda: _made(data, hop_length, pool),
    )
    return Spectra(held["decibels"], held["first"], held["frames"], mel.CHANG["rate"] / hop_length)


def _made(data: ClipSet, hop_length: int, pool: int) -> dict[str, np.ndarray]:
    clips = [
        pooled(mel.log_spectrogram(wave(), data.rate, hop_length=hop_length), pool).T.astype(
            np.float16
        )
        for wave in data.waveform
    ]
    frames = np.array([len(c) for c in clips])
    return {
        "decibels": np.concatenate(clips),
        "first": np.cumsum(frames) - frames,
        "frames": frames,
    }


def pooled(decibels: np.ndarray, pool: int) -> np.ndarray:
    """(bins, frames) -> (bins // pool, frames): means of neighbouring bins; what fills no group, at the top, is left out."""
    rows = len(decibels) // pool
    return decibels[: rows * pool].reshape(rows, pool, -1).mean(1)


def starts(
    frames: np.ndarray, length: int, step: int, rng: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """First frames (N, S) of each clip's segments of `length` frames, every `step`, and how many there are (N,); a tail that fills none is left out.

    rng   random slicing, the T of Table 5.1: the first segment begins at a place drawn from the first `step` frames, anew at each call.
          None: at the first frame, every time (NT)
    Beyond a clip's count its last start is repeated. Raises EmolibError for a clip shorter than a segment.
    """
    frames = np.asarray(frames)
    if (frames < length).any():
        raise EmolibError(
            f"a clip of {frames.min()} frames is shorter than a segment of {length}; leave it out or take shorter segments"
        )
    slack = frames - length
    offset = (
        np.zeros_like(frames) if rng is None else rng.integers(0, np.minimum(slack, step - 1) + 1)
    )
    count = (slack - offset) // step + 1
    order = np.minimum(np.arange(count.max()), count[:, None] - 1)  # (N, S)
    return offset[:, None] + order * step, count
