"""Textured shapes: a stand-in for CIFAR-100, in its own counts.

A textured shape is one of 100 combinations of outline (10) and texture (10) in free colours, over a
busy background.
"""

import numpy as np
import pandas as pd

from emolib.data.sim.streams import stream
from emolib.ground.containers import ImageSet

SHAPES = ("disc", "square", "triangle", "star", "ring", "cross", "bar", "heart", "moon", "gear")
# fmt: off
TEXTURES = (
    "plain", "stripes", "checks", "dots", "waves", "rings", "grain", "gradient", "mesh", "patches"
)
# fmt: on


def textured(seed: int, label: np.ndarray) -> np.ndarray:
    """Shapes with textures: uint8 (N, 32, 32, 3); label = 10 * shape + texture, 0 to 99."""
    count, size = len(label), 32
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size * 2 - 1
    pose = stream(seed, "textured", "pose").uniform(-1, 1, (count, 6))
    colour = stream(seed, "textured", "colour").random((count, 3, 3))
    coarse = stream(seed, "textured", "ground").standard_normal((count, 5, 5, 3))
    fine = stream(seed, "textured", "noise").standard_normal((count, size, size, 3))
    at = (np.arange(size) + 0.5) / size * 4
    low = np.minimum(at.astype(int), 3)
    part = at - low
    spread = np.zeros((size, 5))
    spread[np.arange(size), low], spread[np.arange(size), low + 1] = 1 - part, part
    out = np.empty((count, size, size, 3), np.uint8)
    for i, c in enumerate(label):
        t, scale = np.pi * 0.35 * pose[i, 0], 0.62 + 0.18 * pose[i, 1]
        across, down = x - 0.25 * pose[i, 2], y - 0.25 * pose[i, 3]
        u = (across * np.cos(t) + down * np.sin(t)) / scale
        v = (-across * np.sin(t) + down * np.cos(t)) / scale
        inside = np.clip(0.5 - _outline(SHAPES[c // 10], u, v) * size * scale / 3, 0, 1)[..., None]
        mark = _texture(TEXTURES[c % 10], u, v, pose[i, 4:], fine[i, ..., 0])[..., None]
        back = 0.45 + 0.22 * np.einsum("ai,bj,ijc->abc", spread, spread, coarse[i])
        back = back + 0.15 * (colour[i, 2] - 0.5)
        second = 0.25 + 0.5 * colour[i, 1] + 0.25 * (colour[i, 0] < 0.5)
        front = colour[i, 0] * (1 - mark) + second * mark
        out[i] = 255 * np.clip(back * (1 - inside) + front * inside + 0.04 * fine[i], 0, 1)
    return out


def _outline(shape, u, v) -> np.ndarray:
    """About the signed distance to the outline, negative inside."""
    r, a, w, h = np.hypot(u, v), np.arctan2(v, u), abs(u), abs(v)
    return {
        "disc": lambda: r - 0.9,
        "square": lambda: np.maximum(w, h) - 0.8,
        "triangle": lambda: np.maximum(0.87 * w - 0.5 * v, v) - 0.5,
        "star": lambda: r - 0.6 - 0.32 * np.cos(5 * a),
        "ring": lambda: abs(r - 0.65) - 0.22,
        "cross": lambda: np.minimum(np.maximum(w - 0.28, h - 0.95), np.maximum(h - 0.28, w - 0.95)),
        "bar": lambda: np.maximum(w - 1.0, h - 0.35),
        "heart": lambda: np.hypot(u, -v - 0.25 - 0.75 * np.sqrt(w)) - 0.85,
        "moon": lambda: np.maximum(r - 0.9, 0.75 - np.hypot(u - 0.5, v)),
        "gear": lambda: r - 0.72 - 0.14 * np.sign(np.cos(9 * a)),
    }[shape]()


def _texture(texture, u, v, free, noise) -> np.ndarray:
    """A mark between 0 and 1 at each point."""
    w, f = 1 / (1 + 0.25 * free[0]), 3 * free[1]
    r = np.hypot(u, v)
    wave = {
        "plain": lambda: 0 * u - 1,
        "stripes": lambda: np.sin(11 * w * u + f),
        "checks": lambda: np.sin(8 * w * u + f) * np.sin(8 * w * v),
        "dots": lambda: np.cos(9 * w * u + f) + np.cos(9 * w * v) - 1.1,
        "waves": lambda: np.sin(10 * w * v + 2.2 * np.sin(4 * u + f)),
        "rings": lambda: np.sin(14 * w * r + f),
        "grain": lambda: 0.8 * noise,
        "gradient": lambda: 0.5 * (u + v),
        "mesh": lambda: np.maximum(np.cos(12 * w * u + f), np.cos(12 * w * v)) - 0.8,
        "patches": lambda: np.sin(4 * w * u + f) + np.sin(5 * w * v + 2 * u),
    }[texture]()
    return np.clip(0.5 + (0.7 if texture in ("gradient", "grain") else 2.5) * wave, 0, 1)


def cifar100(seed: int = 0, train: int = 500, test: int = 100) -> ImageSet:
    """A stand-in for CIFAR-100: ten shapes x ten textures, train + test RGB pictures of each."""
    label = np.tile(np.arange(100), train + test)
    return ImageSet(
        name="cifar100",
        images=textured(seed, label),
        label=label,
        classes=tuple(f"{s}_{t}" for s in SHAPES for t in TEXTURES),
        subject=[""] * len(label),
        meta=pd.DataFrame({"code": label}),
        split=np.repeat(["train", "test"], [100 * train, 100 * test]),
    )
