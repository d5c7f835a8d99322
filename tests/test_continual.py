"""Transforms of classifier weights: the equations, OpenCV's own CLAHE, and what must hold for any head."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolib import continual
from emolib.continual import NothingPruned, alpha_blend, clahe_weights, concatenate, prune_histogram
from emolib.ground.errors import EmolibError

SEEDS, SIZES = st.integers(0, 2**31), st.integers(1, 6)
TRANSFORMS = [prune_histogram, clahe_weights, lambda w, b: continual.align_weights(w, b, 1)]


def head(seed, rows, features=7, lead=(), scale=1.0):
    g = torch.Generator().manual_seed(seed)
    return (
        scale * torch.randn(*lead, rows, features, dtype=torch.float64, generator=g),
        torch.randn(*lead, rows, dtype=torch.float64, generator=g),
    )


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# ---------------------------------------------------------------- alpha blending


@given(SEEDS, SIZES, SIZES, st.floats(0, 1), st.sampled_from([(), (3,), (2, 2)]))
def test_a_merged_head_has_one_row_per_class_and_one_unknown_row(seed, n, k, alpha, lead):
    old, new = head(seed, n + 1, lead=lead), head(seed + 1, k + 1, lead=lead)
    kept = [t.clone() for t in (*old, *new)]
    weight, bias = alpha_blend(old, new, alpha)
    assert weight.shape == (*lead, n + k + 1, 7) and bias.shape == (*lead, n + k + 1)
    assert same((*old, *new), kept)
    assert same((weight[..., :n, :], bias[..., n : n + k]), (old[0][..., :n, :], new[1][..., :k]))
    torch.testing.assert_close(
        weight[..., -1, :], alpha * old[0][..., -1, :] + (1 - alpha) * new[0][..., -1, :]
    )


@given(SEEDS, SIZES, SIZES)
def test_alpha_1_keeps_the_old_unknown_row_and_0_the_new(seed, n, k):
    old, new = head(seed, n + 1), head(seed + 1, k + 1)
    for alpha, source in ((1, old), (0, new), (torch.tensor(1.0), old)):
        weight, bias = alpha_blend(old, new, alpha)
        assert same((weight[-1], bias[-1]), (source[0][-1], source[1][-1]))


@given(SEEDS, SIZES, SIZES, st.floats(0, 1))
def test_blending_answers_like_concatenation_among_the_named_classes(seed, n, k, alpha):
    """So it can lose to plain concatenation of the same heads, where the unknown answer counts as an error, and never win."""
    old, new, x = head(seed, n + 1), head(seed + 1, k + 1), torch.randn(50, 7, dtype=torch.float64)
    (w, b), (wc, bc) = (
        alpha_blend(old, new, alpha),
        concatenate((old[0][:-1], old[1][:-1]), (new[0][:-1], new[1][:-1])),
    )
    assert torch.equal((x @ w[:-1].T + b[:-1]).argmax(1), (x @ wc.T + bc).argmax(1))


def test_five_tasks_of_five_give_the_printed_rows():
    merged, rows = head(0, 6), []
    for task in range(1, 6):
        rows.append(len(merged[1]))
        merged = alpha_blend(merged, head(task, 6), task / (task + 1))
    assert rows == [6, 11, 16, 21, 26]


@given(SEEDS, SIZES, SIZES, st.randoms(use_true_random=False))
def test_blending_and_pruning_commute_with_an_order_of_classes(seed, n, k, random):
    order = random.sample(range(n), n)
    old, new = head(seed, n + 1), head(seed + 1, k + 1)
    moved = tuple(t[[*order, n]] for t in old)
    after = [*order, *range(n, n + k + 1)]
    assert same(alpha_blend(moved, new, 0.3), [t[after] for t in alpha_blend(old, new, 0.3)])
    assert same(
        prune_histogram(*moved, margin=0.1),
        [t[[*order, n]] for t in prune_histogram(*old, margin=0.1)],
    )


def test_clahe_does_not_commute_with_an_order_of_classes():
    weight, bias = head(0, 20, 40)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    shuffled = torch.empty_like(weight)
    shuffled[order] = clahe_weights(weight[order], bias[order])[0]
    assert (shuffled != clahe_weights(weight, bias)[0]).double().mean() > 0.2


def test_gradients_of_blending_and_alignment():
    old, new = ([t.requires_grad_() for t in head(s, 3, 4)] for s in (0, 1))
    assert torch.autograd.gradcheck(
        lambda w, b, v, c, a: alpha_blend((w, b), (v, c), a.sigmoid()),
        (*old, *new, torch.tensor(0.2, dtype=torch.float64, requires_grad=True)),
    )
    assert torch.autograd.gradcheck(lambda w, b: continual.align_weights(w, b, 2), tuple(old))


# ---------------------------------------------------------------- pruning by histogram


def test_pruning_by_hand_in_both_readings():
    weight, bias = torch.tensor([[-1.0, -0.7, -0.5, 0.1], [0.4, 0.69, 0.71, 1.0]]), torch.ones(2)
    expected = torch.tensor([[-1.0, 0, 0, 0], [0, 0, 0.71, 1.0]])
    assert same(prune_histogram(weight, bias), (expected, bias))
    assert same(prune_histogram(weight, bias, reading="other"), (weight - expected, bias))


@given(SEEDS, SIZES, st.sampled_from(["as_written", "other"]))
def test_pruning_touches_nothing_it_is_given_and_only_ever_writes_zeros(seed, rows, reading):
    weight, bias = head(seed, rows + 1)
    kept = weight.clone(), bias.clone()
    pruned, same_bias = prune_histogram(weight, bias, margin=0.05, reading=reading)
    assert (
        same((weight, bias), kept)
        and same_bias.data_ptr() != bias.data_ptr()
        and torch.equal(same_bias, bias)
    )
    assert ((pruned == weight) | (pruned == 0)).all()


@given(SEEDS, SIZES, st.floats(0.01, 0.5))
def test_pruning_as_written_is_idempotent_on_weights_of_both_signs(seed, rows, margin):
    weight, bias = head(seed, rows, scale=2.0)
    weight[0, :2] = torch.tensor([-3.0, 3.0])
    once = prune_histogram(weight, bias, margin)
    assert same(prune_histogram(*once, margin), once)


def test_pruning_one_sided_weights_twice_prunes_more():
    """The condition above is needed: zeros become the new minimum."""
    weight, bias = torch.linspace(1, 2, 11).view(1, -1), torch.zeros(1)
    once = prune_histogram(weight, bias)
    assert int((once[0] != 0).sum()) == 6 and int((prune_histogram(*once)[0] != 0).sum()) == 3


@given(SEEDS, st.floats(0, 0.6), st.sampled_from(["as_written", "other"]))
def test_a_range_of_twice_the_margin_prunes_nothing_and_says_so(seed, span, reading):
    weight = torch.rand(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    weight = (weight - weight.min()) / (weight.max() - weight.min()) * min(span, 0.6 - 1e-12) - 0.2
    with pytest.warns(NothingPruned, match="nothing is pruned"):
        pruned, _ = prune_histogram(weight, torch.zeros(3), reading=reading)
    assert torch.equal(pruned, weight)


def test_each_network_of_a_stack_has_its_own_range():
    narrow, wide = head(0, 3, scale=0.01), head(1, 3, scale=1.0)
    with pytest.warns(NothingPruned):
        both = prune_histogram(torch.stack([narrow[0], wide[0]]), torch.stack([narrow[1], wide[1]]))
    assert torch.equal(both[0][0], narrow[0]) and torch.equal(both[0][1], prune_histogram(*wide)[0])


# ---------------------------------------------------------------- CLAHE


@given(
    SEEDS,
    st.integers(2, 40),
    st.integers(2, 60),
    st.sampled_from([(2, 2), (1, 1), (3, 2), (4, 4)]),
    st.sampled_from([100, 2, 1.5, 0.3]),
)
def test_clahe_is_opencvs_to_the_last_bit(seed, height, width, tiles, clip):
    cv2 = pytest.importorskip("cv2", reason="NOT TESTED: OpenCV comes with the extra 'detectors'")
    rng = np.random.default_rng(seed)
    image = np.clip(rng.normal(128, rng.uniform(1, 60), (height, width)), 0, 255).astype(np.uint8)
    expected = cv2.createCLAHE(clip, tiles).apply(image)
    np.testing.assert_array_equal(
        continual.clahe(torch.from_numpy(image), clip, tiles).numpy(), expected
    )


def plain_equalisation(image):
    """Slow and readable: 255 times the share of pixels that are no brighter."""
    return np.array(
        [
            [np.rint(np.float32((image <= v).sum()) * np.float32(255 / image.size)) for v in row]
            for row in image
        ],
        np.uint8,
    )


def test_one_tile_without_a_limit_is_plain_equalisation():
    image = np.random.default_rng(0).integers(0, 200, (12, 9), dtype=np.uint8)
    np.testing.assert_array_equal(
        continual.clahe(torch.from_numpy(image), 256, (1, 1)).numpy(), plain_equalisation(image)
    )


@given(SEEDS, SIZES, st.sampled_from([(), (2,), (2, 3)]))
def test_clahe_of_weights_keeps_shape_range_and_inputs(seed, rows, lead):
    weight, bias = head(seed, rows + 1, 30, lead)
    kept = weight.clone()
    out, out_bias = clahe_weights(weight, bias)
    assert out.shape == weight.shape and torch.equal(out_bias, bias) and torch.equal(weight, kept)
    assert out.amax() <= weight.amax() + 1e-12 and out.amin() >= weight.amin() - 1e-12
    one_by_one = [
        clahe_weights(w, b)[0]
        for w, b in zip(weight.reshape(-1, rows + 1, 30), bias.reshape(-1, rows + 1), strict=True)
    ]
    assert torch.equal(out.reshape(-1, rows + 1, 30), torch.stack(one_by_one))


@given(SEEDS, SIZES)
def test_the_picture_of_weights_is_invertible_to_half_a_level(seed, rows):
    weight, _ = head(seed, rows + 1)
    image, low, high = continual.to_image(weight)
    assert image.dtype == torch.uint8 and image.min() == 0 and image.max() == 255
    assert (continual.from_image(image, low, high) - weight).abs().max() <= (
        high - low
    ).max() / 510 + 1e-12
    assert torch.equal(continual.to_image(continual.from_image(image, low, high))[0], image)


def test_equal_weights_come_back_as_they_were():
    weight, bias = torch.full((3, 8), 0.25), torch.zeros(3)
    assert same(clahe_weights(weight, bias), (weight, bias))


def test_a_limit_of_100_never_acts_on_dense_weights_and_one_of_2_does():
    """Finding F5: on 100 x 512 weights "contrast limited" limits nothing; the output is that of no limit at all."""
    weight, bias = head(0, 100, 512, scale=0.05)
    assert not continual.clahe_clips(weight, 100) and continual.clahe_clips(weight, 2)
    assert same(clahe_weights(weight, bias, 100), clahe_weights(weight, bias, 1e6))
    assert not same(clahe_weights(weight, bias, 2), clahe_weights(weight, bias, 1e6))
    sparse = weight.where(weight > 0.08, 0.0)
    assert continual.clahe_clips(sparse, 100), "a pruned head has one full bin"
    assert continual.clahe_clips(torch.stack([weight, sparse])).tolist() == [False, True]


# ---------------------------------------------------------------- alignment, means, exemplars


@given(SEEDS, SIZES, SIZES)
def test_aligned_rows_are_as_long_as_the_old_ones_and_point_as_before(seed, old, new):
    weight, bias = head(seed, old + new)
    out, out_bias = continual.align_weights(weight, bias, old)
    length = out.norm(dim=1)
    torch.testing.assert_close(length[old:].mean(), length[:old].mean())
    assert torch.equal(out[:old], weight[:old]) and torch.equal(out_bias, bias)
    torch.testing.assert_close(
        out[old:] / length[old:, None], weight[old:] / weight[old:].norm(dim=1, keepdim=True)
    )


def test_nearest_mean_names_clear_clusters():
    centres = torch.eye(4, dtype=torch.float64)
    label = torch.arange(4).repeat(10)
    features = 5 * centres[label] + 0.1 * torch.randn(
        40, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )
    means = continual.class_means(features, label, 5)
    assert means[4].isnan().all() and torch.equal(
        continual.nearest_mean(features, means[:4]), label
    )


def slow_herding(features, count):
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    chosen = []
    for _ in range(min(count, len(unit))):
        gaps = [
            np.inf if i in chosen else np.linalg.norm(unit.mean(0) - unit[[*chosen, i]].mean(0))
            for i in range(len(unit))
        ]
        chosen.append(int(np.argmin(gaps)))
    return chosen


@given(SEEDS, st.integers(1, 12), st.integers(0, 15))
def test_herding_is_its_slow_reference(seed, rows, count):
    features = torch.randn(
        rows, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )
    assert continual.herding(features, count).tolist() == slow_herding(features.numpy(), count)


# ---------------------------------------------------------------- misuse


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: alpha_blend(head(0, 3), head(0, 3), 1.2), "alpha is 1.2"),
        (lambda: alpha_blend(head(0, 1), head(0, 3), 0.5), "old head: one row"),
        (lambda: alpha_blend(head(0, 3), head(0, 3, 8), 0.5), "7 and 8 features"),
        (
            lambda: concatenate((torch.zeros(3, 2), torch.zeros(2)), head(0, 3)),
            "do not belong together",
        ),
        (lambda: prune_histogram(*head(0, 3), reading="both"), "reading 'both'"),
        (lambda: prune_histogram(*head(0, 3), margin=-1), "margin is -1"),
        (lambda: continual.clahe(torch.zeros(3, 3)), "expected uint8"),
        (lambda: continual.align_weights(*head(0, 3), 3), "old is 3"),
    ],
)
def test_misuse_is_said_in_one_line(call, said):
    with pytest.raises(EmolibError, match=said) as error:
        call()
    assert "\n" not in str(error.value)
