"""What a study hands to the explorer: points that can be looked at, and what one or more models said of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from emolib.ground.errors import EmolibError


@dataclass(frozen=True)
class Model:
    """One model's view of N samples.

    name           as it stands in the explorer's menu
    embedding      finite float (N, D): features, or what the network says before its last step; D >= 2
    predicted      (N,) index of the class it names
    probabilities  (N, C) how sure it is, rows summing to 1, or None: colour by confidence is then off
    sure           what `probabilities` are, in a few words (a softmax, or the share of seeds that agree)
    """

    name: str
    embedding: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray | None = None
    sure: str = "probability"


@dataclass(frozen=True)
class Explored:
    """N samples, their truth, and models that named them. Pictures and sounds are never in it, only where they are found.

    title      one line over the views
    classes    names of the C classes
    true       (N,) index of the true class
    actor      (N,) str: who is seen or heard; '' where nobody has a name
    fold       (N,) int: the fold that tested the sample; -1 where there are none
    modality   (N,) str: what the sample consists of (face, sound, both, still, features)
    sample     (N,) str: what the sample is called
    models     one or more
    data       the container the samples come from (ImageSet, ClipSet, TableSet ...); its reference is kept, its content is not
    rows       (N,) row of each sample in `data`
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
    about: dict = field(
        default_factory=dict
    )  # anything plain that belongs beside the numbers: settings, sizes

    def __post_init__(self):
        check(
            self.title,
            self.classes,
            self.true,
            self.models,
            {
                "actor": self.actor,
                "fold": self.fold,
                "modality": self.modality,
                "sample": self.sample,
                "rows": self.rows,
            },
        )
        if len(self.rows) and not (0 <= np.min(self.rows) and np.max(self.rows) < len(self.data)):
            raise EmolibError(
                f"{self.title}: rows run to {np.max(self.rows)}, but {self.data.name} has {len(self.data)} samples"
            )


def check(title: str, classes, true, models, columns: dict) -> None:
    """Raise EmolibError, naming the column and the row, unless everything fits together."""
    count, sort = len(true), len(classes)
    for name, values in columns.items():
        if len(values) != count:
            raise EmolibError(f"{title}: {count} samples but {len(values)} in `{name}`")
    if not models:
        raise EmolibError(f"{title}: no model in it; expected at least one")
    names = [m.name for m in models]
    if len(set(names)) < len(names):
        raise EmolibError(
            f"{title}: two models are called '{max(names, key=names.count)}'; give each its own name"
        )
    for what, values in (
        ("true", true),
        *((f"predicted of {m.name}", m.predicted) for m in models),
    ):
        values = np.asarray(values)
        bad = np.flatnonzero((values < 0) | (values >= sort)) if len(values) == count else [0]
        if len(bad):
            raise EmolibError(
                f"{title}: `{what}` has {len(values)} entries and '{values[bad[0]] if len(values) else ''}' in row {bad[0]}; "
                f"expected {count} entries from 0 to {sort - 1}"
            )
    for m in models:
        shape = np.shape(m.embedding)
        if len(shape) != 2 or shape[0] != count or shape[1] < 2:
            raise EmolibError(
                f"{title}: embedding of {m.name} has shape {shape}; expected ({count}, 2 or more)"
            )
        bad = np.argwhere(~np.isfinite(m.embedding))
        if bad.size:
            raise EmolibError(
                f"{title}: embedding of {m.name} is not a finite number in row {bad[0][0]}, column {bad[0][1]}"
            )
        if m.probabilities is not None and (
            np.shape(m.probabilities) != (count, sort)
            or not np.allclose(np.sum(m.probabilities, 1), 1, atol=1e-3)
        ):
            raise EmolibError(
                f"{title}: probabilities of {m.name} have shape {np.shape(m.probabilities)}; expected ({count}, {sort}), rows summing to 1"
            )
