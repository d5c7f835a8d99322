"""Opening files that strangers wrote: whatever is wrong with one ends in one line that names it.

The loaders go through here before they trust a byte. A file that cannot be used raises `Damaged`;
for sets of many files `sift` sets such files aside, and `settle` says whether one of them stops the
load or is left out.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import pickle
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from emolib.ground.errors import Damaged, EmolibError, guard

WHOLE = 4 << 20  # files up to 4 MiB are hashed whole
LARGEST = 1e9  # no coordinate of any set is larger: beyond lie typing errors and overflow
PACKED = {".xz": lzma.open, ".gz": gzip.open}
BREAKS_OFF = (
    EOFError,
    lzma.LZMAError,
    gzip.BadGzipFile,
    zlib.error,
)  # what a cut packed file raises
LOST = "a link that leads nowhere or back to itself; put the {} itself there"


class LeftOut(UserWarning):
    """Files were left out of a set because the caller said damaged='skip'."""


def one_line(error: Exception) -> str:
    """What an exception says, in one line of at most 120 characters."""
    return " ".join(str(error).split())[:120] or type(error).__name__


def usable(items: Iterable, probe: Callable, damaged: str = "raise") -> tuple[list, list]:
    """Those of `items` that `probe` accepts, what it returned for each; others as in `settle`."""
    good, found, bad = sift(items, probe)
    settle(bad, damaged, stacklevel=4)
    return good, found


def sift(items: Iterable, probe: Callable) -> tuple[list, list, list[Damaged]]:
    """Those of `items` that `probe` accepts, what it returned, what is wrong with the others."""
    good, found, bad = [], [], []
    for item in items:
        try:
            found.append(probe(item))
            good.append(item)
        except Damaged as error:
            bad.append(error)
    return good, found, bad


def settle(bad: list[Damaged], damaged: str = "raise", *, stacklevel: int = 3):
    """What a load does about the files that `sift` set aside.

    damaged   'raise': the first one stops the load and says how to leave the file out;
              'skip': they are left out with one warning (LeftOut) that counts and names them
    """
    if damaged not in ("raise", "skip"):
        raise EmolibError(f"damaged='{damaged}' is not known: expected 'raise' or 'skip'")
    if bad and damaged == "raise":
        left_out = "in Python, data.load(..., damaged='skip') leaves such files out"
        raise Damaged(bad[0].path, f"{bad[0].why} ({left_out})") from None
    if bad:
        names = "; ".join(map(str, bad[:3]))
        warnings.warn(f"{len(bad)} damaged files left out: {names}", LeftOut, stacklevel=stacklevel)


def digest_of(path: Path) -> str:
    """16 hex digits of a file: all of it up to 4 MiB, else its size, first and last MiB."""
    size, h = path.stat().st_size, hashlib.sha256()
    with open(path, "rb") as file:
        if size <= WHOLE:
            h.update(file.read())
        else:
            h.update(str(size).encode() + file.read(1 << 20))
            file.seek(-(1 << 20), io.SEEK_END)
            h.update(file.read())
    return h.hexdigest()[:16]


def words(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """(number, line, its words) of each line of a text file that holds any."""
    text = guard(path).read_bytes().decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield number, line.strip(), line.split()


def arrays(path: Path, *names: str) -> dict[str, np.ndarray]:
    """Arrays of an npz file by name, `names` among them; none of objects."""
    guard(path)
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as opened:
            held = {name: opened[name] for name in opened.files}
    except Exception as error:  # whatever NumPy and its archive raise, an array of objects among it
        why = f"not a readable npz file of plain arrays ({one_line(error)}); get it anew"
        raise Damaged(path, why) from None
    lacking = [name for name in names if name not in held]
    if lacking:
        raise Damaged(path, f"no array {lacking[0]} in it, expected {', '.join(names)}")
    return held


class _Plain(pickle.Unpickler):
    """Reads numbers, text, containers and arrays; whatever else a pickle asks for is refused."""

    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def __init__(self, file, path):
        super().__init__(file, encoding="latin1")
        self.path = path

    def find_class(self, module, name):
        if (module, name) in self.ALLOWED:
            return super().find_class(module, name)
        raise Damaged(
            self.path,
            f"a pickle that asks for {module}.{name}, which could run code; refused, "
            "get the file from its holders",
        )


def unpickle(path: Path):
    """The value of a pickle of numbers, text, lists, dictionaries and arrays; runs no code."""
    with open(guard(path), "rb") as file:
        try:
            return _Plain(file, path).load()
        except Damaged:
            raise
        except Exception as error:  # whatever a broken pickle makes the reader trip over
            raise Damaged(
                path, f"not a readable pickle ({one_line(error)}); it is probably cut short"
            ) from None
