"""The one vocabulary of our diagrams: boxes, arrows, groups and notes on a sheet in inches.

Kinds of boxes (light tints of Okabe and Ito's colours, each with its own edge, told apart in grey):

    data       what comes in or goes out            white, thin edge
    layer      has weights that are trained          blue tint
    frozen     has weights that are not trained      grey tint, dashed edge
    step       computes without weights              yellow tint
    loss       what training makes small             red tint, heavy edge

The ground is drawn white, so a diagram reads on a dark page too; no text is below 8 points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

INK, FAINT = "#1a1a1a", "#5a5a5a"
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DASHED = (0, (4, 2))
KINDS = {
    "data": {"facecolor": "white", "edgecolor": "#444444", "lw": 1.0},
    "layer": {"facecolor": "#d6e6f4", "edgecolor": BLUE, "lw": 1.2},
    "frozen": {"facecolor": "#e6e6e6", "edgecolor": "#555555", "lw": 1.2, "ls": DASHED},
    "step": {"facecolor": "#fbf3c4", "edgecolor": "#8a7400", "lw": 1.0},
    "loss": {"facecolor": "#f8dccb", "edgecolor": ORANGE, "lw": 1.8},
}
_MEANING = ("data", "trained", "not trained", "no weights", "loss")  # of KINDS, for a legend
TEXT, SMALL = 9.0, 8.0


@dataclass(frozen=True)
class Box:
    """A box on a sheet, centre and size in inches; arrows meet it at `left`, `right`, ..."""

    x: float
    y: float
    w: float
    h: float

    @property
    def left(self):
        return self.at("left", 0.5)

    @property
    def right(self):
        return self.at("right", 0.5)

    @property
    def top(self):
        return self.at("top", 0.5)

    @property
    def bottom(self):
        return self.at("bottom", 0.5)

    def at(self, side: str, share: float) -> tuple[float, float]:
        """A point on one side, `share` of the way along it (left to right, bottom to top)."""
        along, out = share - 0.5, 0.5 if side in ("top", "right") else -0.5
        if side in ("top", "bottom"):
            return self.x + along * self.w, self.y + out * self.h
        return self.x + out * self.w, self.y + along * self.h

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1."""
        half_w, half_h = self.w / 2, self.h / 2
        return self.x - half_w, self.y - half_h, self.x + half_w, self.y + half_h


@dataclass
class Sheet:
    """A figure in inches with the origin at the lower left; draws and remembers its parts."""

    width: float
    height: float
    fig: Figure = field(init=False)
    parts: list[dict] = field(default_factory=list)
    boxes: list[tuple[Box, object]] = field(default_factory=list)  # with the text that must fit
    words: list = field(default_factory=list)  # texts that stand free
    lines: list[tuple] = field(default_factory=list)  # straight pieces no word may lie on

    def __post_init__(self):
        size = (self.width, self.height)
        self.fig = Figure(figsize=size, facecolor="white", layout="none")  # no window, no state
        FigureCanvasAgg(self.fig)
        self.ax = self.fig.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, self.width), ylim=(0, self.height), aspect="equal")
        self.ax.set_axis_off()

    def note(self, part: str, kind: str, text: str, x: float, y: float):
        """A row of `frame`."""
        row = {"part": part, "kind": kind, "text": " ".join(text.split())}
        self.parts.append({**row, "x": round(x, 3), "y": round(y, 3)})

    def box(self, x, y, text, w=1.3, h=0.5, kind="layer", size=TEXT, weight="normal") -> Box:
        """A box centred at (x, y). `kind` is one of KINDS."""
        box = Box(x, y, w, h)
        corner, style = (x - w / 2, y - h / 2), "round,pad=0,rounding_size=0.06"
        self.ax.add_patch(FancyBboxPatch(corner, w, h, boxstyle=style, **KINDS[kind], zorder=3))
        written = self._write(x, y, text, size, zorder=4, weight=weight, linespacing=1.15)
        self.boxes.append((box, written))
        self.note("box", kind, text, x, y)
        return box

    def dot(self, x, y, text="+", r=0.14, kind="step") -> Box:
        """A small round operation: a sum, a product."""
        self.ax.add_patch(Circle((x, y), r, **KINDS[kind], zorder=3))
        self._write(x, y, text, TEXT, zorder=4)
        self.note("box", kind, text, x, y)
        return Box(x, y, 2 * r, 2 * r)

    def _write(self, x, y, text, size, ha="center", va="center", color=INK, **style):
        return self.ax.text(x, y, text, fontsize=size, ha=ha, va=va, color=color, **style)

    def arrow(self, start, end, text="", colour=INK, style="-", shift=0.1, size=SMALL):
        """An arrow between two points, with an optional word `shift` inches above its middle."""
        look = {"arrowstyle": "-|>", "mutation_scale": 9, "color": colour, "linestyle": style}
        arrow = FancyArrowPatch(start, end, lw=1.2, shrinkA=0, shrinkB=0, zorder=2, **look)
        self.ax.add_patch(arrow)
        self.note("arrow", "", text, *end)
        self.lines.append((start, end))
        if text:
            x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + shift
            self.text(x, y, text, colour=colour, size=size)

    def path(self, *points, colour=INK, style="-", head=True):
        """A line through right angles (or any points), with an arrow head at its end."""
        pieces = list(pairwise(points))
        self.lines += pieces
        look = {"color": colour, "lw": 1.2, "ls": style, "zorder": 2}
        for a, b in pieces[:-1]:
            self.ax.plot(*zip(a, b), solid_capstyle="round", **look)
        if head:
            self.arrow(*pieces[-1], colour=colour, style=style)
        else:
            self.ax.plot(*zip(*pieces[-1]), **look)

    def elbow(self, start, end, x, **options):
        """A path from `start` level to `x`, up or down there, and level to `end`."""
        self.path(start, (x, start[1]), (x, end[1]), end, **options)

    def chain(self, *boxes):
        """Arrows from each box to the next on its right."""
        for a, b in pairwise(boxes):
            self.arrow(a.right, b.left)

    def text(self, x, y, text, size=SMALL, colour=INK, ha="center", va="center", **style):
        """Words that stand free; `style`: weight, style."""
        look = {"ha": ha, "va": va, "color": colour, "zorder": 5, "linespacing": 1.2, **style}
        self.words.append(self._write(x, y, text, size, **look))
        self.note("text", "", text, x, y)

    def aside(self, x, y, text, **style):
        """Faint words."""
        self.text(x, y, text, colour=FAINT, **style)

    def group(self, x0, y0, x1, y1, text=""):
        """A thin frame around parts that belong together, with its name on the lower edge."""
        look = {"facecolor": "none", "edgecolor": FAINT, "lw": 0.9, "linestyle": (0, (1, 2))}
        self.ax.add_patch(Rectangle((x0, y0), x1 - x0, y1 - y0, zorder=1, **look))
        self.lines += pairwise([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
        if text:
            self.aside(x0 + 0.07, y0 + 0.14, text, ha="left", weight="bold")

    def legend(self, x, y, *kinds):
        """What the kinds of boxes mean, in one row starting at (x, y)."""
        meanings = dict(zip(KINDS, _MEANING))
        for kind in kinds:
            self.ax.add_patch(Rectangle((x, y - 0.07), 0.2, 0.14, **KINDS[kind], zorder=3))
            self.aside(x + 0.27, y, meanings[kind], ha="left")
            x += 0.45 + 0.072 * len(meanings[kind])

    @property
    def frame(self) -> pd.DataFrame:
        """The parts of the diagram as a table: what stands where, in inches from the lower left."""
        return pd.DataFrame(self.parts)
