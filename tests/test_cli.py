"""The command line: bad input is one line, exit status 2, and nothing is written."""

import argparse
import json
import logging
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import sim_files

from emolib import __version__
from emolib.data.sim import worlds
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.cli import main as cli
from emolib.reproduction.cli import nights, runner
from emolib.reproduction.report import files as results

ROOT = Path(__file__).parent.parent


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder for everything a command may write."""
    for name in ("OUT", "CACHE"):
        monkeypatch.setenv(f"EMOLIB_{name}", str(tmp_path / name.lower()))
    (tmp_path / "file").write_text("here first")
    return tmp_path


def listing(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def notebook(path: Path, *cells: str, parameters: str = 'profile = "quick"\nwidth = 3') -> Path:
    first = nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})
    made = nbformat.v4.new_notebook(
        cells=[first, *map(nbformat.v4.new_code_cell, cells)],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    return path


@pytest.fixture
def project(places, monkeypatch):
    """A checkout of its own with three small notebooks, so that these tests need none of the real ones."""
    monkeypatch.setattr(settings, "project", lambda: places / "project")
    folder = places / "project" / "notebooks"
    show = (
        "import os\nfrom pathlib import Path\n"
        'Path(os.environ["EMOLIB_OUT"], "{0}.txt").write_text(f"{{profile}} {{width}} {{os.environ.get(\'EMOLIB_DATA\')}}")'
    )
    notebook(folder / "20_wang.ipynb", show.format(20))
    notebook(folder / "30_yin.ipynb", show.format(30))
    notebook(folder / "99_report.ipynb", 'print("the report")', parameters='profile = "quick"')
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return places / "project"


# ---------------------------------------------------------------- bad input

BAD = [
    (["reproduce", "--profile", "quik"], "unknown profile 'quik': did you mean quick"),
    (["reproduce", "--only", "wang-t33"], "wang-t3"),
    (["reproduce", "--only", "wangg"], "did you mean wang"),
    (["reproduce", "--only", "wang", "--only", "wang-f99"], "'wang-f99'"),
    (
        ["reproduce", "--only", "20", "--set", "profle=1"],
        "unknown parameter of 20_wang.ipynb 'profle': did you mean profile",
    ),
    (
        ["reproduce", "--only", "20", "--only", "30", "--set", "widht=1"],
        "'widht': did you mean width",
    ),
    (["reproduce", "--only", "20", "--set", "width"], "--set width: expected NAME=VALUE"),
    (["reproduce", "--set", "width=1"], "--set needs --only"),
    (["reproduce", "--only", "chang2021"], "is not part of this version yet"),
    (["reproduce", "--data", "{}/nowhere"], "nowhere: no such folder"),
    (["reproduce", "--data", "{}/file"], "file: no such folder"),
    (["reproduce", "--out", "{}/file"], "cannot be written"),
    (["reproduce", "--out", "{}/file/below/it"], "cannot be written"),
    (["reproduce", "--jobs", "0"], "--jobs is '0': expected a whole number of at least 1"),
    (["reproduce", "--jobs", "-2"], "--jobs is '-2'"),
    (["reproduce", "--jobs", "two"], "--jobs is 'two'"),
    (["reproduce", "--jobs", "1.5"], "--jobs is '1.5'"),
    (["reproduce", "--max-minutes", "-1"], "--max-minutes is -1.0: expected a number above 0"),
    (["reproduce", "--max-minutes", "0"], "--max-minutes is 0.0"),
    (["reproduce", "--max-minutes", "nan"], "--max-minutes is nan"),
    (["reproduce", "--device", "gpu"], "--device is 'gpu': expected cpu, cuda or auto"),
    (["run", "wang-t33"], "wang-t3"),
    (["run", "01"], "no runs to store in this version"),
    (["list", "wnag"], "did you mean wang"),
    (["diff", "{}/nowhere", "{}"], "nowhere: no such result folder"),
    (["doctor", "--data", "{}/nowhere"], "nowhere: no such folder"),
    (["doctor", "--data", "{}/two\nlines\x1b"], "two\\nlines\\x1b: no such folder"),
    (["doctor", "--data", "{}/caf\udce9"], "caf\\udce9: no such folder"),
]


@pytest.mark.parametrize("command, told", BAD, ids=[" ".join(c) for c, _ in BAD])
def test_bad_input_is_one_line_status_2_and_nothing_written(project, places, capsys, command, told):
    before = listing(places)
    status = cli.main([word.format(places) for word in command])
    shown = capsys.readouterr()
    assert status == 2
    (line,) = shown.err.splitlines()
    assert line.startswith("emolib: ") and told in line
    assert "Traceback" not in shown.err + shown.out and shown.out == ""
    assert listing(places) == before


def test_cuda_without_a_gpu_is_bad_input(project, places, capsys, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cli.main(["reproduce", "--device", "cuda"]) == 2
    assert "PyTorch sees no GPU" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["reproduce", "--profle", "quick"],
        ["reproduce", "--prof", "quick"],
        ["reproduce", "--max-minutes", "soon"],
        [],
        ["diff", "one"],
    ],
)
def test_an_option_that_does_not_exist_is_refused_and_never_guessed(places, capsys, command):
    before = listing(places)
    with pytest.raises(SystemExit) as stop:
        cli.main(command)
    assert stop.value.code == 2 and "Traceback" not in capsys.readouterr().err
    assert listing(places) == before


def test_a_damaged_data_set_stops_the_run_in_one_line(places, capsys, monkeypatch):
    (path,) = sim_files.write(worlds.sfew_table(rows=30), places / "data")
    path.write_bytes(path.read_bytes()[:1000])
    assert cli.main(["run", "wang", "--profile", "smoke", "--data", str(places / "data")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(path) in line and "not a readable Excel file" in line
    assert not (places / "cache").exists() and not (places / "out").exists()


# ---------------------------------------------------------------- what a command does


def test_reproduce_runs_what_was_asked_for_with_its_parameters(project, places, capsys):
    data = places / "mine"
    data.mkdir()
    assert (
        cli.main(
            [
                "reproduce",
                "--profile",
                "smoke",
                "--only",
                "20",
                "--set",
                "width=7",
                "--data",
                str(data),
                "--jobs",
                "1",
            ]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert (places / "out" / "20.txt").read_text() == f"smoke 7 {data}"
    assert not (places / "out" / "30.txt").exists()
    assert (
        "20_wang: done" in shown
        and "99_report: done" in shown
        and f"results: {places / 'out'}" in shown
    )
    timings = pd.read_csv(places / "out" / "timings.csv", dtype=str, keep_default_na=False)
    assert (
        timings.notebook.tolist() == ["20", "99"] and (timings.wall_seconds.astype(float) > 0).all()
    )
    executed = nbformat.read(places / "cache" / "executed" / "smoke" / "20_wang.ipynb", 4)
    assert any(c.get("execution_count") for c in executed.cells)
    assert (
        nbformat.read(project / "notebooks" / "20_wang.ipynb", 4).cells[1].execution_count is None
    )


def test_a_notebook_that_fails_is_said_and_the_others_still_run(project, places, capsys):
    notebook(project / "notebooks" / "20_wang.ipynb", "1 / 0")
    assert cli.main(["reproduce", "--only", "wang", "--only", "30"]) == 1
    shown = capsys.readouterr()
    assert "FAILED 20_wang: ZeroDivisionError" in shown.err and "30_yin: done" in shown.out
    assert (places / "out" / "30.txt").exists()


@pytest.mark.parametrize(
    "message, status",
    [("SFEW.xlsx: cell D5", 2), ("time is up (--max-minutes): what is finished is stored", 3)],
)
def test_our_own_errors_in_a_notebook_have_their_status(project, places, capsys, message, status):
    notebook(
        project / "notebooks" / "20_wang.ipynb",
        f"from emolib.ground.errors import EmolibError\nraise EmolibError({message!r})",
    )
    assert cli.main(["reproduce", "--only", "20"]) == status
    shown = capsys.readouterr()
    assert f"FAILED 20_wang: {message}" in shown.err
    assert ("99_report" in shown.out) == (status == 2)  # when time is up nothing more is started


def test_the_comparison_with_the_committed_results_ends_a_run(project, places, capsys):
    results.write(project / "results" / "quick" / "tables" / "a.csv", "v\n1\n")
    results.write(places / "out" / "tables" / "a.csv", "v\n2\n")
    assert cli.main(["reproduce", "--only", "20"]) == 0
    shown = capsys.readouterr().out
    assert "0 of 1 files equal it" in shown and "1 differ on the same data" in shown
    assert "tables/a.csv, row 2, v: 2 against 1" in shown


def made(folder, name, value, fingerprint):
    """A small result and what it was made from."""
    results.write(folder / "tables" / f"{name}.csv", f"v\n{value}\n")
    sources = {"dlib by points": {"source": "real", "fingerprint": fingerprint}}
    results.write(folder / "tables" / f"{name}.json", json.dumps({"sources": sources}))


def test_a_run_without_the_data_does_not_end_as_if_it_had_failed(project, places, capsys):
    reference = project / "results" / "quick"
    for k in range(9):
        made(reference, f"other{k}", 1, "ab")
        made(places / "out", f"other{k}", 2, "cd")
    for k in range(7):
        made(reference, f"own{k}", 1, "ab")
        made(places / "out", f"own{k}", 2 if k else 1, "ab")
    results.write(places / "out" / "claims.csv", "id,outcome\na,replicated\nb,replicated\n")
    assert cli.main(["reproduce", "--only", "20"]) == 0
    shown = capsys.readouterr().out
    assert (
        "1 of 16 files equal it" in shown
        and "9 were made from other data: dlib by points\n" in shown
    )
    assert shown.count("row 2, v: 2 against 1") == 5 and "and 1 more: ./reproduce.sh diff" in shown
    assert "claims:  2 replicated\n" in shown


def test_diff_ends_with_0_where_other_data_explain_all(places, capsys):
    made(places / "a", "t", 1, "ab")
    made(places / "b", "t", 2, "cd")
    assert cli.main(["diff", str(places / "a"), str(places / "b")]) == 0
    assert "made from other data tables/t.csv  dlib by points" in capsys.readouterr().out
    made(places / "b", "t", 2, "ab")
    assert cli.main(["diff", str(places / "a"), str(places / "b")]) == 1


def test_the_time_left_goes_by_the_pace_so_far():
    usual = {"10": 60.0, "20": 120.0, "30": 240.0, "99": 1.0}
    left = runner.time_left
    assert left(["10", "20", "99"], [], usual) == ", about 4 minutes left"
    slow = [runner.Ended("10_losses", 180.0), runner.Ended("40_candide", 9.0)]
    assert left(["20", "99"], slow, usual) == ", about 7 minutes left"
    assert left(["20", "41"], [], usual) == "" and left([], [], usual) == ""
    assert left(["20", "99"], [runner.Ended("10_losses", 1.0, "broken")], usual).startswith(
        ", about 3"
    )


def test_options_reach_kernels_and_workers_through_the_environment(project, places, monkeypatch):
    seen = {}
    monkeypatch.setattr(
        runner, "reproduce", lambda *given: seen.update(os.environ, given=given) or 0
    )
    monkeypatch.chdir(places)
    assert (
        cli.main(
            [
                "reproduce",
                "--out",
                "o",
                "--cache",
                "c",
                "--jobs",
                "3",
                "--device",
                "cpu",
                "--fresh",
                "--max-minutes",
                "5",
                "--set",
                "a=1.5",
                "--set",
                "b=x y",
                "--only",
                "20",
            ]
        )
        == 0
    )
    assert seen["given"] == ("quick", ["20"], {"a": 1.5, "b": "x y"})
    assert seen["EMOLIB_OUT"] == str(places / "o") and seen["EMOLIB_CACHE"] == str(places / "c")
    assert (seen["EMOLIB_JOBS"], seen["EMOLIB_DEVICE"], seen["EMOLIB_FRESH"]) == ("3", "cpu", "1")
    assert (
        200 < float(seen["EMOLIB_DEADLINE"]) - __import__("time").time() <= 300
        and seen["EMOLIB_COMMAND"]
    )


@pytest.mark.parametrize("name, printed", [(None, 161), ("wang", 13), ("20", 13), ("wang-t3", 1)])
def test_list_names_what_there_is(capsys, name, printed):
    ours = papers.extras()
    expected = printed + (
        len(ours) if name is None else ((ours.paper == name) | (ours.notebook == name)).sum()
    )
    assert cli.main(["list", *([name] if name else [])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        len(lines) == expected + 2
        and lines[0].split()[0] == "id"
        and lines[-1].startswith("minutes at quick")
    )
    assert any("wang-t3 " in line and "Table 3" in line for line in lines)


TIMINGS = """notebook,artefact,wall_seconds,cached
20,,120.00,
20,wang-t3,90.00,False
30,,60.00,
30,yin2022-t3,30.00,True
30,yin2022-f1,6.00,False
"""


def test_list_says_what_was_measured_and_guesses_nothing(project, capsys):
    assert cli.main(["list", "wang", "--profile", "full"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1] == "minutes at full: not measured in any notebook"
    )
    results.write(project / "results" / "full" / "timings.csv", TIMINGS)
    assert cli.main(["list", "--profile", "full"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[-1].startswith(
            "minutes at full, as measured for the committed results: 2.0 in all (20 2.0); not measured: "
        )
        and "30" in lines[-1]
    )
    told = {line.split()[0]: line.split()[-1] for line in lines[1:-1]}
    assert (
        told["wang-t3"] == "1.50"
        and told["yin2022-f1"] == "0.10"
        and told["yin2022-t3"] in ("yes", "not")
    )  # it was stored: no measure
    assert cli.main(["list", "wang-t3"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[-1] == "minutes at quick: not measured in any notebook"
    )


def test_list_estimates_a_night_and_says_so(capsys):
    assert cli.main(["list", "--profile", "overnight"]) == 0
    told = capsys.readouterr().out.partition("minutes at overnight on two processors, ")[2]
    assert told.startswith("estimated and not measured: ")
    minutes = nights.estimates()
    assert set(minutes) == set(runner.ORDER) and 0 < sum(minutes.values()) < nights.BUDGET
    rows = [line.split() for line in told.splitlines()]
    assert ["41", f"{minutes['41']:.0f}"] in rows and ["20", "6"] in rows
    assert cli.main(["list", "wang", "--profile", "overnight"]) == 0
    assert "41 " not in capsys.readouterr().out.partition("on two processors")[2]


@pytest.mark.parametrize("name", nights.COUNTED)
def test_a_night_costs_more_than_quick_wherever_something_is_counted(name):
    folder, count = nights.COUNTED[name]
    sizes = import_module(f"emolib.reproduction.studies.{folder}.plan").Study.SIZES
    night, quick = (count(sizes[profile], sizes["quick"]) for profile in ("overnight", "quick"))
    assert night > quick > 0


@pytest.mark.parametrize("profile", ["quick", "overnight", "full"])
def test_the_minutes_of_the_artefacts_add_up_to_those_of_their_notebook(profile):
    """But for the start of the kernel and its imports: what is on a busy machine half a minute, or a third of it all."""
    times = runner.measured(profile)
    checked = 0
    for (number, artefact), whole in times.items():
        parts = [s for (n, a), s in times.items() if n == number and a]
        if not artefact and whole > 15 and parts:
            said = f"{number}: {sum(parts):.0f} s in artefacts, {whole:.0f} s in all"
            assert -1 < whole - sum(parts) < max(30, whole / 3), said
            checked += 1
    assert checked or profile not in ("quick", "full"), "no notebook to check"


def test_the_doctor_ends_with_1_only_where_something_is_damaged(places, capsys):
    (places / "data").mkdir()
    assert cli.main(["doctor", "--data", str(places / "data")]) == 0
    shown = capsys.readouterr().out
    assert "sfew            absent" in shown and "Australian National University" in shown
    (path,) = sim_files.write(worlds.sfew_table(), places / "data", flaws=True)
    assert cli.main(["doctor", "--data", str(places / "data")]) == 0
    assert "sfew            found    675 of 675 rows; 674 usable" in capsys.readouterr().out
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert cli.main(["doctor", "--data", str(places / "data")]) == 1
    assert "damaged" in capsys.readouterr().out


def test_the_doctor_has_a_row_for_candide(places, capsys):
    place = places / "data" / "candide3" / "candide3.wfm"
    place.parent.mkdir(parents=True)
    assert cli.main(["doctor", "--data", str(places / "data")]) == 0
    assert "candide3        absent" in capsys.readouterr().out
    place.write_text("a file of another kind\n")
    assert cli.main(["doctor", "--data", str(places / "data")]) == 1
    told = capsys.readouterr().out
    assert "candide3        damaged" in told and "cut short" in told


@pytest.mark.parametrize("value", ["/dev/null", "{}/file", "{}/file/below", "{}/link"])
def test_a_data_folder_that_is_none_is_said(places, capsys, monkeypatch, value):
    (places / "link").symlink_to("nowhere")
    monkeypatch.setenv("EMOLIB_DATA", value.format(places))
    assert cli.main(["doctor"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "EMOLIB_DATA" in line and "expected a folder" in line


def test_no_message_names_an_option_that_its_command_lacks(places, capsys, monkeypatch):
    """`docs` has no --out and no command has damaged='skip': both were said."""
    from emolib.data import files
    from emolib.reproduction.cli import docs

    def pages():
        yield results.write(places / "file" / "x", "") or places

    monkeypatch.setattr(docs, "write_all", pages)
    assert cli.main(["docs"]) == 2
    told = capsys.readouterr().err
    assert "cannot be written" in told and "--" not in told
    with pytest.raises(EmolibError, match=r"in Python, data\.load\(\.\.\., damaged='skip'\)"):
        files.settle([files.Damaged("x.wav", "is empty")])


def _pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "harm, told",
    [
        (lambda path: path.write_text('v\n"1\n'), "not a readable table"),
        (lambda path: path.write_bytes(b"v\n\xff\n"), "not a readable table"),
        (lambda path: path.write_text("v\n1,2\n3,4,5\n"), "not a readable table"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: (path.unlink(), path.mkdir()), "a folder"),
        (lambda path: (path.unlink(), path.symlink_to("x")), "a link that leads nowhere"),
        (_pipe, "neither a file nor a folder"),
    ],
)
@pytest.mark.parametrize("side", ["a", "b"])
def test_diff_names_what_cannot_be_read_and_goes_on(places, capsys, harm, told, side):
    for folder in ("a", "b"):
        results.write(places / folder / "tables" / "t.csv", "v\n1\n")
        results.write(places / folder / "tables" / "u.csv", f"v\n{folder}\n")
    harm(places / side / "tables" / "t.csv")
    assert cli.main(["diff", str(places / "a"), str(places / "b")]) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("different") and told in first and str(places / side) in first
    assert len(rest) == 2 and "u.csv" in rest[0]


@pytest.mark.parametrize("other, status", [("v\n1\n", 0), ("v\n1.02\n", 0), ("v\n2\n", 1)])
def test_diff_ends_with_1_where_something_differs(places, capsys, other, status):
    results.write(places / "a" / "tables" / "t.csv", "v\n1\n")
    results.write(places / "b" / "tables" / "t.csv", other)
    assert cli.main(["diff", str(places / "a"), str(places / "b")]) == status
    assert ("different" in capsys.readouterr().out) == bool(status)


def test_run_fills_the_store_and_writes_no_results(places, capsys, monkeypatch):
    from emolib.reproduction import studies

    seen = []
    monkeypatch.setattr(
        studies, "tasks", lambda name: [("20", lambda profile: seen.append((name, profile)))]
    )
    assert cli.main(["run", "wang", "--profile", "smoke"]) == 0
    assert seen == [("wang", "smoke")] and "20: stored" in capsys.readouterr().out
    assert not (places / "out").exists()


def test_a_misspelt_command_is_said_in_a_line(capsys):
    assert cli.main(["lisst"]) == 2
    assert (
        capsys.readouterr().err == "emolib: unknown command 'lisst': did you mean list or test?\n"
    )


@pytest.mark.parametrize("command", ["magnify", "trace", "predict"])
def test_a_film_that_is_not_there_is_said_before_torch_is_imported(command, tmp_path):
    code = "import sys; from emolib.reproduction.cli import main; print(main.main(sys.argv[1:]), 'torch' in sys.modules)"
    film = str(tmp_path / "nothing.mp4")
    told = subprocess.run(
        [sys.executable, "-c", code, command, film], capture_output=True, text=True, check=True
    )
    assert told.stdout == "2 False\n" and told.stderr == f"emolib: {film}: no such file\n"


def test_jupyter_as_root_is_refused_in_a_line(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("started"))
    with pytest.raises(EmolibError, match="another user, or --allow-root"):
        cli.commands.lab(argparse.Namespace(rest=[]))


def test_an_interrupt_is_told_and_is_no_traceback(capsys, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "notebooks", interrupted)
    log = logging.getLogger("asyncio")
    before = log.level
    try:
        assert cli.main(["list"]) == 130
        assert not log.isEnabledFor(logging.ERROR), (
            "asyncio would tell of the cell that was under way, with a traceback"
        )
    finally:
        log.setLevel(before)
    assert "the same command goes on from here" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wanted, chosen",
    [
        ([], ["20", "30", "99"]),
        (["wang"], ["20", "99"]),
        (["30"], ["30", "99"]),
        (["wang-t3"], ["20", "99"]),
        (["30_yin"], ["30", "99"]),
        (["yin2022-t3", "wang"], ["20", "30", "99"]),
        (["99"], ["99"]),
    ],
)
def test_the_report_is_brought_up_to_date_with_what_was_asked(project, wanted, chosen):
    assert list(runner.selected(wanted)) == chosen


def test_an_unknown_parameter_raises_where_papermill_only_warns(tmp_path):
    path = notebook(tmp_path / "20_x.ipynb")
    runner.check_parameters(path, {"profile": "smoke", "width": 1})
    with pytest.raises(
        EmolibError, match="unknown parameter of 20_x.ipynb 'with': did you mean width"
    ):
        runner.check_parameters(path, {"with": 1})


# ---------------------------------------------------------------- as a process


def process(*words, **more):
    return subprocess.run(
        [sys.executable, "-m", "emolib", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        **more,
    )


def test_as_a_process_it_says_its_version_and_its_examples():
    assert process("--version").stdout.strip() == f"emolib {__version__}"
    shown = process("--help").stdout
    for option in (
        "--profile",
        "--only",
        "--data",
        "--jobs",
        "--cluster",
        "--device",
        "--out",
        "--fresh",
        "--max-minutes",
    ):
        assert f"./reproduce.sh {option}" in shown, f"no example of {option}"


def test_as_a_process_bad_input_is_one_line_and_status_2(places):
    before = listing(places)
    ended = process("reproduce", "--profile", "smoke", "--out", str(places / "file" / "below"))
    assert ended.returncode == 2 and ended.stdout == ""
    assert ended.stderr.count("\n") == 1 and ended.stderr.startswith("emolib: --out ")
    assert listing(places) == before


def test_in_a_checkout_that_is_not_installed_notebooks_find_emolib(places):
    bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "emolib",
            "reproduce",
            "--profile",
            "smoke",
            "--only",
            "00",
            "--out",
            str(places / "o"),
            "--cache",
            str(places / "c"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=bare,
    )
    assert ended.returncode == 0 and "00_start_here: done" in ended.stdout, (
        ended.stdout + ended.stderr
    )


def test_list_is_readable_by_a_pipe_that_closes_early():
    """`emolib list | head -1` ends quietly."""
    ended = subprocess.run(
        f"{sys.executable} -m emolib list | head -1",
        shell=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.stdout.split()[0] == "id" and "Traceback" not in ended.stderr


def test_the_environment_is_as_before(places):
    """cli.main writes EMOLIB_* variables; the fixtures of the tests take them back."""
    assert "EMOLIB_FRESH" not in os.environ and "EMOLIB_DEADLINE" not in os.environ
    assert json.dumps(settings.deadline()) == "null"
