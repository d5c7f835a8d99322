"""The grid of 'classic against neural': which classifiers are trained on what, and how large each profile is (notebook 40)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

from emolib import candide
from emolib import data as datasets
from emolib.ground.errors import nearest
from emolib.models import face_cnn
from emolib.reproduction import runs
from emolib.reproduction.studies.candide import candide_classifiers as classifiers
from emolib.reproduction.studies.candide import candide_measures as measures

FOUR = ("angry", "happy", "neutral", "surprise")
SADNESS = ("sad", "happy", "neutral", "surprise")
SVMS, DNN, FEATURES = ("SSVM", "SVM (poly)"), "DNN*", ("AU", "FP68")
STANDARD, RAW = "standardised", "as they come"
PRINTED = "as printed"  # the variant of the main rows
BASELINES = ("SVM (RBF), tuned", "gradient boosting")
BLENDSHAPES = ("logistic regression", "blendshapes")


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. Layers, picture sizes and 30 repeats are printed; epochs, rates and batches are ours."""

    repeats: int = 30  # of the classifiers of numbers
    cnn_repeats: int = 30
    baseline_repeats: int = 30
    settings: int = 4  # each classifier may choose from
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


SIZES = {
    "smoke": Sizes(
        repeats=2,
        cnn_repeats=1,
        baseline_repeats=1,
        settings=1,
        tol=1e-1,
        dense_epochs=6,
        dense_rate=1e-2,
        narrow=8,
        cnn_epochs=1,
        cnn_patience=None,
        bank=1,
        side=96,
        sequences=60,
        models=5,
        yaws=(45, 90, 135),
        crowd=12,
        dlib_crowd=6,
        turns=(0, 30),
        lesson_epochs=6,
    ),
    "quick": Sizes(
        cnn_repeats=1,
        baseline_repeats=3,
        settings=2,
        tol=1e-2,
        dense_epochs=100,
        dense_rate=2e-2,
        dense_batch=64,
        narrow=4,
        cnn_epochs=3,
        cnn_rate=3e-3,
        cnn_batch=16,
        cnn_patience=None,
        bank=2,
        side=96,
        sequences=280,
        models=28,
        yaws=(45, 90, 135),
        crowd=200,
        dlib_crowd=20,
        turns=(0, 20, 40),
        lesson_epochs=150,
    ),
    "full": Sizes(),
}


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


# ---------------------------------------------------------------- the data


def emotions() -> tuple[str, ...]:
    """Every emotion that is measured: the four and sadness."""
    return tuple(dict.fromkeys((*FOUR, *SADNESS)))


@runs.once
def training_set(profile: str, source: str = "auto"):
    """CK+, real where it is at hand."""
    s = sizes(profile)
    own = {"sequences": s.sequences, "length": 6, "size": s.side, "emotions": list(emotions())}
    return datasets.load(
        "ckplus", source=source, profile="full", **(own if simulated("ckplus", source) else {})
    )


@runs.once
def test_set(profile: str, source: str = "auto"):
    """RaFD, real where it is at hand."""
    s = sizes(profile)
    own = {
        "models": s.models,
        "size": s.side,
        "yaws": list(s.yaws),
        "gazes": ["frontal"],
        "emotions": list(emotions()),
    }
    return datasets.load(
        "rafd", source=source, profile="full", **(own if simulated("rafd", source) else {})
    )


def simulated(name: str, source: str) -> bool:
    """Is it the stand-in that `load` will give?"""
    return source == "simulated" or not datasets.at_hand(name)


@runs.once
def finders(profile: str) -> tuple[str, ...]:
    """Who finds points here: the main one first, and the truth where both sets are simulated."""
    made_up = {training_set(profile).source, test_set(profile).source} == {"simulated"}
    main = measures.finder()
    if main == measures.TRUTH and not made_up:
        raise measures.EmolibError(
            "real CK+ and RaFD need a detector of face points: pip install 'emolib[detectors]', `emolib doctor` says more"
        )
    return (main, measures.TRUTH) if made_up and main != measures.TRUTH else (main,)


@runs.once
def measured(profile: str, by: str) -> tuple[dict, dict]:
    """Arguments of the two runs that measure the training and the test pictures with one finder of points."""
    wanted = list(FOUR) if by == "mediapipe" and by not in finders(profile) else list(emotions())
    common = {
        "emotions": wanted,
        "by": by,
        "made_with": measures.fingerprint(by),
        "model": candide.load().source,
    }
    return tuple(
        common | {"data": datasets.reference(s)} for s in (training_set(profile), test_set(profile))
    )


# ---------------------------------------------------------------- the grid


@dataclass(frozen=True)
class Case:
    """One cell of the study: who learns what from which pictures.

    variant   'as printed', or what is changed: 'exact points', 'as they come' (no scaling), 'with sadness', 'without a neutral picture',
              'change from rest', 'keep 80 %'
    """

    classifier: str
    feature: str
    variant: str = PRINTED


VARIANTS = {
    "exact points": FEATURES,
    RAW: FEATURES,
    "with sadness": FEATURES,
    "without a neutral picture": ("AU",),
    "change from rest": ("AU",),
}
READ = {"without a neutral picture": "AU joint", "change from rest": "AU change"}
KEEP = "keep 80 %"


@runs.once
def plan(profile: str) -> dict[Case, list[tuple]]:
    """Every run of the study: case -> [(function, arguments)], one entry for all repeats together, or one a repeat (pictures)."""
    s, grid = sizes(profile), {}
    main, *others = finders(profile)
    for network in face_cnn.CNNS:  # the longest first
        grid[Case(network, "image")] = [
            (classifiers.cnn, _cnn(profile, network, r)) for r in range(s.cnn_repeats)
        ]
    for variant, features in {PRINTED: FEATURES, **VARIANTS}.items():
        if variant == "exact points" and not others:
            continue
        for feature in features:
            for name in SVMS:
                grid[Case(name, feature, variant)] = [_numbers(profile, name, feature, variant)]
            grid[Case(DNN, feature, variant)] = [_dense(profile, feature, variant)]
    grid[Case(DNN, "FP68", KEEP)] = [_dense(profile, "FP68", KEEP)]
    for name in BASELINES:
        for feature in FEATURES:
            grid[Case(name, feature)] = [
                _numbers(profile, name, feature, PRINTED, s.baseline_repeats)
            ]
    if measures.usable("mediapipe"):
        grid[Case(*BLENDSHAPES)] = [
            _numbers(profile, *BLENDSHAPES, PRINTED, s.baseline_repeats, by="mediapipe")
        ]
    return grid


def _common(profile: str, feature: str, variant: str, by: str | None) -> dict:
    train, test = measured(
        profile, by or (measures.TRUTH if variant == "exact points" else finders(profile)[0])
    )
    return {
        "train": train,
        "test": test,
        "feature": READ.get(variant, feature),
        "scaling": RAW if variant == RAW else STANDARD,
        "emotions": list(SADNESS if variant == "with sadness" else FOUR),
    }


def _numbers(profile, name, feature, variant, repeats=None, by=None) -> tuple:
    s = sizes(profile)
    return classifiers.machines, _common(profile, feature, variant, by) | {
        "classifier": name,
        "repeats": list(range(repeats or s.repeats)),
        "settings_each": s.settings,
        "tol": s.tol,
    }


def _dense(profile, feature, variant) -> tuple:
    s = sizes(profile)
    return classifiers.dense, _common(profile, feature, variant, None) | {
        "repeats": list(range(s.repeats)),
        "reading": "keep" if variant == KEEP else "drop",
        "epochs": s.dense_epochs,
        "rate": s.dense_rate,
        "batch": s.dense_batch,
    }


def _cnn(profile, network, repeat) -> dict:
    s = sizes(profile)
    train, test = measured(profile, finders(profile)[0])
    kept = {"keep_weights": True} if repeat == 0 and network == "CNN-1 50x50x1" else {}
    return kept | {
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
    }


def measure_all(profile: str) -> None:
    """Find the points and fit the faces, once for everything that follows."""
    by = dict.fromkeys(
        (*finders(profile), *(["mediapipe"] if measures.usable("mediapipe") else []))
    )
    runs.map(
        measures.measure,
        [a for name in by for a in measured(profile, name)],
        label="faces measured",
    )


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet and say what was trained: classifier, feature, variant, repeats, share of validation pictures right."""
    rows = [
        {
            **asdict(case),
            "repeats": len(r["validation"]),
            "right on validation": r["validation"].mean(),
        }
        for case, r in results(profile).items()
    ]
    return pd.DataFrame(rows)


@runs.once
def results(profile: str) -> dict[Case, dict]:
    """Case -> what was named, repeats stacked in front: train (R, N), test (R, M), part (R, N), validation (R,), settled."""
    import numpy as np

    measure_all(profile)
    grid = plan(profile)
    flat = [(case, fn, a) for case, jobs in grid.items() for fn, a in jobs]
    done = {}
    for kind in dict.fromkeys(fn for _, fn, _ in flat):
        mine = [(case, a) for case, fn, a in flat if fn is kind]
        for (case, _), r in zip(
            mine, runs.map(kind, [a for _, a in mine], label=kind.__name__), strict=True
        ):
            done.setdefault(case, []).append(r)
    out = {}
    for case in grid:
        first = done[case][0]
        if len(done[case]) > 1 or np.ndim(first["validation"]) == 0:
            first = (
                first
                | {
                    k: np.stack([np.asarray(r[k]) for r in done[case]])
                    for k in ("train", "test", "part", "validation")
                }
                | {"settled": all(r["settled"] for r in done[case])}
            )
        out[case] = first
    return out
