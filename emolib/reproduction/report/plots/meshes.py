"""Drawings of a face made of lines: wire models with their units, pictures with bars of units."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection

from emolib.reproduction.report.plots.pictures import frame_in, tile
from emolib.reproduction.report.plots.style import COLOURS, MARKERS, grid_of, legend, styled, unique

_INK = {"at rest": ("0.75", 0.7), "edge": ("0.45", 0.7), "moved": (COLOURS[0], 1.0)}


@styled
def wires(frame: pd.DataFrame, *, size: float = 3.0):
    """A wire model, one panel per `panel`, in distances of the eyes, y up.

    Rows are lines from (x, y) to (x2, y2) of a `kind`: 'edge', 'at rest', 'moved', 'arrow' or
    'point'.
    """
    names = unique(frame.panel)
    fig, axes = grid_of(len(names), min(4, len(names)), (size, size * 1.1))
    for ax, name in zip(axes.flat, names):
        part = frame[frame.panel == name]
        for kind, (colour, width) in _INK.items():
            lines = part.loc[part.kind == kind, ["x", "y", "x2", "y2"]].to_numpy().reshape(-1, 2, 2)
            ax.add_collection(LineCollection(lines, colors=colour, linewidths=width))
        arrows = part[part.kind == "arrow"]
        along = (arrows.x2 - arrows.x, arrows.y2 - arrows.y)
        units = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.008}
        ax.quiver(arrows.x, arrows.y, *along, color=COLOURS[1], zorder=3, **units)
        points = part[part.kind == "point"]
        ax.plot(points.x, points.y, MARKERS[0], ms=3.5, color=COLOURS[1], mec="none")
        ax.set(title=name, aspect="equal")
        ax.autoscale_view()
        ax.grid(False)
        ax.tick_params(labelsize=7)
    fig.supxlabel("distances of the eyes", fontsize=8)
    return fig


@styled
def grouped_points(frame: pd.DataFrame, *, series: str):
    """Numbered points of a face (x right, y down), one colour and mark per `series`."""
    fig, ax = plt.subplots(figsize=(6.4, 5.6))
    for i, (name, part) in enumerate(frame.groupby(series, sort=False)):
        look = {"color": COLOURS[i], "ms": 6, "ls": "", "alpha": 0.85}
        ax.plot(part.x, -part.y, MARKERS[i], label=f"{name} ({len(part)})", **look)
    beside = {"xytext": (3, 3), "textcoords": "offset points", "fontsize": 6, "color": "0.35"}
    for row in frame.itertuples():
        ax.annotate(str(row.point), (row.x, -row.y), **beside)
    ax.set_aspect("equal")
    ax.set_axis_off()
    legend(fig, ax, 2)
    return fig


@styled
def faces_with_bars(shown, *, names: list[str]):
    """Pictures framed in the colour of the class named, above bars of their action units.

    shown   Pictures: the frame has picture, action_unit, measured; the tiles have true and named,
            which are among `names`
    """
    across = 4
    down = -(-len(shown.images) // across)
    fig = plt.figure(figsize=(2.2 * across, 3.1 * down + 0.4))
    grid = fig.add_gridspec(2 * down, across, height_ratios=[1.4, 1] * down)
    units = unique(shown.frame.action_unit)
    low, high = min(0.0, shown.frame.measured.min()), shown.frame.measured.max()
    for k, image in enumerate(shown.images):
        row, column = divmod(k, across)
        about = shown.tiles.iloc[k]
        colour = COLOURS[names.index(about.named) % 8]
        ax = fig.add_subplot(grid[2 * row, column])
        tile(ax, image)
        frame_in(ax, colour, 3)
        ax.set_title(f"{about.true}, named {about.named}", fontsize=7.5, pad=3)
        bars = fig.add_subplot(grid[2 * row + 1, column])
        part = shown.frame[shown.frame.picture == k]
        bars.barh(np.arange(len(units)), part.measured, color=colour)
        bars.set(xlim=(low, high))
        labels = units if column == 0 else [""] * len(units)
        bars.set_yticks(range(len(units)), labels, fontsize=6.5)
        bars.tick_params(axis="x", labelsize=6)
        bars.invert_yaxis()
    fig.supxlabel("intensity of the action unit", fontsize=8)
    return fig
