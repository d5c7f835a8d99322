"""The second verdict on what the thesis says of its speech data (notebook 43): how many clips there are."""

from __future__ import annotations

from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.speech.speech_plan import speech

SAID, ACTORS, EACH = 2880, 24, 60


def judge(profile: str) -> list[Verdict]:
    """The claims that notebook 43 decides, in the order of claims.csv."""
    data = speech(profile)
    actors = len(set(data.subject))
    because = f"{len(data)} recordings of speech by {actors} actors ({len(data) / actors:.0f} each); {SAID} are said"
    if data.source != "real":
        return [
            Verdict(
                "chang-d14",
                "open",
                "the recordings are simulated, and only the real set can be counted; " + because,
            )
        ]
    if actors < ACTORS:
        return [
            Verdict("chang-d14", "open", because + f"; only {actors} of {ACTORS} actors are here")
        ]
    return [Verdict("chang-d14", "holds" if len(data) >= SAID else "fails", because)]
