"""Each feature by name: what it is made with, and how it comes out of a film or pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from emolib.features import pose
from emolib.features.footage import Footage
from emolib.features.landmarks import Landmarks, crops, joined
from emolib.ground.containers import digest
from emolib.ground.errors import EmolibError, nearest

FEATURES = ("landmarks", "pose", "mesh", "mel", "backbone", "texture")
VERSION = 1  # raise it when a change here changes a number: stored features are then made anew
TEXTURE = 96  # pixels of the grey crop that texture is read from
HOP = 512  # samples from one row of mel to the next


@dataclass(frozen=True)
class Recipe:
    """How a feature is made; `fingerprint` (16 hex digits) names everything that decides it.

    compute   makes named arrays, (T, ...) each, of one Footage. Among them is `found` (T,) wherever
              a face has to be found first: rows where it is False are NaN, and a body's zeros.
    """

    feature: str
    made_with: str
    compute: Callable[[Footage], dict[str, np.ndarray]]

    @property
    def fingerprint(self) -> str:
        return digest(self.feature, self.made_with, VERSION)


def recipe(
    feature: str,
    *,
    detector: str = "dlib",
    backbone: str = "resnet50-ferplus",
    pictures: bool = False,
) -> Recipe:
    """How to make `feature`; what it does not need is not looked for.

    pictures   the set holds unrelated pictures of faces cut out already (ImageSet): no tracking,
               and no crop before backbone and texture
    Raises EmolibError for an unknown name, with the nearest, and for a library or model file that
    is not here.
    """
    if feature not in FEATURES:
        raise nearest(feature, FEATURES, what="feature")
    if feature == "mel":
        return Recipe("mel", "log-mel 128 bands, n_fft 2048, hop 512", _mel)
    look, seen_by = None, "whole pictures"
    if not (pictures and feature in ("backbone", "texture")):
        look = _Look(detector, video=not pictures)
        seen_by = look.fingerprint
    if feature == "landmarks":
        return Recipe(feature, seen_by, lambda film: _landmarks(look, film))
    if feature == "pose":
        made_with = f"{seen_by} {digest(pose.mean_head())}"
        return Recipe(feature, made_with, lambda film: _pose(look, film))
    if feature == "mesh":
        if detector == "dlib":
            raise EmolibError(
                "feature 'mesh' needs a detector of dense points: "
                "--detector mediapipe (or simulator), not dlib"
            )
        return Recipe(feature, seen_by, lambda film: _mesh(look, film))
    compute, size, made_with = _texture, TEXTURE, f"{seen_by} {TEXTURE}"
    if feature == "backbone":
        from emolib.features.backbone import SIZE, Backbone

        net = Backbone(backbone)
        compute, size, made_with = net.named, SIZE, f"{seen_by} {net.fingerprint}"
    return Recipe(feature, made_with, lambda film: _on_crops(look, film, compute, size))


class _Look:
    """A detector by name; the simulator's truth is made for each film."""

    def __init__(self, name: str, video: bool):
        from emolib.features import detectors

        self.truth = detectors.SimulatorDetector
        self.one = None if name == "simulator" else detectors.make(name, video=video)
        self.fingerprint = (self.one or self.truth).fingerprint

    def at(self, film: Footage) -> Iterator[tuple[np.ndarray, object]]:
        """Pieces of the film, each with the detector to be used on it."""
        if film.chunks is None:
            raise EmolibError(f"{film.name}: has sound only, there is nothing to see")
        if self.one:
            yield from ((frames, self.one) for frames in film.chunks())
            return
        if film.film is None:
            raise EmolibError(
                f"{film.name}: detector 'simulator' gives the truth of simulated films; "
                "this is none, use dlib or mediapipe"
            )
        faces, start = film.film(), 0
        for frames in film.chunks():
            yield frames, self.truth(faces.take(slice(start, start + len(frames))))
            start += len(frames)


def _seen(look: _Look, film: Footage) -> tuple[Landmarks, np.ndarray]:
    """Landmarks of the whole film, and (height, width)."""
    parts, size = [], (0, 0)
    for frames, detector in look.at(film):
        parts.append(detector.detect(frames))
        size = frames.shape[1:3]
    return joined(parts), np.array(size)


def _there(**arrays) -> dict:
    return {name: value for name, value in arrays.items() if value is not None}


def _landmarks(look, film) -> dict:
    marks, size = _seen(look, film)
    return _there(**vars(marks), box=marks.box, size=size)


def _pose(look, film) -> dict:
    marks, size = _seen(look, film)
    turn = pose.angles(marks.points)
    return _there(angles=turn, found=marks.found, size=size, body=marks.body)


def _mesh(look, film) -> dict:
    parts, size = [], (0, 0)
    for frames, detector in look.at(film):
        parts.append(_there(**vars(detector.detect_all(frames)[1])))
        size = frames.shape[1:3]
    whole = {"size": np.array(size)}
    for name in parts[0]:
        whole[name] = np.concatenate([part[name] for part in parts])
    return whole


def _on_crops(look, film, compute, size) -> dict:
    """`compute` (images -> named arrays) on each face crop or whole picture; NaN without a face."""
    made, parts = [], []
    for frames, detector in look.at(film) if look else ((f, None) for f in film.chunks()):
        found = np.ones(len(frames), bool)
        if detector:
            marks = detector.detect(frames)
            found = marks.found
        if found.any():
            faces = crops(frames[found], marks.box[found], size=size) if detector else frames
            made.append(compute(faces))
        parts.append(found)
    found = np.concatenate(parts)
    out = {"found": found}
    for name in made[0] if made else ():  # of a film without faces the width is unknown
        values = np.concatenate([part[name] for part in made])
        out[name] = np.full((len(found), values.shape[1]), np.nan, np.float32)
        out[name][found] = values
    return out


def _texture(images: np.ndarray) -> dict:
    from PIL import Image

    from emolib.features import texture

    small = []
    for image in images:
        grey = Image.fromarray(image).convert("L")
        small.append(np.asarray(grey.resize((TEXTURE, TEXTURE), Image.Resampling.BILINEAR)))
    grey = np.stack(small)
    return {"lpq": texture.lpq(grey), "lbp": texture.lbp(grey), "phog": texture.phog(grey)}


def _mel(film: Footage) -> dict:
    """Log-mel rows; brought to the video's frames where the film has a picture."""
    if film.sound is None:
        raise EmolibError(f"{film.name}: has no sound, there is nothing to hear")
    from emolib.features import mel

    rows = mel.log_mel(film.sound(), film.rate, hop_length=HOP)
    if film.chunks is not None:
        count = sum(len(frames) for frames in film.chunks())
        rows = mel.aligned(rows, film.rate, HOP, film.fps, count)
    return {"mel": np.asarray(rows, np.float32)}
