"""The claims board: every statement of the five works, its two verdicts, its arithmetic and the cells it rests on.

board.summary()            verdicts by paper, for a notebook
board.passage("wang-b1")   a few claims with their arithmetic, for the end of a passage
board.printed("yin2022-t2", profile)       a table as it is printed
board.write(profile)       the first verdicts into claims.csv of the result folder
board.rows(claims)         what templates/claims.html needs, with the cells that each claim reads
board.tables()             the 32 printed tables, laid out as printed, every cell with its row number
"""

from __future__ import annotations

import pandas as pd

from emolib.ground import settings
from emolib.reproduction import papers, report
from emolib.reproduction.papers import audit
from emolib.reproduction.report import files as results
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.studies.audit import tables as shown

SECOND = ("measured_verdict", "because", "source", "profile")  # columns that later notebooks fill


def summary() -> report.View:
    """How many claims of each paper its own numbers support, contradict or leave open."""
    claims = papers.claims()
    counts = pd.crosstab(claims.paper, claims.verdict).reindex(
        index=list(papers.PAPERS), columns=list(papers.VERDICTS), fill_value=0
    )
    counts["claims"] = counts.sum(axis=1)
    counts["checks"] = [
        sum(c.claim in set(claims.id[claims.paper == p]) for c in audit.CHECKS.values())
        for p in counts.index
    ]
    counts.loc["together"] = counts.sum()
    return report.show(
        counts.rename_axis(columns=None).reset_index(),
        "Claims against the papers' own numbers",
        "print",
    )


def passage(*ids: str) -> report.View:
    """The claims named, with place, verdict and arithmetic."""
    return report.show(
        shown.claims_of(*ids), "What the printed numbers say of it", "print", words=True
    )


def contradicted(paper: str) -> report.View:
    """All statements of one paper that its own numbers contradict."""
    claims = papers.claims()
    part = claims[(claims.paper == paper) & (claims.verdict == "contradicted")]
    return report.show(
        part[["id", "place", "statement", "arithmetic"]],
        f"Contradicted by its own numbers: {paper}",
        "print",
        words=True,
    )


def printed(id: str, profile: str) -> report.View:
    """Write the table `id` with nothing of ours beside it, and show it as it is printed ('+' for a mark)."""
    view = report.table(id, shown.as_printed(shown.Study(profile), id))
    laid, marks = _laid_out(id), "plus printed" in papers.printed(id)["unit"].iloc[0]
    texts = {"1": "+", "0": ""} if marks else {}
    frame = pd.DataFrame(
        [
            [
                *line["keys"],
                *(
                    "" if cell is None else texts.get(cell["value"], cell["value"])
                    for cell in line["cells"]
                ),
            ]
            for line in laid["lines"]
        ],
        columns=[*(k.replace("_", " ") for k in laid["down"]), *laid["heads"]],
    )
    return report.View(
        report.as_html(frame, f"{laid['label']} of {laid['paper']}: {laid['title']}", "print"),
        view.frame,
    )


def write(profile: str) -> report.View:
    """Put the first verdict of every claim into claims.csv; second verdicts that stand there already stay."""
    folder = settings.results(profile)
    with results.alone(folder):  # no other notebook's verdict comes between reading and writing
        known = with_second(_folder_claims(folder))
        report.write_claims(known.to_dict("records"), Outcome(pd.DataFrame(), profile))
    return summary()


def _folder_claims(folder) -> pd.DataFrame:
    path = folder / "claims.csv"
    return (
        pd.read_csv(path, dtype=str, keep_default_na=False)
        if path.exists()
        else pd.DataFrame(columns=["id", *SECOND])
    )


def with_second(measured: pd.DataFrame) -> pd.DataFrame:
    """All claims, with the second verdicts that `measured` has for some of them."""
    found, claims = {row["id"]: row for row in measured.to_dict("records")}, papers.claims()
    for column in SECOND:
        claims[column] = [found.get(id, {}).get(column, "") for id in claims.id]
    return claims


# ------------------------------------------------------------------ for the page


def ranges(rows: list[int]) -> str:
    """[0, 1, 2, 5] as '0-2,5': what a claim reads of one table, short enough for an attribute."""
    parts: list[list[int]] = []
    for row in sorted(rows):
        if parts and row == parts[-1][1] + 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def rows(measured: pd.DataFrame) -> list[dict]:
    """One dict per claim: its columns, its checks with their arithmetic, the cells and the text numbers they read."""
    findings: dict[str, list] = {}
    for finding in audit.findings():
        findings.setdefault(finding.claim, []).append(finding)
    said, found = papers.text_numbers(), []
    for claim in with_second(measured).to_dict("records"):
        own = sorted(
            findings[claim["id"]], key=lambda f: f.check != claim["check"]
        )  # the deciding check first
        cells: dict[str, set] = {}
        for finding in own:
            for id, row in finding.cells:
                cells.setdefault(id, set()).add(row)
        words = [
            said[said.paper == id.removesuffix("-text")].iloc[sorted(r)]
            for id, r in cells.items()
            if id.endswith("-text")
        ]
        found.append(
            {
                **claim,
                "checks": [
                    {
                        "name": f.check,
                        "what": audit.CHECKS[f.check].source,
                        "verdict": f.verdict,
                        "arithmetic": f.arithmetic,
                    }
                    for f in own
                ],
                "checks_count": len(own),
                "cells": ";".join(
                    f"{id}:{ranges(list(r))}" for id, r in cells.items() if not id.endswith("-text")
                ),
                "text": [
                    f"{w.item} {w.value:g} {w.unit} ({w.place})"
                    for part in words
                    for w in part.itertuples()
                ],
            }
        )
    return found


def tables() -> list[dict]:
    """Each printed table with its cells in two dimensions: metrics run across, or the last key where there is one metric."""
    return [{"id": id, **_laid_out(id)} for id in papers.table_ids()]


def _laid_out(id: str) -> dict:
    about, table = papers.artefact(id), papers.printed(id)
    across, down = "metric", papers.keys(table)
    if (
        table.metric.nunique() == 1
        and len(table) == len(table[down[:-1]].drop_duplicates()) * table[down[-1]].nunique()
    ):
        across, down = down[-1], down[:-1]  # the last key runs across if that leaves no gap
    heads = list(dict.fromkeys(table[across]))
    lines: dict[tuple, list] = {}
    for row, cell in enumerate(table.to_dict("records")):
        line = lines.setdefault(tuple(cell[k] for k in down), [None] * len(heads))
        line[heads.index(cell[across])] = {"row": row, "value": cell["value"]}
    return {
        "label": about.label,
        "paper": about.paper,
        "title": about.title,
        "down": down,
        "heads": heads,
        "lines": [{"keys": keys, "cells": line} for keys, line in lines.items()],
    }
