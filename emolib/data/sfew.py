"""SFEW feature table: 675 film stills as five LPQ and five PHOG principal components each.

`sfew/SFEW.xlsx`, one sheet. Row 1 is the head: empty, 'label', then a title over five LPQ columns
and a title over five PHOG columns. Every further row: image name, label 1-7, ten numbers. The wang
paper calls the first five LBP; the head of the table says LPQ, and so do we.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.checks import Checked, of_one_file
from emolib.data.files import Damaged, guard
from emolib.ground.containers import TableSet

COLUMNS = tuple(f"{kind}{i}" for kind in ("LPQ", "PHOG") for i in range(1, 6))
CLASSES = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")  # codes 1 to 7
ROWS = 675
LARGEST = 8 << 20  # bytes of a workbook, unpacked: 18 times those of the table as shipped
ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
LETTERS = "ABCDEFGHIJKL"  # the sheet's own names of the columns

# The one row of the table as shipped that is no sample: its first feature is 0.994 (all others stay
# below 0.17) and its PHOG cells are not numbers. Any other incomplete row is damage and is refused.
INCOMPLETE = "Hangover_001949614_00000089.mat"

# Films that share a cast: "person independent" needs them on one side of a split.
CASTS = ("HarryPotter", "Oceans")


def read(path: Path) -> pd.DataFrame:
    """All rows as they stand: columns image, code, LPQ1..5, PHOG1..5; NaN where a cell is empty.

    Raises Damaged naming the file and the cell for a Git-LFS pointer, a truncated file, a missing
    column, text in a number's place or a label outside 1 to 7.
    """
    sheet = _sheet(path)
    _check_head(path, sheet)
    rows = sheet.iloc[1:].reset_index(drop=True)
    numbers = np.empty((len(rows), 11))
    for column in range(1, 12):
        for row, cell in enumerate(rows.iloc[:, column]):
            numbers[row, column - 1] = _number(path, cell, f"{LETTERS[column]}{row + 2}")
    code = numbers[:, 0]
    bad = np.flatnonzero(~np.isin(code, range(1, 8)))
    if bad.size:
        raise Damaged(path, f"cell B{bad[0] + 2} holds label {code[bad[0]]:g}, expected 1 to 7")
    table = pd.DataFrame(numbers[:, 1:], columns=COLUMNS)
    table.insert(0, "code", code.astype(int))
    table.insert(0, "image", rows.iloc[:, 0].astype(str))
    return table


def load(root: Path) -> TableSet:
    """The 674 usable rows: features (674, 10) in file order, subject = cast of the film.

    `meta`: image, code (the set's label 1-7), movie (name up to the time stamp). The one incomplete
    row is left out; another one is an error.
    """
    return _usable(_path(root), read(_path(root)))


def _usable(path: Path, table: pd.DataFrame) -> TableSet:
    gaps = table[list(COLUMNS)].isna()
    incomplete = gaps.any(axis=1)
    for row in np.flatnonzero(incomplete & (table.image != INCOMPLETE)):
        column = int(gaps.iloc[row].argmax())
        cell = f"{LETTERS[column + 2]}{row + 2} ({table.image[row]}, {COLUMNS[column]})"
        raise Damaged(
            path,
            f"cell {cell} is empty or NaN; get the table anew from its holders, or remove the row",
        )
    table = table[~incomplete].reset_index(drop=True)
    movie = table.image.map(movie_of)
    return TableSet(
        name="sfew",
        source="real",
        columns=COLUMNS,
        features=table[list(COLUMNS)].to_numpy(),
        label=[EMOTIONS.index(CLASSES[code - 1]) for code in table.code],
        subject=movie.map(cast_of).to_numpy(),
        split=[""] * len(table),
        meta=pd.DataFrame({"image": table.image, "code": table.code, "movie": movie}),
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: rows, usable rows, films, and the image that stands twice."""
    table = read(_path(root))
    data = _usable(_path(root), table)
    twice = data.meta.image[data.meta.image.duplicated()].tolist()
    return Checked(
        len(table),
        f"{len(data)} usable rows, {data.meta.movie.nunique()} films",
        duplicates=f"{', '.join(twice)} stands twice" if twice else "",
    )


def movie_of(image: str) -> str:
    """File name up to the time stamp: 'AlexEmma_000225840_00000024.mat' -> 'AlexEmma'."""
    begin = re.match(r"(.+?)[_-]\d{6,}", image)
    return begin[1] if begin else image


def cast_of(movie: str) -> str:
    """Films of one series share their actors; every other film is a cast of its own."""
    return next((cast for cast in CASTS if movie.startswith(cast)), movie)


def _path(root: Path) -> Path:
    return Path(root) / "sfew" / "SFEW.xlsx"


def _sheet(path: Path) -> pd.DataFrame:
    guard(path)
    try:
        unpacked, rows = _extent(path)
        if unpacked > LARGEST or rows > 10 * ROWS:  # counted first: reading them takes minutes
            raise Damaged(
                path,
                f"unpacks to {unpacked:,} bytes and {rows:,} rows, expected {ROWS} rows in less "
                f"than {LARGEST:,} bytes; get the table anew from its holders",
            )
        with warnings.catch_warnings():
            # harmless, in the original
            warnings.filterwarnings("ignore", message="Unknown extension", module="openpyxl")
            # "n/a" is text, not a gap
            return pd.read_excel(path, header=None, dtype=object, keep_default_na=False)
    except Damaged:
        raise
    except Exception as error:  # whatever zip, XML and openpyxl raise on bytes that are no workbook
        why = str(error) or type(error).__name__
        raise Damaged(
            path, f"not a readable Excel file ({why}); it is probably cut short, get it anew"
        ) from None


def _extent(path: Path) -> tuple[int, int]:
    """Bytes that a workbook unpacks to, by its own directory, and rows that its sheets begin.

    The directory binds whoever unpacks: more than it says is cut off. Rows are not counted in what
    is too large anyway.
    """
    with zipfile.ZipFile(path) as packed:
        unpacked = sum(part.file_size for part in packed.infolist())
        if unpacked > LARGEST:
            return unpacked, 0
        sheets = [name for name in packed.namelist() if name.startswith("xl/worksheets/")]
        return unpacked, sum(len(ROW.findall(packed.read(name))) for name in sheets)


def _check_head(path: Path, sheet: pd.DataFrame):
    if sheet.shape[1] != 12 or len(sheet) < 2:
        raise Damaged(
            path,
            f"{sheet.shape[1]} columns and {len(sheet)} rows, "
            "expected 12 columns (name, label, 5 LPQ, 5 PHOG) and a row per image",
        )
    for column, expected in ((1, "label"), (2, "LPQ"), (7, "PHOG")):
        title = str(sheet.iloc[0, column])
        if expected not in title:
            raise Damaged(
                path,
                f"cell {LETTERS[column]}1 is '{title[:40]}', expected '{expected}' in it; "
                "a column is missing or moved",
            )


def _number(path: Path, cell, name: str) -> float:
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in ("", "nan")):
        return np.nan
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return float(cell)
    raise Damaged(path, f"cell {name} holds '{cell}', expected a number")
