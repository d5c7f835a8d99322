"""What an emotion does to a face: prototypes of action units, and how they vary."""

from __future__ import annotations

import numpy as np

from emolib import EMOTIONS
from emolib.sim.face_traits import UNITS
from emolib.sim.streams import stream

# Action units and their strength at the apex. The six basic ones follow EMFACS (Ekman, Friesen and
# Hager 2002; Du, Tao and Martinez 2014, table 1); contempt Matsumoto and Ekman 2004; pride Tracy and
# Robins 2004; embarrassment Keltner 1995; calm is ours: a slight smile with lids at rest.
PROTOTYPES = {
    "angry": {4: 1.0, 5: .3, 7: .6, 9: .45, 10: .4, 15: .2, 23: .6, 25: .7, 26: .2},
    "disgust": {4: .35, 6: .5, 7: .8, 9: 1.0, 10: .9, 15: .3, 25: .7, 26: .25, 43: .3},
    "fear": {1: .9, 2: .15, 4: .9, 5: .9, 15: .4, 20: .9, 25: 1.0, 26: .35},
    "happy": {6: .8, 12: 1.0, 25: .8},
    "sad": {1: .8, 4: .75, 15: .9, 17: .6, 43: .5},
    "surprise": {1: 1.0, 2: 1.0, 5: .9, 25: 1.0, 26: .9},
    "neutral": {},
    "contempt": {12: .35, 14: .9, 7: .2},
    "calm": {12: .25, 43: .12},
    "pride": {6: .4, 12: .55, 24: .2, 2: .15},
    "embarrassment": {12: .5, 24: .6, 6: .3, 43: .35, 15: .2},
}


def prototype(emotion: str) -> np.ndarray:
    """The action units of `emotion` at its apex: (19,) in [0, 1], columns as in face_traits.UNITS."""
    out = np.zeros(len(UNITS))
    for unit, strength in PROTOTYPES[emotion].items():
        out[UNITS.index(unit)] = strength
    return out


def expressions(seed: int, label: np.ndarray, *, vary: float = 0.15) -> np.ndarray:
    """Action units for faces labelled `label` (indices into EMOTIONS): (B, 19) in [0, 1].

    vary   spread of each unit's strength, and of the whole expression's, about the prototype
    """
    table = np.stack([prototype(e) for e in EMOTIONS])
    rng = stream(seed, "expression", "strength")
    whole = 1 + vary * rng.standard_normal((len(label), 1))
    each = 1 + vary * stream(seed, "expression", "units").standard_normal((len(label), len(UNITS)))
    return np.clip(table[label] * whole * each, 0, 1)
