"""Scales and stability: checks on orgil2021 Tables 2-4 and their copies in the thesis."""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from emolib.reproduction.papers.audit.record import Table, check, judge, weigh

LOSSES = ("MSE", "CCC", "Non-Inertial")
FULL = "Full Network"


def squares(values) -> float:
    """Sum of squared deviations from the mean."""
    return float(((np.array(values) - np.mean(values)) ** 2).sum())


def spread(table2: Table, metric: str) -> dict[str, float]:
    """`squares` over the five trainings, for each training loss, all measured in one metric."""
    return {loss: squares(values) for loss, values in own(table2, metric).items()}


def own(table2: Table, metric: str | None = None) -> dict[str, list[float]]:
    """For each training loss its five values in `metric`, by default in that loss itself."""
    return {
        loss: list(table2.column(train_loss=loss, metric=metric or loss).values())
        for loss in LOSSES
    }


def _told(values: dict[str, float], digits: int = 6) -> str:
    return ", ".join(f"{name} {value:.{digits}f}" for name, value in values.items())


# ------------------------------------------------------------------ the columns of Table 2


@check("orgil-a3_1", "orgil2021-t2")
def averages_are_means_of_the_own_loss(t2):
    """Average is the mean of the five values of the loss that was trained with (Table 2)."""
    means = {loss: float(np.mean(v)) for loss, v in own(t2).items()}
    printed = own(t2, "Average")
    gap = max(abs(means[loss] - cell) for loss in LOSSES for cell in printed[loss])
    total = sum(abs(means[loss] - cell) for loss in LOSSES for cell in printed[loss])
    return judge(
        gap <= 0.001,
        f"{_told(means, 4)}; largest gap to the 15 printed cells {gap:.4f}, all together {total:.4f}",
    )


@check("orgil-a3_1", "orgil2021-t2")
def differences_are_squared_deviations(t2):
    """Differences are the squared deviations from that mean (Table 2)."""
    gaps = []
    for loss, values in own(t2).items():
        deviations = np.abs(np.array(values) - np.mean(values))
        gaps += list(np.abs(np.sqrt(np.maximum(own(t2, "Differences")[loss], 0)) - deviations))
    return judge(
        max(gaps) <= 0.001,
        f"15 cells: root of the printed cell against the deviation, largest gap {max(gaps):.6f}, "
        f"all together {sum(gaps):.6f}",
    )


@check("orgil-a3_1", "orgil2021-t2")
def sums_add_the_differences(t2):
    """Sum adds the five differences of each loss (Table 2)."""
    added = {loss: sum(v) for loss, v in own(t2, "Differences").items()}
    printed = {loss: sum(own(t2, "Sum")[loss]) for loss in LOSSES}
    gap = max(abs(added[loss] - printed[loss]) for loss in LOSSES)
    return judge(gap <= 1e-6, f"{_told(added, 7)}; printed {_told(printed)}")


@check("orgil-a3_5", "orgil2021-t2", "orgil2021-t4")
def table2_is_the_full_network_of_table4(t2, t4):
    """Table 2 is the Full network's part of Table 4 (3.4.2)."""
    full, here = t4.column(network=FULL), t2.column(metric=LOSSES)
    same = sum(here[key] == v for key, v in full.items())
    return judge(same == len(full), f"{same} of {len(full)} cells are equal")


# ------------------------------------------------------------------ who is stable


@check("orgil-a3_2", "orgil2021-t2")
def ni_is_most_stable_in_its_own_scale(t2):
    """Each loss measured in itself: the comparison that Table 2 prints (3.4.2)."""
    values = {loss: squares(v) for loss, v in own(t2).items()}
    return judge(
        min(values, key=values.get) == "Non-Inertial",
        f"sums of squares, each in its own unit: {_told(values)}",
    )


@check("orgil-a3_2", "orgil2021-t2")
def ni_is_most_stable_in_ccc(t2):
    """All three losses measured in CCC (Table 2, the CCC column)."""
    values = spread(t2, "CCC")
    return judge(
        min(values, key=values.get) == "Non-Inertial", f"sums of squares of CCC: {_told(values)}"
    )


@check("orgil-a3_2", "orgil2021-t2")
def ni_is_most_stable_in_mse(t2):
    """All three losses measured in MSE (Table 2, the MSE column)."""
    values = spread(t2, "MSE")
    return judge(
        min(values, key=values.get) == "Non-Inertial", f"sums of squares of MSE: {_told(values)}"
    )


@check("orgil-a3_2", "orgil2021-t2")
def ni_is_more_stable_than_ccc_training(t2):
    """CCC training is less stable than training with the new loss (3.4.2)."""
    scales = {metric: spread(t2, metric) for metric in ("CCC", "MSE")}
    told = "; ".join(
        f"in {m}: NI {s['Non-Inertial']:.6f}, CCC {s['CCC']:.6f}, MSE {s['MSE']:.6f}"
        for m, s in scales.items()
    )
    return weigh({metric: s["Non-Inertial"] < s["CCC"] for metric, s in scales.items()}, told)


@check("orgil-a3_3", "orgil2021-text")
def five_trainings_are_folds(text):
    """The five trainings are the folds of a cross-validation (title of 3.4.2; Table 4 says Fold)."""
    folds, held_out = (
        text.cell("trainings called 5-fold"),
        text.cell("held-out share of the five trainings"),
    )
    share = 100 / folds
    return weigh(
        {"folds": abs(share - held_out) < 1, "repeats": held_out <= share},
        f"{folds:.0f} folds hold out {share:.0f} %, the table says {held_out:.0f} %: five repeats fit, five "
        f"folds do not",
    )


@check("orgil-a3_4", "orgil2021-t3", "orgil2021-t4")
def one_run_tells_what_five_tell(t3, t4):
    """A single run of Table 3 lies where the five runs of the same setting in Table 4 lie (length 256)."""
    single = t3.column(sequence_length="256", metric="CCC")
    outside, gaps = [], []
    for (network, loss), ccc in single.items():
        five = list(t4.column(network=network, train_loss=loss, metric="CCC").values())
        gaps.append(ccc - np.mean(five))
        if not min(five) <= ccc <= max(five):
            outside.append(f"{network.split()[0]}/{loss}")
    return judge(
        not outside,
        f"{len(outside)} of {len(single)} single runs lie outside ({', '.join(outside)}); distance from the "
        f"mean of five {np.mean(np.abs(gaps)):.4f} on average, with its sign {np.mean(gaps):+.5f}",
    )


# ------------------------------------------------------------------ units


@check("orgil-a2_1", "orgil2021-t3", "orgil2021-t4", "orgil2021-t5")
def ccc_column_is_a_mean(t3, t4, t5):
    """The CCC column is the mean of valence and arousal (2.1.2), though the best score is said to be 2 (3.4)."""
    ccc = [v for table in (t3, t4, t5) for v in table.column(metric="CCC").values()]
    return weigh(
        {"mean, at most 1": max(ccc) <= 1, "sum, at most 2": not max(ccc) <= 2},
        f"largest of {len(ccc)} is {max(ccc):.3f}, their mean {np.mean(ccc):.5f}: below 1 and below 2",
    )


@check("orgil-a2_2", "orgil2021-text", "orgil2021-t3", "orgil2021-t4", "orgil2021-t5")
def best_run_reaches_086_and_0404(text, t3, t4, t5):
    """The Full network's best is 0.86 for arousal and 0.404 for valence (3.4.3)."""
    arousal, valence = text.cell("best CCC of arousal"), text.cell("best CCC of valence")
    full = [v for table in (t3, t4, t5) for v in table.column(network=FULL, metric="CCC").values()]
    top = max(full)
    return weigh(
        {"mean": (arousal + valence) / 2 <= top, "sum": arousal + valence <= top},
        f"mean {(arousal + valence) / 2:.3f}, sum {arousal + valence:.3f}; the largest of {len(full)} printed "
        f"CCC of the "
        f"Full network is {top:.3f}, their mean {np.mean(full):.5f}",
    )


@check("orgil-a2_3", "orgil2022-t4_3", "orgil2022-a1", "orgil2022-a2", "orgil2022-a3")
def feature_transformer_beats_the_full_network(t4_3, a1, a2, a3):
    """The Feature transformer improves on the Full network (thesis 4.3)."""
    valence, arousal = (t4_3.cell("Feature Transformer", "Ours", m) for m in ("Valence", "Arousal"))
    full = [v for table in (a1, a2, a3) for v in table.column(network=FULL, metric="CCC").values()]
    return weigh(
        {"means": (valence + arousal) / 2 > max(full), "sums": valence + arousal > max(full)},
        f"mean {(valence + arousal) / 2:.4f} or sum {valence + arousal:.4f} against at most {max(full):.3f} in "
        f"{len(full)} rows of the Full network, mean {np.mean(full):.5f}; not said to be the same videos",
    )


@check("orgil-a2_4", "orgil2021-t5")
def labels_lie_between_0_and_1(t5):
    """All training and validation data lie in [0, 1], labels included (3.2); 2.1 has labels in [-1, 1]."""
    mse = sorted(
        t5.column(train_loss="CCC", network=(FULL, "Pose Network"), metric="MSE").values(),
        reverse=True,
    )
    return weigh(
        {"labels and outputs in [0, 1]": max(mse) <= 2, "outputs free": True},
        f"an MSE of {max(mse):.3f} (then {', '.join(f'{v:.3f}' for v in mse[1:])}) is more than the 2 that two "
        f"axes in [0, 1] allow",
    )


# ------------------------------------------------------------------ one set of numbers in two documents


def _equal_cells(*pairs: tuple[Table, Table]):
    same = total = 0
    for mine, other in pairs:
        a, b = mine.column(), other.column()
        total += len(set(a) | set(b))
        same += sum(math.isclose(a[key], b[key], abs_tol=1e-12) for key in a if key in b)
    return judge(same == total, f"{same} of {total} cells are equal")


@check("orgil-a0_1", "orgil2022-t1_1", "orgil2021-t1")
def thesis_repeats_the_signs(mine, other):
    """Thesis Table 1.1 is the paper's Table 1."""
    return _equal_cells((mine, other))


@check("orgil-a0_1", "orgil2022-t4_2", "orgil2021-t2")
def thesis_repeats_the_five_trainings(mine, other):
    """Thesis Table 4.2 is the paper's Table 2."""
    return _equal_cells((mine, other))


@check("orgil-a0_1", "orgil2022-a1", "orgil2021-t3")
def thesis_repeats_the_10_percent_table(mine, other):
    """Thesis Appendix Table 1 is the paper's Table 3."""
    return _equal_cells((mine, other))


@check("orgil-a0_1", "orgil2022-a2", "orgil2021-t4")
def thesis_repeats_the_repeats(mine, other):
    """Thesis Appendix Table 2 is the paper's Table 4."""
    return _equal_cells((mine, other))


@check("orgil-a0_1", "orgil2022-a3", "orgil2021-t5")
def thesis_repeats_the_30_percent_table(mine, other):
    """Thesis Appendix Table 3 is the paper's Table 5."""
    return _equal_cells((mine, other))


COPIES = {
    "orgil2022-t1_1": "orgil2021-t1",
    "orgil2022-t4_2": "orgil2021-t2",
    "orgil2022-a1": "orgil2021-t3",
    "orgil2022-a2": "orgil2021-t4",
    "orgil2022-a3": "orgil2021-t5",
}


@check("orgil-a0_1", *COPIES.keys(), *COPIES.values())
def thesis_repeats_all_five_tables(*tables):
    """The thesis prints the five tables of the paper again, cell by cell."""
    return _equal_cells(*zip(tables[:5], tables[5:], strict=True))


@check("orgil-a0_2", "orgil2021-t3")
def table3_has_all_settings(t3):
    """Table 3 prints all settings of four networks, three losses and three lengths (3.3)."""
    found = {path[:3] for path in t3.paths}
    networks, losses, lengths = (t3.labels(k) for k in ("network", "train_loss", "sequence_length"))
    missing = ["/".join(row) for row in product(networks, losses, lengths) if row not in found]
    return judge(
        not missing,
        f"{len(found)} of {len(networks) * len(losses) * len(lengths)} rows; missing: {', '.join(missing) or 'none'}",
    )
