"""Faces cut out as FER2013's are, so that a network that learnt there meets what it knows.

Where dlib finds the 68 points in FER2013 (196 of 250 training pictures, enlarged four times), the
eyes' middle lies at 0.493 of the width and 0.392 of the height, the mouth's at 0.795 of the height,
and the points are 0.834 of the width wide; the CK+ copies are framed alike (0.496, 0.405, 0.801,
0.834).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from emolib.features.greyface import grey
from emolib.ground.errors import EmolibError

SIDE = 48
EYES_AT = (0.493, 0.392)  # where the middle of the eyes lies, in sides from left and top
WIDTH, DROP = 0.834, 0.403  # of the 68 points' width and of eyes to mouth, in sides
EYES, MOUTH = slice(36, 48), slice(48, 68)  # in the order of the 68 points


def portraits(frames: np.ndarray, points: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Grey faces uint8 (T, side, side), upright and framed as in FER2013.

    frames   uint8 (T, H, W, 3) or grey (T, H, W), or one frame (H, W[, 3]) for all points
    points   (T, 68, 2) in pixels
    What lies outside the picture repeats its border. Each output pixel is the mean of what it
    covers. Raises EmolibError for points that are not finite.
    """
    points = np.asarray(points, np.float64)
    if points.shape[1:] != (68, 2) or not np.isfinite(points).all():
        raise EmolibError(f"portraits: points of shape {points.shape}, expected finite (T, 68, 2)")
    out = np.empty((len(points), side, side), np.uint8)
    for t, (middle, turn, size) in enumerate(zip(*_frames(points))):
        out[t] = _cut(grey(frames[t][None])[0], middle, turn, size, side)
    return out


def _frames(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each face (T, 68, 2): the middle of its eyes (T, 2), its turn (T,) in radians and the side
    of its frame (T,) in pixels: the mean of what width and height ask for."""
    right, left = points[:, 36:42].mean(1), points[:, 42:48].mean(1)  # (T, 2)
    across = left - right
    turn = np.arctan2(across[:, 1], across[:, 0])
    cos, sin = np.cos(turn), np.sin(turn)
    upright = np.stack(
        [
            points[..., 0] * cos[:, None] + points[..., 1] * sin[:, None],
            points[..., 1] * cos[:, None] - points[..., 0] * sin[:, None],
        ],
        -1,
    )  # (T, 68, 2)
    width = np.ptp(upright[..., 0], axis=1)
    drop = upright[:, MOUTH, 1].mean(1) - upright[:, EYES, 1].mean(1)
    side = (width / WIDTH + drop / DROP) / 2
    return (right + left) / 2, turn, np.maximum(side, 1.0)


def _cut(picture: np.ndarray, middle, turn: float, size: float, side: int) -> np.ndarray:
    """The turned square whose EYES_AT lies on `middle`: uint8 (H, W) -> (side, side)."""
    more = max(1, math.ceil(size / side))  # samples an output pixel, each way
    at = (np.arange(side * more) + 0.5) / (side * more)  # in sides
    x, y = np.meshgrid((at - EYES_AT[0]) * size, (at - EYES_AT[1]) * size)
    cos, sin = math.cos(turn), math.sin(turn)
    where = np.stack([middle[0] + x * cos - y * sin, middle[1] + x * sin + y * cos], -1)
    height, width = picture.shape
    grid = (where + 0.5) / [width, height] * 2 - 1
    source = torch.from_numpy(np.ascontiguousarray(picture))[None, None].float()
    grid = torch.from_numpy(grid)[None].float()
    looks = F.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=False)
    looks = F.avg_pool2d(looks, more)[0, 0]
    return looks.round().clamp(0, 255).byte().numpy()
