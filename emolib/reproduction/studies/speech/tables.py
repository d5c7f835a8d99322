"""What the speech networks say: the audio rows of Table 5.1, and what changes them (notebook 43).

Three readings stand beside each other. Nested: two actors apart from the pair decide on the epoch.
As printed: the pair itself does. Leaking: clips are drawn at random, and every actor is on both
sides. Intervals resample actors (the mean of all pairs) or clips (one pair: two are too few).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.data.sim.clip_sets import RAVDESS
from emolib.features import mel
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies.speech.plan import CREMA, LEAKING, NT, Study, T, Way, printed
from emolib.reproduction.studies.speech.training import (
    PAIRS,
    chosen,
    codes,
    linear_svm,
    logistic,
    named,
    split_of,
)
from emolib.training import plateaued

NESTED, AS_PRINTED = "nested", "epoch chosen on the pair (as printed)"
ALL, ALL_SPLITS = "mean of all pairs", "mean of all splits"
TUNED = "EfficientNet-Lite0 from ImageNet"  # the recipe of the network that ships
SVM, GE2E = "eGeMAPS + SVM", "speaker encoder (GE2E) at rest + linear head"
LACKING = {
    SVM: "the package opensmile is not installed",
    GE2E: "`pip install --no-deps resemblyzer` adds it",
}


# ---------------------------------------------------------------- clip by clip


@held
def clip_by_clip(study: Study, way: Way, which: str = "scores") -> pd.DataFrame:
    """One row per tested clip of a way: fold, clip, subject, truth, right (share of seeds).

    which   'scores' (nested) or 'scores_as_printed'
    """
    frames, data = [], study.used
    row_of = {name: i for i, name in enumerate(data.meta["image"])}
    for fold, results in study.results(way).items():
        rows = np.array([row_of[name] for name in results[0]["clips"]])
        right = np.mean([r[which].argmax(1) == codes(data)[rows] for r in results], axis=0)
        frames.append(_tested(data, fold, rows, right))
    return pd.concat(frames, ignore_index=True)


@held
def tuned(study: Study, slicing: str) -> pd.DataFrame | None:
    """The same rows for a recipe that converges; None where the profile has no such trainings."""
    done = study.tuned(slicing)
    if not done:
        return None
    data, frames = study.speech, []
    for same_people in zip(*done, strict=True):  # the seeds of one group
        rows, label = same_people[0]["rows"], same_people[0]["label"]
        right = np.mean([r["scores"].argmax(1) == label for r in same_people], axis=0)
        actors = sorted(set(data.subject[rows]))
        frames.append(_tested(data, f"{actors[0]} to {actors[-1]}", rows, right))
    return pd.concat(frames, ignore_index=True)


@held
def classical(study: Study, which: str = SVM) -> pd.DataFrame | None:
    """The same rows for fixed features of a voice and a linear machine, on their clips; None
    without the package that brings them.

    which   SVM or GE2E
    """
    results = study.functionals() if which == SVM else study.embeddings()
    machine = linear_svm if which == SVM else logistic
    if not results:
        return None
    data, frames = chosen(study.speech, study.sizes.functionals), []
    row_of = {name: x for r in results for name, x in zip(r["clips"], r["features"])}
    features = np.stack([row_of[name] for name in data.meta["image"]])
    for fold in study.folds:
        split = split_of(data, PAIRS, fold)
        right = named(features, codes(data), split, machine) == codes(data)[split.test]
        frames.append(_tested(data, fold, split.test, right.astype(float)))
    return pd.concat(frames, ignore_index=True)


def _tested(data, fold: str, rows: np.ndarray, right: np.ndarray) -> pd.DataFrame:
    clips, people, truth = (
        data.meta["image"].to_numpy()[rows],
        data.subject[rows],
        codes(data)[rows],
    )
    columns = {"fold": fold, "clip": clips, "subject": people, "truth": truth, "right": right}
    return pd.DataFrame(columns)


def measures(study: Study, clips: pd.DataFrame, cluster: str = "subject") -> list[dict]:
    """Accuracy and balanced accuracy (mean recall of the classes there) in per cent, of any study.

    clips    truth, right (share of seeds) and `cluster`, which is resampled; 'clip': each alone
    """
    hot = np.eye(len(RAVDESS))[clips.truth]  # (N, 8)
    right = clips.right.to_numpy()[:, None]
    groups = np.arange(len(clips)) if cluster == "clip" else clips[cluster].to_numpy()
    weights = np.hstack([np.ones_like(right), hot])
    mean, drawn = metrics.bootstrap_draws(right * weights, groups, weights, draws=study.draws)
    recalls = drawn[:, 1:]  # a class that a draw misses is left out of that draw
    balanced = np.nansum(recalls, 1) / np.maximum((~np.isnan(recalls)).sum(1), 1)
    rows = []
    for metric, value, spread in (
        ("accuracy", mean[0], drawn[:, 0]),
        ("balanced accuracy", np.nanmean(mean[1:]), balanced),
    ):
        low, high = metrics.interval(spread, study.level)
        row = {"measured": 100 * float(value), "low": 100 * float(low), "high": 100 * float(high)}
        rows.append({"metric": metric} | row | {"unit": "percent"})
    return rows


# ---------------------------------------------------------------- Table 5.1, the audio rows


@held
def audio_rows(study: Study) -> pd.DataFrame:
    """The rows AM (NT) and AM (T) of Table 5.1 with the table's own keys, for whoever makes it.

    Every pair and their mean; protocol, measured, low, high, unit as an Outcome has them.
    """
    rows = []
    for slicing in (NT, T):
        for which, reading in (("scores", NESTED), ("scores_as_printed", AS_PRINTED)):
            clips = clip_by_clip(study, Way(slicing), which)
            keys = {"modality": "Audio Modality", "time_augmentation": slicing}
            keys["protocol"] = study.label(study.start, reading)
            for fold in study.folds:
                pair = measures(study, clips[clips.fold == fold], "clip")
                rows += [keys | {"actors": fold} | row for row in pair]
            rows += [keys | {"actors": ALL} | row for row in measures(study, clips)]
    return pd.DataFrame(rows)


@held
def pairs(study: Study) -> Outcome:
    """Extra 30: those rows with what was printed in a column of its own."""
    frame, values = audio_rows(study), {slicing: printed(slicing) for slicing in (NT, T)}
    for row in values.values():
        row[ALL] = float(np.mean(list(row.values())))
    beside = [values[r.time_augmentation][r.actors] for r in frame.itertuples()]
    beside = np.where(frame.metric == "accuracy", beside, np.nan)
    return study.outcome(frame.assign(**{"Table 5.1": beside}), settled=settled(study))


@held
def settled(study: Study) -> frozenset[str]:
    """Protocols whose networks are of full width and trained until the validation loss was flat."""
    results = [r for way in (Way(NT), Way(T)) for fold in study.results(way).values() for r in fold]
    if study.sizes.narrow or not all(plateaued(r["validation"]) for r in results):
        return frozenset()
    return frozenset(study.label(study.start, reading) for reading in (NESTED, AS_PRINTED))


# ---------------------------------------------------------------- what changes the row


@held
def changes(study: Study) -> Outcome:
    """Extra 31: slicing, SpecAugment, no level, the classical rival, the leaking split, a recipe
    that converges with and without slicing, and gaps.

    The differences are one Holm family, declared before any run, clip by clip, over actors. The
    leaking split stands beside the rows but in no comparison: other clips, other people.
    """
    entries = {study.name(way): clip_by_clip(study, way) for way in study.ways}
    missing = []
    for name, lacking in LACKING.items():
        rival = classical(study, name)
        if rival is not None:
            entries[name] = rival
            continue
        about = {"protocol": NESTED, "metric": "accuracy", "measured": np.nan, "unit": "percent"}
        missing.append({"row": f"{name}: no such row, {lacking}", "against": ""} | about)
    converged = {f"{slicing}, {TUNED}": tuned(study, slicing) for slicing in (NT, T)}
    entries |= {name: clips for name, clips in converged.items() if clips is not None}
    protocols = dict.fromkeys(entries, study.label(NESTED)) | dict.fromkeys(LACKING, NESTED)
    protocols |= {name: study.label(LEAKING) for name in entries if LEAKING in name}
    protocols |= dict.fromkeys(converged, f"{study.sizes.tuned_apart} actors apart, no choice")
    rows, tests = [], []
    for name, clips in entries.items():
        keys = {"row": name, "against": "", "pairs": clips.fold.nunique(), "clips": len(clips)}
        keys["protocol"] = protocols[name]
        rows += [keys | row for row in measures(study, clips)]
    plain, sliced = study.name(Way(NT)), study.name(Way(T))
    masked, level_free = study.name(Way(T, masks=True)), study.name(Way(T, level=False))
    pairs = [(sliced, plain), (masked, sliced), (level_free, sliced)]
    pairs += [(sliced, SVM), (sliced, GE2E), (GE2E, SVM)]  # where their packages are
    pairs += [tuple(reversed(converged))]  # where the profile trains them
    family = [(a, b) for a, b in pairs if a in entries and b in entries]
    options = {"test": "floored bootstrap", "draws": study.draws, "level": study.level}
    for a, b in family:
        both = entries[a].merge(entries[b][["clip", "right"]], on="clip", suffixes=("", "_b"))
        keys = {"row": a, "against": b, "pairs": both.fold.nunique(), "clips": len(both)}
        protocol = protocols[a] if a in converged else study.label(NESTED)
        keys |= {"protocol": protocol, "metric": "difference in accuracy"}
        gap = 100 * (both.right - both.right_b)
        gap = metrics.difference(gap, both.subject, family=len(family), **options)
        tests.append(keys | {"unit": "points"} | gap)
    tests = metrics.with_holm(tests, name="difference in accuracy")
    return study.outcome(pd.DataFrame(rows + tests + missing))


@held
def crema(study: Study) -> Outcome:
    """Extra 32: stock classifiers on features of CREMA-D's utterances, over nine splits of its
    actors, beside the commonest emotion and what print says of people. A line says so without."""
    rows, people = [], papers.text_numbers().set_index("item").value
    keys = {"split": ALL_SPLITS, "protocol": "features of utterances, nested"}
    for name, r in study.crema_stock.items():
        told = keys | {"row": name, "source": "real"}
        how = (int(r["truth"].max()) + 1, study.draws, study.level)
        for split in dict.fromkeys(r["fold"]):
            at = r["fold"] == split
            clips = metrics.Answers(r["truth"][at], r["said"][at], np.arange(at.sum()), *how)
            rows.append(told | {"split": split} | in_percent("accuracy", clips.accuracy))
        whole = metrics.Answers(r["truth"], r["said"], r["subject"], *how)
        rows.append(told | in_percent("accuracy", whole.accuracy))
        rows.append(told | in_percent("balanced accuracy", whole.balanced))
        commonest = np.full_like(r["truth"], np.bincount(r["truth"]).argmax())
    if rows:
        trivial = metrics.Answers(r["truth"], commonest, r["subject"], *how).accuracy
        rows.append(told | {"row": "commonest emotion"} | in_percent("accuracy", trivial))
    else:
        lacking = f"no classifier: {CREMA} in the data folder would add them"
        rows.append(keys | {"row": lacking} | in_percent("accuracy", {"measured": np.nan}))
    told = {"row": "people, face and voice (5.1.2)", "protocol": "as printed", "source": "print"}
    share = {"measured": people["human accuracy on Crema-d"] / 100}
    rows.append(keys | told | in_percent("accuracy", share))
    caps = {"crema_each": study.sizes.crema_each}
    sources = () if study.crema is None else (study.crema,)
    return study.outcome(pd.DataFrame(rows), sources=sources, seeds=(), caps=caps)


def in_percent(metric: str, score: dict) -> dict:
    """Metric, value, interval and unit of a row."""
    return {"metric": metric, "unit": "percent"} | {k: 100 * v for k, v in score.items()}


# ---------------------------------------------------------------- figures

SHOWN = 2.5  # seconds of the clip that are drawn
HOPS = (64, 128, 32)  # in the order of Figure 4.19: the thesis's own, too large, too small


@held
def segments(study: Study, overlap: float = 0.0) -> Outcome:
    """Figures 4.18 (overlap 0) and 4.20 (0.5): a clip, and the segments of 1.0 s cut from it."""
    whole, step = _loud(study), 1 - overlap
    frames = [_long(whole, f"whole, {SHOWN} s", 64)]
    for k, piece in enumerate(mel.segments(whole, 1.0, overlap)):
        frames.append(_long(piece, f"segment {k + 1}, from {k * step:.1f} s", 64, k * step))
    return _outcome(study, frames)


@held
def hops(study: Study) -> Outcome:
    """Figure 4.19: a quarter of a second of the clip, up to 4 kHz, hops of 64, 128, 32 samples."""
    frames = []
    for hop in HOPS:
        whole = _loud(study, hop)
        middle = whole[:128, whole.shape[1] // 2 :][:, : 4000 // hop]
        frames.append(_long(middle, f"hop {hop}, {16000 // hop} a second", hop, bins=2, frames=1))
    return _outcome(study, frames)


def _outcome(study: Study, frames: list[pd.DataFrame]) -> Outcome:
    caps = {"clip": str(study.speech.meta["image"].iloc[_clip(study)])}
    return study.outcome(pd.concat(frames), sources=(study.speech,), seeds=(), caps=caps)


def _clip(study: Study) -> int:
    """Which clip is drawn: the first strong 'happy' one, or the first there is."""
    meta = study.speech.meta
    return int(((meta["emotion"] == "happy") & (meta["intensity"] == 2)).argmax())


def _loud(study: Study, hop: int = 64) -> np.ndarray:
    """Decibels (257, frames) of the loudest SHOWN seconds of the clip that is drawn."""
    sound = study.speech.waveform[_clip(study)]()
    size = int(SHOWN * mel.CHANG["rate"])
    energy = np.concatenate([[0], np.cumsum(sound.astype(float) ** 2)])
    start = int((energy[size:] - energy[:-size]).argmax()) if len(sound) > size else 0
    return mel.log_spectrogram(sound[start : start + size], hop_length=hop)


def _long(
    decibels: np.ndarray,
    panel: str,
    hop: int,
    start: float = 0.0,
    *,
    bins: int = 4,
    frames: int = 8,
) -> pd.DataFrame:
    """(257, frames) as second, band (Hz) and measured (dB); so many bins and frames averaged."""
    rows, columns, rate = len(decibels) // bins, decibels.shape[1] // frames, mel.CHANG["rate"]
    blocks = decibels[: rows * bins, : columns * frames].reshape(rows, bins, columns, frames)
    second = np.round(start + (np.arange(columns) + 0.5) * frames * hop / rate, 3)
    hertz = ((np.arange(rows) + 0.5) * bins * rate / mel.CHANG["n_fft"]).astype(int)
    places = {"second": np.tile(second, rows), "band": np.repeat(hertz, columns)}
    measured = blocks.mean((1, 3)).round(1).ravel()
    return pd.DataFrame({"panel": panel} | places | {"measured": measured})
