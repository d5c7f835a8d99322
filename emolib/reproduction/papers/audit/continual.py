"""Continual learning: checks on the thesis orgil2022, sections 1.3.2, 3.3 and 4.4, Tables 1.3 and 4.4."""

from __future__ import annotations

from emolib.reproduction.papers.audit.record import Table, check, judge, undecided, weigh

TOTAL, TRAINED = "Total parameters", "Trainable parameters"
FEATURES = 120  # what enters the last layer of the identified network
TASKS = ("5", "10", "15", "20", "25")  # the printed column "original classes" of the five task rows
ALL_LETTERS = ("26", "0")


def emnist_body() -> dict[str, int]:
    """Parameters of the network behind Table 4.4 without its head, layer by layer.

    Conv 1-32 (3x3), BatchNorm, pool; Conv 32-64 (3x3, no padding), BatchNorm, pool; 2304 -> 600 -> 120:
    the network of a public Fashion-MNIST lesson. 28 pixels become 14, 12, 6, and 6 x 6 x 64 = 2304.
    """
    return {
        "conv 1-32": 32 * 9 + 32,
        "norm 32": 2 * 32,
        "conv 32-64": 64 * 32 * 9 + 64,
        "norm 64": 2 * 64,
        "2304-600": 2304 * 600 + 600,
        "600-120": 600 * FEATURES + FEATURES,
    }


def rows_of_head(total: float) -> float:
    """How many rows of 120 weights and a bias stand over the body of `emnist_body`."""
    return (total - sum(emnist_body().values())) / (FEATURES + 1)


def heads(t4_4: Table) -> dict[tuple[str, str], float]:
    """(original, new classes) -> rows of the head."""
    return {key: rows_of_head(total) for key, total in t4_4.column(metric=TOTAL).items()}


@check("orgil-a6_15", "orgil2022-t4_4")
def new_head_has_an_unknown_class(t):
    """Each new head has its five classes and an unknown one (3.3.1)."""
    trained = [t.cell(k, "5", TRAINED) for k in TASKS]
    six, five = 6 * (FEATURES + 1), 5 * (FEATURES + 1)
    return judge(
        all(v == six for v in trained),
        f"{sum(v == six for v in trained)} of 5 rows train 6 x 121 = {six}, "
        f"{sum(v == five for v in trained)} train 5 x 121 = {five}",
    )


@check("orgil-a6_15_2", "orgil2022-t4_4")
def model_is_a_resnet18(t):
    """The model that learns continually is a ResNet18 (3.3)."""
    resnet = 11_176_512  # without head; see audit.counting
    trained = [t.cell(k, "5", TRAINED) for k in TASKS]
    total = t.cell("5", "5", TOTAL)
    return judge(
        total > resnet or any(v in (5 * 513, 6 * 513) for v in trained),
        f"{total:,.0f} parameters against {resnet:,}; heads of "
        + ", ".join(f"{v:.0f}" for v in trained)
        + " against 2,565 or 3,078",
    )


@check("orgil-f8", "orgil2022-t4_4")
def totals_are_rows_of_121_over_one_body(t):
    """All totals are one body and whole rows of 120 weights and a bias (Table 4.4)."""
    rows, body = heads(t), sum(emnist_body().values())
    return judge(
        all(r == int(r) for r in rows.values()),
        f"{body:,} + 121 x " + ", ".join(f"{rows[k]:g}" for k in sorted(rows, key=rows.get)),
    )


@check("orgil-f8_2", "orgil2022-t4_4")
def merged_head_has_one_unknown_row(t):
    """The merged head has N + 1 rows: the classes seen so far and one unknown (3.3.1, Eq. 3.11)."""
    rows = {
        k: rows_of_head(t.cell(k, "5", TOTAL)) for k in TASKS
    }  # five tasks of five letters: 5 to 25 seen
    return judge(
        all(r == int(k) + 1 for k, r in rows.items()),
        ", ".join(f"{k} seen: {r:g} rows" for k, r in rows.items()),
    )


@check("orgil-a6_16", "orgil2022-t4_4")
def totals_grow_by_the_new_head(t):
    """Each task adds the 605 parameters it trains (4.4)."""
    totals = [t.cell(k, "5", TOTAL) for k in TASKS]
    trained = [t.cell(k, "5", TRAINED) for k in TASKS]
    steps = [b - a for a, b in zip(totals, totals[1:])]
    return judge(
        all(s == v for s, v in zip(steps, trained[1:])) and trained[0] == trained[1],
        f"from {totals[0]:,.0f}: "
        + ", ".join(f"{s:+.0f}" for s in steps)
        + "; trained "
        + ", ".join(f"{v:.0f}" for v in trained),
    )


@check("orgil-a6_16_2", "orgil2022-t4_4")
def all_letters_row_has_26_outputs(t):
    """The row with 26 classes has 26 outputs, or 27 with the unknown one (Table 4.4)."""
    total, trained, first = (
        t.cell(*ALL_LETTERS, TOTAL),
        t.cell(*ALL_LETTERS, TRAINED),
        t.cell("5", "5", TOTAL),
    )
    rows, relative = rows_of_head(total), 5 + (total - first) / (FEATURES + 1)
    return judge(
        rows in (26, 27),
        f"{rows:g} rows over the identified body; {relative:g} if the row 5 + 5 has 5 outputs; all {trained:,.0f} "
        "parameters are trained",
    )


@check("orgil-a6_17", "orgil2022-t4_4")
def classes_stay_within_the_alphabet(t):
    """Original and new classes are letters (Table 4.4)."""
    most = max(int(path[0]) + int(path[1]) for path in t.paths)
    return judge(
        most <= 26,
        f"the last row has {most} classes, the alphabet 26 letters; as classes seen so far it is 25 = 5 x 5",
    )


@check("orgil-a6_18", "orgil2022-text", "orgil2022-t4_4")
def accuracy_falls_by_8_percent(text, t):
    """In each task the accuracy falls by about 8 % (4.4)."""
    claimed, accuracy = (
        text.cell("fall of accuracy by task"),
        [100 * t.cell(k, "5", "Test accuracy") for k in TASKS],
    )
    points = [a - b for a, b in zip(accuracy, accuracy[1:])]
    relative = [100 * p / a for p, a in zip(points, accuracy)]
    return weigh(
        {
            "relative": all(abs(r - claimed) <= 0.55 for r in relative),
            "points": all(abs(p - claimed) <= 0.55 for p in points),
        },
        "relative "
        + ", ".join(f"{r:.1f}" for r in relative)
        + "; points "
        + ", ".join(f"{p:.1f}" for p in points),
    )


@check("orgil-a6_18_2", "orgil2022-text", "orgil2022-t4_4")
def accuracy_ends_at_687(text, t):
    """After five tasks the accuracy is 68.7 %, down from 96.2 (4.4)."""
    first, last = 100 * t.cell("5", "5", "Test accuracy"), 100 * t.cell("25", "5", "Test accuracy")
    ok = (
        abs(first - text.cell("accuracy after the first task")) < 0.05
        and abs(last - text.cell("accuracy after the last task")) < 0.05
    )
    return judge(
        ok,
        f"Table 4.4: {first:.1f} and {last:.1f}; text: {text.cell('accuracy after the first task'):.1f} and "
        f"{text.cell('accuracy after the last task'):.1f}",
    )


@check("orgil-a6_19", "orgil2022-t4_4")
def training_accuracy_stays_above_95(t):
    """Training accuracy is stable at more than 95 % (4.4)."""
    values = t.column(metric="Training accuracy")
    low = {k: v for k, v in values.items() if v <= 0.95}
    return judge(
        not low,
        ", ".join(f"{k} + {new}: {v:.3f}" for (k, new), v in values.items())
        + f"; the row 26 + 0 has test accuracy {t.cell(*ALL_LETTERS, 'Test accuracy'):.3f}",
    )


@check("orgil-a6_20", "orgil2022-t4_4")
def all_work_is_on_cifar100(t):
    """All of the continual learning was done on CIFAR-100 (1.3.2; 3.3)."""
    accuracy = {k: t.cell(*k, "Test accuracy") for k in (ALL_LETTERS, ("25", "5"))}
    return judge(
        not accuracy,
        f"the only table is on EMNIST letters, test accuracy {min(accuracy.values()):.3f} to "
        f"{max(accuracy.values()):.3f}; CIFAR-100 has four captions",
    )


@check("orgil-a6_21", "orgil2022-text", "orgil2022-t1_3")
def cpg_has_one_size(text, t):
    """CPG has one size in text and table (1.3.2, Table 1.3)."""
    after, printed = text.cell("size of CPG after 20 tasks"), t.cell("CPG", "Network size")
    return weigh(
        {"megabytes": abs(after / printed - 1) < 0.1, "two units": True},
        f"{after:.0f} Mb after twenty tasks in the text, {printed:.0f} mega in the table: {after / printed:.1f} times",
    )


@check("orgil-a6_21_2", "orgil2022-text", "orgil2022-t1_3")
def cpg_grows_by_half_each_task(text, t):
    """CPG grows 1.5 times on each of twenty tasks, from 435 Mb to 5.3 Gb (1.3.2)."""
    first, last, growth = (
        text.cell("size of CPG at first"),
        text.cell("size of CPG after 20 tasks"),
        t.cell("CPG", "Network growth"),
    )
    return judge(
        abs(first * growth**20 / last - 1) < 0.1,
        f"{first:.0f} x {growth}^20 = {first * growth**20 / 1e6:,.2f} Tb; "
        f"{last:.0f} / {first:.0f} = {last / first:.2f} is {(last / first) ** 0.05:.4f} a task",
    )


@check("orgil-a6_23", "orgil2022-t4_4")
def alpha_is_the_share_of_old_classes(t):
    """alpha = N / (N + K) (3.3.1)."""
    printed = t.column(metric="Alpha")
    share = {key: int(key[0]) / (int(key[0]) + int(key[1])) for key in printed}
    return judge(
        all(abs(share[k] - v) <= 0.005 for k, v in printed.items()),
        ", ".join(
            f"{k[0]}/({k[0]}+{k[1]}) = {share[k]:.4f} (printed {v:.4g})" for k, v in printed.items()
        ),
    )


@check("orgil-a6_23_2", "orgil2022-t4_4")
def alpha_is_very_large(t):
    """alpha will be very large (3.3.1)."""
    printed = list(t.column(metric="Alpha").values())
    return judge(max(printed) > 1, "a share, below 1: " + ", ".join(f"{v:.4g}" for v in printed))


@check("orgil-a6_26", "orgil2022-text", "orgil2022-t4_4")
def blending_beats_concatenation(text, t):
    """Alpha blending does better than plain concatenation (5.3)."""
    blended, joined = (
        100 * t.cell("25", "5", "Test accuracy"),
        text.cell("accuracy of joined classifiers"),
    )
    return undecided(
        f"{blended:.1f} % is on 25 letters, {joined:.0f} % on 100 classes of pictures: no data set has both numbers"
    )


@check("orgil-f5", "orgil2022-text")
def clahe_clips_its_histogram(text):
    """CLAHE with clip limit 100 on 2 x 2 tiles limits the contrast of a weight image (3.3.2)."""
    limit, tiles, rows, features = (
        text.cell(k)
        for k in (
            "CLAHE clip limit",
            "CLAHE tiles a side",
            "classes of CIFAR-100",
            "features of ResNet18",
        )
    )
    tile = rows * features / tiles**2
    clip = limit * tile / 256
    return undecided(
        f"a tile has {tile:.0f} weights, the limit is {clip:.0f} a bin: it acts only if "
        f"{100 * clip / tile:.0f} % of a tile "
        "share one of 256 values"
    )
