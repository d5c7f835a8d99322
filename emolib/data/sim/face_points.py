"""Ground truth that goes with a drawn face: 68 points, a 468-point mesh, an 18-point upper body.

The 68 points follow the usual order (jaw 0-16 from the picture's left, brows 17-26, nose 27-35,
eyes 36-47, outer lips 48-59, inner lips 60-67). They are read off the same curves that the
renderer paints; only the jaw needs geometry, the outline of the turned head.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emolib.data.sim import face_pixels
from emolib.data.sim.face_shape import PIVOT, features, rotation
from emolib.data.sim.face_tiles import TILE
from emolib.data.sim.face_traits import Faces

BODY = (
    "nose",
    "neck",
    "r_shoulder",
    "r_elbow",
    "r_wrist",
    "l_shoulder",
    "l_elbow",
    "l_wrist",
    "r_hip",
    "r_knee",
    "r_ankle",
    "l_hip",
    "l_knee",
    "l_ankle",
    "r_eye",
    "l_eye",
    "r_ear",
    "l_ear",
)  # OpenPose's 18

_px = face_pixels.bind(
    exp=np.exp,
    log=np.log,
    sqrt=np.sqrt,
    sin=np.sin,
    where=np.where,
    clip=np.clip,
    low=np.minimum,
    high=np.maximum,
    maybe=lambda c: True,
    abs=np.abs,
    noise=lambda a, b: TILE[np.asarray(a).astype(int) & 63, np.asarray(b).astype(int) & 63],
)


class _Row:
    """A record of features read by attribute, (B,) each."""

    def __init__(self, record):
        self.record = record

    def __getattr__(self, name):
        return self.record[name]


class _Column(_Row):
    """The same, (B, 1) each: broadcasts against (B, K) points."""

    def __getattr__(self, name):
        return self.record[name][:, None]


def points(crowd: Faces, size: int) -> np.ndarray:
    """The 68 points in pixels of a `size` picture: (B, 68, 2) float64, x right and y down."""
    f = features(crowd)
    return _to_pixels(crowd, _project(crowd, _head_points(f, rotation(crowd.scene))), size)[..., :2]


def mesh(crowd: Faces, size: int) -> np.ndarray:
    """468 skin points in pixels: (B, 468, 3) float64, z to the viewer in the same unit.

    The first 68 are `points`; the other 400 are material points of a 20 x 20 grid that move with them
    (Gaussian weights on the resting face). The order is this simulator's own, not MediaPipe's.
    """
    f = features(crowd)
    rest = features(replace(crowd, units=np.zeros_like(crowd.units)))
    now, before = (_head_points(r, None) for r in (f, rest))  # (B, 68, 3)
    across, down = np.meshgrid(np.linspace(-0.9, 0.9, 20), np.linspace(-0.75, 0.93, 20))
    y = np.where(down < 0, down * 1.2, down * rest["chin"][:, None, None])  # (B, 20, 20)
    y = y.reshape(len(f), -1)
    x = across.reshape(1, -1) * _px.widths(_Column(rest), y)[0]  # (B, 400)
    near = (
        (x[:, :, None] - before[:, None, :, 0]) ** 2 + (y[:, :, None] - before[:, None, :, 1]) ** 2
    ) / 0.03
    weight = np.exp(-near) / (np.exp(-near).sum(-1, keepdims=True) + 0.05)  # (B, 400, 68)
    moved = weight @ (now - before)[..., :2]  # (B, 400, 2)
    grid = _lift(f, x + moved[..., 0], y + moved[..., 1])
    return _to_pixels(
        crowd,
        _project(crowd, np.concatenate([_head_points(f, rotation(crowd.scene)), grid], 1)),
        size,
    )


def body(crowd: Faces, size: int) -> np.ndarray:
    """18 body points in pixels with a score: (B, 18, 3) float64 (x, y, score), order as in BODY.

    Upper body only: elbows and below lie outside the picture and have score 0 and place 0, as OpenPose writes them.
    """
    f, p68 = features(crowd), points(crowd, size)
    out = np.zeros((len(crowd), 18, 3))
    put = {0: p68[:, 30], 14: p68[:, 36:42].mean(1), 15: p68[:, 42:48].mean(1)}
    wide = f["head_w"][:, None]
    ears = np.stack(
        [np.concatenate([-wide, wide], 1), np.full((len(f), 2), 0.2), np.zeros((len(f), 2))], -1
    )
    put[16], put[17] = (_to_pixels(crowd, _project(crowd, ears), size)[:, i, :2] for i in (0, 1))
    torso = np.zeros((len(f), 3, 3))
    torso[:, :, 0], torso[:, :, 1] = (
        (0.0, -1.75, 1.75),
        (2.25, 2.6, 2.6),
    )  # the body does not turn with the head
    torso = _to_pixels(crowd, torso, size)
    put[1], put[2], put[5] = torso[:, 0, :2], torso[:, 1, :2], torso[:, 2, :2]
    for joint, xy in put.items():
        seen = ((xy >= 0) & (xy < size)).all(-1)
        out[:, joint] = np.where(seen[:, None], np.c_[xy, np.ones(len(xy))], 0.0)
    return out


def _lift(f, x, y) -> np.ndarray:
    """(B, K) head positions on the skin as (B, K, 3) head points."""
    p = _Column(f)
    wide, deep = _px.widths(p, y)
    return np.stack(
        [x, y, _px.bumps(p, x, y) + deep * np.sqrt(np.maximum(1 - (x / wide) ** 2, 0))], -1
    )


def _project(crowd, head) -> np.ndarray:
    """Head points (B, K, 3) to the picture plane, in head units."""
    turned = (head - [0, PIVOT, 0]) @ rotation(crowd.scene).transpose(0, 2, 1)
    return turned + [0, PIVOT, 0]


def _to_pixels(crowd, plane, size) -> np.ndarray:
    s = crowd.scene
    centre = np.stack([s["cx"], s["cy"], np.zeros(len(s))], -1)[:, None]
    return ((plane - centre) / s["span"][:, None, None] + [0.5, 0.5, 0.0]) * size


def _head_points(f, turn) -> np.ndarray:
    """The 68 points in head coordinates (B, 68, 3); `turn` (B, 3, 3) moves the jaw to the visible outline."""
    count = len(f)
    x, y = np.zeros((count, 68)), np.zeros((count, 68))
    for side, brow, eye in (
        (-1, range(17, 22), (36, 37, 38, 39, 40, 41)),
        (1, range(26, 21, -1), (45, 44, 43, 42, 47, 46)),
    ):
        for k, along in zip(brow, (0.98, 0.76, 0.50, 0.25, 0.03)):
            x[:, k], y[:, k] = _brow(f, side, along)
        for k, (s, upper) in zip(
            eye, ((1, 1), (0.36, 1), (-0.36, 1), (-1, 1), (-0.36, 0), (0.36, 0))
        ):
            x[:, k], y[:, k] = _eyelid(f, side, s, upper)
    for k, along in zip(range(27, 31), (-0.03, 0.31, 0.66, 1.0)):
        x[:, k], y[:, k] = f["nose_dx"] * max(along, 0), f["nose_l"] * along - 0.02 * (k == 27)
    for k, (across, below) in zip(
        range(31, 36), ((-0.85, 0.09), (-0.42, 0.14), (0, 0.165), (0.42, 0.14), (0.85, 0.09))
    ):
        x[:, k], y[:, k] = f["nose_w"] * across + f["nose_dx"], f["nose_l"] + below
    for k, (m, which) in enumerate(LIPS):
        x[:, 48 + k], y[:, 48 + k] = _lip(f, m, which)
    skin = _lift(f, x[:, 17:], y[:, 17:])
    return np.concatenate([_jaw(f, turn), skin], 1)


LIPS = (
    (-1, 2),
    (-0.62, 1),
    (-0.24, 1),
    (0, 1),
    (0.24, 1),
    (0.62, 1),
    (1, 2),
    (0.62, 4),
    (0.27, 4),
    (0, 4),
    (-0.27, 4),
    (-0.62, 4),
    (-0.88, 2),
    (-0.27, 2),
    (0, 2),
    (0.27, 2),
    (0.88, 2),
    (0.27, 3),
    (0, 3),
    (-0.27, 3),
)


def _brow(f, side, s):
    y = (
        f["brow_yi"] * (1 - s)
        + f["brow_yo"] * s
        - f["brow_arch"] * 4 * s * (1 - s) * (0.55 + 0.9 * s)
        + f["brow_dy"] * side
    )
    return side * (f["brow_in"] + s * (f["brow_out"] - f["brow_in"])), y - 0.25 * f["brow_th"]


def _eyelid(f, side, s, upper):
    x = side * (f["eye_x"] + s * f["eye_w"])
    _, up, low, _ = _px.eye_frame(_Row(f), x, 0.0)
    return x, np.maximum(up, -9) if upper else np.maximum(low, up)


def _lip(f, m, which):
    x = m * f["mouth_w"]
    return x, _px.mouth_frame(_Row(f), x)[which]


def _jaw(f, turn) -> np.ndarray:
    """(B, 17, 3): points at equal steps along the outline from the ear over the chin to the other ear."""
    p, count = _Column(f), len(f)
    y = 0.08 + (f["chin"][:, None] - 0.08) * (1 - (1 - np.linspace(0, 1, 400)) ** 2)  # (B, 400)
    wide, deep = _px.widths(p, y)
    length = np.concatenate(
        [np.zeros((count, 1)), np.hypot(np.diff(y), np.diff(wide)).cumsum(1)], 1
    )
    rows = np.arange(count)
    jaw = np.zeros((count, 17, 3))
    for k in range(9):
        at = np.abs(length - length[:, -1:] * k / 8).argmin(1)
        w, d, h = wide[rows, at], deep[rows, at], y[rows, at]
        if k == 8:
            jaw[:, 8] = np.stack([0 * h, h * 0.99, 0.55 * d + 0.3], -1)
            continue
        for side, to in ((-1, k), (1, 16 - k)):
            sin, cos = (
                (0.0 * h, 0 * h + 1) if turn is None else (side * turn[:, 0, 2], turn[:, 0, 0])
            )
            far = np.hypot(w * cos, d * sin)
            z = (
                np.where(sin > 0, 0.35, 1.0) * d * d * sin / far
            )  # the far outline is what one sees of that side
            jaw[:, to] = np.stack(
                [side * w * np.sqrt(np.maximum(1 - (z / d) ** 2, 0)) * 0.985, h, z], -1
            )
    return jaw
