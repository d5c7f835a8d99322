"""What a check says to a student: first what came and what was expected, then the hint.

A student's notebook makes a `Grader` in its first cell and asks it below each question.
otter-grader runs the checks and keeps its log; the words are ours, because otter's show the line of
the check (and with it now and then the answer) and pictures that not every machine has a font for.
"""

from __future__ import annotations

import inspect
import json
import linecache
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

AGAIN = "Try once more: the next check gives a hint."


class Wrong(AssertionError):
    """An answer that is not right yet: `said`, what came and what was expected, and `hint`."""

    def __init__(self, said: str, hint: str):
        super().__init__(f"{said}. Hint: {hint}")
        self.said = said
        self.hint = hint


class NotRun(Exception):
    """A name that a check asks for and no cell has defined."""


def expect(got, want, hint: str, *, atol: float = 1e-6) -> None:
    """Pass if `got` is `want` (a number, boolean or array) to within `atol`, else raise `Wrong`."""
    if got is None or got is Ellipsis:
        raise Wrong("nothing came back yet (None). Does the function end with `return`?", hint)
    try:
        value = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"got {type(got).__name__}: {str(got)[:60]}, expected numbers", hint) from None
    goal = np.asarray(want, dtype=float)
    if value.shape != goal.shape:
        raise Wrong(f"got {_shape(value)}, expected {_shape(goal)}", hint)
    if not np.allclose(value, goal, rtol=1e-6, atol=atol):
        wrong = ~np.isclose(value, goal, rtol=1e-6, atol=atol)
        where = f" at {tuple(map(int, np.argwhere(wrong)[0]))}" if goal.ndim else ""
        first, wanted = value[wrong].flat[0], goal[wrong].flat[0]
        raise Wrong(f"got {first:.4g}{where}, expected {wanted:.4g}", hint)


def _shape(values: np.ndarray) -> str:
    return f"an array of shape {values.shape}" if values.ndim else "one number"


def require(fine, got: str, want: str, hint: str) -> None:
    """Pass if `fine`, else raise `Wrong`: for what is not a number. `got`, `want`: words."""
    if not fine:
        raise Wrong(f"got {got}, expected {want}", hint)


# ---------------------------------------------------------------- what a check says


def failing(tests: list[Callable], names: dict) -> Exception | None:
    """What the first failing check of a question raised; None if all pass.

    names   what the student's notebook has defined; a check takes from it by the names of its
            parameters. `NotRun` if one is missing.
    """
    for test in tests:
        wanted = inspect.signature(test).parameters
        missing = [name for name in wanted if name not in names]
        if missing:
            return NotRun(missing[0])
        try:
            test(**{name: names[name] for name in wanted})
        except Exception as error:
            return error
    return None


def told(error: Exception | None, names: dict, tries: int) -> str:
    """The words for a student.

    tries   how often this question's check has failed before: the hint comes from 1 on
    """
    if error is None:
        return "passed."
    if isinstance(error, NotRun):
        return f"run the cell above first: `{error}` is not defined."
    if isinstance(error, Wrong):
        end = "" if error.said.endswith("?") else "."
        return f"not yet: {error.said}{end} " + (f"Hint: {error.hint}" if tries else AGAIN)
    what = f"your code stopped with {type(error).__name__}: {error}"
    line = _own_line(error, names)
    return f"not yet: {what}{line}"


def _own_line(error: Exception, names: dict) -> str:
    """The last line of the student's own code that an error came through; '' if none."""
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        if frame.f_globals is names:
            line = linecache.getline(frame.f_code.co_filename, number, frame.f_globals).strip()
            place = f"line {number} of the cell" if line else "your cell"
            return f"\n  in `{frame.f_code.co_name}`, {place}" + (f": {line}" if line else "")
    return ""


class Told:
    """Words that a notebook prints as they are."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text


class Grader:
    """The checks of an exercise in its notebook; EmolibError without otter-grader.

    notebook   file name of the exercise, which holds its checks
    """

    def __init__(self, notebook: str):
        from emolib.reproduction.course.build import needs_otter

        needs_otter()
        import otter

        self._otter = otter.Notebook(notebook)
        self._notebook = notebook
        self._failed: Counter = Counter()

    def check(self, question: str, names: dict | None = None) -> Told:
        """Run the checks of a question ('q1') on what the notebook has defined."""
        if names is None:
            names = inspect.currentframe().f_back.f_globals
        result = self._otter.check(question, global_env=names)
        error = None
        if not result.passed_all:
            # once more, for the error itself: otter hands on its text only
            tests = [case.test_case.body.test_func for case in result.test_case_results]
            error = failing(tests, names) or Wrong("another answer at the second run", "use a seed")
        words = told(error, names, self._failed[question])
        if error is not None and not isinstance(error, NotRun):
            self._failed[question] += 1
        return Told(f"{question} {words}")

    def check_all(self) -> Told:
        """Run the checks of all questions."""
        tests = json.loads(Path(self._notebook).read_text())["metadata"]["otter"]["tests"]
        names = inspect.currentframe().f_back.f_globals
        return Told("\n".join(self.check(question, names).text for question in sorted(tests)))
