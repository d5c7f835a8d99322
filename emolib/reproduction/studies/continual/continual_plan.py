"""The grid of continual learning: bodies, orders of tasks, sizes of each profile, and the data (notebook 14)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.models import classifiers
from emolib.reproduction import runs
from emolib.reproduction.studies.continual import continual_networks as networks
from emolib.reproduction.studies.continual.continual_bodies import BODIES

LETTERS, TASKS, SIZE = 26, 5, 5  # 25 letters in five tasks; the one left over stands for "unknown"


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. Rates and epochs are ours: the thesis prints none."""

    orders: int = 5  # of the letters; the first is the alphabet
    train: int = 4800  # images of each letter, the first of its split
    test: int = 800
    bodies: int = 5  # trainings of the bodies that do not depend on the order
    body_epochs: int = 10  # on all letters; the first task's body sees a fifth of the images and gets twice as many
    other_epochs: int = 10  # the body that learns another set
    head_epochs: int = 20
    exemplars: int = 20  # images of each letter that replay may keep
    whole_orders: int = 5  # orders in which the whole network goes on learning
    whole_epochs: int = 10
    pictures_train: int = 500  # CIFAR-100, images of each class, at most what the set has
    pictures_test: int = 100
    pictures_size: int = 128  # pixels a side that the ImageNet body sees
    pictures_rates: tuple[float, ...] = (
        0.03,
        0.003,
    )  # the first is shown: at the second no weight leaves the margin of 0.3
    pictures_epochs: int = 40
    pictures_seeds: int = 5


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
        pictures_seeds=1,
    ),
    "quick": Sizes(
        train=60,
        test=30,
        bodies=1,
        body_epochs=5,
        other_epochs=3,
        head_epochs=20,
        whole_orders=2,
        whole_epochs=3,
        pictures_train=16,
        pictures_test=5,
        pictures_size=64,
        pictures_epochs=10,
        pictures_seeds=3,
    ),
    "full": Sizes(),
}


@runs.once
def letters(profile: str = "quick"):
    """EMNIST letters, real where they are at hand; the stand-in is made no larger than the profile needs."""
    s = SIZES[profile]
    return datasets.load("emnist_letters", profile=profile, train=s.train, test=s.test)


@runs.once
def pictures(profile: str = "quick"):
    """CIFAR-100, or the subset of it that is at hand."""
    s = SIZES[profile]
    return datasets.load("cifar100", profile=profile, train=s.pictures_train, test=s.pictures_test)


def orders(count: int) -> list[list[int]]:
    """Orders of the 26 letters: the alphabet first, then seeded shuffles. Tasks are five at a time; the last letter is left over."""
    return [
        list(range(LETTERS)),
        *(np.random.default_rng([14, i]).permutation(LETTERS).tolist() for i in range(1, count)),
    ]


def picture_body() -> str:
    """'imagenet' where the weights of EfficientNet-Lite0 are installed, else 'trained here': on all classes of the set itself."""
    return "imagenet" if classifiers.lite0_at_hand() else "trained here"


@runs.once
def plan(profile: str) -> dict[str, dict]:
    """Every run of the study by name, heaviest first: arguments for continual_networks.run."""
    s = SIZES[profile]
    data, other = datasets.reference(letters(profile)), datasets.reference(pictures(profile))
    body = picture_body()
    grid = {
        "pictures": {
            "kind": "pictures",
            "data": other,
            "body": body,
            "seeds": list(range(s.pictures_seeds)),
            "train": s.pictures_train,
            "test": s.pictures_test,
            "size": s.pictures_size,
            "rates": list(s.pictures_rates),
            "epochs": s.pictures_epochs,
            "body_epochs": s.other_epochs,
            "task": SIZE,
        }
    }
    common = {
        "kind": "letters",
        "data": data,
        "train": s.train,
        "test": s.test,
        "head_epochs": s.head_epochs,
        "exemplars": s.exemplars,
    }
    every = orders(s.orders)
    for name in BODIES:
        epochs = {
            "all letters": s.body_epochs,
            "first task": 2 * s.body_epochs,
            "another set": s.other_epochs,
            "untrained": 0,
        }[name]
        shared = (
            len(every) if name == "first task" else s.bodies
        )  # a body that knows the first task depends on the order
        for seed in range(shared):
            mine = [i for i in range(len(every)) if i % shared == seed]
            if mine and name != "first task":
                grid[f"{name}, body {seed}"] = common | {
                    "body": name,
                    "seed": seed,
                    "orders": [every[i] for i in mine],
                    "body_epochs": epochs,
                    "other": other if name == "another set" else "",
                }
            elif mine:
                grid[f"{name}, order {seed}"] = common | {
                    "body": name,
                    "seed": seed,
                    "orders": [every[seed]],
                    "body_epochs": epochs,
                    "other": "",
                }
    return grid


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet and say how large each part is."""
    grid = plan(profile)
    runs.map(networks.run, list(grid.values()), label="continual")
    return pd.DataFrame(
        [
            {
                "run": name,
                "orders": len(a.get("orders", a.get("seeds"))),
                "body epochs": a["body_epochs"],
                "head epochs": a.get("head_epochs", a.get("epochs")),
            }
            for name, a in grid.items()
        ]
    )


def results(profile: str, names: list[str]) -> list[dict]:
    """Results of the named runs of `plan`, from the store or computed now."""
    grid = plan(profile)
    return runs.map(networks.run, [grid[name] for name in names], label="continual")


def of_body(profile: str, body: str) -> list[dict]:
    """Results of every run of one body, in the order of `plan`."""
    return results(profile, [n for n in plan(profile) if n.startswith(f"{body}, ")])


def caps(profile: str) -> dict:
    return asdict(SIZES[profile])
