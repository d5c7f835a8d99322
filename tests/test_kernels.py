"""One kernel for all notebooks of a command: no names are left over, and nothing outlives it."""

import json
import os
import time

import nbformat
import psutil
import pytest
from jupyter_client.channels import HBChannel

from emolib.reproduction.cli import kernels, runner

LOOK = """import json, os
with open(place, "w") as file:
    json.dump({"pid": os.getpid(), "folder": os.getcwd(), "left": "secret" in globals()}, file)
secret = 1"""
POOL = """import json, os
from joblib import Parallel, delayed
pids = Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(4))
with open(place, "w") as file:
    json.dump({"pid": os.getpid(), "workers": pids}, file)"""


@pytest.fixture
def run(tmp_path):
    """run(kernel, code) -> (how the notebook ended, what it wrote)."""

    def one(kernel, code):
        place, note = tmp_path / "one.ipynb", tmp_path / "note.json"
        note.unlink(missing_ok=True)
        about = {"name": "python3", "display_name": "Python 3", "language": "python"}
        parameters = nbformat.v4.new_code_cell("place = ''", metadata={"tags": ["parameters"]})
        cells = [parameters, nbformat.v4.new_code_cell(code)]
        made = nbformat.v4.new_notebook(metadata={"kernelspec": about}, cells=cells)
        nbformat.write(made, place)
        ended = runner.execute(place, {"place": str(note)}, tmp_path / "done.ipynb", kernel)
        return ended, json.loads(note.read_text()) if note.exists() else None

    return one


def test_notebooks_share_a_kernel_and_nothing_else(run, tmp_path):
    with kernels.Kernel() as kernel:
        seen = [run(kernel, LOOK) for _ in range(2)]
    assert not any(ended.error for ended, _ in seen), seen
    first, second = (note for _, note in seen)
    assert first["pid"] == second["pid"] and first["folder"] == str(tmp_path)
    assert not second["left"], "a name of the notebook before is still there"


LEFT = """from emolib.reproduction.runs import grid
grid.remember([grid.Used("a run after the last table", 1.0, True, "cpu")])"""
FOUND = """import json
from emolib.reproduction.runs import grid
with open(place, "w") as file:
    json.dump(len(grid.ledger()), file)"""


def test_runs_asked_for_last_are_not_the_next_notebooks(run):
    with kernels.Kernel() as kernel:
        assert not run(kernel, LEFT)[0].error
        ended, found = run(kernel, FOUND)
    assert not ended.error and found == 0, "a table would name runs of another notebook"


def test_each_command_has_a_kernel_of_its_own(run):
    with kernels.Kernel() as one, kernels.Kernel() as other:
        assert run(one, LOOK)[1]["pid"] != run(other, LOOK)[1]["pid"]


def test_a_notebook_that_raises_leaves_the_kernel_usable(run):
    with kernels.Kernel() as kernel:
        assert "ZeroDivisionError" in run(kernel, "1 / 0")[0].error
        assert not run(kernel, LOOK)[0].error


def test_a_kernel_that_was_killed_is_replaced(run):
    with kernels.Kernel() as kernel:
        dead = run(kernel, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")[0]
        assert "was killed" in dead.error
        ended, note = run(kernel, LOOK)
        assert not ended.error and not note["left"]


def test_nobody_outlives_the_kernel(run, capfd):
    with kernels.Kernel() as kernel:
        ended, note = run(kernel, POOL)
        assert not ended.error, ended.error
        start = time.monotonic()
    assert time.monotonic() - start < 5
    assert not [pid for pid in (note["pid"], *note["workers"]) if psutil.pid_exists(pid)]
    assert "leaked" not in capfd.readouterr().err
    assert not [name for name in os.listdir("/dev/shm") if str(note["pid"]) in name]


def test_a_kernel_whose_heart_is_slow_is_not_taken_for_dead(run, monkeypatch):
    """END was given up then, and joblib's folder stayed behind."""
    monkeypatch.setattr(HBChannel, "is_beating", lambda channel: False)
    with kernels.Kernel() as kernel:
        run(kernel, LOOK)
        assert kernel._tell("1")
