"""The grid of the video networks: which are trained, how large each profile is, and on what data (notebook 11)."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from emolib import data as datasets
from emolib.data import at_hand
from emolib.data.sim.dials import Dials
from emolib.ground.errors import nearest
from emolib.models.video import NETWORKS
from emolib.reproduction import runs
from emolib.reproduction.studies.video_networks import video_data
from emolib.reproduction.studies.video_networks import video_networks as networks
from emolib.reproduction.studies.video_networks.video_losses import (
    DOUBLED,
    FORMS,
    HALF,
    MAIN,
    WINDOW,
    WITHOUT,
)

FULL, PLAIN, AUDIO, POSE = NETWORKS
LENGTHS = {0.1: (128, 256, 512), 0.3: (32, 64, 128, 256, 384)}  # Tables 3 and 5
TABLE_4 = (0.1, 256)  # five repeats, Tables 2 and 4; our controls as well
SWEEP = (0.3, 64)  # where worlds and hands are compared: short windows cost least
CONTROLS = (HALF, DOUBLED, *WITHOUT.values(), *FORMS.values())
SPLITS = {
    "one split for all repeats": {"split_seed": 0},
    "drawn anew in each epoch": {"redrawn": True},
    "batches of mixed videos": {"mixed": True},
}
ROUGHNESS = Dials().roughness  # of the annotating hand: the dial as it was frozen (orgil2021-c34)


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here. The paper: blocks of 1024, 512, 256, dropout 0.5, 70 epochs at rate 0.01, plateau 10, early stop 15."""

    seeds: int = 5
    repeats: int = 5  # of the length-256 settings, as Tables 2 and 4 print
    blocks: tuple[int, int, int] = (1024, 512, 256)
    hidden: int = 256
    dropout: float = 0.5
    epochs: int = 70
    rate: float = 0.01
    plateau: int = 10
    patience: int = 15
    batch: int = 64
    videos: int = 298  # of the simulated world
    seconds: tuple[float, float] = (6.0, 120.0)
    hands: tuple[float, ...] = (0.0, 0.6, 1.0)
    worlds: int = 5
    split_seeds: int = 5


SIZES = {
    "smoke": Sizes(
        seeds=1,
        repeats=1,
        blocks=(16, 8, 8),
        hidden=8,
        dropout=0.2,
        epochs=2,
        rate=0.03,
        plateau=1,
        patience=2,
        videos=24,
        seconds=(2.0, 4.0),
        hands=(1.0,),
        worlds=2,
        split_seeds=1,
    ),
    "quick": Sizes(
        seeds=3,
        blocks=(32, 16, 16),
        hidden=16,
        dropout=0.2,
        epochs=5,
        rate=0.03,
        plateau=2,
        patience=3,
        videos=32,
        seconds=(8.0, 30.0),
        hands=(0.0, 1.0),
        split_seeds=3,
    ),
    "full": Sizes(),
}


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


@runs.once
def world(profile: str, seed: int = 0, roughness: float = ROUGHNESS):
    """Aff-Wild, real where it is at hand; else drawn faces with the voices of the same feelings."""
    s = sizes(profile)
    return datasets.load(
        "aff_wild",
        profile=profile,
        seed=seed,
        kind="rendered",
        videos=s.videos,
        seconds=s.seconds,
        dials=Dials(roughness=roughness),
    )


def real() -> bool:
    """Is the real set at hand? It has one world and one hand."""
    return at_hand("aff_wild")


def width(s: Sizes, network: str) -> tuple[int, ...]:
    """Blocks of a network: the last one always meets the recurrent stage."""
    first, second, last = s.blocks
    return {FULL: (first, second, last), PLAIN: (first, last), AUDIO: (last,), POSE: (last,)}[
        network
    ]


def members(s: Sizes, losses: dict[str, tuple[str, ...]]) -> dict[str, dict]:
    return {
        name: {
            "losses": list(of),
            "sizes": list(width(s, name)),
            "hidden": s.hidden,
            "dropout": s.dropout,
        }
        for name, of in losses.items()
    }


@runs.once
def plan(profile: str) -> dict[tuple, dict]:
    """Every run of the study: (part, held-out share, length, seed) -> arguments for video_networks.run; the longest windows first."""
    s, grid = sizes(profile), {}
    common = {
        "data": datasets.reference(world(profile)),
        "epochs": s.epochs,
        "rate": s.rate,
        "plateau": s.plateau,
        "patience": s.patience,
        "batch": s.batch,
    }
    settled = [(share, length) for share, lengths in LENGTHS.items() for length in lengths]
    for share, length in sorted(settled, key=lambda at: (at == TABLE_4, at[1]), reverse=True):
        here = (share, length) == TABLE_4
        for seed in range(s.repeats if here else s.seeds):
            losses = dict.fromkeys(NETWORKS, MAIN) | {
                FULL: (*MAIN, WINDOW, *(CONTROLS if here and seed < s.seeds else ()))
            }
            grid["grid", share, length, seed] = common | {
                "networks": members(s, losses),
                "held_out": share,
                "length": length,
                "seed": seed,
                "shown": here and seed == 0,
            }
    for part, options in SPLITS.items():
        for seed in range(s.repeats if "split_seed" in options else s.split_seeds):
            grid[part, *TABLE_4, seed] = (
                common
                | options
                | {
                    "networks": members(s, {FULL: MAIN}),
                    "held_out": TABLE_4[0],
                    "length": TABLE_4[1],
                    "seed": seed,
                }
            )
    if not real():
        others = [("hand", 0, r, seed) for r in s.hands for seed in range(s.seeds)] + [
            ("world", w, ROUGHNESS, 0) for w in range(1, s.worlds)
        ]
        for part, w, roughness, seed in others:
            grid[f"{part} {w if part == 'world' else roughness}", *SWEEP, seed] = common | {
                "data": datasets.reference(world(profile, w, roughness)),
                "networks": members(s, {FULL: MAIN}),
                "held_out": SWEEP[0],
                "length": SWEEP[1],
                "seed": seed,
            }
    return grid


def train(profile: str = "quick") -> pd.DataFrame:
    """Run whatever is not stored yet and say how large each part is: runs, networks, epochs until the last one stopped."""
    grid = plan(profile)
    for ref in dict.fromkeys(arguments["data"] for arguments in grid.values()):
        if not real():
            video_data.frames(ref, "cpu")  # made and kept once, before processes start
    jobs = 1 if profile == "smoke" else None  # two epochs take less than starting a process
    done = runs.map(networks.run, list(grid.values()), jobs=jobs, label="video networks")
    rows = [
        {
            "part": part,
            "held out": share,
            "length": length,
            "runs": 1,
            "networks": len(r["members"]),
            "epochs": r["epochs"],
            "share of windows that stand still": r["constant"],
        }
        for (part, share, length, _), r in zip(grid, done, strict=True)
    ]
    frame = pd.DataFrame(rows).groupby(["part", "held out", "length"], as_index=False)
    return frame.agg(
        {
            "runs": "sum",
            "networks": "sum",
            "epochs": "max",
            "share of windows that stand still": "mean",
        }
    ).round(3)


@runs.once
def results(profile: str, part: str, share: float, length: int) -> dict[int, dict]:
    """Results by seed of one part of `plan`, from the store or computed now."""
    keys = [key for key in plan(profile) if key[:3] == (part, share, length)]
    return dict(
        zip(
            [key[3] for key in keys],
            runs.map(networks.run, [plan(profile)[key] for key in keys], label="video networks"),
            strict=True,
        )
    )
