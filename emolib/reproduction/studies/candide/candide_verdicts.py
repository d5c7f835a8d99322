"""The second verdict on what chang2021 says about Candide-3, support vector machines and networks (notebook 40).

What the listing and the file of Candide-3 decide needs no network. Everything about accuracies needs CK+ and RaFD themselves, networks of
full width and curves that have settled; on simulated people it stays open.
"""

from __future__ import annotations

import numpy as np

from emolib import candide
from emolib.models import face_cnn
from emolib.reproduction import papers
from emolib.reproduction.papers.audit.chang_faces import GROUPS
from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.candide import candide_differences as differences
from emolib.reproduction.studies.candide.candide import (
    TEST,
    TRAIN,
    choices,
    listing,
    pictures,
    right,
    share,
    table_4_2,
)
from emolib.reproduction.studies.candide.candide_plan import (
    DNN,
    FEATURES,
    FOUR,
    KEEP,
    SVMS,
    Case,
    results,
    test_set,
    training_set,
)

UNTESTED = "not tested at this profile"
FROM_PRINT = (
    "chang-d16",
    "chang-d16_2",
    "chang-d16_3",
    "chang-d19",
    "chang-d34",
)  # no picture of a person decides these


def judge(profile: str) -> list[Verdict]:
    """Every claim that notebook 40 can speak to, in the order of claims.csv."""
    said = [
        *the_listing(),
        vertices(),
        dnn_over_svm(profile),
        *cnn_over_svm(profile),
        one_channel(profile),
        typical_runs(profile),
        above_chance(profile),
        dropout(profile),
        groups(profile),
        action_units_over_points(profile),
        dnn_and_small_cnn(profile),
        *cnn_2(profile),
        spread(profile),
    ]
    real = {training_set(profile).source, test_set(profile).source} == {"real"}
    order = list(papers.claims().id)
    said = [
        v
        if real or v.claim in FROM_PRINT
        else Verdict(
            v.claim,
            "open",
            "the people are simulated, and only the real sets can decide this; " + v.because,
        )
        for v in said
    ]
    return sorted(said, key=lambda v: order.index(v.claim))


def accuracy(profile: str, case: Case, split: str = TEST) -> tuple[float, float, float]:
    """Mean over all repeats with its interval over people."""
    return share(
        profile, right(profile, case, split), pictures(profile, split, case.variant)["subject"]
    )


def _said(profile, claim, verdict, because, *cases) -> Verdict:
    return Verdict(claim, verdict if differences.may_decide(profile, *cases) else UNTESTED, because)


def _told(value) -> str:
    return f"{value[0]:.3f} [{value[1]:.3f}, {value[2]:.3f}]"


def _images() -> dict[str, Case]:
    return {name: Case(name, "image") for name in face_cnn.CNNS}


# ---------------------------------------------------------------- the listing and the file


def the_listing() -> list[Verdict]:
    pairs = candide.pairs()
    because = f"{len(pairs)} pairs of {len(set(pairs[:, 0]))} points and {len(set(pairs[:, 1]))} vertices are used by every fit here"
    return [
        Verdict("chang-d16", "holds" if len(pairs) == 46 else "fails", because),
        Verdict("chang-d16_2", "holds" if len(pairs) == 35 else "fails", because),
    ]


def vertices() -> Verdict:
    model = candide.load()
    because = f"{len(model.vertices)} vertices and {len(model.faces)} faces in {'the file' if model.source == 'real' else 'our own mask'}"
    if model.source != "real":
        return Verdict("chang-d16_3", "open", because + "; the file of Candide-3 decides this")
    return Verdict("chang-d16_3", "holds" if len(model.vertices) == 182 else "fails", because)


def groups(profile) -> Verdict:
    frame = listing(profile).frame
    points = frame[frame.metric == "dlib fp68 index"]
    good = [
        GROUPS[group][0] <= point <= GROUPS[group][1]
        for group, point in zip(points.group, points.measured, strict=True)
    ]
    away = frame[frame.metric == "distance on a mean face"].measured
    return Verdict(
        "chang-d34",
        "holds" if all(good) else "fails",
        f"{sum(good)} of {len(good)} points lie in the part they are listed under; on a mean face the vertices lie "
        f"{away.median():.2f} distances of the eyes from their points (largest {away.max():.2f})",
    )


def one_channel(profile) -> Verdict:
    first = results(profile)[Case("CNN-3 150x150x1", "image")]["parameters"]
    return Verdict(
        "chang-d19",
        "fails",
        f"every network here sees one channel ({first:,} numbers in CNN-3): CK+ is grey, and with three the first layer of "
        "CNN-3 alone would have 576 numbers more than the printed size allows",
    )


# ---------------------------------------------------------------- accuracies


def dnn_over_svm(profile) -> Verdict:
    frame = differences.pairs(profile).frame
    rows = frame[
        frame.one.isin([f"{DNN}, {f}" for f in FEATURES])
        & frame.other.isin([f"{s}, {f}" for s in SVMS for f in FEATURES])
    ]
    because = "; ".join(
        f"{r.one} less {r.other}: {100 * r.measured:+.1f} points [{100 * r.low:+.1f}, {100 * r.high:+.1f}]"
        for r in rows.itertuples()
    )
    best = {f: rows[rows.one == f"{DNN}, {f}"].high.max() for f in FEATURES}
    worst = {f: rows[rows.one == f"{DNN}, {f}"].low.min() for f in FEATURES}
    asked = {"AU": 0.34, "FP68": 0.28}
    verdict = (
        "fails"
        if any(best[f] < asked[f] for f in FEATURES)
        else "holds"
        if all(worst[f] >= asked[f] for f in FEATURES)
        else "open"
    )
    return _said(profile, "chang-d17", verdict, because, *(Case(DNN, f) for f in FEATURES))


def cnn_over_svm(profile) -> list[Verdict]:
    top = max((accuracy(profile, c) for c in _images().values()), key=lambda v: v[0])
    svms = {f"{n} {f}": accuracy(profile, Case(n, f)) for n in SVMS for f in FEATURES}
    best, units = max(svms.values(), key=lambda v: v[0]), accuracy(profile, Case(DNN, "AU"))
    ratios = ", ".join(f"{k} {top[0] / v[0]:.2f}" for k, v in svms.items())
    cases = (*_images().values(), *(Case(n, f) for n in (*SVMS, DNN) for f in FEATURES))
    low = min(v[2] for v in svms.values())
    relative = top[0] / units[0] - 1
    return [
        _said(
            profile,
            "chang-d18",
            "holds"
            if top[1] / low >= 2.5
            else "fails"
            if top[2] / min(v[1] for v in svms.values()) < 2.5
            else "open",
            f"best CNN {_told(top)}; times the SVMs: {ratios}",
            *cases,
        ),
        _said(
            profile,
            "chang-d18_2",
            "holds" if best[1] >= 3.5 * top[2] else "fails",
            f"best SVM {_told(best)} against best CNN {_told(top)}",
            *cases,
        ),
        _said(
            profile,
            "chang-d18_3",
            "open"
            if top[1] < 1.3 * units[0] < top[2]
            else "holds"
            if top[1] >= 1.3 * units[0]
            else "fails",
            f"best CNN {_told(top)}, DNN on action units {_told(units)}: {100 * relative:+.0f} % relative",
            *cases,
        ),
    ]


def typical_runs(profile) -> Verdict:
    """How far the best of the repeats on the test set lies above their mean, in standard deviations."""
    parts, above = [], []
    for name in SVMS:
        for feature in FEATURES:
            each = right(profile, Case(name, feature), TEST).mean(1)
            above.append((each.max() - each.mean()) / (each.std() or np.inf))
            parts.append(f"{name} {feature} {above[-1]:.2f}")
    return Verdict(
        "chang-d20",
        "open",
        f"the best of {len(each)} on the test set lies above the mean by, in standard deviations: {', '.join(parts)}; "
        "the printed values lie 0.89 to 2.27 above, as the best of several would",
    )


def above_chance(profile) -> Verdict:
    cases = [
        c
        for c in results(profile)
        if c.variant == "as printed" and (c.classifier in (*SVMS, DNN) or c.feature == "image")
    ]
    found = {f"{c.classifier} {c.feature}": accuracy(profile, c) for c in cases}
    low = min(found, key=lambda k: found[k][0])
    verdict = (
        "holds"
        if all(v[1] > 1 / len(FOUR) for v in found.values())
        else "fails"
        if found[low][2] <= 1 / len(FOUR)
        else "open"
    )
    return _said(
        profile,
        "chang-d21",
        verdict,
        f"lowest {low} {_told(found[low])}; chance {1 / len(FOUR)}",
        *cases,
    )


def dropout(profile) -> Verdict:
    frame = differences.changed(profile).frame
    row = frame[frame.protocol == KEEP].iloc[0]
    verdict = "holds" if row["p, Holm"] >= 0.05 else "fails"
    return _said(
        profile,
        "chang-d32",
        verdict,
        f"keeping 80 % instead of dropping them changes the test accuracy by {100 * row.measured:+.1f} points "
        f"[{100 * row.low:+.1f}, {100 * row.high:+.1f}], p after Holm {row['p, Holm']:.3f}",
        Case(DNN, "FP68"),
        Case(DNN, "FP68", KEEP),
    )


def action_units_over_points(profile) -> Verdict:
    gaps = {
        n: accuracy(profile, Case(n, "AU"))[0] - accuracy(profile, Case(n, "FP68"))[0]
        for n in (*SVMS, DNN)
    }
    verdict = (
        "holds" if min(gaps.values()) >= 0.10 else "fails" if max(gaps.values()) < 0.05 else "open"
    )
    return _said(
        profile,
        "chang-d35",
        verdict,
        ", ".join(f"{n} {100 * g:+.1f}" for n, g in gaps.items())
        + " points (action units less points)",
        *(Case(n, f) for n in (*SVMS, DNN) for f in FEATURES),
    )


def dnn_and_small_cnn(profile) -> Verdict:
    small, parts, close = Case("CNN-1 50x50x1", "image"), [], []
    for feature in FEATURES:
        gap = differences.difference(
            profile,
            differences.on_test(profile, Case(DNN, feature)),
            differences.on_test(profile, small),
            pictures(profile, TEST)["subject"],
        )
        parts.append(
            f"{feature} {100 * gap['measured']:+.1f} points [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]"
        )
        close.append("holds" if gap["low"] > -0.05 else "fails" if gap["high"] < -0.05 else "open")
    verdict = close[0] if len(set(close)) == 1 else "open"
    return _said(
        profile,
        "chang-d36",
        verdict,
        "DNN less CNN-1 at 50 pixels: " + ", ".join(parts) + " (margin 5 points)",
        small,
        *(Case(DNN, f) for f in FEATURES),
    )


def cnn_2(profile) -> list[Verdict]:
    gap = {
        n: accuracy(profile, c, TRAIN)[0] - accuracy(profile, c)[0] for n, c in _images().items()
    }
    told = ", ".join(f"{n} {100 * g:.1f}" for n, g in gap.items())
    row = (
        differences.pairs(profile)
        .frame.set_index(["one", "other"])
        .loc[("CNN-2 75x75x1, image", "CNN-1 75x75x1, image")]
    )
    within = (
        "holds"
        if -0.02 < row.low and row.high < 0.02
        else "fails"
        if row.low > 0.02 or row.high < -0.02
        else "open"
    )
    return [
        _said(
            profile,
            "chang-d37",
            "holds" if min(gap, key=gap.get).startswith("CNN-2") else "fails",
            f"training less test, points: {told}",
            *_images().values(),
        ),
        _said(
            profile,
            "chang-d38",
            within,
            f"CNN-2 less CNN-1 at 75 pixels: {100 * row.measured:+.1f} points [{100 * row.low:+.1f}, "
            f"{100 * row.high:+.1f}] (margin 2 points)",
            *_images().values(),
        ),
    ]


def spread(profile) -> Verdict:
    frame = (
        table_4_2(profile)
        .frame.set_index(["classifier", "feature", "split", "statistic"])
        .measured.unstack()
    )
    ratio = frame["standard deviation"] / frame["mean"]
    repeats = len(next(iter(choices(profile, Case("SSVM", "AU")).values())))
    return Verdict(
        "chang-d39",
        "holds" if ratio.max() < 0.1 else "fails",
        f"sd over mean {ratio.min():.3f} to {ratio.max():.3f} "
        f"(largest {' / '.join(ratio.idxmax())}) in {repeats} repeats; print up to 0.087",
    )
