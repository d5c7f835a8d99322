"""What was printed stays as printed, and every table and figure is accounted for.

`golden/published.csv` holds one line per table: its digest and four hex digits for each of its rows,
so that a changed cell is named by file and line. Rewrite it only after reading the difference:
`python tests/test_papers.py`.
"""

import csv
import hashlib
import io
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from emolib.ground.errors import EmolibError
from emolib.reproduction import papers

GOLDEN = Path(__file__).parent / "golden" / "published.csv"
NOTEBOOKS = {
    "01",
    "02",
    "03",
    "10",
    "11",
    "12",
    "13",
    "14",
    "20",
    "30",
    "40",
    "41",
    "42",
    "43",
    "44",
}
DATA_SETS = {
    "sfew",
    "fer2013",
    "ferplus",
    "ravdess",
    "crema_d",
    "aff_wild",
    "afew_va",
    "adfes",
    "ckplus",
    "rafd",
    "emnist_letters",
    "cifar100",
    "vggface",
}
MARKS_ONLY = ["orgil2021-t1", "orgil2022-t1_1", "orgil2022-t1_2"]


def row_marks(table: pd.DataFrame) -> str:
    """Four hex digits for each row of a table as text, one string."""
    return "".join(
        hashlib.sha256("\x1f".join(row).encode()).hexdigest()[:4]
        for row in table.itertuples(index=False)
    )


def changed_lines(table: pd.DataFrame, marks: str) -> list[int]:
    """Lines of the CSV file (the header is line 1) that are not what `marks` says."""
    now = row_marks(table)
    longest = max(len(now), len(marks)) // 4
    return [i + 2 for i in range(longest) if now[4 * i : 4 * i + 4] != marks[4 * i : 4 * i + 4]]


def golden() -> dict[str, dict]:
    with GOLDEN.open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def split_ids(cell: str) -> list[str]:
    return [name for name in cell.split(";") if name]


@pytest.mark.parametrize("id", papers.table_ids())
def test_no_printed_cell_was_changed(id):
    expected, table = golden()[id], papers.printed(id)
    lines = changed_lines(table, expected["rows"])
    told = [
        f"line {n}: {', '.join(table.iloc[n - 2])}" if n - 2 < len(table) else f"line {n}: gone"
        for n in lines
    ]
    assert not lines, f"{id.replace('-', '_', 1)}.csv is not as it was printed: " + "; ".join(
        told[:5]
    )
    assert papers.fingerprint(id) == expected["digest"], (
        f"{id}: the header or the order of columns was changed"
    )


def test_a_changed_cell_is_named_by_its_line():
    table = papers.printed("wang-t3")
    table.loc[4, "value"] = "0.23"  # Neutral of the baseline prints 0.22
    assert changed_lines(table, golden()["wang-t3"]["rows"]) == [6]
    assert changed_lines(table.drop(index=4), golden()["wang-t3"]["rows"])[0] == 6


def test_counts_of_cells():
    cells = {id: int(papers.published(id).value.notna().sum()) for id in papers.table_ids()}
    assert sum(n for id, n in cells.items() if id in MARKS_ONLY) == 68
    numeric = {id: n for id, n in cells.items() if id not in MARKS_ONLY}
    per_paper = Counter()
    for id, n in numeric.items():
        per_paper[id.split("-")[0]] += n
    assert per_paper == {
        "orgil2021": 543,
        "orgil2022": 669,
        "wang": 123,
        "yin2022": 57,
        "chang2021": 300,
    }
    assert sum(numeric.values()) == 1692


def test_published_keeps_keys_as_text_and_values_as_numbers():
    table = papers.published("orgil2022-t4_3")
    assert papers.keys(table) == ["model", "loss"]
    assert table.value.dtype == float and table.value.isna().sum() == 5  # five dashes
    assert not table.drop(columns="value").isna().any().any()
    assert papers.published("orgil2021-t3").sequence_length.iloc[0] == "128"
    assert papers.printed("chang2021-t4_1").value.iloc[1] == "0.800"  # decimals as printed
    assert papers.published("wang-t2")["unit"].unique().tolist() == ["degrees"]


def test_every_table_and_figure_is_accounted_for():
    table = papers.artefacts()
    assert table.id.is_unique
    assert Counter(zip(table.paper, table.kind)) == {
        ("orgil2021", "table"): 5,
        ("orgil2022", "table"): 10,
        ("wang", "table"): 3,
        ("yin2022", "table"): 4,
        ("chang2021", "table"): 10,
        ("orgil2021", "figure"): 18,
        ("orgil2022", "figure"): 42,
        ("wang", "figure"): 10,
        ("yin2022", "figure"): 7,
        ("chang2021", "figure"): 52,
    }
    assert set(table.status) == set(papers.STATUSES)
    assert set(table.notebook) <= NOTEBOOKS
    assert {name for cell in table.data for name in split_ids(cell)} <= DATA_SETS
    assert (table.title != "").all() and table.title.str.len().max() <= 80
    assert (table.id.str.split("-").str[0] == table.paper).all() and set(table.paper) == set(
        papers.PAPERS
    )


def test_only_what_needs_no_run_is_without_data():
    table = papers.artefacts()
    drawn = table[table.status.isin(["own diagram", "cited", "from print"])]
    assert (drawn.data == "").all()


def test_the_thesis_repeats_the_paper_where_it_says_so():
    table = papers.artefacts().set_index("id")
    copies = table[table.same_as != ""]
    assert [id.split("-")[1] for id in copies.index] == [
        "t1_1",
        "t4_2",
        "a1",
        "a2",
        "a3",
        "f1_10",
        "f3_1",
        "f3_3",
        "f4_5",
        "f4_6",
        "f4_7",
        "f4_8",
        "f4_9",
        "f4_10",
    ]
    for id, row in copies.iterrows():
        for target in split_ids(row.same_as):
            assert (
                table.loc[target, "kind"] == row.kind
                and table.loc[target, "notebook"] == row.notebook
            )
            assert table.loc[target, "same_as"] == "", f"{id}: {target} is itself a copy"
        if row.kind == "table":
            mine, other = papers.published(id), papers.published(row.same_as)
            pd.testing.assert_frame_equal(mine.drop(columns="note"), other.drop(columns="note"))


@pytest.mark.parametrize("name, least", [("claims", 22), ("choices", 40)])
def test_claims_and_choices_point_at_artefacts(name, least):
    table, known = getattr(papers, name)(), set(papers.everything().id)
    assert len(table) >= least and table.id.is_unique
    for row in table.itertuples():
        unknown = set(split_ids(row.artefacts)) - known
        assert not unknown, f"{name}.csv, {row.id}: no such artefact: {', '.join(sorted(unknown))}"
    assert set(table.paper) <= set(papers.PAPERS)
    optional = {"artefacts", "notebook"}
    for column in set(table.columns) - optional:
        assert (table[column] != "").all(), f"{name}.csv: an empty cell in {column}"


def test_claims_use_the_agreed_words():
    table = papers.claims()
    assert set(table.verdict) <= set(papers.VERDICTS)
    assert set(table.decidable) <= {"yes", "no", "real"}
    assert set(table.notebook) <= NOTEBOOKS | {""}


def test_every_work_has_its_choices():
    assert {paper: len(papers.choices(paper)) > 0 for paper in papers.PAPERS} == dict.fromkeys(
        papers.PAPERS, True
    )
    assert not set(papers.choices().id) & set(papers.claims().id)


@pytest.mark.parametrize(
    "call, value, hint",
    [
        (papers.published, "wang-t4", "wang-t3"),
        (papers.published, "wang_t3", "wang-t3"),
        (papers.choices, "yin", "yin2022"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(call, value, hint):
    with pytest.raises(EmolibError, match=hint) as error:
        call(value)
    assert value in str(error.value) and "\n" not in str(error.value)


def test_protocol_facts_are_quoted_briefly():
    facts = papers.protocols()
    assert len(facts) == 324
    assert facts.quote.str.split().str.len().max() <= 12


def write_golden():
    """One line per table: id, digest of the text, four digits per row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "digest", "rows"])
    for id in papers.table_ids():
        writer.writerow([id, papers.fingerprint(id), row_marks(papers.printed(id))])
    GOLDEN.write_text(out.getvalue())


if __name__ == "__main__":
    write_golden()
