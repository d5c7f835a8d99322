"""Fits of Candide-3 to 68 face points: shape and pose, then action and pose; whole batches at once.

Source: chang2021, section 4.1, pages 39-41: Eq. 15 and 16 (model), 17-20 (start), 21 (error), item
d (Levenberg-Marquardt). A face is s R (P + sum of units) + t, seen from the front; x right as in
the picture, y up inside the model and down in the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from emolib.candide.model import Candide
from emolib.candide.rotations import cross, rotation_vector
from emolib.candide.solver import Options, solve
from emolib.ground.errors import EmolibError

FLIP = (1.0, -1.0)  # picture y is down, Candide's is up
POSE = ("scale", "turn x", "turn y", "turn z", "shift x", "shift y")
DEFAULTS = Options()


@dataclass(frozen=True)
class CandideFit:
    """Fitted faces, one row each; tensors of the points' type and device.

    units       (B, U) intensities: shape units after `fit_shape`, action units otherwise
    pose        (B, 6): scale (pixels a model unit, > 0), rotation vector (3, radians, x to the
                picture's right, y up, z to the viewer), shift (2, pixels, x right, y down)
    cost        (B,) sum of squared distances over the 35 points, pixels^2 (Eq. 21)
    shape       (B, 7) shape units of each face, fitted or given
    valid       (B,) False for a face that cannot be fitted (with bad='flag'): its numbers are NaN
    converged   (B,) False where the steps ran out first
    iterations  steps that the slowest face took
    names       what the rows of `covariance` are: six of the pose, then the fitted units
    """

    units: Tensor
    pose: Tensor
    cost: Tensor
    shape: Tensor
    valid: Tensor
    converged: Tensor
    iterations: int
    names: tuple[str, ...]
    _rest: tuple  # what the covariance is computed from when it is asked for

    @cached_property
    def covariance(self) -> Tensor:
        """(B, 6 + U, 6 + U) float64: residual variance times the inverse of J'J.

        The three turns are small rotations after the fitted one, in radians about x, y and z;
        shifts have y down.
        """
        basis, R, b, first, points = self._rest
        scale, shift = self.pose[:, 0].double(), self.pose[:, 4:].double()
        J = jacobian(scale, R, b, basis, first).flatten(1, 2)  # (B, 70, D)
        e = project(scale, R, shift, b, basis) - points
        variance = (e * e).sum(-1).sum(-1) / (J.shape[1] - J.shape[2])  # (B,)
        good = self.valid[:, None, None]
        normal = torch.where(good, J.mT @ J, torch.eye(J.shape[2], dtype=J.dtype, device=J.device))
        inverse = torch.linalg.pinv(normal, hermitian=True)
        return torch.where(good, inverse * variance[:, None, None], torch.nan)


def fit_shape(points, model: Candide, how: Options = DEFAULTS) -> CandideFit:
    """Shape units and pose of faces at rest: what makes the model one person's.

    points   (B, 68, 2) pixels, x right, y down, order of dlib; computed in float64 inside
    Raises EmolibError for another shape and, unless how.bad is 'flag', for a row that is not
    finite or whose points coincide.
    """
    return _fit(points, model, how, None, shapes=True, actions=False)


def fit_action(points, model: Candide, shape, how: Options = DEFAULTS) -> CandideFit:
    """Action units and pose, a frame a row, with the person's `shape`.

    shape   a fit_shape result or (7,), (1, 7) or (B, 7)
    """
    given = shape.shape if isinstance(shape, CandideFit) else shape
    return _fit(points, model, how, given, shapes=False, actions=True)


def fit_joint(points, model: Candide, how: Options = DEFAULTS) -> CandideFit:
    """Shape, action and pose from one frame; without a neutral one recognition drops (page 42)."""
    return _fit(points, model, how, None, shapes=True, actions=True)


def project(scale: Tensor, R: Tensor, shift: Tensor, b: Tensor, basis: Tensor) -> Tensor:
    """Eq. 15 and 16, seen from the front: (B, 35, 2) pixels.

    scale (B,), R (B, 3, 3), shift (B, 2); b (B, K) weights of the basis (K, 35, 3), the first 1
    """
    v = torch.einsum("bk,kic->bic", b, basis)  # (B, 35, 3)
    return scale[:, None, None] * (v @ R[:, :2].mT) * v.new_tensor(FLIP) + shift[:, None]


def jacobian(scale: Tensor, R: Tensor, b: Tensor, basis: Tensor, first: int = 1) -> Tensor:
    """(B, 35, 2, 6 + U): derivative of `project` by scale, turn, shift and b[:, first:].

    A small turn w after R moves s R v by w x s R v, which has no singular angle.
    """
    turned = torch.einsum("bk,kic->bic", b, basis) @ R.mT  # (B, 35, 3)
    size = scale[:, None, None, None]
    turns = -size * cross(turned)[:, :, :2]  # (B, 35, 2, 3)
    units = size * torch.einsum("bac,kic->biak", R[:, :2], basis[first:])  # (B, 35, 2, U)
    flip = turned.new_tensor(FLIP)[:, None]
    shift = torch.eye(2, dtype=b.dtype, device=b.device).expand(*turns.shape[:2], 2, 2)
    return torch.cat([turned[:, :, :2, None] * flip, turns * flip, shift, units * flip], -1)


def _fit(points, model, how, shape, shapes, actions) -> CandideFit:
    points, kind = _points(points)
    seen = points[:, torch.as_tensor(model.pairs[:, 0], device=points.device)]  # (B, 35, 2)
    basis, b, first, shape = _columns(model, shape, shapes, actions, points)
    valid = _usable(seen, b, how)
    flip = seen.new_tensor(FLIP)
    # a face that cannot be fitted is replaced by the model at rest, which is done at once
    rest = torch.zeros_like(b)
    rest[:, 0] = 1.0
    target = torch.where(valid[:, None, None], seen * flip, basis[0, :, :2])
    tolerance = 1e-6 if kind == torch.float32 else 1e-10
    solution = solve(
        basis, target, torch.where(valid[:, None], b, rest), first, how.steps, tolerance
    )

    def flagged(v):
        return torch.where(valid.view(-1, *[1] * (v.ndim - 1)), v, torch.nan).to(kind)

    end = solution.state
    units, shape_count = end.b[:, first:], len(model.shape_units)
    names = [*(model.shape_units if shapes else ()), *(model.action_units if actions else ())]
    pose = torch.cat([end.scale[:, None], rotation_vector(end.R), end.shift * flip], -1)  # (B, 6)
    return CandideFit(
        units=flagged(units[:, -len(model.action_units) :] if actions else units),
        pose=flagged(pose),
        cost=flagged(solution.cost),
        shape=flagged(end.b[:, 1 : 1 + shape_count] if shapes else shape),
        valid=valid,
        converged=solution.converged & valid,
        iterations=solution.iterations,
        names=(*POSE, *names),
        _rest=(basis, end.R, end.b, first, seen),
    )


def _columns(model, shape, shapes, actions, points) -> tuple[Tensor, Tensor, int, Tensor]:
    """Basis (K, 35, 3), start of its weights (B, K), first fitted column, given shape (B, 7)."""
    basis = torch.as_tensor(model.basis, device=points.device)  # (16, 35, 3)
    last, first = 1 + len(model.shape_units), 1
    if not actions:
        basis = basis[:last]
    elif not shapes:
        shape = _shape(shape, last - 1, len(points), points)
        if len(shape) and (shape == shape[:1]).all():
            # one person: the shape goes into the resting points
            rest = basis[:1] + torch.einsum("s,sic->ic", shape[0], basis[1:last])
            basis = torch.cat([rest, basis[last:]])
        else:
            first = last
    b = points.new_zeros(len(points), len(basis))
    b[:, 0] = 1
    if first > 1:
        b[:, 1:first] = shape
    return basis, b, first, shape


def _points(points) -> tuple[Tensor, torch.dtype]:
    if isinstance(points, np.ndarray) and points.dtype.kind in "iu":
        points = points.astype(np.float64)
    points = torch.as_tensor(points)
    if points.ndim != 3 or points.shape[1:] != (68, 2):
        raise EmolibError(
            f"face points have shape {tuple(points.shape)}, expected (B, 68, 2): x and y of dlib's "
            "68 points in each row"
        )
    kind = points.dtype if points.dtype in (torch.float32, torch.float64) else torch.float32
    return points.detach().double(), kind


def _shape(shape, count, rows, like) -> Tensor:
    shape = torch.as_tensor(shape).to(like)
    shape = shape[None] if shape.ndim == 1 else shape
    if shape.ndim != 2 or shape.shape[1] != count or len(shape) not in (1, rows):
        raise EmolibError(
            f"shape units have shape {tuple(shape.shape)}, "
            f"expected ({count},), (1, {count}) or ({rows}, {count})"
        )
    return shape.expand(rows, count)


def _usable(seen: Tensor, b: Tensor, how: Options) -> Tensor:
    """(B,) rows that can be fitted; with bad='raise' the first that cannot is an error."""
    finite = seen.isfinite().all(-1).all(-1) & b.isfinite().all(-1)
    spread = (seen - seen.mean(1, keepdim=True)).abs().amax((1, 2))
    apart = spread > 1e-6 * seen.abs().amax((1, 2))  # NaN compares as False
    valid = finite & apart
    if how.bad == "raise" and not valid.all():
        row = int((~valid).nonzero()[0])
        why = "values (points or shape units) that are not finite"
        if finite[row]:
            why = "all points in one place"
        raise EmolibError(
            f"face {row} has {why}, expected 68 points of a face; "
            "leave it out or fit with Options(bad='flag')"
        )
    return valid
