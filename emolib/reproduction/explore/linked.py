"""What the linked views compute, without a widget in sight: counts, cells, colours, exports."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.ground.errors import nearest
from emolib.reproduction.explore.bundles import Bundle
from emolib.reproduction.report.plots.style import COLOURS, MARKERS

COLOUR_BY = ("class", "named class", "correctness", "confidence", "actor", "modality")
RIGHT, WRONG = COLOURS[:2]  # blue and vermilion: apart for every colour vision, and in grey
GREY = "#9a9a9a"
ON_DARK = {"#000000": "#f2f2f2", "#0072B2": "#4da3ff"}  # what would sink into a dark ground
NAMELESS = "nobody has a name"


def shade(colour: str, dark: bool) -> str:
    """The colour of a group as it is seen on a light or a dark ground."""
    return ON_DARK.get(colour, colour) if dark else colour


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
    predicted = bundle.model(model).predicted
    if by == "confidence":
        if bundle.model(model).probabilities is not None:
            return Colouring(by, values=np.clip(confidence(bundle, model), 0, 1))
        nothing = np.zeros(len(bundle), int)
        return Colouring(by, nothing, None, ("not known",), (GREY,), MARKERS[:1])
    if by == "correctness":
        wrong = (predicted != bundle.true).astype(int)
        return Colouring(by, wrong, None, ("right", "wrong"), (RIGHT, WRONG), ("o", "X"))
    if by in ("class", "named class"):
        names = bundle.classes
        groups = np.asarray(bundle.true if by == "class" else predicted, int)
    else:
        known, groups = np.unique(getattr(bundle, by), return_inverse=True)
        names = tuple(name or NAMELESS for name in known)
    numbers = range(len(names))
    colours = tuple(COLOURS[i % 8] for i in numbers)
    markers = tuple(MARKERS[(i + i // 8) % 8] for i in numbers)
    return Colouring(by, groups, None, tuple(names), colours, markers)


def confidence(bundle: Bundle, model: str, rows=None) -> np.ndarray:
    """How sure a model is of the class it names, for each of `rows` (None: all).

    NaN where it does not say.
    """
    view = bundle.model(model)
    rows = np.arange(len(bundle)) if rows is None else np.asarray(rows, int)
    if view.probabilities is None:
        return np.full(len(rows), np.nan)
    return view.probabilities[rows, view.predicted[rows]]


def matrix(bundle: Bundle, model: str, rows=None) -> np.ndarray:
    """Counts (C, C) of true (down) against named class (across) among `rows` (None: all)."""
    rows = slice(None) if rows is None else rows
    predicted = bundle.model(model).predicted
    return metrics.confusion(bundle.true[rows], predicted[rows], len(bundle.classes))


def cell(bundle: Bundle, model: str, true: int, named: int) -> np.ndarray:
    """Points behind one cell of the matrix: of class `true`, called `named`."""
    return np.flatnonzero((bundle.true == true) & (bundle.model(model).predicted == named))


def sample(bundle: Bundle, row: int) -> dict[str, str]:
    """What is said of one point, in words."""
    words = {"sample": bundle.sample[row], "true": bundle.classes[bundle.true[row]]}
    for model in bundle.models:
        sure = confidence(bundle, model.name, [row])[0]
        named = bundle.classes[model.predicted[row]]
        words[model.name] = named if np.isnan(sure) else f"{named} ({sure:.2f})"
    words["actor"] = bundle.actor[row] or NAMELESS
    words["fold"] = bundle.fold[row] if bundle.fold[row] >= 0 else "none"
    words["consists of"] = bundle.modality[row]
    return {k: str(v) for k, v in words.items()}


def table(bundle: Bundle, rows, places: dict[str, np.ndarray] | None = None) -> pd.DataFrame:
    """The points `rows`, one row each: who, what, and what each model said.

    places   {model: (N, 2)} as shown; their columns are added
    """
    rows = np.asarray(rows, int)
    columns = {
        "point": rows,
        "sample": bundle.sample[rows],
        "row_in_set": bundle.rows[rows],
        "actor": bundle.actor[rows],
        "fold": bundle.fold[rows],
        "modality": bundle.modality[rows],
        "true": np.take(bundle.classes, bundle.true[rows]),
    }
    for model in bundle.models:
        name = model.name
        columns[f"named by {name}"] = np.take(bundle.classes, model.predicted[rows])
        columns[f"confidence of {name}"] = confidence(bundle, name, rows)
        if places and name in places:
            columns[f"x of {name}"], columns[f"y of {name}"] = places[name][rows].T
    data = bundle.reference.split(":", 1)[0]
    return pd.DataFrame(columns).assign(set=data, source=bundle.source)


def words(classes: tuple[str, ...], counts: np.ndarray) -> str:
    """One line on the counts (C, C) of a selection: how many, how many right, the worst mistake."""
    total, right = int(counts.sum()), int(np.trace(counts))
    if not total:
        return "no points"
    wrong = counts - np.diag(np.diag(counts))
    line = f"{total:,} point{'s' * (total != 1)}, {right:,} right ({100 * right / total:.0f} %)"
    if wrong.any():
        true, named = np.unravel_index(wrong.argmax(), wrong.shape)
        count = wrong[true, named]
        line += f"; most often {classes[true]} is called {classes[named]} ({count:,})"
    return line
