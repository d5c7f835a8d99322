"""Concordance as a loss, forward and backward on (64, 256, 2): ours, a plain formula, torchmetrics. `emolib bench`."""

import pytest
import torch
from torchmetrics.functional import concordance_corrcoef

from emolib import losses
from emolib.models import video


def plain(x, y):
    x, y = x.reshape(-1, 2), y.reshape(-1, 2)
    dx, dy = x - x.mean(0), y - y.mean(0)
    return (
        1
        - (
            2
            * (dx * dy).mean(0)
            / ((dx * dx).mean(0) + (dy * dy).mean(0) + (x.mean(0) - y.mean(0)) ** 2)
        ).mean()
    )


def metrics(x, y):
    return 1 - concordance_corrcoef(x.reshape(-1, 2), y.reshape(-1, 2)).mean()


@pytest.mark.parametrize(
    "name, loss",
    [
        ("plain", plain),
        ("ours", losses.ccc_loss),
        ("torchmetrics", metrics),
        ("non-inertial", losses.non_inertial),
    ],
)
def test_forward_and_backward(benchmark, name, loss):
    g = torch.Generator().manual_seed(0)
    x, y = torch.rand(64, 256, 2, generator=g).requires_grad_(), torch.rand(64, 256, 2, generator=g)

    def step():
        x.grad = None
        loss(x, y).backward()

    torch.set_num_threads(1)
    benchmark.group = "concordance"
    benchmark(step)


@pytest.mark.parametrize(
    "name, loss",
    [
        ("no loss", None),
        ("MSE", losses.mse),
        ("CCC", losses.ccc_loss),
        ("non-inertial", losses.non_inertial),
    ],
)
def test_step_of_the_full_network(benchmark, name, loss):
    """A whole step of orgil2021's Full network on 8 x 128 frames: what a loss adds to it must stay below 5 %."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = video.Full()
    inputs = {stream: torch.rand(8, 128, width) for stream, width in video.WIDTHS.items()}
    target, step = torch.rand(8, 128, 2), torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)

    def train():
        step.zero_grad()
        out = net(inputs)
        (out.sum() if loss is None else loss(out, target)).backward()
        step.step()

    benchmark.group = "step of the Full network"
    benchmark.pedantic(train, rounds=5, warmup_rounds=1)
