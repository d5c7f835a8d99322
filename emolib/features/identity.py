"""dlib's network of 29 layers that tells people apart: 128 numbers of a face (King 2017).

Learnt from about three million photographs; two of one person are meant to lie within 0.6 of each
other. Its weights lie in the package face_recognition_models.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import interpolate

from emolib.data.files import digest_of
from emolib.features.detectors import library, packaged
from emolib.ground.errors import EmolibError

PACKAGE, FILE = "face_recognition_models", "dlib_face_recognition_resnet_model_v1.dat"
SIDE, WIDTH = 150, 128


def weights() -> str | None:
    """Digest of the weights; None where they, or dlib, are not installed."""
    try:
        library("dlib", "dlib-bin")
        return digest_of(packaged(PACKAGE, FILE))
    except EmolibError:
        return None


def describe(images: np.ndarray, batch: int = 32) -> np.ndarray:
    """float32 (N, 128) of grey faces uint8 (N, H, W), enlarged to 150 pixels a side as they are.

    dlib's own pictures were aligned by the corners of eyes and nose. Faces of 48 pixels are not:
    where no points are found the face would be lost.
    """
    net = library("dlib", "dlib-bin").face_recognition_model_v1(str(packaged(PACKAGE, FILE)))
    how = {"mode": "bilinear", "antialias": True, "align_corners": False}
    features = [np.zeros((0, WIDTH))]
    for part in torch.from_numpy(np.ascontiguousarray(images)).split(batch):
        large = interpolate(part[:, None].float(), (SIDE, SIDE), **how)[:, 0]
        large = large.round().clamp(0, 255).to(torch.uint8).numpy()
        colour = [np.repeat(face[:, :, None], 3, 2) for face in large]  # (150, 150, 3)
        features.append(np.array(net.compute_face_descriptor(colour)))
    return np.concatenate(features).astype(np.float32)
