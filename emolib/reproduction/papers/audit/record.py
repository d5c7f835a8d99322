"""What a check reads and what it says: `Table`, `Finding`, the register of checks, lists in words.

A check is a small pure function of the published tables that it names. It reads cells through
`Table`, which notes each of them, and ends with one of three verdicts on a statement of the paper:

    judge(condition, arithmetic)     consistent or contradicted in print
    weigh({reading: condition}, ...) open where the readings of the text disagree
    undecided(arithmetic)            open: the print leaves it so, and the line says why
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cache
from inspect import signature

import numpy as np
import pandas as pd

from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import papers

CONSISTENT, CONTRADICTED, OPEN = papers.VERDICTS


class Table:
    """A published table as values under their keys, which notes every cell that is read.

    A cell is addressed by its keys in the order of the file and, where a table has more than one
    metric, by the metric after them: `t3.cell("Full Network", "MSE", "128", "CCC")`.
    """

    def __init__(self, id: str, frame: pd.DataFrame):
        self.id = id
        self.names = [*papers.keys(frame), *(["metric"] if frame.metric.nunique() > 1 else [])]
        self.paths = list(frame[self.names].itertuples(index=False, name=None))
        self.row = {path: i for i, path in enumerate(self.paths)}
        self.values = frame["value"].to_numpy(float)
        self.read: set[int] = set()

    def cell(self, *path: str) -> float:
        """One value; NaN where the cell is printed empty."""
        if path not in self.row:
            known = [", ".join(other) for other in self.paths]
            raise nearest(", ".join(path), known, what=f"cell of {self.id}")
        row = self.row[path]
        if not np.isnan(self.values[row]):
            self.read.add(row)
        return float(self.values[row])

    def cells(self, *names: str) -> list[float]:
        """Several values of a table with one key, such as the numbers in a text."""
        return [self.cell(name) for name in names]

    def column(self, **where: str | tuple[str, ...]) -> dict:
        """The values that match `where`, in printed order, under the keys that are still open.

        A text fixes a key; a tuple of texts only narrows it and leaves it open. One open key gives
        plain texts, several give tuples; empty cells are left out.
        """
        if unknown := sorted(set(where) - set(self.names)):
            raise EmolibError(f"{self.id}: no key {unknown}, expected some of {self.names}")
        wanted = {name: (v,) if isinstance(v, str) else v for name, v in where.items()}
        free = [i for i, name in enumerate(self.names) if not isinstance(where.get(name), str)]
        values = {}
        for row, path in enumerate(self.paths):
            fits = all(path[self.names.index(name)] in v for name, v in wanted.items())
            if fits and not np.isnan(self.values[row]):
                key = tuple(path[i] for i in free)
                values[key[0] if len(key) == 1 else key] = float(self.values[row])
                self.read.add(row)
        if not values:
            raise EmolibError(f"{self.id}: no cell with {where}")
        return values

    def labels(self, name: str) -> list[str]:
        """The distinct entries of one key, in printed order (reads no cell)."""
        return list(dict.fromkeys(path[self.names.index(name)] for path in self.paths))


@cache
def _published(id: str) -> Table:
    if not id.endswith("-text"):
        return Table(id, papers.published(id))
    frame = papers.text_numbers()
    frame = frame[frame.paper == id.removesuffix("-text")]
    return Table(id, frame.assign(metric="value")[["item", "metric", "value"]])


def fresh(id: str) -> Table:
    """The published table `id`, or the numbers in a text (`wang-text`), with no cell read yet."""
    table = copy(_published(id))
    table.read = set()
    return table


@dataclass(frozen=True)
class Finding:
    """What one check found: its verdict on a claim, the arithmetic in one line, the cells it read.

    `cells` holds (table id, row of its CSV counted from 0), sorted.
    """

    check: str
    claim: str
    verdict: str
    arithmetic: str
    cells: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Check:
    """A registered check: its name, the claim it bears on, the tables it reads, its function."""

    name: str
    claim: str
    reads: tuple[str, ...]
    function: Callable
    line: str | None = None

    def __call__(self, tables: Mapping[str, Table] | None = None) -> Finding:
        """Run on `tables` (ids to Table; those not given are the published ones)."""
        given = [(tables or {}).get(id) or fresh(id) for id in self.reads]
        verdict, arithmetic = self.function(*given)
        cells = tuple(sorted((table.id, row) for table in given for row in table.read))
        return Finding(self.name, self.claim, verdict, arithmetic, cells)

    @property
    def source(self) -> str:
        """What is checked and where it is printed: its own line, or what its claim states."""
        return self.line or _statements()[self.claim]


@cache
def _statements() -> dict[str, str]:
    rows = papers.claims().itertuples()
    return {claim.id: f"{claim.statement} ({claim.place})" for claim in rows}


CHECKS: dict[str, Check] = {}


class Checks:
    """The checks of one paper: `check = Checks("wang")` makes `@check(claim)` their decorator.

    A check is given the tables that its parameters name (`t3` is `wang-t3`, `text` the numbers in
    the text), or those named after the claim; a name with a paper in it is a whole id.
    """

    def __init__(self, paper: str):
        self.paper = paper

    def __call__(self, claim: str, *reads: str):
        def register(function):
            tables = reads or signature(function).parameters
            self.add(function.__name__, claim, tables, function, function.__doc__)
            return function

        return register

    def add(self, name: str, claim: str, reads: Iterable[str], function: Callable, line=None):
        """Register one check; a family of checks does so in a loop."""
        if name in CHECKS:
            raise EmolibError(f"two checks are named {name}; give one another name")
        tables = tuple(table if "-" in table else f"{self.paper}-{table}" for table in reads)
        CHECKS[name] = Check(name, claim, tables, function, line)


# ---- verdicts


def judge(condition: bool, arithmetic: str) -> tuple[str, str]:
    """Consistent in print if the condition holds, contradicted if not."""
    return (CONSISTENT if condition else CONTRADICTED), arithmetic


def weigh(readings: Mapping[str, bool], arithmetic: str) -> tuple[str, str]:
    """The common verdict of all readings of a text, or open where they disagree."""
    if len(set(map(bool, readings.values()))) > 1:
        return OPEN, arithmetic
    return judge(all(readings.values()), arithmetic)


def all_agree(agree: Iterable[bool], words: str) -> tuple[str, str]:
    """Consistent if all cells or rows agree; the arithmetic counts those that do."""
    agree = list(agree)
    return judge(all(agree), f"{sum(agree)} of {len(agree)} {words}")


def undecided(arithmetic: str) -> tuple[str, str]:
    """Open whatever the cells say: the text leaves out what would decide it."""
    return OPEN, arithmetic


# ---- numbers and lists in words


def mean(values) -> float:
    """Mean of a list, or of the values of a dict."""
    return float(np.mean(list(values.values() if isinstance(values, Mapping) else values)))


def grouped(column: dict, key: Callable) -> dict:
    """key(path) -> list of the values of a column that share it."""
    groups: dict = {}
    for path, value in column.items():
        groups.setdefault(key(path), []).append(value)
    return groups


def rising(values: dict) -> dict:
    """The same dict from its lowest to its highest value."""
    return dict(sorted(values.items(), key=lambda item: item[1]))


def falling(values: dict) -> dict:
    """The same dict from its highest to its lowest value."""
    return dict(sorted(values.items(), key=lambda item: -item[1]))


def first(name: str) -> str:
    """The first word of a name: 'Full' of 'Full Network'."""
    return name.split()[0]


def firsts(values: dict) -> dict:
    """The same dict under the first word of each name."""
    return {first(name): value for name, value in values.items()}


def listed(values, form: str = ".2f") -> str:
    """'a 0.10, b/c 0.20' of a dict (b/c is a tuple), '0.10, 0.20' of a list."""
    if not isinstance(values, Mapping):
        return ", ".join(format(value, form) for value in values)
    names = ["/".join(key) if isinstance(key, tuple) else key for key in values]
    return ", ".join(f"{name} {value:{form}}" for name, value in zip(names, values.values()))


def by_part(parts: dict[str, dict], form: str = ".2f") -> str:
    """'x: a 0.10, b 0.20; y: a 0.30' of a dict of dicts."""
    return "; ".join(f"{name}: {listed(values, form)}" for name, values in parts.items())
