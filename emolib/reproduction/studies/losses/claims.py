"""The second verdict on what orgil2021 says of its loss: cases with known answers."""

from __future__ import annotations

import numpy as np
import torch

from emolib import losses, metrics
from emolib.data.sim.streams import stream
from emolib.reproduction.runs import Verdict
from emolib.reproduction.studies.losses import tables
from emolib.reproduction.studies.losses.tables import Study, form

# of 155 printed rows (notebook 01): the largest NI - MSE/2, the exponent of NI over MSE
PRINTED_REST, PRINTED_EXPONENT = 0.0185, 1.02
SMALL = 0.05  # a term with less than this share of the loss is called small


def judge(study: Study) -> list[Verdict]:
    """The claims that notebook 10 can speak to, in the order of claims.csv."""
    return [
        own_shares(study),
        root(study),
        equation_3(),
        mean_of_terms(),
        positions(study),
        angles(study),
        variances(study),
        bars_outside(),
        columns_and_back(study),
    ]


def own_shares(study: Study) -> Verdict:
    """In the loss and in its gradient: the two do not say the same."""
    smooth, jittery = (tables.shares(study, tables.PRINTED_ERROR, noise)[0] for noise in (0, 0.05))
    low, high = sorted((smooth["loss"], jittery["loss"]))
    verdict = "open"
    if study.world.source == "real":  # how rough a simulated joystick is, a dial decides
        if low >= SMALL:
            verdict = "holds"
        elif high < SMALL:
            verdict = "fails"
    return Verdict(
        "orgil-a1_1",
        verdict,
        f"at the printed squared error speed and direction are {100 * low:.0f} to "
        f"{100 * high:.0f} % of the loss on our tracks (0 to 0.05 of flicker) and "
        f"{100 * smooth['gradient']:.0f} % or more of its gradient; in print 0.7 % of the loss",
    )


def growth(study: Study, name: str) -> float:
    """Exponent of MSE with which the distance of a form grows on a constant error."""
    y, _ = study.annotated
    low, high = (float(form(name, y + shift, y, terms=("distance",))) for shift in (0.1, 0.4))
    error, larger = (float(losses.mse(y + shift, y)) for shift in (0.1, 0.4))
    return float(np.log(high / low) / np.log(larger / error))


def root(study: Study) -> Verdict:
    """Is the distance of the tables a root?"""
    printed, table = growth(study, "Eq. 3 to 6"), growth(study, "table")
    fails = abs(printed - PRINTED_EXPONENT) > 0.1 > abs(table - PRINTED_EXPONENT)
    return Verdict(
        "orgil-a1_2",
        "fails" if fails else "open",
        f"the distance of Eq. 3 grows as MSE^{printed:.2f}, the squared one as MSE^{table:.2f}; "
        f"the tables say {PRINTED_EXPONENT}",
    )


def equation_3() -> Verdict:
    """Is the root of x squared less y squared a distance?"""
    x, y = stream(0, "equation 3").uniform(-1, 1, (2, 100_000))
    imaginary = float((x * x < y * y).mean())
    return Verdict(
        "orgil-a1_3",
        "fails" if imaginary > 0 else "holds",
        f"imaginary for {100 * imaginary:.0f} % of random pairs, 0 for every x = -y",
    )


def mean_of_terms() -> Verdict:
    """A constant error is nothing but a distance: what multiple of the squared error is it?"""
    y = torch.zeros(1, 8, 2, dtype=torch.float64)
    plain, averaged = (
        float(form(name, y + 0.3, y) / (2 * losses.mse(y + 0.3, y)))
        for name in ("table", "appendix, bars inside")
    )
    averaged *= 2  # of the MSE as that reading reports it
    both = abs(plain - 0.5) < 1e-9 and abs(averaged - 0.5) < 1e-9
    return Verdict(
        "orgil-a1_4",
        "open" if both else "fails",
        "of a constant error half of the MSE comes out of the sum of terms (MSE summed over axes) "
        f"and of the mean of four (MSE averaged): {plain:.3f}, {averaged:.3f}; a mean of three "
        "would give 0.333",
    )


def positions(study: Study) -> Verdict:
    """Standing still: the cross product of positions charges it, that of movements does not."""
    y, owner = study.annotated
    still = y.mean(1, keepdim=True).expand_as(y).clone()
    by_positions, by_movements = (
        form(name, still, y, terms=("direction",), reduction="none").numpy()
        for name in ("Eq. 3 to 6", "table")
    )
    mean, low, high = metrics.bootstrap_ci(
        by_positions, owner, draws=study.draws, level=study.level
    )
    moved = float(by_movements.max())
    return Verdict(
        "orgil-a1_5",
        "fails" if moved == 0 and not low <= 0.0006 else "open",
        f"standing still costs {mean:.4f} [{low:.4f}, {high:.4f}] by positions and {moved:.4f} by "
        "movements; the collapsed rows print 0.0000 and 0.0005",
    )


def angles(study: Study) -> Verdict:
    """Is the cross product the difference of two angles?"""
    degrees = torch.arange(0.0, 181.0)
    x, y = tables.unit(degrees), tables.unit(torch.zeros_like(degrees))
    product, true = losses.cross(x, y).abs(), tables.angle(x, y)
    off = (product - true).abs()
    ends = tables.descents(study).frame
    mirrored = 100 * ends[ends.metric == "its mirror image"].set_index("loss").measured
    return Verdict(
        "orgil-a1_6",
        "fails" if off.max() > 0.01 else "holds",
        f"equal to 0.01 up to {float(degrees[off <= 0.01].max()):.0f} degrees, "
        f"{float(product[-1]):.2f} for {float(true[-1]):.2f} rad at 180; downhill on all three "
        f"terms {mirrored['all three (table)']:.0f} % of starts end at the mirror image, on the "
        f"distance alone {mirrored['distance']:.0f} %",
    )


def variances(study: Study) -> Verdict:
    """Eq. 2 with variances for s: rho s_x s_y / (s_x^2 + s_y^2 + ...) of equal series must be 1."""
    y, _ = study.annotated
    s = y.var(1, unbiased=False)
    by_variance = float((2 * s / (2 * s**2))[s > 0].median())
    by_deviation = float(losses.concordance(y, y)[s > 0].median())
    fails = abs(by_variance - 1) > 0.01 and abs(by_deviation - 1) < 1e-9
    return Verdict(
        "orgil-a1_8",
        "fails" if fails else "open",
        f"CCC of an annotation with itself, median over windows: {by_variance:.1f} with variances "
        f"put for s, {by_deviation:.1f} with standard deviations",
    )


def bars_outside() -> Verdict:
    """At 512 frames the printed form adds at most 4/511; with bars inside, flicker adds more."""
    draw = stream(0, "bars")
    y, x = (torch.as_tensor(draw.uniform(-1, 1, (200, 512, 2))) for _ in range(2))
    outside, inside = (
        float(form(name, x, y, reduction="none", terms=("speed",)).max())
        for name in ("appendix, bars outside", "appendix, bars inside")
    )
    return Verdict(
        "orgil-f11",
        "fails" if outside < PRINTED_REST < inside else "open",
        f"the wildest of 200 random predictions of 512 frames: speed term {outside:.4f} with the "
        f"bars outside, {inside:.4f} inside; print needs up to {PRINTED_REST}",
    )


def columns_and_back(study: Study) -> Verdict:
    """Does summing cross products over two columns and back compare directions?"""
    y, _ = study.annotated
    opposite = 2 * y.mean(1, keepdim=True) - y
    value = float(form("appendix, bars outside", opposite, y, terms=("direction",)))
    late = float(form("table", opposite[:, 1:], y[:, :-1], terms=("direction",)))
    return Verdict(
        "orgil-f12",
        "fails" if value == 0 and late > 0 else "holds",
        f"Eq. 10 on two columns gives {value:.4f} on every track, whatever turns; one product, "
        f"uncancelled, gives {late:.6f} on a late one",
    )
