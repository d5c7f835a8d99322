"""What the speech networks say: the audio rows of Table 5.1 on real speech, and what changes them (notebook 43).

Three readings stand beside each other. Nested: two actors apart from the pair decide on the epoch. As printed: the pair itself does.
Leaking: clips are drawn at random, so that every actor is on both sides. Intervals resample actors (the mean of all pairs) or
clips (one pair: two actors are nothing to resample).
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from emolib import metrics, runs, training
from emolib.profiles import profile as shared
from emolib.sim.clip_sets import RAVDESS
from emolib.studies import speech_functionals as functionals
from emolib.studies import speech_networks as networks
from emolib.studies.outcome import Outcome, sources_of
from emolib.studies.speech_plan import (
    LEAKING,
    NT,
    PAIRS,
    RANDOM,
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
    used,
    voices,
    ways,
)
from emolib.studies.speech_plan import train as train  # the notebook's first call

NESTED, AS_PRINTED = "nested", "epoch chosen on the pair (as printed)"
ALL = "mean of all pairs"
MODALITY = "Audio Modality"              # as Table 5.1 names the row
SVM = "eGeMAPS + SVM"


def outcome(frame: pd.DataFrame, profile: str, kind=Outcome, **more) -> Outcome:
    """An Outcome on RAVDESS (and on the speakers that the networks start from) with the seeds and sizes of a profile."""
    sets = [speech(profile), *([voices(profile)] if SPEAKERS in sizes(profile).starts else [])]
    return kind(frame.reset_index(drop=True), profile=profile, sources=sources_of(*sets), seeds=tuple(range(sizes(profile).seeds)),
                caps=asdict(sizes(profile)), **more)


def main(profile: str, slicing: str) -> Way:
    """The way behind the row AM (NT) or AM (T)."""
    return Way(slicing, sizes(profile).starts[0])


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
        named = np.stack([r[which].argmax(1) for r in found])                                 # (seeds, N)
        rows.append(pd.DataFrame({"fold": fold, "clip": data.meta["image"].to_numpy()[at], "subject": data.subject[at], "truth": truth,
                                  "right": (named == truth).mean(0), "named": named[0]}))
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
    features, truth, rows = np.stack([order[name] for name in data.meta["image"]]), networks.codes(data), []
    for fold in folds(profile):
        split = networks.split_of(data, PAIRS, fold)
        named = functionals.named(features, data, split)
        rows.append(pd.DataFrame({"fold": fold, "clip": data.meta["image"].to_numpy()[split.test], "subject": data.subject[split.test],
                                  "truth": truth[split.test], "right": (named == truth[split.test]).astype(float), "named": named}))
    return pd.concat(rows, ignore_index=True)


def measures(clips: pd.DataFrame, profile: str, cluster: str = "subject") -> list[dict]:
    """Accuracy and balanced accuracy (mean recall of the classes that are there) in per cent, with intervals over `cluster`."""
    p, hot = shared(profile), np.eye(len(RAVDESS))[clips.truth]                               # (N, 8)
    right = clips.right.to_numpy()[:, None]
    values, weights = np.hstack([right, right * hot]), np.hstack([np.ones_like(right), hot])
    groups = np.arange(len(clips)) if cluster == "clip" else clips[cluster].to_numpy()
    mean, drawn = metrics.bootstrap_draws(np.divide(values, weights, out=np.zeros_like(values), where=weights > 0), groups, weights, draws=p.draws)
    shown = {"accuracy": (mean[0], drawn[:, 0]), "balanced accuracy": (np.nanmean(mean[1:]), _class_mean(drawn[:, 1:]))}
    rows = []
    for metric, (value, spread) in shown.items():
        low, high = metrics.interval(spread, p.level)
        rows.append({"metric": metric, "measured": 100 * float(value), "low": 100 * float(low), "high": 100 * float(high), "unit": "percent"})
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
            keys = {"modality": MODALITY, "time_augmentation": slicing, "protocol": label(profile, way.start, reading)}
            for fold in folds(profile):
                rows += [keys | {"actors": fold} | r for r in measures(clips[clips.fold == fold], profile, "clip")]
            rows += [keys | {"actors": ALL} | r for r in measures(clips, profile)]
    return pd.DataFrame(rows)


@runs.once
def pairs(profile: str = "quick") -> Outcome:
    """Extra 30: those rows with what was printed in a column of its own."""
    frame = audio_rows(profile)
    said = {slicing: printed(slicing) for slicing in (NT, T)}
    said = {slicing: row | {ALL: float(np.mean(list(row.values())))} for slicing, row in said.items()}
    frame = frame.assign(**{"Table 5.1": [said[r.time_augmentation][r.actors] if r.metric == "accuracy" else np.nan for r in frame.itertuples()]})
    return outcome(frame, profile, settled=settled(profile))


@runs.once
def settled(profile: str) -> frozenset[str]:
    """Protocols whose networks are of full width and were all trained until the validation loss stopped falling."""
    s = sizes(profile)
    done = set()
    for start in s.starts:
        mine = [w for w in ways(profile) if w.start == start and w.protocol == PAIRS and not w.masks]
        curves = [r["validation"] for w in mine for found in results(profile, w).values() for r in found]
        if not s.narrow and curves and all(training.plateaued(c) for c in curves):
            done |= {label(profile, start, reading) for reading in (NESTED, AS_PRINTED)}
    return frozenset(done)


# ---------------------------------------------------------------- what changes the row

@runs.once
def changes(profile: str = "quick") -> Outcome:
    """Extra 31: every way on the pairs it was run on, the classical rival, the leaking split; and the differences, as one Holm family.

    A difference is taken over the clips that both have, actor by actor; `leaking` stands beside the rows but in no comparison.
    """
    said = {way.name: clip_by_clip(profile, way) for way in ways(profile)}
    rival = classical(profile)
    rows = []
    for name, clips in (said | ({SVM: rival} if rival is not None else {})).items():
        protocol = label(profile, LEAKING if LEAKING in name else NESTED) if name != SVM else "nested"
        rows += [{"row": name, "against": "", "pairs": clips.fold.nunique(), "clips": len(clips), "protocol": protocol} | r for r in measures(clips, profile)]
    if rival is None:
        rows.append({"row": f"{SVM} (package opensmile is not installed: no such row)", "against": "", "pairs": 0, "clips": 0, "protocol": "nested",
                     "metric": "accuracy", "measured": np.nan, "unit": "percent"})
    tests, p = [], []
    for a, b in family(profile):
        left, right = (rival if name == SVM else said[name] for name in (a, b))
        if left is None or right is None:
            continue
        both = left.merge(right, on="clip", suffixes=("", "_b"))
        gap = 100 * (both.right - both.right_b).to_numpy()
        value, low, high = metrics.bootstrap_ci(gap, both.subject, draws=shared(profile).draws, level=shared(profile).level)
        p.append(metrics.bootstrap_p(gap, both.subject, draws=shared(profile).draws))
        tests.append({"row": a, "against": b, "pairs": both.fold.nunique(), "clips": len(both), "protocol": label(profile, NESTED), "metric": "difference in accuracy",
                      "measured": float(value), "low": float(low), "high": float(high), "unit": "points"})
    rows += tests
    adjusted = metrics.holm([v if np.isfinite(v) else 1.0 for v in p])
    rows += [t | {"metric": "p, Holm", "measured": float(v), "low": np.nan, "high": np.nan, "unit": "probability"} for t, v in zip(tests, adjusted, strict=True)]
    return outcome(pd.DataFrame(rows), profile, settled=settled(profile))


def family(profile: str) -> list[tuple[str, str]]:
    """The comparisons that are made, declared before any run: slicing, the other start, SpecAugment, the classical rival."""
    main_t, main_nt, *others = [w for w in (main(profile, T), main(profile, NT), *(w for w in ways(profile) if w.start != sizes(profile).starts[0]))]
    made = [(main_t.name, main_nt.name)]
    made += [(Way(slicing, main_t.start).name, Way(slicing, start).name) for start in sizes(profile).starts[1:] for slicing in (NT, T)]
    made += [(Way(T, main_t.start, masks=True).name, main_t.name), (main_t.name, SVM)]
    return made


def leak(profile: str) -> tuple[float, float]:
    """Accuracy of the leaking split and of the clean one, in per cent."""
    way = Way(T, sizes(profile).starts[0], protocol=RANDOM)
    return tuple(100 * clip_by_clip(profile, w).right.mean() for w in (way, main(profile, T)))
