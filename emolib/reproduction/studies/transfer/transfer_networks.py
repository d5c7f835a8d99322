"""Section 4.3 of chang2021 as two runs: faces are identified (source task), then FER2013 is classified (target task; notebook 41).

48 x 48 grey faces are enlarged and go in as three equal channels. Classes are balanced by augmented copies after the split (4.3.4),
training chooses its epoch on a tenth of the training part, and each model reads PublicTest and PrivateTest once, at its end.
"""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data.checks import content_of
from emolib.data.files import digest_of
from emolib.ground import settings
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError, nearest
from emolib.models import classifiers, vgg
from emolib.reproduction import runs
from emolib.reproduction.studies.faces import CLASSES, PARTS, Faces, enlarged, fed, part_rows
from emolib.training.augment import affine, augment, mirror

FACES, SCRATCH, LITE0 = "faces", "scratch", "lite0"
STARTS = (FACES, SCRATCH, LITE0)
WHOLE, FROZEN = "whole", "frozen"
HELD = 0.1  # of the training part decides between epochs and rates
OPERATIONS = (mirror, affine)  # the list of 4.3.4
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
    """Train a VGG-16 to name the people of a set of faces; its weights are the start of the target task.

    The set's own training part trains, its test part (other pictures of the same people) is read once. Pictures are grey, as those of
    the target task. Returns weights, loss (E,), accuracy on the test part, people and pictures seen.
    """
    faces, device = datasets.resolve(data), settings.device()
    grey = (
        faces.images if faces.images.ndim == 3 else (faces.images @ LUMA).round().astype(np.uint8)
    )
    pool, label = (
        Faces(torch.as_tensor(grey, device=device), side, side),
        torch.as_tensor(faces.label, device=device),
    )
    rows = np.flatnonzero(faces.split == "train")
    with seeded(seed):
        net = vgg.Vgg16(len(faces.classes), width=width, dropout=dropout)
    net = net.to(device, memory_format=torch.channels_last)

    def batches(epoch: int):
        rng = np.random.default_rng([seed, epoch])
        for now in _parts(rng.permutation(rows)[:draws], batch):
            x = pool.middle(now)
            yield (
                torch.where(
                    torch.as_tensor(rng.random(len(now)) < 0.5, device=device)[:, None, None, None],
                    x.flip(-1),
                    x,
                ),
                label[now],
            )

    with seeded(seed):
        history = training.fit(
            net,
            batches,
            lambda net, x, y: F.cross_entropy(net(x).float(), y),
            training.Settings(epochs, rate, mixed=True),
            checkpoint=runs.scratch(),
            label="identification",
        )
    net.eval()
    read = np.flatnonzero(faces.split == "test")
    named = said(net, pool.middle, read).argmax(1)
    return {
        "weights": {k: v.cpu().numpy() for k, v in net.state_dict().items()},
        "loss": np.array(history.loss),
        "people": len(faces.classes),
        "accuracy": float((named == faces.label[read]).mean()),
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
    anew: bool,
) -> dict:
    """Train one model on FER2013 at each of `rates`; JSON-able arguments, plain values and arrays out.

    start     faces, scratch or lite0;   way   whole, or frozen: only what follows the convolutions is trained, on features computed once
    identity  arguments of `identify` whose weights to start from;   weights   digest of real VGG-Face weights instead
    anew      every picture is transformed anew in each epoch; otherwise only the copies that balance the classes are, once (4.3.4)
    Returns one dict per rate, see `_fit`.
    """
    faces, device = datasets.resolve(data), settings.device()
    bench = Bench.of(faces, train, validation, test, side, device, anew)
    with seeded(seed):
        body, head = network(start, width, dropout, identity, weights)
    body, head = (m.to(device, memory_format=torch.channels_last) for m in (body, head))
    if way == FROZEN:
        drawn = [_drawn(bench, seed, epoch, draws) for epoch in range(epochs)]
        used = np.unique(
            np.concatenate([*drawn, bench.held, bench.public, bench.private])
        )  # the others are never asked for
        features, where = (
            said(body.eval(), bench.inputs, used, keep=True),
            np.zeros(len(bench.images), int),
        )
        where[used] = np.arange(len(used))
        inputs: Callable = lambda rows: features[where[rows]].float()  # noqa: E731
    else:
        inputs = bench.inputs
    found = []
    for rate in rates:
        model = copy.deepcopy(head if way == FROZEN else nn.Sequential(body, head))
        how = training.Settings(
            epochs, rate, mixed=True, plateau=plateau, factor=0.3, patience=patience
        )
        found.append(
            _fit(
                model,
                bench,
                inputs,
                how,
                seed=seed,
                batch=batch,
                draws=draws,
                label=f"{start}, {way}, {rate:g}",
                anew=anew and way == WHOLE,
            )
            | {"rate": rate}
        )
    return {"models": found}


@dataclass(frozen=True)
class Bench:
    """All pictures of one training: the balanced training rows first, then what validates and what is tested.

    images uint8 (P, 48, 48) on the device;   label (P,);   train, held, public, private: row numbers
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
        train: int | None,
        validation: int | None,
        test: int | None,
        side: int,
        device: str,
        anew: bool,
    ) -> Bench:
        rows, held = split(faces)
        rows, held = rows[:train], held[:validation]
        at, copied = balanced(faces.label[rows])
        pictures = torch.as_tensor(faces.images[rows[at]])
        if not anew and copied.any():
            made = torch.as_tensor(np.flatnonzero(copied))
            pictures[made] = transformed(pictures[made], torch.Generator().manual_seed(0))
        tests = [part_rows(faces, part, test) for part in PARTS[1:]]
        rest = np.concatenate([held, *tests])
        ends = np.cumsum([len(at), len(held), *map(len, tests)])
        parts = np.split(np.arange(ends[-1]), ends[:-1])
        return cls(
            torch.cat([pictures, torch.as_tensor(faces.images[rest])]).to(device),
            faces.label[np.r_[rows[at], rest]],
            *parts,
            side,
        )

    def inputs(self, rows) -> Tensor:
        """What a network sees of `rows` (B,): float32 (B, 3, side, side) in [-1, 1], channels last."""
        return fed(
            enlarged(self.images[torch.as_tensor(rows, device=self.images.device)], self.side)
        )


def split(faces: ImageSet) -> tuple[np.ndarray, np.ndarray]:
    """(rows that train, rows held back), inside the training part; pictures that are equal pixel for pixel stay on one side."""
    rows = part_rows(faces, PARTS[0])
    names, where = np.unique(content_of(faces.images[rows]), return_inverse=True)
    held = (np.random.default_rng(0).random(len(names)) < HELD)[where]
    return rows[~held], rows[held]


def balanced(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in `label` (P,) that hold every class equally often, and which of them are copies, bool (P,).

    Every row stands there once; a smaller class is filled up with copies of its rows, each used equally often to within one.
    """
    count = np.bincount(label)
    more = [
        np.resize(np.random.default_rng(k).permutation(np.flatnonzero(label == k)), count.max() - n)
        for k, n in enumerate(count)
        if n
    ]
    at = np.concatenate([np.arange(len(label)), *more])
    return at, np.arange(len(at)) >= len(label)


def transformed(images: Tensor, rng: torch.Generator) -> Tensor:
    """Mirrored and moved copies (4.3.4) of grey pictures uint8 (B, 48, 48), a thousand at a time."""
    return torch.cat([augment(part[:, None], rng, OPERATIONS)[:, 0] for part in images.split(1000)])


def network(
    start: str, width: float, dropout: float, identity: dict | None, weights: str | None
) -> tuple[nn.Module, nn.Module]:
    """(body: pictures -> features (B, D), head: features -> raw scores (B, 7)) with the weights of a start; drawn from torch's stream."""
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
            raise EmolibError(
                "VGG-Face: its weights changed while runs were under way; start again"
            )
        net.transfer(vgg.face_weights(path))
        first = [AsPublished()]
    elif identity is not None:
        (source,) = runs.map(identify, [identity], jobs=1)
        net.transfer({k: torch.as_tensor(v) for k, v in source["weights"].items()})
    return nn.Sequential(*first, net.features, net.avgpool, nn.Flatten()), net.classifier


class AsPublished(nn.Module):
    """Pictures in [-1, 1] as VGG-Face expects them: [0, 255] less the mean of its training pictures."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor(vgg.FACE_MEAN)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return 127.5 * (x + 1) - self.mean


def _fit(
    model: nn.Module,
    bench: Bench,
    inputs: Callable,
    how: training.Settings,
    *,
    seed: int,
    batch: int,
    draws: int | None,
    label: str,
    anew: bool,
) -> dict:
    """Train `model` in place. Returns, by epoch: loss and accuracy in training and on the rows held back; best_epoch; diverged;
    public, private: raw scores (N, 7) of the best epoch, zeros if it diverged; parameters that were trained; images_per_second."""
    device, true = bench.images.device, torch.as_tensor(bench.label, device=bench.images.device)
    seen = torch.zeros(2, device=device)  # right answers and pictures of this epoch
    fed_in = 0

    def batches(epoch: int):
        nonlocal fed_in
        seen.zero_()
        draw = torch.Generator().manual_seed(100_000 * seed + epoch)
        for now in _parts(_drawn(bench, seed, epoch, draws), batch):
            fed_in += len(now)
            at = torch.as_tensor(now, device=device)
            x = (
                fed(
                    enlarged(augment(bench.images[at][:, None], draw, OPERATIONS)[:, 0], bench.side)
                )
                if anew
                else inputs(now)
            )
            yield x, true[at]

    def loss(net, x, y):
        out = net(x).float()
        seen.add_(
            torch.stack([(out.detach().argmax(1) == y).sum(), torch.tensor(len(y), device=device)])
        )
        return F.cross_entropy(out, y)

    def validate(net, epoch):
        out, y = torch.as_tensor(said(net, inputs, bench.held)), true[bench.held].cpu()
        right, count = seen.tolist()
        worth = float(F.cross_entropy(out, y))
        return -worth, {
            "validation": worth,
            "validation_accuracy": float((out.argmax(1) == y).float().mean()),
            "accuracy": right / count,
        }

    began, diverged = time.perf_counter(), False
    try:
        with seeded(seed):
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
    tests = {
        name: np.zeros((len(rows), CLASSES), np.float32) if diverged else said(model, inputs, rows)
        for name, rows in (("public", bench.public), ("private", bench.private))
    }
    curves = {
        name: np.array([note[name] for note in history.notes])
        for name in ("validation", "validation_accuracy", "accuracy")
    }
    return (
        tests
        | curves
        | {
            "loss": np.array(history.loss),
            "best_epoch": history.best_epoch,
            "diverged": diverged,
            "images_per_second": fed_in / seconds,
            "parameters": sum(p.numel() for p in model.parameters()),
        }
    )


def _drawn(bench: Bench, seed: int, epoch: int, draws: int | None) -> np.ndarray:
    """Training rows of one epoch, in their order."""
    return np.random.default_rng([seed, epoch]).permutation(bench.train)[:draws]


@contextlib.contextmanager
def seeded(seed: int):
    """Weights and dropout drawn inside come from `seed`; torch's own stream goes on afterwards as if nothing had been drawn."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _parts(rows: np.ndarray, batch: int) -> list[np.ndarray]:
    """`rows` in whole batches; what is left over is dropped, unless there is nothing else."""
    return [rows[k : k + batch] for k in range(0, max(len(rows) - batch + 1, 1), batch)]


@torch.no_grad()
def said(
    net: nn.Module, inputs: Callable, rows: np.ndarray, *, keep: bool = False, batch: int = 256
):
    """What `net` says of `rows`, float32 (N, D); as a tensor on its device if it is to be kept (half precision on a GPU)."""
    device = next(net.parameters()).device.type
    mixed = torch.autocast(device, torch.bfloat16) if device == "cuda" else contextlib.nullcontext()
    with mixed:
        found = [net(inputs(rows[k : k + batch])) for k in range(0, len(rows), batch)]
    return torch.cat(found) if keep else torch.cat(found).float().cpu().numpy()
