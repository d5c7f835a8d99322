"""FER2013: 35,887 grey faces of 48 x 48 pixels, seven emotions (Goodfellow et al. 2013).

In `fer2013/`, the first of these that is there is read:

fer2013.csv[.xz|.gz]     emotion, pixels, Usage: the original table
icml_face_data.csv       the same rows with the columns in another order
train.csv, test.csv      the table of the competition: no Usage. Rows of train.csv are 'Training'.
                         The test rows come without labels and are then left out (the doctor counts
                         them); with labels they are 'Test', PublicTest and PrivateTest mixed.
train/<emotion>/*.png|jpg, test/<emotion>/...     pictures. A name that begins with Training,
PublicTest or
                         PrivateTest tells the part; other test pictures are 'Test'.

The set's codes 0 to 6 (angry disgust fear happy sad surprise neutral) are the first seven of
EMOTIONS. Nobody in it has a name. `subject` is the content of the picture instead: pixel-identical
pictures share one, so that splits by subject keep duplicates on one side.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import pictures
from emolib.data.catalog import FER2013 as TABLES
from emolib.data.checks import Checked, content_of, duplicates, of_one_file
from emolib.data.files import BREAKS_OFF, PACKED, Damaged, guard, settle
from emolib.data.kept import parsed
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

SIDE = 48
CODES = EMOTIONS[:7]
USAGES = ("Training", "PublicTest", "PrivateTest")
MIXED = "Test"  # a test picture of which nobody says which test it is
FORMAT = "fer2013-1"
HEADS = ({"emotion", "pixels", "usage"}, {"emotion", "pixels"}, {"pixels"})
PIXEL = "expected a whole number from 0 to 255"


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """Labelled pictures, uint8 (N, 48, 48) in file order; split = Usage; meta: row, code.

    damaged   'skip' leaves out damaged picture files. A damaged row of a table is refused either
              way: a table with a bad row is not the table its holders ship.
    Raises Damaged with the file and its line, row or picture. Keeps a parsed copy of a table in the
    cache folder.
    """
    faces, bad, _ = _gather(Path(root))
    settle(bad, damaged)
    if not len(faces["code"]):
        raise EmolibError(
            f"{Path(root) / 'fer2013'}: no labelled picture in it; get the set anew from Kaggle"
        )
    return ImageSet(
        name="fer2013",
        source="real",
        images=faces["images"],
        label=faces["code"],
        subject=faces["content"].astype(str),
        split=faces["usage"],
        meta=pd.DataFrame({"row": faces["row"], "code": faces["code"]}),
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: pictures of each part and class, repeats, pictures with two labels."""
    faces, bad, unlabelled = _gather(Path(root))
    code, usage, content = faces["code"], faces["usage"], faces["content"]
    parts = [f"{(usage == u).sum()} {u}" for u in (*USAGES, MIXED) if (usage == u).any()]
    counts = [f"{n} {name}" for name, n in zip(CODES, np.bincount(code, minlength=7))]
    detail = f"{', '.join(parts)}; {', '.join(counts)}"
    if unlabelled:
        detail += f"; {unlabelled} test rows without labels, not used"
    labelled = np.unique(np.rec.fromarrays([content, code])).f0  # each picture once for each label
    two = (np.unique(labelled, return_counts=True)[1] > 1).sum()
    lines = [duplicates(content, usage)]
    if two:
        lines.append(f"{two} distinct images carry two labels or more")
    return Checked(len(code), detail, bad, "; ".join(filter(None, lines)))


def table(root: Path) -> Path:
    """The table with all three parts, in FERPlus' order; EmolibError where there is none."""
    source = _table(Path(root) / "fer2013")
    if source is None:
        raise EmolibError(
            f"{Path(root) / 'fer2013'}: none of {', '.join(TABLES)} is there; "
            "rows cannot be told without the original table"
        )
    return source


def read(path: Path) -> dict[str, np.ndarray]:
    """A table in any form: images uint8 (N, 48, 48), code int64, usage str, content bytes (N,).

    code is -1 in a file without labels, usage '' in one without Usage. The parsed copy is used if
    there is one.
    """
    return parsed(Path(path), FORMAT, _parse)


def _table(place: Path) -> Path | None:
    return next((place / name for name in TABLES if os.path.lexists(place / name)), None)


def _gather(root: Path) -> tuple[dict[str, np.ndarray], list[Damaged], int]:
    """(usable rows as `read` gives them; what is wrong with others; rows without labels)."""
    place = root / "fer2013"
    source = _table(place)
    if source is not None:
        faces = read(source)
        if (faces["code"] < 0).any() or (faces["usage"] == "").any():
            raise Damaged(
                source, "its first line lacks emotion or Usage; get the original table anew"
            )
        return _joined([faces]), [], 0
    if not os.path.lexists(place / "train.csv"):
        return *_folders(place), 0
    train = read(place / "train.csv")
    if (train["code"] < 0).any():
        raise Damaged(
            place / "train.csv",
            "its first line lacks emotion; a training table without labels cannot be used",
        )
    parts, unlabelled = [_named(train, USAGES[0])], 0
    if os.path.lexists(place / "test.csv"):
        test = read(place / "test.csv")
        unlabelled = int((test["code"] < 0).sum())
        if not unlabelled:
            parts.append(_named(test, MIXED))
    return _joined(parts), [], unlabelled


def _named(faces: dict, usage: str) -> dict:
    """The part of rows that do not say it."""
    return faces | {"usage": np.where(faces["usage"] == "", usage, faces["usage"])}


def _joined(parts: list[dict]) -> dict:
    """Tables one below the other, and `row`, the number in its own."""
    parts = [part | {"row": np.arange(len(part["code"]))} for part in parts]
    joined = {}
    for name in parts[0]:
        joined[name] = np.concatenate([part[name] for part in parts])
    return joined


def _folders(place: Path) -> tuple[dict, list[Damaged]]:
    paths, code, usage, bad = [], [], [], []
    for part, default in (("train", USAGES[0]), ("test", MIXED)):
        for folder in pictures.folders(place / part, bad):
            if folder.name not in CODES:
                bad.append(Damaged(folder, f"no class of FER2013: expected {', '.join(CODES)}"))
                continue
            for path in pictures.files(folder, bad):
                paths.append(path)
                code.append(CODES.index(folder.name))
                usage.append(next((u for u in USAGES if path.name.startswith(u)), default))
    images, kept, broken = pictures.stack(paths, (SIDE, SIDE), grey=True, exact=True)
    row = np.flatnonzero(kept)
    faces = _faces(images, [code[i] for i in row], [usage[i] for i in row])
    return faces | {"row": row}, bad + broken


def _faces(images, code, usage) -> dict[str, np.ndarray]:
    content = np.array([name[:16] for name in content_of(images)], "S16")
    code, usage = np.asarray(code, np.int64), np.asarray(usage, "U11")
    return {"images": images, "code": code, "usage": usage, "content": content}


# ---- the table


def _parse(path: Path) -> dict[str, np.ndarray]:
    """Line by line, the numbers of each in compiled code: fast, in a tenth of the memory."""
    pixels, code, usage = bytearray(), [], []
    lines = _lines(path)
    columns = _head(path, next(lines, (1, b""))[1])
    for number, line in lines:
        cells = line.split(b",")
        if len(cells) != len(columns):
            raise Damaged(
                path,
                f"line {number} has {len(cells)} cells, expected {len(columns)} "
                f"({', '.join(columns)}); is the file cut short?",
            )
        cells = dict(zip(columns, (cell.strip(b' "') for cell in cells)))
        pixels += _pixels(path, number, cells["pixels"])
        code.append(_code(path, number, cells["emotion"]) if "emotion" in cells else -1)
        usage.append(_usage(path, number, cells["usage"]) if "usage" in cells else "")
    if not code:
        raise Damaged(path, "no rows below its first line; get it anew")
    return _faces(np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE), code, usage)


def _lines(path: Path):
    """(number from 1, line) without blank lines; Damaged when the stream breaks off."""
    guard(path)
    number, packed = 0, PACKED.get(path.suffix, open)
    try:
        with packed(path, "rb") as raw, io.BufferedReader(raw, 1 << 20) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip(b"\r\n")
    except BREAKS_OFF as error:
        raise Damaged(
            path,
            f"the compressed data breaks off after line {number} ({error}); "
            "it is cut short or damaged, get it anew",
        ) from None
    except OSError as error:
        why = f"cannot be read beyond line {number} ({error.strerror or error})"
        raise Damaged(path, why) from None


def _head(path: Path, line: bytes) -> list[str]:
    columns = [cell.strip(' "').lower() for cell in line.decode("utf-8-sig", "replace").split(",")]
    if set(columns) not in HEADS or len(set(columns)) != len(columns):
        raise Damaged(path, f"line 1 is '{','.join(columns)[:60]}', expected emotion,pixels,Usage")
    return columns


def _pixels(path: Path, number: int, text: bytes) -> bytes:
    if text.translate(None, b"0123456789 "):
        word = next((word for word in text.split() if not word.isdigit()), text)
        raise Damaged(path, f"line {number}: pixel '{_shown(word)}', {PIXEL}")
    values = np.fromstring(text, np.int64, sep=" ") if text else np.empty(0, np.int64)
    if len(values) != SIDE * SIDE:
        raise Damaged(
            path,
            f"line {number} holds {len(values)} pixels, expected {SIDE * SIDE}; "
            "is the file cut short?",
        )
    if values.max() > 255:
        raise Damaged(path, f"line {number}: pixel {values.max()}, {PIXEL}")
    return values.astype(np.uint8).tobytes()


def _code(path: Path, number: int, cell: bytes) -> int:
    if len(cell) != 1 or cell not in b"0123456":
        raise Damaged(path, f"line {number}: emotion '{_shown(cell)}', expected 0 to 6")
    return int(cell)


def _usage(path: Path, number: int, cell: bytes) -> str:
    usage = cell.decode(errors="replace")
    if usage not in USAGES:
        raise Damaged(path, f"line {number}: Usage '{usage[:20]}', expected {', '.join(USAGES)}")
    return usage


def _shown(cell: bytes) -> str:
    return cell[:20].decode(errors="replace")
