"""One way in: `load` a set by name, real where it is at hand, else simulated; `doctor` says which.

A container says where it came from (`.source`) and what is in it (`.fingerprint`). `reference`
turns that into text that a run carries as an argument; `resolve` turns it back and refuses if the
data changed.
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

from emolib.data.catalog import CATALOG, MODELS, Entry
from emolib.ground import settings
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError, nearest

# Real sets that may be handed on, in the layout of a data folder; free/LICENSES.md says on what
# terms, tools/make_free_data.py makes them from the originals.
FREE = Path(__file__).parent / "free"


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

    source    'auto' takes the real files if they are there, else the part of the set that ships
              with emolib (FREE), else the simulated stand-in; a damaged real file is an error,
              never a reason to simulate. 'real' insists, 'simulated' never looks. An explicit
              `root` without the set raises.
    profile, seed     size and world of the stand-in; real sets are whole and the same every time
    damaged   'raise' (default) or 'skip': leave damaged files of a real set out, with a warning
    options   what the set's loader takes (emolib.data.<name>.load: modality=..., targets=...) or
              its stand-in (emolib.data.sim.worlds.<name>: dials=..., size=...); the others' are
              left unused
    """
    entry = _entry(name)
    if source not in ("auto", "real", "simulated"):
        raise EmolibError(f"source '{source}' is not known: expected auto, real or simulated")
    reader, stand_in = _reader(name), _stand_in(name)
    for option in options:
        if not takes(name, option):
            known = sorted(_takes(reader) | _takes(stand_in))
            raise nearest(option, known, what=f"option of data set '{name}'")
    where = _real(entry, root)
    simulate = source == "simulated" or (source == "auto" and root is None and where is None)
    if simulate and stand_in is not None:
        options = {k: v for k, v in options.items() if k in _takes(stand_in)}
        made = _made(name, profile, seed, options)
        options = {"profile": profile, "seed": seed} | options
    elif source == "simulated":
        raise EmolibError(f"data set '{name}' has no simulated stand-in: source='real' or 'auto'")
    elif where is None:
        raise EmolibError(
            f"data set '{name}' is not in {_where(root) / entry.folder}; access: {entry.access}"
        )
    else:
        options = {k: v for k, v in options.items() if k in _takes(reader)}
        made = reader(where, **options)
    return replace(made, name=name, recipe=_text(options))


def takes(name: str, option: str) -> bool:
    """Does the data set `name`, real or simulated, take this option?"""
    _entry(name)
    return option in _takes(_stand_in(name)) | _takes(_reader(name))


def at_hand(name: str) -> bool:
    """Do real files of this set lie in the data folder, or ship with emolib?"""
    return _real(_entry(name), None) is not None


def there(entry: Entry) -> bool:
    """Is anything of a set, or of the detectors' models, on this disk?"""
    if entry is MODELS:
        return any(path for place in settings.models() for path in place.glob(entry.mark[0]))
    return _any(entry, settings.data_root(), entry.mark)


def ships(name: str) -> bool:
    """Does a part of this set come with emolib?"""
    return name in CATALOG and _present(CATALOG[name], FREE)


def reference(data) -> str:
    """'sfew:real:0123456789abcdef:{}': name, source, content, how it was loaded."""
    return f"{data.name}:{data.source}:{data.fingerprint}:{data.recipe or '{}'}"


@functools.lru_cache(maxsize=4)
def resolve(ref: str):
    """The container behind a reference; EmolibError when today's files are other ones."""
    name, source, fingerprint, recipe = ref.split(":", 3)
    options = json.loads(recipe)
    if "dials" in options:
        from emolib.data.sim.dials import Dials

        options["dials"] = Dials(**options["dials"])
    data = load(name, source=source, **options)
    if data.fingerprint != fingerprint:
        raise EmolibError(
            f"data set '{name}' changed while runs were under way ({data.fingerprint}, "
            f"expected {fingerprint}); start again"
        )
    return data


def doctor(root: Path | str | None = None, *, deep: bool = True) -> pd.DataFrame:
    """One row per data set: what is there, in what state, and how to get what is not.

    deep   False: only whether a set is there, nothing is opened
    """
    where = _where(root)
    return pd.DataFrame([_looked_into(entry, where, deep) for entry in CATALOG.values()])


def _looked_into(entry: Entry, where: Path, deep: bool) -> dict:
    row = {"set": entry.name, "state": "absent", "found": 0}
    row |= {"expected": f"{entry.samples} {entry.unit}", "detail": _instead(entry)}
    row |= {"duplicates": "", "damaged": ""}
    if _any(entry, where, entry.mark) and not deep:
        row |= {"state": "there", "detail": "not looked into"}
    elif _any(entry, where, entry.mark):
        seen = importlib.import_module(f"emolib.data.{entry.name}").check(where)
        row |= {"state": seen.state(entry.samples), "found": seen.found, "detail": seen.detail}
        row |= {"duplicates": seen.duplicates, "damaged": "; ".join(map(str, seen.damaged[:3]))}
    about = {"MB": entry.size_mb, "licence": entry.licence, "access": entry.access}
    return row | about | {"used for": entry.used_for}


def _instead(entry: Entry) -> str:
    """What is loaded where a set is absent."""
    if ships(entry.name):
        return "the part of it that ships with emolib is used"
    if others := [other.title for other in CATALOG.values() if other.stands_for == entry.name]:
        return f"{others[0]} are used"
    return "not used" if _stand_in(entry.name) is None else "its simulated stand-in is used"


def _real(entry: Entry, root: Path | str | None) -> Path | None:
    """The folder whose real files are loaded: `root`, else the reader's, else what ships."""
    places = [_where(root), *([FREE] if root is None else [])]
    return next((place for place in places if _present(entry, place)), None)


def _entry(name: str) -> Entry:
    if name not in CATALOG:
        raise nearest(name, CATALOG, what="data set")
    return CATALOG[name]


def _where(root: Path | str | None) -> Path:
    if root is None:
        return settings.data_root()
    if not Path(root).is_dir():
        raise EmolibError(f"data folder {root}: no such folder")
    return Path(root)


def _reader(name: str):
    return importlib.import_module(f"emolib.data.{name}").load


def _stand_in(name: str):
    """The function that simulates a set; None where nothing does."""
    from emolib.data.sim import worlds

    return worlds.WORLDS.get(name, (None,))[0]


def _made(name: str, profile: str, seed: int, options: dict):
    """The stand-in; pictures are drawn once and kept in the cache, other sets are lazy anyway."""
    from emolib.data import kept
    from emolib.data.sim import worlds

    make = functools.partial(worlds.make, name, profile, seed, **options)
    if get_type_hints(_stand_in(name))["return"] is not ImageSet:
        return make()
    return kept.pictures(f"{name}-{profile}", (seed, _text(options)), make)


@functools.cache
def _takes(function) -> frozenset[str]:
    """Names of the arguments that a loader or a stand-in, if there is one, takes by keyword."""
    if function is None:
        return frozenset()
    return frozenset(inspect.signature(function).parameters) - {"root", "seed"}


def _text(options: dict) -> str:
    """Options as JSON; a path and the dials in a form that `resolve` can hand back."""

    def plain(value):
        return str(value) if isinstance(value, Path) else vars(value)

    return json.dumps(options, default=plain, sort_keys=True)


def _present(entry: Entry, root: Path) -> bool:
    """Does `root` hold enough of this set to load it?"""
    return _any(entry, root, entry.mark) and (not entry.needs or _any(entry, root, entry.needs))


def _any(entry: Entry, root: Path, patterns) -> bool:
    """A link that leads nowhere counts: the loader judges what stands in the place of a file."""
    places = [root / folder for folder in (entry.folder, *entry.also)]
    return any(
        any(place.glob(pattern)) if "*" in pattern else os.path.lexists(place / pattern)
        for place in places
        for pattern in patterns
    )
