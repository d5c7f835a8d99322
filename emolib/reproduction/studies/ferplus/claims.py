"""The rules of notebook 13: what our measurements say of the thesis's claims on its classifiers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from emolib.data.checks import content_of, repeats
from emolib.models import classifiers
from emolib.reproduction import papers
from emolib.reproduction.runs import Claims, Standing, either
from emolib.reproduction.studies.faces import PARTS, STOCK
from emolib.reproduction.studies.ferplus.tables import (
    AS_OURS,
    BATCHES,
    CLEAN,
    OVERLAP,
    pairs,
    separated,
    settled,
    table_4_1,
)
from emolib.training import plateaued

NETWORKS = tuple(classifiers.NETWORKS)
POINTS = 2  # "improved by about 2 %"


def standing(study, network: str, trained: str | None) -> Standing:
    """What a network shows under the protocol that decides: its accuracy over pictures."""
    protocol, low, flat = _main(study), np.nan, False
    trained_here = study.initialisations[protocol]
    if network in trained_here:
        low = _column(study, "Test accuracy").low[network] / 100
        flat = all(plateaued(run["validation"]) for run in study.results(network, protocol))
    return Standing(
        f"{network}, {protocol}" if network in trained_here else f"{network}, which is not trained",
        low=low,
        trivial=np.bincount(study.truth).max() / len(study.truth),
        flat=flat,
        people=len(np.unique(study.contents)),
        stock=tuple({STOCK} & set(table_4_1(study).frame.model)),
        family=len(list(combinations(trained_here, 2))),
        smaller="a quarter as wide" if study.sizes.narrow else "",
    )


claim = Claims("13", standing)
judge = claim.judge


def _main(study) -> str:
    """The protocol that decides: a settled one if there is any, ImageNet weights last."""
    return next((p for p in study.initialisations if p in settled(study)), study.base)


def _column(study, metric: str, more: str = "") -> pd.DataFrame:
    """The rows of Table 4.1 with one metric under the protocol that decides, by model."""
    frame = table_4_1(study).frame.set_index("model")
    return frame[(frame.metric == metric) & (frame.protocol == _main(study) + more)]


def _pair(study, one: str, other: str, metric: str, more: str = "") -> pd.Series:
    """The row of `pairs` on two networks, whichever of them is named first there."""
    frame = pairs(study).frame
    frame = frame[(frame.metric == metric) & (frame.protocol == _main(study) + more)]
    return frame[(frame["first"].isin([one, other])) & (frame.second.isin([one, other]))].iloc[0]


def _gap(study, one: str, other: str) -> tuple[float, float, float]:
    """Accuracy of `one` less that of `other`, points: value, low, high."""
    if one == other:
        return 0.0, 0.0, 0.0
    row = _pair(study, one, other, "difference in accuracy")
    if row["first"] == one:
        return row.measured, row.low, row.high
    return -row.measured, -row.high, -row.low


def _printed() -> pd.DataFrame:
    table = papers.published("orgil2022-t4_1")
    return table.pivot(index="model", columns="metric", values="value")


# ---------------------------------------------------------------- what the files say


@claim("orgil-a6_11", data=("faces", "originals"))
def images_of_the_test_set(study):
    """Do all pictures of PrivateTest have a majority among the seven?"""
    whole = int((study.originals.split == PARTS[2]).sum())
    kept = int((study.faces.split == PARTS[2]).sum())
    because = f"of {whole} pictures the majority of votes keeps {kept}: "
    return kept == whole, because + f"the accuracies cannot be of all {whole}"


@claim("orgil-f1", data=("faces",))
def filtered_test_set(study):
    """Are as many pictures left as the table counts?"""
    public, private = (int((study.faces.split == part).sum()) for part in PARTS[1:])
    because = (
        f"the majority rule keeps {private} of PrivateTest, {private // 8 * 8} in whole batches of "
        f"eight; of PublicTest {public}, {public // 8 * 8} in batches"
    )
    return private == 3136, because


@claim("orgil-f10", data=("originals",))
def new_pictures(study):
    """Does no test picture stand in the training part, pixel for pixel?"""
    raw = study.originals
    same = repeats(content_of(raw.images), raw.split).get(("PrivateTest", "Training"), 0)
    tested = (raw.split == "PrivateTest").sum()
    because = f"{same} of {tested} test pictures stand in training, pixel for pixel"
    return same == 0, because


@claim("orgil-a6_12")
def squared_error(study):
    """Can the column be a mean of squared errors? Of probabilities these add to 2 at most."""
    column = _printed().MSE
    because = (
        f"squared errors of probabilities add to 2 a picture at most; the column has "
        f"{column.min():.0f} to {column.max():.0f}"
    )
    return column.min() <= 2, because


# ---------------------------------------------------------------- what the networks say


@claim("orgil-f7", *NETWORKS, level=True)
def batch_means(study):
    """Has our loss, added over 392 batches, the size of the printed column?"""
    ours, printed = _column(study, "MSE"), _printed().MSE
    near = ours.low.min() <= printed.max() and ours.high.max() >= printed.min()
    because = (
        f"cross-entropy per picture x {BATCHES}: ours {ours.measured.min():.0f} to "
        f"{ours.measured.max():.0f}, printed {printed.min():.0f} to {printed.max():.0f}"
    )
    return either(holds=near, fails=False), because


@claim("orgil-a6_13", *NETWORKS, level=True)
def two_points(study):
    """Is the last row about two points above the first? Not if best less worst is below two."""
    right = _column(study, "Test accuracy").measured
    first, last, best, worst = right.index[0], right.index[-1], right.idxmax(), right.idxmin()
    gain, low, high = _gap(study, last, first)
    widest, _, most = _gap(study, best, worst)
    because = (
        f"last row less first {gain:+.1f} points [{low:+.1f}, {high:+.1f}]; "
        f"best less worst {widest:.1f} ({best}, {worst})"
    )
    return either(holds=low > 0 and high >= POINTS, fails=most < POINTS), because


@claim("orgil-a6_24", *NETWORKS, level=True)
def one_is_best(study):
    """Do all pairs differ after Holm, or none? Of networks as good as the printed ones."""
    ours = f"{_main(study)}, seeds averaged"
    counts = separated(study).set_index("protocol")
    if ours not in counts.index:
        return None, "one network is no pair"
    differ, of = counts.loc[ours, ["differ", "pairs"]]
    like_ours = f"{AS_OURS} {_main(study)}"
    named = ("print, errors nested", "print, errors apart", like_ours, ours)
    each = [f"{name}: {counts.differ[name]} of {counts.pairs[name]} differ" for name in named]
    frame = pairs(study).frame
    measured = frame[(frame.metric == OVERLAP) & (frame.protocol == _main(study))]
    for row in measured.itertuples():
        each.append(
            f"our networks disagree on {row.measured:.2f} [{row.low:.2f}, {row.high:.2f}] "
            "of what independent errors would give"
        )
    return either(holds=differ == of, fails=differ == 0), "; ".join(each)


@claim("orgil-a6_25", *NETWORKS, level=True)
def lowest_loss(study):
    """Is the network with the lowest loss the most accurate, by p after Holm?"""
    loss, right = _column(study, "MSE").measured, _column(study, "Test accuracy").measured
    clean = _column(study, "Test accuracy", CLEAN).measured
    lowest, best = loss.idxmin(), right.idxmax()
    below = 1.0
    others = [name for name in right.index if name != best]
    beside = [_pair(study, best, name, "p, Holm", ", seeds averaged").measured for name in others]
    if lowest != best:
        below = beside[others.index(lowest)]
    varied = min(loss.nunique(), right.nunique()) > 2
    correlation = np.corrcoef(loss, right)[0, 1] if varied else np.nan
    because = (
        f"lowest loss {lowest}, most accurate {best} (p of their difference {below:.2g}; on the "
        f"clean test {clean.idxmax()}); correlation over {len(loss)} networks {correlation:+.2f}; "
        f"{study.sizes.seeds} seed(s)"
    )
    clear = max(beside, default=1.0) < 0.05
    return either(holds=lowest == best and clear, fails=below < 0.05), because
