"""From traits and action units to the scalars a renderer draws, and to the ground-truth points.

`features(faces)` is the one place where action units act: on about sixty numbers a face, most of
them positions of soft-edged curves. The 68 points read the same numbers, so that picture and
truth cannot disagree.
"""

import numpy as np

from emolib.data.sim.face_traits import PERSON, SCENE, UNITS, Faces

# fmt: off
SKIN = (
    (0.96, 0.80, 0.71), (0.90, 0.70, 0.58), (0.79, 0.58, 0.44), (0.60, 0.41, 0.30),
    (0.40, 0.27, 0.20),
)
HAIR = (
    (0.06, 0.05, 0.05), (0.13, 0.09, 0.07), (0.27, 0.17, 0.10), (0.46, 0.29, 0.16),
    (0.74, 0.58, 0.36), (0.60, 0.59, 0.58),
)
IRIS = (
    (0.13, 0.08, 0.05), (0.27, 0.16, 0.09), (0.27, 0.30, 0.20), (0.32, 0.44, 0.54),
)
CLOTH = (
    (0.12, 0.13, 0.16), (0.20, 0.27, 0.42), (0.45, 0.16, 0.17), (0.75, 0.74, 0.70),
    (0.20, 0.36, 0.27), (0.62, 0.50, 0.34),
)
BACK = (
    (0.80, 0.82, 0.84), (0.45, 0.55, 0.62), (0.62, 0.56, 0.47), (0.36, 0.42, 0.36),
    (0.55, 0.47, 0.50), (0.75, 0.72, 0.66),
)
# fmt: on
PIVOT = 0.4  # the head turns about (0, PIVOT, 0)


def features(faces: Faces) -> np.ndarray:
    """What the renderer draws: a (B,) record of float64, all lengths in head units.

    Traits and settings as they are, but for those that action units or thresholds change.
    """
    p, s = faces.person, faces.scene
    f = {k: p[k] for k in PERSON} | {k: s[k] for k in SCENE}
    f |= _shape(faces) | _mouth(faces) | _wrinkles(faces) | _colours(faces) | _camera(s)
    out = np.zeros(len(faces), dtype=[(k, "f8") for k in f])
    for name, value in f.items():
        out[name] = value
    return out


def _ramp(x, low, high):
    """0 below `low`, 1 above `high`, smooth between: how wrinkles come in."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _units(faces: Faces, *numbers: int) -> list[np.ndarray]:
    """Each of the action units `numbers`, (B,), as strong as this person shows it."""
    return [faces.units[:, UNITS.index(u)] * faces.person["gain_au"] for u in numbers]


def _squint(faces: Faces) -> np.ndarray:
    a6, a7, a9, a12 = _units(faces, 6, 7, 9, 12)
    return np.clip(0.75 * a6 + 0.6 * a7 + 0.25 * a12 + 0.3 * a9, 0, 1.2)  # orbicularis oculi


def _shape(faces: Faces) -> dict:
    """Head, eyes, brows and nose after the action units have pulled on them."""
    p, squint = faces.person, _squint(faces)
    a1, a2, a4, a5, a6, a7, a9, a10 = _units(faces, 1, 2, 4, 5, 6, 7, 9, 10)
    a12, a17, a26, a43 = _units(faces, 12, 17, 26, 43)
    jaw = 0.40 * a26  # masseter lets go
    open_lids = p["lid_up"] + 0.072 * a5 - 0.030 * a7 - 0.018 * a6 - 0.015 * a4 - 0.012 * a9
    low_lids = p["lid_low"] * (1 - 0.45 * np.minimum(squint, 1)) + 0.014 * a5
    shut = np.clip(a43, 0, 1)
    # corrugator draws the brow down (4), frontalis up (1, 2)
    inner = p["brow_y"] + p["brow_slope"] + 0.155 * a4 * (1 - 0.4 * a1) - 0.165 * a1 + 0.06 * a9
    outer = p["brow_y"] + 0.04 + 0.075 * a4 * (1 - 0.4 * a1) - 0.150 * a2 - 0.02 * a1 + 0.03 * a9
    return {
        "chin": p["chin"] + 0.82 * jaw - 0.02 * a17,
        "jaw": jaw,
        "jaw_p": p["jaw"],
        "chin_boss": p["chin_boss"] + 0.03 * a17,
        "lid_up": open_lids * (1 - shut) - 0.9 * low_lids * shut,
        "lid_low": low_lids,
        "crease": p["crease"] * (1 - 0.5 * a5),
        "squint": squint,
        "brow_in": p["brow_in"] - 0.060 * a4,
        "brow_yi": inner,
        "brow_yo": outer,
        "brow_arch": p["brow_arch"] + 0.025 * a2 - 0.035 * a4,
        "brow_th": np.maximum(p["brow_th"], 0.022),
        "nose_l": p["nose_l"] - 0.035 * a9 - 0.012 * a10,
        "nose_w": p["nose_w"] * (1 + 0.10 * a12 + 0.10 * a9 + 0.04 * a10),
    }


def _mouth(faces: Faces) -> dict:
    """Mouth and lips after the action units have pulled on them."""
    p = faces.person
    a10, a12, a14, a15, a17, a18 = _units(faces, 10, 12, 14, 15, 17, 18)
    a20, a23, a24, a25, a26 = _units(faces, 20, 23, 24, 25, 26)
    jaw = 0.40 * a26
    thin = (1 - 0.26 * a12) * (1 - 0.55 * a24) * (1 - 0.45 * a23) * (1 - 0.15 * a26)
    thin = thin * (1 - 0.2 * a20) * (1 + 0.25 * a18)
    height = p["nose_l"] + p["philtrum"] + 0.03 * jaw - 0.03 * a12 - 0.05 * a17 - 0.02 * a10
    width = p["mouth_w"] * (1 + 0.32 * a12) + 0.135 * a20 - 0.045 * a26 - 0.17 * a18
    up = 0.025 * a25 + 0.09 * a10 * np.maximum(a25, 0.3) + 0.045 * a12 * a25
    low = 0.055 * a25 + 0.095 * a12 * a25 + 0.055 * a20 * a25 + 0.03 * a18 * a25
    return {
        "mouth_y": height - 0.03 * a15 - 0.01 * a24,
        "mouth_w": width + 0.025 * a14 - 0.04 * a23 + 0.01 * a15,
        "corner": -0.015 - 0.16 * a12 + 0.125 * a15 + 0.045 * a20 - 0.02 * a14 + 0.02 * a17,
        "lateral": faces.scene["side"] * (1.2 * a12 + 1.5 * a14),
        "open_up": up + 0.03 * a18 * a25 + 0.08 * a26,
        "open_low": low + 0.90 * jaw,
        "lip_up": np.maximum(p["lip_up"], 0.03) * thin * (1 - 0.2 * a10),
        "lip_low": np.maximum(p["lip_low"], 0.05) * thin * (1 + 0.12 * a17),
        "pout": 0.06 + 0.08 * a18 + 0.03 * a17 - 0.03 * a24,
        "teeth": np.clip(1.15 - 0.9 * a18, 0, 1),
    }


def _wrinkles(faces: Faces) -> dict:
    """Folds and furrows: thresholds and products of action units, deeper with age."""
    p, age = faces.person, faces.person["age"]
    a1, a2, a4, a6, a9, a10, a12 = _units(faces, 1, 2, 4, 6, 9, 10, 12)
    a14, a17, a20, a23, a24 = _units(faces, 14, 17, 20, 23, 24)
    fold = _ramp(0.6 * a12 + 0.3 * a6 + 0.45 * a10 + 0.45 * a9 + 0.2 * age, 0.05, 1.2)
    forehead = _ramp(0.5 * (a1 + a2) + 0.6 * a1 * a2, 0.10, 1.3) * (0.55 + 0.6 * age)
    return {
        "cheek": 0.55 * a6 + 0.65 * a12 + 0.1 * a9,
        "fold": 0.85 * fold + 0.10 * age + 0.5 * p["cheek_line"],
        "fold_wide": 0.22 + 0.10 * a12 + 0.03 * a20,
        "frown": _ramp(a4 + 0.3 * a9, 0.15, 0.9) * (0.6 + 0.4 * age),
        "forehead": forehead + 0.12 * age**2,
        "nose_wrinkle": _ramp(a9 + 0.2 * a10 * a4, 0.10, 0.9),
        "crow": _ramp(a6 * (0.5 + 0.5 * a12) + 0.25 * age, 0.15, 0.9) * (0.5 + 0.5 * age),
        "chin_crumple": _ramp(a17, 0.1, 0.9),
        "dimple": _ramp(a14 + 0.3 * a12 * (p["cheekbone"] > 0.10), 0.1, 0.9),
        "tight": _ramp(a23 + a24, 0.1, 0.9),
        "stretch": _ramp(a20, 0.1, 0.9),
        "bag": 0.5 * p["bags"] + 0.14 * age + 0.08 * _squint(faces),
    }


def _palette(table, at) -> np.ndarray:
    """(B, 3) colours by linear interpolation of `table` at `at` in [0, 1]."""
    table, at = np.array(table), np.clip(at, 0, 1) * (len(table) - 1)
    low = np.minimum(at.astype(int), len(table) - 2)
    return table[low] + (at - low)[:, None] * (table[low + 1] - table[low])


def _colours(faces: Faces) -> dict:
    """Colours of skin, hair, iris, clothes and background, and who wears what."""
    p, s = faces.person, faces.scene
    warm = 1 + 0.06 * p["warmth"][:, None] * np.array([0.4, -0.2, -1.0])
    tone = p["hair_tone"] ** 1.4 * (1 - 0.75 * p["melanin"]) + 0.35 * (p["age"] > 0.93)
    tint = np.stack([1 + s["tint"], np.ones(len(s)), 1 - s["tint"]], 1)
    colours = {
        "skin": _palette(SKIN, p["melanin"]) * warm * tint,
        "hair": _palette(HAIR, tone) * tint,
        "iris": _palette(IRIS, p["iris_tone"] * (1 - 0.9 * np.sqrt(p["melanin"]))),
        "cloth": _palette(CLOTH, p["cloth"]) * (0.7 + 0.5 * p["fringe"])[:, None] * tint,
        "back": _palette(BACK, s["back_hue"]) * (0.25 + 0.95 * s["back_light"])[:, None] * tint,
    }
    out = {}
    for name, colour in colours.items():
        for i, channel in enumerate("rgb"):
            out[f"{name}_{channel}"] = np.clip(colour, 0, 1)[:, i]
    beard = np.where(p["beard"] > 0.74, (p["beard"] - 0.74) / 0.26, 0.0)
    return out | {
        "beard": beard * np.where(p["hair_len"] > 0.62, 0, 1),
        "glasses": np.where(p["glasses"] > 0.82, 1.0, 0.0),
        "round_rim": np.where(p["glasses"] > 0.91, 2.2, 4.0),
        "liner": np.where(p["hair_len"] > 0.55, p["liner"], 0.2),
        "freckle": np.maximum(0, p["freckle"] - 0.8) / 0.4 * (p["melanin"] < 0.5),
        "has_hair": np.where((p["bald"] < 0.09) & (p["hair_len"] < 0.5), 0.0, 1.0),
        "fringe": np.maximum(0, p["fringe"] - 0.75) / 0.35,
        "tex_u": p["texture_u"] * 64,
        "tex_v": p["texture_v"] * 64,
    }


def rotation(scene) -> np.ndarray:
    """Head to camera, (B, 3, 3): roll after pitch after yaw, degrees; positive yaw turns right."""
    y, p, r = (np.deg2rad(scene[k]) for k in ("yaw", "pitch", "roll"))
    one, nil = np.ones_like(y), np.zeros_like(y)

    def matrix(*rows):
        return np.stack([np.stack(row, -1) for row in rows], -2)

    turn = matrix((np.cos(y), nil, np.sin(y)), (nil, one, nil), (-np.sin(y), nil, np.cos(y)))
    nod = matrix((one, nil, nil), (nil, np.cos(p), np.sin(p)), (nil, -np.sin(p), np.cos(p)))
    lean = matrix((np.cos(r), -np.sin(r), nil), (np.sin(r), np.cos(r), nil), (nil, nil, one))
    return lean @ nod @ turn


def _camera(scene) -> dict:
    """The rotation entry by entry, and where the light comes from."""
    matrix = rotation(scene)
    out = {f"r{i}{j}": matrix[:, i, j] for i in range(3) for j in range(3)}
    x, y = scene["lx"], scene["ly"]
    norm = np.sqrt(x**2 + y**2 + 1)
    return out | {"light_x": x / norm, "light_y": y / norm, "light_z": 1 / norm}
