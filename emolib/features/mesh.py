"""The dense face mesh: 468 points in three dimensions and, as an extra, 52 blendshape scores.

Orgil's 'Mesh' input is MediaPipe's mesh without the ten points of the irises (orgil2022, 3.2.3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emolib.ground.errors import EmolibError

SIZE = 468
# outer and inner corner of the subject's right eye, inner and outer of the left
EYE_CORNERS = ((33, 133), (362, 263))
SIMULATED_CORNERS = (
    (36, 39),
    (42, 45),
)  # the first points of the simulator's mesh are the usual 68

# MediaPipe's order, which is ARKit's with the neutral face first.
# fmt: off
BLENDSHAPES = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight",
)
# fmt: on


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """T frames: `mesh` (T, 468, 3) in pixels (NaN where `found` (T,) is False).

    blendshapes (T, 52) in [0, 1] or None. z has the unit of x; MediaPipe's grows away from the
    viewer, the simulator's towards.
    """

    mesh: np.ndarray
    found: np.ndarray
    blendshapes: np.ndarray | None = None


def normalised(mesh: np.ndarray, corners=EYE_CORNERS) -> np.ndarray:
    """The mesh (T, 468, 3) about its centre of gravity, float32: how a face is turned stays in.

    The unit is the distance between the eye centres in three dimensions; NaN stays NaN.
    corners   indices of the corners of each eye
    Raises EmolibError for another shape and for a face whose eyes coincide.
    """
    if mesh.ndim != 3 or mesh.shape[1:] != (SIZE, 3):
        raise EmolibError(f"mesh has shape {mesh.shape}, expected (T, {SIZE}, 3)")
    right, left = (mesh[:, list(pair)].mean(1) for pair in corners)  # (T, 3) each
    apart = np.linalg.norm(left - right, axis=-1)  # (T,)
    if (apart == 0).any():
        raise EmolibError(
            f"mesh of frame {int((apart == 0).argmax())}: both eyes are in one place, "
            "expected a face"
        )
    return ((mesh - mesh.mean(1, keepdims=True)) / apart[:, None, None]).astype(np.float32)
