"""What there is to look at in a set: films in pieces, pictures in blocks, sound, and the truth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from emolib.data import media
from emolib.features.landmarks import checked
from emolib.ground import settings
from emolib.ground.containers import ClipSet, ImageSet, TrackSet, digest
from emolib.ground.errors import EmolibError

CHUNK_BYTES = 128 << 20  # frames handed on at once; fixed, since trackers start anew with each
LONGEST = 250  # and never more frames than this
BLOCK = 4096  # pictures of an image set per stored file
DRAWN = 160  # pixels at which simulated tracks are drawn to be looked at
RATE = 22_050  # of a film's sound


@dataclass(frozen=True)
class Footage:
    """One film, or one block of pictures.

    name       file stem, unique in its set: the film's own and 8 digits of `content`
    content    names what is in it
    chunks     () -> pieces uint8 (t, H, W, 3), or None where there is only sound
    film       () -> the simulated faces (Faces, one a frame) behind it, or None
    sound      () -> waveform float32 (samples,), or None
    """

    name: str
    content: str
    chunks: Callable[[], Iterator[np.ndarray]] | None = None
    film: Callable[[], object] | None = None
    sound: Callable[[], np.ndarray] | None = None
    fps: float | None = None
    rate: int | None = None


def footage(data) -> list[Footage]:
    """The films or blocks of `data`, in its order.

    data   ClipSet, ImageSet, or TrackSet with meta.path or rendered by the simulator
    Raises EmolibError for a set that has nothing to look at or listen to.
    """
    if isinstance(data, ClipSet):
        return [_clip(data, i) for i in range(len(data))]
    if isinstance(data, TrackSet):
        return [_track(data, i) for i in range(len(data))]
    if isinstance(data, ImageSet):
        return [_block(data, start) for start in range(0, len(data), BLOCK)]
    raise EmolibError(
        f"{data.name}: a table of numbers; features are extracted from clips, tracks or images"
    )


def pieces(height: int, width: int) -> int:
    """Frames of this size that are handed on at once."""
    return max(1, min(LONGEST, CHUNK_BYTES // (3 * height * width)))


def _named(stem, content: str, **more) -> Footage:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", str(stem))[:80]
    return Footage(f"{stem}-{digest(content)[:8]}", content, **more)


def _stem(data, i: int) -> str:
    return next((data.meta[c].iloc[i] for c in ("image", "video") if c in data.meta), f"{i:05d}")


def _cut(get: Callable[[], np.ndarray]) -> Iterator[np.ndarray]:
    frames = get()
    step = pieces(*frames.shape[1:3])
    for start in range(0, len(frames), step):
        yield checked(frames[start : start + step])


def _clip(data: ClipSet, i: int) -> Footage:
    from emolib.data.sim import clip_sets

    parts = {"fps": data.fps, "rate": data.rate}
    if data.frames is not None:
        parts["chunks"] = partial(_cut, data.frames[i])
        if data.source == "simulated":
            parts["film"] = partial(clip_sets.film, data, i)
    if data.waveform is not None:
        parts["sound"] = data.waveform[i]
    return _named(_stem(data, i), data.content[i], **parts)


def _track(data: TrackSet, i: int) -> Footage:
    from emolib.data.sim import track_sets

    stem, content = _stem(data, i), data.content[i]
    if "path" in data.meta:
        # of the film, relative to the data folder; '' where there is none
        path = data.meta["path"].iloc[i]
        if not path:
            raise EmolibError(
                f"{data.name}: video {stem} is annotated, but its film is not here; "
                "put it where the data set has it"
            )
        path = settings.data_root() / path
        sound = partial(media.read_sound, path, RATE)
        parts = {"chunks": partial(_decoded, path), "sound": sound, "rate": RATE}
        return _named(stem, content, fps=data.fps, **parts)
    if "kind" in data.meta and data.meta["kind"].iloc[i] == "rendered":
        film = partial(track_sets.script, *data.features[i].args)
        content = f"{content} at {DRAWN}"
        return _named(stem, content, fps=data.fps, film=film, chunks=partial(_drawn, film))
    raise EmolibError(
        f"{data.name}: its tracks are numbers already, there is no video to look at; "
        "the simulated stand-in draws one with kind='rendered'"
    )


def _decoded(path) -> Iterator[np.ndarray]:
    video = media.probe_video(path)
    return media.iterate_frames(path, pieces(video.height, video.width))


def _drawn(film) -> Iterator[np.ndarray]:
    from emolib.data.sim import face

    crowd = film()
    for start in range(0, len(crowd), LONGEST):
        yield face.render(crowd.take(slice(start, start + LONGEST)), DRAWN)


def _block(data: ImageSet, start: int) -> Footage:
    images = data.images[start : start + BLOCK]
    stem = f"{start:06d}-{start + len(images) - 1:06d}"
    return _named(stem, digest(images), chunks=partial(_cut, lambda: images))
