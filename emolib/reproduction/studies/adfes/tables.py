"""The tables of yin2022, sections 4 and 5 (notebook 30).

Protocols of Table 3 name the split and what is counted:

    as printed   44 "speakers", mirror images counted as new people, shuffled and split 32 : 8 : 4
    twin-safe    the same shares, a person and the mirror image always together
    per frame    the nearest anchor of its point;   window   of the mean of ten;   video   the vote

What is compared runs in a rotation, in which every person is tested once. Intervals draw whole
people: what a round says about one face it says about its mirror image too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from emolib import metrics
from emolib.metrics import DETECTABLE, SMALLEST_P, floor
from emolib.metrics.intervals import ratio
from emolib.reproduction import runs
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies.adfes import plan, training
from emolib.reproduction.studies.adfes.plan import (
    MODELS,
    NAMES,
    PRINTED,
    ROTATION,
    SAFE,
    SPLITS,
    TUNED,
)

SEEN, UNSEEN = "Training and Validation", "Testing"
PARTS = {SEEN: "tv", UNSEEN: "x"}
UNITS = ("frame", "window", "video")
ACCURACY, PN = "Average Accuracy", "Average PN Accuracy"
PRECISION, RECALL = "Average Macro-Precision", "Average Macro-Recall"
MEAN, IQR = "mean of 5 runs", "IQR"
CLASSES = len(NAMES)
LINEAR = "linear discriminant"  # of the CNN's features, without recurrent network: the stock row


# ---------------------------------------------------------------- counting


def named(points: np.ndarray) -> dict[str, np.ndarray]:
    """The anchor nearest to points (..., T, 2), by unit, (..., k) each.

    frame: T names; window: of the mean of each ten; video: the vote of the frames, of equally
    frequent names the first in the order of NAMES.
    """
    anchors = plan.anchors().to_numpy()
    frames = metrics.nearest_emotion(points, anchors)
    length = min(10, points.shape[-2])
    tens = points[..., : points.shape[-2] // length * length, :]
    means = tens.reshape(*points.shape[:-2], -1, length, 2).mean(-2)
    votes = (frames[..., None] == np.arange(CLASSES)).sum(-2)
    windows = metrics.nearest_emotion(means, anchors)
    return {"frame": frames, "window": windows, "video": votes.argmax(-1)[..., None]}


def speaker(study) -> np.ndarray:
    """(2 N,) the speaker of each film and of its mirror image, which is a speaker of its own."""
    return np.concatenate([study.person, study.person + len(study.people)])


@held
def linear(study, name: str) -> dict[str, np.ndarray]:
    """What scikit-learn's linear discriminant names each video in each round of an ensemble.

    It learns the ten names from the mean features of each training film; (M, 2 N, 1).
    """
    (described,) = runs.map(training.describe, [study.features], label="features")
    x, true, videos = described["features"].mean(1), np.tile(study.truth, 2), []  # (2 N, F)
    with threadpool_limits(1):
        for letters in study.grid[name]["parts"]:
            trains = np.array(list(letters))[speaker(study)] == "t"
            plain = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
            plain = make_pipeline(StandardScaler(), plain).fit(x[trains], true[trains])
            videos.append(plain.predict(x)[:, None])
    return {"video": np.stack(videos)}


@held
def answers(study, name: str, stock: bool = False) -> dict[str, np.ndarray]:
    """`named` of every member and video of an ensemble, or (stock) of the linear discriminant."""
    return linear(study, name) if stock else named(study.result(name)["points"])


def counts(study, name: str, members, part: str, unit: str, stock: bool = False) -> np.ndarray:
    """Counts (R, P, 10, 10) of members of an ensemble: rounds, people, true, named.

    part   letters of a round, as in `training`: whose films are counted
    stock  what the linear discriminant says in the same rounds
    """
    people, names = len(study.people), answers(study, name, stock=stock)[unit]
    true, person = np.tile(study.truth, 2), np.tile(study.person, 2)
    out = np.zeros((len(members), people, CLASSES, CLASSES))
    for r, m in enumerate(members):
        letters = np.array(list(study.grid[name]["parts"][m]))
        of = np.isin(letters[speaker(study)], list(part))
        np.add.at(out[r], (person[of, None], true[of, None], names[m, of]), 1)
    return out


def right(counts: np.ndarray, metric: str) -> np.ndarray:
    """Right answers (...) among counts (..., 10, 10): the name itself, or (PN) its sign."""
    if metric == ACCURACY:
        return np.trace(counts, axis1=-2, axis2=-1)
    sign = np.sign(plan.anchors().valence.to_numpy())
    return (counts * (sign[:, None] == sign)).sum((-2, -1))


def rates(counts: np.ndarray) -> dict[str, np.ndarray]:
    """The four scores (...) of Table 3 from counts (..., 10, 10), NaN where nothing was counted.

    An emotion that is never named has precision 0; macro scores average over those that occur.
    """
    total, occurs = counts.sum((-2, -1)), counts.sum(-1) > 0

    def macro(scores):
        return ratio((np.nan_to_num(scores) * occurs).sum(-1), occurs.sum(-1))

    return {
        PRECISION: macro(metrics.precision(counts)),
        RECALL: macro(metrics.recall(counts)),
        ACCURACY: ratio(right(counts, ACCURACY), total),
        PN: ratio(right(counts, PN), total),
    }


@held
def worlds(study) -> np.ndarray:
    """How often each person is drawn in each bootstrap world, (D, P)."""
    people = len(study.people)
    return np.random.default_rng(30).multinomial(people, [1 / people] * people, study.draws)


def scored(study, counts: np.ndarray) -> list[dict]:
    """Rows for counts (R, P, 10, 10): of each metric the mean over rounds, and their IQR."""
    drawn = rates(np.tensordot(worlds(study), counts, (1, 1)))  # (D, R)
    rows = []
    for metric, values in rates(counts.sum(1)).items():  # (R,)
        there = ~np.isnan(drawn[metric])  # some draws leave a round without people
        means = ratio(np.nansum(drawn[metric], -1), there.sum(-1))
        low, high = map(float, metrics.interval(means, study.level))
        mean, spread = np.nanmean(values), np.subtract(*np.nanpercentile(values, [75, 25]))
        row = {"metric": metric, "statistic": MEAN, "measured": float(mean)}
        rows.append(row | {"low": low, "high": high})
        rows.append(row | {"statistic": IQR, "measured": float(spread)})
    return rows


# ---------------------------------------------------------------- Table 3


@held
def table_3(study) -> Outcome:
    """Two networks, seen and unseen speakers, both splits, three things to count; then a linear
    discriminant and guesses."""
    rows = []
    for split in SPLITS:
        members = study.members(split)
        for unit in reversed(UNITS):
            for model in MODELS:
                for data, part in PARTS.items():
                    about = {"model": model, "data": data, "protocol": f"{split}, per {unit}"}
                    seen = counts(study, model, members, part, unit)
                    rows += [about | row for row in scored(study, seen)]
            for data, part in PARTS.items():
                about = {"model": TUNED, "data": data, "protocol": f"{split}, per {unit}"}
                alone = [counts(study, f"{TUNED}, {m}", [0], part, unit) for m in members]
                rows += [about | row for row in scored(study, np.concatenate(alone))]
        for data, part in PARTS.items():
            about = {"model": LINEAR, "data": data, "protocol": f"{split}, per video"}
            seen = counts(study, plan.NAME, members, part, "video", stock=True)
            rows += [about | row for row in scored(study, seen)]
        about = {"data": UNSEEN, "protocol": f"{split}, per video"}
        rows += [about | row for row in guesses(study, members)]
    frame = pd.DataFrame(rows).assign(unit="fraction")
    protocols = {f"{split}, per {unit}" for split in SPLITS for unit in UNITS}
    return study.outcome(frame, settled=frozenset(protocols if study.settled(*MODELS) else ()))


def guesses(study, members: range) -> list[dict]:
    """Scores of four guesses on the test people of each round: what a network has to beat."""
    tested, trained = (counts(study, plan.NAME, members, part, "video").sum(-1) for part in "xt")
    points = plan.anchors().to_numpy()
    mean = np.average(points, axis=0, weights=trained.sum((0, 1)))
    middle = int(metrics.nearest_emotion(mean, points))
    always, negative = np.eye(CLASSES), "always negative"
    ways = {
        "a name at random": np.full(CLASSES, 1 / CLASSES),
        "always neutral": always[NAMES.index("Neutral")],
        f"always the anchor nearest to the mean label ({NAMES[middle].lower()})": always[middle],
        negative: always[NAMES.index("Anger")],
    }
    rows = []
    for way, share in ways.items():
        for row in scored(study, tested[..., None] * share):
            if row["statistic"] == MEAN and (row["metric"] == PN or way != negative):
                rows.append({"model": way} | row)
    return rows


# ---------------------------------------------------------------- pairs over the rotation


def tested(study, name: str, members: range, unit: str = "video", stock: bool = False):
    """Counts (P, 10, 10) of a rotation: everybody tested once, original and mirror image."""
    return counts(study, name, members, "x", unit, stock).sum(0)


def score(study, counts: np.ndarray, metric: str, less=None, family: int = 1) -> dict:
    """Share right in counts (P, 10, 10): measured, low, high.

    less     other counts of the same videos: then the difference, its p, and what `family` of them
             can reach (SMALLEST_P, DETECTABLE)
    """
    hits, total, reach = right(counts, metric), counts.sum((-2, -1)), {}
    if less is not None:
        hits, people = hits - right(less, metric), np.arange(len(hits))
        effect = metrics.detectable(ratio(hits, total), people, family=family)
        p = metrics.bootstrap_p(hits, people, draws=study.draws)
        reach = {"p": p, SMALLEST_P: floor(len(people), family), DETECTABLE: effect}
    drawn = worlds(study) @ hits / np.maximum(worlds(study) @ total, 1)
    low, high = map(float, metrics.interval(drawn, study.level))
    return {"measured": float(hits.sum() / total.sum()), "low": low, "high": high} | reach


def corrected(rows: list[dict], column: str) -> pd.DataFrame:
    """The rows as a frame; those with a p are one family, corrected by Holm's rule in `holm`.

    column   names what a row is: '...: smallest effect detectable' and its like follow there
    """
    frame, reach = pd.DataFrame(rows), []
    family = frame.p.notna()
    frame.loc[family, "holm"] = metrics.holm(frame.p[family])
    for told in (SMALLEST_P, DETECTABLE):
        part = frame[family].drop(columns=["low", "high", "p", "holm"])
        reach.append(part.assign(**{column: part[column] + f": {told}", "measured": part[told]}))
    whole = pd.concat([frame, *reach], ignore_index=True)
    return whole.drop(columns=[SMALLEST_P, DETECTABLE]).assign(unit="fraction")


@held
def gap(study) -> Outcome:
    """Extra 10: the printed split less the twin-safe one, on the same videos of the same people.

    The differences of the networks are one family of six; the linear discriminant stands beside.
    """
    turns = study.turns[PRINTED]
    halves = [range(first, first + len(turns)) for first in (0, len(turns))]
    family, rows = 2 * len(UNITS), []
    for metric in (ACCURACY, PN):
        for unit in UNITS:
            printed, safe = (tested(study, ROTATION, members, unit) for members in halves)
            about = {"scored": unit, "metric": metric, "protocol": "rotation"}
            difference = score(study, printed, metric, less=safe, family=family)
            rows += [
                about | {"split": PRINTED} | score(study, printed, metric),
                about | {"split": SAFE} | score(study, safe, metric),
                about | {"split": "gap"} | difference,
            ]
        for split, members in zip(SPLITS, halves, strict=True):
            own = tested(study, ROTATION, members, stock=True)
            about = {"scored": f"video, {LINEAR}", "metric": metric, "protocol": "rotation"}
            rows.append(about | {"split": split} | score(study, own, metric))
    twins = {
        "scored": "speaker",
        "split": PRINTED,
        "metric": "test speakers whose mirror image is trained on",
        "protocol": "rotation",
        "measured": twin_share(turns),
        "unit": "fraction",
    }
    return study.outcome(pd.concat([corrected(rows, "split"), pd.DataFrame([twins])]))


def twin_share(parts: list[str]) -> float:
    """Of the speakers tested, the share whose mirror image is trained on in the same round."""
    own = np.array([list(letters) for letters in parts])  # (R, 2 P)
    twins = np.roll(own, own.shape[1] // 2, axis=1)
    return float((twins[own == "x"] == "t").mean())


@held
def layers_and_units(study) -> Outcome:
    """Extra 11: "smaller is better" (4.2; 6), tried: layers and units, everything else alike."""
    base = tested(study, *study.rotations["(10)"])
    family, rows = 2 * (len(study.rotations) - 1), []
    for units, (name, members) in study.rotations.items():
        own = tested(study, name, members)
        about = {
            "changed": units,
            "parameters": int(study.result(name)["parameters"][members[0]]),
            "layers": len(study.grid[name]["sizes"][members[0]]),
            "protocol": f"{SAFE}, per video",
        }
        for metric in (ACCURACY, PN):
            rows.append(about | {"metric": metric} | score(study, own, metric))
            if units != "(10)":
                above = {"metric": f"{metric} above (10)"}
                rows.append(about | above | score(study, own, metric, less=base, family=family))
    own = tested(study, *study.rotations["(10)"], stock=True)
    about = {"changed": LINEAR, "layers": 0, "protocol": f"{SAFE}, per video"}
    about["parameters"] = CLASSES * (study.sizes.features + 1)
    rows += [about | {"metric": metric} | score(study, own, metric) for metric in (ACCURACY, PN)]
    return study.outcome(corrected(rows, "metric"))
