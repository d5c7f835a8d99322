"""What notebook 01 shows: printed cells, and what can be computed from them, as outcomes for the report.

Nothing here is measured on data, so every outcome carries the badge `print`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib.reproduction import papers
from emolib.reproduction.papers.audit import (
    best_loss,
    chang_fusion,
    continual,
    counting,
    ferplus,
    noninertial,
    stability,
    wang,
    yin,
)
from emolib.reproduction.papers.audit.record import fresh
from emolib.reproduction.papers.audit.video_protocol import full_network_macs
from emolib.reproduction.runs.outcome import Outcome

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


def _outcome(rows, profile: str) -> Outcome:
    return Outcome(pd.DataFrame(rows), profile)


def as_printed(id: str, profile: str = "quick") -> Outcome:
    """The cells of one table as they are printed, with nothing of ours beside them."""
    table = papers.published(id)
    return Outcome(table[[*papers.keys(table), "metric", "unit"]].assign(measured=np.nan), profile)


def cited() -> pd.DataFrame:
    """Pictures that belong to somebody else: what they show and where to find them."""
    table = papers.artefacts()
    table = table[table.status == "cited"]
    return table[["id", "title"]].assign(see=table.id.map(CITED))


def claims_of(*ids: str) -> pd.DataFrame:
    """The claims named, with verdict and arithmetic: what stands at the end of a passage."""
    table = papers.claims().set_index("id", drop=False)
    return table.loc[list(ids), ["id", "place", "statement", "verdict", "arithmetic"]].reset_index(
        drop=True
    )


# ------------------------------------------------------------------ the non-inertial loss


def ni_against_mse(profile: str = "quick") -> Outcome:
    """155 rows of three tables: the non-inertial loss, the MSE beside it and what is left after MSE/2."""
    rows = []
    for id in noninertial.TABLES:
        for run in noninertial.runs(fresh(id)):
            rows.append(
                {
                    "table": id,
                    "network": run.network,
                    "train_loss": run.loss,
                    "setting": run.setting,
                    "mse": run.mse,
                    "metric": "non-inertial loss",
                    "measured": run.ni,
                    "rest": round(run.rest, 4),
                }
            )
    return _outcome(rows, profile)


def track_losses(x: np.ndarray, y: np.ndarray) -> dict[str, tuple[float, float]]:
    """Each form of the loss on one prediction and one label (T, 2), T at least 3, and the MSE column as its reading reports it."""

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


def forms_of_the_loss(profile: str = "quick") -> Outcome:
    """Six forms against what the tables show: half of the MSE, exponent 1, no cost for a constant, a cost for flicker."""
    frames = 512
    still = np.tile((0.3, 0.2), (frames, 1))
    near, far = track_losses(still + 0.1, still), track_losses(still + 0.4, still)
    flicker = still.copy()
    flicker[::2] += 0.2
    jittery = track_losses(flicker, still)
    rows = []
    for form, (loss, mse) in near.items():
        half, exponent = loss / mse, np.log(far[form][0] / loss) / np.log(far[form][1] / mse)
        extra = jittery[form][0] - half * jittery[form][1]
        fits = abs(half - 0.5) < 0.01 and abs(exponent - 1) < 0.05 and extra >= 0.0185
        for metric, value in (
            ("loss of a constant error over its MSE", half),
            ("exponent of MSE", exponent),
            ("cost of flicker beyond that, 512 frames", extra),
        ):
            rows.append(
                {
                    "form": form,
                    "admitted": "yes" if fits else "no",
                    "metric": metric,
                    "measured": float(value),
                }
            )
    return _outcome(rows, profile)


def rest_by_length(profile: str = "quick") -> Outcome:
    """Mean of NI - MSE/2 by sequence length and by network, beside the most that Eq. 9 as printed allows."""
    rows = []
    t3, t5 = fresh("orgil2021-t3"), fresh("orgil2021-t5")
    for series, where in (
        ("trained with MSE or NI", noninertial.NOT_CCC),
        ("trained with CCC", noninertial.ONLY_CCC),
    ):
        runs = [run for run in noninertial.runs(t3, t5, **where) if run.mse < 1]
        for panel, key in (("sequence length", "setting"), ("network", "network")):
            for x in dict.fromkeys(getattr(run, key) for run in runs):
                own = noninertial.rests([run for run in runs if getattr(run, key) == x])
                rows.append(
                    {
                        "panel": panel,
                        "x": x,
                        "series": series,
                        "metric": "mean NI - MSE/2",
                        "measured": own.mean(),
                        "rows": len(own),
                    }
                )
    for length in (32, 64, 128, 256, 384, 512):
        rows.append(
            {
                "panel": "sequence length",
                "x": str(length),
                "series": "at most, by Eq. 9 as printed",
                "metric": "4 / (T - 1)",
                "measured": 4 / (length - 1),
                "rows": 0,
            }
        )
    return _outcome(rows, profile)


def stability_scales(profile: str = "quick") -> Outcome:
    """Sums of squared deviations over the five trainings: each loss in its own unit, all in CCC, all in MSE."""
    t2 = fresh("orgil2021-t2")
    scales = {
        "each in its own unit (as printed)": {
            loss: stability.squares(v) for loss, v in stability.own(t2).items()
        },
        "all in CCC": stability.spread(t2, "CCC"),
        "all in MSE": stability.spread(t2, "MSE"),
    }
    return _outcome(
        [
            {
                "trained with": loss,
                "metric": scale,
                "measured": value,
                "rank": sorted(values.values()).index(value) + 1,
            }
            for scale, values in scales.items()
            for loss, value in values.items()
        ],
        profile,
    )


# ------------------------------------------------------------------ which loss is best


def leads(profile: str = "quick") -> Outcome:
    """The lead of the best loss over the second in each setting, beside 1.96 standard deviations of such a difference."""
    t4, rows = fresh("orgil2021-t4"), []
    for held_out, id in (("10 %", "orgil2021-t3"), ("30 %", "orgil2021-t5")):
        for (network, length), (winner, lead, needed) in best_loss.lead_over_spread(
            fresh(id), t4
        ).items():
            rows.append(
                {
                    "held_out": held_out,
                    "network": network,
                    "sequence_length": length,
                    "winner": winner,
                    "metric": "lead in CCC",
                    "measured": lead,
                    "needed": needed,
                    "clear": "yes" if lead > needed else "no",
                }
            )
    return _outcome(rows, profile)


def parameters(network: str) -> int:
    """Trained parameters of one of the four networks: linear and BatchNorm of each block, LSTM, head (3.1)."""

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


def mean_ccc(figure: int, profile: str = "quick") -> Outcome:
    """The printed series of orgil2021, Figures 7 to 11: mean CCC by network (7, 10, 11) or length (8, 9), by training loss.

    Figure 11 is the mean of Figures 7 and 10. `measured` is empty: notebook 11 puts ours there.
    """
    tables = {
        7: ("orgil2021-t3",),
        8: ("orgil2021-t3",),
        9: ("orgil2021-t5",),
        10: ("orgil2021-t5",),
        11: ("orgil2021-t3", "orgil2021-t5"),
    }
    means = [best_loss.mean_by(fresh(id), 2 if figure in (8, 9) else 0) for id in tables[figure]]
    keys = (
        list(means[0])
        if figure in (8, 9)
        else [best_loss.POSE, best_loss.AUDIO, best_loss.NO_MEL, best_loss.FULL]
    )
    rows = []
    for key in keys:
        for loss in stability.LOSSES:
            row = {
                "x": key,
                "train_loss": loss,
                "metric": "mean CCC",
                "printed": float(np.mean([m[key][loss] for m in means])),
                "measured": np.nan,
            }
            rows.append(row | ({} if figure in (8, 9) else {"parameters": parameters(key)}))
    return _outcome(rows, profile)


def five_trainings(profile: str = "quick") -> Outcome:
    """The printed series of orgil2021, Figure 12: CCC of the Full network in five trainings, by training loss."""
    values = fresh("orgil2021-t2").column(metric="CCC")
    return _outcome(
        [
            {"train_loss": loss, "training": run, "metric": "CCC", "printed": v, "measured": np.nan}
            for (loss, run), v in values.items()
        ],
        profile,
    )


def figures_7_to_12(profile: str = "quick") -> Outcome:
    """All printed series of Figures 7 to 12 in one long table."""
    frames = [mean_ccc(n, profile).frame.assign(figure=n) for n in range(7, 12)]
    last = five_trainings(profile).frame.rename(columns={"training": "x"}).assign(figure=12)
    return Outcome(
        pd.concat([*frames, last])[["figure", "x", "train_loss", "metric", "printed", "measured"]],
        profile,
    )


def batch_cost(profile: str = "quick") -> Outcome:
    """What a batch of 64 x 256 frames costs in the Full network, and what 0.01 s would ask of a graphics card."""
    text = fresh("orgil2021-text")
    first, others = full_network_macs(text)
    frames = text.cell("batch size") * text.cell("length of the five trainings")
    work = 2 * frames * np.array([first + others, first + others, others]) / 1e9
    steps = (
        "forward",
        "backward, gradient of the weights",
        "backward, gradient of the inputs (not in the first layer)",
    )
    rows = [
        {"step": s, "metric": "GFLOP", "measured": float(w)}
        for s, w in zip(steps, work, strict=True)
    ]
    rows += [
        {"step": "all", "metric": "GFLOP", "measured": float(work.sum())},
        {
            "step": "all, in 0.01 s",
            "metric": "TFLOP/s",
            "measured": float(work.sum() / text.cell("seconds of a batch") / 1e3),
        },
    ]
    return _outcome(rows, profile)


# ------------------------------------------------------------------ the thesis, wang, yin


def emnist_totals(profile: str = "quick") -> Outcome:
    """Each printed total of Table 4.4 over one body of 1,474,128 parameters: how many rows of 121 are left."""
    body, table = sum(continual.emnist_body().values()), fresh("orgil2022-t4_4")
    read = {
        6: "5 letters seen + unknown",
        11: "10 + unknown",
        16: "15 + unknown",
        21: "20 + unknown",
        26: "25 + unknown",
        31: "26 letters and 5 more: not explained by the text",
    }
    return _outcome(
        [
            {
                "original classes": old,
                "new classes": new,
                "total": int(total),
                "over the body": int(total - body),
                "metric": "rows of 121",
                "measured": (total - body) / 121,
                "reading": read[round((total - body) / 121)],
            }
            for (old, new), total in table.column(metric=continual.TOTAL).items()
        ],
        profile,
    )


def eleven_classifiers(profile: str = "quick") -> Outcome:
    """Accuracies of Table 4.1 with the 95 % interval that 3,136 test images give (Wilson)."""
    table, z = fresh("orgil2022-t4_1"), 1.96
    rows = []
    for model, wrong in ferplus.errors(table).items():
        n = table.cell(model, "Total")
        p = 1 - wrong / n
        centre, half = (
            (p + z**2 / (2 * n)) / (1 + z**2 / n),
            z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n),
        )
        rows.append(
            {
                "model": model,
                "metric": "accuracy, %",
                "measured": 100 * p,
                "low": 100 * (centre - half),
                "high": 100 * (centre + half),
                "loss": table.cell(model, "MSE"),
            }
        )
    return _outcome(rows, profile)


def fifteen_angles(profile: str = "quick") -> Outcome:
    """Wang's Table 2 from his Table 1: computed, cut to one decimal, printed; and centred on 0.5."""
    t1, printed = fresh("wang-t1"), fresh("wang-t2").column()
    plain, centred = wang.pair_angles(t1), wang.pair_angles(t1, centre=0.5)
    return _outcome(
        [
            {
                "pair": " and ".join(pair),
                "printed in Table 2": printed[pair],
                "cut": wang.cut(plain[pair], 1),
                "metric": metric,
                "measured": value,
            }
            for pair in printed
            for metric, value in (("Eq. 2", plain[pair]), ("centred on 0.5", centred[pair]))
        ],
        profile,
    )


def seen_and_unseen(profile: str = "quick") -> Outcome:
    """Yin's four scores on seen and unseen speakers, beside what guessing gives (empty where it is not defined)."""
    t3, rows = fresh("yin2022-t3"), []
    guess = {yin.ACCURACY: 0.1, yin.PN: 0.6}
    for metric in (yin.ACCURACY, yin.PN, "Average Macro-Precision", "Average Macro-Recall"):
        for data in (yin.SEEN, yin.UNSEEN):
            for model, value in yin.scores(t3, metric, data).items():
                iqr = yin.scores(t3, metric, data, "IQR")[model]
                rows.append(
                    {
                        "metric": metric.removeprefix("Average "),
                        "data": data,
                        "model": model,
                        "measured": value,
                        "iqr": iqr,
                        "guessing": guess.get(metric, np.nan),
                    }
                )
    return _outcome(rows, profile)


# ------------------------------------------------------------------ chang


def two_systems(profile: str = "quick") -> Outcome:
    """The two systems of section 4.4, part by part: parameters, and multiply-adds at one frame and at 25."""
    rows = []
    for system, made in (
        ("2-D, frame by frame", counting.frame_wise),
        ("3-D, clip by clip", counting.clip_wise),
    ):
        one = made(1) if system.startswith("2-D") else None
        many = made(25)
        for part in (*many, "together"):

            def count(parts, part=part):
                return counting.total(parts) if part == "together" else parts[part]

            rows.append(
                {
                    "system": system,
                    "part": part,
                    "metric": "parameters",
                    "measured": count(many).parameters,
                }
            )
            if one:
                rows.append(
                    {
                        "system": system,
                        "part": part,
                        "metric": "multiply-adds, 1 frame",
                        "measured": count(one).mult_adds,
                    }
                )
            rows.append(
                {
                    "system": system,
                    "part": part,
                    "metric": "multiply-adds, 25 frames",
                    "measured": count(many).mult_adds,
                }
            )
    return _outcome(rows, profile)


def table_54_and_means(profile: str = "quick") -> Outcome:
    """Every split of Tables 5.2 and 5.3, their means, and what Table 5.4 prints for them."""
    t4, rows = fresh("chang2021-t5_4"), []
    for dataset, id in chang_fusion.SETS.items():
        table = fresh(id)
        for model, label in chang_fusion.ROWS_54.items():
            printed = t4.cell(label, "our", dataset)
            rows += [
                {
                    "dataset": dataset,
                    "model": model,
                    "split": split,
                    "metric": "accuracy, %",
                    "measured": v,
                    "printed in 5.4": printed,
                }
                for split, v in table.column(model=model).items()
            ]
            rows.append(
                {
                    "dataset": dataset,
                    "model": model,
                    "split": "mean",
                    "metric": "accuracy, %",
                    "measured": chang_fusion.mean(table, model),
                    "printed in 5.4": printed,
                }
            )
    return _outcome(rows, profile)
