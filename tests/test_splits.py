"""A subject on two sides of a split is the commonest way to a number that means nothing: here it cannot happen unmarked."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emolib.data.splits import cross_validation, grouped_folds, make_split
from emolib.errors import EmolibError
from emolib.sim import worlds

SIZES = st.lists(st.integers(1, 30), min_size=4, max_size=30)              # rows of each subject


def people(sizes, seed=0):
    """A set whose subjects have so many rows, in random order, with seven classes."""
    rng = np.random.default_rng(seed)
    subject = rng.permutation(np.repeat([f"p{i}" for i in range(len(sizes))], sizes))
    return SimpleNamespace(subject=subject, label=np.arange(len(subject)) % 7)


def sides(split):
    return split.train, split.validation, split.test


def same(a, b):
    return all(np.array_equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(sides(p), sides(q), strict=True))


@given(SIZES, st.integers(2, 5), st.integers(0, 99))
def test_every_row_is_tested_once_and_no_subject_stands_on_two_sides(sizes, folds, seed):
    assume(len(sizes) > folds)
    data = people(sizes, seed)
    splits = cross_validation(data, folds, seed=seed)
    tested = np.concatenate([s.test for s in splits])
    assert sorted(tested) == list(range(len(data.label)))
    for split in splits:
        assert not split.leaky
        assert all(len(side) for side in sides(split))
        assert sorted(np.concatenate(sides(split))) == list(range(len(data.label)))
        train, validation, test = (set(data.subject[side]) for side in sides(split))
        assert not train & validation and not train & test and not validation & test


@given(st.integers(0, 2**31))
def test_a_leaky_split_tests_every_row_once_and_is_marked(seed):
    data = people([40, 40, 30, 30], seed)
    splits = cross_validation(data, 5, seed=seed, leaky=True)
    assert sorted(np.concatenate([s.test for s in splits])) == list(range(140))
    assert all(s.leaky and sorted(np.concatenate(sides(s))) == list(range(140)) for s in splits)
    assert set(data.subject[splits[0].train]) & set(data.subject[splits[0].test])        # it does leak


def test_validation_is_about_a_tenth_of_the_training_part():
    world = worlds.sfew_table()
    for leaky in (False, True):
        shares = [len(s.validation) / (len(s.validation) + len(s.train)) for seed in range(5)
                  for s in cross_validation(world, 5, seed=seed, leaky=leaky)]
        assert 0.09 <= np.mean(shares) <= 0.115 and 0.06 <= min(shares) and max(shares) <= 0.14, shares


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    world = worlds.sfew_table()
    for leaky in (False, True):
        of = {seed: cross_validation(world, 5, seed=seed, leaky=leaky) for seed in (0, 1, 2)}
        assert same(of[0], cross_validation(world, 5, seed=0, leaky=leaky))
        assert not same(of[0], of[1]) and not same(of[1], of[2])
    # repeats over seeds are repeats: two subjects that meet in one fold do not meet in all
    folds = np.stack([grouped_folds(world.subject, 5, np.random.default_rng(s)) for s in range(20)])
    together = (folds[:, :, None] == folds[:, None, :]).mean(0)[world.subject[:, None] != world.subject]
    assert 0.1 < together.mean() < 0.25 and together.max() < 0.8


def test_folds_hold_as_many_subjects_and_about_as_many_rows():
    world = worlds.sfew_table()
    for seed in range(10):
        fold = grouped_folds(world.subject, 5, np.random.default_rng(seed))
        assert np.bincount(fold).max() <= 1.25 * len(world) / 5
        per_fold = [len(set(world.subject[fold == k])) for k in range(5)]
        assert max(per_fold) - min(per_fold) <= 1


SUBJECT = np.array(["a", "a", "b", "c"])


def test_a_subject_on_two_sides_is_refused_unless_said():
    for sides_ in (([0], [2], [1, 3]), ([0], [1], [2, 3]), ([2], [0], [1, 3])):
        with pytest.raises(EmolibError, match="subject 'a' is in both"):
            make_split(SUBJECT, *sides_)
        assert make_split(SUBJECT, *sides_, leaky=True).leaky
    assert not make_split(SUBJECT, [0, 1], [2], [3]).leaky


@pytest.mark.parametrize("leaky", [False, True])
def test_a_row_on_two_sides_is_refused_always(leaky):
    with pytest.raises(EmolibError, match="row 1 is in both train and test"):
        make_split(SUBJECT, [0, 1], [2], [1, 3], leaky=leaky)


@pytest.mark.parametrize("sizes, folds", [([5, 5, 5], 5), ([100], 2), ([9, 9], 2)])
def test_too_few_subjects_are_an_error(sizes, folds):
    """With as many folds as subjects, two of them, nobody would be left to train on beside the validation part."""
    with pytest.raises(EmolibError, match="subject"):
        cross_validation(people(sizes), folds)
