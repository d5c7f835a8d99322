"""The grid of 'classic against neural' (notebook 40): who learns what from which pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np

from emolib import candide
from emolib import data as datasets
from emolib.ground.errors import EmolibError
from emolib.models import face_cnn
from emolib.reproduction import runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.candide import training
from emolib.reproduction.studies.candide.training import COPIED, LOGISTIC, RAW, STANDARD, TRUTH

FOUR = ("angry", "happy", "neutral", "surprise")
SHARED = ("angry", "happy", "sad", "surprise")  # of CK+'s copies, without neutral, and JAFFE
SVMS, DNN, FEATURES, CODED = ("SSVM", "SVM (poly)"), "DNN*", ("AU", "FP68"), "FACS"
# The main rows, and what is changed in the others, each with the features it is changed for.
PRINTED, EXACT, KEEP = "as printed", "exact points", "keep 80 %"
JOINT, CHANGE, OWN = "without a neutral picture", "change from rest", "JAFFE's neutral pictures"
VARIANTS = {EXACT: FEATURES, RAW: FEATURES, JOINT: ("AU",), CHANGE: ("AU",)}
READ = {(JOINT, "AU"): "AU joint", (OWN, "AU"): "AU own"}
READ |= {(CHANGE, feature): f"{feature} change" for feature in FEATURES}
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
    dense_plateau: int | None = None  # epochs without gain until the rate falls
    narrow: int = 1  # divides the channels of the convolutional networks
    copies_narrow: int | None = None  # the same on the real copies (None: as `narrow`)
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
    people: int | None = None  # of each of the two real sets (None: all)


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
        people=6,
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
    "overnight": replace(
        SMALL,
        cnn_repeats=2,
        tol=1e-3,
        dense_epochs=500,
        dense_rate=2e-2,
        dense_plateau=30,  # at a constant rate four fifths of dropout never come to rest
        narrow=4,
        copies_narrow=1,  # claims are judged on real people, and levels only at the printed width
        cnn_epochs=80,
        cnn_patience=20,  # with it the rate falls; at a constant one the smallest never rest
        cnn_batch=16,
        bank=4,
        sequences=280,
        models=28,
        dlib_crowd=100,
    ),
    "full": Sizes(),
}


@dataclass(frozen=True)
class Case:
    """Who learns from what; `variant` is PRINTED, what is changed, or KEEP."""

    classifier: str
    feature: str
    variant: str = PRINTED


class Study(runs.Study):
    """Candide-3 and support vector machines against networks, from CK+ to RaFD."""

    SIZES = SIZES
    emotions, variants = FOUR, VARIANTS
    title, apart = "CK+ to RaFD", False  # apart: people of the training set test too

    @held
    def pictured(self, name: str, source: str = "auto"):
        """'ckplus' or 'rafd', real where it is at hand unless `source` is 'simulated'."""
        s, own = self.sizes, {}
        if source == "simulated" or not datasets.at_hand(name):
            own = {"size": s.side, "emotions": list(FOUR)}
            if name == "ckplus":
                own |= {"sequences": s.sequences, "length": 6}
            else:
                own |= {"models": s.models, "yaws": list(s.yaws), "gazes": ["frontal"]}
        return datasets.load(name, source=source, profile="full", **own)

    @property
    def sets(self) -> tuple:
        """CK+, which trains, and RaFD, which tests."""
        return self.pictured("ckplus"), self.pictured("rafd")

    @part
    def copies(self) -> Copies | None:
        """The same on the real faces at hand; None without them or without a detector."""
        there = all(datasets.at_hand(name) for name in COPIED)
        if not there or training.finder() == TRUTH:
            return None
        narrow = self.sizes.copies_narrow or self.sizes.narrow
        return Copies(self.profile, **asdict(replace(self.sizes, narrow=narrow)))

    @property
    def worlds(self) -> tuple[Study, ...]:
        """This pair of sets and, where they are at hand, the real copies."""
        return (self, self.copies) if self.copies else (self,)

    @property
    def deciding(self) -> Study:
        """What claims are judged on: CK+ and RaFD if real, else the copies if at hand."""
        printed = {pictures.source for pictures in self.sets} == {"real"}
        return self if printed else self.worlds[-1]

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
        common = {"by": by, "made_with": training.fingerprint(by), "emotions": list(self.emotions)}
        common["model"] = candide.load().fingerprint
        return [common | {"data": datasets.reference(pictures)} for pictures in self.sets]

    @part
    def grid(self) -> dict[Case, tuple]:
        """Run function and arguments of each case: all repeats in one run, of a CNN one a run."""
        grid = {}
        for name in face_cnn.CNNS:
            repeats = range(self.sizes.cnn_repeats)
            grid[Case(name, "image")] = training.cnn, [self._cnn(name, r) for r in repeats]
        cases = [Case(name, feature) for feature in FEATURES for name in (*SVMS, DNN)]
        cases.append(Case(LOGISTIC, "AU"))
        for variant, features in self.variants.items():
            if variant == EXACT and len(self.finders) == 1:
                continue
            cases += [Case(n, feature, variant) for feature in features for n in (*SVMS, DNN)]
        cases.append(Case(DNN, "FP68", KEEP))
        return grid | {case: self._numbers(case) for case in cases}

    def _numbers(self, case: Case) -> tuple:
        s = self.sizes
        common = {"task": self.task(case), "repeats": list(self.seeds), "apart": self.apart}
        if case.classifier != DNN:
            how = {"classifier": case.classifier, "settings_each": s.settings, "tol": s.tol}
            return training.machines, [common | how]
        how = {"epochs": s.dense_epochs, "rate": s.dense_rate, "batch": s.dense_batch}
        how["plateau"] = s.dense_plateau
        how["reading"] = "keep" if case.variant == KEEP else "drop"
        return training.dense, [common | how]

    def task(self, case: Case) -> dict:
        """What a classifier of numbers learns: arguments of training.numbers."""
        train, test = self.measured(TRUTH if case.variant == EXACT else self.finders[0])
        return {
            "train": train,
            "test": train if case.feature == CODED else test,  # nobody has coded the test set
            "feature": READ.get((case.variant, case.feature), case.feature),
            "scaling": RAW if case.variant == RAW else STANDARD,
            "emotions": list(self.emotions),
        }

    def _cnn(self, network: str, repeat: int) -> dict:
        s = self.sizes
        train, test = self.measured(self.finders[0])
        return {
            "train": train,
            "test": test,
            "network": network,
            "narrow": s.narrow,
            "emotions": list(self.emotions),
            "repeat": repeat,
            "apart": self.apart,
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
                results[case] = _joined([next(made) for _ in listed], listed)
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
        return self.results, self.lessons, self.copies and self.copies.results


class Copies(Study):
    """The same classifiers on real faces: from CK+ as it is widely copied to the women of JAFFE.

    The copies have no neutral faces: sadness takes their place, and a person's mean face that of
    the neutral picture. A fifth of CK+'s people, others in each repeat, tests within that set.
    """

    emotions = SHARED
    variants = {JOINT: ("AU",), CHANGE: ("AU",), OWN: ("AU",)}
    title, apart = "CK+ copies to JAFFE", True

    @property
    def sets(self) -> tuple:
        """CK+ at 48 pixels, which trains, and JAFFE, which tests."""
        return tuple(self.pictured(name) for name in COPIED)

    @held
    def pictured(self, name: str, source: str = "real"):
        return datasets.load(name, source=source)

    @property
    def worlds(self) -> tuple[Study, ...]:
        return (self,)

    @held
    def measured(self, by: str) -> list[dict]:
        """As for the other pair, with JAFFE's neutral pictures."""
        more = {"emotions": [*self.emotions, "neutral"], "mean_rest": True, "margin": 0}
        more["people"] = self.sizes.people
        return [arguments | more for arguments in super().measured(by)]

    @part
    def grid(self) -> dict[Case, tuple]:
        """And what points less those at rest, and human codes of action units, allow."""
        further = [Case(name, "FP68", CHANGE) for name in SVMS]
        further += [Case(name, CODED) for name in (*SVMS, LOGISTIC)]
        return super().grid | {case: self._numbers(case) for case in further}


def _settled(result: dict, job: dict) -> bool:
    """Has a run come to rest? One that its patience ended has, however much its validation loss
    jumps: for so many epochs, at falling rates, nothing was better than what is read."""
    patient = job.get("patience") is not None
    return bool(result["settled"] or (patient and len(result["loss"]) < job["epochs"]))


def _joined(made: list[dict], jobs: list[dict]) -> dict:
    """The results of several runs as one, with their arguments."""
    joined = {"settled": all(_settled(result, job) for result, job in zip(made, jobs))}
    for name in ("train", "test", "part", "validation"):
        joined[name] = np.concatenate([result[name] for result in made])
    return made[0] | joined
