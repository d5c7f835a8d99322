"""Four transformers on annotated video (orgil2022, 3.2.3 and 4.3): Table 4.3, what enters the decoder, and long windows (notebook 12).

A protocol says which epoch is shown and what entered the decoder:

    nested                        weights of the best epoch on validation people; learned queries, attention to the whole window
    selected on the reported set  the epoch that is best on the test windows themselves, as in print
    queries, causal ...           the same as nested with another decoder or attention
    ..., true labels (leak)       the decoder is fed the annotation of the frame before, also in the test

CCC is over all test frames as one series, averaged over seeds; each seed tests other people. Intervals resample persons (or videos).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from emolib import metrics
from emolib.models.transformer import NETWORKS, Mesh
from emolib.reproduction import papers, runs
from emolib.reproduction.runs.outcome import Outcome, sources_of
from emolib.reproduction.runs.profiles import profile as shared
from emolib.reproduction.studies.losses.loss_tracks import TRAINED, count
from emolib.reproduction.studies.transformers import transformers_plan as planned
from emolib.reproduction.studies.transformers.transformer_networks import LOSSES
from emolib.reproduction.studies.transformers.transformers_plan import (
    CAUSAL,
    FULL,
    MODELS,
    SHIFTED,
    people,
    results,
    sizes,
    world,
)
from emolib.reproduction.studies.transformers.transformers_plan import (
    prepared as prepared,  # the notebook's first call
)
from emolib.reproduction.studies.transformers.transformers_plan import (
    train as train,  # and its second
)

NESTED, REPORTED, COUNTED = "nested", "selected on the reported set", "counted"
FREE, LEAK, COPY = (
    "shifted labels, free running",
    "shifted labels, true labels (leak)",
    "the label of the frame before, no network",
)
SHOWN = (
    "Accuracy @2CCC",
    "2CCC, mean over videos",
    "Valence",
    "Arousal",
    "parameters at full size",
)  # of Table 4.3's long file, in the notebook
SCORES = ("Valence", "Arousal", "Accuracy @2CCC", "2CCC, mean over videos", "MSE, both axes")


def outcome(frame: pd.DataFrame, profile: str, **more) -> Outcome:
    return Outcome(
        frame.reset_index(drop=True),
        profile,
        sources_of(world(profile)),
        tuple(range(planned.seeds(profile))),
        planned.caps(profile),
        **more,
    )


# ---- scores with their intervals


def moments(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Sums that CCC is made of, per window: (W, L, 2) twice -> (W, 2, 6): count, x, y, xx, yy, xy. Sums add up over windows, CCC does not."""
    x, y = pred.astype(float), target.astype(float)
    return np.stack(
        [
            np.ones_like(x).sum(1),
            x.sum(1),
            y.sum(1),
            (x * x).sum(1),
            (y * y).sum(1),
            (x * y).sum(1),
        ],
        -1,
    )


def of_moments(m: np.ndarray) -> np.ndarray:
    """SCORES from summed moments (..., 2, 6) -> (..., 5) without the fourth, which needs videos (NaN there)."""
    n, x, y, xx, yy, xy = np.moveaxis(m, -1, 0)
    n = np.where(n > 0, n, np.nan)
    mx, my = x / n, y / n
    below = np.maximum(xx / n - mx * mx, 0) + np.maximum(yy / n - my * my, 0) + (mx - my) ** 2
    moved = yy / n - my * my > 1e-12
    ccc = np.where(
        moved | np.isnan(n), 2 * (xy / n - mx * my) / np.where(moved, below, 1), 0.0
    )  # (..., 2)
    error = ((xx - 2 * xy + yy) / n).sum(-1)
    return np.stack(
        [ccc[..., 0], ccc[..., 1], ccc.sum(-1), np.full(error.shape, np.nan), error], -1
    )


@runs.once
def drawn(
    profile: str, model: str, loss: str, way: str = FULL, which: str = "pred"
) -> tuple[np.ndarray, np.ndarray]:
    """SCORES as measured (5,) and in resampled worlds (draws, 5): persons are drawn, the same draw for every seed, loss and model.

    which   'pred', 'reported', 'forced', or 'copy': the label of the frame before in the place of a prediction
    """
    who = people(profile)
    names = np.unique(who)
    counts = np.random.default_rng(0).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=shared(profile).draws
    )
    weights = np.vstack([np.ones(len(names), int), counts])[
        :, np.searchsorted(names, who)
    ]  # (1 + draws, videos)
    out = []
    for r in results(profile, model, loss, way):
        pred = (
            np.concatenate([r["target"][:, :1], r["target"][:, :-1]], 1)
            if which == "copy"
            else r[which]
        )
        videos, place = np.unique(r["video"], return_inverse=True)
        m = np.zeros((len(videos), 2, 6))
        np.add.at(m, place, moments(pred, r["target"]))
        w = weights[:, videos].astype(float)  # (1 + draws, V)
        scores = of_moments(np.tensordot(w, m, 1))  # (1 + draws, 5)
        alone = of_moments(m)[:, 2]  # (V,)
        scores[:, 3] = w @ alone / np.where(w.sum(1) > 0, w.sum(1), np.nan)
        out.append(scores)
    with np.errstate(invalid="ignore"):
        mean = _mean(np.stack(out))
    return mean[0], mean[1:]


def _mean(scores: np.ndarray) -> np.ndarray:
    """Mean over seeds (S, D, 5) -> (D, 5); a draw in which a seed tests nobody counts the other seeds."""
    known = np.isfinite(scores)
    return np.where(
        known.any(0), np.where(known, scores, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan
    )


def tested(profile: str, model: str, loss: str, way: str = FULL) -> int:
    """How many persons stand behind a score."""
    return len(
        np.unique(
            people(profile)[
                np.concatenate([r["video"] for r in results(profile, model, loss, way)])
            ]
        )
    )


def scored(
    profile: str, model: str, loss: str, way: str = FULL, which: str = "pred"
) -> dict[str, tuple[float, float, float]]:
    """{score: (measured, low, high)}; no interval where a single person is tested: there is nothing to resample."""
    value, draws = drawn(profile, model, loss, way, which)
    low, high = metrics.interval(
        draws if tested(profile, model, loss, way) > 1 else np.full_like(draws, np.nan),
        shared(profile).level,
    )
    return {
        name: (float(v), float(a), float(b))
        for name, v, a, b in zip(SCORES, value, low, high, strict=True)
    }


# ---- Table 4.3


@runs.once
def table_4_3(profile: str = "quick") -> Outcome:
    """Every column of Table 4.3 for four models and three losses, both readings of 2CCC, and the parameters.

    The printed score is not valence + arousal in any row: `in_print` holds that sum beside it. Seconds of an epoch are in the provenance
    (caps) and in what `train` shows, not in this table: they differ from run to run.
    """
    print_ = papers.published("orgil2022-t4_3").set_index(["model", "loss", "metric"]).value
    rows, seconds = [], {}
    for model in MODELS:
        for loss in LOSSES:
            done, common = results(profile, model, loss), {"model": model, "loss": loss}
            seconds[f"{model}, {loss}"] = round(
                float(np.mean([r["epoch_seconds"] for r in done])), 4
            )
            rows.append(
                common
                | {
                    "metric": "Epochs",
                    "protocol": NESTED,
                    "measured": float(np.mean([len(r["loss"]) for r in done])),
                    "unit": "epochs",
                }
            )
            for protocol, which in ((NESTED, "pred"), (REPORTED, "reported")):
                for name, (value, low, high) in scored(profile, model, loss, which=which).items():
                    said = (
                        print_.get((model, loss, "Valence"), np.nan)
                        + print_.get((model, loss, "Arousal"), np.nan)
                        if name == "Accuracy @2CCC"
                        else np.nan
                    )
                    rows.append(
                        common
                        | {
                            "metric": name,
                            "protocol": protocol,
                            "measured": value,
                            "low": low,
                            "high": high,
                            "unit": _unit(name),
                            "in_print": said,
                        }
                    )
        rows += [
            {
                "model": model,
                "loss": "",
                "metric": metric,
                "protocol": COUNTED,
                "measured": float(n),
                "unit": "parameters",
            }
            for metric, n in (
                ("parameters", results(profile, model, "Ours")[0]["parameters"]),
                ("parameters at full size", full_parameters(model)),
            )
        ]
    made = outcome(pd.DataFrame(rows), profile, settled=settled(profile) | {COUNTED})
    made.caps["seconds of an epoch"] = seconds
    return made


def _unit(name: str) -> str:
    return (
        "squared units"
        if name.startswith("MSE")
        else "2CCC (maximum 2)"
        if "2CCC" in name
        else "ccc"
    )


def full_parameters(model: str) -> int:
    """Of the standard transformer on mesh and ResNet50 features, counted without making it."""
    with torch.device("meta"):
        return sum(p.numel() for p in NETWORKS[model]().parameters())


@runs.once
def settled(profile: str) -> frozenset[str]:
    """The protocols of Table 4.3 where all runs reached their plateau: none of a profile with narrow networks decides a claim about wide ones."""
    done = all(
        r["settled"] for model in MODELS for loss in LOSSES for r in results(profile, model, loss)
    )
    return frozenset({NESTED, REPORTED} if done else ())


# ---- which loss is better


@runs.once
def differences(profile: str = "quick") -> Outcome:
    """Losses in pairs, model by model: difference of 2CCC, paired by person and seed; twelve comparisons, one family (Holm)."""
    rows, ps = [], []
    for model in MODELS:
        for a, b in combinations(LOSSES, 2):
            (va, da), (vb, db) = drawn(profile, model, a), drawn(profile, model, b)
            gap = (da - db)[:, SCORES.index("Accuracy @2CCC")]
            gap = gap[np.isfinite(gap)] if tested(profile, model, a) > 1 else gap[:0]
            low, high = (
                metrics.interval(gap, shared(profile).level) if len(gap) else (np.nan, np.nan)
            )
            ps.append(min(1.0, 2 * (1 + min((gap <= 0).sum(), (gap >= 0).sum())) / (len(gap) + 1)))
            rows.append(
                {
                    "model": model,
                    "better": a,
                    "than": b,
                    "metric": "difference of 2CCC",
                    "measured": float((va - vb)[SCORES.index("Accuracy @2CCC")]),
                    "low": float(low),
                    "high": float(high),
                    "unit": "2CCC",
                }
            )
    frame = pd.DataFrame(rows)
    frame["p, Holm"] = np.round(metrics.holm(ps), 4)
    return outcome(frame, profile)


# ---- what enters the decoder, and what attention may see


@runs.once
def decoders(profile: str = "quick") -> Outcome:
    """The Feature transformer with learned queries, causal attention, and shifted labels: its own (free running) or the true ones (a leak)."""
    rows = []
    for model in sizes(profile).ways_of:
        for loss in sizes(profile).ways_losses:
            for name, way, which in (
                ("queries, whole window", FULL, "pred"),
                (CAUSAL, CAUSAL, "pred"),
                (FREE, SHIFTED, "pred"),
                (LEAK, SHIFTED, "forced"),
                (COPY, SHIFTED, "copy"),
            ):
                if which == "copy" and loss != "Ours":
                    continue
                found = scored(profile, model, loss, way, which)
                rows += [
                    {
                        "model": model,
                        "decoder": name,
                        "loss": "any" if which == "copy" else loss,
                        "metric": score,
                        "measured": found[score][0],
                        "low": found[score][1],
                        "high": found[score][2],
                        "unit": _unit(score),
                    }
                    for score in ("Accuracy @2CCC", "Valence", "Arousal")
                ]
    return outcome(pd.DataFrame(rows), profile)


# ---- lengths


def _mesh_network(profile: str, length: int, width: int) -> Mesh:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Mesh(
            widths={"mesh": 8},
            **(sizes(profile).net | {"width": width, "dropout": 0.0, "max_length": length}),
        ).eval()


@runs.once
def lengths(profile: str = "quick") -> Outcome:
    """Windows up to 2,048 frames: numbers a plain attention writes and a fused one writes, and by how much their outputs differ."""
    rows = []
    for length in sizes(profile).lengths:
        net = _mesh_network(profile, length, sizes(profile).net["width"])
        x = torch.rand(1, length, 8, generator=torch.Generator().manual_seed(0))
        found, said = {}, {}
        for name, backend in (("plain", SDPBackend.MATH), ("fused", SDPBackend.FLASH_ATTENTION)):
            with torch.no_grad(), sdpa_kernel(backend):
                said[name] = net(mesh=x)
                found[name] = count_forward(net, x)
        rows += [
            {"frames": str(length), "metric": metric, "measured": value, "unit": unit}
            for metric, value, unit in (
                ("written by plain attention", found["plain"] / 1e6, "million numbers"),
                ("written by fused attention", found["fused"] / 1e6, "million numbers"),
                (
                    "largest difference of the outputs",
                    round(float((said["plain"] - said["fused"]).abs().max()), 6),
                    "valence or arousal",
                ),
            )
        ]
    return Outcome(pd.DataFrame(rows), profile, caps=planned.caps(profile))


def count_forward(net, x: Tensor) -> int:
    from emolib.reproduction.studies.losses.loss_tracks import Counted

    with Counted() as counted:
        net(mesh=x)
    return counted.numbers


# ---- what a loss costs beside a transformer


@runs.once
def costs(profile: str = "quick") -> Outcome:
    """Numbers written in a step of the Mesh transformer and by each loss, forward and backward, on a batch of 8 windows."""
    s, rows = sizes(profile), []
    net = _mesh_network(profile, s.length, s.net["width"])
    x = torch.rand(s.batch, s.length, 8, generator=torch.Generator().manual_seed(0))
    pred, target = (
        torch.rand(s.batch, s.length, 2).requires_grad_(),
        torch.rand(s.batch, s.length, 2),
    )
    whole = count(lambda a, _: net(mesh=a).sum(), x.requires_grad_(), None)
    for loss, function in TRAINED.items():
        c = count(function, pred, target)
        rows += [
            {
                "loss": loss,
                "metric": "numbers written by the loss",
                "measured": float(c.numbers),
                "unit": "numbers",
            },
            {
                "loss": loss,
                "metric": "share of the step",
                "measured": round(c.numbers / (c.numbers + whole.numbers), 6),
                "unit": "fraction",
            },
        ]
    return Outcome(pd.DataFrame(rows), profile, caps=planned.caps(profile))
