"""Golden difficulty of the default world, two-sided: neither trivial nor hopeless, for the intended reason."""

import numpy as np
import pytest

from emolib.data.sim import worlds


@pytest.mark.slow
def test_fer_like_faces_need_more_than_pixels_in_place():
    import torch
    from sklearn.linear_model import LogisticRegression
    from torch import nn

    world, train = worlds.fer2013(0, 4000), np.arange(4000) < 3200
    x = world.images.astype(np.float32) / 255 - 0.4
    flat = x.reshape(len(x), -1)
    linear = (
        LogisticRegression(max_iter=1000, C=0.001)
        .fit(flat[train], world.label[train])
        .score(flat[~train], world.label[~train])
    )
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 5, 2, 2),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2, 1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.4),
        nn.Linear(64 * 36, 7),
    )
    optimiser, pictures, label = (
        torch.optim.Adam(net.parameters(), 1e-3),
        torch.tensor(x)[:, None],
        torch.tensor(world.label),
    )
    pictures = (pictures - pictures.mean((2, 3), keepdim=True)) / pictures.std((2, 3), keepdim=True)
    for _ in range(12):
        net.train()
        for batch in torch.randperm(3200).split(64):
            loss = nn.functional.cross_entropy(net(pictures[batch]), label[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    net.eval()
    with torch.inference_mode():
        cnn = float((net(pictures[3200:]).argmax(1) == label[3200:]).float().mean())
    print(f"seven classes, people disjoint: pixels {linear:.3f}, small CNN {cnn:.3f}")
    assert 0.20 <= linear <= 0.45, linear
    assert 0.50 <= cnn <= 0.85, cnn
