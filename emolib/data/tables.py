"""Tables that strangers wrote: a head, then rows of as many cells; what is odd is told by line."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolib.data.files import Damaged
from emolib.data.tracks import text_lines


@dataclass(frozen=True)
class Table:
    """One file of comma-separated text; row k stands in line k + 2."""

    path: Path
    columns: dict[str, int]  # name: place
    rows: list[list[str]]

    def text(self, column: str) -> list[str]:
        place = self.columns[column]
        return [row[place].strip() for row in self.rows]

    def mapped(self, column: str, known: Mapping[str, object]) -> list:
        """Cells of a column, each turned into what `known` says of it."""
        cells = self.text(column)
        for line, cell in enumerate(cells, 2):
            if cell not in known:
                expected = ", ".join(list(known)[:12])
                raise self.odd(line, column, cell, f"one of {expected}")
        return [known[cell] for cell in cells]

    def numbers(
        self, columns: Sequence[str], low: float = -np.inf, high: float = np.inf
    ) -> np.ndarray:
        """float64 (rows, columns), each finite and in [low, high]."""
        places = [self.columns[column] for column in columns]
        out = np.empty((len(self.rows), len(places)))
        for k, row in enumerate(self.rows):
            try:
                out[k] = [float(row[place]) for place in places]
            except ValueError:
                out[k] = [_number(row[place]) for place in places]
        bad = np.argwhere(~(np.isfinite(out) & (out >= low) & (out <= high)))
        if bad.size:
            row, column = bad[0]
            expected = "a number" if np.isinf(high) else f"a number from {low:g} to {high:g}"
            cell = self.rows[row][places[column]].strip()
            raise self.odd(row + 2, columns[column], cell, expected)
        return out

    def odd(self, line: int, column: str, cell: str, expected: str) -> Damaged:
        return Damaged(self.path, f"line {line}: {column} is '{cell[:30]}', expected {expected}")


def read(path: Path, columns: Sequence[str]) -> Table:
    """The table in `path`, which must have these columns (and may have more) and a row."""
    try:
        head, *rows = csv.reader(text_lines(path))
    except csv.Error as error:
        raise Damaged(path, f"not a readable table ({error}); get it anew") from None
    names = [name.strip() for name in head]
    lacking = [name for name in columns if name not in names]
    if lacking:
        raise Damaged(path, f"line 1 has no column '{lacking[0]}', expected {len(columns)} such")
    for line, row in enumerate(rows, 2):
        if len(row) != len(names):
            why = (
                f"line {line} holds {len(row)} cells, expected {len(names)}; it is cut or mixed up"
            )
            raise Damaged(path, why)
    if not rows:
        raise Damaged(path, "a head without a row; get it anew")
    return Table(path, {name: place for place, name in enumerate(names)}, rows)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan
