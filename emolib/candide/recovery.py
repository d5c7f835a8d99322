"""How well the fitted action units follow the true ones, on simulated faces, where the truth is known.

The simulated face is no linear Candide basis, and seven shape units do not make Candide a person: what is
left of the person at rest shows up as action units. So three readings stand side by side: as the text has
it (`action`), the change from the same person's rest (`change`), and without a neutral frame (`joint`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib.candide.fit import fit_action, fit_joint, fit_shape
from emolib.candide.model import Candide
from emolib.candide.solver import Options

# Candide's unit and the simulator's action unit that moves the same part of the face.
SIMULATED = {
    "AU26/27": 26,
    "AU4": 4,
    "AU13/15": 15,
    "AU10": 10,
    "AU20": 20,
    "AU7": 7,
    "AU9": 9,
    "AU42-45": 43,
}
READINGS = ("action", "change", "joint")


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
    """Pearson correlation over `count` people between each fitted unit and its true intensity, drawn evenly from [0, 1].

    noise     standard deviations in pixels of a `size` picture, added to all points, also those of the neutral picture
    yaw       degrees by which the acting head is turned; the neutral picture is another one, and frontal (up to 6 degrees)
    together  False: one unit acts at a time; True: all eight at once, independently
    see       (faces, size) -> points (B, 68, 2), NaN where no face was found: a detector in place of the true points
    Returns unit, reading, noise, yaw, correlation, `spread`, the standard deviation of the fitted unit at rest, and `found`, the share
    of people with points in both pictures; the others take no part. With fewer than three the correlation is NaN.
    """
    from emolib.data.sim import face

    see, how = see or face.points, Options(bad="flag")

    rng = np.random.default_rng(seed)
    crowd = face.faces(seed, count)
    still = face.Faces(crowd.person, face.pictures(seed + 1, count), crowd.units)
    truth = {f"au{au}": rng.uniform(0, 1, count) for au in SIMULATED.values()}
    rows = []
    for level in noise:
        blur = lambda crowd, level=level: (
            (points := see(crowd, size)) + level * rng.standard_normal(points.shape)
        )  # noqa: E731
        neutral = blur(still)
        shape = fit_shape(neutral, model, how)
        rest = fit_action(neutral, model, shape, how).units
        for angle in yaw:
            turned = crowd.pictured(yaw=angle + crowd.scene["yaw"])
            fits = {}
            for unit, au in SIMULATED.items():
                if not (together and fits):
                    acting = blur(
                        turned.acting(**(truth if together else {f"au{au}": truth[f"au{au}"]}))
                    )
                    now = fit_action(acting, model, shape, how).units
                    fits = {
                        "action": now,
                        "change": now - rest,
                        "joint": fit_joint(acting, model, how).units,
                    }
                column = list(model.action_units).index(unit)
                for reading in READINGS:
                    fitted = fits[reading][:, column].numpy()
                    good = np.isfinite(fits["action"][:, column].numpy())
                    agree = (
                        np.corrcoef(fitted[good], truth[f"au{au}"][good])[0, 1]
                        if good.sum() > 2
                        else np.nan
                    )
                    rows.append(
                        (
                            unit,
                            reading,
                            level,
                            angle,
                            agree,
                            float(rest[:, column][rest[:, column].isfinite()].std()),
                            good.mean(),
                        )
                    )
    return pd.DataFrame(
        rows, columns=["unit", "reading", "noise", "yaw", "correlation", "spread", "found"]
    )
