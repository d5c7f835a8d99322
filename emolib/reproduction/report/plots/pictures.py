"""Pictures and sounds as a study hands them over (`studies.outcome.Pictures`), with what was found in them drawn on top."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, DASHES, MARKERS, foot, styled


def _tile(ax, image):
    ax.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)


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
    """A sheet of tiles, `across` of them in a row; points and boxes of `shown` are drawn on their tile.

    title   column of the tiles that stands over each tile
    side    column that names each row (read from its first tile);   head   column that names each column
    """
    count = len(shown.images)
    down = -(-count // across)
    height, width = shown.images.shape[1:3]
    fig, axes = plt.subplots(
        down,
        across,
        figsize=(
            size * across + (0.8 if side else 0),
            size * height / width * down * (1.12 if title else 1) + 0.3,
        ),
        squeeze=False,
    )
    for k, ax in enumerate(axes.flat):
        if k >= count:
            ax.set_axis_off()
            continue
        _tile(ax, shown.images[k])
        if shown.points is not None:
            ax.plot(
                *shown.points[k].T,
                ".",
                color=COLOURS[4],
                ms=max(1.0, 2.2 * size / 1.35),
                mec="none",
            )
        if shown.links is not None:
            for a, b in shown.links:
                ax.plot(*shown.points[k][[a, b]].T, color=COLOURS[5], lw=1.2)
        if shown.boxes is not None:
            left, top, right, bottom = shown.boxes[k]
            ax.add_patch(
                plt.Rectangle(
                    (left, top), right - left, bottom - top, fill=False, color=COLOURS[5], lw=1.5
                )
            )
        if title:
            ax.set_title(str(shown.tiles[title].iloc[k]), fontsize=7, pad=2)
        if side and k % across == 0:
            ax.set_ylabel(
                str(shown.tiles[side].iloc[k]), rotation=0, ha="right", va="center", fontsize=8
            )
        if head and k < across:
            ax.set_title(str(shown.tiles[head].iloc[k]), fontsize=8, pad=3)
    return foot(fig)


@styled
def spectrograms(
    frame: pd.DataFrame,
    *,
    panel: str = "panel",
    across: int = 4,
    ylabel: str = "mel band",
    unit: str = "dB",
):
    """One picture per `panel`: columns second, band, measured; one scale for all, dark is quiet."""
    names = list(dict.fromkeys(frame[panel]))
    down = -(-len(names) // across)
    fig, axes = plt.subplots(
        down,
        across,
        figsize=(2.7 * across + 0.9, 2.0 * down + 0.5),
        squeeze=False,
        sharex=True,
        sharey=True,
    )
    top = frame.measured.max()
    for ax, name in zip(axes.flat, names, strict=False):
        part = frame[frame[panel] == name].pivot(index="band", columns="second", values="measured")
        mesh = ax.imshow(
            part.to_numpy(),
            origin="lower",
            aspect="auto",
            cmap="magma",
            vmin=top - 70,
            vmax=top,
            interpolation="nearest",
            extent=(part.columns[0], part.columns[-1], part.index[0], part.index[-1]),
        )
        ax.set_title(name, fontsize=8)
        ax.grid(False)
    axes.flat[0].set_xlim(
        frame.second.min(), frame.second.max()
    )  # shared: the last picture would set it
    for ax in axes.flat[len(names) :]:
        ax.set_axis_off()
    fig.supxlabel("time (s)", fontsize=9)
    fig.supylabel(ylabel, fontsize=9)
    fig.colorbar(mesh, ax=axes, label=unit, shrink=0.8)
    return foot(fig)


@styled
def tracks(frame: pd.DataFrame, *, panels: str, series: str, ylabel: str):
    """Lines over `second`, one panel under another, one line per `series`."""
    parts, names = list(dict.fromkeys(frame[panels])), list(dict.fromkeys(frame[series]))
    fig, axes = plt.subplots(
        len(parts),
        1,
        figsize=(8.5, 1.7 * len(parts) + 0.6),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    for ax, part in zip(axes[:, 0], parts, strict=True):
        _lines(ax, frame[frame[panels] == part], series, names)
        ax.set(ylabel=ylabel.format(part))
    axes[-1, 0].set_xlabel("time (s)")
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=min(5, len(names)),
    )
    return foot(fig)


def _lines(ax, part, series, names):
    for i, name in enumerate(names):
        line = part[part[series] == name]
        ax.plot(
            line.second, line.measured, ls=DASHES[i % 4], color=COLOURS[i % 8], lw=1.2, label=name
        )


@styled
def strip_with_tracks(shown, *, series: str = "axis", ylabel: str = "annotation, -1 to 1"):
    """A strip of frames over the tracks (the frame of `shown`) of the same video; a dotted line marks each frame's moment."""
    tracks = shown.frame
    fig, ax = _strip(shown, [f"{t:.1f} s" for t in shown.tiles.second])
    _lines(ax, tracks, series, list(dict.fromkeys(tracks[series])))
    for second in shown.tiles.second:
        ax.axvline(second, color="0.6", lw=0.6, ls=":")
    ax.set(xlabel="time (s)", ylabel=ylabel, ylim=(-1.05, 1.05))
    ax.legend(loc="upper right", ncols=2)
    return foot(fig)


@styled
def strip_with_names(shown, *, ylabel: str = "probability"):
    """Frames of a film, each in a border of the colour of the emotion named there, over that emotion's probability line; the true one is thicker.

    shown   tiles: second, named, true; frame: second, emotion, measured, drawn (bool: is it one of the lines)
    """
    fig, ax = _strip(
        shown,
        [f"{t:.1f} s\n{n}" for t, n in zip(shown.tiles.second, shown.tiles.named, strict=True)],
    )
    lines = shown.frame[shown.frame.drawn]
    names = list(dict.fromkeys([shown.tiles["true"].iloc[0], *lines.emotion]))
    colour = {
        n: COLOURS[i % 8]
        for i, n in enumerate(
            [*names, *(n for n in dict.fromkeys(shown.frame.emotion) if n not in names)]
        )
    }
    for tile, named in zip(fig.axes, shown.tiles.named, strict=False):
        for side in tile.spines.values():
            side.set(visible=True, color=colour[named], linewidth=4)
    for i, name in enumerate(names):
        line = lines[lines.emotion == name]
        ax.plot(
            line.second,
            line.measured,
            color=colour[name],
            ls=DASHES[i % 4],
            lw=2.4 if i == 0 else 1.2,
            label=f"{name} (true)" if i == 0 else name,
        )
    ax.set(xlabel="time (s)", ylabel=ylabel, ylim=(-0.03, 1.03))
    ax.legend(loc="upper right", ncols=len(names))
    return foot(fig)


def _strip(shown, titles):
    """A figure with the pictures of `shown` in a row on top; returns it and the axes below."""
    fig, count = plt.figure(figsize=(9, 3.6)), len(shown.images)
    grid = fig.add_gridspec(2, count, height_ratios=(1, 1.5))
    for k in range(count):
        ax = fig.add_subplot(grid[0, k])
        _tile(ax, shown.images[k])
        ax.set_title(titles[k], fontsize=7, pad=2)
    return fig, fig.add_subplot(grid[1, :])


@styled
def strip_with_lines(shown, *, title: str, x: str, series: str, xlabel: str, ylabel: str):
    """A strip of pictures over what the frame of `shown` measures against `x`, one line a `series`."""
    fig, ax = _strip(shown, list(shown.tiles[title].astype(str)))
    for i, (name, line) in enumerate(shown.frame.groupby(series, sort=False)):
        ax.plot(
            line[x], line.measured, marker=MARKERS[i], ls=DASHES[i], color=COLOURS[i], label=name
        )
        ax.fill_between(
            line[x].to_numpy(float), line.low, line.high, color=COLOURS[i], alpha=0.12, lw=0
        )
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.03, 1.05))
    ax.legend()
    return foot(fig)


@styled
def mesh_views(frame: pd.DataFrame, *, flat: bool, marker: str = MARKERS[0]):
    """A face mesh (point, x, y, z): laid flat with depth as colour, or in space from the front and from the side."""
    if flat:
        fig, ax = plt.subplots(figsize=(4.4, 4.6))
        dots = ax.scatter(frame.x, -frame.y, c=frame.z, s=9, cmap="cividis", marker=marker)
        ax.set(xlabel="x (distance of the eyes)", ylabel="y (distance of the eyes)", aspect="equal")
        fig.colorbar(dots, ax=ax, label="z, towards the viewer", shrink=0.75)
        return foot(fig)
    fig = plt.figure(figsize=(8, 4))
    for k, (elevation, turn) in enumerate(((8, -90), (12, -30))):
        ax = fig.add_subplot(1, 2, k + 1, projection="3d")
        ax.scatter(
            frame.x,
            -frame.z,
            -frame.y,
            c=-np.asarray(frame.z),
            s=7,
            cmap="cividis_r",
            marker=marker,
            depthshade=False,
        )
        ax.view_init(elevation, turn)
        ax.set_aspect("equal")
        ax.set(xlabel="x", ylabel="z", zlabel="y")
    return foot(fig)


@styled
def hard_pictures(shown, *, ylabel: str = "share of the class that all get wrong"):
    """Shares with their intervals by emotion, outlines of the entropy of the votes by group, and below them the pictures, if any may be shown."""
    frame, count = shown.frame, len(shown.images)
    fig = plt.figure(figsize=(9, 5.2 if count else 3.2))
    grid = fig.add_gridspec(2 if count else 1, 1, height_ratios=(2, 1) if count else None)
    top = grid[0].subgridspec(1, 2)
    left, right = fig.add_subplot(top[0]), fig.add_subplot(top[1])
    part = frame[frame.emotion != ""]
    left.bar(part.emotion, part.measured, color=COLOURS[0])
    left.vlines(part.emotion, part.low, part.high, color="0.25", lw=1)
    left.set(ylabel=ylabel)
    left.tick_params(axis="x", rotation=40)
    outlines = frame[frame["at"].notna()]
    for i, (name, line) in enumerate(outlines.groupby("group", sort=False)):
        right.step(
            line["at"],
            line.measured,
            where="mid",
            color=COLOURS[i],
            ls=DASHES[i],
            lw=1.4,
            label=name,
        )
    right.set(xlabel="entropy of the ten votes (bits)", ylabel="share of the group")
    right.legend()
    if count:
        below = grid[1].subgridspec(1, count)
        for k in range(count):
            ax = fig.add_subplot(below[k])
            _tile(ax, shown.images[k])
            ax.set_title(str(shown.tiles["title"].iloc[k]), fontsize=7, pad=2)
    return foot(fig)
