"""Nothing frozen: the whole EMNIST network goes on learning, task after task (notebook 14).

The heads of Table 4.4 sit on a frozen body. Two ways beside them train every weight, from the same body (b), which knows the first
task: fine-tuning on each new task's images alone, and joint training on all images so far. How much of the forgetting, and of the
accuracy, is the freezing?
"""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from emolib import data as datasets
from emolib import training
from emolib.models.letters import FEATURES, Letters
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.continual import continual
from emolib.reproduction.studies.continual.continual_bodies import (
    BATCH,
    RATE,
    first_of_each,
    in_parts,
    loss_of,
    small_grey,
    train_body,
)
from emolib.reproduction.studies.continual.continual_heads import FAR
from emolib.reproduction.studies.continual.continual_networks import METHODS, NOT_SEEN
from emolib.reproduction.studies.continual.continual_plan import SIZE, SIZES, TASKS, letters, orders

WHOLE = ("fine-tuning", "joint training")
HEADS, ALL = "only the head learns", "every weight learns"


def run(
    *, data: str, seed: int, order: list[int], train: int, test: int, body_epochs: int, epochs: int
) -> dict:
    """One order of the letters, both ways: named (2, T, N) int8 on the N test images after each task, truth (N,), order (26,)."""
    table = datasets.resolve(data)
    rows, tests = (
        first_of_each(table, "train", train),
        first_of_each(table, "test", test),
    )  # (26, n) each
    rows = rows[order[: SIZE * TASKS]]  # (25, n), as they are learnt
    images, unseen = (small_grey(table.images[r.ravel()]) for r in (rows, tests))
    label = torch.arange(len(rows)).repeat_interleave(rows.shape[1])
    truth, first = np.repeat(np.arange(len(tests)), tests.shape[1]), label < SIZE
    body, curve = train_body(images[first], label[first], SIZE + 1, body_epochs, seed)
    named, settled = (
        np.full((len(WHOLE), TASKS, len(truth)), NOT_SEEN, np.int8),
        not curve or training.plateaued(curve),
    )
    rank = np.argsort(order)[truth]  # (N,): when is it learnt
    for m, way in enumerate(WHOLE):
        net = copy.deepcopy(body)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            net.head = nn.Linear(FEATURES, SIZE * TASKS).to(next(body.parameters()).device)
        for t in range(TASKS):
            new, seen = (label >= SIZE * t) & (label < SIZE * (t + 1)), label < SIZE * (t + 1)
            used = seen if way == "joint training" else new
            settled &= _learn(net, images[used], label[used], SIZE * (t + 1), epochs, [seed, t])
            answer = in_parts(net, unseen)[:, : SIZE * (t + 1)].argmax(1).cpu().numpy()
            named[m, t] = np.where(rank < SIZE * (t + 1), np.asarray(order)[answer], NOT_SEEN)
    return {"named": named, "truth": truth, "order": np.array(order), "settled": settled}


def _learn(
    net: Letters, images: Tensor, label: Tensor, outputs: int, epochs: int, seed: list[int]
) -> bool:
    """Train every weight on images (n, 1, 28, 28); rows of the head beyond `outputs` take no part. Has the validation loss settled?"""
    device = next(net.parameters()).device
    images, label = images.to(device, memory_format=torch.channels_last), label.to(device)
    held = torch.arange(len(label), device=device) % 10 == 9
    known = torch.nonzero(~held).flatten().cpu().numpy()
    beyond = torch.arange(SIZE * TASKS, device=device) >= outputs
    batch = min(BATCH if len(known) < 20_000 else 4 * BATCH, len(known))

    def batches(epoch):
        order = np.random.default_rng([*seed, epoch]).permutation(known)
        for rows in order[: len(order) // batch * batch].reshape(-1, batch):
            yield images[rows], label[rows]

    def cross_entropy(net, x, y):
        return nn.functional.cross_entropy(net(x).masked_fill(beyond, FAR), y)

    with torch.random.fork_rng():
        torch.manual_seed(
            int(np.random.default_rng(seed).integers(2**31))
        )  # dropout, the same for both ways
        history = training.fit(
            net,
            batches,
            cross_entropy,
            training.Settings(epochs, RATE),
            progress=False,
            validate=lambda net, _: (
                -loss_of(lambda x: net(x).masked_fill(beyond, FAR), images[held], label[held])
            ),
        )
    net.eval()
    return training.plateaued([-score for _, score in history.validated])


# ---------------------------------------------------------------- the table


def plan(profile: str) -> list[dict]:
    """One run for each order; the body is trained as body (b) of Table 4.4 is."""
    s = SIZES[profile]
    return [
        {
            "data": datasets.reference(letters(profile)),
            "seed": seed,
            "order": order,
            "train": s.train,
            "test": s.test,
            "body_epochs": 2 * s.body_epochs,
            "epochs": s.whole_epochs,
        }
        for seed, order in enumerate(orders(s.whole_orders))
    ]


@runs.once
def answers(profile: str) -> dict:
    """The same orders four ways, as continual.answers gives them: the heads on frozen body (b), then the whole network, by WHOLE."""
    parts, heads = (
        runs.map(run, plan(profile), label="whole networks"),
        continual.answers(profile, "first task"),
    )
    named = np.stack([p["named"] for p in parts], 1)  # (2, O, T, N)
    frozen = heads["named"][
        [METHODS.index(way) for way in WHOLE], : named.shape[1]
    ]  # orders stand in one order
    return {
        "named": np.concatenate([frozen, named]),
        "truth": heads["truth"],
        "task": heads["task"][: named.shape[1]],
        "settled": heads["settled"] and all(p["settled"] for p in parts),
    }


@runs.once
def table(profile: str = "quick") -> Outcome:
    """Extra 18: accuracy after each task, forgetting at the end, and what training every weight gains over training the head alone."""
    a, p, tasks = answers(profile), shared(profile), TASKS
    got = continual.summary(a, pairs=((2, 0), (3, 1)), draws=p.draws, level=p.level)
    rows = []
    for m in range(4):
        common = {"method": WHOLE[m % 2], "protocol": (HEADS, ALL)[m // 2], "unit": "fraction"}
        rows += [
            common
            | {
                "letters": str(SIZE * (t + 1)),
                "metric": "accuracy",
                **_cell(got["accuracy"], (m, t)),
            }
            for t in range(tasks)
        ]
        rows.append(
            common
            | {"letters": str(SIZE * tasks), "metric": "forgetting", **_cell(got["forgetting"], m)}
        )
    rows += [
        {
            "method": way,
            "protocol": f"{ALL}, less {HEADS}",
            "unit": "fraction",
            "letters": str(SIZE * tasks),
            "metric": "accuracy",
            **_cell(got["gain"], k),
        }
        for k, way in enumerate(WHOLE)
    ]
    done = frozenset({HEADS, ALL, f"{ALL}, less {HEADS}"}) if a["settled"] else frozenset()
    return continual.outcome(pd.DataFrame(rows), profile, letters(profile), settled=done)


def _cell(value: tuple[np.ndarray, np.ndarray, np.ndarray], at) -> dict[str, float]:
    return dict(zip(("measured", "low", "high"), (float(v[at]) for v in value), strict=True))
