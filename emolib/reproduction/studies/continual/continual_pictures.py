"""The run behind Figures 3.6, 3.7 and 4.13 to 4.15 of orgil2022: heads of 100 classes and what the transforms make of them (notebook 14)."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor, nn

from emolib import continual, training
from emolib import data as datasets
from emolib.ground import settings
from emolib.models import classifiers
from emolib.models.members import Linear, initialise
from emolib.reproduction.studies.continual.continual_bodies import (
    first_of_each,
    in_parts,
    small_grey,
    train_body,
)
from emolib.reproduction.studies.continual.continual_heads import as_head, shuffled, stacked_loss

TRANSFORMS = (
    "all at once",
    "task by task",
    "pruned as written",
    "pruned the other way",
    "CLAHE",
    "CLAHE, task by task",
)


def pictures_run(
    *,
    data: str,
    body: str,
    seeds: list[int],
    train: int,
    test: int,
    size: int,
    rates: list[float],
    epochs: int,
    body_epochs: int,
    task: int,
) -> dict:
    """Heads for all classes at once and task by task on a frozen body, and what the transforms make of them, for each rate.

    named (R, V, S, N) int16: answers on the test images, V in the order of TRANSFORMS; truth (N,); weight (V, C, F) of the first
    rate and seed; distance (R, V, S): cosine distance to the task-by-task weights; span (R, S, T) of each task's weights; clips
    (R, S): does the limit of 100 act; first (3, task, F): weights of task 1 trained, pruned and equalised; settled (R,).
    """
    table = datasets.resolve(data)
    rows, tests = first_of_each(table, "train", train), first_of_each(table, "test", test)
    images = table.images[np.concatenate([rows.ravel(), tests.ravel()])]
    classes = len(rows)
    if body == "imagenet":
        features = _imagenet_features(images, size)
    else:
        grey = small_grey(images)
        net, _ = train_body(
            grey[: rows.size],
            torch.arange(classes).repeat_interleave(rows.shape[1]),
            classes,
            body_epochs,
            0,
        )
        features = in_parts(net.features, grey)
    known, unseen = features[: rows.size], features[rows.size :]
    each = [
        _transformed(known, unseen, classes, rows.shape[1], seeds, rate, epochs, task)
        for rate in rates
    ]
    return {
        "truth": np.repeat(np.arange(classes), tests.shape[1]).astype(np.int16),
        "body": body,
        "weight": each[0]["weight"],
        "first": each[0]["first"],
        **{
            k: np.stack([e[k] for e in each])
            for k in ("named", "distance", "span", "clips", "settled", "curve")
        },
    }


def _transformed(
    known: Tensor,
    unseen: Tensor,
    classes: int,
    each: int,
    seeds: list[int],
    rate: float,
    epochs: int,
    task: int,
) -> dict:
    """Train both kinds of head at one rate and transform them: the parts of pictures_run's result without its first axis."""
    rows = np.arange(len(known))
    whole, curve = _heads(known, rows[None], each, seeds, rate, epochs)
    parts, _ = _heads(known, rows.reshape(classes // task, -1), each, seeds, rate, epochs)
    joined = _side_by_side(parts)  # (S, C, F), (S, C)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", continual.NothingPruned)  # `span` says it
        pruned = [
            _side_by_side(continual.prune_histogram(*parts, reading=r))
            for r in ("as_written", "other")
        ]
    equal = continual.clahe_weights(*joined), _side_by_side(continual.clahe_weights(*parts))
    heads = [_side_by_side(whole), joined, *pruned, *equal]
    named = [
        (torch.einsum("nf,scf->snc", unseen, w) + b[:, None]).argmax(-1).cpu().numpy()
        for w, b in heads
    ]
    first = torch.stack([w[0, :task] for w in (joined[0], pruned[0][0], equal[1][0])])
    return {
        "named": np.array(named, np.int16),
        "weight": torch.stack([w[0] for w, _ in heads]).cpu().numpy(),
        "first": first.cpu().numpy(),
        "distance": np.array(
            [continual.cosine_distance(joined[0], w).cpu().numpy() for w, _ in heads]
        ),
        "span": (parts[0].amax((-2, -1)) - parts[0].amin((-2, -1))).cpu().numpy(),
        "clips": continual.clahe_clips(joined[0]).cpu().numpy(),
        "curve": np.array(curve),
        "settled": np.array(training.plateaued(curve)),
    }


def _side_by_side(heads: continual.Head) -> continual.Head:
    """(S, T, C, F), (S, T, C) -> (S, T C, F), (S, T C): plain concatenation of all tasks."""
    return heads[0].flatten(1, 2), heads[1].flatten(1, 2)


def _imagenet_features(images: np.ndarray, size: int) -> Tensor:
    """Pooled features (N, 1280) of EfficientNet-Lite0 with ImageNet weights, images enlarged to `size` pixels."""
    net = (
        classifiers.efficientnet_lite0()
        .eval()
        .to(settings.device(), memory_format=torch.channels_last)
    )

    def forward(x):
        return net(
            nn.functional.interpolate(
                x / 127.5 - 1, size=(size, size), mode="bicubic", align_corners=False
            )
        )

    return in_parts(forward, torch.from_numpy(images).permute(0, 3, 1, 2).float(), 100)


def _heads(
    features: Tensor, rows: np.ndarray, each: int, seeds: list[int], rate: float, epochs: int
) -> tuple[continual.Head, list[float]]:
    """Linear heads on parts of the data: rows (T, n), `each` per class -> weight (S, T, C, F), bias (S, T, C).

    Every eighth row of a class is held out: the second result is the loss there after each epoch.
    """
    tasks, classes = len(rows), rows.shape[1] // each
    net = initialise(
        Linear(len(seeds) * tasks, features.shape[-1], classes),
        [1000 * s + t for s in seeds for t in range(tasks)],
    )
    net = net.to(features.device)
    label = torch.arange(classes, device=features.device).repeat_interleave(each)
    held = np.tile(np.arange(each) % 8 == min(7, each - 1), classes)
    places, unseen = np.flatnonzero(~held), np.flatnonzero(held)
    batch, loss = min(200, max(1, len(places) // 2)), stacked_loss()

    def taken(place):  # (S * T, n)
        at = torch.as_tensor(
            np.take_along_axis(np.tile(rows, (len(seeds), 1)), place, 1), device=features.device
        )
        y = label[torch.as_tensor(place, device=features.device)]
        return features[at], y, torch.ones_like(y, dtype=torch.float32)

    def batches(epoch):
        order = shuffled(np.tile(places, (len(net.weight), 1)), [7, epoch])
        yield from (
            taken(order[:, s * batch : (s + 1) * batch]) for s in range(len(places) // batch)
        )

    kept = taken(np.tile(unseen, (len(net.weight), 1)))
    history = training.fit(
        net,
        batches,
        loss,
        training.Settings(epochs, rate),
        progress=False,
        validate=lambda net, _: -float(loss(net, *kept)) / len(net.weight),
    )
    return tuple(v.unflatten(0, (len(seeds), tasks)) for v in as_head(net)), [
        -score for _, score in history.validated
    ]
