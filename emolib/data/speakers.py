"""VoxCeleb1: voices of 1,251 people, to tell apart (Nagrani et al. 2017; chang2021, 5.3.2).

`speakers/wav/id10001/<film>/00001.wav`, as the archives of VoxCeleb1 unpack, or
`speakers/wav/id10001/00001.wav`; wav or flac. The last fifth of each person's clips, sorted by film
and number, is the test part: mostly films that training does not hold.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from emolib.data import clips, media
from emolib.data.checks import Checked
from emolib.data.files import Damaged, sift, usable
from emolib.ground.containers import ClipSet


def load(
    root: Path,
    *,
    damaged: str = "raise",
    rate: int | None = 16_000,
    people: int | None = None,
    each: int | None = None,
) -> ClipSet:
    """Clips by person, film and number; label = person, classes = their ids, split = train, test.

    people, each   only the first so many people, and the first so many clips of each (all by
                   default)
    meta           subject, film ('' where there is none), image
    """
    where = Path(root) / "speakers"
    paths, rows = usable(_files(where), partial(_parse, where), damaged)
    names = tuple(sorted({row["subject"] for row in rows})[:people])
    chosen = []
    for name in names:
        own = [(path, row) for path, row in zip(paths, rows) if row["subject"] == name][:each]
        for k, (path, row) in enumerate(own):
            part = "train" if k < 0.8 * len(own) else "test"
            chosen.append(clips.Clip(row | {"split": part}, sound=path))
    return clips.assemble(
        "speakers", chosen, damaged=damaged, rate=rate, where=where, classes=names, label="subject"
    )


def check(root: Path) -> Checked:
    """For the doctor: people with a usable clip; headers only, for there are 150,000."""
    where = Path(root) / "speakers"
    paths, rows, broken = sift(_files(where), partial(_parse, where))
    person = {path: row["subject"] for path, row in zip(paths, rows)}
    good, sounds, unread = sift(paths, media.probe_sound)
    people = {person[path] for path in good}
    hours = sum(sound.seconds for sound in sounds) / 3600
    return Checked(
        len(people),
        f"{clips.count_of(len(good), 'clip')} of {len(people)} people, {hours:.1f} hours",
        broken + unread,
    )


def _files(where: Path) -> list[Path]:
    return clips.find(where / "wav", media.SOUNDS)


def _parse(where: Path, path: Path) -> dict:
    """Row of meta of a file, from its place."""
    parts = path.relative_to(where / "wav").parts
    if len(parts) not in (2, 3) or not re.fullmatch(r"id\d+", parts[0]):
        raise Damaged(
            path,
            "expected wav/idNNNNN/<film>/NNNNN.wav or wav/idNNNNN/NNNNN.wav; "
            "move it or take it out of the folder",
        )
    film = parts[1] if len(parts) == 3 else ""
    return {"subject": parts[0], "film": film, "image": path.stem}
