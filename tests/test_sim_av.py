"""The audio-visual worlds: how hard each modality is, what a dial moves, and what joining can gain or lose."""


import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emolib.sim import face, worlds


def mel_statistics(wave, rate=16_000) -> np.ndarray:
    """(121,): mean, spread and spread of change of 40 log-mel bands over the speech, and its length in seconds."""
    torchaudio = pytest.importorskip("torchaudio")
    bank = torchaudio.functional.melscale_fbanks(257, 50.0, 8000.0, 40, rate)
    power = torch.stft(torch.as_tensor(wave), 512, 160, 400, torch.hann_window(400), return_complex=True).abs() ** 2     # (257, T)
    loud = power.sum(0) > 1e-3 * power.sum(0).max()
    mel = (bank.T @ power + 1e-8).log()[:, loud]                                  # (40, T)
    return torch.cat([mel.mean(1), mel.std(1), mel.diff(dim=1).std(1), loud.sum()[None] / 100]).numpy()


def linear(features, label, subject=None, *, components=None) -> float:
    """Balanced accuracy of logistic regression, cross-validated; subjects are disjoint where they are given."""
    steps = [PCA(components, random_state=0)] if components else []
    model = make_pipeline(*steps, StandardScaler(), LogisticRegression(max_iter=1000, C=0.01 if components else 0.03))
    folds = StratifiedKFold(4, shuffle=True, random_state=0) if subject is None else GroupKFold(6)
    return balanced_accuracy_score(label, cross_val_predict(model, features, label, groups=subject, cv=folds))


AT = (3, 42, 56, 70)                                     # frames looked at: one before the onset, three about the apex


def aligned_change(video, side=32) -> np.ndarray:
    """(side * side,): what the face's pixels did from rest to apex, in a frame set by the true eyes."""
    film, size = video.args
    crowd = film().take(list(AT))
    points = torch.as_tensor(face.points(crowd, size), dtype=torch.float32)       # (4, 68, 2)
    left, right = points[:, 36:42].mean(1), points[:, 42:48].mean(1)
    centre, across = (left + right) / 2, right - left                             # (4, 2)
    u, w = torch.meshgrid(torch.linspace(-1.05, 1.05, side), torch.linspace(-0.75, 1.75, side), indexing="xy")
    x = centre[:, 0, None, None] + across[:, 0, None, None] * u - across[:, 1, None, None] * w
    y = centre[:, 1, None, None] + across[:, 1, None, None] * u + across[:, 0, None, None] * w
    grid = (torch.stack([x, y], -1) + 0.5) / size * 2 - 1
    pixels = torch.as_tensor(face.render(crowd, size, grey=True), dtype=torch.float32)[:, None] / 255
    crop = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)[:, 0]      # (4, side, side)
    crop = (crop - crop.mean((1, 2), keepdim=True)) / (crop.std((1, 2), keepdim=True) + 0.02)
    return (crop[1:].median(0).values - crop[0]).flatten().numpy()


# ---- how hard each modality is

GOLDEN = {("ravdess", "a"): 0.46, ("ravdess", "v"): 0.50, ("crema_d", "a"): 0.46, ("crema_d", "v"): 0.50}


@pytest.mark.slow
@pytest.mark.parametrize("name,modality", GOLDEN)
def test_golden_one_modality_alone(name, modality):
    """Subjects disjoint, default dials, 24 people: within 4 points of the golden figure, which lies between 0.40 and 0.85."""
    world = worlds.make(name, "quick", modality=modality, actors=24, size=64)
    rows = np.random.default_rng(0).permutation(len(world))[:1440 if modality == "a" else 720]
    if modality == "a":
        features, components = np.stack([mel_statistics(world.waveform[i]()) for i in rows]), None
    else:
        features, components = np.stack([aligned_change(world.frames[i]) for i in rows]), 100
    score = linear(features, world.label[rows], world.subject[rows], components=components)
    print(f"{name} {modality}: {score:.3f} on {len(rows)} clips")
    assert 0.40 <= GOLDEN[name, modality] <= 0.85 and abs(score - GOLDEN[name, modality]) <= 0.04, score
