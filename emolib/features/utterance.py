"""What is said, as a picture that a network looks at: bands of mel over time, in decibels.

Neither gain nor offset nor rate of the recording is left in it: a sound is brought to 16 kHz, its
loudest cell is FLOOR, and all that lies FLOOR decibels below it is 0.
"""

from __future__ import annotations

import numpy as np
import torch

from emolib.features import mel
from emolib.ground.errors import EmolibError

RATE, WINDOW, HOP, BANDS = 16_000, 1024, 256, 128  # 64 and 16 ms
FLOOR, QUIET = 60.0, 35.0  # decibels; a frame this far below the loudest is no longer speech
FRAMES = 192  # of a picture as a network sees it: 3.07 s


def picture(waveform: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) at `rate` Hz -> float32 (BANDS, frames) in [0, FLOOR]; silent ends are cut off.

    A steady sound has no frame. Raises EmolibError for NaN and for under 64 ms.
    """
    sound = mel.without_gain(resampled(waveform, rate))
    if len(sound) < WINDOW:
        raise EmolibError(f"utterance: {len(sound)} samples at 16 kHz, expected at least {WINDOW}")
    if not sound.any():
        return np.zeros((BANDS, 0), np.float32)
    power = mel.mel_spectrogram(sound, RATE, n_fft=WINDOW, hop_length=HOP, bands=BANDS)
    loud = mel.decibels(power, floor=FLOOR)  # (frames, BANDS)
    frames = 10 * np.log10(power.sum(1) + 1e-12)
    spoken = np.flatnonzero(frames > frames.max() - QUIET)
    loud = loud[spoken[0] : spoken[-1] + 1]
    return (loud - loud.max() + FLOOR).clip(0).T.astype(np.float32)


def resampled(waveform: np.ndarray, rate: int) -> np.ndarray:
    """(samples,) float32 at 16 kHz."""
    from torchaudio.functional import resample

    sound = torch.as_tensor(np.ascontiguousarray(waveform, np.float32))
    return resample(sound, rate, RATE).numpy() if rate != RATE else sound.numpy()


def windows(picture: np.ndarray) -> np.ndarray:
    """(BANDS, frames) -> (W, BANDS, FRAMES): one window about the middle of a short utterance,
    half overlapping ones over a long one."""
    frames = picture.shape[1]
    if frames <= FRAMES:
        before = (FRAMES - frames) // 2
        return np.pad(picture, ((0, 0), (before, FRAMES - frames - before)))[None]
    count = 1 + -(-(frames - FRAMES) // (FRAMES // 2))
    starts = np.linspace(0, frames - FRAMES, count).round().astype(int)
    return np.stack([picture[:, start : start + FRAMES] for start in starts])
