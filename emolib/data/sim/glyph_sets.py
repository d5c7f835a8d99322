"""Simulated EMNIST letters and CIFAR-100, in their own counts and file formats."""

from __future__ import annotations

import gzip
import pickle
import struct
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.sim import glyph
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError


def emnist_letters(seed: int = 0, train: int = 4800, test: int = 800) -> ImageSet:
    """A stand-in for EMNIST letters: 26 classes x (train + test) upright 28 x 28 pictures; meta.code is 1 to 26."""
    label = np.concatenate([np.tile(np.arange(26), train), np.tile(np.arange(26), test)])
    return ImageSet(
        name="emnist_letters",
        source="simulated",
        images=glyph.letters(seed, label),
        label=label,
        classes=tuple(glyph.LETTERS),
        subject=np.full(len(label), ""),
        meta=pd.DataFrame({"code": label + 1}),
        split=np.repeat(["train", "test"], [26 * train, 26 * test]),
    )


def cifar100(seed: int = 0, train: int = 500, test: int = 100) -> ImageSet:
    """A stand-in for CIFAR-100: ten shapes x ten textures, train + test 32 x 32 RGB pictures of each."""
    label = np.concatenate([np.tile(np.arange(100), train), np.tile(np.arange(100), test)])
    return ImageSet(
        name="cifar100",
        source="simulated",
        images=glyph.textured(seed, label),
        label=label,
        classes=tuple(f"{s}_{t}" for s in glyph.SHAPES for t in glyph.TEXTURES),
        subject=np.full(len(label), ""),
        meta=pd.DataFrame({"code": label}),
        split=np.repeat(["train", "test"], [100 * train, 100 * test]),
    )


def write_emnist_letters(world: ImageSet, folder: Path) -> list[Path]:
    """`emnist/emnist-letters-<split>-<images-idx3|labels-idx1>-ubyte.gz`: pictures transposed, labels 1 to 26."""
    place, out = Path(folder) / "emnist", []
    place.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        rows = world.split == split
        images = world.images[rows].transpose(0, 2, 1)
        for name, head, body in (
            ("images-idx3", struct.pack(">4i", 2051, *images.shape), images.tobytes()),
            (
                "labels-idx1",
                struct.pack(">2i", 2049, rows.sum()),
                (world.label[rows] + 1).astype(np.uint8).tobytes(),
            ),
        ):
            path = place / f"emnist-letters-{split}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(head + body, mtime=0))
            out.append(path)
    return out


def write_cifar100(world: ImageSet, folder: Path, *, layout: str = "npz") -> list[Path]:
    """`cifar100/cifar100_subset.npz` (x_train, y_train, x_test, y_test, classes), or, with layout='pickle', the files
    `cifar100/cifar-100-python/train`, `test` and `meta` as the real set ships; the coarse class there is the shape.
    """
    place, parts = Path(folder) / "cifar100", {}
    for split in ("train", "test"):
        rows = world.split == split
        parts[split] = world.images[rows], world.label[rows]
    if layout == "pickle":
        return _write_pickles(world, parts, place / "cifar-100-python")
    if layout != "npz":
        raise EmolibError(f"layout '{layout}' is not known: expected npz or pickle")
    path = place / "cifar100_subset.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        classes=np.array(world.classes),
        **{f"{k}_{s}": v for s in parts for k, v in zip("xy", parts[s])},
    )
    return [path]


def _write_pickles(world: ImageSet, parts: dict, place: Path) -> list[Path]:
    place.mkdir(parents=True, exist_ok=True)
    held = {
        "meta": {"fine_label_names": list(world.classes), "coarse_label_names": list(glyph.SHAPES)}
    }
    for split, (images, label) in parts.items():
        held[split] = {
            "filenames": [f"{world.classes[c]}_{i:06d}.png" for i, c in enumerate(label)],
            "fine_labels": label.tolist(),
            "coarse_labels": (label // len(glyph.TEXTURES)).tolist(),
            "batch_label": split,
            "data": np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), -1),
        }
    for name, value in held.items():
        (place / name).write_bytes(pickle.dumps(value, protocol=2))
    return [place / name for name in held]
