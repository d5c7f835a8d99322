"""index.html: the result folder on one static page that opens from disk and asks nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from emolib.ground import settings
from emolib.reproduction import papers, report
from emolib.reproduction.report import board, central
from emolib.reproduction.report import files as results


def write(profile: str) -> report.View:
    """Write index.html of a profile's result folder; returns a line that says where the page is."""
    folder = settings.results(profile)
    html = render(folder, profile)
    results.write(folder / "index.html", html)
    row = {"page": "index.html", "artefacts": len(made(folder)), "kB": len(html.encode()) // 1024}
    return report.show(pd.DataFrame([row]), "Written into the result folder")


def render(folder: Path, profile: str) -> str:
    """The page as text."""
    here = made(folder)
    choices = papers.choices().to_dict("records")
    artefacts = []
    for row in papers.everything().to_dict("records"):
        deviations = [c for c in choices if row["id"] in c["artefacts"].split(";")]
        artefacts.append(row | _details(folder, row, here) | {"deviations": deviations})
    kinds = {verdict for artefact in artefacts for verdict in artefact["kinds"]}
    templates = PackageLoader("emolib.reproduction.report", "templates")
    house = Environment(loader=templates, autoescape=select_autoescape(["html"]))
    return house.get_template("index.html").render(
        profile=profile,
        papers=papers.PAPERS | papers.HOUSE,
        artefacts=artefacts,
        coverage=coverage(profile).to_dict("records"),
        central=central.rows(folder),
        board=board.rows(results.read(folder / "claims.csv")),
        printed=board.tables(),
        timings=timings(profile).to_dict("records"),
        sources=_sources(folder),
        seconds=_seconds(folder),
        about=_about(folder),
        choices=choices,
        verdicts=sorted(kinds),
    )


def made(folder: Path) -> dict[str, str]:
    """Artefact -> the path of its CSV inside the folder, for everything that has been made."""
    paths = [*sorted(folder.glob("tables/*.csv")), *sorted(folder.glob("figures/*.csv"))]
    return {path.stem: str(path.relative_to(folder)) for path in paths}


def central_claims(profile: str) -> report.View:
    """What the abstracts and conclusions rest on: a sentence each with its numbers and verdicts."""
    frame = pd.DataFrame(central.rows(settings.results(profile)))
    shown = frame[["paper", "said", "verdict", "outcome", "source"]]
    shown.columns = ["work", "the claim and its numbers", "in print", "measured", "source"]
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


def _details(folder: Path, row: dict, here: dict) -> dict:
    """Links, badge and verdict counts of one artefact; empty where nothing has been made."""
    path = here.get(row["id"], "")
    if not path:
        texts = dict.fromkeys(("path", "picture", "note", "badge", "verdicts"), "")
        return {**texts, "kinds": [], "head": []}
    note, picture = path.replace(".csv", ".json"), path.replace(".csv", ".svg")
    long = results.read(folder / path)
    verdicts = {}
    if "verdict" in long:
        verdicts = long.verdict[long.verdict != ""].value_counts().to_dict()
    return {
        "path": path,
        "note": note,
        "picture": picture if (folder / picture).exists() else "",
        "badge": report.badge_of(json.loads((folder / note).read_text())["sources"]),
        "verdicts": ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()),
        "kinds": list(verdicts),
        "head": _head(long),
    }


def _head(long: pd.DataFrame) -> list[dict]:
    """The first rows of a table, or points of a figure, that stand beside a printed number."""
    if "printed" not in long:
        return []
    rows = long[(long.printed != "") & (long.measured != "")]
    before = long.columns[: list(long.columns).index("printed")]
    keys = [c for c in before if rows[c].nunique() > 1]  # the same in all tells nothing apart
    shown = []
    for row in rows.head(60).to_dict("records"):
        values = [row.get(name) for name in ("measured", "low", "high")]
        shown.append(
            {
                "of": " · ".join(row[key] for key in keys if row[key]),
                "printed": row["printed"],
                "ours": report.ours(*(float(value or "nan") for value in values)),
                "verdict": row.get("verdict", ""),
            }
        )
    return shown


def _sources(folder: Path) -> list[dict]:
    """Each data set behind the folder: real or simulated, and its fingerprint."""
    sources = {}
    for note in sorted([*folder.glob("tables/*.json"), *folder.glob("figures/*.json")]):
        sources |= json.loads(note.read_text())["sources"]
    return [{"set": name, **about} for name, about in sorted(sources.items())]


def _seconds(folder: Path) -> dict[str, float]:
    """Claim -> seconds of the runs behind it."""
    note = folder / "claims.json"
    return json.loads(note.read_text()).get("seconds", {}) if note.exists() else {}


def _about(folder: Path) -> dict:
    notes = sorted(folder.glob("tables/*.json"))
    note = json.loads(notes[0].read_text()) if notes else {}
    return {k: note.get(k, "") for k in ("commit", "python", "system", "versions")}
