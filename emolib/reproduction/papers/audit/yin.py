"""Checks on yin2022: emotion as a path in the valence-arousal plane, Tables 1-4."""

from __future__ import annotations

import math

from emolib.reproduction.papers.audit.record import Table, check, judge, undecided, weigh

SMALL, DEEP = "CNN+RNN(10)", "CNN+RNN(10, 10, 5)"
SEEN, UNSEEN = "Training and Validation", "Testing"
RUNS = "mean of 5 runs"
ACCURACY, PN = "Average Accuracy", "Average PN Accuracy"


def anchors(t2: Table) -> dict[str, tuple[float, float]]:
    """Emotion -> (valence, arousal) of Table 2."""
    valence, arousal = t2.column(metric="Valence"), t2.column(metric="Arousal")
    return {name: (valence[name], arousal[name]) for name in valence}


def scores(t3: Table, metric: str, data: str, statistic: str = RUNS) -> dict[str, float]:
    """Model -> one printed score."""
    return {model: t3.cell(model, data, statistic, metric) for model in (SMALL, DEEP)}


def _tell(values) -> str:
    return " and ".join(f"{v:.2f}" for v in values.values())


# ------------------------------------------------------------------ seen against unseen


@check("yin-c1", "yin2022-text", "yin2022-t3")
def peak_accuracy_is_on_unseen_people(text, t3):
    """The peak accuracy is 0.58 (abstract; Table 4)."""
    seen, unseen = scores(t3, ACCURACY, SEEN), scores(t3, ACCURACY, UNSEEN)
    peak = text.cell("peak accuracy")
    return weigh(
        {
            "seen speakers": max(seen.values()) >= peak,
            "unseen speakers": max(unseen.values()) >= peak,
        },
        f"{_tell(seen)} on training and validation, {_tell(unseen)} on unseen speakers; the text says {peak:.2f}",
    )


@check("yin-c1_2", "yin2022-t3", "yin2022-t4")
def table4_compares_like_with_like(t3, t4):
    """Table 4 sets this research beside others on test data (5.2)."""
    ours = t4.cell("This research", "CNN-RNN", "ADFES", "Dynamic", "Continuous")
    unseen = scores(t3, ACCURACY, UNSEEN)
    return judge(
        ours <= max(unseen.values()) + 0.005,
        f"{ours:.2f} is the training and validation score; on unseen speakers {_tell(unseen)}",
    )


@check("yin-c1_3", "yin2022-t4")
def only_ckplus_is_above(t4):
    """Of the two comparable systems only [18] on CK+ is more accurate (5.2)."""
    values = t4.column()
    ours = values["This research", "CNN-RNN", "ADFES", "Dynamic", "Continuous"]
    same = {
        f"{k[0]} {k[2]}": v
        for k, v in values.items()
        if k[1] == "CNN-RNN" and k[0] != "This research"
    }
    others = {f"{k[0]} {k[2]}": v for k, v in values.items() if k[1] != "CNN-RNN"}
    above = [k for k, v in same.items() if v > ours]
    return judge(
        above == ["[18] CK+"],
        f"{ours:.2f} against "
        + ", ".join(f"{k} {v:.2f}" for k, v in same.items())
        + "; same data, other method: "
        + ", ".join(f"{k} {v:.2f}" for k, v in others.items()),
    )


@check("yin-c16", "yin2022-t3")
def unseen_people_are_harder(t3):
    """On unseen speakers both models are considerably worse (5.1)."""
    told, worse = [], []
    for metric in (ACCURACY, PN, "Average Macro-Precision", "Average Macro-Recall"):
        seen, unseen = scores(t3, metric, SEEN), scores(t3, metric, UNSEEN)
        worse += [unseen[m] < seen[m] - 0.05 for m in seen]
        told.append(f"{metric.removeprefix('Average ')} {_tell(seen)} to {_tell(unseen)}")
    return judge(all(worse), "; ".join(told))


@check("yin-c2", "yin2022-t2", "yin2022-t3")
def pn_beats_always_negative(t2, t3):
    """The system tells positive from negative very well, even for unseen people (5.1)."""
    valence = t2.column(metric="Valence")
    negative = [name for name, v in valence.items() if v < 0]
    base, unseen = len(negative) / len(valence), scores(t3, PN, UNSEEN)
    iqr = scores(t3, PN, UNSEEN, "IQR")
    return judge(
        min(unseen.values()) > base + 0.05,
        f"PN accuracy {_tell(unseen)} (IQR {_tell(iqr)}); answering negative always gives {base:.2f}, since "
        f"{len(negative)} of {len(valence)} emotions have a valence below 0 ({min(valence.values()):.2f} to "
        f"{max(valence[n] for n in negative):.2f})",
    )


@check("yin-c2_2", "yin2022-text", "yin2022-t3")
def peak_pn_is_076(text, t3):
    """The peak PN accuracy is 0.76 (abstract; 6)."""
    seen, unseen = scores(t3, PN, SEEN), scores(t3, PN, UNSEEN)
    peak = text.cell("peak PN accuracy")
    return weigh(
        {
            "seen speakers": max(seen.values()) >= peak,
            "unseen speakers": max(unseen.values()) >= peak,
        },
        f"{_tell(seen)} on training and validation, {_tell(unseen)} on unseen speakers; the text says {peak:.2f}",
    )


@check("yin-c2_3", "yin2022-t2")
def six_anchors_are_negative(t2):
    """Six emotions are negative, three positive, one neutral (4.4)."""
    valence = t2.column(metric="Valence")
    sign = {k: (v > 0) - (v < 0) for k, v in valence.items()}
    counts = [list(sign.values()).count(s) for s in (-1, 1, 0)]
    return judge(
        counts == [6, 3, 1],
        f"{counts[0]} negative, {counts[1]} positive, {counts[2]} neutral: "
        + ", ".join(f"{k} {v:+.2f}" for k, v in valence.items()),
    )


@check("yin-c17", "yin2022-t3")
def both_models_are_alike(t3):
    """The two networks have similar performance (5.1)."""
    found = {
        f"{metric.removeprefix('Average ')}, {data.split()[0].lower()}": scores(t3, metric, data)
        for metric in (ACCURACY, PN, "Average Macro-Precision", "Average Macro-Recall")
        for data in (SEEN, UNSEEN)
    }
    return judge(
        max(abs(v[DEEP] - v[SMALL]) for v in found.values()) <= 0.025,
        "deep - small: "
        + ", ".join(f"{k} {v[DEEP]:.2f} - {v[SMALL]:.2f}" for k, v in found.items()),
    )


@check("yin-c7", "yin2022-t3")
def spread_is_low(t3):
    """The interquartile range is low (5.1)."""
    iqr = {data: scores(t3, ACCURACY, data, "IQR") for data in (SEEN, UNSEEN)}
    mean = {data: scores(t3, ACCURACY, data) for data in (SEEN, UNSEEN)}
    share = {(d, m): iqr[d][m] / mean[d][m] for d in iqr for m in iqr[d]}
    return judge(
        max(share.values()) < 0.2,
        "IQR over accuracy: "
        + ", ".join(
            f"{m} {d.split()[0].lower()} {iqr[d][m]:.2f}/{mean[d][m]:.2f} = {v:.2f}"
            for (d, m), v in share.items()
        ),
    )


@check("yin-c6", "yin2022-t3")
def every_score_has_its_iqr(t3):
    """The numbers in brackets are IQR values, announced for each column (Table 3)."""
    printed = t3.column(statistic="IQR")
    absent = 16 - len(printed)
    return judge(
        absent == 0,
        f"{len(printed)} of 16 are printed (accuracy and PN: {', '.join(f'{v:.2f}' for v in printed.values())}), "
        f"{absent} are not (precision and recall)",
    )


@check("yin-c18", "yin2022-t3")
def recall_equals_accuracy(t3):
    """With equal classes macro-recall is accuracy: each speaker shows all ten emotions (Table 3)."""
    pairs = {
        (m, d): (t3.cell(m, d, RUNS, "Average Macro-Recall"), t3.cell(m, d, RUNS, ACCURACY))
        for m in (SMALL, DEEP)
        for d in (SEEN, UNSEEN)
    }
    return judge(
        all(abs(a - b) <= 0.011 for a, b in pairs.values()),
        ", ".join(
            f"{m} {d.split()[0].lower()} {a:.2f} and {b:.2f}" for (m, d), (a, b) in pairs.items()
        )
        + "; four videos are missing",
    )


@check("yin-c19", "yin2022-t3")
def positives_are_near_100_percent(t3):
    """All positive emotions are recognised near 100 %, the negative ones much worse (5.1)."""
    left = {
        d: {m: (v - 0.3) / 0.7 for m, v in scores(t3, ACCURACY, d).items()} for d in (SEEN, UNSEEN)
    }
    possible = {d: all(v >= 0 for v in found.values()) for d, found in left.items()}
    rest = "; ".join(f"{d.split()[0].lower()} {_tell(found)}" for d, found in left.items())
    return undecided(
        f"possible on {sum(possible.values())} of 2 sets: if 3 of 10 classes are right, the other seven have "
        f"an accuracy of {rest}; "
        "Fig. 4 shows one round of five"
    )


# ------------------------------------------------------------------ data and networks


@check("yin-c3", "yin2022-text")
def mirrored_speakers_are_new(text):
    """After mirroring there are 44 speakers (4.5, steps 4 and 5)."""
    people, speakers = text.cell("models"), text.cell("speakers after mirroring")
    test = text.cell("test speakers")
    # a test speaker's mirror image is left out of training only if it is drawn for the test set too
    alone = 1 - (test - 1) / (speakers - 1)
    return judge(
        speakers == people,
        f"{speakers:.0f} speakers are {people:.0f} people and their mirror images; drawn freely, a test "
        f"speaker's twin is seen in "
        f"training or validation with probability {alone:.2f}",
    )


@check("yin-c4", "yin2022-text")
def every_emotion_has_22_videos(text):
    """22 videos for each of ten emotions, 216 frontal videos (3.1)."""
    expected = text.cell("models") * text.cell("emotions")
    return judge(
        expected == text.cell("frontal videos"),
        f"{text.cell('models'):.0f} x {text.cell('emotions'):.0f} = {expected:.0f}, printed "
        f"{text.cell('frontal videos'):.0f}",
    )


@check("yin-c4_2", "yin2022-text")
def counts_of_videos_agree(text):
    """648 videos in three views, 432 and 44 after mirroring, 8:2:1 (3.1; 4.5)."""
    third, frontal = text.cell("videos") / 3, text.cell("frontal videos")
    doubled = text.cell("videos after mirroring") / 2
    people = text.cell("speakers after mirroring") / 2
    part = text.cell("speakers after mirroring") / 11
    return judge(
        third == frontal == doubled
        and people == text.cell("models")
        and part == text.cell("test speakers"),
        f"{text.cell('videos'):.0f}/3 = {third:g}, {text.cell('videos after mirroring'):.0f}/2 = {doubled:g} "
        f"(printed {frontal:.0f}), "
        f"{text.cell('speakers after mirroring'):.0f}/2 = {people:g} (printed {text.cell('models'):.0f}), "
        f"8:2:1 is {8 * part:g}:{2 * part:g}:{part:g} (test {text.cell('test speakers'):.0f})",
    )


@check("yin-c4_3", "yin2022-text")
def models_add_up(text):
    """22 models: 10 female and 12 male, 10 Mediterranean and 12 North European (3.1)."""
    sums = [
        text.cell(a) + text.cell(b)
        for a, b in (
            ("female models", "male models"),
            ("Mediterranean models", "North European models"),
        )
    ]
    return judge(
        all(s == text.cell("models") for s in sums),
        f"{sums[0]:.0f} and {sums[1]:.0f}, printed {text.cell('models'):.0f}",
    )


@check("yin-c20", "yin2022-text")
def last_50_frames_are_the_apex(text):
    """Only the last 50 frames of a video are used (4.5, step 6)."""
    frames = [
        text.cell(k) * text.cell("frames a second")
        for k in ("shortest video, s", "longest video, s")
    ]
    share = [text.cell("frames used") / f for f in frames]
    return judge(
        all(s < 0.5 for s in share),
        f"a video has {frames[0]:.1f} to {frames[1]:.1f} frames; {text.cell('frames used'):.0f} are "
        f"{100 * share[1]:.0f} to {100 * share[0]:.0f} % of it, the late part",
    )


@check("yin-c5", "yin2022-text")
def quadrants_give_300_features(text):
    """258 filters and quadrant pooling make a feature vector of 300 (4.1)."""
    filters, features = text.cell("filters of the third stage"), text.cell("feature vector")
    return judge(
        4 * filters == features,
        f"4 x {filters:.0f} = {4 * filters:.0f} (4 x 256 = 1024), printed {features:.0f}: a layer of "
        f"{features:.0f} must follow",
    )


@check("yin-c21", "yin2022-text")
def smaller_network_is_better(text):
    """Fewer hidden layers and units raised the accuracy from 38 to 58 % (4.2)."""
    before, after = (
        text.cell("accuracy of the original network"),
        text.cell("accuracy after shrinking"),
    )
    return undecided(
        f"{after:.0f} - {before:.0f} = {after - before:.0f} points, but {after:.0f} % is a training and "
        f"validation score and no table has the sizes between"
    )


# ------------------------------------------------------------------ formulas and citations


@check("yin-c12")
def gru_equation_keeps_a_state():
    """Eq. 6, h(t) = (1 - z) h(t-1) + z h(t), updates the state (4.2, Eq. 6)."""
    before, candidate, z = 0.2, 0.9, 0.4
    printed = (1 - z) * before / (1 - z)  # solved for h(t): the candidate does not occur
    meant = (1 - z) * before + z * candidate
    return judge(
        printed != before,
        f"solved for h(t) it gives {printed:.2f} = h(t-1), whatever the candidate; with the candidate of Eq. "
        f"5: {meant:.2f}",
    )


@check("yin-c10")
def ccc_of_minus_one_has_slope_one():
    """CCC near -1 means a slope near 1 (4.3, said once so and once with -1)."""
    x = [-0.5, 0.0, 0.5]
    y = [-v for v in x]
    slope = sum(a * b for a, b in zip(x, y)) / sum(a * a for a in x)
    ccc = 2 * sum(a * b for a, b in zip(x, y)) / (sum(a * a for a in x) + sum(b * b for b in y))
    return judge(slope == 1, f"a mirrored series has CCC {ccc:.0f} and slope {slope:.0f}")


@check("yin-c13", "yin2022-text", "yin2022-t2")
def contempt_ends_at_fear(text, t2):
    """The contempt video ends at (-0.20, 0.45), taken for fear (5.3)."""
    point = (
        text.cell("valence at the end of the contempt video"),
        text.cell("arousal at the end of the contempt video"),
    )
    distance = {name: math.dist(point, xy) for name, xy in anchors(t2).items()}
    order = sorted(distance, key=distance.get)
    return judge(
        order[0] == "Fear",
        "distances " + ", ".join(f"{name} {distance[name]:.3f}" for name in order),
    )


@check("yin-c14", "yin2022-t1", "yin2022-t4")
def tables_1_and_4_agree(t1, t4):
    """[18] and [33] have the same accuracy in Tables 1 and 4."""
    first, fourth = (
        {(k[0], k[2]): v for k, v in t.column(reference=("[18]", "[33]")).items()} for t in (t1, t4)
    )
    return judge(
        first == fourth,
        ", ".join(
            f"{k[0]} {k[1]} {v:.2f} and {fourth.get(k, float('nan')):.2f}" for k, v in first.items()
        ),
    )


@check("yin-c8", "yin2022-text", "yin2022-t1")
def table1_rounds_the_text(text, t1):
    """Table 1 gives the accuracies of section 2, rounded (2; Table 1)."""
    table = {k[0] + " " + k[2]: v for k, v in t1.column().items()}
    said = {
        "[24] CK+": "accuracy of [25] on CK+",
        "[22] RaFD": "accuracy of [22] on RaFD",
        "[8] AFEW": "accuracy of [8] on AFEW",
        "[18] CK+": "accuracy of [18] on CK+",
        "[18] JAFFE": "accuracy of [18] on JAFFE",
        "[33] FER2013": "accuracy of [33]",
        "[35] AFEW+CAER": "accuracy of [35] on AFEW+CAER",
    }
    gaps = {k: abs(table[k] - text.cell(item) / 100) for k, item in said.items()}
    return judge(
        max(gaps.values()) <= 0.0051,
        ", ".join(f"{k} {table[k]:.2f} ({text.cell(said[k]):g} %)" for k in said)
        + "; but the text gives the CK+ result to [25], not [24]",
    )


@check("yin-c9", "yin2022-text")
def two_systems_have_their_own_accuracy(text):
    """[27] on FER-2013 and [8] on AFEW have accuracies of their own (2.1)."""
    a, b = text.cell("accuracy of [27] on FER-2013"), text.cell("accuracy of [8] on AFEW")
    return judge(a != b, f"{a:.2f} % and {b:.2f} %: one number for two systems and two data sets")
