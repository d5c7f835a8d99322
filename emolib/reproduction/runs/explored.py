"""What a study hands over to be explored by hand: samples, their truth, models that named them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emolib.ground.errors import EmolibError


@dataclass(frozen=True)
class Model:
    """One model's view of N samples.

    embedding      finite float (N, D), D >= 2: features, or the last layer but one
    predicted      (N,) index of the class it names
    probabilities  (N, C) rows summing to 1, or None: colour by confidence is then off
    sure           what `probabilities` are: a softmax, or the share of seeds that agree
    """

    name: str
    embedding: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None = None
    sure: str = "probability"


@dataclass(frozen=True)
class Explored:
    """N samples, their truth, and models that named them; pictures and sounds are only pointed at.

    title, classes    one line over the views; the names of the C classes
    true              (N,) index of the true class
    actor             (N,) str: who is seen or heard; '' where nobody has a name
    fold              (N,) int: the fold that tested the sample; -1 where there are none
    modality, sample  (N,) str: face, sound, both, still or features; what the sample is called
    data, rows        the container that the samples come from, and the row (N,) of each in it
    about             anything plain that belongs beside the numbers: settings, sizes; `artefacts`,
                      those whose samples these are, from which the report links here
    """

    title: str
    classes: tuple[str, ...]
    true: np.ndarray
    actor: np.ndarray
    fold: np.ndarray
    modality: np.ndarray
    sample: np.ndarray
    models: tuple[Model, ...]
    data: object
    rows: np.ndarray
    profile: str
    about: dict = field(default_factory=dict)

    def __post_init__(self):
        columns = ("actor", "fold", "modality", "sample", "rows")
        columns = {name: getattr(self, name) for name in columns}
        check(self.title, self.classes, self.true, self.models, columns)
        if len(self.rows) and not (np.min(self.rows) >= 0 and np.max(self.rows) < len(self.data)):
            raise EmolibError(
                f"{self.title}: rows run to {np.max(self.rows)}, but {self.data.name} has "
                f"{len(self.data)} samples"
            )


def check(title: str, classes, true, models, columns: dict) -> None:
    """Raise EmolibError, naming the column and the row, unless everything fits together."""
    count, sort = len(true), len(classes)

    def fault(text: str) -> EmolibError:
        return EmolibError(f"{title}: {text}")

    for name, values in columns.items():
        if len(values) != count:
            raise fault(f"{count} samples but {len(values)} in `{name}`")
    if not models:
        raise fault("no model in it; expected at least one")
    names = [m.name for m in models]
    if len(set(names)) < len(names):
        twice = max(names, key=names.count)
        raise fault(f"two models are called '{twice}'; give each its own name")
    indices = {"true": true} | {f"predicted of {m.name}": m.predicted for m in models}
    for name, values in indices.items():
        values = np.asarray(values)
        if len(values) != count:
            raise fault(f"`{name}` has {len(values)} entries; expected {count}")
        bad = np.flatnonzero((values < 0) | (values >= sort))
        if len(bad):
            raise fault(
                f"`{name}` has '{values[bad[0]]}' in row {bad[0]}; "
                f"expected {count} entries from 0 to {sort - 1}"
            )
    for m in models:
        shape = np.shape(m.embedding)
        if len(shape) != 2 or shape[0] != count or shape[1] < 2:
            raise fault(f"embedding of {m.name} has shape {shape}; expected ({count}, 2 or more)")
        bad = np.argwhere(~np.isfinite(m.embedding))
        if bad.size:
            row, column = bad[0]
            raise fault(
                f"embedding of {m.name} is not a finite number in row {row}, column {column}"
            )
        odds = m.probabilities
        if odds is not None and (
            np.shape(odds) != (count, sort) or not np.allclose(np.sum(odds, 1), 1, atol=1e-3)
        ):
            raise fault(
                f"probabilities of {m.name} have shape {np.shape(odds)}; "
                f"expected ({count}, {sort}), rows summing to 1"
            )
