"""Parsed copies of large text files, so that a table of 300 MB is read in seconds once and at once after.

A copy lies in the cache folder under the digest of its source, the time the source was changed and a format
version. It is written to a temporary name and renamed. A copy that is damaged or of another source is made anew.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from emolib import settings
from emolib.containers import digest
from emolib.data.files import digest_of, guard


def parsed(source: Path, version: str, parse: Callable[[Path], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What `parse(source)` returns, arrays by name, from the parsed copy if there is a sound one.

    version   name and number of the format `parse` returns ('fer2013-1'): change it with the parser
    The digest of a large file covers its ends only, so the time of its last change is part of the key.
    """
    guard(source)
    key = digest(digest_of(source), source.stat().st_mtime_ns)
    copy = settings.cache() / "sets" / f"{version}-{key}.npz"
    held = _read(copy)
    if held is None:
        held = parse(source)
        _write(copy, held)
    return held


def _read(copy: Path) -> dict[str, np.ndarray] | None:
    try:
        with open(copy, "rb") as file, np.load(file, allow_pickle=False) as opened:         # the archive's checksums are verified on reading
            return {name: opened[name] for name in opened.files}
    except Exception:                                             # whatever a damaged archive makes its reader trip over
        return None


def _write(copy: Path, held: dict[str, np.ndarray]):
    partial = copy.with_name(f"{copy.stem}-{os.getpid()}.partial")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            np.savez(file, **held)
        os.replace(partial, copy)
    except OSError as error:                                      # a full or read-only disk costs time, never the load
        with contextlib.suppress(OSError):
            partial.unlink()
        warnings.warn(f"{copy}: the parsed copy cannot be kept ({error.strerror}); reading takes as long each time", stacklevel=4)
