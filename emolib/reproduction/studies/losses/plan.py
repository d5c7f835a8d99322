"""Notebook 10, first half: what the terms of the non-inertial loss see in the plane of valence and arousal (orgil2021, 2.1.3 and appendix).

Nothing here needs data: two annotated frames, then a third; the prediction is right in the first two and may be anywhere in the third.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from emolib import losses
from emolib.ground.errors import nearest
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome

# Three annotated frames, a third of the disc apart: valence and arousal. Far larger than the step of a real frame (about 0.01).
ANNOTATED = torch.tensor([[-0.2, -0.4], [0.0, -0.1], [0.2, 0.2]], dtype=torch.float64)
MIRROR = 2 * ANNOTATED[1] - ANNOTATED[2]  # as fast, the opposite way
TERMS = {
    "distance": ("distance",),
    "speed": ("speed",),
    "direction": ("direction",),
    "all three": losses.TERMS,
}
FORMS = {
    "table": {},
    "half": {"reading": "half"},
    "Eq. 3 to 6": {"reading": "eq3"},
    "appendix, bars outside": {"reading": "appendix"},
    "appendix, bars inside": {"reading": "appendix", "absolute": "element"},
}


@dataclass(frozen=True)
class Sizes:
    """What a profile costs in notebook 10."""

    grid: int = 41  # points of a loss surface from edge to edge of the disc
    arrows: int = 13
    starts: int = 21  # of the descents, from edge to edge
    steps: int = 250  # of each descent
    videos: int = 60  # whose annotation is read, the first of the set
    length: int = 128  # frames in a window
    windows: int = 64  # in the batch whose cost is counted (the paper's 64 x 256)
    timed: int = 4  # windows in the batch that is timed
    repeats: int = 9  # of each timing; the median is shown


SIZES = {
    "smoke": Sizes(grid=15, arrows=7, starts=7, steps=200, windows=4, timed=1, repeats=3),
    "quick": Sizes(),
    "full": Sizes(grid=81, videos=298, timed=64),
}


def sizes(profile: str) -> Sizes:
    """The sizes of a profile; an unknown one is an error with the nearest."""
    if profile not in SIZES:
        raise nearest(profile, SIZES, what="profile")
    return SIZES[profile]


def outcome(frame: pd.DataFrame, profile: str, **more) -> Outcome:
    return Outcome(frame, profile, caps=asdict(sizes(profile)), **more)


# ---- angles


def unit(degrees, length: float = 1.0) -> Tensor:
    """The point at an angle, counted from the valence axis towards arousal: (..., 2)."""
    turn = torch.deg2rad(torch.as_tensor(degrees, dtype=torch.float64))
    return length * torch.stack([torch.cos(turn), torch.sin(turn)], dim=-1)


def angle(a: Tensor, b: Tensor) -> Tensor:
    """The angle between two vectors in radians, 0 to pi: (..., 2), (..., 2) -> (...)."""
    return torch.atan2(losses.cross(a, b).abs(), (a * b).sum(-1))


@runs.once
def worked_example(profile: str = "quick") -> Outcome:
    """Eq. 14, annotation at 90 degrees and prediction at 30, and what its two formulas say of predictions further away."""
    rows, annotation = [], unit(90.0)
    for degrees in (30, 60, 0, -30, -60, -90):
        x = unit(float(degrees))
        product = losses.cross(x, annotation).abs()
        values = {
            "true angle": torch.rad2deg(angle(x, annotation)),
            "Eq. 5, product": product,
            "Eq. 14, arcsine of it": torch.rad2deg(torch.arcsin(product.clamp(max=1.0))),
        }
        rows += [
            {
                "annotation": "90",
                "prediction": str(degrees),
                "metric": name,
                "measured": round(float(v), 6) + 0.0,
                "unit": "" if name.startswith("Eq. 5") else "degrees",
            }
            for name, v in values.items()
        ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def angle_curves(profile: str = "quick") -> Outcome:
    """0 to 180 degrees between prediction and annotation: the angle, Eq. 5 and Eq. 14, on the circle and halfway out, in radians."""
    degrees, rows = torch.arange(0.0, 181.0, 10.0), []
    for name, long in (("both on the unit circle", 1.0), ("both halfway out", 0.5)):
        x, y = unit(degrees, long), unit(torch.zeros_like(degrees), long)
        product = losses.cross(x, y).abs()
        for series, values in (
            ("the angle", angle(x, y)),
            ("Eq. 5, product", product),
            ("Eq. 14, arcsine of it", torch.arcsin(product.clamp(max=1))),
        ):
            rows += [
                {
                    "vectors": name,
                    "formula": series,
                    "degrees": float(d),
                    "measured": round(float(v), 6) + 0.0,
                }
                for d, v in zip(degrees, values, strict=True)
            ]
    return outcome(pd.DataFrame(rows), profile)


# ---- surfaces over the disc


def on_disc(count: int) -> Tensor:
    """Points of a square grid that lie in the unit disc, float64 (N, 2)."""
    line = torch.linspace(-1, 1, count, dtype=torch.float64)
    points = torch.cartesian_prod(line, line)
    return points[points.square().sum(-1) <= 1 + 1e-12]


def windows(last: Tensor) -> tuple[Tensor, Tensor]:
    """Predictions right but in their last frame, which is `last` (N, 2), and their annotation: (N, 3, 2) each."""
    target = ANNOTATED.expand(len(last), -1, -1)
    return torch.cat([target[:, :-1], last[:, None]], dim=1), target


def surface(loss, last: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Loss of a window (N,) and minus its gradient by the last predicted frame (N, 2). loss(pred, target) -> (N,)."""
    last = last.clone().requires_grad_()
    value = loss(*windows(last))
    (slope,) = torch.autograd.grad(value.sum(), last)
    return value.detach().numpy(), -slope.numpy()


def _surfaces(profile: str, named: dict) -> Outcome:
    """One panel per loss: `what` is 'surface' (a fine grid) or 'arrow' (a coarse one, with minus the gradient); then the marks of every panel."""
    s, rows = sizes(profile), []
    for what, count in (("surface", s.grid), ("arrow", s.arrows)):
        points = on_disc(count)
        for panel, loss in named.items():
            value, down = surface(loss, points)
            rows.append(
                pd.DataFrame(
                    {
                        "panel": panel,
                        "what": what,
                        "valence": points[:, 0],
                        "arousal": points[:, 1],
                        "measured": value,
                        "down_valence": down[:, 0],
                        "down_arousal": down[:, 1],
                    }
                )
            )
    marks = [("annotated", *point) for point in ANNOTATED.tolist()] + [
        ("mirror image", *MIRROR.tolist())
    ]
    frame = pd.concat(
        [*rows, pd.DataFrame(marks, columns=["what", "valence", "arousal"]).assign(panel="every")],
        ignore_index=True,
    )
    numbers = frame.columns[2:]
    frame[numbers] = frame[numbers].astype(float).round(4) + 0.0
    return outcome(frame, profile)


@runs.once
def term_surfaces(profile: str = "quick") -> Outcome:
    """Distance, speed, direction and their sum (reading 'table'), over where the last frame is predicted."""
    return _surfaces(
        profile,
        {
            name: lambda x, y, t=terms: losses.non_inertial(x, y, terms=t, reduction="none")
            for name, terms in TERMS.items()
        },
    )


@runs.once
def form_surfaces(profile: str = "quick") -> Outcome:
    """CCC of the window and the five forms of the loss, over where the last frame is predicted."""
    named = {"CCC": lambda x, y: losses.ccc_loss(x, y, dim="sequence", reduction="none")}
    named |= {
        name: lambda x, y, o=options: losses.non_inertial(x, y, reduction="none", **o)
        for name, options in FORMS.items()
    }
    return _surfaces(profile, named)


# ---- where a descent ends

ENDS = ("the annotation", "its mirror image", "elsewhere")


@runs.once
def descents(profile: str = "quick", near: float = 0.05) -> Outcome:
    """From every point of the disc downhill on one loss: the share of starts that ends at the annotation, at its mirror image, or elsewhere."""
    s, rows = sizes(profile), []
    named = {
        "distance": {"terms": ("distance",)},
        "speed and direction": {"terms": ("speed", "direction")},
        "all three (table)": {},
        "all three (Eq. 3 to 6)": {"reading": "eq3"},
    }
    for name, options in named.items():
        last = on_disc(s.starts).clone().requires_grad_()
        step = torch.optim.Adam([last], lr=6 / s.steps)  # far enough to cross the disc
        slower = torch.optim.lr_scheduler.LambdaLR(
            step, lambda k: (1 - k / s.steps) ** 2
        )  # subgradients do not fade out by themselves
        for _ in range(s.steps):
            step.zero_grad()
            losses.non_inertial(*windows(last), reduction="none", **options).sum().backward()
            step.step()
            slower.step()
        ends = last.detach()
        there, mirrored = (
            float(((ends - place).square().sum(-1).sqrt() < near).double().mean())
            for place in (ANNOTATED[-1], MIRROR)
        )
        rows += [
            {
                "loss": name,
                "metric": where,
                "measured": round(v, 4) + 0.0,
                "unit": "share of starts",
            }
            for where, v in zip(ENDS, (there, mirrored, 1 - there - mirrored), strict=True)
        ]
    return outcome(pd.DataFrame(rows), profile)
