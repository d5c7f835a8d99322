"""From pictures of CK+ and RaFD to what the classifiers see: points, action units of Candide-3, cropped faces (notebook 40).

`measure` is a run: points are found and faces fitted once, whatever is trained on them afterwards.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass

import numpy as np

from emolib import EMOTIONS, candide
from emolib import data as datasets
from emolib.data.ckplus import ENDS
from emolib.features import detectors, landmarks, pose
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import runs

TRUTH = "truth"
FINDERS = {"dlib": "points by dlib", "mediapipe": "points by MediaPipe", TRUTH: "exact points"}
MARGIN = 0.15  # of the larger side of the points' box, added on each side of a crop
NEUTRAL = EMOTIONS.index("neutral")


@dataclass(frozen=True)
class Rows:
    """The pictures that are used of a set: row in the set, class, the emotion of its sequence (indices into EMOTIONS), person,
    row of the person's neutral picture, camera angle (90 is frontal)."""

    row: np.ndarray
    label: np.ndarray
    shown: np.ndarray
    subject: np.ndarray
    neutral: np.ndarray
    angle: np.ndarray


def rows_of(data, emotions: tuple[str, ...]) -> Rows:
    """CK+: the last three frames of each sequence of these emotions, and its first as neutral. RaFD: gaze to the camera, every angle."""
    wanted, meta = [EMOTIONS.index(e) for e in emotions], data.meta
    if data.name == "ckplus":
        first = meta["frame"].to_numpy() == 1
        used = (
            np.isin(data.label, wanted)
            & (meta["code"].to_numpy() > 0)
            & (first | (meta["frame"] > meta["frames"] - ENDS).to_numpy())
        )
        label, angle, key = (
            np.where(first, NEUTRAL, data.label),
            np.full(len(data), 90),
            np.char.add(data.subject, meta["sequence"].to_numpy(str)),
        )
        rest = first
    else:
        used = np.isin(data.label, wanted) & (meta["gaze"] == "frontal").to_numpy()
        label, angle, key = data.label, meta["angle"].to_numpy(), data.subject
        rest = (label == NEUTRAL) & (angle == 90)
    row = np.flatnonzero(used)
    at_rest = {key[i]: i for i in row if rest[i]}
    row = np.array([i for i in row if key[i] in at_rest])
    return Rows(
        row,
        label[row],
        data.label[row],
        data.subject[row],
        np.array([at_rest[key[i]] for i in row]),
        angle[row],
    )


def finder() -> str:
    """Who finds the points of the main rows: dlib as in the text, else MediaPipe, else the simulator, which knows them."""
    for name in ("dlib", "mediapipe"):
        if usable(name):
            return name
    return TRUTH


def usable(name: str) -> bool:
    """Can this detector be made here? What is missing, `emolib doctor` says."""
    return fingerprint(name) != ""


@runs.once
def fingerprint(name: str) -> str:
    """Names the detector and its model files; '' where it cannot be made."""
    if name == TRUTH:
        return detectors.SimulatorDetector.fingerprint
    try:
        return _make(name).fingerprint
    except EmolibError:
        return ""


def _make(name: str):
    return (
        detectors.MediaPipeDetector(video=False, body_every=0)
        if name == "mediapipe"
        else _of_pictures(name)
    )


@functools.cache
def _of_pictures(name: str):
    """A detector of unrelated pictures, made once a process: to read dlib's model takes as long as to look at fifty faces."""
    return detectors.make(name, video=False)


def see(data, row: np.ndarray, by: str) -> dict[str, np.ndarray]:
    """points (N, 68, 2) in pixels of the set's pictures, NaN where no face was found; of MediaPipe `blendshapes` (N, 52) too."""
    if by not in FINDERS:
        raise nearest(by, FINDERS, what="way to find points")
    if by == TRUTH:
        from emolib.data.sim import worlds

        return {"points": worlds.truth(data.name, **json.loads(data.recipe))[1][row]}
    if by == "dlib":
        return {"points": _make(by).detect(data.images[row]).points}
    marks, mesh = _make(by).detect_all(data.images[row])
    return {"points": marks.points, "blendshapes": mesh.blendshapes}


def measure(*, data: str, emotions: list[str], by: str, made_with: str, model: str) -> dict:
    """Points of the used pictures of a set and everything computed from them; NaN where no face was found.

    by, made_with   who finds the points, and the fingerprint of that;   model   'real' or 'simulated': the Candide that is fitted
    Returns points (N, 68, 2), units (N, 8) with the person's shape from the neutral picture, change (N, 8) the same less the units
    of that picture, joint (N, 8) without a neutral picture, yaw (N,), box (N, 4) of the crop; of MediaPipe blendshapes (N, 52).
    """
    made = datasets.resolve(data)
    used = rows_of(made, tuple(emotions))
    seen = see(made, used.row, by)
    points = np.asarray(seen["points"], np.float64)
    return (
        fitted(points, np.searchsorted(used.row, used.neutral), loaded(model))
        | {
            "points": points.astype(np.float32),
            "box": boxes(points).astype(np.float32),
            "yaw": pose.angles(points)[:, 0],
        }
        | {k: v for k, v in seen.items() if k == "blendshapes"}
    )


def loaded(source: str) -> candide.Candide:
    """Candide-3 from its file, or the mask of our own."""
    model = candide.load()
    if model.source != source:
        raise EmolibError(
            f"the Candide model of this machine is {model.source}, expected {source}: the data folder changed under way"
        )
    return model


def fitted(
    points: np.ndarray, neutral: np.ndarray, model: candide.Candide
) -> dict[str, np.ndarray]:
    """Action units (N, 8) in three readings of points (N, 68, 2); `neutral` (N,): index of the person's neutral picture.

    A person whose neutral face was not found gets the mean shape of the others.
    """
    how = candide.Options(bad="flag")
    rest = np.unique(neutral)
    shape = candide.fit_shape(points[rest], model, how).units.numpy()
    known = np.isfinite(shape).all(1)
    shape[~known] = shape[known].mean(0) if known.any() else 0.0
    mine = shape[np.searchsorted(rest, neutral)]  # (N, 7)
    units = candide.fit_action(points, model, mine, how).units.numpy()
    return {
        "units": units,
        "change": units - units[neutral],
        "joint": candide.fit_joint(points, model, how).units.numpy(),
    }


def boxes(points: np.ndarray) -> np.ndarray:
    """Square boxes (N, 4) around the points, grown by MARGIN; a face that was not found gets the mean box of the others.

    Both sets are studio pictures: a camera that finds nothing still knows where people sit.
    """
    low, high = points.min(1), points.max(1)
    middle, half = (low + high) / 2, (high - low).max(1, keepdims=True) * (0.5 + MARGIN)
    box = np.concatenate([middle - half, middle + half], 1)
    found = np.isfinite(box).all(1)
    if not found.any():
        raise EmolibError(
            "no face was found in any picture: nothing to crop; look at the pictures, or take another detector"
        )
    return np.where(found[:, None], box, box[found].mean(0))


def faces(data, used: Rows, box: np.ndarray, size: int) -> np.ndarray:
    """The cropped faces as the networks see them: uint8 (N, size, size), grey."""
    images = data.images[used.row]
    images = (
        images
        if images.ndim == 3
        else np.round(images @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    )
    return landmarks.crops(images, box, margin=0, size=size)


def vectors(measured: dict, feature: str, scaling: str) -> np.ndarray:
    """What a classifier of numbers is given, float64 (N, F); NaN where no face was found.

    feature   'AU' action units; 'FP68' points; 'AU change', 'AU joint' other readings of the fit; 'blendshapes'
    scaling   of FP68: 'standardised' takes place and size of the face away, 'as they come' leaves the places in the crop, 0 to 1
    """
    match feature:
        case "AU":
            return np.asarray(measured["units"], float)
        case "AU change" | "AU joint":
            return np.asarray(measured[feature.split()[1]], float)
        case "blendshapes":
            return np.asarray(measured["blendshapes"], float)
        case "FP68":
            return (
                shapes(np.asarray(measured["points"], float))
                if scaling == "standardised"
                else in_crop(measured)
            )
    raise nearest(feature, ("AU", "FP68", "AU change", "AU joint", "blendshapes"), what="feature")


def shapes(points: np.ndarray) -> np.ndarray:
    """(N, 136): points about their mean, in units of their mean distance from it; turned heads stay turned."""
    centred = points - points.mean(1, keepdims=True)
    size = np.sqrt((centred**2).sum(-1).mean(1))  # (N,)
    return (centred / size[:, None, None]).reshape(len(points), -1)


def in_crop(measured: dict) -> np.ndarray:
    """(N, 136): points in the crop that the networks see, 0 to 1 across and down."""
    box = np.asarray(measured["box"], float)
    scale = 1 / (box[:, 2] - box[:, 0])
    return (
        (np.asarray(measured["points"], float) - box[:, None, :2]) * scale[:, None, None]
    ).reshape(len(box), -1)


def recover(
    *,
    by: str,
    made_with: str,
    model: str,
    count: int,
    turns: list[float],
    together: bool,
    size: int = 200,
) -> dict:
    """candide.recovery seen by a finder of points, one unit acting at a time or all eight `together`: a column of values a name."""
    from emolib.data.sim import face

    see = (
        None
        if by == TRUTH
        else (
            lambda crowd, size: _make(by).detect(face.render(crowd, size)).points.astype(np.float64)
        )
    )
    frame = candide.recovery(
        loaded(model), count=count, yaw=tuple(turns), size=size, together=together, see=see
    )
    return {
        name: frame[name].to_numpy(float)
        if name not in ("unit", "reading")
        else frame[name].to_list()
        for name in frame
    }
