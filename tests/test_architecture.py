"""The house: two halves, imports in one direction, a small root, and how the code is written."""

import ast
import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import emolib

ROOT = Path(__file__).parent.parent
HOUSE = ROOT / "emolib"
MODULES = sorted(HOUSE.rglob("*.py"))

# What each part may import, besides itself: the library's ground and data, then what is learnt
# from them; the reproduction stands on all of it. `emolib` itself holds EMOTIONS.
LIBRARY = {
    "ground": set(),
    "data": {"ground"},
    "features": {"ground", "data", "models"},  # backbones are networks
    "losses": {"ground"},
    "metrics": {"ground"},
    "pruning": {"ground"},
    "continual": {"ground"},
    "evm": {"ground", "data"},
    "candide": {"ground", "data"},
    "models": {"ground", "pruning"},
    "training": {"ground"},
}
REPRODUCTION = {
    "papers": set(),
    "runs": {"papers"},
    "studies": {"papers", "runs"},
    "report": {"papers", "runs", "studies"},
    "explore": {"papers", "runs", "studies", "report"},
    "course": {"papers", "runs", "studies", "report"},
    "cli": {"papers", "runs", "studies", "report", "explore", "course"},
}
# What may be imported at the top of a module: the rest waits inside the function that uses it.
LIGHT = {
    "torch",
    "torchvision",
    "torchaudio",
    "numpy",
    "scipy",
    "pandas",
    "sklearn",
    "joblib",
    "safetensors",
    "tqdm",
    "threadpoolctl",
}
LATE = {
    "librosa",
    "numba",
    "soundfile",
    "openpyxl",
    "mediapipe",
    "dlib",
    "av",
    "IPython",
    "ipywidgets",
    "jscatter",
    "matplotlib",
}


def imports(path: Path, top_only: bool = False):
    """(line, dotted name) of every emolib or foreign module that a file imports."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def part_of(name: str) -> tuple[str, str]:
    """('library', 'data') or ('reproduction', 'runs') of a dotted name below emolib."""
    words = name.split(".")
    if words[1:2] == ["reproduction"]:
        return "reproduction", words[2] if len(words) > 2 else ""
    return "library", words[1] if len(words) > 1 else ""


def faults(path: Path, house: Path = HOUSE) -> list[str]:
    """Imports of a module that point the wrong way."""
    place = ".".join(["emolib", *path.relative_to(house).with_suffix("").parts])
    half, own = part_of(place)
    found = []
    for line, name in imports(path):
        if name.split(".")[0] != "emolib":
            continue
        other_half, other = part_of(name)
        if half == "library":
            allowed = LIBRARY.get(own, set()) | {own, "EMOTIONS", "__version__", ""}
            wrong = other_half != "library" or other not in allowed
        else:
            allowed = REPRODUCTION.get(own, set()) | {own, ""}
            wrong = other_half == "reproduction" and other not in allowed
        if wrong:
            found.append(f"{place}:{line} imports {name}")
    return found


def test_imports_go_one_way():
    assert [fault for path in MODULES if path.name != "__main__.py" for fault in faults(path)] == []


@pytest.mark.parametrize(
    "place, text",
    [
        ("losses.py", "from emolib.reproduction import papers"),
        ("data/x.py", "from emolib.features import mel"),
        ("reproduction/papers/x.py", "from emolib.reproduction.report import show"),
        ("reproduction/studies/x.py", "def f():\n    from emolib.reproduction import report"),
    ],
)
def test_the_check_of_directions_can_fail(tmp_path, place, text):
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert faults(path, tmp_path)


def test_the_root_is_small():
    names = [
        p.name
        for p in HOUSE.iterdir()
        if not p.name.startswith("__") and (p.is_dir() or p.suffix == ".py")
    ]
    assert len(names) <= 12, names


def test_a_study_has_at_most_five_files():
    studies = HOUSE / "reproduction" / "studies"
    assert len(list(studies.rglob("*.py"))) <= 68
    for folder in (p for p in studies.iterdir() if p.is_dir() and p.name != "__pycache__"):
        assert len(list(folder.glob("*.py"))) <= 5, folder


def test_heavy_packages_wait_inside_functions():
    below = [p for p in MODULES if not {"report", "explore", "course", "cli"} & set(p.parts)]
    late = [
        f"{p.relative_to(ROOT)}:{n} {name}"
        for p in below
        for n, name in imports(p, True)
        if name.split(".")[0] in LATE
    ]
    assert late == []


def test_the_library_imports_without_jupyter_or_drawing():
    code = "import torch, sys, time; start = time.perf_counter(); from emolib import candide, evm, losses; took = time.perf_counter() - start\n"
    code += f"print(took, *sorted({LATE!r} & set(sys.modules)), 'jupyterlab' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    took, *heavy, jupyter = done.stdout.split()
    assert heavy == [] and jupyter == "False"
    assert float(took) < 2


def test_the_public_surface_works_as_it_says():
    tried = doctest.testmod(emolib)
    assert tried.attempted >= 4 and tried.failed == 0


def test_the_readme_is_short_and_its_lines_of_python_run():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 150
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    made = {}
    exec(code, made)
    assert (
        made["loss"].isfinite()
        and made["fit"].units.shape == (4, 7)
        and made["angles"].shape == (6, 6)
    )


def test_links_in_the_readme_and_docs_lead_somewhere():
    dead = []
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            if not (path.parent / target).exists():
                dead.append(f"{path.name}: {target}")
    assert dead == []


# ---------------------------------------------------------------- how it is written


def ruff(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_ruff_finds_nothing():
    for arguments in (("check", "."), ("format", "--check", ".")):
        done = ruff(*arguments)
        assert done.returncode == 0, done.stdout[-3000:]


def nested(tree) -> list[int]:
    """Lines with a comprehension inside a comprehension, or a conditional expression inside one."""
    comprehension = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    lines = []
    for node in ast.walk(tree):
        inner = [n for n in ast.walk(node) if n is not node]
        if isinstance(node, comprehension) and any(isinstance(n, comprehension) for n in inner):
            lines.append(node.lineno)
        if isinstance(node, ast.IfExp) and isinstance(node.orelse, ast.IfExp):
            lines.append(node.lineno)
    return lines


def test_no_expression_hides_another():
    found = []
    for path in MODULES:
        lines = nested(ast.parse(path.read_text()))
        found += [f"{path.relative_to(ROOT)}:{line}" for line in lines]
    assert found == [], "nested comprehensions or chained conditional expressions"
