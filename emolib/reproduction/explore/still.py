"""The points of a bundle for those who only read: what notebook 90 draws and writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib.reproduction.explore import linked
from emolib.reproduction.explore.bundles import Bundle
from emolib.reproduction.runs.outcome import Outcome


@dataclass(frozen=True)
class Still(Outcome):
    """Panels to draw with plots.clouds, (name, places (N, 2), colouring) each.

    The frame holds the same numbers.
    """

    panels: tuple = ()


def still(bundle: Bundle, colours: tuple[str, ...] = ("class",)) -> Still:
    """The kept t-SNE of a bundle's first model, once for each of `colours` (linked.COLOUR_BY)."""
    model = bundle.models[0].name
    xy = bundle.places[model, "t-SNE"]
    drawn, frames = [], []
    for by in colours:
        shown = linked.colouring(bundle, model, by)
        drawn.append((by, xy, shown))
        frame = {"panel": by, "point": np.arange(len(bundle))}
        frame |= {"x": xy[:, 0].round(4), "y": xy[:, 1].round(4)}
        if shown.values is None:
            frame[by] = np.take(shown.names, shown.groups)
        else:
            frame[by] = shown.values.round(4)
        frames.append(pd.DataFrame(frame))
    name, source, fingerprint, _ = bundle.reference.split(":", 3)
    return Still(
        pd.concat(frames, ignore_index=True),
        bundle.profile,
        {name: {"source": source, "fingerprint": fingerprint}},
        caps=bundle.about,
        panels=tuple(drawn),
    )
