"""FERPlus: ten raters' votes for each picture of FER2013 (Barsoum et al. 2016), as classes or distributions.

`fer2013/fer2013new.csv`: Usage, Image name, ten columns of votes; one row per row of FER2013's table, which must
stand beside it. They are joined by row: 173 image names are blank and four stand twice. Another number of rows
or another Usage in any of them is refused, for then the join would put votes on the wrong faces.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import fer2013, votes
from emolib.data.checks import Checked
from emolib.data.files import Damaged, guard
from emolib.data.votes import VOTES, probabilities
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError

__all__ = ["check", "load", "probabilities", "read"]

NAME = "fer2013new.csv"


def load(
    root: Path, *, targets: str = "majority", classes: int = 7, damaged: str = "raise"
) -> ImageSet:
    """Pictures on which the raters agree: uint8 (N, 48, 48), label = the class most of them chose, split = Usage.

    targets   'majority': pictures with a winner (3,137 in PrivateTest with 7 classes). 'probability' and
              'cross_entropy': pictures with a usable distribution, more of them (3,480); `probabilities` makes it
              from the votes, and the label is its largest class. Which rows stay, and why: emolib.votes.
    classes   7, or 8 to keep contempt
    damaged   without effect: both files are tables, and a damaged row is refused with file and line
    meta: row (in FER2013's table), code (FER2013's own label), the ten votes. subject: the picture's content.
    """
    path, counted, faces = _joined(Path(root))
    label, kept = votes.labels(counted, targets, classes)
    meta = pd.DataFrame({"row": np.arange(len(kept)), "code": faces["code"]}).join(
        pd.DataFrame(counted, columns=list(VOTES))
    )
    if not kept.any():
        raise EmolibError(
            f"{path}: the rule '{targets}' leaves no picture; get it anew from its holders"
        )
    return ImageSet(
        name="ferplus",
        source="real",
        images=faces["images"][kept],
        label=label[kept],
        split=faces["usage"][kept],
        subject=faces["content"][kept].astype(str),
        meta=meta[kept],
    )


def check(root: Path) -> Checked:
    """For the doctor: rows of votes, and what the majority rule keeps in each part and class."""
    try:
        _, counted, faces = _joined(Path(root))
    except Damaged as error:
        return Checked(0, damaged=[(error.path, error.why)])
    except EmolibError as error:  # votes without pictures: nothing is damaged, nothing can be used
        return Checked(0, detail=str(error))
    label, kept = votes.labels(counted)
    parts = [f"{(kept & (faces['usage'] == u)).sum()} {u}" for u in fer2013.USAGES]
    counts = [f"{n} {EMOTIONS[i]}" for i, n in enumerate(np.bincount(label[kept], minlength=7))]
    return Checked(len(kept), f"majority of 7 classes: {', '.join(parts)}; {', '.join(counts)}")


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(votes int64 (N, 10), usage str (N,)) in file order. Raises Damaged with the line for anything else."""
    guard(path)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (
        ValueError,
        OSError,
    ) as error:  # pandas' parser errors and undecodable bytes are ValueErrors
        raise Damaged(path, f"not a readable table ({str(error).strip()}); get it anew") from None
    if list(table.columns) != ["Usage", "Image name", *VOTES]:
        raise Damaged(
            path,
            f"line 1 is '{','.join(map(str, table.columns))[:60]}', expected Usage,Image name,{','.join(VOTES)}",
        )
    cells = table[list(VOTES)].to_numpy(str)  # (N, 10)
    odd = np.argwhere(~np.isin(cells, [str(n) for n in range(11)]))
    if odd.size:
        row, column = odd[0]
        raise Damaged(
            path,
            f"line {row + 2}: {VOTES[column]} holds '{cells[row, column][:20]}', expected 0 to 10 votes",
        )
    counted = cells.astype(np.int64)
    wrong = np.flatnonzero((counted.sum(1) < 1) | (counted.sum(1) > 10))
    if wrong.size:
        raise Damaged(
            path,
            f"line {wrong[0] + 2} holds {counted[wrong[0]].sum()} votes, expected up to 10 (one row as published has 9)",
        )
    return counted, table["Usage"].to_numpy(str)


def _joined(root: Path):
    """(file, votes (N, 10), what fer2013.read gives), after the check that they are rows of one table."""
    path = root / "fer2013" / NAME
    counted, usage = read(path)
    source = fer2013.table(root)
    faces = fer2013.read(source)
    if len(counted) != len(faces["usage"]):
        raise Damaged(
            path,
            f"{len(counted)} rows, but {source.name} has {len(faces['usage'])}; rows are joined by number, get both anew",
        )
    other = np.flatnonzero(usage != faces["usage"])
    if other.size:
        raise Damaged(
            path,
            f"line {other[0] + 2}: Usage '{usage[other[0]]}', but {source.name} has '{faces['usage'][other[0]]}' there; "
            "rows are joined by number, get both anew",
        )
    return path, counted, faces
