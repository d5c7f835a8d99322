"""Notebook 03: what networks are given to look at. People in pictures are the simulator's."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from emolib import data as datasets
from emolib import evm
from emolib.data.kept import simulator as simulator_sources
from emolib.data.sim import affect, face
from emolib.data.sim.streams import stream
from emolib.features import detectors
from emolib.ground.errors import EmolibError
from emolib.reproduction import runs
from emolib.reproduction.runs import part

# what is drawn or spoken and belongs to no set
SIMULATED = SimpleNamespace(
    name="simulated world", source="simulated", fingerprint=simulator_sources()
)
FILM_FPS = 30.0  # of the films that are magnified
BAND, MOTION_BAND = (0.8, 3.0), (0.8, 5.0)  # hertz


@dataclass(frozen=True)
class Sizes:
    """What is drawn; frequencies in hertz."""

    faces: int  # behind each share of found faces
    size: int  # pixels of the pictures that are shown
    models: int  # people behind the eigenfaces
    seconds: float  # of the film's sound
    alpha: float = 5.0  # of the magnification (orgil2022, 1.2.5)
    pulse: float = 1.2  # of the simulated heart


class Study(runs.Study):
    """Sounds, points, meshes, gradients, and a pulse made visible."""

    SIZES = {
        "smoke": Sizes(4, 96, 4, 4.0),
        "quick": Sizes(20, 120, 20, 10.0),
        "overnight": Sizes(200, 240, 67, 30.0),
        "full": Sizes(200, 240, 67, 30.0),
    }

    @property
    def sources(self) -> tuple:
        return (SIMULATED,)

    def scene(self, emotion: str = "happy", yaw: float = 12.0):
        """One person, portrait: the picture (1, H, W, 3) and the film behind it."""
        who = face.faces(11, 1, yaw=yaw, span=4.6)
        film = face.Faces(who.person, who.scene, affect.prototype(emotion)[None] * 0.9)
        return face.render(film, 2 * self.sizes.size), film

    @part
    def frontal(self):
        """The RaFD stand-in, frontal, and its faces in grey, float64 (N, 64, 64)."""
        view = {"models": self.sizes.models, "yaws": (90,), "gazes": ("frontal",), "size": 64}
        world = datasets.load("rafd", source="simulated", profile="quick", **view)
        return world, world.images.astype(np.float64).mean(-1)

    @part
    def finders(self) -> dict:
        """The detectors that this machine has: gradients (dlib) and deep features (MediaPipe)."""
        known, here = ("gradients (dlib's HOG)", "deep features (MediaPipe)"), {}
        for label, name in zip(known, ("dlib", "mediapipe"), strict=True):
            try:
                here[label] = detectors.make(name, video=False)
            except EmolibError:
                continue
        return here

    def turned(self, turn: float) -> np.ndarray:
        """uint8 (N, 160, 160, 3): different people, portrait, turned to both sides."""
        each = np.arange(self.sizes.faces)
        crowd = face.faces(21, len(each), yaw=np.where(each % 2, turn, -turn).astype(float))
        acting = affect.expressions(21, each % 7)
        return face.render(face.Faces(crowd.person, crowd.scene, acting), 160)

    @part
    def pulse(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ten seconds of a face with a pulse, where its skin is, and the film magnified."""
        film, skin = pulsing_face(300, self.sizes.size, self.sizes.pulse, 0.5)
        return film, skin, evm.magnify(film, FILM_FPS, *BAND, self.sizes.alpha)


def pulsing_face(count: int, size: int, hertz: float, amplitude: float, seed: int = 447):
    """A still face whose skin pulses, uint8 (count, size, size, 3), and its skin (size, size).

    amplitude   in grey levels of green; red and blue pulse by 0.4 and 0.6 of it. Skin is where
                another skin colour changes the picture: 0 to 1.
    """
    who = face.faces(seed, 1, span=2.6, noise=0.0)
    pale, dark = (
        face.render(who.changed(melanin=m), size)[0].astype(np.float64).mean(-1) for m in (0.1, 0.9)
    )
    skin = np.clip((pale - dark) / np.quantile(pale - dark, 0.9), 0, 1)
    pulse = amplitude * np.sin(2 * np.pi * hertz * np.arange(count) / FILM_FPS)
    still, rng = face.render(who, size)[0].astype(np.float64), stream(seed, "camera noise")
    noise = rng.normal(0, 0.7, (count, size, size, 3))
    film = still + pulse[:, None, None, None] * skin[..., None] * np.array([0.4, 1.0, 0.6]) + noise
    return np.clip(np.round(film), 0, 255).astype(np.uint8), skin
