"""Continual learning: checks on the thesis orgil2022, 1.3.2, 3.3 and 4.4, Tables 1.3 and 4.4."""

from emolib.reproduction.papers.audit.record import Checks, Table, judge, listed, undecided, weigh

TOTAL, TRAINED = "Total parameters", "Trainable parameters"
TEST = "Test accuracy"
FEATURES = 120  # what enters the last layer of the identified network
ROW = FEATURES + 1  # parameters of one output
TASKS = ("5", "10", "15", "20", "25")  # the printed column "original classes" of the five task rows
ALL_LETTERS = ("26", "0")

check = Checks("orgil2022")


def emnist_body() -> dict[str, int]:
    """Parameters of the network behind Table 4.4 without its head, layer by layer.

    Conv 1-32 (3x3), BatchNorm, pool; Conv 32-64 (3x3, no padding), BatchNorm, pool; 2304 -> 600 ->
    120: a public Fashion-MNIST lesson. 28 pixels become 14, 12, 6, and 6 x 6 x 64 = 2304.
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
    return (total - sum(emnist_body().values())) / ROW


def _by_task(t4_4: Table, metric: str) -> list[float]:
    return [t4_4.cell(task, "5", metric) for task in TASKS]


def _steps(values: list[float]) -> list[float]:
    return [b - a for a, b in zip(values, values[1:])]


@check("orgil-a6_15")
def new_head_has_an_unknown_class(t4_4):
    trained = _by_task(t4_4, TRAINED)
    six, five = trained.count(6 * ROW), trained.count(5 * ROW)
    return judge(
        six == len(trained),
        f"{six} of 5 rows train 6 x 121 = {6 * ROW}, {five} train 5 x 121 = {5 * ROW}",
    )


@check("orgil-a6_15_2")
def model_is_a_resnet18(t4_4):
    resnet = 11_176_512  # without head; see audit.counting
    trained, total = _by_task(t4_4, TRAINED), t4_4.cell("5", "5", TOTAL)
    return judge(
        total > resnet or any(v in (5 * 513, 6 * 513) for v in trained),
        f"{total:,.0f} parameters against {resnet:,}; heads of {listed(trained, '.0f')} "
        "against 2,565 or 3,078",
    )


@check("orgil-f8")
def totals_are_rows_of_121_over_one_body(t4_4):
    rows = sorted(map(rows_of_head, t4_4.column(metric=TOTAL).values()))
    return judge(
        all(r == int(r) for r in rows),
        f"{sum(emnist_body().values()):,} + 121 x {listed(rows, 'g')}",
    )


@check("orgil-f8_2")
def merged_head_has_one_unknown_row(t4_4):
    """The merged head has N + 1 rows: the classes seen and one unknown (3.3.1, Eq. 3.11)."""
    # Five tasks of five letters: 5 to 25 seen.
    rows = dict(zip(TASKS, map(rows_of_head, _by_task(t4_4, TOTAL))))
    return judge(
        all(r == int(seen) + 1 for seen, r in rows.items()),
        ", ".join(f"{seen} seen: {r:g} rows" for seen, r in rows.items()),
    )


@check("orgil-a6_16")
def totals_grow_by_the_new_head(t4_4):
    totals, trained = _by_task(t4_4, TOTAL), _by_task(t4_4, TRAINED)
    steps = _steps(totals)
    return judge(
        steps == trained[1:] and trained[0] == trained[1],
        f"from {totals[0]:,.0f}: {listed(steps, '+.0f')}; trained {listed(trained, '.0f')}",
    )


@check("orgil-a6_16_2")
def all_letters_row_has_26_outputs(t4_4):
    total, trained = (t4_4.cell(*ALL_LETTERS, metric) for metric in (TOTAL, TRAINED))
    rows, relative = rows_of_head(total), 5 + (total - t4_4.cell("5", "5", TOTAL)) / ROW
    return judge(
        rows in (26, 27),
        f"{rows:g} rows over the identified body; {relative:g} if the row 5 + 5 has 5 outputs; "
        f"all {trained:,.0f} parameters are trained",
    )


@check("orgil-a6_17")
def classes_stay_within_the_alphabet(t4_4):
    most = max(int(path[0]) + int(path[1]) for path in t4_4.paths)
    return judge(
        most <= 26,
        f"the last row has {most} classes, the alphabet 26 letters; "
        "as classes seen so far it is 25 = 5 x 5",
    )


@check("orgil-a6_18")
def accuracy_falls_by_8_percent(text, t4_4):
    claimed = text.cell("fall of accuracy by task")
    accuracy = [100 * value for value in _by_task(t4_4, TEST)]
    points = [-step for step in _steps(accuracy)]
    relative = [100 * p / a for p, a in zip(points, accuracy)]
    return weigh(
        {
            "relative": all(abs(r - claimed) <= 0.55 for r in relative),
            "points": all(abs(p - claimed) <= 0.55 for p in points),
        },
        f"relative {listed(relative, '.1f')}; points {listed(points, '.1f')}",
    )


@check("orgil-a6_18_2")
def accuracy_ends_at_687(text, t4_4):
    first, last = 100 * t4_4.cell("5", "5", TEST), 100 * t4_4.cell("25", "5", TEST)
    before, after = text.cells("accuracy after the first task", "accuracy after the last task")
    return judge(
        abs(first - before) < 0.05 and abs(last - after) < 0.05,
        f"Table 4.4: {first:.1f} and {last:.1f}; text: {before:.1f} and {after:.1f}",
    )


@check("orgil-a6_19")
def training_accuracy_stays_above_95(t4_4):
    values = t4_4.column(metric="Training accuracy")
    return judge(
        min(values.values()) > 0.95,
        ", ".join(f"{old} + {new}: {v:.3f}" for (old, new), v in values.items())
        + f"; the row 26 + 0 has test accuracy {t4_4.cell(*ALL_LETTERS, TEST):.3f}",
    )


@check("orgil-a6_20")
def all_work_is_on_cifar100(t4_4):
    accuracy = [t4_4.cell(*row, TEST) for row in (ALL_LETTERS, ("25", "5"))]
    return judge(
        not accuracy,
        f"the only table is on EMNIST letters, test accuracy {min(accuracy):.3f} to "
        f"{max(accuracy):.3f}; CIFAR-100 has four captions",
    )


@check("orgil-a6_21")
def cpg_has_one_size(text, t1_3):
    after, printed = text.cell("size of CPG after 20 tasks"), t1_3.cell("CPG", "Network size")
    return weigh(
        {"megabytes": abs(after / printed - 1) < 0.1, "two units": True},
        f"{after:.0f} Mb after twenty tasks in the text, {printed:.0f} mega in the table: "
        f"{after / printed:.1f} times",
    )


@check("orgil-a6_21_2")
def cpg_grows_by_half_each_task(text, t1_3):
    first, last = text.cells("size of CPG at first", "size of CPG after 20 tasks")
    growth = t1_3.cell("CPG", "Network growth")
    expected, ratio = first * growth**20, last / first
    return judge(
        abs(expected / last - 1) < 0.1,
        f"{first:.0f} x {growth}^20 = {expected / 1e6:,.2f} Tb; "
        f"{last:.0f} / {first:.0f} = {ratio:.2f} is {ratio**0.05:.4f} a task",
    )


@check("orgil-a6_23")
def alpha_is_the_share_of_old_classes(t4_4):
    """alpha = N / (N + K) (3.3.1)."""
    right, words = [], []
    for (old, new), printed in t4_4.column(metric="Alpha").items():
        share = int(old) / (int(old) + int(new))
        right.append(abs(share - printed) <= 0.005)
        words.append(f"{old}/({old}+{new}) = {share:.4f} (printed {printed:.4g})")
    return judge(all(right), ", ".join(words))


@check("orgil-a6_23_2")
def alpha_is_very_large(t4_4):
    printed = t4_4.column(metric="Alpha").values()
    return judge(max(printed) > 1, f"a share, below 1: {listed(printed, '.4g')}")


@check("orgil-a6_26")
def blending_beats_concatenation(text, t4_4):
    blended, joined = 100 * t4_4.cell("25", "5", TEST), text.cell("accuracy of joined classifiers")
    return undecided(
        f"{blended:.1f} % is on 25 letters, {joined:.0f} % on 100 classes of pictures: "
        "no data set has both numbers"
    )


@check("orgil-f5")
def clahe_clips_its_histogram(text):
    limit, tiles = text.cells("CLAHE clip limit", "CLAHE tiles a side")
    rows, features = text.cells("classes of CIFAR-100", "features of ResNet18")
    tile = rows * features / tiles**2
    clip = limit * tile / 256
    return undecided(
        f"a tile has {tile:.0f} weights, the limit is {clip:.0f} a bin: it acts only if "
        f"{100 * clip / tile:.0f} % of a tile share one of 256 values"
    )
