"""Ground truth that goes with a drawn face: 68 points, a 468-point mesh, an 18-point upper body.

The 68 points follow the usual order (jaw 0-16 from the picture's left, brows 17-26, nose 27-35,
eyes 36-47, outer lips 48-59, inner lips 60-67). They are read off the same curves that the
renderer paints; only the jaw needs geometry, the outline of the turned head.
"""

from dataclasses import replace

import numpy as np

from emolib.data.sim import face_pixels
from emolib.data.sim.face_shape import PIVOT, features, rotation
from emolib.data.sim.face_tiles import TILE
from emolib.data.sim.face_traits import Faces

# fmt: off
BODY = (  # OpenPose's 18
    "nose", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist", "r_hip",
    "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle", "r_eye", "l_eye", "r_ear", "l_ear",
)
# Points by place along a curve. Brow: from the outer end; eyelid: (place, is it the upper one);
# nose: (across, below its base); lips: (place, which height of face_pixels.mouth_frame).
BROW = (0.98, 0.76, 0.50, 0.25, 0.03)
EYE = ((1, 1), (0.36, 1), (-0.36, 1), (-1, 1), (-0.36, 0), (0.36, 0))
NOSE = ((-0.85, 0.09), (-0.42, 0.14), (0, 0.165), (0.42, 0.14), (0.85, 0.09))
LIPS = (
    (-1, 2), (-0.62, 1), (-0.24, 1), (0, 1), (0.24, 1), (0.62, 1), (1, 2), (0.62, 4), (0.27, 4),
    (0, 4), (-0.27, 4), (-0.62, 4), (-0.88, 2), (-0.27, 2), (0, 2), (0.27, 2), (0.88, 2),
    (0.27, 3), (0, 3), (-0.27, 3),
)
# fmt: on

_px = face_pixels.bind(
    np,
    low=np.minimum,
    high=np.maximum,
    maybe=lambda c: True,
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
    head = _head_points(features(crowd), rotation(crowd.scene))
    return _to_pixels(crowd, _project(crowd, head), size)[..., :2]


def mesh(crowd: Faces, size: int) -> np.ndarray:
    """468 skin points in pixels: (B, 468, 3) float64, z to the viewer in the same unit.

    The first 68 are `points`; the other 400 are material points of a 20 x 20 grid that move with
    them (Gaussian weights on the resting face). The order is our own, not MediaPipe's.
    """
    f = features(crowd)
    rest = features(replace(crowd, units=np.zeros_like(crowd.units)))
    now, before = _head_points(f, None), _head_points(rest, None)  # (B, 68, 3)
    across, down = np.meshgrid(np.linspace(-0.9, 0.9, 20), np.linspace(-0.75, 0.93, 20))
    y = np.where(down < 0, down * 1.2, down * rest["chin"][:, None, None])  # (B, 20, 20)
    y = y.reshape(len(f), -1)
    x = across.reshape(1, -1) * _px.widths(_Column(rest), y)[0]  # (B, 400)
    dx, dy = x[:, :, None] - before[:, None, :, 0], y[:, :, None] - before[:, None, :, 1]
    near = np.exp(-((dx**2 + dy**2) / 0.03))
    weight = near / (near.sum(-1, keepdims=True) + 0.05)  # (B, 400, 68)
    moved = weight @ (now - before)[..., :2]  # (B, 400, 2)
    grid = _lift(f, x + moved[..., 0], y + moved[..., 1])
    head = np.concatenate([_head_points(f, rotation(crowd.scene)), grid], 1)
    return _to_pixels(crowd, _project(crowd, head), size)


def body(crowd: Faces, size: int) -> np.ndarray:
    """18 body points in pixels with a score: (B, 18, 3) float64 (x, y, score), order as in BODY.

    Upper body only: elbows and below lie outside the picture and have score 0 and place 0, as
    OpenPose writes them.
    """
    f, p68 = features(crowd), points(crowd, size)
    ears = np.zeros((len(f), 2, 3))
    ears[:, 0, 0], ears[:, 1, 0], ears[:, :, 1] = -f["head_w"], f["head_w"], 0.2
    ears = _to_pixels(crowd, _project(crowd, ears), size)
    torso = np.zeros((len(f), 3, 3))  # it does not turn with the head
    torso[:, :, 0], torso[:, :, 1] = (0.0, -1.75, 1.75), (2.25, 2.6, 2.6)
    torso = _to_pixels(crowd, torso, size)
    put = {0: p68[:, 30], 14: p68[:, 36:42].mean(1), 15: p68[:, 42:48].mean(1)}
    put |= {16: ears[:, 0, :2], 17: ears[:, 1, :2]}
    put |= {1: torso[:, 0, :2], 2: torso[:, 1, :2], 5: torso[:, 2, :2]}
    out = np.zeros((len(crowd), 18, 3))
    for joint, xy in put.items():
        seen = ((xy >= 0) & (xy < size)).all(-1)
        out[:, joint] = np.where(seen[:, None], np.c_[xy, np.ones(len(xy))], 0.0)
    return out


def _lift(f, x, y) -> np.ndarray:
    """(B, K) head positions on the skin as (B, K, 3) head points."""
    p = _Column(f)
    wide, deep = _px.widths(p, y)
    z = _px.bumps(p, x, y) + deep * np.sqrt(np.maximum(1 - (x / wide) ** 2, 0))
    return np.stack([x, y, z], -1)


def _project(crowd, head) -> np.ndarray:
    """Head points (B, K, 3) to the picture plane, in head units."""
    turned = (head - [0, PIVOT, 0]) @ rotation(crowd.scene).transpose(0, 2, 1)
    return turned + [0, PIVOT, 0]


def _to_pixels(crowd, plane, size) -> np.ndarray:
    s = crowd.scene
    centre = np.stack([s["cx"], s["cy"], np.zeros(len(s))], -1)[:, None]
    return ((plane - centre) / s["span"][:, None, None] + [0.5, 0.5, 0.0]) * size


def _head_points(f, turn) -> np.ndarray:
    """The 68 points in head coordinates, (B, 68, 3).

    turn   (B, 3, 3): the jaw lies on the outline seen after this rotation (None: from ahead)
    """
    count, p = len(f), _Row(f)
    x, y = np.zeros((count, 68)), np.zeros((count, 68))
    left = (-1, range(17, 22), range(36, 42))
    right = (1, range(26, 21, -1), (45, 44, 43, 42, 47, 46))
    for side, brow, eye in (left, right):
        for k, s in zip(brow, BROW):
            x[:, k] = side * (f["brow_in"] + s * (f["brow_out"] - f["brow_in"]))
            y[:, k] = _px.brow_height(p, s, side) - 0.25 * f["brow_th"]
        for k, (s, upper) in zip(eye, EYE):
            x[:, k] = side * (f["eye_x"] + s * f["eye_w"])
            _, up, low, _ = _px.eye_frame(p, x[:, k], 0.0)
            y[:, k] = np.maximum(up, -9) if upper else np.maximum(low, up)
    for k, along in zip(range(27, 31), (-0.03, 0.31, 0.66, 1.0)):
        x[:, k], y[:, k] = f["nose_dx"] * max(along, 0), f["nose_l"] * along - 0.02 * (k == 27)
    for k, (across, below) in zip(range(31, 36), NOSE):
        x[:, k], y[:, k] = f["nose_w"] * across + f["nose_dx"], f["nose_l"] + below
    for k, (m, which) in enumerate(LIPS, 48):
        x[:, k] = m * f["mouth_w"]
        y[:, k] = _px.mouth_frame(p, x[:, k])[which]
    return np.concatenate([_jaw(f, turn), _lift(f, x[:, 17:], y[:, 17:])], 1)


def _jaw(f, turn) -> np.ndarray:
    """(B, 17, 3): points at equal steps along the outline from ear over chin to ear."""
    count = len(f)
    y = 0.08 + (f["chin"][:, None] - 0.08) * (1 - (1 - np.linspace(0, 1, 400)) ** 2)  # (B, 400)
    wide, deep = _px.widths(_Column(f), y)
    steps = np.hypot(np.diff(y), np.diff(wide)).cumsum(1)
    length = np.concatenate([np.zeros((count, 1)), steps], 1)
    rows = np.arange(count)
    jaw = np.zeros((count, 17, 3))
    for k in range(9):
        at = np.abs(length - length[:, -1:] * k / 8).argmin(1)
        w, d, h = wide[rows, at], deep[rows, at], y[rows, at]
        if k == 8:
            jaw[:, 8] = np.stack([0 * h, h * 0.99, 0.55 * d + 0.3], -1)
            continue
        for side, to in ((-1, k), (1, 16 - k)):
            sin, cos = 0.0 * h, 0 * h + 1
            if turn is not None:
                sin, cos = side * turn[:, 0, 2], turn[:, 0, 0]
            far = np.hypot(w * cos, d * sin)
            # the far outline is what one sees of that side
            z = np.where(sin > 0, 0.35, 1.0) * d * d * sin / far
            x = side * w * np.sqrt(np.maximum(1 - (z / d) ** 2, 0)) * 0.985
            jaw[:, to] = np.stack([x, h, z], -1)
    return jaw
