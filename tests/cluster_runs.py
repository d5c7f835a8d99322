"""Runs that another process imports: see test_cluster.py and test_gpu.py."""

import os
import time
from pathlib import Path

import numpy as np

from emolib.ground import settings


def drawn(*, n, seconds=0.0, diary=""):
    """Numbers from a seed, after a while; who worked on it goes into the diary, not into the result."""
    if diary:
        (Path(diary) / f"{n}-{os.getpid()}").write_bytes(b"")
    time.sleep(seconds)
    x = np.random.default_rng(n).normal(size=(40, 40))
    return {"n": n, "product": x @ x.T}


def where(*, number):
    return {"process": os.getpid(), "device": settings.device(), "number": number}


def too_large(*, recipe):
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
