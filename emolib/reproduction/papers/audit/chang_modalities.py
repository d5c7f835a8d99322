"""One modality, the other, and both: checks on chang2021, 5.3, Tables 5.1, 5.2 and 5.4."""

import math
from operator import itemgetter

from emolib.reproduction.papers.audit.chang_fusion import AUDIO, CLOSE, LATE, N0, N1, N2, VISUAL
from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    all_agree,
    first,
    firsts,
    grouped,
    judge,
    listed,
    mean,
    weigh,
)

JOINT = "Joint Modalities (N0)"

check = Checks("chang2021")


@check("chang-d11")
def time_augmentation_always_helps(t5_1):
    with_time = t5_1.column(time_augmentation="T")
    without = t5_1.column(time_augmentation="NT")
    gain = {key: with_time[key] - v for key, v in without.items()}
    by_modality = {m: mean(gains) for m, gains in grouped(gain, itemgetter(0)).items()}
    return judge(
        all(g >= 0 for g in gain.values()),
        f"{sum(g > 0 for g in gain.values())} of {len(gain)} pairs improve, "
        f"mean {mean(gain):.3f} points ({listed(firsts(by_modality), '.3f')})",
    )


@check("chang-d9")
def only_one_pair_is_inferior(t5_1):
    words, leads = [], []
    alone = []
    for augmentation in ("T", "NT"):
        where = {"time_augmentation": augmentation}
        audio, visual = (t5_1.column(modality=m, **where) for m in (AUDIO, VISUAL))
        joint = t5_1.column(modality=JOINT, **where)
        single = {pair: max(audio[pair], visual[pair]) for pair in joint}
        inferior = [pair for pair in joint if single[pair] > joint[pair]]
        alone.append(inferior == ["A9,10"])
        pairs = ", ".join(f"{pair} {single[pair]:.1f} > {joint[pair]:.1f}" for pair in inferior)
        words.append(f"{augmentation}: {pairs}")
        leads.append(mean([v - (audio[pair] + visual[pair]) / 2 for pair, v in joint.items()]))
    return judge(
        all(alone),
        f"{'; '.join(words)}; mean lead of both {leads[0]:.3f} and {leads[1]:.3f} points",
    )


@check("chang-d10")
def both_modalities_exceed_85(t5_1):
    single, joint = {}, {}
    for pair in ("A7,8", "A1,2"):
        for modality in (AUDIO, VISUAL):
            single[f"{pair} {first(modality).lower()}"] = t5_1.cell(modality, "T", pair)
        for augmentation in ("NT", "T"):
            joint[f"{pair} {augmentation}"] = t5_1.cell(JOINT, augmentation, pair)
    return weigh(
        {
            "two modalities": min(single.values()) > 85,
            "two joint solutions": min(joint.values()) > 85,
        },
        f"{listed(single, '.1f')}; joint {listed(joint, '.1f')}",
    )


@check("chang-d12")
def joint_row_is_n0(t5_1, t5_2):
    a, b = t5_1.column(modality=JOINT, time_augmentation="T"), t5_2.column(model=N0)
    return all_agree([a[pair] == v for pair, v in b.items()], "cells are equal")


@check("chang-d12_2")
def joint_without_time_is_ia(t5_1, t5_4):
    average = mean(t5_1.column(modality=JOINT, time_augmentation="NT"))
    printed = t5_4.cell("N0 (end-to-end), Resnet18+LSTM, IA", "our", "RAVDESS")
    return judge(abs(average - printed) <= CLOSE, f"mean {average:.3f}, printed {printed:.2f}")


def is_share(percent: float, of: int) -> bool:
    """Can a percentage with one decimal be k/of, rounded or cut?"""
    nearest = round(percent * of / 100)
    counts = (nearest - 1, nearest, nearest + 1)
    return any(percent in (round(100 * k / of, 1), math.floor(1000 * k / of) / 10) for k in counts)


def _whole_clips(files: int, t5_1: Table, t5_2: Table):
    # N0 is left out: it is the joint row of Table 5.1.
    cells = [*t5_1.column().values(), *t5_2.column(model=(LATE, N1, N2)).values()]
    odd = [v for v in cells if not is_share(v, files)]
    return judge(
        not odd,
        f"{len(odd)} of {len(cells)} cells are not k/{files}, such as {listed(odd[:3], '')} "
        f"(all cells add to {sum(cells):.1f})",
    )


@check("chang-d13")
def cells_are_accuracies_of_120_clips(t5_1, t5_2):
    return _whole_clips(120, t5_1, t5_2)


@check("chang-d13_2")
def cells_are_accuracies_of_240_files(t5_1, t5_2):
    return _whole_clips(240, t5_1, t5_2)
