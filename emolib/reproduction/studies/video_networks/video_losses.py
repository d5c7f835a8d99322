"""What each member of the grid back-propagates, and what it is judged by (notebook 11).

"MSE" is the sum over both axes, as the printed column is (orgil2021-c30); NI = MSE / 2 + rest. So NI is squared error at half the step,
and half of the MSE is a control.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from emolib import losses
from emolib.ground.errors import nearest

MAIN = ("MSE", "CCC", "Non-Inertial")
HALF, DOUBLED = "0.5 x MSE", "Non-Inertial, doubled rate"
WITHOUT = {term: f"Non-Inertial without {term}" for term in ("distance", "speed", "direction")}
WINDOW = "CCC of each window"
FORMS = {
    "half": "form `half`",
    "eq3": "form `eq3`",
    "outer": "form `appendix`, outer bars",
    "element": "form `appendix`, inner bars",
}


def _mse(pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    return 2 * losses.mse(pred, target, mask=mask)


def _ccc(pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    return losses.ccc_loss(pred, target, mask=mask)


def _ccc_of_windows(pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    each = losses.ccc_loss(pred, target, dim="sequence", mask=mask, reduction="none")  # (W,)
    held = mask.any(1)
    return torch.where(held, each, 0.0).sum() / held.sum().clamp(min=1)


def _non_inertial(pred: Tensor, target: Tensor, mask: Tensor, **options) -> Tensor:
    return losses.non_inertial(pred, target, mask=mask, **options)


@dataclass(frozen=True)
class Spec:
    """One way to train.

    of       (pred, target (W, L, 2), mask (W, L)) -> scalar
    judged   which of MAIN decides when to stop and which epoch to keep
    rate     times the common rate
    equal    scale the loss so that its first gradient is as long as that of the default form
    """

    of: Callable[[Tensor, Tensor, Tensor], Tensor]
    judged: str
    rate: float = 1.0
    equal: bool = False
    scale: float = field(default=1.0)


LOSSES = {
    "MSE": Spec(_mse, "MSE"),
    "CCC": Spec(_ccc, "CCC"),
    "Non-Inertial": Spec(_non_inertial, "Non-Inertial"),
    HALF: Spec(_mse, "MSE", scale=0.5),
    DOUBLED: Spec(_non_inertial, "Non-Inertial", rate=2.0),
    **{
        name: Spec(
            partial(_non_inertial, terms=tuple(t for t in losses.TERMS if t != term)),
            "Non-Inertial",
        )
        for term, name in WITHOUT.items()
    },
    WINDOW: Spec(_ccc_of_windows, "CCC"),
    FORMS["half"]: Spec(partial(_non_inertial, reading="half"), "Non-Inertial", equal=True),
    FORMS["eq3"]: Spec(partial(_non_inertial, reading="eq3"), "Non-Inertial", equal=True),
    FORMS["outer"]: Spec(partial(_non_inertial, reading="appendix"), "Non-Inertial", equal=True),
    FORMS["element"]: Spec(
        partial(_non_inertial, reading="appendix", absolute="element"), "Non-Inertial", equal=True
    ),
}


def spec(name: str) -> Spec:
    """The loss called `name`; an unknown one is an error with the nearest names."""
    if name not in LOSSES:
        raise nearest(name, LOSSES, what="loss of the grid")
    return LOSSES[name]


def gradient_length(name: str, target: Tensor, mask: Tensor) -> float:
    """Length of the gradient at the prediction 0 everywhere: target (W, L, 2), mask (W, L)."""
    pred = torch.zeros_like(target, requires_grad=True)
    spec(name).of(pred, target, mask).backward()
    return float(pred.grad.norm())


class Together:
    """The losses of all members at once: members with the same loss are one batched call.

    names   one loss per member;   target, mask   of the training windows, for the scale of the forms
    """

    def __init__(self, names: list[str], target: Tensor, mask: Tensor):
        self.groups = {
            name: torch.tensor([i for i, n in enumerate(names) if n == name], device=target.device)
            for name in dict.fromkeys(names)
        }
        base = (
            gradient_length("Non-Inertial", target, mask)
            if any(spec(n).equal for n in names)
            else 1.0
        )
        self.scale = {
            name: spec(name).scale
            * (base / gradient_length(name, target, mask) if spec(name).equal else 1.0)
            for name in self.groups
        }

    def __call__(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Sum over members: pred (M, W, L, 2), target (W, L, 2) and mask (W, L) are common to all."""
        total = pred.new_zeros(())
        for name, where in self.groups.items():
            each = torch.func.vmap(lambda p, name=name: spec(name).of(p, target, mask))(pred[where])
            total = total + self.scale[name] * each.sum()
        return total
