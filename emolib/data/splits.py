"""Splits: who is trained on, who decides, who is tested. Subject-disjoint unless the caller says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedKFold

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
    """`folds` splits whose test parts cover every row once; about 1/`validation` of each training part decides.

    By default whole subjects move together. With leaky=True single rows are shuffled, classes balanced:
    frames of one film then stand on both sides, as in a plain random split.
    """
    rng = np.random.default_rng([seed, folds])
    splits = []
    for rest, test in _test_parts(data, folds, rng, leaky):
        if leaky:
            inner = StratifiedKFold(validation, shuffle=True, random_state=int(rng.integers(2**31)))
            train, decide = next(inner.split(rest, data.label[rest]))
        else:
            chosen = _subjects_worth(data.subject[rest], len(rest) / validation, rng)
            train, decide = np.flatnonzero(~chosen), np.flatnonzero(chosen)
        splits.append(make_split(data.subject, rest[train], rest[decide], test, leaky=leaky))
    return splits


def _test_parts(data, folds, rng, leaky):
    if leaky:
        yield from StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31))).split(data.label, data.label)
        return
    fold = grouped_folds(data.subject, folds, rng)
    for k in range(folds):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def grouped_folds(subject: np.ndarray, folds: int, rng: np.random.Generator, *, even: float = 1.25) -> np.ndarray:
    """Fold of each row (N,), whole subjects together, at random: as many subjects in each fold, and of 500 such
    draws the first whose largest fold has at most `even` times its share of rows (else the most even draw).

    scikit-learn's StratifiedGroupKFold places subjects greedily and returns nearly the same folds for every
    seed; repeats over seeds would then not be repeats.
    """
    names, where, size = np.unique(subject, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise EmolibError(f"split: {len(names)} subjects cannot fill {folds} folds; use fewer folds")
    draws = rng.permuted(np.tile(np.arange(len(names)) % folds, (500, 1)), axis=1)          # (500, subjects)
    rows = np.stack([(size * (draws == k)).sum(1) for k in range(folds)], axis=1)           # (500, folds)
    largest = rows.max(1) / (len(subject) / folds)
    return draws[np.argmax(largest <= even) if (largest <= even).any() else np.argmin(largest)][where]


def _subjects_worth(subject: np.ndarray, rows: float, rng) -> np.ndarray:
    """Mask (N,) of randomly chosen whole subjects that together hold about `rows` rows, at least one subject."""
    names, where, size = np.unique(subject, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise EmolibError("split: one subject is left for training and validation, expected at least 2; use fewer folds or more subjects")
    chosen, held = np.zeros(len(names), bool), 0
    for i in rng.permutation(len(names)):
        if held + size[i] <= 1.25 * rows:
            chosen[i], held = True, held + size[i]
        if held >= 0.9 * rows:
            break
    if not held:
        chosen[np.argmin(size)] = True
    return chosen[where]
