"""The explorer's own widgets: confusion matrix, groups of a colouring, and sample.

A change of the selection is one message to each. (A button for each cell would be hundreds a lasso,
for which the browser makes a reader wait.) How they are drawn: widgets.js and widgets.css.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from emolib.reproduction.explore.linked import Colouring, shade

STYLE = f"<style>{Path(__file__).with_suffix('.css').read_text(encoding='utf-8')}</style>"
GLYPHS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "✖", "*": "★"}
LONGEST = 24  # groups that are named


class _Drawn(anywidget.AnyWidget):
    _esm = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
    kind = traitlets.Unicode().tag(sync=True)

    @traitlets.default("kind")
    def _kind(self) -> str:
        return type(self).__name__


class _Counted(_Drawn):
    """Draws `shown`, and calls `clicked` with the numbers of what was clicked."""

    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)

    def __init__(self, clicked: Callable[..., None], shown: dict, classes: tuple[str, ...] = ()):
        super().__init__(classes=list(classes), shown=shown)
        self._clicked = clicked
        self.on_msg(self._receive)

    def _receive(self, widget, message: dict, buffers) -> None:
        self._clicked(*(int(message[k]) for k in ("row", "column") if k in message))


class Matrix(_Counted):
    """True classes down, named classes across; each cell is a button. `clicked(true, named)`."""

    def __init__(self, classes: tuple[str, ...], clicked: Callable[[int, int], None]):
        empty = {"title": "", "words": "", "counts": [0] * len(classes) ** 2}
        super().__init__(clicked, empty, classes)

    def show(self, title: str, counts: np.ndarray, words: str) -> None:
        """Put counts (C, C) into the cells, darker for a larger share of the true class."""
        self.shown = {"title": title, "words": words, "counts": counts.ravel().tolist()}


class Groups(_Counted):
    """The groups of a colouring, in colour, shape and words; each is a button. `clicked(group)`.

    To select a group tells it apart for those who cannot go by colour.
    """

    def __init__(self, clicked: Callable[[int], None]):
        super().__init__(clicked, {"title": "", "entries": [], "more": ""})

    def show(self, colours: Colouring, rows: np.ndarray, dark: bool) -> None:
        """How many of each group stand among the points `rows`; values get a scale instead."""
        if colours.values is not None:
            self.shown = {"title": colours.by, "entries": [], "more": "0 is dark, 1 is bright"}
            return
        groups = len(colours.names)
        every, some = (
            np.bincount(held, minlength=groups).tolist()
            for held in (colours.groups, colours.groups[rows])
        )
        looks = zip(colours.names, colours.colours, colours.markers, every, some, strict=True)
        entries = [
            {
                "name": name,
                "colour": shade(colour, dark),
                "glyph": GLYPHS[marker],
                "of": a,
                "count": n,
            }
            for name, colour, marker, a, n in list(looks)[:LONGEST]
        ]
        more = f"and {groups - LONGEST} more; colours repeat" if groups > LONGEST else ""
        self.shown = {"title": colours.by, "entries": entries, "more": more}


class Panel(_Drawn):
    """Shows one sample at a time and saves files through the browser.

    The state of a widget may be saved with a notebook. Here pictures, sounds and files travel as
    messages, which the browser shows and forgets: a restricted face cannot end up in an .ipynb.
    `dark`: has the page around it a dark ground?
    """

    dark = traitlets.Bool(False).tag(sync=True)

    def show(self, words: dict[str, str], sample) -> None:
        """What is said of a point, and what there is of picture, spectrogram and sound (Sample)."""
        message = {"kind": "sample", "words": words, "alt": words["sample"], "note": sample.note}
        buffers = []
        for name in ("picture", "spectrogram", "sound"):
            raw = getattr(sample, name)
            message[name] = len(buffers) if raw else None
            buffers += [raw] if raw else []
        self.send(message, buffers)

    def save(self, name: str, raw: bytes, type: str) -> None:
        """Let the browser download a file."""
        self.send({"kind": "file", "name": name, "type": type}, [raw])
