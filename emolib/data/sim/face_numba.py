"""The pixel functions compiled for the CPU: one scalar loop per face, faces shared over threads.

No `fastmath` and no reduction across threads: the bytes do not depend on the batch or the threads.
The compiled code is kept in `$EMOLIB_CACHE/numba/<hash of the sources>` (ground/compiled.py). numba
is imported when the first face is drawn; until then the functions below are plain Python.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from emolib.data.sim import face_pixels
from emolib.data.sim.face_tiles import GRAIN, TILE
from emolib.ground import compiled


def _noise(a, b):
    ia, ib = math.floor(a), math.floor(b)
    fa, fb = a - ia, b - ib
    fa, fb = fa * fa * (3.0 - 2.0 * fa), fb * fb * (3.0 - 2.0 * fb)
    i, j = int(ia) & 63, int(ib) & 63
    k, m = (i + 1) & 63, (j + 1) & 63
    near = TILE[i, j] * (1.0 - fa) + TILE[k, j] * fa
    return near * (1.0 - fb) + (TILE[i, m] * (1.0 - fa) + TILE[k, m] * fa) * fb


def _exp(x):
    if x < -16.0:  # too faint to show (1e-7): most soft blobs are, at most pixels
        return 0.0
    return math.exp(x) if x < 16.0 else 8.9e6


def _clip(x, a, b):
    if x < a:
        return a
    return b if x > b else x


# What the pixel functions call: numba's own, and ours to be compiled with them.
KNOWN = {"log": math.log, "sqrt": math.sqrt, "sin": math.sin, "abs": abs}
OWN = {
    "exp": _exp,
    "noise": _noise,
    "clip": _clip,
    "where": lambda c, a, b: a if c else b,
    "maybe": lambda c: c,
    "low": lambda a, b: a if a < b else b,
    "high": lambda a, b: a if a > b else b,
}
_cast = _colour = None  # the compiled pixel functions, once `_kernel` was called


def _draw(faces, start, stop, out):
    """Draw faces `start` to `stop` into `out`."""
    size = out.shape[1]
    x, y = np.empty((size, size)), np.empty((size, size))
    t, m = np.empty((size, size)), np.empty((size, size))
    image, spare = np.empty((size, size, 3)), np.empty((size, size, 3))
    for face in range(start, stop):
        p = faces[face]
        pixel = p.span / size
        for i in range(size):
            v = ((i + 0.5) / size - 0.5) * p.span + p.cy
            for j in range(size):
                u = ((j + 0.5) / size - 0.5) * p.span + p.cx
                x[i, j], y[i, j], t[i, j], m[i, j] = _cast(p, u, v)
        for i in range(size):
            v = ((i + 0.5) / size - 0.5) * p.span + p.cy
            for j in range(size):
                u = ((j + 0.5) / size - 0.5) * p.span + p.cx
                tu = (t[i, min(j + 1, size - 1)] - t[i, max(j - 1, 0)]) / (2.0 * pixel)
                tv = (t[min(i + 1, size - 1), j] - t[max(i - 1, 0), j]) / (2.0 * pixel)
                r, g, b = _colour(p, u, v, x[i, j], y[i, j], m[i, j], tu, tv, pixel)
                image[i, j, 0], image[i, j, 1], image[i, j, 2] = r, g, b
        if p.blur > 0.25:
            _blur(image, spare, p.blur)
        _develop(p, image, out[face])


def _blur(image, spare, sigma):
    """Gaussian blur in place, `sigma` in pixels, edges repeated."""
    reach = int(math.ceil(2.5 * sigma))
    weight = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weight /= weight.sum()
    n = image.shape[0]
    for source, target, down in ((image, spare, 0), (spare, image, 1)):
        for i in range(n):
            for j in range(n):
                for c in range(3):
                    total = 0.0
                    for k in range(-reach, reach + 1):
                        a = min(max(i + k * down, 0), n - 1)
                        b = min(max(j + k * (1 - down), 0), n - 1)
                        total += weight[k + reach] * source[a, b, c]
                    target[i, j, c] = total


def _develop(p, image, out):
    """Exposure, tone curve, grain and 8 bits; one channel in `out` means grey."""
    n = image.shape[0]
    a, b = int(p.grain_u * 256.0), int(p.grain_v * 256.0)
    for i in range(n):
        for j in range(n):
            for c in range(3):
                image[i, j, c] = min(max(image[i, j, c] * p.gain, 0.0), 1.0) ** 0.87
            if out.shape[2] == 1:
                red, green, blue = image[i, j, 0], image[i, j, 1], image[i, j, 2]
                image[i, j, 0] = 0.299 * red + 0.587 * green + 0.114 * blue
            for c in range(out.shape[2]):
                grain = p.noise * GRAIN[(i + a) & 255, (j + b + 85 * c) & 255]
                out[i, j, c] = np.uint8(min(max(255.0 * image[i, j, c] + grain, 0.0), 255.0) + 0.5)


@cache
def _kernel():
    """Compile `_draw` and what it calls, or find it compiled."""
    import numba

    own = {name: numba.njit(f) for name, f in OWN.items()}
    pixels = face_pixels.bind(decorate=numba.njit, **KNOWN, **own)
    # globals, not a closure: numba never finds a closure of functions again
    globals().update(_cast=pixels.cast, _colour=pixels.pixel)
    globals().update(_blur=numba.njit(_blur), _develop=numba.njit(_develop))
    names = ("face_numba", "face_pixels", "face_tiles", "streams")
    modules = [f"emolib.data.sim.{name}" for name in names]
    return compiled.kept(_draw, modules=modules, nogil=True)


def draw(features: np.ndarray, size: int, grey: bool, threads: int | None = None) -> np.ndarray:
    """Render a (B,) record of features: uint8 (B, size, size, 1 or 3)."""
    kernel, count = _kernel(), len(features)
    out = np.empty((count, size, size, 1 if grey else 3), np.uint8)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = min(threads or cores or 1, max(count, 1))
    if threads == 1:
        kernel(features, 0, count, out)
        return out
    chunk = max(1, min(64, -(-count // (4 * threads))))
    kernel(features, 0, min(1, count), out)  # compile once, before the threads race for it
    with ThreadPoolExecutor(threads) as pool:
        jobs = [
            pool.submit(kernel, features, start, min(start + chunk, count), out)
            for start in range(0, count, chunk)
        ]
    for job in jobs:
        job.result()
    return out
