"""The rule of notebook 43: how many recordings there are. No network bears on it."""

from __future__ import annotations

from emolib.reproduction.runs import Claims
from emolib.reproduction.studies.speech.plan import Study

claim = Claims("43")
judge = claim.judge
CLIPS, ACTORS = 2880, 24  # as printed


@claim("chang-d14", data=("speech",))
def files(study: Study):
    """Are there 2,880 recordings of speech? Open where an actor is missing."""
    data, actors = study.speech, len(set(study.speech.subject))
    because = f"{len(data)} recordings of speech by {actors} actors ({len(data) / actors:.0f} each)"
    because += f"; {CLIPS} are said"
    if actors < ACTORS:
        return None, f"{because}; only {actors} of {ACTORS} actors are here"
    return len(data) >= CLIPS, because
