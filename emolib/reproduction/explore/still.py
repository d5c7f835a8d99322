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
    """Panels to draw with plots.clouds, (name, places (N, 2), colouring) each.

    The frame holds the same numbers.
    """

    panels: tuple = ()


def still(bundle: Bundle, panels: list[dict]) -> Still:
    """A drawing of a bundle: one panel for each entry of `panels`, whose keys all have defaults.

    model     the first;   by  the colouring, 'class';   method  't-SNE'
    places    the model whose places are used, the panel's own
    perplexity, seed      those of the t-SNE that is kept
    title     what tells the panels apart
    """
    drawn, frames = [], []
    kept = {k: bundle.about[k] for k in ("perplexity", "seed")}
    for entry in panels:
        p = {"model": bundle.models[0].name, "by": "class", "method": "t-SNE"} | kept | entry
        owner, wanted = p.get("places", p["model"]), {k: p[k] for k in kept}
        if p["method"] in START and wanted == kept:
            xy = bundle.places[owner, p["method"]]
        else:
            xy = layout.place(bundle.model(owner).embedding, p["method"], **wanted)
        parts = [f"{k} {v:g}" if k in kept else str(v) for k, v in entry.items() if k != "places"]
        title = p.get("title") or ", ".join(parts) or p["model"]
        shown = linked.colouring(bundle, p["model"], p["by"])
        drawn.append((title, xy, shown))
        frame = {"panel": title, "point": np.arange(len(bundle))}
        frame |= {"x": xy[:, 0].round(4), "y": xy[:, 1].round(4)}
        if shown.values is None:
            frame[p["by"]] = np.take(shown.names, shown.groups)
        else:
            frame[p["by"]] = shown.values.round(4)
        frames.append(pd.DataFrame(frame))
    name, source, fingerprint, _ = bundle.reference.split(":", 3)
    return Still(
        pd.concat(frames, ignore_index=True),
        bundle.profile,
        {name: {"source": source, "fingerprint": fingerprint}},
        caps=bundle.about,
        panels=tuple(drawn),
    )
