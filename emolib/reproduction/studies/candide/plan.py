"""The grid of 'classic against neural' (notebook 40): who learns what from which pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from emolib import candide
from emolib import data as datasets
from emolib.ground.errors import EmolibError
from emolib.models import face_cnn
from emolib.reproduction import runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.candide import training
from emolib.reproduction.studies.candide.training import RAW, STANDARD, TRUTH

FOUR = ("angry", "happy", "neutral", "surprise")
SADNESS = ("sad", "happy", "neutral", "surprise")
MEASURED = ("angry", "happy", "neutral", "surprise", "sad")
SVMS, DNN, FEATURES = ("SSVM", "SVM (poly)"), "DNN*", ("AU", "FP68")
# The main rows, and what is changed in the others, each with the features it is changed for.
PRINTED, EXACT, SAD, KEEP = "as printed", "exact points", "with sadness", "keep 80 %"
VARIANTS = {
    EXACT: FEATURES,
    RAW: FEATURES,
    SAD: FEATURES,
    "without a neutral picture": ("AU",),
    "change from rest": ("AU",),
}
READ = {"without a neutral picture": "AU joint", "change from rest": "AU change"}
# Figures 2.8 to 2.10: hidden units, share of the training people, rate
OVER, UNDER, MIS = "over-fitting", "under-fitting", "misfitting"
LESSONS = {OVER: (128, 0.15, 3e-3), UNDER: (1, 1.0, 1e-3), MIS: (32, 1.0, 3e-3)}


@dataclass(frozen=True)
class Sizes:
    """What a profile costs. Layers, picture sizes and 30 repeats are printed; the rest is ours."""

    repeats: int = 30  # of the classifiers of numbers
    cnn_repeats: int = 30
    settings: int = 4  # each support vector machine may choose from
    tol: float = 1e-4  # of the SSVM's solver
    dense_epochs: int = 400
    dense_rate: float = 1e-3
    dense_batch: int = 32
    narrow: int = 1  # divides the channels of the convolutional networks
    cnn_epochs: int = 150
    cnn_rate: float = 1e-3
    cnn_batch: int = 32
    cnn_patience: int | None = 30
    bank: int | None = None  # augmented copies of each picture; None: fresh ones in every epoch
    side: int = 240  # pixels of the simulated pictures
    sequences: int = 593  # of simulated CK+
    models: int = 67  # of simulated RaFD
    yaws: tuple[int, ...] = (0, 45, 90, 135, 180)
    crowd: int = 400  # people behind the recovery of units
    dlib_crowd: int = 200  # of them seen by a detector
    turns: tuple[int, ...] = (0, 15, 30, 45)
    lesson_epochs: int = 300


SMALL = Sizes(cnn_repeats=1, cnn_patience=None, side=96, yaws=(45, 90, 135))
SIZES = {
    "smoke": replace(
        SMALL,
        repeats=2,
        settings=1,
        tol=1e-1,
        dense_epochs=6,
        dense_rate=1e-2,
        narrow=8,
        cnn_epochs=1,
        bank=1,
        sequences=60,
        models=5,
        crowd=12,
        dlib_crowd=6,
        turns=(0, 30),
        lesson_epochs=6,
    ),
    "quick": replace(
        SMALL,
        settings=2,
        tol=1e-2,
        dense_epochs=100,
        dense_rate=2e-2,
        dense_batch=64,
        narrow=4,
        cnn_epochs=3,
        cnn_rate=3e-3,
        cnn_batch=16,
        bank=2,
        sequences=280,
        models=28,
        crowd=200,
        dlib_crowd=20,
        turns=(0, 20, 40),
        lesson_epochs=150,
    ),
    "full": Sizes(),
}


@dataclass(frozen=True)
class Case:
    """Who learns from what; `variant` is PRINTED, a key of VARIANTS or KEEP."""

    classifier: str
    feature: str
    variant: str = PRINTED

    @property
    def emotions(self) -> list[str]:
        return list(SADNESS if self.variant == SAD else FOUR)


class Study(runs.Study):
    """Candide-3 and support vector machines against networks, from CK+ to RaFD."""

    SIZES = SIZES

    @held
    def pictured(self, name: str, source: str = "auto"):
        """'ckplus' or 'rafd', real where it is at hand unless `source` is 'simulated'."""
        s, own = self.sizes, {}
        if source == "simulated" or not datasets.at_hand(name):
            own = {"size": s.side, "emotions": list(MEASURED)}
            if name == "ckplus":
                own |= {"sequences": s.sequences, "length": 6}
            else:
                own |= {"models": s.models, "yaws": list(s.yaws), "gazes": ["frontal"]}
        return datasets.load(name, source=source, profile="full", **own)

    @property
    def sets(self) -> tuple:
        """CK+, which trains, and RaFD, which tests."""
        return self.pictured("ckplus"), self.pictured("rafd")

    @property
    def sources(self) -> tuple:
        """Pictures, the model that is fitted to them, and who finds its points."""
        looked_at = [pictures.source for pictures in self.sets]
        points = [training.input_of(name, *looked_at) for name in self.finders]
        return *self.sets, candide.load(), *points

    def learnt_from(self, *further) -> tuple:
        """The inputs of what CK+ alone has taught: its pictures, its points and `further` ones."""
        pictures = self.pictured("ckplus")
        return pictures, training.input_of(self.finders[0], pictures.source), *further

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.repeats))

    @part
    def finders(self) -> tuple[str, ...]:
        """Who finds points: the main one, and the truth where both sets are simulated."""
        simulated = {pictures.source for pictures in self.sets} == {"simulated"}
        main = training.finder()
        if main == TRUTH and not simulated:
            raise EmolibError(
                "real CK+ and RaFD need a detector of face points: pip install 'emolib[detectors]'"
            )
        return (main, TRUTH) if simulated and main != TRUTH else (main,)

    @held
    def measured(self, by: str) -> list[dict]:
        """Arguments of the runs that measure the training and the test pictures."""
        common = {"by": by, "made_with": training.fingerprint(by), "emotions": list(MEASURED)}
        common["model"] = candide.load().fingerprint
        return [common | {"data": datasets.reference(pictures)} for pictures in self.sets]

    @part
    def grid(self) -> dict[Case, tuple]:
        """Run function and arguments of each case: all repeats in one run, of a CNN one a run."""
        grid = {}
        for name in face_cnn.CNNS:
            repeats = range(self.sizes.cnn_repeats)
            grid[Case(name, "image")] = training.cnn, [self._cnn(name, r) for r in repeats]
        for variant, features in {PRINTED: FEATURES, **VARIANTS}.items():
            if variant == EXACT and len(self.finders) == 1:
                continue
            for feature, name in product(features, (*SVMS, DNN)):
                case = Case(name, feature, variant)
                grid[case] = self._numbers(case)
        case = Case(DNN, "FP68", KEEP)
        return grid | {case: self._numbers(case)}

    def _numbers(self, case: Case) -> tuple:
        s = self.sizes
        common = {"task": self.task(case), "repeats": list(self.seeds)}
        if case.classifier != DNN:
            how = {"classifier": case.classifier, "settings_each": s.settings, "tol": s.tol}
            return training.machines, [common | how]
        how = {"epochs": s.dense_epochs, "rate": s.dense_rate, "batch": s.dense_batch}
        how["reading"] = "keep" if case.variant == KEEP else "drop"
        return training.dense, [common | how]

    def task(self, case: Case) -> dict:
        """What a classifier of numbers learns: arguments of training.numbers."""
        train, test = self.measured(TRUTH if case.variant == EXACT else self.finders[0])
        return {
            "train": train,
            "test": test,
            "feature": READ.get(case.variant, case.feature),
            "scaling": RAW if case.variant == RAW else STANDARD,
            "emotions": case.emotions,
        }

    def _cnn(self, network: str, repeat: int) -> dict:
        s = self.sizes
        train, test = self.measured(self.finders[0])
        return {
            "train": train,
            "test": test,
            "network": network,
            "narrow": s.narrow,
            "emotions": list(FOUR),
            "repeat": repeat,
            "epochs": s.cnn_epochs,
            "rate": s.cnn_rate,
            "batch": s.cnn_batch,
            "bank": s.bank,
            "patience": s.cnn_patience,
            "keep_weights": repeat == 0 and network == "CNN-1 50x50x1",
        }

    @part
    def results(self) -> dict[Case, dict]:
        """What was named: train (R, N), test (R, M), part (R, N), validation (R,)."""
        sides = [side for by in self.finders for side in self.measured(by)]
        runs.map(training.measure, sides, label="faces measured", host=True)
        results = {}
        for function in (training.cnn, training.machines, training.dense):
            cases = {c: jobs for c, (its, jobs) in self.grid.items() if its is function}
            jobs = [job for listed in cases.values() for job in listed]
            host = function is training.machines  # scikit-learn's
            made = iter(runs.map(function, jobs, label=function.__name__, host=host))
            for case, listed in cases.items():
                results[case] = _joined([next(made) for _ in listed])
        return {case: results[case] for case in self.grid}

    @part
    def lessons(self) -> dict[str, dict]:
        """Curves of the three kinds of fit."""
        task = self.task(Case(DNN, "FP68"))
        jobs = []
        for hidden, share, rate in LESSONS.values():
            how = {"hidden": hidden, "share": share, "rate": rate}
            jobs.append(how | {"task": task, "epochs": self.sizes.lesson_epochs})
        return dict(zip(LESSONS, runs.map(training.lesson, jobs, jobs=1, host=True)))

    def train(self) -> tuple:
        """Run whatever is not stored yet."""
        return self.results, self.lessons


def _joined(made: list[dict]) -> dict:
    """The results of several runs as one."""
    joined = {"settled": all(result["settled"] for result in made)}
    for name in ("train", "test", "part", "validation"):
        joined[name] = np.concatenate([result[name] for result in made])
    return made[0] | joined
