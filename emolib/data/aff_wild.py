"""Aff-Wild and Aff-Wild2: web videos with valence and arousal at every frame.

Aff-Wild    `aff_wild/annotations/<train|test>/<valence|arousal>/N.txt`, one value a line; `videos/<split>/N.mp4`;
            where they are there, `landmarks/<split>/N/<frame>.pts` and `bboxes/<split>/N/<frame>.pts`
Aff-Wild2   `aff_wild/annotations/VA_Set/<Train_Set|Validation_Set>/NAME.txt`, a line `valence,arousal`, then two values a
            line, -5 where nothing was annotated; NAME.mp4 in `videos/`, `batch1/` ...; `cropped_aligned/NAME/00001.jpg`

Neither ships a list of who is seen. In Aff-Wild2 NAME_left and NAME_right are two people in one video, NAME. So `subject`
is the video (NAME, or N): it keeps one video on one side of a split, not one person (Kollias et al. 2019; 2020).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import clips, media, tracks
from emolib.data.checks import Checked
from emolib.data.files import Damaged, digest_of, guard, usable
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError

LAYOUTS = ("aff_wild", "aff_wild2")
SETS = {"Train_Set": "train", "Validation_Set": "validation"}
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
    faces: Path | None = None
    points: tuple[Path, ...] = ()  # folders of landmarks and boxes, where every video has them


@dataclass(frozen=True)
class Probed:
    valence_arousal: np.ndarray  # (T, 2)
    missing: np.ndarray  # (T,)
    features: object  # () -> (T, D)
    kind: str
    width: int  # D
    fps: float
    cut: int  # annotated frames less those of the film
    content: str


def load(
    root: Path,
    *,
    damaged: str = "raise",
    layout: str | None = None,
    features: Path | str | None = None,
) -> TrackSet:
    """Annotated videos in the order of split and name; videos without annotation are no part of it.

    layout     'aff_wild' or 'aff_wild2'; None: Aff-Wild where it is there, else Aff-Wild2
    features   a folder with NAME.safetensors for each video, tensor 'features' (T, D), of your own making; what
               `emolib features` makes is read by emolib.features.store.stored.
               None: the set's own landmarks and boxes, where every video has them and a film to scale them by: 136
               and 4 (x0, y0, x1, y1) numbers in [0, 1] of the picture, 0 where no face was found. Where it has
               neither, features are empty, (T, 0): extract them from the films that `meta.path` names.
    meta       video, base, frames, kind ('stored', 'points', 'none'), path of the film and faces (cropped_aligned),
               both relative to `root` and '' where absent, fps, cut (annotated frames less frames of the film)
    Annotation, film and features may differ by 2 frames, the longer is cut; more is Damaged. `missing` is None where
    every frame is annotated. `fps` of the set is the most common one.
    """
    where = Path(root) / "aff_wild"
    videos = _videos(where, layout)
    store = Path(features) if features is not None else None
    if store is not None and not store.is_dir():
        raise EmolibError(f"features folder {store}: no such folder")
    videos, probed = usable(videos, partial(_probe, store), damaged)
    if not videos:
        raise EmolibError(
            f"{where}: no usable annotated video; expected annotations/train/valence/*.txt or "
            "annotations/VA_Set/Train_Set/*.txt"
        )
    widths = sorted({p.width for p in probed})
    if len(widths) > 1:
        raise EmolibError(
            f"{store}: files of {widths[0]} and of {widths[-1]} features; one extractor must make them all"
        )
    meta = pd.DataFrame(
        {
            "video": [v.name for v in videos],
            "base": [v.base for v in videos],
            "frames": [len(p.missing) for p in probed],
            "kind": [p.kind for p in probed],
            "path": [_relative(v.film, root) for v in videos],
            "faces": [_relative(v.faces, root) for v in videos],
            "fps": [p.fps for p in probed],
            "cut": [p.cut for p in probed],
        }
    )
    gaps = any(p.missing.any() for p in probed)
    return TrackSet(
        name="aff_wild",
        source="real",
        features=[p.features for p in probed],
        valence_arousal=[p.valence_arousal for p in probed],
        missing=[p.missing for p in probed] if gaps else None,
        fps=float(Counter(meta["fps"]).most_common(1)[0][0]),
        label=np.full(len(videos), -1),
        subject=meta["base"].to_numpy(),
        split=[v.split for v in videos],
        meta=meta,
        content=[p.content for p in probed],
    )


def check(root: Path) -> Checked:
    """For the doctor: every annotation, every film at its ends, points of the first and last frame; both layouts."""
    where, found, damaged, seen, notes = Path(root) / "aff_wild", 0, [], {}, []
    for layout in LAYOUTS:
        try:
            videos = _videos(where, layout)
        except EmolibError as error:
            damaged.append((where, str(error).removeprefix(f"{where}: ")))
            continue
        good, broken = clips.inspect(videos, _look)
        damaged += broken
        found += len(good)
        if good:
            cut, gaps = sum(p.cut != 0 for _, p in good), sum(int(p.missing.sum()) for _, p in good)
            frames, kinds = sum(len(p.missing) for _, p in good), Counter(p.kind for _, p in good)
            splits = ", ".join(f"{n} {s}" for s, n in Counter(v.split for v, _ in good).items())
            notes.append(
                f"{layout}: {clips.count_of(len(good), 'video')} ({splits}), {frames} frames, {gaps} of them not annotated; {cut} cut by 1 or 2 frames; "
                f"{'own landmarks or boxes' if kinds['points'] else 'no features in the set'}"
            )
        seen |= {
            v.film: (clips.Look(v.film, p.content.split(":")[0]), f"{layout} {v.split}")
            for v, p in good
            if v.film
        }
    spare = (
        len(set(clips.find(where, FILMS)) - set(seen) - {p for p, _ in damaged})
        if where.is_dir()
        else 0
    )
    return Checked(
        found,
        "; ".join(notes)
        + (f"; {clips.count_of(spare, 'film')} without annotation" if spare else ""),
        damaged,
        clips.same(*map(list, zip(*seen.values()))) if seen else "",
    )


def _look(video: Video) -> tuple[Video, Probed]:
    probed = _probe(None, video)
    if video.film is not None:
        media.check_ends(video.film)
    for folder in video.points:
        held = list(tracks.listing(folder, (".pts",)).values())
        for path in held[:1] + held[-1:]:
            tracks.pts(path)
    return video, probed


# ---- what is there


def _videos(where: Path, layout: str | None) -> list[Video]:
    if layout not in (None, *LAYOUTS):
        raise EmolibError(
            f"aff_wild: layout '{layout}' is not known: expected aff_wild or aff_wild2"
        )
    found = _first(where) if layout in (None, "aff_wild") else []
    if layout == "aff_wild2" or not found and layout is None:
        found = _second(where)
    whole = [k for k in (0, 1) if found and all(v.points[k].is_dir() and v.film for v in found)]
    return [replace(v, points=tuple(v.points[k] for k in whole)) for v in sorted(found, key=_order)]


def _order(video: Video) -> tuple:
    return (
        ("train", "validation", "test").index(video.split),
        [int(p) if p.isdecimal() else p for p in re.split(r"(\d+)", video.name)],
    )


def _first(where: Path) -> list[Video]:
    """Aff-Wild's own layout."""
    out = []
    for split in ("train", "test"):
        axes = [where / "annotations" / split / axis for axis in ("valence", "arousal")]
        names = {p.stem for axis in axes if axis.exists() for p in clips.find(axis, {".txt"})}
        films = (
            {p.stem: p for p in clips.find(where / "videos" / split, FILMS)}
            if (where / "videos" / split).is_dir()
            else {}
        )
        for name in names:
            film = films.get(name, where / "videos" / split / f"{name}.mp4" if films else None)
            out.append(
                Video(
                    name,
                    name,
                    split,
                    tuple(axis / f"{name}.txt" for axis in axes),
                    film,
                    points=(where / "landmarks" / split / name, where / "bboxes" / split / name),
                )
            )
    return out


def _second(where: Path) -> list[Video]:
    """Aff-Wild2's."""
    places = [p for p in where.glob("annotations/VA*/*") if p.name in SETS]
    held = [
        p
        for place in ("videos", "batch1", "batch2")
        if (where / place).is_dir()
        for p in clips.find(where / place, FILMS)
    ]
    films = {p.stem: p for p in held}
    out = []
    for place in places:
        for path in clips.find(place, {".txt"}):
            base = re.sub(r"_(left|right)$", "", path.stem)
            film = (
                films.get(path.stem)
                or films.get(base)
                or (where / "videos" / f"{base}.mp4" if films else None)
            )
            faces = where / "cropped_aligned" / path.stem
            out.append(
                Video(
                    path.stem,
                    base,
                    SETS[place.name],
                    (path,),
                    film,
                    faces if faces.is_dir() else None,
                    points=(where / "landmarks" / path.stem, where / "bboxes" / path.stem),
                )
            )
    return out


def _relative(path: Path | None, root: Path) -> str:
    return "" if path is None else path.relative_to(root).as_posix()


# ---- one video


def _probe(store: Path | None, video: Video) -> Probed:
    va, gone = _annotation(video)
    film, path, cut, count = None, video.annotation[0], 0, len(va)
    if video.film is not None:
        if not video.film.exists() and not video.film.is_symlink():
            raise Damaged(
                video.film, f"no such film, but {path} annotates it; other videos have theirs"
            )
        film = media.probe_video(video.film)
        count, cut = (
            tracks.agreed(path, count, film.frames, f"the film {video.film.name}"),
            count - film.frames,
        )
    content = digest_of(video.film) if film else "no film"
    features, kind, width = None, "none", 0
    if store is not None:
        made = store / f"{video.name}.safetensors"
        length, width = tracks.stored_shape(made)
        count, kind = tracks.agreed(made, count, length, "this file of features"), "stored"
        features, content = partial(tracks.stored, made, count), f"{content}:{digest_of(made)}"
    elif video.points:
        held = tuple(_numbered(folder, count) for folder in video.points)
        width = sum(4 if "bboxes" in folder.parts[-3:] else 136 for folder in video.points)
        features, kind = partial(_scaled, video.points, count, film.height, film.width), "points"
        content = ":".join([content, *held])
    features = features or partial(tracks.nothing, count)
    return Probed(
        va[:count], gone[:count], features, kind, width, film.fps if film else FPS, cut, content
    )


def _annotation(video: Video) -> tuple[np.ndarray, np.ndarray]:
    """(T, 2) and (T,) from one file with a head or from two without."""
    first = video.annotation[0]
    if len(video.annotation) == 1:
        lines = tracks.text_lines(first)
        if [w.strip().lower() for w in lines[0].split(",")] != ["valence", "arousal"]:
            raise Damaged(first, f"line 1 is '{lines[0][:40]}', expected 'valence,arousal'")
        va, gone = (
            tracks.values(first, lines[1:], 2, first=2)
            if lines[1:]
            else (np.zeros((0, 2), np.float32), np.zeros(0, bool))
        )
    else:
        for here, other in (video.annotation, video.annotation[::-1]):
            if not here.exists() and not here.is_symlink():
                raise Damaged(
                    here, f"no such file, but {other} is there; valence and arousal come in pairs"
                )
        (v, v_gone), (a, a_gone) = (
            tracks.values(p, tracks.text_lines(p), 1) for p in video.annotation
        )
        if len(v) != len(a):
            raise Damaged(
                video.annotation[1],
                f"{len(a)} lines of arousal, but {first} has {len(v)} of valence; one of them is cut short",
            )
        va, gone = np.concatenate([v, a], axis=1), v_gone | a_gone
        va[gone] = 0
    if not len(va):
        raise Damaged(first, "annotates no frame; get it anew")
    tracks.annotated(first, gone)
    return va, gone


def _numbered(folder: Path, count: int) -> str:
    held = tracks.listing(folder, (".pts",))
    if not held:
        raise Damaged(folder, "holds no .pts file; get it anew")
    if max(held) > count + tracks.SLACK:
        raise Damaged(
            held[max(held)], f"points of frame {max(held)}, but the video has {count} frames"
        )
    guard(held[min(held)])
    return tracks.named_content(held)


def _scaled(folders: tuple[Path, ...], count: int, height: int, width: int) -> np.ndarray:
    """Landmarks (136) and boxes (4) of each frame in [0, 1] of the picture, float32 (count, D), 0 where there is no file.

    File names count from 0 where a file 0 is there, else from 1.
    """
    parts = []
    for folder in folders:
        held = tracks.listing(folder, (".pts",))
        first, box = min(held) if min(held) == 0 else 1, "bboxes" in folder.parts[-3:]
        out = np.zeros((count, 4 if box else 136), np.float32)
        for number, path in held.items():
            if number - first < count:
                points = tracks.pts(path) / np.array([width, height], np.float32)  # (n, 2)
                if not box and len(points) != 68:
                    raise Damaged(path, f"{len(points)} points, expected 68")
                out[number - first] = (
                    np.concatenate([points.min(0), points.max(0)]) if box else points.ravel()
                )
        parts.append(out)
    return np.concatenate(parts, axis=1)
