"""What notebook 00 shows: data at hand, artefacts by paper, profiles. Light: imports no network code."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from emolib import data
from emolib.reproduction import papers
from emolib.reproduction.runs.profiles import PROFILES


def data_sets() -> pd.DataFrame:
    """Which sets are there, without opening them (`emolib doctor` does), and how to get the others."""
    return data.doctor(deep=False)[["set", "state", "detail", "expected", "licence", "access"]]


def coverage() -> pd.DataFrame:
    """Artefacts by paper: tables, figures, and how each is treated."""
    table = papers.artefacts()
    counts = pd.crosstab(table.paper, table.status).reindex(
        index=list(papers.PAPERS), columns=list(papers.STATUSES), fill_value=0
    )
    kinds = pd.crosstab(table.paper, table.kind).reindex(index=list(papers.PAPERS))
    whole = pd.concat([kinds[["table", "figure"]], counts], axis=1)
    whole.loc["together"] = whole.sum()
    return whole.reset_index()


def profiles() -> pd.DataFrame:
    """The numbers every study shares, by profile."""
    return pd.DataFrame([asdict(p) for p in PROFILES.values()])
