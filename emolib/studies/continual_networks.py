"""What a run of notebook 14 computes: a body, frozen, and heads on its features, task after task.

The body is trained once and its features are taken once. Heads are linear maps on 120 or 1,280 numbers, so all orders, tasks
and ways of training them are stacked along a leading axis (models/members.py). Letters of a head stand in the order in
which they were learnt; `named` says letters of the alphabet, UNKNOWN, or NOT_SEEN where no task has shown the letter yet.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from emolib import continual, settings, training
from emolib import data as datasets
from emolib.errors import EmolibError
from emolib.models import classifiers
from emolib.models.letters import Letters
from emolib.models.members import Linear, initialise

BODIES = ("all letters", "another set", "first task", "untrained")       # heaviest first
KINDS = ("concatenation", "alpha blending", "alpha blending, unknown trained")
GROWN = ("fine-tuning", "replay", "weight alignment", "joint training")
UNASKED = "alpha blending, unknown not asked"
METHODS = (*KINDS, UNASKED, "nearest class mean", *GROWN)
TRANSFORMS = ("all at once", "task by task", "pruned as written", "pruned the other way", "CLAHE", "CLAHE, task by task")
UNKNOWN, NOT_SEEN = 26, -1
BATCH, HEAD_RATE, BODY_RATE = 50, 1e-2, 1e-3
FAR = -1e9                               # the score of an output that does not take part


def run(kind: str, **arguments) -> dict:
    """One run of the study: 'letters' (Table 4.4) or 'pictures' (Figures 3.6 to 4.15)."""
    return {"letters": letters_run, "pictures": pictures_run}[kind](**arguments)


# ---------------------------------------------------------------- bodies

def first_of_each(table, split: str, count: int) -> np.ndarray:
    """Row numbers (classes, n): the first `count` samples of every class in a split, as many as the rarest class has."""
    rows = [np.flatnonzero((table.label == c) & (table.split == split)) for c in range(len(table.classes))]
    least = min(map(len, rows))
    if least == 0:
        raise EmolibError(f"{table.name}: class '{table.classes[min(range(len(rows)), key=lambda c: len(rows[c]))]}' has no sample in "
                          f"split '{split}'; expected at least one of each class")
    return np.array([r[:min(count, least)] for r in rows])


def small_grey(images: np.ndarray) -> Tensor:
    """uint8 (N, H, W[, 3]) of 28 pixels or a little more -> float (N, 1, 28, 28) in [0, 1]: mean of the channels, the middle cut out."""
    grey = images if images.ndim == 3 else images.mean(-1)
    top, left = ((s - 28) // 2 for s in grey.shape[1:3])
    return torch.as_tensor(grey[:, None, top:top + 28, left:left + 28] / np.float32(255), dtype=torch.float32)


def train_body(images: Tensor, label: Tensor, outputs: int, epochs: int, seed: int) -> tuple[Letters, list[float]]:
    """The EMNIST network on images (N, 1, 28, 28), and its validation loss by epoch; every tenth image is for validation only."""
    device = settings.device()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = Letters(outputs).to(device, memory_format=torch.channels_last)
        images, label = images.to(device, memory_format=torch.channels_last), label.to(device)
        held = torch.arange(len(label), device=device) % 10 == 9
        known = torch.nonzero(~held).flatten().cpu().numpy()
        batch = min(BATCH if len(known) < 20_000 else 4 * BATCH, len(known))

        def batches(epoch):
            order = np.random.default_rng([seed, epoch]).permutation(known)
            for rows in order[:len(order) // batch * batch].reshape(-1, batch):
                yield images[rows], label[rows]

        def cross_entropy(net, x, y):
            return nn.functional.cross_entropy(net(x), y)

        if epochs == 0:
            return net.eval(), []
        history = training.fit(net, batches, cross_entropy, training.Settings(epochs, BODY_RATE), progress=False,
                               validate=lambda net, _: -loss_of(net, images[held], label[held]))
    return net.eval(), [-score for _, score in history.validated]


def in_parts(net: Callable[[Tensor], Tensor], images: Tensor, size: int = 500) -> Tensor:
    """net(images) in pieces, without gradients, on the network's device; (N, ...)."""
    with torch.no_grad():
        return torch.cat([net(part.to(settings.device(), memory_format=torch.channels_last)) for part in images.split(size)])


def loss_of(net, images: Tensor, label: Tensor) -> float:
    return float(nn.functional.cross_entropy(in_parts(net, images), label)) if len(label) else float("nan")


# ---------------------------------------------------------------- heads

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
        index = torch.as_tensor(rows.reshape(len(rows), -1, 1), device=self.features.device).expand(-1, -1, self.features.shape[-1])
        return self.features.gather(1, index).view(*rows.shape, -1)


def shuffled(rows: np.ndarray, seed: list[int]) -> np.ndarray:
    """(G, n) -> each row in an order of its own."""
    return np.random.default_rng(seed).permuted(rows, axis=-1)


def stacked_loss(blocked: Tensor | None = None):
    """Cross-entropy of heads (M, B, C) against (M, B) with sample weights (M, B): mean of each head, summed over heads."""
    def loss(net, x, y, w):
        scores = net(x) if blocked is None else net(x).masked_fill(blocked, FAR)
        each = nn.functional.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="none").view_as(w)
        return ((each * w).sum(1) / w.sum(1)).sum()

    return loss


def as_head(net: Linear) -> continual.Head:
    """The stack as heads: weight (M, C, F), bias (M, C)."""
    return net.weight.detach().mT.contiguous(), net.bias.detach()[:, 0]


def task_heads(lesson: Lesson, epochs: int) -> tuple[dict[str, continual.Head], dict[str, list[float]]]:
    """A head for each task alone, trained in three ways: {kind: (weight (O, T, 6, F), bias (O, T, 6))}, and curves on held-out rows.

    concatenation                    five outputs; the sixth row takes no part
    alpha blending                   six outputs, the unknown row stays as it was drawn: 605 numbers are trained, as printed
    alpha blending, unknown trained  six outputs, and the letter left over as examples of the unknown: 726 numbers
    """
    orders, tasks, five, each = lesson.train.shape
    device, kinds = lesson.features.device, len(KINDS)
    net = initialise(Linear(kinds * orders * tasks, lesson.features.shape[-1], five + 1),
                     [1000 * lesson.seed + i for i in range(orders * tasks)] * kinds).to(device)
    kind = torch.arange(kinds, device=device).repeat_interleave(orders * tasks)[:, None, None]               # (M, 1, 1)
    is_unknown = torch.arange(five + 1, device=device) == five
    learns = (~is_unknown | (kind == 2)).float()                                                             # (M, 1, 6)
    for p in (net.weight, net.bias):
        p.register_hook(lambda g: g * learns)
    rows = lesson.train.reshape(orders, tasks, -1)
    label = torch.arange(five, device=device).repeat_interleave(each)
    batch = min(BATCH, five * each) if five * each < 5000 else 5 * BATCH
    few = max(1, batch // five)

    def batches(epoch):
        place = shuffled(np.tile(np.arange(five * each), (orders * tasks, 1)), [lesson.seed, 1, epoch]).reshape(orders, tasks, -1)
        extra = shuffled(np.repeat(lesson.spare[:, None], tasks, 1), [lesson.seed, 2, epoch])                # (O, T, n)
        extra = np.resize(extra, (*extra.shape[:2], max(few, extra.shape[2])))
        for s in range(five * each // batch):
            at = place[..., s * batch:(s + 1) * batch]                                                       # (O, T, B)
            mine = np.concatenate([np.take_along_axis(rows, at, 2), np.roll(extra, -s * few, 2)[..., :few]], 2)
            x = lesson.pick(mine).flatten(0, 1).repeat(kinds, 1, 1)                                          # (M, B + U, F)
            y = nn.functional.pad(label[torch.as_tensor(at, device=device)].flatten(0, 1), (0, few), value=five).repeat(kinds, 1)
            w = torch.ones_like(y, dtype=torch.float32)
            w[:, batch:] = (kind[:, 0] == 2).float()
            yield x, torch.where(w > 0, y, 0), w

    loss = stacked_loss(is_unknown & (kind == 0))
    x = lesson.pick(lesson.held.reshape(orders, tasks, -1)).flatten(0, 1).repeat(kinds, 1, 1)                # (M, 5 m, F)
    y = torch.arange(five, device=device).repeat_interleave(lesson.held.shape[-1]).expand(len(x), -1)
    curves: dict[str, list[float]] = {"loss": [], "accuracy": []}

    def validate(net, _):
        curves["loss"].append(float(loss(net, x, y, torch.ones_like(y, dtype=torch.float32))) / len(x))
        curves["accuracy"].append(float((net(x)[..., :five].argmax(-1) == y).float().mean()))
        return -curves["loss"][-1]

    training.fit(net, batches, loss, training.Settings(epochs, HEAD_RATE), progress=False, validate=validate)
    weight, bias = (v.unflatten(0, (kinds, orders, tasks)) for v in as_head(net))
    return {name: (weight[k], bias[k]) for k, name in enumerate(KINDS)}, curves


def have_settled(curves: dict[str, list[float]], gain: float = 0.005) -> bool:
    """Heads have settled when the held-out loss has, or when the accuracy gains less than half a point between its last two fifths.

    On separable letters the loss creeps towards 0 for ever; the accuracy does not.
    """
    return training.plateaued(curves["loss"]) or training.plateaued([2 - a for a in curves["accuracy"]], gain=gain)


def merged(heads: continual.Head, blend: bool) -> list[continual.Head]:
    """The joined head after each task, (O, rows, F): blended with alpha = N / (N + 5) as printed, or plainly concatenated."""
    weight, bias = heads if blend else (heads[0][..., :-1, :], heads[1][..., :-1])
    out = [(weight[:, 0], bias[:, 0])]
    for t in range(1, weight.shape[1]):
        new = weight[:, t], bias[:, t]
        out.append(continual.alpha_blend(out[-1], new, (t + 1) / (t + 2)) if blend else continual.concatenate(out[-1], new))
    return out


def grown(lesson: Lesson, method: str, epochs: int, exemplars: int) -> list[continual.Head]:
    """One head that goes on learning, after each task: (O, 5 t, F).

    fine-tuning       only the new task's images
    replay            and `exemplars` of each earlier letter, chosen by herding
    weight alignment  the same, and after each task the new rows are brought to the length of the old ones
    joint training    all images of all tasks so far: what forgetting is measured against
    """
    orders, tasks, five, each = lesson.train.shape
    net = initialise(Linear(orders, lesson.features.shape[-1], five * tasks), [lesson.seed + i for i in range(orders)])
    net = net.to(lesson.features.device)
    letters = lesson.train.reshape(orders, tasks * five, each)
    kept = [[lesson_rows[continual.herding(f[torch.as_tensor(lesson_rows, device=f.device)], exemplars).cpu().numpy()]
             for lesson_rows in rows] for f, rows in zip(lesson.features, letters, strict=True)] if method in GROWN[1:3] else []
    kept, out = np.array(kept), []
    for t in range(tasks):
        parts = [letters[:, t * five:(t + 1) * five]]                                                        # (O, 5, n)
        old = np.arange(t * five)
        if method != "fine-tuning" and t:
            parts.insert(0, (letters if method == "joint training" else kept)[:, old])
        rows = np.concatenate([p.reshape(orders, -1) for p in parts], 1)                                     # (O, n_t)
        label = np.concatenate([np.repeat((old if len(parts) == 2 and p is parts[0] else np.arange(t * five, (t + 1) * five)), p.shape[2])
                                for p in parts])
        _learn(net, lesson, rows, label, five * (t + 1), epochs, steps=max(1, five * each // (BATCH if five * each < 5000 else 5 * BATCH)))
        weight, bias = (v[:, :five * (t + 1)].clone() for v in as_head(net))
        if method == "weight alignment" and t:
            weight, bias = continual.align_weights(weight, bias, five * t)
            with torch.no_grad():
                net.weight[..., :five * (t + 1)] = weight.mT
        out.append((weight, bias))
    return out


def _learn(net: Linear, lesson: Lesson, rows: np.ndarray, label: np.ndarray, seen: int, epochs: int, steps: int):
    """Train the first `seen` outputs on rows (O, n) with label (n,), in `steps` equal batches an epoch."""
    device, batch = lesson.features.device, rows.shape[1] // steps
    blocked = torch.arange(net.weight.shape[-1], device=device) >= seen
    label = torch.as_tensor(label, device=device)

    def batches(epoch):
        place = shuffled(np.tile(np.arange(rows.shape[1]), (len(rows), 1)), [lesson.seed, 3, seen, epoch])   # (O, n)
        for s in range(steps):
            at = place[:, s * batch:(s + 1) * batch]
            y = label[torch.as_tensor(at, device=device)]                                                    # (O, B)
            yield lesson.pick(np.take_along_axis(rows, at, 1)), y, torch.ones_like(y, dtype=torch.float32)

    training.fit(net, batches, stacked_loss(blocked), training.Settings(epochs, HEAD_RATE), progress=False)


# ---------------------------------------------------------------- Table 4.4

def letters_run(*, data: str, other: str, body: str, seed: int, orders: list[list[int]], train: int, test: int, body_epochs: int,
                head_epochs: int, exemplars: int) -> dict:
    """One body and every order of tasks that uses it.

    named (methods, O, T, N) int8 and loss (methods, O, T): answers on the N test images after each task, by METHODS;
    trained (kinds, O, T): accuracy of each new head on its own training images; whole: the all-letters row, if this body has one.
    """
    table = datasets.resolve(data)
    rows, tests = first_of_each(table, "train", train), first_of_each(table, "test", test)                  # (26, n) each
    images = small_grey(table.images[np.concatenate([rows.ravel(), tests.ravel()])])
    each, count = rows.shape[1], rows.size
    truth = np.repeat(np.arange(len(rows)), tests.shape[1])                                                  # (N,)
    learnt = torch.arange(len(rows)).repeat_interleave(each)
    if body == "all letters":
        net, curve = train_body(images[:count], learnt, 31, body_epochs, seed)
    elif body == "first task":
        first = np.concatenate([np.arange(c * each, (c + 1) * each) for c in orders[0][:5]])
        net, curve = train_body(images[first], torch.arange(5).repeat_interleave(each), 6, body_epochs, seed)
    elif body == "another set":
        pictures = datasets.resolve(other)
        some = first_of_each(pictures, "train", max(1, count // len(pictures.classes)))
        net, curve = train_body(small_grey(pictures.images[some.ravel()]), torch.arange(len(some)).repeat_interleave(some.shape[1]),
                                len(some), body_epochs, seed)
    else:
        net, curve = train_body(images[:1], learnt[:1], 0, 0, seed)
    features = in_parts(net.features, images)                                                                # (26 n + N, F)
    scores = _whole(net, features, learnt, truth) if body == "all letters" else {}
    features = features / features[:count].std()         # one number for all, so that a rate means the same on every body
    out = {"truth": truth, "orders": np.array(orders), "curve": curve, "settled": training.plateaued(curve) if curve else True}
    out |= {"whole": scores} if scores else {}
    order = np.array(orders)
    place = np.arange(count).reshape(len(rows), each)[order]                                                 # (O, 26, n)
    own, held = place[:, :25].reshape(len(order), 5, 5, each), np.arange(each) % 10 == min(9, each - 1)
    lesson = Lesson(features[:count].expand(len(order), -1, -1), own[..., ~held], own[..., held], place[:, 25], seed)
    return out | learn_letters(lesson, features[count:], order, truth, head_epochs, exemplars)


def _whole(net: Letters, features: Tensor, learnt: Tensor, truth: np.ndarray) -> dict:
    """The row 26 / 0: a network trained on all letters at once."""
    with torch.no_grad():
        scores = net.head(features)
    true = torch.cat([learnt, torch.as_tensor(truth)]).to(scores.device)
    right = (scores.argmax(1) == true).float()
    loss = nn.functional.cross_entropy(scores[len(learnt):], true[len(learnt):])
    return {"right": right[len(learnt):].bool().cpu().numpy(), "training": float(right[:len(learnt)].mean()), "loss": float(loss)}


def learn_letters(lesson: Lesson, unseen: Tensor, order: np.ndarray, truth: np.ndarray, epochs: int, exemplars: int) -> dict:
    """Every method on every order: see letters_run. unseen (N, F) features of the test images, order (O, 26), truth (N,)."""
    heads, curves = task_heads(lesson, epochs)
    states: dict[str, list] = {kind: merged(heads[kind], blend=kind != "concatenation") for kind in KINDS}
    states[UNASKED] = [(w[:, :-1], b[:, :-1]) for w, b in states["alpha blending"]]
    states |= {method: grown(lesson, method, epochs, exemplars) for method in GROWN}
    rank = np.argsort(order, 1)[:, truth]                                                                    # (O, N): when is it learnt
    named = np.full((len(METHODS), len(order), lesson.tasks, len(truth)), NOT_SEEN, np.int8)
    loss = np.full(named.shape[:3], np.nan)
    for m, method in enumerate(METHODS):
        for t in range(lesson.tasks):
            seen = rank < 5 * (t + 1)                                                                        # (O, N)
            answer, cost = _nearest(lesson, unseen, t) if method == "nearest class mean" else _answers(unseen, states[method][t], rank)
            letter = np.where(answer < 5 * (t + 1), np.take_along_axis(order, np.minimum(answer, 24), 1), UNKNOWN)
            named[m, :, t] = np.where(seen, letter, NOT_SEEN)
            loss[m, :, t] = [np.mean(c[s]) for c, s in zip(cost, seen, strict=True)]
    return {"named": named, "loss": loss, "trained": _trained(lesson, heads), "head_curves": curves,
            "head_settled": have_settled(curves)}


def _answers(x: Tensor, head: continual.Head, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the highest score (O, N) and the cross-entropy (O, N) of the true row (meaningless where it is not seen)."""
    weight, bias = head
    scores = torch.einsum("nf,ocf->onc", x, weight) + bias[:, None]                                          # (O, N, C)
    true = torch.as_tensor(rank, device=x.device).clamp_max(scores.shape[-1] - 1)
    cost = -scores.log_softmax(-1).gather(-1, true[..., None])[..., 0]
    return scores.argmax(-1).cpu().numpy(), cost.cpu().numpy()


def _nearest(lesson: Lesson, x: Tensor, task: int) -> tuple[np.ndarray, np.ndarray]:
    """Nearest class mean among the letters seen: (O, N); it has no probabilities, so its loss is NaN."""
    seen = lesson.train[:, :task + 1].reshape(len(lesson.train), -1)                                         # (O, letters * n)
    label = torch.arange(5 * (task + 1), device=x.device).repeat_interleave(lesson.train.shape[-1])
    answers = [continual.nearest_mean(x, continual.class_means(f, label, 5 * (task + 1))) for f in lesson.pick(seen)]
    named = torch.stack(answers).cpu().numpy()
    return named, np.full(named.shape, np.nan)


def _trained(lesson: Lesson, heads: dict[str, continual.Head]) -> np.ndarray:
    """Accuracy of each task's own head on the images it was trained on: (kinds, O, T)."""
    out = []
    for kind in KINDS:
        weight, bias = heads[kind]
        rows = 5 if kind == "concatenation" else 6
        x = lesson.pick(lesson.train.reshape(*lesson.train.shape[:2], -1))                                   # (O, T, 5 n, F)
        named = (torch.einsum("otnf,otcf->otnc", x, weight[..., :rows, :]) + bias[:, :, None, :rows]).argmax(-1)
        true = torch.arange(5, device=named.device).repeat_interleave(lesson.train.shape[-1])
        out.append((named == true).float().mean(-1).cpu().numpy())
    return np.array(out)


# ---------------------------------------------------------------- Figures 3.6, 3.7, 4.13 to 4.15

def pictures_run(*, data: str, body: str, seeds: list[int], train: int, test: int, size: int, rates: list[float], epochs: int,
                 body_epochs: int, task: int) -> dict:
    """Heads for all classes at once and task by task on a frozen body, and what the transforms make of them, for each rate.

    named (R, V, S, N) int16: answers on the test images, V in the order of TRANSFORMS; truth (N,); weight (V, C, F) of the first
    rate and seed; distance (R, V, S): cosine distance to the task-by-task weights; span (R, S, T) of each task's weights; clips
    (R, S): does the limit of 100 act; first (3, task, F): weights of task 1 trained, pruned and equalised; settled (R,).
    """
    table = datasets.resolve(data)
    rows, tests = first_of_each(table, "train", train), first_of_each(table, "test", test)
    images = table.images[np.concatenate([rows.ravel(), tests.ravel()])]
    classes = len(rows)
    if body == "imagenet":
        features = _imagenet_features(images, size)
    else:
        grey = small_grey(images)
        net, _ = train_body(grey[:rows.size], torch.arange(classes).repeat_interleave(rows.shape[1]), classes, body_epochs, 0)
        features = in_parts(net.features, grey)
    known, unseen = features[:rows.size], features[rows.size:]
    each = [_transformed(known, unseen, classes, rows.shape[1], seeds, rate, epochs, task) for rate in rates]
    return {"truth": np.repeat(np.arange(classes), tests.shape[1]).astype(np.int16), "body": body, "weight": each[0]["weight"], "first": each[0]["first"],
            **{k: np.stack([e[k] for e in each]) for k in ("named", "distance", "span", "clips", "settled", "curve")}}


def _transformed(known: Tensor, unseen: Tensor, classes: int, each: int, seeds: list[int], rate: float, epochs: int, task: int) -> dict:
    """Train both kinds of head at one rate and transform them: the parts of pictures_run's result without its first axis."""
    rows = np.arange(len(known))
    whole, curve = _heads(known, rows[None], each, seeds, rate, epochs)
    parts, _ = _heads(known, rows.reshape(classes // task, -1), each, seeds, rate, epochs)
    joined = _side_by_side(parts)                                                                            # (S, C, F), (S, C)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", continual.NothingPruned)                                             # `span` says it
        pruned = [_side_by_side(continual.prune_histogram(*parts, reading=r)) for r in ("as_written", "other")]
    equal = continual.clahe_weights(*joined), _side_by_side(continual.clahe_weights(*parts))
    heads = [_side_by_side(whole), joined, *pruned, *equal]
    named = [(torch.einsum("nf,scf->snc", unseen, w) + b[:, None]).argmax(-1).cpu().numpy() for w, b in heads]
    first = torch.stack([w[0, :task] for w in (joined[0], pruned[0][0], equal[1][0])])
    return {"named": np.array(named, np.int16), "weight": torch.stack([w[0] for w, _ in heads]).cpu().numpy(), "first": first.cpu().numpy(),
            "distance": np.array([continual.cosine_distance(joined[0], w).cpu().numpy() for w, _ in heads]),
            "span": (parts[0].amax((-2, -1)) - parts[0].amin((-2, -1))).cpu().numpy(), "clips": continual.clahe_clips(joined[0]).cpu().numpy(),
            "curve": np.array(curve), "settled": np.array(training.plateaued(curve))}


def _side_by_side(heads: continual.Head) -> continual.Head:
    """(S, T, C, F), (S, T, C) -> (S, T C, F), (S, T C): plain concatenation of all tasks."""
    return heads[0].flatten(1, 2), heads[1].flatten(1, 2)


def _imagenet_features(images: np.ndarray, size: int) -> Tensor:
    """Pooled features (N, 1280) of EfficientNet-Lite0 with ImageNet weights, images enlarged to `size` pixels."""
    net = classifiers.efficientnet_lite0().eval().to(settings.device(), memory_format=torch.channels_last)

    def forward(x):
        return net(nn.functional.interpolate(x / 127.5 - 1, size=(size, size), mode="bicubic", align_corners=False))

    return in_parts(forward, torch.from_numpy(images).permute(0, 3, 1, 2).float(), 100)


def _heads(features: Tensor, rows: np.ndarray, each: int, seeds: list[int], rate: float, epochs: int) -> tuple[continual.Head, list[float]]:
    """Linear heads on parts of the data: rows (T, n), `each` per class -> weight (S, T, C, F), bias (S, T, C).

    Every eighth row of a class is held out: the second result is the loss there after each epoch.
    """
    tasks, classes = len(rows), rows.shape[1] // each
    net = initialise(Linear(len(seeds) * tasks, features.shape[-1], classes), [1000 * s + t for s in seeds for t in range(tasks)])
    net = net.to(features.device)
    label = torch.arange(classes, device=features.device).repeat_interleave(each)
    held = np.tile(np.arange(each) % 8 == min(7, each - 1), classes)
    places, unseen = np.flatnonzero(~held), np.flatnonzero(held)
    batch, loss = min(200, max(1, len(places) // 2)), stacked_loss()

    def taken(place):                                                                                        # (S * T, n)
        at = torch.as_tensor(np.take_along_axis(np.tile(rows, (len(seeds), 1)), place, 1), device=features.device)
        y = label[torch.as_tensor(place, device=features.device)]
        return features[at], y, torch.ones_like(y, dtype=torch.float32)

    def batches(epoch):
        order = shuffled(np.tile(places, (len(net.weight), 1)), [7, epoch])
        yield from (taken(order[:, s * batch:(s + 1) * batch]) for s in range(len(places) // batch))

    kept = taken(np.tile(unseen, (len(net.weight), 1)))
    history = training.fit(net, batches, loss, training.Settings(epochs, rate), progress=False,
                           validate=lambda net, _: -float(loss(net, *kept)) / len(net.weight))
    return tuple(v.unflatten(0, (len(seeds), tasks)) for v in as_head(net)), [-score for _, score in history.validated]
