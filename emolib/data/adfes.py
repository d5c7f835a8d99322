"""ADFES: 22 models show nine emotions and a neutral face; 216 silent films from the front, 25 fps.

`adfes/F01-Joy-Face Forward.mp4` or in a folder below; avi, mpg and mpeg as well. The set also has
films of models who turn towards or away from the viewer: other views, left out unless asked for. Of
the models 12 are Northern European and 10 Mediterranean; the names do not say which (van der Schalk
et al. 2011).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from emolib.data import clips
from emolib.data.checks import Checked
from emolib.data.files import Damaged, settle
from emolib.data.sim.clip_sets import ADFES
from emolib.ground.containers import ClipSet
from emolib.ground.errors import EmolibError

VIEWS = {"forward": r"face[ _]?forward", "toward": r"turn[ _]?towards?", "away": r"turn[ _]?away"}
WORDS = {word.lower(): emotion for emotion, word in ADFES.items()}
WORDS["embarrassment"] = "embarrassment"
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
    size, grey   frames as media.read_frames gives them
    meta   image (file name), code (the set's own word), emotion, view, fps
    """
    if view not in (*VIEWS, "all"):
        raise EmolibError(
            f"adfes: view '{view}' is not known: expected forward, toward, away or all"
        )
    where = Path(root) / "adfes"
    files, rows, _, refused = clips.gather(clips.find(where, FILMS), _parse)
    settle(refused, damaged)
    chosen = [
        clips.Clip(rows[key], film=kinds["film"])
        for key, kinds in files.items()
        if view in (rows[key]["view"], "all")
    ]
    return clips.assemble(
        "adfes", chosen, damaged=damaged, rate=None, where=where, size=size, grey=grey
    )


def check(root: Path) -> Checked:
    """For the doctor: every film at its ends; front films that are usable."""
    looks = clips.look_into(clips.find(Path(root) / "adfes", FILMS), _parse)
    views = Counter(row["view"] for row in looks.rows.values())
    front = [row for row in looks.rows.values() if row["view"] == "forward"]
    models, emotions = {row["subject"] for row in front}, {row["emotion"] for row in front}
    turned = views["toward"] + views["away"]
    return looks.checked(
        len(front),
        f"{len(models)} models, {len(emotions)} emotions",
        clips.tell(looks.seen),
        f"{turned} of them with models who turn, left out unless asked for" if turned else "",
        films=True,
    )


def _parse(path: Path) -> tuple:
    """((model, emotion, view), 'film', row of meta) of a file, from its name."""
    parts = re.fullmatch(r"([FM])(\d\d)-([A-Za-z]+)-(.+)", path.stem)
    said = parts[4] if parts else ""
    shown = [view for view, words in VIEWS.items() if re.fullmatch(words, said, re.IGNORECASE)]
    if not shown:
        raise Damaged(
            path,
            "its name is not MODEL-EMOTION-VIEW such as 'F01-Joy-Face Forward' "
            "(or Turn Toward, Turn Away); rename it or take it out of the folder",
        )
    sex, number, word, _ = parts.groups()
    model, view, emotion = sex + number, shown[0], WORDS.get(word.lower())
    if emotion is None:
        expected = ", ".join(ADFES.values())
        raise Damaged(path, f"its name says emotion {word}, expected one of {expected}")
    if not 1 <= int(number) <= MODELS:
        raise Damaged(path, f"its name says model {model}, expected numbers 01 to {MODELS}")
    row = {"image": path.name, "code": ADFES[emotion], "emotion": emotion, "view": view}
    row["subject"] = model
    return (model, list(ADFES).index(emotion), list(VIEWS).index(view)), "film", row
