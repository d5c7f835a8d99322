"""Drawings of measured outcomes: one function per kind of chart."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from emolib.reproduction.report.plots.style import COLOURS, DASHES, MARKERS, foot, styled


@styled
def boxes(frame: pd.DataFrame, *, ylabel: str):
    """Box plot of `measured` by `feature`: quartiles, whiskers at 1.5 box lengths, every outlier drawn."""
    fig, ax = plt.subplots(figsize=(7, 3.2))
    names = list(dict.fromkeys(frame.feature))
    drawn = ax.boxplot(
        [frame.measured[frame.feature == n] for n in names],
        tick_labels=names,
        patch_artist=True,
        medianprops={"color": "black"},
        flierprops={"marker": ".", "markersize": 3, "alpha": 0.5},
    )
    for box, name in zip(drawn["boxes"], names, strict=True):
        box.set_facecolor(COLOURS[0] if name.startswith("LPQ") else COLOURS[5])
    ax.set(ylabel=ylabel, xlabel="principal component (five of LPQ, five of PHOG)")
    return foot(fig)


@styled
def lines(
    frame: pd.DataFrame,
    *,
    x: str,
    series: str,
    panels: str | None = None,
    xlabel: str,
    ylabel: str,
    chance: float | None = None,
    panel_title="{}",
    share_x: bool = False,
    marked: bool = True,
    across: int | None = None,
    share_y: bool = True,
):
    """`measured` with its interval over `x`, one line per `series`, one panel per `panels`, `across` of them side by side.

    marked   a mark at each value
    """
    if panels is None:
        frame, panels = frame.assign(panel=""), "panel"
    parts = list(dict.fromkeys(frame[panels]))
    across = across or len(parts)
    down = -(-len(parts) // across)
    fig, axes = plt.subplots(
        down,
        across,
        figsize=(3.9 * across + 0.6, 2.9 * down + 0.5),
        sharey=share_y,
        sharex=share_x,
        squeeze=False,
    )
    names = list(dict.fromkeys(frame[series]))
    for ax, part in zip(axes.flat, parts, strict=True):
        for i, name in enumerate(names):
            line = frame[(frame[panels] == part) & (frame[series] == name)].sort_values(x)
            ax.plot(
                line[x],
                line.measured,
                marker=MARKERS[i % 8] if marked else "",
                ls=DASHES[i % 4],
                color=COLOURS[i % 8],
                ms=4,
                label=name,
            )
            if "low" in line and line.low.notna().any():
                ax.fill_between(
                    line[x].to_numpy(float),
                    line.low,
                    line.high,
                    color=COLOURS[i % 8],
                    alpha=0.10,
                    lw=0,
                )
        if chance is not None:
            ax.axhline(chance, color="0.4", lw=0.8, ls=":")
            ax.text(
                0.99,
                chance,
                "chance ",
                transform=ax.get_yaxis_transform(),
                ha="right",
                va="bottom",
                fontsize=7,
                color="0.4",
            )
        ax.set(title=panel_title.format(part), xlabel=xlabel)
    for row in axes:
        row[0].set_ylabel(ylabel)
    fig.legend(
        *axes[0][0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=min(4, len(names)),
    )
    return foot(fig)


def fits(frame: pd.DataFrame):
    """Learning curves of a loss with their range: training and validation `pictures`, one panel per `panel`."""
    return lines(
        frame,
        x="epoch",
        series="pictures",
        panels="panel",
        xlabel="epoch",
        ylabel="cross-entropy (nats)",
        marked=False,
    )


@styled
def sweep(frame: pd.DataFrame, *, chance: float):
    """Figure 6 of wang: mean recall over hidden units (left pair) and over the least angle (right pair)."""
    frame = frame[frame.protocol == frame.protocol.iloc[0]]
    fig, axes = plt.subplots(1, 4, figsize=(11.5, 3.4), sharey=True)
    panels = [(s, f) for s in ("hidden units", "least angle") for f in ("LBP", "PHOG")]
    for ax, (kind, features) in zip(axes, panels, strict=True):
        part = frame[(frame.sweep == kind) & (frame.features == features)]
        for i, (reading, line) in enumerate(part.groupby("reading", sort=False)):
            ax.plot(
                line.value,
                line.measured,
                marker=MARKERS[i],
                ls=DASHES[i],
                color=COLOURS[i],
                ms=4,
                label=reading,
            )
            ax.fill_between(
                line.value.astype(float), line.low, line.high, color=COLOURS[i], alpha=0.08, lw=0
            )
        ax.axhline(chance, color="0.4", lw=0.8, ls=":", label="chance" if ax is axes[0] else None)
        ax.set(
            title=features,
            xlabel="hidden units, at 60 degrees"
            if kind == "hidden units"
            else "least angle (degrees), 16 units",
        )
    axes[0].set_ylabel("mean recall of seven emotions")
    fig.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=5,
        title="angles taken",
    )
    return foot(fig)


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
    """Grouped bars of `measured` with intervals; a printed value stands beside its bar as a black diamond."""
    parts = list(dict.fromkeys(frame[panels])) if panels else [None]
    fig, axes = plt.subplots(
        len(parts),
        1,
        figsize=(8.5, 2.6 * len(parts) + 0.5),
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    groups, names = list(dict.fromkeys(frame[x])), list(dict.fromkeys(frame[series]))
    width = 0.8 / len(names)
    for ax, part in zip(axes[:, 0], parts, strict=True):
        data = frame if part is None else frame[frame[panels] == part]
        for i, name in enumerate(names):
            bar = data[data[series] == name].set_index(x).reindex(groups)
            at = np.arange(len(groups)) + (i - (len(names) - 1) / 2) * width
            ax.bar(
                at,
                bar.measured,
                width * 0.92,
                color=COLOURS[i % 8],
                label=name,
                hatch=("", "//", "..", "xx")[i % 4],
                edgecolor="white",
                lw=0,
            )
            if "low" in bar:
                ax.vlines(at, bar.low, bar.high, color="0.25", lw=1)
            if printed is not None:
                mark = printed[printed[series] == name].set_index(x).reindex(groups)
                ax.plot(
                    at,
                    mark["value"],
                    "D",
                    color="black",
                    ms=4,
                    label="printed" if i == len(names) - 1 else None,
                )
        if chance is not None:
            ax.axhline(chance, color="0.4", lw=0.8, ls=":")
        ax.set(ylabel=ylabel, title=part or "")
        ax.set_xticks(range(len(groups)), [textwrap.fill(str(g), 18) for g in groups])
    fig.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return foot(fig)


@styled
def confusion(frame: pd.DataFrame, *, across: int = 3):
    """One matrix per (panel, protocol): rows true, columns named, shares of the true class in per cent."""
    panels = list(dict.fromkeys(zip(frame.panel, frame.protocol, strict=True)))
    down = -(-len(panels) // across)
    fig, axes = plt.subplots(
        down, across, figsize=(3.5 * across, 3.2 * down), squeeze=False, sharex=True, sharey=True
    )
    names = list(dict.fromkeys(frame.true))
    for ax, (panel, protocol) in zip(axes.flat, panels, strict=False):
        part = frame[(frame.panel == panel) & (frame.protocol == protocol)]
        share = (
            part.pivot(index="true", columns="named", values="measured")
            .reindex(index=names, columns=names)
            .to_numpy()
        )
        ax.imshow(share, cmap="cividis", vmin=0, vmax=0.6)
        for (i, j), v in np.ndenumerate(share):
            ax.text(
                j,
                i,
                f"{100 * v:.0f}",
                ha="center",
                va="center",
                fontsize=7,
                color="white" if v < 0.35 else "black",
            )
        ax.set_title(f"{panel}\n{protocol}", fontsize=8)
        ax.set_xticks(range(len(names)), names, rotation=60, ha="right")
        ax.set_yticks(range(len(names)), names)
        ax.grid(False)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    fig.supxlabel("named (per cent of the true class)", fontsize=9)
    fig.supylabel("true", fontsize=9)
    return foot(fig)


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
    """One row per `label`, `row` inches high, one mark with its interval per `series`; printed values as vertical lines, `zero` names that of `chance`."""
    fig, ax = plt.subplots(figsize=(8.5, row * frame[label].nunique() + 1.6))
    rows, names = list(dict.fromkeys(frame[label])), list(dict.fromkeys(frame[series]))
    for i, name in enumerate(names):
        part = frame[frame[series] == name].set_index(label).reindex(rows)
        at = np.arange(len(rows)) + (i - (len(names) - 1) / 2) * 0.8 / len(names)
        ax.hlines(at, part.low, part.high, color=COLOURS[i % 8], lw=1.5)
        ax.plot(part.measured, at, MARKERS[i % 8], color=COLOURS[i % 8], ms=5, label=name)
    for text, value in printed.items():
        ax.axvline(value, color="black", lw=1, ls="--")
        ax.text(value, -0.75, f" {text}", fontsize=7.5, va="bottom")
    ax.axvline(chance, color="0.4", lw=0.8, ls=":")
    ax.text(chance, -0.75, f" {zero}", fontsize=7.5, va="bottom", color="0.4")
    ax.set_yticks(range(len(rows)), rows)
    ax.invert_yaxis()
    ax.set(xlabel=xlabel)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return foot(fig)


@styled
def steps(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    series: str,
    xlabel: str,
    ylabel: str,
    mark: float | None = None,
    mark_text: str = "",
):
    """Step lines, one per `series`; `mark` draws a vertical line with a note."""
    fig, ax = plt.subplots(figsize=(6, 3.2))
    for i, (name, line) in enumerate(frame.groupby(series, sort=False)):
        ax.step(line[x], line[y], where="post", marker=MARKERS[i], ms=4, ls=DASHES[i], label=name)
    if mark is not None:
        ax.axvline(mark, color="0.4", lw=0.8, ls=":")
        ax.text(mark, ax.get_ylim()[1], f" {mark_text}", va="top", fontsize=8, color="0.3")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend()
    return foot(fig)


@styled
def band(frame: pd.DataFrame, *, low: float, high: float, ylabel: str = "amplitude (grey levels)"):
    """Amplitude over frequency (`evm.spectrum(...).frame()`), one line per `series`; the band from `low` to `high` Hz is shaded."""
    fig, ax = plt.subplots(figsize=(6.5, 3.2))
    for i, (name, line) in enumerate(frame.groupby("series", sort=False)):
        ax.plot(
            line.hertz, line.measured, ls=DASHES[i % 4], color=COLOURS[i % 8], lw=1.3, label=name
        )
    ax.axvspan(low, high, color="0.85", zorder=0, label=f"band, {low:g} to {high:g} Hz")
    ax.set(xlabel="frequency (Hz)", ylabel=ylabel, ylim=(0, None))
    ax.legend()
    return foot(fig)
