"""One frame at a time against frames with a memory, on films of talking people (notebook 42; chang2021, 4.4).

A ResNet-18 first learns to name the emotion of single frames. Then an LSTM is put on it and speaks after every frame. The films come
twice where they are simulated: with the mouth speaking, and with the same faces and a silent mouth.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import settings, training
from emolib.containers import ClipSet
from emolib.data import kept
from emolib.features import footage
from emolib.features.landmarks import crops
from emolib.models.resnet_lstm import OneStream
from emolib.sim.clip_sets import RAVDESS
from emolib.studies.speech_networks import PAIRS, chosen, codes, split_of

FRAME, MEAN, LSTM = "frame by frame", "running mean of the frames", "ResNet-18 + LSTM"
WAYS = (FRAME, MEAN, LSTM)


def faces(data: ClipSet, frames: int, side: int) -> np.ndarray:
    """`frames` face crops spread evenly over each film, uint8 (N, frames, side, side, 3), made once; grey where nobody is found."""
    key = (1, data.fingerprint, frames, side)
    return kept.arrays(f"faces-{data.name}", key, lambda: {"images": np.stack([_cut(data, i, frames, side) for i in range(len(data))])})["images"]


def _cut(data: ClipSet, i: int, frames: int, side: int) -> np.ndarray:
    from emolib.features import detectors

    if data.source == "simulated":
        from emolib.sim import clip_sets

        film = clip_sets.film(data, i)
        at = np.linspace(0, len(film) - 1, frames).round().astype(int)
        pictures, look = clip_sets.drawn(data, i, at), detectors.SimulatorDetector(film.take(at))
    else:
        whole = list(footage.footage(data)[i].chunks())
        pictures = np.concatenate(whole)[np.linspace(0, sum(map(len, whole)) - 1, frames).round().astype(int)]
        look = detectors.make("dlib", video=False)
    marks = look.detect(pictures)
    out = np.full((frames, side, side, 3), 128, np.uint8)
    if marks.found.any():
        out[marks.found] = crops(pictures[marks.found], marks.box[marks.found], size=side)
    return out


@functools.lru_cache(maxsize=2)
def _on_device(ref: str, each: int | None, frames: int, side: int, device: str) -> tuple[ClipSet, Tensor]:
    data = chosen(datasets.resolve(ref), each)
    return data, torch.as_tensor(faces(data, frames, side), device=device)


def fed(images: Tensor) -> Tensor:
    """uint8 (..., H, W, 3) -> float32 (..., 3, H, W) in [-1, 1]."""
    return images.movedim(-1, -3).float() / 127.5 - 1


def run(*, data: str, silent: str, fold: str, seed: int, width: int, each: int | None, frames: int, side: int, epochs: int, rate: float, batch: int,
        memory_epochs: int, memory_rate: float, together: bool) -> dict:
    """Train frame by frame, then with memory, on one fold; plain values and arrays out.

    silent    reference of the same films without speech, '' where there are none;   batch   films
    together  True: extractor and LSTM learn together, as in print; False: the extractor rests, and what it says of each frame is made once
    Returns clips, truth (N,), said (2 or 1, ways, N, frames, 8): probabilities of the test films, speaking and silent; loss (E,) and
    validation (E,) of the frames, memory_loss (M,), memory_validation (M,).
    """
    whole, images = _on_device(data, each, frames, side, settings.device())
    split, device = split_of(whole, PAIRS, fold), images.device
    label = torch.as_tensor(codes(whole), device=device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net, one = OneStream(3, len(RAVDESS), width=width), nn.Linear(8 * width, len(RAVDESS))
    frame = nn.Sequential(net.stream.extractor, one).to(device, memory_format=torch.channels_last)
    net = net.to(device, memory_format=torch.channels_last)
    mirrored = torch.Generator().manual_seed(seed)

    def films(epoch):
        order = np.random.default_rng([seed, epoch]).permutation(split.train)
        for first in range(0, len(order) - 1, batch):
            now = order[first:first + batch]
            x = fed(images[now])                                                  # (B, T, 3, H, W)
            turn = (torch.rand(len(now), generator=mirrored) < 0.5).to(device)[:, None, None, None, None]      # a film is mirrored as a whole (VA)
            yield torch.where(turn, x.flip(-1), x), label[now]

    def validate(net, epoch):
        p = probabilities(frame, images, split.validation)
        curve.append(_entropy(p, label[split.validation]))
        return -curve[-1]

    curve: list[float] = []
    history = training.fit(frame, films, lambda net, x, y: F.cross_entropy(net(x.flatten(0, 1)).float(), y.repeat_interleave(x.shape[1])),
                           training.Settings(epochs, rate, "adamw", weight_decay=0.01, plateau=10, factor=0.5, mixed=True), validate=validate, keep_best=True,
                           label=f"{fold} frames")
    alone = {silence: probabilities(frame, _pictures(ref, each, frames, side, images, data), split.test)
             for silence, ref in (("speaking", data), ("silent", silent)) if ref}
    memory, memory_curve = _with_memory(net, images, split, label, seed, batch, memory_epochs, memory_rate, together, films)
    said = []
    for silence, p in alone.items():
        pictures = _pictures(data if silence == "speaking" else silent, each, frames, side, images, data)
        counted = torch.arange(1, frames + 1, device=device)[:, None]
        said.append(torch.stack([p, p.cumsum(1) / counted, remembered(net, pictures, split.test)]))
    return {"clips": whole.meta["image"].to_numpy(dtype=str)[split.test], "truth": codes(whole)[split.test], "said": torch.stack(said).cpu().numpy(),
            "loss": np.array(history.loss), "validation": np.array(curve), "memory_loss": np.array(memory.loss),
            "memory_validation": np.array(memory_curve)}


def _pictures(ref, each, frames, side, images, data) -> Tensor:
    return images if ref == data else _on_device(ref, each, frames, side, settings.device())[1]


def _with_memory(net, images, split, label, seed, batch, epochs, rate, together, films):
    """Train the LSTM and what scores it, after every frame; the extractor with them or not. Returns history and validation losses."""
    curve: list[float] = []
    features = None
    if not together:
        net.stream.extractor.requires_grad_(False)
        features = extracted(net, images, np.arange(len(images)))                 # (N, T, F)

    def batches(epoch):
        if together:
            yield from films(epoch)
            return
        order = np.random.default_rng([seed, epoch, 1]).permutation(split.train)
        for first in range(0, len(order) - 1, batch):
            now = order[first:first + batch]
            yield features[now], label[now]

    def loss(net, x, y):
        x = net.stream.extract(x) if together else x
        said = stepwise(net, x)                                                   # (B, T, 8)
        return F.cross_entropy(said.flatten(0, 1).float(), y.repeat_interleave(said.shape[1]))

    def validate(net, epoch):
        x = features[split.validation] if features is not None else extracted(net, images, split.validation)
        curve.append(_entropy(stepwise(net, x).softmax(-1), label[split.validation]))
        return -curve[-1]

    settled = training.Settings(epochs, rate, "adamw", weight_decay=0.01, plateau=10, factor=0.5, mixed=True)
    history = training.fit(net, batches, loss, settled, validate=validate, keep_best=True, label="memory")
    net.eval()
    return history, curve


def stepwise(net: OneStream, features: Tensor) -> Tensor:
    """Features of frames (B, T, F) -> raw scores after every frame (B, T, classes)."""
    steps = net.stream.aggregator.steps(features)                                 # (B, T, F)
    return net.score(steps.flatten(0, 1)).unflatten(0, steps.shape[:2])


@torch.no_grad()
def probabilities(frame: nn.Module, images: Tensor, rows: np.ndarray, batch: int = 8) -> Tensor:
    """What is said of each frame alone: (N, T, classes)."""
    frame.eval()
    said = [frame(fed(images[rows[k:k + batch]]).flatten(0, 1)).float().softmax(-1) for k in range(0, len(rows), batch)]
    return torch.cat(said).unflatten(0, (len(rows), images.shape[1]))


@torch.no_grad()
def extracted(net: OneStream, images: Tensor, rows: np.ndarray, batch: int = 8) -> Tensor:
    """Features of every frame, (N, T, F), by the extractor at rest."""
    net.stream.extractor.eval()
    return torch.cat([net.stream.extract(fed(images[rows[k:k + batch]])) for k in range(0, len(rows), batch)])


@torch.no_grad()
def remembered(net: OneStream, images: Tensor, rows: np.ndarray) -> Tensor:
    """What is said after every frame of a film: (N, T, classes)."""
    net.eval()
    return stepwise(net, extracted(net, images, rows)).float().softmax(-1)


def _entropy(p: Tensor, truth: Tensor) -> float:
    """Mean cross-entropy of probabilities (N, T, classes) after every frame."""
    at = p.gather(-1, truth[:, None, None].expand(-1, p.shape[1], 1))
    return float(-at.clamp_min(1e-12).log().mean())
