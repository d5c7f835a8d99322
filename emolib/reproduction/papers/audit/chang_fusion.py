"""Two modalities and their fusion: checks on chang2021, sections 5.3 and 6, Tables 5.2-5.4."""

from functools import partial
from operator import itemgetter

import numpy as np

from emolib import metrics
from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    by_part,
    grouped,
    judge,
    listed,
    mean,
    weigh,
)

LATE, N0 = "N0 (late fusion)", "N0 (end-to-end)"
N1, N2 = "N1 (end-to-end)", "N2 (end-to-end)"
AUDIO, VISUAL = "Audio Modality", "Visual Modality"
OPTIONS = "Resnet18+LSTM, VA+AO"
ROWS_54 = {
    LATE: f"N0 (late fusion), {OPTIONS}",
    N0: f"N0 (end-to-end), {OPTIONS}",
    N1: f"N1 (end-to-end), {OPTIONS} [97]",
    N2: f"MRPN (end-to-end), {OPTIONS}",
}
TRANSFORMER = "MRPN (end-to-end), Resnet18+Transformer(avg), VA+AO"
SETS = {"RAVDESS": "chang2021-t5_2", "Crema-d": "chang2021-t5_3"}
CLOSE = 0.11  # a mean of the splits that Table 5.4 may have cut to one decimal

check = Checks("chang2021")


def means(table: Table, *models: str) -> dict[str, float]:
    """Fusion model -> mean over the splits of Table 5.2 or 5.3, of all models or those named."""
    return {model: mean(table.column(model=model)) for model in models or table.labels("model")}


def leads(table: Table) -> dict[tuple[str, str], float]:
    """(split, other model) -> lead of MRPN (N2) on that split."""
    mrpn = table.column(model=N2)
    return {(s, m): v - table.cell(m, s) for s, v in mrpn.items() for m in (LATE, N0, N1)}


# ---- Tables 5.2 and 5.3


@check("chang-d5")
def mrpn_is_never_worse(t5_2, t5_3):
    words, never = [], []
    for name, table in zip(SETS, (t5_2, t5_3)):
        gap = [min(v) for v in grouped(leads(table), itemgetter(0)).values()]
        average = means(table)
        lead = [average[N2] - average[model] for model in (LATE, N0, N1)]
        never.append(min(gap) >= 0)
        words.append(
            f"{name}: {sum(g > 0 for g in gap)} better, {gap.count(0)} equal of {len(gap)} "
            f"(on average {lead[0]:.2f}, {lead[1]:.2f} and {lead[2]:.2f} points over late fusion, "
            "N0 and N1)"
        )
    return judge(all(never), "; ".join(words))


@check("chang-d5_2")
def mrpn_beats_each_modality(t5_1, t5_2):
    audio, visual = (t5_1.column(modality=m, time_augmentation="T") for m in (AUDIO, VISUAL))
    mrpn = t5_2.column(model=N2)
    gap = {pair: mrpn[pair] - max(audio[pair], visual[pair]) for pair in audio}
    low = min(gap, key=gap.get)
    return judge(
        gap[low] > 0,
        f"{sum(g > 0 for g in gap.values())} of {len(gap)} pairs, smallest lead {gap[low]:.1f} "
        f"points ({low}); means: MRPN {mean(mrpn):.3f}, "
        f"audio {mean(audio):.3f}, visual {mean(visual):.3f}",
    )


@check("chang-d5_3")
def ties_are_rare(t5_2, t5_3):
    gap = grouped(leads(t5_2) | leads(t5_3), itemgetter(0))
    equal = [split for split, v in gap.items() if min(v) == 0]
    total, chance = len(gap), 0.25 ** len(gap)
    return weigh(
        {"four equal models, tried once": chance < 0.05, "N2 tried until it led": False},
        f"{len(equal)} of {total} are ties; of four equal models one leads or ties everywhere with "
        f"probability 4^-{total} = {chance:.0e}, but how often each was tried, and on which set "
        f"the epoch was chosen, is not said (ties: {', '.join(equal)})",
    )


@check("chang-d6")
def n1_improves_on_average(t5_2, t5_3):
    by_set = {name: means(table) for name, table in zip(SETS, (t5_2, t5_3))}
    return weigh(
        {name: m[N1] > max(m[N0], m[LATE]) for name, m in by_set.items()}, by_part(by_set, ".3f")
    )


@check("chang-d6_2")
def n1_can_fail(t5_2, t5_3):
    words, fails = [], []
    for name, table in zip(SETS, (t5_2, t5_3)):
        gap = {split: v - table.cell(N0, split) for split, v in table.column(model=N1).items()}
        worse = [split for split, g in gap.items() if g < 0]
        fails.append(bool(worse))
        words.append(f"{name}: below N0 in {', '.join(worse)}, on average {mean(gap):+.3f} points")
    return judge(all(fails), "; ".join(words))


@check("chang-d7")
def n2_gains_6_over_n1(text, t5_2, t5_3):
    claimed, gain = text.cell("gain of N2 over N1"), {}
    for name, table in zip(SETS, (t5_2, t5_3)):
        n1, n2 = means(table, N1, N2).values()
        gain[name] = n2 - n1
    return judge(
        any(abs(g - claimed) < 0.5 for g in gain.values()),
        f"{listed(gain, '.3f')} points; {claimed:.0f} only with the 83.00 of Table 5.4",
    )


@check("chang-d8")
def mrpn_gains_about_2(text, t5_2, t5_3):
    claimed, gain = text.cell("average gain of MRPN"), {}
    for name, table in zip(SETS, (t5_2, t5_3)):
        average = means(table, N0, N1, N2)
        gain[f"{name} over N1"] = average[N2] - average[N1]
        gain[f"{name} over N0"] = average[N2] - average[N0]
    return weigh(
        {name: abs(g - claimed) < 0.5 for name, g in gain.items()}, f"{listed(gain, '.3f')} points"
    )


@check("chang-d8_2")
def greatest_gain_is_90(text, t5_2, t5_3):
    claimed = text.cell("greatest gain of MRPN")
    gain = leads(t5_2) | leads(t5_3)
    top = max(gain, key=gain.get)
    return judge(
        gain[top] > claimed - 5,
        f"largest {gain[top]:.1f} points ({' over '.join(top)}), mean of {len(gain)} "
        f"{mean(gain):.4f}; the text says {claimed:.0f}",
    )


FUSED = ((N2, N0), (N2, N1), (N2, LATE), (N1, N0), (N1, LATE))  # compared in 5.3.5, one family


def gains_by_fold(table: Table, shared: float) -> dict[str, tuple[float, float]]:
    """Fusion that MRPN (N2) is above -> mean gain in points, p after Holm over FUSED.

    A t-test for folds whose training parts overlap; shared: tested over trained clips of a fold.
    """
    gaps = []
    for a, b in FUSED:
        first, second = (table.column(model=model) for model in (a, b))
        gaps.append(np.array([first[fold] - second[fold] for fold in first]))
    tests = [metrics.difference(gap, test="corrected t", shared=shared) for gap in gaps]
    adjusted = metrics.holm([row["p"] for row in tests])
    rows = zip(FUSED, tests, adjusted, strict=True)
    return {b: (row["measured"], float(p)) for (a, b), row, p in rows if a == N2}


@check("chang-d44")
def mrpn_gains_exceed_chance(t5_2, t5_3):
    beyond, words = {}, []
    for name, table in zip(SETS, (t5_2, t5_3)):
        folds = len(table.column(model=N2))
        rest, fewer = (gains_by_fold(table, 1 / (folds - k)) for k in (1, 2))
        for model, (_, p) in rest.items():
            beyond[name, model] = p < 0.05
        gains = [
            f"{model} {gain:+.3f} (p {p:.3f}, {fewer[model][1]:.3f})"
            for model, (gain, p) in rest.items()
        ]
        words.append(f"{name}: over {', '.join(gains)}")
    return judge(
        all(beyond.values()),
        f"{'; '.join(words)}: points, corrected t-test, Holm; second p: another fold decides",
    )


# ---- Table 5.4 against the means


def _row_of_54(dataset: str, model: str, table: Table, t5_4: Table):
    values, printed = table.column(model=model), t5_4.cell(ROWS_54[model], "our", dataset)
    close = abs(mean(values) - printed) <= CLOSE
    alone = [split for split, v in values.items() if abs(v - printed) < 0.005]
    words = f", which is {' or '.join(alone)} alone" if alone and not close else ""
    return judge(
        close,
        f"mean of {len(values)} splits {mean(values):.3f}, Table 5.4 prints {printed:.2f}{words}",
    )


def _rows_of_54(dataset: str, claims: dict[str, str]):
    """A check of each row of Table 5.4 that should be the mean of a row of Table 5.2 or 5.3."""
    names = {LATE: "late", N0: "n0", N1: "n1", N2: "mrpn"}
    for model, claim in claims.items():
        name = f"table54_{dataset.lower().removesuffix('-d')}_{names[model]}"
        source = f"{dataset}, {model}: Table 5.4 gives the mean of the splits."
        function = partial(_row_of_54, dataset, model)
        check.add(name, claim, [SETS[dataset], "t5_4"], function, source)


_rows_of_54("RAVDESS", {LATE: "chang-d4", N0: "chang-d4", N1: "chang-d4", N2: "chang-d3"})


@check("chang-d3")
def table52_is_of_the_lstm(t5_2, t5_4):
    average = mean(t5_2.column(model=N2))
    lstm, transformer = (t5_4.cell(row, "our", "RAVDESS") for row in (ROWS_54[N2], TRANSFORMER))
    return weigh(
        {
            "by its mean": abs(average - lstm) <= CLOSE,
            "by the text, where LSTM is the default": True,
        },
        f"mean {average:.3f}; LSTM row {lstm:.1f}, transformer row {transformer:.1f} "
        "(cut to one decimal)",
    )


_rows_of_54("Crema-d", {LATE: "chang-d4_2", N0: "chang-d1", N1: "chang-d4_2", N2: "chang-d2"})


@check("chang-d2_2")
def crema_average_is_8315(text, t5_3):
    values, claimed = t5_3.column(model=N2), text.cell("average accuracy on Crema-d")
    return judge(
        abs(mean(values) - claimed) < 0.1,
        f"mean {mean(values):.3f}, largest of {len(values)} splits {max(values.values()):.1f}; "
        f"the text says {claimed:.2f}",
    )


@check("chang-d42")
def mrpn_is_state_of_the_art(t5_4):
    words, best = [], []
    for dataset in SETS:
        own = t5_4.column(origin="our", dataset=dataset)
        mrpn = [v for system, v in own.items() if system.startswith("MRPN")]
        naive = [v for system, v in own.items() if not system.startswith("MRPN")]
        others = t5_4.column(origin="others", dataset=dataset).values()
        best.append(min(mrpn) > max(others))
        words.append(
            f"{dataset}: MRPN {listed(mrpn)}; listed {listed(others)}; own others {listed(naive)}"
        )
    return judge(all(best), "; ".join(words) + "; the splits differ")


@check("chang-d43")
def aggregators_make_no_difference(t5_4):
    lstm = {d: t5_4.cell(ROWS_54[N2], "our", d) for d in SETS}
    gap = {d: t5_4.cell(TRANSFORMER, "our", d) - v for d, v in lstm.items()}
    return judge(
        max(map(abs, gap.values())) < 1,
        f"transformer - LSTM: {listed(gap)} points (LSTM {listed(lstm.values())})",
    )


@check("chang-d45")
def n1_is_gradient_blending():
    overfit = np.array([0.2, 0.4, 0.8])  # an example at equal gains, Wang et al. 2020, Eq. 4
    weights = 3 / overfit**2 / (1 / overfit**2).sum()
    return judge(
        np.allclose(weights, 1),
        "Eq. 28 adds three losses, each with weight 1; gradient blending [97] weights each by its "
        "gain over its squared overfitting, from a first training: where one overfits twice and "
        f"another four times as much, {listed(weights)}",
    )


@check("chang-d46")
def people_judge_best(text, t4_3, t5_2, t5_3):
    (faces,) = t4_3.column(source="Ours").values()
    machine = {"FER-2013": faces, "Crema-d": mean(t5_3.column(model=N2))}
    machine["RAVDESS"] = mean(t5_2.column(model=N2))
    people = {name: text.cell(f"human accuracy on {name}") for name in machine}
    return judge(
        all(people[name] >= value for name, value in machine.items()),
        f"people {listed(people, '.1f')} %; the thesis's own networks {listed(machine, '.3f')} %",
    )


# ---- data in words


@check("chang-d14")
def ravdess_has_2880_clips(text):
    actors, files = text.cells("actors of RAVDESS", "files of RAVDESS")
    clips = actors * 60
    return judge(
        files == clips,
        f"{actors:.0f} x 60 = {clips:.0f} clips with sound and picture; {files:.0f} - {clips:.0f} "
        f"= {files - clips:.0f} are silent copies",
    )


@check("chang-d15")
def splits_are_tenfold(text, t5_2, t5_3):
    pairs, splits = len(t5_2.labels("actors")), len(t5_3.labels("split"))
    folds = text.cell("folds")
    return judge(
        pairs == splits == folds,
        f"{pairs} pairs of actors ({100 / pairs:.1f} % held out) and {splits} splits, "
        f"not {folds:.0f}",
    )


@check("chang-d15_2")
def pairs_cover_all_actors(text, t5_2):
    pairs = [tuple(map(int, label[1:].split(","))) for label in t5_2.labels("actors")]
    actors, claimed = sorted(sum(pairs, ())), text.cell("actors of RAVDESS")
    mixed = all(a % 2 == 1 and b % 2 == 0 for a, b in pairs)
    return judge(
        actors == list(range(1, int(claimed) + 1)) and mixed,
        f"{len(pairs)} pairs, actors {actors[0]} to {actors[-1]} of {claimed:.0f}, "
        "each odd with even",
    )
