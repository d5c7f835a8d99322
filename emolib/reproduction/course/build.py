"""The exercises in notebooks/course, from which otter-grader makes what a class gets.

A source holds the text, the solutions, the checks and the teacher's notes. `exercises` writes

    student/NAME.ipynb        questions and checks, without solutions
    solutions/NAME.ipynb      with solutions
    solutions/NAME.zip        otter's autograder: `otter run -a NAME.zip SUBMISSION` grades

`wheel` writes emolib itself beside them, for who has no checkout, and `gradescope` autograders that
carry it.

Nothing generated is committed but what notebooks/course/README.md shows (`emolib docs`).
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.report import files as results

IGNORED = "# IGNORE\n"  # otter leaves such a cell out of all it makes: the teacher's notes
ASSIGN = """import sys
from pathlib import Path
from otter.assign import main
for path in sys.argv[2:]:
    main(path, str(Path(sys.argv[1]) / Path(path).stem), no_pdfs=True, no_run_tests=True)
"""
EPOCH = "315532800"  # 1980: the oldest time a zip can tell, so that two wheels have the same bytes
OTTER_INIT = "# Initialize Otter"  # how otter's first cell of a notebook begins
GRADER = """# Run this cell first: it makes the checks ready.
# Where emolib is not installed (Colab, say), the file beside this notebook brings it:
# %pip install './emolib-0.1.0-py3-none-any.whl[reproduce,course]'
from emolib.reproduction.course import Grader

grader = Grader("{name}")"""
IMPORTS = {  # what a check may use besides the student's names
    "np": "import numpy as np",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "expect": "from emolib.reproduction.course import expect",
    "require": "from emolib.reproduction.course import require",
}
SECTIONS = ("goals", "time", "before", "mistakes", "discuss")


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


def needs_otter() -> None:
    """EmolibError without otter-grader."""
    if importlib.util.find_spec("otter") is None:
        raise EmolibError(
            "the course needs otter-grader, which is not installed: "
            f"./reproduce.sh course installs it ({sys.executable} -m pip install 'otter-grader>=7')"
        )


def exercises(out: Path) -> list[Path]:
    """Write the versions of all exercises under `out`; returns their paths.

    EmolibError without otter-grader, or where it stops.
    """
    needs_otter()
    made = []
    with tempfile.TemporaryDirectory() as place:
        for path in assign(sources().values(), Path(place)):
            work = Path(place) / path.stem
            for kind, folder in (("student", "student"), ("solutions", "autograder")):
                made.append(out / kind / path.name)
                results.write(made[-1], _clean(work / folder / path.name))
            made.append(out / "solutions" / f"{path.stem}.zip")
            results.write(made[-1], _zip(next((work / "autograder").glob("*.zip"))))
    return made


def assign(paths: Iterable[Path], place: Path) -> list[Path]:
    """Let otter write its versions of each source under `place`/NAME, in a process of its own.

    Returns the sources; EmolibError where otter stops.
    """
    paths = list(paths)
    command = [sys.executable, "-c", ASSIGN, str(place.resolve())]
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


def own_imports(checks: str) -> str:
    """A file of checks that imports its helpers itself.

    otter hands a check what the student's notebook has under the names of its parameters. For `np`
    or `expect` that would be whatever the student made of them; these come from an import here.
    """
    used = [name for name in IMPORTS if re.search(rf"^def .*\b{name}\b", checks, flags=re.M)]

    def without(match: re.Match) -> str:
        kept = [p for p in match[2].split(", ") if p not in used]
        return f"{match[1]}({', '.join(kept)}):"

    checks = re.sub(r"^(def test_\w+)\((.*)\):", without, checks, flags=re.M)
    return "".join(f"{IMPORTS[name]}\n" for name in used) + checks


def _clean(path: Path) -> str:
    """A notebook's text without outputs, with our words for its checks.

    Cells are named by place, for otter draws names.
    """
    book = json.loads(path.read_text())
    tests = book["metadata"]["otter"]["tests"]
    book["metadata"]["otter"]["tests"] = {q: own_imports(text) for q, text in tests.items()}
    for number, cell in enumerate(book["cells"]):
        cell["id"] = f"cell-{number:02d}"
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        if "".join(cell["source"]).startswith(OTTER_INIT):
            cell["source"] = GRADER.format(name=path.name).splitlines(keepends=True)
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def wheel(out: Path) -> Path:
    """Write emolib as one file for pip, data and networks in it (18 MB), into `out`; its path.

    It is built from a copy: setuptools would pack what older builds have left in a checkout.
    """
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "copy"
        copy.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(settings.project() / name, copy)
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(settings.project() / "emolib", copy / "emolib", ignore=skipped)
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
        command += ["--disable-pip-version-check", "-w", place, str(copy)]
        ended = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
        )
        if ended.returncode:
            last = (ended.stderr.strip() or "pip said nothing").splitlines()[-1]
            raise EmolibError(f"emolib cannot be packed for students: {last}")
        made = next(Path(place).glob("*.whl"))
        results.write(out / made.name, made.read_bytes())
    return out / made.name


def gradescope(out: Path) -> list[Path]:
    """Write solutions/gradescope/NAME.zip beside what `exercises` and `wheel` wrote in `out`: the
    autograders with emolib in them, which Gradescope's machine installs; returns their paths."""
    packed = next((out / "student").glob("*.whl"))
    place = f"/autograder/source/packages/{packed.name}"  # where Gradescope unpacks an autograder
    made = []
    for path in sorted((out / "solutions").glob("*.zip")):
        parts = _unzipped(path)
        needs = parts["environment.yml"].decode().rstrip("\n")
        indent = re.search(r"^( *)- otter-grader", needs, flags=re.M)[1]
        needs += f"\n{indent}- {place}[reproduce,course]\n"
        parts |= {"environment.yml": needs.encode(), f"packages/{packed.name}": packed.read_bytes()}
        made.append(out / "solutions" / "gradescope" / path.name)
        results.write(made[-1], _zipped(parts))
    return made


def _unzipped(path: Path) -> dict[str, bytes]:
    """Name -> content of the files of a zip."""
    with zipfile.ZipFile(path) as old:
        return {name: old.read(name) for name in old.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    """A zip of these files; the same bytes twice."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in sorted(parts.items()):
            new.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def _zip(path: Path) -> bytes:
    """An autograder's zip whose checks import their helpers; the same bytes twice."""
    parts = _unzipped(path)
    for name, content in parts.items():
        if name.startswith("tests/"):
            parts[name] = own_imports(content.decode()).encode()
    return _zipped(parts)
