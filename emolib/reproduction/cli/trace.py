"""Any film as a path in the plane of valence and arousal: `emolib trace VIDEO` (yin2022, 5.3).

A few frames are in memory at a time; a frame's point is that of the ten looks that end with it. By
default the network on faces that comes with emolib looks, and a point is the mean of the anchors of
yin2022's Table 2, weighted by its odds. `--network paper` takes the CNN and RNN of notebook 30.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from emolib.data import media
from emolib.features import greyface
from emolib.ground import bars
from emolib.ground.errors import EmolibError, printable
from emolib.metrics.scores import nearest_emotion
from emolib.reproduction.cli.predict import even_odds
from emolib.reproduction.report import files as results

BOX = ("left", "top", "right", "bottom")
COLUMNS = ("frame", "second", "faces", *BOX, "valence", "arousal", "emotion")
PIECE = 16  # frames in memory at a time
SHOWN, KEPT = 96, 240  # pixels of a picture in the page, and how many of them it holds at most


@dataclass(frozen=True)
class Network:
    """What names a face: `shipped`, or made by notebook 30 (`studies.adfes.plan`).

    prepare  frames uint8 (n, H, W, 3) and points (n, 68, 2) -> faces uint8 (n, side, side)
    describe faces -> features (n, F)
    net      (1, n, L, F) -> (1, n, L, 2), or (1, n, L, 2 + A) with the odds of each anchor
    length   frames of a window
    pace     frames a second the network knows: its windows were made of every second frame, say
    anchors  index emotion, columns valence and arousal;   about  what it was trained on
    """

    prepare: Callable[[np.ndarray, np.ndarray], np.ndarray]
    describe: Callable[[np.ndarray], np.ndarray]
    net: nn.Module
    length: int
    pace: float
    anchors: pd.DataFrame
    about: str


class Weighted(nn.Module):
    """Running mean of odds over a window, and where the anchors, so weighted, lie."""

    def __init__(self, anchors: np.ndarray):
        super().__init__()
        self.register_buffer("anchors", torch.tensor(anchors, dtype=torch.float32))  # (A, 2)

    def forward(self, odds: torch.Tensor) -> torch.Tensor:
        """(..., L, A) -> (..., L, 2 + A)."""
        count = torch.arange(1, odds.shape[-2] + 1)[:, None]
        mean = odds.cumsum(-2) / count
        return torch.cat([mean @ self.anchors, mean], -1)


def shipped() -> Network:
    """The network on faces that comes with emolib, at the anchors of yin2022's Table 2."""
    from emolib.data.sim.clip_sets import ADFES
    from emolib.features import portrait
    from emolib.models import trained
    from emolib.reproduction.studies.adfes.plan import anchors

    faces = trained.load("faces")
    of_class = anchors().loc[[ADFES[name] for name in faces.classes]]

    def describe(looks: np.ndarray) -> np.ndarray:
        return even_odds(faces, trained.face_fed(looks))

    net = Weighted(of_class.to_numpy())
    about = f"faces, {faces.about['trial']}"
    return Network(portrait.portraits, describe, net, 10, 12.5, of_class, about)


# ---------------------------------------------------------------- who is followed


class Follower:
    """One face among several: the largest, then the one that overlaps most with where it was.

    A face that is lost for `patience` looks makes room for another.
    """

    def __init__(self, patience: int = 25):
        self.patience, self.box, self.lost = patience, None, 0
        self.crowded, self.most = 0, 0  # frames with more than one face, and faces in one of them
        self.words = ""  # which face was followed

    def __call__(self, faces: np.ndarray, width: int) -> np.ndarray | None:
        """The points (68, 2) of the one that is followed among all faces (K, 68, 2), or None."""
        self.most = max(self.most, len(faces))
        self.crowded += len(faces) > 1
        boxes = np.concatenate([faces.min(1), faces.max(1)], 1)  # (K, 4)
        chosen = self._chosen(boxes)
        if chosen is None:
            self.lost += 1
            return None
        if len(faces) > 1 and not self.words:
            middles = boxes[:, [0, 2]].mean(1)
            order = 1 + (middles < middles[chosen]).sum()
            how = "the largest" if self.box is None else "the one that was there before"
            self.words = (
                f"{how}, number {order} from the left when first seen together "
                f"(its middle at x = {middles[chosen]:.0f} of {width} pixels)"
            )
        self.box, self.lost = boxes[chosen], 0
        return faces[chosen]

    def _chosen(self, boxes: np.ndarray) -> int | None:
        from torchvision.ops import box_iou

        if not len(boxes):
            return None
        if self.box is None or self.lost > self.patience:
            return int((boxes[:, 2:] - boxes[:, :2]).prod(1).argmax())
        overlap = box_iou(torch.from_numpy(boxes), torch.from_numpy(self.box[None]))[:, 0]
        return int(overlap.argmax()) if overlap.max() > 0 else None


# ---------------------------------------------------------------- points


class Walker:
    """A point for each frame: the last output over the `length` looks that end with it.

    The looks are `stride` frames apart.
    """

    def __init__(self, network: Network, stride: int):
        self.network, self.stride = network, stride
        self.past: list[np.ndarray] = []  # features of the frames before

    @torch.inference_mode()
    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(n, F) of the next frames that show the face -> what the network says of each."""
        length, n = self.network.length, len(features)
        known = np.concatenate([*self.past, features])
        self.past = [known[max(0, len(known) - (length - 1) * self.stride) :]]
        frames = np.arange(len(known) - n, len(known))
        before = np.minimum(length - 1, frames // self.stride)  # a beginning is short
        back = np.maximum(before[:, None] - np.arange(length), 0)
        windows = known[frames[:, None] - self.stride * back]  # (n, L, F)
        steps = self.network.net(torch.from_numpy(windows)[None])[0]  # (n, L, 2)
        return steps[torch.arange(n), torch.from_numpy(before)].numpy()  # (n, 2) or (n, 2 + A)


@dataclass
class Sketch:
    """At most KEPT points with their pictures, spread evenly: when full, every second one goes."""

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


class Traced:
    """A film under way, and how it went: `str` gives the lines that the command ends with."""

    def __init__(self, name: str, fps: float, network: Network, detector):
        self.name, self.fps, self.network, self.detector = name, fps, network, detector
        self.follow, self.sketch = Follower(), Sketch()
        self.walk = Walker(network, max(1, round(fps / network.pace)))
        self.frames = self.found = 0
        self.seconds = 0.0
        self.files: list[Path] = []

    def rows(self, piece: np.ndarray) -> list[dict]:
        """Rows of the next frames (n, H, W, 3); those without the face have empty cells."""
        everyone = self.detector.everyone(piece)
        faces = [self.follow(found, piece.shape[2]) for found in everyone]
        rows = []
        for frame, found in enumerate(everyone, self.frames):
            about = {"frame": frame, "second": f"{frame / self.fps:.3f}", "faces": len(found)}
            rows.append(dict.fromkeys(COLUMNS, "") | about)
        self.frames += len(piece)
        at = [t for t, points in enumerate(faces) if points is not None]
        if not at:
            return rows
        self.found += len(at)
        net, points = self.network, np.stack([faces[t] for t in at])  # (n, 68, 2)
        said = self.walk(net.describe(net.prepare(piece[at], points)))
        places, odds = said[:, :2], said[:, 2:]
        nearest = odds.argmax(1) if odds.size else nearest_emotion(places, net.anchors.to_numpy())
        names = net.anchors.index[nearest]
        for t, box, (valence, arousal), emotion in zip(at, greyface.squares(points), places, names):
            row, frame = rows[t], rows[t]["frame"]
            row |= dict(zip(BOX, (f"{v:.1f}" for v in box)))
            row |= {"valence": f"{valence:.4f}", "arousal": f"{arousal:.4f}", "emotion": emotion}
            point = {"frame": frame, "second": frame / self.fps, "named": emotion}
            point |= {"valence": valence, "arousal": arousal}
            self.sketch.add(point, lambda t=t, box=box: _thumbnail(piece[t], box))
        return rows

    def __str__(self) -> str:
        lines = [f"network: {self.network.about}"]
        if not self.found:
            lines.append(
                f"no face was found in any of {self.frames} frames: "
                f"{self.files[0].name} has its header only, and nothing is drawn"
            )
        if self.follow.crowded:
            lines.append(
                f"{self.follow.crowded} of {self.frames} frames show more than one face, "
                f"up to {self.follow.most}: followed {self.follow.words}"
            )
        lines += [f"wrote {path}" for path in self.files]
        speed = self.frames / max(self.seconds, 1e-9)
        pace = "keeps up with" if speed >= self.fps else "slower than"
        lines.append(
            f"{self.name}: {self.frames} frames, a face in {self.found}, {self.seconds:.1f} s: "
            f"{speed:.0f} frames a second, {pace} the film's {self.fps:g}"
        )
        return "\n".join(lines)


def check(video: str | Path, seconds: float | None = None) -> None:
    """Damaged for a film whose ends cannot be decoded, EmolibError for a wrong camera or length."""
    if seconds is not None and not seconds > 0:
        raise EmolibError(f"--seconds is {seconds}: expected a number above 0")
    if _camera_number(video) is None:
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
    """Write VIDEO-trace.csv, .svg and .html for a film or a webcam ('webcam', 'webcam:1').

    folder     default: beside the film; here for a webcam
    detector   has `everyone` (default dlib's)
    seconds    stop after so much film; Ctrl-C ends a webcam as well, and what was seen is kept
    Raises Damaged for a broken film and EmolibError for a camera that does not answer.
    """
    camera = _camera_number(video)
    name = Path(video).stem if camera is None else "webcam"
    folder = Path(video).parent if folder is None else Path(folder)
    if not folder.is_dir():
        raise EmolibError(f"{folder}: no such folder; make it first")
    if not os.access(folder, os.W_OK):  # said before the film is looked at, not after
        raise EmolibError(f"{folder}: cannot be written; name another --out")
    if detector is None:
        from emolib.features.detectors import DlibDetector

        detector = DlibDetector()
    if camera is None:
        film = media.probe_video(video)
        fps, total, pieces = film.fps, film.frames, media.iterate_frames(video, PIECE)
    else:
        (fps, pieces), total = _webcam(camera), None
    limit = None if seconds is None else round(seconds * fps)
    traced = Traced(name, fps, network, detector)
    table = io.StringIO()  # a hundred bytes a frame
    out = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    out.writeheader()
    header, begun = table.getvalue(), time.perf_counter()
    interrupts = () if camera is None else (KeyboardInterrupt,)
    with (
        bars.bar(label=name, unit="frame", total=limit or total, shown=progress) as bar,
        suppress(*interrupts),
    ):
        for piece in pieces:
            piece = piece if limit is None else piece[: limit - traced.frames]
            out.writerows(traced.rows(piece))
            bar.update(len(piece))
            if traced.frames == limit:
                break
    traced.seconds = time.perf_counter() - begun
    files = {"csv": table.getvalue(), **_drawn(traced)} if traced.found else {"csv": header}
    for kind, content in files.items():
        traced.files.append(folder / f"{name}-trace.{kind}")
        results.write(traced.files[-1], content)
    return traced


def _thumbnail(frame: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The box of a frame as a picture, uint8 (SHOWN, SHOWN, 3); black where it leaves the frame."""
    from PIL import Image

    face = Image.fromarray(frame).crop(tuple(int(v) for v in np.rint(box)))
    return np.asarray(face.resize((SHOWN, SHOWN), Image.Resampling.BILINEAR))


def _drawn(traced: Traced) -> dict[str, str]:
    """The static and the moving drawing."""
    from emolib.reproduction.report import plots

    net, path = traced.network, pd.DataFrame(traced.sketch.rows)
    title = printable(traced.name)
    images = np.stack(traced.sketch.images)
    fig = plots.one_path(path, net.anchors, title=title)
    page = plots.moving(path, images, net.anchors, title=title, source=net.about)
    html = (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{page.title}</title>'
        f"<body>{page.html}</body></html>\n"
    )
    return {"svg": plots.svg(fig, net.about), "html": html}


# ---------------------------------------------------------------- where frames come from


def _camera_number(video: str | Path) -> int | None:
    """The number of the camera, if it is one and not a film."""
    text = str(video)
    if text != "webcam" and not text.startswith("webcam:"):
        return None
    number = text.removeprefix("webcam").removeprefix(":") or "0"
    if not number.isdecimal():
        raise EmolibError(f"{text}: expected webcam, or webcam:1 for the second camera")
    return int(number)


def _webcam(number: int) -> tuple[float, Iterator[np.ndarray]]:
    """Frames a second and pieces of a camera, by OpenCV, which comes with the detectors."""
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
    return camera.get(cv2.CAP_PROP_FPS) or 25.0, _shots(camera)


def _shots(camera) -> Iterator[np.ndarray]:
    alive = True
    try:
        while alive:
            block = []
            while alive and len(block) < PIECE:
                alive, picture = camera.read()
                if alive:
                    block.append(picture[..., ::-1])  # OpenCV's order is blue, green, red
            if block:
                yield np.stack(block)
    finally:
        camera.release()
