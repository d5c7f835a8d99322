"""Eleven image classifiers: checks on the thesis orgil2022, sections 2.1 and 4.1, Table 4.1."""

import math
from itertools import combinations

import numpy as np

from emolib import metrics
from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    all_agree,
    judge,
    listed,
    undecided,
    weigh,
)

check = Checks("orgil2022")


def errors(t4_1: Table) -> dict[str, float]:
    """model -> images classified wrongly."""
    correct, total = t4_1.column(metric="Correct"), t4_1.column(metric="Total")
    return {model: total[model] - correct[model] for model in correct}


@check("orgil-a6_10")
def accuracy_is_correct_over_total(t4_1):
    correct, total = t4_1.column(metric="Correct"), t4_1.column(metric="Total")
    printed = t4_1.column(metric="Test accuracy")
    agree = [abs(100 * correct[m] / total[m] - printed[m]) <= 0.0006 for m in printed]
    return all_agree(agree, "rows agree to three decimals")


@check("orgil-a6_11")
def test_set_has_3589_images(text, t4_1):
    totals, claimed = t4_1.column(metric="Total").values(), text.cell("images of the test set")
    return all_agree(
        [total == claimed for total in totals],
        f"denominators are {claimed:.0f}; they are {listed(sorted(set(totals)), '.0f')}",
    )


@check("orgil-f1")
def test_set_has_3136_images(text, t4_1):
    batch = text.cell("smallest batch size")
    batches = [total / batch for total in t4_1.column(metric="Total").values()]
    whole = sum(b == int(b) for b in batches)
    return undecided(
        f"{whole} of {len(batches)} totals are whole batches of {batch:.0f} ({min(batches):g} to "
        f"{max(batches):g}): a last, partial batch may have been dropped; "
        "the majority rule on the votes decides"
    )


@check("orgil-a6_12")
def mse_column_is_a_mean(t4_1):
    loss = t4_1.column(metric="MSE").values()
    return judge(
        max(loss) <= 2,
        f"{min(loss):.1f} to {max(loss):.1f}, on average {sum(loss) / len(loss):.2f}; "
        "squared errors of probabilities add to 2 at most",
    )


def _below_bound(t4_1: Table, cost: float):
    wrong = errors(t4_1)
    loss = t4_1.column(metric="MSE")
    low = {model: wrong[model] * cost for model in loss}
    possible = sum(loss[model] >= low[model] for model in loss)
    return judge(
        possible == len(loss),
        f"an error costs at least {cost:.3f}, {min(low.values()):.1f} to {max(low.values()):.1f} "
        f"in all; printed {min(loss.values()):.1f} to {max(loss.values()):.1f}: possible in "
        f"{possible} of {len(loss)} rows, on average "
        f"{sum(loss.values()) / sum(low.values()):.5f} of the least",
    )


@check("orgil-a6_12")
def mse_column_is_summed_cross_entropy(t4_1):
    """The MSE column adds cross-entropies (a wrong class leaves the true one at most 1/2)."""
    return _below_bound(t4_1, math.log(2))


@check("orgil-a6_12")
def mse_column_is_summed_squared_error(t4_1):
    """The MSE column adds squared errors (a wrong class costs at least 1/4 + 1/4)."""
    return _below_bound(t4_1, 0.5)


@check("orgil-f7")
def mse_column_adds_batch_means(text, t4_1):
    loss, total = t4_1.column(metric="MSE"), t4_1.column(metric="Total")
    batch = text.cell("smallest batch size")
    each = [loss[model] / (total[model] / batch) for model in loss]
    return weigh(
        {"plausible for 86 % accuracy": all(0.3 < v < 0.7 for v in each), "proved": False},
        f"over {sum(total.values()) / len(total) / batch:.1f} batches that is {min(each):.3f} to "
        f"{max(each):.3f} an image, mean {sum(each) / len(each):.4f}",
    )


@check("orgil-a6_25")
def lowest_loss_is_most_accurate(t4_1):
    loss, accuracy = t4_1.column(metric="MSE"), t4_1.column(metric="Test accuracy")
    low, high = min(loss, key=loss.get), max(accuracy, key=accuracy.get)
    correlation = np.corrcoef(list(loss.values()), list(accuracy.values()))[0, 1]
    return judge(
        low == high,
        f"lowest {low} ({loss[low]:.1f}, {accuracy[low]:.3f} %), most accurate {high} "
        f"({loss[high]:.1f}, {accuracy[high]:.3f} %); "
        f"over the eleven rows the correlation is {correlation:+.5f}",
    )


@check("orgil-a6_13")
def latest_result_gains_2_points(t4_1):
    values = list(t4_1.column(metric="Test accuracy").values())
    spread, last = max(values) - min(values), values[-1] - values[0]
    return weigh(
        {
            "best against worst": abs(spread - 2) < 0.1,
            "last row against first": abs(last - 2) < 0.1,
        },
        f"best - worst {spread:.3f} points, last row - first {last:.3f}",
    )


@check("orgil-a6_24")
def one_of_eleven_is_best(t4_1):
    correct, total = t4_1.column(metric="Correct"), t4_1.column(metric="Total")
    rate = {m: correct[m] / total[m] for m in correct}
    variance = {m: rate[m] * (1 - rate[m]) / total[m] for m in rate}
    pairs = []
    for a, b in combinations(rate, 2):
        z = abs(rate[a] - rate[b]) / math.sqrt(variance[a] + variance[b])
        pairs.append((z, a, b))
    largest, *two = max(pairs)
    p = math.erfc(largest / math.sqrt(2))
    average = sum(z for z, *_ in sorted(pairs, reverse=True)) / len(pairs)
    return weigh(
        {"as separate samples, Holm": p * len(pairs) < 0.05, "paired, predictions unknown": True},
        f"largest of {len(pairs)} differences: {' - '.join(two)}, z = {largest:.3f}, p = {p:.4f}, "
        f"with Holm {min(1, p * len(pairs)):.2f}; mean z of all pairs {average:.4f}",
    )


def disagreeing(right_a: float, right_b: float, total: float, share: float) -> float:
    """p of McNemar's exact test on counts of right answers, whose overlap is not printed.

    share  pictures that only one of the two networks has right, over those that independent errors
           would give; notebook 13 measures it on networks of its own
    """
    a, b, gap = right_a / total, right_b / total, abs(right_a - right_b)
    apart = max(share * (a * (1 - b) + b * (1 - a)) * total, gap)
    return metrics.mcnemar_counts(math.ceil((apart + gap) / 2), int((apart - gap) / 2))


def pairs_that_differ(right: dict[str, float], total: float, share: float) -> list[tuple]:
    """The pairs of {model: images right} that differ at 5 % after Holm, at this `share`."""
    pairs = list(combinations(right, 2))
    p = metrics.holm([disagreeing(right[a], right[b], total, share) for a, b in pairs])
    return [pair for pair, adjusted in zip(pairs, p) if adjusted < 0.05]


@check("orgil-a6_24")
def eleven_differ_by_overlap(t4_1):
    """One of eleven is best, in pairs: the more their errors overlap, the less is chance (4.1)."""
    correct, totals = t4_1.column(metric="Correct"), t4_1.column(metric="Total")
    total, pairs = sum(totals.values()) / len(totals), math.comb(len(correct), 2)
    differ = {}
    for hundredths in range(100, 0, -5):
        differ[hundredths / 100] = len(pairs_that_differ(correct, total, hundredths / 100))
    first = next((share for share, count in differ.items() if count), 0)
    gaps = [abs(correct[a] - correct[b]) for a, b in combinations(correct, 2)]
    return weigh(
        {"independent": differ[1] > 0, "overlapping": first > 0},
        f"McNemar, Holm: {differ[1]} of {pairs} pairs differ where errors are independent, the "
        f"first one where networks disagree on {first:g} of that, {differ[0.25]} at 0.25; they are "
        f"{min(gaps):.0f} to {max(gaps):.0f} of {total:.0f} pictures apart, on average "
        f"{sum(gaps) / pairs:.4f}; notebook 13 measures the overlap of its own networks",
    )


def _majority(text: Table) -> tuple[float, float]:
    """Pictures in the larger class, and in all."""
    sick, well = text.cells("malady pictures", "traditional pictures")
    return well, sick + well


@check("orgil-a6_14")
def majority_answer_scores_82(text):
    well, pictures = _majority(text)
    accuracy, printed = well / pictures, text.cell("accuracy of the majority answer")
    return judge(
        abs(100 * accuracy - printed) < 0.5,
        f"{well:.0f}/{pictures:.0f} = {100 * accuracy:.0f} %, printed {printed:.0f}",
    )


@check("orgil-a6_14_2")
def majority_answer_has_f1_of_88(text):
    well, pictures = _majority(text)
    precision, printed = well / pictures, text.cell("F1 of the majority answer")
    f1 = 100 * 2 * precision / (precision + 1)
    return judge(
        printed in (round(f1), math.floor(f1)),
        f"2 x {precision:.2f} / {1 + precision:.2f} = {f1:.2f} %, printed {printed:.0f} (cut)",
    )


@check("orgil-f10")
def test_images_are_new(text):
    images = text.cell("images of the test set")
    return undecided(
        f"{images:.0f} test images: only the pixels tell (notebooks 13 and 41 count equal ones); "
        f"each 1 % of them seen in training ({images / 100:.1f} images) can add up to 1 point of "
        "accuracy"
    )
