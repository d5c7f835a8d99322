"""Image sets that take seconds to make are made once: parsed or rendered pictures, kept under the cache folder.

A kept set is found by its name and a key that covers everything it was made from. It is read back only
when its content still has the fingerprint it was stored with; otherwise it is made anew.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import settings
from emolib.containers import ImageSet, digest

FORMAT = 1                                               # a change of the layout below makes every kept set anew


def kept(name: str, key, make: Callable[[], ImageSet]) -> ImageSet:
    """`make()`, from disk when it was made before under the same `key` (any plain value)."""
    path = settings.cache() / "sets" / f"{name}-{digest(FORMAT, key)}.npz"
    found = _read(path)
    if found is None:
        found = make()
        _write(path, found)
    return found


@functools.cache
def simulator() -> str:
    """16 hex digits of the simulator's sources: a changed simulator draws its sets anew."""
    from emolib import sim

    h = hashlib.sha256()
    for path in sorted(Path(sim.__file__).parent.glob("*.py")):
        h.update(path.name.encode() + path.read_bytes())
    return h.hexdigest()[:16]


def _write(path: Path, data: ImageSet) -> None:
    """An uncompressed npz, under a temporary name first: a reader never meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {f"meta_{c}": _plain(data.meta[c]) for c in data.meta}
    about = {"name": data.name, "source": data.source, "classes": data.classes, "columns": list(data.meta), "fingerprint": data.fingerprint}
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            np.savez(file, images=data.images, label=data.label, subject=data.subject, split=data.split, about=json.dumps(about), **columns)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _plain(column: pd.Series) -> np.ndarray:
    return column.to_numpy() if column.dtype.kind in "iufb" else column.astype(str).to_numpy(dtype=str)


def _read(path: Path) -> ImageSet | None:
    """The kept set, or None where there is none or it is not what was stored."""
    if not path.is_file():
        return None
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            about = json.loads(str(file["about"]))
            meta = pd.DataFrame({c: file[f"meta_{c}"] for c in about["columns"]}, index=range(len(file["label"])))
            data = ImageSet(name=about["name"], source=about["source"], classes=tuple(about["classes"]), images=file["images"],
                            label=file["label"], subject=file["subject"], split=file["split"], meta=meta)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return data if data.fingerprint == about["fingerprint"] else None
