"""studyforrest: what a two-hour film shows people feel, second by second, and how it sounds and
looks (Labs et al. 2015; Hanke et al. 2016).

In `studyforrest/`:

ioats_1s_<av|ao>_<character>.csv   arousal, valence: agreement of observers from -1 to 1, a line a
                                   second; `av` film seen and heard, `ao` heard only; `allchar` all
                                   characters together. Other columns (emotions, cues) are not read
segments.csv                       start, end, id: the eight parts of the film as it was shown
features_25hz.npz                  seg0 to seg7, float32 (frames, 6), and columns: loudness and its
                                   difference left to right; brightness, its differences left to
                                   right and up to down, and what changed since the frame before

One film: fold by segment. The pieces that were shown overlap by 20 seconds; each second is taken
once, from the segment whose number it has in segments.csv.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import tables, tracks
from emolib.data.checks import Checked, of_one_file
from emolib.data.files import Damaged, arrays
from emolib.ground.containers import TrackSet, digest
from emolib.ground.errors import EmolibError

FEATURES = "features_25hz.npz"
COLUMNS = ("rms", "lrdiff", "brmean", "brlr", "brud", "normdiff")
SOUND = slice(0, 2)  # of COLUMNS
PICTURE = slice(2, 6)
FPS = 25  # of the features
# Second of the film at which each piece begins; the overlaps of the features give the same to a
# frame (tests), and so does the set's own code/researchcut2segments.py.
STARTS = (0.0, 886.0, 1752.08, 2612.16, 3572.2, 4480.28, 5342.36, 6410.44)
SECONDS = 7085


def load(
    root: Path,
    *,
    observers: str = "av",
    character: str = "allchar",
    rate: int = 1,
    gap: int = 0,
    damaged: str = "raise",
) -> TrackSet:
    """Eight segments of the film as tracks; subject is the segment ('segment 1' ...).

    observers   'av' (film seen and heard) or 'ao' (heard only, with a narrator)
    character   'allchar', or who feels: 'forrest', 'jenny' ..., as the files are named
    rate        steps a second, a divisor of 25: the annotation is held over a second, the features
                (T, 6), in the order of COLUMNS, are means over 25 / rate frames
    gap         seconds left out at both ends of a segment, so that neighbours do not meet
    damaged     without effect: the files make one set
    meta        segment, start and end (seconds of the film), observers, character
    Valence and arousal are what the characters show, not what a viewer feels.
    """
    if rate < 1 or FPS % rate:
        raise EmolibError(f"studyforrest: rate is {rate}, expected 1, 5 or 25 a second")
    if gap < 0:
        raise EmolibError(f"studyforrest: gap is {gap}, expected a number of seconds from 0")
    where = Path(root) / "studyforrest"
    annotation = _annotation(where / f"ioats_1s_{observers}_{character}.csv")  # (7085, 2)
    probed, meta = [], []
    for number, first, last, frames in _segments(where, len(annotation)):
        first, last = first + gap, last - gap
        if last <= first:
            raise EmolibError(f"studyforrest: gap is {gap}, which leaves nothing of a segment")
        begin = round((first - STARTS[number - 1]) * FPS)
        taken = frames[begin : begin + FPS * (last - first)]
        taken = taken.reshape((last - first) * rate, FPS // rate, -1).mean(1)  # (T, 6)
        shown = np.repeat(annotation[first:last], rate, axis=0)  # (T, 2)
        missing = np.zeros(len(shown), bool)
        held = partial(np.array, taken)
        probed.append(tracks.Track(shown, missing, held, digest(taken), {}))
        meta.append({"segment": number, "start": first, "end": last})
    meta = pd.DataFrame(meta).assign(observers=observers, character=character)
    subject = [f"segment {number}" for number in meta["segment"]]
    return tracks.assemble("studyforrest", probed, meta, subject, [""] * len(meta), float(rate))


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: every annotation that is there, and what the features cover."""
    where = Path(root) / "studyforrest"
    found = sorted(path.stem for path in where.glob("ioats_1s_*.csv"))
    for name in found:
        _annotation(where / f"{name}.csv")
    data = load(root)
    values = np.concatenate(data.valence_arousal)
    still = (np.diff(values, axis=0) == 0).all(1).mean()
    return Checked(
        SECONDS,
        f"{len(data)} segments of one film, {len(values)} whole seconds, {len(found)} annotations, "
        f"{len(COLUMNS)} features; "
        f"{len(np.unique(values))} levels, {100 * still:.0f} % of the seconds as the one before",
    )


def _annotation(path: Path) -> np.ndarray:
    """float32 (seconds, 2): valence and arousal."""
    table = tables.read(path, ("valence", "arousal"))
    if len(table.rows) < SECONDS:
        raise Damaged(path, f"{len(table.rows)} seconds, expected {SECONDS}; it is cut short")
    return table.numbers(("valence", "arousal"), -1, 1).astype(np.float32)


def _segments(where: Path, seconds: int):
    """Of each segment: its number, its first whole second, the one after its last, its features."""
    path = where / "segments.csv"
    bounds = tables.read(path, ("start", "end", "id")).numbers(("start", "end"), 0, 1e5)
    inside = (bounds[:, 0] < bounds[:, 1]).all() and (bounds[1:, 0] >= bounds[:-1, 1]).all()
    if len(bounds) != len(STARTS) or not inside:
        raise Damaged(path, f"expected {len(STARTS)} segments, one after the other")
    path = where / FEATURES
    held = arrays(path, "columns", *(f"seg{k}" for k in range(len(STARTS))))
    if tuple(held["columns"].tolist()) != COLUMNS:
        raise Damaged(path, f"columns are {held['columns'].tolist()}, expected {list(COLUMNS)}")
    for k, (start, end) in enumerate(bounds):
        frames = held[f"seg{k}"]
        if frames.dtype != np.float32 or frames.ndim != 2 or frames.shape[1] != len(COLUMNS):
            raise Damaged(path, f"seg{k} is {frames.dtype} {frames.shape}, expected float32 (N, 6)")
        bad = np.flatnonzero(~np.isfinite(frames).all(1))
        if bad.size:
            raise Damaged(path, f"seg{k} holds no number in frame {bad[0]}; get it anew")
        first, last = int(np.ceil(start)), min(int(end), seconds)
        needed = round((last - STARTS[k]) * FPS)
        if first < STARTS[k] or len(frames) < needed:
            why = f"seg{k} holds {len(frames)} frames, but its segment needs {needed}"
            raise Damaged(path, f"{why}; it is another film's or cut short")
        yield k + 1, first, last, frames
