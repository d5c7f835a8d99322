"""RAVDESS: 24 actors say (or sing) two sentences in eight emotions; sound, pictures or both.

`ravdess/Actor_NN/` or `ravdess/<anything>/Actor_NN/` (as Zenodo's archives unpack) hold
`MM-VV-EE-II-SS-RR-AA.wav`, `.flac` or `.mp4`: modality (01 both, 02 pictures, 03 sound), vocal
channel (01 speech, 02 song), emotion, intensity, statement, repetition, actor. 1,440 clips of
speech: 96 neutral and 192 of each other emotion (Livingstone and Russo 2018).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

from emolib.data import clips, media
from emolib.data.checks import Checked
from emolib.data.files import Damaged, settle
from emolib.data.sim.clip_sets import RAVDESS
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError

# what the seven numbers of a name say, and the highest of each
FIELDS = {"modality": 3, "vocal channel": 2, "emotion": 8, "intensity": 2, "statement": 2}
FIELDS |= {"repetition": 2, "actor": 24}
MODALITIES = ("film", "silent", "sound")  # 01, 02, 03
SUFFIXES = {".wav", ".flac", ".mp4"}
VOCAL = {"speech": 1, "song": 2}
SONG = 6  # the songs show codes 01 to 06 only


def load(
    root: Path,
    *,
    damaged: str = "raise",
    modality: str | None = None,
    vocal: str = "speech",
    rate: int | None = 16_000,
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
) -> ClipSet:
    """The clips of one vocal channel, sorted by actor, emotion, intensity, statement, repetition.

    modality   'a' from 03 files, 'v' from 02, each from 01 films where those are absent; 'av' from
               01 films. None: 'av' where there are at least as many 01 films as sounds, else 'a'
    rate       samples per second when read; None keeps the files' own (48,000 as shipped)
    size, grey   frames as media.read_frames gives them
    meta       actor (from 0), emotion, sentence (from 0), strength (1.0, strong 1.6), image,
               subject ('Actor_01' ...), code (1 to 8), intensity and repetition (1, 2); fps with
               pictures
    Where a clip stands twice (wav and flac), one is taken; see clips.gather.
    """
    if vocal not in VOCAL:
        raise EmolibError(f"ravdess: vocal '{vocal}' is not known: expected 'speech' or 'song'")
    where = Path(root) / "ravdess"
    files, rows, _, refused = clips.gather(clips.find(where, SUFFIXES), partial(_parse, where))
    settle(refused, damaged)
    files = {key: kinds for key, kinds in files.items() if key[0] == VOCAL[vocal]}
    chosen = [
        clips.Clip(rows[key] | {"image": (film or sound).stem}, film, sound)
        for key, film, sound in clips.choose("ravdess", files, modality, own_sound=True)
    ]
    return clips.assemble(
        "ravdess", chosen, damaged=damaged, rate=rate, where=where, size=size, grey=grey
    )


def check(root: Path) -> Checked:
    """For the doctor: sounds decoded wholly, films at their ends; speech with a usable file."""
    where = Path(root) / "ravdess"
    looks = clips.look_into(clips.find(where, SUFFIXES), partial(_parse, where))
    speech = Counter(r["emotion"] for key, r in looks.rows.items() if key[0] == VOCAL["speech"])
    songs = sum(key[0] == VOCAL["song"] for key in looks.rows)
    others = [speech[emotion] for emotion in RAVDESS if emotion != "neutral"]
    each = f"{min(others)}" + (f" to {max(others)}" if max(others) > min(others) else "")
    return looks.checked(
        speech.total(),
        f"{len({key[1] for key in looks.rows})} actors",
        f"{speech['neutral']} neutral, {each} of each other emotion",
        clips.tell(looks.seen),
        clips.count_of(songs, "song") if songs else "",
    )


def _parse(where: Path, path: Path) -> tuple:
    """((vocal, actor, code, intensity, statement, repetition), kind of file, row) of a name."""
    key, row, modality = named(path, path.stem)
    if (path.suffix.lower() in media.SOUNDS) != (modality == 3):
        raise Damaged(
            path,
            f"its name says modality {modality:02d}, its ending {path.suffix}: "
            "sound (03) is wav or flac, films (01, 02) are mp4",
        )
    if path.parent.name != row["subject"]:
        here, actor = path.parent.relative_to(where.parent), row["actor"] + 1
        raise Damaged(
            path, f"of actor {actor:02d} by its name, in folder {here}; expected {row['subject']}"
        )
    return key, MODALITIES[modality - 1], row


def named(path: Path, stem: str) -> tuple[tuple, dict, int]:
    """What the name of a clip says: the key that sorts it, its row of meta, its modality.

    path   of the clip, or of the table that names it: for what an error says
    """
    if not re.fullmatch(r"\d\d(-\d\d){6}", stem):
        raise Damaged(
            path,
            f"the name '{stem[:30]}' is not MM-VV-EE-II-SS-RR-AA, seven numbers of two digits; "
            "rename it or take it out",
        )
    numbers = [int(number) for number in stem.split("-")]
    for (field, highest), value in zip(FIELDS.items(), numbers):
        if not 1 <= value <= highest:
            raise Damaged(path, f"its name says {field} {value:02d}, expected 01 to {highest:02d}")
    modality, vocal, code, intensity, statement, repetition, actor = numbers
    if code == 1 and intensity == 2:
        raise Damaged(
            path, "its name says neutral at strong intensity, which the set does not have"
        )
    if vocal == VOCAL["song"] and code > SONG:
        raise Damaged(
            path, f"its name says a song with emotion {code:02d}, expected 01 to {SONG:02d}"
        )
    row = {"actor": actor - 1, "emotion": RAVDESS[code - 1], "sentence": statement - 1}
    row |= {"strength": 1.0 + 0.6 * (intensity - 1), "image": stem, "subject": f"Actor_{actor:02d}"}
    row |= {"code": code, "intensity": intensity, "repetition": repetition}
    key = (vocal, actor, code, intensity, statement, repetition)
    return key, row, modality
