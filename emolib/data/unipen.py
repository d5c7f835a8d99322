"""UNIPEN letters (Guyon et al. 1994): isolated letters of 308 writers, 28 x 28, white on black.

`unipen/letters28.npz`: x uint8 (N, 28, 28); y 0 to 25 (a to z, both cases); upper; writer, a row of
writer_name; contributor; quality. The pictures were drawn from the pen strokes of train_r01_v07
(longest side 20 pixels, centred, line of 2.2 pixels): they look like EMNIST's and are not EMNIST.

UNIPEN has no official split. Here a fifth of the writers, drawn by a checksum of their names, are
`test` and an eighth of the others `validation`: nobody is on two sides, and a part of the set
splits as the whole does.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import kept
from emolib.data.checks import Checked, content_of, duplicates, of_one_file
from emolib.data.files import Damaged, arrays
from emolib.ground.containers import ImageSet

FILE = "letters28.npz"
CLASSES = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
OF_A_PICTURE = {"y": "iu", "upper": "b", "writer": "iu", "contributor": "U", "quality": "U"}
TEST, VALIDATION = 5, 8  # one writer in five; of the others one in eight


def load(root: Path, *, damaged: str = "raise", most: int | None = None) -> ImageSet:
    """uint8 (N, 28, 28) in file order; subject is the writer, as 'aga/AnnZchrl'.

    damaged   without effect: one file makes the set
    most      so many of each letter on each side, in the order of `by_turns`, which leaves out what
              stands twice
    meta      code (1 to 26, as in EMNIST), upper, contributor, quality ('OK' or '?')
    """
    path = Path(root) / "unipen" / FILE
    if most is None:
        held = _read(path)
    else:
        held = kept.parsed(path, f"unipen-1-{most}", lambda path: _some(_read(path), most))
    names = held["writer_name"]
    meta = {"code": held["y"].astype(np.int64) + 1}
    meta |= {name: held[name] for name in ("upper", "contributor", "quality")}
    split = np.array([side(name) for name in names])
    return ImageSet(
        name="unipen",
        source="real",
        classes=CLASSES,
        images=held["x"],
        label=held["y"],
        subject=names[held["writer"]],
        split=split[held["writer"]],
        meta=pd.DataFrame(meta),
    )


def _read(path: Path) -> dict[str, np.ndarray]:
    held = arrays(path, "x", "writer_name", *OF_A_PICTURE)
    images, names = held["x"], held["writer_name"]
    if images.dtype != np.uint8 or images.shape[1:] != (28, 28) or not len(images):
        raise Damaged(path, f"x is {images.dtype} {images.shape}, expected uint8 (N, 28, 28)")
    if names.dtype.kind != "U" or names.ndim != 1 or len(set(names.tolist())) != len(names):
        raise Damaged(path, "writer_name is no list of different names")
    for name, kind in OF_A_PICTURE.items():
        column = held[name]
        if column.dtype.kind not in kind or column.shape != (len(images),):
            wrong = f"{name} is {column.dtype} {column.shape}, expected one entry a picture"
            raise Damaged(path, f"{wrong} ({len(images)})")
    for name, count in (("y", len(CLASSES)), ("writer", len(names))):
        bad = np.flatnonzero((held[name] < 0) | (held[name] >= count))
        if bad.size:
            value = held[name][bad[0]]
            raise Damaged(path, f"{name} of picture {bad[0]} is {value}, expected 0 to {count - 1}")
    return held


def _some(held: dict[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """The first `most` of each letter on each side."""
    turns = by_turns(held["x"], held["y"], held["writer"])
    turns["side"] = np.array([side(name) for name in held["writer_name"]])[turns["writer"]]
    rows = turns.index[turns.groupby(["y", "side"]).cumcount() < most].to_numpy()
    return held | {name: held[name][rows] for name in ("x", *OF_A_PICTURE)}


def by_turns(images: np.ndarray, label: np.ndarray, writer: np.ndarray) -> pd.DataFrame:
    """Pictures that stand once: y, writer, turn, by row. Every hand's first of a letter come first.

    Then each hand's second, and so on; who begins is drawn. Of pictures that are equal byte by
    byte one is kept, and none where their labels differ.
    """
    table = pd.DataFrame({"y": label, "writer": writer, "content": content_of(images)})
    labels = table.groupby("content")["y"].transform("nunique")
    table = table[(labels == 1) & ~table["content"].duplicated()].drop(columns="content")
    table = table.sample(frac=1, random_state=np.random.RandomState(14))
    table["turn"] = table.groupby(["y", "writer"]).cumcount()
    return table.sort_values("turn", kind="stable")


def side(writer: str) -> str:
    """'train', 'validation' or 'test': the same for a writer wherever the name stands."""
    drawn, test = divmod(zlib.crc32(writer.encode()), TEST)
    if test == 0:
        return "test"
    return "train" if drawn % VALIDATION else "validation"


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: writers, letters of each class, pictures that stand twice."""
    data = load(root)
    content, each = content_of(data.images), np.bincount(data.label, minlength=len(CLASSES))
    labels = pd.DataFrame({"content": content, "label": data.label}).drop_duplicates()
    twice = int((labels.groupby("content").size() > 1).sum())
    tests = len(np.unique(data.subject[data.split == "test"]))
    return Checked(
        len(data),
        f"{len(np.unique(data.subject))} writers, {tests} of them for tests; {each.min()} to "
        f"{each.max()} a letter; {twice} pictures with more than one label",
        duplicates=duplicates(content),
    )
