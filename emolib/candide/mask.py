"""A simplified face mask of our own, for readers without the Candide-3 file: other numbers, the same names.

Drawn by hand, not taken from Candide-3 and not from the simulated faces either, so that fitting one to the
other says something. Lengths are in distances between the eye centres; x to the subject's left, y up, z to
the viewer, origin between the eyes. Only the subject's left half is written down.
"""

from __future__ import annotations

import numpy as np

from emolib.candide.wfm import VERTICES, Wireframe

# dlib's number of each point on the subject's left (or in the middle): x, y, z
POINTS = {
    28: (0, -0.19, 0.20),
    30: (0, -0.58, 0.52),
    33: (0, -0.74, 0.36),
    35: (0.24, -0.68, 0.18),
    42: (0.27, 0, 0.02),
    43: (0.40, 0.085, 0.05),
    44: (0.58, 0.09, 0.03),
    45: (0.73, 0.02, -0.14),
    46: (0.59, -0.055, 0),
    47: (0.41, -0.06, 0.02),
    22: (0.16, 0.27, 0.12),
    24: (0.50, 0.38, 0.06),
    26: (0.84, 0.25, -0.16),
    51: (0, -0.97, 0.22),
    53: (0.26, -1.00, 0.14),
    54: (0.42, -1.10, 0),
    55: (0.26, -1.22, 0.12),
    57: (0, -1.28, 0.20),
    62: (0, -1.09, 0.19),
    64: (0.36, -1.10, 0.03),
    66: (0, -1.12, 0.18),
}
MIRROR = {
    22: 21,
    24: 19,
    26: 17,
    35: 31,
    42: 39,
    43: 38,
    44: 37,
    45: 36,
    46: 41,
    47: 40,
    53: 49,
    54: 48,
    55: 59,
    64: 60,
}

_EYE, _MOUTH = (42, 43, 44, 45, 46, 47), (51, 53, 54, 55, 57, 62, 64, 66)


def _all(points, *move):
    return dict.fromkeys(points, move)


ACTION = {
    "Jaw drop": {
        57: (0, -0.40, -0.10),
        66: (0, -0.38, -0.09),
        55: (-0.03, -0.30, -0.08),
        54: (-0.02, -0.06, -0.02),
        64: (-0.02, -0.06, -0.02),
    },
    "Brow lowerer": {
        22: (-0.06, -0.16, 0.02),
        24: (-0.03, -0.13, 0.01),
        26: (0, -0.06, 0),
        28: (0, -0.02, 0.01),
    },
    "Lip corner depressor": {
        54: (0.01, -0.14, -0.01),
        64: (0.01, -0.11, -0.01),
        53: (0, -0.03, 0),
        55: (0, -0.05, 0),
    },
    "Upper lip raiser": {
        51: (0, 0.10, 0.02),
        53: (0, 0.09, 0.02),
        62: (0, 0.09, 0.02),
        35: (0.02, 0.03, 0),
        33: (0, 0.01, 0),
    },
    "Lip stretcher": {
        54: (0.15, -0.01, -0.10),
        64: (0.13, -0.01, -0.08),
        53: (0.07, -0.02, -0.03),
        55: (0.07, 0.02, -0.03),
        51: (0, -0.02, -0.01),
        57: (0, 0.02, -0.01),
    },
    "Lid tightener": {43: (0, -0.035, 0), 44: (0, -0.035, 0), 46: (0, 0.045, 0), 47: (0, 0.045, 0)},
    "Nose wrinkler": {
        35: (0.03, 0.07, 0),
        33: (0, 0.04, 0),
        30: (0, 0.03, 0.01),
        51: (0, 0.04, 0.01),
        53: (0, 0.05, 0.01),
        22: (-0.02, -0.04, 0.01),
        62: (0, 0.03, 0.01),
    },
    "Eyes closed": {
        43: (0, -0.125, 0.01),
        44: (0, -0.125, 0.01),
        46: (0, 0.02, 0),
        47: (0, 0.02, 0),
    },
}
SHAPE = {
    "Eyebrows vertical position": _all((22, 24, 26), 0, 0.1, 0),
    "Eyes vertical position": _all(_EYE, 0, 0.1, 0),
    "Eyes width": {
        45: (0.1, 0, 0),
        44: (0.04, 0, 0),
        46: (0.04, 0, 0),
        42: (-0.1, 0, 0),
        43: (-0.04, 0, 0),
        47: (-0.04, 0, 0),
    },
    "Eyes separation distance": _all(_EYE, 0.1, 0, 0),
    "Mouth vertical position": _all(_MOUTH, 0, 0.1, 0),
    "Mouth width": {54: (0.1, 0, -0.02), 64: (0.09, 0, -0.02), 53: (0.05, 0, 0), 55: (0.05, 0, 0)},
    "Eyes vertical difference": _all(_EYE, 0, -0.1, 0),
}
ODD = ("Eyes vertical difference",)  # the two sides move against each other


def wireframe(pairs: np.ndarray) -> Wireframe:
    """The mask with the vertex numbers of `pairs` (35, 2): dlib's point, vertex; the other 78 vertices lie on rings around."""
    from scipy.spatial import Delaunay

    seat = dict(pairs)
    vertices = _rings(
        np.array(sorted(set(range(VERTICES)) - set(seat.values()))), np.zeros((VERTICES, 3))
    )
    for point, xyz in POINTS.items():
        vertices[seat[point]] = xyz
        if point in MIRROR:
            vertices[seat[MIRROR[point]]] = xyz * np.array([-1, 1, 1])
    units = [
        {name: _spread(vertices, seat, moves, name in ODD) for name, moves in table.items()}
        for table in (ACTION, SHAPE)
    ]
    return Wireframe(vertices, Delaunay(vertices[:, :2]).simplices, *units)


def _rings(free: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Put the `free` vertices on three ovals around the features."""
    for ring, (wide, above, below, depth) in enumerate(
        ((1.02, 0.85, -1.75, -0.25), (1.18, 1.25, -1.95, -0.55), (1.22, 1.60, -2.05, -0.85))
    ):
        at = free[ring * 26 : (ring + 1) * 26]
        turn = 2 * np.pi * (np.arange(len(at)) + 0.5) / len(at)
        vertices[at] = np.stack(
            [
                wide * np.sin(turn),
                (above + below) / 2 + (above - below) / 2 * np.cos(turn),
                depth * np.abs(np.sin(turn)),
            ],
            1,
        )
    return vertices


def _spread(vertices, seat, moves, odd) -> np.ndarray:
    """One unit (113, 3): the written moves, their mirror images, and a fading part of them on the skin around."""
    out = np.zeros((VERTICES, 3))
    for point, move in moves.items():
        out[seat[point]] = move
        if point in MIRROR:
            out[seat[MIRROR[point]]] = np.array(move) * ([1, -1, 1] if odd else [-1, 1, 1])
    rest = np.array(sorted(set(range(VERTICES)) - set(seat.values())))
    known = np.array(list(seat.values()))
    near = np.exp(
        -((vertices[rest, None, :2] - vertices[known][:, :2]) ** 2).sum(-1) / 0.08
    )  # (78, 35)
    out[rest] = near @ out[known] / (near.sum(1, keepdims=True) + 0.5)
    return out
