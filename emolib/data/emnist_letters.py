"""EMNIST letters (Cohen et al. 2017): 28 x 28 white on black, 26 classes, both cases merged.

`emnist-letters-<train|test>-<images-idx3|labels-idx1>-ubyte`, raw or .gz, in `emnist/`, or where
other tools put them (PLACES). On disk each picture is transposed and classes count from 1; here
pictures are upright and labels are 0 to 25.

Counts: the files as NIST ships them hold 124,800 + 20,800 = 145,600 pictures, 4,800 + 800 of each
letter. Listings with 88,800 + 14,800 = 103,600 circulate too (TensorFlow Datasets has them). Both
are accepted, any other number is a part of the set; the doctor tells which.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.catalog import EMNIST
from emolib.data.checks import Checked, content_of, duplicates, of_one_file
from emolib.data.files import BREAKS_OFF, PACKED, Damaged, guard
from emolib.ground.containers import ImageSet

PLACES = ("emnist", *EMNIST)
CLASSES = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
PARTS = ("train", "test")
WHOLE = {(124_800, 20_800): "as NIST ships it", (88_800, 14_800): "an edition smaller than NIST's"}
IMAGES, LABELS = 2051, 2049  # magic numbers: 0x08 unsigned byte, 3 or 1 dimensions


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """uint8 (N, 28, 28) upright, training part first; meta: code (1 to 26); subject ''.

    damaged   without effect: four files make the set, and none of them can be left out
    Raises Damaged with the file for a wrong magic number, a body of another length than its head
    says, a label outside 1 to 26 and a count that differs between pictures and labels.
    """
    images, codes = zip(*(_part(Path(root), part) for part in PARTS))
    code = np.concatenate(codes).astype(np.int64)
    return ImageSet(
        name="emnist_letters",
        source="real",
        classes=CLASSES,
        images=np.concatenate(images),
        label=code - 1,
        subject=[""] * len(code),
        split=np.repeat(PARTS, [len(part) for part in codes]),
        meta=pd.DataFrame({"code": code}),
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: pictures in each part, which edition they are, repeats."""
    data = load(root)
    train, test = ((data.split == part).sum() for part in PARTS)
    edition = WHOLE.get((train, test), "a part of the set")
    each = np.bincount(data.label, minlength=26)
    return Checked(
        len(data),
        f"{train} train, {test} test, {edition}; {each.min()} to {each.max()} a letter",
        duplicates=duplicates(content_of(data.images), data.split),
    )


def read(path: Path) -> np.ndarray:
    """One idx file, raw or .gz: uint8 (N,) labels or (N, rows, columns) as they lie on disk."""
    guard(path)
    try:
        with PACKED.get(path.suffix, open)(path, "rb") as file:
            raw = file.read()
    except BREAKS_OFF as error:
        raise Damaged(
            path,
            f"the compressed data breaks off ({error}); it is cut short or damaged, get it anew",
        ) from None
    magic = struct.unpack_from(">i", raw)[0] if len(raw) >= 4 else None
    if magic not in (IMAGES, LABELS):
        raise Damaged(
            path, f"magic number {magic}, expected {IMAGES} (pictures) or {LABELS} (labels)"
        )
    axes = 3 if magic == IMAGES else 1
    body = len(raw) - 4 * (1 + axes)
    shape = struct.unpack_from(f">{axes}i", raw, 4) if body >= 0 else (-1,)
    if min(shape) < 0 or body != np.prod(shape, dtype=object):
        says = " x ".join(map(str, shape))
        raise Damaged(
            path, f"{max(body, 0)} bytes below its head, which says {says}; it is cut short"
        )
    return np.frombuffer(raw, np.uint8, offset=4 * (1 + axes)).reshape(shape)


def _part(root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Upright pictures (N, 28, 28) and codes (N,) of one part."""
    pictures, labels = (
        _find(root, f"emnist-letters-{part}-{name}-ubyte")
        for name in ("images-idx3", "labels-idx1")
    )
    images, code = read(pictures), read(labels)
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        shape = " x ".join(map(str, images.shape))
        raise Damaged(pictures, f"holds {shape}, expected pictures of 28 x 28")
    if code.ndim != 1 or len(code) != len(images):
        raise Damaged(
            labels,
            f"{len(code)} labels, but {pictures.name} holds {len(images)} pictures; get both anew",
        )
    bad = np.flatnonzero((code < 1) | (code > 26))
    if bad.size:
        raise Damaged(labels, f"label {code[bad[0]]} of picture {bad[0]}, expected 1 to 26")
    return images.transpose(0, 2, 1), code


def _find(root: Path, name: str) -> Path:
    for place in PLACES:
        for path in (root / place / name, root / place / f"{name}.gz"):
            if os.path.lexists(path):
                return path
    raise Damaged(
        root / PLACES[0] / f"{name}.gz",
        "no such file, raw or .gz; the four files of emnist-letters belong together",
    )
