"""What the figures of the transfer study draw (notebook 41): each function returns the long table behind one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data import votes
from emolib.data.checks import content_of
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.faces import CLASSES, PARTS, enlarged, part_rows
from emolib.reproduction.studies.transfer import transfer
from emolib.reproduction.studies.transfer.transfer import PRIVATE, outcome, probabilities
from emolib.reproduction.studies.transfer.transfer_networks import balanced, split, transformed
from emolib.reproduction.studies.transfer.transfer_plan import (
    FIXED,
    OTHER,
    OURS,
    PLAIN,
    ballots,
    chosen,
    contents,
    faces,
    models,
    sweep,
    title,
    truth,
)

NAMES = EMOTIONS[:CLASSES]
PANELS = {
    "accuracy": "training accuracy (per cent)",
    "loss": "training loss (nats)",
    "validation_accuracy": "validation accuracy (per cent)",
    "validation": "validation loss (nats)",
}


# ---------------------------------------------------------------- faces, drawn by the simulator


@runs.once
def people(profile: str = "quick") -> Pictures:
    """Figure 4.9: five simulated people of an identification set, six pictures each: a row is one answer."""
    world = datasets.load("vggface", source="simulated", profile="smoke")
    rows = np.concatenate([np.flatnonzero(world.label == k)[:6] for k in range(5)])
    frame = pd.DataFrame(
        {"person": [f"person {k + 1}" for k in world.label[rows]], "part": world.split[rows]}
    )
    return Pictures(
        frame, profile, sources_of(world), caps={"world": "smoke"}, images=world.images[rows]
    )


@runs.once
def wild_and_laboratory(profile: str = "quick") -> Pictures:
    """Figure 4.10: simulated faces in the manner of FER2013 above some in the manner of CK+, where the last frame is the apex."""
    wild, tame = (
        datasets.load(name, source="simulated", profile="smoke") for name in ("fer2013", "ckplus")
    )
    apex = np.flatnonzero(
        (tame.meta["frame"] == tame.meta["frames"]).to_numpy() & (tame.meta["code"] > 0).to_numpy()
    )
    first = np.array([apex[k] for k in np.unique(tame.subject[apex], return_index=True)[1]][:8])
    side = tame.images.shape[1]
    large = (
        enlarged(torch.as_tensor(wild.images[:8]), side)[:, 0]
        .round()
        .clamp(0, 255)
        .to(torch.uint8)
        .numpy()
    )
    images = np.concatenate([large, tame.images[first]])
    frame = pd.DataFrame(
        {
            "set": ["FER2013, from the web"] * 8 + ["CK+, laboratory"] * len(first),
            "emotion": [EMOTIONS[k] for k in (*wild.label[:8], *tame.label[first])],
            "contrast": [float(image.std()) for image in images],
        }
    )
    return Pictures(frame, profile, sources_of(wild, tame), caps={"world": "smoke"}, images=images)


@runs.once
def moved(profile: str = "quick") -> Pictures:
    """Figure 4.13: a simulated face of each emotion and five of the copies that fill up its class."""
    world = datasets.load("fer2013", source="simulated", profile="smoke")
    first = [
        int(np.flatnonzero(world.label == k)[0]) for k in range(CLASSES) if (world.label == k).any()
    ]
    made = torch.as_tensor(world.images[np.repeat(first, 5)])
    copies = (
        transformed(made, torch.Generator().manual_seed(0))
        .numpy()
        .reshape(len(first), 5, *world.images.shape[1:])
    )
    images = np.concatenate([world.images[first][:, None], copies], 1).reshape(
        -1, *world.images.shape[1:]
    )
    heads = ["original", *(f"copy {k + 1}" for k in range(5))]
    frame = pd.DataFrame(
        {
            "emotion": np.repeat([NAMES[world.label[i]] for i in first], 6),
            "picture": heads * len(first),
        }
    )
    return Pictures(frame, profile, sources_of(world), caps={"world": "smoke"}, images=images)


# ---------------------------------------------------------------- what the set holds


@runs.once
def no_use(profile: str = "quick") -> Outcome:
    """Figure 4.11: how many pictures of each part are no use, by reason, in per cent. Counted, not shown: they are other people's faces.

    A picture may fall under several reasons; `any of these` counts it once. Votes decide only where they are at hand.
    """
    images, label, part = faces(profile).images, faces(profile).label, faces(profile).split
    _, where = np.unique(contents_of_all(profile), return_inverse=True)
    labels_of = np.zeros((where.max() + 1, CLASSES), bool)
    labels_of[where, label] = True
    reasons = {
        "blank": images.reshape(len(images), -1).std(1) < 1,
        "same pixels, two labels": (labels_of.sum(1) > 1)[where],
    }
    counted = ballots(profile)
    if counted is not None:
        winner, kept = votes.labels(counted)
        most = np.where(counted > 1, counted, 0).argmax(1)
        reasons["most raters: no face, or cannot tell"] = ~kept & (
            most >= votes.VOTES.index("unknown")
        )
        reasons["raters have no majority"] = ~kept & (most < votes.VOTES.index("unknown"))
        reasons["majority contradicts the label"] = kept & (winner != label)
        reasons["no rater chose the label"] = (
            counted[np.arange(len(label)), [column(k) for k in label]] == 0
        )
    reasons["any of these"] = np.any(list(reasons.values()), 0)
    rows = [
        {
            "reason": reason,
            "part": p,
            "measured": 100 * float(of[part == p].mean()),
            "count": int(of[part == p].sum()),
            "unit": "percent",
        }
        for reason, of in reasons.items()
        for p in PARTS
    ]
    return outcome(pd.DataFrame(rows), profile, source_task=False, raters=True)


def polluted() -> pd.DataFrame:
    """The share of polluted training pictures that the thesis states (4.3.3), as a mark for Figure 4.11."""
    return pd.DataFrame([{"part": PARTS[0], "reason": "any of these", "value": 30.0}])


def column(emotion: int) -> int:
    """Column of the votes that stands for an emotion of FER2013."""
    return votes.NAMES.index(EMOTIONS[emotion])


@runs.once
def contents_of_all(profile: str) -> np.ndarray:
    """Name of every picture's pixels, (N,)."""
    return content_of(faces(profile).images)


@runs.once
def counts(profile: str = "quick") -> Outcome:
    """Figure 4.12: training pictures of each emotion, and after the copies have balanced what is left when a tenth is held back."""
    rows, (kept, _) = part_rows(faces(profile), PARTS[0]), split(faces(profile))
    at, _ = balanced(faces(profile).label[kept])
    frame = [
        {"emotion": NAMES[k], "pictures": which, "measured": int(n), "unit": "images"}
        for which, label in (
            ("as they come", faces(profile).label[rows]),
            ("balanced by moved copies", faces(profile).label[kept][at]),
        )
        for k, n in enumerate(np.bincount(label, minlength=CLASSES))
    ]
    return outcome(pd.DataFrame(frame), profile, source_task=False)


# ---------------------------------------------------------------- learning curves


def _curves(result: dict, series: str) -> list[dict]:
    rows = []
    for name, panel in PANELS.items():
        scale = 100 if "accuracy" in name else 1
        rows += [
            {"panel": panel, "series": series, "epoch": e + 1, "measured": scale * float(v)}
            for e, v in enumerate(result[name])
            if np.isfinite(v)
        ]
    return rows


@runs.once
def rates(profile: str = "quick") -> Outcome:
    """Figure 4.14: four panels by epoch, one line per rate, for the whole network that begins with faces (seed 0)."""
    return outcome(
        pd.DataFrame(
            [row for r in sweep(profile, OURS) for row in _curves(r, f"rate {r['rate']:g}")]
        ),
        profile,
    )


@runs.once
def frozen_or_whole(profile: str = "quick") -> Outcome:
    """Figure 4.15: the same panels for frozen and whole networks that begin with faces, each at the rate it chose (seed 0)."""
    rows = []
    for name, text in ((OURS, "whole network"), (FIXED, "dense layers only")):
        best = chosen(profile, name)
        rows += _curves(best, f"{text}, rate {best['rate']:g}")
    return outcome(pd.DataFrame(rows), profile)


# ---------------------------------------------------------------- beside Table 4.3


@runs.once
def recalls(profile: str = "quick") -> Outcome:
    """Extra 22: recall of each emotion on PrivateTest, by model, with its interval."""
    true, p, rows = truth(profile, PRIVATE), shared(profile), []
    hot = np.eye(CLASSES)[true]  # (N, 7)
    for name in models(profile):
        right = (probabilities(profile, name, PRIVATE).argmax(-1) == true).mean(0)  # (N,)
        mean, low, high = metrics.bootstrap_ci(
            np.repeat(right[:, None], CLASSES, 1),
            contents(profile, PRIVATE),
            hot,
            draws=p.draws,
            level=p.level,
        )
        rows += [
            {
                "emotion": NAMES[k],
                "model": name,
                "measured": 100 * mean[k],
                "low": 100 * low[k],
                "high": 100 * high[k],
                "count": int(hot[:, k].sum()),
                "unit": "percent",
            }
            for k in range(CLASSES)
        ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def against_print(profile: str = "quick") -> Outcome:
    """Extra 24: accuracy of each model with its interval, on both tests, without duplicates."""
    frame = transfer.everything(profile).frame
    return outcome(
        frame[(frame.metric == "Accuracy") & frame.protocol.str.endswith(transfer.UNIQUE)], profile
    )


def printed() -> dict[str, float]:
    """The thesis's own printed accuracy, for a line in a figure."""
    value = papers.published("chang2021-t4_3").set_index("source").value["Ours"]
    return {f"printed {value:g}": float(value)}


@runs.once
def united(profile: str = "quick") -> Outcome:
    """Extra 25: accuracy by how many of ten raters chose the first class, against FER2013's label and against the raters' majority.

    `ten raters` is their majority, read against FER2013's label.
    """
    true, (crowd, share) = truth(profile, PRIVATE), transfer.raters(profile)
    p, rows = shared(profile), []
    level = np.where(
        np.isnan(share), 10, np.clip(np.round(10 * np.nan_to_num(share)), 3, 10)
    ).astype(int)
    said = {
        n: probabilities(profile, n, PRIVATE).argmax(-1)
        for n in (OURS, PLAIN, OTHER)
        if n in models(profile)
    } | {"ten raters": crowd[None]}
    for panel, target, keep in (
        ("against FER2013's label", true, np.ones(len(true), bool)),
        ("against the raters' majority", crowd, crowd >= 0),
    ):
        for name, named in said.items():
            if panel != "against FER2013's label" and name == "ten raters":
                continue
            for at in np.unique(level[keep]):
                of = keep & (level == at)
                mean, low, high = metrics.bootstrap_ci(
                    (named == target).mean(0)[of],
                    contents(profile, PRIVATE)[of],
                    draws=p.draws,
                    level=p.level,
                )
                rows.append(
                    {
                        "panel": panel,
                        "model": name,
                        "raters": int(at),
                        "measured": 100 * float(mean),
                        "low": 100 * float(low),
                        "high": 100 * float(high),
                        "count": int(of.sum()),
                        "unit": "percent",
                    }
                )
    return outcome(pd.DataFrame(rows), profile, raters=True)


def across_rates(profile: str) -> pd.DataFrame:
    """Where each model ended at each rate, seed 0: training and validation loss, and whether it learnt more than to guess."""
    rows = [
        {
            "model": title(n, profile),
            "rate": f"{r['rate']:g}",
            "training loss, last epoch": round(float(r["loss"][-1]), 3),
            "validation loss, best epoch": round(float(np.min(r["validation"])), 3)
            if len(r["validation"])
            else np.nan,
            "learnt": learnt(r),
        }
        for n in models(profile)
        for r in sweep(profile, n)
    ]
    return pd.DataFrame(rows)


def learnt(result: dict, margin: float = 0.02) -> bool:
    """Did the training loss fall below that of guessing seven equal classes, by more than `margin` of it?"""
    return not result["diverged"] and float(np.min(result["loss"])) < (1 - margin) * np.log(CLASSES)
