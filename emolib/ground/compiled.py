"""Compiled loops, kept so that a second process finds them compiled."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

from emolib.ground import settings


def kept(function: Callable, *, modules: list[str], **options) -> Callable:
    """`function` compiled by numba with `options`, kept in the cache folder (settings.py) under a
    hash of the sources of `modules`.

    Name every module whose functions are compiled into the loop: numba itself looks only at the
    file that the loop stands in.
    """
    import numba

    sources = b"".join(Path(sys.modules[m].__file__).read_bytes() for m in modules)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(
        settings.cache() / "numba" / hashlib.sha256(sources).hexdigest()[:16]
    )
    try:
        return numba.njit(cache=True, **options)(function)  # which is when numba reads where
    finally:
        numba.config.CACHE_DIR = before
