"""Yin et al.: emotion as a path in the valence-arousal plane (notebook 30; seed yin2022, sections 4 and 5).

Protocols of Table 3 name the split and what is counted:

    as printed     44 "speakers", mirror images counted as new people, shuffled and split 32 : 8 : 4
    twin-safe      the same shares, a person and the mirror image always together
    per frame      the nearest anchor of each frame's point;   per window   of the mean of ten frames;   per video   the vote of its frames

Everything that compares runs in a rotation, in which every person is tested once. Intervals draw whole people: what a round says about
one face it says about its mirror image too.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.adfes import yin_plan
from emolib.reproduction.studies.adfes.yin_plan import (
    MODELS,
    NAMES,
    PRINTED,
    SAFE,
    anchors,
    of_whom,
    people,
    plan,
    results,
    settled,
    sizes,
    truth,
)
from emolib.reproduction.studies.adfes.yin_plan import train as train  # the notebook's first call

SEEN, UNSEEN = "Training and Validation", "Testing"
PARTS = {SEEN: "tv", UNSEEN: "x"}
UNITS = {"frame": "frames", "window": "windows", "video": "video"}
ACCURACY, PN, PRECISION, RECALL = (
    f"Average {m}" for m in ("Accuracy", "PN Accuracy", "Macro-Precision", "Macro-Recall")
)
MEAN, IQR = "mean of 5 runs", "IQR"
CLASSES = len(NAMES)


def outcome(frame: pd.DataFrame, profile: str, kind=Outcome, **more) -> Outcome:
    """An Outcome on the films and the pictures of a profile."""
    return kind(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources_of(*yin_plan.sources(profile)),
        seeds=tuple(range(sizes(profile).rounds)),
        caps=yin_plan.caps(profile),
        **more,
    )


# ---------------------------------------------------------------- counting


def speakers(profile: str) -> np.ndarray:
    """(2 N,) the speaker of each video: the person, and for mirror images the person + the number of people."""
    who = of_whom(profile)
    return np.concatenate([who, who + len(people(profile))])


def counts(profile: str, name: str, members: range, part: str, unit: str) -> np.ndarray:
    """Confusion counts (R, P, 10, 10) of an ensemble: rounds `members`, people, true, named; `part` a text of letters as in yin_walk.rounds."""
    (result,), parts = results(profile, name), plan(profile)[name]["parts"]
    said = result[UNITS[unit]][list(members)].reshape(
        len(members), 2 * len(truth(profile)), -1
    )  # (R, V, k)
    true, speaker = np.tile(truth(profile), 2), speakers(profile)
    person, out = (
        speaker % len(people(profile)),
        np.zeros((len(members), len(people(profile)), CLASSES, CLASSES)),
    )
    for r, m in enumerate(members):
        chosen = np.isin([parts[m][s] for s in speaker], list(part))
        np.add.at(out[r], (person[chosen, None], true[chosen, None], said[r, chosen]), 1)
    return out


def rates(found: np.ndarray) -> dict[str, np.ndarray]:
    """The four scores of Table 3 from confusion counts (..., 10, 10): arrays (...), NaN where nothing was counted.

    An emotion that is never named has precision 0; macro scores average over the emotions that occur.
    """
    total = found.sum((-2, -1))
    sign = np.sign(anchors().valence.to_numpy())
    same = sign[:, None] == sign
    occurs = found.sum(-1) > 0
    mean = lambda v: np.where(
        total > 0, (np.nan_to_num(v) * occurs).sum(-1) / np.maximum(occurs.sum(-1), 1), np.nan
    )  # noqa: E731
    share = lambda hits: np.divide(hits, total, out=np.full(total.shape, np.nan), where=total > 0)  # noqa: E731
    return {
        PRECISION: mean(metrics.precision(found)),
        RECALL: mean(metrics.recall(found)),
        ACCURACY: share(np.trace(found, axis1=-2, axis2=-1)),
        PN: share((found * same).sum((-2, -1))),
    }


@runs.once
def worlds(profile: str) -> np.ndarray:
    """How often each person is drawn in each bootstrap world, (D, P)."""
    count = len(people(profile))
    return np.random.default_rng(30).multinomial(
        count, np.full(count, 1 / count), size=shared(profile).draws
    )


def scored(profile: str, found: np.ndarray) -> list[dict]:
    """Rows of metric, statistic, measured, low, high from counts (R, P, 10, 10): the mean over rounds, and the IQR of the rounds."""
    per_round = rates(found.sum(1))  # (R,)
    drawn = rates(np.tensordot(worlds(profile), found, (1, 1)))  # (D, R)
    rows = []
    for metric, values in per_round.items():
        low, high = metrics.interval(_mean(drawn[metric]), shared(profile).level)
        rows.append(
            {
                "metric": metric,
                "statistic": MEAN,
                "measured": float(np.nanmean(values)),
                "low": float(low),
                "high": float(high),
            }
        )
        rows.append(
            {
                "metric": metric,
                "statistic": IQR,
                "measured": float(np.subtract(*np.nanpercentile(values, [75, 25]))),
            }
        )
    return rows


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis; rounds that a draw leaves without people do not count."""
    there = ~np.isnan(values)
    return np.divide(
        np.where(there, values, 0).sum(-1),
        there.sum(-1),
        out=np.full(len(values), np.nan),
        where=there.any(-1),
    )


# ---------------------------------------------------------------- Table 3


def members(profile: str, split: str) -> range:
    """Where the rounds of a split stand in the ensembles of Table 3."""
    n = sizes(profile).rounds
    return range(n) if split == PRINTED else range(n, 2 * n)


@runs.once
def table_3(profile: str = "quick") -> Outcome:
    """Table 3: two networks, seen and unseen speakers, both splits, three things to count; then what guessing gives."""
    rows = []
    for split in (PRINTED, SAFE):
        for unit in reversed(UNITS):
            for model in MODELS:
                for data, part in PARTS.items():
                    found = counts(profile, model, members(profile, split), part, unit)
                    rows += [
                        {"model": model, "data": data, "protocol": f"{split}, per {unit}"} | row
                        for row in scored(profile, found)
                    ]
        rows += [
            {"data": UNSEEN, "protocol": f"{split}, per video"} | row
            for row in guesses(profile, split)
        ]
    protocols = frozenset(f"{split}, per {unit}" for split in (PRINTED, SAFE) for unit in UNITS)
    return outcome(
        pd.DataFrame(rows).assign(unit="fraction"),
        profile,
        settled=protocols if settled(profile, *MODELS) else frozenset(),
    )


def guesses(profile: str, split: str) -> list[dict]:
    """Scores of four guesses on the test people of each round: what a network has to beat."""
    name = next(iter(MODELS))
    true = counts(profile, name, members(profile, split), PARTS[UNSEEN], "video").sum(
        -1
    )  # (R, P, 10): videos of each emotion
    seen = counts(profile, name, members(profile, split), "t", "video").sum((0, 1, -1))
    points = anchors().to_numpy()
    middle = int(metrics.nearest_emotion(np.average(points, axis=0, weights=seen), points))
    ways = {
        "a name at random": np.full(CLASSES, 1 / CLASSES),
        "always neutral": np.eye(CLASSES)[NAMES.index("Neutral")],
        f"always the anchor nearest to the mean label ({NAMES[middle].lower()})": np.eye(CLASSES)[
            middle
        ],
        "always negative": np.eye(CLASSES)[NAMES.index("Anger")],
    }
    rows = []
    for way, share in ways.items():
        for row in scored(profile, true[..., None] * share):
            if row["statistic"] == MEAN and (row["metric"] == PN or way != "always negative"):
                rows.append({"model": way} | row)
    return rows


# ---------------------------------------------------------------- pairs over the rotation


def tested(profile: str, name: str, chosen: range, unit: str) -> np.ndarray:
    """Confusion counts (P, 10, 10) of a rotation: everybody tested once, original and mirror image."""
    return counts(profile, name, chosen, "x", unit).sum(0)


def hits(found: np.ndarray, metric: str) -> np.ndarray:
    """Right answers of each person (P,): the name itself, or its sign."""
    if metric == ACCURACY:
        return np.trace(found, axis1=-2, axis2=-1)
    sign = np.sign(anchors().valence.to_numpy())
    return (found * (sign[:, None] == sign)).sum((-2, -1))


def apart(profile: str, a: np.ndarray, b: np.ndarray, metric: str) -> dict:
    """a less b on the same videos, people drawn whole: measured, low, high, p."""
    total = a.sum((-2, -1))
    gap = hits(a, metric) - hits(b, metric)
    drawn = worlds(profile) @ gap / np.maximum(worlds(profile) @ total, 1)
    low, high = metrics.interval(drawn, shared(profile).level)
    return {
        "measured": float(gap.sum() / total.sum()),
        "low": float(low),
        "high": float(high),
        "p": metrics.bootstrap_p(gap, np.arange(len(gap)), draws=shared(profile).draws),
    }


def alone(profile: str, found: np.ndarray, metric: str) -> dict:
    """One score of a rotation: measured, low, high."""
    total = found.sum((-2, -1))
    drawn = worlds(profile) @ hits(found, metric) / np.maximum(worlds(profile) @ total, 1)
    low, high = metrics.interval(drawn, shared(profile).level)
    return {
        "measured": float(hits(found, metric).sum() / total.sum()),
        "low": float(low),
        "high": float(high),
    }


def corrected(rows: list[dict]) -> pd.DataFrame:
    """The rows as a frame; those with a p are one family, corrected by Holm's rule in the column `holm`."""
    frame = pd.DataFrame(rows)
    family = frame.p.notna()
    frame.loc[family, "holm"] = metrics.holm(frame.p[family])
    return frame.assign(unit="fraction")


@runs.once
def gap(profile: str = "quick") -> Outcome:
    """Extra 10: the printed split less the twin-safe one, on the same videos of the same people."""
    name, n = "rotation, both splits", len(plan(profile)["rotation, both splits"]["parts"]) // 2
    rows = []
    for metric in (ACCURACY, PN):
        for unit in UNITS:
            printed, safe = (tested(profile, name, r, unit) for r in (range(n), range(n, 2 * n)))
            for split, row in (
                (PRINTED, alone(profile, printed, metric)),
                (SAFE, alone(profile, safe, metric)),
                ("gap", apart(profile, printed, safe, metric)),
            ):
                rows.append(
                    {"scored": unit, "split": split, "metric": metric, "protocol": "rotation"} | row
                )
    frame = corrected(rows)
    twins = {
        "scored": "speaker",
        "split": PRINTED,
        "metric": "test speakers whose mirror image is trained on",
        "protocol": "rotation",
        "measured": twin_share(plan(profile)[name]["parts"][:n]),
        "unit": "fraction",
    }
    return outcome(pd.concat([frame, pd.DataFrame([twins])]), profile)


def twin_share(parts: list[str]) -> float:
    """Of the speakers tested, the share whose mirror image stands in the training part of the same round."""
    half = len(parts[0]) // 2
    pairs = [(p[s], p[(s + half) % (2 * half)]) for p in parts for s in range(2 * half)]
    return float(np.mean([other == "t" for own, other in pairs if own == "x"]))


def rotations(profile: str) -> dict[str, tuple[str, range]]:
    """What was changed -> (ensemble, its members of the twin-safe rotation). The default is '(10)'."""
    n = len(plan(profile)["rotation, both splits"]["parts"]) // 2
    out = {"(10)": ("rotation, both splits", range(n, 2 * n))}
    for name, a in plan(profile).items():
        if name in MODELS or name == "rotation, both splits":
            continue
        for first in range(0, len(a["sizes"]), n):
            label = (
                "(" + ", ".join(map(str, a["sizes"][first])) + ")"
                if name.startswith("units")
                else name
            )
            out[label] = name, range(first, first + n)
    return out


def _changed(profile: str, chosen: list[str], unit: str = "video") -> list[dict]:
    """For each change its scores and what they are above the default, people apart."""
    at, rows = rotations(profile), []
    base = tested(profile, *at["(10)"], unit)
    for label in chosen:
        found, (name, where) = tested(profile, *at[label], unit), at[label]
        (result,) = results(profile, name)
        extra = {
            "changed": label,
            "parameters": int(result["parameters"][where[0]]),
            "layers": len(plan(profile)[name]["sizes"][where[0]]),
        }
        for metric in (ACCURACY, PN):
            rows.append(
                extra
                | {"metric": metric, "protocol": f"{SAFE}, per {unit}"}
                | alone(profile, found, metric)
            )
            if label != "(10)":
                rows.append(
                    extra
                    | {"metric": f"{metric} above (10)", "protocol": f"{SAFE}, per {unit}"}
                    | apart(profile, found, base, metric)
                )
    return rows


@runs.once
def layers_and_units(profile: str = "quick") -> Outcome:
    """Extra 11: "smaller is better" (4.2; 6), tried: layers and units, everything else alike."""
    chosen = sorted(
        (c for c in rotations(profile) if c.startswith("(")),
        key=lambda c: (c.count(","), int(c.strip("()").split(",")[0])),
    )
    return outcome(corrected(_changed(profile, chosen)), profile)


@runs.once
def one_thing(profile: str = "quick") -> Outcome:
    """Extra 13: window length, pre-training and the reset gate, one changed at a time."""
    chosen = ["(10)", *(c for c in rotations(profile) if not c.startswith("("))]
    return outcome(corrected(_changed(profile, chosen)), profile)


@runs.once
def windows(profile: str = "quick") -> Outcome:
    """Extra 14: test scores by the frames in a window, per frame and per video."""
    at, rows = rotations(profile), []
    for label in ["(10)", *(c for c in at if c.startswith("window"))]:
        length = plan(profile)[at[label][0]]["length"]
        for unit in ("frame", "video"):
            found = tested(profile, *at[label], unit)
            rows += [
                {"length": length, "scored": f"per {unit}", "metric": metric, "protocol": SAFE}
                | alone(profile, found, metric)
                for metric in (ACCURACY, PN)
            ]
    return outcome(
        pd.DataFrame(rows)
        .sort_values(["metric", "scored", "length"], kind="stable")
        .assign(unit="fraction"),
        profile,
    )


@runs.once
def sizes_beside_print(profile: str = "quick") -> Outcome:
    """Extra 12: accuracy of each size on unseen people."""
    frame = layers_and_units(profile).frame
    frame = frame[frame.metric == ACCURACY]
    return outcome(
        frame.assign(
            network=[f"{c}, {p:,} parameters" for c, p in zip(frame.changed, frame.parameters)]
        ),
        profile,
    )


def printed_sizes() -> dict[str, float]:
    """What the text prints before and after the network was made smaller (4.2), as shares."""
    text = papers.text_numbers()
    value = text[text.paper == "yin2022"].set_index("item").value.astype(float) / 100
    return {
        "printed, original": value["accuracy of the original network"],
        "printed, smaller": value["accuracy after shrinking"],
    }
