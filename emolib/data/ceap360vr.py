"""CEAP-360VR: 32 people watched eight panoramic films and said by joystick, all the while, what
they felt (Xue et al. 2021). Annotation only; there are no pictures.

In `ceap360vr/`, the first of these that is there is read:

annotations_25hz.npz            P1_V1 to P32_V8, float32 (T, 3): seconds, valence and arousal from 1
                                to 9
P1_Annotation_FrameData.json    the same as shipped, a file a person: ParticipantID, and of each
                                film VideoID and a list of TimeStamp, Valence, Arousal

Every film takes a minute; V1 has 25 annotations a second and the others 30.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import tracks
from emolib.data.checks import Checked, duplicates, of_one_file
from emolib.data.files import Damaged, arrays, guard, one_line
from emolib.ground.containers import TrackSet, digest

FILE = "annotations_25hz.npz"
SHIPPED = "P*_Annotation_FrameData.json"
LOW, HIGH = 1, 9


def load(root: Path, *, damaged: str = "raise") -> TrackSet:
    """256 tracks, by person and film; subject is the person ('P1' ...). features are empty, (T, 0).

    damaged   without effect: one file makes the set
    meta      video ('V1' ...), person, frames, fps (of each track; the set's is the commonest)
    Valence and arousal are mapped from 1 .. 9 onto -1 .. 1.
    """
    place = Path(root) / "ceap360vr"
    path = place / FILE
    if os.path.lexists(path) or not list(place.glob(SHIPPED)):
        held = [(path, name, track) for name, track in arrays(path).items()]
    else:
        held = [item for path in sorted(place.glob(SHIPPED)) for item in _shipped(path)]
    named = {}
    for path, name, track in held:
        parts = re.fullmatch(r"P(\d{1,3})_V(\d{1,3})", name)
        if not parts:
            raise Damaged(path, f"a track '{name[:20]}', expected names such as P1_V1")
        named[int(parts[1]), int(parts[2])] = _checked(path, name, track)
    if not named:
        raise Damaged(path, "no track in it; get it anew")
    probed, meta = [], []
    for (person, video), track in sorted(named.items()):
        shown = ((track[:, 1:] - (HIGH + LOW) / 2) / ((HIGH - LOW) / 2)).astype(np.float32)
        fps = round((len(track) - 1) / float(track[-1, 0] - track[0, 0]))
        none = partial(tracks.nothing, len(track))
        gaps = np.zeros(len(track), bool)
        probed.append(tracks.Track(shown, gaps, none, digest(track), {}))
        about = {"video": f"V{video}", "person": f"P{person}"}
        meta.append(about | {"frames": len(track), "fps": float(fps)})
    meta = pd.DataFrame(meta)
    fps = Counter(meta["fps"]).most_common(1)[0][0]
    return tracks.assemble("ceap360vr", probed, meta, meta["person"], [""] * len(meta), fps)


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: people, films, how much of the annotation stands still."""
    data = load(root)
    steps = np.concatenate([np.diff(track, axis=0) for track in data.valence_arousal])
    still = (steps == 0).all(1).mean()
    rates = sorted({f"{fps:g}" for fps in data.meta["fps"]})
    return Checked(
        len(data),
        f"{data.meta.person.nunique()} people, {data.meta.video.nunique()} films, "
        f"{data.meta.frames.sum()} frames at {' and '.join(rates)} Hz, {100 * still:.0f} % as the "
        "one before",
        duplicates=duplicates([digest(track) for track in data.valence_arousal]),
    )


def _shipped(path: Path) -> list[tuple[Path, str, np.ndarray]]:
    """(file, 'P1_V1', float32 (T, 3)) of each film that one person saw."""
    found = []
    try:
        (person,) = json.loads(guard(path).read_bytes())["ContinuousAnnotation_FrameData"]
        for film in person["Video_Annotation_FrameData"]:
            steps = film["TimeStamp_Valence_Arousal"]
            track = [(step["TimeStamp"], step["Valence"], step["Arousal"]) for step in steps]
            name = f"P{person['ParticipantID']}_{film['VideoID']}"
            found.append((path, name, np.array(track, np.float32)))
    except (ValueError, KeyError, TypeError) as error:  # ValueError: no JSON, no number
        why = f"not annotation as CEAP-360VR ships it ({type(error).__name__}: {one_line(error)})"
        raise Damaged(path, f"{why}; get it anew") from None
    return found


def _checked(path: Path, name: str, track: np.ndarray) -> np.ndarray:
    if track.dtype.kind != "f" or track.ndim != 2 or track.shape[1] != 3 or len(track) < 2:
        raise Damaged(path, f"{name} is {track.dtype} {track.shape}, expected numbers (T, 3)")
    values = track[:, 1:]
    bad = np.argwhere(~((values >= LOW) & (values <= HIGH)))
    if bad.size:
        value = values[tuple(bad[0])]
        raise Damaged(path, f"{name} holds {value:g} in row {bad[0][0]}, expected {LOW} to {HIGH}")
    if not (np.diff(track[:, 0]) > 0).all() or not np.isfinite(track[[0, -1], 0]).all():
        raise Damaged(path, f"{name} goes back in time; expected seconds that grow")
    return track
