"""Notebooks stay thin, are stored clean, and end with the right numbers."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from conftest import run_notebook

from emolib.ground import settings
from emolib.reproduction import papers
from emolib.reproduction.report import executed, page
from emolib.reproduction.report import files as results
from emolib.reproduction.runs.claims import NOT_REPLICATED, OUTCOMES, REPLICATED, WEAK

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(p for p in (ROOT / "notebooks").glob("*.ipynb"))
# What a notebook may import: studies measure, the others show. Nothing below them, no drawing library.
SHOWING = {"studies", "report", "plots", "papers", "explore", "diagrams", "board", "page"}
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.With,
    ast.Try,
)
PATH = re.compile(
    r"(^|[^<])/\w|\\\\|^~|\.(csv|json|npz|npy|xlsx|png|svg|ipynb|wav|mp4|safetensors)$"
)

if not NOTEBOOKS:
    pytest.skip("NOT TESTED: there are no notebooks in this checkout", allow_module_level=True)


def code_cells(path):
    return [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]


def faults(source: str) -> list[str]:
    """What a notebook's code must not hold, as 'line N: what'."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, FORBIDDEN):
            found.append(f"line {node.lineno}: {type(node).__name__}")
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and PATH.search(node.value)
        ):
            found.append(f"line {node.lineno}: path '{node.value}'")
        elif isinstance(node, ast.Import):
            found += [f"line {node.lineno}: import {a.name}" for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            house, _, below = (node.module or "").partition("emolib.reproduction")
            place = below.strip(".").removeprefix("report").strip(".").split(".")[0]
            names = {place} if place else {a.name for a in node.names}
            outside = house or not (node.module or "").startswith("emolib.reproduction")
            if node.level or outside or not names <= SHOWING:
                found.append(
                    f"line {node.lineno}: from {node.module} import {', '.join(a.name for a in node.names)}"
                )
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "exec", "eval", "print", "__import__")
        ):
            found.append(f"line {node.lineno}: {node.func.id}()")
    return found


@pytest.mark.parametrize(
    "bad",
    [
        "def f(): pass",
        "class A: pass",
        "x = lambda: 1",
        "for i in range(3): pass",
        "while True: pass",
        "[i for i in range(3)]",
        "import matplotlib.pyplot as plt",
        "import numpy",
        "from emolib import data",
        "from emolib.reproduction.runs import grid",
        "from emolib.models import shallow",
        "from emolib.reproduction import report, runs",
        "from .x import y",
        "open('x')",
        "x = '/tmp/data'",
        "x = '../data/SFEW.xlsx'",
        "x = 'results/quick'",
        "x = 'a.csv'",
        "from matplotlib import pyplot",
    ],
)
def test_the_check_itself_can_fail(bad):
    assert faults("profile = 'quick'\n" + bad)


def test_the_check_lets_a_notebook_be_a_notebook():
    assert (
        faults(
            "from emolib.reproduction import report\nfrom emolib.reproduction.report import plots\nfrom emolib.reproduction.studies.sfew import tables\n"
            'report.table("wang-t3", tables.table_3(study), rows=["a", "b"], where={"protocol": "nested, random"})\nx = 1 / 7'
        )
        == []
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_stored_clean(path):
    raw = json.loads(path.read_text())
    for number, cell in enumerate(raw["cells"]):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, (
                f"cell {number} is stored with what it showed"
            )
        assert not {"execution", "papermill", "collapsed"} & set(cell["metadata"]), (
            f"cell {number} is stored with traces of a run"
        )
    assert "papermill" not in raw["metadata"] and "widgets" not in raw["metadata"]
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    nbformat.validate(nbformat.read(path, 4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_one_parameters_cell_and_it_comes_first(path):
    tagged = [c for c in code_cells(path) if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1 and tagged[0].source == code_cells(path)[0].source
    tree = ast.parse(tagged[0].source)
    assert all(
        isinstance(n, ast.Assign)
        and isinstance(ast.literal_eval(n.value), (int, float, str, bool, type(None)))
        for n in tree.body
    )
    assert {t.id for n in tree.body for t in n.targets} >= {"profile"}
    assert 'profile = "quick"' in tagged[0].source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_thin(path):
    source = "\n".join(c.source for c in code_cells(path))
    assert not faults(source), f"{path.name}: " + "; ".join(faults(source))
    statements = sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(source)))
    assert statements <= 40, f"{statements} statements: lines depend on the formatter"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_prose_before_each_result(path):
    cells = nbformat.read(path, 4).cells
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    words = sum(len(c.source.split()) for c in cells if c.cell_type == "markdown")
    assert words >= 60


def test_each_artefact_has_one_producer():
    """README row -> notebook -> file: an id is written by one notebook only, the one artefacts.csv names."""
    made = {}
    for path in NOTEBOOKS:
        for found in re.findall(
            r'report\.(?:table|figure)\(\s*"([\w-]+)"',
            "\n".join(c.source for c in code_cells(path)),
        ):
            assert found not in made, f"{found} is made by {made[found]} and {path.name}"
            made[found] = path.name
            assert papers.artefact(found).notebook == path.name[:2], (
                f"{found} is made by {path.name}"
            )
    wang = papers.artefacts()
    expected = set(wang.id[(wang.notebook == "20") & (wang.status != "cited")])
    assert expected <= {i for i, name in made.items() if name.startswith("20")}


# ---------------------------------------------------------------- notebook 20, end to end


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Result folder of notebook 20 at smoke on the simulated table, run as the command line runs it."""
    return run_notebook("20", tmp_path_factory.mktemp("smoke"))


def table(folder, id):
    return pd.read_csv(folder / "tables" / f"{id}.csv", dtype={"unit_i": str, "unit_j": str})


def test_table_2_has_all_fifteen_printed_digits(smoke):
    frame = table(smoke, "wang-t2")
    as_printed = frame[frame.protocol == "as printed"]
    assert len(as_printed) == 15 and (as_printed.verdict == "the same digits").all()
    centred = frame[frame.protocol == "centred on 0.5"]
    assert len(centred) == 15 and (centred.verdict == "other digits").sum() >= 10


def test_table_3_has_all_48_printed_cells(smoke):
    frame, printed = table(smoke, "wang-t3"), papers.published("wang-t3")
    keys = ["method", "emotion", "metric"]
    assert len(printed) == 48
    shown = frame[frame.printed.notna()].drop_duplicates(keys)
    merged = printed.merge(shown, on=keys)
    assert len(merged) == 48 and (merged.value == merged.printed).all()
    measured = frame[frame.measured.notna()]
    assert set(measured.source) == {"simulated"}  # no real data was given: never without its badge
    interval = measured.dropna(subset=["low", "high"])
    assert (
        len(interval) > 900
        and (interval.low <= interval.measured + 1e-6).all()
        and (interval.measured <= interval.high + 1e-6).all()
    )
    assert measured[measured.unit == "fraction"].measured.between(0, 1).all()
    untold = measured[measured.printed.notna()].verdict
    assert untold.map(lambda v: v == WEAK or v.startswith("in simulation: ")).all()


def test_numbers_at_smoke_are_those_of_this_machine_or_near(smoke):
    """Golden, on both sides: the majority classifier cannot be wrong, and no method is far from chance in one epoch."""
    frame = table(smoke, "wang-t3")
    mean = (
        frame[(frame.emotion == "Average Accuracy") & (frame.metric == "accuracy")]
        .set_index(["method", "protocol"])
        .measured
    )
    majority = mean[[m.startswith("majority") for m, _ in mean.index]]
    assert len(majority) and majority.between(0.08, 0.19).all()
    assert mean.between(0.05, 0.40).all() and len(mean) > 20
    share = frame[(frame.metric == "share of rows right")].measured
    assert share.between(0.05, 0.40).all()


def test_one_unit_survives_sixty_degrees(smoke):
    frame = pd.read_csv(smoke / "figures" / "wang-x3.csv")
    value = [c for c in frame if c in ("measured", "units")][0]
    at_60 = frame[frame.angle == 60].set_index("reading")[value]
    assert at_60["as printed"] == 1 and at_60["centred on 0.5"] == 3


def test_every_artefact_of_the_notebook_is_there_with_its_provenance(smoke):
    assert results.problems(smoke) == []
    listed = papers.artefacts()
    for row in listed[(listed.notebook == "20") & (listed.status != "cited")].itertuples():
        folder = smoke / ("tables" if row.kind == "table" else "figures")
        kinds = ("csv", "json") if row.kind == "table" else ("csv", "json", "svg", "png")
        assert all((folder / f"{row.id}.{kind}").stat().st_size > 0 for kind in kinds), row.id
        about = json.loads((folder / f"{row.id}.json").read_text())
        assert about["profile"] == "smoke" and about["artefact"] == row.id
        assert set(about["sources"]) == {name for name in row.data.split(";") if name}, row.id
        assert all(s["source"] == "simulated" for s in about["sources"].values())


def test_claims_carry_two_verdicts(smoke):
    frame = pd.read_csv(smoke / "claims.csv", dtype=str, keep_default_na=False).set_index("id")
    wang = papers.claims()
    mine = wang[(wang.paper == "wang") & (wang.notebook == "20")]
    assert set(mine.id) <= set(frame.index)
    assert frame.outcome["wang-b1"] == REPLICATED and "15 of 15" in frame.because["wang-b1"]
    second = frame[(frame.notebook == "20") & (frame.paper == "wang")]
    assert len(second) >= 8 and set(second.outcome) <= set(OUTCOMES)
    assert (second.source != "").all() and (second.because != "").all()
    # on a simulated table only what is counted may be decided
    decided = second[second.outcome.isin([REPLICATED, NOT_REPLICATED])]
    assert set(decided.needs) == {"counting"}


def test_an_executed_notebook_is_kept_small_and_the_report_leads_to_its_cells(smoke):
    run = smoke.parent / "executed" / "20_wang_sfew.ipynb"
    notebook, html = executed.keep(run, smoke, "smoke")
    assert notebook.stat().st_size < run.stat().st_size and notebook.stat().st_size < 1e6
    assert html.stat().st_size < 5e5 and "data:image" not in html.read_text()
    ids = executed.listed(smoke)[0]["ids"]
    assert len(ids) > 10 and all(f'<a id="{name}"></a>' in html.read_text() for name in ids)
    assert 'href="notebooks/20.html#wang-t3"' in page.render(smoke, "smoke")["wang.html"]


def test_the_report_is_written_and_times_are_kept(smoke):
    page = (smoke / "wang.html").read_text()
    assert 'id="wang-t3"' in page and "simulated" in page
    assert (smoke / "index.html").exists() and (smoke / "claims.html").exists()
    table = pd.read_csv(smoke / "tables" / "wang-t3.csv", dtype=str, keep_default_na=False)
    beside = table[(table.printed != "") & (table.measured != "")]
    shown = page.split('id="wang-t3"')[1].split("<section")[0]
    assert len(beside) >= 60 and shown.count("<small>") >= len(beside), "every cell beside print"
    timings = pd.read_csv(smoke / "timings.csv", dtype=str, keep_default_na=False)
    assert set(timings.cached[timings.artefact.str.startswith("wang")]) == {"False"}
    assert settings.committed("smoke").parts[-2:] == ("results", "smoke")
