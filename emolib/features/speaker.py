"""A network that tells speakers apart, trained by others (GE2E: Wan et al. 2018, Eq. 4 to 6).

Its weights come inside the package resemblyzer (Apache 2.0): 3 LSTM of 256 units on 40 mel bands
and a projection to 256, from VoxCeleb and LibriSpeech. Only the file is read; the package's own
code, which needs a voice detector, is never imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from emolib.data.files import Damaged, digest_of
from emolib.features import mel
from emolib.ground.errors import EmolibError

PACKAGE, FILE = "resemblyzer", "pretrained.pt"
RATE, BANDS, UNITS = 16_000, 40, 256
MELS = {"n_fft": 400, "hop_length": 160, "bands": BANDS}  # 25 ms, every 10 ms
WINDOW, STEP = 160, 77  # frames of a window, 1.6 s, and between two: 1.3 a second
LEVEL = -30.0  # dB of full scale to which a quieter recording is raised
SILENCE = 35.0  # dB under the loudest hundredth of a second: left out at both ends


class SpeakerEncoder(nn.Module):
    """Mel frames (B, 160, 40), no logarithm, to embeddings (B, 256) of length 1, none below 0."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(BANDS, UNITS, 3, batch_first=True)
        self.linear = nn.Linear(UNITS, UNITS)

    def forward(self, mels: Tensor) -> Tensor:
        hidden = self.lstm(mels)[1][0][-1]  # (B, 256)
        return nn.functional.normalize(self.linear(hidden).relu(), dim=1)


def weights() -> Path | None:
    """The file of weights, where the package is installed."""
    found = importlib.util.find_spec(PACKAGE)
    places = found.submodule_search_locations if found else ()
    return next((Path(p) / FILE for p in places if (Path(p) / FILE).exists()), None)


def fingerprint(path: Path) -> str:
    """What names the weights in the arguments of a run."""
    return digest_of(path)


def load(path: Path) -> SpeakerEncoder:
    """The encoder with the weights of a file, at rest."""
    net = SpeakerEncoder()
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        net.load_state_dict({name: state[name] for name in net.state_dict()})
    except Exception as error:
        raise Damaged(path, f"no weights of a speaker encoder ({error}); install it anew") from None
    return net.eval().requires_grad_(False)


def embedded(net: SpeakerEncoder, waves: list[np.ndarray], rate: int) -> np.ndarray:
    """Waveforms to embeddings, float32 (N, 256): the mean over the windows of each, length 1."""
    if rate != RATE:
        raise EmolibError(f"speaker encoder: sound at {rate} Hz, expected {RATE}")
    parts = [windows(wave) for wave in waves]
    said = net(torch.as_tensor(np.concatenate(parts))).split([len(part) for part in parts])
    return nn.functional.normalize(torch.stack([v.mean(0) for v in said]), dim=1).numpy()


def windows(wave: np.ndarray) -> np.ndarray:
    """Mel frames of one recording, float32 (W, 160, 40): silent ends left out, a last window kept
    where three quarters of it are sound."""
    loud = np.sqrt(np.mean(np.square(wave))) + 1e-9
    wave = (wave * max(1.0, 10 ** (LEVEL / 20) / loud)).astype(np.float32)
    frames = mel.mel_spectrogram(wave, RATE, **MELS)  # (T, 40)
    power = frames.sum(1)
    heard = np.flatnonzero(power > power.max() * 10 ** (-SILENCE / 10))
    frames = frames[heard[0] : heard[-1] + 1] if len(heard) else frames
    first = np.arange(0, max(1, len(frames) - WINDOW // 4 * 3 + 1), STEP)
    padded = np.pad(frames, ((0, WINDOW), (0, 0)))
    return np.stack([padded[k : k + WINDOW] for k in first])
