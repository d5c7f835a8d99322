"""The explorer's own widgets: confusion matrix, histogram of classes, legend, and sample.

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
LONGEST = 14  # groups a legend names


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


class Histogram(_Counted):
    """One row a class: a button that selects it, and how many are selected. `clicked(class)`."""

    def __init__(self, classes: tuple[str, ...], clicked: Callable[[int], None]):
        zero = [0] * len(classes)
        super().__init__(clicked, {"counts": zero, "every": zero}, classes)

    def show(self, counts: np.ndarray, every: np.ndarray) -> None:
        """Bars of the selected counts (C,) beside those of all points (C,)."""
        self.shown = {"counts": counts.tolist(), "every": every.tolist()}


class Legend(_Counted):
    """Colours and shapes in words; each entry is a button. `clicked(group)`.

    An entry that is pressed tells its group apart by size, for those who cannot go by colour.
    """

    def __init__(self, clicked: Callable[[int], None]):
        super().__init__(clicked, {"entries": [], "more": "", "large": None})

    def show(self, colours: Colouring, dark: bool, large: int | None = None) -> None:
        """The groups of a colouring, or the scale of its values; group `large` is pressed."""
        if colours.values is not None:
            self.shown = {"entries": [], "more": "", "large": None}
            return
        counts = np.bincount(colours.groups, minlength=len(colours.names)).tolist()
        groups = list(zip(colours.names, colours.colours, colours.markers, counts, strict=True))
        entries = [
            {"name": name, "colour": shade(colour, dark), "glyph": GLYPHS[marker], "count": count}
            for name, colour, marker, count in groups[:LONGEST]
        ]
        unnamed = len(groups) - LONGEST
        more = f"and {unnamed} more; colours repeat" if unnamed > 0 else ""
        self.shown = {"entries": entries, "more": more, "large": large}


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
