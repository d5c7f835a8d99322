"""The grid of the transfer study: which models are trained at which rates, how large each profile is, and on what data (notebook 41)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data import ferplus as published_votes
from emolib.data import votes
from emolib.data.checks import content_of
from emolib.data.files import digest_of
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models import classifiers, vgg
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import sources_of
from emolib.reproduction.studies.faces import PARTS, part_rows, unseen
from emolib.reproduction.studies.transfer import transfer_networks as networks
from emolib.reproduction.studies.transfer.transfer_networks import (
    FACES,
    FROZEN,
    LITE0,
    SCRATCH,
    WHOLE,
)

RATES = (1e-3, 1e-4, 1e-5, 1e-6)
ANEW = "anew"  # the whole network, on pictures that are moved anew in every epoch
TESTS = PARTS[1:]
MODELS = {  # name -> (start, way); the first is the thesis's own
    "from faces": (FACES, WHOLE),
    "from faces, frozen": (FACES, FROZEN),
    "from scratch": (SCRATCH, WHOLE),
    "untrained, frozen": (SCRATCH, FROZEN),
    "Lite0 from ImageNet": (LITE0, WHOLE),
    "Lite0 from ImageNet, frozen": (LITE0, FROZEN),
    "from faces, moved anew": (FACES, ANEW),
}
OURS, FIXED, PLAIN, UNTRAINED, OTHER = list(MODELS)[:5]


@dataclass(frozen=True)
class Tuned:
    """How a network is trained on FER2013. The thesis names Adam and the rates; batch, epochs and schedule are ours."""

    side: int = 224  # pixels a 48-pixel face is enlarged to
    batch: int = 64
    draws: int | None = None  # pictures in an epoch; None: all of the balanced set
    epochs: int = 20


@dataclass(frozen=True)
class Identification:
    """The source task where no weights of VGG-Face are at hand. `world` sizes the simulated set of people, `size` its pictures."""

    world: tuple[tuple[str, int], ...] = ()
    size: int = 96
    draws: int | None = None
    batch: int = 64
    epochs: int = 30
    rate: float = 1e-4


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here."""

    seeds: int = 5
    width: float = 1.0  # of VGG-16; below 1 it is a stand-in that decides nothing
    dropout: float = 0.5
    vgg: Tuned = Tuned()
    lite0: Tuned = Tuned()
    source: Identification = Identification()
    rates: tuple[float, ...] = RATES  # of Figure 4.14
    tried: tuple[float, ...] = (
        RATES  # those among them that every model is trained at and may choose from
    )
    plateau: int = 2  # epochs without progress before the rate falls to three tenths
    patience: int = 5  # epochs without progress before training ends
    train: int | None = None  # rows that are used, before balancing
    validation: int | None = None
    test: int | None = None  # of each of the two test parts
    anew: bool = True  # train the first model once more, on pictures moved anew in every epoch


SIZES = {
    "smoke": Sizes(
        seeds=1,
        width=1 / 16,
        dropout=0.0,
        vgg=Tuned(32, 16, 64, 2),
        lite0=Tuned(32, 16, 32, 1),
        rates=(1e-3, 1e-5),
        tried=(1e-3,),
        source=Identification((), 48, 64, 16, 2, 1e-3),
        train=200,
        validation=60,
        test=60,
    ),
    # hundreds of steps are too few for dropout: the stand-in has none
    "quick": Sizes(
        seeds=1,
        width=1 / 8,
        dropout=0.0,
        vgg=Tuned(32, 16, 1000, 4),
        lite0=Tuned(48, 32, 256, 3),
        tried=RATES[:2],
        source=Identification((("identities", 30), ("each", 40)), 48, None, 16, 10, 5e-4),
        train=3000,
        validation=500,
        test=1000,
        anew=False,
    ),
    "full": Sizes(),
}
# `full` on a machine without a GPU: what two cores train in about an hour. Narrow networks again, and labelled so, but on every picture.
HOUR = Sizes(
    seeds=1,
    width=1 / 8,
    vgg=Tuned(48, 64, None, 8),
    lite0=Tuned(64, 32, 10_000, 4),
    tried=RATES[:2],
    source=Identification((("identities", 100), ("each", 40)), 48, None, 32, 20, 5e-4),
    plateau=1,
    patience=4,
)


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest. `full` depends on the device: see HOUR."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return HOUR if profile == "full" and settings.device() == "cpu" else SIZES[profile]


def narrow(profile: str) -> bool:
    """Is the VGG-16 of this profile a stand-in?"""
    return sizes(profile).width < 1


def models(profile: str) -> dict[str, tuple[str, str]]:
    """MODELS that this profile and this machine can train: EfficientNet-Lite0 only where its package is installed."""
    return {
        name: (start, way)
        for name, (start, way) in MODELS.items()
        if (start != LITE0 or classifiers.lite0_at_hand()) and (way != ANEW or sizes(profile).anew)
    }


def title(name: str, profile: str) -> str:
    """How a table names a model: 'VGG-16 from faces', 'VGG-16, narrow, from scratch', 'EfficientNet-Lite0 from ImageNet'."""
    if name.startswith("Lite0"):
        return f"EfficientNet-{name}"
    return f"VGG-16, narrow, {name}" if narrow(profile) else f"VGG-16 {name}"


# ---------------------------------------------------------------- runs


@runs.once
def identity(profile: str) -> dict | None:
    """Arguments of the identification run, or None where real weights of VGG-Face serve."""
    if face_weights(profile):
        return None
    s = sizes(profile)
    return {
        "data": datasets.reference(people(profile)),
        "seed": 0,
        "width": s.width,
        "dropout": s.dropout,
        "side": s.vgg.side,
        "batch": s.source.batch,
        "draws": s.source.draws,
        "epochs": s.source.epochs,
        "rate": s.source.rate,
    }


def face_weights(profile: str) -> str | None:
    """Digest of the weights of VGG-Face in the models folder; None without them, or for a narrow network, which they do not fit."""
    path = None if narrow(profile) else vgg.face_file()
    return path and digest_of(path)


def arguments(profile: str, name: str, rates: tuple[float, ...], seed: int) -> dict:
    """Arguments of networks.transfer for one model."""
    s, (start, way) = sizes(profile), MODELS[name]
    how = s.lite0 if start == LITE0 else s.vgg
    return {
        "data": datasets.reference(faces(profile)),
        "start": start,
        "way": FROZEN if way == FROZEN else WHOLE,
        "rates": list(rates),
        "seed": seed,
        "identity": identity(profile) if start == FACES else None,
        "weights": face_weights(profile) if start == FACES else None,
        "width": s.width,
        "dropout": s.dropout,
        "train": s.train,
        "validation": s.validation,
        "test": s.test,
        "side": how.side,
        "batch": how.batch,
        "draws": how.draws,
        "epochs": how.epochs,
        "plateau": s.plateau,
        "patience": s.patience,
        "anew": way == ANEW,
    }


@runs.once
def plan(profile: str) -> list[tuple[str, dict]]:
    """Every run of the sweep over rates: (model, arguments). A frozen network serves all its rates in one run: its features are the same."""
    grid = []
    for name, (_, way) in models(profile).items():
        rates = sizes(profile).rates if name == OURS else sizes(profile).tried
        grid += [
            (name, arguments(profile, name, group, 0))
            for group in ((rates,) if way == FROZEN else ((r,) for r in rates))
        ]
    grid = sorted(
        grid,
        key=lambda row: (
            row[1]["start"] == FACES,
            row[1]["start"] != LITE0,
            row[1]["way"] == FROZEN,
        ),
    )  # the longest runs first
    first = next(k for k, (name, _) in enumerate(grid) if name == OURS)
    return [
        grid[first],
        *grid[:first],
        *grid[first + 1 :],
    ]  # ours begins with the source task: see _transfer


def _transfer(grid: list[dict], profile: str) -> list[dict]:
    """Results of runs of networks.transfer; the source task is stored before a second run asks for it.

    With two processors it is part of the first run, while the other one trains what needs no source task; with more, all would wait for it.
    """
    if not grid:
        return []
    source = [identity(profile)] if any(a["identity"] for a in grid) else []
    if (
        settings.jobs() > 2
        or settings.cluster()
        or grid[0]["start"] != FACES
        or len([a for a in grid if a["start"] != FACES]) < 3
    ):
        runs.map(networks.identify, source, label="identification")
    found = runs.map(networks.transfer, grid, label="transfer")
    runs.map(
        networks.identify, source, label="identification"
    )  # there by now: the table says that it was used
    return found


@runs.once
def sweep(profile: str, name: str) -> list[dict]:
    """One result per rate of a model, seed 0, from the highest rate down."""
    done = _transfer([a for _, a in plan(profile)], profile)
    found = [
        r
        for (n, _), result in zip(plan(profile), done, strict=True)
        if n == name
        for r in result["models"]
    ]
    return sorted(found, key=lambda r: -r["rate"])


def worth(result: dict) -> float:
    """Validation loss of the best epoch; infinite for a network that diverged."""
    return (
        float(np.min(result["validation"]))
        if len(result["validation"]) and not result["diverged"]
        else float("inf")
    )


def chosen(profile: str, name: str) -> dict:
    """The result at the rate with the lowest validation loss: chosen inside the training part, before any test picture is read.

    Only rates that every model was trained at stand for choice.
    """
    return min((r for r in sweep(profile, name) if r["rate"] in sizes(profile).tried), key=worth)


@runs.once
def results(profile: str, name: str) -> list[dict]:
    """One result per seed of a model at its chosen rate."""
    first = chosen(profile, name)
    more = _transfer(
        [
            arguments(profile, name, (first["rate"],), seed)
            for seed in range(1, sizes(profile).seeds)
        ],
        profile,
    )
    return [first, *(m["models"][0] for m in more)]


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet and say what each model cost and which rate it chose."""
    rows = []
    if identity(profile):
        (source,) = runs.map(networks.identify, [identity(profile)], label="identification")
        rows.append(
            {
                "model": f"identification of {source['people']} people",
                "rate": identity(profile)["rate"],
                "epochs": len(source["loss"]),
                "accuracy on its own task": round(100 * source["accuracy"], 1),
            }
        )
    _transfer([a for _, a in plan(profile)], profile)
    for name in models(profile):
        best = chosen(profile, name)
        rows.append(
            {
                "model": title(name, profile),
                "trained parameters": best["parameters"],
                "rate": best["rate"],
                "epochs": len(best["loss"]),
                "best epoch": best["best_epoch"] + 1,
                "images a second": round(best["images_per_second"]),
            }
        )
    return pd.DataFrame(rows).convert_dtypes()


# ---------------------------------------------------------------- the data


@runs.once
def faces(profile: str = "quick"):
    """FER2013 with its own labels, real where it is at hand."""
    return datasets.load("fer2013", profile=profile)


@runs.once
def people(profile: str = "quick"):
    """Faces to identify: real pictures where they are at hand."""
    return datasets.load(
        "vggface",
        profile=profile,
        size=sizes(profile).source.size,
        **dict(sizes(profile).source.world),
    )


def source_of_faces(profile: str) -> dict:
    """The `sources` entry of the source task: pictures that were identified, or weights from elsewhere."""
    digest = face_weights(profile)
    return (
        {"vggface": {"source": "real", "fingerprint": digest}}
        if digest
        else sources_of(people(profile))
    )


@runs.once
def test_rows(profile: str, part: str) -> np.ndarray:
    """Rows of a test part that are read."""
    return part_rows(faces(profile), part, sizes(profile).test)


@runs.once
def truth(profile: str, part: str) -> np.ndarray:
    """Classes (N,) of the rows that are read, as FER2013 labels them."""
    return faces(profile).label[test_rows(profile, part)]


@runs.once
def contents(profile: str, part: str) -> np.ndarray:
    """Name of each picture's pixels, (N,): the clusters of every interval."""
    return content_of(faces(profile).images[test_rows(profile, part)])


@runs.once
def fresh(profile: str, part: str) -> np.ndarray:
    """Bool (N,): is this test picture absent from the training part, pixel for pixel?"""
    return unseen(faces(profile), test_rows(profile, part))


@runs.once
def ballots(profile: str) -> np.ndarray | None:
    """Ten raters' votes for every picture of FER2013, (N, 10) as in votes.VOTES; None where the real set has come without them."""
    if faces(profile).source == "simulated":
        return faces(profile).meta[list(votes.VOTES)].to_numpy()
    if not datasets.at_hand("ferplus"):
        return None
    counted, _ = published_votes.read(settings.data_root() / "fer2013" / published_votes.NAME)
    return counted[faces(profile).meta["row"].to_numpy()]
