"""RaFD, the Radboud Faces Database: 67 people, 8 emotions, 3 gazes, 5 angles (Langner 2010).

`rafd/Rafd090_01_Caucasian_female_angry_frontal.jpg`, 681 x 1024 in colour, in one folder or in
folders below it. The name says everything: angle (0 to 180, 90 is frontal), model, group, gender,
emotion, gaze.

Whole, the 8,040 pictures take 17 GB of memory. They are read at a height of 256 pixels (170 wide: 1
GB for all angles, 210 MB for one); `size` and `angles` change that. Finding the face is left to the
features.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from emolib import EMOTIONS
from emolib.data import pictures
from emolib.data.checks import Checked, duplicates
from emolib.data.files import Damaged, digest_of, sift
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

# in the file name: in EMOTIONS
NAMES = {"angry": "angry", "contemptuous": "contempt", "disgusted": "disgust", "fearful": "fear"}
NAMES |= {"happy": "happy", "neutral": "neutral", "sad": "sad", "surprised": "surprise"}
ANGLES = (0, 45, 90, 135, 180)
GAZES = ("left", "frontal", "right")
FIELDS = ("angle", "model", "ethnicity", "gender", "code", "gaze")
KNOWN = {"angle": ANGLES, "gender": ("female", "male"), "code": NAMES, "gaze": GAZES}


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
    meta: image (file name), angle, model, ethnicity, gender, code (the emotion as the set calls
    it), gaze.
    """
    wanted = ANGLES if angles is None else tuple(angles)
    unknown = [angle for angle in wanted if angle not in ANGLES]
    if unknown:
        known = ", ".join(map(str, ANGLES))
        raise EmolibError(f"angles: {unknown[0]} is not known, expected some of {known}")
    fields, bad = _named(Path(root))
    taken = [path for path, said in fields.items() if said["angle"] in wanted]
    images, shapes = pictures.load(taken, size, grey=False, bad=bad, damaged=damaged)
    if not shapes:
        several = ", ".join(map(str, wanted))
        raise EmolibError(f"{Path(root) / 'rafd'}: no usable picture of the angles {several}")
    meta = pd.DataFrame([{"image": path.name} | fields[path] for path in shapes])
    return ImageSet(
        name="rafd",
        source="real",
        images=images,
        label=[EMOTIONS.index(NAMES[code]) for code in meta["code"]],
        subject=meta["model"].to_numpy(str),
        split=[""] * len(meta),
        meta=meta,
    )


def check(root: Path) -> Checked:
    """For the doctor: pictures (not decoded), models, emotions, angles, gazes."""
    fields, bad = _named(Path(root))
    paths, _, broken = pictures.alike(fields)
    count = pd.DataFrame([fields[path] for path in paths], columns=list(FIELDS)).nunique()
    return Checked(
        len(paths),
        f"{count['model']} models, {count['code']} emotions, {count['angle']} angles, "
        f"{count['gaze']} gazes",
        bad + broken,
        duplicates([digest_of(path) for path in paths]),
    )


def fields_of(path: Path) -> dict:
    """What a file name says, by FIELDS; Damaged for one that says it otherwise."""
    parts = re.fullmatch(
        r"Rafd(\d{3})_(\d{2})_([^_]+)_([^_]+)_([^_]+)_([^_]+)\.jpe?g", path.name, re.IGNORECASE
    )
    if not parts:
        raise Damaged(
            path,
            "its name is not as Rafd090_01_Caucasian_female_angry_frontal.jpg; "
            "the name is its only label",
        )
    fields = dict(zip(FIELDS, parts.groups())) | {"angle": int(parts[1])}
    for field, known in KNOWN.items():
        if fields[field] not in known:
            what = "emotion" if field == "code" else field
            expected = ", ".join(map(str, known))
            raise Damaged(path, f"its name says {what} '{fields[field]}', expected {expected}")
    return fields


def _named(root: Path) -> tuple[dict[Path, dict], list[Damaged]]:
    """{picture: what its name says}, in rafd/ or one folder below; what is wrong with others."""
    place, bad = root / "rafd", []
    paths = [
        path for level in (0, 1) for path in pictures.below(place, level, bad, (".jpg", ".jpeg"))
    ]
    paths, fields, odd = sift(sorted(paths, key=lambda path: (path.name, path)), fields_of)
    return dict(zip(paths, fields)), bad + odd
