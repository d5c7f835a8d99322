"""The grid of the transformers: models, losses, sizes of each profile, and the data (notebook 12)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.features import backbone
from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest
from emolib.models.transformer import NETWORKS
from emolib.reproduction import runs
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.transformers import transformer_networks as networks
from emolib.reproduction.studies.transformers import transformer_streams as streams

MODELS = tuple(NETWORKS)
FULL, CAUSAL, SHIFTED = "queries", "queries, causal", "shifted labels"
WAYS = {FULL: ("queries", False), CAUSAL: ("queries", True), SHIFTED: ("shifted", False)}
STANDARD = {
    "width": 512,
    "heads": 8,
    "layers": 6,
    "feedforward": 2048,
    "dropout": 0.1,
}  # nn.Transformer's own


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. The thesis says length 128 (32 in Fig. 4.11), batch 8, rate 1e-5, 50 epochs and 25 videos in Fig. 4.11."""

    net: dict = field(default_factory=lambda: dict(STANDARD))
    thin: int = 1  # every n-th frame
    most: int | None = None  # frames of a video after that
    crop: int = 224  # pixels of the face
    videos: int | None = None  # of the set, the first
    length: int = 128
    batch: int = 8
    epochs: int = 30
    rate: float = 1e-5
    patience: int = 8
    short: int = 32  # window of Fig. 4.11
    short_videos: int = 25
    short_epochs: int = 50
    ways_of: tuple[str, ...] = (
        "Feature Transformer",
    )  # models on which decoder and attention are varied
    ways_losses: tuple[str, ...] = tuple(networks.LOSSES)  # and the losses they are trained with
    lengths: tuple[int, ...] = (128, 512, 2048)


NARROW = {"width": 32, "heads": 2, "layers": 1, "feedforward": 64, "dropout": 0.1}
SIZES = {
    "smoke": Sizes(
        net=NARROW | {"width": 16},
        thin=3,
        most=30,
        crop=32,
        videos=6,
        length=6,
        epochs=2,
        rate=2e-3,
        patience=2,
        short=4,
        short_epochs=2,
        lengths=(16, 64),
        ways_losses=("Ours",),
    ),
    "quick": Sizes(
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
        ways_losses=("Ours",),
    ),
    "full": Sizes(),
}


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


@runs.once
def world(profile: str = "quick"):
    """Aff-Wild, real where its films are at hand; the simulated one is drawn."""
    made = datasets.load(
        "aff_wild", profile=profile, **({"kind": "rendered"} if profile == "full" else {})
    )
    return made


@runs.once
def recipe(profile: str) -> streams.Recipe:
    s = sizes(profile)
    return streams.Recipe(s.thin, s.most, s.crop, "phog" if profile != "full" else body())


@runs.once
def body() -> str:
    """The best network of faces at hand: notebook 13's ResNet50, an ImageNet ResNet50, EfficientNet-Lite0, else histograms of gradients."""
    weights = settings.data_root() / "models" / "resnet50_ferplus.safetensors"
    for name in (*(["resnet50-ferplus"] if weights.exists() else []), "efficientnet_lite0"):
        try:
            backbone.Backbone(name)
        except EmolibError:
            continue
        return name
    return "phog"


def caps(profile: str) -> dict:
    return asdict(sizes(profile)) | {"recipe": asdict(recipe(profile))}


def seeds(profile: str) -> int:
    return shared(profile).seeds


def jobs(profile: str) -> int | None:
    """At smoke a process of its own costs more than all the runs."""
    return 1 if profile == "smoke" else None


@runs.once
def plan(profile: str) -> dict[tuple[str, str, str, int], dict]:
    """Every run: (model, loss, way, seed) -> arguments for transformer_networks.run. `way` is one of WAYS, or 'Fig. 4.11'."""
    s, grid = sizes(profile), {}
    common = {
        "data": datasets.reference(world(profile)),
        "recipe": asdict(recipe(profile)),
        "net": s.net,
        "length": s.length,
        "batch": s.batch,
        "epochs": s.epochs,
        "rate": s.rate,
        "patience": s.patience,
        "videos": s.videos,
    }
    for seed in range(seeds(profile)):
        for model in sorted(MODELS, key=lambda m: m != "Multi Transformer"):
            for way, (decoder, causal) in WAYS.items():
                if way == FULL or model in s.ways_of:
                    for loss in networks.LOSSES if way == FULL else s.ways_losses:
                        grid[model, loss, way, seed] = common | {
                            "model": model,
                            "loss": loss,
                            "seed": seed,
                            "decoder": decoder,
                            "causal": causal,
                        }
    short = {
        "length": s.short,
        "epochs": s.short_epochs,
        "patience": s.short_epochs,
        "videos": s.short_videos,
        "watched": ["train", "validation"],
    }
    for loss in ("Ours", "MSE"):
        grid["Mesh Transformer", loss, "Fig. 4.11", 0] = (
            common
            | short
            | {
                "model": "Mesh Transformer",
                "loss": loss,
                "seed": 0,
                "decoder": "queries",
                "causal": False,
            }
        )
    return grid


@runs.once
def prepared(profile: str) -> pd.DataFrame:
    """The streams of every video, made where they are not yet: frames and the share without a face."""
    data, how = datasets.reference(world(profile)), asdict(recipe(profile))
    count = min(len(world(profile)), sizes(profile).videos or len(world(profile)))
    done = runs.map(
        streams.make,
        [{"data": data, "video": v, "recipe": how} for v in range(count)],
        jobs=jobs(profile),
        label="mesh and features",
    )
    return pd.DataFrame(
        [
            {
                "video": world(profile).meta.video.iloc[v] if "video" in world(profile).meta else v,
                "frames": d["frames"],
                "without a face": d["missing"],
            }
            for v, d in enumerate(done)
        ]
    )


def train(profile: str = "quick") -> pd.DataFrame:
    """Make the streams, run whatever is not stored yet, and say what each model cost: parameters, windows, epochs, seconds of an epoch."""
    prepared(profile)
    grid = plan(profile)
    done = runs.map(networks.run, list(grid.values()), jobs=jobs(profile), label="transformers")
    rows = [
        {
            "model": model,
            "loss": loss,
            "decoder": way,
            "parameters": r["parameters"],
            "windows": r["windows"],
            "epochs": len(r["loss"]),
            "best epoch": r["best_epoch"] + 1,
            "settled": r["settled"],
            "seconds of an epoch": r["epoch_seconds"],
        }
        for (model, loss, way, _), r in zip(grid, done, strict=True)
    ]
    return (
        pd.DataFrame(rows)
        .groupby(["model", "loss", "decoder"], sort=False, as_index=False)
        .mean()
        .round(3)
    )


@runs.once
def results(profile: str, model: str, loss: str, way: str = FULL) -> list[dict]:
    """One result per seed, from the store or computed now."""
    prepared(profile)
    grid = plan(profile)
    return runs.map(
        networks.run,
        [a for key, a in grid.items() if key[:3] == (model, loss, way)],
        label="transformers",
    )


@runs.once
def people(profile: str) -> np.ndarray:
    """The person (or video, where that is all the set tells) of each video: the clusters of every interval."""
    return world(profile).subject
