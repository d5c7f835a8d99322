"""Scores against scikit-learn and SciPy, intervals against what they promise."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import optimize, stats
from scipy.spatial.distance import cdist
from sklearn import metrics as theirs
from torchmetrics.functional import concordance_corrcoef

from emolib import losses, metrics
from emolib.reproduction import papers

LABELS = st.integers(2, 6).flatmap(
    lambda c: st.tuples(
        st.just(c),
        st.lists(st.tuples(st.integers(0, c - 1), st.integers(0, c - 1)), min_size=1, max_size=60),
    )
)


# ---------------------------------------------------------------- scores


@given(LABELS)
def test_confusion_and_what_is_made_of_it_agree_with_scikit_learn(case):
    classes, pairs = case
    true, named = np.array(pairs).T
    counts = metrics.confusion(true, named, classes)
    np.testing.assert_array_equal(
        counts, theirs.confusion_matrix(true, named, labels=range(classes))
    )
    present, said = np.unique(true), np.unique(named)
    np.testing.assert_allclose(
        metrics.recall(counts)[present],
        theirs.recall_score(true, named, labels=present, average=None, zero_division=0),
    )
    np.testing.assert_allclose(
        metrics.precision(counts)[said],
        theirs.precision_score(true, named, labels=said, average=None, zero_division=0),
    )
    np.testing.assert_allclose(
        metrics.balanced_accuracy(counts),
        theirs.recall_score(true, named, labels=present, average="macro", zero_division=0),
    )
    either = np.union1d(present, said)
    np.testing.assert_allclose(
        metrics.macro_f1(counts),
        theirs.f1_score(true, named, labels=either, average="macro", zero_division=0),
    )


def test_scores_keep_leading_axes_and_one_truth_serves_many():
    rng = np.random.default_rng(0)
    true, named = rng.integers(0, 4, 50), rng.integers(0, 4, (3, 2, 50))
    counts = metrics.confusion(true, named, 4)
    assert counts.shape == (3, 2, 4, 4) and metrics.recall(counts).shape == (3, 2, 4)
    for i, j in itertools.product(range(3), range(2)):
        np.testing.assert_array_equal(
            counts[i, j], theirs.confusion_matrix(true, named[i, j], labels=range(4))
        )
        np.testing.assert_allclose(metrics.macro_f1(counts)[i, j], metrics.macro_f1(counts[i, j]))


def test_small_integers_do_not_overflow_where_there_are_many_classes():
    true = np.arange(100, dtype=np.uint8)
    np.testing.assert_array_equal(metrics.confusion(true, true, 100), np.eye(100, dtype=int))
    np.testing.assert_array_equal(
        metrics.confusion(true.astype(np.int8), true.astype(np.int8), 100), np.eye(100, dtype=int)
    )


@pytest.mark.parametrize("true, named", [([0, 3], [0, 1]), ([0, 1], [0, -1]), ([-1, 1], [1, 1])])
def test_a_class_out_of_range_is_an_error_not_a_count_elsewhere(true, named):
    with pytest.raises(ValueError, match="outside"):
        metrics.confusion(np.array(true), np.array(named), 3)


def test_scores_by_meaning():
    perfect, constant = (
        metrics.confusion(np.arange(6) % 3, np.arange(6) % 3, 3),
        metrics.confusion(np.arange(6) % 3, np.zeros(6, int), 3),
    )
    assert metrics.balanced_accuracy(perfect) == metrics.macro_f1(perfect) == 1
    assert metrics.balanced_accuracy(constant) == pytest.approx(1 / 3, abs=1e-15)
    assert np.isnan(metrics.precision(constant)[1:]).all() and metrics.precision(constant)[
        0
    ] == pytest.approx(1 / 3)
    unequal = metrics.confusion(np.repeat([0, 1], [90, 10]), np.zeros(100, int), 2)
    assert metrics.balanced_accuracy(unequal) == 0.5  # accuracy would be 0.9
    assert np.isnan(metrics.recall(metrics.confusion(np.zeros(3, int), np.zeros(3, int), 2))[1])


@given(st.integers(0, 2**31))
def test_average_precision_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    true, scores = (
        rng.integers(0, 4, 40),
        rng.normal(size=(40, 5)).round(1),
    )  # ties; class 4 never occurs
    expected = np.mean(
        [theirs.average_precision_score(true == c, scores[:, c]) for c in np.unique(true)]
    )
    assert metrics.macro_average_precision(true, scores) == pytest.approx(expected, abs=1e-12)


def test_average_precision_by_hand():
    true, scores = np.array([0, 1, 0, 1]), np.array([[4, 1], [3, 2], [2, 3], [1, 4.0]])
    # class 0 is found at ranks 1 and 3: (1/1 + 2/3) / 2; class 1, mirrored, the same
    assert metrics.macro_average_precision(true, scores) == pytest.approx(5 / 6, abs=1e-12)


# ---------------------------------------------------------------- tests of significance


@given(hnp.arrays(bool, (2, 30)))
def test_mcnemar_is_the_binomial_test_of_the_disagreements(right):
    a, b = right
    n, k = int((a != b).sum()), int((a & ~b).sum())
    expected = 1.0 if n == 0 else stats.binomtest(k, n, 0.5).pvalue
    assert metrics.mcnemar(a, b) == metrics.mcnemar(b, a) == pytest.approx(expected, abs=1e-12)


def test_mcnemar_by_hand():
    a = np.array([1] * 9 + [0] + [1] * 50, bool)
    b = np.array([0] * 9 + [1] + [1] * 50, bool)
    assert metrics.mcnemar(a, b) == pytest.approx(
        2 * 11 / 1024, abs=1e-12
    )  # (C(10,0) + C(10,1)) / 2^10, both tails
    assert metrics.mcnemar(a, a) == 1.0


def plain_holm(p):
    """Holm (1979) as a procedure: the smallest level at which each hypothesis is rejected."""
    order, worst, out = sorted(range(len(p)), key=lambda i: p[i]), 0.0, [0.0] * len(p)
    for rank, i in enumerate(order):
        worst = max(worst, (len(p) - rank) * p[i])
        out[i] = min(1.0, worst)
    return out


def test_holm_by_hand():
    np.testing.assert_allclose(
        metrics.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02], atol=1e-15
    )
    np.testing.assert_allclose(metrics.holm([0.4, 0.9]), [0.8, 0.9], atol=1e-15)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_the_procedure(p):
    adjusted = metrics.holm(p)
    np.testing.assert_allclose(adjusted, plain_holm(p), atol=1e-15)
    assert (adjusted >= np.array(p)).all() and (
        adjusted <= np.minimum(1, len(p) * np.array(p) + 1e-15)
    ).all()


def paired(people=7, each=5, shift=0.4):
    rng = np.random.default_rng(people)
    return rng.normal(shift, 1, people * each), np.repeat(np.arange(people), each)


def flips(gap, people):
    """Every way to change the signs of people's totals, one after the other."""
    totals = [gap[people == one].sum() for one in np.unique(people)]
    ways = list(itertools.product((-1, 1), repeat=len(totals)))
    sums = [abs(sum(s * t for s, t in zip(signs, totals))) for signs in ways]
    return np.mean(np.array(sums) >= abs(sum(totals)) - 1e-12)


def test_a_difference_is_the_mean_its_interval_and_the_named_test():
    gap, people = paired()
    row = metrics.difference(gap, people, test="sign flips", draws=400)
    rng = np.random.default_rng(0)  # the same draws, one person at a time
    worlds = rng.multinomial(7, np.full(7, 1 / 7), size=400)
    drawn = np.array(
        [np.concatenate([gap[people == p] for p in np.repeat(range(7), w)]).mean() for w in worlds]
    )
    assert row["measured"] == pytest.approx(gap.mean(), abs=1e-12)
    np.testing.assert_allclose([row["low"], row["high"]], np.percentile(drawn, [2.5, 97.5]))
    assert row["p"] == pytest.approx(flips(gap, people), abs=1e-12)
    p = metrics.difference(gap, people, test="bootstrap", draws=400)["p"]
    assert p == pytest.approx(2 * (1 + min((drawn <= 0).sum(), (drawn >= 0).sum())) / 401)
    with pytest.raises(ValueError, match="test 't' is not known"):
        metrics.difference(gap, people, test="t")
    folds = [1.0, 2.0, 4.0]
    row = metrics.difference(folds, test="corrected t", shared=0.5)
    assert tuple(row.values()) == pytest.approx(metrics.corrected_t(folds, 1, 2))
    assert metrics.difference([1.0, 1.0], test="corrected t")["p"] == 1.0


@pytest.mark.parametrize("people, floor", [(1, 1.0), (2, 0.5), (3, 0.25)])
def test_the_floored_bootstrap_says_no_more_than_so_few_people_can(people, floor):
    gap, who = paired(people, shift=50)  # all on one side: unfloored 2 / 2001
    assert metrics.difference(gap, who, test="floored bootstrap")["p"] == floor
    gap, who = paired(12, shift=0.1)
    named = [metrics.difference(gap, who, test=t)["p"] for t in ("bootstrap", "floored bootstrap")]
    assert named[0] == named[1] > 2**-11


def test_a_difference_that_knows_its_family_says_what_it_can_reach():
    gap, people = np.linspace(-1, 2, 8), np.repeat(np.arange(4), 2)
    told = metrics.difference(gap, people, test="sign flips", family=3)
    assert told["floor"] == pytest.approx(3 / 8)
    assert told["detectable"] == pytest.approx(metrics.detectable(gap, people, family=3))
    rows = metrics.with_holm([told | {"metric": "difference in x", "unit": "points"}])
    by_metric = {row["metric"]: row for row in rows}
    assert by_metric["smallest p possible (Holm) in x"]["measured"] == told["floor"]
    effect = by_metric["smallest effect detectable in x"]
    assert effect["measured"] == told["detectable"] and effect["unit"] == "points"
    assert len(rows) == 4 and not any("floor" in row for row in rows)


def test_a_family_is_its_differences_and_then_their_p_after_holm():
    p = [0.01, 0.04, 0.03, 0.005]
    tests = [
        {
            "net": k,
            "metric": "difference in CCC",
            "measured": k / 10,
            "low": 0.0,
            "high": 1.0,
            "unit": "CCC",
            "p": value,
        }
        for k, value in enumerate(p)
    ]
    rows = metrics.with_holm(tests)
    assert rows[:4] == [{k: v for k, v in row.items() if k != "p"} for row in tests]
    assert [row["measured"] for row in rows[4:]] == pytest.approx(plain_holm(p))
    assert [row["net"] for row in rows[4:]] == [0, 1, 2, 3]
    for row in rows[4:]:
        assert row["metric"] == "p, Holm in CCC" and row["unit"] == "probability"
        assert np.isnan([row["low"], row["high"]]).all()
    assert all("p" in row for row in tests)  # the caller's rows stay as they were


def effect_of_the_t_test(people, alpha, power):
    """Shift in standard deviations that a two-sided t-test of `people` finds so often."""
    bar = stats.t.ppf(1 - alpha / 2, people - 1)

    def short(shift):
        return stats.nct.sf(bar, people - 1, shift * np.sqrt(people)) - power

    return optimize.brentq(short, 1e-3, 3 * bar / np.sqrt(people))


@pytest.mark.parametrize("people, family, off", [(10, 1, 0.005), (28, 12, 0.01), (100, 55, 0.005)])
@pytest.mark.parametrize("power", [0.8, 0.9])
def test_the_detectable_effect_is_that_of_the_t_tests_power(people, family, off, power):
    gap, who = paired(people)
    means = gap.reshape(people, -1).mean(1)
    assert len(means) < len(gap)
    found = metrics.detectable(gap, who, family=family, power=power) / means.std(ddof=1)
    exact = effect_of_the_t_test(people, 0.05 / family, power)
    assert exact * (1 - off - 0.003) < found < exact * (1 + off)


def test_one_person_detects_nothing_and_a_stricter_alpha_less():
    gap, who = paired(9)
    assert np.isnan(metrics.detectable(gap, np.zeros(len(gap))))
    assert np.isnan(metrics.detectable(np.ones(len(gap)), who))  # and what has no spread
    half = metrics.detectable(gap, who, alpha=0.025)
    assert half == pytest.approx(metrics.detectable(gap, who, family=2), rel=1e-12)
    assert half > metrics.detectable(gap, who)


# ---------------------------------------------------------------- answers of a classifier


def answers(seeds=3, count=60, classes=4):
    rng = np.random.default_rng(1)
    truth, person = rng.integers(0, classes, count), rng.integers(0, 8, count)
    said = np.where(
        rng.random((seeds, count)) < 0.6, truth, rng.integers(0, classes, (seeds, count))
    )
    return metrics.Answers(truth, said, person, classes, draws=300, level=0.9)


def test_answers_score_as_scikit_learn_does():
    a = answers()
    named, truth = a.said.ravel(), np.tile(a.truth, 3)
    assert a.accuracy["measured"] == pytest.approx(theirs.accuracy_score(truth, named))
    recall = theirs.recall_score(truth, named, average=None)
    assert [r["measured"] for r in a.recalls] == pytest.approx(recall)
    assert a.balanced["measured"] == pytest.approx(theirs.balanced_accuracy_score(truth, named))
    np.testing.assert_array_equal(a.confusion, theirs.confusion_matrix(truth, named))
    np.testing.assert_allclose(a.right, [np.mean(a.said[:, i] == t) for i, t in enumerate(a.truth)])
    one = metrics.Answers(a.truth, a.said[0], a.person, 4)  # no axis of seeds
    assert one.accuracy["measured"] == pytest.approx(np.mean(a.said[0] == a.truth))


def test_intervals_of_answers_are_percentiles_of_worlds_of_whole_people():
    a = answers()
    people = np.unique(a.person)
    rng = np.random.default_rng(0)
    worlds = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=300)
    accuracy, recalls = [], []
    for world in worlds:
        rows = np.concatenate([np.flatnonzero(a.person == p) for p in np.repeat(people, world)])
        right = (a.said[:, rows] == a.truth[rows]).mean(0)
        accuracy.append(right.mean())
        of_class = [right[a.truth[rows] == c] for c in range(4)]
        recalls.append([part.mean() if len(part) else np.nan for part in of_class])
    ends = lambda values: np.nanpercentile(values, [5, 95], axis=0)  # noqa: E731
    np.testing.assert_allclose([a.accuracy["low"], a.accuracy["high"]], ends(accuracy))
    np.testing.assert_allclose([[r["low"], r["high"]] for r in a.recalls], ends(recalls).T)
    mean = np.nanmean(recalls, axis=1)
    np.testing.assert_allclose([a.balanced["low"], a.balanced["high"]], ends(mean))


def test_rows_of_a_confusion_matrix_are_its_cells_in_order():
    true, named = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0])
    names = ("calm", "sad", "never")
    rows = metrics.confusion_rows(metrics.confusion(true, named, 3), names, panel="a")
    share = theirs.confusion_matrix(true, named, labels=range(3)) / [[2], [3], [1]]
    assert [(r["true"], r["named"]) for r in rows] == list(itertools.product(names, names))
    assert [r["measured"] for r in rows] == pytest.approx(share.ravel())  # no sample: 0, not NaN
    assert [r["count"] for r in rows] == [1, 1, 0, 1, 2, 0, 0, 0, 0]
    assert {(r["panel"], r["metric"]) for r in rows} == {("a", "share of the true class")}


# ---------------------------------------------------------------- intervals over clusters


def clustered(rng, clusters, noise=1.0):
    """Unequal clusters of 1 to 12 samples with a common part; the mean of the process is 0."""
    where = np.repeat(np.arange(clusters), rng.integers(1, 13, clusters))
    return rng.normal(0, 1, clusters)[where] + noise * rng.normal(size=len(where)), where


def covered(trials, by_cluster):
    hits = 0
    for t in range(trials):
        values, where = clustered(np.random.default_rng([5, t]), 60)
        _, low, high = metrics.bootstrap_ci(
            values, where if by_cluster else np.arange(len(values)), draws=300, seed=t
        )
        hits += low <= 0 <= high
    return hits / trials


def test_intervals_over_clusters_cover_what_they_promise():
    share = covered(600, by_cluster=True)
    assert 0.915 <= share <= 0.97, share  # 95 %, less what 60 clusters cost a percentile interval


def test_intervals_that_ignore_clusters_do_not():
    share = covered(200, by_cluster=False)
    assert 0.45 <= share <= 0.80, share


def test_the_interval_has_the_width_that_theory_gives():
    rng = np.random.default_rng(1)
    values = rng.normal(size=400)
    mean, low, high = metrics.bootstrap_ci(values, np.arange(400), draws=4000)
    assert mean == pytest.approx(values.mean(), abs=1e-12)
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.05)
    _, low80, high80 = metrics.bootstrap_ci(values, np.arange(400), draws=4000, level=0.8)
    assert (high80 - low80) / (high - low) == pytest.approx(1.2816 / 1.96, rel=0.05)


def test_the_mean_is_a_ratio_of_cluster_totals():
    """A cluster of 83 frames counts 83 times in every draw that contains it; with weights the mean is one class's recall."""
    values, clusters = np.r_[np.ones(83), np.zeros(2)], np.r_[np.zeros(83), [1, 2]]
    mean, drawn = metrics.bootstrap_draws(values, clusters, draws=4000)
    assert mean == pytest.approx(83 / 85)
    # three draws of three clusters: k times the large one gives 83 k / (83 k + 3 - k)
    expected = {
        round(83 * k / (83 * k + 3 - k), 12): stats.binom(3, 1 / 3).pmf(k) for k in range(4)
    }
    seen, count = np.unique(drawn.round(12), return_counts=True)
    assert set(seen) == set(expected)
    for value, n in zip(seen, count, strict=True):
        assert n / 4000 == pytest.approx(expected[value], abs=0.03)
    true, right = np.array([0, 0, 1, 1, 1]), np.array([1.0, 0, 1, 1, 0])
    recall, _ = metrics.bootstrap_draws(
        right[:, None] * np.eye(2)[true], np.arange(5), weights=np.eye(2)[true], draws=10
    )
    np.testing.assert_allclose(recall, [1 / 2, 2 / 3])


def test_several_statistics_at_once_are_drawn_from_the_same_worlds():
    rng = np.random.default_rng(3)
    values, where = rng.normal(size=(40, 3)), np.arange(40) // 4
    mean, drawn = metrics.bootstrap_draws(values, where, draws=50, seed=9)
    for k in range(3):
        one_mean, one_drawn = metrics.bootstrap_draws(values[:, k], where, draws=50, seed=9)
        assert mean[k] == one_mean
        np.testing.assert_allclose(drawn[:, k], one_drawn, atol=1e-14)


def test_the_same_seed_gives_the_same_draws():
    values, where = clustered(np.random.default_rng(0), 20)
    a, b, c = (metrics.bootstrap_draws(values, where, draws=30, seed=s)[1] for s in (1, 1, 2))
    assert (a == b).all() and not np.allclose(a, c)


def test_a_single_cluster_says_nothing():
    mean, low, high = metrics.bootstrap_ci(np.arange(5.0), ["one film"] * 5)
    assert mean == 2 and np.isnan([low, high]).all()
    assert np.isnan(metrics.bootstrap_p(np.arange(5.0), ["one film"] * 5))


def test_a_draw_without_a_class_is_left_out_of_that_classs_interval():
    true = np.array([0, 0, 0, 0, 1, 2])  # class 1 lives in one film, class 3 nowhere
    weights = np.eye(4)[true]
    mean, drawn = metrics.bootstrap_draws(
        weights * 0.5, ["a", "b", "c", "d", "e", "f"], weights=weights, draws=3000
    )
    np.testing.assert_allclose(mean, [0.5, 0.5, 0.5, np.nan])
    gone = np.isnan(drawn).mean(0)
    assert gone[0] < 0.01 and gone[1] == pytest.approx((5 / 6) ** 6, abs=0.03) and gone[3] == 1
    low, high = metrics.interval(drawn)
    np.testing.assert_allclose(low[:3], 0.5)
    np.testing.assert_allclose(high[:3], 0.5)
    assert np.isnan([low[3], high[3]]).all()


@settings(max_examples=15)
@given(st.integers(0, 2**31))
def test_the_bootstraps_p_is_small_exactly_where_the_interval_leaves_zero_out(seed):
    values, where = clustered(np.random.default_rng(seed), 30)
    _, drawn = metrics.bootstrap_draws(values, where, draws=500, seed=1)
    p = metrics.bootstrap_p(values, where, draws=500, seed=1)
    tail = min((drawn <= 0).sum(), (drawn >= 0).sum())
    assert p == pytest.approx(min(1.0, 2 * (1 + tail) / 501), abs=1e-12)
    assert metrics.bootstrap_p(values + 100, where, draws=500) == pytest.approx(2 / 501)  # never 0
    assert metrics.bootstrap_p(values, where, draws=500, seed=1) == metrics.bootstrap_p(
        -values, where, draws=500, seed=1
    )


# ---------------------------------------------------------------- valence and arousal

SERIES = hnp.arrays(np.float64, (2, 12), elements=st.floats(-1, 1, allow_subnormal=False))


def wave(seed=0, n=200):
    return np.cumsum(np.random.default_rng(seed).normal(size=n)) / 20


def test_ccc_by_meaning():
    """Perfect 1, opposite -1, constant 0; a shift and a scale cost what they must, which Pearson does not see."""
    y = wave() - wave().mean()
    assert metrics.ccc(y, y) == pytest.approx(1, abs=1e-15) and metrics.ccc(-y, y) == pytest.approx(
        -1, abs=1e-15
    )
    assert metrics.ccc(np.full_like(y, 0.3), y) == pytest.approx(0, abs=1e-15)
    assert metrics.ccc(y + y.std(), y) == pytest.approx(2 / 3) and stats.pearsonr(y + y.std(), y)[
        0
    ] == pytest.approx(1)
    assert metrics.ccc(3 * y, y) == pytest.approx(2 * 3 / (1 + 9))
    assert abs(metrics.ccc(np.random.default_rng(1).permutation(y), y)) < 0.2
    assert (
        metrics.ccc(y + 0.1 * wave(2), y)
        > metrics.ccc(y + 0.5 * wave(2), y)
        > metrics.ccc(wave(2), y)
    )  # discriminating


@pytest.mark.parametrize("value", [0.0, 0.1, 1e100, 1e-300])
def test_ccc_of_a_constant_target_is_0_and_never_nan(value):
    flat = np.full(7, value)
    for pred in (flat, flat + 0.1, np.linspace(-1, 1, 7)):
        assert (
            metrics.ccc(pred, flat) == 0
            and metrics.ccc(torch.tensor(pred), torch.tensor(flat)) == 0
        )
    assert metrics.ccc([0.5], [0.2]) == 0  # a single frame does not vary
    tiny = np.array([0, 1e-200, 0])  # its variance is 0 in floating point
    assert metrics.ccc(tiny, tiny) == 0


@given(SERIES)
def test_ccc_agrees_with_torchmetrics_and_with_the_loss(pair):
    pred, target = pair
    ours = metrics.ccc(pred, target)
    x, y = torch.tensor(pred), torch.tensor(target)
    assert -1 - 1e-12 <= ours <= 1 + 1e-12 and ours == pytest.approx(
        metrics.ccc(target, pred), abs=1e-12
    )  # it is symmetric
    assert float(metrics.ccc(x, y)) == pytest.approx(ours, abs=1e-12)
    assert float(losses.concordance(x[None, :, None], y[None, :, None])) == pytest.approx(
        ours, abs=1e-6
    )
    if min(pred.std(), target.std()) > 1e-3:  # theirs warns below, and is NaN at 0
        wider = x + ((12 / 11) ** 0.5 - 1) * (
            x.mean() - y.mean()
        )  # theirs divides by n - 1, but not the gap of the means
        assert float(concordance_corrcoef(wider, y)) == pytest.approx(ours, abs=1e-6)


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -2])
def test_ccc_takes_any_axis_arrays_and_tensors(dim):
    rng = np.random.default_rng(0)
    pred, target = rng.normal(size=(2, 3, 4, 5))
    ours = metrics.ccc(pred, target, dim=dim)
    expected = np.apply_along_axis(
        lambda v: metrics.ccc(*np.split(v, 2)), dim, np.concatenate([pred, target], dim)
    )
    np.testing.assert_allclose(ours, expected, rtol=1e-12)
    tensor = metrics.ccc(torch.tensor(pred), torch.tensor(target), dim=dim)
    assert isinstance(tensor, torch.Tensor) and isinstance(ours, np.ndarray)
    np.testing.assert_allclose(tensor.numpy(), ours, rtol=1e-12)


@pytest.mark.parametrize(
    "a, b",
    [
        (np.zeros(3), np.zeros(4)),
        (np.zeros(3), torch.zeros(3)),
        (np.zeros((2, 0)), np.zeros((2, 0))),
        (1.0, 1.0),
    ],
)
def test_ccc_refuses_what_are_not_two_series(a, b):
    with pytest.raises(ValueError, match="ccc: "):
        metrics.ccc(a, b)


@pytest.fixture(scope="module")
def anchors():
    """Table 2 of yin2022, (10, 2), in the order of the paper."""
    table = papers.published("yin2022-t2")
    return np.stack(
        [table[table.metric == axis].value.astype(float) for axis in ("Valence", "Arousal")], 1
    )


def test_pn_accuracy_by_meaning(anchors):
    assert anchors.shape == (10, 2)
    valence = anchors[:, 0]
    assert metrics.pn_accuracy(valence, valence) == 1
    assert metrics.pn_accuracy(np.full(10, -1.0), valence) == pytest.approx(
        0.60
    )  # always negative: six of ten emotions
    assert metrics.pn_accuracy(np.ones(10), valence) == pytest.approx(0.30)
    assert metrics.pn_accuracy(np.zeros(10), valence) == pytest.approx(0.10)  # always neutral
    assert metrics.pn_accuracy(-valence, valence) == pytest.approx(0.10)  # only neutral survives
    np.testing.assert_allclose(metrics.pn_accuracy(np.full((10, 2), -1.0), anchors), [0.6, 0.2])


def test_pn_accuracy_forgives_what_stays_on_its_side(anchors):
    """Disgust named contempt is right, fear named surprise is wrong: the point of the measure."""
    disgust, contempt, fear, surprise = anchors[0], anchors[1], anchors[5], anchors[8]
    assert (
        metrics.pn_accuracy([contempt[0]], [disgust[0]]) == 1
        and metrics.pn_accuracy([surprise[0]], [fear[0]]) == 0
    )
    points = anchors + np.random.default_rng(0).normal(scale=0.3, size=(200, 10, 2))
    named = metrics.nearest_emotion(points, anchors)
    right = (named == np.arange(10)).mean()
    sides = metrics.pn_accuracy(anchors[named.ravel(), 0], np.tile(anchors[:, 0], 200))
    assert 0.4 < right < sides < 1
    raw = metrics.pn_accuracy(
        points[..., 0].ravel(), np.tile(anchors[:, 0], 200)
    )  # a network never says exactly 0
    assert raw < 0.9 and not (np.sign(points[:, 6, 0]) == 0).any()


def test_nearest_emotion_is_the_anchor_itself_and_ties_go_to_the_first(anchors):
    np.testing.assert_array_equal(metrics.nearest_emotion(anchors, anchors), np.arange(10))
    np.testing.assert_array_equal(
        metrics.nearest_emotion([[0, 0.0], [0.9, 0], [-0.1, 5]], [[1, 0], [-1, 0]]), [0, 0, 1]
    )
    np.testing.assert_array_equal(
        metrics.nearest_emotion([[0, 0.0]], [[-1, 0], [1, 0], [-1, 0]]), [0]
    )
    assert metrics.nearest_emotion(np.zeros((4, 3, 2)), anchors).shape == (4, 3)


@given(hnp.arrays(np.float64, (5, 2), elements=st.floats(-1, 1)))
def test_nearest_emotion_agrees_with_scipy(points):
    places = np.random.default_rng(3).uniform(-1, 1, (10, 2))
    distance = cdist(points, places)
    np.testing.assert_allclose(
        distance[np.arange(5), metrics.nearest_emotion(points, places)], distance.min(1), atol=1e-12
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.nearest_emotion([[np.nan, 0]], [[0, 0]]),
        lambda: metrics.nearest_emotion([[0, 0, 0]], [[0, 0]]),
        lambda: metrics.nearest_emotion([[0, 0]], np.zeros((0, 2))),
        lambda: metrics.pn_accuracy([np.nan], [0.0]),
        lambda: metrics.pn_accuracy([], []),
        lambda: metrics.pn_accuracy([0.1], [0.1, 0.2]),
        lambda: metrics.pn_accuracy(np.zeros((2, 3)), np.zeros((2, 3))),
    ],
)
def test_points_without_a_place_are_errors(call):
    with pytest.raises(ValueError, match="nearest_emotion|pn_accuracy"):
        call()


# ---------------------------------------------------------------- forgetting


def test_forgetting_by_hand():
    accuracy = [[0.9, 0, 0], [0.6, 0.8, 0], [0.5, 0.9, 0.7]]  # lost 0.4 and -0.1
    assert metrics.forgetting(accuracy) == pytest.approx(0.15)
    assert np.isnan(metrics.forgetting([[1.0]]))
    assert metrics.forgetting(np.ones((4, 3, 3))).shape == (4,)
