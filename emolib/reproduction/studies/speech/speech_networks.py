"""ResNet-18 and LSTM on spectrogram segments: one training on one fold, or on speakers (notebook 43; chang2021, 4.5 and 5.3).

A clip is a sequence of segments of 1.0 s; an extractor looks at each, an LSTM listens to all of them, one dense unit scores
(models/resnet_lstm.py). Actors apart from those of the test decide on the epoch; the epoch that the test itself would have
chosen is kept beside it, because that is how the thesis reports.
"""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data import splits
from emolib.data.sim.clip_sets import RAVDESS
from emolib.features import spectra as spectrograms
from emolib.ground import settings
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError, nearest
from emolib.models.costs import parameters
from emolib.models.resnet_lstm import OneStream, load_extractor
from emolib.reproduction import runs

PAIRS, RANDOM = "ravdess-12x2", "random clips"
MASKS = 2  # of SpecAugment in each direction, each up to an eighth of the segment


def chosen(data: ClipSet, each: int | None) -> ClipSet:
    """The first `each` clips of every actor and emotion; None for all."""
    if each is None:
        return data
    seen, keep = {}, np.zeros(len(data), bool)
    for i, key in enumerate(zip(data.subject, data.label, strict=True)):
        seen[key] = seen.get(key, 0) + 1
        keep[i] = seen[key] <= each
    return data.select(keep)


def codes(data: ClipSet) -> np.ndarray:
    """Classes (N,) 0 to 7 in RAVDESS's own order: neutral, calm, happy, sad, angry, fear, disgust, surprise."""
    return data.meta["code"].to_numpy() - 1


def split_of(data: ClipSet, protocol: str, fold: str) -> splits.Split:
    """The fold of that name: a pair of actors ('A1,2'), or, leaking, a twelfth of the clips drawn at random ('1' to '12')."""
    if protocol == PAIRS:
        found = {s.name: s for s in splits.literature_folds(data, PAIRS)}
    elif protocol == RANDOM:
        fewest = int(np.bincount(codes(data)).min())  # of a class: a small set has fewer parts
        found = {
            str(k + 1): s
            for k, s in enumerate(
                splits.cross_validation(
                    data, min(12, fewest), leaky=True, validation=min(10, fewest - 1)
                )
            )
        }
    else:
        raise nearest(protocol, (PAIRS, RANDOM), what="way to split RAVDESS")
    if fold not in found:
        raise nearest(fold, found, what=f"fold of {protocol}")
    return found[fold]


@dataclass(frozen=True)
class Sounds:
    """Spectrograms on the device, with the mean and spread of each row over the training clips.

    decibels (frames, rows) as kept;   first, frames (N,);   length, step  of a segment, in frames
    """

    decibels: Tensor
    mean: Tensor
    spread: Tensor
    first: np.ndarray
    frames: np.ndarray
    length: int
    step: int

    def segments(
        self,
        clips: np.ndarray,
        rng: np.random.Generator | None = None,
        *,
        masks: np.random.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Segments (B, S, 1, rows, length), normalised, and their number in each clip (B,).

        rng     random slicing: where the first segment of each clip begins;   masks   SpecAugment
        """
        at, count = spectrograms.starts(
            self.frames[clips], self.length, self.step, rng
        )  # (B, S), (B,)
        device = self.decibels.device
        where = torch.as_tensor(self.first[clips, None] + at, device=device)[
            ..., None
        ] + torch.arange(self.length, device=device)  # (B, S, length)
        x = ((self.decibels[where].float() - self.mean) / self.spread).transpose(
            2, 3
        )  # (B, S, rows, length)
        if masks is not None:
            x = masked(x, masks)
        return x.unsqueeze(2), torch.as_tensor(count, device=device)


def masked(x: Tensor, rng: np.random.Generator) -> Tensor:
    """SpecAugment (Park et al. 2019): two bands and two spans of every segment (B, S, rows, length) set to 0, the mean; each 0 to 1/8 wide."""
    for axis in (2, 3):
        size = x.shape[axis]
        for _ in range(MASKS):
            width = rng.integers(0, size // 8 + 1, x.shape[:2])
            low = rng.integers(0, size - width + 1)
            at = torch.arange(size, device=x.device)
            low, width = (torch.as_tensor(v, device=x.device)[..., None] for v in (low, width))
            out = (at >= low) & (at < low + width)  # (B, S, size)
            x = x.masked_fill(out.unsqueeze(5 - axis), 0.0)
    return x


@functools.lru_cache(maxsize=2)
def _on_device(
    ref: str, each: int | None, hop_length: int, pool: int, device: str
) -> tuple[ClipSet, Tensor, spectrograms.Spectra]:
    data = chosen(datasets.resolve(ref), each)
    made = spectrograms.spectra(data, hop_length=hop_length, pool=pool)
    return data, torch.as_tensor(made.decibels, device=device), made


def prepare(ref: str, each: int | None, hop_length: int, pool: int) -> None:
    """Make the spectrograms of a set before runs in several processes ask for them."""
    spectrograms.spectra(chosen(datasets.resolve(ref), each), hop_length=hop_length, pool=pool)


def sounds(
    ref: str,
    train: np.ndarray,
    *,
    each: int | None,
    hop_length: int,
    pool: int,
    seconds: float,
    overlap: float,
) -> tuple[ClipSet, Sounds]:
    """The clips of a reference and their spectrograms on this run's device; rows are scaled by what the clips `train` hold."""
    data, decibels, made = _on_device(ref, each, hop_length, pool, settings.device())
    length = round(seconds * made.per_second)
    rows = np.concatenate(
        [np.arange(made.first[i], made.first[i] + made.frames[i], 8) for i in train]
    )  # every eighth frame is plenty
    seen = decibels[torch.as_tensor(rows, device=decibels.device)].float()
    return data, Sounds(
        decibels,
        seen.mean(0),
        seen.std(0).clamp(min=1.0),
        made.first,
        made.frames,
        length,
        max(1, round(length * (1 - overlap))),
    )


def run(
    *,
    data: str,
    protocol: str,
    fold: str,
    seed: int,
    slicing: bool,
    masks: bool,
    start: dict | None,
    width: int,
    each: int | None,
    hop_length: int,
    pool: int,
    seconds: float,
    overlap: float,
    epochs: int,
    rate: float,
    batch: int,
    plateau: int,
    patience: int,
) -> dict:
    """Train on one fold; JSON-able arguments, plain values and arrays out.

    slicing   time augmentation by random slicing (T) or none (NT);   masks   SpecAugment
    start     arguments of `identify`, whose extractor this one starts from; None: from scratch
    Returns, of the test clips: clips (names), scores (N, 8) at the epoch that the validation actors choose (most clips right, the lowest
    loss of those), scores_as_printed (N, 8) at the epoch that the test itself would have chosen, features (N, F) after the last epoch,
    right (E,) the test clips' share by epoch; and loss (E,), validation (E,) cross-entropy, validation_right (E,), best_epoch, parameters.
    """
    whole = chosen(datasets.resolve(data), each)
    split, device = split_of(whole, protocol, fold), settings.device()
    _, clips = sounds(
        data,
        split.train,
        each=each,
        hop_length=hop_length,
        pool=pool,
        seconds=seconds,
        overlap=overlap,
    )
    label = torch.as_tensor(codes(whole), device=device)
    net = network(1, len(RAVDESS), width, seed, device)
    if start is not None:
        weights = runs.map(identify, [start], jobs=1)[0]["weights"]
        load_extractor(net.stream, {k: torch.as_tensor(v) for k, v in weights.items()})
    validated, tested = [], []

    def validate(net, epoch):
        said = torch.as_tensor(scores(net, clips, split.validation)[0], device=device)
        truth = label[split.validation]
        validated.append(
            (float(F.cross_entropy(said, truth)), float((said.argmax(1) == truth).float().mean()))
        )
        tested.append(scores(net, clips, split.test)[0])
        return -validated[-1][0]

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
    history = training.fit(
        net,
        batches(clips, split.train, label, seed, batch, slicing, masks),
        loss,
        how,
        validate=validate,
        label=f"{fold} {'T' if slicing else 'NT'}",
    )
    truth = codes(whole)[split.test]
    right = np.array([(s.argmax(1) == truth).mean() for s in tested])
    best = max(range(len(validated)), key=lambda e: (validated[e][1], -validated[e][0]))
    return {
        "clips": whole.meta["image"].to_numpy(dtype=str)[split.test],
        "scores": tested[best],
        "scores_as_printed": tested[int(right.argmax())],
        "features": scores(net, clips, split.test)[1].astype(np.float16),
        "right": right,
        "loss": np.array(history.loss),
        "best_epoch": best,
        "validation": np.array([v for v, _ in validated]),
        "validation_right": np.array([r for _, r in validated]),
        "parameters": parameters(net),
    }


def identify(
    *,
    data: str,
    seed: int,
    width: int,
    hop_length: int,
    pool: int,
    seconds: float,
    epochs: int,
    rate: float,
    batch: int,
) -> dict:
    """Train to tell speakers apart; returns the extractor's weights, the share of held-out clips named rightly (by epoch, E), and chance."""
    device, whole = settings.device(), datasets.resolve(data)
    train, test = np.flatnonzero(whole.split == "train"), np.flatnonzero(whole.split == "test")
    if not len(test):
        raise EmolibError(
            f"{whole.name}: no clip is left to test on; take at least five clips of each person"
        )
    _, clips = sounds(
        data, train, each=None, hop_length=hop_length, pool=pool, seconds=seconds, overlap=0.0
    )
    label = torch.as_tensor(whole.label, device=device)
    net, right = network(1, len(whole.classes), width, seed, device, aggregator="average"), []

    def validate(net, epoch):
        right.append(float((scores(net, clips, test)[0].argmax(1) == whole.label[test]).mean()))
        return right[-1]

    how = training.Settings(epochs, rate, "adamw", weight_decay=0.01, mixed=True)
    history = training.fit(
        net,
        batches(clips, train, label, seed, batch, slicing=True, masks=False),
        loss,
        how,
        validate=validate,
        label="speakers",
    )
    return {
        "weights": {k: v.cpu().numpy() for k, v in net.stream.extractor.state_dict().items()},
        "right": np.array(right),
        "loss": np.array(history.loss),
        "chance": 1 / len(whole.classes),
    }


def network(
    channels: int, classes: int, width: int, seed: int, device: str, aggregator: str = "LSTM"
) -> OneStream:
    """A network whose weights depend on the seed alone, on the device, channels last."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = OneStream(channels, classes, width=width, aggregator_=aggregator)
    return net.to(device, memory_format=torch.channels_last)


def batches(
    clips: Sounds,
    rows: np.ndarray,
    label: Tensor,
    seed: int,
    batch: int,
    slicing: bool,
    masks: bool,
):
    """A function from epoch to batches, the same when resumed; a last batch of a single clip is left out."""

    def of(epoch: int):
        rng = np.random.default_rng([seed, epoch])
        order, slices, hidden = rng.permutation(rows), *rng.spawn(2)
        for first in range(0, len(order), batch):
            now = order[first : first + batch]
            if len(now) > 1:
                yield (
                    *clips.segments(
                        now, slices if slicing else None, masks=hidden if masks else None
                    ),
                    label[now],
                )

    return of


def loss(net, x, count, y):
    return F.cross_entropy(net(x, count).float(), y)


@torch.no_grad()
def scores(
    net: OneStream, clips: Sounds, rows: np.ndarray, batch: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Raw scores float32 (N, classes) and aggregated features (N, F) of clips cut in order; `net` is in evaluation."""
    device = clips.decibels.device.type
    mixed = torch.autocast(device, torch.bfloat16) if device == "cuda" else contextlib.nullcontext()
    found, kept = [], []
    with mixed:
        for first in range(0, len(rows), batch):
            feature = net.stream(*clips.segments(rows[first : first + batch]))
            kept.append(feature.float().cpu().numpy())
            found.append(net.score(feature).float().cpu().numpy())
    return np.concatenate(found), np.concatenate(kept)
