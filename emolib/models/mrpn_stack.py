"""Many small fusion networks at once, on features computed before: models/mrpn.py in a stack.

A branch is a FeatureNorm, a dense unit with ReLU on every step and an aggregator over the steps.
What may differ between the members of a stack is what differs in training: weights of the loss
terms, what is hidden, whose gradients are scaled.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from emolib.ground.errors import nearest
from emolib.models import members as stacked
from emolib.models.mrpn import Design, Fusion, dense_unit, feature_norm


class LSTM(nn.Module):
    """The last output of an LSTM with as many units as features: (M, B, T, F) -> (M, B, F)."""

    def __init__(self, members: int, features: int):
        super().__init__()
        self.lstm = stacked.LSTM(members, features, features, steps="stacked")

    def forward(self, x: Tensor) -> Tensor:
        return self.lstm(x)[:, :, -1]


class BiLSTM(nn.Module):
    """Two directions of half the units, their last outputs side by side."""

    def __init__(self, members: int, features: int):
        super().__init__()
        self.there = stacked.LSTM(members, features, features // 2, steps="stacked")
        self.back = stacked.LSTM(members, features, features // 2, steps="stacked")

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.there(x)[:, :, -1], self.back(x.flip(2))[:, :, -1]], -1)


class TransformerAverage(nn.Module):
    """One encoder layer (normalised first, one head), then the mean over the steps; without a code
    of position, as in models/aggregators.py."""

    def __init__(self, members: int, features: int):
        super().__init__()
        self.look = stacked.Linear(members, features, 3 * features)
        self.out = stacked.Linear(members, features, features)
        self.wide = stacked.Linear(members, features, 2 * features)
        self.back = stacked.Linear(members, 2 * features, features)

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = _by_step(self.look, _normed(x)).chunk(3, -1)  # (M, B, T, F) each
        near = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5  # (M, B, T, T)
        x = x + _by_step(self.out, torch.softmax(near, -1) @ value)
        return (x + _by_step(self.back, _by_step(self.wide, _normed(x)).relu())).mean(2)


class Average(nn.Module):
    """The mean over the steps."""

    def __init__(self, members: int, features: int):
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(2)


AGGREGATORS = {
    "LSTM": LSTM,
    "BiLSTM": BiLSTM,
    "transformer average": TransformerAverage,
    "average": Average,
}


def _normed(x: Tensor) -> Tensor:
    return layer_norm(x, x.shape[-1:])


def _by_step(layer: nn.Module, x: Tensor) -> Tensor:
    """A layer of (M, rows, in) on every step of (M, B, T, in)."""
    return layer(x.flatten(1, 2)).unflatten(1, x.shape[1:3])


class Branch(nn.Module):
    """(M, B, T, inputs) -> f_m (M, B, hidden)."""

    def __init__(self, members: int, inputs: int, hidden: int, aggregator: str):
        super().__init__()
        if aggregator not in AGGREGATORS:
            raise nearest(aggregator, AGGREGATORS, what="aggregator")
        self.norm, self.dense = feature_norm(inputs, members), dense_unit(inputs, hidden, members)
        self.aggregate = AGGREGATORS[aggregator](members, hidden)

    def forward(self, x: Tensor) -> Tensor:
        steps = _by_step(lambda rows: self.dense(self.norm(rows)), x).relu()  # (M, B, T, hidden)
        return self.aggregate(steps)


class Stack(nn.Module):
    """`len(seeds)` networks: members with equal seeds start alike."""

    def __init__(
        self,
        seeds: list[int],
        inputs: tuple[int, ...],
        outputs: int,
        how: Design,
        *,
        hidden: int,
        aggregator: str,
    ):
        super().__init__()
        count = len(seeds)
        self.branches = nn.ModuleList(Branch(count, n, hidden, aggregator) for n in inputs)
        self.head = Fusion([hidden] * len(inputs), outputs, how, hidden=hidden, members=count)
        stacked.initialise(self, seeds)

    def forward(
        self, inputs: list[Tensor], ways: Ways | None = None
    ) -> tuple[list[Tensor], Tensor, list[Tensor]]:
        """Features f_m, the joint score and the side scores; `ways`: what training does to some."""
        features = [branch(x) for branch, x in zip(self.branches, inputs, strict=True)]
        normed = self.head.normed(features)
        if ways is None:
            updated = self.head.updated(normed)
            return features, self.head.fusion(updated), self.head.side_scores(normed, updated)
        updated = self.head.updated([gated(f, ways.pass_on[m]) for m, f in enumerate(normed)])
        joint = self.head.fusion([g * ways.seen[m] for m, g in enumerate(updated)])
        normed = [gated(f, ways.probed) for f in normed]
        updated = [gated(g, ways.probed) for g in updated]
        return features, joint, self.head.side_scores(normed, updated)

    def frozen(self) -> Stack:
        """Branches and their norms rest, in testing mode; only the fusion goes on learning."""
        self.branches.requires_grad_(False)
        self.head.norms.requires_grad_(False)
        return self

    def train(self, mode: bool = True) -> Stack:
        super().train(mode)
        if not next(self.branches.parameters()).requires_grad:
            self.branches.eval()
            self.head.norms.eval()
        return self


class Ways:
    """What training does to the members of a stack: (M, 1, 1) or (M, B, 1), 1 for nothing.

    pass_on  for each modality, the share of the joint loss's gradient that goes on into its branch
             (on-the-fly modulation)
    seen     for each modality, 1 where the joint score sees it (modality dropout)
    probed   the share of the side losses' gradient that goes on into the branches: 0 where side
             scores only watch
    """

    def __init__(self, pass_on: list[Tensor], seen: list[Tensor], probed: Tensor):
        self.pass_on, self.seen, self.probed = pass_on, seen, probed


def gated(x: Tensor, share: Tensor) -> Tensor:
    """x, whose gradient is multiplied by `share` on the way back."""
    return x.detach() + (x - x.detach()) * share
