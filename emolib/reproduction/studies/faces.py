"""Faces of FER2013 as networks are fed with them: parts, windows, outputs (notebooks 13 and 41).

Beside every network stands what needs none: `stock`, a linear discriminant on coarse pixels.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor, nn
from torch.nn import functional as F

from emolib.data.checks import content_of
from emolib.ground.containers import ImageSet
from emolib.ground.errors import nearest

CLASSES = 7
PARTS = ("Training", "PublicTest", "PrivateTest")
STOCK = "linear discriminant"  # on COARSE x COARSE pixels
COARSE = 16


@dataclass(frozen=True)
class Faces:
    """Grey pictures uint8 (N, 48, 48) on the device; enlarged to `side`, cut to `crop` pixels."""

    images: Tensor
    side: int
    crop: int

    def windows(self, rows, top, left) -> Tensor:
        """Windows of `rows` (B,) that begin at `top`, `left` (B,), as `fed`: (B, 3, crop, crop)."""
        device = self.images.device
        rows, top, left = (torch.as_tensor(v, device=device) for v in (rows, top, left))
        x = enlarged(self.images[rows], self.side)  # (B, 1, side, side)
        at = torch.arange(self.crop, device=device)
        which = torch.arange(len(rows), device=device)[:, None, None]
        down, across = (top[:, None] + at)[:, :, None], (left[:, None] + at)[:, None, :]
        return fed(x[which, 0, down, across][:, None])

    def middle(self, rows) -> Tensor:
        """The window in the middle of each row, as the test sees it."""
        start = np.full(len(rows), (self.side - self.crop) // 2)
        return self.windows(rows, start, start)


def part_rows(
    faces: ImageSet, part: str, limit: int | None = None, *, clean: bool = False
) -> np.ndarray:
    """Row numbers of a part in file order, at most `limit`.

    clean   leave out training pictures whose every pixel stands in PublicTest or PrivateTest too
    """
    if part not in PARTS:
        raise nearest(part, PARTS, what="part of FERPlus")
    rows = np.flatnonzero(faces.split == part)
    if clean:
        content = content_of(faces.images)
        rows = rows[~np.isin(content[rows], content[faces.split != PARTS[0]])]
    return rows[:limit]


def unseen(faces: ImageSet, rows: np.ndarray) -> np.ndarray:
    """Bool (N,): is the picture of each row absent from the training part, pixel for pixel?"""
    content = content_of(faces.images)
    return ~np.isin(content[rows], content[faces.split == PARTS[0]])


def enlarged(images: Tensor, side: int) -> Tensor:
    """Grey pictures (B, H, H) -> float32 (B, 1, side, side), values kept."""
    x = images[:, None].float()
    if x.shape[-1] == side:
        return x
    return F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)


def fed(x: Tensor) -> Tensor:
    """Grey pictures (B, 1, H, W) in [0, 255] -> three equal channels in [-1, 1], channels last."""
    return (x / 127.5 - 1).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def outputs(net: nn.Module, inputs: Callable, rows: np.ndarray, batch: int = 256) -> Tensor:
    """What `net` makes of `inputs(rows)`: (N, D) on its device, half precision on a GPU."""
    device = next(net.parameters()).device.type
    mixed = torch.autocast(device, torch.bfloat16) if device == "cuda" else contextlib.nullcontext()
    with mixed:
        starts = range(0, len(rows), batch)
        return torch.cat([net(inputs(rows[k : k + batch])) for k in starts])


def scores(net: nn.Module, pool: Faces, rows: np.ndarray, *, mirror: bool = False) -> np.ndarray:
    """Raw scores float32 (N, 7) of the middle windows of `rows`, or of their mirror images."""

    def inputs(rows):
        return pool.middle(rows).flip(-1) if mirror else pool.middle(rows)

    return outputs(net, inputs, rows).float().cpu().numpy()


def stock(faces: ImageSet, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Probabilities (N, 7) of scikit-learn's linear discriminant for the rows `test`.

    It learns from the rows `train`, on the means of COARSE x COARSE blocks of each picture. A class
    with fewer than two training pictures is never named.
    """
    label = faces.label[train]
    known = np.bincount(label, minlength=CLASSES) >= 2
    train = train[known[label]]
    sides = []
    for rows in (train, test):
        images = faces.images[rows]
        block = images.shape[1] // COARSE
        blocks = images.reshape(len(rows), COARSE, block, COARSE, block)
        sides.append(blocks.mean((2, 4)).reshape(len(rows), -1))  # (N, 256)
    machine = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1)
    machine.fit(sides[0], faces.label[train])
    said = np.zeros((len(test), CLASSES))
    said[:, machine.classes_] = machine.predict_proba(sides[1])
    return said
