"""`get`: sets whose holders let everybody download them, into the layout that the loaders read.

A file arrives under `.downloads/` in the data folder, as `<name>.partial`, from which the same
command goes on. Only when its checksum is right does it get its name; archives are unpacked beside
it and then moved, so that a set is whole or not there. pooch keeps the checksums and the moves.
"""

from __future__ import annotations

import errno
import itertools
import json
import re
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from emolib.data.catalog import Download, Entry
from emolib.data.files import Damaged, one_line
from emolib.ground.bars import bar
from emolib.ground.errors import EmolibError

PIECE = 1 << 16
PAGE = (b"<!doctype html", b"<html")
SECONDS = 30  # without a byte: the network is gone
ROOM = 50 << 20  # bytes that stay free
FIRST = "first.json"  # sha256 of files without a published checksum, as they first came


def fetch(entry: Entry, root: Path, say: Callable[[str], None] = print) -> list[Path]:
    """Download a set into `root`; returns what was written there.

    say   is told, a line a time, what nobody checked
    Raises EmolibError, one line, for no answer, a page in place of a file, a wrong checksum, a full
    disk, an archive that would write elsewhere: then nothing of the set is in its folder.
    """
    waiting = root / ".downloads"
    with _told(root):
        waiting.mkdir(parents=True, exist_ok=True)
        _room(root, sum(d.size * (2 if d.members else 1) for d in entry.downloads))
    arrived = [_checked(download, waiting, entry.page, say) for download in entry.downloads]
    written = []
    for download, path in zip(entry.downloads, arrived):
        target = root / download.into
        with _told(root):
            if download.members:
                beside = waiting / f"{path.name}.unpacked"
                written += unpack(path, target, download.members, beside)
                path.unlink()
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                written.append(path.replace(target))
    return written


def complete(entry: Entry, root: Path) -> bool:
    """Is all that `fetch` would write there? Of an archive: any of its members."""
    for download in entry.downloads:
        place = root / download.into
        below = [path.relative_to(place).as_posix() for path in place.rglob("*")]
        if not place.is_file() and not any(re.fullmatch(download.members, p) for p in below):
            return False
    return True


def megabytes(entry: Entry) -> float:
    """What `fetch` downloads, in MB; the catalogue's own size where a file's is not known."""
    size = sum(download.size for download in entry.downloads)
    return size / 1e6 if size else entry.size_mb


def _checked(download: Download, waiting: Path, page: str, say: Callable) -> Path:
    """The downloaded file, its checksum compared; one that lies there already is not got again."""
    import pooch

    name = Path(urlsplit(download.url).path).name
    pooch.get_logger().setLevel("WARNING")
    known = _first(waiting).get(download.url)
    expected = download.checksum or known
    arrive = Arrival(waiting / f"{name}.partial", download, page)
    try:
        with _told(waiting.parent, arrive.partial):
            path = pooch.retrieve(
                download.url, expected, fname=name, path=waiting, downloader=arrive
            )
    except ValueError as error:  # pooch says which checksums differ
        raise EmolibError(
            f"{download.url}: not the file that was expected ({one_line(error)}); nothing of it is "
            f"kept, try again or see {page}"
        ) from None
    if not expected:
        _remember(waiting, download.url, f"sha256:{pooch.file_hash(path)}")
        say(f"{name}: nobody publishes a checksum; this file's is kept, the next must be the same")
    return Path(path)


class Arrival:
    """What pooch calls to download: goes on where `partial` ends, shows a bar, refuses a page."""

    def __init__(self, partial: Path, download: Download, page: str):
        self.partial, self.download, self.page = partial, download, page

    def __call__(self, url: str, output_file: str, pooch, check_only: bool = False):
        import requests

        if not self.download.checksum:  # what came before may be of another file
            self.partial.unlink(missing_ok=True)
        begun = self.partial.stat().st_size if self.partial.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if begun:
            headers["Range"] = f"bytes={begun}-"
        try:
            with requests.get(url, headers=headers, stream=True, timeout=SECONDS) as answer:
                if answer.status_code == 416:  # nothing lies beyond: all of it is here
                    self.partial.replace(output_file)
                    return
                answer.raise_for_status()
                self._write(answer, begun if answer.status_code == 206 else 0)
        except requests.HTTPError as error:
            status = f"{error.response.status_code} {error.response.reason}"
            raise EmolibError(f"{url}: the server says {status}; see {self.page}") from None
        except requests.RequestException as error:
            arrived = self.partial.stat().st_size / 1e6 if self.partial.exists() else 0
            raise EmolibError(
                f"{url}: no connection, or it broke off ({_reason(error)}); {arrived:.1f} MB are "
                "kept, the same command goes on from there"
            ) from None
        self.partial.replace(output_file)

    def _write(self, answer, begun: int) -> None:
        kind = answer.headers.get("Content-Type", "")
        length = int(answer.headers.get("Content-Length") or 0)
        pieces = answer.iter_content(PIECE)
        first = next(pieces, b"")
        if not begun and ("text/html" in kind or first.lstrip()[:15].lower().startswith(PAGE)):
            raise EmolibError(
                f"{answer.url}: a web page, not the file; a login or a notice stands before it, "
                f"see {self.page}"
            )
        name = self.partial.stem
        shown = {"label": name, "unit": "B", "total": begun + length or None, "start": begun}
        with open(self.partial, "ab" if begun else "wb") as out, bar(**shown, scaled=True) as moved:
            for piece in itertools.chain([first], pieces):
                out.write(piece)
                moved.update(len(piece))


def _reason(error: Exception) -> str:
    """What lies at the bottom of an error of requests, in few words."""
    known = ("Connection refused", "timed out", "IncompleteRead", "Name or service not known")
    said = [words for words in known if words in str(error)]
    return said[0] if said else type(error).__name__


@contextmanager
def _told(root: Path, *leftovers: Path):
    """A full or read-only disk in one line; `leftovers` are removed to give its room back."""
    try:
        yield
    except OSError as error:
        for path in leftovers:
            path.unlink(missing_ok=True)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "the disk is full; make room" if full else f"cannot be written ({error.strerror})"
        raise EmolibError(f"{root}: {what}; nothing half-written is left, try again") from None


def _room(root: Path, needed: int) -> None:
    free = shutil.disk_usage(root).free
    if free < needed + ROOM:
        raise EmolibError(
            f"{root}: {needed / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free; make room "
            "or name another folder with --data"
        )


def _first(waiting: Path) -> dict[str, str]:
    try:
        return json.loads((waiting / FIRST).read_text())
    except (OSError, ValueError):
        return {}


def _remember(waiting: Path, url: str, checksum: str) -> None:
    text = json.dumps(_first(waiting) | {url: checksum}, indent=1, sort_keys=True)
    partial = waiting / f"{FIRST}.partial"
    partial.write_text(text)
    partial.replace(waiting / FIRST)


# ---- archives


def unpack(archive: Path, into: Path, members: str, beside: Path) -> list[Path]:
    """Members of a .zip or .tar(.gz|.bz2|.xz) whose names match `members`, moved below `into`.

    members   regular expression of a whole name; its group is the member's place in `into`
    beside    folder on the same disk where they are unpacked before any is moved
    Raises Damaged, with nothing in `into`, for a broken archive, for any member that would land
    elsewhere ('..', an absolute path), that is a link or a device, and if no member matches.
    """
    shutil.rmtree(beside, ignore_errors=True)
    try:
        places = _unpacked(archive, members, beside)
        for place in places:
            (into / place).parent.mkdir(parents=True, exist_ok=True)
            (beside / place).replace(into / place)
        return [into / place for place in places]
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, RuntimeError) as error:
        raise Damaged(archive, f"not a readable archive ({one_line(error)}); get it anew") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _unpacked(archive: Path, members: str, beside: Path) -> list[Path]:
    """Places below `beside`, where the members that match have been written."""
    places = []
    with _opened(archive) as (names, open_member):
        for name in names:
            parts = set(re.split(r"[/\\]", name))
            absolute = name.startswith(("/", "\\")) or ":" in name
            if absolute or ".." in parts or parts <= {"", "."}:
                raise Damaged(archive, f"its member {name} would be written elsewhere; refused")
        wanted = {name: re.fullmatch(members, name) for name in names}
        wanted = {name: match[1] for name, match in wanted.items() if match}
        if not wanted:
            raise Damaged(archive, f"none of its {len(names)} members is one of the set's files")
        for name, place in wanted.items():
            target = beside / place
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_member(name) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, PIECE)
            places.append(Path(place))
    return places


@contextmanager
def _opened(archive: Path):
    """(names of the files in it, name -> open file) of an archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield [name for name in opened.namelist() if not name.endswith("/")], opened.open
        return
    with tarfile.open(archive) as opened:
        members = {member.name: member for member in opened.getmembers() if not member.isdir()}
        odd = [name for name, member in members.items() if not member.isfile()]
        if odd:
            raise Damaged(archive, f"its member {odd[0]} is a link or a device; refused")
        yield list(members), lambda name: opened.extractfile(members[name])
