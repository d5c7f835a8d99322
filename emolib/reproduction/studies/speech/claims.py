"""The second verdict on what the thesis says of its speech data: how many clips (notebook 43)."""

from __future__ import annotations

from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.speech.plan import Study

CLIPS, ACTORS = 2880, 24  # as printed


def judge(study: Study) -> list[Verdict]:
    """The claim that notebook 43 decides."""
    data, actors = study.speech, len(set(study.speech.subject))
    because = f"{len(data)} recordings of speech by {actors} actors ({len(data) / actors:.0f} each)"
    because += f"; {CLIPS} are said"
    if data.source != "real":
        verdict = "open"
        because = "the recordings are simulated, and only the real set can be counted; " + because
    elif actors < ACTORS:
        verdict = "open"
        because += f"; only {actors} of {ACTORS} actors are here"
    else:
        verdict = "holds" if len(data) >= CLIPS else "fails"
    return [Verdict("chang-d14", verdict, because)]
