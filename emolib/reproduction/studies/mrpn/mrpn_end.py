"""Fusion networks that learn end to end, from pictures and spectrograms: one training on one fold (notebook 44; chang2021, 5.3).

As printed: two ResNet-18, an aggregator on each, the fusion of section 5.2; the picture's extractor starts from naming emotions of
FER2013, the sound's from telling speakers apart ("made the whole system much easier to be optimized", 5.3.2).
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models.costs import parameters
from emolib.models.mrpn import MRPN, design, multi_term_loss
from emolib.models.resnet_lstm import load_extractor
from emolib.reproduction import runs
from emolib.reproduction.studies.mrpn.mrpn_features import labels
from emolib.reproduction.studies.mrpn.mrpn_networks import ALONE, FACE, JOINT, METHODS, SOUND
from emolib.reproduction.studies.mrpn.mrpn_runs import parts
from emolib.reproduction.studies.speech import training as speech_networks
from emolib.reproduction.studies.video.streaming_networks import expressions, faces, fed


@dataclass(frozen=True)
class Sizes:
    """Printed: ResNet-18 at 224 pixels and 257 x 250, AdamW at 5e-5, halved after ten epochs. Ours: the rest."""

    each: int | None = None  # clips of an actor and emotion; None: all
    width: int = 64
    frames: int = 8  # of a film that the network sees; twice as many are kept to draw from
    side: int = 224
    hop_length: int = 64
    pool: int = 1
    epochs: int = 30
    rate: float = 5e-5
    batch: int = 16
    plateau: int = 10
    patience: int = 15
    starts: bool = True  # from FER2013 and from speakers, or from scratch


def beginnings(profile: str, seed: int, s: Sizes) -> dict:
    """Arguments of the two runs that extractors start from: expressions of notebook 42, and identify of notebook 43."""
    from emolib.reproduction.studies.speech import plan as speech_plan

    pictures = datasets.load("fer2013", profile=profile)
    return {
        "faces": {
            "data": datasets.reference(pictures),
            "seed": seed,
            "width": s.width,
            "side": s.side,
            "epochs": 8,
            "rate": 3e-4,
            "batch": 128,
        },
        "sound": speech_plan.Study(profile).source_task(seed),
    }


@functools.lru_cache(maxsize=2)
def _pictures(ref: str, each: int | None, frames: int, side: int, device: str) -> Tensor:
    return torch.as_tensor(
        faces(speech_networks.chosen(datasets.resolve(ref), each), frames, side), device=device
    )


@dataclass(frozen=True)
class Feed:
    """Clips as the network is given them: pictures uint8 (N, 2 frames, side, side, 3) and spectrograms on the device."""

    pictures: Tensor
    sounds: speech_networks.Sounds
    slicing: bool
    per_clip: bool

    def clips(
        self, rows: np.ndarray, rng: np.random.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Frames (B, T, 3, side, side), segments (B, S, 1, rows, length) and how many of those count (B,); with `rng` as training changes them."""
        count, frames = len(rows), self.pictures.shape[1] // 2
        at = np.tile(2 * np.arange(frames), (count, 1))
        if rng is not None and self.slicing:
            at = at + rng.integers(0, 2, at.shape)
        x = fed(self.pictures[torch.as_tensor(rows[:, None]), torch.as_tensor(at)])
        if rng is not None:
            shape = (count, 1 if self.per_clip else frames)
            put = lambda v: torch.as_tensor(v, dtype=x.dtype, device=x.device)[
                ..., None, None, None
            ]  # noqa: E731
            x = torch.where(put(rng.random(shape)) < 0.5, x.flip(-1), x) * put(
                rng.uniform(0.7, 1.3, shape)
            ) + put(rng.normal(0, 0.1, shape))
        return x, *self.sounds.segments(rows, rng if self.slicing else None)


def run(
    *,
    data: str,
    name: str,
    fold: str,
    seed: int,
    method: str,
    aggregator: str,
    slicing: bool,
    per_clip: bool,
    overlap: float,
    start: dict | None,
    each: int | None,
    width: int,
    frames: int,
    side: int,
    hop_length: int,
    pool: int,
    epochs: int,
    rate: float,
    batch: int,
    plateau: int,
    patience: int,
    starts: bool,
) -> dict:
    """Train one way to fuse on one fold; JSON-able arguments, plain values and arrays out.

    method   'alone', 'N0', 'N1' or 'N2' of mrpn_networks; 'alone' also trains late fusion on top of the two, and its joint score is that
    start    arguments of streaming_networks.expressions and of speech_networks.identify ('faces', 'sound'); None: from scratch
    Returns clips (names), truth (B,), scores and scores_as_printed (3, B, C) of face, sound and both at the epoch that the deciding actors or the
    test itself choose, loss and validation (E,) and parameters.
    """
    if method not in (ALONE, "N0", "N1", "N2"):
        raise nearest(method, (ALONE, "N0", "N1", "N2"), what="way to fuse end to end")
    device, whole = settings.device(), speech_networks.chosen(datasets.resolve(data), each)
    split = {p.name: p for p in parts(name, whole.subject, 0)}[fold]
    _, sounds = speech_networks.sounds(
        data, split.train, each=each, hop_length=hop_length, pool=pool, seconds=1.0, overlap=overlap
    )
    feed = Feed(_pictures(data, each, 2 * frames, side, device), sounds, slicing, per_clip)
    label = torch.as_tensor(labels(whole), device=device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = MRPN(
            int(label.max()) + 1,
            design(METHODS[method].design if method != "N0" else "N0"),
            width=width,
            aggregator_=aggregator,
        )
    net = net.to(device, memory_format=torch.channels_last)
    for stream, task, which in zip(
        net.streams, (expressions, speech_networks.identify), ("faces", "sound"), strict=True
    ):
        if start is not None:
            weights = runs.map(task, [start[which]], jobs=1)[0]["weights"]
            load_extractor(stream, {k: torch.as_tensor(v) for k, v in weights.items()})
    how = training.Settings(
        epochs,
        rate,
        "adamw",
        weight_decay=0.01,
        plateau=plateau,
        factor=0.5,
        patience=patience,
        mixed=True,
    )
    keep = _Keep(net, feed, split, label)
    terms = METHODS[method].terms if net.head.sides else [1.0]
    history = training.fit(
        net,
        batches(feed, split.train, label, seed, batch),
        functools.partial(loss, terms=terms),
        how,
        validate=keep,
        label=f"{fold} {method}",
    )
    validation, scores = list(keep.validation), keep.best
    if method == ALONE:
        scores = _late(net, feed, split, label, seed, batch, how, scores, fold)
    return {
        "clips": whole.meta["image"].to_numpy(dtype=str)[split.test],
        "truth": label[split.test].cpu().numpy(),
        "scores": scores["nested"],
        "scores_as_printed": scores["printed"],
        "loss": np.array(history.loss),
        "validation": np.array(validation),
        "parameters": parameters(net),
    }


def _late(net, feed, split, label, seed, batch, how, scores: dict, fold: str) -> dict:
    """Both streams rest as they are after their last epoch; the fusion component learns on top. Scores of the modalities stay."""
    (
        net.streams.requires_grad_(False),
        net.head.norms.requires_grad_(False),
        net.head.sides.requires_grad_(False),
    )
    resting = _Resting(net)
    keep = _Keep(net, feed, split, label, resting)
    training.fit(
        resting,
        batches(feed, split.train, label, seed, batch),
        functools.partial(loss, terms=(0.0, 0.0, 1.0)),
        how,
        validate=keep,
        label=f"{fold} late",
    )
    return {k: np.stack([v[FACE], v[SOUND], keep.best[k][JOINT]]) for k, v in scores.items()}


class _Resting(nn.Module):
    """A network whose streams and norms stay in testing mode while its fusion component trains."""

    def __init__(self, net: MRPN):
        super().__init__()
        self.net, self.head = net, net.head

    def features(self, *inputs, lengths=None):
        return self.net.features(*inputs, lengths=lengths)

    def train(self, mode: bool = True):
        super().train(mode)
        self.net.streams.eval(), self.head.norms.eval()
        return self


class _Keep:
    """After each epoch: what the deciding actors say of every score, and the tested clips' scores at the best."""

    def __init__(self, net, feed: Feed, split, label: Tensor, seen: nn.Module | None = None):
        self.net, self.feed, self.split, self.label = seen or net, feed, split, label
        self.validation, self.best, self.level = [], {}, {}

    def __call__(self, net, epoch: int) -> float:
        decide, tested = (
            said(self.net, self.feed, rows) for rows in (self.split.validation, self.split.test)
        )  # (3, B, C) each
        truth = self.label[self.split.validation].cpu(), self.label[self.split.test].cpu()
        entropy = np.array([float(F.cross_entropy(torch.as_tensor(s), truth[0])) for s in decide])
        level = {
            "nested": (decide.argmax(-1) == truth[0].numpy()).mean(-1) - 1e-3 * entropy,
            "printed": (tested.argmax(-1) == truth[1].numpy()).mean(-1),
        }
        for k, v in level.items():
            won = v > self.level.get(k, np.full(3, -np.inf))
            self.level[k] = np.where(won, v, self.level.get(k, v))
            self.best[k] = np.where(won[:, None, None], tested, self.best.get(k, tested))
        self.validation.append(float(entropy[JOINT]))
        return -float(
            entropy[JOINT]
            if net.head.fusion.scoring[0].weight.grad is not None
            else entropy[:JOINT].mean()
        )


def batches(feed: Feed, rows: np.ndarray, label: Tensor, seed: int, batch: int):
    """A function from epoch to batches, the same when resumed."""

    def of(epoch: int):
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(rows)
        for first in range(0, len(order) - 1, batch):
            now = order[first : first + batch]
            if len(now) > 1:
                yield *feed.clips(now, rng), label[now]

    return of


def loss(net, frames: Tensor, segments: Tensor, count: Tensor, y: Tensor, *, terms) -> Tensor:
    """The multi-term loss of the thesis (Eq. 28); terms of weight 0 are left out."""
    joint, sides = net.head.all_scores(net.features(frames, segments, lengths=[None, count]))
    return multi_term_loss(lambda s, y: F.cross_entropy(s.float(), y), joint, sides, y, terms)


@torch.no_grad()
def said(net, feed: Feed, rows: np.ndarray, batch: int = 32) -> np.ndarray:
    """Scores float32 (3, B, C) of face, sound and both; a network without side scores repeats the joint one. `net` is in evaluation."""
    out = []
    with _mixed(feed.pictures.device.type):
        for first in range(0, len(rows), batch):
            frames, segments, count = feed.clips(rows[first : first + batch])
            joint, sides = net.head.all_scores(
                net.features(frames, segments, lengths=[None, count])
            )
            out.append(torch.stack([*(sides or [joint, joint]), joint]).float().cpu().numpy())
    return np.concatenate(out, 1)


def _mixed(device: str):
    return torch.autocast(device, torch.bfloat16) if device == "cuda" else contextlib.nullcontext()
