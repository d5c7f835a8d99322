"""The central claims: their sentences say the numbers of the result files, or that none may be compared."""

import shutil
import string

import pandas as pd
import pytest

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import central
from emolib.reproduction.runs.claims import NEEDS_REAL, OUTCOMES, WEAK

QUICK = settings.project() / "results" / "quick"
CENTRAL = papers.central().to_dict("records")


def test_every_work_has_five_to_eight_and_each_names_what_exists():
    claims = papers.claims().set_index("id")
    table = papers.central()
    assert table.claim.is_unique and set(table.claim) <= set(claims.index)
    assert set(table.picture) <= set(papers.everything().id)
    each = claims.paper[table.claim].value_counts()
    assert set(each.index) == set(papers.PAPERS) and each.between(5, 8).all()
    assert 3 <= (table.headline == "yes").sum() <= 5


@pytest.mark.parametrize("row", CENTRAL, ids=lambda row: row["claim"])
def test_a_sentence_has_a_place_for_each_of_its_cells_and_no_number_of_ours(row):
    places = [name for _, name, _, _ in string.Formatter().parse(row["sentence"]) if name]
    assert places == [str(i) for i in range(len(row["cells"].split(" ;; ")))]


@pytest.mark.parametrize("row", CENTRAL, ids=lambda row: row["claim"])
def test_its_cells_and_its_picture_are_committed(row):
    assert central.sentence(row, QUICK)
    assert (QUICK / "figures" / f"{row['picture']}.svg").exists()


@pytest.mark.parametrize("row", CENTRAL, ids=lambda row: row["claim"])
def test_a_sentence_takes_its_numbers_from_what_its_verdict_rests_on(row):
    claims = pd.read_csv(QUICK / "claims.csv", dtype=str, keep_default_na=False).set_index("id")
    if claims.outcome[row["claim"]] in (WEAK, NEEDS_REAL):
        return  # the gate is said, and no number
    cells = [cell for cell in row["cells"].split(" ;; ") if cell != central.ARITHMETIC]
    sources = {central.row_of(cell, QUICK).get("source") for cell in cells}
    assert sources <= {claims.source[row["claim"]], "print"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tables").mkdir()
    shutil.copy(QUICK / "tables" / "wang-x1.csv", tmp_path / "tables")
    claims = pd.read_csv(QUICK / "claims.csv", dtype=str, keep_default_na=False)
    claims["profile"] = ""  # no other notebook was run into this folder
    claims.loc[claims.id == "wang-b4", ["outcome", "profile"]] = [OUTCOMES[1], "quick"]
    claims.to_csv(tmp_path / "claims.csv", index=False)
    return tmp_path


def test_the_number_is_the_one_in_the_file(folder):
    row = next(row for row in CENTRAL if row["claim"] == "wang-b4")
    cell = central.row_of(row["cells"], folder)
    assert f"{100 * float(cell.measured):.1f} %" in central.sentence(row, folder)
    path = folder / "tables" / "wang-x1.csv"
    path.write_text(path.read_text().replace(cell.measured, "-0.777"))
    assert "-77.7 %" in central.sentence(row, folder)


def test_nothing_is_compared_behind_a_closed_gate(folder):
    said = {row["id"]: row["said"] for row in central.rows(folder)}
    assert "less an SVM" in said["wang-b4"] and "%" in said["wang-b4"]
    claims = pd.read_csv(folder / "claims.csv", dtype=str, keep_default_na=False)
    claims.loc[claims.id == "wang-b4", ["outcome", "because"]] = [WEAK, "it still improves"]
    claims.to_csv(folder / "claims.csv", index=False)
    said = {row["id"]: row["said"] for row in central.rows(folder)}
    assert "it still improves" in said["wang-b4"] and "less an SVM" not in said["wang-b4"]


@pytest.mark.parametrize(
    "address, match",
    [
        ("wang-x9 | method=x", "wang-x9.csv is not there"),
        ("wang-x1 | methd=x", "no column 'methd'"),
        ("wang-x1 | metric=mean recall above the SVM", "fits 10 rows of wang-x1.csv"),
    ],
)
def test_an_address_that_fits_no_row_is_said(folder, address, match):
    with pytest.raises(EmolibError, match=match) as error:
        central.row_of(address, folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "cell, words",
    [
        (
            {"measured": "0.214", "low": "0.19", "high": "0.24", "unit": "fraction"},
            "21.4 % [19.0, 24.0]",
        ),
        ({"measured": "1.25", "unit": "points"}, "+1.2 points"),
        ({"measured": "288", "unit": "count"}, "288"),
        ({"measured": "26.788", "unit": ""}, "26.788"),
        ({"measured": "-0.2", "metric": "difference of 2CCC", "unit": ""}, "-0.200"),
    ],
)
def test_a_cell_in_words(cell, words):
    assert central.in_words(pd.Series(cell)) == words
