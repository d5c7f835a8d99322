"""Simulated sets as files in the layout of the real ones, so that the loaders are tested on files."""

import gzip
import itertools
import json
import pickle
import struct
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from emolib import data
from emolib.data import ravdess_tracking
from emolib.data.sim import clip_sets, face, textures, track_sets
from emolib.data.sim.dials import Dials
from emolib.data.sim.streams import stream
from emolib.data.votes import VOTES
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError, nearest

UNSEEN = 0.05  # share of frames that Aff-Wild2's files mark as not annotated
TITLES = (
    "First 5 Principal Components of Local Phase Quantization (LPQ) features",
    "First 5 Principal Components of Pyramid of Histogram of Gradients (PHOG) features",
)


def write(world, folder, **options) -> list[Path]:
    """Write `world` under `folder` in the real set's layout; returns the files.

    Raises EmolibError for a world whose name has no known layout.
    """
    if world.name not in WRITERS:
        raise nearest(world.name, WRITERS, what="world")
    return WRITERS[world.name](world, Path(folder), **options)


def _text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


# ---- clips


def save_wav(path: Path, samples: np.ndarray, rate: int) -> Path:
    """16-bit mono PCM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def save_mp4(path: Path, frames: np.ndarray, fps: float, samples=None, rate: int = 16_000) -> Path:
    """H.264 video, AAC sound where given. Needs PyAV."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    if frames.ndim == 3:
        frames = np.repeat(frames[..., None], 3, -1)
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=int(fps), options={"crf": "18", "threads": "1"})
        video.height, video.width, video.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        sound = file.add_stream("aac", rate=rate, layout="mono") if samples is not None else None
        for image in map(np.ascontiguousarray, frames):
            file.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        file.mux(video.encode())
        if sound is not None:
            for start in range(0, len(samples), 1024):
                part = samples[None, start : start + 1024].astype(np.float32)
                block = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
                block.sample_rate, block.pts = rate, start
                file.mux(sound.encode(block))
            file.mux(sound.encode())
    return path


def _write_clip(world, i, stem: Path) -> Path:
    samples = world.waveform[i]() if world.waveform is not None else None
    if world.frames is None:
        return save_wav(stem.with_suffix(".wav"), samples, world.rate)
    film = world.frames[i]()
    return save_mp4(stem.with_suffix(".mp4"), film, world.fps, samples, world.rate or 16_000)


def write_ravdess(world, folder: Path) -> list[Path]:
    """`ravdess/Actor_01/03-01-01-01-01-01-01.wav` (.mp4 with pictures)."""
    places = zip(world.subject, world.meta["image"])
    return [_write_clip(world, i, folder / "ravdess" / s / n) for i, (s, n) in enumerate(places)]


# The 712 columns of the release: OpenFace 2.1's, without face_id and success.
OPENFACE = [
    *("frame", "timestamp", "confidence"),
    *(f"gaze_{eye}_{axis}" for eye in "01" for axis in "xyz"),
    *("gaze_angle_x", "gaze_angle_y"),
    *(f"eye_lmk_{axis}_{k}" for axis in "xyXYZ" for k in range(56)),
    *(f"pose_{name}" for name in ("Tx", "Ty", "Tz", "Rx", "Ry", "Rz")),
    *(f"{axis}_{k}" for axis in "xyXYZ" for k in range(68)),
    *("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty", *(f"p_{k}" for k in range(34))),
    *(f"AU{number}_r" for number in ravdess_tracking.AU),
    *(f"AU{number}_c" for number in sorted((*ravdess_tracking.AU, "28"))),
]
SURE = (0.77, 0.82, 0.88, 0.93, 0.98)  # the levels of confidence that the release has


def write_ravdess_tracking(world, folder: Path, *, folders: bool = False) -> list[Path]:
    """`ravdess_tracking/01-01-01-01-01-01-01.csv` of each drawn clip, with its true points and units.

    folders   one for each actor, as some copies have them
    """
    out = []
    for i, (who, name) in enumerate(zip(world.subject, world.meta["image"])):
        crowd = clip_sets.film(world, i)
        points = face.points(crowd, 720) + np.array([280, 0])  # in the middle of 1280 x 720
        count, rng = len(points), stream(i, "ravdess_tracking")
        table = dict.fromkeys(OPENFACE, np.zeros(count))
        table |= {"frame": np.arange(1, count + 1), "timestamp": np.arange(count) / 29.97}
        table["confidence"] = rng.choice(SURE, count)
        for k in range(68):
            table |= {f"x_{k}": points[:, k, 0], f"y_{k}": points[:, k, 1]}
        for unit, column in zip(face.UNITS, crowd.units.T):
            table |= {f"AU{unit:02d}_r": 5 * column} if f"AU{unit:02d}_r" in table else {}
        place = folder / "ravdess_tracking" / (who if folders else "")
        place.mkdir(parents=True, exist_ok=True)
        rows = np.round(np.stack([table[name] for name in OPENFACE], 1), 3)
        lines = [", ".join(OPENFACE), *(", ".join(map(str, row)) for row in rows)]
        out.append(_text(place / f"01-01{name[5:]}.csv", "\n".join(lines) + "\n"))
    return out


def write_crema_d(world, folder: Path) -> list[Path]:
    """`crema_d/AudioWAV/1001_DFA_ANG_XX.wav`, with pictures `crema_d/VideoMP4/....mp4`."""
    place = folder / "crema_d" / ("AudioWAV" if world.frames is None else "VideoMP4")
    return [_write_clip(world, i, place / n) for i, n in enumerate(world.meta["image"])]


def write_adfes(world, folder: Path) -> list[Path]:
    """`adfes/F01-Joy-Face Forward.mp4` and so on."""
    names = enumerate(world.meta["image"])
    return [_write_clip(world, i, folder / "adfes" / Path(n).stem) for i, n in names]


def write_speakers(world, folder: Path) -> list[Path]:
    """`speakers/wav/id10001/00000.wav`, as VoxCeleb ships."""
    place = folder / "speakers" / "wav"
    return [_write_clip(world, i, place / s / f"{i:05d}") for i, s in enumerate(world.subject)]


# ---- pictures


def _save(images, paths) -> list[Path]:
    for image, path in zip(images, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path, **({"quality": 95} if path.suffix == ".jpg" else {}))
    return list(paths)


def write_fer2013(world, folder: Path) -> list[Path]:
    """`fer2013/fer2013.csv` (emotion, pixels, Usage) and `fer2013new.csv` (votes); `ferplus` too."""
    lines = ["emotion,pixels,Usage\n"]
    for code, image, usage in zip(world.meta["code"], world.images, world.split):
        lines.append(f"{code},{' '.join(map(str, image.ravel()))},{usage}\n")
    main = _text(folder / "fer2013" / "fer2013.csv", "".join(lines))
    table = world.meta[list(VOTES)].copy()
    table.insert(0, "Image name", [f"fer{i:07d}.png" for i in range(len(world))])
    table.insert(0, "Usage", world.split)
    votes = main.with_name("fer2013new.csv")
    table.to_csv(votes, index=False, lineterminator="\n")
    return [main, votes]


def write_rafd(world, folder: Path) -> list[Path]:
    """`rafd/Rafd090_01_Caucasian_female_angry_frontal.jpg` and so on, in one folder."""
    return _save(world.images, [folder / "rafd" / n for n in world.meta["image"]])


def write_vggface(world, folder: Path) -> list[Path]:
    """`vggface/<train|test>/<identity>/<picture>.jpg`, as VGGFace2 ships."""
    parts = zip(world.split, world.subject, world.meta["image"])
    return _save(world.images, [Path(folder, "vggface", *part) for part in parts])


def write_ckplus(world, folder: Path, *, truth=None) -> list[Path]:
    """CK+'s trees: cohn-kanade-images/S005/001/S005_001_00000001.png, Emotion/..._emotion.txt.

    truth   what `ckplus_truth` gives: FACS/..._facs.txt (units from 0.2, intensity 1 to 5) beside the
            last frame of each sequence and Landmarks/..._landmarks.txt beside each frame, too
    """
    place, m = folder / "ckplus", world.meta
    rows = list(zip(world.subject, m["sequence"], m["frame"]))
    where = [f"{s}/{q:03d}/{s}_{q:03d}_{f:08d}" for s, q, f in rows]
    out = _save(world.images, [place / "cohn-kanade-images" / f"{w}.png" for w in where])
    last = np.flatnonzero(m["frame"] == m["frames"])
    for i in last:
        if m["code"][i]:
            path = place / "Emotion" / f"{where[i]}_emotion.txt"
            out.append(_text(path, f"   {m['code'][i]:.7e}\n"))
    if truth is None:
        return out
    units, marks = truth
    for i in last:
        strong = np.flatnonzero(units[i] >= 0.2)
        levels = [(face.UNITS[u], min(5, 1 + int(5 * units[i, u]))) for u in strong]
        if levels:
            out.append(_text(place / "FACS" / f"{where[i]}_facs.txt", _columns(levels)))
    for w, xy in zip(where, marks):
        out.append(_text(place / "Landmarks" / f"{w}_landmarks.txt", _columns(xy)))
    return out


def _columns(pairs) -> str:
    return "".join(f"   {a:.7e}   {b:.7e}\n" for a, b in pairs)


def letters(train: int = 12, test: int = 6) -> ImageSet:
    """Letters of UNIPEN's writers in the shape of EMNIST, so that `write` gives them its layout."""
    read = data.load("unipen", root=data.FREE, most=max(train, test))
    sizes, rows = {"train": train, "test": test}, []
    for part, letter in itertools.product(sizes, range(26)):
        of_part = (read.split == part) & (read.label == letter)
        rows.append(np.flatnonzero(of_part)[: sizes[part]])
    some = read.select(np.concatenate(rows))
    meta = some.meta[["code"]].reset_index(drop=True)
    return replace(some, name="emnist_letters", subject=[""] * len(some), meta=meta)


def write_emnist_letters(world, folder: Path) -> list[Path]:
    """`emnist/emnist-letters-<split>-<...>-ubyte.gz`: pictures transposed, labels 1 to 26."""
    place, out = folder / "emnist", []
    place.mkdir(parents=True, exist_ok=True)
    for split in ("train", "test"):
        rows = world.split == split
        images = world.images[rows].transpose(0, 2, 1)
        labels = struct.pack(">2i", 2049, rows.sum())
        labels += (world.label[rows] + 1).astype(np.uint8).tobytes()
        pictures = struct.pack(">4i", 2051, *images.shape) + images.tobytes()
        for name, content in (("images-idx3", pictures), ("labels-idx1", labels)):
            out.append(place / f"emnist-letters-{split}-{name}-ubyte.gz")
            out[-1].write_bytes(gzip.compress(content, mtime=0))
    return out


def write_cifar100(world, folder: Path, *, layout: str = "npz") -> list[Path]:
    """`cifar100/cifar100_subset.npz` (x_train, y_train, x_test, y_test, classes).

    layout   'pickle': `cifar100/cifar-100-python/train`, `test` and `meta` as the real set ships; the
             coarse class is the shape
    """
    if layout not in ("npz", "pickle"):
        raise EmolibError(f"layout '{layout}' is not known: expected npz or pickle")
    place = folder / "cifar100"
    packed = {"classes": np.array(world.classes)}
    pickled = {"meta": {"fine_label_names": list(world.classes)}}
    pickled["meta"]["coarse_label_names"] = list(textures.SHAPES)
    for split in ("train", "test"):
        images, label = world.images[world.split == split], world.label[world.split == split]
        packed |= {f"x_{split}": images, f"y_{split}": label}
        pickled[split] = {
            "filenames": [f"{world.classes[c]}_{i:06d}.png" for i, c in enumerate(label)],
            "fine_labels": label.tolist(),
            "coarse_labels": (label // len(textures.TEXTURES)).tolist(),
            "batch_label": split,
            "data": np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), -1),
        }
    if layout == "npz":
        place.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(place / "cifar100_subset.npz", **packed)
        return [place / "cifar100_subset.npz"]
    place = place / "cifar-100-python"
    place.mkdir(parents=True, exist_ok=True)
    for name, value in pickled.items():
        (place / name).write_bytes(pickle.dumps(value, protocol=2))
    return [place / name for name in pickled]


# ---- tracks


def _films(world):
    """Of each video: its row of meta, split, annotation, features and drawn faces (when called)."""
    parts = zip(world.meta.itertuples(), world.split, world.valence_arousal, world.features)
    for row, split, va, features in parts:
        dials = Dials(**json.loads(row.dials))
        plan = row.seed, row.index, row.frames, row.person, row.people, dials, world.fps
        yield row, split, va, features, lambda plan=plan: track_sets.script(*plan)


def write_aff_wild(world, folder: Path, *, size: int = 96, layout: str = "aff_wild") -> list[Path]:
    """Aff-Wild's tree: videos/<train|test>/N.mp4, annotations/<split>/<valence|arousal>/N.txt.

    layout   'aff_wild2': videos/N.mp4 and annotations/VA_Set/<Train_Set|Validation_Set>/N.txt, a line
             `valence,arousal`, then two values a line, a share of them -5,-5 (not annotated)
    Films only of a rendered world, drawn with its own dials.
    """
    if layout not in ("aff_wild", "aff_wild2"):
        raise EmolibError(f"aff_wild: layout is '{layout}', expected 'aff_wild' or 'aff_wild2'")
    place, out = folder / "aff_wild", []
    for row, split, va, _, film in _films(world):
        notes = place / "annotations"
        if layout == "aff_wild":
            for axis, track in zip(("valence", "arousal"), va.T):
                text = "".join(f"{v:.6g}\n" for v in track)
                out.append(_text(notes / split / axis / f"{row.video}.txt", text))
        else:
            part = {"train": "Train_Set", "test": "Validation_Set"}[split]
            unseen = stream(row.seed, "aff_wild", "unseen", row.index).random(len(va)) < UNSEEN
            lines = ["-5,-5" if gone else f"{v:.6g},{a:.6g}" for gone, (v, a) in zip(unseen, va)]
            text = "\n".join(["valence,arousal", *lines, ""])
            out.append(_text(notes / "VA_Set" / part / f"{row.video}.txt", text))
        if row.kind == "rendered":
            where = place / "videos" / (split if layout == "aff_wild" else "")
            out.append(save_mp4(where / f"{row.video}.mp4", face.render(film(), size), world.fps))
    return out


def write_afew_va(world, folder: Path) -> list[Path]:
    """AFEW-VA's tree: 001/001.json (-10 to 10, 68 points a frame), 001/00000.png of a rendered one."""
    out = []
    for row, _, va, features, film in _films(world):
        place = folder / "afew_va" / row.video
        frames = {}
        for t, (points, (v, a)) in enumerate(zip(features().reshape(-1, 68, 2), va)):
            frames[f"{t:05d}"] = {
                "landmarks": points.astype(float).round(3).tolist(),
                "valence": round(float(v) * 10),
                "arousal": round(float(a) * 10),
            }
        note = {"actor": row.actor, "frames": frames, "video_id": row.video}
        out.append(_text(place / f"{row.video}.json", json.dumps(note)))
        if row.kind == "rendered":
            paths = [place / f"{t:05d}.png" for t in range(row.frames)]
            out += _save(face.render(film(), row.size), paths)
    return out


# ---- tables


def write_sfew(world, folder: Path, *, flaws: bool = False) -> list[Path]:
    """`sfew/SFEW.xlsx` as its holders ship it: one sheet, two title cells, a row per still.

    flaws   adds the real file's 675th row: a still with an outlier and 'NaN' in its PHOG cells
    """
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "SFEW.csv"
    sheet.append([None, "label", TITLES[0], None, None, None, None, TITLES[1]])
    sheet.merge_cells("C1:G1")
    for image, code, row in zip(world.meta["image"], world.meta["code"], world.features):
        sheet.append([image, int(code), *map(float, row)])
    if flaws:
        lpq = (0.99401, -0.0060827, -0.016374, 0.00096981, 0.0064847)
        sheet.append(["Hangover_001949614_00000089.mat", 3, *lpq, *["NaN"] * 5])
    path = folder / "sfew" / "SFEW.xlsx"
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return [path]


WRITERS = {
    "sfew": write_sfew,
    "fer2013": write_fer2013,
    "ferplus": write_fer2013,
    "rafd": write_rafd,
    "ckplus": write_ckplus,
    "vggface": write_vggface,
    "ravdess": write_ravdess,
    "crema_d": write_crema_d,
    "adfes": write_adfes,
    "speakers": write_speakers,
    "aff_wild": write_aff_wild,
    "afew_va": write_afew_va,
    "emnist_letters": write_emnist_letters,
    "cifar100": write_cifar100,
}
