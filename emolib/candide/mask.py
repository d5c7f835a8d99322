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
    28: (0, -.19, .20), 30: (0, -.58, .52), 33: (0, -.74, .36), 35: (.24, -.68, .18),
    42: (.27, 0, .02), 43: (.40, .085, .05), 44: (.58, .09, .03), 45: (.73, .02, -.14), 46: (.59, -.055, 0), 47: (.41, -.06, .02),
    22: (.16, .27, .12), 24: (.50, .38, .06), 26: (.84, .25, -.16),
    51: (0, -.97, .22), 53: (.26, -1.00, .14), 54: (.42, -1.10, 0), 55: (.26, -1.22, .12), 57: (0, -1.28, .20),
    62: (0, -1.09, .19), 64: (.36, -1.10, .03), 66: (0, -1.12, .18),
}
MIRROR = {22: 21, 24: 19, 26: 17, 35: 31, 42: 39, 43: 38, 44: 37, 45: 36, 46: 41, 47: 40, 53: 49, 54: 48, 55: 59, 64: 60}

_EYE, _MOUTH = (42, 43, 44, 45, 46, 47), (51, 53, 54, 55, 57, 62, 64, 66)


def _all(points, *move):
    return dict.fromkeys(points, move)


ACTION = {
    "Jaw drop": {57: (0, -.40, -.10), 66: (0, -.38, -.09), 55: (-.03, -.30, -.08), 54: (-.02, -.06, -.02), 64: (-.02, -.06, -.02)},
    "Brow lowerer": {22: (-.06, -.16, .02), 24: (-.03, -.13, .01), 26: (0, -.06, 0), 28: (0, -.02, .01)},
    "Lip corner depressor": {54: (.01, -.14, -.01), 64: (.01, -.11, -.01), 53: (0, -.03, 0), 55: (0, -.05, 0)},
    "Upper lip raiser": {51: (0, .10, .02), 53: (0, .09, .02), 62: (0, .09, .02), 35: (.02, .03, 0), 33: (0, .01, 0)},
    "Lip stretcher": {54: (.15, -.01, -.10), 64: (.13, -.01, -.08), 53: (.07, -.02, -.03), 55: (.07, .02, -.03), 51: (0, -.02, -.01),
                      57: (0, .02, -.01)},
    "Lid tightener": {43: (0, -.035, 0), 44: (0, -.035, 0), 46: (0, .045, 0), 47: (0, .045, 0)},
    "Nose wrinkler": {35: (.03, .07, 0), 33: (0, .04, 0), 30: (0, .03, .01), 51: (0, .04, .01), 53: (0, .05, .01), 22: (-.02, -.04, .01),
                      62: (0, .03, .01)},
    "Eyes closed": {43: (0, -.125, .01), 44: (0, -.125, .01), 46: (0, .02, 0), 47: (0, .02, 0)},
}
SHAPE = {
    "Eyebrows vertical position": _all((22, 24, 26), 0, .1, 0),
    "Eyes vertical position": _all(_EYE, 0, .1, 0),
    "Eyes width": {45: (.1, 0, 0), 44: (.04, 0, 0), 46: (.04, 0, 0), 42: (-.1, 0, 0), 43: (-.04, 0, 0), 47: (-.04, 0, 0)},
    "Eyes separation distance": _all(_EYE, .1, 0, 0),
    "Mouth vertical position": _all(_MOUTH, 0, .1, 0),
    "Mouth width": {54: (.1, 0, -.02), 64: (.09, 0, -.02), 53: (.05, 0, 0), 55: (.05, 0, 0)},
    "Eyes vertical difference": _all(_EYE, 0, -.1, 0),
}
ODD = ("Eyes vertical difference",)                      # the two sides move against each other


def wireframe(pairs: np.ndarray) -> Wireframe:
    """The mask with the vertex numbers of `pairs` (35, 2): dlib's point, vertex; the other 78 vertices lie on rings around."""
    from scipy.spatial import Delaunay

    seat = dict(pairs)
    vertices = _rings(np.array(sorted(set(range(VERTICES)) - set(seat.values()))), np.zeros((VERTICES, 3)))
    for point, xyz in POINTS.items():
        vertices[seat[point]] = xyz
        if point in MIRROR:
            vertices[seat[MIRROR[point]]] = xyz * np.array([-1, 1, 1])
    units = [{name: _spread(vertices, seat, moves, name in ODD) for name, moves in table.items()} for table in (ACTION, SHAPE)]
    return Wireframe(vertices, Delaunay(vertices[:, :2]).simplices, *units)


def _rings(free: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Put the `free` vertices on three ovals around the features."""
    for ring, (wide, above, below, depth) in enumerate(((1.02, .85, -1.75, -.25), (1.18, 1.25, -1.95, -.55), (1.22, 1.60, -2.05, -.85))):
        at = free[ring * 26:(ring + 1) * 26]
        turn = 2 * np.pi * (np.arange(len(at)) + 0.5) / len(at)
        vertices[at] = np.stack([wide * np.sin(turn), (above + below) / 2 + (above - below) / 2 * np.cos(turn),
                                 depth * np.abs(np.sin(turn))], 1)
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
    near = np.exp(-((vertices[rest, None, :2] - vertices[known][:, :2]) ** 2).sum(-1) / 0.08)       # (78, 35)
    out[rest] = near @ out[known] / (near.sum(1, keepdims=True) + 0.5)
    return out
