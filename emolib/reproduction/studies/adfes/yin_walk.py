"""Recurrent networks on windows of frames (notebook 30): many rounds and sizes in one stack, each with people of its own.

A round is a text of one letter per speaker: 't' trains, 'v' decides on the epoch, 'x' is tested, '-' takes no part. Speakers are
the people and then their mirror images, which the paper counts as new speakers (4.5, steps 4 and 5).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from emolib import losses, training
from emolib.ground import settings
from emolib.metrics.scores import nearest_emotion
from emolib.models.path import PathGRU, parameter_count, sliding
from emolib.reproduction import runs
from emolib.reproduction.studies.adfes import yin_faces


def rounds(people: int, count: int, *, safe: bool, seed: int = 0) -> list[str]:
    """`count` random rounds of 32 : 8 : 4 speakers (8 : 2 : 1).

    safe   False: 2 x `people` speakers are shuffled, as printed, so that a person and the mirror image may be on two sides; True: persons are
    """
    return [
        _dealt(people, np.random.default_rng([30, seed, safe, r]), safe, 0) for r in range(count)
    ]


def rotation(people: int, folds: int, *, safe: bool, seed: int = 0) -> list[str]:
    """`folds` rounds of one shuffle whose test parts cover every speaker once; the parts after the tested one decide."""
    return [
        _dealt(people, np.random.default_rng([31, seed, safe]), safe, k, folds)
        for k in range(folds)
    ]


def _dealt(people: int, rng, safe: bool, turn: int, folds: int = 11) -> str:
    units = people if safe else 2 * people
    fold = np.empty(units, int)
    fold[rng.permutation(units)] = (
        np.arange(units) * folds // units
    )  # folds of equal size, give or take one
    part = np.full(units, "t")
    part[(fold - turn) % folds == 0] = "x"
    part[np.isin((fold - turn) % folds, (1, 2) if folds >= 8 else (1,))] = "v"
    return "".join(np.tile(part, 2) if safe else part)


def walk(
    *,
    describe: dict,
    films: list[int],
    label: list[int],
    anchors: list,
    sizes: list,
    parts: list[str],
    seeds: list[int],
    length: int,
    batch: int,
    epochs: int,
    rate: float,
    patience: int,
    reset: str = "after",
    keep: list[int] = (),
    held: list[int] = (),
) -> dict:
    """Train one network per entry of `sizes`, `parts` and `seeds`, all side by side, by the loss of Eq. 9 over a batch of windows (run).

    describe   arguments of the run that made the features, (2 N, T, F): originals, then mirror images
    films      (N,) the person (0, 1 ...) of each film;   label   (N,) its row in `anchors` (10, 2)
    length     frames in a window; each film gives T / length windows an epoch, each from a random frame on
    keep       members whose points and weights are returned;   held   members of a rotation: each video's points by the one that tests it
    Each member ends with its own best epoch on validation. Returns frames (M, 2 N, T), windows (M, 2 N, T / 10) and video (M, 2 N): which
    anchor is nearest (the vote of the frames for a video); loss and validation (E, M), best_epoch (M,), parameters (M,), and of the
    members kept points (K, 2 N, T, 2) and weights; held (2 N, T, 2), NaN where nobody in `held` tests the video.
    """
    device = settings.device()
    x = torch.as_tensor(
        runs.map(yin_faces.describe, [describe], jobs=1)[0]["features"], device=device
    )  # (V, T, F)
    people = len(parts[0]) // 2
    speaker = np.concatenate([films, np.array(films) + people])  # (V,)
    label = np.tile(label, 2)
    part = np.array([[p[s] for s in speaker] for p in parts])  # (M, V)
    point = torch.tensor(anchors, dtype=torch.float32, device=device)[
        torch.as_tensor(label, device=device)
    ]  # (V, 2)
    net = PathGRU([tuple(s) for s in sizes], x.shape[-1], reset=reset).initialise(seeds).to(device)
    best = Best(net, x, point, torch.as_tensor(part == "v", device=device), length)
    history = training.fit(
        net,
        Windows(x, point, part == "t", seeds, length, batch),
        _loss,
        training.Settings(epochs, rate, patience=patience),
        validate=best,
        progress=False,
    )
    best.restore(net)
    points = placed(net, x, length)  # (M, V, T, 2)
    return {
        **named(points, anchors),
        "loss": np.array(history.loss) / len(parts),
        "validation": np.array(best.curve),
        "best_epoch": best.epoch,
        "parameters": np.array([parameter_count(net, m) for m in range(len(parts))]),
        "points": points[list(keep)],
        "held": _held(points, part == "x", held),
        "weights": [{k: v[m].cpu().numpy() for k, v in net.state_dict().items()} for m in keep],
    }


def _held(points: np.ndarray, test: np.ndarray, members: list[int]) -> np.ndarray:
    """For each video the points (T, 2) of the last of `members` that tests it."""
    out = np.full(points.shape[1:], np.nan, np.float32)
    for m in members:
        out[test[m]] = points[m, test[m]]
    return out


def whole(*, look: dict, cnn: dict, walk: dict, member: int) -> dict:
    """Whole films as paths (run): points (frames of all, 2) and counts (films,), by one kept member of an ensemble.

    look, cnn, walk   arguments of the runs that find the faces, that made the features and that trained the network
    """
    seen, trained = (
        runs.map(yin_faces.look, [look], jobs=1)[0],
        runs.map(yin_faces.pretrain, [cnn], jobs=1)[0],
    )
    net = alone(runs.map(_walk, [walk], jobs=1)[0], walk, member)
    x = torch.as_tensor(
        yin_faces.features_of(yin_faces.body(trained), seen["faces"]) / np.float32(trained["scale"])
    )
    films = x.split(seen["counts"].tolist())
    return {
        "points": np.concatenate([placed(net, film[None], walk["length"])[0, 0] for film in films]),
        "counts": seen["counts"],
    }


_walk = walk  # `whole` takes the arguments of a walk under the same name


def alone(result: dict, walk: dict, member: int) -> PathGRU:
    """One kept member of a `walk` result as a network of its own."""
    weights = {
        k: torch.as_tensor(v)[None]
        for k, v in result["weights"][list(walk["keep"]).index(member)].items()
    }
    net = PathGRU(
        [tuple(walk["sizes"][member])],
        weights["layers.0.weight_in"].shape[1],
        reset=walk.get("reset", "after"),
    )
    net.load_state_dict(weights)
    return net.eval()


def _loss(net: PathGRU, x: Tensor, y: Tensor) -> Tensor:
    """Eq. 9 for each member over all frames of its batch, summed over members: x (M, B, L, F), y (M, B, 2)."""
    out = net(x)  # (M, B, L, 2)
    target = y[:, :, None].expand_as(out)
    return losses.ccc_loss(
        out.flatten(1, 2), target.flatten(1, 2), dim="sequence", reduction="none"
    ).sum()


class Windows:
    """The batches of an epoch: for each member windows of its own training films, in an order of its own; the same epoch, the same batches."""

    def __init__(
        self, x: Tensor, point: Tensor, train: np.ndarray, seeds: list[int], length: int, batch: int
    ):
        self.x, self.point, self.seeds, self.length = x, point, seeds, length
        self.each = max(1, x.shape[1] // length)
        self.films = [np.flatnonzero(row) for row in train]
        least = min(map(len, self.films)) * self.each
        self.batch = min(batch, least)
        self.steps = least // self.batch

    def __call__(self, epoch: int):
        films, starts = [], []
        for own, seed in zip(self.films, self.seeds, strict=True):
            rng = np.random.default_rng([seed, epoch])
            order = rng.permutation(np.repeat(own, self.each))[: self.steps * self.batch]
            films.append(order)
            starts.append(rng.integers(0, self.x.shape[1] - self.length + 1, len(order)))
        film, start = (
            torch.as_tensor(np.array(v), device=self.x.device).view(
                len(self.seeds), self.steps, self.batch
            )
            for v in (films, starts)
        )
        frame = torch.arange(self.length, device=self.x.device)
        for k in range(self.steps):
            yield (
                self.x[film[:, k, :, None], start[:, k, :, None] + frame],
                self.point[film[:, k]],
            )  # (M, B, L, F), (M, B, 2)


class Best:
    """Validation of each member on its own people, and the weights of each member's own best epoch."""

    def __init__(self, net: PathGRU, x: Tensor, point: Tensor, decide: Tensor, length: int):
        count = x.shape[1] // length * length
        most = int(decide.sum(1).max())
        film = (
            (~decide).to(torch.uint8).argsort(dim=1, stable=True)[:, :most]
        )  # (M, K): own films first
        self.mask = torch.gather(decide, 1, film).repeat_interleave(count, 1)  # (M, K T)
        self.x, self.target = (
            x[:, :count].unflatten(1, (-1, length)),
            point[film].repeat_interleave(count, 1),
        )
        self.film = film
        self.lowest = torch.full((len(decide),), torch.inf, device=x.device)
        self.epoch, self.curve = np.zeros(len(decide), int), []
        self.kept = {k: v.clone() for k, v in net.state_dict().items()}

    def __call__(self, net: PathGRU, epoch: int) -> float:
        out = net(self.x[self.film].flatten(1, 2)).flatten(1, 2)  # (M, K T, 2)
        loss = losses.ccc_loss(out, self.target, dim="sequence", reduction="none", mask=self.mask)
        better = loss < self.lowest
        self.lowest = torch.where(better, loss, self.lowest)
        self.epoch[better.cpu().numpy()] = epoch
        self.curve.append(loss.cpu().numpy())
        for name, value in net.state_dict().items():
            self.kept[name][better] = value[better]
        return -float(self.lowest.mean())

    def restore(self, net: PathGRU) -> None:
        net.load_state_dict(self.kept)


@torch.no_grad()
def placed(net: PathGRU, x: Tensor, length: int) -> np.ndarray:
    """Points (M, V, T, 2) float32 of every frame, each seen with the frames before it."""
    net.eval()
    members = len(net.sizes)
    return (
        torch.cat(
            [sliding(net, part[None].expand(members, *part.shape), length) for part in x.split(32)],
            1,
        )
        .cpu()
        .numpy()
    )


def named(points: np.ndarray, anchors) -> dict[str, np.ndarray]:
    """The nearest anchor of each frame (..., T), of the mean of each ten frames (..., T / 10), and the vote of the frames (...)."""
    frames = nearest_emotion(points, anchors).astype(np.uint8)
    tens = points.shape[-2] // 10
    mean = (
        points[..., : 10 * tens, :].reshape(*points.shape[:-2], tens, -1, 2).mean(-2)
        if tens
        else points.mean(-2, keepdims=True)
    )
    return {
        "frames": frames,
        "windows": nearest_emotion(mean, anchors).astype(np.uint8),
        "video": vote(frames, len(anchors)),
    }


def vote(names: np.ndarray, classes: int) -> np.ndarray:
    """The most frequent name along the last axis (..., T) -> (...); of equally frequent ones the first of Table 2's order as given."""
    return (names[..., None] == np.arange(classes)).sum(-2).argmax(-1).astype(np.uint8)
