"""Does fusion fail as the thesis says, and does anything cure it? Fuzzy, missing and mismatched modalities in five simulated worlds (notebook 44).

No claim of chapter 5 is decided here: which way wins in a simulated world is a matter of its dials. What the study shows is under which of
them plain fusion falls below its better modality, and whether the cures differ where it does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.runs.paired import with_holm
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.mrpn.mrpn_networks import ORDER
from emolib.reproduction.studies.mrpn.mrpn_plan import sizes, turned, worlds

FUSIONS = ORDER[2:]  # late fusion and every joint way
SINGLE = ORDER[:2]
NOTHING = "nothing turned"
WATCHED = (
    "N0",
    "N1",
    "N2",
    "gradient modulation",
    "gradient blending",
)  # whose gradients are drawn
# Declared before any run: what is compared over the worlds, and what the difference isolates.
FAMILY = (
    ("N2", "N0"),
    ("N2", "N1"),
    ("N1", "N0"),
    ("N2", "N1 + equal block"),
    ("N2", "N2, side scores before the block"),
    ("N2", "N2, ReLU in the block"),
    ("gradient blending", "N0"),
    ("gradient modulation", "N0"),
    ("modality dropout", "N0"),
    ("N0, late", "N0"),
)
NAMES = {
    "fuzz_face": "fuzzy faces",
    "fuzz_voice": "fuzzy voices",
    "missing_face": "missing faces",
    "missing_voice": "missing voices",
    "mismatched_face": "mismatched faces",
    "mismatched_voice": "mismatched voices",
    "complementarity": "complementarity",
    "label_noise": "wrong labels",
    "": NOTHING,
}


def setting_name(dial: str, level: float) -> str:
    """'fuzzy faces 0.5', as rows and figures call a setting."""
    return NAMES[dial] if not dial else f"{NAMES[dial]} {level:g}"


@runs.once
def accuracies(profile: str) -> tuple[list[str], dict[str, np.ndarray]]:
    """Names of the settings (S,), and for each way its accuracy in per cent (worlds, S), folds of actors joined."""
    names = [setting_name(*s) for s in turned(profile)]
    return names, {
        way: np.stack([100 * (r["named"][way] == r["truth"]).mean((1, 2)) for r in worlds(profile)])
        for way in ORDER
    }


def _outcome(frame: pd.DataFrame, profile: str) -> Outcome:
    s = sizes(profile)
    made = {
        f"ravdess, world {k}": {
            "source": "simulated",
            "fingerprint": a["features"]["data"].split(":")[2],
        }
        for k, a in enumerate(_arguments(profile))
    }
    return Outcome(
        frame.reset_index(drop=True),
        profile,
        made,
        seeds=tuple(range(s.worlds)),
        caps={
            "worlds": s.worlds,
            "folds": s.world_folds,
            "epochs": s.world_epochs,
            "hidden": s.hidden,
            "each": s.world_each,
            "levels": list(s.levels),
        },
    )


def _arguments(profile: str) -> list[dict]:
    from emolib.reproduction.studies.mrpn.mrpn_plan import sweeps

    return sweeps(profile)


def _interval(values: np.ndarray, profile: str) -> tuple[float, float, float, float]:
    """Mean of a number per world, its t interval and p: worlds are independent of each other."""
    return metrics.corrected_t(values, 0, 1, level=shared(profile).level)


@runs.once
def lead(profile: str) -> dict[str, np.ndarray]:
    """For every fusion (worlds, S): points above the better modality, which is the one that is better on average over the worlds."""
    _, said = accuracies(profile)
    face, sound = (said[m] for m in SINGLE)
    better = np.where(face.mean(0) > sound.mean(0), face, sound)  # (W, S)
    return {way: said[way] - better for way in FUSIONS}


@runs.once
def swept(profile: str = "quick") -> Outcome:
    """Extra 52: accuracy of every way in every setting, mean over worlds, and its lead over the better of the two modalities."""
    (names, said), ahead = accuracies(profile), lead(profile)
    rows = []
    for s, name in enumerate(names):
        for way in ORDER:
            for metric, values in (("accuracy", said), ("lead over the better modality", ahead)):
                if way not in values:
                    continue
                mean, low, high, _ = _interval(values[way][:, s], profile)
                rows.append(
                    {
                        "setting": name,
                        "way": way,
                        "metric": metric,
                        "protocol": "nested, simulated worlds",
                        "measured": mean,
                        "low": low,
                        "high": high,
                        "unit": "percent" if metric == "accuracy" else "points",
                    }
                )
    return _outcome(pd.DataFrame(rows), profile)


@runs.once
def leads(profile: str = "quick") -> Outcome:
    """Extra 53: the leads alone, setting by way, as the figure draws them."""
    made = swept(profile)
    return _outcome(made.frame[made.frame.metric == "lead over the better modality"], profile)


@runs.once
def below(profile: str = "quick") -> list[str]:
    """Settings in which plain fusion (N0) is below its better modality, on average over the worlds."""
    frame = leads(profile).frame
    return list(frame[(frame.way == "N0") & (frame.measured < 0)].setting)


@runs.once
def cures(profile: str = "quick") -> Outcome:
    """Extra 55: differences between ways over all settings, where N0 is below its better modality, and elsewhere; one Holm family.

    Where N0 is below, the other worlds say: chosen on the same numbers, any other way would look like a cure. A world gives one number, its mean
    over the settings; five worlds allow a t-test of four degrees of freedom. `cells above` and `cells below` count worlds and settings: both signs
    must be within reach, or the simulator has decided.
    """
    _, said = accuracies(profile)
    plain = lead(profile)["N0"]  # (W, S)
    bad = (plain.sum(0) - plain) < 0  # (W, S): on average over the other worlds
    parts = {
        "all settings": np.ones_like(bad),
        "where N0 is below its better modality (by the other worlds)": bad,
        "elsewhere": ~bad,
    }
    tests = []
    for part, cells in parts.items():
        for a, b in FAMILY if cells.any() else ():
            gap = said[a] - said[b]  # (W, S)
            mean, low, high, p = _interval(
                np.array([g[c].mean() for g, c in zip(gap, cells, strict=True) if c.any()]), profile
            )
            tests.append(
                {
                    "settings": part,
                    "way": a,
                    "against": b,
                    "metric": "difference",
                    "protocol": "nested, simulated worlds",
                    "measured": mean,
                    "low": low,
                    "high": high,
                    "unit": "points",
                    "cells above": int((gap[cells] > 0).sum()),
                    "cells below": int((gap[cells] < 0).sum()),
                    "p": 1.0 if np.isnan(p) else p,
                }
            )
    return _outcome(pd.DataFrame(with_holm(tests)), profile)


@runs.once
def gradients(profile: str = "quick") -> Outcome:
    """Extra 54: norm of the gradient that reaches the first layer of each branch, by way, in settings that spoil one modality."""
    shown = [
        s
        for s in turned(profile)
        if s[0] in ("", "fuzz_face", "missing_face", "mismatched_face", "mismatched_voice")
        and s[1] in (0.0, max(sizes(profile).levels))
    ]
    rows = []
    for dial, level in shown:
        s = turned(profile).index([dial, level])
        for way in WATCHED:
            norms = np.stack([r["gradient"][way][s] for r in worlds(profile)])  # (W, 2)
            for k, branch in enumerate(("face", "sound")):
                mean, low, high, _ = _interval(norms[:, k], profile)
                rows.append(
                    {
                        "setting": setting_name(dial, level),
                        "way": way,
                        "branch": branch,
                        "metric": "norm of the gradient",
                        "protocol": "mean over training",
                        "measured": mean,
                        "low": low,
                        "high": high,
                        "unit": "",
                    }
                )
    return _outcome(pd.DataFrame(rows), profile)


def sigmoid_against_relu(profile: str) -> pd.Series:
    """The row of `cures` that asks whether a sigmoid in the block is better than a ReLU (5.2.1, observation 6)."""
    frame = cures(profile).frame
    return frame[
        (frame.settings == "all settings")
        & (frame.against == "N2, ReLU in the block")
        & (frame.metric == "difference")
    ].iloc[0]
