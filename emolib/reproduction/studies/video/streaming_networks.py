"""One frame at a time against frames with a memory, on films of talking people (notebook 42; chang2021, 4.4).

A ResNet-18 learns expressions from pictures of FER2013's kind (5.3.2), then to name the emotion of single frames of films. Then an LSTM
is put on it and speaks after every frame. The films come twice where they are simulated: with the mouth speaking, and with the same
faces and a silent mouth. All pictures are grey, as FER2013's are.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data import kept
from emolib.data.sim.clip_sets import RAVDESS
from emolib.features import footage
from emolib.features.landmarks import crops
from emolib.ground import settings
from emolib.ground.containers import ClipSet
from emolib.models.resnet18 import ResNet18
from emolib.models.resnet_lstm import OneStream, load_extractor
from emolib.reproduction import runs
from emolib.reproduction.studies.speech.training import PAIRS, chosen, codes, split_of

FRAME, MEAN, LSTM = "frame by frame", "running mean of the frames", "ResNet-18 + LSTM"
WAYS = (FRAME, MEAN, LSTM)


def faces(data: ClipSet, frames: int, side: int) -> np.ndarray:
    """`frames` face crops spread evenly over each film, uint8 (N, frames, side, side, 3), made once; grey where nobody is found."""
    key = (1, data.fingerprint, frames, side)
    return kept.arrays(
        f"faces-{data.name}",
        key,
        lambda: {"images": np.stack([_cut(data, i, frames, side) for i in range(len(data))])},
    )["images"]


def _cut(data: ClipSet, i: int, frames: int, side: int) -> np.ndarray:
    from emolib.features import detectors

    if data.source == "simulated":
        from emolib.data.sim import clip_sets

        film = clip_sets.film(data, i)
        at = np.linspace(0, len(film) - 1, frames).round().astype(int)
        pictures, look = clip_sets.drawn(data, i, at), detectors.SimulatorDetector(film.take(at))
    else:
        whole = list(footage.footage(data)[i].chunks())
        pictures = np.concatenate(whole)[
            np.linspace(0, sum(map(len, whole)) - 1, frames).round().astype(int)
        ]
        look = detectors.make("dlib", video=False)
    marks = look.detect(pictures)
    out = np.full((frames, side, side, 3), 128, np.uint8)
    if marks.found.any():
        out[marks.found] = crops(pictures[marks.found], marks.box[marks.found], size=side)
    return out


def strong(data: ClipSet, each: int | None) -> ClipSet:
    """The first `each` films of every actor and emotion, of those acted strongly (neutral has one strength only); None for all films."""
    return (
        data
        if each is None
        else chosen(data.select((data.meta["intensity"] == 2) | (codes(data) == 0)), each)
    )


@functools.lru_cache(maxsize=1)
def _on_device(
    ref: str, each: int | None, frames: int, side: int, device: str
) -> tuple[ClipSet, Tensor]:
    data = strong(datasets.resolve(ref), each)
    return data, torch.as_tensor(faces(data, frames, side), device=device)


def fed(images: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) or grey (..., H, W) -> float32 (..., 3, H, W) in [-1, 1], three equal channels of the luma."""
    if images.shape[-1] == 3:
        images = images.float() @ torch.tensor([0.299, 0.587, 0.114], device=images.device)
    return (
        (images.float() / 127.5 - 1).unsqueeze(-3).expand(*images.shape[:-2], 3, *images.shape[-2:])
    )


def expressions(
    *, data: str, seed: int, width: int, side: int, epochs: int, rate: float, batch: int
) -> dict:
    """Train on pictures of FER2013's kind; returns the extractor's weights and the share of the rest named rightly, by epoch (E,)."""
    whole, device = datasets.resolve(data), settings.device()
    train, test = (
        np.flatnonzero(whole.split == "Training"),
        np.flatnonzero(whole.split != "Training"),
    )
    images, label = (
        torch.as_tensor(whole.images, device=device),
        torch.as_tensor(whole.label, device=device),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(ResNet18(3, width=width), nn.Linear(8 * width, len(whole.classes))).to(
            device, memory_format=torch.channels_last
        )
    right = []

    def sized(rows):
        x = fed(images[rows])
        return (
            x
            if x.shape[-1] == side
            else F.interpolate(
                x, (side, side), mode="bilinear", antialias=True, align_corners=False
            )
        )

    def batches(epoch):
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(train)
        for first in range(0, len(order) - 1, batch):
            now = order[first : first + batch]
            yield mirrored(sized(now), rng), label[now]

    def validate(net, epoch):
        said = torch.cat(
            [net(sized(test[k : k + batch])).argmax(1) for k in range(0, len(test), batch)]
        )
        right.append(float((said == label[test]).float().mean()))
        return right[-1]

    how = training.Settings(epochs, rate, "adamw", weight_decay=0.01, mixed=True)
    history = training.fit(
        net,
        batches,
        lambda net, x, y: F.cross_entropy(net(x).float(), y),
        how,
        validate=validate,
        keep_best=True,
        label="expressions",
    )
    return {
        "weights": {k: v.cpu().numpy() for k, v in net[0].state_dict().items()},
        "right": np.array(right),
        "loss": np.array(history.loss),
    }


def beforehand(*, learn: dict | None = None, cut: dict | None = None) -> dict:
    """What every training waits for, as runs of their own that go side by side: the extractor, or the faces of a film set.

    learn   arguments of `expressions`;   cut   data, each, frames, side of `faces`, and the fold whose test films are enough ('' for all)
    Both are kept where `expressions` and `faces` keep them, and only their number is returned.
    """
    if learn is not None:
        return {"made": len(runs.map(expressions, [learn], jobs=1))}
    whole = strong(datasets.resolve(cut["data"]), cut["each"])
    if cut["fold"]:
        whole = whole.select(split_of(whole, PAIRS, cut["fold"]).test)
    return {"made": len(faces(whole, cut["frames"], cut["side"]))}


def mirrored(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Each entry of x (B, ..., W) turned left to right with probability 1/2; a film is turned as a whole (VA of Table 5.4)."""
    turn = torch.as_tensor(rng.random(len(x)) < 0.5, device=x.device).view(-1, *[1] * (x.ndim - 1))
    return torch.where(turn, x.flip(-1), x)


def run(
    *,
    data: str,
    silent: str,
    source: dict,
    fold: str,
    seed: int,
    width: int,
    each: int | None,
    frames: int,
    side: int,
    epochs: int,
    rate: float,
    batch: int,
    memory_epochs: int,
    memory_rate: float,
    together: bool,
) -> dict:
    """Train frame by frame, then with memory, on one fold; plain values and arrays out.

    silent    reference of the same films without speech, '' where there are none;   source   arguments of `expressions`;   batch   films
    together  True: the extractor learns with what stands on it, as in print; False: it rests, and its features of each frame are made once
    Returns clips, truth (N,), said (2 or 1, ways, N, frames, 8): probabilities of the test films, speaking and silent; loss (E,) and
    validation (E,) of the frames, memory_loss (M,), memory_validation (M,).
    """
    whole, images = _on_device(data, each, frames, side, settings.device())
    split, device = split_of(whole, PAIRS, fold), images.device
    label = torch.as_tensor(codes(whole), device=device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = OneStream(3, len(RAVDESS), width=width)
        one = nn.Sequential(
            nn.BatchNorm1d(8 * width), nn.Linear(8 * width, len(RAVDESS))
        )  # scores a single frame
    load_extractor(
        net.stream,
        {
            k: torch.as_tensor(v)
            for k, v in runs.map(expressions, [source], jobs=1)[0]["weights"].items()
        },
    )
    frame = nn.Sequential(net.stream.extractor, one).to(device, memory_format=torch.channels_last)
    net = net.to(device, memory_format=torch.channels_last)

    features = None if together else extracted(net, images, np.arange(len(images)))  # (N, T, F)
    learner = frame if together else one

    def singly(epoch):
        """Frames of all training films in any order, some mirrored, as many at a time as `batch` films hold; or their features."""
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(split.train) * frames)
        for first in range(0, len(order) - 1, batch * frames):
            film, at = np.divmod(order[first : first + batch * frames], frames)
            now = split.train[film]
            yield mirrored(fed(images[now, at]), rng) if together else features[now, at], label[now]

    def films(epoch):
        """Whole films (B, T, 3, H, W)."""
        rng = np.random.default_rng([seed, epoch, 1])
        order = rng.permutation(split.train)
        for first in range(0, len(order) - 1, batch):
            now = order[first : first + batch]
            yield mirrored(fed(images[now]), rng), label[now]

    def validate(net, epoch):
        p = (
            probabilities(frame, images, split.validation)
            if together
            else one(features[split.validation].flatten(0, 1))
            .float()
            .softmax(-1)
            .unflatten(0, (len(split.validation), frames))
        )
        right, entropy = _judged(p, label[split.validation])
        curve.append(entropy)
        return right

    curve: list[float] = []
    history = training.fit(
        learner,
        singly,
        lambda net, x, y: F.cross_entropy(net(x).float(), y),
        training.Settings(
            epochs, rate, "adamw", weight_decay=0.01, plateau=10, factor=0.5, mixed=True
        ),
        validate=validate,
        keep_best=True,
        label=f"{fold} frames",
    )
    tested = [images[split.test]]
    if silent:
        tested.append(
            torch.as_tensor(
                faces(strong(datasets.resolve(silent), each).select(split.test), frames, side),
                device=device,
            )
        )
    rows, counted = np.arange(len(split.test)), torch.arange(1, frames + 1, device=device)[:, None]
    alone = [
        probabilities(frame, pictures, rows) for pictures in tested
    ]  # before the extractor learns on
    memory, memory_curve = _with_memory(
        net, images, features, split, label, seed, batch, memory_epochs, memory_rate, films
    )
    said = [
        torch.stack([p, p.cumsum(1) / counted, remembered(net, pictures, rows)])
        for p, pictures in zip(alone, tested, strict=True)
    ]
    return {
        "clips": whole.meta["image"].to_numpy(dtype=str)[split.test],
        "truth": codes(whole)[split.test],
        "said": torch.stack(said).cpu().numpy(),
        "loss": np.array(history.loss),
        "validation": np.array(curve),
        "memory_loss": np.array(memory.loss),
        "memory_validation": np.array(memory_curve),
    }


def _with_memory(net, images, features, split, label, seed, batch, epochs, rate, films):
    """Train the LSTM and what scores it, after every frame; the extractor with them unless its features are given. History and validation losses."""
    curve: list[float] = []
    together = features is None
    net.stream.extractor.requires_grad_(together)

    def batches(epoch):
        if together:
            yield from films(epoch)
            return
        order = np.random.default_rng([seed, epoch, 1]).permutation(split.train)
        for first in range(0, len(order) - 1, batch):
            now = order[first : first + batch]
            yield features[now], label[now]

    def loss(net, x, y):
        x = net.stream.extract(x) if together else x
        said = stepwise(net, x)  # (B, T, 8)
        return F.cross_entropy(said.flatten(0, 1).float(), y.repeat_interleave(said.shape[1]))

    def validate(net, epoch):
        x = (
            features[split.validation]
            if features is not None
            else extracted(net, images, split.validation)
        )
        right, entropy = _judged(stepwise(net, x).float().softmax(-1), label[split.validation])
        curve.append(entropy)
        return right

    settled = training.Settings(
        epochs, rate, "adamw", weight_decay=0.01, plateau=10, factor=0.5, mixed=True
    )
    history = training.fit(
        net, batches, loss, settled, validate=validate, keep_best=True, label="memory"
    )
    net.eval()
    return history, curve


def stepwise(net: OneStream, features: Tensor) -> Tensor:
    """Features of frames (B, T, F) -> raw scores after every frame (B, T, classes)."""
    steps = net.stream.aggregator.steps(features)  # (B, T, F)
    return net.score(steps.flatten(0, 1)).unflatten(0, steps.shape[:2])


@torch.no_grad()
def probabilities(frame: nn.Module, images: Tensor, rows: np.ndarray, batch: int = 8) -> Tensor:
    """What is said of each frame alone: (N, T, classes)."""
    frame.eval()
    said = [
        frame(fed(images[rows[k : k + batch]]).flatten(0, 1)).float().softmax(-1)
        for k in range(0, len(rows), batch)
    ]
    return torch.cat(said).unflatten(0, (len(rows), images.shape[1]))


@torch.no_grad()
def extracted(net: OneStream, images: Tensor, rows: np.ndarray, batch: int = 8) -> Tensor:
    """Features of every frame, (N, T, F), by the extractor at rest."""
    net.stream.extractor.eval()
    return torch.cat(
        [net.stream.extract(fed(images[rows[k : k + batch]])) for k in range(0, len(rows), batch)]
    )


@torch.no_grad()
def remembered(net: OneStream, images: Tensor, rows: np.ndarray) -> Tensor:
    """What is said after every frame of a film: (N, T, classes)."""
    net.eval()
    return stepwise(net, extracted(net, images, rows)).float().softmax(-1)


def _judged(p: Tensor, truth: Tensor) -> tuple[float, float]:
    """Of probabilities (N, T, classes) after every frame: the share of frames named rightly, and the mean cross-entropy."""
    aim = truth[:, None].expand(p.shape[:2])  # (N, T)
    at = p.gather(-1, aim.unsqueeze(-1))
    return float((p.argmax(-1) == aim).float().mean()), float(-at.clamp_min(1e-12).log().mean())
