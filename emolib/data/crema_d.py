"""CREMA-D: 91 actors say twelve sentences in six emotions; 7,442 clips, as sound, as film or both.

`crema_d/AudioWAV/1001_DFA_ANG_XX.wav` (or flac), `crema_d/VideoFlash/....flv`, `crema_d/VideoMP4/....mp4`: actor,
sentence, emotion, level (LO, MD, HI, or XX where none was asked for; one file as shipped ends in X and means XX).
The repository keeps them in Git LFS: a clone without `git lfs pull` has pointers, which are told apart.
`VideoDemographics.csv` (ActorID, Age, Sex, Race, Ethnicity) is joined where it lies in `crema_d/` (Cao et al. 2014).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd

from emolib import EMOTIONS
from emolib.data import clips, media
from emolib.data.checks import Checked
from emolib.data.files import Damaged, guard, usable
from emolib.data.sim.clip_sets import CREMA, CREMA_SENTENCES
from emolib.ground.containers import ClipSet

PLACES = {"AudioWAV": media.SOUNDS, "VideoFlash": (".flv",), "VideoMP4": (".mp4",)}
LEVELS = {
    "LO": 0.6,
    "MD": 1.0,
    "HI": 1.5,
    "XX": 1.0,
}  # and the strength they stand for in the simulator
FIRST, LAST = 1001, 1091
PEOPLE_FILE, PEOPLE = "VideoDemographics.csv", ("ActorID", "Age", "Sex", "Race", "Ethnicity")


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

    modality   'a' from AudioWAV, or from the films of clips that are not there; 'v' films; 'av' films, with the sound
               of AudioWAV where it is there. None: 'av' where there are at least as many films as sounds, else 'a'
    rate, size, grey   as for ravdess
    meta       actor (from 0), emotion, sentence (0 to 11), statement, strength, image, subject, code, level; fps with
               pictures; age, sex, race, ethnicity where VideoDemographics.csv is there
    """
    where = Path(root) / "crema_d"
    files, rows, *_ = clips.gather(_files(where), _parse, clips.loading(damaged))
    modality = modality or clips.default_modality(
        files, lambda kinds: "sound" in kinds, lambda kinds: "film" in kinds
    )
    clips.expect_modality("crema_d", modality)
    _, people = usable([p for p in [where / PEOPLE_FILE] if p.exists()], _people, damaged)
    chosen = []
    for key, kinds in files.items():
        film, sound = kinds.get("film"), kinds.get("sound", kinds.get("film"))
        wanted = (
            {"sound": sound}
            if modality == "a"
            else {"film": film}
            if modality == "v"
            else {"film": film, "sound": sound}
        )
        if all(wanted.values()):
            row = rows[key] | (
                people[0].get(int(rows[key]["subject"]), dict.fromkeys(people[0]["columns"]))
                if people
                else {}
            )
            chosen.append(clips.Clip(row, **wanted))
    return clips.assemble(
        "crema_d",
        chosen,
        lambda row: EMOTIONS.index(row["emotion"]),
        damaged=damaged,
        rate=rate,
        where=where,
        size=size,
        grey=grey,
    )


def check(root: Path) -> Checked:
    """For the doctor: every sound decoded wholly, every film at its ends; clips that have a usable file."""
    where = Path(root) / "crema_d"
    files, rows, spare, damaged = clips.gather(_files(where), _parse, clips.inspect)
    seen, broken = clips.inspect([p for kinds in files.values() for p in kinds.values()])
    people, no_people = clips.inspect([p for p in [where / PEOPLE_FILE] if p.exists()], _people)
    good = {s.path for s in seen}
    usable_ = [key for key, kinds in files.items() if good & set(kinds.values())]
    odd = sum(p.stem.endswith("_X") for p in good)
    emotions = Counter(rows[key]["emotion"] for key in usable_)
    detail = f"{len({key[0] for key in usable_})} actors; {', '.join(f'{n} {e}' for e, n in sorted(emotions.items()))}; {clips.tell(seen)}"
    detail += f"; {odd} named X for XX" if odd else ""
    detail += "; who the actors are" if people else ""
    return Checked(
        len(usable_),
        detail + clips.spared(spare),
        damaged + broken + no_people,
        clips.same([s for s in seen if s.sound and not s.video]),
    )


def _files(where: Path) -> list[Path]:
    there = [
        where / place
        for place in PLACES
        if (where / place).exists() or (where / place).is_symlink()
    ]
    return [p for place in there for p in clips.find(place, PLACES[place.name])]


def _parse(path: Path) -> tuple:
    """((actor, sentence, emotion, level), kind of file, row of meta) of a file, from its name."""
    parts = re.fullmatch(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX|X)", path.stem)
    if not parts:
        raise Damaged(
            path,
            "its name is not ACTOR_SENTENCE_EMOTION_LEVEL such as 1001_DFA_ANG_XX; rename it or take it out of the folder",
        )
    actor, statement, code, level = (
        int(parts[1]),
        parts[2],
        parts[3],
        parts[4].replace("XX", "X").replace("X", "XX"),
    )
    for what, value, known in (
        ("sentence", statement, CREMA_SENTENCES),
        ("emotion", code, tuple(CREMA)),
    ):
        if value not in known:
            raise Damaged(path, f"its name says {what} {value}, expected one of {', '.join(known)}")
    if not FIRST <= actor <= LAST:
        raise Damaged(path, f"its name says actor {actor}, expected {FIRST} to {LAST}")
    sentence = CREMA_SENTENCES.index(statement)
    row = dict(
        actor=actor - FIRST,
        emotion=CREMA[code],
        sentence=sentence,
        strength=LEVELS[level],
        image=path.stem,
        subject=str(actor),
        code=code,
        statement=statement,
        level=level,
    )
    kind = "film" if path.suffix.lower() in media.FILMS else "sound"
    return (actor, sentence, list(CREMA).index(code), list(LEVELS).index(level)), kind, row


def _people(path: Path) -> dict:
    """{actor: {age, sex, race, ethnicity}}, and their names under 'columns'."""
    guard(path)
    try:
        table = pd.read_csv(path, keep_default_na=False, dtype={"ActorID": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise Damaged(
            path, f"not a readable table ({' '.join(str(error).split())[:100]})"
        ) from None
    missing = [c for c in PEOPLE if c not in table.columns]
    if missing:
        raise Damaged(path, f"has no column {missing[0]}; expected {', '.join(PEOPLE)}")
    columns = [c.lower() for c in PEOPLE[1:]]
    odd = [n for n in table["ActorID"] if not re.fullmatch(r"\s*[0-9]{1,9}\s*", str(n))]
    if odd:
        raise Damaged(
            path, f"column ActorID holds something that is no whole number ('{str(odd[0])[:20]}')"
        )
    rows = {
        int(n): dict(zip(columns, values))
        for n, values in zip(
            table["ActorID"], table[list(PEOPLE[1:])].itertuples(index=False, name=None)
        )
    }
    return rows | {"columns": columns}
