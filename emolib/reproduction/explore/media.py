"""The picture and the sound behind a point, fetched when somebody looks, and kept nowhere."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from emolib import data as datasets
from emolib.ground.errors import EmolibError
from emolib.reproduction.explore.bundles import Bundle

BANDS = 64  # mel bands of a spectrogram


@dataclass(frozen=True)
class Sample:
    """PNG of a picture and of a spectrogram, WAV of a sound: b'' where there is none.

    `note` says why.
    """

    picture: bytes = b""
    spectrogram: bytes = b""
    sound: bytes = b""
    note: str = ""


def sample(bundle: Bundle, row: int) -> Sample:
    """What point `row` looks and sounds like; one part of a clip brings that part only."""
    if bundle.kind == "numbers":
        return Sample(note="this set holds numbers only: there is no picture and no sound to show")
    try:
        data = datasets.resolve(bundle.reference)
    except EmolibError as error:
        return Sample(note=f"cannot be shown here: {error}")
    part, at = bundle.modality[row], int(bundle.rows[row])
    if bundle.kind == "pictures":
        return Sample(png(data.images[at]))
    seen = part != "sound" and data.frames is not None
    picture = png(middle(data, at)) if seen else b""
    heard = part != "face" and data.waveform is not None
    wave = data.waveform[at]() if heard else None
    if wave is None:
        return Sample(picture)
    return Sample(picture, png(spectrogram(wave, data.rate)), wav(wave, data.rate))


def middle(clips, at: int) -> np.ndarray:
    """The frame in the middle of a clip; a simulated one is drawn alone, not the whole film."""
    if clips.source == "simulated":
        from emolib.data.sim import clip_sets

        return clip_sets.drawn(clips, at, [len(clip_sets.film(clips, at)) // 2])[0]
    frames = clips.frames[at]()
    return frames[len(frames) // 2]


def spectrogram(wave: np.ndarray, rate: int) -> np.ndarray:
    """Mel spectrogram as a picture uint8 (BANDS, frames, 3).

    Time to the right, high tones above, 80 dB from black to yellow.
    """
    from matplotlib import colormaps

    from emolib.features import mel

    bands = mel.log_mel(wave, rate, n_fft=1024, hop_length=256, bands=BANDS)  # (frames, BANDS), dB
    level = np.clip((bands - bands.max()) / 80 + 1, 0, 1)
    return (colormaps["magma"](level.T[::-1])[..., :3] * 255).astype(np.uint8)


def png(image: np.ndarray) -> bytes:
    """A picture uint8 (H, W[, 3]) as PNG."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(image).save(out, format="PNG")
    return out.getvalue()


def wav(wave: np.ndarray, rate: int) -> bytes:
    """A waveform in [-1, 1] as a 16-bit WAV file."""
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, wave, rate, format="WAV", subtype="PCM_16")
    return out.getvalue()
