"""What the runs of notebook 14 compute (orgil2022, sections 3.3 and 4.4).

A body is trained once and frozen, its features are taken once, and heads learn on them, task after
task. Letters of a head stand in the order in which they were learnt; `named` says letters of the
alphabet, UNKNOWN, or NOT_SEEN where no task has shown the letter yet.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import continual, training
from emolib import data as datasets
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models import classifiers
from emolib.models.letters import FEATURES, Letters
from emolib.models.members import Linear, initialise
from emolib.reproduction.studies.continual import heads
from emolib.reproduction.studies.continual.heads import FAR, GROWN, KINDS, Lesson

LETTERS, TASKS, SIZE = 26, 5, 5  # 25 letters in five tasks; the one left over is "unknown"
UNASKED = "alpha blending, unknown not asked"
METHODS = (*KINDS, UNASKED, "nearest class mean", *GROWN)
WHOLE = ("fine-tuning", "joint training")
TRANSFORMS = ("all at once", "task by task", "pruned as written", "CLAHE")
UNKNOWN, NOT_SEEN = 26, -1
RATE = 1e-3  # of a body
TUNED_RATE = 3e-4  # of a body that comes with weights of its own


def run(kind: str, **arguments) -> dict:
    """One run of the study: 'letters' (Table 4.4), 'pictures' (Figures 3.6 to 4.15), 'whole'."""
    return {"letters": letters_run, "pictures": pictures_run, "whole": whole_run}[kind](**arguments)


# ---------------------------------------------------------------- images and bodies


def first_of_each(table, split: str, count: int) -> np.ndarray:
    """Rows (classes, n): the first `count` of every class, as many as the rarest class has."""
    rows = []
    for c, name in enumerate(table.classes):
        rows.append(np.flatnonzero((table.label == c) & (table.split == split))[:count])
        if len(rows[-1]) == 0:
            raise EmolibError(
                f"{table.name}: class '{name}' has no sample in split '{split}'; "
                "expected at least one of each class"
            )
    least = min(map(len, rows))
    return np.array([r[:least] for r in rows])


def chosen(table, train: int, test: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (classes, n) of the training and of the test images of a set.

    Every tenth place of a class is for validation wherever something learns: where the set has a
    validation part, as by other writers, those places hold pictures of it.
    """
    tests = first_of_each(table, "test", test)
    if "validation" not in table.split:
        return first_of_each(table, "train", train), tests
    tenth = max(1, train // 10)
    known = first_of_each(table, "train", 9 * tenth)
    held = first_of_each(table, "validation", tenth)
    tenth = min(known.shape[1] // 9, held.shape[1])
    known = known[:, : 9 * tenth].reshape(-1, tenth, 9)
    rows = np.concatenate([known, held[:, :tenth, None]], 2)  # (classes, n / 10, 10)
    return rows.reshape(-1, 10 * tenth), tests


def hands(table, rows: np.ndarray) -> np.ndarray:
    """Who wrote the pictures of rows, as numbers (N,); where nobody is known, each its own."""
    who = table.subject[rows.ravel()]
    return np.unique(who, return_inverse=True)[1] if (who != "").all() else np.arange(who.size)


def small_grey(images: np.ndarray) -> Tensor:
    """uint8 (N, H, W[, 3]) of 28 pixels or a little more -> float (N, 1, 28, 28) in [0, 1].

    The mean of the channels, the middle cut out.
    """
    grey = images if images.ndim == 3 else images.mean(-1)
    top, left = ((s - 28) // 2 for s in grey.shape[1:3])
    middle = grey[:, None, top : top + 28, left : left + 28]
    return torch.as_tensor(middle / np.float32(255), dtype=torch.float32)


@torch.no_grad()
def in_parts(net: Callable[[Tensor], Tensor], images: Tensor, size: int = 500) -> Tensor:
    """net(images) in pieces, without gradients, on the network's device; (N, ...)."""
    to = {"device": settings.device(), "memory_format": torch.channels_last}
    return torch.cat([net(part.to(**to)) for part in images.split(size)])


def learn_images(
    net: Letters, images: Tensor, label: Tensor, outputs: int, epochs: int, seed: list[int]
) -> list[float]:
    """Train every weight on images (N, 1, 28, 28), the first `outputs` of the head taking part.

    Every tenth image is for validation only: the epoch of the lowest loss there counts, and the
    rate falls after epochs without progress. Returns that loss after each epoch.
    """
    device = next(net.parameters()).device
    images, label = images.to(device, memory_format=torch.channels_last), label.to(device)
    held = torch.arange(len(label), device=device) % 10 == 9
    known = torch.nonzero(~held).flatten().cpu().numpy()
    batch = min(heads.BATCH if len(known) < 20_000 else 4 * heads.BATCH, len(known))
    beyond = torch.arange(net.head.out_features, device=device) >= outputs

    def batches(epoch):
        order = np.random.default_rng([*seed, epoch]).permutation(known)
        for rows in order[: len(order) // batch * batch].reshape(-1, batch):
            yield images[rows], label[rows]

    def loss(net, x, y):
        return F.cross_entropy(net(x).masked_fill(beyond, FAR), y)

    def validate(net, _):
        return -F.cross_entropy(in_parts(net, images[held]).masked_fill(beyond, FAR), label[held])

    how = training.Settings(epochs, RATE, plateau=2, factor=0.3)
    history = training.fit(
        net, batches, loss, how, progress=False, validate=validate, keep_best=True
    )
    net.eval()
    return [-score for _, score in history.validated]


def train_body(
    images: Tensor, label: Tensor, outputs: int, epochs: int, seed: int
) -> tuple[Letters, list[float]]:
    """The EMNIST network on images (N, 1, 28, 28), and its validation loss by epoch."""
    with training.seeded(seed):
        net = Letters(outputs).to(settings.device(), memory_format=torch.channels_last).eval()
        curve = learn_images(net, images, label, outputs, epochs, [seed]) if epochs else []
    return net, curve


# ---------------------------------------------------------------- Table 4.4


def letters_run(
    *,
    data: str,
    other: str,
    body: str,
    seed: int,
    orders: list[list[int]],
    train: int,
    test: int,
    body_epochs: int,
    head_epochs: int,
    exemplars: int,
) -> dict:
    """One body and every order of tasks that uses it: see `learn_letters`.

    And truth (N,), who wrote them (N,), taught, the training pictures of a letter, orders (O, 26);
    curve (E,), the body's validation loss; whole: the row 26 / 0, if it has learnt all letters.
    """
    table = datasets.resolve(data)
    rows, tests = chosen(table, train, test)
    images = small_grey(table.images[np.concatenate([rows.ravel(), tests.ravel()])])
    each, count, order = rows.shape[1], rows.size, np.array(orders)
    truth = np.arange(LETTERS).repeat(tests.shape[1])  # (N,)
    result = {"truth": truth, "who": hands(table, tests), "taught": each, "orders": order}
    place = np.arange(count).reshape(rows.shape)
    shown, outputs = place, 31  # what the body learns: rows (classes, n) of `images`
    if body == "first task":
        shown, outputs = place[order[0, :SIZE]], SIZE + 1
    elif body == "untrained":
        outputs = body_epochs = 0
    pictures = images[shown.ravel()]
    if body == "another set":
        table = datasets.resolve(other)
        shown = first_of_each(table, "train", max(1, count // len(table.classes)))
        pictures, outputs = small_grey(table.images[shown.ravel()]), len(shown)
    label = torch.arange(len(shown)).repeat_interleave(shown.shape[1])
    net, curve = train_body(pictures, label, outputs, body_epochs, seed)
    features = in_parts(net.features, images)  # (26 n + N, F)
    result["curve"] = np.array(curve)
    if body == "all letters":
        result["whole"] = _all_letters(net, features, np.r_[label.numpy(), truth], count)
    features = features / features[:count].std()  # so that a rate means the same on every body
    tasks = place[order[:, : SIZE * TASKS]].reshape(len(order), TASKS, SIZE, each)
    held = np.arange(each) % 10 == min(9, each - 1)
    known = features[:count].expand(len(order), -1, -1)
    spare = place[order[:, -1]]
    lesson = Lesson(known, tasks[..., ~held], tasks[..., held], spare, seed)
    unseen = features[count:]
    return result | learn_letters(lesson, unseen, order, truth, head_epochs, exemplars)


@torch.no_grad()
def _all_letters(net: Letters, features: Tensor, true: np.ndarray, known: int) -> dict:
    """The row 26 / 0: the body with its own head, on the `known` training images and the rest."""
    scores, true = net.head(features), torch.as_tensor(true, device=features.device)
    right = scores.argmax(1) == true
    return {
        "right": right[known:].cpu().numpy(),
        "training": float(right[:known].float().mean()),
        "loss": float(F.cross_entropy(scores[known:], true[known:])),
    }


def learn_letters(
    lesson: Lesson,
    unseen: Tensor,
    order: np.ndarray,
    truth: np.ndarray,
    epochs: int,
    exemplars: int,
) -> dict:
    """Every method on every order (O, 26), tested on unseen features (N, F) of letters (N,).

    named (methods, O, T, N) int8 and loss (methods, O, T) after each task, by METHODS; trained
    (kinds, O, T): accuracy of each new head on its own training images; head_loss and head_accuracy
    of the heads on their validation images, by epoch.
    """
    alone, curves = heads.task_heads(lesson, epochs)
    states = {kind: heads.merged(alone[kind], blend=kind != "concatenation") for kind in KINDS}
    states[UNASKED] = [(w[:, :-1], b[:, :-1]) for w, b in states["alpha blending"]]
    states |= {method: heads.grown(lesson, method, epochs, exemplars) for method in GROWN}
    rank = np.argsort(order, 1)[:, truth]  # (O, N): when is it learnt
    named = np.full((len(METHODS), len(order), TASKS, len(truth)), NOT_SEEN, np.int8)
    loss = np.full(named.shape[:3], np.nan)
    for m, method in enumerate(METHODS):
        for t in range(TASKS):
            seen = rank < SIZE * (t + 1)  # (O, N)
            if method in states:
                answer, cost = _answers(unseen, states[method][t], rank)
                loss[m, :, t] = [c[s].mean() for c, s in zip(cost, seen, strict=True)]
            else:
                answer = _nearest(lesson, unseen, t)  # has no probabilities: its loss is NaN
            letter = np.take_along_axis(order, np.minimum(answer, SIZE * TASKS - 1), 1)
            letter = np.where(answer < SIZE * (t + 1), letter, UNKNOWN)
            named[m, :, t] = np.where(seen, letter, NOT_SEEN)
    return {
        "named": named,
        "loss": loss,
        "trained": _trained(lesson, alone),
        "head_loss": np.array(curves["loss"]),
        "head_accuracy": np.array(curves["accuracy"]),
    }


def _answers(x: Tensor, head: continual.Head, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the highest score (O, N) and the cross-entropy (O, N) of the true row.

    The latter means nothing where the row has not been seen.
    """
    weight, bias = head
    scores = torch.einsum("nf,ocf->onc", x, weight) + bias[:, None]  # (O, N, C)
    true = torch.as_tensor(rank, device=x.device).clamp_max(scores.shape[-1] - 1)
    cost = -scores.log_softmax(-1).gather(-1, true[..., None])[..., 0]
    return scores.argmax(-1).cpu().numpy(), cost.cpu().numpy()


def _nearest(lesson: Lesson, x: Tensor, task: int) -> np.ndarray:
    """Index of the nearest class mean among the letters seen: (O, N)."""
    seen = lesson.train[:, : task + 1].reshape(len(lesson.train), -1)  # (O, letters * n)
    classes = SIZE * (task + 1)
    label = torch.arange(classes, device=x.device).repeat_interleave(lesson.train.shape[-1])
    means = [continual.class_means(f, label, classes) for f in lesson.pick(seen)]
    return torch.stack([continual.nearest_mean(x, m) for m in means]).cpu().numpy()


def _trained(lesson: Lesson, alone: dict[str, continual.Head]) -> np.ndarray:
    """Accuracy of each task's own head on the images it was trained on: (kinds, O, T)."""
    x = lesson.pick(lesson.train.reshape(*lesson.train.shape[:2], -1))  # (O, T, 5 n, F)
    true = torch.arange(SIZE, device=x.device).repeat_interleave(lesson.train.shape[-1])
    accuracy = []
    for kind in KINDS:
        rows = SIZE + (kind != "concatenation")
        weight, bias = alone[kind][0][..., :rows, :], alone[kind][1][:, :, None, :rows]
        named = (torch.einsum("otnf,otcf->otnc", x, weight) + bias).argmax(-1)
        accuracy.append((named == true).float().mean(-1).cpu().numpy())
    return np.array(accuracy)


# ---------------------------------------------------------------- nothing frozen


def whole_run(
    *, data: str, seed: int, order: list[int], train: int, test: int, body_epochs: int, epochs: int
) -> dict:
    """The body of the first task goes on learning with every weight, in the two ways of WHOLE.

    named (2, T, N) int8 on the N test images after each task, truth (N,), order (26,), settled
    """
    table = datasets.resolve(data)
    rows, tests = chosen(table, train, test)
    rows = rows[order[: SIZE * TASKS]]  # (25, n), as they are learnt
    images, unseen = (small_grey(table.images[r.ravel()]) for r in (rows, tests))
    task = torch.arange(TASKS).repeat_interleave(SIZE * rows.shape[1])
    label = torch.arange(len(rows)).repeat_interleave(rows.shape[1])
    truth, first = np.arange(LETTERS).repeat(tests.shape[1]), task == 0
    body, curve = train_body(images[first], label[first], SIZE + 1, body_epochs, seed)
    settled = not curve or training.plateaued(curve)
    named = np.full((len(WHOLE), TASKS, len(truth)), NOT_SEEN, np.int8)
    rank = np.argsort(order)[truth]  # (N,): when is it learnt
    for m, way in enumerate(WHOLE):
        net = copy.deepcopy(body)
        with training.seeded(seed):
            net.head = nn.Linear(FEATURES, SIZE * TASKS).to(settings.device())
        for t in range(TASKS):
            used, seen = task <= t if way == "joint training" else task == t, SIZE * (t + 1)
            drawn = int(np.random.default_rng([seed, t]).integers(2**31))
            with training.seeded(drawn):  # dropout, the same for both ways
                curve = learn_images(net, images[used], label[used], seen, epochs, [seed, t])
            settled &= training.plateaued(curve)
            answer = in_parts(net, unseen)[:, :seen].argmax(1).cpu().numpy()
            named[m, t] = np.where(rank < seen, np.asarray(order)[answer], NOT_SEEN)
    return {"named": named, "truth": truth, "order": np.array(order), "settled": settled}


# ---------------------------------------------------------------- weights as pictures


def pictures_run(
    *,
    data: str,
    body: str,
    seeds: list[int],
    train: int,
    test: int,
    size: int,
    rates: list[float],
    epochs: int,
    body_epochs: int,
    tuned_epochs: int,
    task: int,
) -> dict:
    """Heads for all classes at once and for `task` classes at a time on a frozen body, transformed.

    tuned_epochs   of all classes' training pictures, through every weight, before the body is
                   frozen; 0: it stays as it came
    At the first rate: right (V, N), the share of seeds that name a test picture rightly, in the
    order of TRANSFORMS, weight (V, C, F) of the first seed, first (3, task, F): weights of task 1
    trained, pruned and equalised. At every rate clips (R, S): does the limit of 100 act on the
    joined head? And met, the classes that this set taught the body.
    """
    table = datasets.resolve(data)
    rows, tests = chosen(table, train, test)
    images = table.images[np.concatenate([rows.ravel(), tests.ravel()])]
    classes = len(rows)
    label = torch.arange(classes).repeat_interleave(rows.shape[1])
    taught: Tensor = label[:0]
    if body == "imagenet":
        pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float()
        net = Enlarged(size).to(settings.device(), memory_format=torch.channels_last).eval()
        if tuned_epochs:
            taught = tune(net, pictures[: rows.size], label, tuned_epochs)
        features = in_parts(net, pictures, 100)
    else:
        pictures, taught = small_grey(images), label
        epochs = body_epochs + tuned_epochs
        net, _ = train_body(pictures[: rows.size], label, classes, epochs, 0)
        features = in_parts(net.features, pictures)
    known, unseen = features[: rows.size], features[rows.size :]
    known = known.unflatten(0, rows.shape)  # (C, n, F)
    parts = [_heads(known, classes // task, seeds, rate, epochs) for rate in rates]
    joined = [_side_by_side(p) for p in parts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", continual.NothingPruned)  # the notebook says it
        pruned = continual.prune_histogram(*parts[0])
    shown = [
        _side_by_side(_heads(known, 1, seeds, rates[0], epochs)),
        joined[0],
        _side_by_side(pruned),
        continual.clahe_weights(*joined[0]),
    ]
    named = [(torch.einsum("nf,scf->snc", unseen, w) + b[:, None]).argmax(-1) for w, b in shown]
    right = torch.stack(named).cpu().numpy() == np.arange(classes).repeat(tests.shape[1])
    equal = continual.clahe_weights(*parts[0])
    return {
        "right": right.mean(1),
        "met": int(taught.unique().numel()),
        "weight": torch.stack([w[0] for w, _ in shown]).cpu().numpy(),
        "first": torch.stack([w[0, 0] for w, _ in (parts[0], pruned, equal)]).cpu().numpy(),
        "clips": np.stack([continual.clahe_clips(w).cpu().numpy() for w, _ in joined]),
    }


def _side_by_side(heads: continual.Head) -> continual.Head:
    """(S, T, C, F), (S, T, C) -> (S, T C, F), (S, T C): plain concatenation of all tasks."""
    return heads[0].flatten(1, 2), heads[1].flatten(1, 2)


class Enlarged(nn.Module):
    """EfficientNet-Lite0 on small pictures: float (B, 3, H, W) of 0 to 255 -> (B, 1280).

    size   pixels a side that it is shown
    """

    def __init__(self, size: int):
        super().__init__()
        self.size, self.net = size, classifiers.efficientnet_lite0()

    def forward(self, x: Tensor) -> Tensor:
        x, shown = x / 127.5 - 1, (self.size, self.size)
        return self.net(F.interpolate(x, size=shown, mode="bicubic", align_corners=False))


def tune(net: Enlarged, pictures: Tensor, label: Tensor, epochs: int, batch: int = 50) -> Tensor:
    """Train every weight of a body on pictures (N, 3, H, W) of all classes (orgil2022, 3.3).

    The head that it learns with is thrown away. Returns the labels it was shown, (epochs x N,).
    """
    device, shown = settings.device(), []
    with training.seeded(0):
        width = net(pictures[:1].to(device)).shape[1]
        head = nn.Linear(width, int(label.max()) + 1).to(device)
    batch = min(batch, len(label))

    def batches(epoch):
        order = np.random.default_rng([14, epoch]).permutation(len(label))
        for rows in order[: len(order) // batch * batch].reshape(-1, batch):
            shown.append(label[rows])
            yield (
                pictures[rows].to(device, memory_format=torch.channels_last),
                label[rows].to(device),
            )

    def loss(net, x, y):
        return F.cross_entropy(net(x), y)

    how = training.Settings(epochs, TUNED_RATE)
    training.fit(nn.Sequential(net, head), batches, loss, how, progress=False)
    net.eval()
    return torch.cat(shown)


def _heads(
    features: Tensor, tasks: int, seeds: list[int], rate: float, epochs: int
) -> continual.Head:
    """Linear heads on features (C, n, F), C / T classes each: (S, T, C / T, F), (S, T, C / T)."""
    each, stack = features.shape[1], len(seeds) * tasks
    classes = len(features) // tasks
    net = Linear(stack, features.shape[-1], classes)
    initialise(net, [1000 * s + t for s, t in product(seeds, range(tasks))]).to(features.device)
    learnt = np.arange(each) % 8 != min(7, each - 1)  # seven eighths of a class
    rows = np.arange(len(features) * each).reshape(tasks, classes, each)[..., learnt]
    rows = np.tile(rows.reshape(tasks, -1), (len(seeds), 1))  # (S T, n)
    batch = min(200, max(1, rows.shape[1] // 2))
    heads.learn_rows(
        net,
        features.flatten(0, 1).expand(stack, -1, -1),
        rows,
        np.arange(classes).repeat(learnt.sum()),
        batch=batch,
        steps=rows.shape[1] // batch,
        how=training.Settings(epochs, rate),
        seed=[7],
    )
    return tuple(v.unflatten(0, (len(seeds), tasks)) for v in heads.as_head(net))
