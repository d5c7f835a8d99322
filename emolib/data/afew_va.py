"""AFEW-VA: 600 clips of feature films, each frame with valence, arousal and 68 points.

`afew_va/001/001.json` (or a folder deeper, as the archives unpack) with `actor`, `video_id` and `frames`, where each frame
has `valence` and `arousal` from -10 to 10 and `landmarks`, 68 pairs of pixels; pictures `001/00000.png` (Kossaifi et al. 2017).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import clips, tracks
from emolib.data.checks import Checked
from emolib.data.files import LARGEST, Damaged, digest_of, guard, usable
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError

FPS = 25.0  # the set does not say; its films run at 24 to 25
PICTURES = (".png", ".jpg")


@dataclass(frozen=True)
class Probed:
    valence_arousal: np.ndarray  # (T, 2)
    missing: np.ndarray  # (T,)
    actor: str
    pictures: int
    content: str


def load(root: Path, *, damaged: str = "raise") -> TrackSet:
    """Videos in the order of their numbers; subject is the actor (the video's number where none is named).

    features   the 68 points in pixels of the picture as the set gives them, float32 (T, 136): x0, y0, x1, y1 ...; 0 where missing
    meta       video, frames, actor, kind ('points'), path (its folder, relative to `root`), pictures (how many are there)
    Valence and arousal are tenths of the set's own. Frames between the first and the last that the file leaves out are
    `missing`. Pictures need not be there; where a video has some, each annotated frame must have one.
    """
    where = Path(root) / "afew_va"
    folders, probed = usable(_folders(where), _probe, damaged)
    if not folders:
        raise EmolibError(
            f"{where}: no usable video; expected folders such as 001 with 001.json and 00000.png"
        )
    meta = pd.DataFrame(
        {
            "video": [f.name for f in folders],
            "frames": [len(p.missing) for p in probed],
            "actor": [p.actor for p in probed],
            "kind": "points",
            "path": [f.relative_to(root).as_posix() for f in folders],
            "pictures": [p.pictures for p in probed],
        }
    )
    return TrackSet(
        name="afew_va",
        source="real",
        features=[partial(_landmarks, f / f"{f.name}.json") for f in folders],
        fps=FPS,
        valence_arousal=[p.valence_arousal for p in probed],
        label=np.full(len(folders), -1),
        subject=meta["actor"].to_numpy(),
        missing=[p.missing for p in probed] if any(p.missing.any() for p in probed) else None,
        split=np.full(len(folders), ""),
        meta=meta,
        content=[p.content for p in probed],
    )


def check(root: Path) -> Checked:
    """For the doctor: every annotation, and the first and last picture of each video decoded."""
    where = Path(root) / "afew_va"
    good, damaged = clips.inspect(_folders(where), _look)
    frames, gaps = sum(len(p.missing) for _, p in good), sum(int(p.missing.sum()) for _, p in good)
    detail = (
        f"{len({p.actor for _, p in good})} actors, {frames} frames{f', {gaps} of them not annotated' if gaps else ''}, "
        f"{sum(p.pictures for _, p in good)} pictures"
    )
    return Checked(
        len(good),
        detail,
        damaged,
        clips.same([clips.Look(f / f"{f.name}.json", p.content) for f, p in good]),
    )


def _look(folder: Path) -> tuple[Path, Probed]:
    from PIL import Image

    probed, held = _probe(folder), list(tracks.listing(folder, PICTURES).values())
    for path in held[:1] + held[-1:]:
        guard(path)
        try:
            with Image.open(path) as picture:
                picture.load()
        except (OSError, SyntaxError, ValueError) as error:
            raise Damaged(
                path, f"not a readable picture ({' '.join(str(error).split())[:80]}); get it anew"
            ) from None
    return folder, probed


def _folders(where: Path) -> list[Path]:
    """Folders of videos, named by three digits, and links that lead nowhere (for `_probe` to refuse)."""
    found = clips.find(where, {".json", *PICTURES}) if where.is_dir() else []
    lost = [p for p in found if not p.exists() or p.is_dir()]
    return (
        sorted(
            {p.parent for p in found if re.fullmatch(r"\d{3}", p.parent.name)},
            key=lambda p: (p.name, str(p)),
        )
        + lost
    )


def _probe(folder: Path) -> Probed:
    if folder.is_symlink() and not folder.exists():
        guard(folder)
    path = folder / f"{folder.name}.json"
    numbers, _, va, actor = _read(path)
    held = tracks.listing(folder, PICTURES)
    unseen = [n for n in numbers if n not in held] if held else []
    if unseen:
        raise Damaged(
            path,
            f"annotates frame {unseen[0]:05d}, but the folder has no such picture ({len(numbers)} frames annotated, "
            f"{len(held)} pictures); one of the two is cut short",
        )
    first, count = numbers[0], numbers[-1] - numbers[0] + 1
    track, gone = np.zeros((count, 2), np.float32), np.ones(count, bool)
    track[np.array(numbers) - first], gone[np.array(numbers) - first] = va, False
    content = digest_of(path) + (f":{tracks.named_content(held)}" if held else "")
    return Probed(track, gone, actor or folder.name, len(held), content)


def _read(path: Path) -> tuple[list[int], np.ndarray, np.ndarray, str]:
    """Frame numbers (n), points (n, 136), valence and arousal (n, 2) in [-1, 1], and the actor, from one video's file."""
    guard(path)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise Damaged(
            path,
            f"not readable JSON ({' '.join(str(error).split())[:80]}); it is probably cut short",
        ) from None
    frames = held.get("frames") if isinstance(held, dict) else None
    if not isinstance(frames, dict) or not frames:
        raise Damaged(path, "has no annotated frame under 'frames'; get it anew")
    odd = [name for name in frames if not re.fullmatch(r"\d{1,6}", name)]
    if odd:
        raise Damaged(
            path, f"its frame '{odd[0][:40]}' has no number for a name; expected 00000, 00001 ..."
        )
    order = sorted(frames, key=int)
    numbers = [int(name) for name in order]
    if numbers[-1] - numbers[0] >= 2 * len(numbers) + 10:
        raise Damaged(
            path,
            f"annotates {len(numbers)} frames between {order[0]} and {order[-1]}; most are left out, get it anew",
        )
    rows = [_frame(path, name, frames[name]) for name in order]
    actor = held.get("actor")
    return (
        numbers,
        np.array([points for points, _ in rows], np.float32),
        np.array([va for _, va in rows], np.float32) / 10,
        str(actor) if actor else "",
    )


def _frame(path: Path, name: str, frame) -> tuple[list[float], list[float]]:
    """136 pixels and two values of one frame, looked over."""
    if not isinstance(frame, dict):
        raise Damaged(path, f"frame {name} is no record; expected landmarks, valence and arousal")
    for key in ("valence", "arousal"):
        value = frame.get(key)
        if not _number(value) or abs(value) > 10:
            raise Damaged(
                path, f"frame {name} has {key} {value!r}, expected a number from -10 to 10"
            )
    points = frame.get("landmarks")
    if not isinstance(points, list) or len(points) != 68 or not all(map(_pair, points)):
        raise Damaged(path, f"frame {name} has no 68 landmarks (pairs of numbers)")
    return [v for pair in points for v in pair], [frame["valence"], frame["arousal"]]


def _number(value) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST
    )  # nor nan


def _pair(value) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _landmarks(path: Path) -> np.ndarray:
    """float32 (T, 136), 0 in frames that are missing."""
    numbers, points, _, _ = _read(path)
    out = np.zeros((numbers[-1] - numbers[0] + 1, 136), np.float32)
    out[np.array(numbers) - numbers[0]] = points
    return out
