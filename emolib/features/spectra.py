"""The spectrograms of a whole set, kept, and where its segments begin (chang2021, 4.5.1, 4.5.2)."""

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
    """`mel.log_spectrogram` of every clip of `data`, kept in the cache folder.

    hop_length   samples between two frames, 64 in print
    pool         neighbouring bins whose decibels are averaged; more than 1 in narrow stand-ins only
    Raises EmolibError for a set without sound.
    """
    if data.waveform is None:
        raise EmolibError(f"{data.name}: has no sound; load it with modality='a' or 'av'")

    def made() -> dict[str, np.ndarray]:
        clips = []
        for wave in data.waveform:
            decibels = mel.log_spectrogram(wave(), data.rate, hop_length=hop_length)
            clips.append(pooled(decibels, pool).T.astype(np.float16))
        frames = np.array([len(clip) for clip in clips])
        first = np.cumsum(frames) - frames
        return {"decibels": np.concatenate(clips), "first": first, "frames": frames}

    key = (VERSION, data.fingerprint, hop_length, pool)
    arrays = kept.arrays(f"spectra-{data.name}", key, made)
    return Spectra(**arrays, per_second=mel.CHANG["rate"] / hop_length)


def pooled(decibels: np.ndarray, pool: int) -> np.ndarray:
    """(bins, frames) -> (bins // pool, frames): means of neighbours, without a rest at the top."""
    rows = len(decibels) // pool
    return decibels[: rows * pool].reshape(rows, pool, -1).mean(1)


def starts(
    frames: np.ndarray, length: int, step: int, rng: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """First frames (N, S) of each clip's segments of `length`, every `step`; how many (N,).

    rng   random slicing, the T of Table 5.1: the first begins within the first `step` frames. None:
          at the first frame (NT)
    Beyond a clip's count its last start is repeated. Raises EmolibError for a short clip.
    """
    frames = np.asarray(frames)
    if (frames < length).any():
        raise EmolibError(
            f"a clip of {frames.min()} frames is shorter than a segment of {length}; "
            "leave it out or take shorter segments"
        )
    slack, offset = frames - length, np.zeros_like(frames)
    if rng is not None:
        offset = rng.integers(0, np.minimum(slack, step - 1) + 1)
    count = (slack - offset) // step + 1
    order = np.minimum(np.arange(count.max()), count[:, None] - 1)  # (N, S)
    return offset[:, None] + order * step, count
