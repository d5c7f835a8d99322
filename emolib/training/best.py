"""Which epoch counts: the best by validation, or, as some papers do it, by the reported set."""

from __future__ import annotations

import numpy as np

NESTED, PRINTED = "nested", "as printed"


def best_epochs(validation: np.ndarray, tested: np.ndarray) -> dict[str, np.ndarray]:
    """Epoch (...) chosen from scores (..., E), higher is better, the first of equals, by rule:
    NESTED looks at `validation` alone, PRINTED at `tested`, which flatters it."""
    return {NESTED: np.argmax(validation, axis=-1), PRINTED: np.argmax(tested, axis=-1)}


def at_epoch(values: np.ndarray, epoch: np.ndarray) -> np.ndarray:
    """The values (..., E) of the chosen epochs (...): (...)."""
    return np.take_along_axis(np.asarray(values), np.asarray(epoch)[..., None], axis=-1)[..., 0]
