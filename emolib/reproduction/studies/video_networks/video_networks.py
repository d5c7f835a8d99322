"""One run of the grid: all networks and losses of one seed, one held-out share and one length, trained together (notebook 11).

The frames lie on the device once; a batch is the consecutive windows of one video, a view of them. A member has its own rate
(lowered on a plateau), its own early stop and its own best epoch. Test videos are read after every epoch, because the paper's way
of choosing needs it: `chosen` has each member at the epoch that validation chose, `best` at the one that the test videos chose.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from emolib import training
from emolib.data.splits import Split, grouped_folds, make_split
from emolib.ground import settings
from emolib.losses import constant, cross, speed_error
from emolib.models import video
from emolib.models.members import parameter_count
from emolib.models.video_grid import Grid, windows
from emolib.reproduction.studies.video_networks import video_data, video_losses
from emolib.reproduction.studies.video_networks.video_data import Frames

FOLDS = 10
CHUNK = 16_384  # frames that are read at once when nothing is learnt


# ---------------------------------------------------------------- who is where


def split(subject: np.ndarray, held_out: float, seed: int) -> Split:
    """Videos of one repeat: whole subjects; a tenth of the others decides. Repeats take turns, so that all videos are tested in the end."""
    part = grouped_folds(
        subject, FOLDS, np.random.default_rng([11, FOLDS])
    )  # (V,), the same for all repeats
    count = round(held_out * FOLDS)
    test = np.isin(part, (count * seed + np.arange(count)) % FOLDS)
    rest = np.flatnonzero(~test)
    folds = min(FOLDS, len(np.unique(subject[rest])))
    decides = grouped_folds(subject[rest], folds, np.random.default_rng([12, seed])) == 0
    return make_split(subject, rest[~decides], rest[decides], np.flatnonzero(test))


def cut(target: Tensor, seen: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Windows of a track: target (W, L, 2), mask (W, L); a track shorter than a window is a window of its own length."""
    length = min(length, len(target))
    return windows(target, length), windows(seen[:, None].to(target.dtype), length)[..., 0] > 0


# ---------------------------------------------------------------- batches


def pieces(
    start: np.ndarray, videos: np.ndarray, length: int, batch: int, least: int = 2
) -> list[slice]:
    """Rows of every batch: a video in order, at most `batch` windows at a time. Batch normalisation needs `least` frames: shorter ones are left out."""
    rows = [
        slice(a, min(a + batch * length, start[v + 1]))
        for v in videos
        for a in range(start[v], start[v + 1], batch * length)
    ]
    return [r for r in rows if r.stop - r.start >= least]


def batches(
    held: Frames,
    chosen: Split,
    *,
    seed: int,
    length: int,
    batch: int,
    mixed: bool = False,
    redrawn: bool = False,
):
    """A function from epoch to batches (target (W, L, 2), mask (W, L), streams) for training.fit: videos shuffled in each epoch.

    mixed     windows of all videos shuffled together, as many in a batch as a video has on average
    redrawn   training and held-out videos are drawn anew in each epoch, as one reading of the paper has it: a leak
    """

    def epoch_batches(epoch: int) -> Iterator[tuple]:
        rng = np.random.default_rng([seed, epoch])
        train = (
            rng.permutation(np.concatenate([chosen.train, chosen.test]))[: len(chosen.train)]
            if redrawn
            else chosen.train
        )
        rows = pieces(held.start, train, length, 1 if mixed else batch)
        order = rng.permutation(len(rows))
        if not mixed:
            for k in order:
                target, seen, streams = held.of(rows[k])
                yield *cut(target, seen, length), streams
            return
        size = max(2, min(batch, round(len(rows) / len(train))))
        whole = [
            k for k in order if rows[k].stop - rows[k].start == length
        ]  # windows of one size fit beside each other
        if not whole:
            whole, size = order, 1
        for at in range(0, max(1, len(whole) - size + 1), size):
            some = [held.of(rows[k]) for k in whole[at : at + size]]
            yield (
                *cut(torch.cat([s[0] for s in some]), torch.cat([s[1] for s in some]), length),
                {name: torch.cat([s[2][name] for s in some]) for name in held.streams},
            )

    return epoch_batches


# ---------------------------------------------------------------- what is measured


@torch.no_grad()
def sums(net: Grid, held: Frames, videos: np.ndarray, length: int) -> np.ndarray:
    """Sums over the annotated frames of each video, float64 (M, V, K); all scores follow from them (`scores`).

    K: frames, pairs of neighbours inside a window, then x, y, xx, yy, xy for valence and arousal, speed error and cross product.
    Several videos are read at once: each is filled up to whole windows, and what fills counts nowhere (the network is in eval mode).
    """
    length = min(length, int(np.diff(held.start)[videos].max()))
    rows, of, out = [], [], None
    for place, v in enumerate(videos):
        where = held.video(v)
        padded = -(-(where.stop - where.start) // length) * length
        rows.append(
            np.where(
                np.arange(padded) < where.stop - where.start, where.start + np.arange(padded), -1
            )
        )
        of += [place] * (padded // length)
    rows, of, size = (
        np.concatenate(rows),
        torch.tensor(of, device=held.target.device),
        max(1, CHUNK // length),
    )
    for at in range(0, len(of), size):
        some = torch.as_tensor(rows[at * length : (at + size) * length], device=held.target.device)
        target, seen, streams = held.of(some.clamp(min=0))
        y, mask = cut(target, seen & (some >= 0), length)
        part = _sums(said(net, streams, length), y, mask)  # (M, W, K)
        out = part.new_zeros(len(part), len(videos), part.shape[-1]) if out is None else out
        out.index_add_(1, of[at : at + size], part)
    return out.cpu().numpy()


def said(net: Grid, streams: dict[str, Tensor], length: int) -> Tensor:
    """Predictions in float32, (M, W, L, 2); bfloat16 inside where the frames are."""
    some = next(iter(streams.values()))
    with torch.autocast(some.device.type, torch.bfloat16, enabled=some.dtype == torch.bfloat16):
        return net(streams, length).float()


def _sums(x: Tensor, y: Tensor, mask: Tensor) -> Tensor:
    """(M, W, K) of predictions x (M, W, L, 2) and annotations y (W, L, 2), mask (W, L)."""
    both, count = mask[:, 1:] & mask[:, :-1], len(x)
    y = y.expand_as(x)
    speed, turn = (
        speed_error(x.flatten(0, 1), y.flatten(0, 1)).view(count, *both.shape),
        cross(x.diff(dim=2), y.diff(dim=2)).abs(),
    )
    seen, x, y = mask[..., None].double(), x.double(), y.double()
    sizes = [
        v.sum(1, keepdim=True).double().expand(count, -1, -1) for v in (mask, both)
    ]  # (M, W, 1) each
    columns = [(v * seen).sum(2) for v in (x, y, x * x, y * y, x * y)]  # (M, W, 2) each
    rest = [(v.double() * both).sum(2, keepdim=True) for v in (speed, turn)]
    return torch.cat([*sizes, *columns, *rest], -1)


def constant_share(held: Frames, videos: np.ndarray, length: int) -> float:
    """Share of (window, axis) pairs of these videos whose annotation stands still."""
    still = [constant(*cut(*held.of(held.video(v))[:2], length)) for v in videos]  # (W, 2) each
    return float(torch.cat(still).double().mean())


def scores(k: np.ndarray) -> dict[str, np.ndarray]:
    """What the sums (..., K) say: MSE (sum over axes, as printed), CCC (mean of the axes), Non-Inertial, CCC by axis, rest, flicker.

    Constant annotations have CCC 0. MSE and CCC as the other of sum and mean follow by a factor of two.
    """
    n, steps = k[..., 0], np.maximum(k[..., 1], 1)
    x, y, xx, yy, xy = (k[..., 2 + 2 * i : 4 + 2 * i] / n[..., None] for i in range(5))
    error = (xx - 2 * xy + yy).sum(-1)
    var_y = np.maximum(yy - y * y, 0)
    flat = var_y < 1e-12
    below = np.maximum(xx - x * x, 0) + var_y + (x - y) ** 2
    ccc = np.where(flat, 0.0, 2 * (xy - x * y) / np.where(flat, 1.0, below))
    rest = (k[..., 12] + k[..., 13]) / steps
    return {
        "MSE": error,
        "CCC": ccc.mean(-1),
        "Non-Inertial": error / 2 + rest,
        "valence": ccc[..., 0],
        "arousal": ccc[..., 1],
        "rest": rest,
    }


def own_loss(k: np.ndarray, judged: list[str]) -> np.ndarray:
    """Each member's own loss, (M,), lower is better: mean over the videos of sums (M, V, K)."""
    said = scores(k)
    every = {
        "MSE": said["MSE"].mean(-1),
        "CCC": 1 - said["CCC"].mean(-1),
        "Non-Inertial": said["Non-Inertial"].mean(-1),
    }
    return np.array([every[name][m] for m, name in enumerate(judged)])


# ---------------------------------------------------------------- a member's own rate, stop and best epoch


class Judge:
    """The validation of a grid: lowers the rate of a member that rests, stops one that rests too long, keeps each one's best epoch."""

    def __init__(
        self,
        read,
        judged: list[str],
        rates: Tensor,
        *,
        plateau: int,
        patience: int,
        factor: float = 0.1,
    ):
        self.read, self.judged, self.rates = read, judged, rates
        self.plateau, self.patience, self.factor = plateau, patience, factor
        count = len(judged)
        self.score, self.tested = np.full(count, np.inf), np.full(count, np.inf)
        self.waited, self.cooled = np.zeros(count, int), np.zeros(count, int)
        self.epoch, self.tested_epoch, self.stopped = (
            np.zeros(count, int),
            np.zeros(count, int),
            np.full(count, -1),
        )
        self.chosen = self.best = None
        self.curves: list[np.ndarray] = []

    def __call__(self, net, epoch: int) -> float:
        validation, test = self.read(net)  # (M, V, K) each
        alive = self.stopped < 0
        own, seen = own_loss(validation, self.judged), own_loss(test, self.judged)
        self.chosen, self.best = (
            test.copy() if held is None else held for held in (self.chosen, self.best)
        )
        better, better_seen = alive & (own < self.score), alive & (seen < self.tested)
        self.score[better], self.epoch[better], self.chosen[better] = (
            own[better],
            epoch,
            test[better],
        )
        self.tested[better_seen], self.tested_epoch[better_seen], self.best[better_seen] = (
            seen[better_seen],
            epoch,
            test[better_seen],
        )
        self.waited, self.cooled = (np.where(better, 0, v + 1) for v in (self.waited, self.cooled))
        lower = alive & (self.cooled > self.plateau)
        self.rates[torch.as_tensor(lower)] *= self.factor
        self.cooled[lower] = 0
        ended = alive & (self.waited >= self.patience)
        self.stopped[ended] = epoch
        self.rates[torch.as_tensor(ended)] = 0.0
        self.curves.append(
            np.stack(
                [own, *(scores(k)[m].mean(-1) for k in (validation, test) for m in ("CCC", "MSE"))]
            )
        )
        return float(epoch) if (self.stopped < 0).any() else -np.inf  # fit stops when it falls


# ---------------------------------------------------------------- a run


def grid(
    networks: dict[str, dict], seed: int, widths: dict[str, int]
) -> tuple[Grid, list[tuple[str, str]]]:
    """The networks {name: {'losses', 'sizes', 'hidden', 'dropout'}} of one seed as one, and (network, loss) of each member."""
    nets, names = {}, []
    for name, o in networks.items():
        kind = video.NETWORKS[name]
        nets[name] = kind(
            sizes=tuple(o["sizes"]),
            hidden=o["hidden"],
            dropout=o["dropout"],
            widths=widths,
            seeds=[seed] * len(o["losses"]),
        )
        names += [(name, loss) for loss in o["losses"]]
    return Grid(nets), names


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
    split_seed: int | None = None,
    mixed: bool = False,
    redrawn: bool = False,
    shown: bool = False,
) -> dict:
    """Train the networks and losses of one seed; everything a table needs of the test videos, and the learning curves.

    split_seed   of the held-out videos; None: each seed its own
    shown        also the predictions of one test video (the longest), at the epoch of validation
    """
    device = settings.device()
    held = video_data.frames(data, device)
    chosen = split(held.subject, held_out, seed if split_seed is None else split_seed)
    net, names = grid(networks, seed, held.widths)
    net.to(device)
    specs = [video_losses.spec(loss) for _, loss in names]
    rates = torch.tensor([rate * s.rate for s in specs], device=device)
    feed = batches(
        held, chosen, seed=seed, length=length, batch=batch, mixed=mixed, redrawn=redrawn
    )
    longest = max(
        pieces(held.start, chosen.train, length, batch), key=lambda rows: rows.stop - rows.start
    )
    loss = video_losses.Together([n for _, n in names], *cut(*held.of(longest)[:2], length))
    example = int(chosen.test[np.argmax(np.diff(held.start)[chosen.test])])
    judge = Judge(
        lambda net: (
            sums(net, held, chosen.validation, length),
            sums(net, held, chosen.test, length),
        ),
        [s.judged for s in specs],
        rates,
        plateau=plateau,
        patience=patience,
    )
    kept = _Example(judge, held, example, length) if shown else judge
    history = training.fit(
        net,
        feed,
        lambda net, target, mask, streams: loss(said(net, streams, length), target, mask),
        training.Settings(epochs=epochs, rate=rate, optimizer="sgd", patience=1, mixed=True),
        validate=kept,
        step=net.optimizer(rates, momentum=0.9, weight_decay=5e-4),
        progress=False,
    )
    result = {
        "members": [list(n) for n in names],
        "videos": chosen.test,
        "chosen": judge.chosen,
        "best": judge.best,
        "chosen_epoch": judge.epoch,
        "best_epoch": judge.tested_epoch,
        "epochs": len(history.loss),
        "trained": np.where(judge.stopped < 0, len(history.loss) - 1, judge.stopped) + 1,
        "curves": np.stack(judge.curves, 1),
        "constant": constant_share(held, chosen.test, length),
        "steps": len(list(feed(0))),
        "parameters": {
            name: parameter_count(n) + parameter_count(net.lstm) + parameter_count(net.classifier)
            for name, n in zip(networks, net.nets, strict=True)
        },
    }
    if shown:
        result |= {
            "example": example,
            "track": kept.track,
            "truth": held.target[held.video(example)].cpu().numpy(),
        }
    return result


class _Example:
    """A judge that also keeps what each member said of one video at its best epoch: (M, T, 2)."""

    def __init__(self, judge: Judge, held: Frames, video: int, length: int):
        self.judge, self.held, self.length = judge, held, length
        self.rows, self.track = held.video(video), None

    def __call__(self, net, epoch: int) -> float:
        going = self.judge(net, epoch)
        x = (
            said(net, self.held.of(self.rows)[2], self.length)
            .flatten(1, 2)[:, : self.rows.stop - self.rows.start]
            .cpu()
            .numpy()
        )
        better = self.judge.epoch == epoch
        self.track = x if self.track is None else np.where(better[:, None, None], x, self.track)
        return going
