"""Simulated sets of face pictures: FER2013 with FERPlus votes, ADFES, CK+, RaFD, faces to identify."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.sim import affect, face
from emolib.data.sim.dials import Dials, noisy
from emolib.data.sim.face_points import points
from emolib.data.sim.face_traits import UNITS
from emolib.data.sim.shift import shifted
from emolib.data.sim.streams import stream
from emolib.data.votes import VOTES, labels
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError, nearest

FER_COUNTS = (
    4953,
    547,
    5121,
    8989,
    6077,
    4002,
    6198,
)  # angry disgust fear happy sad surprise neutral
FER_USAGE = (("Training", 28709), ("PublicTest", 3589), ("PrivateTest", 3589))
_VOTE_OF = {
    "neutral": 0,
    "happy": 1,
    "surprise": 2,
    "sad": 3,
    "angry": 4,
    "disgust": 5,
    "fear": 6,
    "contempt": 7,
}
CK_CODES = {1: "angry", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise"}
RAFD_NAMES = {
    "angry": "angry",
    "contempt": "contemptuous",
    "disgust": "disgusted",
    "fear": "fearful",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprise": "surprised",
}


def _units(seed, label, dials, vary, low) -> np.ndarray:
    """Action units (N, 19) of `label` in this world's prototypes, at a strength from `low` to 1."""
    table = affect.prototypes(seed, dials.overlap)
    strength = stream(seed, "expression", "amount").uniform(low, 1.0, (len(label), 1))
    each = 1 + vary * stream(seed, "expression", "units").standard_normal(
        (len(label), table.shape[1])
    )
    rest = 0.10 * np.abs(
        stream(seed, "expression", "rest").standard_normal((len(label), table.shape[1]))
    )
    return np.clip(table[label] * strength * each + rest, 0, 1)


def fer2013(
    seed: int = 0, count: int = 35_887, *, dials: Dials = Dials(), device: str = "cpu"
) -> ImageSet:
    """A stand-in for FER2013: 48 x 48 grey, its classes in its proportions, Training / PublicTest / PrivateTest.

    meta holds the row, the code (the noted label) and the ten FERPlus votes of each picture. No two pictures show one person unless `dials.leak`.
    """
    dials.only("fer2013", "label_noise", "overlap", "leak", "shift")
    share = np.array(FER_COUNTS) / sum(FER_COUNTS)
    edges = np.round(np.cumsum([0] + [n for _, n in FER_USAGE]) / 35_887 * count).astype(int)
    split = np.repeat([name for name, _ in FER_USAGE], np.diff(edges))
    shown = stream(seed, "fer2013", "label").choice(7, count, p=share)
    who = np.arange(count)
    again = stream(seed, "fer2013", "leak").random(count) < dials.leak
    who = np.where(again, stream(seed, "fer2013", "leak to").integers(0, count, count), who)
    people, scene = (
        face.people(seed, count)[who],
        face.pictures(seed, count, style="tight", yaw=(-20.0, 20.0), pitch=(-12.0, 12.0)),
    )
    crowd = shifted(
        face.Faces(people, scene, _units(seed, shown, dials, 0.25, 0.50)),
        dials.shift,
        48,
        split != "Training",
    )
    images = face.render(crowd, 48, grey=True, device=device)
    label = noisy(seed, shown, 7, dials.label_noise)
    return ImageSet(
        name="fer2013",
        source="simulated",
        images=images,
        label=label,
        split=split,
        subject=np.char.add("p", who.astype(str)),
        meta=pd.concat(
            [pd.DataFrame({"row": np.arange(count), "code": label}), _votes(seed, shown, label)],
            axis=1,
        ),
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
    """The same pictures with the class that ten raters' votes give, and without those on which they agree on none.

    targets, classes as in emolib.data.votes; meta: row (in the whole set), code (FER2013's label) and the votes.
    """
    world = fer2013(seed, count, dials=dials, device=device)
    label, kept = labels(world.meta[list(VOTES)].to_numpy(), targets, classes)
    return replace(world.select(kept), name="ferplus", label=label[kept])


def _votes(seed, shown, label) -> pd.DataFrame:
    """Ten raters' votes per picture (N, 10): most name what is shown, some the noted label, some something else."""
    rng = stream(seed, "fer2013", "votes")
    clear = rng.beta(6, 2, len(shown))
    p = np.full((len(shown), 10), 0.02)
    code = np.array([_VOTE_OF[EMOTIONS[c]] for c in range(7)])
    p[:, 0] += 0.5 * (1 - clear)
    p[np.arange(len(p)), code[label]] += 0.3 * (1 - clear)
    p[np.arange(len(p)), code[shown]] += clear
    return pd.DataFrame(rng.multinomial(10, p / p.sum(1, keepdims=True)), columns=VOTES)


def write_fer2013(world: ImageSet, folder: Path) -> list[Path]:
    """`fer2013/fer2013.csv` (emotion, pixels, Usage) and `fer2013/fer2013new.csv` (FERPlus votes), of a `ferplus` world too."""
    place = Path(folder) / "fer2013"
    place.mkdir(parents=True, exist_ok=True)
    main, votes = place / "fer2013.csv", place / "fer2013new.csv"
    with open(main, "w", newline="\n") as file:
        file.write("emotion,pixels,Usage\n")
        for code, image, usage in zip(world.meta["code"], world.images, world.split):
            file.write(f"{code},{' '.join(map(str, image.ravel()))},{usage}\n")
    table = world.meta[list(VOTES)].copy()
    table.insert(0, "Image name", [f"fer{i:07d}.png" for i in range(len(world))])
    table.insert(0, "Usage", world.split)
    table.to_csv(votes, index=False, lineterminator="\n")
    return [main, votes]


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
    """A stand-in for RaFD: models x 8 emotions x 3 gazes x 5 camera angles, studio light, expressions at full strength.

    The camera angles 0 and 180 (profiles) are drawn at 60 degrees, as far as this head can be turned.
    emotions   names of the emotions that are drawn (None: all eight); the pictures of the others stay as they would be
    """
    crowd, label, meta = _rafd(seed, models, size, yaws, gazes, emotions, dials)
    return ImageSet(
        name="rafd",
        source="simulated",
        images=face.render(crowd, size),
        label=label,
        subject=meta["model"].to_numpy(str),
        split=np.full(len(meta), ""),
        meta=meta,
    )


def rafd_truth(
    seed: int = 0,
    models: int = 67,
    *,
    size: int = 96,
    yaws=(0, 45, 90, 135, 180),
    gazes=("left", "frontal", "right"),
    emotions=None,
    dials: Dials = Dials(),
) -> tuple[np.ndarray, np.ndarray]:
    """What was drawn in `rafd` of the same arguments: action units (N, 19) in [0, 1], the 68 points (N, 68, 2) in pixels."""
    crowd, *_ = _rafd(seed, models, size, yaws, gazes, emotions, dials)
    return crowd.units, points(crowd, size)


def _rafd(seed, models, size, yaws, gazes, emotions, dials):
    dials.only("rafd", "overlap", "shift")
    grid = [(m, e, g, y) for m in range(models) for e in RAFD_NAMES for g in gazes for y in yaws]
    model, label = np.array([g[0] for g in grid]), np.array([EMOTIONS.index(g[1]) for g in grid])
    people = face.people(seed + 1, models)
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
        gaze_x=np.array([{"left": -0.05, "frontal": 0, "right": 0.05}[g[2]] for g in grid]),
        yaw=np.clip([g[3] - 90.0 for g in grid], -60, 60),
        blur=0.0,
    )
    units = _units(seed, label, dials, 0.10, 0.85)
    crowd = shifted(face.Faces(people[model], scene, units), dials.shift, size)
    woman = crowd.person["hair_len"] > 0.55
    names = [
        f"Rafd{y:03d}_{m + 1:02d}_Caucasian_{'female' if w else 'male'}_{RAFD_NAMES[e]}_{g}.jpg"
        for (m, e, g, y), w in zip(grid, woman)
    ]
    meta = pd.DataFrame(
        {
            "image": names,
            "angle": [g[3] for g in grid],
            "model": [f"{m + 1:02d}" for m in model],
            "ethnicity": "Caucasian",
            "gender": np.where(woman, "female", "male"),
            "code": [RAFD_NAMES[g[1]] for g in grid],
            "gaze": [g[2] for g in grid],
        }
    )
    keep = _shown(label, emotions)
    return crowd.take(keep), label[keep], meta[keep].reset_index(drop=True)


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
    """A stand-in for CK+: grey sequences from neutral to the apex; 327 of 593 carry one of seven emotions, the rest none.

    One row per frame; meta has sequence, frame, frames and emotion code (0 where the real set has no label file).
    Rows of unlabelled sequences are labelled neutral and marked by code 0. Sequences are `length` frames long, of
    which frames='ends' draws the first and the last three and 'all' every one.
    emotions   names of the emotions whose sequences are drawn (None: all, and those without a label); the others stay as they would be
    """
    dials.only("ckplus", "overlap")
    crowd, emotion, subject, meta = _ckplus(
        seed, subjects, sequences, length, frames, emotions, dials
    )
    return ImageSet(
        name="ckplus",
        source="simulated",
        images=face.render(crowd, size, grey=True),
        label=emotion,
        meta=meta,
        subject=subject,
        split=np.full(len(meta), ""),
    )


def ckplus_truth(
    seed: int = 0,
    subjects: int = 123,
    sequences: int = 593,
    *,
    length: int = 12,
    frames: str = "ends",
    size: int = 96,
    emotions=None,
    dials: Dials = Dials(),
) -> tuple[np.ndarray, np.ndarray]:
    """What was drawn in `ckplus` of the same arguments: action units (N, 19) in [0, 1], the 68 points (N, 68, 2) in pixels."""
    crowd, *_ = _ckplus(seed, subjects, sequences, length, frames, emotions, dials)
    return crowd.units, points(crowd, size)


def _ckplus(seed, subjects, sequences, length, frames, emotions, dials):
    if frames not in ("ends", "all"):
        raise EmolibError(f"frames='{frames}' is not known: expected 'ends' or 'all'")
    rng = stream(seed, "ckplus", "plan")
    subject = np.sort(
        np.r_[np.arange(subjects), rng.integers(0, subjects, max(sequences - subjects, 0))][
            :sequences
        ]
    )
    code = rng.choice(8, sequences, p=np.array([266, 45, 18, 59, 25, 69, 28, 83]) / 593)
    emotion = np.array([EMOTIONS.index(CK_CODES.get(c, "neutral")) for c in code])
    shown = np.arange(length)
    shown = shown[(shown < 3) | (shown >= length - 3)] if frames == "ends" else shown
    row, at = np.repeat(np.arange(sequences), len(shown)), np.tile(shown, sequences)
    scene = face.pictures(seed, sequences, style="tight", yaw=(-4.0, 4.0), blur=0.0)[row]
    apex = _units(seed, emotion, dials, 0.10, 0.8)
    some = rng.integers(0, apex.shape[1], (sequences, 2))
    apex[np.arange(sequences)[code == 0, None], some[code == 0]] = 0.7  # a lone action unit or two
    t = at / max(length - 1, 1)
    units = apex[row] * (t * t * (3 - 2 * t))[:, None]
    first = np.searchsorted(subject, subject)
    meta = pd.DataFrame(
        {
            "sequence": (np.arange(sequences) - first + 1)[row],
            "frame": at + 1,
            "frames": length,
            "code": code[row],
        }
    )
    crowd = face.Faces(face.people(seed + 2, subjects)[subject[row]], scene, units)
    keep = (_shown(emotion, emotions) & ((emotions is None) | (code > 0)))[row]
    return (
        crowd.take(keep),
        emotion[row][keep],
        np.array([f"S{s + 5:03d}" for s in subject])[row][keep],
        meta[keep].reset_index(drop=True),
    )


def vggface(
    seed: int = 0, identities: int = 100, each: int = 30, *, size: int = 96, dials: Dials = Dials()
) -> ImageSet:
    """Faces to identify: `identities` people, each pictured `each` times in free light, pose and expression."""
    dials.only("vggface", "overlap", "shift")
    who = np.repeat(np.arange(identities), each)
    emotion = stream(seed, "vggface", "emotion").integers(0, 7, len(who))
    crowd = face.Faces(
        face.people(seed + 3, identities)[who],
        face.pictures(seed, len(who), style="tight", yaw=(-25.0, 25.0)),
        _units(seed, emotion, dials, 0.2, 0.0),
    )
    part = np.where(np.tile(np.arange(each), identities) < 0.8 * each, "train", "test")
    crowd = shifted(crowd, dials.shift, size, part == "test")
    names = tuple(f"n{i:06d}" for i in range(identities))
    return ImageSet(
        name="vggface",
        source="simulated",
        images=face.render(crowd, size),
        label=who,
        classes=names,
        subject=np.array(names)[who],
        split=part,
        meta=pd.DataFrame({"image": [f"{i:04d}_01.jpg" for i in range(len(who))]}),
    )


def _save(images, paths) -> list[Path]:
    from PIL import Image

    for image, path in zip(images, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return list(paths)


def write_rafd(world: ImageSet, folder: Path) -> list[Path]:
    """`rafd/Rafd090_01_Caucasian_female_angry_frontal.jpg` and so on, in one folder."""
    return _save(world.images, [Path(folder) / "rafd" / n for n in world.meta["image"]])


def write_vggface(world: ImageSet, folder: Path) -> list[Path]:
    """`vggface/<train|test>/<identity>/<picture>.jpg`, as VGGFace2 ships."""
    return _save(
        world.images,
        [
            Path(folder) / "vggface" / s / w / n
            for s, w, n in zip(world.split, world.subject, world.meta["image"])
        ],
    )


def write_ckplus(
    world: ImageSet, folder: Path, *, truth: tuple[np.ndarray, np.ndarray] | None = None
) -> list[Path]:
    """CK+'s trees: cohn-kanade-images/S005/001/S005_001_00000001.png and Emotion/..._emotion.txt where labelled.

    truth   what `ckplus_truth` gives for the world: FACS/..._facs.txt (units from 0.2, intensity 1 to 5) beside the
            last frame of each sequence and Landmarks/..._landmarks.txt beside each frame are written too
    """
    place, m = Path(folder) / "ckplus", world.meta
    stem = [f"{s}_{q:03d}_{f:08d}" for s, q, f in zip(world.subject, m["sequence"], m["frame"])]
    where = [f"{s}/{q:03d}" for s, q in zip(world.subject, m["sequence"])]
    out = _save(
        world.images, [place / "cohn-kanade-images" / w / f"{n}.png" for w, n in zip(where, stem)]
    )
    last = np.flatnonzero(m["frame"] == m["frames"])
    texts = {
        place / "Emotion" / where[i] / f"{stem[i]}_emotion.txt": f"   {m['code'][i]:.7e}\n"
        for i in last
        if m["code"][i]
    }
    if truth is not None:
        units, marks = truth
        for i in last:
            strong = np.flatnonzero(units[i] >= 0.2)
            lines = [
                f"   {UNITS[u]:.7e}   {min(5, 1 + int(5 * units[i, u])):.7e}\n" for u in strong
            ]
            texts |= (
                {place / "FACS" / where[i] / f"{stem[i]}_facs.txt": "".join(lines)} if lines else {}
            )
        texts |= {
            place / "Landmarks" / w / f"{n}_landmarks.txt": "".join(
                f"   {x:.7e}   {y:.7e}\n" for x, y in xy
            )
            for w, n, xy in zip(where, stem, marks)
        }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return out + list(texts)
