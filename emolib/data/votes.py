"""From ten raters' votes to a class: the rules of FERPlus (Barsoum et al., ICMI 2016).

Ten people chose one of eight emotions, 'unknown' or 'NF' (no face) for each picture of FER2013. All
rules first drop a class with a single vote: one voice against nine is taken for a slip. What they
do with the rest differs:

majority        the winner needs more than half of the votes that remain (unknown and NF count among
                them); a picture without such a winner, or whose winner is unknown or NF, is left
                out.
probability,    the share of each class is the target: drawn anew each time (probability) or whole
cross_entropy   (cross_entropy). Both keep the same pictures, by the rule of the authors' released
                code, which says more than the paper: classes are taken from the most votes down,
                ties together, until they hold three quarters of the votes, or three are taken, or
                unknown or NF is reached; the picture is kept if the emotions taken hold more than
                half of the votes and are at most three.

`classes` is 7 (the emotions FER2013 knows) or 8 (with contempt). With 7, a picture whose first
class is contempt is left out, and the share of contempt in other pictures goes to the rest in
proportion.
"""

from __future__ import annotations

import numpy as np

from emolib import EMOTIONS
from emolib.ground.errors import EmolibError, nearest

# the first eight, as we call them
NAMES = ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")
# fmt: off
VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt",
         "unknown", "NF")
# fmt: on
TARGETS = ("majority", "probability", "cross_entropy")

_EMOTION = np.array([EMOTIONS.index(name) for name in NAMES])  # column of VOTES -> EMOTIONS


def labels(
    votes: np.ndarray, targets: str = "majority", classes: int = 7
) -> tuple[np.ndarray, np.ndarray]:
    """Class of each picture and whether it is kept, from `votes` (N, 10) with columns as in VOTES.

    Returns (label, kept): int64 (N,), index into EMOTIONS, -1 where the picture is left out; bool
    (N,). Equal shares go to the class that stands first in VOTES, as in the released code.
    """
    if targets not in TARGETS:
        raise nearest(targets, TARGETS, what="kind of targets")
    if classes not in (7, 8):
        raise EmolibError(f"classes={classes}: expected 7, or 8 with contempt")
    share = _majority(votes) if targets == "majority" else _taken(votes)
    label = np.append(_EMOTION, [-1, -1])[share.argmax(1)]
    kept = (share.sum(1) > 0) & (label >= 0) & (label < classes)
    return np.where(kept, label, -1), kept


def probabilities(votes: np.ndarray, classes: int = 7) -> np.ndarray:
    """Target distributions: (N, classes) float64, columns as in EMOTIONS, each row sums to 1.

    The rule is that of 'probability' and 'cross_entropy' above; every picture kept by the majority
    rule is kept by it too. Raises EmolibError with the row for a picture that it leaves out: take
    the kept rows first.
    """
    _, kept = labels(votes, "cross_entropy", classes)
    if not kept.all():
        raise EmolibError(
            f"votes: row {np.flatnonzero(~kept)[0]} has no distribution over {classes} classes; "
            "take the rows that votes.labels(votes, 'cross_entropy', classes) keeps"
        )
    share = np.zeros((len(kept), len(NAMES)))
    share[:, _EMOTION] = _taken(votes)[:, :8]
    share = share[:, :classes]  # (N, classes)
    return share / share.sum(1, keepdims=True)


def _clean(votes: np.ndarray) -> np.ndarray:
    """Votes (N, 10) without single ones; EmolibError for anything that is no count of votes."""
    votes = np.asarray(votes)
    if votes.ndim != 2 or votes.shape[1] != len(VOTES) or not (votes >= 0).all():
        raise EmolibError(
            f"votes of shape {votes.shape}: expected (N, {len(VOTES)}), each at least 0, "
            f"columns {', '.join(VOTES)}"
        )
    return np.where(votes > 1, votes, 0)


def _majority(votes: np.ndarray) -> np.ndarray:
    """The winner's votes (N, 10), zero elsewhere and in rows without a winner."""
    votes = _clean(votes)
    return np.where(2 * votes > votes.sum(1, keepdims=True), votes, 0)


def _taken(votes: np.ndarray) -> np.ndarray:
    """Votes (N, 10) of the classes of the distribution; zeros where a picture is left out."""
    votes = _clean(votes)
    total = votes.sum(1)  # (N,)
    left, taken = votes.copy(), np.zeros_like(votes)
    open_ = total > 0
    for _ in range(3):  # each round takes at least one class, and three are enough
        most = left.max(1)
        now = (left == most[:, None]) & (left > 0) & open_[:, None]  # (N, 10)
        taken[now] = left[now]
        left[now] = 0
        open_ &= ~now[:, 8:].any(1) & (4 * taken.sum(1) < 3 * total) & ((taken > 0).sum(1) < 3)
    taken[:, 8:] = 0
    good = (2 * taken.sum(1) > total) & ((taken > 0).sum(1) <= 3)
    return np.where(good[:, None], taken, 0)
