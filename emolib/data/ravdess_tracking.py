"""RAVDESS Facial Landmark Tracking: OpenFace 2.1 on every film of RAVDESS (Swanson et al. 2019).

`ravdess_tracking/**/01-01-EE-II-SS-RR-AA.csv`, flat or in folders, 2,452 of them, 1,440 of speech;
712 columns and a line a frame: frame, timestamp, confidence (this release has no `success`), gaze,
eyes, pose, x_0 to x_67 and y_0 to y_67 (pixels of 1280 x 720), shape, action units. With the sound
of RAVDESS these are real faces and real voices of the same clips.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import clips, ravdess, tables, tracks
from emolib.data.checks import Checked
from emolib.data.files import Damaged, digest_of, guard, settle, sift, usable
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError, nearest

FPS = 29.97
HEIGHT, WIDTH = 720, 1280
FRAMES = 2000  # a longer trial is no trial: the longest film takes seven seconds
AU = ("01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25")
AU = (*AU, "26", "45")
KINDS = {
    "points": tuple(f"{axis}_{k}" for k in range(68) for axis in "xy"),
    "units": tuple(f"AU{number}_r" for number in AU),  # intensities, 0 to 5
    "pose": tuple(f"pose_{name}" for name in ("Tx", "Ty", "Tz", "Rx", "Ry", "Rz")),  # mm, radians
    "gaze": ("gaze_angle_x", "gaze_angle_y"),  # radians
    "confidence": ("confidence",),  # of the tracker, 0 to 1
}


def load(
    root: Path, *, vocal: str = "speech", kind: str = "points", damaged: str = "raise"
) -> TrackSet:
    """Tracked trials by actor, emotion, intensity, statement, repetition, as ravdess sorts clips.

    vocal      'speech' or 'song'
    kind       what `features` hold: 'points' (T, 136), x0, y0, x1, y1 ... in pixels; 'units'
               (T, 17), 'pose' (T, 6), 'gaze' (T, 2), 'confidence' (T, 1)
    meta       as ravdess's, and frames; `image` is the sound's name with 01 in place of 03
    label is the emotion. Valence and arousal were not annotated: every frame is `missing`.
    """
    if vocal not in ravdess.VOCAL:
        raise EmolibError(f"ravdess_tracking: vocal '{vocal}' is not known: speech or song")
    if kind not in KINDS:
        raise nearest(kind, KINDS, what="kind of tracks")
    where = Path(root) / "ravdess_tracking"
    paths, named, bad = sift(clips.find(where, (".csv",)), _named)
    settle(bad, damaged)
    chosen = [(key, path, row) for path, (key, row) in zip(paths, named)]
    chosen = sorted(item for item in chosen if item[0][0] == ravdess.VOCAL[vocal])
    for (key, path, _), (other, again, _) in zip(chosen, chosen[1:]):
        if key == other:
            raise Damaged(again, f"stands at {path} as well; remove one of them")
    chosen, probed = usable(chosen, partial(_probe, kind), damaged)
    if not chosen:
        raise EmolibError(
            f"{where}: no usable trial; expected files such as 01-01-01-01-01-01-01.csv"
        )
    meta = pd.DataFrame([row for _, _, row in chosen])
    meta["frames"] = [len(track.missing) for track in probed]
    label = [EMOTIONS.index(emotion) for emotion in meta["emotion"]]
    return tracks.assemble(
        "ravdess_tracking", probed, meta, meta["subject"], [""] * len(meta), FPS, label
    )


def check(root: Path) -> Checked:
    """For the doctor: every trial's name, head and length; one in forty read through."""
    where = Path(root) / "ravdess_tracking"
    paths, named, damaged = sift(clips.find(where, (".csv",)), _named)
    items = [(key, path, row) for path, (key, row) in zip(paths, named)]
    good, probed, broken = sift(items, partial(_probe, "points"))
    _, _, unread = sift(probed[::40], lambda track: track.features())
    vocal = [key[0] for key, _, _ in good]
    frames = sum(len(track.missing) for track in probed)
    return Checked(
        len(good) - len(unread),
        f"{vocal.count(1)} of speech, {vocal.count(2)} songs, "
        f"{len({row['actor'] for _, _, row in good})} actors, {frames} frames",
        damaged + broken + unread,
    )


def _named(path: Path) -> tuple[tuple, dict]:
    if path.is_symlink() or path.is_dir():
        guard(path)
    key, row, modality = ravdess.named(path, path.stem)
    if modality != 1:
        raise Damaged(path, f"its name says modality {modality:02d}, expected 01 (films)")
    return key, row


def _probe(kind: str, item: tuple) -> tracks.Track:
    """Head and length of a trial, nothing parsed."""
    _, path, _ = item
    lines = tracks.text_lines(path)
    head = [name.strip() for name in lines[0].split(",")]
    lacking = [name for name in KINDS[kind] if name not in head]
    if lacking:
        raise Damaged(path, f"line 1 has no column '{lacking[0]}'; not a table of OpenFace 2.1")
    count = len(lines) - 1
    if not 0 < count <= FRAMES:
        raise Damaged(path, f"{count} frames, expected 1 to {FRAMES}; it is cut short or mixed up")
    values, missing = np.zeros((count, 2), np.float32), np.ones(count, bool)
    return tracks.Track(values, missing, partial(_read, path, kind), digest_of(path), {})


def _read(path: Path, kind: str) -> np.ndarray:
    """float32 (T, D): the columns of one kind."""
    table = tables.read(path, KINDS[kind])
    return table.numbers(KINDS[kind], -1e5, 1e5).astype(np.float32)
