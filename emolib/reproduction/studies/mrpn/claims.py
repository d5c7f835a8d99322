"""The second verdict on the claims of chapter 5 (notebook 44).

What networks as built decide (sizes, equations) is decided at every profile. What fusion does on
people needs films of people and networks of printed size that have settled: otherwise 'open'
(simulated) or 'not tested at this profile'. What print says about itself stays open.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib.reproduction import papers
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.mrpn import tables
from emolib.reproduction.studies.mrpn.plan import (
    AM,
    FUSED,
    JM,
    LATE_FUSION,
    N0,
    N1,
    N2,
    N2_TRANSFORMER,
    ROWS_5_4,
    SETS,
    VM,
    Cell,
    Study,
)
from emolib.reproduction.studies.mrpn.tables import SLICING, by_fold

SELF = "a matter of print: which number was meant no measurement tells"
UNTESTED = "not tested at this profile"
SIMULATED = "the people are simulated, and only real ones can decide this; "
MARGIN = 2.0  # points within which two ways count as alike


def judge(study: Study) -> list[Verdict]:
    """Every claim of notebook 44, in the order of claims.csv."""
    verdicts = about_print(study) | about_networks(study) | about_people(study)
    known = papers.claims()
    return [Verdict(claim, *verdicts[claim]) for claim in known[known.notebook == "44"].id]


def mean(study: Study, name: str, cell: Cell) -> float:
    return float(by_fold(study, name, cell).mean())


def about_print(study: Study) -> dict[str, tuple[str, str]]:
    """Twelve claims on averages and cells: the same number in our runs, without a decision."""
    crema = [by_fold(study, "crema_d", cell) for cell in FUSED.values()]
    pairs = [by_fold(study, "ravdess", cell) for cell in FUSED.values()]

    def spread(v: pd.Series) -> str:
        return f"mean {v.mean():.1f} of {len(v)} folds, {v.min():.1f} to {v.max():.1f}"

    lstm, transformer = (mean(study, "ravdess", c) for c in (N2, N2_TRANSFORMER))
    gain = max(float((pairs[3] - other).max()) for other in pairs[:3])
    clips = [len(a.truth) for a in tables.answers(study, "ravdess", N0).values()]
    counts = (
        f"our folds of RAVDESS hold {min(clips)} to {max(clips)} clips each, "
        "and each of our cells is a share of those"
    )
    both = mean(study, "ravdess", JM["NT"])
    listed = mean(study, "ravdess", ROWS_5_4["N0 (end-to-end), Resnet18+LSTM, IA"])
    ours = {
        "chang-d1": f"ours on Crema-d, N0: {spread(crema[1])}",
        "chang-d2": f"ours on Crema-d, N2: {spread(crema[3])}",
        "chang-d3": f"ours on RAVDESS: LSTM {lstm:.1f}, transformer {transformer:.1f}",
        "chang-d4": f"ours on RAVDESS, N0: {spread(pairs[1])}",
        "chang-d4_2": f"ours on Crema-d: late fusion {crema[0].mean():.1f}, "
        f"N1 {crema[2].mean():.1f}",
        "chang-d8_2": f"largest gain of N2 in one of our pairs {gain:.1f} points",
        "chang-d12": "ours are one network by construction",
        "chang-d12_2": f"ours are one network by our reading: {both:.2f} and {listed:.2f}",
        "chang-d13": counts,
        "chang-d13_2": counts,
        "chang-d44": gaps(study, ("N2 - N0", "N2 - N1", "N2 - late fusion"))[1],
        "chang-d15": f"{len(pairs[0])} pairs and {len(crema[0])} splits are run here",
    }
    return {claim: ("open", f"{SELF}; {text}") for claim, text in ours.items()}


def about_networks(study: Study) -> dict[str, tuple[str, str]]:
    """Two claims that need no data: what N2 adds, and whether the equations agree."""
    size = tables.costs(study).frame.pivot(index="network", columns="metric", values="measured")
    size = size["parameters in training"]
    more = int(size["N2"] - size["N1"])
    norm = int(size["N0"] - size["N0, no norm after the concatenation (Eq. 27)"])
    scoring = int(size["N1, side scores by Scoring (Eq. 26)"] - size["N1"])
    rows = tables.cures(study).frame.query("metric == 'difference' and way == 'N2'")
    lead = rows[rows.settings == "all settings"].set_index("against").measured
    return {
        "chang-d41": (
            "fails" if more else "holds",
            f"N2 has {more:,} parameters more than N1, and its side scores read behind the block: "
            f"three things change at once. In simulation N2 less N1 {lead['N1']:+.1f} points, "
            f"less N1 with a block of that size {lead['N1 + equal block']:+.1f}, "
            "less N2 with its side scores before the block "
            f"{lead['N2, side scores before the block']:+.1f}",
        ),
        "chang-f14": (
            "fails" if norm or scoring else "holds",
            f"as built, Eq. 26 and 27 differ by a norm of {norm:,} parameters, "
            f"Eq. 26 and 31 by {scoring:,} at the side",
        ),
    }


# ---------------------------------------------------------------- people


def about_people(study: Study) -> dict[str, tuple[str, str]]:
    """Thirteen claims on what fusion does, where data and networks allow it."""
    verdicts = {
        "chang-d2_2": crema_average(study),
        "chang-d5": never_worse(study),
        "chang-d5_2": no_better_modality(study),
        "chang-d5_3": ties(study),
        "chang-d6": significant(study, ("N1 - N0", "N1 - late fusion")),
        "chang-d6_2": n1_fails(study),
        "chang-d7": six_points(study),
        "chang-d8": two_points(study),
        "chang-d9": one_inferior(study),
        "chang-d10": both_above_85(study),
        "chang-d11": slicing(study),
        "chang-d42": best_listed(study),
        "chang-d43": aggregators(study),
    }
    real = all(clips.source == "real" for clips in study.sources)
    for claim, (_, because) in verdicts.items():
        if not tables.settled(study):
            verdicts[claim] = (UNTESTED, because)
        elif not real:
            verdicts[claim] = ("open", SIMULATED + because)
    return verdicts


def gap(study: Study, name: str, what: str) -> pd.Series:
    """The row of a difference, with its p after Holm as `p`, and both `told` in a few words."""
    frame = tables.tests(study).frame
    at = (frame.dataset == SETS[name]) & (frame.difference == what)
    rows = frame[at & (frame.protocol == study.label())].set_index("metric")
    row, p = rows.loc["difference"].copy(), float(rows.loc["p, Holm"].measured)
    row["p"] = p
    row["told"] = (
        f"{SETS[name]} {what} {row.measured:+.1f} [{row.low:+.1f}, {row.high:+.1f}], p {p:.2f}"
    )
    return row


def gaps(study: Study, whats, names=tuple(SETS)) -> tuple[list[pd.Series], str]:
    """The rows of several differences, sets first, and what they say."""
    rows = [gap(study, name, what) for name in names for what in whats]
    return rows, "; ".join(row.told for row in rows)


def below(rows: list[pd.Series]) -> bool:
    return any(row.p < 0.05 and row.measured < 0 for row in rows)


def significant(study: Study, whats, names=tuple(SETS)) -> tuple[str, str]:
    """Holds where every difference is above 0, fails where one is below, after Holm."""
    rows, told = gaps(study, whats, names)
    if all(row.p < 0.05 and row.measured > 0 for row in rows):
        return "holds", told
    return "fails" if below(rows) else "open", told


def crema_average(study: Study) -> tuple[str, str]:
    frame = tables.table_5_4(study).frame
    at = (frame.model == study.row(list(ROWS_5_4)[-1])) & (frame.dataset == "Crema-d")
    at &= (frame.metric == "accuracy") & (frame.protocol == study.label())
    row = frame[at].iloc[0]
    return (
        "holds" if row.low <= 83.15 <= row.high else "fails",
        f"N2 with a transformer on Crema-d {row.measured:.1f} "
        f"[{row.low:.1f}, {row.high:.1f}]; 83.15 is said",
    )


def never_worse(study: Study) -> tuple[str, str]:
    worse, told = False, []
    for name, printed in SETS.items():
        ahead = [by_fold(study, name, N2) - by_fold(study, name, c) for c in (LATE_FUSION, N0, N1)]
        least = np.min(ahead, 0)  # (folds,)
        worse |= bool((least < 0).any())
        told.append(
            f"{printed}: below another fusion in {(least < 0).sum()} of {len(least)} folds, "
            f"by up to {-min(least.min(), 0.0):.1f} points"
        )
    if below(gaps(study, ("N2 - N1", "N2 - N0", "N2 - late fusion"))[0]):
        return "fails", "; ".join(told)
    return "open" if worse else "holds", "; ".join(told)


def lead(study: Study, joint: Cell, time: str) -> pd.Series:
    """Points of a joint network over the better modality, pair by pair of RAVDESS."""
    alone = [by_fold(study, "ravdess", ways[time]) for ways in (AM, VM)]
    return by_fold(study, "ravdess", joint) - np.maximum(*alone)


def no_better_modality(study: Study) -> tuple[str, str]:
    pairs = lead(study, N2, "T")
    verdict, told = significant(study, ("N2 - picture alone", "N2 - sound alone"))
    return verdict, f"one modality leads in {(pairs < 0).sum()} of {len(pairs)} pairs; {told}"


def ties(study: Study) -> tuple[str, str]:
    count = folds = 0
    for name in SETS:
        each = np.stack([by_fold(study, name, c) for c in FUSED.values()])  # (4, folds)
        count += int((each[3] >= each.max(0)).sum())
        folds += each.shape[1]
    drawn = np.random.default_rng(0).integers(0, 4, (20000, folds))  # equal ways that lead by luck
    share = float(((drawn == 3).sum(1) >= count).mean())
    return (
        "open",
        f"in our runs N2 leads or ties in {count} of {folds} folds; "
        f"four equal ways reach that in {100 * share:.0f} % of draws",
    )


def n1_fails(study: Study) -> tuple[str, str]:
    ahead = np.concatenate([by_fold(study, n, N1) - by_fold(study, n, N0) for n in SETS])
    worse = int((ahead < 0).sum())
    return "holds" if worse else "fails", f"N1 is below N0 in {worse} of {len(ahead)} folds"


def six_points(study: Study) -> tuple[str, str]:
    rows, told = gaps(study, ("N2 - N1",))
    if all(row.high < 6 for row in rows):
        return "fails", told
    return "holds" if any(row.low > 5 for row in rows) else "open", told


def two_points(study: Study) -> tuple[str, str]:
    rows, told = gaps(study, ("N2 - N1", "N2 - N0"))
    about_two = [row.low <= 2 <= row.high for row in rows]
    if all(about_two) and all(row.low > 0 for row in rows):
        return "holds", told
    return "open" if any(about_two) else "fails", told


def one_inferior(study: Study) -> tuple[str, str]:
    told, pairs = [], {}
    for time, cell in reversed(JM.items()):
        ahead = lead(study, cell, time)
        pairs[time] = list(ahead.index[ahead < 0])
        which = f" ({'; '.join(pairs[time])})" if pairs[time] else ""
        told.append(
            f"{time}: one modality is better than both (N0) "
            f"in {len(pairs[time])} of {len(ahead)} pairs{which}"
        )
    heard, source = tables.sound_alone(study, "T")
    if "A9,10" in heard:
        told.append(f"sound alone of A9,10 {heard['A9,10']:.1f} ({source} speech)")
    return "holds" if pairs["T"] == ["A9,10"] else "fails", "; ".join(told)


def both_above_85(study: Study) -> tuple[str, str]:
    told, alone = [], []
    for what, ways in (("sound", AM), ("picture", VM), ("both", JM)):
        accuracy = by_fold(study, "ravdess", ways["T"])
        if what == "sound":
            accuracy, source = tables.sound_alone(study, "T")
            what = f"sound ({source} speech)"
        for pair in ("A7,8", "A1,2"):
            if pair in accuracy:
                told.append(f"{pair} {what} {accuracy[pair]:.1f}")
                alone += [accuracy[pair]] if what != "both" else []
    return "holds" if alone and min(alone) > 85 else "fails", ", ".join(told)


def slicing(study: Study) -> tuple[str, str]:
    gains = [tables.sound_alone(study, "T")[0] - tables.sound_alone(study, "NT")[0]]
    for ways in (VM, JM):
        gains.append(by_fold(study, "ravdess", ways["T"]) - by_fold(study, "ravdess", ways["NT"]))
    gain, heard = np.concatenate(gains), tables.slicing_gain(study)
    verdict, _ = significant(study, SLICING, ("ravdess",))
    _, told = gaps(study, list(SLICING)[1:], ("ravdess",))
    return verdict, (
        f"{(gain > 0).sum()} of {len(gain)} cells improve; "
        f"RAVDESS sound ({heard['source']} speech), T - NT "
        f"{heard['measured']:+.1f} [{heard['low']:+.1f}, {heard['high']:+.1f}], "
        f"p {heard['p']:.2f}; {told}"
    )


def best_listed(study: Study) -> tuple[str, str]:
    table, told, better = papers.published("chang2021-t5_4"), [], []
    for name, printed in SETS.items():
        listed = table[(table.dataset == printed) & (table.origin == "others")].value.max()
        ours = mean(study, name, N2)
        better.append(ours > listed)
        told.append(f"{printed}: N2 {ours:.1f}, best listed {listed:.1f} on other splits")
    return "open" if all(better) else "fails", "; ".join(told)


def aggregators(study: Study) -> tuple[str, str]:
    rows, told = gaps(study, ("N2, transformer - LSTM",))
    told = f"alike within {MARGIN:g} points? {told}"
    if all(row.low > -MARGIN and row.high < MARGIN for row in rows):
        return "holds", told
    apart = any(row.low > MARGIN or row.high < -MARGIN for row in rows)
    return "fails" if apart else "open", told
