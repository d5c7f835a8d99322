"""Simulated EMNIST letters and CIFAR-100, in their own counts and file formats."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.containers import ImageSet
from emolib.sim import glyph


def emnist_letters(seed: int = 0, train: int = 4800, test: int = 800) -> ImageSet:
    """A stand-in for EMNIST letters: 26 classes x (train + test) upright 28 x 28 pictures; meta.code is 1 to 26."""
    label = np.concatenate([np.tile(np.arange(26), train), np.tile(np.arange(26), test)])
    return ImageSet(name="emnist_letters", source="simulated", images=glyph.letters(seed, label), label=label,
                    classes=tuple(glyph.LETTERS), subject=np.full(len(label), ""), meta=pd.DataFrame({"code": label + 1}),
                    split=np.repeat(["train", "test"], [26 * train, 26 * test]))


def cifar100(seed: int = 0, train: int = 500, test: int = 100) -> ImageSet:
    """A stand-in for CIFAR-100: ten shapes x ten textures, train + test 32 x 32 RGB pictures of each."""
    label = np.concatenate([np.tile(np.arange(100), train), np.tile(np.arange(100), test)])
    return ImageSet(name="cifar100", source="simulated", images=glyph.textured(seed, label), label=label,
                    classes=tuple(f"{s}_{t}" for s in glyph.SHAPES for t in glyph.TEXTURES), subject=np.full(len(label), ""),
                    split=np.repeat(["train", "test"], [100 * train, 100 * test]))


def write_emnist_letters(world: ImageSet, folder: Path) -> list[Path]:
    """`emnist_letters/emnist-letters-<split>-<images-idx3|labels-idx1>-ubyte.gz`: pictures transposed, labels 1 to 26."""
    place, out = Path(folder) / "emnist_letters", []
    place.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        rows = world.split == split
        images = world.images[rows].transpose(0, 2, 1)
        for name, head, body in (("images-idx3", struct.pack(">4i", 2051, *images.shape), images.tobytes()),
                                 ("labels-idx1", struct.pack(">2i", 2049, rows.sum()), (world.label[rows] + 1).astype(np.uint8).tobytes())):
            path = place / f"emnist-letters-{split}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(head + body, mtime=0))
            out.append(path)
    return out


def write_cifar100(world: ImageSet, folder: Path) -> list[Path]:
    """`cifar100/cifar100_subset.npz`: x_train, y_train, x_test, y_test, classes."""
    path = Path(folder) / "cifar100" / "cifar100_subset.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {f"{k}_{s}": v[world.split == s] for s in ("train", "test") for k, v in (("x", world.images), ("y", world.label))}
    np.savez_compressed(path, classes=np.array(world.classes), **parts)
    return [path]
