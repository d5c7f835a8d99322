"""Drawings of printed cells: the series of orgil2021, Figures 7 to 12, and pictures that say more than a figure did.

Printed values have open markers and broken lines; measured ones, where a frame brings them, filled markers,
full lines and their interval. Style and colours are those of `plots`.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, DASHES, MARKERS, foot, styled

LOSSES = ("MSE", "CCC", "Non-Inertial")
SHORT = {
    "Full Network": "Full",
    "Without mel Spectrogram": "Without mel",
    "Audio Network": "Audio",
    "Pose Network": "Pose",
    "Non-Inertial": "non-inertial",
}


def _short(names) -> list[str]:
    return [SHORT.get(name, str(name)) for name in names]


def _series(ax, part: pd.DataFrame, x: str, order: list[str], i: int, name: str):
    """One training loss: printed and, where there is one, measured with its interval."""
    line = part.set_index(x).reindex(order)
    at = np.arange(len(order))
    ax.plot(
        at,
        line.printed,
        ls=(0, (4, 2)),
        marker=MARKERS[i],
        mfc="white",
        color=COLOURS[i],
        ms=5,
        label=f"{_short([name])[0]}, printed",
    )
    if line.measured.notna().any():
        ax.plot(
            at,
            line.measured,
            ls="-",
            marker=MARKERS[i],
            color=COLOURS[i],
            ms=5,
            label=f"{_short([name])[0]}, ours",
        )
        if "low" in line:
            ax.fill_between(at, line.low, line.high, color=COLOURS[i], alpha=0.12, lw=0)


def _mean_ccc(ax, frame: pd.DataFrame, xlabel: str):
    order = list(dict.fromkeys(frame.x))
    for i, loss in enumerate(LOSSES):
        _series(ax, frame[frame.train_loss == loss], "x", order, i, loss)
    labels = _short(order)
    if "parameters" in frame and frame.parameters.notna().all():
        millions = frame.groupby("x", sort=False).parameters.first() / 1e6
        labels = [
            f"{label}\n{millions[name]:.1f} M" for label, name in zip(labels, order, strict=True)
        ]
    ax.set_xticks(range(len(order)), labels)
    ax.set(xlabel=xlabel, ylim=(0, None))


@styled
def mean_ccc(frame: pd.DataFrame, *, xlabel: str):
    """Figures 7 to 11 of orgil2021: mean CCC over networks (with their size) or sequence lengths, by training loss.

    frame: x, train_loss, printed, measured (may be empty) and, if measured, low and high.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.4))
    _mean_ccc(ax, frame, xlabel)
    ax.set_ylabel("mean CCC")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return foot(fig)


@styled
def five_trainings(frame: pd.DataFrame):
    """Figure 12 of orgil2021: CCC of each of five trainings, and the mean of each loss as a level line."""
    fig, ax = plt.subplots(figsize=(5.6, 3.4))
    _five(ax, frame.rename(columns={"training": "x"}))
    ax.set_ylabel("CCC")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return foot(fig)


def _five(ax, frame: pd.DataFrame):
    order = list(dict.fromkeys(frame.x))
    for i, loss in enumerate(LOSSES):
        part = frame[frame.train_loss == loss]
        _series(ax, part, "x", order, i, loss)
        ax.axhline(part.printed.mean(), color=COLOURS[i], lw=0.8, ls=DASHES[3])
    ax.set_xticks(range(len(order)), order)
    lowest = frame[["measured", *(c for c in ("low",) if c in frame)]].min(axis=None)
    ax.set(xlabel="training", ylim=(0.2 if np.isnan(lowest) else min(0.2, lowest - 0.02), None))


@styled
def figures_7_to_12(frame: pd.DataFrame):
    """All six figures on one sheet, so that 10 % and 30 %, networks and lengths are seen together."""
    fig, axes = plt.subplots(2, 3, figsize=(10.5, 5.6))
    titles = {
        7: "Fig. 7: networks, 10 % held out",
        10: "Fig. 10: networks, 30 %",
        11: "Fig. 11: mean of both",
        8: "Fig. 8: lengths, 10 %",
        9: "Fig. 9: lengths, 30 %",
        12: "Fig. 12: five trainings of Full",
    }
    for ax, (figure, title) in zip(axes.flat, titles.items(), strict=True):
        part = frame[frame.figure == figure]
        _five(ax, part) if figure == 12 else _mean_ccc(
            ax, part, "frames" if figure in (8, 9) else ""
        )
        ax.set_title(title, fontsize=9)
        if figure != 12:
            ax.set_ylim(0, 0.42)
    for ax in axes[:, 0]:
        ax.set_ylabel("mean CCC")
    fig.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return foot(fig)


@styled
def ni_against_mse(frame: pd.DataFrame):
    """155 printed rows: NI over MSE with the lines of three readings, and what is left after MSE/2."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0))
    for i, loss in enumerate(LOSSES):
        part = frame[frame.train_loss == loss]
        for ax, y in ((left, part.measured), (right, part.rest)):
            ax.plot(
                part.mse,
                y,
                ls="",
                marker=MARKERS[i],
                ms=4.5,
                color=COLOURS[i],
                alpha=0.75,
                label=f"trained with {_short([loss])[0]}",
            )
    x = np.geomspace(0.18, 2.7, 50)
    for y, text, dash in (
        (x / 2, "MSE / 2", "-"),
        (x / 3, "MSE / 3", "--"),
        (np.sqrt(x) / 3, "root of MSE, / 3", ":"),
    ):
        left.plot(x, y, color="0.35", lw=1, ls=dash, zorder=1)
        left.annotate(
            text,
            (x[-1], y[-1]),
            xytext=(3, 0),
            textcoords="offset points",
            fontsize=7.5,
            color="0.35",
            va="center",
        )
    left.set(
        xscale="log",
        yscale="log",
        xlim=(0.17, 4.6),
        xlabel="MSE, as printed",
        ylabel="non-inertial loss, as printed",
    )
    left.set_xticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    left.set_yticks([0.1, 0.2, 0.5, 1], ["0.1", "0.2", "0.5", "1"])
    left.minorticks_off()
    right.axhspan(-0.00075, 0.00075, color="0.85", zorder=0)
    right.text(0.462, 0.0011, "rounding of the print", fontsize=7.5, color="0.35", ha="right")
    right.set(
        xlim=(0.18, 0.48),
        xlabel="MSE, as printed (two collapsed runs lie outside)",
        ylabel="non-inertial loss - MSE / 2",
    )
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return foot(fig)


@styled
def rest_by_length(frame: pd.DataFrame):
    """What the loss adds to MSE/2: over the sequence length beside Eq. 9's bound, and over the networks."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.6), width_ratios=(1.3, 1))
    names = ("trained with CCC", "trained with MSE or NI")
    lengths = (
        frame[frame.panel == "sequence length"].assign(x=lambda f: f.x.astype(int)).sort_values("x")
    )
    for i, name in enumerate(names):
        part = lengths[lengths.series == name]
        left.plot(
            part.x,
            part.measured,
            marker=MARKERS[1 - i],
            color=COLOURS[1 - i],
            ls=DASHES[i],
            label=name,
        )
    bound = lengths[lengths.series.str.startswith("at most")]
    left.plot(bound.x, bound.measured, color="0.3", ls=":", label="at most, by Eq. 9 as printed")
    left.set(
        xscale="log", yscale="log", xlabel="frames in a sequence", ylabel="mean of NI - MSE / 2"
    )
    left.set_xticks([32, 64, 128, 256, 384, 512], ["32", "64", "128", "256", "384", "512"])
    left.minorticks_off()
    networks = frame[frame.panel == "network"]
    order = ["Audio Network", "Without mel Spectrogram", "Full Network", "Pose Network"]
    for i, name in enumerate(names):
        part = networks[networks.series == name].set_index("x").reindex(order)
        right.plot(
            part.measured, range(4), ls="", marker=MARKERS[1 - i], ms=7, color=COLOURS[1 - i]
        )
    right.set_yticks(range(4), _short(order))
    right.set(xlabel="mean of NI - MSE / 2", xlim=(0, None), ylim=(-0.5, 3.5))
    fig.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return foot(fig)


@styled
def leads(frame: pd.DataFrame):
    """31 settings: by how much the best loss leads, beside what two single runs differ by chance (grey)."""
    fig, axes = plt.subplots(1, 2, figsize=(10.5, 5.4), width_ratios=(1, 1))
    for ax, (held_out, part) in zip(axes, frame.groupby("held_out", sort=False), strict=True):
        labels = [f"{SHORT[r.network]}, {r.sequence_length}" for r in part.itertuples()]
        at = np.arange(len(part))[::-1]
        ax.barh(
            at, part.needed, height=0.75, color="0.85", label="1.96 sd of a difference of two runs"
        )
        for loss in LOSSES:
            i, won = LOSSES.index(loss), (part.winner == loss).to_numpy()
            ax.plot(
                part.measured[won],
                at[won],
                ls="",
                marker=MARKERS[i],
                ms=6,
                color=COLOURS[i],
                label=f"{SHORT.get(loss, loss)} is best",
            )
        ax.set_yticks(at, labels)
        ax.set(
            title=f"{held_out} held out: {int((part.clear == 'yes').sum())} of {len(part)} leads are clear",
            xlabel="lead over the second in CCC",
        )
        ax.margins(y=0.02)
    handles = {
        text: h for ax in axes for h, text in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    fig.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4)
    return foot(fig)


@styled
def eleven(frame: pd.DataFrame):
    """Accuracies with their intervals, sorted; the band is the interval of the best."""
    frame = frame.sort_values("measured").reset_index(drop=True)
    fig, ax = plt.subplots(figsize=(7, 3.9))
    best = frame.iloc[-1]
    ax.axvspan(best.low, best.high, color="0.9", zorder=0)
    ax.hlines(frame.index, frame.low, frame.high, color=COLOURS[0], lw=1.5)
    ax.plot(frame.measured, frame.index, "o", color=COLOURS[0], ms=5)
    ax.set_yticks(frame.index, frame.model)
    ax.set(xlabel="accuracy (%), 95 % interval of 3,136 images; grey: the interval of the best")
    return foot(fig)


@styled
def seen_and_unseen(frame: pd.DataFrame):
    """Four scores on seen and unseen people: two marks joined by a line, and what guessing gives."""
    metrics, models = list(dict.fromkeys(frame.metric)), list(dict.fromkeys(frame.model))
    fig, ax = plt.subplots(figsize=(7.2, 3.4))
    for i, metric in enumerate(metrics):
        for j, model in enumerate(models):
            part = (
                frame[(frame.metric == metric) & (frame.model == model)].set_index("data").measured
            )
            y = len(metrics) - 1 - i + (0.13 if j == 0 else -0.13)
            ax.plot(part, [y, y], color="0.6", lw=1.2, zorder=1)
            for k, (data, value) in enumerate(part.items()):
                ax.plot(
                    value,
                    y,
                    MARKERS[j],
                    color=COLOURS[k],
                    ms=7,
                    mfc=COLOURS[k] if k else "white",
                    label=f"{model}, {'seen' if data.startswith('Training') else 'unseen'}"
                    if i == 0
                    else None,
                )
        guess = frame[frame.metric == metric].guessing.iloc[0]
        if np.isfinite(guess):
            y = len(metrics) - 1 - i
            ax.plot([guess, guess], [y - 0.3, y + 0.3], color="black", lw=2)
            ax.text(guess + 0.008, y + 0.33, f"guessing: {guess:.2f}", fontsize=7.5, va="bottom")
    ax.set_yticks(range(len(metrics)), reversed(metrics))
    ax.set(
        xlim=(0, 0.85),
        ylim=(-0.55, len(metrics) - 0.2),
        xlabel="score as printed (mean of five runs)",
    )
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return foot(fig)


@styled
def means_and_splits(frame: pd.DataFrame):
    """Table 5.4 of chang2021: every split, their mean, and the number that Table 5.4 prints for it."""
    fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), sharex=True)
    for ax, (dataset, part) in zip(axes, frame.groupby("dataset", sort=False), strict=True):
        models = list(dict.fromkeys(part.model))
        for i, model in enumerate(models):
            own, y = part[part.model == model], len(models) - 1 - i
            splits, mean = (
                own[own.split != "mean"].measured,
                own[own.split == "mean"].measured.iloc[0],
            )
            printed = own["printed in 5.4"].iloc[0]
            far = abs(printed - mean) > 0.11
            ax.plot(
                splits,
                np.full(len(splits), y),
                "|",
                color="0.55",
                ms=10,
                label="one split" if i == 0 else None,
            )
            ax.plot(mean, y, "o", color=COLOURS[0], ms=7, label="their mean" if i == 0 else None)
            ax.plot(
                printed,
                y,
                "D",
                color=COLOURS[1],
                ms=6,
                mfc=COLOURS[1] if far else "white",
                label="Table 5.4" if i == 0 else None,
            )
            if far:
                ax.text(
                    printed,
                    y + 0.2,
                    f"{printed - mean:+.2f}",
                    fontsize=8,
                    color=COLOURS[1],
                    ha="center",
                )
        ax.set_yticks(
            range(len(models)), [m.replace(" (end-to-end)", "") for m in reversed(models)]
        )
        ax.set(title=dataset, xlabel="accuracy (%)", ylim=(-0.5, len(models) - 0.4))
    fig.legend(*axes[1].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return foot(fig)
