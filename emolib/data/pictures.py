"""Folders of pictures: walked at a fixed depth, read one size, damaged files set aside with the reason.

A walk never follows more levels than the layout has, so that a link to a folder above cannot trap it, and
it leaves out hidden files (.DS_Store, ._x.png), which other systems strew.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from emolib.data.files import Damaged, guard, sift
from emolib.ground import settings

KINDS = (".png", ".jpg", ".jpeg", ".tiff", ".tif", ".bmp")
LARGEST = 8192  # pixels a side: beyond it a header is not believed
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")


def folders(place: Path, bad: list[Damaged]) -> list[Path]:
    """Folders inside `place` by name; a link that leads nowhere and a folder that may not be opened go to `bad`."""
    return [path for path in _children(place, bad) if path.is_dir()]


def files(
    place: Path, bad: list[Damaged] | None = None, kinds: Sequence[str] = KINDS
) -> list[Path]:
    """Files inside `place` whose names end in one of `kinds`, by name: links that lead nowhere too, `guard` tells of them."""
    return [
        path
        for path in _children(place, [] if bad is None else bad, links=True)
        if path.suffix.lower() in kinds and (path.is_symlink() or path.is_file())
    ]


def _children(place: Path, bad: list[Damaged], links: bool = False) -> list[Path]:
    try:
        found = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:  # a circle of links, or no permission
        bad.append(
            Damaged(
                place,
                f"a folder that cannot be opened ({error.strerror}); check the link or its permissions",
            )
        )
        return []
    lost = [path for path in found if path.is_symlink() and not os.path.exists(path)]
    if not links:
        bad.extend(
            Damaged(
                path, "a link that leads nowhere or back to itself; put the folder itself there"
            )
            for path in lost
            if path.suffix.lower() not in KINDS
        )
    return found


def size_of(path: Path) -> tuple[int, int]:
    """(height, width) from a picture's header, nothing decoded. Raises Damaged for what is no whole picture.

    Whole means: it begins as a picture does and, for PNG and JPEG, ends as one does; a byte changed in
    between is seen only when the picture is read.
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
    end = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9"}.get(kind)
    if end and end not in _tail(path):
        raise Damaged(path, f"a {kind} picture without its end; it is cut short, get it anew")
    return height, width


def common(sizes: Sequence[tuple[int, int]], height: int | None) -> tuple[int, int]:
    """(height, width) to read a set at: its commonest size, scaled down to `height` and never up (None: as it is)."""
    counted = Counter(sizes)
    h, w = min(counted, key=lambda s: (-counted[s], s)) if counted else (1, 1)
    if height is None or height >= h:
        return h, w
    return height, max(1, round(w * height / h))


def read(path: Path, shape: tuple[int, int], *, grey: bool, exact: bool = False) -> np.ndarray:
    """One picture: uint8 (H, W) or (H, W, 3), cut to the aspect of `shape` around its centre, then resized (box filter
    down, bicubic up). Grey is 0.299 R + 0.587 G + 0.114 B.

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
    if image.size == shape[::-1]:
        return np.asarray(image)
    if exact:
        raise Damaged(
            path,
            f"a picture of {image.width} x {image.height} pixels, expected {shape[1]} x {shape[0]}",
        )
    scale = min(image.width / shape[1], image.height / shape[0])
    w, h = shape[1] * scale, shape[0] * scale
    left, top = (image.width - w) / 2, (image.height - h) / 2
    how = Image.Resampling.BOX if scale > 1 else Image.Resampling.BICUBIC
    return np.asarray(image.resize(shape[::-1], how, box=(left, top, left + w, top + h)))


def stack(paths: Sequence[Path], shape: tuple[int, int], *, grey: bool, exact: bool = False):
    """All of `paths` in one array: (images (K, H, W[, 3]), kept bool (N,), what is wrong with the other N - K).

    Pictures are decoded into their place, on all processors this run may use: the peak is the array itself.
    """
    images = np.empty((len(paths), *shape) if grey else (len(paths), *shape, 3), np.uint8)
    wrong: list[Damaged | None] = [None] * len(paths)

    def put(i):
        try:
            images[i] = read(paths[i], shape, grey=grey, exact=exact)
        except Damaged as error:
            wrong[i] = error

    with ThreadPoolExecutor(settings.jobs()) as pool:
        for _ in pool.map(put, range(len(paths)), chunksize=16):
            pass
    kept = np.array([error is None for error in wrong], bool)
    return images if kept.all() else images[kept], kept, [error for error in wrong if error]


def alike(
    paths: Iterable[Path], tolerance: float = 0.0
) -> tuple[list[Path], list[tuple[int, int]], list[Damaged]]:
    """Those of `paths` that are whole pictures of one size, their (height, width), and what is wrong with the others.

    tolerance   share by which either side may differ from the commonest size
    """
    paths, sizes, bad = sift(paths, size_of)
    usual = common(sizes, None)
    fits = [all(abs(a - b) <= tolerance * b for a, b in zip(size, usual)) for size in sizes]
    bad += [
        Damaged(path, f"a picture of {w} x {h} pixels among ones of {usual[1]} x {usual[0]}")
        for path, (h, w), fit in zip(paths, sizes, fits)
        if not fit
    ]
    return [p for p, fit in zip(paths, fits) if fit], [s for s, fit in zip(sizes, fits) if fit], bad


def _unreadable(path: Path, error: Exception) -> Damaged:
    why = str(error).replace(str(path), "it") if str(error) else type(error).__name__
    return Damaged(
        path, f"not a readable picture ({why}); it is cut short or of another kind, get it anew"
    )


def _tail(path: Path) -> bytes:
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 4096))  # some cameras and tools append a few bytes
        return file.read()
