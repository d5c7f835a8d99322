"""One modality, the other, and both: checks on chang2021, section 5.3, Table 5.1 and what it shares with the tables after it."""

from __future__ import annotations

import math

import numpy as np

from emolib.reproduction.papers.audit.chang_fusion import AUDIO, LATE, N0, N1, N2, VISUAL, tell
from emolib.reproduction.papers.audit.record import Table, check, judge, weigh

JOINT = "Joint Modalities (N0)"


@check("chang-d11", "chang2021-t5_1")
def time_augmentation_always_helps(t):
    """Time augmentation improves single and joint modalities overall (5.3.3)."""
    gain = {
        key: t.cell(key[0], "T", key[1]) - v for key, v in t.column(time_augmentation="NT").items()
    }
    by_modality = {
        m.split()[0]: np.mean([g for (n, _), g in gain.items() if n == m])
        for m in (AUDIO, VISUAL, JOINT)
    }
    return judge(
        all(g >= 0 for g in gain.values()),
        f"{sum(g > 0 for g in gain.values())} of {len(gain)} pairs improve, mean "
        f"{np.mean(list(gain.values())):.3f} points "
        f"({tell(by_modality, 3)})",
    )


def _inferior(t: Table, augmentation: str) -> dict[str, tuple[float, float]]:
    """Actor pairs where a single modality beats both together: (better single, joint)."""
    single = {
        a: max(t.cell(m, augmentation, a) for m in (AUDIO, VISUAL)) for a in t.labels("actors")
    }
    return {
        a: (v, t.cell(JOINT, augmentation, a))
        for a, v in single.items()
        if v > t.cell(JOINT, augmentation, a)
    }


def _lead(t: Table, augmentation: str) -> float:
    """Mean lead of both together over the mean of the two single modalities."""
    return float(
        np.mean(
            [
                t.cell(JOINT, augmentation, a)
                - (t.cell(AUDIO, augmentation, a) + t.cell(VISUAL, augmentation, a)) / 2
                for a in t.labels("actors")
            ]
        )
    )


@check("chang-d9", "chang2021-t5_1")
def only_one_pair_is_inferior(t):
    """Only in A9,10 is one modality better than both (5.3.4)."""
    found = {aug: _inferior(t, aug) for aug in ("T", "NT")}
    told = "; ".join(
        f"{aug}: " + ", ".join(f"{a} {s:.1f} > {j:.1f}" for a, (s, j) in pairs.items())
        for aug, pairs in found.items()
    )
    return judge(
        all(list(pairs) == ["A9,10"] for pairs in found.values()),
        f"{told}; mean lead of both {_lead(t, 'T'):.3f} and {_lead(t, 'NT'):.3f} points",
    )


@check("chang-d10", "chang2021-t5_1")
def both_modalities_exceed_85(t):
    """In A7,8 and A1,2 both modalities perform better than 85 % (5.3.4)."""
    single = {
        f"{a} {m.split()[0].lower()}": t.cell(m, "T", a)
        for a in ("A7,8", "A1,2")
        for m in (AUDIO, VISUAL)
    }
    joint = {f"{a} {aug}": t.cell(JOINT, aug, a) for a in ("A7,8", "A1,2") for aug in ("NT", "T")}
    return weigh(
        {
            "two modalities": min(single.values()) > 85,
            "two joint solutions": min(joint.values()) > 85,
        },
        f"{tell(single, 1)}; joint {tell(joint, 1)}",
    )


@check("chang-d12", "chang2021-t5_1", "chang2021-t5_2")
def joint_row_is_n0(t1, t2):
    """JM (T) of Table 5.1 and N0 (end-to-end) of Table 5.2 are one model."""
    a, b = t1.column(modality=JOINT, time_augmentation="T"), t2.column(model=N0)
    return judge(a == b, f"{sum(a[k] == b[k] for k in a)} of {len(b)} cells are equal")


@check("chang-d12_2", "chang2021-t5_1", "chang2021-t5_4")
def joint_without_time_is_ia(t1, t4):
    """JM (NT) of Table 5.1 is the row N0, IA of Table 5.4."""
    average = np.mean(list(t1.column(modality=JOINT, time_augmentation="NT").values()))
    printed = t4.cell("N0 (end-to-end), Resnet18+LSTM, IA", "our", "RAVDESS")
    return judge(abs(average - printed) <= 0.11, f"mean {average:.3f}, printed {printed:.2f}")


def is_share(percent: float, of: int) -> bool:
    """Can a percentage with one decimal be k/of, rounded or cut?"""
    k = round(percent * of / 100)
    return any(
        percent in (round(100 * n / of, 1), math.floor(1000 * n / of) / 10)
        for n in (k - 1, k, k + 1)
    )


def _whole_clips(t1, t2, files):
    cells = [
        *t1.column().values(),
        *t2.column(model=(LATE, N1, N2)).values(),
    ]  # N0 is the joint row of Table 5.1
    odd = [v for v in cells if not is_share(v, files)]
    return judge(
        not odd,
        f"{len(odd)} of {len(cells)} cells are not k/{files}, such as {', '.join(map(str, odd[:3]))} (all "
        f"cells add to {sum(cells):.1f})",
    )


@check("chang-d13", "chang2021-t5_1", "chang2021-t5_2")
def cells_are_accuracies_of_120_clips(t1, t2):
    """Two actors with 60 clips each make a test set of 120 (5.3.1)."""
    return _whole_clips(t1, t2, 120)


@check("chang-d13_2", "chang2021-t5_1", "chang2021-t5_2")
def cells_are_accuracies_of_240_files(t1, t2):
    """2,880 files over twelve pairs make 240 (5.3.1)."""
    return _whole_clips(t1, t2, 240)
