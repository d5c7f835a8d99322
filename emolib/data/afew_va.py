"""AFEW-VA: 600 clips of feature films, each frame with valence, arousal and 68 points.

`afew_va/001/001.json` (or a folder deeper, as the archives unpack) with `actor`, `video_id` and
`frames`, where each frame has `valence` and `arousal` from -10 to 10 and `landmarks`, 68 pairs of
pixels; pictures `001/00000.png` (Kossaifi et al. 2017).
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import clips, tracks
from emolib.data.checks import Checked
from emolib.data.files import LARGEST, Damaged, digest_of, guard, one_line, sift, usable
from emolib.ground.containers import TrackSet
from emolib.ground.errors import EmolibError

FPS = 25.0  # the set does not say; its films run at 24 to 25
PICTURES = (".png", ".jpg")


def load(root: Path, *, damaged: str = "raise") -> TrackSet:
    """Videos in the order of their numbers; subject is the actor (else the video's number).

    features   the 68 points in pixels of the picture as the set gives them, float32 (T, 136): x0,
               y0, x1, y1 ...; 0 where missing
    meta       video, frames, actor, kind ('points'), path (its folder, relative to `root`),
               pictures (how many)
    Valence and arousal are tenths of the set's own. Frames between the first and the last that the
    file leaves out are `missing`. Pictures need not be there; where a video has some, each
    annotated frame must have one.
    """
    where = Path(root) / "afew_va"
    folders, probed = usable(_folders(where), _probe, damaged)
    if not folders:
        raise EmolibError(
            f"{where}: no usable video; expected folders such as 001 with 001.json and 00000.png"
        )
    meta = pd.DataFrame(
        {
            "video": [folder.name for folder in folders],
            "frames": [len(track.missing) for track in probed],
            "actor": [track.about["actor"] for track in probed],
            "kind": "points",
            "path": [folder.relative_to(root).as_posix() for folder in folders],
            "pictures": [track.about["pictures"] for track in probed],
        }
    )
    return tracks.assemble("afew_va", probed, meta, meta["actor"], [""] * len(folders), FPS)


def check(root: Path) -> Checked:
    """For the doctor: every annotation, and the first and last picture of each video decoded."""
    folders, probed, damaged = sift(_folders(Path(root) / "afew_va"), _look)
    actors = {track.about["actor"] for track in probed}
    frames = sum(len(track.missing) for track in probed)
    gaps = sum(int(track.missing.sum()) for track in probed)
    detail = (
        f"{len(actors)} actors, {frames} frames, "
        f"{f'{gaps} of them not annotated, ' if gaps else ''}"
        f"{sum(track.about['pictures'] for track in probed)} pictures"
    )
    looks = [clips.Look(_json(folder), track.content) for folder, track in zip(folders, probed)]
    return Checked(len(folders), detail, damaged, clips.same(looks))


def _look(folder: Path) -> tracks.Track:
    from PIL import Image

    track, files = _probe(folder), list(tracks.listing(folder, PICTURES).values())
    for path in files[:1] + files[-1:]:
        guard(path)
        try:
            with Image.open(path) as picture:
                picture.load()
        except (OSError, SyntaxError, ValueError) as error:
            why = f"not a readable picture ({one_line(error)}); get it anew"
            raise Damaged(path, why) from None
    return track


def _json(folder: Path) -> Path:
    return folder / f"{folder.name}.json"


def _folders(where: Path) -> list[Path]:
    """Folders named by three digits, and links that lead nowhere (for `_probe` to refuse)."""
    files = clips.find(where, {".json", *PICTURES}) if where.is_dir() else []
    lost = [path for path in files if not path.exists() or path.is_dir()]
    videos = {path.parent for path in files if re.fullmatch(r"\d{3}", path.parent.name)}
    return sorted(videos, key=lambda folder: (folder.name, str(folder))) + lost


def _probe(folder: Path) -> tracks.Track:
    if folder.is_symlink() and not folder.exists():
        guard(folder)
    path = _json(folder)
    numbers, _, values, actor = _read(path)
    files = tracks.listing(folder, PICTURES)
    unseen = [n for n in numbers if n not in files] if files else []
    if unseen:
        raise Damaged(
            path,
            f"annotates frame {unseen[0]:05d}, but the folder has no such picture ({len(numbers)} "
            f"frames annotated, {len(files)} pictures); one of the two is cut short",
        )
    at = np.array(numbers) - numbers[0]
    track = np.zeros((at[-1] + 1, 2), np.float32)
    missing = np.ones(len(track), bool)
    track[at] = values
    missing[at] = False
    content = digest_of(path) + (f":{tracks.named_content(files)}" if files else "")
    about = {"actor": actor or folder.name, "pictures": len(files)}
    return tracks.Track(track, missing, partial(_landmarks, path), content, about)


def _read(path: Path) -> tuple[list[int], np.ndarray, np.ndarray, str]:
    """Frame numbers (n), points (n, 136), valence and arousal (n, 2) in [-1, 1], and the actor."""
    guard(path)
    try:
        video = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise Damaged(
            path, f"not readable JSON ({one_line(error)}); it is probably cut short"
        ) from None
    frames = video.get("frames") if isinstance(video, dict) else None
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
            f"annotates {len(numbers)} frames between {order[0]} and {order[-1]}; "
            "most are left out, get it anew",
        )
    rows = [_frame(path, name, frames[name]) for name in order]
    points = np.array([points for points, _ in rows], np.float32)
    values = np.array([values for _, values in rows], np.float32) / 10
    return numbers, points, values, str(video.get("actor") or "")


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
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and abs(value) < LARGEST  # which nan is not


def _pair(value) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _landmarks(path: Path) -> np.ndarray:
    """float32 (T, 136), 0 in frames that are missing."""
    numbers, points, _, _ = _read(path)
    out = np.zeros((numbers[-1] - numbers[0] + 1, 136), np.float32)
    out[np.array(numbers) - numbers[0]] = points
    return out
