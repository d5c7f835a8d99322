"""The second verdict on wang's claims: what our measurements say, one small function each.

'holds' and 'fails' need a settled protocol and an interval that leaves no doubt. What only real
data can decide stays open on the simulated table.
"""

from __future__ import annotations

from dataclasses import replace

from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, Verdict
from emolib.reproduction.studies.sfew import figures, tables
from emolib.reproduction.studies.sfew.figures import CNNS
from emolib.reproduction.studies.sfew.plan import Study
from emolib.reproduction.studies.sfew.tables import (
    BASELINE,
    CNN_LBP,
    FUSION,
    GROUPED,
    LBP,
    OURS,
    PHOG,
    RANDOM,
)


def judge(study: Study) -> list[Verdict]:
    """Every claim of the paper that notebook 20 can speak to, in the order of claims.csv."""
    table = tables.table_3(study)
    verdicts = [
        angles(study),
        sixty_degrees(study),
        gain(study, "wang-b4", CNNS, 12),
        gain(study, "wang-b4_2", (LBP, PHOG), 8),
        best_on_emotion(table, "wang-b5", CNN_LBP, ("Fear",)),
        best_on_emotion(table, "wang-b6", FUSION, ("Angry", "Disgust", "Happy", "Surprise")),
        phog_above_lbp(table),
        happy_at_sixteen(study),
        reaches(table),
        one_protocol(table),
    ]
    if study.table.source == "real":
        return verdicts
    decidable = papers.claims().set_index("id").decidable
    only_real = "the table is simulated, and only the real one can decide this; "
    return [
        verdict
        if decidable[verdict.claim] == "yes"
        else replace(verdict, verdict="open", because=only_real + verdict.because)
        for verdict in verdicts
    ]


def decided(claim: str, because: str, *, holds=False, fails=False, tested=True) -> Verdict:
    """The verdict these say, 'fails' before 'holds'."""
    verdict = "open"
    if not tested:
        verdict = "not tested at this profile"
    elif fails:
        verdict = "fails"
    elif holds:
        verdict = "holds"
    return Verdict(claim, verdict, because)


def angles(study: Study) -> Verdict:
    """Have the fifteen angles the printed digits (cut, not rounded)?"""
    frame = tables.table_2(study).frame
    printed = papers.published("wang-t2")
    frame = frame[frame.protocol == "as printed"].merge(printed, on=["unit_i", "unit_j", "metric"])
    same = sum((10 * frame.measured + 1e-9).astype(int) / 10 == frame.value)
    because = f"{same} of {len(frame)} angles have the printed digits"
    return decided("wang-b1", because, holds=same == len(frame), fails=same < len(frame))


def sixty_degrees(study: Study) -> Verdict:
    """Un-centred outputs of sigmoids are nearly parallel: at 60 degrees one unit of 16 is left."""
    left, _, centred, _ = study.result("shallow, as printed, random")["alive"]
    because = (
        f"as printed, {left.mean():.2f} of 16 units survive 60 degrees on average "
        f"({left.size} networks); centred on 0.5, {centred.mean():.1f}"
    )
    return decided("wang-b2", because, fails=left.max() == 1)


def gain(study: Study, claim: str, methods: tuple[str, ...], printed: int) -> Verdict:
    """Is the best of these networks above the SVM by as many points as are printed?"""
    outcome = tables.one_protocol(study)
    frame = outcome.frame[outcome.frame.metric == "mean recall above the SVM"]
    rows = frame[(frame.protocol == GROUPED) & frame.method.isin(methods)]
    best = rows.loc[rows.measured.idxmax()]
    because = (
        f"movie-grouped, nested: best of ours is {best.method.replace(' (Ours)', '')} with "
        f"{100 * best.measured:+.1f} points [{100 * best.low:+.1f}, {100 * best.high:+.1f}] "
        f"to an SVM on the same splits; printed {printed:+.0f}"
    )
    tested, fails = GROUPED in outcome.settled, best.high < printed / 100
    return decided(claim, because, tested=tested, fails=fails, holds=best.low > 0)


def _recall(table: Outcome, method: str, emotion: str, protocol: str = RANDOM):
    rows = table.frame[(table.frame.metric == "accuracy") & (table.frame.method == method)]
    return rows[(rows.emotion == emotion) & (rows.protocol == protocol)].iloc[0]


def _shown(row, digits: int = 3) -> str:
    return f"{row.measured:.{digits}f} [{row.low:.{digits}f}, {row.high:.{digits}f}]"


def best_on_emotion(table: Outcome, claim: str, method: str, emotions: tuple) -> Verdict:
    """Does this CNN lead on these emotions, on the random split that is nearest to the paper?"""
    parts, clear, beaten = [], True, False
    for emotion in emotions:
        own = _recall(table, method, emotion)
        other = max(_recall(table, cnn, emotion).measured for cnn in CNNS if cnn != method)
        parts.append(f"{emotion} {_shown(own, 2)} against {other:.2f}")
        clear &= own.low > other
        beaten |= own.high < other
    because, tested = "nested, random: " + "; ".join(parts), RANDOM in table.settled
    return decided(claim, because, tested=tested, holds=clear, fails=beaten)


def phog_above_lbp(table: Outcome) -> Verdict:
    """Is PHOG the better descriptor for the shallow network?"""
    phog, lbp = (_recall(table, method, tables.AVERAGE, GROUPED) for method in (PHOG, LBP))
    because = f"movie-grouped, nested: PHOG {_shown(phog)}, LBP {_shown(lbp)}"
    holds, fails = phog.low > lbp.high, phog.high < lbp.low
    return decided("wang-b19", because, tested=GROUPED in table.settled, holds=holds, fails=fails)


def happy_at_sixteen(study: Study) -> Verdict:
    """Is happy named worst of all at 16 hidden units?"""
    frame = figures.emotions_by_units(study).frame
    happy = frame[(frame.features == "PHOG") & (frame.emotion == "Happy")].set_index("hidden_units")
    at, highest = happy.loc[16], happy.measured.max()
    because = (
        f"PHOG, happy: {_shown(at, 2)} at 16 units, "
        f"highest {highest:.2f} at {happy.measured.idxmax()}"
    )
    lowest = happy.measured.idxmin() == 16
    return decided(
        "wang-b16",
        because,
        tested="sweep" in tables.settled(study),
        holds=at.high < highest and lowest,
        fails=at.high < highest and not lowest,
    )


def one_protocol(table: Outcome) -> Verdict:
    """Is the fusion above the SVM once both sides use one protocol?"""
    parts = []
    for protocol in OURS:
        fusion, svm = (_recall(table, m, tables.AVERAGE, protocol) for m in (FUSION, BASELINE))
        parts.append(f"{protocol}: fusion {_shown(fusion)}, SVM {_shown(svm)}")
    above = fusion.low > svm.high  # grouped, the last of the two
    fails = fusion.high < 0.31 and not above
    tested = table.settled.issuperset(OURS)
    return decided("wang-f2", "; ".join(parts), tested=tested, holds=above, fails=fails)


def reaches(table: Outcome, printed: float = 0.31) -> Verdict:
    """Under which protocol does the fusion network reach the printed mean recall?"""
    rows = table.frame[(table.frame.metric == "accuracy") & (table.frame.emotion == tables.AVERAGE)]
    ours = rows[(rows.method == FUSION) & rows.protocol.isin(table.settled)]
    parts = [f"{row.protocol}: {_shown(row)}" for row in ours.itertuples()]
    majority = rows[rows.method == "majority, LBP+PHOG"]
    constant = ", ".join(f"{row.measured:.3f} ({row.protocol})" for row in majority.itertuples())
    because = f"{'; '.join(parts)}; the most frequent training class: {constant}"
    fails = (ours.high < printed - 0.005).all()
    holds = (ours.low > printed + 0.005).all()
    tested = table.settled.issuperset(OURS)
    return decided("wang-b22", because, tested=tested, holds=holds, fails=fails)
