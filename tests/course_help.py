"""Runs the course's exercises without Jupyter: a source's code cells in one namespace, its checks as plain functions."""

from __future__ import annotations

import inspect
from pathlib import Path

import matplotlib

from emolib.reproduction.cli import course


def solved(path: Path) -> tuple[dict, dict[str, list]]:
    """Run a source with its solutions: what its cells define, and question -> check functions (of which each takes names from the former)."""
    import torch

    matplotlib.use("Agg")
    threads = torch.get_num_threads()
    names: dict = {"__name__": "exercise"}
    checks: dict[str, list] = {}
    question, inside = "", False
    for kind, text in course.cells(path):
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
            checks.setdefault(question, []).append(
                next(v for k, v in own.items() if k.startswith("test_"))
            )
        elif kind == "code":
            exec(compile(text, path.name, "exec"), names)
    import matplotlib.pyplot as plt

    plt.close("all")
    torch.set_num_threads(threads)  # an exercise may have asked for one: no other test shall notice
    return names, checks


def check(names: dict, checks: list) -> str:
    """Run a question's checks as otter does, each with the names it asks for; '' or what the first failing one says."""
    for one in checks:
        try:
            one(**{p: names.get(p) for p in inspect.signature(one).parameters})
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return ""


def answered(names: dict, wrong: str) -> dict:
    """The names after a student's answer `wrong` (source text) has taken the place of the right one."""
    mine = dict(names)
    exec(compile(wrong, "wrong answer", "exec"), mine)
    return mine
