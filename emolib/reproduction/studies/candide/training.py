"""The runs of notebook 40: faces are measured, then SVMs, dense networks and CNNs learn from them.

`measure` finds the points of all pictures and fits Candide-3 to them. Each repeat of a classifier
holds a fifth of the people of the training set (CK+) back for validation, with `apart` another
fifth for a test within that set; the test set (RaFD) is named once the choice is made. A run
returns what was named for every picture, -1 where no face was found: an error like any other.
"""

from __future__ import annotations

import functools
import json
import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from emolib import EMOTIONS, candide, training
from emolib import data as datasets
from emolib.data.ckplus import ENDS
from emolib.data.ckplus48 import UNITS as CODED
from emolib.features import detectors, landmarks
from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest
from emolib.models import face_cnn, svm
from emolib.models.members import BatchNorm1d, Dropout, Linear, initialise
from emolib.reproduction import runs
from emolib.training import augment

TRUTH = "truth"
COPIED = "ckplus48", "jaffe"  # the real faces at hand: CK+ as it is widely copied, and another set
FINDERS = {"dlib": "points by dlib", "mediapipe": "points by MediaPipe", TRUTH: "exact points"}
STANDARD, RAW = "standardised", "as they come"
READINGS = {"AU": "units", "AU change": "change", "AU joint": "joint", "AU own": "own"}
READINGS |= {"FACS": "coded"}
MARGIN = 0.15  # of the larger side of the points' box, added on each side of a crop
NEUTRAL = EMOTIONS.index("neutral")
VALIDATION = 0.2  # of the people, in every repeat
VALIDATES, TRAINS, APART = 0, 1, 2  # what a picture of the training set does in a repeat
SMALL = 48  # pixels of CK+'s copies
ENLARGED, BORDER = 2, 6  # of pictures in which a face is too small for a detector (80 pixels)
# The settings a machine may choose from on its validation people: as many for one as for another.
GRIDS = {"SSVM": (0.003, 0.03, 0.3, 3.0), "SVM (poly)": (0.01, 0.1, 1.0, 10.0)}
LOGISTIC = "logistic regression"
GRIDS |= {LOGISTIC: (0.01, 0.1, 1.0, 10.0)}  # a stock method beside them
MEMBERS = 5  # networks behind a curve of Figures 2.8 to 2.10


# ---------------------------------------------------------------- which pictures, and their points


@dataclass(frozen=True)
class Rows:
    """The pictures that are used of a set, (N,) each."""

    row: np.ndarray  # in the set
    label: np.ndarray  # index into EMOTIONS
    subject: np.ndarray
    neutral: np.ndarray  # row of the person's neutral picture, -1 where the set has none


def rows_of(data, emotions, people: int | None = None) -> Rows:
    """CK+: the last three frames of each sequence, and its first as neutral. RaFD: gaze frontal.

    Its copies at 48 pixels and JAFFE: all pictures, of so many `people` (None: of all).
    """
    meta = data.meta
    used = np.isin(data.label, [EMOTIONS.index(e) for e in emotions])
    if data.name in COPIED:
        row = np.flatnonzero(used & np.isin(data.subject, np.unique(data.subject)[:people]))
        rest = row[data.label[row] == NEUTRAL]
        at_rest = dict(zip(data.subject[rest][::-1], rest[::-1]))  # the first of each person
        neutral = np.array([at_rest.get(person, -1) for person in data.subject[row]])
        return Rows(row, data.label[row], data.subject[row], neutral)
    if data.name == "ckplus":
        rest = (meta["frame"] == 1).to_numpy()
        ends = (meta["frame"] > meta["frames"] - ENDS).to_numpy()
        used &= (meta["code"] > 0).to_numpy() & (rest | ends)
        label = np.where(rest, NEUTRAL, data.label)
        series = np.char.add(data.subject, meta["sequence"].to_numpy(str))
    else:
        used &= (meta["gaze"] == "frontal").to_numpy()
        label, series = data.label, data.subject
        rest = (label == NEUTRAL) & (meta["angle"] == 90).to_numpy()
    at_rest = {series[i]: i for i in np.flatnonzero(used & rest)}
    row = np.array([i for i in np.flatnonzero(used) if series[i] in at_rest])
    neutral = np.array([at_rest[series[i]] for i in row])
    return Rows(row, label[row], data.subject[row], neutral)


@functools.cache
def detector(name: str):
    """A detector of unrelated pictures, made once a process: dlib's model takes long to read."""
    if name == "mediapipe":
        return detectors.MediaPipeDetector(video=False, body_every=0)
    return detectors.make(name, video=False)


def fingerprint(name: str) -> str:
    """Names a way to find points and its model files; '' where it cannot be had here."""
    if name == TRUTH:
        return detectors.SimulatorDetector.fingerprint
    try:
        return detector(name).fingerprint
    except EmolibError:
        return ""


def input_of(name: str, *looked_at: str) -> SimpleNamespace:
    """A way to find points as one of the inputs that a provenance names; `looked_at`: sources of
    the pictures ('simulated' if any is: so are the points)."""
    source, made_with = max(looked_at), fingerprint(name)
    return SimpleNamespace(name=FINDERS[name], source=source, fingerprint=made_with)


def finder() -> str:
    """Who finds points: dlib as in the text, else MediaPipe, else the simulator, which knows."""
    return next(name for name in FINDERS if fingerprint(name))


def see(data, row: np.ndarray, by: str) -> np.ndarray:
    """Points (N, 68, 2) in pixels of the set's pictures; NaN where no face was found."""
    if by not in FINDERS:
        raise nearest(by, FINDERS, what="way to find points")
    if by == TRUTH:
        from emolib.data.sim import worlds

        return worlds.truth(data.name, **json.loads(data.recipe))[1][row].astype(float)
    images = data.images[row]
    if images.shape[1] >= 80:
        return detector(by).detect(images).points.astype(float)
    images = np.pad(images, ((0, 0), (BORDER, BORDER), (BORDER, BORDER)), "edge")
    side = images.shape[1]
    whole = np.tile([0, 0, side, side], (len(images), 1))
    images = landmarks.crops(images, whole, margin=0, size=ENLARGED * side)
    return detector(by).detect(images).points.astype(float) / ENLARGED - BORDER


def measure(
    *,
    data: str,
    emotions: list[str],
    by: str,
    made_with: str,
    model: str,
    mean_rest: bool = False,
    margin: float = MARGIN,
    people: int | None = None,
) -> dict:
    """What is computed once from the used pictures of a set; NaN where no face was found.

    by, made_with   who finds the points, and the fingerprint of that
    model           fingerprint of the Candide that is fitted
    mean_rest       at rest a person looks as on average; a neutral picture gives units as `own`
    margin          of the crop, as in `boxes`
    people          how many of the set (None: all)
    Returns points and rest, those of the face at rest (N, 68, 2), box (N, 4) of the crop, the
    action units that `fitted` gives, and, where human coders saw 23 of them, coded (N, 23).
    """
    pictures = datasets.resolve(data)
    used = rows_of(pictures, emotions, people)
    points = see(pictures, used.row, by)
    faces, rest, wires = points, np.searchsorted(used.row, used.neutral), loaded(model)
    if mean_rest:
        mean, person = mean_faces(points, used)
        faces = np.concatenate([points, mean])  # a mean face is its own face at rest
        rest = len(points) + np.concatenate([person, np.arange(len(mean))])
    out = {name: units[: len(points)] for name, units in fitted(faces, rest, wires).items()}
    out["points"], out["rest"] = points.astype(np.float32), faces[rest].astype(np.float32)
    out["rest"], out["box"] = out["rest"][: len(points)], boxes(points, margin).astype(np.float32)
    if mean_rest:
        known, own = (used.neutral >= 0).all(), np.searchsorted(used.row, used.neutral)
        out["own"] = fitted(points, own, wires)["units"] if known else out["units"]
    if CODED[0] in pictures.meta:
        out["coded"] = pictures.meta[list(CODED)].to_numpy(float)[used.row]
    return out


def mean_faces(points: np.ndarray, used: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Mean shape of each person's expressions (P, 68, 2), and whose face each row shows (N,).

    No label decides: every expression counts alike. Neutral pictures stay out, as CK+'s copies
    have none.
    """
    people, person = np.unique(used.subject, return_inverse=True)
    shape = shapes(points).reshape(points.shape)
    shape[used.label == NEUTRAL] = np.nan
    return np.array([np.nanmean(shape[person == p], 0) for p in range(len(people))]), person


def loaded(fingerprint: str) -> candide.Candide:
    """Candide-3 from its file, or the mask of our own, as it was when the run was planned."""
    model = candide.load()
    if model.fingerprint != fingerprint:
        raise EmolibError(
            f"the Candide model changed while runs were under way ({model.fingerprint}, expected "
            f"{fingerprint}); start again"
        )
    return model


def fitted(points: np.ndarray, neutral: np.ndarray, model: candide.Candide) -> dict:
    """Action units (N, 8) of points (N, 68, 2) in three readings.

    neutral   (N,) index of the person's neutral picture; where that shows no face, the mean shape
              of the others is taken
    Returns units (shape from the neutral picture), change (the same less the units of that
    picture) and joint (without a neutral picture).
    """
    how = candide.Options(bad="flag")
    rest = np.unique(neutral)
    shape = candide.fit_shape(points[rest], model, how).units.numpy()  # (people, 7)
    known = np.isfinite(shape).all(1)
    shape[~known] = shape[known].mean(0) if known.any() else 0.0
    person = shape[np.searchsorted(rest, neutral)]  # (N, 7)
    units = candide.fit_action(points, model, person, how).units.numpy()
    joint = candide.fit_joint(points, model, how).units.numpy()
    return {"units": units, "change": units - units[neutral], "joint": joint}


def boxes(points: np.ndarray, margin: float = MARGIN) -> np.ndarray:
    """Square boxes (N, 4) around the points, grown by a share of their side on each side.

    A face that was not found gets the mean box: in a studio people sit where others sit.
    """
    low, high = points.min(1), points.max(1)
    middle, half = (low + high) / 2, (high - low).max(1, keepdims=True) * (0.5 + margin)
    box = np.concatenate([middle - half, middle + half], 1)
    found = np.isfinite(box).all(1)
    if not found.any():
        raise EmolibError("no face was found in any picture: take another detector")
    return np.where(found[:, None], box, box[found].mean(0))


def faces(data, used: Rows, box: np.ndarray, size: int) -> np.ndarray:
    """The cropped faces as the networks see them: uint8 (N, size, size), grey.

    Of COPIED: as sharp as the smaller pictures of the two, each crop of mean 128 and spread 50.
    """
    images = data.images[used.row]
    if images.ndim == 4:
        images = np.round(images @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    if data.name not in COPIED:
        return landmarks.crops(images, box, margin=0, size=size)
    small = landmarks.crops(images, box, margin=0, size=SMALL)
    crops = landmarks.crops(small, np.tile([0, 0, SMALL, SMALL], (len(small), 1)), 0, size)
    mean, spread = (f(crops, (1, 2), keepdims=True) for f in (np.mean, np.std))
    even = 128 + 50 * (crops - mean) / np.maximum(spread, 1)
    return np.clip(even, 0, 255).round().astype(np.uint8)


def recover(
    *, by: str, made_with: str, model: str, count: int, turns: list[float], together: bool
) -> dict:
    """Columns of candide.recovery seen by a finder of points; `together`: all eight units act."""
    from emolib.data.sim import face

    def detected(crowd, size):
        return detector(by).detect(face.render(crowd, size)).points.astype(float)

    see = None if by == TRUTH else detected
    how = {"count": count, "yaw": tuple(turns), "together": together, "see": see}
    columns = candide.recovery(loaded(model), **how).items()
    words = ("unit", "reading")
    return {k: v.to_list() if k in words else v.to_numpy(float) for k, v in columns}


# ---------------------------------------------------------------- what a classifier learns from


def shapes(points: np.ndarray) -> np.ndarray:
    """(N, 136): points about their mean, in units of their mean distance from it; turns stay."""
    centred = points - points.mean(1, keepdims=True)
    size = np.sqrt((centred**2).sum(-1).mean(1))  # (N,)
    return (centred / size[:, None, None]).reshape(len(points), -1)


def in_crop(points: np.ndarray, box: np.ndarray) -> np.ndarray:
    """(N, 136): points in the crop that the networks see, 0 to 1 across and down."""
    scale = 1 / (box[:, 2] - box[:, 0])  # (N,)
    return ((points - box[:, None, :2]) * scale[:, None, None]).reshape(len(box), -1)


def vectors(measured: dict, feature: str, scaling: str) -> np.ndarray:
    """What a classifier of numbers is given, float64 (N, F); NaN where no face was found.

    feature   'AU' action units; 'AU change', 'AU joint', 'AU own' other readings of the fit; 'FACS'
              units seen by human coders; 'FP68' points, 'FP68 change' less those at rest
    scaling   of points: STANDARD takes place and size of the face away, RAW leaves them in the crop
    """
    if feature in READINGS:
        return measured[READINGS[feature]]
    if feature not in ("FP68", "FP68 change"):
        raise nearest(feature, (*READINGS, "FP68", "FP68 change"), what="feature")
    points = measured["points"]
    if feature == "FP68 change":
        return shapes(points) - shapes(measured["rest"])
    return shapes(points) if scaling == STANDARD else in_crop(points, measured["box"])


def view(arguments: dict, emotions: list[str]) -> tuple[dict, Rows, np.ndarray]:
    """What was measured of a set's pictures of these emotions, their rows, their classes (N,)."""
    (measured,) = runs.map(measure, [arguments], jobs=1, host=True)
    asked = arguments["emotions"], arguments.get("people")
    used = rows_of(datasets.resolve(arguments["data"]), *asked)
    keep = np.isin(used.label, [EMOTIONS.index(e) for e in emotions])
    used = Rows(*(column[keep] for column in vars(used).values()))
    label = np.array([emotions.index(EMOTIONS[k]) for k in used.label])
    return {name: np.asarray(v, float)[keep] for name, v in measured.items()}, used, label


def numbers(*, train: dict, test: dict, feature: str, scaling: str, emotions: list[str]) -> list:
    """X (N, F), class (N,), person (N,) of the training set, and the same of the test set.

    train, test   arguments of the runs of `measure`
    """
    sides = []
    for arguments in (train, test):
        measured, used, label = view(arguments, emotions)
        sides.append((vectors(measured, feature, scaling), label, used.subject))
    return sides


def pictures(arguments: dict, emotions: list[str], size: int) -> tuple:
    """Pictures uint8 (N, 1, size, size), class (N,), person (N,) of one set."""
    measured, used, label = view(arguments, emotions)
    crops = faces(datasets.resolve(arguments["data"]), used, measured["box"], size)
    return torch.as_tensor(crops[:, None]), label, used.subject


def parts(subject: np.ndarray, repeats: list[int], apart: bool = False) -> np.ndarray:
    """(R, N): rows that train, validate or, with `apart`, test in each repeat; the same for all."""
    people = np.unique(subject)
    count = max(1, round(VALIDATION * len(people)))
    part = np.full((len(repeats), len(subject)), TRAINS)
    for row, repeat in zip(part, repeats):
        order = np.random.default_rng((40, repeat)).permutation(people)
        row[np.isin(subject, order[:count])] = VALIDATES
        if apart:
            row[np.isin(subject, order[count : 2 * count])] = APART
    return part


# ---------------------------------------------------------------- support vector machines


def machine(name: str, value: float, *, tol: float, scaled: bool = True):
    """An untrained machine with one setting of its grid; tol is that of the SSVM's solver."""
    if name not in GRIDS:
        raise nearest(name, GRIDS, what="support vector machine")
    if name == LOGISTIC:
        made = make_pipeline(
            StandardScaler(), LogisticRegression(C=value, solver="newton-cholesky")
        )
    else:
        made = svm.ssvm(value, tol=tol) if name == "SSVM" else svm.svm_poly(value)
    return made if scaled else made[-1]


def machines(
    *,
    task: dict,
    repeats: list[int],
    classifier: str,
    settings_each: int,
    tol: float,
    apart: bool = False,
) -> dict:
    """A machine in every repeat, its setting chosen on the repeat's validation people.

    task    arguments of `numbers`
    apart   other people of the training set are named too, and neither train nor validate
    Returns train (R, N) and test (R, M), the class named, -1 where no face was found; part (R, N),
    what `parts` gives; validation (R,) share right; chosen (R,) setting; settled.
    """
    (x, y, person), (z, *_) = numbers(**task)
    part, scaled = parts(person, repeats, apart), task["scaling"] == STANDARD
    seen, shown = np.isfinite(x).all(1), np.isfinite(z).all(1)
    named = {k: np.full((len(part), len(v)), -1, np.int8) for k, v in (("train", x), ("test", z))}
    validation, chosen, setting = [], [], {"tol": tol, "scaled": scaled}
    for r, row in enumerate(part):
        learn, check = (row == TRAINS) & seen, (row == VALIDATES) & seen
        tried = []
        for value in GRIDS[classifier][:settings_each]:
            candidate = machine(classifier, value, **setting)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                candidate.fit(x[learn], y[learn])
            right = (candidate.predict(x[check]) == y[check]).sum() / (row == VALIDATES).sum()
            tried.append((float(right), float(value), candidate))
        right, value, best = max(tried, key=lambda t: t[0])  # the first of equals
        validation.append(right)
        chosen.append(value)
        named["train"][r, seen] = best.predict(x[seen])
        named["test"][r, shown] = best.predict(z[shown])
    about = {"part": part, "validation": np.array(validation), "chosen": chosen}
    return named | about | {"settled": True}


# ---------------------------------------------------------------- dense networks


class Dense(nn.Module):
    """The dense networks of section 4.2.1, `members` side by side: (M, B, F) -> (M, B, classes).

    8 features: 8 -> 8 ReLU -> 4; more: F -> 16 BN ReLU, dropout -> 4. Raw scores.
    reading   of the dropout's 80 %, as in face_cnn.fp68_dnn
    hidden    another width, then without BN and dropout
    """

    def __init__(self, seeds, inputs: int, outputs: int, reading="drop", hidden: int | None = None):
        super().__init__()
        plain = hidden is not None or inputs == 8
        wide = hidden or (8 if plain else 16)
        members = len(seeds)
        self.into, self.out = Linear(members, inputs, wide), Linear(members, wide, outputs)
        self.norm = nn.Identity() if plain else BatchNorm1d(members, wide)
        self.drop = Dropout(seeds, 0.0 if plain else face_cnn.DROPPED[reading])
        initialise(self, seeds)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.into(x)))  # (M, B, wide)
        return self.out(self.drop(x))  # (M, B, classes)


def dense(
    *,
    task: dict,
    repeats: list[int],
    reading: str,
    epochs: int,
    rate: float,
    batch: int,
    plateau: int | None = None,
    apart: bool = False,
) -> dict:
    """All repeats as one stack, each read at the epoch of its own lowest validation loss.

    plateau   epochs without a lower mean validation loss, after which the rate falls to 0.3 of it
    Returns train, test, part, validation as `machines` does; loss (epochs,); validation_loss
    (epochs, R); settled, whether the mean of the lowest of them has reached its plateau.
    """
    (x, y, person), (z, *_) = numbers(**task)
    part = parts(person, repeats, apart)
    seen, shown = np.isfinite(x).all(1), np.isfinite(z).all(1)
    learn, check = (part == TRAINS) & seen, (part == VALIDATES) & seen
    scalers = [StandardScaler().fit(x[trains]) for trains in learn]
    device = torch.device(settings.device())

    def stacked(values):  # (N, F) -> (R, N, F)
        if task["scaling"] == STANDARD:
            values = np.stack([scaler.transform(values) for scaler in scalers])
        else:
            values = np.repeat(values[None], len(part), 0)
        return torch.as_tensor(np.nan_to_num(values), dtype=torch.float32, device=device)

    x, z = stacked(x), stacked(z)
    truth, checked = torch.as_tensor(y, device=device), torch.as_tensor(check, device=device)
    net = Dense([1000 + r for r in repeats], x.shape[-1], len(task["emotions"]), reading).to(device)
    batch = min(batch, int(learn.sum(1).min()))  # a stack takes rectangular batches
    steps = int(learn.sum(1).min()) // batch
    member = torch.arange(len(part), device=device)[:, None]  # (R, 1)

    def batches(epoch):
        order = []
        for r, rows in zip(repeats, learn, strict=True):
            shuffled = np.random.default_rng((41, r, epoch)).permutation(np.flatnonzero(rows))
            order.append(shuffled[: steps * batch])
        for rows in np.split(np.stack(order), steps, 1):  # (R, batch)
            rows = torch.as_tensor(rows, device=device)
            yield x[member, rows], truth[rows]

    def loss(net, a, b):
        return cross_entropy(net(a).flatten(0, 1), b.flatten(), reduction="sum") / a.shape[1]

    curve, named = [], {"train": [], "test": []}  # of every epoch

    def validate(net, epoch):
        scores = {"train": net(x), "test": net(z)}  # (R, N, classes)
        for side, score in scores.items():
            named[side].append(score.argmax(-1).to(torch.int8).cpu().numpy())
        score = scores["train"].transpose(1, 2)
        each = cross_entropy(score, truth.expand(len(part), -1), reduction="none")
        curve.append(((each * checked).sum(1) / checked.sum(1)).cpu().numpy())  # (R,)
        return -float(curve[-1].mean())

    how = training.Settings(epochs=epochs, rate=rate, plateau=plateau, factor=0.3)
    history = training.fit(net, batches, loss, how, validate=validate, progress=False)
    epoch, out = np.argmin(curve, 0)[:, None], {}
    for side, found in (("train", seen), ("test", shown)):
        best = training.at_epoch(np.stack(named[side], -1), epoch)  # (R, N)
        out[side] = np.where(found, best, -1).astype(np.int8)
    checks = part == VALIDATES
    right = ((out["train"] == y) & checks).sum(1) / checks.sum(1)
    return out | {
        "part": part,
        "validation": right,
        "loss": np.array(history.loss) / len(part),
        "validation_loss": np.array(curve),
        "settled": training.plateaued(np.minimum.accumulate(np.array(curve)).mean(1)),
    }


def lesson(*, task: dict, hidden: int, share: float, rate: float, epochs: int) -> dict:
    """Cross-entropy of a dense network in every epoch (epochs, MEMBERS), nats.

    share   of the training people whose pictures are used
    Returns train, others (other people of CK+) and elsewhere (RaFD).
    """
    (x, y, person), (z, w, _) = numbers(**task)
    seen, shown = np.isfinite(x).all(1), np.isfinite(z).all(1)
    trains = parts(person, [0])[0] == TRAINS
    people = np.unique(person[trains])
    few = np.isin(person, people[: max(2, round(share * len(people)))]) & trains & seen
    others = ~trains & seen
    scaler = StandardScaler().fit(x[few])
    sides = []
    for features, label in ((x[few], y[few]), (x[others], y[others]), (z[shown], w[shown])):
        scaled = torch.as_tensor(scaler.transform(features), dtype=torch.float32)
        sides.append((scaled.expand(MEMBERS, -1, -1), torch.as_tensor(label)))
    net = Dense(list(range(MEMBERS)), x.shape[1], len(task["emotions"]), hidden=hidden)
    curves = []

    def each(net, a, b):
        scores, label = net(a).transpose(1, 2), b.expand(MEMBERS, -1)
        return cross_entropy(scores, label, reduction="none").mean(1)  # (M,)

    def validate(net, epoch):
        curves.append([each(net, *side).numpy() for side in sides])
        return -float(curves[-1][1].mean())

    training.fit(
        net,
        lambda epoch: [sides[0]],
        lambda net, a, b: each(net, a, b).sum(),
        training.Settings(epochs=epochs, rate=rate),
        validate=validate,
        progress=False,
    )
    return dict(zip(("train", "others", "elsewhere"), np.array(curves).swapaxes(0, 1), strict=True))


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
    apart: bool = False,
) -> dict:
    """One repeat of a CNN on the cropped faces, read at the epoch of its lowest validation loss.

    bank   augmented copies of each picture, used in turn; None: fresh ones in every epoch
    Returns train, test, part, validation, loss and settled as `dense` does, with R = 1; parameters,
    their number; with keep_weights the weights.
    """
    make, size = face_cnn.CNNS[network]
    (x, y, person), (z, *_) = (pictures(side, emotions, size) for side in (train, test))
    (part,) = parts(person, [repeat], apart)
    rows, checks = np.flatnonzero(part == TRAINS), part == VALIDATES
    device = torch.device(settings.device())
    wide = size >= 150 or device.type == "cuda"  # there this layout is the faster one
    memory = torch.channels_last if wide else torch.contiguous_format
    with training.seeded(2000 + repeat):
        net = make(len(emotions), narrow=narrow).to(device)
    net, truth = net.to(memory_format=memory), torch.as_tensor(y, device=device)
    x, z = x.to(device), z.to(device)  # copies are made, moved and blurred there

    def ready(v):
        return (v.float() / 127.5 - 1).contiguous(memory_format=memory)

    @functools.lru_cache(bank or 1)
    def augmented(turn):
        rng = torch.Generator().manual_seed(50_000 + 1000 * repeat + turn)
        return augment.augment(x[rows], rng)

    def batches(epoch):
        copies = augmented(epoch if bank is None else epoch % bank)
        order = np.random.default_rng((42, repeat, epoch)).permutation(len(rows))
        for at in np.array_split(order, max(1, len(order) // batch)):
            yield ready(copies[at]), truth[rows[at]]

    def scores(net, pictures):
        with torch.no_grad():
            return torch.cat([net(ready(v)) for v in pictures.split(128)])

    how = training.Settings(
        epochs=epochs, rate=rate, patience=patience, plateau=patience and patience // 3, factor=0.3
    )
    with training.seeded(2000 + repeat):  # dropout: the same whichever runs came before this one
        history = training.fit(
            net,
            batches,
            lambda net, a, b: cross_entropy(net(a), b),
            how,
            validate=lambda net, epoch: (
                -float(cross_entropy(scores(net, x[checks]), truth[checks]))
            ),
            keep_best=True,
            checkpoint=runs.scratch(),
            progress=False,
        )
    net.eval()
    named = {}
    for side, images in (("train", x), ("test", z)):
        named[side] = scores(net, images).argmax(-1).cpu().numpy().astype(np.int8)[None]
    out = {
        "part": part[None],
        "validation": (named["train"] == y)[:, checks].mean(1),
        "loss": np.array(history.loss),
        "settled": training.plateaued([-v for _, v in history.validated]),
        "parameters": sum(p.numel() for p in net.parameters()),
    }
    if keep_weights:
        out["weights"] = {k: v.cpu().numpy() for k, v in net.state_dict().items()}
    return named | out
