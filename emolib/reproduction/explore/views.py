"""The explorer: two scatter plots, two confusion matrices, a histogram and a sample, each of which answers to the others.

The plots are jupyter-scatter's (WebGL, so that 20,000 points stay fluid); everything around them are ipywidgets. One selection is
shared by all views. jupyter-scatter (1.0) draws discs only, so shapes stand in the legend and in the exported drawing; on screen, an entry
of the legend that is pressed makes its group large and the others small, which tells it apart without colour.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from ipywidgets import (
    HTML,
    Box,
    Button,
    Dropdown,
    FloatProgress,
    HBox,
    IntSlider,
    Layout,
    ToggleButtons,
    VBox,
)
from jscatter import Scatter

from emolib.reproduction import report
from emolib.reproduction.explore import counted, layout, linked, media, parts
from emolib.reproduction.explore.bundles import START, Bundle, load
from emolib.reproduction.explore.panel import Panel
from emolib.reproduction.report import plots

HEIGHT = 400  # of a plot, in pixels
KEPT, OWN = "of the left model", "each its own"
EMPTY = "nothing is selected: all points count. Drag a lasso (mouse: lasso, or hold Shift), click a cell of a matrix or a class."


class Explorer:
    """Linked views over bundles {name: path or Bundle}; `widget` is what a notebook shows. Every part can be driven without a browser."""

    def __init__(self, bundles: dict[str, Path | Bundle]):
        self._bundles = bundles
        self._places: dict[tuple, np.ndarray] = {}
        self._quiet = False  # True while the explorer itself sets its widgets
        self.selected = np.empty(0, int)
        self.shown: int | None = None
        self._fetcher = ThreadPoolExecutor(1)
        self._controls()
        self.background = layout.Background(self._progressed, self._placed, self._failed)
        self.panel = Panel()
        self.panel.observe(self._theme, "dark")
        self.panel.on_msg(
            lambda *_: self.look(self.shown, again=True) if self.shown is not None else None
        )  # drawn anew by the page
        self.stage = VBox()
        self.widget = VBox([HTML(parts.STYLE), *self._bars, self.stage])
        self.widget.add_class("emolib-explorer")
        self.open(next(iter(bundles)))

    # ------------------------------------------------------------ what stands around the plots

    def _controls(self) -> None:
        wide = Layout(width="auto", min_width="13em")
        narrow = {"description_width": "max-content"}

        def menu(label, options, value, handler, **more):
            made = Dropdown(
                description=label, options=options, value=value, style=narrow, layout=wide, **more
            )
            made.observe(lambda change: None if self._quiet else handler(), "value")
            return made

        self.which = menu(
            "points",
            list(self._bundles),
            next(iter(self._bundles)),
            lambda: self.open(self.which.value),
        )
        self.left = menu("left", [""], "", self.restart)
        self.right = menu("right", [""], "", self.restart)
        self.by = menu("colour", linked.COLOUR_BY, "class", lambda: self.enlarge(None))
        self.method = menu("projection", layout.methods(), "t-SNE", self.place)
        self.keep = menu(
            "places",
            (KEPT, OWN),
            KEPT,
            self.place,
            tooltip="the same point in the same place in both plots, or each model's own",
        )
        self.mode = ToggleButtons(
            options=[("mouse: move", "panZoom"), ("mouse: lasso", "lasso")],
            value="lasso",
            style={"button_width": "10em"},
        )
        self.mode.observe(lambda change: self._both("mouse", change["new"]), "value")
        self.dark = menu("theme", ("auto", "light", "dark"), "auto", self._theme)
        self.perplexity = IntSlider(
            value=30,
            min=5,
            max=100,
            step=5,
            description="perplexity",
            continuous_update=False,
            style=narrow,
        )
        self.seed = IntSlider(
            value=0, min=0, max=20, description="seed", continuous_update=False, style=narrow
        )
        for slider in (self.perplexity, self.seed):
            slider.observe(lambda change: None if self._quiet else self.place(), "value")
        self.bar = FloatProgress(
            value=0, min=0, max=1, layout=Layout(width="8em", visibility="hidden")
        )
        self.said = HTML()
        self.said.add_class("emolib-said")
        self.stop = _button("stop", "give up the projection under way", self.give_up)
        self.clear = _button(
            "clear selection", "let all points count again", lambda: self.select([])
        )
        self.csv = _button(
            "selection to CSV", "download the selected points as a table", self.export_csv
        )
        self.svg = _button(
            "view to SVG", "download both plots as they are, with marker shapes", self.export_svg
        )
        flow = Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 10px")
        self._bars = [
            HBox([self.which, self.left, self.right, self.by, self.dark], layout=flow),
            HBox(
                [self.method, self.keep, self.perplexity, self.seed, self.bar, self.stop],
                layout=flow,
            ),
            HBox([self.mode, self.clear, self.csv, self.svg, self.said], layout=flow),
        ]

    def open(self, name: str) -> None:
        """Show another bundle."""
        held = self._bundles[name]
        self.bundle = held if isinstance(held, Bundle) else load(held)
        self.background.stop()
        names = [m.name for m in self.bundle.models]
        self._quiet = True
        self.which.value = name
        self.left.options = self.right.options = names
        self.left.value, self.right.value = names[0], names[min(1, len(names) - 1)]
        self.perplexity.value, self.seed.value = (
            int(self.bundle.about.get("perplexity", 30)),
            int(self.bundle.about.get("seed", 0)),
        )
        self.method.value = "t-SNE"
        self._quiet = False
        self._places = {}
        self._build()

    def _build(self) -> None:
        """New plots and matrices for a bundle; a change of model or colour only repaints them."""
        b = self.bundle
        zero = np.zeros(len(b), np.float32)
        points = pd.DataFrame({"x": zero, "y": zero})
        self.size, self.large, self.shown = float(np.clip(200 / np.sqrt(len(b)), 2, 8)), None, None
        self.everything = linked.histogram(b)
        self.plots = [
            Scatter(
                data=points,
                x="x",
                y="y",
                x_scale=(-1.05, 1.05),
                y_scale=(-1.05, 1.05),
                height=HEIGHT,
                axes=False,
                size=self.size,
                lasso_color="#E69F00",
                mouse_mode=self.mode.value,
                tooltip=False,
            )
            for _ in range(2)
        ]
        for plot in self.plots:
            plot.color(selected="#E69F00", hover="#E69F00")
            plot.widget.observe(
                lambda change: None if self._quiet else self.select(change["new"]), "selection"
            )
            plot.widget.observe(lambda change: self.hover(change["new"]), "hovering")
        self.titles, self.matrices = (
            [HTML(), HTML()],
            [
                counted.Matrix(b.classes, lambda t, n, side=side: self.cell(side, t, n))
                for side in ("left", "right")
            ],
        )
        self.histogram = counted.Histogram(
            b.classes, lambda c: self.select(np.flatnonzero(b.true == c))
        )
        self.key = counted.Legend(self.enlarge)
        step = HBox(
            [
                _button("◀ previous", "show the previous selected sample", lambda: self.step(-1)),
                _button("next ▶", "show the next selected sample", lambda: self.step(1)),
            ]
        )
        column = Layout(width="0", flex="1 1 0", min_width="300px", padding="0 6px 0 0")
        side = Layout(width="270px", flex="0 0 270px")
        head = f"{report.STYLE}<b>{b.title}</b>{report.badge(b.source)} <span class='emolib-note'>{len(b):,} points · profile {b.profile}</span>"
        top = HBox(
            [
                VBox([self.titles[0], self.plots[0].widget], layout=column),
                VBox([self.titles[1], self.plots[1].widget], layout=column),
                VBox([HTML("<b>Sample</b>"), step, self.panel], layout=side),
            ]
        )
        below = HBox(
            [
                Box([self.matrices[0]], layout=column),
                Box([self.matrices[1]], layout=column),
                Box([self.histogram], layout=side),
            ]
        )
        self.stage.children = [HTML(head), self.key, top, below]
        self.restart()

    # ------------------------------------------------------------ places

    def restart(self) -> None:
        """Another model on one side: its places, colours and counts."""
        self.place()
        self.paint()
        self.select(
            self.selected if len(self.selected) and self.selected.max() < len(self.bundle) else []
        )

    def _sides(self) -> list[str]:
        """Models whose own places are needed."""
        return (
            [self.left.value]
            if self.keep.value == KEPT or self.left.value == self.right.value
            else [self.left.value, self.right.value]
        )

    def _key(self) -> tuple:
        sides = tuple(self._sides())
        return (
            (self.method.value, sides)
            if self.method.value == "PCA"
            else (self.method.value, sides, self.perplexity.value, self.seed.value)
        )

    def place(self) -> None:
        """Move the points: at once where their places are known, else when they are computed in the background."""
        self.background.stop()
        b, sides, key = self.bundle, self._sides(), self._key()
        as_kept = self.method.value == "PCA" or (self.perplexity.value, self.seed.value) == (
            b.about.get("perplexity", 30),
            b.about.get("seed", 0),
        )
        if (
            self.method.value in START
            and as_kept
            and all((m, self.method.value) in b.places for m in sides)
        ):
            self._move([b.places[m, self.method.value] for m in sides])
        elif key in self._places:
            self._move(self._places[key])
        else:
            self.bar.value, self.bar.layout.visibility = 0, "visible"
            self.said.value = f"computing {self.method.value} ..."
            self._ordered = key
            self.background.start(
                [b.model(m).embedding for m in sides],
                self.method.value,
                perplexity=self.perplexity.value,
                seed=self.seed.value,
            )

    def give_up(self) -> None:
        """Stop the projection under way; the points stay where they are."""
        self.background.stop()
        self.bar.layout.visibility, self.said.value = (
            "hidden",
            "stopped; the points are where they were",
        )

    def _progressed(self, share: float) -> None:
        self.bar.value = share

    def _placed(self, made: list[np.ndarray]) -> None:
        self._places[self._ordered] = made
        self._move(made)

    def _failed(self, error: Exception) -> None:
        self.bar.layout.visibility, self.said.value = "hidden", f"no {self.method.value}: {error}"

    def _move(self, made: list[np.ndarray]) -> None:
        self.bar.layout.visibility = "hidden"
        self.said.value = ""
        self.places = [made[0], made[-1]]
        for plot, xy in zip(self.plots, self.places, strict=True):
            plot.xy(xy[:, 0], xy[:, 1], x_scale=(-1.05, 1.05), y_scale=(-1.05, 1.05), animate=True)

    # ------------------------------------------------------------ colours

    def paint(self) -> None:
        """Colour the points of both plots, and say what the colours mean."""
        dark = self._is_dark()
        for plot, title, model in zip(
            self.plots, self.titles, (self.left.value, self.right.value), strict=True
        ):
            shown = linked.colouring(self.bundle, model, self.by.value)
            if shown.values is not None:
                plot.color(by=shown.values, map="cividis", norm=(0, 1))
            else:
                colours = [parts.shade(c, dark) for c in shown.colours]
                names = [f"{k} {n}" for k, n in enumerate(shown.names)]
                if len(names) == 1:  # one colour is no colour map
                    colours, names = colours * 2, [*names, ""]
                plot.color(by=pd.Categorical.from_codes(shown.groups, names), map=colours)
            title.value = f"<b>{model}</b>"
            grouped = (
                shown.values is None and self.large is not None and self.large < len(shown.names)
            )
            if grouped:
                plot.size(
                    by=(shown.groups == self.large).astype(float),
                    map=[max(1, self.size / 3), 2 * self.size],
                    norm=(0, 1),
                )
            elif plot.size()["by"] is not None:
                plot.size(by=None, default=self.size)
            if title is self.titles[0]:
                self.key.show(shown, dark, self.large if grouped else None)

    def enlarge(self, group: int | None) -> None:
        """Draw one group of the colouring large and the others small; the same group once more, or None: all alike."""
        self.large = None if group == self.large else group
        self.paint()

    def _is_dark(self) -> bool:
        return self.panel.dark if self.dark.value == "auto" else self.dark.value == "dark"

    def _theme(self, change=None) -> None:
        dark = self._is_dark()
        (self.widget.add_class if dark else self.widget.remove_class)("emolib-dark")
        self._both("background", parts.ground(dark))
        self.paint()

    def _both(self, what: str, value) -> None:
        for plot in self.plots:
            getattr(plot, what)(value)

    # ------------------------------------------------------------ one selection for all views

    def select(self, rows) -> None:
        """Select points (row numbers), from wherever; none means that all count."""
        self.selected = np.sort(np.asarray(rows if rows is not None else [], int))
        self._quiet = True
        for plot in self.plots:
            if not np.array_equal(np.sort(np.asarray(plot.widget.selection, int)), self.selected):
                plot.selection(self.selected)
        self._quiet = False
        some = self.selected if len(self.selected) else None
        for matrix, model in zip(self.matrices, (self.left.value, self.right.value), strict=True):
            counts = linked.matrix(self.bundle, model, some)
            matrix.show(model, counts, linked.words(self.bundle.classes, counts))
        self.histogram.show(
            counts.sum(1), self.everything
        )  # a row of the matrix holds the points of a class
        if not self.bar.layout.visibility == "visible":
            self.said.value = (
                f"{len(self.selected):,} selected"
                if some is not None
                else f"<span class='emolib-note'>{EMPTY}</span>"
            )
        if len(self.selected):
            self.look(int(self.selected[0]))

    def cell(self, side: str, true: int, named: int) -> None:
        """Light up the points behind a cell of the left or right matrix."""
        model = self.left.value if side == "left" else self.right.value
        rows = linked.cell(self.bundle, model, true, named)
        self.select(rows)
        if not len(rows):
            self.said.value = f"no {self.bundle.classes[true]} is called {self.bundle.classes[named]} by {model}: all points count"

    def hover(self, row: int | None) -> None:
        """Show the point under the mouse; a single selected point stays, so that its sound can be reached and played."""
        if row is not None and len(self.selected) != 1:
            self.look(row)

    def step(self, by: int) -> None:
        """Show the next or previous of the selected points (of all, if none is selected)."""
        pool = self.selected if len(self.selected) else np.arange(len(self.bundle))
        at = (
            int(np.searchsorted(pool, self.shown))
            if self.shown is not None
            else (-1 if by > 0 else 0)
        )
        self.look(int(pool[(at + by) % len(pool)]))

    def look(self, row: int, again: bool = False) -> None:
        """Show one sample: what it is and who said what, its picture, its spectrogram and its sound. What is shown already stays, unless `again`."""
        if row == self.shown and not again:
            return
        self.shown = row
        bundle, words = self.bundle, linked.sample(self.bundle, row)
        self.panel.show(
            words, media.Sample(note="" if bundle.kind == "numbers" else "fetching ...")
        )

        def fetch():  # a film has to be opened or drawn: no view waits for that
            if self.bundle is bundle and self.shown == row:  # somebody may have moved on meanwhile
                self.panel.show(words, media.sample(bundle, row))

        self.fetched = self._fetcher.submit(fetch)

    # ------------------------------------------------------------ to take away

    def export_csv(self) -> pd.DataFrame:
        """Download the selected points (all, if none is selected) as a table; returns it."""
        rows = self.selected if len(self.selected) else np.arange(len(self.bundle))
        frame = linked.table(
            self.bundle, rows, {self.right.value: self.places[1], self.left.value: self.places[0]}
        )
        self.panel.save(
            f"{self.bundle.name}-selection.csv",
            frame.to_csv(index=False, lineterminator="\n").encode(),
            "text/csv",
        )
        self.said.value = f"{len(rows):,} points saved as a table"
        return frame

    def export_svg(self) -> bytes:
        """Download both plots as a drawing, with marker shapes, badge and selection; returns it."""
        raw = drawing(
            self.bundle,
            [self.left.value, self.right.value],
            self.places,
            self.by.value,
            self.selected,
        )
        self.panel.save(f"{self.bundle.name}-view.svg", raw, "image/svg+xml")
        self.said.value = "both plots saved as a drawing"
        return raw

    def _repr_mimebundle_(self, **options):
        return self.widget._repr_mimebundle_(**options)


def drawing(
    bundle: Bundle, models: list[str], places: list[np.ndarray], by: str, selected=()
) -> bytes:
    """The view as SVG: one panel a model, colours and shapes by group, selected points full and the others faint."""
    fig = plots.clouds(
        [(m, xy, linked.colouring(bundle, m, by)) for m, xy in zip(models, places, strict=True)],
        selected=selected,
    )
    return plots.svg(fig, f"{bundle.title} · {bundle.source} · {bundle.profile}")


def _button(label: str, tip: str, act) -> Button:
    made = Button(description=label, tooltip=tip, layout=Layout(width="auto"))
    made.on_click(lambda _: act())
    return made
