"""dlib's network that tells people apart, as PyTorch: 29 convolutions that have seen three million
photographs of 7,485 people (King 2017; 99.38 % on Labeled Faces in the Wild).

VGG-Face is not free to hand on; these weights are (CC0). They come in dlib's own format, in the
package face_recognition_models, and with them the network gives dlib's own descriptors.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib.ground.errors import Damaged, guard

LEVELS = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
# What dlib takes off red, green and blue in [0, 255] before it divides by 256
MEAN = (122.782, 117.001, 104.298)
LAYER = re.compile(rb"\x01.(con_\d|affine_|fc_\d)", re.DOTALL)


class Block(nn.Module):
    """Two convolutions beside a shortcut, which a stride of 2 shortens by averages.

    dlib pads no convolution with a stride; what is smaller is filled up with zeros.
    """

    def __init__(self, before: int, channels: int, down: bool):
        super().__init__()
        self.down = down
        first = {"stride": 2} if down else {"padding": 1}
        self.first = nn.Conv2d(before, channels, 3, **first)
        self.first_norm = nn.BatchNorm2d(channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.second_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))  # (B, channels, H', W')
        if self.down:
            x = F.avg_pool2d(x, 2)
        size = torch.Size(max(a, b) for a, b in zip(x.shape[1:], y.shape[1:]))
        return F.relu(_filled(x, size) + _filled(y, size))


class FaceResnet(nn.Module):
    """(B, 3, H, W) in [-1, 1] -> 256 numbers (B, 256) that tell faces apart.

    `descriptor` (256 -> 128) is dlib's last layer: two pictures of one person lie within 0.6.
    The network was made for pictures of 150 pixels a side; smaller ones pass.
    """

    width = 256

    def __init__(self):
        super().__init__()
        self.begin = nn.Conv2d(3, 32, 7, stride=2)
        self.begin_norm = nn.BatchNorm2d(32)
        blocks, before = [], 32
        for channels, count, down in LEVELS:
            for k in range(count):
                blocks.append(Block(before, channels, down and k == 0))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.descriptor = nn.Linear(self.width, 128, bias=False)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None])
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = (127.5 * (x + 1) - self.mean) / 256
        x = F.relu(self.begin_norm(self.begin(x)))
        x = F.max_pool2d(x, 3, stride=2)
        return self.blocks(x).mean((2, 3))  # (B, 256)

    def described(self, x: Tensor) -> Tensor:
        """dlib's descriptor (B, 128) of pictures (B, 3, 150, 150) in [-1, 1]."""
        return self.descriptor(self(x))

    def known(self, path: Path) -> FaceResnet:
        """Take dlib's weights. Returns the network; Damaged for a file that is not dlib's."""
        layers = read(path)
        with torch.no_grad():
            for module, values in zip(self._in_order(), layers):
                _fill(module, torch.from_numpy(values), path)
        return self

    def _in_order(self) -> list[nn.Module]:
        """Layers with weights, from the input up, as they lie in the file."""
        kinds = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
        return [layer for layer in self.modules() if isinstance(layer, kinds)]

    @torch.no_grad()
    def standardise(self, x: Tensor) -> FaceResnet:
        """Make every batch norm what `x` (B, 3, H, W) would have it be, and the network the same.

        dlib ships each norm as a scale and an offset: its means and variances went into them. To
        train on, they are needed: each layer takes those of `x` and pays them back in its weights.
        """

        def measure(norm, inputs):
            variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
            spread = (variance + norm.eps).sqrt() / (norm.running_var + norm.eps).sqrt()
            shift = (mean - norm.running_mean) / (norm.running_var + norm.eps).sqrt()
            norm.bias += norm.weight * shift
            norm.weight *= spread
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)

        norms = [layer for layer in self.modules() if isinstance(layer, nn.BatchNorm2d)]
        hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
        self.eval()(x)
        for hook in hooks:
            hook.remove()
        return self


def _filled(x: Tensor, size: torch.Size) -> Tensor:
    """x (B, C, H, W) with zeros behind it until it is (B, *size)."""
    channels, height, width = (want - have for want, have in zip(size, x.shape[1:]))
    return F.pad(x, (0, width, 0, height, 0, channels)) if channels or height or width else x


def _fill(layer: nn.Module, values: Tensor, path: Path) -> None:
    """Numbers (P,) of one layer as dlib keeps them: the weights, then the offsets."""
    if isinstance(layer, nn.Linear):
        weight, bias = values.reshape(layer.in_features, -1).T, None
    else:
        bias = values[-len(layer.bias) :]
        weight = values[: -len(layer.bias)]
    if weight.numel() != layer.weight.numel():
        raise Damaged(path, f"a layer of {len(values):,} numbers, not dlib's face network")
    layer.weight.copy_(weight.reshape(layer.weight.shape))
    if bias is not None:
        layer.bias.copy_(bias)
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_var.fill_(1 - layer.eps)


# ---------------------------------------------------------------- dlib's format


def read(path: Path) -> list[np.ndarray]:
    """float32 (P,) of each of the 59 layers in dlib's file, from the input up.

    Each layer begins with its name; a tensor follows for convolutions and norms at once, for the
    dense layer behind its two sizes: a version, four extents, then the numbers (little-endian).
    """
    content = guard(path).read_bytes()
    layers = []
    try:
        for name in LAYER.finditer(content):
            at = name.end()
            for _ in range(2 if name[1].startswith(b"fc") else 0):
                _, at = _integer(content, at)
            extents = []
            for _ in range(5):  # the first is the version of the format
                value, at = _integer(content, at)
                extents.append(value)
            count = int(np.prod(extents[1:]))
            layers.append(np.frombuffer(content, "<f4", count, at).copy())
    except (IndexError, ValueError) as error:
        raise Damaged(
            path, f"not dlib's face network ({error}); install its package anew"
        ) from None
    if len(layers) != 59:
        raise Damaged(path, f"{len(layers)} layers, expected 59; install it anew")
    return layers


def _integer(content: bytes, at: int) -> tuple[int, int]:
    """An integer of dlib's and where it ends: the count of its bytes, then these, the lowest first;
    the top bit of the count says that it is negative."""
    control = content[at]
    end = at + 1 + (control & 15)
    value = int.from_bytes(content[at + 1 : end], "little")
    return (-value if control & 128 else value), end
