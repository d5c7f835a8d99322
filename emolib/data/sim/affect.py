"""What an emotion does to a face: prototypes of action units, and how they vary."""

import numpy as np

from emolib import EMOTIONS
from emolib.data.sim.face_traits import UNITS
from emolib.data.sim.streams import stream

# Action units and their strength at the apex. Which: Ekman, Friesen and Hager 2002 (EFH: FACS
# Investigator's Guide, table 10-1, the base of EMFACS) and Du, Tao and Martinez 2014 (table 1). How
# strong: ours, as are the units so named: in neither, they make the face read as meant.
#   angry     EFH 4+5+7+10+23+25 or 26; Du 4, 7, 24 [10, 17, 23]. Ours: 9, 15.
#   disgust   EFH 9 or 10, with 15, 16, 17, 25, 26; Du 9, 10, 17 [4, 24]. Ours: 6, 7, 43; 16 is not
#             drawn.
#   fear      EFH 1+2+4+5+20 with 25, 26 or 27; Du 1, 4, 20, 25 [2, 5, 26]. Ours: 15.
#   happy     EFH 6+12; Du 12, 25 [6].
#   sad       EFH 1+4+15 with 17 (or 11, 6, 54+64); Du 4, 15 [1, 6, 11, 17]. Ours: 43.
#   surprise  EFH 1+2+5+26 or 27; Du 1, 2, 25, 26 [5].
#   contempt  a tightened, slightly raised lip corner on one side, 14 with or without 12 (Matsumoto
#             and Ekman 2004). Ours: 7, and that both sides show it (setting `side` skews it).
#   pride     a small smile, 12 with or without 6, head back, posture expanded (Tracy and Robins
#             2004). Ours: 2, 24; head and posture are left out.
#   embarrassment   a smile, 12, held in check (24 above all; 15 among others), gaze and head turned
#             down and away (Keltner 1995). Ours: 6, and 43 for the gaze; the head is left out.
#   calm      ours: a slight smile, lids at rest.
PROTOTYPES = {
    "angry": {4: 1.0, 5: 0.3, 7: 0.6, 9: 0.45, 10: 0.4, 15: 0.2, 23: 0.6, 25: 0.7, 26: 0.2},
    "disgust": {4: 0.35, 6: 0.5, 7: 0.8, 9: 1.0, 10: 0.9, 15: 0.3, 25: 0.7, 26: 0.25, 43: 0.3},
    "fear": {1: 0.9, 2: 0.15, 4: 0.9, 5: 0.9, 15: 0.4, 20: 0.9, 25: 1.0, 26: 0.35},
    "happy": {6: 0.8, 12: 1.0, 25: 0.8},
    "sad": {1: 0.8, 4: 0.75, 15: 0.9, 17: 0.6, 43: 0.5},
    "surprise": {1: 1.0, 2: 1.0, 5: 0.9, 25: 1.0, 26: 0.9},
    "neutral": {},
    "contempt": {12: 0.35, 14: 0.9, 7: 0.2},
    "calm": {12: 0.25, 43: 0.12},
    "pride": {6: 0.4, 12: 0.55, 24: 0.2, 2: 0.15},
    "embarrassment": {12: 0.5, 24: 0.6, 6: 0.3, 43: 0.35, 15: 0.2},
}


def prototype(emotion: str) -> np.ndarray:
    """The action units of `emotion` at its apex: (19,) in [0, 1], columns as in UNITS."""
    out = np.zeros(len(UNITS))
    for unit, strength in PROTOTYPES[emotion].items():
        out[UNITS.index(unit)] = strength
    return out


def expressions(seed: int, label: np.ndarray, *, vary: float = 0.15) -> np.ndarray:
    """Action units for faces labelled `label` (indices into EMOTIONS): (B, 19) in [0, 1].

    vary   spread of each unit's strength, and of the whole expression's, about the prototype
    """
    table = np.stack([prototype(e) for e in EMOTIONS])[label]
    whole = 1 + vary * stream(seed, "expression", "strength").standard_normal((len(table), 1))
    each = 1 + vary * stream(seed, "expression", "units").standard_normal(table.shape)
    return np.clip(table * whole * each, 0, 1)


# Valence and arousal of each emotion, in [-1, 1]. Ours: quadrants and order follow the circle of
# Russell 1980, which has no disgust, contempt, pride or embarrassment. yin2022 prints other numbers
# (its table 2); its study uses those.
# fmt: off
ANCHORS = {
    "angry": (-0.5, 0.7), "disgust": (-0.7, 0.3), "fear": (-0.5, 0.8), "happy": (0.8, 0.5),
    "sad": (-0.7, -0.4), "surprise": (0.3, 0.8), "neutral": (0.0, 0.0), "contempt": (-0.5, 0.2),
    "calm": (0.6, -0.5), "pride": (0.6, 0.4), "embarrassment": (-0.4, 0.1),
}
# fmt: on


def _ease(t):
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def envelope(
    frames: int, fps: float, rng: np.random.Generator, *, held: bool = False
) -> np.ndarray:
    """Onset, apex and offset of one expression: (frames,) in [0, 1].

    Onset 0.3 to 0.7 s; the offset is slower, or there is none where the apex is `held`.
    """
    time, length = np.arange(frames) / fps, frames / fps
    start = rng.uniform(0.05, 0.2) * length
    rise, fall = rng.uniform(0.3, 0.7), rng.uniform(0.5, 1.1)
    end = rng.uniform(0.8, 0.95) * length
    onset = _ease((time - start) / rise)
    return onset if held else onset * _ease((end - time) / fall)


def prototypes(seed: int, overlap: float) -> np.ndarray:
    """One world's prototypes, (11, 19): each pulled by up to `overlap` towards a random other."""
    table = np.stack([prototype(e) for e in EMOTIONS])
    rng = stream(seed, "expression", "overlap")
    other, amount = rng.integers(1, len(EMOTIONS), len(EMOTIONS)), rng.random(len(EMOTIONS))
    to = table[(np.arange(len(EMOTIONS)) + other) % len(EMOTIONS)]
    return table + overlap * amount[:, None] * (to - table)


# What is felt and how it is annotated follow two real sets; measured there, set here:
#
# CEAP-360VR (Xue et al. 2021), 256 tracks of a minute, felt while watching, by joystick:
#   a track spreads about its mean by 0.31 (the axis is -1 to 1): so do moves between places that
#   spread by SPREAD. Valence with arousal: -0.09, AXES. 40 % of frames stand still: REST, together
#   with the default roughness. Neighbouring steps are alike (r = 0.85): moves are smooth. 0.20 of
#   the axis a second: PACE of AFEW-VA, whose clips are as short and as lively.
# studyforrest (Labs et al. 2015), two hours of one film, second by second, in steps:
#   a change every 2.9 s: HOLD, the time between two strokes of the roughest hand.
# orgil2021, Table 5: of two networks with constant output NI - MSE / 2 is 0.0000 and 0.0005; that
#   difference is what the annotation moves by a frame: PACE of Aff-Wild, a tenth of CEAP's tempo.
# Ours: where a track has its centre; the delay and the inaccuracy of the hand.
SPREAD, AXES, REST, HOLD = 0.40, -0.09, 1 / 7, 2.9
PACE = {"aff_wild": 39.0, "afew_va": 2.9}  # seconds from one felt place to the next


def wander(
    rng: np.random.Generator, frames: int, fps: float, every: float, rest: float = 0.0
) -> np.ndarray:
    """A smooth path between random places, (frames, 2), standard normal in each axis.

    every   seconds from one place to the next, half to one and a half times that
    rest    share of the time spent at places; between them with the least jerk (Flash, Hogan 1985)
    """
    count = int(frames / fps / (0.5 * every)) + 3
    length = every * rng.uniform(0.5, 1.5, count)
    edge = np.concatenate([[0.0], np.cumsum(length)]) - length[0] * rng.random()
    place = rng.standard_normal((count + 1, 2))
    time = np.arange(frames) / fps
    k = np.searchsorted(edge, time, side="right") - 1
    t = np.clip((time - edge[k]) / length[k] / (1 - rest), 0, 1)[:, None]
    return place[k] + t**3 * (10 - 15 * t + 6 * t * t) * (place[k + 1] - place[k])


def feeling(
    seed: int, frames: int, fps: float, *names, every: float = PACE["aff_wild"]
) -> np.ndarray:
    """Valence and arousal as felt: (frames, 2) in [-1, 1], smooth, at rest for REST of the time."""
    rng = stream(seed, "feeling", *names)
    centre = rng.normal(0.1, 0.3, 2)
    path = centre + SPREAD * wander(rng, frames, fps, every, REST)
    path[:, 1] = AXES * path[:, 0] + np.sqrt(1 - AXES**2) * path[:, 1]
    return np.tanh(path)


def annotation(
    seed: int, truth: np.ndarray, fps: float, *names, roughness: float = 0.3
) -> np.ndarray:
    """What a rater's joystick records of `truth` (T, 2): late, in strokes, not quite on the spot.

    roughness   share of the time between two strokes that the hand stands still; then it catches
                up, the faster the less time is left. 0 follows the truth, 1 jumps every HOLD
                seconds. It lands off by 0.02 of the axis at 1, by less before.
    """
    rng = stream(seed, "joystick", *names)
    lag = 0.3 + 0.5 * rng.random()
    time = np.arange(len(truth)) / fps
    gap = HOLD * rng.uniform(0.5, 1.5, int(len(truth) / fps / (0.5 * HOLD)) + 3)
    edge = np.concatenate([[0.0], np.cumsum(gap)]) - gap[0] * rng.random()
    path = np.cumsum(np.hypot(*np.diff(truth, axis=0, prepend=truth[:1]).T))  # (T,) way so far
    track = np.column_stack([truth, path])

    def felt(at: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(at - lag, time, axis) for axis in track.T], 1)

    k = np.searchsorted(edge, time, side="right") - 1
    share = (time - edge[k]) / gap[k]
    done = np.clip((share - roughness) / max(1 - roughness, 1e-9), 0, 1)
    hand, mark = felt(edge[k] + done * gap[k]), felt(edge)
    moved = np.concatenate([[True], np.diff(mark[:, 2]) > 0])
    last = np.maximum.accumulate(np.where(moved, np.arange(len(edge)), 0))
    off = 0.02 * roughness * rng.standard_normal((len(edge), 2))[last]
    # where it lands changes on the way: a hand that rests keeps its error
    error = np.stack([np.interp(hand[:, 2], mark[:, 2], axis) for axis in off.T], 1)
    return np.clip(hand[:, :2] + error, -1, 1).astype(np.float32)
