"""The grid of the speech networks: which trainings there are, their sizes and data (notebook 43).

Table 5.1 trains on 22 actors and reports on the other two, twelve times over. Here every training
of one pair and way is a run of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data import splits
from emolib.data.sim.clip_sets import RAVDESS
from emolib.features import speaker, spectra
from emolib.ground.containers import TableSet
from emolib.reproduction import papers, runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.shipped import trials
from emolib.reproduction.studies.speech import training
from emolib.reproduction.studies.speech.training import PAIRS, RANDOM

NT, T = "NT", "T"  # without and with time augmentation by random slicing, as Table 5.1 says it
SPEAKERS, SCRATCH = "from speakers", "from scratch"
PEOPLE = 200  # of VoxCeleb, where it is at hand
LEAKING = "random clips (leaking)"
CREMA = "crema_d_features"

SIX = tuple(f"A{a},{a + 1}" for a in range(1, 25, 4))  # every other pair of actors


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here.

    Printed: ResNet-18, window 512, hop 64, AdamW at 5e-5 halved after ten epochs; the rest is ours.
    """

    seeds: int = 1
    narrow: bool = False  # a stand-in that decides nothing about the full network
    width: int = 64  # channels after the stem
    hop_length: int = 64  # samples between two frames
    pool: int = 1  # neighbouring bins averaged
    seconds: float = 1.0  # of a segment
    overlap: float = 0.5  # of neighbouring segments
    each: int | None = None  # clips of an actor and emotion; None: all
    epochs: int = 40
    rate: float = 5e-5  # after the source task, as printed
    scratch_rate: float = 3e-4
    batch: int = 16  # clips
    plateau: int = 10
    patience: int = 15
    # pairs of SpecAugment, and without level; None: all
    some: tuple[str, ...] | None = SIX
    leaking: int = 6  # of twelve random parts
    speakers: str = "full"  # size of the simulated crowd
    speakers_each: int = 40  # clips of each
    speakers_epochs: int = 20
    speakers_rate: float = 1e-3
    functionals: int | None = None  # clips of an actor and emotion that eGeMAPS and a speaker
    # encoder are computed on
    crema_each: int | None = None  # rows of an actor and emotion of CREMA-D's features
    tuned_seeds: int = 3  # of the recipe of the network that ships, with and without slicing
    tuned_apart: int = 2  # actors left out together there


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
    tuned_seeds=1,
    tuned_apart=8,
)
QUICK = replace(
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
    crema_each=3,
    tuned_seeds=0,
)
SMOKE = replace(
    QUICK,
    width=2,
    each=1,
    epochs=2,
    speakers="smoke",
    speakers_each=5,
    speakers_epochs=1,
    crema_each=1,
)


@dataclass(frozen=True)
class Way:
    """One way to train: how clips are cut, whether parts are masked, whether how loud they were
    recorded stays, how the actors are divided."""

    slicing: str
    masks: bool = False
    level: bool = True
    protocol: str = PAIRS


class Study(runs.Study):
    """Notebook 43: the audio rows of Table 5.1, and what changes them."""

    SIZES = {"smoke": SMOKE, "quick": QUICK, "overnight": NARROW, "full": Sizes()}

    # ---- the data

    @part
    def speech(self):
        """RAVDESS, sound only, real where it is at hand."""
        return datasets.load("ravdess", modality="a", profile=self.profile)

    @part
    def voices(self):
        """Speakers to identify: people of VoxCeleb where it is at hand, simulated otherwise."""
        s = self.sizes
        return datasets.load("speakers", profile=s.speakers, people=PEOPLE, each=s.speakers_each)

    @part
    def used(self):
        """The clips that are used: all, or the first few of every actor and emotion."""
        return training.chosen(self.speech, self.sizes.each)

    @part
    def folds(self) -> tuple[str, ...]:
        """Names of the pairs that the clips at hand hold, in print's order."""
        known = splits.folds(PAIRS)
        return tuple(dict.fromkeys(known.fold[known.subject.isin(self.speech.subject)]))

    @property
    def sources(self) -> tuple:
        return (self.speech, self.voices) if self.start == SPEAKERS else (self.speech,)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.seeds))

    # ---- the plan

    @part
    def start(self) -> str:
        """Where weights come from: the source task where its voices are real, else from scratch.

        Table 5.1 starts from VoxCeleb. No row on real speech hangs on a simulated crowd.
        """
        real = self.speech.source == "real" and self.voices.source == "real"
        return SPEAKERS if real else SCRATCH

    def label(self, *words: str) -> str:
        """How a row names its network: 'narrow, from speakers'."""
        return ", ".join([*(["narrow"] if self.sizes.narrow else []), *words])

    def name(self, way: Way) -> str:
        """'T, from scratch' and so on."""
        words = [way.slicing, self.start, *(["SpecAugment"] if way.masks else [])]
        words += [] if way.level else ["level taken out"]
        return ", ".join([*words, *([LEAKING] if way.protocol == RANDOM else [])])

    @part
    def ways(self) -> dict[Way, tuple[str, ...]]:
        """Every way and the folds it is run on; the two rows of Table 5.1 stand on all pairs."""
        every, s = self.folds, self.sizes
        some = every
        if s.some is not None:
            some = tuple(f for f in s.some if f in every) or every[:1]
        leaking = tuple(str(k + 1) for k in range(s.leaking))
        other = {Way(T, masks=True): some, Way(T, level=False): some}
        return {Way(NT): every, Way(T): every} | other | {Way(T, protocol=RANDOM): leaking}

    @part
    def plan(self) -> dict[tuple[Way, str, int], dict]:
        """Every training: (way, fold, seed) -> arguments of training.run."""
        s, grid = self.sizes, {}
        same = ("width", "each", "hop_length", "pool", "seconds", "overlap", "epochs", "batch")
        common = {name: getattr(s, name) for name in (*same, "plateau", "patience")}
        common["data"] = datasets.reference(self.speech)
        begun = self.start == SPEAKERS
        # Pair by pair, so that a run cut short has whole pairs.
        for fold in dict.fromkeys(fold for folds in self.ways.values() for fold in folds):
            for way in [way for way, folds in self.ways.items() if fold in folds]:
                for seed in self.seeds:
                    grid[way, fold, seed] = common | {
                        "protocol": way.protocol,
                        "fold": fold,
                        "seed": seed,
                        "slicing": way.slicing == T,
                        "masks": way.masks,
                        "level": way.level,
                        "rate": s.rate if begun else s.scratch_rate,
                        "start": self.source_task(seed) if begun else None,
                    }
        return grid

    def source_task(self, seed: int) -> dict:
        """Arguments of training.identify: one network that tells speakers apart, for each seed."""
        s = self.sizes
        cut = {name: getattr(s, name) for name in ("width", "hop_length", "pool", "seconds")}
        steps = {"epochs": s.speakers_epochs, "rate": s.speakers_rate, "batch": 2 * s.batch}
        return {"data": datasets.reference(self.voices), "seed": seed} | cut | steps

    def functionals(self) -> list[dict]:
        """eGeMAPS of every actor; empty where the package is not installed."""
        grid = self.actors() if training.opensmile_at_hand() else []
        return runs.map(training.functionals, grid, label="eGeMAPS", host=True)

    def embeddings(self) -> list[dict]:
        """What a speaker encoder makes of every actor; empty where its weights are not here."""
        path, grid = speaker.weights(), []
        if path is not None:
            grid = self.actors(weights=speaker.fingerprint(path))
        return runs.map(training.embeddings, grid, label="speaker encoder")

    def actors(self, **more) -> list[dict]:
        """Arguments of a run for each actor of the clips that functionals are computed on."""
        common = {"data": datasets.reference(self.speech), "each": self.sizes.functionals} | more
        return [common | {"subject": str(name)} for name in np.unique(self.speech.subject)]

    def tuned(self, slicing: str) -> list[list[dict]]:
        """Seed by seed the results of a recipe that converges (studies.shipped), group by group;
        `slicing` alone differs between its two rows."""
        how = {"apart": self.sizes.tuned_apart, "stretched": slicing == T}
        seeds = range(self.sizes.tuned_seeds)
        return [trials.voice_trials(self.speech, seed=seed, **how) for seed in seeds]

    @part
    def crema(self) -> TableSet | None:
        """Features of CREMA-D's utterances, where they are at hand."""
        return datasets.load(CREMA) if datasets.at_hand(CREMA) else None

    @part
    def crema_stock(self) -> dict[str, dict]:
        """Classifier -> result of training.stock; none without the features."""
        if self.crema is None:
            return {}
        common = {"data": datasets.reference(self.crema), "each": self.sizes.crema_each}
        common["protocol"] = "crema_d-9"
        grid = [common | {"machine": name} for name in training.MACHINES]
        done = runs.map(training.stock, grid, label="CREMA-D", host=True)
        return dict(zip(training.MACHINES, done, strict=True))

    def train(self) -> pd.DataFrame:
        """Run whatever is not stored yet; what each way took, in epochs and accuracy."""
        s = self.sizes
        spectra.spectra(self.used, hop_length=s.hop_length, pool=s.pool)  # before processes ask
        rows = []
        if self.start == SPEAKERS:
            grid = [self.source_task(seed) for seed in self.seeds]
            crowd = runs.map(training.identify, grid, label="speakers")
            right = [r["right"][-1] for r in crowd]
            rows.append(
                ("speakers", s.seeds, s.speakers_epochs, np.mean(right), crowd[0]["chance"])
            )
        done = runs.map(training.run, list(self.plan.values()), label="speech")
        self.functionals()
        self.embeddings()
        for slicing in (NT, T):
            self.tuned(slicing)
        for way in self.ways:
            own = [r for (w, *_), r in zip(self.plan, done) if w == way]
            epochs = np.mean([len(r["loss"]) for r in own])
            right = np.mean([r["validation_right"][r["best_epoch"]] for r in own])
            rows.append((self.name(way), len(own), epochs, right, 1 / len(RAVDESS)))
        columns = ["trained", "folds", "epochs", "right in validation", "by chance"]
        return pd.DataFrame(rows, columns=columns).round(3)

    @held
    def results(self, way: Way) -> dict[str, list[dict]]:
        """Fold -> one result per seed of a way, from the store or computed now."""
        grid = {key: arguments for key, arguments in self.plan.items() if key[0] == way}
        results = {fold: [] for fold in self.ways[way]}
        done = runs.map(training.run, list(grid.values()), label="speech")
        for (_, fold, _), result in zip(grid, done):
            results[fold].append(result)
        return results


def printed(slicing: str) -> dict[str, float]:
    """Actors -> accuracy in per cent of the row AM (NT) or AM (T) of Table 5.1."""
    table = papers.published("chang2021-t5_1")
    row = table[(table.modality == "Audio Modality") & (table.time_augmentation == slicing)]
    return dict(zip(row.actors, row.value))
