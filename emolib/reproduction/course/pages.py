"""The lecturer's folder: one place of HTML that opens from disk and asks nobody.

index.html         the lecture map: twelve weeks with minutes, and which six make a short course
weeks/NN.html      the handout of a week, one page
slides/PAPER.html  a deck from the notebooks of a work; S opens the speaker's notes
student/           exercises: notebooks, and a page of each to look at
solutions/         apart: notebooks with solutions, autograders, the teacher's notes

The prose of the weeks is notebooks/course/weeks.toml; what they say of results is read from the
committed files (results/quick), and so are figures and tables of the slides.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers, report
from emolib.reproduction.course import build
from emolib.reproduction.report import alt, central, grid, page
from emolib.reproduction.report import files as results

PROFILE = "quick"  # whose committed results the pages show
NOTES = ("**What to notice", "**What to try")  # how a paragraph for the speaker begins
DRAWN = re.compile(r"report\.(figure|table)\(\s*\"([\w-]+)\"")
MATH = re.compile(r"(```.*?```|`[^`\n]*`)|\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.S)
ROWS = 10  # of a table on a slide
REVEAL = (  # what a deck needs of reveal.js
    "LICENSE",
    "dist/reveal.css",
    "dist/reveal.js",
    "dist/theme/white.css",
    "dist/theme/fonts/source-sans-pro/LICENSE",
    "dist/theme/fonts/source-sans-pro/source-sans-pro.css",
    "dist/theme/fonts/source-sans-pro/source-sans-pro-regular.woff",
    "dist/theme/fonts/source-sans-pro/source-sans-pro-semibold.woff",
    "plugin/notes/notes.js",
)
FIRST = "10"  # notebooks before it are about all works


def make(out: Path) -> list[Path]:
    """Write the whole folder; returns the paths. EmolibError if a package is missing."""
    reveal()  # before anything is written
    made = [*build.exercises(out), build.wheel(out / "student")]
    for name, html in render().items():
        made.append(out / name)
        results.write(made[-1], html)
    for path in [*made]:
        if path.suffix == ".ipynb":
            made.append(path.with_suffix(".html"))
            results.write(made[-1], notebook_page(path))
    for id in figures():
        made.append(out / "figures" / f"{id}.svg")
        source = settings.committed(PROFILE) / "figures" / f"{id}.svg"
        results.write(made[-1], source.read_bytes())
    for name in REVEAL:
        made.append(out / "slides" / "reveal" / name)
        results.write(made[-1], (reveal() / name).read_bytes())
    return made


def reveal() -> Path:
    """Where reveal.js lies: the package sphinx-revealjs ships it."""
    for name, package in (("sphinx_revealjs", "sphinx-revealjs"), ("latex2mathml", "latex2mathml")):
        if importlib.util.find_spec(name) is None:
            raise EmolibError(
                f"the course needs {package}, which is not installed: ./reproduce.sh course "
                "installs it (elsewhere python -m pip install 'emolib[course]')"
            )
    found = importlib.util.find_spec("sphinx_revealjs").submodule_search_locations[0]
    return Path(found) / "_static" / "revealjs"


# ---------------------------------------------------------------- weeks


@functools.cache
def weeks() -> list[dict]:
    """The weeks in order, as weeks.toml has them, with their `number`."""
    path = settings.project() / "notebooks" / "course" / "weeks.toml"
    found = tomllib.loads(path.read_text())["week"]
    return [week | {"number": number} for number, week in enumerate(found, 1)]


def weeks_table() -> str:
    """The lecture map for the course's README, in Markdown."""
    lines = [
        "| week | lecture | open in class | look at | exercise | of six |",
        "|---|---|---|---|---|---|",
    ]
    for week in weeks():
        links = ", ".join(f"[{n}](../{_notebook(n).name})" for n in week["notebooks"])
        short = week["short"] or ""
        what = _exercises(week)
        lines.append(
            f"| {week['number']} | {week['title']} | {links} | {week['look']} | {what} | {short} |"
        )
    return "\n".join(lines)


def _exercises(week: dict) -> str:
    due = [f"{number} due" for number in week["due"]]
    return ", ".join(due + [f"{number} handed out" for number in week["handed"]])


def _notebook(number: str) -> Path:
    return next((settings.project() / "notebooks").glob(f"{number}_*.ipynb"))


def render() -> dict[str, str]:
    """File name -> page, of the map, the handouts and the slides."""
    house = page.house("emolib.reproduction.course")
    folder = settings.committed(PROFILE)
    claims = {row["claim"]: row for row in central.rows(folder, PROFILE)}
    shared = {
        "papers": papers.PAPERS,
        "style": Markup(page.style()),
        "sources": {int(number): path.stem for number, path in build.sources().items()},
        "weeks": weeks(),
        "said": inline,
    }
    made = {"index.html": house.get_template("map.html").render(up="", **shared)}
    for week in weeks():
        details = {
            "week": week,
            "claims": [claims[id] for id in week["claims"]],
            "figure": _figure(week["figure"]),
            "decks": sorted({_paper(n) for n in week["notebooks"]} & set(papers.PAPERS)),
            "up": "../",
        }
        text = house.get_template("week.html").render(**details, **shared)
        made[f"weeks/{week['number']:02d}.html"] = text
    return made | {f"slides/{paper}.html": deck(paper) for paper in papers.PAPERS}


def inline(text: str) -> Markup:
    """Markdown of one line as HTML."""
    from nbconvert.filters import markdown2html

    html = str(markdown2html(text)).strip()
    return Markup(html.removeprefix("<p>").removesuffix("</p>"))


def _figure(id: str) -> dict:
    """id, title, alt text and badge of a committed figure."""
    folder = settings.committed(PROFILE)
    return {
        "id": id,
        "title": papers.artefact(id).title,
        "alt": alt.text(folder, f"figures/{id}.svg"),
        "badge": report.badge_of(results.sources(folder / "figures" / f"{id}.json")),
    }


def figures() -> list[str]:
    """Artefacts whose pictures the pages show."""
    found = {week["figure"] for week in weeks()}
    for paper in papers.PAPERS:
        found |= {id for _, id in _drawn(paper)}
    folder = settings.committed(PROFILE) / "figures"
    return sorted(id for id in found if (folder / f"{id}.svg").exists())


# ---------------------------------------------------------------- slides


def _paper(number: str) -> str:
    """The work that most of a notebook's artefacts belong to; '' for notebooks about all works."""
    mine = papers.everything()
    found = mine.paper[mine.notebook == number].mode()
    return found[0] if number >= FIRST and len(found) else ""


def _notebooks(paper: str) -> list[Path]:
    """The notebooks of a work, in order."""
    folder = settings.project() / "notebooks"
    return [p for p in sorted(folder.glob("[0-9][0-9]_*.ipynb")) if _paper(p.name[:2]) == paper]


def _drawn(paper: str) -> list[tuple[str, str]]:
    """('figure' or 'table', artefact) of everything that a work's notebooks show."""
    texts = [text for path in _notebooks(paper) for kind, text in build.cells(path)]
    return [found for text in texts for found in DRAWN.findall(text)]


def deck(paper: str) -> str:
    """The slides of a work as one page, which needs the folder `reveal` beside it."""
    import nbformat
    from nbconvert import SlidesExporter

    cells = []
    for path in _notebooks(paper):
        for kind, text in build.cells(path):
            cells += _slides(text) if kind == "markdown" else _shown(text)
    book = nbformat.v4.new_notebook(cells=cells)
    for number, cell in enumerate(book.cells):
        cell.id = f"slide-{number:03d}"
    exporter = SlidesExporter(
        template_name="deck",
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
        reveal_url_prefix="reveal",
        reveal_theme="white",
        exclude_input=True,
    )
    named = {"metadata": {"name": papers.PAPERS[paper]}}
    return _plain(exporter.from_notebook_node(book, resources=named)[0])


def _cell(text: str, kind: str):
    import nbformat

    cell = nbformat.v4.new_markdown_cell(with_formulas(text))
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _slides(text: str) -> Iterator:
    """A slide for each heading, with its first paragraph; the rest is for the speaker."""
    opened = False
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("#"):
            opened = True
            yield _cell(paragraph, "slide")
        elif opened and not paragraph.startswith(NOTES):
            opened = False
            yield _cell(paragraph, "-")
        else:
            yield _cell(paragraph, "notes")


def _shown(code: str) -> Iterator:
    """A slide below for each figure or table that a cell of code shows."""
    folder = settings.committed(PROFILE)
    for kind, id in DRAWN.findall(code):
        where = folder / f"{kind}s" / f"{id}.csv"
        if not where.exists():
            continue
        about = papers.artefact(id)
        badge = report.badge_of(results.sources(where.with_suffix(".json")))
        head = f"### {about.title}\n\n"
        if kind == "figure":
            words = str(Markup.escape(alt.text(folder, f"figures/{id}.svg")))
            shown = f'<img src="../figures/{id}.svg" alt="{words}">'
        else:
            shown = _table(id, results.read(where))
        yield _cell(f"{head}{shown}\n\n<small>{id} · {badge}</small>", "subslide")


def _table(id: str, long) -> str:
    """The first grid of a table; its first rows where it is long."""
    printed = id in papers.table_ids()
    html = grid.of(id, long)[0].html if printed else page.plain(long)
    rows = html.split("<tr")
    head = sum("<th" in row and "<td" not in row for row in rows)
    short = "<tr".join(rows[: head + ROWS + 1])
    if len(rows) > head + ROWS + 1:
        short += f"</tbody></table><p>and {len(rows) - head - ROWS - 1} more rows</p>"
    return " ".join(short.split("\n")).replace("<table", '<table tabindex="0"', 1)


def with_formulas(text: str) -> str:
    """Markdown whose formulas are MathML, which browsers draw by themselves."""
    from latex2mathml.converter import convert

    def one(match: re.Match) -> str:
        if match[1]:
            return match[1]  # code
        return convert(match[2] or match[3], display="block" if match[2] else "inline")

    return MATH.sub(one, text)


def notebook_page(path: Path) -> str:
    """A notebook as a page that needs nothing; solutions have the teacher's notes on top."""
    import nbformat
    from nbconvert import HTMLExporter

    book = nbformat.read(path, 4)
    for cell in book.cells:
        if cell.cell_type == "markdown":
            cell.source = with_formulas(cell.source)
    if path.parent.name == "solutions":
        teacher = build.notes_page(build.sources()[path.stem[:2]], "##")
        book.cells.insert(1, nbformat.v4.new_markdown_cell(teacher))
    exporter = HTMLExporter(
        template_name="sheet",
        extra_template_basedirs=[str(Path(__file__).parent / "templates")],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    return _plain(exporter.from_notebook_node(book, {"metadata": {"name": path.stem}})[0])


def _plain(html: str) -> str:
    """Without what would be asked from elsewhere, and with a name on what can be scrolled."""
    html = re.sub(r'<script[^>]* src="https?://[^>]*></script>', "", html)
    return re.sub(r'<a class="anchor-link"[^>]*>.*?</a>', "", html)
