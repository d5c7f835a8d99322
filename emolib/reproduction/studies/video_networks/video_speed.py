"""What a batch of the Full network costs on this machine: shown in notebook 11, written to no result (seconds differ from run to run)."""

from __future__ import annotations

import statistics
import time

import pandas as pd
import torch

from emolib.ground import settings
from emolib.models.video import WIDTHS, Full
from emolib.reproduction.studies.video_networks import video_losses
from emolib.reproduction.studies.video_networks.video_losses import MAIN

WINDOWS = {"smoke": 1, "quick": 2, "full": 64}  # in a batch; the paper's are 64
ROUNDS = {"smoke": 1, "quick": 2, "full": 20}


def batch(profile: str, *, length: int, loss: str, device: str | None = None) -> float:
    """Seconds of one iteration (forward, backward, step) of the Full network at the printed widths: median of some, after one to warm up."""
    device, count = device or settings.device(), WINDOWS[profile]
    net = Full().to(device)
    step = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)
    given = {
        name: torch.rand(count, length, width, device=device) for name, width in WIDTHS.items()
    }
    target, mask = (
        torch.rand(count, length, 2, device=device),
        torch.ones(count, length, dtype=torch.bool, device=device),
    )
    seconds = []
    for _ in range(1 + ROUNDS[profile]):
        begun = time.perf_counter()
        step.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            pred = net(given)
        video_losses.spec(loss).of(pred.float(), target, mask).backward()
        step.step()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])


def table(profile: str) -> pd.DataFrame:
    """One row per length and loss: milliseconds of the batch measured here, and of 64 windows at the same speed."""
    rows = []
    for length in (256, 512):
        for loss in MAIN if length == 256 else ("Non-Inertial",):
            one = batch(profile, length=length, loss=loss)
            rows.append(
                {
                    "device": settings.device(),
                    "length": length,
                    "trained with": loss,
                    "windows": WINDOWS[profile],
                    "ms": round(1e3 * one, 1),
                    "ms for 64 windows": round(1e3 * one * 64 / WINDOWS[profile]),
                }
            )
    return pd.DataFrame(rows)
