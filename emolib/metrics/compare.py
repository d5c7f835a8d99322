"""Comparisons on the same samples: the test is named at the call, Holm corrects families."""

from __future__ import annotations

import numpy as np
from scipy import stats

from emolib.metrics.intervals import bootstrap_ci, drawn_counts, sum_by


def mcnemar(a_right, b_right) -> float:
    """Exact two-sided p of McNemar's test: do two classifiers err on different samples equally
    often?

    a_right, b_right: bool (N,) on the same samples. 1.0 when they never disagree.
    """
    a_right, b_right = np.asarray(a_right, bool), np.asarray(b_right, bool)
    return mcnemar_counts(int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum()))


def mcnemar_counts(only_a: int, only_b: int) -> float:
    """The same from counts: samples that only the one, and only the other, classifier has right."""
    if only_a + only_b == 0:
        return 1.0
    return float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)


def holm(p) -> np.ndarray:
    """Holm's step-down adjustment of a family of p values, in the given order; within [0, 1]."""
    p = np.asarray(p, dtype=float)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def bootstrap_p(difference, clusters, *, draws: int = 2000, seed: int = 0) -> float:
    """Two-sided p of 'the mean difference is 0' by the clustered bootstrap.

    Twice the smaller tail share, with one draw added to each tail so that it is never 0. NaN with a
    single cluster: there is nothing to resample.
    """
    names, where = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return float("nan")
    total = sum_by(where, np.asarray(difference, dtype=float), len(names))
    drawn = drawn_counts(len(names), draws, seed) @ total
    return float(min(1.0, 2 * (1 + min((drawn <= 0).sum(), (drawn >= 0).sum())) / (draws + 1)))


def sign_flip_p(difference, clusters, *, draws: int = 20_000, seed: int = 0) -> float:
    """Two-sided p of 'the differences are symmetric about 0': cluster totals, their signs flipped.

    In every way up to 14 clusters, `draws` times at random beyond. With few people it stays honest:
    five cannot give less than 2 / 2^5, while a bootstrap of five can. 1.0 with a single cluster.
    """
    _, where = np.unique(np.asarray(clusters), return_inverse=True)
    total = sum_by(where, np.asarray(difference, dtype=float), where.max() + 1)  # (G,)
    groups = len(total)
    exact = groups <= 14
    if exact:
        signs = 1 - 2 * ((np.arange(2**groups)[:, None] >> np.arange(groups)) & 1)
    else:
        rng = np.random.default_rng(seed)
        signs = 1 - 2 * rng.integers(0, 2, (draws, groups), dtype=np.int8)
    hits = (np.abs(signs @ total) >= abs(total.sum()) - 1e-12).sum()
    return float(hits / 2**groups) if exact else float((1 + hits) / (draws + 1))


def corrected_t(
    difference, tested: int, trained: int, *, level: float = 0.95
) -> tuple[float, float, float, float]:
    """(mean, low, high, p) of differences (K,) over K folds whose training parts overlap.

    A t-test whose variance is multiplied by 1/K + tested/trained instead of 1/K (Nadeau and Bengio
    2003, Eq. 9), K - 1 degrees of freedom; tested, trained: samples in the two parts of a fold,
    tested=0 for repeats that share nothing. NaN with one fold or without spread.
    """
    difference = np.asarray(difference, dtype=float)
    folds, mean = len(difference), float(np.mean(difference))
    if folds < 2 or np.ptp(difference) == 0:
        return mean, np.nan, np.nan, np.nan
    error = np.sqrt((1 / folds + tested / trained) * difference.var(ddof=1))
    half = stats.t.ppf((1 + level) / 2, folds - 1) * error
    return mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean / error), folds - 1))


# ---------------------------------------------------------------- a difference and its family

# what a family of comparisons can reach, as tables name it
SMALLEST_P, DETECTABLE = "smallest p possible (Holm)", "smallest effect detectable"


def floor(people: int, family: int = 1) -> float:
    """The smallest p after Holm that flipping the signs of `people` differences can reach."""
    return min(1.0, family * 2.0 ** (1 - people))


def difference(
    gap,
    people=None,
    *,
    test: str,
    draws: int = 2000,
    level: float = 0.95,
    shared: float = 0.0,
    family: int | None = None,
) -> dict:
    """Mean of paired differences with its interval over people: measured, low, high, p.

    gap, people   (N,) one difference per sample, and whose it is
    test          'bootstrap', 'floored bootstrap', 'sign flips'; or 'corrected t' for one
                  difference per fold or world, without `people`
    shared        of 'corrected t': tested over trained samples of a fold, 0 where worlds share
                  nothing; p is 1 with one fold or without spread (see `corrected_t`)
    family        how many tests are corrected together: adds what people can reach, `floor` (the
                  smallest p after Holm) and `detectable`; not with 'corrected t'

    The floored bootstrap is no smaller than 2 ** (1 - people), for with so few no test that changes
    signs person by person could say more (two actors: 0.5), and 1 with a single person.
    """
    if test == "corrected t":
        value, low, high, p = corrected_t(gap, shared, 1, level=level)
        return {"measured": value, "low": low, "high": high, "p": 1.0 if np.isnan(p) else p}
    gap, people = np.asarray(gap, float), np.asarray(people)
    value, low, high = bootstrap_ci(gap, people, draws=draws, level=level)
    if test == "sign flips":
        p = sign_flip_p(gap, people)
    elif test == "bootstrap":
        p = bootstrap_p(gap, people, draws=draws)
    elif test == "floored bootstrap":
        drawn = bootstrap_p(gap, people, draws=draws)
        p = max(1.0 if np.isnan(drawn) else drawn, floor(len(np.unique(people))))
    else:
        raise ValueError(
            f"difference: test '{test}' is not known: "
            "expected bootstrap, floored bootstrap, sign flips or corrected t"
        )
    row = {"measured": float(value), "low": float(low), "high": float(high), "p": p}
    if family is not None:
        smallest = floor(len(np.unique(people)), family)
        row |= {"floor": smallest, "detectable": detectable(gap, people, family=family)}
    return row


def with_holm(tests: list[dict], *, name: str = "difference") -> list[dict]:
    """Rows of a family of tests (each with 'p' and a metric that contains `name`): the differences,
    then their p after Holm, then what they can reach where `difference` was told the family."""
    adjusted = holm([row["p"] for row in tests])
    plain, corrected, reach = [], [], []
    for row, p in zip(tests, adjusted, strict=True):
        kept = {k: v for k, v in row.items() if k not in ("p", "floor", "detectable")}
        plain.append(kept)

        def beside(told: str, value: float, unit: str, kept=kept) -> dict:
            metric = kept["metric"].replace(name, told, 1)
            about = {"metric": metric, "measured": float(value), "low": np.nan, "high": np.nan}
            return kept | about | {"unit": unit}

        corrected.append(beside("p, Holm", p, "probability"))
        if "floor" in row:
            reach.append(beside(SMALLEST_P, row["floor"], "probability"))
            reach.append(beside(DETECTABLE, row["detectable"], kept["unit"]))
    return plain + corrected + reach


def detectable(gap, people, *, family: int = 1, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest true mean of paired differences that so many people show with probability `power`.

    gap, people   (N,) one difference per sample, and whose it is
    family        comparisons corrected together: alpha is divided by it (the first step of Holm)

    (t_{1 - alpha/2m} + t_power) * s / sqrt(n), n - 1 degrees of freedom, s the spread of n people's
    means: the two-sided t-test itself asks for up to 7 % more with ten people in a family of 55,
    and for 0.2 % more in a family of one. In units of `gap`; NaN with fewer than two people or
    without spread.
    """
    _, where = np.unique(np.asarray(people), return_inverse=True)
    count = np.bincount(where)
    n = len(count)
    if n < 2:
        return float("nan")
    means = sum_by(where, np.asarray(gap, float), n) / count  # (n,)
    if np.ptp(means) == 0:
        return float("nan")
    wanted = stats.t.ppf(1 - alpha / (2 * family), n - 1) + stats.t.ppf(power, n - 1)
    return float(wanted * means.std(ddof=1) / np.sqrt(n))
