"""How good classifiers of faces are, on the same pictures, with intervals from the same resampled worlds (notebooks 13 and 41)."""

from __future__ import annotations

from math import erfc, sqrt

import numpy as np

from emolib import metrics
from emolib.metrics import calibration
from emolib.reproduction.runs.profiles import profile as shared

Found = dict[str, tuple[float, float, float]]  # measure -> (value, low, high)


def measured(
    said: dict, true: np.ndarray, cluster: np.ndarray, profile: str
) -> dict[object, Found]:
    """Measures of each entry of `said`: {key: probabilities (R, N, C) of R seeds}.

    true (N,) classes;   cluster (N,): pixel-identical pictures share a name and are drawn together
    accuracy, macro-F1, loss (nats a picture) with the profile's interval, seeds averaged within a picture; calibration error and
    squared error (Brier score) without. One set of bootstrap worlds over pictures serves all entries.
    """
    p, hot, values, weights = shared(profile), None, [], []
    for q in said.values():
        hot = np.eye(q.shape[-1])[true]  # (N, C)
        named = np.eye(q.shape[-1])[q.argmax(-1)]  # (R, N, C)
        right = (named * hot).mean(0)  # (N, C): share of seeds
        loss = -np.log(np.maximum(np.take_along_axis(q, true[None, :, None], -1), 1e-12)).mean(0)
        both = named.mean(0) + hot  # F1 = 2 TP / (named + true)
        values += [
            right.sum(1, keepdims=True),
            loss,
            np.divide(2 * right, both, out=np.zeros_like(both), where=both > 0),
        ]
        weights += [np.ones_like(loss), np.ones_like(loss), both]
    mean, drawn = metrics.bootstrap_draws(
        np.hstack(values), cluster, np.hstack(weights), draws=p.draws
    )
    found, width = {}, 2 + hot.shape[1]
    for k, (key, q) in enumerate(said.items()):
        at = slice(k * width, (k + 1) * width)
        low, high = (v[:2] for v in metrics.interval(drawn[:, at], p.level))
        found[key] = {
            name: (mean[at][i], low[i], high[i]) for i, name in enumerate(("accuracy", "loss"))
        }
        found[key]["macro-F1"] = (
            _class_mean(mean[at][None, 2:])[0],
            *metrics.interval(_class_mean(drawn[:, at][:, 2:]), p.level),
        )
        found[key]["calibration error"] = (
            np.mean([calibration.calibration_error(one, true) for one in q]),
            np.nan,
            np.nan,
        )
        found[key]["squared error"] = (
            np.mean([float(calibration.brier(one, true)) for one in q]),
            np.nan,
            np.nan,
        )
    return found


def _class_mean(f1: np.ndarray) -> np.ndarray:
    """Mean over classes (D, C) -> (D,); a class that a draw misses is left out of that draw."""
    return np.nansum(f1, 1) / np.maximum((~np.isnan(f1)).sum(1), 1)


def gains(hits: dict, pairs: list[tuple], cluster: np.ndarray, profile: str):
    """Differences in accuracy of `pairs` of keys of `hits` {key: bool (R, N)}: (mean, low, high, p), each (pairs,).

    Seeds are averaged within a picture, pictures are resampled by cluster; p is two-sided from the spread of the draws: twice a tail
    share of 2,000 worlds could never pass Holm's 0.05 / 55.
    """
    gain = np.stack([hits[a].mean(0) - hits[b].mean(0) for a, b in pairs], 1)  # (N, pairs)
    mean, drawn = metrics.bootstrap_draws(gain, cluster, draws=shared(profile).draws)
    low, high = metrics.interval(drawn, shared(profile).level)
    return (
        mean,
        low,
        high,
        [
            erfc(abs(m) / s / sqrt(2)) if s > 0 else 1.0
            for m, s in zip(mean, drawn.std(0), strict=True)
        ],
    )
