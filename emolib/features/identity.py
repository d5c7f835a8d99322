"""dlib's network of 29 layers that tells people apart: 128 numbers of a face (King 2017).

Learnt from about three million photographs; two of one person are meant to lie within 0.6 of each
other. Its weights lie in the package face_recognition_models; dlib itself is not needed.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from emolib.data.files import digest_of
from emolib.features.detectors import packaged
from emolib.ground.errors import EmolibError
from emolib.models.face_resnet import FaceResnet

PACKAGE, FILE = "face_recognition_models", "dlib_face_recognition_resnet_model_v1.dat"
SIDE, WIDTH = 150, 128


def weights() -> str | None:
    """Digest of the weights; None where they are not installed."""
    try:
        return digest_of(packaged(PACKAGE, FILE))
    except EmolibError:
        return None


def network() -> FaceResnet:
    """The network with dlib's weights, at rest."""
    return FaceResnet().known(packaged(PACKAGE, FILE)).eval()


@torch.inference_mode()
def describe(images: np.ndarray, batch: int = 32) -> np.ndarray:
    """float32 (N, 128) of grey faces uint8 (N, H, W), enlarged to 150 pixels a side as they are.

    dlib's own pictures were aligned by the corners of eyes and nose. Faces of 48 pixels are not:
    where no points are found the face would be lost.
    """
    net, features = network(), [np.zeros((0, WIDTH), np.float32)]
    for part in torch.from_numpy(np.ascontiguousarray(images)).split(batch):
        large = F.interpolate(
            part[:, None].float(), (SIDE, SIDE), mode="bilinear", antialias=True
        )  # (B, 1, 150, 150)
        grey = large.round().clamp(0, 255) / 127.5 - 1
        features.append(net.described(grey.expand(-1, 3, -1, -1)).numpy())
    return np.concatenate(features)
