"""One way in: `load` a set by name, real where it is at hand and simulated where not; `doctor` says which.

A container says where it came from (`.source`) and what is in it (`.fingerprint`). `reference` turns that
into text that a run can carry as an argument, `resolve` turns it back and refuses if the data changed.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pandas as pd

from emolib.data.catalog import CATALOG, Entry
from emolib.ground import settings
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError, nearest


def load(
    name: str,
    root: Path | str | None = None,
    source: str = "auto",
    *,
    profile: str = "full",
    seed: int = 0,
    **options,
):
    """The data set `name` with all its splits (`.split` says which).

    source    'auto' takes the real files if they are there and the simulated stand-in otherwise; a damaged
              real file is an error, never a reason to simulate. 'real' insists, 'simulated' never looks.
              An explicit `root` without the set raises.
    profile, seed     size and world of the simulated stand-in; real sets are whole and the same every time
    damaged   'raise' (default) or 'skip': leave damaged files of a real set out, with a warning
    options   what the set's loader takes (emolib.data.<name>.load: modality=..., targets=...) or its stand-in
              (emolib.data.sim.worlds.<name>: dials=..., size=...); those of the other side are left unused
    """
    entry = _entry(name)
    if source not in ("auto", "real", "simulated"):
        raise EmolibError(f"source '{source}' is not known: expected auto, real or simulated")
    if root is not None and not Path(root).is_dir():
        raise EmolibError(f"data folder {root}: no such folder")
    where = Path(root) if root is not None else settings.data_root()
    reader, stand_in = _reader(name), _stand_in(name)
    for option in options:
        if not takes(name, option):
            raise nearest(
                option,
                sorted(_takes(reader) | _takes(stand_in)),
                what=f"option of data set '{name}'",
            )
    if source == "simulated" or (source == "auto" and root is None and not present(entry, where)):
        options = {k: v for k, v in options.items() if k in _takes(stand_in)}
        made, options = (
            _made(name, profile, seed, options),
            {"profile": profile, "seed": seed} | options,
        )
    elif not present(entry, where):
        raise EmolibError(
            f"data set '{name}' is not in {where / entry.folder}; access: {entry.access}"
        )
    else:
        options = {k: v for k, v in options.items() if k in _takes(reader)}
        made = reader(where, **options)
    return replace(made, name=name, recipe=json.dumps(options, default=_plain, sort_keys=True))


def _reader(name: str):
    return importlib.import_module(f"emolib.data.{name}").load


def _stand_in(name: str):
    from emolib.data.sim import worlds

    return worlds.WORLDS[name][0]


def _made(name: str, profile: str, seed: int, options: dict):
    """The stand-in; sets of pictures are drawn once and then read from the cache, the others are lazy anyway."""
    from emolib.data import kept
    from emolib.data.sim import worlds

    make = functools.partial(worlds.make, name, profile, seed, **options)
    if get_type_hints(_stand_in(name))["return"] is not ImageSet:
        return make()
    return kept.pictures(
        f"{name}-{profile}", (seed, json.dumps(options, default=_plain, sort_keys=True)), make
    )


def takes(name: str, option: str) -> bool:
    """Does the data set `name`, real or simulated, take this option?"""
    _entry(name)
    return option in _takes(_stand_in(name)) | _takes(_reader(name))


@functools.cache
def _takes(function) -> frozenset[str]:
    """Names of the arguments that a loader or a stand-in takes by keyword."""
    return frozenset(inspect.signature(function).parameters) - {"root", "seed"}


def _plain(value):
    """A frozen dataclass (the dials) or a path as JSON: what `resolve` can hand back."""
    return str(value) if isinstance(value, Path) else vars(value)


def at_hand(name: str) -> bool:
    """Do real files of this set lie in the data folder?"""
    return present(_entry(name), settings.data_root())


def present(entry: Entry, root: Path) -> bool:
    """Does `root` hold enough of this set to load it?"""
    return seen(entry, root) and (not entry.needs or _any(entry, root, entry.needs))


def seen(entry: Entry, root: Path) -> bool:
    """Does `root` hold anything of this set?"""
    return _any(entry, root, entry.mark)


def _any(entry: Entry, root: Path, patterns) -> bool:
    """A link that leads nowhere counts: what stands in the place of a file is for the loader to judge."""
    places = [
        (root / folder, pattern) for folder in (entry.folder, *entry.also) for pattern in patterns
    ]
    return any(
        any(place.glob(pattern)) if "*" in pattern else os.path.lexists(place / pattern)
        for place, pattern in places
    )


def reference(data) -> str:
    """'sfew:real:0123456789abcdef:{}': a data set as an argument of a run: name, source, content, how it was loaded."""
    return f"{data.name}:{data.source}:{data.fingerprint}:{data.recipe or '{}'}"


@functools.lru_cache(maxsize=4)
def resolve(ref: str):
    """The container behind a reference; raises EmolibError when today's files are not the ones it names."""
    name, source, fingerprint, recipe = ref.split(":", 3)
    options = json.loads(recipe)
    if "dials" in options:
        from emolib.data.sim.dials import Dials

        options["dials"] = Dials(**options["dials"])
    data = load(name, source=source, **options)
    if data.fingerprint != fingerprint:
        raise EmolibError(
            f"data set '{name}' changed while runs were under way ({data.fingerprint}, expected {fingerprint}); "
            "start again"
        )
    return data


def doctor(root: Path | str | None = None, *, deep: bool = True) -> pd.DataFrame:
    """One row per data set: what is there, in what state, and how to get what is not.

    deep   False: only whether a set is there, nothing is opened
    """
    where = Path(root) if root is not None else settings.data_root()
    if root is not None and not where.is_dir():
        raise EmolibError(f"data folder {root}: no such folder")
    rows = []
    for entry in CATALOG.values():
        row = {
            "set": entry.name,
            "state": "absent",
            "found": 0,
            "expected": f"{entry.samples} {entry.unit}",
            "detail": "its simulated stand-in is used",
            "duplicates": "",
            "damaged": "",
        }
        if seen(entry, where) and not deep:
            row |= {"state": "there", "detail": "not looked into"}
        elif seen(entry, where):
            found = importlib.import_module(f"emolib.data.{entry.name}").check(where)
            row |= {
                "state": found.state(entry.samples),
                "found": found.found,
                "detail": found.detail,
                "duplicates": found.duplicates,
                "damaged": "; ".join(f"{path}: {why}" for path, why in found.damaged[:3]),
            }
        rows.append(
            row
            | {
                "MB": entry.size_mb,
                "licence": entry.licence,
                "access": entry.access,
                "used for": entry.used_for,
            }
        )
    return pd.DataFrame(rows)


def _entry(name: str) -> Entry:
    if name not in CATALOG:
        raise nearest(name, CATALOG, what="data set")
    return CATALOG[name]
