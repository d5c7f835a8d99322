"""Where compiled loops of the simulator are kept, so that a second process finds them compiled."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def kept(*modules: str) -> Iterator[None]:
    """Functions that numba decorates with cache=True inside are kept in `$EMOLIB_CACHE/numba/<hash of the sources of these modules>`."""
    import numba

    here = Path(__file__).parent
    sources = b"".join((here / f"{name}.py").read_bytes() for name in modules)
    place = Path(os.environ.get("EMOLIB_CACHE") or here.parents[1] / ".cache")
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(place / "numba" / hashlib.sha256(sources).hexdigest()[:16])
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
