"""Forked kernels: they are what a started kernel is, know what is imported already, and end with the command."""

import json
import sys
from datetime import datetime

import nbformat
import pytest
from jupyter_client.provisioning import KernelProvisionerFactory

from emolib.reproduction.cli import kernels, runner

LOOK = """import json, os, psutil, sys, time
known = "torch" in sys.modules
import matplotlib
with open(place, "w") as file:
    json.dump({"known": known, "imported by hand": "emolib.evm" in sys.modules, "backend": matplotlib.get_backend(), "folder": os.getcwd(), "pid": os.getpid(),
               "age": time.time() - psutil.Process().create_time(), "since": time.perf_counter() - __import__("emolib.reproduction.report.show").report._since, "leads": os.getpgrp() == os.getpid(), "mark": os.environ["EMOLIB_MARK"], "seed": os.urandom(4).hex()}, file)"""


POOL = "from joblib import Parallel, delayed\nassert Parallel(n_jobs=2)(delayed(abs)(k) for k in (1, -2)) == [1, 2]"


def notebook(place, *cells):
    made = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        cells=[
            nbformat.v4.new_code_cell("place = ''", metadata={"tags": ["parameters"]}),
            *map(nbformat.v4.new_code_cell, cells),
        ],
    )
    nbformat.write(made, place)
    return place


def idle(executed):
    """Seconds between the last cell and the end of a notebook."""
    made = nbformat.read(executed, 4)
    last = made.cells[-1].metadata.papermill
    return (
        datetime.fromisoformat(made.metadata.papermill.end_time)
        - datetime.fromisoformat(last.end_time)
    ).total_seconds()


@pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
def test_forked_kernels_are_kernels(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("EMOLIB_MARK", "made known after the import")
    good, bad = notebook(tmp_path / "good.ipynb", LOOK), notebook(tmp_path / "bad.ipynb", "1 / 0")
    pool = notebook(tmp_path / "pool.ipynb", POOL)
    gone = notebook(
        tmp_path / "gone.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    seen = []
    with kernels.forked():
        for k in range(3):
            ended = runner.execute(
                good, {"place": str(tmp_path / f"{k}.json")}, tmp_path / "executed" / "good.ipynb"
            )
            assert not ended.error, ended.error
            seen.append(json.loads((tmp_path / f"{k}.json").read_text()))
        ended = runner.execute(pool, {}, tmp_path / "executed" / "pool.ipynb")
        assert not ended.error and idle(tmp_path / "executed" / "pool.ipynb") < 1.5, (
            "a kernel with a pool of processes ends at once"
        )
        assert (
            "ZeroDivisionError"
            in runner.execute(bad, {}, tmp_path / "executed" / "bad.ipynb").error
        )
        assert "was killed" in runner.execute(gone, {}, tmp_path / "executed" / "gone.ipynb").error
    assert "leaked" not in capfd.readouterr().err
    started, one, two = seen  # the first is not forked: it need not wait
    assert not started["known"]
    assert (
        one["known"]
        and not one["imported by hand"]
        and one["leads"]
        and one["mark"] == "made known after the import"
    )
    assert "inline" in one["backend"] and one["folder"] == str(tmp_path)
    assert all(kernel["since"] <= kernel["age"] + 0.05 for kernel in (one, two)), (
        "the time of the first artefact is its own"
    )
    assert one["pid"] != two["pid"] and one["seed"] != two["seed"]
    assert KernelProvisionerFactory.instance().default_provisioner_name != kernels.NAME


def test_elsewhere_kernels_are_started_and_end_as_soon(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(kernels, "LINUX", False)
    monkeypatch.setenv("EMOLIB_MARK", "")
    look, pool = notebook(tmp_path / "look.ipynb", LOOK), notebook(tmp_path / "pool.ipynb", POOL)
    with kernels.forked():
        for _ in range(2):
            ended = runner.execute(
                look, {"place": str(tmp_path / "look.json")}, tmp_path / "executed" / "look.ipynb"
            )
            assert (
                not ended.error and not json.loads((tmp_path / "look.json").read_text())["known"]
            ), ended.error
        ended = runner.execute(pool, {}, tmp_path / "executed" / "pool.ipynb")
        assert not ended.error and idle(tmp_path / "executed" / "pool.ipynb") < 1.5, (
            "a kernel with a pool of processes ends at once"
        )
    assert "leaked" not in capfd.readouterr().err
    assert KernelProvisionerFactory.instance().default_provisioner_name != kernels.NAME
