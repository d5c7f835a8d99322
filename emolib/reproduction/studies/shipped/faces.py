"""The network on faces that comes with emolib: how it is trained, and on whom it is tried.

FERPlus's own training part teaches it; PublicTest is looked at along the way and chooses nothing;
PrivateTest is read once, at the end. CK+ copies and JAFFE are other people before other cameras and
are never trained on.
"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from emolib import data as datasets
from emolib import training
from emolib.data import votes
from emolib.data.checks import content_of
from emolib.ground import settings
from emolib.models import trained
from emolib.models.classifiers import efficientnet_lite0
from emolib.reproduction import runs

CLASSES = 7


def run(
    *,
    data: str,
    seed: int,
    sides: list[int],
    batch: int,
    rate: float,
    weight_decay: float,
    average: float,
    train: int | None = None,
    much: float = 1.0,
    begin: dict | None = None,
) -> dict:
    """Train on FERPlus's training part.

    data    FERPlus by its distribution of votes
    sides   pixels of the pictures in each epoch: small ones first are cheap, and as good a start
    much    how much pictures are changed: a share of what `moved` does
    begin   arguments of the run whose weights this one goes on from; None: ImageNet's
    Returns the averaged weights, prior (7,): shares of the classes in what was learnt; loss (E,)
    and public (E,), accuracy on PublicTest; counts of pictures, seconds.
    """
    faces, device = datasets.resolve(data), settings.device()
    images = torch.as_tensor(faces.images, device=device)
    content, held_out = content_of(faces.images), faces.split != "Training"
    rows = np.flatnonzero(~held_out)
    twins = np.isin(content[rows], content[held_out])
    rows = rows[~twins][:train]
    seen = np.flatnonzero(faces.split == "PublicTest")
    aim = votes.probabilities(faces.meta[list(votes.VOTES)].to_numpy(), CLASSES)
    target = torch.as_tensor(aim, dtype=torch.float32, device=device)
    with training.seeded(seed):
        net = efficientnet_lite0(classes=CLASSES)
    if begin is not None:
        (before,) = runs.map(run, [begin], jobs=1)
        net.load_state_dict({k: torch.as_tensor(v) for k, v in before["weights"].items()})
    net = net.to(device, memory_format=torch.channels_last)

    def batches(epoch: int):
        rng = torch.Generator().manual_seed(1000 * seed + epoch)
        order = rows[torch.randperm(len(rows), generator=rng).numpy()]
        for first in range(0, len(order) - batch + 1, batch):
            now = order[first : first + batch]
            yield moved(images[now], sides[epoch], rng, much), target[now]

    def loss(net, x, y):
        return F.cross_entropy(net(x).float(), y)

    def validate(net, epoch):
        return float((scores(net, faces.images[seen]).argmax(1) == faces.label[seen]).mean())

    how = training.Settings(
        len(sides),
        rate,
        "adamw",
        weight_decay=weight_decay,
        mixed=True,
        cycle=len(rows) // batch,
        average=average,
        validate_every=3,
    )
    began = time.perf_counter()
    checkpoint = runs.scratch()
    history = training.fit(
        net, batches, loss, how, validate=validate, checkpoint=checkpoint, label="faces"
    )
    return {
        "weights": {k: v.cpu().numpy() for k, v in net.state_dict().items()},
        "prior": aim[rows].mean(0),
        "loss": np.array(history.loss),
        "public": np.array([score for _, score in history.validated]),
        "pictures": len(rows),
        "twins": int(twins.sum()),
        "seconds": time.perf_counter() - began,
    }


# ---------------------------------------------------------------- what it is shown


def moved(images: Tensor, side: int, rng: torch.Generator, much: float = 1.0) -> Tensor:
    """Faces uint8 (B, 48, 48) as other cameras might have caught them -> (B, 3, side, side).

    Mirrored, turned, larger or smaller, wider, off the middle; lit from a side, through another
    gamma, at fewer pixels, with noise; and a rectangle of half of them is covered. Milder than it
    might be: with half as much again, fifteen epochs still left the loss falling.

    much   share of all that but the mirror; at 0 nothing else happens
    """
    x = images[:, None].float() / 255
    x = _coarse(x, rng, much)
    x = _placed(x, side, rng, much)
    x = _lit(x, rng, much)
    x = x + 0.02 * much * _between(x, rng, 0, 1) * _normal(x, rng)
    return trained.three(_covered(trained.standardised(x, least=2.0 / 255), rng, much))


def _coarse(x: Tensor, rng: torch.Generator, much: float) -> Tensor:
    """An eighth of the pictures (B, 1, H, H) at 20 to 40 pixels only, all of a batch alike."""
    few = int(torch.randint(20, 41, (), generator=rng))
    small = F.interpolate(x, (few, few), mode="bilinear", antialias=True, align_corners=False)
    small = F.interpolate(small, x.shape[-2:], mode="bilinear", align_corners=False)
    return torch.where(_between(x, rng, 0, 1) < 0.125 * much, small, x)


def _placed(x: Tensor, side: int, rng: torch.Generator, much: float) -> Tensor:
    """(B, 1, H, H) -> (B, 1, side, side): one bilinear look, the border repeated outside."""
    turn = much * _between(x, rng, -1, 1) * 15 * math.pi / 180  # (B, 1, 1, 1), as all that follow
    size = torch.exp(much * _between(x, rng, -0.15, 0.15))
    wide = size * torch.exp(much * _between(x, rng, -0.05, 0.05))
    mirror = torch.where(_between(x, rng, 0, 1) < 0.5, -1.0, 1.0)
    right, down = (much * _between(x, rng, -0.12, 0.12) for _ in range(2))
    upper = torch.cat([mirror * wide * turn.cos(), -size * turn.sin(), right], -1)
    lower = torch.cat([mirror * wide * turn.sin(), size * turn.cos(), down], -1)
    theta = torch.cat([upper, lower], 2)[:, 0]  # (B, 2, 3)
    grid = F.affine_grid(theta, [len(x), 1, side, side], align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _lit(x: Tensor, rng: torch.Generator, much: float) -> Tensor:
    """Another gamma, and light that grows towards one side."""
    gamma = torch.exp(much * _between(x, rng, -0.3, 0.3))
    across = torch.linspace(-1, 1, x.shape[-1], device=x.device)
    ramp = _between(x, rng, -0.2, 0.2) * across + _between(x, rng, -0.2, 0.2) * across[:, None]
    ramp = much * ramp
    return x.clamp(1e-3, 1) ** gamma * (1 + ramp) + 0.3 * ramp


def _covered(x: Tensor, rng: torch.Generator, much: float) -> Tensor:
    """In half of the pictures a rectangle of a tenth to two fifths of a side each way is grey."""
    at = (torch.arange(x.shape[-1], device=x.device) + 0.5) / x.shape[-1]
    inside = torch.ones_like(x[:, :1], dtype=torch.bool)
    for axis in (at, at[:, None]):
        extent = _between(x, rng, 0.1, 0.4)
        low = _between(x, rng, 0, 1) * (1 - extent)
        inside = inside & (axis >= low) & (axis < low + extent)
    return x.masked_fill(inside & (_between(x, rng, 0, 1) < 0.5 * much), 0.0)


def _between(x: Tensor, rng: torch.Generator, low: float, high: float) -> Tensor:
    """(B, 1, 1, 1) draws on the device of x; the generator lives on the CPU."""
    return (low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=rng)).to(x.device)


def _normal(x: Tensor, rng: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=rng).to(x.device)


# ---------------------------------------------------------------- on whom it is tried


@torch.no_grad()
def scores(
    net, images: np.ndarray, side: int = trained.LOOKED, *, mirrored: bool = True
) -> np.ndarray:
    """Probabilities (N, 7) of faces uint8 (N, 48, 48) at `side` pixels; where mirrored, the mean of
    those of the faces and of their mirror images."""
    device, parts = next(net.parameters()).device, []
    for first in range(0, len(images), 128):
        x = trained.face_fed(images[first : first + 128], side).to(device)
        looks = [x, x.flip(-1)] if mirrored else [x]
        parts.append(sum(net(look).float().softmax(1) for look in looks) / len(looks))
    return torch.cat(parts).cpu().numpy()
