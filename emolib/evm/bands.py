"""Temporal filters: the part of each pixel's brightness over time between two frequencies.

ideal         Fourier transform of the whole clip, all bins outside the band set to 0
butterworth   Butterworth band-pass of `order`, causal: with its delay and its soft edges
iir           difference of two low-passes, y += r (x - y), r = 1 - exp(-2 pi f / fps): cheapest

The causal filters start as if the first frame had always been there: a still film stays so.
"""

from __future__ import annotations

import numpy as np
import torch

COLUMNS = 1 << 12  # pixels transformed at once: 300 frames of them stay in the cache


def bins(count: int, fps: float, low: float, high: float) -> np.ndarray:
    """Which of the count // 2 + 1 frequencies of a clip lie in the band; the edges belong to it."""
    hertz = np.fft.rfftfreq(count, 1 / fps)
    return (hertz >= low * (1 - 1e-9)) & (hertz <= high * (1 + 1e-9))


def ideal(small: torch.Tensor, fps: float, low: float, high: float) -> torch.Tensor:
    """The band of (T, h, w, C), in place."""
    keep = bins(len(small), fps, low, high)
    flat, first = small.reshape(len(small), -1), small[0].reshape(-1).clone()
    for start in range(0, flat.shape[1], COLUMNS):
        columns = slice(start, start + COLUMNS)
        part = flat[:, columns]
        # less the first frame, so that a pixel that never changes is exactly 0
        if part.is_cuda:
            part -= first[columns]
            spectrum = torch.fft.rfft(part, dim=0)
            spectrum[torch.as_tensor(~keep, device=part.device)] = 0
            part[:] = torch.fft.irfft(spectrum, n=len(part), dim=0)
        else:
            part.numpy()[:] = _kept(part.numpy() - first[columns].numpy(), keep)
    return flat.reshape(small.shape)


def _kept(signal: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """(T, N) with the bins that are not to `keep` set to 0."""
    import scipy.fft  # half a second to import

    threads = torch.get_num_threads()
    spectrum = scipy.fft.rfft(signal, axis=0, workers=threads)
    spectrum[~keep] = 0
    return scipy.fft.irfft(spectrum, n=len(signal), axis=0, workers=threads, overwrite_x=True)


class Causal:
    """A filter with a memory: call it with one piece (n, h, w, C) after another."""

    def __init__(self, kind: str, fps: float, low: float, high: float, order: int = 2):
        self.first, self.state = None, None
        if kind == "iir":
            self.rates = [float(1 - np.exp(-2 * np.pi * f / fps)) for f in (high, low)]
            self.step, self.size = self._difference, 2
        else:
            from scipy.signal import butter

            self.sections = butter(order, (low, high), "bandpass", fs=fps, output="sos").tolist()
            self.step, self.size = self._sections, 2 * len(self.sections)

    def __call__(self, piece: torch.Tensor) -> torch.Tensor:
        if self.state is None:
            self.first = piece[0].clone()
            self.state = [torch.zeros_like(self.first) for _ in range(self.size)]
        out = torch.empty_like(piece)
        for x, y in zip(piece, out):
            y.copy_(self.step(x - self.first))
        return out

    def _difference(self, x):
        for low_pass, rate in zip(self.state, self.rates):
            low_pass.lerp_(x, rate)
        return self.state[0] - self.state[1]

    def _sections(self, x):
        """Direct form II transposed, one second-order section after another."""
        for k, (b0, b1, b2, _, a1, a2) in enumerate(self.sections):
            y = b0 * x + self.state[2 * k]
            self.state[2 * k] = b1 * x - a1 * y + self.state[2 * k + 1]
            self.state[2 * k + 1] = b2 * x - a2 * y
            x = y
        return x
