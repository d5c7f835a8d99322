"""A subject on two sides of a split is the commonest way to a number that means nothing: here it cannot happen unmarked."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emolib.data.sim import worlds
from emolib.data.splits import cross_validation, folds, grouped_folds, literature_folds, make_split
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers

SIZES = st.lists(st.integers(1, 30), min_size=4, max_size=30)  # rows of each subject


def people(sizes, seed=0):
    """A set whose subjects have so many rows, in random order, with seven classes."""
    rng = np.random.default_rng(seed)
    subject = rng.permutation(np.repeat([f"p{i}" for i in range(len(sizes))], sizes))
    return SimpleNamespace(subject=subject, label=np.arange(len(subject)) % 7)


def sides(split):
    return split.train, split.validation, split.test


def same(a, b):
    return all(
        np.array_equal(x, y)
        for p, q in zip(a, b, strict=True)
        for x, y in zip(sides(p), sides(q), strict=True)
    )


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
    assert set(data.subject[splits[0].train]) & set(data.subject[splits[0].test])  # it does leak


def test_validation_is_about_a_tenth_of_the_training_part():
    world = worlds.sfew_table()
    for leaky in (False, True):
        shares = [
            len(s.validation) / (len(s.validation) + len(s.train))
            for seed in range(5)
            for s in cross_validation(world, 5, seed=seed, leaky=leaky)
        ]
        assert 0.09 <= np.mean(shares) <= 0.115 and min(shares) >= 0.06 and max(shares) <= 0.14, (
            shares
        )


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    world = worlds.sfew_table()
    for leaky in (False, True):
        of = {seed: cross_validation(world, 5, seed=seed, leaky=leaky) for seed in (0, 1, 2)}
        assert same(of[0], cross_validation(world, 5, seed=0, leaky=leaky))
        assert not same(of[0], of[1]) and not same(of[1], of[2])
    # repeats over seeds are repeats: two subjects that meet in one fold do not meet in all
    folds = np.stack([grouped_folds(world.subject, 5, np.random.default_rng(s)) for s in range(20)])
    together = (folds[:, :, None] == folds[:, None, :]).mean(0)[
        world.subject[:, None] != world.subject
    ]
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


# ---- folds of the literature

PROTOCOLS = {"ravdess-12x2": 12, "ravdess-6x4": 6, "crema_d-9": 9, "crema_d-5": 5, "ckplus-10": 10}
CK_SUBJECTS = [
    f"S{i:03d}"
    for i in (5, 10, 11, 14, 22, 26, *range(50, 139), 501, 502, 503, 504, 505, 506, 895, 999)
]


def cast(protocol, each=6, seed=0):
    """A set with every subject of a protocol, about `each` rows of each, shuffled."""
    table, rng = folds(protocol), np.random.default_rng(seed)
    who = CK_SUBJECTS if protocol == "ckplus-10" else list(table.subject)
    subject = rng.permutation(np.repeat(who, rng.integers(each - 1, each + 2, len(who))))
    return SimpleNamespace(
        name=table["set"].iloc[0], subject=subject, label=np.arange(len(subject)) % 6
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_subject_is_tested_in_exactly_one_fold_and_stands_on_one_side(protocol):
    data = cast(protocol)
    splits = literature_folds(data, protocol)
    assert len(splits) == PROTOCOLS[protocol] and len({s.name for s in splits}) == len(splits)
    tested = Counter(who for s in splits for who in set(data.subject[s.test]))
    assert tested == Counter(set(data.subject))
    for s in splits:
        assert not s.leaky and sorted(np.concatenate(sides(s))) == list(range(len(data.subject)))
        train, validation, test = (set(data.subject[side]) for side in sides(s))
        assert (
            train
            and validation
            and not train & validation
            and not train & test
            and not validation & test
        )
        assert 0.06 <= len(s.validation) / (len(s.validation) + len(s.train)) <= 0.14, s.name


@pytest.mark.parametrize("protocol", ["ravdess-12x2", "ravdess-6x4", "crema_d-9", "crema_d-5"])
def test_folds_and_their_validation_parts_hold_as_many_men_as_women(protocol):
    table, data = folds(protocol), cast(protocol)
    assert table.subject.is_unique and (table.subject.str.len() > 0).all()
    sex = dict(zip(table.subject, table.sex))
    for s in literature_folds(data, protocol):
        for side in (s.test, s.validation):
            women = sum(sex[who] == "F" for who in set(data.subject[side]))
            assert abs(len(set(data.subject[side])) - 2 * women) <= (
                0 if "ravdess" in protocol else 2
            )


def test_the_actor_pairs_are_those_of_the_printed_table():
    table = folds("ravdess-12x2")
    assert list(dict.fromkeys(table.fold)) == list(
        dict.fromkeys(papers.published("chang2021-t5_1").actors)
    )
    assert sorted(table.subject) == [f"Actor_{a:02d}" for a in range(1, 25)]
    for name, pair in table.groupby("fold"):
        assert name == "A" + ",".join(str(int(who[-2:])) for who in pair.subject)
        assert [int(who[-2:]) % 2 for who in pair.subject] == [1, 0] and list(pair.sex) == [
            "M",
            "F",
        ]
    both = table.merge(folds("ravdess-6x4"), on="subject")  # the fours are whole pairs
    assert (
        both.groupby("fold_x").fold_y.nunique().max() == 1
        and both.groupby("fold_y").size().tolist() == [4] * 6
    )


def test_the_splits_of_crema_d_are_named_as_printed_and_even():
    table = folds("crema_d-9")
    assert list(dict.fromkeys(table.fold)) == sorted(set(papers.published("chang2021-t5_3").split))
    assert sorted(table.subject) == [str(1001 + i) for i in range(91)] and Counter(table.sex) == {
        "M": 48,
        "F": 43,
    }
    assert sorted(table.groupby("fold").size()) == [10] * 8 + [11]
    assert sorted(folds("crema_d-5").groupby("fold").size()) == [18] * 4 + [19]


def test_every_tenth_subject_of_ckplus_by_number():
    data = cast("ckplus-10")
    for k, s in enumerate(literature_folds(data, "ckplus-10")):
        assert sorted(set(data.subject[s.test])) == CK_SUBJECTS[k::10] and s.name == str(k + 1)


def test_test_parts_never_move_and_the_seed_moves_who_decides():
    data = cast("ravdess-12x2")
    a, b, again = (literature_folds(data, "ravdess-12x2", seed=seed) for seed in (0, 1, 0))
    assert same(a, again) and not same(a, b)
    assert all(np.array_equal(x.test, y.test) for x, y in zip(a, b))
    few = SimpleNamespace(
        name="ravdess",
        subject=data.subject[np.isin(data.subject, [f"Actor_{i:02d}" for i in range(1, 9)])],
    )
    assert [s.name for s in literature_folds(few, "ravdess-12x2")] == [
        "A1,2",
        "A3,4",
        "A5,6",
        "A7,8",
    ]


def test_deciding_on_the_reported_part_must_be_said_and_is_marked():
    data = cast("ravdess-12x2")
    for s, clean in zip(
        literature_folds(data, "ravdess-12x2", leaky=True), literature_folds(data, "ravdess-12x2")
    ):
        assert (
            s.leaky
            and np.array_equal(s.validation, s.test)
            and np.array_equal(s.test, clean.test)
            and s.name == clean.name
        )
        assert sorted(np.r_[s.train, s.test]) == list(range(len(data.subject)))
        with pytest.raises(EmolibError, match="is in both validation and test"):
            make_split(data.subject, s.train, s.validation, s.test)


def test_simulated_sets_fit_their_protocols():
    for name, protocol, left in (("ravdess", "ravdess-12x2", 2), ("crema_d", "crema_d-9", 3)):
        splits = literature_folds(worlds.make(name, "smoke"), protocol)
        assert len(splits) == left and all(len(side) for s in splits for side in sides(s))


@pytest.mark.parametrize(
    "change, protocol, said",
    [
        ({}, "ravdess-12", "ravdess-12x2"),
        ({}, "crema_d-9", "are those of crema_d, but the data are ravdess"),
        (
            {"subject": np.array(["Actor_01", "Actor_25"])},
            "ravdess-12x2",
            "subject 'Actor_25' is in none of them",
        ),
        (
            {"subject": np.array(["Actor_01", "Actor_02"])},
            "ravdess-12x2",
            "expected at least two folds",
        ),
        ({"subject": np.array(["Actor_01", "Actor_03"])}, "ravdess-12x2", "one subject is left"),
    ],
)
def test_folds_that_cannot_be_made_are_refused(change, protocol, said):
    data = SimpleNamespace(**{"name": "ravdess", "subject": np.array(["Actor_01"])} | change)
    with pytest.raises(EmolibError, match=said) as error:
        literature_folds(data, protocol)
    assert "\n" not in str(error.value)
