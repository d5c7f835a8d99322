"""The grid of the speech networks: which trainings there are, how large each profile is, and on what data (notebook 43).

Table 5.1 trains on 22 actors and reports on the other two, twelve times over. Here every training of one pair, start and way of
slicing is a run of its own; `results` hands them out by name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data import splits
from emolib.data.sim.clip_sets import RAVDESS
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.reproduction import papers, runs
from emolib.reproduction.studies.speech import speech_functionals as functionals
from emolib.reproduction.studies.speech import speech_networks as networks
from emolib.reproduction.studies.speech.speech_networks import PAIRS, RANDOM

NT, T = "NT", "T"  # without and with time augmentation by random slicing, as Table 5.1 says it
SPEAKERS, SCRATCH = "from speakers", "from scratch"
PEOPLE = 200  # of VoxCeleb, where it is at hand
MASKED, LEAKING = "SpecAugment", "random clips (leaking)"


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. Printed: ResNet-18, 16 kHz, window 512, hop 64, AdamW at 5e-5 halved after ten epochs; the rest is ours."""

    seeds: int = 1
    narrow: bool = False  # a stand-in that decides nothing about the full network
    width: int = 64  # channels after the stem
    hop_length: int = 64  # samples between two frames
    pool: int = 1  # neighbouring bins averaged
    seconds: float = 1.0
    overlap: float = 0.5
    each: int | None = None  # clips of an actor and emotion; None: all
    epochs: int = 60
    rate: float = 5e-5  # after the source task, as printed
    scratch_rate: float = 3e-4
    batch: int = 16  # clips
    plateau: int = 10
    patience: int = 25
    some: tuple[str, ...] | None = (
        None  # pairs on which the other start and SpecAugment are run; None: all
    )
    leaking: int = 12  # of twelve random parts
    speakers: str = (
        "full"  # size of the simulated crowd; where VoxCeleb is at hand, its first 200 people
    )
    speakers_each: int = 40  # clips of each
    speakers_epochs: int = 20
    speakers_rate: float = 1e-3
    functionals: int | None = None  # clips of an actor and emotion that eGeMAPS is computed on


NARROW = Sizes(
    narrow=True,
    width=8,
    hop_length=256,
    pool=4,
    epochs=20,
    rate=3e-3,
    scratch_rate=3e-3,
    plateau=4,
    patience=20,
    some=("A1,2", "A9,10", "A17,18"),
    leaking=2,
    speakers="quick",
    speakers_each=12,
    speakers_epochs=8,
)
SIZES = {
    "smoke": replace(
        NARROW,
        width=2,
        hop_length=512,
        pool=8,
        overlap=0.0,
        each=1,
        epochs=2,
        some=("A1,2",),
        leaking=1,
        speakers="smoke",
        speakers_each=5,
        speakers_epochs=1,
        functionals=1,
    ),
    "quick": replace(
        NARROW,
        width=4,
        hop_length=512,
        pool=8,
        overlap=0.0,
        each=2,
        epochs=6,
        some=("A1,2",),
        leaking=1,
        speakers_each=6,
        speakers_epochs=4,
        functionals=1,
    ),
    "full": Sizes(),
}


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; `full` without a GPU is the largest that a processor trains in an hour or two, and says so in every row."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return NARROW if profile == "full" and settings.device() == "cpu" else SIZES[profile]


@runs.once
def starts(profile: str) -> tuple[str, str]:
    """Where weights come from; the first is behind the main rows: the source task where its voices are real, else from scratch.

    Table 5.1 starts from VoxCeleb. A simulated crowd in its place is a comparison of its own: no row on real speech hangs on it.
    """
    return (
        (SPEAKERS, SCRATCH)
        if voices(profile).source == speech(profile).source == "real"
        else (SCRATCH, SPEAKERS)
    )


def label(profile: str, start: str, *more: str) -> str:
    """How a row names its network: 'narrow, from speakers'."""
    return ", ".join([*(["narrow"] if sizes(profile).narrow else []), start, *more])


@dataclass(frozen=True)
class Way:
    """One way to train: how the clips are cut, where the weights come from, what is masked, how the actors are divided."""

    slicing: str
    start: str
    masks: bool = False
    protocol: str = PAIRS

    @property
    def name(self) -> str:
        """'T, from scratch' and so on."""
        return ", ".join(
            [
                self.slicing,
                self.start,
                *([MASKED] if self.masks else []),
                *([LEAKING] if self.protocol == RANDOM else []),
            ]
        )


def ways(profile: str) -> dict[Way, tuple[str, ...]]:
    """Every way and the folds it is run on; the two rows of Table 5.1 come first and stand on all pairs."""
    s, every = sizes(profile), folds(profile)
    main, *others = starts(profile)
    some = every if s.some is None else tuple(f for f in s.some if f in every) or every[:1]
    grid = {Way(NT, main): every, Way(T, main): every}
    grid |= {Way(slicing, start): some for start in others for slicing in (NT, T)}
    return grid | {
        Way(T, main, masks=True): some,
        Way(T, main, protocol=RANDOM): tuple(str(k + 1) for k in range(s.leaking)),
    }


@runs.once
def folds(profile: str) -> tuple[str, ...]:
    """Names of the pairs that the clips at hand hold, in print's order."""
    data = speech(profile)
    known = splits.folds(PAIRS)
    return tuple(
        f
        for f in dict.fromkeys(known.fold)
        if known.subject[known.fold == f].isin(data.subject).any()
    )


@runs.once
def plan(profile: str) -> dict[tuple[Way, str, int], dict]:
    """Every training: (way, fold, seed) -> arguments of speech_networks.run."""
    s = sizes(profile)
    common = {
        "data": datasets.reference(speech(profile)),
        "width": s.width,
        "each": s.each,
        "hop_length": s.hop_length,
        "pool": s.pool,
        "seconds": s.seconds,
        "overlap": s.overlap,
        "epochs": s.epochs,
        "batch": s.batch,
        "plateau": s.plateau,
        "patience": s.patience,
    }
    every = list(
        dict.fromkeys(fold for names in ways(profile).values() for fold in names)
    )  # pair by pair, so that a run cut short has whole pairs
    return {
        (way, fold, seed): common
        | {
            "protocol": way.protocol,
            "fold": fold,
            "seed": seed,
            "slicing": way.slicing == T,
            "masks": way.masks,
            "rate": s.rate if way.start == SPEAKERS else s.scratch_rate,
            "start": source_task(profile, seed) if way.start == SPEAKERS else None,
        }
        for fold in every
        for way, names in ways(profile).items()
        if fold in names
        for seed in range(s.seeds)
    }


def source_task(profile: str, seed: int) -> dict:
    """Arguments of speech_networks.identify: one network that tells speakers apart, for each seed."""
    s = sizes(profile)
    return {
        "data": datasets.reference(voices(profile)),
        "seed": seed,
        "width": s.width,
        "hop_length": s.hop_length,
        "pool": s.pool,
        "seconds": s.seconds,
        "epochs": s.speakers_epochs,
        "rate": s.speakers_rate,
        "batch": 2 * s.batch,
    }


def heard(profile: str) -> list[dict]:
    """Arguments of speech_functionals.functionals, actor by actor; empty where the package is not installed."""
    if not functionals.at_hand():
        return []
    data, s = speech(profile), sizes(profile)
    return [
        {"data": datasets.reference(data), "subject": str(name), "each": s.functionals}
        for name in np.unique(data.subject)
    ]


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet: speakers first, then emotions, then eGeMAPS. Returns what each way took, in epochs and accuracy."""
    s, grid = sizes(profile), plan(profile)
    networks.prepare(datasets.reference(speech(profile)), s.each, s.hop_length, s.pool)
    named = runs.map(
        networks.identify, [source_task(profile, seed) for seed in range(s.seeds)], label="speakers"
    )
    done = dict(zip(grid, runs.map(networks.run, list(grid.values()), label="speech"), strict=True))
    runs.map(functionals.functionals, heard(profile), label="eGeMAPS")
    rows = [
        {
            "trained": "speakers",
            "folds": s.seeds,
            "epochs": float(s.speakers_epochs),
            "right in validation": float(np.mean([r["right"][-1] for r in named])),
            "by chance": named[0]["chance"],
        }
    ]
    for way in ways(profile):
        mine = [r for (w, _, _), r in done.items() if w == way]
        rows.append(
            {
                "trained": way.name,
                "folds": len(mine),
                "epochs": float(np.mean([len(r["loss"]) for r in mine])),
                "right in validation": float(
                    np.mean([r["validation_right"][r["best_epoch"]] for r in mine])
                ),
                "by chance": 1 / len(RAVDESS),
            }
        )
    return pd.DataFrame(rows).round(3)


@runs.once
def results(profile: str, way: Way) -> dict[str, list[dict]]:
    """Fold -> one result per seed of a way, from the store or computed now."""
    grid = {key: arguments for key, arguments in plan(profile).items() if key[0] == way}
    done = dict(zip(grid, runs.map(networks.run, list(grid.values()), label="speech"), strict=True))
    return {fold: [r for (_, f, _), r in done.items() if f == fold] for fold in ways(profile)[way]}


# ---------------------------------------------------------------- the data


@runs.once
def speech(profile: str = "quick"):
    """RAVDESS, sound only, real where it is at hand."""
    return datasets.load("ravdess", modality="a", profile=profile)


@runs.once
def voices(profile: str = "quick"):
    """Speakers to identify: people of VoxCeleb where it is at hand, simulated voices otherwise."""
    s = sizes(profile)
    return datasets.load("speakers", profile=s.speakers, people=PEOPLE, each=s.speakers_each)


@runs.once
def used(profile: str):
    """The clips that are used: all, or the first few of every actor and emotion."""
    return networks.chosen(speech(profile), sizes(profile).each)


def printed(slicing: str) -> dict[str, float]:
    """Actors -> accuracy in per cent of the row AM (NT) or AM (T) of Table 5.1."""
    table = papers.published("chang2021-t5_1")
    row = table[(table.modality == "Audio Modality") & (table.time_augmentation == slicing)]
    return dict(zip(row.actors, row.value, strict=True))
