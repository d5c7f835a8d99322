"""The audit: every number and claim that the five works let a reader check, checked by code.

    noninertial  stability  best_loss  video_protocol     orgil2021 (and what the thesis repeats)
    transformers  ferplus  continual                      orgil2022
    wang          yin                                     one paper each
    counting  chang_faces  chang_networks                 chang2021
    chang_modalities  chang_fusion                        chang2021

Each check is a small function of published tables, registered under the claim that it bears on
(`record.py`); what the claim says and where stands in claims.csv. Nothing here needs data; where
only data decides, the finding says so and names the notebook.
"""

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

__all__ = ["CHECKS", "Check", "Finding", "Table", "fresh", "findings"]


def findings() -> list[Finding]:
    """Run every check, in the order of the modules."""
    return [check() for check in CHECKS.values()]
