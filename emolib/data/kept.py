"""Parsed tables and rendered pictures are made once and kept under the cache folder.

A copy is found by a name and a key that covers everything it was made from. It is written to a
temporary name and renamed; one that is damaged is made anew.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.files import digest_of, guard, one_line
from emolib.ground import settings
from emolib.ground.containers import ImageSet, digest

FORMAT = 2
# a zip checks each member's bytes, but one byte of its directory can lose a member
NAMES = "names of the others"
PARTS = ("images", "label", "subject", "split")


def arrays(name: str, key, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """`make()`, arrays by name, or the copy kept under `name` and `key` (any plain value)."""
    copy = settings.cache() / "sets" / f"{name}-{digest(FORMAT, key)}.npz"
    held = _read(copy)
    if held is None:
        held = make()
        _write(copy, held)
    return held


def parsed(
    source: Path, version: str, parse: Callable[[Path], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """What `parse(source)` returns, kept: a table of 300 MB takes seconds once.

    version   name and number of the format `parse` returns ('fer2013-1'): change it with the parser
    The digest of a large file covers its ends only, so the time of its last change is part of the
    key.
    """
    guard(source)
    return arrays(version, (digest_of(source), source.stat().st_mtime_ns), lambda: parse(source))


def pictures(name: str, key, make: Callable[[], ImageSet]) -> ImageSet:
    """The image set that `make()` draws, kept; a changed simulator draws it anew."""
    held = arrays(name, (1, simulator(), key), lambda: _taken_apart(make()))
    about = json.loads(str(held["about"]))
    meta = {column: held[f"meta_{column}"] for column in about["columns"]}
    return ImageSet(
        name=about["name"],
        source=about["source"],
        classes=tuple(about["classes"]),
        meta=pd.DataFrame(meta, index=range(len(held["label"]))),
        **{part: held[part] for part in PARTS},
    )


@functools.cache
def simulator() -> str:
    """16 hex digits of the simulator's sources."""
    from emolib.data import sim

    h = hashlib.sha256()
    for path in sorted(Path(sim.__file__).parent.glob("*.py")):
        h.update(path.name.encode() + path.read_bytes())
    return h.hexdigest()[:16]


def _taken_apart(data: ImageSet) -> dict[str, np.ndarray]:
    about = {"name": data.name, "source": data.source, "classes": data.classes}
    about = json.dumps(about | {"columns": list(data.meta)})
    held = {part: getattr(data, part) for part in PARTS} | {"about": np.array(about)}
    for name, column in data.meta.items():
        numbers = column.dtype.kind in "iufb"
        held[f"meta_{name}"] = column.to_numpy() if numbers else column.astype(str).to_numpy(str)
    return held


def _read(copy: Path) -> dict[str, np.ndarray] | None:
    try:
        # the archive's checksums are verified on reading
        with open(copy, "rb") as file, np.load(file, allow_pickle=False) as opened:
            names = [str(name) for name in opened[NAMES]]
            if sorted([*names, NAMES]) != sorted(opened.files):
                raise ValueError(f"it holds {len(opened.files) - 1} arrays of {len(names)}")
            return {name: opened[name] for name in names}
    except FileNotFoundError:
        return None
    except Exception as error:  # whatever a damaged archive makes its reader trip over
        print(f"{copy} is damaged ({one_line(error)}); made anew", file=sys.stderr)
        return None


def _write(copy: Path, held: dict[str, np.ndarray]) -> None:
    partial = copy.with_name(f"{copy.stem}-{os.getpid()}.partial")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            np.savez(file, **held, **{NAMES: np.array(list(held), dtype=str)})
        partial.replace(copy)
    except OSError as error:  # a full or read-only disk costs time, never the load
        with contextlib.suppress(OSError):
            partial.unlink()
        warnings.warn(
            f"{copy}: the parsed copy cannot be kept ({error.strerror}); "
            "making it takes as long each time",
            stacklevel=4,
        )
