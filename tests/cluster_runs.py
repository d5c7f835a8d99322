"""Runs that a Dask worker imports: see test_cluster.py."""

import os
import time
from pathlib import Path

import numpy as np


def drawn(*, n, seconds=0.0, diary=""):
    """Numbers from a seed, after a while; who worked on it goes into the diary, not into the result."""
    if diary:
        (Path(diary) / f"{n}-{os.getpid()}").write_bytes(b"")
    time.sleep(seconds)
    x = np.random.default_rng(n).normal(size=(40, 40))
    return {"n": n, "product": x @ x.T}
