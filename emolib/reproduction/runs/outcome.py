"""What a study hands to the report: a long table and what it was made from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Outcome:
    """Measured values of one table or figure.

    frame     long: the keys of the printed table, `metric`, `protocol`, `measured`, and where there
              is one the interval `low`, `high`; `unit` where it differs from print. Figures may
              bring other columns.
    profile   'smoke', 'quick', 'overnight' or 'full'
    sources   {data set: {'source': 'real' | 'simulated', 'fingerprint': ...}}; empty without data
    seeds     of the repeats
    caps      the profile's own numbers (epochs, sizes): what makes quick quick
    settled   protocols whose validation curves reached their plateau; only these may decide a claim
    exact     decimals the print was cut to: measured values are then compared digit by digit
    """

    frame: pd.DataFrame
    profile: str
    sources: dict = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    caps: dict = field(default_factory=dict)
    settled: frozenset[str] | None = None
    exact: int | None = None


@dataclass(frozen=True)
class Pictures(Outcome):
    """An outcome that is looked at.

    images   uint8 (N, H, W[, 3]), drawn by the simulator wherever they show a person
    tiles    one row per picture: what each shows (default: the frame)
    points   (N, K, 2) found in each picture, in pixels;   links  pairs to join with a line
    boxes    (N, 4): left, top, right, bottom, in pixels
    """

    images: np.ndarray = None
    tiles: pd.DataFrame | None = None
    points: np.ndarray | None = None
    links: tuple[tuple[int, int], ...] | None = None
    boxes: np.ndarray | None = None

    def __post_init__(self):
        if self.tiles is None:
            object.__setattr__(self, "tiles", self.frame)


def sources_of(*containers) -> dict:
    """The `sources` entry of an Outcome for these data sets."""
    return {c.name: {"source": c.source, "fingerprint": c.fingerprint} for c in containers}
