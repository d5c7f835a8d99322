"""The static site: every part is gathered, links lead within it, docstrings keep their shape; and it builds."""

import importlib.util
import os
import re
import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.cli import book, docs, runner

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A result folder with a report, a picture and one executed notebook."""
    place = tmp_path / "out"
    for name, text in {
        "index.html": "<p>Ten questions</p>",
        "figures/wang-x5.svg": "<svg/>",
        "tables/wang-t3.csv": "v\n1\n",
        "notebooks/20.html": "<p>read me</p>",
        "notebooks/20.ipynb": (ROOT / "notebooks" / "20_wang_sfew.ipynb")
        .read_text()
        .replace("SFEW", "SFEW, executed", 1),
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    monkeypatch.setenv("EMOLIB_OUT", str(place))
    return place


def test_everything_is_gathered(folder, tmp_path):
    pages = tmp_path / "pages"
    without = book.gather(folder, pages)
    assert set(without) == set(runner.notebooks()) - {"20"}
    assert len(list((pages / "notebooks").glob("*.ipynb"))) == len(runner.notebooks())
    assert "SFEW, executed" in (pages / "notebooks" / "20.ipynb").read_text()
    for name in ("index.html", "figures/wang-x5.svg", "tables/wang-t3.csv", "notebooks/20.html"):
        assert (pages / "extra" / "report" / name).exists(), name
    networks = (pages / "api" / "models.rst").read_text()
    assert ".. automodule:: emolib.models.mrpn\n   :members:" in networks
    course = (pages / "guide" / "course.md").read_text()
    assert "[20](../notebooks/20.ipynb)" in course and "(first_ten_minutes.md)" in course
    assert "The lecture map" in course and ".ipynb)" in course and "](01_concordance" not in course
    assert 'href="report/index.html"' in (pages / "index.md").read_text()


def test_links_lead_within_the_site_or_are_words(folder):
    text = "[a](../notebooks/20_wang_sfew.ipynb) [b](verdicts.md#x) [c](../emolib) [d](https://x.org) ![e](e.png)"
    assert book._linked(text, ROOT / "docs", folder) == (
        "[a](../notebooks/20.ipynb) [b](verdicts.md#x) c [d](https://x.org) ![e](e.png)"
    )
    own = f"[t]({os.path.relpath(folder / 'tables' / 'wang-t3.csv', ROOT / 'docs')})"
    linked = book._linked(own, ROOT / "docs", folder)
    assert linked == '<a href="../report/tables/wang-t3.csv">t</a>'
    shown = book._linked(f"!{own}", ROOT / "docs", folder)
    assert shown == '<img src="../report/tables/wang-t3.csv" alt="t">'
    assert book._linked("![f](report.png)", ROOT / "docs", folder) == "f", "no part of the site"


def test_docstrings_flow_where_they_are_words_and_stay_where_they_are_aligned():
    conf = runpy.run_path(str(ROOT / "docs" / "book" / "conf.py"))
    lines = ["A `mask` of *x* | y", "goes on.", "", "x    (B, T)", "mask  where"]
    conf["as_written"](None, "function", "f", None, None, lines)
    text = "\n".join(lines)
    assert text.startswith("A ``mask`` of \\*x\\* \\| y\ngoes on.\n")
    assert ".. code-block:: text\n\n   x    (B, T)\n   mask  where" in text


def test_a_site_needs_a_report_and_its_tools(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_OUT", str(tmp_path))
    monkeypatch.setattr(settings, "committed", lambda profile: tmp_path / "none")
    if not [n for n in book.NEEDED if importlib.util.find_spec(n) is None]:
        with pytest.raises(EmolibError, match="no report there; run ./reproduce.sh"):
            book.build("smoke")
    monkeypatch.setattr(book, "NEEDED", {"not_there": "not-there"})
    with pytest.raises(EmolibError, match="needs not-there .*-m pip install not-there"):
        book.build("smoke")


@pytest.mark.slow
def test_the_site_is_built(folder):
    missing = [name for name in book.NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"NOT BUILT: {', '.join(missing)} not installed (the extra `book`)")
    front = book.build("smoke")
    assert front == folder / "site" / "index.html"
    api = (folder / "site" / "api" / "losses.html").read_text()
    assert "emolib.losses.non_inertial" in api and "gt;&gt;&gt;" in api
    assert "SFEW, executed" in (folder / "site" / "notebooks" / "20.html").read_text()
    assert (folder / "site" / "report" / "index.html").read_text() == "<p>Ten questions</p>"
    asked = r'<(?:script|link|img)[^>]*(?:src|href)="((?:https?:)?//[^"]*)'
    outside = [
        (page.name, host)
        for page in (folder / "site").rglob("*.html")
        for host in re.findall(asked, page.read_text())
    ]
    assert outside == []


# ---------------------------------------------------------------- where it is shown


def test_the_workflow_builds_the_committed_results_and_publishes_them():
    text = (ROOT / ".github" / "workflows" / "book.yml").read_text()
    (command,) = re.findall(r"\./reproduce\.sh book (.*)", text)
    options = dict(zip(command.split()[::2], command.split()[1::2]))
    assert options == {"--profile": "quick", "--out": "results/quick"}
    assert f"path: {options['--out']}/site" in text and "actions/deploy-pages" in text
    extras = re.search(r"'\.\[(.*)\]'", text)[1].split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(project["optional-dependencies"])


def test_binder_gets_what_the_notebooks_need_and_a_small_torch():
    text, project = docs.binder_yml(), tomllib.loads((ROOT / "pyproject.toml").read_text())
    (torch,) = [t for t in project["project"]["dependencies"] if t.startswith("torch==")]
    assert f"  - pytorch-cpu={torch.removeprefix('torch==')}\n" in text
    names = re.findall(r"^ +- ([A-Za-z0-9_-]+)(?!.*:$)", text, flags=re.M)
    assert {"papermill", "jupyterlab", "matplotlib", "numba", "librosa"} <= set(names)
    assert len(names) == len(set(names)) and not {"torch", "emolib"} & set(names)
    post = ROOT / "binder" / "postBuild"
    assert os.access(post, os.X_OK)
    assert subprocess.run(["bash", "-n", post]).returncode == 0


@pytest.mark.parametrize("number", ["00", "20", "90"])
def test_the_readme_has_an_address_for_trying_a_notebook_without_installing(number):
    text, name = (ROOT / "README.md").read_text(), runner.notebooks()[number].name
    assert f"labpath=notebooks%2F{name})" in text
    assert f"/blob/HEAD/notebooks/{name})" in text
