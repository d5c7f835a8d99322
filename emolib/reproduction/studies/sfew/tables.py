"""Tables of wang (notebook 20), under these protocols, from the nearest to the paper to our own:

    as printed                 random split, scaled over all rows, the paper's budget, last epoch
    as printed, training rows  the same, scaled on the training rows only
    as printed, movie-grouped  the same, and no cast on two sides of the split
    selected on the test part  random split, converged, epoch and angle chosen on the reported part
    nested, random             random split, converged, epoch and angle chosen on validation
    nested, movie-grouped      the same, and no cast on two sides of the split
    ..., cross-entropy         either of the two, trained with cross-entropy in place of smooth L1

The baseline the paper compares with is strictly person independent, so only the last is its own.
"""

from __future__ import annotations

import functools
from itertools import product

import numpy as np
import pandas as pd
import torch

from emolib import metrics, pruning
from emolib.models.fusion1d import CHANNELS, Fusion1d
from emolib.models.members import parameter_count
from emolib.models.shallow import Shallow
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies.sfew.plan import READINGS, STOCK, USUAL_LOSS, Sizes, Study
from emolib.reproduction.studies.sfew.training import SPLITS, folds_of
from emolib.training import plateaued

# the columns of Table 3
EMOTIONS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
AVERAGE = "Average Accuracy"  # its last column
COLUMNS = ["method", "emotion", "metric", "protocol", "measured", "low", "high"]
BASELINE = "SPI Protocol (Baseline)[6]"
LBP, PHOG = "LBP for shallow network (Ours)", "PHOG for shallow network (Ours)"
CNN_LBP, CNN_PHOG = "LBP for CNN model (Ours)", "PHOG for CNN model (Ours)"
FUSION = "CNN fusion model (Ours)"
RANDOM, GROUPED = OURS = ("nested, random", "nested, movie-grouped")
PRINTED = {
    ("random", "all rows"): "as printed",
    ("random", "training rows"): "as printed, training rows",
    ("movie-grouped", "training rows"): "as printed, movie-grouped",
}
BY_ENTROPY = tuple(f"{protocol}, {USUAL_LOSS}" for protocol in OURS)
ON_TEST = "selected on the test part"
SHOWN = ("as printed", "as printed, centred on 0.5", "as printed, movie-grouped", ON_TEST)
SHOWN += (RANDOM, BY_ENTROPY[0], GROUPED, BY_ENTROPY[1])


# ---------------------------------------------------------------- Tables 1 and 2: the example


def table_1(study: Study) -> Outcome:
    """Table 1 as it is printed: six hidden units on ten patterns. Nothing in it can be measured."""
    frame = papers.published("wang-t1")[["pattern", "hidden_unit", "metric"]]
    return Outcome(frame.assign(protocol="as printed", measured=np.nan), study.profile)


def printed_activations() -> torch.Tensor:
    """Table 1 as a matrix: (10 patterns, 6 hidden units), float64."""
    printed = papers.published("wang-t1")
    printed = printed.pivot(index="pattern", columns="hidden_unit", values="value")
    return torch.tensor(printed.to_numpy().tolist(), dtype=torch.float64)


@held
def table_2(study: Study) -> Outcome:
    """Table 2 from Table 1 (Eq. 2): the fifteen angles as printed, and centred on 0.5."""
    activations, rows = printed_activations(), []
    for protocol, centre in (("as printed", None), ("centred on 0.5", 0.5)):
        angles = pruning.vector_angles(activations, centre)
        for i, j in zip(*np.triu_indices(6, 1)):
            pair = {"unit_i": str(i + 1), "unit_j": str(j + 1), "metric": "Vector angle"}
            rows.append(pair | {"protocol": protocol, "measured": float(angles[i, j])})
    return Outcome(pd.DataFrame(rows), study.profile, exact=1)


# ---------------------------------------------------------------- Table 3


@held
def predictions(study: Study) -> dict[tuple[str, str], np.ndarray]:
    """Named classes (R, N) of every method under every protocol of Table 3, out of fold."""
    named = {}
    for split in SPLITS:
        named |= _shallow(study, split) | _cnns(study, split) | _stock(study, split)
    for protocol in OURS:  # the printed baseline is an SVM on both descriptors; so is ours
        named[BASELINE, protocol] = named["SVM, LBP+PHOG", protocol]
    return named


def _shallow(study: Study, split: str) -> dict:
    printed = study.result(f"shallow, as printed, {split}")["named"]["last"]
    by_loss = {}
    for protocol in (f"nested, {split}", f"nested, {split}, {USUAL_LOSS}"):
        by_loss[protocol] = study.result(f"shallow, {protocol}")
    views, named = study.plan[f"shallow, as printed, {split}"]["views"], {}
    for f, (method, feature) in enumerate(((LBP, "LPQ"), (PHOG, "PHOG"))):
        for s, reading in enumerate(READINGS):
            for v, (name, scaling) in enumerate(views):
                if name == feature:
                    named[method, PRINTED[split, scaling] + reading] = printed[s, v]
        for protocol, nested in by_loss.items():
            named[method, protocol] = _angle_by_fold(study, split, nested, f)
        if split == "random":  # the one angle with the highest score on the reported rows
            tested = by_loss[RANDOM]["named"]["test"][:, f]  # (S, R, N)
            named[method, ON_TEST] = tested[(tested == study.truth).mean((1, 2)).argmax()]
    return named


def _angle_by_fold(study: Study, split: str, nested: dict, view: int) -> np.ndarray:
    """Predictions (R, N) with the angle that is best on the validation part of each fold."""
    best = nested["validated"][:, view].argmax(0)  # (R, K)
    chosen = np.empty((len(study.seeds), len(study.truth)), np.int8)  # (R, N)
    for seed in study.seeds:
        for k, cut in enumerate(folds_of(study.table, split, study.sizes.folds, seed)):
            of_angle = nested["named"]["validation"][best[seed, k], view, seed]
            chosen[seed, cut.test] = of_angle[cut.test]
    return chosen


def _cnns(study: Study, split: str) -> dict:
    named = {}
    for kind, methods in (("single", (CNN_LBP, CNN_PHOG)), ("fusion", (FUSION,))):
        for scaling in study.printed_scalings(split):
            printed = study.result(f"cnn {kind}, as printed, {split}, {scaling}")["named"]
            for f, method in enumerate(methods):
                named[method, PRINTED[split, scaling]] = printed["last"][0, f]
        nested = study.result(f"cnn {kind}, nested, {split}")["named"]
        for f, method in enumerate(methods):
            named[method, f"nested, {split}"] = nested["validation"][0, f]
            if split == "random":
                named[method, ON_TEST] = nested["test"][0, f]
    usual = study.result(f"cnn fusion, nested, {split}, {USUAL_LOSS}")["named"]
    named[FUSION, f"nested, {split}, {USUAL_LOSS}"] = usual["validation"][0, 0]
    return named


def _stock(study: Study, split: str) -> dict:
    named = {}
    for model in STOCK:
        answers = study.result(f"{model}, {split}")["named"]
        for f, features in enumerate(study.plan[f"{model}, {split}"]["features"]):
            method = f"{model}, {features.replace('LPQ', 'LBP')}"
            named[method, f"nested, {split}"] = answers["validation"][0, f]
            if split == "random" and model != "majority":
                named[method, ON_TEST] = answers["test"][0, f]
    return named


def scores(study: Study, named: np.ndarray) -> pd.DataFrame:
    """Of predictions (R, N): recall and precision of each class, mean recall, accuracy, macro-F1.

    Columns emotion, metric, measured, low, high; intervals over casts.
    """
    true, share = np.eye(7)[study.truth], np.eye(7)[named].mean(0)  # (N, 7) both
    right = true * share
    boot = functools.partial(
        metrics.bootstrap_draws, clusters=study.table.subject, draws=study.draws
    )
    recall, recall_drawn = boot(right, weights=true)
    of_named = np.divide(right, share, out=np.zeros_like(right), where=share > 0)
    precision, precision_drawn = boot(of_named, weights=share)
    accuracy, accuracy_drawn = boot(right.sum(1))
    f1, f1_drawn = (
        np.nan_to_num(2 * a * b / np.maximum(a + b, 1e-12))
        for a, b in ((recall, precision), (recall_drawn, precision_drawn))
    )
    values = []
    for c, emotion in enumerate(EMOTIONS):
        values.append((emotion, "accuracy", recall[c], recall_drawn[:, c]))
        values.append((emotion, "precision", precision[c], precision_drawn[:, c]))
    # a class that a draw misses is left out of that draw
    mean_recall = np.nanmean(recall), np.nanmean(recall_drawn, 1)
    values.append((AVERAGE, "accuracy", *mean_recall))
    values.append((AVERAGE, "share of rows right", accuracy, accuracy_drawn))
    values.append((AVERAGE, "macro-F1", f1.mean(), f1_drawn.mean(1)))
    rows = []
    for emotion, metric, value, drawn in values:
        low, high = metrics.interval(drawn, study.level)
        rows.append([emotion, metric, float(value), float(low), float(high)])
    return pd.DataFrame(rows, columns=["emotion", "metric", "measured", "low", "high"])


def average_precision(study: Study) -> pd.DataFrame:
    """Macro average precision of the networks by protocol: the score that section 4.2 names."""
    metric, rows = "macro average precision, last epoch (range of seeds)", []
    for split in SPLITS:
        for name, protocol, methods in (
            ("shallow, as printed", PRINTED[split, "training rows"], (LBP, PHOG)),
            ("cnn single, nested", f"nested, {split}", (CNN_LBP, CNN_PHOG)),
            ("cnn fusion, nested", f"nested, {split}", (FUSION,)),
        ):
            of_views = study.result(f"{name}, {split}")["average_precision"][0]  # (F, R)
            # of the views as printed the last two are scaled on training rows
            for method, values in zip(methods, of_views[-len(methods) :], strict=True):
                spread = (values.min(), values.max()) if len(values) > 1 else (np.nan, np.nan)
                rows.append((method, AVERAGE, metric, protocol, values.mean(), *spread))
    return pd.DataFrame(rows, columns=COLUMNS)


@held
def table_3(study: Study) -> Outcome:
    """Table 3: every method under every protocol, by emotion, with intervals over casts."""
    frames = [
        scores(study, named).assign(method=method, protocol=protocol)
        for (method, protocol), named in predictions(study).items()
    ]
    frame = pd.concat([*frames, average_precision(study)])[COLUMNS]
    return study.outcome(frame.assign(unit="fraction"), settled=settled(study))


@held
def settled(study: Study) -> frozenset[str]:
    """Protocols that may decide: the paper's budgets once run in full, ours once all settled."""
    sizes, full, done = study.sizes, Sizes(), set()
    if (sizes.shallow_epochs, sizes.cnn_epochs) == (full.shallow_epochs, full.cnn_epochs):
        done |= {name + reading for name, reading in product(PRINTED.values(), READINGS)}
    if sizes.sweep_epochs == full.sweep_epochs:
        done |= {"sweep"}
    for protocol in (*OURS, *BY_ENTROPY):
        names = [name for name in study.plan if name.endswith(protocol)]
        if all(has_settled(result["curves"]) for result in study.results(names)):
            done |= {protocol, ON_TEST} if protocol == RANDOM else {protocol}
    return frozenset(done)


def has_settled(curves: dict) -> bool:
    """Did an ensemble train to its end? Curves (E, S, F).

    The validation accuracy no longer climbs (a point or more between the last two fifths), and
    either the validation loss has turned upwards or loss and training accuracy are flat. A flat
    loss alone deceives: it rests for long on "every class is one in seven" before a network begins.
    So a flat ensemble also has to have learnt something: three points above chance.
    """
    names = ("validation loss", "train", "validation")
    loss, seen, unseen = (curves[name].mean((1, 2)) for name in names)  # (E,) each
    turned = len(loss) >= 5 and loss[-max(1, len(loss) // 5) :].mean() > 1.005 * loss.min()
    learnt = plateaued(1 - seen, gain=0.015) and seen[-1] > 1 / 7 + 0.03
    flat = plateaued(loss) and learnt
    return bool(plateaued(1 - unseen, gain=0.0125) and (turned or flat))


@held
def one_protocol(study: Study) -> Outcome:
    """Does 19 % -> 31 % survive one protocol? Differences in mean recall, paired by row.

    Three Holm families, declared here; seeds averaged, casts resampled:
    above the SVM           five networks, two protocols: against an SVM on the same splits
    lost by grouping films  each network and the SVM: the random split less the grouped one
    cross-entropy gains     three networks, two protocols: less the same with the paper's smooth L1
    """
    networks, rows = (LBP, PHOG, CNN_LBP, CNN_PHOG, FUSION), []
    for protocol, method in product(OURS, networks):
        compared = (method, protocol), (BASELINE, protocol)
        rows.append(_difference(study, "mean recall above the SVM", *compared))
    for method in (BASELINE, *networks):
        compared = (method, RANDOM), (method, GROUPED)
        rows.append(_difference(study, "mean recall lost by grouping films", *compared))
    for protocol, method in product(BY_ENTROPY, (LBP, PHOG, FUSION)):
        compared = (method, protocol), (method, protocol.removesuffix(f", {USUAL_LOSS}"))
        rows.append(_difference(study, "mean recall that cross-entropy gains", *compared))
    frame = pd.DataFrame(rows)
    frame["p_holm"] = frame.groupby("metric").p.transform(metrics.holm)
    frame = frame.drop(columns="p").assign(unit="fraction")
    return study.outcome(frame, settled=settled(study))


def _difference(study: Study, metric: str, better: tuple, other: tuple) -> dict:
    """Mean recall of one (method, protocol) less that of another, with interval and p."""
    true, named = study.truth, predictions(study)
    weight = 1 / np.bincount(true, minlength=7)[true] / 7  # mean recall as a sum over rows
    one, less = ((named[key] == true).mean(0) for key in (better, other))  # (N,)
    test = {"test": "bootstrap", "draws": study.draws, "level": study.level}
    told = metrics.difference((one - less) * weight * len(true), study.table.subject, **test)
    return {"method": better[0], "metric": metric, "protocol": better[1]} | told


def diagram(study: Study) -> Outcome:
    """Figures 4 and 5 are diagrams, with nothing to measure: a table that names their sizes."""
    parts = {"inputs per descriptor": 5, "hidden units": 16, "classes": 7}
    parts |= {f"channels of convolution {i + 1}": c for i, c in enumerate(CHANNELS)}
    parts["weights, shallow"] = parameter_count(Shallow([0]))
    parts["weights, 1 branch"] = parameter_count(Fusion1d([0], branches=1))
    parts["weights, 2 branches"] = parameter_count(Fusion1d([0], branches=2))
    return Outcome(pd.DataFrame(parts.items(), columns=["part", "measured"]), study.profile)
