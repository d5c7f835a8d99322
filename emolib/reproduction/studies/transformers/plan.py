"""The grid of the transformers: models, losses, sizes of a profile, and the data (notebook 12)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import pandas as pd

from emolib import data as datasets
from emolib.features import backbone
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models.transformer import NETWORKS
from emolib.reproduction import runs
from emolib.reproduction.runs import held, part, profiles
from emolib.reproduction.studies import affect_film
from emolib.reproduction.studies.transformers import training

FULL, CAUSAL, SHIFTED = "queries", "queries, causal", "shifted labels"
WAYS = {FULL: ("queries", False), CAUSAL: ("queries", True), SHIFTED: ("shifted", False)}
VARIED = "Feature Transformer"  # on which decoder and attention are varied
SHORT = "Fig. 4.11"  # the way of its two runs
# nn.Transformer's own, and a stand-in.
STANDARD = {"width": 512, "heads": 8, "layers": 6, "feedforward": 2048, "dropout": 0.1}
NARROW = {"width": 32, "heads": 2, "layers": 1, "feedforward": 64, "dropout": 0.1}


@dataclass(frozen=True)
class FilmSizes:
    """What a film costs: an hour and a half at a step a second, six numbers a step."""

    net: dict = field(default_factory=lambda: NARROW | {"width": 64, "heads": 4, "layers": 2})
    seeds: int = 5  # of each segment's networks
    length: int = 32  # steps of a window
    batch: int = 8
    epochs: int = 60
    rate: float = 1e-3
    patience: int = 15
    losses: tuple[str, ...] = tuple(training.LOSSES)


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. As printed: length, batch, rate, and all three of Fig. 4.11."""

    net: dict = field(default_factory=lambda: dict(STANDARD))
    thin: int = 1  # every n-th frame
    most: int | None = None  # frames of a video after that
    crop: int = 224  # pixels of the face
    videos: int | None = None  # of the set, the first
    length: int = 128  # frames of a window
    batch: int = 8
    epochs: int = 15
    rate: float = 1e-5
    patience: int = 5
    short: int = 32  # window of Fig. 4.11
    short_videos: int = 25
    short_epochs: int = 50
    ways_losses: tuple[str, ...] = ("Ours",)  # for other decoders and attention
    film: FilmSizes = field(default_factory=FilmSizes)


QUICK = Sizes(
    net=NARROW,
    thin=3,
    most=160,
    crop=48,
    videos=24,
    length=32,
    epochs=16,
    rate=2e-3,
    patience=5,
    short=16,
    short_epochs=16,
    film=FilmSizes(NARROW, 1, batch=32, epochs=10, rate=3e-3, patience=4, losses=("CCC",)),
)
OVERNIGHT = replace(
    QUICK,
    net=NARROW | {"width": 64, "heads": 4, "layers": 2},
    videos=72,
    epochs=40,
    rate=1e-3,
    patience=8,
    short_epochs=50,
    film=FilmSizes(seeds=3, batch=16, epochs=40, rate=2e-3, patience=8),
)
SMOKE = replace(
    QUICK,
    net=NARROW | {"width": 16},
    most=30,
    crop=32,
    videos=6,
    length=6,
    epochs=2,
    patience=2,
    short=4,
    short_epochs=2,
    film=replace(QUICK.film, net=NARROW | {"width": 16}, length=64, epochs=2),
)


class Study(runs.Study):
    """Notebook 12: four transformers and three losses on Aff-Wild."""

    SIZES = {"smoke": SMOKE, "quick": QUICK, "overnight": OVERNIGHT, "full": Sizes()}

    @part
    def world(self):
        """Aff-Wild, real where its films are at hand; the simulated one is drawn."""
        drawn = {"kind": "rendered"} if self.profile == "full" else {}
        return datasets.load("aff_wild", profile=self.profile, **drawn)

    @property
    def sources(self) -> tuple:
        return (self.world,)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(profiles.profile(self.profile).seeds))

    @property
    def names(self) -> list:
        """Of the videos; their numbers where the set has none."""
        return list(self.world.meta.get("video", range(len(self.world))))

    @part
    def recipe(self) -> training.Recipe:
        """How streams are made: below full, histograms of gradients take the network's place."""
        s = self.sizes
        return training.Recipe(s.thin, s.most, s.crop, body() if self.profile == "full" else "phog")

    def outcome(self, frame: pd.DataFrame, **more) -> runs.Outcome:
        caps = {"caps": asdict(self.sizes) | {"recipe": asdict(self.recipe)}}
        return super().outcome(frame, **(caps | more))

    @part
    def plan(self) -> dict[tuple[str, str, str, int], dict]:
        """Every run: (model, loss, way, seed) -> arguments of training.run."""
        s, grid = self.sizes, {}
        same = ("net", "length", "batch", "epochs", "rate", "patience", "videos")
        common = {name: getattr(s, name) for name in same}
        common |= {"data": datasets.reference(self.world), "recipe": asdict(self.recipe)}
        for seed in self.seeds:
            for model in sorted(NETWORKS, key=lambda m: m != "Multi Transformer"):
                for way, (decoder, causal) in WAYS.items():
                    if way != FULL and model != VARIED:
                        continue
                    for loss in training.LOSSES if way == FULL else s.ways_losses:
                        about = {"model": model, "loss": loss, "seed": seed}
                        about |= {"decoder": decoder, "causal": causal}
                        grid[model, loss, way, seed] = common | about
        short = {"length": s.short, "epochs": s.short_epochs, "patience": s.short_epochs}
        short |= {"videos": s.short_videos, "watched": ["train", "validation"]}
        for loss in ("Ours", "MSE"):
            like = grid["Mesh Transformer", loss, FULL, 0]
            grid["Mesh Transformer", loss, SHORT, 0] = like | short
        return grid

    @part
    def film(self):
        """What a film shows, sounds and looks like (studyforrest), once a second."""
        return affect_film.film()

    @part
    def film_plan(self) -> dict[tuple[str, str, str, int], dict]:
        """The same for the film: an LSTM and a transformer, whose seeds take turns at segments."""
        s, grid = self.sizes.film, {}
        same = ("net", "length", "batch", "epochs", "rate", "patience")
        common = {name: getattr(s, name) for name in same} | {"causal": False, "recipe": {}}
        common |= {"data": datasets.reference(self.film), "folds": affect_film.SEGMENTS}
        models = {(training.LSTM, FULL): "queries"}
        models |= {(VARIED, way): WAYS[way][0] for way in (FULL, SHIFTED)}
        for seed in range(s.seeds * affect_film.SEGMENTS):
            for (model, way), decoder in models.items():
                for loss in s.losses:
                    about = {"model": model, "loss": loss, "seed": seed, "decoder": decoder}
                    grid[model, loss, way, seed] = common | about
        return grid

    @held
    def prepare(self) -> pd.DataFrame:
        """Streams of every video, made where needed: frames and the share without a face."""
        common = {"data": datasets.reference(self.world), "recipe": asdict(self.recipe)}
        videos = range(len(self.world))[: self.sizes.videos]
        grid = [common | {"video": video} for video in videos]
        host = self.recipe.backbone == "phog"  # else a network looks at every frame
        done = runs.map(training.make, grid, jobs=self.jobs, label="mesh and features", host=host)
        frame = pd.DataFrame(done, columns=["frames", "missing"])
        frame.insert(0, "video", self.names[: len(videos)])
        return frame.rename(columns={"missing": "without a face"})

    @property
    def jobs(self) -> int | None:
        """At smoke a process of its own costs more than all the runs."""
        return 1 if self.profile == "smoke" else None

    def train(self) -> pd.DataFrame:
        """Run what is not stored yet, and say what each model cost, mean over seeds."""
        self.prepare()
        both = [*self.plan.values(), *self.film_plan.values()]  # the film's are in the store then
        done = runs.map(training.run, both, jobs=self.jobs, label="transformers")
        keys = ["model", "loss", "decoder"]
        rows = [
            {
                **dict(zip(keys, key)),
                "parameters": r["parameters"],
                "windows": r["windows"],
                "epochs": len(r["loss"]),
                "best epoch": r["best_epoch"] + 1,
                "settled": r["settled"],
                "seconds of an epoch": r["epoch_seconds"],
            }
            for key, r in zip(self.plan, done)  # not the film's, behind them
        ]
        return pd.DataFrame(rows).groupby(keys, sort=False, as_index=False).mean().round(3)

    @held
    def results(self, model: str, loss: str, way: str = FULL) -> list[dict]:
        """One result per seed, from the store or computed now."""
        self.prepare()
        grid = [run for key, run in self.plan.items() if key[:3] == (model, loss, way)]
        return runs.map(training.run, grid, label="transformers")


def body() -> str:
    """The best network of faces at hand: notebook 13's ResNet50, EfficientNet-Lite0, else none."""
    weights = settings.data_root() / "models" / "resnet50_ferplus.safetensors"
    for name in (*(["resnet50-ferplus"] if weights.exists() else []), "efficientnet_lite0"):
        try:
            backbone.Backbone(name)
        except EmolibError:
            continue
        return name
    return "phog"
