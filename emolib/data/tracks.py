"""What the sets of annotated videos share: annotation and points from files, the TrackSet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data.files import LARGEST, Damaged, guard
from emolib.ground.containers import TrackSet

ABSENT = -5.0  # Aff-Wild2's mark for "not annotated"
SLACK = 2  # frames by which annotation and film may differ; the longer is cut


@dataclass(frozen=True)
class Track:
    """One annotated video, its files looked at and its features not yet read."""

    valence_arousal: np.ndarray  # (T, 2) in [-1, 1]
    missing: np.ndarray  # (T,)
    features: Callable[[], np.ndarray]  # () -> (T, D)
    content: str
    about: dict  # what else its set says of it


def assemble(
    name: str, tracks: list[Track], meta: pd.DataFrame, subject, split, fps, label=None
) -> TrackSet:
    """A TrackSet; `missing` is None where every frame is annotated, `label` where none has one."""
    gaps = any(track.missing.any() for track in tracks)
    return TrackSet(
        name=name,
        source="real",
        features=[track.features for track in tracks],
        valence_arousal=[track.valence_arousal for track in tracks],
        missing=[track.missing for track in tracks] if gaps else None,
        fps=fps,
        label=np.full(len(tracks), -1) if label is None else label,
        subject=subject,
        split=split,
        meta=meta,
        content=[track.content for track in tracks],
    )


def text_lines(path: Path) -> list[str]:
    """Lines of a text file, without empty ones at its end."""
    guard(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        why = getattr(error, "reason", None) or error
        raise Damaged(path, f"not a text file ({why})") from None
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise Damaged(path, "holds no line; get it anew")
    return lines


def values(
    path: Path, lines: list[str], columns: int, first: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """float32 (T, columns) in [-1, 1] from text, and bool (T,): True for -5 (0 is put).

    first   number of the first line in the file, for what an error says
    """
    rows = []
    for number, line in enumerate(lines, first):
        cells, text = line.split(","), f"'{line[:40]}'"
        if len(cells) != columns:
            raise Damaged(
                path, f"line {number} holds {len(cells)} values ({text}), expected {columns}"
            )
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            expected = "a number" if columns == 1 else "numbers"
            raise Damaged(path, f"line {number} is {text}, expected {expected}") from None
    out = np.array(rows, np.float64).reshape(len(rows), columns)
    absent = out == ABSENT
    bad = np.argwhere(~((np.abs(out) <= 1) | absent))
    if bad.size:
        raise Damaged(
            path,
            f"line {first + bad[0][0]} holds {out[tuple(bad[0])]:g}, expected -1 to 1 "
            "(or -5 where nothing was annotated)",
        )
    gone = absent.any(axis=1)
    out[gone] = 0
    return out.astype(np.float32), gone


def agreed(path: Path, count: int, other: int, what: str) -> int:
    """The shorter of two counts of frames; Damaged if they differ by more than SLACK."""
    if abs(count - other) > SLACK:
        raise Damaged(
            path,
            f"{count} annotated frames, but {what} has {other}; a difference of at most {SLACK} is "
            "cut, this is another video's or one of the two is cut short",
        )
    return min(count, other)


def pts(path: Path) -> np.ndarray:
    """Points of a .pts file (x and y of a point a line, in braces): float32 (n, 2), pixels."""
    lines = [line.strip() for line in text_lines(path)]
    try:
        inside = lines[lines.index("{") + 1 : lines.index("}")]
        points = np.array([line.split() for line in inside], dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) < LARGEST).all():
            raise ValueError
    except ValueError:
        raise Damaged(
            path,
            "not a file of points (a line `{`, two numbers a line, a line `}`); "
            "it is probably cut short",
        ) from None
    return points.astype(np.float32)


def listing(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """{number: path} of the files in `folder` whose names are whole numbers, in order."""
    try:
        paths = [folder / entry.name for entry in os.scandir(folder)]
    except OSError as error:
        raise Damaged(folder, f"cannot be opened ({error.strerror})") from None
    numbered = [p for p in paths if p.suffix.lower() in suffixes and p.stem.isdecimal()]
    return dict(sorted((int(path.stem), path) for path in numbered))


def named_content(files: dict[int, Path]) -> str:
    """16 hex digits of the names and sizes of many small files: their bytes are not read."""
    named = repr([(path.name, path.stat().st_size) for path in files.values()])
    return hashlib.sha256(named.encode()).hexdigest()[:16]


def nothing(count: int) -> np.ndarray:
    """float32 (count, 0): a video whose features nobody has made yet."""
    return np.zeros((count, 0), np.float32)
