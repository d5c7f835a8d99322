"""What is trained for chapter 5 of chang2021, how large each profile is, and on what clips (notebook 44).

Two tiers. The narrow one learns on features made once, hundreds of networks together: every row of every table at `quick`, and the
study of the mechanism at every profile. The printed one learns end to end (mrpn_end): the tables at `full` with a GPU, one row elsewhere.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data.files import Damaged
from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import runs
from emolib.reproduction.studies.mrpn import mrpn_end as end
from emolib.reproduction.studies.mrpn import mrpn_runs
from emolib.reproduction.studies.mrpn.mrpn_features import bank, labels
from emolib.reproduction.studies.mrpn.mrpn_networks import (
    ALONE,
    FACE,
    JOINT,
    LATE,
    METHODS,
    OPTIONS,
    SOUND,
)
from emolib.reproduction.studies.mrpn.mrpn_worlds import CLEAN, OTHERS, SWEPT
from emolib.reproduction.studies.speech.training import chosen
from emolib.reproduction.studies.video.streaming_networks import faces

NESTED, AS_PRINTED = "nested", "epoch chosen on the tested actors (as printed)"
LSTM, TRANSFORMER = "LSTM", "transformer average"
SETS = ("ravdess", "crema_d")


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. Printed: AdamW at 5e-5, halved after ten epochs without progress; the rest is ours."""

    seeds: int = 1  # of every network
    actors: int | None = None  # of a simulated set; None: as many as the real one
    crema_actors: int | None = None
    draw: int = 256  # pixels of a simulated film, where one is drawn
    each: int | None = None  # clips of an actor and emotion; None: all
    crema_each: int | None = None
    frames: int = 6  # of a film whose points are taken
    hidden: int = 32
    epochs: int = 40
    rate: float = 3e-3
    batch: int = 32
    aggregators: tuple[str, ...] = (LSTM, "BiLSTM", TRANSFORMER)
    worlds: int = 5  # of the mechanism study
    world_each: int = 4
    world_epochs: int = 30
    world_folds: int = 4
    levels: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)
    end: end.Sizes | None = None  # of the networks that learn end to end
    end_pairs: tuple[str, ...] | None = None  # pairs they are run on; None: all


TINY = end.Sizes(
    width=4,
    frames=3,
    side=48,
    hop_length=512,
    pool=8,
    epochs=6,
    rate=2e-3,
    batch=16,
    starts=False,
    each=1,
)
SIZES = {
    "smoke": Sizes(
        actors=6,
        draw=48,
        crema_actors=9,
        each=1,
        crema_each=1,
        frames=2,
        hidden=4,
        epochs=5,
        aggregators=(LSTM, TRANSFORMER),
        worlds=2,
        world_each=1,
        world_epochs=2,
        world_folds=2,
        levels=(0.5,),
        end=replace(TINY, width=2, frames=1, side=32, epochs=1),
        end_pairs=("A1,2",),
    ),
    "quick": Sizes(
        seeds=2,
        draw=64,
        crema_actors=18,
        each=2,
        crema_each=2,
        hidden=16,
        epochs=16,
        worlds=5,
        world_each=2,
        world_epochs=12,
        world_folds=3,
        levels=(0.5,),
        end=TINY,
        end_pairs=("A1,2",),
    ),
    "full": Sizes(seeds=5, end=end.Sizes()),
}


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


def end_to_end(profile: str) -> bool:
    """Do the tables come from networks of printed size? At `full` with a GPU."""
    return profile == "full" and settings.device() == "cuda"


def label(profile: str, reading: str = NESTED) -> str:
    """How a row of the tables names its protocol."""
    return f"end to end, {reading}" if end_to_end(profile) else f"features at rest, {reading}"


@dataclass(frozen=True)
class Cell:
    """One network of the tables: a way to fuse, an option of Table 5.4, an aggregator, and which score is read."""

    method: str
    option: str = "VA+AO"
    aggregator: str = LSTM
    score: int = JOINT


AM, VM = (
    {t: Cell(ALONE, o, score=SOUND) for t, o in (("NT", "IA"), ("T", "VA+AO"))},
    {t: Cell(ALONE, o, score=FACE) for t, o in (("NT", "IA"), ("T", "VA+AO"))},
)
JM = {"NT": Cell("N0", "IA"), "T": Cell("N0")}
FUSED = {
    "N0 (late fusion)": Cell(LATE),
    "N0 (end-to-end)": Cell("N0"),
    "N1 (end-to-end)": Cell("N1"),
    "N2 (end-to-end)": Cell("N2"),
}
ROWS_5_4 = {
    "N0 (end-to-end), Resnet18+LSTM, IA": Cell("N0", "IA"),
    "N0 (end-to-end), Resnet18+LSTM, VA+WO": Cell("N0", "VA+WO"),
    "N0 (late fusion), Resnet18+LSTM, VA+AO": Cell(LATE),
    "N0 (end-to-end), Resnet18+LSTM, VA+AO": Cell("N0"),
    "N1 (end-to-end), Resnet18+LSTM, VA+AO [97]": Cell("N1"),
    "MRPN (end-to-end), Resnet18+LSTM, VA+AO": Cell("N2"),
    "MRPN (end-to-end), Resnet18+Transformer(avg), VA+AO": Cell("N2", aggregator=TRANSFORMER),
}
ROW_BILSTM = {"MRPN (end-to-end), Resnet18+BiLSTM, VA+AO": Cell("N2", aggregator="BiLSTM")}
PRINTED_NAMES = {"ravdess": "RAVDESS", "crema_d": "Crema-d"}


def groups(profile: str, name: str) -> dict[tuple[str, str], list[str]]:
    """(option, aggregator) -> methods that are trained together on a set."""
    alone = {
        ("IA", LSTM): [ALONE, "N0"] if name == "ravdess" else ["N0"],
        ("VA+WO", LSTM): ["N0"],
        ("VA+AO", LSTM): [ALONE, "N0", "N1", "N2"],
    }
    return alone | {("VA+AO", a): ["N2"] for a in sizes(profile).aggregators if a != LSTM}


def features(profile: str, name: str) -> dict:
    """Arguments of mrpn_features.bank for the clips of a set."""
    s = sizes(profile)
    return {
        "data": datasets.reference(clips(profile, name)),
        "each": s.each if name == "ravdess" else s.crema_each,
        "frames": s.frames,
    }


@runs.once
def plan(profile: str) -> dict[tuple[str, str, str], dict]:
    """Every stack of the tables: (set, option, aggregator) -> arguments of mrpn_runs.folds."""
    s = sizes(profile)
    common = {
        "seeds": list(range(s.seeds)),
        "hidden": s.hidden,
        "epochs": s.epochs,
        "rate": s.rate,
        "batch": s.batch,
    }
    return {
        (name, option, aggregator): common
        | {
            "features": features(profile, name),
            "name": name,
            "methods": methods,
            "late": option == "VA+AO" and ALONE in methods,
            "option": option,
            "aggregator": aggregator,
        }
        for name in SETS
        for (option, aggregator), methods in groups(profile, name).items()
    }


def turned(profile: str) -> list[list]:
    """Settings of the mechanism study, [dial, level] each; nothing is turned in the first."""
    s = sizes(profile)
    most = [[d, level] for d in SWEPT if d not in OTHERS for level in s.levels]
    return [
        ["", 0.0],
        *most,
        ["complementarity", 0.0],
        ["complementarity", 1.0],
        ["label_noise", 0.3],
    ]


@runs.once
def world_features(profile: str) -> list[dict]:
    """Arguments of mrpn_features.bank for the clean clips of every world."""
    s = sizes(profile)
    made = [
        datasets.load(
            "ravdess",
            source="simulated",
            modality="av",
            profile="full",
            seed=k,
            dials=CLEAN,
            **_crowd(s.actors),
        )
        for k in range(s.worlds)
    ]
    return [{"data": datasets.reference(w), "each": s.world_each, "frames": s.frames} for w in made]


def sweeps(profile: str) -> list[dict]:
    """Arguments of mrpn_runs.sweep, one for each world."""
    s = sizes(profile)
    return [
        {
            "features": f,
            "seed": k,
            "settings": turned(profile),
            "folds": s.world_folds,
            "methods": list(METHODS),
            "hidden": s.hidden,
            "epochs": s.world_epochs,
            "rate": s.rate,
            "batch": s.batch,
        }
        for k, f in enumerate(world_features(profile))
    ]


@runs.once
def end_plan(profile: str) -> dict[tuple[str, str, str, str, int], dict]:
    """Every network that learns end to end: (set, fold, way, option or aggregator, seed) -> arguments of mrpn_end.run."""
    s, whole = sizes(profile), end_to_end(profile)
    grid = {}
    for name in SETS if whole else SETS[:1]:
        data = clips(profile, name)
        names = [p.name for p in mrpn_runs.parts(name, data.subject, 0)]
        cells = (
            {(m, o, a): None for (o, a), methods in groups(profile, name).items() for m in methods}
            if whole
            else {(m, "VA+AO", LSTM): None for m in ("N0", "N2")}
        )
        for fold in (
            names if s.end_pairs is None else [n for n in names if n in s.end_pairs] or names[:1]
        ):
            for method, option, aggregator in cells:
                for seed in range(1 if not whole else s.seeds):
                    grid[name, fold, method, f"{option}, {aggregator}", seed] = asdict(s.end) | {
                        "data": datasets.reference(data),
                        "name": name,
                        "fold": fold,
                        "seed": seed,
                        "method": method,
                        "aggregator": aggregator,
                        "slicing": OPTIONS[option].slicing,
                        "per_clip": OPTIONS[option].per_clip,
                        "overlap": 0.5 if OPTIONS[option].overlap else 0.0,
                        "start": end.beginnings(profile, seed, s.end) if s.end.starts else None,
                    }
    return grid


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet: features, then tables, worlds, networks end to end. One row per part: networks and epochs."""
    s = sizes(profile)
    runs.map(bank, [features(profile, n) for n in SETS] + world_features(profile), label="features")
    rows = []
    if not end_to_end(profile):
        for (name, option, aggregator), r in stacks(profile).items():
            rows.append(
                {
                    "trained": f"{name}, {option}, {aggregator}",
                    "networks": sum(len(r["fold"]) for _ in r["results"]),
                    "epochs": s.epochs,
                }
            )
    swept = worlds(profile)
    rows.append(
        {
            "trained": f"{len(swept)} worlds, {len(turned(profile))} settings",
            "networks": sum(v.shape[0] * v.shape[1] for r in swept for v in r["named"].values()),
            "epochs": s.world_epochs,
        }
    )
    for name in {
        key[0] for key in end_plan(profile)
    }:  # drawn and cut out before several processes ask for them
        faces(chosen(clips(profile, name), s.end.each), 2 * s.end.frames, s.end.side)
    rows.append({"trained": "end to end", "networks": len(ends(profile)), "epochs": s.end.epochs})
    return pd.DataFrame(rows)


@runs.once
def stacks(profile: str) -> dict[tuple[str, str, str], dict]:
    """(set, option, aggregator) -> result of mrpn_runs.folds, from the store or computed now."""
    grid = plan(profile)
    return dict(
        zip(grid, runs.map(mrpn_runs.folds, list(grid.values()), label="fusion"), strict=True)
    )


@runs.once
def worlds(profile: str) -> list[dict]:
    """Result of mrpn_runs.sweep for every world."""
    return runs.map(mrpn_runs.sweep, sweeps(profile), label="worlds")


@runs.once
def ends(profile: str) -> dict[tuple[str, str, str, str, int], dict]:
    """(set, fold, way, option and aggregator, seed) -> result of mrpn_end.run."""
    grid = end_plan(profile)
    return dict(zip(grid, runs.map(end.run, list(grid.values()), label="end to end"), strict=True))


# ---------------------------------------------------------------- the data


@runs.once
def clips(profile: str, name: str):
    """RAVDESS or CREMA-D with pictures and sound: real where both are at hand, simulated otherwise."""
    if datasets.at_hand(name):
        try:
            return datasets.load(name, source="real", modality="av")
        except Damaged:
            raise
        except EmolibError:  # sound only
            pass
    s = sizes(profile)
    return datasets.load(
        name,
        source="simulated",
        modality="av",
        profile="full",
        size=s.draw,
        **_crowd(s.actors if name == "ravdess" else s.crema_actors),
    )


def _crowd(actors: int | None) -> dict:
    return {} if actors is None else {"actors": actors}


@runs.once
def held(profile: str, name: str):
    """The Bank of a set."""
    return mrpn_runs.made(features(profile, name))


def classes(profile: str, name: str) -> tuple[str, ...]:
    """Names of the classes in the order of their codes."""
    from emolib import EMOTIONS

    data = clips(profile, name)
    codes = labels(data)
    return tuple(
        EMOTIONS[int(data.label[np.flatnonzero(codes == k)[0]])] for k in range(codes.max() + 1)
    )
