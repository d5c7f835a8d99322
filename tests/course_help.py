"""Runs the course's exercises without Jupyter: a source's code cells in one namespace, its checks as plain functions."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib

from emolib.reproduction.course import build, checks

TABLES = os.environ.get("EMOLIB_COURSE_TABLES")  # docs/course, when its tables are to be made anew


def solved(path: Path) -> tuple[dict, dict[str, list]]:
    """Run a source with its solutions: what its cells define, and question -> check functions (of which each takes names from the former)."""
    import torch

    matplotlib.use("Agg")
    threads = torch.get_num_threads()
    names: dict = {"__name__": "exercise"}
    tests: dict[str, list] = {}
    question, inside = "", False
    for kind, text in build.cells(path):
        if kind == "raw":
            question = (
                text.split("name: ")[1].splitlines()[0]
                if text.startswith("# BEGIN QUESTION")
                else question
            )
            inside = {"# BEGIN TESTS": True, "# END TESTS": False}.get(text.strip(), inside)
        elif kind == "code" and inside:
            own: dict = {}
            exec(compile(text, f"{path.name}, check of {question}", "exec"), own)
            tests.setdefault(question, []).append(
                next(v for k, v in own.items() if k.startswith("test_"))
            )
        elif kind == "code":
            exec(compile(text, path.name, "exec"), names)
    import matplotlib.pyplot as plt

    plt.close("all")
    torch.set_num_threads(threads)  # an exercise may have asked for one: no other test shall notice
    return names, tests


def check(names: dict, tests: list, tries: int = 1) -> str:
    """What a student is told after `tries` failed checks of a question; '' if it passes."""
    error = checks.failing(tests, names)
    return checks.told(error, names, tries) if error else ""


def answered(names: dict, wrong: str) -> dict:
    """The names after a student's answer `wrong` (source text) has taken the place of the right one."""
    mine = dict(names)
    exec(compile(wrong, "wrong answer", "exec"), mine)
    return mine


def source_of(path: Path, begins: str) -> str:
    """The cell of a source that begins so."""
    return next(
        text for kind, text in build.cells(path) if kind == "code" and text.startswith(begins)
    )


def keep_text(name: str, text: str) -> None:
    """Write what a test has made to $EMOLIB_COURSE_TABLES, if that is set."""
    if TABLES:
        Path(TABLES).mkdir(parents=True, exist_ok=True)
        (Path(TABLES) / name).write_text(text)
