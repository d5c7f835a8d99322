"""The explorer's views for those who only read: what a notebook draws and writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib.reproduction.explore import layout, linked
from emolib.reproduction.explore.bundles import START, Bundle
from emolib.reproduction.runs.outcome import Outcome


@dataclass(frozen=True)
class Still(Outcome):
    """Panels of points to draw with plots.clouds: (name, places (N, 2), colouring) each; the frame holds the same numbers."""

    panels: tuple = ()


def still(bundle: Bundle, panels: list[dict]) -> Still:
    """A drawing of a bundle: one panel for each entry of `panels`, whose keys all have defaults.

    model     default: the first          by       colouring, default 'class'          method   default 't-SNE'
    places    the model whose places are used, default: the panel's own
    perplexity, seed      another t-SNE than the one that is kept
    title     default: what tells the panels apart
    """
    made, frames = [], []
    for entry in panels:
        p = {"model": bundle.models[0].name, "by": "class", "method": "t-SNE", **entry}
        kept = {k: bundle.about[k] for k in ("perplexity", "seed")}
        wanted = {k: p.get(k, kept[k]) for k in kept}
        whose = p.get("places", p["model"])
        xy = (
            bundle.places[whose, p["method"]]
            if p["method"] in START and wanted == kept
            else layout.place(bundle.model(whose).embedding, p["method"], **wanted)
        )
        shown = linked.colouring(bundle, p["model"], p["by"])
        title = (
            p.get("title")
            or ", ".join(
                f"{k} {v:g}" if k in kept else str(v) for k, v in entry.items() if k != "places"
            )
            or p["model"]
        )
        made.append((title, xy, shown))
        group = (
            np.take(shown.names, shown.groups) if shown.values is None else shown.values.round(4)
        )
        frames.append(
            pd.DataFrame(
                {
                    "panel": title,
                    "point": np.arange(len(bundle)),
                    "x": xy[:, 0].round(4),
                    "y": xy[:, 1].round(4),
                    p["by"]: group,
                }
            )
        )
    name, source, fingerprint, _ = bundle.reference.split(":", 3)
    return Still(
        pd.concat(frames, ignore_index=True),
        bundle.profile,
        {name: {"source": source, "fingerprint": fingerprint}},
        caps=bundle.about,
        panels=tuple(made),
    )
