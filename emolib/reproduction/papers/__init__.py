"""What the five works printed, and what we read into it: the only numbers here typed by hand.

    published/*.csv   every printed cell of the 32 tables, long: keys, metric, value, unit, note;
                      and protocols.csv, numbers of the methods sections with a short quote each
    text.csv          numbers in running text that the audit reads
    artefacts.csv     one row for each of the 32 tables and 129 figures
    claims.csv        one row for each checkable statement and the check that decides it
    central.csv       the claims that a work rests on, with the cells that answer them
    choices.csv       one row for each gap in a text: what it says, what we chose, why
    extras.csv        tables and figures of ours that no paper has; columns as in artefacts.csv

An id names an artefact everywhere: `wang-t3` is `published/wang_t3.csv`, Table 3 of wang; figures
are `orgil2022-f4_5`. Each function reads its file anew, so a caller may change what it gets.
"""

from __future__ import annotations

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
# Ids of ours that belong to no work.
HOUSE = {"world": "Not from a paper: the data at hand and the simulated world"}
STATUSES = ("regenerated", "from print", "own diagram", "cited")
BIASES = ("none", "ours lower", "ours higher", "either way")
VERDICTS = ("consistent in print", "contradicted in print", "open in print")


def _read(name: str) -> pd.DataFrame:
    """One of our CSV files, every cell as the text it holds ('' where it is empty)."""
    with resources.files(__name__).joinpath(name).open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def artefacts() -> pd.DataFrame:
    """All tables and figures: id, paper, label, kind, title, notebook, data, status, same_as.

    `data` and `same_as` hold names separated by `;`: the data sets an artefact is made from, and
    the artefacts of another document that it repeats.
    """
    return _read("artefacts.csv")


def extras() -> pd.DataFrame:
    """Tables and figures that no paper has: the columns of `artefacts`."""
    return _read("extras.csv")


def everything() -> pd.DataFrame:
    """Artefacts of the works, then ours: the columns of `artefacts`."""
    return pd.concat([artefacts(), extras()], ignore_index=True)


def artefact(id: str) -> pd.Series:
    """The row of one artefact, printed or ours; an unknown id is an error with the nearest ones."""
    return _row(everything(), id, "artefact")


def _row(table: pd.DataFrame, id: str, what: str) -> pd.Series:
    if id not in set(table.id):
        raise nearest(id, table.id, what=what)
    return table.set_index("id", drop=False).loc[id]


def claims() -> pd.DataFrame:
    """Each checkable statement: id, paper, place, statement (our words), artefacts, check, verdict,
    arithmetic, needs, notebook.

    `verdict` is the one that the paper's own numbers give; `notebook` measures the second one. What
    that `needs`: print alone, counting, any data, or the named sets (runs/claims.py).
    """
    return _read("claims.csv")


def central() -> pd.DataFrame:
    """The claims that a work's abstract and conclusion rest on: claim, sentence (ours, with places
    for numbers), cells (where they are read), picture (a figure), headline (yes: in the README)."""
    return _read("central.csv")


def questions() -> pd.DataFrame:
    """What a reader asks first: question, claim (a central one; else sentence, cells and picture of
    its own), overturn (what would change the answer)."""
    return _read("questions.csv")


def findings() -> pd.DataFrame:
    """The ten strongest findings: finding, claim (or ''), sentence, cells, picture, overturn."""
    return _read("findings.csv")


def grids() -> dict[str, list[str]]:
    """The keys that run across a printed table; where a table is not named, its metrics do."""
    table = _read("grids.csv")
    return {id: across.split(";") for id, across in zip(table.id, table.across, strict=True)}


def choices(paper: str | None = None) -> pd.DataFrame:
    """Each gap and how we fill it, of one paper or all: id, paper, place, says, ours, why, bias,
    artefacts.

    `bias` is the direction in which the choice could move our number against the printed one:
    'ours lower', 'ours higher', 'either way', or 'none' (both readings stand there, or a count).
    """
    table = _read("choices.csv")
    if paper is None:
        return table
    if paper not in PAPERS:
        raise nearest(paper, PAPERS, what="paper")
    return table[table.paper == paper].reset_index(drop=True)


def text_numbers() -> pd.DataFrame:
    """Numbers in running text that a check reads: paper, item (our words), value (float), unit,
    place."""
    table = _read("text.csv")
    return table.assign(value=table["value"].astype(float))


def printed(id: str) -> pd.DataFrame:
    """The cells of one table as text: `value` keeps its decimals ('0.800'), '' is an empty cell."""
    table = artefacts()
    row = _row(table[table.kind == "table"], id, "table")
    return _read(f"published/{row.id.replace('-', '_', 1)}.csv")


def published(id: str) -> pd.DataFrame:
    """The cells of one table, long: its keys (text), `metric`, `value` (float, NaN where the cell
    is empty), `unit`, `note`. Tables of marks hold 1 for a mark and 0 for a blank."""
    table = printed(id)
    table["value"] = table["value"].where(table["value"] != "").astype(float)
    return table


def keys(table: pd.DataFrame) -> list[str]:
    """The columns that name a row of a published table: all but metric, value, unit and note."""
    return [name for name in table.columns if name not in ("metric", "value", "unit", "note")]


def table_ids() -> list[str]:
    """Ids of the 32 tables, in the order of artefacts.csv."""
    table = artefacts()
    return table.id[table.kind == "table"].tolist()
