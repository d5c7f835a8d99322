"""Checks on yin2022: emotion as a path in the valence-arousal plane, Tables 1-4."""

import math

from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    first,
    judge,
    listed,
    rising,
    undecided,
    weigh,
)

SMALL, DEEP = "CNN+RNN(10)", "CNN+RNN(10, 10, 5)"
SEEN, UNSEEN = "Training and Validation", "Testing"
RUNS, IQR = "mean of 5 runs", "IQR"
ACCURACY, PN = "Average Accuracy", "Average PN Accuracy"
METRICS = (ACCURACY, PN, "Average Macro-Precision", "Average Macro-Recall")

check = Checks("yin2022")


def anchors(t2: Table) -> dict[str, tuple[float, float]]:
    """Emotion -> (valence, arousal) of Table 2."""
    valence, arousal = t2.column(metric="Valence"), t2.column(metric="Arousal")
    return {name: (valence[name], arousal[name]) for name in valence}


def scores(t3: Table, metric: str, data: str, statistic: str = RUNS) -> dict[str, float]:
    """Model -> one printed score."""
    return {model: t3.cell(model, data, statistic, metric) for model in (SMALL, DEEP)}


def _by_system(column: dict) -> dict[str, float]:
    """'[18] CK+' (reference and data set) -> accuracy."""
    return {f"{key[0]} {key[2]}": value for key, value in column.items()}


def _and(values: dict[str, float]) -> str:
    return " and ".join(f"{v:.2f}" for v in values.values())


def _data(data: str) -> str:
    """'training' or 'testing'."""
    return first(data).lower()


# ---- seen against unseen


def _peak(metric: str, peak: float, t3: Table):
    seen, unseen = scores(t3, metric, SEEN), scores(t3, metric, UNSEEN)
    return weigh(
        {
            "seen speakers": max(seen.values()) >= peak,
            "unseen speakers": max(unseen.values()) >= peak,
        },
        f"{_and(seen)} on training and validation, {_and(unseen)} on unseen speakers; "
        f"the text says {peak:.2f}",
    )


@check("yin-c1")
def peak_accuracy_is_on_unseen_people(text, t3):
    return _peak(ACCURACY, text.cell("peak accuracy"), t3)


@check("yin-c1_2")
def table4_compares_like_with_like(t3, t4):
    ours = t4.cell("This research", "CNN-RNN", "ADFES", "Dynamic", "Continuous")
    unseen = scores(t3, ACCURACY, UNSEEN)
    return judge(
        ours <= max(unseen.values()) + 0.005,
        f"{ours:.2f} is the training and validation score; on unseen speakers {_and(unseen)}",
    )


@check("yin-c1_3")
def only_ckplus_is_above(t4):
    values = t4.column()
    ours = values.pop(("This research", "CNN-RNN", "ADFES", "Dynamic", "Continuous"))
    same = _by_system({k: v for k, v in values.items() if k[1] == "CNN-RNN"})
    others = _by_system({k: v for k, v in values.items() if k[1] != "CNN-RNN"})
    above = [name for name, v in same.items() if v > ours]
    return judge(
        above == ["[18] CK+"],
        f"{ours:.2f} against {listed(same)}; same data, other method: {listed(others)}",
    )


@check("yin-c16")
def unseen_people_are_harder(t3):
    words, worse = [], []
    for metric in METRICS:
        seen, unseen = scores(t3, metric, SEEN), scores(t3, metric, UNSEEN)
        worse += [unseen[model] < seen[model] - 0.05 for model in seen]
        words.append(f"{metric.removeprefix('Average ')} {_and(seen)} to {_and(unseen)}")
    return judge(all(worse), "; ".join(words))


@check("yin-c2")
def pn_beats_always_negative(t2, t3):
    valence = t2.column(metric="Valence").values()
    negative = [v for v in valence if v < 0]
    base, unseen = len(negative) / len(valence), scores(t3, PN, UNSEEN)
    return judge(
        min(unseen.values()) > base + 0.05,
        f"PN accuracy {_and(unseen)} (IQR {_and(scores(t3, PN, UNSEEN, IQR))}); answering negative "
        f"always gives {base:.2f}, since {len(negative)} of {len(valence)} emotions have a valence "
        f"below 0 ({min(valence):.2f} to {max(negative):.2f})",
    )


@check("yin-c2_2")
def peak_pn_is_076(text, t3):
    return _peak(PN, text.cell("peak PN accuracy"), t3)


@check("yin-c2_3")
def six_anchors_are_negative(t2):
    valence = t2.column(metric="Valence")
    signs = [(v > 0) - (v < 0) for v in valence.values()]
    counts = [signs.count(sign) for sign in (-1, 1, 0)]
    return judge(
        counts == [6, 3, 1],
        f"{counts[0]} negative, {counts[1]} positive, {counts[2]} neutral: "
        f"{listed(valence, '+.2f')}",
    )


@check("yin-c17")
def both_models_are_alike(t3):
    words, gaps = [], []
    for metric in METRICS:
        for data in (SEEN, UNSEEN):
            small, deep = scores(t3, metric, data).values()
            name = f"{metric.removeprefix('Average ')}, {_data(data)}"
            words.append(f"{name} {deep:.2f} - {small:.2f}")
            gaps.append(abs(deep - small))
    return judge(max(gaps) <= 0.025, "deep - small: " + ", ".join(words))


@check("yin-c7")
def spread_is_low(t3):
    words, shares = [], []
    for data in (SEEN, UNSEEN):
        spread = scores(t3, ACCURACY, data, IQR)
        for model, accuracy in scores(t3, ACCURACY, data).items():
            iqr = spread[model]
            shares.append(iqr / accuracy)
            words.append(f"{model} {_data(data)} {iqr:.2f}/{accuracy:.2f} = {shares[-1]:.2f}")
    return judge(max(shares) < 0.2, "IQR over accuracy: " + ", ".join(words))


@check("yin-c6")
def every_score_has_its_iqr(t3):
    printed = t3.column(statistic=IQR).values()
    return judge(
        len(printed) == 16,
        f"{len(printed)} of 16 are printed (accuracy and PN: {listed(printed)}), "
        f"{16 - len(printed)} are not (precision and recall)",
    )


@check("yin-c18")
def recall_equals_accuracy(t3):
    """With equal classes macro-recall is accuracy: a speaker shows all ten emotions (Table 3)."""
    words, gaps = [], []
    for model in (SMALL, DEEP):
        for data in (SEEN, UNSEEN):
            recall, accuracy = (t3.cell(model, data, RUNS, m) for m in (METRICS[3], ACCURACY))
            words.append(f"{model} {_data(data)} {recall:.2f} and {accuracy:.2f}")
            gaps.append(abs(recall - accuracy))
    return judge(max(gaps) <= 0.011, ", ".join(words) + "; four videos are missing")


@check("yin-c19")
def positives_are_near_100_percent(t3):
    words, possible = [], 0
    for data in (SEEN, UNSEEN):
        left = {m: (accuracy - 0.3) / 0.7 for m, accuracy in scores(t3, ACCURACY, data).items()}
        possible += min(left.values()) >= 0
        words.append(f"{_data(data)} {_and(left)}")
    return undecided(
        f"possible on {possible} of 2 sets: if 3 of 10 classes are right, the other seven have "
        f"an accuracy of {'; '.join(words)}; Fig. 4 shows one round of five"
    )


# ---- data and networks


@check("yin-c3")
def mirrored_speakers_are_new(text):
    people, speakers = text.cells("models", "speakers after mirroring")
    # A test speaker's mirror image is left out of training only if the test set has it too.
    alone = 1 - (text.cell("test speakers") - 1) / (speakers - 1)
    return judge(
        speakers == people,
        f"{speakers:.0f} speakers are {people:.0f} people and their mirror images; drawn freely, a "
        f"test speaker's twin is seen in training or validation with probability {alone:.2f}",
    )


@check("yin-c4")
def every_emotion_has_22_videos(text):
    models, emotions = text.cells("models", "emotions")
    expected, printed = models * emotions, text.cell("frontal videos")
    return judge(
        expected == printed,
        f"{models:.0f} x {emotions:.0f} = {expected:.0f}, printed {printed:.0f}",
    )


@check("yin-c4_2")
def counts_of_videos_agree(text):
    videos, frontal = text.cells("videos", "frontal videos")
    doubled, speakers = text.cells("videos after mirroring", "speakers after mirroring")
    models, test = text.cells("models", "test speakers")
    part = speakers / 11
    return judge(
        videos / 3 == frontal == doubled / 2 and speakers / 2 == models and part == test,
        f"{videos:.0f}/3 = {videos / 3:g}, {doubled:.0f}/2 = {doubled / 2:g} "
        f"(printed {frontal:.0f}), {speakers:.0f}/2 = {speakers / 2:g} (printed {models:.0f}), "
        f"8:2:1 is {8 * part:g}:{2 * part:g}:{part:g} (test {test:.0f})",
    )


@check("yin-c4_3")
def models_add_up(text):
    by_sex = sum(text.cells("female models", "male models"))
    by_origin = sum(text.cells("Mediterranean models", "North European models"))
    models = text.cell("models")
    return judge(
        by_sex == by_origin == models, f"{by_sex:.0f} and {by_origin:.0f}, printed {models:.0f}"
    )


@check("yin-c20")
def last_50_frames_are_the_apex(text):
    used, fps = text.cells("frames used", "frames a second")
    low, high = (s * fps for s in text.cells("shortest video, s", "longest video, s"))
    return judge(
        used / low < 0.5 and used / high < 0.5,
        f"a video has {low:.1f} to {high:.1f} frames; {used:.0f} are "
        f"{100 * (used / high):.0f} to {100 * (used / low):.0f} % of it, the late part",
    )


@check("yin-c5")
def quadrants_give_300_features(text):
    filters, features = text.cells("filters of the third stage", "feature vector")
    return judge(
        4 * filters == features,
        f"4 x {filters:.0f} = {4 * filters:.0f} (4 x 256 = 1024), printed {features:.0f}: "
        f"a layer of {features:.0f} must follow",
    )


@check("yin-c21")
def smaller_network_is_better(text):
    before, after = text.cells("accuracy of the original network", "accuracy after shrinking")
    return undecided(
        f"{after:.0f} - {before:.0f} = {after - before:.0f} points, but {after:.0f} % is a "
        "training and validation score and no table has the sizes between"
    )


# ---- formulas and citations


@check("yin-c12")
def gru_equation_keeps_a_state():
    """Eq. 6, h(t) = (1 - z) h(t-1) + z h(t), updates the state (4.2, Eq. 6)."""
    before, candidate = 0.2, 0.9
    z = 0.4
    printed = (1 - z) * before / (1 - z)  # solved for h(t): the candidate does not occur
    meant = (1 - z) * before + z * candidate
    return judge(
        printed != before,
        f"solved for h(t) it gives {printed:.2f} = h(t-1), whatever the candidate; "
        f"with the candidate of Eq. 5: {meant:.2f}",
    )


@check("yin-c10")
def ccc_of_minus_one_has_slope_one():
    x, y = (-0.5, 0.0, 0.5), (0.5, 0.0, -0.5)
    product, squares = sum(a * b for a, b in zip(x, y)), sum(a * a for a in x)
    slope, ccc = product / squares, 2 * product / (squares + sum(b * b for b in y))
    return judge(slope == 1, f"a mirrored series has CCC {ccc:.0f} and slope {slope:.0f}")


@check("yin-c13")
def contempt_ends_at_fear(text, t2):
    end = [text.cell(f"{axis} at the end of the contempt video") for axis in ("valence", "arousal")]
    distance = rising({name: math.dist(end, place) for name, place in anchors(t2).items()})
    return judge(next(iter(distance)) == "Fear", f"distances {listed(distance, '.3f')}")


@check("yin-c14")
def tables_1_and_4_agree(t1, t4):
    one, four = (_by_system(t.column(reference=("[18]", "[33]"))) for t in (t1, t4))
    words = [f"{system} {v:.2f} and {four.get(system, math.nan):.2f}" for system, v in one.items()]
    return judge(one == four, ", ".join(words))


@check("yin-c8")
def table1_rounds_the_text(text, t1):
    table = _by_system(t1.column())
    items = {
        "[24] CK+": "[25] on CK+",
        "[22] RaFD": "[22] on RaFD",
        "[8] AFEW": "[8] on AFEW",
        "[18] CK+": "[18] on CK+",
        "[18] JAFFE": "[18] on JAFFE",
        "[33] FER2013": "[33]",
        "[35] AFEW+CAER": "[35] on AFEW+CAER",
    }
    percent = {name: text.cell(f"accuracy of {item}") for name, item in items.items()}
    words = [f"{name} {table[name]:.2f} ({value:g} %)" for name, value in percent.items()]
    return judge(
        max(abs(table[name] - value / 100) for name, value in percent.items()) <= 0.0051,
        f"{', '.join(words)}; but the text gives the CK+ result to [25], not [24]",
    )


@check("yin-c9")
def two_systems_have_their_own_accuracy(text):
    a, b = text.cells("accuracy of [27] on FER-2013", "accuracy of [8] on AFEW")
    return judge(a != b, f"{a:.2f} % and {b:.2f} %: one number for two systems and two data sets")
