"""What the figures on speech draw (notebook 43): spectrograms in pieces, pairs beside print, learning curves, confusions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.data.sim.clip_sets import RAVDESS
from emolib.features import mel
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.studies.speech import speech
from emolib.reproduction.studies.speech.speech_plan import (
    NT,
    T,
    folds,
    printed,
    results,
    sizes,
    starts,
    ways,
)
from emolib.reproduction.studies.speech.speech_plan import speech as recordings

SHOWN = 2.5  # seconds of the clip that are drawn
HOPS = (64, 128, 32)  # in the order of Figure 4.19: the thesis's own, too large, too small


@runs.once
def clip(profile: str) -> int:
    """Which clip is drawn: the first strong 'happy' one, or the first there is."""
    meta = recordings(profile).meta
    found = np.flatnonzero((meta["emotion"] == "happy") & (meta["intensity"] == 2))
    return int(found[0]) if len(found) else 0


def _shown(frame: pd.DataFrame, profile: str, kind=Outcome) -> Outcome:
    data = recordings(profile)
    return kind(
        frame, profile, sources_of(data), caps={"clip": str(data.meta["image"].iloc[clip(profile)])}
    )


def _loud(profile: str, hop: int = 64) -> np.ndarray:
    """Decibels (257, frames) of the loudest SHOWN seconds of the clip that is drawn."""
    sound = recordings(profile).waveform[clip(profile)]()
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
    """(257, frames) as second, band (Hz) and measured (dB), so many neighbouring bins and frames averaged."""
    rows, columns = decibels.shape[0] // bins, decibels.shape[1] // frames
    small = (
        decibels[: rows * bins, : columns * frames]
        .reshape(rows, bins, columns, frames)
        .mean((1, 3))
    )
    rate = mel.CHANG["rate"]
    second = np.round(start + (np.arange(columns) + 0.5) * frames * hop / rate, 3)
    hertz = ((np.arange(rows) + 0.5) * bins * rate / mel.CHANG["n_fft"]).astype(int)
    return pd.DataFrame(
        {
            "panel": panel,
            "second": np.tile(second, rows),
            "band": np.repeat(hertz, columns),
            "measured": small.round(1).ravel(),
        }
    )


@runs.once
def segments(profile: str = "quick", overlap: float = 0.0) -> Outcome:
    """Figures 4.18 (overlap 0) and 4.20 (0.5): the clip's spectrogram, and the segments of 1.0 s that are cut from it."""
    whole = _loud(profile)
    step = round(250 * (1 - overlap))
    frames = [_long(whole, f"whole, {SHOWN} s", 64)]
    for k, piece in enumerate(mel.segments(whole, 1.0, overlap)):
        frames.append(
            _long(piece, f"segment {k + 1}, from {k * step / 250:.1f} s", 64, k * step / 250)
        )
    return _shown(pd.concat(frames, ignore_index=True), profile)


@runs.once
def hops(profile: str = "quick") -> Outcome:
    """Figure 4.19: a quarter of a second of the same clip, up to 4 kHz, with hops of 64, 128 and 32 samples."""
    frames = []
    for hop in HOPS:
        whole = _loud(profile, hop)
        part = whole[:128, whole.shape[1] // 2 :][:, : 4000 // hop]
        frames.append(_long(part, f"hop {hop}, {16000 // hop} a second", hop, bins=2, frames=1))
    return _shown(pd.concat(frames, ignore_index=True), profile)


@runs.once
def against_print(profile: str = "quick") -> Outcome:
    """Extra 32: accuracy of each pair, nested, with its interval; print's value beside each bar."""
    frame = speech.audio_rows(profile)
    frame = frame[
        (frame.metric == "accuracy")
        & frame.protocol.str.endswith(speech.NESTED)
        & (frame.actors != speech.ALL)
    ]
    return speech.outcome(frame.assign(row="AM (" + frame.time_augmentation + ")"), profile)


def print_beside(profile: str) -> pd.DataFrame:
    """The printed accuracies of the pairs at hand: row, actors, value."""
    return pd.DataFrame(
        [
            {"row": f"AM ({s})", "actors": a, "value": v}
            for s in (NT, T)
            for a, v in printed(s).items()
            if a in folds(profile)
        ]
    )


@runs.once
def confusions(profile: str = "quick") -> Outcome:
    """Extra 33: confusion matrices of AM (NT) and AM (T) over all pairs, rows sum to 1."""
    rows = []
    for slicing in (NT, T):
        clips = speech.clip_by_clip(profile, speech.main(profile, slicing))
        found = metrics.confusion(clips.truth.to_numpy(), clips.named.to_numpy(), len(RAVDESS))
        share = found / np.maximum(found.sum(1, keepdims=True), 1)
        rows += [
            {
                "panel": f"AM ({slicing})",
                "protocol": speech.label(
                    profile, speech.main(profile, slicing).start, speech.NESTED
                ),
                "true": RAVDESS[i],
                "named": RAVDESS[j],
                "metric": "share of the true class",
                "measured": float(share[i, j]),
                "count": int(found[i, j]),
            }
            for i in range(len(RAVDESS))
            for j in range(len(RAVDESS))
        ]
    return speech.outcome(pd.DataFrame(rows), profile)


@runs.once
def curves(profile: str = "quick") -> Outcome:
    """Extra 34: share right on the deciding actors and on the tested pair by epoch, means over the pairs of each way."""
    rows = []
    for way in ways(profile):
        if way.start != starts(profile)[0] or way.masks or way.protocol != speech.PAIRS:
            continue
        found = [r for runs_ in results(profile, way).values() for r in runs_]
        for part, key in (("deciding actors", "validation_right"), ("tested pair", "right")):
            for epoch in range(sizes(profile).epochs):
                at = np.array([r[key][epoch] for r in found if len(r[key]) > epoch])
                if len(at):
                    rows.append(
                        {
                            "way": way.name,
                            "part": part,
                            "epoch": epoch + 1,
                            "measured": 100 * at.mean(),
                            "folds": len(at),
                        }
                    )
    return speech.outcome(pd.DataFrame(rows), profile)
