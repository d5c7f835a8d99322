"""One way in: `load` a set by name, real where it is at hand and simulated where not; `doctor` says which.

A container says where it came from (`.source`) and what is in it (`.fingerprint`). `reference` turns that
into text that a run can carry as an argument, `resolve` turns it back and refuses if the data changed.
"""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

import pandas as pd

from emolib import settings
from emolib.data.catalog import CATALOG, Entry
from emolib.errors import EmolibError, nearest

READY = ("sfew",)            # sets with a loader of their own: emolib.data.<name>, and a stand-in in emolib.sim.worlds


def load(name: str, root: Path | str | None = None, source: str = "auto", **options):
    """The data set `name` with all its splits (`.split` says which).

    source 'auto' takes the real files if they are there and the simulated stand-in otherwise; a damaged
    real file is an error, never a reason to simulate. 'real' insists, 'simulated' never looks. An explicit
    `root` without the set raises. `options` go to the simulator (seed, size, dials).
    """
    entry = _entry(name)
    if source not in ("auto", "real", "simulated"):
        raise EmolibError(f"source '{source}' is not known: expected auto, real or simulated")
    if name not in READY:
        raise EmolibError(f"data set '{name}': this version of emolib has no loader for it yet; ready: {', '.join(READY)}")
    if root is not None and not Path(root).is_dir():
        raise EmolibError(f"data folder {root}: no such folder")
    where = Path(root) if root is not None else settings.data_root()
    if source == "simulated" or (source == "auto" and root is None and not present(entry, where)):
        return _simulated(name, **options)
    if not present(entry, where):
        raise EmolibError(f"data set '{name}' is not in {where / entry.folder}; access: {entry.access}")
    return importlib.import_module(f"emolib.data.{name}").load(where)


def present(entry: Entry, root: Path) -> bool:
    """Does `root` hold anything of this set?"""
    return any(any((root / entry.folder).glob(mark)) for mark in entry.mark)


def reference(data) -> str:
    """'sfew:real:0123456789abcdef': a data set as an argument of a run."""
    return f"{data.name}:{data.source}:{data.fingerprint}"


@functools.lru_cache(maxsize=4)
def resolve(ref: str):
    """The container behind a reference; raises EmolibError when today's files are not the ones it names."""
    name, source, fingerprint = ref.split(":")
    data = load(name, source=source)
    if data.fingerprint != fingerprint:
        raise EmolibError(f"data set '{name}' changed while runs were under way ({data.fingerprint}, expected {fingerprint}); "
                          "start again")
    return data


def doctor(root: Path | str | None = None) -> pd.DataFrame:
    """One row per data set: what is there, in what state, and how to get what is not."""
    where = Path(root) if root is not None else settings.data_root()
    if root is not None and not where.is_dir():
        raise EmolibError(f"data folder {root}: no such folder")
    rows = []
    for entry in CATALOG.values():
        if not present(entry, where):
            state, detail = "absent", "simulated stand-in is used" if entry.name in READY else ""
        elif entry.name in READY:
            state, detail = importlib.import_module(f"emolib.data.{entry.name}").check(where)
        else:
            state, detail = "there", "not looked into: no loader in this version"
        rows.append({"set": entry.name, "state": state, "detail": detail, "expected": f"{entry.samples} {entry.unit}",
                     "MB": entry.size_mb, "licence": entry.licence, "access": entry.access, "used for": entry.used_for})
    return pd.DataFrame(rows)


def _entry(name: str) -> Entry:
    if name not in CATALOG:
        raise nearest(name, CATALOG, what="data set")
    return CATALOG[name]


def _simulated(name: str, **options):
    from emolib.sim import worlds

    return getattr(worlds, {"sfew": "sfew_table"}[name])(**options)
