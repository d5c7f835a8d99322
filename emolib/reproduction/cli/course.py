"""The course: six exercises in notebooks/course, from which otter-grader makes what a class gets.

A source holds the text, the solutions, the checks and the teacher's notes. `make` writes from it

    student/NAME.ipynb        questions and checks, without solutions
    autograded/NAME.ipynb     with solutions; `otter run -a NAME.zip SUBMISSION` grades
    instructor/NAME.md        goals, time, what to know before, common mistakes, what to discuss

Nothing generated is committed but the notes in notebooks/course/README.md (`emolib docs`).
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


# ---------------------------------------------------------------- what the checks say


def expect(got, want, hint: str, *, atol: float = 1e-6) -> None:
    """Pass if `got` is `want` (a number, boolean or array) to within `atol`.

    Else an AssertionError with what came, what was expected, and the hint.
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
        first, wanted = value[wrong].flat[0], goal[wrong].flat[0]
        raise AssertionError(f"got {first:.4g}{where}, expected {wanted:.4g}. Hint: {hint}")


def _shape(values: np.ndarray) -> str:
    return f"an array of shape {values.shape}" if values.ndim else "one number"


# ---------------------------------------------------------------- sources


def sources() -> dict[str, Path]:
    """Number ('01') -> source notebook."""
    folder = settings.project() / "notebooks" / "course"
    return {p.name[:2]: p for p in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}


def cells(path: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell of a notebook."""
    return [(c["cell_type"], "".join(c["source"])) for c in json.loads(path.read_text())["cells"]]


def notes(path: Path) -> dict:
    """The teacher's notes of a source: 'title' and SECTIONS, sentences but for a list of mistakes.

    EmolibError where one is missing.
    """
    texts = [text for kind, text in cells(path)]
    marked = [text.removeprefix(IGNORED) for text in texts if text.startswith(IGNORED)]
    if len(marked) != 1:
        raise EmolibError(
            f"{path}: {len(marked)} cells with teacher's notes, "
            "expected one raw cell that begins with '# IGNORE'"
        )
    title = next(text for text in texts if text.startswith("# Exercise")).splitlines()[0]
    parts: dict = {"title": title.removeprefix("# "), "mistakes": []}
    for line in marked[0].splitlines():
        name, colon, rest = line.partition(": ")
        if line.startswith("- "):
            parts["mistakes"].append(line.removeprefix("- "))
        elif colon and name in SECTIONS:
            parts[name] = rest
    missing = [s for s in SECTIONS if not parts.get(s)]
    if missing:
        raise EmolibError(
            f"{path}: the teacher's notes lack {', '.join(missing)}; expected {', '.join(SECTIONS)}"
        )
    return parts


def notes_page(path: Path, heading: str = "#") -> str:
    """The notes in Markdown, below a title of that level."""
    parts = notes(path)
    paragraphs = [
        f"{heading} {parts['title']}",
        f"**Goals.** {_begun(parts['goals'])}.",
        f"**Time.** {_begun(parts['time'])}.",
        f"**Know before.** {_begun(parts['before'])}.",
        "**Common mistakes.**",
        "\n".join(f"- {_begun(mistake)}." for mistake in parts["mistakes"]),
        f"**To discuss.** {_begun(parts['discuss'])}",
    ]
    return "\n\n".join(paragraphs)


def all_notes() -> str:
    """The notes of all exercises, for the course's README."""
    pages = [
        f"{notes_page(path, '###')}\n\nSource: [{path.name}]({path.name})"
        for path in sources().values()
    ]
    return "\n\n".join(pages)


def _begun(text: str) -> str:
    """With a capital letter."""
    return text[0].upper() + text[1:]


# ---------------------------------------------------------------- what is made from them


def make(out: Path) -> list[Path]:
    """Write the versions of all exercises under `out`; returns their paths.

    EmolibError without otter-grader, or where it stops.
    """
    if importlib.util.find_spec("otter") is None:
        raise EmolibError(
            "the course needs otter-grader, which is not installed: "
            f"{sys.executable} -m pip install 'otter-grader>=7'"
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
    """Let otter write its versions of each source under `place`/NAME, in a process of its own.

    check   let otter run the solutions against the checks too (EmolibError if one fails)
    Returns the sources.
    """
    paths = list(paths)
    command = [sys.executable, "-c", ASSIGN, str(place.resolve()), "check" if check else ""]
    environment = os.environ | {"PYTHONPATH": settings.search_path()}
    ended = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, env=environment
    )
    if ended.returncode:
        last = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:]
        raise EmolibError(
            f"otter-grader stopped: {' '.join(last)}; "
            f"`{sys.executable} -m otter assign SOURCE DIR` says more"
        )
    return paths


def _clean(path: Path) -> str:
    """A notebook's text without outputs; cells are named by place, for otter draws names."""
    book = json.loads(path.read_text())
    for number, cell in enumerate(book["cells"]):
        cell["id"] = f"cell-{number:02d}"
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
