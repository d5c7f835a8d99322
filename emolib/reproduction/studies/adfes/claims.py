"""The second verdict on the claims of yin2022: what our measurements say (notebook 30).

'holds' and 'fails' need networks whose validation curves have settled and an interval that leaves
no doubt. On simulated films only what no face can change is decided; the rest shows its numbers.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from emolib.models.path import QuadrantCNN
from emolib.reproduction import papers
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.adfes import tables
from emolib.reproduction.studies.adfes.plan import LAST, NAMES, PRINTED, ROTATION, SAFE, anchors
from emolib.reproduction.studies.adfes.tables import ACCURACY, IQR, MEAN, MODELS, PARTS, PN, UNSEEN

MARGIN = 0.02  # of claims that two scores are alike
CLOSED = {
    "real": "the films are simulated, and only the real ones can decide this; ",
    "no": "no simulated film decides this; ",
}


def judge(study) -> list[Verdict]:
    """Every claim that notebook 30 can speak to, in the order of claims.csv."""
    decidable, verdicts = papers.claims().set_index("id").decidable, []
    for claim, rule in RULES.items():
        holds, fails, because, ensembles = rule(study)
        verdict = "fails" if fails else "open"
        if holds:
            verdict = "holds"
        if ensembles is not None and not study.settled(*ensembles):
            verdict = "not tested at this profile"
        if study.films.source != "real" and decidable[claim] != "yes":
            verdict, because = "open", CLOSED[decidable[claim]] + because
        verdicts.append(Verdict(claim, verdict, because))
    return verdicts


# A rule returns: does the claim hold, does it fail, the numbers, and which ensembles must have
# settled (None: nothing is trained for it).


def _where(frame: pd.DataFrame, **values) -> pd.DataFrame:
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame


def _models(study, metric: str, data: str, split: str = SAFE, statistic: str = MEAN):
    """The rows of Table 3 per video, by model."""
    frame = tables.table_3(study).frame
    about = {"data": data, "protocol": f"{split}, per video", "statistic": statistic}
    frame = _where(frame, metric=metric, **about).set_index("model")
    return frame[frame.index.isin(MODELS)]


def _gap(study, split: str, metric: str):
    frame = tables.gap(study).frame
    return next(_where(frame, scored="video", split=split, metric=metric).itertuples())


def _short(metric: str) -> str:
    return metric.removeprefix("Average ").removesuffix(" above (10)")


def _level(row) -> str:
    return f"{row.measured:.2f} [{row.low:.2f}, {row.high:.2f}]"


def _change(row) -> str:
    return f"{row.measured:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"


def _pair(values) -> str:
    return " and ".join(f"{value:.2f}" for value in values)


def peak(study, metric: str, item: str):
    text = _where(papers.text_numbers(), paper="yin2022", item=item)
    printed, rows = float(text.value.iloc[0]), _models(study, metric, UNSEEN)
    holds, fails = rows.low.max() >= printed, rows.high.max() < printed
    numbers = []
    for split in tables.SPLITS:
        for data in PARTS:
            levels = map(_level, _models(study, metric, data, split).itertuples())
            numbers.append(f"{data.lower()} {', '.join(levels)} ({split})")
    because = f"printed {printed:.2f}; ours per video: {'; '.join(numbers)}"
    return holds, fails, because, MODELS


def like_with_like(study):
    seen, unseen = (_models(study, ACCURACY, data).measured.max() for data in PARTS)
    because = (
        "training and validation, the column Table 4 takes, less unseen people: "
        f"{seen - unseen:+.2f} here ({seen:.2f} and {unseen:.2f})"
    )
    return False, seen - unseen > MARGIN, because, MODELS


def beats_guessing(study):
    row, base = _gap(study, SAFE, PN), float((anchors().valence < 0).mean())
    because = f"unseen people, everybody tested once: {_level(row)}; always negative: {base:.2f}"
    return row.low > base, row.high <= base, because, [ROTATION]


def mirror_images(study):
    rows = [_gap(study, "gap", metric) for metric in (ACCURACY, PN)]
    fails = any(row.low > 0 and row.holm < 0.05 for row in rows)
    numbers = [f"{_short(row.metric)} {_change(row)}, Holm p {row.holm:.2g}" for row in rows]
    because = (
        f"{100 * tables.twin_share(study.turns[PRINTED]):.0f} % of the tested speakers have their "
        "mirror image in training; printed split less twin-safe split, same videos: "
    )
    return False, fails, because + "; ".join(numbers), [ROTATION]


def films_of_each(study):
    count = np.unique(study.films.label, return_counts=True)[1]
    because = (
        f"{count.sum()} films of {len(count)} emotions, {count.min()} to {count.max()} of each"
    )
    holds = (count == 22).all()
    return holds, not holds, because, None


def counts_agree(study):
    films, people = len(study.films), len(study.people)
    because = f"{films} films of {people} people; with mirror images {2 * films} and {2 * people}"
    holds = (films, people) == (216, 22)
    return holds, not holds, because, None


def quadrants(study):
    layer = QuadrantCNN((64, 128, 258)).out
    because = (
        f"258 maps in quadrants are {layer.in_features} numbers; a layer of "
        f"{layer.in_features} x {layer.out_features} weights gives 300"
    )
    return False, True, because, None


def spreads(study):
    numbers = [
        f"{_short(metric)} {_pair(_models(study, metric, UNSEEN, PRINTED, IQR).measured)}"
        for metric in (tables.PRECISION, tables.RECALL, ACCURACY, PN)
    ]
    because = "half of the brackets are not printed; ours on unseen speakers: "
    return False, True, because + "; ".join(numbers), None


def low_spread(study):
    share = {}
    for data in PARTS:
        spread, mean = (_models(study, ACCURACY, data, PRINTED, of).measured for of in (IQR, MEAN))
        share[data] = spread / mean
    holds = max(values.max() for values in share.values()) < 0.2
    numbers = [f"{data.lower()} {_pair(values)}" for data, values in share.items()]
    return holds, not holds, "IQR over accuracy: " + "; ".join(numbers), MODELS


def seen_and_unseen(study):
    pairs = []
    for metric in (ACCURACY, PN):
        pairs += zip(*(_models(study, metric, data).itertuples() for data in PARTS))
    holds = all(seen.low > unseen.high for seen, unseen in pairs)
    fails = all(seen.measured <= unseen.measured for seen, unseen in pairs)
    numbers = [f"{_short(a.metric)} {_level(a)} to {_level(b)}" for a, b in pairs]
    return holds, fails, "; ".join(numbers) + " (twin-safe)", MODELS


def alike(study):
    frame = _where(tables.layers_and_units(study).frame, changed="(10, 10, 5)")
    rows = list(frame[frame.metric.str.endswith("above (10)")].itertuples())
    holds = all(row.low >= -MARGIN and row.high <= MARGIN for row in rows)
    fails = any(row.low > MARGIN or row.high < -MARGIN for row in rows)
    numbers = "; ".join(f"{_short(row.metric)} {_change(row)}" for row in rows)
    because = f"deep less small on unseen people, margin {MARGIN}: {numbers}"
    return holds, fails, because, MODELS


def recall_is_accuracy(study):
    gaps = {}
    for data in PARTS:
        gap = _models(study, tables.RECALL, data).measured - _models(study, ACCURACY, data).measured
        gaps[data] = gap.abs().max()
    numbers = ", ".join(f"{data.lower()} {value:.3f}" for data, value in gaps.items())
    holds = max(gaps.values()) <= 0.011
    return holds, not holds, f"largest difference: {numbers}", None


def positives(study):
    counts = tables.tested(study, *study.rotations["(10)"]).sum(0)
    recall = dict(zip(NAMES, counts.diagonal() / np.maximum(counts.sum(1), 1)))
    positive = {name: recall[name] for name in ("Joy", "Pride", "Surprise")}
    negative = np.mean([recall[name] for name in NAMES if anchors().valence[name] < 0])
    numbers = ", ".join(f"{name} {100 * value:.0f} %" for name, value in positive.items())
    because = f"{numbers}; the six negative ones {100 * negative:.0f} % on average"
    holds, fails = min(positive.values()) > 0.9, max(positive.values()) < 0.8
    return holds, fails, f"unseen people: {because}", [ROTATION]


def late_part(study):
    frames = np.array([len(study.films.frames[i]()) for i in range(3)])
    because = (
        f"the first three films have {', '.join(map(str, frames))} frames; "
        f"the last {LAST} are {100 * LAST / frames.mean():.0f} % of them"
    )
    holds = (LAST / frames < 0.5).all()
    return holds, not holds, because, None


def smaller_is_better(study):
    frame = tables.layers_and_units(study).frame
    base = _where(frame, changed="(10)").parameters.iloc[0]
    rows = _where(frame, metric=f"{ACCURACY} above (10)")
    rows = list(rows[rows.parameters > base].itertuples())
    worse = sum(row.holm < 0.05 and row.measured < 0 for row in rows)
    better = sum(row.holm < 0.05 and row.measured > 0 for row in rows)
    numbers = [f"{row.changed} {_change(row)}" for row in rows]
    because = (
        f"larger than (10), {base:,} parameters, on unseen people: {'; '.join(numbers)}; "
        f"{worse} worse and {better} better after Holm; {len(study.sizes.units)} sizes"
    )
    names = {study.rotations[row.changed][0] for row in rows}
    return worse and not better, better and not worse, because, names


RULES = {
    "yin-c1": partial(peak, metric=ACCURACY, item="peak accuracy"),
    "yin-c1_2": like_with_like,
    "yin-c2": beats_guessing,
    "yin-c2_2": partial(peak, metric=PN, item="peak PN accuracy"),
    "yin-c3": mirror_images,
    "yin-c4": films_of_each,
    "yin-c4_2": counts_agree,
    "yin-c5": quadrants,
    "yin-c6": spreads,
    "yin-c7": low_spread,
    "yin-c16": seen_and_unseen,
    "yin-c17": alike,
    "yin-c18": recall_is_accuracy,
    "yin-c19": positives,
    "yin-c20": late_part,
    "yin-c21": smaller_is_better,
}
