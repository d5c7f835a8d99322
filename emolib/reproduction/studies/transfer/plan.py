"""Chang: a network that knows faces learns emotions (notebook 41; the thesis of 2021, section 4.3).

MODELS are those of Table 4.3 and beside it:

    from faces            VGG-16 that can tell people apart, all of it trained: the thesis's own
    from faces, frozen    the same on fixed convolutions: only the dense layers learn (Fig. 4.15)
    from scratch          the same architecture and training without a source task
    untrained, frozen     dense layers on convolutions that have learnt nothing
    Lite0 from ImageNet   EfficientNet-Lite0 that knows objects, whole or frozen
    ResNet ...            dlib's network of 29 layers by `care`: from real faces, as a whole or
                          behind fixed convolutions, and from scratch
    Lite0 ..., with care  EfficientNet-Lite0 by the same recipe

Both tests are read with and without the pictures that stand in the training part. Epoch and rate
are chosen on a tenth of the training part. Nobody in FER2013 has a name, so the picture is the
cluster of every interval; seeds are averaged within a picture.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data import ferplus, votes
from emolib.data.checks import content_of
from emolib.data.files import digest_of
from emolib.features import identity
from emolib.ground import settings
from emolib.ground.containers import digest
from emolib.models import classifiers, vgg
from emolib.reproduction import runs
from emolib.reproduction.runs import held, part
from emolib.reproduction.studies.faces import PARTS, part_rows, unseen
from emolib.reproduction.studies.shipped.trials import FACE_RECIPE, GENTLY, SIDES
from emolib.reproduction.studies.transfer import care, training
from emolib.reproduction.studies.transfer.training import FACES, FROZEN, LITE0, SCRATCH, WHOLE
from emolib.training import plateaued

RATES = (1e-3, 1e-4, 1e-5, 1e-6)
TESTS = PARTS[1:]
PRIVATE = PARTS[2]
UNIQUE = ", no duplicates"
OURS = "from faces"  # the thesis's own
FIXED = "from faces, frozen"
PLAIN = "from scratch"
UNTRAINED = "untrained, frozen"
OTHER = "Lite0 from ImageNet"
CARE, CARE_FIXED = "with care", "with care, frozen"
KNOWN = "ResNet from real faces"
KNOWN_FIXED = "ResNet from real faces, frozen"
BLANK = "ResNet from scratch"
LOOKED = "Lite0 from ImageNet, with care"
STANDS_FOR = {KNOWN: OURS, KNOWN_FIXED: FIXED, BLANK: PLAIN}  # where dlib's weights are absent
MODELS = {  # name -> (start, way)
    OURS: (FACES, WHOLE),
    FIXED: (FACES, FROZEN),
    PLAIN: (SCRATCH, WHOLE),
    UNTRAINED: (SCRATCH, FROZEN),
    OTHER: (LITE0, WHOLE),
    "Lite0 from ImageNet, frozen": (LITE0, FROZEN),
    KNOWN: (care.REAL_FACES, CARE),
    KNOWN_FIXED: (care.REAL_FACES, CARE_FIXED),
    BLANK: (care.NOTHING, CARE),
    LOOKED: (care.IMAGENET, CARE),
}


@dataclass(frozen=True)
class Tuned:
    """Training on FER2013: the thesis names Adam and the rates, the rest is ours."""

    side: int = 224  # pixels a 48-pixel face is enlarged to
    batch: int = 64
    draws: int | None = None  # pictures in an epoch; None: all of the balanced set
    epochs: int = 20


@dataclass(frozen=True)
class Identification:
    """The source task where no weights of VGG-Face are at hand."""

    world: tuple[tuple[str, int], ...] = ()  # sizes of the simulated set of people
    size: int = 96  # pixels of its pictures
    draws: int | None = None
    batch: int = 64
    epochs: int = 30
    rate: float = 1e-4


@dataclass(frozen=True)
class Frozen:
    """Pictures that the frozen networks of training.NETWORKS look at; None: all."""

    train: int | None = None
    validation: int | None = None
    test: int | None = None  # of each of the two test parts
    chunk: int = 500  # pictures in one run


@dataclass(frozen=True)
class Care:
    """The recipe of the networks that come with emolib: pixels in each epoch; None: all pictures.

    The tests come from the same cameras as the training part: pictures are changed half as much.
    Lite0 from ImageNet learns them by heart then, and gets them changed in full.
    """

    resnet: tuple[int, ...] = (104,) * 40  # at most: patience ends it
    fixed: tuple[int, ...] = (104,) * 6  # dense layers alone are soon done
    lite0: tuple[int, ...] = SIDES
    much: float = GENTLY["much"]
    lite0_much: float = 1.0
    patience: int | None = 4  # of the ResNets as a whole: epochs; None: the rate climbs and falls
    bfloat16: bool = True  # the ResNets
    average: float = FACE_RECIPE["average"]  # decay of the running average of weights
    train: int | None = None
    validation: int | None = None

    def arguments(self, start: str, way: str) -> dict:
        """What `care.run` is told of one network."""
        how = {"start": start, "fixed": way == CARE_FIXED, "average": self.average}
        how |= {"train": self.train, "validation": self.validation, "patience": None}
        if start == care.IMAGENET:
            return how | {"sides": list(self.lite0), "much": self.lite0_much, "bfloat16": False}
        how |= {"much": self.much, "bfloat16": self.bfloat16}
        if way == CARE_FIXED:
            return how | {"sides": list(self.fixed)}
        how |= {"sides": list(self.resnet), "patience": self.patience}
        # A rate that stands still must not be the peak of one that climbs: at that, the first steps
        # take from a network what it knew of faces.
        return how | ({} if self.patience is None else {"rate": GENTLY["rate"]})


@dataclass(frozen=True)
class Sizes:
    """What a profile costs here."""

    seeds: int = 5
    width: float = 1.0  # of VGG-16; below 1 it is a stand-in that decides nothing
    dropout: float = 0.5
    vgg: Tuned = Tuned()
    lite0: Tuned = Tuned()
    epochs: int | None = None  # on FER2013; None: those of `vgg` and `lite0`
    face_epochs: int | None = None  # of what begins with faces; None: as the others
    source: Identification = Identification()
    rates: tuple[float, ...] = RATES  # of Figure 4.14
    tried: tuple[float, ...] = RATES  # those that every model is trained at and may choose from
    plateau: int = 2  # epochs without progress before the rate falls to three tenths
    patience: int = 5  # epochs without progress before training ends
    train: int | None = None  # rows that are used, before balancing
    validation: int | None = None
    test: int | None = None  # of each of the two test parts
    frozen: Frozen = Frozen()
    care: Care = Care()

    def epochs_of(self, start: str) -> int:
        """Epochs of a training on FER2013."""
        own = self.face_epochs if start == FACES else None
        return self.epochs or own or (self.lite0 if start == LITE0 else self.vgg).epochs


BRIEF = Care(lite0_much=0.5, patience=None, bfloat16=False, average=0.5)  # an epoch or two

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
        frozen=Frozen(14, 4, 4, 26),
        care=replace(BRIEF, resnet=(104,), fixed=(104,), lite0=(32,), train=64, validation=16),
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
        test=600,
        frozen=Frozen(120, 40, 40, 60),
        care=replace(
            BRIEF, resnet=2 * (104,), fixed=2 * (104,), lite0=2 * (64,), train=640, validation=200
        ),
    ),
    # the night goes to the networks that work: the stand-in shows its curves and decides nothing
    "overnight": Sizes(
        seeds=1,
        width=1 / 8,
        vgg=Tuned(48, 64, 6000, 10),
        lite0=Tuned(72, 64, 4000, 4),
        tried=RATES[:2],
        source=Identification((("identities", 100), ("each", 40)), 48, None, 32, 20, 5e-4),
        frozen=Frozen(1400, 350, 350, 350),
    ),
    "full": Sizes(vgg=Tuned(epochs=12), face_epochs=8, tried=RATES[1:3], patience=4),
}


@dataclass(frozen=True)
class Tested:
    """The pictures of a test part that are read, all (N,).

    rows    of FER2013
    truth   their classes as FER2013 labels them
    pixels  name of each picture's pixels: the clusters of every interval
    fresh   bool: is the picture absent from the training part, pixel for pixel?
    """

    rows: np.ndarray
    truth: np.ndarray
    pixels: np.ndarray
    fresh: np.ndarray


class Study(runs.Study):
    """Which models are trained at which rates, on what data, and what came of it."""

    SIZES = SIZES

    # ---------------------------------------------------------------- the data

    @part
    def faces(self):
        """FER2013 with its own labels, real where it is at hand."""
        return datasets.load("fer2013", profile=self.profile)

    @part
    def people(self):
        """Faces to identify: real pictures where they are at hand."""
        source = self.sizes.source
        return datasets.load(
            "vggface", profile=self.profile, size=source.size, **dict(source.world)
        )

    @held
    def tested(self, part: str) -> Tested:
        rows = part_rows(self.faces, part, self.sizes.test)
        pixels = content_of(self.faces.images[rows])
        return Tested(rows, self.faces.label[rows], pixels, unseen(self.faces, rows))

    @part
    def ballots(self) -> np.ndarray | None:
        """Ten raters' votes for every picture, (N, 10) as in votes.VOTES; None without them."""
        if self.faces.source == "simulated":
            return self.faces.meta[list(votes.VOTES)].to_numpy()
        if not datasets.at_hand("ferplus"):
            return None
        counted, _ = ferplus.read(settings.data_root() / "fer2013" / ferplus.NAME)
        return counted[self.faces.meta["row"].to_numpy()]

    @part
    def face_weights(self) -> str | None:
        """Digest of the weights of VGG-Face, if they are at hand and the network is wide enough."""
        path = None if self.narrow else vgg.face_file()
        return path and digest_of(path)

    @part
    def source_task(self):
        """What the source task was learnt from: faces to identify, or weights from elsewhere."""
        if self.face_weights is None:
            return self.people
        return SimpleNamespace(name="vggface", source="real", fingerprint=self.face_weights)

    @property
    def raters(self) -> tuple:
        """The source of the votes, where there are any."""
        if self.ballots is None:
            return ()
        fingerprint = digest(self.ballots)
        return (SimpleNamespace(name="ferplus", source=self.faces.source, fingerprint=fingerprint),)

    @part
    def people_behind(self):
        """What the network of `judged(KNOWN)` has learnt people from."""
        if KNOWN not in self.models:
            return self.source_task
        return SimpleNamespace(name="dlib", source="real", fingerprint=identity.weights())

    @property
    def sources(self) -> tuple:
        return (self.faces, self.source_task)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(range(self.sizes.seeds))

    # ---------------------------------------------------------------- models and their names

    @property
    def narrow(self) -> bool:
        """Is the VGG-16 of this profile a stand-in?"""
        return self.sizes.width < 1

    @property
    def models(self) -> dict[str, tuple[str, str]]:
        """MODELS that are trained here: EfficientNet-Lite0 only where its package is installed."""
        missing = set() if classifiers.lite0_at_hand() else {LITE0, care.IMAGENET}
        if identity.weights() is None:
            missing |= {care.REAL_FACES, care.NOTHING}
        return {name: (start, way) for name, (start, way) in MODELS.items() if start not in missing}

    def title(self, name: str) -> str:
        """'VGG-16 from faces', 'VGG-16, narrow, from faces', 'EfficientNet-Lite0 from ImageNet'."""
        if name.startswith("Lite0"):
            return f"EfficientNet-{name}"
        if not self.is_vgg(name):
            return f"dlib's {name}"
        return f"VGG-16, narrow, {name}" if self.narrow else f"VGG-16 {name}"

    def source_of(self, name: str) -> str:
        """'real' or 'simulated': only a model that began with faces has seen simulated people."""
        behind = self.sources if MODELS[name][0] == FACES else (self.faces,)
        return max(one.source for one in behind)

    def is_vgg(self, name: str) -> bool:
        """Is it the thesis's architecture, or the narrow one that stands for it?"""
        return not name.startswith(("Lite0", "ResNet"))

    def judged(self, name: str) -> str:
        """The model that a claim about `name` rests on: VGG-16 where dlib's weights are absent."""
        return name if name in self.models else STANDS_FOR.get(name, name)

    def protocol(self, part: str, more: str = "", name: str = OURS) -> str:
        """'PrivateTest', 'PrivateTest, no duplicates', 'small runs, PublicTest' ... of a model."""
        small = self.sizes.care.train is not None if self.with_care(name) else self.narrow
        return ("small runs, " if small else "") + part + more

    def with_care(self, name: str) -> bool:
        """Is it trained by `care`?"""
        return MODELS[name][1] in (CARE, CARE_FIXED)

    @part
    def settled(self) -> frozenset[str]:
        """Protocols that may decide: VGG-16 at full width, no validation loss that still falls."""
        if self.narrow:
            return frozenset()
        if not all(at_rest(r) for name in self.models for r in self.results(name)):
            return frozenset()
        return frozenset(self.protocol(part, more) for part in TESTS for more in ("", UNIQUE))

    # ---------------------------------------------------------------- runs

    @part
    def identity(self) -> dict | None:
        """Arguments of training.identify, or None where real weights of VGG-Face serve."""
        if self.face_weights:
            return None
        how = asdict(self.sizes.source)
        del how["world"], how["size"]  # these have made the pictures
        return how | {
            "data": datasets.reference(self.people),
            "seed": 0,
            "width": self.sizes.width,
            "dropout": self.sizes.dropout,
            "side": self.sizes.vgg.side,
        }

    def arguments(self, name: str, rates: tuple[float, ...], seed: int) -> dict:
        """Arguments of training.transfer for one model."""
        s, (start, way) = self.sizes, MODELS[name]
        how = s.lite0 if start == LITE0 else s.vgg
        names = ("width", "dropout", "train", "validation", "test", "plateau", "patience")
        shared = asdict(how) | {field: getattr(s, field) for field in names}
        return shared | {
            "data": datasets.reference(self.faces),
            "start": start,
            "way": FROZEN if way == FROZEN else WHOLE,
            "rates": list(rates),
            "seed": seed,
            "identity": self.identity if start == FACES else None,
            "weights": self.face_weights if start == FACES else None,
            "epochs": s.epochs_of(start),
        }

    @part
    def grid(self) -> list[tuple[str, dict]]:
        """Every run of the sweep over rates, the longest first: (model, arguments).

        A frozen network serves all its rates in one run: its features are the same.
        """
        grid = []
        for name, (_, way) in self.models.items():
            if self.with_care(name):
                continue
            rates = self.sizes.rates if name == OURS else self.sizes.tried
            groups = [rates] if way == FROZEN else [(rate,) for rate in rates]
            grid += [(name, self.arguments(name, group, 0)) for group in groups]
        return sorted(grid, key=lambda run: (run[1]["start"] != LITE0, run[1]["way"] == FROZEN))

    def transferred(self, grid: list[dict]) -> list[dict]:
        """Results of training.transfer, after the source task that some of the runs begin with."""
        begun = [self.identity] if any(run["identity"] for run in grid) else []
        runs.map(training.identify, begun, label="identification")
        return runs.map(training.transfer, grid, label="transfer")

    @held
    def sweep(self, name: str) -> list[dict]:
        """One result per rate of a model, seed 0, from the highest rate down."""
        done = self.transferred([arguments for _, arguments in self.grid])
        groups = [run["models"] for (of, _), run in zip(self.grid, done) if of == name]
        return sorted(sum(groups, []), key=lambda result: -result["rate"])

    def chosen(self, name: str) -> dict:
        """The result at the rate with the lowest validation loss, before any test picture is read.

        Only rates that every model was trained at stand for choice.
        """
        return min((r for r in self.sweep(name) if r["rate"] in self.sizes.tried), key=worth)

    @part
    def cared_for(self) -> dict[str, dict]:
        """Model -> result of `care.run`: one seed, one rate."""
        shared = {"data": datasets.reference(self.faces), **FACE_RECIPE, "test": self.sizes.test}
        grid = {}
        for name in filter(self.with_care, self.models):
            start, way = self.models[name]
            known = {"weights": identity.weights() if start == care.REAL_FACES else None}
            grid[name] = shared | known | self.sizes.care.arguments(start, way)
        return dict(zip(grid, runs.map(care.run, list(grid.values()), label="with care")))

    @held
    def results(self, name: str) -> list[dict]:
        """One result per seed of a model at its chosen rate."""
        if self.with_care(name):
            return [self.cared_for[name]]
        first = self.chosen(name)
        grid = [self.arguments(name, (first["rate"],), seed) for seed in self.seeds[1:]]
        return [first, *(run["models"][0] for run in self.transferred(grid))]

    def named(self, name: str, part: str) -> np.ndarray:
        """Classes (R, N) that a model names on a test part, a row per seed."""
        key = "private" if part == PRIVATE else "public"
        return np.stack([result[key] for result in self.results(name)]).argmax(-1)

    @part
    def looked_at(self) -> list[np.ndarray]:
        """Rows that the frozen networks look at: `training.asked`."""
        how = self.sizes.frozen
        return training.asked(self.faces, how.train, how.validation, how.test)

    @held
    def features(self, network: str) -> list[np.ndarray] | None:
        """What one of training.NETWORKS sees in the rows of `looked_at`, part by part (N, D).

        None where its weights are not installed.
        """
        if (weights := training.known_weights(network)) is None:
            return None
        how = asdict(self.sizes.frozen)
        chunk = how.pop("chunk")
        ends = np.cumsum([len(rows) for rows in self.looked_at])
        shared = {"data": datasets.reference(self.faces), "network": network, "weights": weights}
        starts = range(0, int(ends[-1]), chunk)
        grid = [shared | how | {"first": k, "last": min(k + chunk, int(ends[-1]))} for k in starts]
        seen = runs.map(training.seen, grid, label=f"frozen, {network}")
        return np.split(np.concatenate([run["features"] for run in seen]), ends[:-1])

    def train(self) -> pd.DataFrame:
        """Run what is not stored yet; what each model cost, and which rate it chose."""
        rows = []
        if self.identity:
            (source,) = runs.map(training.identify, [self.identity], label="identification")
            rows.append(
                {
                    "model": f"identification of {source['people']} people",
                    "rate": self.identity["rate"],
                    "epochs": len(source["loss"]),
                    "accuracy on its own task": round(100 * source["accuracy"], 1),
                }
            )
        for name in self.models:
            best = self.results(name)[0]
            rows.append(
                {
                    "model": self.title(name),
                    "trained parameters": best["parameters"],
                    "rate": best["rate"],
                    "epochs": len(best["loss"]),
                    "best epoch": best["best_epoch"] + 1,
                    "images a second": round(best["images_per_second"]),
                }
            )
        return pd.DataFrame(rows).convert_dtypes()


def at_rest(result: dict) -> bool:
    """Would more epochs change little? A training says so, or its validation loss does."""
    return bool(result["settled"] if "settled" in result else plateaued(result["validation"]))


def worth(result: dict) -> float:
    """Validation loss of the best epoch; infinite for a network that diverged."""
    if result["diverged"] or not len(result["validation"]):
        return float("inf")
    return float(np.min(result["validation"]))
