"""How much faster the batched Candide fit is than SciPy's, one face at a time: `./reproduce.sh bench`.

Same faces (noise of half a pixel), same start, same 14 numbers a face; costs are compared too. SciPy's small
matrices keep to one thread. The aim is for two threads on two free processors; on a busy
machine threads wait for each other at every operation, and only the row of one thread means something.
"""

import time

import numpy as np
import pytest
import scipy_fit
import torch

from emolib import candide

FACES, PEERS = 4096, 200


@pytest.fixture(autouse=True, params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def peer(model, seen, analytic):
    """Median seconds a face, and the costs."""
    seconds, costs = [], []
    for y in seen[:PEERS]:
        begun = time.perf_counter()
        result = scipy_fit.fit(model.basis[0], model.basis[8:], y, analytic)
        seconds.append(time.perf_counter() - begun)
        costs.append(2 * result.cost)
    return float(np.median(seconds)), np.array(costs)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_4096_faces(benchmark, kind, threads):
    model = candide.load()
    seen, _ = scipy_fit.problems(model.basis, FACES, seed=1)
    points = np.full((FACES, 68, 2), 1e4, dtype=kind)
    points[:, model.pairs[:, 0]] = seen * [1, -1]
    points, shape = torch.as_tensor(points), torch.zeros(7)
    before = {analytic: peer(model, seen, analytic) for analytic in (False, True)}
    fits = benchmark.pedantic(
        candide.fit_action, args=(points, model, shape), rounds=15, warmup_rounds=2
    )
    after = {analytic: peer(model, seen, analytic) for analytic in (False, True)}
    numeric, analytic = ((before[k][0] + after[k][0]) / 2 for k in (False, True))
    each = benchmark.stats.stats.median / FACES
    off = float(np.abs(fits.cost[:PEERS].double().numpy() / before[True][1] - 1).max())
    benchmark.extra_info |= {
        "model": model.fingerprint,
        "faces per second": round(1 / each),
        "SciPy, numeric Jacobian": round(1 / numeric),
        "SciPy, analytic Jacobian": round(1 / analytic),
        "times numeric": round(numeric / each),
        "times analytic": round(analytic / each, 1),
        "largest difference of cost": off,
    }
    print(
        f"\n{kind.__name__}, {threads} threads, {model.source}: {1 / each:,.0f} faces/s; SciPy {1 / numeric:.0f} numeric ({numeric / each:.0f} times), "
        f"{1 / analytic:.0f} analytic ({analytic / each:.1f} times); costs within {off:.1e}, {fits.iterations} steps"
    )
    assert off < (1e-4 if kind is np.float32 else 1e-6)
    if kind is np.float32 and threads == 2:
        assert numeric / each >= 100 and analytic / each >= 30
