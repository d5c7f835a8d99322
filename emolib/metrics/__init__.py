"""Scores, intervals and comparisons, one function each; probabilities in `metrics.calibration`."""

from emolib.metrics.compare import (
    DETECTABLE,
    SMALLEST_P,
    bootstrap_p,
    corrected_t,
    detectable,
    difference,
    floor,
    holm,
    mcnemar,
    mcnemar_counts,
    sign_flip_p,
    with_holm,
)
from emolib.metrics.intervals import bootstrap_ci, bootstrap_draws, interval
from emolib.metrics.scores import (
    Answers,
    balanced_accuracy,
    ccc,
    confusion,
    confusion_rows,
    forgetting,
    macro_average_precision,
    macro_f1,
    nearest_emotion,
    pn_accuracy,
    precision,
    recall,
)
