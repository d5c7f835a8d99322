"""Utterance features of CREMA-D's 7,442 clips, 91 actors: numbers, no sound (Cao et al. 2014).

`crema_d_features/crema_d.csv`: actor_id, sentence, emotion, intensity (one clip's is X and means
XX), audio_duration, then 35 features: mean and spread of 13 MFCC, spectrum, level, zero crossings,
chroma. Others computed them, from sound resampled to 22,050 Hz.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data import tables
from emolib.data.checks import Checked, duplicates, of_one_file
from emolib.data.crema_d import FIRST, LAST, LEVELS
from emolib.data.sim.clip_sets import CREMA, CREMA_SENTENCES
from emolib.ground.containers import TableSet, digest

FILE = "crema_d.csv"
ABOUT = ("actor_id", "sentence", "emotion", "intensity", "audio_duration")
# fmt: off
FEATURES = (
    *(f"mfcc_{k}_{kind}" for k in range(1, 14) for kind in ("mean", "std")),
    "spectral_centroid_mean", "spectral_centroid_std", "spectral_rolloff_mean",
    "spectral_bandwidth_mean", "rms_mean", "rms_std", "zcr_mean", "chroma_mean", "chroma_std",
)
# fmt: on


def load(root: Path, *, damaged: str = "raise") -> TableSet:
    """features (7442, 35) in file order; subject is the actor's number as text, as in crema_d.

    damaged   without effect: one file makes the set
    meta      statement (three letters), sentence (0 to 11), level (LO, MD, HI, XX), seconds
    """
    table = tables.read(Path(root) / "crema_d_features" / FILE, (*ABOUT, *FEATURES))
    levels = dict(zip(LEVELS, LEVELS)) | {"X": "XX"}
    actors = [str(number) for number in range(FIRST, LAST + 1)]
    meta = pd.DataFrame(
        {
            "statement": table.text("sentence"),
            "sentence": table.mapped("sentence", {s: k for k, s in enumerate(CREMA_SENTENCES)}),
            "level": table.mapped("intensity", levels),
            "seconds": table.numbers(("audio_duration",), 0, 60)[:, 0],
        }
    )
    return TableSet(
        name="crema_d_features",
        source="real",
        columns=FEATURES,
        features=table.numbers(FEATURES),
        label=table.mapped("emotion", {name: EMOTIONS.index(name) for name in CREMA.values()}),
        subject=table.mapped("actor_id", dict(zip(actors, actors))),
        split=[""] * len(table.rows),
        meta=meta,
    )


@of_one_file
def check(root: Path) -> Checked:
    """For the doctor: actors, emotions, rows whose features stand twice."""
    data = load(root)
    counts = np.bincount(data.label)
    counts = ", ".join(f"{n} {EMOTIONS[k]}" for k, n in enumerate(counts) if n)
    same = duplicates([digest(row) for row in data.features])
    return Checked(len(data), f"{len(set(data.subject))} actors; {counts}", duplicates=same)
