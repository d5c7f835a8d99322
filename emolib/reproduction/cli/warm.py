"""Loops compiled beforehand, in a process of its own, while the first notebooks leave a processor idle: python -m emolib.reproduction.cli.warm

A new cache folder has no compiled faces, voices and magnifier yet; whoever needs them first waits for the compiler, a dozen seconds in all.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator

from emolib.ground import settings

COMMAND = (sys.executable, "-m", "emolib.reproduction.cli.warm")


def faces() -> None:
    """The renderer of simulated faces."""
    from emolib.data.sim import face

    face.render(face.faces(seed=0, count=1), 8, threads=1)


def voices() -> None:
    """The synthesis of simulated speech."""
    from emolib.data.sim import voice

    voice.speak(voice.speakers(0, 1)[0], 0, "neutral", seconds=2)


def magnifier() -> None:
    """The pyramids of Eulerian magnification, for frames of eight bits."""
    import numpy as np

    from emolib import evm

    film = np.zeros((60, 32, 32, 3), np.uint8)
    for mode in evm.MODES:
        evm.magnify(film, fps=30, low=0.8, high=3, alpha=1, mode=mode)


def main() -> None:
    """In the order in which the notebooks ask for them."""
    for compiled in (faces, voices, magnifier):
        compiled()


@contextlib.contextmanager
def beside() -> Iterator[None]:
    """Compile in a second process while what is inside runs; with one process only (--jobs 1), leave it to whoever comes first."""
    if settings.jobs() < 2:
        yield
        return
    quiet = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    child = subprocess.Popen(COMMAND, **quiet)
    try:
        yield
    finally:
        child.terminate()  # nothing, where it has ended
        child.wait()


if __name__ == "__main__":
    main()
