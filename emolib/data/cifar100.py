"""CIFAR-100 (Krizhevsky 2009): 32 x 32 RGB, 100 classes, 500 training and 100 test pictures of each.

In `cifar100/`, the first of these that is there is read:

cifar-100-python/train, test, meta     the pickles as shipped, read by a reader that runs nothing they may ask for
cifar100_subset.npz                    x_train, y_train, x_test, y_test, classes: a part of the set. meta.file and the
                                       doctor say so, and so must everything made from it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.checks import Checked, content_of, repeats, told
from emolib.data.files import Damaged, guard, unpickle
from emolib.ground.containers import ImageSet

PARTS = ("train", "test")
SUBSET = "cifar100_subset.npz"


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """uint8 (N, 32, 32, 3), training part first; classes as the file names them; pictures have no subject: ''.

    damaged   without effect: no part of the set can be left out
    meta: file (where the row comes from), code (the fine label), and coarse (0 to 19) where the file has it.
    """
    place = Path(root) / "cifar100"
    pickled = os.path.lexists(place / "cifar-100-python")
    classes, parts = _pickles(place / "cifar-100-python") if pickled else _subset(place / SUBSET)
    sizes = [len(p["images"]) for p in parts]
    label = np.concatenate([p["label"] for p in parts])
    meta = {"file": np.repeat([p["file"] for p in parts], sizes), "code": label}
    if all("coarse" in p for p in parts):
        meta["coarse"] = np.concatenate([p["coarse"] for p in parts])
    return ImageSet(
        name="cifar100",
        source="real",
        images=np.concatenate([p["images"] for p in parts]),
        label=label,
        classes=classes,
        subject=np.full(len(label), ""),
        split=np.repeat(PARTS, sizes),
        meta=pd.DataFrame(meta),
    )


def check(root: Path) -> Checked:
    """For the doctor: pictures in each part, whether it is the subset, and pictures that stand twice."""
    try:
        data = load(root)
    except Damaged as error:
        return Checked(0, damaged=[(error.path, error.why)])
    counts = ", ".join(f"{(data.split == part).sum()} {part}" for part in PARTS)
    return Checked(
        len(data),
        f"{counts}, {len(data.classes)} classes"
        + ("; a subset of CIFAR-100" if len(data) < 60_000 else ""),
        duplicates=told(repeats(content_of(data.images), data.split)),
    )


def _subset(path: Path):
    guard(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as opened:
            lacking = [
                k
                for k in ("x_train", "y_train", "x_test", "y_test", "classes")
                if k not in opened.files
            ]
            if lacking:
                raise Damaged(
                    path,
                    f"no array {lacking[0]} in it, expected x_train, y_train, x_test, y_test, classes",
                )
            held = {name: opened[name] for name in opened.files}
    except Damaged:
        raise
    except Exception as error:  # whatever NumPy and its archive raise, an array of objects among it
        raise Damaged(
            path,
            f"not a readable npz file of plain arrays ({str(error) or type(error).__name__}); get it anew",
        ) from None
    classes = _classes(path, held["classes"].tolist())
    return classes, [
        {
            "images": _images(path, held[f"x_{part}"]),
            "label": _labels(path, held[f"y_{part}"], len(held[f"x_{part}"]), len(classes)),
            "file": SUBSET,
        }
        for part in PARTS
    ]


def _pickles(place: Path):
    classes = _classes(place / "meta", *_fields(place / "meta", "fine_label_names"))
    parts = []
    for part in PARTS:
        path = place / part
        data, fine, coarse = _fields(path, "data", "fine_labels", "coarse_labels")
        if (
            not isinstance(data, np.ndarray)
            or data.dtype != np.uint8
            or data.ndim != 2
            or data.shape[1] != 3072
        ):
            raise Damaged(
                path,
                f"data is {getattr(data, 'dtype', type(data))} {getattr(data, 'shape', '')}, expected uint8 (N, 3072)",
            )
        images = _images(
            path, data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        )  # planes to pixels
        parts.append(
            {
                "images": images,
                "file": part,
                "label": _labels(path, fine, len(images), len(classes)),
                "coarse": _labels(path, coarse, len(images), 20),
            }
        )
    return classes, parts


def _fields(path: Path, *names: str) -> list:
    held = unpickle(path)
    lacking = [name for name in names if not isinstance(held, dict) or name not in held]
    if lacking:
        raise Damaged(path, f"a pickle without '{lacking[0]}'; get the set anew")
    return [held[name] for name in names]


def _classes(path: Path, names) -> tuple[str, ...]:
    if (
        not isinstance(names, (list, tuple))
        or not names
        or not all(isinstance(n, str) for n in names)
        or len(set(names)) != len(names)
    ):
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
