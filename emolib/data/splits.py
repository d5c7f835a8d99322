"""Splits: who is trained on, who decides, who is tested. Subject-disjoint unless the caller says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from emolib.errors import EmolibError


@dataclass(frozen=True)
class Split:
    """Row indices of one fold: train (fits), validation (chooses), test (is reported). `leaky` marks every result."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    leaky: bool = False


def make_split(subject: np.ndarray, train, validation, test, *, leaky: bool = False) -> Split:
    """A Split after the checks: no row twice, and no subject on two sides unless `leaky=True`.

    subject (N,) names the person, film or model behind each row. Raises EmolibError with the subject in it.
    """
    parts = {"train": np.asarray(train), "validation": np.asarray(validation), "test": np.asarray(test)}
    names = list(parts)
    for i, a in enumerate(names):
        for b in names[i + 1:]:
            rows = np.intersect1d(parts[a], parts[b])
            if rows.size:
                raise EmolibError(f"split: row {rows[0]} is in both {a} and {b}; a row belongs to one side")
            shared = np.intersect1d(subject[parts[a]], subject[parts[b]])
            if shared.size and not leaky:
                raise EmolibError(f"split: subject '{shared[0]}' is in both {a} and {b} ({shared.size} such subjects); "
                                  "split by subject, or say leaky=True, which marks every result")
    return Split(**parts, leaky=leaky)


def cross_validation(data, folds: int = 5, *, seed: int = 0, leaky: bool = False, validation: int = 10) -> list[Split]:
    """`folds` splits whose test parts cover every row once; 1/`validation` of each training part decides.

    By default whole subjects move together (stratified as far as they allow). With leaky=True single rows
    are shuffled, classes balanced: frames of one film then stand on both sides, as in a plain random split.
    """
    groups = None if leaky else data.subject
    splits = []
    for rest, test in _folds(folds, seed, leaky).split(data.label, data.label, groups):
        inner = _folds(validation, seed, leaky).split(rest, data.label[rest], None if leaky else groups[rest])
        train, decide = next(iter(inner))
        splits.append(make_split(data.subject, rest[train], rest[decide], test, leaky=leaky))
    return splits


def _folds(folds: int, seed: int, leaky: bool):
    kind = StratifiedKFold if leaky else StratifiedGroupKFold
    return kind(folds, shuffle=True, random_state=seed)
