"""CIFAR-100 (Krizhevsky 2009): 32 x 32 RGB, 100 classes, 500 training and 100 test pictures each.

In `cifar100/`, the first of these that is there is read:

cifar-100-python/train, test, meta     the pickles as shipped, read by a reader that runs nothing
                                       they ask for
cifar100_subset.npz                    x_train, y_train, x_test, y_test, classes: a part of the set.
                                       meta.file and the doctor say so, and so must everything made
                                       from it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.checks import Checked, content_of, duplicates, of_one_file
from emolib.data.files import Damaged, arrays, unpickle
from emolib.ground.containers import ImageSet

PARTS = ("train", "test")
SUBSET = "cifar100_subset.npz"
ARRAYS = ("x_train", "y_train", "x_test", "y_test", "classes")


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """uint8 (N, 32, 32, 3), training part first; classes as the file names them; subject ''.

    damaged   without effect: no part of the set can be left out
    meta: file (where the row comes from), code (the fine label), and coarse (0 to 19) where the
    file has it.
    """
    place = Path(root) / "cifar100"
    pickled = os.path.lexists(place / "cifar-100-python")
    classes, parts = _pickles(place / "cifar-100-python") if pickled else _subset(place / SUBSET)
    sizes = [len(part["label"]) for part in parts]
    label = np.concatenate([part["label"] for part in parts])
    meta = {"file": np.repeat([part["file"] for part in parts], sizes), "code": label}
    if pickled:
        meta["coarse"] = np.concatenate([part["coarse"] for part in parts])
    return ImageSet(
        name="cifar100",
        source="real",
        images=np.concatenate([part["images"] for part in parts]),
        label=label,
        classes=classes,
        subject=[""] * len(label),
        split=np.repeat(PARTS, sizes),
        meta=pd.DataFrame(meta),
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: pictures in each part, whether it is the subset, repeats."""
    data = load(root)
    counts = ", ".join(f"{(data.split == part).sum()} {part}" for part in PARTS)
    subset = "; a subset of CIFAR-100" if len(data) < 60_000 else ""
    return Checked(
        len(data),
        f"{counts}, {len(data.classes)} classes{subset}",
        duplicates=duplicates(content_of(data.images), data.split),
    )


def _subset(path: Path):
    held = arrays(path, *ARRAYS)
    classes, parts = _classes(path, held["classes"].tolist()), []
    for part in PARTS:
        images = _images(path, held[f"x_{part}"])
        label = _labels(path, held[f"y_{part}"], len(images), len(classes))
        parts.append({"images": images, "label": label, "file": SUBSET})
    return classes, parts


def _pickles(place: Path):
    classes, parts = _classes(place / "meta", *_fields(place / "meta", "fine_label_names")), []
    for part in PARTS:
        path = place / part
        data, fine, coarse = _fields(path, "data", "fine_labels", "coarse_labels")
        kind, shape = getattr(data, "dtype", type(data)), getattr(data, "shape", ())
        if kind != np.uint8 or len(shape) != 2 or shape[1] != 3072:
            raise Damaged(path, f"data is {kind} {shape}, expected uint8 (N, 3072)")
        pixels = data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)  # the file holds planes
        images = _images(path, pixels)
        label = _labels(path, fine, len(images), len(classes))
        coarse = _labels(path, coarse, len(images), 20)
        parts.append({"images": images, "label": label, "file": part, "coarse": coarse})
    return classes, parts


def _fields(path: Path, *names: str) -> list:
    held = unpickle(path)
    lacking = [name for name in names if not isinstance(held, dict) or name not in held]
    if lacking:
        raise Damaged(path, f"a pickle without '{lacking[0]}'; get the set anew")
    return [held[name] for name in names]


def _classes(path: Path, names) -> tuple[str, ...]:
    text = isinstance(names, (list, tuple)) and all(isinstance(name, str) for name in names)
    if not text or not names or len(set(names)) != len(names):
        raise Damaged(path, "its class names are no list of different names")
    return tuple(names)


def _images(path: Path, images: np.ndarray) -> np.ndarray:
    if images.dtype != np.uint8 or images.shape[1:] != (32, 32, 3) or not len(images):
        raise Damaged(
            path, f"pictures are {images.dtype} {images.shape}, expected uint8 (N, 32, 32, 3)"
        )
    return images


def _labels(path: Path, values, count: int, classes: int) -> np.ndarray:
    try:
        label = np.asarray(values)
    except ValueError:  # lists of unequal length
        label = np.empty(0, object)
    if label.dtype.kind not in "iu" or label.shape != (count,):
        raise Damaged(
            path, f"labels are {label.dtype} {label.shape}, expected {count} whole numbers"
        )
    bad = np.flatnonzero((label < 0) | (label >= classes))
    if bad.size:
        raise Damaged(
            path, f"label {label[bad[0]]} of picture {bad[0]}, expected 0 to {classes - 1}"
        )
    return label.astype(np.int64)
