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
NOTEBOOKS = "01 02 03 10 11 12 13 14 20 30 40 41 42 43 44"
DATA_SETS = (
    "sfew fer2013 ferplus ravdess crema_d aff_wild afew_va adfes ckplus rafd emnist_letters "
    "cifar100 vggface"
)
# Of each paper: its printed numbers, its tables and its figures.
SIZES = {
    "orgil2021": (543, 5, 18),
    "orgil2022": (669, 10, 42),
    "wang": (123, 3, 10),
    "yin2022": (57, 4, 7),
    "chang2021": (300, 10, 52),
}
COPIES = "t1_1 t4_2 a1 a2 a3 f1_10 f3_1 f3_3 f4_5 f4_6 f4_7 f4_8 f4_9 f4_10"
MARKS_ONLY = ["orgil2021-t1", "orgil2022-t1_1", "orgil2022-t1_2"]


def fingerprint(id: str) -> str:
    """16 hex digits of a table's printed cells (SHA-256 of its CSV text, line ends as \\n)."""
    text = papers.printed(id).to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
    rows = {n: table.iloc[n - 2].tolist() if n - 2 < len(table) else "gone" for n in lines[:5]}
    assert not lines, f"{id.replace('-', '_', 1)}.csv is not as it was printed: {rows}"
    assert fingerprint(id) == expected["digest"], f"{id}: its header or order of columns"


def test_a_changed_cell_is_named_by_its_line():
    table = papers.printed("wang-t3")
    table.loc[4, "value"] = "0.23"  # Neutral of the baseline prints 0.22
    assert changed_lines(table, golden()["wang-t3"]["rows"]) == [6]
    assert changed_lines(table.drop(index=4), golden()["wang-t3"]["rows"])[0] == 6


def test_counts_of_cells():
    cells = {id: int(papers.published(id).value.notna().sum()) for id in papers.table_ids()}
    assert sum(n for id, n in cells.items() if id in MARKS_ONLY) == 68
    per_paper = Counter()
    for id in set(cells) - set(MARKS_ONLY):
        per_paper[id.split("-")[0]] += cells[id]
    assert per_paper == {paper: numbers for paper, (numbers, _, _) in SIZES.items()}
    assert per_paper.total() == 1692


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
    counts = Counter(zip(table.paper, table.kind))
    for paper, (_, tables, figures) in SIZES.items():
        assert (counts[paper, "table"], counts[paper, "figure"]) == (tables, figures)
    assert len(table) == 161
    assert set(table.status) == set(papers.STATUSES)
    assert set(table.notebook) <= set(NOTEBOOKS.split())
    assert set(";".join(table.data).split(";")) - {""} <= set(DATA_SETS.split())
    assert (table.title != "").all() and table.title.str.len().max() <= 80
    assert (table.id.str.split("-").str[0] == table.paper).all()
    assert set(table.paper) == set(papers.PAPERS)


def test_only_what_needs_no_run_is_without_data():
    table = papers.artefacts()
    drawn = table[table.status.isin(["own diagram", "cited", "from print"])]
    assert (drawn.data == "").all()


def test_the_thesis_repeats_the_paper_where_it_says_so():
    table = papers.artefacts().set_index("id")
    copies = table[table.same_as != ""]
    assert [id.split("-")[1] for id in copies.index] == COPIES.split()
    for id, row in copies.iterrows():
        for target in split_ids(row.same_as):
            original = table.loc[target]
            assert (original.kind, original.notebook) == (row.kind, row.notebook)
            assert original.same_as == "", f"{id}: {target} is itself a copy"
        if row.kind == "table":
            ours, other = papers.published(id), papers.published(row.same_as)
            pd.testing.assert_frame_equal(ours.drop(columns="note"), other.drop(columns="note"))


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
    assert set(table.notebook) <= {*NOTEBOOKS.split(), ""}


def test_every_choice_says_which_way_it_could_move_our_number():
    assert set(papers.choices().bias) == set(papers.BIASES)


def test_every_work_has_its_choices():
    assert all(len(papers.choices(paper)) for paper in papers.PAPERS)
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
    facts = papers._read("published/protocols.csv")
    assert len(facts) == 324
    assert facts.quote.str.split().str.len().max() <= 12


def write_golden():
    """One line per table: id, digest of the text, four digits per row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "digest", "rows"])
    for id in papers.table_ids():
        writer.writerow([id, fingerprint(id), row_marks(papers.printed(id))])
    GOLDEN.write_text(out.getvalue())


if __name__ == "__main__":
    write_golden()
