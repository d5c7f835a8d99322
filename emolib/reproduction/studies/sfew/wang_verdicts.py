"""The second verdict on wang's claims: what our measurements say, each in one small function (notebook 20).

'holds' and 'fails' need a settled protocol and an interval that leaves no doubt; everything else is 'open' or
'not tested at this profile'. Claims that only real data can decide stay open on the simulated table.
"""

from __future__ import annotations

from emolib.reproduction import papers
from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.sfew import wang
from emolib.reproduction.studies.sfew.wang import BASELINE, CNN_LBP, CNN_PHOG, FUSION, LBP, PHOG

GROUPED = "nested, movie-grouped"
UNTESTED = "not tested at this profile"


def judge(profile: str) -> list[Verdict]:
    """Every claim of the paper that notebook 20 can speak to, in the order of claims.csv."""
    table = wang.table_3(profile)
    said = [
        angles(profile),
        sixty_degrees(profile),
        twelve_points(profile),
        eight_points(profile),
        *best_on_emotion(table),
        phog_above_lbp(table),
        happy_at_sixteen(profile),
        one_protocol(profile),
    ]
    real = wang.table(profile).source == "real"
    decidable = papers.claims().set_index("id").decidable
    return [
        v
        if real or decidable[v.claim] == "yes"
        else Verdict(
            v.claim,
            "open",
            "the table is simulated, and only the real one can decide this; " + v.because,
        )
        for v in said
    ]


def angles(profile) -> Verdict:
    frame = wang.table_2(profile).frame
    frame = frame[frame.protocol == "as printed"].merge(
        papers.published("wang-t2"), on=["unit_i", "unit_j", "metric"]
    )
    same = sum(
        int(10 * m + 1e-9) / 10 == p for m, p in zip(frame.measured, frame.value, strict=True)
    )
    return Verdict(
        "wang-b1",
        "holds" if same == len(frame) else "fails",
        f"{same} of {len(frame)} angles have the printed digits",
    )


def sixty_degrees(profile) -> Verdict:
    """Un-centred outputs of sigmoids are nearly parallel: at 60 degrees our trained networks of 16 units keep one."""
    (result,) = wang.results(profile, ["shallow, as printed, random"])
    left = result["alive"][0]
    verdict = "fails" if left.max() == 1 else "open"
    return Verdict(
        "wang-b2",
        verdict,
        f"as printed, {left.mean():.2f} of 16 units survive 60 degrees on average "
        f"({left.size} networks); centred on 0.5, {result['alive'][2].mean():.1f}",
    )


def _gain(profile, claim, methods, printed) -> Verdict:
    outcome = wang.one_protocol(profile)
    rows = outcome.frame[(outcome.frame.protocol == GROUPED) & outcome.frame.method.isin(methods)]
    best = rows.loc[rows.measured.idxmax()]
    because = (
        f"movie-grouped, nested: best of ours is {best.method.replace(' (Ours)', '')} with {100 * best.measured:+.1f} points "
        f"[{100 * best.low:+.1f}, {100 * best.high:+.1f}] to an SVM on the same splits; printed {printed:+.0f}"
    )
    if GROUPED not in outcome.settled:
        return Verdict(claim, UNTESTED, because)
    return Verdict(
        claim,
        "fails" if best.high < printed / 100 else "holds" if best.low > 0 else "open",
        because,
    )


def twelve_points(profile) -> Verdict:
    return _gain(profile, "wang-b4", (CNN_LBP, CNN_PHOG, FUSION), 12)


def eight_points(profile) -> Verdict:
    return _gain(profile, "wang-b4_2", (LBP, PHOG), 8)


def _recall(table, method, emotion, protocol="nested, random"):
    frame = table.frame
    row = frame[
        (frame.method == method)
        & (frame.emotion == emotion)
        & (frame.metric == "accuracy")
        & (frame.protocol == protocol)
    ]
    return row.iloc[0]


def best_on_emotion(table) -> list[Verdict]:
    """Which CNN leads on which emotion, on the random split that is nearest to the paper: do the intervals tell?"""
    out = []
    for claim, method, emotions in (
        ("wang-b5", CNN_LBP, ("Fear",)),
        ("wang-b6", FUSION, ("Angry", "Disgust", "Happy", "Surprise")),
    ):
        parts, clear, beaten = [], True, False
        for emotion in emotions:
            mine = _recall(table, method, emotion)
            other = max(
                (_recall(table, m, emotion) for m in (CNN_LBP, CNN_PHOG, FUSION) if m != method),
                key=lambda r: r.measured,
            )
            parts.append(
                f"{emotion} {mine.measured:.2f} [{mine.low:.2f}, {mine.high:.2f}] against {other.measured:.2f}"
            )
            clear &= mine.low > other.measured
            beaten |= mine.high < other.measured
        verdict = (
            UNTESTED
            if "nested, random" not in table.settled
            else "holds"
            if clear
            else "fails"
            if beaten
            else "open"
        )
        out.append(Verdict(claim, verdict, "nested, random: " + "; ".join(parts)))
    return out


def phog_above_lbp(table) -> Verdict:
    a, b = (_recall(table, m, "Average Accuracy", GROUPED) for m in (PHOG, LBP))
    verdict = (
        UNTESTED
        if GROUPED not in table.settled
        else "holds"
        if a.low > b.high
        else "fails"
        if a.high < b.low
        else "open"
    )
    return Verdict(
        "wang-b19",
        verdict,
        f"movie-grouped, nested: PHOG {a.measured:.3f} [{a.low:.3f}, {a.high:.3f}], "
        f"LBP {b.measured:.3f} [{b.low:.3f}, {b.high:.3f}]",
    )


def happy_at_sixteen(profile) -> Verdict:
    from emolib.reproduction.studies.sfew.wang_figures import emotions_by_units

    frame = emotions_by_units(profile).frame
    happy = frame[(frame.features == "PHOG") & (frame.emotion == "Happy")].set_index("hidden_units")
    at, best = happy.loc[16], happy.measured.idxmax()
    because = f"PHOG, happy: {at.measured:.2f} [{at.low:.2f}, {at.high:.2f}] at 16 units, highest {happy.measured.max():.2f} at {best}"
    if "sweep" not in wang.settled(profile):
        return Verdict("wang-b16", UNTESTED, because)
    verdict = (
        "open"
        if at.high >= happy.measured.max()
        else "holds"
        if happy.measured.idxmin() == 16
        else "fails"
    )
    return Verdict("wang-b16", verdict, because)


def one_protocol(profile) -> Verdict:
    table = wang.table_3(profile)
    rows = {
        p: (
            _recall(table, FUSION, "Average Accuracy", p),
            _recall(table, BASELINE, "Average Accuracy", p),
        )
        for p in ("nested, random", GROUPED)
    }
    because = "; ".join(
        f"{p}: fusion {a.measured:.3f} [{a.low:.3f}, {a.high:.3f}], SVM {b.measured:.3f} [{b.low:.3f}, {b.high:.3f}]"
        for p, (a, b) in rows.items()
    )
    if not {"nested, random", GROUPED} <= table.settled:
        return Verdict("wang-f2", UNTESTED, because)
    fusion, svm = rows[GROUPED]
    verdict = (
        "holds"
        if fusion.low > svm.high
        else "fails"
        if fusion.high < 0.31 and fusion.low <= svm.high
        else "open"
    )
    return Verdict("wang-f2", verdict, because)
