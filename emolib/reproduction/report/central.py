"""The central claims: one sentence, its numbers and one picture each, read from the result files.

A sentence of papers/central.csv holds `{0}`, `{1}` ... for its cells, in the order of its column
`cells`, which are separated by ` ;; `. A cell is an artefact and the row in it,

    wang-t3 | method=CNN fusion model (Ours) | emotion=Average Accuracy | metric=accuracy

or `arithmetic`: what the audit of the claim found in print. So no sentence can say another number
than its file, and no file can lose the row without somebody noticing.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.report.show import with_second
from emolib.reproduction.runs.claims import NEEDS_REAL, WEAK

ARITHMETIC = "arithmetic"  # in place of a cell


def row_of(folder: Path, address: str) -> pd.Series:
    """The one row of a result file that an address names, every cell as text.

    EmolibError if the file is not there, a column is unknown, or not exactly one row fits.
    """
    id, *conditions = address.split(" | ")
    for kind in ("tables", "figures"):
        if (folder / kind / f"{id}.csv").exists():
            rows = results.read(folder / kind / f"{id}.csv")
            break
    else:
        raise EmolibError(f"{folder / 'tables' / id}.csv is not there: run the notebook of {id}")
    for condition in conditions:
        column, _, value = condition.partition("=")
        if column not in rows:
            raise EmolibError(f"{id}: no column '{column}', expected one of {list(rows)}")
        rows = rows[rows[column] == value]
    if len(rows) != 1:
        raise EmolibError(f"'{address}' fits {len(rows)} rows of {id}.csv, expected one")
    return rows.iloc[0]


def in_words(row: pd.Series) -> str:
    """A measured cell with its interval and unit: '21.4 % [18.9, 24.0]', '288', '+1.2 points'."""
    unit, value = row.get("unit", ""), float(row["measured"])
    scale, sign, end = 1.0, "", f" {unit}" if unit else ""
    if unit in ("fraction", "percent"):
        scale, end = (100.0 if unit == "fraction" else 1.0), " %"
    if "difference" in row.get("metric", "") or unit == "points":
        sign = "+"
    if unit == "count" or (not unit and value.is_integer()):
        return f"{value:,.0f}"
    form = f"{sign}.1f" if unit in ("fraction", "percent", "points") else f"{sign}.3f"
    text = f"{scale * value:{form}}{end}"
    if row.get("low") and row.get("high"):
        text += f" [{scale * float(row['low']):{form}}, {scale * float(row['high']):{form}}]"
    return text


def sentence(folder: Path, central: dict) -> str:
    """The sentence of a central claim with its numbers from the files of `folder`."""
    arithmetic = papers.claims().set_index("id").arithmetic
    numbers = []
    for address in filter(None, central["cells"].split(" ;; ")):
        if address == ARITHMETIC:
            numbers.append(arithmetic[central["claim"]])
        else:
            numbers.append(in_words(row_of(folder, address)))
    return central["sentence"].format(*numbers)


def _said(folder: Path, central: dict, claim: dict) -> str:
    """The sentence; where a gate failed, print and the gate: no number of ours is compared."""
    if claim["outcome"] in (WEAK, NEEDS_REAL) and central["cells"] != ARITHMETIC:
        return f"{claim['statement']}. Print: {claim['arithmetic']}. Here: {claim['because']}."
    return sentence(folder, central)


def rows(folder: Path) -> list[dict]:
    """Central claims in their order: claim, `said`, picture (a path or ''), both verdicts."""
    claims = {row["id"]: row for row in with_second(results.read(folder / "claims.csv"))}
    found = []
    for central in papers.central().to_dict("records"):
        claim = claims[central["claim"]]
        said = _said(folder, central, claim)
        picture = _picture(folder, central["picture"])
        found.append(claim | central | {"said": said, "picture": picture})
    return found


def _picture(folder: Path, id: str) -> str:
    """Where a figure lies in the folder; '' where it was not made."""
    path = f"figures/{id}.svg"
    return path if (folder / path).exists() else ""


def questions(folder: Path) -> list[dict]:
    """The reader's questions in their order: question, `said`, outcome, source, picture, overturn.

    A question without a claim is answered by its own cells; `said` is empty where they are missing.
    """
    known, found = {row["id"]: row for row in rows(folder)}, []
    for question in papers.questions().to_dict("records"):
        if question["claim"]:
            found.append(
                known[question["claim"]] | {k: question[k] for k in ("question", "overturn")}
            )
            continue
        first = question["cells"].split(" ;; ")[0]
        try:
            said = sentence(folder, question)
            source = row_of(folder, first)["source"]
        except EmolibError:  # its notebook, or its data, were not there
            said, source = "", "print"
        paper, picture = first.partition("-")[0], _picture(folder, question["picture"])
        about = {"said": said, "source": source, "outcome": "measured" if said else "not measured"}
        found.append(question | about | {"id": "", "paper": paper, "picture": picture})
    return found
