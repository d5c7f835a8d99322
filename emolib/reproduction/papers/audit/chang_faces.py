"""Faces: checks on chang2021, 2.5, 4.1-4.3, Tables 4.1-4.3 and the Candide-3 listing."""

from itertools import product

from emolib.reproduction.papers.audit.counting import vgg16
from emolib.reproduction.papers.audit.record import Checks, Table, judge, listed, undecided, weigh

SSVM, POLY = "SSVM", "SVM (poly)"
DNN = "DNN*"
VECTORS, IMAGES = "Vectorized Data", "Images"
CNNS = ("CNN-1 50x50x1", "CNN-1 75x75x1", "CNN-2 75x75x1", "CNN-3 150x150x1")
FEATURES = ("AU", "FP68")

check = Checks("chang2021")


def score(t4_1: Table, classifier: str, feature: str, split: str = "Test") -> float:
    """One accuracy of Table 4.1 on vectors of features."""
    return t4_1.cell(classifier, VECTORS, feature, split)


def cnn_score(t4_1: Table, cnn: str, split: str = "Test") -> float:
    """One accuracy of Table 4.1 on images."""
    return t4_1.cell(cnn, IMAGES, "image", split)


# ---- points and vertices


@check("chang-d16")
def listing_has_46_points(text, u4_1):
    pairs, claimed = len(u4_1.labels("position")), text.cell("points said to be chosen")
    return judge(pairs == claimed, f"the listing has {pairs} pairs, the text says {claimed:.0f}")


@check("chang-d16_2")
def listing_has_35_points(text, u4_1):
    vertices = u4_1.column(metric="Candide-3 vertex index").values()
    distinct, claimed = len(set(vertices)), text.cell("points selected")
    return judge(
        distinct == claimed,
        f"{distinct} distinct vertices in {len(vertices)} pairs, the text says {claimed:.0f}",
    )


@check("chang-d16_3")
def model_has_182_vertices(text, u4_1):
    largest = max(u4_1.column(metric="Candide-3 vertex index").values())
    return weigh(
        {"the listing": largest > 113, "another edition": True},
        f"the largest index of the listing is {largest:.0f}; the public file has 113 vertices and "
        f"184 faces, the text says {text.cell('vertices of Candide-3'):.0f} vertices",
    )


# First and last index of each group of the 68 points; left and right as seen in the picture.
GROUPS = {
    "nose": (27, 35),
    "left eye": (36, 41),
    "right eye": (42, 47),
    "left brow": (17, 21),
    "right brow": (22, 26),
    "outer lip outline": (48, 59),
    "inner lip outline": (60, 67),
}


@check("chang-d34")
def dlib_points_lie_in_their_groups(u4_1):
    points, inside = u4_1.column(metric="dlib fp68 index"), dict.fromkeys(GROUPS, 0)
    for (_, group), point in points.items():
        first, last = GROUPS[group]
        inside[group] += first <= point <= last
    total = sum(inside.values())
    return judge(
        total == len(points),
        f"{total} of {len(points)}: {listed(inside, 'd')}; "
        "the left eye of the listing is the one on the left of the picture",
    )


# ---- Tables 4.1 and 4.2


@check("chang-d17")
def dnn_beats_svm_by_34_and_28(text, t4_1):
    claimed = text.cells("gain of the DNN, AU", "gain of the DNN, FP68")
    close, words = {}, []
    for svm in (SSVM, POLY):
        gains = [100 * (score(t4_1, DNN, f) - score(t4_1, svm, f)) for f in FEATURES]
        close[svm] = all(abs(gain - c) < 0.75 for gain, c in zip(gains, claimed))
        words.append(f"over {svm} {gains[0]:.1f} and {gains[1]:.1f} points")
    return weigh(close, f"{'; '.join(words)}; the text says {claimed[0]:.0f} and {claimed[1]:.0f}")


@check("chang-d35")
def action_units_beat_points_by_15(text, t4_1):
    claimed, gain = text.cell("gain of AU over FP68"), {}
    for classifier in (SSVM, POLY, DNN):
        units, points = (score(t4_1, classifier, feature) for feature in FEATURES)
        gain[classifier] = 100 * (units - points)
    return weigh(
        {classifier: abs(g - claimed) < 1.5 for classifier, g in gain.items()},
        f"{listed(gain, '.1f')} points; the text says {claimed:.0f}",
    )


@check("chang-d36")
def dnn_is_nearly_a_small_cnn(t4_1):
    cnn, dnn = cnn_score(t4_1, CNNS[0]), {f: score(t4_1, DNN, f) for f in FEATURES}
    return weigh(
        {feature: cnn - v < 0.02 for feature, v in dnn.items()},
        ", ".join(f"{feature}: {v:.3f} against {cnn:.3f}" for feature, v in dnn.items()),
    )


@check("chang-d18")
def cnn_triples_svm(t4_1):
    svms = [(svm, feature) for svm in (SSVM, POLY) for feature in FEATURES]
    ratio = {svm: cnn_score(t4_1, CNNS[3]) / score(t4_1, *svm) for svm in svms}
    words = [f"{v:.3f} ({' '.join(svm)})" for svm, v in ratio.items()]
    return judge(max(ratio.values()) > 2.7, "times " + ", ".join(words))


@check("chang-d18_2")
def svm_beats_cnn_by_four_times(text, t4_1):
    svm, cnn = score(t4_1, POLY, "AU"), cnn_score(t4_1, CNNS[3])
    return judge(
        svm / cnn > 3.5,
        f"{svm:.3f} / {cnn:.3f} = {svm / cnn:.3f}; "
        f"{text.cell('best SVM over CNN, times'):.0f} times is impossible",
    )


@check("chang-d18_3")
def images_beat_action_units_by_30(text, t4_1):
    cnn, units = cnn_score(t4_1, CNNS[3]), score(t4_1, DNN, "AU")
    points, relative = 100 * (cnn - units), 100 * (cnn / units - 1)
    claimed = text.cell("gain of images over AU")
    return weigh(
        {"points": abs(points - claimed) < 3, "relative": abs(relative - claimed) < 3},
        f"{cnn:.3f} - {units:.3f} = {points:.1f} points, {relative:.1f} % relative; "
        f"the text says {claimed:.0f}",
    )


@check("chang-d19")
def rgb_gives_877(text, t4_1):
    value = text.cell("accuracy with RGB pictures") / 100
    scores = {cnn: cnn_score(t4_1, cnn) for cnn in CNNS}
    rows = [cnn for cnn, v in scores.items() if abs(v - value) < 5e-4]
    others = [v for cnn, v in scores.items() if cnn not in rows]
    return judge(
        any(cnn.endswith("x3") for cnn in rows),
        f"{value:.3f} is the row {', '.join(rows) or 'of none'}: one channel; "
        f"others {listed(others, '.3f')}",
    )


@check("chang-d37")
def cnn2_generalises_best(t4_1):
    gap = {cnn: cnn_score(t4_1, cnn, "Train") - cnn_score(t4_1, cnn) for cnn in CNNS}
    words = [f"{cnn} {v:.3f} (test {cnn_score(t4_1, cnn):.3f})" for cnn, v in gap.items()]
    return judge(min(gap, key=gap.get) == CNNS[2], ", ".join(words))


@check("chang-d38")
def cnn2_performs_like_cnn1(t4_1):
    a, b = cnn_score(t4_1, CNNS[2]), cnn_score(t4_1, CNNS[1])
    return judge(abs(a - b) < 0.02, f"{a:.3f} and {b:.3f} at 75 x 75: {a - b:+.3f}")


@check("chang-d20")
def table41_shows_typical_runs(t4_1, t4_2):
    z = []
    for path in product((POLY, SSVM), FEATURES, ("Train", "Test")):
        gap = score(t4_1, *path) - t4_2.cell(*path, "mean")
        z.append(gap / t4_2.cell(*path, "standard deviation"))
    above = sum(v > 0 for v in z)
    return judge(
        above < len(z),
        f"{above} of {len(z)} lie above the mean, in standard deviations: {listed(z)}",
    )


@check("chang-d39")
def spread_of_svm_is_modest(t4_2):
    sd, mean = t4_2.column(statistic="standard deviation"), t4_2.column(statistic="mean")
    share = {path: sd[path] / mean[path] for path in sd}
    return judge(max(share.values()) < 0.1, f"sd over mean: {listed(share, '.4f')}")


@check("chang-d21")
def accuracy_is_far_above_chance(t4_1):
    """Four classes, so chance is 0.25: every classifier is far above it on the test set (4.2)."""
    vectors = [(classifier, f) for classifier in (SSVM, POLY, DNN) for f in FEATURES]
    test = {" ".join(path): score(t4_1, *path) for path in vectors}
    test |= {cnn: cnn_score(t4_1, cnn) for cnn in CNNS}
    low = min(test, key=test.get)
    return judge(
        test[low] > 0.3,
        f"lowest {low} {test[low]:.3f}, mean of {len(test)} {sum(test.values()) / len(test):.4f}; "
        "the four emotions are not named",
    )


# ---- networks in words


@check("chang-d22")
def three_halvings_lead_to_7(text):
    size, times = text.cells("pixels of a side", "times of down-sampling")
    end = text.cell("pixels at the end")
    return judge(
        size / 2**times == end,
        f"{size:.0f} / 2^{times:.0f} = {size / 2**times:g}; five halvings give {size / 32:g} "
        f"(printed {end:.0f}), the chain shows four",
    )


@check("chang-d22_2")
def printed_chain_is_vgg16(text):
    convolutions, dense = text.cells("convolutions of the chain", "dense layers of the chain")
    layers = convolutions + dense
    return judge(
        layers == 16,
        f"{convolutions:.0f} convolutions + {dense:.0f} dense layers = {layers:.0f}; "
        "VGG-16 has 13 + 3",
    )


@check("chang-d22_3")
def vgg_has_138_million(text):
    classes = int(text.cell("people of the face network"))
    claimed = int(text.cell("million parameters of the face network"))
    millions = vgg16(classes) / 1e6
    return judge(
        abs(millions - claimed) < 1,
        f"{millions:.1f} million with {classes:,} outputs, {vgg16(1000) / 1e6:.1f} with 1,000; "
        f"the text says {claimed:.0f}",
    )


@check("chang-d23")
def vgg19_has_19_convolutions(text):
    layers = text.cell("convolutions of VGG-19")
    return judge(
        layers + 3 == 19,
        f"{layers:.0f} + 3 dense layers = {layers + 3:.0f}; the name counts 16 + 3",
    )


@check("chang-d30")
def third_deviation_is_0255(text):
    printed = text.cell("third standard deviation of ImageNet")
    return judge(
        abs(printed - 0.225) < 5e-4,
        f"{printed:.3f}; every public recipe has 0.225 (two digits changed places)",
    )


@check("chang-d24")
def learning_rate_is_consistent(text):
    failing, limit = text.cells("failing learning rate", "largest rate that converges")
    return judge(
        failing / 10 <= limit,
        f"{failing / 10:.0e} should help, but it is {failing / 10 / limit:.0f} times the "
        f"{limit:.0e} above which the loss diverges",
    )


@check("chang-d32")
def dropout_80_is_one_thing(text):
    share, units = text.cell("dropout of FP68") / 100, text.cell("units before dropout")
    return weigh(
        {"dropped": True, "kept": share == 0.5},
        f"of {units:.0f} units {units * (1 - share):.1f} are left if it drops, "
        f"{units * share:.1f} if it keeps",
    )


# ---- FER2013


@check("chang-d25")
def transfer_gains_5_points(text, t4_3):
    (ours,), (other,) = (t4_3.column(source=s).values() for s in ("Ours", "Y. G[84]"))
    own = [method for method in t4_3.labels("method") if "scratch" in method.lower()]
    return weigh(
        {
            "over another method": abs(ours - other - text.cell("gain of transfer")) < 0.6,
            "over the same architecture from scratch": bool(own),
        },
        f"{ours:.2f} - {other:.2f} = {ours - other:.2f} points over Y. G[84], which is another "
        f"method; of {len(t4_3.labels('method'))} rows {len(own)} are of the same architecture "
        "from scratch",
    )


@check("chang-d26")
def result_on_fer2013_is_best(t4_3):
    values = sorted(((v, source) for (source, *_), v in t4_3.column().items()), reverse=True)
    words = "; ".join(f"{source} {v:.2f}" for v, source in values)
    return judge(values[0][1] == "Ours", f"{words}; section 4.3.8 makes no such claim")


@check("chang-d27")
def fer2013_rose_by_4_points(text, t4_3):
    (challenge,) = t4_3.column(source="FER2013[85]").values()
    top, claimed = text.cells("accuracy reported on FER-2013", "rise on FER-2013")
    return judge(
        abs(top - challenge - claimed) < 0.75,
        f"{top:.2f} - {challenge:.2f} = {top - challenge:.2f} over the challenge's result; "
        f"the text says {claimed:.0f}",
    )


@check("chang-d29")
def happy_is_20_times_disgust(text):
    disgust, times = text.cells("images of disgust", "happy over disgust, times")
    return judge(
        disgust * times <= 7215 * 1.05,
        f"{times:.0f} x {disgust:.0f} = {times * disgust:.0f}; "
        f"the public file has 7,215 happy images: {7215 / disgust:.2f} times",
    )


@check("chang-d40")
def fer2013_counts_add_up(text):
    train, test = text.cells("training images of FER2013", "test images of FER2013, each")
    total = train + 2 * test
    return judge(
        total == 35887, f"{train:,.0f} + 2 x {test:,.0f} = {total:,.0f}, the public file has 35,887"
    )


@check("chang-d47")
def pollution_is_30_percent(text):
    share, pictures = text.cells("polluted share of FER2013", "training images of FER2013")
    return undecided(
        f"{share:.0f} % of {pictures:,.0f} are {share * pictures / 100:,.0f} pictures; how they "
        "were found is not said (ten raters' votes count them: notebook 41)"
    )


@check("chang-d48")
def fine_tuning_gains_5_percent(text):
    gain = text.cell("gain of fine-tuning")
    return undecided(
        f"{gain:.0f} % stand in the text and as curves (Fig. 4.15): no number is printed to check"
    )


@check("chang-d31")
def citations_of_table43_fit(t4_3):
    cited = [name.split("[")[0] for name in t4_3.labels("source") if name.endswith("[77]")]
    return judge(not cited, f"[77] is the paper of the CK+ data set, not of {cited[0]}")
