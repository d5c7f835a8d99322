"""The second verdict on the claims about the four video networks (notebook 11).

Almost every claim needs Aff-Wild: which loss, network or length leads is what a simulator's dials
decide. There such a claim stays 'open', with our numbers; with the real set it needs networks that
reached their plateau, and an interval that leaves no doubt.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import pandas as pd
import torch

from emolib.ground import settings
from emolib.models.video import WIDTHS, Full
from emolib.reproduction import papers
from emolib.reproduction.runs import Study, Verdict, held
from emolib.reproduction.studies.audit import tables as shown
from emolib.reproduction.studies.video_networks import tables
from emolib.reproduction.studies.video_networks.plan import AUDIO, FULL, PLAIN, POSE, TABLE_4
from emolib.reproduction.studies.video_networks.tables import MEASURED, NESTED
from emolib.reproduction.studies.video_networks.training import HALF, MAIN, NI, WITHOUT, loss_of

UNTESTED = "not tested at this profile"
SHORT = {FULL: "Full", PLAIN: "Without mel", AUDIO: "Audio", POSE: "Pose"}


def verdicts(study: Study, paper: str) -> list[Verdict]:
    """Every claim of `paper` that notebook 11 can speak to, in the order of claims.csv."""
    known = papers.claims()
    order = list(known.id[known.paper == paper])
    mine = [v for v in _verdicts(study) if v.claim in order]
    return sorted(mine, key=lambda v: order.index(v.claim))


@held
def _verdicts(study: Study) -> list[Verdict]:
    """The claims of both documents; on simulated videos only what they can decide."""
    every = [
        *open_claims(study),
        *new_loss(study),
        *stability(study),
        *best_losses(study),
        *wins(study),
        *networks(study),
        *lengths(study),
        *cost(study),
    ]
    if study.films.source == "real":
        return every
    decidable = papers.claims().set_index("id").decidable
    why = "the videos are simulated, and only the real ones can decide this; "
    return [
        v if decidable[v.claim] == "yes" else Verdict(v.claim, "open", why + v.because)
        for v in every
    ]


def _verdict(study: Study, claim: str, verdict: str, because: str, **where) -> Verdict:
    """`verdict` if the networks it rests on reached their plateau (Study.settled)."""
    return Verdict(claim, verdict if study.settled(**where) else UNTESTED, because)


def _three(holds: bool, fails: bool) -> str:
    if holds:
        return "holds"
    return "fails" if fails else "open"


def _text(row) -> str:
    """'0.123 [0.100, 0.150]' of a row or dict with measured, low and high."""
    value, low, high = (row[name] for name in MEASURED)
    return f"{value:.3f}" + ("" if pd.isna(low) else f" [{low:.3f}, {high:.3f}]")


def open_claims(study: Study) -> list[Verdict]:
    """What no measurement can decide, with the numbers that come nearest."""
    cell = tables.table_3(study).frame.query(
        f"network == '{AUDIO}' and train_loss == '{NI}' and sequence_length == '256' "
        f"and metric == 'CCC' and protocol == '{NESTED}'"
    )
    highest = tables.mean_ccc(study, 7).frame.measured.max()
    labels = np.concatenate(study.films.valence_arousal)
    redrawn = tables.split_ways(study).frame.query("what == 'drawn anew in each epoch'")
    changes = "; ".join(f"{row.train_loss} {_text(row)}" for _, row in redrawn.iterrows())
    because = {
        "orgil-a0_2": "what was not printed cannot be measured; ours has all 36 settings, the "
        f"missing one with CCC {_text(cell.iloc[0])}",
        "orgil-a2_1": "ours are written both ways; the highest mean of a network is "
        f"{highest:.3f}, as a sum {2 * highest:.3f}",
        "orgil-a2_4": f"our annotations lie between {labels.min():.2f} and {labels.max():.2f}; how "
        "the authors scaled theirs nothing measured can tell",
        "orgil-a5_3": "a width in a text cannot be measured; ours has 256 where no sound follows, "
        "512 as an argument",
        "orgil-a5_1": "the text allows both readings; videos drawn anew in each epoch change CCC "
        f"by {changes} (Full, length 256)",
    }
    return [Verdict(claim, "open", text) for claim, text in because.items()]


# ---- what the new loss does


def new_loss(study: Study) -> list[Verdict]:
    """Its terms against half a step, the jitter of its outputs, and the best run of the text."""
    rows = tables.controls(study).frame
    rows = rows[rows.metric == "CCC, difference"]
    ni, step = rows[rows["less"] == HALF].iloc[0], rows[rows["trained with"] == HALF].iloc[0]
    differs = ni.said == "differs"
    better = _three(differs and ni.measured > 0, differs or ni.said.startswith("equal"))
    terms = (
        f"CCC, Full, length 256: NI less {HALF} {_text(ni)} ({ni.said}); "
        f"{HALF} less MSE {_text(step)} ({step.said})"
    )

    of = tables.trained(study, *TABLE_4)
    ccc, free = (
        tables.difference(study, of[name], of[NI], "rest") for name in ("CCC", WITHOUT["speed"])
    )
    rest = {name: tables.summary(study, of[name], ("rest",)).loc["rest"] for name in (NI, "CCC")}
    tracks = [track for track in study.films.valence_arousal if len(track) > 1]
    speed = np.mean([np.hypot(*np.diff(track, axis=0).T).mean() for track in tracks])
    jitter = (
        f"Full, length 256: rest {_text(rest[NI])} trained with NI, {_text(rest['CCC'])} with CCC; "
        f"CCC less NI {_text(ccc)}, NI without its speed term less NI {_text(free)}; "
        f"the annotation itself moves {speed:.4f} a frame"
    )
    smoother = _three(ccc["low"] > 0 and ccc["people"] >= tables.FEW, ccc["high"] < 0)

    full = tables.main_rows(study)
    full = full[(full.network == FULL) & (full.protocol == NESTED)]
    keys, axes = ["share", "sequence_length", "train_loss"], ["valence", "arousal"]
    best, single = full.groupby(keys)[axes].mean().max(), full[axes].max()
    runs = (
        f"Full, nested: best mean over videos valence {best.valence:.2f}, arousal "
        f"{best.arousal:.2f}; best single video {single.valence:.2f} and {single.arousal:.2f}; "
        "the text says 0.404 and 0.86"
    )
    reached = "holds" if best.arousal >= 0.86 and best.valence >= 0.404 else "fails"
    here = {"networks": (FULL,), "shares": (0.1,)}
    at_256 = here | {"lengths": (256,), "losses": (NI, "CCC")}
    return [
        _verdict(study, "orgil-a1_7", better, terms, **here),
        _verdict(study, "orgil-a1_9", smoother, jitter, **at_256),
        _verdict(study, "orgil-a2_2", reached, runs, networks=(FULL,)),
    ]


def stability(study: Study) -> list[Verdict]:
    """Squared deviations of five trainings, and one training's spread against the median lead."""
    frame = tables.stability(study).frame
    frame = frame[frame.split == "one split for all"].set_index(["metric", "train_loss"]).measured
    if frame.isna().any():
        stable = Verdict("orgil-a3_2", UNTESTED, "one training has no spread")
    else:
        of = {m: frame[f"{m}, sum of squared deviations"] for m in ("CCC", "MSE")}
        ratio = {m: v["CCC"] / v[NI] for m, v in of.items()}
        because = (
            "trainings on one split, squared deviations of CCC training over those of NI training: "
            + ", ".join(f"{v:.1f} in {m}" for m, v in ratio.items())
        )
        verdict = _three(min(ratio.values()) > 1, max(ratio.values()) < 1)
        where = {"networks": (FULL,), "losses": ("CCC", NI), "shares": (0.1,)}
        stable = _verdict(study, "orgil-a3_2", verdict, because, **where)
    cells = tables.table_4(study).frame
    cells = cells[(cells.metric == "CCC") & (cells.protocol == NESTED)]
    spread = cells.groupby(["network", "train_loss"]).measured.std()
    lead = tables.leads(study).frame.measured.median()
    because = (
        f"standard deviation of a single training's CCC {spread.mean():.3f} on average over "
        f"{len(spread)} settings (its split included); median lead {lead:.3f}"
    )
    verdict = "fails" if spread.mean() > lead else "open"
    return [stable, _verdict(study, "orgil-a3_4", verdict, because, shares=(0.1,))]


# ---- which loss is best


def _rank(frame: pd.DataFrame, xs, loss: str, top: bool = True) -> tuple[str, str]:
    """Is `loss` best (or worst) at every one of `xs`? Verdict and numbers."""
    at = frame.set_index(["x", "train_loss"])
    sign = 1 if top else -1
    near, far = ("low", "high") if top else ("high", "low")
    clear, beaten, parts = True, False, []
    for x in xs:
        own, others = at.loc[(x, loss)], {o: at.loc[(x, o)] for o in MAIN if o != loss}
        clear &= all(sign * own[near] > sign * o.measured for o in others.values())
        beaten |= any(sign * o[near] > sign * own.measured for o in others.values())
        numbers = ", ".join(f"{name} {o.measured:.3f}" for name, o in others.items())
        parts.append(f"{SHORT.get(x, x)}: {loss} {_text(own)}, {numbers}")
    return _three(clear, beaten), "; ".join(parts)


def best_losses(study: Study) -> list[Verdict]:
    """Which loss leads in Figures 7 to 10, in MSE, and over the lengths."""
    f = {n: tables.mean_ccc(study, n).frame for n in (7, 8, 9, 10)}
    both = pd.concat([f[8].assign(x=f[8].x + " at 10 %"), f[9].assign(x=f[9].x + " at 30 %")])
    two = (FULL, PLAIN)
    asked = {
        "orgil-a4_1": (f[7], two, NI, True, {"networks": two, "shares": (0.1,)}),
        "orgil-a4_1_2": (f[10], two, NI, True, {"networks": two, "shares": (0.3,)}),
        "orgil-a4_2": (both, both.x.unique(), NI, True, {}),
        "orgil-a4_2_2": (f[8], f[8].x.unique(), "CCC", True, {"shares": (0.1,)}),
        "orgil-a4_3": (f[9], ("32", "64"), "CCC", False, {"shares": (0.3,)}),
    }
    out = [
        _verdict(study, claim, *_rank(frame, xs, loss, top), **where)
        for claim, (frame, xs, loss, top, where) in asked.items()
    ]
    cells = tables.table_3(study).frame
    cells = cells[(cells.metric == "MSE") & (cells.protocol == NESTED)]
    best = cells.loc[cells.groupby(["network", "sequence_length"]).measured.idxmin()]
    three = (FULL, PLAIN, AUDIO)
    count = {n: int(((best.network == n) & (best.train_loss == NI)).sum()) for n in three}
    because = ", ".join(f"{c} of 3 lengths ({SHORT[n]})" for n, c in count.items())
    verdict = "holds" if min(count.values()) >= 2 else "fails"
    where = {"networks": three, "shares": (0.1,)}
    because = "lowest MSE with NI in " + because
    out.append(_verdict(study, "orgil-a4_14", verdict, because, **where))

    spread = f[9].groupby("train_loss", sort=False).measured.agg(lambda v: v.max() - v.min())
    verdict, _ = _rank(f[9], f[9].x.unique(), NI)
    steady = _three(verdict == "holds" and spread.idxmin() == NI, verdict == "fails")
    because = ", ".join(f"{loss} {v:.3f}" for loss, v in spread.items())
    because = "range of the mean CCC over lengths 32 to 384: " + because
    return [*out, _verdict(study, "orgil-a4_15", steady, because, shares=(0.3,))]


def wins(study: Study) -> list[Verdict]:
    """How many settings each loss wins, and how many of these wins survive Holm."""
    survives = tables.leads(study).frame.set_index("winner").survives == "yes"
    count = survives.groupby(level=0).agg(["size", "sum"])
    because = "nested: " + ", ".join(
        f"{loss} wins {row['size']}, {row['sum']} survive Holm" for loss, row in count.iterrows()
    )
    total, kept, own = len(survives), int(survives.sum()), count["sum"].get(NI, 0)
    many = "holds" if kept > total / 2 else "fails"
    text = f"{kept} of {total} wins beat both other losses after Holm; {because}"
    return [
        _verdict(study, "orgil-a4_10", _three(own > total / 2, own < kept - own), because),
        _verdict(study, "orgil-a4_11", many, text),
    ]


# ---- networks and lengths


def _over_losses(study: Study, figure: int) -> pd.DataFrame:
    """Mean of the three losses at each x of a figure, and of their intervals."""
    frame = tables.mean_ccc(study, figure).frame
    return frame.groupby("x", sort=False)[list(MEASURED)].mean()


def networks(study: Study) -> list[Verdict]:
    """Printed means of networks against ours; Full less Without mel; sound against no sound."""
    means, out = _over_losses(study, 7), []
    for claim, network, printed in (
        ("orgil-a4_4", POSE, 0.163),
        ("orgil-a4_4_2", PLAIN, 0.339),
        ("orgil-a4_4_3", FULL, 0.324),
        ("orgil-a4_5", AUDIO, 0.206),
    ):
        row = means.loc[network]
        verdict = "holds" if row.low <= printed <= row.high else "fails"
        because = f"ours {_text(row)} as a mean of the axes; the text says {printed}"
        where = {"networks": (network,), "shares": (0.1,)}
        out.append(_verdict(study, claim, verdict, because, **where))

    at = {n: tables.mean_ccc(study, n).frame.set_index(["x", "train_loss"]) for n in (7, 10)}
    gaps = ", ".join(
        f"{SHORT[n]} {at[7].measured[n, NI] - at[10].measured[n, NI]:+.3f}" for n in (FULL, PLAIN)
    )
    because = f"NI, 10 % less 30 % held out: {gaps}; other lengths and other videos stand in both"
    two = {"networks": (FULL, PLAIN)}
    out.append(_verdict(study, "orgil-a4_6", "open", because, losses=(NI,), **two))

    every = tables.main_rows(study)
    of = dict(list(every[every.protocol == NESTED].groupby("network")))
    mel = tables.difference(study, of[FULL], of[PLAIN])
    voice = tables.difference(study, of[AUDIO], of[POSE])
    inside = mel["low"] > -tables.SAME and mel["high"] < tables.SAME
    same = _three(inside, mel["low"] > 0 or mel["high"] < 0)
    worse = _three(mel["low"] > 0 and voice["low"] > 0, mel["high"] < 0 or voice["high"] < 0)
    less, where = f"Full less Without mel {_text(mel)}", ", CCC over all lengths and losses"
    both = f"{less}; Audio less Pose {_text(voice)}"
    out.append(_verdict(study, "orgil-a4_12", same, less + where, **two))
    return [*out, _verdict(study, "orgil-a4_13", worse, both + where)]


def lengths(study: Study) -> list[Verdict]:
    """Which length of window is best; and did every setting learn?"""
    at, out = {"10 %": _over_losses(study, 8), "30 %": _over_losses(study, 9)}, []
    parts = []
    for share, frame in at.items():
        means = ", ".join(f"{x} {value:.3f}" for x, value in frame.measured.items())
        parts.append(f"{share} {means}")
    because = "mean CCC by length: " + "; ".join(parts)
    for claim, length in (("orgil-a4_7", "256"), ("orgil-a4_7_2", "128")):
        best = all(frame.measured.idxmax() == length for frame in at.values())
        beaten = any((frame.low > frame.measured[length]).any() for frame in at.values())
        out.append(_verdict(study, claim, _three(best and not beaten, beaten), because))
    count = tables.untrained(study)[["settings", "learned", "plateau"]].sum()
    because = (
        f"{count.learned} of {count.settings} settings of ours have a CCC above 0.02, "
        f"{count.plateau} reached their plateau"
    )
    verdict = "holds" if count.learned == count.settings else "fails"
    return [*out, _verdict(study, "orgil-a4_8", verdict, because)]


# ---- cost


def batch_seconds(*, length: int, loss: str, count: int = 64, rounds: int = 20) -> float:
    """Seconds of an iteration of Full at the printed widths: median of some, after a first one.

    count   windows in the batch; forward, backward and step on settings.device()
    """
    device = settings.device()
    net = Full().to(device)
    step = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, fused=True)
    read = {name: torch.rand(count, length, width, device=device) for name, width in WIDTHS.items()}
    target = torch.rand(count, length, 2, device=device)
    mask = torch.ones(count, length, dtype=torch.bool, device=device)
    seconds = []
    for _ in range(1 + rounds):
        begun = time.perf_counter()
        step.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            pred = net(read)
        loss_of(loss).of(pred.float(), target, mask=mask).backward()
        step.step()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[1:])


def cost(study: Study) -> list[Verdict]:
    """Counted operations depend on no machine; seconds are measured on a graphics card only."""
    flop = shown.batch_cost(shown.Study("full")).frame.set_index("step").measured
    whole = flop["all"]
    verdict = UNTESTED
    because = f"{whole:.0f} GFLOP in 0.01 s are {flop['all, in 0.01 s']:.1f} TFLOP/s"
    if study.profile == "full" and settings.device() == "cuda":
        seconds = batch_seconds(length=256, loss=NI)
        verdict = "holds" if seconds <= 0.015 else "fails"
        because += f"; measured here {1e3 * seconds:.1f} ms"
    faster = (
        f"a batch of 64 windows takes {whole:.0f} GFLOP at length 256 and {2 * whole:.0f} at 512, "
        "every operation being one of a frame; the new loss adds some thirty operations to a "
        "frame's sixteen million, so it makes nothing faster"
    )
    return [Verdict("orgil-a5_8", "fails", faster), Verdict("orgil-f3", verdict, because)]
