"""Notebook 10: the terms of the non-inertial loss in the plane of emotions, and on tracks.

Nothing is trained: geometry with a known answer, and the annotation of the videos.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from emolib import data as datasets
from emolib import losses
from emolib.reproduction import runs
from emolib.reproduction.runs import part

FORMS = {
    "table": {},
    "half": {"reading": "half"},
    "Eq. 3 to 6": {"reading": "eq3"},
    "appendix, bars outside": {"reading": "appendix"},
    "appendix, bars inside": {"reading": "appendix", "absolute": "element"},
}


def form(name: str, x: Tensor, y: Tensor, **options) -> Tensor:
    """The non-inertial loss in the form called `name`."""
    return losses.non_inertial(x, y, **FORMS[name], **options)


@dataclass(frozen=True)
class Sizes:
    """What a profile costs in notebook 10."""

    step: float = 1.0  # of the annotated point; 1: 0.36, far above that of a real frame (0.01)
    starts: int = 21  # of the descents, from edge to edge of the disc
    steps: int = 250  # of each descent
    videos: int = 60  # whose annotation is read, the first of the set
    length: int = 128  # frames in a window
    windows: int = 64  # in the batch whose cost is counted (the paper's 64 x 256)
    timed: int = 4  # windows in the batch that is timed
    repeats: int = 9  # of each timing; the median is shown


class Study(runs.Study):
    """The forms of the non-inertial loss (orgil2021, 2.1.3 and appendix)."""

    SIZES = {
        "smoke": Sizes(starts=7, steps=200, windows=4, timed=1, repeats=3),
        "quick": Sizes(),
        "full": Sizes(videos=298, timed=64),
    }

    @part
    def world(self):
        """The annotated videos, real where they are at hand; only their annotation is read here."""
        made = datasets.load("aff_wild", profile=self.profile)
        return made.select(np.arange(min(len(made), self.sizes.videos)))

    @part
    def annotated(self) -> tuple[Tensor, np.ndarray]:
        """Whole windows of annotation, float64 (W, T, 2), and the person or video of each (W,)."""
        made, length, windows, owner = self.world, self.sizes.length, [], []
        for i, track in enumerate(made.valence_arousal):
            gone = made.missing[i] if made.missing is not None else np.zeros(len(track), bool)
            for start in range(0, len(track) - length + 1, length):
                if not gone[start : start + length].any():
                    windows.append(track[start : start + length])
                    owner.append(made.subject[i])
        return torch.as_tensor(np.stack(windows), dtype=torch.float64), np.array(owner)

    @property
    def moment(self) -> Tensor:
        """Three annotated frames (3, 2), valence and arousal."""
        points = [[-0.2, -0.4], [0.0, -0.1], [0.2, 0.2]]
        return self.sizes.step * torch.tensor(points, dtype=torch.float64)

    @property
    def mirror(self) -> Tensor:
        """A third frame that moves as fast as annotated, the opposite way (2,)."""
        return 2 * self.moment[1] - self.moment[2]

    def predicted(self, last: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions, right but in their `last` frame (N, 2), and annotation: (N, 3, 2) each."""
        target = self.moment.expand(len(last), -1, -1)
        return torch.cat([target[:, :-1], last[:, None]], dim=1), target
