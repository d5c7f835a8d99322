"""What a run of notebook 14 computes for Table 4.4: a body, frozen, and heads on its features, task after task.

The body is trained once and its features are taken once. Letters of a head stand in the order in which they were learnt;
`named` says letters of the alphabet, UNKNOWN, or NOT_SEEN where no task has shown the letter yet.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from emolib import continual, training
from emolib import data as datasets
from emolib.models.letters import Letters
from emolib.reproduction.studies.continual.continual_bodies import (
    first_of_each,
    in_parts,
    small_grey,
    train_body,
)
from emolib.reproduction.studies.continual.continual_heads import (
    GROWN,
    KINDS,
    Lesson,
    grown,
    have_settled,
    merged,
    task_heads,
)
from emolib.reproduction.studies.continual.continual_pictures import pictures_run

UNASKED = "alpha blending, unknown not asked"
METHODS = (*KINDS, UNASKED, "nearest class mean", *GROWN)
UNKNOWN, NOT_SEEN = 26, -1


def run(kind: str, **arguments) -> dict:
    """One run of the study: 'letters' (Table 4.4) or 'pictures' (Figures 3.6 to 4.15)."""
    return {"letters": letters_run, "pictures": pictures_run}[kind](**arguments)


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
    """One body and every order of tasks that uses it.

    named (methods, O, T, N) int8 and loss (methods, O, T): answers on the N test images after each task, by METHODS;
    trained (kinds, O, T): accuracy of each new head on its own training images; whole: the all-letters row, if this body has one.
    """
    table = datasets.resolve(data)
    rows, tests = (
        first_of_each(table, "train", train),
        first_of_each(table, "test", test),
    )  # (26, n) each
    images = small_grey(table.images[np.concatenate([rows.ravel(), tests.ravel()])])
    each, count = rows.shape[1], rows.size
    truth = np.repeat(np.arange(len(rows)), tests.shape[1])  # (N,)
    learnt = torch.arange(len(rows)).repeat_interleave(each)
    if body == "all letters":
        net, curve = train_body(images[:count], learnt, 31, body_epochs, seed)
    elif body == "first task":
        first = np.concatenate([np.arange(c * each, (c + 1) * each) for c in orders[0][:5]])
        net, curve = train_body(
            images[first], torch.arange(5).repeat_interleave(each), 6, body_epochs, seed
        )
    elif body == "another set":
        pictures = datasets.resolve(other)
        some = first_of_each(pictures, "train", max(1, count // len(pictures.classes)))
        net, curve = train_body(
            small_grey(pictures.images[some.ravel()]),
            torch.arange(len(some)).repeat_interleave(some.shape[1]),
            len(some),
            body_epochs,
            seed,
        )
    else:
        net, curve = train_body(images[:1], learnt[:1], 0, 0, seed)
    features = in_parts(net.features, images)  # (26 n + N, F)
    scores = _whole(net, features, learnt, truth) if body == "all letters" else {}
    features = (
        features / features[:count].std()
    )  # one number for all, so that a rate means the same on every body
    out = {
        "truth": truth,
        "orders": np.array(orders),
        "curve": curve,
        "settled": training.plateaued(curve) if curve else True,
    }
    out |= {"whole": scores} if scores else {}
    order = np.array(orders)
    place = np.arange(count).reshape(len(rows), each)[order]  # (O, 26, n)
    own, held = (
        place[:, :25].reshape(len(order), 5, 5, each),
        np.arange(each) % 10 == min(9, each - 1),
    )
    lesson = Lesson(
        features[:count].expand(len(order), -1, -1),
        own[..., ~held],
        own[..., held],
        place[:, 25],
        seed,
    )
    return out | learn_letters(lesson, features[count:], order, truth, head_epochs, exemplars)


def _whole(net: Letters, features: Tensor, learnt: Tensor, truth: np.ndarray) -> dict:
    """The row 26 / 0: a network trained on all letters at once."""
    with torch.no_grad():
        scores = net.head(features)
    true = torch.cat([learnt, torch.as_tensor(truth)]).to(scores.device)
    right = (scores.argmax(1) == true).float()
    loss = nn.functional.cross_entropy(scores[len(learnt) :], true[len(learnt) :])
    return {
        "right": right[len(learnt) :].bool().cpu().numpy(),
        "training": float(right[: len(learnt)].mean()),
        "loss": float(loss),
    }


def learn_letters(
    lesson: Lesson,
    unseen: Tensor,
    order: np.ndarray,
    truth: np.ndarray,
    epochs: int,
    exemplars: int,
) -> dict:
    """Every method on every order: see letters_run. unseen (N, F) features of the test images, order (O, 26), truth (N,)."""
    heads, curves = task_heads(lesson, epochs)
    states: dict[str, list] = {
        kind: merged(heads[kind], blend=kind != "concatenation") for kind in KINDS
    }
    states[UNASKED] = [(w[:, :-1], b[:, :-1]) for w, b in states["alpha blending"]]
    states |= {method: grown(lesson, method, epochs, exemplars) for method in GROWN}
    rank = np.argsort(order, 1)[:, truth]  # (O, N): when is it learnt
    named = np.full((len(METHODS), len(order), lesson.tasks, len(truth)), NOT_SEEN, np.int8)
    loss = np.full(named.shape[:3], np.nan)
    for m, method in enumerate(METHODS):
        for t in range(lesson.tasks):
            seen = rank < 5 * (t + 1)  # (O, N)
            answer, cost = (
                _nearest(lesson, unseen, t)
                if method == "nearest class mean"
                else _answers(unseen, states[method][t], rank)
            )
            letter = np.where(
                answer < 5 * (t + 1), np.take_along_axis(order, np.minimum(answer, 24), 1), UNKNOWN
            )
            named[m, :, t] = np.where(seen, letter, NOT_SEEN)
            loss[m, :, t] = [np.mean(c[s]) for c, s in zip(cost, seen, strict=True)]
    return {
        "named": named,
        "loss": loss,
        "trained": _trained(lesson, heads),
        "head_curves": curves,
        "head_settled": have_settled(curves),
    }


def _answers(x: Tensor, head: continual.Head, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the highest score (O, N) and the cross-entropy (O, N) of the true row (meaningless where it is not seen)."""
    weight, bias = head
    scores = torch.einsum("nf,ocf->onc", x, weight) + bias[:, None]  # (O, N, C)
    true = torch.as_tensor(rank, device=x.device).clamp_max(scores.shape[-1] - 1)
    cost = -scores.log_softmax(-1).gather(-1, true[..., None])[..., 0]
    return scores.argmax(-1).cpu().numpy(), cost.cpu().numpy()


def _nearest(lesson: Lesson, x: Tensor, task: int) -> tuple[np.ndarray, np.ndarray]:
    """Nearest class mean among the letters seen: (O, N); it has no probabilities, so its loss is NaN."""
    seen = lesson.train[:, : task + 1].reshape(len(lesson.train), -1)  # (O, letters * n)
    label = torch.arange(5 * (task + 1), device=x.device).repeat_interleave(lesson.train.shape[-1])
    answers = [
        continual.nearest_mean(x, continual.class_means(f, label, 5 * (task + 1)))
        for f in lesson.pick(seen)
    ]
    named = torch.stack(answers).cpu().numpy()
    return named, np.full(named.shape, np.nan)


def _trained(lesson: Lesson, heads: dict[str, continual.Head]) -> np.ndarray:
    """Accuracy of each task's own head on the images it was trained on: (kinds, O, T)."""
    out = []
    for kind in KINDS:
        weight, bias = heads[kind]
        rows = 5 if kind == "concatenation" else 6
        x = lesson.pick(lesson.train.reshape(*lesson.train.shape[:2], -1))  # (O, T, 5 n, F)
        named = (
            torch.einsum("otnf,otcf->otnc", x, weight[..., :rows, :]) + bias[:, :, None, :rows]
        ).argmax(-1)
        true = torch.arange(5, device=named.device).repeat_interleave(lesson.train.shape[-1])
        out.append((named == true).float().mean(-1).cpu().numpy())
    return np.array(out)
