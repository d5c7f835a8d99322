"""The one error a reader is meant to see: a line that says what is wrong and what to do."""

from __future__ import annotations

import difflib
from pathlib import Path

LFS = b"version https://git-lfs"


class EmolibError(Exception):
    """Bad input, said in one line: the file or value, what was expected, what to do.

    The command line prints it without a traceback and ends with exit status 2.
    """


def printable(text) -> str:
    """`text` in one line: file names and cells are a stranger's, and no line break, escape code or
    byte that is not UTF-8 of theirs is printed."""
    shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return "".join(shown)


class Damaged(EmolibError):
    """One file that cannot be used. `path` and `why` are kept apart for the doctor's table."""

    def __init__(self, path, why: str):
        self.path, self.why = Path(path), why
        super().__init__(printable(f"{path}: {why}"))

    def __reduce__(self):  # made again with both arguments on the far side of a process
        return Damaged, (self.path, self.why)


def nearest(name, known, *, what):
    """An error for an unknown `name`, with the nearest known names (difflib) as a hint."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known[:12])}"
    return EmolibError(f"unknown {what} '{name}': {hint}")


def guard(path: Path | str, *, starts: tuple[bytes, ...] = ()) -> Path:
    """`path`, if it is a regular file with something in it.

    starts   if given, the first bytes must be one of these
    Raises Damaged for a file that is absent, a folder, a pipe or device, a link that leads nowhere
    or in a circle, empty, not permitted, a Git-LFS pointer, or one that starts otherwise.
    """
    path = Path(path)
    try:
        if path.is_symlink() and not path.exists():
            raise Damaged(
                path, "a link that leads nowhere or back to itself; put the file itself there"
            )
        if path.is_dir():
            raise Damaged(path, "a folder, expected a file")
        if path.exists() and not path.is_file():  # to open a pipe is to wait for who writes into it
            raise Damaged(path, "neither a file nor a folder (a pipe or a device); expected a file")
        with open(path, "rb") as file:
            head = file.read(64)
    except FileNotFoundError:
        raise Damaged(path, "no such file") from None
    except (RuntimeError, OSError) as error:  # a circle of links: RuntimeError before Python 3.13
        reason = getattr(error, "strerror", None) or error
        raise Damaged(
            path, f"cannot be opened ({reason}); check the link or its permissions"
        ) from None
    if not head:
        raise Damaged(path, "is empty (0 bytes); get it anew")
    if head.startswith(LFS):
        raise Damaged(
            path, "a Git-LFS pointer, not the file itself; run `git lfs pull` where it came from"
        )
    if starts and not head.startswith(starts):
        expected = " or ".join(map(repr, starts))
        raise Damaged(
            path,
            f"starts with {head[:8]!r}, expected {expected}; it is another kind of file or damaged",
        )
    return path
