"""A notebook that would find everything as it was does not run again; whatever else, it does."""

import contextlib
import json
import os
from pathlib import Path

import nbformat
import pytest

from emolib.ground import settings
from emolib.reproduction import papers
from emolib.reproduction.cli import runner
from emolib.reproduction.cli.standing import Standing, stamps
from emolib.reproduction.report import files as results
from emolib.reproduction.report.show import CLAIM_COLUMNS


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A notebook, a data folder, and a result folder with two files and a verdict of the notebook's."""
    for name in ("DATA", "CACHE", "OUT"):
        monkeypatch.setenv(f"EMOLIB_{name}", str(tmp_path / name))
    monkeypatch.delenv("EMOLIB_FRESH", raising=False)
    (tmp_path / "DATA").mkdir()
    (tmp_path / "DATA" / "set.csv").write_text("1,2")
    notebook = tmp_path / "43_chang_speech.ipynb"
    notebook.write_text("{}")
    results.write(tmp_path / "OUT" / "tables" / "a.csv", "x\n1\n")
    results.write(tmp_path / "OUT" / "tables" / "a.json", "{}")
    verdict(tmp_path, "holds")
    Standing("quick").keep(
        notebook, {"profile": "quick"}, tmp_path / "OUT", ["tables/a.csv", "tables/a.json"]
    )
    return tmp_path


def verdict(place, said, notebook="43", claim="chang-d14"):
    row = dict.fromkeys(CLAIM_COLUMNS, "") | {
        "id": claim,
        "notebook": notebook,
        "outcome": said,
        "profile": "quick" if said else "",
    }
    results.update_rows(place / "OUT" / "claims.csv", [row], ("id",), CLAIM_COLUMNS)


def stands(place, **parameters):
    return Standing("quick").stands(
        place / "43_chang_speech.ipynb", {"profile": "quick"} | parameters, place / "OUT"
    )


CHANGES = {
    "notebook": lambda p: (p / "43_chang_speech.ipynb").write_text("{ }"),
    "data": lambda p: os.utime(p / "DATA" / "set.csv", ns=(0, 0)),
    "a further file of data": lambda p: (p / "DATA" / "other").write_text(""),
    "result": lambda p: (p / "OUT" / "tables" / "a.csv").write_text("x\n2\n"),
    "result gone": lambda p: (p / "OUT" / "tables" / "a.json").unlink(),
    "verdict": lambda p: verdict(p, "fails"),
    "verdicts gone": lambda p: (p / "OUT" / "claims.csv").unlink(),
    "note": lambda p: (p / "CACHE" / "executed" / "quick" / "43_chang_speech.json").write_text("{"),
    "note of another kind": lambda p: (
        p / "CACHE" / "executed" / "quick" / "43_chang_speech.json"
    ).write_text("[]"),
    "result folder": lambda p: (p / "OUT").rename(p / "OUT2"),
}


def test_it_stands(place):
    assert stands(place)
    verdict(place, "fails", notebook="44", claim="chang-d1")  # another's
    verdict(place, "", claim="chang-d15")  # a first verdict, which the report adds
    (place / "OUT" / "tables" / "b.csv").write_text("another's")
    assert stands(place)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_makes_it_run(place, change):
    CHANGES[change](place)
    assert not stands(place)


def test_so_do_other_words(place, monkeypatch):
    assert not stands(place, seed=1)
    with monkeypatch.context() as other:
        other.setenv("EMOLIB_DEVICE", "cuda")
        assert not stands(place)
    with monkeypatch.context() as other:
        other.setattr("emolib.reproduction.cli.standing.distributions", list)
        assert not stands(place)
    with monkeypatch.context() as other:
        other.setenv("EMOLIB_FRESH", "1")
        assert not stands(place)
    assert stands(place)


def test_files_of_many_notebooks_are_nobody_s(place):
    (place / "OUT" / "timings.csv").write_text("")
    assert set(stamps(place / "OUT")) == {"tables/a.csv", "tables/a.json"}


def test_a_command_runs_what_is_not_up_to_date_and_the_report(place, monkeypatch, capsys):
    cells = [nbformat.v4.new_code_cell("profile = 'quick'", metadata={"tags": ["parameters"]})]
    paths = {
        n: place / f"{n}_{name}.ipynb"
        for n, name in (("43", "chang_speech"), ("44", "chang_mrpn"), ("99", "report"))
    }
    for path in paths.values():
        nbformat.write(
            nbformat.v4.new_notebook(
                cells=cells,
                metadata={
                    "kernelspec": {"name": "python3", "display_name": "", "language": "python"}
                },
            ),
            path,
        )
    ran = []

    def execute(path: Path, parameters, executed, kernel):
        ran.append(path.name[:2])
        executed.parent.mkdir(parents=True, exist_ok=True)
        executed.write_bytes(path.read_bytes())
        if path.name.startswith("43"):
            results.write(
                settings.results("quick") / "tables" / "chang2021-x30.json",
                json.dumps({"n": len(ran)}),
            )
        return runner.Ended(path.stem, 0.1, "it failed" if path.name.startswith("44") else "", 1)

    monkeypatch.setattr(runner.kernels, "Kernel", contextlib.nullcontext)
    monkeypatch.setattr(runner, "selected", lambda only: paths)
    monkeypatch.setattr(runner, "execute", execute)
    monkeypatch.setattr(runner, "summary", lambda profile, folder, ended: ended)
    (failed,) = (e for e in runner.reproduce("quick", [], {}) if e.error)
    assert "chang2021-t5_1" in failed.not_made and set(failed.not_made) <= set(
        papers.everything().id
    )
    runner.reproduce("quick", [], {})
    assert (
        ran == ["43", "44", "99", "44", "99"]
        and "43_chang_speech: up to date" in capsys.readouterr().out
    )
    (place / "OUT" / "tables" / "chang2021-x30.json").unlink()
    runner.reproduce("quick", [], {})
    assert ran[5:] == ["43", "44", "99"]
    kept = sorted(path.name for path in (place / "OUT" / "notebooks").iterdir())
    assert kept == ["43.html", "43.ipynb", "99.html", "99.ipynb"], "what failed is not kept"
    (place / "OUT" / "notebooks" / "43.html").unlink()
    runner.reproduce("quick", [], {})
    assert ran[8:] == ["43", "44", "99"], "and what was kept belongs to the notebook's results"
