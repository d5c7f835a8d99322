"""Faces as yin2022 prepares them (4.5, steps 2 to 4): grey, equalised, cut out, mirrored."""

from __future__ import annotations

import numpy as np

from emolib.features.landmarks import crops
from emolib.ground.errors import EmolibError

GROW = 1.3  # side of the crop in sizes of the box around the 68 points; ours, print has "crop"


def grey(frames: np.ndarray) -> np.ndarray:
    """Mean of red, green and blue, rounded: uint8 (T, H, W, 3) -> (T, H, W); grey stays."""
    if frames.dtype != np.uint8 or frames.ndim not in (3, 4):
        raise EmolibError(
            f"grey: frames are {frames.dtype} {frames.shape}, "
            "expected uint8 (T, H, W, 3) or (T, H, W)"
        )
    if frames.ndim == 3:
        return frames
    total = frames[..., 0].astype(np.uint16)
    total += frames[..., 1]
    total += frames[..., 2]
    return ((total + 1) // 3).astype(np.uint8)  # (T, H, W)


def equalised(pictures: np.ndarray) -> np.ndarray:
    """Histogram equalisation of each picture by itself: uint8 (T, H, W) -> the same.

    The darkest grey level goes to 0, the brightest to 255, those between by their share of pixels,
    as OpenCV's equalizeHist does (the paper names OpenCV). A picture of one level stays as it is.
    """
    count, pixels = len(pictures), int(np.prod(pictures.shape[1:]))
    offset = (256 * np.arange(count, dtype=np.int32))[:, None, None]
    level = pictures + offset  # (T, H, W): 256 levels for each picture
    seen = np.bincount(level.ravel(), minlength=256 * count).reshape(count, 256)
    below = seen.cumsum(1)  # (T, 256)
    # (T, 1): pixels of the darkest level
    first = np.take_along_axis(seen, (seen > 0).argmax(1)[:, None], 1)
    spread = np.rint((below - first).clip(0) * np.float32(255) / np.maximum(pixels - first, 1))
    table = np.where(first == pixels, np.arange(256), spread).astype(np.uint8)  # (T, 256)
    return table.ravel()[level]


def squares(points: np.ndarray, grow: float = GROW) -> np.ndarray:
    """Square boxes (T, 4) left, top, right, bottom about the middle of points (T, K, 2)."""
    low, high = points.min(1), points.max(1)
    half = grow * (high - low).max(1, keepdims=True) / 2
    return np.concatenate([(low + high) / 2 - half, (low + high) / 2 + half], 1)


def prepared(frames: np.ndarray, points: np.ndarray, side: int) -> np.ndarray:
    """Frames uint8 (T, H, W, 3) and face points (T, K, 2) in pixels -> uint8 (T, side, side).

    The whole frame is equalised, as the steps are listed, and then cut. At the border the square is
    cut off and stretched.
    """
    return crops(equalised(grey(frames)), squares(points), margin=0, size=side)


def mirrored(faces: np.ndarray) -> np.ndarray:
    """Mirror images of faces (..., H, W): yin2022 counts them as faces of other speakers."""
    return faces[..., ::-1]
