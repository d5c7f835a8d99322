"""What is trained for section 4.4 of chang2021, and on what films (notebook 42)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data.files import Damaged
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction import runs
from emolib.reproduction.runs import part
from emolib.reproduction.studies.video import training


@dataclass(frozen=True)
class Sizes:
    """Printed: ResNet-18, LSTM, 224 pixels, AdamW at 5e-5; the rest is ours."""

    seeds: int = 1
    actors: int = 24  # of the simulated set
    narrow: bool = False
    width: int = 64
    each: int | None = 2  # strong films of an actor and emotion; None: all films
    frames: int = 25  # of a film that are looked at, spread evenly
    draw: int = 256  # pixels of a simulated film
    side: int = 224  # pixels of a face
    folds: tuple[str, ...] = tuple(f"A{a},{a + 1}" for a in range(1, 25, 2))  # actors tested
    pictures: int = 35_887  # of FER2013's kind, where they are simulated
    picture_epochs: int = 20
    picture_rate: float = 1e-3
    picture_batch: int = 128
    epochs: int = 20  # frame by frame
    rate: float = 5e-5
    batch: int = 4  # films
    memory_epochs: int = 20
    memory_rate: float = 5e-5
    together: bool = True  # extractor and LSTM
    recent: int | None = None  # frames that the running mean looks back on; None: all


QUICK = Sizes(
    actors=12,
    narrow=True,
    width=8,
    each=1,
    frames=12,
    draw=64,
    side=48,
    folds=("A1,2", "A9,10"),
    pictures=2400,
    picture_epochs=11,
    picture_rate=3e-3,
    picture_batch=64,
    epochs=20,
    batch=8,
    rate=3e-3,
    memory_epochs=20,
    memory_rate=1e-3,
    together=False,
)
OVERNIGHT = replace(
    QUICK,
    actors=24,
    width=16,
    each=2,
    frames=16,
    draw=96,
    side=64,
    folds=Sizes().folds[::2],
    pictures=12_000,
    picture_epochs=15,
)
SMOKE = replace(
    QUICK,
    actors=6,
    width=2,
    frames=8,
    draw=48,
    side=32,
    folds=("A1,2",),
    pictures=300,
    picture_epochs=1,
    picture_rate=1e-3,
    picture_batch=128,
    epochs=2,
    batch=4,
    rate=2e-3,
    memory_epochs=2,
)


class Study(runs.Study):
    """Notebook 42."""

    SIZES = {"smoke": SMOKE, "quick": QUICK, "overnight": OVERNIGHT, "full": Sizes()}

    @property
    def sources(self) -> tuple:
        return self.films, self.pictures

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.seeds))

    @property
    def protocol(self) -> str:
        """How rows name their network."""
        return "narrow, extractor at rest" if self.sizes.narrow else "extractor and LSTM together"

    @part
    def films(self):
        """RAVDESS with pictures: real films where they are at hand, simulated ones otherwise."""
        if datasets.at_hand("ravdess"):
            try:
                return datasets.load("ravdess", source="real", modality="v")
            except Damaged:
                raise
            except EmolibError:  # sound only
                pass
        return self._simulated()

    @part
    def silent(self):
        """The same simulated films with mouths that do not speak; None for real films."""
        return self._simulated(talks=False) if self.films.source == "simulated" else None

    def _simulated(self, talks: bool = True):
        world = {"actors": self.sizes.actors, "size": self.sizes.draw, "profile": self.profile}
        return datasets.load("ravdess", source="simulated", modality="v", talks=talks, **world)

    @part
    def pictures(self):
        """FER2013 to learn expressions from, simulated where the films are."""
        if self.films.source == "real":
            return datasets.load("fer2013", profile=self.profile)
        count = self.sizes.pictures
        return datasets.load("fer2013", source="simulated", profile=self.profile, count=count)

    @part
    def tasks(self) -> list[dict]:
        """By seed: arguments of training.expressions."""
        sizes = self.sizes
        common = {
            "data": datasets.reference(self.pictures),
            "width": sizes.width,
            "side": sizes.side,
            "epochs": sizes.picture_epochs,
            "rate": sizes.picture_rate,
            "batch": sizes.picture_batch,
        }
        return [common | {"seed": seed} for seed in self.seeds]

    @part
    def grid(self) -> dict[tuple[str, int], dict]:
        """Every training: (fold, seed) -> arguments of training.run."""
        sizes, still = self.sizes, self.silent
        common = {
            "data": datasets.reference(self.films),
            "silent": "" if still is None else datasets.reference(still),
            **self.cut,
            "width": sizes.width,
            "epochs": sizes.epochs,
            "rate": sizes.rate,
            "batch": sizes.batch,
            "memory_epochs": sizes.memory_epochs,
            "memory_rate": sizes.memory_rate,
            "together": sizes.together,
        }
        return {
            (fold, seed): common | {"fold": fold, "seed": seed, "source": self.tasks[seed]}
            for fold in sizes.folds
            for seed in self.seeds
        }

    @property
    def cut(self) -> dict:
        """How faces are cut from films."""
        sizes = self.sizes
        return {"each": sizes.each, "frames": sizes.frames, "side": sizes.side}

    @part
    def results(self) -> dict[tuple[str, int], dict]:
        """(fold, seed) -> result, from the store or computed now."""
        done = runs.map(training.run, list(self.grid.values()), label="streaming")
        return dict(zip(self.grid, done, strict=True))

    def train(self) -> pd.DataFrame:
        """Run whatever is not stored yet; one row per fold: losses first and last."""
        folds = {"": self.films}
        if self.silent is not None:
            folds |= dict.fromkeys(self.sizes.folds, self.silent)
        cuts = [
            self.cut | {"data": datasets.reference(films), "fold": fold}
            for fold, films in folds.items()
        ]
        first = [{"learn": task} for task in self.tasks] if settings.device() == "cpu" else []
        first += [{"cut": cut} for cut in cuts]
        runs.map(training.beforehand, first, label="faces and expressions", host=True)
        learnt = runs.map(training.expressions, self.tasks, label="expressions")
        pictures = float(np.mean([result["right"].max() for result in learnt]))
        rows = [
            {
                "tested": fold,
                "pictures named rightly": pictures,
                "films": len(result["truth"]),
                "frames, loss": result["loss"][-1],
                "frames, validation": result["validation"].min(),
                "memory, loss": result["memory_loss"][-1],
                "memory, validation": result["memory_validation"].min(),
            }
            for (fold, _), result in self.results.items()
        ]
        return pd.DataFrame(rows).round(3)
