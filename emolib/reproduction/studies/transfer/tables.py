"""Table 4.3 of chang2021, what it leaves out, and whose the errors are (notebook 41)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.data import votes
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies import face_scores
from emolib.reproduction.studies.faces import CLASSES
from emolib.reproduction.studies.transfer.plan import (
    FIXED,
    OTHER,
    OURS,
    PLAIN,
    PRIVATE,
    TESTS,
    UNIQUE,
    UNTRAINED,
    Study,
)

PRINTED_METHOD = "Transfer learning from face identification to emotion"
CONTRASTS = ((OURS, PLAIN), (OURS, FIXED), (OURS, OTHER), (FIXED, UNTRAINED))
UNTESTED = "not tested at this profile"


def percent(values: dict) -> dict:
    """Shares (measured, low, high) in per cent."""
    return {name: 100 * share for name, share in values.items()}


@held
def accuracies(study: Study) -> pd.DataFrame:
    """Accuracy of every model on both tests, with and without the pictures that train, too."""
    rows = []
    for part in TESTS:
        tested = study.tested(part)
        for more, keep in (("", slice(None)), (UNIQUE, tested.fresh)):
            for name in study.models:
                answers = metrics.Answers(
                    tested.truth[keep],
                    study.named(name, part)[:, keep],
                    tested.pixels[keep],
                    CLASSES,
                    study.draws,
                    study.level,
                )
                key = {"model": study.title(name), "name": name, "metric": "Accuracy"}
                key["protocol"] = study.protocol(part, more)
                about = {"unit": "percent", "source": study.source_of(name)}
                rows.append(key | percent(answers.accuracy) | about)
    return pd.DataFrame(rows)


@held
def table_4_3(study: Study) -> Outcome:
    """Table 4.3: the thesis's row as we measure it, and our other models beside it."""
    frame = accuracies(study).copy()
    ours = frame.pop("name") == OURS
    frame["reported by"] = np.where(ours, "Ours", "emolib")
    frame["method"] = np.where(ours, PRINTED_METHOD, frame.model)
    return study.outcome(frame, settled=study.settled)


@held
def contrasts(study: Study) -> Outcome:
    """Extra 21: does the source task help, does the whole network, are faces better than objects?

    One family, corrected by Holm. Paired on PrivateTest without duplicates: the same pictures,
    differences in points. `reading`: more, less, undecided (p of Holm above 0.05), or untested.
    """
    tested = study.tested(PRIVATE)
    pairs = [pair for pair in CONTRASTS if set(pair) <= set(study.models)]
    hits = {
        name: (study.named(name, PRIVATE) == tested.truth)[:, tested.fresh]
        for name in dict.fromkeys(sum(pairs, ()))
    }
    *interval, p = face_scores.gains(hits, pairs, tested.pixels[tested.fresh], study)
    rows = []
    for (a, b), mean, low, high, corrected in zip(pairs, *interval, metrics.holm(p)):
        reading = UNTESTED
        if study.settled:
            reading = "more" if mean > 0 else "less"
            reading = "undecided" if corrected > 0.05 else reading
        key = {
            "first": study.title(a),
            "second": study.title(b),
            "protocol": study.protocol(PRIVATE, UNIQUE),
            "pair": f"{a} - {b}",
            "reading": reading,
            "source": max(study.source_of(a), study.source_of(b)),  # 'simulated' if either is
        }
        gap = percent({"measured": mean, "low": low, "high": high})
        rows += [
            key | {"metric": "difference in accuracy", **gap, "unit": "points"},
            key | {"metric": "p, Holm", "measured": float(corrected), "unit": "probability"},
        ]
    return study.outcome(pd.DataFrame(rows), settled=study.settled)


@held
def majority(study: Study) -> np.ndarray:
    """Class (N,) that most of ten raters see in the PrivateTest pictures; -1: none, or no votes."""
    rows = study.tested(PRIVATE).rows
    if study.ballots is None:
        return np.full(len(rows), -1)
    return votes.labels(study.ballots[rows])[0]


@held
def label_error(study: Study) -> Outcome:
    """Extra 23: on PrivateTest, how many errors are the model's and how many the label's?

    For each model the errors against FER2013's label, in per cent of them, by what ten raters say.
    The raters are a row themselves: how often is their majority right?
    """
    tested, crowd = study.tested(PRIVATE), majority(study)
    true, known, rows = tested.truth, crowd >= 0, []

    def add(model, source, metric, values, weights, unit="percent"):
        if not weights.any():
            return
        mean, low, high = metrics.bootstrap_ci(
            values, tested.pixels, weights, draws=study.draws, level=study.level
        )
        key = {"model": model, "metric": metric, "protocol": study.protocol(PRIVATE)}
        measured = percent({"measured": float(mean), "low": float(low), "high": float(high)})
        rows.append(key | measured | {"unit": unit, "source": source})

    right, everyone = "right by FER2013's label", np.ones(len(true), bool)
    raters = ("majority of ten raters", study.faces.source)
    add(*raters, right, crowd == true, known)
    add(*raters, f"{right}, no majority counted as wrong", crowd == true, everyone)
    for name in study.models:
        named = study.named(name, PRIVATE)  # (R, N)
        wrong = named != true
        model = (study.title(name), study.source_of(name))
        add(*model, right, (~wrong).mean(0), known)
        add(*model, "right by the raters' majority", (named == crowd).mean(0), known)
        share = wrong.mean(0)
        for kind, errors in {
            "raters back the label": crowd == true,
            "raters contradict the label and back the model": named == crowd,
            "raters contradict both": known & (crowd != true) & (named != crowd),
            "raters have no majority": ~known,
        }.items():
            of_kind = (wrong & errors).mean(0) / np.where(share > 0, share, 1)
            add(*model, f"errors: {kind}", of_kind, share, "percent of its errors")
    return study.outcome(pd.DataFrame(rows), sources=(*study.sources, *study.raters))
