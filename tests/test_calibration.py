"""Probabilities: scores by meaning, against torchmetrics, and what mending must not change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from emolib.ground.errors import EmolibError
from emolib.metrics import calibration

SEEDS = st.integers(0, 2**31)


def drawn(seed, count=200, classes=5, scale=2.0):
    rng = np.random.default_rng(seed)
    return scale * rng.standard_normal((count, classes)), rng.integers(0, classes, count)


def test_cross_entropy_of_certainty_and_of_ignorance():
    np.testing.assert_allclose(
        calibration.cross_entropy([[100.0, 0], [0, 0]], [0, 1]), [0, np.log(2)], atol=1e-12
    )


def test_the_printed_mse_is_392_batches_of_eight():
    loss = np.full(3137, 0.441)
    assert calibration.sum_of_batch_means(loss) == pytest.approx(392 * 0.441)
    assert calibration.sum_of_batch_means(np.arange(9.0), 4) == 1.5 + 5.5
    with pytest.raises(EmolibError, match="do not fill one batch of 8"):
        calibration.sum_of_batch_means(np.zeros(7))


def test_brier_by_hand():
    assert (
        calibration.brier([[1, 0], [0, 1]], [0, 1]) == 0 and calibration.brier([[1.0, 0]], [1]) == 2
    )
    assert calibration.brier([[0.5, 0.5]], [1]) == 0.5


@given(SEEDS, st.integers(2, 20))
def test_calibration_error_is_torchmetrics(seed, bins):
    import torch
    from torchmetrics.functional.classification import multiclass_calibration_error

    score, true = drawn(seed)
    p = softmax(score, -1)
    expected = multiclass_calibration_error(
        torch.from_numpy(p), torch.from_numpy(true), 5, n_bins=bins
    )
    assert calibration.calibration_error(p, true, bins) == pytest.approx(float(expected), abs=1e-6)


def test_reliability_by_hand():
    p = np.array([[0.5, 0.5 - 1e-9], [0.6, 0.4], [0.1, 0.9], [0.0, 1.0]])
    share, confidence, accuracy = calibration.reliability(p, [1, 0, 1, 0], bins=2)
    np.testing.assert_allclose(share, [0.25, 0.75])  # 0.5 is the upper edge of the first bin
    np.testing.assert_allclose(confidence, [0.5, 2.5 / 3])
    np.testing.assert_allclose(accuracy, [0, 2 / 3])


def test_a_coin_that_says_so_is_calibrated_and_one_that_boasts_is_not():
    true = np.tile([0, 1], 500)
    assert calibration.calibration_error(np.tile([0.5, 0.5 - 1e-9], (1000, 1)), true) < 1e-6
    assert calibration.calibration_error(np.tile([0.9, 0.1], (1000, 1)), true) == pytest.approx(0.4)


@given(SEEDS, st.floats(0.2, 5.0))
def test_temperature_undoes_a_scale_and_keeps_what_is_named(seed, boast):
    rng = np.random.default_rng(seed)
    score = 2 * rng.standard_normal((4000, 4))
    true = np.array([rng.choice(4, p=p) for p in softmax(score, -1)])
    found = calibration.temperature(boast * score, true)
    assert found == pytest.approx(boast, rel=0.15)
    assert (
        calibration.cross_entropy(boast * score / found, true).mean()
        <= calibration.cross_entropy(boast * score, true).mean() + 1e-9
    )


@given(SEEDS, st.integers(2, 5))
def test_averaging_never_has_a_higher_loss_than_its_members_on_average(seed, members):
    """Jensen: the loss is convex in the probability."""
    score, true = np.random.default_rng(seed).standard_normal((members, 50, 4)), np.arange(50) % 4
    together = calibration.average(score)
    assert (
        -np.log(together[np.arange(50), true]).mean()
        <= calibration.cross_entropy(score, true).mean() + 1e-12
    )
    assert (
        calibration.brier(together, true)
        <= calibration.brier(softmax(score, -1), true).mean() + 1e-12
    )


def test_disagreement_by_hand():
    np.testing.assert_allclose(
        calibration.disagreement([[0, 1, 2, 3], [0, 1, 2, 0]]), [[0, 0.25], [0.25, 0]]
    )
