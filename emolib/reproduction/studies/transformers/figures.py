"""Figures 4.11 and 4.12 of orgil2022 (notebook 12)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib.reproduction.report.plots import wheel
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies.transformers.plan import SHORT, Study
from emolib.reproduction.studies.transformers.training import UNITS

STATES = wheel.STATES  # the words of the wheel, for drawing
SCALES = ("each in its own unit, as in print", "both as squared error, both axes")


@held
def by_epoch(study: Study) -> Outcome:
    """Figure 4.11: one transformer with either loss, both curves in their own unit and in one."""
    frames = []
    for loss, unit in (("Ours", "Non-Inertial"), ("MSE", "MSE")):
        (result,) = study.results("Mesh Transformer", loss, SHORT)
        for part, curve in zip(("training", "validation"), result["curves"].swapaxes(0, 1)):
            squared = 2 * curve[:, UNITS.index("MSE")]  # the printed MSE adds the axes
            own = squared if unit == "MSE" else curve[:, UNITS.index(unit)]
            for scale, line in zip(SCALES, (own, squared)):
                about = {"scale": scale, "trained with": loss, "windows": part}
                about |= {"series": f"{loss}, {part}", "epoch": range(1, len(line) + 1)}
                measured = {"metric": "loss", "measured": [round(float(v), 6) for v in line]}
                frames.append(pd.DataFrame(about | measured))
    return study.outcome(pd.concat(frames))


@held
def one_video(study: Study, model: str = "Mesh Transformer", loss: str = "Ours") -> Outcome:
    """Figure 4.12: the longest test video of seed 0, annotation and prediction frame by frame.

    `shown` marks the frame with the median distance of the two: neither the best nor the worst.
    """
    result = study.results(model, loss)[0]
    videos, counts = np.unique(result["video"], return_counts=True)
    video = videos[counts.argmax()]
    rows = result["video"] == video
    target, pred = (result[name][rows].reshape(-1, 2).astype(float) for name in ("target", "pred"))
    apart = np.linalg.norm(target - pred, axis=1)  # (T,)
    at = np.argsort(apart)[len(apart) // 2]
    second = np.arange(len(apart)) * study.recipe.thin / study.world.fps
    frames = []
    for name, points in (("annotation", target), ("prediction", pred)):
        state, distance = wheel.named(points)
        columns = {
            "point": name,
            "second": second.round(3),
            "valence": points[:, 0].round(4),
            "arousal": points[:, 1].round(4),
            "state": state,
            "metric": "distance to the state",
            "measured": distance.round(4),
            "apart": apart.round(4),
            "shown": np.arange(len(apart)) == at,
            "video": str(study.names[video]),
        }
        frames.append(pd.DataFrame(columns))
    return study.outcome(pd.concat(frames))
