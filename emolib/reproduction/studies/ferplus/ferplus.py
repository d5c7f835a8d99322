"""Orgil: eleven image classifiers on FERPlus (notebook 13; the thesis of 2022, sections 2.1 and 4.1).

Protocols of Table 4.1:

    from scratch                   the networks as the thesis names them, 224 pixels
    ImageNet weights               the same from public weights, where these lie on the machine (the thesis does not say which it did);
                                   EfficientNet-Lite0, whose weights come with a package, is a row that the table does not have
    narrow, from scratch           stand-ins of a quarter of the width on small windows: what a CPU trains in a minute; they rank nothing
    ..., clean test                the same networks, read without the test pictures whose every pixel stands in the training part

PublicTest chooses the epoch (lowest loss), PrivateTest is read once. Nobody in FER2013 has a name, so the picture is the cluster of
every interval; seeds are averaged within a picture.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from math import erfc, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import softmax

from emolib import metrics, training
from emolib.data.sampler import prior_shift
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models import classifiers
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.studies import face_scores
from emolib.reproduction.studies.ferplus import ferplus_networks as networks
from emolib.reproduction.studies.ferplus.ferplus_plan import (
    CLEANED,
    base,
    contents,
    faces,
    fresh,
    initialisations,
    results,
    shares,
    sizes,
    truth,
)
from emolib.reproduction.studies.ferplus.ferplus_plan import (
    train as train,  # the notebook's first call
)

BATCHES = 392  # 3,136 printed test pictures in batches of eight
CLEAN = ", clean test"
PLAIN, SHIFTED, MIRRORED, BOTH = (
    "as trained",
    "prior shift",
    "mirror average",
    "mirror average, prior shift",
)
AVERAGED = "average of all networks"


def outcome(frame: pd.DataFrame, profile: str, kind=Outcome, **more) -> Outcome:
    """An Outcome on FERPlus with the seeds and sizes of a profile."""
    return kind(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources_of(faces(profile)),
        seeds=tuple(range(sizes(profile).seeds)),
        caps=asdict(sizes(profile)),
        **more,
    )


# ---------------------------------------------------------------- what the networks said


def probabilities(profile: str, network: str, protocol: str, way: str = PLAIN) -> np.ndarray:
    """Probabilities (R, N, 7) on the test pictures: as trained, averaged with the mirror image, shifted to the training part's shares."""
    scores = np.stack([r["scores"] for r in results(profile, network, protocol)], 1).astype(
        float
    )  # (2, R, N, 7)
    p = softmax(scores, -1).mean(0) if way in (MIRRORED, BOTH) else softmax(scores[0], -1)
    if way in (SHIFTED, BOTH):
        p = np.exp(
            prior_shift(
                np.log(np.maximum(p, 1e-12)),
                np.full(networks.CLASSES, 1 / networks.CLASSES),
                shares(profile),
            )
        )
    return p


def averaged(profile: str, protocol: str, way: str = PLAIN) -> np.ndarray:
    """The averaged network of Figure 4.3: mean probabilities (R, N, 7) of all networks of a protocol, seed by seed."""
    return np.mean(
        [probabilities(profile, n, protocol, way) for n in initialisations(profile)[protocol]], 0
    )


def measures(
    said: dict[tuple, np.ndarray],
    names: tuple[str, ...],
    profile: str,
    keep: np.ndarray | None = None,
) -> pd.DataFrame:
    """Accuracy, macro-F1, loss, calibration error and Brier score of each entry of `said`: {key: probabilities (R, N, 7)}.

    names   column names of the key's parts;   keep   bool (N,): the pictures that count
    """
    keep = np.ones(len(truth(profile)), bool) if keep is None else keep
    true, rows = truth(profile)[keep], []
    found = face_scores.measured(
        {key: q[:, keep] for key, q in said.items()}, true, contents(profile)[keep], profile
    )
    for key, of in found.items():
        accuracy, loss = np.array(of["accuracy"]), np.array(of["loss"])
        shown = [
            ("Test accuracy", "percent", *(100 * accuracy)),
            ("macro-F1", "fraction", *of["macro-F1"]),
            ("MSE", f"loss per image x {BATCHES}", *(BATCHES * loss)),
            ("loss per image", "nats", *loss),
            ("calibration error", "fraction", *of["calibration error"]),
            ("squared error of the probabilities", "0 to 2", *of["squared error"]),
            ("Correct", "images", *(accuracy * len(true))),
            ("Total", "images", len(true), np.nan, np.nan),
        ]
        rows += [
            dict(zip(names, key, strict=True))
            | {
                "metric": metric,
                "measured": float(value),
                "low": float(a),
                "high": float(b),
                "unit": unit,
            }
            for metric, unit, value, a, b in shown
        ]
    return pd.DataFrame(rows)


# ---------------------------------------------------------------- Table 4.1


@runs.once
def table_4_1(profile: str = "quick") -> Outcome:
    """Table 4.1: each network under each protocol, with and without the test pictures that stand in training."""
    frames = []
    for protocol, names in initialisations(profile).items():
        said = {(n,): probabilities(profile, n, protocol) for n in names}
        for more, keep in (("", None), (CLEAN, fresh(profile))):
            frames.append(
                measures(said, ("model",), profile, keep).assign(protocol=protocol + more)
            )
        frames.append(
            _parameters(
                {n: results(profile, n, protocol)[0]["parameters"] for n in names}, protocol
            )
        )
    frames.append(_parameters(classifiers.sizes(networks.CLASSES), "full width"))
    return outcome(
        pd.concat(frames)[["model", "metric", "protocol", "measured", "low", "high", "unit"]],
        profile,
        settled=settled(profile),
    )


def _parameters(count: dict[str, int], protocol: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "model": n,
                "metric": "parameters",
                "protocol": protocol,
                "measured": v,
                "unit": "count",
            }
            for n, v in count.items()
        ]
    )


@runs.once
def settled(profile: str) -> frozenset[str]:
    """Protocols that may decide: networks of full width, every one of them trained until its validation loss stopped falling."""
    done = set()
    for protocol, names in initialisations(profile).items():
        if sizes(profile).narrow or set(names) != set(classifiers.NETWORKS):
            continue
        curves = [r["validation"] for n in names for r in results(profile, n, protocol)]
        if all(training.plateaued(c) for c in curves):
            done |= {protocol, protocol + CLEAN}
    return frozenset(done)


# ---------------------------------------------------------------- who differs from whom


def mcnemar_bounds(a: float, b: float, total: float) -> tuple[float, float]:
    """Lowest and highest p of McNemar's test that two counts of right answers allow, when nobody says which pictures they were.

    Lowest: the better network is right wherever the other is. Highest: their errors overlap as little as they can.
    """
    more, less = int(max(a, b)), int(min(a, b))
    apart = min(less, int(total) - more)  # pictures that only the worse network can have right
    return tuple(_sign_test(more - less + only, only) for only in (0, apart))


def _sign_test(one: int, other: int) -> float:
    return 1.0 if one + other == 0 else float(stats.binomtest(other, one + other, 0.5).pvalue)


@runs.once
def pairs(profile: str = "quick") -> Outcome:
    """All 55 pairs: what the printed counts can and cannot say, and McNemar's test on our own predictions; p adjusted by Holm.

    print, errors nested / apart      the lowest and the highest p that the printed counts allow
    print, as if two samples          the printed counts as of two sets of pictures: what is left when pairing is unknown
    print, disagreeing as ours ...    the printed counts with the share of disagreements of our own two networks of full width
    <protocol>                        McNemar on one training each (seed 0), as the thesis had one
    <protocol>, seeds averaged        the difference of accuracies over its spread in resampled worlds (images drawn, seeds averaged)
    """
    printed = papers.published("orgil2022-t4_1").pivot(
        index="model", columns="metric", values="value"
    )
    total, family, p = printed.Total.iloc[0], list(combinations(classifiers.NETWORKS, 2)), {}
    right = printed.Correct
    bounds = [mcnemar_bounds(right[a], right[b], total) for a, b in family]
    p["print, errors nested"], p["print, errors apart"] = map(list, zip(*bounds, strict=True))
    p["print, as if two samples"] = [
        _two_samples(right[a] / total, right[b] / total, total) for a, b in family
    ]
    families, rows = dict.fromkeys(p, family), []
    for protocol, trained in initialisations(profile).items():
        ours = list(combinations(trained, 2))
        if not ours:
            continue
        hits = {
            n: probabilities(profile, n, protocol).argmax(-1) == truth(profile) for n in trained
        }  # (R, N)
        p[protocol] = [metrics.mcnemar(hits[a][0], hits[b][0]) for a, b in ours]
        if not sizes(profile).narrow:
            differ = [round((hits[a][0] != hits[b][0]).mean() * total) for a, b in ours]
            p[f"print, disagreeing as ours {protocol}"] = [
                _with_disagreement(right[a], right[b], n)
                for (a, b), n in zip(ours, differ, strict=True)
            ]
        mean, low, high, p[f"{protocol}, seeds averaged"] = face_scores.gains(
            hits, ours, contents(profile), profile
        )
        rows += [
            {
                "first": a,
                "second": b,
                "metric": "difference in accuracy",
                "protocol": protocol,
                "measured": 100 * mean[k],
                "low": 100 * low[k],
                "high": 100 * high[k],
                "unit": "points",
            }
            for k, (a, b) in enumerate(ours)
        ]
        families |= dict.fromkeys(p.keys() - families.keys(), ours)
    for protocol, raw in p.items():
        rows += [
            {
                "first": a,
                "second": b,
                "metric": "p, Holm",
                "protocol": protocol,
                "measured": v,
                "unit": "probability",
            }
            for (a, b), v in zip(families[protocol], metrics.holm(raw), strict=True)
        ]
    rows += [
        {
            "first": a,
            "second": b,
            "metric": "difference in accuracy",
            "protocol": "print",
            "measured": 100 * (right[a] - right[b]) / total,
            "unit": "points",
        }
        for a, b in family
    ]
    return outcome(pd.DataFrame(rows), profile, settled=settled(profile))


def _two_samples(a: float, b: float, total: float) -> float:
    spread = sqrt((a * (1 - a) + b * (1 - b)) / total)
    return erfc(abs(a - b) / spread / sqrt(2))


def _with_disagreement(a: float, b: float, differing: int) -> float:
    """p of McNemar's test when `differing` pictures separate two networks with `a` and `b` right answers."""
    gap = int(abs(a - b))
    return _sign_test((max(differing, gap) + gap + 1) // 2, (max(differing, gap) - gap) // 2)


def separated(profile: str) -> pd.DataFrame:
    """How many of the pairs differ at 5 % after Holm, by way of reading: reading, pairs, differ."""
    frame = pairs(profile).frame
    frame = frame[frame.metric == "p, Holm"]
    counted = frame.assign(differ=frame.measured < 0.05).groupby("protocol", sort=False)
    return counted.agg(pairs=("differ", "size"), differ=("differ", "sum")).reset_index()


# ---------------------------------------------------------------- one thing changed at a time


@runs.once
def ways(profile: str = "quick") -> Outcome:
    """What the choices around a network do: the mirror image, the priors, the votes as targets, the duplicates, the average of all.

    `way` changes what is read off a trained network, `trained` how it was trained.
    """
    said = {}
    for protocol, names in initialisations(profile).items():
        for way in (PLAIN, SHIFTED, MIRRORED, BOTH):
            for n in names:
                said[n, protocol, way] = probabilities(profile, n, protocol, way)
            if len(names) > 1:
                said[AVERAGED, protocol, way] = averaged(profile, protocol, way)
    for variant in sizes(profile).variants:
        for way in (PLAIN, SHIFTED):
            said[sizes(profile).variant_of, variant, way] = probabilities(
                profile, sizes(profile).variant_of, variant, way
            )
    names = ("model", "trained", "way")
    frame = measures(said, names, profile).assign(protocol="all test pictures")
    changed = {
        k: v
        for k, v in said.items()
        if k[0] == sizes(profile).variant_of and k[1] in (base(profile), CLEANED) and k[2] == PLAIN
    }
    clean = measures(changed, names, profile, fresh(profile)).assign(protocol="clean test")
    known = ~fresh(profile)
    parts = [frame, clean]
    if known.any():
        parts.append(
            measures(changed, names, profile, known).assign(
                protocol="test pictures that stand in training"
            )
        )
    return outcome(pd.concat(parts), profile, settled=settled(profile))


# ---------------------------------------------------------------- for the other notebooks


def export(profile: str, folder: Path | None = None) -> str:
    """Write the ResNet50 of full width for emolib.features.backbone and say where; other profiles have none to write."""
    if sizes(profile).narrow:
        return f"nothing to export: the ResNet50 of profile '{profile}' is a narrow stand-in; full on a GPU trains the one that other notebooks read"
    from safetensors.numpy import save_file

    path = (folder or settings.data_root() / "models") / "resnet50_ferplus.safetensors"
    weights = results(profile, "ResNet50", base(profile))[0]["weights"]
    partial = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(weights, partial)
        partial.replace(path)
    except OSError as error:
        raise EmolibError(
            f"{path}: cannot be written ({error.strerror}); make it writable, or name another: export(profile, folder)"
        ) from None
    return str(path)
