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
