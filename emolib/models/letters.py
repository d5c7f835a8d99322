"""The EMNIST network behind Table 4.4 of orgil2022: two convolutions, two linear maps, a head.

The thesis speaks of a ResNet18; its printed totals fit this network and no ResNet (finding F8). It
is that of a public Fashion-MNIST lesson: no non-linearity stands between the linear maps.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

FEATURES = 120  # what enters the head
BODY = 1_474_128  # parameters without the head


class Letters(nn.Module):
    """Grey images in [0, 1], (B, 1, 28, 28) -> raw scores (B, outputs); outputs 0 is the body
    alone, -> (B, 120)."""

    def __init__(self, outputs: int = 0):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.conv2, self.norm2 = nn.Conv2d(32, 64, 3), nn.BatchNorm2d(64)
        self.linear1, self.linear2 = nn.Linear(64 * 6 * 6, 600), nn.Linear(600, FEATURES)
        # The lesson writes Dropout2d. On (B, 600) torch draws the masks of Dropout for it, and
        # since 1.12 warns: the same numbers without the warning.
        self.drop = nn.Dropout(0.25)
        self.head = nn.Linear(FEATURES, outputs) if outputs else nn.Identity()

    def features(self, x: Tensor) -> Tensor:
        """What the head sees: (B, 1, 28, 28) -> (B, 120)."""
        x = torch.max_pool2d(torch.relu(self.norm1(self.conv1(x))), 2)  # (B, 32, 14, 14)
        x = torch.max_pool2d(torch.relu(self.norm2(self.conv2(x))), 2)  # (B, 64, 6, 6)
        return self.linear2(self.drop(self.linear1(x.flatten(1))))  # (B, 120)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))  # (B, outputs)


def counts(outputs: int, trained: int | None = None) -> tuple[int, int]:
    """(trainable, total) parameters with a head of `outputs` rows, of which `trained` learn over a
    frozen body; None trains everything. Five rows over a frozen body are the printed 605."""
    row = FEATURES + 1
    total = BODY + outputs * row
    return (total if trained is None else trained * row), total
