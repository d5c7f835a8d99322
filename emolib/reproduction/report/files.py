"""The files of a result folder: written whole or not at all, each with its provenance beside it.

    tables/<id>.csv + .json        figures/<id>.csv .svg .png .json        claims.csv + .json
    timings.csv                    index.html                              explore/

CSV files hold what was measured and nothing that changes from run to run; seconds and versions live in
the JSON, together with a checksum of every file, so that an edit by hand shows.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.ground import settings
from emolib.ground.errors import EmolibError

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
        raise EmolibError(
            f"{path}: cannot be written ({error.strerror or error}); free space or choose another --out"
        ) from None
    return sha(raw)


def sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


_held: set[Path] = set()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While this lasts, no other process that asks the same is in `folder`: for files that many notebooks add rows to.

    The lock is on the folder itself, so it leaves no file behind and a killed process lets it go. Where there are no such
    locks (some network disks), the work goes on without.
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


def usable(folder: Path) -> Path:
    """The folder, made if need be and rid of what killed commands left half-written; EmolibError if nothing can be written there."""
    probe = folder / f".{os.getpid()}.probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise EmolibError(
            f"--out {folder}: cannot be written ({error.strerror or error}); choose another folder"
        ) from None
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
    """The JSON beside a result: what it is, what it was made from, and the checksum of each of its files."""
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
    """Hash of the checkout, with '+changes' when files differ from it; 'unknown' outside a checkout."""

    def git(*arguments):
        return subprocess.run(
            ["git", "-C", str(settings.project()), *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.rstrip()

    try:
        changed = [
            line
            for line in git("status", "--porcelain", "--untracked-files=no").splitlines()
            if not line[3:].startswith("results/")
        ]
        return git("rev-parse", "HEAD") + ("+changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


# ---------------------------------------------------------------- rows that many notebooks add to


def update_rows(
    path: Path, rows: Iterable[dict], keys: tuple[str, ...], columns: tuple[str, ...]
) -> str:
    """Replace or add rows of a CSV file by their keys, sorted; returns the file's SHA-256."""
    with alone(path.parent):  # read and written as one step: two commands may share the folder
        known = {tuple(row[k] for k in keys): row for row in _rows(path, columns)}
        for row in rows:
            known[tuple(str(row[k]) for k in keys)] = {c: str(row.get(c, "")) for c in columns}
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
        print(
            f"{path} is damaged ({error}); begun anew, a plain run writes all of its rows again",
            file=sys.stderr,
        )
        return []


# ---------------------------------------------------------------- checking and comparing


def problems(folder: Path) -> list[str]:
    """What is wrong with a result folder: a file without provenance, or one whose bytes are not those it was written with."""
    found = []
    promised: dict[str, str] = {}
    for note in sorted(
        [*folder.glob("tables/*.json"), *folder.glob("figures/*.json"), *folder.glob("claims.json")]
    ):
        try:
            about = dict(json.loads(note.read_text()))
        except (ValueError, TypeError):
            found.append(f"{note.relative_to(folder)}: not a readable JSON object")
            continue
        found += [
            f"{note.relative_to(folder)}: no '{k}'"
            for k in ("artefact", "commit", "profile", "sources", "seeds")
            if k not in about
        ]
        promised |= about.get("files", {})
    for name, checksum in promised.items():
        path = folder / name
        if not path.exists():
            found.append(f"{name}: missing")
        elif sha(path.read_bytes()) != checksum:
            found.append(
                f"{name}: its bytes are not those it was written with; results are made by code, never by hand"
            )
    kept = [
        p
        for kind in ("tables", "figures")
        for p in folder.glob(f"{kind}/*")
        if p.suffix not in (".json", ".partial")
    ]
    kept += [p for p in (folder / "claims.csv",) if p.exists()]
    return found + [
        f"{p.relative_to(folder)}: no provenance beside it"
        for p in sorted(kept)
        if str(p.relative_to(folder)) not in promised
    ]


RELATIVE, ABSOLUTE = 0.02, 0.01  # the stated tolerance between machines: |a - b| <= 0.01 + 0.02 |b|


def diff(a: Path, b: Path) -> pd.DataFrame:
    """Two result folders file by file: same bytes, within tolerance, different (and where), or only in one."""
    for folder in (a, b):
        if not folder.is_dir():
            raise EmolibError(f"{folder}: no such result folder")
    names = {
        str(p.relative_to(f))
        for f in (a, b)
        for pattern in ("tables/*.csv", "figures/*.csv", "claims.csv")
        for p in f.glob(pattern)
    }
    return pd.DataFrame(
        [{"file": name, **_compare(a, b, name)} for name in sorted(names)],
        columns=["file", "state", "detail"],
    )


def _compare(one: Path, other: Path, name: str) -> dict:
    a, b = one / name, other / name
    if not a.exists() or not b.exists():
        return {"state": f"only in {one if a.exists() else other}", "detail": ""}
    if a.read_bytes() == b.read_bytes():
        return {"state": "same", "detail": ""}
    x, y = (pd.read_csv(p, keep_default_na=False, dtype=str) for p in (a, b))
    if list(x.columns) != list(y.columns) or len(x) != len(y):
        return {
            "state": "different",
            "detail": f"{len(x)} rows of {len(x.columns)} columns against {len(y)} of {len(y.columns)}",
        }
    for column in x.columns:
        p, q = (pd.to_numeric(v[column], errors="coerce") for v in (x, y))
        number = p.notna() & q.notna()
        off = np.where(
            number, (p - q).abs() > ABSOLUTE + RELATIVE * q.abs(), x[column] != y[column]
        )
        if column != "verdict" and off.any():
            row = int(np.flatnonzero(off)[0])
            return {
                "state": "different",
                "detail": f"row {row + 2}, {column}: {x[column][row]} against {y[column][row]}",
            }
    return {"state": "within tolerance", "detail": ""}
