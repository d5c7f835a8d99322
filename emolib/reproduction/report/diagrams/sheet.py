"""The one vocabulary of our diagrams: boxes, arrows, groups and notes on a sheet measured in inches.

Kinds of boxes (colours are light tints of Okabe and Ito's, each with its own edge, so that they are told
apart in grey and by colour-blind readers):

    data       what comes in or goes out            white, thin edge
    layer      has weights that are trained          blue tint
    frozen     has weights that are not trained      grey tint, dashed edge
    step       computes without weights              yellow tint
    loss       what training makes small             red tint, heavy edge

The ground is drawn white, so a diagram reads on a dark page too. Text is never smaller than 8 points.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

INK, FAINT = "#1a1a1a", "#5a5a5a"
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
KINDS = {
    "data": {"facecolor": "white", "edgecolor": "#444444", "linewidth": 1.0},
    "layer": {"facecolor": "#d6e6f4", "edgecolor": BLUE, "linewidth": 1.2},
    "frozen": {
        "facecolor": "#e6e6e6",
        "edgecolor": "#555555",
        "linewidth": 1.2,
        "linestyle": (0, (4, 2)),
    },
    "step": {"facecolor": "#fbf3c4", "edgecolor": "#8a7400", "linewidth": 1.0},
    "loss": {"facecolor": "#f8dccb", "edgecolor": ORANGE, "linewidth": 1.8},
}
TEXT, SMALL = 9.0, 8.0


@dataclass(frozen=True)
class Box:
    """A box on a sheet: centre and size in inches; `left`, `right`, `top`, `bottom` are where arrows meet it."""

    x: float
    y: float
    w: float
    h: float

    @property
    def left(self):
        return self.x - self.w / 2, self.y

    @property
    def right(self):
        return self.x + self.w / 2, self.y

    @property
    def top(self):
        return self.x, self.y + self.h / 2

    @property
    def bottom(self):
        return self.x, self.y - self.h / 2

    def at(self, side: str, share: float) -> tuple[float, float]:
        """A point on one side, `share` of the way along it (left to right, bottom to top)."""
        along = share - 0.5
        if side in ("top", "bottom"):
            return self.x + along * self.w, self.y + (0.5 if side == "top" else -0.5) * self.h
        return self.x + (0.5 if side == "right" else -0.5) * self.w, self.y + along * self.h


@dataclass
class Sheet:
    """A figure of `width` by `height` inches with the origin at the lower left; draws and remembers its parts."""

    width: float
    height: float
    fig: Figure = field(init=False)
    parts: list[dict] = field(default_factory=list)
    boxes: list[tuple[Box, object]] = field(default_factory=list)  # with the text that must fit
    words: list = field(default_factory=list)  # texts that stand free
    lines: list[tuple] = field(default_factory=list)  # straight pieces no word may lie on

    def __post_init__(self):
        self.fig = Figure(
            figsize=(self.width, self.height), facecolor="white", layout="none"
        )  # no window, no state
        FigureCanvasAgg(self.fig)
        self.ax = self.fig.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, self.width), ylim=(0, self.height), aspect="equal")
        self.ax.set_axis_off()

    def _note(self, part: str, kind: str, text: str, x: float, y: float):
        self.parts.append(
            {
                "part": part,
                "kind": kind,
                "text": " ".join(text.split()),
                "x": round(x, 3),
                "y": round(y, 3),
            }
        )

    def box(self, x, y, text, w=1.3, h=0.5, kind="layer", size=TEXT, weight="normal") -> Box:
        """A box centred at (x, y). `kind` is one of KINDS."""
        shape = FancyBboxPatch(
            (x - w / 2, y - h / 2),
            w,
            h,
            boxstyle="round,pad=0,rounding_size=0.06",
            **KINDS[kind],
            zorder=3,
        )
        self.ax.add_patch(shape)
        written = self.ax.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=size,
            color=INK,
            weight=weight,
            zorder=4,
            linespacing=1.15,
        )
        made = Box(x, y, w, h)
        self.boxes.append((made, written))
        self._note("box", kind, text, x, y)
        return made

    def dot(self, x, y, text="+", r=0.14, kind="step") -> Box:
        """A small round operation: a sum, a product."""
        style = {k: v for k, v in KINDS[kind].items() if k != "boxstyle"}
        self.ax.add_patch(Circle((x, y), r, **style, zorder=3))
        self.ax.text(x, y, text, ha="center", va="center", fontsize=TEXT, color=INK, zorder=4)
        self._note("box", kind, text, x, y)
        return Box(x, y, 2 * r, 2 * r)

    def arrow(
        self,
        start,
        end,
        text="",
        colour=INK,
        style="-",
        bend=0.0,
        double=False,
        shift=(0.0, 0.1),
        size=SMALL,
        ha="center",
    ):
        """An arrow between two points, with an optional word beside its middle (`shift` in inches)."""
        self.ax.add_patch(
            FancyArrowPatch(
                start,
                end,
                arrowstyle="<|-|>" if double else "-|>",
                mutation_scale=9,
                color=colour,
                lw=1.2,
                linestyle=style,
                shrinkA=0,
                shrinkB=0,
                connectionstyle=f"arc3,rad={bend}",
                zorder=2,
            )
        )
        self._note("arrow", "", text, *end)
        if not bend:
            self.lines.append((start, end))
        if text:
            self.text(
                (start[0] + end[0]) / 2 + shift[0],
                (start[1] + end[1]) / 2 + shift[1],
                text,
                colour=colour,
                size=size,
                ha=ha,
            )

    def path(self, *points, colour=INK, style="-", head=True):
        """A line through right angles (or any points), with an arrow head at its end."""
        self.lines += list(zip(points[:-1], points[1:], strict=True))
        for a, b in zip(points[:-2], points[1:-1], strict=True):
            self.ax.plot(
                *zip(a, b, strict=True),
                color=colour,
                lw=1.2,
                ls=style,
                solid_capstyle="round",
                zorder=2,
            )
        if head:
            self.arrow(points[-2], points[-1], colour=colour, style=style)
        else:
            self.ax.plot(
                *zip(points[-2], points[-1], strict=True), color=colour, lw=1.2, ls=style, zorder=2
            )

    def elbow(self, start, end, x, **options):
        """A path from `start` level to `x`, up or down there, and level to `end`."""
        self.path(start, (x, start[1]), (x, end[1]), end, **options)

    def text(
        self,
        x,
        y,
        text,
        size=SMALL,
        colour=INK,
        ha="center",
        va="center",
        weight="normal",
        italic=False,
    ):
        """Words that stand free."""
        written = self.ax.text(
            x,
            y,
            text,
            fontsize=size,
            color=colour,
            ha=ha,
            va=va,
            weight=weight,
            zorder=5,
            linespacing=1.2,
            style="italic" if italic else "normal",
        )
        self.words.append(written)
        self._note("text", "", text, x, y)

    def group(self, x0, y0, x1, y1, text="", colour=FAINT, at="top"):
        """A thin frame around parts that belong together, with its name on the upper (or lower) edge."""
        self.ax.add_patch(
            Rectangle(
                (x0, y0),
                x1 - x0,
                y1 - y0,
                facecolor="none",
                edgecolor=colour,
                lw=0.9,
                linestyle=(0, (1, 2)),
                zorder=1,
            )
        )
        corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        self.lines += list(zip(corners, corners[1:] + corners[:1], strict=True))
        if text:
            self.text(
                x0 + 0.07,
                y1 - 0.14 if at == "top" else y0 + 0.14,
                text,
                colour=colour,
                ha="left",
                weight="bold",
            )

    def legend(self, x, y, *kinds):
        """What the kinds of boxes mean, in one row starting at (x, y)."""
        names = {
            "data": "data",
            "layer": "trained",
            "frozen": "not trained",
            "step": "no weights",
            "loss": "loss",
        }
        for kind in kinds:
            self.ax.add_patch(Rectangle((x, y - 0.07), 0.2, 0.14, **KINDS[kind], zorder=3))
            self.text(x + 0.27, y, names[kind], ha="left", colour=FAINT)
            x += 0.45 + 0.072 * len(names[kind])

    @property
    def frame(self) -> pd.DataFrame:
        """The parts of the diagram as a table: what stands where, in inches from the lower left."""
        return pd.DataFrame(self.parts)


def _crosses(line, frame) -> bool:
    """Does a straight line enter the rectangle (x0, y0, x1, y1)? Liang and Barsky's clipping."""
    (xa, ya), (xb, yb) = line
    enter, leave = 0.0, 1.0
    for step, low, high in (
        (xb - xa, frame[0] - xa, frame[2] - xa),
        (yb - ya, frame[1] - ya, frame[3] - ya),
    ):
        if abs(step) < 1e-12:
            if low > 0 or high < 0:
                return False
            continue
        first, last = sorted((low / step, high / step))
        enter, leave = max(enter, first), min(leave, last)
    return enter < leave


def crowded(sheet: Sheet, slack: float = 0.01, margin: float = 0.03) -> list[str]:
    """What a reader would stumble over, in words: text that leaves its box or the sheet, or lies on other text,
    on a box or on a line; boxes that overlap or leave the sheet."""
    renderer = sheet.fig.canvas.get_renderer()
    inches = 1 / sheet.fig.dpi

    def extent(written):
        box = written.get_window_extent(renderer)
        return box.x0 * inches, box.y0 * inches, box.x1 * inches, box.y1 * inches

    def overlap(a, b):
        return (
            min(a[2], b[2]) - max(a[0], b[0]) > slack and min(a[3], b[3]) - max(a[1], b[1]) > slack
        )

    faults = []
    frames = [(b.x - b.w / 2, b.y - b.h / 2, b.x + b.w / 2, b.y + b.h / 2) for b, _ in sheet.boxes]
    for (_, written), frame in zip(sheet.boxes, frames, strict=True):
        x0, y0, x1, y1 = extent(written)
        over = max(frame[0] - x0, x1 - frame[2], frame[1] - y0, y1 - frame[3]) + margin
        if over > 0:
            faults.append(f"'{written.get_text()}' needs {over:.2f} in more room in its box")
        if frame[0] < 0 or frame[1] < 0 or frame[2] > sheet.width or frame[3] > sheet.height:
            faults.append(f"the box '{written.get_text()}' leaves the sheet")
    for i, frame in enumerate(frames):
        faults += [
            f"boxes '{sheet.boxes[i][1].get_text()}' and '{sheet.boxes[j][1].get_text()}' overlap"
            for j in range(i)
            if overlap(frame, frames[j])
        ]
    free = [(w.get_text(), extent(w)) for w in sheet.words]
    for i, (text, e) in enumerate(free):
        if e[0] < 0 or e[1] < 0 or e[2] > sheet.width or e[3] > sheet.height:
            faults.append(f"'{text}' leaves the sheet")
        faults += [
            f"'{text}' lies on a line"
            for line in sheet.lines
            if _crosses(line, (e[0] + slack, e[1] + 0.03, e[2] - slack, e[3] - 0.03))
        ]
        faults += [f"'{text}' lies on '{other}'" for other, o in free[:i] if overlap(e, o)]
        faults += [
            f"'{text}' lies on the box '{w.get_text()}'"
            for (_, w), f in zip(sheet.boxes, frames, strict=True)
            if overlap(e, f)
        ]
    return faults
