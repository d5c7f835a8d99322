"""Texture and shape of grey faces as histograms: LBP, LPQ and PHOG.

Each takes uint8 (N, H, W) and gives float64 (N, D), in chunks that do not change the result.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch.nn.functional import conv2d, pad

from emolib.ground.errors import EmolibError

PIXELS = 1 << 20  # of a chunk
# (row, column), counter-clockwise from the right
NEIGHBOURS = ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))
WINDOW, RHO = 7, 0.9  # of LPQ: side of the square, correlation of neighbouring pixels


def lbp(images: np.ndarray, grid: int = 4) -> np.ndarray:
    """Uniform local binary patterns, (N, grid * grid * 59), each cell summing to 1.

    Ojala et al. 2002, on a grid as Ahonen et al. 2006. Bit p of a pixel's code: is neighbour p of
    its 3 x 3 square at least as bright? The 58 patterns with at most two changes around the circle
    have bins of their own; all others share the last. Border pixels have no code.
    Raises EmolibError for images that leave a cell empty.
    """
    images = _checked(images, grid + 2, "lbp", grid)
    bins = torch.as_tensor(_uniform_bins())

    def histograms(chunk):
        height, width = chunk.shape[1:]
        centre = chunk[:, 1:-1, 1:-1]
        code = torch.zeros_like(centre, dtype=torch.int64)  # (n, H - 2, W - 2)
        for p, (dy, dx) in enumerate(NEIGHBOURS):
            neighbour = chunk[:, 1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]
            code += (neighbour >= centre).long() << p
        return _shares(bins[code], 59, grid)

    return _in_chunks(images, histograms)


def lpq(images: np.ndarray, grid: int = 4) -> np.ndarray:
    """Local phase quantisation, (N, grid * grid * 256), each cell summing to 1.

    Ojansivu and Heikkila 2008, section 2. The Fourier transform over each 7 x 7 square, at (a, 0),
    (0, a), (a, a), (a, -a), a = 1 / 7, whitened for an image whose neighbouring pixels correlate
    with 0.9; the signs of the eight numbers make the code, first bit lowest. Squares over the
    border have no code. Within 1e-6 of zero counts as positive: on an even surface rounding must
    not decide. Raises EmolibError for images that leave a cell empty.
    """
    images = _checked(images, grid + WINDOW - 1, "lpq", grid)
    filters = torch.as_tensor(lpq_filters())[:, None]  # (8, 1, 7, 7)
    bit = (1 << torch.arange(8))[:, None, None]

    def histograms(chunk):
        answer = conv2d(chunk.double()[:, None], filters)  # (n, 8, H - 6, W - 6)
        return _shares(((answer > -1e-6) * bit).sum(1), 256, grid)

    return _in_chunks(images, histograms)


@functools.cache
def lpq_filters() -> np.ndarray:
    """The eight real filters of LPQ, float64 (8, 7, 7), as correlations: Re of four, then Im.

    V^T M: M the transform, V the eigenvectors of M C M^T in descending order, C_ij = 0.9^|x_i -
    x_j|. The imaginary parts have equal eigenvalues in pairs; a scaling of the parts by 1 + 7e-6
    ... 1 + 0 picks one basis. Of each vector the first entry above 0.1 in size is positive.
    """
    half, a = WINDOW // 2, 1 / WINDOW
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    phase = 2 * np.pi * a * np.stack([x, y, x + y, x - y])  # (4, 7, 7)
    parts = np.concatenate([np.cos(phase), -np.sin(phase)])  # (8, 7, 7)
    flat, place = parts.reshape(8, -1), np.stack([x.ravel(), y.ravel()], 1)
    covariance = flat @ RHO ** np.linalg.norm(place[:, None] - place, axis=-1) @ flat.T  # (8, 8)
    tip = 1 + 1e-6 * np.arange(7, -1, -1)
    # (8, 8), a column each, largest first
    vectors = np.linalg.eigh(covariance * np.outer(tip, tip))[1][:, ::-1]
    first = vectors[np.argmax(np.abs(vectors) > 0.1, axis=0), np.arange(8)]
    return ((vectors * np.sign(first)).T @ flat).reshape(parts.shape)


def phog(
    images: np.ndarray, *, levels: int = 3, bins: int = 8, angle: int = 360, edges: str = "canny"
) -> np.ndarray:
    """Pyramid of oriented gradients, (N, bins * (1 + 4 + ... + 4^levels)): Bosch et al. 2007.

    Every edge pixel votes with the size of its Sobel gradient for the bin of its direction, on
    grids of 1, 2, 4 and 8 cells a side; the vector sums to 1 (0 for an image without edges). Order:
    level, row of cells, column, bin; bin 0 starts at the direction of growing x, and y grows
    downwards.

    angle   360, or 180 to take opposite directions as one; the paper has both
    edges   'canny' as in the paper (by OpenCV; sigma sqrt 2, upper threshold the 0.7 quantile of
            the gradient, lower 0.4 of it: ours); 'gradient' lets every pixel vote
    Raises EmolibError for images under 2^levels pixels a side or options not named here.
    """
    if angle not in (180, 360) or edges not in ("canny", "gradient") or bins < 1 or levels < 0:
        raise EmolibError(
            f"phog: angle {angle}, edges '{edges}', {bins} bins, {levels} levels: expected angle "
            "180 or 360, edges canny or gradient, at least 1 bin and level 0"
        )
    side = 1 << levels
    images = _checked(images, max(3, side), "phog")

    def histograms(chunk):  # (n, H, W) -> (n, D)
        dy, dx = _sobel(chunk.double())
        turn = torch.atan2(dy, dx) / math.radians(angle) * bins  # in bins; negative above
        code = torch.floor(turn + 1e-9).long() % bins  # 1e-9: 45 degrees are 45, not a hair less
        size = torch.hypot(dx, dy)
        if edges == "canny":
            size = size * torch.as_tensor(canny(chunk.numpy()))
        cells = _cells(code, bins, side, size).view(-1, side, side, bins)
        pyramid = [cells]
        for _ in range(levels):  # four cells make one of the level above
            cells = cells.unflatten(1, (-1, 2)).sum(2).unflatten(2, (-1, 2)).sum(3)
            pyramid.insert(0, cells)
        flat = torch.cat([level.flatten(1) for level in pyramid], 1)  # (n, D)
        return flat / flat.sum(1, keepdim=True).clamp(min=1e-12)

    return _in_chunks(images, histograms)


def canny(images: np.ndarray) -> np.ndarray:
    """Edges, bool (N, H, W), by OpenCV's Canny from smoothed gradients, as `phog` says."""
    try:
        import cv2
    except ImportError:
        raise EmolibError(
            "phog: edges='canny' needs OpenCV; install emolib[detectors], or take edges='gradient'"
        ) from None
    dy, dx = _sobel(_smooth(torch.as_tensor(images).double(), math.sqrt(2)))
    high = torch.quantile(torch.hypot(dx, dy).flatten(1), 0.7, dim=1)  # (N,)
    # OpenCV wants whole numbers: sixteenths
    dx, dy = ((16 * d).round().numpy().astype(np.int16) for d in (dx, dy))
    edge = np.zeros(images.shape, bool)
    for i, top in enumerate(16 * high.numpy()):  # OpenCV takes one image at a time
        if top > 0:
            edge[i] = cv2.Canny(dx[i], dy[i], 0.4 * top, top, L2gradient=True) > 0
    return edge


def _checked(images, least: int, what: str, grid: int = 1) -> torch.Tensor:
    images = np.asarray(images)
    if grid < 1:
        raise EmolibError(f"{what}: a grid of {grid} cells a side, expected at least 1")
    if images.dtype != np.uint8 or images.ndim != 3 or not len(images):
        raise EmolibError(
            f"{what}: images are {images.dtype} {images.shape}, expected uint8 (N, H, W) with at "
            "least one image; turn colour to grey"
        )
    if min(images.shape[1:]) < least:
        raise EmolibError(
            f"{what}: images of {images.shape[1]} x {images.shape[2]} pixels, expected at least "
            f"{least} a side; use a coarser grid or larger images"
        )
    # a copy only of views that torch cannot take
    return torch.as_tensor(np.require(images, requirements="CW"))


def _in_chunks(images: torch.Tensor, function) -> np.ndarray:
    size = max(1, PIXELS // images[0].numel())
    return np.concatenate([function(part).numpy() for part in images.split(size)])


def _cells(code: torch.Tensor, bins: int, grid: int, weight=None) -> torch.Tensor:
    """Histogram of `code` (n, h, w) in grid x grid cells, (n, grid * grid, bins).

    Row y is in cell y * grid // h.
    """
    count, height, width = code.shape
    row, column = torch.arange(height) * grid // height, torch.arange(width) * grid // width
    cell = row[:, None] * grid + column  # (h, w)
    place = (torch.arange(count)[:, None, None] * grid * grid + cell) * bins + code
    weight = None if weight is None else weight.flatten()
    total = torch.bincount(place.flatten(), weight, minlength=count * grid * grid * bins)
    return total.double().view(count, grid * grid, bins)


def _shares(code: torch.Tensor, bins: int, grid: int) -> torch.Tensor:
    """The same, each cell summing to 1, (n, grid * grid * bins)."""
    total = _cells(code, bins, grid)
    return (total / total.sum(-1, keepdim=True)).flatten(1)


def _sobel(grey: torch.Tensor):
    """Sobel gradients (dy, dx) of (n, H, W), the border repeated outwards."""
    wide = pad(grey[:, None], (1, 1, 1, 1), mode="replicate")
    across = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], dtype=grey.dtype)
    both = conv2d(wide, torch.stack([across.T, across])[:, None])  # (n, 2, H, W)
    return both[:, 0], both[:, 1]


def _smooth(grey: torch.Tensor, sigma: float) -> torch.Tensor:
    """Gaussian blur of (n, H, W), the border repeated outwards."""
    reach = math.ceil(3 * sigma)
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=grey.dtype) / sigma) ** 2)
    kernel = kernel / kernel.sum()
    wide = pad(grey[:, None], (reach,) * 4, mode="replicate")
    return conv2d(conv2d(wide, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[:, 0]


@functools.cache
def _uniform_bins() -> np.ndarray:
    """Bin of each of the 256 codes: 0 to 57 for at most two changes around the circle, else 58."""
    code = np.arange(256)
    bit = code[:, None] >> np.arange(8) & 1
    uniform = (bit != np.roll(bit, 1, axis=1)).sum(1) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, 58)
