"""Features per video, kept in files: made once, resumed after a stop, checked when read.

A file is `features/<set>/<feature>/<fingerprint>/<video>.safetensors` in the cache folder. Its header says what it was made of and
holds a checksum; it is written to a temporary name and renamed, so that a file with its final name is whole. One that is not
(a disk's or a copy's fault), or that was made of other content, is made anew, and that is said.
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
    return (
        settings.cache()
        / "features"
        / name
        / recipe.feature
        / recipe.fingerprint
        / f"{film.name}.safetensors"
    )


def write(path: Path, arrays: dict[str, np.ndarray], about: dict) -> Path:
    """Write named arrays with a header, whole or not at all. Raises EmolibError where the disk is full or not writable."""
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
    """The named arrays of a file and its header. Raises Damaged for a file that is not exactly what was written."""
    try:
        with safe_open(guard(path), "numpy") as file:
            about = json.loads((file.metadata() or {})["emolib"])
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
        checksum = about["checksum"]
    except (
        SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OSError,
    ) as error:  # the last two: odd headers and dtypes
        raise Damaged(path, f"not a file of features ({type(error).__name__}: {error})") from None
    if checksum != _checksum(arrays):
        raise Damaged(path, "its numbers do not match its checksum")
    return arrays, about


def _checksum(arrays: dict) -> str:
    return digest(*(part for name in sorted(arrays) for part in (name, arrays[name])))


def extract(data, recipe: Recipe, *, progress: bool = True) -> pd.DataFrame:
    """Make what is missing of `recipe` for every film of `data`: one row with set, source, feature, videos, new, frames, frames/s, missing, MB.

    videos, frames and MB count all of the set, `new` the films made now; frames/s are those of the new ones (NaN without any), and
    `missing` is the share of frames without a face (NaN for sound). Finished films stay stored whatever happens to the next.
    """
    fresh = settings.fresh()
    films, rows, seconds = footage(data), [], 0.0
    if not films:
        raise EmolibError(f"{data.name}: holds no film or picture")
    bar = bars.bar(films, label=f"{data.name} {recipe.feature}", unit="video", shown=progress)
    with bar:
        for film in bar:
            path = place(data.name, recipe, film)
            held = None if fresh else _held(path, film)
            begun = time.perf_counter()
            if held is None:
                if settings.deadline() is not None and time.time() > settings.deadline():
                    raise TimeIsUp(
                        "time is up (--max-minutes): what is finished is stored; the same command goes on from here"
                    )
                arrays = recipe.compute(film)
                about = {
                    "set": data.name,
                    "source": data.source,
                    "feature": recipe.feature,
                    "made_with": recipe.made_with,
                    "content": film.content,
                }
                write(path, arrays, about)
                seconds += time.perf_counter() - begun
            else:
                arrays = held
            rows.append(
                (
                    held is None,
                    _length(arrays),
                    np.nan if "found" not in arrays else (~arrays["found"]).sum(),
                    path.stat().st_size,
                )
            )
    return pd.DataFrame(
        [
            _summary(
                data,
                recipe,
                pd.DataFrame(rows, columns=["new", "frames", "missing", "bytes"]),
                seconds,
            )
        ]
    )


def _held(path: Path, film: Footage) -> dict | None:
    """What is stored for a film, or None; says so where something is there that cannot be used."""
    if not path.exists():
        return None
    return sound(path, film.content)


def sound(path: Path, content: str) -> dict[str, np.ndarray] | None:
    """The arrays of a file if it is whole and was made of `content`, else None; a file that cannot be used is said."""
    try:
        arrays, about = read(path)
        if about.get("content") != content:
            raise Damaged(path, f"was made of other content ({about.get('content')})")
        return arrays
    except Damaged as error:
        bars.say(f"{error}; made anew")
        return None


def _length(arrays: dict) -> int:
    return len(arrays["found"] if "found" in arrays else next(iter(arrays.values())))


def _summary(data, recipe, rows: pd.DataFrame, seconds: float) -> dict:
    new = rows[rows.new]
    return {
        "set": data.name,
        "source": data.source,
        "feature": recipe.feature,
        "videos": len(rows),
        "new": len(new),
        "frames": int(rows.frames.sum()),
        "frames/s": round(new.frames.sum() / seconds, 1) if len(new) else np.nan,
        "missing": rows.missing.sum(min_count=1) / rows.frames.sum(),
        "MB": round(rows.bytes.sum() / 1e6, 2),
    }


def stored(data, recipe: Recipe) -> list[dict[str, np.ndarray]]:
    """The arrays of every film of `data`, in its order. Raises EmolibError for a film that was not extracted, Damaged for a broken file."""
    out = []
    for film in footage(data):
        path = place(data.name, recipe, film)
        if not path.exists():
            raise EmolibError(
                f"{data.name}: no {recipe.feature} of {film.name} yet; run `emolib features --set {data.name} --feature {recipe.feature}`"
            )
        out.append(read(path)[0])
    return out


def is_pictures(data) -> bool:
    """Does the set hold unrelated pictures, so that nothing may be tracked from one to the next?"""
    return isinstance(data, ImageSet)
