"""Makes emolib/data/free/ from the originals: the real sets that may be handed on with emolib.

    python tools/make_free_data.py ORIGINALS [INTO]

ORIGINALS is a data folder with unipen/ and studyforrest/ in it (see the loaders of that name). Both
are written in the layout of a data folder, so that the same loaders read them. Of UNIPEN a part,
balanced over letters and writers; of studyforrest the valence and arousal of every annotation, and
all features. checksums.csv names what was written; the tests compare.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from emolib.data import studyforrest, unipen

ROOT = Path(__file__).resolve().parent.parent
EACH = {"train": 560, "test": 140}  # pictures of a letter
A_WRITER = 6  # pictures of a letter by one hand, at most


def letters(path: Path, into: Path) -> None:
    """A part of UNIPEN: every letter equally often, every writer as evenly as the set allows.

    None stands twice, and of a letter as many hands as there are come first (unipen.by_turns).
    """
    held = dict(np.load(path, allow_pickle=False))
    table = unipen.by_turns(held["x"], held["y"], held["writer"])
    sides = np.array([unipen.side(name) for name in held["writer_name"]])[table["writer"]]
    table["split"] = np.where(sides == "test", "test", "train")  # validation writers among these
    table = table[table["turn"] < A_WRITER]
    place = table.groupby(["y", "split"]).cumcount()
    table = table.assign(place=place)[place < table["split"].map(EACH)]
    counts = table.groupby(["y", "split"]).size().unstack()[list(EACH)]
    if (counts != list(EACH.values())).any(axis=None):
        sys.exit(f"too few pictures of a letter:\n{counts}")
    rows = table.sort_values(["place", "y", "split"]).index.to_numpy()
    used, writer = np.unique(held["writer"][rows], return_inverse=True)
    part = {name: held[name][rows] for name in ("x", *unipen.OF_A_PICTURE)}
    part |= {"writer": writer.astype(np.int32), "writer_name": held["writer_name"][used]}
    into.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(into, **part)


def tracks(place: Path, into: Path) -> None:
    """Valence and arousal of every annotation of studyforrest, all features, the segments."""
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted(place.glob("ioats_1s_*.csv")):
        table = pd.read_csv(path, dtype=str)[["arousal", "valence"]]
        table.to_csv(into / path.name, index=False, lineterminator="\n")
    np.savez_compressed(
        into / studyforrest.FEATURES, **np.load(place / studyforrest.FEATURES, allow_pickle=False)
    )
    (into / "segments.csv").write_bytes((place / "segments.csv").read_bytes())


def main(originals: Path, into: Path) -> None:
    letters(originals / "unipen" / unipen.FILE, into / "unipen" / unipen.FILE)
    tracks(originals / "studyforrest", into / "studyforrest")
    files = sorted(
        path for folder in into.iterdir() if folder.is_dir() for path in folder.iterdir()
    )
    with open(into / "checksums.csv", "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["file", "bytes", "sha256"])
        for path in files:
            raw = path.read_bytes()
            name = path.relative_to(into).as_posix()
            writer.writerow([name, len(raw), hashlib.sha256(raw).hexdigest()])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else ROOT / "emolib/data/free")
