"""The networks of chang2021 in numbers: checks on 4.4 and 5.2, the two listings, Figure 5.4."""

from emolib.reproduction.papers.audit.counting import Count, clip_wise, frame_wise, linear, total
from emolib.reproduction.papers.audit.record import Checks, Table, judge, undecided, weigh

check = Checks("chang2021")


def _printed(listing: Table, metric: str) -> float:
    """One number of a listing of section 4.4."""
    return listing.cell(listing.labels("system")[0], metric)


@check("chang-d28")
def clips_cost_15_times(text, u4_4a, u4_4b):
    clip, frame = (_printed(listing, "Mult-Adds") * 1e9 for listing in (u4_4b, u4_4a))
    claimed = text.cell("multiply-adds of 3-D, times")
    same = total(clip_wise(25)).mult_adds / total(frame_wise(25)).mult_adds
    return judge(
        abs(clip / frame - claimed) < 0.5,
        f"{clip:,.0f} / {frame:,.0f} = {clip / frame:.2f}, but that is 25 frames against one; "
        f"25 against 25 is {same:.2f} times (the text says {claimed:.0f})",
    )


def _parameters(listing: Table, parts: dict[str, Count]):
    """Are the printed parameters those of `parts`, to the last one?"""
    whole, trained = (_printed(listing, f"{kind} params") for kind in ("Total", "Trainable"))
    fixed, counted = _printed(listing, "Non-trainable params"), total(parts).parameters
    words = [f"{count.parameters:,} ({name})" for name, count in parts.items()]
    return judge(
        round(whole * 1e6) == counted == round(trained * 1e6) and fixed == 0,
        f"{' + '.join(words)} = {counted:,}; printed {whole:.6f}, {trained:.6f} and {fixed:.1f} M",
    )


@check("chang-f9")
def frame_wise_parameters(u4_4a):
    """26.813704 M parameters: two ResNet-18, two LSTM, a head of 1024-256-8 (4.4)."""
    return _parameters(u4_4a, frame_wise())


@check("chang-f9_2")
def clip_wise_parameters(u4_4b):
    """44.6386 M parameters: a 3-D ResNet-18, a 2-D one for sound, the head (4.4)."""
    return _parameters(u4_4b, clip_wise())


@check("chang-f9_3")
def both_costs_are_of_one_clip(u4_4a, u4_4b):
    flat, deep = (round(_printed(listing, "Mult-Adds") * 1e9) for listing in (u4_4a, u4_4b))
    one, many = total(frame_wise(1)).mult_adds, total(clip_wise(25)).mult_adds
    return judge(
        (flat, deep) != (one, many),
        f"{flat:,} is one frame exactly ({one:,}), {deep:,} is 25 frames exactly ({many:,})",
    )


@check("chang-d41")
def n2_adds_527_thousand():
    """N2 has the same fusion component as N1 and two residual perceptrons more (5.2, Fig. 5.4)."""
    norms = 2 * 2 * 512 + 2 * 1024 + 2 * 256  # of each modality, of both, of the hidden layer
    n0 = total(frame_wise()).parameters + norms
    n1 = n0 + 2 * linear(512, 8).parameters
    n2 = n1 + 2 * (linear(512, 512).parameters + 2 * 512)
    return weigh(
        {"same fusion": n2 - n1 == 2 * (512 * 513 + 1024), "only the loss differs": n2 == n1},
        f"N0 {n0:,}, N1 {n1:,}, N2 {n2:,}: N2 has {n2 - n1:,} parameters more in use, "
        "so width and residual path change together",
    )


@check("chang-f14")
def fusion_equations_agree():
    joint_norm, dense = 2 * 1024, linear(512, 8).parameters
    scoring = linear(512, 256).parameters + 2 * 256 + linear(256, 8).parameters
    return undecided(
        f"Eq. 26 has a FeatureNorm of {joint_norm:,} parameters after the concatenation, Eq. 27 "
        f"none; side scores by one dense unit of {dense:,} parameters (Eq. 31) or by Scoring, "
        f"{scoring:,} (Eq. 26): the totals of section 4.4 hold neither"
    )
