"""Whose word on a claim is shown: that of the largest profile that decided it.

A page belongs to one profile, but what a small run leaves open a larger one may have decided. So
each claim's row comes from the page's own folder or from the committed results of another profile,
by one rule, `chosen`; a row says in `profile` where it comes from ('' where nobody measured it).
Smoke decides nothing and hears nobody: its pages show that everything runs.
"""

from __future__ import annotations

import json
from pathlib import Path

from emolib.ground import settings
from emolib.reproduction.report import files as results
from emolib.reproduction.report.show import with_second
from emolib.reproduction.runs.claims import (
    ARITHMETIC,
    IN_SIMULATION,
    NOT_IN_SIMULATION,
    NOT_REPLICATED,
    REPLICATED,
)
from emolib.reproduction.runs.profiles import PROFILES

DECIDED = (REPLICATED, NOT_REPLICATED, IN_SIMULATION, NOT_IN_SIMULATION, ARITHMETIC)
SMOKE, *_LARGER = PROFILES  # the smallest first
LARGEST_FIRST = tuple(reversed(_LARGER))


def chosen(rows: dict[str, dict]) -> str:
    """The profile whose row is shown: the largest that decided the claim, else that measured it.

    rows   profile -> row, the largest profile first; the last is named where nobody measured
    """
    measured = [name for name, row in rows.items() if row["profile"]]
    decided = [name for name in measured if rows[name]["outcome"] in DECIDED]
    return [*decided, *measured, *reversed(rows)][0]


def places(folder: Path, profile: str = "") -> dict[str, Path]:
    """Profile -> result folder, the largest first, of those whose word may stand on a page.

    folder, profile   the page's own; without a profile, or at smoke, it stands alone
    """
    if profile in ("", SMOKE):
        return {profile: folder}
    known = {name: settings.committed(name) for name in LARGEST_FIRST} | {profile: folder}
    there = {name: (known[name] / "claims.csv").exists() for name in LARGEST_FIRST}
    return {name: known[name] for name in LARGEST_FIRST if there[name] or name == profile}


def rows(folder: Path, profile: str = "") -> list[dict]:
    """All claims in their order with the second verdict that is shown, `place`, the folder it comes
    from, and `here`, the outcome in the page's own folder."""
    where = places(folder, profile)
    every = {name: with_second(results.read(at / "claims.csv")) for name, at in where.items()}
    shown = []
    for claims in zip(*every.values(), strict=True):
        of = dict(zip(every, claims, strict=True))
        name = chosen(of)
        shown.append(of[name] | {"place": where[name], "here": of[profile]["outcome"]})
    return shown


def at(profile: str, row: dict) -> str:
    """' at overnight' where a verdict, or an answer, is not of the page's own profile; else ''.

    What print says of itself depends on no profile.
    """
    elsewhere = row["source"] != "print" and row["profile"] not in ("", profile)
    return f" at {row['profile']}" if elsewhere else ""


def seconds(claims: list[dict]) -> dict[str, float]:
    """Claim -> seconds of the runs behind the verdict that is shown."""
    known = {}
    for place in {claim["place"] for claim in claims}:
        note = place / "claims.json"
        known[place] = json.loads(note.read_text()).get("seconds", {}) if note.exists() else {}
    return {claim["id"]: known[claim["place"]].get(claim["id"], 0.0) for claim in claims}
