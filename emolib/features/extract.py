"""Each feature by name: what it is made with, a fingerprint of that, and how it comes out of one film or block of pictures."""

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


@dataclass(frozen=True)
class Recipe:
    """`compute` makes named arrays, (T, ...) each, of one Footage; `fingerprint` (16 hex digits) names everything that decides them.

    Among the arrays is `found` (T,) wherever a face has to be found first: rows where it is False are NaN, and a body's zeros.
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
    """How to make `feature` with a detector and backbone by name; what a feature does not need is not looked for.

    pictures   the set holds unrelated pictures of faces cut out already (ImageSet): no tracking, and no crop before backbone and texture
    Raises EmolibError for an unknown name, with the nearest, and for a library or model file that is not here.
    """
    if feature not in FEATURES:
        raise nearest(feature, FEATURES, what="feature")
    if feature == "mel":
        return Recipe("mel", "log-mel 128 bands, n_fft 2048, hop 512", _mel)
    look = (
        None
        if pictures and feature in ("backbone", "texture")
        else _Look(detector, video=not pictures)
    )
    seen_by = look.fingerprint if look else "whole pictures"
    if feature == "landmarks":
        return Recipe(feature, seen_by, lambda film: _landmarks(look, film))
    if feature == "pose":
        return Recipe(
            feature, f"{seen_by} {digest(pose.mean_head())}", lambda film: _pose(look, film)
        )
    if feature == "mesh":
        if detector == "dlib":
            raise EmolibError(
                "feature 'mesh' needs a detector of dense points: --detector mediapipe (or simulator), not dlib"
            )
        return Recipe(feature, seen_by, lambda film: _mesh(look, film))
    if feature == "texture":
        return Recipe(
            feature, f"{seen_by} {TEXTURE}", lambda film: _on_crops(look, film, _texture, TEXTURE)
        )
    from emolib.features.backbone import Backbone

    net = Backbone(backbone)
    return Recipe(
        feature,
        f"{seen_by} {net.fingerprint}",
        lambda film: _on_crops(look, film, lambda images: {"features": net.features(images)}, 224),
    )


class _Look:
    """A detector by name; the simulator's truth is made for each film."""

    def __init__(self, name: str, video: bool):
        from emolib.features import detectors

        self.detectors = detectors
        self.one = None if name == "simulator" else detectors.make(name, video=video)
        self.fingerprint = (
            detectors.SimulatorDetector.fingerprint if self.one is None else self.one.fingerprint
        )

    def at(self, film: Footage) -> Iterator[tuple[np.ndarray, object]]:
        """Pieces of the film, each with the detector to be used on it."""
        if film.chunks is None:
            raise EmolibError(f"{film.name}: has sound only, there is nothing to see")
        if self.one is None and film.film is None:
            raise EmolibError(
                f"{film.name}: detector 'simulator' gives the truth of simulated films; this is none, use dlib or mediapipe"
            )
        faces, start = None if self.one else film.film(), 0
        for frames in film.chunks():
            yield (
                frames,
                self.one
                or self.detectors.SimulatorDetector(faces.take(slice(start, start + len(frames)))),
            )
            start += len(frames)


def _seen(look: _Look, film: Footage) -> tuple[Landmarks, np.ndarray]:
    """Landmarks of the whole film, and (height, width)."""
    parts, size = [], (0, 0)
    for frames, detector in look.at(film):
        parts.append(detector.detect(frames))
        size = frames.shape[1:3]
    return joined(parts), np.array(size)


def _landmarks(look, film) -> dict:
    marks, size = _seen(look, film)
    out = {
        "points": marks.points,
        "found": marks.found,
        "box": marks.box,
        "size": size,
        "body": marks.body,
        "pupils": marks.pupils,
    }
    return {k: v for k, v in out.items() if v is not None}


def _pose(look, film) -> dict:
    marks, size = _seen(look, film)
    return {"angles": pose.angles(marks.points), "found": marks.found, "size": size} | (
        {} if marks.body is None else {"body": marks.body}
    )


def _mesh(look, film) -> dict:
    parts, size = [], (0, 0)
    for frames, detector in look.at(film):
        parts.append(detector.detect_all(frames)[1])
        size = frames.shape[1:3]
    out = {
        name: np.concatenate([getattr(p, name) for p in parts]) for name in ("mesh", "found")
    } | {"size": np.array(size)}
    return out | (
        {}
        if parts[0].blendshapes is None
        else {"blendshapes": np.concatenate([p.blendshapes for p in parts])}
    )


def _on_crops(look, film, compute, size) -> dict:
    """`compute` (images -> named arrays) on the face crop of each frame, or on whole pictures; NaN where there is no face."""
    pieces = []
    for frames, detector in look.at(film) if look else ((f, None) for f in film.chunks()):
        marks = detector.detect(frames) if detector else None
        found = np.ones(len(frames), bool) if marks is None else marks.found
        pieces.append(
            (
                found,
                compute(
                    frames if marks is None else crops(frames[found], marks.box[found], size=size)
                )
                if found.any()
                else None,
            )
        )
    found = np.concatenate([f for f, _ in pieces])
    first = next((made for _, made in pieces if made is not None), None)
    if first is None:
        return {"found": found}  # nobody in the whole film: the width of the features is unknown
    out = {
        name: np.full((len(found), value.shape[1]), np.nan, np.float32)
        for name, value in first.items()
    }
    for name in out:
        out[name][found] = np.concatenate([made[name] for _, made in pieces if made is not None])
    return out | {"found": found}


def _texture(images: np.ndarray) -> dict:
    from PIL import Image

    from emolib.features import texture

    grey = np.stack(
        [
            np.asarray(
                Image.fromarray(i)
                .convert("L")
                .resize((TEXTURE, TEXTURE), Image.Resampling.BILINEAR)
            )
            for i in images
        ]
    )
    return {
        name: np.asarray(getattr(texture, name)(grey), np.float32)
        for name in ("lpq", "lbp", "phog")
    }


def _mel(film: Footage) -> dict:
    """Log-mel rows; brought to the video's frames where the film has a picture, else one row per hop."""
    if film.sound is None:
        raise EmolibError(f"{film.name}: has no sound, there is nothing to hear")
    from emolib.features import mel

    made = np.asarray(mel.log_mel(film.sound(), film.rate, hop_length=512))
    if film.chunks is None:
        return {"mel": np.asarray(made, np.float32)}
    count = sum(len(frames) for frames in film.chunks())
    return {"mel": np.asarray(mel.aligned(made, film.rate, 512, film.fps, count), np.float32)}
