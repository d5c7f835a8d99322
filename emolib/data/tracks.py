"""What the sets of annotated videos share: reading valence and arousal, and features that come from files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from emolib.data.files import LARGEST, Damaged, guard

ABSENT = -5.0  # Aff-Wild2's mark for "not annotated"
SLACK = 2  # frames by which annotation, film and features may differ; the longer is cut


def text_lines(path: Path) -> list[str]:
    """Lines of a text file, without empty ones at its end."""
    guard(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise Damaged(
            path, f"not a text file ({getattr(error, 'reason', None) or error})"
        ) from None
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise Damaged(path, "holds no line; get it anew")
    return lines


def values(
    path: Path, lines: list[str], columns: int, first: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Annotation from text: float32 (T, columns) in [-1, 1] and bool (T,), True where a value is -5 (and 0 is put).

    first   number of the first line in the file, for what an error says
    """
    rows = [line.split(",") for line in lines]
    for k, row in enumerate(rows):
        if len(row) != columns:
            raise Damaged(
                path,
                f"line {first + k} holds {len(row)} values ('{lines[k][:40]}'), expected {columns}",
            )
    try:
        out = np.array(rows, dtype=np.float64).reshape(len(rows), columns)
    except ValueError:
        k = next(k for k, row in enumerate(rows) if not all(map(_is_number, row)))
        raise Damaged(
            path,
            f"line {first + k} is '{lines[k][:40]}', expected {'a number' if columns == 1 else 'numbers'}",
        ) from None
    absent = out == ABSENT
    bad = np.argwhere(~((np.abs(out) <= 1) | absent))
    if bad.size:
        k = bad[0][0]
        raise Damaged(
            path,
            f"line {first + k} holds {out[tuple(bad[0])]:g}, expected -1 to 1 (or -5 where nothing was annotated)",
        )
    gone = absent.any(axis=1)
    out[gone] = 0
    return out.astype(np.float32), gone


def annotated(path: Path, gone: np.ndarray):
    if gone.all():
        raise Damaged(
            path,
            f"none of its {len(gone)} frames is annotated (-5 throughout); leave the video out",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def agreed(path: Path, count: int, other: int, what: str) -> int:
    """The shorter of two counts of frames that differ by at most SLACK; more is Damaged, with `path` and `what` in it."""
    if abs(count - other) > SLACK:
        raise Damaged(
            path,
            f"{count} annotated frames, but {what} has {other}; a difference of at most {SLACK} is cut, "
            "this is another video's or one of the two is cut short",
        )
    return min(count, other)


def pts(path: Path) -> np.ndarray:
    """Points of a .pts file (`n_points: 68`, then x and y of a point a line, in braces): float32 (n, 2), pixels."""
    lines = [line.strip() for line in text_lines(path)]
    try:
        inside = lines[lines.index("{") + 1 : lines.index("}")]
        points = np.array([line.split() for line in inside], dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not (np.abs(points) < LARGEST).all():
            raise ValueError
    except ValueError:
        raise Damaged(
            path,
            "not a file of points (a line `{`, two numbers a line, a line `}`); it is probably cut short",
        ) from None
    return points.astype(np.float32)


def listing(folder: Path, suffixes: tuple[str, ...]) -> dict[int, Path]:
    """{number: path} of the files in `folder` whose names are whole numbers."""
    try:
        names = [e.name for e in os.scandir(folder)]
    except OSError as error:
        raise Damaged(folder, f"cannot be opened ({error.strerror})") from None
    found = {
        int(Path(n).stem): folder / n
        for n in names
        if Path(n).suffix.lower() in suffixes and Path(n).stem.isdecimal()
    }
    return dict(sorted(found.items()))


def named_content(found: dict[int, Path]) -> str:
    """16 hex digits of the names and sizes of many small files: their bytes are not read."""
    return hashlib.sha256(
        repr([(p.name, p.stat().st_size) for p in found.values()]).encode()
    ).hexdigest()[:16]


# ---- features: functions of one video, picklable by name


def nothing(count: int) -> np.ndarray:
    """float32 (count, 0): a video whose features nobody has made yet."""
    return np.zeros((count, 0), np.float32)


def stored_shape(path: Path) -> tuple[int, int]:
    """(T, D) of the tensor 'features' in a safetensors file, from its header."""
    from safetensors import SafetensorError, safe_open

    guard(path)
    try:
        with safe_open(path, framework="np") as file:
            if "features" not in file.keys():
                raise Damaged(
                    path,
                    f"has no tensor 'features' (it has {', '.join(file.keys()) or 'none'}); make it with `emolib features`",
                )
            shape = tuple(file.get_slice("features").get_shape())
    except (SafetensorError, OSError) as error:
        raise Damaged(
            path,
            f"not a readable safetensors file ({error}); it is probably cut short, make it anew",
        ) from None
    if len(shape) != 2:
        raise Damaged(path, f"'features' has shape {shape}, expected (frames, features)")
    return shape


def stored(path: Path, count: int) -> np.ndarray:
    """The first `count` rows of the tensor 'features', float32 (count, D), finite."""
    from safetensors.numpy import load_file

    stored_shape(path)
    features = load_file(path)["features"][:count].astype(np.float32)
    bad = np.argwhere(~np.isfinite(features))
    if bad.size:
        raise Damaged(
            path,
            f"feature {bad[0][1]} of frame {bad[0][0]} is not a finite number; make the file anew",
        )
    return features
