"""Pictures and sounds as a study hands them over (`runs.outcome.Pictures`), drawn upon."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import (
    COLOURS,
    DASHES,
    MARKERS,
    legend,
    look,
    styled,
    unique,
)


def tile(ax, image):
    """One picture without axes."""
    ax.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)


def frame_in(ax, colour: str, width: float):
    """A coloured frame around a tile."""
    for side in ax.spines.values():
        side.set(visible=True, color=colour, linewidth=width)


@styled
def pictures(
    shown,
    *,
    across: int,
    title: str | None = None,
    side: str | None = None,
    head: str | None = None,
    size: float = 1.35,
):
    """A sheet of tiles, `across` of them in a row, with the points and boxes of `shown`.

    title   column of the tiles that stands over each tile
    side    column that names each row (by its first tile);   head   column that names each column
    """
    count, (height, width) = len(shown.images), shown.images.shape[1:3]
    down = -(-count // across)
    inches_down = size * height / width * down * (1.12 if title else 1) + 0.3
    inches = (size * across + (0.8 if side else 0), inches_down)
    fig, axes = plt.subplots(down, across, figsize=inches, squeeze=False)
    for k, ax in enumerate(axes.flat):
        if k >= count:
            ax.set_axis_off()
            continue
        tile(ax, shown.images[k])
        about = shown.tiles.iloc[k]
        if shown.points is not None:
            points, dot = shown.points[k], max(1.0, 2.2 * size / 1.35)
            ax.plot(*points.T, ".", color=COLOURS[4], ms=dot, mec="none")
            for a, b in shown.links or ():
                ax.plot(*points[[a, b]].T, color=COLOURS[5], lw=1.2)
        if shown.boxes is not None:
            left, top, right, bottom = shown.boxes[k]
            edge = {"fill": False, "color": COLOURS[5], "lw": 1.5}
            ax.add_patch(plt.Rectangle((left, top), right - left, bottom - top, **edge))
        if title:
            ax.set_title(str(about[title]), fontsize=7, pad=2)
        if side and k % across == 0:
            ax.set_ylabel(str(about[side]), rotation=0, ha="right", va="center", fontsize=8)
        if head and k < across:
            ax.set_title(str(about[head]), fontsize=8, pad=3)
    return fig


@styled
def spectrograms(frame: pd.DataFrame, *, across: int = 4, ylabel: str = "mel band"):
    """One picture per `panel`: columns second, band, measured; one scale, dark is quiet."""
    names, top = unique(frame.panel), frame.measured.max()
    down = -(-len(names) // across)
    size = (2.7 * across + 0.9, 2.0 * down + 0.5)
    fig, axes = plt.subplots(down, across, figsize=size, squeeze=False, sharex=True, sharey=True)
    scale = {"cmap": "magma", "vmin": top - 70, "vmax": top, "interpolation": "nearest"}
    for ax, name in zip(axes.flat, names):
        part = frame[frame.panel == name].pivot(index="band", columns="second", values="measured")
        ends = (part.columns[0], part.columns[-1], part.index[0], part.index[-1])
        mesh = ax.imshow(part.to_numpy(), origin="lower", aspect="auto", extent=ends, **scale)
        ax.set_title(name, fontsize=8)
        ax.grid(False)
    # shared: the last picture would set it
    axes.flat[0].set_xlim(frame.second.min(), frame.second.max())
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    fig.supxlabel("time (s)", fontsize=9)
    fig.supylabel(ylabel, fontsize=9)
    fig.colorbar(mesh, ax=axes, label="dB", shrink=0.8)
    return fig


@styled
def tracks(frame: pd.DataFrame, *, panels: str, series: str, ylabel: str):
    """Lines over `second`, one panel under another, one line per `series`."""
    parts, names = unique(frame[panels]), unique(frame[series])
    size = (8.5, 1.7 * len(parts) + 0.6)
    fig, axes = plt.subplots(len(parts), figsize=size, sharex=True, sharey=True, squeeze=False)
    for ax, part in zip(axes[:, 0], parts, strict=True):
        _over_time(ax, frame[frame[panels] == part], series, names)
        ax.set(ylabel=ylabel.format(part))
    axes[-1, 0].set_xlabel("time (s)")
    legend(fig, axes[0, 0], min(5, len(names)))
    return fig


def _over_time(ax, part, series, names):
    for i, name in enumerate(names):
        line = part[part[series] == name]
        ax.plot(line.second, line.measured, lw=1.2, label=name, **look(i))


@styled
def strip_with_tracks(shown):
    """A strip of frames over the tracks (`shown.frame`, by axis); dotted lines mark its moments."""
    fig, ax = _strip(shown, [f"{second:.1f} s" for second in shown.tiles.second])
    _over_time(ax, shown.frame, "axis", unique(shown.frame.axis))
    for second in shown.tiles.second:
        ax.axvline(second, color="0.6", lw=0.6, ls=":")
    ax.set(xlabel="time (s)", ylabel="annotation, -1 to 1", ylim=(-1.05, 1.05))
    ax.legend(loc="upper right", ncols=2)
    return fig


@styled
def strip_with_names(shown):
    """Frames of a film over the probabilities of emotions; the line of the true one is thicker.

    Each frame has a border of the colour of the emotion that is named there.

    shown   tiles: second, named, true; frame: second, emotion, measured, drawn (bool: as a line)
    """
    tiles, frame = shown.tiles, shown.frame
    moments = zip(tiles.second, tiles.named, strict=True)
    fig, ax = _strip(shown, [f"{second:.1f} s\n{name}" for second, name in moments])
    lines, true = frame[frame.drawn], tiles["true"].iloc[0]
    names = unique([true, *lines.emotion])
    colour = {n: COLOURS[i % 8] for i, n in enumerate(unique([*names, *frame.emotion]))}
    for picture, named in zip(fig.axes, tiles.named):
        frame_in(picture, colour[named], 4)
    for i, name in enumerate(names):
        line = lines[lines.emotion == name]
        width, label = (1.2, name) if i else (2.4, f"{name} (true)")
        style = {"color": colour[name], "ls": DASHES[i % 4], "lw": width}
        ax.plot(line.second, line.measured, label=label, **style)
    ax.set(xlabel="time (s)", ylabel="probability", ylim=(-0.03, 1.03))
    ax.legend(loc="upper right", ncols=len(names))
    return fig


def _strip(shown, titles):
    """A figure with the pictures of `shown` in a row on top; returns it and the axes below."""
    fig, count = plt.figure(figsize=(9, 3.6)), len(shown.images)
    grid = fig.add_gridspec(2, count, height_ratios=(1, 1.5))
    _titled_row(fig, [grid[0, k] for k in range(count)], shown.images, titles)
    return fig, fig.add_subplot(grid[1, :])


def _titled_row(fig, places, images, titles):
    for place, image, title in zip(places, images, titles):
        ax = fig.add_subplot(place)
        tile(ax, image)
        ax.set_title(str(title), fontsize=7, pad=2)


@styled
def strip_with_lines(shown, *, title: str, x: str, series: str, xlabel: str, ylabel: str):
    """A strip of pictures over what `shown.frame` measures against `x`, one line a `series`."""
    fig, ax = _strip(shown, shown.tiles[title])
    for i, (name, line) in enumerate(shown.frame.groupby(series, sort=False)):
        ax.plot(line[x], line.measured, marker=MARKERS[i], label=name, **look(i))
        at, colour = line[x].to_numpy(float), COLOURS[i]
        ax.fill_between(at, line.low, line.high, color=colour, alpha=0.12, lw=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.03, 1.05))
    ax.legend()
    return fig


@styled
def mesh_views(frame: pd.DataFrame, *, flat: bool):
    """A face mesh (point, x, y, z): flat with depth as colour, or in space from two sides."""
    if flat:
        fig, ax = plt.subplots(figsize=(4.4, 4.6))
        dots = ax.scatter(frame.x, -frame.y, c=frame.z, s=9, cmap="cividis", marker=MARKERS[0])
        ax.set(xlabel="x (distance of the eyes)", ylabel="y (distance of the eyes)", aspect="equal")
        fig.colorbar(dots, ax=ax, label="z, towards the viewer", shrink=0.75)
        return fig
    fig = plt.figure(figsize=(8, 4))
    style = {"s": 7, "cmap": "cividis_r", "marker": MARKERS[0], "depthshade": False}
    for k, (elevation, turn) in enumerate(((8, -90), (12, -30))):
        ax = fig.add_subplot(1, 2, k + 1, projection="3d")
        ax.scatter(frame.x, -frame.z, -frame.y, c=-np.asarray(frame.z), **style)
        ax.view_init(elevation, turn)
        ax.set_aspect("equal")
        ax.set(xlabel="x", ylabel="z", zlabel="y")
    return fig


@styled
def hard_pictures(shown):
    """What all networks get wrong: shares by emotion, entropy of the votes, and the pictures.

    Pictures that may not be shown leave the lower row out.
    """
    frame, count = shown.frame, len(shown.images)
    fig = plt.figure(figsize=(9, 5.2 if count else 3.2))
    grid = fig.add_gridspec(2 if count else 1, 1, height_ratios=(2, 1) if count else None)
    top = grid[0].subgridspec(1, 2)
    left, right = fig.add_subplot(top[0]), fig.add_subplot(top[1])
    part = frame[frame.emotion != ""]
    left.bar(part.emotion, part.measured, color=COLOURS[0])
    left.vlines(part.emotion, part.low, part.high, color="0.25", lw=1)
    left.set(ylabel="share of the class that all get wrong")
    left.tick_params(axis="x", rotation=40)
    outlines = frame[frame["at"].notna()]
    for i, (name, line) in enumerate(outlines.groupby("group", sort=False)):
        right.step(line["at"], line.measured, where="mid", lw=1.4, label=name, **look(i))
    right.set(xlabel="entropy of the ten votes (bits)", ylabel="share of the group")
    right.legend()
    if count:
        below = grid[1].subgridspec(1, count)
        _titled_row(fig, [below[k] for k in range(count)], shown.images, shown.tiles["title"])
    return fig
