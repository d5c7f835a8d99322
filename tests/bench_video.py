"""Sixteen video networks trained together, against one after another in plain PyTorch: `./reproduce.sh bench`.

Both sides take the same steps of the same networks on one thread; the factor is of one run.
"""

import time

import pytest
import torch

from emolib.models.video import Audio, Full, Pose, alone

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


def seconds(take):
    begun = time.process_time()
    take()
    return time.process_time() - begun


# At the printed width a single network fills its kernels already: together is for quick profiles and for GPUs.
@pytest.mark.parametrize("name, kind, options, floor", [
    ("Pose, 16 wide", Pose, dict(sizes=(16,), hidden=16), 1.2),
    ("Audio, 32 wide", Audio, dict(sizes=(32,), hidden=32), 1.1),
    ("Full, 64-32-32 wide", Full, dict(sizes=(64, 32, 32), hidden=32), 1.1),
    ("Audio, as printed", Audio, {}, 0.6)])
def test_sixteen_members(benchmark, name, kind, options, floor):
    net = kind(seeds=list(range(MEMBERS)), **options)
    given = {stream: torch.rand(BATCH, LENGTH, width) for stream, width in net.widths.items()}
    target = torch.rand(BATCH, LENGTH, 2)
    together, singles = step_of(net, given, target), [step_of(alone(net, m), given, target) for m in range(MEMBERS)]
    benchmark.pedantic(together, rounds=3, warmup_rounds=2)
    for take in singles:
        take()
    # processor time, in turns: other people's work on the machine must not decide
    pairs = [(sum(seconds(take) for take in singles), seconds(together)) for _ in range(9)]
    apart, joined = (sorted(times)[4] for times in zip(*pairs, strict=True))
    benchmark.extra_info |= {"networks": MEMBERS, "times faster": round(apart / joined, 2)}
    print(f"\n{name}: {1e3 * apart:.0f} ms one after another, {1e3 * joined:.0f} ms together: {apart / joined:.2f} times faster")
    assert apart / joined >= floor
