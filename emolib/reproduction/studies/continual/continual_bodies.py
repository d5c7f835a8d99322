"""The frozen part of notebook 14: which images a body sees, how it is trained, and its features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from emolib import training
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models.letters import Letters

BODIES = ("all letters", "another set", "first task", "untrained")  # heaviest first
BATCH, RATE = 50, 1e-3


def first_of_each(table, split: str, count: int) -> np.ndarray:
    """Row numbers (classes, n): the first `count` samples of every class in a split, as many as the rarest class has."""
    rows = [
        np.flatnonzero((table.label == c) & (table.split == split))
        for c in range(len(table.classes))
    ]
    least = min(map(len, rows))
    if least == 0:
        raise EmolibError(
            f"{table.name}: class '{table.classes[min(range(len(rows)), key=lambda c: len(rows[c]))]}' has no sample in "
            f"split '{split}'; expected at least one of each class"
        )
    return np.array([r[: min(count, least)] for r in rows])


def small_grey(images: np.ndarray) -> Tensor:
    """uint8 (N, H, W[, 3]) of 28 pixels or a little more -> float (N, 1, 28, 28) in [0, 1]: mean of the channels, the middle cut out."""
    grey = images if images.ndim == 3 else images.mean(-1)
    top, left = ((s - 28) // 2 for s in grey.shape[1:3])
    return torch.as_tensor(
        grey[:, None, top : top + 28, left : left + 28] / np.float32(255), dtype=torch.float32
    )


def train_body(
    images: Tensor, label: Tensor, outputs: int, epochs: int, seed: int
) -> tuple[Letters, list[float]]:
    """The EMNIST network on images (N, 1, 28, 28), and its validation loss by epoch; every tenth image is for validation only."""
    device = settings.device()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Letters(outputs).to(device, memory_format=torch.channels_last)
        images, label = images.to(device, memory_format=torch.channels_last), label.to(device)
        held = torch.arange(len(label), device=device) % 10 == 9
        known = torch.nonzero(~held).flatten().cpu().numpy()
        batch = min(BATCH if len(known) < 20_000 else 4 * BATCH, len(known))

        def batches(epoch):
            order = np.random.default_rng([seed, epoch]).permutation(known)
            for rows in order[: len(order) // batch * batch].reshape(-1, batch):
                yield images[rows], label[rows]

        def cross_entropy(net, x, y):
            return nn.functional.cross_entropy(net(x), y)

        if epochs == 0:
            return net.eval(), []
        history = training.fit(
            net,
            batches,
            cross_entropy,
            training.Settings(epochs, RATE),
            progress=False,
            validate=lambda net, _: -loss_of(net, images[held], label[held]),
        )
    return net.eval(), [-score for _, score in history.validated]


def in_parts(net: Callable[[Tensor], Tensor], images: Tensor, size: int = 500) -> Tensor:
    """net(images) in pieces, without gradients, on the network's device; (N, ...)."""
    with torch.no_grad():
        return torch.cat(
            [
                net(part.to(settings.device(), memory_format=torch.channels_last))
                for part in images.split(size)
            ]
        )


def loss_of(net, images: Tensor, label: Tensor) -> float:
    return (
        float(nn.functional.cross_entropy(in_parts(net, images), label))
        if len(label)
        else float("nan")
    )
