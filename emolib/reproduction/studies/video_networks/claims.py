"""The rules of notebook 11: what the four video networks say of the claims of two documents.

Almost every claim needs Aff-Wild: which loss, network or length leads is what a simulator's dials
decide. The claims that the new loss is better rest on the three contrasts that were named before
any run (tables.PRIMARY); where Aff-Wild is not at hand, a real film decides these (ON_FILM). A
claim about the grid is decided by intervals of paired differences, wide enough for all that it
compares at once (Where.family).
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import pandas as pd
import torch
from scipy import stats

from emolib.ground import settings
from emolib.models.video import NETWORKS, WIDTHS, Full
from emolib.reproduction.runs import Claims, Standing, either, held, in_words
from emolib.reproduction.studies import affect_film
from emolib.reproduction.studies.audit import tables as shown
from emolib.reproduction.studies.video_networks import tables
from emolib.reproduction.studies.video_networks.plan import (
    AUDIO,
    FILM,
    FULL,
    LENGTHS,
    PLAIN,
    POSE,
    PRIMARY,
    Sizes,
    Study,
)
from emolib.reproduction.studies.video_networks.tables import NESTED, SAME
from emolib.reproduction.studies.video_networks.training import HALF, MAIN, NI, loss_of

ON_FILM = ("primary contrasts", "short windows")  # of WHERE: a film decides without Aff-Wild
SHORT = {FULL: "Full", PLAIN: "Without mel", AUDIO: "Audio", POSE: "Pose"}
TRAINED_WITH = " trained with "


@dataclass(frozen=True)
class Where:
    """Where a claim looks: held-out shares, lengths (None: all of these shares) and the family.

    family   how many comparisons the claim makes at once
    """

    shares: tuple[float, ...]
    lengths: tuple[int, ...] | None = None
    family: int = 1


WHERE = {
    "primary contrasts": Where((0.1,), (256,), family=len(PRIMARY)),
    "five trainings": Where((0.1,), (256,)),
    "short windows": Where((0.3,), (64,)),  # where worlds are compared
    "Figure 7": Where((0.1,), family=4),  # two networks, NI less both others
    "Figure 8": Where((0.1,), family=6),  # three lengths
    "Figure 9": Where((0.3,), family=10),  # five lengths
    "Figure 9, short": Where((0.3,), (32, 64), family=4),
    "Figures 8 and 9": Where((0.1, 0.3), family=16),
    "Figure 10": Where((0.3,), family=4),
    "MSE of Table 3": Where((0.1,), family=18),  # three networks at three lengths
    "means": Where((0.1,)),
    "all settings": Where((0.1, 0.3)),
    "sound": Where((0.1, 0.3), family=2),
    "lengths": Where((0.1, 0.3), family=6),  # one less all others of its share
    "both shares": Where((0.1, 0.3), (128, 256)),
}


def members(*networks: str, losses: tuple[str, ...] = MAIN) -> tuple[str, ...]:
    """Names of networks for a rule: each with each loss."""
    return tuple(
        f"{network}{TRAINED_WITH}{loss}" for network in networks or NETWORKS for loss in losses
    )


@held
def standing(study: Study, member: str, trained: str) -> Standing:
    """What one network, trained with one loss, shows in CCC over the settings of WHERE."""
    network, loss = member.split(TRAINED_WITH)
    where = WHERE[trained]
    if trained in ON_FILM and not study.real:
        return on_film(study, network, loss, where.family)
    rows, label = [], []
    for share in where.shares:
        label.append(tables.stock(study, share))
        for length in where.lengths or LENGTHS[share]:
            rows.append(tables.videos(study, share, length))
    rows, label = pd.concat(rows), pd.concat(label)
    rows = rows[(rows.network == network) & (rows.train_loss == loss) & (rows.protocol == NESTED)]
    flat = study.settled(
        shares=where.shares, lengths=where.lengths, networks=(network,), losses=(loss,)
    )
    wide, printed = study.sizes.blocks[0], Sizes().blocks[0]
    return Standing(
        f"{SHORT[network]}{TRAINED_WITH}{loss}",
        low=tables.summary(study, rows, ("CCC",)).loc["CCC", "low"],
        trivial=tables.averaged(label[label.network == tables.MEAN]).CCC.mean(),
        flat=flat,
        people=rows.person.nunique(),  # videos where no person is known
        stock=tuple({tables.RIDGE} & set(label.network)),
        family=where.family,
        smaller="" if wide == printed else f"{wide} wide in its first block, in print {printed}",
    )


def on_film(study: Study, network: str, loss: str, family: int) -> Standing:
    """What it shows on the segments of a film."""
    rows, stock = tables.film_rows(study), tables.film_stock(study)
    rows = rows[(rows.network == network) & (rows.train_loss == loss)]
    share, length = tables.film_setting(study)
    return Standing(
        f"{SHORT[network]}{TRAINED_WITH}{loss}, on a film",
        low=tables.summary(study, rows, ("CCC",)).loc["CCC", "low"],
        trivial=tables.averaged(stock[stock.network == tables.MEAN]).CCC.mean(),
        flat=study.plateaus(share, length, FILM)[network, loss],
        people=rows.person.nunique(),
        stock=tuple(sorted({affect_film.READ[network]} & set(stock.network))),
        family=family,
        smaller="one of another set",
    )


claim = Claims("11", standing)
judge = claim.judge


def sure(study: Study, where: str) -> float:
    """Level of intervals of which a whole family holds at the level of the study (Bonferroni)."""
    return 1 - (1 - study.level) / WHERE[where].family


@held
def nested(study: Study, where: str) -> pd.DataFrame:
    """Videos of the settings of WHERE, the epoch chosen on others."""
    shares, lengths = WHERE[where].shares, WHERE[where].lengths
    rows = tables.main_rows(study, shares)
    if lengths:
        rows = rows[rows.sequence_length.isin([str(length) for length in lengths])]
    return rows[rows.protocol == NESTED]


# ---- what the new loss does


def primary(study: Study) -> pd.DataFrame:
    """The three contrasts, by the loss that is taken off."""
    rows = (tables.controls if study.real else tables.film_contrasts)(study).frame
    return rows[rows.said != tables.UNTESTED].set_index("less")


def where_tested(study: Study) -> str:
    """The networks of `primary` in words."""
    return "Full, length 256" if study.real else "Full, eight segments of a film"


PEOPLE = ("people",)  # property of Study


@claim("orgil-a1_7", *members(FULL, losses=(NI, HALF)), trained="primary contrasts", data=PEOPLE)
def new_terms(study: Study):
    """Do speed and direction add anything to half a step of the squared error?"""
    row = primary(study).loc[HALF]
    because = f"CCC, {where_tested(study)}: NI less {HALF} {in_words(row)} ({row.said})"
    differs, same = row.said == "differs", row.said.startswith("equal")
    return either(differs and row.measured > 0, same or (differs and row.measured < 0)), because


@claim("orgil-a4_10", *members(FULL), trained="primary contrasts", data=PEOPLE)
def new_loss(study: Study):
    """Is the new loss better than both others?"""
    rows = primary(study).loc[["MSE", "CCC"]]
    said = "; ".join(f"less {name} {in_words(row)} ({row.said})" for name, row in rows.iterrows())
    differs, same = rows.said == "differs", rows.said.str.startswith("equal")
    holds = (differs & (rows.measured > 0)).all()
    fails = (same | (differs & (rows.measured < 0))).any()
    return either(holds, fails), f"CCC, {where_tested(study)}: NI {said}"


@claim("orgil-a1_9", *members(FULL, losses=(NI, "CCC")), trained="short windows", data=PEOPLE)
def jitter(study: Study):
    """Is what speed and direction charge less after training with them?"""
    if study.real:
        of = tables.trained(study, *tables.SWEEP)
        row, where = tables.difference(study, of["CCC"], of[NI], "rest"), "Full, length 64"
    else:
        rows = tables.film_rows(study)
        of = dict(list(rows[rows.network == FULL].groupby("train_loss")))
        row, where = tables.difference(study, of["CCC"], of[NI], "rest"), where_tested(study)
    because = f"{where}: rest trained with CCC less trained with NI {in_words(row)}"
    return either(row["low"] > 0, row["high"] < 0), because


@claim("orgil-a2_2", *members(FULL), trained="all settings", level=True)
def best_of_the_text(study: Study):
    """Does the best setting of Full reach 0.86 for arousal and 0.404 for valence?"""
    rows = nested(study, "all settings")
    rows = rows[rows.network == FULL]
    keys, parts, holds, fails = ["share", "sequence_length", "train_loss"], [], True, False
    for axis, printed in (("valence", 0.404), ("arousal", 0.86)):
        settings_of = dict(list(rows.groupby(keys)))
        best = max(settings_of, key=lambda at: tables.averaged(settings_of[at])[axis].mean())
        row = tables.summary(study, settings_of[best], (axis,)).loc[axis]
        holds &= row.low >= printed
        fails |= row.high < printed
        parts.append(f"{axis} {in_words(row)}, the text says {printed}")
    return either(holds, fails), "best mean over videos: " + "; ".join(parts)


# ---- how far trainings differ


def spread(squares: float, free: int, level: float) -> tuple[float, float, float]:
    """Standard deviation, and its interval, of a sum of squared deviations (normal errors)."""
    low, high = stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], free)
    return (squares / free) ** 0.5, (squares / low) ** 0.5, (squares / high) ** 0.5


@claim("orgil-a3_2", *members(FULL, losses=("CCC", NI)), trained="five trainings")
def stability(study: Study):
    """Is training with CCC less stable? Ratio of variances on one split, F test."""
    frame = tables.stability(study).frame
    frame = frame[frame.split == "one split for all"].set_index(["metric", "train_loss"])
    free = int(frame.trainings.min()) - 1
    if free < 1:
        return None, "one training has no spread"
    ratios = {}
    for score in ("CCC", "MSE"):
        squares = frame.measured[f"{score}, sum of squared deviations"]
        ratios[score] = squares["CCC"] / squares[NI]
    wanted = stats.f.ppf((1 + study.level) / 2, free, free)
    because = (
        "trainings on one split, squared deviations of CCC training over those of NI training: "
        + ", ".join(f"{ratio:.1f} in {score}" for score, ratio in ratios.items())
        + f"; {free + 1} trainings tell a factor of {wanted:.1f} from luck"
    )
    holds, fails = min(ratios.values()) > wanted, max(ratios.values()) < 1 / wanted
    return either(holds, fails), because


@claim("orgil-a3_4", *members(), trained="five trainings")
def one_run(study: Study):
    """Is one training's spread smaller than the leads that are read off single trainings?"""
    cells = tables.table_4(study).frame
    cells = cells[(cells.metric == "CCC") & (cells.protocol == NESTED)]
    groups = cells.groupby(["network", "train_loss"]).measured
    free = len(cells) - groups.ngroups
    if not free:
        return None, "one training has no spread"
    one, low, high = spread(
        (cells.measured - groups.transform("mean")).pow(2).sum(), free, study.level
    )
    lead = tables.leads(study).frame.measured.median()
    because = (
        f"standard deviation of a single training's CCC {one:.3f} [{low:.3f}, {high:.3f}] "
        f"(its split included); median lead {lead:.3f}"
    )
    # two runs differ by chance by 1.96 * sqrt(2) of it
    return either(holds=1.96 * 2**0.5 * high < lead, fails=low > lead), because


@claim("orgil-a4_11", *members(), trained="all settings")
def wins(study: Study):
    """Are most leads more than two trainings of one setting differ by, on the same videos?"""
    frame = tables.stability(study).frame
    frame = frame[(frame.split == "one split for all") & frame.metric.str.startswith("CCC")]
    free = int((frame.trainings - 1).sum())
    if not free:
        return None, "one training has no spread"
    one, low, high = spread(frame.measured.sum(), free, study.level)
    leads = tables.leads(study).frame
    beyond = 1.96 * (2 / study.sizes.seeds) ** 0.5  # ours are means over seeds
    more = {sd: int((leads.measured > beyond * sd).sum()) for sd in (one, low, high)}
    each = leads.winner.value_counts()
    because = (
        f"{more[one]} of {len(leads)} wins are more than {beyond * one:.3f} ({more[high]} to "
        f"{more[low]} within the interval of that); "
        + ", ".join(f"{loss} wins {count}" for loss, count in each.items())
    )
    half = len(leads) / 2
    return either(holds=more[high] > half, fails=more[low] <= half), because


# ---- which loss is best


def leads_everywhere(
    study: Study, groups: dict, loss: str, where: str, metric: str = "CCC", top: bool = True
):
    """Is `loss` above (or below) both others in every group of videos? Answer, numbers."""
    holds, fails, parts = True, False, []
    for name, rows in groups.items():
        of = dict(list(rows.groupby("train_loss")))
        for other in MAIN:
            if other == loss:
                continue
            gap = tables.difference(study, of[loss], of[other], metric, level=sure(study, where))
            above, below = gap["low"] > 0, gap["high"] < 0
            holds &= above if top else below
            fails |= below if top else above
            parts.append(f"{SHORT.get(name, name)}, {loss} less {other} {in_words(gap)}")
    return either(holds, fails), "; ".join(parts)


def by(study: Study, where: str, column: str, only=None) -> dict[str, pd.DataFrame]:
    """Videos of WHERE by network or by length, in the order of the plan."""
    groups = dict(list(nested(study, where).groupby(column, sort=False)))
    return {name: rows for name, rows in groups.items() if only is None or name in only}


@claim("orgil-a4_1", *members(FULL, PLAIN), trained="Figure 7")
def best_in_two_networks(study: Study):
    """Is NI best in Full and Without mel, 10 % held out?"""
    groups = by(study, "Figure 7", "network", (FULL, PLAIN))
    return leads_everywhere(study, groups, NI, "Figure 7")


@claim("orgil-a4_1_2", *members(FULL, PLAIN), trained="Figure 10")
def best_in_two_networks_at_30(study: Study):
    """The same with 30 % held out."""
    groups = by(study, "Figure 10", "network", (FULL, PLAIN))
    return leads_everywhere(study, groups, NI, "Figure 10")


@claim("orgil-a4_2", *members(), trained="Figures 8 and 9")
def best_at_every_length(study: Study):
    """Is NI best at every length with either share?"""
    groups = {}
    for (share, length), rows in nested(study, "Figures 8 and 9").groupby(
        ["share", "sequence_length"], sort=False
    ):
        groups[f"{length} at {share:.0%}"] = rows
    return leads_everywhere(study, groups, NI, "Figures 8 and 9")


@claim("orgil-a4_2_2", *members(), trained="Figure 8")
def ccc_on_top(study: Study):
    """Is CCC best at every length with 10 % held out?"""
    return leads_everywhere(study, by(study, "Figure 8", "sequence_length"), "CCC", "Figure 8")


@claim("orgil-a4_3", *members(), trained="Figure 9, short")
def ccc_at_short(study: Study):
    """Is CCC worst at 32 and 64 frames?"""
    groups = by(study, "Figure 9, short", "sequence_length")
    return leads_everywhere(study, groups, "CCC", "Figure 9, short", top=False)


@claim("orgil-a4_15", *members(), trained="Figure 9")
def steady(study: Study):
    """Is NI best at every length of Figure 9, and does its mean move least over them?"""
    groups = by(study, "Figure 9", "sequence_length")
    best, _ = leads_everywhere(study, groups, NI, "Figure 9")
    means = nested(study, "Figure 9").groupby(["train_loss", "sequence_length"]).CCC.mean()
    moves = means.groupby("train_loss").agg(lambda v: v.max() - v.min())
    because = ", ".join(f"{loss} {value:.3f}" for loss, value in moves.items())
    because = "range of the mean CCC over lengths 32 to 384: " + because
    return either(best and moves.idxmin() == NI, best is False), because


@claim("orgil-a4_14", *members(FULL, PLAIN, AUDIO), trained="MSE of Table 3")
def wins_by_mse(study: Study):
    """Has NI the lowest MSE at two of three lengths in each of three networks?"""
    where, parts, holds, fails = "MSE of Table 3", [], True, False
    for network, rows in by(study, where, "network", (FULL, PLAIN, AUDIO)).items():
        answers = [
            leads_everywhere(study, {length: at}, NI, where, "MSE", top=False)[0]
            for length, at in rows.groupby("sequence_length", sort=False)
        ]
        won, lost = answers.count(True), answers.count(False)
        holds &= won >= 2
        fails |= lost >= 2
        parts.append(f"{SHORT[network]} {won} lowest, {lost} not, {len(answers) - won - lost} open")
    return either(holds, fails), "MSE with NI over three lengths: " + "; ".join(parts)


# ---- networks and lengths


def level_of(study: Study, network: str, printed: float):
    """Is the printed mean of a network inside our interval?"""
    rows = nested(study, "means")
    row = tables.summary(study, rows[rows.network == network], ("CCC",)).loc["CCC"]
    because = f"ours {in_words(row)} as a mean of the axes; the text says {printed}"
    return bool(row.low <= printed <= row.high), because


@claim("orgil-a4_4", *members(POSE), trained="means", level=True)
def pose_level(study: Study):
    """0.163 of Pose."""
    return level_of(study, POSE, 0.163)


@claim("orgil-a4_4_2", *members(PLAIN), trained="means", level=True)
def plain_level(study: Study):
    """0.339 of Without mel."""
    return level_of(study, PLAIN, 0.339)


@claim("orgil-a4_4_3", *members(FULL), trained="means", level=True)
def full_level(study: Study):
    """0.324 of Full."""
    return level_of(study, FULL, 0.324)


@claim("orgil-a4_5", *members(AUDIO), trained="means", level=True)
def audio_level(study: Study):
    """0.206 of Audio."""
    return level_of(study, AUDIO, 0.206)


@claim("orgil-a4_6", *members(FULL, PLAIN, losses=(NI,)), trained="both shares", level=True)
def less_held_out(study: Study):
    """Is NI 0.07 lower with 30 % held out? The same lengths and videos stand on both sides."""
    rows = nested(study, "both shares").assign(seed=0)  # seeds test other videos at each share
    rows = rows[(rows.train_loss == NI) & rows.network.isin((FULL, PLAIN))]
    gap = tables.difference(study, rows[rows.share == 0.1], rows[rows.share == 0.3])
    because = f"NI in Full and Without mel, 10 % less 30 % held out {in_words(gap)}; printed 0.07"
    inside = gap["low"] <= 0.07 <= gap["high"]
    return either(holds=inside and gap["low"] > 0, fails=not inside), because


@claim("orgil-a4_12", *members(FULL, PLAIN), trained="all settings")
def sound_matters(study: Study):
    """Are Full and Without mel equal within 0.02?"""
    of = by(study, "all settings", "network")
    gap = tables.difference(study, of[FULL], of[PLAIN])
    because = f"Full less Without mel {in_words(gap)}, CCC over all lengths and losses"
    inside = gap["low"] > -SAME and gap["high"] < SAME
    return either(inside, fails=gap["low"] > SAME or gap["high"] < -SAME), because


@claim("orgil-a4_13", *members(), trained="sound")
def interrupted(study: Study):
    """Are Without mel and Pose below the networks that hear, Full and Audio?"""
    of, level = by(study, "sound", "network"), sure(study, "sound")
    mel = tables.difference(study, of[FULL], of[PLAIN], level=level)
    voice = tables.difference(study, of[AUDIO], of[POSE], level=level)
    because = f"Full less Without mel {in_words(mel)}; Audio less Pose {in_words(voice)}"
    holds = mel["low"] > 0 and voice["low"] > 0
    return either(holds, fails=mel["high"] < 0 or voice["high"] < 0), because


def best_length(study: Study, length: str):
    """Is a length above all others of its share? Mean of networks and losses."""
    holds, fails, parts = True, False, []
    for share, rows in nested(study, "lengths").groupby("share"):
        of = dict(list(rows.groupby("sequence_length", sort=False)))
        own = of.pop(length)
        for other, at in of.items():
            gap = tables.difference(study, own, at, level=sure(study, "lengths"))
            holds &= gap["low"] > 0
            fails |= gap["high"] < 0
            parts.append(f"{share:.0%}, {length} less {other} {in_words(gap)}")
    return either(holds, fails), "; ".join(parts)


@claim("orgil-a4_7", *members(), trained="lengths")
def best_at_256(study: Study):
    """256 frames."""
    return best_length(study, "256")


@claim("orgil-a4_7_2", *members(), trained="lengths")
def best_at_128(study: Study):
    """128 frames."""
    return best_length(study, "128")


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


def batch_work() -> pd.Series:
    """GFLOP of a batch of Full at length 256, and TFLOP/s that 0.01 s would ask for."""
    return shown.batch_cost(shown.Study("full")).frame.set_index("step").measured


@claim("orgil-a5_8")
def longer_is_not_free(_: Study):
    """Counted operations depend on no machine."""
    whole = batch_work()["all"]
    because = (
        f"a batch of 64 windows takes {whole:.0f} GFLOP at length 256 and {2 * whole:.0f} at 512, "
        "every operation being one of a frame; the new loss adds some thirty operations to a "
        "frame's sixteen million, so it makes nothing faster"
    )
    return False, because


@claim("orgil-f3")
def batch(study: Study):
    """Seconds are measured on a graphics card only; elsewhere counting leaves it to arithmetic."""
    work = batch_work()
    because = f"{work['all']:.0f} GFLOP in 0.01 s are {work['all, in 0.01 s']:.1f} TFLOP/s"
    if study.profile != "full" or settings.device() != "cuda":
        return None, because
    seconds = batch_seconds(length=256, loss=NI)
    return seconds <= 0.015, f"{because}; measured here {1e3 * seconds:.1f} ms"
