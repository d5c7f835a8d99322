"""Orgil: eleven image classifiers on FERPlus: what is trained, and on what (notebook 13).

Protocols of Table 4.1 (the thesis of 2022, sections 2.1 and 4.1):

    from scratch           the networks as the thesis names them, 224 pixels
    ImageNet weights       the same from public weights, where these lie on the machine (the thesis
                           does not say which it did)
    narrow, from scratch   stand-ins of a quarter of the width on small windows: what a CPU trains
                           in a minute; they rank nothing
    comes with emolib      a row that the table does not have: EfficientNet-Lite0 as it ships, which
                           learnt from real votes and is read where the test pictures are real
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data.checks import content_of
from emolib.data.files import digest_of
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models import classifiers, trained
from emolib.reproduction import runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.faces import CLASSES, part_rows, unseen
from emolib.reproduction.studies.ferplus import training

SOFT, CLEANED, SMALL = "soft labels", "duplicates out of training", "batches of 8"
NATURAL, NATURAL_SOFT = "natural shares", "natural shares, soft labels"  # without the sampler
IMAGENET = "ImageNet weights"
SHIPPED = "comes with emolib"
_TIMM = {
    "SeResnext50": "timm/seresnext50_32x4d.gluon_in1k",
    "SeResnext101": "timm/seresnext101_32x4d.gluon_in1k",
}


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here.

    The thesis says 256 pixels, windows of 224, and batches of 8 where memory ran out; the rest is
    ours.
    """

    seeds: int = 5
    networks: tuple[str, ...] = tuple(classifiers.NETWORKS)
    narrow: bool = False  # a quarter of the width: a stand-in that ranks nothing
    side: int = 256  # pixels a 48-pixel face is enlarged to
    crop: int = 224
    batch: int = 256
    draws: int | None = None  # pictures in an epoch; None: as many as there are
    epochs: int = 15
    rate: float = 1e-3  # the peak, where one cycle leads down from it
    imagenet_rate: float = 1e-4
    one_cycle: bool = False  # the rate climbs and falls once; else plateaus decide
    plateau: int = 3  # epochs without progress before the rate falls to three tenths
    patience: int = 10  # epochs without progress before training ends
    train: int | None = None  # rows of each part that are used
    validation: int | None = None
    test: int | None = None
    variants: tuple[str, ...] = (SOFT, CLEANED, SMALL)
    variant_of: str = "ResNet18"  # the network that is trained again with one thing changed
    # of `networks`, those that start from public weights as well
    imagenet: tuple[str, ...] = ("ResNet18", "ResNet50", "Densenet121")


def weights_at_hand(network: str) -> bool:
    """Do ImageNet weights of this network lie in a package or in a cache? Nothing is fetched."""
    if network.startswith("SeResnext"):
        from huggingface_hub import try_to_load_from_cache

        name = _TIMM.get(network)
        return bool(name) and isinstance(try_to_load_from_cache(name, "model.safetensors"), str)
    import torch
    from torchvision import models

    url = models.get_model_weights(network.lower()).DEFAULT.url
    return (Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name).is_file()


class Study(runs.Study):
    """The classifiers at one profile."""

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
        ),
        "overnight": Sizes(
            seeds=1,
            narrow=True,
            side=54,
            crop=48,
            batch=64,
            draws=18_000,
            epochs=12,
            rate=2e-3,
            one_cycle=True,
            variants=(SOFT, CLEANED, NATURAL, NATURAL_SOFT),
        ),
        "full": Sizes(one_cycle=True),
    }

    # ------------------------------------------------------------ the data

    @part
    def faces(self):
        """FERPlus by the majority of votes."""
        return datasets.load("ferplus", profile=self.profile)

    @part
    def originals(self):
        """FER2013 as it comes: every picture, with its own label."""
        return datasets.load("fer2013", profile=self.profile)

    @property
    def sources(self) -> tuple:
        return (self.faces,)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.seeds))

    @part
    def test_rows(self) -> np.ndarray:
        """Rows of PrivateTest that are read."""
        return part_rows(self.faces, "PrivateTest", self.sizes.test)

    @part
    def truth(self) -> np.ndarray:
        """Class of each test picture (N,)."""
        return self.faces.label[self.test_rows]

    @part
    def contents(self) -> np.ndarray:
        """Name of each test picture's pixels (N,): nobody in FER2013 has a name, so the picture
        is the cluster of every interval."""
        return content_of(self.faces.images[self.test_rows])

    @part
    def fresh(self) -> np.ndarray:
        """Bool (N,): is this test picture absent from the training part, pixel for pixel?"""
        return unseen(self.faces, self.test_rows)

    @part
    def shares(self) -> np.ndarray:
        """Shares of the classes in the training part, (7,): what the balanced sampler hides."""
        label = self.faces.label[part_rows(self.faces, "Training", self.sizes.train)]
        return np.bincount(label, minlength=CLASSES) / len(label)

    # ------------------------------------------------------------ the runs

    @property
    def base(self) -> str:
        """The protocol of the main rows."""
        return "narrow, from scratch" if self.sizes.narrow else "from scratch"

    @part
    def initialisations(self) -> dict[str, tuple[str, ...]]:
        """Protocol -> networks trained under it."""
        s = self.sizes
        wide = () if s.narrow else tuple(n for n in s.networks if n in s.imagenet)
        known = tuple(n for n in wide if weights_at_hand(n))
        return {self.base: s.networks} | ({IMAGENET: known} if known else {})

    @part
    def plan(self) -> dict[tuple[str, str, int], dict]:
        """(network, protocol, seed) -> arguments for training.run, the heavy ones first."""
        s = self.sizes
        same = ("narrow", "train", "validation", "test", "side", "crop", "batch", "draws")
        same += ("epochs", "rate", "plateau", "patience")
        common = {"data": datasets.reference(self.faces), "pretrained": "none"}
        common |= {"target_kind": "majority", "clean": False}
        common |= {name: getattr(s, name) for name in same}
        common |= {"one_cycle": True} if s.one_cycle else {}
        kinds = []
        for protocol, names in reversed(self.initialisations.items()):
            for network in reversed(names):
                change = {}
                if protocol == IMAGENET:
                    change = {"pretrained": "imagenet", "rate": s.imagenet_rate}
                kinds.append((network, protocol, change))
        changed = {SOFT: {"target_kind": "votes"}, CLEANED: {"clean": True}, SMALL: {"batch": 8}}
        changed[NATURAL] = {"balanced": False}
        changed[NATURAL_SOFT] = changed[NATURAL] | changed[SOFT]
        kinds += [(s.variant_of, variant, changed[variant]) for variant in s.variants]
        grid = {}
        for (network, protocol, change), seed in product(kinds, self.seeds):
            run = common | change | {"network": network, "seed": seed}
            if network == "ResNet50" and seed == 0 and not s.narrow:
                run["keep_weights"] = True  # orgil2021 takes its face features from this one
            grid[network, protocol, seed] = run
        return grid

    @part
    def shipped(self) -> np.ndarray | None:
        """Probabilities (N, 7) of the test pictures by the network that comes with emolib, mirror
        images averaged; None where the pictures are not real, which it has never met."""
        if self.faces.source != "real":
            return None
        weights = digest_of(trained.FOLDER / "faces.safetensors")
        grid = {"data": datasets.reference(self.faces), "weights": weights}
        grid |= {"test": self.sizes.test}
        (said,) = runs.map(training.shipped, [grid], label="the network that ships")
        return said["probabilities"]

    @held
    def results(self, network: str, protocol: str) -> list[dict]:
        """One result per seed of a network under a protocol."""
        grid = [self.plan[network, protocol, seed] for seed in self.seeds]
        return runs.map(training.run, grid, label="ferplus")

    def train(self) -> pd.DataFrame:
        """Run whatever is not stored yet and say what each network cost."""
        done = runs.map(training.run, list(self.plan.values()), label="ferplus")
        rows = [
            {
                "network": classifiers.label(network, self.plan[network, protocol, seed]["narrow"]),
                "protocol": protocol,
                "parameters": result["parameters"],
                "epochs": len(result["loss"]),
                "best epoch": result["best_epoch"] + 1,
                "images a second": result["images_per_second"],
            }
            for (network, protocol, seed), result in zip(self.plan, done, strict=True)
        ]
        costs = pd.DataFrame(rows).groupby(["network", "protocol"], sort=False, as_index=False)
        return costs.mean().round(1)

    def export(self) -> str:
        """Write the ResNet50 of full width for emolib.features.backbone and say where."""
        if self.sizes.narrow:
            return (
                f"nothing to export: the ResNet50 of profile '{self.profile}' is a narrow stand-in;"
                " full trains the one that other notebooks read"
            )
        from safetensors.numpy import save_file

        path = settings.data_root() / "models" / "resnet50_ferplus.safetensors"
        weights = self.results("ResNet50", self.base)[0]["weights"]
        partial = path.with_suffix(".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file(weights, partial)
            partial.replace(path)
        except OSError as error:
            raise EmolibError(
                f"{path}: cannot be written ({error.strerror}); make it writable"
            ) from None
        return str(path)
