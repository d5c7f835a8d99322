"""Whole simulated data sets, and their files in the layout of the real ones.

`sfew_table(...)` and its siblings each return one of the four containers with source 'simulated';
`write(world, folder)` writes it as the holders of the real set ship it, so that the real loaders
are tested against files.
"""

from __future__ import annotations

from pathlib import Path

from emolib.errors import nearest
from emolib.sim import sfew
from emolib.sim.sfew import sfew_table

__all__ = ["sfew_table", "write"]

WRITERS = {"sfew": sfew.write}


def write(world, folder, **options) -> list[Path]:
    """Write `world` under `folder` in the real set's layout; returns the files.

    Raises EmolibError for a world whose name has no known layout.
    """
    if world.name not in WRITERS:
        raise nearest(world.name, WRITERS, what="world")
    return WRITERS[world.name](world, Path(folder), **options)
