"""Eulerian magnification of 300 frames of 480 x 360: ours and a plain reference in one run: `./reproduce.sh bench`.

The reference is what OpenCV and a real Fourier transform reach with nothing else: float32, one alpha for all levels, no wavelength
schedule, rounding instead of dithering. OpenCV comes with the detectors. Rounds alternate, so that a busy machine slows both alike.
"""

import statistics
import subprocess
import sys
import time

import numpy as np
import pytest

from emolib import evm

COUNT, HEIGHT, WIDTH, FPS = 300, 360, 480, 30.0
ROUNDS = 5


def clip() -> np.ndarray:
    """A textured picture that flickers by a grey level and sways by a tenth of a pixel, with noise: uint8 (300, 360, 480, 3)."""
    rng, time_ = np.random.default_rng(0), np.arange(COUNT) / FPS
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    out = np.empty((COUNT, HEIGHT, WIDTH, 3), np.uint8)
    for t, s in enumerate(np.sin(2 * np.pi * time_)):
        out[t] = (
            128
            + s
            + 30 * np.sin((x + 0.1 * s) / 6)[..., None] * np.cos(y / 29)[..., None]
            + rng.uniform(0, 1, (HEIGHT, WIDTH, 1))
        ).astype(np.uint8)
    return out


def banded(x: np.ndarray, low: float, high: float) -> np.ndarray:
    import scipy.fft

    hertz = np.fft.rfftfreq(len(x), 1 / FPS)
    spectrum = scipy.fft.rfft(x, axis=0)
    spectrum[(hertz < low) | (hertz > high)] = 0
    return scipy.fft.irfft(spectrum, n=len(x), axis=0)


def plain_color(video, low=0.8, high=3.0, alpha=5.0, levels=4):
    import cv2

    small = []
    for frame in video:
        g = frame.astype(np.float32)
        for _ in range(levels):
            g = cv2.pyrDown(g)
        small.append(g)
    band, out = np.float32(alpha) * banded(np.stack(small), low, high), np.empty_like(video)
    for frame, part, into in zip(video, band, out):
        cv2.add(frame, cv2.resize(part, (WIDTH, HEIGHT)), dst=into, dtype=cv2.CV_8U)
    return out


def plain_motion(video, low=0.8, high=5.0, alpha=5.0, levels=4):
    import cv2

    def up(small, like):
        return cv2.pyrUp(small, dstsize=(like.shape[1], like.shape[0]))

    laplace = [[] for _ in range(1, levels)]
    for frame in video:
        g = cv2.pyrDown(frame.astype(np.float32))
        for level in laplace:
            smaller = cv2.pyrDown(g)
            level.append(g - up(smaller, g))
            g = smaller
    bands = [np.float32(alpha) * banded(np.stack(level), low, high) for level in laplace]
    out = np.empty_like(video)
    for t, frame in enumerate(video):
        total = bands[-1][t]
        for band in bands[-2::-1]:
            total = up(total, band[t]) + band[t]
        cv2.add(frame, up(total, frame), dst=out[t], dtype=cv2.CV_8U)
    return out


@pytest.mark.parametrize(
    "mode,high,plain", [("color", 3.0, plain_color), ("motion", 5.0, plain_motion)]
)
def test_magnify_against_plain_opencv(benchmark, mode, high, plain):
    pytest.importorskip(
        "cv2", reason="the plain reference needs OpenCV, which comes with mediapipe"
    )
    video, took = clip(), {"ours": [], "plain": []}

    def ours():
        return evm.magnify(video, FPS, 0.8, high, 5.0, mode=mode)

    apart = np.abs(ours().astype(int) - plain(video)).mean()  # also warms up
    for _ in range(ROUNDS):
        for name, call in (("ours", ours), ("plain", lambda: plain(video))):
            begun = time.perf_counter()
            call()
            took[name].append(time.perf_counter() - begun)
    benchmark.pedantic(ours, rounds=1)
    mine, theirs = (statistics.median(t) for t in took.values())
    benchmark.extra_info |= {
        "frames per second": round(COUNT / mine),
        "plain, times slower": round(theirs / mine, 2),
    }
    print(
        f"\n{mode}: ours {COUNT / mine:.0f} frames/s, plain {COUNT / theirs:.0f} ({theirs / mine:.2f} times ours); apart by {apart:.2f} grey levels"
    )
    assert apart < 1


PEAK = """
import sys, warnings
sys.path.insert(0, "tests")
import bench_evm
from emolib import evm

def peak():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) >> 10

warnings.simplefilter("ignore")
small = bench_evm.np.zeros((60, 32, 32, 3), bench_evm.np.uint8)
evm.magnify(small, 30.0, 0.8, 3.0, 5.0, mode=sys.argv[1])            # everything imported and compiled
before, video = peak(), bench_evm.clip()
evm.magnify(video, 30.0, 0.8, 3.0, 5.0, mode=sys.argv[1])
print(before, peak())
"""


@pytest.mark.parametrize("mode,most", [("color", 400), ("motion", 600)])
def test_peak_memory(benchmark, mode, most):
    """What the clip, the magnified clip and the work take, over a process that has torch and the compiled loops loaded (VmHWM of its own)."""
    if not sys.platform.startswith("linux"):
        pytest.skip("peak memory is read from Linux's /proc")
    made = benchmark.pedantic(
        lambda: (
            subprocess.run(
                [sys.executable, "-c", PEAK, mode], capture_output=True, text=True, check=True
            ).stdout
        ),
        rounds=1,
    )
    before, peak = map(int, made.split())
    print(
        f"\n{mode}: {peak - before} MiB (clip in and out: {2 * COUNT * HEIGHT * WIDTH * 3 >> 20}); the process {peak} MiB, {before} before"
    )
    benchmark.extra_info |= {"MiB": peak - before, "process, MiB": peak}
    assert peak - before < most
