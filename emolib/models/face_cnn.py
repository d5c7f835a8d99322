"""The five networks of chang2021, section 4.2 (pages 43-47): two on numbers, three on pictures.

Pictures are grey, raw scores come out, and every chain reads as the printed one does. Biases,
padding and strides that the print leaves open are those with which the counts of parameters come
out (`choices.csv`, chang2021-c6). 'same' is Keras's: what cannot be split evenly goes to the right
and below.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError, nearest

# "dropout regularization with a probability of 80%" (4.2.1): of what?
DROPPED = {"drop": 0.8, "keep": 0.2}


def au_dnn(inputs: int = 8, classes: int = 4) -> nn.Sequential:
    """Action units -> classes, 108 parameters: (B, 8) -> 8 ReLU -> (B, 4)."""
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, classes))


def fp68_dnn(inputs: int = 136, classes: int = 4, *, reading: str = "drop") -> nn.Sequential:
    """68 points -> classes, 2,292 parameters: (B, 136) -> 16 BN ReLU -> dropout -> (B, 4).

    reading   'drop': 80 % of the units are dropped (the literal reading); 'keep': 80 % are kept
    """
    if reading not in DROPPED:
        raise nearest(reading, DROPPED, what="reading of the dropout")
    dense = [nn.Linear(inputs, 16), nn.BatchNorm1d(16), nn.ReLU()]
    return nn.Sequential(*dense, nn.Dropout(DROPPED[reading]), nn.Linear(16, classes))


def same(x: Tensor, kernel: int, stride: int, value: float = 0.0) -> Tensor:
    """Pad (B, C, H, W) so that a window gives ceil(size / stride) places, as Keras does."""
    pads = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return nn.functional.pad(x, pads, value=value)


class Conv(nn.Module):
    """Convolution, then what the superscript of the chain says: 'b' batch normalisation, 'r' ReLU.

    separable   Xception's: each channel by itself, then a 1 x 1 over the channels
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        after: str = "",
        *,
        padding: str = "same",
        bias: bool = True,
        separable: bool = False,
    ):
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.padded, self.relu = padding == "same", "r" in after
        self.deep = None
        if separable:
            self.deep = nn.Conv2d(inputs, inputs, kernel, stride, groups=inputs, bias=False)
            kernel, stride = 1, 1
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, bias=bias)
        self.norm = nn.BatchNorm2d(outputs) if "b" in after else None

    def forward(self, x: Tensor) -> Tensor:
        if self.padded:
            x = same(x, self.kernel, self.stride)
        if self.deep is not None:
            x = self.deep(x)
        x = self.conv(x)  # (B, outputs, H / stride, W / stride)
        if self.norm is not None:
            x = self.norm(x)
        return torch.relu(x) if self.relu else x


class MaxPool(nn.Module):
    """Width 3, stride 2, 'same'."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.max_pool2d(same(x, 3, 2, -torch.inf), 3, 2)


class GlobalAverage(nn.Module):
    """(B, C, H, W) -> (B, C)."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def cnn_1(classes: int = 4, *, narrow: int = 1) -> nn.Sequential:
    """CNN-1, 551,164 parameters, no dense layer: (B, 1, 50, 50) or (B, 1, 75, 75) -> (B, classes).

    narrow   divides the number of channels of every layer but the last: a stand-in for a quick look
    """
    a, b, c, d, e = (n // narrow for n in (16, 32, 64, 128, 256))
    return nn.Sequential(
        Conv(1, a, 5, 1, "b", padding="valid"),
        Conv(a, a, 5, 2, "br"),
        Conv(a, b, 5, 1, "b"),
        Conv(b, b, 5, 2, "br"),
        Conv(b, c, 3, 1, "b"),
        Conv(c, c, 3, 2, "br"),
        Conv(c, c, 1, 1, "b"),
        Conv(c, d, 3, 2, "br"),
        Conv(d, e, 1, 1, "b"),
        Conv(e, d, 3, 2, "br"),
        Conv(d, e, 1, 1, "b"),
        Conv(e, classes, 3, 2, "b"),
        GlobalAverage(),
    )


class Unit(nn.Module):
    """A unit of CNN-2, after Xception: two separable convolutions and a pooling, beside a 1 x 1
    shortcut; halves the size."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.shortcut = Conv(inputs, outputs, 1, 2, "b", bias=False)
        self.body = nn.Sequential(
            Conv(inputs, outputs, 3, 1, "br", bias=False, separable=True),
            Conv(outputs, outputs, 3, 1, "b", bias=False, separable=True),
            MaxPool(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.body(x)


def cnn_2(classes: int = 4, *, narrow: int = 1) -> nn.Sequential:
    """CNN-2, 53,492 parameters: pictures (B, 1, 75, 75) -> (B, classes); `narrow` as in cnn_1."""
    first, *units = (n // narrow for n in (8, 16, 32, 64, 128))
    return nn.Sequential(
        Conv(1, first, 3, 1, "br", padding="valid", bias=False),
        Conv(first, first, 3, 1, "b", padding="valid", bias=False),
        *(Unit(inputs, outputs) for inputs, outputs in zip((first, *units), units)),
        Conv(units[-1], classes, 3),
        GlobalAverage(),
    )


def cnn_3(classes: int = 4, size: int = 150, *, narrow: int = 1) -> nn.Sequential:
    """CNN-3, 266,020 parameters at 150 pixels: (B, 1, size, size) -> (B, classes); `narrow` as in
    cnn_1. The only one tied to its size."""
    left = size
    for _ in range(4):
        left = (left - 2) // 2
    if left < 1:
        raise EmolibError(
            f"CNN-3 on pictures of {size} pixels: nothing is left after four poolings, "
            "expected at least 46"
        )
    few, many = 32 // narrow, 64 // narrow
    layers = []
    for inputs, outputs in ((1, few), (few, few), (few, many), (many, many)):
        layers += [nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(many * left * left, many), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(many, classes))


CNNS = {
    "CNN-1 50x50x1": (cnn_1, 50),
    "CNN-1 75x75x1": (cnn_1, 75),
    "CNN-2 75x75x1": (cnn_2, 75),
    "CNN-3 150x150x1": (cnn_3, 150),
}
