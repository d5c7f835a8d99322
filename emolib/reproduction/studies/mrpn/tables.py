"""Tables and figures of chang2021, chapter 5: what holds between folds and worlds (notebook 44).

Nested: actors apart from the tested ones decide on the epoch. As printed: the tested ones do.
Intervals of one fold resample its clips, those of a mean its actors. Differences between ways go
over folds, whose training parts overlap, so that a corrected t-test judges them.
"""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from emolib import metrics
from emolib.models.costs import mult_adds, parameters
from emolib.models.mrpn import DESIGNS, MRPN, NORMED, Design
from emolib.models.resnet_lstm import PICTURE, SEGMENT
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, held, sources_of
from emolib.reproduction.runs.explored import Explored, Model
from emolib.reproduction.studies.mrpn import features
from emolib.reproduction.studies.mrpn.plan import (
    AM,
    AS_PRINTED,
    CONTROLS,
    FUSED,
    LSTM,
    MODALITIES,
    N2_TRANSFORMER,
    NAMES,
    NESTED,
    PAIRED,
    REAL_METHODS,
    ROW_BILSTM,
    ROWS_5_4,
    SETS,
    SUMMED,
    Cell,
    Study,
)
from emolib.reproduction.studies.mrpn.training import (
    ALONE,
    FACE,
    JOINT,
    LATE,
    LOGISTIC,
    METHODS,
    SOUND,
)
from emolib.reproduction.studies.speech import plan as speech_plan
from emolib.reproduction.studies.speech import tables as speech
from emolib.reproduction.studies.speech.training import linear_svm, logistic, named
from emolib.training import plateaued

ALL = "mean of all folds"
READINGS = {"scores": NESTED, "scores_as_printed": AS_PRINTED}
PRINTED = {"ravdess": ("chang2021-t5_2", "actors"), "crema_d": ("chang2021-t5_3", "split")}
SOUND_ONLY = {"real": "real speech, notebook 43", "simulated": "simulated speech, notebook 43"}
WORLDS = "nested, simulated worlds"
RIDGE = Cell("ridge regression on mean features", "", "")  # the stock row of Tables 5.1 to 5.4
COMMONEST = "commonest emotion"
# what answers beside the networks on real pairs: from a penalty to a classifier
STOCK = {
    LOGISTIC: logistic,
    "linear SVM": linear_svm,
    COMMONEST: lambda C: DummyClassifier(strategy="most_frequent"),
}
HALF_REAL = "half real: RAVDESS speech, FER2013 faces"


# ---------------------------------------------------------------- clip by clip


@held
def answers(
    study: Study, name: str, cell: Cell, which: str = "scores"
) -> dict[str, metrics.Answers]:
    """Fold -> what a network said of its tested clips in every seed; `which` is one of READINGS."""
    bank, rows, scores = study.bank(name), {}, {}
    if cell == RIDGE:
        rows, scores = ridge(study, name)
    elif cell.method in STOCK:
        rows, scores = stock(study, name, cell)
    elif study.end_to_end and name in SETS:
        place = {clip: i for i, clip in enumerate(bank.clip)}
        way = ALONE if cell.method == LATE else cell.method
        for (of, fold, *how, _), r in study.ends.items():
            if of == name and how == [way, cell.option, cell.aggregator]:
                rows[fold] = np.array([place[c] for c in r["clips"]])
                scores.setdefault(fold, []).append(r[which][cell.score])
    else:
        r = study.stack(name, cell)
        of_cell = r["results"][cell.method][which][cell.score]  # (J, B, C)
        for fold, count, tested, score in zip(r["fold"], r["count"], r["tested"], of_cell):
            rows[fold] = tested[:count]
            scores.setdefault(fold, []).append(score[:count])
    how = (len(study.classes(name)), study.draws, study.level)
    answers = {}
    for fold, at in rows.items():
        said = np.stack(scores[fold]).argmax(-1)  # (seeds, B)
        answers[fold] = metrics.Answers(bank.label[at], said, bank.subject[at], *how)
    return answers


@held
def ridge(study: Study, name: str) -> tuple[dict[str, np.ndarray], dict[str, list[np.ndarray]]]:
    """Fold -> rows of the bank that are tested, and [scores (B, C), 1 for the class named].

    A ridge regression of scikit-learn reads the mean face and the mean sound of each clip.
    """
    bank, rows, scores = study.bank(name), {}, {}
    x = np.concatenate([v[: bank.blank].mean(1) for v in (bank.face, bank.sound)], 1)  # (N, F)
    with threadpool_limits(1):
        for fold in features.parts(name, bank.subject):
            line = make_pipeline(StandardScaler(), RidgeClassifierCV(np.logspace(0, 4, 5)))
            line.fit(x[fold.train], bank.label[fold.train])
            rows[fold.name] = fold.test
            scores[fold.name] = [np.eye(bank.classes)[line.predict(x[fold.test])]]
    return rows, scores


def stock(study: Study, name: str, cell: Cell):
    """The same of one of STOCK, on what the cell's score reads: face, sound or both."""
    bank, rows, scores = study.bank(name), {}, {}
    face, sound = (v[: bank.blank].mean(1) for v in (bank.face, bank.sound))
    x = {FACE: face, SOUND: sound, JOINT: np.hstack([face, sound])}[cell.score]
    with threadpool_limits(1):
        for fold in features.parts(name, bank.subject):
            rows[fold.name] = fold.test
            said = named(x, bank.label, fold, STOCK[cell.method])
            scores[fold.name] = [np.eye(bank.classes)[said]]
    return rows, scores


def joined(parts: dict[str, metrics.Answers]) -> metrics.Answers:
    """The answers of all folds as one."""
    each = list(parts.values())
    fields = ("truth", "said", "person")
    whole = {}
    for field in fields:
        whole[field] = np.concatenate([getattr(answers, field) for answers in each], -1)
    return dataclasses.replace(each[0], **whole)


def by_fold(study: Study, name: str, cell: Cell) -> pd.Series:
    """Nested accuracy of each fold in per cent."""
    return pd.Series({k: 100 * p.right.mean() for k, p in answers(study, name, cell).items()})


@held
def settled(study: Study) -> frozenset[str]:
    """Protocols whose networks are those of print and have settled: none where features rest."""
    if study.end_to_end and all(plateaued(r["validation"]) for r in study.ends.values()):
        return frozenset(study.label(reading) for reading in READINGS.values())
    return frozenset()


def flat(study: Study, name: str, cell: Cell) -> bool:
    """Has the validation loss of this network reached its plateau, on average over the folds?"""
    if study.end_to_end and name in SETS:
        how = [ALONE if cell.method == LATE else cell.method, cell.option, cell.aggregator]
        ends = [r for (of, _, *own, _), r in study.ends.items() if of == name and own == how]
        return all(plateaued(r["validation"]) for r in ends)
    results = study.stack(name, cell)["results"]
    return plateaued(results[cell.method]["validation"][..., cell.score].mean(1))  # (E, J)


def percent(metric: str, score: dict) -> dict:
    """A row's metric, value and interval."""
    return {"metric": metric, **{k: 100 * v for k, v in score.items()}, "unit": "percent"}


def readings(cell: Cell) -> dict[str, str]:
    """READINGS; a stock method has no epochs to choose from."""
    return {"scores": NESTED} if cell == RIDGE or cell.method in STOCK else READINGS


def mean_rows(study: Study, name: str, cell: Cell, which: str) -> list[dict]:
    whole = joined(answers(study, name, cell, which))
    scores = {"accuracy": whole.accuracy, "balanced accuracy": whole.balanced}
    return [percent(metric, score) for metric, score in scores.items()]


def cell_rows(study: Study, name: str, cell: Cell, fold_key: str, **keys) -> list[dict]:
    """Rows of one network: every fold and their mean, nested and as printed."""
    rows = []
    for which, reading in readings(cell).items():
        keys = keys | {"protocol": study.label(reading, name)}
        for fold, part in answers(study, name, cell, which).items():
            clips = dataclasses.replace(part, person=np.arange(len(part.truth)))
            rows.append({**keys, fold_key: fold, **percent("accuracy", clips.accuracy)})
        rows += [{**keys, fold_key: ALL, **row} for row in mean_rows(study, name, cell, which)]
    return rows


# ---------------------------------------------------------------- the tables


@held
def table_5_1(study: Study) -> Outcome:
    """Table 5.1: sound, picture and both, without and with time augmentation; real pairs, which are
    summaries and have no time to slice, where they are at hand.

    The audio rows of notebook 43, of a set with sound only, stand beside ours and say which speech.
    """
    rows = []
    for modality, ways in MODALITIES.items():
        for time, cell in ways.items():
            keys = {"modality": modality, "time_augmentation": time}
            rows += cell_rows(study, "ravdess", cell, "actors", **keys)
    keys = {"modality": RIDGE.method, "time_augmentation": "NT"}
    rows += cell_rows(study, "ravdess", RIDGE, "actors", **keys)
    rows = [row | {"source": study.clips("ravdess").source} for row in rows]
    real = {modality: ways["T"] for modality, ways in MODALITIES.items()}
    for modality, cell in (real | {k: Cell(k) for k in STOCK}).items() if study.paired else ():
        keys = {"modality": modality, "time_augmentation": "no slicing", "source": "real"}
        rows += cell_rows(study, SUMMED, cell, "actors", **keys)
    clips, spoken = study.clips("ravdess"), speech_plan.Study(study.profile)
    recorded, heard = speech.pairs(spoken), speech.audio_rows(spoken)
    source = spoken.speech.source
    heard = heard.assign(
        protocol=heard.protocol + f" ({SOUND_ONLY[source]})",
        actors=heard.actors.replace(speech.ALL, ALL),
        source=source,
    )
    frame = pd.concat([pd.DataFrame(rows), heard])
    done = settled(study) | {f"{p} ({SOUND_ONLY[source]})" for p in recorded.settled}
    made = study.outcome(frame, sources=[clips, *real_pairs(study)], settled=done)
    made.sources.update({f"{k}, {SOUND_ONLY[source]}": v for k, v in recorded.sources.items()})
    return made


def real_pairs(study: Study) -> list:
    """The container of real pairs, where it is at hand: for the provenance of a table."""
    return [study.clips(name) for name in study.paired[:1]]


@held
def sound_alone(study: Study, time: str) -> tuple[pd.Series, str]:
    """Accuracy (per cent) of the sound alone by pair of RAVDESS, 'NT' or 'T', and whose it is.

    'real' from notebook 43 where its speech is real and our films are not; otherwise our own row.
    """
    spoken, own = speech_plan.Study(study.profile), study.clips("ravdess").source
    if spoken.speech.source == own:
        return by_fold(study, "ravdess", AM[time]), own
    clips = speech.clip_by_clip(spoken, speech_plan.Way(time))
    return 100 * clips.groupby("fold", sort=False).right.mean(), spoken.speech.source


@held
def slicing_gain(study: Study) -> dict:
    """What time augmentation adds to the sound alone, in points, T less NT: measured, low, high, p
    and source, of the rows that `sound_alone` takes."""
    spoken, own = speech_plan.Study(study.profile), study.clips("ravdess").source
    if spoken.speech.source == own:
        frame = tests(study).frame.set_index(["dataset", "difference", "protocol"])
        rows = frame.loc[SETS["ravdess"], "sound, T - NT", study.label()].set_index("metric")
        p = float(rows.measured["p, Holm"])
        return rows.loc["difference", ["measured", "low", "high"]].to_dict() | {
            "p": p,
            "source": own,
        }
    without, sliced = (
        speech.clip_by_clip(spoken, speech_plan.Way(time))
        for time in (speech_plan.NT, speech_plan.T)
    )
    both = sliced.merge(without[["clip", "right"]], on="clip", suffixes=("", "_b"))
    how = {"test": "floored bootstrap", "draws": study.draws, "level": study.level}
    gain = metrics.difference(100 * (both.right - both.right_b), both.subject, **how)
    return gain | {"source": spoken.speech.source}


@held
def fusions(study: Study, name: str = "ravdess") -> Outcome:
    """Tables 5.2 (pairs of actors of RAVDESS) and 5.3 (splits of CREMA-D): four ways to fuse, and
    in the first on real pairs too."""
    rows, fold_key, sources = [], PRINTED[name][1], [study.clips(name)]
    for model, cell in (FUSED | {RIDGE.method: RIDGE}).items():
        rows += cell_rows(study, name, cell, fold_key, model=study.row(model))
    if name == "ravdess" and study.paired:
        sources += real_pairs(study)
        for model, cell in (FUSED | {k: Cell(k) for k in STOCK}).items():
            keys = {"model": study.row(model, SUMMED), "source": "real"}
            rows += cell_rows(study, SUMMED, cell, fold_key, **keys)
    return study.outcome(pd.DataFrame(rows), sources=sources, settled=settled(study))


@held
def table_5_4(study: Study) -> Outcome:
    """Table 5.4: our rows, and a BiLSTM where it was trained; other people's stand as printed."""
    rows, origin = [], "our" if study.end_to_end else "emolib"
    extra = ROW_BILSTM if "BiLSTM" in study.sizes.aggregators else {}
    for model, cell in (ROWS_5_4 | extra | {RIDGE.method: RIDGE}).items():
        for name, printed in SETS.items():
            for which, reading in readings(cell).items():
                keys = {"model": study.row(model), "origin": origin, "dataset": printed}
                keys["protocol"] = study.label(reading)
                rows += [keys | row for row in mean_rows(study, name, cell, which)]
    return study.outcome(pd.DataFrame(rows), settled=settled(study))


# ---------------------------------------------------------------- what is better than what

# The networks that are compared, by the names of their printed rows where there are any.
CELLS = FUSED | {f"{m}, {t}": cell for m, ways in MODALITIES.items() for t, cell in ways.items()}
CELLS |= {"N2, transformer": N2_TRANSFORMER, "N0, VA+WO": Cell("N0", "VA+WO")}
LATE_ROW, N0_ROW, N1_ROW, N2_ROW = FUSED
AUDIO, VISUAL, BOTH = MODALITIES
# Every 'better' of section 5.3, declared before any run: the family of each set.
ON_BOTH_SETS = {
    "N2 - N1": (N2_ROW, N1_ROW),
    "N2 - N0": (N2_ROW, N0_ROW),
    "N2 - late fusion": (N2_ROW, LATE_ROW),
    "N1 - N0": (N1_ROW, N0_ROW),
    "N1 - late fusion": (N1_ROW, LATE_ROW),
    "N2 - picture alone": (N2_ROW, f"{VISUAL}, T"),
    "N2 - sound alone": (N2_ROW, f"{AUDIO}, T"),
    "N0 - picture alone": (N0_ROW, f"{VISUAL}, T"),
    "N0 - sound alone": (N0_ROW, f"{AUDIO}, T"),
    "N2, transformer - LSTM": ("N2, transformer", N2_ROW),
    "N0, overlap - none": (N0_ROW, "N0, VA+WO"),
}
SLICING = {
    "sound, T - NT": (f"{AUDIO}, T", f"{AUDIO}, NT"),
    "picture, T - NT": (f"{VISUAL}, T", f"{VISUAL}, NT"),
    "both (N0), T - NT": (f"{BOTH}, T", f"{BOTH}, NT"),
}
EQUAL, BEFORE, BLENDING = CONTROLS
CELLS |= {method: Cell(method) for method in (*CONTROLS, LOGISTIC)}
# On summaries nothing is cut and nothing follows in time; the controls and a stock method come in.
NOT_ON_PAIRS = ("N2, transformer - LSTM", "N0, overlap - none")
ON_PAIRS = {what: rows for what, rows in ON_BOTH_SETS.items() if what not in NOT_ON_PAIRS} | {
    "N2 - equal block": (N2_ROW, EQUAL),
    "N2 - side scores before the block": (N2_ROW, BEFORE),
    "N2 - gradient blending": (N2_ROW, BLENDING),
    "gradient blending - N0": (BLENDING, N0_ROW),
    "N2 - logistic regression": (N2_ROW, LOGISTIC),
}
FAMILIES = {"ravdess": ON_BOTH_SETS | SLICING, "crema_d": ON_BOTH_SETS}
FAMILIES |= dict.fromkeys(PAIRED, ON_PAIRS)


@held
def tests(study: Study) -> Outcome:
    """Extra 50: every difference of the chapter over the folds, one Holm family a set, and the same
    test on the printed cells, of which all other folds train. Beside ours: what so many actors and
    folds can reach."""
    rows = []
    for name in (*SETS, *study.paired):
        family, own = FAMILIES[name], study.label(name=name)
        split = features.parts(name, study.bank(name).subject)
        tested = np.mean([len(fold.test) for fold in split])
        trained = np.mean([len(fold.train) for fold in split])
        people = [study.bank(name).subject[fold.test] for fold in split]
        actors = len(np.unique(np.concatenate(people)))
        printed, tests = printed_cells(name), {own: [], "print": []}
        for what, (a, b) in family.items():
            gaps = {own: by_fold(study, name, CELLS[a]) - by_fold(study, name, CELLS[b])}
            if {a, b} <= set(printed):
                gaps["print"] = printed[a] - printed[b]
            for protocol, gap in gaps.items():
                keys = {"dataset": NAMES[name], "difference": what, "protocol": protocol}
                keys |= {"metric": "difference", "unit": "points", "folds": len(gap)}
                shared = tested / trained
                if protocol == "print":
                    keys["source"], shared = "print", 1 / (len(gap) - 1)
                elif name in PAIRED:
                    keys["source"] = "real"
                how = {"test": "corrected t", "shared": shared, "level": study.level}
                row = keys | metrics.difference(gap, **how)
                if protocol != "print":
                    row |= reach(gap, shared, actors, len(family))
                tests[protocol].append(row)
        rows += [row for family in tests.values() for row in metrics.with_holm(family)]
    sources = [*study.sources, *real_pairs(study)]
    done = settled(study) | {"print"}
    return study.outcome(pd.DataFrame(rows), sources=sources, settled=done)


@held
def pairs(study: Study) -> Outcome:
    """Extra 56: every way on real pairs, nested and as printed, beside stock methods and the
    commonest emotion; and how N2 stands to the stock method. A line says so where they are not."""
    rows = []
    ways = {"alone, face": Cell(ALONE, score=FACE), "alone, sound": Cell(ALONE, score=SOUND)}
    ways |= {way: Cell(way) for way in FUSIONS if way in (LATE, *REAL_METHODS)}
    for method in (LOGISTIC, "linear SVM"):
        for score, what in ((FACE, "face"), (SOUND, "sound"), (JOINT, "both")):
            ways[f"{method}, {what}"] = Cell(method, score=score)
    ways[COMMONEST] = Cell(COMMONEST)
    for name in study.paired:
        keys = {"pairs": PAIRED[name], "source": "real"}
        for way, cell in ways.items():
            for which, reading in readings(cell).items():
                told = keys | {"way": way, "protocol": reading}
                rows += [told | row for row in mean_rows(study, name, cell, which)]
        frame = tests(study).frame.set_index(["dataset", "metric", "difference"])
        gap = frame.loc[PAIRED[name], "difference", "N2 - logistic regression"]
        below = "below" if gap.measured < 0 else "not below"
        told = {"way": f"N2 is {below} logistic regression on both", "protocol": NESTED}
        told |= gap[["measured", "low", "high"]].to_dict()
        rows.append(keys | told | {"metric": "difference in accuracy", "unit": "points"})
    if not rows:
        told = {"pairs": f"none here: {SUMMED} in the data folder would add them", "way": ""}
        rows = [told | {"protocol": NESTED, "metric": "accuracy", "measured": np.nan}]
    caps = {name: getattr(study.sizes, name) for name in ("real_seeds", "real_epochs")}
    seeds, sources = tuple(range(study.sizes.real_seeds)), map(study.clips, study.paired)
    return study.outcome(pd.DataFrame(rows), sources=[*sources], seeds=seeds, caps=caps)


def reach(gap, share: float, people: int, family: int) -> dict:
    """The smallest p after Holm that so many actors (or worlds) can reach, and the smallest effect
    that the corrected t-test of differences (K,) over folds finds.

    share   clips tested over clips trained on: 0 where folds share nothing
    """
    folds = len(gap)
    effect = metrics.detectable(gap, np.arange(folds), family=family)
    return {
        "floor": metrics.floor(people, family),
        "detectable": effect * np.sqrt(1 + folds * share),
    }


def printed_cells(name: str) -> dict[str, pd.Series]:
    """Row of Tables 5.1 to 5.3 -> its printed accuracies by fold."""
    if name in PAIRED:
        return {}
    id, fold = PRINTED[name]
    fused = papers.published(id)
    cells = {model: part.set_index(fold).value for model, part in fused.groupby("model")}
    if name == "ravdess":
        alone = papers.published("chang2021-t5_1").groupby(["modality", "time_augmentation"])
        cells |= {", ".join(keys): part.set_index(fold).value for keys, part in alone}
    return cells


@held
def costs(study: Study) -> Outcome:
    """Extra 51: parameters at eight classes, multiply-adds of a frame and a segment; no data."""
    variants = {
        **DESIGNS,
        "N0, no norm after the concatenation (Eq. 27)": Design(joint_norm=False),
        "N1, side scores by Scoring (Eq. 26)": Design(NORMED, scoring=True),
    }
    rows = []
    for name, how in variants.items():
        with torch.device("meta"):
            net = MRPN(8, how)
            whole, sides = parameters(net), net.head.sides
            side = 0 if sides is None else parameters(sides)
        used = mult_adds(functools.partial(MRPN, 8, how), (1, 1, *PICTURE), (1, 1, *SEGMENT))
        counts = {"in training": whole, "at inference": whole - side}
        counts = {f"parameters {when}": n for when, n in counts.items()}
        for metric, count in (counts | {"multiply-adds at inference": used}).items():
            row = {"network": name, "metric": metric, "protocol": "counted"}
            rows.append(row | {"measured": int(count), "unit": "count"})
    return Outcome(pd.DataFrame(rows), study.profile)


# ---------------------------------------------------------------- worlds with something wrong

# No claim of chapter 5 is decided by these: which way wins in a simulated world is a matter of its
# dials. They show under which of them plain fusion falls below its better modality, and whether the
# cures differ where it does.
SINGLE = ("face alone", "sound alone")
FUSIONS = (LATE, *[m for m in METHODS if m != ALONE])
# Declared before any run: what is compared over the worlds.
FAMILY = (
    ("N2", "N0"),
    ("N2", "N1"),
    ("N1", "N0"),
    ("N2", "N1 + equal block"),
    ("N2", "N2, side scores before the block"),
    ("N2", "N2, ReLU in the block"),
    ("gradient blending", "N0"),
    ("gradient modulation", "N0"),
    ("modality dropout", "N0"),
    (LATE, "N0"),
)
DIALS = {
    "fuzz_face": "fuzzy faces",
    "fuzz_voice": "fuzzy voices",
    "missing_face": "missing faces",
    "missing_voice": "missing voices",
    "mismatched_face": "mismatched faces",
    "mismatched_voice": "mismatched voices",
    "complementarity": "complementarity",
    "label_noise": "wrong labels",
}


@held
def world_accuracies(study: Study) -> dict[str, np.ndarray]:
    """Way -> accuracy in per cent (worlds, settings), folds of actors joined."""
    accuracies = {}
    for way in (*SINGLE, *FUSIONS):
        right = [(world["named"][way] == world["truth"]).mean((1, 2)) for world in study.worlds]
        accuracies[way] = 100 * np.stack(right)
    return accuracies


@held
def world_leads(study: Study) -> dict[str, np.ndarray]:
    """Fusion -> points (worlds, settings) above the modality that is better over all worlds."""
    accuracy = world_accuracies(study)
    face, sound = (accuracy[way] for way in SINGLE)
    better = np.where(face.mean(0) > sound.mean(0), face, sound)
    return {way: accuracy[way] - better for way in FUSIONS}


def world_outcome(study: Study, frame: pd.DataFrame) -> Outcome:
    s, sources = study.sizes, {}
    for k, world in enumerate(study.world_features):
        fingerprint = world["data"].split(":")[2]
        sources[f"ravdess, world {k}"] = {"source": "simulated", "fingerprint": fingerprint}
    caps = {"worlds": s.worlds, "folds": s.world_folds, "epochs": s.world_epochs}
    caps |= {"hidden": s.hidden, "each": s.world_each, "levels": list(s.levels)}
    if "source" in frame:
        sources |= sources_of(*study.half_real)
    seeds = tuple(range(s.worlds))
    return Outcome(frame, study.profile, sources, seeds=seeds, caps=caps)


@held
def leads(study: Study) -> Outcome:
    """Extra 53: points above the better modality, setting by way; t intervals over the worlds.
    Below them, where its sets are at hand, a half-real world with intervals over actors."""
    rows = []
    for s, (dial, level) in enumerate(study.turned):
        for way, points in world_leads(study).items():
            setting = f"{DIALS[dial]} {level:g}" if dial else "nothing turned"
            keys = {"setting": setting, "way": way, "metric": "lead over the better modality"}
            keys |= {"protocol": WORLDS, "unit": "points"}
            rows.append(
                keys | metrics.difference(points[:, s], test="corrected t", level=study.level)
            )
    rows += half_leads(study)
    return world_outcome(study, pd.DataFrame(rows).drop(columns="p"))


@held
def cures(study: Study) -> Outcome:
    """Extra 55: differences between ways in all settings, where N0 is below its better modality,
    and elsewhere; one Holm family.

    Where N0 is below, the other worlds say: chosen on the same numbers, any other way would look
    like a cure. A world gives one number, its mean over the settings. `cells above` and `cells
    below` count worlds and settings: both signs must be within reach, or the simulator has decided.
    """
    accuracy, plain = world_accuracies(study), world_leads(study)["N0"]
    bad = (plain.sum(0) - plain) < 0  # (worlds, settings)
    parts = {
        "all settings": np.ones_like(bad),
        "where N0 is below its better modality (by the other worlds)": bad,
        "elsewhere": ~bad,
    }
    parts = {part: cells for part, cells in parts.items() if cells.any()}
    tests, family = [], len(parts) * len(FAMILY)
    for part, cells in parts.items():
        for a, b in FAMILY:
            gap = accuracy[a] - accuracy[b]
            means = [g[c].mean() for g, c in zip(gap, cells, strict=True) if c.any()]
            keys = {"settings": part, "way": a, "against": b, "metric": "difference"}
            above, under = ((sign * gap[cells] > 0).sum() for sign in (1, -1))
            counts = {"cells above": int(above), "cells below": int(under)}
            row = metrics.difference(means, test="corrected t", level=study.level)
            row |= reach(means, 0, len(means), family)
            tests.append(keys | {"protocol": WORLDS, "unit": "points"} | row | counts)
    return world_outcome(study, pd.DataFrame(metrics.with_holm(tests)))


# ---------------------------------------------------------------- a half-real world

# Declared before any run, in every setting: one Holm family.
HALF_FAMILY = (("N2", "N0"), ("N2", "N1"), ("N2", LATE), ("N2", LOGISTIC))


def broken_pairs(where: str, share: float) -> str:
    """How a setting of the half-real world is named."""
    return f"half real: {share:.0%} of pairs broken {where}" if share else "half real: none broken"


@held
def half_answers(study: Study) -> dict[str, dict[str, metrics.Answers]]:
    """Setting -> way -> what it said of every clip in every seed, folds of actors joined."""
    answers: dict = {}
    for s, setting in enumerate(study.pairs_broken if study.half_worlds else ()):
        first, own = study.half_worlds[0], answers.setdefault(broken_pairs(*setting), {})
        truth, person = first["truth"][s].ravel(), first["person"][s].ravel()
        how = (int(truth.max()) + 1, study.draws, study.level)
        for way in (*SINGLE, *FUSIONS, LOGISTIC):
            said = np.stack([world["named"][way][s].ravel() for world in study.half_worlds])
            own[way] = metrics.Answers(truth, said, person, *how)
        said = np.full((1, len(truth)), np.bincount(truth).argmax())
        own[COMMONEST] = metrics.Answers(truth, said, person, *how)
    return answers


def half_gap(study: Study, ways: dict, a: str, b: str, family: int | None = None) -> dict:
    """Points of one way over another in a setting, over actors: fields of metrics.difference."""
    gap = 100 * (ways[a].right - ways[b].right)
    how = {"draws": study.draws, "level": study.level, "family": family}
    return metrics.difference(gap, ways[a].person, test="floored bootstrap", **how)


def half_leads(study: Study) -> list[dict]:
    """Rows of Extra 53: points of every fusion above the modality that is better in its setting."""
    rows = []
    for setting, ways in half_answers(study).items():
        better = max(SINGLE, key=lambda way: ways[way].right.mean())
        for way in FUSIONS:
            keys = {"setting": setting, "way": way, "metric": "lead over the better modality"}
            keys |= {"protocol": HALF_REAL, "unit": "points", "source": "real"}
            rows.append(keys | half_gap(study, ways, way, better))
    return rows


@held
def half_real(study: Study) -> Outcome:
    """Extra 57: accuracies in the half-real world, a stock method and the commonest emotion beside
    them, and differences. A line says so where its sets are not at hand."""
    rows, tests, answers = [], [], half_answers(study)
    for setting, ways in answers.items():
        keys = {"setting": setting, "against": "", "protocol": HALF_REAL}
        for way, said in ways.items():
            rows.append(keys | {"way": way} | percent("accuracy", said.accuracy))
        for a, b in HALF_FAMILY:
            test = half_gap(study, ways, a, b, family=len(HALF_FAMILY) * len(answers))
            told = {"way": a, "against": b, "metric": "difference", "unit": "points"}
            tests.append(keys | told | test)
    if not rows:
        told = {"setting": "none here: ravdess and fer2013 in the data folder would add it"}
        told |= {"way": "", "against": "", "protocol": HALF_REAL}
        rows = [told | {"metric": "accuracy", "measured": np.nan}]
    names = ("real_seeds", "real_epochs", "half_each", "half_levels", "world_folds")
    caps = {name: getattr(study.sizes, name) for name in names}
    about = {"caps": caps, "seeds": tuple(range(study.sizes.real_seeds))}
    frame = pd.DataFrame(rows + metrics.with_holm(tests))
    return study.outcome(frame, sources=study.half_real or (), **about)


# ---------------------------------------------------------------- figures


@held
def clusters(study: Study) -> Outcome:
    """Figure 5.1: t-SNE of deep features of the tested clips of two pairs of actors."""
    bank, r = study.bank("ravdess"), study.stacks["ravdess", "VA+AO", LSTM]
    names, frames = np.array(study.classes("ravdess")), []
    first = [j for j, seed in enumerate(r["seed"]) if seed == 0]
    for j in (first[0], first[min(4, len(first) - 1)]):
        count = r["count"][j]
        at = r["tested"][j][:count]
        alone, joint = (
            r["results"][m]["features"][:, j, :count].astype(np.float64) for m in (ALONE, "N0")
        )
        views = {"picture": alone[0], "sound": alone[1], "both": np.concatenate(joint, 1)}
        for panel, deep in views.items():
            frame = pd.DataFrame({"setup": f"tested: {r['fold'][j]}", "panel": panel}, at)
            frame = frame.assign(clip=bank.clip[at], emotion=names[bank.label[at]])
            frame["protocol"] = "features at rest"
            frame["x"], frame["y"] = placed(deep).T
            frames.append(frame)
    return study.outcome(pd.concat(frames), sources=[study.clips("ravdess")])


def placed(x: np.ndarray) -> np.ndarray:
    """t-SNE of features (N, D), in a frame of its own: (N, 2) between -1 and 1."""
    from sklearn.manifold import TSNE

    scaled = ((x - x.mean(0)) / np.maximum(x.std(0), 1e-6)).astype(np.float32)
    near = max(2.0, min(30.0, len(x) / 4))
    with threadpool_limits(1):  # so few points: threads would only wait for each other
        tsne = TSNE(perplexity=near, init="pca", random_state=0, max_iter=500)
        xy = tsne.fit_transform(scaled).astype(float)
    xy -= xy.mean(0)
    return np.round(xy / np.abs(xy).max(), 4)


@held
def confusions(study: Study, name: str = "ravdess") -> Outcome:
    """Figures 5.6 (RAVDESS) and 5.7 (CREMA-D): all folds of seed 0; rows sum to 1."""
    names, rows = study.classes(name), []
    for model, cell in FUSED.items():
        whole = joined(answers(study, name, cell))
        counts = metrics.confusion(whole.truth, whole.said[0], len(names))
        about = {"panel": study.row(model), "protocol": study.label()}
        rows += metrics.confusion_rows(counts, names, **about)
    return study.outcome(pd.DataFrame(rows), sources=[study.clips(name)])


def explored(study: Study) -> Explored:
    """The tested clips of seed 0 for the explorer; the embedding is face and sound side by side."""
    r, bank = study.stacks["ravdess", "VA+AO", LSTM], study.bank("ravdess")
    first = [j for j, seed in enumerate(r["seed"]) if seed == 0]

    def tested(values) -> np.ndarray:
        return np.concatenate([values[j][: r["count"][j]] for j in first])

    models = []
    for method in ("N0", "N2"):
        result = r["results"][method]
        score = tested(result["scores"][JOINT]).astype(float)  # (N, C)
        embedding = np.concatenate([tested(v) for v in result["features"]], 1)
        models.append(Model(method, embedding, score.argmax(1), softmax(score, 1)))
    at = tested(r["tested"])
    return Explored(
        title="RAVDESS: face and voice, N0 beside N2",
        classes=study.classes("ravdess"),
        true=bank.label[at],
        actor=bank.subject[at],
        fold=np.repeat(np.arange(len(first)), r["count"][first]),
        modality=np.full(len(at), "both"),
        sample=bank.clip[at].astype(str),
        models=tuple(models),
        data=study.clips("ravdess"),
        rows=at,
        profile=study.profile,
        about={"artefacts": ["chang2021-f5_6", "chang2021-t5_4"]},
    )
