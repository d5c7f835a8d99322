"""The networks of wang, trained as ensembles: every seed, fold, feature set and setting of a sweep at once.

An ensemble here is a grid of members (settings S, views F, seeds R, folds K), flattened to M in that
order; a view is a feature set with a way of scaling it. Each member has its own scaled inputs, its own
training rows and its own batch order; members with the same seed and fold share start weights and batch
order, so settings are compared in pairs.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch import Tensor

from emolib import data as datasets
from emolib import metrics, pruning, training
from emolib.data.splits import cross_validation
from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.models.fusion1d import Fusion1d
from emolib.models.shallow import Shallow

FEATURES = {"LPQ": slice(0, 5), "PHOG": slice(5, 10), "LPQ+PHOG": slice(0, 10)}
LABELS = (
    0,
    1,
    2,
    3,
    6,
    4,
    5,
)  # emolib.EMOTIONS indices of the set's codes 1 to 7, in the paper's column order
SPLITS = ("random", "movie-grouped")
SCALINGS = ("all rows", "training rows")
MAIN, PRUNING = 0, 1  # random streams: batch orders of the training proper and of pruning epochs


# ---------------------------------------------------------------- what every member is fed


@dataclass
class Feed:
    """Scaled inputs, targets and splits of an ensemble, on the device once.

    inputs (F, R, K, N, D) float32; target (N, 7) one-hot; part (3, R, K, N) bool: train, validation, test;
    rows: training rows of each (seed, fold); steps: batches per epoch, the same for all members.
    """

    inputs: Tensor
    target: Tensor
    part: Tensor
    rows: list[list[np.ndarray]]
    seeds: tuple[int, ...]
    batch: int
    steps: int

    @property
    def device(self):
        return self.inputs.device

    def member_seeds(self, settings_count: int) -> list[int]:
        """One seed per member: depends on seed and fold only, never on the setting or the feature set."""
        _, folds = self.part.shape[1:3]
        one = [1000 * seed + fold for seed, fold in product(self.seeds, range(folds))]
        return one * (settings_count * self.inputs.shape[0])

    def order(self, stream: int, epoch: int) -> Tensor:
        """Training rows of one epoch, shuffled anew for each (seed, fold): (R, K, steps * batch)."""
        drawn = [
            [
                np.random.default_rng([seed, fold, stream, epoch]).permutation(rows)[
                    : self.steps * self.batch
                ]
                for fold, rows in enumerate(folds)
            ]
            for seed, folds in zip(self.seeds, self.rows, strict=True)
        ]
        return torch.as_tensor(np.array(drawn), device=self.device)

    def batches(self, settings_count: int, stream: int = MAIN):
        """A function from epoch to batches x (M, B, D), y (FRK, B, 7), as training.fit wants it.

        Members of different settings share targets, so y stands once for all S of them.
        """

        def epoch_batches(epoch: int):
            order = self.order(stream, epoch)  # (R, K, n)
            x = (
                self._rows_of(order)
                .unflatten(1, (self.steps, self.batch))
                .transpose(0, 1)
                .contiguous()
            )  # (steps, FRK, B, D)
            y = (
                self.target[order].expand(len(self.inputs), -1, -1, -1, -1).flatten(0, 2)
            )  # (FRK, n, 7)
            y = (
                y.unflatten(1, (self.steps, self.batch)).transpose(0, 1).contiguous()
            )  # (steps, FRK, B, 7)
            for step in range(self.steps):
                yield x[step].repeat(settings_count, 1, 1), y[step]  # (M, B, D), (FRK, B, 7)

        return epoch_batches

    def _rows_of(self, rows: Tensor) -> Tensor:
        """Inputs of `rows` (R, K, n) in every view: (F * R * K, n, D)."""
        index = rows[None, ..., None].expand(len(self.inputs), -1, -1, -1, self.inputs.shape[-1])
        return self.inputs.gather(3, index).flatten(0, 2)

    def judged(self, settings_count: int, train_rows: int = 64):
        """Rows to judge by: inputs (M, E, D), row numbers (R, K, E), masks (3, R, K, E) of train, validation and test.

        All held-out rows, and `train_rows` training rows evenly spaced (the file is sorted by class): enough for
        a curve. Folds of different size are filled up with rows outside all masks.
        """
        seen, many = (
            self.part[0].cumsum(-1),
            self.part[0].sum(-1, keepdim=True),
        )  # (R, K, N), (R, K, 1)
        train = self.part[0] & (seen * train_rows // many != (seen - 1) * train_rows // many)
        looked_at = train | self.part[1] | self.part[2]
        most = int(looked_at.sum(-1).max())
        rows = looked_at.int().argsort(dim=-1, descending=True, stable=True)[
            ..., :most
        ]  # (R, K, E)
        masks = torch.stack([p.gather(-1, rows) for p in (train, self.part[1], self.part[2])])
        return self._rows_of(rows).repeat(settings_count, 1, 1), rows, masks


def feed(
    *, data: str, split: str, views: list[list[str]], seeds: list[int], folds: int, batch: int
) -> Feed:
    """Splits, scales and places the SFEW table for an ensemble.

    split  'random' (single rows: frames of a film on both sides) or 'movie-grouped'
    views  pairs of feature set and scaling: 'all rows' (min-max before the split, as in the paper) or 'training rows'
    """
    table = datasets.resolve(data)
    for name, value, known in (
        ("split", split, SPLITS),
        *(("scaling", scaling, SCALINGS) for _, scaling in views),
    ):
        if value not in known:
            raise EmolibError(f"{name} '{value}' is not known: expected {' or '.join(known)}")
    cut = [
        cross_validation(table, folds, seed=seed, leaky=split == "random") for seed in seeds
    ]  # R lists of K splits
    part = np.zeros((3, len(seeds), folds, len(table)), bool)
    for r, k in product(range(len(seeds)), range(folds)):
        for p, rows in enumerate((cut[r][k].train, cut[r][k].validation, cut[r][k].test)):
            part[p, r, k, rows] = True
    scaled = [
        min_max(
            table.features[:, FEATURES[name]],
            np.ones_like(part[0]) if scaling == "all rows" else part[0],
        )
        for name, scaling in views
    ]  # F x (R, K, N, D)
    rows = [[s.train for s in folds_] for folds_ in cut]
    device = settings.device()
    target = torch.as_tensor(
        np.asarray(table.label)[:, None] == np.array(LABELS), dtype=torch.float32, device=device
    )
    return Feed(
        torch.as_tensor(np.stack(scaled), dtype=torch.float32, device=device),
        target,
        torch.as_tensor(part, device=device),
        rows,
        tuple(seeds),
        batch,
        min(len(r) for f in rows for r in f) // batch,
    )


def min_max(features: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Each column to [0, 1] over the rows in `fitted` (..., N); features (N, D) -> (..., N, D)   (wang, Eq. 1).

    X_norm = (X - X_min) / (X_max - X_min); rows outside `fitted` may leave [0, 1]. A constant column becomes 0.
    """
    mask = fitted[..., None]
    low = np.where(mask, features, np.inf).min(-2, keepdims=True)
    high = np.where(mask, features, -np.inf).max(-2, keepdims=True)
    return (features - low) / np.where(high > low, high - low, 1.0)


def smooth_l1(net, x: Tensor, y: Tensor) -> Tensor:
    """Smooth L1 (wang, Eq. 3) of raw scores against one-hot targets: mean of each member, summed over members.

    x (M, B, D); y (M', B, 7), where M is a multiple of M' and the targets repeat.
    """
    scores = net(x).unflatten(0, (-1, len(y)))  # (M / M', M', B, 7)
    return (
        torch.nn.functional.smooth_l1_loss(scores, y.expand_as(scores), reduction="sum")
        / y[0].numel()
    )


# ---------------------------------------------------------------- what comes out


class Judge:
    """Watches an ensemble while it trains: curves, and each member's predictions at three moments.

    The moments are the last epoch (as printed), the epoch that is best on validation (nested) and the epoch
    that is best on the test part (selected on the reported set: a marked row, never ours).
    """

    MOMENTS = ("last", "validation", "test")

    def __init__(self, fed: Feed, shape: tuple[int, ...]):
        self.shape, self.target = shape, fed.target  # (S, F, R, K), (N, 7)
        self.x, self.rows, masks = fed.judged(shape[0])  # (M, E, D), (R, K, E)
        self.y = fed.target[self.rows]  # (R, K, E, 7)
        self.masks = masks  # (3, R, K, E)
        members = len(self.x)
        self.best = {m: torch.full((members,), -1.0, device=fed.device) for m in self.MOMENTS}
        self.named = {
            m: torch.zeros(self.x.shape[:2], dtype=torch.int8, device=fed.device)
            for m in self.MOMENTS
        }
        self.validated = {m: torch.zeros(members, device=fed.device) for m in self.MOMENTS}
        self.curves: dict[str, list] = {
            "epoch": [],
            "validation loss": [],
            "train": [],
            "validation": [],
            "test": [],
        }
        self.scores: Tensor | None = None

    def __call__(self, net, epoch: int) -> float:
        self.scores = net(self.x).unflatten(0, self.shape)  # (S, F, R, K, E, 7)
        named = self.scores.argmax(-1)  # (S, F, R, K, E)
        right = named == self.y.argmax(-1)
        on = [
            ((right & m).sum(-1) / m.sum(-1)).flatten() for m in self.masks
        ]  # train, validation, test: (M,)
        loss = torch.nn.functional.smooth_l1_loss(
            self.scores, self.y.expand_as(self.scores), reduction="none"
        ).mean(-1)
        loss = ((loss * self.masks[1]).sum(-1) / self.masks[1].sum(-1)).flatten()  # (M,)
        for moment, score in zip(
            self.MOMENTS, (torch.full_like(loss, float(epoch)), *on[1:]), strict=True
        ):
            better = score > self.best[moment]
            self.best[moment] = torch.where(better, score, self.best[moment])
            self.validated[moment] = torch.where(better, on[1], self.validated[moment])
            self.named[moment][better] = named.flatten(0, 3)[better].to(torch.int8)
        for name, value in zip(
            ("validation loss", "train", "validation", "test"), (loss, *on), strict=True
        ):
            self.curves[name].append(value.view(self.shape).mean((2, 3)).cpu().numpy())  # (S, F)
        self.curves["epoch"].append(epoch + 1)
        return float(on[1].mean())

    def result(self, average_precision: bool = False) -> dict:
        """predictions (S, F, R, N) per moment, out of fold; validation accuracy (S, F, R, K); curves (E, S, F);
        on request the macro average precision (S, F, R) of the last epoch's scores.
        """
        out = {
            "named": {
                m: self._out_of_fold(v.unflatten(0, self.shape)) for m, v in self.named.items()
            },
            "validated": {m: v.view(self.shape).cpu().numpy() for m, v in self.validated.items()},
            "curves": {k: np.stack(v) if k != "epoch" else v for k, v in self.curves.items()},
        }
        if average_precision:
            scores, true = self._out_of_fold(self.scores), self.target.argmax(-1).cpu().numpy()
            flat = scores.reshape(-1, *scores.shape[-2:])  # (S * F * R, N, 7)
            out["average_precision"] = np.array(
                [metrics.macro_average_precision(true, s) for s in flat]
            ).reshape(self.shape[:3])
        return out

    def _out_of_fold(self, values: Tensor) -> np.ndarray:
        """(S, F, R, K, E, ...) -> (S, F, R, N, ...): each row's value from the one fold that tests it."""
        values, rows, tested = (v.cpu().numpy() for v in (values, self.rows, self.masks[2]))
        out = np.zeros((*self.shape[:3], len(self.target), *values.shape[5:]), values.dtype)
        for r, k in product(range(self.shape[2]), range(self.shape[3])):
            mask = tested[r, k]
            out[:, :, r, rows[r, k][mask]] = values[:, :, r, k, mask]
        return out


def train(net, fed: Feed, shape, *, epochs: int, rate: float, validations: int = 10) -> Judge:
    """Train an ensemble as the paper does (Adam, fixed rate) under the eyes of a Judge."""
    judge = Judge(fed, shape)
    plan = training.Settings(epochs=epochs, rate=rate, validate_every=max(1, epochs // validations))
    training.fit(net, fed.batches(shape[0]), smooth_l1, plan, validate=judge, progress=False)
    return judge


# ---------------------------------------------------------------- runs


def run(kind: str, **arguments) -> dict:
    """One run of the study: 'shallow', 'cnn' or 'stock'. A single entry point lets one grid hold all three."""
    return {"shallow": shallow_run, "cnn": cnn_run, "stock": stock_run}[kind](**arguments)


@dataclass(frozen=True)
class Setting:
    """One reading of Algorithm 1 for a network 5-`units`-7; an angle of 0 prunes nothing.

    angle   degrees below which two hidden units count as one
    centre  what is subtracted from the outputs before angles are taken: 0 as printed, 0.5 as in the cited practice
    repeat  prune again after a further epoch until no pair is closer, or once
    fresh   the smaller network starts anew, or the survivors keep their weights
    merge   a dropped unit's outgoing weights go to its twin, or are lost
    """

    units: int = 16
    angle: float = 60.0
    centre: float = 0.0
    repeat: bool = False
    fresh: bool = False
    merge: bool = False


def shallow_run(
    *,
    data: str,
    split: str,
    views: list[list[str]],
    seeds: list[int],
    folds: int,
    batch: int,
    readings: list[dict],
    epochs: int,
    rate: float,
    average_precision: bool = False,
) -> dict:
    """Shallow networks (Fig. 4) pruned after the first epoch and then trained, one per entry of `readings`."""
    fed = feed(data=data, split=split, views=views, seeds=seeds, folds=folds, batch=batch)
    chosen = [Setting(**s) for s in readings]
    shape = (len(chosen), len(views), len(seeds), folds)
    each = {
        name: torch.tensor([getattr(s, name) for s in chosen], device=fed.device).repeat_interleave(
            shape[1] * shape[2] * folds
        )
        for name in Setting.__dataclass_fields__
    }  # name -> (M,)
    net = Shallow(
        fed.member_seeds(len(chosen)),
        hidden=max(s.units for s in chosen),
        units=each["units"].cpu(),
    ).to(fed.device)
    net = prune_after_first_epoch(net, fed, len(chosen), each, rate)
    judge = train(net, fed, shape, epochs=epochs, rate=rate)
    return {**judge.result(average_precision), "alive": net.alive.sum(-1).view(shape).cpu().numpy()}


def prune_after_first_epoch(
    net: Shallow, fed: Feed, settings_count: int, each: dict[str, Tensor], rate: float
) -> Shallow:
    """Algorithm 1, steps 1 to 3: train an epoch, drop similar units, build the smaller network; maybe repeat.

    each: the fields of Setting as tensors (M,).
    """
    batches = fed.batches(settings_count, PRUNING)
    active = torch.ones_like(each["repeat"])  # members still being pruned
    for round_ in range(net.alive.shape[1]):
        before = {k: v.clone() for k, v in net.state_dict().items()}
        training.fit(
            net,
            lambda _, r=round_: batches(r),
            smooth_l1,
            training.Settings(epochs=1, rate=rate),
            progress=False,
        )
        outputs = _training_outputs(net, fed, settings_count, round_)
        smaller = pruning.prune(
            net, outputs, each["angle"], centre=each["centre"], merge=each["merge"]
        )
        shrunk = active & (smaller.alive != net.alive).any(-1)
        anew = copy.deepcopy(smaller).reset()
        # a member that finds no close pair in a later round is done, and stays as it was before that round's epoch
        taken = shrunk if round_ else active
        state = {
            k: _where(taken, _where(each["fresh"], anew.state_dict()[k], v), before[k])
            for k, v in smaller.state_dict().items()
        }
        net.load_state_dict(state)
        active = shrunk & each["repeat"]
        if not active.any():
            break
    return net


def _where(mask: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """torch.where with a mask (M,) over tensors (M, ...)."""
    return torch.where(mask.view(-1, *[1] * (yes.dim() - 1)), yes, no)


def _training_outputs(net: Shallow, fed: Feed, settings_count: int, epoch: int) -> Tensor:
    """Hidden outputs (M, P, H) over the training patterns of the epoch just seen."""
    with torch.no_grad():
        return torch.cat(
            [net.hidden(x) for x, _ in fed.batches(settings_count, PRUNING)(epoch)], dim=1
        )


def cnn_run(
    *,
    data: str,
    split: str,
    views: list[list[str]],
    seeds: list[int],
    folds: int,
    batch: int,
    channels: list[int],
    pool: str,
    epochs: int,
    rate: float,
    average_precision: bool = False,
) -> dict:
    """1-D CNNs (Fig. 5), one for each of `views`; those of 'LPQ+PHOG' are the two-branch fusion."""
    fed = feed(data=data, split=split, views=views, seeds=seeds, folds=folds, batch=batch)
    shape = (1, len(views), len(seeds), folds)
    branches = fed.inputs.shape[-1] // 5
    net = Fusion1d(fed.member_seeds(1), branches=branches, channels=channels, pool=pool).to(
        fed.device
    )
    return train(net, fed, shape, epochs=epochs, rate=rate).result(average_precision)


def stock_run(
    *,
    data: str,
    split: str,
    features: list[str],
    seeds: list[int],
    folds: int,
    model: str,
    budget: list[float],
) -> dict:
    """A classifier of scikit-learn on the same splits; its one dial is set on validation out of `budget`.

    model 'SVM' (RBF kernel, dial C), 'logistic regression' (dial C), 'forest' (dial: samples per leaf) or
    'majority' (no dial: the most frequent training class).
    Returns predictions (1, F, R, N) by the dial chosen on validation ('validation') and on test ('test').
    """
    table = datasets.resolve(data)
    truth = np.array([LABELS.index(v) for v in table.label])
    named = {
        m: np.zeros((1, len(features), len(seeds), len(table)), np.int8)
        for m in ("validation", "test")
    }
    for (f, name), (r, seed) in product(enumerate(features), enumerate(seeds)):
        for split_ in cross_validation(table, folds, seed=seed, leaky=split == "random"):
            x = table.features[:, FEATURES[name]]
            fitted = [
                _classifier(model, dial, seed).fit(x[split_.train], truth[split_.train])
                for dial in budget
            ]
            for moment, rows in (("validation", split_.validation), ("test", split_.test)):
                best = max(fitted, key=lambda c, rows=rows: c.score(x[rows], truth[rows]))
                named[moment][0, f, r, split_.test] = best.predict(x[split_.test])
    return {"named": named}


def _classifier(model: str, dial: float, seed: int):
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    match model:
        case "SVM":
            return make_pipeline(StandardScaler(), SVC(C=dial))
        case "logistic regression":
            return make_pipeline(StandardScaler(), LogisticRegression(C=dial, max_iter=500))
        case "forest":
            return RandomForestClassifier(40, min_samples_leaf=int(dial), random_state=seed)
        case "majority":
            return DummyClassifier()
    raise EmolibError(
        f"classifier '{model}' is not known: expected SVM, logistic regression, forest or majority"
    )
