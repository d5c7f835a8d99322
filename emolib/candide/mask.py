"""A simplified face mask of our own, for readers without the Candide-3 file: the same names.

Drawn by hand, taken neither from Candide-3 nor from the simulated faces, so that fitting one to
the other says something. Lengths are in distances between the eye centres; x to the subject's
left, y up, z to the viewer, origin between the eyes. Only the subject's left half is written down.
"""

from __future__ import annotations

import numpy as np

from emolib.candide.wfm import VERTICES, Wireframe

# fmt: off
# dlib's number of each point on the subject's left (or in the middle): x, y, z
POINTS = {
    28: (0, -0.19, 0.20), 30: (0, -0.58, 0.52), 33: (0, -0.74, 0.36), 35: (0.24, -0.68, 0.18),
    42: (0.27, 0, 0.02), 43: (0.40, 0.085, 0.05), 44: (0.58, 0.09, 0.03),
    45: (0.73, 0.02, -0.14), 46: (0.59, -0.055, 0), 47: (0.41, -0.06, 0.02),
    22: (0.16, 0.27, 0.12), 24: (0.50, 0.38, 0.06), 26: (0.84, 0.25, -0.16),
    51: (0, -0.97, 0.22), 53: (0.26, -1.00, 0.14), 54: (0.42, -1.10, 0), 55: (0.26, -1.22, 0.12),
    57: (0, -1.28, 0.20), 62: (0, -1.09, 0.19), 64: (0.36, -1.10, 0.03), 66: (0, -1.12, 0.18),
}
MIRROR = {
    22: 21, 24: 19, 26: 17, 35: 31, 42: 39, 43: 38, 44: 37, 45: 36, 46: 41, 47: 40, 53: 49, 54: 48,
    55: 59, 64: 60,
}
EYE, MOUTH = (42, 43, 44, 45, 46, 47), (51, 53, 54, 55, 57, 62, 64, 66)

ACTION = {
    "Jaw drop": {
        57: (0, -0.40, -0.10), 66: (0, -0.38, -0.09), 55: (-0.03, -0.30, -0.08),
        54: (-0.02, -0.06, -0.02), 64: (-0.02, -0.06, -0.02),
    },
    "Brow lowerer": {
        22: (-0.06, -0.16, 0.02), 24: (-0.03, -0.13, 0.01), 26: (0, -0.06, 0), 28: (0, -0.02, 0.01),
    },
    "Lip corner depressor": {
        54: (0.01, -0.14, -0.01), 64: (0.01, -0.11, -0.01), 53: (0, -0.03, 0), 55: (0, -0.05, 0),
    },
    "Upper lip raiser": {
        51: (0, 0.10, 0.02), 53: (0, 0.09, 0.02), 62: (0, 0.09, 0.02), 35: (0.02, 0.03, 0),
        33: (0, 0.01, 0),
    },
    "Lip stretcher": {
        54: (0.15, -0.01, -0.10), 64: (0.13, -0.01, -0.08), 53: (0.07, -0.02, -0.03),
        55: (0.07, 0.02, -0.03), 51: (0, -0.02, -0.01), 57: (0, 0.02, -0.01),
    },
    "Lid tightener": {43: (0, -0.035, 0), 44: (0, -0.035, 0), 46: (0, 0.045, 0), 47: (0, 0.045, 0)},
    "Nose wrinkler": {
        35: (0.03, 0.07, 0), 33: (0, 0.04, 0), 30: (0, 0.03, 0.01), 51: (0, 0.04, 0.01),
        53: (0, 0.05, 0.01), 22: (-0.02, -0.04, 0.01), 62: (0, 0.03, 0.01),
    },
    "Eyes closed": {
        43: (0, -0.125, 0.01), 44: (0, -0.125, 0.01), 46: (0, 0.02, 0), 47: (0, 0.02, 0),
    },
}
SHAPE = {
    "Eyebrows vertical position": dict.fromkeys((22, 24, 26), (0, 0.1, 0)),
    "Eyes vertical position": dict.fromkeys(EYE, (0, 0.1, 0)),
    "Eyes width": {
        45: (0.1, 0, 0), 44: (0.04, 0, 0), 46: (0.04, 0, 0),
        42: (-0.1, 0, 0), 43: (-0.04, 0, 0), 47: (-0.04, 0, 0),
    },
    "Eyes separation distance": dict.fromkeys(EYE, (0.1, 0, 0)),
    "Mouth vertical position": dict.fromkeys(MOUTH, (0, 0.1, 0)),
    "Mouth width": {54: (0.1, 0, -0.02), 64: (0.09, 0, -0.02), 53: (0.05, 0, 0), 55: (0.05, 0, 0)},
    "Eyes vertical difference": dict.fromkeys(EYE, (0, -0.1, 0)),
}
# fmt: on
ODD = ("Eyes vertical difference",)  # the two sides move against each other
RINGS = ((1.02, 0.85, -1.75, -0.25), (1.18, 1.25, -1.95, -0.55), (1.22, 1.60, -2.05, -0.85))


def wireframe(pairs: np.ndarray) -> Wireframe:
    """The mask with the vertex numbers of `pairs` (35, 2): dlib's point, vertex.

    The other 78 vertices lie on three rings around.
    """
    from scipy.spatial import Delaunay

    seat = dict(pairs)
    vertices = np.zeros((VERTICES, 3))
    free = _free(seat)
    for k, (wide, above, below, depth) in enumerate(RINGS):
        ring = free[k * 26 : (k + 1) * 26]
        turn = 2 * np.pi * (np.arange(len(ring)) + 0.5) / len(ring)
        height = (above + below) / 2 + (above - below) / 2 * np.cos(turn)
        vertices[ring] = np.stack([wide * np.sin(turn), height, depth * np.abs(np.sin(turn))], 1)
    for point, xyz in POINTS.items():
        vertices[seat[point]] = xyz
        if point in MIRROR:
            vertices[seat[MIRROR[point]]] = xyz * np.array([-1, 1, 1])
    action = {name: _unit(vertices, seat, name, moves) for name, moves in ACTION.items()}
    shape = {name: _unit(vertices, seat, name, moves) for name, moves in SHAPE.items()}
    return Wireframe(vertices, Delaunay(vertices[:, :2]).simplices, action, shape)


def _free(seat: dict) -> np.ndarray:
    """The vertices that stand for none of dlib's points."""
    return np.array(sorted(set(range(VERTICES)) - set(seat.values())))


def _unit(vertices, seat, name, moves) -> np.ndarray:
    """One unit (113, 3): the moves, their mirror images, and a fading part of them around."""
    unit = np.zeros((VERTICES, 3))
    for point, move in moves.items():
        unit[seat[point]] = move
        if point in MIRROR:
            unit[seat[MIRROR[point]]] = np.array(move) * ([1, -1, 1] if name in ODD else [-1, 1, 1])
    free, known = _free(seat), np.array(list(seat.values()))
    square = ((vertices[free, None, :2] - vertices[known][:, :2]) ** 2).sum(-1)
    near = np.exp(-square / 0.08)  # (78, 35)
    unit[free] = near @ unit[known] / (near.sum(1, keepdims=True) + 0.5)
    return unit
