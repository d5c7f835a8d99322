"""One transformer of orgil2022, Table 4.3, trained on windows of annotated video and read on people it has not seen (notebook 12)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from emolib import data as datasets
from emolib import losses, metrics, training
from emolib.data import splits
from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest
from emolib.models import transformer
from emolib.reproduction.studies.transformers import transformer_streams as streams

LOSSES = {
    "Ours": losses.non_inertial,
    "CCC": losses.ccc_loss,
    "MSE": losses.mse,
}  # as Table 4.3 names them; MSE is in the text
UNITS = ("MSE", "Non-Inertial", "CCC loss")  # of a curve, whatever was trained
FOLDS = 5


@dataclass(frozen=True)
class Part:
    """Windows of one side of a split: per stream float32 (W, L, D), standardised; target (W, L, 2); the video of each (W,)."""

    inputs: dict[str, Tensor]
    target: Tensor
    video: np.ndarray

    def take(self, rows, device: str) -> tuple[dict[str, Tensor], Tensor]:
        rows = torch.as_tensor(rows)
        return {
            name: v[rows].to(device, torch.float32, non_blocking=True)
            for name, v in self.inputs.items()
        }, self.target[rows].to(device)


@lru_cache(maxsize=3)
def parts(
    data: str,
    recipe: streams.Recipe,
    fold: int,
    length: int,
    names: tuple[str, ...],
    videos: int | None = None,
) -> dict[str, Part]:
    """Windows of training, validation and test: whole persons on one side; scaled by mean and spread of the training frames.

    videos   only the first so many (Fig. 4.11 uses 25)
    """
    made = streams.load(data, recipe, videos)
    world = datasets.resolve(data).select(np.arange(len(made)))
    folds = min(FOLDS, len(np.unique(world.subject)))  # a small simulated set has three people
    split = splits.cross_validation(world, folds, seed=0, validation=6)[fold % folds]
    scale = {name: _spread(made, split.train, name) for name in names}
    out = {}
    for side in ("train", "validation", "test"):
        where = [
            (v, start)
            for v in getattr(split, side)
            for start in range(0, len(made[v]["target"]) - length + 1, length)
            if made[v]["annotated"][start : start + length].all()
        ]
        if not where:
            raise EmolibError(
                f"transformer: no window of {length} frames in the {side} part; take shorter windows or longer videos"
            )
        cut = {
            name: np.stack([made[v][name][s : s + length] for v, s in where])
            for name in (*names, "target")
        }
        inputs = {name: torch.from_numpy(_scaled(cut[name], *scale[name])) for name in names}
        out[side] = Part(inputs, torch.from_numpy(cut["target"]), np.array([v for v, _ in where]))
    return out


def _spread(made, videos, name) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column over the training frames with a face, summed video by video."""
    count, total, squares = 0, 0.0, 0.0
    for v in videos:
        x = made[v][name][made[v]["found"]].astype(np.float64)
        count, total, squares = count + len(x), total + x.sum(0), squares + np.square(x).sum(0)
    mean = total / max(count, 1)
    return mean, np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 1e-12))


def _scaled(x: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Standardised to half precision; a frame without a face is 0, the mean of all."""
    return np.nan_to_num(np.clip((x - mean) / spread, -10, 10)).astype(np.float16)


def build(
    model: str, widths: Mapping[str, int], net: dict, decoder: str, causal: bool
) -> transformer.Transformer:
    """The transformer called `model` in Table 4.3, for streams of these widths."""
    if model not in transformer.NETWORKS:
        raise nearest(model, transformer.NETWORKS, what="transformer")
    kind = transformer.NETWORKS[model]
    with torch.device("meta"):
        used = tuple(kind(width=16, heads=2, layers=1, feedforward=16, max_length=2).widths)
    return kind(widths={name: widths[name] for name in used}, decoder=decoder, causal=causal, **net)


def run(
    *,
    data: str,
    recipe: dict,
    model: str,
    loss: str,
    seed: int,
    decoder: str,
    causal: bool,
    net: dict,
    length: int,
    batch: int,
    epochs: int,
    rate: float,
    patience: int,
    videos: int | None = None,
    watched: Sequence[str] = ("validation",),
) -> dict:
    """Train one transformer; `seed` gives start weights, order of windows and, modulo 5, who is tested.

    Returns pred (W, L, 2) on the test windows with the weights of the best validation epoch; reported (W, L, 2) of the epoch that is best on
    the test windows themselves, as in print; forced (W, L, 2) with true labels at the decoder ('shifted' only); target and video; curves
    (E, sides, 3): the `watched` sides in all three UNITS after each epoch; score (E,) validation CCC; best_epoch; parameters.
    """
    if loss not in LOSSES:
        raise nearest(loss, LOSSES, what="loss")
    device, how = settings.device(), streams.Recipe(**recipe)
    widths = {
        name: v.shape[1]
        for name, v in streams.load(data, how, videos)[0].items()
        if name in streams.STREAMS
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = build(model, widths, net | {"max_length": length}, decoder, causal).to(device)
        side = parts(data, how, seed, length, tuple(net.widths), videos)
        kept: dict = {"score": -np.inf}
        curves, scores = [], []

        def batches(epoch: int):
            order = np.random.default_rng([seed, epoch]).permutation(len(side["train"].video))
            for first in range(0, len(order), batch):
                yield _flat(*side["train"].take(order[first : first + batch], device))

        def step(net, target, *values):
            inputs = dict(zip(net.widths, values, strict=True))
            out = net(inputs, target=target) if decoder == "shifted" else net(inputs)
            return LOSSES[loss](out.float(), target)

        def validate(net, epoch):
            seen = {
                name: (predict(net, side[name], device), side[name].target.numpy())
                for name in {*watched, "validation", "test"}
            }
            curves.append([in_units(*seen[name]) for name in watched])
            scores.append(pooled(*seen["validation"]).mean())
            if (own := pooled(*seen["test"]).mean()) > kept["score"]:
                kept.update(score=own, pred=seen["test"][0])
            return scores[-1]

        begun = time.perf_counter()
        history = training.fit(
            net,
            batches,
            step,
            training.Settings(epochs, rate, patience=patience, mixed=True),
            validate=validate,
            keep_best=True,
            progress=False,
        )
        seconds = time.perf_counter() - begun
    out = {
        "pred": predict(net, side["test"], device),
        "reported": kept["pred"],
        "target": side["test"].target.numpy(),
        "video": side["test"].video,
        "curves": np.array(curves),
        "score": np.array(scores),
        "loss": np.array(history.loss),
        "best_epoch": history.best_epoch,
        "epoch_seconds": seconds / len(history.loss),
        "parameters": sum(p.numel() for p in net.parameters()),
        "settled": training.plateaued([1 - s for s in scores]) or history.stopped_early,
        "windows": len(side["train"].video),
    }
    return out | (
        {"forced": predict(net, side["test"], device, leak=True)} if decoder == "shifted" else {}
    )


def _flat(inputs: dict[str, Tensor], target: Tensor) -> tuple[Tensor, ...]:
    return target, *inputs.values()


def predict(net, part: Part, device: str, *, leak: bool = False, at_once: int = 64) -> np.ndarray:
    """(W, L, 2) float32, in evaluation mode; leak: with the true labels at the decoder."""
    net.eval()
    out = []
    with torch.inference_mode():
        for first in range(0, len(part.video), at_once):
            inputs, target = part.take(range(first, min(first + at_once, len(part.video))), device)
            out.append(
                (net(inputs, target=target, leak=True) if leak else net(inputs))
                .float()
                .cpu()
                .numpy()
            )
    return np.concatenate(out)


def pooled(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """CCC of valence and of arousal over all frames as one series: (W, L, 2), (W, L, 2) -> (2,)."""
    return metrics.ccc(pred.reshape(-1, 2), target.reshape(-1, 2), dim=0)


def in_units(pred: np.ndarray, target: np.ndarray) -> list[float]:
    """The same output in every unit of UNITS."""
    x, y = torch.from_numpy(pred).double(), torch.from_numpy(target).double()
    return [float(losses.mse(x, y)), float(losses.non_inertial(x, y)), float(losses.ccc_loss(x, y))]
