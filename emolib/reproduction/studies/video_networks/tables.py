"""Tables 2 to 5 and Figures 7 to 18 of orgil2021, and what their comparisons are worth.

"MSE" is the sum over both axes, "CCC" the mean, "Non-Inertial" = MSE / 2 + speed + direction, as
the printed columns are; the other of sum and mean, and all frames pooled, stand beside them. Scores
are those of single videos, averaged; people are the clusters, seeds are averaged within a video.

Comparisons are paired: two ways of training share videos, split, start weights and order; p comes
from flipping signs of whole people, Holm's family is a table. Equal means within 0.02 CCC.
"""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pandas as pd

from emolib import metrics
from emolib.models.video import NETWORKS
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, Study, held
from emolib.reproduction.studies.audit import tables as shown
from emolib.reproduction.studies.video_networks.plan import (
    FULL,
    LENGTHS,
    ONE_SPLIT,
    PRIMARY,
    SPLITS,
    SWEEP,
    TABLE_4,
)
from emolib.reproduction.studies.video_networks.training import (
    DOUBLED,
    HALF,
    MAIN,
    NI,
    WITHOUT,
    scores,
)

NESTED, PRINTED = "nested", "selected on the reported videos"
KEPT = {NESTED: "chosen", PRINTED: "best"}  # protocol -> its sums in a result
COLUMNS = ("MSE", "CCC", NI, "rest", "valence", "arousal")
MEASURED = ("measured", "low", "high")
UNITS = {"MSE": "mse", "CCC": "ccc", NI: "non_inertial_loss"}
SAME = 0.02  # a difference in CCC within which two losses are called equal
SURE = 0.05
AT_256 = {"shares": (0.1,), "lengths": (256,)}  # the networks of TABLE_4
FEW = 6  # people below which flipped signs cannot give 0.05, and an interval says little


# ---- video by video


@held
def videos(study: Study, share: float, length: int, part: str = "grid") -> pd.DataFrame:
    """One row per protocol, network, training loss, seed and test video: scores, and `sums`."""
    frames = []
    for seed, result in study.results(part, share, length).items():
        for protocol, name in KEPT.items():
            score = scores(result[name])  # (M, V) each
            for m, (network, loss) in enumerate(result["members"]):
                frame = pd.DataFrame({c: score[c][m] for c in COLUMNS})
                about = {"protocol": protocol, "network": network, "train_loss": loss, "seed": seed}
                sums = list(result[name][m])
                frames.append(frame.assign(**about, video=result["videos"], sums=sums))
    frame = pd.concat(frames, ignore_index=True)
    return frame.assign(person=np.asarray(study.films.subject)[frame.video])


@held
def main_rows(study: Study, shares: tuple[float, ...] = tuple(LENGTHS)) -> pd.DataFrame:
    """`videos` of every length of these held-out shares, the three losses of the paper."""
    frames = [
        videos(study, share, length).assign(share=share, sequence_length=str(length))
        for share in shares
        for length in LENGTHS[share]
    ]
    frame = pd.concat(frames)
    return frame[frame.train_loss.isin(MAIN)]


def averaged(part: pd.DataFrame) -> pd.DataFrame:
    """One row per video: seeds, and whatever else `part` holds of it, averaged."""
    return part.groupby(["person", "video"], as_index=False)[list(COLUMNS)].mean()


def summary(study: Study, part: pd.DataFrame, columns=tuple(UNITS)) -> pd.DataFrame:
    """One row per score: its mean over the videos of `part`, low and high over people."""
    one, how = averaged(part), {"draws": study.draws, "level": study.level}
    values = metrics.bootstrap_ci(one[list(columns)], one.person, **how)
    return pd.DataFrame(dict(zip(MEASURED, values, strict=True)), index=columns)


def pooled(study: Study, part: pd.DataFrame) -> pd.DataFrame:
    """The same of all frames of `part` as one series, in which long videos count for more."""
    mean, drawn = metrics.bootstrap_draws(np.stack(part.sums), part.person, draws=study.draws)
    score, drawn = scores(mean), scores(drawn)
    rows = {c: (score[c], *metrics.interval(drawn[c], study.level)) for c in ("MSE", "CCC")}
    return pd.DataFrame(rows, index=MEASURED).T


# ---- did it train?


def _outcome(study: Study, frame: pd.DataFrame, **where) -> Outcome:
    """Both protocols may decide a claim if the networks behind the table reached their plateau."""
    return study.outcome(frame, settled=frozenset(KEPT if study.settled(**where) else ()))


@held
def untrained(study: Study) -> pd.DataFrame:
    """How many settings reached a plateau, how many a CCC above 0.02: no average may hide it."""
    frame = main_rows(study)
    keys = ["share", "sequence_length", "network", "train_loss"]
    frame = frame[frame.protocol == NESTED].groupby(keys, sort=False).CCC.mean().reset_index()
    frame["learned"] = frame.CCC > 0.02
    frame["plateau"] = [
        study.plateaus(r.share, int(r.sequence_length))[r.network, r.train_loss]
        for r in frame.itertuples()
    ]
    counts = frame.groupby(["network", "train_loss"], sort=False).agg(
        settings=("CCC", "size"),
        plateau=("plateau", "sum"),
        learned=("learned", "sum"),
        mean_CCC=("CCC", "mean"),
    )
    return counts.round(3).reset_index()


# ---- Tables 2 to 5


def _cells(study: Study, frame: pd.DataFrame, keys: list[str], **where) -> Outcome:
    """Every metric of each cell of a table; `where`: the networks behind it (Study.settled)."""
    rows = []
    for key, part in frame.groupby(keys, sort=False):
        cells = summary(study, part)
        cells.loc["CCC, sum of both axes"] = 2 * cells.loc["CCC"]
        cells.loc["MSE, mean of both axes"] = cells.loc["MSE"] / 2
        cells = pd.concat([cells, pooled(study, part).add_suffix(", frames pooled", axis=0)])
        cells = cells.rename_axis("metric").reset_index()
        rows.append(cells.assign(**dict(zip(keys, key, strict=True))))
    frame = pd.concat(rows)
    frame["unit"] = frame.metric.str.split(",").str[0].map(UNITS)
    return _outcome(study, frame[[*keys, "metric", *MEASURED, "unit"]], **where)


def _by_length(study: Study, share: float) -> Outcome:
    keys = ["network", "train_loss", "sequence_length", "protocol"]
    return _cells(study, main_rows(study, (share,)), keys, shares=(share,))


@held
def table_3(study: Study) -> Outcome:
    """Table 3: 10 % held out, lengths 128 to 512; 36 settings, one of them not in print."""
    return _by_length(study, 0.1)


@held
def table_5(study: Study) -> Outcome:
    """Table 5: 30 % held out, lengths 32 to 384; 60 settings."""
    return _by_length(study, 0.3)


@held
def table_4(study: Study) -> Outcome:
    """Table 4: length 256, 10 % held out, each training by itself, over its own test videos."""
    return _trainings(study, "grid", "fold")


def _trainings(study: Study, part: str, number: str) -> Outcome:
    """Each training of a part by itself, counted from 1 in the column `number`."""
    frame = videos(study, *TABLE_4, part)
    frame = frame[frame.train_loss.isin(MAIN)].assign(**{number: (frame.seed + 1).astype(str)})
    return _cells(study, frame, ["network", "train_loss", number, "protocol"], **AT_256)


@held
def table_2(study: Study) -> Outcome:
    """Table 2: Full trained five times; Average, Differences, Sum in the unit of each loss.

    All five are tested on the same videos, for print reads the spread as that of the training: the
    five of Table 4 have a split each, and differ by who is tested as well.
    """
    full = _trainings(study, ONE_SPLIT, "training").frame.drop(columns="network")
    rows = []
    own = full[full.metric == full.train_loss]
    for (loss, protocol), part in own.groupby(["train_loss", "protocol"], sort=False):
        if len(part) < 2:
            continue  # one training deviates from nothing
        keys = {"train_loss": loss, "protocol": protocol}
        mean = part.measured.mean()
        gaps = (part.measured - mean) ** 2
        for training, gap in zip(part.training, gaps, strict=True):
            for metric, value in (("Average", mean), ("Differences", gap)):
                rows.append(keys | {"training": training, "metric": metric, "measured": value})
        rows.append(keys | {"training": training, "metric": "Sum", "measured": gaps.sum()})
    frame = pd.concat([full, pd.DataFrame(rows)]) if rows else full
    return _outcome(study, frame, **AT_256)


# ---- comparisons


def trained(
    study: Study, share: float, length: int, network=FULL, protocol=NESTED, part="grid"
) -> dict[str, pd.DataFrame]:
    """Training loss -> its rows of `videos`."""
    frame = videos(study, share, length, part)
    frame = frame[(frame.network == network) & (frame.protocol == protocol)]
    return dict(list(frame.groupby("train_loss", sort=False)))


def difference(study: Study, a: pd.DataFrame, b: pd.DataFrame, metric: str = "CCC") -> dict:
    """Mean of a - b over the videos and seeds both hold: measured, low, high, p, people."""
    keys = ["seed", "video"]
    common = a[keys].drop_duplicates().merge(b[keys].drop_duplicates())
    first, second = (averaged(frame.merge(common, on=keys)) for frame in (a, b))
    both = first.merge(second, on=["person", "video"])
    gap = both[f"{metric}_x"] - both[f"{metric}_y"]
    how = {"test": "sign flips", "draws": study.draws, "level": study.level}
    return metrics.difference(gap, both.person, **how) | {"people": both.person.nunique()}


def corrected(rows: list[dict]) -> pd.DataFrame:
    """The rows as one family: `p_holm` in place of `p`, and what it says in words."""
    frame = pd.DataFrame(rows)
    frame["p_holm"] = metrics.holm(frame.pop("p"))
    inside = (frame.low > -SAME) & (frame.high < SAME)
    if "metric" in frame:
        inside &= ~frame.metric.str.startswith("MSE")  # the margin is one of CCC
    words = np.where(inside, "equal within 0.02", "open")
    words = np.where(frame.p_holm < SURE, "differs", words)
    frame["said"] = np.where(frame.people < FEW, "too few people", words)
    return frame


def _tests(study: Study, share: float, protocol: str) -> dict[tuple, float]:
    """(network, length, {two losses}) -> p after Holm over all pairs of a table."""
    p = {}
    for length, network in product(LENGTHS[share], NETWORKS):
        of = trained(study, share, length, network, protocol)
        for a, b in combinations(MAIN, 2):
            p[network, length, frozenset((a, b))] = difference(study, of[a], of[b])["p"]
    return dict(zip(p, metrics.holm(list(p.values())), strict=True))


@held
def wins(study: Study) -> Outcome:
    """Extra 20: the best loss by CCC in each setting, its lead over the second; does it survive?

    With three equally good losses each wins a third of the settings by luck. A win survives if it
    beats both others after Holm over all pairs of its table.
    """
    rows = []
    tables = {0.1: papers.published("orgil2021-t3"), 0.3: papers.published("orgil2021-t5")}
    for share, protocol in product(tables, (NESTED, PRINTED)):
        table = tables[share].query("metric == 'CCC'")
        table = table.pivot(
            index=["network", "sequence_length"], columns="train_loss", values="value"
        )
        p = _tests(study, share, protocol)
        for length, network in product(LENGTHS[share], NETWORKS):
            of = trained(study, share, length, network, protocol)
            mean = {loss: averaged(of[loss]).CCC.mean() for loss in MAIN}
            first, second, third = sorted(mean, key=mean.get, reverse=True)
            lead = difference(study, of[first], of[second])
            p_holm = max(p[network, length, frozenset((first, o))] for o in (second, third))
            printed = table.loc[(network, str(length)), list(MAIN)]
            rows.append(
                {
                    "held_out": f"{share:.0%}",
                    "network": network,
                    "sequence_length": str(length),
                    "metric": "lead in CCC",
                    "protocol": protocol,
                    "measured": lead["measured"],
                    "low": lead["low"],
                    "high": lead["high"],
                    "winner": first,
                    "printed winner": "" if printed.isna().any() else printed.idxmax(),
                    "p_holm": p_holm,
                    "survives": "yes" if p_holm < SURE else "no",
                }
            )
    return study.outcome(pd.DataFrame(rows).assign(unit="ccc"))


@held
def controls(study: Study) -> Outcome:
    """Extra 21: the new terms or the step? Full, length 256, 10 % held out; PRIMARY is a family of
    its own, the other 13 tests are another.

    NI is MSE / 2 plus a little, so training with it is training with half the step: 0.5 x MSE less
    MSE shows what that alone does, NI less 0.5 x MSE what the terms add.
    """
    pairs = [*PRIMARY, (HALF, "MSE"), (DOUBLED, "MSE")]
    pairs += [(NI, name) for name in WITHOUT.values()]
    of = trained(study, *TABLE_4)
    families = {"primary": [], "further": []}
    for (a, b), metric in product(pairs, ("CCC", "MSE")):
        family = "primary" if (a, b) in PRIMARY and metric == "CCC" else "further"
        about = {"family": family, "trained with": a, "less": b, "metric": f"{metric}, difference"}
        families[family].append(about | difference(study, of[a], of[b], metric))
    frame = pd.concat([corrected(rows) for rows in families.values()])
    return _outcome(study, frame.assign(protocol=NESTED), **AT_256)


@held
def split_ways(study: Study) -> Outcome:
    """Extra 26: what the split does to CCC. Full, length 256, 10 % held out; one family.

    A split drawn anew in each epoch trains on the videos it reports. Each row less the nested way
    of the same seeds, paired by video.
    """
    nested = trained(study, *TABLE_4)
    others = {"epoch chosen on the reported videos": trained(study, *TABLE_4, protocol=PRINTED)}
    for part, options in SPLITS.items():
        if "split_seed" not in options:  # other videos would be compared there
            others[part] = trained(study, *TABLE_4, part=part)
    rows = [
        {"what": what, "train_loss": loss} | difference(study, of[loss], nested[loss])
        for loss in MAIN
        for what, of in others.items()
    ]
    frame = corrected(rows).assign(metric="CCC, less the nested row", protocol=NESTED)
    return study.outcome(frame)


@held
def stability(study: Study) -> Outcome:
    """Extra 27: how far five trainings differ, each with its own split or all on one."""
    rows = []
    parts = {"each its own split": "grid", "one split for all": ONE_SPLIT}
    for split, loss, metric in product(parts, MAIN, ("CCC", "MSE")):
        mean = trained(study, *TABLE_4, part=parts[split])[loss].groupby("seed")[metric].mean()
        rows.append(
            {
                "split": split,
                "train_loss": loss,
                "metric": f"{metric}, sum of squared deviations",
                "protocol": NESTED,
                "measured": ((mean - mean.mean()) ** 2).sum() if len(mean) > 1 else np.nan,
                "trainings": len(mean),
            }
        )
    return study.outcome(pd.DataFrame(rows))


@held
def worlds(study: Study) -> Outcome:
    """Extra 29: NI less MSE and less CCC in other worlds, under other hands; empty on real films.

    Full, length 64, 30 % held out.
    """
    if study.real:
        return study.outcome(pd.DataFrame(columns=["varied", "metric", "protocol", "measured"]))
    rows = []
    parts = dict.fromkeys(key[0] for key in study.plan if key[0].startswith(("hand", "world")))
    for part in ("grid", *parts):
        varied, value = part.split() if part != "grid" else ("world", "0")
        of = trained(study, *SWEEP, part=part)
        about = {
            "varied": varied,
            "world": value if varied == "world" else "0",
            "roughness": value if varied == "hand" else str(study.sizes.roughness),
        }
        for other in ("MSE", "CCC"):
            metric = {"metric": f"CCC, NI less {other}", "protocol": NESTED}
            rows.append(about | metric | difference(study, of[NI], of[other]))
    return study.outcome(corrected(rows))


# ---- figures


@held
def mean_ccc(study: Study, figure: int) -> Outcome:
    """Figures 7 to 11: mean CCC by network (7, 10, 11) or length (8, 9), printed and ours (nested).

    Figure 11 is the mean of 7 and 10. `parameters` are those of the printed widths.
    """
    shares = {7: (0.1,), 8: (0.1,), 9: (0.3,), 10: (0.3,), 11: (0.1, 0.3)}
    x = "sequence_length" if figure in (8, 9) else "network"
    rows = main_rows(study, shares[figure])
    ours = {}
    for key, part in rows[rows.protocol == NESTED].groupby([x, "train_loss"]):
        means, drawn = [], []
        for _, videos_of_share in part.groupby("share"):
            one = averaged(videos_of_share)
            mean, draws = metrics.bootstrap_draws(one.CCC, one.person, draws=study.draws)
            means.append(mean)
            drawn.append(draws)
        low, high = metrics.interval(np.mean(drawn, 0), study.level)
        ours[key] = {"measured": np.mean(means), "low": low, "high": high}
    frame = shown.mean_ccc(figure)
    measured = [ours[key] for key in zip(frame.x, frame.train_loss, strict=True)]
    frame = pd.concat([frame, pd.DataFrame(measured)], axis=1)
    return study.outcome(frame.assign(protocol=NESTED))


@held
def five_trainings(study: Study) -> Outcome:
    """Figure 12: CCC of each training of Full at length 256, printed and ours (nested)."""
    ours = table_2(study).frame
    ours = ours[(ours.metric == "CCC") & (ours.protocol == NESTED)]
    ours = ours[["train_loss", "training", *MEASURED]]
    frame = shown.five_trainings()
    frame = frame.merge(ours, on=["train_loss", "training"], how="left")
    return study.outcome(frame.assign(protocol=NESTED))


@held
def learning(study: Study, loss: str) -> Outcome:
    """Figures 13, 16: CCC of Full by epoch, mean and range of the trainings."""
    done = list(study.results("grid", *TABLE_4).values())
    member = done[0]["members"].index([FULL, loss])
    rows = []
    for row, name in enumerate(("validation videos", "reported videos"), start=1):
        for epoch in range(max(r["trained"][member] for r in done)):
            going = [r for r in done if r["trained"][member] > epoch]
            ccc = np.array([r["curves"][row][epoch, member] for r in going])
            several = len(ccc) > 1
            rows.append(
                {
                    "train_loss": loss,
                    "panel": f"trained with {loss}",
                    "series": name,
                    "epoch": epoch + 1,
                    "metric": "CCC",
                    "measured": ccc.mean(),
                    "low": ccc.min() if several else np.nan,
                    "high": ccc.max() if several else np.nan,
                    "trainings": len(ccc),
                }
            )
    return study.outcome(pd.DataFrame(rows))


@held
def example(study: Study, loss: str, axis: str) -> Outcome:
    """Figures 14, 15, 17, 18: annotation and Full on one test video (158.avi; our longest)."""
    result = study.results("grid", *TABLE_4)[0]
    member, column = result["members"].index([FULL, loss]), ("valence", "arousal").index(axis)
    truth, track = result["truth"][:, column], result["track"][member][:, column]
    about = {
        "video": str(study.films.meta["video"].iloc[result["example"]]),
        "panel": f"{axis}, CCC {metrics.ccc(track, truth):.2f}",
    }
    second = np.arange(len(truth)) / study.films.fps
    frames = [
        pd.DataFrame(about | {"series": name, "second": second, "measured": value.astype(float)})
        for name, value in (("annotation", truth), (f"trained with {loss}", track))
    ]
    return study.outcome(pd.concat(frames))


@held
def leads(study: Study) -> Outcome:
    """Extra 30: the lead of the best loss over the second in each setting, nested."""
    frame = wins(study).frame
    frame = frame[frame.protocol == NESTED]
    first = frame.network.str.split().str[0]
    setting = first + ", " + frame.sequence_length + " (" + frame.held_out + ")"
    return study.outcome(frame.assign(setting=setting))
