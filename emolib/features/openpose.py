"""OpenPose's own output, one JSON file per frame, as landmarks: what orgil used (orgil2021, section 3.2)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from emolib.data.files import LARGEST, Damaged, guard
from emolib.features.landmarks import JOINTS, POINTS, Landmarks
from emolib.ground.errors import EmolibError

BODY_25 = [
    *range(8),
    *range(9, 15),
    *range(15, 19),
]  # BODY_25's places of the 18: without the middle of the hips and the feet
FACE = POINTS + 2  # OpenPose's face model: the usual 68 and the two pupils


# Joints that a limb joins, in OpenPose's 18: neck to nose, arms, legs, eyes and ears.
BONES = (
    (1, 0),
    (1, 2),
    (2, 3),
    (3, 4),
    (1, 5),
    (5, 6),
    (6, 7),
    (1, 8),
    (8, 9),
    (9, 10),
    (1, 11),
    (11, 12),
    (12, 13),
    (0, 14),
    (14, 16),
    (0, 15),
    (15, 17),
)


def read_openpose(folder: Path | str, frames: int | None = None) -> Landmarks:
    """Landmarks of a film from its `*_keypoints.json` files; of several people the most confident one, of equals the largest.

    frames   length of the film; by default the last file is its last frame. Files are numbered from 0 (`film_000000000012_keypoints`);
             a number without a file, like a file without people, is a frame in which nobody was found.
    A face counts as found when at least half of its points have a confidence above 0; points of confidence 0 inside such a
    face are interpolated from their neighbours in the outline's order, since OpenPose puts them at (0, 0).
    Raises Damaged for a file that is no OpenPose output, EmolibError for a folder without files or a number beyond `frames`.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise EmolibError(
            f"{folder}: no such folder; expected one with OpenPose's *_keypoints.json files"
        )
    files = {_number(path): path for path in sorted(folder.glob("*_keypoints.json"))}
    if not files:
        raise EmolibError(
            f"{folder}: no *_keypoints.json in it; run OpenPose with --face --write_json"
        )
    count = max(files) + 1 if frames is None else frames
    if max(files) >= count:
        raise EmolibError(
            f"{files[max(files)]}: frame {max(files)} of a film that has {count} frames (numbered from 0)"
        )
    face, body = (
        np.full((count, FACE, 2), np.nan, np.float32),
        np.zeros((count, JOINTS, 3), np.float32),
    )
    for t, path in files.items():
        found = [_person(path, p) for p in _people(path)]
        if found:
            marks, body[t] = max(found, key=_rank)
            face[t] = _whole(marks)
    return Landmarks(
        points=face[:, :POINTS],
        pupils=face[:, POINTS:],
        found=np.isfinite(face).all((1, 2)),
        body=body,
    )


def _number(path: Path) -> int:
    number = re.search(r"(\d+)_keypoints$", path.stem)
    if number is None:
        raise Damaged(
            path, "has no frame number in its name, expected <film>_000000000012_keypoints.json"
        )
    return int(number.group(1))


def _people(path: Path) -> list:
    try:
        people = json.loads(guard(path).read_text(encoding="utf-8"))["people"]
    except (
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
    ) as error:  # no JSON, no UTF-8, no "people", not a mapping
        raise Damaged(
            path,
            f"not an output of OpenPose ({type(error).__name__}: {error}); it is probably cut short",
        ) from None
    if not isinstance(people, list):
        raise Damaged(path, f"its `people` is a {type(people).__name__}, expected a list")
    return people


def _person(path: Path, person) -> tuple[np.ndarray, np.ndarray]:
    """Face (70, 3) and body (18, 3) of one person: x, y, confidence; zeros where a part was not looked for."""
    if not isinstance(person, dict):
        raise Damaged(path, f"a person in it is a {type(person).__name__}, expected a mapping")
    face = _triples(path, person, "face_keypoints_2d", (FACE,))
    body = _triples(path, person, "pose_keypoints_2d", (JOINTS, 25))
    body = (
        np.zeros((JOINTS, 3), np.float32)
        if body is None
        else body[BODY_25]
        if len(body) == 25
        else body
    )
    return np.zeros((FACE, 3), np.float32) if face is None else face, body


def _triples(path: Path, person: dict, name: str, counts: tuple[int, ...]) -> np.ndarray | None:
    try:
        values = np.asarray(person.get(name) or (), np.float64)
    except (ValueError, TypeError, OverflowError):
        raise Damaged(path, f"{name} holds something that is not a number") from None
    if values.size == 0:
        return None
    if (
        values.ndim != 1
        or values.size not in [3 * c for c in counts]
        or not (np.abs(values) < LARGEST).all()
    ):
        raise Damaged(
            path,
            f"{name} holds {values.size} numbers, expected {' or '.join(str(3 * c) for c in counts)} finite ones",
        )
    return values.reshape(-1, 3).astype(np.float32)


def _rank(found) -> tuple[float, float]:
    """Sum of confidences, then the size of what is seen."""
    both = np.concatenate(found)
    seen = both[both[:, 2] > 0, :2]
    return round(float(both[:, 2].sum()), 3), float(np.prod(np.ptp(seen, axis=0))) if len(
        seen
    ) else 0.0


def _whole(face: np.ndarray) -> np.ndarray:
    """(70, 2), NaN for a face of which less than half is seen."""
    seen = face[:, 2] > 0
    if seen.mean() < 0.5:
        return np.full((FACE, 2), np.nan, np.float32)
    at = np.arange(FACE)
    return np.stack([np.interp(at, at[seen], face[seen, k]) for k in (0, 1)], 1).astype(np.float32)
