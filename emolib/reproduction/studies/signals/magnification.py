"""Notebook 03, second half: Eulerian magnification of a pulse and of a pulled lip corner (orgil2022, 1.2.5). The faces are simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import evm
from emolib.data.sim import face
from emolib.data.sim.streams import stream
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, Pictures
from emolib.reproduction.studies.signals.features import drawn, sizes

FRAMES = 20  # that the paper shows of a film, ten by ten
BAND, MOTION_BAND, ALPHA, FILM_FPS = (0.8, 3.0), (0.8, 5.0), 5.0, 30.0


def pulsing_face(count: int, size: int, hertz: float, amplitude: float, seed: int = 447):
    """A face that sits still, uint8 (count, size, size, 3), whose skin pulses; and where the skin is, (size, size) in 0 to 1.

    amplitude   in grey levels of green; red and blue pulse by 0.4 and 0.6 of it. Skin is where another skin colour changes the picture.
    """
    who = face.faces(seed, 1, span=2.6, noise=0.0)
    pale, dark = (
        face.render(who.changed(melanin=m), size)[0].astype(np.float64).mean(-1) for m in (0.1, 0.9)
    )
    skin = np.clip((pale - dark) / np.quantile(pale - dark, 0.9), 0, 1)
    pulse = amplitude * np.sin(2 * np.pi * hertz * np.arange(count) / FILM_FPS)
    still, rng = face.render(who, size)[0].astype(np.float64), stream(seed, "camera noise")
    noise = rng.normal(0, 0.7, (count, size, size, 3))
    film = still + pulse[:, None, None, None] * skin[..., None] * np.array([0.4, 1.0, 0.6]) + noise
    return np.clip(np.round(film), 0, 255).astype(np.uint8), skin


@runs.once
def pulse_spectrum(profile: str) -> Outcome:
    """Spectrum of the mean skin of the film behind Fig. 1.12, before and after magnification: where to put the band."""
    film, skin = pulsing_face(300, sizes(profile).size, 1.2, 0.5)
    parts = [
        evm.spectrum(f, FILM_FPS, skin).frame(name)
        for name, f in (
            ("as filmed", film),
            ("magnified", evm.magnify(film, FILM_FPS, *BAND, ALPHA)),
        )
    ]
    frame = pd.concat(parts, ignore_index=True)
    return drawn(
        frame[(frame.hertz <= 5) & frame.series.str.endswith("green")], profile, kind=Outcome
    )


@runs.once
def colour_magnified(profile: str) -> Pictures:
    """Twenty frames of a film of 10 s magnified as a whole (0.8 to 3 Hz, alpha 5): the first ten while the blood is in, the last ten while it is out.

    The frames: mean green of the skin in each (`measured`), as filmed, of the difference, and magnified. The difference is drawn 16 times
    as strong, on grey.
    """
    film, skin = pulsing_face(300, sizes(profile).size, 1.2, 0.5)
    large = evm.magnify(film, FILM_FPS, *BAND, ALPHA)
    start = 165 - FRAMES // 2 - 3  # the pulse falls through 0 at 5.42 s, frame 162.5
    rows, images = [], []
    for part in range(2):
        at = np.arange(start + 10 * part, start + 10 * part + 10)
        difference = large[at].astype(np.float64) - film[at]
        for name, shown, values in (
            ("as filmed", film[at], film[at]),
            (
                "difference x 16",
                np.clip(128 + 16 * difference, 0, 255).round().astype(np.uint8),
                difference,
            ),
            ("magnified", large[at], large[at]),
        ):
            images.append(shown)
            rows += [
                (name, int(t), round(float((v[..., 1] * skin).sum() / skin.sum()), 3))
                for t, v in zip(at, values)
            ]
    frame = pd.DataFrame(rows, columns=["picture", "frame", "measured"])
    return drawn(frame, profile, images=np.concatenate(images))


@runs.once
def motion_magnified(profile: str) -> Pictures:
    """A lip corner pulled a little (AU 12 at 0.08, 1 s up and down): as filmed, colour magnified, motion magnified, at five moments of the pull.

    `measured`: mean difference from the first frame in grey levels; what is shown is cut out around the mouth.
    """
    count, size = 90, sizes(profile).size
    time = np.arange(count) / FILM_FPS
    pull = 0.08 * np.sin(np.pi * np.clip(time - 1, 0, 1)) ** 2  # from 1 s to 2 s
    who = face.faces(12, 1, span=3.2, noise=0.0)
    crowd = face.Faces(
        np.repeat(who.person, count),
        np.repeat(who.scene, count),
        np.repeat(who.units * 0, count, 0),
    ).acting(au12=pull)
    film, mouth = face.render(crowd, size), face.points(who, size)[0, 48:68]
    (left, top), (right, bottom) = (
        (mouth.min(0) - size / 12).astype(int),
        (mouth.max(0) + size / 10).astype(int),
    )
    made = {
        "as filmed": film,
        "colour": evm.magnify(film, FILM_FPS, *BAND, ALPHA),
        "motion": evm.magnify(film, FILM_FPS, *MOTION_BAND, ALPHA, mode="motion"),
    }
    rows, images = [], []
    for t in (30, 36, 40, 45, 52):
        for name, pictures in made.items():
            change = np.abs(pictures[t].astype(np.float64) - film[0])[top:bottom, left:right].mean()
            rows.append(
                (name, f"{t / FILM_FPS:.2f} s", round(float(pull[t]), 3), round(float(change), 3))
            )
            images.append(pictures[t, top:bottom, left:right])
    return drawn(
        pd.DataFrame(rows, columns=["picture", "moment", "pull", "measured"]),
        profile,
        images=np.stack(images),
    )
