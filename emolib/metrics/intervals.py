"""Intervals by one rule: average over seeds within a sample, then resample whole clusters.

A cluster is an actor, a movie or a video: frames of one film are not independent draws.
"""

from __future__ import annotations

import warnings

import numpy as np


def bootstrap_draws(values, clusters, weights=None, *, draws: int = 2000, seed: int = 0):
    """Weighted means and their values in resampled worlds: (...) and (draws, ...).

    values    (N,) or (N, K): one number per sample (averaged over seeds), K statistics at once
    clusters  (N,) whose each sample is (actor, movie, video; the image where there is no subject)
    weights   like `values`; with the 0/1 indicator of a class the mean is that class's recall

    Whole clusters are drawn with replacement. The mean is sum(w v) / sum(w), a ratio of cluster
    totals: a cluster of 83 frames counts 83 times in every draw that contains it. A draw without
    any weight (a class that lives in one film) is NaN; with a single cluster all are.
    """
    values = np.asarray(values, dtype=float)
    if weights is None:
        weights = np.ones_like(values)
    weights = np.broadcast_to(np.asarray(weights, float), values.shape)
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    total = sum_by(where, values * weights, len(names))  # (G, ...)
    mass = sum_by(where, weights, len(names))
    mean = ratio(total.sum(0), mass.sum(0))
    if len(names) < 2:
        return mean, np.full((draws, *mean.shape), np.nan)
    counts = drawn_counts(len(names), draws, seed)
    return mean, ratio(np.tensordot(counts, total, 1), np.tensordot(counts, mass, 1))


def drawn_counts(clusters: int, draws: int, seed: int) -> np.ndarray:
    """How often each cluster is in each draw with replacement, (draws, clusters)."""
    share = np.full(clusters, 1 / clusters)
    return np.random.default_rng(seed).multinomial(clusters, share, size=draws)


def interval(drawn, level: float = 0.95):
    """Percentile interval over the first axis of `drawn`, NaN draws left out: (low, high)."""
    tail = 100 * (1 - level) / 2
    with warnings.catch_warnings():  # a class that no draw holds: NaN
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
        low, high = np.nanpercentile(np.asarray(drawn, dtype=float), [tail, 100 - tail], axis=0)
    return low, high


def bootstrap_ci(
    values, clusters, weights=None, *, draws: int = 2000, level: float = 0.95, seed: int = 0
):
    """(mean, low, high): weighted mean, percentile interval of resampled clusters; see
    bootstrap_draws."""
    mean, drawn = bootstrap_draws(values, clusters, weights, draws=draws, seed=seed)
    return mean, *interval(drawn, level)


def sum_by(where, values, groups):
    """Totals of `values` (N, ...) in each group (G, ...)."""
    out = np.zeros((groups, *values.shape[1:]))
    np.add.at(out, where, values)
    return out


def ratio(top, bottom):
    """top / bottom, NaN where bottom is 0."""
    top, bottom = np.broadcast_arrays(np.asarray(top, float), np.asarray(bottom, float))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
