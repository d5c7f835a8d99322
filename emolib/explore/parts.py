"""The parts of the explorer that are not plots: a matrix whose cells are buttons, a histogram whose classes are buttons, a legend, colours."""

from __future__ import annotations

import html
from collections.abc import Callable

import numpy as np
from ipywidgets import HTML, Button, GridBox, Layout, VBox

from emolib.explore.linked import Colouring

GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "*": "★"}
LIGHT, DARK = "#ffffff", "#14171a"           # ground of the plots
ON_DARK = {"#000000": "#f2f2f2", "#0072B2": "#4da3ff"}        # what would sink into a dark ground is lifted
LONGEST = 14                                 # groups a legend names

STYLE = """<style>
.emolib-explorer {padding: 6px; color: var(--jp-ui-font-color1, currentColor)}
.emolib-explorer.emolib-dark {background: #14171a; color: #e8e8e8; --jp-ui-font-color0: #fff; --jp-ui-font-color1: #e8e8e8; --jp-ui-font-color2: #bbb;
  --jp-content-font-color1: #e8e8e8; --jp-layout-color0: #14171a; --jp-layout-color1: #1d2126; --jp-layout-color2: #2b3138; --jp-border-color1: #555;
  --jp-widgets-color: #e8e8e8; --jp-widgets-label-color: #e8e8e8; --jp-widgets-input-color: #e8e8e8; --jp-widgets-input-background-color: #1d2126;
  --jp-widgets-input-border-color: #666; --jp-inverse-layout-color3: #eee}
.emolib-explorer button:focus-visible, .emolib-explorer select:focus-visible {outline: 3px solid #E69F00; outline-offset: -1px}
.emolib-cell {padding: 0 !important; min-width: 0; font-variant-numeric: tabular-nums; border: 1px solid transparent}
.emolib-explorer .emolib-cell, .emolib-explorer .emolib-class {color: inherit; background-color: color-mix(in srgb, currentColor 4%, transparent)}
.emolib-right {border-color: color-mix(in srgb, currentColor 45%, transparent) !important}
.emolib-head {overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 11px; line-height: 22px}
.emolib-bar {width: 100%; min-width: 120px; display: grid; grid-template-columns: 1fr 6em; gap: 6px; align-items: center; font-size: 12px; font-variant-numeric: tabular-nums}
.emolib-bar span:first-child {height: 12px; display: block; position: relative; background: color-mix(in srgb, currentColor 10%, transparent)}
.emolib-bar i {position: absolute; inset: 0 auto 0 0; background: #0072B2}
.emolib-legend {display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 12px}
.emolib-note {opacity: .75; font-size: 12px; line-height: 1.35}
</style>"""


class Matrix(VBox):
    """True classes down, named classes across; each cell is a button that can be reached by keyboard. `clicked(true, named)`."""

    def __init__(self, title: str, classes: tuple[str, ...], clicked: Callable[[int, int], None]):
        self.classes = classes
        self.caption = HTML()
        self.title = title
        short = [html.escape(c) for c in classes]
        children = [HTML('<div class="emolib-head">true \\ named</div>')]
        children += [HTML(f'<div class="emolib-head" title="{c}">{c[:6]}</div>') for c in short]
        self.cells = np.empty((len(classes), len(classes)), object)
        for t, name in enumerate(short):
            children.append(HTML(f'<div class="emolib-head" title="{name}">{name}</div>'))
            for n in range(len(classes)):
                cell = Button(description="0", layout=Layout(width="auto", height="24px", margin="0"))
                cell.add_class("emolib-cell")
                if t == n:
                    cell.add_class("emolib-right")
                cell.on_click(lambda _, t=t, n=n: clicked(t, n))
                self.cells[t, n] = cell
                children.append(cell)
        grid = GridBox(children, layout=Layout(grid_template_columns=f"5.5em repeat({len(classes)}, minmax(30px, 1fr))", grid_gap="1px", width="100%"))
        super().__init__([self.caption, grid])
        self.counts = np.full((len(classes), len(classes)), -1)

    def show(self, counts: np.ndarray, words: str) -> None:
        """Put counts (C, C) into the cells, darker for a larger share of the true class; only what changed is sent."""
        self.caption.value = f"<b>{html.escape(self.title)}</b>: {html.escape(words)}"
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        for t, n in zip(*np.nonzero((counts != self.counts) | (counts.sum(1) != self.counts.sum(1))[:, None]), strict=True):
            cell = self.cells[t, n]
            with cell.hold_sync():
                cell.description = f"{counts[t, n]:,}"
                cell.tooltip = f"{self.classes[t]} called {self.classes[n]}: {counts[t, n]:,} points, {100 * share[t, n]:.0f} % of {self.classes[t]}"
            cell.style.button_color = f"rgba(0, 114, 178, {0.6 * share[t, n]:.2f})"
        self.counts = counts.copy()


class Histogram(VBox):
    """One row a class: a button that selects it, and how many of its points are selected. `clicked(class index)`."""

    def __init__(self, classes: tuple[str, ...], clicked: Callable[[int], None]):
        self.bars = [HTML() for _ in classes]
        rows = []
        for c, name in enumerate(classes):
            button = Button(description=name, tooltip=f"select every {name}", layout=Layout(width="6.5em", height="22px", margin="0"))
            button.add_class("emolib-class")
            button.on_click(lambda _, c=c: clicked(c))
            rows += [button, self.bars[c]]
        super().__init__([HTML("<b>Classes of the selection</b>"),
                          GridBox(rows, layout=Layout(grid_template_columns="6.5em 1fr", grid_gap="2px 8px", width="100%"))])

    def show(self, counts: np.ndarray, every: np.ndarray) -> None:
        """Bars of the selected counts (C,) beside those of all points (C,)."""
        for bar, n, of in zip(self.bars, counts, every, strict=True):
            wide = 100 * n / max(1, counts.max())
            bar.value = f'<div class="emolib-bar"><span><i style="width:{wide:.1f}%"></i></span><span>{n:,} of {of:,}</span></div>'


def ground(dark: bool) -> str:
    """Colour behind the points."""
    return DARK if dark else LIGHT


def shade(colour: str, dark: bool) -> str:
    """The colour of a group as it is seen on this ground."""
    return ON_DARK.get(colour, colour) if dark else colour


def legend(shown: Colouring, dark: bool) -> str:
    """Colours and shapes as text. Points on screen have one shape only; the exported drawing has them all, and so does this."""
    if shown.values is not None:
        return ('<div class="emolib-legend"><span>confidence: 0</span><span style="width:9em;background:linear-gradient(90deg,#00224e,#7d7c78,#fee838)">'
                "</span><span>1</span></div>")
    counts = np.bincount(shown.groups, minlength=len(shown.names))
    parts = [f'<span><span style="color:{shade(c, dark)}">{GLYPHS[m]}</span> {html.escape(n)} ({k:,})</span>'
             for n, c, m, k in list(zip(shown.names, shown.colours, shown.markers, counts, strict=True))[:LONGEST]]
    more = f"<span>and {len(shown.names) - LONGEST} more; colours repeat</span>" if len(shown.names) > LONGEST else ""
    return f'<div class="emolib-legend">{"".join(parts)}{more}</div>'
