"""What is trained for yin2022 (notebook 30): whose faces, which networks, in which rounds."""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data.sim.clip_sets import ADFES, POSED
from emolib.features import greyface
from emolib.models.path import DEEP, SMALL
from emolib.reproduction import papers, runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.adfes import training
from emolib.training import plateaued

PRINTED, SAFE = SPLITS = "as printed", "twin-safe"
NAME = "CNN+RNN(10)"  # what the figures show
MODELS = {NAME: SMALL, "CNN+RNN(10, 10, 5)": DEEP}
TUNED = f"{NAME}, CNN fine-tuned"  # the others leave the CNN as pre-training made it
ROTATION = "rotation, both splits"
ROUND = 1  # "round 2" of Figure 4, counted from 0
LAST = 50  # frames of a film that are labelled and used (4.5, step 6)
NAMES = tuple(sorted(ADFES.values()))  # the order of `anchors`


@dataclass(frozen=True)
class Sizes:
    """Printed: the last 50 frames, windows of 10, batches of 128, at most 100 epochs, 5 runs."""

    rounds: int = 5
    folds: int = 11  # of the rotation in which every speaker is tested once
    drawn: int = 192  # pixels a simulated film is drawn at, and how close its camera is
    span: float = 1.0
    overlap: float = POSED.overlap  # how alike simulated emotions are
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
    tuned_frames: int = LAST  # of each film in an epoch of the fine-tuned CNN
    tuned_epochs: int = 100
    tuned_rate: float = 3e-4
    length: int = 10  # frames in a window
    epochs: int = 100
    rate: float = 3e-3
    patience: int = 25
    units: tuple[tuple[int, ...], ...] = (
        *((5,), (10,), (20,), (50,), (100,), (10, 10), (50, 50)),
        *((10, 10, 5), (50, 50, 25), (100, 100, 50)),
    )


QUICK = Sizes(
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
    tuned_frames=1,
    tuned_epochs=4,
    tuned_rate=1e-3,
    epochs=17,
    rate=1e-2,
    patience=20,
    units=((5,), (10,), (20,), (50,), (10, 10), (10, 10, 5)),
)
OVERNIGHT = replace(
    QUICK,
    drawn=60,
    side=48,
    stride=1,
    every=10,
    channels=(32, 64, 128),
    features=150,
    pictures=10_000,
    body_epochs=15,
    body_batch=64,
    tuned_frames=5,
    tuned_epochs=15,
    epochs=60,
    rate=5e-3,
    units=Sizes().units,
)
SMOKE = replace(
    QUICK,
    rounds=2,
    folds=4,
    side=16,
    stride=5,
    channels=(4, 8, 12),
    features=16,
    pictures=200,
    body_epochs=2,
    body_rate=3e-3,
    body_patience=5,
    tuned_frames=1,
    tuned_epochs=2,
    epochs=4,
    patience=10,
    units=((5,), (10,), (10, 10, 5)),
)


@functools.cache
def anchors() -> pd.DataFrame:
    """Table 2 as printed, in the order of Figure 1: emotion (index), valence, arousal."""
    table = papers.published("yin2022-t2").pivot(index="emotion", columns="metric", values="value")
    return table.sort_index().rename(columns=str.lower)[["valence", "arousal"]]


class Study(runs.Study):
    """Notebook 30. Films are person by person, in the order `order`."""

    SIZES = {"smoke": SMOKE, "quick": QUICK, "overnight": OVERNIGHT, "full": Sizes()}

    @property
    def sources(self) -> tuple:
        return self.films, self.pictures

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.rounds))

    def load(self, **drawn):
        """ADFES where it is at hand, else its stand-in, drawn as told."""
        dials = replace(POSED, overlap=self.sizes.overlap)
        return datasets.load("adfes", profile=self.profile, dials=dials, **drawn)

    @part
    def films(self):
        return self.load(size=self.sizes.drawn, span=self.sizes.span)

    @part
    def pictures(self):
        """FER2013: photographs for real films, else as many drawn faces as the profile needs."""
        source = "auto" if self.films.source == "real" else "simulated"
        count = self.sizes.pictures
        drawn = {} if count is None else {"count": count * 5 // 4}
        return datasets.load("fer2013", source=source, profile=self.profile, **drawn)

    @part
    def people(self) -> list[str]:
        return sorted(set(self.films.subject))

    @part
    def order(self) -> np.ndarray:
        """(N,) rows of `films` person by person."""
        return np.argsort(self.films.subject, kind="stable")

    @part
    def person(self) -> np.ndarray:
        """(N,) the person, 0, 1 ..., of each film."""
        return np.searchsorted(self.people, self.films.subject[self.order])

    @part
    def truth(self) -> np.ndarray:
        """(N,) the row in NAMES of each film."""
        return np.array([NAMES.index(ADFES[EMOTIONS[k]]) for k in self.films.label[self.order]])

    # ------------------------------------------------------------ arguments of runs

    def faces(self, clips: np.ndarray, last: int | None = LAST) -> dict:
        """Arguments of training.look for these films."""
        sizes, data = self.sizes, datasets.reference(self.films)
        how = {"stride": sizes.stride, "side": sizes.side, "every": sizes.every}
        return {"data": data, "clips": clips.tolist(), "last": last, **how}

    @part
    def features(self) -> dict:
        """Arguments of training.describe: one run per person looks for faces."""
        sizes = self.sizes
        cnn = {
            "data": datasets.reference(self.pictures),
            "anchors": anchors().loc[[ADFES[name] for name in EMOTIONS[:7]]].to_numpy().tolist(),
            "side": sizes.side,
            "channels": sizes.channels,
            "features": sizes.features,
            "count": sizes.pictures,
            "epochs": sizes.body_epochs,
            "rate": sizes.body_rate,
            "batch": sizes.body_batch,
            "patience": sizes.body_patience,
        }
        clips = [np.flatnonzero(self.films.subject == person) for person in self.people]
        return {"looks": [self.faces(own) for own in clips], "cnn": cnn}

    def tuned(self, letters: str, seed: int) -> dict:
        """Arguments of training.describe by a CNN fine-tuned on the speakers of a round."""
        sizes = self.sizes
        cnn = self.features | {
            "people": self.person.tolist(),
            "points": anchors().to_numpy()[self.truth].tolist(),
            "part": letters,
            "seed": seed,
            "frames": sizes.tuned_frames,
            "epochs": sizes.tuned_epochs,
            "rate": sizes.tuned_rate,
            "batch": sizes.body_batch,
            "patience": sizes.body_patience,
        }
        return {"looks": self.features["looks"], "cnn": cnn}

    @part
    def turns(self) -> dict[str, list[str]]:
        """The rounds of the rotation under each split."""
        people = len(self.people)
        folds = min(self.sizes.folds, people)
        return {split: rotation(people, folds, safe=split == SAFE) for split in SPLITS}

    @part
    def grid(self) -> dict[str, dict]:
        """Every ensemble of recurrent networks by name: arguments of training.walk."""
        sizes, people = self.sizes, len(self.people)
        common = {
            "features": self.features,
            "people": self.person.tolist(),
            "points": anchors().to_numpy()[self.truth].tolist(),
            "length": min(sizes.length, LAST // sizes.stride),
            "batch": 128,
            "epochs": sizes.epochs,
            "rate": sizes.rate,
            "patience": sizes.patience,
        }

        def ensemble(members, parts):
            return common | {
                "sizes": [units for units in members for _ in parts],
                "parts": parts * len(members),
                "seeds": list(range(len(parts))) * len(members),
            }

        random = sum([rounds(people, sizes.rounds, safe=safe) for safe in (False, True)], [])
        grid = {name: ensemble([units], random) for name, units in MODELS.items()}
        for seed, letters in enumerate(random):  # a CNN of its own each: an ensemble of one
            alone = {"features": self.tuned(letters, seed), "seeds": [seed]}
            grid[f"{TUNED}, {seed}"] = ensemble([SMALL], [letters]) | alone
        grid[ROTATION] = ensemble([SMALL], sum(self.turns.values(), []))
        for members in alike([units for units in sizes.units if units != SMALL]):
            grid[f"units {members}"] = ensemble(members, self.turns[SAFE])
        return grid

    def members(self, split: str) -> range:
        """Where the rounds of a split stand in the ensembles of Table 3."""
        first = SPLITS.index(split) * self.sizes.rounds
        return range(first, first + self.sizes.rounds)

    @part
    def rotations(self) -> dict[str, tuple[str, range]]:
        """Units, '(10)', -> the ensemble and the members that are its twin-safe rotation."""
        turns = len(self.turns[SAFE])
        members = {SMALL: (ROTATION, range(turns, 2 * turns))}
        names = list(self.grid)
        for name in names[names.index(ROTATION) + 1 :]:
            units = self.grid[name]["sizes"]
            for first in range(0, len(units), turns):
                members[units[first]] = name, range(first, first + turns)
        ordered = sorted(members, key=lambda units: (len(units), units))
        return {f"({', '.join(map(str, units))})": members[units] for units in ordered}

    # ------------------------------------------------------------ results

    @held
    def trained(self) -> dict:
        """The result of the pre-training, and in the store what every ensemble stands on."""
        runs.map(training.look, self.features["looks"], label="faces of the films", host=True)
        (cnn,) = runs.map(training.pretrain, [self.features["cnn"]], label="pre-training")
        fed = {str(networks["features"]): networks["features"] for networks in self.grid.values()}
        tuned = [one["cnn"] for one in fed.values() if "part" in one["cnn"]]
        runs.map(training.fine_tune, tuned, label="fine-tuning")
        runs.map(training.describe, list(fed.values()), label="features")
        return cnn

    def results(self, names) -> list[dict]:
        """Results of these ensembles, from the store or computed now."""
        self.trained()
        networks = [self.grid[name] for name in names]
        return runs.map(training.walk, networks, label="recurrent networks")

    @held
    def result(self, name: str) -> dict:
        return self.results([name])[0]

    def train(self) -> pd.DataFrame:
        """Run whatever is not stored yet and say how large each part is."""
        rows = []
        for (name, networks), result in zip(self.grid.items(), self.results(self.grid)):
            sizes = dict.fromkeys(result["parameters"].tolist())
            row = {"ensemble": name, "networks": len(networks["parts"])}
            row |= {"parameters": " and ".join(map(str, sizes)), "epochs": len(result["loss"])}
            rows.append(row)
        return pd.DataFrame(rows)

    def settled(self, *names: str) -> bool:
        """Have the validation losses of the CNN and of these ensembles reached their plateau?"""
        curves = [self.result(name)["validation"].mean(1) for name in names]
        return all(plateaued(curve) for curve in [*curves, self.trained()["validation"]])

    def network(self) -> dict:
        """Fields of cli.trace.Network: CNN+RNN(10) of the twin-safe round 2, trained if need be."""
        networks = self.grid[NAME]
        if not runs.stored(training.walk, networks):
            print(
                f"emolib: notebook 30 has not run at {self.profile} yet; training its network "
                "once, under a minute at quick",
                file=sys.stderr,
            )
        return {
            "prepare": partial(greyface.prepared, side=self.sizes.side),
            "describe": training.describer(self.trained()),
            "net": training.alone(networks, self.result(NAME), self.members(SAFE)[ROUND]),
            "length": networks["length"],
            "pace": self.films.fps / self.sizes.stride,
            "anchors": anchors(),
            "about": f"{NAME}, {SAFE}, {self.profile}, trained on {self.films.source} films",
        }


# ---------------------------------------------------------------- who is on which side


def rounds(people: int, count: int, *, safe: bool) -> list[str]:
    """`count` random rounds of 32 : 8 : 4 speakers (8 : 2 : 1).

    safe   False: as printed, speakers are shuffled, so that a person and the mirror image may be
           on two sides; True: people are
    """
    return [_dealt(people, [30, 0, safe, turn], safe) for turn in range(count)]


def rotation(people: int, folds: int, *, safe: bool) -> list[str]:
    """`folds` rounds of one shuffle whose test parts cover every speaker once."""
    return [_dealt(people, [31, 0, safe], safe, turn, folds) for turn in range(folds)]


def _dealt(people: int, seed: list[int], safe: bool, turn: int = 0, folds: int = 11) -> str:
    """A round of one shuffle: the fold `turn` is tested, those after it decide."""
    units = people if safe else 2 * people
    fold = np.empty(units, int)
    shuffled = np.random.default_rng(seed).permutation(units)
    fold[shuffled] = np.arange(units) * folds // units  # of equal size, give or take one
    after = (fold - turn) % folds
    letters = np.full(units, "t")
    letters[after == 0] = "x"
    letters[np.isin(after, (1, 2) if folds >= 8 else (1,))] = "v"
    return "".join(np.tile(letters, 2) if safe else letters)


def alike(members: list[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    """Sizes in groups of one depth and like width: padding should not cost more than it saves."""
    groups: list[list] = []
    for units in sorted(members, key=lambda units: (len(units), max(units))):
        first = groups[-1][0] if groups else ()
        if len(first) == len(units) and max(units) <= 4 * max(first):
            groups[-1].append(units)
        else:
            groups.append([units])
    return groups
