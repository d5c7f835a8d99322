"""Source-filter speech: two fixed sentences, a speaker's formants, an emotion's prosody.

Glottal pulses (KLGLOTT88 of Klatt and Klatt 1990) with jitter, shimmer and aspiration go through a
cascade of five resonators; frication is filtered noise beside it. Vowel formants: Hillenbrand et
al. 1995, table V, men; women's are 1.16 times those. What an emotion changes: see CUES.
"""

from functools import cache

import numpy as np

from emolib.data.sim.streams import stream
from emolib.ground import compiled
from emolib.ground.errors import EmolibError, nearest

SENTENCES = (  # kids are talking by the door, dogs are sitting by the door
    "K IH D Z - AA R - T AO K IH NG - B AA IH - DH AH - D AO R",
    "D AO G Z - AA R - S IH T IH NG - B AA IH - DH AH - D AO R",
)
STRESSED = (1, 8, 20)  # syllables that carry the melody's peaks, by place in the list

# phone: F1, F2, F3 in Hz, voicing, frication (both 0 to 1), centre of the frication in Hz, length
# in ms. Closures and the gaps between words fall 15 dB or more under the vowels, so that syllables
# can be counted.
PHONES = {
    "IH": (430, 2030, 2680, 1.0, 0.0, 2000, 90),
    "AA": (770, 1330, 2520, 1.0, 0.0, 2000, 120),
    "AO": (650, 1000, 2540, 1.0, 0.0, 2000, 140),
    "AH": (620, 1200, 2550, 0.9, 0.0, 2000, 70),
    "R": (420, 1200, 1600, 0.7, 0.0, 2000, 70),
    "NG": (280, 1900, 2600, 0.35, 0.0, 2000, 70),
    "DH": (300, 1300, 2600, 0.12, 0.10, 5200, 50),
    "Z": (280, 1500, 2500, 0.15, 0.40, 5800, 80),
    "S": (320, 1500, 2500, 0.0, 0.8, 5800, 110),
    "B": (250, 900, 2300, 0.02, 0.04, 900, 70),
    "D": (260, 1600, 2600, 0.02, 0.15, 3800, 65),
    "G": (260, 1700, 2300, 0.02, 0.10, 2000, 65),
    "K": (320, 1800, 2400, 0.0, 0.35, 2200, 90),
    "T": (320, 1700, 2600, 0.0, 0.40, 4200, 80),
    "-": (500, 1500, 2500, 0.05, 0.0, 2000, 30),
}

# At normal intensity 1: pitch in semitones from the speaker's own, factor on the melody's range,
# final rise in semitones, factor on the rate, loudness in dB, spectral tilt in dB per octave
# (positive is brighter), breathiness added (0 to 1), jitter added (share of the period).
#
# Directions against neutral; sizes are ours:
# angry, happy, sad, fear, calm (as tenderness): Juslin and Laukka 2003, table 11. Fear is quiet and
#   dull there "except in panic"; here it is the panic of Scherer 2003, table 2.
# disgust: Murray and Arnott 1993, table I (slowest, low, quiet, wider, falling end); tilt ours.
# surprise: in no table; high and very wide after Murray and Arnott's text, the rest ours.
# breathiness: ours, but for surprise (Murray and Arnott). jitter: irregular for angry, sad, fear,
#   regular for happy, calm (Juslin and Laukka), disgust and surprise ours.
CUES = {
    "neutral": (0.0, 1.00, -2.0, 1.00, 0.0, 0.0, 0.00, 0.000),
    "calm": (-1.0, 0.80, -2.5, 0.91, -3.0, -2.0, 0.06, 0.000),
    "happy": (4.5, 1.75, 1.0, 1.10, 4.5, 2.2, 0.00, 0.000),
    "sad": (-2.0, 0.60, -3.0, 0.83, -6.5, -5.5, 0.12, 0.006),
    "angry": (4.0, 1.50, 0.0, 1.15, 9.5, 6.5, 0.00, 0.008),
    "fear": (6.0, 0.70, 0.5, 1.24, 2.0, 0.9, 0.10, 0.010),
    "disgust": (-0.5, 1.20, -4.0, 0.75, -1.5, -1.1, 0.05, 0.010),
    "surprise": (7.5, 2.10, 6.0, 1.05, 3.2, 2.6, 0.05, 0.002),
}
SPEAKER = ("pitch", "tract", "range", "rate", "loudness", "tilt", "breath", "jitter", "express")


def speakers(seed: int, count: int) -> np.ndarray:
    """`count` speakers, men and women in turn (RAVDESS's odd and even actors): a (count,) record.

    pitch in Hz, tract as a factor on the formants, express as a factor on every emotion's cues.
    """
    out = np.zeros(count, dtype=[(k, "f8") for k in ("female", *SPEAKER)])
    out["female"] = np.arange(count) % 2
    woman = out["female"] == 1
    draw = {k: stream(seed, "speaker", k).standard_normal(count).clip(-2.2, 2.2) for k in SPEAKER}
    out["pitch"] = np.where(woman, 205.0, 118.0) * np.exp(0.10 * draw["pitch"])
    out["tract"] = np.where(woman, 1.16, 1.0) * np.exp(0.04 * draw["tract"])
    out["range"] = np.exp(0.20 * draw["range"])
    out["rate"] = np.exp(0.08 * draw["rate"])
    out["loudness"] = 2.0 * draw["loudness"]
    out["tilt"] = 1.2 * draw["tilt"]
    out["breath"] = np.abs(0.06 * draw["breath"])
    out["jitter"] = 0.004 + 0.002 * np.abs(draw["jitter"])
    out["express"] = np.exp(0.25 * draw["express"])
    return out


def speak(speaker, sentence: int, emotion: str, *, rate: int = 16_000, **take) -> np.ndarray:
    """One clip: float32 (seconds * rate,) in [-1, 1].

    speaker     one element of `speakers(...)`
    sentence    0 or 1
    intensity   1 normal, 1.6 strong, 0 the speaker's own neutral
    seed, take  which of the ways this speaker may say it
    seconds     length of the clip (default 3.5)
    Raises EmolibError for an unknown emotion or sentence, or a rate under 12 kHz.
    """
    tracks, rng = _followed(speaker, sentence, emotion, rate=rate, **take)
    sound = _synthesise(tracks, rng, rate)
    return (sound + 0.0007 * rng.standard_normal(len(sound))).clip(-0.99, 0.99).astype(np.float32)


def jaw(speaker, sentence: int, emotion: str, **take) -> np.ndarray:
    """How open the jaw is in the clip that `speak` gives: (samples / 200,) in [0, 1]; no sound."""
    return _followed(speaker, sentence, emotion, **take)[0]["open"]


def _followed(
    speaker, sentence, emotion, *, intensity=1.0, seed=0, take=0, rate=16_000, seconds=3.5
):
    """The tracks of one clip and the stream its sound goes on drawing from."""
    if emotion not in CUES:
        raise nearest(emotion, CUES, what="emotion of the voice")
    if sentence not in (0, 1) or rate < 12_000 or seconds < 2:
        raise EmolibError(
            f"sentence {sentence} at {rate} Hz for {seconds} s: expected sentence 0 or 1, "
            "at least 12000 Hz and 2 s"
        )
    rng = stream(seed, "take", take)
    cue = _cues(speaker, emotion, intensity, rng)
    return _tracks(speaker, sentence, cue, rng, rate, seconds), rng


def _cues(speaker, emotion, intensity, rng) -> dict:
    """The eight cues: the emotion's, scaled by the speaker's expressiveness, plus the take's."""
    names = ("pitch", "range", "rise", "rate", "loudness", "tilt", "breath", "jitter")
    spread = (2.2, 0.30, 2.0, 0.09, 2.6, 1.1, 0.05, 0.003)
    base, strength = CUES["neutral"], intensity * float(speaker["express"])
    take = np.array(spread) * rng.standard_normal(8)
    out = {n: b + strength * (c - b) + t for n, b, c, t in zip(names, base, CUES[emotion], take)}
    return out | {
        "range": max(out["range"], 0.25),
        "rate": float(np.clip(out["rate"], 0.6, 1.6)),
        "breath": max(out["breath"], 0.0),
        "jitter": max(out["jitter"], 0.0),
    }


def _tracks(speaker, sentence, cue, rng, rate, seconds) -> dict:
    """Everything the synthesiser follows, one value per 200 samples (12.5 ms at 16 kHz)."""
    frames, hop = int(seconds * rate) // 200, 200 / rate
    phones = SENTENCES[sentence].split()
    length = np.array([PHONES[p][6] for p in phones]) / 1000 * 1.1 / (cue["rate"] * speaker["rate"])
    length = length * np.exp(0.08 * rng.standard_normal(len(phones)))
    start = 0.35 + 0.15 * rng.random()
    length *= min(1.0, (seconds - start - 0.2) / length.sum())
    edge = start + np.r_[0, np.cumsum(length)]
    time = np.arange(frames) * hop
    at = np.clip(np.searchsorted(edge, time, side="right") - 1, 0, len(phones) - 1)
    spoken = (time >= edge[0]) & (time < edge[-1])
    table = np.array([PHONES[p] for p in phones], float)[at]  # (frames, 7)
    smooth = np.hanning(7)[1:-1] / np.hanning(7)[1:-1].sum()
    table[:, 3:5] *= spoken[:, None]  # voicing and frication
    padded = np.pad(table, ((2, 2), (0, 0)), mode="edge")
    soft = [np.convolve(padded[:, i], smooth, "valid") for i in range(6)]
    where = np.clip((time - edge[0]) / (edge[-1] - edge[0]), 0, 1)
    peaks = sum(
        height * np.exp(-(((time - edge[syllable] - 0.06) / 0.13) ** 2))
        for syllable, height in zip(STRESSED, (1.0, 0.9, 0.7))
    )
    melody = (3.2 * peaks - 2.5 * where) * cue["range"] * speaker["range"]
    melody = melody + cue["rise"] * np.clip(where - 0.75, 0, 1) * 4
    return {
        "pitch": speaker["pitch"] * 2 ** ((cue["pitch"] + melody) / 12),
        "formants": np.stack(soft[:3], 1) * speaker["tract"],
        "voicing": soft[3],
        "frication": soft[4],
        "centre": soft[5] * speaker["tract"] ** 0.5,
        "gain": 10 ** ((cue["loudness"] + speaker["loudness"]) / 20),
        "tilt": cue["tilt"] + speaker["tilt"],
        "breath": cue["breath"] + speaker["breath"],
        "jitter": cue["jitter"] + speaker["jitter"],
        "open": np.clip((soft[0] - 250) / 520, 0, 1) * np.clip(soft[3] + soft[4], 0, 1),
    }


def _synthesise(t, rng, rate) -> np.ndarray:
    """The wave of the tracks: float64 (frames * 200,)."""
    pole = float(np.clip(0.60 - 0.075 * t["tilt"], 0.0, 0.93))  # the source's one-pole tilt
    noise = rng.standard_normal(len(t["pitch"]) * 200)
    shimmer = rng.standard_normal(4096)
    tracks = [t[k] for k in ("pitch", "formants", "voicing", "frication", "centre")]
    breath = min(t["breath"], 0.9)
    return _kernel()(*tracks, noise, shimmer, pole, 0.055 * t["gain"], breath, t["jitter"], rate)


@cache
def _kernel():
    """Compile the sample loop, or find it compiled."""
    import numba

    # a global, not a closure: numba never finds a closure of functions again
    globals().update(_resonator=numba.njit(_resonator))
    return compiled.kept(_run, modules=[__name__], nogil=True)


def _resonator(f, width, rate):
    """Gain and feedback of a two-pole resonance at `f` Hz."""
    c = -np.exp(-2 * np.pi * width / rate)
    b = 2 * np.exp(-np.pi * width / rate) * np.cos(2 * np.pi * f / rate)
    return 1 - b - c, b, c


def _run(
    pitch, formants, voicing, frication, centre, noise, shimmer, pole, gain, breath, jitter, rate
):
    """The wave, sample by sample: pulses and breath through five resonators, hiss beside them."""
    out = np.empty(len(noise))
    state, coefficient = np.zeros((6, 2)), np.zeros((6, 3))
    phase, period, low, air, last = 0.0, 0, 0.0, 0.0, 0.0
    stretch, size = 1.0, 1.0
    for i in range(len(noise)):
        frame, part = i // 200, (i % 200) / 200
        after = min(frame + 1, len(pitch) - 1)
        if i % 50 == 0:
            for k in range(3):
                f = formants[frame, k] * (1 - part) + formants[after, k] * part
                coefficient[k] = _resonator(f, 60.0 + 40.0 * k, rate)
            coefficient[3] = _resonator(3500.0, 200.0, rate)
            coefficient[4] = _resonator(4500.0, 250.0, rate)
            coefficient[5] = _resonator(min(centre[frame], 0.45 * rate), 900.0, rate)
        f0 = pitch[frame] * (1 - part) + pitch[after] * part
        phase += f0 / rate * stretch
        if phase >= 1.0:
            phase -= 1.0
            period = (period + 1) % 2048
            stretch, size = 1.0 + jitter * shimmer[period], 1.0 + 0.03 * shimmer[period + 2048]
        q = phase / 0.6
        pulse = (2 * q - 3 * q * q) * size if q < 1.0 else 0.0
        low = (1 - pole) * pulse + pole * low
        loud = voicing[frame] * (1 - part) + voicing[after] * part
        air = (1 - pole) * noise[i] + pole * air
        x = loud * (low * (1 - 0.6 * breath) + 0.07 * breath * air * (1.0 if q < 1.0 else 0.4))
        for k in range(5):
            a, b, c = coefficient[k]
            y = a * x + b * state[k, 0] + c * state[k, 1]
            state[k, 1], state[k, 0] = state[k, 0], y
            x = y
        hiss = frication[frame] * (1 - part) + frication[after] * part
        a, b, c = coefficient[5]
        y = a * hiss * noise[i] + b * state[5, 0] + c * state[5, 1]
        state[5, 1], state[5, 0] = state[5, 0], y
        out[i] = gain * (2.2 * x + 0.10 * (y - last))
        last = y
    return out
