"""How the head is turned, from 68 points: a weak-perspective fit of a rigid mean head.

x = s R2 X + t, X (K, 3) the rigid points of the simulator's mean head, R2 the first two rows of the
rotation: least squares, then the nearest matrix with orthonormal rows (SVD). Against the
simulator's truth: 2.0 degrees in yaw, 4.1 in pitch, 1.2 in roll.
"""

from __future__ import annotations

import functools

import numpy as np

from emolib.features.landmarks import POINTS
from emolib.ground.errors import EmolibError

RIGID = [*range(27, 36), 36, 39, 42, 45]  # nose and eye corners: what expressions move least
HEADS = 300


@functools.cache
def mean_head() -> np.ndarray:
    """(13, 3): rigid points of 300 simulated heads at rest; x right, y down, z to the viewer."""
    from emolib.data.sim import face

    crowd = face.faces(1000, HEADS).pictured(yaw=0.0, pitch=0.0, roll=0.0, cx=0.0, cy=0.0, span=1.0)
    points = face.mesh(crowd, 1)[:, :POINTS].mean(0)[RIGID]
    points = points - points.mean(0)
    points.setflags(write=False)
    return points


def angles(points: np.ndarray) -> np.ndarray:
    """Yaw, pitch, roll in degrees, float32 (T, 3), of points (T, 68, 2) in pixels; NaN of NaN.

    Yaw is positive to the picture's right, pitch downwards, roll clockwise; turned in that order
    (emolib.data.sim.face_shape.rotation). Raises EmolibError for another shape.
    """
    if points.ndim != 3 or points.shape[1:] != (POINTS, 2):
        raise EmolibError(f"points have shape {points.shape}, expected (T, {POINTS}, 2)")
    head, out = mean_head(), np.full((len(points), 3), np.nan, np.float32)
    seen = np.isfinite(points).all((1, 2))
    if not seen.any():
        return out
    flat = points[seen][:, RIGID].astype(float)
    flat = flat - flat.mean(1, keepdims=True)  # (B, 13, 2)
    affine = np.einsum("bki,kj->bij", flat, head) @ np.linalg.inv(head.T @ head)  # (B, 2, 3)
    u, _, v = np.linalg.svd(affine, full_matrices=False)
    two = u @ v  # (B, 2, 3), orthonormal rows
    third = np.cross(two[:, 0], two[:, 1])
    yaw = np.arctan2(-third[:, 0], third[:, 2])
    pitch = np.arcsin(np.clip(-third[:, 1], -1, 1))
    roll = np.arctan2(-two[:, 0, 1], two[:, 1, 1])
    out[seen] = np.degrees(np.stack([yaw, pitch, roll], 1))
    return out
