"""The second verdict on the thesis's claims about continual learning: what our measurements say (notebook 14)."""

from __future__ import annotations

from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.continual.continual import (
    BLEND,
    BODIES,
    answers,
    measured,
    settled,
)
from emolib.reproduction.studies.continual.continual_heads import KINDS
from emolib.reproduction.studies.continual.continual_networks import METHODS, UNASKED
from emolib.reproduction.studies.continual.continual_plan import letters, results

UNTESTED = "not tested at this profile"


def judge(profile: str) -> list[Verdict]:
    """The claims that notebook 14 can speak to."""
    said = [falls_by_eight(profile), ends_at_687(profile), training_above_95(profile)]
    if letters(profile).source != "real":
        said = [
            Verdict(
                v.claim,
                "open",
                "the letters are simulated, and only real ones can decide this; " + v.because,
            )
            for v in said
        ]
    return [*said, blending_beats_joining(profile), limit_acts(profile)]


def _course(profile: str, body: str = "all letters"):
    return tuple(v[METHODS.index(BLEND)] for v in measured(profile, body)["accuracy"])


def _if_settled(
    profile: str, claim: str, verdict: str, because: str, body: str = "body (a)"
) -> Verdict:
    return Verdict(claim, verdict if f"{BLEND}, {body}" in settled(profile) else UNTESTED, because)


def falls_by_eight(profile) -> Verdict:
    value, low, high = _course(profile)
    fall, most, least = (
        1 - value[1:] / value[:-1],
        1 - low[1:] / value[:-1],
        1 - high[1:] / value[:-1],
    )
    inside = (least <= 0.085) & (most >= 0.075)
    return _if_settled(
        profile,
        "orgil-a6_18",
        "holds" if inside.all() else "fails",
        "body (a): relative falls " + ", ".join(f"{100 * f:.1f} %" for f in fall),
    )


def ends_at_687(profile) -> Verdict:
    value, low, high = _course(profile)
    return _if_settled(
        profile,
        "orgil-a6_18_2",
        "holds" if low[-1] <= 0.687 <= high[-1] else "fails",
        f"body (a): {value[0]:.3f} after the first task, {value[-1]:.3f} [{low[-1]:.3f}, {high[-1]:.3f}] after five; "
        f"body (b): {_course(profile, 'first task')[0][-1]:.3f}",
    )


def training_above_95(profile) -> Verdict:
    trained = answers(profile, "all letters")["trained"][KINDS.index(BLEND)].mean(0)
    return _if_settled(
        profile,
        "orgil-a6_19",
        "holds" if trained.min() > 0.95 else "fails",
        "new heads on their own training images, body (a): "
        + ", ".join(f"{v:.3f}" for v in trained),
    )


def blending_beats_joining(profile) -> Verdict:
    """Three bodies, one family: blending is better in each, worse in one, or it depends. Joining the same heads cannot be beaten."""
    gains = {
        label: tuple(float(v[0]) for v in measured(profile, body)["gain"])
        for body, label in BODIES.items()
        if body != "untrained"
    }
    verdict = (
        "holds"
        if all(low > 0 for _, low, _ in gains.values())
        else "fails"
        if any(high < 0 for *_, high in gains.values())
        else "open"
    )
    same = all(
        (
            answers(profile, body)["named"][METHODS.index(BLEND), :, -1]
            == answers(profile, body)["truth"]
        ).mean()
        <= (
            answers(profile, body)["named"][METHODS.index(UNASKED), :, -1]
            == answers(profile, body)["truth"]
        ).mean()
        for body in BODIES
    )
    because = "after 25 letters, points above concatenation: " + "; ".join(
        f"{label} {100 * v:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        for label, (v, low, high) in gains.items()
    )
    because += (
        "; against the same heads joined without their unknown row it never wins" if same else ""
    )
    done = all(f"{BLEND}, {label}" in settled(profile) for label in gains)
    return Verdict("orgil-a6_26", verdict if done else UNTESTED, because)


def limit_acts(profile) -> Verdict:
    (result,) = results(profile, ["pictures"])
    acts, heads = int(result["clips"].sum()), result["clips"].size
    return Verdict(
        "orgil-f5",
        "fails" if acts == 0 else "holds" if acts == heads else "open",
        f"the limit is reached on {acts} of {heads} trained heads; elsewhere CLAHE is plain equalisation of each tile",
    )
