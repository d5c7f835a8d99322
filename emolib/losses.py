"""Losses on valence and arousal over time: squared error, concordance, and the non-inertial loss.

All take pred, target (B, T, 2): B windows of T frames, valence and arousal in [-1, 1]; an optional
mask (B, T), True where a frame counts; and `reduction`: 'mean' for a scalar, 'none' for one value a
window (B,). First differences stay inside a window. Nothing here gives NaN, in value or gradient,
at equal points, zero speed or constant windows; a mask that leaves nothing gives 0.

Source: orgil2021, section 2.1 (Eq. 1 to 6) and appendix (Eq. 8 to 12). The text offers several
forms of the new loss; `reading` names them, notebook 10 compares them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from emolib.ground.errors import EmolibError, nearest

READINGS = ("table", "half", "eq3", "appendix")
TERMS = ("distance", "speed", "direction", "acceleration")


def mse(
    pred: Tensor, target: Tensor, *, mask: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """Eq. 1: mean of (x - y)^2 over frames and axes; orgil2021 prints the sum over the axes."""
    _check(pred, target, mask, reduction)
    return _mean((pred - target).square().mean(-1), mask, reduction)  # (B, T) ->


def ccc_loss(
    pred: Tensor,
    target: Tensor,
    *,
    dim: str = "batch",
    mask: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - (CCC of valence + CCC of arousal) / 2 (Eq. 2; yin2022, Eq. 7): 0 for perfect, 1 for
    unrelated, 2 for opposite.

    dim   'batch' takes all frames of the batch as one series (orgil feeds the windows of one
          video); 'sequence' takes each window by itself and averages. An axis whose target does not
          vary has CCC 0 and no gradient.
    """
    _check(pred, target, mask, reduction)
    if dim not in ("batch", "sequence"):
        raise nearest(dim, ("batch", "sequence"), what="extent of a series")
    if dim == "batch":
        if reduction == "none":
            raise EmolibError(
                "ccc_loss: reduction='none' needs dim='sequence'; the batch is one series here"
            )
        pred, target = pred.reshape(1, -1, pred.shape[-1]), target.reshape(1, -1, target.shape[-1])
        mask = None if mask is None else mask.reshape(1, -1)
    each = 1 - concordance(pred, target, mask).mean(-1)  # (B,)
    return each if reduction == "none" else each.mean()


def concordance(pred: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """CCC over time (Eq. 2; Lin 1989), (B, T, A) -> (B, A): 2 s_xy / (s_x^2 + s_y^2 + (mean_x -
    mean_y)^2), s^2 variances. The paper calls s_x and s_y variances: standard deviations are meant.
    """
    weight = _weight(pred, mask)  # (B, T, 1), sums to 1 over T
    mean_x, mean_y = (weight * pred).sum(1, keepdim=True), (weight * target).sum(1, keepdim=True)
    dx, dy = pred - mean_x, target - mean_y
    above = 2 * (weight * dx * dy).sum(1)  # (B, A)
    below = (weight * (dx.square() + dy.square())).sum(1) + (mean_x - mean_y).square().squeeze(1)
    flat = constant(target, mask)
    return torch.where(flat, 0.0, above / torch.where(flat, 1.0, below))


def constant(target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Does an axis stand still in a window? bool (B, A); exact: no mean is rounded."""
    # The same steps with and without a mask: notebook 12 counts the numbers they write.
    if mask is None:
        seen = torch.ones_like(target, dtype=torch.bool)
    else:
        seen = mask[..., None].expand_as(target)
    highest = target.masked_fill(~seen, -torch.inf).amax(1)
    return highest <= target.masked_fill(~seen, torch.inf).amin(1)


def non_inertial(
    pred: Tensor,
    target: Tensor,
    *,
    reading: str = "table",
    absolute: str = "outer",
    mask: Tensor | None = None,
    terms: tuple[str, ...] = TERMS,
    reduction: str = "mean",
) -> Tensor:
    """The loss of orgil2021 in one of its readings.

    table     mean (x-y)^2 over frames and axes + mean ||dx| - |dy|| + mean |dx_v dy_a - dx_a dy_v|,
              d the first difference in time: the form that the printed tables allow (their MSE
              column is the sum over axes, so NI = MSE/2 + rest)
    half      (D + V) / 2, the first two of these; direction left out
    eq3       the text after Eq. 3 to 6: mean of the Euclidean distance, the difference of speeds
              and the cross product of the *positions*. Eq. 3 prints sqrt(x^2 - y^2), no distance
    appendix  (D + V + A + Ac) / 4 of Eq. 8 to 12, D summed over the axes. absolute='outer' has the
              bars outside the sums as printed: V and Ac telescope to the end points, and A is 0 for
              two axes, whose terms cancel; 'element' has them inside, the cross product once
    terms     those to keep, for controls: without 'speed', without 'direction' ...
    """
    _check(pred, target, mask, reduction)
    if reading not in READINGS:
        raise nearest(reading, READINGS, what="reading of the non-inertial loss")
    for term in terms:
        if term not in TERMS:
            raise nearest(term, TERMS, what="term of the non-inertial loss")
    if absolute not in ("outer", "element"):
        raise nearest(absolute, ("outer", "element"), what="place of the absolute value")
    share, parts = _PARTS[reading](pred, target, mask, reduction, absolute)
    kept = [value for name, value in parts.items() if name in terms]
    return share * sum(kept) if kept else 0.0 * mse(pred, target, mask=mask, reduction=reduction)


def _table(pred, target, mask, reduction, _) -> tuple[float, dict]:
    _, parts = _half(pred, target, mask, reduction, _)
    turn = cross(pred.diff(dim=1), target.diff(dim=1)).abs()
    return 1.0, parts | {"direction": _mean(turn, _both(mask), reduction)}


def _half(pred, target, mask, reduction, _) -> tuple[float, dict]:
    distance = mse(pred, target, mask=mask, reduction=reduction)
    speed = _mean(speed_error(pred, target), _both(mask), reduction)
    return 0.5, {"distance": distance, "speed": speed}


def _eq3(pred, target, mask, reduction, _) -> tuple[float, dict]:
    distance = _mean(length(pred - target), mask, reduction)
    speed = _mean(speed_error(pred, target), _both(mask), reduction)
    direction = _mean(cross(pred, target).abs(), mask, reduction)
    return 1.0, {"distance": distance, "speed": speed, "direction": direction}


def _appendix(pred, target, mask, reduction, absolute) -> tuple[float, dict]:
    change = pred.diff(dim=1) - target.diff(dim=1)
    turn = cross(pred.diff(dim=1), target.diff(dim=1))
    jolt = pred.diff(n=2, dim=1) - target.diff(n=2, dim=1)
    both, three = _both(mask), _both(_both(mask))
    if absolute == "element":
        speed = _mean(change.abs().mean(-1), both, reduction)
        direction = _mean(turn.abs(), both, reduction)
        acceleration = _mean(jolt.abs().mean(-1), three, reduction)
    else:
        speed = _mean(change.mean(-1), both, reduction).abs()
        direction = _mean(turn - turn, both, reduction).abs()
        acceleration = _mean(jolt.mean(-1), three, reduction).abs()
    distance = 2 * mse(pred, target, mask=mask, reduction=reduction)
    return 0.25, dict(zip(TERMS, (distance, speed, direction, acceleration)))


_PARTS = {"table": _table, "half": _half, "eq3": _eq3, "appendix": _appendix}


# ---- the terms, one function each


def length(v: Tensor) -> Tensor:
    """Euclidean length, (..., 2) -> (...); its gradient at the zero vector is 0, not NaN."""
    square = v.square().sum(-1)
    zero = square == 0
    return torch.where(zero, 0.0, torch.where(zero, 1.0, square).sqrt())


def speed_error(pred: Tensor, target: Tensor) -> Tensor:
    """Eq. 4 with t = 1: ||dx| - |dy||, (B, T, 2) -> (B, T-1). The bars are ours: without them
    errors of both signs cancel."""
    return (length(pred.diff(dim=1)) - length(target.diff(dim=1))).abs()


def cross(a: Tensor, b: Tensor) -> Tensor:
    """Eq. 5: a_valence b_arousal - a_arousal b_valence, (..., 2) -> (...): |a||b| sin of the angle
    between. Blind to 180 degrees."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


# ---- shared


def _both(mask: Tensor | None) -> Tensor | None:
    """A difference counts where both of its frames do: (B, T) -> (B, T-1)."""
    return None if mask is None else mask[:, 1:] & mask[:, :-1]


def _mean(values: Tensor, mask: Tensor | None, reduction: str) -> Tensor:
    """Mean of (B, T) over what counts: of all for 'mean', of each window for 'none'; 0 where
    nothing does."""
    if mask is None:
        mask = torch.ones_like(values, dtype=torch.bool)
    values = torch.where(mask, values, 0.0)
    if reduction == "none":
        return values.sum(1) / mask.sum(1).clamp(min=1)
    return values.sum() / mask.sum().clamp(min=1)


def _weight(values: Tensor, mask: Tensor | None) -> Tensor:
    """(B, T, 1): equal weights of the frames that count, together 1 in a window, or 0."""
    if mask is None:
        return values.new_full((1, values.shape[1], 1), 1 / max(values.shape[1], 1))
    mask = mask.to(values.dtype)
    return (mask / mask.sum(1, keepdim=True).clamp(min=1))[..., None]


def _check(pred: Tensor, target: Tensor, mask: Tensor | None, reduction: str) -> None:
    if pred.ndim != 3 or pred.shape != target.shape or pred.shape[-1] != 2:
        raise EmolibError(
            f"loss: prediction {tuple(pred.shape)} and target {tuple(target.shape)}, "
            "expected (B, T, 2) each"
        )
    if not pred.numel():
        raise EmolibError(
            f"loss: prediction {tuple(pred.shape)}, expected at least one frame in (B, T, 2)"
        )
    if mask is not None and (mask.shape != pred.shape[:2] or mask.dtype != torch.bool):
        raise EmolibError(
            f"loss: mask is {mask.dtype} {tuple(mask.shape)}, expected bool {tuple(pred.shape[:2])}"
        )
    if reduction not in ("mean", "none"):
        raise nearest(reduction, ("mean", "none"), what="reduction")
