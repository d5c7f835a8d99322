"""A table in the paper's own grid: its rows down, its columns across, print above and ours below.

for grid in of("wang-t3", long):       # one a protocol, the first is the one to show
    grid.protocol, grid.html, grid.sources

Which keys run across stands in papers/grids.csv; elsewhere the metrics do. Colour says that a
verdict stands: green where print lies inside our interval, orange where it does not. Simulated
numbers and networks that failed a gate have none.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import pandas as pd
from pandas.io.formats.style import Styler

from emolib.reproduction import papers

VERDICT_CLASSES = {
    "inside our interval": "in",
    "equal": "in",
    "the same digits": "in",
    "print is higher": "out",
    "print is lower": "out",
    "not equal": "out",
    "other digits": "out",
}
DECIMALS = 3  # at most


@dataclass(frozen=True)
class Grid:
    """One protocol of a table.

    html      a table without scripts;   sources   'real', 'simulated', 'counted' ... of its numbers
    """

    protocol: str
    html: str
    sources: tuple[str, ...]


def of(id: str, long: pd.DataFrame) -> list[Grid]:
    """The grids of a result table as it is read from its file (every cell is text).

    Only what the paper prints: the metrics of print, and our further rows under them. Protocols
    without a number beside a printed one are left out where others have some.
    """
    keys = list(long.columns[: list(long.columns).index("metric")])
    printed = long[long.printed != ""]
    if len(printed):
        long = long[long.metric.isin(printed.metric)]
    across = papers.grids().get(id, ["metric"])
    down = [key for key in keys if key not in across]
    ours = long[long.measured != ""]
    protocols = list(dict.fromkeys(ours.protocol[ours.printed != ""]))
    found = []
    for protocol in protocols or list(dict.fromkeys(ours.protocol)) or [""]:
        rows = ours[ours.protocol == protocol]
        whole = pd.concat([rows, _printed_only(printed, rows, keys)])
        sources = tuple(dict.fromkeys(rows.source)) or ("print",)
        found.append(Grid(protocol, _drawn(whole, long, down, across), sources))
    return found


def _printed_only(printed: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Printed cells that this protocol has no number for."""
    names = [*keys, "metric"]
    cells = printed.drop_duplicates(names)
    have = set(rows[names].itertuples(index=False, name=None))
    absent = [cell not in have for cell in cells[names].itertuples(index=False, name=None)]
    return cells[absent].assign(measured="", low="", high="", verdict="")


def _drawn(rows: pd.DataFrame, order: pd.DataFrame, down: list[str], across: list[str]) -> str:
    """HTML of one grid; rows and columns in the `order` of the file."""
    names = across if "metric" in across or order.metric.nunique() == 1 else [*across, "metric"]
    units = rows.groupby("metric").unit.agg(lambda unit: unit.iloc[0]).to_dict()
    if not down:
        rows, order, down = rows.assign(row=""), order.assign(row=""), ["row"]
    decimals = _decimals(rows)
    cells = [_cell(row, decimals[row.metric]) for row in rows.itertuples()]
    marks = [VERDICT_CLASSES.get(row.verdict, "") for row in rows.itertuples()]
    frame = rows[[*down, *names]].assign(cell=cells, mark=marks)
    frame = frame.drop_duplicates([*down, *names])
    shape = frame.set_index([*down, *names])
    index, columns = _in_order(order, down), _in_order(order, names)
    grid, colour = (
        shape[what].unstack(names).reindex(index=index, columns=columns)
        for what in ("cell", "mark")
    )
    grid = grid.dropna(how="all").dropna(how="all", axis=1)
    colour = colour.reindex(index=grid.index, columns=grid.columns).fillna("")
    unit = {name for name in units.values() if name}
    for table in (grid, colour):
        table.columns = _headed(table.columns, names, units if len(unit) > 1 else {})
        table.index = table.index.set_names([_word(name) for name in down])
    styler = Styler(grid.fillna(""), uuid_len=0, cell_ids=False).set_td_classes(colour)
    for axis in ("index", "columns"):
        styler = styler.format_index(escape="html", axis=axis)
    drawn = styler.to_html(table_attributes='class="grid"', sparse_index=True)
    drawn = re.sub(r'<style.*?</style>| id="T_\w*"|(?<=class=")data row\d+ col\d+ ?', "", drawn)
    if len(unit) == 1:
        drawn += f'<p class="quiet">All numbers in {html.escape(unit.pop())}.</p>'
    return drawn


def _in_order(rows: pd.DataFrame, names: list[str]) -> pd.Index:
    """The different values of these columns as they stand in the file."""
    values = rows[names].drop_duplicates()
    return pd.MultiIndex.from_frame(values) if len(names) > 1 else pd.Index(values[names[0]])


def _headed(columns: pd.Index, names: list[str], units: dict[str, str]) -> pd.Index:
    """Column names, each metric with its unit where the units differ."""
    told = columns.to_frame(index=False)
    if "metric" in names:
        told["metric"] = [f"{m} ({units[m]})" if units.get(m) else m for m in told["metric"]]
    return _in_order(told, names).set_names([""] * len(names))


def _word(key: str) -> str:
    return key.replace("_", " ")


def _decimals(rows: pd.DataFrame) -> dict[str, int]:
    """metric -> decimals: what its print has, at most DECIMALS; three without print."""
    found = {}
    for metric, group in rows.groupby("metric"):
        texts = [text.partition(".")[2] for text in group.printed if text and "e" not in text]
        found[metric] = min(DECIMALS, max(map(len, texts))) if texts else DECIMALS
    return found


def _cell(row, decimals: int) -> str:
    """'0.31<small>0.214 [0.189, 0.240]</small>': print, and ours below it."""
    printed = _number(row.printed, decimals) if row.printed else ""
    if row.measured == "":
        return printed
    shown = _number(row.measured, decimals)
    if row.low and row.high:
        shown += f" <i>[{_number(row.low, decimals)}, {_number(row.high, decimals)}]</i>"
    return f"{printed}<small>{shown}</small>"


def _number(text: str, decimals: int) -> str:
    value = float(text)
    return f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:.{decimals}f}"
