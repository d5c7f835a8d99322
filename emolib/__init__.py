"""emolib: the companion to five works on emotion recognition, and the library that it stands on.

losses       ccc_loss, non_inertial, mse: of valence and arousal, (batch, time, 2)
models       the networks of the five works, one file per box of a figure; models.svm
evm          magnify: Eulerian magnification of a film
candide      load, fit_shape, fit_action: a face of 113 vertices
continual    alpha_blend, prune_histogram, clahe_weights: weights in, new weights out
pruning      vector_angles, prune: hidden units that say the same
data         load, doctor: real sets where they are at hand, else data.sim, a simulated world
features     landmarks, mel, texture: what networks are given
training     fit: the one training loop; augment, best epochs
metrics      scores, intervals, comparisons
reproduction papers, runs, studies, report, explore, cli: what regenerates the five works

>>> import torch
>>> from emolib import losses
>>> pred = target = torch.zeros(1, 64, 2)
>>> float(losses.non_inertial(pred, target))
0.0
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
