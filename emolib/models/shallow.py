"""The shallow network of wang, Fig. 4: 5 inputs, one hidden layer of sigmoids, 7 outputs.

One class holds any number of such networks. Members may use fewer than the 16 hidden units there is
room for, marked in `alive`: sweeps over sizes and pruned networks of all widths train together.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from emolib.models.members import Linear, initialise
from emolib.pruning import Pruned, merge_outgoing


class Shallow(nn.Module):
    """Inputs -> hidden sigmoids -> classes: (M, B, inputs) -> raw scores (M, B, classes).

    seeds  (M,) one per member; equal seeds, equal start
    units  (M,) hidden units of each member (default: `hidden` for all)
    """

    def __init__(
        self,
        seeds: list[int],
        *,
        inputs: int = 5,
        hidden: int = 16,
        classes: int = 7,
        units: Tensor | None = None,
    ):
        super().__init__()
        self.seeds = list(seeds)
        members = len(self.seeds)
        units = torch.full((members,), hidden) if units is None else torch.as_tensor(units)
        self.into = Linear(members, inputs, hidden)
        self.out = Linear(members, hidden, classes)
        self.register_buffer("alive", torch.arange(hidden) < units[:, None])  # (M, H)
        self.reset()

    def reset(self) -> Shallow:
        """Fresh weights for the units that are alive, drawn from each member's own seed."""
        return initialise(self, self.seeds, {self.out: self.alive.sum(-1).cpu()})

    def hidden(self, x: Tensor) -> Tensor:
        """Outputs of the hidden units (M, B, H), in (0, 1); 0 where a member has no such unit."""
        return torch.sigmoid(self.into(x)) * self.alive[:, None]  # (M, B, H)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.hidden(x))  # (M, B, classes)

    def with_units(self, pruned: Pruned, *, merge: bool | Tensor = False) -> Shallow:
        """A copy with the units in `pruned.keep`; where `merge`, twins inherit outgoing weights."""
        net = copy.deepcopy(self)
        merge = torch.as_tensor(merge, device=self.alive.device).view(-1, 1, 1)
        merged = merge_outgoing(self.out.weight, pruned, self.alive)
        with torch.no_grad():
            net.out.weight.copy_(torch.where(merge, merged, self.out.weight))
            net.alive.copy_(pruned.keep)
        return net
