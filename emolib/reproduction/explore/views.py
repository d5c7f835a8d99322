"""The explorer: two scatter plots, two matrices, the groups and a sample, all of one selection.

The plots are jupyter-scatter's (WebGL, so that 20,000 points stay fluid), the rest are ipywidgets.
jupyter-scatter (1.0) drops what it is told while it still draws: a plot is made with its points and
colours in it, and whatever changes later reaches it as one message, without a flight of the points.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from ipywidgets import HTML, Box, Button, Dropdown, FloatProgress, HBox, IntSlider, Layout, VBox
from jscatter import Scatter

from emolib.reproduction import report
from emolib.reproduction.explore import layout, linked, media, widgets
from emolib.reproduction.explore.bundles import START, Bundle, load

HEIGHT = 400  # of a plot, in pixels
LIGHT, DARK = "#ffffff", "#14171a"  # ground of the plots
MARKED = "#E69F00"  # the lasso and what it caught
SCALES = {"x_scale": (-1.05, 1.05), "y_scale": (-1.05, 1.05)}
KEPT, OWN = "of the left model", "each its own"
EMPTY = (
    "<span class='emolib-note'>nothing is selected: all points count. Drag a lasso, click a cell "
    "of a matrix or a group.</span>"
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
        self.panel.observe(lambda change: self._theme(), "dark")
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
        self.by = menu("colour", linked.COLOUR_BY, self.paint)
        self.method = menu("projection", layout.methods(), self.place)
        tip = "the same point in the same place in both plots, or each model's own"
        self.keep = menu("places", (KEPT, OWN), self.place, tip)
        self.perplexity = slider("perplexity", value=30, min=5, max=100, step=5)
        self.seed = slider("seed", value=0, min=0, max=20)
        self.bar = FloatProgress(max=1, layout=Layout(width="8em", visibility="hidden"))
        self.stop = _button("stop", "give up the projection under way", self.give_up)
        tip = "let all points count again"
        self.clear = _button("clear selection", tip, lambda: self.select([]))
        tip = "download the selected points as a table"
        self.csv = _button("selection to CSV", tip, self.export_csv)
        self.said = HTML()
        self.said.add_class("emolib-said")
        bars = (
            [self.which, self.left, self.right, self.by],
            [self.method, self.keep, self.perplexity, self.seed, self.bar, self.stop],
            [self.clear, self.csv, self.said],
        )
        flow = Layout(flex_flow="row wrap", align_items="center", grid_gap="4px 10px")
        return [HBox(bar, layout=flow) for bar in bars]

    def open(self, name: str) -> None:
        """Show another bundle, with nothing selected."""
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
        self.selected = np.empty(0, int)
        right = names[0] if self.keep.value == KEPT else self.right.value
        self.places = [self.bundle.places[model, "t-SNE"] for model in (names[0], right)]
        self._build()

    def _build(self) -> None:
        """New plots and matrices for a bundle; a change of model or colour only repaints them."""
        b = self.bundle
        self.shown = None
        self.plots = [self._plot(xy) for xy in self.places]
        self.titles = [HTML(), HTML()]
        self.matrices = [
            widgets.Matrix(b.classes, lambda true, named: self.cell(0, true, named)),
            widgets.Matrix(b.classes, lambda true, named: self.cell(1, true, named)),
        ]
        self.groups = widgets.Groups(self.group)
        self._paint_all()
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
        below += [Box([self.groups], layout=side)]
        for plot in self.plots:
            self._listen(plot)
        self.select([])
        self.place()
        self.stage.children = [HTML(head), HBox(above), HBox(below)]

    def _plot(self, xy: np.ndarray) -> Scatter:
        """A plot with every point in its place; it is told its colours before it is shown."""
        plot = Scatter(
            data=pd.DataFrame(xy, columns=["x", "y"]),
            x="x",
            y="y",
            **SCALES,
            height=HEIGHT,
            axes=False,
            size=float(np.clip(200 / np.sqrt(len(self.bundle)), 2, 8)),
            lasso_color=MARKED,
            mouse_mode="lasso",
            tooltip=False,
        )
        plot.color(selected=MARKED, hover=MARKED)
        return plot

    def _listen(self, plot: Scatter) -> None:
        """Hear what is selected and hovered in a plot."""
        plot.widget.observe(
            lambda change: None if self._quiet else self.select(change["new"]), "selection"
        )
        plot.widget.observe(lambda change: self.hover(change["new"]), "hovering")

    def _models(self) -> list[str]:
        """The models on the left and on the right."""
        return [self.left.value, self.right.value]

    # ------------------------------------------------------------ places

    def restart(self) -> None:
        """Another model on one side: its places, colours and counts."""
        with self._one_message():
            self.place()
            self.paint()
        self.select(self.selected)

    @contextlib.contextmanager
    def _one_message(self):
        """What is changed meanwhile reaches each plot at once: it drops what comes as it draws."""
        with contextlib.ExitStack() as held:
            for plot in self.plots:
                held.enter_context(plot.widget.hold_sync())
            yield

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
        self._done(self._said())
        before, self.places = self.places, [places[0], places[-1]]
        with self._one_message():
            for plot, old, xy in zip(self.plots, before, self.places, strict=True):
                if old is not xy:
                    plot.xy(xy[:, 0], xy[:, 1], **SCALES, animate=False)

    # ------------------------------------------------------------ colours

    def paint(self) -> None:
        """Colour the points of both plots, and say what the colours mean."""
        with self._one_message():
            self._paint_all()
        self._count()

    def _paint_all(self) -> None:
        for plot, title, model in zip(self.plots, self.titles, self._models(), strict=True):
            self._colour(plot, linked.colouring(self.bundle, model, self.by.value))
            plot.background(DARK if self.panel.dark else LIGHT)
            title.value = f"<b>{model}</b>"

    def _colour(self, plot: Scatter, shown: linked.Colouring) -> None:
        if shown.values is not None:
            plot.color(by=shown.values, map="cividis", norm=(0, 1))
            return
        colours = [linked.shade(c, self.panel.dark) for c in shown.colours]
        names = [f"{k} {name}" for k, name in enumerate(shown.names)]
        if len(names) == 1:  # one colour is no colour map
            colours, names = colours * 2, [*names, ""]
        plot.color(by=pd.Categorical.from_codes(shown.groups, names), map=colours)

    def _theme(self) -> None:
        """The page's ground is light or dark: so are the plots'."""
        mark = self.widget.add_class if self.panel.dark else self.widget.remove_class
        mark("emolib-dark")
        self.paint()

    # ------------------------------------------------------------ one selection for all views

    def select(self, rows) -> None:
        """Select points (row numbers), from wherever; none means that all count."""
        self.selected = np.sort(np.asarray(rows if rows is not None else [], int))
        self._quiet = True
        for plot in self.plots:
            if not np.array_equal(np.sort(np.asarray(plot.widget.selection, int)), self.selected):
                plot.selection(self.selected)
        self._quiet = False
        self._count()
        if self.bar.layout.visibility != "visible":
            self.said.value = self._said()
        if len(self.selected):
            self.look(int(self.selected[0]))

    def _said(self) -> str:
        """How many points are selected, in words."""
        return f"{len(self.selected):,} selected" if len(self.selected) else EMPTY

    def _count(self) -> None:
        """Count the selected points, or all, in both matrices and in the groups."""
        pool = self._pool()
        for matrix, model in zip(self.matrices, self._models(), strict=True):
            counts = linked.matrix(self.bundle, model, pool)
            matrix.show(model, counts, linked.words(self.bundle.classes, counts))
        shown = linked.colouring(self.bundle, self.left.value, self.by.value)
        self.groups.show(shown, pool, self.panel.dark)

    def group(self, number: int) -> None:
        """Light up a group of the colours, as the left model has it."""
        shown = linked.colouring(self.bundle, self.left.value, self.by.value)
        self.select(np.flatnonzero(shown.groups == number))

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

    def _repr_mimebundle_(self, **options):
        return self.widget._repr_mimebundle_(**options)


def _button(label: str, tip: str, act) -> Button:
    made = Button(description=label, tooltip=tip, layout=Layout(width="auto"))
    made.on_click(lambda _: act())
    return made
