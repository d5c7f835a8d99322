"""What the comparisons of the video networks are worth: paired differences, Holm's correction, controls (notebook 11).

Every comparison is paired: two ways of training share videos, split, start weights and order. Differences are averaged over seeds
within a video, people are the clusters, p values come from flipping signs of whole people (metrics.sign_flip_p). One Holm family per
table, declared in its docstring. "No difference" needs an interval within 0.02 CCC.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.models.video import NETWORKS
from emolib.reproduction import papers, runs
from emolib.reproduction.papers.audit import noninertial
from emolib.reproduction.papers.audit.record import fresh
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.video_networks.video import (
    NESTED,
    PRINTED,
    averaged,
    constant_windows,
    outcome,
    plateaus,
    settled,
    summary,
    videos,
)
from emolib.reproduction.studies.video_networks.video_losses import (
    DOUBLED,
    FORMS,
    HALF,
    MAIN,
    WINDOW,
    WITHOUT,
)
from emolib.reproduction.studies.video_networks.video_plan import (
    FULL,
    LENGTHS,
    ROUGHNESS,
    SPLITS,
    SWEEP,
    TABLE_4,
    plan,
    real,
)

SAME = 0.02  # a difference in CCC within which two losses are called equal
SURE = 0.05
FEW = 6  # people below which flipped signs cannot give 0.05, and an interval says little


def difference(profile: str, a: pd.DataFrame, b: pd.DataFrame, metric: str = "CCC") -> dict:
    """Mean of a - b over the videos and seeds both hold, its interval and p: {'measured', 'low', 'high', 'p', 'people'}."""
    p = shared(profile)
    common = a[["seed", "video"]].drop_duplicates().merge(b[["seed", "video"]].drop_duplicates())
    a, b = (frame.merge(common, on=["seed", "video"]) for frame in (a, b))
    both = averaged(a).merge(averaged(b), on=["person", "video"], suffixes=("_a", "_b"))
    gap = both[f"{metric}_a"] - both[f"{metric}_b"]
    mean, low, high = metrics.bootstrap_ci(gap, both.person, draws=p.draws, level=p.level)
    return {
        "measured": float(mean),
        "low": float(low),
        "high": float(high),
        "p": metrics.sign_flip_p(gap, both.person),
        "people": both.person.nunique(),
    }


def corrected(rows: list[dict]) -> pd.DataFrame:
    """The rows as one family: `p_holm` in place of `p`, and what it says in words."""
    frame = pd.DataFrame(rows)
    frame["p_holm"] = metrics.holm(frame.pop("p"))
    margin = ~frame.get("metric", pd.Series("CCC", frame.index)).str.startswith(
        "MSE"
    )  # 0.02 is a margin of CCC
    inside = margin & (frame.low > -SAME) & (frame.high < SAME)
    said = np.where(frame.p_holm < SURE, "differs", np.where(inside, "equal within 0.02", "open"))
    frame["said"] = np.where(frame.people < FEW, "too few people", said)
    return frame


def trained(
    profile: str,
    share: float,
    length: int,
    network: str = FULL,
    *,
    protocol: str = NESTED,
    part: str = "grid",
) -> dict[str, pd.DataFrame]:
    """Training loss -> its rows of `videos`."""
    frame = videos(profile, part, share, length)
    frame = frame[(frame.network == network) & (frame.protocol == protocol)]
    return dict(list(frame.groupby("train_loss", sort=False)))


# ---------------------------------------------------------------- which wins survive


@runs.once
def pairs(profile: str, share: float, protocol: str = NESTED) -> pd.DataFrame:
    """All three pairs of losses in every setting of Table 3 (share 0.1) or 5 (0.3): one Holm family per table."""
    rows = []
    for length in LENGTHS[share]:
        for network in NETWORKS:
            of = trained(profile, share, length, network, protocol=protocol)
            rows += [
                {
                    "network": network,
                    "sequence_length": str(length),
                    "first": a,
                    "second": b,
                    **difference(profile, of[a], of[b]),
                }
                for a, b in combinations(MAIN, 2)
            ]
    return corrected(rows)


@runs.once
def wins(profile: str = "quick") -> Outcome:
    """Extra 20: the loss with the highest CCC in each setting, its lead over the second, and whether it beats both others after Holm.

    With three equally good losses each wins a third of all settings by luck; what counts is how many wins survive.
    """
    rows = []
    for share, id in ((0.1, "orgil2021-t3"), (0.3, "orgil2021-t5")):
        print_ = papers.published(id)
        print_ = (
            print_[print_.metric == "CCC"]
            .set_index(["network", "sequence_length", "train_loss"])
            .value
        )
        for protocol in (NESTED, PRINTED):
            every = pairs(profile, share, protocol)
            for (network, length), part in every.groupby(
                ["network", "sequence_length"], sort=False
            ):
                mean = {
                    loss: averaged(one).CCC.mean()
                    for loss, one in trained(
                        profile, share, int(length), network, protocol=protocol
                    ).items()
                    if loss in MAIN
                }
                first, second = sorted(mean, key=mean.get, reverse=True)[:2]
                own = part[(part["first"] == first) | (part["second"] == first)]
                lead = part[
                    part["first"].isin((first, second)) & part["second"].isin((first, second))
                ].iloc[0]
                sign = 1 if lead["first"] == first else -1
                low, high = sorted((sign * lead.low, sign * lead.high))
                printed = {loss: print_.get((network, length, loss), np.nan) for loss in MAIN}
                best = (
                    max(printed, key=lambda k: np.nan_to_num(printed[k], nan=-1))
                    if not any(map(np.isnan, printed.values()))
                    else ""
                )
                rows.append(
                    {
                        "held_out": f"{share:.0%}",
                        "network": network,
                        "sequence_length": length,
                        "metric": "lead in CCC",
                        "protocol": protocol,
                        "measured": sign * lead.measured,
                        "low": low,
                        "high": high,
                        "winner": first,
                        "printed winner": best,
                        "p_holm": float(own.p_holm.max()),
                        "survives": "yes" if (own.p_holm < SURE).all() else "no",
                    }
                )
    return outcome(pd.DataFrame(rows).assign(unit="ccc"), profile)


@runs.once
def survivors(profile: str) -> pd.DataFrame:
    """How many settings each loss wins, and how many of these wins survive."""
    frame = wins(profile).frame
    found = frame.groupby(["protocol", "held_out", "winner"], sort=False).agg(
        wins=("survives", "size"), survive=("survives", lambda v: int((v == "yes").sum()))
    )
    return found.reset_index()


# ---------------------------------------------------------------- controls and forms


def _against(
    profile: str, contrasts: list[tuple[str, str]], share: float, length: int
) -> list[dict]:
    of = trained(profile, share, length)
    rows = []
    for a, b in contrasts:
        for metric in ("CCC", "MSE"):
            rows.append(
                {
                    "trained with": a,
                    "less": b,
                    "metric": f"{metric}, difference",
                    **difference(profile, of[a], of[b], metric),
                }
            )
    return rows


@runs.once
def controls(profile: str = "quick") -> Outcome:
    """Extra 21: is it the new terms or the step? Full network, length 256, 10 % held out; 7 contrasts on CCC and MSE, one Holm family.

    NI is MSE / 2 plus a little, so training with it is training with half the step: 0.5 x MSE against MSE shows what that alone does,
    NI against 0.5 x MSE what the terms add, NI at the doubled rate against MSE the same at the other step.
    """
    contrasts = [
        ("Non-Inertial", "MSE"),
        (HALF, "MSE"),
        ("Non-Inertial", HALF),
        (DOUBLED, "MSE"),
        *(("Non-Inertial", name) for name in WITHOUT.values()),
    ]
    return outcome(
        corrected(_against(profile, contrasts, *TABLE_4)).assign(protocol=NESTED),
        profile,
        settled=settled(profile, *TABLE_4),
    )


@runs.once
def forms(profile: str = "quick") -> Outcome:
    """Extra 22: the readings of the loss at equal length of their first gradient, each less the default; one Holm family."""
    contrasts = [(name, "Non-Inertial") for name in FORMS.values()]
    rows = _against(profile, contrasts, *TABLE_4)
    return outcome(
        corrected(rows).assign(protocol=NESTED), profile, settled=settled(profile, *TABLE_4)
    )


@runs.once
def levels(profile: str = "quick") -> Outcome:
    """Extra 24: CCC of every way to train the Full network at length 256, 10 % held out, under both protocols; the MSE beside it."""
    rows = []
    for protocol in (NESTED, PRINTED):
        for loss, part in trained(profile, *TABLE_4, protocol=protocol).items():
            said = summary(part, profile)
            mean, low, high = said["CCC"]
            rows.append(
                {
                    "train_loss": loss,
                    "metric": "CCC",
                    "protocol": protocol,
                    "measured": mean,
                    "low": low,
                    "high": high,
                    "MSE": said["MSE"][0],
                }
            )
    return outcome(pd.DataFrame(rows), profile)


# ---------------------------------------------------------------- CCC of a window, CCC of a video


@runs.once
def extents(profile: str = "quick") -> Outcome:
    """Extra 23: CCC loss over the windows of a video as one series, or window by window, by length; one Holm family over the lengths."""
    rows = []
    for share, lengths in LENGTHS.items():
        for length in lengths:
            of = trained(profile, share, length)
            rows.append(
                {
                    "held_out": f"{share:.0%}",
                    "sequence_length": str(length),
                    "metric": "CCC, window less video",
                    "protocol": NESTED,
                    **difference(profile, of[WINDOW], of["CCC"]),
                    "windows that stand still": constant_windows(profile)[share, length],
                }
            )
    return outcome(corrected(rows), profile)


@runs.once
def by_extent(profile: str = "quick") -> Outcome:
    """Extra 25: CCC of the Full network over length, with the loss over the video and over the window, beside MSE and NI."""
    rows = []
    for share, lengths in LENGTHS.items():
        for length in lengths:
            for loss, part in trained(profile, share, length).items():
                if loss in (*MAIN, WINDOW):
                    mean, low, high = summary(part, profile, ("CCC",))["CCC"]
                    rows.append(
                        {
                            "held_out": f"{share:.0%} held out",
                            "length": length,
                            "train_loss": loss,
                            "metric": "CCC",
                            "protocol": NESTED,
                            "measured": mean,
                            "low": low,
                            "high": high,
                            "windows that stand still": constant_windows(profile)[share, length],
                        }
                    )
    return outcome(pd.DataFrame(rows), profile)


# ---------------------------------------------------------------- splits


@runs.once
def split_ways(profile: str = "quick") -> Outcome:
    """Extra 26: what the split does to CCC. Full network, length 256, 10 % held out.

    A split drawn anew in each epoch trains on the videos it reports. Each row against the same seeds of the grid, paired by video;
    choosing the epoch on the reported videos against the nested way of the same networks. One Holm family.
    """
    rows = []
    for loss in MAIN:
        nested, printed = (trained(profile, *TABLE_4, protocol=p)[loss] for p in (NESTED, PRINTED))
        rows.append(
            {
                "what": "epoch chosen on the reported videos",
                "train_loss": loss,
                **difference(profile, printed, nested),
            }
        )
        for part in SPLITS:
            if "split_seed" not in SPLITS[part]:  # other videos would be compared there
                rows.append(
                    {
                        "what": part,
                        "train_loss": loss,
                        **difference(profile, trained(profile, *TABLE_4, part=part)[loss], nested),
                    }
                )
    return outcome(
        corrected(rows).assign(metric="CCC, less the nested row", protocol=NESTED), profile
    )


@runs.once
def stability(profile: str = "quick") -> Outcome:
    """Extra 27: how far five trainings differ, in CCC and in MSE: each with its own split, and all on one split (weights and order alone)."""
    rows = []
    for name, part in (
        ("each its own split", "grid"),
        ("one split for all", "one split for all repeats"),
    ):
        for loss, frame in trained(profile, *TABLE_4, part=part).items():
            if loss not in MAIN:
                continue
            for metric in ("CCC", "MSE"):
                mean = frame.groupby("seed")[metric].mean()
                gap = float(((mean - mean.mean()) ** 2).sum()) if len(mean) > 1 else np.nan
                rows.append(
                    {
                        "split": name,
                        "train_loss": loss,
                        "metric": f"{metric}, sum of squared deviations",
                        "protocol": NESTED,
                        "measured": gap,
                        "trainings": len(mean),
                    }
                )
    return outcome(pd.DataFrame(rows), profile)


# ---------------------------------------------------------------- flicker, worlds and hands


@runs.once
def flicker(profile: str = "quick") -> Outcome:
    """Extra 28: what the two new terms add to MSE / 2, by network and training loss, beside the mean of the printed rows."""
    rows = []
    printed = {
        (network, loss): noninertial.rests(
            noninertial.runs(fresh("orgil2021-t3"), network=(network,), train_loss=(loss,))
        ).mean()
        for network in NETWORKS
        for loss in MAIN
    }
    for network in NETWORKS:
        parts = {length: trained(profile, 0.1, length, network) for length in LENGTHS[0.1]}
        for loss in MAIN:
            mean, low, high = summary(
                pd.concat([p[loss] for p in parts.values()]), profile, ("rest",)
            )["rest"]
            rows.append(
                {
                    "network": network,
                    "train_loss": loss,
                    "metric": "NI - MSE / 2",
                    "protocol": NESTED,
                    "measured": mean,
                    "low": low,
                    "high": high,
                    "printed": float(printed[network, loss]),
                }
            )
    return outcome(pd.DataFrame(rows), profile)


@runs.once
def worlds(profile: str = "quick") -> Outcome:
    """Extra 29: NI less MSE and NI less CCC in other worlds and under other hands (Full, length 64, 30 % held out). Empty on the real set."""
    rows = []
    parts = [key[0] for key in plan(profile) if key[0].startswith(("hand", "world"))]
    for part in ["grid", *dict.fromkeys(parts)] if not real() else []:
        of = trained(profile, *SWEEP, part=part)
        named = {"grid": ("world", "0", ROUGHNESS)}.get(part) or (
            part.split()[0],
            *(part.split()[1:] * 2),
        )
        for other in ("MSE", "CCC"):
            row = difference(profile, of["Non-Inertial"], of[other])
            rows.append(
                {
                    "varied": named[0],
                    "world": named[1] if named[0] == "world" else "0",
                    "roughness": named[2] if named[0] == "hand" else str(ROUGHNESS),
                    "metric": f"CCC, NI less {other}",
                    "protocol": NESTED,
                    **row,
                }
            )
    return (
        outcome(corrected(rows), profile)
        if rows
        else outcome(pd.DataFrame(columns=["varied", "metric", "protocol", "measured"]), profile)
    )


def all_settled(profile: str, losses=MAIN, networks=tuple(NETWORKS), shares=tuple(LENGTHS)) -> bool:
    """Did these networks reach their plateaus at every length of these shares?"""
    return all(
        ok
        for share in shares
        for length in LENGTHS[share]
        for (network, loss), ok in plateaus(profile, share, length).items()
        if loss in losses and network in networks
    )
