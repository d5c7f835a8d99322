"""The grid of the FERPlus classifiers: which networks are trained, how large each profile is, and on what data (notebook 13)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data.checks import content_of
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models import classifiers
from emolib.models.classifiers import LITE0
from emolib.reproduction import runs
from emolib.reproduction.studies.faces import unseen
from emolib.reproduction.studies.ferplus import ferplus_networks as networks

SOFT, CLEANED, SMALL = "soft labels", "duplicates out of training", "batches of 8"
IMAGENET = "ImageNet weights"
HEAVIEST = (
    LITE0,
    "SeResnext152",
    "SeResnext101",
    "SeResnext50",
    "ResNet152",
    "ResNet101",
    "ResNet50",
    "ResNet18",
    "Densenet161",
    "Densenet201",
    "Densenet169",
    "Densenet121",
)  # the longest runs first, so that no processor waits for the last one
_TIMM = {
    "SeResnext50": "timm/seresnext50_32x4d.gluon_in1k",
    "SeResnext101": "timm/seresnext101_32x4d.gluon_in1k",
}


@dataclass(frozen=True)
class Tuned:
    """How EfficientNet-Lite0 goes on from its ImageNet weights, which come with a package and need no connection."""

    side: int = 256
    crop: int = 224
    batch: int = 256
    draws: int | None = None
    epochs: int = 20
    rate: float = 5e-4


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. The thesis says 256 pixels, windows of 224, and batches of 8 where memory ran out; the rest is ours."""

    seeds: int = 5
    networks: tuple[str, ...] = tuple(classifiers.NETWORKS)
    narrow: bool = False  # a quarter of the width: a stand-in that ranks nothing
    side: int = 256  # pixels a 48-pixel face is enlarged to
    crop: int = 224
    batch: int = 256
    draws: int | None = None  # pictures in an epoch; None: as many as there are
    epochs: int = 60
    rate: float = 5e-4
    imagenet_rate: float = 1e-4
    plateau: int = 3  # epochs without progress before the rate falls to three tenths
    patience: int = 10  # epochs without progress before training ends
    train: int | None = None  # rows of each part that are used
    validation: int | None = None
    test: int | None = None
    variants: tuple[str, ...] = (SOFT, CLEANED, SMALL)
    variant_of: str = "ResNet18"  # the network that is trained again with one thing changed
    lite0: Tuned = Tuned()  # the row that the table does not have


SIZES = {
    "smoke": Sizes(
        seeds=1,
        networks=("ResNet18", "ResNet50", "Densenet121"),
        narrow=True,
        side=36,
        crop=32,
        batch=32,
        draws=128,
        epochs=2,
        rate=2e-3,
        train=600,
        validation=80,
        test=200,
        variants=(SOFT, CLEANED),
        lite0=Tuned(36, 32, 32, 64, 1),
    ),
    "quick": Sizes(
        seeds=1,
        narrow=True,
        side=36,
        crop=32,
        batch=64,
        draws=1500,
        epochs=6,
        rate=2e-3,
        plateau=2,
        validation=300,
        variants=(SOFT, CLEANED),
        lite0=Tuned(72, 64, 32, 1000, 2, 1e-3),
    ),
    "full": Sizes(),
}
# `full` on a machine without a GPU: what two cores train in about an hour. Narrow networks again, and labelled so, but on every picture.
HOUR = Sizes(
    seeds=1,
    narrow=True,
    side=44,
    crop=40,
    batch=64,
    epochs=8,
    rate=2e-3,
    plateau=1,
    variants=(SOFT, CLEANED),
    lite0=Tuned(108, 96, 64, None, 8),
)


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest. `full` depends on the device: see HOUR."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return HOUR if profile == "full" and settings.device() == "cpu" else SIZES[profile]


def base(profile: str) -> str:
    """The protocol of the main rows."""
    return "narrow, from scratch" if sizes(profile).narrow else "from scratch"


def initialisations(profile: str) -> dict[str, tuple[str, ...]]:
    """Protocol -> networks trained under it. ImageNet rows stand only where the weights lie on this machine already."""
    s = sizes(profile)
    weights = tuple(n for n in (*(() if s.narrow else s.networks), LITE0) if weights_at_hand(n))
    return {base(profile): s.networks} | ({IMAGENET: weights} if weights else {})


def weights_at_hand(network: str) -> bool:
    """Do ImageNet weights of this network lie in a package or in the cache of torchvision or timm? Nothing is fetched."""
    if network == LITE0:
        return classifiers.lite0_at_hand()
    if network.startswith("SeResnext"):
        from huggingface_hub import try_to_load_from_cache

        return network in _TIMM and isinstance(
            try_to_load_from_cache(_TIMM[network], "model.safetensors"), str
        )
    import torch
    from torchvision import models

    url = models.get_model_weights(network.lower()).DEFAULT.url
    return (Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name).is_file()


@runs.once
def plan(profile: str) -> dict[tuple[str, str, int], dict]:
    """Every run of the study: (network, protocol, seed) -> arguments for ferplus_networks.run, heaviest first."""
    s, grid = sizes(profile), {}
    common = {
        "data": datasets.reference(faces(profile)),
        "narrow": s.narrow,
        "pretrained": "none",
        "target_kind": "majority",
        "clean": False,
        "train": s.train,
        "validation": s.validation,
        "test": s.test,
        "side": s.side,
        "crop": s.crop,
        "batch": s.batch,
        "draws": s.draws,
        "epochs": s.epochs,
        "rate": s.rate,
        "plateau": s.plateau,
        "patience": s.patience,
    }
    for protocol, names in reversed(
        initialisations(profile).items()
    ):  # the wide ones from ImageNet go first
        start = {"pretrained": "imagenet", "rate": s.imagenet_rate} if protocol == IMAGENET else {}
        for network in sorted(names, key=HEAVIEST.index):
            for seed in range(s.seeds):
                kept = {"keep_weights": True} if exported(network, seed, profile) else {}
                own = asdict(s.lite0) | {"narrow": False} if network == LITE0 else {}
                grid[network, protocol, seed] = (
                    common | start | own | kept | {"network": network, "seed": seed}
                )
    changed = {SOFT: {"target_kind": "votes"}, CLEANED: {"clean": True}, SMALL: {"batch": 8}}
    for variant in s.variants:
        for seed in range(s.seeds):
            grid[s.variant_of, variant, seed] = (
                common | changed[variant] | {"network": s.variant_of, "seed": seed}
            )
    return grid


def exported(network: str, seed: int, profile: str) -> bool:
    """Is this the ResNet50 that orgil2021 takes its face features from?"""
    return network == "ResNet50" and seed == 0 and not sizes(profile).narrow


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet and say what each network cost: parameters, epochs, pictures a second in training."""
    grid = plan(profile)
    done = runs.map(networks.run, list(grid.values()), label="ferplus")
    rows = [
        {
            "network": classifiers.label(network, grid[network, protocol, seed]["narrow"]),
            "protocol": protocol,
            "parameters": r["parameters"],
            "epochs": len(r["loss"]),
            "best epoch": r["best_epoch"] + 1,
            "images a second": round(r["images_per_second"]),
        }
        for (network, protocol, seed), r in zip(grid, done, strict=True)
    ]
    return (
        pd.DataFrame(rows)
        .groupby(["network", "protocol"], sort=False, as_index=False)
        .mean()
        .round(1)
    )


@runs.once
def results(profile: str, network: str, protocol: str) -> list[dict]:
    """One result per seed of a network under a protocol, from the store or computed now."""
    grid = plan(profile)
    return runs.map(
        networks.run,
        [grid[network, protocol, seed] for seed in range(sizes(profile).seeds)],
        label="ferplus",
    )


# ---------------------------------------------------------------- the data


@runs.once
def faces(profile: str = "quick"):
    """FERPlus by the majority of votes, real where it is at hand."""
    return datasets.load("ferplus", profile=profile)


@runs.once
def test_rows(profile: str) -> np.ndarray:
    """Rows of PrivateTest that are read."""
    return networks.part_rows(faces(profile), "PrivateTest", sizes(profile).test)


@runs.once
def truth(profile: str) -> np.ndarray:
    """True classes (N,) of the rows that are read."""
    return faces(profile).label[test_rows(profile)]


@runs.once
def contents(profile: str) -> np.ndarray:
    """Name of each picture's pixels, (N,), for the rows that are read: the clusters of every interval."""
    return content_of(faces(profile).images[test_rows(profile)])


@runs.once
def fresh(profile: str) -> np.ndarray:
    """Bool (N,): is this test picture absent from the training part, pixel for pixel?"""
    return unseen(faces(profile), test_rows(profile))


@runs.once
def shares(profile: str) -> np.ndarray:
    """Shares of the classes in the training part, (7,): the priors that the balanced sampler hides."""
    label = faces(profile).label[
        networks.part_rows(faces(profile), "Training", sizes(profile).train)
    ]
    return np.bincount(label, minlength=networks.CLASSES) / len(label)
