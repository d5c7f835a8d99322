"""The teaching figures of chang2021, chapter 2, on notebook 40's own data: activation functions, three kinds of fit, augmentation.

Over-fitting, under-fitting and misfitting are shown with small networks on the 68 points: five of each train together.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn.functional import cross_entropy

from emolib import training
from emolib.models.members import Linear, initialise
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.studies.candide import candide_classifiers as classifiers
from emolib.reproduction.studies.candide.candide import outcome
from emolib.reproduction.studies.candide.candide_figures import shown_faces
from emolib.reproduction.studies.candide.candide_plan import (
    FOUR,
    finders,
    measured,
    sizes,
    training_set,
)

FUNCTIONS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "leaky ReLU": lambda x: nn.functional.leaky_relu(x, 0.1),
    "ELU": nn.functional.elu,
}
MEMBERS = 5
OVER, UNDER, MIS = "over-fitting", "under-fitting", "misfitting"
# hidden units; the share of the training people; rate
CASES = {OVER: (128, 0.15, 3e-3), UNDER: (1, 1.0, 1e-3), MIS: (32, 1.0, 3e-3)}


# ---------------------------------------------------------------- activation functions


@runs.once
def activations(profile: str = "quick", gradient: bool = False) -> Outcome:
    """Figures 2.5 and 2.6: five activation functions from -5 to 5 (section 2.3.2; leak 0.1, alpha 1), or their derivatives by automatic differentiation."""
    rows = []
    for name, function in FUNCTIONS.items():
        x = torch.linspace(-5, 5, 201, dtype=torch.float64, requires_grad=True)
        y = function(x)
        shown = torch.autograd.grad(y.sum(), x)[0] if gradient else y
        rows.append(
            pd.DataFrame(
                {
                    "function": name,
                    "x": x.detach().numpy().round(3),
                    "measured": shown.detach().numpy().round(6),
                }
            )
        )
    return Outcome(
        pd.concat(rows, ignore_index=True).assign(panel="gradient" if gradient else "value"),
        profile,
    )


# ---------------------------------------------------------------- three kinds of fit


class Lesson(nn.Module):
    """`members` networks side by side: (M, B, inputs) -> hidden ReLU -> (M, B, outputs)."""

    def __init__(self, seeds: list[int], inputs: int, hidden: int, outputs: int):
        super().__init__()
        self.into, self.out = (
            Linear(len(seeds), inputs, hidden),
            Linear(len(seeds), hidden, outputs),
        )
        initialise(self, seeds)

    def forward(self, x):
        return self.out(torch.relu(self.into(x)))  # (M, B, outputs)


def lesson(
    *,
    train: dict,
    test: dict,
    emotions: list[str],
    hidden: int,
    share: float,
    rate: float,
    epochs: int,
) -> dict:
    """Cross-entropy of each epoch (epochs, MEMBERS) on the people that train, on other people of CK+, and on RaFD.

    share   of the training people whose pictures are used
    """
    (x, y, person), (z, w, _) = classifiers.numbers(train, test, "FP68", "standardised", emotions)
    seen, shown = np.isfinite(x).all(1), np.isfinite(z).all(1)
    (part,) = classifiers.parts(person, [0])
    people = np.unique(person[part])
    few = np.isin(person, people[: max(2, round(share * len(people)))]) & part & seen
    scaler = StandardScaler().fit(x[few])
    ready = lambda v: torch.as_tensor(scaler.transform(v), dtype=torch.float32)[None].expand(
        MEMBERS, -1, -1
    )  # noqa: E731
    sides = [
        (ready(v), torch.as_tensor(t))
        for v, t in ((x[few], y[few]), (x[~part & seen], y[~part & seen]), (z[shown], w[shown]))
    ]
    net, curves = Lesson(list(range(MEMBERS)), x.shape[1], hidden, len(emotions)), []

    def each(net, a, b):
        return cross_entropy(net(a).transpose(1, 2), b.expand(MEMBERS, -1), reduction="none").mean(
            1
        )  # (M,)

    def validate(net, epoch):
        curves.append([each(net, *side).numpy() for side in sides])
        return -float(curves[-1][1].mean())

    training.fit(
        net,
        lambda epoch: [sides[0]],
        lambda net, a, b: each(net, a, b).sum(),
        training.Settings(epochs=epochs, rate=rate),
        validate=validate,
        progress=False,
    )
    curves = np.array(curves)  # (epochs, 3, M)
    return {
        "train": curves[:, 0],
        "others": curves[:, 1],
        "elsewhere": curves[:, 2],
        "pictures": int(few.sum()),
    }


@runs.once
def lessons(profile: str) -> dict[str, dict]:
    """Curves of the three kinds of fit."""
    train, test = measured(profile, finders(profile)[0])
    grid = [
        {
            "train": train,
            "test": test,
            "emotions": list(FOUR),
            "hidden": h,
            "share": s,
            "rate": rate,
            "epochs": sizes(profile).lesson_epochs,
        }
        for h, s, rate in CASES.values()
    ]
    return dict(zip(CASES, runs.map(lesson, grid, jobs=1, label="lessons"), strict=True))


@runs.once
def fits(profile: str = "quick", kind: str = OVER) -> Outcome:
    """Figures 2.8, 2.9 (training and validation in one panel) and 2.10 (three panels): mean of five networks and their range."""
    found, rows = lessons(profile)[kind], []
    sides = {"train": "people that train", "others": "other people of CK+"} | (
        {"elsewhere": "RaFD"} if kind == MIS else {}
    )
    for side, name in sides.items():
        curve = found[side]
        rows.append(
            pd.DataFrame(
                {
                    "panel": name if kind == MIS else kind,
                    "pictures": name,
                    "epoch": np.arange(1, len(curve) + 1),
                    "measured": curve.mean(1),
                    "low": curve.min(1),
                    "high": curve.max(1),
                    "unit": "nats",
                }
            )
        )
    made = outcome(pd.concat(rows, ignore_index=True), profile)
    if kind == MIS:
        return made
    return Outcome(
        made.frame,
        profile,
        sources_of(training_set(profile)),
        seeds=tuple(range(MEMBERS)),
        caps=made.caps,
    )


# ---------------------------------------------------------------- augmentation


def _pixel_domain(x: torch.Tensor) -> dict[str, torch.Tensor]:
    from torchvision.transforms import functional as tone

    height, width = x.shape[-2:]
    return {
        "as it is": x,
        "mirrored": x.flip(-1),
        "cropped": tone.resized_crop(
            x, height // 8, width // 10, height * 3 // 4, width * 3 // 4, [height, width]
        ),
        "shifted": tone.affine(x, 0, [width // 8, height // 12], 1.0, [0.0]),
        "rotated": tone.rotate(x, 20),
        "sheared": tone.affine(x, 0, [0, 0], 1.0, [14.0]),
    }


def _colour_domain(x: torch.Tensor) -> dict[str, torch.Tensor]:
    from torchvision.transforms import functional as tone

    return {
        "brighter": tone.adjust_brightness(x, 1.5),
        "darker": tone.adjust_brightness(x, 0.6),
        "more contrast": tone.adjust_contrast(x, 1.7),
        "sharper": tone.adjust_sharpness(x, 6.0),
        "softer": tone.gaussian_blur(x, [7, 7], [2.0, 2.0]),
        "channels scaled": (x.float() * torch.tensor([1.15, 0.95, 0.75])[:, None, None])
        .clamp(0, 255)
        .byte(),
    }


@runs.once
def two_domains(profile: str = "quick") -> Pictures:
    """Figure 2.11: one face changed where its pixels are (top) and in what they hold (bottom)."""
    x = (
        torch.as_tensor(shown_faces(profile, "ckplus", 1, 150)[0])[0][None]
        .expand(3, -1, -1)
        .contiguous()
    )  # (3, 150, 150)
    rows = [
        (domain, name, v)
        for domain, made in (
            ("where pixels are", _pixel_domain(x)),
            ("what they hold", _colour_domain(x)),
        )
        for name, v in made.items()
    ]
    frame = pd.DataFrame([(d, n) for d, n, _ in rows], columns=["domain", "change"])
    return Pictures(
        frame,
        profile,
        sources_of(training_set(profile, "simulated")),
        caps=asdict(sizes(profile)),
        images=np.stack([v.permute(1, 2, 0).numpy() for _, _, v in rows]),
    )
