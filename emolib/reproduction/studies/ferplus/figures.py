"""What the figures of the FERPlus classifiers draw (notebook 13): the long table behind each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data.votes import VOTES
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, Pictures, held
from emolib.reproduction.studies.faces import CLASSES, part_rows
from emolib.reproduction.studies.ferplus.tables import (
    PLAIN,
    SHIFTED,
    averaged,
    interval,
    probabilities,
    table_4_1,
)
from emolib.reproduction.studies.ferplus.training import epoch_rows

NAMES = EMOTIONS[:CLASSES]
ACROSS = 8  # faces in a row of the sheets


@held
def samples(study) -> Pictures:
    """Figure 2.1: one row of simulated faces per emotion.

    The faces of FER2013 themselves are other people's and are not shown.
    """
    world = datasets.load("fer2013", source="simulated", profile="smoke")
    each = [np.flatnonzero(world.label == k)[:ACROSS] for k in range(CLASSES)]
    rows = np.concatenate([r for r in each if len(r) == ACROSS])
    emotion, at = [NAMES[k] for k in world.label[rows]], world.meta["row"].to_numpy()[rows]
    frame = pd.DataFrame({"row": at, "emotion": emotion, "part": world.split[rows]})
    about = {"seeds": (), "caps": {"world": "smoke"}}
    return study.outcome(frame, Pictures, sources=[world], images=world.images[rows], **about)


def _by_emotion(study, column: str, labels: dict[str, np.ndarray]) -> Outcome:
    """How many pictures each emotion has, for each entry of `labels`."""
    rows = []
    for name, label in labels.items():
        for emotion, n in zip(NAMES, np.bincount(label, minlength=CLASSES), strict=True):
            rows.append({"emotion": emotion, column: name, "measured": int(n), "unit": "images"})
    return study.outcome(pd.DataFrame(rows))


@held
def counts(study) -> Outcome:
    """Figure 2.2: training pictures of each emotion, by the votes and by FER2013's own label."""
    rows = part_rows(study.faces, "Training")
    own = study.faces.meta["code"].to_numpy()[rows]
    labels = {
        "majority of ten votes": study.faces.label[rows],
        "FER2013's own label of the same pictures": own,
    }
    return _by_emotion(study, "labels", labels)


@held
def balanced(study) -> Outcome:
    """Figure 2.3: what an epoch of the balanced sampler draws, and how many pictures that are."""
    label = study.faces.label[part_rows(study.faces, "Training")]
    drawn = epoch_rows(label, seed=0, epoch=0, draws=None)
    labels = {
        "drawn in an epoch": label[drawn],
        "different pictures among them": label[np.unique(drawn)],
    }
    return _by_emotion(study, "counted", labels)


@held
def losses(study, part: str = "loss") -> Outcome:
    """Figures 4.1 (part='loss', training) and 4.2 ('validation'): cross-entropy by epoch.

    Mean and range of the seeds.
    """
    family, rows = {"Re": "ResNet", "Se": "SE-ResNeXt", "De": "DenseNet"}, []
    for network in study.sizes.networks:
        curves = pd.DataFrame([r[part] for r in study.results(network, study.base)])  # (R, E)
        several = curves.count() > 1
        shown = pd.DataFrame(
            {
                "network": network,
                "family": family[network[:2]],
                "epoch": curves.columns + 1,
                "protocol": study.base,
                "measured": curves.mean(),
                "low": curves.min().where(several),
                "high": curves.max().where(several),
                "unit": "nats",
            }
        )
        rows.append(shown)
    return study.outcome(pd.concat(rows))


@held
def confusions(study) -> Outcome:
    """Figure 4.3: confusion of the averaged network, as trained and with the priors given back."""
    rows = []
    for protocol, names in study.initialisations.items():
        for way in (PLAIN, SHIFTED) if len(names) > 1 else ():
            said = averaged(study, protocol, way).argmax(-1)
            matrix = metrics.confusion(study.truth, said, CLASSES).sum(0)
            panel = f"averaged network, {way}\n{protocol}"
            rows += metrics.confusion_rows(matrix, NAMES, panel=panel, protocol=protocol)
    return study.outcome(pd.DataFrame(rows))


@held
def missed_by_all(study) -> Pictures:
    """Figure 4.4: the pictures that every network gets wrong with every seed.

    Which classes they are and how divided their raters were; pictures are handed over only where
    they are simulated.
    """
    said = [probabilities(study, n, study.base).argmax(-1) for n in study.sizes.networks]
    missed = (np.concatenate(said) != study.truth).all(0)  # (N,)
    rows = []
    for k, name in enumerate(NAMES):
        of = study.truth == k
        about = {"emotion": name, "metric": "share of the class that all get wrong"}
        rows.append(about | _mean(study, missed, of) | {"count": int(missed[of].sum())})
    votes = study.faces.meta[list(VOTES)].to_numpy(float)[study.test_rows]
    entropy, edges = votes_entropy(votes), np.linspace(0, 3, 13)
    for group, of in (("all get it wrong", missed), ("somebody gets it right", ~missed)):
        share = np.histogram(entropy[of], edges)[0] / max(of.sum(), 1)
        about = {"emotion": "", "group": group}
        name = {"metric": "share of the group by entropy of its votes"}
        for at, v in zip((edges[1:] + edges[:-1]) / 2, share, strict=True):
            rows.append(about | name | {"at": at, "measured": float(v)})
        name = {"metric": "mean entropy of the votes", "count": int(of.sum()), "unit": "bits"}
        rows.append(about | name | _mean(study, entropy, of))
    columns = ["emotion", "metric", "measured", "low", "high", "count", "group", "at", "unit"]
    shown = np.flatnonzero(missed)[: ACROSS if study.faces.source == "simulated" else 0]
    named = averaged(study, study.base).mean(0).argmax(-1)
    titles = [f"{NAMES[study.truth[i]]}\nnamed {NAMES[named[i]]}" for i in shown]
    return study.outcome(
        pd.DataFrame(rows)[columns],
        Pictures,
        images=study.faces.images[study.test_rows][shown],
        tiles=pd.DataFrame({"title": titles}),
    )


def _mean(study, values: np.ndarray, of: np.ndarray) -> dict[str, float]:
    """Mean of `values` over the pictures `of` a group, with its interval."""
    mean = (np.nan,) * 3
    if of.any():
        by = {"draws": study.draws, "level": study.level}
        mean = metrics.bootstrap_ci(values[of], study.contents[of], **by)
    return interval(mean)


def votes_entropy(votes: np.ndarray) -> np.ndarray:
    """Entropy of each row of votes (N, 10) in bits: 0 where all raters agree."""
    share = votes / votes.sum(1, keepdims=True)
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(1)


def against_print(study) -> Outcome:
    """Extra 23: accuracy of each network, on all test pictures and on the clean test."""
    return study.outcome(table_4_1(study).frame.query("metric == 'Test accuracy'"))


def printed_mean() -> dict[str, float]:
    """The mean of the eleven printed accuracies, with their range in its name."""
    printed = papers.published("orgil2022-t4_1")
    value = printed.value[printed.metric == "Test accuracy"]
    return {f"printed {value.min():.1f} to {value.max():.1f}": float(value.mean())}
