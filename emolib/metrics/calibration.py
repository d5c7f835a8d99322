"""Probabilities of classifiers: how good, how honest, how to mend them, and what averaging several gains.
(A change of class shares is mended by data.sampler.prior_shift.)

Pure functions on NumPy arrays. `probability` (..., N, C) sums to 1 over classes, `score` (..., N, C) are logits, `true` (N,)
class indices; leading axes (seeds, networks) are kept.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from emolib.ground.errors import EmolibError


def cross_entropy(score, true) -> np.ndarray:
    """Cross-entropy of each sample in nats, from logits: (..., N, C) -> (..., N). Its mean is the loss per image."""
    return -_of_true(log_softmax(np.asarray(score, float), axis=-1), true)


def sum_of_batch_means(loss, batch: int = 8) -> np.ndarray:
    """Loss of each sample (..., N) -> the sum over whole batches of their means (...); a last, partial batch is dropped.

    What Table 4.1 of orgil2022 seems to print under "MSE": 3,137 images make 392 batches of eight.
    """
    loss = np.asarray(loss, float)
    whole = loss.shape[-1] // batch
    if whole == 0:
        raise EmolibError(
            f"sum_of_batch_means: {loss.shape[-1]} samples do not fill one batch of {batch}"
        )
    return loss[..., : whole * batch].reshape(*loss.shape[:-1], whole, batch).mean(-1).sum(-1)


def brier(probability, true) -> np.ndarray:
    """Squared distance to the one-hot truth, mean over samples: (..., N, C) -> (...), 0 (sure and right) to 2 (sure and wrong)."""
    probability = np.asarray(probability, float)
    return (probability**2).sum(-1).mean(-1) - 2 * _of_true(probability, true).mean(-1) + 1


def reliability(probability, true, bins: int = 15) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidence against accuracy in `bins` equal bins of confidence: (N, C) -> share of samples, mean confidence, accuracy, (bins,) each.

    Confidence is the probability of the named class; a bin holds its upper edge. Empty bins are 0 in the share and NaN else.
    """
    probability = np.asarray(probability, float)
    confidence, right = probability.max(-1), probability.argmax(-1) == np.asarray(true)
    where = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count, sure, hits = (
        np.bincount(where, weights=w, minlength=bins)
        for w in (np.ones(len(right)), confidence, right)
    )
    empty = np.full(bins, np.nan)
    return (
        count / count.sum(),
        np.divide(sure, count, out=empty.copy(), where=count > 0),
        np.divide(hits, count, out=empty, where=count > 0),
    )


def calibration_error(probability, true, bins: int = 15) -> float:
    """Expected calibration error: mean over samples of |accuracy - confidence| of their bin; 0 is honest, at most 1."""
    share, confidence, accuracy = reliability(probability, true, bins)
    return float(np.nansum(share * np.abs(accuracy - confidence)))


def temperature(score, true) -> float:
    """The T > 0 for which softmax(score / T) has the lowest cross-entropy (Guo et al. 2017); fit it on validation, never on test.

    It never changes which class is named. Searched between 1/50 and 50.
    """
    found = minimize_scalar(
        lambda log_t: cross_entropy(np.asarray(score) / np.exp(log_t), true).mean(),
        bounds=(-np.log(50), np.log(50)),
        method="bounded",
    )
    return float(np.exp(found.x))


def average(score) -> np.ndarray:
    """The averaged network: mean over the first axis of the probabilities, (M, ..., N, C) logits -> (..., N, C)."""
    return softmax(np.asarray(score, float), axis=-1).mean(0)


def disagreement(named) -> np.ndarray:
    """Share of samples on which two networks name different classes: (M, N) -> (M, M), symmetric, 0 on the diagonal."""
    named = np.asarray(named)
    return (named[:, None] != named[None]).mean(-1)


def _of_true(values: np.ndarray, true) -> np.ndarray:
    true = np.broadcast_to(np.asarray(true), values.shape[:-1])
    return np.take_along_axis(values, true[..., None], axis=-1)[..., 0]
