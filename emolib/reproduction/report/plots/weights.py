"""Drawings of classifier weights and of what is forgotten."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, foot, styled


@styled
def weight_image(frame: pd.DataFrame, *, printed: float | None = None, task: int = 0):
    """A head as a picture: `frame` has a row per class and its weights in the columns 'feature ...'.

    printed   accuracy in the caption of the paper's figure;   task   classes per task: thin lines between tasks (0: none)
    """
    weight = frame.filter(like="feature ").to_numpy()
    fig, ax = plt.subplots(figsize=(8.5, 4.6))
    limit = np.abs(weight).max() or 1.0
    shown = ax.imshow(
        weight,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        interpolation="nearest",
        rasterized=True,
    )
    for edge in range(task, len(weight), task or len(weight)):
        ax.axhline(edge - 0.5, color="black", lw=0.4)
    said = (
        f"{frame.weights.iloc[0]}: {100 * frame.accuracy.iloc[0]:.0f} % of the test pictures right"
    )
    ax.set(
        xlabel=f"{weight.shape[1]} of the features",
        ylabel="class",
        title=said + ("" if printed is None else f" (printed: {100 * printed:.0f} %)"),
    )
    ax.grid(False)
    fig.colorbar(shown, ax=ax, label="weight", shrink=0.8)
    return foot(fig)


@styled
def weight_histograms(frame: pd.DataFrame, *, margin: float = 0.3):
    """Histograms of weights, one panel per `weights`; dotted lines where the printed pruning begins and ends."""
    names = list(dict.fromkeys(frame.weights))
    fig, axes = plt.subplots(1, len(names), figsize=(3.3 * len(names), 3.0), sharex=True)
    used = frame[(frame.weights == names[0]) & (frame.measured > 0)]
    low, high = used["from"].min() + margin, used["to"].max() - margin
    for ax, name, colour in zip(axes, names, COLOURS, strict=False):
        part = frame[frame.weights == name]
        ax.bar(part["from"], part.measured, part["to"] - part["from"], align="edge", color=colour)
        if low < high:
            ax.axvline(low, color="0.3", lw=0.8, ls=":")
            ax.axvline(high, color="0.3", lw=0.8, ls=":")
        ax.set(title=name, xlabel="weight", yscale="log")
    axes[0].set_ylabel("weights in the bin")
    return foot(fig)
