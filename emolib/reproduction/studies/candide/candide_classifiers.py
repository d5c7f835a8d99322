"""The runs of notebook 40: support vector machines and their neighbours, stacked dense networks, convolutional networks.

Each repeat holds a fifth of the people of CK+ back for validation; RaFD is named once the choice is made. A run returns what was named
for every picture, -1 where no face was found: an error like any other.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emolib import EMOTIONS, training
from emolib import data as datasets
from emolib.ground import settings
from emolib.ground.errors import nearest
from emolib.models import face_cnn, svm
from emolib.models.members import BatchNorm1d, Dropout, Linear, initialise
from emolib.reproduction import runs
from emolib.reproduction.studies.candide import candide_measures as measures
from emolib.training import augment

VALIDATION = 0.2  # of the people, in every repeat
# The settings each classifier of numbers may choose from on its validation people: as many for one as for another.
GRIDS = {
    "SSVM": (0.003, 0.03, 0.3, 3.0),
    "SVM (poly)": (0.01, 0.1, 1.0, 10.0),
    "SVM (RBF), tuned": (0.3, 1.0, 3.0, 10.0),
    "gradient boosting": (3, 5, 8, 16),
    "logistic regression": (0.01, 0.1, 1.0, 10.0),
}


# ---------------------------------------------------------------- what a run learns from


def view(arguments: dict, emotions: list[str]) -> tuple[dict, measures.Rows, np.ndarray]:
    """What was measured of a set, its used rows, and which of them (bool) belong to these emotions."""
    (measured,) = runs.map(measures.measure, [arguments], jobs=1)
    used = measures.rows_of(datasets.resolve(arguments["data"]), tuple(arguments["emotions"]))
    return measured, used, np.isin(used.shown, [EMOTIONS.index(e) for e in emotions])


def classes(label: np.ndarray, emotions: list[str]) -> np.ndarray:
    """Indices into EMOTIONS as indices into `emotions`."""
    return np.array([emotions.index(EMOTIONS[k]) for k in label])


def parts(subject: np.ndarray, repeats: list[int]) -> np.ndarray:
    """(R, N) bool: rows that train in each repeat; the other people validate. The same for every classifier."""
    people = np.unique(subject)
    out = []
    for repeat in repeats:
        held = np.random.default_rng((40, repeat)).permutation(people)[
            : max(1, round(VALIDATION * len(people)))
        ]
        out.append(~np.isin(subject, held))
    return np.array(out)


def numbers(train: dict, test: dict, feature: str, scaling: str, emotions: list[str]):
    """((X, class, person) of the training set, (X, class) of the test set)."""
    out = []
    for arguments in (train, test):
        measured, used, keep = view(arguments, emotions)
        out.append(
            (
                measures.vectors(measured, feature, scaling)[keep],
                classes(used.label[keep], emotions),
                used.subject[keep],
            )
        )
    return out


# ---------------------------------------------------------------- classifiers of numbers


def machine(name: str, value, *, tol: float, scaled: bool = True):
    """An untrained classifier with one setting of its grid; without `scaled` the features go in as they come. tol: of the SSVM's solver."""
    match name:
        case "SSVM":
            made = svm.ssvm(value, tol=tol)
        case "SVM (poly)":
            made = svm.svm_poly(value)
        case "SVM (RBF), tuned":
            made = make_pipeline(StandardScaler(), SVC(C=value))
        case "gradient boosting":
            made = make_pipeline(
                StandardScaler(),
                HistGradientBoostingClassifier(
                    max_iter=30, learning_rate=0.15, max_leaf_nodes=value, random_state=0
                ),
            )
        case "logistic regression":
            made = make_pipeline(StandardScaler(), LogisticRegression(C=value, max_iter=1000))
        case _:
            raise nearest(name, GRIDS, what="classifier of numbers")
    return made if scaled else made[-1]


def machines(
    *,
    train: dict,
    test: dict,
    classifier: str,
    feature: str,
    scaling: str,
    emotions: list[str],
    repeats: list[int],
    settings_each: int,
    tol: float,
) -> dict:
    """A classifier in every repeat, its setting chosen on the repeat's validation people.

    Returns train (R, N) and test (R, M): the class named, -1 where no face was found; part (R, N) bool, rows that trained;
    validation (R,) share right; chosen (R,) setting; unfinished, solver runs that stopped early.
    """
    (x, y, person), (z, _, _) = numbers(train, test, feature, scaling, emotions)
    part, grid = parts(person, repeats), GRIDS[classifier][:settings_each]
    seen, shown = np.isfinite(x).all(1), np.isfinite(z).all(1)
    named = {
        "train": np.full((len(repeats), len(x)), -1, np.int8),
        "test": np.full((len(repeats), len(z)), -1, np.int8),
    }
    scores, chosen, unfinished = [], [], 0
    for r in range(len(repeats)):
        best, learn, check = None, part[r] & seen, ~part[r]
        for value in grid:
            made = machine(classifier, value, tol=tol, scaled=scaling == "standardised")
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always", ConvergenceWarning)
                made.fit(x[learn], y[learn])
            unfinished += any(issubclass(w.category, ConvergenceWarning) for w in said)
            right = float((made.predict(x[check & seen]) == y[check & seen]).sum() / check.sum())
            if best is None or right > best[0]:
                best = (right, value, made)
        scores.append(best[0])
        chosen.append(best[1])
        named["train"][r, seen], named["test"][r, shown] = (
            best[2].predict(x[seen]),
            best[2].predict(z[shown]),
        )
    return named | {
        "part": part,
        "validation": np.array(scores),
        "chosen": [float(c) for c in chosen],
        "unfinished": unfinished,
        "settled": True,
    }


class Dense(nn.Module):
    """The two dense networks of section 4.2.1, `members` side by side: (M, B, F) -> (M, B, classes), raw scores.

    8 features: 8 -> 8 ReLU -> 4; more: F -> 16 BN ReLU, dropout -> 4. `reading` of the 80 % as in face_cnn.fp68_dnn.
    """

    def __init__(self, seeds: list[int], inputs: int, outputs: int, reading: str = "drop"):
        super().__init__()
        members, wide = len(seeds), 8 if inputs == 8 else 16
        self.into, self.out = Linear(members, inputs, wide), Linear(members, wide, outputs)
        self.norm = None if inputs == 8 else BatchNorm1d(members, wide)
        self.drop = Dropout(seeds, 0.0 if inputs == 8 else face_cnn.DROPPED[reading])
        initialise(self, seeds)

    def forward(self, x: Tensor) -> Tensor:
        x = self.into(x)  # (M, B, wide)
        x = torch.relu(x if self.norm is None else self.norm(x))
        return self.out(self.drop(x))  # (M, B, classes)


def dense(
    *,
    train: dict,
    test: dict,
    feature: str,
    scaling: str,
    emotions: list[str],
    repeats: list[int],
    reading: str,
    epochs: int,
    rate: float,
    batch: int,
) -> dict:
    """All repeats of a dense network, trained as one stack; each is read at the epoch of its own lowest validation loss.

    Returns train, test, part, validation as `machines` does; loss and validation_loss (epochs, R); settled, whether the mean
    validation loss reached its plateau.
    """
    (x, y, person), (z, _, _) = numbers(train, test, feature, scaling, emotions)
    part, seen, shown = parts(person, repeats), np.isfinite(x).all(1), np.isfinite(z).all(1)
    device = torch.device(settings.device())
    if scaling == "standardised":
        scalers = [StandardScaler().fit(x[p & seen]) for p in part]
        x, z = (np.stack([s.transform(v) for s in scalers]) for v in (x, z))  # (R, N, F)
    else:
        x, z = (np.repeat(v[None], len(part), 0) for v in (x, z))
    put = lambda v: torch.as_tensor(np.nan_to_num(v), dtype=torch.float32, device=device)  # noqa: E731
    x, z, y = put(x), put(z), torch.as_tensor(y, device=device)
    net = Dense([1000 + r for r in repeats], x.shape[-1], len(emotions), reading).to(device)
    learn, check = part & seen, torch.as_tensor(~part & seen, device=device)
    steps = max(1, int(learn.sum(1).min()) // batch)

    def batches(epoch):
        order = np.stack(
            [
                np.random.default_rng((41, r, epoch)).permutation(np.flatnonzero(rows))[
                    : steps * batch
                ]
                for r, rows in zip(repeats, learn, strict=True)
            ]
        )  # (R, steps * batch)
        for at in np.split(order, steps, 1):
            at = torch.as_tensor(at, device=device)
            yield torch.take_along_dim(x, at[..., None], 1), y[at]

    def loss(net, a, b):
        return cross_entropy(net(a).flatten(0, 1), b.flatten(), reduction="sum") / a.shape[1]

    best = {
        "loss": torch.full((len(repeats),), torch.inf, device=device),
        "train": x.new_zeros(x.shape[:2], dtype=torch.long),
        "test": z.new_zeros(z.shape[:2], dtype=torch.long),
    }
    curve = []

    def validate(net, epoch):
        scores = net(x)  # (R, N, classes)
        each = cross_entropy(scores.transpose(1, 2), y.expand(len(repeats), -1), reduction="none")
        now = (each * check).sum(1) / check.sum(1)  # (R,)
        better = now < best["loss"]
        best["loss"] = torch.where(better, now, best["loss"])
        best["train"] = torch.where(better[:, None], scores.argmax(-1), best["train"])
        if better.any():
            best["test"] = torch.where(better[:, None], net(z).argmax(-1), best["test"])
        curve.append(now.cpu().numpy())
        return -float(now.mean())

    history = training.fit(
        net,
        batches,
        loss,
        training.Settings(epochs=epochs, rate=rate),
        validate=validate,
        progress=False,
    )
    out = {
        name: np.where(mask, best[name].cpu().numpy(), -1).astype(np.int8)
        for name, mask in (("train", seen), ("test", shown))
    }
    right = ((out["train"] == y.cpu().numpy()) & ~part).sum(1) / (~part).sum(1)
    return out | {
        "part": part,
        "validation": right,
        "loss": np.array(history.loss) / len(repeats),
        "validation_loss": np.array(curve),
        "settled": training.plateaued(np.minimum.accumulate(np.array(curve)).mean(1)),
    }


# ---------------------------------------------------------------- networks on pictures


def cnn(
    *,
    train: dict,
    test: dict,
    network: str,
    narrow: int,
    emotions: list[str],
    repeat: int,
    epochs: int,
    rate: float,
    batch: int,
    bank: int | None,
    patience: int | None,
    keep_weights: bool = False,
) -> dict:
    """One convolutional network on the cropped faces, read at the epoch of its lowest validation loss.

    bank   augmented copies of each picture that are drawn once and used in turn; None: fresh ones in every epoch, as in the text
    Returns train (N,) and test (M,) named classes, part (N,), validation (share right), curves, settled; with keep_weights the weights.
    """
    make, size = face_cnn.CNNS[network]
    (x, y, person), (z, _, _) = (
        _pictures(arguments, emotions, size) for arguments in (train, test)
    )
    (part,) = parts(person, [repeat])
    device, rows = torch.device(settings.device()), np.flatnonzero(part)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2000 + repeat)
        net = make(len(emotions), narrow=narrow).to(device)
    memory = (
        torch.channels_last if size >= 150 or device.type == "cuda" else torch.contiguous_format
    )
    net, y = net.to(memory_format=memory), torch.as_tensor(y, device=device)
    ready = lambda v: (v.to(device).float() / 127.5 - 1).contiguous(memory_format=memory)  # noqa: E731
    kept = {}

    def augmented(epoch):
        turn = epoch if bank is None else epoch % bank
        if turn not in kept:
            kept.clear() if bank is None else None
            kept[turn] = augment.augment(
                x[rows], torch.Generator().manual_seed(50_000 + 1000 * repeat + turn)
            )
        return kept[turn]

    def batches(epoch):
        copies, order = (
            augmented(epoch),
            np.random.default_rng((42, repeat, epoch)).permutation(len(rows)),
        )
        for at in np.array_split(order, max(1, len(order) // batch)):
            yield ready(copies[at]), y[rows[at]]

    def scores(net, pictures):
        with torch.no_grad():
            return torch.cat([net(ready(v)) for v in pictures.split(128)])

    def validate(net, epoch):
        curve.append(float(cross_entropy(scores(net, x[~part]), y[~part])))
        return -curve[-1]

    curve: list[float] = []
    history = training.fit(
        net,
        batches,
        lambda net, a, b: cross_entropy(net(a), b),
        training.Settings(
            epochs=epochs,
            rate=rate,
            patience=patience,
            plateau=patience and patience // 3,
            factor=0.3,
        ),
        validate=validate,
        keep_best=True,
        checkpoint=runs.scratch(),
        progress=False,
    )
    net.eval()
    named = {
        k: scores(net, v).argmax(-1).cpu().numpy().astype(np.int8)
        for k, v in (("train", x), ("test", z))
    }
    curve = [-v for _, v in history.validated]
    right = float((named["train"] == y.cpu().numpy())[~part].mean())
    weights = (
        {"weights": {k: v.cpu().numpy() for k, v in net.state_dict().items()}}
        if keep_weights
        else {}
    )
    return (
        named
        | weights
        | {
            "part": part,
            "validation": right,
            "loss": np.array(history.loss),
            "validation_loss": np.array(curve),
            "settled": training.plateaued(curve),
            "parameters": sum(p.numel() for p in net.parameters()),
        }
    )


def _pictures(arguments: dict, emotions: list[str], size: int):
    """(pictures uint8 (N, 1, size, size), classes (N,), people (N,)) of a set."""
    measured, used, keep = view(arguments, emotions)
    crops = measures.faces(
        datasets.resolve(arguments["data"]), used, np.asarray(measured["box"], np.float64), size
    )
    return (
        torch.as_tensor(crops[keep][:, None]),
        classes(used.label[keep], emotions),
        used.subject[keep],
    )
