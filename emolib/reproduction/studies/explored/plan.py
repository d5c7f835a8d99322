"""What the explorer starts with (notebook 90): film stills, faces, simulated actors."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.special import softmax

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data.files import digest_of
from emolib.data.splits import cross_validation
from emolib.models import trained
from emolib.reproduction import runs
from emolib.reproduction.runs import part
from emolib.reproduction.runs.explored import Explored, Model
from emolib.reproduction.studies.explored import training
from emolib.reproduction.studies.sfew import plan as sfew
from emolib.reproduction.studies.sfew.tables import EMOTIONS as STILL_EMOTIONS


@dataclass(frozen=True)
class Sizes:
    """What is shown; the networks of the stills belong to notebook 20."""

    faces: int = 3000  # pictures of FERPlus that are shown
    taught: int = 3000  # training pictures for a linear classifier of what ImageNet's network sees
    actors: int = 24  # simulated, thirty clips each
    frames: int = 3  # that a simulated clip is seen by
    folds: int = 5
    size: int = 64  # pixels of a simulated face
    strength: float = 0.01


class Study(runs.Study):
    """The samples that can be explored, and what networks make of them."""

    SIZES = {
        "smoke": Sizes(faces=120, taught=120, actors=4, frames=1, folds=2),
        "quick": Sizes(faces=400, taught=600, actors=6, frames=1, folds=3),
        "overnight": Sizes(),
        "full": Sizes(),
    }

    @part
    def stills(self) -> Explored:
        """SFEW: the 1-D CNN on LPQ, and on LPQ and PHOG, tested on unseen casts (notebook 20).

        The embedding is what each network is fed. A probability is the share of seeds.
        """
        study = sfew.Study(self.profile)
        table, true = study.table, study.truth
        names = [f"cnn {kind}, nested, movie-grouped" for kind in ("single", "fusion")]
        results = study.results(names)
        fold = np.full(len(table), -1)
        folds = cross_validation(table, study.sizes.folds, seed=0)
        for number, cut in enumerate(folds):
            fold[cut.test] = number
        models = []
        fed = {"LPQ alone": 5, "LPQ and PHOG together": 10}  # features of each network
        for (name, width), result in zip(fed.items(), results):
            named = result["named"]["validation"][0, 0]  # (R, N)
            shares, sure = np.eye(7)[named].mean(0), "share of seeds that agree"
            models.append(Model(name, table.features[:, :width], named[0], shares, sure))
        rows = np.arange(len(table))
        called = table.meta["image"] if "image" in table.meta else [f"row {k + 2}" for k in rows]
        return Explored(
            title="Film stills (SFEW): what LPQ sees alone, and with PHOG",
            classes=STILL_EMOTIONS,
            true=true,
            actor=table.subject,
            fold=fold,
            modality=np.full(len(table), "still"),
            sample=np.asarray(called),
            models=tuple(models),
            data=table,
            rows=rows,
            profile=self.profile,
            about={"artefacts": ["wang-t3"]},
        )

    @part
    def portraits(self):
        """FERPlus, real where it is at hand."""
        return datasets.load("ferplus", profile=self.profile)

    @part
    def looked(self) -> dict:
        """The result of training.look on faces."""
        weights = digest_of(trained.FOLDER / "faces.safetensors")
        grid = {"data": datasets.reference(self.portraits), "weights": weights}
        grid |= {"shown": self.sizes.faces, "taught": self.sizes.taught}
        return runs.map(training.look, [grid], label="faces")[0]

    @part
    def faces(self) -> Explored:
        """FERPlus's test faces as emolib's network sees them, and as it did before it met one.

        The embedding is the last layer but one: 1,280 numbers of EfficientNet-Lite0.
        """
        data, rows, models = self.portraits, self.looked["rows"], []
        for name in training.SEEN:
            scores, seen = (self.looked[f"{part} {name}"] for part in ("scores", "features"))
            models.append(Model(name, seen, scores.argmax(1), softmax(scores, 1)))
        return Explored(
            title=f"Faces (FERPlus): {' beside '.join(training.SEEN)}",
            classes=data.classes[:7],
            true=data.label[rows],
            actor=np.full(len(rows), ""),
            fold=np.full(len(rows), -1),
            modality=np.full(len(rows), "face"),
            sample=np.array([f"{data.split[row]} {row}" for row in rows]),
            models=tuple(models),
            data=data,
            rows=rows,
            profile=self.profile,
            about={"artefacts": ["orgil2022-t4_1"]},
        )

    @part
    def clips(self):
        """Clips of simulated actors, to be seen and heard."""
        return datasets.load(
            "ravdess",
            source="simulated",
            profile=self.profile,
            actors=self.sizes.actors,
            size=self.sizes.size,
        )

    @part
    def answers(self) -> dict:
        """The result of training.run on the simulated clips."""
        grid = {"data": datasets.reference(self.clips), "seed": 0}
        for name in ("folds", "frames", "strength"):
            grid[name] = getattr(self.sizes, name)
        return runs.map(training.run, [grid], label="explorer", host=True)[0]

    @part
    def acted(self) -> Explored:
        """Simulated clips, each three times: whole, face alone, sound alone."""
        rows = training.first_takes(self.clips)
        thrice = np.tile(rows, len(training.PARTS))
        models = []
        for way, scores in zip(training.WAYS, self.answers["scores"]):  # (3, N, C)
            word = "on" if way == training.WAYS[0] else "with"
            models.append(_scored(f"trained {word} {way}", np.concatenate(scores)))
        return Explored(
            title="Simulated actors: seen, heard or both",
            classes=tuple(EMOTIONS[k] for k in self.answers["classes"]),
            true=np.searchsorted(self.answers["classes"], self.clips.label[thrice]),
            actor=self.clips.subject[thrice],
            fold=np.tile(self.answers["fold"], len(training.PARTS)),
            modality=np.repeat(training.PARTS, len(rows)),
            sample=np.asarray(self.clips.meta["image"])[thrice],
            models=tuple(models),
            data=self.clips,
            rows=thrice,
            profile=self.profile,
            about=asdict(self.sizes)
            | {"each fold has scores of its own": True, "artefacts": ["world-x21"]},
        )

    def train(self) -> pd.DataFrame:
        """Run what the simulated actors need; how often each way is right."""
        shown = self.acted
        rows = []
        for model, way in zip(shown.models, training.WAYS):
            for modality in training.PARTS:
                right = (model.predicted == shown.true)[shown.modality == modality].mean()
                row = {"trained on": way, "shown": modality, "share right": right.round(3)}
                rows.append(row)
        return pd.DataFrame(rows)


def _scored(name: str, scores: np.ndarray) -> Model:
    """A model whose raw scores (N, C) are its embedding."""
    return Model(name, scores, scores.argmax(1), softmax(scores, 1))
