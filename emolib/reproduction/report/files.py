"""The files of a result folder: written whole or not at all, each with its provenance beside it.

    tables/<id>.csv + .json        figures/<id>.csv .svg .png .json        claims.csv + .json
    timings.csv                    index.html                              explore/

CSV files hold nothing that changes from run to run; seconds and versions live in the JSON,
together with a checksum of every file, so that an edit by hand shows.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import hashlib
import importlib.metadata
import io
import itertools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.ground import settings
from emolib.ground.errors import Damaged, EmolibError, guard

PACKAGES = ("numpy", "scipy", "pandas", "scikit-learn", "torch", "matplotlib")


# ---------------------------------------------------------------- writing


def write(path: Path, content: str | bytes) -> str:
    """Write a file under a temporary name and rename it; returns its SHA-256."""
    raw = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(raw)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # the folder itself may be what is missing
            partial.unlink()
        reason = f"cannot be written ({error.strerror or error})"
        raise EmolibError(f"{path}: {reason}; free space or choose another folder") from None
    return sha(raw)


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


_held: set[Path] = set()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes that ask the same out of `folder`: many notebooks add rows to a file.

    The lock is on the folder itself, so it leaves no file behind and a killed process lets it go.
    Where there are no such locks (some network disks), the work goes on without.
    """
    folder = folder.resolve()
    if folder in _held:  # inside another `alone`: a second lock would wait for the first
        yield
        return
    handle = None
    with contextlib.suppress(OSError, ImportError):
        import fcntl

        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    _held.add(folder)
    try:
        yield
    finally:
        _held.discard(folder)
        if handle is not None:
            os.close(handle)


def table_text(frame: pd.DataFrame) -> str:
    """CSV with six significant digits and '' for missing: the same frame, the same bytes."""
    return frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def read(path: Path) -> pd.DataFrame:
    """A CSV file as text, '' for missing; an empty frame where there is no file.

    Raises Damaged for what is no table.
    """
    if not os.path.lexists(path):
        return pd.DataFrame()
    try:
        return pd.read_csv(guard(path), dtype=str, keep_default_na=False)
    except (ValueError, csv.Error) as error:  # pandas' own errors and UnicodeDecodeError are such
        why = " ".join(str(error).split())[:100]
        raise Damaged(
            path, f"not a readable table ({why}); run the command that wrote it"
        ) from None


def usable(folder: Path) -> Path:
    """The folder, made if need be and rid of what killed commands left half-written.

    EmolibError if nothing can be written there.
    """
    probe = folder / f".{os.getpid()}.probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error})"
        raise EmolibError(f"--out {folder}: {reason}; choose another folder") from None
    for left in folder.glob("**/.*.partial"):
        pid = left.name.split(".")[-2]
        if pid.isdecimal() and not _alive(int(pid)):
            left.unlink(missing_ok=True)
    return folder


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's: it is there
        pass
    return True


def write_provenance(path: Path, files: dict[str, str], about: dict) -> None:
    """The JSON beside a result: what it is and was made from, the checksum of each file."""
    write(path, json.dumps({**about, "files": files}, indent=1, sort_keys=True, default=str) + "\n")


# ---------------------------------------------------------------- provenance


@functools.cache
def environment() -> dict:
    """Commit and versions behind a result."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def commit() -> str:
    """Hash of the checkout, with '+changes' when files differ; 'unknown' outside a checkout."""

    def git(*arguments):
        command = ["git", "-C", str(settings.project()), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.rstrip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no").splitlines()
        head = git("rev-parse", "HEAD")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    code = [line for line in changed if not line[3:].startswith("results/")]
    return head + ("+changes" if code else "")


# ---------------------------------------------------------------- rows that many notebooks add to


def update_rows(
    path: Path, rows: Iterable[dict], keys: tuple[str, ...], columns: tuple[str, ...]
) -> str:
    """Replace or add rows of a CSV file by their keys, sorted; returns the file's SHA-256."""
    with alone(path.parent):  # read and written as one step: two commands may share the folder
        new = []
        for row in rows:
            new.append({name: str(row.get(name, "")) for name in columns})
        known = {itemgetter(*keys)(row): row for row in [*_rows(path, columns), *new]}
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(known[k] for k in sorted(known))
        return write(path, out.getvalue())


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict]:
    """The rows that stand in the file; none, and said, where it is damaged."""
    if not path.exists():
        return []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if any(set(row) != set(columns) or None in row.values() for row in rows):
            raise ValueError(f"its columns are not {', '.join(columns)}")
        return rows
    except (ValueError, csv.Error, OSError) as error:
        said = f"{path} is damaged ({error}); begun anew, a plain run writes all of its rows again"
        print(said, file=sys.stderr)
        return []


# ---------------------------------------------------------------- checking and comparing


def problems(folder: Path) -> list[str]:
    """What is wrong with a result folder: files without provenance, or changed bytes."""
    found, promised = [], {}
    for note in _matching(folder, "tables/*.json", "figures/*.json", "claims.json"):
        name = note.relative_to(folder)
        try:
            about = dict(json.loads(note.read_text()))
        except (ValueError, TypeError):
            found.append(f"{name}: not a readable JSON object")
            continue
        needed = ("artefact", "commit", "profile", "sources", "seeds")
        found += [f"{name}: no '{key}'" for key in needed if key not in about]
        promised |= about.get("files", {})
    for name, checksum in promised.items():
        path = folder / name
        if not path.exists():
            found.append(f"{name}: missing")
        elif sha(path.read_bytes()) != checksum:
            told = "its bytes are not those it was written with"
            found.append(f"{name}: {told}; results are made by code, never by hand")
    for path in _matching(folder, "tables/*", "figures/*", "claims.csv"):
        name = str(path.relative_to(folder))
        if path.suffix not in (".json", ".partial") and name not in promised:
            found.append(f"{name}: no provenance beside it")
    return found


def _matching(folder: Path, *patterns: str) -> list[Path]:
    return sorted(itertools.chain.from_iterable(folder.glob(pattern) for pattern in patterns))


RELATIVE = 0.02  # the stated tolerance between machines: |a - b| <= 0.01 + 0.02 |b|
ABSOLUTE = 0.01


OTHER_DATA = "made from other data"  # a difference that is explained


def diff(a: Path, b: Path) -> pd.DataFrame:
    """Two result folders file by file: same, within tolerance, made from other data (which),
    different (where), only in one.
    """
    for folder in (a, b):
        if not folder.is_dir():
            raise EmolibError(f"{folder}: no such result folder")
    tables = ("tables/*.csv", "figures/*.csv", "claims.csv")
    names = {str(p.relative_to(folder)) for folder in (a, b) for p in _matching(folder, *tables)}
    rows = [(name, *_compare(a, b, name)) for name in sorted(names)]
    return pd.DataFrame(rows, columns=["file", "state", "detail"])


def _compare(one: Path, other: Path, name: str) -> tuple[str, str]:
    """State and detail of one file in two folders."""
    a, b = one / name, other / name
    if not os.path.lexists(a) or not os.path.lexists(b):
        return f"only in {one if os.path.lexists(a) else other}", ""
    try:
        if guard(a).read_bytes() == guard(b).read_bytes():
            return "same", ""
        x, y = read(a), read(b)
    except Damaged as error:
        return "different", str(error)
    detail = _first_difference(x, y)
    if not detail:
        return "within tolerance", ""
    sets = _other_sets(a.with_suffix(".json"), b.with_suffix(".json"))
    return (OTHER_DATA, "; ".join(sets)) if sets else ("different", detail)


def _first_difference(x: pd.DataFrame, y: pd.DataFrame) -> str:
    """Where two tables are further apart than the tolerance; '' where they are not."""
    if list(x.columns) != list(y.columns) or len(x) != len(y):
        shapes = f"{len(x)} rows of {len(x.columns)} columns against {len(y)} of {len(y.columns)}"
        return shapes
    for column in x.columns.drop("verdict", errors="ignore"):
        p, q = (pd.to_numeric(v[column], errors="coerce") for v in (x, y))
        far = (p - q).abs() > ABSOLUTE + RELATIVE * q.abs()
        off = np.where(p.notna() & q.notna(), far, x[column] != y[column])
        if off.any():
            row = int(np.flatnonzero(off)[0])
            return f"row {row + 2}, {column}: {x[column][row]} against {y[column][row]}"
    return ""


def _other_sets(one: Path, other: Path) -> list[str]:
    """Data sets that one result was made from and the other was not, or not with these bytes."""
    try:
        a, b = sources(one), sources(other)
    except Damaged:  # nothing explains the difference, then
        return []
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def sources(note: Path) -> dict[str, dict]:
    """The data sets in a provenance note. Raises Damaged for what is none."""
    try:
        return dict(json.loads(guard(note).read_text())["sources"])
    except (ValueError, TypeError, KeyError) as error:
        raise Damaged(note, f"not a provenance note ({type(error).__name__})") from None
