"""How long the explorer takes to answer a lasso among 20,000 points: from what the browser sends to what goes back to it."""

import numpy as np
import pytest

from emolib.reproduction.explore import layout
from emolib.reproduction.explore.bundles import Bundle
from emolib.reproduction.runs.explored import Model

N, C = 20_000, 8
ANSWER = 0.2  # seconds a lasso may take


@pytest.fixture(scope="module")
def bundle():
    rng = np.random.default_rng(0)
    xy = rng.uniform(-1, 1, (N, 2)).astype(np.float32)
    true = rng.integers(0, C, N).astype(np.int16)
    models = tuple(
        Model(
            n,
            xy,
            rng.integers(0, C, N).astype(np.int16),
            rng.dirichlet(np.ones(C), N).astype(np.float32),
        )
        for n in ("one", "other")
    )
    text = np.arange(N).astype(str)
    return Bundle(
        "many",
        "Many points",
        "quick",
        "simulated",
        tuple("abcdefgh"),
        true,
        np.char.add("p", (np.arange(N) % 40).astype(str)),
        np.zeros(N, np.int16),
        np.full(N, "face"),
        text,
        np.arange(N),
        models,
        {(m, how): xy for m in ("one", "other") for how in ("PCA", "t-SNE")},
        "none:simulated:0:{}",
        "numbers",
    )


def test_a_lasso_among_twenty_thousand_points(benchmark, bundle):
    pytest.importorskip(
        "jscatter",
        reason="NOT MEASURED: jupyter-scatter is not installed (pip install 'emolib[explore]')",
    )
    from emolib.reproduction.explore.views import Explorer

    app, rng = Explorer({"many": bundle}), np.random.default_rng(1)
    lassos = [
        np.sort(rng.choice(N, size, replace=False)).astype(np.uint32)
        for size in (10, 500, 5000, 10_000)
    ] * 5

    def answer(rows):
        app.plots[0].widget.selection = rows

    benchmark.pedantic(answer, setup=lambda: ((lassos.pop(),), {}), rounds=20)
    assert benchmark.stats.stats.median < ANSWER


def test_a_change_of_colour(benchmark, bundle):
    pytest.importorskip(
        "jscatter",
        reason="NOT MEASURED: jupyter-scatter is not installed (pip install 'emolib[explore]')",
    )
    from emolib.reproduction.explore.views import Explorer

    app, names = Explorer({"many": bundle}), ["class", "actor", "confidence", "correctness"] * 3
    benchmark.pedantic(lambda: setattr(app.by, "value", names.pop()), rounds=12)


def test_tsne_of_two_thousand_points(benchmark):
    x = np.random.default_rng(2).normal(size=(2000, 8))
    benchmark.pedantic(layout.place, (x,), {"method": "t-SNE"}, rounds=1)
