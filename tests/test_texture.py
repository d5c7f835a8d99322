"""LBP, LPQ and PHOG against slow references, pixel by pixel from their definitions, and by what they must not notice."""

import cmath
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolib.features import texture
from emolib.features.texture import lbp, lpq, lpq_filters, phog
from emolib.ground.errors import EmolibError


def pictures(count=3, size=(22, 19), seed=0):
    """Smooth blobs with grain, uint8; parts are even, so that the borders of every definition are met."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    out = []
    for _ in range(count):
        cy, cx, w = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(3, 8)
        picture = (
            40
            + 160 * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / w**2)
            + rng.integers(0, 30, size) * (x > size[1] // 2)
        )
        out.append(picture)
    return np.array(out).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def natural():
    """Forty pictures of 48 x 48 with the spectrum of natural images, 1 / f in amplitude."""
    rng = np.random.default_rng(1)
    f = np.hypot(np.fft.fftfreq(48)[:, None], np.fft.fftfreq(48))
    f[0, 0] = 1
    wave = np.fft.ifft2(np.fft.fft2(rng.standard_normal((40, 48, 48))) / f).real
    return (128 + 45 * wave / wave.std((1, 2), keepdims=True)).clip(0, 255).astype(np.uint8)


def histogram(codes, bins, grid, weight=None):
    """Of one image's codes: cell by cell, pixel by pixel."""
    out = np.zeros((grid, grid, bins))
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            out[i * grid // codes.shape[0], j * grid // codes.shape[1], codes[i, j]] += (
                1 if weight is None else weight[i, j]
            )
    return out


# ---- LBP


def slow_lbp(image, grid):
    around = [(0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)]
    uniform = [
        c for c in range(256) if sum((c >> p & 1) != (c >> (p + 1) % 8 & 1) for p in range(8)) <= 2
    ]
    codes = np.zeros((image.shape[0] - 2, image.shape[1] - 2), int)
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            code = sum(
                (int(image[i + 1 + dy, j + 1 + dx]) >= int(image[i + 1, j + 1])) << p
                for p, (dy, dx) in enumerate(around)
            )
            codes[i, j] = uniform.index(code) if code in uniform else 58
    cells = histogram(codes, 59, grid)
    return (cells / cells.sum(-1, keepdims=True)).ravel()


@pytest.mark.parametrize("grid", [1, 3])
def test_lbp_is_its_definition(grid):
    images = pictures()
    np.testing.assert_allclose(
        lbp(images, grid), [slow_lbp(image, grid) for image in images], atol=1e-15
    )


@given(st.integers(0, 1000))
def test_lbp_does_not_notice_any_increasing_change_of_the_grey_values(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 100, (2, 12, 12)).astype(np.uint8)
    curve = np.sort(rng.choice(256, 100, replace=False)).astype(np.uint8)  # strictly increasing
    assert (lbp(curve[image], 2) == lbp(image, 2)).all()
    assert (lbp(99 - image, 2) != lbp(image, 2)).any()


# ---- LPQ


def slow_lpq(image, grid, window=7, rho=0.9):
    """Sums over the square for each pixel and frequency; covariance over pairs of its pixels; singular vectors."""
    r, places = (
        window // 2,
        [
            (dy, dx)
            for dy in range(-(window // 2), window // 2 + 1)
            for dx in range(-(window // 2), window // 2 + 1)
        ],
    )
    a = 1 / window
    frequencies = [(a, 0), (0, a), (a, a), (a, -a)]  # along x, along y
    wave = [
        [cmath.exp(-2j * math.pi * (u * dx + v * dy)) for dy, dx in places] for u, v in frequencies
    ]
    part = np.array(
        [[w.real for w in row] for row in wave] + [[w.imag for w in row] for row in wave]
    )
    alike = [[rho ** math.dist(p, q) for q in places] for p in places]
    tip = np.diag([1 + k * 1e-6 for k in range(7, -1, -1)])
    turn = np.linalg.svd(tip @ part @ alike @ part.T @ tip)[0].T
    turn = np.array([row * next(math.copysign(1, x) for x in row if abs(x) > 0.1) for row in turn])
    codes = np.zeros((image.shape[0] - 2 * r, image.shape[1] - 2 * r), int)
    for i in range(codes.shape[0]):
        for j in range(codes.shape[1]):
            grey = [float(image[i + r + dy, j + r + dx]) for dy, dx in places]
            f = [sum(w * g for w, g in zip(row, grey)) for row in wave]
            g = turn @ ([z.real for z in f] + [z.imag for z in f])
            codes[i, j] = sum(int(x > -1e-6) << k for k, x in enumerate(g))
    cells = histogram(codes, 256, grid)
    return (cells / cells.sum(-1, keepdims=True)).ravel()


@pytest.mark.parametrize("grid", [1, 3])
def test_lpq_is_its_definition(grid):
    images = pictures()
    expected = [slow_lpq(image, grid) for image in images]
    np.testing.assert_allclose(lpq(images, grid), expected, atol=1e-15)


def test_whitened_filters_are_uncorrelated_in_the_model_and_sum_to_zero():
    filters = lpq_filters().reshape(8, -1)
    place = np.stack(np.meshgrid(range(7), range(7)), -1).reshape(-1, 2)
    model = 0.9 ** np.linalg.norm(place[:, None] - place, axis=-1)
    covariance = filters @ model @ filters.T
    # the tip of 1e-6 that picks a basis leaves that much of the largest variance off the diagonal
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-5 * covariance.max()
    assert (np.diff(np.diag(covariance)) < 1e-3).all() and np.abs(filters.sum(1)).max() < 1e-12


@given(st.integers(0, 500))
def test_lpq_does_not_notice_brightness_and_contrast_and_turns_over_with_the_negative(seed):
    image = np.random.default_rng(seed).integers(0, 80, (1, 16, 16)).astype(np.uint8)
    same = lpq(image, 2)
    assert (lpq(3 * image + 10, 2) == same).all()
    np.testing.assert_allclose(lpq(255 - image, 2).reshape(4, 256)[:, ::-1], same.reshape(4, 256))


def test_an_even_surface_has_one_code():
    flat = lpq(np.full((1, 20, 20), 137, np.uint8), 1)[0]
    assert flat[255] == 1 and flat.sum() == 1


def test_lpq_hardly_notices_a_symmetric_blur_that_changes_lbp(natural):
    """Chi-square distance to the blurred picture's own histogram, as a share of the distance between two natural."""
    blurred = (
        texture._smooth(torch.as_tensor(natural).double(), 0.8).round().numpy().astype(np.uint8)
    )

    def share(describe):
        a, b = describe(natural), describe(blurred)
        chi = lambda p, q: ((p - q) ** 2 / np.maximum(p + q, 1e-12)).sum(1).mean()  # noqa: E731
        return chi(a, b) / chi(a, np.roll(a, 1, axis=0))

    measured = share(lambda x: lpq(x, 1)), share(lambda x: lbp(x, 1))
    assert measured[0] < 0.6 < measured[1], measured


# ---- PHOG


def slow_phog(image, edge, levels, bins, angle):
    padded = np.pad(image.astype(float), 1, mode="edge")
    height, width = image.shape
    votes = np.zeros((height, width, bins))
    for i in range(height):
        for j in range(width):
            p = padded[i : i + 3, j : j + 3]
            dx = (p[0, 2] + 2 * p[1, 2] + p[2, 2]) - (p[0, 0] + 2 * p[1, 0] + p[2, 0])
            dy = (p[2, 0] + 2 * p[2, 1] + p[2, 2]) - (p[0, 0] + 2 * p[0, 1] + p[0, 2])
            direction = math.degrees(math.atan2(dy, dx)) % angle
            votes[i, j, math.floor(direction / (angle / bins) + 1e-9) % bins] = (
                math.hypot(dx, dy) * edge[i, j]
            )
    out = []
    for level in range(levels + 1):
        n = 2**level
        cells = np.zeros((n, n, bins))
        for i in range(height):
            for j in range(width):
                cells[i * n // height, j * n // width] += votes[i, j]
        out.append(cells.ravel())
    out = np.concatenate(out)
    return out / out.sum()


@pytest.mark.parametrize(
    "angle, bins, levels", [(360, 8, 3), (180, 8, 3), (360, 5, 1), (180, 20, 0)]
)
@pytest.mark.parametrize("edges", ["gradient", "canny"])
def test_phog_is_its_definition(angle, bins, levels, edges):
    if edges == "canny":
        pytest.importorskip("cv2")
    images = pictures()
    edge = texture.canny(images) if edges == "canny" else np.ones(images.shape, bool)
    assert 0.05 < edge.mean() <= 1
    expected = [slow_phog(image, e, levels, bins, angle) for image, e in zip(images, edge)]
    ours = phog(images, levels=levels, bins=bins, angle=angle, edges=edges)
    assert ours.shape == (3, bins * (4 ** (levels + 1) - 1) // 3)
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_edges_are_strong_for_their_image_and_stay_with_its_contrast(natural):
    pytest.importorskip("cv2")
    edge = texture.canny(natural)
    dy, dx = texture._sobel(texture._smooth(torch.as_tensor(natural).double(), math.sqrt(2)))
    size = torch.hypot(dx, dy).numpy()
    high = np.quantile(size, 0.7, axis=(1, 2))
    assert (
        (size[edge] / np.broadcast_to(high[:, None, None], size.shape)[edge]).min() > 0.38
    ) and 0.05 < edge.mean() < 0.35
    assert (
        size[edge] < np.broadcast_to(high[:, None, None], size.shape)[edge]
    ).mean() > 0.05  # weak ones that hang on strong ones
    faint = natural // 16
    assert (texture.canny(faint) == texture.canny(16 * faint)).mean() > 0.98


def test_gradients_are_opencvs():
    cv2 = pytest.importorskip("cv2")
    images = pictures()
    dy, dx = texture._sobel(torch.as_tensor(images).double())
    for image, y, x in zip(images, dy.numpy(), dx.numpy()):
        assert (x == cv2.Sobel(image, cv2.CV_64F, 1, 0, borderType=cv2.BORDER_REPLICATE)).all()
        assert (y == cv2.Sobel(image, cv2.CV_64F, 0, 1, borderType=cv2.BORDER_REPLICATE)).all()


@pytest.mark.parametrize("edges", ["gradient", "canny"])
def test_phog_does_not_notice_brightness_and_contrast(edges):
    if edges == "canny":
        pytest.importorskip("cv2")
    image = (pictures() // 3).astype(np.uint8)
    same = phog(image, edges=edges)
    np.testing.assert_allclose(phog(image + 90, edges=edges), same, atol=1e-12)
    np.testing.assert_allclose(
        phog(2 * image, edges="gradient"), phog(image, edges="gradient"), atol=1e-12
    )


@pytest.mark.parametrize("turn, first", [(0, 0), (1, 6), (2, 4), (3, 2)])
def test_phog_finds_the_direction_of_an_edge(turn, first):
    """Brighter to the right is bin 0; turned counter-clockwise by 90 degrees it is brighter upwards, bin 6 as y grows downwards."""
    ramp = np.rot90(np.tile(np.arange(0, 160, 10, dtype=np.uint8), (16, 1)), turn)[None]
    top = phog(ramp, levels=0, edges="gradient")[0]
    assert top.argmax() == first and top[first] == pytest.approx(1)
    assert phog(ramp, levels=0, edges="gradient", angle=180)[0].argmax() == (0, 4)[turn % 2]


# ---- all


@pytest.mark.parametrize(
    "describe, width, cells",
    [(lbp, 16 * 59, 16), (lpq, 16 * 256, 16), (lambda x: phog(x, edges="gradient"), 680, 1)],
)
def test_size_sums_and_independence_of_the_batch(describe, width, cells, natural, monkeypatch):
    out = describe(natural)
    assert out.shape == (40, width) and out.dtype == np.float64 and (out >= 0).all()
    np.testing.assert_allclose(out.reshape(40, cells, -1).sum(-1), 1)
    monkeypatch.setattr(texture, "PIXELS", 3 * 48 * 48)
    assert (describe(natural) == out).all() and (describe(natural[7:8]) == out[7]).all()


def test_an_image_without_edges_is_all_zero():
    assert (phog(np.full((1, 16, 16), 9, np.uint8), edges="gradient") == 0).all()


@pytest.mark.parametrize(
    "call, said",
    [
        (
            lambda: lbp(np.zeros((2, 5, 5), np.uint8)),
            "lbp: images of 5 x 5 pixels, expected at least 6",
        ),
        (
            lambda: lpq(np.zeros((2, 9, 40), np.uint8)),
            "lpq: images of 9 x 40 pixels, expected at least 10",
        ),
        (
            lambda: phog(np.zeros((2, 7, 7), np.uint8)),
            "phog: images of 7 x 7 pixels, expected at least 8",
        ),
        (lambda: lbp(np.zeros((2, 9, 9))), "float64"),
        (lambda: lpq(np.zeros((2, 9, 9, 3), np.uint8)), "turn colour to grey"),
        (lambda: phog(np.zeros((0, 9, 9), np.uint8)), "at least one image"),
        (lambda: phog(np.zeros((1, 20, 20), np.uint8), angle=90), "angle 90"),
        (lambda: phog(np.zeros((1, 20, 20), np.uint8), edges="sobel"), "edges 'sobel'"),
        (lambda: lbp(np.zeros((1, 9, 9), np.uint8), 0), "grid"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(call, said):
    with pytest.raises(EmolibError, match=said) as error:
        call()
    assert "\n" not in str(error.value)


def test_without_opencv_canny_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    with pytest.raises(EmolibError, match=r"install emolib\[detectors\], or take edges='gradient'"):
        phog(pictures())
