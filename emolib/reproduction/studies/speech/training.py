"""ResNet-18 and LSTM on spectrogram segments, and their classical rival (notebook 43).

chang2021, 4.5 and 5.3. A clip is a sequence of segments of 1.0 s; an extractor looks at each, an
LSTM listens to all of them, one dense unit scores (models/resnet_lstm.py). Actors apart from those
of the test decide on the epoch; the epoch that the test itself would have chosen is kept beside it,
because that is how the thesis reports. The rival: 88 functionals of the voice (eGeMAPS, Eyben et
al. 2016; the package opensmile, not for commercial use) and a linear support vector machine.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data import splits
from emolib.data.sim.clip_sets import RAVDESS
from emolib.features import speaker, spectra
from emolib.ground import settings
from emolib.ground.containers import ClipSet, TableSet
from emolib.ground.errors import EmolibError, nearest
from emolib.models.costs import parameters
from emolib.models.resnet_lstm import OneStream, load_extractor
from emolib.reproduction import runs

PAIRS, RANDOM = "ravdess-12x2", "random clips"
MASKS = 2  # of SpecAugment in each direction, each up to an eighth of the segment
CS = (0.01, 0.03, 0.1, 0.3, 1.0)  # weights of the slacks that the validation actors choose from


# ---------------------------------------------------------------- clips and folds


def chosen(data: ClipSet, each: int | None) -> ClipSet:
    """The first `each` clips of every actor and emotion; None for all."""
    if each is None:
        return data
    seen, keep = {}, np.zeros(len(data), bool)
    for i, key in enumerate(zip(data.subject, data.label)):
        seen[key] = seen.get(key, 0) + 1
        keep[i] = seen[key] <= each
    return data.select(keep)


def codes(data: ClipSet) -> np.ndarray:
    """Classes (N,) in RAVDESS's order: neutral calm happy sad angry fear disgust surprise."""
    return data.meta["code"].to_numpy() - 1


def split_of(data: ClipSet, protocol: str, fold: str) -> splits.Split:
    """A pair of actors ('A1,2'), or, leaking, a twelfth of the clips at random ('1' to '12')."""
    if protocol == PAIRS:
        parts = {s.name: s for s in splits.literature_folds(data, PAIRS)}
    elif protocol == RANDOM:
        fewest = int(np.bincount(codes(data)).min())  # of a class: a small set has fewer parts
        folds, validation = min(12, fewest), min(10, fewest - 1)
        drawn = splits.cross_validation(data, folds, leaky=True, validation=validation)
        parts = {str(k): s for k, s in enumerate(drawn, 1)}
    else:
        raise nearest(protocol, (PAIRS, RANDOM), what="way to split RAVDESS")
    if fold not in parts:
        raise nearest(fold, parts, what=f"fold of {protocol}")
    return parts[fold]


# ---------------------------------------------------------------- what the network is given


@dataclass(frozen=True)
class Sounds:
    """Spectrograms on the device, with the mean and spread of each row over the training clips.

    decibels (frames, rows) as kept;   first, frames (N,);   length, step  of a segment, in frames
    level    (N,) decibels that are taken out of each clip
    """

    decibels: Tensor
    level: Tensor
    mean: Tensor
    spread: Tensor
    first: np.ndarray
    frames: np.ndarray
    length: int
    step: int

    def segments(self, clips: np.ndarray, rng=None, *, masks=None) -> tuple[Tensor, Tensor]:
        """Segments (B, S, 1, rows, length), normalised, and their number in each clip (B,).

        rng    a generator for random slicing: where the first segment of each clip begins
        masks  a generator for SpecAugment
        """
        at, count = spectra.starts(self.frames[clips], self.length, self.step, rng)  # (B, S), (B,)
        device = self.decibels.device
        first = torch.as_tensor(self.first[clips, None] + at, device=device)
        where = first[..., None] + torch.arange(self.length, device=device)  # (B, S, length)
        level = self.level[torch.as_tensor(clips, device=device), None, None, None]
        x = (self.decibels[where].float() - level - self.mean) / self.spread
        x = x.transpose(2, 3)  # (B, S, rows, length)
        if masks is not None:
            x = masked(x, masks)
        return x.unsqueeze(2), torch.as_tensor(count, device=device)


def masked(x: Tensor, rng: np.random.Generator) -> Tensor:
    """SpecAugment (Park et al. 2019) of segments (B, S, rows, length).

    Two bands and two spans of each are set to 0, the mean; each is 0 to 1/8 wide.
    """
    for axis in (2, 3):
        size = x.shape[axis]
        at = torch.arange(size, device=x.device)
        for _ in range(MASKS):
            width = rng.integers(0, size // 8 + 1, x.shape[:2])
            low = rng.integers(0, size - width + 1)
            low, width = (torch.as_tensor(v, device=x.device)[..., None] for v in (low, width))
            out = (at >= low) & (at < low + width)  # (B, S, size)
            x = x.masked_fill(out.unsqueeze(5 - axis), 0.0)
    return x


@functools.lru_cache(maxsize=2)
def _on_device(ref: str, each: int | None, hop_length: int, pool: int, device: str):
    """The clips of a reference, their spectrograms, and those on the device."""
    data = chosen(datasets.resolve(ref), each)
    made = spectra.spectra(data, hop_length=hop_length, pool=pool)
    return data, made, torch.as_tensor(made.decibels, device=device)


def sounds(
    ref: str,
    train: np.ndarray,
    *,
    each: int | None,
    hop_length: int,
    pool: int,
    seconds: float,
    overlap: float,
    level: bool = True,
) -> tuple[ClipSet, Sounds]:
    """The clips of a reference and their spectrograms on this run's device.

    level   keep how loud a clip was recorded; False takes the mean of its decibels out
    Rows are scaled by every eighth frame of the clips `train`: plenty.
    """
    data, made, decibels = _on_device(ref, each, hop_length, pool, settings.device())
    length = round(seconds * made.per_second)
    step = max(1, round(length * (1 - overlap)))
    ends = made.first + made.frames
    levels = decibels.new_zeros(len(data), dtype=torch.float32)
    if not level:
        clips = zip(made.first, ends, strict=True)
        levels = torch.stack([decibels[a:b].float().mean() for a, b in clips])
    rows = [np.arange(made.first[i], ends[i], 8) for i in train]
    whose = torch.as_tensor(np.repeat(train, [len(r) for r in rows]), device=decibels.device)
    rows = torch.as_tensor(np.concatenate(rows), device=decibels.device)
    seen = decibels[rows].float() - levels[whose, None]
    mean, spread = seen.mean(0), seen.std(0).clamp(min=1.0)
    return data, Sounds(decibels, levels, mean, spread, made.first, made.frames, length, step)


def batches(
    clips: Sounds,
    rows: np.ndarray,
    label: Tensor,
    seed: int,
    batch: int,
    slicing: bool,
    masks: bool,
):
    """A function from epoch to batches, the same when resumed; no batch holds a single clip."""

    def of(epoch: int):
        rng = np.random.default_rng([seed, epoch])
        order, slices, hidden = rng.permutation(rows), *rng.spawn(2)
        for first in range(0, len(order), batch):
            now = order[first : first + batch]
            if len(now) > 1:
                x, count = clips.segments(
                    now, slices if slicing else None, masks=hidden if masks else None
                )
                yield x, count, label[now]

    return of


# ---------------------------------------------------------------- trainings


def run(
    *,
    data: str,
    protocol: str,
    fold: str,
    seed: int,
    slicing: bool,
    masks: bool,
    level: bool,
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
    """Train on one fold.

    slicing   time augmentation by random slicing (T) or none (NT);   masks   SpecAugment
    level     keep how loud a clip was recorded, as a printed spectrogram does, or take it out
    start     arguments of `identify`, whose extractor this one starts from; None: from scratch
    Returns, of the test clips: clips (names), scores (N, 8) at the epoch that the validation actors
    choose (most clips right, the lowest loss of those), scores_as_printed (N, 8) at the epoch that
    the test itself would have chosen, features (N, F) after the last epoch, right (E,), the share
    by epoch; and loss (E,), validation (E,) cross-entropy, validation_right (E,).
    """
    whole = chosen(datasets.resolve(data), each)
    split, device = split_of(whole, protocol, fold), settings.device()
    cut = {"hop_length": hop_length, "pool": pool, "seconds": seconds, "overlap": overlap}
    _, clips = sounds(data, split.train, each=each, level=level, **cut)
    label = torch.as_tensor(codes(whole), device=device)
    net = network(len(RAVDESS), width, seed, device)
    if start is not None:
        weights = runs.map(identify, [start], jobs=1)[0]["weights"]
        load_extractor(net.stream, {k: torch.as_tensor(v) for k, v in weights.items()})
    losses, rights, tested = [], [], []

    def validate(net, epoch):
        logits = torch.as_tensor(scores(net, clips, split.validation)[0], device=device)
        truth = label[split.validation]
        losses.append(float(F.cross_entropy(logits, truth)))
        rights.append(float((logits.argmax(1) == truth).float().mean()))
        tested.append(scores(net, clips, split.test)[0])
        return -losses[-1]

    rule = {"plateau": plateau, "factor": 0.5, "patience": patience}
    history = training.fit(
        net,
        batches(clips, split.train, label, seed, batch, slicing, masks),
        loss,
        training.Settings(epochs, rate, "adamw", weight_decay=0.01, mixed=True, **rule),
        validate=validate,
        label=f"{fold} {'T' if slicing else 'NT'}",
    )
    truth = codes(whole)[split.test]
    right = np.array([(logits.argmax(1) == truth).mean() for logits in tested])
    best = max(range(len(rights)), key=lambda epoch: (rights[epoch], -losses[epoch]))
    return {
        "clips": whole.meta["image"].to_numpy(dtype=str)[split.test],
        "scores": tested[best],
        "scores_as_printed": tested[int(right.argmax())],
        "features": scores(net, clips, split.test)[1].astype(np.float16),
        "right": right,
        "loss": np.array(history.loss),
        "best_epoch": best,
        "validation": np.array(losses),
        "validation_right": np.array(rights),
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
    """Train to tell speakers apart.

    Returns the extractor's weights, right (E,), the share of held-out clips named rightly by epoch,
    loss (E,) and chance.
    """
    device, whole = settings.device(), datasets.resolve(data)
    train, test = np.flatnonzero(whole.split == "train"), np.flatnonzero(whole.split == "test")
    if not len(test):
        raise EmolibError(
            f"{whole.name}: no clip is left to test on; take at least five clips of each person"
        )
    cut = {"hop_length": hop_length, "pool": pool, "seconds": seconds, "overlap": 0.0}
    _, clips = sounds(data, train, each=None, **cut)
    label = torch.as_tensor(whole.label, device=device)
    net, right = network(len(whole.classes), width, seed, device, aggregator="average"), []

    def validate(net, epoch):
        right.append(float((scores(net, clips, test)[0].argmax(1) == whole.label[test]).mean()))
        return right[-1]

    history = training.fit(
        net,
        batches(clips, train, label, seed, batch, slicing=True, masks=False),
        loss,
        training.Settings(epochs, rate, "adamw", weight_decay=0.01, mixed=True),
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
    classes: int, width: int, seed: int, device: str, aggregator: str = "LSTM"
) -> OneStream:
    """A network whose weights depend on the seed alone, on the device, channels last."""
    with training.seeded(seed):
        net = OneStream(1, classes, width=width, aggregator_=aggregator)
    return net.to(device, memory_format=torch.channels_last)


def loss(net, x, count, y):
    return F.cross_entropy(net(x, count).float(), y)


@torch.no_grad()
def scores(net: OneStream, clips: Sounds, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Raw scores float32 (N, classes) and aggregated features (N, F) of clips cut in order.

    `net` is in evaluation.
    """
    device = clips.decibels.device.type
    mixed = torch.autocast(device, torch.bfloat16) if device == "cuda" else contextlib.nullcontext()
    logits, features = [], []
    with mixed:
        for first in range(0, len(rows), 64):
            feature = net.stream(*clips.segments(rows[first : first + 64]))
            features.append(feature.float().cpu().numpy())
            logits.append(net.score(feature).float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(features)


# ---------------------------------------------------------------- the classical rival


def opensmile_at_hand() -> bool:
    return importlib.util.find_spec("opensmile") is not None


def functionals(*, data: str, subject: str, each: int | None) -> dict:
    """eGeMAPS of the clips of one speaker: features float32 (n, 88), their and the clips' names."""
    import opensmile

    whole = chosen(datasets.resolve(data), each)
    rows = np.flatnonzero(whole.subject == subject)
    sets, levels = opensmile.FeatureSet, opensmile.FeatureLevel
    smile = opensmile.Smile(feature_set=sets.eGeMAPSv02, feature_level=levels.Functionals)
    made = [smile.process_signal(whole.waveform[i](), whole.rate).to_numpy()[0] for i in rows]
    return {
        "features": np.array(made, np.float32),
        "names": list(smile.feature_names),
        "clips": whole.meta["image"].to_numpy(dtype=str)[rows],
    }


def embeddings(*, data: str, subject: str, each: int | None, weights: str) -> dict:
    """Speaker embeddings of the clips of one actor: features float32 (n, 256) and the clips' names.

    weights   speaker.fingerprint of the file that is at hand
    """
    whole, path = chosen(datasets.resolve(data), each), speaker.weights()
    if path is None or speaker.fingerprint(path) != weights:
        raise EmolibError("the weights of the speaker encoder are gone or others; start again")
    rows = np.flatnonzero(whole.subject == subject)
    waves = [whole.waveform[i]() for i in rows]
    return {
        "features": speaker.embedded(speaker.load(path), waves, whole.rate),
        "clips": whole.meta["image"].to_numpy(dtype=str)[rows],
    }


def linear_svm(C: float):
    return SVC(kernel="linear", C=C)


def logistic(C: float):
    return LogisticRegression(C=C, max_iter=5000, tol=1e-3)


def forest(C: float):
    return RandomForestClassifier(100, random_state=0)


MACHINES = {"logistic regression": logistic, "linear SVM": linear_svm, "random forest": forest}


def named(features: np.ndarray, truth: np.ndarray, split, machine=linear_svm) -> np.ndarray:
    """Classes (N_test,) that a stock classifier names; C is chosen on the validation part.

    features (N, F), truth (N,): every row;   split   train, validation and test rows
    machine   from C to a classifier of scikit-learn; features are scaled by the training rows
    """
    right, answers = [], []
    for C in CS[:1] if machine is forest else CS:  # a forest has no C to choose
        fitted = make_pipeline(StandardScaler(), machine(C))
        fitted.fit(features[split.train], truth[split.train])
        right.append(fitted.score(features[split.validation], truth[split.validation]))
        answers.append(fitted.predict(features[split.test]))
    return answers[int(np.argmax(right))]


def stock(*, data: str, each: int | None, protocol: str, machine: str) -> dict:
    """One of MACHINES on a table of features, fold by fold: said and truth int (N,), subject and
    fold str (N,), of every tested row."""
    whole: TableSet = chosen(datasets.resolve(data), each)
    truth, parts = np.unique(whole.label, return_inverse=True)[1], []
    for split in splits.literature_folds(whole, protocol):
        said = named(whole.features, truth, split, MACHINES[machine])
        fold = np.full(len(said), split.name)
        parts.append((said, truth[split.test], whole.subject[split.test].astype(str), fold))
    names = ("said", "truth", "subject", "fold")
    return {name: np.concatenate(part) for name, part in zip(names, zip(*parts))}
