"""What the figures of the FERPlus classifiers draw (notebook 13): each function returns the long table behind one of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data.votes import VOTES
from emolib.metrics import calibration
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, Pictures, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.ferplus import ferplus
from emolib.reproduction.studies.ferplus import ferplus_networks as networks
from emolib.reproduction.studies.ferplus.ferplus import (
    PLAIN,
    SHIFTED,
    averaged,
    outcome,
    probabilities,
)
from emolib.reproduction.studies.ferplus.ferplus_plan import (
    base,
    contents,
    faces,
    initialisations,
    results,
    sizes,
    test_rows,
    truth,
)

NAMES = EMOTIONS[: networks.CLASSES]
ACROSS = 8  # faces in a row of the sheets


@runs.once
def samples(profile: str = "quick") -> Pictures:
    """Figure 2.1: one row of simulated faces per emotion. The faces of FER2013 themselves are other people's and are not shown."""
    world = datasets.load("fer2013", source="simulated", profile="smoke")
    rows = np.concatenate(
        [
            np.flatnonzero(world.label == k)[:ACROSS]
            for k in range(len(NAMES))
            if (world.label == k).sum() >= ACROSS
        ]
    )
    frame = pd.DataFrame(
        {
            "row": world.meta["row"].to_numpy()[rows],
            "emotion": [NAMES[k] for k in world.label[rows]],
            "part": world.split[rows],
        }
    )
    return Pictures(
        frame, profile, sources_of(world), caps={"world": "smoke"}, images=world.images[rows]
    )


@runs.once
def counts(profile: str = "quick") -> Outcome:
    """Figure 2.2: training pictures of each emotion, by the majority of ten votes and by FER2013's own label."""
    rows = networks.part_rows(faces(profile), "Training")
    own = faces(profile).meta["code"].to_numpy()[rows]
    frame = [
        {"emotion": NAMES[k], "labels": labels, "measured": int(n), "unit": "images"}
        for labels, label in (
            ("majority of ten votes", faces(profile).label[rows]),
            ("FER2013's own label of the same pictures", own),
        )
        for k, n in enumerate(np.bincount(label, minlength=len(NAMES)))
    ]
    return outcome(pd.DataFrame(frame), profile)


@runs.once
def balanced(profile: str = "quick") -> Outcome:
    """Figure 2.3: what one epoch of the balanced sampler draws, and how many different pictures are among them."""
    label = faces(profile).label[networks.part_rows(faces(profile), "Training")]
    drawn = networks.epoch_rows(label, seed=0, epoch=0, draws=None)
    frame = [
        {"emotion": NAMES[k], "counted": counted, "measured": int(n), "unit": "images"}
        for counted, rows in (
            ("drawn in an epoch", drawn),
            ("different pictures among them", np.unique(drawn)),
        )
        for k, n in enumerate(np.bincount(label[rows], minlength=len(NAMES)))
    ]
    return outcome(pd.DataFrame(frame), profile)


def family(network: str) -> str:
    """'ResNet', 'SE-ResNeXt' or 'DenseNet'."""
    return {"Re": "ResNet", "Se": "SE-ResNeXt", "De": "DenseNet"}[network[:2]]


@runs.once
def losses(profile: str = "quick", part: str = "loss") -> Outcome:
    """Figures 4.1 (part='loss', training) and 4.2 ('validation'): cross-entropy per picture by epoch, mean and range of the seeds."""
    rows = []
    for network in sizes(profile).networks:
        curves = [r[part] for r in results(profile, network, base(profile))]
        for epoch in range(max(map(len, curves))):
            at = np.array([c[epoch] for c in curves if len(c) > epoch])
            low, high = (float(at.min()), float(at.max())) if len(at) > 1 else (np.nan, np.nan)
            rows.append(
                {
                    "network": network,
                    "family": family(network),
                    "epoch": epoch + 1,
                    "protocol": base(profile),
                    "measured": float(at.mean()),
                    "low": low,
                    "high": high,
                    "unit": "nats",
                }
            )
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def confusions(profile: str = "quick") -> Outcome:
    """Figure 4.3: confusion matrix of the averaged network, as trained and with the priors of the training part; rows sum to 1."""
    rows = []
    for protocol, names in initialisations(profile).items():
        for way in (PLAIN, SHIFTED) if len(names) > 1 else ():
            found = metrics.confusion(
                truth(profile), averaged(profile, protocol, way).argmax(-1), len(NAMES)
            ).sum(0)
            share = found / np.maximum(found.sum(1, keepdims=True), 1)
            rows += [
                {
                    "panel": f"averaged network, {way}\n{protocol}",
                    "protocol": protocol,
                    "true": NAMES[i],
                    "named": NAMES[j],
                    "metric": "share of the true class",
                    "measured": float(share[i, j]),
                    "count": int(found[i, j]),
                }
                for i in range(len(NAMES))
                for j in range(len(NAMES))
            ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def missed_by_all(profile: str = "quick") -> Pictures:
    """Figure 4.4: the pictures that every network gets wrong with every seed: which classes, how divided their raters were.

    Pictures are handed over only where they are simulated.
    """
    right = np.concatenate(
        [
            probabilities(profile, n, base(profile)).argmax(-1) == truth(profile)
            for n in sizes(profile).networks
        ]
    )
    missed, p = ~right.any(0), shared(profile)  # (N,)
    rows = []
    for k, name in enumerate(NAMES):
        of = truth(profile) == k
        mean, low, high = (
            metrics.bootstrap_ci(missed[of], contents(profile)[of], draws=p.draws, level=p.level)
            if of.any()
            else (np.nan,) * 3
        )
        rows.append(
            {
                "emotion": name,
                "metric": "share of the class that all get wrong",
                "measured": float(mean),
                "low": float(low),
                "high": float(high),
                "count": int(missed[of].sum()),
            }
        )
    counted = faces(profile).meta[list(VOTES)].to_numpy(float)[test_rows(profile)]
    entropy = votes_entropy(counted)
    edges = np.linspace(0, 3, 13)
    for group, of in (("all get it wrong", missed), ("somebody gets it right", ~missed)):
        share = np.histogram(entropy[of], edges)[0] / max(of.sum(), 1)
        rows += [
            {
                "emotion": "",
                "metric": "share of the group by entropy of its votes",
                "group": group,
                "at": at,
                "measured": float(v),
            }
            for at, v in zip((edges[1:] + edges[:-1]) / 2, share, strict=True)
        ]
        mean, low, high = (
            metrics.bootstrap_ci(entropy[of], contents(profile)[of], draws=p.draws, level=p.level)
            if of.any()
            else (np.nan,) * 3
        )
        rows.append(
            {
                "emotion": "",
                "metric": "mean entropy of the votes",
                "group": group,
                "measured": float(mean),
                "low": float(low),
                "high": float(high),
                "count": int(of.sum()),
                "unit": "bits",
            }
        )
    shown = (
        np.flatnonzero(missed)[:ACROSS]
        if faces(profile).source == "simulated"
        else np.empty(0, int)
    )
    said = averaged(profile, base(profile)).mean(0).argmax(-1)
    tiles = pd.DataFrame(
        {"title": [f"{NAMES[truth(profile)[i]]}\nnamed {NAMES[said[i]]}" for i in shown]}
    )
    return outcome(
        pd.DataFrame(rows),
        profile,
        Pictures,
        images=faces(profile).images[test_rows(profile)][shown],
        tiles=tiles,
    )


def votes_entropy(counted: np.ndarray) -> np.ndarray:
    """Entropy of each row of votes (N, 10) in bits: 0 where all raters agree."""
    share = counted / counted.sum(1, keepdims=True)
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(1)


@runs.once
def reliability(profile: str = "quick") -> Outcome:
    """Extra 22: how often the averaged network (or the only one) is right when it is so sure, as trained and with the priors given back."""
    rows = []
    for protocol, names in initialisations(profile).items():
        line = "averaged network" if len(names) > 1 else names[0]
        for way in (PLAIN, SHIFTED):
            p = averaged(profile, protocol, way)
            p, true = (
                p.reshape(-1, p.shape[-1]),
                np.tile(truth(profile), len(p)),
            )  # every seed's average counts
            error = calibration.calibration_error(p, true)
            panel = {
                "panel": f"{way}, error {error:.3f}\n{protocol}",
                "way": way,
                "protocol": protocol,
            }
            rows += [
                panel
                | {
                    "line": line,
                    "confidence": float(c),
                    "measured": float(a),
                    "share of pictures": float(s),
                }
                for s, c, a in zip(*calibration.reliability(p, true, bins=10), strict=True)
                if s > 0
            ]
            rows += [
                panel | {"line": "honest", "confidence": c, "measured": c}
                for c in (1 / networks.CLASSES, 1.0)
            ]
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def against_print(profile: str = "quick") -> Outcome:
    """Extra 23: accuracy of each network with its interval, on all test pictures and on those that training does not hold."""
    frame = ferplus.table_4_1(profile).frame
    return outcome(frame[frame.metric == "Test accuracy"], profile)


def printed_mean() -> dict[str, float]:
    """The mean of the eleven printed accuracies, with their range in its name."""
    printed = papers.published("orgil2022-t4_1")
    value = printed.value[printed.metric == "Test accuracy"]
    return {f"printed {value.min():.1f} to {value.max():.1f}": float(value.mean())}
