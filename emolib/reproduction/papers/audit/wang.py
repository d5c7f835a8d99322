"""Checks on wang: the worked example of pruning (Tables 1, 2), and the baseline (Table 3)."""

import math
from itertools import combinations

import numpy as np

from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    all_agree,
    by_part,
    falling,
    judge,
    listed,
    mean,
    rising,
    undecided,
    weigh,
)

EMOTIONS = ("Angry", "Disgust", "Fear", "Happy", "Neutral", "Sad", "Surprise")
BASELINE = "SPI Protocol (Baseline)[6]"
LBP_NET, PHOG_NET = "LBP for shallow network (Ours)", "PHOG for shallow network (Ours)"
LBP, PHOG = "LBP for CNN model (Ours)", "PHOG for CNN model (Ours)"
FUSION = "CNN fusion model (Ours)"
CNNS = {"LBP": LBP, "PHOG": PHOG, "fusion": FUSION}
MEAN = "Average Accuracy"

check = Checks("wang")


def activations(t1: Table) -> np.ndarray:
    """Table 1 as an array (patterns, units)."""
    shape = len(t1.labels("pattern")), len(t1.labels("hidden_unit"))
    return np.array(list(t1.column().values())).reshape(shape)


def pair_angles(t1: Table, centre: float = 0.0) -> dict[tuple[str, str], float]:
    """Angle in degrees between the columns of each pair of units (Eq. 2), in Table 2's order."""
    vectors = (activations(t1) - centre).T
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    units = dict(zip(t1.labels("hidden_unit"), unit))
    pairs = combinations(units, 2)
    return {(a, b): math.degrees(math.acos(units[a] @ units[b])) for a, b in pairs}


def survivors(t1: Table, min_angle: float, centre: float = 0.0) -> list[str]:
    """Units left when the closest pair below `min_angle` loses its later unit, again and again
    (Algorithm 1)."""
    close, kept = pair_angles(t1, centre), t1.labels("hidden_unit")
    while close and min(close.values()) < min_angle:
        kept.remove(min(close, key=lambda pair: (close[pair], pair))[1])
        close = {pair: angle for pair, angle in close.items() if set(pair) <= set(kept)}
    return kept


def cut(value: float, digits: int) -> float:
    """`value` without the decimals after `digits`."""
    return math.floor(value * 10**digits) / 10**digits


# ---- Tables 1 and 2


@check("wang-b1")
def wang_angles_from_activations(t1, t2):
    computed, printed = pair_angles(t1), t2.column()
    gap = [computed[p] - v for p, v in printed.items()]
    return all_agree(
        [cut(computed[p], 1) == v for p, v in printed.items()],
        "angles agree when cut to one decimal, without centring "
        f"(computed - printed: {min(gap):.3f} to {max(gap):.3f} degrees, mean {mean(gap):.4f})",
    )


@check("wang-b1_2")
def wang_angles_are_rounded(t1, t2):
    computed, printed = pair_angles(t1), t2.column()
    cuts = [pair for pair, v in printed.items() if round(computed[pair], 1) != v]
    some = ", ".join(f"{'-'.join(p)} {computed[p]:.3f} printed {printed[p]}" for p in cuts[:3])
    gap = mean([computed[pair] - v for pair, v in printed.items()])
    return judge(
        not cuts, f"{len(cuts)} of {len(printed)} are cut instead: {some} ...; mean gap {gap:.4f}"
    )


@check("wang-b2")
def wang_units_left_at_60_degrees(t1):
    angles, kept = pair_angles(t1), survivors(t1, 60)
    return judge(
        1 < len(kept) < 6,
        f"the largest of 15 angles is {max(angles.values()):.2f}, their mean {mean(angles):.4f}: "
        f"{len(kept)} of 6 units survives (unit {', '.join(kept)})",
    )


@check("wang-b2")
def wang_units_left_when_centred(t1):
    """60 degrees with activations centred on 0.5, as in the 1992 practice that 3.1 builds on."""
    angles, kept = pair_angles(t1, centre=0.5), survivors(t1, 60, centre=0.5)
    above = sum(v > 60 for v in angles.values())
    return judge(
        1 < len(kept) < 6,
        f"{above} of 15 angles exceed 60 (largest {max(angles.values()):.2f}, mean "
        f"{mean(angles):.4f}): {len(kept)} of 6 units survive ({', '.join(kept)})",
    )


@check("wang-b20")
def wang_most_alike_pair(t2):
    angles = rising(t2.column())
    pair, other = list(angles)[:2]
    return judge(
        pair == ("3", "4"),
        f"units {' and '.join(pair)} at {angles[pair]}, next {' and '.join(other)} at "
        f"{angles[other]}, mean of {len(angles)} {mean(angles):.3f}",
    )


@check("wang-b21")
def wang_activations_are_sigmoids(t1):
    values = activations(t1)
    return judge(
        bool(((values > 0) & (values < 1)).all()),
        f"{values.size} values from {values.min():.4f} to {values.max():.4f}, "
        f"on average {values.mean():.6f}",
    )


# ---- Table 3


def row(t3: Table, method: str) -> dict[str, float]:
    """Emotion -> printed score of one method."""
    return {emotion: t3.cell(method, emotion) for emotion in EMOTIONS}


@check("wang-b3")
def wang_row_averages(t3):
    rows = [(mean(row(t3, m)), t3.cell(m, MEAN)) for m in t3.labels("method")]
    words = ", ".join(f"{average:.4f} (printed {printed:.2f})" for average, printed in rows)
    return all_agree([abs(a - printed) <= 0.0051 for a, printed in rows], f"rows: {words}")


def _gain(t3: Table, method: str, claimed: float):
    ours, base = t3.cell(method, MEAN), t3.cell(BASELINE, MEAN)
    points, relative = 100 * (ours - base), 100 * (ours / base - 1)
    return weigh(
        {"points": abs(points - claimed) < 0.5, "relative": abs(relative - claimed) < 0.5},
        f"{ours:.2f} - {base:.2f} is {points:.0f} points; relative it is {relative:.0f} %; "
        f"the text says {claimed:.0f} %",
    )


@check("wang-b4")
def wang_twelve_percent(text, t3):
    return _gain(t3, FUSION, text.cell("improvement of the CNN"))


@check("wang-b4_2")
def wang_eight_percent(text, t3):
    return _gain(t3, PHOG_NET, text.cell("improvement of the shallow network"))


def _cnns_on(t3: Table, emotion: str) -> dict[str, float]:
    return {name: t3.cell(method, emotion) for name, method in CNNS.items()}


@check("wang-b5")
def wang_lbp_best_on_fear(t3):
    fear = _cnns_on(t3, "Fear")
    return judge(max(fear, key=fear.get) == "LBP", f"fear: {listed(fear)}")


@check("wang-b6")
def wang_fusion_best_on_four(t3):
    parts = {}
    for emotion in ("Angry", "Disgust", "Happy", "Surprise"):
        scores = _cnns_on(t3, emotion)
        best = scores["fusion"] > max(scores["LBP"], scores["PHOG"])
        parts[f"{emotion.lower()} {'yes' if best else 'no'}"] = scores
    return judge(all(name.endswith("yes") for name in parts), by_part(parts))


def _place(order: dict[str, float], emotion: str) -> int:
    return list(order).index(emotion) + 1


@check("wang-b7")
def wang_fusion_weak_on_disgust(t3):
    order = rising(row(t3, FUSION))
    place = _place(order, "Disgust")
    return judge(place <= 3, f"disgust is number {place} of 7 from below: {listed(order)}")


@check("wang-b8")
def wang_surprise_highest_twice(t3):
    lbp, phog = row(t3, LBP_NET), row(t3, PHOG_NET)
    on_lbp = [lbp[emotion] > phog[emotion] for emotion in ("Disgust", "Fear", "Surprise")]
    on_phog = [phog[emotion] > lbp[emotion] for emotion in ("Angry", "Happy", "Surprise")]
    words = [f"{emotion.lower()} {lbp[emotion]:.2f} - {phog[emotion]:.2f}" for emotion in EMOTIONS]
    return judge(
        all(on_lbp + on_phog),
        f"LBP - PHOG: {', '.join(words)}; "
        "surprise cannot be higher on both, neutral and sad are left out",
    )


@check("wang-b9")
def wang_lbp_knows_angry(t3):
    order = rising(row(t3, LBP))
    place = _place(order, "Angry")
    return judge(
        place > 4,
        f"angry is number {place} of 7 from below: {listed(order)}; chance is {1 / 7:.3f}",
    )


@check("wang-b10")
def wang_cnn_above_pruning(t3):
    pairs = {"LBP": (LBP, LBP_NET), "PHOG": (PHOG, PHOG_NET)}
    pairs["fusion over the best pruned"] = (FUSION, PHOG_NET)
    better, words = {}, []
    for name, (cnn, pruned) in pairs.items():
        a, b = t3.cell(cnn, MEAN), t3.cell(pruned, MEAN)
        better[name] = a > b
        words.append(f"{name} {a:.2f} - {b:.2f} = {a - b:+.2f}")
    return weigh(better, ", ".join(words))


@check("wang-b11")
def wang_675_are_rows(text):
    lbp, phog = text.cells("LBP features", "PHOG features")
    inputs = text.cell("inputs")
    return judge(
        inputs == lbp + phog,
        f"{lbp:.0f} + {phog:.0f} = {lbp + phog:.0f} features and a label; "
        f"{inputs:.0f} can only count rows",
    )


@check("wang-b12")
def wang_lbp_or_lpq(text):
    return undecided(
        f"{text.cell('LBP features'):.0f} principal components of either histogram (59 bins of "
        "uniform LBP, 256 of LPQ): the columns cannot tell; "
        "the cited source is on local phase quantization"
    )


@check("wang-b13")
def wang_pooling_leaves_nothing(text):
    left, layers = [int(text.cell("LBP features"))], text.cell("convolution layers")
    while left[-1] and len(left) <= layers:
        left.append(left[-1] // 2)
    return judge(
        len(left) > layers and left[-1] > 0,
        f"halving leaves {listed(left, 'd')}: nothing after {len(left) - 1} of "
        f"{layers:.0f} poolings",
    )


@check("wang-b14")
def wang_layers_or_units(text):
    layers = text.cell("layers of the network")
    low, high = text.cells("fewest hidden", "most hidden")
    return judge(
        low <= layers - 2 <= high,
        f"a network of {layers:.0f} layers has {layers - 2:.0f} hidden one; "
        f"{low:.0f} to {high:.0f} counts its units",
    )


@check("wang-b15")
def wang_score_name(t3):
    means = [t3.cell(m, MEAN) for m in (LBP_NET, PHOG_NET, LBP, PHOG, FUSION)]
    return undecided(
        f"chance is 1/7 = {1 / 7:.3f} for the mean recall and near it for the mean average "
        f"precision; {min(means):.2f} to {max(means):.2f} (mean {mean(means):.3f}) fit both"
    )


@check("wang-b16")
def wang_happy_lowest_at_16(t3):
    order = falling(row(t3, PHOG_NET))
    return undecided(
        f"at the default of 16 units happy is number {_place(order, 'Happy')} of 7 with "
        f"{order['Happy']:.2f}, baseline {t3.cell(BASELINE, 'Happy'):.2f}; "
        f"Fig. 9 has no numbers ({listed(order)})"
    )


@check("wang-b17")
def wang_target_coding():
    """Smooth L1 serves as the loss for seven classes, target unstated (3.3, Eq. 3)."""
    targets = {
        "one-hot": [1, 0, 0, 0, 0, 0, 0],
        "+1 and -1": [1, -1, -1, -1, -1, -1, -1],
        "class number": list(range(7)),
    }
    words = []
    for name, values in targets.items():
        loss = mean([0.5 * x * x if abs(x) <= 1 else abs(x) - 0.5 for x in values])
        words.append(f"{loss:.4f} ({name})")
    return undecided(f"a network that outputs 0 loses {', '.join(words)}: three different problems")


@check("wang-b18")
def wang_pruning_gains(text, t3):
    words, right = [], []
    for emotion in ("Angry", "Happy"):
        base, ours = t3.cell(BASELINE, emotion), t3.cell(PHOG_NET, emotion)
        name = emotion.lower()
        low, high = text.cells(f"{name}, baseline", f"{name}, pruned")
        right.append(round(100 * base) == low and round(100 * ours) == high)
        words.append(f"{name} {base:.2f} to {ours:.2f} (text {low:.0f} to {high:.0f} %)")
    return judge(all(right), "PHOG: " + ", ".join(words))


@check("wang-b19")
def wang_phog_above_lbp(t3):
    lbp, phog = t3.cell(LBP_NET, MEAN), t3.cell(PHOG_NET, MEAN)
    return judge(phog > lbp, f"{phog:.2f} against {lbp:.2f}")


@check("wang-f2")
def wang_one_protocol(t3):
    ours, base = t3.cell(FUSION, MEAN), t3.cell(BASELINE, MEAN)
    return undecided(
        f"{base:.2f} is strictly person independent, for {ours:.2f} no split is stated; "
        f"on 674 rows the standard error of {ours:.2f} is "
        f"{math.sqrt(ours * (1 - ours) / 674):.3f}: notebook 20 runs both protocols"
    )


@check("wang-b22")
def wang_fusion_reaches_31(text, t3):
    ours, rows = t3.cell(FUSION, MEAN), text.cell("inputs")
    error = math.sqrt(ours * (1 - ours) / rows)
    return undecided(
        f"{ours:.2f} is {7 * ours:.2f} times the 1/7 = {1 / 7:.3f} that any constant answer gets "
        "as mean recall under every split; its standard error on "
        f"{rows:.0f} rows is {error:.4f}; no split is stated: notebook 20 measures it under each"
    )
