"""Probabilities of classifiers: how good and how honest they are. (A change of class shares is
mended by data.sampler.prior_shift.)

`probability` (..., N, C) sums to 1 over classes, `true` (N,) holds class indices.
"""

from __future__ import annotations

import numpy as np


def brier(probability, true) -> np.ndarray:
    """Squared distance to the one-hot truth, mean over samples: (..., N, C) -> (...), 0 (sure and
    right) to 2 (sure and wrong)."""
    probability = np.asarray(probability, float)
    index = np.broadcast_to(np.asarray(true), probability.shape[:-1])[..., None]
    of_true = np.take_along_axis(probability, index, axis=-1)[..., 0]  # (..., N)
    return (probability**2).sum(-1).mean(-1) - 2 * of_true.mean(-1) + 1


def calibration_error(probability, true, bins: int = 15) -> float:
    """Expected calibration error, (N, C) -> 0 (honest) to 1: mean over samples of |accuracy -
    confidence| of their bin, of `bins` equal bins of confidence.

    Confidence is the probability of the named class; a bin holds its upper edge.
    """
    probability = np.asarray(probability, float)
    confidence, right = probability.max(-1), probability.argmax(-1) == np.asarray(true)
    where = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(where, minlength=bins).astype(float)
    full = count > 0
    sure = np.bincount(where, weights=confidence, minlength=bins)[full] / count[full]
    hits = np.bincount(where, weights=right, minlength=bins)[full] / count[full]
    share = np.zeros(bins)
    share[full] = count[full] / count.sum() * np.abs(hits - sure)
    return float(share.sum())
