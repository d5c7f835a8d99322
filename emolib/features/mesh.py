"""The dense face mesh: 468 points in three dimensions and, as an extra, 52 blendshape scores.

Orgil's 'Mesh' input is MediaPipe's mesh without the ten points of the irises (orgil2022, 3.2.3). `normalised` takes away where in
the picture a face is and how large it is; how it is turned stays in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolib.ground.errors import EmolibError

SIZE = 468
EYE_CORNERS = (
    (33, 133),
    (362, 263),
)  # outer and inner of the subject's right eye, inner and outer of the left
SIMULATED_CORNERS = (
    (36, 39),
    (42, 45),
)  # in the simulator's mesh, whose first 68 points are the usual ones

# MediaPipe's order, which is ARKit's with the neutral face first.
BLENDSHAPES = (
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
)


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """T frames: `mesh` (T, 468, 3) in pixels (NaN where `found` (T,) is False), `blendshapes` (T, 52) in [0, 1] or None.

    z has the unit of x; MediaPipe's grows away from the viewer, the simulator's towards.
    """

    mesh: np.ndarray
    found: np.ndarray
    blendshapes: np.ndarray | None = None


def normalised(mesh: np.ndarray, corners=EYE_CORNERS) -> np.ndarray:
    """(T, 468, 3) about its centre of gravity, in units of the distance between the eye centres: float32, NaN where it was NaN.

    corners   indices of the corners of each eye; SIMULATED_CORNERS for the simulator's mesh
    The distance is taken in three dimensions, so that turning the head leaves it as it is.
    Raises EmolibError for another shape and for a face whose eyes coincide.
    """
    if mesh.ndim != 3 or mesh.shape[1:] != (SIZE, 3):
        raise EmolibError(f"mesh has shape {mesh.shape}, expected (T, {SIZE}, 3)")
    right, left = (mesh[:, list(pair)].mean(1) for pair in corners)  # (T, 3) each
    apart = np.linalg.norm(left - right, axis=-1)  # (T,)
    if (apart == 0).any():
        raise EmolibError(
            f"mesh of frame {int(np.flatnonzero(apart == 0)[0])}: both eyes are in one place, expected a face"
        )
    return ((mesh - mesh.mean(1, keepdims=True)) / apart[:, None, None]).astype(np.float32)
