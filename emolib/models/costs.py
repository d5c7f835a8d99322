"""Parameters and multiply-adds of a network, counted while an empty forward pass goes through it.

Counted as the tool behind section 4.4 of chang2021 does: weights times output places for a
convolution, weights once for a linear layer, once a step for a recurrent one, once a channel for a
normalisation; biases, activations and pools cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

_CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_COUNTED = (*_CONV, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.Linear, nn.LSTM)


def parameters(net: nn.Module) -> int:
    """Trainable numbers."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def mult_adds(make: Callable[[], nn.Module], *shapes: tuple[int, ...]) -> int:
    """Multiply-adds of a forward pass of the network `make` builds, on inputs of these shapes.

    Shapes begin with the batch. Nothing is computed or allocated (PyTorch's meta device). A part
    that is used twice counts twice, one that is not used, not at all.
    """
    with torch.device("meta"):
        net = make().eval()
        inputs = [torch.empty(shape) for shape in shapes]
    costs = []
    for module in net.modules():
        if isinstance(module, _COUNTED):
            module.register_forward_hook(lambda *call: costs.append(_cost(*call)))
    with torch.no_grad():
        net(*inputs)
    return sum(costs)


def _cost(module: nn.Module, inputs: tuple[Tensor, ...], output) -> int:
    x = inputs[0]
    if isinstance(module, _CONV):
        return module.weight.numel() * output.shape[0] * output[0, 0].numel()
    if isinstance(module, nn.LSTM):
        named = module.named_parameters()
        weights = sum(p.numel() for name, p in named if name.startswith("weight"))
        return weights * x.shape[0] * x.shape[1]
    if isinstance(module, nn.Linear):
        return module.weight.numel() * (x.numel() // module.in_features)
    return module.num_features * x.shape[0]
