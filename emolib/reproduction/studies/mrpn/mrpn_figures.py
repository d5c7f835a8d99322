"""What the figures of chapter 5 draw: clusters of deep features, averaged confusion matrices (notebook 44)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from emolib import metrics
from emolib.reproduction import runs
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.studies.mrpn import mrpn
from emolib.reproduction.studies.mrpn.mrpn_networks import ALONE
from emolib.reproduction.studies.mrpn.mrpn_plan import (
    FUSED,
    LSTM,
    NESTED,
    classes,
    held,
    label,
    stacks,
)

SETUPS = 2  # in print: two ways to divide the actors
REST = "features at rest"


@runs.once
def clusters(profile: str = "quick") -> Outcome:
    """Figure 5.1: t-SNE of what the networks make of the tested clips, from the picture, from the sound and from both, for two pairs of actors.

    Always of the networks on features at rest: those are at hand at every profile.
    """
    bank, r = held(profile, "ravdess"), stacks(profile)["ravdess", "VA+AO", LSTM]
    names, rows = classes(profile, "ravdess"), []
    first = [j for j, s in enumerate(r["seed"]) if s == 0]
    for j in (first[0], first[min(4, len(first) - 1)])[:SETUPS]:
        count, at = r["count"][j], r["tested"][j]
        alone, joint = (
            r["results"][m]["features"][:, j, :count].astype(np.float64) for m in (ALONE, "N0")
        )
        for panel, x in (
            ("picture", alone[0]),
            ("sound", alone[1]),
            ("both", np.concatenate(joint, 1)),
        ):
            xy = _placed(x)
            rows.append(
                pd.DataFrame(
                    {
                        "setup": f"tested: {r['fold'][j]}",
                        "panel": panel,
                        "clip": bank.clip[at[:count]],
                        "emotion": [names[k] for k in bank.label[at[:count]]],
                        "protocol": REST,
                        "x": xy[:, 0],
                        "y": xy[:, 1],
                    }
                )
            )
    return mrpn.outcome(pd.concat(rows), profile, "ravdess")


def _placed(x: np.ndarray) -> np.ndarray:
    """t-SNE of features (N, D), in a frame of its own: (N, 2) between -1 and 1."""
    from sklearn.manifold import TSNE

    spread = (x - x.mean(0)) / np.maximum(x.std(0), 1e-6)
    made = TSNE(
        perplexity=max(2.0, min(30.0, len(x) / 4)), init="pca", random_state=0, max_iter=500
    )
    with threadpool_limits(1):  # so few points: threads would only wait for each other
        xy = made.fit_transform(spread.astype(np.float32)).astype(float)
    xy -= xy.mean(0)
    return np.round(xy / np.abs(xy).max(), 4)


@runs.once
def confusions(profile: str = "quick", name: str = "ravdess") -> Outcome:
    """Figures 5.6 (RAVDESS) and 5.7 (CREMA-D): confusion matrices of the four ways to fuse, averaged over folds and seed 0; rows sum to 1."""
    kinds, rows = classes(profile, name), []
    for model, cell in FUSED.items():
        said = mrpn.clip_by_clip(profile, name, cell)
        found = metrics.confusion(said.truth.to_numpy(), said.named.to_numpy(), len(kinds))
        share = found / np.maximum(found.sum(1, keepdims=True), 1)
        rows += [
            {
                "panel": model,
                "protocol": label(profile, NESTED),
                "true": kinds[i],
                "named": kinds[j],
                "metric": "share of the true class",
                "measured": float(share[i, j]),
                "count": int(found[i, j]),
            }
            for i in range(len(kinds))
            for j in range(len(kinds))
        ]
    return mrpn.outcome(pd.DataFrame(rows), profile, name)


@runs.once
def folds_against_print(profile: str = "quick", name: str = "ravdess") -> Outcome:
    """Extra 57: accuracy of the four ways fold by fold, nested, to be drawn beside print."""
    table, fold = (
        (mrpn.table_5_2(profile), "actors")
        if name == "ravdess"
        else (mrpn.table_5_3(profile), "split")
    )
    frame = table.frame[
        (table.frame.metric == "accuracy")
        & (table.frame.protocol == label(profile))
        & (table.frame[fold] != mrpn.ALL)
    ]
    return mrpn.outcome(frame.rename(columns={fold: "fold"}), profile, name)


def print_beside(profile: str, name: str = "ravdess") -> pd.DataFrame:
    """The printed accuracies of the folds at hand: model, fold, value."""
    from emolib.reproduction import papers

    table = papers.published("chang2021-t5_2" if name == "ravdess" else "chang2021-t5_3").rename(
        columns={"actors": "fold", "split": "fold"}
    )
    return table[table.fold.isin(folds_against_print(profile, name).frame.fold)]
