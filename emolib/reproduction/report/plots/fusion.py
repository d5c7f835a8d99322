"""Charts of the fusion study: leads by setting and way, clusters of features by setup."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, MARKERS, crossed, styled, unique

LIMIT = 10.0  # points: the ends of the colours


@styled
def leads(frame: pd.DataFrame, *, rows: str, columns: str):
    """`measured` as colours and numbers; a dot marks a cell whose interval leaves out 0."""
    down, across = unique(frame[rows]), unique(frame[columns])
    value, low, high = (
        crossed(frame, rows, columns, name, down, across) for name in ("measured", "low", "high")
    )
    fig, ax = plt.subplots(figsize=(0.62 * len(across) + 2.6, 0.3 * len(down) + 2.0))
    shown = ax.imshow(value, cmap="PuOr", vmin=-LIMIT, vmax=LIMIT, aspect="auto")
    for (i, j), v in np.ndenumerate(value):
        clear = " •" if low[i, j] > 0 or high[i, j] < 0 else ""
        colour = "white" if abs(v) > 0.7 * LIMIT else "black"
        place = {"ha": "center", "va": "center"}
        ax.text(j, i, f"{v:+.1f}{clear}", fontsize=6.5, color=colour, **place)
    ax.set_xticks(range(len(across)), across, rotation=40, ha="right", fontsize=8)
    ax.set_yticks(range(len(down)), down, fontsize=8)
    ax.grid(False)
    fig.colorbar(shown, ax=ax, label="points", shrink=0.8)
    return fig


@styled
def clusters(frame: pd.DataFrame, *, rows: str, columns: str, colour: str):
    """Points x, y in panels of `rows` by `columns`; colour and mark tell `colour` apart.

    The axes of an embedding mean nothing.
    """
    down, across = unique(frame[rows]), unique(frame[columns])
    kinds = sorted(set(frame[colour]))
    size = (2.7 * len(across), 2.6 * len(down) + 0.5)
    fig, axes = plt.subplots(len(down), len(across), figsize=size, squeeze=False)
    for (i, j), ax in np.ndenumerate(axes):
        part = frame[(frame[rows] == down[i]) & (frame[columns] == across[j])]
        for k, kind in enumerate(kinds):
            own = part[part[colour] == kind]
            look = {"color": COLOURS[k % 8], "ms": 4.5, "mec": "white", "mew": 0.3}
            ax.plot(own.x, own.y, MARKERS[k % 8], label=kind, **look)
        ax.set(xticks=[], yticks=[], xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
        if i == 0:
            ax.set_title(across[j])
        if j == 0:
            ax.set_ylabel(down[i], fontsize=8)
    fig.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig
