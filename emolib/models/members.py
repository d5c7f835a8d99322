"""Layers that hold many small networks at once: the leading axis is the member of an ensemble.

A network of 215 weights keeps a processor busy for a microsecond and its framework for a
millisecond. Stacked, a thousand such networks cost what ten did: each layer is one batched
matrix product, autograd and Adam see one tensor, and no member touches another's numbers
(the loss is a sum over members, so every gradient is the member's own).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Linear(nn.Module):
    """`members` linear maps: (M, B, in) -> (M, B, out); weight (M, in, out), bias (M, 1, out)."""

    def __init__(self, members: int, features_in: int, features_out: int):
        super().__init__()
        self.fan_in = features_in
        self.weight = nn.Parameter(torch.empty(members, features_in, features_out))
        self.bias = nn.Parameter(torch.empty(members, 1, features_out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)                           # (M, B, out)


class Conv1d(nn.Module):
    """`members` convolutions of width 3, padding 1, over channels-last sequences: (M, B, L, in) -> (M, B, L, out).

    The same numbers as `nn.Conv1d(in, out, 3, padding=1)` of each member, written as one matrix product
    over the three shifted copies: for sequences of five steps a library convolution is all overhead.
    weight (M, 3 * in, out) holds the taps left, middle, right below each other.
    """

    def __init__(self, members: int, channels_in: int, channels_out: int):
        super().__init__()
        self.fan_in, self.channels_in = 3 * channels_in, channels_in
        self.weight = nn.Parameter(torch.empty(members, 3 * channels_in, channels_out))
        self.bias = nn.Parameter(torch.empty(members, 1, channels_out))

    def forward(self, x: Tensor) -> Tensor:
        members, batch, length, channels = x.shape
        if length == 1:                      # both outer taps would meet padding only
            taps = x.reshape(members, batch, channels)
            middle = self.weight[:, channels:2 * channels]                        # (M, in, out)
            return torch.baddbmm(self.bias, taps, middle).unsqueeze(2)            # (M, B, 1, out)
        padded = nn.functional.pad(x, (0, 0, 1, 1))                               # (M, B, L + 2, in)
        taps = torch.cat([padded[:, :, k:k + length] for k in range(3)], dim=-1)  # (M, B, L, 3 in)
        y = torch.baddbmm(self.bias, taps.reshape(members, batch * length, -1), self.weight)
        return y.view(members, batch, length, -1)                                 # (M, B, L, out)


def initialise(net: nn.Module, seeds: list[int], fan_in: dict[nn.Module, Tensor] | None = None) -> nn.Module:
    """Give member m the weights that seed `seeds[m]` draws: uniform in +-1/sqrt(fan_in), PyTorch's own default.

    Members with equal seeds start alike, whatever else is in the ensemble: comparisons between settings
    are paired, and a member's result does not depend on its company.
    fan_in: per layer a tensor (M,) where members use fewer inputs than the layer holds (pruned units).
    """
    distinct, where = torch.unique(torch.as_tensor(seeds), return_inverse=True)
    generators = [torch.Generator().manual_seed(int(s)) for s in distinct]
    with torch.no_grad():
        for layer in net.modules():
            if not isinstance(layer, (Linear, Conv1d)):
                continue
            bound = torch.full((len(seeds),), float(layer.fan_in)) if fan_in is None or layer not in fan_in \
                else fan_in[layer].float()
            bound = (1.0 / bound.clamp_min(1.0).sqrt()).view(-1, 1, 1)            # (M, 1, 1)
            for parameter in (layer.weight, layer.bias):
                drawn = torch.stack([torch.rand(parameter.shape[1:], generator=g, dtype=torch.float64)
                                     for g in generators])                        # (seeds, ...)
                parameter.copy_((2 * drawn[where] - 1) * bound)
    return net


def parameter_count(net: nn.Module) -> int:
    """Trainable numbers of one member."""
    return sum(math.prod(p.shape[1:]) for p in net.parameters() if p.requires_grad)
