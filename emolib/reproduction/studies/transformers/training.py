"""One transformer of orgil2022, Table 4.3, and the streams it is given (notebook 12).

Section 3.2.3: MediaPipe's face mesh (468 x 3), features of the face, and features of the face whose
colours were magnified. Films of the simulator are drawn here; their mesh is the simulator's own,
without the noise of a detector.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import tee
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from emolib import data as datasets
from emolib import evm, losses, metrics, training
from emolib.data import splits
from emolib.data.kept import simulator as simulator_sources
from emolib.data.sim import face, track_sets
from emolib.features import backbone, detectors, store, texture
from emolib.features.footage import LONGEST, footage
from emolib.features.landmarks import crops
from emolib.features.mesh import EYE_CORNERS, SIMULATED_CORNERS, normalised
from emolib.ground import settings
from emolib.ground.containers import TrackSet, digest
from emolib.ground.errors import EmolibError, nearest
from emolib.models.transformer import NETWORKS
from emolib.models.video import Video, WithoutMel
from emolib.reproduction.studies import affect_film
from emolib.training.products import in_tf32

VERSION = 1  # raise it when a change to the streams changes a number
STREAMS = ("mesh", "image", "evm")
BAND, ALPHA = (0.8, 3.0), 5.0  # orgil2022, 1.2.5: colours of 0.8 to 3 Hz, six times as strong
# As Table 4.3 names them; MSE is in the text.
LOSSES = {"Ours": losses.non_inertial, "CCC": losses.ccc_loss, "MSE": losses.mse}
UNITS = ("MSE", "Non-Inertial", "CCC loss")  # of a curve, whatever was trained
FOLDS = 5
LSTM = "LSTM"  # beside the transformers of NETWORKS, on a film


# ---------------------------------------------------------------- streams


@dataclass(frozen=True)
class Recipe:
    """How streams are made.

    thin       every n-th frame is used (quick: fewer frames for the same seconds)
    most       frames of a video after thinning, at most; None: all
    size       pixels of the drawn film and of the face crop
    backbone   'phog' (680 numbers, no network) or a name of emolib.features.backbone
    """

    thin: int = 1
    most: int | None = None
    size: int = 224
    backbone: str = "resnet50-ferplus"


def make(*, data: str, video: int, recipe: dict) -> dict:
    """A run: the streams of one video into their file; its frames, and the share without a face."""
    world, how = datasets.resolve(data), Recipe(**recipe)
    arrays = streams_of(world, video, how)
    about = {"set": world.name, "source": world.source, "recipe": asdict(how)}
    store.write(place(world, video, how), arrays, about | {"content": world.content[video]})
    return {"frames": len(arrays["found"]), "missing": float((~arrays["found"]).mean())}


def place(world: TrackSet, video: int, recipe: Recipe) -> Path:
    """The file of one video; its name holds everything that decides the numbers."""
    maker = simulator_sources() if world.source == "simulated" else "mediapipe"
    body = _backbone(recipe.backbone).fingerprint
    name = digest(VERSION, asdict(recipe), maker, world.content[video], body)
    folder = settings.cache() / "features" / world.name / "transformer streams"
    return folder / f"{video:04d}-{name}.safetensors"


@lru_cache(maxsize=2)
def load(data: str, recipe: Recipe, videos: int | None = None) -> list[dict[str, np.ndarray]]:
    """Streams of every video (the first `videos`), made where they are not there yet.

    Each: mesh (T, 1404), image, evm (T, D), found (T,), target (T, 2), annotated (T,).
    """
    world, loaded = datasets.resolve(data), []
    if world.name == affect_film.NAME:
        return [side_by_side(world, video) for video in range(len(world))]
    for video in range(len(world))[:videos]:
        path = place(world, video, recipe)
        arrays = store.sound(path, world.content[video]) if path.exists() else None
        if arrays is None:
            make(data=data, video=video, recipe=asdict(recipe))
            arrays = store.read(path)[0]
        loaded.append(arrays)
    return loaded


def side_by_side(world: TrackSet, video: int) -> dict[str, np.ndarray]:
    """The arrays of `load` for a segment of a film: sound and picture in the place of a face."""
    look, target = affect_film.columns(world, video), world.valence_arousal[video]
    seen, nothing = np.ones(len(look), bool), look[:, :0]
    empty = dict.fromkeys(("mesh", "evm", "landmarks", "pose"), nothing)
    return empty | {"image": look, "found": seen, "target": target, "annotated": seen}


def streams_of(world: TrackSet, video: int, how: Recipe) -> dict[str, np.ndarray]:
    """The arrays of `load` for one video, from its film."""
    body, parts = _backbone(how.backbone), {name: [] for name in (*STREAMS, "found")}
    corners = SIMULATED_CORNERS if world.source == "simulated" else EYE_CORNERS
    margin = 5 if how.size > 100 else 1
    pieces, again = tee(_pieces(world, video, how))  # drawn once; a piece is held, not the film
    films = (frames for frames, _ in again)
    # A causal filter, so that any length fits into memory.
    magnified = evm.stream(films, world.fps / how.thin, *BAND, ALPHA, filter="butterworth")
    for (frames, detector), loud in zip(pieces, magnified, strict=True):
        marks, mesh = detector.detect_all(frames)
        found = marks.found & np.isfinite(mesh.mesh).all((1, 2))
        points = normalised(mesh.mesh[found], corners).reshape(found.sum(), -1)
        parts["found"].append(found)
        parts["mesh"].append(_filled(found, points, 1404))
        for name, pictures in (("image", frames), ("evm", loud)):
            faces = crops(pictures[found], marks.box[found], margin=margin, size=how.size)
            parts[name].append(_filled(found, body.features(faces), body.width))
    arrays = {name: np.concatenate(pieces) for name, pieces in parts.items()}
    steps = slice(0, len(arrays["found"]) * how.thin, how.thin)
    target = world.valence_arousal[video][steps].astype(np.float32)
    gone = world.missing[video][steps] if world.missing is not None else np.zeros(len(target), bool)
    arrays |= {"target": target, "annotated": ~gone}
    # An annotation may be a frame longer than its film.
    return {name: x[: min(len(target), len(arrays["found"]))] for name, x in arrays.items()}


def _filled(found: np.ndarray, values: np.ndarray, width: int) -> np.ndarray:
    """Half precision, NaN where no face was found."""
    out = np.full((len(found), width), np.nan, np.float16)
    out[found] = values
    return out


def _pieces(world: TrackSet, video: int, how: Recipe) -> Iterator[tuple[np.ndarray, object]]:
    """Pieces of the thinned film, each with its detector."""
    if world.source == "simulated":
        film = track_sets.film(world, video)
        last = len(film.units) if how.most is None else how.most * how.thin
        film = film.take(slice(0, last, how.thin))
        threads = 1 if settings.device() == "cpu" else None  # beside other runs, or alone
        for start in range(0, len(film), LONGEST):
            piece = film.take(slice(start, start + LONGEST))
            frames = face.render(piece, how.size, threads=threads)
            yield frames, detectors.SimulatorDetector(piece)
        return
    finder, seen, used = detectors.make("mediapipe"), 0, 0
    for frames in footage(world.select([video]))[0].chunks():
        kept = frames[(-seen) % how.thin :: how.thin]
        kept = kept[: None if how.most is None else how.most - used]
        seen += len(frames)
        used += len(kept)
        if len(kept):
            yield kept, finder
        if how.most is not None and used >= how.most:
            return


class _Phog:
    """Histograms of gradients in the place of a network: nothing to load, a moment a face."""

    fingerprint, width = "phog", 680

    def features(self, images: np.ndarray) -> np.ndarray:
        if not len(images):
            return np.zeros((0, self.width), np.float32)
        green = np.ascontiguousarray(images[..., 1])
        return texture.phog(green, edges="gradient").astype(np.float32)


@lru_cache(maxsize=2)
def _backbone(name: str):
    return _Phog() if name == "phog" else backbone.Backbone(name)


# ---------------------------------------------------------------- windows


@dataclass(frozen=True)
class Windows:
    """Windows of one side of a split.

    inputs   per stream, standardised, float16 (W, L, D)
    target   (W, L, 2);   video  (W,) which each is cut from
    """

    inputs: dict[str, Tensor]
    target: Tensor
    video: np.ndarray

    def take(self, rows, device: str) -> tuple[Tensor, ...]:
        """target, then the streams, of these rows."""
        rows = torch.as_tensor(rows)
        streams = (
            x[rows].to(device, torch.float32, non_blocking=True) for x in self.inputs.values()
        )
        return self.target[rows].to(device), *streams


@lru_cache(maxsize=3)
def parts(
    data: str,
    recipe: Recipe,
    fold: int,
    length: int,
    names: tuple[str, ...],
    videos: int | None = None,
    folds: int = FOLDS,
) -> dict[str, Windows]:
    """Windows of training, validation and test: whole persons on one side.

    Scaled by the training frames. `videos`: only the first so many.
    """
    made = load(data, recipe, videos)
    split = turn(datasets.resolve(data).select(np.arange(len(made))), fold, folds)
    scale = {name: _spread(made, split.train, name) for name in names}
    out = {}
    for side in ("train", "validation", "test"):
        where = []
        for v in getattr(split, side):
            annotated = made[v]["annotated"]
            starts = range(0, len(annotated) - length + 1, length)
            where += [(v, s) for s in starts if annotated[s : s + length].all()]
        if not where:
            raise EmolibError(
                f"transformer: no window of {length} frames in the {side} part; "
                "take shorter windows or longer videos"
            )
        cut = {}
        for name in (*names, "target"):
            cut[name] = np.stack([made[v][name][s : s + length] for v, s in where])
        inputs = {name: torch.from_numpy(scaled(cut[name], *scale[name])) for name in names}
        video = np.array([v for v, _ in where])
        out[side] = Windows(inputs, torch.from_numpy(cut["target"]), video)
    return out


def turn(world: TrackSet, fold: int, folds: int) -> splits.Split:
    """Who is tested in a fold; they take turns."""
    folds = min(folds, len(np.unique(world.subject)))  # a small simulated set has three people
    return splits.cross_validation(world, folds, seed=0, validation=6)[fold % folds]


def _spread(made: list[dict], videos, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column over the frames with a face, summed by video."""
    count, total, squares = 0, 0.0, 0.0
    for v in videos:
        x = made[v][name][made[v]["found"]].astype(np.float64)
        count += len(x)
        total = total + x.sum(0)
        squares = squares + np.square(x).sum(0)
    mean = total / max(count, 1)
    return mean, np.sqrt(np.maximum(squares / max(count, 1) - mean**2, 1e-12))


def scaled(x: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Standardised to half precision; a frame without a face is 0, the mean of all."""
    return np.nan_to_num(np.clip((x - mean) / spread, -10, 10)).astype(np.float16)


# ---------------------------------------------------------------- a training


@in_tf32()
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
    folds: int = FOLDS,
    watched: Sequence[str] = ("validation",),
) -> dict:
    """Train one transformer, or LSTM; `seed`: start weights, order of windows and, modulo `folds`,
    who is tested.

    Returns of the test windows, (W, L, 2) each, and their video (W,):
    pred      with the weights of the best validation epoch
    reported  of the epoch that is best on the test windows themselves, as in print
    forced    with true labels at the decoder ('shifted' only)
    and by epoch curves (E, sides, 3), the `watched` sides in all UNITS; score (E,), validation CCC.
    """
    if loss not in LOSSES:
        raise nearest(loss, LOSSES, what="loss")
    if model not in (LSTM, *NETWORKS):
        raise nearest(model, (LSTM, *NETWORKS), what="transformer")
    device, how = settings.device(), Recipe(**recipe)
    streams = load(data, how, videos)[0]
    widths = {name: streams[name].shape[1] for name in STREAMS}
    with training.seeded(seed):
        options = net | {"widths": widths, "max_length": length}
        if model == LSTM:
            net = recurrent(**options).to(device)
        else:
            net = NETWORKS[model](decoder=decoder, causal=causal, **options).to(device)
        side = parts(data, how, seed, length, tuple(net.widths), videos, folds)
        reported: dict = {"score": -np.inf}
        curves, scores = [], []

        def batches(epoch: int):
            order = np.random.default_rng([seed, epoch]).permutation(len(side["train"].video))
            for first in range(0, len(order), batch):
                yield side["train"].take(order[first : first + batch], device)

        def step(net, target, *streams):
            inputs = dict(zip(net.widths, streams, strict=True))
            out = net(inputs, target=target) if decoder == "shifted" else net(inputs)
            return LOSSES[loss](out.float(), target)

        def validate(net, epoch):
            seen = {
                name: (predict(net, side[name], device), side[name].target.numpy())
                for name in {*watched, "validation", "test"}
            }
            curves.append([in_units(*seen[name]) for name in watched])
            scores.append(pooled(*seen["validation"]).mean())
            tested = pooled(*seen["test"]).mean()
            if tested > reported["score"]:
                reported.update(score=tested, pred=seen["test"][0])
            return scores[-1]

        to_fit = training.Settings(epochs, rate, patience=patience)
        begun = time.perf_counter()
        history = training.fit(
            net, batches, step, to_fit, validate=validate, keep_best=True, progress=False
        )
        seconds = time.perf_counter() - begun
    result = {
        "pred": predict(net, side["test"], device),
        "reported": reported["pred"],
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
    if decoder == "shifted":
        result["forced"] = predict(net, side["test"], device, leak=True)
    return result


def recurrent(widths: dict, *, width: int, dropout: float, **_) -> Video:
    """Notebook 11's blocks and LSTM on `image` alone, as wide as the transformer in its place."""
    widths = {"image": widths["image"], "landmarks": 0, "pose": 0}
    return WithoutMel(sizes=(width, width), hidden=width, dropout=dropout, widths=widths)


def predict(net, windows: Windows, device: str, *, leak: bool = False) -> np.ndarray:
    """(W, L, 2) float32, in evaluation mode; leak: with the true labels at the decoder."""
    net.eval()
    out, count = [], len(windows.video)
    with torch.inference_mode():
        for first in range(0, count, 64):
            target, *streams = windows.take(range(first, min(first + 64, count)), device)
            inputs = dict(zip(net.widths, streams, strict=True))
            pred = net(inputs, target=target, leak=True) if leak else net(inputs)
            out.append(pred.float().cpu().numpy())
    return np.concatenate(out)


def pooled(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """CCC of valence and of arousal over all frames as one series: (W, L, 2) twice -> (2,)."""
    return metrics.ccc(pred.reshape(-1, 2), target.reshape(-1, 2), dim=0)


def in_units(pred: np.ndarray, target: np.ndarray) -> list[float]:
    """The same output in every unit of UNITS."""
    x, y = torch.from_numpy(pred).double(), torch.from_numpy(target).double()
    return [float(losses.mse(x, y)), float(losses.non_inertial(x, y)), float(losses.ccc_loss(x, y))]
