"""Notebook 10, second half: what each form of the loss charges on annotated tracks, where its gradient goes, and what it costs.

Predictions are made by hand from the annotation (late, too small, mirrored ...), so that each number has one known reason.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import asdict

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from emolib import data as datasets
from emolib import losses, metrics
from emolib.data.sim.streams import stream
from emolib.models import video
from emolib.reproduction import runs
from emolib.reproduction.papers.audit.record import fresh
from emolib.reproduction.papers.audit.video_protocol import full_network_macs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.losses.loss_geometry import FORMS, sizes

PRINTED_ERROR = 0.1  # squared error, mean of the axes: the tables print about 0.2, summed over both
FLICKERS = (0.0, 0.01, 0.05)  # standard deviation of white noise on a prediction
FRAMES = 256  # of a window in the batch whose cost is counted
CHARGED = {
    "MSE, both axes": lambda x, y: 2 * losses.mse(x, y, reduction="none"),
    "CCC": lambda x, y: losses.ccc_loss(x, y, dim="sequence", reduction="none"),
    **{
        name: lambda x, y, o=options: losses.non_inertial(x, y, reduction="none", **o)
        for name, options in FORMS.items()
    },
}
TRAINED = {"MSE": losses.mse, "CCC": losses.ccc_loss, "Non-Inertial": losses.non_inertial}


@runs.once
def world(profile: str):
    """The annotated videos, real where they are at hand; only their annotation is read here."""
    made = datasets.load("aff_wild", profile=profile)
    return made.select(np.arange(min(len(made), sizes(profile).videos)))


@runs.once
def annotated(profile: str) -> tuple[Tensor, np.ndarray]:
    """Windows of annotation without unannotated frames, float64 (W, T, 2), and the person or video of each (W,)."""
    made, length, windows, owner = world(profile), sizes(profile).length, [], []
    for i, track in enumerate(made.valence_arousal):
        gone = made.missing[i] if made.missing is not None else np.zeros(len(track), bool)
        for start in range(0, len(track) - length + 1, length):
            if not gone[start : start + length].any():
                windows.append(track[start : start + length])
                owner.append(made.subject[i])
    return torch.as_tensor(np.stack(windows), dtype=torch.float64), np.array(owner)


def distorted(y: Tensor, fps: float) -> dict[str, Tensor]:
    """Predictions that are wrong in one way each: name -> (W, T, 2)."""
    middle, late = y.mean(1, keepdim=True), round(fps / 3)
    noise = torch.as_tensor(stream(0, "loss tracks", "flicker").standard_normal(tuple(y.shape)))
    return {
        "right": y.clone(),
        "0.3 too high": y + 0.3,
        "a third of a second late": torch.cat([y[:, :1].expand(-1, late, -1), y[:, :-late]], 1),
        "half as wide": middle + 0.5 * (y - middle),
        "standing at the mean": middle.expand_as(y).clone(),
        "the opposite way": 2 * middle - y,
        "flicker of 0.02": y + 0.02 * noise,
    }


def _outcome(frame, profile: str, **more) -> Outcome:
    return Outcome(frame, profile, sources_of(world(profile)), caps=asdict(sizes(profile)), **more)


@runs.once
def charges(profile: str = "quick") -> Outcome:
    """What each form charges for seven made predictions, mean over windows; intervals resample persons."""
    (y, owner), p, rows = annotated(profile), shared(profile), []
    for wrong, x in distorted(y, world(profile).fps).items():
        values = torch.stack([loss(x, y) for loss in CHARGED.values()], -1).numpy()  # (W, losses)
        mean, low, high = metrics.bootstrap_ci(values, owner, draws=p.draws, level=p.level)
        rows += [
            {
                "prediction": wrong,
                "metric": name,
                "measured": float(m),
                "low": float(a),
                "high": float(b),
                "unit": "loss",
            }
            for name, m, a, b in zip(CHARGED, mean, low, high, strict=True)
        ]
    return _outcome(pd.DataFrame(rows), profile)


# ---- loss and gradient of the three terms


def shares(profile: str, error: float, flicker: float) -> tuple[dict, np.ndarray]:
    """Shares of speed and direction in the loss 'table' and in its gradient, and in the gradient by frequency (T/2+1,).

    The prediction is the annotation at half its width, moved so that the squared error (mean of the axes) is `error`, plus white noise.
    """
    y, _ = annotated(profile)
    noise = flicker * torch.as_tensor(
        stream(1, "loss tracks", "flicker").standard_normal(tuple(y.shape))
    )
    middle = y.mean(1, keepdim=True)
    x = middle + 0.5 * (y - middle) + noise
    left = error - float(losses.mse(x, y))
    shift = np.sqrt(max(left, 0.0)) * torch.sign(-middle)  # towards the centre: inside the disc
    x = (x + shift).requires_grad_()
    values, slopes = {}, {}
    for name, terms in (("distance", ("distance",)), ("rest", ("speed", "direction"))):
        value = losses.non_inertial(x, y, terms=terms)
        values[name], (slopes[name],) = float(value.detach()), torch.autograd.grad(value, x)
    power = {
        name: torch.fft.rfft(g, dim=1).abs().square().mean((0, 2)).numpy()
        for name, g in slopes.items()
    }
    whole = {name: float(g.square().sum()) for name, g in slopes.items()}
    ratio = lambda v: v["rest"] / (v["rest"] + v["distance"])  # noqa: E731
    return {"loss": ratio(values), "gradient": ratio(whole)}, ratio(power)


@runs.once
def gradient_shares(profile: str = "quick") -> Outcome:
    """The share of the gradient's power that speed and direction give, by frequency; and their share in the loss and the gradient as a whole."""
    frequency = np.fft.rfftfreq(sizes(profile).length, 1 / world(profile).fps)
    edges = np.array([-1, 0, 0.5, 1, 2, 3, 4, 6, 8, 10, 12, world(profile).fps])
    rows = []
    for error in (PRINTED_ERROR, PRINTED_ERROR / 5):
        for flicker in FLICKERS:
            total, by = shares(profile, error, flicker)
            for a, b in zip(edges[:-1], edges[1:], strict=True):
                inside = (frequency > a) & (frequency <= b)
                if inside.any():
                    rows.append(
                        {
                            "error": f"squared error {2 * error:g}, both axes",
                            "flicker": f"flicker {flicker:g}",
                            "hertz": round(float(frequency[inside].mean()), 3),
                            "measured": round(float(by[inside].mean()), 5),
                            "of the loss": round(total["loss"], 5),
                            "of the gradient": round(total["gradient"], 5),
                        }
                    )
    return _outcome(pd.DataFrame(rows), profile)


# ---- what it costs


class Counted(TorchDispatchMode):
    """Counts what runs inside: operations, and numbers they write."""

    def __init__(self):
        super().__init__()
        self.operations, self.numbers = 0, 0

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        out = function(*arguments, **(options or {}))
        self.operations += 1
        self.numbers += sum(
            v.numel()
            for v in (out if isinstance(out, (tuple, list)) else (out,))
            if isinstance(v, Tensor)
        )
        return out


def _batch(windows: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.rand(windows, FRAMES, 2, generator=g).requires_grad_(), torch.rand(
        windows, FRAMES, 2, generator=g
    )


def count(loss, x: Tensor, y: Tensor) -> Counted:
    """What forward and backward of one loss take."""
    with Counted() as counted:
        loss(x, y).backward()
    return counted


def network_flops(windows: int) -> int:
    """Floating-point operations of the Full network on a batch, forward and backward (two a multiply-add; the first layer needs no gradient below)."""
    first, others = full_network_macs(fresh("orgil2021-text"))
    return 2 * windows * FRAMES * (2 * first + 3 * others)


@runs.once
def costs(profile: str = "quick") -> Outcome:
    """What one batch of each loss takes: operations, numbers written, and those against the operations of the Full network's step."""
    windows, rows = sizes(profile).windows, []
    flops = network_flops(windows)
    named = TRAINED | {
        f"Non-Inertial, {name}": lambda x, y, o=options: losses.non_inertial(x, y, **o)
        for name, options in FORMS.items()
        if name != "table"
    }
    for name, loss in named.items():
        c = count(loss, *_batch(windows))
        rows += [
            {"loss": name, "metric": metric, "measured": value, "unit": unit}
            for metric, value, unit in (
                ("operations started", float(c.operations), "operations"),
                ("numbers written", float(c.numbers), "numbers"),
                ("per million operations of the network", 1e6 * c.numbers / flops, "numbers"),
            )
        ]
    return Outcome(
        pd.DataFrame(rows),
        profile,
        caps=asdict(sizes(profile)) | {"frames": FRAMES, "network_flops": flops},
    )


def timing(profile: str = "quick") -> pd.DataFrame:
    """Seconds of forward and backward of each loss, beside those of the Full network on the same batch; to look at, in no file."""
    s, rows, before = sizes(profile), [], torch.get_num_threads()
    torch.set_num_threads(runs.THREADS)
    try:
        x, y = _batch(s.timed)
        net = video.Full()
        inputs = {name: torch.rand(s.timed, FRAMES, width) for name, width in video.WIDTHS.items()}
        step = _median(lambda: net(inputs).square().mean().backward(), 2)
        for name, loss in TRAINED.items():
            loss(x, y).backward()  # the first call is slower
            seconds = _median(lambda loss=loss: loss(x, y).backward(), s.repeats)
            rows.append(
                {
                    "loss": name,
                    "windows": s.timed,
                    "frames": FRAMES,
                    "loss, ms": round(1e3 * seconds, 2),
                    "network, ms": round(1e3 * step, 1),
                    "loss in a step": f"{100 * seconds / (seconds + step):.2f} %",
                }
            )
    finally:
        torch.set_num_threads(before)
    return pd.DataFrame(rows)


def _median(call, repeats: int) -> float:
    def once() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return statistics.median(once() for _ in range(repeats))
