"""Eleven image classifiers: checks on the thesis orgil2022, sections 2.1 and 4.1, Table 4.1."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from emolib.reproduction.papers.audit.record import Table, check, judge, undecided, weigh

CLASSES = 7


def errors(t4_1: Table) -> dict[str, float]:
    """model -> images classified wrongly."""
    correct, total = t4_1.column(metric="Correct"), t4_1.column(metric="Total")
    return {model: total[model] - correct[model] for model in correct}


@check("orgil-a6_10", "orgil2022-t4_1")
def accuracy_is_correct_over_total(t):
    """The accuracy of each row is its correct images over its total (Table 4.1)."""
    correct, total, accuracy = (t.column(metric=m) for m in ("Correct", "Total", "Test accuracy"))
    gaps = {m: abs(100 * correct[m] / total[m] - accuracy[m]) for m in accuracy}
    return judge(
        max(gaps.values()) <= 0.0006,
        f"{sum(g <= 0.0006 for g in gaps.values())} of {len(gaps)} rows agree to three decimals",
    )


@check("orgil-a6_11", "orgil2022-text", "orgil2022-t4_1")
def test_set_has_3589_images(text, t):
    """The test set used for the accuracy has 3,589 images (2.1)."""
    total = t.column(metric="Total")
    same = sum(v == text.cell("images of the test set") for v in total.values())
    return judge(
        same == len(total),
        f"{same} of {len(total)} denominators are {text.cell('images of the test set'):.0f}; "
        f"they are {', '.join(f'{v:.0f}' for v in sorted(set(total.values())))}",
    )


@check("orgil-f1", "orgil2022-text", "orgil2022-t4_1")
def test_set_has_3136_images(text, t):
    """The filtered test set has the 3,136 images by which Table 4.1 divides."""
    total, batch = t.column(metric="Total"), text.cell("smallest batch size")
    batches = {m: v / batch for m, v in total.items()}
    whole = sum(b == int(b) for b in batches.values())
    return undecided(
        f"{whole} of {len(total)} totals are whole batches of {batch:.0f} ({min(batches.values()):g} to "
        f"{max(batches.values()):g}): a last, partial batch may have been dropped; the majority rule on the "
        f"votes decides"
    )


@check("orgil-a6_12", "orgil2022-t4_1")
def mse_column_is_a_mean(t):
    """The column MSE is a mean squared error of class probabilities (Table 4.1)."""
    loss = t.column(metric="MSE")
    return judge(
        max(loss.values()) <= 2,
        f"{min(loss.values()):.1f} to {max(loss.values()):.1f}, on average {sum(loss.values()) / len(loss):.2f}; "
        "squared errors of probabilities add to 2 at most",
    )


def _below_bound(t: Table, cost: float):
    loss, wrong = t.column(metric="MSE"), errors(t)
    low = {m: wrong[m] * cost for m in loss}
    possible = sum(loss[m] >= low[m] for m in loss)
    return judge(
        possible == len(loss),
        f"an error costs at least {cost:.3f}, {min(low.values()):.1f} to {max(low.values()):.1f} in all; printed "
        f"{min(loss.values()):.1f} to {max(loss.values()):.1f}: possible in {possible} of {len(loss)} rows, on "
        f"average "
        f"{sum(loss.values()) / sum(low.values()):.5f} of the least",
    )


@check("orgil-a6_12", "orgil2022-t4_1")
def mse_column_is_summed_cross_entropy(t):
    """The column adds the cross-entropy of each image (a wrong class leaves the true one at most 1/2)."""
    return _below_bound(t, math.log(2))


@check("orgil-a6_12", "orgil2022-t4_1")
def mse_column_is_summed_squared_error(t):
    """The column adds the squared error of each image (a wrong class costs at least 1/4 + 1/4)."""
    return _below_bound(t, 0.5)


@check("orgil-f7", "orgil2022-text", "orgil2022-t4_1")
def mse_column_adds_batch_means(text, t):
    """The column adds the mean cross-entropy of each batch of eight."""
    loss, total, batch = (
        t.column(metric="MSE"),
        t.column(metric="Total"),
        text.cell("smallest batch size"),
    )
    each = {m: loss[m] / (total[m] / batch) for m in loss}
    return weigh(
        {"plausible for 86 % accuracy": all(0.3 < v < 0.7 for v in each.values()), "proved": False},
        f"over {sum(total.values()) / len(total) / batch:.1f} batches that is {min(each.values()):.3f} to "
        f"{max(each.values()):.3f} an image, "
        f"mean {sum(each.values()) / len(each):.4f}",
    )


@check("orgil-a6_25", "orgil2022-t4_1")
def lowest_loss_is_most_accurate(t):
    """The network with the lowest loss is the most accurate (Table 4.1)."""
    loss, accuracy = t.column(metric="MSE"), t.column(metric="Test accuracy")
    low, high = min(loss, key=loss.get), max(accuracy, key=accuracy.get)
    correlation = np.corrcoef(list(loss.values()), list(accuracy.values()))[0, 1]
    return judge(
        low == high,
        f"lowest {low} ({loss[low]:.1f}, {accuracy[low]:.3f} %), most accurate {high} ({loss[high]:.1f}, "
        f"{accuracy[high]:.3f} %); over the eleven rows the correlation is {correlation:+.5f}",
    )


@check("orgil-a6_13", "orgil2022-t4_1")
def latest_result_gains_2_points(t):
    """The latest result improved by about 2 % (4.1)."""
    values = list(t.column(metric="Test accuracy").values())
    spread, last = max(values) - min(values), values[-1] - values[0]
    return weigh(
        {
            "best against worst": abs(spread - 2) < 0.1,
            "last row against first": abs(last - 2) < 0.1,
        },
        f"best - worst {spread:.3f} points, last row - first {last:.3f}",
    )


@check("orgil-a6_24", "orgil2022-t4_1")
def one_of_eleven_is_best(t):
    """The rows of Table 4.1 differ by more than the test set can tell."""
    correct, total = t.column(metric="Correct"), t.column(metric="Total")
    rate = {m: correct[m] / total[m] for m in correct}

    def z(a, b):
        return abs(rate[a] - rate[b]) / math.sqrt(
            sum(rate[m] * (1 - rate[m]) / total[m] for m in (a, b))
        )

    pairs = sorted(((z(a, b), a, b) for a, b in combinations(rate, 2)), reverse=True)
    largest = pairs[0]
    p = math.erfc(largest[0] / math.sqrt(2))
    return weigh(
        {"as separate samples, Holm": p * len(pairs) < 0.05, "paired, predictions unknown": True},
        f"largest of {len(pairs)} differences: {largest[1]} - {largest[2]}, z = {largest[0]:.3f}, p = {p:.4f}, "
        f"with Holm {min(1, p * len(pairs)):.2f}; mean z of all pairs {sum(x for x, *_ in pairs) / len(pairs):.4f}",
    )


def _majority(text):
    sick, well = text.cell("malady pictures"), text.cell("traditional pictures")
    return sick, well, well / (sick + well)


@check("orgil-a6_14", "orgil2022-text")
def majority_answer_scores_82(text):
    """Calling all 25 pictures traditional is 82 % accurate (2.1.1)."""
    sick, well, accuracy = _majority(text)
    return judge(
        abs(100 * accuracy - text.cell("accuracy of the majority answer")) < 0.5,
        f"{well:.0f}/{sick + well:.0f} = {100 * accuracy:.0f} %, printed "
        f"{text.cell('accuracy of the majority answer'):.0f}",
    )


@check("orgil-a6_14_2", "orgil2022-text")
def majority_answer_has_f1_of_88(text):
    """The F1 score of that answer is 88 % (2.1.1)."""
    _, _, precision = _majority(text)
    f1 = 100 * 2 * precision / (precision + 1)
    printed = text.cell("F1 of the majority answer")
    return judge(
        printed in (round(f1), math.floor(f1)),
        f"2 x {precision:.2f} / {1 + precision:.2f} = {f1:.2f} %, printed {printed:.0f} (cut)",
    )


@check("orgil-f10", "orgil2022-text")
def test_images_are_new(text):
    """The test images of FER2013 are not in its training set (2.1)."""
    images = text.cell("images of the test set")
    return undecided(
        f"{images:.0f} test images: only the pixels tell (notebooks 13 and 41 count equal ones); each 1 % of "
        f"them seen in training "
        f"({images / 100:.1f} images) can add up to 1 point of accuracy"
    )
