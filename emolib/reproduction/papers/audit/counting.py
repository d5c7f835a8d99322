"""Parameters and multiply-adds of the networks of chang2021, by arithmetic alone.

Multiply-adds are counted as the tool behind the printed totals does: weights times output positions
for a convolution, weights once for a linear or recurrent layer, channels once for a BatchNorm.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels and first stride, ResNet-18
AUDIO_SEGMENT = (257, 250)  # bins of a 512-point spectrum, frames of 1.0 s at hop 64


class Count(NamedTuple):
    """Parameters and multiply-adds; counts add."""

    parameters: int
    mult_adds: int

    def __add__(self, other: Count) -> Count:
        return Count(self.parameters + other.parameters, self.mult_adds + other.mult_adds)


def convolution(inputs: int, outputs: int, kernel: tuple, size: tuple, stride: tuple):
    """A padded convolution without bias and its BatchNorm: (Count, size of its output)."""
    out = tuple((n + 2 * (k // 2) - k) // s + 1 for n, k, s in zip(size, kernel, stride))
    weights = inputs * outputs * prod(kernel)
    return Count(weights + 2 * outputs, weights * prod(out) + outputs), out


def resnet18(channels: int, size: tuple[int, ...]) -> Count:
    """ResNet-18 without its last layer on pictures (H, W) or clips (T, H, W)."""
    axes = len(size)
    stride = (2, 2) if axes == 2 else (1, 2, 2)
    count, size = convolution(channels, 64, (7,) * axes, size, stride)
    size = tuple((n + 2 - 3) // 2 + 1 for n in size)  # max-pool 3, stride 2
    width, three = 64, (3,) * axes
    for outputs, first_stride in STAGES:
        for step in (first_stride, 1):
            first, halved = convolution(width, outputs, three, size, (step,) * axes)
            second, _ = convolution(outputs, outputs, three, halved, (1,) * axes)
            count = count + first + second
            if step != 1 or width != outputs:
                count += convolution(width, outputs, (1,) * axes, size, (step,) * axes)[0]
            size, width = halved, outputs
    return count


def linear(inputs: int, outputs: int) -> Count:
    """A layer with bias; its bias costs no multiplication."""
    return Count(inputs * outputs + outputs, inputs * outputs)


def lstm(inputs: int, hidden: int, steps: int = 1) -> Count:
    """One layer: four gates on input and state, two biases."""
    weights = 4 * hidden * (inputs + hidden)
    return Count(weights + 8 * hidden, weights * steps)


def head() -> Count:
    """1024 -> 256, ReLU, -> 8 classes."""
    return linear(1024, 256) + linear(256, 8)


def frame_wise(frames: int = 1) -> dict[str, Count]:
    """2-D ResNet-18 and LSTM on `frames` pictures and on one segment of sound, the head."""
    picture = resnet18(3, (224, 224))
    return {
        "image": Count(picture.parameters, picture.mult_adds * frames),
        "sound": resnet18(1, AUDIO_SEGMENT),
        "two LSTM": lstm(512, 512, frames) + lstm(512, 512),
        "head": head(),
    }


def clip_wise(frames: int = 25) -> dict[str, Count]:
    """3-D ResNet-18 for the clip, 2-D for sound, the head."""
    image, sound = resnet18(3, (frames, 224, 224)), resnet18(1, AUDIO_SEGMENT)
    return {"image": image, "sound": sound, "head": head()}


def total(parts: dict[str, Count]) -> Count:
    """All parts of a system together."""
    return sum(parts.values(), start=Count(0, 0))


def vgg16(classes: int) -> int:
    """Parameters of VGG-16: thirteen convolutions 3 x 3, 7 x 7 x 512 -> 4096 -> 4096 -> classes."""
    widths = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    dense = (7 * 7 * 512, 4096, 4096, classes)
    convolutions = sum(a * b * 9 + b for a, b in zip(widths, widths[1:]))
    return convolutions + sum(a * b + b for a, b in zip(dense, dense[1:]))
