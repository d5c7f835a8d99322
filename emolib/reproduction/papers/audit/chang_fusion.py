"""Two modalities and their fusion: checks on chang2021, sections 5.3 and 6, Tables 5.2-5.4."""

from __future__ import annotations

import numpy as np

from emolib.reproduction.papers.audit.record import Table, check, judge, weigh

LATE, N0, N1, N2 = "N0 (late fusion)", "N0 (end-to-end)", "N1 (end-to-end)", "N2 (end-to-end)"
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


def mean(table: Table, model: str) -> float:
    """Mean of one fusion model over the splits of Table 5.2 or 5.3."""
    return float(np.mean(list(table.column(model=model).values())))


def means(table: Table, *models: str) -> dict[str, float]:
    """Fusion model -> mean over the splits, for the models named or for all four."""
    return {model: mean(table, model) for model in models or table.labels("model")}


def tell(values: dict, digits: int = 2) -> str:
    """Names and values in one line."""
    return ", ".join(f"{k} {v:.{digits}f}" for k, v in values.items())


# ------------------------------------------------------------------ Tables 5.2 and 5.3


@check("chang-d5", *SETS.values())
def mrpn_is_never_worse(t2, t3):
    """MRPN shows the same or the most improvement in any circumstance (5.3.5)."""
    told, holds = [], []
    for name, t in zip(SETS, (t2, t3)):
        gap = {
            s: v - max(t.cell(m, s) for m in (LATE, N0, N1)) for s, v in t.column(model=N2).items()
        }
        lead = {m: mean(t, N2) - mean(t, m) for m in (LATE, N0, N1)}
        holds.append(min(gap.values()) >= 0)
        told.append(
            f"{name}: {sum(g > 0 for g in gap.values())} better, {sum(g == 0 for g in gap.values())} equal of "
            f"{len(gap)} "
            f"(on average {lead[LATE]:.2f}, {lead[N0]:.2f} and {lead[N1]:.2f} points over late fusion, N0 and N1)"
        )
    return judge(all(holds), "; ".join(told))


@check("chang-d5_2", "chang2021-t5_1", "chang2021-t5_2")
def mrpn_beats_each_modality(t1, t2):
    """MRPN leaves no case in which one modality is better (5.3.5; 6)."""
    gap = {
        a: t2.cell(N2, a) - max(t1.cell(m, "T", a) for m in (AUDIO, VISUAL))
        for a in t1.labels("actors")
    }
    single = {
        m.split()[0].lower(): np.mean(list(t1.column(modality=m, time_augmentation="T").values()))
        for m in (AUDIO, VISUAL)
    }
    return judge(
        min(gap.values()) > 0,
        f"{sum(g > 0 for g in gap.values())} of {len(gap)} pairs, smallest lead {min(gap.values()):.1f} points "
        f"({min(gap, key=gap.get)}); means: MRPN {mean(t2, N2):.3f}, {tell(single, 3)}",
    )


@check("chang-d5_3", *SETS.values())
def ties_are_rare(t2, t3):
    """Being at least equal in all 21 columns is no accident of ties (5.3.5)."""
    splits = [(t, s) for t in (t2, t3) for s in t.labels(t.names[1])]
    equal = [s for t, s in splits if t.cell(N2, s) == max(t.cell(m, s) for m in (LATE, N0, N1))]
    total, chance = len(splits), 0.25 ** len(splits)
    return weigh(
        {"four equal models, tried once": chance < 0.05, "N2 tried until it led": False},
        f"{len(equal)} of {total} are ties; of four equal models one leads or ties everywhere with probability "
        f"4^-{total} = {chance:.0e}, "
        f"but how often each was tried, and on which set the epoch was chosen, is not said (ties: "
        f"{', '.join(equal)})",
    )


@check("chang-d6", *SETS.values())
def n1_improves_on_average(t2, t3):
    """N1 improves the average over late and naive end-to-end fusion (5.3.5)."""
    found = {name: means(t) for name, t in zip(SETS, (t2, t3))}
    return weigh(
        {name: m[N1] > max(m[N0], m[LATE]) for name, m in found.items()},
        "; ".join(f"{name}: {tell(m, 3)}" for name, m in found.items()),
    )


@check("chang-d6_2", *SETS.values())
def n1_can_fail(t2, t3):
    """N1 can still fail in some cases (5.3.5)."""
    gap = {
        name: {s: v - t.cell(N0, s) for s, v in t.column(model=N1).items()}
        for name, t in zip(SETS, (t2, t3))
    }
    worse = {name: [s for s, g in gaps.items() if g < 0] for name, gaps in gap.items()}
    return judge(
        all(worse.values()),
        "; ".join(
            f"{name}: below N0 in {', '.join(s)}, on average {np.mean(list(gap[name].values())):+.3f} points"
            for name, s in worse.items()
        ),
    )


@check("chang-d7", "chang2021-text", *SETS.values())
def n2_gains_6_over_n1(text, t2, t3):
    """N2 improves on N1 by almost 6 % (5.3.5)."""
    gain = {name: mean(t, N2) - mean(t, N1) for name, t in zip(SETS, (t2, t3))}
    return judge(
        any(abs(g - text.cell("gain of N2 over N1")) < 0.5 for g in gain.values()),
        f"{tell(gain, 3)} points; {text.cell('gain of N2 over N1'):.0f} only with the 83.00 of Table 5.4",
    )


@check("chang-d8", "chang2021-text", *SETS.values())
def mrpn_gains_about_2(text, t2, t3):
    """MRPN improves the average recognition rate by about 2 % (6)."""
    gain = {
        f"{name} over {other.split()[0]}": mean(t, N2) - mean(t, other)
        for name, t in zip(SETS, (t2, t3))
        for other in (N1, N0)
    }
    return weigh(
        {k: abs(g - text.cell("average gain of MRPN")) < 0.5 for k, g in gain.items()},
        f"{tell(gain, 3)} points",
    )


@check("chang-d8_2", "chang2021-text", *SETS.values())
def greatest_gain_is_90(text, t2, t3):
    """The greatest improvement for a subset is approximately 90 (6; the sentence breaks off)."""
    gain = {
        (s, m): v - t.cell(m, s)
        for t in (t2, t3)
        for s, v in t.column(model=N2).items()
        for m in (LATE, N0, N1)
    }
    top = max(gain, key=gain.get)
    return judge(
        gain[top] > text.cell("greatest gain of MRPN") - 5,
        f"largest {gain[top]:.1f} points ({top[0]} over {top[1]}), mean of {len(gain)} "
        f"{np.mean(list(gain.values())):.4f}; "
        f"the text says {text.cell('greatest gain of MRPN'):.0f}",
    )


# ------------------------------------------------------------------ Table 5.4 against the means


def _row_54(model: str, dataset: str, table: Table, t4: Table):
    values, printed = table.column(model=model), t4.cell(ROWS_54[model], "our", dataset)
    average = np.mean(list(values.values()))
    at = [split for split, v in values.items() if abs(v - printed) < 0.005]
    return judge(
        abs(average - printed) <= 0.11,
        f"mean of {len(values)} splits {average:.3f}, Table 5.4 prints {printed:.2f}"
        + (f", which is {' or '.join(at)} alone" if at and abs(average - printed) > 0.11 else ""),
    )


@check("chang-d4", SETS["RAVDESS"], "chang2021-t5_4")
def table54_ravdess_late(t, t4):
    """RAVDESS, late fusion: Table 5.4 gives the mean of Table 5.2."""
    return _row_54(LATE, "RAVDESS", t, t4)


@check("chang-d4", SETS["RAVDESS"], "chang2021-t5_4")
def table54_ravdess_n0(t, t4):
    """RAVDESS, N0 end-to-end: Table 5.4 gives the mean of Table 5.2."""
    return _row_54(N0, "RAVDESS", t, t4)


@check("chang-d4", SETS["RAVDESS"], "chang2021-t5_4")
def table54_ravdess_n1(t, t4):
    """RAVDESS, N1: Table 5.4 gives the mean of Table 5.2."""
    return _row_54(N1, "RAVDESS", t, t4)


@check("chang-d3", SETS["RAVDESS"], "chang2021-t5_4")
def table54_ravdess_mrpn(t, t4):
    """RAVDESS, MRPN with LSTM: Table 5.4 gives the mean of Table 5.2."""
    return _row_54(N2, "RAVDESS", t, t4)


@check("chang-d3", SETS["RAVDESS"], "chang2021-t5_4")
def table52_is_of_the_lstm(t, t4):
    """Table 5.2 shows the LSTM version of MRPN, as Table 5.4 suggests."""
    average = mean(t, N2)
    lstm, transformer = (
        t4.cell(ROWS_54[N2], "our", "RAVDESS"),
        t4.cell(TRANSFORMER, "our", "RAVDESS"),
    )
    return weigh(
        {
            "by its mean": abs(average - lstm) <= 0.11,
            "by the text, where LSTM is the default": True,
        },
        f"mean {average:.3f}; LSTM row {lstm:.1f}, transformer row {transformer:.1f} (cut to one decimal)",
    )


@check("chang-d4_2", SETS["Crema-d"], "chang2021-t5_4")
def table54_crema_late(t, t4):
    """Crema-d, late fusion: Table 5.4 gives the mean of Table 5.3."""
    return _row_54(LATE, "Crema-d", t, t4)


@check("chang-d1", SETS["Crema-d"], "chang2021-t5_4")
def table54_crema_n0(t, t4):
    """Crema-d, N0 end-to-end: Table 5.4 gives the mean of Table 5.3."""
    return _row_54(N0, "Crema-d", t, t4)


@check("chang-d4_2", SETS["Crema-d"], "chang2021-t5_4")
def table54_crema_n1(t, t4):
    """Crema-d, N1: Table 5.4 gives the mean of Table 5.3."""
    return _row_54(N1, "Crema-d", t, t4)


@check("chang-d2", SETS["Crema-d"], "chang2021-t5_4")
def table54_crema_mrpn(t, t4):
    """Crema-d, MRPN with LSTM: Table 5.4 gives the mean of Table 5.3."""
    return _row_54(N2, "Crema-d", t, t4)


@check("chang-d2_2", "chang2021-text", SETS["Crema-d"])
def crema_average_is_8315(text, t):
    """The average accuracy on Crema-d is 83.15 % (6; summary)."""
    values, claimed = t.column(model=N2), text.cell("average accuracy on Crema-d")
    average = np.mean(list(values.values()))
    return judge(
        abs(average - claimed) < 0.1,
        f"mean {average:.3f}, largest of {len(values)} splits {max(values.values()):.1f}; the text says {claimed:.2f}",
    )


@check("chang-d42", "chang2021-t5_4")
def mrpn_is_state_of_the_art(t4):
    """MRPN is the best on both data sets among the systems listed (5.3.6)."""
    told, holds = [], []
    for dataset in SETS:
        ours = {
            k: v
            for k, v in t4.column(origin="our", dataset=dataset).items()
            if k.startswith("MRPN")
        }
        naive = {
            k: v
            for k, v in t4.column(origin="our", dataset=dataset).items()
            if not k.startswith("MRPN")
        }
        others = t4.column(origin="others", dataset=dataset)
        holds.append(min(ours.values()) > max(others.values()))
        told.append(
            f"{dataset}: MRPN {', '.join(f'{v:.2f}' for v in ours.values())}; listed "
            f"{', '.join(f'{v:.2f}' for v in others.values())}; "
            f"own others {', '.join(f'{v:.2f}' for v in naive.values())}"
        )
    return judge(all(holds), "; ".join(told) + "; the splits differ")


@check("chang-d43", "chang2021-t5_4")
def aggregators_make_no_difference(t4):
    """LSTM and transformer as aggregators make no discernible difference (5.3.6)."""
    gap = {d: t4.cell(TRANSFORMER, "our", d) - t4.cell(ROWS_54[N2], "our", d) for d in SETS}
    return judge(
        max(map(abs, gap.values())) < 1,
        f"transformer - LSTM: {tell(gap)} points (LSTM {t4.cell(ROWS_54[N2], 'our', 'RAVDESS'):.2f}, "
        f"{t4.cell(ROWS_54[N2], 'our', 'Crema-d'):.2f})",
    )


# ------------------------------------------------------------------ data in words


@check("chang-d14", "chang2021-text")
def ravdess_has_2880_clips(text):
    """RAVDESS speech has 2,880 files from 24 actors (5.3.1)."""
    actors, files = text.cell("actors of RAVDESS"), text.cell("files of RAVDESS")
    clips = actors * 60
    return judge(
        files == clips,
        f"{actors:.0f} x 60 = {clips:.0f} clips with sound and picture; {files:.0f} - {clips:.0f} = "
        f"{files - clips:.0f} are silent copies",
    )


@check("chang-d15", "chang2021-text", "chang2021-t5_2", "chang2021-t5_3")
def splits_are_tenfold(text, t2, t3):
    """Both data sets are split in the manner of 10-fold validation (5.3.1)."""
    folds = {"RAVDESS": len(t2.labels("actors")), "Crema-d": len(t3.labels("split"))}
    return judge(
        all(n == text.cell("folds") for n in folds.values()),
        f"{folds['RAVDESS']} pairs of actors ({100 / folds['RAVDESS']:.1f} % held out) and {folds['Crema-d']} "
        f"splits, not {text.cell('folds'):.0f}",
    )


@check("chang-d15_2", "chang2021-text", "chang2021-t5_2")
def pairs_cover_all_actors(text, t2):
    """The twelve pairs cover the 24 actors, one man and one woman each (5.3.3)."""
    pairs = [tuple(map(int, label[1:].split(","))) for label in t2.labels("actors")]
    actors = sorted(a for pair in pairs for a in pair)
    return judge(
        actors == list(range(1, int(text.cell("actors of RAVDESS")) + 1))
        and all(a % 2 == 1 and b % 2 == 0 for a, b in pairs),
        f"{len(pairs)} pairs, actors {actors[0]} to {actors[-1]} of {text.cell('actors of RAVDESS'):.0f}, each "
        f"odd with even",
    )
