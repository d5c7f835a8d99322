"""Parameters and multiply-adds of the networks of chang2021, by arithmetic: no framework, no weights.

Multiply-adds are counted as the tool behind the printed totals does: weights times output positions for
a convolution, weights once for a linear or recurrent layer, channels once for a BatchNorm.
"""

from __future__ import annotations

from typing import NamedTuple

STAGES = (
    (64, 1),
    (128, 2),
    (256, 2),
    (512, 2),
)  # channels and first stride of ResNet-18's four stages


class Count(NamedTuple):
    """Parameters and multiply-adds; counts add."""

    parameters: int
    mult_adds: int

    def __add__(self, other: Count) -> Count:
        return Count(self.parameters + other.parameters, self.mult_adds + other.mult_adds)


def convolution(
    inputs: int,
    outputs: int,
    kernel: tuple[int, ...],
    size: tuple[int, ...],
    stride: tuple[int, ...],
):
    """A padded convolution without bias and its BatchNorm: (Count, size of its output)."""
    out = tuple((n + 2 * (k // 2) - k) // s + 1 for n, k, s in zip(size, kernel, stride))
    weights = inputs * outputs * _product(kernel)
    return Count(weights + 2 * outputs, weights * _product(out) + outputs), out


def resnet18(channels: int, size: tuple[int, ...]) -> Count:
    """ResNet-18 without its last layer on pictures (H, W) or clips (T, H, W); 7-wide stem, max-pool, four stages."""
    flat = len(size) == 2
    total, size = convolution(channels, 64, (7,) * len(size), size, (2, 2) if flat else (1, 2, 2))
    size = tuple((n + 2 - 3) // 2 + 1 for n in size)  # max-pool 3, stride 2
    width = 64
    for outputs, first_stride in STAGES:
        for stride in (first_stride, 1):
            three, one, steps = (3,) * len(size), (1,) * len(size), (stride,) * len(size)
            first, halved = convolution(width, outputs, three, size, steps)
            second, _ = convolution(outputs, outputs, three, halved, one)
            total = total + first + second
            if stride != 1 or width != outputs:
                total = total + convolution(width, outputs, one, size, steps)[0]
            size, width = halved, outputs
    return total


def linear(inputs: int, outputs: int) -> Count:
    """A layer with bias; its bias costs no multiplication."""
    return Count(inputs * outputs + outputs, inputs * outputs)


def lstm(inputs: int, hidden: int, steps: int = 1) -> Count:
    """One layer: four gates on input and state, two biases."""
    weights = 4 * hidden * (inputs + hidden)
    return Count(weights + 8 * hidden, weights * steps)


def head(classes: int = 8) -> Count:
    """1024 -> 256, ReLU, -> classes."""
    return linear(1024, 256) + linear(256, classes)


AUDIO_SEGMENT = (257, 250)  # bins of a 512-point spectrum, frames of 1.0 s at hop 64


def frame_wise(frames: int = 1) -> dict[str, Count]:
    """2-D ResNet-18 for image and sound, an LSTM on each, the head; `frames` pictures and one segment."""
    picture = resnet18(3, (224, 224))
    return {
        "image": Count(picture.parameters, picture.mult_adds * frames),
        "sound": resnet18(1, AUDIO_SEGMENT),
        "two LSTM": lstm(512, 512, frames) + lstm(512, 512),
        "head": head(),
    }


def clip_wise(frames: int = 25) -> dict[str, Count]:
    """3-D ResNet-18 for the clip, 2-D for sound, the head."""
    return {
        "image": resnet18(3, (frames, 224, 224)),
        "sound": resnet18(1, AUDIO_SEGMENT),
        "head": head(),
    }


def total(parts: dict[str, Count]) -> Count:
    """All parts of a system together."""
    return sum(parts.values(), start=Count(0, 0))


def vgg16(classes: int) -> int:
    """Parameters of VGG-16: thirteen convolutions 3 x 3, then 7 x 7 x 512 -> 4096 -> 4096 -> classes."""
    total, inputs = 0, 3
    for outputs in (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512):
        total, inputs = total + inputs * outputs * 9 + outputs, outputs
    for a, b in ((7 * 7 * 512, 4096), (4096, 4096), (4096, classes)):
        total += a * b + b
    return total


def _product(numbers) -> int:
    total = 1
    for n in numbers:
        total *= n
    return total
