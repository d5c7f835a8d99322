"""The second verdict on the claims of yin2022: what our measurements say, each in one small function (notebook 30).

'holds' and 'fails' need networks whose validation curves have settled and an interval that leaves no doubt. On simulated films only what
no face can change is decided; the rest stays open and shows its numbers.
"""

from __future__ import annotations

import numpy as np

from emolib.models.path import QuadrantCNN
from emolib.reproduction import papers
from emolib.reproduction.runs.outcome import Verdict
from emolib.reproduction.studies.adfes import yin
from emolib.reproduction.studies.adfes.yin import (
    ACCURACY,
    IQR,
    MEAN,
    PN,
    PRECISION,
    RECALL,
    SEEN,
    UNSEEN,
)
from emolib.reproduction.studies.adfes.yin_faces import LAST
from emolib.reproduction.studies.adfes.yin_plan import (
    MODELS,
    NAMES,
    PRINTED,
    SAFE,
    anchors,
    films,
    people,
    settled,
    sizes,
)

UNTESTED = "not tested at this profile"
MARGIN = 0.02  # of claims that two scores are alike
SMALL, DEEP = MODELS


def judge(profile: str) -> list[Verdict]:
    """Every claim that notebook 30 can speak to, in the order of claims.csv."""
    said = [
        peak(profile, "yin-c1", ACCURACY, "peak accuracy"),
        like_with_like(profile),
        beats_guessing(profile),
        peak(profile, "yin-c2_2", PN, "peak PN accuracy"),
        mirror_images(profile),
        films_of_each(profile),
        counts_agree(profile),
        quadrants(profile),
        spreads(profile),
        low_spread(profile),
        seen_and_unseen(profile),
        alike(profile),
        recall_is_accuracy(profile),
        positives(profile),
        late_part(profile),
        smaller_is_better(profile),
    ]
    real = films(profile).source == "real"
    decidable = papers.claims().set_index("id").decidable
    why = {
        "real": "the films are simulated, and only the real ones can decide this; ",
        "no": "no simulated film decides this; ",
    }
    return [
        v
        if real or decidable[v.claim] == "yes"
        else Verdict(v.claim, "open", why[decidable[v.claim]] + v.because)
        for v in said
    ]


def _rows(
    profile: str,
    metric: str,
    data: str,
    split: str = SAFE,
    unit: str = "video",
    statistic: str = MEAN,
):
    frame = yin.table_3(profile).frame
    frame = frame[
        (frame.metric == metric)
        & (frame.data == data)
        & (frame.protocol == f"{split}, per {unit}")
        & (frame.statistic == statistic)
    ]
    return frame[frame.model.isin(MODELS)].set_index("model")


def _tell(row) -> str:
    return f"{row.measured:.2f} [{row.low:.2f}, {row.high:.2f}]"


def _both(profile, metric) -> str:
    return "; ".join(
        f"{data.lower()} {', '.join(_tell(r) for r in _rows(profile, metric, data, split).itertuples())} ({split})"
        for split in (PRINTED, SAFE)
        for data in (SEEN, UNSEEN)
    )


def _decided(profile: str, verdict: str, *names: str) -> str:
    return verdict if settled(profile, *(names or MODELS)) else UNTESTED


def peak(profile: str, claim: str, metric: str, item: str) -> Verdict:
    text = papers.text_numbers()
    printed = float(text[(text.paper == "yin2022") & (text.item == item)].value.iloc[0])
    rows = _rows(profile, metric, UNSEEN)
    verdict = (
        "holds" if rows.low.max() >= printed else "fails" if rows.high.max() < printed else "open"
    )
    return Verdict(
        claim,
        _decided(profile, verdict),
        f"printed {printed:.2f}; ours per video: {_both(profile, metric)}",
    )


def like_with_like(profile: str) -> Verdict:
    seen, unseen = (_rows(profile, ACCURACY, data).measured.max() for data in (SEEN, UNSEEN))
    return Verdict(
        "yin-c1_2",
        _decided(profile, "fails" if seen - unseen > MARGIN else "open"),
        f"training and validation, the column Table 4 takes, less unseen people: {seen - unseen:+.2f} here ({seen:.2f} and {unseen:.2f})",
    )


def beats_guessing(profile: str) -> Verdict:
    frame = yin.gap(profile).frame
    row = next(
        frame[(frame.split == SAFE) & (frame.metric == PN) & (frame.scored == "video")].itertuples()
    )
    base = float((anchors().valence < 0).mean())
    verdict = "holds" if row.low > base else "fails" if row.high <= base else "open"
    return Verdict(
        "yin-c2",
        _decided(profile, verdict, "rotation, both splits"),
        f"unseen people, everybody tested once: {_tell(row)}; always negative: {base:.2f}",
    )


def mirror_images(profile: str) -> Verdict:
    frame = yin.gap(profile).frame
    rows = [
        next(
            frame[
                (frame.split == "gap") & (frame.metric == m) & (frame.scored == "video")
            ].itertuples()
        )
        for m in (ACCURACY, PN)
    ]
    share = frame[frame.metric.str.startswith("test speakers")].measured.iloc[0]
    verdict = "fails" if any(r.low > 0 and r.holm < 0.05 for r in rows) else "open"
    told = "; ".join(
        f"{r.metric.removeprefix('Average ')} {r.measured:+.3f} [{r.low:+.3f}, {r.high:+.3f}], Holm p {r.holm:.2g}"
        for r in rows
    )
    return Verdict(
        "yin-c3",
        _decided(profile, verdict, "rotation, both splits"),
        f"{100 * share:.0f} % of the tested speakers have their mirror image in "
        f"training; printed split less twin-safe split, same videos: {told}",
    )


def films_of_each(profile: str) -> Verdict:
    found = np.bincount(films(profile).label)
    found = found[found > 0]
    return Verdict(
        "yin-c4",
        "holds" if (found == 22).all() else "fails",
        f"{len(films(profile))} films of {len(found)} emotions, {found.min()} to {found.max()} of each",
    )


def counts_agree(profile: str) -> Verdict:
    count, who = len(films(profile)), len(people(profile))
    return Verdict(
        "yin-c4_2",
        "holds" if (count, who) == (216, 22) else "fails",
        f"{count} films of {who} people; with mirror images {2 * count} and {2 * who}",
    )


def quadrants(profile: str) -> Verdict:
    wide = QuadrantCNN((64, 128, 258)).out
    return Verdict(
        "yin-c5",
        "fails",
        f"258 maps in quadrants are {wide.in_features} numbers; a layer of {wide.in_features} x {wide.out_features} weights gives 300",
    )


def spreads(profile: str) -> Verdict:
    told = {
        m.removeprefix("Average "): _rows(profile, m, UNSEEN, PRINTED, statistic=IQR).measured
        for m in (PRECISION, RECALL, ACCURACY, PN)
    }
    return Verdict(
        "yin-c6",
        "fails",
        "half of the brackets are not printed; ours on unseen speakers: "
        + "; ".join(
            f"{m} {' and '.join(f'{v:.2f}' for v in values)}" for m, values in told.items()
        ),
    )


def low_spread(profile: str) -> Verdict:
    share = {
        data: (
            _rows(profile, ACCURACY, data, PRINTED, statistic=IQR).measured
            / _rows(profile, ACCURACY, data, PRINTED).measured
        )
        for data in (SEEN, UNSEEN)
    }
    worst = max(s.max() for s in share.values())
    return Verdict(
        "yin-c7",
        _decided(profile, "holds" if worst < 0.2 else "fails"),
        "IQR over accuracy: "
        + "; ".join(
            f"{data.lower()} {' and '.join(f'{v:.2f}' for v in s)}" for data, s in share.items()
        ),
    )


def seen_and_unseen(profile: str) -> Verdict:
    pairs = [
        (_rows(profile, m, SEEN).loc[model], _rows(profile, m, UNSEEN).loc[model])
        for m in (ACCURACY, PN)
        for model in MODELS
    ]
    verdict = (
        "holds"
        if all(a.low > b.high for a, b in pairs)
        else "fails"
        if all(a.measured <= b.measured for a, b in pairs)
        else "open"
    )
    return Verdict(
        "yin-c16",
        _decided(profile, verdict),
        "; ".join(f"{a.metric.removeprefix('Average ')} {_tell(a)} to {_tell(b)}" for a, b in pairs)
        + " (twin-safe)",
    )


def alike(profile: str) -> Verdict:
    frame = yin.layers_and_units(profile).frame
    rows = list(
        frame[
            (frame.changed == "(10, 10, 5)") & frame.metric.str.endswith("above (10)")
        ].itertuples()
    )
    verdict = (
        "holds"
        if all(-MARGIN <= r.low and r.high <= MARGIN for r in rows)
        else "fails"
        if any(r.low > MARGIN or r.high < -MARGIN for r in rows)
        else "open"
    )
    told = "; ".join(
        f"{r.metric.removeprefix('Average ').removesuffix(' above (10)')} {r.measured:+.3f} [{r.low:+.3f}, {r.high:+.3f}]"
        for r in rows
    )
    return Verdict(
        "yin-c17",
        _decided(profile, verdict, *MODELS),
        f"deep less small on unseen people, margin {MARGIN}: {told}",
    )


def recall_is_accuracy(profile: str) -> Verdict:
    gaps = {
        data: (_rows(profile, RECALL, data).measured - _rows(profile, ACCURACY, data).measured)
        .abs()
        .max()
        for data in (SEEN, UNSEEN)
    }
    return Verdict(
        "yin-c18",
        "holds" if max(gaps.values()) <= 0.011 else "fails",
        "largest difference: " + ", ".join(f"{d.lower()} {v:.3f}" for d, v in gaps.items()),
    )


def positives(profile: str) -> Verdict:
    n = len(yin_turns(profile))
    found = yin.tested(profile, "rotation, both splits", range(n, 2 * n), "video").sum(0)
    recall = {name: found[k, k] / max(found[k].sum(), 1) for k, name in enumerate(NAMES)}
    mine = {name: recall[name] for name in ("Joy", "Pride", "Surprise")}
    negative = np.mean([recall[e] for e in anchors().index[anchors().valence < 0]])
    verdict = (
        "holds" if min(mine.values()) > 0.9 else "fails" if max(mine.values()) < 0.8 else "open"
    )
    return Verdict(
        "yin-c19",
        _decided(profile, verdict, "rotation, both splits"),
        "unseen people: "
        + ", ".join(f"{name} {100 * v:.0f} %" for name, v in mine.items())
        + f"; the six negative ones {100 * negative:.0f} % on average",
    )


def yin_turns(profile: str) -> list[str]:
    """The rounds of one split in the rotation."""
    parts = yin.plan(profile)["rotation, both splits"]["parts"]
    return parts[: len(parts) // 2]


def late_part(profile: str) -> Verdict:
    world = films(profile)
    length = np.array([len(world.frames[i]()) for i in range(3)])
    return Verdict(
        "yin-c20",
        "holds" if (LAST / length < 0.5).all() else "fails",
        f"the first three films have {', '.join(map(str, length))} frames; the last {LAST} are {100 * LAST / length.mean():.0f} % of them",
    )


def smaller_is_better(profile: str) -> Verdict:
    frame = yin.layers_and_units(profile).frame
    base = frame[frame.changed == "(10)"].parameters.iloc[0]
    rows = list(
        frame[(frame.metric == f"{ACCURACY} above (10)") & (frame.parameters > base)].itertuples()
    )
    worse, better = (
        [r for r in rows if r.holm < 0.05 and sign * r.measured > 0] for sign in (-1, 1)
    )
    verdict = "holds" if worse and not better else "fails" if better and not worse else "open"
    told = "; ".join(f"{r.changed} {r.measured:+.3f} [{r.low:+.3f}, {r.high:+.3f}]" for r in rows)
    names = {yin.rotations(profile)[r.changed][0] for r in rows}
    return Verdict(
        "yin-c21",
        _decided(profile, verdict, *names),
        f"larger than (10), {base:,} parameters, on unseen people: {told}; {len(worse)} worse and {len(better)} "
        f"better after Holm; {len(sizes(profile).units)} sizes",
    )
