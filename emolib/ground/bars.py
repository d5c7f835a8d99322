"""Progress bars: after a second, with an estimate. In a log, one line when the work has ended.

Where output is no terminal, a bar that is drawn again and again is a thousand lines, and a bar
inside another says nothing that the outer one does not. There only the outermost speaks: what was
done and how long it took, and every ten minutes how far it has come.
"""

from __future__ import annotations

import functools
import multiprocessing
import sys
import threading
import time
from collections.abc import Iterable, Iterator

DELAY = 1.0  # seconds: what is done sooner is not worth a line
STILL_HERE = 600.0  # seconds between two lines of a log about the same work


def bar(
    what: Iterable | None = None,
    *,
    label: str,
    unit: str,
    total: int | None = None,
    start: int = 0,
    shown: bool = True,
    scaled: bool = False,
):
    """A bar over `what`, or one that its caller moves with `update`; `start` were done before.

    A tqdm at a terminal, a Line elsewhere: both are iterated, moved by `update(count)`, closed at
    the end of a `with` block or of the iteration.

    shown    False: silent; so is every bar of a process that works for another one
    scaled   numbers with prefixes: 2.1MB of 417MB
    """
    shown = shown and multiprocessing.current_process().name == "MainProcess"
    if not sys.stderr.isatty():
        return Line(what, label, unit, total, start, shown, scaled)
    return _tqdm()(
        what,
        desc=label,
        unit=unit,
        total=total,
        initial=start,
        disable=not shown,
        unit_scale=scaled,
        delay=DELAY,
        mininterval=0.1,
    )


def say(line: str) -> None:
    """A line on the screen that leaves the bar whole."""
    if sys.stderr.isatty():
        _tqdm().write(line, file=sys.stderr)
    else:
        print(line, file=sys.stderr, flush=True)


@functools.cache
def _tqdm():
    """tqdm with a lock of this process: imported here, so that the library asks for it only where
    there is a terminal.

    tqdm's own lock is shared between processes and outlives one that is killed, about which Python
    warns when the command ends. A bar of ours is drawn by one process.
    """
    from tqdm import tqdm

    tqdm.set_lock(threading.RLock())
    return tqdm


class Line:
    """The bar of a log: 'label: 12 of 40 runs, 83 s', once, where it is the outermost.

    n, total   done so far, and of how many (None: nobody knows)
    """

    _open: list[Line] = []  # bars under way in this process, the outermost first

    def __init__(self, what, label, unit, total, start, shown, scaled):
        if total is None and hasattr(what, "__len__"):
            total = start + len(what)
        self.what, self.label, self.unit, self.total, self.n = what, label, unit, total, start
        self.shown, self.scaled = shown, scaled
        self.begun = self.said = time.monotonic()

    def __enter__(self) -> Line:
        if self not in Line._open:
            Line._open.append(self)
        return self

    def __iter__(self) -> Iterator:
        with self:
            for item in self.what:
                yield item
                self.update()

    def __exit__(self, *_) -> None:
        self.close()

    def update(self, count: int = 1) -> None:
        """`count` more are done."""
        self.n += count
        if time.monotonic() - self.said >= STILL_HERE:
            self._say()

    def close(self) -> None:
        """The work has ended, or was left: the line is written."""
        if self in Line._open:
            if time.monotonic() - self.begun >= DELAY:
                self._say()
            Line._open.remove(self)

    def _say(self) -> None:
        """The line, unless a bar around this one will write its own."""
        self.said = time.monotonic()
        around = Line._open[: Line._open.index(self)] if self in Line._open else []
        if not self.shown or any(other.shown for other in around):
            return
        counts = [count for count in (self.n, self.total) if count is not None]
        if self.scaled:
            done = " of ".join(f"{_tqdm().format_sizeof(count)}{self.unit}" for count in counts)
        else:
            done = f"{' of '.join(map(str, counts))} {self.unit}{'' if counts[-1] == 1 else 's'}"
        say(f"{self.label}: {done}, {self.said - self.begun:.0f} s")
