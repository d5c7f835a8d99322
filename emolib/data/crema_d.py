"""CREMA-D: 91 actors say twelve sentences in six emotions; 7,442 clips, as sound, as film or both.

`crema_d/AudioWAV/1001_DFA_ANG_XX.wav` (or flac), `crema_d/VideoFlash/....flv`,
`crema_d/VideoMP4/....mp4`: actor, sentence, emotion, level (LO, MD, HI, or XX where none was asked
for; one file as shipped ends in X and means XX). The repository keeps them in Git LFS: a clone
without `git lfs pull` has pointers, which are told apart. `VideoDemographics.csv` (ActorID, Age,
Sex, Race, Ethnicity) is joined where it lies in `crema_d/` (Cao et al. 2014).
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pandas as pd

from emolib.data import clips, media
from emolib.data.checks import Checked
from emolib.data.files import Damaged, guard, one_line, settle, sift, usable
from emolib.data.sim.clip_sets import CREMA, CREMA_SENTENCES
from emolib.ground.containers import ClipSet

PLACES = {"AudioWAV": media.SOUNDS, "VideoFlash": (".flv",), "VideoMP4": (".mp4",)}
LEVELS = {"LO": 0.6, "MD": 1.0, "HI": 1.5, "XX": 1.0}  # strength they stand for in the simulator
FIRST, LAST = 1001, 1091
PEOPLE = ("ActorID", "Age", "Sex", "Race", "Ethnicity")


def load(
    root: Path,
    *,
    damaged: str = "raise",
    modality: str | None = None,
    rate: int | None = 16_000,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
) -> ClipSet:
    """The clips, sorted by actor, sentence, emotion, level; subject is the actor's number as text.

    modality   'a' from AudioWAV, or from the films of clips that are not there; 'v' films; 'av'
               films, with the sound of AudioWAV where it is there. None: as in clips.choose
    rate, size, grey   as for ravdess
    meta       actor (from 0), emotion, sentence (0 to 11), statement, strength, image, subject,
               code, level; fps with pictures; age, sex, race, ethnicity where VideoDemographics.csv
               is there
    """
    where = Path(root) / "crema_d"
    files, rows, _, refused = clips.gather(_files(where), _parse)
    settle(refused, damaged)
    chosen = list(clips.choose("crema_d", files, modality))
    _, tables = usable(_people_file(where), _people, damaged)
    made = []
    for key, film, sound in chosen:
        row = rows[key]
        if tables:
            unknown = dict.fromkeys(_columns())
            row = row | tables[0].get(int(row["subject"]), unknown)
        made.append(clips.Clip(row, film, sound))
    return clips.assemble(
        "crema_d", made, damaged=damaged, rate=rate, where=where, size=size, grey=grey
    )


def check(root: Path) -> Checked:
    """For the doctor: sounds decoded wholly, films at their ends; clips with a usable file."""
    where = Path(root) / "crema_d"
    looks = clips.look_into(_files(where), _parse)
    people, _, broken = sift(_people_file(where), _people)
    odd = sum(look.path.stem.endswith("_X") for look in looks.seen)
    emotions = Counter(row["emotion"] for row in looks.rows.values())
    return looks.checked(
        len(looks.rows),
        f"{len({key[0] for key in looks.rows})} actors",
        ", ".join(f"{count} {emotion}" for emotion, count in sorted(emotions.items())),
        clips.tell(looks.seen),
        f"{odd} named X for XX" if odd else "",
        "who the actors are" if people else "",
        broken=broken,
    )


def _files(where: Path) -> list[Path]:
    there = [place for place in PLACES if os.path.lexists(where / place)]
    return [path for place in there for path in clips.find(where / place, PLACES[place])]


def _parse(path: Path) -> tuple:
    """((actor, sentence, emotion, level), kind of file, row of meta) of a file, from its name."""
    parts = re.fullmatch(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX|X)", path.stem)
    if not parts:
        raise Damaged(
            path,
            "its name is not ACTOR_SENTENCE_EMOTION_LEVEL such as 1001_DFA_ANG_XX; "
            "rename it or take it out of the folder",
        )
    number, statement, code, level = parts.groups()
    actor, level = int(number), "XX" if level == "X" else level
    if statement not in CREMA_SENTENCES:
        expected = ", ".join(CREMA_SENTENCES)
        raise Damaged(path, f"its name says sentence {statement}, expected one of {expected}")
    if code not in CREMA:
        raise Damaged(path, f"its name says emotion {code}, expected one of {', '.join(CREMA)}")
    if not FIRST <= actor <= LAST:
        raise Damaged(path, f"its name says actor {actor}, expected {FIRST} to {LAST}")
    sentence = CREMA_SENTENCES.index(statement)
    row = {"actor": actor - FIRST, "emotion": CREMA[code], "sentence": sentence}
    row |= {"strength": LEVELS[level], "image": path.stem, "subject": str(actor)}
    row |= {"code": code, "statement": statement, "level": level}
    kind = "film" if path.suffix.lower() in media.FILMS else "sound"
    return (actor, sentence, list(CREMA).index(code), list(LEVELS).index(level)), kind, row


def _people_file(where: Path) -> list[Path]:
    path = where / "VideoDemographics.csv"
    return [path] if path.exists() else []


def _columns() -> list[str]:
    return [column.lower() for column in PEOPLE[1:]]


def _people(path: Path) -> dict:
    """{actor: {age, sex, race, ethnicity}}."""
    guard(path)
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype={"ActorID": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise Damaged(path, f"not a readable table ({one_line(error)})") from None
    missing = [column for column in PEOPLE if column not in table.columns]
    if missing:
        raise Damaged(path, f"has no column {missing[0]}; expected {', '.join(PEOPLE)}")
    odd = [n for n in table["ActorID"] if not re.fullmatch(r"\s*[0-9]{1,9}\s*", str(n))]
    if odd:
        raise Damaged(
            path, f"column ActorID holds something that is no whole number ('{str(odd[0])[:20]}')"
        )
    facts = table[list(PEOPLE[1:])].itertuples(index=False, name=None)
    return {int(n): dict(zip(_columns(), row)) for n, row in zip(table["ActorID"], facts)}
