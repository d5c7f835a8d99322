"""How much faster an ensemble is than its members one by one, in plain PyTorch: `./reproduce.sh bench`.

Both sides take the same optimiser steps on batches of the paper's size; the factor is per network and step.
"""

import time

import pytest
import torch
from torch import nn

from emolib import training
from emolib.models.fusion1d import Fusion1d
from emolib.models.shallow import Shallow
from emolib.reproduction.studies.sfew.training import smooth_l1

BATCH, RATE = 10, 1e-4

pytestmark = pytest.mark.usefixtures("one_thread")


def plain_shallow():
    return nn.Sequential(nn.Linear(5, 16), nn.Sigmoid(), nn.Linear(16, 7))


class PlainCnn(nn.Module):
    """One branch of Fig. 5 as one would write it for a single network."""

    def __init__(self, channels=(16, 32, 64, 64, 64)):
        super().__init__()
        self.conv = nn.ModuleList(
            nn.Conv1d(a, b, 3, padding=1) for a, b in zip((1, *channels), channels)
        )
        self.reduce, self.out = nn.Linear(channels[-1], 14), nn.Linear(14, 7)

    def forward(self, x):
        x = x.unsqueeze(1)
        for conv in self.conv:
            x = torch.relu(conv(x))
            x = nn.functional.max_pool1d(x, 2, 1) if x.shape[-1] > 1 else x
        return self.out(torch.relu(self.reduce(x.flatten(1))))


def data(members, steps):
    x = torch.rand(steps, members, BATCH, 5)
    return x, nn.functional.one_hot(torch.randint(0, 7, (steps, members, BATCH)), 7).float()


def one_by_one(make, steps) -> float:
    """Seconds per network and step of a plain training loop."""
    net = make()
    step = torch.optim.Adam(net.parameters(), lr=RATE)
    x, y = data(1, steps + 5)
    for i, (batch, target) in enumerate(zip(x[:, 0], y[:, 0])):
        if i == 5:  # after a warm-up
            begun = time.perf_counter()
        step.zero_grad()
        nn.functional.smooth_l1_loss(net(batch), target).backward()
        step.step()
    return (time.perf_counter() - begun) / steps


def compare(benchmark, net, plain, members, steps):
    """Median of the rounds: seconds per network and step, together against alone; alone is measured before and after."""
    batches = list(zip(*data(members, steps)))
    settings = training.Settings(epochs=1, rate=RATE)

    def together():
        training.fit(net, lambda epoch: batches, smooth_l1, settings, progress=False)

    alone = [one_by_one(plain, 300) for _ in range(3)]
    benchmark.pedantic(together, rounds=7, warmup_rounds=1)
    alone = sorted([*alone, *(one_by_one(plain, 300) for _ in range(3))])
    median = (alone[2] + alone[3]) / 2
    each = benchmark.stats.stats.median / members / steps
    benchmark.extra_info |= {
        "networks": members,
        "alone, us per network and step": round(1e6 * median, 2),
        "together, us per network and step": round(1e6 * each, 3),
        "times faster": round(median / each, 1),
    }
    print(
        f"\n{members} networks: {1e6 * median:.1f} us alone, {1e6 * each:.3f} us together, {median / each:.1f} times faster per network"
    )
    return median / each


def test_950_shallow_networks(benchmark):
    """The sweeps of wang: 19 settings x 2 feature sets x 5 seeds x 5 folds."""
    assert compare(benchmark, Shallow(list(range(950))), plain_shallow, 950, steps=20) >= 100


def test_50_convolutional_networks(benchmark):
    """Two feature sets x 5 seeds x 5 folds; the convolutions of a single network already fill their kernels better."""
    assert compare(benchmark, Fusion1d(list(range(50))), PlainCnn, 50, steps=10) >= 5
