"""Drawings of printed cells: Figures 7 to 12 of orgil2021, and two that say more than they did.

Printed values have open markers and broken lines; measured ones, where a frame brings them, filled
markers, full lines and their interval.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, DASHES, MARKERS, legend, styled, unique

LOSSES = ("MSE", "CCC", "Non-Inertial")
SHORT = {
    "Full Network": "Full",
    "Without mel Spectrogram": "Without mel",
    "Audio Network": "Audio",
    "Pose Network": "Pose",
    "Non-Inertial": "non-inertial",
}


def _short(name) -> str:
    return SHORT.get(name, str(name))


def _series(frame: pd.DataFrame, x: str, xlabel: str, ylabel: str, means: bool = False):
    """A figure of each training loss: printed, its mean, and, where there is one, measured."""
    fig, ax = plt.subplots(figsize=(5.6, 3.4))
    order = unique(frame[x])
    at = np.arange(len(order))
    for i, loss in enumerate(LOSSES):
        line, colour = frame[frame.train_loss == loss].set_index(x).reindex(order), COLOURS[i]
        look = {"marker": MARKERS[i], "color": colour, "ms": 5}
        open_ = {"ls": (0, (4, 2)), "mfc": "white", "label": f"{_short(loss)}, printed"}
        ax.plot(at, line.printed, **look, **open_)
        if line.measured.notna().any():
            ax.plot(at, line.measured, ls="-", label=f"{_short(loss)}, ours", **look)
            if "low" in line:
                ax.fill_between(at, line.low, line.high, color=colour, alpha=0.12, lw=0)
        if means:
            ax.axhline(line.printed.mean(), color=colour, lw=0.8, ls=DASHES[3])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    legend(fig, ax, 3)
    return fig, ax, order


@styled
def mean_ccc(frame: pd.DataFrame, *, xlabel: str):
    """Figures 7 to 11 of orgil2021: mean CCC over networks (with their size) or lengths, by loss.

    frame: x, train_loss, printed, measured (may be empty) and, if measured, low and high.
    """
    fig, ax, order = _series(frame, "x", xlabel, "mean CCC")
    labels = [_short(name) for name in order]
    if "parameters" in frame and frame.parameters.notna().all():
        millions = frame.groupby("x", sort=False).parameters.first() / 1e6
        labels = [f"{_short(name)}\n{millions[name]:.1f} M" for name in order]
    ax.set_xticks(range(len(order)), labels)
    ax.set(ylim=(0, None))
    return fig


@styled
def five_trainings(frame: pd.DataFrame):
    """Figure 12 of orgil2021: CCC of five trainings; the mean of each loss is a level line."""
    fig, ax, order = _series(frame, "training", "training", "CCC", means=True)
    ax.set_xticks(range(len(order)), order)
    lowest = frame[[c for c in ("measured", "low") if c in frame]].min(axis=None)
    ax.set(ylim=(0.2 if np.isnan(lowest) else min(0.2, lowest - 0.02), None))
    return fig


@styled
def ni_against_mse(frame: pd.DataFrame):
    """155 printed rows: NI over MSE with the lines of three readings, and the rest after MSE/2."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0))
    for i, loss in enumerate(LOSSES):
        part = frame[frame.train_loss == loss]
        look = {"ls": "", "marker": MARKERS[i], "ms": 4.5, "color": COLOURS[i], "alpha": 0.75}
        for ax, y in ((left, part.measured), (right, part.rest)):
            ax.plot(part.mse, y, label=f"trained with {_short(loss)}", **look)
    x = np.geomspace(0.18, 2.7, 50)
    beside = {"xytext": (3, 0), "textcoords": "offset points", "va": "center"}
    faint = {"fontsize": 7.5, "color": "0.35"}
    for y, text, dash in (
        (x / 2, "MSE / 2", "-"),
        (x / 3, "MSE / 3", "--"),
        (np.sqrt(x) / 3, "root of MSE, / 3", ":"),
    ):
        left.plot(x, y, color="0.35", lw=1, ls=dash, zorder=1)
        left.annotate(text, (x[-1], y[-1]), **beside, **faint)
    left.set(xscale="log", yscale="log", xlim=(0.17, 4.6))
    left.set(xlabel="MSE, as printed", ylabel="non-inertial loss, as printed")
    left.set_xticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    left.set_yticks([0.1, 0.2, 0.5, 1], ["0.1", "0.2", "0.5", "1"])
    left.minorticks_off()
    right.axhspan(-0.00075, 0.00075, color="0.85", zorder=0)
    right.text(0.462, 0.0011, "rounding of the print", ha="right", **faint)
    right.set(xlabel="MSE, as printed (two collapsed runs lie outside)", xlim=(0.18, 0.48))
    right.set(ylabel="non-inertial loss - MSE / 2")
    legend(fig, left, 3)
    return fig


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
    return fig
