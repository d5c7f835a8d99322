"""JAFFE: 213 pictures of ten women, seven emotions (Lyons et al. 1998). For research only: no face
of it is shown or written into results.

`jaffe/KA.AN1.39.tiff`: person, emotion and its number, number of the picture; 256 x 256, grey.
"""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from emolib import EMOTIONS
from emolib.data import pictures
from emolib.data.checks import Checked, content_of, duplicates
from emolib.data.files import Damaged, settle, sift
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

CODES = {"AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral"}
CODES |= {"SA": "sad", "SU": "surprise"}
SHAPE = (256, 256)
KINDS = (".tiff", ".tif")


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """uint8 (N, 256, 256) grey, by name; subject is the woman ('KA' ...). The set has no split.

    meta   image (file name), code ('AN' ...), number (of her pictures of that emotion)
    """
    data, bad = _read(Path(root) / "jaffe")
    settle(bad, damaged)
    if data is None:
        place = Path(root) / "jaffe"
        raise EmolibError(f"{place}: no usable picture; expected names such as KA.AN1.39.tiff")
    return data


def check(root: Path) -> Checked:
    """For the doctor: every picture decoded; people, pictures that stand twice."""
    data, bad = _read(Path(root) / "jaffe")
    if data is None:
        return Checked(0, damaged=bad)
    counts = data.meta.code.map(CODES).value_counts().sort_index()
    counts = ", ".join(f"{count} {emotion}" for emotion, count in counts.items())
    people = len(set(data.subject))
    same = duplicates(content_of(data.images))
    return Checked(len(data), f"{people} people; {counts}", bad, same)


def _read(place: Path) -> tuple[ImageSet | None, list[Damaged]]:
    """The pictures that can be read, and what is wrong with the others."""
    bad: list[Damaged] = []
    paths, named, strange = sift(pictures.files(place, bad, KINDS), _named)
    images, kept, unread = pictures.stack(paths, SHAPE, grey=True, exact=True)
    bad += strange + unread
    if not kept.any():
        return None, bad
    meta = pd.DataFrame([row for row, k in zip(named, kept) if k])
    data = ImageSet(
        name="jaffe",
        source="real",
        images=images,
        label=[EMOTIONS.index(CODES[code]) for code in meta["code"]],
        subject=meta.pop("person"),
        split=[""] * len(meta),
        meta=meta,
    )
    return data, bad


def _named(path: Path) -> dict:
    parts = re.fullmatch(r"([A-Z]{2})\.([A-Z]{2})(\d)\.(\d{1,3})", path.stem)
    if not parts or parts[2] not in CODES:
        why = "its name is not PERSON.EMOTION.NUMBER such as KA.AN1.39"
        raise Damaged(path, f"{why}, with an emotion of {', '.join(CODES)}")
    person, code, number, _ = parts.groups()
    return {"person": person, "image": path.name, "code": code, "number": int(number)}
