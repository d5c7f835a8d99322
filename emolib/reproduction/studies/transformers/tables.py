"""Four transformers on annotated video: Table 4.3, and what enters the decoder (notebook 12).

orgil2022, 3.2.3 and 4.3. A protocol says which epoch is shown and what entered the decoder:

    nested                        weights of the best epoch on validation people; learned queries
    selected on the reported set  the epoch that is best on the test windows themselves, as in print

CCC is over all test frames as one series, averaged over seeds; each seed tests other people.
Intervals resample persons (or videos). Of the losses only what the thesis compares is tested
(PRIMARY, in each of four models, one family); methods without a network stand in Table 4.3 (STOCK).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from emolib import metrics
from emolib.metrics import DETECTABLE, SMALLEST_P, floor, wheel
from emolib.models.transformer import NETWORKS, Mesh
from emolib.reproduction import papers, runs
from emolib.reproduction.runs import Outcome, held
from emolib.reproduction.studies import affect_film
from emolib.reproduction.studies.losses.tables import TRAINED, count
from emolib.reproduction.studies.transformers import training
from emolib.reproduction.studies.transformers.plan import (
    CAUSAL,
    FULL,
    SHIFTED,
    SHORT,
    VARIED,
    Study,
)
from emolib.reproduction.studies.transformers.training import LOSSES, STREAMS, UNITS, Recipe, parts
from emolib.reproduction.studies.video_networks.tables import FILM_PROTOCOL, UNTESTED, ridge

NESTED, REPORTED, COUNTED = "nested", "selected on the reported set", "counted"
SCORE = "Accuracy @2CCC"
SCORES = {
    "Valence": "ccc",
    "Arousal": "ccc",
    SCORE: "2CCC (maximum 2)",
    "2CCC, mean over videos": "2CCC (maximum 2)",
    "MSE, both axes": "squared units",
}
# Of Table 4.3's long file, in the notebook.
SHOWN = (SCORE, "2CCC, mean over videos", "Valence", "Arousal", "parameters at full size")
COPY = "the label of the frame before, no network"
MEAN, RIDGE = "mean label, no network", "ridge on each window, no network"
STOCK = (MEAN, RIDGE, COPY)
PRIMARY = ("Ours", "CCC")  # the thesis compares these two, in each model
OTHERS = (("Ours", "MSE"), ("CCC", "MSE"))
FREE = {FULL: "queries, whole window", SHIFTED: "shifted labels, free running"}
LEAK = "shifted labels, true labels (leak)"
DECODERS = {
    FREE[FULL]: (FULL, "pred"),
    CAUSAL: (CAUSAL, "pred"),
    FREE[SHIFTED]: (SHIFTED, "pred"),
    LEAK: (SHIFTED, "forced"),
    COPY: (SHIFTED, "copy"),
}


# ---------------------------------------------------------------- scores with their intervals


def moments(pred: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Sums that CCC is made of, per window: (W, L, 2) twice -> (W, 2, 6): count, x, y, xx, yy, xy.

    Sums add up over windows, CCC does not.
    """
    x, y = pred.astype(float), target.astype(float)
    return np.stack([v.sum(1) for v in (np.ones_like(x), x, y, x * x, y * y, x * y)], -1)


def of_moments(m: np.ndarray) -> np.ndarray:
    """SCORES from summed moments (..., 2, 6) -> (..., 5); the fourth needs videos, and is NaN."""
    n, x, y, xx, yy, xy = np.moveaxis(m, -1, 0)
    n = np.where(n > 0, n, np.nan)
    mx, my = x / n, y / n
    moved = yy / n - my * my > 1e-12
    below = np.maximum(xx / n - mx * mx, 0) + np.maximum(yy / n - my * my, 0) + (mx - my) ** 2
    ccc = 2 * (xy / n - mx * my) / np.where(moved, below, 1)  # (..., 2)
    ccc = np.where(moved | np.isnan(n), ccc, 0.0)
    error = ((xx - 2 * xy + yy) / n).sum(-1)
    by_video = np.full(error.shape, np.nan)
    return np.stack([ccc[..., 0], ccc[..., 1], ccc.sum(-1), by_video, error], -1)


def answers(study: Study, model: str, loss: str, way: str = FULL) -> list[dict]:
    """One result per seed, of a network or of one of STOCK."""
    return stock(study)[model] if model in STOCK else study.results(model, loss, way)


def counted(study: Study, counts: np.ndarray, *cell: str, which: str = "pred") -> np.ndarray:
    """SCORES (B, 5) where each person counts so often: counts (B, P), in the order of their names.

    which   'pred', 'reported', 'forced', or 'copy': the label of the frame before as the prediction
    """
    people = study.world.subject
    weights = counts[:, np.searchsorted(np.unique(people), people)]  # (B, videos)
    by_seed = []
    for r in answers(study, *cell):
        target = r["target"]
        said = before(target) if which == "copy" else r[which]
        videos, place = np.unique(r["video"], return_inverse=True)
        m = np.zeros((len(videos), 2, 6))
        np.add.at(m, place, moments(said, target))
        w = weights[:, videos].astype(float)  # (B, V)
        scores = of_moments(np.tensordot(w, m, 1))  # (B, 5)
        alone = of_moments(m)[:, 2]  # (V,)
        scores[:, 3] = w @ alone / np.where(w.sum(1) > 0, w.sum(1), np.nan)
        by_seed.append(scores)
    by_seed = np.stack(by_seed)  # (S, B, 5)
    known = np.isfinite(by_seed)  # a draw in which a seed tests nobody counts the other seeds
    total = np.where(known, by_seed, 0).sum(0)
    return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)


def before(target: np.ndarray) -> np.ndarray:
    """The label of the frame before, (W, L, 2): the first of a window is its own."""
    return np.concatenate([target[:, :1], target[:, :-1]], 1)


@held
def drawn(study: Study, *cell: str, which: str = "pred") -> tuple:
    """SCORES as measured (5,) and in resampled worlds (draws, 5), the same for every cell.

    Persons are drawn; with a single one tested there is nothing to resample, and draws are NaN.
    """
    count = len(np.unique(study.world.subject))
    share = np.full(count, 1 / count)
    counts = np.random.default_rng(0).multinomial(count, share, size=study.draws)
    counts = np.vstack([np.ones(count, int), counts])  # the first world is the measured one
    scores = counted(study, counts, *cell, which=which)
    if len(tested(study, *cell)) < 2:
        scores[1:] = np.nan
    return scores[0], scores[1:]


def tested(study: Study, *cell: str) -> np.ndarray:
    """Names of the people (videos, where nobody is known) that the seeds of a cell test."""
    videos = np.concatenate([r["video"] for r in answers(study, *cell)])
    return np.unique(study.world.subject[videos])


def without_each(study: Study, *cell: str) -> np.ndarray:
    """The jackknife's pseudo-values of SCORES, (people tested, 5): n * all - (n - 1) * all but one.

    CCC is no mean over people; these are, nearly, and spread as its parts would.
    """
    names = np.unique(study.world.subject)
    rows = np.isin(names, tested(study, *cell))
    left_out = 1 - np.eye(len(names), dtype=int)[rows]
    counts = np.vstack([np.ones(len(names), int), left_out])
    scores = counted(study, counts, *cell)
    n = int(rows.sum())
    return n * scores[0] - (n - 1) * scores[1:]


def scored(study: Study, *cell: str, which: str = "pred") -> dict[str, dict]:
    """Of a cell (model, loss[, way]), for each of SCORES: metric, measured, low, high, unit."""
    value, draws = drawn(study, *cell, which=which)
    low, high = metrics.interval(draws, study.level)
    rows = zip(SCORES.items(), value, low, high)
    return {
        name: {"metric": name, "measured": v, "low": a, "high": b, "unit": unit}
        for (name, unit), v, a, b in rows
    }


# ---------------------------------------------------------------- without a network


@held
def stock(study: Study) -> dict[str, list[dict]]:
    """Of each of STOCK what `training.run` returns of a network: pred, target, video, per seed.

    Ridge reads the mean of all streams over a window and says one point for all of its frames.
    """
    made = {name: [] for name in STOCK}
    for seed in study.seeds:
        run = study.plan["Multi Transformer", "Ours", FULL, seed]
        how = Recipe(**run["recipe"]), seed, run["length"], STREAMS, run["videos"]
        side = parts(run["data"], *how)
        pooled = {}
        for name, windows in side.items():
            look = [x.mean(1, dtype=torch.float32).numpy() for x in windows.inputs.values()]
            pooled[name] = np.hstack(look), windows.target.mean(1).numpy()
        fit = ridge(pooled["train"], pooled["validation"])
        target = side["test"].target.numpy()
        mean = side["train"].target.mean((0, 1)).numpy()
        by_window = fit.predict(pooled["test"][0])[:, None]
        said = dict(zip(STOCK, (mean, by_window, before(target)), strict=True))
        for name, pred in said.items():
            pred = np.broadcast_to(pred, target.shape)
            made[name].append({"pred": pred, "target": target, "video": side["test"].video})
    return made


# ---------------------------------------------------------------- Table 4.3


@held
def table_4_3(study: Study) -> Outcome:
    """Every column of Table 4.3 for four models and three losses, and both readings of 2CCC.

    The printed score is valence + arousal in no row: `in_print` holds that sum beside it. Seconds
    of an epoch are in the provenance (caps), not in this table: they differ from run to run.
    """
    rows, seconds = [], {}
    for model in NETWORKS:
        for loss in LOSSES:
            results, keys = study.results(model, loss), {"model": model, "loss": loss}
            took = float(np.mean([r["epoch_seconds"] for r in results]))
            seconds[f"{model}, {loss}"] = round(took, 4)
            epochs = float(np.mean([len(r["loss"]) for r in results]))
            epochs = {"metric": "Epochs", "measured": epochs, "unit": "epochs"}
            rows.append(keys | {"protocol": NESTED} | epochs)
            for protocol, which in ((NESTED, "pred"), (REPORTED, "reported")):
                measured = scored(study, model, loss, which=which).values()
                rows += [keys | {"protocol": protocol} | row for row in measured]
        counted = {"model": model, "loss": "", "protocol": COUNTED, "unit": "parameters"}
        trained = study.results(model, "Ours")[0]["parameters"]
        for metric, n in (
            ("parameters", trained),
            ("parameters at full size", full_parameters(model)),
        ):
            rows.append(counted | {"metric": metric, "measured": float(n)})
    for name in STOCK:
        about = {"model": name, "loss": "", "protocol": NESTED}
        rows += [about | row for row in scored(study, name, "").values()]
    axes = printed_scores()
    added = (axes.Valence + axes.Arousal).rename("in_print").reset_index().assign(metric=SCORE)
    frame = pd.DataFrame(rows).merge(added, how="left", on=["model", "loss", "metric"])
    made = study.outcome(frame, settled=settled(study) | {COUNTED})
    made.caps["seconds of an epoch"] = seconds
    return made


def printed_scores() -> pd.DataFrame:
    """What the thesis prints of the networks it scores: model and loss down, metrics across."""
    printed = papers.published("orgil2022-t4_3")
    return printed.pivot(index=["model", "loss"], columns="metric", values="value").dropna()


def full_parameters(model: str) -> int:
    """Of the standard transformer on mesh and ResNet50 features, counted without making it."""
    with torch.device("meta"):
        return sum(p.numel() for p in NETWORKS[model]().parameters())


@held
def settled(study: Study) -> frozenset[str]:
    """The protocols of Table 4.3, if all of its runs reached their plateau."""
    cells = [study.results(model, loss) for model in NETWORKS for loss in LOSSES]
    done = all(r["settled"] for results in cells for r in results)
    return frozenset({NESTED, REPORTED} if done else ())


# ---------------------------------------------------------------- beside it


def compare(study: Study, a: tuple, b: tuple, metric: str = SCORE, family: int = 1) -> dict:
    """Cell a less cell b on the same people: measured, low, high, p, people.

    family   the interval holds for so many comparisons at once (Bonferroni)
    """
    at = list(SCORES).index(metric)
    (value_a, draws_a), (value_b, draws_b) = drawn(study, *a), drawn(study, *b)
    gap = (draws_a - draws_b)[:, at]
    low, high = metrics.interval(gap, 1 - (1 - study.level) / family)
    gap, people = gap[np.isfinite(gap)], len(tested(study, *a))
    tail = 1 + min((gap <= 0).sum(), (gap >= 0).sum())
    p = max(min(1.0, 2 * tail / (len(gap) + 1)), floor(people))
    measured = (value_a - value_b)[at]
    return {"measured": measured, "low": low, "high": high, "p": p, "people": people}


@held
def differences(study: Study) -> Outcome:
    """Losses in pairs: difference of 2CCC, by person and seed. PRIMARY is one family (Holm)."""
    rows, at, family = [], list(SCORES).index(SCORE), len(NETWORKS)
    for a, b in (PRIMARY, *OTHERS):
        for model in NETWORKS:
            row = {"model": model, "better": a, "than": b, "metric": "difference of 2CCC"}
            row |= compare(study, (model, a), (model, b)) | {"unit": "2CCC"}
            gap = (without_each(study, model, a) - without_each(study, model, b))[:, at]
            row[SMALLEST_P] = floor(row["people"], family)
            row[DETECTABLE] = metrics.detectable(gap, np.arange(len(gap)), family=family)
            rows.append(row)
    frame = pd.DataFrame(rows)
    frame["p, Holm"] = np.nan
    asked = frame.better.eq(PRIMARY[0]) & frame.than.eq(PRIMARY[1])
    frame.loc[asked, "p, Holm"] = np.round(metrics.holm(frame.p[asked]), 4)
    frame.loc[~asked, [SMALLEST_P, DETECTABLE]] = np.nan
    said = np.where(frame["p, Holm"] < 0.05, "differs", "open")
    frame["said"] = np.where(asked, said, UNTESTED)
    return study.outcome(frame.drop(columns="p"))


@held
def decoders(study: Study) -> Outcome:
    """One model with learned queries, causal attention, and labels shifted: own or true ones."""
    rows = []
    for loss in study.sizes.ways_losses:
        for name, (way, which) in DECODERS.items():
            if which == "copy" and loss != "Ours":
                continue
            keys = {"model": VARIED, "decoder": name, "loss": "any" if which == "copy" else loss}
            measured = scored(study, VARIED, loss, way, which=which)
            rows += [keys | measured[score] for score in (SCORE, "Valence", "Arousal")]
    return study.outcome(pd.DataFrame(rows))


# ---------------------------------------------------------------- one film, real everywhere


@held
def film_segments(study: Study) -> pd.DataFrame:
    """One row per network, what enters its decoder, loss, seed and tested segment: SCORES."""
    plan, rows = study.film_plan, []
    done = runs.map(training.run, list(plan.values()), jobs=study.jobs, label="a film")
    for (model, loss, way, seed), result in zip(plan, done, strict=True):
        said = {FREE.get(way, ""): result["pred"]}
        if way == SHIFTED:
            said[LEAK] = result["forced"]
        if model == training.LSTM:
            beside = film_without_network(study, seed, result["target"].shape)
            rows += [film_row(result, seed, pred, name) for name, pred in beside.items()]
            said = {"": result["pred"]}
        rows += [film_row(result, seed, x, model, decoder, loss) for decoder, x in said.items()]
    # the methods without a network stand there once for each loss
    return pd.DataFrame(rows).drop_duplicates(["model", "decoder", "loss", "seed"])


def film_row(result: dict, seed: int, pred: np.ndarray, model: str, decoder="", loss="") -> dict:
    """SCORES of answers (W, L, 2) to the tested segment, all its windows as one series."""
    (segment,) = np.unique(result["video"])
    score = of_moments(moments(pred, result["target"]).sum(0))  # (5,)
    about = {"model": model, "decoder": decoder, "loss": loss, "seed": seed, "segment": segment}
    return about | dict(zip(SCORES, score, strict=True))


def film_without_network(study: Study, seed: int, shape: tuple) -> dict[str, np.ndarray]:
    """Answers of the methods of affect_film, in whole windows (W, L, 2) as a network reads them."""
    chosen = training.turn(study.film, seed, affect_film.SEGMENTS)
    (said,) = affect_film.without_network(study.film, chosen, ridge).values()
    return {name: x[: shape[0] * shape[1]].reshape(shape) for name, x in said.items()}


@held
def film_scores(study: Study) -> Outcome:
    """Extra 60: an LSTM and a transformer on the same windows of a film, segment by segment.

    Below the scores, paired by segment: each transformer less the LSTM (one family, Holm over
    them), and true labels at the decoder less a copy of the label before, which is no network.
    """
    each, rows, how = film_segments(study), [], {"draws": study.draws, "level": study.level}
    keys, shown = ["model", "decoder", "loss"], [SCORE, "Valence", "Arousal", "MSE, both axes"]
    by_segment = {
        key: part.groupby("segment")[shown].mean() for key, part in each.groupby(keys, sort=False)
    }
    for key, part in by_segment.items():
        measured = zip(
            shown, *metrics.bootstrap_ci(part.to_numpy(), part.index, **how), strict=True
        )
        for metric, *three in measured:
            about = dict(zip(keys, key, strict=True)) | {"metric": metric, "unit": SCORES[metric]}
            rows.append(about | dict(zip(("measured", "low", "high"), three, strict=True)))
    tests, ridge_key = [], (affect_film.RIDGE.format("both"), "", "")
    for key in by_segment:
        model, decoder, loss = key
        pairs = {}
        if loss:
            pairs = {f"{SCORE}, less ridge": ridge_key}
        if model == VARIED:
            pairs[f"{SCORE}, less LSTM"] = (training.LSTM, "", loss)
        if decoder == LEAK:
            pairs = {f"{SCORE}, less a copy": (affect_film.BEFORE, "", "")}
        for metric, other in pairs.items():
            gap = (by_segment[key] - by_segment[other])[SCORE]
            row = metrics.difference(gap, gap.index, test="sign flips", **how)
            about = dict(zip(keys, key, strict=True)) | {"metric": metric, "unit": "2CCC"}
            tests.append(about | row)
    tests = pd.DataFrame(tests)
    asked = tests.metric == f"{SCORE}, less LSTM"
    tests["p, Holm"] = np.nan
    tests.loc[asked, "p, Holm"] = metrics.holm(tests.p[asked])
    frame = pd.concat([pd.DataFrame(rows), tests.drop(columns="p")])
    return study.outcome(frame.assign(protocol=FILM_PROTOCOL), sources=(study.film,))


@held
def costs(study: Study) -> Outcome:
    """Numbers written in a step of the Mesh transformer and by each loss, forward and backward."""
    s, rows = study.sizes, []
    options = s.net | {"widths": {"mesh": 8}, "dropout": 0.0, "max_length": s.length}
    net, x = Mesh(**options).eval(), torch.rand(s.batch, s.length, 8, requires_grad=True)
    network = count(lambda mesh, _: net(mesh=mesh).sum(), x, None).numbers
    pred = torch.rand(s.batch, s.length, 2, requires_grad=True)
    for loss, function in TRAINED.items():
        own = count(function, pred, torch.rand(s.batch, s.length, 2)).numbers
        for metric, value, unit in (
            ("numbers written by the loss", float(own), "numbers"),
            ("share of the step", round(own / (own + network), 6), "fraction"),
        ):
            rows.append({"loss": loss, "metric": metric, "measured": value, "unit": unit})
    return study.outcome(pd.DataFrame(rows), sources=(), seeds=())


# ---------------------------------------------------------------- figures

STATES = wheel.STATES  # the words of the wheel, for drawing
SCALES = ("each in its own unit, as in print", "both as squared error, both axes")


@held
def by_epoch(study: Study) -> Outcome:
    """Figure 4.11: one transformer with either loss, both curves in their own unit and in one."""
    frames = []
    for loss, unit in (("Ours", "Non-Inertial"), ("MSE", "MSE")):
        (result,) = study.results("Mesh Transformer", loss, SHORT)
        for part, curve in zip(("training", "validation"), result["curves"].swapaxes(0, 1)):
            squared = 2 * curve[:, UNITS.index("MSE")]  # the printed MSE adds the axes
            own = squared if unit == "MSE" else curve[:, UNITS.index(unit)]
            for scale, line in zip(SCALES, (own, squared)):
                about = {"scale": scale, "trained with": loss, "windows": part}
                about |= {"series": f"{loss}, {part}", "epoch": range(1, len(line) + 1)}
                measured = {"metric": "loss", "measured": [round(float(v), 6) for v in line]}
                frames.append(pd.DataFrame(about | measured))
    return study.outcome(pd.concat(frames))


@held
def one_video(study: Study, model: str = "Mesh Transformer", loss: str = "Ours") -> Outcome:
    """Figure 4.12: the longest test video of seed 0, annotation and prediction frame by frame.

    `shown` marks the frame with the median distance of the two: neither the best nor the worst.
    """
    result = study.results(model, loss)[0]
    videos, counts = np.unique(result["video"], return_counts=True)
    video = videos[counts.argmax()]
    rows = result["video"] == video
    target, pred = (result[name][rows].reshape(-1, 2).astype(float) for name in ("target", "pred"))
    apart = np.linalg.norm(target - pred, axis=1)  # (T,)
    at = np.argsort(apart)[len(apart) // 2]
    second = np.arange(len(apart)) * study.recipe.thin / study.world.fps
    frames = []
    for name, points in (("annotation", target), ("prediction", pred)):
        state, distance = wheel.named(points)
        columns = {
            "point": name,
            "second": second.round(3),
            "valence": points[:, 0].round(4),
            "arousal": points[:, 1].round(4),
            "state": state,
            "metric": "distance to the state",
            "measured": distance.round(4),
            "apart": apart.round(4),
            "shown": np.arange(len(apart)) == at,
            "video": str(study.names[video]),
        }
        frames.append(pd.DataFrame(columns))
    return study.outcome(pd.concat(frames))
