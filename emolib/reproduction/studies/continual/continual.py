"""Continual learning on letters and pictures (orgil2022, sections 3.3 and 4.4): Table 4.4 and Figures 3.6, 3.7, 4.13 to 4.15 (notebook 14).

A protocol is a way of learning and a body: "alpha blending, body (a)". The body is trained once and frozen:

    body (a)  on all letters: it has seen every letter that a later task will bring (the thesis's row 26 / 0)
    body (b)  on the first task only: what continual learning allows
    body (c)  on another set (CIFAR-100 in grey)
    body (d)  not at all: what the head alone can do

Accuracies are over the letters seen so far, averaged over orders of the letters; intervals resample test images.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.models import letters as network
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.continual.continual_heads import GROWN, KINDS
from emolib.reproduction.studies.continual.continual_networks import METHODS, UNASKED
from emolib.reproduction.studies.continual.continual_pictures import TRANSFORMS
from emolib.reproduction.studies.continual.continual_plan import (
    SIZES,
    caps,
    letters,
    of_body,
    pictures,
    results,
)
from emolib.reproduction.studies.continual.continual_plan import (
    train as train,  # the notebook's first call
)

BODIES = {
    "all letters": "body (a)",
    "first task": "body (b)",
    "another set": "body (c)",
    "untrained": "body (d)",
}
BLEND, JOIN = "alpha blending", "concatenation"
SHOWN = (
    f"{BLEND}, body (a)",
    f"{BLEND}, body (b)",
    f"{BLEND}, body (c)",
    f"{JOIN}, body (a)",
    f"{JOIN}, body (b)",
    "replay, body (b)",
    "joint training, body (b)",
)
COUNTED = "counted"  # parameters and alpha of the thesis's own way: no training decides them
BATCHES_A_LETTER = (
    8  # 800 test images in batches of 100: the unit in which Table 4.4 seems to add its loss
)
PRINTED = {
    "all at once": 0.71,
    "task by task": 0.51,
    "pruned as written": 0.40,
    "CLAHE": 0.02,
}  # captions of the figures


def outcome(frame: pd.DataFrame, profile: str, *data, **more) -> Outcome:
    """An Outcome with the sizes of a profile, made from these sets (default: both)."""
    data = data or (letters(profile), pictures(profile))
    return Outcome(
        frame.reset_index(drop=True),
        profile,
        sources_of(*data),
        tuple(range(SIZES[profile].orders)),
        caps(profile),
        **more,
    )


# ---------------------------------------------------------------- answers, by body


@runs.once
def answers(profile: str, body: str) -> dict:
    """All orders of one body, stacked: named (M, O, T, N), loss (M, O, T), trained (K, O, T), task (O, N) (5: the letter left over), truth (N,)."""
    parts = of_body(profile, body)
    out = {k: np.concatenate([p[k] for p in parts], 1) for k in ("named", "loss", "trained")}
    order = np.concatenate([p["orders"] for p in parts])  # (O, 26)
    truth = parts[0]["truth"]
    return out | {
        "truth": truth,
        "task": np.argsort(order, 1)[:, truth] // 5,
        "settled": all(p["settled"] and p["head_settled"] for p in parts),
        "whole": [p["whole"] for p in parts if "whole" in p],
    }


@runs.once
def accuracies(profile: str, body: str) -> np.ndarray:
    """(M, O, T, T): accuracy on the letters of task j (last axis) after task t."""
    a = answers(profile, body)
    right, tasks = a["named"] == a["truth"], a["named"].shape[2]
    return np.stack(
        [
            np.stack([right[:, o][..., a["task"][o] == j].mean(-1) for j in range(tasks)], -1)
            for o in range(right.shape[1])
        ],
        1,
    )


@runs.once
def measured(profile: str, body: str) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What `summary` says of one body; its one gain is that of blending over concatenation."""
    p = shared(profile)
    return summary(
        answers(profile, body), ((METHODS.index(BLEND), METHODS.index(JOIN)),), p.draws, p.level
    )


def summary(
    a: dict, pairs: tuple[tuple[int, int], ...], draws: int, level: float
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """{'accuracy': (M, T), 'forgetting' and 'backward transfer': (M,), 'gain': (pairs,)} as (value, low, high).

    a       answers: named (M, O, T, N), truth (N,), task (O, N)
    pairs   (better, worse): methods whose accuracies at the end are compared
    One resampling of the test images for all of them: a value of an image is its mean over the orders in which it counts.
    """
    right, tasks = (a["named"] == a["truth"]).astype(float), a["named"].shape[2]
    seen = a["task"][:, None] <= np.arange(tasks)[:, None]  # (O, T, N)
    learnt = np.take_along_axis(right, np.minimum(a["task"], tasks - 1)[None, :, None], 2)[
        :, :, 0
    ]  # (M, O, N)
    early = a["task"] < tasks - 1  # (O, N)
    final = right[:, :, -1]
    gain = np.stack([final[one] - final[other] for one, other in pairs])
    columns = {
        "accuracy": (right, seen),
        "forgetting": (learnt - final, early),
        "gain": (gain, seen[:, -1]),
    }
    values, weights = [], []
    for value, counts in columns.values():  # (M, O, ..., N), (O, ..., N)
        mass = counts.sum(0)
        mean = np.divide(
            (value * counts).sum(1),
            mass,
            out=np.zeros(value.shape[:1] + mass.shape),
            where=mass > 0,
        )
        values.append(mean.reshape(-1, mean.shape[-1]))
        weights.append(np.broadcast_to(mass, mean.shape).reshape(-1, mean.shape[-1]))
    mean, drawn = metrics.bootstrap_draws(
        np.concatenate(values).T, np.arange(len(a["truth"])), np.concatenate(weights).T, draws=draws
    )
    low, high = metrics.interval(drawn, level)
    at, out = 0, {}
    for name, shape in (
        ("accuracy", right.shape[::2]),
        ("forgetting", right.shape[:1]),
        ("gain", (len(pairs),)),
    ):
        out[name] = tuple(
            v[at : at + int(np.prod(shape))].reshape(shape) for v in (mean, low, high)
        )
        at += int(np.prod(shape))
    value, low, high = out["forgetting"]
    return out | {"backward transfer": (-value, -high, -low)}


# ---------------------------------------------------------------- Table 4.4


@runs.once
def table_4_4(profile: str = "quick") -> Outcome:
    """Table 4.4: every way of learning on every body, after each task of five letters, and the row of all letters at once."""
    rows = []
    for (body, label), (m, method) in product(BODIES.items(), enumerate(METHODS)):
        a, (value, low, high) = answers(profile, body), measured(profile, body)["accuracy"]
        for t in range(value.shape[1]):
            seen = 5 * (t + 1)
            common = {
                "original_classes": str(seen),
                "new_classes": "5",
                "protocol": f"{method}, {label}",
            }
            rows.append(
                common
                | {
                    "metric": "Test accuracy",
                    "measured": value[m, t],
                    "low": low[m, t],
                    "high": high[m, t],
                    "unit": "fraction",
                }
            )
            if method != "nearest class mean":
                loss = a["loss"][m, :, t].mean()
                rows += [
                    common
                    | {
                        "metric": "Test loss",
                        "measured": loss * BATCHES_A_LETTER * seen,
                        "unit": "nats, sum over batches of 100",
                    },
                    common | {"metric": "test loss per image", "measured": loss, "unit": "nats"},
                ]
                rows += [
                    (common | more)
                    | ({"protocol": COUNTED} if method == BLEND and label == "body (a)" else {})
                    for more in _counted(method, seen)
                ]
            if method in KINDS:
                rows.append(
                    common
                    | {
                        "metric": "Training accuracy",
                        "measured": a["trained"][m, :, t].mean(),
                        "unit": "fraction",
                    }
                )
    alphas = papers.printed("orgil2022-t4_4").query("metric == 'Alpha' and new_classes == '5'")
    rows += [
        {
            "original_classes": row.original_classes,
            "new_classes": "5",
            "protocol": COUNTED,
            "metric": "Alpha",
            "unit": "ratio",
            "measured": round(
                int(row.original_classes) / (int(row.original_classes) + 5),
                len(row.value.split(".")[1]),
            ),
        }
        for row in alphas.itertuples()
    ]  # to as many decimals as the print has
    return outcome(
        pd.DataFrame(_whole(profile) + rows), profile, settled=settled(profile) | {COUNTED}
    )


def _counted(method: str, seen: int) -> list[dict]:
    """Trainable and total parameters after `seen` letters: the new head's rows, or the whole growing head."""
    if method in GROWN:
        counts = network.counts(seen, trained=seen)
    else:
        counts = network.counts(
            seen + (method not in (JOIN, UNASKED)), trained=6 if method == KINDS[2] else 5
        )
    return [
        {"metric": f"{what} parameters", "measured": float(n), "unit": "parameters"}
        for what, n in zip(("Trainable", "Total"), counts, strict=True)
    ]


def _whole(profile: str) -> list[dict]:
    """The row 26 / 0: body (a) with its own head of 31 outputs."""
    whole = answers(profile, "all letters")["whole"]
    right = np.mean([w["right"] for w in whole], 0)
    value, low, high = metrics.bootstrap_ci(
        right, np.arange(len(right)), draws=shared(profile).draws, level=shared(profile).level
    )
    loss, counts = np.mean([w["loss"] for w in whole]), network.counts(31)
    common = {"original_classes": "26", "new_classes": "0", "protocol": f"{BLEND}, body (a)"}
    return [
        common
        | {
            "metric": m,
            "measured": float(v),
            "unit": unit,
            **more,
            **({"protocol": COUNTED} if unit == "parameters" else {}),
        }
        for m, v, unit, more in (
            ("Test accuracy", value, "fraction", {"low": float(low), "high": float(high)}),
            ("Test loss", loss * BATCHES_A_LETTER * 26, "nats, sum over batches of 100", {}),
            ("test loss per image", loss, "nats", {}),
            ("Training accuracy", np.mean([w["training"] for w in whole]), "fraction", {}),
            ("Trainable parameters", counts[0], "parameters", {}),
            ("Total parameters", counts[1], "parameters", {}),
        )
    ]


@runs.once
def settled(profile: str) -> frozenset[str]:
    """Protocols whose body and heads reached the plateau of their validation loss; only these may decide a claim."""
    return frozenset(
        f"{m}, {label}"
        for body, label in BODIES.items()
        if answers(profile, body)["settled"]
        for m in METHODS
    )


# ---------------------------------------------------------------- tables and figures of ours


@runs.once
def methods(profile: str = "quick") -> Outcome:
    """After all 25 letters: accuracy, forgetting and backward transfer of every way of learning on every body."""
    rows = []
    for (body, label), (m, method) in product(BODIES.items(), enumerate(METHODS)):
        got = measured(profile, body)
        got = got | {"accuracy": tuple(v[:, -1] for v in got["accuracy"])}
        rows += [
            {
                "method": method,
                "metric": name,
                "protocol": label,
                "unit": "fraction",
                **dict(
                    zip(("measured", "low", "high"), (float(v[m]) for v in got[name]), strict=True)
                ),
            }
            for name in ("accuracy", "forgetting", "backward transfer")
        ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def by_task(
    profile: str = "quick", bodies: tuple[str, ...] = ("all letters", "first task", "another set")
) -> Outcome:
    """Accuracy over all letters seen, by their number: one line per way of learning."""
    rows = []
    for body, (m, method) in product(bodies, enumerate(METHODS)):
        if method in (UNASKED, KINDS[2]):
            continue
        rows += [
            {
                "body": BODIES[body],
                "method": method,
                "letters": 5 * (t + 1),
                "metric": "accuracy",
                "measured": float(v),
                "low": float(low),
                "high": float(high),
            }
            for t, (v, low, high) in enumerate(
                zip(*(x[m] for x in measured(profile, body)["accuracy"]), strict=True)
            )
        ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def forgetting(
    profile: str = "quick",
    body: str = "first task",
    shown: tuple[str, ...] = (BLEND, "fine-tuning", "replay", "joint training"),
) -> Outcome:
    """Forgetting matrices: what each task has lost after each later one, mean over orders; on the diagonal its accuracy when learnt."""
    accuracy = accuracies(profile, body)
    lost = metrics.forgetting_matrix(accuracy).mean(1)  # (M, T, T)
    fresh = np.diagonal(accuracy, axis1=-2, axis2=-1).mean(1)  # (M, T)
    rows = [
        {
            "method": method,
            "protocol": BODIES[body],
            "after_task": t + 1,
            "task": j + 1,
            "metric": "accuracy when learnt" if t == j else "lost since",
            "measured": float(fresh[m, j] if t == j else lost[m, t, j]),
        }
        for method in shown
        for m in [METHODS.index(method)]
        for t in range(lost.shape[1])
        for j in range(t + 1)
    ]
    return outcome(pd.DataFrame(rows), profile)


# ---------------------------------------------------------------- CIFAR-100: Figures 3.6, 3.7, 4.13 to 4.15


@runs.once
def transforms(profile: str = "quick") -> Outcome:
    """Accuracy of the heads of Figures 3.6 and 4.13 to 4.15, cosine distance to the untouched weights, and whether anything was done at all."""
    (result,), p, rows = results(profile, ["pictures"]), shared(profile), []
    for (r, rate), (v, name) in product(
        enumerate(SIZES[profile].pictures_rates), enumerate(TRANSFORMS)
    ):
        right = (result["named"][r, v] == result["truth"]).mean(0)  # (N,) mean over seeds
        mean, low, high = metrics.bootstrap_ci(
            right, np.arange(len(right)), draws=p.draws, level=p.level
        )
        common = {
            "weights": name,
            "rate": f"{rate:g}",
            "body": result["body"],
            "in_print": PRINTED.get(name, np.nan),
        }
        rows.append(
            common
            | {
                "metric": "accuracy",
                "measured": float(mean),
                "low": float(low),
                "high": float(high),
                "unit": "fraction",
            }
        )
        if v > 1:
            rows.append(
                common
                | {
                    "metric": "cosine distance",
                    "measured": float(result["distance"][r, v].mean()),
                    "unit": "",
                    "in_print": 0.23 if name == "pruned as written" else np.nan,
                }
            )
    for r, rate in enumerate(SIZES[profile].pictures_rates):
        common = {
            "weights": "task by task",
            "rate": f"{rate:g}",
            "body": result["body"],
            "in_print": np.nan,
            "unit": "",
        }
        rows += [
            common
            | {"metric": "range of a task's weights", "measured": float(result["span"][r].mean())},
            common
            | {
                "metric": "heads on which the limit of 100 acts",
                "measured": float(result["clips"][r].mean()),
                "unit": "fraction",
            },
        ]
    return outcome(pd.DataFrame(rows), profile, pictures(profile))


@runs.once
def weights(profile: str = "quick", name: str = "all at once", features: int = 128) -> Outcome:
    """The weights of one head as a picture: a row per class, at most `features` evenly chosen columns; in the order of classes."""
    (result,) = results(profile, ["pictures"])
    weight = result["weight"][TRANSFORMS.index(name)]  # (C, F)
    some = np.unique(
        np.linspace(0, weight.shape[1] - 1, min(features, weight.shape[1])).astype(int)
    )
    frame = pd.DataFrame(
        weight[:, some].astype(float).round(5), columns=[f"feature {k}" for k in some]
    )
    frame.insert(0, "class", list(pictures(profile).classes))
    accuracy = (result["named"][0, TRANSFORMS.index(name)] == result["truth"]).mean()
    frame.insert(0, "accuracy", float(accuracy))
    frame.insert(0, "weights", name)
    return outcome(frame, profile, pictures(profile))


@runs.once
def first_task(profile: str = "quick", bins: int = 60) -> Outcome:
    """Histograms of the weights of task 1: trained, pruned as written, equalised by CLAHE."""
    (result,), rows = results(profile, ["pictures"]), []
    edges = np.linspace(result["first"].min(), result["first"].max(), bins + 1)
    for name, weight in zip(
        ("trained", "pruned as written", "CLAHE"), result["first"], strict=True
    ):
        count, _ = np.histogram(weight, edges)
        rows += [
            {
                "weights": name,
                "from": a,
                "to": b,
                "metric": "weights in the bin",
                "measured": int(n),
            }
            for a, b, n in zip(edges[:-1], edges[1:], count, strict=True)
        ]
    return outcome(pd.DataFrame(rows), profile, pictures(profile))
