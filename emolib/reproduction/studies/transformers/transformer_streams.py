"""What the transformers of notebook 12 are given: face mesh, features of the face, and features of the colour-magnified face, per frame.

orgil2022, 3.2.3: MediaPipe's face mesh (468 x 3); the magnified video goes through the ResNet50. Made once per video and kept in files.
Films of the simulator are drawn here, at the size of the profile; their mesh is the simulator's own, so it has no noise of a detector.
Real films go through MediaPipe, a piece at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import tee

import numpy as np

from emolib import data as datasets
from emolib import evm
from emolib.data.kept import simulator as simulator_sources
from emolib.features import store
from emolib.features.footage import LONGEST, footage
from emolib.features.landmarks import crops
from emolib.features.mesh import EYE_CORNERS, SIMULATED_CORNERS, normalised
from emolib.ground import settings
from emolib.ground.containers import TrackSet, digest

VERSION = 1  # raise it when a change here changes a number
STREAMS = ("mesh", "image", "evm")
BAND, ALPHA = (0.8, 3.0), 5.0  # orgil2022, 1.2.5


@dataclass(frozen=True)
class Recipe:
    """How streams are made.

    thin       every n-th frame is used (quick: fewer frames for the same seconds)
    most       frames of a video after thinning, at most; None: all
    size       pixels of the drawn film and of the face crop
    backbone   'phog' (680 numbers, no network) or a name of emolib.features.backbone
    """

    thin: int = 1
    most: int | None = None
    size: int = 224
    backbone: str = "resnet50-ferplus"


def make(*, data: str, video: int, recipe: dict) -> dict:
    """A run: the streams of one video into their file; returns frames, the share without a face and where the widths lie."""
    world, how = datasets.resolve(data), Recipe(**recipe)
    arrays = _made(world, video, how)
    store.write(
        place(world, video, how),
        arrays,
        {
            "set": world.name,
            "source": world.source,
            "recipe": asdict(how),
            "content": world.content[video],
        },
    )
    return {
        "frames": len(arrays["found"]),
        "missing": float((~arrays["found"]).mean()),
        "widths": {name: arrays[name].shape[1] for name in STREAMS},
    }


def place(world: TrackSet, video: int, recipe: Recipe):
    """The file of one video; its name holds everything that decides the numbers."""
    maker = simulator_sources() if world.source == "simulated" else "mediapipe"
    name = digest(
        VERSION, asdict(recipe), maker, world.content[video], _backbone(recipe.backbone).fingerprint
    )
    return (
        settings.cache()
        / "features"
        / world.name
        / "transformer streams"
        / f"{video:04d}-{name}.safetensors"
    )


@lru_cache(maxsize=2)
def load(data: str, recipe: Recipe, videos: int | None = None) -> list[dict[str, np.ndarray]]:
    """Streams of every video (the first `videos`), in order: mesh (T, 1404), image, evm (T, D), found (T,), target (T, 2), annotated (T,).

    What is not there yet is made."""
    world, out = datasets.resolve(data), []
    for video in range(len(world))[:videos]:
        path = place(world, video, recipe)
        held = store.sound(path, world.content[video]) if path.exists() else None
        if held is None:
            make(data=data, video=video, recipe=asdict(recipe))
        out.append(held or store.read(path)[0])
    return out


def _made(world: TrackSet, video: int, how: Recipe) -> dict[str, np.ndarray]:
    body, parts = _backbone(how.backbone), {name: [] for name in (*STREAMS, "found")}
    corners = SIMULATED_CORNERS if world.source == "simulated" else EYE_CORNERS
    pieces, again = tee(
        _pieces(world, video, how)
    )  # drawn or decoded once; a piece is held, not the film
    magnified = _magnified((frames for frames, _ in again), world.fps / how.thin)
    for (frames, detector), loud in zip(pieces, magnified, strict=True):
        marks, mesh = detector.detect_all(frames)
        found = marks.found & np.isfinite(mesh.mesh).all((1, 2))
        parts["found"].append(found)
        parts["mesh"].append(
            _filled(found, normalised(mesh.mesh[found], corners).reshape(found.sum(), -1), 1404)
        )
        for name, pictures in (("image", frames), ("evm", loud)):
            cut = crops(
                pictures[found], marks.box[found], margin=5 if how.size > 100 else 1, size=how.size
            )
            parts[name].append(_filled(found, body.features(cut), body.width))
    arrays = {name: np.concatenate(v) for name, v in parts.items()}
    steps = slice(0, len(arrays["found"]) * how.thin, how.thin)
    target = world.valence_arousal[video][steps]
    gone = world.missing[video][steps] if world.missing is not None else np.zeros(len(target), bool)
    count = min(
        len(target), len(arrays["found"])
    )  # an annotation may be a frame longer than its film
    return {
        name: v[:count]
        for name, v in (arrays | {"target": target.astype(np.float32), "annotated": ~gone}).items()
    }


def _filled(found: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
    """Half precision, NaN where no face was found."""
    out = np.full((len(found), width), np.nan, np.float16)
    out[found] = values
    return out


def _pieces(world: TrackSet, video: int, how: Recipe) -> Iterator[tuple[np.ndarray, object]]:
    """Pieces of the thinned film, each with its detector."""
    from emolib.features import detectors

    if world.source == "simulated":
        from emolib.data.sim import face, track_sets

        film = track_sets.film(world, video)
        film = film.take(
            slice(0, len(film.units) if how.most is None else how.most * how.thin, how.thin)
        )
        for start in range(0, len(film), LONGEST):
            part = film.take(slice(start, start + LONGEST))
            device = settings.device()
            yield (
                face.render(part, how.size, device=device, threads=1 if device == "cpu" else None),
                detectors.SimulatorDetector(part),
            )
        return
    finder, seen, used = detectors.make("mediapipe"), 0, 0
    for frames in footage(world.select([video]))[0].chunks():
        kept = frames[(-seen) % how.thin :: how.thin][
            : None if how.most is None else how.most - used
        ]
        seen, used = seen + len(frames), used + len(kept)
        if len(kept):
            yield kept, finder
        if how.most is not None and used >= how.most:
            return


def _magnified(pieces: Iterator[np.ndarray], fps: float) -> Iterator[np.ndarray]:
    """The whole film magnified, colours of 0.8 to 3 Hz six times as strong; a causal filter, so that any length fits into memory."""
    return evm.stream(pieces, fps, *BAND, ALPHA, filter="butterworth")


class _Phog:
    """Histograms of gradients in the place of a network: nothing to load, a fraction of a millisecond a face."""

    fingerprint, width = "phog", 680

    def features(self, images: np.ndarray) -> np.ndarray:
        from emolib.features import texture

        if not len(images):
            return np.zeros((0, self.width), np.float32)
        return texture.phog(np.ascontiguousarray(images[..., 1]), edges="gradient").astype(
            np.float32
        )


@lru_cache(maxsize=2)
def _backbone(name: str):
    if name == "phog":
        return _Phog()
    from emolib.features.backbone import Backbone

    return Backbone(name)
