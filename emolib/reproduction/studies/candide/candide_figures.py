"""What the figures of notebook 40 draw: the wire model and its units, faces with their units, faces before and after augmentation.

People in pictures are the simulator's, and the wire model is the mask of our own even where Candide-3 is at hand: its file is for
research only, and a drawing with its numbers beside it would hand the file on.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import torch

from emolib import EMOTIONS, candide
from emolib.models import face_cnn
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.studies.candide import candide_classifiers as classifiers
from emolib.reproduction.studies.candide import candide_measures as measures
from emolib.reproduction.studies.candide.candide import sources_of_model
from emolib.reproduction.studies.candide.candide_plan import (
    FOUR,
    Case,
    finders,
    measured,
    results,
    sizes,
    test_set,
    training_set,
)
from emolib.reproduction.studies.signals.features import SIMULATED
from emolib.training import augment

SMILE = {
    "AU10": 0.4,
    "AU20": 1.0,
    "AU13/15": -0.6,
}  # a smile: lips up and wide, corners against their depressor
MOUTH = {
    "AU10 upper lip raiser": {"AU10": 1.0},
    "AU20 lip stretcher": {"AU20": 1.0},
    "AU13/15 lip corner depressor": {"AU13/15": 1.0},
    "a smile: all three": SMILE,
}
PERSON = ("Mouth vertical position", "Mouth width", "Eyes vertical position")
ACROSS = 8


# ---------------------------------------------------------------- the wire model


def edges(faces: np.ndarray) -> np.ndarray:
    """(E, 2): each side of the triangles (F, 3) once, the lower vertex first."""
    sides = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [0, 2]]]), 1)
    return np.unique(sides, axis=0)


def plane(model: candide.Candide, vertices: np.ndarray, axes=(0, 1)) -> np.ndarray:
    """Vertices (V, 3) in two of their axes, in distances of the eyes about the middle of the eyes: (V, 2)."""
    seat = dict(model.pairs)
    right, left = (
        model.vertices[[seat[p] for p in eye]].mean(0) for eye in (range(36, 42), range(42, 48))
    )
    return ((vertices - (right + left) / 2) / np.linalg.norm(right - left))[:, axes]


def wires(panel: str, kind: str, place: np.ndarray, sides: np.ndarray) -> pd.DataFrame:
    """Lines of a wire model: place (V, 2), sides (E, 2)."""
    return pd.DataFrame(
        np.concatenate([place[sides[:, 0]], place[sides[:, 1]]], 1).round(2),
        columns=["x", "y", "x2", "y2"],
    ).assign(panel=panel, kind=kind)


def _model_outcome(frames, profile: str) -> Outcome:
    frame = pd.concat(frames, ignore_index=True)
    return Outcome(
        frame[["panel", "kind", "x", "y", "x2", "y2"]],
        profile,
        sources_of_model(candide.own_mask()),
    )


@runs.once
def mesh(profile: str = "quick") -> Outcome:
    """Figure 3.8: the wire model from the front, with the 35 vertices that dlib sees, and from the side."""
    model, frames = candide.own_mask(), []
    for panel, axes in (("from the front", (0, 1)), ("from the subject's left", (2, 1))):
        place = plane(model, model.vertices, axes)
        frames.append(wires(panel, "edge", place, edges(model.faces)))
        seen = place[model.pairs[:, 1]].round(2)
        frames.append(
            pd.DataFrame(
                {
                    "panel": panel,
                    "kind": "point",
                    "x": seen[:, 0],
                    "y": seen[:, 1],
                    "x2": seen[:, 0],
                    "y2": seen[:, 1],
                }
            )
        )
    return _model_outcome(frames, profile)


def _moved(model, panel: str, vertices: np.ndarray, near) -> list[pd.DataFrame]:
    """One panel: the part of the model `near` (mask over vertices) at rest and moved, with an arrow at each vertex that moves."""
    rest, now = plane(model, model.vertices), plane(model, vertices)
    sides = edges(model.faces)
    sides = sides[near[sides].all(1)]
    far = np.linalg.norm(now - rest, axis=1) > 0.01
    arrows = pd.DataFrame(
        np.concatenate([rest, now], 1)[far & near].round(2), columns=["x", "y", "x2", "y2"]
    ).assign(panel=panel, kind="arrow")
    return [wires(panel, "at rest", rest, sides), wires(panel, "moved", now, sides), arrows]


@runs.once
def mouth_units(profile: str = "quick") -> Outcome:
    """Figure 4.2: the mouth at rest and with AU10, AU20, AU13/15 at intensity 1, and the sum that makes a smile."""
    model = candide.own_mask()
    place, names = plane(model, model.vertices), list(model.action_units)
    lips = place[[v for p, v in model.pairs if p >= 48]]
    near = ((place >= lips.min(0) - 0.45) & (place <= lips.max(0) + 0.35)).all(1)
    frames = []
    for panel, amounts in MOUTH.items():
        frames += _moved(
            model, panel, model.deformed(action=[amounts.get(n, 0.0) for n in names]), near
        )
    return _model_outcome(frames, profile)


@runs.once
def shape_units(profile: str = "quick") -> Outcome:
    """Figure 4.3: three shape units, each at the intensity that moves its farthest vertex by a fifth of the distance of the eyes."""
    model, frames = candide.own_mask(), []
    for name in PERSON:
        unit = model.shape_units[name]
        rest = plane(model, model.vertices)
        reach = np.linalg.norm(plane(model, model.vertices + unit) - rest, axis=1)
        part = rest[reach > 0.05 * reach.max()]
        near = ((rest >= part.min(0) - 0.25) & (rest <= part.max(0) + 0.25)).all(1)
        frames += _moved(model, name, model.vertices + unit * 0.2 / reach.max(), near)
    return _model_outcome(frames, profile)


@runs.once
def point_groups(profile: str = "quick") -> Outcome:
    """Figure 4.4: which of the 68 points action units move (animation), which shape units (personalisation), which both, which none."""
    from emolib.data.sim import face

    model = candide.load()
    reach = np.abs(model.basis[1:]).max(-1) > 1e-9  # (15, 35)
    shapes = len(model.shape_units)
    person, motion = reach[:shapes].any(0), reach[shapes:].any(0)
    seat = {int(p): i for i, p in enumerate(model.pairs[:, 0])}
    crowd = face.faces(0, 50).pictured(yaw=0.0, pitch=0.0, roll=0.0)
    place = face.points(face.Faces(crowd.person, crowd.scene, 0 * crowd.units), 200).mean(0)
    kind = {
        (True, True): "animation and personalisation",
        (True, False): "animation",
        (False, True): "personalisation",
        (False, False): "pose only",
    }
    group = [
        kind[bool(motion[seat[p]]), bool(person[seat[p]])] if p in seat else "not in the listing"
        for p in range(68)
    ]
    frame = pd.DataFrame(
        {
            "point": np.arange(68),
            "group": group,
            "x": place[:, 0].round(2),
            "y": place[:, 1].round(2),
        }
    )
    return Outcome(frame.sort_values(["group", "point"]), profile, SIMULATED | sources_of_model())


# ---------------------------------------------------------------- faces


@runs.once
def named_faces(profile: str = "quick", each: int = 2) -> Pictures:
    """Figure 4.5: faces of people that the SSVM has not seen, their eight action units, the class it names."""
    case, world = Case("SSVM", "AU"), training_set(profile, "simulated")
    result = results(profile)[case]
    (x, y, person), _ = classifiers.numbers(
        *measured(profile, finders(profile)[0]), "AU", "standardised", list(FOUR)
    )
    best = int(result["validation"].argmax())
    learn = result["part"][best] & np.isfinite(x).all(1)
    machine = classifiers.machine("SSVM", result["chosen"][best], tol=sizes(profile).tol).fit(
        x[learn], y[learn]
    )
    used = measures.rows_of(world, FOUR)
    apex = (world.meta["frame"] == world.meta["frames"]).to_numpy()[used.row]
    strange = ~np.isin(used.subject, person[learn])
    rows = []
    for emotion in FOUR:
        is_it = strange & (used.label == EMOTIONS.index(emotion)) & (apex | (emotion == "neutral"))
        rows += [int(i) for i in np.flatnonzero(is_it)[:each]]
    by = finders(profile)[0]
    look = np.concatenate([used.row[rows], used.neutral[rows]])
    points = np.asarray(measures.see(world, look, by)["points"], float)
    units = measures.fitted(
        points,
        np.r_[np.arange(len(rows), len(look)), np.arange(len(rows), len(look))],
        candide.load(),
    )["units"][: len(rows)]
    seen = np.isfinite(units).all(1)
    said = np.where(seen, machine.predict(np.nan_to_num(units)), -1)
    tiles = pd.DataFrame(
        {
            "true": [EMOTIONS[used.label[i]] for i in rows],
            "named": [FOUR[k] if k >= 0 else "no face" for k in said],
        }
    )[seen]
    frame = pd.DataFrame(
        [
            {
                "picture": k,
                "action_unit": name,
                "measured": float(v),
                "true": t.true,
                "named": t.named,
            }
            for k, (row, t) in enumerate(zip(units[seen], tiles.itertuples(), strict=True))
            for name, v in zip(candide.ACTION_UNITS, row, strict=True)
        ]
    )
    return Pictures(
        frame,
        profile,
        sources_of(training_set(profile)),
        caps=asdict(sizes(profile)),
        images=world.images[used.row[rows]][seen],
        tiles=tiles.reset_index(drop=True),
    )


def shown_faces(profile: str, name: str, count: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cropped simulated faces (count, size, size) of a set, emotions and people mixed, and their classes."""
    world = (training_set if name == "ckplus" else test_set)(profile, "simulated")
    used = measures.rows_of(world, FOUR)
    box = measures.boxes(np.asarray(measures.see(world, used.row, measures.TRUTH)["points"], float))
    crops = measures.faces(world, used, box, size)
    order = np.random.default_rng(7).permutation(len(crops))
    if name == "ckplus":
        order = order[
            (world.meta["frame"] == world.meta["frames"]).to_numpy()[used.row][order]
            | (used.label[order] == measures.NEUTRAL)
        ]
    return crops[order[:count]], used.label[order[:count]]


@runs.once
def samples(profile: str = "quick") -> Pictures:
    """Figure 4.6: faces of the training set (top) and of the test set (bottom)."""
    top, bottom = (shown_faces(profile, name, 2 * ACROSS, 96) for name in ("ckplus", "rafd"))
    tiles = pd.DataFrame(
        {
            "side": ["training, as CK+"] * 2 * ACROSS + ["test, as RaFD"] * 2 * ACROSS,
            "emotion": [EMOTIONS[k] for k in (*top[1], *bottom[1])],
        }
    )
    sources = sources_of(training_set(profile, "simulated"), test_set(profile, "simulated"))
    return Pictures(
        tiles,
        profile,
        sources,
        caps=asdict(sizes(profile)),
        images=np.concatenate([top[0], bottom[0]]),
    )


def _augmented(profile, frame, images) -> Pictures:
    return Pictures(
        frame,
        profile,
        sources_of(training_set(profile, "simulated")),
        caps=asdict(sizes(profile)),
        images=images,
    )


@runs.once
def one_by_one(profile: str = "quick", draws: int = 4) -> Pictures:
    """Figure 4.7: one face through each operation by itself, and through all in random order (last column)."""
    picture = torch.as_tensor(shown_faces(profile, "ckplus", 1, 150)[0][:, None])
    rng, out, names = torch.Generator().manual_seed(3), [], []
    for _ in range(draws):
        for name, operations in {
            "as it is": (),
            **{f.__name__: (f,) for f in augment.OPERATIONS},
            "all": augment.OPERATIONS,
        }.items():
            out.append(
                augment.augment(picture, rng, operations)[0, 0].numpy()
                if operations
                else picture[0, 0].numpy()
            )
            names.append(name)
    return _augmented(profile, pd.DataFrame({"operation": names}), np.stack(out))


@runs.once
def after_augmentation(profile: str = "quick", rows: int = 3) -> Pictures:
    """Figure 4.8: cropped training faces as the networks are given them."""
    crops, label = shown_faces(profile, "ckplus", rows * ACROSS, 75)
    copies = augment.augment(torch.as_tensor(crops[:, None]), torch.Generator().manual_seed(4))[
        :, 0
    ].numpy()
    return _augmented(profile, pd.DataFrame({"emotion": [EMOTIONS[k] for k in label]}), copies)


@runs.once
def trained_kernels(profile: str = "quick") -> Pictures:
    """Figure 2.12: kernels of the first layer of CNN-1 after training, and what layers 2, 4 and 6 make of one face."""
    result, few = results(profile)[Case("CNN-1 50x50x1", "image")], kernels_across(profile) - 1
    net = face_cnn.cnn_1(len(FOUR), narrow=sizes(profile).narrow).eval()
    net.load_state_dict({k: torch.as_tensor(v) for k, v in result["weights"].items()})
    picture = torch.as_tensor(shown_faces(profile, "ckplus", 1, 50)[0][:, None])
    x, images, tiles = (
        picture.float() / 127.5 - 1,
        [picture[0, 0].numpy()],
        [("a face", "picture", 0)],
    )
    for k, kernel in enumerate(net[0].conv.weight.detach()[:few, 0].numpy()):
        images.append(_grey(kernel, 50))
        tiles.append(("kernels of layer 1", "kernel", k))
    with torch.no_grad():
        for depth, layer in enumerate(net[:6], 1):
            x = layer(x)  # (1, channels, h, w)
            if depth % 2 == 0:
                images += [_grey(v, 50) for v in x[0, : few + 1].numpy()]
                tiles += [
                    (f"after layer {depth}", "map", k) for k in range(min(few + 1, x.shape[1]))
                ]
                blank = few + 1 - x.shape[1]
                images += [np.full((50, 50), 255, np.uint8)] * max(0, blank)
                tiles += [(f"after layer {depth}", "", -1)] * max(0, blank)
    return Pictures(
        pd.DataFrame(tiles, columns=["row", "kind", "number"]),
        profile,
        sources_of(training_set(profile)),
        caps=asdict(sizes(profile)),
        images=np.stack(images),
    )


def kernels_across(profile: str) -> int:
    """Tiles in a row of Figure 2.12: the kernels that are shown, and the picture before them."""
    return 1 + min(8, 16 // sizes(profile).narrow)


def _grey(values: np.ndarray, size: int) -> np.ndarray:
    """Values (h, w) over the full grey range, enlarged to (size, size) without smoothing."""
    low, high = values.min(), values.max()
    at = np.arange(size) * len(values) // size
    return np.round(255 * (values - low) / max(high - low, 1e-12)).astype(np.uint8)[np.ix_(at, at)]
