"""Probabilities of classifiers: scores by meaning and against torchmetrics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from emolib.metrics import calibration


def test_brier_by_hand():
    assert calibration.brier([[1, 0], [0, 1]], [0, 1]) == 0
    assert calibration.brier([[1.0, 0]], [1]) == 2
    assert calibration.brier([[0.5, 0.5]], [1]) == 0.5


@given(st.integers(0, 2**31), st.integers(2, 20))
def test_calibration_error_is_torchmetrics(seed, bins):
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    rng = np.random.default_rng(seed)
    p, true = softmax(2 * rng.standard_normal((200, 5)), -1), rng.integers(0, 5, 200)
    theirs = multiclass_calibration_error(torch.from_numpy(p), torch.from_numpy(true), 5, bins)
    assert calibration.calibration_error(p, true, bins) == pytest.approx(float(theirs), abs=1e-6)


def test_calibration_error_by_hand():
    p = np.array([[0.5, 0.5 - 1e-9], [0.6, 0.4], [0.1, 0.9], [0.0, 1.0]])
    # 0.5 is the upper edge of the first bin: |0 - 0.5| of one, |2/3 - 2.5/3| of three
    expected = 0.25 * 0.5 + 0.75 * 0.5 / 3
    assert calibration.calibration_error(p, [1, 0, 1, 0], bins=2) == pytest.approx(expected)


def test_a_coin_that_says_so_is_calibrated_and_one_that_boasts_is_not():
    true = np.tile([0, 1], 500)
    assert calibration.calibration_error(np.tile([0.5, 0.5 - 1e-9], (1000, 1)), true) < 1e-6
    assert calibration.calibration_error(np.tile([0.9, 0.1], (1000, 1)), true) == pytest.approx(0.4)
