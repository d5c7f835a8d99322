"""A wheel of emotional states: words in the plane of valence and arousal (orgil2022, Fig. 4.12).

The thesis names states by a wheel of others, without coordinates (`choices.csv`, orgil2022-c57).
The places here are ours: around the circle in the order of Russell (1980) and Scherer (2005), each
at the intensity we would give the word. They name points; nothing is trained or scored on them.
"""

from __future__ import annotations

import numpy as np

from emolib.metrics.scores import nearest_emotion

# fmt: off
STATES = {
    "excited": (0.55, 0.80), "joyous": (0.75, 0.60), "happy": (0.85, 0.30),
    "delighted": (0.90, 0.45), "amused": (0.55, 0.35), "interested": (0.60, 0.10),
    "astonished": (0.25, 0.85), "expectant": (0.30, 0.45), "impatient": (-0.10, 0.60),
    "alarmed": (-0.25, 0.85), "tense": (-0.40, 0.65), "angry": (-0.60, 0.75),
    "afraid": (-0.65, 0.60), "annoyed": (-0.55, 0.40), "suspicious": (-0.35, 0.35),
    "distressed": (-0.80, 0.45), "disgusted": (-0.80, 0.20), "uncomfortable": (-0.60, 0.05),
    "miserable": (-0.85, -0.15), "sad": (-0.75, -0.40), "gloomy": (-0.60, -0.55),
    "bored": (-0.40, -0.70), "doubtful": (-0.30, -0.20), "tired": (-0.10, -0.85),
    "pensive": (0.05, -0.40), "neutral": (0.00, 0.00), "serious": (0.10, 0.20),
    "sleepy": (0.15, -0.75), "calm": (0.45, -0.60), "relaxed": (0.60, -0.45),
    "content": (0.75, -0.15), "satisfied": (0.85, 0.05),
}
# fmt: on


def named(points) -> tuple[np.ndarray, np.ndarray]:
    """The nearest state and its distance: points (..., 2) in [-1, 1] -> text, float (...)."""
    points, places = np.asarray(points, float), np.array(list(STATES.values()))
    at = nearest_emotion(points, places)  # (...)
    return np.array(list(STATES))[at], np.linalg.norm(points - places[at], axis=-1)
