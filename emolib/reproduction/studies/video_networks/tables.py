"""Tables 2 to 5 and Figures 7 to 18 of orgil2021, and what their comparisons are worth.

"MSE" is the sum over both axes, "CCC" the mean, "Non-Inertial" = MSE / 2 + speed + direction, as
the printed columns are; the other of sum and mean, and all frames pooled, stand beside them. Scores
are those of single videos, averaged; people are the clusters, seeds are averaged within a video.

Comparisons are paired: two ways of training share videos, split, start weights and order. Three
contrasts were named before any run (PRIMARY): only these are tested, p from flipping signs of whole
people, one family by Holm. The grid is shown without p. Equal means within 0.02 CCC.

Methods without a network stand in Tables 3 and 5 beside the networks (STOCK).
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from emolib import data as datasets
from emolib import metrics
from emolib.ground import settings
from emolib.metrics import DETECTABLE, SMALLEST_P, floor
from emolib.models.video import NETWORKS
from emolib.reproduction import papers
from emolib.reproduction.runs import Outcome, Study, held
from emolib.reproduction.runs.claims import ALPHA
from emolib.reproduction.studies import affect_film
from emolib.reproduction.studies.audit import tables as shown
from emolib.reproduction.studies.video_networks import streams
from emolib.reproduction.studies.video_networks.plan import (
    FILM,
    FULL,
    HEARD,
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
    split,
    window_sums,
)

NESTED, PRINTED = "nested", "selected on the reported videos"
KEPT = {NESTED: "chosen", PRINTED: "best"}  # protocol -> its sums in a result
COLUMNS = ("MSE", "CCC", NI, "rest", "valence", "arousal")
MEASURED = ("measured", "low", "high")
UNITS = {"MSE": "mse", "CCC": "ccc", NI: "non_inertial_loss"}
SAME = 0.02  # a difference in CCC within which two losses are called equal
AT_256 = {"shares": (0.1,), "lengths": (256,)}  # the networks of TABLE_4
MEAN, BEFORE, RIDGE = STOCK = (
    "mean label, no network",
    "label of the frame before, no network",  # it knows the answer: how far a score can go
    "ridge on each second, no network",
)
FILM_PROTOCOL = "studyforrest, segments apart"
NOT_LEARNT = "one has not learnt"
UNTESTED = "not tested"  # of a contrast that is shown without p


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
    return frame.assign(person=np.asarray(study.seen(part).subject)[frame.video])


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


# ---- without a network


@held
def seconds(study: Study) -> list[tuple[np.ndarray, ...]]:
    """Of each video: mean features of each second (S, D), mean label (S, 2), labels (T, 2).

    All streams side by side; frames that nobody annotated are left out.
    """
    frames = streams.frames(datasets.reference(study.films), settings.device())
    every, cut = round(study.films.fps), []
    for v in range(len(frames.subject)):
        seen = frames.seen[frames.video(v)]
        label = frames.target[frames.video(v)][seen].cpu().numpy()
        look = [x[frames.video(v)][seen].float().cpu().numpy() for x in frames.streams.values()]
        start = np.arange(0, len(label), every)
        count = np.diff([*start, len(label)])[:, None]
        means = [np.add.reduceat(x, start) / count for x in (np.hstack(look), label)]
        cut.append((*means, label))
    return cut


def ridge(train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray]):
    """Ridge regression of labels (N, 2) on features (N, D); alpha by the error of validation."""
    seen, wanted = validation
    fits = [
        make_pipeline(StandardScaler(), Ridge(alpha)).fit(*train)
        for alpha in 10.0 ** np.arange(1, 6)
    ]
    return min(fits, key=lambda fit: np.square(fit.predict(seen) - wanted).mean())


def side_by_side(cut: list[tuple], videos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, D) and labels (N, 2) of all seconds of these videos."""
    look, label = zip(*(cut[v][:2] for v in videos))
    return np.concatenate(look), np.concatenate(label)


@held
def stock(study: Study, share: float) -> pd.DataFrame:
    """Rows as of `main_rows`, of methods without a network on the same splits."""
    cut, every, rows = seconds(study), round(study.films.fps), []
    subject = np.asarray(study.films.subject)
    for seed in range(study.sizes.seeds):
        chosen = split(subject, share, seed)
        constant = np.concatenate([cut[v][2] for v in chosen.train]).mean(0)
        fit = ridge(side_by_side(cut, chosen.train), side_by_side(cut, chosen.validation))
        for v in chosen.test:
            look, _, label = cut[v]
            before = np.concatenate([label[:1], label[:-1]])
            by_second = np.repeat(fit.predict(look), every, axis=0)[: len(label)]
            said = np.stack([np.broadcast_to(constant, label.shape), before, by_second])
            about = {"seed": seed, "video": v, "person": subject[v], "share": share}
            rows.append(judged(dict(zip(STOCK, said, strict=True)), label).assign(**about))
    return pd.concat(rows).assign(sequence_length="")


def judged(said: dict[str, np.ndarray], label: np.ndarray) -> pd.DataFrame:
    """A row with `sums` and scores for each method's answer (T, 2) to one video's labels (T, 2)."""
    answers = torch.as_tensor(np.stack(list(said.values())), dtype=torch.float32)[:, None]
    whole = torch.as_tensor(label)[None], torch.ones(1, len(label), dtype=torch.bool)
    sums = window_sums(answers, *whole)[:, 0].numpy()  # (methods, 14)
    score = scores(sums)
    frame = pd.DataFrame({column: score[column] for column in COLUMNS})
    return frame.assign(network=list(said), sums=list(sums), train_loss="", protocol=NESTED)


# ---- one film, real everywhere


@held
def film_stock(study: Study) -> pd.DataFrame:
    """Rows as of `videos` of methods without a network, on the segments of studyforrest."""
    rows, data = [], study.film
    subject = np.asarray(data.subject)
    for seed in study.results(FILM, *film_setting(study)):
        chosen = split(subject, 1 / affect_film.SEGMENTS, seed, affect_film.SEGMENTS)
        for v, said in affect_film.without_network(data, chosen, ridge).items():
            about = {"seed": seed, "video": v, "person": subject[v]}
            rows.append(judged(said, data.valence_arousal[v]).assign(**about))
    return pd.concat(rows)


def film_setting(study: Study) -> tuple[float, int]:
    """Held-out share and length of window of the film's part of the plan."""
    return 1 / affect_film.SEGMENTS, study.sizes.film.length


@held
def film_rows(study: Study) -> pd.DataFrame:
    """`videos` of the networks on the film, the epoch chosen on another segment."""
    frame = videos(study, *film_setting(study), FILM)
    return frame[frame.protocol == NESTED]


@held
def film_scores(study: Study) -> Outcome:
    """Extra 60: each network and loss on eight segments of a real film, and ridge on what it reads.

    `against ridge` says whether the paired difference in CCC is clear of zero.
    """
    stock, rows = film_stock(study), []
    keys = ["network", "train_loss"]
    for key, part in pd.concat([film_rows(study), stock]).groupby(keys, sort=False):
        cells = summary(study, part, ("CCC", "valence", "arousal", "MSE", NI))
        cells.loc["CCC, sum of both axes"] = 2 * cells.loc["CCC"]
        read = affect_film.READ.get(key[0])
        own = stock[stock.network == read]
        beside = difference(study, part, own) if read else {"low": np.nan, "high": np.nan}
        words = {-1: "below ridge", 0: "open", 1: "above ridge"}
        side = int(beside["low"] > 0) - int(beside["high"] < 0)
        about = dict(zip(keys, key, strict=True)) | {"against ridge": words[side] if read else ""}
        rows.append(cells.rename_axis("metric").reset_index().assign(**about))
    frame = pd.concat(rows).assign(protocol=FILM_PROTOCOL)
    frame["unit"] = frame.metric.map(UNITS).fillna("ccc")
    columns = [*keys, "against ridge", "metric", "protocol", *MEASURED, "unit"]
    return study.outcome(frame[columns], sources=(study.film,))


@held
def film_learnt(study: Study, network: str, loss: str) -> bool:
    """Is its CCC above a mean label's by its interval?"""
    rows, stock = film_rows(study), film_stock(study)
    constant = averaged(stock[stock.network == MEAN]).CCC.mean()
    own = rows[(rows.network == network) & (rows.train_loss == loss)]
    return bool(summary(study, own, ("CCC",)).loc["CCC", "low"] > constant)


@held
def film_contrasts(study: Study) -> Outcome:
    """Extra 61: PRIMARY on the film. Full is one family; the others are shown without p."""
    rows = film_rows(study)

    def row(network: str, a: str, b: str, metric: str) -> dict:
        of = dict(list(rows[rows.network == network].groupby("train_loss")))
        about = {"network": network, "trained with": a, "less": b}
        gap = difference(study, of[a], of[b], metric, family=len(PRIMARY))
        able = film_learnt(study, network, a) and film_learnt(study, network, b)
        return about | {"metric": f"{metric}, difference", "able": able} | gap

    tested = corrected([row(FULL, a, b, "CCC") for a, b in PRIMARY])
    tested["said"] = np.where(tested.pop("able"), tested.said, NOT_LEARNT)
    beside = [row(network, a, b, "CCC") for network in HEARD[1:] for a, b in PRIMARY]
    beside += [
        row(n, a, b, metric) for metric in ("MSE", "rest") for n in HEARD for a, b in PRIMARY
    ]
    beside = pd.DataFrame(beside).drop(columns=["p", "able", DETECTABLE]).assign(said=UNTESTED)
    frame = pd.concat([tested, beside]).assign(protocol=FILM_PROTOCOL)
    return study.outcome(frame, sources=(study.film,))


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
    frame = pd.concat([main_rows(study, (share,)), stock(study, share)])
    return _cells(study, frame, keys, shares=(share,))


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


def difference(
    study: Study,
    a: pd.DataFrame,
    b: pd.DataFrame,
    metric: str = "CCC",
    *,
    family: int = 1,
    level: float | None = None,
) -> dict:
    """Mean of a - b over the videos and seeds both hold: measured, low, high, p, people.

    family   comparisons that are corrected together: for the smallest effect they detect
    level    of the interval, if not the study's
    """
    keys = ["seed", "video"]
    common = a[keys].drop_duplicates().merge(b[keys].drop_duplicates())
    first, second = (averaged(frame.merge(common, on=keys)) for frame in (a, b))
    both = first.merge(second, on=["person", "video"])
    gap = both[f"{metric}_x"] - both[f"{metric}_y"]
    how = {"test": "sign flips", "draws": study.draws, "level": level or study.level}
    smallest = {DETECTABLE: metrics.detectable(gap, both.person, family=family)}
    row = metrics.difference(gap, both.person, **how)
    return row | {"people": both.person.nunique()} | smallest


def corrected(rows: list[dict]) -> pd.DataFrame:
    """The rows as one family: `p_holm` in place of `p`, the smallest it can be, and words."""
    frame = pd.DataFrame(rows)
    frame["p_holm"] = metrics.holm(frame.pop("p"))
    frame[SMALLEST_P] = [floor(people, len(frame)) for people in frame.people]
    inside = (frame.low > -SAME) & (frame.high < SAME)
    if "metric" in frame:
        inside &= frame.metric.str.startswith("CCC")  # the margin is one of CCC
    words = np.where(inside, "equal within 0.02", "open")
    words = np.where(frame.p_holm < ALPHA, "differs", words)
    frame["said"] = np.where(frame[SMALLEST_P] >= ALPHA, "too few people", words)
    return frame


@held
def wins(study: Study) -> Outcome:
    """Extra 20: the best loss by CCC in each setting, and its lead over the second.

    With three equally good losses each wins a third of the settings by luck, and the lead of a
    chosen winner is too high by choice. So no p stands here: 96 settings are not a question.
    """
    rows = []
    tables = {0.1: papers.published("orgil2021-t3"), 0.3: papers.published("orgil2021-t5")}
    for share, protocol in product(tables, (NESTED, PRINTED)):
        table = tables[share].query("metric == 'CCC'")
        table = table.pivot(
            index=["network", "sequence_length"], columns="train_loss", values="value"
        )
        for length, network in product(LENGTHS[share], NETWORKS):
            of = trained(study, share, length, network, protocol)
            mean = {loss: averaged(of[loss]).CCC.mean() for loss in MAIN}
            first, second, _ = sorted(mean, key=mean.get, reverse=True)
            lead = difference(study, of[first], of[second])
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
                    "people": lead["people"],
                }
            )
    return study.outcome(pd.DataFrame(rows).assign(unit="ccc"))


def learnt(study: Study, rows: pd.DataFrame) -> bool:
    """Is the CCC of these rows of `videos`, TABLE_4's, above a mean label's by its interval?"""
    label = stock(study, TABLE_4[0])
    constant = averaged(label[label.network == MEAN]).CCC.mean()
    return bool(summary(study, rows, ("CCC",)).loc["CCC", "low"] > constant)


@held
def controls(study: Study) -> Outcome:
    """Extra 21: the new terms or the step? Full, length 256, 10 % held out.

    NI is MSE / 2 plus a little, so training with it is training with half the step: 0.5 x MSE less
    MSE shows what that alone does, NI less 0.5 x MSE what the terms add. PRIMARY is tested, one
    family; the others are shown without p. Two networks of which one is no better than a mean label
    are not compared in words: alike they would be in having learnt nothing.
    """
    of = trained(study, *TABLE_4)

    def row(a: str, b: str, metric: str) -> dict:
        about = {"trained with": a, "less": b, "metric": f"{metric}, difference"}
        return about | difference(study, of[a], of[b], metric, family=len(PRIMARY))

    tested = corrected([row(a, b, "CCC") for a, b in PRIMARY])
    able = {name: learnt(study, of[name]) for name in dict.fromkeys(sum(PRIMARY, ()))}
    both = [able[a] and able[b] for a, b in PRIMARY]
    tested["said"] = np.where(both, tested.said, NOT_LEARNT)
    pairs = [(HALF, "MSE"), (DOUBLED, "MSE"), *((NI, name) for name in WITHOUT.values())]
    beside = [row(a, b, "CCC") for a, b in pairs]
    beside += [row(a, b, "MSE") for a, b in (*PRIMARY, *pairs)]
    beside = pd.DataFrame(beside).drop(columns=["p", DETECTABLE]).assign(said=UNTESTED)
    frame = pd.concat([tested, beside]).assign(protocol=NESTED)
    return _outcome(study, frame, **AT_256)


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
    family = len(MAIN) * len(others)
    rows = [
        {"what": what, "train_loss": loss}
        | difference(study, of[loss], nested[loss], family=family)
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
    for way, loss, metric in product(parts, MAIN, ("CCC", "MSE")):
        mean = trained(study, *TABLE_4, part=parts[way])[loss].groupby("seed")[metric].mean()
        rows.append(
            {
                "split": way,
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
    """Extra 29: NI against MSE and CCC in other worlds, under other hands; empty on real films.

    Full, length 64, 30 % held out. The last row of each comparison is over worlds: t interval of
    their means.
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
        for metric, a, b in (("CCC", NI, "MSE"), ("CCC", NI, "CCC"), ("rest", "CCC", NI)):
            gap = difference(study, of[a], of[b], metric)
            kept = {name: gap[name] for name in MEASURED} | {"people": str(gap["people"])}
            rows.append(about | {"metric": f"{metric}, {a} less {b}"} | kept)
    frame, over_worlds = pd.DataFrame(rows), []
    for metric, means in frame[frame.varied == "world"].groupby("metric", sort=False).measured:
        over = metrics.corrected_t(means, tested=0, trained=1, level=study.level)[:3]
        about = {"varied": "all worlds", "world": str(len(means)), "metric": metric}
        about["roughness"] = str(study.sizes.roughness)
        over_worlds.append(about | dict(zip(MEASURED, over, strict=True)) | {"people": ""})
    frame = pd.concat([frame, pd.DataFrame(over_worlds)])
    return study.outcome(frame.assign(protocol=NESTED))


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
