"""The second verdict on the thesis's claims about its classifiers (notebook 13).

What the files of FER2013 decide needs no network. What the networks decide needs the real set,
networks of full width and curves that have settled; the rest is open or not tested.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import data as datasets
from emolib.data.checks import content_of, repeats
from emolib.reproduction import papers
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.faces import PARTS
from emolib.reproduction.studies.ferplus.tables import (
    AS_OURS,
    BATCHES,
    CLEAN,
    OVERLAP,
    pairs,
    separated,
    settled,
    table_4_1,
    ways,
)

UNTESTED = "not tested at this profile"


def judge(study) -> list[Verdict]:
    """Every claim that notebook 13 can speak to, in the order of claims.csv."""
    rules = (
        accuracy_is_a_ratio,
        images_of_the_test_set,
        filtered_test_set,
        squared_error,
        batch_means,
        two_points,
        one_is_best,
        lowest_loss,
        new_pictures,
    )
    verdicts = [rule(study) for rule in rules]
    if study.faces.source == "real":
        return verdicts
    decidable = papers.claims().set_index("id").decidable
    why = "the pictures are simulated, and only the real ones can decide this; "
    return [
        v if decidable[v.claim] == "yes" else Verdict(v.claim, "open", why + v.because)
        for v in verdicts
    ]


def _main(study) -> str:
    """The protocol that decides: a settled one if there is any, ImageNet weights last."""
    return next((p for p in study.initialisations if p in settled(study)), study.base)


def _column(study, metric: str, more: str = "") -> pd.DataFrame:
    frame = table_4_1(study).frame.set_index("model")
    return frame[(frame.metric == metric) & (frame.protocol == _main(study) + more)]


def _decided(study, claim: str, verdict: str, because: str) -> Verdict:
    return Verdict(claim, verdict if _main(study) in settled(study) else UNTESTED, because)


def _printed() -> pd.DataFrame:
    table = papers.published("orgil2022-t4_1")
    return table.pivot(index="model", columns="metric", values="value")


# ---------------------------------------------------------------- what the files say


def images_of_the_test_set(study) -> Verdict:
    raw = datasets.load("fer2013", profile=study.profile)
    whole, kept = (int((faces.split == PARTS[2]).sum()) for faces in (raw, study.faces))
    because = f"of {whole} pictures the majority of votes keeps {kept}: "
    because += f"the accuracies cannot be of all {whole}"
    return Verdict("orgil-a6_11", "holds" if kept == whole else "fails", because)


def filtered_test_set(study) -> Verdict:
    public, private = (int((study.faces.split == part).sum()) for part in PARTS[1:])
    because = (
        f"the majority rule keeps {private} of PrivateTest, {private // 8 * 8} in whole batches of "
        f"eight; of PublicTest {public}, {public // 8 * 8} in batches"
    )
    return Verdict("orgil-f1", "holds" if private == 3136 else "fails", because)


def new_pictures(study) -> Verdict:
    raw = datasets.load("fer2013", profile=study.profile)
    same = repeats(content_of(raw.images), raw.split).get(("PrivateTest", "Training"), 0)
    because = (
        f"{same} of {(raw.split == 'PrivateTest').sum()} test pictures stand in training, pixel "
        f"for pixel ({(~study.fresh).sum()} of those read here)"
    )
    rows = ways(study).frame.query("metric == 'Test accuracy'")
    rows = rows[rows.protocol == "test pictures that stand in training"]
    if len(rows) > 1:
        said = zip(rows.trained, rows.measured, strict=True)
        because += "; " + ", ".join(f"{name}: {value:.1f} % right on them" for name, value in said)
    return Verdict("orgil-f10", "fails" if same else "holds", because)


# ---------------------------------------------------------------- what the networks say


def accuracy_is_a_ratio(study) -> Verdict:
    printed = _printed()
    same = (100 * printed.Correct / printed.Total - printed["Test accuracy"]).abs() < 6e-4
    because = f"{same.sum()} of {len(same)} printed rows; ours are computed so"
    return Verdict("orgil-a6_10", "holds" if same.all() else "fails", because)


def squared_error(study) -> Verdict:
    brier = _column(study, "squared error of the probabilities").measured
    loss = _column(study, "MSE").measured
    because = (
        f"squared errors of our networks are {brier.min():.2f} to {brier.max():.2f} a picture, "
        f"2 at most; cross-entropy x {BATCHES} is {loss.min():.0f} to {loss.max():.0f}"
    )
    return Verdict("orgil-a6_12", "fails", because)


def batch_means(study) -> Verdict:
    ours, printed = _column(study, "MSE"), _printed().MSE
    near = ours.low.min() <= printed.max() and ours.high.max() >= printed.min()
    because = (
        f"cross-entropy per picture x {BATCHES}: ours {ours.measured.min():.0f} to "
        f"{ours.measured.max():.0f}, printed {printed.min():.0f} to {printed.max():.0f}"
    )
    return _decided(study, "orgil-f7", "holds" if near else "open", because)


def two_points(study) -> Verdict:
    right = _column(study, "Test accuracy").measured
    because = (
        f"{_main(study)}: best less worst {right.max() - right.min():.1f} points "
        f"({right.idxmax()}, {right.idxmin()}), last row less first "
        f"{right.iloc[-1] - right.iloc[0]:+.1f}"
    )
    return _decided(study, "orgil-a6_13", "open", because)


def one_is_best(study) -> Verdict:
    counts = separated(study).set_index("protocol")
    ours = f"{_main(study)}, seeds averaged"
    like_ours = f"{AS_OURS} {_main(study)}"
    readings = ("print, errors nested", "print, errors apart", like_ours, _main(study), ours)
    because = "; ".join(
        f"{name}: {counts.differ[name]} of {counts.pairs[name]} pairs differ"
        for name in readings
        if name in counts.index
    )
    frame = pairs(study).frame
    measured = frame[(frame.metric == OVERLAP) & (frame.protocol == _main(study))]
    for row in measured.itertuples():
        because += f"; our networks disagree on {row.measured:.2f} [{row.low:.2f}, {row.high:.2f}] "
        because += "of what independent errors would give"
    differ, of = counts.loc[ours, ["differ", "pairs"]] if ours in counts.index else (0, 0)
    verdict = "open" if differ else "fails"
    return _decided(study, "orgil-a6_24", "holds" if differ == of and of else verdict, because)


def lowest_loss(study) -> Verdict:
    loss, right = _column(study, "MSE").measured, _column(study, "Test accuracy").measured
    clean = _column(study, "Test accuracy", CLEAN).measured
    correlation = np.corrcoef(loss, right)[0, 1] if len(loss) > 2 else np.nan
    because = (
        f"lowest loss {loss.idxmin()}, most accurate {right.idxmax()} (on the clean test "
        f"{clean.idxmax()}); correlation over {len(loss)} networks {correlation:+.2f}; "
        f"{study.sizes.seeds} seed(s)"
    )
    same = loss.idxmin() == right.idxmax()
    return _decided(study, "orgil-a6_25", "holds" if same else "fails", because)
