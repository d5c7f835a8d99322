"""Progress bars: after a second, with an estimate; in a log, a line every five seconds."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable

from tqdm import tqdm

# tqdm's own lock is shared between processes and outlives one that is killed, about which Python
# warns when the command ends. A bar of ours is drawn by one process.
tqdm.set_lock(threading.RLock())


def bar(
    what: Iterable | None = None,
    *,
    label: str,
    unit: str,
    total: int | None = None,
    start: int = 0,
    shown: bool = True,
    scaled: bool = False,
) -> tqdm:
    """A bar over `what`, or one that its caller moves with `update`; `start` were done before.

    scaled   numbers with prefixes: 2.1M of 417M bytes
    """
    return tqdm(
        what,
        desc=label,
        unit=unit,
        total=total,
        initial=start,
        disable=not shown,
        unit_scale=scaled,
        delay=1,
        mininterval=0.1 if sys.stderr.isatty() else 5.0,
    )


def say(line: str) -> None:
    """A line on the screen that leaves the bar whole."""
    tqdm.write(line, file=sys.stderr)
