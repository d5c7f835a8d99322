"""The networks of wang, trained as ensembles: every seed, fold, feature set and setting at once.

An ensemble is a grid of members (settings S, views F, seeds R, folds K), flattened to M in that
order; a view is a feature set with a way of scaling it. Members of one seed and fold share start
weights and batch order, so that settings are compared in pairs.
"""

from __future__ import annotations

from itertools import product
from operator import attrgetter

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from emolib import data as datasets
from emolib import metrics, pruning, training
from emolib.data.splits import cross_validation
from emolib.ground import settings
from emolib.models.fusion1d import Fusion1d
from emolib.models.shallow import Shallow

FEATURES = {"LPQ": slice(0, 5), "PHOG": slice(5, 10), "LPQ+PHOG": slice(0, 10)}
# emolib.EMOTIONS indices of the set's codes 1 to 7, in the paper's order of columns
LABELS = (0, 1, 2, 3, 6, 4, 5)
LEAKY = {"random": True, "movie-grouped": False}  # a random split cuts films in two
SPLITS = tuple(LEAKY)
SCALINGS = ("all rows", "training rows")
MAIN, PRUNING = 0, 1  # random streams: batch orders of the training proper and of pruning epochs


# ---------------------------------------------------------------- what every member is fed


def folds_of(table, split: str, folds: int, seed: int) -> list:
    """Train, validation and test rows of each fold."""
    return cross_validation(table, folds, seed=seed, leaky=LEAKY[split])


class Feed:
    """Scaled inputs, targets and splits of an ensemble, on the device once.

    split  one of SPLITS
    views  pairs of one of FEATURES and one of SCALINGS: limits from all rows as in the paper
           (min-max before the split), or from the training rows
    many   settings S that are trained on each
    """

    def __init__(
        self,
        many: int = 1,
        *,
        data: str,
        split: str,
        views: list,
        seeds: list,
        folds: int,
        batch: int,
    ):
        table, device = datasets.resolve(data), settings.device()
        cuts = [folds_of(table, split, folds, seed) for seed in seeds]  # R lists of K splits
        part = np.zeros((3, len(seeds), folds, len(table)), bool)  # train, validation, test
        for r, k in product(range(len(seeds)), range(folds)):
            for p, rows in enumerate((cuts[r][k].train, cuts[r][k].validation, cuts[r][k].test)):
                part[p, r, k, rows] = True
        fitted = dict(zip(SCALINGS, (np.ones_like(part[0]), part[0]), strict=True))
        scaled = [min_max(table.features[:, FEATURES[name]], fitted[how]) for name, how in views]
        one_hot = np.asarray(table.label)[:, None] == np.array(LABELS)
        self.inputs = torch.as_tensor(np.stack(scaled), dtype=torch.float32, device=device)
        self.shape = (many, *self.inputs.shape[:3])  # inputs are (F, R, K, N, D)
        self.target = torch.as_tensor(one_hot, dtype=torch.float32, device=device)  # (N, 7)
        self.part = torch.as_tensor(part, device=device)  # (3, R, K, N)
        self.rows = [[*map(attrgetter("train"), of_seed)] for of_seed in cuts]
        self.seeds, self.batch, self.device = seeds, batch, device
        self.steps = int(part[0].sum(-1).min()) // batch  # an epoch, the same for all members

    def member_seeds(self) -> list[int]:
        """One seed per member: of its seed and fold, never of its setting or feature set."""
        many, views, _, folds = self.shape
        return [1000 * s + k for s, k in product(self.seeds, range(folds))] * (many * views)

    def order(self, stream: int, epoch: int) -> Tensor:
        """Training rows of one epoch, shuffled for each (seed, fold): (R, K, steps * batch)."""
        drawn = np.empty((*self.shape[2:], self.steps * self.batch), np.int64)
        for (r, seed), k in product(enumerate(self.seeds), range(self.shape[3])):
            shuffled = np.random.default_rng([seed, k, stream, epoch]).permutation(self.rows[r][k])
            drawn[r, k] = shuffled[: drawn.shape[2]]
        return torch.as_tensor(drawn, device=self.device)

    def batches(self, stream: int = MAIN):
        """A function from epoch to batches, as training.fit wants it: x (M, B, D), y (FRK, B, 7),
        once for all S settings."""

        def epoch_batches(epoch: int):
            order = self.order(stream, epoch)  # (R, K, n)
            x = self._by_step(self._rows_of(order))  # (steps, FRK, B, D)
            targets = self.target[order].expand(len(self.inputs), -1, -1, -1, -1)
            y = self._by_step(targets.flatten(0, 2))  # (steps, FRK, B, 7)
            for step in range(self.steps):
                yield x[step].repeat(self.shape[0], 1, 1), y[step]

        return epoch_batches

    def _by_step(self, values: Tensor) -> Tensor:
        return values.unflatten(1, (self.steps, self.batch)).transpose(0, 1).contiguous()

    def _rows_of(self, rows: Tensor) -> Tensor:
        """Inputs of `rows` (R, K, n) in every view: (F * R * K, n, D)."""
        index = rows[None, ..., None].expand(len(self.inputs), -1, -1, -1, self.inputs.shape[-1])
        return self.inputs.gather(3, index).flatten(0, 2)

    def judged(self):
        """Rows to judge by: inputs (M, E, D), row numbers (R, K, E), masks (3, R, K, E) of parts.

        All held-out rows, and 64 training rows evenly spaced (the file is sorted by class), enough
        for a curve. Folds of different size are filled up with rows outside all masks.
        """
        seen = self.part[0].cumsum(-1)  # (R, K, N)
        many = self.part[0].sum(-1, keepdim=True)  # (R, K, 1)
        train = self.part[0] & (seen * 64 // many != (seen - 1) * 64 // many)
        parts = torch.stack([train, *self.part[1:]])
        looked_at = parts.any(0)
        rows = looked_at.int().argsort(dim=-1, descending=True, stable=True)
        rows = rows[..., : int(looked_at.sum(-1).max())]  # (R, K, E)
        masks = parts.gather(-1, rows.expand(3, -1, -1, -1))
        return self._rows_of(rows).repeat(self.shape[0], 1, 1), rows, masks


def min_max(features: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Columns to [0, 1] over the rows `fitted` (..., N): (N, D) -> (..., N, D)   (wang, Eq. 1).

    X_norm = (X - X_min) / (X_max - X_min); rows outside `fitted` may leave [0, 1]; a constant
    column becomes 0.
    """
    mask = fitted[..., None]
    low = np.where(mask, features, np.inf).min(-2, keepdims=True)
    high = np.where(mask, features, -np.inf).max(-2, keepdims=True)
    return (features - low) / np.where(high > low, high - low, 1.0)


def smooth_l1_each(scores: Tensor, target: Tensor) -> Tensor:
    """Smooth L1 (wang, Eq. 3) of raw scores (..., 7) against one-hot targets: (...)."""
    return smooth_l1_loss(scores, target, reduction="none").mean(-1)


def cross_entropy_each(scores: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy in nats, what seven classes are trained with elsewhere: (..., 7) -> (...)."""
    return -(target * scores.log_softmax(-1)).sum(-1)


LOSSES = {"smooth L1": smooth_l1_each, "cross-entropy": cross_entropy_each}


def ensemble_loss(each):
    """The loss of stacked networks from that of each row: members' means, summed.

    Of the function returned: x (M, B, D); y (M', B, 7), M a multiple of M', the targets repeat.
    """

    def loss(net, x: Tensor, y: Tensor) -> Tensor:
        scores = net(x).unflatten(0, (-1, len(y)))  # (M / M', M', B, 7)
        return each(scores, y.expand_as(scores)).mean(-1).sum()

    return loss


smooth_l1 = ensemble_loss(smooth_l1_each)


# ---------------------------------------------------------------- what comes out


class Judge:
    """Watches an ensemble while it trains: curves, and each member's predictions at three moments:
    the last epoch (as printed), the best on validation (nested) and the best on the test part
    (selected on the reported set: a marked row, never ours).
    """

    MOMENTS = ("last", "validation", "test")

    def __init__(self, fed: Feed, loss: str):
        self.each = LOSSES[loss]
        self.shape, self.target = fed.shape, fed.target  # (S, F, R, K), (N, 7)
        self.x, self.rows, self.masks = fed.judged()  # (M, E, D), (R, K, E), (3, R, K, E)
        self.y = fed.target[self.rows]  # (R, K, E, 7)
        blank = torch.zeros(self.x.shape[:2], dtype=torch.int8, device=fed.device)
        lowest = torch.full((len(self.x),), -1.0, device=fed.device)
        self.best = {moment: lowest.clone() for moment in self.MOMENTS}
        self.named = {moment: blank.clone() for moment in self.MOMENTS}
        self.curves: dict[str, list] = {"validation loss": [], "train": [], "validation": []}
        self.scores: Tensor | None = None

    def __call__(self, net, epoch: int) -> float:
        self.scores = net(self.x).unflatten(0, self.shape)  # (S, F, R, K, E, 7)
        named = self.scores.argmax(-1)  # (S, F, R, K, E)
        right = named == self.y.argmax(-1)
        train, validation, test = (
            ((right & mask).sum(-1) / mask.sum(-1)).flatten() for mask in self.masks
        )  # each (M,)
        losses = self.each(self.scores, self.y.expand_as(self.scores))  # (S, F, R, K, E)
        loss = (losses * self.masks[1]).sum(-1) / self.masks[1].sum(-1)
        now = (torch.full_like(validation, float(epoch)), validation, test)
        for moment, score in zip(self.MOMENTS, now, strict=True):
            better = score > self.best[moment]
            self.best[moment] = torch.where(better, score, self.best[moment])
            self.named[moment][better] = named.flatten(0, 3)[better].to(torch.int8)
        for curve, value in zip(self.curves.values(), (loss, train, validation), strict=True):
            curve.append(value.view(self.shape).mean((2, 3)).cpu().numpy())  # (S, F)
        return float(validation.mean())

    def result(self, average_precision: bool = False) -> dict:
        """named (S, F, R, N) per moment, out of fold; validated (S, F, R, K): accuracy of the epoch
        chosen there; curves (E, S, F); on request macro average precision (S, F, R), last epoch.
        """
        named = {m: self._out_of_fold(v.unflatten(0, self.shape)) for m, v in self.named.items()}
        out = {
            "named": named,
            "validated": self.best["validation"].view(self.shape).cpu().numpy(),
            "curves": {name: np.stack(curve) for name, curve in self.curves.items()},
        }
        if average_precision:
            scores, true = self._out_of_fold(self.scores), self.target.argmax(-1).cpu().numpy()
            flat = scores.reshape(-1, *scores.shape[-2:])  # (S * F * R, N, 7)
            precisions = [metrics.macro_average_precision(true, member) for member in flat]
            out["average_precision"] = np.array(precisions).reshape(self.shape[:3])
        return out

    def _out_of_fold(self, values: Tensor) -> np.ndarray:
        """(S, F, R, K, E, ...) -> (S, F, R, N, ...): each row as the fold says that tests it."""
        values, rows, tested = (v.cpu().numpy() for v in (values, self.rows, self.masks[2]))
        out = np.zeros((*self.shape[:3], len(self.target), *values.shape[5:]), values.dtype)
        for r, k in product(range(self.shape[2]), range(self.shape[3])):
            mask = tested[r, k]
            out[:, :, r, rows[r, k][mask]] = values[:, :, r, k, mask]
        return out


def train(net, fed: Feed, epochs: int, rate: float, loss: str) -> Judge:
    """Train an ensemble as the paper does (Adam, fixed rate) under the eyes of a Judge."""
    judge = Judge(fed, loss)
    plan = training.Settings(epochs=epochs, rate=rate, validate_every=max(1, epochs // 10))
    of_members = ensemble_loss(LOSSES[loss])
    training.fit(net, fed.batches(), of_members, plan, validate=judge, progress=False)
    return judge


# ---------------------------------------------------------------- runs


def run(kind: str, **arguments) -> dict:
    """One run: 'shallow', 'cnn' or 'stock'. A single entry point lets one grid hold all three."""
    return {"shallow": shallow_run, "cnn": cnn_run, "stock": stock_run}[kind](**arguments)


def reading(units: int = 16, angle: float = 60.0, centre: float = 0.0, repeat=False) -> dict:
    """One reading of Algorithm 1 for a network 5-`units`-7; an angle of 0 prunes nothing.

    angle   degrees below which two hidden units count as one
    centre  what is subtracted from outputs first: 0 as printed, 0.5 as in the cited practice
    repeat  prune again after a further epoch until no pair is closer, or once
    """
    return {"units": units, "angle": angle, "centre": centre, "repeat": repeat}


def shallow_run(
    *,
    readings: list[dict],
    fresh: bool,
    merge: bool,
    epochs: int,
    rate: float,
    loss: str,
    average_precision: bool = False,
    **fed_with,
) -> dict:
    """Shallow networks (Fig. 4), pruned after the first epoch and then trained; see Feed.

    fresh   the smaller network starts anew, or the survivors keep their weights
    merge   a dropped unit's outgoing weights go to its twin, or are lost
    """
    fed, each = Feed(len(readings), **fed_with), {}  # name -> (M,)
    for name in readings[0]:
        values = torch.tensor([one[name] for one in readings], device=fed.device)
        each[name] = values.repeat_interleave(int(np.prod(fed.shape[1:])))
    units, seeds = each["units"].cpu(), fed.member_seeds()
    net = Shallow(seeds, hidden=int(units.max()), units=units).to(fed.device)
    prune_after_first_epoch(net, fed, each, rate, fresh, merge, LOSSES[loss])
    result = train(net, fed, epochs, rate, loss).result(average_precision)
    return {**result, "alive": net.alive.sum(-1).view(fed.shape).cpu().numpy()}


def prune_after_first_epoch(
    net, fed: Feed, each: dict, rate: float, fresh: bool, merge: bool, row_loss=smooth_l1_each
):
    """Algorithm 1, steps 1 to 3, in place: train an epoch, drop similar units, go on with the rest.

    each: the readings as tensors (M,) by name; row_loss: one of LOSSES.
    """
    batches, loss = fed.batches(PRUNING), ensemble_loss(row_loss)
    active = torch.ones_like(each["repeat"])  # members still being pruned
    for round_ in range(net.alive.shape[1]):
        before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        shuffled = _epoch(batches, round_)
        training.fit(net, shuffled, loss, training.Settings(1, rate), progress=False)
        with torch.no_grad():  # (M, P, H) over the training patterns of the epoch just seen
            outputs = torch.cat([net.hidden(x) for x, _ in shuffled(0)], dim=1)
        smaller = pruning.prune(net, outputs, each["angle"], centre=each["centre"], merge=merge)
        shrunk = active & (smaller.alive != net.alive).any(-1)
        if fresh:
            smaller.reset()
        # who finds no close pair in a later round stays as it was before that round's epoch
        taken = shrunk if round_ else active
        for name, tensor in smaller.state_dict().items():
            mask = taken.view(-1, *[1] * (tensor.dim() - 1))
            before[name] = torch.where(mask, tensor, before[name])
        net.load_state_dict(before)
        active = shrunk & each["repeat"]
        if not active.any():
            break


def _epoch(batches, number: int):
    """The batches of one epoch, whichever is asked for."""
    return lambda _: batches(number)


def cnn_run(
    *,
    channels: list[int],
    epochs: int,
    rate: float,
    loss: str,
    average_precision: bool = False,
    **fed_with,
) -> dict:
    """1-D CNNs (Fig. 5), one for each view (see Feed); those of 'LPQ+PHOG' have two branches."""
    fed = Feed(**fed_with)
    seeds, branches = fed.member_seeds(), fed.inputs.shape[-1] // 5
    net = Fusion1d(seeds, branches=branches, channels=channels).to(fed.device)
    return train(net, fed, epochs, rate, loss).result(average_precision)


def stock_run(
    *,
    data: str,
    split: str,
    features: list[str],
    seeds: list[int],
    folds: int,
    model: str,
    dials: list[float],
) -> dict:
    """A classifier of scikit-learn on the same splits, its one dial set on validation or on test:
    named (1, F, R, N) by each.

    model  'SVM' (RBF kernel, dial C), 'logistic regression' (dial C), 'forest' (dial: samples per
           leaf) or 'majority' (no dial: the most frequent training class)
    """
    table = datasets.resolve(data)
    truth = np.array([LABELS.index(v) for v in table.label])
    named = np.zeros((2, 1, len(features), len(seeds), len(table)), np.int8)
    for (f, name), (r, seed) in product(enumerate(features), enumerate(seeds)):
        x = table.features[:, FEATURES[name]]
        for cut in folds_of(table, split, folds, seed):
            fitted = [
                _classifier(model, d, seed).fit(x[cut.train], truth[cut.train]) for d in dials
            ]
            for moment, rows in enumerate((cut.validation, cut.test)):
                scores = [classifier.score(x[rows], truth[rows]) for classifier in fitted]
                best = fitted[int(np.argmax(scores))]
                named[moment, 0, f, r, cut.test] = best.predict(x[cut.test])
    return {"named": {"validation": named[0], "test": named[1]}}


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
    raise ValueError(f"classifier '{model}' is not known")
