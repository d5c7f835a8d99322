"""Heads on frozen features, task after task, stacked over orders and tasks (models/members.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from emolib import continual, training
from emolib.models.members import Linear, initialise

KINDS = ("concatenation", "alpha blending", "alpha blending, unknown trained")
GROWN = ("fine-tuning", "replay", "weight alignment", "joint training")
BATCH, RATE = 50, 1e-2
FAR = -1e9  # the score of an output that does not take part


@dataclass
class Lesson:
    """Features of O orders (O, N, F) and the rows of their tasks.

    train (O, T, 5, n)   rows of the tasks' letters to learn from
    held (O, T, 5, m)    rows of the tasks' letters that only say when a head has settled
    spare (O, n)         rows of the letter left over
    """

    features: Tensor
    train: np.ndarray
    held: np.ndarray
    spare: np.ndarray
    seed: int

    @property
    def batch(self) -> int:
        images = self.train[0, 0].size
        return min(BATCH, images) if images < 5000 else 5 * BATCH

    def pick(self, rows: np.ndarray) -> Tensor:
        """Features of rows (O, ...) -> (O, ..., F)."""
        return picked(self.features, rows)


def picked(features: Tensor, rows: np.ndarray) -> Tensor:
    """Features (M, N, F) of rows (M, ...) -> (M, ..., F)."""
    index = torch.as_tensor(rows.reshape(len(rows), -1, 1), device=features.device)
    index = index.expand(-1, -1, features.shape[-1])
    return features.gather(1, index).view(*rows.shape, -1)


def shuffled(rows: np.ndarray, seed: list[int]) -> np.ndarray:
    """(G, n) -> each row in an order of its own."""
    return np.random.default_rng(seed).permuted(rows, axis=-1)


def stacked_loss(blocked: Tensor | None = None):
    """Cross-entropy of heads (M, B, C) against (M, B) with sample weights (M, B).

    The mean of each head, summed over heads; `blocked` outputs take no part.
    """

    def loss(net, x, y, w):
        scores = net(x) if blocked is None else net(x).masked_fill(blocked, FAR)
        each = F.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="none").view_as(w)
        return ((each * w).sum(1) / w.sum(1)).sum()

    return loss


def as_head(net: Linear) -> continual.Head:
    """The stack as heads: weight (M, C, F), bias (M, C)."""
    return net.weight.detach().mT.contiguous(), net.bias.detach()[:, 0]


def learn_rows(
    net: Linear,
    features: Tensor,
    rows: np.ndarray,
    label: np.ndarray,
    *,
    batch: int,
    steps: int,
    how: training.Settings,
    seed: list[int],
    blocked: Tensor | None = None,
) -> None:
    """Train heads on rows (M, n) of features (M, N, F), label (n,), `steps` batches an epoch."""
    label = torch.as_tensor(label, device=features.device)

    def batches(epoch):
        place = np.tile(np.arange(rows.shape[1]), (len(rows), 1))  # (M, n)
        place = shuffled(place, [*seed, epoch])
        for s in range(steps):
            at = place[:, s * batch : (s + 1) * batch]
            y = label[torch.as_tensor(at, device=label.device)]  # (M, B)
            x = picked(features, np.take_along_axis(rows, at, 1))
            yield x, y, torch.ones_like(y, dtype=torch.float32)

    training.fit(net, batches, stacked_loss(blocked), how, progress=False)


def task_heads(
    lesson: Lesson, epochs: int
) -> tuple[dict[str, continual.Head], dict[str, list[float]]]:
    """A head for each task alone, in three ways: {kind: (weight (O, T, 6, F), bias (O, T, 6))}.

    concatenation                    five outputs; the sixth row takes no part
    alpha blending                   the sixth, the unknown row, stays as it was drawn:
                                     605 numbers are trained, as printed
    alpha blending, unknown trained  the letter left over is an example of the unknown: 726 numbers

    The second result holds loss and accuracy on the held-out rows by epoch.
    """
    orders, tasks, five, each = lesson.train.shape
    device, kinds = lesson.features.device, len(KINDS)
    net = Linear(kinds * orders * tasks, lesson.features.shape[-1], five + 1)
    initialise(net, [1000 * lesson.seed + i for i in range(orders * tasks)] * kinds).to(device)
    kind = torch.arange(kinds, device=device).repeat_interleave(orders * tasks)  # (M,)
    is_unknown = torch.arange(five + 1, device=device) == five
    learns = (~is_unknown | (kind[:, None, None] == 2)).float()  # (M, 1, 6)
    for p in (net.weight, net.bias):
        p.register_hook(lambda g: g * learns)
    rows = lesson.train.reshape(orders, tasks, -1)
    label = torch.arange(five, device=device).repeat_interleave(each)
    batch = lesson.batch
    few = max(1, batch // five)

    def batches(epoch):
        place = np.tile(np.arange(five * each), (orders * tasks, 1))
        place = shuffled(place, [lesson.seed, 1, epoch]).reshape(orders, tasks, -1)
        extra = np.repeat(lesson.spare[:, None], tasks, 1)  # (O, T, n)
        extra = shuffled(extra, [lesson.seed, 2, epoch])
        extra = np.resize(extra, (*extra.shape[:2], max(few, extra.shape[2])))
        for s in range(five * each // batch):
            at = place[..., s * batch : (s + 1) * batch]  # (O, T, B)
            unknown = np.roll(extra, -s * few, 2)[..., :few]
            shown = np.concatenate([np.take_along_axis(rows, at, 2), unknown], 2)
            x = lesson.pick(shown).flatten(0, 1).repeat(kinds, 1, 1)  # (M, B + U, F)
            y = label[torch.as_tensor(at, device=device)].flatten(0, 1)
            y = F.pad(y, (0, few), value=five).repeat(kinds, 1)
            w = torch.ones_like(y, dtype=torch.float32)
            w[:, batch:] = (kind[:, None] == 2).float()
            yield x, torch.where(w > 0, y, 0), w

    loss = stacked_loss(is_unknown & (kind[:, None, None] == 0))
    x = lesson.pick(lesson.held.reshape(orders, tasks, -1)).flatten(0, 1)
    x = x.repeat(kinds, 1, 1)  # (M, 5 m, F)
    y = torch.arange(five, device=device).repeat_interleave(lesson.held.shape[-1])
    y = y.expand(len(x), -1)
    curves: dict[str, list[float]] = {"loss": [], "accuracy": []}

    def validate(net, _):
        total = float(loss(net, x, y, torch.ones_like(y, dtype=torch.float32)))
        curves["loss"].append(total / len(x))
        curves["accuracy"].append(float((net(x)[..., :five].argmax(-1) == y).float().mean()))
        return -curves["loss"][-1]

    how = training.Settings(epochs, RATE)
    training.fit(net, batches, loss, how, progress=False, validate=validate)
    weight, bias = (v.unflatten(0, (kinds, orders, tasks)) for v in as_head(net))
    return {name: (weight[k], bias[k]) for k, name in enumerate(KINDS)}, curves


def merged(heads: continual.Head, blend: bool) -> list[continual.Head]:
    """The joined head after each task, (O, rows, F), from the heads of single tasks.

    Blended with alpha = N / (N + 5) as printed, or plainly concatenated.
    """
    weight, bias = heads if blend else (heads[0][..., :-1, :], heads[1][..., :-1])
    joined = [(weight[:, 0], bias[:, 0])]
    for t in range(1, weight.shape[1]):
        pair = joined[-1], (weight[:, t], bias[:, t])
        known = (t + 1) / (t + 2)
        joined.append(
            continual.alpha_blend(*pair, known) if blend else continual.concatenate(*pair)
        )
    return joined


def grown(lesson: Lesson, method: str, epochs: int, exemplars: int) -> list[continual.Head]:
    """One head that goes on learning, after each task: (O, 5 t, F).

    fine-tuning       only the new task's images
    replay            and `exemplars` of each earlier letter, chosen by herding
    weight alignment  the same; after each task the new rows are brought to the old ones' length
    joint training    all images of all tasks so far: what forgetting is measured against
    """
    orders, tasks, five, each = lesson.train.shape
    net = Linear(orders, lesson.features.shape[-1], five * tasks)
    initialise(net, [lesson.seed + i for i in range(orders)]).to(lesson.features.device)
    letters = lesson.train.reshape(orders, -1, each)
    if method == "joint training":
        memory = letters
    elif method == "fine-tuning":
        memory = letters[..., :0]
    else:
        memory = _herded(lesson.features, letters, exemplars)
    outputs = torch.arange(five * tasks, device=lesson.features.device)
    heads, steps = [], five * each // lesson.batch
    for old in range(0, five * tasks, five):
        seen = old + five
        parts = memory[:, :old], letters[:, old:seen]  # (O, letters, images)
        rows = np.concatenate([p.reshape(orders, -1) for p in parts], 1)
        label = np.r_[np.arange(old).repeat(memory.shape[2]), np.arange(old, seen).repeat(each)]
        learn_rows(
            net,
            lesson.features,
            rows,
            label,
            batch=rows.shape[1] // steps,
            steps=steps,  # as many as one task alone would take: the same for all methods
            how=training.Settings(epochs, RATE),
            seed=[lesson.seed, 3, seen],
            blocked=outputs >= seen,
        )
        weight, bias = (v[:, :seen].clone() for v in as_head(net))
        if method == "weight alignment" and old:
            weight, bias = continual.align_weights(weight, bias, old)
            with torch.no_grad():
                net.weight[..., :seen] = weight.mT
        heads.append((weight, bias))
    return heads


def _herded(features: Tensor, letters: np.ndarray, count: int) -> np.ndarray:
    """Rows (O, letters, count) that stand for each letter's rows (O, letters, n)."""
    chosen = []
    for of_order, order in zip(features, letters, strict=True):
        best = [continual.herding(of_order[rows], count).cpu().numpy() for rows in order]
        chosen.append([rows[b] for rows, b in zip(order, best, strict=True)])
    return np.array(chosen)
