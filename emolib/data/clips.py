"""What the sets of clips share: finding their files, one for each clip, the ClipSet, the check."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import checks, media
from emolib.data.files import Damaged, digest_of, guard, sift, usable
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError

ORDER = (*media.SOUNDS, *media.FILMS)  # of two files of one clip the first kind is taken


@dataclass(frozen=True)
class Clip:
    """One clip before it is read: what its name says (`row` of meta) and its files."""

    row: dict
    film: Path | None = None
    sound: Path | None = None


def find(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """Files below `folder` with one of `suffixes` (any case), sorted, without hidden ones.

    Linked folders are followed, each folder once, so that a circle of links ends. Links that lead
    nowhere and folders that cannot be opened are in the list as well: whoever opens them says so.
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


def gather(paths: Iterable[Path], parse: Callable) -> tuple[dict, dict, list[Path], list[Damaged]]:
    """One file per clip and kind: {key: {kind: path}}, {key: row}, spare files, refused files.

    parse   path -> (key that sorts clips, kind of file: 'sound', 'film' or 'silent', row of meta);
            raises Damaged for a name that means nothing
    Where a clip stands twice, wav goes before flac before films and then the first path; the same
    kind of file with other content is refused: which is right nobody can say.
    """
    files, rows, spare = {}, {}, []

    def sort_in(path):
        if path.is_symlink() or path.is_dir():
            guard(path)
        key, kind, row = parse(path)
        first = files.setdefault(key, {}).setdefault(kind, path)
        rows.setdefault(key, row)
        if first is path:
            return
        alike = first.suffix.lower() == path.suffix.lower()
        if alike and digest_of(guard(first)) != digest_of(guard(path)):
            raise Damaged(path, f"has the name of {first} and other content; remove the wrong one")
        spare.append(path)

    def order(path):
        kind = path.suffix.lower()
        return ORDER.index(kind) if kind in ORDER else -1, str(path)

    _, _, refused = sift(sorted(paths, key=order), sort_in)
    return dict(sorted(files.items())), rows, spare, refused


def choose(
    name: str, files: dict, modality: str | None, *, own_sound: bool = False
) -> Iterator[tuple[object, Path | None, Path | None]]:
    """(key, film, sound) of each clip that has what `modality` asks for.

    modality    None: 'av' where there are at least as many films with sound as sounds, else 'a'
    own_sound   for 'av' a film's own sound is taken also where there is a file of sound
    """
    if modality is None:
        films = sum("film" in kinds for kinds in files.values())
        modality = "av" if films >= max(1, sum("sound" in k for k in files.values())) else "a"
    if modality not in ("a", "v", "av"):
        raise EmolibError(
            f"{name}: modality '{modality}' is not known: "
            "expected 'a' (sound), 'v' (pictures) or 'av'"
        )
    for key, kinds in files.items():
        film, sound = kinds.get("film"), kinds.get("sound", kinds.get("film"))
        if modality == "v":
            film = kinds.get("silent", film)
        if modality == "av" and own_sound:
            sound = film
        film = film if "v" in modality else None
        sound = sound if "a" in modality else None
        if (film or "v" not in modality) and (sound or "a" not in modality):
            yield key, film, sound


def assemble(
    name: str,
    clips: list[Clip],
    *,
    damaged: str,
    rate: int | None,
    where: Path,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
    classes: tuple[str, ...] = EMOTIONS,
    label: str = "emotion",
) -> ClipSet:
    """A ClipSet of files, headers probed, nothing decoded. `meta.fps` is each film's own.

    rate         sound is resampled to it when read (None: the files' own, which must be one)
    size, grey   of the frames, as in media.read_frames
    label        the entry of a clip's row that is one of `classes`
    """
    clips, probed = usable(clips, _probe, damaged)
    if not clips:
        raise EmolibError(
            f"{where}: no usable clip of {name} of the kind asked for; `doctor` says what is there"
        )
    has_film, has_sound = clips[0].film is not None, clips[0].sound is not None
    meta, fps, shown = pd.DataFrame([c.row for c in clips]), None, ""
    if has_film:
        meta["fps"] = [video.fps for video, _, _ in probed]
        fps = float(Counter(meta["fps"]).most_common(1)[0][0])
        shown = f":{size}:{'grey' if grey else 'colour'}"
    if has_sound and rate is None:
        rates = sorted({sound.rate for _, sound, _ in probed})
        if len(rates) > 1:
            several = ", ".join(map(str, rates))
            raise EmolibError(f"{name}: sounds at {several} Hz; say rate=... to have them alike")
        rate = rates[0]
    frames = [partial(media.read_frames, c.film, size, grey) for c in clips]
    waveform = [partial(media.read_sound, c.sound, rate) for c in clips]
    return ClipSet(
        name=name,
        source="real",
        label=[classes.index(c.row[label]) for c in clips],
        subject=[c.row["subject"] for c in clips],
        split=[c.row.get("split", "") for c in clips],
        meta=meta,
        classes=classes,
        content=[content + shown for _, _, content in probed],
        frames=frames if has_film else None,
        waveform=waveform if has_sound else None,
        fps=fps,
        rate=rate if has_sound else None,
    )


def _probe(clip: Clip) -> tuple:
    video = media.probe_video(clip.film) if clip.film else None
    sound = media.probe_sound(clip.sound) if clip.sound else None
    files = dict.fromkeys((clip.film, clip.sound))  # each once
    return video, sound, ":".join(digest_of(path) for path in files if path)


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
    """Sound decoded wholly; of a film the header, first and last frame, and all of its sound."""
    film = path.suffix.lower() in media.FILMS
    video = media.check_ends(path) if film else None
    if film and not video.has_sound:
        return Look(path, digest_of(path), video=video)
    sound, samples = media.probe_sound(path), media.read_sound(path)
    content = digest_of(path) if film else hashlib.sha1(samples.tobytes()).hexdigest()
    return Look(path, content, sound, video, not samples.any())


@dataclass(frozen=True)
class Looks:
    """All files of a set, looked into: rows of the clips that have a usable one, by key ..."""

    rows: dict
    seen: list[Look]
    spare: list[Path]
    damaged: list[Damaged]

    def checked(self, found: int, *parts: str, films: bool = False, broken=()) -> checks.Checked:
        """`parts` of the detail, more `broken` files, repeats among sounds or also `films`."""
        spare = ""
        if self.spare:
            count = count_of(len(self.spare), "spare file")
            spare = f"{count} of clips that stand twice, not read ({self.spare[0].name})"
        detail = "; ".join(part for part in (*parts, spare) if part)
        alike = [s for s in self.seen if films or (s.sound and not s.video)]
        return checks.Checked(found, detail, [*self.damaged, *broken], same(alike))


def look_into(paths: Iterable[Path], parse: Callable) -> Looks:
    """Every sound decoded wholly, every film at its ends."""
    files, rows, spare, refused = gather(paths, parse)
    every = [path for kinds in files.values() for path in kinds.values()]
    good, seen, broken = sift(every, look)
    rows = {key: rows[key] for key, kinds in files.items() if set(good) & set(kinds.values())}
    return Looks(rows, seen, spare, refused + broken)


def tell(seen: list[Look]) -> str:
    """'1440 sounds (16000 Hz, 1.0 to 5.3 s, 0 stereo), 60 films (640 x 480, ...)'."""
    parts = []
    alone = [s for s in seen if s.sound and not s.video]
    films = [s.video for s in seen if s.video]
    if alone:
        rates = "/".join(map(str, sorted({s.sound.rate for s in alone})))
        seconds = [s.sound.seconds for s in alone]
        stereo, silent = sum(s.sound.channels > 1 for s in alone), sum(s.silent for s in alone)
        parts.append(
            f"{count_of(len(alone), 'sound')} ({rates} Hz, {min(seconds):.1f} to "
            f"{max(seconds):.1f} s, {stereo} stereo{', averaged to mono' if stereo else ''}"
            f"{f', {silent} silent' if silent else ''})"
        )
    if films:
        sizes = sorted({(film.width, film.height) for film in films})[:3]
        sizes = "/".join(f"{w} x {h}" for w, h in sizes)
        rates = sorted({film.fps for film in films})[:3]
        fps = "/".join(f"{rate:g}" for rate in rates)
        sound = sum(film.has_sound for film in films)
        parts.append(f"{count_of(len(films), 'film')} ({sizes}, {fps} fps, {sound} with sound)")
    return ", ".join(parts)


def same(seen: list[Look], split: list[str] | None = None) -> str:
    """One line on clips whose content stands elsewhere, inside a part and across parts."""
    content = np.array([s.content for s in seen])
    part = np.array(split or ["all"] * len(seen))
    repeated = checks.repeats(content, part)
    if not repeated:
        return ""
    order = list(dict.fromkeys(part))
    value, count = np.unique(content, return_counts=True)
    twice = value[count > 1][0]
    first = [s.path.name for s in seen if s.content == twice]
    inside = sum(n for (p, q), n in repeated.items() if p == q)
    told = [f"{count_of(inside, 'clip')} with the content of another"] if inside else []
    for (p, q), n in repeated.items():
        if order.index(p) > order.index(q):
            told.append(f"{n} of {p} also in {q}")
    return f"{', '.join(told)} ({' and '.join(first[:2])})"


def count_of(number: int, what: str) -> str:
    """'1 clip', '2 clips'."""
    return f"{number} {what}{'' if number == 1 else 's'}"
