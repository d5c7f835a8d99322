"""Scores of classifiers and tracks: pure functions on NumPy arrays (`ccc` on tensors as well)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from emolib.metrics.intervals import bootstrap_ci, bootstrap_draws, interval, ratio


def confusion(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts (..., C, C): row = true class, column = named class; leading axes are kept.

    true, predicted: int arrays (..., N) of class indices in [0, classes); `true` may lack leading
    axes. An index outside raises ValueError: counted, it would stand in another cell.
    """
    true, predicted = (np.asarray(v, dtype=np.int64) for v in np.broadcast_arrays(true, predicted))
    for name, index in (("true", true), ("predicted", predicted)):
        if index.size and (index.min() < 0 or index.max() >= classes):
            raise ValueError(
                f"confusion: `{name}` holds {index.min()} to {index.max()}, "
                f"outside 0 to {classes - 1}"
            )
    cell = true * classes + predicted  # (..., N)
    lead = cell.shape[:-1]
    offset = np.arange(int(np.prod(lead, dtype=int))).reshape(*lead, 1) * classes**2
    counts = np.bincount((cell + offset).ravel(), minlength=max(offset.size, 1) * classes**2)
    return counts.reshape(*lead, classes, classes)


def recall(counts: np.ndarray) -> np.ndarray:
    """Share of each true class that is named right (..., C); NaN for a class without samples."""
    return ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-1))


def precision(counts: np.ndarray) -> np.ndarray:
    """Share of each named class that is right (..., C); NaN for a class that is never named."""
    return ratio(np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-2))


def balanced_accuracy(counts: np.ndarray) -> np.ndarray:
    """Mean recall over the classes that occur (...): chance is 1 / C however unequal they are."""
    return np.nanmean(recall(counts), axis=-1)


def macro_f1(counts: np.ndarray) -> np.ndarray:
    """Mean over classes of 2 TP / (2 TP + FP + FN) (...); a class that never occurs nor is named is
    left out."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return np.nanmean(ratio(2.0 * hits, counts.sum(-1) + counts.sum(-2)), axis=-1)


def macro_average_precision(true: np.ndarray, scores: np.ndarray) -> float:
    """Mean over classes of the area under the precision-recall curve (scikit-learn's step rule).

    true (N,) class indices, scores (N, C). Classes without a sample are left out.
    """
    from sklearn.metrics import average_precision_score

    present = [c for c in range(scores.shape[1]) if (true == c).any()]
    return float(np.mean([average_precision_score(true == c, scores[:, c]) for c in present]))


# ---------------------------------------------------------------- answers of a classifier


@dataclass(frozen=True)
class Answers:
    """What one classifier said of N samples, in one or several seeds, and its scores with their
    intervals: dictionaries of measured, low, high.

    truth    int (N,)       the class of each sample
    said     int (..., N)   the class named, leading axes are seeds
    person   (N,)           whom a bootstrap draws whole; the sample itself where there is nobody
    classes  number of classes;   draws, level   of the bootstrap
    """

    truth: np.ndarray
    said: np.ndarray
    person: np.ndarray
    classes: int
    draws: int = 2000
    level: float = 0.95

    @property
    def right(self) -> np.ndarray:
        """Share of seeds that are right about each sample (N,)."""
        said = self.said.reshape(-1, self.said.shape[-1])
        return (said == self.truth).mean(0)

    @property
    def confusion(self) -> np.ndarray:
        """Counts (C, C) over samples and seeds."""
        counts = confusion(self.truth, self.said, self.classes)
        return counts.reshape(-1, self.classes, self.classes).sum(0)

    @property
    def accuracy(self) -> dict:
        """Share named right."""
        scores = bootstrap_ci(self.right, self.person, draws=self.draws, level=self.level)
        return _measured(*scores)

    @property
    def recalls(self) -> list[dict]:
        """Recall of each class in turn."""
        mean, drawn = self._recalls()
        return [_measured(*scores) for scores in zip(mean, *interval(drawn, self.level))]

    @property
    def balanced(self) -> dict:
        """Mean recall over the classes that occur."""
        mean, drawn = self._recalls()
        return _measured(np.nanmean(mean), *interval(np.nanmean(drawn, axis=1), self.level))

    def _recalls(self):
        of_class = np.eye(self.classes)[self.truth]  # (N, C)
        right = of_class * self.right[:, None]
        return bootstrap_draws(right, self.person, of_class, draws=self.draws)


def _measured(mean, low, high) -> dict:
    return {"measured": float(mean), "low": float(low), "high": float(high)}


def confusion_rows(counts: np.ndarray, names, **columns) -> list[dict]:
    """Long rows of a confusion matrix (C, C): true, named, share of the true class, count."""
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    rows = []
    for i, true in enumerate(names):
        for j, named in enumerate(names):
            cell = {"true": true, "named": named, "metric": "share of the true class"}
            rows.append(columns | cell | {"measured": share[i, j], "count": int(counts[i, j])})
    return rows


# ---------------------------------------------------------------- valence and arousal


def ccc(pred, target, dim: int = -1):
    """Concordance correlation over `dim`: 2 s_xy / (s_x^2 + s_y^2 + (mean_x - mean_y)^2), s^2
    variances; in [-1, 1].

    pred, target: arrays or tensors of equal shape (..., T, ...) -> the same kind without `dim`, in
    float64. 0 where the target does not vary, or nothing does: never NaN for finite input. A series
    of valence and arousal (B, T, 2) has its time at dim=1.
    Every sum is divided by T, as in Lin 1989. torchmetrics (1.9) divides variances and covariance
    by T - 1, and the gap of the means by nothing: where means differ it lies a little above.
    Source: Lin 1989; orgil2021, Eq. 2 (which calls s_x and s_y variances: standard deviations are
    meant); yin2022, Eq. 7.
    """
    tensors = isinstance(pred, torch.Tensor)
    if tensors != isinstance(target, torch.Tensor):
        raise ValueError("ccc: one array and one tensor; expected two of a kind")
    if tensors:
        pred, target = pred.double(), target.double()
    else:
        pred, target = np.asarray(pred, float), np.asarray(target, float)
    if pred.shape != target.shape or not pred.ndim or pred.shape[dim] == 0:
        raise ValueError(
            f"ccc: prediction {tuple(pred.shape)} and target {tuple(target.shape)}, "
            f"expected equal shapes with a series along {dim}"
        )
    kind = torch if tensors else np
    mean_x, mean_y = pred.mean(axis=dim, keepdims=True), target.mean(axis=dim, keepdims=True)
    dx, dy = pred - mean_x, target - mean_y
    below = (dx * dx + dy * dy + (mean_x - mean_y) ** 2).mean(dim)
    flat = (kind.amax(target, dim) == kind.amin(target, dim)) | (below == 0)  # exact: a mean rounds
    return kind.where(flat, 0.0, 2 * (dx * dy).mean(dim) / kind.where(flat, 1.0, below))[()]


def nearest_emotion(points, anchors) -> np.ndarray:
    """Which anchor is nearest to each point: points (..., 2), anchors (A, 2) -> int (...); the
    first of equally near ones.

    Euclidean distance in the plane of valence and arousal (yin2022, section 3: "its closest match";
    anchors: Table 2). Raises ValueError at values that are not finite, which no anchor is near to.
    """
    points, anchors = np.asarray(points, dtype=float), np.asarray(anchors, dtype=float)
    if points.shape[-1:] != (2,) or anchors.ndim != 2 or anchors.shape[1] != 2 or not len(anchors):
        raise ValueError(
            f"nearest_emotion: points {points.shape} and anchors {anchors.shape}, "
            "expected (..., 2) and (A, 2)"
        )
    if not (np.isfinite(points).all() and np.isfinite(anchors).all()):
        raise ValueError(
            "nearest_emotion: points or anchors hold values that are not finite; drop those frames"
        )
    return np.square(points[..., None, :] - anchors).sum(-1).argmin(-1)


def pn_accuracy(pred, target):
    """Share of samples whose sign (negative, neutral = exactly 0, positive) is right: (N,) ->
    float, (N, 2) -> (2,), an axis each.

    On valence this is the PN accuracy of yin2022 (section 4.4, Eq. 10), whose predictions are
    emotions: a network, which never says exactly 0, comes here through its nearest anchors,
    `anchors[nearest_emotion(points, anchors)]`. Arousal, the second column, is ours.
    """
    pred, target = np.asarray(pred, dtype=float), np.asarray(target, dtype=float)
    series = pred.ndim in (1, 2) and pred.shape[1:] in ((), (2,)) and len(pred)
    if pred.shape != target.shape or not series:
        raise ValueError(
            f"pn_accuracy: prediction {pred.shape} and target {target.shape}, "
            "expected (N,) or (N, 2) each"
        )
    if np.isnan(pred).any() or np.isnan(target).any():
        raise ValueError("pn_accuracy: NaN has no sign; drop those samples")
    right = (np.sign(pred) == np.sign(target)).mean(0)
    return right if right.ndim else float(right)


# ---------------------------------------------------------------- learning task after task


def forgetting(accuracy) -> np.ndarray:
    """Mean loss of the earlier tasks after the last one: accuracy (..., T, T) -> (...); NaN for a
    single task.

    accuracy[t, j] is that of task j after learning task t. Avalanche's definition: against the
    accuracy right after the task, not against the best one since.
    """
    accuracy = np.asarray(accuracy, dtype=float)
    lost = (np.diagonal(accuracy, axis1=-2, axis2=-1) - accuracy[..., -1, :])[..., :-1]
    return lost.mean(-1) if lost.shape[-1] else np.full(lost.shape[:-1], np.nan)
