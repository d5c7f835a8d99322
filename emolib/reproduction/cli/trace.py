"""Any film as a path in the plane of valence and arousal: `emolib trace VIDEO` (yin2022, section 5.3).

A piece of frames is in memory at a time: faces are found, prepared and described as in notebook 30, and a frame's point is that of the ten
looks that end with it. Rows go to the CSV file as they come; the drawings keep at most 240 points, however long the film.
"""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from emolib.data import media
from emolib.features import greyface
from emolib.ground import bars
from emolib.ground.errors import EmolibError
from emolib.metrics.scores import nearest_emotion
from emolib.models.path import PathGRU

COLUMNS = (
    "frame",
    "second",
    "faces",
    "left",
    "top",
    "right",
    "bottom",
    "valence",
    "arousal",
    "emotion",
)
PIECE = 16  # frames in memory at a time
SHOWN, KEPT = 96, 240  # pixels of a picture in the page, and how many of them it holds at most


@dataclass(frozen=True)
class Network:
    """What names a face: made by notebook 30 (`studies.adfes.plan`).

    describe   crops uint8 (n, side, side) -> features (n, F);   net   one member;   length   frames of a window
    pace       frames a second the network knows: its windows were made of every second frame, say
    anchors    index emotion, columns valence and arousal;   about   one line on what it was trained on
    """

    describe: Callable[[np.ndarray], np.ndarray]
    net: PathGRU
    side: int
    length: int
    pace: float
    anchors: pd.DataFrame
    about: str


@dataclass(frozen=True)
class Traced:
    """How it went. `str` gives the lines that the command ends with, the last one with its speed."""

    video: str
    frames: int
    found: int
    crowded: int  # frames with more than one face
    most: int  # faces in one of them
    followed: str  # which face was followed, in words
    fps: float
    seconds: float
    files: tuple[Path, ...]
    about: str

    def __str__(self) -> str:
        lines = [f"network: {self.about}"]
        if not self.found:
            lines.append(
                f"no face was found in any of {self.frames} frames: {self.files[0].name} has its header only, and nothing is drawn"
            )
        if self.crowded:
            lines.append(
                f"{self.crowded} of {self.frames} frames show more than one face, up to {self.most}: followed {self.followed}"
            )
        lines += [f"wrote {path}" for path in self.files]
        speed = self.frames / max(self.seconds, 1e-9)
        pace = f"{'keeps up with' if speed >= self.fps else 'slower than'} the film's {self.fps:g}"
        return "\n".join(
            [
                *lines,
                f"{self.video}: {self.frames} frames, a face in {self.found}, {self.seconds:.1f} s: {speed:.0f} frames a second, {pace}",
            ]
        )


# ---------------------------------------------------------------- who is followed


class Follower:
    """One face among several: the largest at first, then the one that overlaps most with where it was; lost for `patience` looks, anew."""

    def __init__(self, patience: int = 25):
        self.patience, self.box, self.lost = patience, None, 0
        self.crowded, self.most, self.words = 0, 0, ""

    def __call__(self, faces: np.ndarray, width: int) -> np.ndarray | None:
        """The points (68, 2) of the face that is followed, of all that were found (K, 68, 2), or None."""
        self.most = max(self.most, len(faces))
        self.crowded += len(faces) > 1
        boxes = np.concatenate([faces.min(1), faces.max(1)], 1)  # (K, 4)
        chosen = self._chosen(boxes)
        if chosen is None:
            self.lost += 1
            return None
        if len(faces) > 1 and not self.words:
            order = np.argsort(boxes[:, [0, 2]].mean(1)).tolist().index(chosen) + 1
            how = "the largest" if self.box is None else "the one that was there before"
            self.words = f"{how}, number {order} from the left when first seen together (its middle at x = {boxes[chosen, [0, 2]].mean():.0f} of {width} pixels)"
        self.box, self.lost = boxes[chosen], 0
        return faces[chosen]

    def _chosen(self, boxes: np.ndarray) -> int | None:
        if not len(boxes):
            return None
        if self.box is None or self.lost > self.patience:
            return int(np.argmax((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])))
        over = overlap(boxes, self.box)
        return int(over.argmax()) if over.max() > 0 else None


def overlap(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Shared area over joint area of boxes (K, 4) with one box (4,): (K,) in [0, 1]."""
    inner = np.clip(
        np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2]), 0, None
    ).prod(1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    return inner / np.maximum(area + (box[2:] - box[:2]).prod() - inner, 1e-9)


# ---------------------------------------------------------------- points


class Walker:
    """Features come frame by frame, points go out: each is the last output over the `length` looks that end with it, `stride` frames apart."""

    def __init__(self, network: Network, stride: int):
        self.network, self.stride = network, stride
        self.past = np.zeros((0, 0), np.float32)  # features of the frames before

    @torch.inference_mode()
    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(n, F) of the next frames that show the face -> (n, 2)."""
        reach = (self.network.length - 1) * self.stride
        known = np.concatenate([self.past, features]) if len(self.past) else features
        at = (
            np.arange(len(known) - len(features), len(known))[:, None]
            - self.stride * np.arange(self.network.length)[::-1]
        )  # (n, L)
        self.past = known[-reach:] if reach else known[:0]
        first = (at >= 0).argmax(1)  # a beginning is short: its window is moved to the front
        x = torch.from_numpy(
            known[
                np.take_along_axis(
                    at, np.minimum(first[:, None] + np.arange(at.shape[1]), at.shape[1] - 1), 1
                )
            ]
        )
        steps = self.network.net(x[None])[0]  # (n, L, 2)
        return steps[torch.arange(len(at)), at.shape[1] - 1 - torch.from_numpy(first)].numpy()


@dataclass
class Sketch:
    """At most KEPT points with their pictures, evenly spread over whatever comes: when full, every second one goes."""

    every: int = 1
    seen: int = 0
    rows: list[dict] = field(default_factory=list)
    images: list[np.ndarray] = field(default_factory=list)

    def add(self, row: dict, picture: Callable[[], np.ndarray]) -> None:
        if self.seen % self.every == 0:
            self.rows.append(row)
            self.images.append(picture())
        self.seen += 1
        if len(self.rows) > KEPT:
            self.every, self.rows, self.images = 2 * self.every, self.rows[::2], self.images[::2]


# ---------------------------------------------------------------- a film


def check(video: str | Path, seconds: float | None = None) -> None:
    """Raise Damaged for a film whose ends cannot be decoded, EmolibError for a camera's wrong name and for a length that is none."""
    if seconds is not None and not seconds > 0:
        raise EmolibError(f"--seconds is {seconds}: expected a number above 0")
    if _named(video)[1] is None:
        media.check_ends(video)


def trace(
    video: str | Path,
    network: Network,
    folder: Path | None = None,
    *,
    detector=None,
    seconds: float | None = None,
    progress: bool = True,
) -> Traced:
    """Write VIDEO-trace.csv, -trace.svg and -trace.html for a film, or for a webcam ('webcam' or 'webcam:1'); returns how it went.

    folder     where the files go (default: beside the film; here for a webcam);   detector   has `everyone` (default dlib's)
    seconds    stop after so much film;   Ctrl-C ends a webcam as well, and what was seen is kept
    Raises Damaged for a broken film and EmolibError for a camera that does not answer; then no file is written.
    """
    name, camera = _named(video)
    folder = (
        Path(folder)
        if folder is not None
        else Path.cwd()
        if camera is not None
        else Path(video).parent
    )
    if not folder.is_dir():
        raise EmolibError(f"{folder}: no such folder; make it first")
    if detector is None:
        from emolib.features.detectors import DlibDetector

        detector = DlibDetector()
    fps, total, pieces = _film(Path(video)) if camera is None else _camera(camera)
    follow, sketch, begun = Follower(), Sketch(), time.perf_counter()
    walker, frames, found = Walker(network, max(1, round(fps / network.pace))), 0, 0
    limit = None if seconds is None else round(seconds * fps)
    with (
        _rows(folder / f"{name}-trace.csv") as (write, keep),
        bars.bar(label=name, unit="frame", total=limit or total, shown=progress) as bar,
    ):
        with _until_interrupted() if camera is not None else nullcontext():
            for piece in pieces:
                piece = piece if limit is None else piece[: limit - frames]
                rows = _points(piece, frames, fps, network, detector, follow, walker, sketch)
                write(rows)
                found += sum(row["emotion"] != "" for row in rows)
                frames += len(piece)
                bar.update(len(piece))
                if limit is not None and frames >= limit:
                    break
        elapsed = time.perf_counter() - begun
        files = (keep(found > 0), *(_drawn(folder, name, sketch, network) if found else ()))
    return Traced(
        name,
        frames,
        found,
        follow.crowded,
        follow.most,
        follow.words,
        fps,
        elapsed,
        files,
        network.about,
    )


def _points(piece, start, fps, network, detector, follow, walker, sketch) -> list[dict]:
    """Rows of a piece of frames (n, H, W, 3); frames without the face have empty cells."""
    everyone = detector.everyone(piece)
    mine = [follow(faces, piece.shape[2]) for faces in everyone]
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"frame": start + t, "second": f"{(start + t) / fps:.3f}", "faces": len(everyone[t])}
        for t in range(len(piece))
    ]
    at = [t for t, points in enumerate(mine) if points is not None]
    if not at:
        return rows
    points = np.stack([mine[t] for t in at])  # (n, 68, 2)
    place = walker(network.describe(greyface.prepared(piece[at], points, network.side)))
    names = network.anchors.index[nearest_emotion(place, network.anchors.to_numpy())]
    for t, box, (valence, arousal), emotion in zip(at, greyface.squares(points), place, names):
        rows[t] |= dict(zip(("left", "top", "right", "bottom"), (f"{v:.1f}" for v in box))) | {
            "valence": f"{valence:.4f}",
            "arousal": f"{arousal:.4f}",
            "emotion": emotion,
        }
        sketch.add(
            {
                "frame": start + t,
                "second": (start + t) / fps,
                "valence": valence,
                "arousal": arousal,
                "named": emotion,
            },
            lambda t=t, box=box: _thumbnail(piece[t], box),
        )
    return rows


def _thumbnail(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The box of a frame as a picture, uint8 (SHOWN, SHOWN, 3); black where it leaves the frame."""
    from PIL import Image

    return np.asarray(
        Image.fromarray(frame)
        .crop(tuple(int(v) for v in np.rint(box)))
        .resize((SHOWN, SHOWN), Image.Resampling.BILINEAR)
    )


def _drawn(folder: Path, name: str, sketch: Sketch, network: Network) -> tuple[Path, Path]:
    """The static and the moving drawing."""
    from emolib.reproduction.report import files as results
    from emolib.reproduction.report import plots

    path = pd.DataFrame(sketch.rows)
    drawn = plots.svg(plots.one_path(path, network.anchors, title=name), network.about)
    page = plots.moving(
        path, np.stack(sketch.images), network.anchors, title=name, source=network.about
    )
    text = f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{page.title}</title><body>{page.html}</body></html>\n'
    for place, content in (
        (folder / f"{name}-trace.svg", drawn),
        (folder / f"{name}-trace.html", text),
    ):
        results.write(place, content)
    return folder / f"{name}-trace.svg", folder / f"{name}-trace.html"


@contextmanager
def _rows(place: Path):
    """(a function that appends rows, a function that gives the file its name): a CSV that is there only once it is whole."""
    partial = place.with_name(f".{place.stem}-{os.getpid()}.csv")
    try:
        with partial.open("w", newline="") as file:
            out = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            out.writeheader()
            begin = file.tell()

            def keep(any_face: bool) -> Path:
                if not any_face:
                    file.truncate(begin)
                file.flush()
                partial.replace(place)
                return place

            yield out.writerows, keep
    except OSError as error:
        raise EmolibError(
            f"{place}: cannot be written ({error.strerror or error}); name another --out"
        ) from None
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _until_interrupted():
    try:
        yield
    except KeyboardInterrupt:
        pass


# ---------------------------------------------------------------- where frames come from


def _named(video: str | Path) -> tuple[str, int | None]:
    """Name of the files, and the number of the camera if it is one."""
    text = str(video)
    if text == "webcam" or text.startswith("webcam:"):
        number = text.removeprefix("webcam").removeprefix(":") or "0"
        if not number.isdecimal():
            raise EmolibError(f"{text}: expected webcam, or webcam:1 for the second camera")
        return "webcam", int(number)
    return Path(video).stem, None


def _film(path: Path) -> tuple[float, int | None, Iterator[np.ndarray]]:
    video = media.probe_video(path)
    return video.fps, video.frames, media.iterate_frames(path, PIECE)


def _camera(number: int) -> tuple[float, int | None, Iterator[np.ndarray]]:
    """A camera by OpenCV, which comes with the detectors."""
    try:
        import cv2
    except ImportError as error:
        raise EmolibError(
            f"webcam: {error}; pip install mediapipe (extra `detectors`) brings OpenCV"
        ) from None
    camera = cv2.VideoCapture(number)
    if not camera.isOpened():
        camera.release()
        raise EmolibError(
            f"webcam:{number}: no camera answers; name another one (webcam:1), or a film"
        )
    return camera.get(cv2.CAP_PROP_FPS) or 25.0, None, _shots(camera)


def _shots(camera) -> Iterator[np.ndarray]:
    try:
        while True:
            block = []
            while len(block) < PIECE:
                alive, picture = camera.read()
                if not alive:
                    break
                block.append(picture[..., ::-1])  # OpenCV's order is blue, green, red
            if not block:
                return
            yield np.ascontiguousarray(np.stack(block))
    finally:
        camera.release()
