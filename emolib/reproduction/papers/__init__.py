"""What the five works printed, and what we read into it: the only numbers here typed by hand.

    published/*.csv   every printed cell of the 32 tables, long: keys, metric, value, unit, note
    protocols.csv     (beside them) numeric facts of the methods sections with a short quote each
    text.csv          numbers in running text that the audit reads
    artefacts.csv     one row for each of the 32 tables and 129 figures
    claims.csv        one row for each checkable statement and the check that decides it
    choices.csv       one row for each gap in a text: what it says, what we chose, why
    extras.csv        tables and figures of ours that no paper has; columns as in artefacts.csv

An id names an artefact everywhere: `wang-t3` is `published/wang_t3.csv`, Table 3 of wang; figures
are `orgil2022-f4_5`. Each function reads its file anew, so a caller may change what it gets.
"""

from __future__ import annotations

import hashlib
from importlib import resources

import pandas as pd

from emolib.ground.errors import nearest

PAPERS = {
    "orgil2021": "Orgil et al.: multimodal recognition with a non-inertial loss (journal paper)",
    "orgil2022": "Orgil: the thesis around it, with transformers and continual learning",
    "wang": "Wang: pruned and convolutional networks on film stills",
    "yin2022": "Yin et al.: emotion as a path in the valence-arousal plane",
    "chang2021": "Chang: from face models to multimodal residual perceptrons (thesis)",
}
HOUSE = {
    "world": "Not from a paper: the data at hand and the simulated world"
}  # ids of ours that belong to no work
STATUSES = ("regenerated", "from print", "own diagram", "cited")
VERDICTS = ("supported", "contradicted", "ambiguous")
_VALUE_COLUMNS = ("metric", "value", "unit", "note")


def _read(name: str) -> pd.DataFrame:
    """One of our CSV files, every cell as the text it holds ('' where it is empty)."""
    with resources.files(__name__).joinpath(name).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def artefacts() -> pd.DataFrame:
    """All 32 tables and 129 figures: id, paper, label, kind, title, notebook, data, status, same_as.

    `data` and `same_as` hold names separated by `;`: the data sets an artefact is made from, and the
    artefacts of another document that it repeats.
    """
    return _read("artefacts.csv")


def extras() -> pd.DataFrame:
    """Tables and figures that no paper has and that a study adds beside them: the columns of `artefacts`."""
    return _read("extras.csv")


def everything() -> pd.DataFrame:
    """Artefacts of the works, then ours: the columns of `artefacts`."""
    return pd.concat([artefacts(), extras()], ignore_index=True)


def artefact(id: str) -> pd.Series:
    """The row of one artefact, printed or ours; an unknown id is an error with the nearest ones."""
    table = everything().set_index("id", drop=False)
    if id not in table.index:
        raise nearest(id, table.index, what="artefact")
    return table.loc[id]


def claims() -> pd.DataFrame:
    """Each checkable statement: id, paper, place, statement (our words), artefacts, check, verdict,
    arithmetic, decidable (on simulated data: yes, no, or only on `real` data), notebook.

    `verdict` is the one that the paper's own numbers give; `notebook` measures the second one.
    """
    return _read("claims.csv")


def choices(paper: str | None = None) -> pd.DataFrame:
    """Each gap and how we fill it: id, paper, place, says, ours, why, artefacts; of one paper or all."""
    table = _read("choices.csv")
    if paper is None:
        return table
    if paper not in PAPERS:
        raise nearest(paper, PAPERS, what="paper")
    return table[table.paper == paper].reset_index(drop=True)


def protocols() -> pd.DataFrame:
    """Numeric facts of the methods sections: doc, section, item, value, unit, quote (twelve words at most)."""
    return _read("published/protocols.csv")


def text_numbers() -> pd.DataFrame:
    """Numbers that stand in running text and that a check reads: paper, item (our words), value (float), unit, place."""
    table = _read("text.csv")
    table["value"] = table["value"].astype(float)
    return table


def printed(id: str) -> pd.DataFrame:
    """The cells of one table as text: `value` keeps its decimals ('0.800') and is '' for an empty cell."""
    return _read(f"published/{_table_row(id).id.replace('-', '_', 1)}.csv")


def published(id: str) -> pd.DataFrame:
    """The cells of one table, long: its keys (text), `metric`, `value` (float, NaN where the printed
    cell is empty), `unit`, `note`. Tables of marks hold 1 for a mark and 0 for a blank."""
    table = printed(id)
    table["value"] = table["value"].where(table["value"] != "").astype(float)
    return table


def keys(table: pd.DataFrame) -> list[str]:
    """The columns that name a row of a published table: all but metric, value, unit and note."""
    return [column for column in table.columns if column not in _VALUE_COLUMNS]


def table_ids() -> list[str]:
    """Ids of the 32 tables, in the order of artefacts.csv."""
    table = artefacts()
    return table.id[table.kind == "table"].tolist()


def fingerprint(id: str) -> str:
    """16 hex digits of a table's printed cells (SHA-256 of its CSV text, line ends as \\n)."""
    return hashlib.sha256(
        printed(id).to_csv(index=False, lineterminator="\n").encode()
    ).hexdigest()[:16]


def _table_row(id: str) -> pd.Series:
    table = artefacts().set_index("id", drop=False)
    tables = table[table.kind == "table"]
    if id not in tables.index:
        raise nearest(id, tables.index, what="table")
    return tables.loc[id]
