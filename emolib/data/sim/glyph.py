"""Letters and textured shapes: stand-ins for EMNIST letters and CIFAR-100, in their own counts.

A letter is a set of strokes (polylines in a unit square) that a random hand bends, slants, scales,
thickens and shifts; some letters have several ways of being written. A textured shape is one of 100
combinations of outline (10) and texture (10) in free colours, over a busy background.
"""

import re

import numpy as np
import pandas as pd

from emolib.data.sim.streams import stream
from emolib.ground.containers import ImageSet

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SHAPES = ("disc", "square", "triangle", "star", "ring", "cross", "bar", "heart", "moon", "gear")
# fmt: off
TEXTURES = (
    "plain", "stripes", "checks", "dots", "waves", "rings", "grain", "gradient", "mesh", "patches"
)
# fmt: on

# Ways of writing each letter, capital first. A way (between |) is strokes (between /) of points x,y
# and arcs @cx,cy,rx,ry,start,stop, in a unit square with y running down.
WAYS = """
A: .1,1 .5,0 .9,1 / .28,.6 .72,.6 | @.45,.68,.3,.3,0,1 / .76,.38 .76,1
B: .2,0 .2,1 / .2,0 @.45,.25,.3,.25,-.25,.25 .2,.5 / .2,.5 @.5,.75,.33,.25,-.25,.25 .2,1 | .25,0
  .25,1 / @.5,.7,.26,.3,0,1
C: @.55,.5,.42,.5,-.12,-.88
D: .2,0 .2,1 / .2,0 @.4,.5,.45,.5,-.25,.25 .2,1 | .75,0 .75,1 / @.48,.7,.27,.3,0,1
E: .85,0 .2,0 .2,1 .85,1 / .2,.5 .7,.5 | .15,.55 @.5,.55,.36,.4,0,-.88
F: .85,0 .2,0 .2,1 / .2,.48 .7,.48 | @.65,.2,.2,.2,0,-.5 .45,1 / .2,.45 .75,.45
G: @.55,.5,.42,.5,-.12,-1 .6,.55 | @.48,.35,.3,.3,0,1 / .78,.05 .78,.8 @.48,.8,.3,.2,0,.42
H: .15,0 .15,1 / .85,0 .85,1 / .15,.5 .85,.5 | .2,0 .2,1 / .2,.65 @.5,.65,.28,.2,-.5,0 .78,1
I: .5,0 .5,1 / .3,0 .7,0 / .3,1 .7,1 | .5,.3 .5,1 / .5,.05 .52,.08
J: .7,0 .7,.7 @.45,.75,.25,.25,0,.45 | .35,0 .9,0 / .65,0 .65,.75 @.42,.78,.22,.22,0,.45
K: .2,0 .2,1 / .85,0 .2,.55 / .4,.4 .88,1
L: .2,0 .2,1 .85,1 | .5,0 .5,1
M: .1,1 .15,0 .5,.65 .85,0 .9,1 | .1,.3 .1,1 / .1,.55 @.3,.5,.2,.2,-.5,0 .5,1 / .5,.55
  @.7,.5,.2,.2,-.5,0 .9,1
N: .15,1 .15,0 .85,1 .85,0 | .2,.3 .2,1 / .2,.6 @.5,.55,.3,.25,-.5,0 .8,1
O: @.5,.5,.42,.5,-.25,.75,22
P: .2,0 .2,1 / .2,0 @.5,.27,.33,.27,-.25,.25 .2,.54
Q: @.5,.48,.42,.47,-.25,.75,22 / .6,.7 .92,1.02 | @.48,.35,.3,.3,0,1 / .78,.05 .78,1 .95,.9
R: .2,0 .2,1 / .2,0 @.5,.25,.33,.25,-.25,.25 .2,.5 / .45,.5 .88,1 | .3,.3 .3,1 / .3,.6
  @.6,.55,.3,.25,-.5,-.15
S: @.5,.25,.33,.25,-.08,-.75 @.5,.75,.35,.25,-.25,.42
T: .1,0 .9,0 / .5,0 .5,1 | .5,0 .5,.85 @.68,.82,.18,.18,.5,.2 / .22,.32 .8,.32
U: .15,0 .15,.6 @.5,.62,.35,.38,.5,0 .85,0 | .2,.3 .2,.7 @.48,.7,.28,.3,.5,0 .76,.3 / .76,.3 .76,1
V: .1,0 .5,1 .9,0
W: .05,0 .27,1 .5,.3 .73,1 .95,0
X: .12,0 .88,1 / .88,0 .12,1
Y: .1,0 .5,.5 .9,0 / .5,.5 .5,1 | .15,.2 .5,.65 / .85,.2 .35,1
Z: .12,0 .88,0 .12,1 .88,1 | .12,0 .88,0 .12,1 .88,1 / .3,.5 .7,.5
"""


def _points(part: str) -> list[tuple[float, float]]:
    """One point, or an arc as a polyline; angles in turns, 0 to the right and clockwise."""
    if part[0] != "@":
        return [tuple(map(float, part.split(",")))]
    cx, cy, rx, ry, start, stop, *count = map(float, part[1:].split(","))
    a = 2 * np.pi * np.linspace(start, stop, int(*count or [14]))
    return [(cx + rx * np.cos(t), cy + ry * np.sin(t)) for t in a]


def _stroke(text: str) -> np.ndarray:
    return np.concatenate([_points(part) for part in text.split()])


def _strokes() -> dict[str, list[list[np.ndarray]]]:
    """Letter: its ways, each a list of polylines (P, 2)."""
    out = {}
    for entry in re.split(r"\n(?=[A-Z]:)", WAYS.strip()):
        out[entry[0]] = [list(map(_stroke, way.split("/"))) for way in entry[2:].split("|")]
    return out


STROKES = _strokes()


def letters(seed: int, label: np.ndarray) -> np.ndarray:
    """Handwritten letters, white on black and upright: uint8 (N, 28, 28); label 0 to 25.

    Hands differ in slant, bend, proportion, thickness and place.
    """
    count, size = len(label), 28
    way = stream(seed, "letter", "way").random(count)
    affine = stream(seed, "letter", "affine").standard_normal((count, 6))
    bend = stream(seed, "letter", "bend").standard_normal((count, 4))
    pen = stream(seed, "letter", "pen").random(count)
    y, x = np.mgrid[0:size, 0:size]
    grid = np.stack([x, y], -1).reshape(-1, 2) + 0.5  # (size^2, 2)
    out = np.zeros((count, size, size), np.uint8)
    for i, c in enumerate(label):
        ways = STROKES[LETTERS[c]]
        strokes = ways[int(way[i] * len(ways))]
        segments = np.concatenate([_bent(s, affine[i], bend[i], size) for s in strokes])
        width = size * (0.045 + 0.035 * pen[i])
        ink = 255 * np.clip((width - _distance(grid, segments)) / 0.9 + 0.5, 0, 1)
        out[i] = ink.reshape(size, size)
    return out


def _bent(stroke, affine, bend, size) -> np.ndarray:
    """A stroke in pixels as segments (S, 2, 2), finely cut so that bending shows."""
    p = np.asarray(stroke, float)
    cuts = np.linspace(0, len(p) - 1, max(2, 4 * (len(p) - 1) if len(p) < 8 else len(p)))
    p = np.stack([np.interp(cuts, np.arange(len(p)), p[:, k]) for k in (0, 1)], 1) - 0.5
    x, y = p[:, 0], p[:, 1]
    u = x + 0.05 * bend[0] * np.sin(3 * y + bend[1])
    v = y + 0.05 * bend[2] * np.sin(3 * x + bend[3])
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


def emnist_letters(seed: int = 0, train: int = 4800, test: int = 800) -> ImageSet:
    """A stand-in for EMNIST letters: 26 x (train + test) upright pictures; meta.code is 1 to 26."""
    label = np.tile(np.arange(26), train + test)
    return ImageSet(
        name="emnist_letters",
        images=letters(seed, label),
        label=label,
        classes=tuple(LETTERS),
        subject=[""] * len(label),
        meta=pd.DataFrame({"code": label + 1}),
        split=np.repeat(["train", "test"], [26 * train, 26 * test]),
    )


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
