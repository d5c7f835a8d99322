"""The second verdict on what chang2021 says about Candide-3, SVMs and networks (notebook 40).

What the listing and the file of Candide-3 decide needs no network. Everything about accuracies
needs CK+ and RaFD themselves, networks of full width and curves that have settled; on simulated
people it stays open.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emolib import candide
from emolib.models import face_cnn
from emolib.reproduction import papers
from emolib.reproduction.papers.audit.chang_faces import GROUPS
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.candide.plan import DNN, FEATURES, FOUR, KEEP, SVMS, Case, Study
from emolib.reproduction.studies.candide.tables import (
    TEST,
    TRAIN,
    UNTESTED,
    accuracy,
    changed,
    compared,
    listing,
    may_decide,
    right,
    table_4_2,
)

# No picture of a person decides these.
FROM_PRINT = ("chang-d16", "chang-d16_2", "chang-d16_3", "chang-d19", "chang-d34")
SIMULATED = "the people are simulated, and only the real sets can decide this; "
NUMBERS = [Case(name, feature) for name in (*SVMS, DNN) for feature in FEATURES]
MACHINES, DENSE = NUMBERS[:4], NUMBERS[4:]
IMAGES = [Case(name, "image") for name in face_cnn.CNNS]
SMALL, SECOND = IMAGES[0], IMAGES[2]


def judge(study: Study) -> list[Verdict]:
    """Every claim that notebook 40 can speak to, in the order of claims.csv."""
    verdicts = {v.claim: v for v in (*the_listing(), *of_runs(study))}
    for claim, verdict, because, cases in (*against_machines(study), *among_networks(study)):
        settled = may_decide(study, *cases)
        verdicts[claim] = Verdict(claim, verdict if settled else UNTESTED, because)
    real = {one.source for one in study.sources} == {"real"}
    for claim, verdict in verdicts.items():
        if not real and claim not in FROM_PRINT:
            verdicts[claim] = Verdict(claim, "open", SIMULATED + verdict.because)
    return [verdicts[claim] for claim in papers.claims().id if claim in verdicts]


def decided(holds, fails) -> str:
    """The verdict of two tests that cannot both be true."""
    if holds:
        return "holds"
    return "fails" if fails else "open"


def _interval(value: dict) -> str:
    return f"{value['measured']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _points(value) -> str:
    """A difference in accuracy, in hundredths."""
    mean, low, high = (100 * value[name] for name in ("measured", "low", "high"))
    return f"{mean:+.1f} points [{low:+.1f}, {high:+.1f}]"


def the_listing() -> list[Verdict]:
    """46 or 35 pairs, 113 or 182 vertices: the listing and the file of Candide-3."""
    pairs, model = candide.pairs(), candide.load()
    points, seen = (len(set(column)) for column in pairs.T)
    used = f"{len(pairs)} pairs of {points} points and {seen} vertices are used by every fit here"
    where = "the file" if model.source == "real" else "our own mask"
    count = f"{len(model.vertices)} vertices and {len(model.faces)} faces in {where}"
    whole = decided(len(model.vertices) == 182, True)
    if model.source != "real":
        whole, count = "open", count + "; the file of Candide-3 decides this"
    return [
        Verdict("chang-d16", decided(len(pairs) == 46, True), used),
        Verdict("chang-d16_2", decided(len(pairs) == 35, True), used),
        Verdict("chang-d16_3", whole, count),
    ]


def groups(study: Study) -> Verdict:
    """Does each listed point belong to its group?"""
    frame = listing(study).frame
    points = frame[frame.metric == "dlib fp68 index"]
    ends = [GROUPS[group] for group in points.group]
    good = [low <= k <= high for k, (low, high) in zip(points.measured, ends)]
    away = frame[frame.metric == "distance on a mean face"].measured
    because = (
        f"{sum(good)} of {len(good)} points lie in the part they are listed under; on a mean face "
        f"the vertices lie {away.median():.2f} distances of the eyes from their points "
        f"(largest {away.max():.2f})"
    )
    return Verdict("chang-d34", decided(all(good), True), because)


def of_runs(study: Study) -> list[Verdict]:
    """What the repeats and the sizes say, whoever has settled."""
    size = study.results[IMAGES[3]]["parameters"]
    grey = (
        f"every network here sees one channel ({size:,} numbers in CNN-3): CK+ is grey, and with "
        "three the first layer of CNN-3 alone would have 576 numbers more than the printed size "
        "allows"
    )
    parts = []
    for case in MACHINES:
        each = right(study, case, TEST).mean(1)
        above = (each.max() - each.mean()) / (each.std() or np.inf)
        parts.append(f"{case.classifier} {case.feature} {above:.2f}")
    best = (
        f"the best of {study.sizes.repeats} on the test set lies above the mean by, in standard "
        f"deviations: {', '.join(parts)}; the printed values lie 0.89 to 2.27 above, as the best "
        "of several would"
    )
    keys = ["classifier", "feature", "split", "statistic"]
    frame = table_4_2(study).frame.set_index(keys).measured.unstack()
    ratio = frame["standard deviation"] / frame["mean"]
    spread = (
        f"sd over mean {ratio.min():.3f} to {ratio.max():.3f} (largest "
        f"{' / '.join(ratio.idxmax())}) in {study.sizes.repeats} repeats; print up to 0.087"
    )
    return [
        groups(study),
        Verdict("chang-d19", "fails", grey),
        Verdict("chang-d20", "open", best),
        Verdict("chang-d39", decided(ratio.max() < 0.1, True), spread),
    ]


def against_machines(study: Study) -> Iterator[tuple]:
    """Networks and machines on the same test pictures: claim, verdict, because, who must settle."""
    tested = {case: accuracy(study, case) for case in (*IMAGES, *NUMBERS)}
    top = max((tested[case] for case in IMAGES), key=lambda v: v["measured"])
    best = max((tested[case] for case in MACHINES), key=lambda v: v["measured"])
    units = tested[Case(DNN, "AU")]

    gaps, above, below = [], True, False
    for feature, asked in (("AU", 0.34), ("FP68", 0.28)):
        rows = {name: compared(study, Case(DNN, feature), Case(name, feature)) for name in SVMS}
        for name, row in rows.items():
            gaps.append(f"{DNN}, {feature} less {name}, {feature}: {_points(row)}")
        above &= min(row["low"] for row in rows.values()) >= asked
        below |= max(row["high"] for row in rows.values()) < asked
    yield "chang-d17", decided(above, below), "; ".join(gaps), DENSE

    everybody = (*IMAGES, *NUMBERS)
    ratios = []
    for case in MACHINES:
        times = top["measured"] / tested[case]["measured"]
        ratios.append(f"{case.classifier} {case.feature} {times:.2f}")
    above = top["low"] / min(tested[case]["high"] for case in MACHINES) >= 2.5
    below = top["high"] / min(tested[case]["low"] for case in MACHINES) < 2.5
    because = f"best CNN {_interval(top)}; times the SVMs: {', '.join(ratios)}"
    yield "chang-d18", decided(above, below), because, everybody
    above = best["low"] >= 3.5 * top["high"]
    because = f"best SVM {_interval(best)} against best CNN {_interval(top)}"
    yield "chang-d18_2", decided(above, True), because, everybody
    asked = 1.3 * units["measured"]
    because = (
        f"best CNN {_interval(top)}, DNN on action units {_interval(units)}: "
        f"{100 * (top['measured'] / units['measured'] - 1):+.0f} % relative"
    )
    yield "chang-d18_3", decided(top["low"] >= asked, top["high"] <= asked), because, everybody

    chance = 1 / len(FOUR)
    order = [case for case in study.results if case in tested]
    lowest = min(order, key=lambda case: tested[case]["measured"])
    above = all(v["low"] > chance for v in tested.values())
    verdict = decided(above, tested[lowest]["high"] <= chance)
    name = f"{lowest.classifier} {lowest.feature}"
    because = f"lowest {name} {_interval(tested[lowest])}; chance {chance}"
    yield "chang-d21", verdict, because, everybody

    more = {}
    for name in (*SVMS, DNN):
        sides = [tested[Case(name, feature)]["measured"] for feature in FEATURES]
        more[name] = sides[0] - sides[1]
    verdict = decided(min(more.values()) >= 0.10, max(more.values()) < 0.05)
    because = ", ".join(f"{name} {100 * gap:+.1f}" for name, gap in more.items())
    yield "chang-d35", verdict, because + " points (action units less points)", NUMBERS


def among_networks(study: Study) -> Iterator[tuple]:
    """Networks among themselves, as `against_machines`."""
    frame = changed(study).frame
    row = frame[frame.protocol == KEEP].iloc[0]
    because = (
        f"keeping 80 % instead of dropping them changes the test accuracy by {_points(row)}, "
        f"p after Holm {row['p, Holm']:.3f}"
    )
    cases = (Case(DNN, "FP68"), Case(DNN, "FP68", KEEP))
    yield "chang-d32", decided(row["p, Holm"] >= 0.05, True), because, cases

    rows = [compared(study, case, SMALL) for case in DENSE]
    above, below = all(r["low"] > -0.05 for r in rows), all(r["high"] < -0.05 for r in rows)
    gaps = ", ".join(f"{feature} {_points(row)}" for feature, row in zip(FEATURES, rows))
    because = f"DNN less CNN-1 at 50 pixels: {gaps} (margin 5 points)"
    yield "chang-d36", decided(above, below), because, (SMALL, *DENSE)

    loss = {}
    for case in IMAGES:
        sides = [accuracy(study, case, split)["measured"] for split in (TRAIN, TEST)]
        loss[case.classifier] = sides[0] - sides[1]
    verdict = decided(min(loss, key=loss.get).startswith("CNN-2"), True)
    because = ", ".join(f"{name} {100 * gap:.1f}" for name, gap in loss.items())
    yield "chang-d37", verdict, f"training less test, points: {because}", IMAGES

    row = compared(study, SECOND, IMAGES[1])
    inside = row["low"] > -0.02 and row["high"] < 0.02
    outside = row["low"] > 0.02 or row["high"] < -0.02
    because = f"CNN-2 less CNN-1 at 75 pixels: {_points(row)} (margin 2 points)"
    yield "chang-d38", decided(inside, outside), because, IMAGES
