"""FERPlus: ten raters' votes for each picture of FER2013 (Barsoum et al. 2016).

`fer2013/fer2013new.csv`: Usage, Image name, ten columns of votes; one row per row of FER2013's
table, which must stand beside it. They are joined by row: 173 image names are blank and four stand
twice. Another number of rows or another Usage in any of them is refused, for then the join would
put votes on the wrong faces.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import fer2013, votes
from emolib.data.checks import Checked, of_one_file
from emolib.data.files import Damaged, guard
from emolib.data.votes import VOTES
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

NAME = "fer2013new.csv"


def load(
    root: Path, *, targets: str = "majority", classes: int = 7, damaged: str = "raise"
) -> ImageSet:
    """Pictures on which the raters agree: uint8 (N, 48, 48), label = their class, split = Usage.

    targets   'majority': pictures with a winner (3,137 in PrivateTest with 7 classes).
              'probability' and 'cross_entropy': pictures with a usable distribution, more of them
              (3,480); votes.probabilities makes it, and the label is its largest class. Which rows
              stay, and why: emolib.data.votes.
    classes   7, or 8 to keep contempt
    damaged   without effect: both files are tables, and a damaged row is refused with file and line
    meta: row (in FER2013's table), code (FER2013's own label), the ten votes. subject: the
    picture's content.
    """
    path, counted, faces = _joined(Path(root))
    label, kept = votes.labels(counted, targets, classes)
    if not kept.any():
        raise EmolibError(
            f"{path}: the rule '{targets}' leaves no picture; get it anew from its holders"
        )
    meta = pd.DataFrame({"row": np.arange(len(kept)), "code": faces["code"]})
    meta = meta.join(pd.DataFrame(counted, columns=list(VOTES)))
    return ImageSet(
        name="ferplus",
        source="real",
        images=faces["images"][kept],
        label=label[kept],
        split=faces["usage"][kept],
        subject=faces["content"][kept].astype(str),
        meta=meta[kept],
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: rows of votes, and what the majority rule keeps in each part and class."""
    try:
        _, counted, faces = _joined(Path(root))
    except Damaged:
        raise
    except EmolibError as error:  # votes without pictures: nothing is damaged, nothing can be used
        return Checked(0, detail=str(error))
    label, kept = votes.labels(counted)
    parts = [f"{(kept & (faces['usage'] == u)).sum()} {u}" for u in fer2013.USAGES]
    counts = [f"{n} {EMOTIONS[i]}" for i, n in enumerate(np.bincount(label[kept], minlength=7))]
    return Checked(len(kept), f"majority of 7 classes: {', '.join(parts)}; {', '.join(counts)}")


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(votes int64 (N, 10), usage str (N,)) in file order; Damaged for anything else."""
    guard(path)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (
        ValueError,
        OSError,
    ) as error:  # pandas' parser errors and strange bytes are ValueErrors
        raise Damaged(path, f"not a readable table ({str(error).strip()}); get it anew") from None
    columns = ["Usage", "Image name", *VOTES]
    if list(table.columns) != columns:
        head = ",".join(map(str, table.columns))[:60]
        raise Damaged(path, f"line 1 is '{head}', expected {','.join(columns)}")
    cells = table[list(VOTES)].to_numpy(str)  # (N, 10)
    odd = np.argwhere(~np.isin(cells, [str(n) for n in range(11)]))
    if odd.size:
        row, column = odd[0]
        cell = cells[row, column][:20]
        raise Damaged(
            path, f"line {row + 2}: {VOTES[column]} holds '{cell}', expected 0 to 10 votes"
        )
    counted = cells.astype(np.int64)
    total = counted.sum(1)
    wrong = np.flatnonzero((total < 1) | (total > 10))
    if wrong.size:
        raise Damaged(
            path,
            f"line {wrong[0] + 2} holds {total[wrong[0]]} votes, expected up to 10 "
            "(one row as published has 9)",
        )
    return counted, table["Usage"].to_numpy(str)


def _joined(root: Path):
    """(file, votes (N, 10), what fer2013.read gives), checked to be rows of one table."""
    path = root / "fer2013" / NAME
    counted, usage = read(path)
    source = fer2013.table(root)
    faces = fer2013.read(source)
    anew = "rows are joined by number, get both anew"
    if len(counted) != len(faces["usage"]):
        raise Damaged(
            path, f"{len(counted)} rows, but {source.name} has {len(faces['usage'])}; {anew}"
        )
    other = np.flatnonzero(usage != faces["usage"])
    if other.size:
        here, there = usage[other[0]], faces["usage"][other[0]]
        raise Damaged(
            path,
            f"line {other[0] + 2}: Usage '{here}', but {source.name} has '{there}' there; {anew}",
        )
    return path, counted, faces
