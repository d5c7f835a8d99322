"""RaFD, the Radboud Faces Database: 67 people x 8 emotions x 3 gazes x 5 camera angles (Langner et al. 2010).

`rafd/Rafd090_01_Caucasian_female_angry_frontal.jpg`, 681 x 1024 in colour, in one folder or in folders below it.
The name says everything: angle (0 to 180, 90 is frontal), model, group, gender, emotion, gaze.

Whole, the 8,040 pictures take 17 GB of memory. They are read at a height of 256 pixels (170 wide: 1 GB for all
angles, 210 MB for one); `size` and `angles` change that. Finding the face is left to the features.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import pictures
from emolib.data.checks import Checked, repeats, told
from emolib.data.files import Damaged, digest_of, settle
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

NAMES = {
    "angry": "angry",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happy",
    "neutral": "neutral",
    "sad": "sad",
    "surprised": "surprise",
}  # in the file name: in EMOTIONS
ANGLES = (0, 45, 90, 135, 180)
GAZES = ("left", "frontal", "right")
FIELDS = ("angle", "model", "ethnicity", "gender", "code", "gaze")


def load(
    root: Path,
    *,
    angles: Collection[int] | None = None,
    size: int | None = 256,
    damaged: str = "raise",
) -> ImageSet:
    """uint8 (N, H, W, 3) RGB, by file name; subject = model ('01' ...). The set has no split.

    angles    camera angles to read, of 0, 45, 90, 135, 180 (None: all)
    size      height in pixels, never enlarged; None: as they are
    damaged   'skip' leaves out damaged files and ones whose names do not tell what they show
    meta: image (file name), angle, model, ethnicity, gender, code (the emotion as the set calls it), gaze.
    """
    wanted = ANGLES if angles is None else tuple(angles)
    unknown = [a for a in wanted if a not in ANGLES]
    if unknown:
        raise EmolibError(
            f"angles: {unknown[0]} is not known, expected some of {', '.join(map(str, ANGLES))}"
        )
    paths, fields, bad = _named(Path(root))
    take = [i for i, f in enumerate(fields) if f["angle"] in wanted]
    paths, fields = [paths[i] for i in take], {paths[i]: fields[i] for i in take}
    paths, sizes, broken = pictures.alike(paths)
    images, kept, unread = pictures.stack(paths, pictures.common(sizes, size), grey=False)
    settle(bad + broken + unread, damaged)
    paths = [path for path, k in zip(paths, kept) if k]
    if not paths:
        raise EmolibError(
            f"{Path(root) / 'rafd'}: no usable picture of the angles {', '.join(map(str, wanted))}"
        )
    table = pd.DataFrame([{"image": path.name} | fields[path] for path in paths])
    return ImageSet(
        name="rafd",
        source="real",
        images=images,
        label=[EMOTIONS.index(NAMES[c]) for c in table["code"]],
        subject=table["model"].to_numpy(str),
        split=np.full(len(table), ""),
        meta=table,
    )


def check(root: Path) -> Checked:
    """For the doctor: pictures, models, emotions, angles, gazes. Pictures are not decoded, only looked at."""
    paths, fields, bad = _named(Path(root))
    fields = dict(zip(paths, fields))
    paths, _, broken = pictures.alike(paths)
    told_of = pd.DataFrame([fields[path] for path in paths], columns=list(FIELDS))
    content = np.array([digest_of(path) for path in paths])
    parts = [
        f"{told_of[field].nunique()} {what}"
        for field, what in (
            ("model", "models"),
            ("code", "emotions"),
            ("angle", "angles"),
            ("gaze", "gazes"),
        )
    ]
    return Checked(
        len(paths),
        ", ".join(parts),
        [(e.path, e.why) for e in bad + broken],
        duplicates=told(repeats(content, np.full(len(content), ""))),
    )


def fields_of(path: Path) -> dict:
    """What a file name says: angle, model, ethnicity, gender, code, gaze. Raises Damaged for a name that says it otherwise."""
    found = re.fullmatch(
        r"Rafd(\d{3})_(\d{2})_([^_]+)_([^_]+)_([^_]+)_([^_]+)\.jpe?g", path.name, re.IGNORECASE
    )
    if not found:
        raise Damaged(
            path,
            "its name is not as Rafd090_01_Caucasian_female_angry_frontal.jpg; the name is its only label",
        )
    told_of = dict(zip(FIELDS, found.groups())) | {"angle": int(found[1])}
    for field, known in (
        ("angle", ANGLES),
        ("gender", ("female", "male")),
        ("code", NAMES),
        ("gaze", GAZES),
    ):
        if told_of[field] not in known:
            raise Damaged(
                path,
                f"its name says {'emotion' if field == 'code' else field} '{told_of[field]}', "
                f"expected {', '.join(map(str, known))}",
            )
    return told_of


def _named(root: Path) -> tuple[list[Path], list[dict], list[Damaged]]:
    """Pictures directly in rafd/ and one folder below, by name, with what their names say."""
    place, bad = root / "rafd", []
    paths = pictures.files(place, bad, (".jpg", ".jpeg")) + [
        path
        for folder in pictures.folders(place, bad)
        for path in pictures.files(folder, bad, (".jpg", ".jpeg"))
    ]
    good, fields = [], []
    for path in sorted(paths, key=lambda p: (p.name, p)):
        try:
            fields.append(fields_of(path))
            good.append(path)
        except Damaged as error:
            bad.append(error)
    return good, fields, bad
