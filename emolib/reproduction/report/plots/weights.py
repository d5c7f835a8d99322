"""Drawings of classifier weights and of what is forgotten."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, styled, unique


@styled
def weight_image(frame: pd.DataFrame, *, printed: float, task: int = 0):
    """A head as a picture: a row per class with its weights in the columns 'feature ...'.

    printed   accuracy in the caption of the paper's figure
    task      classes per task: thin lines between tasks (0: none)
    """
    weight = frame.filter(like="feature ").to_numpy()
    fig, ax = plt.subplots(figsize=(8.5, 4.6))
    limit = np.abs(weight).max() or 1.0
    look = {"cmap": "RdBu_r", "aspect": "auto", "interpolation": "nearest", "rasterized": True}
    shown = ax.imshow(weight, vmin=-limit, vmax=limit, **look)
    for edge in range(task, len(weight), task or len(weight)):
        ax.axhline(edge - 0.5, color="black", lw=0.4)
    right = f"{100 * frame.accuracy.iloc[0]:.0f} % of the test pictures right"
    title = f"{frame.weights.iloc[0]}: {right} (printed: {100 * printed:.0f} %)"
    ax.set(xlabel=f"{weight.shape[1]} of the features", ylabel="class", title=title)
    ax.grid(False)
    fig.colorbar(shown, ax=ax, label="weight", shrink=0.8)
    return fig


@styled
def weight_histograms(frame: pd.DataFrame):
    """Histograms, one panel per `weights`; dotted: the ends of the printed pruning, 0.3 inside."""
    names = unique(frame.weights)
    fig, axes = plt.subplots(1, len(names), figsize=(3.3 * len(names), 3.0), sharex=True)
    used = frame[(frame.weights == names[0]) & (frame.measured > 0)]
    low, high = used["from"].min() + 0.3, used["to"].max() - 0.3
    for ax, name, colour in zip(axes, names, COLOURS):
        part = frame[frame.weights == name]
        ax.bar(part["from"], part.measured, part["to"] - part["from"], align="edge", color=colour)
        for edge in (low, high) if low < high else ():
            ax.axvline(edge, color="0.3", lw=0.8, ls=":")
        ax.set(title=name, xlabel="weight", yscale="log")
    axes[0].set_ylabel("weights in the bin")
    return fig
