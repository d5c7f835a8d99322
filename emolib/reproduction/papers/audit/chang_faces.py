"""Faces: checks on chang2021, sections 2.5, 4.1-4.3 and the summary, Tables 4.1-4.3 and the Candide-3 listing."""

from __future__ import annotations

from emolib.reproduction.papers.audit.counting import vgg16
from emolib.reproduction.papers.audit.record import Table, check, judge, weigh

SSVM, POLY, DNN = "SSVM", "SVM (poly)", "DNN*"
VECTORS, IMAGES = "Vectorized Data", "Images"
CNNS = ("CNN-1 50x50x1", "CNN-1 75x75x1", "CNN-2 75x75x1", "CNN-3 150x150x1")


def score(t: Table, classifier: str, feature: str, split: str = "Test") -> float:
    """One accuracy of Table 4.1."""
    return t.cell(classifier, IMAGES if feature == "image" else VECTORS, feature, split)


# ------------------------------------------------------------------ points and vertices


@check("chang-d16", "chang2021-text", "chang2021-u4_1")
def listing_has_46_points(text, listing):
    """46 of the 3-D vertices are chosen (4.1 and the comment of the listing)."""
    pairs = len(listing.labels("position"))
    return judge(
        pairs == text.cell("points said to be chosen"),
        f"the listing has {pairs} pairs, the text says {text.cell('points said to be chosen'):.0f}",
    )


@check("chang-d16_2", "chang2021-text", "chang2021-u4_1")
def listing_has_35_points(text, listing):
    """All 35 points we selected (4.1, after Eq. 16)."""
    vertices = list(listing.column(metric="Candide-3 vertex index").values())
    return judge(
        len(set(vertices)) == text.cell("points selected"),
        f"{len(set(vertices))} distinct vertices in {len(vertices)} pairs, the text says "
        f"{text.cell('points selected'):.0f}",
    )


@check("chang-d16_3", "chang2021-text", "chang2021-u4_1")
def model_has_182_vertices(text, listing):
    """Candide-3 has 182 vertices (4.1)."""
    vertices = sorted(listing.column(metric="Candide-3 vertex index").values())
    return weigh(
        {"the listing": vertices[-1] > 113, "another edition": True},
        f"the largest index of the listing is {vertices[-1]:.0f}; the public file has 113 vertices and 184 faces, "
        f"the text says {text.cell('vertices of Candide-3'):.0f} vertices",
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


@check("chang-d34", "chang2021-u4_1")
def dlib_points_lie_in_their_groups(listing):
    """Each point of the listing belongs to the part of the face it is listed under (4.1, Fig. 4.1)."""
    points = listing.column(metric="dlib fp68 index")
    inside = {
        name: sum(first <= p <= last for (_, group), p in points.items() if group == name)
        for name, (first, last) in GROUPS.items()
    }
    total = sum(inside.values())
    return judge(
        total == len(points),
        f"{total} of {len(points)}: "
        + ", ".join(f"{name} {n}" for name, n in inside.items())
        + "; the left eye of the listing is the one on the left of the picture",
    )


# ------------------------------------------------------------------ Tables 4.1 and 4.2


@check("chang-d17", "chang2021-text", "chang2021-t4_1")
def dnn_beats_svm_by_34_and_28(text, t):
    """The DNNs are almost 34 % (AU) and 28 % (FP68) better than the SVMs (4.2.1)."""
    gain = {
        svm: {f: score(t, DNN, f) - score(t, svm, f) for f in ("AU", "FP68")}
        for svm in (SSVM, POLY)
    }
    claimed = {"AU": text.cell("gain of the DNN, AU"), "FP68": text.cell("gain of the DNN, FP68")}
    return weigh(
        {svm: all(abs(100 * g[f] - claimed[f]) < 0.75 for f in g) for svm, g in gain.items()},
        "; ".join(
            f"over {svm} {100 * g['AU']:.1f} and {100 * g['FP68']:.1f} points"
            for svm, g in gain.items()
        )
        + f"; the text says {claimed['AU']:.0f} and {claimed['FP68']:.0f}",
    )


@check("chang-d35", "chang2021-text", "chang2021-t4_1")
def action_units_beat_points_by_15(text, t):
    """AU are about 15 % more accurate than FP68 (4.2.2)."""
    gain = {c: 100 * (score(t, c, "AU") - score(t, c, "FP68")) for c in (SSVM, POLY, DNN)}
    return weigh(
        {c: abs(g - text.cell("gain of AU over FP68")) < 1.5 for c, g in gain.items()},
        ", ".join(f"{c} {g:.1f}" for c, g in gain.items())
        + f" points; the text says {text.cell('gain of AU over FP68'):.0f}",
    )


@check("chang-d36", "chang2021-t4_1")
def dnn_is_nearly_a_small_cnn(t):
    """The DNN is nearly as good as CNN-1 at 50 x 50 (4.2.2)."""
    gap = {f: score(t, CNNS[0], "image") - score(t, DNN, f) for f in ("AU", "FP68")}
    return weigh(
        {f: g < 0.02 for f, g in gap.items()},
        ", ".join(
            f"{f}: {score(t, DNN, f):.3f} against {score(t, CNNS[0], 'image'):.3f}" for f in gap
        ),
    )


@check("chang-d18", "chang2021-t4_1")
def cnn_triples_svm(t):
    """The CNN almost triples the SVM (4.2.2)."""
    ratio = {
        f"{c} {f}": score(t, CNNS[3], "image") / score(t, c, f)
        for c in (SSVM, POLY)
        for f in ("AU", "FP68")
    }
    return judge(
        max(ratio.values()) > 2.7, "times " + ", ".join(f"{v:.3f} ({k})" for k, v in ratio.items())
    )


@check("chang-d18_2", "chang2021-text", "chang2021-t4_1")
def svm_beats_cnn_by_four_times(text, t):
    """The best SVM outperforms the CNN by almost four times (4.2.2)."""
    best = score(t, POLY, "AU")
    ratio = best / score(t, CNNS[3], "image")
    return judge(
        ratio > 3.5,
        f"{best:.3f} / {score(t, CNNS[3], 'image'):.3f} = {ratio:.3f}; "
        f"{text.cell('best SVM over CNN, times'):.0f} times is impossible",
    )


@check("chang-d18_3", "chang2021-text", "chang2021-t4_1")
def images_beat_action_units_by_30(text, t):
    """Raw images beat AU with a network by about 30 % (4.2.2)."""
    cnn, units = score(t, CNNS[3], "image"), score(t, DNN, "AU")
    claimed = text.cell("gain of images over AU")
    return weigh(
        {
            "points": abs(100 * (cnn - units) - claimed) < 3,
            "relative": abs(100 * (cnn / units - 1) - claimed) < 3,
        },
        f"{cnn:.3f} - {units:.3f} = {100 * (cnn - units):.1f} points, {100 * (cnn / units - 1):.1f} % "
        f"relative; the text says {claimed:.0f}",
    )


@check("chang-d19", "chang2021-text", "chang2021-t4_1")
def rgb_gives_877(text, t):
    """87.7 percent when RGB pictures are used (4.2.2)."""
    value = text.cell("accuracy with RGB pictures") / 100
    found = [c for c in CNNS if abs(score(t, c, "image") - value) < 5e-4]
    return judge(
        any(c.endswith("x3") for c in found),
        f"{value:.3f} is the row {', '.join(found) or 'of none'}: one channel; others "
        + ", ".join(f"{score(t, c, 'image'):.3f}" for c in CNNS if c not in found),
    )


@check("chang-d37", "chang2021-t4_1")
def cnn2_generalises_best(t):
    """CNN-2 has the smallest gap between training and test (4.2.2)."""
    gap = {c: score(t, c, "image", "Train") - score(t, c, "image") for c in CNNS}
    return judge(
        min(gap, key=gap.get) == CNNS[2],
        ", ".join(f"{c} {g:.3f} (test {score(t, c, 'image'):.3f})" for c, g in gap.items()),
    )


@check("chang-d38", "chang2021-t4_1")
def cnn2_performs_like_cnn1(t):
    """CNN-2 performs like CNN-1 on test data (4.2.2)."""
    a, b = score(t, CNNS[2], "image"), score(t, CNNS[1], "image")
    return judge(abs(a - b) < 0.02, f"{a:.3f} and {b:.3f} at 75 x 75: {a - b:+.3f}")


@check("chang-d20", "chang2021-t4_1", "chang2021-t4_2")
def table41_shows_typical_runs(t1, t2):
    """The SVM cells of Table 4.1 are typical of the thirty runs of Table 4.2."""
    z = {}
    for c in (POLY, SSVM):
        for f in ("AU", "FP68"):
            for s in ("Train", "Test"):
                z[c, f, s] = (score(t1, c, f, s) - t2.cell(c, f, s, "mean")) / t2.cell(
                    c, f, s, "standard deviation"
                )
    return judge(
        sum(v > 0 for v in z.values()) < len(z),
        f"{sum(v > 0 for v in z.values())} of {len(z)} lie above the mean, in standard deviations: "
        + ", ".join(f"{v:.2f}" for v in z.values()),
    )


@check("chang-d39", "chang2021-t4_2")
def spread_of_svm_is_modest(t2):
    """The standard deviations are modest, so models perform alike (4.2.2)."""
    sd = t2.column(statistic="standard deviation")
    mean = t2.column(statistic="mean")
    share = {k: sd[k] / mean[k] for k in sd}
    return judge(
        max(share.values()) < 0.1,
        "sd over mean: " + ", ".join(f"{'/'.join(k)} {v:.4f}" for k, v in share.items()),
    )


@check("chang-d21", "chang2021-t4_1")
def accuracy_is_far_above_chance(t):
    """Four classes, so chance is 0.25: every classifier is far above it on the test set (4.2)."""
    test = {f"{c} {f}": score(t, c, f) for c in (SSVM, POLY, DNN) for f in ("AU", "FP68")} | {
        c: score(t, c, "image") for c in CNNS
    }
    low = min(test, key=test.get)
    return judge(
        test[low] > 0.3,
        f"lowest {low} {test[low]:.3f}, mean of {len(test)} {sum(test.values()) / len(test):.4f}; the four "
        f"emotions are not named",
    )


# ------------------------------------------------------------------ networks in words


@check("chang-d22", "chang2021-text")
def three_halvings_lead_to_7(text):
    """Down-sampling three times takes 224 pixels to 7 (4.3.1)."""
    size, times = text.cell("pixels of a side"), text.cell("times of down-sampling")
    return judge(
        size / 2**times == text.cell("pixels at the end"),
        f"{size:.0f} / 2^{times:.0f} = {size / 2**times:g}; five halvings give {size / 32:g} "
        f"(printed {text.cell('pixels at the end'):.0f}), the chain shows four",
    )


@check("chang-d22_2", "chang2021-text")
def printed_chain_is_vgg16(text):
    """The printed chain is VGG-16 (4.3.1)."""
    convolutions, dense = (
        text.cell("convolutions of the chain"),
        text.cell("dense layers of the chain"),
    )
    return judge(
        convolutions + dense == 16,
        f"{convolutions:.0f} convolutions + {dense:.0f} dense layers = {convolutions + dense:.0f}; VGG-16 has 13 + 3",
    )


@check("chang-d22_3", "chang2021-text")
def vgg_has_138_million(text):
    """The face network has 138 million parameters and 2,622 outputs (4.3.1)."""
    classes, claimed = (
        int(text.cell("people of the face network")),
        text.cell("million parameters of the face network"),
    )
    return judge(
        abs(vgg16(classes) / 1e6 - claimed) < 1,
        f"{vgg16(classes) / 1e6:.1f} million with {classes:,} outputs, {vgg16(1000) / 1e6:.1f} with 1,000; "
        f"the text says {claimed:.0f}",
    )


@check("chang-d23", "chang2021-text")
def vgg19_has_19_convolutions(text):
    """VGG-19 has 19 convolution layers (2.5.2)."""
    layers = text.cell("convolutions of VGG-19")
    return judge(
        layers + 3 == 19,
        f"{layers:.0f} + 3 dense layers = {layers + 3:.0f}; the name counts 16 + 3",
    )


@check("chang-d30", "chang2021-text")
def third_deviation_is_0255(text):
    """The standard deviations of ImageNet's channels are 0.229, 0.224 and 0.255 (2.3.1)."""
    printed = text.cell("third standard deviation of ImageNet")
    return judge(
        abs(printed - 0.225) < 5e-4,
        f"{printed:.3f}; every public recipe has 0.225 (two digits changed places)",
    )


@check("chang-d24", "chang2021-text")
def learning_rate_is_consistent(text):
    """1e-3 fails, a tenth of it helps significantly, and all above 1e-6 diverge (4.3.6)."""
    failing, limit = text.cell("failing learning rate"), text.cell("largest rate that converges")
    return judge(
        failing / 10 <= limit,
        f"{failing / 10:.0e} should help, but it is {failing / 10 / limit:.0f} times the {limit:.0e} above "
        f"which the loss diverges",
    )


@check("chang-d32", "chang2021-text")
def dropout_80_is_one_thing(text):
    """Dropout with a probability of 80 % (4.2.1)."""
    share, units = text.cell("dropout of FP68") / 100, text.cell("units before dropout")
    return weigh(
        {"dropped": True, "kept": share == 0.5},
        f"of {units:.0f} units {units * (1 - share):.1f} are left if it drops, {units * share:.1f} if it keeps",
    )


# ------------------------------------------------------------------ FER2013


@check("chang-d25", "chang2021-text", "chang2021-t4_3")
def transfer_gains_5_points(text, t):
    """Transfer from faces beats the same architecture by around 5 % (4.3.8)."""
    (ours,), (other,) = (t.column(source=s).values() for s in ("Ours", "Y. G[84]"))
    return judge(
        abs(ours - other - text.cell("gain of transfer")) < 0.6,
        f"{ours:.2f} - {other:.2f} = {ours - other:.2f} points",
    )


@check("chang-d26", "chang2021-t4_3")
def result_on_fer2013_is_best(t):
    """The best current results on FER2013 (summary)."""
    values = sorted(((v, k[0]) for k, v in t.column().items()), reverse=True)
    return judge(
        values[0][1] == "Ours",
        "; ".join(f"{name} {v:.2f}" for v, name in values) + "; section 4.3.8 makes no such claim",
    )


@check("chang-d27", "chang2021-text", "chang2021-t4_3")
def fer2013_rose_by_4_points(text, t):
    """In eight years FER-2013 rose by about 4 percent to 76.8 (5.1.2)."""
    (challenge,), top = (
        t.column(source="FER2013[85]").values(),
        text.cell("accuracy reported on FER-2013"),
    )
    return judge(
        abs(top - challenge - text.cell("rise on FER-2013")) < 0.75,
        f"{top:.2f} - {challenge:.2f} = {top - challenge:.2f} over the challenge's result; "
        f"the text says {text.cell('rise on FER-2013'):.0f}",
    )


@check("chang-d29", "chang2021-text")
def happy_is_20_times_disgust(text):
    """Happy has almost 20 times the 436 images of disgust (4.3.4)."""
    disgust, times = text.cell("images of disgust"), text.cell("happy over disgust, times")
    return judge(
        disgust * times <= 7215 * 1.05,
        f"{times:.0f} x {disgust:.0f} = {times * disgust:.0f}; the public file has 7,215 happy images: "
        f"{7215 / disgust:.2f} times",
    )


@check("chang-d40", "chang2021-text")
def fer2013_counts_add_up(text):
    """28,709 + 3,589 + 3,589 images (4.3.3)."""
    total = text.cell("training images of FER2013") + 2 * text.cell("test images of FER2013, each")
    return judge(
        total == 35887,
        f"{text.cell('training images of FER2013'):,.0f} + 2 x "
        f"{text.cell('test images of FER2013, each'):,.0f} = {total:,.0f}, the public file has 35,887",
    )


@check("chang-d31", "chang2021-t4_3")
def citations_of_table43_fit(t):
    """S. A and A. F is reference [77] (Table 4.3)."""
    cited = [name for name in t.labels("source") if name.endswith("[77]")]
    return judge(
        not cited, f"[77] is the paper of the CK+ data set, not of {cited[0].split('[')[0]}"
    )
