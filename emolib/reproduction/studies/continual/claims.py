"""The rules of notebook 14: what our measurements say of the claims on learning letter by letter.

What the thesis prints as a level is read on body (a), which has seen every letter as its first row
suggests; on other letters than EMNIST's it is not decided.
"""

from __future__ import annotations

import numpy as np

from emolib.reproduction.runs import Claims, Standing, either
from emolib.reproduction.studies.continual import tables
from emolib.reproduction.studies.continual.heads import KINDS
from emolib.reproduction.studies.continual.plan import BODIES, Sizes, Study
from emolib.reproduction.studies.continual.tables import BLEND, JOIN, METHODS, STOCK, answers
from emolib.reproduction.studies.continual.training import SIZE, TASKS

TRAINED = tuple(body for body in BODIES if body != "untrained")
FAMILY = len(TRAINED)  # blending less concatenation, on each body that has learnt
ABOUT_EIGHT = 0.07, 0.09


def standing(study: Study, network: str, _: str | None) -> Standing:
    """What 'alpha blending, body (a)' shows: its accuracy after all 25 letters, over writers."""
    method, label = network.split(", body ")
    body = {of[len("body ") :]: name for name, of in BODIES.items()}[label]
    answered, printed = answers(study, body), Sizes().train
    first = answered["task"][0] < TASKS  # letters of the first order
    tested, each = answered["truth"][first], answered["taught"]
    return Standing(
        network,
        low=float(tables.measured(study, body)["accuracy"][1, METHODS.index(method), -1]),
        trivial=float(np.bincount(tested).max() / len(tested)),
        flat=bool(answered["settled"]),
        people=len(np.unique(answered["who"][first])),
        stock=STOCK,
        family=FAMILY,
        smaller="" if each >= printed else f"taught by {each} of {printed:,} pictures a letter",
    )


claim = Claims("14", standing)
judge = claim.judge
PRINTED = f"{BLEND}, body (a)"
PAIRS = tuple(f"{method}, {BODIES[body]}" for body in TRAINED for method in (BLEND, JOIN))


def course(study: Study) -> np.ndarray:
    """Accuracy of alpha blending on body (a) after each task: value, low, high (3, T)."""
    return tables.measured(study, "all letters")["accuracy"][:, METHODS.index(BLEND)]


@claim("orgil-a6_18", PRINTED, data=("letters",), level=True)
def falls_by_eight(study: Study):
    """Does each task cost 7 to 9 %, relative to the first?"""
    accuracy = course(study)
    fall, most, least = 1 - accuracy[:, 1:] / accuracy[0, :-1]
    low, high = ABOUT_EIGHT
    inside, outside = (least >= low) & (most <= high), (least > high) | (most < low)
    because = "body (a): relative falls " + ", ".join(f"{100 * f:.1f} %" for f in fall)
    return either(inside.all(), outside.any()), because


@claim("orgil-a6_18_2", PRINTED, data=("letters",), level=True)
def ends_at_687(study: Study):
    """Does the course end at 68.7 %?"""
    value, low, high = course(study)[:, -1]
    because = (
        f"body (a): {course(study)[0, 0]:.3f} after the first task, {value:.3f} "
        f"[{low:.3f}, {high:.3f}] after five"
    )
    return bool(low <= 0.687 <= high), because


@claim("orgil-a6_19", PRINTED, data=("letters",), level=True)
def training_above_95(study: Study):
    """Is the training accuracy of every new head above 95 %?"""
    trained = answers(study, "all letters")["trained"][KINDS.index(BLEND)].mean(0)
    because = "new heads on their own training images, body (a): "
    because += ", ".join(f"{v:.3f}" for v in trained)
    return bool(trained.min() > 0.95), because


@claim("orgil-a6_26", *PAIRS)
def blending_beats_joining(study: Study):
    """Three bodies: blending is better on each, worse on one, or it depends.

    It can never win against the same heads, joined without their unknown row.
    """
    gains = {BODIES[body]: tables.measured(study, body)["gain"][:, 0] for body in TRAINED}
    parts = []
    for label, (value, low, high) in gains.items():
        parts.append(f"{label} {100 * value:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]")
    because = f"after {SIZE * TASKS} letters, points above concatenation: {'; '.join(parts)}"
    better = all(low > 0 for _, low, _ in gains.values())
    return either(better, any(high < 0 for *_, high in gains.values())), because


@claim("orgil-f5", data=("pictures",))
def limit_acts(study: Study):
    """Is the clip limit reached on the trained heads? Their weights tell, and not their score."""
    (result,) = study.results("pictures")
    acts, heads = int(result["clips"].sum()), result["clips"].size
    because = (
        f"the limit is reached on {acts} of {heads} trained heads; "
        "elsewhere CLAHE is plain equalisation of each tile"
    )
    return either(acts == heads, acts == 0), because
