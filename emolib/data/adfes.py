"""ADFES: 22 models show nine emotions and a neutral face on film; 216 films seen from the front, silent, 25 a second.

`adfes/F01-Joy-Face Forward.mp4` or in a folder below; avi, mpg and mpeg as well. The set also has films of models who
turn towards or away from the viewer: other views, left out unless asked for. Of the models 12 are Northern European and
10 Mediterranean; the names do not say which (van der Schalk, Hawk, Fischer and Doosje 2011).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from emolib import EMOTIONS
from emolib.data import clips
from emolib.data.checks import Checked
from emolib.data.files import Damaged
from emolib.data.sim.clip_sets import ADFES
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError

VIEWS = {"forward": r"face[ _]?forward", "toward": r"turn[ _]?towards?", "away": r"turn[ _]?away"}
WORDS = {word.lower(): emotion for emotion, word in ADFES.items()} | {
    "embarrassment": "embarrassment"
}
FILMS = (".mp4", ".avi", ".mpg", ".mpeg")
MODELS = 22


def load(
    root: Path,
    *,
    damaged: str = "raise",
    view: str = "forward",
    size: int | tuple[int, int] | None = None,
    grey: bool = False,
) -> ClipSet:
    """Films of one view, sorted by model and emotion; subject is the model ('F01').

    view   'forward' (the 216 of the paper), 'toward', 'away' (the models turn), or 'all'
    meta   image (file name), code (the set's own word), emotion, view, fps
    """
    if view not in (*VIEWS, "all"):
        raise EmolibError(
            f"adfes: view '{view}' is not known: expected forward, toward, away or all"
        )
    where = Path(root) / "adfes"
    files, rows, *_ = clips.gather(clips.find(where, FILMS), _parse, clips.loading(damaged))
    chosen = [
        clips.Clip(rows[key], film=kinds["film"])
        for key, kinds in files.items()
        if view in (rows[key]["view"], "all")
    ]
    return clips.assemble(
        "adfes",
        chosen,
        lambda row: EMOTIONS.index(row["emotion"]),
        damaged=damaged,
        rate=None,
        where=where,
        size=size,
        grey=grey,
    )


def check(root: Path) -> Checked:
    """For the doctor: every film at its ends; front films that are usable."""
    files, rows, spare, damaged = clips.gather(
        clips.find(Path(root) / "adfes", FILMS), _parse, clips.inspect
    )
    seen, broken = clips.inspect([kinds["film"] for kinds in files.values()])
    good = {s.path for s in seen}
    usable = [rows[key] for key, kinds in files.items() if kinds["film"] in good]
    views = Counter(row["view"] for row in usable)
    front = [row for row in usable if row["view"] == "forward"]
    detail = f"{len({row['subject'] for row in front})} models, {len({row['emotion'] for row in front})} emotions; {clips.tell(seen)}"
    turned = views["toward"] + views["away"]
    detail += (
        f"; {turned} of them with models who turn, left out unless asked for" if turned else ""
    )
    return Checked(len(front), detail + clips.spared(spare), damaged + broken, clips.same(seen))


def _parse(path: Path) -> tuple:
    """((model, emotion, view), 'film', row of meta) of a file, from its name."""
    parts = re.fullmatch(r"([FM])(\d\d)-([A-Za-z]+)-(.+)", path.stem)
    view = next(
        (v for v, words in VIEWS.items() if parts and re.fullmatch(words, parts[4], re.IGNORECASE)),
        None,
    )
    if view is None:
        raise Damaged(
            path,
            "its name is not MODEL-EMOTION-VIEW such as 'F01-Joy-Face Forward' (or Turn Toward, Turn Away); "
            "rename it or take it out of the folder",
        )
    emotion = WORDS.get(parts[3].lower())
    if emotion is None:
        raise Damaged(
            path, f"its name says emotion {parts[3]}, expected one of {', '.join(ADFES.values())}"
        )
    if not 1 <= int(parts[2]) <= MODELS:
        raise Damaged(
            path, f"its name says model {parts[1]}{parts[2]}, expected numbers 01 to {MODELS}"
        )
    model = parts[1] + parts[2]
    row = dict(image=path.name, code=ADFES[emotion], emotion=emotion, view=view, subject=model)
    return (model, list(ADFES).index(emotion), list(VIEWS).index(view)), "film", row
