"""What wang's figures draw (notebook 20): each function returns the long table behind one of them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from emolib import metrics, pruning
from emolib.models.fusion1d import CHANNELS, Fusion1d
from emolib.models.members import parameter_count
from emolib.models.shallow import Shallow
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.studies.sfew import wang_networks as networks
from emolib.reproduction.studies.sfew.wang import (
    CNN_LBP,
    CNN_PHOG,
    EMOTIONS,
    FUSION,
    OURS,
    SHOWN,
    mean_recall,
    outcome,
    predictions,
    printed_activations,
    scores,
    table_3,
)
from emolib.reproduction.studies.sfew.wang_networks import Setting
from emolib.reproduction.studies.sfew.wang_plan import (
    SIZES,
    plan,
    results,
    sweep_settings,
    table,
    truth,
)


@runs.once
def distribution(profile: str = "quick", scaled: bool = False) -> Outcome:
    """Figures 2 and 3: every value of the ten features, as they come or scaled over all rows (Eq. 1)."""
    features = table(profile).features
    if scaled:
        features = networks.min_max(features, np.ones(len(features), bool))
    frame = pd.DataFrame(features, columns=list(table(profile).columns)).melt(
        var_name="feature", value_name="measured"
    )
    return outcome(frame, profile)


@runs.once
def survivors(profile: str = "quick") -> Outcome:
    """How many of Table 1's six units survive each angle, un-centred as printed and centred on 0.5."""
    activations = printed_activations()
    rows = [
        {
            "angle": angle,
            "reading": reading,
            "measured": int(
                pruning.distinct_units(pruning.vector_angles(activations, centre), angle).keep.sum()
            ),
        }
        for angle in range(0, 95, 5)
        for reading, centre in (("as printed", None), ("centred on 0.5", 0.5))
    ]
    return Outcome(pd.DataFrame(rows), profile)


@runs.once
def sweeps(profile: str = "quick") -> Outcome:
    """Figure 6: mean recall by number of hidden units (60 degrees) and by least angle (16 units), four readings."""
    sizes, rows = SIZES[profile], []
    settings = sweep_settings(sizes)
    quarter = len(settings) // 4
    for split in sizes.sweep_splits:
        for part, result in enumerate(results(profile, [f"sweep {i}, {split}" for i in range(4)])):
            for s, setting in enumerate(settings[part * quarter : (part + 1) * quarter]):
                sweep, value = (
                    ("hidden units", setting.units)
                    if s < len(sizes.units)
                    else ("least angle", setting.angle)
                )
                for f, feature in enumerate(("LBP", "PHOG")):
                    rows.append(
                        {
                            "sweep": sweep,
                            "value": value,
                            "features": feature,
                            "reading": _reading(setting),
                            "metric": "mean recall",
                            "protocol": split,
                            **mean_recall(result["named"]["last"][s, f], profile),
                            "units_left": float(result["alive"][s, f].mean()),
                            "unit": "fraction",
                        }
                    )
    return outcome(pd.DataFrame(rows), profile)


def _reading(setting: Setting) -> str:
    return ("centred on 0.5" if setting.centre else "as printed") + (
        ", repeated" if setting.repeat else ""
    )


@runs.once
def by_emotion(profile: str = "quick") -> Outcome:
    """Figure 7: recall by emotion of the three CNNs, as printed and ours."""
    frame = table_3(profile).frame
    keep = (
        frame.method.isin((CNN_LBP, CNN_PHOG, FUSION))
        & (frame.metric == "accuracy")
        & frame.protocol.isin(("as printed", *OURS))
        & (frame.emotion != "Average Accuracy")
    )
    return outcome(frame[keep], profile)


@runs.once
def protocols(profile: str = "quick") -> Outcome:
    """Extra 5: mean recall of every method under every protocol, the ladder from the paper's way to the baseline's."""
    frame = table_3(profile).frame
    keep = (
        (frame.emotion == "Average Accuracy")
        & (frame.metric == "accuracy")
        & frame.protocol.isin(SHOWN)
    )
    frame = frame[keep & ~frame.method.str.startswith(("majority", "SPI"))]
    frame = frame.assign(
        method=frame.method.str.replace(" (Ours)", ""), order=frame.protocol.map(SHOWN.index)
    )
    return outcome(frame.sort_values("order", kind="stable").drop(columns="order"), profile)


def printed_by_emotion() -> pd.DataFrame:
    """The printed cells that Figure 7 draws: method, emotion, value."""
    frame = papers.published("wang-t3")
    return frame[
        frame.method.isin((CNN_LBP, CNN_PHOG, FUSION)) & (frame.emotion != "Average Accuracy")
    ]


@runs.once
def diagram(profile: str = "quick") -> Outcome:
    """A diagram has nothing to measure: an empty table that names its sizes."""
    rows = [
        {"part": "inputs per descriptor", "measured": 5},
        {"part": "hidden units", "measured": 16},
        {"part": "classes", "measured": 7},
        *(
            {"part": f"channels of convolution {i + 1}", "measured": c}
            for i, c in enumerate(CHANNELS)
        ),
        {"part": "weights, shallow", "measured": parameter_count(Shallow([0]))},
        *(
            {
                "part": f"weights, {n} branch{'es' * (n > 1)}",
                "measured": parameter_count(Fusion1d([0], branches=n)),
            }
            for n in (1, 2)
        ),
    ]
    return Outcome(pd.DataFrame(rows), profile)


@runs.once
def confusions(profile: str = "quick", models: str = "cnn") -> Outcome:
    """Figures 8 (models='cnn') and 10 ('pruned'): confusion matrices, rows sum to 1, summed over seeds and folds.

    The six panels of Figure 10 are LBP and PHOG at 6, 11 and 16 hidden units; the paper does not say which they are.
    """
    panels = {}
    if models == "cnn":
        named = predictions(profile)
        panels = {
            (m.replace(" (Ours)", ""), p): named[m, p]
            for p in OURS
            for m in (CNN_LBP, CNN_PHOG, FUSION)
        }
    else:
        sizes = SIZES[profile]
        (result,) = results(profile, ["sweep 2, random"])  # centred on 0.5, once
        for units in (sizes.units[0], sizes.units[len(sizes.units) // 2], sizes.units[-1]):
            for f, feature in enumerate(("LBP", "PHOG")):
                panels[f"{feature}, {units} hidden units", "as printed, centred on 0.5"] = result[
                    "named"
                ]["last"][sizes.units.index(units), f]
    rows = []
    for (panel, protocol), values in panels.items():
        counts = metrics.confusion(truth(profile), values, 7).sum(0)
        share = counts / counts.sum(1, keepdims=True)
        rows += [
            {
                "panel": panel,
                "protocol": protocol,
                "true": EMOTIONS[i],
                "named": EMOTIONS[j],
                "metric": "share of the true class",
                "measured": float(share[i, j]),
                "count": int(counts[i, j]),
            }
            for i, j in product(range(7), range(7))
        ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def emotions_by_units(profile: str = "quick") -> Outcome:
    """Figure 9: recall of each emotion by number of hidden units, both feature sets (centred on 0.5, once)."""
    sizes, rows = SIZES[profile], []
    (result,) = results(profile, ["sweep 2, random"])
    for (s, units), (f, feature) in product(enumerate(sizes.units), enumerate(("LBP", "PHOG"))):
        frame = scores(result["named"]["last"][s, f], profile)
        frame = frame[(frame.metric == "accuracy") & (frame.emotion != "Average Accuracy")]
        rows.append(
            frame.assign(
                features=feature, hidden_units=units, protocol="as printed, centred on 0.5"
            )
        )
    return outcome(pd.concat(rows), profile)


@runs.once
def curves(profile: str = "quick") -> Outcome:
    """Learning curves of the paper's budget and of the converged one: the plateau rule made visible."""
    rows = []
    for name in plan(profile):
        if not name.startswith(("cnn", "shallow")):
            continue
        (result,) = results(profile, [name])
        for metric in ("validation loss", "validation", "test"):
            mean = result["curves"][metric].reshape(len(result["curves"]["epoch"]), -1).mean(1)
            rows += [
                {"run": name, "epoch": e, "metric": metric, "measured": float(v)}
                for e, v in zip(result["curves"]["epoch"], mean, strict=True)
            ]
    return outcome(pd.DataFrame(rows), profile)
