"""VGG-Face (Parkhi et al. 2015): a list of 2,622 people, and pictures in folders as VGGFace2 ships them.

The list has no photographs, only where they once stood: `vggface/vgg_face_dataset/files/Aamir_Khan.txt` (or
`vggface/files/`), one line per picture: id, url, left, top, right, bottom, pose, detection score, curation.
Pictures, from whatever source the reader has, stand in `vggface/<train|test>/<identity>/*.jpg`; only they make
a set of images. `people` reads the list.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import pictures
from emolib.data.checks import Checked, repeats, told
from emolib.data.files import Damaged, digest_of, guard, settle, sift
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

PARTS = ("train", "test")
LISTS = ("vgg_face_dataset/files", "files")
COLUMNS = ("id", "url", "left", "top", "right", "bottom", "pose", "score", "curation")
KINDS = (".jpg", ".jpeg", ".png")


def load(root: Path, *, size: int = 96, damaged: str = "raise") -> ImageSet:
    """Pictures as uint8 (N, size, size, 3), cut square around their centre; label = identity, classes = names of the folders.

    subject = identity; split = train or test; meta: image (file name). Raises Damaged with the file, EmolibError
    where only the list is there.
    """
    place, bad = Path(root) / "vggface", []
    rows = _rows(place, bad)
    images, kept, broken = pictures.stack([path for _, _, path in rows], (size, size), grey=False)
    settle(bad + broken, damaged)
    rows = [row for row, k in zip(rows, kept) if k]
    if not rows:
        raise EmolibError(
            f"{place}: no pictures in train/ or test/; the list alone gives names and boxes (emolib.data.vggface.people)"
        )
    who = [name for _, name, _ in rows]
    classes, label = np.unique(who, return_inverse=True)
    return ImageSet(
        name="vggface",
        source="real",
        images=images,
        label=label,
        classes=tuple(classes.tolist()),
        subject=who,
        split=[part for part, _, _ in rows],
        meta=pd.DataFrame({"image": [path.name for _, _, path in rows]}),
    )


def people(root: Path, *, damaged: str = "raise") -> pd.DataFrame:
    """The list: person and COLUMNS, a row per picture; boxes in pixels of the picture, pose and curation as published.

    Raises Damaged with file and line, EmolibError where there is no list.
    """
    place, bad = Path(root) / "vggface", []
    paths = _lists(place, bad)
    if not paths and not bad:
        raise EmolibError(
            f"{place / LISTS[0]}: no list there; get it from the University of Oxford, VGG"
        )
    _, tables, broken = sift(paths, _list)
    settle(bad + broken, damaged)
    return (
        pd.concat(tables, ignore_index=True)
        if tables
        else pd.DataFrame(columns=["person", *COLUMNS])
    )


def check(root: Path) -> Checked:
    """For the doctor: people in the list, people and pictures in the folders. Pictures are not decoded, only looked at."""
    place, bad = Path(root) / "vggface", []
    named, _, broken = sift(_lists(place, bad), _list)
    rows = _rows(place, bad)
    good, _, unread = sift((path for _, _, path in rows), pictures.size_of)
    whole = set(good)
    rows = [row for row in rows if row[2] in whole]
    content = np.array([digest_of(path) for _, _, path in rows])
    pictured = len({name for _, name, _ in rows})
    return Checked(
        pictured or len(named),
        f"{len(named)} people in the list, {len(rows)} pictures of {pictured} people",
        [(e.path, e.why) for e in bad + broken + unread],
        duplicates=told(repeats(content, np.array([part for part, _, _ in rows]))),
    )


def _rows(place: Path, bad: list[Damaged]) -> list[tuple[str, str, Path]]:
    """(part, identity, picture), all training pictures first."""
    return [
        (part, folder.name, path)
        for part in PARTS
        for folder in pictures.folders(place / part, bad)
        for path in pictures.files(folder, bad, KINDS)
    ]


def _lists(place: Path, bad: list[Damaged]) -> list[Path]:
    return next(
        (found for where in LISTS if (found := pictures.files(place / where, bad, (".txt",)))), []
    )


def _list(path: Path) -> pd.DataFrame:
    guard(path)
    rows = []
    for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            if len(words) != len(COLUMNS):
                raise ValueError
            rows.append(
                (
                    path.stem,
                    words[0],
                    words[1],
                    *map(float, words[2:6]),
                    int(float(words[6])),
                    float(words[7]),
                    int(float(words[8])),
                )
            )
        except (ValueError, OverflowError):
            raise Damaged(
                path, f"line {number} is '{line.strip()[:40]}', expected {' '.join(COLUMNS)}"
            ) from None
    if not rows:
        raise Damaged(path, "no picture in it; get it anew")
    return pd.DataFrame(rows, columns=["person", *COLUMNS])
