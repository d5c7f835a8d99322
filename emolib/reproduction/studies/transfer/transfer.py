"""Chang: a network that knows faces learns emotions (notebook 41; the thesis of 2021, section 4.3).

Models of Table 4.3 and beside it:

    from faces              VGG-16 that has learnt to tell people apart, the whole network trained on FER2013: the thesis's own row
    from faces, frozen      the same with fixed convolutions: only the dense layers learn (Fig. 4.15)
    from scratch            the same architecture and the same training without a source task
    untrained, frozen       dense layers on convolutions that have learnt nothing: what `frozen` is worth by itself
    Lite0 from ImageNet     EfficientNet-Lite0 that knows objects, whole or frozen
    ..., moved anew         from faces, with every picture moved anew in each epoch instead of copies made once

Protocols: PublicTest and PrivateTest, each with and without the pictures that stand in the training part; 'small runs, ...' where VGG-16
is a narrow stand-in and the rest is small. Epoch and rate are chosen on a tenth of the training part. Nobody in FER2013 has a name, so the picture is the cluster of every
interval; seeds are averaged within a picture.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from scipy.special import softmax

from emolib import metrics, training
from emolib.data import votes
from emolib.ground.containers import digest
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies import face_scores
from emolib.reproduction.studies.faces import CLASSES
from emolib.reproduction.studies.transfer import transfer_plan as plan
from emolib.reproduction.studies.transfer.transfer_networks import FACES
from emolib.reproduction.studies.transfer.transfer_plan import (
    FIXED,
    MODELS,
    OTHER,
    OURS,
    PLAIN,
    TESTS,
    UNTRAINED,
    contents,
    faces,
    fresh,
    models,
    narrow,
    title,
    truth,
)
from emolib.reproduction.studies.transfer.transfer_plan import (
    train as train,  # the notebook's first call
)

PRINTED_METHOD = "Transfer learning from face identification to emotion"
UNIQUE = ", no duplicates"
PRIVATE = TESTS[1]
CONTRASTS = ((OURS, PLAIN), (OURS, FIXED), (OURS, OTHER), (FIXED, UNTRAINED))
SCORES = {"public": TESTS[0], "private": TESTS[1]}


def outcome(
    frame: pd.DataFrame,
    profile: str,
    kind=Outcome,
    *,
    source_task: bool = True,
    raters: bool = False,
    **more,
) -> Outcome:
    """An Outcome on FER2013 with the seeds and sizes of a profile.

    source_task   a model stands in it that began with faces;   raters   FERPlus votes were counted, where they are at hand
    """
    sources = sources_of(faces(profile)) | (plan.source_of_faces(profile) if source_task else {})
    if raters and plan.ballots(profile) is not None:
        sources["ferplus"] = {
            "source": faces(profile).source,
            "fingerprint": digest(plan.ballots(profile)),
        }
    return kind(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources,
        seeds=tuple(range(plan.sizes(profile).seeds)),
        caps=asdict(plan.sizes(profile)),
        **more,
    )


def protocol(part: str, profile: str, more: str = "") -> str:
    """'PrivateTest', 'PrivateTest, no duplicates', 'small runs, PublicTest' ..."""
    return ("small runs, " if narrow(profile) else "") + part + more


def source_of(name: str, profile: str) -> str:
    """'real' or 'simulated', for the rows of one model: EfficientNet-Lite0 and networks from scratch have seen no simulated person."""
    kinds = {faces(profile).source} | (
        {s["source"] for s in plan.source_of_faces(profile).values()}
        if MODELS[name][0] == FACES
        else set()
    )
    return "simulated" if "simulated" in kinds else "real"


@runs.once
def probabilities(profile: str, name: str, part: str) -> np.ndarray:
    """Probabilities (R, N, 7) of a model on a test part, one layer per seed."""
    key = next(k for k, v in SCORES.items() if v == part)
    return softmax(np.stack([r[key] for r in plan.results(profile, name)]).astype(float), -1)


# ---------------------------------------------------------------- Table 4.3 and what it leaves out


@runs.once
def everything(profile: str = "quick") -> Outcome:
    """Extra 20: accuracy, balanced accuracy, macro-F1 and loss of every model on both tests, with and without duplicates; the chosen rate."""
    rows = []
    for part in TESTS:
        said = {name: probabilities(profile, name, part) for name in models(profile)}
        for more, keep in (
            ("", np.ones(len(truth(profile, part)), bool)),
            (UNIQUE, fresh(profile, part)),
        ):
            true, cluster = truth(profile, part)[keep], contents(profile, part)[keep]
            found = face_scores.measured(
                {n: q[:, keep] for n, q in said.items()}, true, cluster, profile
            )
            balanced = _balanced({n: q[:, keep] for n, q in said.items()}, true, cluster, profile)
            for name, of in found.items():
                shown = [
                    ("Accuracy", "percent", 100, of["accuracy"]),
                    ("balanced accuracy", "percent", 100, balanced[name]),
                    ("macro-F1", "fraction", 1, of["macro-F1"]),
                    ("loss per image", "nats", 1, of["loss"]),
                    ("pictures", "count", 1, (len(true), np.nan, np.nan)),
                ]
                rows += [
                    _row(
                        name,
                        metric,
                        protocol(part, profile, more),
                        scale * np.array(v, float),
                        unit,
                        profile,
                    )
                    for metric, unit, scale, v in shown
                ]
    for name in models(profile):
        rows.append(
            _row(
                name,
                "rate",
                "chosen in training",
                np.array([plan.chosen(profile, name)["rate"], np.nan, np.nan]),
                "",
                profile,
            )
        )
    return outcome(pd.DataFrame(rows), profile, settled=settled(profile))


def _row(name, metric, said_of, values, unit, profile) -> dict:
    return {
        "model": title(name, profile),
        "name": name,
        "metric": metric,
        "protocol": said_of,
        "measured": values[0],
        "low": values[1],
        "high": values[2],
        "unit": unit,
        "source": source_of(name, profile),
    }


def _balanced(said: dict, true: np.ndarray, cluster: np.ndarray, profile: str) -> dict:
    """Mean recall of the classes with its interval, by model."""
    hot = np.eye(CLASSES)[true]  # (N, 7)
    found = {}
    for name, q in said.items():
        mean, drawn = metrics.bootstrap_draws(
            hot * (q.argmax(-1) == true).mean(0)[:, None], cluster, hot, draws=shared(profile).draws
        )
        found[name] = (np.nanmean(mean), *metrics.interval(_mean(drawn), shared(profile).level))
    return found


def _mean(drawn: np.ndarray) -> np.ndarray:
    """Mean over classes (D, 7) -> (D,); a class that a draw misses is left out of that draw."""
    return np.nansum(drawn, 1) / np.maximum((~np.isnan(drawn)).sum(1), 1)


@runs.once
def table_4_3(profile: str = "quick") -> Outcome:
    """Table 4.3: the thesis's row as we measure it, and our other models beside it; the cited rows stay print."""
    frame = everything(profile).frame
    frame = frame[frame.metric == "Accuracy"]
    mine = frame.name == OURS
    frame = frame.assign(
        **{
            "reported by": np.where(mine, "Ours", "emolib"),
            "method": np.where(mine, PRINTED_METHOD, frame.model),
        }
    )
    return outcome(
        frame.drop(columns="name")[
            [
                "reported by",
                "method",
                "metric",
                "protocol",
                "measured",
                "low",
                "high",
                "unit",
                "model",
                "source",
            ]
        ],
        profile,
        settled=settled(profile),
    )


@runs.once
def settled(profile: str) -> frozenset[str]:
    """Protocols that may decide: a VGG-16 of full width, every model trained until its validation loss stopped falling."""
    if narrow(profile) or not all(
        training.plateaued(r["validation"])
        for n in models(profile)
        for r in plan.results(profile, n)
    ):
        return frozenset()
    return frozenset(protocol(part, profile, more) for part in TESTS for more in ("", UNIQUE))


@runs.once
def contrasts(profile: str = "quick") -> Outcome:
    """Extra 21: does the source task help, does the whole network, are faces better than objects? One family, corrected by Holm.

    Paired on PrivateTest without duplicates: the same pictures, differences in points. `reading`: more, less, undecided (p of Holm above
    0.05), or that this profile tests nothing.
    """
    keep = fresh(profile, PRIVATE)
    pairs = [pair for pair in CONTRASTS if set(pair) <= set(models(profile))]
    hits = {
        n: (probabilities(profile, n, PRIVATE).argmax(-1) == truth(profile, PRIVATE))[:, keep]
        for pair in pairs
        for n in pair
    }
    mean, low, high, p = face_scores.gains(hits, pairs, contents(profile, PRIVATE)[keep], profile)
    rows = []
    decides = protocol(PRIVATE, profile, UNIQUE) in settled(profile)
    for k, ((a, b), corrected) in enumerate(zip(pairs, metrics.holm(p), strict=True)):
        reading = (
            "not tested at this profile"
            if not decides
            else "undecided"
            if corrected > 0.05
            else "more"
            if mean[k] > 0
            else "less"
        )
        key = {
            "first": title(a, profile),
            "second": title(b, profile),
            "protocol": protocol(PRIVATE, profile, UNIQUE),
            "pair": f"{a} - {b}",
            "reading": reading,
            "source": max(source_of(a, profile), source_of(b, profile)),
        }  # 'simulated' if either is
        rows += [
            key
            | {
                "metric": "difference in accuracy",
                "measured": 100 * mean[k],
                "low": 100 * low[k],
                "high": 100 * high[k],
                "unit": "points",
            },
            key | {"metric": "p, Holm", "measured": float(corrected), "unit": "probability"},
        ]
    return outcome(pd.DataFrame(rows), profile, settled=settled(profile))


# ---------------------------------------------------------------- whose error is it?


@runs.once
def raters(profile: str) -> tuple[np.ndarray, np.ndarray]:
    """(class that most of the ten raters chose, -1 where none won; share of the votes that the first class got) of the PrivateTest rows.

    Without votes at hand nobody has won and the share is unknown (NaN).
    """
    rows = plan.test_rows(profile, PRIVATE)
    counted = plan.ballots(profile)
    if counted is None:
        return np.full(len(rows), -1), np.full(len(rows), np.nan)
    counted = counted[rows]
    return votes.labels(counted)[0], counted.max(1) / counted.sum(1)


@runs.once
def label_error(profile: str = "quick") -> Outcome:
    """Extra 23: on PrivateTest, how many errors are the model's and how many the label's, by the votes of ten raters.

    For each model the errors against FER2013's label, in per cent of them: raters back the label; raters contradict it and the model
    agrees with them; raters contradict both; the raters have no majority for one of the seven. The raters themselves are a row: how often
    would their majority be scored right?
    """
    true, cluster = truth(profile, PRIVATE), contents(profile, PRIVATE)
    crowd, p = raters(profile)[0], shared(profile)
    known, rows = crowd >= 0, []

    def add(model, metric, values, weights, unit="percent", source=None):
        if weights.sum() > 0:
            mean, low, high = metrics.bootstrap_ci(
                values, cluster, weights, draws=p.draws, level=p.level
            )
            rows.append(
                {
                    "model": model,
                    "metric": metric,
                    "protocol": protocol(PRIVATE, profile),
                    "measured": 100 * float(mean),
                    "low": 100 * float(low),
                    "high": 100 * float(high),
                    "unit": unit,
                    "source": source or faces(profile).source,
                }
            )

    add("majority of ten raters", "right by FER2013's label", crowd == true, known.astype(float))
    add(
        "majority of ten raters",
        "right by FER2013's label, no majority counted as wrong",
        crowd == true,
        np.ones(len(true)),
    )
    for name in models(profile):
        named = probabilities(profile, name, PRIVATE).argmax(-1)  # (R, N)
        wrong = named != true
        who = {"model": title(name, profile), "source": source_of(name, profile)}
        add(
            metric="right by FER2013's label",
            values=(~wrong).mean(0),
            weights=known.astype(float),
            **who,
        )
        add(
            metric="right by the raters' majority",
            values=(named == crowd).mean(0),
            weights=known.astype(float),
            **who,
        )
        share = wrong.mean(0)
        for metric, kind in (
            ("errors: raters back the label", crowd == true),
            ("errors: raters contradict the label and back the model", named == crowd),
            ("errors: raters contradict both", known & (crowd != true) & (named != crowd)),
            ("errors: raters have no majority", ~known),
        ):
            part_of_it = np.divide(
                (wrong & kind).mean(0), share, out=np.zeros(len(true)), where=share > 0
            )
            add(
                metric=metric, values=part_of_it, weights=share, unit="percent of its errors", **who
            )
    return outcome(pd.DataFrame(rows), profile, raters=True)
