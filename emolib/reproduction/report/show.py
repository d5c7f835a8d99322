"""Printed against measured: the one place where a study's outcome becomes files and something to look at.

report.table("wang-t3", outcome)         writes tables/wang-t3.csv and .json, shows printed | ours | verdict
report.figure("wang-f6", fig, outcome)   writes figures/wang-f6.csv, .svg, .png and .json, shows the picture
report.claims(verdicts)                  writes the second verdicts into claims.csv
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

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.report import pictures
from emolib.reproduction.runs.outcome import Pictures

TABLE_COLUMNS = (
    "metric",
    "protocol",
    "printed",
    "measured",
    "low",
    "high",
    "unit",
    "source",
    "verdict",
)
CLAIM_COLUMNS = (
    "id",
    "paper",
    "place",
    "statement",
    "artefacts",
    "check",
    "verdict",
    "arithmetic",
    "decidable",
    "notebook",
    "measured_verdict",
    "because",
    "source",
    "profile",
)
TIMING_COLUMNS = ("notebook", "artefact", "wall_seconds", "cached")

_since = time.perf_counter()


def begin() -> None:
    """The clock of the first artefact starts: when this is imported, and anew in a kernel that is forked from whoever imported it."""
    global _since
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
.emolib th, .emolib td {padding: .15em .6em; text-align: right; border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent)}
.emolib th:first-child, .emolib td:first-child {text-align: left}
.emolib-words th, .emolib-words td {text-align: left; vertical-align: top}
.emolib caption {caption-side: top; text-align: left; font-weight: 600; padding: .2em 0}
.emolib-badge {border: 1px solid currentColor; border-radius: .8em; padding: 0 .6em; font-size: .8em; font-weight: 600; margin-left: .5em}
.emolib-note {opacity: .75; font-size: .9em}
</style>"""


def badge(source: str) -> str:
    """The mark that goes with every number: real, simulated, or from print alone."""
    return f'<span class="emolib-badge">{html.escape(source)}</span>'


def as_html(frame: pd.DataFrame, caption: str = "", source: str = "", words: bool = False) -> str:
    """A plain table in the house style; readable in light, dark and print. `words`: sentences rather than numbers."""
    body = frame.to_html(
        index=False,
        border=0,
        classes="emolib emolib-words" if words else "emolib",
        na_rep="",
        escape=True,
        float_format=lambda v: f"{v:.4g}",
    )
    head = f"<caption>{html.escape(caption)}{badge(source) if source else ''}</caption>"
    return STYLE + body.replace("<thead>", head + "<thead>", 1)


def show(frame: pd.DataFrame, caption: str, source: str = "", words: bool = False) -> View:
    """A table to look at, without a file."""
    return View(as_html(frame, caption, source, words), frame)


def players(sounds: dict, rate: int, caption: str, source: str = "simulated") -> View:
    """One audio player per entry, to listen to in the notebook; nothing is written to a file.

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
            f'<audio controls preload="none" style="width:220px;height:32px" src="data:audio/wav;base64,{sound}"></audio></div>'
        )
    text = f"{STYLE}<p><b>{html.escape(caption)}</b>{badge(source)}</p><div>{''.join(cells)}</div>"
    return View(
        text,
        pd.DataFrame({"sound": list(sounds), "seconds": [len(w) / rate for w in sounds.values()]}),
    )


# ---------------------------------------------------------------- tables


def table(
    id: str, outcome, *, rows=None, columns: str | None = None, where: dict | None = None
) -> View:
    """Write the table `id` and show it: printed | ours [interval] | verdict, with its badge.

    rows, columns  names of the columns that span the view (`columns` runs across, e.g. 'protocol'); without
                   them the long table is shown, which is what the file always holds
    where          {column: value or values}: the part of a long table worth looking at
    """
    row = papers.artefact(id)
    long = beside_print(id, outcome)
    source = source_of(outcome)
    folder = settings.results(outcome.profile)
    text = results.table_text(long)
    files = {f"tables/{id}.csv": results.write(folder / "tables" / f"{id}.csv", text)}
    _finish(folder / "tables" / f"{id}.json", row, outcome, files)
    shown = rows_where(long, where)
    shown = _crossed(shown, rows, columns) if rows else _compact(shown)
    return View(as_html(shown, f"{row.label} of {row.paper}: {row.title}", source), long)


def rows_where(frame: pd.DataFrame, where: dict | None) -> pd.DataFrame:
    """The rows of a long table in which each column named holds the value, or one of the values, given."""
    for column, value in (where or {}).items():
        wanted = [value] if isinstance(value, str) else list(value)
        if column not in frame or not frame[column].isin(wanted).any():
            there = sorted(map(str, frame.get(column, pd.Series()).unique()))
            raise EmolibError(f"no row with {column} in {wanted}; there is {there}")
        frame = frame[frame[column].isin(wanted)]
    return frame


def beside_print(id: str, outcome) -> pd.DataFrame:
    """The long table of an outcome with what was printed, the badge and the verdict of each row.

    Every printed cell appears, measured or not; rows of ours that the paper does not have follow with an
    empty `printed`. A printed key called `source` is called `reported by` here: `source` is the badge. An outcome may
    bring a `source` of its own for each row, where one row is real and the next is not.
    """
    measured = outcome.frame.copy()
    for column, default in (("protocol", ""), ("low", np.nan), ("high", np.nan)):
        if column not in measured:
            measured[column] = default
    source = source_of(outcome)
    if id not in papers.table_ids():  # a table of ours: nothing is printed
        measured["printed"], keys = np.nan, [c for c in measured if c not in TABLE_COLUMNS]
    else:
        print_ = (
            papers.published(id)
            .drop(columns="note")
            .rename(columns={"value": "printed", "source": "reported by"})
        )
        keys = [c for c in print_ if c not in ("metric", "printed", "unit")]
        missing = [k for k in (*keys, "metric", "measured") if k not in measured]
        if missing:
            raise EmolibError(
                f"{id}: the outcome has no column '{missing[0]}'; expected {[*keys, 'metric', 'protocol', 'measured']}"
            )
        print_["order"] = range(len(print_))
        measured["ours"] = range(len(measured))
        measured = measured.merge(
            print_, on=[*keys, "metric"], how="outer", suffixes=("", "_print")
        )
        if "unit_print" in measured:
            measured["unit"] = measured["unit"].where(
                measured["unit"].notna(), measured.pop("unit_print")
            )
        measured = measured.sort_values(
            ["order", "ours"], na_position="last", kind="stable"
        ).reset_index(drop=True)
        measured["protocol"] = measured["protocol"].fillna("")
    if "unit" not in measured:
        measured["unit"] = ""
    own = (
        measured["source"].fillna(source) if "source" in measured else source
    )  # rows from several sets may bring their own badge
    measured["source"] = np.where(measured["measured"].notna(), own, "print")
    measured["verdict"] = [
        row_verdict(r.printed, r.measured, r.low, r.high, r.protocol, outcome, r.source)
        for r in measured.itertuples()
    ]
    extra = [c for c in outcome.frame if c not in (*keys, *TABLE_COLUMNS)]
    return measured[[*keys, *TABLE_COLUMNS, *extra]]


def row_verdict(printed, measured, low, high, protocol, outcome, source) -> str:
    """One row, printed against ours. Empty where there is nothing to compare."""
    if pd.isna(printed) or pd.isna(measured):
        return ""
    if outcome.exact is not None:  # the print was cut, not rounded, to so many decimals
        same = math.floor(measured * 10**outcome.exact + 1e-9) / 10**outcome.exact == printed
        return "the same digits" if same else "other digits"
    if outcome.settled is not None and protocol not in outcome.settled:
        return "not tested at this profile"
    if pd.isna(low) or pd.isna(high):
        return "equal" if math.isclose(printed, measured) else "not equal"
    said = (
        "inside our interval"
        if low <= printed <= high
        else "print is higher"
        if printed > high
        else "print is lower"
    )
    return f"in simulation: {said}" if source == "simulated" else said


def source_of(outcome) -> str:
    """The badge of an outcome."""
    return badge_of(outcome.sources)


def badge_of(sources: dict) -> str:
    """The badge of what was made from these data sets: 'print' without any, 'simulated' as soon as one set is."""
    kinds = {s["source"] for s in sources.values()}
    return "print" if not kinds else "simulated" if "simulated" in kinds else "real"


def ours(measured, low, high) -> str:
    """'0.231 [0.198, 0.262]', or the plain value where there is no interval."""
    if pd.isna(measured):
        return ""
    if float(measured).is_integer() and abs(measured) >= 1000:  # a count: every digit matters
        return f"{measured:,.0f}"
    return (
        f"{measured:.3g}"
        if pd.isna(low) or pd.isna(high)
        else f"{measured:.3f} [{low:.3f}, {high:.3f}]"
    )


def _compact(long: pd.DataFrame) -> pd.DataFrame:
    shown = long.drop(columns=["printed", "measured", "low", "high", "unit", "source", "verdict"])
    shown = shown.drop(columns=[c for c in ("metric", "protocol") if shown[c].nunique() == 1])
    shown = shown.assign(
        printed=long.printed.map(lambda v: "" if pd.isna(v) else f"{v:g}"),
        ours=[ours(*v) for v in zip(long.measured, long.low, long.high, strict=True)],
        verdict=long.verdict,
    )
    return _without_empty_print(shown)


def _crossed(long: pd.DataFrame, rows, columns: str | None) -> pd.DataFrame:
    rows = [rows] if isinstance(rows, str) else list(rows)
    cell = pd.Series(
        [ours(*v) for v in zip(long.measured, long.low, long.high, strict=True)], index=long.index
    )
    frame = long[rows].assign(
        printed=long.printed.map(lambda v: "" if pd.isna(v) else f"{v:g}"), ours=cell
    )
    if columns is None:
        return _without_empty_print(frame)
    frame["across"] = long[columns]
    order = [c for c in dict.fromkeys(frame.across) if c]
    grid = frame.pivot_table(
        index=rows, columns="across", values="ours", aggfunc="first", sort=False
    ).reindex(columns=order)
    grid.insert(0, "printed", frame.groupby(rows, sort=False).printed.max())
    return _without_empty_print(grid.reset_index().rename_axis(columns=None).fillna(""))


def _without_empty_print(frame: pd.DataFrame) -> pd.DataFrame:
    """A table that no paper has needs no column for what it prints."""
    return frame.drop(columns="printed") if (frame.printed == "").all() else frame


# ---------------------------------------------------------------- figures


def figure(id: str, outcome, draw, *arguments, where: dict | None = None, **options) -> View:
    """Draw the figure `id`, write it with its data, put its badge into the picture, and show it.

    draw       a function of `plots`; it gets the outcome's frame (the outcome itself where it holds pictures or is
               no table at all), then `arguments` and `options`. Or a figure that is drawn already (a diagram).
    where      {column: value or values}: the part of the frame that is drawn; the file holds all of it
    """
    import matplotlib.pyplot as plt

    if hasattr(outcome, "savefig"):  # the old order of arguments
        outcome, draw = draw, outcome
    fig = draw
    if callable(draw):
        drawn_from = outcome if isinstance(outcome, Pictures) else rows_where(outcome.frame, where)
        fig = draw(drawn_from, *arguments, **options)
    row = papers.artefact(id)
    folder = settings.results(outcome.profile) / "figures"
    source = source_of(outcome)
    pictures.sign(fig, f"{id} · {source}" + (f" · {outcome.profile}" if outcome.sources else ""))
    pictures.rasterise(fig)
    drawn = {kind: pictures.saved(fig, kind) for kind in ("svg", "png")}
    plt.close(fig)
    frame = outcome.frame.assign(source=source) if "source" not in outcome.frame else outcome.frame
    files = {f"figures/{id}.csv": results.write(folder / f"{id}.csv", results.table_text(frame))}
    for kind, raw in drawn.items():
        files[f"figures/{id}.{kind}"] = results.write(folder / f"{id}.{kind}", raw)
    _finish(folder / f"{id}.json", row, outcome, files)
    picture = base64.b64encode(drawn["png"]).decode()
    caption = html.escape(f"{row.label} of {row.paper}: {row.title}")
    return View(
        f'{STYLE}<figure style="margin:0"><figcaption><b>{caption}</b>{badge(source)}</figcaption>'
        f'<img alt="{caption}" style="max-width:100%;background:white" src="data:image/png;base64,{picture}"></figure>',
        frame,
    )


# ---------------------------------------------------------------- claims


def claims(paper: str, verdicts, outcome, notebook: str | None = None) -> View:
    """Write the second verdict of each claim of `paper` that was measured, and show both verdicts side by side.

    notebook   only the claims that this notebook decides: a paper that several notebooks measure keeps the verdicts of the others
    """
    known = papers.claims()
    known = known[(known.paper == paper) & ((known.notebook == notebook) if notebook else True)]
    second = {v.claim: v for v in verdicts}
    unknown = set(second) - set(known.id)
    if unknown:
        raise EmolibError(f"claims: '{sorted(unknown)[0]}' is not a claim of {paper} in claims.csv")
    source = source_of(outcome)
    rows = [
        {
            **r._asdict(),
            "measured_verdict": second[r.id].verdict if r.id in second else "",
            "because": second[r.id].because if r.id in second else "",
            "source": source if r.id in second else "",
            "profile": outcome.profile if r.id in second else "",
        }
        for r in known.itertuples(index=False)
    ]
    write_claims(rows, outcome)
    shown = pd.DataFrame(
        [
            {
                "claim": r["id"],
                "where": r["place"],
                "statement": r["statement"],
                "on its own numbers": r["verdict"],
                "measured": r["measured_verdict"],
                "because": r["because"] or r["arithmetic"],
            }
            for r in rows
        ]
    )
    return View(as_html(shown, f"Claims of {paper}: two verdicts each", source), pd.DataFrame(rows))


def write_claims(rows: list[dict], outcome) -> None:
    """Put rows of CLAIM_COLUMNS into claims.csv of the result folder, by their ids, and bring its provenance up to date."""
    folder = settings.results(outcome.profile)
    with results.alone(folder):  # the table and its checksum belong together
        checksum = results.update_rows(folder / "claims.csv", rows, ("id",), CLAIM_COLUMNS)
        before = _before(folder / "claims.json")
        about = {
            "artefact": "claims",
            "profile": outcome.profile,
            "sources": before.get("sources", {}) | outcome.sources,
            "seeds": sorted({*before.get("seeds", []), *outcome.seeds}),
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
    results.update_rows(
        path.parent.parent / "timings.csv", [timing], ("notebook", "artefact"), TIMING_COLUMNS
    )
    _since = time.perf_counter()
