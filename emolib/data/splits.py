"""Splits: who is trained on, who decides, who is tested; subject-disjoint unless told otherwise."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from emolib.ground.errors import EmolibError, nearest


@dataclass(frozen=True)
class Split:
    """Row indices of one fold: train (fits), validation (chooses), test (is reported).

    `leaky` marks every result; `name` is the fold's own, where the literature gives it one
    ('A1,2').
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    leaky: bool = False
    name: str = ""


def make_split(
    subject: np.ndarray, train, validation, test, *, leaky: bool = False, name: str = ""
) -> Split:
    """A Split after the checks: no row twice, and no subject on two sides unless `leaky=True`.

    subject (N,) names the person, film or model behind each row. Raises EmolibError with the
    subject.
    """
    parts = {"train": train, "validation": validation, "test": test}
    parts = {part: np.asarray(rows) for part, rows in parts.items()}
    for a, b in itertools.combinations(parts, 2):
        rows = np.intersect1d(parts[a], parts[b])
        if rows.size:
            raise EmolibError(
                f"split: row {rows[0]} is in both {a} and {b}; a row belongs to one side"
            )
        shared = np.intersect1d(subject[parts[a]], subject[parts[b]])
        if shared.size and not leaky:
            raise EmolibError(
                f"split: subject '{shared[0]}' is in both {a} and {b} "
                f"({shared.size} such subjects); "
                "split by subject, or say leaky=True, which marks every result"
            )
    return Split(**parts, leaky=leaky, name=name)


def cross_validation(
    data, folds: int = 5, *, seed: int = 0, leaky: bool = False, validation: int = 10
) -> list[Split]:
    """`folds` splits whose test parts cover every row; about 1/`validation` of the rest decides.

    By default whole subjects move together. With leaky=True single rows are shuffled, classes
    balanced: frames of one film then stand on both sides, as in a plain random split.
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


def folds(protocol: str) -> pd.DataFrame:
    """Rows of folds.csv for one protocol: set, protocol, fold, subject, sex ('M', 'F' or '').

    ravdess-12x2   the actor pairs of chang2021's Tables 5.1 and 5.2, named as printed ('A1,2'): odd
                   is male, even female
    ravdess-6x4    six times four actors in order of their numbers; ours, for fewer, larger test
                   parts
    crema_d-9      nine splits, as many as in chang2021's Table 5.3. Print names them S1 to S9, not
                   who is in which, and asks for equal numbers of men and women (5.3.1). Ours: the
                   48 men and then the 43 women, each in order of their numbers, dealt out in turn.
                   Sexes are those of the set's VideoDemographics.csv
    crema_d-5      the same in five
    ckplus-10      subjects sorted by number, every tenth: a rule ('[0::10]') over the subjects in
                   the data; ours, chang2021 only trains on CK+
    """
    table = _folds()
    rows = table[table.protocol == protocol]
    if rows.empty:
        raise nearest(protocol, table.protocol.unique(), what="protocol of folds")
    return rows.reset_index(drop=True)


@cache
def _folds() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name("folds.csv"), dtype=str, keep_default_na=False)


def literature_folds(
    data, protocol: str, *, seed: int = 0, leaky: bool = False, validation: int = 10
) -> list[Split]:
    """One Split for each fold of `protocol` (see `folds`), in its order; the fold is the test part.

    By default about 1/`validation` of the other rows decides: whole subjects drawn at random, as
    many men as women where the sex is known (5.3.1 of chang2021: "equal number of male and female
    actors"). `seed` draws them; the test parts are always the same. With leaky=True there is no
    third part, as in print: the test part also decides. A fold of which the data hold nobody is
    left out.
    Raises EmolibError for an unknown protocol, another set, a subject that the protocol does not
    know, or under two folds.
    """
    table = folds(protocol)
    of_set = table["set"].iloc[0]
    name = getattr(data, "name", "")
    if name and not name.startswith(of_set):  # crema_d_features has the people of crema_d
        raise EmolibError(f"folds '{protocol}' are those of {of_set}, but the data are {data.name}")
    where, sex, names = _places(np.asarray(data.subject), table, protocol)
    splits = []
    for k, name in enumerate(names):
        rest, test = np.flatnonzero(where != k), np.flatnonzero(where == k)
        if not len(test):
            continue
        if not len(rest):
            raise EmolibError(
                f"folds '{protocol}': every row is in fold {name}, expected at least two folds; "
                "load more subjects"
            )
        if leaky:  # not through make_split: here the same rows choose and are reported
            splits.append(Split(rest, test, test, leaky=True, name=name))
            continue
        rng = np.random.default_rng([seed, k])
        decide = _balanced_subjects(data.subject[rest], sex[rest], validation, rng)
        splits.append(make_split(data.subject, rest[~decide], rest[decide], test, name=name))
    return splits


def _places(subject: np.ndarray, table: pd.DataFrame, protocol: str):
    """Fold of each row (N,), its subject's sex (N,) as text, and the folds' names."""
    names, known = list(dict.fromkeys(table.fold)), np.unique(subject)
    if table.subject.str.match(r"\[\d+::\d+\]$").all():
        # '[2::10]': the third, thirteenth ... subject of those in the data
        fold, sex = {}, dict.fromkeys(known, "")
        for k, rule in enumerate(table.subject):
            start, step = map(int, re.findall(r"\d+", rule))
            fold |= dict.fromkeys(known[start::step], k)
    else:
        fold = dict(zip(table.subject, table.fold.map(names.index)))
        sex = dict(zip(table.subject, table.sex))
    strange = [name for name in known if name not in fold]
    if strange:
        expected = next(iter(fold), table.subject.iloc[0])
        raise EmolibError(
            f"folds '{protocol}': subject '{strange[0]}' is in none of them ({len(strange)} such "
            f"subjects); expected names like '{expected}'"
        )
    return np.array([fold[s] for s in subject]), np.array([sex[s] for s in subject]), names


def _balanced_subjects(subject: np.ndarray, sex: np.ndarray, share: int, rng) -> np.ndarray:
    """Mask (N,) of subjects worth 1/share of the rows, of either sex if both can spare one."""
    kinds = [sex == s for s in np.unique(sex)]
    if any(len(np.unique(subject[kind])) < 2 for kind in kinds):
        kinds = [np.ones(len(subject), bool)]
    chosen = np.zeros(len(subject), bool)
    for kind in kinds:
        chosen[kind] = _subjects_worth(subject[kind], kind.sum() / share, rng)
    return chosen


def _test_parts(data, folds: int, rng, leaky: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if leaky:
        rows = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
        yield from rows.split(data.label, data.label)
        return
    fold = grouped_folds(data.subject, folds, rng)
    for k in range(folds):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def grouped_folds(
    subject: np.ndarray, folds: int, rng: np.random.Generator, *, even: float = 1.25
) -> np.ndarray:
    """Fold of each row (N,), whole subjects together, at random, as many subjects in each fold.

    Of 500 draws the first whose largest fold has at most `even` times its share of rows (else the
    most even one). scikit-learn's StratifiedGroupKFold places subjects greedily and returns nearly
    the same folds for every seed; repeats over seeds would then not be repeats.
    """
    names, where, size = np.unique(subject, return_inverse=True, return_counts=True)
    if len(names) < folds:
        raise EmolibError(
            f"split: {len(names)} subjects cannot fill {folds} folds; use fewer folds"
        )
    dealt = np.tile(np.arange(len(names)) % folds, (500, 1))
    draws = rng.permuted(dealt, axis=1)  # (500, subjects)
    rows = np.stack([(size * (draws == k)).sum(1) for k in range(folds)], axis=1)  # (500, folds)
    largest = rows.max(1) / (len(subject) / folds)
    good = largest <= even
    return draws[np.argmax(good) if good.any() else np.argmin(largest)][where]


def _subjects_worth(subject: np.ndarray, rows: float, rng) -> np.ndarray:
    """Mask (N,) of random whole subjects with about `rows` rows together, at least one."""
    names, where, size = np.unique(subject, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise EmolibError(
            "split: one subject is left for training and validation, expected at least 2; "
            "use fewer folds or more subjects"
        )
    chosen, taken = np.zeros(len(names), bool), 0
    for i in rng.permutation(len(names)):
        if taken + size[i] <= 1.25 * rows:
            chosen[i] = True
            taken += size[i]
        if taken >= 0.9 * rows:
            break
    if not taken:
        chosen[np.argmin(size)] = True
    return chosen[where]
