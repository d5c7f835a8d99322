"""What notebook 00 shows: data at hand, artefacts by paper, profiles. It imports no network."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

from emolib import data
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.profiles import PROFILES


@dataclass(frozen=True)
class Sizes:
    """What is looked at, the same at every profile."""

    deep: bool = False  # open and count every file of the data sets
    paper: str | None = None  # whose artefacts are counted; None: all


class Study(runs.Study):
    """Where a reader begins."""

    SIZES = {name: Sizes() for name in PROFILES}


def data_sets(study: Study) -> pd.DataFrame:
    """Which sets are there, and how to get the others."""
    columns = ["set", "state", "detail", "expected", "licence", "access"]
    return data.doctor(deep=study.sizes.deep)[columns]


def coverage(study: Study) -> pd.DataFrame:
    """Artefacts by paper: tables, figures, and how each is treated."""
    table, names = papers.artefacts(), list(papers.PAPERS)
    if study.sizes.paper:
        names = [study.sizes.paper]
    kinds = pd.crosstab(table.paper, table.kind).reindex(index=names)
    status = pd.crosstab(table.paper, table.status)
    status = status.reindex(index=names, columns=list(papers.STATUSES), fill_value=0)
    whole = pd.concat([kinds[["table", "figure"]], status], axis=1)
    whole.loc["together"] = whole.sum()
    return whole.reset_index()


def profiles() -> pd.DataFrame:
    """The numbers every study shares, by profile."""
    return pd.DataFrame([asdict(profile) for profile in PROFILES.values()])
