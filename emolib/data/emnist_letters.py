"""EMNIST letters (Cohen et al. 2017): 28 x 28 white on black, 26 classes, upper and lower case merged.

`emnist-letters-<train|test>-<images-idx3|labels-idx1>-ubyte`, raw or .gz, in `emnist/`, or where other tools put
them (PLACES). On disk each picture is transposed and classes count from 1; here pictures are upright and
labels are 0 to 25.

Counts: the files as NIST ships them hold 124,800 + 20,800 = 145,600 pictures, 4,800 + 800 of each letter. Listings
with 88,800 + 14,800 = 103,600 circulate too (TensorFlow Datasets has them). Both are accepted, any other number
is a part of the set; the doctor tells which.
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.checks import Checked, content_of, repeats, told
from emolib.data.files import Damaged, guard
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

PLACES = (
    "emnist",
    "emnist/gzip",
    "emnist/raw",
    "emnist_letters",
    "emnist_letters/gzip",
    "EMNIST/raw",
    "EMNIST/raw/gzip",
)
CLASSES = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
WHOLE = {(124_800, 20_800): "as NIST ships it", (88_800, 14_800): "an edition smaller than NIST's"}
IMAGES, LABELS = 2051, 2049  # magic numbers: 0x08 unsigned byte, 3 or 1 dimensions


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """uint8 (N, 28, 28) upright, training part first; meta: code (1 to 26). Letters have no subject: ''.

    damaged   without effect: four files make the set, and none of them can be left out
    Raises Damaged with the file for a wrong magic number, a body of another length than its head says, a label
    outside 1 to 26 and a count that differs between pictures and labels.
    """
    images, code = zip(*(_part(Path(root), part) for part in ("train", "test")))
    code = [np.asarray(c, np.int64) for c in code]
    return ImageSet(
        name="emnist_letters",
        source="real",
        classes=CLASSES,
        images=np.concatenate(images),
        label=np.concatenate(code) - 1,
        subject=np.full(sum(map(len, code)), ""),
        split=np.repeat(["train", "test"], [len(c) for c in code]),
        meta=pd.DataFrame({"code": np.concatenate(code)}),
    )


def check(root: Path) -> Checked:
    """For the doctor: pictures in each part, which edition they are, and pictures that stand twice."""
    try:
        data = load(root)
    except Damaged as error:
        return Checked(0, damaged=[(error.path, error.why)])
    except EmolibError as error:
        return Checked(0, damaged=[(Path(root) / PLACES[0], str(error))])
    counts = tuple(int((data.split == part).sum()) for part in ("train", "test"))
    each = np.bincount(data.label, minlength=26)
    return Checked(
        len(data),
        f"{counts[0]} train, {counts[1]} test, {WHOLE.get(counts, 'a part of the set')}; "
        f"{each.min()} to {each.max()} a letter",
        duplicates=told(repeats(content_of(data.images), data.split)),
    )


def read(path: Path) -> np.ndarray:
    """One idx file, raw or .gz: uint8 (N,) labels or (N, rows, columns) pictures as they lie on disk."""
    guard(path)
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            raw = file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(
            path,
            f"the compressed data breaks off ({error}); it is cut short or damaged, get it anew",
        ) from None
    magic = struct.unpack_from(">i", raw)[0] if len(raw) >= 4 else None
    if magic not in (IMAGES, LABELS):
        raise Damaged(
            path, f"magic number {magic}, expected {IMAGES} (pictures) or {LABELS} (labels)"
        )
    head = 4 + 4 * (3 if magic == IMAGES else 1)
    shape = struct.unpack_from(f">{head // 4 - 1}i", raw, 4) if len(raw) >= head else (-1,)
    if min(shape) < 0 or len(raw) - head != np.prod(shape, dtype=object):
        raise Damaged(
            path,
            f"{max(len(raw) - head, 0)} bytes below its head, which says {' x '.join(map(str, shape))}; it is cut short",
        )
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)


def _part(root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Upright pictures (N, 28, 28) and codes (N,) of one part."""
    where = [
        _find(root, f"emnist-letters-{part}-{name}-ubyte")
        for name in ("images-idx3", "labels-idx1")
    ]
    images, code = map(read, where)
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise Damaged(
            where[0], f"holds {' x '.join(map(str, images.shape))}, expected pictures of 28 x 28"
        )
    if code.ndim != 1 or len(code) != len(images):
        raise Damaged(
            where[1],
            f"{len(code)} labels, but {where[0].name} holds {len(images)} pictures; get both anew",
        )
    bad = np.flatnonzero((code < 1) | (code > 26))
    if bad.size:
        raise Damaged(where[1], f"label {code[bad[0]]} of picture {bad[0]}, expected 1 to 26")
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
