"""Classic against neural: Candide-3 and support vector machines beside networks, from CK+ to RaFD (notebook 40; chang2021, 4.1 and 4.2).

Protocols of Table 4.1, R repeats each with other people of CK+ held back for validation:

    mean of R                      what a run gives on average
    best of R on validation        the repeat with the best validation people: a choice that an honest reader can make
    best of R on test              the repeat with the best test pictures: as the printed values seem to be chosen (audit, D20)
    ..., found faces only          without the test pictures in which the detector found no face; otherwise they count as errors
    ..., exact points              the simulator's own points in place of a detector's
    narrow, ...                    convolutional networks of a fraction of the width: a quick look that decides nothing

The person is the cluster of every interval: a model of RaFD on the test side, a subject of CK+ on the training side.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pandas as pd

from emolib import candide, metrics
from emolib.ground.containers import digest
from emolib.models import face_cnn
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.candide import candide_classifiers as classifiers
from emolib.reproduction.studies.candide import candide_measures as measures
from emolib.reproduction.studies.candide.candide_plan import (
    BASELINES,
    BLENDSHAPES,
    FEATURES,
    FOUR,
    PRINTED,
    SADNESS,
    SVMS,
    Case,
    finders,
    measured,
    results,
    sizes,
    test_set,
    training_set,
)
from emolib.reproduction.studies.candide.candide_plan import (
    train as train,  # the notebook's first call
)
from emolib.reproduction.studies.signals.features import SIMULATED

FOUND, EXACT, NARROW, UNSETTLED = ", found faces only", ", exact points", "narrow, ", "unsettled, "
MEAN, VALIDATED, TESTED = "mean of {}", "best of {} on validation", "best of {} on test"
TRAIN, TEST = "Train", "Test"


def outcome(frame: pd.DataFrame, profile: str, kind=Outcome, **more) -> Outcome:
    """An Outcome on CK+ and RaFD with the repeats and sizes of a profile."""
    return kind(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources_of(training_set(profile), test_set(profile)),
        seeds=tuple(range(sizes(profile).repeats)),
        caps=asdict(sizes(profile)),
        **more,
    )


# ---------------------------------------------------------------- who was right


@runs.once
def pictures(profile: str, split: str, variant: str = PRINTED) -> dict[str, np.ndarray]:
    """The pictures of one side: class (N,), subject (N,), angle (N,), found (N,) by the main finder of points."""
    arguments = measured(profile, finders(profile)[0])[split == TEST]
    wanted = list(SADNESS if variant == "with sadness" else FOUR)
    seen, used, keep = classifiers.view(arguments, wanted)
    return {
        "class": classifiers.classes(used.label[keep], wanted),
        "subject": used.subject[keep],
        "angle": used.angle[keep],
        "found": np.isfinite(np.asarray(seen["units"])).all(1)[keep],
    }


def right(profile: str, case: Case, split: str) -> np.ndarray:
    """(R, N) float: 1 where the named class is the true one; NaN on training pictures that a repeat did not train on."""
    result, side = results(profile)[case], pictures(profile, split, case.variant)
    hits = (result[split.lower()] == side["class"]).astype(float)
    return np.where(result["part"], hits, np.nan) if split == TRAIN else hits


def choices(profile: str, case: Case) -> dict[str, np.ndarray]:
    """Protocol -> the repeats behind it."""
    result = results(profile)[case]
    repeats = len(result["validation"])
    before = (
        NARROW
        if case.classifier in face_cnn.CNNS and sizes(profile).narrow > 1
        else ""
        if result["settled"]
        else UNSETTLED
    )
    if repeats == 1:
        return {before + "one training": np.array([0])}
    best = right(profile, case, TEST).mean(1).argmax()
    return {
        before + name.format(repeats): np.atleast_1d(rows)
        for name, rows in (
            (MEAN, np.arange(repeats)),
            (VALIDATED, result["validation"].argmax()),
            (TESTED, best),
        )
    }


def share(profile: str, hits: np.ndarray, subject: np.ndarray) -> tuple[float, float, float]:
    """Mean of hits (R, N), NaN left out, with its interval over people: repeats are averaged within a picture first."""
    p, counted = shared(profile), np.isfinite(hits)
    weight = counted.sum(0)
    value = np.divide(np.nansum(hits, 0), weight, out=np.zeros(len(weight)), where=weight > 0)
    return tuple(
        float(v) for v in metrics.bootstrap_ci(value, subject, weight, draws=p.draws, level=p.level)
    )


def named(profile: str, case: Case, chosen: np.ndarray, keep: np.ndarray) -> dict[str, float]:
    """Balanced accuracy and macro-F1 on the test pictures `keep`, averaged over the chosen repeats; a missed face is a missed class."""
    true = pictures(profile, TEST, case.variant)["class"][keep]
    said = results(profile)[case]["test"][chosen][:, keep].astype(int)
    counts = metrics.confusion(
        true, np.where(said < 0, len(FOUR), said), len(FOUR) + 1
    )  # one more column: no face
    return {
        "balanced accuracy": float(metrics.balanced_accuracy(counts).mean()),
        "macro-F1": float(_f1(counts).mean()),
    }


def _f1(counts: np.ndarray) -> np.ndarray:
    """Macro-F1 over the real classes of counts (R, C + 1, C + 1) whose last column holds the faces that were not found."""
    hit = np.diagonal(counts, axis1=-2, axis2=-1)[..., :-1]
    return (2 * hit / np.maximum(counts.sum(-1)[..., :-1] + counts.sum(-2)[..., :-1], 1)).mean(-1)


# ---------------------------------------------------------------- Tables 4.1 and 4.2


def rows_of_case(profile: str, case: Case, more: str = "", keys: dict | None = None) -> list[dict]:
    """Accuracy of a case on both sides under every protocol; on the test side also of the found faces only."""
    rows, keys = [], keys or {"classifier": case.classifier, "feature": case.feature}
    for protocol, chosen in choices(profile, case).items():
        for split, only in ((TRAIN, ""), (TEST, ""), (TEST, FOUND)):
            side = pictures(profile, split, case.variant)
            keep = side["found"] if only else np.ones(len(side["class"]), bool)
            if only and (keep.all() or more == EXACT):
                continue
            at = keys | {"split": split, "protocol": protocol + more + only, "unit": "fraction"}
            value, low, high = share(
                profile, right(profile, case, split)[chosen][:, keep], side["subject"][keep]
            )
            rows.append(
                at
                | {
                    "metric": "accuracy",
                    "measured": value,
                    "low": low,
                    "high": high,
                    "pictures": int(keep.sum()),
                }
            )
            if split == TEST:
                rows += [
                    at | {"metric": k, "measured": v, "pictures": int(keep.sum())}
                    for k, v in named(profile, case, chosen, keep).items()
                ]
    return rows


@runs.once
def table_4_1(profile: str = "quick") -> Outcome:
    """Table 4.1: SSVM, SVM (poly) and DNN on action units and points, four CNNs on pictures; training and test accuracy."""
    rows = []
    for case in results(profile):
        if case.classifier in (*BASELINES, BLENDSHAPES[0]) or case.variant not in (
            PRINTED,
            "exact points",
        ):
            continue
        kind = "Images" if case.feature == "image" else "Vectorized Data"
        more = EXACT if case.variant == "exact points" else ""
        rows += rows_of_case(
            profile,
            case,
            more,
            {"classifier": case.classifier, "data_kind": kind, "feature": case.feature},
        )
    frame = pd.DataFrame(rows)
    return outcome(
        frame,
        profile,
        settled=frozenset(p for p in frame.protocol if not p.startswith((NARROW, UNSETTLED))),
    )


@runs.once
def table_4_2(profile: str = "quick") -> Outcome:
    """Table 4.2: mean and standard deviation over the repeats of both SVMs; the interval is over people, repeats kept."""
    p, rows = shared(profile), []
    for name, feature, split in product(SVMS, FEATURES, (TRAIN, TEST)):
        case = Case(name, feature)
        hits, subject = right(profile, case, split).T, pictures(profile, split)["subject"]  # (N, R)
        mean, drawn = metrics.bootstrap_draws(
            np.nan_to_num(hits), subject, np.isfinite(hits), draws=p.draws
        )
        for statistic, of in (("mean", np.mean), ("standard deviation", np.std)):
            low, high = metrics.interval(of(drawn, axis=1), p.level)
            rows.append(
                {
                    "classifier": name,
                    "feature": feature,
                    "split": split,
                    "statistic": statistic,
                    "metric": "success rate",
                    "protocol": f"{hits.shape[1]} repeats",
                    "measured": float(of(mean)),
                    "low": float(low),
                    "high": float(high),
                    "unit": "fraction",
                }
            )
    return outcome(pd.DataFrame(rows), profile, settled=frozenset(r["protocol"] for r in rows))


@runs.once
def listing(profile: str = "quick") -> Outcome:
    """The 35 pairs of section 4.1 as they are used, and how far each vertex lies from its point once Candide-3 is fitted to a mean face."""
    from emolib.data.sim import face

    model, pairs = candide.load(), candide.pairs()
    crowd = face.faces(0, 100).pictured(yaw=0.0, pitch=0.0, roll=0.0)
    mean = face.points(face.Faces(crowd.person, crowd.scene, 0 * crowd.units), 200).mean(0)
    fit = candide.fit_shape(mean[None], model)
    seen = (
        fit.pose[0, 0].item() * model.deformed(fit.shape[0].numpy())[pairs[:, 1], :2] * (1, -1)
        + fit.pose[0, 4:].numpy()
    )
    eyes = np.linalg.norm(mean[36:42].mean(0) - mean[42:48].mean(0))
    away = np.linalg.norm(seen - mean[pairs[:, 0]], axis=1) / eyes
    rows = []
    for place, (point, vertex) in enumerate(pairs):
        of = {"position": str(place), "protocol": "as used"}
        group = group_of(place)
        rows += [
            of | {"group": group, "metric": metric, "measured": value, "unit": "index"}
            for metric, value in (
                ("dlib fp68 index", int(point)),
                ("Candide-3 vertex index", int(vertex)),
            )
        ]
        rows.append(
            of
            | {
                "group": group,
                "metric": "distance on a mean face",
                "measured": float(away[place]),
                "unit": "distances of the eyes",
            }
        )
    return Outcome(pd.DataFrame(rows), profile, sources={})


def group_of(place: int) -> str:
    """The group of the printed listing that position 0 to 34 stands in."""
    printed = papers.published("chang2021-u4_1")
    return printed.group[printed.position.astype(str) == str(place)].iloc[0]


# ---------------------------------------------------------------- beside the printed tables


@runs.once
def neighbours(profile: str = "quick") -> Outcome:
    """Extra 12: other classifiers on the same pictures beside the printed ones; what cannot be run here says so."""
    rows = []
    for case in results(profile):
        if case.variant == PRINTED and case.feature != "image":
            rows += [
                r
                for r in rows_of_case(profile, case)
                if not any(w in r["protocol"] for w in ("validation", "on test"))
            ]
    if Case(*BLENDSHAPES) not in results(profile):
        rows.append(
            {
                "classifier": BLENDSHAPES[0],
                "feature": BLENDSHAPES[1],
                "split": TEST,
                "metric": "accuracy",
                "measured": np.nan,
                "protocol": "left out: MediaPipe or its face_landmarker.task is not on this machine",
                "unit": "fraction",
            }
        )
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def recovery(profile: str = "quick") -> Outcome:
    """Extra 10: correlation of the fitted with the true action units: one at a time, all eight, exact points, a detector's, by yaw."""
    s = sizes(profile)
    ways = [(measures.TRUTH, s.crowd, False), (measures.TRUTH, s.crowd, True)]
    ways += [(main, s.dlib_crowd, True)] if (main := measures.finder()) != measures.TRUTH else []
    grid = [
        {
            "by": by,
            "made_with": measures.fingerprint(by),
            "model": candide.load().source,
            "count": n,
            "turns": list(s.turns),
            "together": all_of,
        }
        for by, n, all_of in ways
    ]
    frames = []
    for a, r in zip(grid, runs.map(measures.recover, grid, label="recovery"), strict=True):
        frame = pd.DataFrame(r).rename(columns={"correlation": "measured"})
        z = np.arctanh(frame.measured.clip(-0.999, 0.999))
        spread = 1.96 / np.sqrt(np.maximum(a["count"] * frame.found - 3, 1))  # Fisher's z
        acting = f"{measures.FINDERS[a['by']]}, {'all eight at once' if a['together'] else 'one unit at a time'}"
        frames.append(
            frame.assign(points=acting, low=np.tanh(z - spread), high=np.tanh(z + spread))
        )
    frame = pd.concat(frames).rename(columns={"unit": "action_unit"})
    frame = frame[
        ["points", "reading", "action_unit", "yaw", "found", "measured", "low", "high"]
    ].assign(metric="correlation with the truth")
    return Outcome(
        frame.reset_index(drop=True), profile, SIMULATED | sources_of_model(), caps=asdict(s)
    )


@runs.once
def recovery_of_action(profile: str = "quick") -> Outcome:
    """Extra 11: the rows of Extra 10 that read the units as the text does."""
    made = recovery(profile)
    return replace(made, frame=made.frame[made.frame.reading == "action"].reset_index(drop=True))


def sources_of_model(model: candide.Candide | None = None) -> dict:
    """The `sources` entry of Candide-3: its file, or the mask of our own. Default: what `candide.load` finds."""
    model = model or candide.load()
    return {
        "candide3": {"source": model.source, "fingerprint": digest(model.vertices, model.basis)}
    }


@runs.once
def by_yaw(profile: str = "quick") -> Outcome:
    """Extra 13: test accuracy by how far the head is turned from the camera, each classifier an average of its repeats."""
    side, rows = pictures(profile, TEST), []
    turned = np.abs(side["angle"] - 90)
    for case in results(profile):
        if case.variant != PRINTED or case.classifier in (
            BASELINES[0],
            BLENDSHAPES[0],
        ):  # eight lines can be told apart
            continue
        panel = {"AU": "action units", "FP68": "68 points", "image": "pictures"}[case.feature]
        for turn in np.unique(turned):
            keep = turned == turn
            value, low, high = share(
                profile, right(profile, case, TEST)[:, keep], side["subject"][keep]
            )
            rows.append(
                {
                    "panel": panel,
                    "classifier": case.classifier,
                    "feature": case.feature,
                    "turn": int(turn),
                    "measured": value,
                    "low": low,
                    "high": high,
                    "found": float(side["found"][keep].mean()),
                    "protocol": next(iter(choices(profile, case))),
                }
            )
    return outcome(pd.DataFrame(rows), profile)


def shares_of_emotions(profile: str) -> str:
    """How many pictures of each emotion each side holds, in one line."""
    parts = []
    for name, split in (("CK+", TRAIN), ("RaFD", TEST)):
        side = pictures(profile, split)
        count = np.bincount(side["class"], minlength=len(FOUR))
        parts.append(
            f"{name}: "
            + ", ".join(f"{n} {e}" for n, e in zip(count, FOUR, strict=True))
            + f"; {side['found'].mean():.0%} found"
        )
    return " | ".join(parts)
