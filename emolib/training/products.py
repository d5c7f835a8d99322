"""Products of float32 matrices in TF32, where a graphics card has it."""

from __future__ import annotations

import contextlib

import torch

from emolib.ground import settings


@contextlib.contextmanager
def in_tf32():
    """On a GPU, factors are rounded to ten bits and sums kept in float32; a CPU goes on as it is.

    For networks that are small beside the time it takes to ask for a kernel: bfloat16 would be
    faster, but every weight and every gradient is then converted by a kernel of its own.
    """
    if settings.device() != "cuda":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
