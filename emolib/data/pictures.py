"""Folders of pictures: walked at a fixed depth, read at one size, damaged files set aside.

A walk never follows more levels than the layout has, so that a link to a folder above cannot trap
it, and it leaves out hidden files (.DS_Store, ._x.png), which other systems strew.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from emolib.data.files import LOST, Damaged, guard, settle, sift
from emolib.ground import settings

KINDS = (".png", ".jpg", ".jpeg", ".tiff", ".tif", ".bmp")
LARGEST = 8192  # pixels a side: beyond it a header is not believed
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
ENDS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9"}


def folders(place: Path, bad: list[Damaged]) -> list[Path]:
    """Folders inside `place` by name; links that lead nowhere and closed folders go to `bad`."""
    inside = _children(place, bad)
    lost = [path for path in inside if path.is_symlink() and not os.path.exists(path)]
    # a picture that leads nowhere is for `files` to hand on
    bad += [
        Damaged(path, LOST.format("folder")) for path in lost if path.suffix.lower() not in KINDS
    ]
    return [path for path in inside if path.is_dir()]


def files(place: Path, bad: list[Damaged], kinds: Sequence[str] = KINDS) -> list[Path]:
    """Files of `kinds` inside `place`, by name; also links that lead nowhere (see `guard`)."""
    named = [path for path in _children(place, bad) if path.suffix.lower() in kinds]
    return [path for path in named if path.is_symlink() or path.is_file()]


def below(place: Path, levels: int, bad: list[Damaged], kinds: Sequence[str] = KINDS) -> list[Path]:
    """Files as in `files`, exactly `levels` folders below `place`."""
    if levels == 0:
        return files(place, bad, kinds)
    return [p for folder in folders(place, bad) for p in below(folder, levels - 1, bad, kinds)]


def _children(place: Path, bad: list[Damaged]) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:  # a circle of links, or no permission
        why = (
            f"a folder that cannot be opened ({error.strerror}); check the link or its permissions"
        )
        bad.append(Damaged(place, why))
        return []


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) from a picture's header; Damaged for what is no whole picture.

    Whole means: it begins as a picture does and, for PNG and JPEG, ends as one does; a byte changed
    in between is seen only when the picture is read.
    """
    from PIL import Image

    guard(path)
    try:
        with Image.open(path) as image:
            width, height = image.size
            kind = image.format
    except Exception as error:  # whatever Pillow raises on bytes that are no picture
        raise _unreadable(path, error) from None
    if not 1 <= min(width, height) <= max(width, height) <= LARGEST:
        raise Damaged(
            path, f"a picture of {width} x {height} pixels, expected at most {LARGEST} a side"
        )
    if kind in ENDS and ENDS[kind] not in _tail(path):
        raise Damaged(path, f"a {kind} picture without its end; it is cut short, get it anew")
    return height, width


def common(sizes: Sequence[tuple[int, int]], height: int | None) -> tuple[int, int]:
    """(height, width) to read a set at: its commonest, scaled down to `height` (None: as it is)."""
    counted = Counter(sizes)
    h, w = min(counted, key=lambda s: (-counted[s], s)) if counted else (1, 1)
    if height is None or height >= h:
        return h, w
    return height, max(1, round(w * height / h))


def read(path: Path, shape: tuple[int, int], *, grey: bool, exact: bool = False) -> np.ndarray:
    """One picture, uint8 (H, W[, 3]), cut to the aspect of `shape` around its centre, then resized.

    Box filter down, bicubic up. Grey is 0.299 R + 0.587 G + 0.114 B.
    exact   the picture must be of this size already
    Raises Damaged for what cannot be decoded to its end.
    """
    from PIL import Image

    size_of(path)
    try:
        with Image.open(path) as image:
            if image.mode not in MODES:
                raise Damaged(path, f"pixels of kind {image.mode}, expected 8 bits a channel")
            image.load()
            image = image.convert("L" if grey else "RGB")
    except Damaged:
        raise
    except Exception as error:
        raise _unreadable(path, error) from None
    height, width = shape
    if image.size == (width, height):
        return np.asarray(image)
    if exact:
        raise Damaged(
            path, f"a picture of {image.width} x {image.height} pixels, expected {width} x {height}"
        )
    scale = min(image.width / width, image.height / height)
    w, h = width * scale, height * scale
    left, top = (image.width - w) / 2, (image.height - h) / 2
    how = Image.Resampling.BOX if scale > 1 else Image.Resampling.BICUBIC
    return np.asarray(image.resize((width, height), how, box=(left, top, left + w, top + h)))


def stack(paths: Sequence[Path], shape: tuple[int, int], *, grey: bool, exact: bool = False):
    """(images (K, H, W[, 3]), kept bool (N,), what is wrong with the other N - K) of `paths`.

    Pictures are decoded into their place, on all processors this run may use: the peak is the array
    itself.
    """
    images = np.empty((len(paths), *shape, *(() if grey else (3,))), np.uint8)
    wrong: list[Damaged | None] = [None] * len(paths)

    def put(i):
        try:
            images[i] = read(paths[i], shape, grey=grey, exact=exact)
        except Damaged as error:
            wrong[i] = error

    with ThreadPoolExecutor(settings.jobs()) as pool:
        list(pool.map(put, range(len(paths)), chunksize=16))
    kept = np.array([error is None for error in wrong], bool)
    return images if kept.all() else images[kept], kept, [error for error in wrong if error]


def alike(
    paths: Iterable[Path], tolerance: float = 0.0
) -> tuple[list[Path], list[tuple[int, int]], list[Damaged]]:
    """Whole pictures of one size among `paths`, their (height, width), what is wrong with others.

    tolerance   share by which either side may differ from the commonest size
    """
    paths, sizes, bad = sift(paths, size_of)
    usual = common(sizes, None)
    good = []
    for path, (h, w) in zip(paths, sizes):
        if abs(h - usual[0]) <= tolerance * usual[0] and abs(w - usual[1]) <= tolerance * usual[1]:
            good.append((path, (h, w)))
        else:
            why = f"a picture of {w} x {h} pixels among ones of {usual[1]} x {usual[0]}"
            bad.append(Damaged(path, why))
    return [path for path, _ in good], [size for _, size in good], bad


def load(
    paths: Iterable[Path],
    height: int | None,
    *,
    grey: bool,
    bad: list[Damaged],
    damaged: str,
    tolerance: float = 0.0,
) -> tuple[np.ndarray, dict[Path, tuple[int, int]]]:
    """Pictures `alike`, read at `height` (see `common`), and {path: (height, width) on disk}.

    bad   what was wrong before; with what is found here it is settled as `damaged` says
    """
    paths, sizes, odd = alike(paths, tolerance)
    images, kept, unread = stack(paths, common(sizes, height), grey=grey)
    settle(bad + odd + unread, damaged)
    return images, {path: size for path, size, k in zip(paths, sizes, kept) if k}


def _unreadable(path: Path, error: Exception) -> Damaged:
    why = str(error).replace(str(path), "it") or type(error).__name__
    return Damaged(
        path, f"not a readable picture ({why}); it is cut short or of another kind, get it anew"
    )


def _tail(path: Path) -> bytes:
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 4096))  # some tools append a few bytes
        return file.read()
