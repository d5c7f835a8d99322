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
from emolib.reproduction.report import deciding
from emolib.reproduction.report import files as results
from emolib.reproduction.runs.claims import NEEDS_REAL, WEAK

ARITHMETIC = "arithmetic"  # in place of a cell


def file_of(id: str, *folders: Path) -> Path:
    """The file of an artefact in the first result folder that holds it; EmolibError if none does.

    What decides a claim may quote a notebook that its folder does not have.
    """
    for folder in folders:
        for kind in ("tables", "figures"):
            if (folder / kind / f"{id}.csv").exists():
                return folder / kind / f"{id}.csv"
    raise EmolibError(f"{folders[0] / 'tables' / id}.csv is not there: run the notebook of {id}")


def row_of(address: str, *folders: Path) -> pd.Series:
    """The one row of a result file that an address names, every cell as text.

    EmolibError if the file is not there, a column is unknown, or not exactly one row fits.
    """
    id, *conditions = address.split(" | ")
    rows = results.read(file_of(id, *folders))
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


def sentence(central: dict, *folders: Path) -> str:
    """The sentence of a central claim with its numbers from the first folder that has the file."""
    arithmetic = papers.claims().set_index("id").arithmetic
    numbers = []
    for address in filter(None, central["cells"].split(" ;; ")):
        if address == ARITHMETIC:
            numbers.append(arithmetic[central["claim"]])
        else:
            numbers.append(in_words(row_of(address, *folders)))
    return central["sentence"].format(*numbers)


def _said(central: dict, claim: dict, *folders: Path) -> str:
    """The sentence; where a gate failed, print and the gate: no number of ours is compared."""
    if claim["outcome"] in (WEAK, NEEDS_REAL) and central["cells"] != ARITHMETIC:
        return f"{claim['statement']}. Print: {claim['arithmetic']}. Here: {claim['because']}."
    return sentence(central, *folders)


def rows(folder: Path, profile: str = "") -> list[dict]:
    """Central claims in their order: a row of `deciding` with `said` and picture (a path or '').

    The sentence has the numbers of the profile that decided; the picture is the page's own and
    signed with its profile. Without a `profile` the folder stands alone.
    """
    claims = {row["id"]: row for row in deciding.rows(folder, profile)}
    found = []
    for central in papers.central().to_dict("records"):
        claim = claims[central["claim"]]
        said = _said(central, claim, claim["place"], folder)
        picture = _picture(folder, central["picture"])
        found.append(claim | central | {"said": said, "picture": picture})
    return found


def _picture(folder: Path, id: str) -> str:
    """Where a figure lies in the folder; '' where it was not made."""
    path = f"figures/{id}.svg"
    return path if (folder / path).exists() else ""


def questions(folder: Path, profile: str = "") -> list[dict]:
    """The reader's questions in their order: question, `said`, outcome, source, picture, overturn.

    A question without a claim is answered by its own cells, of the largest profile that has them;
    `said` is empty where they are missing.
    """
    known, found = {row["id"]: row for row in rows(folder, profile)}, []
    for question in papers.questions().to_dict("records"):
        if question["claim"]:
            found.append(
                known[question["claim"]] | {k: question[k] for k in ("question", "overturn")}
            )
            continue
        first = question["cells"].split(" ;; ")[0]
        about = _answer(question, first, deciding.places(folder, profile))
        paper, picture = first.partition("-")[0], _picture(folder, question["picture"])
        found.append(question | about | {"id": "", "paper": paper, "picture": picture})
    return found


def _answer(question: dict, first: str, places: dict[str, Path]) -> dict:
    """What the cells of a question say in the first of the folders that has them, the largest."""
    for profile, place in places.items():
        try:
            said, source = sentence(question, place), row_of(first, place)["source"]
        except EmolibError:  # its notebook, or its data, were not there
            continue
        return {"said": said, "source": source, "outcome": "measured", "profile": profile}
    return {"said": "", "source": "print", "outcome": "not measured", "profile": ""}


def findings(folder: Path) -> list[dict]:
    """The ten strongest findings in their order: finding, `said`, outcome, source, picture,
    overturn, and `cell`: the file that its first number stands in, '' for arithmetic."""
    outcomes, found = results.read(folder / "claims.csv").set_index("id").outcome, []
    for finding in papers.findings().to_dict("records"):
        first, claim = finding["cells"].split(" ;; ")[0], finding["claim"]
        about = {"said": sentence(finding, folder), "cell": "", "source": "print"}
        if first != ARITHMETIC:
            about["source"] = row_of(first, folder)["source"]
            about["cell"] = file_of(first.partition(" | ")[0], folder)
        if not claim:
            about["outcome"] = "measured"
        elif first == ARITHMETIC:
            about["outcome"] = papers.claims().set_index("id").verdict[claim]
        else:
            about["outcome"] = outcomes[claim]
        found.append(finding | about | {"picture": _picture(folder, finding["picture"])})
    return found
