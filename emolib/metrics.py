"""Scores and the statistics around them: pure functions on NumPy arrays (`ccc` on torch tensors as well).

Intervals follow one rule everywhere: average over seeds within a sample, then resample whole
clusters (actor, movie, video), because frames of one film are not independent draws.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from scipy import stats


def confusion(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (..., C, C): row = true class, column = named class. Leading axes (seeds, networks) are kept.

    true, predicted: int arrays (..., N) of class indices in [0, classes); `true` may lack leading axes. An index
    outside raises ValueError: counted, it would stand in another cell.
    """
    true, predicted = (np.asarray(v, dtype=np.int64) for v in np.broadcast_arrays(true, predicted))
    for name, index in (("true", true), ("predicted", predicted)):
        if index.size and (index.min() < 0 or index.max() >= classes):
            raise ValueError(f"confusion: `{name}` holds {index.min()} to {index.max()}, outside 0 to {classes - 1}")
    cell = true * classes + predicted                                      # (..., N)
    lead = cell.shape[:-1]
    offset = np.arange(int(np.prod(lead, dtype=int))).reshape(*lead, 1) * classes**2
    counts = np.bincount((cell + offset).ravel(), minlength=max(offset.size, 1) * classes**2)
    return counts.reshape(*lead, classes, classes)


def recall(counts: np.ndarray) -> np.ndarray:
    """Share of each true class that is named right (..., C); NaN for a class without samples."""
    return _ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def precision(counts: np.ndarray) -> np.ndarray:
    """Share of each named class that is right (..., C); NaN for a class that is never named."""
    return _ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-2))


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean recall over the classes that occur (...): chance is 1 / C however unequal the classes are."""
    return np.nanmean(recall(counts), axis=-1)


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean over classes of 2 TP / (2 TP + FP + FN) (...); a class that never occurs nor is named is left out."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.nanmean(_ratio(2.0 * hits, counts.sum(-1) + counts.sum(-2)), axis=-1)


def macro_average_precision(true: np.ndarray, scores: np.ndarray) -> float:
    """Mean over classes of the area under the precision-recall curve (scikit-learn's step rule).

    true (N,) class indices, scores (N, C). Classes without a sample are left out.
    """
    from sklearn.metrics import average_precision_score

    present = [c for c in range(scores.shape[1]) if (true == c).any()]
    return float(np.mean([average_precision_score(true == c, scores[:, c]) for c in present]))


# ---------------------------------------------------------------- valence and arousal

def ccc(pred, target, dim: int = -1):
    """Concordance correlation over `dim`: 2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2), s^2 variances; in [-1, 1].

    pred, target: arrays or tensors of equal shape (..., T, ...) -> the same kind without `dim`, in float64. 0 where the target
    does not vary, or nothing does: never NaN for finite input. A series of valence and arousal (B, T, 2) has its time at dim=1.
    Source: Lin 1989; orgil2021, Eq. 2 (which calls s_x and s_y variances: standard deviations are meant); yin2022, Eq. 7.
    """
    tensors = isinstance(pred, torch.Tensor)
    if tensors != isinstance(target, torch.Tensor):
        raise ValueError("ccc: one array and one tensor; expected two of a kind")
    pred, target = (pred.double(), target.double()) if tensors else (np.asarray(pred, float), np.asarray(target, float))
    if pred.shape != target.shape or not pred.ndim or pred.shape[dim] == 0:
        raise ValueError(f"ccc: prediction {tuple(pred.shape)} and target {tuple(target.shape)}, expected equal shapes with a series along {dim}")
    kind = torch if tensors else np
    mean_x, mean_y = pred.mean(axis=dim, keepdims=True), target.mean(axis=dim, keepdims=True)
    dx, dy = pred - mean_x, target - mean_y
    below = (dx * dx + dy * dy + (mean_x - mean_y) ** 2).mean(dim)
    flat = (kind.amax(target, dim) == kind.amin(target, dim)) | (below == 0)         # exact: a mean rounds
    return kind.where(flat, 0.0, 2 * (dx * dy).mean(dim) / kind.where(flat, 1.0, below))[()]


def nearest_emotion(points, anchors) -> np.ndarray:
    """Which anchor is nearest to each point: points (..., 2), anchors (A, 2) -> int (...); the first of equally near ones.

    Euclidean distance in the plane of valence and arousal (yin2022, section 3: "its closest match"; anchors: Table 2).
    Raises ValueError at values that are not finite, which no anchor is near to.
    """
    points, anchors = np.asarray(points, dtype=float), np.asarray(anchors, dtype=float)
    if points.shape[-1:] != (2,) or anchors.ndim != 2 or anchors.shape[1] != 2 or not len(anchors):
        raise ValueError(f"nearest_emotion: points {points.shape} and anchors {anchors.shape}, expected (..., 2) and (A, 2)")
    if not (np.isfinite(points).all() and np.isfinite(anchors).all()):
        raise ValueError("nearest_emotion: points or anchors hold values that are not finite; drop those frames")
    return np.square(points[..., None, :] - anchors).sum(-1).argmin(-1)


def pn_accuracy(pred, target):
    """Share of samples whose sign (negative, neutral = exactly 0, positive) is right: (N,) -> float, (N, 2) -> (2,), an axis each.

    On valence this is the PN accuracy of yin2022 (section 4.4, Eq. 10): negative, neutral and positive emotions named as such,
    over all samples. Its predictions are emotions, so a network's points come here through their nearest anchor,
    `anchors[nearest_emotion(points, anchors)]`: no network says exactly 0. Arousal, the second column, is ours.
    """
    pred, target = np.asarray(pred, dtype=float), np.asarray(target, dtype=float)
    if pred.shape != target.shape or pred.ndim not in (1, 2) or not len(pred) or pred.shape[1:] not in ((), (2,)):
        raise ValueError(f"pn_accuracy: prediction {pred.shape} and target {target.shape}, expected (N,) or (N, 2) each")
    if np.isnan(pred).any() or np.isnan(target).any():
        raise ValueError("pn_accuracy: NaN has no sign; drop those samples")
    right = (np.sign(pred) == np.sign(target)).mean(0)
    return right if right.ndim else float(right)


# ---------------------------------------------------------------- intervals and tests

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
    weights = np.ones_like(values) if weights is None else np.broadcast_to(np.asarray(weights, float), values.shape)
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    total, mass = _sum_by(where, values * weights, len(names)), _sum_by(where, weights, len(names))  # (G, ...)
    mean = _ratio(total.sum(0), mass.sum(0))
    if len(names) < 2:
        return mean, np.full((draws, *mean.shape), np.nan)
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    return mean, _ratio(np.tensordot(counts, total, 1), np.tensordot(counts, mass, 1))


def interval(drawn, level: float = 0.95):
    """Percentile interval over the first axis of `drawn`, NaN draws left out: (low, high); NaN if all are."""
    drawn = np.asarray(drawn, dtype=float)
    tail = 100 * (1 - level) / 2
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)         # a class that no draw holds: NaN, as said
        low, high = np.nanpercentile(drawn, [tail, 100 - tail], axis=0)
    return low, high


def bootstrap_ci(values, clusters, weights=None, *, draws: int = 2000, level: float = 0.95, seed: int = 0):
    """Weighted mean with a percentile interval from resampled clusters: (mean, low, high). See bootstrap_draws."""
    mean, drawn = bootstrap_draws(values, clusters, weights, draws=draws, seed=seed)
    return mean, *interval(drawn, level)


def mcnemar(a_right, b_right) -> float:
    """Exact two-sided p of McNemar's test: do two classifiers err on different samples equally often?

    a_right, b_right: bool (N,) on the same samples. 1.0 when they never disagree.
    """
    a_right, b_right = np.asarray(a_right, bool), np.asarray(b_right, bool)
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    return 1.0 if only_a + only_b == 0 else float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)


def holm(p) -> np.ndarray:
    """Holm's step-down adjustment of a family of p values, in the given order; each stays in [0, 1]."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def bootstrap_p(difference, clusters, *, draws: int = 2000, seed: int = 0) -> float:
    """Two-sided p of 'the mean difference is 0' by the clustered bootstrap: twice the smaller tail share,
    with one draw added to each tail so that it is never 0. NaN with a single cluster: there is nothing to resample.
    """
    difference = np.asarray(difference, dtype=float)
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return float("nan")
    total = _sum_by(where, difference, len(names))
    counts = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    drawn = counts @ total
    return float(min(1.0, 2 * (1 + min((drawn <= 0).sum(), (drawn >= 0).sum())) / (draws + 1)))


def sign_flip_p(difference, clusters, *, draws: int = 20_000, seed: int = 0) -> float:
    """Two-sided p of 'the differences are symmetric about 0': cluster totals with their signs flipped in every way.

    Exact up to 14 clusters, by `draws` random flips beyond. Where few people are tested it stays honest: five of them cannot give
    less than 2 / 2^5, however clear they are, while a bootstrap of five can. 1.0 with a single cluster.
    """
    _, where = np.unique(np.asarray(clusters), return_inverse=True)
    total = _sum_by(where, np.asarray(difference, dtype=float), where.max() + 1)            # (G,)
    groups = len(total)
    if groups <= 14:
        signs = 1 - 2 * ((np.arange(2**groups)[:, None] >> np.arange(groups)) & 1)
        hits, of = np.abs(signs @ total) >= abs(total.sum()) - 1e-12, 2**groups
        return float(hits.sum() / of)
    signs = 1 - 2 * np.random.default_rng(seed).integers(0, 2, (draws, groups), dtype=np.int8)
    return float((1 + (np.abs(signs @ total) >= abs(total.sum()) - 1e-12).sum()) / (draws + 1))


def corrected_t(difference, tested: int, trained: int, *, level: float = 0.95) -> tuple[float, float, float, float]:
    """Mean, interval and two-sided p of differences (K,) over K folds whose training parts overlap: (mean, low, high, p).

    A t-test whose variance is multiplied by 1/K + tested/trained instead of 1/K (Nadeau and Bengio 2003, Eq. 9), K - 1 degrees of freedom;
    tested, trained: samples in the two parts of a fold; tested=0 for repeats that share nothing. With one fold, or without any spread, interval and
    p are NaN: there is nothing to test with.
    """
    difference = np.asarray(difference, dtype=float)
    folds, mean = len(difference), float(np.mean(difference))
    if folds < 2 or np.ptp(difference) == 0:
        return mean, np.nan, np.nan, np.nan
    error = np.sqrt((1 / folds + tested / trained) * difference.var(ddof=1))
    half = stats.t.ppf((1 + level) / 2, folds - 1) * error
    return mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean / error), folds - 1))


def _sum_by(where, values, groups):
    out = np.zeros((groups, *values.shape[1:]))
    np.add.at(out, where, values)
    return out


def _ratio(top, bottom):
    top, bottom = np.asarray(top, float), np.asarray(bottom, float)
    return np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom != 0)


# ---------------------------------------------------------------- learning task after task

def forgetting_matrix(accuracy) -> np.ndarray:
    """What each task has lost since it was learnt: accuracy (..., T, T) -> (..., T, T).

    accuracy[t, j] is that of task j after learning task t; entry [t, j] of the result is accuracy[j, j] - accuracy[t, j] for
    t > j (negative where a later task helped) and NaN elsewhere. Avalanche's definition: against the accuracy right after
    the task, not against the best one since.
    """
    accuracy = np.asarray(accuracy, dtype=float)
    later = np.tri(accuracy.shape[-1], k=-1, dtype=bool)
    return np.where(later, np.diagonal(accuracy, axis1=-2, axis2=-1)[..., None, :] - accuracy, np.nan)


def forgetting(accuracy) -> np.ndarray:
    """Mean loss of the earlier tasks after the last one: accuracy (..., T, T) -> (...); NaN for a single task."""
    lost = forgetting_matrix(accuracy)[..., -1, :-1]
    return lost.mean(-1) if lost.shape[-1] else np.full(lost.shape[:-1], np.nan)


def backward_transfer(accuracy) -> np.ndarray:
    """How much learning on has helped the earlier tasks: minus `forgetting` (Lopez-Paz and Ranzato 2017, Eq. 3)."""
    return -forgetting(accuracy)
