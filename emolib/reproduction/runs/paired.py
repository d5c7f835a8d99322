"""A difference between two ways on the same clips, with what its people allow to be said of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.reproduction.runs.profiles import profile as shared


def difference(gap: np.ndarray, people: np.ndarray, profile: str) -> dict:
    """Mean of `gap` (N,) with its interval over `people` (N,): measured, low, high, two-sided p.

    p is that of the clustered bootstrap, but no smaller than 2 ** (1 - people): with so few no test
    that changes signs person by person could say more (two actors: 0.5). NaN becomes 1.
    """
    p = shared(profile)
    value, low, high = metrics.bootstrap_ci(gap, people, draws=p.draws, level=p.level)
    chance = metrics.bootstrap_p(gap, people, draws=p.draws)
    least = 2.0 ** (1 - len(np.unique(people)))
    return {
        "measured": float(value),
        "low": float(low),
        "high": float(high),
        "p": max(1.0 if np.isnan(chance) else chance, least),
    }


def with_holm(tests: list[dict], *, difference: str = "difference") -> list[dict]:
    """Rows of a family of tests (each with 'p' and a metric): differences, then p by Holm."""
    adjusted = metrics.holm([t["p"] for t in tests])
    plain = [{k: v for k, v in t.items() if k != "p"} for t in tests]
    rows = list(plain)
    for test, p in zip(plain, adjusted, strict=True):
        name = test["metric"].replace(difference, "p, Holm", 1)
        row = {"metric": name, "measured": float(p), "low": np.nan, "high": np.nan}
        rows.append(test | row | {"unit": "probability"})
    return rows


def joined(a: pd.DataFrame, b: pd.DataFrame, on: str, column: str) -> pd.DataFrame:
    """What two ways have in common, clip by clip: columns of `a`, and `gap` = a's column - b's."""
    both = a.merge(b[[on, column]], on=on, suffixes=("", "_b"))
    return both.assign(gap=both[column] - both[f"{column}_b"])
