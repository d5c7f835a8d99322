"""Scales and stability: checks on orgil2021 Tables 2-4 and their copies in the thesis."""

import math
from itertools import product

import numpy as np

from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    all_agree,
    first,
    judge,
    listed,
    mean,
    weigh,
)

LOSSES = ("MSE", "CCC", "Non-Inertial")
FULL, NI = "Full Network", "Non-Inertial"

check, thesis_check = Checks("orgil2021"), Checks("orgil2022")


def own(table2: Table, metric: str | None = None) -> dict[str, list[float]]:
    """For each training loss its five values in `metric`, by default in that loss itself."""
    columns = {loss: table2.column(train_loss=loss, metric=metric or loss) for loss in LOSSES}
    return {loss: list(column.values()) for loss, column in columns.items()}


def spread(table2: Table, metric: str | None = None) -> dict[str, float]:
    """Sum of squared deviations from the mean over the five trainings, for each training loss."""
    rows = {loss: np.array(values) for loss, values in own(table2, metric).items()}
    return {loss: float(((values - values.mean()) ** 2).sum()) for loss, values in rows.items()}


# ---- the columns of Table 2


@check("orgil-a3_1")
def averages_are_means_of_the_own_loss(t2):
    means, printed = {loss: mean(v) for loss, v in own(t2).items()}, own(t2, "Average")
    gaps = [abs(means[loss] - cell) for loss in LOSSES for cell in printed[loss]]
    return judge(
        max(gaps) <= 0.001,
        f"{listed(means, '.4f')}; largest gap to the 15 printed cells {max(gaps):.4f}, "
        f"all together {sum(gaps):.4f}",
    )


@check("orgil-a3_1")
def differences_are_squared_deviations(t2):
    """Differences are the squared deviations from the mean of the loss trained with (Table 2)."""
    printed, gaps = own(t2, "Differences"), []
    for loss, values in own(t2).items():
        deviations = np.abs(np.array(values) - np.mean(values))
        gaps += list(np.abs(np.sqrt(np.maximum(printed[loss], 0)) - deviations))
    return judge(
        max(gaps) <= 0.001,
        "15 cells: root of the printed cell against the deviation, "
        f"largest gap {max(gaps):.6f}, all together {sum(gaps):.6f}",
    )


@check("orgil-a3_1")
def sums_add_the_differences(t2):
    """Sum adds the five differences of each loss (Table 2)."""
    added = {loss: sum(v) for loss, v in own(t2, "Differences").items()}
    printed = {loss: sum(v) for loss, v in own(t2, "Sum").items()}
    gap = max(abs(added[loss] - printed[loss]) for loss in LOSSES)
    return judge(gap <= 1e-6, f"{listed(added, '.7f')}; printed {listed(printed, '.6f')}")


@check("orgil-a3_5")
def table2_is_the_full_network_of_table4(t2, t4):
    full, here = t4.column(network=FULL), t2.column(metric=LOSSES)
    return all_agree([here[key] == v for key, v in full.items()], "cells are equal")


# ---- who is stable


def _most_stable(words: str, values: dict[str, float]):
    return judge(min(values, key=values.get) == NI, f"{words}: {listed(values, '.6f')}")


@check("orgil-a3_2")
def ni_is_most_stable_in_its_own_scale(t2):
    """Each loss measured in itself: the comparison that Table 2 prints (3.4.2)."""
    return _most_stable("sums of squares, each in its own unit", spread(t2))


@check("orgil-a3_2")
def ni_is_most_stable_in_ccc(t2):
    """All three losses measured in CCC (Table 2, the CCC column)."""
    return _most_stable("sums of squares of CCC", spread(t2, "CCC"))


@check("orgil-a3_2")
def ni_is_most_stable_in_mse(t2):
    """All three losses measured in MSE (Table 2, the MSE column)."""
    return _most_stable("sums of squares of MSE", spread(t2, "MSE"))


@check("orgil-a3_2")
def ni_is_more_stable_than_ccc_training(t2):
    scales = {metric: spread(t2, metric) for metric in ("CCC", "MSE")}
    words = [
        f"in {metric}: NI {s[NI]:.6f}, CCC {s['CCC']:.6f}, MSE {s['MSE']:.6f}"
        for metric, s in scales.items()
    ]
    return weigh({metric: s[NI] < s["CCC"] for metric, s in scales.items()}, "; ".join(words))


@check("orgil-a3_3")
def five_trainings_are_folds(text):
    folds, held_out = text.cells("trainings called 5-fold", "held-out share of the five trainings")
    share = 100 / folds
    return weigh(
        {"folds": abs(share - held_out) < 1, "repeats": held_out <= share},
        f"{folds:.0f} folds hold out {share:.0f} %, the table says {held_out:.0f} %: "
        "five repeats fit, five folds do not",
    )


@check("orgil-a3_4")
def one_run_tells_what_five_tell(t3, t4):
    single = t3.column(sequence_length="256", metric="CCC")
    outside, gaps = [], []
    for (network, loss), ccc in single.items():
        five = t4.column(network=network, train_loss=loss, metric="CCC").values()
        gaps.append(ccc - mean(five))
        if not min(five) <= ccc <= max(five):
            outside.append(f"{first(network)}/{loss}")
    return judge(
        not outside,
        f"{len(outside)} of {len(single)} single runs lie outside ({', '.join(outside)}); "
        f"distance from the mean of five {mean(np.abs(gaps)):.4f} on average, "
        f"with its sign {mean(gaps):+.5f}",
    )


# ---- units


def _ccc_in_all(tables, **where) -> list[float]:
    columns = [table.column(metric="CCC", **where) for table in tables]
    return [value for column in columns for value in column.values()]


@check("orgil-a2_1")
def ccc_column_is_a_mean(t3, t4, t5):
    ccc = _ccc_in_all((t3, t4, t5))
    return weigh(
        {"mean, at most 1": max(ccc) <= 1, "sum, at most 2": not max(ccc) <= 2},
        f"largest of {len(ccc)} is {max(ccc):.3f}, their mean {mean(ccc):.5f}: below 1 and below 2",
    )


@check("orgil-a2_2")
def best_run_reaches_086_and_0404(text, t3, t4, t5):
    both = sum(text.cells("best CCC of arousal", "best CCC of valence"))
    full = _ccc_in_all((t3, t4, t5), network=FULL)
    return weigh(
        {"mean": both / 2 <= max(full), "sum": both <= max(full)},
        f"mean {both / 2:.3f}, sum {both:.3f}; the largest of {len(full)} printed CCC of the "
        f"Full network is {max(full):.3f}, their mean {mean(full):.5f}",
    )


@thesis_check("orgil-a2_3")
def feature_transformer_beats_the_full_network(t4_3, a1, a2, a3):
    valence, arousal = (t4_3.cell("Feature Transformer", "Ours", m) for m in ("Valence", "Arousal"))
    both, full = valence + arousal, _ccc_in_all((a1, a2, a3), network=FULL)
    return weigh(
        {"means": both / 2 > max(full), "sums": both > max(full)},
        f"mean {both / 2:.4f} or sum {both:.4f} against at most {max(full):.3f} in {len(full)} "
        f"rows of the Full network, mean {mean(full):.5f}; not said to be the same videos",
    )


@check("orgil-a2_4")
def labels_lie_between_0_and_1(t5):
    rows = t5.column(train_loss="CCC", network=(FULL, "Pose Network"), metric="MSE")
    largest, *others = sorted(rows.values(), reverse=True)
    return weigh(
        {"labels and outputs in [0, 1]": largest <= 2, "outputs free": True},
        f"an MSE of {largest:.3f} (then {listed(others, '.3f')}) is more than the 2 that two axes "
        "in [0, 1] allow",
    )


# ---- one set of numbers in two documents


COPIES = {  # of the thesis and of the paper: what the check is called, what is repeated
    ("t1_1", "t1"): ("the_signs", "Table 1.1 is the paper's Table 1"),
    ("t4_2", "t2"): ("the_five_trainings", "Table 4.2 is the paper's Table 2"),
    ("a1", "t3"): ("the_10_percent_table", "Appendix Table 1 is the paper's Table 3"),
    ("a2", "t4"): ("the_repeats", "Appendix Table 2 is the paper's Table 4"),
    ("a3", "t5"): ("the_30_percent_table", "Appendix Table 3 is the paper's Table 5"),
}


def _equal_cells(*tables: Table):
    """Copies and originals in turn: how many cells are the same?"""
    same = []
    for copy, original in zip(tables[::2], tables[1::2]):
        a, b = copy.column(), original.column()
        for key in a | b:
            same.append(math.isclose(a.get(key, math.nan), b.get(key, math.nan), abs_tol=1e-12))
    return all_agree(same, "cells are equal")


all_copies: list[str] = []
for (mine, theirs), (name, source) in COPIES.items():
    pair = [f"orgil2022-{mine}", f"orgil2021-{theirs}"]
    check.add(f"thesis_repeats_{name}", "orgil-a0_1", pair, _equal_cells, f"Thesis {source}.")
    all_copies += pair
check.add("thesis_repeats_all_five_tables", "orgil-a0_1", all_copies, _equal_cells)


@check("orgil-a0_2")
def table3_has_all_settings(t3):
    rows = {path[:3] for path in t3.paths}
    settings = list(product(*map(t3.labels, ("network", "train_loss", "sequence_length"))))
    missing = ["/".join(row) for row in settings if row not in rows]
    words = ", ".join(missing) or "none"
    return judge(not missing, f"{len(rows)} of {len(settings)} rows; missing: {words}")
