"""What a simulated face is made of: traits of a person, settings of a picture, action units.

Each trait is one number with a stated distribution. Lengths are in units of the distance between
the eye centres (about 62 mm); head coordinates run x to the picture's right, y down and z to the
viewer, with the origin between the eyes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from emolib.data.sim.streams import stream
from emolib.ground.errors import EmolibError, nearest

# Ekman and Friesen's numbers (Facial Action Coding System, 1978); each from 0 to 1 (maximum).
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 23, 24, 25, 26, 43)

# The means of what dlib's 68 points show were set by tools/proportions.py (FER2013's training
# pictures, neutral). Medians over 639 frontal faces, in distances between the eye centres: eye half
# width .199, opening .126; nose tip .53 and base .74 below the eyes, half width .217; mouth 1.07
# below, half width .407; lips .090 and .151; chin 1.71 below; brows .307 above, from .190 to .918
# out; half width of the face 1.085 at the ears, .882 at the jaw. Drawn faces, seen by dlib alike,
# come within .035 of each. Spreads are ours: where dlib's differed, towards it; then wide enough
# for a face recogniser.
# name: (mean, spread), a normal draw cut at 2.2 spreads; or [low, high], a uniform one.
# fmt: off
PERSON = {
    # head
    "head_w": (1.09, 0.075), "chin": (1.605, 0.100), "top": (1.78, 0.09), "jaw": (3.0, 0.750),
    "point": (0.50, 0.060), "depth": (1.20, 0.08), "cheekbone": (0.10, 0.062),
    "ridge": (0.07, 0.045), "chin_boss": (0.08, 0.054),
    # eyes and brows
    "eye_x": (0.51, 0.042), "eye_w": (0.228, 0.033), "lid_up": (0.082, 0.024),
    "lid_low": (0.052, 0.012), "tilt": (-0.005, 0.042), "crease": (0.055, 0.028),
    "socket": (0.10, 0.05), "brow_in": (0.18, 0.042), "brow_out": (0.83, 0.054),
    "brow_y": (-0.296, 0.048), "brow_arch": (0.045, 0.032), "brow_th": (0.058, 0.026),
    "brow_dark": [0.50, 1.0], "brow_slope": (0.060, 0.045),
    # nose and mouth
    "nose_l": (0.515, 0.060), "nose_w": (0.305, 0.076), "nose_h": (0.30, 0.095),
    "bridge": (0.105, 0.038), "philtrum": (0.475, 0.047), "mouth_w": (0.392, 0.047),
    "lip_up": (0.106, 0.045), "lip_low": (0.175, 0.064), "lip_red": [0.0, 1.25],
    # small things that tell people apart
    "lid_skew": (0.12, 0.14), "lid_fold": [0.05, 0.55], "hollow": (0.30, 0.11),
    "bags": [0.0, 0.30], "nostril": (1.2, 0.35), "bow": (0.22, 0.10), "cheek_line": [0.0, 0.30],
    "blotch": [0.01, 0.08],
    # left and right differ
    "nose_dx": (0, 0.030), "brow_dy": (0, 0.014), "eye_dy": (0, 0.010),
    "mouth_dy": (0, 0.013),
    # colour, hair, age; the last few are thresholds for having a thing at all
    "melanin": [0, 1], "warmth": (0, 1.3), "hair_tone": [0, 1], "iris_tone": [0, 1],
    "age": [0, 1], "freckle": [0, 1], "liner": [0, 1], "hairline": (-1.14, 0.13),
    "hair_len": [0, 1], "hair_vol": [0.05, 0.30], "parting": [-0.5, 0.5],
    "fringe": [0, 1], "bald": [0, 1], "beard": [0, 1], "glasses": [0, 1],
    "texture_u": [0, 1], "texture_v": [0, 1], "cloth": [0, 1],
    "gain_au": [0.85, 1.15],
}

# Angles in degrees; lx, ly: where the light comes from, right and down; blur in pixels, noise in
# grey levels.
SCENE = {
    "yaw": [-6.0, 6.0], "pitch": [-6.0, 6.0], "roll": [-5.0, 5.0], "gaze_x": (0, 0.015),
    "gaze_y": (0, 0.008), "lx": [-0.55, 0.55], "ly": [-0.6, 0.1], "ambient": [0.43, 0.57],
    "diffuse": [0.45, 0.65], "gain": [0.85, 1.12], "tint": (0, 0.025), "span": [4.1, 4.7],
    "cx": [-0.1, 0.1], "cy": [0.2, 0.4], "back_hue": [0, 1], "back_light": [0.10, 0.90],
    "back_u": [0, 1], "back_v": [0, 1], "back_rough": [0.02, 0.14], "blur": (0, 0.0),
    "noise": [1.0, 3.0], "grain_u": [0, 1], "grain_v": [0, 1], "side": (0, 0.10),
}
# FER2013's crop
TIGHT = {
    "span": [2.45, 2.95], "cx": [-0.10, 0.10], "cy": [0.18, 0.38], "blur": [0.0, 0.45],
}
# fmt: on


@dataclass(frozen=True)
class Faces:
    """B faces, not yet drawn: who (`person`), how pictured (`scene`), doing what (`units`)."""

    person: np.ndarray  # (B,) record of float64, fields of PERSON
    scene: np.ndarray  # (B,) record of float64, fields of SCENE
    units: np.ndarray  # (B, 19) float64 in [0, 1], columns as in UNITS

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows) -> Faces:
        """Faces at `rows` (indices, a mask or a slice), in that order."""
        return Faces(self.person[rows], self.scene[rows], self.units[rows])

    def acting(self, **intensity) -> Faces:
        """The same faces with action units set, `faces.acting(au12=0.8)`; each a number or (B,)."""
        units = self.units.copy()
        for name, value in intensity.items():
            number = int(name[2:]) if name[:2] == "au" and name[2:].isdigit() else -1
            if number not in UNITS:
                raise nearest(name, [f"au{u}" for u in UNITS], what="action unit")
            units[:, UNITS.index(number)] = value
        return replace(self, units=units)

    def pictured(self, **setting) -> Faces:
        """The same faces with scene settings replaced, `faces.pictured(yaw=25.0, noise=0.0)`."""
        return replace(self, scene=_with(self.scene, setting, "scene setting"))

    def changed(self, **trait) -> Faces:
        """The same faces with traits of the person replaced, `faces.changed(glasses=0.0)`."""
        return replace(self, person=_with(self.person, trait, "trait"))


def people(seed: int, count: int) -> np.ndarray:
    """A (count,) record of PERSON's traits; person i is the same whatever `count`."""
    return _draw(PERSON, count, seed, "person")


def pictures(seed: int, count: int, *, style: str = "portrait", **setting) -> np.ndarray:
    """`count` scenes, a (count,) record of SCENE's settings.

    style     'portrait' shows the shoulders, 'tight' is FER2013's crop
    setting   a number or (count,) array for a setting, or (low, high) for a uniform draw of it
    """
    if style not in ("portrait", "tight"):
        raise nearest(style, ("portrait", "tight"), what="style")
    table = SCENE | (TIGHT if style == "tight" else {})
    fixed = {}
    for name, value in setting.items():
        if not isinstance(value, tuple):
            fixed[name] = value
        elif name in SCENE:
            table[name] = list(value)
        else:
            raise nearest(name, SCENE, what="scene setting")
    return _with(_draw(table, count, seed, "scene"), fixed, "scene setting")


def faces(seed: int, count: int, *, style: str = "portrait", **setting) -> Faces:
    """`count` different people, each in one picture, every action unit at rest."""
    scene = pictures(seed, count, style=style, **setting)
    return Faces(people(seed, count), scene, np.zeros((count, len(UNITS))))


def _draw(table, count, seed, what) -> np.ndarray:
    out = np.zeros(count, dtype=[(name, "f8") for name in table])
    for name, spread in table.items():
        rng, (a, b) = stream(seed, what, name), spread
        if isinstance(spread, list):
            out[name] = rng.uniform(a, b, count)
        else:
            out[name] = a + b * rng.standard_normal(count).clip(-2.2, 2.2)
    return out


def _with(record, values, what) -> np.ndarray:
    out = record.copy()
    for name, value in values.items():
        if name not in out.dtype.names:
            raise nearest(name, out.dtype.names, what=what)
        if not np.isfinite(value).all():
            raise EmolibError(f"{what} '{name}' is {value}, expected finite numbers")
        out[name] = value
    return out
