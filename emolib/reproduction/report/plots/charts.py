"""Drawings of measured outcomes: one function per kind of chart."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import (
    COLOURS,
    MARKERS,
    crossed,
    grid_of,
    legend,
    look,
    styled,
    unique,
)

QUIET = {"color": "0.4", "lw": 0.8, "ls": ":"}  # lines of chance and of marks


@styled
def boxes(frame: pd.DataFrame, *, ylabel: str):
    """Box plot of `measured` by `feature`: quartiles, whiskers at 1.5 box lengths, outliers."""
    fig, ax = plt.subplots(figsize=(7, 3.2))
    names = unique(frame.feature)
    drawn = ax.boxplot(
        [frame.measured[frame.feature == name] for name in names],
        tick_labels=names,
        patch_artist=True,
        medianprops={"color": "black"},
        flierprops={"marker": ".", "markersize": 3, "alpha": 0.5},
    )
    for box, name in zip(drawn["boxes"], names, strict=True):
        box.set_facecolor(COLOURS[0] if name.startswith("LPQ") else COLOURS[5])
    ax.set(ylabel=ylabel, xlabel="principal component (five of LPQ, five of PHOG)")
    return fig


@styled
def lines(
    frame: pd.DataFrame,
    *,
    x: str,
    series: str,
    xlabel: str,
    ylabel: str,
    panels: str | None = None,
    chance: float | None = None,
    marked: bool = True,
    across: int | None = None,
    share_y: bool = True,
):
    """`measured` with its interval over `x`, a line per `series`, a panel per `panels`.

    marked   a mark at each value;   across   panels side by side (default: all)
    """
    if panels is None:
        frame, panels = frame.assign(panel=""), "panel"
    parts, names = unique(frame[panels]), unique(frame[series])
    across = across or len(parts)
    down = -(-len(parts) // across)
    size = (3.9 * across + 0.6, 2.9 * down + 0.5)
    fig, axes = plt.subplots(down, across, figsize=size, sharey=share_y, squeeze=False)
    for ax, part in zip(axes.flat, parts, strict=True):
        for i, name in enumerate(names):
            line = frame[(frame[panels] == part) & (frame[series] == name)].sort_values(x)
            marker = MARKERS[i % 8] if marked else ""
            ax.plot(line[x], line.measured, marker=marker, ms=4, label=name, **look(i))
            if "low" in line and line.low.notna().any():
                _interval(ax, line[x], line, i, 0.10)
        if chance is not None:
            ax.axhline(chance, **QUIET)
            place = {"transform": ax.get_yaxis_transform(), "ha": "right", "va": "bottom"}
            ax.text(0.99, chance, "chance ", fontsize=7, color="0.4", **place)
        ax.set(title=part, xlabel=xlabel)
    for row in axes:
        row[0].set_ylabel(ylabel)
    legend(fig, axes[0][0], min(4, len(names)))
    return fig


def _interval(ax, x, line: pd.DataFrame, i: int, alpha: float):
    """The interval of the i-th line as a band."""
    x = np.asarray(x, float)
    ax.fill_between(x, line.low, line.high, color=COLOURS[i % 8], alpha=alpha, lw=0)


def fits(frame: pd.DataFrame):
    """Learning curves of a loss: training and validation `pictures`, one panel per `panel`."""
    names = {"x": "epoch", "series": "pictures", "panels": "panel", "xlabel": "epoch"}
    return lines(frame, ylabel="cross-entropy (nats)", marked=False, **names)


@styled
def sweep(frame: pd.DataFrame, *, chance: float):
    """Figure 6 of wang: mean recall over hidden units (left pair) and least angle (right pair)."""
    frame = frame[frame.protocol == frame.protocol.iloc[0]]
    fig, axes = plt.subplots(1, 4, figsize=(11.5, 3.4), sharey=True)
    units, angle = "hidden units, at 60 degrees", "least angle (degrees), 16 units"
    pairs = (("hidden units", units), ("least angle", angle))
    shown = [(*pair, features) for pair in pairs for features in ("LBP", "PHOG")]
    for ax, (kind, xlabel, features) in zip(axes, shown, strict=True):
        part = frame[(frame.sweep == kind) & (frame.features == features)]
        for i, (reading, line) in enumerate(part.groupby("reading", sort=False)):
            ax.plot(line.value, line.measured, marker=MARKERS[i], ms=4, label=reading, **look(i))
            _interval(ax, line.value, line, i, 0.08)
        ax.axhline(chance, label="chance" if ax is axes[0] else None, **QUIET)
        ax.set(title=features, xlabel=xlabel)
    axes[0].set_ylabel("mean recall of seven emotions")
    legend(fig, axes[0], 5, title="angles taken")
    return fig


@styled
def bars(
    frame: pd.DataFrame,
    *,
    x: str,
    series: str,
    ylabel: str,
    printed: pd.DataFrame | None = None,
    panels: str | None = None,
    chance: float | None = None,
):
    """Grouped bars of `measured` with intervals; a printed value is a black diamond beside."""
    parts = unique(frame[panels]) if panels else [None]
    size = (8.5, 2.6 * len(parts) + 0.5)
    fig, axes = plt.subplots(len(parts), figsize=size, sharex=True, sharey=True, squeeze=False)
    groups, names = unique(frame[x]), unique(frame[series])
    width = 0.8 / len(names)
    for ax, part in zip(axes[:, 0], parts, strict=True):
        data = frame if part is None else frame[frame[panels] == part]
        for i, name in enumerate(names):
            bar = data[data[series] == name].set_index(x).reindex(groups)
            at = np.arange(len(groups)) + (i - (len(names) - 1) / 2) * width
            pattern = {"hatch": ("", "//", "..", "xx")[i % 4], "edgecolor": "white", "lw": 0}
            ax.bar(at, bar.measured, width * 0.92, color=COLOURS[i % 8], label=name, **pattern)
            if "low" in bar:
                ax.vlines(at, bar.low, bar.high, color="0.25", lw=1)
            if printed is not None:
                mark = printed[printed[series] == name].set_index(x).reindex(groups)
                label = "printed" if i == len(names) - 1 else None
                ax.plot(at, mark["value"], "D", color="black", ms=4, label=label)
        if chance is not None:
            ax.axhline(chance, **QUIET)
        ax.set(ylabel=ylabel, title=part or "")
        ax.set_xticks(range(len(groups)), [textwrap.fill(str(group), 18) for group in groups])
    legend(fig, axes[0][0], 4)
    return fig


@styled
def confusion(frame: pd.DataFrame, *, across: int = 3):
    """A matrix per (panel, protocol): rows true, columns named, per cent of the true class."""
    shown, names = unique(zip(frame.panel, frame.protocol, strict=True)), unique(frame.true)
    fig, axes = grid_of(len(shown), across, (3.5, 3.2), sharex=True, sharey=True)
    for ax, (panel, protocol) in zip(axes.flat, shown):
        part = frame[(frame.panel == panel) & (frame.protocol == protocol)]
        share = crossed(part, "true", "named", "measured", names, names)
        ax.imshow(share, cmap="cividis", vmin=0, vmax=0.6)
        for (i, j), v in np.ndenumerate(share):
            place = {"ha": "center", "va": "center", "color": "white" if v < 0.35 else "black"}
            ax.text(j, i, f"{100 * v:.0f}", fontsize=7, **place)
        ax.set_title(f"{panel}\n{protocol}", fontsize=8)
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right")
        ax.set_yticks(range(len(names)), names)
        ax.grid(False)
    fig.supxlabel("named (per cent of the true class)", fontsize=9)
    fig.supylabel("true", fontsize=9)
    return fig


@styled
def ladder(
    frame: pd.DataFrame,
    *,
    label: str,
    printed: dict[str, float],
    series: str,
    xlabel: str,
    chance: float,
    row: float = 0.62,
    zero: str = "chance",
):
    """One row per `label`, `row` inches high, a mark with its interval per `series`.

    Printed values are vertical lines; `zero` names the line of `chance`.
    """
    fig, ax = plt.subplots(figsize=(8.5, row * frame[label].nunique() + 1.6))
    rows, names = unique(frame[label]), unique(frame[series])
    for i, name in enumerate(names):
        part, colour = frame[frame[series] == name].set_index(label).reindex(rows), COLOURS[i % 8]
        at = np.arange(len(rows)) + (i - (len(names) - 1) / 2) * 0.8 / len(names)
        ax.hlines(at, part.low, part.high, color=colour, lw=1.5)
        ax.plot(part.measured, at, MARKERS[i % 8], color=colour, ms=5, label=name)
    for text, value in printed.items():
        ax.axvline(value, color="black", lw=1, ls="--")
        ax.text(value, -0.75, f" {text}", fontsize=7.5, va="bottom")
    ax.axvline(chance, **QUIET)
    ax.text(chance, -0.75, f" {zero}", fontsize=7.5, va="bottom", color="0.4")
    ax.set_yticks(range(len(rows)), rows)
    ax.invert_yaxis()
    ax.set(xlabel=xlabel)
    legend(fig, ax, 3)
    return fig


@styled
def steps(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    series: str,
    xlabel: str,
    ylabel: str,
    mark: float,
    mark_text: str,
):
    """Step lines, one per `series`; a vertical line with a note at `mark`."""
    fig, ax = plt.subplots(figsize=(6, 3.2))
    for i, (name, line) in enumerate(frame.groupby(series, sort=False)):
        ax.step(line[x], line[y], where="post", marker=MARKERS[i], ms=4, label=name, **look(i))
    ax.axvline(mark, **QUIET)
    ax.text(mark, ax.get_ylim()[1], f" {mark_text}", va="top", fontsize=8, color="0.3")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return fig


@styled
def band(frame: pd.DataFrame, *, low: float, high: float):
    """Amplitude over frequency (`evm.spectrum(...).frame()`), the band `low` to `high` shaded."""
    fig, ax = plt.subplots(figsize=(6.5, 3.2))
    for i, (name, line) in enumerate(frame.groupby("series", sort=False)):
        ax.plot(line.hertz, line.measured, lw=1.3, label=name, **look(i))
    ax.axvspan(low, high, color="0.85", zorder=0, label=f"band, {low:g} to {high:g} Hz")
    ax.set(xlabel="frequency (Hz)", ylabel="amplitude (grey levels)", ylim=(0, None))
    ax.legend()
    return fig
