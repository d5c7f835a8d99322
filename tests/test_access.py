"""Pages for everybody: alternative texts, headings in order, and what axe-core finds in a browser."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import browser_help as help_
import pytest

from emolib.reproduction.course import build, pages
from emolib.reproduction.report import alt, page

ROOT = Path(__file__).parent.parent
QUICK = ROOT / "results" / "quick"
NOTEBOOKS = sorted((ROOT / "notebooks").rglob("*.ipynb"))
SEVERE = ("serious", "critical")  # what axe-core calls findings that shut somebody out
LACKING = [n for n in ("playwright", "axe_playwright_python") if not importlib.util.find_spec(n)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_headings_of_a_notebook_are_in_order(path):
    """One title, and no level is left out on the way down."""
    texts = [text for kind, text in build.cells(path) if kind == "markdown"]
    plain = re.sub(r"```.*?```", "", "\n".join(texts), flags=re.S)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", plain, flags=re.M)]
    assert levels[0] == 1 and levels.count(1) == 1, f"{path.name}: {levels}"
    assert all(b - a <= 1 for a, b in zip(levels, levels[1:])), f"{path.name}: {levels}"


def test_an_alternative_text_says_title_and_data(tmp_path):
    said = alt.text(QUICK, "figures/wang-x5.svg")
    assert said.startswith("One table under six protocols") and "source: real" in said
    assert re.search(r"\d+ values from [\d.]+ to [\d.]+", said)
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "wang-x5.csv").write_text(
        "method,measured,source\nA,0.25,real\nB,0.5,simulated\n"
    )
    said = alt.text(tmp_path, "figures/wang-x5.svg")
    assert said.endswith("2 values from 0.25 to 0.5; method: A, B; source: real, simulated.")


def test_every_picture_of_the_report_and_the_course_has_its_text():
    made = page.render(QUICK, "quick") | pages.render()
    for name, html in made.items():
        for tag in re.findall(r"<img[^>]*>", html):
            words = re.search(r'alt="([^"]*)"', tag)
            assert words and len(words[1]) > 20, f"{name}: {tag[:120]}"


def test_the_course_asks_nobody():
    """No script, style or font comes from elsewhere; links in the text may."""
    for name, html in pages.render().items():
        found = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="https?:[^"]*', html)
        found += re.findall(r"""(?:@import|import [^;]*from)\s*\(?['"]https?:[^'"]*""", html)
        assert not found, f"{name}: {found[0]}"


@pytest.fixture(scope="module")
def chromium():
    if LACKING or not help_.chromium():
        pytest.skip(f"NOT TESTED: {', '.join([*LACKING, 'chromium'])} is not installed")
    with help_.browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The course without its exercises, a report with today's templates, a notebook as a page."""
    place = tmp_path_factory.mktemp("site")
    report = {f"report/{name}": html for name, html in page.render(QUICK, "quick").items()}
    for name, html in (pages.render() | report).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(html)
    for folder in ("figures", "report/figures"):
        (place / folder).symlink_to(QUICK / "figures")
    for name in pages.REVEAL:
        target = place / "slides" / "reveal" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((pages.reveal() / name).read_bytes())
    (place / "notebook.html").write_text(
        pages.notebook_page(ROOT / "notebooks/10_orgil_losses.ipynb")
    )
    for folder in ("notebooks", "explore"):
        (place / "report" / folder).symlink_to(QUICK / folder)
    return place


@pytest.mark.browser
@pytest.mark.parametrize(
    "name",
    [
        "report/index.html",
        "report/notebooks/20.html",
        "report/explore/fusion.html",
        "notebook.html",
        "index.html",
        "weeks/03.html",
        "slides/wang.html",
    ],
)
def test_axe_finds_nothing_serious(chromium, site, name):
    from axe_playwright_python.sync_playwright import Axe

    asked = []
    opened = chromium.new_page(viewport={"width": 1280, "height": 900})
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((site / name).as_uri(), timeout=help_.SLOW)
    if "/explore/" in name:
        opened.locator("#views .mark-symbol.role-mark path").first.wait_for(timeout=help_.SLOW)
    opened.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    found = Axe().run(opened).response["violations"]
    opened.close()
    severe = [
        f"{one['impact']}: {one['id']} ({len(one['nodes'])}), first {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in SEVERE
    ]
    assert not severe, "\n".join(severe)
    assert not [url for url in asked if url.startswith("http")], "asked from elsewhere"
