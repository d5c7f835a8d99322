"""VGG-Face (Parkhi et al. 2015): a list of 2,622 people; pictures in folders as VGGFace2 has them.

The list has no photographs, only where they once stood:
`vggface/vgg_face_dataset/files/Aamir_Khan.txt` (or `vggface/files/`), one line per picture: id,
url, left, top, right, bottom, pose, detection score, curation. Only the doctor looks it over.
Pictures, from whatever source the reader has, stand in `vggface/<train|test>/<identity>/*.jpg`;
only they make a set of images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import pictures
from emolib.data.checks import Checked, duplicates
from emolib.data.files import Damaged, digest_of, settle, sift, words
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

PARTS = ("train", "test")
LISTS = ("vgg_face_dataset/files", "files")
COLUMNS = ("id", "url", "left", "top", "right", "bottom", "pose", "score", "curation")
KINDS = (".jpg", ".jpeg", ".png")


def load(root: Path, *, size: int = 96, damaged: str = "raise") -> ImageSet:
    """Pictures as uint8 (N, size, size, 3), cut square around their centre; label = identity.

    classes = names of the folders; subject = identity; split = train or test; meta: image (file
    name). Raises Damaged with the file, EmolibError where only the list is there.
    """
    place, bad = Path(root) / "vggface", []
    paths = _pictures(place, bad)
    images, kept, broken = pictures.stack(paths, (size, size), grey=False)
    settle(bad + broken, damaged)
    paths = [path for path, k in zip(paths, kept) if k]
    if not paths:
        raise EmolibError(
            f"{place}: no pictures in train/ or test/; the list alone gives names and boxes"
        )
    person = [path.parent.name for path in paths]
    classes, label = np.unique(person, return_inverse=True)
    return ImageSet(
        name="vggface",
        source="real",
        images=images,
        label=label,
        classes=tuple(classes.tolist()),
        subject=person,
        split=[_part(path) for path in paths],
        meta=pd.DataFrame({"image": [path.name for path in paths]}),
    )


def check(root: Path) -> Checked:
    """For the doctor: people in the list, people and pictures (not decoded) in the folders."""
    place, bad = Path(root) / "vggface", []
    lists = (pictures.files(place / where, bad, (".txt",)) for where in LISTS)
    named, _, broken = sift(next(filter(None, lists), []), _look_over)
    paths, _, unread = sift(_pictures(place, bad), pictures.size_of)
    pictured = len({path.parent.name for path in paths})
    return Checked(
        pictured or len(named),
        f"{len(named)} people in the list, {len(paths)} pictures of {pictured} people",
        bad + broken + unread,
        duplicates([digest_of(path) for path in paths], [_part(path) for path in paths]),
    )


def _pictures(place: Path, bad: list[Damaged]) -> list[Path]:
    """All pictures, those for training first."""
    return [path for part in PARTS for path in pictures.below(place / part, 1, bad, KINDS)]


def _part(path: Path) -> str:
    return path.parent.parent.name


def _look_over(path: Path):
    """Raises Damaged for a list of one person's pictures that is none."""
    empty = True
    for number, line, cells in words(path):
        empty = False
        try:
            numbers = [float(cell) for cell in cells[2:]]
            whole = len(cells) == len(COLUMNS) and np.isfinite([numbers[4], numbers[6]]).all()
        except ValueError:
            whole = False
        if not whole:
            raise Damaged(path, f"line {number} is '{line[:40]}', expected {' '.join(COLUMNS)}")
    if empty:
        raise Damaged(path, "no picture in it; get it anew")
