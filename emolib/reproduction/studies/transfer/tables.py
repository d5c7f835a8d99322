"""Table 4.3 of chang2021, what it leaves out, and whose the errors are (notebook 41)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data import votes
from emolib.data.checks import content_of
from emolib.features.texture import phog
from emolib.metrics import DETECTABLE, SMALLEST_P, floor
from emolib.reproduction import papers
from emolib.reproduction.runs import WEAK, Outcome, Pictures, Standing, held, sources_of
from emolib.reproduction.runs.claims import failed_gate
from emolib.reproduction.studies import face_scores
from emolib.reproduction.studies.faces import (
    CLASSES,
    PARTS,
    STOCK,
    enlarged,
    part_rows,
    stock,
    unseen,
)
from emolib.reproduction.studies.transfer.plan import (
    BLANK,
    FIXED,
    KNOWN,
    KNOWN_FIXED,
    LOOKED,
    OTHER,
    OURS,
    PLAIN,
    PRIVATE,
    TESTS,
    UNIQUE,
    UNTRAINED,
    Study,
    at_rest,
)
from emolib.reproduction.studies.transfer.training import (
    NETWORKS,
    NOTHING,
    OBJECTS,
    PEOPLE,
    balanced,
    split,
    transformed,
)

PRINTED_METHOD = "Transfer learning from face identification to emotion"
CONTRASTS = (
    (OURS, PLAIN),
    (OURS, FIXED),
    (OURS, OTHER),
    (FIXED, UNTRAINED),
    (KNOWN, BLANK),
    (KNOWN, KNOWN_FIXED),
    (KNOWN, LOOKED),
)
CONSTANT = "most frequent class"
GRADIENTS = "oriented gradients, linear SVM"
LOOKS = {  # networks that have learnt elsewhere, frozen
    PEOPLE: "identifies people (dlib), frozen",
    OBJECTS: "names objects (EfficientNet-Lite0), frozen",
    NOTHING: "has learnt nothing (EfficientNet-Lite0), frozen",
}
COMPARED = ((PEOPLE, OBJECTS), (PEOPLE, NOTHING), (OBJECTS, NOTHING), (PEOPLE, GRADIENTS))
BOTH = "both tests"
PENALTIES = 10.0 ** np.arange(0, 7)


def percent(values: dict) -> dict:
    """Shares (measured, low, high) in per cent."""
    return {name: 100 * share for name, share in values.items()}


@held
def without_network(study: Study, part: str) -> dict[str, np.ndarray]:
    """Classes (1, N) that two answers without a network name on a test part."""
    train, test = split(study.faces)[0][: study.sizes.train], study.tested(part).rows
    most = np.bincount(study.faces.label[train]).argmax()
    discriminant = stock(study.faces, train, test).argmax(-1)
    return {CONSTANT: np.full((1, len(test)), most), STOCK: discriminant[None]}


@held
def accuracies(study: Study) -> pd.DataFrame:
    """Accuracy of every model on both tests, with and without the pictures that train, too.

    Behind the models stand the two answers of `without_network`.
    """
    rows = []
    for part in TESTS:
        tested = study.tested(part)
        said = {name: study.named(name, part) for name in study.models}
        said |= without_network(study, part)
        for more, keep in (("", slice(None)), (UNIQUE, tested.fresh)):
            for name, named in said.items():
                answers = metrics.Answers(
                    tested.truth[keep],
                    named[:, keep],
                    tested.pixels[keep],
                    CLASSES,
                    study.draws,
                    study.level,
                )
                learnt = name in study.models
                title = study.title(name) if learnt else name
                source = study.source_of(name) if learnt else study.faces.source
                key = {"model": title, "name": name, "metric": "Accuracy"}
                key |= percent(answers.accuracy) | {"unit": "percent", "source": source}
                beside = [name] if learnt else study.models  # what needs no network is beside all
                protocols = dict.fromkeys(study.protocol(part, more, one) for one in beside)
                rows += [key | {"protocol": protocol} for protocol in protocols]
    return pd.DataFrame(rows)


def pairs(study: Study) -> list[tuple[str, str]]:
    """The comparisons of CONTRASTS between models that are trained here: one family."""
    return [pair for pair in CONTRASTS if set(pair) <= set(study.models)]


@held
def standing(study: Study, name: str, trained: str | None = None) -> Standing:
    """What a model shows on PrivateTest without duplicates, before it is compared."""
    frame, tested = accuracies(study), study.tested(PRIVATE)
    protocol = study.protocol(PRIVATE, UNIQUE, name)
    row = frame[(frame["name"] == name) & (frame.protocol == protocol)]
    truth = tested.truth[tested.fresh]
    narrow = study.narrow and study.is_vgg(name)
    return Standing(
        study.title(name),
        low=row.low.iloc[0] / 100,
        trivial=np.bincount(truth).max() / len(truth),
        flat=all(at_rest(result) for result in study.results(name)),
        people=len(np.unique(tested.pixels[tested.fresh])),
        stock=tuple({STOCK} & set(frame["name"])),
        family=len(pairs(study)),
        smaller=f"{study.sizes.width:g} times as wide as the paper's" if narrow else "",
    )


@held
def table_4_3(study: Study) -> Outcome:
    """Table 4.3: the thesis's row as we measure it, and our other models beside it."""
    frame = accuracies(study).copy()
    ours = frame.pop("name") == OURS
    frame["reported by"] = np.where(ours, "Ours", "emolib")
    frame["method"] = np.where(ours, PRINTED_METHOD, frame.model)
    return study.outcome(frame, settled=study.settled)


@held
def contrasts(study: Study) -> Outcome:
    """Extra 21: does the source task help, does the whole network, are faces better than objects?

    One family, corrected by Holm. Paired on PrivateTest without duplicates: the same pictures,
    differences in points. `reading`: more, less, undecided (p of Holm above 0.05), or not strong
    enough, where one of the two failed the gate that is named.
    """
    tested, family = study.tested(PRIVATE), pairs(study)
    hits = {
        name: (study.named(name, PRIVATE) == tested.truth)[:, tested.fresh]
        for name in dict.fromkeys(sum(family, ()))
    }
    pixels = tested.pixels[tested.fresh]
    *interval, p = face_scores.gains(hits, family, pixels, study)
    lowest = floor(len(np.unique(pixels)), len(family))
    rows = []
    for (a, b), mean, low, high, corrected in zip(family, *interval, metrics.holm(p)):
        gate, _ = failed_gate([standing(study, a), standing(study, b)])
        reading = "more" if mean > 0 else "less"
        reading = "undecided" if corrected > 0.05 else reading
        each = 100 * (hits[a].mean(0) - hits[b].mean(0))  # (N,)
        shown = metrics.detectable(each, pixels, family=len(family))
        key = {
            "first": study.title(a),
            "second": study.title(b),
            "protocol": study.protocol(PRIVATE, UNIQUE, a),
            "pair": f"{a} - {b}",
            "reading": WEAK if gate else reading,
            "gate": gate,
            "source": max(study.source_of(a), study.source_of(b)),  # 'simulated' if either is
        }
        gap = percent({"measured": mean, "low": low, "high": high})
        rows += [
            key | {"metric": "difference in accuracy", **gap, "unit": "points"},
            key | {"metric": "p, Holm", "measured": float(corrected), "unit": "probability"},
            key | {"metric": SMALLEST_P, "measured": lowest, "unit": "probability"},
            key | {"metric": DETECTABLE, "measured": shown, "unit": "points"},
        ]
    return study.outcome(pd.DataFrame(rows), settled=study.settled)


@held
def looked(study: Study) -> dict[str, np.ndarray]:
    """Classes (1, N) that linear classifiers name on PublicTest and then PrivateTest, by method.

    On what each of NETWORKS sees: a ridge classifier. Beside them, from the same training
    rows: a linear SVM on oriented gradients, `stock`, and the most frequent class. Penalties are
    chosen on the rows held back.
    """
    rows, label = study.looked_at, study.faces.label
    features = {name: study.features(name) for name in NETWORKS}
    features[GRADIENTS] = [phog(study.faces.images[part], edges="gradient") for part in rows]
    tests, named = np.concatenate(rows[2:]), {}
    for name in [name for name, parts in features.items() if parts is not None]:
        known, held, *tested = features[name]
        machines = [RidgeClassifier(alpha=penalty) for penalty in PENALTIES]
        if name == GRADIENTS:
            machines = [LinearSVC(C=1 / penalty, dual=False) for penalty in PENALTIES[1:]]
        with threadpool_limits(1):
            fitted = [make_pipeline(StandardScaler(), machine) for machine in machines]
            fitted = [machine.fit(known, label[rows[0]]) for machine in fitted]
            best = max(fitted, key=lambda machine: machine.score(held, label[rows[1]]))
            named[name] = best.predict(np.concatenate(tested))[None]
    named[STOCK] = stock(study.faces, rows[0], tests).argmax(-1)[None]
    most = np.bincount(label[rows[0]], minlength=CLASSES).argmax()
    return named | {CONSTANT: np.full((1, len(tests)), most)}


@held
def do_faces_transfer(study: Study) -> Outcome:
    """Extra 25: do faces transfer? Networks that learnt people, objects or nothing, all frozen.

    Accuracy on each test, with and without the pictures that stand in the training part, too, and
    that of our VGG-16 from scratch on the same pictures. Then COMPARED, paired on both tests
    without duplicates: one family, corrected by Holm; `reading` as in `contrasts`. A network that
    is not installed has a row without a number.
    """
    asked = study.looked_at
    at, part = np.concatenate(asked[2:]), np.repeat(TESTS, [len(rows) for rows in asked[2:]])
    truth, pixels = study.faces.label[at], content_of(study.faces.images[at])
    fresh, source = unseen(study.faces, at), study.faces.source
    taught = len(asked[0])
    named = {LOOKS.get(name, name): said for name, said in looked(study).items()}
    pictures = dict.fromkeys(named, taught)
    plain = [study.named(PLAIN, name)[:, : (part == name).sum()] for name in TESTS]
    named[study.title(PLAIN)] = np.concatenate(plain, 1)
    pictures[study.title(PLAIN)] = study.sizes.train or taught
    alike = (("", np.ones(len(at), bool)), (UNIQUE, fresh))
    places = {name + more: (part == name) & keep for name in TESTS for more, keep in alike}
    places[BOTH + UNIQUE] = fresh
    rows, shown = [], {}
    for name, said in named.items():
        about = {"model": name, "training pictures": pictures[name], "metric": "accuracy"}
        for place, keep in places.items():
            tested = truth[keep], said[:, keep], pixels[keep], CLASSES, study.draws, study.level
            accuracy = percent(metrics.Answers(*tested).accuracy)
            rows.append(about | {"protocol": place, **accuracy, "unit": "percent"})
        shown[name] = accuracy["low"] / 100
    for network in [one for one in LOOKS.values() if one not in named]:
        about = {"model": network, "training pictures": taught, "metric": "accuracy"}
        rows.append(about | {"protocol": BOTH + UNIQUE, "reading": "not installed"})
    hits = {name: (said == truth)[:, fresh] for name, said in named.items()}
    family = [(LOOKS[a], LOOKS.get(b, b)) for a, b in COMPARED]
    family = [pair for pair in family if set(pair) <= set(named)]
    if family:
        *interval, p = face_scores.gains(hits, family, pixels[fresh], study)
        trivial = np.bincount(truth[fresh]).max() / fresh.sum()
        for pair, mean, low, high, corrected in zip(family, *interval, metrics.holm(p)):
            people = len(np.unique(pixels[fresh]))
            about = {"trivial": trivial, "flat": True, "people": people, "family": len(family)}
            gate, _ = failed_gate(
                [Standing(n, low=shown[n], stock=(STOCK,), **about) for n in pair]
            )
            reading = "more" if mean > 0 else "less"
            reading = "undecided" if corrected > 0.05 else reading
            key = {"model": " less ".join(pair), "training pictures": taught, "gate": gate}
            key |= {"protocol": BOTH + UNIQUE, "reading": WEAK if gate else reading}
            gap = percent({"measured": mean, "low": low, "high": high})
            rows.append(key | {"metric": "difference in accuracy", **gap, "unit": "points"})
            rows.append(key | {"metric": "p, Holm", "measured": float(corrected)})
    frame = pd.DataFrame(rows).fillna({"reading": "", "gate": "", "unit": ""})
    return study.outcome(frame.assign(source=source), sources=(study.faces,))


@held
def majority(study: Study) -> np.ndarray:
    """Class (N,) that most of ten raters see in the PrivateTest pictures; -1: none, or no votes."""
    rows = study.tested(PRIVATE).rows
    if study.ballots is None:
        return np.full(len(rows), -1)
    return votes.labels(study.ballots[rows])[0]


@held
def label_error(study: Study) -> Outcome:
    """Extra 23: on PrivateTest, how many errors are the model's and how many the label's?

    For each model the errors against FER2013's label, in per cent of them, by what ten raters say.
    The raters are a row themselves: how often is their majority right?
    """
    tested, crowd = study.tested(PRIVATE), majority(study)
    true, known, rows = tested.truth, crowd >= 0, []

    def add(model, source, metric, values, weights, unit="percent"):
        if not weights.any():
            return
        mean, low, high = metrics.bootstrap_ci(
            values, tested.pixels, weights, draws=study.draws, level=study.level
        )
        key = {"model": model, "metric": metric, "protocol": study.protocol(PRIVATE)}
        measured = percent({"measured": float(mean), "low": float(low), "high": float(high)})
        rows.append(key | measured | {"unit": unit, "source": source})

    right, everyone = "right by FER2013's label", np.ones(len(true), bool)
    raters = ("majority of ten raters", study.faces.source)
    add(*raters, right, crowd == true, known)
    add(*raters, f"{right}, no majority counted as wrong", crowd == true, everyone)
    for name in study.models:
        named = study.named(name, PRIVATE)  # (R, N)
        wrong = named != true
        model = (study.title(name), study.source_of(name))
        add(*model, right, (~wrong).mean(0), known)
        add(*model, "right by the raters' majority", (named == crowd).mean(0), known)
        share = wrong.mean(0)
        for kind, errors in {
            "raters back the label": crowd == true,
            "raters contradict the label and back the model": named == crowd,
            "raters contradict both": known & (crowd != true) & (named != crowd),
            "raters have no majority": ~known,
        }.items():
            of_kind = (wrong & errors).mean(0) / np.where(share > 0, share, 1)
            add(*model, f"errors: {kind}", of_kind, share, "percent of its errors")
    return study.outcome(pd.DataFrame(rows), sources=(*study.sources, *study.raters))


# ---------------------------------------------------------------- figures

NAMES = EMOTIONS[:CLASSES]
PANELS = {
    "accuracy": ("training accuracy (per cent)", 100),
    "loss": ("training loss (nats)", 1),
    "validation_accuracy": ("validation accuracy (per cent)", 100),
    "validation": ("validation loss (nats)", 1),
}


# ---------------------------------------------------------------- faces, drawn by the simulator


def _world(name: str):
    return datasets.load(name, source="simulated", profile="smoke")


def _pictures(study: Study, frame: dict, images: np.ndarray, *worlds) -> Pictures:
    about = {"caps": {"world": "smoke"}, "images": images}
    return Pictures(pd.DataFrame(frame), study.profile, sources_of(*worlds), **about)


def people(study: Study) -> Pictures:
    """Figure 4.9: five simulated people of an identification set, six pictures each in a row."""
    world = _world("vggface")
    rows = np.concatenate([np.flatnonzero(world.label == k)[:6] for k in range(5)])
    who = [f"person {k + 1}" for k in world.label[rows]]
    return _pictures(study, {"person": who, "part": world.split[rows]}, world.images[rows], world)


def wild_and_laboratory(study: Study) -> Pictures:
    """Figure 4.10: simulated faces in the manner of FER2013, and of CK+ at the apex."""
    wild, tame = _world("fer2013"), _world("ckplus")
    last = tame.meta["frame"] == tame.meta["frames"]
    apex = np.flatnonzero(last & (tame.meta["code"] > 0))
    first = apex[np.unique(tame.subject[apex], return_index=True)[1]][:8]  # one of each person
    large = enlarged(torch.as_tensor(wild.images[:8]), tame.images.shape[1])[:, 0]
    large = large.round().clamp(0, 255).to(torch.uint8).numpy()
    images = np.concatenate([large, tame.images[first]])
    frame = {
        "set": ["FER2013, from the web"] * 8 + ["CK+, laboratory"] * len(first),
        "emotion": [EMOTIONS[k] for k in (*wild.label[:8], *tame.label[first])],
        "contrast": [float(image.std()) for image in images],
    }
    return _pictures(study, frame, images, wild, tame)


def moved(study: Study) -> Pictures:
    """Figure 4.13: a simulated face of each emotion and five copies that fill up its class."""
    world = _world("fer2013")
    classes, first = np.unique(world.label, return_index=True)
    made = torch.as_tensor(world.images[np.repeat(first, 5)])
    copies = np.split(transformed(made, torch.Generator().manual_seed(0)).numpy(), len(first))
    rows = [np.stack([one, *five]) for one, five in zip(world.images[first], copies)]
    frame = {
        "emotion": np.repeat([NAMES[k] for k in classes], 6),
        "picture": ["original", *(f"copy {k + 1}" for k in range(5))] * len(first),
    }
    return _pictures(study, frame, np.concatenate(rows), world)


# ---------------------------------------------------------------- what the set holds


@held
def no_use(study: Study) -> Outcome:
    """Figure 4.11: how many pictures of each part are no use, by reason, in per cent.

    They are counted, not shown: they are other people's faces. A picture may fall under several
    reasons; `any of these` counts it once. Votes decide only where they are at hand.
    """
    images, label, part = study.faces.images, study.faces.label, study.faces.split
    _, same = np.unique(content_of(images), return_inverse=True)
    labels = np.zeros((same.max() + 1, CLASSES), bool)
    labels[same, label] = True
    reasons = {
        "blank": images.reshape(len(images), -1).std(1) < 1,
        "same pixels, two labels": (labels.sum(1) > 1)[same],
    }
    if study.ballots is not None:
        winner, kept = votes.labels(study.ballots)
        faceless = np.where(study.ballots > 1, study.ballots, 0).argmax(1)
        faceless = faceless >= votes.VOTES.index("unknown")
        columns = np.array([votes.NAMES.index(name) for name in NAMES])[label]
        reasons[FACELESS] = ~kept & faceless
        reasons["raters have no majority"] = ~kept & ~faceless
        reasons["majority contradicts the label"] = kept & (winner != label)
        reasons["no rater chose the label"] = study.ballots[np.arange(len(label)), columns] == 0
    reasons["any of these"] = np.any(list(reasons.values()), 0)
    rows = []
    for reason, useless in reasons.items():
        for name in PARTS:
            of_part = useless[part == name]
            share = 100 * float(of_part.mean())
            counts = {"measured": share, "count": int(of_part.sum()), "unit": "percent"}
            rows.append({"reason": reason, "part": name, **counts})
    return study.outcome(pd.DataFrame(rows), sources=(study.faces, *study.raters))


FACELESS = "most raters: no face, or cannot tell"


def shares_of_no_use(study: Study) -> pd.Series:
    """Reason of Figure 4.11 -> per cent of the training pictures."""
    frame = no_use(study).frame
    return frame[frame.part == PARTS[0]].set_index("reason").measured


def polluted() -> pd.DataFrame:
    """The share of polluted training pictures that the thesis states (4.3.3), for Figure 4.11."""
    return pd.DataFrame([{"part": PARTS[0], "reason": "any of these", "value": 30.0}])


def counts(study: Study) -> Outcome:
    """Figure 4.12: training pictures of each emotion, before and after copies balance them."""
    label = study.faces.label
    kept = split(study.faces)[0]
    rows = []
    for pictures, chosen in (
        ("as they come", part_rows(study.faces, PARTS[0])),
        ("balanced by moved copies", kept[balanced(label[kept])[0]]),
    ):
        for name, count in zip(NAMES, np.bincount(label[chosen], minlength=CLASSES)):
            key = {"emotion": name, "pictures": pictures}
            rows.append(key | {"measured": int(count), "unit": "images"})
    return study.outcome(pd.DataFrame(rows), sources=(study.faces,))


# ---------------------------------------------------------------- learning curves


def _curves(result: dict, series: str) -> list[dict]:
    rows = []
    for name, (panel, scale) in PANELS.items():
        for epoch, value in enumerate(result[name]):
            if np.isfinite(value):
                key = {"panel": panel, "series": series, "epoch": epoch + 1}
                rows.append(key | {"measured": scale * float(value)})
    return rows


def rates(study: Study) -> Outcome:
    """Figure 4.14: one line per rate, for the whole network that begins with faces (seed 0)."""
    rows = [_curves(result, f"rate {result['rate']:g}") for result in study.sweep(OURS)]
    return study.outcome(pd.DataFrame(sum(rows, [])))


def frozen_or_whole(study: Study) -> Outcome:
    """Figure 4.15: frozen and whole networks that begin with faces, each at the rate it chose."""
    rows = []
    for name, text in ((OURS, "whole network"), (FIXED, "dense layers only")):
        best = study.chosen(name)
        rows += _curves(best, f"{text}, rate {best['rate']:g}")
    return study.outcome(pd.DataFrame(rows))


# ---------------------------------------------------------------- beside Table 4.3


def against_print(study: Study) -> Outcome:
    """Extra 24: accuracy of each model with its interval, on both tests, without duplicates."""
    frame = accuracies(study)
    return study.outcome(frame[frame.protocol.str.endswith(UNIQUE)])


def printed() -> dict[str, float]:
    """The thesis's own printed accuracy, for a line in a figure."""
    value = papers.published("chang2021-t4_3").set_index("source").value["Ours"]
    return {f"printed {value:g}": float(value)}
