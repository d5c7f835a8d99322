"""The report of a result folder: a small site of static pages that open from disk and ask nobody.

index.html      ten questions and their answers, the central claims, what it was made from
<paper>.html    a work's tables in its own grids, its figures, and where we deviate
claims.html     every claim with both verdicts and the printed cells it rests on
notebooks/      the executed notebooks, which `executed` writes as they end; every artefact links to
                the cell that made it
explore/*.html  (explore.static) points of some runs, linked from here and from their artefacts
"""

from __future__ import annotations

import functools
import json
from functools import partial
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from emolib.ground import settings
from emolib.reproduction import papers, report
from emolib.reproduction.report import alt, board, central, deciding, executed, grid
from emolib.reproduction.report import files as results

SHOWN = 60  # rows of a table that no paper has; the file has all of them


def write(profile: str) -> report.View:
    """Write the pages into a profile's result folder; returns a line for each."""
    folder = settings.results(profile)
    rows = []
    for name, html in render(folder, profile).items():
        results.write(folder / name, html)
        rows.append({"page": name, "kB": len(html.encode()) // 1024})
    return report.show(pd.DataFrame(rows), "Written into the result folder")


@functools.cache
def house(package: str = "emolib.reproduction.report") -> Environment:
    """The templates of all pages of a package."""
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )


def style() -> str:
    """The `<style>` of all pages."""
    return house().get_template("style.html").render()


def render(folder: Path, profile: str) -> dict[str, str]:
    """File name -> the page as text."""
    names = papers.PAPERS | papers.HOUSE
    pages_of = explored(folder)
    every = sorted({name for pages in pages_of.values() for name in pages})
    shared = {"profile": profile, "papers": names, "explored": every}
    shared |= {"alt": partial(alt.text, folder), "at": partial(deciding.at, profile)}
    claims, read = central.rows(folder, profile), executed.listed(folder)
    shown = deciding.rows(folder, profile)
    judged = pd.DataFrame(shown)
    pages = {
        "index.html": house()
        .get_template("index.html")
        .render(
            notebooks=read,
            questions=central.questions(folder, profile),
            central=claims,
            outcomes=report.outcomes(judged),
            coverage=coverage(profile).to_dict("records"),
            timings=timings(profile).to_dict("records"),
            sources=_sources(folder),
            about=_about(folder),
            **shared,
        ),
        "claims.html": house()
        .get_template("claims.html")
        .render(
            board=board.rows(judged),
            printed=board.tables(),
            seconds=deciding.seconds(shown),
            here={claim["id"]: claim["here"] for claim in shown},
            **shared,
        ),
    }
    here, choices = made(folder), papers.choices().to_dict("records")
    cells = {id: f"notebooks/{one['number']}.html#{id}" for one in read for id in one["ids"]}
    everything = papers.everything().to_dict("records")
    for paper in names:
        own = [row for row in everything if row["paper"] == paper]
        pages[f"{paper}.html"] = (
            house()
            .get_template("paper.html")
            .render(
                paper=paper,
                central=[claim for claim in claims if claim["paper"] == paper],
                artefacts=[
                    _details(folder, row, here, choices) | {"explored": pages_of.get(row["id"], [])}
                    for row in own
                ],
                cells=cells,
                choices=[choice for choice in choices if choice["paper"] == paper],
                **shared,
            )
        )
    return pages


def made(folder: Path) -> dict[str, str]:
    """Artefact -> the path of its CSV inside the folder, for everything that has been made."""
    paths = [*sorted(folder.glob("tables/*.csv")), *sorted(folder.glob("figures/*.csv"))]
    return {path.stem: str(path.relative_to(folder)) for path in paths}


def explored(folder: Path) -> dict[str, list[str]]:
    """Artefact -> names of the explorer's pages that show its samples; '' for pages of none."""
    pages: dict[str, list[str]] = {}
    for path in sorted(folder.glob("explore/*.html")):
        note = path.with_suffix(".json")
        about = json.loads(note.read_text()).get("about", {}) if note.exists() else {}
        for artefact in about.get("artefacts") or [""]:
            pages.setdefault(artefact, []).append(path.stem)
    return pages


def central_claims(profile: str) -> report.View:
    """What the abstracts and conclusions rest on: a sentence each with its numbers and verdicts."""
    frame = pd.DataFrame(central.rows(settings.results(profile), profile))
    shown = frame[["paper", "said", "verdict", "outcome", "source", "profile"]]
    shown.columns = ["work", "the claim and its numbers", "in print", "measured", "source", "at"]
    return report.show(shown, "The central claims", words=True)


def coverage(profile: str) -> pd.DataFrame:
    """By paper: how many tables and figures there are, are made, and need no file."""
    here, table = set(made(settings.results(profile))), papers.artefacts()
    rows = []
    for paper in papers.PAPERS:
        own = table[table.paper == paper]
        row = {"paper": paper}
        for kind in ("table", "figure"):
            ids = own.id[own.kind == kind]
            row |= {f"{kind}s": len(ids), f"{kind}s made": int(ids.isin(here).sum())}
        cited, repeats = int((own.status == "cited").sum()), int((own.same_as != "").sum())
        rows.append(row | {"cited": cited, "repeats of another": repeats})
    frame = pd.DataFrame(rows)
    frame.loc[len(frame)] = ["together", *frame.drop(columns="paper").sum()]
    return frame


def timings(profile: str) -> pd.DataFrame:
    """By notebook: seconds, share in per cent, slowest artefact, how many rest on stored runs."""
    table = results.read(settings.results(profile) / "timings.csv")
    columns = ["notebook", "seconds", "artefacts", "cached", "slowest", "share"]
    if table.empty:
        return pd.DataFrame(columns=columns)
    table["wall_seconds"] = table.wall_seconds.astype(float)
    table["cached"] = table.cached == "True"
    whole = table[table.artefact == ""].set_index("notebook").wall_seconds
    parts = table[table.artefact != ""].sort_values("wall_seconds").groupby("notebook")
    frame = pd.DataFrame(
        {"seconds": whole, "artefacts": parts.size(), "cached": parts.cached.sum()}
    )
    frame[["artefacts", "cached"]] = frame[["artefacts", "cached"]].fillna(0).astype(int)
    frame["slowest"] = parts.artefact.last().reindex(frame.index).fillna("")
    frame["share"] = (100 * frame.seconds / frame.seconds.sum()).round(1)
    return frame.rename_axis("notebook").reset_index()


def problems(profile: str) -> pd.DataFrame:
    """What is wrong with the folder (results.problems); an empty table when all is well."""
    return pd.DataFrame({"problem": results.problems(settings.results(profile))})


def against_committed(profile: str) -> pd.DataFrame:
    """Files of this run that differ from the committed results, and how many are the same."""
    here, reference = settings.results(profile), settings.committed(profile)
    if not reference.is_dir() or not here.is_dir() or reference.resolve() == here.resolve():
        return pd.DataFrame(columns=["state", "files", "first"])
    grouped = results.diff(here, reference).groupby("state")
    first = {"first": grouped.file.first(), "detail": grouped.detail.first()}
    return pd.DataFrame({"files": grouped.size(), **first}).reset_index()


def _details(folder: Path, row: dict, here: dict, choices: list[dict]) -> dict:
    """An artefact with its links, badge, grids or picture; `path` is empty where it was not made.

    grids   one a protocol: protocol, sources, html;   rows  how many its file has
    colour  'real', 'simulated' or 'print': the badge, which may name a set, as a class
    """
    about = row | {
        "deviations": [c for c in choices if row["id"] in c["artefacts"].split(";")],
        "path": here.get(row["id"], ""),
        "picture": "",
        "mistakes": [],
        "grids": [],
    }
    if not about["path"]:
        return about
    note, picture = (about["path"].replace(".csv", end) for end in (".json", ".svg"))
    badge = report.badge_of(results.sources(folder / note))
    colour = "simulated" if "simulated" in badge else badge.partition(":")[0]
    about |= {"note": note, "badge": badge, "colour": colour}
    if (folder / picture).exists():
        return about | {"picture": picture, "mistakes": mistakes(folder / about["path"])}
    long = results.read(folder / about["path"])
    about["rows"] = len(long)
    if row["id"] in papers.table_ids():
        drawn = grid.of(row["id"], long)
        about["grids"] = [vars(one) | {"html": Markup(one.html)} for one in drawn]
    else:
        about["grids"] = [{"protocol": "", "html": Markup(plain(long.head(SHOWN)))}]
    return about


def mistakes(path: Path, most: int = 4) -> list[dict]:
    """The largest cells off the diagonal of a figure's confusion matrices: true, named, share.

    None of a figure that has no such matrix.
    """
    cells = results.read(path)
    if not {"true", "named", "measured"} <= set(cells):
        return []
    cells = cells[(cells.true != cells.named) & (cells.measured != "")]
    cells = cells.assign(share=cells.measured.astype(float))
    largest = cells.sort_values("share", ascending=False, kind="stable")
    return largest.drop_duplicates(["true", "named"])[["true", "named", "share"]][:most].to_dict(
        "records"
    )


def plain(long: pd.DataFrame) -> str:
    """A table of ours as it stands in its file, without columns that say nothing."""
    numbers = ["measured", "low", "high"]
    values = long[numbers].apply(pd.to_numeric, errors="coerce")
    ours = [report.ours(*value) for value in values.itertuples(index=False)]
    shown = long.drop(columns=[*numbers, "printed", "verdict"], errors="ignore").assign(ours=ours)
    said = [name for name in shown if (shown[name] != "").any()]
    return shown[said].to_html(index=False, border=0, classes="grid", justify="left")


def _sources(folder: Path) -> list[dict]:
    """Each data set behind the folder: real or simulated, and its fingerprint."""
    found = {}
    for note in sorted([*folder.glob("tables/*.json"), *folder.glob("figures/*.json")]):
        found |= results.sources(note)
    return [{"set": name, **about} for name, about in sorted(found.items())]


def _about(folder: Path) -> dict:
    notes = sorted(folder.glob("tables/*.json"))
    note = json.loads(notes[0].read_text()) if notes else {}
    return {k: note.get(k, "") for k in ("commit", "python", "system", "versions")}
