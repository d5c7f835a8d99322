"""Simulated Aff-Wild and AFEW-VA: videos with valence and arousal at every frame.

Two kinds, and `meta.kind` says which a row is:

features   298 at full. A stated generative model, nothing is rendered: the truth z(t) (see
           affect.feeling) and its speed drive a random map, x(t) = A tanh(B h(t)) + s + n(t), with
           h = (z, |dz|, a nuisance walk), s an offset of the person and n noise that is correlated
           over 0.2 s. The columns stand for nothing in particular.
rendered   24 at quick. The truth sets action units of a drawn face; features are its 68 points,
           its body points and its units, as a detector would give them, with frames missing.

AFEW-VA is made as `rendered` is, in short clips annotated in tenths; features are the 68 points.
"""

import json
from functools import partial

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.sim import affect, face
from emolib.data.sim.dials import Dials
from emolib.data.sim.streams import stream
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError

FPS, FILM_FPS = 30.0, 25.0  # Aff-Wild's web videos, AFEW-VA's feature films


def _plan(name, seed, videos, seconds, fps, people) -> tuple[np.ndarray, np.ndarray, int]:
    """Frames (videos,) and person (videos,) of each video, lengths log-uniform; how many people."""
    low, high = np.log(seconds)
    frames = np.exp(stream(seed, name, "length").uniform(low, high, videos)) * fps
    people = max(1, round(people))
    return frames.astype(int), stream(seed, name, "person").integers(0, people, videos), people


def _annotations(seed, frames, fps, every, dials) -> list[np.ndarray]:
    """What a rater records of each video, float32 (T, 2)."""
    tracks = []
    for i, count in enumerate(frames):
        felt = affect.feeling(seed, count, fps, i, every=every)
        tracks.append(affect.annotation(seed, felt, fps, i, roughness=dials.roughness))
    return tracks


def _recipe(meta: dict, kind, who, seed, people, dials) -> pd.DataFrame:
    """The columns of `meta` and, after them, what `film` and the sound are made from."""
    meta |= {"kind": kind, "person": who, "seed": seed, "index": np.arange(len(who))}
    return pd.DataFrame(meta | {"people": people, "dials": json.dumps(vars(dials))})


def aff_wild(
    seed: int = 0,
    videos: int = 298,
    *,
    kind: str = "features",
    seconds: tuple[float, float] = (6.0, 120.0),
    width: int = 64,
    dials: Dials = Dials(),
) -> TrackSet:
    """A stand-in for Aff-Wild: 252 of 298 videos for training, 46 for testing, about 200 people.

    seconds   shortest and longest video; lengths are log-uniform between
    width     features per frame (kind 'features')
    """
    if kind not in ("features", "rendered"):
        raise EmolibError(f"aff_wild: kind is '{kind}', expected 'features' or 'rendered'")
    rendered = kind == "rendered"
    dials.only("aff_wild", "roughness", *(("missing_face", "overlap") if rendered else ()))
    frames, who, people = _plan("aff_wild", seed, videos, seconds, FPS, videos * 200 / 298)
    features = []
    for i, count in enumerate(frames):
        plan = seed, i, count, int(who[i])
        make = partial(_drawn, *plan, people, dials) if rendered else partial(_latent, *plan, width)
        features.append(make)
    meta = {"video": [f"{i + 100}" for i in range(videos)], "frames": frames}
    return TrackSet(
        name="aff_wild",
        features=features,
        valence_arousal=_annotations(seed, frames, FPS, affect.PACE["aff_wild"], dials),
        fps=FPS,
        label=np.full(videos, -1),
        subject=np.array([f"person{w:03d}" for w in who]),
        split=np.where(np.arange(videos) < round(videos * 252 / 298), "train", "test"),
        content=[f"aff_wild:{kind}:{seed}:{i}:{width}:{dials}" for i in range(videos)],
        meta=_recipe(meta, kind, who, seed, people, dials),
    )


def _latent(seed, i, count, who, width) -> np.ndarray:
    """float32 (count, width): the generative model above."""
    z = affect.feeling(seed, count, FPS, i)
    speed = np.zeros((count, 1))
    if count > 1:  # of the axis between one felt place and the next
        speed = np.abs(np.gradient(z, axis=0)).sum(1, keepdims=True) * FPS * affect.PACE["aff_wild"]
    h = np.concatenate([z, speed, affect.feeling(seed, count, FPS, "nuisance", i)], 1)  # (T, 5)
    shared = stream(seed, "aff_wild", "map")
    b = shared.standard_normal((5, 2 * width)) * np.array([1, 1, 0.3, 1.2, 1.2])[:, None]
    a = shared.standard_normal((2 * width, width))
    offset = stream(seed, "aff_wild", "offset", who).standard_normal(width) * 0.8
    white = stream(seed, "aff_wild", "noise", i).standard_normal((count + 5, width))
    noise = np.stack([white[k : k + count] for k in range(6)]).mean(0) * 1.2
    return (np.tanh(h @ b) @ a / np.sqrt(width) + offset + noise).astype(np.float32)


def script(
    seed: int,
    i: int,
    count: int,
    who: int,
    people: int,
    dials: Dials,
    fps: float = FPS,
    every: float = affect.PACE["aff_wild"],
) -> face.Faces:
    """The face of video i, frame by frame: units of the emotions near the truth, mouth free."""
    z = affect.feeling(seed, count, fps, i, every=every)
    rng = stream(seed, "aff_wild", "film", i)
    names = [n for n in affect.ANCHORS if n != "neutral"]
    anchors = np.array([affect.ANCHORS[n] for n in names])
    table = affect.prototypes(seed, dials.overlap)[[EMOTIONS.index(n) for n in names]]
    weight = np.exp(-((z[:, None] - anchors) ** 2).sum(-1) / 0.12)  # (T, 10)
    strength = np.clip(np.hypot(*z.T) / 0.7, 0, 1)[:, None]
    units = weight @ table / (weight.sum(1, keepdims=True) + 1e-9) * strength
    # a mouth talks and a head turns whatever is felt, and much faster
    mouth = affect.wander(stream(seed, "aff_wild", "talk", i), count, fps, 0.4)
    talk = np.clip(0.3 + 0.4 * mouth[:, 0], 0, 1)
    at = face.UNITS.index(25)
    units[:, at] = np.maximum(units[:, at], 0.6 * talk)
    scene = np.repeat(face.pictures(seed + 17, i + 1)[i : i + 1], count)
    turn = 6 * affect.wander(stream(seed, "aff_wild", "head", i), count, fps, 3.0)
    scene["yaw"], scene["pitch"] = turn[:, 0], 0.6 * turn[:, 1]
    scene["grain_u"] = rng.random(count)
    person = np.repeat(face.people(seed + 19, people)[who : who + 1], count)
    return face.Faces(person, scene, np.clip(units, 0, 1))


def film(world: TrackSet, k: int) -> face.Faces:
    """The faces of simulated video `k`, frame by frame, not drawn."""
    row = world.meta.iloc[k]
    plan = [row[name] for name in ("seed", "index", "frames", "person", "people")]
    return script(*plan, Dials(**json.loads(row.dials)), world.fps, affect.PACE[world.name])


def _drawn(seed, i, count, who, people, dials) -> np.ndarray:
    """float32 (count, 136 + 36 + 19): points, body in [0, 1], units; zeros where nobody is seen."""
    film, rng = script(seed, i, count, who, people, dials), stream(seed, "aff_wild", "detector", i)
    points = face.points(film, 1).reshape(count, -1) + 0.004 * rng.standard_normal((count, 136))
    body = face.body(film, 1)[..., :2].reshape(count, -1)
    out = np.concatenate([points, body, film.units], 1)
    out[rng.random(count) < dials.missing_face] = 0.0
    return out.astype(np.float32)


def afew_va(
    seed: int = 0,
    videos: int = 600,
    *,
    kind: str = "landmarks",
    size: int = 256,
    seconds: tuple[float, float] = (0.4, 6.0),
    dials: Dials = Dials(),
) -> TrackSet:
    """A stand-in for AFEW-VA: 600 clips of films with 240 actors, 10 to 150 frames, 25 a second.

    kind   'landmarks' (files hold no pictures) or 'rendered' (pictures of `size` x `size` pixels)
    features   the 68 points in pixels of the picture, float32 (T, 136): x0, y0, x1, y1 ...
    """
    if kind not in ("landmarks", "rendered"):
        raise EmolibError(f"afew_va: kind is '{kind}', expected 'landmarks' or 'rendered'")
    frames, who, people = _plan("afew_va", seed, videos, seconds, FILM_FPS, videos * 240 / 600)
    own = seed + 23  # other films than Aff-Wild's of the same seed
    actor = np.array([f"actor{w:03d}" for w in who])
    meta = {"video": [f"{i + 1:03d}" for i in range(videos)], "frames": frames, "actor": actor}
    meta = _recipe(meta, kind, who, own, people, dials)
    meta.insert(meta.columns.get_loc("dials"), "size", size)
    features = []
    for i, count in enumerate(frames):
        features.append(partial(_points, own, i, int(count), int(who[i]), people, dials, size))
    tracks = _annotations(own, frames, FILM_FPS, affect.PACE["afew_va"], dials)
    return TrackSet(
        name="afew_va",
        features=features,
        fps=FILM_FPS,
        valence_arousal=[np.round(track * 10).astype(np.float32) / 10 for track in tracks],
        label=np.full(videos, -1),
        subject=actor,
        split=[""] * videos,
        meta=meta,
        content=[f"afew_va:{seed}:{i}:{size}:{dials}" for i in range(videos)],
    )


def _points(seed, i, count, who, people, dials, size) -> np.ndarray:
    """float32 (count, 136), pixels."""
    film = script(seed, i, count, who, people, dials, FILM_FPS, affect.PACE["afew_va"])
    return face.points(film, size).reshape(count, 136).astype(np.float32)
