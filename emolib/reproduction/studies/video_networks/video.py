"""Orgil: four video networks, three losses, eight lengths of window (notebook 11; Tables 2 to 5 of the paper of 2021).

Protocols:

    nested                            the epoch is chosen on a tenth of the training videos, the held-out share is read once
    selected on the reported videos   the same networks at the epoch that the held-out share itself likes best: the paper's way

"MSE" is the sum over both axes, "CCC" the mean, "Non-Inertial" = MSE / 2 + speed + direction, as the printed columns are; the other
of sum and mean, and the scores of all frames pooled, stand beside them. Scores are those of single videos, averaged; people are the
clusters of every interval, seeds are averaged within a video.
"""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd

from emolib import metrics, training
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.video_networks.video_losses import MAIN
from emolib.reproduction.studies.video_networks.video_networks import scores
from emolib.reproduction.studies.video_networks.video_plan import (
    FULL,
    LENGTHS,
    TABLE_4,
    results,
    sizes,
    world,
)
from emolib.reproduction.studies.video_networks.video_plan import (
    train as train,  # the notebook's first call
)

NESTED, PRINTED = "nested", "selected on the reported videos"
KEPT = {NESTED: "chosen", PRINTED: "best"}
COLUMNS = ("MSE", "CCC", "Non-Inertial", "rest", "valence", "arousal")
OTHERS = {
    "CCC, sum of both axes": ("CCC", 2.0, "ccc"),
    "MSE, mean of both axes": ("MSE", 0.5, "mse"),
}
UNITS = {"MSE": "mse", "CCC": "ccc", "Non-Inertial": "non_inertial_loss"}


def outcome(frame: pd.DataFrame, profile: str, **more) -> Outcome:
    """An Outcome on the profile's world with its seeds and sizes."""
    return Outcome(
        frame.reset_index(drop=True),
        profile=profile,
        sources=sources_of(world(profile)),
        seeds=tuple(range(sizes(profile).repeats)),
        caps=asdict(sizes(profile)),
        **more,
    )


# ---------------------------------------------------------------- what the runs say, video by video


@runs.once
def videos(profile: str, part: str, share: float, length: int) -> pd.DataFrame:
    """One row per protocol, network, training loss, seed and test video: its scores, and the sums behind them in `sums` (14,)."""
    rows = []
    for seed, result in results(profile, part, share, length).items():
        for protocol, name in KEPT.items():
            said = scores(result[name])  # (M, V) each
            for m, (network, loss) in enumerate(result["members"]):
                rows += [
                    {
                        "protocol": protocol,
                        "network": network,
                        "train_loss": loss,
                        "seed": seed,
                        "video": int(v),
                        **{c: float(said[c][m, k]) for c in COLUMNS},
                        "sums": result[name][m, k],
                    }
                    for k, v in enumerate(result["videos"])
                ]
    frame = pd.DataFrame(rows)
    return frame.assign(person=people(profile)[frame.video])


@runs.once
def people(profile: str) -> np.ndarray:
    """Who is in each video, (V,): the video itself where nobody has a name."""
    return np.asarray(world(profile).subject)


def averaged(part: pd.DataFrame) -> pd.DataFrame:
    """One row per video: seeds, and whatever else `part` holds of it, averaged."""
    return part.groupby(["person", "video"], as_index=False)[list(COLUMNS)].mean()


def summary(
    part: pd.DataFrame, profile: str, columns=("MSE", "CCC", "Non-Inertial")
) -> dict[str, tuple[float, float, float]]:
    """Mean and interval of each score over the videos of `part`: {score: (mean, low, high)}."""
    p, one = shared(profile), averaged(part)
    mean, drawn = metrics.bootstrap_draws(one[list(columns)].to_numpy(), one.person, draws=p.draws)
    low, high = metrics.interval(drawn, p.level)
    return {c: (float(mean[i]), float(low[i]), float(high[i])) for i, c in enumerate(columns)}


def pooled(part: pd.DataFrame, profile: str) -> dict[str, tuple[float, float, float]]:
    """MSE and CCC of all frames of `part` as one series, with intervals over people: long videos count for more."""
    p = shared(profile)
    names, where = np.unique(part.person, return_inverse=True)
    total = np.zeros((len(names), len(part.sums.iloc[0])))
    np.add.at(total, where, np.stack(part.sums))
    said = scores(total.sum(0))
    if len(names) < 2:
        return {c: (float(said[c]), np.nan, np.nan) for c in ("MSE", "CCC")}
    counts = np.random.default_rng(0).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=p.draws
    )
    drawn = scores(counts @ total)  # (draws,) each
    return {
        c: (float(said[c]), *map(float, metrics.interval(drawn[c], p.level)))
        for c in ("MSE", "CCC")
    }


def _rows(keys: dict, part: pd.DataFrame, profile: str) -> list[dict]:
    """Every metric of one cell of a table."""
    said, together = summary(part, profile), pooled(part, profile)
    out = [(metric, UNITS[metric], *said[metric]) for metric in UNITS]
    out += [
        (metric, unit, *(factor * v for v in said[of]))
        for metric, (of, factor, unit) in OTHERS.items()
    ]
    out += [
        (f"{metric}, frames pooled", UNITS[metric], *together[metric]) for metric in ("MSE", "CCC")
    ]
    return [
        keys | {"metric": metric, "measured": v, "low": low, "high": high, "unit": unit}
        for metric, unit, v, low, high in out
    ]


# ---------------------------------------------------------------- Tables 2 to 5


def _by_length(profile: str, share: float) -> Outcome:
    rows = []
    for length in LENGTHS[share]:
        frame = videos(profile, "grid", share, length)
        frame = frame[frame.train_loss.isin(MAIN)]
        for (network, loss, protocol), part in frame.groupby(
            ["network", "train_loss", "protocol"], sort=False
        ):
            rows += _rows(
                {
                    "network": network,
                    "train_loss": loss,
                    "sequence_length": str(length),
                    "protocol": protocol,
                },
                part,
                profile,
            )
    return outcome(pd.DataFrame(rows), profile, settled=settled(profile, share))


@runs.once
def table_3(profile: str = "quick") -> Outcome:
    """Table 3: 10 % held out, lengths 128, 256, 512; all 36 settings, the one that print leaves out as well."""
    return _by_length(profile, 0.1)


@runs.once
def table_5(profile: str = "quick") -> Outcome:
    """Table 5: 30 % held out, lengths 32 to 384; 60 settings."""
    return _by_length(profile, 0.3)


@runs.once
def table_4(profile: str = "quick") -> Outcome:
    """Table 4: length 256, 10 % held out, each training by itself; intervals over the people of its own test videos."""
    frame = videos(profile, "grid", *TABLE_4)
    rows = []
    for (network, loss, protocol, seed), part in frame[frame.train_loss.isin(MAIN)].groupby(
        ["network", "train_loss", "protocol", "seed"], sort=False
    ):
        rows += _rows(
            {"network": network, "train_loss": loss, "fold": str(seed + 1), "protocol": protocol},
            part,
            profile,
        )
    return outcome(pd.DataFrame(rows), profile, settled=settled(profile, *TABLE_4))


@runs.once
def table_2(profile: str = "quick") -> Outcome:
    """Table 2: the Full network's part of Table 4 with Average, Differences and Sum, each in the unit of its own training loss as printed."""
    full = table_4(profile).frame
    full = full[full.network == FULL].rename(columns={"fold": "training"}).drop(columns="network")
    rows = [full]
    for (loss, protocol), part in full[full.metric == full.train_loss].groupby(
        ["train_loss", "protocol"], sort=False
    ):
        if len(part) < 2:
            continue  # one training deviates from nothing
        away = (part.measured - part.measured.mean()) ** 2
        keys = {"train_loss": loss, "protocol": protocol}
        rows.append(
            pd.DataFrame(
                [
                    keys | {"training": training, "metric": metric, "measured": value}
                    for training, gap in zip(part.training, away, strict=True)
                    for metric, value in (("Average", part.measured.mean()), ("Differences", gap))
                ]
            )
        )
        rows.append(
            pd.DataFrame(
                [
                    keys
                    | {"training": part.training.iloc[-1], "metric": "Sum", "measured": away.sum()}
                ]
            )
        )
    return outcome(pd.concat(rows), profile, settled=settled(profile, *TABLE_4))


# ---------------------------------------------------------------- did it train?


@runs.once
def plateaus(profile: str, share: float, length: int) -> dict[tuple[str, str], bool]:
    """(network, loss) -> did its own validation loss reach a plateau: stopped early in every seed, or flat at the end on average."""
    curves: dict[tuple, list] = {}
    for result in results(profile, "grid", share, length).values():
        for m, member in enumerate(result["members"]):
            curves.setdefault(tuple(member), []).append(
                (result["trained"][m] < sizes(profile).epochs, result["curves"][0][:, m])
            )
    out = {}
    for member, done in curves.items():
        shortest = min(len(curve) for _, curve in done)
        out[member] = all(stopped for stopped, _ in done) or training.plateaued(
            np.mean([curve[:shortest] for _, curve in done], 0)
        )
    return out


@runs.once
def settled(profile: str, share: float, length: int | None = None) -> frozenset[str]:
    """Both protocols if every network and main loss of these lengths reached its plateau, else none."""
    lengths = LENGTHS[share] if length is None else (length,)
    done = all(
        ok
        for one in lengths
        for (_, loss), ok in plateaus(profile, share, one).items()
        if loss in MAIN
    )
    return frozenset(KEPT) if done else frozenset()


@runs.once
def untrained(profile: str) -> pd.DataFrame:
    """Settings whose networks did not reach a plateau, or stand at a CCC of 0 (below 0.02): what an average must not hide."""
    rows = []
    for share, lengths in LENGTHS.items():
        for length in lengths:
            frame = videos(profile, "grid", share, length)
            mean = frame[frame.protocol == NESTED].groupby(["network", "train_loss"]).CCC.mean()
            rows += [
                {
                    "held out": share,
                    "length": length,
                    "network": network,
                    "train_loss": loss,
                    "CCC": mean[network, loss],
                    "plateau": ok,
                }
                for (network, loss), ok in plateaus(profile, share, length).items()
                if loss in MAIN
            ]
    frame = pd.DataFrame(rows)
    frame["learned"] = frame.CCC > 0.02
    return (
        frame.groupby(["network", "train_loss"], sort=False)
        .agg(
            settings=("CCC", "size"),
            plateau=("plateau", "sum"),
            learned=("learned", "sum"),
            mean_CCC=("CCC", "mean"),
        )
        .round(3)
        .reset_index()
    )


@runs.once
def constant_windows(profile: str) -> dict[tuple[float, int], float]:
    """(held-out share, length) -> share of (window, axis) pairs of the test videos whose annotation stands still."""
    return {
        (share, length): float(
            np.mean([r["constant"] for r in results(profile, "grid", share, length).values()])
        )
        for share, lengths in LENGTHS.items()
        for length in lengths
    }


@runs.once
def label_speed(profile: str) -> float:
    """Mean distance in the plane that the annotation moves from one frame to the next: what a constant output adds to MSE / 2."""
    return float(
        np.mean(
            [
                np.hypot(*np.diff(track, axis=0).T).mean()
                for track in world(profile).valence_arousal
                if len(track) > 1
            ]
        )
    )
