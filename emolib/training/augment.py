"""The augmentation of chang2021, section 4.2.2 (pages 45-46): six operations in random order, on
training pictures only. The sixth is composed of four (scale, shift, rotation, shear).

Pictures are (B, C, H, W) with values in [0, 255]; each draws its own order and numbers.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from emolib.ground.errors import EmolibError


def mirror(x: Tensor, rng: Generator) -> Tensor:
    """1. Left and right changed over with probability 1/2: symmetry about the vertical axis."""
    return torch.where(_uniform(x, rng, 0, 1)[:, None, None, None] < 0.5, x.flip(-1), x)


def crop(x: Tensor, rng: Generator) -> Tensor:
    """2. 0 to 10 % of the rows and of the columns are cut off, split at random between both ends;
    back to the old size."""
    cut = torch.stack([_uniform(x, rng, 0, 0.1) for _ in range(2)], -1)  # (B, 2)
    side = torch.stack([_uniform(x, rng, -1, 1) for _ in range(2)], -1)
    return _warp(x, torch.diag_embed(1 - cut), cut * side)


def blur(x: Tensor, rng: Generator) -> Tensor:
    """3. With probability 1/2 a Gaussian blur of 0 to 0.5 pixels."""
    blurred, sigma = _uniform(x, rng, 0, 1) < 0.5, _uniform(x, rng, 0, 0.5)  # (B,)
    sigma = torch.where(blurred, sigma, 0.0).clamp_min(1e-3)
    at = torch.arange(-2, 3, device=x.device, dtype=x.dtype)
    kernel = torch.exp(-0.5 * (at / sigma[:, None]) ** 2)
    kernel = kernel / kernel.sum(1, keepdim=True)  # (B, 5)
    for _ in ("down", "across"):
        padded = pad(x, (0, 0, 2, 2), mode="replicate")
        x = sum(kernel[:, k, None, None, None] * padded[:, :, k : k + x.shape[2]] for k in range(5))
        x = x.mT
    return x


def contrast(x: Tensor, rng: Generator) -> Tensor:
    """4. a (x - 128) + 128 cut to [0, 255], a from U(0.75, 1.5)."""
    return (_uniform(x, rng, 0.75, 1.5)[:, None, None, None] * (x - 128) + 128).clamp(0, 255)


def noise(x: Tensor, rng: Generator, sigma: float = 25.0) -> Tensor:
    """5. N(0, 25) added to each value, cut to [0, 255]. 25 is read as the standard deviation,
    because the text's blur N(0, sigma) puts one there; the variance would be sigma=5."""
    drawn = torch.randn(x.shape, generator=rng, dtype=x.dtype, device=rng.device)
    return (x + sigma * drawn.to(x.device)).clamp(0, 255)


def affine(x: Tensor, rng: Generator) -> Tensor:
    """6. Scale 0.9 to 1.1, shift by up to a tenth each way, rotation by up to 25 degrees, shear by
    up to 8; black outside."""
    scale = _uniform(x, rng, 0.9, 1.1)
    shift = torch.stack([_uniform(x, rng, -0.2, 0.2) for _ in range(2)], -1)  # right and down
    turn = _uniform(x, rng, -25, 25) * math.pi / 180
    shear = torch.tan(_uniform(x, rng, -8, 8) * math.pi / 180)
    one, zero = torch.ones_like(shear), torch.zeros_like(shear)
    rotate = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], -1).view(-1, 2, 2)
    slant = torch.stack([one, shear, zero, one], -1).view(-1, 2, 2)
    ratio = x.shape[3] / x.shape[2]  # angles are kept on pictures that are not square
    stretch = x.new_tensor([[1, 1 / ratio], [ratio, 1]])
    # from the new picture to the old one
    back = torch.linalg.inv(scale[:, None, None] * rotate @ slant) * stretch
    return _warp(x, back, -(back @ shift[..., None])[..., 0])


OPERATIONS = (mirror, crop, blur, contrast, noise, affine)


def augment(images: Tensor, rng: Generator, operations=OPERATIONS) -> Tensor:
    """Augmented copies of `images` (B, C, H, W), uint8 or float in [0, 255]; same shape and type.

    operations   functions (pictures, rng) -> pictures; each picture goes through all of them, in
                 its own random order
    """
    if images.ndim != 4:
        raise EmolibError(f"pictures have shape {tuple(images.shape)}, expected (B, C, H, W)")
    whole = not images.is_floating_point()
    x = images.to(torch.get_default_dtype() if whole else images.dtype, copy=True)
    order = torch.rand(len(x), len(operations), generator=rng, device=rng.device).argsort(1)
    order = order.to(x.device)  # (B, operations)
    for place in range(len(operations)):
        for k, operation in enumerate(operations):
            rows = (order[:, place] == k).nonzero()[:, 0]
            if len(rows):
                x[rows] = operation(x[rows], rng)
    return x.round().clamp(0, 255).to(images.dtype) if whole else x


def _uniform(x: Tensor, rng: Generator, low: float, high: float) -> Tensor:
    """(B,) draws on the device of x; the generator may live on a CPU and serve a GPU."""
    drawn = torch.rand(len(x), generator=rng, device=rng.device, dtype=x.dtype)
    return (low + (high - low) * drawn).to(x.device)


def _warp(x: Tensor, matrix: Tensor, shift: Tensor) -> Tensor:
    """Bilinear: the new picture at p shows the old one at matrix p + shift; p runs from -1 to 1 on
    both axes."""
    theta = torch.cat([matrix, shift[..., None]], -1)
    grid = affine_grid(theta, list(x.shape), align_corners=False)
    return grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
