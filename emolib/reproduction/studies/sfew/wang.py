"""Wang: pruned shallow networks and 1-D CNNs on the SFEW feature table (notebook 20).

Protocols, from the nearest to the paper to the one we stand by:

    as printed                 random split, scaled over all rows, the paper's budget, last epoch
    as printed, training rows  the same, scaled on the training rows only
    as printed, movie-grouped  the same, and no cast on two sides of the split
    selected on the test part  random split, converged, epoch and angle chosen on the part that is reported
    nested, random             random split, converged, epoch and angle chosen on validation
    nested, movie-grouped      the same, and no cast on two sides of the split

The baseline the paper compares with is strictly person independent, so only the last protocol is its own.
"""

from __future__ import annotations

import functools
from dataclasses import asdict
from itertools import product

import numpy as np
import pandas as pd
import torch

from emolib import metrics, pruning, training
from emolib.data.splits import cross_validation
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.sfew import wang_networks as networks
from emolib.reproduction.studies.sfew.wang_plan import (
    SIZES,
    STOCK,
    Sizes,
    plan,
    readings,
    results,
    table,
    truth,
)
from emolib.reproduction.studies.sfew.wang_plan import train as train  # the notebook's first call

EMOTIONS = (
    "Angry",
    "Disgust",
    "Fear",
    "Happy",
    "Neutral",
    "Sad",
    "Surprise",
)  # the columns of Table 3
BASELINE, LBP, PHOG = (
    "SPI Protocol (Baseline)[6]",
    "LBP for shallow network (Ours)",
    "PHOG for shallow network (Ours)",
)
CNN_LBP, CNN_PHOG, FUSION = (
    "LBP for CNN model (Ours)",
    "PHOG for CNN model (Ours)",
    "CNN fusion model (Ours)",
)
OURS = ("nested, random", "nested, movie-grouped")
READINGS = (
    "",
    ", repeated",
    ", centred on 0.5",
    ", centred on 0.5, repeated",
)  # of the angle and of step 4
_VARIANTS = tuple(
    scope + reading for scope in ("", ", training rows", ", movie-grouped") for reading in READINGS
)
SHOWN = (
    "as printed",
    "as printed, centred on 0.5",
    "as printed, movie-grouped",
    "selected on the test part",
    *OURS,
)


def outcome(frame: pd.DataFrame, profile: str, **more) -> Outcome:
    """An Outcome on the SFEW table with the seeds and sizes of a profile."""
    sizes = SIZES[profile]
    return Outcome(
        frame.reset_index(drop=True),
        profile,
        sources_of(table(profile)),
        tuple(range(sizes.seeds)),
        asdict(sizes),
        **more,
    )


# ---------------------------------------------------------------- Tables 1 and 2: the worked example


def table_1(profile: str = "quick") -> Outcome:
    """Table 1 as it is printed: six hidden units on ten patterns. There is nothing to measure in it."""
    frame = papers.published("wang-t1")[["pattern", "hidden_unit", "metric"]].assign(
        protocol="as printed", measured=np.nan
    )
    return Outcome(frame, profile)


def printed_activations() -> torch.Tensor:
    """Table 1 as a matrix: (10 patterns, 6 hidden units), float64."""
    printed = papers.published("wang-t1").pivot(
        index="pattern", columns="hidden_unit", values="value"
    )
    return torch.tensor(printed.to_numpy().tolist(), dtype=torch.float64)


@runs.once
def table_2(profile: str = "quick") -> Outcome:
    """Table 2 from Table 1 (Eq. 2): the fifteen angles as printed, and centred on 0.5."""
    activations, rows = printed_activations(), []
    for protocol, centre in (("as printed", None), ("centred on 0.5", 0.5)):
        angles = pruning.vector_angles(activations, centre)
        rows += [
            {
                "unit_i": str(i + 1),
                "unit_j": str(j + 1),
                "metric": "Vector angle",
                "protocol": protocol,
                "measured": float(angles[i, j]),
            }
            for i in range(6)
            for j in range(i + 1, 6)
        ]
    return Outcome(pd.DataFrame(rows), profile, exact=1)


# ---------------------------------------------------------------- Table 3 and the question behind it


@runs.once
def predictions(profile: str) -> dict[tuple[str, str], np.ndarray]:
    """Named classes (R, N) of every method under every protocol of Table 3, out of fold."""
    sizes, out = SIZES[profile], {}
    grid = plan(profile)

    for split in networks.SPLITS:
        (printed,), (nested,) = (
            results(profile, [f"shallow, as printed, {split}"]),
            results(profile, [f"shallow, nested, {split}"]),
        )
        for f, method in enumerate((LBP, PHOG)):
            for s, reading in enumerate(READINGS):
                if split == "random":
                    out[method, f"as printed{reading}"] = printed["named"]["last"][s, f]
                    out[method, f"as printed, training rows{reading}"] = printed["named"]["last"][
                        s, f + 2
                    ]
                else:
                    out[method, f"as printed, movie-grouped{reading}"] = printed["named"]["last"][
                        s, f
                    ]
            out[method, f"nested, {split}"] = _chosen(nested, f, sizes, profile, split)
            if split == "random":
                out[method, "selected on the test part"] = _best_on_test(
                    nested["named"]["test"][:, f], truth(profile)
                )
        for kind, methods in (("single", (CNN_LBP, CNN_PHOG)), ("fusion", (FUSION,))):
            for scaling in networks.SCALINGS:
                name = f"cnn {kind}, as printed, {split}, {scaling}"
                if name in grid:
                    (cnn,) = results(profile, [name])
                    protocol = {
                        ("random", "all rows"): "as printed",
                        ("random", "training rows"): "as printed, training rows",
                        ("movie-grouped", "training rows"): "as printed, movie-grouped",
                    }[split, scaling]
                    for f, method in enumerate(methods):
                        out[method, protocol] = cnn["named"]["last"][0, f]
            (cnn,) = results(profile, [f"cnn {kind}, nested, {split}"])
            for f, method in enumerate(methods):
                out[method, f"nested, {split}"] = cnn["named"]["validation"][0, f]
                if split == "random":
                    out[method, "selected on the test part"] = cnn["named"]["test"][0, f]
        for model in STOCK:
            (stock,) = results(profile, [f"{model}, {split}"])
            for f, name in enumerate(grid[f"{model}, {split}"]["features"]):
                out[f"{model}, {name.replace('LPQ', 'LBP')}", f"nested, {split}"] = stock["named"][
                    "validation"
                ][0, f]
                if split == "random" and model != "majority":
                    out[f"{model}, {name.replace('LPQ', 'LBP')}", "selected on the test part"] = (
                        stock["named"]["test"][0, f]
                    )
    for (
        protocol
    ) in OURS:  # the printed baseline is an SVM on both descriptors; ours stands in its row
        out[BASELINE, protocol] = out["SVM, LBP+PHOG", protocol]
    return out


def _chosen(nested: dict, f: int, sizes: Sizes, profile: str, split: str) -> np.ndarray:
    """Predictions (R, N) where each fold uses the angle that is best on its own validation part."""
    best = nested["validated"]["validation"][:, f].argmax(0)  # (R, K)
    named = np.empty(nested["named"]["validation"].shape[2:], np.int8)  # (R, N)
    for r in range(sizes.seeds):
        for k, cut in enumerate(
            cross_validation(table(profile), sizes.folds, seed=r, leaky=split == "random")
        ):
            named[r, cut.test] = nested["named"]["validation"][best[r, k], f, r, cut.test]
    return named


def _best_on_test(named: np.ndarray, true: np.ndarray) -> np.ndarray:
    """(S, R, N) -> (R, N): the one setting with the highest score on the reported rows."""
    return named[(named == true).mean((1, 2)).argmax()]


def scores(named: np.ndarray, profile: str) -> pd.DataFrame:
    """Recall and precision of each class, their means, accuracy and macro-F1 with intervals over casts: metric, emotion, ..."""
    true, cast, p = truth(profile), table(profile).subject, shared(profile)
    one_hot, said = np.eye(7)[true], np.eye(7)[named]  # (N, 7), (R, N, 7)
    right = (said * one_hot).mean(0)  # (N, 7) share of seeds
    boot = functools.partial(metrics.bootstrap_draws, clusters=cast, draws=p.draws)
    recall, recall_draws = boot(right, weights=one_hot)
    precision, precision_draws = boot(_safe(right, said.mean(0)), weights=said.mean(0))
    accuracy, accuracy_draws = boot(right.sum(1))
    f1, f1_draws = (
        2 * a * b / np.maximum(a + b, 1e-12)
        for a, b in ((recall, precision), (recall_draws, precision_draws))
    )
    rows = []

    def row(metric, emotion, value, draws):
        low, high = metrics.interval(draws, p.level)
        rows.append(
            {
                "emotion": emotion,
                "metric": metric,
                "measured": float(value),
                "low": float(low),
                "high": float(high),
            }
        )

    for c, emotion in enumerate(EMOTIONS):
        row("accuracy", emotion, recall[c], recall_draws[:, c])
        row("precision", emotion, precision[c], precision_draws[:, c])
    row("accuracy", "Average Accuracy", np.nanmean(recall), _nanmean(recall_draws))
    row("share of rows right", "Average Accuracy", accuracy, accuracy_draws)
    row(
        "macro-F1",
        "Average Accuracy",
        np.nanmean(np.nan_to_num(f1)),
        np.nan_to_num(f1_draws).mean(1),
    )
    return pd.DataFrame(rows)


def _safe(top, bottom):
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def _nanmean(draws: np.ndarray) -> np.ndarray:
    """Mean over classes of each draw; a class that a draw misses is left out of that draw."""
    return np.nansum(draws, 1) / np.maximum((~np.isnan(draws)).sum(1), 1)


@runs.once
def average_precision(profile: str) -> pd.DataFrame:
    """Macro average precision of the networks by protocol: the score that section 4.2 names."""
    rows = []
    for split in networks.SPLITS:
        (printed,), (cnn,), (fusion,) = (
            results(profile, [name])
            for name in (
                f"shallow, as printed, {split}",
                f"cnn single, nested, {split}",
                f"cnn fusion, nested, {split}",
            )
        )
        protocol = {
            "random": "as printed, training rows",
            "movie-grouped": "as printed, movie-grouped",
        }[split]
        lbp, phog = printed["average_precision"][0, -2:]  # the views scaled on training rows
        for method, name, ap in (
            (LBP, protocol, lbp),
            (PHOG, protocol, phog),
            (CNN_LBP, f"nested, {split}", cnn["average_precision"][0, 0]),
            (CNN_PHOG, f"nested, {split}", cnn["average_precision"][0, 1]),
            (FUSION, f"nested, {split}", fusion["average_precision"][0, 0]),
        ):
            low, high = (float(ap.min()), float(ap.max())) if len(ap) > 1 else (np.nan, np.nan)
            rows.append(
                {
                    "method": method,
                    "emotion": "Average Accuracy",
                    "metric": "macro average precision, last epoch (range of seeds)",
                    "protocol": name,
                    "measured": float(ap.mean()),
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


@runs.once
def table_3(profile: str = "quick") -> Outcome:
    """Table 3: every method under every protocol, by emotion, with intervals over casts."""
    frames = [
        scores(named, profile).assign(method=method, protocol=protocol)
        for (method, protocol), named in predictions(profile).items()
    ]
    frame = pd.concat([*frames, average_precision(profile)])
    return outcome(
        frame[["method", "emotion", "metric", "protocol", "measured", "low", "high"]].assign(
            unit="fraction"
        ),
        profile,
        settled=settled(profile),
    )


@runs.once
def settled(profile: str) -> frozenset[str]:
    """Protocols that may decide: the paper's own budgets once they are run in full, ours once every network settled."""
    sizes, full = SIZES[profile], Sizes()
    printed = (sizes.shallow_epochs, sizes.cnn_epochs) == (full.shallow_epochs, full.cnn_epochs)
    done = {"as printed", *(f"as printed{more}" for more in _VARIANTS)} if printed else set()
    done |= {"sweep"} if sizes.sweep_epochs == full.sweep_epochs else set()
    for protocol in OURS:
        names = [
            n for n in plan(profile) if n.startswith(("cnn", "shallow")) and n.endswith(protocol)
        ]
        if all(has_settled(r["curves"]) for r in results(profile, names)):
            done |= (
                {protocol, "selected on the test part"}
                if protocol == "nested, random"
                else {protocol}
            )
    return frozenset(done)


def has_settled(curves: dict) -> bool:
    """Did an ensemble train to its end? The validation accuracy no longer climbs (a point or more between the last
    two fifths), and either the validation loss has turned upwards or loss and training accuracy are flat.

    A flat loss alone deceives here: it rests for long on the plateau of "every class is one in seven" while the
    network has not begun. So a flat ensemble also has to have learnt something: three points above chance in training.
    """
    loss, seen, unseen = (
        curves[k].mean((1, 2)) for k in ("validation loss", "train", "validation")
    )  # (E,) each
    turned = len(loss) >= 5 and loss[-max(1, len(loss) // 5) :].mean() > 1.005 * loss.min()
    flat = (
        training.plateaued(loss)
        and training.plateaued(1 - seen, gain=0.015)
        and seen[-1] > 1 / 7 + 0.03
    )
    return bool(training.plateaued(1 - unseen, gain=0.0125) and (turned or flat))


@runs.once
def one_protocol(profile: str = "quick") -> Outcome:
    """Does 19 % -> 31 % survive when both sides use one protocol? Differences in mean recall to an SVM on the same splits.

    One Holm family, declared here: five networks, two protocols. Paired by row, averaged over seeds, casts
    resampled. A difference is called none when its interval stays within 2 points.
    """
    named, true, p = predictions(profile), truth(profile), shared(profile)
    weight = 1 / np.bincount(true, minlength=7)[true] / 7  # mean recall as a sum over rows
    rows = []
    for protocol, method in product(OURS, (LBP, PHOG, CNN_LBP, CNN_PHOG, FUSION)):
        gain = (
            (
                (named[method, protocol] == true).mean(0)
                - (named[BASELINE, protocol] == true).mean(0)
            )
            * weight
            * len(true)
        )
        mean, low, high = metrics.bootstrap_ci(
            gain, table(profile).subject, draws=p.draws, level=p.level
        )
        rows.append(
            {
                "method": method,
                "metric": "mean recall above the SVM",
                "protocol": protocol,
                "measured": float(mean),
                "low": float(low),
                "high": float(high),
                "p": metrics.bootstrap_p(gain, table(profile).subject, draws=p.draws),
            }
        )
    frame = pd.DataFrame(rows)
    frame["p_holm"] = metrics.holm(frame.p)
    return outcome(
        frame.drop(columns="p").assign(unit="fraction"), profile, settled=settled(profile)
    )


@runs.once
def pruning_readings(profile: str = "quick") -> Outcome:
    """Twelve readings of Algorithm 1 at 16 units and 60 degrees: units left and mean recall."""
    rows = []
    for split in SIZES[profile].sweep_splits:
        (result,) = results(profile, [f"readings, {split}"])
        for (s, setting), (f, feature) in product(
            enumerate(readings()), enumerate(("LBP", "PHOG"))
        ):
            label = {
                "features": feature,
                "centre": "0.5" if setting.centre else "none",
                "pruned": "until no pair" if setting.repeat else "once",
                "survivors": "start anew" if setting.fresh else "keep weights",
                "outgoing": "to the twin" if setting.merge else "dropped",
            }
            rows.append(
                {
                    **label,
                    "metric": "hidden units left",
                    "protocol": split,
                    "measured": float(result["alive"][s, f].mean()),
                    "unit": "units",
                }
            )
            rows.append(
                {
                    **label,
                    "metric": "mean recall",
                    "protocol": split,
                    **mean_recall(result["named"]["last"][s, f], profile),
                    "unit": "fraction",
                }
            )
    return outcome(pd.DataFrame(rows), profile)


def mean_recall(named: np.ndarray, profile: str) -> dict:
    """Mean recall of predictions (R, N) with its interval: {'measured', 'low', 'high'}."""
    true, p = truth(profile), shared(profile)
    one_hot = np.eye(7)[true]
    recall, draws = metrics.bootstrap_draws(
        (named == true).mean(0)[:, None] * one_hot,
        clusters=table(profile).subject,
        weights=one_hot,
        draws=p.draws,
    )
    low, high = metrics.interval(_nanmean(draws), p.level)
    return {"measured": float(np.nanmean(recall)), "low": float(low), "high": float(high)}
