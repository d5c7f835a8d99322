"""How good classifiers of faces are, compared on the same pictures (notebooks 13 and 41).

`study` hands in the number of bootstrap draws and the level of the intervals.
"""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np

from emolib import metrics
from emolib.metrics import calibration


def measured(probabilities: dict, true: np.ndarray, cluster: np.ndarray, study) -> dict:
    """{key: {measure: (value, low, high)}} of {key: probabilities (R, N, C) of R seeds}.

    true (N,) classes;   cluster (N,): pixel-identical pictures share a name and are drawn together
    accuracy, loss (nats a picture), macro-F1: seeds are averaged within a picture, and one set of
    worlds serves all keys; a class that a world misses is left out of it. Calibration error and
    squared error (Brier score) come without an interval.
    """
    values, weights = [], []
    for said in probabilities.values():
        hot = np.eye(said.shape[-1])[true]  # (N, C)
        named = np.eye(said.shape[-1])[said.argmax(-1)]  # (R, N, C)
        right = (named * hot).mean(0)  # (N, C): share of seeds
        sure = np.take_along_axis(said, true[None, :, None], -1)  # (R, N, 1)
        loss = -np.log(np.maximum(sure, 1e-12)).mean(0)
        both = named.mean(0) + hot  # F1 = 2 TP / (named + true)
        f1 = np.divide(2 * right, both, out=np.zeros_like(both), where=both > 0)
        values += [right.sum(1, keepdims=True), loss, f1]
        weights += [np.ones_like(loss), np.ones_like(loss), both]
    mean, drawn = metrics.bootstrap_draws(
        np.hstack(values), cluster, np.hstack(weights), draws=study.draws
    )
    measures, parts = {}, len(probabilities)
    columns = zip(probabilities.items(), np.split(mean, parts), np.split(drawn, parts, 1))
    for (key, said), value, worlds in columns:
        low, high = metrics.interval(worlds[:, :2], study.level)
        f1 = metrics.interval(np.nanmean(worlds[:, 2:], 1), study.level)
        error = np.mean([calibration.calibration_error(one, true) for one in said])
        squared = np.mean([float(calibration.brier(one, true)) for one in said])
        measures[key] = {
            "accuracy": (value[0], low[0], high[0]),
            "loss": (value[1], low[1], high[1]),
            "macro-F1": (np.nanmean(value[2:]), *f1),
            "calibration error": (error, np.nan, np.nan),
            "squared error": (squared, np.nan, np.nan),
        }
    return measures


def gains(hits: dict, pairs: list[tuple], cluster: np.ndarray, study):
    """Differences in accuracy of `pairs` of keys of `hits` {key: bool (R, N)}: mean, low, high, p.

    Seeds are averaged within a picture, pictures resampled by cluster. p is two-sided, from the
    spread of the draws: twice a tail share of 2,000 worlds could never pass Holm's 0.05 / 55.
    """
    gap = np.stack([hits[a].mean(0) - hits[b].mean(0) for a, b in pairs], 1)  # (N, pairs)
    mean, drawn = metrics.bootstrap_draws(gap, cluster, draws=study.draws)
    low, high = metrics.interval(drawn, study.level)
    spread = drawn.std(0)
    p = [erfc(abs(m) / s / sqrt(2)) if s > 0 else 1.0 for m, s in zip(mean, spread, strict=True)]
    return mean, low, high, p
