"""The explorer: two scatter plots, two matrices, a histogram and a sample, all of one selection.

The plots are jupyter-scatter's (WebGL, so that 20,000 points stay fluid), the rest are ipywidgets.
jupyter-scatter (1.0) draws discs only: shapes stand in the legend and in the exported drawing.
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
from emolib.reproduction.explore import layout, linked, media, widgets
from emolib.reproduction.explore.bundles import START, Bundle, load
from emolib.reproduction.report import plots

HEIGHT = 400  # of a plot, in pixels
LIGHT, DARK = "#ffffff", "#14171a"  # ground of the plots
MARKED = "#E69F00"  # the lasso and what it caught
SCALES = {"x_scale": (-1.05, 1.05), "y_scale": (-1.05, 1.05)}
KEPT, OWN = "of the left model", "each its own"
EMPTY = (
    "<span class='emolib-note'>nothing is selected: all points count. Drag a lasso (mouse: lasso, "
    "or hold Shift), click a cell of a matrix or a class.</span>"
)


class Explorer:
    """Linked views over bundles {name: path or Bundle}; a notebook shows `widget`."""

    def __init__(self, bundles: dict[str, Path | Bundle]):
        self._bundles = bundles
        self._places: dict[tuple, list[np.ndarray]] = {}
        self._quiet = False  # True while the explorer itself sets its widgets
        self.selected = np.empty(0, int)
        self.shown: int | None = None
        self._fetcher = ThreadPoolExecutor(1)
        bars = self._controls()
        self.background = layout.Background(self._progressed, self._placed, self._failed)
        self.panel = widgets.Panel()
        self.panel.observe(self._theme, "dark")
        self.panel.on_msg(self._drawn_anew)
        self.stage = VBox()
        self.widget = VBox([HTML(widgets.STYLE), *bars, self.stage])
        self.widget.add_class("emolib-explorer")
        self.open(next(iter(bundles)))

    # ------------------------------------------------------------ what stands around the plots

    def _controls(self) -> list[HBox]:
        """The bars above the plots."""
        style = {"description_width": "max-content"}

        def handled(made, handler):
            made.observe(lambda change: None if self._quiet else handler(), "value")
            return made

        def menu(label, options, handler, tooltip=None):
            wide = Layout(width="auto", min_width="13em")
            made = Dropdown(
                description=label, options=options, tooltip=tooltip, style=style, layout=wide
            )
            return handled(made, handler)

        def slider(label, **limits):
            made = IntSlider(description=label, continuous_update=False, style=style, **limits)
            return handled(made, self.place)

        self.which = menu("points", list(self._bundles), lambda: self.open(self.which.value))
        self.left = menu("left", [""], self.restart)
        self.right = menu("right", [""], self.restart)
        self.by = menu("colour", linked.COLOUR_BY, lambda: self.enlarge(None))
        self.dark = menu("theme", ("auto", "light", "dark"), self._theme)
        self.method = menu("projection", layout.methods(), self.place)
        tip = "the same point in the same place in both plots, or each model's own"
        self.keep = menu("places", (KEPT, OWN), self.place, tip)
        self.perplexity = slider("perplexity", value=30, min=5, max=100, step=5)
        self.seed = slider("seed", value=0, min=0, max=20)
        self.bar = FloatProgress(max=1, layout=Layout(width="8em", visibility="hidden"))
        self.stop = _button("stop", "give up the projection under way", self.give_up)
        self.mode = ToggleButtons(
            options=[("mouse: move", "panZoom"), ("mouse: lasso", "lasso")],
            value="lasso",
            style={"button_width": "10em"},
        )
        self.mode.observe(lambda change: self._both("mouse", change["new"]), "value")
        tip = "let all points count again"
        self.clear = _button("clear selection", tip, lambda: self.select([]))
        tip = "download the selected points as a table"
        self.csv = _button("selection to CSV", tip, self.export_csv)
        tip = "download both plots as they are, with marker shapes"
        self.svg = _button("view to SVG", tip, self.export_svg)
        self.said = HTML()
        self.said.add_class("emolib-said")
        bars = (
            [self.which, self.left, self.right, self.by, self.dark],
            [self.method, self.keep, self.perplexity, self.seed, self.bar, self.stop],
            [self.mode, self.clear, self.csv, self.svg, self.said],
        )
        flow = Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 10px")
        return [HBox(bar, layout=flow) for bar in bars]

    def open(self, name: str) -> None:
        """Show another bundle."""
        chosen = self._bundles[name]
        self.bundle = chosen if isinstance(chosen, Bundle) else load(chosen)
        self.background.stop()
        names = [m.name for m in self.bundle.models]
        self._quiet = True
        self.which.value = name
        self.left.options = self.right.options = names
        self.left.value, self.right.value = names[0], names[min(1, len(names) - 1)]
        self.perplexity.value, self.seed.value = self._kept()
        self.method.value = "t-SNE"
        self._quiet = False
        self._places = {}
        self._build()

    def _build(self) -> None:
        """New plots and matrices for a bundle; a change of model or colour only repaints them."""
        b = self.bundle
        self.size = float(np.clip(200 / np.sqrt(len(b)), 2, 8))
        self.large = self.shown = None
        self.everything = linked.histogram(b)
        self.plots = [self._plot(), self._plot()]
        self.titles = [HTML(), HTML()]
        self.matrices = [
            widgets.Matrix(b.classes, lambda true, named: self.cell(0, true, named)),
            widgets.Matrix(b.classes, lambda true, named: self.cell(1, true, named)),
        ]
        self.histogram = widgets.Histogram(
            b.classes, lambda group: self.select(np.flatnonzero(b.true == group))
        )
        self.key = widgets.Legend(self.enlarge)
        back = _button("◀ previous", "show the previous selected sample", lambda: self.step(-1))
        forth = _button("next ▶", "show the next selected sample", lambda: self.step(1))
        wide = Layout(width="0", flex="1 1 0", min_width="300px", padding="0 6px 0 0")
        side = Layout(width="270px", flex="0 0 270px")
        head = (
            f"{report.STYLE}<b>{b.title}</b>{report.badge(b.source)} "
            f"<span class='emolib-note'>{len(b):,} points · profile {b.profile}</span>"
        )
        sides = zip(self.titles, self.plots, strict=True)
        above = [VBox([title, plot.widget], layout=wide) for title, plot in sides]
        above += [VBox([HTML("<b>Sample</b>"), HBox([back, forth]), self.panel], layout=side)]
        below = [Box([matrix], layout=wide) for matrix in self.matrices]
        below += [Box([self.histogram], layout=side)]
        self.stage.children = [HTML(head), self.key, HBox(above), HBox(below)]
        self.restart()

    def _plot(self) -> Scatter:
        zero = np.zeros(len(self.bundle), np.float32)
        plot = Scatter(
            data=pd.DataFrame({"x": zero, "y": zero}),
            x="x",
            y="y",
            **SCALES,
            height=HEIGHT,
            axes=False,
            size=self.size,
            lasso_color=MARKED,
            mouse_mode=self.mode.value,
            tooltip=False,
        )
        plot.color(selected=MARKED, hover=MARKED)
        plot.widget.observe(
            lambda change: None if self._quiet else self.select(change["new"]), "selection"
        )
        plot.widget.observe(lambda change: self.hover(change["new"]), "hovering")
        return plot

    def _models(self) -> list[str]:
        """The models on the left and on the right."""
        return [self.left.value, self.right.value]

    # ------------------------------------------------------------ places

    def restart(self) -> None:
        """Another model on one side: its places, colours and counts."""
        self.place()
        self.paint()
        fits = len(self.selected) and self.selected.max() < len(self.bundle)
        self.select(self.selected if fits else [])

    def _kept(self) -> tuple[int, int]:
        """Perplexity and seed of the places that the bundle holds."""
        about = self.bundle.about
        return int(about.get("perplexity", 30)), int(about.get("seed", 0))

    def place(self) -> None:
        """Move the points: at once where their places are known, else when they are computed."""
        self.background.stop()
        b, method = self.bundle, self.method.value
        models = self._models()
        if self.keep.value == KEPT or models[0] == models[1]:
            models = models[:1]
        settings = (self.perplexity.value, self.seed.value)
        key = (method, *models) if method == "PCA" else (method, *models, *settings)
        kept = method in START and (method == "PCA" or settings == self._kept())
        if kept and all((m, method) in b.places for m in models):
            self._move([b.places[m, method] for m in models])
        elif key in self._places:
            self._move(self._places[key])
        else:
            self.bar.value, self.bar.layout.visibility = 0, "visible"
            self.said.value = f"computing {method} ..."
            self._ordered = key
            embeddings = [b.model(m).embedding for m in models]
            self.background.start(embeddings, method, perplexity=settings[0], seed=settings[1])

    def give_up(self) -> None:
        """Stop the projection under way; the points stay where they are."""
        self.background.stop()
        self._done("stopped; the points are where they were")

    def _done(self, text: str) -> None:
        self.bar.layout.visibility = "hidden"
        self.said.value = text

    def _progressed(self, share: float) -> None:
        self.bar.value = share

    def _placed(self, places: list[np.ndarray]) -> None:
        self._places[self._ordered] = places
        self._move(places)

    def _failed(self, error: Exception) -> None:
        self._done(f"no {self.method.value}: {error}")

    def _move(self, places: list[np.ndarray]) -> None:
        self._done("")
        self.places = [places[0], places[-1]]
        for plot, xy in zip(self.plots, self.places, strict=True):
            plot.xy(xy[:, 0], xy[:, 1], **SCALES, animate=True)

    # ------------------------------------------------------------ colours

    def paint(self) -> None:
        """Colour the points of both plots, and say what the colours mean."""
        dark = self._is_dark()
        left, right = (linked.colouring(self.bundle, m, self.by.value) for m in self._models())
        for plot, shown in zip(self.plots, (left, right), strict=True):
            self._colour(plot, shown, dark)
            if self._enlarged(shown) is not None:
                weights = (shown.groups == self.large).astype(float)
                sizes = [max(1, self.size / 3), 2 * self.size]
                plot.size(by=weights, map=sizes, norm=(0, 1))
            elif plot.size()["by"] is not None:
                plot.size(by=None, default=self.size)
        for title, model in zip(self.titles, self._models(), strict=True):
            title.value = f"<b>{model}</b>"
        self.key.show(left, dark, self._enlarged(left))

    def _colour(self, plot: Scatter, shown: linked.Colouring, dark: bool) -> None:
        if shown.values is not None:
            plot.color(by=shown.values, map="cividis", norm=(0, 1))
            return
        colours = [linked.shade(c, dark) for c in shown.colours]
        names = [f"{k} {name}" for k, name in enumerate(shown.names)]
        if len(names) == 1:  # one colour is no colour map
            colours, names = colours * 2, [*names, ""]
        plot.color(by=pd.Categorical.from_codes(shown.groups, names), map=colours)

    def _enlarged(self, shown: linked.Colouring) -> int | None:
        """The group that is drawn large, where this colouring has it."""
        has = shown.values is None and self.large is not None and self.large < len(shown.names)
        return self.large if has else None

    def enlarge(self, group: int | None) -> None:
        """Draw one group large and the others small; the same once more, or None: all alike."""
        self.large = None if group == self.large else group
        self.paint()

    def _is_dark(self) -> bool:
        return self.panel.dark if self.dark.value == "auto" else self.dark.value == "dark"

    def _theme(self, change=None) -> None:
        dark = self._is_dark()
        (self.widget.add_class if dark else self.widget.remove_class)("emolib-dark")
        self._both("background", DARK if dark else LIGHT)
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
        for matrix, model in zip(self.matrices, self._models(), strict=True):
            counts = linked.matrix(self.bundle, model, some)
            matrix.show(model, counts, linked.words(self.bundle.classes, counts))
        # a row of a matrix holds the points of a class
        self.histogram.show(counts.sum(1), self.everything)
        if self.bar.layout.visibility != "visible":
            self.said.value = EMPTY if some is None else f"{len(some):,} selected"
        if some is not None:
            self.look(int(some[0]))

    def _pool(self) -> np.ndarray:
        """The selected points; all, if none is selected."""
        return self.selected if len(self.selected) else np.arange(len(self.bundle))

    def cell(self, side: int, true: int, named: int) -> None:
        """Light up the points behind a cell of the left (0) or right (1) matrix."""
        model, classes = self._models()[side], self.bundle.classes
        rows = linked.cell(self.bundle, model, true, named)
        self.select(rows)
        if not len(rows):
            mistake = f"no {classes[true]} is called {classes[named]} by {model}"
            self.said.value = f"{mistake}: all points count"

    def hover(self, row: int | None) -> None:
        """Show the point under the mouse; a single selected one stays, so that it can be played."""
        if row is not None and len(self.selected) != 1:
            self.look(row)

    def step(self, by: int) -> None:
        """Show the next or previous of the selected points."""
        pool = self._pool()
        before = -1 if by > 0 else 0
        at = before if self.shown is None else int(np.searchsorted(pool, self.shown))
        self.look(int(pool[(at + by) % len(pool)]))

    def look(self, row: int, again: bool = False) -> None:
        """Show one sample, unless it is shown already: what was said of it, picture and sound."""
        if row == self.shown and not again:
            return
        self.shown = row
        bundle, words = self.bundle, linked.sample(self.bundle, row)
        waiting = "" if bundle.kind == "numbers" else "fetching ..."
        self.panel.show(words, media.Sample(note=waiting))

        def fetch():  # a film has to be opened or drawn: no view waits for that
            if self.bundle is bundle and self.shown == row:  # somebody may have moved on meanwhile
                self.panel.show(words, media.sample(bundle, row))

        self.fetched = self._fetcher.submit(fetch)

    def _drawn_anew(self, *message) -> None:
        """The page has drawn the panel anew: what it showed is gone."""
        if self.shown is not None:
            self.look(self.shown, again=True)

    # ------------------------------------------------------------ to take away

    def export_csv(self) -> pd.DataFrame:
        """Download the selected points as a table; returns it."""
        rows, (left, right) = self._pool(), self._models()
        places = {right: self.places[1], left: self.places[0]}
        frame = linked.table(self.bundle, rows, places)
        raw = frame.to_csv(index=False, lineterminator="\n").encode()
        self.panel.save(f"{self.bundle.name}-selection.csv", raw, "text/csv")
        self.said.value = f"{len(rows):,} points saved as a table"
        return frame

    def export_svg(self) -> bytes:
        """Download both plots with marker shapes, badge and selection; returns the drawing."""
        b = self.bundle
        colourings = [linked.colouring(b, m, self.by.value) for m in self._models()]
        panels = list(zip(self._models(), self.places, colourings, strict=True))
        fig = plots.clouds(panels, selected=self.selected)
        raw = plots.svg(fig, f"{b.title} · {b.source} · {b.profile}")
        self.panel.save(f"{b.name}-view.svg", raw, "image/svg+xml")
        self.said.value = "both plots saved as a drawing"
        return raw

    def _repr_mimebundle_(self, **options):
        return self.widget._repr_mimebundle_(**options)


def _button(label: str, tip: str, act) -> Button:
    made = Button(description=label, tooltip=tip, layout=Layout(width="auto"))
    made.on_click(lambda _: act())
    return made
