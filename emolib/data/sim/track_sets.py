"""Simulated Aff-Wild and AFEW-VA: videos with valence and arousal at every frame, as features or as pictures.

Two kinds, and `meta.kind` says which a row is:

features   298 at full. A stated generative model, nothing is rendered: the truth z(t) (see
           affect.feeling) and its speed drive a video-specific random map, x(t) = A tanh(B h(t)) + s + n(t),
           with h = (z, |dz|, a nuisance walk), s an offset of the person and n noise that is correlated
           over 0.2 s. The columns stand for nothing in particular.
rendered   24 at quick. The truth sets action units of a drawn face; features are its 68 points,
           its body points and its units, as a detector would give them, with frames missing.

AFEW-VA is made as `rendered` is, in short clips with whole-number annotations; its features are the 68 true points.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.sim import affect, face
from emolib.data.sim.clip_sets import save_mp4
from emolib.data.sim.dials import Dials
from emolib.data.sim.streams import stream
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError

FPS, FILM_FPS = 30.0, 25.0  # Aff-Wild's web videos, AFEW-VA's feature films


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
    dials.only(
        "aff_wild", "roughness", *(("missing_face", "overlap") if kind == "rendered" else ())
    )
    frames = np.exp(stream(seed, "aff_wild", "length").uniform(*np.log(seconds), videos)) * FPS
    people = max(1, round(videos * 200 / 298))
    who = stream(seed, "aff_wild", "person").integers(0, people, videos)
    held, make = [], []
    for i, count in enumerate(frames.astype(int)):
        held.append(
            affect.annotation(
                seed, affect.feeling(seed, count, FPS, i), FPS, i, roughness=dials.roughness
            )
        )
        make.append(
            partial(_latent, seed, i, count, int(who[i]), width)
            if kind == "features"
            else partial(_drawn, seed, i, count, int(who[i]), people, dials)
        )
    return TrackSet(
        name="aff_wild",
        source="simulated",
        features=make,
        valence_arousal=held,
        fps=FPS,
        label=np.full(videos, -1),
        subject=np.array([f"person{w:03d}" for w in who]),
        split=np.where(np.arange(videos) < round(videos * 252 / 298), "train", "test"),
        content=[f"aff_wild:{kind}:{seed}:{i}:{width}:{dials}" for i in range(videos)],
        meta=pd.DataFrame(
            {
                "video": [f"{i + 100}" for i in range(videos)],
                "frames": frames.astype(int),
                "kind": kind,
                "person": who,
                "seed": seed,
                "index": np.arange(videos),
                "people": people,
                "dials": json.dumps(vars(dials)),
            }
        ),
    )


def _latent(seed, i, count, who, width) -> np.ndarray:
    """float32 (count, width): the generative model above."""
    z = affect.feeling(seed, count, FPS, i)
    speed = (
        np.abs(np.gradient(z, axis=0)).sum(1, keepdims=True) * FPS
        if count > 1
        else np.zeros((count, 1))
    )
    h = np.concatenate([z, speed, affect.feeling(seed, count, FPS, "nuisance", i)], 1)  # (T, 5)
    shared = stream(seed, "aff_wild", "map")
    b, a = (
        shared.standard_normal((5, 2 * width)) * np.array([1, 1, 0.3, 1.2, 1.2])[:, None],
        shared.standard_normal((2 * width, width)),
    )
    offset = stream(seed, "aff_wild", "offset", who).standard_normal(width) * 0.8
    white = stream(seed, "aff_wild", "noise", i).standard_normal((count + 5, width))
    noise = np.stack([white[k : k + count] for k in range(6)]).mean(0) * 1.2
    return (np.tanh(h @ b) @ a / np.sqrt(width) + offset + noise).astype(np.float32)


def script(
    seed: int, i: int, count: int, who: int, people: int, dials: Dials, fps: float = FPS
) -> face.Faces:
    """The drawn face of video i, frame by frame: units from the nearest emotions to where the truth is, mouth free."""
    z, rng = affect.feeling(seed, count, fps, i), stream(seed, "aff_wild", "film", i)
    names = [n for n in affect.ANCHORS if n != "neutral"]
    anchors = np.array([affect.ANCHORS[n] for n in names])
    from emolib import EMOTIONS

    table = affect.prototypes(seed, dials.overlap)[[EMOTIONS.index(n) for n in names]]
    weight = np.exp(-((z[:, None] - anchors) ** 2).sum(-1) / 0.12)  # (T, 10)
    units = (
        weight
        @ table
        / (weight.sum(1, keepdims=True) + 1e-9)
        * np.clip(np.hypot(*z.T) / 0.7, 0, 1)[:, None]
    )
    talk = np.clip(
        affect.feeling(seed, count, fps / 12, "talk", i)[:, 0] + 0.2, 0, 1
    )  # about 12 times faster
    at = face.UNITS.index(25)
    units[:, at] = np.maximum(units[:, at], 0.6 * talk)
    scene = np.repeat(face.pictures(seed + 17, i + 1)[i : i + 1], count)
    turn = 12 * affect.feeling(seed, count, fps, "head", i)
    scene["yaw"], scene["pitch"] = turn[:, 0], 0.6 * turn[:, 1]
    scene["grain_u"] = rng.random(count)
    return face.Faces(
        np.repeat(face.people(seed + 19, people)[who : who + 1], count), scene, np.clip(units, 0, 1)
    )


def film(world: TrackSet, k: int) -> face.Faces:
    """The faces of simulated video `k`, frame by frame, not drawn."""
    row = world.meta.iloc[k]
    return script(
        row.seed,
        row["index"],
        row.frames,
        row.person,
        row.people,
        Dials(**json.loads(row.dials)),
        world.fps,
    )


def _drawn(seed, i, count, who, people, dials) -> np.ndarray:
    """float32 (count, 136 + 36 + 19): points and body in [0, 1] of the picture, units; zeros where no face is seen."""
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
    """A stand-in for AFEW-VA: 600 clips of films with 240 actors, 10 to 150 frames, 25 a second, annotated in tenths.

    kind   'landmarks' (files hold no pictures) or 'rendered' (pictures of `size` x `size` pixels)
    features   the 68 points in pixels of the picture, float32 (T, 136): x0, y0, x1, y1 ...
    """
    if kind not in ("landmarks", "rendered"):
        raise EmolibError(f"afew_va: kind is '{kind}', expected 'landmarks' or 'rendered'")
    frames = (
        np.exp(stream(seed, "afew_va", "length").uniform(*np.log(seconds), videos)) * FILM_FPS
    ).astype(int)
    people = max(1, round(videos * 240 / 600))
    who = stream(seed, "afew_va", "person").integers(0, people, videos)
    own = seed + 23  # other films than Aff-Wild's of the same seed
    held = [
        affect.annotation(
            own, affect.feeling(own, count, FILM_FPS, i), FILM_FPS, i, roughness=dials.roughness
        )
        for i, count in enumerate(frames)
    ]
    meta = pd.DataFrame(
        {
            "video": [f"{i + 1:03d}" for i in range(videos)],
            "frames": frames,
            "actor": [f"actor{w:03d}" for w in who],
            "kind": kind,
            "person": who,
            "seed": own,
            "index": np.arange(videos),
            "people": people,
            "size": size,
            "dials": json.dumps(vars(dials)),
        }
    )
    return TrackSet(
        name="afew_va",
        source="simulated",
        features=[partial(_points, *row) for row in _plots(meta)],
        fps=FILM_FPS,
        valence_arousal=[np.round(track * 10).astype(np.float32) / 10 for track in held],
        label=np.full(videos, -1),
        subject=meta["actor"].to_numpy(),
        split=np.full(videos, ""),
        meta=meta,
        content=[f"afew_va:{seed}:{i}:{size}:{dials}" for i in range(videos)],
    )


def _plots(meta: pd.DataFrame) -> list[tuple]:
    """What `script` takes, and the size, for each row of `meta`."""
    return [
        (r.seed, r.index, r.frames, r.person, r.people, Dials(**json.loads(r.dials)), r.size)
        for r in meta.itertuples(index=False)
    ]


def _points(seed, i, count, who, people, dials, size) -> np.ndarray:
    """float32 (count, 136), pixels."""
    return (
        face.points(script(seed, i, count, who, people, dials, FILM_FPS), size)
        .reshape(count, 136)
        .astype(np.float32)
    )


# ---- files

UNSEEN = 0.05  # share of frames that Aff-Wild2's files mark as not annotated


def write_aff_wild(
    world: TrackSet, folder: Path, *, size: int = 96, layout: str = "aff_wild"
) -> list[Path]:
    """Aff-Wild's tree: videos/<train|test>/N.mp4 (rendered only), annotations/<split>/<valence|arousal>/N.txt, one value a line.

    layout   'aff_wild2': videos/N.mp4 and annotations/VA_Set/<Train_Set|Validation_Set>/N.txt, a line `valence,arousal`,
             then two values a line, a share of them -5,-5 (not annotated)
    The films are drawn with the world's own dials.
    """
    if layout not in ("aff_wild", "aff_wild2"):
        raise EmolibError(f"aff_wild: layout is '{layout}', expected 'aff_wild' or 'aff_wild2'")
    place, out = Path(folder) / "aff_wild", []
    for row, split, va in zip(world.meta.itertuples(), world.split, world.valence_arousal):
        out += (_annotate if layout == "aff_wild" else _annotate2)(
            place / "annotations", row, split, va
        )
        if row.kind == "rendered":
            film = script(
                row.seed,
                row.index,
                row.frames,
                row.person,
                row.people,
                Dials(**json.loads(row.dials)),
            )
            where = place / "videos" / (split if layout == "aff_wild" else "")
            out.append(save_mp4(where / f"{row.video}.mp4", face.render(film, size), FPS))
    return out


def _annotate(place: Path, row, split: str, va: np.ndarray) -> list[Path]:
    paths = [place / split / axis / f"{row.video}.txt" for axis in ("valence", "arousal")]
    for k, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{v:.6g}\n" for v in va[:, k]))
    return paths


def _annotate2(place: Path, row, split: str, va: np.ndarray) -> list[Path]:
    path = (
        place
        / "VA_Set"
        / {"train": "Train_Set", "test": "Validation_Set"}[split]
        / f"{row.video}.txt"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    unseen = stream(row.seed, "aff_wild", "unseen", row.index).random(len(va)) < UNSEEN
    lines = ["-5,-5" if gone else f"{v:.6g},{a:.6g}" for gone, (v, a) in zip(unseen, va)]
    path.write_text("\n".join(["valence,arousal", *lines, ""]))
    return [path]


def write_afew_va(world: TrackSet, folder: Path) -> list[Path]:
    """AFEW-VA's tree: 001/001.json (valence and arousal from -10 to 10, 68 points a frame) and 001/00000.png (rendered only)."""
    from PIL import Image

    out = []
    for row, plot, make, va in zip(
        world.meta.itertuples(), _plots(world.meta), world.features, world.valence_arousal
    ):
        place = Path(folder) / "afew_va" / row.video
        place.mkdir(parents=True, exist_ok=True)
        frames = {
            f"{t:05d}": {
                "landmarks": points.astype(float).round(3).tolist(),
                "valence": round(float(v) * 10),
                "arousal": round(float(a) * 10),
            }
            for t, (points, (v, a)) in enumerate(zip(make().reshape(-1, 68, 2), va))
        }
        out.append(place / f"{row.video}.json")
        out[-1].write_text(
            json.dumps({"actor": row.actor, "frames": frames, "video_id": row.video})
        )
        if row.kind == "rendered":
            for t, picture in enumerate(face.render(script(*plot[:-1], FILM_FPS), row.size)):
                out.append(place / f"{t:05d}.png")
                Image.fromarray(picture).save(out[-1])
    return out
