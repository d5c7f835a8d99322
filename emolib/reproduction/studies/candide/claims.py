"""The rules of notebook 40: what our measurements say of Candide-3, SVMs and networks (chang2021).

The listing and the file of Candide-3 are counted. Everything about accuracies needs people: those
of CK+ and RaFD or, as these claims are about who is better and not about a level that was printed,
those of CK+'s copies and JAFFE. Networks against machines also need the printed width.
"""

from __future__ import annotations

from emolib import candide
from emolib.models import face_cnn
from emolib.reproduction.papers.audit.chang_faces import GROUPS
from emolib.reproduction.runs import Claims, Standing, either, in_words
from emolib.reproduction.studies.candide import tables
from emolib.reproduction.studies.candide.plan import DNN, FEATURES, KEEP, SVMS, Case, Study
from emolib.reproduction.studies.candide.tables import PAIRS, accuracy, compared, title

MACHINES = [Case(name, feature) for name in SVMS for feature in FEATURES]
DENSE = [Case(DNN, feature) for feature in FEATURES]
IMAGES = [Case(name, "image") for name in face_cnn.CNNS]
SMALL, MIDDLE, SECOND, _ = IMAGES
KEPT = Case(DNN, "FP68", KEEP)
NAMED = {title(case): case for case in (*MACHINES, *DENSE, *IMAGES, KEPT)}
EVERYBODY = [title(case) for case in (*IMAGES, *MACHINES, *DENSE)]
ABOUT, MARGIN = 0.10, 0.05  # "about 15 %", "nearly as good": ours, the text gives none


def standing(study: Study, network: str, trained: str | None) -> Standing:
    """What a classifier shows on RaFD, in the family of Extra 15 or (dropout) of Extra 16."""
    family = len(tables.variants(study)) if trained == KEEP else len(PAIRS)
    return tables.standing(study, NAMED[network], family)


claim = Claims("40", standing)


def judge(study: Study) -> list:
    """Every claim, on CK+ and RaFD where they are at hand, else on the real faces that are."""
    return claim.judge(study.deciding)


def names(*cases: Case) -> list[str]:
    return [title(case) for case in cases]


def _points(value) -> str:
    """A difference in accuracy, in hundredths."""
    mean, low, high = (100 * value[name] for name in ("measured", "low", "high"))
    return f"{mean:+.1f} points [{low:+.1f}, {high:+.1f}]"


def best(study: Study, cases: list[Case]) -> dict:
    """The accuracy of the best of these on the test people, with its interval."""
    return max((accuracy(study, case) for case in cases), key=lambda value: value["measured"])


# ---------------------------------------------------------------- counted


def pairs_in_use() -> str:
    pairs = candide.pairs()
    points, seen = (len(set(column)) for column in pairs.T)
    return f"{len(pairs)} pairs of {points} points and {seen} vertices are used by every fit here"


@claim("chang-d16")
def forty_six(study: Study):
    """Are 46 vertices paired?"""
    return len(candide.pairs()) == 46, pairs_in_use()


@claim("chang-d16_2")
def thirty_five(study: Study):
    """Are 35?"""
    return len(candide.pairs()) == 35, pairs_in_use()


@claim("chang-d16_3")
def vertices(study: Study):
    """Has Candide-3 182 vertices? Only its file says."""
    model = candide.load()
    real = model.source == "real"
    where = "the file" if real else "our own mask; the file of Candide-3 decides this"
    because = f"{len(model.vertices)} vertices and {len(model.faces)} faces in {where}"
    return (len(model.vertices) == 182 if real else None), because


@claim("chang-d34")
def groups(study: Study):
    """Does each listed point belong to its group?"""
    frame = tables.listing(study).frame
    points = frame[frame.metric == "dlib fp68 index"]
    ends = [GROUPS[group] for group in points.group]
    good = [low <= k <= high for k, (low, high) in zip(points.measured, ends)]
    away = frame[frame.metric == "distance on a mean face"].measured
    because = (
        f"{sum(good)} of {len(good)} points lie in the part they are listed under; on a mean face "
        f"the vertices lie {away.median():.2f} distances of the eyes from their points "
        f"(largest {away.max():.2f})"
    )
    return all(good), because


# ---------------------------------------------------------------- machines


@claim("chang-d39", *names(*MACHINES))
def modest_spread(study: Study):
    """Is the standard deviation of the repeats below a tenth of their mean, whoever is tested?"""
    keys = ["classifier", "feature", "split", "statistic"]
    frame = tables.table_4_2(study).frame.set_index(keys)
    mean = frame.measured.unstack()["mean"]
    spread = frame[["measured", "low", "high"]].xs("standard deviation", level="statistic")
    ratio = spread.div(mean, axis=0)
    because = (
        f"sd over mean {ratio.measured.min():.3f} to {ratio.measured.max():.3f} (largest "
        f"{' / '.join(ratio.measured.idxmax())}) in {study.sizes.repeats} repeats; print up to "
        "0.087"
    )
    return either(holds=ratio.high.max() < 0.1, fails=ratio.low.max() >= 0.1), because


@claim("chang-d35", *names(*MACHINES, *DENSE))
def units_above_points(study: Study):
    """Are action units about 15 points above the 68 points for everybody, or for nobody?"""
    gaps = {n: compared(study, Case(n, "AU"), Case(n, "FP68")) for n in (*SVMS, DNN)}
    because = "; ".join(f"{name} {_points(gap)}" for name, gap in gaps.items())
    above = min(gap["low"] for gap in gaps.values()) >= ABOUT
    below = max(gap["high"] for gap in gaps.values()) < ABOUT
    return either(above, below), f"action units less points: {because}"


# ---------------------------------------------------------------- networks against machines


@claim("chang-d17", *names(*MACHINES, *DENSE))
def dense_above_machines(study: Study):
    """Is the dense network 34 points (units) and 28 (points) above both machines?"""
    gaps, above, below = [], True, False
    for feature, asked in (("AU", 0.34), ("FP68", 0.28)):
        rows = {n: compared(study, Case(DNN, feature), Case(n, feature)) for n in SVMS}
        for name, row in rows.items():
            gaps.append(f"{DNN}, {feature} less {name}, {feature}: {_points(row)}")
        above &= min(row["low"] for row in rows.values()) >= asked
        below |= max(row["high"] for row in rows.values()) < asked
    return either(above, below), "; ".join(gaps)


@claim("chang-d18", *names(*IMAGES, *MACHINES), level=True)
def almost_triples(study: Study):
    """Is the best CNN two and a half times as accurate as a machine, or as none?"""
    top, tested = best(study, IMAGES), {case: accuracy(study, case) for case in MACHINES}
    ratios = [f"{title(c)} {top['measured'] / v['measured']:.2f}" for c, v in tested.items()]
    above = top["low"] / min(value["high"] for value in tested.values()) >= 2.5
    below = top["high"] / min(value["low"] for value in tested.values()) < 2.5
    because = f"best CNN {in_words(top)}; times the SVMs: {', '.join(ratios)}"
    return either(above, below), because


@claim("chang-d18_2", *names(*IMAGES, *MACHINES), level=True)
def four_times_the_cnn(study: Study):
    """Is the best machine three and a half times as accurate as the best CNN?"""
    top, machine = best(study, IMAGES), best(study, MACHINES)
    because = f"best SVM {in_words(machine)} against best CNN {in_words(top)}"
    above = machine["low"] >= 3.5 * top["high"]
    return either(above, fails=machine["high"] < 3.5 * top["low"]), because


@claim("chang-d18_3", *names(*IMAGES, DENSE[0]), level=True)
def images_above_units(study: Study):
    """Is the best CNN 30 % above the dense network on action units?"""
    top, units = best(study, IMAGES), accuracy(study, DENSE[0])
    because = (
        f"best CNN {in_words(top)}, DNN on action units {in_words(units)}: "
        f"{100 * (top['measured'] / units['measured'] - 1):+.0f} % relative"
    )
    above, below = top["low"] >= 1.3 * units["high"], top["high"] < 1.3 * units["low"]
    return either(above, below), because


@claim("chang-d21", *EVERYBODY, level=True, learnt=True)
def above_chance(study: Study):
    """Is every classifier above the most frequent class of the test pictures?"""
    tested = {name: accuracy(study, NAMED[name]) for name in EVERYBODY}
    chance = {n: tables.standing(study, NAMED[n], len(PAIRS)).trivial for n in EVERYBODY}
    lowest = min(EVERYBODY, key=lambda name: tested[name]["measured"])
    because = f"lowest {lowest} {in_words(tested[lowest])}; chance {chance[lowest]:.2f}"
    above = all(tested[name]["low"] > chance[name] for name in EVERYBODY)
    return either(above, any(tested[n]["high"] <= chance[n] for n in EVERYBODY)), because


@claim("chang-d36", *names(SMALL, *DENSE), level=True)
def nearly_a_small_cnn(study: Study):
    """Is the dense network no more than MARGIN below the smallest CNN?"""
    rows = [compared(study, case, SMALL) for case in DENSE]
    above = all(row["low"] > -MARGIN for row in rows)
    below = all(row["high"] < -MARGIN for row in rows)
    gaps = ", ".join(f"{feature} {_points(row)}" for feature, row in zip(FEATURES, rows))
    return either(above, below), f"DNN less CNN-1 at 50 pixels: {gaps} (margin 5 points)"


# ---------------------------------------------------------------- networks among themselves


@claim("chang-d32", *names(DENSE[1], KEPT), trained=KEEP)
def one_meaning(study: Study):
    """Do both readings of the dropout come out within two points of each other?"""
    frame = tables.changed(study).frame
    row = frame[frame.protocol == KEEP].iloc[0]
    because = (
        f"keeping 80 % instead of dropping them changes the test accuracy by {_points(row)}, "
        f"p after Holm {row['p, Holm']:.3f}"
    )
    same = row.low > -0.02 and row.high < 0.02
    return either(same, not same and row["p, Holm"] < 0.05), because


@claim("chang-d37", *names(*IMAGES))
def second_generalises_best(study: Study):
    """Does CNN-2 lose less from training to test people than each of the others?"""
    parts, above, below = [], True, False
    for other in (case for case in IMAGES if case != SECOND):
        less = tables.lost(study, SECOND, other)
        parts.append(f"{other.classifier} {_points(less)}")
        above &= less["high"] < 0
        below |= less["low"] > 0
    because = f"training less test, {SECOND.classifier} less the others: {'; '.join(parts)}"
    return either(above, below), because


@claim("chang-d38", *names(MIDDLE, SECOND))
def alike_on_test(study: Study):
    """Do CNN-2 and CNN-1 at 75 pixels lie within two points of each other on the test people?"""
    row = compared(study, SECOND, MIDDLE)
    inside = row["low"] > -0.02 and row["high"] < 0.02
    outside = row["low"] > 0.02 or row["high"] < -0.02
    return either(inside, outside), f"CNN-2 less CNN-1 at 75 pixels: {_points(row)} (margin 2)"
