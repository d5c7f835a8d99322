"""Generated files: environment.yml, docs/artefacts.md, a table in the README, the course's notes.

`emolib docs` writes them anew; a test fails when one of them is not what this module would write.
`emolib docs --pictures` takes the README's pictures in a browser too; a test fails when what one of
them shows has changed since.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.cli import runner
from emolib.reproduction.course import build, pages
from emolib.reproduction.report import alt, central, deciding
from emolib.reproduction.report import files as results

PROFILE = "quick"  # what a plain run makes: the README's own
FINDINGS, FINDINGS_END = "<!-- generated: findings -->", "<!-- end findings -->"
NOTEBOOKS, NOTEBOOKS_END = "<!-- generated: notebooks -->", "<!-- end notebooks -->"
EXERCISES, EXERCISES_END = "<!-- generated: exercises -->", "<!-- end exercises -->"
WEEKS, WEEKS_END = "<!-- generated: weeks -->", "<!-- end weeks -->"

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
      - -e .[reproduce,detectors,backbones,explore,test]
"""


def binder_yml() -> str:
    """For Binder: PyTorch's CPU build from conda-forge, and what the notebooks need besides."""
    project = tomllib.loads((settings.project() / "pyproject.toml").read_text())["project"]
    wanted = list(project["dependencies"])
    for extra in ("networks", "media", "reproduce", "explore"):
        wanted += project["optional-dependencies"][extra]
    conda = {"torch": "pytorch-cpu", "torchvision": "torchvision"}
    from_conda, from_pip = [], []
    for text in wanted:
        name, _, version = text.partition("==")
        if name in conda:
            from_conda.append(f"  - {conda[name]}={version}")
        elif name != "torchaudio" and not name.startswith("emolib"):
            from_pip.append(f"      - {text}")
    lines = [
        "# Generated from pyproject.toml by `emolib docs`; postBuild adds emolib itself.",
        "name: emolib-binder",
        "channels:",
        "  - conda-forge",
        "dependencies:",
        "  - python=3.12",
        "  - pip",
        "  - ffmpeg",
        *from_conda,
        "  - pip:",
        *from_pip,
    ]
    return "\n".join(lines) + "\n"


def notebooks_table() -> str:
    """One row a notebook: question, where its data come from, first result, minutes at quick."""
    made, times = _made(), runner.measured(PROFILE)
    lines = ["| notebook | question | data | result | minutes |", "|---|---|---|---|---|"]
    for number, path in sorted(runner.notebooks().items()):
        question, first = QUESTIONS[number]
        result = f"[{first}]({made[first]})" if first in made else ""
        seconds = times.get((number, ""))
        minutes = "" if seconds is None else f"{seconds / 60:.1f}"
        name = f"[{path.stem}](notebooks/{path.name})"
        executed = f"results/{PROFILE}/notebooks/{number}.ipynb"
        if (settings.project() / executed).exists():
            name += f" ([read]({executed}))"
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

    Each from the largest committed profile that decided its claim (report/deciding.py).
    """
    notebooks, lines = runner.notebooks(), []
    pictures = papers.central().set_index("claim").picture
    for claim in central.rows(settings.committed(PROFILE), PROFILE):
        if claim["headline"] != "yes":
            continue
        id = claim["cells"].partition(" | ")[0]
        folders = claim["place"], settings.committed(PROFILE)
        badge, outcome = claim["source"], claim["outcome"] + deciding.at(PROFILE, claim)
        if id == central.ARITHMETIC:  # what print says of itself, whatever was measured
            id, badge, outcome = pictures[claim["id"]], "print", claim["verdict"]
        cell = central.file_of(id, *folders).relative_to(settings.project())
        notebook = notebooks[claim["notebook"]].name
        lines += [
            f"- {claim['said']}",
            f"  *{badge}*, {outcome} · [cell]({cell}) · "
            f"[notebook {notebook[:2]}](notebooks/{notebook})",
        ]
    return "\n".join(lines)


def findings_md() -> str:
    """The ten strongest findings, with a picture and what would overturn each."""
    root = settings.project()
    folder = root / "results" / PROFILE
    lines = [
        "# The ten strongest findings",
        "",
        "Generated by `./reproduce.sh docs` from [results/quick](../results/quick): every number "
        "is read from the file it links to. In brackets stands the interval over people, films or "
        "folds.",
    ]
    for number, one in enumerate(central.findings(folder), 1):
        cell = f" · [cell](../{one['cell'].relative_to(root)})" if one["cell"] else ""
        lines += [
            "",
            f"## {number}. {one['finding']}",
            "",
            one["said"][0].upper() + one["said"][1:],
            "",
            f"*{one['source']}*, {one['outcome']}{cell}",
        ]
        if one["picture"]:
            path = f"../results/quick/{one['picture']}"
            lines += ["", f"![{alt.text(folder, one['picture'])}]({path})"]
        lines += ["", f"What would overturn it: {one['overturn']}."]
    return "\n".join(lines) + "\n"


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
    for profile in reversed(deciding.LARGEST_FIRST):
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
    text = _filled(text, WEEKS, WEEKS_END, pages.weeks_table())
    return _filled(text, EXERCISES, EXERCISES_END, build.all_notes())


GENERATED = {
    "environment.yml": environment_yml,
    "binder/environment.yml": binder_yml,
    "docs/artefacts.md": artefacts_md,
    "docs/findings.md": findings_md,
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


# ---------------------------------------------------------------- pictures of what a reader sees

# picture in docs/ -> what it shows: when one of these files changes, it is out of date
PICTURES = {
    "report.png": ("results/quick/index.html",),
    "explorer.png": ("emolib/reproduction/explore/*",),
}
TAKEN = "docs/pictures.json"  # picture -> digest of what it showed when it was taken


def shown_by(picture: str) -> str:
    """Digest of the files behind a picture, as they are now."""
    root, digest = settings.project(), hashlib.sha256()
    for pattern in PICTURES[picture]:
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def taken() -> dict[str, str]:
    """Picture -> digest of what it showed; empty where none has been taken."""
    path = settings.project() / TAKEN
    return json.loads(path.read_text()) if path.exists() else {}


def old_pictures() -> list[str]:
    """Pictures that are not there, or whose subject has changed since they were taken."""
    there, known = settings.project() / "docs", taken()
    return [n for n in PICTURES if not (there / n).exists() or known.get(n) != shown_by(n)]


def take_pictures() -> list[Path]:
    """Take the pictures that are out of date in a real browser (tools/screenshots.py)."""
    root = settings.project()
    for picture in old_pictures():
        tool = [sys.executable, str(root / "tools" / "screenshots.py")]
        done = subprocess.run([*tool, "--only", Path(picture).stem])
        if done.returncode:
            raise EmolibError(f"docs/{picture} was not taken; what is missing is said above")
        known = taken() | {picture: shown_by(picture)}
        results.write(root / TAKEN, json.dumps(known, indent=1, sort_keys=True) + "\n")
    return [root / "docs" / picture for picture in PICTURES]
