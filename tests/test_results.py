"""Files of a result folder: whole or absent, with provenance, and an edit by hand shows."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers, report
from emolib.reproduction.report import files as results
from emolib.reproduction.runs import Outcome, Verdict
from emolib.reproduction.runs.claims import NOT_REPLICATED, REPLICATED, WEAK

SFEW = {"sfew": {"source": "real", "fingerprint": "0123456789abcdef"}}
SIMULATED = {"sfew": {"source": "simulated", "fingerprint": "0123456789abcdef"}}


@pytest.fixture
def out(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("EMOLIB_OUT", str(tmp_path / "out"))
    return tmp_path / "out"


def angles(shift=0.0, **more) -> Outcome:
    """Table 2 as a study would hand it in: one pair left out, one pair of ours that is not printed."""
    frame = papers.published("wang-t2")[["unit_i", "unit_j", "metric", "value"]].rename(
        columns={"value": "measured"}
    )
    frame["measured"] += 0.08 + shift  # the print was cut: 8.18 is 8.1
    frame.loc[len(frame)] = ["1", "7", "Vector angle", 12.0]
    return Outcome(
        frame.drop(index=3).assign(protocol="as printed"), "quick", seeds=(0,), exact=1, **more
    )


# ---------------------------------------------------------------- writing


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "tables" / "a.csv"
    assert results.write(path, "old") == results.sha(b"old")

    def full(self, raw):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EmolibError, match=r"a\.csv: cannot be written \(No space left on device\)"):
        results.write(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old" and [p.name for p in path.parent.iterdir()] == ["a.csv"]


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    """The final name appears by renaming, with all its bytes."""
    path, seen, real = tmp_path / "a.csv", [], Path.replace
    monkeypatch.setattr(
        Path,
        "replace",
        lambda self, to: (seen.append((self.read_bytes(), Path(to).exists())), real(self, to)),
    )
    results.write(path, b"all of it")
    assert seen == [(b"all of it", False)] and path.read_bytes() == b"all of it"


@pytest.mark.parametrize("deep", ["file/a.csv", "file/below/a.csv"])
def test_a_path_below_a_file_is_one_error(tmp_path, deep):
    (tmp_path / "file").write_text("here first")
    with pytest.raises(EmolibError, match="cannot be written") as error:
        results.write(tmp_path / deep, "x")
    assert "\n" not in str(error.value) and (tmp_path / "file").read_text() == "here first"


@pytest.mark.parametrize("deep", ["file", "file/below"])
def test_a_folder_that_cannot_be_used_is_one_error(tmp_path, deep):
    (tmp_path / "file").write_text("here first")
    with pytest.raises(
        EmolibError, match=r"--out .*file.*: cannot be written .*choose another folder"
    ):
        results.usable(tmp_path / deep)
    assert results.usable(tmp_path / "new" / "folder").is_dir() and not list(
        (tmp_path / "new" / "folder").iterdir()
    )


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0,
    reason="NOT TESTED: everything is writable for this user",
)
def test_a_folder_without_permission_is_one_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(EmolibError, match="Permission denied"):
        results.usable(tmp_path)
    tmp_path.chmod(0o700)


def test_tables_have_six_digits_and_nothing_for_missing():
    frame = pd.DataFrame({"a": [1 / 3, np.nan], "b": ["x", ""], "c": [1, 2]})
    assert results.table_text(frame) == "a,b,c\n0.333333,x,1\n,,2\n"


KEYS, COLUMNS = ("id", "part"), ("id", "part", "value")


def test_rows_are_replaced_by_key_and_sorted(tmp_path):
    path = tmp_path / "rows.csv"
    results.update_rows(
        path,
        [{"id": "b", "part": 2, "value": 1}, {"id": "a", "part": 1, "value": 2}],
        KEYS,
        COLUMNS,
    )
    checksum = results.update_rows(
        path,
        [{"id": "b", "part": "2", "value": 'a "new", one'}, {"id": "b", "part": "1"}],
        KEYS,
        COLUMNS,
    )
    assert path.read_text() == 'id,part,value\na,1,2\nb,1,\nb,2,"a ""new"", one"\n'
    assert checksum == results.sha(path.read_bytes())


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from("12"), st.integers(0, 9)), max_size=8
    )
)
def test_rows_added_in_parts_are_the_rows_added_at_once(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    as_dicts = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    for row in as_dicts:
        results.update_rows(folder / "parts.csv", [row], KEYS, COLUMNS)
    results.update_rows(folder / "once.csv", as_dicts, KEYS, COLUMNS)
    assert not rows or (folder / "parts.csv").read_bytes() == (folder / "once.csv").read_bytes()


# ---------------------------------------------------------------- problems


@pytest.fixture
def whole(out) -> Path:
    """A result folder with a table, a figure and claims."""
    import matplotlib.pyplot as plt

    report.table("wang-t2", angles())
    fig, ax = plt.subplots(figsize=(2, 2))
    ax.plot([0, 1])
    data = pd.DataFrame({"x": [0, 1], "measured": [0.1, 0.2]})
    report.figure("wang-f6", Outcome(data, "quick", SFEW), fig)
    report.claims("wang", [Verdict("wang-b1", "holds", "15 of 15")], angles())
    assert results.problems(out) == []
    return out


def test_a_result_folder_holds_what_it_should(whole):
    names = {str(p.relative_to(whole)) for p in whole.rglob("*") if p.is_file()}
    assert names >= {
        "tables/wang-t2.csv",
        "tables/wang-t2.json",
        "figures/wang-f6.csv",
        "figures/wang-f6.svg",
        "figures/wang-f6.png",
        "figures/wang-f6.json",
        "claims.csv",
        "claims.json",
        "timings.csv",
    }
    about = json.loads((whole / "tables" / "wang-t2.json").read_text())
    assert about["artefact"] == "wang-t2" and about["profile"] == "quick"
    assert about["seeds"] == [0] and about["sources"] == {}
    assert {"commit", "device", "versions", "seconds", "caps", "runs"} <= set(about)
    assert set(about["versions"]) == set(results.PACKAGES)
    assert json.loads((whole / "figures" / "wang-f6.json").read_text())["sources"] == SFEW
    timings = pd.read_csv(whole / "timings.csv", dtype=str, keep_default_na=False)
    assert list(timings.columns) == ["notebook", "artefact", "wall_seconds", "cached"]
    (row,) = timings[timings.artefact == "wang-t2"].itertuples()
    assert (row.notebook, row.cached) == ("20", "False")


@pytest.mark.parametrize("name", ["tables/wang-t2.csv", "figures/wang-f6.csv", "claims.csv"])
def test_a_number_edited_by_hand_shows(whole, name):
    path = whole / name
    text = path.read_text()
    digit = next(c for c in reversed(text) if c.isdigit())
    before, after = text.rsplit(digit, 1)
    path.write_text(f"{before}{(int(digit) + 1) % 10}{after}")
    (problem,) = results.problems(whole)
    assert problem.startswith(f"{name}: its bytes are not those it was written with")


@pytest.mark.parametrize(
    "harm, told",
    [
        (
            lambda f: (f / "tables/wang-t2.json").unlink(),
            "tables/wang-t2.csv: no provenance beside it",
        ),
        (lambda f: (f / "figures/wang-f6.png").unlink(), "figures/wang-f6.png: missing"),
        (
            lambda f: (f / "tables/added.csv").write_text("a\n1\n"),
            "tables/added.csv: no provenance beside it",
        ),
        (
            lambda f: (f / "figures/added.svg").write_text("<svg/>"),
            "figures/added.svg: no provenance beside it",
        ),
        (lambda f: (f / "claims.json").unlink(), "claims.csv: no provenance beside it"),
        (
            lambda f: (f / "figures/wang-f6.svg").write_bytes(
                (f / "figures/wang-f6.svg").read_bytes() + b" "
            ),
            "figures/wang-f6.svg: its bytes",
        ),
        (
            lambda f: (f / "claims.json").write_text('{"artefact": '),
            "claims.json: not a readable JSON object",
        ),
        (
            lambda f: (f / "claims.json").write_text("[1]"),
            "claims.json: not a readable JSON object",
        ),
    ],
)
def test_what_is_missing_added_or_broken_shows(whole, harm, told):
    harm(whole)
    assert any(p.startswith(told) for p in results.problems(whole)), results.problems(whole)


@pytest.mark.parametrize("key", ["artefact", "commit", "profile", "sources", "seeds"])
def test_provenance_without_a_key_shows(whole, key):
    path = whole / "tables" / "wang-t2.json"
    about = json.loads(path.read_text())
    del about[key]
    path.write_text(json.dumps(about))
    assert results.problems(whole) == [f"tables/wang-t2.json: no '{key}'"]


@pytest.mark.parametrize("profile", ["quick", "overnight", "full"])
def test_the_committed_results_are_as_they_were_written(profile):
    folder = Path(__file__).parent.parent / "results" / profile
    if not folder.is_dir():
        pytest.skip(f"NOT TESTED: results/{profile} is not committed in this version")
    assert results.problems(folder) == []
    for name in ("tables", "figures"):
        for note in (folder / name).glob("*.json"):
            about = json.loads(note.read_text())
            assert about["profile"] == profile, note
            assert len(about["commit"]) == 40 and "+changes" not in about["commit"], (
                f"{note}: made from uncommitted code ({about['commit']})"
            )


# ---------------------------------------------------------------- diff


def folder_with(path: Path, **files) -> Path:
    for name, text in files.items():
        results.write(path / ("claims.csv" if name == "claims" else f"tables/{name}.csv"), text)
    return path


def states(a, b):
    return results.diff(a, b).set_index("file").state.to_dict()


def test_two_folders_are_compared_file_by_file(tmp_path):
    base = "k,measured,verdict\nx,0.500,holds\ny,,\n"
    names = ("same", "near", "far", "text", "rows", "gone", "verdict", "column", "claims", "empty")
    a = folder_with(tmp_path / "a", **dict.fromkeys(names, base))
    b = folder_with(
        tmp_path / "b",
        same=base,
        near=base.replace("0.500", "0.515"),
        far=base.replace("0.500", "0.53"),
        text=base.replace("y,", "z,"),
        rows=base + "w,1,\n",
        new=base,
        verdict=base.replace("holds", "open"),
        column=base.replace("measured", "seen"),
        empty=base.replace("0.500", ""),
    )
    assert states(a, b) == {
        "tables/same.csv": "same",
        "tables/near.csv": "within tolerance",
        "tables/far.csv": "different",
        "tables/text.csv": "different",
        "tables/rows.csv": "different",
        "tables/gone.csv": f"only in {a}",
        "tables/new.csv": f"only in {b}",
        "claims.csv": f"only in {a}",
        "tables/verdict.csv": "within tolerance",
        "tables/column.csv": "different",
        "tables/empty.csv": "different",
    }
    detail = results.diff(a, b).set_index("file").detail
    assert detail["tables/far.csv"] == "row 2, measured: 0.500 against 0.53"
    assert detail["tables/rows.csv"] == "2 rows of 3 columns against 3 of 3"
    assert set(states(a, a).values()) == {"same"}


@pytest.mark.parametrize(
    "value, state",
    [
        (1.029, "within tolerance"),
        (1.031, "different"),
        (0.971, "within tolerance"),
        (0.969, "different"),
    ],
)
def test_the_tolerance_has_two_sides(tmp_path, value, state):
    """|a - b| <= 0.01 + 0.02 |b|: 0.03 around 1."""
    a = folder_with(tmp_path / "a", t=f"measured\n{value}\n")
    b = folder_with(tmp_path / "b", t="measured\n1\n")
    assert states(a, b) == {"tables/t.csv": state}


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(EmolibError, match="no such result folder"):
        results.diff(tmp_path / "nowhere", tmp_path)


# ---------------------------------------------------------------- tables


def test_a_table_stands_beside_its_print(out):
    view = report.table("wang-t2", angles())
    long = pd.read_csv(out / "tables" / "wang-t2.csv", dtype={"unit_i": str, "unit_j": str})
    columns = ["metric", "protocol", "printed", "measured", "low", "high"]
    columns += ["unit", "source", "verdict"]
    assert list(long.columns) == ["unit_i", "unit_j", *columns]
    printed = papers.published("wang-t2")
    assert len(long) == 16 and long.printed.notna().sum() == 15
    # every printed cell, in the order of print
    assert long.printed[:15].tolist() == printed.value.tolist()
    assert set(long.unit[:15]) == {"degrees"}
    left_out = long.iloc[3]
    assert left_out.source == "print" and np.isnan(left_out.measured) and pd.isna(left_out.verdict)
    assert (long.source == "print").all()  # no data went into this table
    assert (long.verdict.drop(3)[:14] == "the same digits").all()
    ours = long.iloc[15]
    assert (ours.unit_j, ours.measured) == ("7", 12.0)
    assert np.isnan(ours.printed) and pd.isna(ours.verdict)
    html = view._repr_html_()
    for text in ('<span class="emolib-badge">print</span>', "Table 2 of wang", "the same digits"):
        assert text in html
    assert view.frame.printed.notna().sum() == 15


def test_other_digits_are_told(out):
    long = report.beside_print("wang-t2", angles(shift=0.06))  # 8.1 becomes 8.2
    assert set(long.verdict[long.printed.notna() & long.measured.notna()]) == {"other digits"}


def accuracy(low, high, sources, settled=None, protocol="nested, random", measured=None) -> Outcome:
    frame = papers.published("wang-t3")[["method", "emotion", "metric"]]
    measured = (low + high) / 2 if measured is None else measured
    return Outcome(
        frame.assign(protocol=protocol, measured=measured, low=low, high=high),
        "smoke",
        sources,
        settled=settled,
    )


def said(outcome):
    long = report.beside_print("wang-t3", outcome)
    return long.assign(given=long.verdict).groupby("given").printed.agg(["min", "max", "size"])


def test_an_interval_decides_between_inside_higher_and_lower():
    told = said(accuracy(0.2, 0.3, SFEW))
    assert set(told.index) == {"inside our interval", "print is higher", "print is lower"}
    inside = told.loc["inside our interval"]
    assert inside["min"] >= 0.2 and inside["max"] <= 0.3
    assert told.loc["print is higher", "min"] > 0.3 and told.loc["print is lower", "max"] < 0.2
    assert told["size"].sum() == len(papers.published("wang-t3"))


def test_a_simulated_number_is_said_to_be_simulated(out):
    outcome = accuracy(0.2, 0.3, SIMULATED)
    long = report.beside_print("wang-t3", outcome)
    assert set(long.source) == {"simulated"}
    assert long.verdict.str.startswith("in simulation: ").all()
    html = report.table("wang-t3", outcome)._repr_html_()
    assert '<span class="emolib-badge">simulated</span>' in html
    mixed = accuracy(0.2, 0.3, {**SFEW, "other": SIMULATED["sfew"]})
    assert report.source_of(mixed) == "simulated"
    assert report.source_of(accuracy(0, 1, SFEW)) == "real"


def test_a_badge_says_which_set_stands_for_which():
    real = {"source": "real", "fingerprint": "x"}
    letters = "real: UNIPEN letters, not EMNIST letters"
    assert report.badge_of({"unipen": real}) == letters
    assert report.badge_of({"emnist_letters": real, "simulated world": real}) == "real"
    drawn = {"unipen": real, "cifar100": real | {"source": "simulated"}}
    assert report.badge_of(drawn) == f"partly simulated; {letters}"
    assert report.badge_of({}) == "print"


def test_what_has_not_settled_is_not_judged():
    def verdicts(protocol):
        outcome = accuracy(0.2, 0.3, SFEW, settled=frozenset({protocol}))
        return set(report.beside_print("wang-t3", outcome).verdict)

    assert verdicts("nested, movie-grouped") == {WEAK}
    assert WEAK not in verdicts("nested, random")


def test_without_an_interval_only_equality_is_judged():
    told = report.beside_print("wang-t3", accuracy(np.nan, np.nan, SFEW, measured=0.19))
    np.testing.assert_array_equal(told.verdict == "equal", np.isclose(told.printed, 0.19))
    assert set(told.verdict) == {"equal", "not equal"}


def test_an_outcome_that_lacks_a_key_is_said():
    frame = pd.DataFrame({"method": ["x"], "metric": ["accuracy"], "measured": [1.0]})
    with pytest.raises(EmolibError, match="wang-t3: the outcome has no column 'emotion'"):
        report.beside_print("wang-t3", Outcome(frame, "quick"))


def test_a_part_that_is_not_there_is_said(out):
    with pytest.raises(EmolibError, match="no row with protocol in"):
        report.table("wang-t2", angles(), where={"protocol": "as prnted"})


def test_the_same_outcome_gives_the_same_bytes(out):
    first = {}
    for _ in range(2):
        report.table("wang-t2", angles())
        now = (out / "tables" / "wang-t2.csv").read_bytes()
        assert first.setdefault("csv", now) == now


def test_two_notebooks_of_one_paper_keep_each_others_verdicts(out):
    """Claims of orgil2022 are decided in notebooks 13 and 14: the second to run must not empty the first one's rows."""
    report.claims("orgil2022", [Verdict("orgil-f1", REPLICATED, "3137 images")], angles())
    shown = report.claims("orgil2022", [Verdict("orgil-f5", NOT_REPLICATED, "0 of 6")], angles())
    assert set(shown.frame.notebook) == {"14"}
    written = pd.read_csv(out / "claims.csv", dtype=str, keep_default_na=False).set_index("id")
    assert dict(written.outcome) == {"orgil-f1": REPLICATED, "orgil-f5": NOT_REPLICATED}
    with pytest.raises(EmolibError, match="'orgil-f1' is not a claim"):
        report.claims("chang2021", [Verdict("orgil-f1", REPLICATED, "")], angles())


def test_a_run_that_many_numbers_come_from_is_timed_once(out, monkeypatch):
    from emolib.reproduction import runs

    used = [
        runs.Used("a", 2.0, False, "cpu"),
        runs.Used("b", 1.0, False, "cpu"),
        runs.Used("a", 2.0, False, "cpu"),
    ]
    monkeypatch.setattr(runs, "ledger", lambda clear=False: used)
    report.table("wang-t2", angles())
    about = json.loads((out / "tables" / "wang-t2.json").read_text())
    assert about["run_seconds"] == 3.0 and about["runs"] == ["a", "b"]


def test_an_unknown_artefact_or_claim_is_said(out):
    with pytest.raises(EmolibError, match="wang-t2"):
        report.table("wang-t22", angles())
    with pytest.raises(EmolibError, match="'wang-zz' is not a claim of wang"):
        report.claims("wang", [Verdict("wang-zz", "holds", "")], angles())
    assert not out.exists()


def test_places_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOLIB_OUT", str(tmp_path))
    assert settings.results("quick") == tmp_path
    monkeypatch.delenv("EMOLIB_OUT")
    assert settings.results("quick").parts[-3:] == ("results", "local", "quick")
    assert settings.committed("quick").parts[-2:] == ("results", "quick")
