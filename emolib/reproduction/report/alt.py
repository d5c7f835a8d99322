"""Words for who does not see a figure: its title, and what its data say."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd

from emolib.reproduction import papers
from emolib.reproduction.report import files as results

SHOWN = 6  # names of a group that are listed; of more it is said how many there are
NUMBERS = ("measured", "low", "high", "printed", "count", "x", "y")


@functools.cache
def _titles() -> dict[str, str]:
    return papers.everything().set_index("id").title.to_dict()


def text(folder: Path, picture: str) -> str:
    """The alternative text of a figure 'figures/ID.svg' of a result folder.

    'Title. 24 values from 0.1 to 0.4; method: A, B; source: real.' The title alone if the figure's
    data cannot be read.
    """
    id = Path(picture).stem
    title = _titles().get(id, id)
    data = folder / "figures" / f"{id}.csv"
    if not data.exists():
        return title
    return f"{title.rstrip('.')}. {_described(results.read(data))}."


def _described(rows: pd.DataFrame) -> str:
    """What stands in a figure's data, in one line."""
    said = []
    if "measured" in rows:
        values = pd.to_numeric(rows["measured"], errors="coerce").dropna()
        if len(values):
            said.append(f"{len(values)} values from {values.min():.3g} to {values.max():.3g}")
    for name in rows.columns.difference([*NUMBERS, "source", "unit"], sort=False):
        found = [value for value in rows[name].unique() if value]
        if not found or pd.to_numeric(pd.Series(found), errors="coerce").notna().any():
            continue
        listed = ", ".join(found) if len(found) <= SHOWN else f"{len(found)} kinds"
        said.append(f"{name}: {listed}")
    if "source" in rows:
        said.append(f"source: {', '.join(sorted(rows['source'].unique()))}")
    return "; ".join(said) or f"{len(rows)} rows of data"
