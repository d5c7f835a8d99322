"""From films to paths: a CNN on faces, recurrent networks on its features (yin2022, section 4).

A round is a text of one letter per speaker: 't' trains, 'v' decides on the epoch, 'x' is tested.
Speakers are the people and then their mirror images (4.5, steps 4 and 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import losses, training
from emolib.data.checks import content_of
from emolib.data.sim import clip_sets
from emolib.features import detectors, greyface
from emolib.features.landmarks import Landmarks, filled
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models.path import PathGRU, QuadrantCNN, parameter_count, sliding
from emolib.reproduction import runs


def look(
    *, data: str, clips: list[int], last: int | None, stride: int, side: int, every: int
) -> dict:
    """The faces of some films, grey, equalised and cut out (run).

    last     frames from the end of each film (None: all of it), of which every `stride`-th is used
    every    dlib looks at every n-th of these, between two the points move in a line
    Returns faces uint8 (frames of all, side, side) and counts (clips,), the frames of each film.
    """
    world, faces = datasets.resolve(data), []
    finder = None if world.source == "simulated" else detectors.make("dlib", video=False)
    at = slice(None if last is None else -last, None, stride)
    for clip in clips:
        if finder is None:  # its points are known
            frames = clip_sets.drawn(world, clip, at)
            film = clip_sets.film(world, clip).take(at)
            marks = detectors.SimulatorDetector(film).detect(frames)
        else:
            frames = world.frames[clip]()[at]
            some = finder.detect(frames[::every])
            points = np.full((len(frames), *some.points.shape[1:]), np.nan, np.float32)
            found = np.zeros(len(frames), bool)
            points[::every], found[::every] = some.points, some.found
            marks = Landmarks(points=points, found=found)
        if not marks.found.any():
            raise EmolibError(
                f"{world.name}: no face is found in any frame of {world.meta['image'].iloc[clip]}; "
                "take the film out of the folder"
            )
        faces.append(greyface.prepared(frames, filled(marks, "interpolate").points, side))
    return {"faces": np.concatenate(faces), "counts": np.array([len(film) for film in faces])}


# ---------------------------------------------------------------- the CNN


def pretrain(
    *,
    data: str,
    anchors: list,
    side: int,
    channels: list,
    features: int,
    count: int | None,
    epochs: int,
    rate: float,
    batch: int,
    patience: int,
) -> dict:
    """Train the CNN on single faces of FER2013 (run); the paper's own first network is not public.

    anchors  (valence, arousal) of each class in Table 2: the aim, by the loss of Eq. 9
    Every tenth picture decides on the epoch. Returns weights (by name), validation by epoch,
    pictures, and scale: the root mean square of the features of the pictures that decide.
    Features are divided by it, so that one rate fits every CNN.
    """
    device, faces = settings.device(), datasets.resolve(data)
    with training.seeded(0):
        net = nn.Sequential(QuadrantCNN(tuple(channels), features), nn.Linear(features, 2))
    net = net.to(device, memory_format=torch.channels_last)
    rows = training_rows(faces, count)
    images = torch.as_tensor(greyface.equalised(faces.images[rows]))
    images = _resized(images, side).to(device)  # (N, side, side) uint8
    point = torch.tensor(np.float32(anchors)[faces.label[rows]], device=device)  # (N, 2)
    decide = np.arange(len(rows)) % 10 == 9
    known, kept = np.flatnonzero(~decide), np.flatnonzero(decide)
    learnt = _learn_points(
        net,
        images,
        point,
        lambda epoch, rng: rng.permutation(known),
        kept,
        training.Settings(epochs, rate),
        batch=min(batch, len(known)),
        patience=patience,
        mirror=True,
    )
    return learnt | {"pictures": len(known)}


def fine_tune(
    *,
    looks: list[dict],
    cnn: dict,
    people: list[int],
    points: list,
    part: str,
    seed: int,
    frames: int,
    epochs: int,
    rate: float,
    batch: int,
    patience: int,
) -> dict:
    """Go on training the pre-trained CNN on the films of one round's training speakers (run).

    looks, cnn, people, points   as of `describe` and `walk`;   part   the round
    frames   drawn from each film, anew in each epoch; the speakers that decide on the epoch show
             as many, evenly spaced. Twins are speakers of their own: nothing is mirrored here.
    Returns what `pretrain` does; pictures: frames of an epoch.
    """
    device, faces = settings.device(), _faces(looks)
    speaker = np.concatenate([people, np.array(people) + len(part) // 2])  # (V,)
    letters = np.array(list(part))[speaker]
    both = np.concatenate([faces, greyface.mirrored(faces)])
    each = len(both) // len(speaker)  # frames of a film
    images = torch.as_tensor(np.ascontiguousarray(both), device=device)  # (V T, side, side)
    point = torch.tensor(points, dtype=torch.float32, device=device).repeat(2, 1)
    point = point.repeat_interleave(each, 0)  # (V T, 2)
    frames = min(frames, each)
    learns, decides = (np.flatnonzero(letters == side) * each for side in "tv")
    kept = (decides[:, None] + np.linspace(0, each - 1, frames).astype(int)).ravel()

    def drawn(epoch, rng):
        some = rng.permuted(np.tile(np.arange(each), (len(learns), 1)), axis=1)[:, :frames]
        return rng.permutation((learns[:, None] + some).ravel())

    body = network(runs.map(pretrain, [cnn], jobs=1)[0])
    with training.seeded(seed):
        net = nn.Sequential(body, nn.Linear(body.features, 2))
    learnt = _learn_points(
        net.to(device, memory_format=torch.channels_last),
        images,
        point,
        drawn,
        kept,
        training.Settings(epochs, rate),
        batch=min(batch, len(learns) * frames),
        patience=patience,
        mirror=False,
        seed=seed,
    )
    return learnt | {"pictures": len(learns) * frames}


def _learn_points(
    net: nn.Sequential,
    images: Tensor,
    point: Tensor,
    drawn: Callable,
    kept: np.ndarray,
    how: training.Settings,
    *,
    batch: int,
    patience: int,
    mirror: bool,
    seed: int = 0,
) -> dict:
    """Train a CNN and its last layer on uint8 images (N, S, S) whose aims are points (N, 2).

    drawn   (epoch, generator) -> the rows of an epoch in their order;   kept   rows that decide
    Returns the CNN's weights, validation by epoch and scale, as `pretrain`.
    """

    def batches(epoch):
        rng = np.random.default_rng([seed, epoch])
        order = drawn(epoch, rng)
        for at in order[: len(order) // batch * batch].reshape(-1, batch):
            turned = mirror and rng.random() < 0.5
            yield _as_input(images[at].flip(-1) if turned else images[at]), point[at]

    def loss(net, x, y):
        return losses.ccc_loss(net(x).float()[:, None], y[:, None])

    def validate(net, epoch):
        out = torch.cat([net(_as_input(part)).float() for part in images[kept].split(500)])
        return -float(losses.ccc_loss(out[:, None], point[kept][:, None]))

    plateau = {"plateau": max(1, patience // 2), "factor": 0.3, "patience": patience}
    history = training.fit(
        net,
        batches,
        loss,
        replace(how, mixed=True, **plateau),
        validate=validate,
        keep_best=True,
        checkpoint=runs.scratch(),
        label="CNN",
        progress=False,
    )
    out = _features(net[0].eval(), images[kept].cpu().numpy())
    return {
        "weights": {name: value.cpu().numpy() for name, value in net[0].state_dict().items()},
        "validation": np.array([-score for _, score in history.validated]),
        "scale": float(np.sqrt(np.square(out, dtype=np.float64).mean()) + 1e-6),
    }


def training_rows(faces, count: int | None) -> np.ndarray:
    """Rows of FER2013's training part without copies of test pictures: `count`, evenly spread."""
    rows, content = np.flatnonzero(faces.split == "Training"), content_of(faces.images)
    rows = rows[~np.isin(content[rows], content[faces.split != "Training"])]
    if count is None or count >= len(rows):
        return rows
    return rows[np.linspace(0, len(rows) - 1, count).astype(int)]


def _resized(images: Tensor, side: int) -> Tensor:
    """uint8 (N, H, W) -> uint8 (N, side, side)."""
    if images.shape[-1] == side:
        return images
    how = {"size": (side, side), "mode": "bilinear", "antialias": True, "align_corners": False}
    parts = [F.interpolate(part[:, None].float(), **how)[:, 0] for part in images.split(1000)]
    return torch.cat(parts).round().clamp(0, 255).byte()


def _as_input(faces: Tensor) -> Tensor:
    """uint8 (B, S, S) -> float32 (B, 1, S, S) in [0, 1], channels last."""
    return (faces[:, None].float() / 255).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def _features(net: QuadrantCNN, faces: np.ndarray) -> np.ndarray:
    """Features float32 (N, F) of faces uint8 (N, S, S)."""
    device = next(net.parameters()).device
    parts = torch.as_tensor(np.ascontiguousarray(faces)).split(200)
    return torch.cat([net(_as_input(part.to(device))) for part in parts]).cpu().numpy()


def network(trained: dict) -> QuadrantCNN:
    """The CNN of a `pretrain` or `fine_tune` result."""
    weights = {name: torch.as_tensor(value) for name, value in trained["weights"].items()}
    channels = tuple(len(weights[f"{name}.weight"]) for name in ("first", "second", "third"))
    net = QuadrantCNN(channels, len(weights["out.weight"]))
    net.load_state_dict(weights)
    return net


def describer(trained: dict, device: str = "cpu") -> Callable[[np.ndarray], np.ndarray]:
    """Faces uint8 (N, S, S) -> features float32 (N, F) by the CNN of a result, see `network`."""
    net = network(trained).to(device, memory_format=torch.channels_last).eval()
    return lambda faces: _features(net, faces) / np.float32(trained["scale"])


def _faces(looks: list[dict]) -> np.ndarray:
    """Faces uint8 (frames of all films, side, side) of these `look` runs."""
    return np.concatenate([part["faces"] for part in runs.map(look, looks, jobs=1, host=True)])


def describe(*, looks: list[dict], cnn: dict) -> dict:
    """Features of every film, then of its mirror image (run): float32 (2 N, T, F).

    looks, cnn   arguments of the `look` runs, in order of the films, and of `pretrain`, or of
                 `fine_tune` where they name a `part`
    """
    faces, train = _faces(looks), fine_tune if "part" in cnn else pretrain
    features = describer(runs.map(train, [cnn], jobs=1)[0], settings.device())
    both = np.concatenate([features(faces), features(greyface.mirrored(faces))])
    films = sum(len(part["clips"]) for part in looks)
    return {"features": both.reshape(2 * films, -1, both.shape[-1])}


# ---------------------------------------------------------------- recurrent networks


def walk(
    *,
    features: dict,
    people: list[int],
    points: list,
    sizes: list,
    parts: list[str],
    seeds: list[int],
    length: int,
    batch: int,
    epochs: int,
    rate: float,
    patience: int,
) -> dict:
    """Train a network per entry of `sizes`, `parts` and `seeds`, side by side, by Eq. 9 (run).

    features   arguments of `describe`
    people     (N,) the person (0, 1 ...) of each film;   points  (N, 2) its anchor
    length     frames in a window; a film gives T / length an epoch, each from a random frame on
    Each member ends with its own best epoch on validation. Returns points (M, 2 N, T, 2), weights
    by name (M, ...), loss and validation (E, M), best_epoch and parameters (M,).
    """
    device, (described,) = settings.device(), runs.map(describe, [features], jobs=1)
    x = torch.as_tensor(described["features"], device=device)  # (V, T, F)
    point = torch.tensor(points, device=device).repeat(2, 1)  # (V, 2)
    speaker = np.concatenate([people, np.array(people) + len(parts[0]) // 2])  # (V,)
    part = np.array([list(letters) for letters in parts])[:, speaker]  # (M, V)
    each = max(1, x.shape[1] // length)
    least = each * int((part == "t").sum(1).min())
    batch = min(batch, least)
    shape = len(parts), least // batch, batch

    def batches(epoch):
        """Windows of each member's own films, in an order of its own."""
        films, starts = [], []
        for own, seed in zip(part == "t", seeds, strict=True):
            rng = np.random.default_rng([seed, epoch])
            order = rng.permutation(np.repeat(np.flatnonzero(own), each))
            films.append(order[: shape[1] * batch])
            starts.append(rng.integers(0, x.shape[1] - length + 1, len(films[-1])))
        film = torch.as_tensor(np.array(films), device=device).view(shape)
        start = torch.as_tensor(np.array(starts), device=device).view(shape)
        frame = torch.arange(length, device=device)
        for now, first in zip(film.unbind(1), start.unbind(1)):  # (M, B)
            yield x[now[..., None], first[..., None] + frame], point[now]  # (M, B, L, F)

    def loss(net, x, y):
        out = net(x)  # (M, B, L, 2)
        aim = y[:, :, None].expand_as(out).flatten(1, 2)
        return losses.ccc_loss(out.flatten(1, 2), aim, dim="sequence", reduction="none").sum()

    net = PathGRU([tuple(units) for units in sizes], x.shape[-1]).initialise(seeds).to(device)
    best = Best(net, x, point, torch.as_tensor(part == "v", device=device), length)
    how = training.Settings(epochs, rate, patience=patience)
    history = training.fit(net, batches, loss, how, validate=best, progress=False)
    net.load_state_dict(best.kept)
    return {
        "points": placed(net, x, length),
        "weights": {name: value.cpu().numpy() for name, value in best.kept.items()},
        "loss": np.array(history.loss) / len(parts),
        "validation": np.array(best.curve),
        "best_epoch": best.epoch,
        "parameters": np.array([parameter_count(net, m) for m in range(len(parts))]),
    }


class Best:
    """Validation of each member on its own people; `kept` are the weights of its own best epoch."""

    def __init__(self, net: PathGRU, x: Tensor, point: Tensor, decide: Tensor, length: int):
        count = x.shape[1] // length * length
        order = (~decide).to(torch.uint8).argsort(dim=1, stable=True)
        self.film = order[:, : int(decide.sum(1).max())]  # (M, K): own films first
        mask = torch.gather(decide, 1, self.film)
        self.mask = mask.repeat_interleave(count, 1)  # (M, K T)
        self.x = x[:, :count].unflatten(1, (-1, length))
        self.target = point[self.film].repeat_interleave(count, 1)
        self.lowest = torch.full((len(decide),), torch.inf, device=x.device)
        self.epoch, self.curve = np.zeros(len(decide), int), []
        self.kept = {name: value.clone() for name, value in net.state_dict().items()}

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


@torch.no_grad()
def placed(net: PathGRU, x: Tensor, length: int) -> np.ndarray:
    """Points (M, V, T, 2) float32 of every frame, each seen with the frames before it."""
    net.eval()
    members = len(net.sizes)
    parts = [sliding(net, part.expand(members, *part.shape), length) for part in x.split(32)]
    return torch.cat(parts, 1).cpu().numpy()


def alone(networks: dict, result: dict, member: int) -> PathGRU:
    """One member of the result of walk(**networks) as a network of its own."""
    weights = {k: torch.as_tensor(v[member])[None] for k, v in result["weights"].items()}
    net = PathGRU([tuple(networks["sizes"][member])], weights["layers.0.weight_in"].shape[1])
    net.load_state_dict(weights)
    return net.eval()


def whole(*, faces: dict, cnn: dict, networks: dict, member: int) -> dict:
    """Whole films as paths of one member (run): points (frames of all, 2), counts (films,).

    faces, cnn, networks   arguments of `look`, `pretrain` and `walk`
    """
    (seen,) = runs.map(look, [faces], jobs=1, host=True)
    (trained,) = runs.map(pretrain, [cnn], jobs=1)
    net = alone(networks, runs.map(walk, [networks], jobs=1)[0], member)
    features = torch.as_tensor(describer(trained)(seen["faces"]))
    films = features.split(seen["counts"].tolist())
    points = [placed(net, film[None], networks["length"])[0, 0] for film in films]
    return {"points": np.concatenate(points), "counts": seen["counts"]}
