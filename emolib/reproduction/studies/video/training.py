"""One frame at a time, and frames with a memory, on films of talking people (chang2021, 4.4).

A ResNet-18 learns expressions from pictures of FER2013's kind (5.3.2), then to name the emotion of
single frames of films. Then an LSTM is put on it and speaks after every frame. Simulated films come
twice: with the mouth speaking, and with the same faces and a silent mouth. All pictures are grey,
as FER2013's are.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data.sim import clip_sets
from emolib.features import detectors, footage
from emolib.features.landmarks import crops
from emolib.ground import settings
from emolib.ground.containers import ClipSet, digest
from emolib.ground.errors import EmolibError
from emolib.models.resnet18 import ResNet18
from emolib.models.resnet_lstm import OneStream, load_extractor
from emolib.reproduction import runs
from emolib.reproduction.studies.speech.training import PAIRS, chosen, codes, split_of

CLASSES = len(clip_sets.RAVDESS)


# ---------------------------------------------------------------- faces


def faces(data: ClipSet, frames: int, side: int) -> np.ndarray:
    """Crops spread evenly over each film, uint8 (N, frames, side, side, 3), made once and kept.

    What comes back lies in the file and is read where it is indexed: 18 GB of CREMA-D stand neither
    in memory nor on the device. A file that is cut short is made anew; bytes are not summed up.
    """
    name = f"faces-{data.name}-{digest(2, data.fingerprint, frames, side)}.npy"
    path, shape = settings.cache() / "sets" / name, (len(data), frames, side, side, 3)
    if not _whole(path, shape):
        partial = path.with_name(f"{path.stem}-{os.getpid()}.partial")
        about = {"descr": "|u1", "fortran_order": False, "shape": shape}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(partial, "wb") as file:
                np.lib.format.write_array_header_1_0(file, about)
                for i in range(len(data)):
                    file.write(_cut(data, i, frames, side).tobytes())
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            if error.filename and not str(error.filename).startswith(str(settings.cache())):
                raise  # a film that cannot be read
            raise EmolibError(
                f"{path}: its {np.prod(shape) / 1e9:.1f} GB cannot be written ({error.strerror}); "
                "make room, or name another cache folder by --cache"
            ) from None
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Is this file there, and as long as its header says?"""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False).shape == shape
    except FileNotFoundError:
        return False
    except (ValueError, EOFError, OSError) as error:
        print(f"{path} is damaged ({error}); made anew", file=sys.stderr)
        return False


def _cut(data: ClipSet, i: int, frames: int, side: int) -> np.ndarray:
    """Crops uint8 (frames, side, side, 3) of film i, grey where nobody is found."""
    if data.source == "simulated":
        film = clip_sets.film(data, i)
        at = _spread(len(film), frames)
        pictures, look = clip_sets.drawn(data, i, at), detectors.SimulatorDetector(film.take(at))
    else:
        whole = np.concatenate(list(footage.footage(data)[i].chunks()))
        pictures, look = whole[_spread(len(whole), frames)], detectors.make("dlib", video=False)
    marks = look.detect(pictures)
    out = np.full((frames, side, side, 3), 128, np.uint8)
    if marks.found.any():
        out[marks.found] = crops(pictures[marks.found], marks.box[marks.found], size=side)
    return out


def _spread(length: int, count: int) -> np.ndarray:
    return np.linspace(0, length - 1, count).round().astype(int)


def strong(data: ClipSet, each: int | None) -> ClipSet:
    """The first `each` films of every actor and emotion, of those acted strongly; None for all."""
    if each is None:
        return data
    neutral = codes(data) == 0  # has one strength only
    return chosen(data.select((data.meta["intensity"] == 2) | neutral), each)


@functools.lru_cache(maxsize=1)
def _on_device(ref: str, each: int | None, frames: int, side: int, device: str):
    """The films and their faces, for all folds that one process trains."""
    data = strong(datasets.resolve(ref), each)
    return data, torch.tensor(faces(data, frames, side), device=device)


def fed(images: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) or grey (..., H, W) -> three equal channels of the luma.

    float32 (..., 3, H, W) in [-1, 1].
    """
    if images.shape[-1] == 3:
        images = images.float() @ torch.tensor([0.299, 0.587, 0.114], device=images.device)
    x = (images.float() / 127.5 - 1).unsqueeze(-3)
    return x.expand(*images.shape[:-2], 3, *images.shape[-2:])


def mirrored(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Each entry of x (B, ..., W), a whole film, turned left to right with probability 1/2."""
    turn = torch.as_tensor(rng.random(len(x)) < 0.5, device=x.device).view(-1, *[1] * (x.ndim - 1))
    return torch.where(turn, x.flip(-1), x)


# ---------------------------------------------------------------- runs


def expressions(
    *, data: str, seed: int, width: int, side: int, epochs: int, rate: float, batch: int
) -> dict:
    """Train on pictures of FER2013's kind (run).

    Returns the extractor's weights and the share of the rest named rightly, by epoch (E,).
    """
    whole, device = datasets.resolve(data), settings.device()
    trains = whole.split == "Training"
    train, test = np.flatnonzero(trains), np.flatnonzero(~trains)
    images = torch.as_tensor(whole.images, device=device)
    label = torch.as_tensor(whole.label, device=device)
    with training.seeded(seed):
        net = nn.Sequential(ResNet18(3, width=width), nn.Linear(8 * width, len(whole.classes)))
    net = net.to(device, memory_format=torch.channels_last)
    right = []

    def sized(rows):
        x = fed(images[rows])
        if x.shape[-1] == side:
            return x
        return F.interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False)

    def batches(epoch):
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(train)
        for first in range(0, len(order) - 1, batch):
            now = order[first : first + batch]
            yield mirrored(sized(now), rng), label[now]

    def validate(net, epoch):
        parts = [test[k : k + batch] for k in range(0, len(test), batch)]
        named = torch.cat([net(sized(rows)).argmax(1) for rows in parts])
        right.append(float((named == label[test]).float().mean()))
        return right[-1]

    _fit(net, batches, _entropy, validate, epochs, rate, "expressions", plateau=None)
    weights = {name: value.cpu().numpy() for name, value in net[0].state_dict().items()}
    return {"weights": weights, "right": np.array(right)}


def _entropy(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(net(x).float(), y)


def _fit(net, batches, loss, validate, epochs: int, rate: float, label: str, plateau=10):
    how = training.Settings(
        epochs, rate, "adamw", weight_decay=0.01, plateau=plateau, factor=0.5, mixed=True
    )
    return training.fit(net, batches, loss, how, validate=validate, keep_best=True, label=label)


def beforehand(*, learn: dict | None = None, cut: dict | None = None) -> dict:
    """What every training waits for, as runs that go side by side: the extractor, or faces.

    learn   arguments of `expressions`
    cut     data, each, frames, side of `faces`; the fold whose test films are enough ('' for all)
    Both are kept where `expressions` and `faces` keep them, and only their number is returned.
    """
    if learn is not None:
        return {"made": len(runs.map(expressions, [learn], jobs=1))}
    whole = strong(datasets.resolve(cut["data"]), cut["each"])
    if cut["fold"]:
        whole = whole.select(split_of(whole, PAIRS, cut["fold"]).test)
    return {"made": len(faces(whole, cut["frames"], cut["side"]))}


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
    """Train frame by frame, then with memory, on one fold.

    silent    the same films without speech, '' where there are none;   batch   films
    source    arguments of `expressions`
    together  True: the extractor learns with what stands on it, as in print; False: it rests, and
              its features of each frame are made once
    Returns clips, truth (N,); probabilities (1 or 2, 2, N, T, 8) of the test films, speaking and
    silent, frame by frame and with memory; loss and validation (E,), also with `memory_`.
    """
    whole, images = _on_device(data, each, frames, side, settings.device())
    split, device = split_of(whole, PAIRS, fold), images.device
    label = torch.as_tensor(codes(whole), device=device)
    with training.seeded(seed):
        net = OneStream(3, CLASSES, width=width)
        one = nn.Sequential(nn.BatchNorm1d(8 * width), nn.Linear(8 * width, CLASSES))
    weights = runs.map(expressions, [source], jobs=1)[0]["weights"]
    load_extractor(net.stream, {name: torch.as_tensor(value) for name, value in weights.items()})
    net, one = (part.to(device, memory_format=torch.channels_last) for part in (net, one))
    frame = nn.Sequential(net.stream.extractor, one)
    x = images if together else extracted(net, images)  # (N, T, F) where the extractor rests
    net.stream.extractor.requires_grad_(together)

    def singly(epoch):
        """Frames of all training films in any order, as many at a time as `batch` films hold."""
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(len(split.train) * frames)
        for first in range(0, len(order) - 1, batch * frames):
            film, at = np.divmod(order[first : first + batch * frames], frames)
            now = split.train[film]
            yield mirrored(fed(x[now, at]), rng) if together else x[now, at], label[now]

    def films(epoch):
        """Whole films."""
        rng = np.random.default_rng([seed, epoch, 1])
        order = rng.permutation(split.train)
        for first in range(0, len(order) - 1, batch):
            now = order[first : first + batch]
            yield mirrored(fed(x[now]), rng) if together else x[now], label[now]

    def memory_loss(net, x, y):
        scores = stepwise(net, net.stream.extract(x) if together else x)  # (B, T, 8)
        return F.cross_entropy(scores.flatten(0, 1).float(), y.repeat_interleave(frames))

    def judged(probability, curve):
        right, entropy = _judged(probability, label[split.validation])
        curve.append(entropy)
        return right

    def validate(learner, epoch):
        some = x[split.validation]
        if together:
            return judged(probabilities(frame, some), curve)
        scores = one(some.flatten(0, 1)).unflatten(0, some.shape[:2])
        return judged(scores.float().softmax(-1), curve)

    def memory_validate(net, epoch):
        some = x[split.validation]
        features = extracted(net, some) if together else some
        return judged(stepwise(net, features).float().softmax(-1), memory_curve)

    curve, memory_curve = [], []
    learner = frame if together else one
    history = _fit(learner, singly, _entropy, validate, epochs, rate, f"{fold} frames")
    tested = [images[split.test]]
    if silent:
        still = strong(datasets.resolve(silent), each).select(split.test)
        tested.append(torch.tensor(faces(still, frames, side), device=device))
    alone = [probabilities(frame, part) for part in tested]  # before the extractor learns on
    memory = _fit(net, films, memory_loss, memory_validate, memory_epochs, memory_rate, "memory")
    both = [torch.stack([p, remembered(net, part)]) for p, part in zip(alone, tested, strict=True)]
    return {
        "clips": whole.meta["image"].to_numpy(dtype=str)[split.test],
        "truth": codes(whole)[split.test],
        "probabilities": torch.stack(both).cpu().numpy(),
        "loss": np.array(history.loss),
        "validation": np.array(curve),
        "memory_loss": np.array(memory.loss),
        "memory_validation": np.array(memory_curve),
    }


def stepwise(net: OneStream, features: Tensor) -> Tensor:
    """Features of frames (B, T, F) -> raw scores after every frame (B, T, classes)."""
    steps = net.stream.aggregator.steps(features)  # (B, T, F)
    return net.score(steps.flatten(0, 1)).unflatten(0, steps.shape[:2])


@torch.no_grad()
def probabilities(frame: nn.Module, images: Tensor) -> Tensor:
    """What is said of each frame of films (N, T, H, W, 3) alone: (N, T, classes)."""
    frame.eval()
    scores = [frame(fed(part).flatten(0, 1)).float() for part in images.split(8)]
    return torch.cat(scores).softmax(-1).unflatten(0, images.shape[:2])


@torch.no_grad()
def extracted(net: OneStream, images: Tensor) -> Tensor:
    """Features (N, T, F) of every frame of films (N, T, H, W, 3), by the extractor at rest."""
    net.stream.extractor.eval()
    return torch.cat([net.stream.extract(fed(part)) for part in images.split(8)])


@torch.no_grad()
def remembered(net: OneStream, images: Tensor) -> Tensor:
    """What is said after every frame of films (N, T, H, W, 3): (N, T, classes)."""
    net.eval()
    return stepwise(net, extracted(net, images)).float().softmax(-1)


def _judged(p: Tensor, truth: Tensor) -> tuple[float, float]:
    """Of probabilities (N, T, classes): the share of frames named rightly, mean cross-entropy."""
    aim = truth[:, None].expand(p.shape[:2])  # (N, T)
    at = p.gather(-1, aim.unsqueeze(-1))
    return float((p.argmax(-1) == aim).float().mean()), float(-at.clamp_min(1e-12).log().mean())
