"""One style for every drawing, and what several of them need.

Colours are Okabe and Ito's, told apart by colour-blind readers and in grey; lines also differ in
marker and dash. Everything has units on its axes and reads on paper and on a dark page.
"""

from __future__ import annotations

import functools

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd

from emolib.reproduction.report.pictures import saved, sign

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#8C8C00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":")
RC = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
}


def styled(draw):
    """Decorator: the house style, no window, and room below for the badge of report.figure."""

    @functools.wraps(draw)
    def wrapped(*arguments, **options):
        with plt.rc_context(RC), plt.ioff():
            fig = draw(*arguments, **options)
            fig.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))
        return fig

    return wrapped


def look(i: int) -> dict:
    """Colour and dash of the i-th line."""
    return {"color": COLOURS[i % 8], "ls": DASHES[i % 4]}


def unique(values) -> list:
    """The values that occur, in the order of their first time."""
    return list(dict.fromkeys(values))


def grid_of(count: int, across: int, size: tuple[float, float], more: float = 0.0, **shared):
    """A figure of `count` axes of `size` inches, `across` in a row, and `more` inches of height."""
    down = -(-count // across)
    inches = (size[0] * across, size[1] * down + more)
    fig, axes = plt.subplots(down, across, figsize=inches, squeeze=False, **shared)
    for ax in axes.flat[count:]:
        ax.set_axis_off()
    return fig, axes


def crossed(frame: pd.DataFrame, rows: str, columns: str, values: str, down, across):
    """A (down, across) array of one column of a long table."""
    grid = frame.pivot(index=rows, columns=columns, values=values)
    return grid.reindex(index=down, columns=across).to_numpy()


def legend(fig, ax, ncols: int, **options):
    """One legend above all panels, of what `ax` holds."""
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=ncols, **options)


def svg(fig, corner: str) -> bytes:
    """A figure as SVG, with a note in its corner; the figure is closed."""
    sign(fig, corner)
    drawn = saved(fig, "svg")
    plt.close(fig)
    return drawn
