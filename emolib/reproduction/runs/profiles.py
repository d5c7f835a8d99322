"""How large a run is: `smoke` for tests, `quick` by default, `overnight` for two processors and
ten hours, `full` as the papers did it.

A study adds its own numbers in a frozen dataclass; all of them go into the provenance.
"""

from __future__ import annotations

from dataclasses import dataclass

from emolib.ground.errors import nearest


@dataclass(frozen=True)
class Profile:
    """What every study shares. A table that prints its own number of repeats keeps that."""

    name: str
    seeds: int  # repeats with fresh initial weights and batch orders
    draws: int = 2000  # bootstrap draws behind every interval
    level: float = 0.95  # of the intervals


PROFILES = {
    p.name: p
    for p in (
        Profile("smoke", seeds=1, draws=200),
        Profile("quick", seeds=3),
        Profile("overnight", seeds=3),
        Profile("full", seeds=5),
    )
}


def profile(name: str) -> Profile:
    """The profile called `name`; an unknown one is an error with the nearest names."""
    if name not in PROFILES:
        raise nearest(name, PROFILES, what="profile")
    return PROFILES[name]
