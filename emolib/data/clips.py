"""What the sets of clips share: finding their files, one file for each clip, probing, and the ClipSet in the end."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import checks, media
from emolib.data.files import Damaged, digest_of, guard, usable
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError


@dataclass(frozen=True)
class Clip:
    """One clip before it is read: what its name says (`row` of meta, with 'emotion' and 'subject') and its files."""

    row: dict
    film: Path | None = None
    sound: Path | None = None


def find(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """Files below `folder` with one of `suffixes` (any case), sorted; names that begin with a dot are no part of a set.

    Linked folders are followed, each folder once, so that a circle of links ends. Links that lead nowhere and folders
    that cannot be opened are in the list as well: whoever opens them says so.
    """
    out, seen, todo = [], set(), [Path(folder)]
    while todo:
        here = todo.pop()
        try:
            stat = here.stat()
            if (stat.st_dev, stat.st_ino) in seen:
                continue
            seen.add((stat.st_dev, stat.st_ino))
            entries = [e for e in os.scandir(here) if not e.name.startswith(".")]
        except OSError:
            out.append(here)
            continue
        for entry in entries:
            path = Path(entry.path)
            if entry.is_symlink() and not path.exists():
                out.append(path)
            elif entry.is_dir():
                todo.append(path)
            elif path.suffix.lower() in suffixes:
                out.append(path)
    return sorted(out)


def gather(
    paths: Iterable[Path], parse: Callable, each: Callable
) -> tuple[dict, dict, list[Path], list]:
    """One file for each clip and kind of file.

    parse   path -> (key that sorts clips, kind of file, row of meta); raises Damaged for a name that means nothing
    each    (paths, function) -> (good, told): `loading(damaged)` in a load, `inspect` in a check
    Returns {key: {kind: path}}, {key: row}, spare files, told. Where a clip stands twice, wav goes before flac before
    films and then the first path; the same kind of file with other content is refused: which is right nobody can say.
    """
    files, rows, spare = {}, {}, []

    def sort_in(path):
        if path.is_symlink() or path.is_dir():
            guard(path)
        key, kind, row = parse(path)
        first = files.setdefault(key, {}).setdefault(kind, path)
        rows.setdefault(key, row)
        if first is not path:
            if first.suffix.lower() == path.suffix.lower() and digest_of(guard(first)) != digest_of(
                guard(path)
            ):
                raise Damaged(
                    path, f"has the name of {first} and other content; remove the wrong one"
                )
            spare.append(path)

    order = (*media.SOUNDS, *media.FILMS)
    told = each(
        sorted(
            paths,
            key=lambda p: (
                order.index(p.suffix.lower()) if p.suffix.lower() in order else -1,
                str(p),
            ),
        ),
        sort_in,
    )[1]
    return dict(sorted(files.items())), rows, spare, told


def loading(damaged: str) -> Callable:
    """How `gather` treats what it must refuse, in a load: as `files.usable` does."""
    return lambda paths, into: usable(paths, into, damaged)


def default_modality(
    files: dict, sounds: Callable[[dict], bool], films: Callable[[dict], bool]
) -> str:
    """'av' where there are at least as many films with sound as sounds alone, else 'a'."""
    seen = sum(map(films, files.values()))
    return "av" if seen and seen >= sum(map(sounds, files.values())) else "a"


def expect_modality(name: str, modality: str):
    if modality not in ("a", "v", "av"):
        raise EmolibError(
            f"{name}: modality '{modality}' is not known: expected 'a' (sound), 'v' (pictures) or 'av'"
        )


def assemble(
    name: str,
    clips: list[Clip],
    label: Callable[[dict], int],
    *,
    damaged: str,
    rate: int | None,
    where: Path,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
    classes: tuple[str, ...] = EMOTIONS,
    split: Callable[[dict], str] = lambda row: "",
) -> ClipSet:
    """A ClipSet of files, headers probed, nothing decoded. Sound is resampled to `rate` when read (None: the files' own,
    which must be one); frames come in `size` and `grey` as media.read_frames does. `meta.fps` is each film's own.
    """
    clips, probed = usable(clips, _probe, damaged)
    if not clips:
        raise EmolibError(
            f"{where}: no usable clip of {name} of the kind asked for; `doctor` says what is there"
        )
    has_film, has_sound = clips[0].film is not None, clips[0].sound is not None
    meta = pd.DataFrame([c.row for c in clips])
    fps = None
    if has_film:
        meta["fps"] = [video.fps for video, _, _ in probed]
        fps = float(Counter(meta["fps"]).most_common(1)[0][0])
    if has_sound and rate is None:
        rates = sorted({sound.rate for _, sound, _ in probed})
        if len(rates) > 1:
            raise EmolibError(
                f"{name}: sounds at {', '.join(map(str, rates))} Hz; say rate=... to have them alike"
            )
        rate = rates[0]
    shown = f":{size}:{'grey' if grey else 'colour'}" if has_film else ""
    return ClipSet(
        name=name,
        source="real",
        label=[label(c.row) for c in clips],
        subject=[c.row["subject"] for c in clips],
        split=[split(c.row) for c in clips],
        meta=meta,
        classes=classes,
        content=[content + shown for _, _, content in probed],
        frames=[partial(media.read_frames, c.film, size, grey) for c in clips]
        if has_film
        else None,
        waveform=[partial(media.read_sound, c.sound, rate) for c in clips] if has_sound else None,
        fps=fps,
        rate=rate if has_sound else None,
    )


def _probe(clip: Clip) -> tuple:
    video = media.probe_video(clip.film) if clip.film else None
    sound = media.probe_sound(clip.sound) if clip.sound else None
    return video, sound, ":".join(digest_of(p) for p in dict.fromkeys((clip.film, clip.sound)) if p)


# ---- for the doctor


@dataclass(frozen=True)
class Look:
    """One file, looked into: `content` names its samples or bytes."""

    path: Path
    content: str
    sound: media.Sound | None = None
    video: media.Video | None = None
    silent: bool = False


def look(path: Path) -> Look:
    """Sound decoded wholly; of a film the header, the first and the last frame, and all of its sound."""
    film = path.suffix.lower() in media.FILMS
    video = media.check_ends(path) if film else None
    if film and not video.has_sound:
        return Look(path, digest_of(path), video=video)
    sound, samples = media.probe_sound(path), media.read_sound(path)
    return Look(
        path,
        digest_of(path) if film else hashlib.sha1(samples.tobytes()).hexdigest(),
        sound,
        video,
        not samples.any(),
    )


def inspect(paths: Iterable, into: Callable = look) -> tuple[list, list[tuple[Path, str]]]:
    """What `into` found in each of `paths`, and (file, why) of each that is damaged."""
    good, damaged = [], []
    for path in paths:
        try:
            good.append(into(path))
        except Damaged as error:
            damaged.append((error.path, error.why))
    return good, damaged


def tell(seen: list[Look]) -> str:
    """'1440 sounds (16000 Hz; 5 stereo, averaged; 1.0 to 5.3 s), 60 films (640 x 480, 30 fps)': one line on what was looked into."""
    parts = []
    alone = [s for s in seen if s.sound and not s.video]
    films = [s for s in seen if s.video]
    if alone:
        rates = "/".join(map(str, sorted({s.sound.rate for s in alone})))
        stereo, silent = sum(s.sound.channels > 1 for s in alone), sum(s.silent for s in alone)
        seconds = [s.sound.seconds for s in alone]
        parts.append(
            f"{count_of(len(alone), 'sound')} ({rates} Hz, {min(seconds):.1f} to {max(seconds):.1f} s, {stereo} stereo"
            f"{', averaged to mono' if stereo else ''}{f', {silent} silent' if silent else ''})"
        )
    if films:
        sizes = "/".join(
            f"{w} x {h}" for w, h in sorted({(s.video.width, s.video.height) for s in films})[:3]
        )
        fps = "/".join(f"{f:g}" for f in sorted({s.video.fps for s in films})[:3])
        parts.append(
            f"{count_of(len(films), 'film')} ({sizes}, {fps} fps, "
            f"{sum(s.video.has_sound for s in films)} with sound)"
        )
    return ", ".join(parts)


def same(seen: list[Look], split: list[str] | None = None) -> str:
    """One line on clips whose content stands elsewhere, inside a part of the set and across parts; '' where there are none."""
    content, part = (
        np.array([s.content for s in seen]),
        np.array(split if split is not None else ["all"] * len(seen)),
    )
    found = checks.repeats(content, part) if len(content) else {}
    if not found:
        return ""
    order, (value, count) = list(dict.fromkeys(part)), np.unique(content, return_counts=True)
    first = [s.path.name for s in seen if s.content == value[count > 1][0]]
    inside = sum(n for (p, q), n in found.items() if p == q)
    told = [f"{count_of(inside, 'clip')} with the content of another"] if inside else []
    told += [
        f"{n} of {p} also in {q}" for (p, q), n in found.items() if order.index(p) > order.index(q)
    ]
    return f"{', '.join(told)} ({' and '.join(first[:2])})"


def spared(spare: list[Path]) -> str:
    """What a check says of files that `gather` did not choose."""
    return (
        f"; {count_of(len(spare), 'spare file')} of clips that stand twice, not read ({spare[0].name})"
        if spare
        else ""
    )


def count_of(number: int, what: str) -> str:
    """'1 clip', '2 clips'."""
    return f"{number} {what}{'' if number == 1 else 's'}"
