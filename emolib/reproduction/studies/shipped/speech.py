"""The network on voices that comes with emolib: how it is trained, and on whom it is tried.

RAVDESS teaches it. Twelve networks of one recipe, each without one pair of actors, say how often it
is right on people it has never met; the one that ships learns from all 24. Nothing is chosen on any
actor: the number of epochs stands beforehand, so no part of the data need be held back for that.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.features import utterance
from emolib.features.utterance import BANDS, FLOOR, FRAMES
from emolib.ground import settings
from emolib.models import trained
from emolib.models.classifiers import efficientnet_lite0
from emolib.reproduction import runs
from emolib.reproduction.studies.speech.training import codes

CLASSES = 8  # in RAVDESS's order: neutral calm happy sad angry fear disgust surprise


@dataclass(frozen=True)
class Voices:
    """Pictures of all clips side by side on the device: decibels (N, BANDS, longest), 0 after the
    end; frames (N,); label and actor (N,)."""

    decibels: Tensor
    frames: Tensor
    label: Tensor
    actor: np.ndarray


@functools.lru_cache(maxsize=1)
def voices(ref: str, device: str) -> Voices:
    """The clips of a reference to RAVDESS."""
    clips = datasets.resolve(ref)
    pictures = [utterance.picture(wave(), clips.rate) for wave in clips.waveform]
    frames = torch.tensor([picture.shape[1] for picture in pictures])
    decibels = torch.zeros(len(pictures), BANDS, int(frames.max()))
    for row, picture in enumerate(pictures):
        decibels[row, :, : picture.shape[1]] = torch.from_numpy(picture)
    label = torch.as_tensor(codes(clips), device=device)
    return Voices(decibels.to(device), frames.to(device), label, clips.subject)


def run(
    *,
    data: str,
    seed: int,
    unseen: list[str],
    stretched: bool,
    epochs: int,
    batch: int,
    rate: float,
    weight_decay: float,
    average: float,
) -> dict:
    """Train on all actors but `unseen`.

    stretched   time augmentation: where a picture begins, and its tempo, are drawn anew each time
    Returns scores (N, 8), log-probabilities of the unseen actors' clips, rows and label (N,);
    loss (E,), prior (8,), seconds; and the weights if nobody is unseen.
    """
    device = settings.device()
    heard = voices(data, device)
    test = np.flatnonzero(np.isin(heard.actor, unseen))
    rows = np.flatnonzero(~np.isin(heard.actor, unseen))
    with training.seeded(seed):
        net = efficientnet_lite0(classes=CLASSES)
    net = net.to(device, memory_format=torch.channels_last)

    def batches(epoch: int):
        rng = torch.Generator().manual_seed(1000 * seed + epoch)
        order = torch.as_tensor(rows)[torch.randperm(len(rows), generator=rng)]
        shares = np.random.default_rng([seed, epoch]).beta(0.3, 0.3, len(order) // batch)
        for now, share in zip(order.split(batch), shares):
            x = altered(heard.decibels[now], heard.frames[now], rng, stretched=stretched)
            yield mixed(trained.voice_fed(x), one_hot(heard.label[now]), float(share), rng)

    def loss(net, x, y):
        return F.cross_entropy(net(x).float(), y, label_smoothing=0.1)

    cycle = len(rows) // batch
    how = training.Settings(
        epochs, rate, "adamw", weight_decay=weight_decay, mixed=True, cycle=cycle, average=average
    )
    began, checkpoint = time.perf_counter(), runs.scratch()
    history = training.fit(net, batches, loss, how, checkpoint=checkpoint, label="speech")
    label = heard.label.cpu().numpy()
    weights = {} if unseen else {k: v.cpu().numpy() for k, v in net.state_dict().items()}
    return {
        "scores": scores(net.eval(), heard, test),
        "rows": test,
        "label": label[test],
        "loss": np.array(history.loss),
        "prior": np.bincount(label[rows], minlength=CLASSES) / len(rows),
        "seconds": time.perf_counter() - began,
        "weights": weights,
    }


@torch.no_grad()
def scores(net, heard: Voices, rows: np.ndarray) -> np.ndarray:
    """Log-probabilities (N, 8) of whole clips: the mean over their windows."""
    out = np.zeros((len(rows), CLASSES), np.float32)
    for place, row in enumerate(rows):
        picture = heard.decibels[row, :, : heard.frames[row]].cpu().numpy()
        fed = trained.voice_fed(utterance.windows(picture)).to(heard.decibels.device)
        out[place] = net(fed).softmax(1).mean(0).log().cpu().numpy()
    return out


# ---------------------------------------------------------------- what it is shown


def altered(x: Tensor, frames: Tensor, rng: torch.Generator, *, stretched: bool = True) -> Tensor:
    """Pictures (B, BANDS, L) of `frames` (B,) as other rooms and microphones might have caught
    them -> (B, BANDS, FRAMES)."""
    x = _placed(x[:, None], frames, rng, stretched)
    x = _coloured(x, rng)
    x = _noisy(x, rng)
    return _masked(x, rng)[:, 0].clamp(0, FLOOR + 10)


def _placed(x: Tensor, frames: Tensor, rng: torch.Generator, stretched: bool) -> Tensor:
    """A window of FRAMES: where it begins, its tempo (0.85 to 1.15) and the size of the speaker's
    voice (bands moved by up to eight, stretched by up to 8 %)."""
    count, longest = len(x), x.shape[-1]
    tempo = _between(count, rng, 0.85, 1.15) if stretched else torch.ones(count)
    where = _between(count, rng, 0, 1) if stretched else torch.full((count,), 0.5)
    free = frames.cpu() - FRAMES * tempo  # negative: so much silence is around it
    time = (where * free)[:, None] + (torch.arange(FRAMES) + 0.5) * tempo[:, None]  # (B, FRAMES)
    size, shift = _between(count, rng, 0.92, 1.08), _between(count, rng, -8, 8)
    band = shift[:, None] + (torch.arange(BANDS) + 0.5) * size[:, None]  # (B, BANDS)
    across = (2 * time / longest - 1)[:, None, :].expand(-1, BANDS, -1)
    down = (2 * band / BANDS - 1)[:, :, None].expand(-1, -1, FRAMES)
    grid = torch.stack([across, down], -1).to(x.device)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _coloured(x: Tensor, rng: torch.Generator) -> Tensor:
    """A microphone's response: a smooth curve of about 3 dB over the bands, and in an eighth of
    the clips nothing above a band between the 80th and the last (3 to 8 kHz)."""
    knots = 3 * torch.randn(len(x), 1, 5, generator=rng)
    curve = F.interpolate(knots, BANDS, mode="linear", align_corners=True)[:, 0, :, None]
    x = torch.where(x > 0, (x + curve[:, None].to(x.device)).clamp_min(0), x)
    last = torch.randint(80, 80 + 8 * (BANDS - 80), (len(x), 1, 1, 1), generator=rng).to(x.device)
    return x.masked_fill(torch.arange(BANDS, device=x.device)[:, None] > last, 0.0)


def _noisy(x: Tensor, rng: torch.Generator) -> Tensor:
    """In a quarter of the clips a noise of 0 to 30 dB, tilted over the bands, is heard as well."""
    tilt = _between(len(x), rng, -10, 10)[:, None] * torch.linspace(-1, 1, BANDS)  # (B, BANDS)
    level = _between(len(x), rng, 0, 30)[:, None] + tilt
    power = torch.empty(x.shape).exponential_(generator=rng)
    noise = (10 ** (level / 10))[:, None, :, None] * power
    both = 10 * torch.log10(10 ** (x / 10) + noise.to(x.device))
    chosen = (_between(len(x), rng, 0, 1) < 0.25)[:, None, None, None].to(x.device)
    return torch.where(chosen, both, x)


def _masked(x: Tensor, rng: torch.Generator) -> Tensor:
    """SpecAugment (Park et al. 2019): two spans of up to 16 bands, two of up to 24 frames."""
    for axis, widest in 2 * ((2, 16), (3, 24)):
        size = x.shape[axis]
        width = torch.randint(0, widest + 1, (len(x),), generator=rng)
        low = (torch.rand(len(x), generator=rng) * (size - width)).long()
        at = torch.arange(size)
        hidden = (at >= low[:, None]) & (at < (low + width)[:, None])  # (B, size)
        hidden = hidden[:, None, :, None] if axis == 2 else hidden[:, None, None, :]
        x = torch.where(hidden.to(x.device), x.mean((1, 2, 3), keepdim=True), x)
    return x


def mixed(x: Tensor, y: Tensor, share: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """mixup (Zhang et al. 2018): pictures, and so labels, with 1 - `share` of another."""
    other = torch.randperm(len(x), generator=rng).to(x.device)
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]


def one_hot(label: Tensor) -> Tensor:
    return F.one_hot(label, CLASSES).float()


def _between(count: int, rng: torch.Generator, low: float, high: float) -> Tensor:
    """(count,) draws on the CPU, where the generator lives."""
    return low + (high - low) * torch.rand(count, generator=rng)
