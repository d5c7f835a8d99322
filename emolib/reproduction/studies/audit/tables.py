"""What notebook 01 shows: printed cells, and what follows from them by arithmetic alone.

Nothing is measured on data, so every outcome carries the badge `print`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib.reproduction import papers, runs
from emolib.reproduction.papers.audit import best_loss, counting, ferplus, noninertial, stability
from emolib.reproduction.papers.audit.record import fresh
from emolib.reproduction.papers.audit.video_protocol import full_network_macs
from emolib.reproduction.runs import Outcome
from emolib.reproduction.runs.profiles import PROFILES

# Where each cited picture comes from, as its paper says.
CITED = {
    "orgil2022-f1_1": "an anatomy atlas; the thesis names no source",
    "orgil2022-f1_3": "Cao et al. 2018, OpenPose (arXiv 1812.08008)",
    "orgil2022-f1_4": "Cao et al. 2018, OpenPose, and its documentation",
    "orgil2022-f1_6": "Kartynnik et al. 2019 (arXiv 1907.06724)",
    "orgil2022-f1_11": "Wu et al. 2012, Eulerian Video Magnification",
    "orgil2022-f1_14": "Kollias et al. 2018, Deep Affect Prediction in-the-wild",
    "wang-f1": "Dhall et al. 2011, SFEW",
    "yin2022-f2": "Scherer 2005, Social Science Information 44(4)",
    "chang2021-f2_1": "Alan Woodruff, Queensland Brain Institute",
    "chang2021-f2_2": "course notes CS231n, neural networks, part 1",
    "chang2021-f2_7": "geeksforgeeks, on under- and over-fitting",
    "chang2021-f3_6": "OpenStax, Anatomy and Physiology",
    "chang2021-f3_7": "Lucey et al. 2010, the CK+ data set",
}


@dataclass(frozen=True)
class Sizes:
    """The same at every profile: what the forms of the loss are fed, and the batch counted."""

    frames: int = 512  # of the track that flickers
    flicker: float = 0.2  # by which every other frame is off
    batch: int | None = None  # sequences in a batch; None: as printed (64)


class Study(runs.Study):
    """The printed numbers of the five works."""

    SIZES = {name: Sizes() for name in PROFILES}


def as_printed(study: Study, id: str) -> Outcome:
    """The cells of one table as they are printed, with nothing of ours beside them."""
    table = papers.published(id)
    columns = [*papers.keys(table), "metric", "unit"]
    return study.outcome(table[columns].assign(measured=np.nan))


def cited() -> pd.DataFrame:
    """Pictures that belong to somebody else: what they show and where to find them."""
    table = papers.artefacts()
    table = table[table.status == "cited"]
    return table[["id", "title"]].assign(see=table.id.map(CITED))


def claims_of(*ids: str) -> pd.DataFrame:
    """The claims named, with verdict and arithmetic: what stands at the end of a passage."""
    table = papers.claims().set_index("id", drop=False).loc[list(ids)]
    return table[["id", "place", "statement", "verdict", "arithmetic"]].reset_index(drop=True)


# ---------------------------------------------------------------- the non-inertial loss


def ni_against_mse(study: Study) -> Outcome:
    """155 rows of three tables: the non-inertial loss, the MSE beside it, what is left of MSE/2."""
    rows = []
    for id in noninertial.TABLES:
        for run in noninertial.runs(fresh(id)):
            about = {"table": id, "network": run.network, "train_loss": run.loss}
            about |= {"setting": run.setting, "mse": run.mse, "metric": "non-inertial loss"}
            rows.append(about | {"measured": run.ni, "rest": round(run.rest, 4)})
    return study.outcome(pd.DataFrame(rows))


def track_losses(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
    """Of a prediction and a label (T, 2), T at least 3, by form of the loss: the loss, and the MSE
    column as that reading reports it."""

    def length(v):
        return np.linalg.norm(v, axis=-1)

    def cross(a, b):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]

    d, dx, dy = x - y, np.diff(x, axis=0), np.diff(y, axis=0)
    mean, summed = float((d**2).mean()), float((d**2).sum(1).mean())
    speed, turn = np.abs(length(dx) - length(dy)).mean(), np.abs(cross(dx, dy)).mean()
    bend = np.diff(dx, axis=0) - np.diff(dy, axis=0)
    inner = np.abs(dx - dy).mean() + turn + np.abs(bend).mean()
    outer = abs((dx - dy).mean()) + abs(cross(dx, dy).mean()) + abs(bend.mean())
    return {
        "table": (mean + speed + turn, summed),
        "half": ((mean + speed) / 2, mean),
        "eq3": ((length(d).mean() + speed + np.abs(cross(x, y)).mean()) / 3, summed),
        "eq3, squared": ((summed + speed + np.abs(cross(x, y)).mean()) / 3, summed),
        "appendix, outer": ((summed + outer) / 4, mean),
        "appendix, element": ((summed + inner) / 4, mean),
    }


def forms_of_the_loss(study: Study) -> Outcome:
    """Six forms against the tables: half of the MSE, exponent 1, a cost for flicker."""
    still = np.tile((0.3, 0.2), (study.sizes.frames, 1))
    near, far = track_losses(still + 0.1, still), track_losses(still + 0.4, still)
    flicker = still.copy()
    flicker[::2] += study.sizes.flicker
    jittery, rows = track_losses(flicker, still), []
    for form, (loss, mse) in near.items():
        half, exponent = loss / mse, np.log(far[form][0] / loss) / np.log(far[form][1] / mse)
        extra = jittery[form][0] - half * jittery[form][1]
        fits = abs(half - 0.5) < 0.01 and abs(exponent - 1) < 0.05 and extra >= 0.0185
        about = {"form": form, "admitted": "yes" if fits else "no"}
        for metric, value in (
            ("loss of a constant error over its MSE", half),
            ("exponent of MSE", exponent),
            (f"cost of flicker beyond that, {study.sizes.frames} frames", extra),
        ):
            rows.append(about | {"metric": metric, "measured": float(value)})
    return study.outcome(pd.DataFrame(rows))


# ---------------------------------------------------------------- the printed series of notebook 11


def parameters(network: str) -> int:
    """Trained parameters of one of the four networks: linear and BatchNorm of each block, LSTM,
    head (3.1)."""

    def block(inputs, outputs):
        return inputs * outputs + outputs + 2 * outputs

    tail = counting.lstm(256, 256).parameters + counting.linear(256, 2).parameters
    body = {
        best_loss.FULL: block(2188, 1024) + block(1060, 512) + block(640, 256),
        best_loss.NO_MEL: block(2188, 1024) + block(1060, 256),
        best_loss.AUDIO: block(128, 256),
        best_loss.POSE: block(36, 256),
    }
    return body[network] + tail


def mean_ccc(figure: int) -> pd.DataFrame:
    """orgil2021, Figures 7 to 11: mean CCC by network (7, 10, 11) or length (8, 9), and by loss.

    Figure 11 is the mean of Figures 7 and 10. Columns x, train_loss, metric, printed, parameters.
    """
    by_length = figure in (8, 9)
    tables = {7: "3", 8: "3", 9: "5", 10: "5", 11: "35"}[figure]
    means = [best_loss.mean_by(fresh(f"orgil2021-t{t}"), 2 if by_length else 0) for t in tables]
    networks = [best_loss.POSE, best_loss.AUDIO, best_loss.NO_MEL, best_loss.FULL]
    rows = []
    for x in list(means[0]) if by_length else networks:
        size = {} if by_length else {"parameters": parameters(x)}
        for loss in stability.LOSSES:
            printed = float(np.mean([mean[x][loss] for mean in means]))
            row = {"x": x, "train_loss": loss, "metric": "mean CCC", "printed": printed}
            rows.append(row | size)
    return pd.DataFrame(rows)


def five_trainings() -> pd.DataFrame:
    """orgil2021, Figure 12: CCC of the Full network in five trainings, by training loss."""
    cells = fresh("orgil2021-t2").column(metric="CCC")
    rows = [(loss, run, "CCC", printed) for (loss, run), printed in cells.items()]
    return pd.DataFrame(rows, columns=["train_loss", "training", "metric", "printed"])


# ---------------------------------------------------------------- counts


def batch_cost(study: Study) -> Outcome:
    """What a batch of 64 x 256 frames costs in the Full network, and what 0.01 s would ask for."""
    text = fresh("orgil2021-text")
    first, others = full_network_macs(text)
    batch = study.sizes.batch or text.cell("batch size")
    frames = batch * text.cell("length of the five trainings")
    work = 2 * frames * np.array([first + others, first + others, others]) / 1e9
    rate = work.sum() / text.cell("seconds of a batch") / 1e3
    rows = [
        ("forward", "GFLOP", work[0]),
        ("backward, gradient of the weights", "GFLOP", work[1]),
        ("backward, gradient of the inputs (not in the first layer)", "GFLOP", work[2]),
        ("all", "GFLOP", work.sum()),
        ("all, in 0.01 s", "TFLOP/s", rate),
    ]
    return study.outcome(pd.DataFrame(rows, columns=["step", "metric", "measured"]))


def eleven_classifiers(study: Study) -> Outcome:
    """Accuracies of orgil2022's Table 4.1 with the interval of 3,136 images (Wilson, 95 %)."""
    table, z, rows = fresh("orgil2022-t4_1"), 1.96, []
    for model, wrong in ferplus.errors(table).items():
        n = table.cell(model, "Total")
        p = 1 - wrong / n
        centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        row = {"model": model, "metric": "accuracy, %", "measured": 100 * p}
        row |= {"low": 100 * (centre - half), "high": 100 * (centre + half)}
        rows.append(row | {"loss": table.cell(model, "MSE")})
    return study.outcome(pd.DataFrame(rows))
