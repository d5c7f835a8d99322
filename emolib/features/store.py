"""Features per video, kept in files: made once, resumed after a stop, checked when read.

A file is `features/<set>/<feature>/<fingerprint>/<video>.safetensors` in the cache folder; its
header says what it was made of and holds a checksum. A damaged one is made anew, and that is said.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from emolib.data.files import Damaged, guard
from emolib.features.extract import Recipe
from emolib.features.footage import Footage, footage
from emolib.ground import bars, settings
from emolib.ground.containers import ImageSet, digest
from emolib.ground.errors import EmolibError


class TimeIsUp(EmolibError):
    """--max-minutes ended the work; what is finished is stored."""


def place(name: str, recipe: Recipe, film: Footage) -> Path:
    """Where the features of one film of the set `name` are kept."""
    folder = settings.cache() / "features" / name / recipe.feature / recipe.fingerprint
    return folder / f"{film.name}.safetensors"


def write(path: Path, arrays: dict[str, np.ndarray], about: dict) -> Path:
    """Write named arrays with a header, whole or not at all. Raises EmolibError for a full disk."""
    arrays = {name: np.ascontiguousarray(value) for name, value in sorted(arrays.items())}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    header = {"emolib": json.dumps(about | {"checksum": _checksum(arrays)}, sort_keys=True)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(arrays, part, metadata=header)
        os.replace(part, path)
    except (OSError, SafetensorError) as error:  # safetensors wraps what the system said
        raise EmolibError(
            f"{path}: cannot be written ({error}); free some room or choose another --cache"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return path


def read(path: Path) -> tuple[dict[str, np.ndarray], dict]:
    """The named arrays of a file and its header. Raises Damaged for a file not as written."""
    try:
        with safe_open(guard(path), "numpy") as file:
            about = json.loads((file.metadata() or {})["emolib"])
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
        checksum = about["checksum"]
    # TypeError, AttributeError: odd headers and dtypes
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise Damaged(path, f"not a file of features ({type(error).__name__}: {error})") from None
    if checksum != _checksum(arrays):
        raise Damaged(path, "its numbers do not match its checksum")
    return arrays, about


def _checksum(arrays: dict) -> str:
    return digest(*(part for name in sorted(arrays) for part in (name, arrays[name])))


def extract(data, recipe: Recipe, *, progress: bool = True) -> pd.DataFrame:
    """Make what is missing of `recipe` for every film of `data`; one row that says what was done.

    videos, frames and MB count all of the set, `new` the films made now; frames/s are those of the
    new ones, `missing` the share of frames without a face (NaN for sound).
    """
    films, rows, seconds = footage(data), [], 0.0
    if not films:
        raise EmolibError(f"{data.name}: holds no film or picture")
    bar = bars.bar(films, label=f"{data.name} {recipe.feature}", unit="video", shown=progress)
    with bar:
        for film in bar:
            path = place(data.name, recipe, film)
            known = path.exists() and not settings.fresh()
            arrays = sound(path, film.content) if known else None
            new = arrays is None
            if new:
                begun = time.perf_counter()
                arrays = _made(data, recipe, film, path)
                seconds += time.perf_counter() - begun
            frames = len(arrays.get("found", next(iter(arrays.values()))))
            missing = (~arrays["found"]).sum() if "found" in arrays else np.nan
            rows.append((new, frames, missing, path.stat().st_size))
    table = pd.DataFrame(rows, columns=["new", "frames", "missing", "bytes"])
    new = table[table.new]
    row = {
        "set": data.name,
        "source": data.source,
        "feature": recipe.feature,
        "videos": len(table),
        "new": len(new),
        "frames": int(table.frames.sum()),
        "frames/s": round(new.frames.sum() / seconds, 1) if len(new) else np.nan,
        "missing": table.missing.sum(min_count=1) / table.frames.sum(),
        "MB": round(table.bytes.sum() / 1e6, 2),
    }
    return pd.DataFrame([row])


def _made(data, recipe: Recipe, film: Footage, path: Path) -> dict[str, np.ndarray]:
    if settings.deadline() is not None and time.time() > settings.deadline():
        raise TimeIsUp(
            "time is up (--max-minutes): what is finished is stored; "
            "the same command goes on from here"
        )
    arrays = recipe.compute(film)
    about = {"set": data.name, "source": data.source, "feature": recipe.feature}
    write(path, arrays, about | {"made_with": recipe.made_with, "content": film.content})
    return arrays


def sound(path: Path, content: str) -> dict[str, np.ndarray] | None:
    """The arrays of a file if it is whole and made of `content`; else None, and that is said."""
    try:
        arrays, about = read(path)
        if about.get("content") != content:
            raise Damaged(path, f"was made of other content ({about.get('content')})")
        return arrays
    except Damaged as error:
        bars.say(f"{error}; made anew")
        return None


def stored(data, recipe: Recipe) -> list[dict[str, np.ndarray]]:
    """The arrays of every film of `data`, in its order.

    Raises EmolibError for a film that was not extracted, Damaged for a broken file.
    """
    everything = []
    for film in footage(data):
        path = place(data.name, recipe, film)
        if not path.exists():
            raise EmolibError(
                f"{data.name}: no {recipe.feature} of {film.name} yet; "
                f"run `emolib features --set {data.name} --feature {recipe.feature}`"
            )
        everything.append(read(path)[0])
    return everything


def is_pictures(data) -> bool:
    """Does the set hold unrelated pictures, so that nothing may be tracked from one to the next?"""
    return isinstance(data, ImageSet)
