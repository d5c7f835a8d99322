"""One run of the grid: all networks and losses of one seed, held-out share and length at once.

The frames lie on the device once; a batch is the consecutive windows of one video, a view of them.
A member has its own rate (lowered on a plateau), early stop and best epoch. Test videos are read
after every epoch, because the paper's way of choosing needs it.

"MSE" is the sum over both axes, as the printed column is (orgil2021-c30); NI = MSE / 2 + rest. So
NI is squared error at half the step, and half of the MSE is a control.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from emolib import losses, training
from emolib.data.splits import Split, grouped_folds, make_split
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models import video
from emolib.models.video_grid import Grid
from emolib.reproduction.studies.video_networks import streams
from emolib.reproduction.studies.video_networks.streams import Frames
from emolib.training.products import in_tf32

FOLDS = 10
CHUNK = 16_384  # frames that are read at once when nothing is learnt


# ---- the losses


@dataclass(frozen=True)
class Loss:
    """One way to train.

    of       (pred, target (W, L, 2), mask (W, L)) -> scalar
    judged   which of MAIN decides when to stop and which epoch to keep
    scale    of the loss;   rate  times the common rate
    """

    of: Callable[..., Tensor]
    judged: str
    scale: float = 1.0
    rate: float = 1.0


NI = "Non-Inertial"
MAIN = ("MSE", "CCC", NI)
HALF, DOUBLED = "0.5 x MSE", "Non-Inertial, doubled rate"
WITHOUT = {term: f"Non-Inertial without {term}" for term in ("distance", "speed", "direction")}


def _without(term: str) -> Loss:
    others = tuple(t for t in losses.TERMS if t != term)
    return Loss(partial(losses.non_inertial, terms=others), NI)


LOSSES = {
    "MSE": Loss(losses.mse, "MSE", scale=2.0),
    "CCC": Loss(losses.ccc_loss, "CCC"),
    NI: Loss(losses.non_inertial, NI),
    HALF: Loss(losses.mse, "MSE"),
    DOUBLED: Loss(losses.non_inertial, NI, rate=2.0),
    **{name: _without(term) for term, name in WITHOUT.items()},
}


def loss_of(name: str) -> Loss:
    """The loss called `name`; an unknown one is an error with the nearest names."""
    if name not in LOSSES:
        raise nearest(name, LOSSES, what="loss of the grid")
    return LOSSES[name]


class Together:
    """The losses of all members (one name each) at once: those with the same loss are one call."""

    def __init__(self, names: list[str], device: str = "cpu"):
        self.groups = {}
        for name in dict.fromkeys(names):
            members = np.flatnonzero(np.array(names) == name)
            self.groups[name] = torch.as_tensor(members, device=device)

    def __call__(self, pred: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        """Sum over members: pred (M, W, L, 2); target (W, L, 2) and mask (W, L) are common."""
        total = pred.new_zeros(())
        for name, members in self.groups.items():
            loss = loss_of(name)
            each = torch.func.vmap(partial(loss.of, target=target, mask=mask))(pred[members])
            total = total + loss.scale * each.sum()
        return total


# ---- who is where, and batches


def split(subject: np.ndarray, held_out: float, seed: int, folds: int = FOLDS) -> Split:
    """Videos of one repeat: whole subjects; one of `folds` parts of the others validates.

    Repeats take turns, so that all videos are tested in the end.
    """
    # (V,), the same for all repeats
    part = grouped_folds(subject, folds, np.random.default_rng([11, folds]))
    count = round(held_out * folds)
    test = np.isin(part, (count * seed + np.arange(count)) % folds)
    rest = np.flatnonzero(~test)
    folds = min(folds, len(np.unique(subject[rest])))
    validates = grouped_folds(subject[rest], folds, np.random.default_rng([12, seed])) == 0
    return make_split(subject, rest[~validates], rest[validates], np.flatnonzero(test))


def pieces(start: np.ndarray, videos: np.ndarray, length: int, batch: int) -> list[slice]:
    """Rows of every batch: a video in order, at most `batch` windows at a time.

    A single frame is left out: batch normalisation needs two.
    """
    rows = [
        slice(first, min(first + batch * length, start[v + 1]))
        for v in videos
        for first in range(start[v], start[v + 1], batch * length)
    ]
    return [r for r in rows if r.stop - r.start >= 2]


def batches(
    frames: Frames,
    chosen: Split,
    *,
    seed: int,
    length: int,
    batch: int,
    mixed: bool = False,
    redrawn: bool = False,
) -> Callable[[int], Iterator[tuple]]:
    """Function from epoch to batches (target (W, L, 2), mask (W, L), streams), videos shuffled.

    mixed     windows of all videos shuffled together, as many in a batch as a video has on average
    redrawn   training and test videos are drawn anew in each epoch: a leak the paper may have
    """

    def epoch_batches(epoch: int) -> Iterator[tuple]:
        rng = np.random.default_rng([seed, epoch])
        train = chosen.train
        if redrawn:
            train = rng.permutation(np.concatenate([train, chosen.test]))[: len(train)]
        rows = pieces(frames.start, train, length, 1 if mixed else batch)
        order = rng.permutation(len(rows))
        if not mixed:
            for k in order:
                yield frames.batch(rows[k], length)
            return
        size = max(2, min(batch, round(len(rows) / len(train))))
        # only windows of one size fit beside each other
        whole = [k for k in order if rows[k].stop - rows[k].start == length]
        if not whole:
            whole, size = order, 1
        for first in range(0, max(1, len(whole) - size + 1), size):
            some = np.r_[tuple(rows[k] for k in whole[first : first + size])]
            yield frames.batch(torch.as_tensor(some, device=frames.target.device), length)

    return epoch_batches


# ---- what is measured


def predict(net: Grid, read: dict[str, Tensor], length: int) -> Tensor:
    """Predictions in float32, (M, W, L, 2); bfloat16 inside where the frames are."""
    some = next(iter(read.values()))
    with torch.autocast(some.device.type, torch.bfloat16, enabled=some.dtype == torch.bfloat16):
        return net(read, length).float()


@torch.no_grad()
def sums(net: Grid, frames: Frames, videos: np.ndarray, length: int) -> np.ndarray:
    """Sums over the annotated frames of each video, float64 (M, V, 14): `scores` follow from them.

    Several videos are read at once: each is filled up to whole windows, and what fills counts
    nowhere (the network is in eval mode).
    """
    device = frames.target.device
    length = min(length, int(np.diff(frames.start)[videos].max()))
    rows, owner = [], []
    for place, v in enumerate(videos):
        where = frames.video(v)
        count = -(-(where.stop - where.start) // length)
        filled = where.start + np.arange(count * length)
        rows.append(np.where(filled < where.stop, filled, -1).reshape(count, length))
        owner += [place] * count
    rows = torch.as_tensor(np.concatenate(rows), device=device)  # (W, L)
    parts = []
    for some in rows.split(max(1, CHUNK // length)):
        target, mask, read = frames.batch(some.flatten().clamp(min=0), length)
        parts.append(window_sums(predict(net, read, length), target, mask & (some >= 0)))
    parts = torch.cat(parts, 1)  # (M, W, 14)
    total = parts.new_zeros(len(parts), len(videos), parts.shape[-1])
    return total.index_add_(1, torch.tensor(owner, device=device), parts).cpu().numpy()


def window_sums(x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
    """Sums over each window, (M, W, 14), of predictions x (M, W, L, 2), annotations y (W, L, 2).

    Frames, pairs of neighbours, then x, y, xx, yy, xy for valence and arousal, speed error and
    cross product.
    """
    both = mask[:, 1:] & mask[:, :-1]
    y = y.expand_as(x)
    speed = losses.speed_error(x.flatten(0, 1), y.flatten(0, 1)).view(len(x), *both.shape)
    turn = losses.cross(x.diff(dim=2), y.diff(dim=2)).abs()
    seen, x, y = mask[..., None].double(), x.double(), y.double()
    counts = [v.sum(1, keepdim=True).double().expand(len(x), -1, -1) for v in (mask, both)]
    moments = [(v * seen).sum(2) for v in (x, y, x * x, y * y, x * y)]  # (M, W, 2) each
    rest = [(v.double() * both).sum(2, keepdim=True) for v in (speed, turn)]
    return torch.cat([*counts, *moments, *rest], -1)


def scores(k: np.ndarray) -> dict[str, np.ndarray]:
    """Scores (...) from the sums (..., 14); constant annotations have CCC 0.

    MSE (sum over axes, as printed), CCC (mean of the axes), Non-Inertial, CCC by axis, and the rest
    that speed and direction add to MSE / 2.
    """
    n, pairs = k[..., 0], np.maximum(k[..., 1], 1)
    x, y, xx, yy, xy = (k[..., 2 + 2 * i : 4 + 2 * i] / n[..., None] for i in range(5))
    error = (xx - 2 * xy + yy).sum(-1)
    var_y = np.maximum(yy - y * y, 0)
    flat = var_y < 1e-12
    below = np.maximum(xx - x * x, 0) + var_y + (x - y) ** 2
    ccc = np.where(flat, 0.0, 2 * (xy - x * y) / np.where(flat, 1.0, below))
    rest = (k[..., 12] + k[..., 13]) / pairs
    return {
        "MSE": error,
        "CCC": ccc.mean(-1),
        NI: error / 2 + rest,
        "valence": ccc[..., 0],
        "arousal": ccc[..., 1],
        "rest": rest,
    }


def own_loss(k: np.ndarray, judged: list[str]) -> np.ndarray:
    """Each member's own loss, (M,), lower is better: mean over the videos of sums (M, V, 14)."""
    mean = {name: score.mean(-1) for name, score in scores(k).items()}
    mean["CCC"] = 1 - mean["CCC"]
    return np.array([mean[name][m] for m, name in enumerate(judged)])


class Judge:
    """Lowers the rate of a member that rests, stops one that rests too long, remembers each epoch.

    judged   which of MAIN decides for each member;   rates  (M,), changed in place
    """

    def __init__(self, judged: list[str], rates: Tensor, *, plateau: int, patience: int):
        self.judged, self.rates, self.plateau, self.patience = judged, rates, plateau, patience
        self.best = np.full(len(judged), np.inf)
        self.waited, self.cooled = np.zeros((2, len(judged)), int)  # epochs since the best one
        self.stopped = np.full(len(judged), -1)  # in which epoch
        self.own, self.reported, self.tests, self.curves = [], [], [], []  # one entry an epoch

    def __call__(self, validation: np.ndarray, test: np.ndarray) -> float:
        """Sums (M, V, 14) of an epoch -> a number that falls when no member is left."""
        epoch, alive = len(self.tests), self.stopped < 0
        own = own_loss(validation, self.judged)
        better = alive & (own < self.best)
        self.best[better] = own[better]
        self.waited, self.cooled = (np.where(better, 0, v + 1) for v in (self.waited, self.cooled))
        lower = alive & (self.cooled > self.plateau)
        self.rates[torch.as_tensor(lower)] *= 0.1
        self.cooled[lower] = 0
        ended = alive & (self.waited >= self.patience)
        self.stopped[ended] = epoch
        self.rates[torch.as_tensor(ended)] = 0.0
        self.curves.append(
            np.stack([own, *(scores(k)["CCC"].mean(-1) for k in (validation, test))])
        )
        self.own.append(np.where(alive, own, np.inf))
        self.reported.append(np.where(alive, own_loss(test, self.judged), np.inf))
        self.tests.append(test)
        return float(epoch) if (self.stopped < 0).any() else -np.inf

    def epochs(self) -> tuple[np.ndarray, np.ndarray]:
        """Each member's best epoch (M,) by its own loss: on validation, and on the test videos."""
        scores = (-np.nan_to_num(np.stack(v, -1), nan=np.inf) for v in (self.own, self.reported))
        return tuple(training.best_epochs(*scores).values())


# ---- a run


def grid(networks: dict, seed: int, widths: dict[str, int]) -> tuple[Grid, list[tuple[str, str]]]:
    """The networks of one seed as one, and (network, loss) of each member.

    networks   name -> {'losses', 'sizes', 'hidden', 'dropout'}
    """
    nets, members = {}, []
    for name, options in networks.items():
        options = dict(options)
        names = options.pop("losses")
        nets[name] = video.NETWORKS[name](**options, widths=widths, seeds=[seed] * len(names))
        members += [(name, loss) for loss in names]
    return Grid(nets), members


@in_tf32()
def run(
    *,
    data: str,
    networks: dict,
    held_out: float,
    length: int,
    seed: int,
    epochs: int,
    rate: float,
    plateau: int,
    patience: int,
    batch: int,
    folds: int = FOLDS,
    split_seed: int | None = None,
    mixed: bool = False,
    redrawn: bool = False,
    shown: bool = False,
) -> dict:
    """Train the networks and losses of one seed: sums of the test videos, and learning curves.

    folds        parts of the subjects, of which `held_out` is a share
    split_seed   of the held-out videos; None: each seed its own
    shown        also the predictions of one test video (the longest), at the epoch of validation

    In the result `chosen` has each member at the epoch that validation chose, `best` at the one
    that the test videos like best; `curves` (3, E, M): own loss on validation, CCC there, on test.
    """
    device = settings.device()
    frames = streams.frames(data, device)
    chosen = split(frames.subject, held_out, seed if split_seed is None else split_seed, folds)
    net, members = grid(networks, seed, frames.widths)
    net.to(device)
    names = [loss for _, loss in members]
    judged = [loss_of(name).judged for name in names]
    rates = torch.tensor([rate * loss_of(name).rate for name in names], device=device)
    loss = Together(names, device)
    judge = Judge(judged, rates, plateau=plateau, patience=patience)
    example = int(chosen.test[np.argmax(np.diff(frames.start)[chosen.test])])
    rows = frames.video(example)
    tracks = []  # (M, T, 2) of each epoch

    def validate(net: Grid, epoch: int) -> float:
        if shown:
            track = predict(net, frames.batch(rows, length)[2], length).flatten(1, 2)
            tracks.append(track[:, : rows.stop - rows.start].cpu().numpy())
        return judge(*(sums(net, frames, v, length) for v in (chosen.validation, chosen.test)))

    how = {"seed": seed, "length": length, "batch": batch, "mixed": mixed, "redrawn": redrawn}
    training.fit(
        net,
        batches(frames, chosen, **how),
        lambda net, target, mask, read: loss(predict(net, read, length), target, mask),
        training.Settings(epochs=epochs, rate=rate, optimizer="sgd", patience=1, mixed=True),
        validate=validate,
        step=net.optimizer(rates, momentum=0.9, weight_decay=5e-4),
        progress=False,
    )
    best, flattering = judge.epochs()
    tests, each = np.stack(judge.tests), np.arange(len(members))  # (E, M, V, 14)
    # does an axis stand still? (W, 2) of each video
    still = [losses.constant(*frames.batch(frames.video(v), length)[:2]) for v in chosen.test]
    result = {
        "members": [list(member) for member in members],
        "videos": chosen.test,
        "chosen": tests[best, each],
        "best": tests[flattering, each],
        "epochs": len(tests),
        "trained": np.where(judge.stopped < 0, len(tests), judge.stopped + 1),
        "curves": np.stack(judge.curves, 1),
        "constant": float(torch.cat(still).double().mean()),
    }
    if shown:
        result["example"] = example
        result["track"] = np.stack(tracks)[best, each]
        result["truth"] = frames.target[rows].cpu().numpy()
    return result
