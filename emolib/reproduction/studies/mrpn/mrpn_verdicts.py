"""The second verdict on the claims of chapter 5 (notebook 44).

What networks as built decide (sizes, equations) is decided at every profile. What fusion does on people needs films of people and networks
of printed size that have settled: otherwise 'open' (simulated) or 'not tested at this profile'. What print says about itself stays open:
which of two printed numbers was meant, no measurement tells.
"""

from __future__ import annotations

import numpy as np

from emolib.reproduction import papers
from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.mrpn import mrpn, mrpn_mechanism
from emolib.reproduction.studies.mrpn.mrpn import MARGIN
from emolib.reproduction.studies.mrpn.mrpn_plan import (
    AM,
    FUSED,
    JM,
    PRINTED_NAMES,
    ROWS_5_4,
    SETS,
    VM,
    Cell,
    clips,
    label,
)

UNTESTED = "not tested at this profile"
LATE, N0, N1, N2 = FUSED.values()
TRANSFORMER = Cell("N2", aggregator="transformer average")
SELF = "a matter of print: which number was meant no measurement tells"


def judge(profile: str) -> list[Verdict]:
    """Every claim of notebook 44, in the order of claims.csv."""
    said = {
        v.claim: v
        for v in (*about_print(profile), *about_networks(profile), *about_people(profile))
    }
    known = papers.claims()
    return [said[c] for c in known[known.notebook == "44"].id]


def _mean(profile: str, name: str, cell: Cell) -> float:
    return float(mrpn.by_fold(profile, name, cell).mean())


def _gap(profile: str, name: str, what: str):
    """The row of a difference, with its p after Holm as `p`."""
    frame = mrpn.tests(profile).frame
    rows = frame[
        (frame.dataset == PRINTED_NAMES[name])
        & (frame.difference == what)
        & (frame.protocol == label(profile))
    ].set_index("metric")
    return rows.loc["difference"].copy(), float(rows.loc["p, Holm"].measured)


def _told(profile: str, name: str, what: str) -> str:
    row, p = _gap(profile, name, what)
    return f"{PRINTED_NAMES[name]} {what} {row.measured:+.1f} [{row.low:+.1f}, {row.high:+.1f}], p {p:.2f}"


# ---------------------------------------------------------------- print about itself


def about_print(profile: str) -> list[Verdict]:
    """Eleven claims on averages and cells: what the same number is in our runs, without a decision."""
    crema = {m: mrpn.by_fold(profile, "crema_d", c) for m, c in FUSED.items()}
    pairs = {m: mrpn.by_fold(profile, "ravdess", c) for m, c in FUSED.items()}
    spread = lambda v: f"mean {v.mean():.1f} of {len(v)} folds, {v.min():.1f} to {v.max():.1f}"  # noqa: E731
    models = list(FUSED)
    lstm, transformer = (_mean(profile, "ravdess", c) for c in (N2, TRANSFORMER))
    largest = max(float((pairs[models[3]] - pairs[m]).max()) for m in models[:3])
    sizes_of_folds = mrpn.clip_by_clip(profile, "ravdess", N0).groupby("fold").size()
    counts = f"our folds of RAVDESS hold {sizes_of_folds.min()} to {sizes_of_folds.max()} clips each, and each of our cells is a share of those"
    both = (
        _mean(profile, "ravdess", JM["NT"]),
        _mean(profile, "ravdess", ROWS_5_4["N0 (end-to-end), Resnet18+LSTM, IA"]),
    )
    told = {
        "chang-d1": f"ours on Crema-d, N0: {spread(crema[models[1]])}",
        "chang-d2": f"ours on Crema-d, N2: {spread(crema[models[3]])}",
        "chang-d3": f"ours on RAVDESS: LSTM {lstm:.1f}, transformer {transformer:.1f}",
        "chang-d4": f"ours on RAVDESS, N0: {spread(pairs[models[1]])}",
        "chang-d4_2": f"ours on Crema-d: late fusion {crema[models[0]].mean():.1f}, N1 {crema[models[2]].mean():.1f}",
        "chang-d8_2": f"largest gain of N2 in one of our pairs {largest:.1f} points",
        "chang-d12": "ours are one network by construction",
        "chang-d12_2": f"ours are one network by our reading: {both[0]:.2f} and {both[1]:.2f}",
        "chang-d13": counts,
        "chang-d13_2": counts,
        "chang-d15": f"{len(pairs[models[0]])} pairs and {len(crema[models[0]])} splits are run here",
    }
    return [Verdict(claim, "open", f"{SELF}; {text}") for claim, text in told.items()]


# ---------------------------------------------------------------- networks as built


def about_networks(profile: str) -> list[Verdict]:
    """Two claims that need no data: what N2 adds, and whether the equations agree."""
    table = mrpn.costs(profile).frame
    size = table[table.metric == "parameters in training"].set_index("network").measured
    more = int(size["N2"] - size["N1"])
    rows = mrpn_mechanism.cures(profile).frame
    rows = (
        rows[(rows.settings == "all settings") & (rows.metric == "difference") & (rows.way == "N2")]
        .set_index("against")
        .measured
    )
    norm, scoring = (
        int(size["N0"] - size["N0, no norm after the concatenation (Eq. 27)"]),
        int(size["N1, side scores by Scoring (Eq. 26)"] - size["N1"]),
    )
    return [
        Verdict(
            "chang-d41",
            "fails" if more else "holds",
            f"N2 has {more:,} parameters more than N1, and its side scores read behind the block: three things change at once. In simulation N2 less N1 "
            f"{rows['N1']:+.1f} points, less N1 with a block of that size {rows['N1 + equal block']:+.1f}, less N2 with its side scores before the block "
            f"{rows['N2, side scores before the block']:+.1f}",
        ),
        Verdict(
            "chang-f14",
            "fails" if norm or scoring else "holds",
            f"as built, Eq. 26 and 27 differ by a norm of {norm:,} parameters, Eq. 26 and 31 by {scoring:,} at the side",
        ),
    ]


# ---------------------------------------------------------------- people


def about_people(profile: str) -> list[Verdict]:
    """Thirteen claims on what fusion does; each decided by corrected tests over the folds where the data and the networks allow it."""
    said = [
        crema_average(profile),
        never_worse(profile),
        no_better_modality(profile),
        ties(profile),
        n1_better(profile),
        n1_fails(profile),
        six_points(profile),
        two_points(profile),
        one_inferior(profile),
        both_above_85(profile),
        slicing(profile),
        best_listed(profile),
        aggregators(profile),
    ]
    settled, real = (
        bool(mrpn.settled(profile)),
        all(clips(profile, n).source == "real" for n in SETS),
    )
    if not settled:
        return [Verdict(v.claim, UNTESTED, v.because) for v in said]
    return (
        said
        if real
        else [
            Verdict(
                v.claim,
                "open",
                "the people are simulated, and only real ones can decide this; " + v.because,
            )
            for v in said
        ]
    )


def _significant(profile: str, whats, names=SETS) -> tuple[list[bool], list[bool]]:
    """For each difference and set: is it above 0, is it below 0, after Holm?"""
    rows = [_gap(profile, n, w) for n in names for w in whats]
    return [p < 0.05 and r.measured > 0 for r, p in rows], [
        p < 0.05 and r.measured < 0 for r, p in rows
    ]


def _all_or_any(profile: str, whats, names=SETS) -> str:
    above, under = _significant(profile, whats, names)
    return "holds" if all(above) else "fails" if any(under) else "open"


def crema_average(profile: str) -> Verdict:
    table = mrpn.table_5_4(profile).frame
    row = table[
        (table.model == list(ROWS_5_4)[-1])
        & (table.dataset == "Crema-d")
        & (table.metric == "accuracy")
        & (table.protocol == label(profile))
    ].iloc[0]
    verdict = "holds" if row.low <= 83.15 <= row.high else "fails"
    return Verdict(
        "chang-d2_2",
        verdict,
        f"N2 with a transformer on Crema-d {row.measured:.1f} [{row.low:.1f}, {row.high:.1f}]; 83.15 is said",
    )


def never_worse(profile: str) -> Verdict:
    gaps = {
        n: np.stack(
            [mrpn.by_fold(profile, n, N2) - mrpn.by_fold(profile, n, c) for c in (LATE, N0, N1)]
        ).min(0)
        for n in SETS
    }
    worse = "; ".join(
        f"{PRINTED_NAMES[n]}: below another fusion in {int((g < 0).sum())} of {len(g)} folds, by up to {-min(g.min(), 0.0):.1f} points"
        for n, g in gaps.items()
    )
    under = any(_significant(profile, ("N2 - N1", "N2 - N0", "N2 - late fusion"))[1])
    return Verdict(
        "chang-d5",
        "fails" if under else "open" if any((g < 0).any() for g in gaps.values()) else "holds",
        worse,
    )


def no_better_modality(profile: str) -> Verdict:
    whats = ("N2 - picture alone", "N2 - sound alone")
    lead = mrpn.by_fold(profile, "ravdess", N2) - np.maximum(
        mrpn.by_fold(profile, "ravdess", AM["T"]), mrpn.by_fold(profile, "ravdess", VM["T"])
    )
    return Verdict(
        "chang-d5_2",
        _all_or_any(profile, whats),
        f"one modality leads in {int((lead < 0).sum())} of {len(lead)} pairs; "
        + "; ".join(_told(profile, n, w) for n in SETS for w in whats),
    )


def ties(profile: str) -> Verdict:
    count = chance = 0
    for n in SETS:
        said = np.stack([mrpn.by_fold(profile, n, c) for c in FUSED.values()])  # (4, folds)
        count, chance = count + int((said[3] >= said.max(0)).sum()), chance + said.shape[1]
    drawn = np.random.default_rng(0).integers(0, 4, (20000, chance))  # equal ways that lead by luck
    share = float(((drawn == 3).sum(1) >= count).mean())
    return Verdict(
        "chang-d5_3",
        "open",
        f"in our runs N2 leads or ties in {count} of {chance} folds; four equal ways reach that in {100 * share:.0f} % of draws",
    )


def n1_better(profile: str) -> Verdict:
    whats = ("N1 - N0", "N1 - late fusion")
    return Verdict(
        "chang-d6",
        _all_or_any(profile, whats),
        "; ".join(_told(profile, n, w) for n in SETS for w in whats),
    )


def n1_fails(profile: str) -> Verdict:
    gap = np.concatenate(
        [mrpn.by_fold(profile, n, N1) - mrpn.by_fold(profile, n, N0) for n in SETS]
    )
    return Verdict(
        "chang-d6_2",
        "holds" if (gap < 0).any() else "fails",
        f"N1 is below N0 in {int((gap < 0).sum())} of {len(gap)} folds",
    )


def six_points(profile: str) -> Verdict:
    rows = {n: _gap(profile, n, "N2 - N1")[0] for n in SETS}
    verdict = (
        "fails"
        if all(r.high < 6 for r in rows.values())
        else "holds"
        if any(r.low > 5 for r in rows.values())
        else "open"
    )
    return Verdict("chang-d7", verdict, "; ".join(_told(profile, n, "N2 - N1") for n in SETS))


def two_points(profile: str) -> Verdict:
    whats = ("N2 - N1", "N2 - N0")
    rows = [_gap(profile, n, w)[0] for n in SETS for w in whats]
    verdict = (
        "holds"
        if all(r.low > 0 and r.low <= 2 <= r.high for r in rows)
        else "fails"
        if all(not r.low <= 2 <= r.high for r in rows)
        else "open"
    )
    return Verdict(
        "chang-d8", verdict, "; ".join(_told(profile, n, w) for n in SETS for w in whats)
    )


def one_inferior(profile: str) -> Verdict:
    parts, pairs = [], {}
    for t in ("T", "NT"):
        lead = mrpn.by_fold(profile, "ravdess", JM[t]) - np.maximum(
            mrpn.by_fold(profile, "ravdess", AM[t]), mrpn.by_fold(profile, "ravdess", VM[t])
        )
        pairs[t] = list(lead.index[lead < 0])
        parts.append(
            f"{t}: one modality is better than both (N0) in {len(pairs[t])} of {len(lead)} pairs{' (' + '; '.join(pairs[t]) + ')' if pairs[t] else ''}"
        )
    return Verdict("chang-d9", "holds" if pairs["T"] == ["A9,10"] else "fails", "; ".join(parts))


def both_above_85(profile: str) -> Verdict:
    cells = {"sound": AM["T"], "picture": VM["T"], "both": JM["T"]}
    found = {
        f"{pair} {k}": float(mrpn.by_fold(profile, "ravdess", c)[pair])
        for k, c in cells.items()
        for pair in ("A7,8", "A1,2")
        if pair in mrpn.by_fold(profile, "ravdess", c)
    }
    alone = [v for k, v in found.items() if not k.endswith("both")]
    return Verdict(
        "chang-d10",
        "holds" if alone and min(alone) > 85 else "fails",
        ", ".join(f"{k} {v:.1f}" for k, v in found.items()),
    )


def slicing(profile: str) -> Verdict:
    whats = ("sound, T - NT", "picture, T - NT", "both (N0), T - NT")
    gain = np.concatenate(
        [
            (
                mrpn.by_fold(profile, "ravdess", w["T"]) - mrpn.by_fold(profile, "ravdess", w["NT"])
            ).to_numpy()
            for w in (AM, VM, JM)
        ]
    )
    return Verdict(
        "chang-d11",
        _all_or_any(profile, whats, ("ravdess",)),
        f"{int((gain > 0).sum())} of {len(gain)} cells improve; "
        + "; ".join(_told(profile, "ravdess", w) for w in whats),
    )


def best_listed(profile: str) -> Verdict:
    parts, verdict = [], []
    for n in SETS:
        table = papers.published("chang2021-t5_4")
        listed = table[(table.dataset == PRINTED_NAMES[n]) & (table.origin == "others")].value.max()
        ours = _mean(profile, n, N2)
        verdict.append(ours > listed)
        parts.append(f"{PRINTED_NAMES[n]}: N2 {ours:.1f}, best listed {listed:.1f} on other splits")
    return Verdict("chang-d42", "open" if all(verdict) else "fails", "; ".join(parts))


def aggregators(profile: str) -> Verdict:
    what = "N2, transformer - LSTM"
    rows = [_gap(profile, n, what)[0] for n in SETS]
    alike, apart = (
        all(r.low > -MARGIN and r.high < MARGIN for r in rows),
        any(r.low > MARGIN or r.high < -MARGIN for r in rows),
    )
    return Verdict(
        "chang-d43",
        "holds" if alike else "fails" if apart else "open",
        f"alike within {MARGIN:g} points? " + "; ".join(_told(profile, n, what) for n in SETS),
    )
