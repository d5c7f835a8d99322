"""Which notebooks need not run again: what they read has not changed, what they wrote still stands.

Kept beside the executed notebook: one fingerprint of all that went in, and the checksum of each
file that came out. A notebook is looked at as a whole, and so is emolib: a changed comment anywhere
runs all of them once, and each then finds its runs in the store.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import distributions
from pathlib import Path

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.report import files as results

SHARED = ("claims.csv", "claims.json", "timings.csv")  # many notebooks write them


@dataclass(frozen=True)
class Standing:
    """What the notebooks of one command at `profile` read, looked at once."""

    profile: str

    @cached_property
    def _common(self) -> str:
        """Digest of what every notebook reads: emolib, packages, device, data and models."""
        h, house = hashlib.sha256(), Path(__file__).parents[2]
        for path in sorted(house.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                h.update(str(path.relative_to(house)).encode())
                h.update(hashlib.sha256(path.read_bytes()).digest())
        installed = sorted({f"{d.metadata['Name']} {d.version}" for d in distributions()})
        gpu = [os.environ.get(name) for name in ("EMOLIB_DEVICE", "CUDA_VISIBLE_DEVICES")]
        gpu += [os.path.exists("/proc/driver/nvidia")]
        places = [_listed(p) for p in (settings.data_root(), *settings.models())]
        h.update(json.dumps([platform.python_version(), installed, gpu, *places]).encode())
        return h.hexdigest()

    def read_by(self, notebook: Path, parameters: dict) -> str:
        """Digest of all that goes into a notebook."""
        own = json.dumps([self._common, parameters], sort_keys=True, default=repr).encode()
        return results.sha(notebook.read_bytes() + own)

    def _note(self, notebook: Path) -> Path:
        return settings.cache() / "executed" / self.profile / f"{notebook.stem}.json"

    def stands(self, notebook: Path, parameters: dict, folder: Path) -> bool:
        """Would the notebook write what is there? Never so with --fresh."""
        if settings.fresh():
            return False
        try:
            note = json.loads(self._note(notebook).read_text(encoding="utf-8"))
            return note == self._noted(notebook, parameters, folder, note["files"])
        # no note, or a damaged one, or a file that is gone
        except (OSError, ValueError, KeyError, TypeError, EmolibError):
            return False

    def keep(self, notebook: Path, parameters: dict, folder: Path, written: Iterable[str]) -> None:
        """Note what went in and what came out of a notebook that ended well."""
        try:
            note = self._noted(notebook, parameters, folder, written)
            results.write(self._note(notebook), json.dumps(note, indent=1))
        except (OSError, EmolibError):  # it runs once more, then
            self._note(notebook).unlink(missing_ok=True)

    def _noted(
        self, notebook: Path, parameters: dict, folder: Path, written: Iterable[str]
    ) -> dict:
        files = {name: results.sha((folder / name).read_bytes()) for name in sorted(written)}
        return {
            "read": self.read_by(notebook, parameters),
            "folder": str(folder.resolve()),
            "files": files,
            "claims": _claims(folder, notebook.name[:2]),
        }


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Each file that belongs to one notebook, with what tells it from one written anew."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in SHARED:
            about = path.stat()
            found[path.relative_to(folder).as_posix()] = (about.st_ino, about.st_mtime_ns)
    return found


def _claims(folder: Path, number: str) -> str:
    """Digest of the verdicts that a notebook has measured."""
    path, rows = folder / "claims.csv", []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row.get("notebook") == number]
    return results.sha(json.dumps([row for row in rows if row.get("profile")]).encode())


def _listed(place: Path) -> list:
    """Name, size and time of every file below a folder."""
    files = []
    for folder, _, names in os.walk(place):
        for name in names:
            path = os.path.join(folder, name)
            about = os.stat(path, follow_symlinks=False)
            files.append([os.path.relpath(path, place), about.st_size, about.st_mtime_ns])
    return sorted(files)
