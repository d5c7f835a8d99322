"""Generated files: environment.yml, docs/artefacts.md, a table in the README, the course's notes.

`emolib docs` writes them anew; a test fails when one of them is not what this module would write.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.cli import course, runner
from emolib.reproduction.report import central
from emolib.reproduction.report import files as results

FINDINGS, FINDINGS_END = "<!-- generated: findings -->", "<!-- end findings -->"
NOTEBOOKS, NOTEBOOKS_END = "<!-- generated: notebooks -->", "<!-- end notebooks -->"
EXERCISES, EXERCISES_END = "<!-- generated: exercises -->", "<!-- end exercises -->"

# notebook -> the question it asks and the artefact that answers it first
QUESTIONS = {
    "00": ("Where do I begin?", ""),
    "01": ("Do the five works agree with their own numbers?", "orgil2021-x1"),
    "02": ("Which data are real, and what is the simulated world?", "world-x2"),
    "03": ("What are networks given: sound, landmarks, magnified film?", "orgil2022-f1_13"),
    "10": (
        "Is the printed non-inertial loss the written one, and where is it blind?",
        "orgil2021-x44",
    ),
    "11": ("Does it beat squared error and concordance on video?", "orgil2021-x21"),
    "12": ("Do transformers, or the true labels they are fed, score?", "orgil2022-t4_3"),
    "13": ("Do eleven face classifiers on FERPlus differ?", "orgil2022-t4_1"),
    "14": ("Does blending weights help continual learning?", "orgil2022-t4_4"),
    "20": ("Is 31 % on SFEW better than 19 %?", "wang-t3"),
    "30": ("Does a path of emotion hold for a stranger?", "yin2022-t3"),
    "40": ("Network or SVM on action units, and what decides?", "chang2021-t4_1"),
    "41": ("Do faces transfer to FER2013?", "chang2021-t4_3"),
    "42": ("Does memory calm the naming of a film?", "chang2021-x35"),
    "43": ("What is time augmentation of speech worth?", "chang2021-x30"),
    "44": ("When does a second modality hurt, and what helps?", "chang2021-x50"),
    "90": ("What do clusters and confusions look like by hand?", "world-x21"),
    "99": ("What holds?", ""),
}


def environment_yml() -> str:
    """For conda users: Python, pip and ffmpeg from conda, all else as pyproject.toml says."""
    project = tomllib.loads((settings.project() / "pyproject.toml").read_text())["project"]
    return f"""\
# Generated from pyproject.toml by `emolib docs`; do not edit.
name: {project["name"]}
channels:
  - conda-forge
dependencies:
  - python{project["requires-python"]}
  - pip
  - ffmpeg
  - pip:
      - -e .[detectors,backbones,explore,test]
"""


def notebooks_table() -> str:
    """One row a notebook: question, where its data come from, first result, minutes at quick."""
    made, times = _made(), runner.measured("quick")
    lines = ["| notebook | question | data | result | minutes |", "|---|---|---|---|---|"]
    for number, path in sorted(runner.notebooks().items()):
        question, first = QUESTIONS[number]
        result = f"[{first}]({made[first]})" if first in made else ""
        seconds = times.get((number, ""))
        minutes = "" if seconds is None else f"{seconds / 60:.1f}"
        name = f"[{path.stem}](notebooks/{path.name})"
        lines.append(f"| {name} | {question} | {_badges(number)} | {result} | {minutes} |")
    return "\n".join(lines)


def _badges(number: str) -> str:
    """What the committed numbers of a notebook were made from, all of its artefacts together."""
    table = papers.everything()
    kinds = set()
    for id, path in _made().items():
        if id in set(table.id[table.notebook == number]):
            sources = results.sources((settings.project() / path).with_suffix(".json"))
            kinds |= {s["source"] for s in sources.values()} or {"print"}
    return ", ".join(sorted(kinds))


def findings() -> str:
    """The headlines of papers/central.csv: the sentence, its badge, the cell and the notebook.

    Each from the largest committed profile in which its claim was measured.
    """
    notebooks, table = runner.notebooks(), papers.central()
    lines = []
    for row in table[table.headline == "yes"].to_dict("records"):
        folder, claim = _measured(row["claim"])
        id = row["cells"].partition(" | ")[0]
        badge, outcome = claim["source"], claim["outcome"]
        if id == central.ARITHMETIC:  # what print says of itself, whatever was measured
            id, badge, outcome = row["picture"], "print", claim["verdict"]
        cell = next(folder.glob(f"*/{id}.csv")).relative_to(settings.project())
        notebook = notebooks[claim["notebook"]].name
        lines += [
            f"- {claim['said']}",
            f"  *{badge}*, {outcome} · [cell]({cell}) · "
            f"[notebook {notebook[:2]}](notebooks/{notebook})",
        ]
    return "\n".join(lines)


def _measured(claim: str) -> tuple[Path, dict]:
    """The result folder of the largest profile that measured a central claim, and its row there."""
    for profile in ("full", "quick"):
        folder = settings.project() / "results" / profile
        row = next(one for one in central.rows(folder) if one["id"] == claim)
        if row["gate"] != "run":
            break
    return folder, row


def artefacts_md() -> str:
    """Every table and figure: what it is, its notebook, the committed result, its status."""
    made, notebooks = _made(), runner.notebooks()
    table = papers.artefacts()
    repeats = table.same_as.map(lambda names: bool(set(names.split(";")) & set(made)))
    done = table.id.isin(made) | repeats
    counts = [
        f"{int((done & (table.kind == kind)).sum())} of {int((table.kind == kind).sum())} {kind}s"
        for kind in ("table", "figure")
    ]
    cited = int((table.status == "cited").sum())
    lines = [
        "# Every table and figure",
        "",
        "Generated by `./reproduce.sh docs`. "
        f"{counts[0]} and {counts[1]} of the five works are made; "
        f"{cited} figures are other people's pictures and are only pointed to.",
        "The rows after them are ours (ids with x).",
        "",
        "| artefact | what it is | notebook | result | status |",
        "|---|---|---|---|---|",
    ]
    for row in papers.everything().itertuples():
        name = notebooks[row.notebook].name
        result = ""
        if row.id in made:
            result = f"[{Path(made[row.id]).parts[1]}](../{made[row.id]})"
        link = f"[{name[:2]}](../notebooks/{name})"
        lines.append(f"| `{row.id}` | {row.title} | {link} | {result} | {row.status} |")
    return "\n".join(lines) + "\n"


def _made() -> dict[str, str]:
    """Artefact -> path of its committed result, the largest profile first."""
    root, found = settings.project(), {}
    for profile in ("quick", "full"):
        for kind in ("tables", "figures"):
            for path in sorted((root / "results" / profile / kind).glob("*.csv")):
                found[path.stem] = str(path.relative_to(root))
    return found


def _filled(text: str, start: str, end: str, made: str) -> str:
    """A text with what stands between two marks made anew."""
    for mark in (start, end):
        if mark not in text:
            raise EmolibError(f"the mark '{mark}' is gone; put it back around what is generated")
    return f"{text.partition(start)[0]}{start}\n{made}\n{end}{text.partition(end)[2]}"


def readme() -> str:
    """The README with its findings and its table as they should be."""
    text = _filled(
        (settings.project() / "README.md").read_text(), FINDINGS, FINDINGS_END, findings()
    )
    return _filled(text, NOTEBOOKS, NOTEBOOKS_END, notebooks_table())


def course_readme() -> str:
    """The course's README with goals, times and common mistakes from the exercises' sources."""
    text = (settings.project() / "notebooks/course/README.md").read_text()
    return _filled(text, EXERCISES, EXERCISES_END, course.all_notes())


GENERATED = {
    "environment.yml": environment_yml,
    "docs/artefacts.md": artefacts_md,
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
    found = []
    for name, make in GENERATED.items():
        path = root / name
        if not path.exists() or path.read_text() != make():
            found.append(name)
    return found
