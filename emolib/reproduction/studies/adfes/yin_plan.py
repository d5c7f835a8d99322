"""The grid of yin2022: whose faces, which networks, which rounds, how large each profile is (notebook 30)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data.sim.clip_sets import ADFES
from emolib.ground.errors import nearest
from emolib.models.path import DEEP, SMALL
from emolib.reproduction import papers, runs
from emolib.reproduction.studies.adfes import yin_faces, yin_walk
from emolib.reproduction.studies.adfes.yin_faces import LAST

PRINTED, SAFE = "as printed", "twin-safe"
MODELS = {"CNN+RNN(10)": SMALL, "CNN+RNN(10, 10, 5)": DEEP}
ROUND = 1  # "round 2" of Figure 4, counted from 0
ANCHORS, CLASSES, BEFORE, PHOTOS, NONE = (
    "anchors of Table 2",
    "classes",
    "reset before the product",
    "photographs",
    "no pre-training",
)
TOLD = ("Anger", "Contempt", "Joy", "Sadness")  # emotions whose single videos become paths (Fig. 6)


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. The paper says 50 frames, windows of 10, batches of 128, at most 100 epochs and 5 runs; the rest is ours."""

    rounds: int = 5
    folds: int = 11  # of the rotation in which every speaker is tested once
    drawn: int = 192  # pixels a simulated film is drawn at, and how close its camera is
    span: float = 1.0
    side: int = 96  # pixels of the crops
    stride: int = 1  # every n-th of the last 50 frames is used
    every: int = 1  # and dlib looks at every n-th of these
    channels: tuple[int, int, int] = (64, 128, 256)
    features: int = 300
    pictures: int | None = None  # of FER2013, for pre-training
    body_epochs: int = 100
    body_rate: float = 1e-3
    body_batch: int = 128
    body_patience: int = 15
    epochs: int = 100
    rate: float = 3e-3
    patience: int = 25
    units: tuple[tuple[int, ...], ...] = (
        (5,),
        (10,),
        (20,),
        (50,),
        (100,),
        (10, 10),
        (50, 50),
        (10, 10, 5),
        (50, 50, 25),
        (100, 100, 50),
    )
    lengths: tuple[int, ...] = (1, 5, 10, 25)


SIZES = {
    "smoke": Sizes(
        rounds=2,
        folds=4,
        drawn=40,
        span=0.6,
        side=16,
        stride=5,
        every=5,
        channels=(4, 8, 12),
        features=16,
        pictures=200,
        body_epochs=2,
        body_rate=3e-3,
        body_batch=32,
        body_patience=5,
        epochs=4,
        rate=1e-2,
        patience=10,
        units=((5,), (10,), (10, 10, 5)),
        lengths=(1, 10),
    ),
    "quick": Sizes(
        drawn=40,
        span=0.6,
        side=32,
        stride=2,
        every=5,
        channels=(16, 32, 64),
        features=75,
        pictures=2400,
        body_epochs=5,
        body_batch=32,
        body_patience=6,
        epochs=17,
        rate=1e-2,
        patience=20,
        units=((5,), (10,), (20,), (50,), (10, 10), (10, 10, 5)),
    ),
    "full": Sizes(),
}


def sizes(profile: str) -> Sizes:
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


# ---------------------------------------------------------------- Table 2 and the data


@runs.once
def anchors() -> pd.DataFrame:
    """Table 2 as printed, in alphabetical order as in Figure 1: emotion (index), valence, arousal."""
    table = (
        papers.published("yin2022-t2")
        .pivot(index="emotion", columns="metric", values="value")
        .sort_index()
    )
    return table.rename(columns=str.lower)[["valence", "arousal"]]


NAMES = tuple(sorted(ADFES.values()))  # the order of `anchors`


@runs.once
def films(profile: str = "quick"):
    """ADFES where it is at hand, else its stand-in, drawn as large as the profile needs."""
    s = sizes(profile)
    world = datasets.load("adfes", profile=profile)
    return (
        world
        if world.source == "real"
        else datasets.load("adfes", source="simulated", profile=profile, size=s.drawn, span=s.span)
    )


@runs.once
def pictures(profile: str = "quick", source: str = ""):
    """FER2013 for pre-training: of the kind of the films, photographs for films and drawn faces for drawn films, or of the `source` named.

    Drawn pictures are made no more than the profile needs.
    """
    s, source = (
        sizes(profile),
        source or ("auto" if films(profile).source == "real" else "simulated"),
    )
    more = {} if s.pictures is None or source == "real" else {"count": s.pictures * 5 // 4}
    return datasets.load("fer2013", source=source, profile=profile, **more)


@runs.once
def people(profile: str) -> list[str]:
    """The models of ADFES in order."""
    return sorted(set(films(profile).subject))


@runs.once
def order(profile: str) -> np.ndarray:
    """Rows of `films` person by person: the order of every array of the study."""
    return np.concatenate([np.flatnonzero(films(profile).subject == p) for p in people(profile)])


@runs.once
def of_whom(profile: str) -> np.ndarray:
    """(N,) the person, 0, 1 ..., of each film in `order`."""
    return np.searchsorted(people(profile), films(profile).subject[order(profile)])


@runs.once
def truth(profile: str) -> np.ndarray:
    """(N,) the row in NAMES of each film in `order`."""
    return np.array([NAMES.index(ADFES[EMOTIONS[k]]) for k in films(profile).label[order(profile)]])


# ---------------------------------------------------------------- runs


@runs.once
def looks(profile: str) -> list[dict]:
    """One run per person: the faces of the last frames of all films."""
    s, data = sizes(profile), datasets.reference(films(profile))
    return [
        {
            "data": data,
            "clips": np.flatnonzero(films(profile).subject == p).tolist(),
            "last": LAST,
            "stride": s.stride,
            "side": s.side,
            "every": s.every,
        }
        for p in people(profile)
    ]


@runs.once
def bodies(profile: str) -> dict[str, dict]:
    """Arguments of each pre-training."""
    s = sizes(profile)
    table = anchors()
    aim = [table.loc[ADFES[e]].tolist() for e in EMOTIONS[:7]]  # FER2013's seven labels
    base = {
        "data": datasets.reference(pictures(profile)),
        "kind": "anchors",
        "anchors": aim,
        "side": s.side,
        "channels": list(s.channels),
        "features": s.features,
        "count": s.pictures,
        "epochs": s.body_epochs,
        "rate": s.body_rate,
        "batch": s.body_batch,
        "patience": s.body_patience,
        "seed": 0,
    }
    found = {ANCHORS: base, CLASSES: base | {"kind": "classes"}, NONE: base | {"kind": "untrained"}}
    if films(profile).source == "simulated" and profile == "full" and datasets.at_hand("fer2013"):
        found[PHOTOS] = base | {"data": datasets.reference(pictures(profile, "real"))}
    return found


def described(profile: str, body: str = ANCHORS) -> dict:
    """Arguments of the features that stand on one pre-training."""
    return {"looks": looks(profile), "cnn": bodies(profile)[body]}


@runs.once
def plan(profile: str) -> dict[str, dict]:
    """Every ensemble of recurrent networks by name: arguments for yin_walk.walk."""
    s, count = sizes(profile), len(people(profile))
    common = {
        "films": of_whom(profile).tolist(),
        "label": truth(profile).tolist(),
        "anchors": anchors().to_numpy().tolist(),
        "length": 10,
        "batch": 128,
        "epochs": s.epochs,
        "rate": s.rate,
        "patience": s.patience,
    }

    def ensemble(members, parts, body=ANCHORS, **more):
        seeds = list(range(len(parts))) * len(members)
        return (
            common
            | {
                "describe": described(profile, body),
                "sizes": [list(m) for m in members for _ in parts],
                "parts": parts * len(members),
                "seeds": seeds,
            }
            | more
        )

    random = [
        *yin_walk.rounds(count, s.rounds, safe=False),
        *yin_walk.rounds(count, s.rounds, safe=True),
    ]
    turns = {
        name: yin_walk.rotation(count, min(s.folds, count), safe=name == SAFE)
        for name in (PRINTED, SAFE)
    }
    grid = {
        name: ensemble([units], random, keep=[ROUND, s.rounds + ROUND])
        for name, units in MODELS.items()
    }
    half = len(turns[SAFE])
    grid["rotation, both splits"] = ensemble(
        [SMALL], [*turns[PRINTED], *turns[SAFE]], held=list(range(half, 2 * half))
    )
    for depth in sorted({len(u) for u in s.units}):  # sizes of one depth train side by side
        for part in _alike([u for u in s.units if len(u) == depth and u != SMALL]):
            grid[f"units {part}"] = ensemble(part, turns[SAFE])
    for length in s.lengths:
        if length != 10:
            grid[f"window {length}"] = ensemble(
                [SMALL], turns[SAFE], length=max(1, min(length, LAST // s.stride))
            )
    for body in bodies(profile):
        if body != ANCHORS:
            grid[f"body {body}"] = ensemble([SMALL], turns[SAFE], body)
    grid[BEFORE] = ensemble([SMALL], turns[SAFE], reset="before")
    return grid


def _alike(members: list) -> list[list]:
    """Sizes in groups whose widest layer is at most twice the narrowest: padding should not cost more than it saves."""
    groups: list[list] = []
    for units in sorted(members, key=max):
        if groups and max(units) <= 4 * max(groups[-1][0]):
            groups[-1].append(units)
        else:
            groups.append([units])
    return groups


@runs.once
def ground(profile: str, body: str) -> dict:
    """What every ensemble on one pre-training stands on, from the store or computed now; returns the pre-training's result."""
    runs.map(yin_faces.look, looks(profile), label="faces of the films")
    (trained,) = runs.map(yin_faces.pretrain, [bodies(profile)[body]], label="pre-training")
    runs.map(yin_faces.describe, [described(profile, body)], label="features")
    return trained


@runs.once
def results(profile: str, *names: str) -> list[dict]:
    """Results of the named ensembles, from the store or computed now, with what they stand on."""
    for body in dict.fromkeys(_body_of(profile, name) for name in names):
        ground(profile, body)
    return runs.map(
        yin_walk.walk, [plan(profile)[name] for name in names], label="recurrent networks"
    )


def _body_of(profile: str, name: str) -> str:
    return next(
        b for b, a in bodies(profile).items() if a == plan(profile)[name]["describe"]["cnn"]
    )


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet and say how large each part is."""
    grid = plan(profile)
    runs.map(yin_faces.look, looks(profile), label="faces of the films")
    runs.map(
        yin_faces.pretrain, list(bodies(profile).values()), label="pre-training"
    )  # these two side by side, not one by one
    runs.map(yin_faces.describe, [described(profile, b) for b in bodies(profile)], label="features")
    done = results(profile, *grid)
    return pd.DataFrame(
        [
            {
                "ensemble": name,
                "networks": len(a["parts"]),
                "parameters": " and ".join(map(str, dict.fromkeys(r["parameters"].tolist()))),
                "epochs": len(r["loss"]),
                "frames in a window": a["length"],
            }
            for (name, a), r in zip(grid.items(), done)
        ]
    )


def settled(profile: str, *names: str) -> bool:
    """Have the mean validation losses of these ensembles reached their plateau, and that of the CNN they stand on?"""
    from emolib.training.loop import plateaued

    curves = [r["validation"].mean(1) for r in results(profile, *names)]
    curves += [ground(profile, _body_of(profile, n))["validation"] for n in names]
    return all(plateaued(c) for c in curves if len(c))


def sources(profile: str) -> tuple:
    """The sets behind every number."""
    return films(profile), pictures(profile)


def caps(profile: str) -> dict:
    return asdict(sizes(profile))
