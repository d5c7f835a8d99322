"""Frames per second of the detectors on 640 x 480 films with a face of 200 pixels, and their error beside it: `./reproduce.sh bench`.

The error is the mean distance from the simulator's points in outer-eye distances; speed that is bought with wrong points fails here.
A plain call (dlib's detector on the whole frame) stands beside ours.
"""

import films
import pytest

FRAMES = 120


@pytest.fixture(scope="module")
def film():
    return films.film(FRAMES)


def report(benchmark, found, truth, name):
    speed = FRAMES / benchmark.stats["median"]
    benchmark.extra_info |= {
        "frames_per_second": round(speed, 1),
        "found": int(found.found.sum()),
        "error": round(films.error(found, truth), 4),
    }
    print(
        f"\n{name}: {speed:.0f} frames/s, found {found.found.sum()} of {FRAMES}, error {films.error(found, truth):.4f} of the outer-eye distance"
    )
    return speed


def test_dlib(benchmark, film):
    frames, truth = film
    found = benchmark.pedantic(
        films.detector("dlib").detect, args=(frames,), rounds=3, warmup_rounds=1
    )
    assert report(benchmark, found, truth, "dlib") >= 30
    assert found.found.all() and films.error(found, truth) <= 0.045


def test_dlib_plain(benchmark, film):
    import numpy as np

    from emolib.features.landmarks import Landmarks

    frames, truth = film
    ours = films.detector("dlib")

    def plain():
        points = []
        for frame in frames:
            box = max(ours._find(frame, 0), key=lambda r: r.area())
            points.append([(p.x, p.y) for p in ours._predict(frame, box).parts()])
        return Landmarks(points=np.array(points), found=np.ones(FRAMES, bool))

    found = benchmark.pedantic(plain, rounds=2)
    report(benchmark, found, truth, "dlib on whole colour frames")


@pytest.mark.parametrize("every,least", [(5, 80), (0, None), (1, None)])
def test_mediapipe(benchmark, film, every, least):
    frames, truth = film
    found = benchmark.pedantic(
        films.detector("mediapipe", body_every=every).detect,
        args=(frames,),
        rounds=3,
        warmup_rounds=1,
    )
    speed = report(
        benchmark, found, truth, f"mediapipe, body {f'in every {every}. frame' if every else 'off'}"
    )
    assert found.found.all() and films.error(found, truth) <= 0.06
    assert least is None or speed >= least
