"""What the speech networks say: the audio rows of Table 5.1 on real speech, and what changes them (notebook 43).

Three readings stand beside each other. Nested: two actors apart from the pair decide on the epoch. As printed: the pair itself does.
Leaking: clips are drawn at random, so that every actor is on both sides. Intervals resample actors (the mean of all pairs) or
clips (one pair: two actors are nothing to resample).
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from emolib import metrics, training
from emolib.data.sim.clip_sets import RAVDESS
from emolib.reproduction import runs
from emolib.reproduction.runs import paired
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.speech import speech_functionals as functionals
from emolib.reproduction.studies.speech import speech_networks as networks
from emolib.reproduction.studies.speech.speech_plan import (
    LEAKING,
    NT,
    PAIRS,
    RANDOM,
    SCRATCH,
    SPEAKERS,
    T,
    Way,
    folds,
    heard,
    label,
    printed,
    results,
    sizes,
    speech,
    starts,
    used,
    voices,
    ways,
)
from emolib.reproduction.studies.speech.speech_plan import (
    train as train,  # the notebook's first call
)

NESTED, AS_PRINTED = "nested", "epoch chosen on the pair (as printed)"
ALL = "mean of all pairs"
MODALITY = "Audio Modality"  # as Table 5.1 names the row
SVM = "eGeMAPS + SVM"


def outcome(
    frame: pd.DataFrame, profile: str, kind=Outcome, *, speakers: bool = False, **more
) -> Outcome:
    """An Outcome on RAVDESS with the seeds and sizes of a profile; the speakers are in its sources where the rows start from them."""
    sets = [
        speech(profile),
        *([voices(profile)] if speakers or starts(profile)[0] == SPEAKERS else []),
    ]
    return kind(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources_of(*sets),
        seeds=tuple(range(sizes(profile).seeds)),
        caps=asdict(sizes(profile)),
        **more,
    )


def main(profile: str, slicing: str) -> Way:
    """The way behind the row AM (NT) or AM (T)."""
    return Way(slicing, starts(profile)[0])


# ---------------------------------------------------------------- clip by clip


@runs.once
def clip_by_clip(profile: str, way: Way, which: str = "scores") -> pd.DataFrame:
    """One row per tested clip of a way: fold, clip, subject, truth, right (share of seeds), named (by seed 0).

    which   'scores' (nested) or 'scores_as_printed'
    """
    data, rows = used(profile), []
    of = {name: i for i, name in enumerate(data.meta["image"])}
    for fold, found in results(profile, way).items():
        at = np.array([of[name] for name in found[0]["clips"]])
        truth = networks.codes(data)[at]
        named = np.stack([r[which].argmax(1) for r in found])  # (seeds, N)
        rows.append(
            pd.DataFrame(
                {
                    "fold": fold,
                    "clip": data.meta["image"].to_numpy()[at],
                    "subject": data.subject[at],
                    "truth": truth,
                    "right": (named == truth).mean(0),
                    "named": named[0],
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


@runs.once
def classical(profile: str) -> pd.DataFrame | None:
    """The same rows for eGeMAPS and a linear machine, on the clips that it was computed on; None without the package."""
    runs_of = heard(profile)
    if not runs_of:
        return None
    found = runs.map(functionals.functionals, runs_of, label="eGeMAPS")
    data = networks.chosen(speech(profile), sizes(profile).functionals)
    order = {name: row for r in found for name, row in zip(r["clips"], r["features"], strict=True)}
    features, truth, rows = (
        np.stack([order[name] for name in data.meta["image"]]),
        networks.codes(data),
        [],
    )
    for fold in folds(profile):
        split = networks.split_of(data, PAIRS, fold)
        named = functionals.named(features, data, split)
        rows.append(
            pd.DataFrame(
                {
                    "fold": fold,
                    "clip": data.meta["image"].to_numpy()[split.test],
                    "subject": data.subject[split.test],
                    "truth": truth[split.test],
                    "right": (named == truth[split.test]).astype(float),
                    "named": named,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def measures(clips: pd.DataFrame, profile: str, cluster: str = "subject") -> list[dict]:
    """Accuracy and balanced accuracy (mean recall of the classes that are there) in per cent, with intervals over `cluster`."""
    p, hot = shared(profile), np.eye(len(RAVDESS))[clips.truth]  # (N, 8)
    right = clips.right.to_numpy()[:, None]
    values, weights = np.hstack([right, right * hot]), np.hstack([np.ones_like(right), hot])
    groups = np.arange(len(clips)) if cluster == "clip" else clips[cluster].to_numpy()
    mean, drawn = metrics.bootstrap_draws(
        np.divide(values, weights, out=np.zeros_like(values), where=weights > 0),
        groups,
        weights,
        draws=p.draws,
    )
    shown = {
        "accuracy": (mean[0], drawn[:, 0]),
        "balanced accuracy": (np.nanmean(mean[1:]), _class_mean(drawn[:, 1:])),
    }
    rows = []
    for metric, (value, spread) in shown.items():
        low, high = metrics.interval(spread, p.level)
        rows.append(
            {
                "metric": metric,
                "measured": 100 * float(value),
                "low": 100 * float(low),
                "high": 100 * float(high),
                "unit": "percent",
            }
        )
    return rows


def _class_mean(recalls: np.ndarray) -> np.ndarray:
    """Mean over the classes of each draw (D, 8) -> (D,); a class that a draw misses is left out of that draw."""
    return np.nansum(recalls, 1) / np.maximum((~np.isnan(recalls)).sum(1), 1)


# ---------------------------------------------------------------- Table 5.1, the audio rows


@runs.once
def audio_rows(profile: str = "quick") -> pd.DataFrame:
    """The rows AM (NT) and AM (T) of Table 5.1 with the table's own keys (modality, time_augmentation, actors, metric), for whoever makes it.

    Every pair and their mean; protocol, measured, low, high, unit as an Outcome has them. `chosen by` says who decided on the epoch.
    """
    rows = []
    for slicing in (NT, T):
        way = main(profile, slicing)
        for which, reading in (("scores", NESTED), ("scores_as_printed", AS_PRINTED)):
            clips = clip_by_clip(profile, way, which)
            keys = {
                "modality": MODALITY,
                "time_augmentation": slicing,
                "protocol": label(profile, way.start, reading),
            }
            for fold in folds(profile):
                rows += [
                    keys | {"actors": fold} | r
                    for r in measures(clips[clips.fold == fold], profile, "clip")
                ]
            rows += [keys | {"actors": ALL} | r for r in measures(clips, profile)]
    return pd.DataFrame(rows)


@runs.once
def pairs(profile: str = "quick") -> Outcome:
    """Extra 30: those rows with what was printed in a column of its own."""
    frame = audio_rows(profile)
    said = {slicing: printed(slicing) for slicing in (NT, T)}
    said = {
        slicing: row | {ALL: float(np.mean(list(row.values())))} for slicing, row in said.items()
    }
    frame = frame.assign(
        **{
            "Table 5.1": [
                said[r.time_augmentation][r.actors] if r.metric == "accuracy" else np.nan
                for r in frame.itertuples()
            ]
        }
    )
    return outcome(frame, profile, settled=settled(profile))


@runs.once
def settled(profile: str) -> frozenset[str]:
    """Protocols whose networks are of full width and were all trained until the validation loss stopped falling."""
    s = sizes(profile)
    done = set()
    for start in starts(profile):
        mine = [
            w for w in ways(profile) if w.start == start and w.protocol == PAIRS and not w.masks
        ]
        curves = [
            r["validation"] for w in mine for found in results(profile, w).values() for r in found
        ]
        if not s.narrow and curves and all(training.plateaued(c) for c in curves):
            done |= {label(profile, start, reading) for reading in (NESTED, AS_PRINTED)}
    return frozenset(done)


# ---------------------------------------------------------------- what changes the row


@runs.once
def changes(profile: str = "quick") -> Outcome:
    """Extra 31: slicing, SpecAugment, the classical rival and the leaking split; and the differences, as one Holm family.

    The leaking split stands beside the rows but in no comparison: other clips, other people.
    """
    first = starts(profile)[0]
    said = {way.name: clip_by_clip(profile, way) for way in ways(profile) if way.start == first}
    rival = classical(profile)
    frame = _compared(
        profile,
        said | ({} if rival is None else {SVM: rival}),
        [
            (main(profile, T).name, main(profile, NT).name),
            (Way(T, first, masks=True).name, main(profile, T).name),
            (main(profile, T).name, SVM),
        ],
    )
    if rival is None:
        gone = {
            "row": f"{SVM}: no such row, the package opensmile is not installed",
            "against": "",
            "protocol": "nested",
            "metric": "accuracy",
        }
        frame = pd.concat([frame, pd.DataFrame([gone | {"measured": np.nan, "unit": "percent"}])])
    return outcome(frame, profile, settled=settled(profile))


@runs.once
def beginnings(profile: str = "quick") -> Outcome:
    """Extra 37: from scratch and from telling speakers apart, with and without slicing, on the pairs that both were run on; one Holm family."""
    one, other = starts(profile)
    mine = [w for w in ways(profile) if not w.masks and w.protocol == PAIRS]
    some = ways(profile)[Way(T, other)]
    said = {w.name: (clips := clip_by_clip(profile, w))[clips.fold.isin(some)] for w in mine}
    frame = _compared(
        profile, said, [(Way(s, SPEAKERS).name, Way(s, SCRATCH).name) for s in (NT, T)]
    )
    return outcome(frame, profile, speakers=True, settled=settled(profile))


def _compared(
    profile: str, said: dict[str, pd.DataFrame], family: list[tuple[str, str]]
) -> pd.DataFrame:
    """Measures of every entry, and the differences of a family that was declared before any run, clip by clip, over actors."""
    rows, tests = [], []
    for name, clips in said.items():
        protocol = (
            "nested" if name == SVM else label(profile, LEAKING if LEAKING in name else NESTED)
        )
        rows += [
            {
                "row": name,
                "against": "",
                "pairs": clips.fold.nunique(),
                "clips": len(clips),
                "protocol": protocol,
            }
            | r
            for r in measures(clips, profile)
        ]
    for a, b in family:
        if a in said and b in said:
            both = paired.joined(said[a], said[b], "clip", "right")
            tests.append(
                {
                    "row": a,
                    "against": b,
                    "pairs": both.fold.nunique(),
                    "clips": len(both),
                    "protocol": label(profile, NESTED),
                    "metric": "difference in accuracy",
                    "unit": "points",
                }
                | paired.difference(100 * both.gap.to_numpy(), both.subject.to_numpy(), profile)
            )
    return pd.DataFrame(rows + paired.with_holm(tests, difference="difference in accuracy"))


def leak(profile: str) -> tuple[float, float]:
    """Accuracy of the leaking split and of the clean one, in per cent."""
    way = Way(T, starts(profile)[0], protocol=RANDOM)
    return tuple(100 * clip_by_clip(profile, w).right.mean() for w in (way, main(profile, T)))
