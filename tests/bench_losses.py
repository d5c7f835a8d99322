"""Concordance as a loss, forward and backward on (64, 256, 2): ours, a plain formula, torchmetrics. `emolib bench`."""

import pytest
import torch
from torchmetrics.functional import concordance_corrcoef

from emolib import losses


def plain(x, y):
    x, y = x.reshape(-1, 2), y.reshape(-1, 2)
    dx, dy = x - x.mean(0), y - y.mean(0)
    return 1 - (2 * (dx * dy).mean(0) / ((dx * dx).mean(0) + (dy * dy).mean(0) + (x.mean(0) - y.mean(0)) ** 2)).mean()


def metrics(x, y):
    return 1 - concordance_corrcoef(x.reshape(-1, 2), y.reshape(-1, 2)).mean()


@pytest.mark.parametrize("name, loss", [("plain", plain), ("ours", losses.ccc_loss), ("torchmetrics", metrics), ("non-inertial", losses.non_inertial)])
def test_forward_and_backward(benchmark, name, loss):
    g = torch.Generator().manual_seed(0)
    x, y = torch.rand(64, 256, 2, generator=g).requires_grad_(), torch.rand(64, 256, 2, generator=g)

    def step():
        x.grad = None
        loss(x, y).backward()

    torch.set_num_threads(1)
    benchmark.group = "concordance"
    benchmark(step)
