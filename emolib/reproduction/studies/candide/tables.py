"""The tables of notebook 40 (chang2021, 4.1 and 4.2), and ours on who is better and by what.

Protocols, R repeats each with other people of CK+ held back for validation:

    mean of R                 what a run gives on average
    best of R on validation   the repeat with the best validation people: an honest choice
    best of R on test         the repeat with the best test pictures, as print seems to choose (D20)
    ..., found faces only     without the test pictures in which no face was found
    ..., exact points         the simulator's own points in place of a detector's
    narrow, unsettled, ...    networks of a fraction of the width, or still falling: undecided
    CK+ copies to JAFFE, ...  on the real faces at hand, another pair of sets than the printed one

The person is the cluster of every interval: a model of RaFD, a subject of CK+, a woman of JAFFE.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import product

import numpy as np
import pandas as pd

from emolib import candide, metrics
from emolib.data import kept
from emolib.metrics import DETECTABLE, SMALLEST_P
from emolib.models import face_cnn
from emolib.reproduction import papers, runs
from emolib.reproduction.runs import WEAK, Outcome, Standing, held, sources_of
from emolib.reproduction.runs.claims import failed_gate
from emolib.reproduction.studies.candide import training
from emolib.reproduction.studies.candide.plan import (
    CODED,
    COPIED,
    DNN,
    EXACT,
    FEATURES,
    PRINTED,
    SVMS,
    Case,
    Study,
)
from emolib.reproduction.studies.candide.training import (
    APART,
    LOGISTIC,
    RAW,
    STANDARD,
    TRAINS,
    TRUTH,
)

MEAN, VALIDATED, TESTED = "mean of {}", "best of {} on validation", "best of {} on test"
NARROW, UNSETTLED, FOUND = "narrow, ", "unsettled, ", ", found faces only"
TRAIN, WITHIN, TEST = "Train", "Test within", "Test"  # within: other people of the training set
USUAL, BESIDE = "most frequent class", "beside " + LOGISTIC
# Extra 15, one family: who is held against whom on the same test pictures
PAIRS = (
    *((Case(DNN, feature), Case(name, feature)) for feature in FEATURES for name in SVMS),
    *((Case(name, "AU"), Case(name, "FP68")) for name in (*SVMS, DNN)),
    *((Case(name, "image"), Case(DNN, "AU")) for name in face_cnn.CNNS),
    (Case("CNN-2 75x75x1", "image"), Case("CNN-1 75x75x1", "image")),
    *((Case("CNN-3 150x150x1", "image"), Case(name, "AU")) for name in SVMS),
)


# ---------------------------------------------------------------- who was right


@held
def pictures(study: Study, split: str) -> dict[str, np.ndarray]:
    """class, subject and found (by the main finder of points) of one side, (N,) each."""
    arguments = study.measured(study.finders[0])[split == TEST]
    measured, used, label = training.view(arguments, list(study.emotions))
    found = np.isfinite(measured["units"]).all(1)
    return {"class": label, "subject": used.subject, "found": found}


def right(study: Study, case: Case, split: str) -> np.ndarray:
    """(R, N): 1 where the named class is the true one; NaN on pictures of another part."""
    result, side = study.results[case], pictures(study, split)
    hits = (result["test" if split == TEST else "train"] == side["class"]).astype(float)
    if split == TEST:
        return hits
    return np.where(result["part"] == (TRAINS if split == TRAIN else APART), hits, np.nan)


def state(study: Study, case: Case) -> str:
    """What stands before the protocols of a network that may decide nothing; '' for the others."""
    if case.classifier in face_cnn.CNNS and study.sizes.narrow > 1:
        return NARROW
    return "" if study.results[case]["settled"] else UNSETTLED


def choices(study: Study, case: Case) -> dict[str, np.ndarray]:
    """Protocol -> the repeats it averages."""
    before, validation = state(study, case), study.results[case]["validation"]
    repeats = len(validation)
    if repeats == 1:
        return {before + "one training": np.array([0])}
    best = right(study, case, TEST).mean(1).argmax()
    rows = {MEAN: np.arange(repeats), VALIDATED: validation.argmax(), TESTED: best}
    return {before + way.format(repeats): np.atleast_1d(row) for way, row in rows.items()}


def interval(mean, low, high) -> dict[str, float]:
    """A value and its interval as columns."""
    return {"measured": float(mean), "low": float(low), "high": float(high)}


def share(study: Study, hits: np.ndarray, people: np.ndarray) -> dict:
    """Mean of hits (R, N), NaN left out, with its interval; repeats are averaged first."""
    weight = np.isfinite(hits).sum(0)
    value = np.divide(np.nansum(hits, 0), weight, out=np.zeros(len(weight)), where=weight > 0)
    how = {"draws": study.draws, "level": study.level}
    return interval(*metrics.bootstrap_ci(value, people, weight, **how))


@held
def accuracy(study: Study, case: Case, split: str = TEST) -> dict:
    """`share` of all repeats."""
    return share(study, right(study, case, split), pictures(study, split)["subject"])


@held
def most_frequent(study: Study, split: str) -> dict:
    """`share` of the answer that needs no picture: the most frequent class of the training set."""
    usual, side = np.bincount(pictures(study, TRAIN)["class"]).argmax(), pictures(study, split)
    return share(study, (side["class"] == usual)[None].astype(float), side["subject"])


def by_class(truth: np.ndarray, named: np.ndarray) -> dict[str, float]:
    """Balanced accuracy and macro-F1 of named (R, N), -1 for a face that was missed."""
    missed = truth.max() + 1  # one more column
    counts = metrics.confusion(truth, np.where(named < 0, missed, named), missed + 1)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)[..., :-1]
    total = counts.sum(-1)[..., :-1] + counts.sum(-2)[..., :-1]
    return {
        "balanced accuracy": float(metrics.balanced_accuracy(counts).mean()),
        "macro-F1": float((2 * hits / np.maximum(total, 1)).mean()),
    }


# ---------------------------------------------------------------- Tables 4.1 and 4.2


def rows_of_case(study: Study, case: Case) -> list[dict]:
    """A case on both sides under every protocol; on the test side also on the found faces only."""
    rows, exact = [], case.variant == EXACT
    about = {
        "classifier": case.classifier,
        "data_kind": "Images" if case.feature == "image" else "Vectorized Data",
        "feature": case.feature,
        "unit": "fraction",
    }
    for protocol, chosen in choices(study, case).items():
        protocol += f", {EXACT}" if exact else ""
        splits = [(TRAIN, ""), *[(WITHIN, "")] * study.apart, (TEST, ""), (TEST, FOUND)]
        for split, only in splits:
            side = pictures(study, split)
            keep = side["found"] if only else np.full(len(side["class"]), True)
            if only and (keep.all() or exact):
                continue
            row = about | {"split": split, "protocol": protocol + only, "pictures": keep.sum()}
            hits = right(study, case, split)[chosen][:, keep]
            rows.append(row | {"metric": "accuracy"} | share(study, hits, side["subject"][keep]))
            if split == TEST:
                named = study.results[case]["test"][chosen][:, keep].astype(int)
                scores = by_class(side["class"][keep], named)
                rows += [row | {"metric": name, "measured": v} for name, v in scores.items()]
    return rows


def both(study: Study, rows_of, **more) -> Outcome:
    """`rows_of(world)`, a frame, of each pair of sets; the protocol names the second pair."""
    frames = []
    for world in study.worlds:
        frame = rows_of(world)
        if world is not study:
            frame = frame.assign(protocol=f"{world.title}, " + frame.protocol)
        frames.append(frame.assign(source=max(inputs.source for inputs in world.sources)))
    inputs = [container for world in reversed(study.worlds) for container in world.sources]
    return study.outcome(pd.concat(frames), sources=inputs, **more)


def accuracies(study: Study) -> pd.DataFrame:
    """The rows of Table 4.1 on one pair of sets, and of the answer that needs no picture."""
    cases = [case for case in study.results if case.variant in (PRINTED, EXACT)]
    rows = [row for c in cases if c.feature != CODED for row in rows_of_case(study, c)]
    about = {"classifier": USUAL, "data_kind": "none", "feature": "none", "metric": "accuracy"}
    about |= {"protocol": "no training", "unit": "fraction"}
    rows += [about | {"split": split} | most_frequent(study, split) for split in (TRAIN, TEST)]
    return pd.DataFrame(rows)


@held
def table_4_1(study: Study) -> Outcome:
    """Table 4.1: machines and networks on action units, points and pictures."""
    made = both(study, accuracies)
    undecided = made.frame.protocol.str.contains(f"{NARROW}|{UNSETTLED}")
    return replace(made, settled=frozenset(made.frame.protocol[~undecided]))


def spreads(study: Study) -> pd.DataFrame:
    """The rows of Table 4.2 on one pair of sets."""
    rows, protocol = [], f"{study.sizes.repeats} repeats"
    for name, feature, split in product(SVMS, FEATURES, (TRAIN, TEST)):
        hits = right(study, Case(name, feature), split).T  # (N, R)
        people, values = pictures(study, split)["subject"], np.nan_to_num(hits)
        mean, drawn = metrics.bootstrap_draws(values, people, np.isfinite(hits), draws=study.draws)
        for statistic, of in (("mean", np.mean), ("standard deviation", np.std)):
            about = {"classifier": name, "feature": feature, "split": split, "statistic": statistic}
            about |= {"metric": "success rate", "protocol": protocol, "unit": "fraction"}
            ends = metrics.interval(of(drawn, axis=1), study.level)
            rows.append(about | interval(of(mean), *ends))
    return pd.DataFrame(rows)


@held
def table_4_2(study: Study) -> Outcome:
    """Table 4.2: mean and standard deviation over the repeats of both machines.

    The interval is over people, repeats kept.
    """
    made = both(study, spreads)
    return replace(made, settled=frozenset(made.frame.protocol))


# ---------------------------------------------------------------- the wire model


def model_sources(model: candide.Candide, *, faces: bool = False) -> dict:
    """The `sources` entry of Candide-3, its file or our own mask, and of simulated `faces`."""
    made = {"simulated world": {"source": "simulated", "fingerprint": kept.simulator()}}
    return (made if faces else {}) | sources_of(model)


def mean_face(count: int) -> np.ndarray:
    """Points (68, 2) of the average of `count` simulated people at rest, 200 pixels."""
    from emolib.data.sim import face

    crowd = face.faces(0, count).pictured(yaw=0.0, pitch=0.0, roll=0.0)
    return face.points(face.Faces(crowd.person, crowd.scene, 0 * crowd.units), 200).mean(0)


@held
def listing(study: Study) -> Outcome:
    """The 35 pairs of section 4.1, and how far each vertex of the fitted model is from its point.

    Candide-3 is fitted to a mean face; distances in distances of the eyes.
    """
    model, pairs, mean = candide.load(), candide.pairs(), mean_face(100)
    printed = papers.published("chang2021-u4_1").drop_duplicates("position")
    groups = dict(zip(printed.position.astype(str), printed.group))
    fit = candide.fit_shape(mean[None], model)
    place = model.deformed(fit.shape[0].numpy())[pairs[:, 1], :2] * (1, -1)
    seen = fit.pose[0, 0].item() * place + fit.pose[0, 4:].numpy()
    eyes = np.linalg.norm(mean[36:42].mean(0) - mean[42:48].mean(0))
    away = np.linalg.norm(seen - mean[pairs[:, 0]], axis=1) / eyes
    rows = []
    for i, (point, vertex) in enumerate(pairs):
        about = {"position": str(i), "protocol": "as used", "group": groups[str(i)]}
        for metric, value, unit in (
            ("dlib fp68 index", point, "index"),
            ("Candide-3 vertex index", vertex, "index"),
            ("distance on a mean face", away[i], "distances of the eyes"),
        ):
            rows.append(about | {"metric": metric, "measured": value, "unit": unit})
    frame = pd.DataFrame(rows)
    frame["source"] = np.where(frame.unit == "index", "print", "simulated")
    return Outcome(frame, study.profile, model_sources(model, faces=True))


@held
def recovery(study: Study) -> Outcome:
    """Extra 10: correlation of fitted with true action units, by finder of points and by yaw."""
    s, main, model = study.sizes, training.finder(), candide.load()
    ways = [(TRUTH, s.crowd, False), (TRUTH, s.crowd, True)]
    if main != TRUTH:
        ways.append((main, s.dlib_crowd, True))
    jobs, finders = [], dict.fromkeys(by for by, *_ in ways)
    for by, count, together in ways:
        seen = {"by": by, "made_with": training.fingerprint(by), "model": model.fingerprint}
        jobs.append(seen | {"count": count, "turns": list(s.turns), "together": together})
    frames = []
    for job, columns in zip(jobs, runs.map(training.recover, jobs, label="recovery", host=True)):
        frame = pd.DataFrame(columns)
        z = np.arctanh(frame.correlation.clip(-0.999, 0.999))
        half = 1.96 / np.sqrt(np.maximum(job["count"] * frame.found - 3, 1))  # Fisher's z
        acting = "all eight at once" if job["together"] else "one unit at a time"
        points = f"{training.FINDERS[job['by']]}, {acting}"
        frames.append(frame.assign(points=points, low=np.tanh(z - half), high=np.tanh(z + half)))
    frame = pd.concat(frames).rename(columns={"unit": "action_unit", "correlation": "measured"})
    columns = ["points", "reading", "action_unit", "yaw", "found", "measured", "low", "high"]
    frame = frame[columns].reset_index(drop=True).assign(metric="correlation with the truth")
    points = [training.input_of(by, "simulated") for by in finders]
    sources = model_sources(model, faces=True) | sources_of(*points)
    return Outcome(frame, study.profile, sources, caps=asdict(s))


# ---------------------------------------------------------------- who is better, and by what


def on_test(study: Study, case: Case, way: str = MEAN) -> np.ndarray:
    """Share of the chosen repeats that are right on each test picture (N,)."""
    named = state(study, case) + way.format(len(study.results[case]["validation"]))
    return right(study, case, TEST)[choices(study, case).get(named, [0])].mean(0)


def title(case: Case) -> str:
    """'DNN*, FP68', 'DNN*, FP68, keep 80 %'."""
    name = f"{case.classifier}, {case.feature}"
    return name if case.variant == PRINTED else f"{name}, {case.variant}"


@held
def standing(study: Study, case: Case, family: int) -> Standing:
    """What a classifier shows on the test people, before it is compared in a family of so many."""
    side = pictures(study, TEST)
    classes = np.bincount(side["class"])
    narrow = case.classifier in face_cnn.CNNS and study.sizes.narrow > 1
    return Standing(
        title(case),
        low=accuracy(study, case)["low"],
        trivial=classes.max() / classes.sum(),
        flat=bool(study.results[case]["settled"]),
        people=len(np.unique(side["subject"])),
        stock=tuple(n for n in (*SVMS, LOGISTIC) if Case(n, "AU") in study.results),
        family=family,
        smaller=f"1/{study.sizes.narrow} as wide as the paper's" if narrow else "",
    )


def difference(study: Study, gap: np.ndarray, people: np.ndarray, family: int = 1) -> dict:
    """Mean of gap (N,) with its interval over people, and p, from flips of their signs.

    Beside them what so many people can show at best in a family of so many comparisons.
    """
    how = {"test": "sign flips", "draws": study.draws, "level": study.level}
    shown = metrics.difference(gap, people, family=family, **how)
    shown[SMALLEST_P], shown[DETECTABLE] = shown.pop("floor"), shown.pop("detectable")
    return shown


def compared(study: Study, one: Case, other: Case, way: str = MEAN, family: int = 1) -> dict:
    """`difference` in accuracy of two cases on the test pictures; `way` chooses repeats of one.

    gate   that one of the two failed, '' if none; a narrowed network is compared with its like only
    """
    gap = on_test(study, one, way) - on_test(study, other)
    mixed = (one.feature == "image") != (other.feature == "image")
    gate, _ = failed_gate([standing(study, case, family) for case in (one, other)], level=mixed)
    return {"gate": gate} | difference(study, gap, pictures(study, TEST)["subject"], family)


def lost(study: Study, one: Case, other: Case | None = None, since: str = TRAIN) -> dict:
    """What `one` loses from the people of `since` to the test people, with its interval; less what
    `other` loses."""
    means, draws = [], []
    for seed, split in enumerate((since, TEST)):  # the people of two sets: drawn apart
        hits = [right(study, case, split) for case in (one, other) if case]
        seen = np.all([np.isfinite(values).any(0) for values in hits], 0)  # (N,)
        shares = [np.nanmean(values[:, seen], 0) for values in hits]
        gap = shares[0] - shares[1] if other else shares[0]
        people = pictures(study, split)["subject"][seen]
        mean, drawn = metrics.bootstrap_draws(gap, people, draws=study.draws, seed=seed)
        means.append(float(mean))
        draws.append(drawn)
    ends = metrics.interval(draws[0] - draws[1], study.level)
    return interval(means[0] - means[1], *ends)


def corrected(study: Study, rows: list[dict]) -> pd.DataFrame:
    """Rows with p and gate as a frame, with Holm's adjustment of the family and what is left."""
    frame = pd.DataFrame(rows)
    frame["p, Holm"] = metrics.holm(frame.p)
    frame["differs"] = np.where(frame.measured > 0, "better", "worse")
    frame.loc[~(frame["p, Holm"] < 1 - study.level), "differs"] = "not told apart"
    frame.loc[frame.gate != "", "differs"] = WEAK
    return frame.assign(metric="difference in accuracy", unit="fraction")


def contrasts(study: Study) -> pd.DataFrame:
    """The rows of Extra 15 on one pair of sets."""
    rows = []
    for one, other in PAIRS:
        about = {"one": title(one), "other": title(other), "protocol": "averages of repeats"}
        rows.append(about | compared(study, one, other, family=len(PAIRS)))
    return corrected(study, rows)


@held
def pairs(study: Study) -> Outcome:
    """Extra 15: who is better than whom on the same test pictures; a Holm family a pair of sets."""
    return both(study, contrasts)


def variants(study: Study) -> list[Case]:
    """The cases with one thing changed: the family of Extra 16."""
    return [case for case in study.results if case.variant not in (PRINTED, RAW)]


def changes(study: Study) -> pd.DataFrame:
    """The rows of Extra 16 on one pair of sets."""
    rows, family = [], variants(study)
    for case in family:
        plain = Case(case.classifier, case.feature)
        about = {"classifier": case.classifier, "feature": case.feature, "protocol": case.variant}
        about["accuracy"] = float(on_test(study, case).mean())
        rows.append(about | compared(study, case, plain, family=len(family)))
    return corrected(study, rows)


@held
def changed(study: Study) -> Outcome:
    """Extra 16: one thing changed at a time: points, neutral picture, units, dropout."""
    return both(study, changes)


def transfers(study: Study) -> pd.DataFrame:
    """The rows of Extra 17 on one pair of sets: a row a metric, and how each stands to stock."""
    cases = [case for case in study.results if case.variant == PRINTED]
    stock, rows, splits = Case(LOGISTIC, "AU"), [], (TEST,)
    if study.apart:
        splits = (WITHIN, TEST)
    for case in cases:
        about = {"classifier": case.classifier, "feature": case.feature, "protocol": "mean"}
        if case.feature == CODED:  # nobody has coded the test set
            rows.append(about | {"metric": WITHIN, BESIDE: ""} | accuracy(study, case, WITHIN))
            continue
        shown = {split: accuracy(study, case, split) for split in splits}
        if study.apart:
            shown["lost"] = lost(study, case, since=WITHIN)
        about[BESIDE] = ""
        if case != stock:
            gap = compared(study, case, stock, family=len(cases))
            shown["less stock"] = {name: gap[name] for name in ("measured", "low", "high")}
            about[BESIDE] = WEAK if gap["gate"] else told_apart(gap)
        rows += [about | {"metric": metric} | value for metric, value in shown.items()]
    about = {"classifier": USUAL, "feature": "none", "protocol": "mean", BESIDE: ""}
    rows += [about | {"metric": split} | most_frequent(study, split) for split in splits]
    return pd.DataFrame(rows).assign(unit="fraction")


def told_apart(gap: dict) -> str:
    """'above' or 'below' where the interval of a difference says so."""
    if gap["low"] > 0:
        return "above"
    return "below" if gap["high"] < 0 else "not told apart"


@held
def transferred(study: Study) -> Outcome:
    """Extra 17: other people of the training set against the test set, beside a stock method."""
    return both(study, transfers)


def in_short(study: Study) -> pd.DataFrame:
    """One line: who is below the stock method on real faces, or which sets would show it."""
    if len(study.worlds) == 1:
        where = " and ".join(COPIED)
        line = f"no real faces here: {where} in the data folder, and dlib, would add their rows"
        return pd.DataFrame({"real faces": [line]})
    frame = transfers(study.worlds[-1])
    below = frame[(frame.metric == "less stock") & (frame[BESIDE] == "below")]
    names = [f"{row.classifier}, {row.feature}" for row in below.itertuples()]
    line = f"below {LOGISTIC} on action units: {'; '.join(names) or 'nobody'}"
    return pd.DataFrame({"real faces": [line]})


@held
def deep_or_chosen(study: Study) -> Outcome:
    """Extra 14: do dense networks win by depth, or by selection and scaling? One step at a time."""
    people, shown, steps = pictures(study, TEST)["subject"], [], []
    variants = {STANDARD: PRINTED, RAW: RAW}
    ways = {"mean": MEAN, "best on validation": VALIDATED, "best on test": TESTED}
    classifiers = (*SVMS, DNN)
    for feature, name, scaling, way in product(FEATURES, classifiers, variants, ways):
        right = on_test(study, Case(name, feature, variants[scaling]), ways[way])
        about = {"feature": feature, "what": name, "scaling": scaling, "protocol": way}
        about |= {"metric": "accuracy", "unit": "fraction"}
        shown.append(about | share(study, right[None], people))
    asked = []
    for feature in FEATURES:
        plain = {name: Case(name, feature) for name in classifiers}
        raw = {name: Case(name, feature, RAW) for name in classifiers}
        gaps = [(f"a network instead of {n}", plain[DNN], plain[n], MEAN) for n in SVMS]
        gaps += [(f"scaling, {n}", plain[n], raw[n], MEAN) for n in classifiers]
        for choice, way in (("validation", VALIDATED), ("test", TESTED)):
            gaps += [(f"choosing on {choice}, {n}", plain[n], plain[n], way) for n in classifiers]
        both = "the scaled network chosen on test, the unscaled SSVM on average"
        gaps.append((both, plain[DNN], raw["SSVM"], TESTED))
        asked += [(feature, *gap) for gap in gaps]
    for feature, what, one, other, way in asked:
        about = {"feature": feature, "what": what}
        about["scaling"] = STANDARD if other.variant == PRINTED else "both"
        about["protocol"] = "mean" if way == MEAN else "best less mean"
        steps.append(about | compared(study, one, other, way, len(asked)))
    frames = [pd.DataFrame(shown), corrected(study, steps)]
    return study.outcome(pd.concat(frames, ignore_index=True))
