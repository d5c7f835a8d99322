"""How to choose a band: the spectrum of a film's mean brightness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emolib.evm.magnifier import as_frames
from emolib.ground.errors import EmolibError

if TYPE_CHECKING:
    import pandas as pd

FINER = 16  # times as many frequencies as the clip has frames, so that no peak is between two


@dataclass(frozen=True)
class Spectrum:
    """hertz (F,), amplitude (F, C) in units of the pixels: a sine of amplitude 1 peaks at 1."""

    hertz: np.ndarray
    amplitude: np.ndarray

    def frame(self, series: str) -> pd.DataFrame:
        """Long: hertz, series, measured, for `plots.band`."""
        import pandas as pd

        names = [str(c) for c in range(self.amplitude.shape[1])]
        if len(names) == 3:
            names = ["red", "green", "blue"]
        parts = []
        for name, measured in zip(names, self.amplitude.T):
            columns = {"hertz": self.hertz, "series": f"{series}, {name}", "measured": measured}
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)


def spectrum(video, fps: float, mask: np.ndarray | None = None) -> Spectrum:
    """Amplitudes of each channel's mean over the picture, less a straight line; Hann window.

    mask   (H, W), weights: where to look, such as the skin. A pulse is strongest in green and is
           found to about 1 beat a minute in 10 s.
    EmolibError for fps <= 0, fewer than 4 frames, or a mask of another shape or without weight.
    """
    from scipy.signal import detrend

    frames = as_frames(video)
    if not 0 < fps < np.inf:
        raise EmolibError(f"fps is {fps}: expected a number above 0")
    if len(frames) < 4:
        raise EmolibError(f"{len(frames)} frames have no spectrum; give 4 or more")
    size = tuple(frames.shape[1:3])
    weight = np.ones(size) if mask is None else np.asarray(mask, np.float64)
    if weight.shape != size or not weight.sum() > 0:
        raise EmolibError(
            f"the mask has shape {weight.shape} and sum {weight.sum():g}: "
            f"expected {size} and a sum above 0"
        )
    means = [np.tensordot(weight, f.double().cpu().numpy(), 2) for f in frames]
    mean = np.stack(means) / weight.sum()  # (T, C)
    window = np.hanning(len(mean) + 2)[1:-1, None]
    waves = np.fft.rfft(detrend(mean, axis=0) * window, FINER * len(mean), axis=0)
    return Spectrum(np.fft.rfftfreq(FINER * len(mean), 1 / fps), 2 * np.abs(waves) / window.sum())
