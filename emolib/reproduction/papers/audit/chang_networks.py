"""The networks of chang2021 in numbers: checks on sections 4.4 and 5.2, the two listings, Figure 5.4."""

from __future__ import annotations

from emolib.reproduction.papers.audit import counting
from emolib.reproduction.papers.audit.counting import total
from emolib.reproduction.papers.audit.record import Table, check, judge, undecided, weigh


def _total(table: Table, metric: str) -> float:
    """One number of a listing of section 4.4."""
    return table.cell(table.labels("system")[0], metric)


@check("chang-d28", "chang2021-text", "chang2021-u4_4a", "chang2021-u4_4b")
def clips_cost_15_times(text, flat, deep):
    """Multiply-adds of the 3-D network are up to 15 times those of CNN and LSTM (4.4)."""
    clip, frame = (_total(table, "Mult-Adds") * 1e9 for table in (deep, flat))
    claimed = text.cell("multiply-adds of 3-D, times")
    same = total(counting.clip_wise(25)).mult_adds / total(counting.frame_wise(25)).mult_adds
    return judge(
        abs(clip / frame - claimed) < 0.5,
        f"{clip:,.0f} / {frame:,.0f} = {clip / frame:.2f}, but that is 25 frames against one; 25 against 25 is "
        f"{same:.2f} times (the text says {claimed:.0f})",
    )


def _parameters(table: Table, parts: dict[str, counting.Count]):
    """Are the printed parameters those of `parts`, to the last one?"""
    whole, trained, fixed = (
        _total(table, f"{m} params") for m in ("Total", "Trainable", "Non-trainable")
    )
    counted = total(parts).parameters
    return judge(
        round(whole * 1e6) == counted == round(trained * 1e6) and fixed == 0,
        " + ".join(f"{count.parameters:,} ({name})" for name, count in parts.items())
        + f" = {counted:,}; printed {whole:.6f}, {trained:.6f} and {fixed:.1f} M",
    )


@check("chang-f9", "chang2021-u4_4a")
def frame_wise_parameters(flat):
    """26.813704 M parameters: two ResNet-18, two LSTM, a head of 1024-256-8 (4.4, first listing)."""
    return _parameters(flat, counting.frame_wise())


@check("chang-f9_2", "chang2021-u4_4b")
def clip_wise_parameters(deep):
    """44.6386 M parameters: a 3-D ResNet-18, a 2-D one for sound, the head (4.4, second listing)."""
    return _parameters(deep, counting.clip_wise())


@check("chang-f9_3", "chang2021-u4_4a", "chang2021-u4_4b")
def both_costs_are_of_one_clip(flat, deep):
    """The two costs are of the same clip (4.4)."""
    printed = round(_total(flat, "Mult-Adds") * 1e9), round(_total(deep, "Mult-Adds") * 1e9)
    one, many = total(counting.frame_wise(1)).mult_adds, total(counting.clip_wise(25)).mult_adds
    return judge(
        printed != (one, many),
        f"{printed[0]:,} is one frame exactly ({one:,}), {printed[1]:,} is 25 frames exactly ({many:,})",
    )


@check("chang-d41")
def n2_adds_527_thousand():
    """N2 has the same fusion component as N1 and two residual perceptrons more (5.2, Fig. 5.4)."""
    norm = {"modality": 2 * 2 * 512, "joint": 2 * 1024, "hidden": 2 * 256}
    body = total(counting.frame_wise()).parameters
    n0 = body + sum(norm.values())
    n1 = n0 + 2 * counting.linear(512, 8).parameters
    n2 = n1 + 2 * (counting.linear(512, 512).parameters + 2 * 512)
    return weigh(
        {"same fusion": n2 - n1 == 2 * (512 * 513 + 1024), "only the loss differs": n2 == n1},
        f"N0 {n0:,}, N1 {n1:,}, N2 {n2:,}: N2 has {n2 - n1:,} parameters more in use, so width and residual "
        f"path change together",
    )


@check("chang-f14")
def fusion_equations_agree():
    """Eq. 26-27 and Eq. 31-32 describe one fusion component (5.2)."""
    joint_norm, dense = 2 * 1024, counting.linear(512, 8).parameters
    scoring = counting.linear(512, 256).parameters + 2 * 256 + counting.linear(256, 8).parameters
    return undecided(
        f"Eq. 26 has a FeatureNorm of {joint_norm:,} parameters after the concatenation, Eq. 27 none; side "
        f"scores by one dense unit of {dense:,} "
        f"parameters (Eq. 31) or by Scoring, {scoring:,} (Eq. 26): the totals of section 4.4 hold neither"
    )
