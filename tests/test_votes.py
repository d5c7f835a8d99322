"""FERPlus' rules: winners, distributions, and the slow reading of the same sentences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emolib import EMOTIONS
from emolib.data import votes
from emolib.ground.errors import EmolibError

TABLES = hnp.arrays(
    np.int64,
    st.tuples(st.integers(1, 8), st.just(10)),
    elements=st.sampled_from([0, 0, 0, 1, 2, 3, 4, 5, 8]),
)


def row(**given):
    return [given.get(name, 0) for name in votes.VOTES]


@pytest.mark.parametrize(
    "counts, majority, shared",
    [
        (dict(happiness=10), "happy", "happy"),
        (dict(happiness=6, neutral=4), "happy", "happy"),
        (dict(happiness=5, neutral=5), None, "neutral"),  # half is not more than half
        (
            dict(happiness=5, neutral=2, fear=1, anger=1, sadness=1),
            "happy",
            "happy",
        ),  # 5 of 7 once slips are dropped
        (dict(neutral=4, sadness=3, anger=3), None, "neutral"),
        (
            dict(neutral=3, sadness=3, anger=2, fear=2),
            None,
            None,
        ),  # the third rank brings a third and a fourth class
        (dict(NF=6, fear=4), None, None),
        (dict(unknown=10), None, None),
        (dict(unknown=4, sadness=6), "sad", "sad"),
        (dict(unknown=5, sadness=5), None, None),  # sadness holds half, not more
        (dict(contempt=7, neutral=3), None, None),  # of the eight, but not of the seven
        (dict(contempt=3, neutral=7), "neutral", "neutral"),
        (dict.fromkeys(votes.VOTES, 1), None, None),
    ],
)
def test_rules_on_rows_one_can_count_by_hand(counts, majority, shared):
    for targets, expected in (
        ("majority", majority),
        ("probability", shared),
        ("cross_entropy", shared),
    ):
        label, kept = votes.labels(np.array([row(**counts)]), targets)
        assert kept[0] == (expected is not None)
        assert label[0] == (EMOTIONS.index(expected) if expected else -1)


def test_contempt_is_kept_on_request():
    table = np.array([row(contempt=7, neutral=3)])
    assert votes.labels(table, classes=8)[0][0] == EMOTIONS.index("contempt")
    np.testing.assert_allclose(
        votes.probabilities(table, 8)[0, [EMOTIONS.index("contempt"), EMOTIONS.index("neutral")]],
        [0.7, 0.3],
    )


def test_the_share_of_contempt_goes_to_the_others_in_proportion():
    share = votes.probabilities(np.array([row(contempt=2, neutral=4, sadness=4)]))
    np.testing.assert_allclose(share[0, [EMOTIONS.index("neutral"), EMOTIONS.index("sad")]], 0.5)


def slowly(counts):
    """The rule of distributions for one row, one vote class after the other: (taken votes or None)."""
    left = {name: n for name, n in zip(votes.VOTES, counts) if n > 1}
    total, taken, stop = sum(left.values()), {}, False
    while left and not stop and len(taken) < 3 and sum(taken.values()) < 0.75 * total:
        most = max(left.values())
        for name in [name for name in votes.VOTES if left.get(name) == most]:
            del left[name]
            if name in ("unknown", "NF"):
                stop = True
                break
            taken[name] = most
    return taken if taken and sum(taken.values()) > total / 2 and len(taken) <= 3 else None


@given(TABLES)
def test_all_rows_at_once_and_one_after_the_other_agree(table):
    label, kept = votes.labels(table, "probability", 8)
    for i, counts in enumerate(table):
        taken = slowly(counts)
        assert kept[i] == (taken is not None)
        if taken:
            share = votes.probabilities(table[i : i + 1], 8)[0]
            for name, ours in zip(votes.VOTES, votes.NAMES):
                np.testing.assert_allclose(
                    share[EMOTIONS.index(ours)], taken.get(name, 0) / sum(taken.values())
                )
            assert share[label[i]] == share.max()


@given(TABLES, st.sampled_from([7, 8]))
def test_what_the_majority_keeps_has_a_distribution_with_the_same_first_class(table, classes):
    label, kept = votes.labels(table, "majority", classes)
    if kept.any():
        share = votes.probabilities(table[kept], classes)
        assert share.shape == (kept.sum(), classes)
        np.testing.assert_allclose(share.sum(1), 1)
        np.testing.assert_array_equal(share.argmax(1), label[kept])


@pytest.mark.parametrize(
    "call, told",
    [
        (
            lambda t: votes.labels(t, "majorty"),
            "unknown kind of targets 'majorty': did you mean majority",
        ),
        (lambda t: votes.labels(t, classes=9), "classes=9: expected 7, or 8"),
        (lambda t: votes.labels(t[:, :9]), "expected \\(N, 10\\)"),
        (lambda t: votes.labels(-t), "at least 0"),
        (lambda t: votes.probabilities(np.r_[t, [row(NF=10)]]), "row 1 has no distribution"),
    ],
)
def test_misuse_is_said(call, told):
    with pytest.raises(EmolibError, match=told):
        call(np.array([row(fear=10)]))
