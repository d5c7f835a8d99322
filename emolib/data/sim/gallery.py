"""What notebook 02 shows of the simulated world, as arrays and tables (drawing them is for plots)."""

from __future__ import annotations

import time
from dataclasses import fields

import numpy as np
import pandas as pd

from emolib import EMOTIONS
from emolib.data.sim import affect, face, voice
from emolib.data.sim.dials import Dials


def expressions(
    seed: int = 2, people: int = 7, size: int = 120, emotions=EMOTIONS[:8]
) -> tuple[np.ndarray, pd.DataFrame]:
    """Each emotion at its apex on `people` persons: uint8 (len(emotions) * people, size, size, 3), and emotion, person, units of each."""
    crowd = face.faces(seed, people)
    rows = [
        face.render(
            face.Faces(crowd.person, crowd.scene, np.repeat(affect.prototype(e)[None], people, 0)),
            size,
        )
        for e in emotions
    ]
    table = [
        (e, i + 1, " ".join(f"{u}:{v:g}" for u, v in affect.PROTOTYPES[e].items()))
        for e in emotions
        for i in range(people)
    ]
    return np.concatenate(rows), pd.DataFrame(table, columns=["emotion", "person", "action_units"])


def voice_examples(seed: int = 0, speaker: int = 0) -> dict[str, np.ndarray]:
    """One clip per emotion of one speaker: float32 (56000,) at 16 kHz each, for spectrograms and players."""
    cast = voice.speakers(seed, speaker + 1)
    return {e: voice.speak(cast[speaker], 0, e, seed=seed) for e in voice.CUES}


def annotation_tracks(
    seed: int = 0, seconds: float = 30.0, roughness=(0.0, 0.3, 1.0)
) -> pd.DataFrame:
    """A felt track and its recordings, long: second, what ('felt' or the roughness), axis, value."""
    count = int(seconds * 30)
    felt = affect.feeling(seed, count, 30.0)
    tracks = {"felt": felt} | {
        f"{r:g}": affect.annotation(seed, felt, 30.0, roughness=r) for r in roughness
    }
    return pd.concat(
        [
            pd.DataFrame(
                {"second": np.arange(count) / 30, "what": name, "axis": axis, "value": track[:, k]}
            )
            for name, track in tracks.items()
            for k, axis in enumerate(("valence", "arousal"))
        ],
        ignore_index=True,
    )


def dial_table() -> pd.DataFrame:
    """Each dial of a world, its default, and what it turns."""
    return pd.DataFrame(
        [
            {"dial": f.name, "default": f.default, "turns": f.metadata["turns"]}
            for f in fields(Dials)
        ]
    )


def speeds(faces: int = 400) -> pd.DataFrame:
    """What a second buys on this machine: faces at three sizes, clips of 3.5 s; one row each, after a warm-up."""
    rows, cast = [], voice.speakers(0, 1)
    for size in (48, 96, 160):
        crowd = face.faces(0, max(8, faces * 48 * 48 // size**2), style="tight")
        face.render(crowd.take(slice(0, 2)), size, grey=True)
        start = time.perf_counter()
        face.render(crowd, size, grey=True)
        rows.append((f"faces of {size} px", len(crowd) / (time.perf_counter() - start)))
    voice.speak(cast[0], 0, "neutral")
    start = time.perf_counter()
    for i in range(20):
        voice.speak(cast[0], i % 2, "happy", take=i)
    return pd.DataFrame(
        [*rows, ("clips of 3.5 s", 20 / (time.perf_counter() - start))],
        columns=["what", "per_second"],
    )
