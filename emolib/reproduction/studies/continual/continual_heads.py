"""Heads on frozen features, task after task, stacked over orders and tasks (models/members.py)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from emolib import continual, training
from emolib.models.members import Linear, initialise

KINDS = ("concatenation", "alpha blending", "alpha blending, unknown trained")
GROWN = ("fine-tuning", "replay", "weight alignment", "joint training")
BATCH, RATE = 50, 1e-2
FAR = -1e9  # the score of an output that does not take part


@dataclass
class Lesson:
    """Features of O orders and the rows of their tasks.

    features (O, N, F); train (O, T, 5, n) and spare (O, n): rows to learn from, of the tasks' letters and of the letter left over;
    held (O, T, 5, m): rows of the tasks' letters that only say when a head has settled
    """

    features: Tensor
    train: np.ndarray
    held: np.ndarray
    spare: np.ndarray
    seed: int

    @property
    def tasks(self) -> int:
        return self.train.shape[1]

    def pick(self, rows: np.ndarray) -> Tensor:
        """Features of rows (O, ...) -> (O, ..., F)."""
        index = torch.as_tensor(rows.reshape(len(rows), -1, 1), device=self.features.device).expand(
            -1, -1, self.features.shape[-1]
        )
        return self.features.gather(1, index).view(*rows.shape, -1)


def shuffled(rows: np.ndarray, seed: list[int]) -> np.ndarray:
    """(G, n) -> each row in an order of its own."""
    return np.random.default_rng(seed).permuted(rows, axis=-1)


def stacked_loss(blocked: Tensor | None = None):
    """Cross-entropy of heads (M, B, C) against (M, B) with sample weights (M, B): mean of each head, summed over heads."""

    def loss(net, x, y, w):
        scores = net(x) if blocked is None else net(x).masked_fill(blocked, FAR)
        each = nn.functional.cross_entropy(
            scores.flatten(0, 1), y.flatten(), reduction="none"
        ).view_as(w)
        return ((each * w).sum(1) / w.sum(1)).sum()

    return loss


def as_head(net: Linear) -> continual.Head:
    """The stack as heads: weight (M, C, F), bias (M, C)."""
    return net.weight.detach().mT.contiguous(), net.bias.detach()[:, 0]


def task_heads(
    lesson: Lesson, epochs: int
) -> tuple[dict[str, continual.Head], dict[str, list[float]]]:
    """A head for each task alone, trained in three ways: {kind: (weight (O, T, 6, F), bias (O, T, 6))}, and curves on held-out rows.

    concatenation                    five outputs; the sixth row takes no part
    alpha blending                   six outputs, the unknown row stays as it was drawn: 605 numbers are trained, as printed
    alpha blending, unknown trained  six outputs, and the letter left over as examples of the unknown: 726 numbers
    """
    orders, tasks, five, each = lesson.train.shape
    device, kinds = lesson.features.device, len(KINDS)
    net = initialise(
        Linear(kinds * orders * tasks, lesson.features.shape[-1], five + 1),
        [1000 * lesson.seed + i for i in range(orders * tasks)] * kinds,
    ).to(device)
    kind = torch.arange(kinds, device=device).repeat_interleave(orders * tasks)[
        :, None, None
    ]  # (M, 1, 1)
    is_unknown = torch.arange(five + 1, device=device) == five
    learns = (~is_unknown | (kind == 2)).float()  # (M, 1, 6)
    for p in (net.weight, net.bias):
        p.register_hook(lambda g: g * learns)
    rows = lesson.train.reshape(orders, tasks, -1)
    label = torch.arange(five, device=device).repeat_interleave(each)
    batch = min(BATCH, five * each) if five * each < 5000 else 5 * BATCH
    few = max(1, batch // five)

    def batches(epoch):
        place = shuffled(
            np.tile(np.arange(five * each), (orders * tasks, 1)), [lesson.seed, 1, epoch]
        ).reshape(orders, tasks, -1)
        extra = shuffled(
            np.repeat(lesson.spare[:, None], tasks, 1), [lesson.seed, 2, epoch]
        )  # (O, T, n)
        extra = np.resize(extra, (*extra.shape[:2], max(few, extra.shape[2])))
        for s in range(five * each // batch):
            at = place[..., s * batch : (s + 1) * batch]  # (O, T, B)
            mine = np.concatenate(
                [np.take_along_axis(rows, at, 2), np.roll(extra, -s * few, 2)[..., :few]], 2
            )
            x = lesson.pick(mine).flatten(0, 1).repeat(kinds, 1, 1)  # (M, B + U, F)
            y = nn.functional.pad(
                label[torch.as_tensor(at, device=device)].flatten(0, 1), (0, few), value=five
            ).repeat(kinds, 1)
            w = torch.ones_like(y, dtype=torch.float32)
            w[:, batch:] = (kind[:, 0] == 2).float()
            yield x, torch.where(w > 0, y, 0), w

    loss = stacked_loss(is_unknown & (kind == 0))
    x = (
        lesson.pick(lesson.held.reshape(orders, tasks, -1)).flatten(0, 1).repeat(kinds, 1, 1)
    )  # (M, 5 m, F)
    y = (
        torch.arange(five, device=device)
        .repeat_interleave(lesson.held.shape[-1])
        .expand(len(x), -1)
    )
    curves: dict[str, list[float]] = {"loss": [], "accuracy": []}

    def validate(net, _):
        curves["loss"].append(
            float(loss(net, x, y, torch.ones_like(y, dtype=torch.float32))) / len(x)
        )
        curves["accuracy"].append(float((net(x)[..., :five].argmax(-1) == y).float().mean()))
        return -curves["loss"][-1]

    training.fit(
        net, batches, loss, training.Settings(epochs, RATE), progress=False, validate=validate
    )
    weight, bias = (v.unflatten(0, (kinds, orders, tasks)) for v in as_head(net))
    return {name: (weight[k], bias[k]) for k, name in enumerate(KINDS)}, curves


def have_settled(curves: dict[str, list[float]], gain: float = 0.005) -> bool:
    """Heads have settled when the held-out loss has, or when the accuracy gains less than half a point between its last two fifths.

    On separable letters the loss creeps towards 0 for ever; the accuracy does not.
    """
    return training.plateaued(curves["loss"]) or training.plateaued(
        [2 - a for a in curves["accuracy"]], gain=gain
    )


def merged(heads: continual.Head, blend: bool) -> list[continual.Head]:
    """The joined head after each task, (O, rows, F): blended with alpha = N / (N + 5) as printed, or plainly concatenated."""
    weight, bias = heads if blend else (heads[0][..., :-1, :], heads[1][..., :-1])
    out = [(weight[:, 0], bias[:, 0])]
    for t in range(1, weight.shape[1]):
        new = weight[:, t], bias[:, t]
        out.append(
            continual.alpha_blend(out[-1], new, (t + 1) / (t + 2))
            if blend
            else continual.concatenate(out[-1], new)
        )
    return out


def grown(lesson: Lesson, method: str, epochs: int, exemplars: int) -> list[continual.Head]:
    """One head that goes on learning, after each task: (O, 5 t, F).

    fine-tuning       only the new task's images
    replay            and `exemplars` of each earlier letter, chosen by herding
    weight alignment  the same, and after each task the new rows are brought to the length of the old ones
    joint training    all images of all tasks so far: what forgetting is measured against
    """
    orders, tasks, five, each = lesson.train.shape
    net = initialise(
        Linear(orders, lesson.features.shape[-1], five * tasks),
        [lesson.seed + i for i in range(orders)],
    )
    net = net.to(lesson.features.device)
    letters = lesson.train.reshape(orders, tasks * five, each)
    kept = (
        [
            [
                lesson_rows[
                    continual.herding(f[torch.as_tensor(lesson_rows, device=f.device)], exemplars)
                    .cpu()
                    .numpy()
                ]
                for lesson_rows in rows
            ]
            for f, rows in zip(lesson.features, letters, strict=True)
        ]
        if method in GROWN[1:3]
        else []
    )
    kept, out = np.array(kept), []
    for t in range(tasks):
        parts = [letters[:, t * five : (t + 1) * five]]  # (O, 5, n)
        old = np.arange(t * five)
        if method != "fine-tuning" and t:
            parts.insert(0, (letters if method == "joint training" else kept)[:, old])
        rows = np.concatenate([p.reshape(orders, -1) for p in parts], 1)  # (O, n_t)
        label = np.concatenate(
            [
                np.repeat(
                    (
                        old
                        if len(parts) == 2 and p is parts[0]
                        else np.arange(t * five, (t + 1) * five)
                    ),
                    p.shape[2],
                )
                for p in parts
            ]
        )
        _learn(
            net,
            lesson,
            rows,
            label,
            five * (t + 1),
            epochs,
            steps=max(1, five * each // (BATCH if five * each < 5000 else 5 * BATCH)),
        )
        weight, bias = (v[:, : five * (t + 1)].clone() for v in as_head(net))
        if method == "weight alignment" and t:
            weight, bias = continual.align_weights(weight, bias, five * t)
            with torch.no_grad():
                net.weight[..., : five * (t + 1)] = weight.mT
        out.append((weight, bias))
    return out


def _learn(
    net: Linear,
    lesson: Lesson,
    rows: np.ndarray,
    label: np.ndarray,
    seen: int,
    epochs: int,
    steps: int,
):
    """Train the first `seen` outputs on rows (O, n) with label (n,), in `steps` equal batches an epoch."""
    device, batch = lesson.features.device, rows.shape[1] // steps
    blocked = torch.arange(net.weight.shape[-1], device=device) >= seen
    label = torch.as_tensor(label, device=device)

    def batches(epoch):
        place = shuffled(
            np.tile(np.arange(rows.shape[1]), (len(rows), 1)), [lesson.seed, 3, seen, epoch]
        )  # (O, n)
        for s in range(steps):
            at = place[:, s * batch : (s + 1) * batch]
            y = label[torch.as_tensor(at, device=device)]  # (O, B)
            yield (
                lesson.pick(np.take_along_axis(rows, at, 1)),
                y,
                torch.ones_like(y, dtype=torch.float32),
            )

    training.fit(
        net, batches, stacked_loss(blocked), training.Settings(epochs, RATE), progress=False
    )
