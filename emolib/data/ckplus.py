"""CK+, the extended Cohn-Kanade set: 593 sequences of 123 people from neutral to the apex (Lucey et al. 2010).

In `ckplus/`:

cohn-kanade-images/S005/001/S005_001_00000001.png    10,708 frames of 640 x 490 or 640 x 480, grey, some in colour
Emotion/S005/001/S005_001_00000011_emotion.txt       one code from 1 to 7 for 327 of the sequences (also Emotion_labels/)
FACS/S005/001/S005_001_00000011_facs.txt             action units of the last frame, with their intensity where given
Landmarks/S005/001/S005_001_00000001_landmarks.txt   68 points x y a frame

Whole, the frames take 3 GB of memory. They are read in grey at a height of 240 pixels, from each sequence the
first and the last three (270 MB); `size` and `frames` change that. Finding the face is left to the features.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import pictures
from emolib.data.checks import Checked, repeats, told
from emolib.data.files import Damaged, digest_of, guard, settle, sift
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

CODES = {1: "angry", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise"}
EMOTION, FACS, LANDMARKS = ("Emotion", "Emotion_labels"), ("FACS", "FACS_labels"), ("Landmarks",)
TOLERANCE = 0.05  # frames are 480 or 490 high; one that differs more is of another set
ENDS = 3  # frames taken from either end of a sequence


@dataclass(frozen=True)
class Sequence:
    subject: str
    number: int
    frames: tuple[Path, ...]
    code: int = 0  # 0 where the set has no label


def load(
    root: Path, *, frames: str = "ends", size: int | None = 240, damaged: str = "raise"
) -> ImageSet:
    """One row per frame, uint8 (N, H, W) grey; label = the emotion of its sequence, neutral with code 0 where it has none.

    frames    'ends': the first and the last three of each sequence (all of a shorter one); 'all'
    size      height in pixels; the width follows from the commonest frame, other frames are cut to its aspect
              around their centre (490 to 480 rows: five at either side). Never enlarged. None: as they are
    damaged   'skip' leaves damaged frames out, and a whole sequence if its label file is damaged
    meta: sequence, frame (its number, from 1), frames (number of the last one, the apex), code, image (below
    cohn-kanade-images), height and width on disk. subject: S005 ... The set has no split.
    """
    if frames not in ("ends", "all"):
        raise EmolibError(f"frames='{frames}' is not known: expected 'ends' or 'all'")
    place = _place(root)
    sequences, bad = _sequences(place)
    rows = [
        (s, i)
        for s in sequences
        for i in range(len(s.frames))
        if frames == "all" or i < ENDS or i >= len(s.frames) - ENDS
    ]
    paths, sizes, broken = pictures.alike((s.frames[i] for s, i in rows), TOLERANCE)
    images, kept, unread = pictures.stack(paths, pictures.common(sizes, size), grey=True)
    settle(bad + broken + unread, damaged)
    held = {path: hw for path, hw, k in zip(paths, sizes, kept) if k}
    rows = [(s, i, held[s.frames[i]]) for s, i in rows if s.frames[i] in held]
    if not rows:
        raise EmolibError(
            f"{place / 'cohn-kanade-images'}: no usable frame in it; get the set anew from its holders"
        )
    meta = pd.DataFrame(
        {
            "sequence": [s.number for s, _, _ in rows],
            "frame": [_number(s.frames[i]) for s, i, _ in rows],
            "frames": [_number(s.frames[-1]) for s, _, _ in rows],
            "code": [s.code for s, _, _ in rows],
            "image": [f"{s.subject}/{s.number:03d}/{s.frames[i].name}" for s, i, _ in rows],
            "height": [hw[0] for _, _, hw in rows],
            "width": [hw[1] for _, _, hw in rows],
        }
    )
    return ImageSet(
        name="ckplus",
        source="real",
        images=images,
        subject=[s.subject for s, _, _ in rows],
        split=np.full(len(rows), ""),
        label=[EMOTIONS.index(CODES.get(s.code, "neutral")) for s, _, _ in rows],
        meta=meta,
    )


def check(root: Path) -> Checked:
    """For the doctor: sequences, how many carry an emotion, people, frames. Frames are not decoded, only looked at."""
    place = _place(root)
    sequences, bad = _sequences(place)
    paths, _, broken = pictures.alike((path for s in sequences for path in s.frames), TOLERANCE)
    whole = set(paths)
    usable = [s for s in sequences if whole.intersection(s.frames)]
    content = np.array([digest_of(path) for path in paths])
    facs, _, no_facs = sift(_texts(place, FACS, "facs", bad), _coded)
    points, _, no_points = sift(_texts(place, LANDMARKS, "landmarks", bad), _points)
    detail = (
        f"{sum(s.code > 0 for s in usable)} with an emotion, {len({s.subject for s in usable})} people, {len(paths)} frames, "
        f"{len(facs)} FACS and {len(points)} landmark files"
    )
    return Checked(
        len(usable),
        detail,
        [(e.path, e.why) for e in bad + broken + no_facs + no_points],
        duplicates=told(repeats(content, np.full(len(content), ""))),
    )


def action_units(root: Path, *, damaged: str = "raise") -> pd.DataFrame:
    """What the FACS files say: subject, sequence, unit, intensity (1 to 5 for A to E, 0 where it was not coded), a row per unit."""
    bad: list[Damaged] = []
    paths = _texts(_place(root), FACS, "facs", bad)
    good, found, broken = sift(paths, _coded)
    rows = [
        (*_whose(path), int(unit), int(intensity))
        for path, table in zip(good, found)
        for unit, intensity in table
    ]
    settle(bad + broken, damaged)
    return pd.DataFrame(rows, columns=["subject", "sequence", "unit", "intensity"])


def landmarks(root: Path, data: ImageSet) -> np.ndarray:
    """The 68 points of each row of `data` as the set ships them, in pixels of the pictures in `data`: float32 (N, 68, 2), x and y.

    NaN where the set has no file. Raises Damaged for a file that does not hold 68 points.
    """
    place, out = _place(root), np.full((len(data), 68, 2), np.nan, np.float32)
    shape = data.images.shape[1:]
    for i, row in enumerate(data.meta.itertuples()):
        path = (
            place / LANDMARKS[0] / Path(row.image).parent / f"{Path(row.image).stem}_landmarks.txt"
        )
        if not path.exists():
            continue
        points = _points(path)
        scale = min(row.height / shape[0], row.width / shape[1])
        cut = (
            np.array([row.width, row.height]) - scale * np.array(shape[::-1])
        ) / 2  # left and top, as pictures.read cuts
        out[i] = (points - cut) / scale
    return out


def _place(root) -> Path:
    return Path(root) / "ckplus"


def _sequences(place: Path) -> tuple[list[Sequence], list[Damaged]]:
    """All sequences with their codes, by subject and number, and what is wrong with others."""
    bad: list[Damaged] = []
    found = {}
    for person in pictures.folders(place / "cohn-kanade-images", bad):
        for folder in pictures.folders(person, bad):
            frames = pictures.files(folder, bad, kinds=(".png",))
            strange = [
                p
                for p in frames
                if not re.fullmatch(
                    rf"{re.escape(person.name)}_{re.escape(folder.name)}_\d{{8}}\.png", p.name
                )
            ]
            bad += [
                Damaged(
                    p,
                    f"its name is not {person.name}_{folder.name}_ and eight digits; is it in the right folder?",
                )
                for p in strange
            ]
            frames = tuple(p for p in frames if p not in strange)
            if frames and not folder.name.isdecimal():
                bad.append(
                    Damaged(folder, "expected a folder named by the number of a sequence, as 001")
                )
            elif frames:
                found[person.name, int(folder.name)] = Sequence(
                    person.name, int(folder.name), frames
                )
    seen = set()
    for path in _texts(place, EMOTION, "emotion", bad):
        try:
            whose = _whose(path)
            if whose in seen:
                raise Damaged(path, "a second label of its sequence; remove the wrong one")
            seen.add(whose)
            code = _emotion(path)
            if whose not in found:
                raise Damaged(path, "a label without the pictures of its sequence; get them anew")
            found[whose] = replace(found[whose], code=code)
        except Damaged as error:
            bad.append(error)
            found.pop(whose, None)
    return [found[key] for key in sorted(found)], bad


def _texts(place: Path, trees: tuple[str, ...], kind: str, bad: list[Damaged]) -> list[Path]:
    """Files `*_<kind>.txt` of the first of `trees` that is there, two folders down."""
    tree = next((place / name for name in trees if (place / name).is_dir()), place / trees[0])
    return [
        path
        for person in pictures.folders(tree, bad)
        for folder in pictures.folders(person, bad)
        for path in pictures.files(folder, bad, kinds=(".txt",))
        if path.stem.endswith(f"_{kind}")
    ]


def _number(frame: Path) -> int:
    return int(frame.stem[-8:])


def _whose(path: Path) -> tuple[str, int]:
    folder = path.parent.name
    return path.parent.parent.name, int(folder) if folder.isdecimal() else -1


def _emotion(path: Path) -> int:
    numbers = _numbers(path, 1)
    if numbers.shape != (1, 1) or numbers[0, 0] not in CODES:
        raise Damaged(
            path,
            f"holds {' '.join(f'{n:g}' for n in numbers.ravel()[:5])}, expected one emotion code from 1 to 7",
        )
    return int(numbers[0, 0])


def _coded(path: Path) -> np.ndarray:
    """Action units of a FACS file: (units, 2), unit and intensity."""
    table = _numbers(path, 2)
    if (
        (table != np.round(table)).any()
        or (table[:, 0] < 1).any()
        or (table[:, 1] < 0).any()
        or (table[:, 1] > 5).any()
    ):
        raise Damaged(path, "expected action units and intensities from 0 to 5, whole numbers")
    return table


def _points(path: Path) -> np.ndarray:
    points = _numbers(path, 2)
    if len(points) != 68:
        raise Damaged(path, f"{len(points)} points, expected 68")
    return points


def _numbers(path: Path, columns: int) -> np.ndarray:
    """A text file of finite numbers in `columns` columns: float64 (rows, columns)."""
    guard(path)
    rows = []
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            raise Damaged(
                path, f"line {number} is '{line.strip()[:30]}', expected numbers"
            ) from None
        if words and (len(words) != columns or not np.isfinite(rows[-1]).all()):
            raise Damaged(
                path, f"line {number} is '{line.strip()[:30]}', expected {columns} finite numbers"
            )
    rows = [row for row in rows if row]
    if not rows:
        raise Damaged(path, "no number in it; get it anew")
    return np.array(rows)
