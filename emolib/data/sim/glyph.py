"""Letters and textured shapes: stand-ins for EMNIST letters and CIFAR-100.

A letter is a set of strokes (polylines in a unit square) that a random hand bends, slants, scales,
thickens and shifts; some letters have several ways of being written. A textured shape is one of 100
combinations of outline (10) and texture (10) in free colours, over a busy background.
"""

from __future__ import annotations

import numpy as np

from emolib.data.sim.streams import stream

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SHAPES = ("disc", "square", "triangle", "star", "ring", "cross", "bar", "heart", "moon", "gear")
TEXTURES = (
    "plain",
    "stripes",
    "checks",
    "dots",
    "waves",
    "rings",
    "grain",
    "gradient",
    "mesh",
    "patches",
)


def _arc(cx, cy, rx, ry, start, stop, count=14):
    """A polyline along an ellipse, angles in turns, 0 to the right and clockwise (y runs down)."""
    a = 2 * np.pi * np.linspace(start, stop, count)
    return [(cx + rx * np.cos(t), cy + ry * np.sin(t)) for t in a]


# Each letter: ways of writing it, capital first; a way is a list of strokes.
STROKES = {
    "A": [
        [[(0.1, 1), (0.5, 0), (0.9, 1)], [(0.28, 0.6), (0.72, 0.6)]],
        [_arc(0.45, 0.68, 0.3, 0.3, 0, 1), [(0.76, 0.38), (0.76, 1)]],
    ],
    "B": [
        [
            [(0.2, 0), (0.2, 1)],
            [(0.2, 0), *_arc(0.45, 0.25, 0.3, 0.25, -0.25, 0.25), (0.2, 0.5)],
            [(0.2, 0.5), *_arc(0.5, 0.75, 0.33, 0.25, -0.25, 0.25), (0.2, 1)],
        ],
        [[(0.25, 0), (0.25, 1)], _arc(0.5, 0.7, 0.26, 0.3, 0, 1)],
    ],
    "C": [[_arc(0.55, 0.5, 0.42, 0.5, -0.12, -0.88)]],
    "D": [
        [[(0.2, 0), (0.2, 1)], [(0.2, 0), *_arc(0.4, 0.5, 0.45, 0.5, -0.25, 0.25), (0.2, 1)]],
        [[(0.75, 0), (0.75, 1)], _arc(0.48, 0.7, 0.27, 0.3, 0, 1)],
    ],
    "E": [
        [[(0.85, 0), (0.2, 0), (0.2, 1), (0.85, 1)], [(0.2, 0.5), (0.7, 0.5)]],
        [[(0.15, 0.55), *_arc(0.5, 0.55, 0.36, 0.4, 0, -0.88)]],
    ],
    "F": [
        [[(0.85, 0), (0.2, 0), (0.2, 1)], [(0.2, 0.48), (0.7, 0.48)]],
        [[*_arc(0.65, 0.2, 0.2, 0.2, 0, -0.5), (0.45, 1)], [(0.2, 0.45), (0.75, 0.45)]],
    ],
    "G": [
        [[*_arc(0.55, 0.5, 0.42, 0.5, -0.12, -1.0), (0.6, 0.55)]],
        [
            _arc(0.48, 0.35, 0.3, 0.3, 0, 1),
            [(0.78, 0.05), (0.78, 0.8), *_arc(0.48, 0.8, 0.3, 0.2, 0, 0.42)],
        ],
    ],
    "H": [
        [[(0.15, 0), (0.15, 1)], [(0.85, 0), (0.85, 1)], [(0.15, 0.5), (0.85, 0.5)]],
        [[(0.2, 0), (0.2, 1)], [(0.2, 0.65), *_arc(0.5, 0.65, 0.28, 0.2, -0.5, 0), (0.78, 1)]],
    ],
    "I": [
        [[(0.5, 0), (0.5, 1)], [(0.3, 0), (0.7, 0)], [(0.3, 1), (0.7, 1)]],
        [[(0.5, 0.3), (0.5, 1)], [(0.5, 0.05), (0.52, 0.08)]],
    ],
    "J": [
        [[(0.7, 0), (0.7, 0.7), *_arc(0.45, 0.75, 0.25, 0.25, 0, 0.45)]],
        [[(0.35, 0), (0.9, 0)], [(0.65, 0), (0.65, 0.75), *_arc(0.42, 0.78, 0.22, 0.22, 0, 0.45)]],
    ],
    "K": [[[(0.2, 0), (0.2, 1)], [(0.85, 0), (0.2, 0.55)], [(0.4, 0.4), (0.88, 1)]]],
    "L": [[[(0.2, 0), (0.2, 1), (0.85, 1)]], [[(0.5, 0), (0.5, 1)]]],
    "M": [
        [[(0.1, 1), (0.15, 0), (0.5, 0.65), (0.85, 0), (0.9, 1)]],
        [
            [(0.1, 0.3), (0.1, 1)],
            [(0.1, 0.55), *_arc(0.3, 0.5, 0.2, 0.2, -0.5, 0), (0.5, 1)],
            [(0.5, 0.55), *_arc(0.7, 0.5, 0.2, 0.2, -0.5, 0), (0.9, 1)],
        ],
    ],
    "N": [
        [[(0.15, 1), (0.15, 0), (0.85, 1), (0.85, 0)]],
        [[(0.2, 0.3), (0.2, 1)], [(0.2, 0.6), *_arc(0.5, 0.55, 0.3, 0.25, -0.5, 0), (0.8, 1)]],
    ],
    "O": [[_arc(0.5, 0.5, 0.42, 0.5, -0.25, 0.75, 22)]],
    "P": [
        [[(0.2, 0), (0.2, 1)], [(0.2, 0), *_arc(0.5, 0.27, 0.33, 0.27, -0.25, 0.25), (0.2, 0.54)]]
    ],
    "Q": [
        [_arc(0.5, 0.48, 0.42, 0.47, -0.25, 0.75, 22), [(0.6, 0.7), (0.92, 1.02)]],
        [_arc(0.48, 0.35, 0.3, 0.3, 0, 1), [(0.78, 0.05), (0.78, 1), (0.95, 0.9)]],
    ],
    "R": [
        [
            [(0.2, 0), (0.2, 1)],
            [(0.2, 0), *_arc(0.5, 0.25, 0.33, 0.25, -0.25, 0.25), (0.2, 0.5)],
            [(0.45, 0.5), (0.88, 1)],
        ],
        [[(0.3, 0.3), (0.3, 1)], [(0.3, 0.6), *_arc(0.6, 0.55, 0.3, 0.25, -0.5, -0.15)]],
    ],
    "S": [
        [[*_arc(0.5, 0.25, 0.33, 0.25, -0.08, -0.75), *_arc(0.5, 0.75, 0.35, 0.25, -0.25, 0.42)]]
    ],
    "T": [
        [[(0.1, 0), (0.9, 0)], [(0.5, 0), (0.5, 1)]],
        [
            [(0.5, 0), (0.5, 0.85), *_arc(0.68, 0.82, 0.18, 0.18, 0.5, 0.2)],
            [(0.22, 0.32), (0.8, 0.32)],
        ],
    ],
    "U": [
        [[(0.15, 0), (0.15, 0.6), *_arc(0.5, 0.62, 0.35, 0.38, 0.5, 0), (0.85, 0)]],
        [
            [(0.2, 0.3), (0.2, 0.7), *_arc(0.48, 0.7, 0.28, 0.3, 0.5, 0), (0.76, 0.3)],
            [(0.76, 0.3), (0.76, 1)],
        ],
    ],
    "V": [[[(0.1, 0), (0.5, 1), (0.9, 0)]]],
    "W": [[[(0.05, 0), (0.27, 1), (0.5, 0.3), (0.73, 1), (0.95, 0)]]],
    "X": [[[(0.12, 0), (0.88, 1)], [(0.88, 0), (0.12, 1)]]],
    "Y": [
        [[(0.1, 0), (0.5, 0.5), (0.9, 0)], [(0.5, 0.5), (0.5, 1)]],
        [[(0.15, 0.2), (0.5, 0.65)], [(0.85, 0.2), (0.35, 1)]],
    ],
    "Z": [
        [[(0.12, 0), (0.88, 0), (0.12, 1), (0.88, 1)]],
        [[(0.12, 0), (0.88, 0), (0.12, 1), (0.88, 1)], [(0.3, 0.5), (0.7, 0.5)]],
    ],
}


def letters(seed: int, label: np.ndarray, *, size: int = 28, warp: float = 1.0) -> np.ndarray:
    """Handwritten letters, white on black and upright: uint8 (N, size, size); label 0 to 25.

    warp   how far hands differ: slant, bend, proportion, thickness, place (0 is print)
    """
    rng = [stream(seed, "letter", k) for k in ("way", "affine", "bend", "pen")]
    count = len(label)
    way, affine, bend, pen = (
        rng[0].random(count),
        rng[1].standard_normal((count, 6)),
        rng[2].standard_normal((count, 4)),
        rng[3].random(count),
    )
    y, x = np.mgrid[0:size, 0:size]
    grid = np.stack([x, y], -1).reshape(-1, 2) + 0.5  # (size^2, 2)
    out = np.zeros((count, size, size), np.uint8)
    for i, c in enumerate(label):
        ways = STROKES[LETTERS[c]]
        segments = np.concatenate(
            [
                _bent(stroke, affine[i] * warp, bend[i] * warp, size)
                for stroke in ways[int(way[i] * len(ways))]
            ]
        )
        width = size * (0.045 + 0.035 * pen[i] * min(warp, 2))
        out[i] = (255 * np.clip((width - _distance(grid, segments)) / 0.9 + 0.5, 0, 1)).reshape(
            size, size
        )
    return out


def _bent(stroke, affine, bend, size) -> np.ndarray:
    """A stroke in pixels as segments (S, 2, 2), finely cut so that bending shows."""
    p = np.asarray(stroke, float)
    cuts = np.linspace(0, len(p) - 1, max(2, 4 * (len(p) - 1) if len(p) < 8 else len(p)))
    p = np.stack([np.interp(cuts, np.arange(len(p)), p[:, k]) for k in (0, 1)], 1) - 0.5
    u, v = p[:, 0].copy(), p[:, 1].copy()
    u, v = (
        u + 0.05 * bend[0] * np.sin(3 * v + bend[1]),
        v + 0.05 * bend[2] * np.sin(3 * u + bend[3]),
    )
    turn = 0.10 * affine[0]
    u, v = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
    u = u * (0.80 + 0.09 * affine[1]) + v * 0.16 * affine[2]  # width, slant
    v = v * (0.95 + 0.06 * affine[3])
    q = size * (0.5 + 0.70 * np.stack([u + 0.03 * affine[4], v + 0.03 * affine[5]], 1))
    return np.stack([q[:-1], q[1:]], 1)


def _distance(grid, segments) -> np.ndarray:
    """Distance from each of (P, 2) points to the nearest of (S, 2, 2) segments: (P,)."""
    a, d = segments[:, 0], segments[:, 1] - segments[:, 0]
    to = grid[:, None] - a  # (P, S, 2)
    along = np.clip((to * d).sum(-1) / np.maximum((d * d).sum(-1), 1e-9), 0, 1)
    return np.sqrt(((to - along[..., None] * d) ** 2).sum(-1)).min(1)


def textured(seed: int, label: np.ndarray, *, size: int = 32) -> np.ndarray:
    """Shapes with textures: uint8 (N, size, size, 3); label = 10 * shape + texture, 0 to 99."""
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size * 2 - 1
    count = len(label)
    pose, colour, ground = (stream(seed, "textured", k) for k in ("pose", "colour", "ground"))
    pose, colour, coarse = (
        pose.uniform(-1, 1, (count, 6)),
        colour.random((count, 3, 3)),
        ground.standard_normal((count, 5, 5, 3)),
    )
    fine = stream(seed, "textured", "noise").standard_normal((count, size, size, 3))
    at = (np.arange(size) + 0.5) / size * 4
    low = np.minimum(at.astype(int), 3)
    part = at - low
    spread = np.zeros((size, 5))
    spread[np.arange(size), low], spread[np.arange(size), low + 1] = 1 - part, part
    out = np.empty((count, size, size, 3), np.uint8)
    for i, c in enumerate(label):
        t, scale = np.pi * 0.35 * pose[i, 0], 0.62 + 0.18 * pose[i, 1]
        u = ((x - 0.25 * pose[i, 2]) * np.cos(t) + (y - 0.25 * pose[i, 3]) * np.sin(t)) / scale
        v = (-(x - 0.25 * pose[i, 2]) * np.sin(t) + (y - 0.25 * pose[i, 3]) * np.cos(t)) / scale
        inside = np.clip(0.5 - _outline(SHAPES[c // 10], u, v) * size * scale / 3, 0, 1)[..., None]
        mark = _texture(TEXTURES[c % 10], u, v, pose[i, 4:], fine[i, ..., 0])[..., None]
        back = (
            0.45
            + 0.22 * np.einsum("ai,bj,ijc->abc", spread, spread, coarse[i])
            + 0.15 * (colour[i, 2] - 0.5)
        )
        front = (
            colour[i, 0] * (1 - mark)
            + (0.25 + 0.5 * colour[i, 1] + 0.25 * (colour[i, 0] < 0.5)) * mark
        )
        out[i] = 255 * np.clip(back * (1 - inside) + front * inside + 0.04 * fine[i], 0, 1)
    return out


def _outline(shape, u, v) -> np.ndarray:
    """About the signed distance to the outline, negative inside."""
    r, a = np.hypot(u, v), np.arctan2(v, u)
    return {
        "disc": lambda: r - 0.9,
        "square": lambda: np.maximum(abs(u), abs(v)) - 0.8,
        "triangle": lambda: np.maximum(0.87 * abs(u) - 0.5 * v, v) - 0.5,
        "star": lambda: r - 0.6 - 0.32 * np.cos(5 * a),
        "ring": lambda: abs(r - 0.65) - 0.22,
        "cross": lambda: np.minimum(
            np.maximum(abs(u) - 0.28, abs(v) - 0.95), np.maximum(abs(v) - 0.28, abs(u) - 0.95)
        ),
        "bar": lambda: np.maximum(abs(u) - 1.0, abs(v) - 0.35),
        "heart": lambda: np.hypot(u, -v - 0.25 - 0.75 * np.sqrt(abs(u))) - 0.85,
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
    return (
        np.clip(0.5 + 2.5 * wave, 0, 1)
        if texture not in ("gradient", "grain")
        else np.clip(0.5 + 0.7 * wave, 0, 1)
    )
