"""Simulated sets of face pictures: FER2013 with FERPlus votes, CK+, RaFD, VGGFace."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.sim import affect, face
from emolib.data.sim.dials import Dials, noisy
from emolib.data.sim.shift import shifted
from emolib.data.sim.streams import stream
from emolib.data.votes import VOTES, labels
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError, nearest

# fmt: off
FER_SHARE = (4953, 547, 5121, 8989, 6077, 4002, 6198)  # of the first seven EMOTIONS
FER_USAGE = {"Training": 28709, "PublicTest": 3589, "PrivateTest": 3589}
_VOTE_OF = {
    "neutral": 0, "happy": 1, "surprise": 2, "sad": 3, "angry": 4, "disgust": 5, "fear": 6,
    "contempt": 7,
}
CK_CODES = {1: "angry", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise"}
RAFD_NAMES = {
    "angry": "angry", "contempt": "contemptuous", "disgust": "disgusted", "fear": "fearful",
    "happy": "happy", "neutral": "neutral", "sad": "sad", "surprise": "surprised",
}
# fmt: on


def _units(seed, label, dials, vary, low) -> np.ndarray:
    """Action units (N, 19) of `label` in this world's prototypes, at a strength from `low` to 1."""
    table = affect.prototypes(seed, dials.overlap)[label]
    strength = stream(seed, "expression", "amount").uniform(low, 1.0, (len(table), 1))
    each = 1 + vary * stream(seed, "expression", "units").standard_normal(table.shape)
    rest = 0.10 * np.abs(stream(seed, "expression", "rest").standard_normal(table.shape))
    return np.clip(table * strength * each + rest, 0, 1)


def fer2013(
    seed: int = 0, count: int = 35_887, *, dials: Dials = Dials(), device: str = "cpu"
) -> ImageSet:
    """A stand-in for FER2013: 48 x 48 grey, its classes in its proportions, its three parts.

    meta holds the row, the code (the noted label) and the ten FERPlus votes of each picture. No two
    pictures show one person, unless test pictures do by `dials.leak`.
    """
    dials.only("fer2013", "label_noise", "overlap", "leak", "shift")
    share = np.array(FER_SHARE) / sum(FER_SHARE)
    edges = np.round(np.cumsum([0, *FER_USAGE.values()]) / 35_887 * count).astype(int)
    split = np.repeat(list(FER_USAGE), np.diff(edges))
    shown = stream(seed, "fer2013", "label").choice(7, count, p=share)
    tested = split != "Training"
    leaked = tested & (stream(seed, "fer2013", "leak").random(count) < dials.leak)
    of_training = stream(seed, "fer2013", "leak to").integers(0, np.sum(~tested), count)
    who = np.where(leaked, of_training, np.arange(count))  # training pictures come first
    scene = face.pictures(seed, count, style="tight", yaw=(-20.0, 20.0), pitch=(-12.0, 12.0))
    units = _units(seed, shown, dials, 0.25, 0.50)
    crowd = face.Faces(face.people(seed, count)[who], scene, units)
    crowd = shifted(crowd, dials.shift, 48, tested)
    label = noisy(seed, shown, 7, dials.label_noise)
    meta = pd.DataFrame({"row": np.arange(count), "code": label})
    return ImageSet(
        name="fer2013",
        images=face.render(crowd, 48, grey=True, device=device),
        label=label,
        split=split,
        subject=np.char.add("p", who.astype(str)),
        meta=pd.concat([meta, _votes(seed, shown, label)], axis=1),
    )


def ferplus(
    seed: int = 0,
    count: int = 35_887,
    *,
    targets: str = "majority",
    classes: int = 7,
    dials: Dials = Dials(),
    device: str = "cpu",
) -> ImageSet:
    """The same pictures with the class that ten raters' votes give, where they agree on one.

    targets, classes as in emolib.data.votes; meta: row (in the whole set), code (FER2013's), votes.
    """
    world = fer2013(seed, count, dials=dials, device=device)
    label, kept = labels(world.meta[list(VOTES)].to_numpy(), targets, classes)
    return replace(world.select(kept), name="ferplus", label=label[kept])


def _votes(seed, shown, label) -> pd.DataFrame:
    """Ten raters' votes (N, 10): most for what is shown, some for the noted label or any other."""
    rng = stream(seed, "fer2013", "votes")
    clear = rng.beta(6, 2, len(shown))
    p = np.full((len(shown), 10), 0.02)
    code = np.array([_VOTE_OF[EMOTIONS[c]] for c in range(7)])
    p[:, 0] += 0.5 * (1 - clear)
    p[np.arange(len(p)), code[label]] += 0.3 * (1 - clear)
    p[np.arange(len(p)), code[shown]] += clear
    return pd.DataFrame(rng.multinomial(10, p / p.sum(1, keepdims=True)), columns=VOTES)


def rafd(
    seed: int = 0,
    models: int = 67,
    *,
    size: int = 96,
    yaws=(0, 45, 90, 135, 180),
    gazes=("left", "frontal", "right"),
    emotions=None,
    dials: Dials = Dials(),
) -> ImageSet:
    """A stand-in for RaFD: models x 8 emotions x 3 gazes x 5 camera angles, studio light.

    The camera angles 0 and 180 (profiles) are drawn at 60 degrees, as far as this head turns.
    emotions   names of those that are drawn (None: all eight); a picture is the same either way
    """
    crowd, label, meta = _rafd(seed, models, size, yaws, gazes, emotions, dials)
    return ImageSet(
        name="rafd",
        images=face.render(crowd, size),
        label=label,
        subject=meta["model"].to_numpy(str),
        split=[""] * len(meta),
        meta=meta,
    )


def rafd_truth(*plan, size: int = 96, **options) -> tuple[np.ndarray, np.ndarray]:
    """What `rafd` of these arguments draws: units (N, 19), the 68 points (N, 68, 2) in pixels."""
    crowd, *_ = _rafd(*plan, size=size, **options)
    return crowd.units, face.points(crowd, size)


def _rafd(
    seed=0,
    models=67,
    size=96,
    yaws=(0, 45, 90, 135, 180),
    gazes=("left", "frontal", "right"),
    emotions=None,
    dials=Dials(),
):
    dials.only("rafd", "overlap", "shift")
    grid = list(product(range(models), RAFD_NAMES, gazes, yaws))
    model, emotion, gaze, angle = (list(column) for column in zip(*grid))
    label = np.array([EMOTIONS.index(e) for e in emotion])
    scene = face.pictures(
        seed,
        len(grid),
        style="tight",
        roll=(-1.5, 1.5),
        pitch=(-2.0, 2.0),
        lx=(-0.15, 0.15),
        ly=(-0.5, -0.3),
        back_light=0.85,
        back_rough=0.01,
        gaze_x=np.array([{"left": -0.05, "frontal": 0, "right": 0.05}[g] for g in gaze]),
        yaw=np.clip(np.array(angle) - 90.0, -60, 60),
        blur=0.0,
    )
    person = face.people(seed + 1, models)[model]
    crowd = face.Faces(person, scene, _units(seed, label, dials, 0.10, 0.85))
    crowd = shifted(crowd, dials.shift, size)
    sex = np.where(crowd.person["hair_len"] > 0.55, "female", "male")
    names = []
    for (m, e, g, y), s in zip(grid, sex):
        names.append(f"Rafd{y:03d}_{m + 1:02d}_Caucasian_{s}_{RAFD_NAMES[e]}_{g}.jpg")
    meta = {"image": names, "angle": angle, "model": [f"{m + 1:02d}" for m in model]}
    meta |= {"ethnicity": "Caucasian", "gender": sex, "code": [RAFD_NAMES[e] for e in emotion]}
    keep = _shown(label, emotions)
    meta = pd.DataFrame(meta | {"gaze": gaze})[keep].reset_index(drop=True)
    return crowd.take(keep), label[keep], meta


def _shown(label, emotions) -> np.ndarray:
    """Which rows (N,) show one of `emotions`; None: all."""
    if emotions is None:
        return np.ones(len(label), bool)
    for name in emotions:
        if name not in EMOTIONS:
            raise nearest(name, EMOTIONS, what="emotion")
    return np.isin(label, [EMOTIONS.index(name) for name in emotions])


def ckplus(
    seed: int = 0,
    subjects: int = 123,
    sequences: int = 593,
    *,
    length: int = 12,
    frames: str = "ends",
    size: int = 96,
    emotions=None,
    dials: Dials = Dials(),
) -> ImageSet:
    """A stand-in for CK+: grey sequences from neutral to the apex; 327 of 593 carry an emotion.

    One row per frame; meta has sequence, frame, frames and emotion code (0 where the real set has
    no label file; such rows are labelled neutral). Sequences are `length` frames long, of which
    frames='ends' draws the first and the last three and 'all' every one.
    emotions   names of those whose sequences are drawn (None: all, and those without a label)
    """
    dials.only("ckplus", "overlap")
    plan = _ckplus(seed, subjects, sequences, length, frames, emotions, dials)
    crowd, emotion, subject, meta = plan
    return ImageSet(
        name="ckplus",
        images=face.render(crowd, size, grey=True),
        label=emotion,
        meta=meta,
        subject=subject,
        split=[""] * len(meta),
    )


def ckplus_truth(*plan, size: int = 96, **options) -> tuple[np.ndarray, np.ndarray]:
    """What `ckplus` of these arguments draws: units (N, 19), the 68 points (N, 68, 2) in pixels."""
    crowd, *_ = _ckplus(*plan, **options)
    return crowd.units, face.points(crowd, size)


def _ckplus(
    seed=0, subjects=123, sequences=593, length=12, frames="ends", emotions=None, dials=Dials()
):
    if frames not in ("ends", "all"):
        raise EmolibError(f"frames='{frames}' is not known: expected 'ends' or 'all'")
    rng = stream(seed, "ckplus", "plan")
    more = rng.integers(0, subjects, max(sequences - subjects, 0))
    subject = np.sort(np.r_[np.arange(subjects), more][:sequences])
    code = rng.choice(8, sequences, p=np.array([266, 45, 18, 59, 25, 69, 28, 83]) / 593)
    emotion = np.array([EMOTIONS.index(CK_CODES.get(c, "neutral")) for c in code])
    shown = np.arange(length)
    if frames == "ends":
        shown = shown[(shown < 3) | (shown >= length - 3)]
    row, at = np.repeat(np.arange(sequences), len(shown)), np.tile(shown, sequences)
    scene = face.pictures(seed, sequences, style="tight", yaw=(-4.0, 4.0), blur=0.0)[row]
    apex = _units(seed, emotion, dials, 0.10, 0.8)
    some = rng.integers(0, apex.shape[1], (sequences, 2))
    apex[np.arange(sequences)[code == 0, None], some[code == 0]] = 0.7  # a lone action unit or two
    t = at / max(length - 1, 1)
    units = apex[row] * (t * t * (3 - 2 * t))[:, None]
    number = np.arange(sequences) - np.searchsorted(subject, subject) + 1
    meta = {"sequence": number[row], "frame": at + 1, "frames": length, "code": code[row]}
    crowd = face.Faces(face.people(seed + 2, subjects)[subject[row]], scene, units)
    keep = (_shown(emotion, emotions) & ((emotions is None) | (code > 0)))[row]
    names = np.array([f"S{s + 5:03d}" for s in subject])[row]
    meta = pd.DataFrame(meta)[keep].reset_index(drop=True)
    return crowd.take(keep), emotion[row][keep], names[keep], meta


def vggface(
    seed: int = 0, identities: int = 100, each: int = 30, *, size: int = 96, dials: Dials = Dials()
) -> ImageSet:
    """Faces to identify: people pictured `each` times in free light, pose and expression."""
    dials.only("vggface", "overlap", "shift")
    who = np.repeat(np.arange(identities), each)
    emotion = stream(seed, "vggface", "emotion").integers(0, 7, len(who))
    scene = face.pictures(seed, len(who), style="tight", yaw=(-25.0, 25.0))
    units = _units(seed, emotion, dials, 0.2, 0.0)
    crowd = face.Faces(face.people(seed + 3, identities)[who], scene, units)
    part = np.where(np.tile(np.arange(each), identities) < 0.8 * each, "train", "test")
    crowd = shifted(crowd, dials.shift, size, part == "test")
    names = tuple(f"n{i:06d}" for i in range(identities))
    return ImageSet(
        name="vggface",
        images=face.render(crowd, size),
        label=who,
        classes=names,
        subject=np.array(names)[who],
        split=part,
        meta=pd.DataFrame({"image": [f"{i:04d}_01.jpg" for i in range(len(who))]}),
    )
