"""emolib: what five works on emotion recognition are recomputed with, as a library.

    from emolib import losses
    loss = losses.non_inertial(pred, target)        # (batch, time, valence and arousal)

Each part is a module of its own, imported by name; `help(emolib.losses)` shows what is in it.

the methods of the five works, pure functions on tensors
    losses       mse, ccc_loss, non_inertial        of valence and arousal over time
    evm          magnify, stream, spectrum          small changes of a film made large
    candide      load, fit_shape, fit_action        face points as shape and action units
    continual    alpha_blend, prune_histogram, clahe_weights    a last layer and its successor
    pruning      vector_angles, prune               hidden units that say the same
    metrics      ccc, confusion, bootstrap_ci, mcnemar, holm    scores, intervals, comparisons

what networks are, are given, and how they learn
    models       one file a box of a figure: models.shallow, models.mrpn, models.svm ...
    features     features.landmarks, features.mel, features.texture ...
    training     fit: one loop that resumes; augmentation, best epochs
    data         load, doctor: a real set where it is at hand, else data.sim, a drawn world

what regenerates every table and figure (`./reproduce.sh`, or `python -m emolib --help`)
    reproduction papers, runs, studies, report, explore, cli

EMOTIONS is the order of labels in every emotion set. Bad input raises
`emolib.ground.errors.EmolibError`: one line that says what was found, what was expected, what to
do. Every function of the methods has an example that runs in docs/api.

>>> import torch
>>> from emolib import EMOTIONS, losses, metrics
>>> target = torch.linspace(-1, 1, 64).repeat(2, 1).T[None]     # 1 window, 64 frames, 2 axes
>>> round(float(losses.ccc_loss(target + 0.5, target)), 3)      # a shift costs concordance
0.267
>>> metrics.ccc(target + 0.5, target, dim=1).round(decimals=3).tolist()
[[0.733, 0.733]]
>>> EMOTIONS[3]
'happy'
"""

__version__ = "0.1.0"

# The label of every emotion set is an index into this tuple, whatever code the set itself uses
# (that code stays in `meta`). The order is fixed: results and golden files depend on it.
EMOTIONS = (
    "angry",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
    "neutral",
    "contempt",
    "calm",
    "pride",
    "embarrassment",
)
