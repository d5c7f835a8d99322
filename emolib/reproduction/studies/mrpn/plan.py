"""What is trained for chapter 5 of chang2021, on what clips, and how much of it (notebook 44).

The tables come from networks on features that rest, at `full` from networks of printed size that
learn end to end; the study of the mechanism is on features at rest everywhere. Beside simulated
films stand real signals where they are at hand: summaries of face and sound of the same clips
(`ravdess_av`), and real speech beside real faces of other people.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data.files import Damaged
from emolib.ground.containers import ClipSet, ImageSet, TableSet
from emolib.ground.errors import EmolibError
from emolib.reproduction import runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.mrpn import features, training
from emolib.reproduction.studies.mrpn.training import ALONE, FACE, JOINT, LATE, METHODS, SOUND
from emolib.reproduction.studies.speech import plan as speech
from emolib.reproduction.studies.video.training import faces

NESTED, AS_PRINTED = "nested", "epoch chosen on the tested actors (as printed)"
LSTM, TRANSFORMER, AVERAGE = "LSTM", "transformer average", "average"
SETS = {"ravdess": "RAVDESS", "crema_d": "Crema-d"}  # and their names in Table 5.4
# one set of real pairs, without and with seven scores of a network that was trained elsewhere
SUMMED = "ravdess_av"
PAIRED = {SUMMED: "RAVDESS summaries", f"{SUMMED}+scores": "RAVDESS summaries with scores"}
NAMES = SETS | PAIRED
CONTROLS = ("N1 + equal block", "N2, side scores before the block", "gradient blending")
REAL_METHODS = (ALONE, "N0", "N1", "N2", *CONTROLS)  # that are trained on real pairs


@dataclass(frozen=True)
class Sizes:
    """What a profile costs: sets, networks on features at rest, worlds of the mechanism study."""

    end_to_end: bool = False  # the tables come from networks of printed size
    end_seeds: int = 1  # of those: intervals are over actors, and each costs an hour
    end_epochs: dict = field(default_factory=lambda: {"ravdess": 14, "crema_d": 6})
    end_patience: int = 5  # epochs without progress before such a training ends
    seeds: int = 1  # of every network
    actors: int | None = None  # of a simulated set; None: as many as the real one
    crema_actors: int | None = None
    draw: int = 256  # pixels of a simulated film, where one is drawn
    each: int | None = None  # clips of an actor and emotion; None: all
    frames: int = 6  # of a film whose points are taken
    hidden: int = 32
    epochs: int = 40
    rate: float = 3e-3
    batch: int = 32
    aggregators: tuple[str, ...] = (LSTM, "BiLSTM", TRANSFORMER)
    worlds: int = 5
    world_each: int = 4
    world_epochs: int = 30
    world_folds: int = 4
    levels: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)  # shares of clips that are spoilt
    real_seeds: int = 5  # of networks on real pairs and in half-real worlds
    real_hidden: int = 64
    real_epochs: int = 20
    half_each: int | None = None  # clips of an actor and emotion in a half-real world
    half_levels: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)  # shares of broken pairs


@dataclass(frozen=True)
class Cell:
    """One network of the tables, and which of its scores is read."""

    method: str
    option: str = "VA+AO"
    aggregator: str = LSTM
    score: int = JOINT


LATE_FUSION, N0 = Cell(LATE), Cell("N0")
N1, N2 = Cell("N1"), Cell("N2")
N2_TRANSFORMER = Cell("N2", aggregator=TRANSFORMER)
AM = {"NT": Cell(ALONE, "IA", score=SOUND), "T": Cell(ALONE, score=SOUND)}
VM = {"NT": Cell(ALONE, "IA", score=FACE), "T": Cell(ALONE, score=FACE)}
JM = {"NT": Cell("N0", "IA"), "T": N0}
MODALITIES = {"Audio Modality": AM, "Visual Modality": VM, "Joint Modalities (N0)": JM}
FUSED = {
    "N0 (late fusion)": LATE_FUSION,
    "N0 (end-to-end)": N0,
    "N1 (end-to-end)": N1,
    "N2 (end-to-end)": N2,
}
ROWS_5_4 = {
    "N0 (end-to-end), Resnet18+LSTM, IA": Cell("N0", "IA"),
    "N0 (end-to-end), Resnet18+LSTM, VA+WO": Cell("N0", "VA+WO"),
    "N0 (late fusion), Resnet18+LSTM, VA+AO": LATE_FUSION,
    "N0 (end-to-end), Resnet18+LSTM, VA+AO": N0,
    "N1 (end-to-end), Resnet18+LSTM, VA+AO [97]": N1,
    "MRPN (end-to-end), Resnet18+LSTM, VA+AO": N2,
    "MRPN (end-to-end), Resnet18+Transformer(avg), VA+AO": N2_TRANSFORMER,
}
ROW_BILSTM = {"MRPN (end-to-end), Resnet18+BiLSTM, VA+AO": Cell("N2", aggregator="BiLSTM")}


class Study(runs.Study):
    """Chapter 5 at one profile."""

    SIZES = {
        "smoke": Sizes(
            actors=6,
            draw=48,
            crema_actors=9,
            each=1,
            frames=2,
            hidden=4,
            epochs=5,
            aggregators=(LSTM, TRANSFORMER),
            worlds=2,
            world_each=1,
            world_epochs=2,
            world_folds=2,
            levels=(0.5,),
            real_seeds=1,
            real_hidden=8,
            real_epochs=5,
            half_each=1,
            half_levels=(),
        ),
        "quick": Sizes(
            seeds=2,
            draw=64,
            crema_actors=18,
            each=2,
            hidden=16,
            epochs=16,
            world_each=2,
            world_epochs=12,
            world_folds=3,
            levels=(0.5,),
            real_seeds=1,
            half_each=2,
            half_levels=(0.6,),
        ),
        "overnight": Sizes(seeds=5, draw=96, crema_actors=36, each=4, worlds=12, levels=(0.4, 0.8)),
        "full": Sizes(end_to_end=True, seeds=5, aggregators=(LSTM, TRANSFORMER)),
    }

    @property
    def sources(self) -> tuple[ClipSet, ...]:
        return tuple(self.clips(name) for name in SETS)

    @property
    def ravdess(self) -> ClipSet:
        return self.clips("ravdess")

    @property
    def crema_d(self) -> ClipSet:
        return self.clips("crema_d")

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.seeds))

    @property
    def end_to_end(self) -> bool:
        """Do the tables come from networks of printed size?"""
        return self.sizes.end_to_end

    def label(self, reading: str = NESTED, name: str = "ravdess") -> str:
        """How a row of the tables names its protocol."""
        if name in PAIRED:
            return f"{PAIRED[name]}, {reading}"
        return f"{'end to end' if self.end_to_end else 'features at rest'}, {reading}"

    def row(self, printed: str, name: str = "ravdess") -> str:
        """How the row of a printed fusion is named.

        Where features rest no gradient reaches an extractor: that is another network than printed,
        with a name of its own ('MRPN head on resting features, LSTM, VA+AO').
        """
        if self.end_to_end and name in SETS:
            return printed
        name = printed.replace("(end-to-end)", "head on resting features")
        name = name.replace("(late fusion)", "late fusion on resting features")
        return name.replace("Resnet18+", "").removesuffix(" [97]").replace("N2 head", "MRPN head")

    # ---------------------------------------------------------------- the data

    @property
    def paired(self) -> tuple[str, ...]:
        """The names of PAIRED, where their files are at hand."""
        return tuple(PAIRED) if datasets.at_hand(SUMMED) else ()

    @part
    def decide(self) -> tuple[str, ...]:
        """The sets that decide which fusion is ahead: the printed two, unless one is simulated and
        real pairs are at hand; then those, without the scores."""
        real = all(self.clips(name).source == "real" for name in SETS)
        return tuple(SETS) if real or not self.paired else (SUMMED,)

    @property
    def deciding(self) -> ClipSet | TableSet:
        """One of those sets, a simulated one if there is any: a verdict has its source."""
        return min(map(self.clips, self.decide), key=lambda clips: clips.source == "real")

    @part
    def half_real(self) -> tuple[ClipSet, ImageSet] | None:
        """RAVDESS speech and FER2013 faces, where both are real; else None."""
        if not (datasets.at_hand("ravdess") and datasets.at_hand("fer2013")):
            return None
        speech_heard = datasets.load("ravdess", source="real", modality="a")
        return speech_heard, datasets.load("fer2013", source="real")

    @held
    def clips(self, name: str) -> ClipSet | TableSet:
        """A set with pictures and sound: real where both are at hand, simulated otherwise."""
        if name in PAIRED:
            return datasets.load(SUMMED, scores=name != SUMMED)
        if datasets.at_hand(name):
            try:
                return datasets.load(name, source="real", modality="av")
            except Damaged:
                raise
            except EmolibError:  # sound only
                pass
        s = self.sizes
        actors = s.actors if name == "ravdess" else s.crema_actors
        return simulated(name, actors, size=s.draw)

    def features(self, name: str) -> dict:
        """Arguments of features.bank for the clips of a set."""
        reference = datasets.reference(self.clips(name))
        if name in PAIRED:
            return {"data": reference, "each": None, "frames": 1}
        return {"data": reference, "each": self.sizes.each, "frames": self.sizes.frames}

    @held
    def bank(self, name: str) -> features.Bank:
        """The features of a set."""
        return training.made(self.features(name))

    @held
    def classes(self, name: str) -> tuple[str, ...]:
        """Names of the classes in the order of their codes."""
        return tuple(EMOTIONS[k] for k in np.unique(self.clips(name).label))

    @part
    def world_features(self) -> list[dict]:
        """Arguments of features.bank for the clean clips of every world."""
        s = self.sizes
        worlds = [
            simulated("ravdess", s.actors, seed=k, dials=features.CLEAN) for k in range(s.worlds)
        ]
        about = {"each": s.world_each, "frames": s.frames}
        return [{"data": datasets.reference(world), **about} for world in worlds]

    # ---------------------------------------------------------------- the runs

    def train(self) -> pd.DataFrame:
        """Run whatever is not stored yet. One row per part: networks and epochs."""
        s = self.sizes
        banks = [self.features(name) for name in (*SETS, *self.paired)] + self.world_features
        runs.map(features.bank, banks, label="features", host=True)
        rows = []
        if self.end_to_end:
            for name in SETS:  # drawn and cut out before several processes ask for them
                faces(self.clips(name), 2 * training.Size.frames, training.Size.side)
            rows.append(("end to end", len(self.ends), max(s.end_epochs.values())))
        for key, stack in self.stacks.items():
            count = len(stack["fold"]) * len(stack["results"])
            rows.append((", ".join(key), count, s.real_epochs if key[0] in PAIRED else s.epochs))
        if not self.paired:
            rows.append((f"no real pairs: {SUMMED} in the data folder would add them", 0, 0))
        count = sum(v.shape[0] * v.shape[1] for r in self.worlds for v in r["named"].values())
        rows.append((f"{s.worlds} worlds, {len(self.turned)} settings", count, s.world_epochs))
        if self.half_real is None:
            told = "no half-real world: ravdess and fer2013 in the data folder would add it"
            rows.append((told, 0, 0))
        else:
            done = [r["named"][LATE].shape[:2] for r in self.half_worlds]
            count = sum(a * b * len(METHODS) for a, b in done)
            rows.append((f"half-real, {len(self.pairs_broken)} settings", count, s.real_epochs))
        return pd.DataFrame(rows, columns=["trained", "networks", "epochs"])

    def groups(self, name: str) -> dict[tuple[str, str], list[str]]:
        """(option, aggregator) -> methods that are trained together on a set."""
        if name in PAIRED:
            return {(features.SUMMED, AVERAGE): list(REAL_METHODS)}
        groups = {
            ("IA", LSTM): [ALONE, "N0"] if name == "ravdess" else ["N0"],
            ("VA+WO", LSTM): ["N0"],
            ("VA+AO", LSTM): [ALONE, "N0", "N1", "N2"],
        }
        return groups | {("VA+AO", a): ["N2"] for a in self.sizes.aggregators if a != LSTM}

    @property
    def recipe(self) -> dict:
        """What all networks on features at rest share: fields of training.Recipe."""
        s = self.sizes
        return {"hidden": s.hidden, "epochs": s.epochs, "rate": s.rate, "batch": s.batch}

    @property
    def real_recipe(self) -> dict:
        """The same for real vectors of few clips: a decay that holds 64 units on 300 of them. Of
        eleven recipes this one had the lowest loss on the actors who decide."""
        s = self.sizes
        how = {"hidden": s.real_hidden, "epochs": s.real_epochs, "rate": 2e-3, "batch": 64}
        return how | {"option": features.SUMMED, "weight_decay": 1.0, "late": True}

    @part
    def stacks(self) -> dict[tuple[str, str, str], dict]:
        """(set, option, aggregator) -> result of training.folds."""
        grid = {}
        for name in (*SETS, *self.paired):
            for (option, aggregator), methods in self.groups(name).items():
                late = option == "VA+AO" and ALONE in methods
                how = self.recipe | {"option": option, "aggregator": aggregator, "late": late}
                grid[name, option, aggregator] = {
                    "clips": self.features(name),
                    "name": name,
                    "seeds": list(self.seeds),
                    "methods": methods,
                    "recipe": how,
                }
                if name in PAIRED:
                    more = {"seeds": list(range(self.sizes.real_seeds)), "recipe": self.real_recipe}
                    grid[name, option, aggregator] |= more
        return mapped(training.folds, grid, "fusion")

    def stack(self, name: str, cell: Cell) -> dict:
        """The stack that holds the network of a cell. Summaries have no time to gather, nor options
        of cutting clips: all their cells share one."""
        if name in PAIRED:
            return self.stacks[name, features.SUMMED, AVERAGE]
        return self.stacks[name, cell.option, cell.aggregator]

    @property
    def turned(self) -> list[list]:
        """Settings of the mechanism study, [dial, level] each; nothing is turned in the first."""
        spoilt = [[dial, level] for dial in features.SPOILT for level in self.sizes.levels]
        others = [["complementarity", 0.0], ["complementarity", 1.0], ["label_noise", 0.3]]
        return [["", 0.0], *spoilt, *others]

    @part
    def worlds(self) -> list[dict]:
        """Result of training.sweep for every world."""
        s = self.sizes
        how = {"epochs": s.world_epochs, "late": True}
        common = {"turned": self.turned, "folds": s.world_folds, "methods": list(METHODS)}
        common["recipe"] = self.recipe | how
        grid = [{"clips": f, "seed": k, **common} for k, f in enumerate(self.world_features)]
        return runs.map(training.sweep, grid, label="worlds")

    @property
    def pairs_broken(self) -> list[list]:
        """Settings of the half-real worlds, [where, share] each; nothing is broken in the first."""
        broken = [[where, k] for where in features.BROKEN for k in self.sizes.half_levels]
        return [[features.BROKEN[0], 0.0], *broken]

    @part
    def half_worlds(self) -> list[dict]:
        """Result of training.sweep for every seed of a half-real world; none without its sets."""
        if self.half_real is None:
            return []
        s, (heard, seen) = self.sizes, map(datasets.reference, self.half_real)
        common = {"turned": self.pairs_broken, "folds": s.world_folds, "methods": list(METHODS)}
        common["recipe"] = self.real_recipe
        clips = {"data": heard, "faces": seen, "each": s.half_each}
        grid = [{"clips": clips | {"seed": k}, "seed": k, **common} for k in range(s.real_seeds)]
        return runs.map(training.sweep, grid, label="half-real worlds")

    @part
    def ends(self) -> dict[tuple[str, str, str, str, str, int], dict]:
        """(set, fold, method, option, aggregator, seed) -> result of training.end_to_end."""
        grid = {}
        s = self.sizes
        for name in SETS:
            data = self.clips(name)
            how = replace(training.Size(), epochs=s.end_epochs[name], patience=s.end_patience)
            for fold in features.parts(name, data.subject):
                for (option, aggregator), methods in self.groups(name).items():
                    for method in methods:
                        for seed in range(self.sizes.end_seeds):
                            grid[name, fold.name, method, option, aggregator, seed] = {
                                "data": datasets.reference(data),
                                "name": name,
                                "fold": fold.name,
                                "seed": seed,
                                "method": method,
                                "option": option,
                                "aggregator": aggregator,
                                "start": self.beginnings(seed),
                                "size": asdict(how),
                            }
        return mapped(training.end_to_end, grid, "end to end")

    def beginnings(self, seed: int) -> dict:
        """Arguments of the runs that extractors start from, of notebooks 42 and 43."""
        data = datasets.reference(datasets.load("fer2013", profile=self.profile))
        size = {"width": training.Size.width, "side": training.Size.side}
        how = {"seed": seed, "epochs": 8, "rate": 3e-4, "batch": 128}
        sound = speech.Study(self.profile).source_task(seed)
        return {"faces": {"data": data, **size, **how}, "sound": sound}


def simulated(name: str, actors: int | None, **options) -> ClipSet:
    """The simulated set with pictures and sound; `actors` None: as many as the real one."""
    if actors is not None:
        options["actors"] = actors
    return datasets.load(name, source="simulated", modality="av", profile="full", **options)


def mapped(run, grid: dict, label: str) -> dict:
    """Key -> result of the run with the arguments that the grid has there."""
    return dict(zip(grid, runs.map(run, list(grid.values()), label=label), strict=True))
