"""Printed against measured: the one place where an outcome becomes files and something to see.

report.table("wang-t3", outcome)           tables/wang-t3.csv and .json; printed | ours | verdict
report.figure("wang-f6", outcome, draw)    figures/wang-f6.csv, .svg, .png and .json; the picture
report.claims("wang", verdicts, outcome)   the second verdicts, into claims.csv
"""

from __future__ import annotations

import base64
import html
import io
import json
import math
import sys
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib.data.catalog import CATALOG
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.report import pictures
from emolib.reproduction.runs.claims import OUTCOMES, WEAK, unmeasured
from emolib.reproduction.runs.outcome import Pictures

_MEASURED = ("measured", "low", "high")
TABLE_COLUMNS = ("metric", "protocol", "printed", *_MEASURED, "unit", "source", "verdict")
# what a notebook adds to a claim: fields of runs.Verdict, and its profile
SECOND = ("outcome", "gate", "because", "source", "rests_on", "people", "floor", "profile")
_FIRST = ("id", "paper", "place", "statement", "artefacts", "check", "verdict", "arithmetic")
CLAIM_COLUMNS = (*_FIRST, "needs", "notebook", *SECOND)
TIMING_COLUMNS = ("notebook", "artefact", "wall_seconds", "cached")

_since = time.perf_counter()


def begin() -> None:
    """A notebook begins in a kernel that served another: its clock and its ledger are its own."""
    from emolib.reproduction import runs

    global _since
    runs.ledger(clear=True)
    _since = time.perf_counter()


# ---------------------------------------------------------------- what a notebook shows


@dataclass(frozen=True)
class View:
    """Something to look at in a notebook (`html`), with the long table behind it (`frame`)."""

    html: str
    frame: pd.DataFrame

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.frame.to_string(index=False)


STYLE = """<style>
.emolib {border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .3em 0}
.emolib th, .emolib td {padding: .15em .6em; text-align: right;
 border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent)}
.emolib th:first-child, .emolib td:first-child {text-align: left}
.emolib-words th, .emolib-words td {text-align: left; vertical-align: top}
.emolib caption {caption-side: top; text-align: left; font-weight: 600; padding: .2em 0}
.emolib-badge {border: 1px solid currentColor; border-radius: .8em; padding: 0 .6em;
 font-size: .8em; font-weight: 600; margin-left: .5em}
.emolib-note {opacity: .75; font-size: .9em}
</style>"""


def badge(source: str) -> str:
    """The mark that goes with every number: real, simulated, or from print alone."""
    return f'<span class="emolib-badge">{html.escape(source)}</span>'


def as_html(frame: pd.DataFrame, caption: str = "", source: str = "", words: bool = False) -> str:
    """A plain table, readable in light, dark and print. `words`: sentences rather than numbers."""
    kind = "emolib emolib-words" if words else "emolib"
    body = frame.to_html(
        index=False, border=0, classes=kind, na_rep="", float_format=lambda v: f"{v:.4g}"
    )
    head = f"<caption>{html.escape(caption)}{badge(source) if source else ''}</caption>"
    return STYLE + body.replace("<thead>", head + "<thead>", 1)


def show(frame: pd.DataFrame, caption: str, source: str = "", words: bool = False) -> View:
    """A table to look at, without a file."""
    return View(as_html(frame, caption, source, words), frame)


def players(sounds: dict, rate: int, caption: str) -> View:
    """One audio player per simulated sound; nothing is written to a file.

    sounds   name -> float (samples,) in [-1, 1];   rate   samples per second
    """
    import soundfile

    cells = []
    for name, wave in sounds.items():
        raw = io.BytesIO()
        soundfile.write(raw, wave, rate, format="WAV", subtype="PCM_16")
        sound = base64.b64encode(raw.getvalue()).decode()
        cells.append(
            f'<div style="display:inline-block;margin:4px 10px"><div>{html.escape(name)}</div>'
            '<audio controls preload="none" style="width:220px;height:32px" '
            f'src="data:audio/wav;base64,{sound}"></audio></div>'
        )
    head = f"{STYLE}<p><b>{html.escape(caption)}</b>{badge('simulated')}</p>"
    seconds = [len(wave) / rate for wave in sounds.values()]
    frame = pd.DataFrame({"sound": list(sounds), "seconds": seconds})
    return View(f"{head}<div>{''.join(cells)}</div>", frame)


# ---------------------------------------------------------------- tables


def table(
    id: str, outcome, *, rows=None, columns: str | None = None, where: dict | None = None
) -> View:
    """Write the table `id` and show it: printed | ours [interval] | verdict, with its badge.

    rows, columns  names of the columns that span the view (`columns` runs across, e.g.
                   'protocol'); without them the long table is shown, as it stands in the file
    where          {column: value or values}: the part of a long table worth looking at
    """
    row = papers.artefact(id)
    long = beside_print(id, outcome)
    folder = settings.results(outcome.profile) / "tables"
    checksum = results.write(folder / f"{id}.csv", results.table_text(long))
    _finish(folder / f"{id}.json", row, outcome, {f"tables/{id}.csv": checksum})
    shown = rows_where(long, where)
    shown = _crossed(shown, rows, columns) if rows else _compact(shown)
    return View(as_html(shown, _title(row), badge_of(outcome.sources)), long)


def _title(row) -> str:
    return f"{row.label} of {row.paper}: {row.title}"


def rows_where(frame: pd.DataFrame, where: dict | None) -> pd.DataFrame:
    """The rows in which each column named holds the value, or one of the values, given."""
    for column, value in (where or {}).items():
        wanted = [value] if isinstance(value, str) else list(value)
        if column not in frame or not frame[column].isin(wanted).any():
            there = sorted(map(str, frame.get(column, pd.Series()).unique()))
            raise EmolibError(f"no row with {column} in {wanted}; there is {there}")
        frame = frame[frame[column].isin(wanted)]
    return frame


def beside_print(id: str, outcome) -> pd.DataFrame:
    """The long table of an outcome with what was printed, the badge and the verdict of each row.

    Every printed cell appears, measured or not; rows of ours that the paper does not have follow
    with an empty `printed`. A printed key `source` is called `reported by`: `source` is the badge,
    and an outcome may bring its own for each row, where one row is real and the next is not.
    """
    measured = outcome.frame.copy()
    for column, default in (("protocol", ""), ("low", np.nan), ("high", np.nan)):
        if column not in measured:
            measured[column] = default
    if id in papers.table_ids():
        measured, keys = _with_print(id, measured)
    else:  # a table of ours
        measured["printed"], keys = np.nan, [c for c in measured if c not in TABLE_COLUMNS]
    if "unit" not in measured:
        measured["unit"] = ""
    own = source_of(outcome)
    if "source" in measured:
        own = measured["source"].fillna(own)
    measured["source"] = np.where(measured["measured"].notna(), own, "print")
    measured["verdict"] = [row_verdict(row, outcome) for row in measured.itertuples()]
    extra = [c for c in outcome.frame if c not in (*keys, *TABLE_COLUMNS)]
    return measured[[*keys, *TABLE_COLUMNS, *extra]]


def _with_print(id: str, measured: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Our rows joined to the printed cells of table `id`, in the order of print, and its keys."""
    names = {"value": "printed", "source": "reported by"}
    printed = papers.published(id).drop(columns="note").rename(columns=names)
    keys = [c for c in printed if c not in ("metric", "printed", "unit")]
    missing = [k for k in (*keys, "metric", "measured") if k not in measured]
    if missing:
        expected = [*keys, "metric", "protocol", "measured"]
        raise EmolibError(f"{id}: the outcome has no column '{missing[0]}'; expected {expected}")
    printed["order"], measured["ours"] = range(len(printed)), range(len(measured))
    joined = measured.merge(printed, on=[*keys, "metric"], how="outer", suffixes=("", "_print"))
    if "unit_print" in joined:
        joined["unit"] = joined["unit"].where(joined["unit"].notna(), joined.pop("unit_print"))
    joined = joined.sort_values(["order", "ours"], na_position="last", kind="stable")
    joined["protocol"] = joined["protocol"].fillna("")
    return joined.reset_index(drop=True), keys


def row_verdict(row, outcome) -> str:
    """One row, printed against ours. Empty where there is nothing to compare."""
    if pd.isna(row.printed) or pd.isna(row.measured):
        return ""
    if outcome.exact is not None:  # the print was cut, not rounded, to so many decimals
        digits = 10**outcome.exact
        same = math.floor(row.measured * digits + 1e-9) / digits == row.printed
        return "the same digits" if same else "other digits"
    if outcome.settled is not None and row.protocol not in outcome.settled:
        return WEAK
    if pd.isna(row.low) or pd.isna(row.high):
        return "equal" if math.isclose(row.printed, row.measured) else "not equal"
    verdict = "print is higher" if row.printed > row.high else "print is lower"
    if row.low <= row.printed <= row.high:
        verdict = "inside our interval"
    if row.source == "simulated":
        return f"in simulation: {verdict}"
    return f"on another set: {verdict}" if _standing_in(outcome.sources) else verdict


def source_of(outcome) -> str:
    """'print' without any data set, 'simulated' as soon as one is, otherwise 'real'."""
    return _kind(outcome.sources)


def _kind(sources: dict) -> str:
    kinds = {s["source"] for s in sources.values()}
    if not kinds:
        return "print"
    return "simulated" if "simulated" in kinds else "real"


def badge_of(sources: dict) -> str:
    """The badge: `source_of`, and which real set stands in the place of the works' own."""
    kind = _kind(sources)
    names = [f"{one.title}, not {CATALOG[one.stands_for].title}" for one in _standing_in(sources)]
    if not names:
        return kind
    return f"{'' if kind == 'real' else 'partly simulated; '}real: {'; '.join(names)}"


def _standing_in(sources: dict) -> list:
    """Catalog entries of the sets among `sources` that take the place of another one."""
    known = [CATALOG[name] for name in sources if name in CATALOG]
    return [entry for entry in known if entry.stands_for]


def ours(measured, low, high) -> str:
    """'0.231 [0.198, 0.262]', or the plain value where there is no interval."""
    if pd.isna(measured):
        return ""
    if float(measured).is_integer() and abs(measured) >= 1000:  # a count: every digit matters
        return f"{measured:,.0f}"
    if pd.isna(low) or pd.isna(high):
        return f"{measured:.3g}"
    return f"{measured:.3f} [{low:.3f}, {high:.3f}]"


def _cells(long: pd.DataFrame) -> dict:
    """The columns `printed` and `ours` of a view, as text."""
    return {
        "printed": long.printed.map(lambda v: "" if pd.isna(v) else f"{v:g}"),
        "ours": [ours(*v) for v in zip(long.measured, long.low, long.high, strict=True)],
    }


def _compact(long: pd.DataFrame) -> pd.DataFrame:
    shown = long.drop(columns=["printed", "measured", "low", "high", "unit", "source", "verdict"])
    shown = shown.drop(columns=[c for c in ("metric", "protocol") if shown[c].nunique() == 1])
    return _without_empty_print(shown.assign(**_cells(long), verdict=long.verdict))


def _crossed(long: pd.DataFrame, rows, columns: str | None) -> pd.DataFrame:
    rows = [rows] if isinstance(rows, str) else list(rows)
    frame = long[rows].assign(**_cells(long))
    if columns is None:
        return _without_empty_print(frame)
    frame["across"] = long[columns]
    order = [c for c in dict.fromkeys(frame.across) if c]
    grid = frame.pivot_table("ours", rows, "across", aggfunc="first", sort=False)
    grid = grid.reindex(columns=order)
    grid.insert(0, "printed", frame.groupby(rows, sort=False).printed.max())
    return _without_empty_print(grid.reset_index().rename_axis(columns=None).fillna(""))


def _without_empty_print(frame: pd.DataFrame) -> pd.DataFrame:
    """A table that no paper has needs no column for what it prints."""
    return frame.drop(columns="printed") if (frame.printed == "").all() else frame


# ---------------------------------------------------------------- figures


def figure(id: str, outcome, draw, *arguments, **options) -> View:
    """Draw the figure `id`, write it with its data, put its badge into the picture, and show it.

    draw   a function of `plots`; it gets the outcome's frame (the outcome itself where it holds
           pictures), then `arguments` and `options`. Or a figure that is drawn already (a diagram).
    """
    import matplotlib.pyplot as plt

    fig, frame = draw, outcome.frame
    if callable(draw):
        fig = draw(outcome if isinstance(outcome, Pictures) else frame, *arguments, **options)
    row = papers.artefact(id)
    source, words = source_of(outcome), badge_of(outcome.sources)
    folder = settings.results(outcome.profile) / "figures"
    pictures.sign(fig, f"{id} · {words}" + (f" · {outcome.profile}" if outcome.sources else ""))
    pictures.rasterise(fig)
    if "source" not in frame:
        frame = frame.assign(source=source)
    drawn = {kind: pictures.saved(fig, kind) for kind in ("svg", "png")}
    plt.close(fig)
    contents = {"csv": results.table_text(frame), **drawn}
    files = {
        f"figures/{id}.{kind}": results.write(folder / f"{id}.{kind}", content)
        for kind, content in contents.items()
    }
    _finish(folder / f"{id}.json", row, outcome, files)
    picture = base64.b64encode(drawn["png"]).decode()
    caption = html.escape(_title(row))
    return View(
        f'{STYLE}<figure style="margin:0"><figcaption><b>{caption}</b>{badge(words)}</figcaption>'
        f'<img alt="{caption}" style="max-width:100%;background:white" '
        f'src="data:image/png;base64,{picture}"></figure>',
        frame,
    )


# ---------------------------------------------------------------- claims


def claims(paper: str, verdicts, outcome) -> View:
    """Write the second verdicts on claims of `paper` that were measured; show both verdicts."""
    known = papers.claims().set_index("id", drop=False)
    rows, seconds = [], {}
    for verdict in verdicts:
        if verdict.claim not in known.index or known.paper[verdict.claim] != paper:
            raise EmolibError(f"claims: '{verdict.claim}' is not a claim of {paper} in claims.csv")
        rows.append(known.loc[verdict.claim].to_dict() | second(verdict, outcome.profile))
        seconds[verdict.claim] = verdict.seconds
    write_claims(rows, outcome, seconds)
    frame = pd.DataFrame(rows, columns=CLAIM_COLUMNS)
    shown = frame[["id", "place", "statement", "verdict", "outcome", "because", "source"]]
    shown.columns = ["claim", "where", "statement", "in print", "measured", "because", "source"]
    return View(as_html(shown, f"Claims of {paper}: two verdicts each", words=True), frame)


def second(verdict, profile: str = "") -> dict[str, str]:
    """The columns SECOND of a verdict, as text."""
    cells = {name: getattr(verdict, name, None) for name in SECOND} | {"profile": profile}
    if cells["floor"] is not None:
        cells["floor"] = f"{cells['floor']:.2g}"
    return {name: "" if cell is None else str(cell) for name, cell in cells.items()}


def with_second(measured: pd.DataFrame) -> list[dict]:
    """All claims, with the second verdicts that a claims.csv has for those that were measured."""
    stood, rows = {row["id"]: row for row in measured.to_dict("records")}, []
    for claim in papers.claims().to_dict("records"):
        own = {name: stood.get(claim["id"], {}).get(name, "") for name in SECOND}
        if not own["profile"]:  # its notebook has not been run into this folder
            about = (claim[name] for name in ("id", "needs", "arithmetic", "notebook"))
            own = second(unmeasured(*about))
        rows.append(claim | own)
    return rows


def outcomes(measured: pd.DataFrame) -> dict[str, int]:
    """Outcome -> how many claims of a claims.csv have it; empty where none has been judged."""
    counts = measured.outcome.value_counts() if len(measured) else {}
    return {outcome: int(counts[outcome]) for outcome in OUTCOMES if outcome in counts}


def write_claims(rows: list[dict], outcome, seconds: dict[str, float] | None = None) -> None:
    """Put rows of CLAIM_COLUMNS into claims.csv by their ids; bring its provenance up to date.

    seconds   of the runs behind each claim
    """
    folder = settings.results(outcome.profile)
    with results.alone(folder):  # the table and its checksum belong together
        checksum = results.update_rows(folder / "claims.csv", rows, ("id",), CLAIM_COLUMNS)
        before = _before(folder / "claims.json")
        about = {
            "artefact": "claims",
            "profile": outcome.profile,
            "sources": before.get("sources", {}) | outcome.sources,
            "seeds": sorted({*before.get("seeds", []), *outcome.seeds}),
            "seconds": before.get("seconds", {}) | (seconds or {}),
            **results.environment(),
        }
        results.write_provenance(folder / "claims.json", {"claims.csv": checksum}, about)


def _before(path) -> dict:
    """What the provenance says so far; nothing, and said, where it is damaged."""
    try:
        return dict(json.loads(path.read_text())) if path.exists() else {}
    except (ValueError, TypeError) as error:
        print(f"{path} is damaged ({error}); written anew", file=sys.stderr)
        return {}


# ---------------------------------------------------------------- shared


def _finish(path, row, outcome, files: dict) -> None:
    """Provenance and the timing row of one artefact: what it cost since the one before it."""
    global _since

    from emolib.reproduction import runs

    used, seconds = runs.ledger(clear=True), time.perf_counter() - _since
    about = {
        "artefact": row.id,
        "title": row.title,
        "paper": row.paper,
        "label": row.label,
        "profile": outcome.profile,
        "sources": outcome.sources,
        "seeds": list(outcome.seeds),
        "caps": outcome.caps,
        "device": sorted({u.device for u in used}) or ["cpu"],
        "runs": sorted({u.key for u in used}),
        "run_seconds": round(sum({u.key: u.seconds for u in used}.values()), 3),
        "seconds": round(seconds, 3),
        **results.environment(),
    }
    results.write_provenance(path, files, about)
    timing = {
        "notebook": row.notebook,
        "artefact": row.id,
        "wall_seconds": f"{seconds:.2f}",
        "cached": any(u.cached for u in used),
    }
    timings = path.parent.parent / "timings.csv"
    results.update_rows(timings, [timing], ("notebook", "artefact"), TIMING_COLUMNS)
    _since = time.perf_counter()
