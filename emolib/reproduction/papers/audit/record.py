"""What a check reads and what it says: `Table`, `Finding`, and the register of checks.

A check is a small pure function of the published tables it names. It reads cells through `Table`, which
notes each of them, and ends with one of three verdicts on a statement of the paper:

    judge(condition, arithmetic)     supported or contradicted
    weigh({reading: condition}, ...) ambiguous where the readings of the text disagree
    undecided(arithmetic)            ambiguous: the print leaves it open, and the line says what is missing
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import papers

SUPPORTED, CONTRADICTED, AMBIGUOUS = papers.VERDICTS


class Table:
    """A published table as values under their keys, which notes every cell that is read.

    A cell is addressed by its keys in the order of the file and, where a table has more than one
    metric, by the metric after them: `t3.cell("Full Network", "MSE", "128", "CCC")`.
    """

    def __init__(self, id: str, frame: pd.DataFrame):
        names = papers.keys(frame)
        metrics = set(frame.metric)
        self.id = id
        self.names = (*names, "metric") if len(metrics) > 1 else tuple(names)
        self.paths = [tuple(row) for row in frame[list(self.names)].itertuples(index=False)]
        self.row = {path: i for i, path in enumerate(self.paths)}
        self.values = frame["value"].to_numpy(float)
        self.read: set[int] = set()

    def unread(self) -> Table:
        """The same table with no cell read yet."""
        other = object.__new__(Table)
        other.__dict__.update(self.__dict__, read=set())
        return other

    def with_value(self, row: int, value: float) -> Table:
        """The same table with one cell changed and no cell read yet."""
        other = self.unread()
        other.values = self.values.copy()
        other.values[row] = value
        return other

    def cell(self, *path: str) -> float:
        """One value; NaN where the cell is printed empty."""
        if path not in self.row:
            raise nearest(
                ", ".join(path),
                [", ".join(known) for known in self.paths],
                what=f"cell of {self.id}",
            )
        row = self.row[path]
        if not np.isnan(self.values[row]):
            self.read.add(row)
        return float(self.values[row])

    def column(self, **where: str | tuple[str, ...]) -> dict:
        """The values that match `where`, in printed order, under the keys that are still open.

        A text fixes a key; a tuple of texts only narrows it and leaves it open. One open key gives plain
        texts, several give tuples; empty cells are left out.
        """
        unknown = set(where) - set(self.names)
        if unknown:
            raise EmolibError(
                f"{self.id}: no key {sorted(unknown)}, expected some of {list(self.names)}"
            )
        at = {
            self.names.index(name): (wanted,) if isinstance(wanted, str) else wanted
            for name, wanted in where.items()
        }
        fixed = {
            self.names.index(name) for name, wanted in where.items() if isinstance(wanted, str)
        }
        still_open = [i for i in range(len(self.names)) if i not in fixed]
        found = {}
        for row, path in enumerate(self.paths):
            if all(path[i] in wanted for i, wanted in at.items()) and not np.isnan(
                self.values[row]
            ):
                key = tuple(path[i] for i in still_open)
                found[key[0] if len(key) == 1 else key] = float(self.values[row])
                self.read.add(row)
        if not found:
            raise EmolibError(f"{self.id}: no cell with {where}")
        return found

    def labels(self, name: str) -> list[str]:
        """The distinct entries of one key, in printed order (reads no cell)."""
        return list(dict.fromkeys(path[self.names.index(name)] for path in self.paths))


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

    def __call__(self, tables: Mapping[str, Table] | None = None) -> Finding:
        """Run on `tables` (ids to Table; those not given are the published ones)."""
        given = [(tables or {}).get(id) or fresh(id) for id in self.reads]
        verdict, arithmetic = self.function(*given)
        cells = tuple(sorted((table.id, row) for table in given for row in table.read))
        return Finding(self.name, self.claim, verdict, arithmetic, cells)

    @property
    def source(self) -> str:
        """The first line of its docstring: what is checked and where it is printed."""
        return self.function.__doc__.strip().splitlines()[0]


CHECKS: dict[str, Check] = {}


def check(claim: str, *reads: str):
    """Register a function as a check of `claim` that is given the tables `reads`, in this order."""

    def register(function):
        if function.__name__ in CHECKS:
            raise EmolibError(f"two checks are named {function.__name__}; give one another name")
        CHECKS[function.__name__] = Check(function.__name__, claim, reads, function)
        return function

    return register


def judge(condition: bool, arithmetic: str) -> tuple[str, str]:
    """Supported if the condition holds, contradicted if not."""
    return (SUPPORTED if condition else CONTRADICTED), arithmetic


def weigh(readings: Mapping[str, bool], arithmetic: str) -> tuple[str, str]:
    """The common verdict of all readings of a text, or ambiguous where they disagree."""
    if len(set(map(bool, readings.values()))) > 1:
        return AMBIGUOUS, arithmetic
    return judge(all(readings.values()), arithmetic)


def undecided(arithmetic: str) -> tuple[str, str]:
    """Ambiguous whatever the cells say: the text leaves out what would decide it."""
    return AMBIGUOUS, arithmetic


@cache
def _published(id: str) -> Table:
    if id.endswith("-text"):
        frame = papers.text_numbers()
        frame = frame[frame.paper == id.removesuffix("-text")].reset_index(drop=True)
        return Table(
            id, frame.assign(metric="value", note="")[["item", "metric", "value", "unit", "note"]]
        )
    return Table(id, papers.published(id))


def fresh(id: str) -> Table:
    """The published table `id`, or the numbers in a paper's text (`wang-text`), with no cell read yet."""
    return _published(id).unread()
