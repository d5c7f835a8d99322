"""The second verdict on the thesis's claims about FER2013 and its VGG-16 (notebook 41).

What layers, counts and print decide needs no training. What training decides needs real pictures, a
VGG-16 of full width that has settled, and for the gain of the transfer a source task on real faces;
everything else is open or not tested.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from emolib.models.vgg import Vgg16
from emolib.reproduction import papers
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.faces import CLASSES, PARTS
from emolib.reproduction.studies.transfer import tables
from emolib.reproduction.studies.transfer.plan import FIXED, OURS, PLAIN, Study
from emolib.reproduction.studies.transfer.tables import UNTESTED

# layers and print: no picture can change them
COUNTED = ("chang-d22", "chang-d22_2", "chang-d22_3", "chang-d26")


def judge(study: Study) -> list[Verdict]:
    """Every claim that notebook 41 can speak to, in the order of claims.csv."""
    verdicts = [halvings(), chain(), parameters()]
    of_study = (rates, gain, best_at_present, happy_over_disgust, pictures, polluted, fine_tuning)
    verdicts += [claim(study) for claim in of_study]
    if study.faces.source == "real":
        return verdicts
    why = "the pictures are simulated, and only the real ones can decide this; "
    return [
        v if v.claim in COUNTED else Verdict(v.claim, "open", why + v.because) for v in verdicts
    ]


def _verdict(claim: str, holds: bool, because: str) -> Verdict:
    return Verdict(claim, "holds" if holds else "fails", because)


# ---------------------------------------------------------------- what the network is


def _layers(kind) -> int:
    with torch.device("meta"):
        return sum(isinstance(layer, kind) for layer in Vgg16().modules())


def halvings() -> Verdict:
    n = _layers(nn.MaxPool2d)
    because = f"three halvings leave {224 // 2**3} of 224 pixels; "
    because += f"our VGG-16 has {n}, which leave {224 // 2**n}"
    return _verdict("chang-d22", 224 / 2**3 == 7, because)


def chain() -> Verdict:
    n = _layers(nn.Conv2d)
    because = f"the network that takes the public weights has {n} convolutions and "
    because += f"{_layers(nn.Linear)} dense layers; the printed chain has 11 and 3"
    return _verdict("chang-d22_2", n == 11, because)


def parameters() -> Verdict:
    millions = {}
    for classes in (2622, 1000, CLASSES):
        with torch.device("meta"):
            millions[classes] = sum(p.numel() for p in Vgg16(classes).parameters()) / 1e6
    because = "; ".join(f"{m:.1f} million with {k:,} outputs" for k, m in millions.items())
    return _verdict("chang-d22_3", abs(millions[2622] - 138) < 1, because)


# ---------------------------------------------------------------- what training says


def learnt(result: dict, margin: float = 0.02) -> bool:
    """Did the training loss fall below guessing seven equal classes, by `margin` of it or more?"""
    lowest = float(np.min(result["loss"]))
    return not result["diverged"] and lowest < (1 - margin) * np.log(CLASSES)


def rates(study: Study) -> Verdict:
    """Fails where any rate above 1e-6 learns: then the loss does not diverge there."""
    ends = []
    for result in study.sweep(OURS):
        note = "" if learnt(result) else " (no better than guessing)"
        ends.append(f"{result['rate']:g}: {float(result['loss'][-1]):.2f}{note}")
    because = f"training loss, last epoch: {', '.join(ends)}; guessing is {np.log(CLASSES):.2f}"
    if not study.settled:
        return Verdict("chang-d24", UNTESTED, because)
    learns = any(learnt(result) for result in study.sweep(OURS) if result["rate"] > 1e-6)
    return _verdict("chang-d24", not learns, because)


def gain(study: Study) -> Verdict:
    return five_points(study, "chang-d25", PLAIN)


def fine_tuning(study: Study) -> Verdict:
    return five_points(study, "chang-d48", FIXED)


def five_points(study: Study, claim: str, other: str) -> Verdict:
    """Holds where the interval of the gain reaches 5 points and lies above 0; fails where it lies
    below 5 altogether."""
    frame = tables.contrasts(study).frame
    frame = frame[frame.pair == f"{OURS} - {other}"].set_index("metric")
    row, p = frame.loc["difference in accuracy"], frame.measured["p, Holm"]
    because = (
        f"{row['first']} less {row['second']}, {row.protocol}: {row.measured:+.1f} points "
        f"[{row.low:+.1f}, {row.high:+.1f}], p {p:.2g} (Holm)"
    )
    verdict = "open"
    if not study.settled:
        verdict = UNTESTED
    elif study.source_task.source != "real":
        because = "the people it learnt to tell apart are simulated; " + because
    elif row.low > 0 and row.high >= 5 and p < 0.05:
        verdict = "holds"
    elif row.high < 5:
        verdict = "fails"
    return Verdict(claim, verdict, because)


def best_at_present(study: Study) -> Verdict:
    printed = papers.published("chang2021-t4_3").set_index("source").value
    ours = tables.table_4_3(study).frame
    because = f"the table itself has {printed.max():.1f} above {printed['Ours']:.2f}; "
    constant = tables.constant(study)
    above = ours[ours.low > ours.protocol.map(constant)]
    if len(above):
        best = above.loc[above.measured.idxmax()]
        stand_in = study.narrow and not best.model.startswith("EfficientNet")
        because += f"best of ours {best.measured:.1f} ({best.model}, {best.protocol}"
        because += f"{', narrow stand-ins' if stand_in else ''}); "
        because += f"the commonest class alone {constant[best.protocol]:.1f}"
    else:
        because += "none of ours is above naming the commonest class every time "
        because += f"({min(constant.values()):.1f} to {max(constant.values()):.1f})"
    return _verdict("chang-d26", printed.idxmax() == "Ours", because)


# ---------------------------------------------------------------- what the set holds


def happy_over_disgust(study: Study) -> Verdict:
    label = study.faces.label[study.faces.split == PARTS[0]]
    disgust, happy = int((label == 1).sum()), int((label == 3).sum())
    times = happy / max(disgust, 1)
    because = f"{happy:,} happy and {disgust:,} disgusted training pictures: {times:.1f} times"
    return _verdict("chang-d29", times >= 19, because)


def polluted(study: Study) -> Verdict:
    """By the votes: pictures on which most raters see no face or cannot tell."""
    shares = tables.shares_of_no_use(study)
    because = ", ".join(f"{reason} {share:.1f} %" for reason, share in shares.items())
    because = f"of the training pictures: {because}"
    if tables.FACELESS not in shares:
        return Verdict("chang-d47", "open", f"{because}; no votes are at hand")
    return _verdict("chang-d47", shares[tables.FACELESS] >= 25, because)


def pictures(study: Study) -> Verdict:
    counts = [int((study.faces.split == part).sum()) for part in PARTS]
    because = " + ".join(f"{n:,}" for n in counts) + f" = {sum(counts):,} pictures"
    return _verdict("chang-d40", counts == [28_709, 3_589, 3_589], because)
