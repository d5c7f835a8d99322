"""Log-mel frames of RAVDESS-like clips: ours, librosa's and torchaudio's in one run: `./reproduce.sh bench`.

Ours and torchaudio take the clips as one batch, librosa one by one, each as its users call it; one thread for all.
"""

import statistics
import time

import numpy as np
import pytest
import torch

from emolib.data.sim import voice
from emolib.features.mel import log_mel

CLIPS, RATE = 32, 22_050

pytestmark = pytest.mark.usefixtures("one_thread")


def clips() -> np.ndarray:
    """Simulated speech of 3.5 s, float32 (CLIPS, samples)."""
    people = voice.speakers(0, 24)
    return np.stack(
        [
            voice.speak(people[i % 24], i % 2, list(voice.CUES)[i % 8], take=i, rate=RATE)
            for i in range(CLIPS)
        ]
    )


def librosa_one(wave) -> np.ndarray:
    import librosa

    return librosa.power_to_db(librosa.feature.melspectrogram(y=wave, sr=RATE)).T


def torchaudio_all():
    from torchaudio.transforms import AmplitudeToDB, MelSpectrogram

    mel = MelSpectrogram(
        RATE,
        2048,
        hop_length=512,
        n_mels=128,
        pad_mode="constant",
        norm="slaney",
        mel_scale="slaney",
    )
    loud = AmplitudeToDB("power", top_db=80)
    return lambda waves: (
        loud(mel(waves)[:, None])[:, 0].mT
    )  # the channel axis keeps each clip's floor its own


def seconds(call, rounds=5) -> list[float]:
    out = []
    for _ in range(rounds):
        begun = time.perf_counter()
        call()
        out.append(time.perf_counter() - begun)
    return out


def test_log_mel_against_librosa_and_torchaudio(benchmark):
    waves = clips()
    tensor, theirs = torch.as_tensor(waves), torchaudio_all()
    others = {
        "librosa": lambda: [librosa_one(w) for w in waves],
        "torchaudio": lambda: theirs(tensor),
    }
    reference = np.stack(others["librosa"]())  # also warms up
    assert (
        np.abs(others["torchaudio"]().numpy() - reference).max() < 0.02
        and np.abs(log_mel(waves) - reference).max() < 0.02
    )
    before = {name: seconds(call) for name, call in others.items()}
    benchmark.pedantic(lambda: log_mel(tensor), rounds=11, warmup_rounds=2)
    took = {name: statistics.median(before[name] + seconds(call)) for name, call in others.items()}
    ours = benchmark.stats.stats.median
    benchmark.extra_info |= {"clips": CLIPS} | {
        f"{name}, times slower": round(t / ours, 2) for name, t in took.items()
    }
    print(
        f"\n{CLIPS} clips of 3.5 s: ours {1e3 * ours / CLIPS:.2f} ms a clip, "
        + ", ".join(
            f"{name} {1e3 * t / CLIPS:.2f} ms ({t / ours:.2f} times ours)"
            for name, t in took.items()
        )
    )
    assert took["librosa"] >= ours
