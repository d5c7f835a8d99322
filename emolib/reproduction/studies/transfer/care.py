"""FER2013 by networks that work: the recipe of the networks that come with emolib, on its own
labels (notebook 41).

The thesis asks what faces add, and asks it of weights that may not be handed on. Here the same
network of 29 layers is trained three times: from dlib's weights, which tell 7,485 real people
apart, as a whole or behind fixed convolutions, and from nothing. EfficientNet-Lite0 from ImageNet
stands beside them.
"""

from __future__ import annotations

import copy
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.features import identity
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models import classifiers, trained
from emolib.models.face_resnet import FaceResnet
from emolib.reproduction import runs
from emolib.reproduction.studies.faces import CLASSES
from emolib.reproduction.studies.shipped import faces as shipped
from emolib.reproduction.studies.transfer.training import asked

REAL_FACES, NOTHING, IMAGENET = STARTS = ("real faces", "nothing", "ImageNet")
SMOOTHED = 0.1  # of each label is spread over all classes: a quarter of FER2013's are contested
PLATEAU, FACTOR = 1, 0.3  # with patience the rate falls to FACTOR after two epochs without gain
MEASURED = 1024  # pictures from which dlib's norms take their means and variances


def run(
    *,
    data: str,
    start: str,
    weights: str | None,
    fixed: bool,
    seed: int,
    sides: list[int],
    batch: int,
    rate: float,
    weight_decay: float,
    average: float,
    much: float,
    patience: int | None,
    bfloat16: bool,
    train: int | None,
    validation: int | None,
    test: int | None,
) -> dict:
    """Train one network on FER2013, every picture moved anew in each epoch.

    The rate climbs and falls once over all epochs; with patience it stays until nothing better
    comes, falls in steps, and the best epoch is kept: which of two networks learns more is asked
    when both are at rest.

    start     one of STARTS: what the network knows beforehand
    weights   digest of what it begins with
    fixed     only the dense layers learn
    sides     pixels of the pictures in each epoch
    much      how much pictures are changed: a share of what `shipped.faces.moved` does
    patience  epochs without a lower validation loss, after which training ends
    bfloat16  in which a processor that knows it learns twice as fast; tests are read in float32
    Returns by epoch: loss, accuracy (NaN: not read), validation (loss) and validation_accuracy on a
    tenth of the training part, of the averaged weights. Once: raw scores (N, 7) of both tests,
    public and private, averaged over mirror images; rate, parameters that learnt, best_epoch,
    settled (patience ended it, or its curve is flat), diverged, images_per_second.
    """
    faces, device = datasets.resolve(data), settings.device()
    known, held, public, private = asked(faces, train, validation, test)
    images = torch.as_tensor(faces.images, device=device)
    label = torch.as_tensor(faces.label, device=device)
    with training.seeded(seed):
        body, head = network(start, trained.face_fed(faces.images[known[:MEASURED]], sides[-1]))
    body = (Fixed(body) if fixed else body).to(device, memory_format=torch.channels_last)
    net = nn.Sequential(body, head.to(device))

    def batches(epoch: int):
        rng = torch.Generator().manual_seed(1000 * seed + epoch)
        order = known[torch.randperm(len(known), generator=rng).numpy()]
        for first in range(0, max(len(order) - batch + 1, 1), batch):
            now = order[first : first + batch]
            yield shipped.moved(images[now], sides[epoch], rng, much), label[now]

    def loss(net, x, y):
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits = net(x)
        return F.cross_entropy(logits.float(), y, label_smoothing=SMOOTHED)

    def validate(net, epoch):
        out = scores(net.eval(), faces.images[held], sides[-1], mirrored=False)
        value = float(F.cross_entropy(out, label[held].cpu()))
        right = float((out.argmax(1) == label[held].cpu()).float().mean())
        return -value, {"validation": value, "validation_accuracy": right}

    how_the_rate_falls = {"cycle": max(len(known) // batch, 1)}
    if patience is not None:
        how_the_rate_falls = {"plateau": PLATEAU, "factor": FACTOR, "patience": patience}
    how = training.Settings(
        len(sides),
        rate,
        "adamw",
        weight_decay=weight_decay,
        mixed=True,
        average=average,
        **how_the_rate_falls,
    )
    began, checkpoint = time.perf_counter(), runs.scratch()
    with training.seeded(seed):
        history = training.fit(
            net,
            batches,
            loss,
            how,
            validate=validate,
            keep_best=patience is not None,
            checkpoint=checkpoint,
            label=start,
        )
    seconds = time.perf_counter() - began
    validation = [note["validation"] for note in history.notes]
    tests = {"public": public, "private": private}
    tests = {k: scores(net.eval(), faces.images[v], sides[-1]).numpy() for k, v in tests.items()}
    return tests | {
        "rate": rate,
        "loss": np.array(history.loss),
        "accuracy": np.full(len(history.loss), np.nan),
        "validation": np.array(validation),
        "validation_accuracy": np.array([note["validation_accuracy"] for note in history.notes]),
        "best_epoch": len(history.loss) - 1 if patience is None else history.best_epoch,
        "settled": history.stopped_early or training.plateaued(validation),
        "diverged": False,
        "images_per_second": len(known) * len(history.loss) / seconds,
        "parameters": sum(p.numel() for p in (head if fixed else net).parameters()),
    }


def network(start: str, pictures: Tensor) -> tuple[nn.Module, nn.Module]:
    """(body: (B, 3, H, W) -> (B, D), dense layers: (B, D) -> raw scores (B, 7)) of a start.

    pictures   (B, 3, H, W) from which batch norms of known weights take their statistics
    """
    if start not in STARTS:
        raise nearest(start, STARTS, what="start")
    if start == IMAGENET:
        body = classifiers.efficientnet_lite0(classes=0)
        return body, nn.Linear(body.num_features, CLASSES)
    known = start == REAL_FACES
    body = identity.network().standardise(pictures) if known else FaceResnet()
    body.descriptor = nn.Identity()  # 128 numbers are for telling people apart: 256 go on
    hidden = nn.Linear(body.width, body.width)
    return body, nn.Sequential(hidden, nn.ReLU(), nn.Linear(body.width, CLASSES))


class Fixed(nn.Module):
    """A body that neither learns nor adapts its norms, whatever mode the rest is in."""

    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = copy.deepcopy(body).eval().requires_grad_(False)

    def train(self, mode: bool = True) -> Fixed:
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.body(x)


def scores(net: nn.Module, images: np.ndarray, side: int, *, mirrored: bool = True) -> Tensor:
    """Log-probabilities (N, 7) on the CPU of faces uint8 (N, 48, 48), as `shipped.faces.scores`."""
    odds = shipped.scores(net, images, side, mirrored=mirrored)
    return torch.from_numpy(odds).clamp_min(1e-8).log()
