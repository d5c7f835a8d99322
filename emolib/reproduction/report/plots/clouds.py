"""Points in a plane, told apart by colour and by shape."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from emolib.reproduction.report.plots.style import foot, styled

FEW = 16  # groups a legend still names
MANY = 3000  # points above which a drawing holds them as pixels


@styled
def clouds(panels, *, selected=(), across: int = 2, size: float = 4.2):
    """Scatter plots side by side, without axes: only nearness means anything.

    panels    (name, places (N, 2), colouring) each; a colouring has groups, names, colours and markers, or values in [0, 1]
    selected  row numbers drawn in full while the others fade; empty: all are full
    """
    panels = list(panels)
    across = min(across, len(panels))
    down = -(-len(panels) // across)
    fig, axes = plt.subplots(
        down, across, figsize=(size * across, size * down + 0.9), squeeze=False
    )
    shared = (
        len({(shown.by, shown.names) for _, _, shown in panels}) == 1
    )  # one legend for all, or one below each
    for ax, (name, xy, shown) in zip(axes.flat, panels, strict=False):
        full = np.isin(np.arange(len(xy)), selected) if len(selected) else np.ones(len(xy), bool)
        area, dense = float(np.clip(12000 / len(xy), 4, 26)), len(xy) > MANY
        if shown.values is not None:
            for part, alpha in ((~full, 0.12), (full, 0.85)):
                dots = ax.scatter(
                    *xy[part].T,
                    c=shown.values[part],
                    cmap="cividis",
                    vmin=0,
                    vmax=1,
                    s=area,
                    alpha=alpha,
                    lw=0,
                    rasterized=dense,
                )
        else:
            for group, (colour, marker) in enumerate(
                zip(shown.colours, shown.markers, strict=True)
            ):
                for part, alpha in ((~full, 0.12), (full, 0.8)):
                    mine = part & (shown.groups == group)
                    ax.scatter(
                        *xy[mine].T,
                        c=colour,
                        marker=marker,
                        s=area,
                        alpha=alpha,
                        lw=0,
                        rasterized=dense,
                    )
            keys = [
                plt.Line2D([], [], ls="", marker=m, color=c, label=n)
                for n, c, m in zip(shown.names, shown.colours, shown.markers, strict=True)
            ]
            if not shared and len(keys) <= FEW:
                ax.legend(
                    handles=keys,
                    loc="upper center",
                    bbox_to_anchor=(0.5, 0),
                    ncols=min(4, len(keys)),
                    fontsize=7,
                    handletextpad=0.2,
                    columnspacing=0.8,
                )
        ax.set_title(name, fontsize=9)
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(-1.06, 1.06), ylim=(-1.06, 1.06))
        ax.grid(False)
        ax.spines[:].set_visible(True)
        ax.spines[:].set_color("0.8")
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    if any(shown.values is not None for _, _, shown in panels):
        fig.colorbar(dots, ax=axes, shrink=0.7, label="confidence")
    elif shared and len(keys) <= FEW:
        fig.legend(handles=keys, loc="outside upper center", ncols=min(8, len(keys)), fontsize=8)
    return foot(fig)
