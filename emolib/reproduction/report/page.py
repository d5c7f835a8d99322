"""index.html: the whole result folder on one static page that opens from disk, with no external request."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape

from emolib.ground import settings
from emolib.reproduction import papers, report
from emolib.reproduction.report import board
from emolib.reproduction.report import files as results


def write(profile: str) -> report.View:
    """Write index.html of a profile's result folder; returns a line that says where the page is."""
    folder = settings.results(profile)
    html = render(folder, profile)
    results.write(folder / "index.html", html)
    frame = pd.DataFrame(
        [{"page": "index.html", "artefacts": len(made(folder)), "kB": len(html.encode()) // 1024}]
    )
    return report.show(frame, "Written into the result folder")


def render(folder: Path, profile: str) -> str:
    """The page as text."""
    here, claims = made(folder), _csv(folder / "claims.csv")
    artefacts = [
        {**row, **_details(folder, row, here)} for row in papers.everything().to_dict("records")
    ]
    template = Environment(
        loader=PackageLoader("emolib.reproduction.report", "templates"),
        autoescape=select_autoescape(["html"]),
    ).get_template("index.html")
    return template.render(
        profile=profile,
        papers=papers.PAPERS | papers.HOUSE,
        artefacts=artefacts,
        coverage=coverage(profile).to_dict("records"),
        board=board.rows(claims),
        printed=board.tables(),
        timings=timings(profile).to_dict("records"),
        sources=_sources(folder),
        about=_about(folder),
        choices=papers.choices().to_dict("records"),
        verdicts=sorted({v for a in artefacts for v in a["kinds"]}),
    )


def made(folder: Path) -> dict[str, str]:
    """Artefact -> the path of its CSV inside the folder, for everything that has been made."""
    return {
        p.stem: str(p.relative_to(folder))
        for kind in ("tables", "figures")
        for p in sorted((folder / kind).glob("*.csv"))
    }


def coverage(profile: str) -> pd.DataFrame:
    """By paper: how many tables and figures there are, how many need no file (cited, repeats), how many are made."""
    here, table = set(made(settings.results(profile))), papers.artefacts()
    rows = []
    for paper in papers.PAPERS:
        mine = table[table.paper == paper]
        row = {"paper": paper}
        for kind in ("table", "figure"):
            part = mine[mine.kind == kind]
            row |= {f"{kind}s": len(part), f"{kind}s made": int(part.id.isin(here).sum())}
        rows.append(
            row
            | {
                "cited": int((mine.status == "cited").sum()),
                "repeats of another": int((mine.same_as != "").sum()),
            }
        )
    frame = pd.DataFrame(rows)
    frame.loc[len(frame)] = ["together", *frame.drop(columns="paper").sum()]
    return frame


def timings(profile: str) -> pd.DataFrame:
    """Seconds by notebook, its share of the whole in per cent, its slowest artefact, and how many rest on runs that were stored before."""
    table = _csv(settings.results(profile) / "timings.csv")
    if table.empty:
        return pd.DataFrame(
            columns=["notebook", "seconds", "artefacts", "cached", "slowest", "share"]
        )
    whole = table[table.artefact == ""].set_index("notebook").wall_seconds.astype(float)
    parts = table[table.artefact != ""]
    frame = pd.DataFrame(
        {
            "seconds": whole,
            "artefacts": parts.groupby("notebook").size(),
            "cached": parts.groupby("notebook").cached.apply(lambda c: int((c == "True").sum())),
            "slowest": parts.assign(s=parts.wall_seconds.astype(float))
            .sort_values("s")
            .groupby("notebook")
            .artefact.last(),
        }
    )
    frame["slowest"] = frame.slowest.fillna("")
    frame["share"] = (100 * frame.seconds / frame.seconds.sum()).round(1)
    return (
        frame.fillna({"artefacts": 0, "cached": 0})
        .astype({"artefacts": int, "cached": int})
        .rename_axis("notebook")
        .reset_index()
    )


def problems(profile: str) -> pd.DataFrame:
    """What is wrong with the folder (results.problems); an empty table when all is well."""
    return pd.DataFrame({"problem": results.problems(settings.results(profile))})


def against_committed(profile: str) -> pd.DataFrame:
    """Files of this run that differ from the committed results of the profile, and how many are the same."""
    here, reference = settings.results(profile), settings.committed(profile)
    if not reference.is_dir() or not here.is_dir() or reference.resolve() == here.resolve():
        return pd.DataFrame(columns=["state", "files", "first"])
    table = results.diff(here, reference)
    grouped = table.groupby("state")
    return pd.DataFrame(
        {"files": grouped.size(), "first": grouped.file.first(), "detail": grouped.detail.first()}
    ).reset_index()


def _csv(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.exists() else pd.DataFrame()


def _details(folder: Path, row: dict, here: dict) -> dict:
    """Links, badge and verdict counts of one artefact; empty where nothing has been made."""
    path = here.get(row["id"], "")
    if not path:
        return {
            "path": "",
            "picture": "",
            "note": "",
            "badge": "",
            "verdicts": "",
            "kinds": [],
            "head": [],
        }
    note = json.loads((folder / path).with_suffix(".json").read_text())
    long = _csv(folder / path)
    verdicts = (
        long.verdict[long.verdict != ""].value_counts()
        if "verdict" in long
        else pd.Series(dtype=int)
    )
    picture = path.replace(".csv", ".svg")
    return {
        "path": path,
        "note": path.replace(".csv", ".json"),
        "picture": picture if (folder / picture).exists() else "",
        "badge": report.badge_of(note["sources"]),
        "seconds": note["seconds"],
        "commit": note["commit"],
        "seeds": len(note["seeds"]),
        "verdicts": ", ".join(f"{n} {v}" for v, n in verdicts.items()),
        "kinds": list(verdicts.index),
        "head": _head(long),
    }


def _head(long: pd.DataFrame, most: int = 60) -> list[dict]:
    """The rows of a table, or points of a figure, that stand beside a printed number, shortened for the page."""
    if "printed" not in long:
        return []
    rows = long[(long.printed != "") & (long.measured != "")]
    keys = [
        c for c in long.columns[: list(long.columns).index("printed")] if rows[c].nunique() > 1
    ]  # what is the same in all tells nothing apart
    number = lambda v: float(v) if v else float("nan")  # noqa: E731
    return [
        {
            "of": " · ".join(str(r[k]) for k in keys if r[k]),
            "printed": r["printed"],
            "ours": report.ours(number(r["measured"]), number(r.get("low")), number(r.get("high"))),
            "verdict": r.get("verdict", ""),
        }
        for r in rows.head(most).to_dict("records")
    ]


def _sources(folder: Path) -> list[dict]:
    """Each data set behind the folder: real or simulated, and its fingerprint."""
    found = {}
    for note in sorted([*folder.glob("tables/*.json"), *folder.glob("figures/*.json")]):
        found |= json.loads(note.read_text())["sources"]
    return [{"set": name, **about} for name, about in sorted(found.items())]


def _about(folder: Path) -> dict:
    notes = sorted(folder.glob("tables/*.json"))
    note = json.loads(notes[0].read_text()) if notes else {}
    return {k: note.get(k, "") for k in ("commit", "python", "system", "versions")}
