"""What wang's figures draw (notebook 20): the long table behind each."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from emolib import metrics, pruning
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies.sfew import tables
from emolib.reproduction.studies.sfew.plan import ANGLES, Study
from emolib.reproduction.studies.sfew.tables import CNN_LBP, CNN_PHOG, EMOTIONS, FUSION, OURS, SHOWN
from emolib.reproduction.studies.sfew.training import min_max

CNNS = (CNN_LBP, CNN_PHOG, FUSION)
CENTRED = "as printed, centred on 0.5"
CENTRED_ONCE = "sweep 2, random"  # the run of Figures 9 and 10


def distribution(study: Study, scaled: bool = False) -> Outcome:
    """Figures 2 and 3: every value of the ten features, as they come or scaled (Eq. 1)."""
    features = study.table.features
    if scaled:
        features = min_max(features, np.ones(len(features), bool))
    frame = pd.DataFrame(features, columns=list(study.table.columns))
    return study.outcome(frame.melt(var_name="feature", value_name="measured"))


def survivors(study: Study) -> Outcome:
    """How many of Table 1's six units survive each angle, as printed and centred on 0.5."""
    rows = []
    for angle in range(0, 95, 5):
        for reading, centre in (("as printed", None), ("centred on 0.5", 0.5)):
            angles = pruning.vector_angles(tables.printed_activations(), centre)
            left = int(pruning.distinct_units(angles, angle).keep.sum())
            rows.append({"angle": angle, "reading": reading, "measured": left})
    return Outcome(pd.DataFrame(rows), study.profile)


@held
def sweeps(study: Study) -> Outcome:
    """Figure 6: mean recall by hidden units (60 degrees) and by least angle (16 units)."""
    rows = []
    for split, (number, (centre, repeat)) in product(study.sizes.sweep_splits, enumerate(ANGLES)):
        result = study.result(f"sweep {number}, {split}")
        name = ("centred on 0.5" if centre else "as printed") + (", repeated" if repeat else "")
        for s, setting in enumerate(study.sweep(centre, repeat)):
            by_units = s < len(study.sizes.units)
            for f, feature in enumerate(("LBP", "PHOG")):
                rows.append(
                    {
                        "sweep": "hidden units" if by_units else "least angle",
                        "value": setting["units"] if by_units else setting["angle"],
                        "features": feature,
                        "reading": name,
                        "metric": "mean recall",
                        "protocol": split,
                        **study.mean_recall(result["named"]["last"][s, f]),
                        "units_left": float(result["alive"][s, f].mean()),
                        "unit": "fraction",
                    }
                )
    return study.outcome(pd.DataFrame(rows))


def by_emotion(study: Study) -> Outcome:
    """Figure 7: recall by emotion of the three CNNs, as printed and ours."""
    frame = tables.table_3(study).frame
    shown = frame.method.isin(CNNS) & frame.protocol.isin(("as printed", *OURS))
    one_emotion = (frame.metric == "accuracy") & (frame.emotion != tables.AVERAGE)
    return study.outcome(frame[shown & one_emotion])


def printed_by_emotion() -> pd.DataFrame:
    """The printed cells that Figure 7 draws: method, emotion, value."""
    frame = papers.published("wang-t3")
    return frame[frame.method.isin(CNNS) & (frame.emotion != tables.AVERAGE)]


def protocols(study: Study) -> Outcome:
    """Extra 5: mean recall of every method, from the paper's protocol down to the baseline's."""
    frame = tables.table_3(study).frame
    averages = (frame.emotion == tables.AVERAGE) & (frame.metric == "accuracy")
    frame = frame[averages & frame.protocol.isin(SHOWN)]
    frame = frame[~frame.method.str.startswith(("majority", "SPI"))]
    frame = frame.assign(method=frame.method.str.replace(" (Ours)", ""))
    return study.outcome(
        frame.sort_values("protocol", key=lambda names: names.map(SHOWN.index), kind="stable")
    )


def cnn_confusions(study: Study) -> Outcome:
    """Figure 8: confusion matrices of the CNNs; rows sum to 1, summed over seeds and folds."""
    named = tables.predictions(study)
    return _confusions(
        study, {(m.replace(" (Ours)", ""), p): named[m, p] for p, m in product(OURS, CNNS)}
    )


def pruned_confusions(study: Study) -> Outcome:
    """Figure 10: LBP and PHOG at 6, 11 and 16 hidden units; the paper does not say which six."""
    named, units = study.result(CENTRED_ONCE)["named"]["last"], study.sizes.units
    panels = {}
    for many in (units[0], units[len(units) // 2], units[-1]):
        for f, feature in enumerate(("LBP", "PHOG")):
            panels[f"{feature}, {many} hidden units", CENTRED] = named[units.index(many), f]
    return _confusions(study, panels)


def _confusions(study: Study, panels: dict) -> Outcome:
    rows = []
    for (panel, protocol), named in panels.items():
        counts = metrics.confusion(study.truth, named, 7).sum(0)
        rows += metrics.confusion_rows(counts, EMOTIONS, panel=panel, protocol=protocol)
    return study.outcome(pd.DataFrame(rows))


@held
def emotions_by_units(study: Study) -> Outcome:
    """Figure 9: recall of each emotion by number of hidden units (centred on 0.5, once)."""
    named, frames = study.result(CENTRED_ONCE)["named"]["last"], []
    for (s, units), (f, feature) in product(
        enumerate(study.sizes.units), enumerate(("LBP", "PHOG"))
    ):
        frame = tables.scores(study, named[s, f])
        frame = frame[(frame.metric == "accuracy") & (frame.emotion != tables.AVERAGE)]
        frames.append(frame.assign(features=feature, hidden_units=units, protocol=CENTRED))
    return study.outcome(pd.concat(frames))
