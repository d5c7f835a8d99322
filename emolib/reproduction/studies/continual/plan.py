"""The study of continual learning: sizes, data, orders of tasks, runs, results (notebook 14).

Four bodies, each trained once and frozen:

    body (a)  on all letters: it has seen every letter that a later task will bring
    body (b)  on the first task only: what continual learning allows
    body (c)  on another set (CIFAR-100 in grey)
    body (d)  not at all: what the head alone can do
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.models import classifiers
from emolib.reproduction import runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.continual import training
from emolib.reproduction.studies.continual.training import LETTERS, SIZE

BODIES = {
    "all letters": "body (a)",
    "first task": "body (b)",
    "another set": "body (c)",
    "untrained": "body (d)",
}


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. Rates and epochs are ours: the thesis prints none."""

    orders: int = 5  # of the letters; the first is the alphabet
    train: int = 4800  # images of each letter, the first of its split
    test: int = 800
    bodies: int = 5  # trainings of the bodies that do not depend on the order
    body_epochs: int = 10  # on all letters; on the first task, a fifth of the images, twice as many
    other_epochs: int = 10  # the body that learns another set
    head_epochs: int = 20
    exemplars: int = 20  # images of each letter that replay may keep
    whole_orders: int = 5  # orders in which the whole network goes on learning
    whole_epochs: int = 10
    pictures_train: int = 500  # CIFAR-100, images of each class, at most what the set has
    pictures_test: int = 100
    pictures_size: int = 128  # pixels a side that the ImageNet body sees
    # The first is shown: at the second no weight leaves the margin of 0.3.
    pictures_rates: tuple[float, ...] = (0.03, 0.003)
    pictures_epochs: int = 40
    pictures_body_epochs: int = 10  # where no ImageNet weights are installed
    pictures_seeds: int = 5
    tuned_epochs: int = 10  # of the body that learns all 100 classes before it is frozen


def orders(count: int) -> list[list[int]]:
    """Orders of the 26 letters: the alphabet first, then seeded shuffles.

    Tasks are five letters at a time; the last letter is left over.
    """
    shuffles = [np.random.default_rng([14, i]).permutation(LETTERS) for i in range(1, count)]
    return [list(range(LETTERS)), *(order.tolist() for order in shuffles)]


def picture_body() -> str:
    """'imagenet' where the weights of EfficientNet-Lite0 are installed, else 'trained here'."""
    return "imagenet" if classifiers.lite0_at_hand() else "trained here"


class Study(runs.Study):
    """Continual learning on letters and pictures; the knobs are the fields of Sizes."""

    SIZES = {
        "smoke": Sizes(
            orders=2,
            train=12,
            test=6,
            bodies=1,
            body_epochs=1,
            other_epochs=1,
            head_epochs=3,
            exemplars=4,
            whole_orders=1,
            whole_epochs=1,
            pictures_train=4,
            pictures_test=2,
            pictures_size=32,
            pictures_epochs=3,
            pictures_body_epochs=1,
            pictures_seeds=1,
            tuned_epochs=1,
        ),
        "quick": Sizes(
            train=60,
            test=40,
            bodies=1,
            body_epochs=12,
            other_epochs=3,
            head_epochs=40,
            whole_orders=2,
            whole_epochs=3,
            pictures_train=16,
            pictures_test=5,
            pictures_size=64,
            pictures_epochs=10,
            pictures_body_epochs=3,
            pictures_seeds=3,
            tuned_epochs=1,
        ),
        "overnight": Sizes(
            train=800,
            test=400,
            bodies=3,
            other_epochs=30,  # after eight body (c) still learnt
            head_epochs=40,
            whole_orders=3,
            whole_epochs=6,
            pictures_train=100,
            pictures_test=50,
            pictures_size=96,
            pictures_epochs=20,
            pictures_body_epochs=8,
            pictures_seeds=3,
            tuned_epochs=6,
        ),
        "full": Sizes(),
    }

    @part
    def letters(self):
        """EMNIST letters; where they are not at hand UNIPEN's, whose writers are known."""
        if datasets.at_hand("emnist_letters"):
            return datasets.load("emnist_letters")
        return datasets.load("unipen", most=max(self.sizes.train, self.sizes.test))

    @part
    def pictures(self):
        """CIFAR-100, or the subset of it that is at hand."""
        size = {"train": self.sizes.pictures_train, "test": self.sizes.pictures_test}
        return datasets.load("cifar100", profile=self.profile, **size)

    @property
    def sources(self) -> tuple:
        return self.letters, self.pictures

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.orders))

    @part
    def plan(self) -> dict[str, dict]:
        """Every run of the study by name: arguments for training.run."""
        s, every = self.sizes, orders(self.sizes.orders)
        data, other = datasets.reference(self.letters), datasets.reference(self.pictures)
        grid = {
            "pictures": {
                "kind": "pictures",
                "data": other,
                "body": picture_body(),
                "seeds": list(range(s.pictures_seeds)),
                "train": s.pictures_train,
                "test": s.pictures_test,
                "size": s.pictures_size,
                "rates": list(s.pictures_rates),
                "epochs": s.pictures_epochs,
                "body_epochs": s.pictures_body_epochs,
                "tuned_epochs": 0,
                "task": SIZE,
            }
        }
        grid["tuned pictures"] = grid["pictures"] | {"tuned_epochs": s.tuned_epochs}
        images = {"data": data, "train": s.train, "test": s.test}
        heads = {"kind": "letters", "head_epochs": s.head_epochs, "exemplars": s.exemplars}
        epochs = dict(
            zip(BODIES, (s.body_epochs, 2 * s.body_epochs, s.other_epochs, 0), strict=True)
        )
        for body in BODIES:
            # A body that knows the first task depends on the order.
            count = len(every) if body == "first task" else min(s.bodies, len(every))
            for seed in range(count):
                grid[f"{body}, {seed}"] = (
                    images
                    | heads
                    | {
                        "body": body,
                        "seed": seed,
                        "orders": every[seed::count],
                        "body_epochs": epochs[body],
                        "other": other if body == "another set" else "",
                    }
                )
        for seed, order in enumerate(orders(s.whole_orders)):
            grid[f"whole network, {seed}"] = images | {
                "kind": "whole",
                "seed": seed,
                "order": order,
                "body_epochs": epochs["first task"],
                "epochs": s.whole_epochs,
            }
        return grid

    @held
    def results(self, group: str) -> list[dict]:
        """Results of the runs whose names begin with `group`, in the order of the plan."""
        grid = [run for name, run in self.plan.items() if name.startswith(group)]
        return runs.map(training.run, grid, label="continual")

    def train(self) -> pd.DataFrame:
        """Run whatever is not stored yet and say how long each run learns."""
        self.results("")
        names = ["body_epochs", "head_epochs", "epochs"]
        return pd.DataFrame(self.plan).T.reindex(columns=names).fillna("")
