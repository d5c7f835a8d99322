"""Rotation vectors and matrices (chang2021, Eq. 22 and 23), without the printed formulas' holes."""

from __future__ import annotations

import torch
from torch import Tensor


def cross(v: Tensor) -> Tensor:
    """(..., 3) -> (..., 3, 3): the matrix whose product with u is v x u."""
    x, y, z = v.unbind(-1)
    nil = torch.zeros_like(x)
    return torch.stack([nil, -z, y, z, nil, -x, -y, x, nil], -1).unflatten(-1, (3, 3))


def rodrigues(w: Tensor) -> Tensor:
    """Rotation matrix (..., 3, 3) of w (..., 3): along the axis, as long as the angle in radians.

    Eq. 22 divides by the angle; here sin(a)/a and (1 - cos a)/a^2 go over into their series near
    0, so that value and derivative are exact there too.
    """
    square = (w * w).sum(-1)[..., None, None]  # (..., 1, 1)
    small = square < 1e-6
    # the inner `where` keeps the derivative of the branch not taken finite
    angle = torch.where(small, 1.0, square).sqrt()
    sine = torch.where(small, 1 - square / 6 + square**2 / 120, angle.sin() / angle)
    far = 2 * (angle / 2).sin() ** 2 / angle**2
    cosine = torch.where(small, 0.5 - square / 24 + square**2 / 720, far)
    k = cross(w)
    return torch.eye(3, dtype=w.dtype, device=w.device) + sine * k + cosine * (k @ k)


def rotation_vector(R: Tensor) -> Tensor:
    """Inverse of `rodrigues`: (..., 3, 3) -> (..., 3), of length 0 to pi.

    Eq. 23 divides by the sine of the angle, which is 0 at 0 and at pi. Here all products of the
    quaternion's components are read off R; the row of the largest square has no cancellation.
    """
    x, y, z = R.diagonal(dim1=-2, dim2=-1).unbind(-1)
    odd, even = R - R.mT, R + R.mT
    a, b, c = odd[..., 2, 1], odd[..., 0, 2], odd[..., 1, 0]
    d, e, f = even[..., 0, 1], even[..., 0, 2], even[..., 1, 2]
    # fmt: off
    products = torch.stack([
        1 + x + y + z, a, b, c,
        a, 1 + x - y - z, d, e,
        b, d, 1 - x + y - z, f,
        c, e, f, 1 - x - y + z,
    ], -1).unflatten(-1, (4, 4))  # 4 q q'
    # fmt: on
    best = products.diagonal(dim1=-2, dim2=-1).argmax(-1)[..., None, None]
    q = torch.take_along_dim(products, best, -2)[..., 0, :]  # (..., 4), a multiple of q
    q = q / q.norm(dim=-1, keepdim=True)
    q = torch.where(q[..., :1] < 0, -q, q)
    sine = q[..., 1:].norm(dim=-1, keepdim=True)
    half = torch.atan2(sine, q[..., :1])
    return q[..., 1:] * torch.where(sine < 1e-12, 2.0, 2 * half / sine.clamp_min(1e-12))
