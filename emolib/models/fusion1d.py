"""The 1-D CNN and its two-branch fusion of wang, Fig. 5: one box of the figure, one class here.

Each branch reads five principal components as a sequence of length 5: five times Conv1d (width 3,
padding 1), ReLU and max pooling (width 2, stride 1). One branch -> 14 -> 7 is the single model; two
branches, concatenated -> 14 -> 7, the fusion.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from emolib.ground.errors import EmolibError
from emolib.models.members import Conv1d, Linear, initialise

# ours: the paper prints the number of layers and the width of the kernel only
CHANNELS = (16, 32, 64, 64, 64)


class MaxPool(nn.Module):
    """Width 2, stride 1, over channels-last sequences (M, B, L, C).

    'valid' shortens the sequence by one; five of them on five steps would leave nothing, so one
    step is handed on as it is. 'same' repeats the last step and keeps the length.
    """

    def __init__(self, padding: str):
        super().__init__()
        if padding not in ("valid", "same"):
            raise EmolibError(f"pooling '{padding}' is not known: expected 'valid' or 'same'")
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        if self.padding == "same":
            x = torch.cat([x, x[:, :, -1:]], dim=2)  # (M, B, L + 1, C)
        return x if x.shape[2] == 1 else torch.maximum(x[:, :, 1:], x[:, :, :-1])


class Branch(nn.Module):
    """Feature extraction of one modality: (M, B, 5) -> (M, B, steps left * last channel)."""

    def __init__(self, members: int, channels=CHANNELS, pool: str = "valid", length: int = 5):
        super().__init__()
        steps = zip((1, *channels), channels)
        self.conv = nn.ModuleList(Conv1d(members, a, b) for a, b in steps)
        self.pool = MaxPool(pool)
        left = length if pool == "same" else max(1, length - len(channels))
        self.features = left * channels[-1]

    def forward(self, x: Tensor) -> Tensor:
        x = x.unsqueeze(-1)  # (M, B, 5, 1)
        for conv in self.conv:
            x = self.pool(torch.relu(conv(x)))  # (M, B, L, C)
        return x.flatten(2)  # (M, B, L * C)


class Fusion1d(nn.Module):
    """One or two branches -> 14 -> 7: (M, B, 5 * branches) -> raw scores (M, B, classes)."""

    def __init__(
        self,
        seeds: list[int],
        *,
        branches: int = 1,
        channels=CHANNELS,
        pool: str = "valid",
        inputs: int = 5,
        classes: int = 7,
    ):
        super().__init__()
        members = len(seeds)
        self.inputs = inputs
        self.branch = nn.ModuleList(
            Branch(members, tuple(channels), pool, inputs) for _ in range(branches)
        )
        self.reduce = Linear(members, sum(b.features for b in self.branch), 2 * classes)
        self.out = Linear(members, 2 * classes, classes)
        initialise(self, list(seeds))

    def forward(self, x: Tensor) -> Tensor:
        parts = x.split(self.inputs, dim=-1)  # branches x (M, B, 5)
        features = [branch(part) for branch, part in zip(self.branch, parts, strict=True)]
        return self.out(torch.relu(self.reduce(torch.cat(features, dim=-1))))  # (M, B, classes)
