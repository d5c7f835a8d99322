"""Tables 5.1 to 5.4 of chang2021: one modality and both, four ways to fuse, and what of it holds between folds (notebook 44).

Nested: actors apart from the tested ones decide on the epoch. As printed: the tested ones do. Intervals of one fold resample its clips, those of
a mean its actors; differences between ways go over folds, whose training parts overlap, so that a corrected t-test judges them.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from scipy.special import softmax

from emolib import metrics, training
from emolib.models.costs import mult_adds, parameters
from emolib.models.mrpn import DESIGNS, MRPN, NORMED, Design
from emolib.models.resnet_lstm import PICTURE, SEGMENT
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.paired import with_holm
from emolib.reproduction.studies.explored.explored import Explored, Model
from emolib.reproduction.studies.mrpn import mrpn_runs
from emolib.reproduction.studies.mrpn.mrpn_networks import ALONE, JOINT, LATE
from emolib.reproduction.studies.mrpn.mrpn_plan import (
    AM,
    AS_PRINTED,
    FUSED,
    JM,
    LSTM,
    NESTED,
    PRINTED_NAMES,
    ROW_BILSTM,
    ROWS_5_4,
    SETS,
    VM,
    Cell,
    classes,
    clips,
    end_to_end,
    ends,
    held,
    label,
    sizes,
    stacks,
)
from emolib.reproduction.studies.mrpn.mrpn_plan import train as train  # the notebook's first call
from emolib.reproduction.studies.speech import plan as speech_plan
from emolib.reproduction.studies.speech import tables as speech

ALL = "mean of all folds"
MODALITIES = {"Audio Modality": AM, "Visual Modality": VM, "Joint Modalities (N0)": JM}
SOUND_ONLY = "sound alone of notebook 43"
MARGIN = 2.0  # points within which two ways count as alike


def outcome(frame: pd.DataFrame, profile: str, *names: str, kind=Outcome, **more) -> Outcome:
    """An Outcome on the sets `names` with the seeds and sizes of a profile."""
    return kind(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources_of(*(clips(profile, n) for n in names)),
        seeds=tuple(range(sizes(profile).seeds)),
        caps=asdict(sizes(profile)),
        **more,
    )


# ---------------------------------------------------------------- clip by clip


@runs.once
def clip_by_clip(profile: str, name: str, cell: Cell, which: str = "scores") -> pd.DataFrame:
    """One row per tested clip of a set: fold, clip, subject, truth, right (share of seeds), named (by seed 0).

    which   'scores' (nested) or 'scores_as_printed'
    """
    bank, rows = held(profile, name), []
    for fold, found in _said(profile, name, cell, which).items():
        at, said = found
        named = said.argmax(-1)  # (seeds, B)
        rows.append(
            pd.DataFrame(
                {
                    "fold": fold,
                    "clip": bank.clip[at],
                    "subject": bank.subject[at],
                    "truth": bank.label[at],
                    "right": (named == bank.label[at]).mean(0),
                    "named": named[0],
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def _said(
    profile: str, name: str, cell: Cell, which: str
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Fold -> rows of the bank (B,) and scores (seeds, B, C) of a cell of the tables."""
    out: dict = {}
    if end_to_end(profile):
        of = {clip: i for i, clip in enumerate(held(profile, name).clip)}
        way = ALONE if cell.method == LATE else cell.method
        for (n, fold, method, how, _), r in ends(profile).items():
            if (n, method, how) == (name, way, f"{cell.option}, {cell.aggregator}"):
                out.setdefault(fold, ([of[c] for c in r["clips"]], []))[1].append(
                    r[which][cell.score]
                )
        return {fold: (np.array(at), np.stack(said)) for fold, (at, said) in out.items()}
    r = stacks(profile)[name, cell.option, cell.aggregator]
    scores = r["results"][cell.method][which][cell.score]  # (J, B, C)
    for j, fold in enumerate(r["fold"]):
        count = r["count"][j]
        out.setdefault(fold, (r["tested"][j][:count], []))[1].append(scores[j][:count])
    return {fold: (at, np.stack(said)) for fold, (at, said) in out.items()}


def by_fold(profile: str, name: str, cell: Cell, which: str = "scores") -> pd.Series:
    """Accuracy of each fold in per cent."""
    return 100 * clip_by_clip(profile, name, cell, which).groupby("fold", sort=False).right.mean()


@runs.once
def settled(profile: str) -> frozenset[str]:
    """Protocols whose networks are those of print and whose validation losses have stopped falling: none where features rest."""
    if not end_to_end(profile) or not all(
        training.plateaued(r["validation"]) for r in ends(profile).values()
    ):
        return frozenset()
    return frozenset(label(profile, reading) for reading in (NESTED, AS_PRINTED))


recordings = runs.once(speech_plan.Study)  # notebook 43's study


def _rows(profile: str, name: str, cell: Cell, keys: dict, fold_key: str) -> list[dict]:
    """Rows of one network: every fold and their mean, nested and as printed."""
    rows = []
    for which, reading in (("scores", NESTED), ("scores_as_printed", AS_PRINTED)):
        said = clip_by_clip(profile, name, cell, which)
        keys = keys | {"protocol": label(profile, reading)}
        for fold, part in said.groupby("fold", sort=False):
            rows += [
                keys | {fold_key: fold} | r
                for r in speech.measures(recordings(profile), part, "clip")
                if r["metric"] == "accuracy"
            ]
        rows += [keys | {fold_key: ALL} | r for r in speech.measures(recordings(profile), said)]
    return rows


# ---------------------------------------------------------------- the tables


@runs.once
def table_5_1(profile: str = "quick") -> Outcome:
    """Table 5.1: sound, picture and both, without and with time augmentation. The audio rows of notebook 43, on recordings of speech, stand beside ours."""
    rows = [
        r
        for modality, ways in MODALITIES.items()
        for t, cell in ways.items()
        for r in _rows(
            profile, "ravdess", cell, {"modality": modality, "time_augmentation": t}, "actors"
        )
    ]
    heard = speech.audio_rows(recordings(profile))
    recorded = speech.pairs(recordings(profile))
    source = next(iter(recorded.sources.values()))["source"]
    heard = heard.assign(
        protocol=heard.protocol + f" ({SOUND_ONLY})",
        actors=heard.actors.replace(speech.ALL, ALL),
        source=source,
    )
    frame = pd.concat(
        [pd.DataFrame(rows).assign(source=clips(profile, "ravdess").source), heard],
        ignore_index=True,
    )
    made = outcome(
        frame,
        profile,
        "ravdess",
        settled=settled(profile) | {f"{p} ({SOUND_ONLY})" for p in recorded.settled},
    )
    made.sources.update({f"{k}, {SOUND_ONLY}": v for k, v in recorded.sources.items()})
    return made


@runs.once
def table_5_2(profile: str = "quick") -> Outcome:
    """Table 5.2: four ways to fuse on the pairs of actors of RAVDESS."""
    return outcome(
        pd.DataFrame(
            [
                r
                for m, cell in FUSED.items()
                for r in _rows(profile, "ravdess", cell, {"model": m}, "actors")
            ]
        ),
        profile,
        "ravdess",
        settled=settled(profile),
    )


@runs.once
def table_5_3(profile: str = "quick") -> Outcome:
    """Table 5.3: the same on nine splits of CREMA-D."""
    return outcome(
        pd.DataFrame(
            [
                r
                for m, cell in FUSED.items()
                for r in _rows(profile, "crema_d", cell, {"model": m}, "split")
            ]
        ),
        profile,
        "crema_d",
        settled=settled(profile),
    )


@runs.once
def table_5_4(profile: str = "quick") -> Outcome:
    """Table 5.4: our rows with their options; a BiLSTM beside them where it was trained. Other people's rows stand as printed."""
    rows = []
    extra = ROW_BILSTM if "BiLSTM" in sizes(profile).aggregators else {}
    for model, cell in (ROWS_5_4 | extra).items():
        for name in SETS:
            for which, reading in (("scores", NESTED), ("scores_as_printed", AS_PRINTED)):
                measured = speech.measures(
                    recordings(profile), clip_by_clip(profile, name, cell, which)
                )
                rows += [
                    {
                        "model": model,
                        "origin": "our",
                        "dataset": PRINTED_NAMES[name],
                        "protocol": label(profile, reading),
                    }
                    | r
                    for r in measured
                ]
    return outcome(pd.DataFrame(rows), profile, *SETS, settled=settled(profile))


# ---------------------------------------------------------------- what is better than what


def comparisons() -> dict[str, list[tuple[str, Cell, Cell]]]:
    """The family of each set, declared before any run: every 'better' of section 5.3."""
    late, n0, n1, n2 = FUSED.values()
    both = [
        ("N2 - N1", n2, n1),
        ("N2 - N0", n2, n0),
        ("N2 - late fusion", n2, late),
        ("N1 - N0", n1, n0),
        ("N1 - late fusion", n1, late),
        ("N2 - picture alone", n2, VM["T"]),
        ("N2 - sound alone", n2, AM["T"]),
        ("N0 - picture alone", n0, VM["T"]),
        ("N0 - sound alone", n0, AM["T"]),
        ("N2, transformer - LSTM", Cell("N2", aggregator="transformer average"), n2),
        ("N0, overlap - none", n0, Cell("N0", "VA+WO")),
    ]
    slicing = [
        (f"{m}, T - NT", ways["T"], ways["NT"])
        for m, ways in (("sound", AM), ("picture", VM), ("both (N0)", JM))
    ]
    return {"ravdess": [*both, *slicing], "crema_d": both}


PRINTED_GAPS = {
    "N2 - N1": ("N2 (end-to-end)", "N1 (end-to-end)"),
    "N2 - N0": ("N2 (end-to-end)", "N0 (end-to-end)"),
    "N2 - late fusion": ("N2 (end-to-end)", "N0 (late fusion)"),
    "N1 - N0": ("N1 (end-to-end)", "N0 (end-to-end)"),
    "N1 - late fusion": ("N1 (end-to-end)", "N0 (late fusion)"),
}
PRINTED_PAIRS = {"N2 - picture alone": "Visual Modality", "N2 - sound alone": "Audio Modality"}


@runs.once
def tests(profile: str = "quick") -> Outcome:
    """Extra 50: every difference of the chapter over the folds, by a corrected t-test, one Holm family a set; and the same test on the printed cells."""
    rows = []
    for name, family in comparisons().items():
        tested, trained = _shares(profile, name)
        for which, reading in (("measured", label(profile)), ("printed", "print")):
            said = []
            for what, a, b in family:
                gap = (
                    (by_fold(profile, name, a) - by_fold(profile, name, b)).to_numpy()
                    if which == "measured"
                    else printed_gap(name, what)
                )
                if gap is None:
                    continue
                mean, low, high, p = metrics.corrected_t(gap, tested, trained)
                said.append(
                    {
                        "dataset": PRINTED_NAMES[name],
                        "difference": what,
                        "protocol": reading,
                        "metric": "difference",
                        "folds": len(gap),
                        "measured": mean,
                        "low": low,
                        "high": high,
                        "unit": "points",
                        "p": 1.0 if np.isnan(p) else p,
                    }
                )
            rows += with_holm(said)
    return outcome(pd.DataFrame(rows), profile, *SETS, settled=settled(profile) | {"print"})


def _shares(profile: str, name: str) -> tuple[float, float]:
    """Mean numbers of tested and trained clips in a fold."""
    split = mrpn_runs.parts(name, held(profile, name).subject, 0)
    return float(np.mean([len(s.test) for s in split])), float(
        np.mean([len(s.train) for s in split])
    )


def printed_gap(name: str, what: str) -> np.ndarray | None:
    """The same difference in the printed cells, fold by fold; None where print has no such cells."""
    fused = papers.published("chang2021-t5_2" if name == "ravdess" else "chang2021-t5_3")
    fold = "actors" if name == "ravdess" else "split"
    row = lambda table, **keys: (
        table[(table[list(keys)] == pd.Series(keys)).all(axis=1)].set_index(fold).value
    )  # noqa: E731
    if what in PRINTED_GAPS:
        a, b = (row(fused, model=m) for m in PRINTED_GAPS[what])
        return (a - b).to_numpy()
    alone = papers.published("chang2021-t5_1")
    if name != "ravdess":
        return None
    if what in PRINTED_PAIRS:
        return (
            row(fused, model="N2 (end-to-end)")
            - row(alone, modality=PRINTED_PAIRS[what], time_augmentation="T")
        ).to_numpy()
    if ", T - NT" in what:
        modality = dict(
            zip(
                ("sound", "picture", "both (N0)"),
                ("Audio Modality", "Visual Modality", "Joint Modalities (N0)"),
                strict=True,
            )
        )[what.split(",")[0]]
        return (
            row(alone, modality=modality, time_augmentation="T")
            - row(alone, modality=modality, time_augmentation="NT")
        ).to_numpy()
    return None


# ---------------------------------------------------------------- sizes and costs


@runs.once
def costs(profile: str = "quick") -> Outcome:
    """Extra 51: parameters of every network at eight classes, in training and at inference, and multiply-adds of one frame and one segment; no data."""
    variants = {
        **DESIGNS,
        "N0, no norm after the concatenation (Eq. 27)": Design(joint_norm=False),
        "N1, side scores by Scoring (Eq. 26)": Design(NORMED, scoring=True),
    }
    rows = []
    for name, how in variants.items():
        make = lambda how=how: MRPN(8, how)  # noqa: E731
        used = mult_adds(make, (1, 1, *PICTURE), (1, 1, *SEGMENT))
        side = _side_parameters(how)
        rows += [
            {
                "network": name,
                "metric": metric,
                "protocol": "counted",
                "measured": int(value),
                "unit": unit,
            }
            for metric, value, unit in (
                ("parameters in training", _parameters(how), "count"),
                ("parameters at inference", _parameters(how) - side, "count"),
                ("multiply-adds at inference", used, "count"),
            )
        ]
    return Outcome(pd.DataFrame(rows), profile)


def _parameters(how: Design) -> int:
    import torch

    with torch.device("meta"):
        return parameters(MRPN(8, how))


def _side_parameters(how: Design) -> int:
    import torch

    with torch.device("meta"):
        net = MRPN(8, how)
        return 0 if net.head.sides is None else parameters(net.head.sides)


@runs.once
def small_row(profile: str = "quick") -> Outcome:
    """Extra 56: what was trained end to end at this profile: N0 and N2 on a pair of actors, beside the same pair on features at rest."""
    rows = []
    for (name, fold, method, how, seed), r in ends(profile).items():
        right = (r["scores"][2].argmax(1) == r["truth"]).astype(float)
        value, low, high = metrics.bootstrap_ci(right, np.arange(len(right)))
        rows.append(
            {
                "dataset": PRINTED_NAMES[name],
                "fold": fold,
                "network": method,
                "options": how,
                "seed": seed,
                "metric": "accuracy",
                "protocol": f"end to end, {NESTED}",
                "measured": 100 * float(value),
                "low": 100 * float(low),
                "high": 100 * float(high),
                "unit": "percent",
                "parameters": r["parameters"],
                "clips": len(right),
                "epochs": len(r["loss"]),
            }
        )
    return outcome(pd.DataFrame(rows), profile, "ravdess", settled=settled(profile))


def explored(
    profile: str = "quick", name: str = "ravdess", methods: tuple[str, ...] = ("N0", "N2")
) -> Explored:
    """The tested clips for the explorer: ways to fuse side by side, each clip as the network saw it that was not trained on it.

    Of seed 0; the embedding is face and sound side by side.
    """
    r = stacks(profile)[name, Cell("N0").option, LSTM]
    bank, data = held(profile, name), clips(profile, name)
    parts = [j for j, seed in enumerate(r["seed"]) if seed == 0]
    at = np.concatenate([r["tested"][j][: r["count"][j]] for j in parts])
    take = lambda v: np.concatenate([v[j][: r["count"][j]] for j in parts])  # noqa: E731
    models = []
    for method in methods:
        found = r["results"][method]
        score = take(found["scores"][JOINT]).astype(float)  # (N, C)
        models.append(
            Model(
                method,
                np.concatenate([take(v) for v in found["features"]], 1),
                score.argmax(1),
                softmax(score, 1),
            )
        )
    fold = np.concatenate([np.full(r["count"][j], k) for k, j in enumerate(parts)])
    return Explored(
        f"{PRINTED_NAMES[name]}: face and voice, {' beside '.join(methods)}",
        classes(profile, name),
        bank.label[at],
        bank.subject[at],
        fold,
        np.full(len(at), "both"),
        np.asarray(bank.clip[at]).astype(str),
        tuple(models),
        data,
        at,
        profile,
    )
