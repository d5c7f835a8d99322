"""Batched Levenberg-Marquardt for s R (b . basis) + t = points, where each face finishes by itself.

Model and error are sums over 35 points of products of few numbers. So the points enter once, as sums of
products with the basis ("moments"); a step then costs the same for 35 points as for 3,500. Steps are taken
in float64, because the error is a small difference of such sums. The turn of a step is applied after the
rotation of the face, so no angle is singular; the shift is eliminated (best shift for given rest).
`fit.jacobian` is the plain form of the same derivatives, and the tests hold the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from emolib.candide.rotations import rodrigues
from emolib.ground.errors import EmolibError, nearest

AT_ONCE = 2048  # faces on a CPU: larger tables are mapped anew at every step, which costs a sixth


@dataclass(frozen=True)
class Options:
    """How to fit. A misspelt name raises, because this is a dataclass.

    start      'upright': Eq. 17, no rotation; 'rolled': ours, rotated in the picture plane by the same least squares
               that gives Eq. 18 its scale, for heads that lie on their side
    huber      distance in pixels beyond which a point counts linearly (Huber's loss), None: plain squares
    bounds     (low, high) for every unit, None: free
    steps      at most so many
    tolerance  stop when a step changes the cost by less than this part, up or down; None: 1e-10 (1e-6 for float32 points)
    bad        a face that is not finite, or all in one place: 'raise' or 'flag' (its numbers are NaN)
    """

    start: str = "upright"
    huber: float | None = None
    bounds: tuple[float, float] | None = None
    steps: int = 100
    tolerance: float | None = None
    bad: str = "raise"

    def __post_init__(self):
        for name, known in (("start", ("upright", "rolled")), ("bad", ("raise", "flag"))):
            if getattr(self, name) not in known:
                raise nearest(getattr(self, name), known, what=f"option for `{name}`")
        if self.huber is not None and not self.huber > 0:
            raise EmolibError(f"huber is {self.huber}, expected a distance above 0 pixels")
        if self.bounds is not None and not self.bounds[0] <= 0 <= self.bounds[1]:
            raise EmolibError(
                f"bounds are {self.bounds}, expected (low, high) with 0 between: the fit starts there"
            )


@dataclass(frozen=True)
class Moments:
    """Sums over the points, weighted and centred: all that a step needs. K = columns of the basis.

    square       (1 or B, K, K, 9) basis with basis, the last over both coordinates; one for all faces without weights
    mixed        (B, K, 6) basis with points, the last over the basis's coordinate and the point's
    points       (B,) points with points
    basis_mean   (1 or B, K, C)
    points_mean  (B, 2)
    """

    square: Tensor
    mixed: Tensor
    points: Tensor
    basis_mean: Tensor
    points_mean: Tensor

    def take(self, rows: Tensor) -> Moments:
        one = len(self.square) == 1
        return Moments(
            *(
                v if one and name in ("square", "basis_mean") else v[rows]
                for name, v in vars(self).items()
            )
        )


def moments(basis: Tensor, points: Tensor, weight: Tensor | None = None) -> Moments:
    """basis (K, 35, 3), points (B, 35, 2) with y up, weight (B, 35) or None for all 1."""
    K, y = len(basis), points.mT  # (B, 2, 35)
    if weight is None:  # the basis is summed once for all faces
        side = (basis - basis.mean(1, keepdim=True)).transpose(1, 2).flatten(0, 1)  # (3 K, 35)
        y = (y - y.mean(2, keepdim=True)).reshape(-1, y.shape[2])  # (2 B, 35)
        mixed = (y @ side.T).view(-1, 2, 3 * K).mT.reshape(-1, K, 6)
        return Moments(
            _paired((side @ side.T)[None], K),
            mixed,
            y.square().sum(1).view(-1, 2).sum(1),
            basis.mean(1)[None],
            points.mean(1),
        )
    flat = basis.transpose(1, 2).flatten(0, 1)  # (3 K, 35)
    share = weight / weight.sum(1, keepdim=True)
    basis_mean, points_mean = share @ flat.T, (y @ share[..., None])[..., 0]  # (B, 3 K), (B, 2)
    side = flat - basis_mean[..., None]  # (B, 3 K, 35)
    y = y - points_mean[..., None]
    heavy = side * weight[:, None]
    return Moments(
        _paired(heavy @ side.mT, K),
        (heavy @ y.mT).view(-1, K, 6),
        (weight[:, None] * y * y).sum((1, 2)),
        basis_mean.view(-1, K, 3),
        points_mean,
    )


def _paired(square: Tensor, K: int) -> Tensor:
    """(B, 3 K, 3 K) -> (B, K, K, 9)."""
    return square.view(-1, K, 3, K, 3).transpose(2, 3).reshape(-1, K, K, 9)


@dataclass(frozen=True)
class State:
    """Where each face stands: scale (B,), R (B, 3, 3), weights of the basis b (B, K), the first always 1, shift (B, 2)."""

    scale: Tensor
    R: Tensor
    b: Tensor
    shift: Tensor

    def take(self, rows: Tensor) -> State:
        return State(*(v[rows] for v in vars(self).values()))

    def put(self, rows: Tensor, other: State):
        """Write `other` into `rows`, in place."""
        for mine, new in zip(vars(self).values(), vars(other).values()):
            mine[rows] = new

    def better(self, where: Tensor, other: State) -> State:
        """`other` where it is better (B,), else this."""
        return State(
            *(
                torch.where(where.view(-1, *[1] * (v.ndim - 1)), new, v)
                for v, new in zip(vars(self).values(), vars(other).values())
            )
        )


class Squares:
    """Eq. 21: plain squares. The moments stay the same, and so the points are not needed again."""

    def __init__(self, sums: Moments):
        self.constant = sums

    def take(self, rows):
        return Squares(self.constant.take(rows))

    def sums(self, state: State) -> Moments:
        return self.constant

    def cost(self, state: State) -> Tensor:
        return _cost(self.constant, state.scale[:, None, None] * state.R[:, :2], state.b)


class Huber:
    """Squares up to a distance, linear beyond: each step is a least-squares step with weights of the moment."""

    def __init__(self, basis: Tensor, points: Tensor, delta: float):
        self.basis, self.points, self.delta = basis, points, delta

    def take(self, rows):
        return Huber(self.basis, self.points[rows], self.delta)

    def distance(self, state: State) -> Tensor:
        v = torch.einsum("bk,kic->bic", state.b, self.basis)
        return (
            state.scale[:, None, None] * v @ state.R[:, :2].mT + state.shift[:, None] - self.points
        ).norm(dim=-1)  # (B, 35)

    def weight(self, state: State) -> Tensor:
        return self.delta / self.distance(state).clamp_min(self.delta)

    def sums(self, state: State) -> Moments:
        return moments(self.basis, self.points, self.weight(state))

    def cost(self, state: State) -> Tensor:
        r = self.distance(state)
        return torch.where(r <= self.delta, r * r, self.delta * (2 * r - self.delta)).sum(-1)


@dataclass(frozen=True)
class Solution:
    state: State
    cost: Tensor  # (B,)
    weight: Tensor  # (B, 35), 1 without Huber
    converged: Tensor  # (B,)
    iterations: int


def solve(
    basis: Tensor, points: Tensor, b: Tensor, first: int, how: Options, tolerance: float
) -> Solution:
    """Least squares from the start of Eq. 17-20. y of `points` (B, 35, 2) is up; the columns of b (B, K) from `first` on are fitted."""
    count = AT_ONCE if points.device.type == "cpu" else max(1, len(points))
    parts = [
        _solve(basis, y, start, first, how, tolerance)
        for y, start in zip(points.split(count), b.split(count))
    ]
    if len(parts) == 1:
        return parts[0]
    join = lambda name, of=parts: torch.cat([getattr(p, name) for p in of])  # noqa: E731
    states = [p.state for p in parts]
    return Solution(
        State(*(join(f.name, states) for f in fields(State))),
        join("cost"),
        join("weight"),
        join("converged"),
        max(p.iterations for p in parts),
    )


def _solve(basis, points, b, first, how, tolerance) -> Solution:
    """`solve` for one part of the batch.

    Finished faces leave the batch, or the slowest few would cost as much as all: a face is finished when a
    step changes its cost by next to nothing, up or down.
    """
    sums = moments(basis, points)
    problem = Squares(sums) if how.huber is None else Huber(basis, points, how.huber)
    now = begin(sums, b, how.start)
    final, done = (
        State(*(v.clone() for v in vars(now).values())),
        torch.zeros(len(b), dtype=torch.bool, device=b.device),
    )
    floor = 1e-14 * sums.points  # of float64 sums: below it a change means nothing
    live, cost, damping, taken = (
        torch.arange(len(b), device=b.device),
        problem.cost(now),
        torch.full_like(floor, 1e-3),
        0,
    )
    part = problem
    while len(live) and taken < how.steps:
        taken += 1
        trial = step(part.sums(now), now, first, damping, how.bounds)
        changed = part.cost(trial) - cost
        now, cost = now.better(changed < 0, trial), torch.where(changed < 0, cost + changed, cost)
        still = (changed.abs() <= tolerance * cost + floor) | (damping > 1e12)
        damping = torch.where(changed < 0, (0.1 * damping).clamp_min(1e-12), 10 * damping)
        final.put(live, now)
        if still.any():
            done[live] = still
            rows = (~still).nonzero()[:, 0]
            live, now, part = live[rows], now.take(rows), part.take(rows)
            cost, damping, floor = cost[rows], damping[rows], floor[rows]
    exact = Huber(basis, points, how.huber or torch.inf)  # from the points, not from the sums
    return Solution(
        _upright(final),
        exact.cost(final),
        problem.weight(final) if how.huber else points.new_ones(points.shape[:2]),
        done,
        taken,
    )


def begin(sums: Moments, b: Tensor, start: str) -> State:
    """Eq. 17-20: no units (or the given ones), no rotation, the scale and shift of least squares."""
    C, S = _against(sums, b)[1:]
    flat = (C[:, 0, 0] + C[:, 1, 1]).clamp_min(torch.finfo(b.dtype).tiny)
    R = torch.eye(3, dtype=b.dtype, device=b.device).repeat(len(S), 1, 1)
    scale = (S[:, 0, 0] + S[:, 1, 1]) / flat  # Eq. 18
    if start == "rolled":
        side = (S[:, 0, 1] - S[:, 1, 0]) / flat
        roll = torch.atan2(side, scale)
        R, scale = rodrigues(torch.stack([0 * roll, 0 * roll, roll], -1)), torch.hypot(side, scale)
    return State(scale, R, b, _shift(sums, scale, R, b))


def step(
    sums: Moments, now: State, first: int, damping: Tensor, bounds: tuple[float, float] | None
) -> State:
    """One damped step: (J'J + damping diag(J'J)) x = -J'e, then the turn is applied after R and units are cut at their bounds."""
    A, g = normal(sums, now, first)
    pull = A.diagonal(dim1=1, dim2=2)
    pull = torch.maximum(damping[:, None] * pull, 1e-14 * pull.amax(1, keepdim=True)).clamp_min(
        1e-30
    )
    if bounds is not None:  # a unit that pushes against its bound stays there
        units, push = now.b[:, first:], g[:, 4:]
        stuck = ((units <= bounds[0]) & (push > 0)) | ((units >= bounds[1]) & (push < 0))
        loose = torch.cat([torch.ones_like(g[:, :4]), (~stuck).to(g)], 1)
        A, g, pull = A * loose[:, :, None] * loose[:, None], g * loose, pull + (1 - loose)
    A.diagonal(dim1=1, dim2=2).add_(pull)
    x = -torch.linalg.solve_ex(A, g)[0]  # (B, 4 + U)
    units = now.b[:, first:] + x[:, 4:]
    b = torch.cat([now.b[:, :first], units if bounds is None else units.clamp(*bounds)], 1)
    scale, R = now.scale + x[:, 0], rodrigues(x[:, 1:4]) @ now.R
    return State(scale, R, b, _shift(sums, scale, R, b))


def normal(sums: Moments, now: State, first: int) -> tuple[Tensor, Tensor]:
    """J'J (B, D, D) and J'e (B, D) for D = scale, three turns, units from `first` on; the shift is eliminated."""
    M, U = now.scale[:, None, None] * now.R[:, :2], now.b.shape[1] - first  # (B, 2, 3)
    H, C, S = _against(sums, now.b)
    H = H[:, first:]  # (B, U, 9)
    D = _pose_moves(now)  # (B, 4, 2, 3)
    flat = D.flatten(2)  # (B, 4, 6)
    both = M.mT @ M  # (B, 3, 3)
    products = torch.cat(
        [(D.mT.reshape(-1, 12, 2) @ M).view(-1, 4, 9), both.view(-1, 1, 9)], 1
    )  # (B, 5, 9)
    units = H @ products.mT  # (B, U, 5)
    table = (
        sums.square[:, first:, first:].reshape(len(sums.square), U * U, 9).mT
    )  # (1 or B, 9, U U)
    A, g = M.new_empty(len(M), 4 + U, 4 + U), M.new_empty(len(M), 4 + U)
    A[:, :4, :4] = (D.view(-1, 8, 3) @ C).view(-1, 4, 6) @ flat.mT
    A[:, 4:, :4], A[:, :4, 4:] = units[:, :, :4], units[:, :, :4].mT
    A[:, 4:, 4:] = _rows(both.view(-1, 9), table).view(-1, U, U)
    e = M @ C - S.mT  # (B, 2, 3): what is left, against the face
    g[:, :4] = (flat @ e.view(-1, 6, 1))[..., 0]
    g[:, 4:] = units[:, :, 4] - (sums.mixed[:, first:] @ M.mT.reshape(-1, 6, 1))[..., 0]
    return A, g


def _pose_moves(now: State) -> Tensor:
    """(B, 4, 2, 3): how scale and a small turn about x, y and z change what maps a model point to the picture."""
    x, y, z = (now.scale[:, None, None] * now.R).unbind(1)
    nil = torch.zeros_like(x)
    return torch.stack([now.R[:, 0], now.R[:, 1], nil, -z, z, nil, -y, x], 1).unflatten(1, (4, 2))


def _rows(left: Tensor, table: Tensor) -> Tensor:
    """Each row of left (B, M) with its table (B, M, N), or with the one that is for all (1, M, N): (B, N)."""
    return left @ table[0] if len(table) == 1 else (left[:, None] @ table)[:, 0]


def _against(sums: Moments, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The face v = b . basis against each column of the basis, itself and the points: (B, K, 9), (B, 3, 3), (B, 3, 2)."""
    H = _rows(b, sums.square.flatten(2)).view(-1, b.shape[1], 9)
    return (
        H,
        (b[..., None] * H).sum(1).view(-1, 3, 3),
        (b[..., None] * sums.mixed).sum(1).view(-1, 3, 2),
    )


def _cost(sums: Moments, M: Tensor, b: Tensor) -> Tensor:
    _, C, S = _against(sums, b)
    return sums.points - 2 * (M.mT * S).sum((1, 2)) + ((M @ C) * M).sum((1, 2))


def _shift(sums: Moments, scale: Tensor, R: Tensor, b: Tensor) -> Tensor:
    """Eq. 20 with rotation: what carries the centre of the model to the centre of the points."""
    centre = _rows(b, sums.basis_mean)  # (B, 3)
    return sums.points_mean - scale[:, None] * (R[:, :2] @ centre[..., None])[..., 0]


def _upright(state: State) -> State:
    """The same faces with a scale above 0: a negative one is half a turn in the picture plane."""
    half = torch.where(state.scale < 0, -1.0, 1.0)[:, None, None]
    turn = torch.cat([half.expand(-1, 2, 3), torch.ones_like(half).expand(-1, 1, 3)], 1)
    return State(state.scale.abs(), state.R * turn, state.b, state.shift)
