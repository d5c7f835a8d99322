"""Points in a plane, told apart by colour and by shape."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from emolib.reproduction.report.plots.style import grid_of, styled

FEW = 16  # groups a legend still names
MANY = 3000  # points above which a drawing holds them as pixels


@styled
def clouds(panels, *, selected=(), across: int = 2, size: float = 4.2):
    """Scatter plots side by side, without axes: only nearness means anything.

    panels    (name, places (N, 2), colouring) each; a colouring has groups, names, colours and
              markers, or values in [0, 1]
    selected  row numbers drawn in full while the others fade; empty: all are full
    """
    panels = list(panels)
    fig, axes = grid_of(len(panels), min(across, len(panels)), (size, size), 0.9)
    # one legend for all, or one below each
    shared = len({(shown.by, shown.names) for _, _, shown in panels}) == 1
    for ax, (name, xy, shown) in zip(axes.flat, panels):
        full = np.isin(np.arange(len(xy)), selected) if len(selected) else np.ones(len(xy), bool)
        area = float(np.clip(12000 / len(xy), 4, 26))
        look = {"s": area, "lw": 0, "rasterized": len(xy) > MANY}
        if shown.values is not None:
            look |= {"cmap": "cividis", "vmin": 0, "vmax": 1}
            for part, alpha in ((~full, 0.12), (full, 0.85)):
                dots = ax.scatter(*xy[part].T, c=shown.values[part], alpha=alpha, **look)
        else:
            keys = []
            kinds = zip(shown.names, shown.colours, shown.markers, strict=True)
            for group, (label, colour, marker) in enumerate(kinds):
                style = {"marker": marker, "label": label}
                keys.append(plt.Line2D([], [], ls="", color=colour, **style))
                for part, alpha in ((~full, 0.12), (full, 0.8)):
                    own = xy[part & (shown.groups == group)]
                    ax.scatter(*own.T, c=colour, marker=marker, alpha=alpha, **look)
            if not shared and len(keys) <= FEW:
                close = {"fontsize": 7, "handletextpad": 0.2, "columnspacing": 0.8}
                below = {"loc": "upper center", "bbox_to_anchor": (0.5, 0)}
                ax.legend(handles=keys, ncols=min(4, len(keys)), **below, **close)
        ax.set_title(name, fontsize=9)
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(-1.06, 1.06), ylim=(-1.06, 1.06))
        ax.grid(False)
        ax.spines[:].set_visible(True)
        ax.spines[:].set_color("0.8")
    if any(shown.values is not None for _, _, shown in panels):
        fig.colorbar(dots, ax=axes, shrink=0.7, label="confidence")
    elif shared and len(keys) <= FEW:
        fig.legend(handles=keys, loc="outside upper center", ncols=min(8, len(keys)), fontsize=8)
    return fig
