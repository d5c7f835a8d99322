"""The second verdict on the thesis's claims about FER2013 and its VGG-16 (notebook 41).

What layers, counts and print decide needs no training. What training decides needs real pictures, a VGG-16 of full width that has
settled, and for the gain of the transfer a source task on real faces; everything else is open or not tested.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from emolib.models.vgg import Vgg16
from emolib.reproduction import papers
from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.faces import CLASSES, PARTS
from emolib.reproduction.studies.transfer import transfer
from emolib.reproduction.studies.transfer.transfer import PRIVATE, UNIQUE, protocol
from emolib.reproduction.studies.transfer.transfer_figures import learnt
from emolib.reproduction.studies.transfer.transfer_plan import (
    OURS,
    PLAIN,
    faces,
    narrow,
    source_of_faces,
    sweep,
)

UNTESTED = "not tested at this profile"
COUNTED = (
    "chang-d22",
    "chang-d22_2",
    "chang-d22_3",
    "chang-d26",
)  # layers and print: no picture can change them


def judge(profile: str) -> list[Verdict]:
    """Every claim that notebook 41 can speak to, in the order of claims.csv."""
    said = [
        halvings(),
        chain(),
        parameters(),
        rates(profile),
        gain(profile),
        best_at_present(profile),
        happy_over_disgust(profile),
        pictures(profile),
    ]
    real = faces(profile).source == "real"
    return [
        v
        if real or v.claim in COUNTED
        else Verdict(
            v.claim,
            "open",
            "the pictures are simulated, and only the real ones can decide this; " + v.because,
        )
        for v in said
    ]


# ---------------------------------------------------------------- what the network is


def _layers(kind) -> int:
    with torch.device("meta"):
        return sum(isinstance(m, kind) for m in Vgg16().modules())


def halvings() -> Verdict:
    n = _layers(nn.MaxPool2d)
    return Verdict(
        "chang-d22",
        "holds" if 224 / 2**3 == 7 else "fails",
        f"three halvings leave {224 // 2**3} of 224 pixels; our VGG-16 has {n}, which leave {224 // 2**n}",
    )


def chain() -> Verdict:
    n = _layers(nn.Conv2d)
    return Verdict(
        "chang-d22_2",
        "holds" if n == 11 else "fails",
        f"the network that takes the public weights has {n} convolutions and {_layers(nn.Linear)} "
        "dense layers; the printed chain has 11 and 3",
    )


def parameters() -> Verdict:
    with torch.device("meta"):
        count = {
            classes: sum(p.numel() for p in Vgg16(classes).parameters()) / 1e6
            for classes in (2622, 1000, CLASSES)
        }
    return Verdict(
        "chang-d22_3",
        "holds" if abs(count[2622] - 138) < 1 else "fails",
        "; ".join(f"{v:.1f} million with {k:,} outputs" for k, v in count.items()),
    )


# ---------------------------------------------------------------- what training says


def _decides(profile: str) -> bool:
    return protocol(PRIVATE, profile, UNIQUE) in transfer.settled(profile)


def rates(profile: str) -> Verdict:
    """Fails where any rate above 1e-6 learns: then the loss does not diverge there."""
    ends = {r["rate"]: (learnt(r), float(r["loss"][-1])) for r in sweep(profile, OURS)}
    because = "training loss, last epoch: " + ", ".join(
        f"{rate:g}: {loss:.2f}{'' if ok else ' (no better than guessing)'}"
        for rate, (ok, loss) in ends.items()
    )
    because += f"; guessing is {np.log(CLASSES):.2f}"
    if not _decides(profile):
        return Verdict("chang-d24", UNTESTED, because)
    return Verdict(
        "chang-d24",
        "fails" if any(ok for rate, (ok, _) in ends.items() if rate > 1e-6) else "holds",
        because,
    )


def gain(profile: str) -> Verdict:
    """Holds where the interval of the gain reaches 5 points and lies above 0; fails where it lies below 5 altogether."""
    frame = transfer.contrasts(profile).frame
    frame = frame[frame.pair == f"{OURS} - {PLAIN}"].set_index("metric")
    row, p = frame.loc["difference in accuracy"], frame.measured["p, Holm"]
    because = f"{row['first']} less {row['second']}, {row.protocol}: {row.measured:+.1f} points [{row.low:+.1f}, {row.high:+.1f}], p {p:.2g} (Holm)"
    if not _decides(profile):
        return Verdict("chang-d25", UNTESTED, because)
    if source_of_faces(profile)["vggface"]["source"] != "real":
        return Verdict(
            "chang-d25", "open", "the people it learnt to tell apart are simulated; " + because
        )
    return Verdict(
        "chang-d25",
        "holds"
        if row.low > 0 and row.high >= 5 and p < 0.05
        else "fails"
        if row.high < 5
        else "open",
        because,
    )


def best_at_present(profile: str) -> Verdict:
    printed = papers.published("chang2021-t4_3").set_index("source").value
    ours = transfer.table_4_3(profile).frame
    best = ours.loc[ours.measured.idxmax()]
    return Verdict(
        "chang-d26",
        "holds" if printed.idxmax() == "Ours" else "fails",
        f"the table itself has {printed.max():.1f} above {printed['Ours']:.2f}; best of ours {best.measured:.1f} ({best.model}, {best.protocol}"
        f"{', narrow stand-ins' if narrow(profile) and not best.model.startswith('EfficientNet') else ''})",
    )


# ---------------------------------------------------------------- what the set holds


def happy_over_disgust(profile: str) -> Verdict:
    label = faces(profile).label[faces(profile).split == PARTS[0]]
    disgust, happy = int((label == 1).sum()), int((label == 3).sum())
    times = happy / max(disgust, 1)
    return Verdict(
        "chang-d29",
        "holds" if times >= 19 else "fails",
        f"{happy:,} happy and {disgust:,} disgusted training pictures: {times:.1f} times",
    )


def pictures(profile: str) -> Verdict:
    n = [int((faces(profile).split == part).sum()) for part in PARTS]
    return Verdict(
        "chang-d40",
        "holds" if n == [28_709, 3_589, 3_589] else "fails",
        " + ".join(f"{v:,}" for v in n) + f" = {sum(n):,} pictures",
    )
