"""Spectrograms: log-mel frames for orgil, linear segments for chang. torch alone, CPU or GPU.

An array comes back as an array, a tensor as a tensor on its device; float32 and float64 stay.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from torch.nn.functional import pad

from emolib.ground.errors import EmolibError

SCALES = ("slaney", "htk")
AT_ONCE = 1 << 17  # samples of a batch taken at once on a CPU: what its cache holds
# chang2021, 4.5.2: Hann window of 512, hop of 64, 16 kHz
CHANG = {"rate": 16_000, "n_fft": 512, "hop_length": 64}


def htk_mel(hertz):
    """Eq. 7 of orgil2021 (2.3.1; Eq. 1.1 of orgil2022): m = 2595 log10(1 + f / 700), f in Hz."""
    return 2595 * torch.log10(1 + torch.as_tensor(hertz, dtype=torch.float64) / 700)


def htk_hertz(mel):
    """The inverse of Eq. 7: f = 700 (10^(m / 2595) - 1)."""
    return 700 * (10 ** (torch.as_tensor(mel, dtype=torch.float64) / 2595) - 1)


def slaney_mel(hertz):
    """Slaney (1998), librosa's default: linear to 1 kHz (15 mel), then 27 mel per factor 6.4."""
    f = torch.as_tensor(hertz, dtype=torch.float64)
    high = 15 + 27 / math.log(6.4) * torch.log(f.clamp(min=1000) / 1000)
    return torch.where(f < 1000, f * 3 / 200, high)


def slaney_hertz(mel):
    """The inverse of `slaney_mel`."""
    m = torch.as_tensor(mel, dtype=torch.float64)
    return torch.where(m < 15, m * 200 / 3, 1000 * torch.exp(math.log(6.4) / 27 * (m - 15)))


@functools.lru_cache(maxsize=16)
def filter_bank(
    rate: int,
    n_fft: int,
    bands: int = 128,
    scale: str = "slaney",
    device: str = "cpu",
    dtype=torch.float64,
) -> torch.Tensor:
    """Triangular filters, (n_fft // 2 + 1, bands): edges even in mel from 0 to rate / 2, area 1.

    scale   'slaney' or 'htk' (the printed Eq. 7)
    Do not write into it. Raises EmolibError for an unknown scale or a band without a bin.
    """
    if scale not in SCALES:
        raise EmolibError(f"mel scale '{scale}' is not known: expected {' or '.join(SCALES)}")
    _whole(rate=rate, n_fft=n_fft, bands=bands)
    to_mel, to_hertz = (slaney_mel, slaney_hertz) if scale == "slaney" else (htk_mel, htk_hertz)
    # (bands + 2,)
    edge = to_hertz(torch.linspace(0, 1, bands + 2, dtype=torch.float64) * to_mel(rate / 2))
    low, centre, high = edge[:-2], edge[1:-1], edge[2:]
    bins = (torch.arange(n_fft // 2 + 1, dtype=torch.float64) * rate / n_fft)[:, None]
    rise, fall = (bins - low) / (centre - low), (high - bins) / (high - centre)
    bank = torch.minimum(rise, fall).clamp(min=0) * 2 / (high - low)  # (n_fft // 2 + 1, bands)
    empty = (bank.sum(0) == 0).nonzero().flatten()
    if len(empty):
        raise EmolibError(
            f"mel band {int(empty[0])} of {bands} at {rate} Hz holds no bin of a transform of "
            f"{n_fft}; use fewer bands or a larger n_fft"
        )
    return bank.to(device, dtype)


def mel_spectrogram(
    waveform,
    rate: int = 22_050,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    bands: int = 128,
    scale: str = "slaney",
):
    """Mel power: (samples,) -> (frames, bands), (B, samples) -> (B, frames, bands).

    waveform   float, in [-1, 1] (not enforced); rate is its own, in Hz
    Frame k is centred on sample k * hop_length, the sound is zero outside; Hann window. librosa's
    melspectrogram(norm='slaney', htk=scale == 'htk'), transposed. orgil2021, 2.3.1: 22,050 Hz,
    2048, 512, 128. Raises EmolibError for another shape or kind, NaN or fewer than n_fft samples.
    """
    sound, back = _sound(waveform, least=n_fft)
    _whole(rate=rate, hop_length=hop_length)
    bank = filter_bank(rate, n_fft, bands, scale, str(sound.device), sound.dtype)

    def rows(part):  # (..., samples) -> (..., frames, bands)
        return _power(pad(part, (n_fft // 2, n_fft // 2)), n_fft, hop_length).mT @ bank

    if sound.ndim == 1:
        return back(rows(sound))
    most = AT_ONCE if sound.device.type == "cpu" else 64 * AT_ONCE
    return back(torch.cat([rows(part) for part in sound.split(max(1, most // sound.shape[1]))]))


def log_mel(waveform, rate: int = 22_050, **how):
    """`mel_spectrogram` in decibels with a floor 80 under each clip's loudest value, as librosa's.

    How orgil scales the features is unprinted; see choices orgil2021-c20 and -c21.
    """
    return decibels(mel_spectrogram(waveform, rate, **how))


def decibels(power, *, floor: float = 80.0, least: float = 1e-10):
    """10 log10(power), at least `least` and `floor` under each clip's largest (last two axes)."""
    loud = 10 * torch.log10(torch.as_tensor(power).clamp(min=least))
    loud = torch.maximum(loud, loud.amax((-2, -1), keepdim=True) - floor)
    return loud if isinstance(power, torch.Tensor) else loud.numpy()


def without_gain(waveform: np.ndarray) -> np.ndarray:
    """(samples,) about 0 and as loud as it can be, 1 at its loudest; a steady sound becomes 0.

    What is made from it depends on no gain or offset, also not by `least` of `decibels`.
    """
    centred = waveform - waveform.mean()
    loudest = np.abs(centred).max()
    return centred / loudest if loudest > 1e-6 else np.zeros_like(centred)


def aligned(mel, rate: int, hop_length: int, fps: float, frames: int):
    """Mel rows brought to video frames: (rows, bands) -> (frames, bands).

    A frame t, [t / fps, (t + 1) / fps), is the mean of the rows centred inside it, or the row
    nearest to its middle. Raises EmolibError when the sound ends over a second before the video.
    """
    _whole(rate=rate, hop_length=hop_length, frames=frames)
    rows = torch.as_tensor(mel)
    if rows.ndim != 2 or not len(rows) or not fps > 0:
        raise EmolibError(
            f"mel rows of shape {tuple(rows.shape)} at {fps} frames a second: "
            "expected (rows, bands) and fps above 0"
        )
    missing = frames / fps - len(rows) * hop_length / rate
    if missing > 1:
        raise EmolibError(
            f"the sound ends {missing:.1f} s before the video ({len(rows)} mel rows of {hop_length}"
            f" samples at {rate} Hz, {frames} frames at {fps} a second); "
            "check rate, hop_length and fps"
        )
    at = torch.arange(len(rows), dtype=torch.float64, device=rows.device)
    centre = at * hop_length / rate * fps  # in video frames
    frame = (centre + 1e-9).floor().long()  # a centre on the border belongs to the later frame
    frame, inside = frame[frame < frames], rows[frame < frames]
    count = torch.bincount(frame, minlength=frames)[:, None]  # (frames, 1)
    total = rows.new_zeros(frames, rows.shape[1]).index_add_(0, frame, inside)
    middle = (torch.arange(frames, device=rows.device) + 0.5) / fps * rate / hop_length  # in rows
    nearest = rows[middle.round().long().clamp(max=len(rows) - 1)]  # (frames, bands)
    out = torch.where(count > 0, total / count.clamp(min=1), nearest)
    return out if isinstance(mel, torch.Tensor) else out.numpy()


def log_spectrogram(waveform, rate: int = 16_000, *, hop_length: int = CHANG["hop_length"]):
    """chang2021's linear spectrogram in decibels: (samples,) -> (257, frames), batches alike.

    Hann window of 512, hop of 64, 16 kHz (4.5.2); 250 frames a second exactly, as the printed
    multiply-adds need: frame k is centred on the middle of hop k. Floor 80 dB under the loudest.

    hop_length   another even number up to 512: 32 and 128 in Fig. 4.19, 256 in narrow stand-ins
    Raises EmolibError as `mel_spectrogram` does, and for any other rate.
    """
    if rate != CHANG["rate"]:
        raise EmolibError(
            f"sound at {rate} Hz, expected {CHANG['rate']}; "
            "resample it first (torchaudio.functional.resample)"
        )
    n_fft = CHANG["n_fft"]
    _whole(hop_length=hop_length)
    if hop_length % 2 or hop_length > n_fft:
        raise EmolibError(
            f"hop_length is {hop_length}, expected an even number up to the window of {n_fft}"
        )
    sound, back = _sound(waveform, least=n_fft)
    padded = pad(sound, ((n_fft - hop_length) // 2,) * 2)
    return back(decibels(_power(padded, n_fft, hop_length)))


def segments(spectrogram, seconds: float = 1.0, overlap: float = 0.5):
    """Equal pieces of a spectrogram of 250 frames a second: (257, frames) -> (S, 257, length).

    chang2021, Fig. 4.18 and 4.20; half overlapping by default (ours). A tail is left out. Raises
    EmolibError for less than one piece or an overlap outside [0, 1).
    """
    if not 0 <= overlap < 1 or not seconds > 0:
        raise EmolibError(
            f"segments of {seconds} s with overlap {overlap}: "
            "expected seconds above 0 and an overlap in [0, 1)"
        )
    whole = torch.as_tensor(spectrogram)
    length = round(seconds * 250)
    step = max(1, round(length * (1 - overlap)))
    if whole.ndim not in (1, 2) or not 0 < length <= whole.shape[-1]:
        raise EmolibError(
            f"a signal of shape {tuple(whole.shape)} gives no segment of {length} ({seconds} s); "
            "expected time last, one or two axes, and at least one segment"
        )
    cut = whole.unfold(-1, length, step).movedim(-2, 0)  # (S, ..., length)
    return cut if isinstance(spectrogram, torch.Tensor) else cut.numpy().copy()


def _power(padded: torch.Tensor, n_fft: int, hop: int) -> torch.Tensor:
    """|STFT|^2 with a periodic Hann window, (..., n_fft // 2 + 1, frames), without a root."""
    window = torch.hann_window(n_fft, dtype=padded.dtype, device=padded.device)
    spectrum = torch.stft(padded, n_fft, hop, window=window, center=False, return_complex=True)
    return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)


def _sound(waveform, *, least: int):
    """The waveform as a float tensor, and the way back to what the caller gave."""
    _whole(n_fft=least)
    array = not isinstance(waveform, torch.Tensor)
    waveform = np.asarray(waveform) if array else waveform
    if not (waveform.dtype.kind == "f" if array else waveform.is_floating_point()):
        raise EmolibError(
            f"waveform is {waveform.dtype}, expected floats in [-1, 1]; "
            "divide whole numbers by their full scale"
        )
    # a copy only of views torch cannot take
    sound = torch.as_tensor(np.require(waveform, requirements="CW") if array else waveform)
    if sound.ndim not in (1, 2) or not len(sound):
        raise EmolibError(
            f"waveform has shape {tuple(sound.shape)}, expected (samples,) or (B, samples); "
            "mix channels down first"
        )
    if sound.shape[-1] < least:
        raise EmolibError(
            f"waveform has {sound.shape[-1]} samples, expected at least one window of {least}"
        )
    sound = sound.to(torch.promote_types(sound.dtype, torch.float32))
    bad = (~torch.isfinite(sound)).nonzero()
    if len(bad):
        raise EmolibError(
            f"waveform is {float(sound[tuple(bad[0])])} at sample {int(bad[0][-1])}, "
            f"expected finite numbers ({len(bad)} such)"
        )
    return sound, (lambda out: out.numpy()) if array else (lambda out: out)


def _whole(**numbers):
    for name, value in numbers.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise EmolibError(f"{name} is {value}, expected a whole number above 0")
