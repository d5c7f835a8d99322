"""The course: six exercises, each one source notebook in notebooks/course, from which otter-grader makes what students and teachers get.

A source holds the text, the solutions, the checks and the teacher's notes. `make` writes from it

    student/NAME.ipynb        questions and checks, without solutions
    autograded/NAME.ipynb     the same with solutions; NAME.zip beside it is what `otter run -a NAME.zip SUBMISSION` grades with
    instructor/NAME.md        goals, time, what to know before, common mistakes, what to discuss

Nothing generated is committed, so that an exercise stands once. The notes also stand in notebooks/course/README.md, where `emolib docs` puts them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.report import files as results

IGNORED = "# IGNORE\n"  # otter leaves such a cell out of all it makes: the teacher's notes
ASSIGN = """import sys
from pathlib import Path
from otter.assign import main
for path in sys.argv[3:]:
    main(path, str(Path(sys.argv[1]) / Path(path).stem), no_pdfs=True, no_run_tests=not sys.argv[2])
"""
SECTIONS = ("goals", "time", "before", "mistakes", "discuss")


# ---------------------------------------------------------------- what the checks in the exercises say


def expect(got, want, hint: str, *, atol: float = 1e-6) -> None:
    """Pass if `got` is `want` to within `atol`; else an AssertionError with what came, what was expected, and the hint.

    want    a number, a boolean, or an array of any shape
    """
    if got is None or got is Ellipsis:
        raise AssertionError(
            f"nothing came back yet (None). Does the function end with `return`? Hint: {hint}"
        )
    try:
        value = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        raise AssertionError(
            f"expected numbers, got {type(got).__name__}: {str(got)[:60]}. Hint: {hint}"
        ) from None
    goal = np.asarray(want, dtype=float)
    if value.shape != goal.shape:
        raise AssertionError(f"expected {_shape(goal)}, got {_shape(value)}. Hint: {hint}")
    if not np.allclose(value, goal, rtol=1e-6, atol=atol):
        wrong = ~np.isclose(value, goal, rtol=1e-6, atol=atol)
        where = f" at {tuple(map(int, np.argwhere(wrong)[0]))}" if goal.ndim else ""
        raise AssertionError(
            f"got {value[wrong].flat[0]:.4g}{where}, expected {goal[wrong].flat[0]:.4g}. Hint: {hint}"
        )


def _shape(values: np.ndarray) -> str:
    return f"an array of shape {values.shape}" if values.ndim else "one number"


# ---------------------------------------------------------------- sources


def sources() -> dict[str, Path]:
    """Number ('01') -> source notebook."""
    return {
        p.name[:2]: p
        for p in sorted((settings.project() / "notebooks" / "course").glob("[0-9][0-9]_*.ipynb"))
    }


def cells(path: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell of a notebook."""
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text())["cells"]]


def notes(path: Path) -> dict:
    """The teacher's notes of a source: 'title' and SECTIONS; mistakes are a list, the rest are sentences. EmolibError where one is missing."""
    texts = [text for kind, text in cells(path)]
    held = [text.removeprefix(IGNORED) for text in texts if text.startswith(IGNORED)]
    if len(held) != 1:
        raise EmolibError(
            f"{path}: {len(held)} cells with teacher's notes, expected one raw cell that begins with '# IGNORE'"
        )
    found: dict = {
        "title": next(t for t in texts if t.startswith("# Exercise"))
        .splitlines()[0]
        .removeprefix("# ")
    }
    for line in held[0].splitlines():
        name, colon, rest = line.partition(": ")
        if line.startswith("- "):
            found.setdefault("mistakes", []).append(line.removeprefix("- "))
        elif colon and name in SECTIONS:
            found[name] = rest
    missing = [s for s in SECTIONS if not found.get(s)]
    if missing:
        raise EmolibError(
            f"{path}: the teacher's notes lack {', '.join(missing)}; expected {', '.join(SECTIONS)}"
        )
    return found


def notes_page(path: Path, heading: str = "#") -> str:
    """The notes in Markdown, below a title of that level."""
    told = notes(path)
    return "\n".join(
        [
            f"{heading} {told['title']}",
            "",
            f"**Goals.** {_sentence(told['goals'])}",
            "",
            f"**Time.** {_sentence(told['time'])}",
            "",
            f"**Know before.** {_sentence(told['before'])}",
            "",
            "**Common mistakes.**",
            "",
            *(f"- {_sentence(m)}" for m in told["mistakes"]),
            "",
            f"**To discuss.** {told['discuss'][0].upper() + told['discuss'][1:]}",
        ]
    )


def all_notes() -> str:
    """The notes of all exercises, for the course's README."""
    return "\n\n".join(
        f"{notes_page(path, '###')}\n\nSource: [{path.name}]({path.name})"
        for path in sources().values()
    )


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


# ---------------------------------------------------------------- what is made from them


def make(out: Path) -> list[Path]:
    """Student, autograded and instructor versions of all exercises under `out`; returns their paths.

    EmolibError without otter-grader, or where it stops.
    """
    if importlib.util.find_spec("otter") is None:
        raise EmolibError(
            f"the course needs otter-grader, which is not installed: {sys.executable} -m pip install 'otter-grader>=7'"
        )
    made = []
    with tempfile.TemporaryDirectory() as place:
        for path in assign(sources().values(), Path(place)):
            work = Path(place) / path.stem
            for kind, folder in (("student", "student"), ("autograded", "autograder")):
                made.append(out / kind / path.name)
                results.write(made[-1], _clean(work / folder / path.name))
            made.append(out / "autograded" / f"{path.stem}.zip")
            results.write(made[-1], next((work / "autograder").glob("*.zip")).read_bytes())
            made.append(out / "instructor" / f"{path.stem}.md")
            results.write(made[-1], notes_page(path) + "\n")
    return made


def assign(paths: Iterable[Path], place: Path, *, check: bool = False) -> list[Path]:
    """Let otter write its versions of each source under `place`/NAME, in a process of its own; returns the sources.

    check   let otter run the solutions against the checks as well (EmolibError if one fails); the tests do so in any case
    """
    paths = list(paths)
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            ASSIGN,
            str(place.resolve()),
            "check" if check else "",
            *map(str, paths),
        ],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": settings.search_path()},
    )
    if ended.returncode:
        last = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:]
        raise EmolibError(
            f"otter-grader stopped: {' '.join(last)}; `{sys.executable} -m otter assign SOURCE DIR` says more"
        )
    return paths


def _clean(path: Path) -> str:
    """A notebook's text without outputs, with cells named by their place (otter draws names at random): the same bytes each time."""
    book = json.loads(path.read_text())
    for number, cell in enumerate(book["cells"]):
        cell["id"] = f"cell-{number:02d}"
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
