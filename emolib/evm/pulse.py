"""How to choose a band: the spectrum of a film's mean brightness, and where it peaks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import detrend

from emolib.evm.magnifier import as_frames
from emolib.ground.errors import EmolibError

FINER = 16  # times as many frequencies as the clip has frames, so that a peak is not between two of them


@dataclass(frozen=True)
class Spectrum:
    """hertz (F,), amplitude (F, C) in units of the pixels: a sine of amplitude 1 peaks at 1."""

    hertz: np.ndarray
    amplitude: np.ndarray

    def peak(self, low: float, high: float, channel: int | None = None) -> float:
        """Hz of the largest amplitude between `low` and `high`: of one channel, or of the root mean square of all."""
        inside = (self.hertz >= low) & (self.hertz <= high)
        if not inside.any():
            raise EmolibError(
                f"no frequency between {low:g} and {high:g} Hz: this film has 0 to {self.hertz[-1]:g}"
            )
        height = (
            np.sqrt((self.amplitude**2).mean(1)) if channel is None else self.amplitude[:, channel]
        )
        return float(self.hertz[np.flatnonzero(inside)[height[inside].argmax()]])

    def frame(self, series: str = "film", channels: tuple[str, ...] | None = None) -> pd.DataFrame:
        """Long: hertz, series, measured, for `plots.band`."""
        names = channels or (
            ("red", "green", "blue")
            if self.amplitude.shape[1] == 3
            else tuple(map(str, range(self.amplitude.shape[1])))
        )
        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "hertz": self.hertz,
                        "series": f"{series}, {name}" if series else name,
                        "measured": self.amplitude[:, c],
                    }
                )
                for c, name in enumerate(names)
            ],
            ignore_index=True,
        )


def spectrum(video, fps: float, mask: np.ndarray | None = None) -> Spectrum:
    """Amplitudes of the mean over the picture, channel by channel, after a straight line is taken off; Hann window.

    mask   (H, W), weights: where to look, such as the skin. A pulse is strongest in green and is found to about 1 beat a minute in 10 s.
    EmolibError for fps <= 0, fewer than 4 frames, or a mask of another shape or without weight.
    """
    frames = as_frames(video)
    if not 0 < fps < np.inf:
        raise EmolibError(f"fps is {fps}: expected a number above 0")
    if len(frames) < 4:
        raise EmolibError(f"{len(frames)} frames have no spectrum; give 4 or more")
    weight = np.ones(frames.shape[1:3]) if mask is None else np.asarray(mask, np.float64)
    if weight.shape != tuple(frames.shape[1:3]) or not weight.sum() > 0:
        raise EmolibError(
            f"the mask has shape {weight.shape} and sum {weight.sum():g}: expected {tuple(frames.shape[1:3])} and a sum above 0"
        )
    mean = (
        np.stack([np.tensordot(weight, f.double().cpu().numpy(), 2) for f in frames]) / weight.sum()
    )  # (T, C)
    window = np.hanning(len(mean) + 2)[1:-1, None]
    amplitude = (
        2
        * np.abs(np.fft.rfft(detrend(mean, axis=0) * window, FINER * len(mean), axis=0))
        / window.sum()
    )
    return Spectrum(np.fft.rfftfreq(FINER * len(mean), 1 / fps), amplitude)
