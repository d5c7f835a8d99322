"""The rules of notebook 41: what our measurements say of the thesis's FER2013 and its VGG-16.

Counts of layers and pictures need no training. What training says of the transfer rests on the
people of the source task too: where these are simulated, so is the claim.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from emolib.models.vgg import Vgg16
from emolib.reproduction.runs import Claims, either
from emolib.reproduction.studies.faces import CLASSES, PARTS
from emolib.reproduction.studies.transfer import tables
from emolib.reproduction.studies.transfer.plan import BLANK, KNOWN, KNOWN_FIXED, OURS, Study


def standing(study: Study, name: str, trained: str | None = None):
    """What a model shows; VGG-16 stands for dlib's network where its weights are absent."""
    return tables.standing(study, study.judged(name))


claim = Claims("41", standing)
judge = claim.judge


# ---------------------------------------------------------------- what the network is


def _layers(kind) -> int:
    with torch.device("meta"):
        return sum(isinstance(layer, kind) for layer in Vgg16().modules())


@claim("chang-d22")
def halvings(study: Study):
    """Do three halvings lead from 224 pixels to 7?"""
    n = _layers(nn.MaxPool2d)
    because = f"three halvings leave {224 // 2**3} of 224 pixels; "
    return 224 / 2**3 == 7, because + f"our VGG-16 has {n}, which leave {224 // 2**n}"


@claim("chang-d22_2")
def chain(study: Study):
    """Has the network that takes the public weights the layers of the printed chain?"""
    n = _layers(nn.Conv2d)
    because = f"the network that takes the public weights has {n} convolutions and "
    return n == 11, because + f"{_layers(nn.Linear)} dense layers; the printed chain has 11 and 3"


@claim("chang-d22_3")
def parameters(study: Study):
    """Has the network that names 2,622 people 138 million parameters?"""
    millions = {}
    for classes in (2622, 1000, CLASSES):
        with torch.device("meta"):
            millions[classes] = sum(p.numel() for p in Vgg16(classes).parameters()) / 1e6
    because = "; ".join(f"{m:.1f} million with {k:,} outputs" for k, m in millions.items())
    return abs(millions[2622] - 138) < 1, because


# ---------------------------------------------------------------- what training says


def learnt(result: dict, margin: float = 0.02) -> bool:
    """Did the training loss fall below guessing seven equal classes, by `margin` of it or more?"""
    lowest = float(np.min(result["loss"]))
    return not result["diverged"] and lowest < (1 - margin) * np.log(CLASSES)


@claim("chang-d24", OURS, level=True)
def rates(study: Study):
    """Does nothing learn above 1e-6? One rate that does is enough to say no."""
    ends = []
    for result in study.sweep(OURS):
        note = "" if learnt(result) else " (no better than guessing)"
        ends.append(f"{result['rate']:g}: {float(result['loss'][-1]):.2f}{note}")
    because = f"training loss, last epoch: {', '.join(ends)}; guessing is {np.log(CLASSES):.2f}"
    return not any(learnt(r) for r in study.sweep(OURS) if r["rate"] > 1e-6), because


@claim("chang-d25", KNOWN, BLANK, data=("faces", "people_behind"), level=True)
def gain(study: Study):
    """What are faces worth, beside the same network from scratch?"""
    return five_points(study, BLANK)


@claim("chang-d48", KNOWN, KNOWN_FIXED, data=("faces", "people_behind"), level=True)
def fine_tuning(study: Study):
    """What is tuning the whole network worth, beside its dense layers alone?"""
    return five_points(study, KNOWN_FIXED)


def five_points(study: Study, other: str):
    """Does the interval of the gain reach 5 points and lie above 0, or below 5 altogether?

    `Around 5` is not refuted by more. The network is dlib's, which tells more real people apart
    than the thesis's VGG-Face and whose weights anybody may have.
    """
    frame = tables.contrasts(study).frame
    pair = f"{study.judged(KNOWN)} - {study.judged(other)}"
    frame = frame[frame.pair == pair].set_index("metric")
    row, p = frame.loc["difference in accuracy"], frame.measured["p, Holm"]
    because = (
        f"{row['first']} less {row['second']}, {row.protocol}: {row.measured:+.1f} points "
        f"[{row.low:+.1f}, {row.high:+.1f}], p {p:.2g} (Holm)"
    )
    return either(holds=row.low > 0 and row.high >= 5 and p < 0.05, fails=row.high < 5), because


# ---------------------------------------------------------------- what the set holds


@claim("chang-d29", data=("faces",))
def happy_over_disgust(study: Study):
    """Are there nineteen times as many happy training pictures as disgusted ones, or more?"""
    label = study.faces.label[study.faces.split == PARTS[0]]
    disgust, happy = int((label == 1).sum()), int((label == 3).sum())
    times = happy / max(disgust, 1)
    because = f"{happy:,} happy and {disgust:,} disgusted training pictures: {times:.1f} times"
    return times >= 19, because


@claim("chang-d47", data=("faces",))
def polluted(study: Study):
    """By the votes: on how many pictures do most raters see no face, or cannot tell?"""
    shares = tables.shares_of_no_use(study)
    because = ", ".join(f"{reason} {share:.1f} %" for reason, share in shares.items())
    because = f"of the training pictures: {because}"
    if tables.FACELESS not in shares:
        return None, f"{because}; no votes are at hand"
    return bool(shares[tables.FACELESS] >= 25), because


@claim("chang-d40", data=("faces",))
def pictures(study: Study):
    """Have the three parts the printed numbers of pictures?"""
    counts = [int((study.faces.split == part).sum()) for part in PARTS]
    because = " + ".join(f"{n:,}" for n in counts) + f" = {sum(counts):,} pictures"
    return counts == [28_709, 3_589, 3_589], because
