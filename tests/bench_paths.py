"""How each hot path grows with its work, and how far it is from what the machine could do: `./reproduce.sh bench`.

Each path runs at 1, 10 and 100 times a unit of work, one thread. Two numbers: the exponent of time against work (1 is proportional,
less means that a fixed cost still shows), and the share of the floor: the time that its arithmetic or its bytes would take at the
rates this machine reaches on a matrix product and on a copy, over the time it takes. Counts of operations are of the algorithm, by
hand, and leave out what is small; a share says where a path stands, not how good it is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from emolib import candide, evm, losses, training
from emolib.data.sim import face
from emolib.features import mel, texture
from emolib.models.shallow import Shallow
from emolib.reproduction.studies.sfew.training import smooth_l1

pytestmark = pytest.mark.usefixtures("one_thread")


def best(call: Callable[[], object], rounds: int = 3) -> float:
    """Processor seconds of the fastest of some rounds: other people's work on the machine must not decide."""
    took = []
    for _ in range(rounds):
        begun = time.process_time()
        call()
        took.append(time.process_time() - begun)
    return max(min(took), 1e-9)


@pytest.fixture(scope="module")
def machine() -> tuple[float, float]:
    """(floating-point operations, bytes) a second of one thread: a product of 1024 x 1024 matrices, and a copy of 256 MB."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    a, b = torch.rand(1024, 1024), torch.rand(32_000_000)
    into = torch.empty_like(b)
    rates = 2 * 1024**3 / best(lambda: a @ a, 5), 2 * 4 * len(b) / best(lambda: into.copy_(b), 5)
    torch.set_num_threads(before)
    return rates


@dataclass(frozen=True)
class Hot:
    """A hot path: `make(n)` gives the call for n units of work, `cost` its operations and bytes for one unit."""

    unit: str
    one: int  # units at x1
    make: Callable[[int], Callable[[], object]]
    cost: tuple[float, float]


def loss(frames):
    x, y = torch.rand(1, frames, 2, requires_grad=True), torch.rand(1, frames, 2)

    def call():
        x.grad = None
        losses.non_inertial(x, y).backward()

    return call


def spectrogram(clips):
    waves = torch.rand(clips, 22_050)
    return lambda: mel.log_mel(waves)


def magnified(frames, mode):
    rng = np.random.default_rng(
        0
    )  # a still picture that flickers by one level: large motions are warned of
    clip = rng.integers(20, 230, (1, 90, 120, 3), dtype=np.uint8) + rng.integers(
        0, 2, (frames, 90, 120, 3), dtype=np.uint8
    )
    return lambda: evm.magnify(clip, 30.0, 0.8, 3.0, 5.0, mode=mode)


def fitted(faces):
    import scipy_fit

    model = candide.load()
    seen, _ = scipy_fit.problems(model.basis, faces, seed=1)
    points = np.full((faces, 68, 2), 1e4, np.float32)
    points[:, model.pairs[:, 0]] = seen * [1, -1]
    tensor = torch.as_tensor(points)
    return lambda: candide.fit_action(tensor, model, torch.zeros(7))


def trained(members):
    net, x = Shallow(list(range(members))), torch.rand(members, 10, 5)
    y = torch.nn.functional.one_hot(torch.randint(0, 7, (members, 10)), 7).float()
    return lambda: training.fit(
        net,
        lambda epoch: [(x, y)] * 10,
        smooth_l1,
        training.Settings(epochs=1, rate=1e-4),
        progress=False,
    )


def drawn(count):
    crowd = face.faces(0, count, style="tight")
    return lambda: face.render(crowd, 48, grey=True)


def phase(count):
    pictures = np.random.default_rng(0).integers(0, 255, (count, 64, 64), dtype=np.uint8)
    return lambda: texture.lpq(pictures)


def map_of(points):
    from openTSNE import TSNE

    x = np.random.default_rng(0).normal(size=(points, 32)) + np.arange(points)[:, None] % 7
    return lambda: TSNE(
        perplexity=30, n_iter=100, early_exaggeration_iter=50, n_jobs=1, random_state=0
    ).fit(x)


FFT = 2.5 * 2048 * 11 + 2 * 1025 * 128  # one spectrum of 2048 samples, and 128 bands of it
PATHS = {
    "non-inertial loss, forward and backward": Hot("frames", 2_000, loss, (60, 3 * 2 * 4)),
    "log-mel": Hot("clips of 1 s", 2, spectrogram, (44 * FFT, 22_050 * 4 + 44 * 128 * 4)),
    "magnification, colour": Hot(
        "frames of 120 x 90",
        40,
        lambda n: magnified(n, "color"),
        (3 * 90 * 120 * 20, 2 * 3 * 90 * 120),
    ),
    "magnification, motion": Hot(
        "frames of 120 x 90",
        40,
        lambda n: magnified(n, "motion"),
        (3 * 90 * 120 * 60, 2 * 3 * 90 * 120),
    ),
    "Candide fit": Hot("faces", 40, fitted, (10 * (2 * 70 * 14 * 14 + 14**3), 70 * 4)),
    "ensemble training, 10 steps": Hot(
        "networks", 10, trained, (10 * 6 * 10 * (5 * 16 + 16 * 7), 10 * 3 * 4 * 215)
    ),
    "simulated faces": Hot("faces of 48 x 48", 10, drawn, (48 * 48 * 4 * 300, 48 * 48)),
    "local phase quantization": Hot(
        "images of 64 x 64", 10, phase, (58 * 58 * 8 * 2 * 14, 64 * 64 + 4096 * 4)
    ),
    "t-SNE, 150 steps": Hot("points", 50, map_of, (150 * 90 * 10, 150 * 90 * 8)),
}


@pytest.mark.parametrize("name", PATHS)
def test_growth_and_floor(benchmark, machine, name):
    if name.startswith("t-SNE"):
        pytest.importorskip("openTSNE", reason="NOT MEASURED: openTSNE comes with the explorer")
    hot, seconds = PATHS[name], []
    sizes = np.array([1, 10, 100]) * hot.one
    for n in sizes:
        call = hot.make(int(n))
        call()  # compiled, cached, warm
        seconds.append(best(call))
    benchmark.pedantic(call, rounds=1)
    exponent = np.polyfit(np.log(sizes[1:]), np.log(seconds[1:]), 1)[0]
    flops, moved = (float(sizes[-1]) * c for c in hot.cost)
    floor = max(flops / machine[0], moved / machine[1])
    limit = "arithmetic" if flops / machine[0] > moved / machine[1] else "memory"
    benchmark.extra_info |= {
        "unit": hot.unit,
        **{f"x{k}, ms": round(1e3 * t, 3) for k, t in zip((1, 10, 100), seconds, strict=True)},
        "a second": float(f"{sizes[-1] / seconds[-1]:.3g}"),
        "floor, a second": float(f"{sizes[-1] / floor:.3g}"),
        "exponent": round(float(exponent), 2),
        "share of the floor": float(f"{floor / seconds[-1]:.2g}"),
        "floor set by": limit,
    }
    print(
        f"\n{name}: {sizes[-1] / seconds[-1]:,.0f} {hot.unit} a second, exponent {exponent:.2f}; "
        f"the floor ({limit}) would be {sizes[-1] / floor:,.0f} a second"
    )
    assert exponent < 1.35  # nothing here may grow with the square of its work
