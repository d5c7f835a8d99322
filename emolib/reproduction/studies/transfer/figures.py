"""The long tables and pictures behind the figures of section 4.3 (notebook 41)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.data import votes
from emolib.data.checks import content_of
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, Pictures, held, sources_of
from emolib.reproduction.studies.faces import CLASSES, PARTS, enlarged, part_rows
from emolib.reproduction.studies.transfer.plan import FIXED, OURS, UNIQUE, Study
from emolib.reproduction.studies.transfer.tables import accuracies
from emolib.reproduction.studies.transfer.training import balanced, split, transformed

NAMES = EMOTIONS[:CLASSES]
PANELS = {
    "accuracy": ("training accuracy (per cent)", 100),
    "loss": ("training loss (nats)", 1),
    "validation_accuracy": ("validation accuracy (per cent)", 100),
    "validation": ("validation loss (nats)", 1),
}


# ---------------------------------------------------------------- faces, drawn by the simulator


def _world(name: str):
    return datasets.load(name, source="simulated", profile="smoke")


def _pictures(study: Study, frame: dict, images: np.ndarray, *worlds) -> Pictures:
    about = {"caps": {"world": "smoke"}, "images": images}
    return Pictures(pd.DataFrame(frame), study.profile, sources_of(*worlds), **about)


def people(study: Study) -> Pictures:
    """Figure 4.9: five simulated people of an identification set, six pictures each in a row."""
    world = _world("vggface")
    rows = np.concatenate([np.flatnonzero(world.label == k)[:6] for k in range(5)])
    who = [f"person {k + 1}" for k in world.label[rows]]
    return _pictures(study, {"person": who, "part": world.split[rows]}, world.images[rows], world)


def wild_and_laboratory(study: Study) -> Pictures:
    """Figure 4.10: simulated faces in the manner of FER2013, and of CK+ at the apex."""
    wild, tame = _world("fer2013"), _world("ckplus")
    last = tame.meta["frame"] == tame.meta["frames"]
    apex = np.flatnonzero(last & (tame.meta["code"] > 0))
    first = apex[np.unique(tame.subject[apex], return_index=True)[1]][:8]  # one of each person
    large = enlarged(torch.as_tensor(wild.images[:8]), tame.images.shape[1])[:, 0]
    large = large.round().clamp(0, 255).to(torch.uint8).numpy()
    images = np.concatenate([large, tame.images[first]])
    frame = {
        "set": ["FER2013, from the web"] * 8 + ["CK+, laboratory"] * len(first),
        "emotion": [EMOTIONS[k] for k in (*wild.label[:8], *tame.label[first])],
        "contrast": [float(image.std()) for image in images],
    }
    return _pictures(study, frame, images, wild, tame)


def moved(study: Study) -> Pictures:
    """Figure 4.13: a simulated face of each emotion and five copies that fill up its class."""
    world = _world("fer2013")
    classes, first = np.unique(world.label, return_index=True)
    made = torch.as_tensor(world.images[np.repeat(first, 5)])
    copies = np.split(transformed(made, torch.Generator().manual_seed(0)).numpy(), len(first))
    rows = [np.stack([one, *five]) for one, five in zip(world.images[first], copies)]
    frame = {
        "emotion": np.repeat([NAMES[k] for k in classes], 6),
        "picture": ["original", *(f"copy {k + 1}" for k in range(5))] * len(first),
    }
    return _pictures(study, frame, np.concatenate(rows), world)


# ---------------------------------------------------------------- what the set holds


@held
def no_use(study: Study) -> Outcome:
    """Figure 4.11: how many pictures of each part are no use, by reason, in per cent.

    They are counted, not shown: they are other people's faces. A picture may fall under several
    reasons; `any of these` counts it once. Votes decide only where they are at hand.
    """
    images, label, part = study.faces.images, study.faces.label, study.faces.split
    _, same = np.unique(content_of(images), return_inverse=True)
    labels = np.zeros((same.max() + 1, CLASSES), bool)
    labels[same, label] = True
    reasons = {
        "blank": images.reshape(len(images), -1).std(1) < 1,
        "same pixels, two labels": (labels.sum(1) > 1)[same],
    }
    if study.ballots is not None:
        winner, kept = votes.labels(study.ballots)
        faceless = np.where(study.ballots > 1, study.ballots, 0).argmax(1)
        faceless = faceless >= votes.VOTES.index("unknown")
        columns = np.array([votes.NAMES.index(name) for name in NAMES])[label]
        reasons["most raters: no face, or cannot tell"] = ~kept & faceless
        reasons["raters have no majority"] = ~kept & ~faceless
        reasons["majority contradicts the label"] = kept & (winner != label)
        reasons["no rater chose the label"] = study.ballots[np.arange(len(label)), columns] == 0
    reasons["any of these"] = np.any(list(reasons.values()), 0)
    rows = []
    for reason, useless in reasons.items():
        for name in PARTS:
            of_part = useless[part == name]
            share = 100 * float(of_part.mean())
            counts = {"measured": share, "count": int(of_part.sum()), "unit": "percent"}
            rows.append({"reason": reason, "part": name, **counts})
    return study.outcome(pd.DataFrame(rows), sources=(study.faces, *study.raters))


def polluted() -> pd.DataFrame:
    """The share of polluted training pictures that the thesis states (4.3.3), for Figure 4.11."""
    return pd.DataFrame([{"part": PARTS[0], "reason": "any of these", "value": 30.0}])


def counts(study: Study) -> Outcome:
    """Figure 4.12: training pictures of each emotion, before and after copies balance them."""
    label = study.faces.label
    kept = split(study.faces)[0]
    rows = []
    for pictures, chosen in (
        ("as they come", part_rows(study.faces, PARTS[0])),
        ("balanced by moved copies", kept[balanced(label[kept])[0]]),
    ):
        for name, count in zip(NAMES, np.bincount(label[chosen], minlength=CLASSES)):
            key = {"emotion": name, "pictures": pictures}
            rows.append(key | {"measured": int(count), "unit": "images"})
    return study.outcome(pd.DataFrame(rows), sources=(study.faces,))


# ---------------------------------------------------------------- learning curves


def _curves(result: dict, series: str) -> list[dict]:
    rows = []
    for name, (panel, scale) in PANELS.items():
        for epoch, value in enumerate(result[name]):
            if np.isfinite(value):
                key = {"panel": panel, "series": series, "epoch": epoch + 1}
                rows.append(key | {"measured": scale * float(value)})
    return rows


def rates(study: Study) -> Outcome:
    """Figure 4.14: one line per rate, for the whole network that begins with faces (seed 0)."""
    rows = [_curves(result, f"rate {result['rate']:g}") for result in study.sweep(OURS)]
    return study.outcome(pd.DataFrame(sum(rows, [])))


def frozen_or_whole(study: Study) -> Outcome:
    """Figure 4.15: frozen and whole networks that begin with faces, each at the rate it chose."""
    rows = []
    for name, text in ((OURS, "whole network"), (FIXED, "dense layers only")):
        best = study.chosen(name)
        rows += _curves(best, f"{text}, rate {best['rate']:g}")
    return study.outcome(pd.DataFrame(rows))


# ---------------------------------------------------------------- beside Table 4.3


def against_print(study: Study) -> Outcome:
    """Extra 24: accuracy of each model with its interval, on both tests, without duplicates."""
    frame = accuracies(study)
    return study.outcome(frame[frame.protocol.str.endswith(UNIQUE)])


def printed() -> dict[str, float]:
    """The thesis's own printed accuracy, for a line in a figure."""
    value = papers.published("chang2021-t4_3").set_index("source").value["Ours"]
    return {f"printed {value:g}": float(value)}
