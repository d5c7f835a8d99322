"""What the non-inertial loss really is: checks on orgil2021, 2.1.3 and Appendix, Tables 3-5.

Every row of these tables prints MSE, CCC and the non-inertial loss NI of one trained network. Their
arithmetic decides between the forms of the loss that the text offers.
"""

import math
from typing import NamedTuple

import numpy as np

from emolib.reproduction.papers.audit.record import (
    Checks,
    Table,
    first,
    judge,
    listed,
    mean,
    undecided,
    weigh,
)

HALF_DIGIT = 0.0005  # cells print three decimals
ROUNDING = HALF_DIGIT + HALF_DIGIT / 2  # of NI - MSE/2, from both cells
LARGEST_REST = 0.0185  # of NI - MSE/2, in any row
TABLES = ("orgil2021-t3", "orgil2021-t4", "orgil2021-t5")
COLLAPSED = (("Full Network", "CCC", "32"), ("Pose Network", "CCC", "384"))  # Table 5, CCC 0
NOT_CCC, ONLY_CCC = {"train_loss": ("MSE", "Non-Inertial")}, {"train_loss": ("CCC",)}

check = Checks("orgil2021")


class Run(NamedTuple):
    """One row: network, training loss, sequence length or repeat, and its MSE and NI."""

    network: str
    loss: str
    setting: str
    mse: float
    ni: float

    @property
    def rest(self) -> float:
        """NI - MSE/2: what the loss adds to half of the squared error."""
        return self.ni - self.mse / 2


def runs(*tables: Table, **where) -> list[Run]:
    """The rows of one or more tables that match `where`, in printed order."""
    rows = []
    for table in tables:
        ni = table.column(metric=("Non-Inertial",), **where)
        for (*key, _), mse in table.column(metric=("MSE",), **where).items():
            rows.append(Run(*key, mse, ni[*key, "Non-Inertial"]))
    return rows


def rests(rows: list[Run]) -> np.ndarray:
    """NI - MSE/2 of each row."""
    return np.array([run.rest for run in rows])


def _tell_rest(rest: np.ndarray) -> str:
    low, high = rest.min(), rest.max()
    return f"NI = MSE/2 + {low:.4f} to {high:.4f} in {len(rest)} rows, mean rest {rest.mean():.6f}"


@check("orgil-a1_1")
def ni_is_half_mse_where_ccc_was_not_trained(t3, t4, t5):
    """Speed and direction have a share of NI in the rows trained with MSE or NI (Tables 3-5)."""
    rest = rests(runs(t3, t4, t5, **NOT_CCC))
    small = rest.min() >= -ROUNDING and rest.max() <= 0.0025 + HALF_DIGIT / 2
    return judge(not small, _tell_rest(rest))


@check("orgil-a1_1")
def ni_is_half_mse_where_ccc_was_trained(t3, t4, t5):
    """Speed and direction are above a tenth of NI in the rows trained with CCC (Tables 3-5)."""
    rows = runs(t3, t4, t5, **ONLY_CCC)
    share = max(run.rest / run.ni for run in rows)
    return judge(share > 0.1, f"{_tell_rest(rests(rows))}, at most {100 * share:.1f} % of NI")


@check("orgil-a1_1")
def ni_is_half_mse_in_155_rows(t3, t4, t5):
    rest = rests(runs(t3, t4, t5))
    inside = int(((rest >= -ROUNDING) & (rest <= LARGEST_REST + ROUNDING)).sum())
    return judge(
        inside < len(rest),
        f"NI = MSE/2 + 0 to {LARGEST_REST} in {inside} of {len(rest)} rows, "
        f"mean rest {rest.mean():.6f}",
    )


def _collapsed(t5: Table) -> list[Run]:
    return [Run(*row, t5.cell(*row, "MSE"), t5.cell(*row, "Non-Inertial")) for row in COLLAPSED]


@check("orgil-a1_1")
def ni_of_collapsed_runs(t5):
    """NI of constant outputs adds speed and direction (Table 5, the two collapsed runs)."""
    gone = _collapsed(t5)
    return judge(
        max(abs(run.rest) for run in gone) > ROUNDING,
        ", ".join(f"{run.ni:.3f} - {run.mse:.3f}/2 = {run.rest:+.4f}" for run in gone),
    )


def growth(rows: list[Run]) -> float:
    """The exponent p of NI ~ MSE^p, by least squares on logarithms."""
    mse, ni = np.log([[run.mse, run.ni] for run in rows]).T
    return float(np.polyfit(mse, ni, 1)[0])


@check("orgil-a1_2")
def ni_grows_as_a_root(t3, t4, t5):
    rows = runs(t3, t4, t5)
    p, mse = growth(rows), [run.mse for run in rows]
    return judge(
        abs(p - 0.5) < 0.05,
        f"NI ~ MSE^{p:.5f} over {len(rows)} rows and a {max(mse) / min(mse):.0f}-fold range of "
        "MSE; a root would give 0.5",
    )


@check("orgil-a1_2")
def ni_grows_as_a_root_without_ccc_training(t3, t4, t5):
    """NI ~ MSE^0.5 in the rows trained with MSE or NI, whose rest is smallest (2.1.3)."""
    rows = runs(t3, t4, t5, **NOT_CCC)
    return judge(
        abs(growth(rows) - 0.5) < 0.05,
        f"NI ~ MSE^{growth(rows):.4f} over {len(rows)} rows; a root would give 0.5",
    )


@check("orgil-a1_3")
def eq3_is_a_distance():
    """Eq. 3, sqrt(x^2 - y^2), measures how far x is from y (2.1.3, Eq. 3)."""
    opposite, smaller = 0.3**2 - (-0.3) ** 2, 0.1**2 - 0.4**2
    return judge(
        opposite > 0 and smaller >= 0,
        f"x = 0.3, y = -0.3 gives {math.sqrt(opposite):.0f}; "
        f"x = 0.1, y = 0.4 the root of {smaller:.2f}",
    )


@check("orgil-a1_4")
def ni_averages_its_terms(t3, t4, t5):
    """The loss is the mean of three (Eq. 6) or four terms (Eq. 12): MSE is a third or a quarter."""
    rows, fits = runs(t3, t4, t5), {}
    words = []
    for k in (2, 3, 4):
        rest = [run.ni - run.mse / k for run in rows]
        fits[k] = sum(-ROUNDING <= r <= LARGEST_REST + ROUNDING for r in rest)
        words.append(f"MSE/{k}: {fits[k]} of {len(rows)} rows (mean rest {mean(rest):.6f})")
    # Eq. 12 with D summed over valence and arousal is 2 MSE / 4; with D a mean it is MSE / 4.
    return weigh(
        {
            "a sum over both axes": fits[2] == len(rows),
            "a mean": fits[3] == len(rows) or fits[4] == len(rows),
        },
        ", ".join(words),
    )


@check("orgil-a1_5")
def direction_compares_positions(t5):
    gone = _collapsed(t5)
    words = [f"{'/'.join(run[:3])}: MSE {run.mse:.3f}, rest {run.rest:+.4f}" for run in gone]
    return judge(max(run.rest for run in gone) > 0.002, "; ".join(words))


@check("orgil-a1_6")
def eq5_is_an_angle():
    """|a_x v_y - a_y v_x| is the difference of the two angles (2.1.3, Eq. 5, 13)."""
    pairs = [(abs(math.sin(radians)), radians) for radians in map(math.radians, (60, 120, 180))]
    return judge(
        all(abs(product - angle) < 0.01 for product, angle in pairs),
        "unit vectors 60, 120, 180 degrees apart give "
        + ", ".join(f"{product:.3f} for {angle:.3f} rad" for product, angle in pairs),
    )


@check("orgil-a1_6")
def eq14_returns_the_angle(text):
    """The example turns the cross product back into the angle by arcsin (Appendix, Eq. 14)."""
    annotation, prediction = text.cells("angle of the annotation", "angle of the prediction")
    angle = annotation - prediction
    once, twice = (math.degrees(math.asin(abs(math.sin(math.radians(k * angle))))) for k in (1, 2))
    return judge(
        abs(once - angle) < 0.01 and abs(twice - 2 * angle) < 0.01,
        f"{annotation:.0f} - {prediction:.0f} = {angle:.0f} degrees comes back as {once:.0f}, "
        f"{2 * angle:.0f} degrees as {twice:.0f}",
    )


@check("orgil-a1_7")
def ni_training_owes_its_gain_to_the_new_terms(t3, t4, t5):
    share = [run.rest / run.ni for run in runs(t3, t4, t5, train_loss=("Non-Inertial",))]
    return undecided(
        f"in the {len(share)} rows trained with NI the new terms make up {100 * mean(share):.3f} % "
        f"of the loss (at most {100 * max(share):.1f} %); the rest is MSE at half the step: "
        "only a control run with MSE/2 can tell"
    )


@check("orgil-a1_8")
def s_in_ccc_are_variances():
    """In Eq. 2 s_x and s_y are the variances (2.1.2)."""
    x = np.array([-0.2, 0.0, 0.1, 0.3])
    by_variance, by_deviation = 2 * x.var() / (2 * x.var() ** 2), 2 * x.var() / (2 * x.std() ** 2)
    return judge(
        abs(by_variance - 1) < 1e-9,
        f"CCC of a series with itself: {by_variance:.1f} with variances, "
        f"{by_deviation:.1f} with standard deviations",
    )


@check("orgil-f11")
def eq9_was_run_as_printed(t3):
    longest = runs(t3, sequence_length=("512",), **ONLY_CCC)
    words = [f"{run.rest:.4f} ({first(run.network)})" for run in longest]
    return judge(
        max(run.rest for run in longest) - ROUNDING <= 4 / 511,
        f"differences telescope to the end points: at most 4/511 = {4 / 511:.4f}; at length 512 "
        f"the CCC rows print a rest of {', '.join(words)}",
    )


@check("orgil-f11")
def rest_shrinks_with_length(t3, t5):
    """If Eq. 9 telescoped, the rest would fall as 1/(T - 1) with the length (Tables 3, 5)."""
    rows, rest = runs(t3, t5, **NOT_CCC), {}
    for length in ("32", "64", "128", "256", "384", "512"):
        rest[length] = rests([run for run in rows if run.setting == length]).mean()
    return judge(
        rest["512"] < rest["32"] / 4,
        "mean rest without CCC training: " + ", ".join(f"{k}: {v:.6f}" for k, v in rest.items()),
    )


@check("orgil-a1_9")
def rest_follows_flicker(t3):
    rows, rest = runs(t3, **ONLY_CCC), {}
    for name in t3.labels("network"):
        rest[first(name)] = rests([run for run in rows if run.network == name]).mean()
    return judge(
        min(rest, key=rest.get) == "Audio" and max(rest, key=rest.get) == "Pose",
        f"mean rest of the CCC rows: {listed(rest, '.5f')}",
    )


@check("orgil-f12")
def eq10_compares_directions():
    """Eq. 10 sums x_j y_(j+1) - x_(j+1) y_j over the columns and back to the first (Appendix)."""
    x, y = (0.3, -0.1), (0.2, 0.4)
    one, other = (x[j] * y[(j + 1) % 2] - x[(j + 1) % 2] * y[j] for j in range(2))
    return judge(
        abs(one + other) > 1e-12,
        f"with two columns the terms are {one:+.2f} and {other:+.2f}: always 0 together",
    )
