"""What the figures of notebook 40 draw.

People in pictures are the simulator's, and the wire model is the mask of our own even where
Candide-3 is at hand: its file is for research only, and a drawing with its numbers beside it would
hand the file on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import nn

from emolib import EMOTIONS, candide
from emolib.models import face_cnn
from emolib.reproduction.runs import Outcome, Pictures, held
from emolib.reproduction.studies.candide import training
from emolib.reproduction.studies.candide.plan import FOUR, MIS, Case, Study
from emolib.reproduction.studies.candide.tables import mean_face, model_sources
from emolib.training import augment

MOUTH = {
    "AU10 upper lip raiser": {"AU10": 1.0},
    "AU20 lip stretcher": {"AU20": 1.0},
    "AU13/15 lip corner depressor": {"AU13/15": 1.0},
    # lips up and wide, corners against their depressor
    "a smile: all three": {"AU10": 0.4, "AU20": 1.0, "AU13/15": -0.6},
}
PERSON = ("Mouth vertical position", "Mouth width", "Eyes vertical position")
ACROSS = 8  # tiles in a row of Figures 4.6 and 4.8
FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "leaky ReLU": nn.LeakyReLU(0.1),
    "ELU": nn.functional.elu,
}


# ---------------------------------------------------------------- the wire model


def edges(faces: np.ndarray) -> np.ndarray:
    """(E, 2): each side of the triangles (F, 3) once, the lower vertex first."""
    sides = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [0, 2]]])
    return np.unique(np.sort(sides, 1), axis=0)


def plane(model: candide.Candide, vertices: np.ndarray, axes=(0, 1)) -> np.ndarray:
    """Vertices (V, 3) in two of their axes: (V, 2), from between the eyes, in their distances."""
    seat = dict(model.pairs)
    right = model.vertices[[seat[point] for point in range(36, 42)]].mean(0)
    left = model.vertices[[seat[point] for point in range(42, 48)]].mean(0)
    return ((vertices - (right + left) / 2) / np.linalg.norm(right - left))[:, axes]


def wires(panel: str, kind: str, start: np.ndarray, end: np.ndarray) -> pd.DataFrame:
    """Lines from start (N, 2) to end (N, 2)."""
    frame = pd.DataFrame(np.concatenate([start, end], 1).round(2), columns=["x", "y", "x2", "y2"])
    return frame.assign(panel=panel, kind=kind)


def _drawing(study: Study, frames: list[pd.DataFrame]) -> Outcome:
    frame = pd.concat(frames, ignore_index=True)[["panel", "kind", "x", "y", "x2", "y2"]]
    return Outcome(frame, study.profile, model_sources(candide.own_mask()))


@held
def mesh(study: Study) -> Outcome:
    """Figure 3.8: the wire model and the 35 vertices that dlib sees, from two sides."""
    model, frames = candide.own_mask(), []
    for panel, axes in (("from the front", (0, 1)), ("from the subject's left", (2, 1))):
        place = plane(model, model.vertices, axes)
        sides, seen = edges(model.faces), place[model.pairs[:, 1]]
        frames.append(wires(panel, "edge", place[sides[:, 0]], place[sides[:, 1]]))
        frames.append(wires(panel, "point", seen, seen))
    return _drawing(study, frames)


def _moved(model, panel: str, vertices: np.ndarray, near) -> list[pd.DataFrame]:
    """One panel: the vertices `near` at rest and moved, an arrow at each that moves."""
    rest, now = plane(model, model.vertices), plane(model, vertices)
    sides = edges(model.faces)
    a, b = sides[near[sides].all(1)].T
    far = near & (np.linalg.norm(now - rest, axis=1) > 0.01)
    return [
        wires(panel, "at rest", rest[a], rest[b]),
        wires(panel, "moved", now[a], now[b]),
        wires(panel, "arrow", rest[far], now[far]),
    ]


def _around(place: np.ndarray, part: np.ndarray, below: float, above: float) -> np.ndarray:
    """(V,) bool: which of place (V, 2) lie in the box of `part`, widened."""
    return ((place >= part.min(0) - below) & (place <= part.max(0) + above)).all(1)


@held
def mouth_units(study: Study) -> Outcome:
    """Figure 4.2: the mouth moved by AU10, AU20, AU13/15, and by the sum that makes a smile."""
    model, frames = candide.own_mask(), []
    place = plane(model, model.vertices)
    lips = place[[vertex for point, vertex in model.pairs if point >= 48]]
    near = _around(place, lips, 0.45, 0.35)
    for panel, amounts in MOUTH.items():
        action = [amounts.get(name, 0.0) for name in model.action_units]
        frames += _moved(model, panel, model.deformed(action=action), near)
    return _drawing(study, frames)


@held
def shape_units(study: Study) -> Outcome:
    """Figure 4.3: three shape units, each moving its farthest vertex 0.2 distances of the eyes."""
    model, frames = candide.own_mask(), []
    for name in PERSON:
        unit, rest = model.shape_units[name], plane(model, model.vertices)
        reach = np.linalg.norm(plane(model, model.vertices + unit) - rest, axis=1)
        near = _around(rest, rest[reach > 0.05 * reach.max()], 0.25, 0.25)
        frames += _moved(model, name, model.vertices + unit * 0.2 / reach.max(), near)
    return _drawing(study, frames)


@held
def point_groups(study: Study) -> Outcome:
    """Figure 4.4: which of the 68 points action units move (animation), which shape units."""
    model, place = candide.load(), mean_face(50)
    moved = np.abs(model.basis[1:]).max(-1) > 1e-9  # (15, 35)
    shapes = len(model.shape_units)
    group = ["not in the listing"] * 68
    for point, person, motion in zip(
        model.pairs[:, 0], moved[:shapes].any(0), moved[shapes:].any(0)
    ):
        names = ["animation"] if motion else []
        names += ["personalisation"] if person else []
        group[point] = " and ".join(names) or "pose only"
    x, y = place.round(2).T
    frame = pd.DataFrame({"point": range(68), "group": group, "x": x, "y": y})
    sources = model_sources(model, faces=True)
    return Outcome(frame.sort_values(["group", "point"]), study.profile, sources)


# ---------------------------------------------------------------- faces


def _tiles(study: Study, frame, images, *sets, **more) -> Pictures:
    return study.outcome(frame, Pictures, sources=sets, seeds=(), images=images, **more)


@held
def named_faces(study: Study) -> Pictures:
    """Figure 4.5: faces of people new to the SSVM, their eight action units, the class it names."""
    case, world = Case("SSVM", "AU"), study.pictured("ckplus", "simulated")
    result, by = study.results[case], study.finders[0]
    (x, y, person), _ = training.numbers(**study.task(case))
    best = int(result["validation"].argmax())
    learn = (result["part"][best] == training.TRAINS) & np.isfinite(x).all(1)
    machine = training.machine("SSVM", result["chosen"][best], tol=study.sizes.tol)
    machine.fit(x[learn], y[learn])
    used, rows = training.rows_of(world, FOUR), []
    strange = ~np.isin(used.subject, person[learn])
    for emotion in FOUR:
        there = strange & (used.label == EMOTIONS.index(emotion)) & _posed(world, used)
        rows += list(np.flatnonzero(there)[:2])
    count = len(rows)
    points = training.see(world, np.concatenate([used.row[rows], used.neutral[rows]]), by)
    rest = np.tile(np.arange(count, 2 * count), 2)
    units = training.fitted(points, rest, candide.load())["units"][:count]  # (count, 8)
    rows, seen = np.array(rows), np.isfinite(units).all(1)
    rows, units = rows[seen], units[seen]
    true = [EMOTIONS[k] for k in used.label[rows]]
    tiles = pd.DataFrame({"true": true, "named": [FOUR[k] for k in machine.predict(units)]})
    names = list(candide.ACTION_UNITS)
    frame = tiles.loc[tiles.index.repeat(len(names))].rename_axis("picture").reset_index()
    frame.insert(1, "action_unit", names * len(tiles))
    frame.insert(2, "measured", units.ravel())
    images, inputs = world.images[used.row[rows]], study.learnt_from(candide.load())
    return _tiles(study, frame, images, *inputs, tiles=tiles)


def _posed(world, used: training.Rows) -> np.ndarray:
    """(N,) bool: pictures of CK+ at the height of the expression, or neutral."""
    apex = (world.meta["frame"] == world.meta["frames"]).to_numpy()[used.row]
    return apex | (used.label == training.NEUTRAL)


def shown_faces(study: Study, name: str, count: int, size: int) -> tuple:
    """Cropped simulated faces (count, size, size), emotions and people mixed; their emotions."""
    world = study.pictured(name, "simulated")
    used = training.rows_of(world, FOUR)
    box = training.boxes(training.see(world, used.row, training.TRUTH))
    crops = training.faces(world, used, box, size)
    order = np.random.default_rng(7).permutation(len(crops))
    if name == "ckplus":
        order = order[_posed(world, used)[order]]
    order = order[:count]
    return crops[order], [EMOTIONS[k] for k in used.label[order]]


@held
def samples(study: Study) -> Pictures:
    """Figure 4.6: faces of the training set (top) and of the test set (bottom)."""
    frames, images, sets = [], [], []
    for name, side in (("ckplus", "training, as CK+"), ("rafd", "test, as RaFD")):
        crops, emotion = shown_faces(study, name, 2 * ACROSS, 96)
        frames.append(pd.DataFrame({"side": side, "emotion": emotion}))
        images.append(crops)
        sets.append(study.pictured(name, "simulated"))
    return _tiles(study, pd.concat(frames), np.concatenate(images), *sets)


def _face(study: Study, size: int) -> torch.Tensor:
    """One training face, uint8 (1, 1, size, size)."""
    return torch.as_tensor(shown_faces(study, "ckplus", 1, size)[0][:, None])


@held
def one_by_one(study: Study) -> Pictures:
    """Figure 4.7: one face through each operation by itself, and through all in random order."""
    face, rng = _face(study, 150), torch.Generator().manual_seed(3)
    steps = {"as it is": (), **{f.__name__: (f,) for f in augment.OPERATIONS}}
    steps["all"] = augment.OPERATIONS
    images = [augment.augment(face, rng, step)[0, 0] for step in list(steps.values()) * 4]
    frame = pd.DataFrame({"operation": list(steps) * 4})
    return _tiles(study, frame, np.stack(images), study.pictured("ckplus", "simulated"))


@held
def after_augmentation(study: Study) -> Pictures:
    """Figure 4.8: cropped training faces as the networks are given them."""
    crops, emotion = shown_faces(study, "ckplus", 3 * ACROSS, 75)
    rng = torch.Generator().manual_seed(4)
    copies = augment.augment(torch.as_tensor(crops[:, None]), rng)[:, 0].numpy()
    frame = pd.DataFrame({"emotion": emotion})
    return _tiles(study, frame, copies, study.pictured("ckplus", "simulated"))


@held
def trained_kernels(study: Study) -> Pictures:
    """Figure 2.12: first kernels of a trained CNN-1, what layers 2, 4 and 6 make of a face."""
    weights = study.results[Case("CNN-1 50x50x1", "image")]["weights"]
    net = face_cnn.cnn_1(len(FOUR), narrow=study.sizes.narrow).eval()
    net.load_state_dict({name: torch.as_tensor(v) for name, v in weights.items()})
    face, across = _face(study, 50), kernels_across(study)
    images, tiles = [face[0, 0].numpy()], [("a face", "picture", 0)]

    def show(row, kind, values):  # (K, h, w)
        images.extend(_grey(v, 50) for v in values)
        tiles.extend((row, kind, k) for k in range(len(values)))

    show("kernels of layer 1", "kernel", net[0].conv.weight.detach()[: across - 1, 0].numpy())
    x = face.float() / 127.5 - 1
    for depth, layer in enumerate(net[:6], 1):
        with torch.no_grad():
            x = layer(x)  # (1, channels, h, w)
        if depth % 2 == 0:
            show(f"after layer {depth}", "map", x[0, :across].numpy())
            blank = max(0, across - x.shape[1])
            images += [np.full((50, 50), 255, np.uint8)] * blank
            tiles += [(f"after layer {depth}", "", -1)] * blank
    frame = pd.DataFrame(tiles, columns=["row", "kind", "number"])
    return _tiles(study, frame, np.stack(images), *study.learnt_from())


def kernels_across(study: Study) -> int:
    """Tiles in a row of Figure 2.12: the kernels that are shown, and the picture before them."""
    return 1 + min(8, 16 // study.sizes.narrow)


def _grey(values: np.ndarray, size: int) -> np.ndarray:
    """Values (h, w) over the full grey range, enlarged to (size, size) without smoothing."""
    low, high = values.min(), values.max()
    at = np.arange(size) * len(values) // size
    return np.round(255 * (values - low) / max(high - low, 1e-12)).astype(np.uint8)[np.ix_(at, at)]


# ---------------------------------------------------------------- chapter 2


@held
def activations(study: Study, gradient: bool = False) -> Outcome:
    """Figures 2.5 and 2.6: activation functions from -5 to 5 (section 2.3.2), or their slopes."""
    rows = []
    for name, function in FUNCTIONS.items():
        x = torch.linspace(-5, 5, 201, dtype=torch.float64, requires_grad=True)
        y = function(x)
        shown = torch.autograd.grad(y.sum(), x)[0] if gradient else y
        columns = {"x": x.detach().numpy().round(3), "measured": shown.detach().numpy().round(6)}
        rows.append(pd.DataFrame({"function": name} | columns))
    frame = pd.concat(rows, ignore_index=True)
    return Outcome(frame.assign(panel="gradient" if gradient else "value"), study.profile)


@held
def fits(study: Study, kind: str) -> Outcome:
    """Figures 2.8 to 2.10: curves of training and validation, mean of five networks and range."""
    names = {"train": "people that train", "others": "other people of CK+"}
    if kind == MIS:
        names["elsewhere"] = "RaFD"
    rows = []
    for side, name in names.items():
        curve = study.lessons[kind][side]  # (epochs, networks)
        columns = {"epoch": np.arange(1, len(curve) + 1), "measured": curve.mean(1)}
        columns |= {"low": curve.min(1), "high": curve.max(1), "unit": "nats"}
        panel = name if kind == MIS else kind
        rows.append(pd.DataFrame({"panel": panel, "pictures": name} | columns))
    frame = pd.concat(rows)
    if kind == MIS:
        return study.outcome(frame)
    seeds = tuple(range(training.MEMBERS))
    return study.outcome(frame, sources=study.learnt_from(), seeds=seeds)


def _domains(x: torch.Tensor) -> dict[str, dict]:
    """One picture (3, H, W) changed where its pixels are and in what they hold."""
    from torchvision.transforms import functional as tone

    height, width = x.shape[-2:]
    window = (height // 8, width // 10, height * 3 // 4, width * 3 // 4)
    scaled = x.float() * torch.tensor([1.15, 0.95, 0.75])[:, None, None]
    return {
        "where pixels are": {
            "as it is": x,
            "mirrored": x.flip(-1),
            "cropped": tone.resized_crop(x, *window, [height, width]),
            "shifted": tone.affine(x, 0, [width // 8, height // 12], 1.0, [0.0]),
            "rotated": tone.rotate(x, 20),
            "sheared": tone.affine(x, 0, [0, 0], 1.0, [14.0]),
        },
        "what they hold": {
            "brighter": tone.adjust_brightness(x, 1.5),
            "darker": tone.adjust_brightness(x, 0.6),
            "more contrast": tone.adjust_contrast(x, 1.7),
            "sharper": tone.adjust_sharpness(x, 6.0),
            "softer": tone.gaussian_blur(x, [7, 7], [2.0, 2.0]),
            "channels scaled": scaled.clamp(0, 255).byte(),
        },
    }


@held
def two_domains(study: Study) -> Pictures:
    """Figure 2.11: one face changed where its pixels are (top) and in what they hold (bottom)."""
    domains = _domains(_face(study, 150)[0].expand(3, -1, -1).contiguous())
    rows = [(domain, change) for domain, changes in domains.items() for change in changes]
    images = [domains[domain][change].permute(1, 2, 0).numpy() for domain, change in rows]
    frame = pd.DataFrame(rows, columns=["domain", "change"])
    return _tiles(study, frame, np.stack(images), study.pictured("ckplus", "simulated"))
