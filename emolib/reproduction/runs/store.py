"""Results of runs on disk: plain values as JSON, arrays beside them, both with checksums."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from emolib.ground import settings
from emolib.ground.errors import EmolibError


class Store:
    """Results on disk: <key>.json (plain values, checksums, provenance) beside <key>.npz (arrays).

    The arrays are written first and the JSON last, each under a temporary name that is then
    renamed: an entry exists when its JSON does, and is whole when both checksums hold. A damaged
    entry counts as absent and is said.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def read(self, name: str) -> dict | None:
        """The entry {'value', 'seconds', 'command', 'device'}, or None if absent or damaged."""
        path = self._path(name)
        if not path.exists():
            return None
        try:
            entry = json.loads(path.read_bytes())
            body = entry["body"]
            if _sum_of(body, entry["about"]) != entry["checksum"]:
                raise ValueError("its values do not match their checksum")
            arrays = {}
            if body["arrays"]:
                raw = path.with_suffix(".npz").read_bytes()
                if _sha(raw) != body["arrays"]:
                    raise ValueError("its arrays do not match their checksum")
                with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
                    arrays = {k: file[k] for k in file.files}
            if settings.fresh() and entry["about"]["command"] != settings.command():
                return None  # --fresh: only what this command itself computed counts
            return {"value": _join(body["value"], arrays), **entry["about"]}
        except (ValueError, KeyError, TypeError, OSError) as error:
            print(f"run store: {path} is damaged ({error}); computing it again", file=sys.stderr)
            return None

    def write(self, name: str, value, about: dict) -> None:
        """Store one result; a full disk or a kill leaves nothing half-written under its name."""
        path = self._path(name)
        arrays: dict[str, np.ndarray] = {}
        body = {"value": _split(value, arrays), "arrays": None}
        about = json.loads(json.dumps(about))  # as it will be read: the checksum covers it too
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if arrays:
                with partial.open("wb") as file:
                    np.savez_compressed(file, **arrays)
                body["arrays"] = _sha(partial.read_bytes())
                partial.replace(path.with_suffix(".npz"))
            partial.write_text(
                json.dumps({"body": body, "checksum": _sum_of(body, about), "about": about})
            )
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):  # the folder itself may be what is missing
                partial.unlink()
            raise EmolibError(
                f"run store: {path} cannot be written ({error.strerror or error}); "
                "what was finished before is stored; "
                "free space or choose another --cache, and the same command goes on from here"
            ) from None

    def scratch(self, name: str) -> Path:
        """Where the run `name` may keep a checkpoint while it is under way."""
        return self.folder / "checkpoints" / name

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.json"


def _sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _sum_of(body: dict, about: dict) -> str:
    return _sha(json.dumps([body, about], sort_keys=True).encode())


def _split(value, arrays: dict):
    """Plain JSON with {'__array__': name} in place of each array, which goes to `arrays`."""
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise EmolibError(
                "a run returned an array of Python objects: return numbers or fixed-length text"
            )
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"__array__": name}
    if isinstance(value, dict):
        return {str(k): _split(v, arrays) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_split(v, arrays) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise EmolibError(
        f"a run returned a {type(value).__name__}: expected plain values, lists, dicts and arrays"
    )


def as_read(value, about: dict) -> dict:
    """The entry that reading this one back would give."""
    arrays: dict[str, np.ndarray] = {}
    return {"value": _join(_split(value, arrays), arrays), **about}


def _join(plain, arrays: dict):
    if isinstance(plain, dict):
        if "__array__" in plain:
            return arrays[plain["__array__"]]
        return {k: _join(v, arrays) for k, v in plain.items()}
    return [_join(v, arrays) for v in plain] if isinstance(plain, list) else plain
