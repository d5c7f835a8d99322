"""The claims board and what notebook 01 shows: complete, consistent with the checks, and readable without a network."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emolib.ground import settings
from emolib.reproduction import papers
from emolib.reproduction.papers import audit
from emolib.reproduction.papers.audit import best_loss
from emolib.reproduction.papers.audit.record import fresh
from emolib.reproduction.report import board, central, deciding, grid, page
from emolib.reproduction.report.plots import printed as plots_printed
from emolib.reproduction.runs.claims import ARITHMETIC, NOT_REPLICATED, OUTCOMES, WEAK
from emolib.reproduction.studies.audit import tables

STUDY = tables.Study("smoke")
NOTEBOOK = Path(settings.project()) / "notebooks" / "01_audit_of_the_papers.ipynb"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("MPLBACKEND", "agg")
    return tmp_path / "out"


# ------------------------------------------------------------------ the board


def test_the_summary_counts_every_claim_and_check():
    frame = board.summary().frame.set_index("paper")
    assert (
        frame.loc["together", "claims"]
        == len(papers.claims())
        == frame.loc[list(papers.PAPERS), "claims"].sum()
    )
    assert frame.loc["together", "checks"] == len(audit.CHECKS)
    assert (frame[list(papers.VERDICTS)].sum(axis=1) == frame.claims).all()


@pytest.mark.parametrize(
    "rows, text", [([0, 1, 2, 5], "0-2,5"), ([3], "3"), ([7, 6, 1], "1,6-7"), ([], "")]
)
def test_ranges(rows, text):
    assert board.ranges(rows) == text
    back = [
        n
        for part in text.split(",")
        if part
        for a, _, b in [part.partition("-")]
        for n in range(int(a), int(b or a) + 1)
    ]
    assert back == sorted(rows)


def test_each_claim_carries_its_checks_and_its_cells():
    rows = {row["id"]: row for row in board.rows(pd.DataFrame())}
    assert list(rows) == papers.claims().id.tolist()
    b6 = rows["wang-b6"]
    assert (
        b6["cells"] == "wang-t3:24-25,27,30,32-33,35,38,40-41,43,46"
        and b6["checks"][0]["verdict"] == "contradicted in print"
    )
    cells = papers.printed("wang-t3").iloc[[24, 35, 46]]
    assert (
        cells.emotion.tolist() == ["Angry", "Happy", "Surprise"]
        and cells.method.str.contains("CNN").all()
    )
    assert [check["name"] for check in rows["orgil-a3_2"]["checks"]][
        0
    ] == "ni_is_more_stable_than_ccc_training"  # the deciding one
    assert rows["yin-c4"]["text"] == [
        "models 22 people (3.1)",
        "emotions 10 emotions (3.1)",
        "frontal videos 216 videos (3.1)",
    ]


def test_a_printed_table_keeps_all_its_cells_in_two_dimensions():
    laid = {table["id"]: table for table in board.tables()}
    assert set(laid) == set(papers.table_ids())
    for id, table in laid.items():
        seen = [cell["row"] for line in table["lines"] for cell in line["cells"] if cell]
        assert sorted(seen) == list(range(len(papers.printed(id))))
    assert laid["wang-t3"]["heads"][0] == "Angry" and laid["wang-t3"]["down"] == ["method"]
    assert (
        laid["yin2022-t4"]["heads"] == ["Accuracy"] and len(laid["orgil2022-t1_2"]["lines"]) == 28
    )


def test_second_verdicts_stay_when_the_first_are_written_again(folder):
    board.write("quick")
    path = folder / "claims.csv"
    first = path.read_bytes()
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert set(table.id) == set(papers.claims().id) and (table.profile == "").all()
    assert set(table.outcome) == {ARITHMETIC, WEAK}  # what no notebook measured
    columns = ["outcome", "because", "source", "profile"]
    table.loc[table.id == "wang-b5", columns] = [NOT_REPLICATED, "why", "real", "quick"]
    table.to_csv(path, index=False, lineterminator="\n")
    board.write("quick")
    assert (
        pd.read_csv(path, dtype=str, keep_default_na=False)
        .set_index("id")
        .loc["wang-b5", "outcome"]
        == NOT_REPLICATED
    )
    assert json.loads((folder / "claims.json").read_text())["files"]["claims.csv"]
    path.unlink()
    board.write("quick")
    assert path.read_bytes() == first


NOTE = '{"sources": {"unipen": {"source": "real", "fingerprint": "ab"}}}'


def test_the_page_says_where_each_artefact_deviates_from_print(folder):
    (folder / "tables").mkdir(parents=True, exist_ok=True)
    for kind in ("csv", "json"):
        text = long_table().to_csv(index=False) if kind == "csv" else NOTE
        (folder / "tables" / f"wang-t3.{kind}").write_text(text)
    html = page.render(folder, "quick")["wang.html"]
    row = html.split('id="wang-t3"')[1].split("<section")[0]
    assert '<span class="badge real">real: UNIPEN letters, not EMNIST letters</span>' in row
    own = papers.choices()
    own = own[own.artefacts.str.split(";").map(lambda names: "wang-t3" in names)]
    assert f"where we deviate ({len(own)})" in row and len(own) > 10
    assert row.count("ours lower") == (own.bias == "ours lower").sum() > 0


def test_the_page_holds_every_claim_and_asks_nobody(folder, monkeypatch):
    monkeypatch.setattr(deciding, "places", lambda own, profile: {profile: own})  # no larger word
    board.write("quick")
    about = json.loads((folder / "claims.json").read_text()) | {"seconds": {"chang-d7": 61.5}}
    (folder / "claims.json").write_text(json.dumps(about))
    pages = page.render(folder, "quick")
    claims = pages["claims.html"]
    assert claims.count("61.5 s of computing behind it") == 1
    assert claims.count('<details class="claim"') == len(papers.claims())
    assert len(re.findall(r'<td class="number" data-row=', claims)) == sum(
        len(papers.printed(id)) for id in papers.table_ids()
    )
    ids = {name: re.findall(r'\bid="([^"]*)"', html) for name, html in pages.items()}
    outcomes = {outcome.replace(" ", "-").replace(":", "") for outcome in OUTCOMES}
    for name, html in pages.items():
        assert len(set(ids[name])) == len(ids[name]), name
        for target in re.findall(r'href="([^"]*)"', html):
            other, _, anchor = target.partition("#")
            if other.partition(".")[2] in ("html", ""):
                assert not anchor or anchor in {*ids[other or name], *outcomes}, (name, target)
        assert not re.search(r'(src|href)="(https?:)?//', html), name
        assert "fetch(" not in html and "@import" not in html, name
        assert len(html.encode()) < 2e6, name
    assert {f"claim-{id}" for id in papers.claims().id} <= set(ids["claims.html"])


def test_ten_questions_open_the_report(folder):
    board.write("quick")
    html = page.render(folder, "quick")["index.html"]
    questions = papers.questions()
    assert len(questions) == 10 == html.count('<article class="card">')
    for question in questions.itertuples():
        assert question.question in html.replace("&#39;", "'") and question.overturn
    first_claim = html.index("The central claims")
    assert html.index("what would overturn it") < first_claim


def test_ten_findings_read_their_numbers_and_say_what_would_overturn_them():
    folder = settings.committed("quick")
    found = central.findings(folder)
    assert len({one["finding"] for one in found}) == len(found) == 10
    for one in found:
        assert one["overturn"] and one["outcome"] and re.search(r"\d", one["said"]), one["finding"]
        assert one["cell"] == "" or one["cell"].exists()
        if one["cells"] != central.ARITHMETIC:
            shown = [
                central.in_words(central.row_of(c, folder)) for c in one["cells"].split(" ;; ")
            ]
            assert all(number in one["said"] for number in shown)
    by = {one["finding"]: one for one in found}
    assert by["How much of FER2013 is polluted"]["outcome"] == "not replicated"
    assert by["How much of FER2013 is polluted"]["source"] == "real"


# ------------------------------------------------------------------ a table in the paper's own grid


def long_table(**more) -> pd.DataFrame:
    """Two methods and two emotions of wang-t3: printed, measured, a row of ours, a second metric."""
    rows = [
        ("A", "Angry", "accuracy", "nested", "0.17", "0.2143", "0.189", "0.24", "print is lower"),
        ("A", "Happy", "accuracy", "nested", "0.3", "0.3", "0.2", "0.4", "inside our interval"),
        ("B", "Angry", "accuracy", "nested", "0.5", "", "", "", ""),
        ("SVM", "Angry", "accuracy", "nested", "", "0.25", "0.2", "0.3", ""),
        ("A", "Angry", "recall", "nested", "", "0.9", "0.8", "1", ""),
        ("A", "Angry", "accuracy", "by film", "0.17", "0.1", "", "", "not strong enough"),
        ("A", "Angry", "accuracy", "aside", "", "0.7", "", "", ""),
    ]
    names = ["method", "emotion", "metric", "protocol", "printed"]
    names += ["measured", "low", "high", "verdict"]
    return pd.DataFrame(rows, columns=names).assign(unit="fraction", source="real", **more)


def test_a_grid_has_print_above_and_ours_below():
    first, second = grid.of("wang-t3", long_table())  # nothing beside print stands under 'aside'
    assert (first.protocol, second.protocol) == ("nested", "by film")
    heads, *lines = re.findall(r"<tr>(.*?)</tr>", first.html, re.DOTALL)[0:1] + re.findall(
        r"<tr>(.*?)</tr>", first.html.split("<tbody>")[1], re.DOTALL
    )
    assert re.findall(r">(\w+)</th>", heads) == ["A", "B", "SVM"], "methods run across"
    angry = re.findall(r'<td class="(\w*)" ?>(.*?)</td>', lines[0])
    assert angry == [
        ("out", "0.17<small>0.21 <i>[0.19, 0.24]</i></small>"),
        ("", "0.50"),
        ("", "<small>0.25 <i>[0.20, 0.30]</i></small>"),
    ]
    assert 'class="in"' in lines[1] and "All numbers in fraction" in first.html
    assert "0.9" not in first.html, "a metric that is not printed stays in the file"
    assert not re.search('class="(in|out)"', second.html), "no verdict, no colour"


def test_a_grid_says_the_units_of_its_metrics_and_takes_no_markup_from_a_table():
    rows = long_table()
    rows.loc[4, ["printed", "unit"]] = ["0.8", "percent"]
    rows["method"] = rows.method.replace("B", "<b>")
    html = grid.of("orgil2022-t4_1", rows)[0].html
    assert "accuracy (fraction)" in html and "recall (percent)" in html and "<b>" not in html


@pytest.mark.parametrize("id", papers.table_ids())
def test_every_printed_cell_stands_in_its_grid(id):
    printed = papers.printed(id).rename(columns={"value": "printed", "source": "reported by"})
    long = printed.assign(protocol="", measured="", low="", high="", source="print", verdict="")
    (drawn,) = grid.of(id, long)
    filled = re.findall(r"<td[^>]*>[^<]+</td>", drawn.html)
    assert len(filled) == (printed.printed != "").sum()


# ------------------------------------------------------------------ what notebook 01 shows


def test_forms_of_the_loss():
    frame = tables.forms_of_the_loss(STUDY).frame
    assert dict(zip(frame.form, frame.admitted, strict=True)) == {
        "table": "yes",
        "half": "yes",
        "eq3": "no",
        "eq3, squared": "no",
        "appendix, outer": "no",
        "appendix, element": "yes",
    }
    grid = frame.pivot(index="form", columns="metric", values="measured")
    assert grid.loc["eq3", "exponent of MSE"] == pytest.approx(0.5) and grid.loc[
        "table", "exponent of MSE"
    ] == pytest.approx(1)


def test_track_losses_on_a_hand_made_track():
    """Prediction and label leave the origin with speed 0.5 at right angles enough to differ, then rest: steps 0.5 and 0,
    one cross product of 0.15, squares 0.09 + 0.01 in two of three frames."""
    x, y = (
        np.array([[0.0, 0.0], [0.3, 0.4], [0.3, 0.4]]),
        np.array([[0.0, 0.0], [0.0, 0.5], [0.0, 0.5]]),
    )
    losses = tables.track_losses(x, y)
    assert losses["table"] == pytest.approx((0.2 / 6 + 0 + 0.15 / 2, 0.2 / 3))
    assert losses["half"] == pytest.approx((0.2 / 6 / 2, 0.2 / 6))
    assert losses["eq3"] == pytest.approx(((2 * np.sqrt(0.1) / 3 + 0 + 0.1) / 3, 0.2 / 3))
    # one step of (0.3, -0.1) and none: summed first, the speed term keeps the end points alone
    assert losses["appendix, outer"] == pytest.approx(((0.2 / 3 + 0.05 + 0.075 + 0.1) / 4, 0.2 / 6))


def test_figure_11_is_the_mean_of_7_and_10():
    seven, ten, eleven = (tables.mean_ccc(n).printed for n in (7, 10, 11))
    assert eleven.to_numpy() == pytest.approx(((seven + ten) / 2).to_numpy())
    assert tables.mean_ccc(8).x.unique().tolist() == ["128", "256", "512"]
    assert tables.five_trainings().printed.iloc[0] == 0.331


def test_parameters_agree_with_pytorch():
    from torch import nn

    def block(a, b):
        return nn.Sequential(nn.Linear(a, b), nn.BatchNorm1d(b))

    net = nn.ModuleList(
        [block(2188, 1024), block(1060, 512), block(640, 256), nn.LSTM(256, 256), nn.Linear(256, 2)]
    )
    assert tables.parameters("Full Network") == sum(p.numel() for p in net.parameters())


def test_the_cost_of_a_batch_is_the_sum_of_its_steps():
    work = tables.batch_cost(STUDY).frame
    assert work.measured.iloc[3] == pytest.approx(
        work.measured.iloc[:3].sum()
    ) and work.measured.iloc[3] == pytest.approx(267.88, abs=0.01)


def test_intervals_of_the_classifiers_hold_the_wilson_score():
    frame = tables.eleven_classifiers(STUDY).frame
    p, n, z = frame.measured / 100, 3136, 1.96
    for bound in (
        frame.low / 100,
        frame.high / 100,
    ):  # the bounds solve (p - b)^2 = z^2 b (1 - b) / n
        assert np.allclose((p - bound) ** 2, z**2 * bound * (1 - bound) / n)


def test_every_cited_picture_has_a_pointer():
    frame = tables.cited()
    assert len(frame) == 13 and frame.see.notna().all()
    assert set(tables.CITED) == set(frame.id)


def test_measured_series_stand_beside_printed_ones():
    frame = tables.mean_ccc(7).assign(measured=np.nan)
    only_print = plots_printed.mean_ccc(frame, xlabel="network").axes[0]
    frame["measured"], frame["low"], frame["high"] = (
        frame.printed + 0.02,
        frame.printed,
        frame.printed + 0.04,
    )
    both = plots_printed.mean_ccc(frame, xlabel="network").axes[0]
    assert len(only_print.lines) == 3 and len(both.lines) == 6 and len(both.collections) == 3
    assert both.lines[0].get_ydata().tolist() == frame[frame.train_loss == "MSE"].printed.tolist()


# ------------------------------------------------------------------ the notebook


def code_of(path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert all(
        cell["outputs"] == [] and cell["execution_count"] is None
        for cell in cells
        if cell["cell_type"] == "code"
    )
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_notebook_01_makes_every_artefact_it_owns(folder):
    """Run cell by cell in one process; the runner's tests run it under papermill."""
    space: dict = {}
    for cell in code_of(NOTEBOOK):
        exec(compile(cell.replace('"quick"', '"smoke"'), str(NOTEBOOK), "exec"), space)
    table = pd.concat([papers.artefacts(), papers.extras()])
    mine = table[(table.notebook == "01") & (table.status != "cited") & (table.same_as == "")]
    assert len(mine) == 6 + 18 + 4
    for row in mine.itertuples():
        kind = f"{row.kind}s"
        assert (folder / kind / f"{row.id}.csv").exists() and (
            folder / kind / f"{row.id}.json"
        ).exists(), row.id
        assert (
            json.loads((folder / kind / f"{row.id}.json").read_text())["sources"] == {}
        )  # the badge is `print`
    assert (folder / "claims.csv").exists()


def test_notebook_01_tells_the_right_numbers():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert (
        f"{len(papers.claims())} statements" in prose
        and f"{len(audit.CHECKS)} small functions" in prose
    )
    t4, leads = fresh("orgil2021-t4"), []
    for id in ("orgil2021-t3", "orgil2021-t5"):
        leads += best_loss.lead_over_spread(fresh(id), t4).values()
    clear = [winner for winner, lead, needed in leads if lead > needed]
    assert (
        (len(leads), len(clear), clear.count("CCC")) == (31, 13, 9)
        and "Thirteen of 31" in prose
        and "nine of them belong to CCC" in prose
    )
    assert len(tables.cited()) == 13 and "Thirteen figures" in prose


def test_notebook_01_is_thin():
    code = code_of(NOTEBOOK)
    lines = [line for cell in code for line in cell.splitlines() if line.strip()]
    assert len(lines) <= 40
    assert not any(
        re.match(r"\s*(def|for|while|class|with)\b", line) or "/" in line.replace("://", "")
        for line in lines
    )
