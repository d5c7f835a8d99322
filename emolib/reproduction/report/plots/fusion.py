"""Charts of the fusion study: leads by setting and way, clusters of features by setup."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, MARKERS, foot, styled


@styled
def leads(
    frame: pd.DataFrame, *, rows: str, columns: str, unit: str = "points", limit: float = 10.0
):
    """`measured` as a matrix of colours with its number in each cell; a dot marks a cell whose interval leaves out 0."""
    down, across = (list(dict.fromkeys(frame[k])) for k in (rows, columns))
    value, low, high = (
        frame.pivot(index=rows, columns=columns, values=v)
        .reindex(index=down, columns=across)
        .to_numpy()
        for v in ("measured", "low", "high")
    )
    fig, ax = plt.subplots(figsize=(0.62 * len(across) + 2.6, 0.3 * len(down) + 2.0))
    shown = ax.imshow(value, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
    for (i, j), v in np.ndenumerate(value):
        clear = (low[i, j] > 0) | (high[i, j] < 0)
        ax.text(
            j,
            i,
            f"{v:+.1f}{' •' if clear else ''}",
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if abs(v) > 0.7 * limit else "black",
        )
    ax.set_xticks(range(len(across)), across, rotation=40, ha="right", fontsize=8)
    ax.set_yticks(range(len(down)), down, fontsize=8)
    ax.grid(False)
    fig.colorbar(shown, ax=ax, label=unit, shrink=0.8)
    return foot(fig)


@styled
def clusters(frame: pd.DataFrame, *, rows: str, columns: str, colour: str):
    """Points x, y: a row of panels per `rows`, one per `columns`; colour and mark tell `colour` apart. The axes of an embedding mean nothing."""
    down, across, kinds = (list(dict.fromkeys(frame[k])) for k in (rows, columns, colour))
    kinds = sorted(kinds)
    fig, axes = plt.subplots(
        len(down), len(across), figsize=(2.7 * len(across), 2.6 * len(down) + 0.5), squeeze=False
    )
    for (i, j), ax in np.ndenumerate(axes):
        part = frame[(frame[rows] == down[i]) & (frame[columns] == across[j])]
        for k, kind in enumerate(kinds):
            some = part[part[colour] == kind]
            ax.plot(
                some.x,
                some.y,
                MARKERS[k % len(MARKERS)],
                color=COLOURS[k % len(COLOURS)],
                ms=4.5,
                mec="white",
                mew=0.3,
                label=kind,
            )
        ax.set(xticks=[], yticks=[], xlim=(-1.1, 1.1), ylim=(-1.1, 1.1))
        if i == 0:
            ax.set_title(across[j])
        if j == 0:
            ax.set_ylabel(down[i], fontsize=8)
    fig.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return foot(fig)
