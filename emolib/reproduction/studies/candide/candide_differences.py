"""Paired differences between the classifiers of notebook 40, each family corrected after Holm: who is better, and by which of several steps."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import erfc, sqrt

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.models import face_cnn
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.candide.candide import (
    MEAN,
    NARROW,
    TEST,
    TESTED,
    UNSETTLED,
    VALIDATED,
    choices,
    outcome,
    pictures,
    right,
)
from emolib.reproduction.studies.candide.candide_plan import (
    DNN,
    FEATURES,
    KEEP,
    PRINTED,
    RAW,
    STANDARD,
    SVMS,
    VARIANTS,
    Case,
    results,
)


def difference(profile: str, one: np.ndarray, other: np.ndarray, subject: np.ndarray) -> dict:
    """Mean of one - other (N,), pairs of the same pictures, with its interval over people and a p value from the spread of its worlds."""
    p = shared(profile)
    mean, drawn = metrics.bootstrap_draws(one - other, subject, draws=p.draws)
    low, high = metrics.interval(drawn, p.level)
    spread, gap = float(drawn.std()), abs(float(mean))
    p_value = (
        erfc(gap / spread / sqrt(2)) if spread > 1e-12 else float(gap < 1e-12)
    )  # without any spread a gap is certain
    return {"measured": float(mean), "low": float(low), "high": float(high), "p": p_value}


def corrected(rows: list[dict], profile: str) -> pd.DataFrame:
    """Rows with p as a frame with Holm's adjustment of the whole family and what is left of each difference."""
    frame = pd.DataFrame(rows)
    frame["p, Holm"] = metrics.holm(frame.p)
    said = np.where(frame.measured > 0, "better", "worse")
    said = np.where(frame["p, Holm"] < 1 - shared(profile).level, said, "not told apart")
    frame["differs"] = (
        np.where(frame.pop("settled"), said, "not tested at this profile")
        if "settled" in frame
        else said
    )
    return frame.assign(metric="difference in accuracy", unit="fraction")


def may_decide(profile: str, *cases: Case) -> bool:
    """Are these networks of full width, trained until their validation loss stopped falling?"""
    return not any(
        k.startswith((NARROW, UNSETTLED)) for case in cases for k in choices(profile, case)
    )


def on_test(profile: str, case: Case, protocol: str = MEAN) -> np.ndarray:
    """Share of the chosen repeats that are right on each test picture (N,)."""
    found = choices(profile, case)
    wanted = next(
        (k for k in found if protocol.format(len(results(profile)[case]["validation"])) in k),
        next(iter(found)),
    )
    return right(profile, case, TEST)[found[wanted]].mean(0)


@runs.once
def pairs(profile: str = "quick") -> Outcome:
    """Extra 15: who is better than whom on the same test pictures, each an average of its repeats; one Holm family."""
    dnn, best_cnn = {f: Case(DNN, f) for f in FEATURES}, Case("CNN-3 150x150x1", "image")
    family = [(dnn[f], Case(name, f)) for f in FEATURES for name in SVMS]
    family += [
        (Case("SSVM", "AU"), Case("SSVM", "FP68")),
        (Case("SVM (poly)", "AU"), Case("SVM (poly)", "FP68")),
        (dnn["AU"], dnn["FP68"]),
    ]
    family += [(Case(n, "image"), dnn["AU"]) for n in face_cnn.CNNS] + [
        (Case("CNN-2 75x75x1", "image"), Case("CNN-1 75x75x1", "image"))
    ]
    family += [(best_cnn, Case(name, "AU")) for name in SVMS]
    rows, subject = [], pictures(profile, TEST)["subject"]
    for one, other in family:
        rows.append(
            {
                "one": f"{one.classifier}, {one.feature}",
                "other": f"{other.classifier}, {other.feature}",
                "protocol": "averages of repeats",
                "settled": may_decide(profile, one, other),
            }
            | difference(profile, on_test(profile, one), on_test(profile, other), subject)
        )
    return outcome(corrected(rows, profile), profile)


@runs.once
def changed(profile: str = "quick") -> Outcome:
    """Extra 16: one thing changed at a time: points, neutral picture, reading of the units, sadness, dropout; one Holm family."""
    rows, subject = [], pictures(profile, TEST)["subject"]
    for variant, features in {**VARIANTS, KEEP: ("FP68",)}.items():
        for feature, name in product(features, (*SVMS, DNN)):
            case = Case(name, feature, variant)
            if variant == RAW or case not in results(profile):
                continue
            at = {
                "classifier": name,
                "feature": feature,
                "protocol": variant,
                "accuracy": float(on_test(profile, case).mean()),
                "settled": may_decide(profile, case, Case(name, feature)),
            }
            if (
                variant == "with sadness"
            ):  # other pictures: the difference is of two means over the same people
                own = pictures(profile, TEST, variant)["subject"]
                gap = _unpaired(
                    profile,
                    on_test(profile, case),
                    own,
                    on_test(profile, Case(name, feature)),
                    subject,
                )
            else:
                gap = difference(
                    profile, on_test(profile, case), on_test(profile, Case(name, feature)), subject
                )
            rows.append(at | gap)
    return outcome(corrected(rows, profile), profile)


def _unpaired(profile, one, one_subject, other, other_subject) -> dict:
    """Difference of two means over the same people but other pictures: people are drawn for both at once."""
    people = np.unique(np.concatenate([one_subject, other_subject]))
    mean = lambda value, subject: np.array(
        [value[subject == s].mean() if (subject == s).any() else np.nan for s in people]
    )  # noqa: E731
    a, b = mean(one, one_subject), mean(other, other_subject)
    both = np.isfinite(a) & np.isfinite(b)
    return difference(profile, a[both], b[both], people[both])


@runs.once
def deep_or_chosen(profile: str = "quick") -> Outcome:
    """Extra 14: do the dense networks win because they are deep, or by selection and scaling? Accuracies, then one step at a time."""
    subject, rows, steps = pictures(profile, TEST)["subject"], [], []
    ways = {"mean": MEAN, "best on validation": VALIDATED, "best on test": TESTED}
    for feature, name, scaling, way in product(FEATURES, (*SVMS, DNN), (STANDARD, RAW), ways):
        case = Case(name, feature, RAW if scaling == RAW else PRINTED)
        value = on_test(profile, case, ways[way])
        rows.append(
            {
                "feature": feature,
                "what": name,
                "scaling": scaling,
                "protocol": way,
                "metric": "accuracy",
                "unit": "fraction",
            }
            | {k: v for k, v in difference(profile, value, 0 * value, subject).items() if k != "p"}
        )
    for feature in FEATURES:
        at = lambda name, scaling=PRINTED, way=MEAN: on_test(
            profile, Case(name, feature, scaling), way
        )  # noqa: E731, B023
        gaps = [(f"a network instead of {n}", STANDARD, "mean", at(DNN), at(n)) for n in SVMS]
        gaps += [(f"scaling, {n}", "both", "mean", at(n), at(n, RAW)) for n in (*SVMS, DNN)]
        gaps += [
            (
                f"choosing on validation, {n}",
                STANDARD,
                "best less mean",
                at(n, way=VALIDATED),
                at(n),
            )
            for n in (*SVMS, DNN)
        ]
        gaps += [
            (f"choosing on test, {n}", STANDARD, "best less mean", at(n, way=TESTED), at(n))
            for n in (*SVMS, DNN)
        ]
        gaps += [
            (
                "the scaled network chosen on test, the unscaled SSVM on average",
                "both",
                "best less mean",
                at(DNN, way=TESTED),
                at("SSVM", RAW),
            )
        ]
        # a step that involves the network counts only where that network has settled
        needs = {
            w: (PRINTED, RAW) if w.startswith("scaling") else (PRINTED,)
            for w, *_ in gaps
            if "network" in w or w.endswith(DNN)
        }
        steps += [
            {
                "feature": feature,
                "what": what,
                "scaling": scaling,
                "protocol": way,
                "settled": may_decide(
                    profile, *(Case(DNN, feature, v) for v in needs.get(what, ()))
                ),
            }
            | difference(profile, one, other, subject)
            for what, scaling, way, one, other in gaps
        ]
    return outcome(
        pd.concat([pd.DataFrame(rows), corrected(steps, profile)], ignore_index=True), profile
    )


@runs.once
def drawn_steps(profile: str = "quick") -> Outcome:
    """Extra 17: the accuracies of Extra 14, a row for each feature, scaling and choice."""
    made = deep_or_chosen(profile)
    frame = made.frame[made.frame.metric == "accuracy"]
    way = frame.feature + ", " + frame.scaling + ", " + frame.protocol
    return replace(
        made,
        frame=frame.assign(way=way)[
            ["way", "what", "feature", "scaling", "protocol", "measured", "low", "high"]
        ].reset_index(drop=True),
    )
