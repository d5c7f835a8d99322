"""Pruning by angle: Wang's worked example to the last digit, and what must hold for any network."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolib import pruning
from emolib.models.shallow import Shallow
from emolib.pruning import Pruned, distinct_units, merge_outgoing, vector_angles
from emolib.reproduction import papers


def table_1():
    """The printed activations: (10 patterns, 6 hidden units)."""
    printed = papers.published("wang-t1").pivot(
        index="pattern", columns="hidden_unit", values="value"
    )
    return torch.tensor(printed[sorted(printed, key=int)].to_numpy().tolist(), dtype=torch.float64)


def activations(seed, patterns=12, hidden=5, lead=()):
    return torch.rand(
        *lead, patterns, hidden, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )


SEEDS = st.integers(0, 2**31)
ANGLES = st.floats(0, 100)


# ---------------------------------------------------------------- the worked example


def test_table_2_follows_from_table_1_digit_by_digit():
    angles, printed = vector_angles(table_1()), papers.published("wang-t2")
    assert len(printed) == 15
    for row in printed.itertuples():
        ours = float(angles[int(row.unit_i) - 1, int(row.unit_j) - 1])
        assert math.floor(10 * ours) / 10 == row.value, (
            f"units {row.unit_i} and {row.unit_j}: {ours}"
        )


def test_at_sixty_degrees_one_unit_survives_uncentred_and_more_do_centred():
    uncentred = distinct_units(vector_angles(table_1()), 60.0)
    centred = distinct_units(vector_angles(table_1(), 0.5), 60.0)
    assert int(uncentred.keep.sum()) == 1
    assert centred.keep.tolist() == [True, True, True, False, False, False]


def test_the_closest_pair_goes_first_and_loses_its_second_unit():
    """Units 3 and 4 of the example are 8.1 degrees apart: unit 4 goes, and unit 3 does its work."""
    pruned = distinct_units(vector_angles(table_1()), 8.5)
    assert pruned.keep.tolist() == [True, True, True, False, True, True]
    assert pruned.twin.tolist() == [0, 1, 2, 2, 4, 5]


# ---------------------------------------------------------------- angles


def test_angles_by_hand():
    units = torch.tensor([[1.0, 1, 0, -2], [0, 1, 1, 0]], dtype=torch.float64)  # columns are units
    expected = [[0, 45, 90, 180], [45, 0, 45, 135], [90, 45, 0, 90], [180, 135, 90, 0]]
    torch.testing.assert_close(
        vector_angles(units), torch.tensor(expected, dtype=torch.float64), atol=1e-10, rtol=0
    )


@given(SEEDS, st.sampled_from([None, 0.5]))
def test_angles_are_symmetric_with_a_zero_diagonal(seed, centre):
    angles = vector_angles(activations(seed), centre)
    torch.testing.assert_close(
        angles, angles.mT, atol=1e-6, rtol=0
    )  # the two halves may round differently
    assert (angles.diagonal() == 0).all()
    assert (angles >= 0).all() and (angles <= 180).all()
    if centre is None:
        assert (angles <= 90).all()  # outputs of a sigmoid are positive


@given(SEEDS, st.lists(st.floats(0.01, 100), min_size=5, max_size=5))
def test_angles_do_not_see_the_length_of_a_vector(seed, scale):
    a = activations(seed)
    torch.testing.assert_close(
        vector_angles(a * torch.tensor(scale, dtype=a.dtype)), vector_angles(a), atol=1e-4, rtol=0
    )


@given(SEEDS, st.permutations(range(5)))
def test_renamed_units_have_renamed_angles(seed, order):
    a, order = activations(seed), list(order)
    torch.testing.assert_close(
        vector_angles(a[:, order]), vector_angles(a)[order][:, order], atol=1e-6, rtol=0
    )


@given(SEEDS, st.permutations(range(12)))
def test_the_order_of_patterns_does_not_matter(seed, order):
    a = activations(seed)
    torch.testing.assert_close(vector_angles(a[list(order)]), vector_angles(a), atol=1e-6, rtol=0)


def test_centring_is_a_shift_and_a_unit_at_the_centre_has_no_direction():
    a = activations(3)
    torch.testing.assert_close(vector_angles(a, 0.5), vector_angles(a - 0.5), atol=1e-10, rtol=0)
    a[:, 2] = 0.5
    angles = vector_angles(a, 0.5)
    assert angles[2, [0, 1, 3, 4]].tolist() == [90] * 4 and angles[2, 2] == 0


def test_nearly_parallel_vectors_keep_their_angle():
    """In single precision the arc cosine would call a hundredth of a degree either 0 or 0.02."""
    angle = torch.tensor(0.01, dtype=torch.float64).deg2rad()
    units = torch.stack(
        [torch.tensor([1.0, 0.0], dtype=torch.float64), torch.stack([angle.cos(), angle.sin()])],
        dim=1,
    )
    assert float(vector_angles(units)[0, 1]) == pytest.approx(0.01, rel=1e-6)
    assert vector_angles(units.float()).dtype == torch.float64


def test_each_network_may_have_its_own_centre():
    a = activations(1, lead=(3,))
    angles = vector_angles(a, torch.tensor([0.0, 0.5, 0.25], dtype=torch.float64))
    for i, centre in enumerate((None, 0.5, 0.25)):
        torch.testing.assert_close(angles[i], vector_angles(a[i], centre), atol=1e-10, rtol=0)


# ---------------------------------------------------------------- who survives


@given(SEEDS, ANGLES, st.sampled_from([None, 0.5]))
def test_survivors_are_far_apart_and_the_others_were_not(seed, least, centre):
    angles = vector_angles(activations(seed, hidden=7), centre)
    keep, twin = distinct_units(angles, least)
    kept = keep.nonzero().flatten().tolist()
    assert kept, "nobody is left"
    assert all(angles[i, j] >= least for i in kept for j in kept if i != j)
    assert all(keep[twin]) and all(int(twin[i]) == i for i in kept)
    for gone in set(range(7)) - set(kept):
        assert min(float(angles[gone, other]) for other in range(7) if other != gone) < least
    assert keep[0]  # the first unit is never the second of a pair


@given(SEEDS)
def test_the_ends_of_the_scale(seed):
    angles = vector_angles(activations(seed))
    assert distinct_units(angles, 0.0).keep.all() and distinct_units(
        angles, 0.0
    ).twin.tolist() == list(range(5))
    assert distinct_units(angles, 181.0).keep.tolist() == [True] + [False] * 4
    twins = activations(seed)
    twins[:, 3] = 2 * twins[:, 1]
    assert distinct_units(vector_angles(twins), 0.001).keep.tolist() == [
        True,
        True,
        True,
        False,
        True,
    ]


@given(SEEDS, ANGLES)
def test_many_networks_at_once_are_each_as_alone(seed, least):
    a = activations(seed, lead=(2, 3))
    least = torch.tensor([[least, 0.0, 30.0], [60.0, 10.0, 180.0]], dtype=torch.float64)
    angles = vector_angles(a, 0.5)
    alive = torch.rand(2, 3, 5, generator=torch.Generator().manual_seed(seed)) < 0.8
    together = distinct_units(angles, least, alive)
    for i in range(2):
        for j in range(3):
            alone = distinct_units(vector_angles(a[i, j], 0.5), float(least[i, j]), alive[i, j])
            assert together.keep[i, j].tolist() == alone.keep.tolist()
            assert together.twin[i, j].tolist() == alone.twin.tolist()
    assert not (together.keep & ~alive).any()


def test_a_pair_exactly_at_the_bound_stays():
    """The paper removes angles below the least one."""
    angles = torch.tensor([[0.0, 60], [60, 0]])
    assert distinct_units(angles, 60.0).keep.tolist() == [True, True]
    assert distinct_units(angles, 60.0001).keep.tolist() == [True, False]


def plain_pruning(angles, least):
    """Algorithm 1 in words: while two units are closer than `least`, the closest pair loses its second unit."""
    alive, twin = list(range(len(angles))), list(range(len(angles)))
    while True:
        pairs = [(float(angles[i, j]), i, j) for i in alive for j in alive if i < j]
        if not pairs or min(pairs)[0] >= least:
            return alive, twin
        _, first, second = min(pairs)
        alive.remove(second)
        twin = [first if t == second else t for t in twin]


@given(SEEDS, ANGLES)
def test_the_batched_pruning_is_the_plain_one(seed, least):
    angles = vector_angles(activations(seed, hidden=9), 0.5)
    keep, twin = distinct_units(angles, least)
    assert (keep.nonzero().flatten().tolist(), twin.tolist()) == plain_pruning(angles, least)


# ---------------------------------------------------------------- networks


def network(seeds=(0, 1, 2), **options):
    return Shallow(list(seeds), hidden=8, **options).double()


def test_two_identical_units_become_one_without_a_change_of_output():
    net, x = network(), torch.randn(3, 20, 5, dtype=torch.float64)
    with torch.no_grad():
        for layer in (net.into.weight, net.into.bias):
            layer[..., 6] = layer[..., 2]
    merged = pruning.prune(net, net.hidden(x), 0.001, merge=True)
    lost = pruning.prune(net, net.hidden(x), 0.001, merge=False)
    assert merged.alive.sum(-1).tolist() == [7, 7, 7] and not merged.alive[:, 6].any()
    torch.testing.assert_close(merged(x), net(x), atol=1e-12, rtol=0)
    assert (lost(x) - net(x)).abs().max() > 1e-3
    one_by_one = pruning.prune(net, net.hidden(x), 0.001, merge=torch.tensor([True, False, True]))
    torch.testing.assert_close(
        one_by_one(x), torch.stack([merged(x)[0], lost(x)[1], merged(x)[2]]), atol=1e-12, rtol=0
    )


@given(SEEDS)
def test_merging_keeps_the_sum_of_the_outgoing_weights(seed):
    weight = torch.randn(
        4, 6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    angles = vector_angles(activations(seed, hidden=6, lead=(4,)), 0.5)
    pruned = distinct_units(angles, 70.0)
    merged = merge_outgoing(weight, pruned)
    torch.testing.assert_close(merged.sum(1), weight.sum(1), atol=1e-12, rtol=0)
    assert (merged[~pruned.keep] == 0).all()


def test_a_unit_that_is_not_there_hands_nothing_on():
    weight = torch.ones(1, 3, 2)
    alive = torch.tensor([[True, True, False]])
    pruned = Pruned(torch.tensor([[True, False, False]]), torch.tensor([[0, 0, 2]]))
    assert merge_outgoing(weight, pruned, alive)[0].tolist() == [[2, 2], [0, 0], [0, 0]]


@pytest.mark.parametrize("merge", [False, True])
def test_the_network_that_goes_in_is_not_changed(merge):
    net = network(units=torch.tensor([8, 6, 2]))
    before, x = copy.deepcopy(net.state_dict()), torch.randn(3, 20, 5, dtype=torch.float64)
    smaller = pruning.prune(net, net.hidden(x), 60.0, centre=0.5, merge=merge)
    assert (smaller.alive <= net.alive).all() and smaller.alive.sum() < net.alive.sum()
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    with torch.no_grad():
        smaller.into.weight.add_(1)
    assert torch.equal(before["into.weight"], net.into.weight)


def test_pruned_units_are_silent():
    net, x = network(units=torch.tensor([8, 6, 2])), torch.randn(3, 20, 5, dtype=torch.float64)
    smaller = pruning.prune(net, net.hidden(x), 60.0)
    assert (smaller.hidden(x)[(~smaller.alive)[:, None].expand(3, 20, 8)] == 0).all()
    with torch.no_grad():
        louder = copy.deepcopy(smaller)
        louder.into.weight.add_(5 * (~smaller.alive)[:, None])
        louder.out.weight.add_(5 * (~smaller.alive)[..., None])
    torch.testing.assert_close(louder(x), smaller(x), atol=0, rtol=0)
