"""Aff-Wild and Aff-Wild2: web videos with valence and arousal at every frame.

Aff-Wild    `aff_wild/annotations/<train|test>/<valence|arousal>/N.txt`, one value a line;
            `videos/<split>/N.mp4`; where they are there, `landmarks/<split>/N/<frame>.pts` and
            `bboxes/<split>/N/<frame>.pts`
Aff-Wild2   `aff_wild/annotations/VA_Set/<Train_Set|Validation_Set>/NAME.txt`, a line
            `valence,arousal`, then two values a line, -5 where nothing was annotated; NAME.mp4 in
            `videos/`, `batch1/` ...; `cropped_aligned/NAME/00001.jpg`

Neither ships a list of who is seen. In Aff-Wild2 NAME_left and NAME_right are two people in one
video, NAME. So `subject` is the video: it keeps one video on one side of a split, not one person
(Kollias et al. 2019; 2020).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import clips, media, tracks
from emolib.data.checks import Checked
from emolib.data.files import Damaged, digest_of, guard, sift, usable
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError

LAYOUTS = ("aff_wild", "aff_wild2")
SETS = {"Train_Set": "train", "Validation_Set": "validation"}
SPLITS = ("train", "validation", "test")
FILMS = (".mp4", ".avi")
FPS = 30.0  # where there is no film to ask


@dataclass(frozen=True)
class Video:
    """One annotated video: its name, the video it was cut from, its files (None: not there)."""

    name: str
    base: str
    split: str
    annotation: tuple[Path, ...]  # valence and arousal, or both in one
    film: Path | None
    points: tuple[Path, ...]  # folders of landmarks and boxes, where every video has them
    faces: Path | None = None


def load(root: Path, *, damaged: str = "raise", layout: str | None = None) -> TrackSet:
    """Annotated videos in the order of split and name; videos without annotation are no part of it.

    layout     'aff_wild' or 'aff_wild2'; None: Aff-Wild where it is there, else Aff-Wild2
    features   the set's own landmarks and boxes, where every video has them and a film to scale
               them by: 136 and 4 (x0, y0, x1, y1) numbers in [0, 1] of the picture, 0 where no face
               was found. Else empty, (T, 0): extract them from the films that `meta.path` names.
    meta       video, base, frames, kind ('points', 'none'), path of the film and faces
               (cropped_aligned), both relative to `root` and '' where absent, fps, cut (annotated
               frames less frames of the film)
    Annotation and film may differ by 2 frames, the longer is cut; more is Damaged. `fps` of the set
    is the most common one.
    """
    where = Path(root) / "aff_wild"
    videos, probed = usable(_videos(where, layout), _probe, damaged)
    if not videos:
        raise EmolibError(
            f"{where}: no usable annotated video; expected annotations/train/valence/*.txt or "
            "annotations/VA_Set/Train_Set/*.txt"
        )
    meta = pd.DataFrame(
        {
            "video": [video.name for video in videos],
            "base": [video.base for video in videos],
            "frames": [len(track.missing) for track in probed],
            "kind": [track.about["kind"] for track in probed],
            "path": [_relative(video.film, root) for video in videos],
            "faces": [_relative(video.faces, root) for video in videos],
            "fps": [track.about["fps"] for track in probed],
            "cut": [track.about["cut"] for track in probed],
        }
    )
    fps = float(Counter(meta["fps"]).most_common(1)[0][0])
    splits = [video.split for video in videos]
    return tracks.assemble("aff_wild", probed, meta, meta["base"], splits, fps)


def check(root: Path) -> Checked:
    """For the doctor: annotations, films at their ends, points at their ends; both layouts."""
    where, found, damaged, films, notes = Path(root) / "aff_wild", 0, [], {}, []
    for layout in LAYOUTS:
        videos, probed, broken = sift(_videos(where, layout), _look)
        found += len(videos)
        damaged += broken
        if videos:
            notes.append(f"{layout}: {_note(videos, probed)}")
        for video, track in zip(videos, probed):
            if video.film:
                look = clips.Look(video.film, track.content.split(":")[0])
                films[video.film] = (look, f"{layout} {video.split}")
    every = clips.find(where, FILMS) if where.is_dir() else []
    spare = len(set(every) - set(films) - {error.path for error in damaged})
    if spare:
        notes.append(f"{clips.count_of(spare, 'film')} without annotation")
    looks, splits = [look for look, _ in films.values()], [split for _, split in films.values()]
    return Checked(found, "; ".join(notes), damaged, clips.same(looks, splits))


def _note(videos: list[Video], probed: list[tracks.Track]) -> str:
    splits = Counter(video.split for video in videos).items()
    splits = ", ".join(f"{n} {split}" for split, n in splits)
    frames = sum(len(track.missing) for track in probed)
    gaps = sum(int(track.missing.sum()) for track in probed)
    cut = sum(track.about["cut"] != 0 for track in probed)
    own = any(track.about["kind"] == "points" for track in probed)
    return (
        f"{clips.count_of(len(videos), 'video')} ({splits}), {frames} frames, "
        f"{gaps} of them not annotated; {cut} cut by 1 or 2 frames; "
        f"{'own landmarks or boxes' if own else 'no features in the set'}"
    )


def _look(video: Video) -> tracks.Track:
    track = _probe(video)
    if video.film is not None:
        media.check_ends(video.film)
    for folder in video.points:
        files = list(tracks.listing(folder, (".pts",)).values())
        for path in files[:1] + files[-1:]:
            tracks.pts(path)
    return track


# ---- what is there


def _videos(where: Path, layout: str | None) -> list[Video]:
    if layout not in (None, *LAYOUTS):
        raise EmolibError(
            f"aff_wild: layout '{layout}' is not known: expected aff_wild or aff_wild2"
        )
    videos = _first(where) if layout != "aff_wild2" else []
    if not videos and layout != "aff_wild":
        videos = _second(where)
    of_videos = [video.points for video in videos]
    points = [folders for folders in zip(*of_videos) if _whole(folders)]
    filmed = all(video.film for video in videos)
    own = zip(*points) if points and filmed else [()] * len(videos)  # each video's
    videos = [replace(video, points=folders) for video, folders in zip(videos, own)]
    return sorted(videos, key=_order)


def _whole(folders: tuple[Path, ...]) -> bool:
    return all(folder.is_dir() for folder in folders)


def _order(video: Video) -> tuple:
    parts = re.split(r"(\d+)", video.name)  # numbers in names count as numbers
    return SPLITS.index(video.split), [int(p) if p.isdecimal() else p for p in parts]


def _films(*places: Path) -> dict[str, Path]:
    return {p.stem: p for place in places if place.is_dir() for p in clips.find(place, FILMS)}


def _first(where: Path) -> list[Video]:
    """Aff-Wild's own layout."""
    out = []
    for split in ("train", "test"):
        axes = [where / "annotations" / split / axis for axis in ("valence", "arousal")]
        names = {p.stem for axis in axes if axis.exists() for p in clips.find(axis, {".txt"})}
        films = _films(where / "videos" / split)
        for name in names:
            annotation = tuple(axis / f"{name}.txt" for axis in axes)
            film = films.get(name, where / "videos" / split / f"{name}.mp4" if films else None)
            points = tuple(where / kind / split / name for kind in ("landmarks", "bboxes"))
            out.append(Video(name, name, split, annotation, film, points))
    return out


def _second(where: Path) -> list[Video]:
    """Aff-Wild2's."""
    places = [place for place in where.glob("annotations/VA*/*") if place.name in SETS]
    films = _films(*(where / place for place in ("videos", "batch1", "batch2")))
    out = []
    for place in places:
        for path in clips.find(place, {".txt"}):
            name, base = path.stem, re.sub(r"_(left|right)$", "", path.stem)
            absent = where / "videos" / f"{base}.mp4" if films else None
            film = films.get(name) or films.get(base) or absent
            points = tuple(where / kind / name for kind in ("landmarks", "bboxes"))
            faces = where / "cropped_aligned" / name
            faces = faces if faces.is_dir() else None
            out.append(Video(name, base, SETS[place.name], (path,), film, points, faces))
    return out


def _relative(path: Path | None, root: Path) -> str:
    return "" if path is None else path.relative_to(root).as_posix()


# ---- one video


def _probe(video: Video) -> tracks.Track:
    values, missing = _annotation(video)
    path, count, cut, fps, content = video.annotation[0], len(values), 0, FPS, "no film"
    if video.film is not None:
        if not os.path.lexists(video.film):
            raise Damaged(
                video.film, f"no such film, but {path} annotates it; other videos have theirs"
            )
        film = media.probe_video(video.film)
        cut, fps, content = count - film.frames, film.fps, digest_of(video.film)
        count = tracks.agreed(path, count, film.frames, f"the film {video.film.name}")
    kind, features = "none", partial(tracks.nothing, count)
    if video.points:
        kind, features = "points", partial(_scaled, video.points, count, film.height, film.width)
        content = ":".join([content, *(_numbered(folder, count) for folder in video.points)])
    about = {"kind": kind, "fps": fps, "cut": cut}
    return tracks.Track(values[:count], missing[:count], features, content, about)


def _annotation(video: Video) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) and (T,) from one file with a head or from two without."""
    first = video.annotation[0]
    if len(video.annotation) == 1:
        head, *lines = tracks.text_lines(first)
        if [word.strip().lower() for word in head.split(",")] != ["valence", "arousal"]:
            raise Damaged(first, f"line 1 is '{head[:40]}', expected 'valence,arousal'")
        values, missing = tracks.values(first, lines, 2, first=2)
    else:
        for here, other in (video.annotation, video.annotation[::-1]):
            if not os.path.lexists(here):
                raise Damaged(
                    here, f"no such file, but {other} is there; valence and arousal come in pairs"
                )
        axes = [tracks.values(path, tracks.text_lines(path), 1) for path in video.annotation]
        (valence, no_valence), (arousal, no_arousal) = axes
        if len(valence) != len(arousal):
            raise Damaged(
                video.annotation[1],
                f"{len(arousal)} lines of arousal, but {first} has {len(valence)} of valence; "
                "one of them is cut short",
            )
        values, missing = np.concatenate([valence, arousal], axis=1), no_valence | no_arousal
        values[missing] = 0
    if not len(values):
        raise Damaged(first, "annotates no frame; get it anew")
    if missing.all():
        raise Damaged(
            first,
            f"none of its {len(missing)} frames is annotated (-5 throughout); leave the video out",
        )
    return values, missing


def _boxes(folder: Path) -> bool:
    return "bboxes" in folder.parts[-3:]


def _numbered(folder: Path, count: int) -> str:
    """Content of a folder of points, after a look at the numbers of its files."""
    files = tracks.listing(folder, (".pts",))
    if not files:
        raise Damaged(folder, "holds no .pts file; get it anew")
    last = max(files)
    if last > count + tracks.SLACK:
        raise Damaged(files[last], f"points of frame {last}, but the video has {count} frames")
    guard(files[min(files)])
    return tracks.named_content(files)


def _scaled(folders: tuple[Path, ...], count: int, height: int, width: int) -> np.ndarray:
    """Landmarks (136) and boxes (4) in [0, 1] of the picture, float32 (count, D), 0 without a file.

    File names count from 0 where a file 0 is there, else from 1.
    """
    parts = []
    for folder in folders:
        files, boxes = tracks.listing(folder, (".pts",)), _boxes(folder)
        first = min(1, min(files))
        out = np.zeros((count, 4 if boxes else 136), np.float32)
        for number, path in files.items():
            if number - first >= count:
                continue
            points = tracks.pts(path) / np.array([width, height], np.float32)  # (n, 2)
            if boxes:
                out[number - first] = np.concatenate([points.min(0), points.max(0)])
            elif len(points) == 68:
                out[number - first] = points.ravel()
            else:
                raise Damaged(path, f"{len(points)} points, expected 68")
        parts.append(out)
    return np.concatenate(parts, axis=1)
