"""Figures 4.11 and 4.12 of orgil2022, learning curves, and the score of Table 4.3 as bars (notebook 12)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib.reproduction import papers, runs
from emolib.reproduction.report.plots import wheel
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.studies.transformers.transformer_networks import LOSSES, UNITS
from emolib.reproduction.studies.transformers.transformers import NESTED, outcome, table_4_3
from emolib.reproduction.studies.transformers.transformers_plan import (
    MODELS,
    recipe,
    results,
    world,
)

STATES = wheel.STATES  # the words of the wheel, for drawing
PARTS = ("training", "validation")
SCALES = ("each in its own unit, as in print", "both as squared error, both axes")


@runs.once
def by_epoch(profile: str = "quick") -> Outcome:
    """Figure 4.11: one transformer trained with either loss on short windows; both curves in their own unit and in one."""
    rows = []
    for loss, own in (("Ours", "Non-Inertial"), ("MSE", "MSE")):
        (result,) = results(profile, "Mesh Transformer", loss, "Fig. 4.11")
        curves = result["curves"]  # (E, 2, 3)
        for p, part in enumerate(PARTS):
            squared = 2 * curves[:, p, UNITS.index("MSE")]  # the printed MSE adds the axes
            values = squared if own == "MSE" else curves[:, p, UNITS.index(own)]
            for scale, line in zip(SCALES, (values, squared), strict=True):
                rows += [
                    {
                        "scale": scale,
                        "trained with": loss,
                        "windows": part,
                        "series": f"{loss}, {part}",
                        "epoch": e + 1,
                        "metric": "loss",
                        "measured": round(float(v), 6),
                    }
                    for e, v in enumerate(line)
                ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def validation_curves(profile: str = "quick") -> Outcome:
    """CCC on validation people of the weights kept so far (the best epoch yet), mean of valence and arousal and of the seeds.

    Of the best yet, because seeds stop at different epochs: a mean of those still training would jump when one stops.
    """
    rows = []
    for model in MODELS:
        for loss in LOSSES:
            best = [np.maximum.accumulate(r["score"]) for r in results(profile, model, loss)]
            rows += [
                {
                    "model": model,
                    "loss": loss,
                    "epoch": e + 1,
                    "metric": "best validation CCC so far",
                    "measured": round(float(np.mean([b[min(e, len(b) - 1)] for b in best])), 5),
                }
                for e in range(max(map(len, best)))
            ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def score_bars(profile: str = "quick") -> Outcome:
    """The score of Table 4.3, our reading: valence + arousal, nested."""
    frame = table_4_3(profile).frame
    frame = frame[(frame.metric == "Accuracy @2CCC") & (frame.protocol == NESTED)]
    return outcome(frame.drop(columns="in_print"), profile)


def printed_scores() -> pd.DataFrame:
    """What the thesis prints in that column: model, loss, value."""
    table = papers.published("orgil2022-t4_3")
    return table[table.metric == "Accuracy @2CCC"]


@runs.once
def one_video(
    profile: str = "quick", model: str = "Mesh Transformer", loss: str = "Ours"
) -> Outcome:
    """Figure 4.12: the longest test video of seed 0, annotation and prediction frame by frame, each with the nearest state of the wheel.

    `shown` marks the frame with the median distance between the two: neither the best nor the worst that could be picked.
    """
    result = results(profile, model, loss)[0]
    videos, counts = np.unique(result["video"], return_counts=True)
    video = videos[counts.argmax()]
    rows = result["video"] == video
    target, pred = (
        result[name][rows].reshape(-1, 2).astype(float) for name in ("target", "pred")
    )  # (T, 2)
    apart = np.linalg.norm(target - pred, axis=1)
    at = int(np.argsort(apart)[len(apart) // 2])
    second = np.arange(len(apart)) * recipe(profile).thin / world(profile).fps
    parts = []
    for name, points in (("annotation", target), ("prediction", pred)):
        state, distance = wheel.named(points)
        parts.append(
            pd.DataFrame(
                {
                    "point": name,
                    "second": second.round(3),
                    "valence": points[:, 0].round(4),
                    "arousal": points[:, 1].round(4),
                    "state": state,
                    "metric": "distance to the state",
                    "measured": distance.round(4),
                    "apart": apart.round(4),
                    "shown": np.arange(len(apart)) == at,
                }
            )
        )
    label = world(profile).meta.video.iloc[video] if "video" in world(profile).meta else video
    return outcome(pd.concat(parts, ignore_index=True).assign(video=str(label)), profile)
