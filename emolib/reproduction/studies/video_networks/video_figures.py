"""What the figures of the video networks draw (notebook 11): each function returns the long table behind one or more of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.audit import shown
from emolib.reproduction.studies.video_networks.video import (
    NESTED,
    averaged,
    outcome,
    pooled,
    summary,
    table_4,
    videos,
)
from emolib.reproduction.studies.video_networks.video_compare import wins
from emolib.reproduction.studies.video_networks.video_losses import MAIN
from emolib.reproduction.studies.video_networks.video_plan import (
    FULL,
    LENGTHS,
    TABLE_4,
    results,
    world,
)

SHARES = {7: (0.1,), 8: (0.1,), 9: (0.3,), 10: (0.3,), 11: (0.1, 0.3)}


@runs.once
def mean_ccc(profile: str, figure: int, protocol: str = NESTED) -> Outcome:
    """Figures 7 to 11: mean CCC by network (7, 10, 11) or length (8, 9) and training loss, printed and ours with its interval over people.

    Figure 11 is the mean of 7 and 10. `parameters` are those of the printed widths.
    """
    frame = shown.mean_ccc(figure).frame.drop(columns="measured")
    said = {}
    for (x, loss), part in _settings(profile, figure, protocol):
        mean, drawn = zip(
            *(_drawn(part[part.share == share], profile) for share in SHARES[figure]), strict=True
        )
        low, high = metrics.interval(np.mean(drawn, 0), shared(profile).level)
        said[x, loss] = {"measured": float(np.mean(mean)), "low": float(low), "high": float(high)}
    ours = pd.DataFrame([said[x, loss] for x, loss in zip(frame.x, frame.train_loss, strict=True)])
    return outcome(pd.concat([frame, ours], axis=1).assign(protocol=protocol), profile)


def _settings(profile: str, figure: int, protocol: str):
    """((x, loss), rows) of each point of a figure."""
    every = []
    for share in SHARES[figure]:
        for length in LENGTHS[share]:
            part = videos(profile, "grid", share, length)
            part = part[(part.protocol == protocol) & part.train_loss.isin(MAIN)]
            every.append(
                part.assign(share=share, x=str(length) if figure in (8, 9) else part.network)
            )
    return pd.concat(every).groupby(["x", "train_loss"], sort=False)


def _drawn(part: pd.DataFrame, profile: str) -> tuple[float, np.ndarray]:
    """Mean CCC of the videos, and in resampled worlds (draws,); every setting of a video is averaged first."""
    one = averaged(part)
    mean, drawn = metrics.bootstrap_draws(one.CCC, one.person, draws=shared(profile).draws)
    return float(mean), drawn


@runs.once
def five_trainings(profile: str = "quick") -> Outcome:
    """Figure 12: CCC of each training of the Full network at length 256, by training loss, printed and ours (nested)."""
    frame = shown.five_trainings().frame.drop(columns="measured")
    ours = table_4(profile).frame
    ours = ours[(ours.network == FULL) & (ours.metric == "CCC") & (ours.protocol == NESTED)].rename(
        columns={"fold": "training"}
    )
    merged = frame.merge(
        ours[["train_loss", "training", "measured", "low", "high"]],
        on=["train_loss", "training"],
        how="left",
    )
    return outcome(merged.assign(protocol=NESTED), profile)


@runs.once
def learning(profile: str, loss: str) -> Outcome:
    """Figures 13 (Non-Inertial) and 16 (CCC): CCC of the Full network by epoch on validation and reported videos, mean and range of the trainings."""
    done = list(results(profile, "grid", *TABLE_4).values())
    at = done[0]["members"].index([FULL, loss])
    rows = []
    for name, row in (("validation videos", 1), ("reported videos", 3)):
        for epoch in range(max(r["trained"][at] for r in done)):
            here = np.array([r["curves"][row][epoch, at] for r in done if r["trained"][at] > epoch])
            low, high = (
                (float(here.min()), float(here.max())) if len(here) > 1 else (np.nan, np.nan)
            )
            rows.append(
                {
                    "train_loss": loss,
                    "panel": f"trained with {loss}",
                    "series": name,
                    "epoch": epoch + 1,
                    "metric": "CCC",
                    "measured": float(here.mean()),
                    "low": low,
                    "high": high,
                    "trainings": len(here),
                }
            )
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def example(profile: str, loss: str, axis: str) -> Outcome:
    """Figures 14, 15, 17, 18: annotation and prediction of one test video (158.avi in print; the longest of the first training's), Full network."""
    result = results(profile, "grid", *TABLE_4)[0]
    at, column = result["members"].index([FULL, loss]), ("valence", "arousal").index(axis)
    truth, said = result["truth"][:, column], result["track"][at][:, column]
    title = f"{axis}, CCC {metrics.ccc(said, truth):.2f}"
    name = str(world(profile).meta["video"].iloc[result["example"]])
    rows = [
        pd.DataFrame(
            {
                "video": name,
                "panel": title,
                "series": series,
                "second": np.arange(len(truth)) / world(profile).fps,
                "measured": value.astype(float),
            }
        )
        for series, value in (("annotation", truth), (f"trained with {loss}", said))
    ]
    return outcome(pd.concat(rows), profile)


@runs.once
def leads(profile: str, protocol: str = NESTED) -> Outcome:
    """Extra 30: the lead of the best loss over the second in each setting, with its interval, by winner."""
    frame = wins(profile).frame
    frame = frame[frame.protocol == protocol]
    label = [
        f"{r.network.split()[0]}, {r.sequence_length} ({r.held_out})" for r in frame.itertuples()
    ]
    return outcome(frame.assign(setting=label), profile)


@runs.once
def pooled_or_single(profile: str = "quick") -> Outcome:
    """Extra 31: CCC of single videos, averaged, against CCC of all frames as one series, one mark a setting: the choice the print does not name."""
    rows = []
    for share, lengths in LENGTHS.items():
        for length in lengths:
            frame = videos(profile, "grid", share, length)
            frame = frame[(frame.protocol == NESTED) & frame.train_loss.isin(MAIN)]
            for (network, loss), part in frame.groupby(["network", "train_loss"], sort=False):
                rows.append(
                    {
                        "network": network,
                        "train_loss": loss,
                        "held_out": f"{share:.0%}",
                        "length": length,
                        "metric": "CCC, frames pooled",
                        "mean of videos": summary(part, profile, ("CCC",))["CCC"][0],
                        "measured": pooled(part, profile)["CCC"][0],
                    }
                )
    return outcome(pd.DataFrame(rows).assign(protocol=NESTED), profile)
