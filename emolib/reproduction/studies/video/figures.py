"""Figures 4.16 and 4.17: one film, what is named in it, and with what probability."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib.data.sim.clip_sets import RAVDESS, SECONDS
from emolib.reproduction.runs import Pictures, held
from emolib.reproduction.studies.video import tables
from emolib.reproduction.studies.video.tables import FRAME, LSTM, SPEAKING, WAYS
from emolib.reproduction.studies.video.training import faces, strong

TRACKS = 4  # emotions whose probabilities are drawn
TILES = 10  # frames that are shown


@held
def frame_by_frame(study) -> Pictures:
    """Figure 4.16."""
    return _strip(study, FRAME)


@held
def with_memory(study) -> Pictures:
    """Figure 4.17."""
    return _strip(study, LSTM)


def _strip(study, way: str) -> Pictures:
    """The film where frame by frame changes most often."""
    frame = tables.film_by_film(study)
    part = frame[(frame.way == FRAME) & (frame.mouth == SPEAKING)]
    fold, name = part.loc[part.flicker.idxmax(), ["fold", "film"]]
    result = study.results[fold, 0]
    i = int(np.flatnonzero(result["clips"] == name)[0])
    answers = dict(zip(WAYS, tables.probabilities(study, result)[0][:, i]))  # (T, 8) each
    p, true = answers[way], int(result["truth"][i])
    largest = np.maximum(answers[FRAME].max(0), answers[LSTM].max(0))  # the same in both figures
    drawn = [true, *(k for k in np.argsort(-largest) if k != true)][:TRACKS]
    emotions, second = np.array(RAVDESS), np.round(np.linspace(0, SECONDS, len(p)), 3)
    lines = pd.DataFrame(
        {
            "film": name,
            "true": RAVDESS[true],
            "second": np.repeat(second, len(RAVDESS)),
            "emotion": np.tile(emotions, len(p)),
            "measured": p.ravel().astype(float),
            "named": np.repeat(emotions[p.argmax(1)], len(RAVDESS)),
        }
    )
    lines["drawn"] = lines.emotion.isin(emotions[drawn])
    at = np.linspace(0, len(p) - 1, min(TILES, len(p))).round().astype(int)
    tiles = {"second": second[at], "named": emotions[p[at].argmax(1)], "true": RAVDESS[true]}
    data = strong(study.films, study.sizes.each)
    row = int(np.flatnonzero(data.meta["image"] == name)[0])
    images = faces(data, study.sizes.frames, study.sizes.side)[row][at]
    return study.outcome(lines, Pictures, images=images, tiles=pd.DataFrame(tiles))
