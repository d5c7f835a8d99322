"""From films to features (notebook 30): faces as section 4.5 prepares them, a CNN that knows emotions, 300 numbers a frame."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emolib import data as datasets
from emolib import losses, training
from emolib.data.checks import content_of
from emolib.features import detectors, greyface
from emolib.features.landmarks import Landmarks, filled
from emolib.ground import settings
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError, nearest
from emolib.models.path import QuadrantCNN
from emolib.reproduction import runs

LAST = 50  # frames of a film that are labelled and used (4.5, step 6)
KINDS = ("anchors", "classes", "untrained")


# ---------------------------------------------------------------- films


def look(
    *, data: str, clips: list[int], last: int | None, stride: int, side: int, every: int
) -> dict:
    """The faces of some films, grey, equalised and cut out (run).

    last     frames from the end of each film, None: all of it;   stride   of these every n-th is used
    every    dlib looks at every n-th of them, between two the points move in a line; a simulated film's points are known
    Returns faces uint8 (frames of all, side, side) and counts (clips,), the frames of each. Raises EmolibError for a film without a face.
    """
    world = datasets.resolve(data)
    finder = None if world.source == "simulated" else detectors.make("dlib", video=False)
    found = [
        _faces(world, i, slice(None if last is None else -last, None, stride), side, every, finder)
        for i in clips
    ]
    return {"faces": np.concatenate(found), "counts": np.array([len(f) for f in found])}


def _faces(world: ClipSet, clip: int, at: slice, side, every, finder) -> np.ndarray:
    frames, marks = seen(world, clip, at, every, finder)
    if not marks.found.any():
        raise EmolibError(
            f"{world.name}: no face is found in any frame of {world.meta['image'].iloc[clip]}; take the film out of the folder"
        )
    return greyface.prepared(frames, filled(marks, "interpolate").points, side)


def seen(world: ClipSet, clip: int, at: slice, every: int, finder) -> tuple[np.ndarray, Landmarks]:
    """Frames of a film, uint8 (T, H, W, 3), and where its face is; frames that nobody looked at count as not found."""
    if world.source == "simulated":
        from emolib.data.sim import clip_sets

        frames, film = clip_sets.drawn(world, clip, at), clip_sets.film(world, clip).take(at)
        return frames, detectors.SimulatorDetector(film).detect(frames)
    frames = world.frames[clip]()[at]
    some = finder.detect(frames[::every])
    points, found = (
        np.full((len(frames), *some.points.shape[1:]), np.nan, np.float32),
        np.zeros(len(frames), bool),
    )
    points[::every], found[::every] = some.points, some.found
    return frames, Landmarks(points=points, found=found)


# ---------------------------------------------------------------- the body


def pretrain(
    *,
    data: str,
    kind: str,
    anchors: list,
    side: int,
    channels: list,
    features: int,
    count: int | None,
    epochs: int,
    rate: float,
    batch: int,
    patience: int,
    seed: int,
) -> dict:
    """Train the CNN on single faces of FER2013 (run): the paper took it from an earlier valence-arousal network, which is not public.

    kind     'anchors': the point of Table 2 of each label, by the loss of Eq. 9; 'classes': which of the seven labels; 'untrained'
    anchors  (valence, arousal) per class of the data set, [nan, nan] where Table 2 has none
    Every tenth picture decides on the epoch. Returns weights (by name), loss and validation by epoch, best_epoch, pictures, and scale:
    the root mean square of the features on the pictures that decide. Features are divided by it, so that one rate fits every CNN.
    """
    if kind not in KINDS:
        raise nearest(kind, KINDS, what="way of pre-training")
    device, faces = settings.device(), datasets.resolve(data)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(
            QuadrantCNN(tuple(channels), features),
            nn.Linear(features, 2 if kind == "anchors" else len(anchors)),
        )
    net = net.to(device, memory_format=torch.channels_last)
    rows = training_rows(faces, count)
    images = resized(torch.as_tensor(greyface.equalised(faces.images[rows])), side).to(
        device
    )  # (N, side, side) uint8
    label = torch.as_tensor(faces.label[rows], device=device)
    point = torch.tensor(anchors, dtype=torch.float32, device=device)[label]  # (N, 2)
    held = torch.arange(len(rows)) % 10 == 9
    known, kept = torch.nonzero(~held).flatten().numpy(), torch.nonzero(held).flatten().numpy()
    batch = min(batch, len(known))
    if kind == "untrained":
        epochs = 0

    def batches(epoch):
        rng = np.random.default_rng([seed, epoch])
        order = rng.permutation(known)
        for at in order[: len(order) // batch * batch].reshape(-1, batch):
            mirrored = images[at].flip(-1) if rng.random() < 0.5 else images[at]
            yield as_input(mirrored), label[at], point[at]

    def loss(net, x, y, p):
        out = net(x).float()
        return (
            losses.ccc_loss(out[:, None], p[:, None])
            if kind == "anchors"
            else F.cross_entropy(out, y)
        )

    def validate(net, epoch):
        out = torch.cat([net(as_input(part)).float() for part in images[kept].split(500)])
        return -float(
            losses.ccc_loss(out[:, None], point[kept][:, None])
            if kind == "anchors"
            else F.cross_entropy(out, label[kept])
        )

    history = training.fit(
        net,
        batches,
        loss,
        training.Settings(
            epochs, rate, mixed=True, plateau=max(1, patience // 2), factor=0.3, patience=patience
        ),
        validate=validate,
        keep_best=True,
        checkpoint=runs.scratch(),
        label=f"CNN, {kind}",
        progress=False,
    )
    return {
        "weights": _weights(net[0]),
        "loss": np.array(history.loss),
        "validation": np.array([-v for _, v in history.validated]),
        "best_epoch": history.best_epoch,
        "pictures": len(known),
        "scale": rms(features_of(net[0].eval(), images[kept].cpu().numpy())),
    }


def training_rows(faces, count: int | None) -> np.ndarray:
    """Rows of FER2013's training part that have an anchor, duplicates of test pictures left out, at most `count`, evenly spread."""
    rows = np.flatnonzero(faces.split == "Training")
    content = content_of(faces.images)
    rows = rows[~np.isin(content[rows], content[faces.split != "Training"])]
    return (
        rows
        if count is None or count >= len(rows)
        else rows[np.linspace(0, len(rows) - 1, count).astype(int)]
    )


def resized(images: Tensor, side: int) -> Tensor:
    """uint8 (N, H, W) -> uint8 (N, side, side)."""
    if images.shape[-1] == side:
        return images
    parts = [
        F.interpolate(
            p[:, None].float(), (side, side), mode="bilinear", antialias=True, align_corners=False
        )[:, 0]
        for p in images.split(1000)
    ]
    return torch.cat(parts).round().clamp(0, 255).byte()


def as_input(faces: Tensor) -> Tensor:
    """uint8 (B, S, S) -> float32 (B, 1, S, S) in [0, 1], channels last."""
    return (faces[:, None].float() / 255).contiguous(memory_format=torch.channels_last)


def _weights(net: nn.Module) -> dict:
    return {k: v.detach().cpu().numpy() for k, v in net.state_dict().items()}


def body(result: dict, device: str = "cpu") -> QuadrantCNN:
    """The CNN of a `pretrain` result, ready to be used."""
    weights = {k: torch.as_tensor(v) for k, v in result["weights"].items()}
    net = QuadrantCNN(
        tuple(len(weights[f"{name}.weight"]) for name in ("first", "second", "third")),
        len(weights["out.weight"]),
    )
    net.load_state_dict(weights)
    return net.to(device, memory_format=torch.channels_last).eval()


@torch.no_grad()
def features_of(net: QuadrantCNN, faces: np.ndarray, batch: int = 200) -> np.ndarray:
    """Features float32 (N, F) of faces uint8 (N, S, S)."""
    device = next(net.parameters()).device
    parts = torch.as_tensor(np.ascontiguousarray(faces)).split(batch)
    return torch.cat([net(as_input(part.to(device))) for part in parts]).cpu().numpy()


def describe(*, looks: list[dict], cnn: dict) -> dict:
    """Features of the last frames of every film and of its mirror image (run): float32 (2 N, T, F), mirror images after all originals.

    looks, cnn   arguments of the `look` runs, in order of the films, and of the `pretrain` run that these features stand on
    """
    faces, counts = collected(looks)
    trained = runs.map(pretrain, [cnn], jobs=1)[0]
    net = body(trained, settings.device())
    both = np.concatenate(
        [features_of(net, faces), features_of(net, greyface.mirrored(faces))]
    ) / np.float32(trained["scale"])
    return {"features": both.reshape(2 * len(counts), counts[0], -1)}


def rms(features: np.ndarray) -> float:
    """Root mean square of features (N, F)."""
    return float(np.sqrt(np.square(features, dtype=np.float64).mean()) + 1e-6)


def collected(looks: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Faces (frames of all, S, S) and frames of each film (N,) from the store."""
    found = runs.map(look, looks, jobs=1)
    return np.concatenate([f["faces"] for f in found]), np.concatenate([f["counts"] for f in found])
