"""One classifier of orgil2022, Table 4.1, trained on FERPlus and read once on the test part.

48 x 48 grey faces are enlarged, a random window is cut out, and three equal channels go in (4.1).
Rows are drawn so that every class comes up equally often (2.1.1). PublicTest chooses the epoch,
PrivateTest is scored once, at the end.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data import votes
from emolib.data.sampler import balanced_sampler
from emolib.ground import settings
from emolib.ground.containers import ImageSet
from emolib.ground.errors import nearest
from emolib.models import classifiers, trained
from emolib.reproduction import runs
from emolib.reproduction.studies.faces import CLASSES, Faces, part_rows, scores

TARGETS = ("majority", "votes")


def target(faces: ImageSet, kind: str) -> np.ndarray:
    """What the networks learn, (N, 7) float32: one-hot majority, or the shares of the ten votes."""
    if kind not in TARGETS:
        raise nearest(kind, TARGETS, what="target")
    if kind == "majority":
        return np.eye(CLASSES, dtype=np.float32)[faces.label]
    return votes.probabilities(faces.meta[list(votes.VOTES)].to_numpy(), CLASSES).astype(np.float32)


def epoch_rows(
    label: np.ndarray, seed: int, epoch: int, draws: int | None, balanced: bool = True
) -> np.ndarray:
    """Positions in `label` drawn in one epoch, with replacement, every class equally likely.

    Or, not `balanced`, each at most once, so that classes keep their natural shares. The same again
    when training is resumed.
    """
    if not balanced:
        return np.random.default_rng([seed, epoch, 1]).permutation(len(label))[:draws]
    sampler = balanced_sampler(label, seed=100_000 * seed + epoch, num_samples=draws)
    return np.fromiter(sampler, np.int64)


def run(
    *,
    network: str,
    seed: int,
    data: str,
    narrow: bool,
    pretrained: str,
    target_kind: str,
    clean: bool,
    train: int | None,
    validation: int | None,
    test: int | None,
    side: int,
    crop: int,
    batch: int,
    draws: int | None,
    epochs: int,
    rate: float,
    plateau: int,
    patience: int,
    one_cycle: bool = False,
    balanced: bool = True,
    keep_weights: bool = False,
) -> dict:
    """Train one network.

    balanced    every class comes up equally often, as printed; else in its natural share
    one_cycle   the rate climbs and falls once in place of the plateau rule; all epochs are run

    Returns loss of training and validation (E,) by epoch, best_epoch, scores (2, N, 7): raw scores
    on the test part for the picture and its mirror image, parameters, images_per_second of training
    (validation included), and the weights if asked for.
    """
    faces, device = datasets.resolve(data), settings.device()
    pool = Faces(torch.as_tensor(faces.images, device=device), side, crop)
    rows = part_rows(faces, "Training", train, clean=clean)
    seen, read = part_rows(faces, "PublicTest", validation), part_rows(faces, "PrivateTest", test)
    label = torch.as_tensor(faces.label[seen])
    aim = torch.as_tensor(target(faces, target_kind), device=device)
    with training.seeded(seed):
        net = classifiers.build(network, classes=CLASSES, pretrained=pretrained, narrow=narrow)
    net = net.to(device, memory_format=torch.channels_last)

    fed = 0

    def batches(epoch: int):
        nonlocal fed
        order = rows[epoch_rows(faces.label[rows], seed, epoch, draws, balanced)]
        start = np.random.default_rng([seed, epoch]).integers(0, side - crop + 1, (2, len(order)))
        for first in range(0, len(order) - batch + 1, batch):
            now, fed = slice(first, first + batch), fed + batch
            yield pool.windows(order[now], start[0, now], start[1, now]), aim[order[now]]

    def loss(net, x, y):
        return F.cross_entropy(net(x).float(), y)

    def validate(net, epoch):
        return -float(F.cross_entropy(torch.as_tensor(scores(net, pool, seen)), label))

    how = training.Settings(
        epochs,
        rate,
        "adamw",
        weight_decay=1e-4,
        plateau=None if one_cycle else plateau,
        factor=0.3,
        patience=None if one_cycle else patience,
        mixed=True,
        cycle=(draws or len(rows)) // batch if one_cycle else None,
        rise=0.3,
    )
    began = time.perf_counter()
    history = training.fit(
        net,
        batches,
        loss,
        how,
        validate=validate,
        keep_best=True,
        checkpoint=runs.scratch(),
        label=network,
    )
    seconds = time.perf_counter() - began
    net.eval()
    result = {
        "loss": np.array(history.loss),
        "validation": np.array([-v for _, v in history.validated]),
        "best_epoch": history.best_epoch,
        "parameters": sum(p.numel() for p in net.parameters()),
        "scores": np.stack([scores(net, pool, read), scores(net, pool, read, mirror=True)]),
        "images_per_second": fed / seconds,
    }
    if keep_weights:
        result["weights"] = {k: v.cpu().numpy() for k, v in net.state_dict().items()}
    return result


def shipped(*, data: str, test: int | None, weights: str) -> dict:
    """probabilities (N, 7) of the test part by the network on faces that comes with emolib.

    weights   digest of its file, which names the run
    """
    faces = datasets.resolve(data)
    pictures = faces.images[part_rows(faces, "PrivateTest", test)]
    logits = trained.load("faces").logits(trained.face_fed(pictures))
    return {"probabilities": np.exp(logits)}
