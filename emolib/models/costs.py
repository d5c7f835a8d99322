"""Parameters and multiply-adds of a network, counted on the network itself while a forward pass without numbers goes through it.

Counted as the tool behind section 4.4 of chang2021 does: weights times output places for a convolution, weights once for a linear
layer, once a step for a recurrent one, once a channel for a normalisation; biases, activations and pools cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

_CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def parameters(net: nn.Module) -> int:
    """Trainable numbers."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def mult_adds(make: Callable[[], nn.Module], *shapes: tuple[int, ...]) -> int:
    """Multiply-adds of one forward pass of the network that `make` builds, with inputs of these shapes (batch first).

    Nothing is computed or allocated (PyTorch's meta device). A part that is used twice counts twice, one that is not used, not at all.
    """
    with torch.device("meta"):
        net, inputs = make().eval(), [torch.empty(shape) for shape in shapes]
    total, hooks = [0], []

    def count(module, arrived, left):
        total[0] += _cost(module, arrived[0], left)

    for module in net.modules():
        if isinstance(module, (*_CONV, *_NORM, nn.Linear, nn.LSTM)):
            hooks.append(module.register_forward_hook(count))
    with torch.no_grad():
        net(*inputs)
    for hook in hooks:
        hook.remove()
    return total[0]


def _cost(module: nn.Module, arrived: Tensor, left) -> int:
    if isinstance(module, _CONV):
        return module.weight.numel() * left.shape[0] * left[0, 0].numel()
    if isinstance(module, nn.LSTM):
        weights = sum(
            p.numel() for name, p in module.named_parameters() if name.startswith("weight")
        )
        return weights * arrived.shape[0] * arrived.shape[1]
    rows = arrived.shape[0]
    if isinstance(module, nn.Linear):
        return module.weight.numel() * (arrived.numel() // module.in_features)
    return module.num_features * rows
