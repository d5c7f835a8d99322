"""What is computed once of films and their sound: 68 points of every face, and the spread of decibels in every second (notebook 44).

The narrow stand-in for the printed networks starts here. Its extractors have no parameter to learn, so that nothing of a test actor
is in them and hundreds of networks can be trained on them together. A last row, `blank`, is a film without a face and silence: what
a missing modality looks like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolib import data as datasets
from emolib.features import mel, spectra
from emolib.features.landmarks import POINTS
from emolib.ground.containers import ClipSet
from emolib.reproduction.studies.speech.training import chosen

HOP, POOL, SECOND = (
    512,
    8,
    31,
)  # samples between two frames of sound, bins averaged, frames in a second
ERROR = 0.015  # of a simulated detector, in distances between the eyes
EYES = (slice(36, 42), slice(42, 48))
MIDDLE = (0.15, 0.85)  # part of a film from which frames are taken: at its ends the face rests
# The point that stands where each does once a face is mirrored, in the order of the 68: jaw, brows, nose, eyes, mouth.
MIRROR = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *range(27, 31),
        *range(35, 30, -1),
        45,
        44,
        43,
        42,
        47,
        46,
        39,
        38,
        37,
        36,
        41,
        40,
        *range(54, 47, -1),
        *range(59, 54, -1),
        *range(64, 59, -1),
        67,
        66,
        65,
    ]
)


@dataclass(frozen=True)
class Bank:
    """Features of N clips and, as row N, of a clip in which there is nothing.

    face     float32 (N + 1, frames, 136): the 68 points x, y about the eyes' middle, in distances between the eyes; 0 where nobody is found
    sound    float32 (N + 1, W, 2 * rows): mean and spread of each band's decibels over the second that begins at frame 0 ... W - 1
    label    int (N,) class;   subject  str (N,);   clip  str (N,);   strength  int (N,)
    """

    face: np.ndarray
    sound: np.ndarray
    label: np.ndarray
    subject: np.ndarray
    clip: np.ndarray
    strength: np.ndarray

    @property
    def blank(self) -> int:
        """The row of a missing modality."""
        return len(self.label)


def labels(data: ClipSet) -> np.ndarray:
    """Classes (N,) 0 ... C - 1 in the order in which emolib.EMOTIONS has those that occur."""
    return np.unique(data.label, return_inverse=True)[1]


def bank(*, data: str, each: int | None, frames: int) -> dict:
    """Features of the clips of a reference, for the run store: the fields of Bank.

    each     clips of every actor and emotion;   frames   pictures of each film, evenly spread over its middle
    """
    some = chosen(datasets.resolve(data), each)
    strength = (
        some.meta["intensity"]
        if "intensity" in some.meta
        else some.meta["level"].map({"LO": 0, "MD": 1, "HI": 2, "XX": 1})
    )
    seen = [watched(some, i, frames) for i in range(len(some))]
    return {
        "face": np.stack([*seen, np.zeros_like(seen[0])]),
        "sound": heard([wave() for wave in some.waveform], some.rate),
        "label": labels(some),
        "subject": some.subject,
        "clip": some.meta["image"].to_numpy(dtype=str),
        "strength": strength.to_numpy(),
    }


def watched(data: ClipSet, i: int, frames: int) -> np.ndarray:
    """Points of `frames` pictures of film i, float32 (frames, 136). A simulated film says where they are, give or take a detector's error."""
    if data.source == "simulated":
        from emolib.data.sim import clip_sets, face
        from emolib.data.sim.streams import stream

        film = clip_sets.film(data, i)
        xy = face.points(
            film.take(spread(len(film), frames)), 1
        )  # (T, 68, 2), 0 to 1 inside the picture
        found = ((xy >= 0) & (xy <= 1)).all(-1).mean(1) >= 0.5
        error = ERROR * stream(0, "detector", data.content[i]).standard_normal((frames, 2 * POINTS))
        return (points(xy, found) + error * found[:, None]).astype(np.float32)
    from emolib.features import detectors

    pictures = data.frames[i]()
    marks = detectors.make("dlib", video=False).detect(pictures[spread(len(pictures), frames)])
    return points(marks.points, marks.found)


def spread(length: int, frames: int) -> np.ndarray:
    """Which frames of a film of `length` are looked at."""
    return (
        np.linspace(MIDDLE[0] * (length - 1), MIDDLE[1] * (length - 1), frames).round().astype(int)
    )


def points(xy: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Points (T, 68, 2) in pixels -> float32 (T, 136): upright, about the middle of the eyes, in distances between them; 0 where `found` (T,) is not."""
    xy = np.where(found[:, None, None], xy, 0.0).astype(float)
    right, left = (xy[:, e].mean(1) for e in EYES)  # (T, 2)
    across = left - right
    size = np.where(found, np.hypot(*across.T), 1.0).clip(min=1e-6)
    cos, sin = across.T / size
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)  # (T, 2, 2)
    upright = (
        np.einsum("tij,tpj->tpi", turn, xy - (right + left)[:, None] / 2) / size[:, None, None]
    )
    return np.where(found[:, None, None], upright, 0.0).reshape(len(xy), -1).astype(np.float32)


def heard(waves: list[np.ndarray], rate: int) -> np.ndarray:
    """Waveforms -> float32 (N + 1, W, 2 * rows): every second that begins at a frame; shorter clips repeat their last one. Silence comes last."""
    waves = [*waves, np.zeros(max(len(w) for w in waves), np.float32)]
    rows = [
        seconds(spectra.pooled(mel.log_spectrogram(w, rate, hop_length=HOP), POOL)) for w in waves
    ]
    most = max(map(len, rows))
    return np.stack([r[np.minimum(np.arange(most), len(r) - 1)] for r in rows])


def seconds(decibels: np.ndarray) -> np.ndarray:
    """(rows, frames) -> float32 (frames - SECOND + 1, 2 * rows): mean and standard deviation over each run of SECOND frames."""
    decibels = np.asarray(decibels, float)
    if decibels.shape[1] < SECOND:  # under a second: what there is, and silence
        decibels = np.pad(
            decibels, ((0, 0), (0, SECOND - decibels.shape[1])), constant_values=decibels.min()
        )
    window = np.lib.stride_tricks.sliding_window_view(decibels, SECOND, axis=1)  # (rows, W, SECOND)
    return np.concatenate([window.mean(-1), window.std(-1)]).T.astype(np.float32)
