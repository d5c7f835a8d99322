"""The second verdict on the thesis's claims about its classifiers (notebook 13).

What the files of FER2013 decide needs no network. What the networks decide needs the real set, networks of full width and curves that
have settled; everything else is 'open' or 'not tested at this profile'.
"""

from __future__ import annotations

import numpy as np

from emolib import data as datasets
from emolib.data.checks import content_of, repeats
from emolib.reproduction import papers
from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.faces import PARTS
from emolib.reproduction.studies.ferplus import ferplus
from emolib.reproduction.studies.ferplus.ferplus import BATCHES, CLEAN
from emolib.reproduction.studies.ferplus.ferplus_plan import base, faces, initialisations, sizes

UNTESTED = "not tested at this profile"


def judge(profile: str) -> list[Verdict]:
    """Every claim that notebook 13 can speak to, in the order of claims.csv."""
    said = [
        accuracy_is_a_ratio(profile),
        images_of_the_test_set(profile),
        filtered_test_set(profile),
        squared_error(profile),
        batch_means(profile),
        two_points(profile),
        one_is_best(profile),
        lowest_loss(profile),
        new_pictures(profile),
    ]
    real = faces(profile).source == "real"
    decidable = papers.claims().set_index("id").decidable
    return [
        v
        if real or decidable[v.claim] == "yes"
        else Verdict(
            v.claim,
            "open",
            "the pictures are simulated, and only the real ones can decide this; " + v.because,
        )
        for v in said
    ]


def _main(profile: str) -> str:
    """The protocol that decides: a settled one if there is any, ImageNet weights last."""
    settled = ferplus.settled(profile)
    return next((p for p in initialisations(profile) if p in settled), base(profile))


def _column(profile: str, metric: str, more: str = ""):
    frame = ferplus.table_4_1(profile).frame
    return frame[(frame.metric == metric) & (frame.protocol == _main(profile) + more)].set_index(
        "model"
    )


def _decides(profile: str, verdict: str) -> str:
    return verdict if _main(profile) in ferplus.settled(profile) else UNTESTED


# ---------------------------------------------------------------- what the files say


def kept(profile: str) -> dict[str, int]:
    """Pictures of each part that the majority rule keeps."""
    return {part: int((faces(profile).split == part).sum()) for part in PARTS}


def images_of_the_test_set(profile: str) -> Verdict:
    n, raw = kept(profile), datasets.load("fer2013", profile=profile)
    whole = int((raw.split == "PrivateTest").sum())
    verdict = "holds" if n["PrivateTest"] == whole else "fails"
    return Verdict(
        "orgil-a6_11",
        verdict,
        f"of {whole} pictures the majority of votes keeps {n['PrivateTest']}: the accuracies cannot be of all {whole}",
    )


def filtered_test_set(profile: str) -> Verdict:
    n = kept(profile)
    verdict = "holds" if n["PrivateTest"] == 3136 else "fails"
    return Verdict(
        "orgil-f1",
        verdict,
        f"the majority rule keeps {n['PrivateTest']} of PrivateTest, {n['PrivateTest'] // 8 * 8} in whole batches of eight; "
        f"of PublicTest {n['PublicTest']}, {n['PublicTest'] // 8 * 8} in batches",
    )


def new_pictures(profile: str) -> Verdict:
    raw = datasets.load("fer2013", profile=profile)
    found = repeats(content_of(raw.images), raw.split)
    same = found.get(("PrivateTest", "Training"), 0)
    known = int((~ferplus.fresh(profile)).sum())
    because = f"{same} of {(raw.split == 'PrivateTest').sum()} test pictures stand in training, pixel for pixel ({known} of those read here)"
    rows = ferplus.ways(profile).frame
    rows = (
        rows[
            (rows.metric == "Test accuracy")
            & (rows.protocol == "test pictures that stand in training")
        ]
        .set_index("trained")
        .measured
    )
    if len(rows) > 1:
        because += "; " + ", ".join(
            f"{name}: {value:.1f} % right on them" for name, value in rows.items()
        )
    return Verdict("orgil-f10", "fails" if same else "holds", because)


# ---------------------------------------------------------------- what the networks say


def accuracy_is_a_ratio(profile: str) -> Verdict:
    printed = papers.published("orgil2022-t4_1").pivot(
        index="model", columns="metric", values="value"
    )
    same = (100 * printed.Correct / printed.Total - printed["Test accuracy"]).abs() < 6e-4
    return Verdict(
        "orgil-a6_10",
        "holds" if same.all() else "fails",
        f"{same.sum()} of {len(same)} printed rows; ours are computed so",
    )


def squared_error(profile: str) -> Verdict:
    brier, loss = (
        _column(profile, "squared error of the probabilities").measured,
        _column(profile, "MSE").measured,
    )
    return Verdict(
        "orgil-a6_12",
        "fails",
        f"squared errors of our networks are {brier.min():.2f} to {brier.max():.2f} a picture, 2 at most; cross-entropy x "
        f"{BATCHES} is {loss.min():.0f} to {loss.max():.0f}",
    )


def batch_means(profile: str) -> Verdict:
    rows = _column(profile, "MSE")
    printed = papers.published("orgil2022-t4_1")
    printed = printed[printed.metric == "MSE"].set_index("model").value
    near = (rows.low.min() <= printed.max()) and (rows.high.max() >= printed.min())
    because = (
        f"cross-entropy per picture x {BATCHES}: ours {rows.measured.min():.0f} to {rows.measured.max():.0f}, "
        f"printed {printed.min():.0f} to {printed.max():.0f}"
    )
    return Verdict("orgil-f7", _decides(profile, "holds" if near else "open"), because)


def two_points(profile: str) -> Verdict:
    rows = _column(profile, "Test accuracy").measured
    gap, last = rows.max() - rows.min(), rows.iloc[-1] - rows.iloc[0]
    because = f"{_main(profile)}: best less worst {gap:.1f} points ({rows.idxmax()}, {rows.idxmin()}), last row less first {last:+.1f}"
    return Verdict("orgil-a6_13", _decides(profile, "open"), because)


def one_is_best(profile: str) -> Verdict:
    found = ferplus.separated(profile).set_index("protocol")
    mine = f"{_main(profile)}, seeds averaged"
    because = "; ".join(
        f"{name}: {found.differ[name]} of {found.pairs[name]} pairs differ"
        for name in ("print, errors nested", "print, errors apart", _main(profile), mine)
        if name in found.index
    )
    differ, of = found.loc[mine, ["differ", "pairs"]] if mine in found.index else (0, 0)
    return Verdict(
        "orgil-a6_24",
        _decides(profile, "holds" if differ == of and of else "fails" if differ == 0 else "open"),
        because,
    )


def lowest_loss(profile: str) -> Verdict:
    loss, right = _column(profile, "MSE").measured, _column(profile, "Test accuracy").measured
    clean = _column(profile, "Test accuracy", CLEAN).measured
    correlation = np.corrcoef(loss, right)[0, 1] if len(loss) > 2 else np.nan
    because = (
        f"lowest loss {loss.idxmin()}, most accurate {right.idxmax()} (on the clean test {clean.idxmax()}); correlation over "
        f"{len(loss)} networks {correlation:+.2f}; {sizes(profile).seeds} seed(s)"
    )
    return Verdict(
        "orgil-a6_25",
        _decides(profile, "holds" if loss.idxmin() == right.idxmax() else "fails"),
        because,
    )
