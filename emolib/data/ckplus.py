"""CK+, the extended Cohn-Kanade set: 593 sequences of 123 people from neutral to apex (Lucey 2010).

In `ckplus/`:

cohn-kanade-images/S005/001/S005_001_00000001.png    10,708 frames of 640 x 490 or 480, some in
colour Emotion/S005/001/S005_001_00000011_emotion.txt       one code from 1 to 7 for 327 of the
sequences FACS/S005/001/S005_001_00000011_facs.txt             action units of the last frame, with
intensity Landmarks/S005/001/S005_001_00000001_landmarks.txt   68 points x y a frame

(Emotion_labels/ and FACS_labels/ as well.) FACS and Landmarks are only looked over, by the doctor.
Whole, the frames take 3 GB of memory. They are read in grey at a height of 240 pixels, from each
sequence the first and the last three (270 MB); `size` and `frames` change that. Finding the face is
left to the features.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import pictures
from emolib.data.checks import Checked, duplicates
from emolib.data.files import Damaged, digest_of, sift, words
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

CODES = {1: "angry", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise"}
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
    """One row per frame, uint8 (N, H, W) grey; label = emotion of its sequence, else neutral.

    frames    'ends': the first and the last three of each sequence (all of a shorter one); 'all'
    size      height in pixels; the width follows from the commonest frame, other frames are cut to
              its aspect around their centre (490 to 480 rows: five at either side). Never enlarged.
              None: as they are
    damaged   'skip' leaves damaged frames out, and a whole sequence if its label file is damaged
    meta: sequence, frame (its number, from 1), frames (number of the last one, the apex), code (0
    for none), image (below cohn-kanade-images), height and width on disk. subject: S005 ... The set
    has no split.
    """
    if frames not in ("ends", "all"):
        raise EmolibError(f"frames='{frames}' is not known: expected 'ends' or 'all'")
    place = Path(root) / "ckplus"
    sequences, bad = _sequences(place)
    taken = {}
    for sequence in sequences:
        ends = sequence.frames[:ENDS] + sequence.frames[-ENDS:]
        taken |= dict.fromkeys(sequence.frames if frames == "all" else ends, sequence)
    images, shapes = pictures.load(
        taken, size, grey=True, bad=bad, damaged=damaged, tolerance=TOLERANCE
    )
    if not shapes:
        raise EmolibError(
            f"{place / 'cohn-kanade-images'}: no usable frame in it; "
            "get the set anew from its holders"
        )
    of = [taken[path] for path in shapes]
    meta = pd.DataFrame(
        {
            "sequence": [s.number for s in of],
            "frame": [_number(path) for path in shapes],
            "frames": [_number(s.frames[-1]) for s in of],
            "code": [s.code for s in of],
            "image": [f"{s.subject}/{s.number:03d}/{path.name}" for s, path in zip(of, shapes)],
            "height": [height for height, _ in shapes.values()],
            "width": [width for _, width in shapes.values()],
        }
    )
    return ImageSet(
        name="ckplus",
        source="real",
        images=images,
        subject=[s.subject for s in of],
        split=[""] * len(of),
        label=[EMOTIONS.index(CODES.get(s.code, "neutral")) for s in of],
        meta=meta,
    )


def check(root: Path) -> Checked:
    """For the doctor: sequences, those with an emotion, people, frames (not decoded)."""
    place = Path(root) / "ckplus"
    sequences, bad = _sequences(place)
    every = (path for sequence in sequences for path in sequence.frames)
    paths, _, broken = pictures.alike(every, TOLERANCE)
    whole = set(paths)
    usable = [s for s in sequences if whole.intersection(s.frames)]
    facs, _, no_facs = sift(_texts(place, "facs", bad), _coded)
    points, _, no_points = sift(_texts(place, "landmarks", bad), _points)
    return Checked(
        len(usable),
        f"{sum(s.code > 0 for s in usable)} with an emotion, "
        f"{len({s.subject for s in usable})} people, {len(paths)} frames, "
        f"{len(facs)} FACS and {len(points)} landmark files",
        bad + broken + no_facs + no_points,
        duplicates([digest_of(path) for path in paths]),
    )


def _sequences(place: Path) -> tuple[list[Sequence], list[Damaged]]:
    """All sequences with their codes, by subject and number, and what is wrong with others."""
    bad: list[Damaged] = []
    sequences = {}
    for person in pictures.folders(place / "cohn-kanade-images", bad):
        for folder in pictures.folders(person, bad):
            frames, begin = [], f"{person.name}_{folder.name}_"
            for path in pictures.files(folder, bad, kinds=(".png",)):
                if re.fullmatch(rf"{re.escape(begin)}\d{{8}}\.png", path.name):
                    frames.append(path)
                    continue
                why = f"its name is not {begin} and eight digits; is it in the right folder?"
                bad.append(Damaged(path, why))
            if frames and not folder.name.isdecimal():
                why = "expected a folder named by the number of a sequence, as 001"
                bad.append(Damaged(folder, why))
            elif frames:
                key = person.name, int(folder.name)
                sequences[key] = Sequence(*key, tuple(frames))
    labelled = set()

    def label(path):
        key = _whose(path)
        try:
            if key in labelled:
                raise Damaged(path, "a second label of its sequence; remove the wrong one")
            labelled.add(key)
            code = _emotion(path)
            if key not in sequences:
                raise Damaged(path, "a label without the pictures of its sequence; get them anew")
            sequences[key] = replace(sequences[key], code=code)
        except Damaged:  # without its label a sequence would pass for an unlabelled one
            sequences.pop(key, None)
            raise

    _, _, wrong = sift(_texts(place, "emotion", bad), label)
    return [sequences[key] for key in sorted(sequences)], bad + wrong


def _texts(place: Path, kind: str, bad: list[Damaged]) -> list[Path]:
    """Files `*_<kind>.txt` below the tree of that kind, two folders down."""
    name = {"facs": "FACS"}.get(kind, kind.capitalize())
    trees = [place / name, place / f"{name}_labels"]
    tree = next((tree for tree in trees if tree.is_dir()), trees[0])
    return [p for p in pictures.below(tree, 2, bad, (".txt",)) if p.stem.endswith(f"_{kind}")]


def _number(frame: Path) -> int:
    return int(frame.stem[-8:])


def _whose(path: Path) -> tuple[str, int]:
    folder = path.parent.name
    return path.parent.parent.name, int(folder) if folder.isdecimal() else -1


def _emotion(path: Path) -> int:
    numbers = _numbers(path, 1).ravel()
    if len(numbers) != 1 or numbers[0] not in CODES:
        several = " ".join(f"{n:g}" for n in numbers[:5])
        raise Damaged(path, f"holds {several}, expected one emotion code from 1 to 7")
    return int(numbers[0])


def _coded(path: Path) -> np.ndarray:
    """(units, 2) of a FACS file: unit, intensity (1 to 5 for A to E, 0 where not coded)."""
    table = _numbers(path, 2)
    unit, intensity = table.T
    whole = (table == np.round(table)).all()
    if not whole or (unit < 1).any() or (intensity < 0).any() or (intensity > 5).any():
        raise Damaged(path, "expected action units and intensities from 0 to 5, whole numbers")
    return table


def _points(path: Path) -> np.ndarray:
    points = _numbers(path, 2)
    if len(points) != 68:
        raise Damaged(path, f"{len(points)} points, expected 68")
    return points


def _numbers(path: Path, columns: int) -> np.ndarray:
    """A text file of finite numbers in `columns` columns: float64 (rows, columns)."""
    rows = []
    for number, line, cells in words(path):
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            raise Damaged(path, f"line {number} is '{line[:30]}', expected numbers") from None
        if len(cells) != columns or not np.isfinite(rows[-1]).all():
            raise Damaged(
                path, f"line {number} is '{line[:30]}', expected {columns} finite numbers"
            )
    if not rows:
        raise Damaged(path, "no number in it; get it anew")
    return np.array(rows)
