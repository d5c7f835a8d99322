"""How a set differs from the one a network was trained on: the dial `shift`, in one place."""

from dataclasses import replace

import numpy as np

from emolib.data.sim.face_traits import PERSON, Faces

# Normal traits of which a shifted crowd has more: other faces, no named group.
MOVED = ("head_w", "chin", "eye_w", "brow_th", "nose_w", "lip_low")


def shifted(crowd: Faces, amount: float, size: int, where=True) -> Faces:
    """`crowd` as another camera, studio and casting would have it; `amount` from 0 (as it is) to 1.

    Light grows harder, the picture softer, proportions move by up to a spread, and action units
    weaken to 0.6. Nothing is drawn at random.
    where   mask (B,) of the faces that change; the others keep every number
    """
    amount = amount * np.broadcast_to(where, len(crowd))
    person, scene = crowd.person.copy(), crowd.scene.copy()
    for name in MOVED:
        person[name] += PERSON[name][1] * amount
    scene["diffuse"] += 0.25 * amount
    scene["blur"] += 0.8 * size / 48 * amount
    units = crowd.units * (1 - 0.4 * amount)[:, None]
    return replace(crowd, person=person, scene=scene, units=units)
