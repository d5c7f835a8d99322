"""The second verdict on the thesis's claims about continual learning (notebook 14)."""

from __future__ import annotations

import numpy as np

from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.continual.heads import KINDS
from emolib.reproduction.studies.continual.plan import BODIES
from emolib.reproduction.studies.continual.tables import BLEND, answers, measured, settled
from emolib.reproduction.studies.continual.training import METHODS, UNASKED

UNTESTED = "not tested at this profile"


def judge(study) -> list[Verdict]:
    """The claims that notebook 14 can speak to."""
    verdicts = [falls_by_eight(study), ends_at_687(study), training_above_95(study)]
    if study.letters.source != "real":
        why = "the letters are simulated, and only real ones can decide this; "
        verdicts = [Verdict(v.claim, "open", why + v.because) for v in verdicts]
    return [*verdicts, blending_beats_joining(study), limit_acts(study)]


def _course(study, body: str = "all letters") -> np.ndarray:
    """Accuracy of alpha blending after each task: value, low, high (3, T)."""
    return measured(study, body)["accuracy"][:, METHODS.index(BLEND)]


def _verdict(study, claim: str, holds: bool, because: str) -> Verdict:
    """Decided by blending on body (a), if that has settled."""
    verdict = "holds" if holds else "fails"
    done = f"{BLEND}, body (a)" in settled(study)
    return Verdict(claim, verdict if done else UNTESTED, because)


def falls_by_eight(study) -> Verdict:
    course = _course(study)
    fall, most, least = 1 - course[:, 1:] / course[0, :-1]
    inside = (least <= 0.085) & (most >= 0.075)
    because = "body (a): relative falls " + ", ".join(f"{100 * f:.1f} %" for f in fall)
    return _verdict(study, "orgil-a6_18", inside.all(), because)


def ends_at_687(study) -> Verdict:
    value, low, high = _course(study)[:, -1]
    because = (
        f"body (a): {_course(study)[0, 0]:.3f} after the first task, {value:.3f} "
        f"[{low:.3f}, {high:.3f}] after five; body (b): {_course(study, 'first task')[0, -1]:.3f}"
    )
    return _verdict(study, "orgil-a6_18_2", low <= 0.687 <= high, because)


def training_above_95(study) -> Verdict:
    trained = answers(study, "all letters")["trained"][KINDS.index(BLEND)].mean(0)
    because = "new heads on their own training images, body (a): "
    because += ", ".join(f"{v:.3f}" for v in trained)
    return _verdict(study, "orgil-a6_19", trained.min() > 0.95, because)


def blending_beats_joining(study) -> Verdict:
    """Three bodies, one family: blending is better in each, worse in one, or it depends.

    It can never win against the same heads, joined without their unknown row.
    """
    trained = [body for body in BODIES if body != "untrained"]
    gains = {BODIES[body]: measured(study, body)["gain"][:, 0] for body in trained}
    verdict = "open"
    if all(low > 0 for _, low, _ in gains.values()):
        verdict = "holds"
    elif any(high < 0 for *_, high in gains.values()):
        verdict = "fails"
    because = "after 25 letters, points above concatenation: " + "; ".join(
        f"{label} {100 * v:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        for label, (v, low, high) in gains.items()
    )
    if all(_final(study, b, BLEND) <= _final(study, b, UNASKED) for b in BODIES):
        because += "; against the same heads joined without their unknown row it never wins"
    done = all(f"{BLEND}, {label}" in settled(study) for label in gains)
    return Verdict("orgil-a6_26", verdict if done else UNTESTED, because)


def _final(study, body: str, method: str) -> float:
    """Share of all test images answered right after the last task."""
    answered = answers(study, body)
    return (answered["named"][METHODS.index(method), :, -1] == answered["truth"]).mean()


def limit_acts(study) -> Verdict:
    (result,) = study.results("pictures")
    acts, heads = int(result["clips"].sum()), result["clips"].size
    verdict = "fails" if acts == 0 else "open"
    because = f"the limit is reached on {acts} of {heads} trained heads; "
    because += "elsewhere CLAHE is plain equalisation of each tile"
    return Verdict("orgil-f5", "holds" if acts == heads else verdict, because)
