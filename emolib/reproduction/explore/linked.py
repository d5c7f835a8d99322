"""What the linked views compute, without a widget in sight: counts of a selection, the samples of a cell, colours, and what is exported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.ground.errors import nearest
from emolib.reproduction.explore.bundles import Bundle
from emolib.reproduction.report.plots.style import COLOURS, MARKERS

COLOUR_BY = ("class", "named class", "correctness", "confidence", "actor", "modality")
RIGHT, WRONG = (
    COLOURS[0],
    COLOURS[1],
)  # blue and vermilion: apart for every kind of colour vision, and in grey
GREY = "#9a9a9a"


@dataclass(frozen=True)
class Colouring:
    """How points are coloured: a group for each point, or a value in [0, 1] for each.

    groups   (N,) int index into `names`, or None;   values  (N,) float in [0, 1], or None
    names, colours, markers     one for each group; markers tell groups apart in static figures
    """

    by: str
    groups: np.ndarray | None = None
    values: np.ndarray | None = None
    names: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()


def colouring(bundle: Bundle, model: str, by: str) -> Colouring:
    """Groups or values of `by` for the points of a bundle as one of its models sees them."""
    if by not in COLOUR_BY:
        raise nearest(by, COLOUR_BY, what="colouring")
    said = bundle.model(model)
    if by == "confidence":
        if said.probabilities is None:
            return Colouring(
                by, np.zeros(len(bundle), int), None, ("not known",), (GREY,), MARKERS[:1]
            )
        return Colouring(by, None, np.clip(confidence(bundle, model), 0, 1))
    if by == "correctness":
        return Colouring(
            by,
            (said.predicted != bundle.true).astype(int),
            None,
            ("right", "wrong"),
            (RIGHT, WRONG),
            ("o", "X"),
        )
    if by in ("class", "named class"):
        names, groups = (
            bundle.classes,
            np.asarray(bundle.true if by == "class" else said.predicted, int),
        )
    else:
        known, groups = np.unique(getattr(bundle, by), return_inverse=True)
        names = tuple(v or "nobody has a name" for v in known)
    at = np.arange(len(names))
    return Colouring(
        by,
        groups,
        None,
        tuple(names),
        tuple(COLOURS[i % 8] for i in at),
        tuple(MARKERS[(i + i // 8) % 8] for i in at),
    )


def confidence(bundle: Bundle, model: str, rows=None) -> np.ndarray:
    """How sure the model is of the class it names, one number for each of `rows` (all points for None); NaN where it does not say."""
    said = bundle.model(model)
    rows = np.arange(len(bundle)) if rows is None else np.asarray(rows, int)
    if said.probabilities is None:
        return np.full(len(rows), np.nan)
    return said.probabilities[rows, said.predicted[rows]]


def matrix(bundle: Bundle, model: str, rows=None) -> np.ndarray:
    """Counts (C, C) of true (down) against named class (across) among `rows`; all points for None."""
    rows = slice(None) if rows is None else rows
    return metrics.confusion(
        bundle.true[rows], bundle.model(model).predicted[rows], len(bundle.classes)
    )


def cell(bundle: Bundle, model: str, true: int, named: int) -> np.ndarray:
    """Points behind one cell of the matrix: of class `true`, called `named`."""
    return np.flatnonzero((bundle.true == true) & (bundle.model(model).predicted == named))


def histogram(bundle: Bundle, rows=None) -> np.ndarray:
    """Points of each class, (C,), among `rows`; all points for None."""
    rows = slice(None) if rows is None else rows
    return np.bincount(bundle.true[rows], minlength=len(bundle.classes))


def sample(bundle: Bundle, row: int) -> dict[str, str]:
    """What is said of one point, in words."""
    said = {"sample": bundle.sample[row], "true": bundle.classes[bundle.true[row]]}
    for m in bundle.models:
        sure = confidence(bundle, m.name, [row])[0]
        said[m.name] = bundle.classes[m.predicted[row]] + (
            "" if np.isnan(sure) else f" ({sure:.2f})"
        )
    said |= {
        "actor": bundle.actor[row] or "nobody has a name",
        "fold": str(bundle.fold[row]) if bundle.fold[row] >= 0 else "none",
        "consists of": bundle.modality[row],
    }
    return {k: str(v) for k, v in said.items()}


def table(bundle: Bundle, rows, places: dict[str, np.ndarray] | None = None) -> pd.DataFrame:
    """The selected points as a table, one row each: who, what, and what each model said. `places`: {model: (N, 2)} as shown."""
    rows = np.asarray(rows, int)
    frame = pd.DataFrame(
        {
            "point": rows,
            "sample": bundle.sample[rows],
            "row_in_set": bundle.rows[rows],
            "actor": bundle.actor[rows],
            "fold": bundle.fold[rows],
            "modality": bundle.modality[rows],
            "true": np.take(bundle.classes, bundle.true[rows]),
        }
    )
    for m in bundle.models:
        frame[f"named by {m.name}"] = np.take(bundle.classes, m.predicted[rows])
        frame[f"confidence of {m.name}"] = confidence(bundle, m.name, rows)
        if places and m.name in places:
            frame[f"x of {m.name}"], frame[f"y of {m.name}"] = places[m.name][rows].T
    return frame.assign(set=bundle.reference.split(":", 1)[0], source=bundle.source)


def words(classes: tuple[str, ...], counts: np.ndarray) -> str:
    """One line on the counts (C, C) of a selection: how many, how many right, the commonest mistake."""
    total, right = int(counts.sum()), int(np.trace(counts))
    if not total:
        return "no points"
    wrong = counts - np.diag(np.diag(counts))
    line = f"{total:,} point{'s' * (total != 1)}, {right:,} right ({100 * right / total:.0f} %)"
    if wrong.any():
        t, n = np.unravel_index(wrong.argmax(), wrong.shape)
        line += f"; most often {classes[t]} is called {classes[n]} ({wrong[t, n]:,})"
    return line
