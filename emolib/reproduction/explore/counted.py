"""Counts that can be clicked: the confusion matrix, the histogram of classes, and the legend.

Each is one widget and each change of a selection is one message to it. (A button for each cell would be hundreds of messages a lasso,
and the browser, not the counting, was what made a lasso wait.) They draw real buttons, so Tab and Enter work.
"""

from __future__ import annotations

from collections.abc import Callable

import anywidget
import numpy as np
import traitlets

from emolib.reproduction.explore.linked import Colouring
from emolib.reproduction.explore.parts import GLYPHS, LONGEST, shade

_HELP = """
function make(tag, name, text, title) {
  const e = document.createElement(tag);
  if (name) e.className = name;
  e.textContent = text; if (title) e.title = title;
  return e;
}
const number = n => n.toLocaleString("en-US");
function put(e, text) { if (e.textContent !== text) e.textContent = text; }
function follow(model, draw) { draw(); model.on("change:shown", draw); return () => model.off("change:shown", draw); }
"""

_MATRIX = (
    _HELP
    + """
function render({model, el}) {
  const names = model.get("classes"), C = names.length, head = make("div", "emolib-note", ""), grid = make("div", "emolib-grid", ""), cells = [];
  grid.style.gridTemplateColumns = `5.5em repeat(${C}, minmax(30px, 1fr))`;
  grid.append(make("div", "emolib-head", "true \\\\ named"), ...names.map(n => make("div", "emolib-head", n.slice(0, 6), n)));
  names.forEach((name, t) => {
    grid.append(make("div", "emolib-head", name, name));
    names.forEach((_, n) => {
      const cell = make("button", "emolib-cell" + (t === n ? " emolib-right" : ""), "");
      cell.onclick = () => model.send({row: t, column: n});
      cells.push(cell); grid.append(cell);
    });
  });
  const title = make("b", "", ""), words = make("span", "", "");
  head.append(title, words); el.append(head, grid);
  return follow(model, () => {
    const {title: whose, words: said, counts} = model.get("shown");
    put(title, whose); put(words, ": " + said);
    names.forEach((name, t) => {
      const row = counts.slice(t * C, t * C + C), all = Math.max(1, row.reduce((a, b) => a + b, 0));
      row.forEach((k, n) => {
        const cell = cells[t * C + n];
        put(cell, number(k));
        cell.style.backgroundColor = k ? `rgba(0, 114, 178, ${(0.6 * k / all).toFixed(2)})` : "";
        cell.title = `${name} called ${names[n]}: ${number(k)} points, ${Math.round(100 * k / all)} % of ${name}`;
        cell.setAttribute("aria-label", cell.title);
      });
    });
  });
}
export default { render };
"""
)

_HISTOGRAM = (
    _HELP
    + """
function render({model, el}) {
  const grid = make("div", "emolib-classes", ""), bars = model.get("classes").map((name, c) => {
    const button = make("button", "emolib-class", name, "select every " + name), bar = make("div", "emolib-bar", ""), ground = make("span", "", ""),
          fill = make("i", "", ""), words = make("span", "", "");
    button.onclick = () => model.send({row: c});
    ground.append(fill); bar.append(ground, words); grid.append(button, bar);
    return [fill, words];
  });
  el.append(make("b", "", "Classes of the selection"), grid);
  return follow(model, () => {
    const {counts, every} = model.get("shown"), most = Math.max(1, ...counts);
    bars.forEach(([fill, words], c) => { fill.style.width = `${(100 * counts[c] / most).toFixed(1)}%`; put(words, `${number(counts[c])} of ${number(every[c])}`); });
  });
}
export default { render };
"""
)

_LEGEND = (
    _HELP
    + """
function render({model, el}) {
  el.classList.add("emolib-legend");
  return follow(model, () => {
    const {entries, more, large} = model.get("shown");
    if (!entries.length) {
      const ramp = make("span", "emolib-ramp", "");
      return el.replaceChildren(make("span", "", "confidence: 0"), ramp, make("span", "", "1"));
    }
    const had = el.contains(document.activeElement) ? [...el.children].indexOf(document.activeElement) : -1;
    el.replaceChildren(...entries.map(({glyph, colour, name, count}, k) => {
      const button = make("button", "emolib-entry", "", k === large ? "draw all groups alike again" : `draw ${name} large and the others small`), mark = make("span", "", glyph);
      mark.style.color = colour;
      button.append(mark, ` ${name} (${number(count)})`);
      button.setAttribute("aria-pressed", k === large);
      button.onclick = () => model.send({row: k});
      return button;
    }), make("span", "", more));
    if (had >= 0) el.children[had]?.focus();
  });
}
export default { render };
"""
)


class _Counted(anywidget.AnyWidget):
    """Draws `shown`, and calls `clicked` with the numbers of what was clicked."""

    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)

    def __init__(self, clicked: Callable[..., None], **state):
        super().__init__(**state)
        self.on_msg(
            lambda _, said, buffers: clicked(
                *(int(said[k]) for k in ("row", "column") if k in said)
            )
        )


class Matrix(_Counted):
    """True classes down, named classes across; each cell is a button that can be reached by keyboard. `clicked(true, named)`."""

    _esm = _MATRIX

    def __init__(self, classes: tuple[str, ...], clicked: Callable[[int, int], None]):
        super().__init__(
            clicked,
            classes=list(classes),
            shown={"title": "", "words": "", "counts": [0] * len(classes) ** 2},
        )

    def show(self, title: str, counts: np.ndarray, words: str) -> None:
        """Put counts (C, C) into the cells, darker for a larger share of the true class."""
        self.shown = {"title": title, "words": words, "counts": counts.ravel().tolist()}


class Histogram(_Counted):
    """One row a class: a button that selects it, and how many of its points are selected. `clicked(class index)`."""

    _esm = _HISTOGRAM

    def __init__(self, classes: tuple[str, ...], clicked: Callable[[int], None]):
        super().__init__(
            clicked,
            classes=list(classes),
            shown={"counts": [0] * len(classes), "every": [0] * len(classes)},
        )

    def show(self, counts: np.ndarray, every: np.ndarray) -> None:
        """Bars of the selected counts (C,) beside those of all points (C,)."""
        self.shown = {"counts": counts.tolist(), "every": every.tolist()}


class Legend(_Counted):
    """Colours and shapes in words; each entry is a button. `clicked(group)`. The points on screen have one shape only, so an entry that is
    pressed tells its group apart by size, for those who cannot go by colour; the exported drawing has the shapes."""

    _esm = _LEGEND

    def __init__(self, clicked: Callable[[int], None]):
        super().__init__(clicked, shown={"entries": [], "more": "", "large": None})

    def show(self, colours: Colouring, dark: bool, large: int | None = None) -> None:
        """The groups of a colouring, or the scale of its values; group `large` is the one that is pressed."""
        if colours.values is not None:
            self.shown = {"entries": [], "more": "", "large": None}
            return
        counts = np.bincount(colours.groups, minlength=len(colours.names)).tolist()
        named = list(zip(colours.names, colours.colours, colours.markers, counts, strict=True))[
            :LONGEST
        ]
        more = (
            f"and {len(colours.names) - LONGEST} more; colours repeat"
            if len(colours.names) > LONGEST
            else ""
        )
        self.shown = {
            "entries": [
                {"name": n, "colour": shade(c, dark), "glyph": GLYPHS[m], "count": k}
                for n, c, m, k in named
            ],
            "more": more,
            "large": large,
        }
