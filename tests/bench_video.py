"""Sixteen video networks trained together, against one after another in plain PyTorch: `./reproduce.sh bench`.

Both sides take the same steps of the same networks, one thread; the factor is of one run, alone measured before and after.
"""

import time

import pytest
import torch

from emolib.models.video import Audio, Full, alone

MEMBERS, BATCH, LENGTH = 16, 8, 64


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def step_of(net, given, target):
    step = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)

    def take():
        step.zero_grad()
        (net(given) - target).square().sum().backward()
        step.step()
    return take


@pytest.mark.parametrize("name, kind, options, floor", [
    ("Audio, quick (32 wide)", Audio, dict(sizes=(32,), hidden=32), 2.5),
    ("Full, quick (64-32-32 wide)", Full, dict(sizes=(64, 32, 32), hidden=32), 1.2),
    ("Audio, as printed (256 wide)", Audio, {}, 0.6)])
def test_sixteen_members(benchmark, name, kind, options, floor):
    net = kind(seeds=list(range(MEMBERS)), **options)
    given = {stream: torch.rand(BATCH, LENGTH, width) for stream, width in net.widths.items()}
    target = torch.rand(BATCH, LENGTH, 2)
    steps = [step_of(alone(net, m), given, target) for m in range(MEMBERS)]

    def one_after_another():
        begun = time.process_time()
        for take in steps:
            take()
        return time.process_time() - begun

    one_after_another()
    apart = [one_after_another() for _ in range(3)]
    benchmark.pedantic(step_of(net, given, target), rounds=7, warmup_rounds=2)
    apart = sorted([*apart, *(one_after_another() for _ in range(3))])
    factor = apart[len(apart) // 2] / benchmark.stats.stats.median
    benchmark.extra_info |= {"networks": MEMBERS, "times faster": round(factor, 2)}
    print(f"\n{name}: {1e3 * apart[len(apart) // 2]:.0f} ms one after another, {1e3 * benchmark.stats.stats.median:.0f} ms together: "
          f"{factor:.1f} times faster")
    assert factor >= floor
