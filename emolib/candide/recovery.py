"""How well fitted action units follow the true ones, on simulated faces.

What is left of the person at rest shows up as action units. So three readings stand side by side:
as the text has it (`action`), the change from the same person's rest (`change`), and without a
neutral frame (`joint`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emolib.candide.fit import fit_action, fit_joint, fit_shape
from emolib.candide.model import Candide
from emolib.candide.solver import Options

if TYPE_CHECKING:
    import pandas as pd

# Candide's unit and the simulator's action unit that moves the same part of the face.
# fmt: off
SIMULATED = {
    "AU26/27": "au26", "AU4": "au4", "AU13/15": "au15", "AU10": "au10", "AU20": "au20",
    "AU7": "au7", "AU9": "au9", "AU42-45": "au43",
}
# fmt: on
COLUMNS = ["unit", "reading", "noise", "yaw", "correlation", "spread", "found"]


def recovery(
    model: Candide,
    *,
    count: int = 400,
    seed: int = 0,
    size: int = 200,
    noise=(0.0,),
    yaw=(0.0,),
    together: bool = False,
    see=None,
) -> pd.DataFrame:
    """Pearson correlation over `count` people of each fitted unit and its true intensity in [0, 1].

    noise     standard deviations in pixels of a `size` picture, added to all points
    yaw       degrees by which the acting head is turned; the neutral picture is frontal (up to 6)
    together  False: one unit acts at a time; True: all eight at once, independently
    see       (faces, size) -> points (B, 68, 2), NaN without a face, in place of the true points
    Returns a row a unit and reading: correlation (NaN of fewer than three people), `spread`, the
    standard deviation at rest, and `found`, the share of people with points in both pictures.
    """
    import pandas as pd

    from emolib.data.sim import face

    rng, how = np.random.default_rng(seed), Options(bad="flag")
    crowd = face.faces(seed, count)
    still = face.Faces(crowd.person, face.pictures(seed + 1, count), crowd.units)
    truth = {unit: rng.uniform(0, 1, count) for unit in SIMULATED}
    groups = [list(SIMULATED)] if together else [[unit] for unit in SIMULATED]

    def seen(faces, level):
        points = (see or face.points)(faces, size)
        return points + level * rng.standard_normal(points.shape)

    rows = []
    for level in noise:
        neutral = seen(still, level)
        shape = fit_shape(neutral, model, how)
        rest = fit_action(neutral, model, shape, how).units
        for angle in yaw:
            turned = crowd.pictured(yaw=angle + crowd.scene["yaw"])
            for units in groups:
                amounts = {SIMULATED[unit]: truth[unit] for unit in units}
                acting = seen(turned.acting(**amounts), level)
                now = fit_action(acting, model, shape, how).units
                joint = fit_joint(acting, model, how).units
                readings = {"action": now, "change": now - rest, "joint": joint}
                for unit in units:
                    column = list(model.action_units).index(unit)
                    good = np.isfinite(now[:, column].numpy())
                    at_rest = rest[:, column]
                    spread = float(at_rest[at_rest.isfinite()].std())
                    for reading, fitted in readings.items():
                        agree = _correlation(fitted[:, column].numpy()[good], truth[unit][good])
                        rows.append((unit, reading, level, angle, agree, spread, good.mean()))
    return pd.DataFrame(rows, columns=COLUMNS)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return np.corrcoef(x, y)[0, 1] if len(x) > 2 else np.nan
