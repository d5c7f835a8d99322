"""Tables and figures of continual learning (orgil2022, sections 3.3 and 4.4; notebook 14).

A protocol is a way of learning and a body: "alpha blending, body (a)". Accuracies are over the
letters seen so far, averaged over orders of the letters; intervals resample the writers of the test
images, or the images themselves where nobody says who wrote them.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import euclidean_distances
from threadpoolctl import threadpool_limits

from emolib import metrics, training
from emolib.models import letters as network
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, held, in_words
from emolib.reproduction.studies.continual.heads import GROWN, KINDS
from emolib.reproduction.studies.continual.plan import BODIES
from emolib.reproduction.studies.continual.training import (
    METHODS,
    NOT_SEEN,
    SIZE,
    TASKS,
    TRANSFORMS,
    UNASKED,
    WHOLE,
    chosen,
    small_grey,
)

JOIN, BLEND, UNKNOWN_TRAINED = KINDS
TRIVIAL = "most frequent letter"
STOCK = RIDGE, NEAREST = "ridge regression", "nearest neighbour"
LESS = f"accuracy less {NEAREST}"
PIXELS = "pixels, all letters at once"
STOCK_IMAGES = 1000  # of each letter at most
PENALTIES = (1.0, 10.0, 100.0)
SHOWN = (
    f"{BLEND}, body (a)",
    f"{BLEND}, body (b)",
    f"{BLEND}, body (c)",
    f"{JOIN}, body (a)",
    f"{JOIN}, body (b)",
    "replay, body (b)",
    "joint training, body (b)",
    *(f"{name}, {PIXELS}" for name in STOCK),
)
COUNTED = "counted"  # parameters and alpha of the thesis's own way: no training decides them
BATCHES = 8  # of 100 of a letter's 800 test images: the unit in which Table 4.4 adds its loss
HEADS, ALL = "only the head learns", "every weight learns"


# ---------------------------------------------------------------- answers, by body


@held
def answers(study, body: str) -> dict:
    """All orders of one body, stacked.

    named (M, O, T, N), loss (M, O, T), trained (K, O, T), task (O, N) (5: the letter left over),
    truth and who (N,), taught, settled: the mean curves of body and heads are flat; whole: what
    each training of the body says of all letters at once
    """
    parts = study.results(f"{body}, ")
    stacked = {}
    for name in ("named", "loss", "trained"):
        stacked[name] = np.concatenate([part[name] for part in parts], 1)
    truth = parts[0]["truth"]
    rank = np.argsort(np.concatenate([p["orders"] for p in parts]), 1)  # (O, 26)

    def mean(name):
        return np.mean([part[name] for part in parts], 0)

    curve, loss, right = mean("curve"), mean("head_loss"), mean("head_accuracy")
    # Where letters can be told apart the loss creeps towards 0 for ever; the accuracy does not.
    flat = training.plateaued(loss) or training.plateaued(2 - right, gain=0.005)
    return stacked | {
        "truth": truth,
        "who": parts[0]["who"],
        "taught": int(parts[0]["taught"]),
        "task": rank[:, truth] // SIZE,
        "settled": flat and (not len(curve) or training.plateaued(curve)),
        "whole": [p["whole"] for p in parts if "whole" in p],
    }


@held
def measured(study, body: str) -> dict[str, np.ndarray]:
    """What `summary` says of one body, of METHODS and then of `stock`.

    Its gains are that of blending over concatenation, then that of each of METHODS over NEAREST.
    """
    answered, others = answers(study, body), stock(study)
    every = answered | {"named": np.concatenate([answered["named"], list(others.values())])}
    nearest = len(METHODS) + list(others).index(NEAREST)
    pairs = [(METHODS.index(BLEND), METHODS.index(JOIN))]
    pairs += [(m, nearest) for m in range(len(METHODS))]
    return summary(every, pairs, study.draws, study.level)


def summary(
    answered: dict, pairs: list[tuple[int, int]], draws: int, level: float
) -> dict[str, np.ndarray]:
    """Value, low and high (the first axis of each) of what the answers on the test images tell.

    answered  named (M, O, T, N), truth and who (N,), task (O, N)
    pairs     (better, worse): methods whose accuracies at the end are compared
    Returns accuracy (3, M, T); forgetting and backward transfer (3, M); gain (3, pairs).

    One resampling of the writers for all: an image counts by its mean over the orders in which it
    has been seen.
    """
    right, task = (answered["named"] == answered["truth"]).astype(float), answered["task"]
    tasks = right.shape[2]
    seen = task[:, None] <= np.arange(tasks)[:, None]  # (O, T, N)
    when = np.minimum(task, tasks - 1)[None, :, None]
    learnt, final = np.take_along_axis(right, when, 2)[:, :, 0], right[:, :, -1]  # (M, O, N)
    gain = np.stack([final[one] - final[other] for one, other in pairs])
    columns = {
        "accuracy": (right, seen),
        "forgetting": (learnt - final, task < tasks - 1),
        "gain": (gain, seen[:, -1]),
    }
    values, weights, shapes = [], [], []
    for value, counts in columns.values():  # (M, O, ..., N), (O, ..., N)
        mass = counts.sum(0)
        total = (value * counts).sum(1)
        mean = np.divide(total, mass, out=np.zeros(total.shape), where=mass > 0)
        values.append(mean.reshape(-1, mean.shape[-1]))
        weights.append(np.broadcast_to(mass, mean.shape).reshape(values[-1].shape))
        shapes.append(mean.shape[:-1])
    mean, drawn = metrics.bootstrap_draws(
        np.concatenate(values).T, answered["who"], np.concatenate(weights).T, draws=draws
    )
    ends = np.cumsum([len(v) for v in values])[:-1]
    parts = np.split(np.stack([mean, *metrics.interval(drawn, level)]), ends, axis=1)
    found = {k: v.reshape(3, *s) for k, v, s in zip(columns, parts, shapes, strict=True)}
    return found | {"backward transfer": -found["forgetting"][[0, 2, 1]]}


def _row(about: dict, metric: str, values, unit: str = "fraction") -> dict:
    """A row of a table; values: the number, or (3,) with its interval."""
    numbers = zip(("measured", "low", "high"), np.atleast_1d(values).astype(float), strict=False)
    return about | {"metric": metric, "unit": unit, **dict(numbers)}


@held
def stock(study) -> dict[str, np.ndarray]:
    """Letters (O, T, N) that methods without body or joining name, of those seen after each task.

    They have learnt all letters at once: the most frequent letter, ridge regression on the pixels,
    its penalty chosen on the validation pictures, and the nearest training picture.
    """
    data = study.letters
    rows, tests = chosen(data, min(study.sizes.train, STOCK_IMAGES), study.sizes.test)
    known, unseen = (small_grey(data.images[r.ravel()]).flatten(1).numpy() for r in (rows, tests))
    label = np.arange(len(rows)).repeat(rows.shape[1])
    held = np.arange(len(label)) % 10 == 9
    x, y = known[~held], label[~held]
    with threadpool_limits(1):
        ridges = [RidgeClassifier(alpha=penalty).fit(x, y) for penalty in PENALTIES]
        ridge = max(ridges, key=lambda one: one.score(known[held], label[held]))
        far = [euclidean_distances(unseen, x[y == letter]).min(1) for letter in range(len(rows))]
        linear = ridge.decision_function(unseen)
    scores = {TRIVIAL: np.zeros(linear.shape), RIDGE: linear, NEAREST: -np.stack(far, 1)}
    answered = answers(study, "first task")
    named = {}
    for name, score in scores.items():  # (N, 26)
        named[name] = np.full(answered["named"].shape[1:], NOT_SEEN)
        for o, t in np.ndindex(named[name].shape[:2]):
            seen = answered["task"][o] <= t
            letters = np.unique(answered["truth"][seen])
            named[name][o, t, seen] = letters[score[seen][:, letters].argmax(1)]
    return named


def told(study, frame: pd.DataFrame, **more) -> Outcome:
    """A table on letters as an outcome, each row with the source of its letters and body."""
    body = frame["body" if "body" in frame else "protocol"]
    other = body.str.endswith(BODIES["another set"])
    own = study.letters.source
    source = np.where(other, max(own, study.pictures.source), own)
    return study.outcome(frame.assign(source=source), **more)


# ---------------------------------------------------------------- tables


@held
def table_4_4(study) -> Outcome:
    """Table 4.4: every way of learning on every body, after each task of five letters.

    And the row of all letters at once.
    """
    rows = _all_letters(study)
    for (body, label), (m, method) in product(BODIES.items(), enumerate(METHODS)):
        answered, accuracy = answers(study, body), measured(study, body)["accuracy"]
        protocol = f"{method}, {label}"
        for t, seen in enumerate(range(SIZE, SIZE * TASKS + 1, SIZE)):
            step = {"original_classes": str(seen), "new_classes": "5", "protocol": protocol}
            rows.append(_row(step, "Test accuracy", accuracy[:, m, t]))
            if method != "nearest class mean":
                rows += _losses(step, answered["loss"][m, :, t].mean(), seen)
                rows += _parameters(step, *_counts(method, seen))
            if method in KINDS:
                rows.append(_row(step, "Training accuracy", answered["trained"][m, :, t].mean()))
    accuracy, others = measured(study, "first task")["accuracy"], without_network(study)
    for (protocol, m), t in product(others.items(), range(TASKS)):
        step = {"original_classes": str(SIZE * (t + 1)), "new_classes": "5", "protocol": protocol}
        rows.append(_row(step, "Test accuracy", accuracy[:, m, t]))
    printed = papers.printed("orgil2022-t4_4").query("metric == 'Alpha' and new_classes == '5'")
    for old, value in zip(printed.original_classes, printed.value, strict=True):
        step = {"original_classes": old, "new_classes": "5", "protocol": COUNTED}
        decimals = len(value.split(".")[1])
        rows.append(_row(step, "Alpha", round(int(old) / (int(old) + 5), decimals), "ratio"))
    return told(study, pd.DataFrame(rows), settled=settled(study) | {COUNTED, *others})


def without_network(study) -> dict[str, int]:
    """Protocols of the rows of `stock` and their places behind METHODS."""
    names = (name if name == TRIVIAL else f"{name}, {PIXELS}" for name in stock(study))
    return {protocol: len(METHODS) + k for k, protocol in enumerate(names)}


def _counts(method: str, seen: int) -> tuple[int, int]:
    """Trainable and total parameters: the new head's rows, or the whole growing head."""
    if method in GROWN:
        return network.counts(seen, trained=seen)
    unknown = method not in (JOIN, UNASKED)
    return network.counts(seen + unknown, trained=SIZE + (method == UNKNOWN_TRAINED))


def _parameters(step: dict, trainable: int, total: int) -> list[dict]:
    if step["protocol"] == SHOWN[0]:
        step = step | {"protocol": COUNTED}
    return [
        _row(step, "Trainable parameters", trainable, "parameters"),
        _row(step, "Total parameters", total, "parameters"),
    ]


def _losses(step: dict, loss: float, letters: int) -> list[dict]:
    return [
        _row(step, "Test loss", loss * BATCHES * letters, "nats, sum over batches of 100"),
        _row(step, "test loss per image", loss, "nats"),
    ]


def _all_letters(study) -> list[dict]:
    """The row 26 / 0: body (a) with its own head of 31 outputs."""
    whole = pd.DataFrame(answers(study, "all letters")["whole"])
    right, who = np.mean(list(whole.right), 0), answers(study, "all letters")["who"]
    accuracy = metrics.bootstrap_ci(right, who, draws=study.draws, level=study.level)
    step = {"original_classes": "26", "new_classes": "0", "protocol": SHOWN[0]}
    return [
        _row(step, "Test accuracy", accuracy),
        *_losses(step, np.mean(list(whole.loss)), 26),
        _row(step, "Training accuracy", np.mean(list(whole.training))),
        *_parameters(step, *network.counts(31)),
    ]


@held
def settled(study) -> frozenset[str]:
    """Protocols whose body and heads reached their plateau; only these may decide a claim."""
    done = [label for body, label in BODIES.items() if answers(study, body)["settled"]]
    return frozenset(f"{method}, {label}" for method, label in product(METHODS, done))


@held
def methods(study) -> Outcome:
    """Extra 14: what every way of learning on every body knows after all 25 letters.

    And how far its accuracy lies above the nearest training picture's.
    """
    rows = []
    for (body, label), (m, method) in product(BODIES.items(), enumerate(METHODS)):
        found, about = measured(study, body), {"method": method, "protocol": label}
        rows.append(_row(about, "accuracy", found["accuracy"][:, m, -1]))
        for name in ("forgetting", "backward transfer"):
            rows.append(_row(about, name, found[name][:, m]))
        rows.append(_row(about, LESS, found["gain"][:, 1 + m]))
    accuracy = measured(study, "first task")["accuracy"]
    for name, m in zip(stock(study), without_network(study).values(), strict=True):
        about = {"method": name, "protocol": PIXELS}
        rows.append(_row(about, "accuracy", accuracy[:, m, -1]))
    return told(study, pd.DataFrame(rows))


def below_stock(study) -> pd.DataFrame:
    """The ways of learning whose whole interval lies below NEAREST after 25 letters."""
    frame = methods(study).frame
    less = frame[(frame.metric == LESS) & (frame.high < 0)]
    said = less.assign(difference=[in_words(row, "+.3f") for row in less.itertuples()])
    return said[["method", "protocol", "difference"]]


@held
def whole_network(study) -> Outcome:
    """Extra 18: heads on the frozen body (b) beside the whole network going on from it.

    Accuracy after each task, forgetting at the end, and what training every weight gains.
    """
    parts, frozen = study.results("whole network"), answers(study, "first task")
    named = np.stack([p["named"] for p in parts], 1)  # (2, O, T, N)
    same = [METHODS.index(way) for way in WHOLE]
    compared = {
        "named": np.concatenate([frozen["named"][same, : len(parts)], named]),
        "truth": frozen["truth"],
        "who": frozen["who"],
        "task": frozen["task"][: len(parts)],
    }
    found = summary(compared, [(2, 0), (3, 1)], study.draws, study.level)
    rows, gained, end = [], f"{ALL}, less {HEADS}", {"letters": str(SIZE * TASKS)}
    for m, (protocol, way) in enumerate(product((HEADS, ALL), WHOLE)):
        about = {"method": way, "protocol": protocol}
        for t in range(TASKS):
            step = about | {"letters": str(SIZE * (t + 1))}
            rows.append(_row(step, "accuracy", found["accuracy"][:, m, t]))
        rows.append(_row(about | end, "forgetting", found["forgetting"][:, m]))
    for k, way in enumerate(WHOLE):
        about = {"method": way, "protocol": gained} | end
        rows.append(_row(about, "accuracy", found["gain"][:, k]))
    done = frozen["settled"] and all(p["settled"] for p in parts)
    decides = frozenset({HEADS, ALL, gained} if done else ())
    return study.outcome(pd.DataFrame(rows), sources=[study.letters], settled=decides)


@held
def picture_bodies(study) -> Outcome:
    """Extra 19: accuracy on all classes by TRANSFORMS, on the body as it came and fine-tuned.

    The thesis fine-tunes it on all 100 classes before it is frozen (3.3). Intervals resample test
    pictures, seeds averaged.
    """
    rows = []
    for group, body in (("pictures", "as it came"), ("tuned pictures", "fine-tuned")):
        (result,) = study.results(group)
        about = {"protocol": f"{body}, {result['met']} classes met"}
        for name, right in zip(TRANSFORMS, result["right"], strict=True):
            pictures, how = np.arange(len(right)), {"draws": study.draws, "level": study.level}
            accuracy = metrics.bootstrap_ci(right, pictures, **how)
            rows.append(_row({"weights": name} | about, "accuracy", accuracy))
    return study.outcome(pd.DataFrame(rows), sources=[study.pictures])


# ---------------------------------------------------------------- figures


@held
def by_task(study) -> Outcome:
    """Extra 15: accuracy over all letters seen, by their number, on bodies (a), (b) and (c)."""
    shown = [method for method in METHODS if method not in (UNASKED, UNKNOWN_TRAINED)]
    rows = []
    for body, method, t in product(list(BODIES)[:3], shown, range(TASKS)):
        about = {"body": BODIES[body], "method": method, "letters": SIZE * (t + 1)}
        accuracy = measured(study, body)["accuracy"][:, METHODS.index(method), t]
        rows.append(_row(about, "accuracy", accuracy))
    return told(study, pd.DataFrame(rows).drop(columns="unit"))


@held
def weights(study, name: str) -> Outcome:
    """Figures 3.6 and 4.13 to 4.15: the weights of one head (TRANSFORMS) as a picture.

    A row per class, at most 128 evenly chosen columns.
    """
    (result,) = study.results("pictures")
    at = TRANSFORMS.index(name)
    weight = result["weight"][at]  # (C, F)
    features = weight.shape[1]
    some = np.unique(np.linspace(0, features - 1, min(128, features)).astype(int))
    values = weight[:, some].astype(float).round(5)
    frame = pd.DataFrame(values, columns=[f"feature {k}" for k in some])
    frame.insert(0, "weights", name)
    frame.insert(1, "accuracy", float(result["right"][at].mean()))
    frame.insert(2, "class", list(study.pictures.classes))
    return study.outcome(frame, sources=[study.pictures])


@held
def first_task(study, bins: int = 60) -> Outcome:
    """Figure 3.7: histograms of the weights of task 1: trained, pruned as written, equalised."""
    (result,), rows = study.results("pictures"), []
    edges = np.linspace(result["first"].min(), result["first"].max(), bins + 1)
    names = ("trained", "pruned as written", "CLAHE")
    for name, weight in zip(names, result["first"], strict=True):
        count, _ = np.histogram(weight, edges)
        part = {"weights": name, "from": edges[:-1], "to": edges[1:]}
        rows.append(pd.DataFrame(part | {"metric": "weights in the bin", "measured": count}))
    return study.outcome(pd.concat(rows), sources=[study.pictures])
