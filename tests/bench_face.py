"""Speed of the face renderer: `pytest tests/bench_face.py`."""

import pytest

from emolib.data.sim import face


@pytest.mark.parametrize("size,count", [(48, 1000), (96, 250), (160, 100)])
def test_cpu(benchmark, size, count):
    crowd = face.faces(0, count, style="tight")
    face.render(crowd.take(slice(0, 2)), size, grey=True)
    benchmark.pedantic(face.render, args=(crowd, size), kwargs={"grey": True}, rounds=3)
    benchmark.extra_info["faces_per_second"] = count / benchmark.stats["mean"]


def test_gpu(benchmark):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a GPU")
    crowd = face.faces(0, 20_000, style="tight")
    face.render(crowd.take(slice(0, 2000)), 48, grey=True, device="cuda")
    benchmark.pedantic(
        face.render, args=(crowd, 48), kwargs={"grey": True, "device": "cuda"}, rounds=3
    )
    benchmark.extra_info["faces_per_second"] = 20_000 / benchmark.stats["mean"]
    assert benchmark.extra_info["faces_per_second"] >= 20_000
