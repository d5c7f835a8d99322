"""The rules of notebook 30: what our measurements say of the claims of yin2022, one test each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.models.path import QuadrantCNN
from emolib.reproduction import papers
from emolib.reproduction.runs import Claims, Standing, either, in_words
from emolib.reproduction.studies.adfes import tables
from emolib.reproduction.studies.adfes.plan import (
    LAST,
    MODELS,
    NAMES,
    PRINTED,
    ROTATION,
    SAFE,
    Sizes,
    Study,
    anchors,
)
from emolib.reproduction.studies.adfes.tables import ACCURACY, IQR, LINEAR, MEAN, PARTS, PN, UNSEEN

MARGIN = 0.02  # of claims that two scores are alike
SMALL, DEEP = "(10)", "(10, 10, 5)"
SIZES = "every size"  # the one among them that has shown least
TWINS = "printed split beside the twin-safe one"  # the rotation of (10) under both


# ---------------------------------------------------------------- what a network has shown


def standing(study: Study, network: str, trained: str) -> Standing:
    """What a network shows of people whom it has never met: its accuracy per video.

    network   of MODELS (`trained`: a split of Table 3), of study.rotations or SIZES (ROTATION), or
              SMALL (TWINS)
    """
    if network == SIZES:
        every = [standing(study, units, trained) for units in study.rotations]
        return min(every, key=lambda one: (one.flat, one.low))
    if trained in (ROTATION, TWINS):
        name, members = study.rotations[network]
        row = where(tables.layers_and_units(study).frame, changed=network, metric=ACCURACY).iloc[0]
        frame = (tables.gap if trained == TWINS else tables.layers_and_units)(study).frame
        family = int(frame.p.notna().sum())
    else:
        name, members, family = network, study.members(trained), 1
        row = models(study, ACCURACY, UNSEEN, trained).loc[network]
    tested = tables.counts(study, name, members, "x", "video").sum(-1)  # (R, P, 10)
    films = tested.sum((0, 1))
    sizes, printed = study.sizes, Sizes()
    small = (sizes.side, sizes.channels) != (printed.side, printed.channels)
    return Standing(
        f"{network}, {trained}",
        low=row.low,
        trivial=films.max() / films.sum(),
        flat=study.settled(name),
        people=int((tested.sum((0, 2)) > 0).sum()),
        stock=(LINEAR,),
        family=family,
        smaller=f"of {sizes.channels} channels on {sizes.side} pixels" if small else "",
    )


claim = Claims("30", standing)
judge = claim.judge


# ---------------------------------------------------------------- rows of the tables, and words


def where(frame: pd.DataFrame, **values) -> pd.DataFrame:
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame


def models(study: Study, metric: str, data: str, split: str = SAFE, statistic: str = MEAN):
    """The rows of Table 3 per video, by model."""
    frame = tables.table_3(study).frame
    about = {"data": data, "protocol": f"{split}, per video", "statistic": statistic}
    frame = where(frame, metric=metric, **about).set_index("model")
    return frame[frame.index.isin(MODELS)]


def rotated(study: Study, split: str, metric: str):
    """A row of the rotation, in which everybody is tested once."""
    frame = tables.gap(study).frame
    return next(where(frame, scored="video", split=split, metric=metric).itertuples())


def short(metric: str) -> str:
    return metric.removeprefix("Average ").removesuffix(" above (10)")


def level(row) -> str:
    return in_words(row, ".2f")


def change(row) -> str:
    return in_words(row, "+.3f")


def pair(values) -> str:
    return " and ".join(f"{value:.2f}" for value in values)


# ---------------------------------------------------------------- files and layers


@claim("yin-c4", data=("films",))
def films_of_each(study: Study):
    """Are there 22 films of each emotion?"""
    count = np.unique(study.films.label, return_counts=True)[1]
    because = (
        f"{count.sum()} films of {len(count)} emotions, {count.min()} to {count.max()} of each"
    )
    return bool((count == 22).all()), because


@claim("yin-c4_2", data=("films",))
def counts_agree(study: Study):
    """216 films from the front, of 22 people?"""
    films, people = len(study.films), len(study.people)
    because = f"{films} films of {people} people; with mirror images {2 * films} and {2 * people}"
    return (films, people) == (216, 22), because


@claim("yin-c20", data=("films",))
def late_part(study: Study):
    """Do the last 50 frames begin after the middle of a film?"""
    frames = np.array([len(study.films.frames[i]()) for i in range(3)])
    because = (
        f"the first three films have {', '.join(map(str, frames))} frames; "
        f"the last {LAST} are {100 * LAST / frames.mean():.0f} % of them"
    )
    return bool((LAST / frames < 0.5).all()), because


@claim("yin-c5")
def quadrants(study: Study):
    """Are 300 features all that four quadrants of 258 maps give?"""
    layer = QuadrantCNN((64, 128, 258)).out
    because = (
        f"258 maps in quadrants are {layer.in_features} numbers; a layer of "
        f"{layer.in_features} x {layer.out_features} weights gives 300"
    )
    return layer.in_features == 300, because


# ---------------------------------------------------------------- people


def peak(study: Study, metric: str, item: str):
    """Is a printed peak reached on people whom no network has met?"""
    text = where(papers.text_numbers(), paper="yin2022", item=item)
    printed, rows = float(text.value.iloc[0]), models(study, metric, UNSEEN)
    numbers = []
    for data in PARTS:
        levels = map(level, models(study, metric, data).itertuples())
        numbers.append(f"{data.lower()} {', '.join(levels)}")
    because = f"printed {printed:.2f}; ours per video, twin-safe: {'; '.join(numbers)}"
    return either(rows.low.max() >= printed, rows.high.max() < printed), because


@claim("yin-c1", *MODELS, trained=SAFE, level=True)
def peak_accuracy(study: Study):
    """0.58 of ten names."""
    return peak(study, ACCURACY, "peak accuracy")


@claim("yin-c2_2", *MODELS, trained=SAFE, level=True)
def peak_sign(study: Study):
    """0.76 of two signs."""
    return peak(study, PN, "peak PN accuracy")


@claim("yin-c2", SMALL, trained=TWINS)
def beats_guessing(study: Study):
    """Is the sign of the valence found more often than by always saying 'negative'?"""
    row, tested = rotated(study, SAFE, PN), study.rotations[SMALL]
    films = tables.tested(study, *tested).sum((0, 2))  # (10,) of each emotion
    base = float(films[(anchors().valence < 0).to_numpy()].sum() / films.sum())
    because = f"unseen people, everybody tested once: {level(row)}; always negative: {base:.2f}"
    return either(row.low > base, row.high <= base), because


@claim("yin-c3", SMALL, trained=TWINS)
def mirror_images(study: Study):
    """Are mirror images as good as new people: is nothing gained where they are trained on?"""
    rows = [rotated(study, "gap", metric) for metric in (ACCURACY, PN)]
    alike = all(row.low >= -MARGIN and row.high <= MARGIN for row in rows)
    numbers = [f"{short(row.metric)} {change(row)}, Holm p {row.holm:.2g}" for row in rows]
    because = (
        f"{100 * tables.twin_share(study.turns[PRINTED]):.0f} % of the tested speakers have their "
        "mirror image in training; printed split less twin-safe split, same videos: "
    )
    better = any(row.low > 0 and row.holm < 0.05 for row in rows)
    return either(alike, better), because + "; ".join(numbers)


@claim("yin-c7", *MODELS, trained=PRINTED, level=True)
def low_spread(study: Study):
    """Is the spread of five rounds below a fifth of their mean, for both networks, seen or not?"""
    share = {}
    for data in PARTS:
        spread, mean = (models(study, ACCURACY, data, PRINTED, of).measured for of in (IQR, MEAN))
        share[data] = spread / mean
    low = np.concatenate([values < 0.2 for values in share.values()])
    numbers = [f"{data.lower()} {pair(values)}" for data, values in share.items()]
    return either(low.all(), not low.any()), "IQR over accuracy: " + "; ".join(numbers)


@claim("yin-c16", *MODELS, trained=SAFE)
def seen_and_unseen(study: Study):
    """Are both scores of both networks lower on people whom they have never met?"""
    pairs = []
    for metric in (ACCURACY, PN):
        pairs += zip(*(models(study, metric, data).itertuples() for data in PARTS))
    numbers = [f"{short(a.metric)} {level(a)} to {level(b)}" for a, b in pairs]
    worse = all(seen.low > unseen.high for seen, unseen in pairs)
    better = any(seen.high < unseen.low for seen, unseen in pairs)
    return either(worse, better), "; ".join(numbers) + " (twin-safe)"


@claim("yin-c17", SMALL, DEEP, trained=ROTATION)
def alike(study: Study):
    """Is the deep network within the margin of the small one?"""
    frame = where(tables.layers_and_units(study).frame, changed=DEEP)
    rows = list(frame[frame.metric.str.endswith("above (10)")].itertuples())
    equal = all(row.low >= -MARGIN and row.high <= MARGIN for row in rows)
    apart = any(row.low > MARGIN or row.high < -MARGIN for row in rows)
    numbers = "; ".join(f"{short(row.metric)} {change(row)}" for row in rows)
    return either(equal, apart), f"deep less small on unseen people, margin {MARGIN}: {numbers}"


@claim("yin-c19", SMALL, trained=ROTATION, level=True)
def positives(study: Study):
    """Are joy, pride and surprise each named in nine films of ten, by people drawn anew?"""
    counts = tables.tested(study, *study.rotations[SMALL])  # (P, 10, 10)
    people, parts, low, high = np.arange(len(counts)), [], [], []
    for name in ("Joy", "Pride", "Surprise"):
        k = NAMES.index(name)
        films = counts[:, k].sum(-1)  # (P,)
        share = counts[:, k, k] / np.maximum(films, 1)
        recall, *ends = metrics.bootstrap_ci(
            share, people, films, draws=study.draws, level=study.level
        )
        parts.append(f"{name} {100 * recall:.0f} % [{100 * ends[0]:.0f}, {100 * ends[1]:.0f}]")
        low.append(ends[0])
        high.append(ends[1])
    return either(min(low) > 0.9, min(high) < 0.9), "unseen people: " + ", ".join(parts)


@claim("yin-c21", SIZES, trained=ROTATION)
def smaller_is_better(study: Study):
    """Is any network larger than (10) worse, and none better, after Holm?"""
    frame = tables.layers_and_units(study).frame
    base = where(frame, changed=SMALL).parameters.iloc[0]
    rows = where(frame, metric=f"{ACCURACY} above (10)")
    rows = list(rows[rows.parameters > base].itertuples())
    worse = sum(row.holm < 0.05 and row.measured < 0 for row in rows)
    better = sum(row.holm < 0.05 and row.measured > 0 for row in rows)
    numbers = [f"{row.changed} {change(row)}" for row in rows]
    because = (
        f"larger than (10), {base:,} parameters, on unseen people: {'; '.join(numbers)}; "
        f"{worse} worse and {better} better after Holm; {len(study.sizes.units)} sizes"
    )
    return either(worse and not better, better and not worse), because
