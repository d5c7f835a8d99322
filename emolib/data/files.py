"""Opening files that strangers wrote: every way in which they can be wrong ends in one line with the file in it.

The loaders go through here before they trust a byte. A file that cannot be used raises `Damaged`;
`usable` decides, for sets of many files, whether one of them stops the load or is left out.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from emolib.ground.errors import Damaged, EmolibError, guard

WHOLE = 4 << 20  # files up to 4 MiB are hashed whole
LARGEST = 1e9  # no coordinate of any set is larger: beyond lie typing errors and overflow


class LeftOut(UserWarning):
    """Files were left out of a set because the caller said damaged='skip'."""


def usable(
    paths: Iterable[Path], probe: Callable[[Path], object], damaged: str = "raise"
) -> tuple[list[Path], list]:
    """Those of `paths` that `probe` accepts, and what it returned for each.

    damaged   'raise': the first Damaged stops the load and says how to leave the file out;
              'skip': such files are left out with one warning (LeftOut) that counts and names them
    """
    good, found, bad = sift(paths, probe)
    settle(bad, damaged, stacklevel=4)
    return good, found


def sift(
    paths: Iterable[Path], probe: Callable[[Path], object]
) -> tuple[list[Path], list, list[Damaged]]:
    """Those of `paths` that `probe` accepts, what it returned for each, and what is wrong with the others."""
    good, found, bad = [], [], []
    for path in paths:
        try:
            found.append(probe(path))
            good.append(path)
        except Damaged as error:
            bad.append(error)
    return good, found, bad


def settle(bad: list[Damaged], damaged: str = "raise", *, stacklevel: int = 3):
    """What a load does about the files that `sift` set aside: see `usable`."""
    if damaged not in ("raise", "skip"):
        raise EmolibError(f"damaged='{damaged}' is not known: expected 'raise' or 'skip'")
    if bad and damaged == "raise":
        raise Damaged(bad[0].path, f"{bad[0].why} (damaged='skip' leaves such files out)") from None
    if bad:
        warnings.warn(
            f"{len(bad)} damaged files left out: " + "; ".join(map(str, bad[:3])),
            LeftOut,
            stacklevel=stacklevel,
        )


def digest_of(path: Path) -> str:
    """16 hex digits of a file's content: all of it up to 4 MiB, else its size, first and last 1 MiB."""
    size, h = path.stat().st_size, hashlib.sha256()
    with open(path, "rb") as file:
        if size <= WHOLE:
            h.update(file.read())
        else:
            h.update(str(size).encode() + file.read(1 << 20))
            file.seek(-(1 << 20), io.SEEK_END)
            h.update(file.read())
    return h.hexdigest()[:16]


class _Plain(pickle.Unpickler):
    """Reads numbers, text, containers and NumPy arrays; anything else a pickle may ask for is refused unread."""

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
            f"a pickle that asks for {module}.{name}, which could run code; refused, get the file from its holders",
        )


def unpickle(path: Path):
    """The plain value in a pickle of numbers, text, lists, dictionaries and NumPy arrays; never runs code from it."""
    with open(guard(path), "rb") as file:
        try:
            return _Plain(file, path).load()
        except Damaged:
            raise
        except Exception as error:  # whatever a broken pickle makes the reader trip over
            raise Damaged(
                path,
                f"not a readable pickle ({str(error) or type(error).__name__}); it is probably cut short",
            ) from None


def unpack(archive: Path, into: Path) -> list[Path]:
    """Unpack a .zip or .tar(.gz|.xz|.bz2) below `into`; nothing is written when any member would land elsewhere.

    Raises Damaged for a broken archive, and for a member with an absolute path, '..' in it, or a link.
    """
    guard(archive)
    into = Path(into)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                names = [_inside(archive, into, name) for name in opened.namelist()]
                broken = opened.testzip()
                if broken is not None:
                    raise Damaged(
                        archive,
                        f"its member {broken} does not match its checksum; get the archive anew",
                    )
                opened.extractall(into)
                return [n for n in names if n.is_file()]
        with tarfile.open(archive) as opened:
            members = opened.getmembers()
            odd = [m.name for m in members if not (m.isfile() or m.isdir())]
            if odd:
                raise Damaged(archive, f"its member {odd[0]} is a link or device; refused")
            names = [_inside(archive, into, m.name) for m in members]
            opened.extractall(into, filter="data")
            return [n for n in names if n.is_file()]
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise Damaged(
            archive, f"not a readable archive ({str(error) or type(error).__name__}); get it anew"
        ) from None


def _inside(archive, into: Path, name: str) -> Path:
    target = (into / name).resolve()
    if not target.is_relative_to(into.resolve()):
        raise Damaged(archive, f"its member {name} would be written outside {into}; refused")
    return target
