"""What is trained for section 4.4 of chang2021, how large each profile is, and on what films (notebook 42)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data.files import Damaged
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import runs
from emolib.reproduction.studies.video import streaming_networks as networks


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. Printed: ResNet-18, LSTM, 224 pixels, AdamW at 5e-5; the rest is ours."""

    seeds: int = 1
    actors: int = 24  # of the simulated set
    narrow: bool = False
    width: int = 64
    each: int | None = (
        2  # strong films of an actor and emotion (neutral has one strength); None: all
    )
    frames: int = 25  # of a film that are looked at, spread evenly
    draw: int = 256  # pixels of a simulated film
    side: int = 224  # pixels of a face
    folds: tuple[str, ...] = (
        "A1,2",
        "A3,4",
        "A5,6",
        "A7,8",
        "A9,10",
        "A11,12",
        "A13,14",
        "A15,16",
        "A17,18",
        "A19,20",
        "A21,22",
        "A23,24",
    )
    pictures: int = 35_887  # of FER2013's kind, where they are simulated
    picture_epochs: int = 30
    picture_rate: float = 1e-3
    picture_batch: int = 128
    epochs: int = 30  # frame by frame
    rate: float = 5e-5
    batch: int = 4  # films
    memory_epochs: int = 30
    memory_rate: float = 5e-5
    together: bool = True  # extractor and LSTM


SIZES = {
    "smoke": Sizes(
        actors=6,
        narrow=True,
        width=2,
        each=1,
        frames=8,
        draw=48,
        side=32,
        folds=("A1,2",),
        pictures=300,
        picture_epochs=1,
        epochs=2,
        rate=2e-3,
        memory_epochs=2,
        memory_rate=1e-3,
        together=False,
    ),
    "quick": Sizes(
        actors=12,
        narrow=True,
        width=8,
        each=1,
        frames=12,
        draw=64,
        side=48,
        folds=("A1,2", "A9,10"),
        pictures=2400,
        picture_epochs=11,
        picture_rate=3e-3,
        picture_batch=64,
        epochs=20,
        batch=8,
        rate=3e-3,
        memory_epochs=20,
        memory_rate=1e-3,
        together=False,
    ),
    "full": Sizes(),
}


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


def protocol(profile: str) -> str:
    """How rows name their network."""
    return "narrow, extractor at rest" if sizes(profile).narrow else "extractor and LSTM together"


@runs.once
def films(profile: str = "quick"):
    """RAVDESS with pictures: real films where they are at hand (the set's sound alone is not enough), simulated ones otherwise."""
    if datasets.at_hand("ravdess"):
        try:
            return datasets.load("ravdess", source="real", modality="v")
        except Damaged:
            raise
        except EmolibError:  # sound only
            pass
    return _simulated(profile)


@runs.once
def silent(profile: str = "quick"):
    """The same simulated films with mouths that do not speak; None for real films."""
    return _simulated(profile, talks=False) if films(profile).source == "simulated" else None


def _simulated(profile: str, talks: bool = True):
    s = sizes(profile)
    return datasets.load(
        "ravdess",
        source="simulated",
        modality="v",
        actors=s.actors,
        size=s.draw,
        talks=talks,
        profile=profile,
    )


@runs.once
def pictures(profile: str = "quick"):
    """What the extractor learns expressions from: FER2013 for real films, its simulated stand-in for simulated ones."""
    s = sizes(profile)
    if films(profile).source == "real":
        return datasets.load("fer2013", profile=profile)
    return datasets.load("fer2013", source="simulated", profile=profile, count=s.pictures)


def source_task(profile: str, seed: int) -> dict:
    """Arguments of streaming_networks.expressions."""
    s = sizes(profile)
    return {
        "data": datasets.reference(pictures(profile)),
        "seed": seed,
        "width": s.width,
        "side": s.side,
        "epochs": s.picture_epochs,
        "rate": s.picture_rate,
        "batch": s.picture_batch,
    }


@runs.once
def plan(profile: str) -> dict[tuple[str, int], dict]:
    """Every training: (fold, seed) -> arguments of streaming_networks.run."""
    s, still = sizes(profile), silent(profile)
    common = {
        "data": datasets.reference(films(profile)),
        "silent": datasets.reference(still) if still is not None else "",
        "width": s.width,
        "each": s.each,
        "frames": s.frames,
        "side": s.side,
        "epochs": s.epochs,
        "rate": s.rate,
        "batch": s.batch,
        "memory_epochs": s.memory_epochs,
        "memory_rate": s.memory_rate,
        "together": s.together,
    }
    return {
        (fold, seed): common | {"fold": fold, "seed": seed, "source": source_task(profile, seed)}
        for fold in s.folds
        for seed in range(s.seeds)
    }


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet; one row per fold: losses first and last."""
    s = sizes(profile)
    first = [{"learn": source_task(profile, seed)} for seed in range(s.seeds)]
    cuts = [(films(profile), "")] + [
        (silent(profile), fold) for fold in s.folds if silent(profile) is not None
    ]
    first += [
        {
            "cut": {
                "data": datasets.reference(d),
                "each": s.each,
                "frames": s.frames,
                "side": s.side,
                "fold": fold,
            }
        }
        for d, fold in cuts
    ]
    runs.map(
        networks.beforehand, first, label="faces and expressions"
    )  # before several processes ask for them
    named = runs.map(
        networks.expressions,
        [source_task(profile, seed) for seed in range(s.seeds)],
        label="expressions",
    )
    rows = [
        {
            "tested": fold,
            "pictures named rightly": float(np.mean([r["right"].max() for r in named])),
            "films": len(r["truth"]),
            "frames, loss": r["loss"][-1],
            "frames, validation": r["validation"].min(),
            "memory, loss": r["memory_loss"][-1],
            "memory, validation": r["memory_validation"].min(),
        }
        for (fold, _), r in results(profile).items()
    ]
    return pd.DataFrame(rows).round(3)


@runs.once
def results(profile: str) -> dict[tuple[str, int], dict]:
    """(fold, seed) -> result, from the store or computed now."""
    grid = plan(profile)
    return dict(
        zip(grid, runs.map(networks.run, list(grid.values()), label="streaming"), strict=True)
    )
