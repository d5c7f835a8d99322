"""Films for tests and benchmarks of detectors: simulated faces inside larger pictures, with the truth beside them."""

from __future__ import annotations

import numpy as np
import pytest

from emolib.data.sim import face, track_sets
from emolib.data.sim.dials import Dials
from emolib.features import detectors
from emolib.ground.errors import EmolibError

HEIGHT, WIDTH, FACE = 480, 640, 400  # a head of about 200 pixels
LEFT, TOP = 120, 40


def film(count: int, seed: int = 0, video: int = 1, size: int = FACE):
    """uint8 (count, 480, 640, 3) with a moving, talking face, and its true points (count, 68, 2)."""
    crowd = track_sets.script(seed, video, count, video, 8, Dials())
    out = np.full((count, HEIGHT, WIDTH, 3), 110, np.uint8)
    out[:, TOP : TOP + size, LEFT : LEFT + size] = face.render(crowd, size)
    return out, face.points(crowd, size) + [LEFT, TOP]


def error(found, truth) -> float:
    """Mean distance from the truth in units of the outer-eye distance, over the frames in which a face was found."""
    far = np.linalg.norm(found.points - truth, axis=-1).mean(1) / np.linalg.norm(
        truth[:, 36] - truth[:, 45], axis=-1
    )
    return float(far[found.found].mean())


def detector(name: str, **options):
    """A detector, or a loud skip where its library or model file is absent."""
    try:
        return (detectors.DlibDetector if name == "dlib" else detectors.MediaPipeDetector)(
            **options
        )
    except EmolibError as problem:
        pytest.skip(f"DETECTOR NOT TESTED: {problem}")
