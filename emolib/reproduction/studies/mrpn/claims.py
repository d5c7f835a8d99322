"""The rules of notebook 44: what our measurements say of the claims of chapter 5, one test each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.reproduction import papers
from emolib.reproduction.runs import Claims, Standing, either, held
from emolib.reproduction.runs.claims import failed_gate
from emolib.reproduction.studies.mrpn import tables
from emolib.reproduction.studies.mrpn.plan import (
    AM,
    FUSED,
    JM,
    LATE_FUSION,
    N0,
    N1,
    N2,
    NAMES,
    PAIRED,
    SETS,
    VM,
    Cell,
    Study,
)
from emolib.reproduction.studies.mrpn.tables import (
    AUDIO,
    BOTH,
    CELLS,
    FAMILIES,
    LATE_ROW,
    LOGISTIC,
    N0_ROW,
    N1_ROW,
    N2_ROW,
    RIDGE,
    SLICING,
    VISUAL,
    by_fold,
)

MARGIN = 2.0  # points within which two ways count as alike
EVERY_SET, TRANSFORMER_ROW = " ".join(SETS), "N2, transformer"
EITHER = "the sets that decide"  # Study.decide: of an ordering of fusions, and not of a level
SLICED = tuple(f"{row}, T" for row in (AUDIO, VISUAL, BOTH))
UNSLICED = tuple(f"{row}, NT" for row in (AUDIO, VISUAL, BOTH))


# ---------------------------------------------------------------- what a network has shown


@held
def on_one_set(study: Study, network: str, name: str) -> Standing:
    """Its accuracy over the actors of one set, beside the commonest emotion of the tested clips."""
    cell, stock = CELLS[network], LOGISTIC if name in PAIRED else RIDGE.method
    whole = tables.joined(tables.answers(study, name, cell))
    printed = study.end_to_end and name in SETS
    shown = study.row(network, name) if name in PAIRED else network
    return Standing(
        f"{shown} on {NAMES[name]}",
        low=whole.accuracy["low"],
        trivial=np.bincount(whole.truth).max() / len(whole.truth),
        flat=tables.flat(study, name, cell),
        people=len(np.unique(whole.person)),
        stock=(stock,),
        family=len(FAMILIES[name]),
        smaller="" if printed else "without the printed extractors (its features rest)",
    )


def standing(study: Study, network: str, trained: str) -> Standing:
    """What a row of CELLS shows on the sets `trained`: on the first where it fails a gate."""
    names = study.decide if trained == EITHER else trained.split()
    each = [on_one_set(study, network, name) for name in names]
    if len(each) == 1:
        return each[0]
    on_all = f"{network} on {' and '.join(NAMES[name] for name in names)}"
    passed = replace(each[0], name=on_all)
    return next((one for one in each if failed_gate([one])[0]), passed)


claim = Claims("44", standing)
judge = claim.judge


# ---------------------------------------------------------------- networks that are counted


@claim("chang-d41")
def residual_path_alone(study: Study):
    """Has N2 the parameters of N1?"""
    size = tables.costs(study).frame.pivot(index="network", columns="metric", values="measured")
    size = size["parameters in training"]
    more = int(size["N2"] - size["N1"])
    because = f"N2 has {more:,} parameters more than N1, and its side scores read behind the block"
    return more == 0, because


@claim("chang-f14")
def one_component(study: Study):
    """Do Eq. 26, 27 and 31 describe networks of one size?"""
    size = tables.costs(study).frame.pivot(index="network", columns="metric", values="measured")
    size = size["parameters in training"]
    norm = int(size["N0"] - size["N0, no norm after the concatenation (Eq. 27)"])
    scoring = int(size["N1, side scores by Scoring (Eq. 26)"] - size["N1"])
    because = (
        f"as built, Eq. 26 and 27 differ by a norm of {norm:,} parameters, "
        f"Eq. 26 and 31 by {scoring:,} at the side"
    )
    return norm == scoring == 0, because


# ---------------------------------------------------------------- differences over the folds


def gap(study: Study, name: str, what: str) -> pd.Series:
    """The row of a difference, with its p after Holm as `p`, and both `told` in a few words."""
    frame = tables.tests(study).frame
    at = (frame.dataset == NAMES[name]) & (frame.difference == what)
    rows = frame[at & (frame.protocol == study.label(name=name))].set_index("metric")
    row, p = rows.loc["difference"].copy(), float(rows.loc["p, Holm"].measured)
    row["p"] = p
    row["told"] = (
        f"{NAMES[name]} {what} {row.measured:+.1f} [{row.low:+.1f}, {row.high:+.1f}], p {p:.2f}"
    )
    return row


def gaps(study: Study, whats, names=tuple(SETS)) -> tuple[list[pd.Series], str]:
    """The rows of several differences, sets first, and what they say."""
    rows = [gap(study, name, what) for name in names for what in whats]
    return rows, "; ".join(row.told for row in rows)


def below(rows: list[pd.Series]) -> bool:
    return any(row.p < 0.05 and row.measured < 0 for row in rows)


def significant(study: Study, whats, names=tuple(SETS)):
    """Holds where every difference is above 0, fails where one is below, after Holm."""
    rows, told = gaps(study, whats, names)
    above = all(row.p < 0.05 and row.measured > 0 for row in rows)
    return either(above, below(rows)), told


@claim("chang-d2_2", TRANSFORMER_ROW, trained="crema_d", data=("crema_d",), level=True)
def crema_average(study: Study):
    """Does the interval of N2 with a transformer hold the 83.15 % that are said?"""
    whole = tables.joined(tables.answers(study, "crema_d", CELLS[TRANSFORMER_ROW]))
    value, low, high = (100 * whole.accuracy[k] for k in ("measured", "low", "high"))
    because = f"N2 with a transformer on Crema-d {value:.1f} [{low:.1f}, {high:.1f}]; 83.15 is said"
    return low <= 83.15 <= high, because


@claim("chang-d5", *FUSED, trained=EITHER, data=("deciding",))
def never_worse(study: Study):
    """Is N2 below no other fusion in any fold?"""
    worse, told = False, []
    for name in study.decide:
        ahead = [by_fold(study, name, N2) - by_fold(study, name, c) for c in (LATE_FUSION, N0, N1)]
        least = np.min(ahead, 0)  # (folds,)
        worse |= bool((least < 0).any())
        told.append(
            f"{NAMES[name]}: below another fusion in {(least < 0).sum()} of {len(least)} folds, "
            f"by up to {-min(least.min(), 0.0):.1f} points"
        )
    rows, gained = gaps(study, ("N2 - N1", "N2 - N0", "N2 - late fusion"), study.decide)
    beaten, told = below(rows), [*told, gained]
    return either(not worse, beaten), "; ".join(told)


def lead(study: Study, joint: Cell, time: str, name: str = "ravdess") -> pd.Series:
    """Points of a joint network over the better modality, pair by pair of actors."""
    alone = [by_fold(study, name, ways[time]) for ways in (AM, VM)]
    return by_fold(study, name, joint) - np.maximum(*alone)


@claim("chang-d5_2", N2_ROW, *SLICED[:2], trained=EITHER, data=("deciding",))
def no_better_modality(study: Study):
    """Is N2 above each modality alone?"""
    pairs = lead(study, N2, "T", study.decide[0])
    holds, told = significant(study, ("N2 - picture alone", "N2 - sound alone"), study.decide)
    return holds, f"one modality leads in {(pairs < 0).sum()} of {len(pairs)} pairs; {told}"


@claim("chang-d5_3", *FUSED, trained=EVERY_SET)
def ties(study: Study):
    """How often do four equal ways lead as often as N2 does? Left open: no test of print's runs."""
    count = folds = 0
    for name in SETS:
        each = np.stack([by_fold(study, name, c) for c in FUSED.values()])  # (4, folds)
        count += int((each[3] >= each.max(0)).sum())
        folds += each.shape[1]
    drawn = np.random.default_rng(0).integers(0, 4, (20000, folds))  # equal ways that lead by luck
    share = float(((drawn == 3).sum(1) >= count).mean())
    because = (
        f"in our runs N2 leads or ties in {count} of {folds} folds; "
        f"four equal ways reach that in {100 * share:.0f} % of draws"
    )
    return None, because


@claim("chang-d6", N1_ROW, N0_ROW, LATE_ROW, trained=EITHER, data=("deciding",))
def n1_improves(study: Study):
    """Is N1 above plain and late fusion on the sets that decide?"""
    return significant(study, ("N1 - N0", "N1 - late fusion"), study.decide)


@claim("chang-d6_2", N1_ROW, N0_ROW, trained=EITHER, data=("deciding",))
def n1_fails(study: Study):
    """Is N1 below N0 in a fold, by more than its clips explain (Holm over the folds)?"""
    ahead, p = [], []
    for name in study.decide:
        plain = tables.answers(study, name, N0)
        for fold, with_sides in tables.answers(study, name, N1).items():
            difference = with_sides.right - plain[fold].right
            clips = np.arange(len(difference))
            ahead.append(difference.mean())
            p.append(metrics.bootstrap_p(difference, clips, draws=study.draws))
    worse = int(np.sum(np.array(ahead) < 0))
    clear = bool(((metrics.holm(p) < 0.05) & (np.array(ahead) < 0)).any())
    return either(clear, worse == 0), f"N1 is below N0 in {worse} of {len(ahead)} folds"


@claim("chang-d7", N2_ROW, N1_ROW, trained=EVERY_SET, level=True)
def six_points(study: Study):
    """Does N2 gain more than five points over N1 on a set?"""
    rows, told = gaps(study, ("N2 - N1",))
    return either(any(row.low > 5 for row in rows), all(row.high < 6 for row in rows)), told


@claim("chang-d8", N2_ROW, N1_ROW, N0_ROW, trained=EVERY_SET, level=True)
def two_points(study: Study):
    """Are two points within every interval, and 0 in none?"""
    rows, told = gaps(study, ("N2 - N1", "N2 - N0"))
    about_two = [row.low <= 2 <= row.high for row in rows]
    return either(all(about_two) and all(row.low > 0 for row in rows), not any(about_two)), told


@claim("chang-d9", *SLICED, *UNSLICED, trained="ravdess", data=("ravdess",))
def one_inferior(study: Study):
    """Is A9,10 the only pair on which one modality is better than both?"""
    told, pairs = [], {}
    for time, cell in reversed(JM.items()):
        ahead = lead(study, cell, time)
        pairs[time] = list(ahead.index[ahead < 0])
        which = f" ({'; '.join(pairs[time])})" if pairs[time] else ""
        told.append(
            f"{time}: one modality is better than both (N0) "
            f"in {len(pairs[time])} of {len(ahead)} pairs{which}"
        )
    return pairs["T"] == ["A9,10"], "; ".join([*told, *_sound_of(study, "A9,10")])


def _sound_of(study: Study, pair: str) -> list[str]:
    """What the sound alone of a pair says, with the word for whose speech it is."""
    heard, source = tables.sound_alone(study, "T")
    return [f"sound alone of {pair} {heard[pair]:.1f} ({source} speech)"] if pair in heard else []


@claim("chang-d10", *SLICED, trained="ravdess", data=("ravdess",), level=True)
def both_above_85(study: Study):
    """Is each modality alone above 85 % on two pairs?"""
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
    return bool(alone and min(alone) > 85), ", ".join(told)


@claim("chang-d11", *SLICED, *UNSLICED, trained="ravdess", data=("ravdess",))
def slicing(study: Study):
    """Is every way better with time augmentation?"""
    gains = [tables.sound_alone(study, "T")[0] - tables.sound_alone(study, "NT")[0]]
    for ways in (VM, JM):
        gains.append(by_fold(study, "ravdess", ways["T"]) - by_fold(study, "ravdess", ways["NT"]))
    gain, heard = np.concatenate(gains), tables.slicing_gain(study)
    holds, _ = significant(study, SLICING, ("ravdess",))
    _, told = gaps(study, list(SLICING)[1:], ("ravdess",))
    return holds, (
        f"{(gain > 0).sum()} of {len(gain)} cells improve; "
        f"RAVDESS sound ({heard['source']} speech), T - NT "
        f"{heard['measured']:+.1f} [{heard['low']:+.1f}, {heard['high']:+.1f}], "
        f"p {heard['p']:.2f}; {told}"
    )


@claim("chang-d42", N2_ROW, trained=EVERY_SET, level=True)
def best_listed(study: Study):
    """Is N2 below the best listed system? Above it proves nothing: the splits are others."""
    table, told, beaten = papers.published("chang2021-t5_4"), [], False
    for name, printed in SETS.items():
        listed = table[(table.dataset == printed) & (table.origin == "others")].value.max()
        ours = tables.joined(tables.answers(study, name, N2)).accuracy
        beaten |= 100 * ours["high"] < listed
        ours = 100 * ours["measured"]
        told.append(f"{printed}: N2 {ours:.1f}, best listed {listed:.1f} on other splits")
    return either(holds=False, fails=beaten), "; ".join(told)


@claim("chang-d43", TRANSFORMER_ROW, N2_ROW, trained=EVERY_SET)
def aggregators(study: Study):
    """Are LSTM and transformer alike within two points?"""
    rows, told = gaps(study, ("N2, transformer - LSTM",))
    alike = all(row.low > -MARGIN and row.high < MARGIN for row in rows)
    apart = any(row.low > MARGIN or row.high < -MARGIN for row in rows)
    return either(alike, apart), f"alike within {MARGIN:g} points? {told}"
