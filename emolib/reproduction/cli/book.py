"""`emolib book`: the report, the executed notebooks, the course and the library as a static site.

Everything is there already; this gathers the pages and has Sphinx (docs/book/conf.py) join them.
"""

from __future__ import annotations

import html
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.cli import runner

NEEDED = {"sphinx": "sphinx", "myst_nb": "myst-nb", "furo": "furo"}
GUIDE = {
    "first_ten_minutes": "docs/first_ten_minutes.md",
    "findings": "docs/findings.md",
    "verdicts": "docs/verdicts.md",
    "artefacts": "docs/artefacts.md",
    "course": "notebooks/course/README.md",
}
# Parts of the library without a page in docs/api: one is made of their modules
PARTS = {"data": "Data sets", "features": "Features", "models": "Networks", "training": "Training"}
REPORT = ("*.html", "notebooks/*.html", "figures/*", "tables/*", "claims.csv", "explore/*.html")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def build(profile: str) -> Path:
    """Write `site/` into the result folder of a profile, or into the committed one where nothing
    has been run; returns the page to open."""
    missing = [package for name, package in NEEDED.items() if not importlib.util.find_spec(name)]
    if missing:
        cure = f"{sys.executable} -m pip install {' '.join(missing)}"
        raise EmolibError(f"book needs {', '.join(missing)} (the extra `book`): {cure}")
    folder = settings.results(profile)
    if not (folder / "index.html").exists():
        folder = settings.committed(profile)
    if not (folder / "index.html").exists():
        raise EmolibError(f"{folder}: no report there; run ./reproduce.sh --profile {profile}")
    site = folder / "site"
    with tempfile.TemporaryDirectory(prefix="emolib-book-") as place:
        pages = Path(place) / "pages"
        without = gather(folder, pages)
        made = Path(place) / "site"
        command = [sys.executable, "-P", "-m", "sphinx", "-q", "-b", "html", pages, made]
        path = os.pathsep.join([str(settings.project()), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": path}
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines() or ["no reason given"]
            raise EmolibError(f"book: Sphinx stopped: {reason[-1]}")
        if site.exists():
            shutil.rmtree(site)
        shutil.copytree(made, site, ignore=shutil.ignore_patterns(".doctrees", ".buildinfo*"))
    if done.stderr:
        print(done.stderr.strip(), file=sys.stderr)
    if without:
        print(f"without outputs, for they have not been run into {folder}: {', '.join(without)}")
    return site / "index.html"


def gather(folder: Path, pages: Path) -> list[str]:
    """Put the sources of the site into `pages`; the notebooks for which there are no outputs."""
    root = settings.project()
    shutil.copytree(root / "docs" / "api", pages / "api")
    shutil.copy(root / "docs" / "book" / "conf.py", pages)
    for part, title in PARTS.items():
        (pages / "api" / f"{part}.rst").write_text(_modules(root / "emolib" / part, title))
    without = []
    (pages / "notebooks").mkdir()
    for number, stored in runner.notebooks().items():
        executed = folder / "notebooks" / f"{number}.ipynb"
        if not executed.exists():
            without.append(number)
        shutil.copy(executed if executed.exists() else stored, pages / f"notebooks/{number}.ipynb")
    (pages / "guide").mkdir()
    for name, source in GUIDE.items():
        text = _linked((root / source).read_text(), (root / source).parent, folder)
        (pages / "guide" / f"{name}.md").write_text(text)
    front = (root / "docs" / "book" / "index.md").read_text()
    front = front.replace("[report](REPORT)", '<a href="report/index.html">report</a>')
    (pages / "index.md").write_text(front)
    for pattern in REPORT:
        for path in sorted(folder.glob(pattern)):
            target = pages / "extra" / "report" / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return without


def _modules(folder: Path, title: str) -> str:
    """A page of all public modules of a folder, from their docstrings."""
    lines = [title, "=" * len(title), ""]
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(settings.project()).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        lines += [name, "-" * len(name), "", f".. automodule:: {name}", "   :members:", ""]
    return "\n".join(lines)


def _linked(text: str, home: Path, folder: Path) -> str:
    """Markdown of the repository with links and pictures that are the same thing in the site; what
    the site does not have leaves its words."""
    root = settings.project()
    pages = {(root / source).resolve(): f"{name}.md" for name, source in GUIDE.items()}
    for number, path in runner.notebooks().items():
        pages[path.resolve()] = f"../notebooks/{number}.ipynb"

    def replaced(link: re.Match) -> str:
        words, target, anchor = link[2], (home / link[3]).resolve(), link[4] or ""
        if target in pages:
            return f"[{words}]({pages[target]}{anchor})"
        if target.is_relative_to(folder.resolve()) and target.is_file():
            inside = target.relative_to(folder.resolve()).as_posix()
            if link[1]:
                return f'<img src="../report/{inside}" alt="{html.escape(words)}">'
            return f'<a href="../report/{inside}">{words}</a>'
        if link[1] and not target.is_file():
            return link[0]  # it lies beside the page
        return words

    return _LINK.sub(replaced, text)
