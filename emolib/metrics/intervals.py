"""Intervals by one rule: average over seeds within a sample, then resample whole clusters.

A cluster is an actor, a movie or a video, because frames of one film are not independent draws.
"""

from __future__ import annotations

import warnings

import numpy as np


def bootstrap_draws(values, clusters, weights=None, *, draws: int = 2000, seed: int = 0):
    """Weighted means and their values in resampled worlds: (...) and (draws, ...).

    values    (N,) or (N, K): one number per sample (already averaged over seeds), K statistics at once
    clusters  (N,) the cluster of each sample (actor, movie, video; the image where there is no subject)
    weights   like `values`; with the 0/1 indicator of a class the mean is that class's recall

    Whole clusters are drawn with replacement. The mean is sum(w v) / sum(w), a ratio of cluster totals, so
    a cluster of 83 frames counts 83 times in every draw that contains it. A draw without any weight (a
    class that lives in one film) is NaN. With a single cluster there is nothing to resample: all NaN.
    """
    values = np.asarray(values, dtype=float)
    weights = (
        np.ones_like(values)
        if weights is None
        else np.broadcast_to(np.asarray(weights, float), values.shape)
    )
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    total, mass = (
        sum_by(where, values * weights, len(names)),
        sum_by(where, weights, len(names)),
    )  # (G, ...)
    mean = ratio(total.sum(0), mass.sum(0))
    if len(names) < 2:
        return mean, np.full((draws, *mean.shape), np.nan)
    counts = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=draws
    )
    return mean, ratio(np.tensordot(counts, total, 1), np.tensordot(counts, mass, 1))


def interval(drawn, level: float = 0.95):
    """Percentile interval over the first axis of `drawn`, NaN draws left out: (low, high); NaN if all are."""
    drawn = np.asarray(drawn, dtype=float)
    tail = 100 * (1 - level) / 2
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "All-NaN slice", RuntimeWarning
        )  # a class that no draw holds: NaN, as said
        low, high = np.nanpercentile(drawn, [tail, 100 - tail], axis=0)
    return low, high


def bootstrap_ci(
    values, clusters, weights=None, *, draws: int = 2000, level: float = 0.95, seed: int = 0
):
    """Weighted mean with a percentile interval from resampled clusters: (mean, low, high). See bootstrap_draws."""
    mean, drawn = bootstrap_draws(values, clusters, weights, draws=draws, seed=seed)
    return mean, *interval(drawn, level)


def sum_by(where, values, groups):
    """Totals of `values` (N, ...) in each group (G, ...)."""
    out = np.zeros((groups, *values.shape[1:]))
    np.add.at(out, where, values)
    return out


def ratio(top, bottom):
    """top / bottom, NaN where bottom is 0."""
    top, bottom = np.asarray(top, float), np.asarray(bottom, float)
    return np.divide(
        top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom != 0
    )
