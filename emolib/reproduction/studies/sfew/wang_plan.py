"""The grid of wang: which networks are trained, how large each profile is, and on what data (notebook 20)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.reproduction import runs
from emolib.reproduction.studies.sfew import wang_networks as networks
from emolib.reproduction.studies.sfew.wang_networks import Setting

STOCK = {
    "SVM": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    "logistic regression": (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0, 100.0),
    "forest": (1, 2, 3, 5, 8, 12, 20, 40),
    "majority": (0,),
}


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. The paper's budget is epochs 200 and 30 at rate 1e-4 in batches of 10."""

    seeds: int = 5
    folds: int = 5
    shallow_epochs: int = 200
    sweep_epochs: int = 200
    sweep_rate: float = (
        1e-4  # quick: a tenth of the epochs at ten times the rate, the same path length
    )
    cnn_epochs: int = 30
    converged_epochs: int = 300  # shallow, rate 1e-2, batches of 50
    cnn_converged_epochs: int = 150  # rate 3e-3, batches of 50
    cnn_channels: tuple[int, ...] = (
        16,
        32,
        64,
        64,
        64,
    )  # of the converged rows; quick: narrow, which is no worse
    units: tuple[int, ...] = tuple(range(6, 17))
    angles: tuple[int, ...] = tuple(range(10, 81, 10))
    sweep_splits: tuple[str, ...] = ("random", "movie-grouped")
    stock_dials: int = 8  # settings each stock classifier may choose from


SIZES = {
    "smoke": Sizes(
        seeds=1,
        folds=3,
        shallow_epochs=3,
        sweep_epochs=2,
        cnn_epochs=1,
        converged_epochs=6,
        cnn_converged_epochs=2,
        units=(6, 16),
        angles=(10, 60),
        sweep_splits=("random",),
        stock_dials=1,
    ),
    "quick": Sizes(
        sweep_epochs=20,
        sweep_rate=1e-3,
        converged_epochs=200,
        cnn_converged_epochs=45,
        cnn_channels=(8, 16, 16, 16, 16),
        sweep_splits=("random",),
        stock_dials=3,
    ),
    "full": Sizes(),
}


# ---------------------------------------------------------------- the grid of runs


def sweep_settings(sizes: Sizes) -> list[Setting]:
    """Hidden units 6 to 16 at 60 degrees, angles 10 to 80 at 16 units, each for four readings of Algorithm 1."""
    pairs = [(units, 60.0) for units in sizes.units] + [
        (16, float(angle)) for angle in sizes.angles
    ]
    return [
        Setting(units, angle, centre, repeat)
        for centre, repeat in product((0.0, 0.5), (False, True))
        for units, angle in pairs
    ]


def readings() -> list[Setting]:
    """Every reading of Algorithm 1 at 16 units and 60 degrees; a network that starts anew has nothing to merge."""
    return [
        Setting(16, 60.0, centre, repeat, fresh, merge)
        for centre, repeat, fresh, merge in product(
            (0.0, 0.5), (False, True), (False, True), (False, True)
        )
        if not (fresh and merge)
    ]


def tuned(sizes: Sizes) -> list[Setting]:
    """What the nested rows choose from: no pruning, or one of the angles (centred, where angles tell units apart)."""
    return [Setting(16, 0.0), *(Setting(16, float(angle), 0.5) for angle in sizes.angles)]


SHALLOW_VIEWS = [[f, s] for s in networks.SCALINGS for f in ("LPQ", "PHOG")]
TRAINING_VIEWS = [["LPQ", "training rows"], ["PHOG", "training rows"]]


@runs.once
def plan(profile: str) -> dict[str, dict]:
    """Every run of the study by name, heaviest first: arguments for wang_networks.run."""
    sizes, data = SIZES[profile], datasets.reference(table(profile))
    common = {"data": data, "seeds": list(range(sizes.seeds)), "folds": sizes.folds}
    paper, ours = {"batch": 10, "rate": 1e-4}, {"batch": 50}
    grid = {}
    for split in networks.SPLITS:
        views = (
            {"random": networks.SCALINGS, "movie-grouped": networks.SCALINGS[1:]}[split]
            if profile == "full"
            else {"random": networks.SCALINGS[:1], "movie-grouped": ()}[split]
        )
        for kind, names in (("fusion", ["LPQ+PHOG"]), ("single", ["LPQ", "PHOG"])):
            net = {
                "kind": "cnn",
                "split": split,
                "channels": [16, 32, 64, 64, 64],
                "pool": "valid",
                "average_precision": True,
                **common,
            }
            grid[f"cnn {kind}, nested, {split}"] = (
                net
                | ours
                | {
                    "views": [[n, "training rows"] for n in names],
                    "epochs": sizes.cnn_converged_epochs,
                    "rate": 3e-3,
                    "channels": list(sizes.cnn_channels),
                }
            )
            for scaling in views:
                grid[f"cnn {kind}, as printed, {split}, {scaling}"] = (
                    net
                    | paper
                    | {"views": [[n, scaling] for n in names], "epochs": sizes.cnn_epochs}
                )
    for split in networks.SPLITS:
        net = {"kind": "shallow", "split": split, **common}
        grid[f"shallow, as printed, {split}"] = (
            net
            | paper
            | {
                "views": SHALLOW_VIEWS if split == "random" else TRAINING_VIEWS,
                "readings": _plain(
                    Setting(centre=c, repeat=r) for c in (0.0, 0.5) for r in (False, True)
                ),
                "epochs": sizes.shallow_epochs,
                "average_precision": True,
            }
        )
        grid[f"shallow, nested, {split}"] = (
            net
            | ours
            | {
                "views": TRAINING_VIEWS,
                "readings": _plain(tuned(sizes)),
                "epochs": sizes.converged_epochs,
                "rate": 1e-2,
            }
        )
        if split in sizes.sweep_splits:
            sweep = sweep_settings(sizes)
            size = len(sweep) // 4  # one run per reading: four equal parts for the pool
            for part in range(4):
                grid[f"sweep {part}, {split}"] = (
                    net
                    | paper
                    | {
                        "views": [
                            [f, "all rows" if split == "random" else "training rows"]
                            for f in ("LPQ", "PHOG")
                        ],
                        "readings": _plain(sweep[part * size : (part + 1) * size]),
                        "epochs": sizes.sweep_epochs,
                        "rate": sizes.sweep_rate,
                    }
                )
            grid[f"readings, {split}"] = (
                net
                | paper
                | {
                    "views": TRAINING_VIEWS,
                    "readings": _plain(readings()),
                    "epochs": sizes.sweep_epochs,
                    "rate": sizes.sweep_rate,
                }
            )
        for model, dials in STOCK.items():
            grid[f"{model}, {split}"] = {
                "kind": "stock",
                "split": split,
                "model": model,
                **common,
                "features": ["LPQ+PHOG"] if model == "forest" else list(networks.FEATURES),
                "budget": list(dials[:: -(-len(dials) // sizes.stock_dials)]),
            }
    return grid


def _plain(chosen) -> list[dict]:
    return [asdict(s) for s in chosen]


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet and say how large each part is: run, networks, epochs."""
    grid = plan(profile)
    runs.map(networks.run, list(grid.values()), label="wang")
    return pd.DataFrame(
        [
            {"run": name, "networks": _members(a), "epochs": a.get("epochs", "")}
            for name, a in grid.items()
        ]
    )


def _members(arguments: dict) -> int:
    repeats = len(arguments["seeds"]) * arguments["folds"]
    if arguments["kind"] == "stock":
        return repeats * len(arguments["features"]) * len(arguments["budget"])
    return repeats * len(arguments["views"]) * len(arguments.get("readings", [0]))


def results(profile: str, names: list[str]) -> list[dict]:
    """Results of the named runs of `plan`, from the store or computed now."""
    grid = plan(profile)
    return runs.map(networks.run, [grid[name] for name in names], label="wang")


@runs.once
def table(profile: str = "quick"):
    """The SFEW feature table, real where it is at hand."""
    return datasets.load("sfew")


@runs.once
def truth(profile: str) -> np.ndarray:
    """True classes (N,) in the order of Table 3's columns."""
    return np.array([networks.LABELS.index(v) for v in table(profile).label])
