"""Sound and picture of the same 360 clips of RAVDESS, each summed up in a row: 24 actors, 15 clips
each, first statement, first repetition (Livingstone and Russo 2018; others made the features).

In `ravdess_av/`, joined by the number of the clip in the column `file`:

audio_summary.csv    69 features: pitch, formants, loudness, jitter, shimmer, MFCC ...
video_summary.csv    mean and spread of 20 action units, of the mouth's opening, and of seven
                     emotion scores

The scores come from a network that was trained elsewhere: report with and without them. Three
columns of sound have empty cells (EMPTY) and are left out; any other empty cell is damage.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import ravdess, tables
from emolib.data.checks import Checked, duplicates, of_one_file
from emolib.data.files import Damaged
from emolib.data.sim.clip_sets import RAVDESS
from emolib.ground.containers import TableSet, digest
from emolib.ground.errors import EmolibError

ABOUT = ("file", "emotion", "intensity", "actor", "gender")
EMPTY = ("cpp_mean", "cpp_var", "shimmer_apq11")
SCORED = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SCORES = tuple(f"{emotion}_{kind}" for emotion in SCORED for kind in ("mean", "std"))
WORDS = {"fear": "fearful", "surprise": "surprised"}  # where the tables have another than ours
SOUNDS, FACES = 69, 56  # features as shipped, scores among the latter


def load(
    root: Path, *, modality: str = "av", scores: bool = False, damaged: str = "raise"
) -> TableSet:
    """Rows by actor and clip; subject 'Actor_01' ... as in ravdess. columns begin with 'sound: ',
    'face: ' or 'score: '.

    modality   'av' (both tables side by side), 'a' or 'v'
    scores     with the seven emotion scores of a network trained elsewhere?
    damaged    without effect: two files make the set
    meta       image (the clip's number), code (1 to 8), intensity, actor (from 0)
    """
    if modality not in ("a", "v", "av"):
        raise EmolibError(f"ravdess_av: modality '{modality}' is not known: expected a, v or av")
    sound, columns, meta = _read(Path(root) / "ravdess_av" / "audio_summary.csv", SOUNDS)
    face, names, other = _read(Path(root) / "ravdess_av" / "video_summary.csv", FACES)
    if meta["image"].tolist() != other["image"].tolist():
        odd = sorted(set(meta["image"]) ^ set(other["image"]))[0]
        path = Path(root) / "ravdess_av" / "video_summary.csv"
        raise Damaged(path, f"clip {odd} is in one of the two tables only; get both anew")
    kept = ["a" in modality] * len(columns)
    kept += ["v" in modality and (scores or not name.startswith("score")) for name in names]
    return TableSet(
        name="ravdess_av",
        source="real",
        columns=tuple(np.array(columns + names)[kept]),
        features=np.hstack([sound, face])[:, kept],
        label=[EMOTIONS.index(RAVDESS[code - 1]) for code in meta["code"]],
        subject=meta.pop("subject"),
        split=[""] * len(meta),
        meta=meta,
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: actors, features of either kind, rows that stand twice."""
    data = load(root, scores=True)
    kinds = pd.Series([column.split(":")[0] for column in data.columns]).value_counts()
    kinds = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return Checked(
        len(data),
        f"{len(set(data.subject))} actors; {kinds} columns, {len(EMPTY)} with gaps left out",
        duplicates=duplicates([digest(row) for row in data.features]),
    )


def _read(path: Path, count: int) -> tuple[np.ndarray, list[str], pd.DataFrame]:
    """Features (N, F) by clip, what they are called, who and what the clips show."""
    table = tables.read(path, ABOUT)
    columns = [name for name in table.columns if name not in ABOUT]
    if len(columns) != count:
        raise Damaged(path, f"{len(columns)} features, expected {count}; get it anew")
    columns = [name for name in columns if name not in EMPTY]
    kind = "sound" if count == SOUNDS else "face"
    names = [f"{'score' if name in SCORES else kind}: {name}" for name in columns]
    rows = [_clip(table, line) for line in range(len(table.rows))]
    meta = pd.DataFrame(rows).sort_values(["subject", "image"])
    if meta["image"].duplicated().any():
        twice = meta["image"][meta["image"].duplicated()].iloc[0]
        raise Damaged(path, f"clip {twice} stands twice; remove the wrong line")
    return table.numbers(columns)[meta.index], names, meta.reset_index(drop=True)


def _clip(table: tables.Table, k: int) -> dict:
    """What the name of a row's clip says, checked against the row's other cells."""
    cells = {column: table.rows[k][place].strip() for column, place in table.columns.items()}
    row = ravdess.named(table.path, Path(cells["file"]).stem)[1]
    said = {"emotion": WORDS.get(row["emotion"], row["emotion"]), "actor": str(row["actor"] + 1)}
    said["intensity"] = str(row["intensity"])
    for column, expected in said.items():
        if cells[column] != expected:
            raise table.odd(k + 2, column, cells[column], f"{expected}, as in {cells['file']}")
    return {name: row[name] for name in ("image", "code", "intensity", "actor", "subject")}
