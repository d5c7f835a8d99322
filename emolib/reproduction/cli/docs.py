"""The files that are generated: environment.yml from pyproject.toml, the README's tables from artefacts.csv and results/bench.csv,
the course's notes in notebooks/course/README.md from its exercises.

`emolib docs` writes them anew; a test fails when one of them is not what this module would write.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.cli import bench, course, runner
from emolib.reproduction.report import files as results

START, END = "<!-- generated: artefacts -->", "<!-- end generated -->"
SPEED, SPEED_END = "<!-- generated: speed -->", "<!-- end speed -->"
EXERCISES, EXERCISES_END = "<!-- generated: exercises -->", "<!-- end exercises -->"


def environment_yml() -> str:
    """For conda users: Python, pip and ffmpeg from conda, everything else as pyproject.toml says."""
    project = tomllib.loads((settings.project() / "pyproject.toml").read_text())["project"]
    return "\n".join(
        [
            "# Generated from pyproject.toml by `emolib docs`; do not edit.",
            f"name: {project['name']}",
            "channels:",
            "  - conda-forge",
            "dependencies:",
            f"  - python{project['requires-python']}",
            "  - pip",
            "  - ffmpeg",
            "  - pip:",
            "      - -e .[detectors,backbones,explore,test]",
            "",
        ]
    )


def coverage_line() -> str:
    """How much of the five works this version covers, in one sentence."""
    table, here = papers.artefacts(), _made()
    done = table.id.isin(here) | table.same_as.map(
        lambda s: any(i in here for i in s.split(";") if s)
    )
    cited = table.status == "cited"
    parts = [
        f"{int((done & (table.kind == kind)).sum())} of {int((table.kind == kind).sum())} {kind}s"
        for kind in ("table", "figure")
    ]
    return (
        f"So far {parts[0]} and {parts[1]} are made ({int(cited.sum())} figures are other people's pictures and are only pointed to); "
        "the rest is accounted for below and follows notebook by notebook."
    )


def readme_table() -> str:
    """All artefacts that can be looked at, then a count of the rest by paper: artefact, what it is, notebook, result."""
    here, notebooks = _made(), runner.notebooks()
    lines = [
        coverage_line(),
        "",
        "| artefact | what it is | notebook | result | status |",
        "|---|---|---|---|---|",
    ]
    table = papers.everything()
    ready = table[table.notebook.isin(notebooks)]
    for row in ready.itertuples():
        name = notebooks[row.notebook].name
        result = (
            f"[{Path(here[row.id]).parent.parent.name}]({here[row.id]})" if row.id in here else ""
        )
        lines.append(
            f"| `{row.id}` | {row.title} | [{name[:2]}](notebooks/{name}) | {result} | {row.status} |"
        )
    later = table[~table.notebook.isin(notebooks)].groupby(["paper", "notebook"], sort=True).size()
    if len(later):
        lines += [
            "",
            "Not yet made: "
            + "; ".join(
                f"`{paper}` {n} in notebook {notebook}" for (paper, notebook), n in later.items()
            )
            + ". `./reproduce.sh list` names each of them.",
        ]
    return "\n".join(lines)


def _made() -> dict[str, str]:
    """Artefact -> path of its committed result, the largest profile first."""
    root, found = settings.project(), {}
    for profile in ("quick", "full"):
        for kind in ("tables", "figures"):
            for path in sorted((root / "results" / profile / kind).glob("*.csv")):
                found[path.stem] = str(path.relative_to(root))
    return found


def _filled(name: str, *blocks: tuple[str, str, str]) -> str:
    """The text of a file with what stands between each pair of marks made anew: blocks of (start, end, text)."""
    text = (settings.project() / name).read_text()
    for start, end, made in blocks:
        for mark in (start, end):
            if mark not in text:
                raise EmolibError(
                    f"{name}: the mark '{mark}' is gone; put it back around the table that is generated"
                )
        before, _, rest = text.partition(start)
        text = f"{before}{start}\n{made}\n{end}{rest.partition(end)[2]}"
    return text


def readme() -> str:
    """The README with its generated parts as they should be."""
    return _filled("README.md", (START, END, readme_table()), (SPEED, SPEED_END, bench.growth()))


def course_readme() -> str:
    """The course's README with goals, times and common mistakes as the exercises' sources have them."""
    return _filled("notebooks/course/README.md", (EXERCISES, EXERCISES_END, course.all_notes()))


GENERATED = {
    "environment.yml": environment_yml,
    "README.md": readme,
    "notebooks/course/README.md": course_readme,
}


def write_all() -> list[Path]:
    """Write every generated file anew; returns their paths."""
    paths = {settings.project() / name: make() for name, make in GENERATED.items()}
    for path, text in paths.items():
        results.write(path, text)
    return list(paths)


def stale() -> list[str]:
    """Generated files that are not what they would be now."""
    root = settings.project()
    return [
        name
        for name, make in GENERATED.items()
        if not (root / name).exists() or (root / name).read_text() != make()
    ]
