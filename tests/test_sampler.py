"""Balanced drawing must be balanced, repeatable, and undone exactly by the prior shift."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import WeightedRandomSampler

from emolib.data.sampler import balanced_sampler, class_weights, prior_shift
from emolib.ground.errors import EmolibError

UNEVEN = np.repeat([0, 1, 2, 4], [900, 70, 25, 5])  # class 3 is missing


def within_binomial(count, n, p, sigmas=4.5):
    """Inside the normal bound of a binomial: wrong by chance about once in 150,000 counts."""
    return abs(count - n * p) <= sigmas * np.sqrt(n * p * (1 - p))


@pytest.mark.parametrize("seed", range(3))
def test_every_class_present_is_drawn_equally_often(seed):
    rows = np.array(list(balanced_sampler(UNEVEN, seed=seed, num_samples=20_000)))
    drawn = np.bincount(UNEVEN[rows], minlength=5)
    assert drawn[3] == 0 and drawn.sum() == 20_000
    assert all(within_binomial(drawn[c], 20_000, 1 / 4) for c in (0, 1, 2, 4)), drawn
    of_first = np.bincount(rows, minlength=len(UNEVEN))[
        :900
    ]  # inside a class every row is as likely
    assert within_binomial(of_first[:450].sum(), drawn[0], 0.5) and of_first.max() < 25


def test_it_is_torchs_sampler_and_as_long_as_said():
    sampler = balanced_sampler(UNEVEN, seed=0)
    assert isinstance(sampler, WeightedRandomSampler) and sampler.replacement
    assert len(sampler) == len(list(sampler)) == 1000
    assert len(balanced_sampler(UNEVEN, seed=0, num_samples=7)) == 7


def test_the_same_seed_gives_the_same_epochs_whatever_else_draws():
    def epochs(seed):
        sampler = balanced_sampler(UNEVEN, seed=seed, num_samples=200)
        out = []
        for _ in range(2):
            torch.rand(3)  # the global generator plays no part
            out.append(list(sampler))
        return out

    torch.manual_seed(1)
    first = epochs(0)
    torch.manual_seed(2)
    assert epochs(0) == first and epochs(1) != first and first[0] != first[1]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60))
def test_weights_balance_the_classes_and_have_mean_one_over_rows(label):
    label = np.array(label)
    weight, count = class_weights(label, 7).numpy(), np.bincount(label, minlength=7)
    mass = weight * count
    assert (
        np.allclose(mass[count > 0], len(label) / (count > 0).sum())
        and (weight[count == 0] == 0).all()
    )
    assert np.isclose(weight[label].mean(), 1)


def logs(probabilities):
    return np.log(np.asarray(probabilities, float))


def test_prior_shift_is_bayes_rule_on_a_world_with_known_densities():
    """Two classes, four symbols: the posterior under each prior is computed by hand from the likelihoods."""
    likelihood = np.array([[0.4, 0.3, 0.2, 0.1], [0.1, 0.1, 0.2, 0.6]])  # (class, symbol)
    train, test = np.array([0.5, 0.5]), np.array([0.9, 0.1])

    def posterior(prior):
        joint = (likelihood * prior[:, None]).T
        return joint / joint.sum(1, keepdims=True)

    moved = prior_shift(logs(posterior(train)), train, test)
    np.testing.assert_allclose(np.exp(moved), posterior(test), rtol=1e-12)
    assert (
        np.argmax(posterior(train)[3]) == 1 and np.argmax(moved[3]) == 0
    )  # the decision moves with the prior


@given(st.integers(0, 10_000))
def test_prior_shift_there_and_back_is_nothing_and_equal_priors_too(seed):
    rng = np.random.default_rng(seed)
    before = logs(rng.dirichlet(np.ones(5), size=(2, 3)))
    a, b = rng.dirichlet(np.full(5, 2.0), size=2)
    np.testing.assert_allclose(prior_shift(prior_shift(before, a, b), b, a), before, atol=1e-9)
    np.testing.assert_allclose(
        prior_shift(before, a, 3 * a), before, atol=1e-9
    )  # counts serve as shares
    np.testing.assert_allclose(np.exp(prior_shift(before, a, b)).sum(-1), 1)


def test_prior_shift_keeps_kind_and_takes_a_class_out():
    moved = prior_shift(torch.zeros(2, 3), np.ones(3) / 3, [0.5, 0.5, 0])
    assert isinstance(moved, torch.Tensor) and moved.dtype == torch.float32
    torch.testing.assert_close(moved.exp(), torch.tensor([[0.5, 0.5, 0.0]] * 2))


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: balanced_sampler(np.array([]), seed=0), "at least one row"),
        (lambda: balanced_sampler(np.array([0.5, 1.0]), seed=0), "whole numbers"),
        (lambda: balanced_sampler(np.array([0, -1]), seed=0), "label -1 in row 1"),
        (lambda: balanced_sampler(UNEVEN, seed=0, num_samples=0), "num_samples is 0"),
        (lambda: class_weights(UNEVEN, 4), "label 4 in row 995, expected 0 to 3"),
        (
            lambda: prior_shift(np.zeros((2, 3)), np.ones(2), np.ones(3)),
            r"train_prior has shape \(2,\), expected \(3,\)",
        ),
        (
            lambda: prior_shift(np.zeros((2, 3)), [1, 1, 0], np.ones(3)),
            "class 2 has share 0 in train_prior",
        ),
        (lambda: prior_shift(np.zeros((2, 3)), np.ones(3), [1, 1, -1]), "test_prior"),
        (lambda: prior_shift(np.zeros((2, 3)), np.ones(3), [0, 0, 0]), "test_prior"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(call, said):
    with pytest.raises(EmolibError, match=said) as error:
        call()
    assert "\n" not in str(error.value)
