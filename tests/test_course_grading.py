"""Thirty submissions at once: every point as it should be, and four that mean harm do none."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
from pathlib import Path

import course_help
import numpy as np
import pytest
from course_wrong import WRONG

from emolib.ground.errors import EmolibError
from emolib.reproduction.course import build, grade

needs_otter = pytest.mark.skipif(
    importlib.util.find_spec("otter") is None,
    reason="NOT TESTED: grading; otter-grader is not installed (the extra `course`)",
)
# What a hostile answer to question 1 of exercise 1 does, and how its kernel must end.
HOSTILE = {
    "loops": ("while True: pass", "longer than 40 s"),
    "exits": ("import os\nos._exit(0)", "its kernel ended"),
    "opens-the-network": (
        "import socket\ntry: socket.create_connection(('127.0.0.1', {port}))\nexcept Exception: pass",
        "opened the network",
    ),
    "reads-the-checks": (
        "try: print(open('tests/q1.py').read())\nexcept Exception: pass",
        "read the checks",
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("grading")
    build.exercises(place)
    return place


def submission(made: Path, number: str, answers: dict[str, str]) -> dict:
    """A student's notebook of an exercise: solutions, but for the questions of `answers`."""
    path = build.sources()[number]
    book = json.loads((made / "solutions" / path.name).read_text())
    questions = [c for c in book["cells"] if "".join(c["source"]).startswith('grader.check("q')]
    for question, answer in answers.items():
        asked = next(c for c in questions if f'"{question}"' in "".join(c["source"]))
        before = book["cells"][book["cells"].index(asked) - 1]
        assert before["cell_type"] == "code"
        before["source"] = "".join(before["source"]) + "\n" + answer
    return book


def points(number: str, answers: dict[str, str]) -> tuple[float, float]:
    """What the answers are worth, found without otter, and how many points there are."""
    names, tests = SOLVED.setdefault(number, course_help.solved(build.sources()[number]))
    worth = {}
    for kind, text in build.cells(build.sources()[number]):
        if kind == "raw" and text.startswith("# BEGIN QUESTION"):
            name, value = (line.split(": ")[1] for line in text.splitlines()[1:3])
            worth[name] = float(value)
    mine = names
    for answer in answers.values():
        mine = course_help.answered(mine, answer)
    got = 0.0
    for question, each in tests.items():
        passed = [course_help.check(mine, [test]) == "" for test in each]
        got += worth[question] * np.mean(passed)
    return got, sum(worth.values())


SOLVED: dict = {}


def alone(number: str) -> list[tuple[str, str]]:
    """Wrong answers (question, text) of an exercise that no later question calls."""
    return [(q, a) for n, q, a, _ in WRONG if n == number and q == "q6"]


@needs_otter
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # a wrong answer may well divide by 0
def test_thirty_submissions(made, tmp_path):
    """26 honest ones, of which half hold wrong answers, and 4 hostile ones, two at a time."""
    (tmp_path / "in").mkdir()
    rng, honest = np.random.default_rng(0), {}
    numbers = list(build.sources())
    for k in range(26):
        number = numbers[k % len(numbers)]
        wrong = alone(number)
        answers = dict([wrong[rng.integers(len(wrong))]]) if k >= 13 else {}
        name = f"{k:02d}-{number}.ipynb"
        (tmp_path / "in" / name).write_text(json.dumps(submission(made, number, answers)))
        honest[name] = points(number, answers)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.01)
        for name, (code, _) in HOSTILE.items():
            code = code.format(port=listening.getsockname()[1])
            book = submission(made, "01", {"q1": code})
            (tmp_path / "in" / f"{name}.ipynb").write_text(json.dumps(book))
        before = set(Path("/tmp").iterdir())
        found = grade.heap(
            sorted((tmp_path / "in").glob("*.ipynb")), made / "solutions", seconds=40
        )
        with pytest.raises(TimeoutError):  # nobody knocked
            listening.accept()
    found = found.set_index("submission")
    assert len(found) == 30
    left = [
        p.name for p in set(Path("/tmp").iterdir()) - before if p.name.startswith("emolib-graded-")
    ]
    assert not left, f"left behind: {left}"
    for name, (got, of) in honest.items():
        row = found.loc[name]
        assert row.ended == "graded", f"{name}: {row.ended}"
        assert row.points == pytest.approx(got) and row.of == of, f"{name}: {row.points} for {got}"
    assert sum(got < of for got, of in honest.values()) == 13, "half of them hold a wrong answer"
    for name, (_, ended) in HOSTILE.items():
        row = found.loc[f"{name}.ipynb"]
        assert (row.points, row.ended) == (0, ended), f"{name}: {row.points}, {row.ended}"
    assert found.loc[list(honest)].MB.max() < 2000 and found.MB.min() > 0
    course_help.keep_text("submissions.csv", found.reset_index().to_csv(index=False))


@needs_otter
@pytest.mark.slow
def test_a_function_that_reads_the_checks_when_it_is_checked(made, tmp_path):
    """The checks lie open by then: the answer is what must not read them."""
    answer = "def ccc(x, y): return float(len(open('tests/q1.py').read()))"
    (tmp_path / "late.ipynb").write_text(json.dumps(submission(made, "01", {"q1": answer})))
    row = grade.heap([tmp_path / "late.ipynb"], made / "solutions").iloc[0]
    assert (row.points, row.ended) == (0, "read the checks")


@needs_otter
@pytest.mark.slow
def test_a_student_s_own_expect_does_not_count(made, tmp_path):
    answer = "def ccc(x, y): return 0.5\ndef expect(*a, **k): pass"
    (tmp_path / "own.ipynb").write_text(json.dumps(submission(made, "01", {"q1": answer})))
    row = grade.heap([tmp_path / "own.ipynb"], made / "solutions").iloc[0]
    assert row.ended == "graded" and row.points < row.of


def test_what_is_no_submission_is_told(tmp_path):
    (tmp_path / "x.ipynb").write_text("{}")
    with pytest.raises(EmolibError, match="x.ipynb: no submission"):
        grade.heap([tmp_path / "x.ipynb"], tmp_path)
    book = {"cells": [], "metadata": {"otter": {"assignment_name": "99_none"}}}
    (tmp_path / "y.ipynb").write_text(json.dumps(book))
    with pytest.raises(EmolibError, match="99_none"):
        grade.heap([tmp_path / "y.ipynb"], tmp_path)


def test_paths_of_checks_are_known_however_they_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "link").symlink_to("tests")
    here = os.path.realpath(tmp_path)
    for path in ("tests/q1.py", "./tests/../tests/q1.py", b"link/q1.py", tmp_path / "tests/q1.py"):
        assert grade._is_secret(path, here), path
    assert grade._is_secret("01_concordance.ipynb", here)
    for path in ("/usr/lib/tests/q1.py", "data.csv", 3):
        assert not grade._is_secret(path, here), path
