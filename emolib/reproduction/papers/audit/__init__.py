"""The audit: every number and claim that the five works let a reader check, checked by code.

    noninertial  stability  best_loss  video_protocol     orgil2021 (and the thesis where it repeats it)
    transformers  ferplus  continual                      orgil2022
    wang          yin                                     one paper each
    counting  chang_faces  chang_networks                 chang2021
    chang_modalities  chang_fusion                        chang2021

Each check is a small function of published tables, registered under the claim it bears on (`record.py`).
Nothing here needs data; where only data decides, the finding says so and names the notebook.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from emolib.ground.errors import nearest
from emolib.reproduction import papers
from emolib.reproduction.papers.audit import (
    best_loss,
    chang_faces,
    chang_fusion,
    chang_modalities,
    chang_networks,
    continual,
    ferplus,
    noninertial,
    stability,
    transformers,
    video_protocol,
    wang,
    yin,
)
from emolib.reproduction.papers.audit.record import CHECKS, Check, Finding, Table, fresh

__all__ = ["CHECKS", "Check", "Finding", "Table", "board", "fresh", "finding", "findings"]


def finding(name: str, tables: Mapping[str, Table] | None = None) -> Finding:
    """Run one check by name, on the published tables or on those given."""
    if name not in CHECKS:
        raise nearest(name, CHECKS, what="check")
    return CHECKS[name](tables)


def findings() -> list[Finding]:
    """Run every check, in the order of the modules."""
    return [check() for check in CHECKS.values()]


def board() -> pd.DataFrame:
    """claims.csv with what its deciding check finds now, and how many further checks bear on the claim."""
    claims = papers.claims()
    found = {o.check: o for o in findings()}
    beside = pd.Series([o.claim for o in found.values()]).value_counts()
    return claims.assign(
        verdict=[found[name].verdict for name in claims.check],
        arithmetic=[found[name].arithmetic for name in claims.check],
        further_checks=[int(beside.get(id, 1)) - 1 for id in claims.id],
    )
