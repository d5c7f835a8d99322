"""Simulated faces: who, how pictured and doing what go in; pixels and their ground truth come out.

>>> crowd = faces(seed=0, count=4).acting(au12=0.8, au25=0.5)
>>> render(crowd, 48, grey=True).shape, points(crowd, 48).shape
((4, 48, 48), (4, 68, 2))

The head is an ellipsoid with bumps, ray-cast per pixel; features are soft-edged curves painted in
head coordinates; hair, ears, neck and clothes are composited behind it. No photograph and no
third-party face model is involved (DATASHEET.md).
"""

import numpy as np

from emolib.data.sim.face_points import body, mesh, points
from emolib.data.sim.face_shape import features
from emolib.data.sim.face_traits import UNITS, Faces, faces, people, pictures
from emolib.ground.errors import EmolibError

# fmt: off
__all__ = [
    "UNITS", "Faces", "body", "faces", "features", "mesh", "people", "pictures", "points", "render"
]
# fmt: on


def render(
    crowd: Faces, size: int, *, grey: bool = False, device: str = "cpu", threads: int | None = None
) -> np.ndarray:
    """Draw the faces: uint8 (B, size, size, 3) RGB or (B, size, size) grey, C-contiguous.

    device   'cpu' uses the compiled loop (numba); 'cuda', 'cuda:1' ... use tensors (torch alone).
             The two agree within a grey level or two, each gives the same bytes every time.
    Raises EmolibError for a size under 8 and for a device that is not there.
    """
    if size < 8:
        raise EmolibError(f"a face of {size} pixels was asked for, expected at least 8")
    if device == "cpu":
        from emolib.data.sim import face_numba

        out = face_numba.draw(features(crowd), size, grey, threads)
    else:
        from emolib.data.sim import face_torch

        out = face_torch.draw(features(crowd), size, grey, device)
    return out[..., 0].copy() if grey else out
