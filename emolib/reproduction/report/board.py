"""The claims board: every statement of the five works, its two verdicts, arithmetic and cells.

board.passage("wang-b1")               claims with their arithmetic, for the end of a passage
board.printed("yin2022-t2", profile)   a table as it is printed
board.write(profile)                   the first verdicts into claims.csv of the result folder
board.rows(claims), board.tables()     what templates/claims.html needs
"""

from __future__ import annotations

import pandas as pd

from emolib.ground import settings
from emolib.reproduction import papers, report
from emolib.reproduction.papers import audit
from emolib.reproduction.report import files as results
from emolib.reproduction.report.show import with_second
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.studies.audit import tables as shown


def summary() -> report.View:
    """How many claims of each paper its own numbers support, contradict or leave open."""
    claims = papers.claims()
    counts = pd.crosstab(claims.paper, claims.verdict).reindex(
        index=list(papers.PAPERS), columns=list(papers.VERDICTS), fill_value=0
    )
    counts["claims"] = counts.sum(axis=1)
    paper_of = claims.set_index("id").paper
    checked = [paper_of[check.claim] for check in audit.CHECKS.values()]
    counts["checks"] = [checked.count(paper) for paper in counts.index]
    counts.loc["together"] = counts.sum()
    frame = counts.rename_axis(columns=None).reset_index()
    return report.show(frame, "Claims against the papers' own numbers", "print")


def passage(*ids: str) -> report.View:
    """The claims named, with place, verdict and arithmetic."""
    claims = shown.claims_of(*ids)
    return report.show(claims, "What the printed numbers say of it", "print", words=True)


def contradicted(paper: str) -> report.View:
    """All statements of one paper that its own numbers contradict."""
    claims = papers.claims()
    own = claims[(claims.paper == paper) & (claims.verdict == papers.VERDICTS[1])]
    told = own[["id", "place", "statement", "arithmetic"]]
    return report.show(told, f"Contradicted by its own numbers: {paper}", "print", words=True)


def printed(id: str, profile: str) -> report.View:
    """Write the table `id` with nothing of ours beside it; show it as printed ('+' for a mark)."""
    view = report.table(id, shown.as_printed(shown.Study(profile), id))
    laid = _laid_out(id)
    marked = "plus printed" in papers.printed(id)["unit"].iloc[0]
    texts = {"1": "+", "0": ""} if marked else {}
    rows = []
    for line in laid["lines"]:
        values = [cell["value"] if cell else "" for cell in line["cells"]]
        rows.append([*line["keys"], *(texts.get(value, value) for value in values)])
    heads = [*(key.replace("_", " ") for key in laid["down"]), *laid["heads"]]
    caption = f"{laid['label']} of {laid['paper']}: {laid['title']}"
    return report.View(
        report.as_html(pd.DataFrame(rows, columns=heads), caption, "print"), view.frame
    )


def write(profile: str) -> report.View:
    """Put every claim's first verdict into claims.csv; second verdicts that stand there stay."""
    folder = settings.results(profile)
    with results.alone(folder):  # no other notebook's verdict comes between reading and writing
        known = with_second(results.read(folder / "claims.csv"))
        report.write_claims(known, Outcome(pd.DataFrame(), profile))
    return summary()


# ------------------------------------------------------------------ for the page


def ranges(rows) -> str:
    """[0, 1, 2, 5] as '0-2,5': what a claim reads of one table, short enough for an attribute."""
    parts: list[list[int]] = []
    for row in sorted(rows):
        if parts and row == parts[-1][1] + 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)


def rows(measured: pd.DataFrame) -> list[dict]:
    """One dict per claim: its columns, its checks, the cells and text numbers that they read."""
    findings: dict[str, list] = {}
    for finding in audit.findings():
        findings.setdefault(finding.claim, []).append(finding)
    numbers, claims = papers.text_numbers(), with_second(measured)
    return [_row(claim, findings[claim["id"]], numbers) for claim in claims]


def _row(claim: dict, findings: list, numbers: pd.DataFrame) -> dict:
    deciding_first = sorted(findings, key=lambda finding: finding.check != claim["check"])
    checks, read = [], {}
    for finding in deciding_first:
        what = audit.CHECKS[finding.check].source
        about = {"verdict": finding.verdict, "arithmetic": finding.arithmetic}
        checks.append({"name": finding.check, "what": what, **about})
        for id, row in finding.cells:
            read.setdefault(id, set()).add(row)
    cells, text = [], []
    for id, cell_rows in read.items():
        if not id.endswith("-text"):
            cells.append(f"{id}:{ranges(cell_rows)}")
            continue
        own = numbers[numbers.paper == id.removesuffix("-text")].iloc[sorted(cell_rows)]
        text += [f"{n.item} {n.value:g} {n.unit} ({n.place})" for n in own.itertuples()]
    more = {"checks": checks, "checks_count": len(checks), "cells": ";".join(cells), "text": text}
    return claim | more


def tables() -> list[dict]:
    """Each printed table in two dimensions: metrics, or the last key of one metric, run across."""
    return [{"id": id, **_laid_out(id)} for id in papers.table_ids()]


def _laid_out(id: str) -> dict:
    about, table = papers.artefact(id), papers.printed(id)
    across, down = "metric", papers.keys(table)
    *others, last = down
    whole = len(table) == len(table[others].drop_duplicates()) * table[last].nunique()
    if table.metric.nunique() == 1 and whole:  # the last key runs across if that leaves no gap
        across, down = last, others
    heads = list(dict.fromkeys(table[across]))
    lines: dict[tuple, list] = {}
    for row, cell in enumerate(table.to_dict("records")):
        line = lines.setdefault(tuple(cell[k] for k in down), [None] * len(heads))
        line[heads.index(cell[across])] = {"row": row, "value": cell["value"]}
    return {
        **{name: getattr(about, name) for name in ("label", "paper", "title")},
        "down": down,
        "heads": heads,
        "lines": [{"keys": keys, "cells": line} for keys, line in lines.items()],
    }
