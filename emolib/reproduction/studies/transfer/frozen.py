"""What frozen networks with weights of their own see in FER2013's faces (notebook 41).

    people    dlib's network of 29 layers that tells people apart (King 2017): 128 numbers of a
              150 x 150 picture, learnt from about three million photographs of faces
    objects   EfficientNet-Lite0 that has learnt ImageNet: 1,280 numbers of 224 x 224
    nothing   the same network with the weights it was drawn with

dlib's network was taught on aligned faces. FER2013's 48 pixels are roughly aligned and enlarged as
they are: finding points in them would lose the faces in which none are found.
"""

from __future__ import annotations

import importlib

import numpy as np
import torch

from emolib import data as datasets
from emolib import training
from emolib.data.files import digest_of
from emolib.features.detectors import packaged
from emolib.ground import settings
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError
from emolib.models import classifiers
from emolib.reproduction.studies.faces import PARTS, enlarged, fed, outputs, part_rows
from emolib.reproduction.studies.transfer.training import split

PEOPLE, OBJECTS, NOTHING = NETWORKS = ("people", "objects", "nothing")
SIDE, LITE0_SIDE = 150, 224
PACKAGE, FILE = "face_recognition_models", "dlib_face_recognition_resnet_model_v1.dat"


def weights(network: str) -> str | None:
    """What names the weights of a network; None where they, or dlib, are not installed."""
    if network == NOTHING:
        return "seed 0"
    try:
        if network == OBJECTS:
            return digest_of(classifiers.lite0_file())
        importlib.import_module("dlib")
        return digest_of(packaged(PACKAGE, FILE))
    except (EmolibError, ImportError):
        return None


def asked(faces: ImageSet, train: int | None, validation: int | None, test: int | None) -> list:
    """Rows that train, that validate, of PublicTest and of PrivateTest, so many of each at most."""
    known, held = split(faces)
    tests = [part_rows(faces, part, test) for part in PARTS[1:]]
    return [known[:train], held[:validation], *tests]


def seen(
    *,
    data: str,
    network: str,
    weights: str,
    train: int | None,
    validation: int | None,
    test: int | None,
    first: int,
    last: int,
) -> dict:
    """Features float32 (last - first, D) of the rows `first` to `last` of all that are asked."""
    faces = datasets.resolve(data)
    rows = np.concatenate(asked(faces, train, validation, test))[first:last]
    images = torch.as_tensor(faces.images[rows])
    look = people if network == PEOPLE else objects
    return {"features": look(images, network != NOTHING)}


def people(images: torch.Tensor, _: bool = True, batch: int = 32) -> np.ndarray:
    """128 numbers of each grey picture uint8 (N, H, W)."""
    import dlib

    net = dlib.face_recognition_model_v1(str(packaged(PACKAGE, FILE)))
    features = []
    for part in images.split(batch):
        large = enlarged(part, SIDE)[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()
        colour = [np.repeat(face[:, :, None], 3, 2) for face in large]
        features.append(np.array(net.compute_face_descriptor(colour), np.float32))
    return np.concatenate(features)


def objects(images: torch.Tensor, learnt: bool, batch: int = 16) -> np.ndarray:
    """1,280 numbers of each grey picture uint8 (N, H, W)."""
    device = settings.device()
    with training.seeded(0):
        net = classifiers.efficientnet_lite0(pretrained="imagenet" if learnt else "none")
    net = net.to(device, memory_format=torch.channels_last).eval()

    def inputs(rows):
        return fed(enlarged(images[rows].to(device), LITE0_SIDE))

    return outputs(net, inputs, np.arange(len(images)), batch).float().cpu().numpy()
