"""Table 4.1 of orgil2022 and what its classifiers differ by (notebook 13).

Each protocol of plan.py is also read on a clean test: without the test pictures whose every pixel
stands in the training part. Seeds are averaged within a picture. Two rows need no network: the most
frequent class, and a linear discriminant on coarse pixels; one comes with emolib.
"""

from __future__ import annotations

from itertools import combinations, product
from math import erfc, sqrt

import numpy as np
import pandas as pd
from scipy.special import softmax

from emolib import metrics
from emolib import training as fitting
from emolib.data.sampler import prior_shift
from emolib.metrics import DETECTABLE, SMALLEST_P, floor
from emolib.models import classifiers
from emolib.models.classifiers import LITE0
from emolib.reproduction import papers
from emolib.reproduction.papers.audit.ferplus import disagreeing
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies import face_scores
from emolib.reproduction.studies.faces import CLASSES, STOCK, part_rows, stock
from emolib.reproduction.studies.ferplus.plan import CLEANED, SHIPPED

BATCHES = 392  # 3,136 printed test pictures in batches of eight
CLEAN = ", clean test"
PLAIN, SHIFTED, MIRRORED = "as trained", "prior shift", "mirror average"
BOTH = f"{MIRRORED}, {SHIFTED}"
AVERAGED = "average of all networks"
AS_OURS, OVERLAP = "print, errors overlap as in", "disagreements"
CONSTANT, UNLEARNT = "most frequent class", "no network"  # a row, and its protocol


# ---------------------------------------------------------------- what the networks said


def probabilities(study, network: str, protocol: str, way: str = PLAIN) -> np.ndarray:
    """Probabilities (R, N, 7) on the test pictures.

    As trained, averaged with the mirror image, shifted to the training part's shares, or both.
    """
    scores = np.stack([r["scores"] for r in study.results(network, protocol)], 1)  # (2, R, N, 7)
    p = softmax(scores[: 2 if way in (MIRRORED, BOTH) else 1].astype(float), -1).mean(0)
    if way in (SHIFTED, BOTH):
        even = np.full(CLASSES, 1 / CLASSES)
        p = np.exp(prior_shift(np.log(np.maximum(p, 1e-12)), even, study.shares))
    return p


def averaged(study, protocol: str, way: str = PLAIN) -> np.ndarray:
    """The averaged network of Figure 4.3: mean probabilities (R, N, 7) of all networks."""
    names = study.initialisations[protocol]
    return np.mean([probabilities(study, n, protocol, way) for n in names], 0)


@held
def without_network(study) -> dict[tuple, np.ndarray]:
    """What two answers without a network say, (1, N, 7): the shares of the classes, and `stock`."""
    train = part_rows(study.faces, "Training", study.sizes.train)
    shares = np.broadcast_to(study.shares, (len(study.truth), CLASSES))
    said = {CONSTANT: shares, STOCK: stock(study.faces, train, study.test_rows)}
    return {(name,): p[None] for name, p in said.items()}


def measures(
    study, said: dict[tuple, np.ndarray], names: tuple[str, ...], keep: np.ndarray | None = None
) -> pd.DataFrame:
    """Accuracy, macro-F1, loss and honesty of each entry of `said`: {key: probabilities (R, N, 7)}.

    names   column names of the key's parts;   keep   bool (N,): the pictures that count
    """
    keep = np.ones(len(study.truth), bool) if keep is None else keep
    true, rows = study.truth[keep], []
    kept = {key: p[:, keep] for key, p in said.items()}
    for key, of in face_scores.measured(kept, true, study.contents[keep], study).items():
        accuracy, loss = np.array(of["accuracy"]), np.array(of["loss"])
        shown = [
            ("Test accuracy", "percent", 100 * accuracy),
            ("macro-F1", "fraction", of["macro-F1"]),
            ("MSE", f"loss per image x {BATCHES}", BATCHES * loss),
            ("loss per image", "nats", loss),
            ("calibration error", "fraction", of["calibration error"]),
            ("squared error of the probabilities", "0 to 2", of["squared error"]),
            ("Correct", "images", accuracy * len(true)),
            ("Total", "images", (len(true), np.nan, np.nan)),
        ]
        model = dict(zip(names, key, strict=True))
        rows += [model | {"metric": m, **interval(v), "unit": unit} for m, unit, v in shown]
    return pd.DataFrame(rows)


def interval(values) -> dict[str, float]:
    """A value and its interval (3,) as columns."""
    return dict(zip(("measured", "low", "high"), map(float, values), strict=True))


# ---------------------------------------------------------------- Table 4.1


@held
def table_4_1(study) -> Outcome:
    """Table 4.1: each network under each protocol, on all test pictures and on the clean test."""
    frames = []

    def read(said, protocol):
        for more, keep in (("", None), (CLEAN, study.fresh)):
            frame = measures(study, said, ("model",), keep)
            frames.append(frame.assign(protocol=protocol + more))

    for protocol, names in study.initialisations.items():
        read({(n,): probabilities(study, n, protocol) for n in names}, protocol)
        counts = {n: study.results(n, protocol)[0]["parameters"] for n in names}
        frames.append(_parameters(counts, protocol))
    frames.append(_parameters(classifiers.sizes(CLASSES), "full width"))
    read(without_network(study), UNLEARNT)
    if study.shipped is not None:
        read({(LITE0,): study.shipped[None]}, SHIPPED)
    columns = ["model", "metric", "protocol", "measured", "low", "high", "unit"]
    return study.outcome(pd.concat(frames)[columns], settled=settled(study))


def _parameters(counts: dict[str, int], protocol: str) -> pd.DataFrame:
    frame = pd.DataFrame({"model": counts.keys(), "measured": counts.values()})
    return frame.assign(metric="parameters", protocol=protocol, unit="count")


@held
def settled(study) -> frozenset[str]:
    """Protocols that may decide: all networks at full width, trained until their loss settled."""
    done = set()
    for protocol, names in study.initialisations.items():
        if study.sizes.narrow or set(names) != set(classifiers.NETWORKS):
            continue
        trained = [r for n in names for r in study.results(n, protocol)]
        if all(fitting.plateaued(r["validation"]) for r in trained):
            done |= {protocol, protocol + CLEAN}
    return frozenset(done)


# ---------------------------------------------------------------- who differs from whom


def mcnemar_bounds(a: float, b: float, total: float) -> tuple[float, float]:
    """Lowest and highest p of McNemar's test that two counts of right answers allow.

    Nobody says which pictures they were. Lowest: the better network is right wherever the other
    is. Highest: their errors overlap as little as they can.
    """
    more, less = int(max(a, b)), int(min(a, b))
    apart = min(less, int(total) - more)  # pictures that only the worse network can have right
    return tuple(metrics.mcnemar_counts(more - less + only, only) for only in (0, apart))


def _two_samples(a: float, b: float, total: float) -> float:
    """p of two shares of right answers, as of two sets of `total` pictures."""
    spread = sqrt((a * (1 - a) + b * (1 - b)) / total)
    return erfc(abs(a - b) / spread / sqrt(2))


def overlap(hits: dict[str, np.ndarray], contents: np.ndarray, study) -> tuple[float, ...]:
    """Disagreements of {network: bool (N,)} over those of independent errors: value, low, high.

    The sum over all pairs; 1: errors know nothing of each other, 0: all networks err on the same
    pictures. Pictures are resampled, equal ones together.
    """
    names = list(hits)
    apart = sum((hits[a] != hits[b]).astype(float) for a, b in combinations(names, 2))  # (N,)
    columns = np.stack([*hits.values(), apart], 1)  # (N, networks + 1)
    mean, drawn = metrics.bootstrap_draws(columns, contents, draws=study.draws)
    both = np.vstack([mean, drawn])
    right = both[:, :-1]
    pairs = combinations(range(len(names)), 2)
    expected = sum(right[:, i] + right[:, j] - 2 * right[:, i] * right[:, j] for i, j in pairs)
    share = both[:, -1] / np.maximum(expected, 1e-12)
    return (float(share[0]), *map(float, metrics.interval(share[1:], study.level)))


@held
def pairs(study) -> Outcome:
    """Extra 20: all pairs: what the printed counts can say, and McNemar's test on our predictions.

    print, errors nested / apart      the lowest and the highest p that the printed counts allow
    print, as if two samples          the printed counts as of two sets of pictures
    print, errors overlap as in ...   the printed counts with the overlap of our networks' errors
    <protocol>                        McNemar on one training each (seed 0), as the thesis had one
    <protocol>, seeds averaged        the difference of accuracies over its spread in resampled
                                      worlds (pictures drawn, seeds averaged)
    p is adjusted by Holm over all pairs of a family. Beside each family of ours stand the smallest
    p that so many pictures can reach and the smallest difference that each pair would show.
    """
    printed = papers.published("orgil2022-t4_1")
    printed = printed.pivot(index="model", columns="metric", values="value")
    total, right = printed.Total.iloc[0], printed.Correct
    family = list(combinations(classifiers.NETWORKS, 2))
    bounds = np.array([mcnemar_bounds(right[a], right[b], total) for a, b in family])
    apart = [_two_samples(right[a] / total, right[b] / total, total) for a, b in family]
    tests = {
        "print, errors nested": (family, bounds[:, 0]),
        "print, errors apart": (family, bounds[:, 1]),
        "print, as if two samples": (family, apart),
    }
    rows = []
    for protocol, trained in study.initialisations.items():
        ours = list(combinations(trained, 2))
        if not ours:
            continue
        hits = {n: probabilities(study, n, protocol).argmax(-1) == study.truth for n in trained}
        first = {n: hit[0] for n, hit in hits.items()}  # (N,) of seed 0
        tests[protocol] = ours, [metrics.mcnemar(first[a], first[b]) for a, b in ours]
        share = overlap(first, study.contents, study)
        like_ours = [disagreeing(right[a], right[b], total, share[0]) for a, b in family]
        tests[f"{AS_OURS} {protocol}"] = family, like_ours
        about = {"first": "all", "second": "all", "metric": OVERLAP, "protocol": protocol}
        rows.append(about | interval(share) | {"unit": "share of independent errors"})
        *gaps, p = face_scores.gains(hits, ours, study.contents, study)
        tests[f"{protocol}, seeds averaged"] = ours, p
        rows += _differences(ours, 100 * np.stack(gaps, 1), protocol)
        rows += _limits(study, ours, hits, protocol)
    for protocol, (ours, p) in tests.items():
        about = {"metric": "p, Holm", "protocol": protocol, "unit": "probability"}
        rows += [
            {"first": a, "second": b, "measured": v} | about
            for (a, b), v in zip(ours, metrics.holm(p), strict=True)
        ]
    gaps = [[100 * (right[a] - right[b]) / total, np.nan, np.nan] for a, b in family]
    rows += _differences(family, gaps, "print")
    return study.outcome(pd.DataFrame(rows), settled=settled(study))


def _differences(family: list[tuple], gaps, protocol: str) -> list[dict]:
    about = {"metric": "difference in accuracy", "protocol": protocol, "unit": "points"}
    return [
        {"first": a, "second": b} | interval(gap) | about
        for (a, b), gap in zip(family, gaps, strict=True)
    ]


def _limits(study, family: list[tuple], hits: dict, protocol: str) -> list[dict]:
    """What a family can show at best: its smallest p, and the difference that every pair shows."""
    effects = []
    for a, b in family:
        gap = 100 * (hits[a].mean(0) - hits[b].mean(0))  # (N,)
        effects.append(metrics.detectable(gap, study.contents, family=len(family)))
    pictures = len(np.unique(study.contents))
    limits = {
        SMALLEST_P: (floor(pictures, len(family)), "probability"),
        DETECTABLE: (max(effects), "points"),
    }
    about = {"first": "all pairs", "second": "", "protocol": f"{protocol}, seeds averaged"}
    return [
        about | {"metric": name, "measured": value, "unit": unit}
        for name, (value, unit) in limits.items()
    ]


def separated(study) -> pd.DataFrame:
    """How many of the pairs differ at 5 % after Holm, by way of reading.

    Columns protocol, pairs, differ, and of the families of ours what they can show at best.
    """
    frame = pairs(study).frame
    adjusted = frame[frame.metric == "p, Holm"]
    counted = adjusted.assign(differ=adjusted.measured < 0.05).groupby("protocol", sort=False)
    counted = counted.agg(pairs=("differ", "size"), differ=("differ", "sum")).reset_index()
    for limit in (SMALLEST_P, DETECTABLE):
        known = frame[frame.metric == limit].set_index("protocol").measured
        counted[limit] = counted.protocol.map(known)
    return counted


# ---------------------------------------------------------------- one thing changed at a time


@held
def ways(study) -> Outcome:
    """Extra 21: what the choices around a network do.

    `way` changes what is read off a trained network (the mirror image, the priors, the average of
    all), `trained` how it was trained (the votes as targets, the duplicates, the batch).
    """
    said, one = {}, study.sizes.variant_of
    for protocol, names in study.initialisations.items():
        for way in (PLAIN, SHIFTED, MIRRORED, BOTH):
            said |= {(n, protocol, way): probabilities(study, n, protocol, way) for n in names}
            if len(names) > 1:
                said[AVERAGED, protocol, way] = averaged(study, protocol, way)
    for variant, way in product(study.sizes.variants, (PLAIN, SHIFTED)):
        said[one, variant, way] = probabilities(study, one, variant, way)
    if study.shipped is not None:
        said[LITE0, SHIPPED, MIRRORED] = study.shipped[None]
    twice = [(one, trained, PLAIN) for trained in (study.base, CLEANED)]
    changed = {key: said[key] for key in twice if key in said}
    parts = [
        ("all test pictures", said, None),
        ("clean test", changed, study.fresh),
        ("test pictures that stand in training", changed, ~study.fresh),
    ]
    frames = [
        measures(study, of, ("model", "trained", "way"), keep).assign(protocol=protocol)
        for protocol, of, keep in parts
        if keep is None or keep.any()
    ]
    return study.outcome(pd.concat(frames), settled=settled(study))
