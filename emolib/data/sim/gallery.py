"""What notebook 02 shows of the simulated world, as arrays and tables."""

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
    """Each emotion at its apex on `people` persons: uint8 (N, size, size, 3), rows."""
    crowd = face.faces(seed, people)
    pictures, rows = [], []
    for emotion in emotions:
        units = np.repeat(affect.prototype(emotion)[None], people, 0)
        pictures.append(face.render(face.Faces(crowd.person, crowd.scene, units), size))
        text = " ".join(f"{u}:{v:g}" for u, v in affect.PROTOTYPES[emotion].items())
        rows += [(emotion, i + 1, text) for i in range(people)]
    return np.concatenate(pictures), pd.DataFrame(
        rows, columns=["emotion", "person", "action_units"]
    )


def voice_examples(seed: int = 0, speaker: int = 0) -> dict[str, np.ndarray]:
    """One clip per emotion of one speaker: float32 (56000,) at 16 kHz each."""
    cast = voice.speakers(seed, speaker + 1)
    return {e: voice.speak(cast[speaker], 0, e, seed=seed) for e in voice.CUES}


def annotation_tracks(
    seed: int = 0, seconds: float = 30.0, roughness=(0.0, 0.3, 1.0)
) -> pd.DataFrame:
    """A felt track and its recordings: second, what ('felt' or the roughness), axis, value."""
    count = int(seconds * 30)
    felt = affect.feeling(seed, count, 30.0)
    tracks = {"felt": felt}
    for r in roughness:
        tracks[f"{r:g}"] = affect.annotation(seed, felt, 30.0, roughness=r)
    second, parts = np.arange(count) / 30, []
    for name, track in tracks.items():
        for axis, value in zip(("valence", "arousal"), track.T):
            columns = {"second": second, "what": name, "axis": axis, "value": value}
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def dial_table() -> pd.DataFrame:
    """Each dial of a world, its default, and what it turns."""
    rows = [(f.name, f.default, f.metadata["turns"]) for f in fields(Dials)]
    return pd.DataFrame(rows, columns=["dial", "default", "turns"])


def speeds(faces: int = 400) -> pd.DataFrame:
    """What a second buys on this machine, after a warm-up: faces at three sizes, clips of 3.5 s."""
    rows, speaker = [], voice.speakers(0, 1)[0]
    for size in (48, 96, 160):
        crowd = face.faces(0, max(8, faces * 48 * 48 // size**2), style="tight")
        face.render(crowd.take(slice(0, 2)), size, grey=True)
        start = time.perf_counter()
        face.render(crowd, size, grey=True)
        rows.append((f"faces of {size} px", len(crowd) / (time.perf_counter() - start)))
    voice.speak(speaker, 0, "neutral")
    start = time.perf_counter()
    for i in range(20):
        voice.speak(speaker, i % 2, "happy", take=i)
    rows.append(("clips of 3.5 s", 20 / (time.perf_counter() - start)))
    return pd.DataFrame(rows, columns=["what", "per_second"])
