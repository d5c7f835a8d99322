"""Pruning by distinctiveness (wang, section 3.1): hidden units that say the same are merged.

A hidden unit is the vector of its outputs over all patterns; two units whose vectors enclose a
small angle do the same work. Everything here takes a leading axis of networks, so that thousands
are pruned in one call; a single network is the case of one.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


def vector_angles(activations: Tensor, centre: float | Tensor | None = None) -> Tensor:
    """Angles in degrees between hidden units: activations (..., P, H) -> (..., H, H), symmetric, 0
    on the diagonal.

    cos(A, B) = A . B / (|A| |B|)                                                  (wang, Eq. 2)

    centre: None as the paper prints it; 0.5 subtracts the middle of a sigmoid first, as the pruning
    practice that the paper cites does; a tensor (...) is one for each network. Un-centred outputs
    of a sigmoid are all positive: no angle exceeds 90 degrees, and early in training all are small.
    A unit that is constantly at the centre has no direction: its angle to every other is 90. In
    double precision, because the arc cosine of nearly parallel vectors loses half the digits.
    """
    middle = torch.as_tensor(
        0.0 if centre is None else centre, dtype=torch.float64, device=activations.device
    )
    vectors = activations.double() - middle[..., None, None]  # (..., P, H)
    length = vectors.norm(dim=-2, keepdim=True)  # (..., 1, H)
    unit = vectors / length.clamp_min(torch.finfo(vectors.dtype).tiny)
    cosine = (unit.mT @ unit).clamp(-1.0, 1.0)  # (..., H, H)
    angle = torch.rad2deg(torch.arccos(cosine))
    eye = torch.eye(angle.shape[-1], dtype=torch.bool, device=angle.device)
    return angle.masked_fill(eye, 0.0)


class Pruned(NamedTuple):
    """keep (..., H) bool: the units that stay. twin (..., H) int64: where each unit's work went
    (itself if kept)."""

    keep: Tensor
    twin: Tensor


def distinct_units(angles: Tensor, min_angle, alive: Tensor | None = None) -> Pruned:
    """Drop units until every surviving pair is at least `min_angle` degrees apart.

    The most similar surviving pair goes first and loses its second unit (the paper: units 3 and 4
    at 8.1 degrees, "remove one of the pair"); then the next, until no pair is closer.

    angles (..., H, H); min_angle a number or (...); alive (..., H) bool, units that exist (all).
    """
    hidden, where = angles.shape[-1], angles.device
    if alive is None:
        alive = torch.ones(angles.shape[:-1], dtype=torch.bool, device=where)
    keep = alive.clone()
    twin = torch.arange(hidden, device=where).expand(keep.shape).clone()
    bound = torch.as_tensor(min_angle, dtype=angles.dtype, device=where).expand(keep.shape[:-1])
    upper = torch.ones(hidden, hidden, dtype=torch.bool, device=where).triu(1)
    for _ in range(hidden - 1):
        pair = keep[..., :, None] & keep[..., None, :] & upper  # (..., H, H)
        closest, at = angles.masked_fill(~pair, torch.inf).flatten(-2).min(-1)  # (...)
        close = closest < bound
        if not close.any():
            break
        first, second = at // hidden, at % hidden
        gone = torch.nn.functional.one_hot(second, hidden).bool() & close[..., None]
        keep &= ~gone
        twin = torch.where((twin == second[..., None]) & close[..., None], first[..., None], twin)
    return Pruned(keep, twin)


def merge_outgoing(weight: Tensor, pruned: Pruned, alive: Tensor | None = None) -> Tensor:
    """Outgoing weights (..., H, O) with each dropped unit's row added to its twin's and then 0.

    Two units with equal outputs become one without any change of the network's output.
    """
    source = weight if alive is None else weight * alive[..., None]
    twin = pruned.twin[..., None].expand_as(weight)
    return torch.zeros_like(weight).scatter_add(-2, twin, source)


def prune(
    net,
    activations: Tensor,
    min_angle,
    *,
    centre: float | Tensor | None = None,
    merge: bool | Tensor = False,
):
    """A copy of `net` (models.shallow.Shallow) without units closer than `min_angle` degrees.

    activations (members, P, H): the hidden outputs of each member over its training patterns, as
    `net.hidden(x)` returns them. min_angle, centre and merge may differ by member: (members,).
    merge: twins inherit the outgoing weights of the units they replace. `net` is not changed.
    """
    pruned = distinct_units(vector_angles(activations, centre), min_angle, net.alive)
    return net.with_units(pruned, merge=merge)
