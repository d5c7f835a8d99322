"""What the figures on speech draw: spectrograms in pieces (notebook 43)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib.features import mel
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies.speech.plan import Study

SHOWN = 2.5  # seconds of the clip that are drawn
HOPS = (64, 128, 32)  # in the order of Figure 4.19: the thesis's own, too large, too small


@held
def segments(study: Study, overlap: float = 0.0) -> Outcome:
    """Figures 4.18 (overlap 0) and 4.20 (0.5): a clip, and the segments of 1.0 s cut from it."""
    whole, step = _loud(study), 1 - overlap
    frames = [_long(whole, f"whole, {SHOWN} s", 64)]
    for k, piece in enumerate(mel.segments(whole, 1.0, overlap)):
        frames.append(_long(piece, f"segment {k + 1}, from {k * step:.1f} s", 64, k * step))
    return _outcome(study, frames)


@held
def hops(study: Study) -> Outcome:
    """Figure 4.19: a quarter of a second of the clip, up to 4 kHz, hops of 64, 128, 32 samples."""
    frames = []
    for hop in HOPS:
        whole = _loud(study, hop)
        middle = whole[:128, whole.shape[1] // 2 :][:, : 4000 // hop]
        frames.append(_long(middle, f"hop {hop}, {16000 // hop} a second", hop, bins=2, frames=1))
    return _outcome(study, frames)


def _outcome(study: Study, frames: list[pd.DataFrame]) -> Outcome:
    caps = {"clip": str(study.speech.meta["image"].iloc[_clip(study)])}
    return study.outcome(pd.concat(frames), sources=(study.speech,), seeds=(), caps=caps)


def _clip(study: Study) -> int:
    """Which clip is drawn: the first strong 'happy' one, or the first there is."""
    meta = study.speech.meta
    return int(((meta["emotion"] == "happy") & (meta["intensity"] == 2)).argmax())


def _loud(study: Study, hop: int = 64) -> np.ndarray:
    """Decibels (257, frames) of the loudest SHOWN seconds of the clip that is drawn."""
    sound = study.speech.waveform[_clip(study)]()
    size = int(SHOWN * mel.CHANG["rate"])
    energy = np.concatenate([[0], np.cumsum(sound.astype(float) ** 2)])
    start = int((energy[size:] - energy[:-size]).argmax()) if len(sound) > size else 0
    return mel.log_spectrogram(sound[start : start + size], hop_length=hop)


def _long(
    decibels: np.ndarray,
    panel: str,
    hop: int,
    start: float = 0.0,
    *,
    bins: int = 4,
    frames: int = 8,
) -> pd.DataFrame:
    """(257, frames) as second, band (Hz) and measured (dB); so many bins and frames averaged."""
    rows, columns, rate = len(decibels) // bins, decibels.shape[1] // frames, mel.CHANG["rate"]
    blocks = decibels[: rows * bins, : columns * frames].reshape(rows, bins, columns, frames)
    second = np.round(start + (np.arange(columns) + 0.5) * frames * hop / rate, 3)
    hertz = ((np.arange(rows) + 0.5) * bins * rate / mel.CHANG["n_fft"]).astype(int)
    places = {"second": np.tile(second, rows), "band": np.repeat(hertz, columns)}
    measured = blocks.mean((1, 3)).round(1).ravel()
    return pd.DataFrame({"panel": panel} | places | {"measured": measured})
