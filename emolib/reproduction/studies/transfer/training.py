"""Section 4.3 of chang2021 as two runs: faces are identified (source task), then FER2013 is
classified (target task; notebook 41).

48 x 48 grey faces are enlarged and go in as three equal channels. Classes are balanced by augmented
copies after the split (4.3.4), training chooses its epoch on a tenth of the training part, and each
model reads PublicTest and PrivateTest once, at its end.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data.checks import content_of
from emolib.data.files import digest_of
from emolib.features import identity as dlib_identity
from emolib.features.backbone import Backbone
from emolib.ground import settings
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError, nearest
from emolib.models import classifiers, vgg
from emolib.reproduction import runs
from emolib.reproduction.studies.faces import (
    CLASSES,
    PARTS,
    Faces,
    enlarged,
    fed,
    outputs,
    part_rows,
)
from emolib.training.augment import affine, augment, mirror

FACES = "faces"
SCRATCH = "scratch"
LITE0 = "lite0"
STARTS = (FACES, SCRATCH, LITE0)
WHOLE, FROZEN = "whole", "frozen"
HELD = 0.1  # of the training part decides between epochs and rates
# What is looked through without training it: a network that knows people, one that knows objects,
# and the same one before it has learnt anything.
PEOPLE, OBJECTS, NOTHING = NETWORKS = ("people", "objects", "nothing")
BACKBONES = {OBJECTS: "efficientnet_lite0", NOTHING: "efficientnet_lite0-random"}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


# ---------------------------------------------------------------- the source task


def identify(
    *,
    data: str,
    seed: int,
    width: float,
    dropout: float,
    side: int,
    batch: int,
    draws: int | None,
    epochs: int,
    rate: float,
) -> dict:
    """Train a VGG-16 to name the people of a set of faces, in grey as those of the target task.

    The set's training part trains, its test part (other pictures of the same people) is read once.
    Returns weights, loss (E,), accuracy on the test part, people and pictures seen.
    """
    faces, device = datasets.resolve(data), settings.device()
    grey = faces.images
    if grey.ndim == 4:
        grey = (grey @ LUMA).round().astype(np.uint8)
    pool = Faces(torch.as_tensor(grey, device=device), side, side)
    label = torch.as_tensor(faces.label, device=device)
    rows = np.flatnonzero(faces.split == "train")
    with training.seeded(seed):
        net = vgg.Vgg16(len(faces.classes), width=width, dropout=dropout)
    net = net.to(device, memory_format=torch.channels_last)

    def batches(epoch: int):
        rng = np.random.default_rng([seed, epoch])
        for now in _batches(rng.permutation(rows)[:draws], batch):
            x = pool.middle(now)  # (B, 3, side, side)
            mirrored = torch.as_tensor(rng.random(len(now)) < 0.5, device=device)
            yield torch.where(mirrored[:, None, None, None], x.flip(-1), x), label[now]

    with training.seeded(seed):
        history = training.fit(
            net,
            batches,
            lambda net, x, y: F.cross_entropy(net(x).float(), y),
            training.Settings(epochs, rate, mixed=True),
            checkpoint=runs.scratch(),
            label="identification",
        )
    read = np.flatnonzero(faces.split == "test")
    named = outputs(net.eval(), pool.middle, read).argmax(1)
    return {
        "weights": {k: v.cpu().numpy() for k, v in net.state_dict().items()},
        "loss": np.array(history.loss),
        "people": len(faces.classes),
        "accuracy": float((named == label[read]).double().mean()),
        "pictures": len(rows),
    }


# ---------------------------------------------------------------- the target task


def transfer(
    *,
    data: str,
    start: str,
    way: str,
    rates: list[float],
    seed: int,
    identity: dict | None,
    weights: str | None,
    width: float,
    dropout: float,
    train: int | None,
    validation: int | None,
    test: int | None,
    side: int,
    batch: int,
    draws: int | None,
    epochs: int,
    plateau: int,
    patience: int,
) -> dict:
    """Train one model on FER2013 at each of `rates`: {"models": one dict per rate, see `_fit`}.

    start     faces, scratch or lite0
    way       whole, or frozen: only what follows the convolutions is trained, on features made once
    identity  arguments of `identify` whose weights to start from
    weights   digest of real VGG-Face weights instead
    """
    faces, device = datasets.resolve(data), settings.device()
    bench = Bench.of(faces, (train, validation, test), side, device)
    with training.seeded(seed):
        body, head = network(start, width, dropout, identity, weights)
    body, head = (m.to(device, memory_format=torch.channels_last) for m in (body, head))
    streams = [np.random.default_rng([seed, epoch]) for epoch in range(epochs)]
    order = [rng.permutation(bench.train)[:draws] for rng in streams]
    inputs, net = bench.inputs, nn.Sequential(body, head)
    if way == FROZEN:
        asked = np.concatenate([*order, bench.held, bench.public, bench.private])
        inputs, net = _computed_once(body, bench, asked), head
    models = []
    for rate in rates:
        how = training.Settings(
            epochs, rate, mixed=True, plateau=plateau, factor=0.3, patience=patience
        )
        model = copy.deepcopy(net)
        label = f"{start}, {way}, {rate:g}"
        models.append(_fit(model, bench, inputs, how, order, seed, batch, label))
    return {"models": models}


@dataclass(frozen=True)
class Bench:
    """All pictures of one training: the balanced training rows, then what validates and is tested.

    images uint8 (P, 48, 48) on the device;   label (P,)
    train, held, public, private: row numbers;   side: pixels they are enlarged to
    """

    images: Tensor
    label: np.ndarray
    train: np.ndarray
    held: np.ndarray
    public: np.ndarray
    private: np.ndarray
    side: int

    @classmethod
    def of(
        cls,
        faces: ImageSet,
        limits: tuple[int | None, int | None, int | None],
        side: int,
        device: str,
    ) -> Bench:
        """`limits`: rows to train, validate and test with at most. Copies are moved (4.3.4)."""
        train, validation, test = limits
        rows, held = split(faces)
        rows, held = rows[:train], held[:validation]
        at, copied = balanced(faces.label[rows])
        pictures = torch.as_tensor(faces.images[rows[at]])
        if copied.any():
            made = torch.as_tensor(np.flatnonzero(copied))
            pictures[made] = transformed(pictures[made], Generator().manual_seed(0))
        tests = [part_rows(faces, part, test) for part in PARTS[1:]]
        rest = np.concatenate([held, *tests])
        ends = np.cumsum([len(at), len(held), *map(len, tests)])
        parts = np.split(np.arange(ends[-1]), ends[:-1])
        images = torch.cat([pictures, torch.as_tensor(faces.images[rest])])
        return cls(images.to(device), faces.label[np.r_[rows[at], rest]], *parts, side)

    def inputs(self, rows) -> Tensor:
        """What a network sees of `rows` (B,), as `fed`: (B, 3, side, side)."""
        images = self.images[torch.as_tensor(rows, device=self.images.device)]
        return fed(enlarged(images, self.side))


def split(faces: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """(rows that train, rows held back) of the training part; equal pictures stay on one side."""
    rows = part_rows(faces, PARTS[0])
    names, where = np.unique(content_of(faces.images[rows]), return_inverse=True)
    held = (np.random.default_rng(0).random(len(names)) < HELD)[where]
    return rows[~held], rows[held]


def balanced(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in `label` that hold every class equally often (P,), and which are copies (P,).

    Every row stands there once; a smaller class is filled up with copies of its rows, each used
    equally often to within one.
    """
    count = np.bincount(label)
    at = [np.arange(len(label))]
    for k in np.flatnonzero(count):
        rows = np.random.default_rng(k).permutation(np.flatnonzero(label == k))
        at.append(np.resize(rows, count.max() - count[k]))
    at = np.concatenate(at)
    return at, np.arange(len(at)) >= len(label)


def transformed(images: Tensor, rng: Generator) -> Tensor:
    """Mirrored and moved copies (4.3.4) of grey pictures uint8 (B, 48, 48)."""
    parts = images[:, None].split(1000)  # for memory
    return torch.cat([augment(part, rng, (mirror, affine)) for part in parts])[:, 0]


def network(
    start: str, width: float, dropout: float, identity: dict | None, weights: str | None
) -> tuple[nn.Module, nn.Module]:
    """(body: pictures -> features (B, D), head: features -> raw scores (B, 7)) of a start."""
    if start not in STARTS:
        raise nearest(start, STARTS, what="start")
    if start == LITE0:
        body = classifiers.efficientnet_lite0(classes=0)
        return body, nn.Linear(body.num_features, CLASSES)
    net = vgg.Vgg16(CLASSES, width=width, dropout=dropout)
    first: list[nn.Module] = []
    if weights is not None:
        path = vgg.face_file()
        if path is None or digest_of(path) != weights:
            raise EmolibError("VGG-Face: its weights changed during the runs; start again")
        net.transfer(vgg.face_weights(path))
        first = [AsPublished()]
    elif identity is not None:
        (source,) = runs.map(identify, [identity], jobs=1)
        net.transfer({k: torch.as_tensor(v) for k, v in source["weights"].items()})
    return nn.Sequential(*first, net.features, net.avgpool, nn.Flatten()), net.classifier


class AsPublished(nn.Module):
    """Pictures in [-1, 1] as VGG-Face expects them: [0, 255] less the mean of its own pictures."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(vgg.FACE_MEAN)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return 127.5 * (x + 1) - self.mean


def _computed_once(body: nn.Module, bench: Bench, rows: np.ndarray) -> Callable:
    """Like `bench.inputs`, but the features (B, D) that `body` makes of them; only of `rows`."""
    rows = np.unique(rows)
    features = outputs(body.eval(), bench.inputs, rows)
    place = np.zeros(len(bench.images), int)
    place[rows] = np.arange(len(rows))
    return lambda rows: features[place[rows]].float()


def _fit(
    model: nn.Module,
    bench: Bench,
    inputs: Callable,
    how: training.Settings,
    order: list[np.ndarray],
    seed: int,
    batch: int,
    label: str,
) -> dict:
    """Train `model` in place on the training rows of each epoch (`order`).

    Returns, by epoch: loss, accuracy, validation (its loss), validation_accuracy. Once: rate,
    best_epoch, diverged, parameters that were trained, images_per_second, and the raw scores (N, 7)
    of the best epoch on the tests, public and private: zeros if training diverged.
    """
    device = bench.images.device
    true = torch.as_tensor(bench.label, device=device)
    right = torch.zeros(2, device=device)  # right answers and pictures of this epoch
    fed_in = 0

    def batches(epoch: int):
        nonlocal fed_in
        right.zero_()
        for now in _batches(order[epoch], batch):
            fed_in += len(now)
            yield inputs(now), true[now]

    def loss(net, x, y):
        scores = net(x).float()
        hits = (scores.detach().argmax(1) == y).sum()
        right.add_(torch.stack([hits, torch.tensor(len(y), device=device)]))
        return F.cross_entropy(scores, y)

    def validate(net, epoch):
        scores, y = outputs(net, inputs, bench.held).float().cpu(), true[bench.held].cpu()
        hits, count = right.tolist()
        value = float(F.cross_entropy(scores, y))
        return -value, {
            "validation": value,
            "validation_accuracy": float((scores.argmax(1) == y).float().mean()),
            "accuracy": hits / count,
        }

    began, diverged = time.perf_counter(), False
    try:
        with training.seeded(seed):
            history = training.fit(
                model,
                batches,
                loss,
                how,
                validate=validate,
                keep_best=True,
                checkpoint=runs.scratch(f"{how.rate:g}"),
                label=label,
            )
    except training.Diverged as error:
        history, diverged = error.history, True
    seconds = time.perf_counter() - began
    model.eval()
    result = {}
    for name, rows in (("public", bench.public), ("private", bench.private)):
        result[name] = np.zeros((len(rows), CLASSES), np.float32)
        if not diverged:
            result[name] = outputs(model, inputs, rows).float().cpu().numpy()
    for name in ("validation", "validation_accuracy", "accuracy"):
        result[name] = np.array([note[name] for note in history.notes])
    return result | {
        "rate": how.rate,
        "loss": np.array(history.loss),
        "best_epoch": history.best_epoch,
        "diverged": diverged,
        "images_per_second": fed_in / seconds,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


# ---------------------------------------------------------------- frozen networks of others


def known_weights(network: str) -> str | None:
    """What names the weights of one of NETWORKS; None where they are not installed."""
    if network == PEOPLE:
        return dlib_identity.weights()
    if network == OBJECTS:
        return digest_of(classifiers.lite0_file()) if classifiers.lite0_at_hand() else None
    return "seed 0"


def asked(
    faces: ImageSet, train: int | None, validation: int | None, test: int | None
) -> list[np.ndarray]:
    """Rows that train, that validate, of PublicTest and of PrivateTest, so many of each at most."""
    known, held = split(faces)
    tests = [part_rows(faces, part, test) for part in PARTS[1:]]
    return [known[:train], held[:validation], *tests]


def seen(
    *,
    data: str,
    network: str,
    weights: str,
    train: int | None,
    validation: int | None,
    test: int | None,
    first: int,
    last: int,
) -> dict:
    """Features float32 (last - first, D) of the rows `first` to `last` of all that are asked."""
    faces = datasets.resolve(data)
    images = faces.images[np.concatenate(asked(faces, train, validation, test))[first:last]]
    if network == PEOPLE:
        return {"features": dlib_identity.describe(images)}
    return {"features": Backbone(BACKBONES[network]).features(images)}


def _batches(rows: np.ndarray, batch: int) -> list[np.ndarray]:
    """`rows` in whole batches; what is left over is dropped, unless there is nothing else."""
    return [rows[k : k + batch] for k in range(0, max(len(rows) - batch + 1, 1), batch)]
