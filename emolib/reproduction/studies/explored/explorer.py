"""What the explorer starts with (notebook 90): two views of film stills, two networks on faces, faces and sounds of the simulator."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.special import softmax

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data.splits import cross_validation
from emolib.ground.errors import nearest
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.explored import explorer_networks
from emolib.reproduction.studies.explored.explored import Explored, Model
from emolib.reproduction.studies.ferplus import plan as ferplus
from emolib.reproduction.studies.sfew import wang, wang_plan

LPQ, FUSION = "LPQ alone", "LPQ and PHOG together"
OWN_SCORES = "each fold has scores of its own"
NEAREST = 10  # neighbours that are asked who they are


@dataclass(frozen=True)
class Sizes:
    """What is shown; the networks themselves belong to notebooks 13 and 20."""

    faces: int  # pictures of FERPlus that are shown
    actors: int  # simulated actors, thirty clips each
    frames: int  # frames a simulated clip is seen by
    folds: int
    networks: tuple[str, str] = ("ResNet18", "Densenet121")
    size: int = 64  # pixels of a simulated face
    strength: float = 0.01


SIZES = {"smoke": Sizes(120, 4, 1, 2), "quick": Sizes(400, 6, 1, 3), "full": Sizes(3000, 24, 3, 5)}


def sizes(profile: str) -> Sizes:
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


def train(profile: str = "quick") -> pd.DataFrame:
    """Run what the explorer's own bundle needs and is not stored yet, and say how often it is right."""
    answer = _clip_run(profile)
    right = np.argmax(answer["scores"], -1) == np.searchsorted(
        answer["classes"], explorer_networks.first(clips(profile)).label
    )  # (2, 3, N)
    return pd.DataFrame(
        [
            {"trained on": way, "shown": part, "share right": right[w, p].mean().round(3)}
            for w, way in enumerate(explorer_networks.WAYS)
            for p, part in enumerate(explorer_networks.PARTS)
        ]
    )


# ---------------------------------------------------------------- what goes into the bundles


@runs.once
def stills(profile: str = "quick") -> Explored:
    """SFEW: the 1-D CNN on LPQ beside the fusion of LPQ and PHOG, each tested on casts it has not seen (notebook 20, seed 0).

    The embedding is what each network is fed. A probability here is the share of seeds that name the class.
    """
    table, true, s = wang_plan.table(profile), wang_plan.truth(profile), wang_plan.SIZES[profile]
    split = "movie-grouped"
    single, fusion = wang_plan.results(
        profile, [f"cnn {kind}, nested, {split}" for kind in ("single", "fusion")]
    )
    fold = np.full(len(table), -1)
    for k, cut in enumerate(cross_validation(table, s.folds, seed=0)):
        fold[cut.test] = k
    models = []
    for name, result, columns in ((LPQ, single, slice(0, 5)), (FUSION, fusion, slice(0, 10))):
        named = result["named"]["validation"][0, 0]  # (R, N)
        models.append(
            Model(
                name,
                table.features[:, columns],
                named[0],
                np.eye(7)[named].mean(0),
                "share of seeds that agree",
            )
        )
    called = (
        table.meta["image"]
        if "image" in table.meta
        else [f"row {k + 2}" for k in range(len(table))]
    )
    return Explored(
        "Film stills (SFEW): what LPQ sees alone, and with PHOG",
        wang.EMOTIONS,
        true,
        table.subject,
        fold,
        np.full(len(table), "still"),
        np.asarray(called),
        tuple(models),
        table,
        np.arange(len(table)),
        profile,
    )


@runs.once
def faces(profile: str = "quick") -> Explored:
    """FERPlus: two of the eleven classifiers (notebook 13, seed 0) on test faces; the embedding is their seven raw scores."""
    s, study = sizes(profile), ferplus.Study(profile)
    protocol, data, rows = study.base, study.faces, study.test_rows[: s.faces]
    models = []
    for network in s.networks:
        scores = study.results(network, protocol)[0]["scores"][0, : s.faces].astype(float)  # (N, 7)
        models.append(Model(network, scores, scores.argmax(1), softmax(scores, 1)))
    return Explored(
        f"Faces (FERPlus): {' beside '.join(s.networks)}, {protocol}",
        data.classes[:7],
        data.label[rows],
        np.full(len(rows), ""),
        np.full(len(rows), -1),
        np.full(len(rows), "face"),
        np.array([f"{data.split[r]} {r}" for r in rows]),
        tuple(models),
        data,
        rows,
        profile,
    )


@runs.once
def clips(profile: str = "quick"):
    """Clips of simulated actors, to be seen and heard."""
    s = sizes(profile)
    return datasets.load(
        "ravdess", source="simulated", profile=profile, actors=s.actors, size=s.size
    )


def _clip_run(profile: str) -> dict:
    s = sizes(profile)
    return runs.map(
        explorer_networks.run,
        [
            {
                "data": datasets.reference(clips(profile)),
                "folds": s.folds,
                "frames": s.frames,
                "seed": 0,
                "strength": s.strength,
            }
        ],
        label="explorer",
    )[0]


@runs.once
def acted(profile: str = "quick") -> Explored:
    """Simulated clips, each three times: whole, face alone, sound alone; trained on whole clips beside trained with parts missing."""
    whole, answer = clips(profile), _clip_run(profile)
    data = explorer_networks.first(whole)
    parts, n = explorer_networks.PARTS, len(data)
    models = []
    for w, way in enumerate(explorer_networks.WAYS):
        scores = answer["scores"][w].reshape(len(parts) * n, -1)  # (3 N, C)
        models.append(
            Model(
                f"trained on {way}" if w == 0 else f"trained with {way}",
                scores,
                scores.argmax(1),
                softmax(scores, 1),
            )
        )
    thrice = np.tile(np.arange(n), len(parts))
    label = np.searchsorted(answer["classes"], data.label)
    return Explored(
        "Simulated actors: seen, heard or both",
        tuple(EMOTIONS[c] for c in answer["classes"]),
        label[thrice],
        data.subject[thrice],
        answer["fold"][thrice],
        np.repeat(parts, n),
        np.asarray(data.meta["image"])[thrice],
        tuple(models),
        whole,
        explorer_networks.first_takes(whole)[thrice],
        profile,
        asdict(sizes(profile)) | {OWN_SCORES: True},
    )


# ---------------------------------------------------------------- what the pictures say, in numbers


def neighbours(bundles: dict, profile: str) -> Outcome:
    """Who a point's ten nearest neighbours are, in the embedding and in each plane: of its class, of its actor, and by chance.

    bundles   {name: explore.Bundle}. Intervals over actors (over points where nobody has a name); `chance` is what random neighbours give.
    Copies of one sample (a clip seen and heard) do not count as neighbours of each other. Where each fold has scores of its own making
    (acted), only points of one fold are compared, by neighbours and by chance alike: the fold alone would bring its actors together.
    """
    rows, p = [], shared(profile)
    for name, b in bundles.items():
        cluster = b.actor if (b.actor != "").any() else b.sample
        others = b.rows[:, None] != b.rows  # (N, N): different samples
        if b.about.get(OWN_SCORES):
            others &= b.fold[:, None] == b.fold
        asked = {"same class": b.true} | ({"same actor": b.actor} if (b.actor != "").any() else {})
        for m in b.models:
            spaces = {"embedding": _scaled(m.embedding)} | {
                method: xy for (model, method), xy in b.places.items() if model == m.name
            }
            for space, x in spaces.items():
                near = _nearest(x, others)  # (N, 10)
                for what, who in asked.items():
                    hit = (who[near] == who[:, None]).mean(1)
                    mean, low, high = metrics.bootstrap_ci(
                        hit, cluster, draws=p.draws, level=p.level
                    )
                    rows.append(
                        {
                            "bundle": name,
                            "model": m.name,
                            "space": space,
                            "metric": f"neighbours of the {what}",
                            "protocol": b.source,
                            "measured": float(mean),
                            "low": float(low),
                            "high": float(high),
                            "chance": float((who[:, None] == who)[others].mean()),
                            "unit": "fraction",
                        }
                    )
    return Outcome(pd.DataFrame(rows), profile, sources_of_bundles(bundles.values()))


def _scaled(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x, float)
    return (x - x.mean(0)) / np.where(x.std(0) > 1e-12, x.std(0), 1)


def _nearest(x: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The ten nearest points of each, (N, 10), among the `others` (N, N) it may be compared with."""
    square = (x**2).sum(1)
    far = np.where(others, square[:, None] + square - 2 * x @ x.T, np.inf)
    return np.argpartition(far, NEAREST, axis=1)[:, :NEAREST]


def sources_of_bundles(bundles) -> dict:
    """The `sources` entry of an Outcome for what lies behind bundles."""
    return {
        (parts := b.reference.split(":", 3))[0]: {"source": parts[1], "fingerprint": parts[2]}
        for b in bundles
    }
