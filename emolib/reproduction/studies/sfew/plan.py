"""What notebook 20 trains for wang: which networks, how large at each profile, on what data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib import metrics
from emolib.reproduction import runs
from emolib.reproduction.runs import part
from emolib.reproduction.studies.sfew import training
from emolib.reproduction.studies.sfew.training import SCALINGS, SPLITS, reading

STOCK = {
    "SVM": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0),
    "logistic regression": (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 10.0, 100.0),
    "forest": (1, 2, 3, 5, 8, 12, 20, 40),
    "majority": (0,),
}
# of the runs as printed: the angle as printed or centred, step 4 once or repeated
READINGS = ("", ", repeated", ", centred on 0.5", ", centred on 0.5, repeated")
ANGLES = tuple(product((0.0, 0.5), (False, True)))  # centre and repeat of READINGS
PAPERS_LOSS, USUAL_LOSS = tuple(training.LOSSES)
TRAINING_VIEWS = [["LPQ", "training rows"], ["PHOG", "training rows"]]


@dataclass(frozen=True)
class Sizes:
    """What a profile costs. The paper: 200 and 30 epochs at rate 1e-4 in batches of 10."""

    seeds: int = 5
    folds: int = 5
    shallow_epochs: int = 200
    sweep_epochs: int = 200
    sweep_rate: float = 1e-4  # quick: a tenth of the epochs at ten times the rate, equal path
    cnn_epochs: int = 30
    converged_epochs: int = 300  # shallow, rate 1e-2, batches of 50
    cnn_converged_epochs: int = 150  # rate 3e-3, batches of 50
    cnn_channels: tuple[int, ...] = (16, 32, 64, 64, 64)  # of the converged; quick: no worse
    units: tuple[int, ...] = tuple(range(6, 17))
    angles: tuple[int, ...] = tuple(range(10, 81, 10))
    sweep_splits: tuple[str, ...] = ("random", "movie-grouped")
    stock_dials: int = 8  # settings each stock classifier may choose from
    printed_cnns: bool = True  # as printed also on training rows and grouped by movie
    fresh: bool = False  # pruned networks start anew, or the survivors keep their weights
    merge: bool = False  # a dropped unit's outgoing weights go to its twin, or are lost


class Study(runs.Study):
    """Pruned shallow networks and 1-D CNNs on the SFEW feature table."""

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
            printed_cnns=False,
        ),
        "quick": Sizes(
            sweep_epochs=20,
            sweep_rate=1e-3,
            converged_epochs=200,
            cnn_converged_epochs=45,
            cnn_channels=(8, 16, 16, 16, 16),
            sweep_splits=("random",),
            stock_dials=3,
            printed_cnns=False,
        ),
        "overnight": Sizes(),  # the paper's own sizes take minutes
        "full": Sizes(),
    }

    @part
    def table(self):
        """The SFEW feature table, real where it is at hand."""
        return datasets.load("sfew")

    @part
    def truth(self) -> np.ndarray:
        """True classes (N,) in the order of Table 3's columns."""
        return np.array([training.LABELS.index(v) for v in self.table.label])

    @property
    def sources(self) -> tuple:
        return (self.table,)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.seeds))

    def mean_recall(self, named: np.ndarray) -> dict:
        """Of predictions (R, N), with its interval over casts: measured, low, high."""
        cast = self.table.subject
        return metrics.Answers(self.truth, named, cast, 7, self.draws, self.level).balanced

    def sweep(self, centre: float, repeat: bool) -> list[dict]:
        """Hidden units 6 to 16 at 60 degrees, then angles 10 to 80 at 16 units."""
        by_units = [reading(units, 60.0, centre, repeat) for units in self.sizes.units]
        return by_units + [reading(16, float(a), centre, repeat) for a in self.sizes.angles]

    @part
    def plan(self) -> dict[str, dict]:
        """Every run by its name, heaviest first: arguments of training.run."""
        grid = {}
        for split in SPLITS:
            grid |= self._cnns("fusion", split, ["LPQ+PHOG"])
            grid |= self._cnns("single", split, ["LPQ", "PHOG"])
        for split in SPLITS:
            grid |= self._shallow(split) | self._stock(split)
        data, seeds = datasets.reference(self.table), list(self.seeds)
        common = {"data": data, "seeds": seeds, "folds": self.sizes.folds}
        return {name: arguments | common for name, arguments in grid.items()}

    def _cnns(self, kind: str, split: str, features: list[str]) -> dict[str, dict]:
        sizes = self.sizes
        net = {"kind": "cnn", "split": split, "average_precision": True, "loss": PAPERS_LOSS}
        nested = net | {
            "views": [[name, "training rows"] for name in features],
            "channels": list(sizes.cnn_channels),
            "epochs": sizes.cnn_converged_epochs,
            "batch": 50,
            "rate": 3e-3,
        }
        grid = {f"cnn {kind}, nested, {split}": nested}
        if kind == "fusion":  # the network of the printed 31 %
            grid[f"cnn {kind}, nested, {split}, {USUAL_LOSS}"] = nested | {"loss": USUAL_LOSS}
        for scaling in self.printed_scalings(split):
            grid[f"cnn {kind}, as printed, {split}, {scaling}"] = net | {
                "views": [[name, scaling] for name in features],
                "channels": [16, 32, 64, 64, 64],
                "epochs": sizes.cnn_epochs,
                "batch": 10,
                "rate": 1e-4,
            }
        return grid

    def printed_scalings(self, split: str) -> tuple[str, ...]:
        """How the inputs of the CNNs as printed are scaled on this split."""
        if split == "random":
            return SCALINGS if self.sizes.printed_cnns else SCALINGS[:1]
        return SCALINGS[1:] if self.sizes.printed_cnns else ()

    def _shallow(self, split: str) -> dict[str, dict]:
        sizes = self.sizes
        net = {"kind": "shallow", "split": split, "fresh": sizes.fresh, "merge": sizes.merge}
        net["loss"] = PAPERS_LOSS
        paper = net | {"batch": 10, "rate": 1e-4}
        all_rows = [[name, "all rows"] for name in ("LPQ", "PHOG")] if split == "random" else []
        # the nested rows choose: no pruning, or an angle (centred, where angles tell units apart)
        tuned = [reading(16, 0.0), *(reading(16, float(angle), 0.5) for angle in sizes.angles)]
        nested = net | {
            "views": TRAINING_VIEWS,
            "readings": tuned,
            "epochs": sizes.converged_epochs,
            "batch": 50,
            "rate": 1e-2,
        }
        grid = {
            f"shallow, as printed, {split}": paper
            | {
                "views": all_rows + TRAINING_VIEWS,
                "readings": [reading(16, 60.0, *angles) for angles in ANGLES],
                "epochs": sizes.shallow_epochs,
                "average_precision": True,
            },
            f"shallow, nested, {split}": nested,
            f"shallow, nested, {split}, {USUAL_LOSS}": nested | {"loss": USUAL_LOSS},
        }
        if split in sizes.sweep_splits:
            for number, angles in enumerate(ANGLES):  # four equal parts for the pool
                grid[f"sweep {number}, {split}"] = paper | {
                    "views": all_rows or TRAINING_VIEWS,
                    "readings": self.sweep(*angles),
                    "epochs": sizes.sweep_epochs,
                    "rate": sizes.sweep_rate,
                }
        return grid

    def _stock(self, split: str) -> dict[str, dict]:
        grid = {}
        for model, dials in STOCK.items():
            grid[f"{model}, {split}"] = {
                "kind": "stock",
                "split": split,
                "model": model,
                "features": ["LPQ+PHOG"] if model == "forest" else list(training.FEATURES),
                "dials": list(dials[:: -(-len(dials) // self.sizes.stock_dials)]),
            }
        return grid

    def results(self, names: list[str]) -> list[dict]:
        """Results of the named runs, from the store or computed now."""
        return runs.map(training.run, [self.plan[name] for name in names], label="wang")

    def result(self, name: str) -> dict:
        """Result of one run."""
        return self.results([name])[0]

    def train(self) -> pd.DataFrame:
        """Run what is not stored yet and say how large each part is: run, networks, epochs."""
        self.results(list(self.plan))
        rows = []
        for name, run in self.plan.items():
            views, variants = run.get("views", run.get("features")), run.get("readings", [0])
            many = len(run["seeds"]) * run["folds"] * len(views) * len(run.get("dials", variants))
            rows.append({"run": name, "networks": many, "epochs": run.get("epochs", "")})
        return pd.DataFrame(rows)
