"""A heap of submissions, each graded by otter in processes of its own, with limits.

`heap` gives every submission a folder, a kernel, a time and a memory limit. Before the first cell
of a student stands one of ours (`close`): from then on the kernel ends at once if somebody opens a
connection, starts a process, or reads the checks. What ended early, or was ended, has 0 points, and
the table says why. Nothing of one submission is there when the next begins.

This keeps accidents and pranks from doing harm. It is no prison: who has a reason to fear attacks
grades in a container (`otter grade`), or lets Gradescope do it.
"""

from __future__ import annotations

import hashlib
import json
import logging.handlers
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pandas as pd

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.report import files as results

SECONDS = 120  # of computing for a whole submission; the longest exercise needs about 20
PATIENCE = 5  # times as many by the clock, for a busy machine and for who sleeps
MEMORY = 3000  # MB of all its processes together
ALARM = "EMOLIB_COURSE_ALARM"  # names the file that says why a kernel ended
STARTING = ("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system", "subprocess.Popen")
REACHING = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind")
GUARD = "from emolib.reproduction.course import grade\n\ngrade.close({seal!r})"
MAKES_GRADER = re.compile(r"^grader = Grader\(.*\)$", flags=re.M)
UNSEAL = "from emolib.reproduction.course import grade\n\ngrade.show_checks({secret!r})"


def heap(
    submissions: Iterable[Path],
    zips: Path,
    *,
    jobs: int = 2,
    seconds: float = SECONDS,
    memory: float = MEMORY,
) -> pd.DataFrame:
    """Grade notebooks: one row each: submission, exercise, points, of, computed, waited, MB, ended.

    zips      folder of the autograders, NAME.zip for the exercise NAME
    seconds   limit of a submission's computing; memory: in MB
    computed, waited    seconds of the processor, and by the clock;   MB   peak of its memory
    ended     'graded', or why there are 0 points
    """

    def one(path: Path) -> dict:
        return _graded(Path(path), Path(zips), seconds, memory)

    with ThreadPoolExecutor(jobs) as pool:
        return pd.DataFrame(list(pool.map(one, submissions)))


def folder(where: Path, zips: Path) -> pd.DataFrame:
    """Grade all notebooks below `where` and write `where`/scores.csv; EmolibError without any."""
    found = sorted(where.rglob("*.ipynb"))
    if not found:
        raise EmolibError(f"{where} holds no notebook, expected submissions (*.ipynb)")
    table = heap(found, zips)
    results.write(where / "scores.csv", table.to_csv(index=False))
    return table


def _graded(path: Path, zips: Path, seconds: float, memory: float) -> dict:
    book = _read(path)
    name = book["metadata"]["otter"]["assignment_name"]
    autograder = zips / f"{name}.zip"
    if not autograder.exists():
        raise EmolibError(f"{path}: exercise '{name}' has no {autograder}; make the course first")
    with tempfile.TemporaryDirectory(prefix="emolib-graded-") as place:
        here = Path(place)
        (here / f"{name}.ipynb").write_text(json.dumps(guarded(book)))
        ended, computed, waited, peak = _run(here, name, autograder.resolve(), seconds, memory)
        points, of = _points(here / "results.json")
        alarm = here / "alarm"
        ended = alarm.read_text() if alarm.exists() and alarm.stat().st_size else ended
    return {
        "submission": path.name,
        "exercise": name,
        "points": points if ended == "graded" else 0.0,
        "of": of,
        "computed": round(computed, 1),
        "waited": round(waited, 1),
        "MB": round(peak),
        "ended": ended,
    }


def _read(path: Path) -> dict:
    """A submission as JSON; EmolibError if it is no notebook of the course."""
    try:
        book = json.loads(path.read_text())
        book["metadata"]["otter"]["assignment_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmolibError(
            f"{path}: no submission ({type(error).__name__}), "
            "expected a notebook that `./reproduce.sh course` made"
        ) from None
    return book


def guarded(book: dict) -> dict:
    """A submission between two cells of ours.

    The checks in it are left out: they run once, at the end, when `show_checks` has let them. So is
    the line that makes the student's own Grader, which would read the notebook and our secret.
    """
    secret = secrets.token_hex(16)
    seal = hashlib.sha256(secret.encode()).hexdigest()
    kept = []
    for cell in book["cells"]:
        source = MAKES_GRADER.sub("", "".join(cell["source"]))
        if not source.startswith("grader.check"):
            kept.append(cell | {"source": source})
    return book | {
        "cells": [_cell(GUARD.format(seal=seal)), *kept, _cell(UNSEAL.format(secret=secret))]
    }


def _cell(text: str) -> dict:
    return {
        "cell_type": "code",
        "id": secrets.token_hex(4),
        "metadata": {},
        "source": text,
        "outputs": [],
        "execution_count": None,
    }


def _run(
    place: Path, name: str, autograder: Path, seconds: float, memory: float
) -> tuple[str, float, float, float]:
    """Let otter grade in `place`; how it ended, seconds computed and waited, peak memory in MB."""
    import psutil

    scratch = place / "scratch"
    scratch.mkdir()
    environment = os.environ | {
        "PYTHONPATH": settings.search_path(),
        "TMPDIR": str(scratch),
        "JUPYTER_RUNTIME_DIR": str(scratch),
        "IPYTHONDIR": str(scratch),
        "MPLBACKEND": "agg",
        "OMP_NUM_THREADS": "1",
        ALARM: str(place / "alarm"),
    }
    command = [sys.executable, "-P", "-m", "otter", "run", "--no-logo"]
    command += ["-a", str(autograder), "-o", str(place), f"{name}.ipynb"]
    began, peak, ended, spent = time.monotonic(), 0.0, "", {}
    with (place / "log").open("wb") as log:
        started = subprocess.Popen(
            command, cwd=place, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        family = {psutil.Process(started.pid)}
        while started.poll() is None and not ended:
            family |= _children(family)
            used = {process.pid: _used(process) for process in family}
            peak = max(peak, sum(memory for _, memory in used.values()))
            spent |= {pid: cpu for pid, (cpu, _) in used.items() if cpu}
            late = time.monotonic() - began > PATIENCE * seconds
            if late or sum(spent.values()) > seconds:
                ended = f"longer than {seconds:g} s"
            if peak > memory:
                ended = f"more than {memory:g} MB"
            time.sleep(0.2)
        for process in family | _children(family):  # a kernel has a session of its own
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        started.wait()
    shutil.rmtree(scratch, ignore_errors=True)
    if not ended:
        ended = "graded" if started.returncode == 0 else "its kernel ended"
    return ended, sum(spent.values()), time.monotonic() - began, peak


def _children(family: set) -> set:
    import psutil

    found = set()
    for process in family:
        try:
            found |= set(process.children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    return found


def _used(process) -> tuple[float, float]:
    """Seconds of the processor and MB of memory of a process; zeros if it is gone."""
    import psutil

    try:
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss / 1e6
    except psutil.NoSuchProcess:
        return 0.0, 0.0


def _points(path: Path) -> tuple[float, float]:
    """Points, and how many there are, of otter's results; 0 and 0 without them."""
    if not path.exists():
        return 0.0, 0.0
    tests = [t for t in json.loads(path.read_text())["tests"] if "max_score" in t]
    return sum(t.get("score", 0.0) for t in tests), sum(t["max_score"] for t in tests)


# ---------------------------------------------------------------- inside of a submission's kernel


_seal: str = ""  # of the checks: what the secret of `show_checks` must hash to; '' when shown


def close(seal: str) -> None:
    """From now on end the kernel if somebody opens a connection, starts a process or reads checks.

    An audit hook of Python cannot be taken out again.
    """
    global _seal
    _seal = seal
    alarm = os.open(os.environ[ALARM], os.O_WRONLY | os.O_CREAT)
    here, logs = os.path.realpath("."), _log_address()

    def ended(why: str) -> None:
        os.write(alarm, why.encode())
        os._exit(1)

    def hook(event: str, arguments: tuple) -> None:
        if event in REACHING and _address(event, arguments) != logs:
            ended("opened the network")
        elif event in STARTING and _of_a_student():
            ended("started a process")
        elif event == "open" and _is_secret(arguments[0], here) and (_seal or _inside_an_answer()):
            ended("read the checks")

    sys.addaudithook(hook)


def show_checks(secret: str) -> None:
    """The checks may be read from now on, by otter."""
    global _seal
    if hashlib.sha256(secret.encode()).hexdigest() == _seal:
        _seal = ""


def _address(event: str, arguments: tuple) -> tuple:
    """(host, port) that an event of a socket is about."""
    return arguments[:2] if event == "socket.getaddrinfo" else arguments[-1]


def _is_secret(path, here: str) -> bool:
    """Is it a file of checks, or the notebook in which our secret stands?"""
    if not isinstance(path, str | bytes | os.PathLike):
        return False  # a number: a file that is open already
    name = os.path.realpath(os.fsdecode(path))
    return name.startswith(os.path.join(here, "tests", "")) or (
        name.startswith(here) and name.endswith(".ipynb")
    )


def _frames() -> Iterator[FrameType]:
    """The calls that led here, this module's left out."""
    frame = sys._getframe()
    while frame:
        if frame.f_globals is not globals():
            yield frame
        frame = frame.f_back


def _of_a_student() -> bool:
    """Did a cell ask for it itself? A library may: scikit-learn asks for the number of cores."""
    standard = os.path.dirname(os.__file__)
    for frame in _frames():
        path = frame.f_code.co_filename
        if path.startswith("<frozen") or (
            path.startswith(standard) and "site-packages" not in path
        ):
            continue
        return frame.f_globals.get("__name__") == "__main__"
    return False


def _inside_an_answer() -> bool:
    """Is a function of a cell at work? Then it is a check that called it."""
    return any(
        frame.f_globals.get("__name__") == "__main__" and frame.f_code.co_name != "<module>"
        for frame in _frames()
    )


def _log_address() -> tuple | None:
    """Where otter's own log goes: the one connection that is allowed."""
    for logger in logging.root.manager.loggerDict.values():
        for handler in getattr(logger, "handlers", ()):
            if isinstance(handler, logging.handlers.SocketHandler):
                return handler.host, handler.port
    return None
