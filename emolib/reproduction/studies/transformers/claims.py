"""The second verdict on what orgil2022 says of its transformers (notebook 12).

Ranks of models and losses are questions for real videos and wide networks that settled. What the
printed numbers can mean, and what a loss can cost, needs neither.
"""

from __future__ import annotations

import pandas as pd

from emolib.reproduction import papers
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.transformers import tables
from emolib.reproduction.studies.transformers.plan import STANDARD, Study
from emolib.reproduction.studies.transformers.tables import (
    NESTED,
    REPORTED,
    SCALES,
    SCORE,
    by_epoch,
)

UNTESTED = "not tested at this profile"
PRINTED_NI, PRINTED_MSE = 0.0173, 0.0315  # validation losses of Fig. 4.11 (4.3)


def judge(study: Study) -> list[Verdict]:
    """Every claim that notebook 12 can speak to."""
    rules = (beats_full, reading_of_score, ccc_wins, evm_best, both_axes, ni_best, multi_lowest)
    rules += (faster, seconds, units, same_training, mesh_valence)
    verdicts = [rule(study) for rule in rules]
    if study.world.source == "real":
        return verdicts
    decidable = papers.claims().set_index("id").decidable
    simulated = "the videos are simulated, and only real ones can decide this; "
    return [
        Verdict(v.claim, "open", simulated + v.because) if decidable[v.claim] == "real" else v
        for v in verdicts
    ]


# ---------------------------------------------------------------- what the networks say


def beats_full(study: Study) -> Verdict:
    best = _scores(study, SCORE).loc["Feature Transformer"].sort_values("measured").iloc[-1]
    return Verdict(
        "orgil-a2_3",
        UNTESTED,
        f"our Feature transformer reaches {_measured(best)} of 2; the Full network of "
        "notebook 11 is trained on other windows and splits, as it was in print",
    )


def ccc_wins(study: Study) -> Verdict:
    rows = tables.differences(study).frame
    rows = rows[(rows.better == "Ours") & (rows.than == "CCC")]
    clear = rows["p, Holm"] < 0.05
    text = "; ".join(f"{r.model.split()[0]} {_measured(r)}" for r in rows.itertuples())
    wins, loses = (clear & (rows.measured < 0)).all(), (clear & (rows.measured > 0)).any()
    because = f"ours less CCC in 2CCC, Holm over 12 comparisons: {text}; "
    because += f"{clear.sum()} of {len(rows)} clear"
    return _if_settled(study, "orgil-a6_2", because, wins, wins or loses)


def evm_best(study: Study) -> Verdict:
    (valence, v_text, v_clear), (arousal, a_text, a_clear) = (
        _leader(study, axis) for axis in ("Valence", "Arousal")
    )
    best = valence[0] == arousal[0] == "EVM Transformer"
    because = f"valence: {v_text}; arousal: {a_text}"
    return _if_settled(study, "orgil-a6_3", because, best, v_clear and a_clear)


def both_axes(study: Study) -> Verdict:
    axes = [
        _scores(study, axis).loc[("EVM Transformer", "Ours")] for axis in ("Valence", "Arousal")
    ]
    inside = all(row.low <= 0.5542 <= row.high for row in axes)
    because = "EVM, ours: valence {}, arousal {}".format(*map(_measured, axes))
    return _if_settled(study, "orgil-a6_4", because, inside)


def ni_best(study: Study) -> Verdict:
    first, text, clear = _leader(study, SCORE, ("Ours", "CCC", "MSE"))
    because = f"{SCORE}, nested: {text}"
    return _if_settled(study, "orgil-a6_4_2", because, first[1] == "Ours", clear)


def multi_lowest(study: Study) -> Verdict:
    rows = _scores(study, SCORE).xs("Ours", level="loss").sort_values("measured")
    text = ", ".join(f"{m.split()[0]} {_measured(r)}" for m, r in rows.iterrows())
    lowest, clear = rows.index[0] == "Multi Transformer", rows.high.iloc[0] < rows.measured.iloc[1]
    because = f"trained with ours, from the lowest: {text}"
    return _if_settled(study, "orgil-a6_5", because, lowest, clear)


def mesh_valence(study: Study) -> Verdict:
    first, text, clear = _leader(study, "Valence")
    because = f"Valence, nested: {text}"
    return _if_settled(study, "orgil-a6_22", because, first[0] == "Mesh Transformer", clear)


def _measured(row) -> str:
    """'0.512 [0.401, 0.620]', or the value alone where a single person was tested."""
    interval = "" if pd.isna(row.low) else f" [{row.low:.3f}, {row.high:.3f}]"
    return f"{row.measured:.3f}{interval}"


def _scores(study: Study, metric: str, protocol: str = NESTED) -> pd.DataFrame:
    """model x loss: measured, low, high of one metric."""
    frame = tables.table_4_3(study).frame
    rows = frame[(frame.metric == metric) & (frame.protocol == protocol)]
    return rows.set_index(["model", "loss"])[["measured", "low", "high"]]


def _if_settled(study: Study, claim: str, because: str, holds: bool, clear=True) -> Verdict:
    """Wide networks on their plateau decide; what is not clear stays open."""
    verdict = "holds" if holds else "fails"
    if not clear:
        verdict = "open"
    if study.sizes.net["width"] < STANDARD["width"] or NESTED not in tables.settled(study):
        verdict = UNTESTED
    return Verdict(claim, verdict, because)


def _leader(study: Study, metric: str, losses=("Ours", "CCC")) -> tuple[tuple[str, str], str, bool]:
    """Which model and loss lead, the first three in words, and whether the lead is clear.

    It is where the leader's interval lies above the second's value.
    """
    rows = _scores(study, metric)
    rows = rows[rows.index.isin(losses, level="loss")].sort_values("measured", ascending=False)
    first = [f"{m.split()[0]}/{loss} {_measured(r)}" for (m, loss), r in rows.head(3).iterrows()]
    return rows.index[0], ", ".join(first), rows.low.iloc[0] > rows.measured.iloc[1]


# ---------------------------------------------------------------- what the numbers can mean


def reading_of_score(study: Study) -> Verdict:
    """Ours is valence + arousal by construction; how far can other readings be from it?"""
    printed, own = tables.printed_scores(), _scores(study, SCORE).measured
    same = ((printed[SCORE] - printed.Valence - printed.Arousal).abs() < 2e-4).sum()
    by_video = _scores(study, "2CCC, mean over videos").measured - own
    chosen = _scores(study, SCORE, REPORTED).measured - own
    return Verdict(
        "orgil-a6_1",
        "open",
        f"{same} of {len(printed)} printed scores are valence + arousal; in ours the mean over "
        f"videos is {by_video.min():+.3f} to {by_video.max():+.3f} away from it, the best epoch on "
        f"the test set up to {chosen.max():+.3f}: either could hide behind the printed gaps of "
        "-0.04 to +0.37",
    )


def _share(study: Study) -> pd.Series:
    frame = tables.costs(study).frame
    return frame[frame.metric == "share of the step"].set_index("loss").measured


def faster(study: Study) -> Verdict:
    share = _share(study)
    text = ", ".join(f"{name} {100 * v:.2f} %" for name, v in share.items())
    return Verdict(
        "orgil-a6_7",
        "fails" if share["Non-Inertial"] > max(share["MSE"], share["CCC"]) else "holds",
        f"counted, of the numbers written in a step of the Mesh transformer: {text}",
    )


def seconds(study: Study) -> Verdict:
    share = _share(study)
    gap = 100 * (share["Non-Inertial"] - share["MSE"])
    return Verdict(
        "orgil-a6_7_2",
        "open",
        f"5.7 % less time cannot come from the loss, which adds {gap:+.2f} points of a step to "
        "MSE's; one run each, on a machine that is not named",
    )


def _last(study: Study, scale: str, trained: str, windows: str) -> float:
    """The mean of the last three epochs of a curve."""
    frame = by_epoch(study).frame
    line = frame[(frame.scale == scale) & (frame["trained with"] == trained)]
    return line[line.windows == windows].sort_values("epoch").measured.tail(3).mean()


def units(study: Study) -> Verdict:
    own, squared = (_last(study, scale, "Ours", "validation") for scale in SCALES)
    converted = PRINTED_NI * squared / own
    return Verdict(
        "orgil-a6_8",
        "fails" if converted > PRINTED_MSE else "open",
        f"our run ends at {own:.4f} in the new loss and {squared:.4f} in squared error over both "
        f"axes, a factor of {squared / own:.2f}: 0.0173 would be {converted:.4f}, against 0.0315; "
        "with the factor 2 of the printed tables 0.0346",
    )


def same_training(study: Study) -> Verdict:
    ours, mse = (_last(study, SCALES[1], name, "training") for name in ("Ours", "MSE"))
    return Verdict(
        "orgil-a6_8_2",
        "open",
        f"in one unit, squared error over both axes: {ours:.4f} trained with ours, {mse:.4f} with "
        "MSE; one run each, in print and here",
    )
