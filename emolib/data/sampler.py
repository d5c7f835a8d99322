"""Drawing every class equally often, and undoing what that does to the probabilities.

orgil2022 trains its classifiers with a class-balanced sampler. A network trained so believes in
equal classes; `prior_shift` gives it back the shares of the set it is tested on.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import WeightedRandomSampler

from emolib.ground.errors import EmolibError


def class_weights(label: np.ndarray, classes: int) -> torch.Tensor:
    """Float64 (classes,): rows / (classes present x rows of the class), 0 for an absent class.

    The weights of all rows have mean 1, so that a weighted loss keeps its size.
    label (N,) integers in 0 to classes - 1. Raises EmolibError for no rows or a label outside.
    """
    label = np.asarray(label)
    if label.ndim != 1 or not label.size or label.dtype.kind not in "iu":
        raise EmolibError(
            f"labels are {label.dtype} {label.shape}, "
            "expected whole numbers (N,) with at least one row"
        )
    bad = np.flatnonzero((label < 0) | (label >= classes))
    if bad.size:
        raise EmolibError(f"label {label[bad[0]]} in row {bad[0]}, expected 0 to {classes - 1}")
    count = torch.as_tensor(
        np.bincount(label, minlength=classes), dtype=torch.float64
    )  # (classes,)
    return torch.where(count > 0, len(label) / (count > 0).sum() / count.clamp(min=1), 0.0)


def balanced_sampler(
    label: np.ndarray, *, seed: int, num_samples: int | None = None
) -> WeightedRandomSampler:
    """A WeightedRandomSampler, with replacement: every class that occurs is equally likely.

    num_samples   rows per epoch; by default as many as there are labels
    The sampler owns a generator seeded with `seed`: the same seed gives the same epochs in the same
    order, and successive epochs differ.
    """
    label = np.asarray(label)
    whole = isinstance(num_samples, int | np.integer) and not isinstance(num_samples, bool)
    if num_samples is not None and not (whole and num_samples >= 1):
        raise EmolibError(
            f"balanced sampler: num_samples is {num_samples}, expected a whole number of at least 1"
        )
    # what is wrong with labels that are no whole numbers, class_weights says
    classes = int(label.max()) + 1 if label.size and label.dtype.kind in "iu" else 1
    weight = class_weights(label, classes)[torch.as_tensor(label, dtype=torch.long)]  # (N,)
    generator = torch.Generator().manual_seed(seed)
    return WeightedRandomSampler(weight, int(num_samples or len(label)), generator=generator)


def prior_shift(log_probs, train_prior, test_prior):
    """Under other shares of classes: log p(c|x) + log test_prior - log train_prior, normalised.

    Saerens, Latinne and Decaestecker 2002 (Neural Computation 14), for known priors. Tensor in,
    tensor out; else an array.

    log_probs     (..., C), log-softmax or any scores that differ from it by a constant per row
    train_prior   (C,) shares seen in training, each above 0 (after `balanced_sampler`: 1 / C)
    test_prior    (C,) shares where the network is used; a 0 rules a class out
    Both priors are scaled to sum to 1. Raises EmolibError for other shapes, negative shares, or a
    training share of 0.
    """
    scores = torch.as_tensor(log_probs)
    scores = scores if scores.is_floating_point() else scores.double()
    train, test = (
        _shares("train_prior", train_prior, scores),
        _shares("test_prior", test_prior, scores),
    )
    if (train == 0).any():
        absent = int((train == 0).nonzero()[0])
        raise EmolibError(
            f"prior shift: class {absent} has share 0 in train_prior; nothing was learnt of it, "
            "leave the class out"
        )
    shift = (test.log() - train.log()).to(scores.dtype)  # (C,)
    moved = torch.log_softmax(scores + shift, dim=-1)
    return moved if isinstance(log_probs, torch.Tensor) else moved.numpy()


def _shares(name: str, prior, scores: torch.Tensor) -> torch.Tensor:
    prior = torch.as_tensor(prior, dtype=torch.float64, device=scores.device)
    if prior.shape != scores.shape[-1:]:
        raise EmolibError(
            f"prior shift: {name} has shape {tuple(prior.shape)}, expected ({scores.shape[-1]},), "
            "one share per class"
        )
    if not (prior >= 0).all() or not torch.isfinite(prior).all() or prior.sum() == 0:
        raise EmolibError(
            f"prior shift: {name} is {prior.tolist()}, expected shares of at least 0 "
            "that do not all vanish"
        )
    return prior / prior.sum()
