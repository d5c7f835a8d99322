"""Batched Levenberg-Marquardt for s R (b . basis) + t = points, each face finishing by itself.

The points enter once, as sums of products with the basis ("moments"); a step then costs the same
for 35 points as for 3,500. Steps are taken in float64, because the error is a small difference of
such sums. The turn of a step is applied after the rotation, so no angle is singular; the shift is
eliminated. `fit.jacobian` is the plain form of the same derivatives.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from emolib.candide.rotations import rodrigues
from emolib.ground.errors import nearest

AT_ONCE = 2048  # faces on a CPU: larger tables are mapped anew at every step, which costs a sixth


@dataclass(frozen=True)
class Options:
    """How to fit.

    steps   at most so many
    bad     a face that is not finite, or all in one place: 'raise' or 'flag' (its numbers are NaN)
    """

    steps: int = 100
    bad: str = "raise"

    def __post_init__(self):
        if self.bad not in ("raise", "flag"):
            raise nearest(self.bad, ("raise", "flag"), what="option for `bad`")


@dataclass(frozen=True)
class Moments:
    """Centred sums over the points: all that a step needs. K = columns of the basis.

    square       (K, K, 9) basis with basis, the last over both coordinates
    mixed        (B, K, 6) basis with points, the last over the basis's coordinate and the point's
    points       (B,) points with points
    basis_mean   (K, 3)
    points_mean  (B, 2)
    """

    square: Tensor
    mixed: Tensor
    points: Tensor
    basis_mean: Tensor
    points_mean: Tensor

    def take(self, rows: Tensor) -> Moments:
        own = ("mixed", "points", "points_mean")
        return replace(self, **{name: getattr(self, name)[rows] for name in own})


def moments(basis: Tensor, points: Tensor) -> Moments:
    """basis (K, 35, 3), points (B, 35, 2) with y up."""
    K, y = len(basis), points.mT  # (B, 2, 35)
    side = (basis - basis.mean(1, keepdim=True)).transpose(1, 2).flatten(0, 1)  # (3 K, 35)
    y = (y - y.mean(2, keepdim=True)).reshape(-1, y.shape[2])  # (2 B, 35)
    return Moments(
        square=(side @ side.T).view(K, 3, K, 3).transpose(1, 2).reshape(K, K, 9),
        mixed=(y @ side.T).view(-1, 2, 3 * K).mT.reshape(-1, K, 6),
        points=y.square().sum(1).view(-1, 2).sum(1),
        basis_mean=basis.mean(1),
        points_mean=points.mean(1),
    )


@dataclass(frozen=True)
class State:
    """Where each face stands.

    scale (B,), R (B, 3, 3), weights of the basis b (B, K), the first always 1, shift (B, 2)
    """

    scale: Tensor
    R: Tensor
    b: Tensor
    shift: Tensor

    def take(self, rows: Tensor) -> State:
        return State(*(v[rows] for v in vars(self).values()))

    def put(self, rows: Tensor, other: State):
        """Write `other` into `rows`, in place."""
        for own, new in zip(vars(self).values(), vars(other).values()):
            own[rows] = new

    def better(self, where: Tensor, other: State) -> State:
        """`other` where it is better (B,), else this."""
        chosen = []
        for own, new in zip(vars(self).values(), vars(other).values()):
            chosen.append(torch.where(where.view(-1, *[1] * (own.ndim - 1)), new, own))
        return State(*chosen)


@dataclass(frozen=True)
class Solution:
    state: State
    cost: Tensor  # (B,)
    converged: Tensor  # (B,)
    iterations: int


def solve(basis, points, b, first: int, steps: int, tolerance: float) -> Solution:
    """Least squares from the start of Eq. 17-20, a part of the batch at a time.

    basis (K, 35, 3), points (B, 35, 2) with y up; the columns of b (B, K) from `first` on are
    fitted. A face ends when a step changes its cost by less than `tolerance` of it, up or down.
    """
    count = AT_ONCE if points.device.type == "cpu" else max(1, len(points))
    parts = []
    for target, start in zip(points.split(count), b.split(count)):
        parts.append(_solve(basis, target, start, first, steps, tolerance))

    def joined(name, rows):
        return torch.cat([getattr(row, name) for row in rows])

    states = [part.state for part in parts]
    state = State(*(joined(field.name, states) for field in fields(State)))
    iterations = max(part.iterations for part in parts)
    return Solution(state, joined("cost", parts), joined("converged", parts), iterations)


def _solve(basis, points, b, first, steps, tolerance) -> Solution:
    """`solve` for one part; finished faces leave it, so that a slow one costs only itself."""
    sums = moments(basis, points)
    now = begin(sums, b)
    final = State(*(v.clone() for v in vars(now).values()))
    done = torch.zeros(len(b), dtype=torch.bool, device=b.device)
    floor = 1e-14 * sums.points  # of float64 sums: below it a change means nothing
    live, cost = torch.arange(len(b), device=b.device), _cost(sums, now)
    damping, taken = torch.full_like(floor, 1e-3), 0
    while len(live) and taken < steps:
        taken += 1
        trial = step(sums, now, first, damping)
        changed = _cost(sums, trial) - cost
        now, cost = now.better(changed < 0, trial), torch.where(changed < 0, cost + changed, cost)
        still = (changed.abs() <= tolerance * cost + floor) | (damping > 1e12)
        damping = torch.where(changed < 0, (0.1 * damping).clamp_min(1e-12), 10 * damping)
        final.put(live, now)
        if still.any():
            done[live] = still
            rows = (~still).nonzero()[:, 0]
            live, now, sums = live[rows], now.take(rows), sums.take(rows)
            cost, damping, floor = cost[rows], damping[rows], floor[rows]
    return Solution(_upright(final), _exact_cost(basis, points, final), done, taken)


def begin(sums: Moments, b: Tensor) -> State:
    """Eq. 17-20: the given units, no rotation, the scale and shift of least squares."""
    _, C, S = _against(sums, b)
    flat = (C[:, 0, 0] + C[:, 1, 1]).clamp_min(torch.finfo(b.dtype).tiny)
    R = torch.eye(3, dtype=b.dtype, device=b.device).repeat(len(S), 1, 1)
    scale = (S[:, 0, 0] + S[:, 1, 1]) / flat  # Eq. 18
    return State(scale, R, b, _shift(sums, scale, R, b))


def step(sums: Moments, now: State, first: int, damping: Tensor) -> State:
    """One damped step: (J'J + damping diag(J'J)) x = -J'e; its turn is applied after R."""
    A, g = normal(sums, now, first)
    diagonal = A.diagonal(dim1=1, dim2=2)
    pull = torch.maximum(damping[:, None] * diagonal, 1e-14 * diagonal.amax(1, keepdim=True))
    diagonal.add_(pull.clamp_min(1e-30))
    x = -torch.linalg.solve_ex(A, g)[0]  # (B, 4 + U)
    b = torch.cat([now.b[:, :first], now.b[:, first:] + x[:, 4:]], 1)
    scale, R = now.scale + x[:, 0], rodrigues(x[:, 1:4]) @ now.R
    return State(scale, R, b, _shift(sums, scale, R, b))


def normal(sums: Moments, now: State, first: int) -> tuple[Tensor, Tensor]:
    """J'J (B, D, D) and J'e (B, D) for D = scale, three turns, units from `first` on."""
    M, U = now.scale[:, None, None] * now.R[:, :2], now.b.shape[1] - first  # (B, 2, 3)
    H, C, S = _against(sums, now.b)
    H = H[:, first:]  # (B, U, 9)
    D = _pose_moves(now)  # (B, 4, 2, 3)
    flat = D.flatten(2)  # (B, 4, 6)
    both = M.mT @ M  # (B, 3, 3)
    moved = (D.mT.reshape(-1, 12, 2) @ M).view(-1, 4, 9)
    units = H @ torch.cat([moved, both.view(-1, 1, 9)], 1).mT  # (B, U, 5)
    table = sums.square[first:, first:].reshape(U * U, 9).mT  # (9, U U)
    A, g = M.new_empty(len(M), 4 + U, 4 + U), M.new_empty(len(M), 4 + U)
    A[:, :4, :4] = (D.view(-1, 8, 3) @ C).view(-1, 4, 6) @ flat.mT
    A[:, 4:, :4], A[:, :4, 4:] = units[:, :, :4], units[:, :, :4].mT
    A[:, 4:, 4:] = (both.view(-1, 9) @ table).view(-1, U, U)
    e = M @ C - S.mT  # (B, 2, 3): what is left, against the face
    g[:, :4] = (flat @ e.view(-1, 6, 1))[..., 0]
    g[:, 4:] = units[:, :, 4] - (sums.mixed[:, first:] @ M.mT.reshape(-1, 6, 1))[..., 0]
    return A, g


def _pose_moves(now: State) -> Tensor:
    """(B, 4, 2, 3): how scale and a small turn about x, y, z change the map to the picture."""
    x, y, z = (now.scale[:, None, None] * now.R).unbind(1)
    nil = torch.zeros_like(x)
    return torch.stack([now.R[:, 0], now.R[:, 1], nil, -z, z, nil, -y, x], 1).unflatten(1, (4, 2))


def _against(sums: Moments, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The face v = b . basis with the basis (B, K, 9), itself (B, 3, 3), the points (B, 3, 2)."""
    H = (b @ sums.square.flatten(1)).view(-1, b.shape[1], 9)
    own = (b[..., None] * H).sum(1).view(-1, 3, 3)
    return H, own, (b[..., None] * sums.mixed).sum(1).view(-1, 3, 2)


def _cost(sums: Moments, state: State) -> Tensor:
    """(B,) Eq. 21 from the sums, fast."""
    M = state.scale[:, None, None] * state.R[:, :2]
    _, C, S = _against(sums, state.b)
    return sums.points - 2 * (M.mT * S).sum((1, 2)) + ((M @ C) * M).sum((1, 2))


def _exact_cost(basis: Tensor, points: Tensor, state: State) -> Tensor:
    """(B,) Eq. 21 from the points, exact."""
    v = torch.einsum("bk,kic->bic", state.b, basis)
    seen = state.scale[:, None, None] * v @ state.R[:, :2].mT + state.shift[:, None]
    distance = (seen - points).norm(dim=-1)  # (B, 35)
    return (distance * distance).sum(-1)


def _shift(sums: Moments, scale: Tensor, R: Tensor, b: Tensor) -> Tensor:
    """Eq. 20 with rotation: carries the centre of the model to the centre of the points."""
    centre = b @ sums.basis_mean  # (B, 3)
    return sums.points_mean - scale[:, None] * (R[:, :2] @ centre[..., None])[..., 0]


def _upright(state: State) -> State:
    """The same faces with a scale above 0: a negative one is half a turn in the picture plane."""
    half = torch.where(state.scale < 0, -1.0, 1.0)[:, None, None]
    turn = torch.cat([half.expand(-1, 2, 3), torch.ones_like(half).expand(-1, 1, 3)], 1)
    return State(state.scale.abs(), state.R * turn, state.b, state.shift)
