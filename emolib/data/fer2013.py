"""FER2013: 35,887 grey faces of 48 x 48 pixels, seven emotions (Goodfellow et al. 2013).

In `fer2013/`, the first of these that is there is read:

fer2013.csv[.xz|.gz]     emotion, pixels, Usage: the original table
icml_face_data.csv       the same rows with the columns in another order
train.csv, test.csv      the table of the competition: no Usage. Rows of train.csv are 'Training'. The test rows
                         come without labels and are then left out (the doctor counts them); with labels they
                         are 'Test', PublicTest and PrivateTest mixed.
train/<emotion>/*.png|jpg, test/<emotion>/...     pictures. A name that begins with Training, PublicTest or
                         PrivateTest tells the part; other test pictures are 'Test'.

The set's codes 0 to 6 (angry disgust fear happy sad surprise neutral) are the first seven of EMOTIONS.
Nobody in it has a name. `subject` is the content of the picture instead: pixel-identical pictures share
one, so that splits by subject keep duplicates on one side.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import pictures
from emolib.data.checks import Checked, content_of, repeats, told
from emolib.data.files import Damaged, guard, settle
from emolib.data.kept import parsed
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

SIDE = 48
CODES = EMOTIONS[:7]
USAGES = ("Training", "PublicTest", "PrivateTest")
MIXED = "Test"  # a test picture of which nobody says which test it is
TABLES = ("fer2013.csv", "fer2013.csv.xz", "fer2013.csv.gz", "icml_face_data.csv")
FORMAT = "fer2013-1"
OPENERS = {".xz": lzma.open, ".gz": gzip.open}


def load(root: Path, *, damaged: str = "raise") -> ImageSet:
    """All labelled pictures: uint8 (N, 48, 48) in file order; split = Usage; meta: row (in its file), code.

    damaged   'skip' leaves out damaged picture files. A damaged row of a table is refused either way: a table
              with a bad row is not the table its holders ship.
    Raises Damaged with the file and its line, row or picture. Keeps a parsed copy of a table in the cache folder.
    """
    found, bad, _ = _gather(Path(root))
    settle(bad, damaged)
    if not len(found["code"]):
        raise EmolibError(
            f"{Path(root) / 'fer2013'}: no labelled picture in it; get the set anew from Kaggle"
        )
    return ImageSet(
        name="fer2013",
        source="real",
        images=found["images"],
        label=found["code"],
        subject=found["content"].astype(str),
        split=found["usage"],
        meta=pd.DataFrame({"row": found["row"], "code": found["code"]}),
    )


def check(root: Path) -> Checked:
    """For the doctor: pictures in each part and class, pictures that stand twice, and those that carry two labels."""
    place = Path(root) / "fer2013"
    try:
        found, bad, unlabelled = _gather(Path(root))
    except Damaged as error:
        return Checked(0, damaged=[(error.path, error.why)])
    except EmolibError as error:
        return Checked(0, damaged=[(place, str(error))])
    code, usage, content = found["code"], found["usage"], found["content"]
    parts = [f"{(usage == u).sum()} {u}" for u in (*USAGES, MIXED) if (usage == u).any()]
    counts = [f"{n} {name}" for name, n in zip(CODES, np.bincount(code, minlength=7))]
    detail = f"{', '.join(parts)}; {', '.join(counts)}" + (
        f"; {unlabelled} test rows without labels, not used" if unlabelled else ""
    )
    lines = [told(repeats(content, usage)), _two_labels(content, code)]
    return Checked(
        len(code), detail, [(e.path, e.why) for e in bad], duplicates="; ".join(filter(None, lines))
    )


def table(root: Path) -> Path:
    """The table with all three parts, in the order that FERPlus follows; raises EmolibError where there is none."""
    source = _table(Path(root) / "fer2013")
    if source is None:
        raise EmolibError(
            f"{Path(root) / 'fer2013'}: none of {', '.join(TABLES)} is there; rows cannot be told without the original table"
        )
    return source


def read(path: Path) -> dict[str, np.ndarray]:
    """A table in any of its forms: images uint8 (N, 48, 48), code int64 (N,), usage str (N,), content bytes (N,).

    code is -1 in a file without labels, usage '' in one without Usage. The parsed copy is used if there is one.
    """
    return parsed(Path(path), FORMAT, _parse)


def _two_labels(content, code) -> str:
    pairs = np.unique(np.rec.fromarrays([content, code])).f0
    n = (np.unique(pairs, return_counts=True)[1] > 1).sum()
    return f"{n} distinct images carry two labels or more" if n else ""


def _table(place: Path) -> Path | None:
    return next((place / name for name in TABLES if os.path.lexists(place / name)), None)


def _gather(root: Path) -> tuple[dict[str, np.ndarray], list[Damaged], int]:
    """(images, code, usage, content and row of what can be used; what is wrong with the rest; rows without labels)."""
    place = root / "fer2013"
    source = _table(place)
    if source is not None:
        found = read(source)
        if (found["code"] < 0).any() or (found["usage"] == "").any():
            raise Damaged(
                source, "its first line lacks emotion or Usage; get the original table anew"
            )
        return found | {"row": np.arange(len(found["code"]))}, [], 0
    if os.path.lexists(place / "train.csv"):
        return _competition(place)
    return *_folders(place), 0


def _competition(place: Path):
    train = read(place / "train.csv")
    if (train["code"] < 0).any():
        raise Damaged(
            place / "train.csv",
            "its first line lacks emotion; a training table without labels cannot be used",
        )
    parts, unlabelled = (
        [train | {"usage": np.where(train["usage"] == "", USAGES[0], train["usage"])}],
        0,
    )
    if os.path.lexists(place / "test.csv"):
        test = read(place / "test.csv")
        unlabelled = int((test["code"] < 0).sum())
        if not unlabelled:
            parts.append(test | {"usage": np.where(test["usage"] == "", MIXED, test["usage"])})
    found = {name: np.concatenate([p[name] for p in parts]) for name in train}
    return (
        found | {"row": np.concatenate([np.arange(len(p["code"])) for p in parts])},
        [],
        unlabelled,
    )


# ---------------------------------------------------------------- folders of pictures


def _folders(place: Path):
    paths, code, usage, bad = [], [], [], []
    for part, named in (("train", USAGES[0]), ("test", MIXED)):
        for folder in pictures.folders(place / part, bad):
            if folder.name not in CODES:
                bad.append(Damaged(folder, f"no class of FER2013: expected {', '.join(CODES)}"))
                continue
            for path in pictures.files(folder, bad):
                paths.append(path)
                code.append(CODES.index(folder.name))
                usage.append(next((u for u in USAGES if path.name.startswith(u)), named))
    images, kept, broken = pictures.stack(paths, (SIDE, SIDE), grey=True, exact=True)
    found = {
        "images": images,
        "code": np.array(code, np.int64)[kept],
        "usage": np.array(usage, "U11")[kept],
        "row": np.flatnonzero(kept),
        "content": _content(images),
    }
    return found, bad + broken


# ---------------------------------------------------------------- the table


def _content(images) -> np.ndarray:
    return np.array([name[:16] for name in content_of(images)], "S16")


def _parse(path: Path) -> dict[str, np.ndarray]:
    """Line by line, with one pass of compiled code over the numbers of each: as fast as all at once, in a tenth of the memory."""
    pixels, code, usage = bytearray(), [], []
    lines = _lines(path)
    columns = _head(path, next(lines, (1, b""))[1])
    for number, line in lines:
        cells = line.split(b",")
        if len(cells) != len(columns):
            raise Damaged(
                path,
                f"line {number} has {len(cells)} cells, expected {len(columns)} ({', '.join(columns)}); is the file cut short?",
            )
        cells = dict(zip(columns, (cell.strip(b' "') for cell in cells)))
        pixels += _pixels(path, number, cells["pixels"])
        code.append(_code(path, number, cells["emotion"]) if "emotion" in cells else -1)
        usage.append(_usage(path, number, cells["usage"]) if "usage" in cells else "")
    if not code:
        raise Damaged(path, "no rows below its first line; get it anew")
    images = np.frombuffer(pixels, np.uint8).reshape(-1, SIDE, SIDE)
    return {
        "images": images,
        "code": np.array(code, np.int64),
        "usage": np.array(usage, "U11"),
        "content": _content(images),
    }


def _lines(path: Path):
    """(line number from 1, line without its end), skipping blank lines at the end; Damaged when the stream breaks off."""
    guard(path)
    number = 0
    try:
        with (
            OPENERS.get(path.suffix, open)(path, "rb") as raw,
            io.BufferedReader(raw, 1 << 20) as file,
        ):
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip(b"\r\n")
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(
            path,
            f"the compressed data breaks off after line {number} ({error}); it is cut short or damaged, get it anew",
        ) from None
    except OSError as error:
        raise Damaged(
            path, f"cannot be read beyond line {number} ({error.strerror or error})"
        ) from None


def _head(path: Path, line: bytes) -> list[str]:
    columns = [cell.strip(' "').lower() for cell in line.decode("utf-8-sig", "replace").split(",")]
    if set(columns) not in (
        {"emotion", "pixels", "usage"},
        {"emotion", "pixels"},
        {"pixels"},
    ) or len(set(columns)) != len(columns):
        raise Damaged(path, f"line 1 is '{','.join(columns)[:60]}', expected emotion,pixels,Usage")
    return columns


def _pixels(path: Path, number: int, text: bytes) -> bytes:
    if text.translate(None, b"0123456789 "):
        word = next((w for w in text.split() if not w.isdigit()), text)
        raise Damaged(
            path,
            f"line {number}: pixel '{word[:20].decode(errors='replace')}', expected a whole number from 0 to 255",
        )
    values = np.fromstring(text, np.int64, sep=" ") if text else np.empty(0, np.int64)
    if len(values) != SIDE * SIDE:
        raise Damaged(
            path,
            f"line {number} holds {len(values)} pixels, expected {SIDE * SIDE}; is the file cut short?",
        )
    if values.max() > 255:
        raise Damaged(
            path, f"line {number}: pixel {values.max()}, expected a whole number from 0 to 255"
        )
    return values.astype(np.uint8).tobytes()


def _code(path: Path, number: int, cell: bytes) -> int:
    if cell not in (b"0", b"1", b"2", b"3", b"4", b"5", b"6"):
        raise Damaged(
            path, f"line {number}: emotion '{cell[:20].decode(errors='replace')}', expected 0 to 6"
        )
    return int(cell)


def _usage(path: Path, number: int, cell: bytes) -> str:
    usage = cell.decode(errors="replace")
    if usage not in USAGES:
        raise Damaged(path, f"line {number}: Usage '{usage[:20]}', expected {', '.join(USAGES)}")
    return usage
