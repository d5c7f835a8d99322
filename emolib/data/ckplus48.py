"""CK+ as it is widely copied: the last three frames of 327 sequences, faces cut out, 48 x 48. For
research only, under the agreement of its holders: no face of it is shown or written into results.

In `ckplus48/`:

ckplus48.npz               images uint8 (N, 48, 48), label, subject ('S010'), sequence ('S010_004')
ckplus_facs_emotion.csv    subject, video (the sequence), emotion, AU1 to AU27 (0 or 1): what human
                           coders saw in its last frame

There is no neutral picture. Emotions were admitted by rules about action units, so that from units
to emotion is partly a matter of definition (Lucey et al. 2010).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import tables
from emolib.data.checks import Checked, content_of, duplicates, of_one_file
from emolib.data.files import Damaged, arrays
from emolib.ground.containers import ImageSet

FILE, FACS = "ckplus48.npz", "ckplus_facs_emotion.csv"
NAMES = {"anger": "angry", "contempt": "contempt", "disgust": "disgust", "fear": "fear"}
NAMES |= {"happy": "happy", "sadness": "sad", "surprise": "surprise"}
NUMBERS = (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27)
UNITS = tuple(f"AU{number}" for number in NUMBERS)


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """uint8 (N, 48, 48) grey in file order; subject is the person ('S010'). The set has no split.

    damaged   without effect: two files make the set
    meta      sequence (its frames belong on one side of a split), frame (0 to 2 in it), code (the
              set's word for the emotion), AU1 to AU27 of its sequence
    """
    path = Path(root) / "ckplus48" / FILE
    held = arrays(path, "images", "label", "subject", "sequence")
    images = held["images"]
    if images.dtype != np.uint8 or images.shape[1:] != (48, 48) or not len(images):
        raise Damaged(path, f"images are {images.dtype} {images.shape}, expected uint8 (N, 48, 48)")
    for name in ("label", "subject", "sequence"):
        column = held[name]
        if column.dtype.kind != "U" or column.shape != (len(images),):
            wrong = f"{name} is {column.dtype} {column.shape}, expected a word a picture"
            raise Damaged(path, f"{wrong} ({len(images)})")
    meta = pd.DataFrame({"sequence": held["sequence"], "code": held["label"]})
    meta.insert(1, "frame", meta.groupby("sequence").cumcount())
    seen = _facs(path.with_name(FACS))
    for row, (sequence, code) in enumerate(zip(meta["sequence"], meta["code"])):
        if code not in NAMES:
            expected = ", ".join(NAMES)
            raise Damaged(path, f"label of picture {row} is '{code[:20]}', expected {expected}")
        if sequence not in seen.index or not sequence.startswith(f"{held['subject'][row]}_"):
            why = f"sequence of picture {row} is '{sequence[:20]}', of '{held['subject'][row]}'"
            raise Damaged(path, f"{why}; expected one of {FACS} and of the same person")
        if seen.code[sequence] != code:
            why = f"picture {row} of {sequence} shows {code}, {FACS} says {seen.code[sequence]}"
            raise Damaged(path, f"{why}; get both anew")
    units = seen.loc[meta["sequence"], list(UNITS)].reset_index(drop=True)
    return ImageSet(
        name="ckplus48",
        source="real",
        images=images,
        label=[EMOTIONS.index(NAMES[code]) for code in meta["code"]],
        subject=held["subject"],
        split=[""] * len(images),
        meta=meta.join(units),
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: people, sequences, emotions, pictures that stand twice."""
    data = load(root)
    counts = data.meta.code.value_counts().sort_index()
    counts = ", ".join(f"{count} {emotion}" for emotion, count in counts.items())
    return Checked(
        len(data),
        f"{len(set(data.subject))} people, {data.meta.sequence.nunique()} sequences; {counts}",
        duplicates=duplicates(content_of(data.images)),
    )


def _facs(path: Path) -> pd.DataFrame:
    """Of each sequence (index): code and 23 action units, 0 or 1."""
    table = tables.read(path, ("video", "emotion", *UNITS))
    units = table.numbers(UNITS, 0, 1)
    odd = np.argwhere(units != np.round(units))
    if odd.size:
        row, column = odd[0]
        raise table.odd(row + 2, UNITS[column], f"{units[row, column]:g}", "0 or 1")
    table.mapped("emotion", NAMES)
    seen = pd.DataFrame(units.astype(int), columns=UNITS, index=table.text("video"))
    if not seen.index.is_unique:
        twice = seen.index[seen.index.duplicated()][0]
        raise Damaged(path, f"sequence {twice[:20]} stands twice; remove the wrong line")
    return seen.assign(code=table.text("emotion"))
