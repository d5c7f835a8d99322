"""What the non-inertial loss really is: checks on orgil2021, sections 2.1.3 and Appendix, Tables 3-5.

Every row of these tables prints MSE, CCC and the non-inertial loss NI of one trained network. Their
arithmetic decides between the forms of the loss that the text offers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from emolib.reproduction.papers.audit.record import Table, check, judge, undecided, weigh

HALF_DIGIT = 0.0005  # cells print three decimals
ROUNDING = HALF_DIGIT + HALF_DIGIT / 2  # of NI - MSE/2, from both cells
LARGEST_REST = 0.0185  # of NI - MSE/2, in any row
TABLES = ("orgil2021-t3", "orgil2021-t4", "orgil2021-t5")
COLLAPSED = (
    ("Full Network", "CCC", "32"),
    ("Pose Network", "CCC", "384"),
)  # rows of Table 5 with CCC 0


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
    found = []
    for table in tables:
        ni = table.column(metric=("Non-Inertial",), **where)
        for (*key, _), mse in table.column(metric=("MSE",), **where).items():
            found.append(Run(*key, mse, ni[*key, "Non-Inertial"]))
    return found


def rests(rows: list[Run]) -> np.ndarray:
    """NI - MSE/2 of each row."""
    return np.array([run.rest for run in rows])


NOT_CCC, ONLY_CCC = {"train_loss": ("MSE", "Non-Inertial")}, {"train_loss": ("CCC",)}


@check("orgil-a1_1", *TABLES)
def ni_is_half_mse_where_ccc_was_not_trained(t3, t4, t5):
    """Speed and direction have a share of NI in the rows trained with MSE or NI (Tables 3-5)."""
    rest = rests(runs(t3, t4, t5, **NOT_CCC))
    small = rest.min() >= -ROUNDING and rest.max() <= 0.0025 + HALF_DIGIT / 2
    return judge(
        not small,
        f"NI = MSE/2 + {rest.min():.4f} to {rest.max():.4f} in {len(rest)} rows, mean rest {rest.mean():.6f}",
    )


@check("orgil-a1_1", *TABLES)
def ni_is_half_mse_where_ccc_was_trained(t3, t4, t5):
    """Speed and direction have a share of NI, above a tenth, in the rows trained with CCC (Tables 3-5)."""
    rows = runs(t3, t4, t5, **ONLY_CCC)
    rest, share = rests(rows), max(run.rest / run.ni for run in rows)
    return judge(
        share > 0.1,
        f"NI = MSE/2 + {rest.min():.4f} to {rest.max():.4f} in {len(rest)} rows, mean rest {rest.mean():.6f}, "
        f"at most {100 * share:.1f} % of NI",
    )


@check("orgil-a1_1", *TABLES)
def ni_is_half_mse_in_155_rows(t3, t4, t5):
    """Speed and direction have a share of NI beside the distance (Eq. 6; Tables 3-5, all rows)."""
    rest = rests(runs(t3, t4, t5))
    inside = int(((rest >= -ROUNDING) & (rest <= LARGEST_REST + ROUNDING)).sum())
    return judge(
        inside < len(rest),
        f"NI = MSE/2 + 0 to {LARGEST_REST} in {inside} of {len(rest)} rows, mean rest {rest.mean():.6f}",
    )


def _collapsed(t5: Table) -> list[Run]:
    return [Run(*row, t5.cell(*row, "MSE"), t5.cell(*row, "Non-Inertial")) for row in COLLAPSED]


@check("orgil-a1_1", "orgil2021-t5")
def ni_of_collapsed_runs(t5):
    """NI of a network that gives constant outputs adds speed and direction (Table 5, the two collapsed runs)."""
    gone = _collapsed(t5)
    return judge(
        max(abs(run.rest) for run in gone) > ROUNDING,
        ", ".join(f"{run.ni:.3f} - {run.mse:.3f}/2 = {run.rest:+.4f}" for run in gone),
    )


def growth(rows: list[Run]) -> float:
    """The exponent p of NI ~ MSE^p, by least squares on logarithms."""
    mse, ni = np.log([[run.mse, run.ni] for run in rows]).T
    return float(np.polyfit(mse, ni, 1)[0])


@check("orgil-a1_2", *TABLES)
def ni_grows_as_a_root(t3, t4, t5):
    """The distance term is a Euclidean distance or RMSE, so NI ~ MSE^0.5 (2.1.3, text after Eq. 6)."""
    rows = runs(t3, t4, t5)
    mse = [run.mse for run in rows]
    return judge(
        abs(growth(rows) - 0.5) < 0.05,
        f"NI ~ MSE^{growth(rows):.5f} over {len(rows)} rows and a "
        f"{max(mse) / min(mse):.0f}-fold range of MSE; a root would give 0.5",
    )


@check("orgil-a1_2", *TABLES)
def ni_grows_as_a_root_without_ccc_training(t3, t4, t5):
    """The same exponent in the rows trained with MSE or NI, whose rest is smallest (2.1.3)."""
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
        f"x = 0.3, y = -0.3 gives {math.sqrt(opposite):.0f}; x = 0.1, y = 0.4 the root of {smaller:.2f}",
    )


@check("orgil-a1_4", *TABLES)
def ni_averages_its_terms(t3, t4, t5):
    """The loss is the mean of three terms (Eq. 6) or of four (Eq. 12), so MSE enters as a third or a quarter."""
    rows = runs(t3, t4, t5)
    bound = LARGEST_REST + ROUNDING
    fits = {k: sum(-ROUNDING <= run.ni - run.mse / k <= bound for run in rows) for k in (2, 3, 4)}
    rest = {k: np.mean([run.ni - run.mse / k for run in rows]) for k in (2, 3, 4)}
    told = ", ".join(
        f"MSE/{k}: {fits[k]} of {len(rows)} rows (mean rest {rest[k]:.6f})" for k in (2, 3, 4)
    )
    # Eq. 12 with D summed over valence and arousal is 2 MSE / 4; with D a mean it is MSE / 4.
    return weigh(
        {
            "a sum over both axes": fits[2] == len(rows),
            "a mean": fits[3] == len(rows) or fits[4] == len(rows),
        },
        told,
    )


@check("orgil-a1_5", "orgil2021-t5")
def direction_compares_positions(t5):
    """The direction term of Eq. 5 uses positions, so a constant output far off must cost extra (2.1.3, Eq. 5)."""
    gone = _collapsed(t5)
    return judge(
        max(run.rest for run in gone) > 0.002,
        "; ".join(
            f"{run.network}/{run.loss}/{run.setting}: MSE {run.mse:.3f}, rest {run.rest:+.4f}"
            for run in gone
        ),
    )


@check("orgil-a1_6")
def eq5_is_an_angle():
    """|a_x v_y - a_y v_x| is the difference of the two angles (2.1.3, Eq. 5 and its proof, Eq. 13)."""
    product = {angle: abs(math.sin(math.radians(angle))) for angle in (60, 120, 180)}
    return judge(
        all(abs(product[a] - math.radians(a)) < 0.01 for a in product),
        "unit vectors 60, 120, 180 degrees apart give "
        + ", ".join(f"{product[a]:.3f} for {math.radians(a):.3f} rad" for a in product),
    )


@check("orgil-a1_6", "orgil2021-text")
def eq14_returns_the_angle(text):
    """The worked example turns the cross product back into the angle by arcsin (Appendix, Eq. 14)."""
    annotation, prediction = (
        text.cell("angle of the annotation"),
        text.cell("angle of the prediction"),
    )
    difference = annotation - prediction
    back = {k: math.degrees(math.asin(abs(math.sin(math.radians(k * difference))))) for k in (1, 2)}
    return judge(
        all(abs(back[k] - k * difference) < 0.01 for k in back),
        f"{annotation:.0f} - {prediction:.0f} = {difference:.0f} degrees comes back as {back[1]:.0f}, "
        f"{2 * difference:.0f} degrees as {back[2]:.0f}",
    )


@check("orgil-a1_7", *TABLES)
def ni_training_owes_its_gain_to_the_new_terms(t3, t4, t5):
    """NI training is better than MSE training because of speed and direction (abstract; 3.4.1)."""
    share = [run.rest / run.ni for run in runs(t3, t4, t5, train_loss=("Non-Inertial",))]
    return undecided(
        f"in the {len(share)} rows trained with NI the new terms make up {100 * np.mean(share):.3f} % of the "
        f"loss (at most "
        f"{100 * max(share):.1f} %); the rest is MSE at half the step: only a control run with MSE/2 can tell"
    )


@check("orgil-a1_8")
def s_in_ccc_are_variances():
    """In Eq. 2 s_x and s_y are the variances (2.1.2)."""
    x = np.array([-0.2, 0.0, 0.1, 0.3])
    by_variance, by_deviation = 2 * x.var() / (2 * x.var() ** 2), 2 * x.var() / (2 * x.std() ** 2)
    return judge(
        abs(by_variance - 1) < 1e-9,
        f"CCC of a series with itself: {by_variance:.1f} with variances, {by_deviation:.1f} with standard deviations",
    )


@check("orgil-f11", "orgil2021-t3")
def eq9_was_run_as_printed(t3):
    """The speed term has its absolute value outside the sums (Appendix, Eq. 9)."""
    longest = runs(t3, sequence_length=("512",), **ONLY_CCC)
    most, bound = max(longest, key=lambda run: run.rest), 4 / 511
    return judge(
        most.rest - ROUNDING <= bound,
        f"differences telescope to the end points: at most 4/511 = {bound:.4f}; at length 512 the CCC rows "
        f"print a rest of "
        + ", ".join(f"{run.rest:.4f} ({run.network.split()[0]})" for run in longest),
    )


@check("orgil-f11", "orgil2021-t3", "orgil2021-t5")
def rest_shrinks_with_length(t3, t5):
    """If Eq. 9 telescoped, the rest would fall as 1/(T - 1) with the sequence length (Tables 3, 5)."""
    lengths = ("32", "64", "128", "256", "384", "512")
    rows = runs(t3, t5, **NOT_CCC)
    mean = {
        length: rests([run for run in rows if run.setting == length]).mean() for length in lengths
    }
    return judge(
        mean["512"] < mean["32"] / 4,
        "mean rest without CCC training: " + ", ".join(f"{k}: {v:.6f}" for k, v in mean.items()),
    )


@check("orgil-a1_9", "orgil2021-t3")
def rest_follows_flicker(t3):
    """The new terms punish jerky outputs: least for sound, most for pose (Table 3, CCC rows)."""
    rows = runs(t3, **ONLY_CCC)
    mean = {
        name: rests([run for run in rows if run.network == name]).mean()
        for name in t3.labels("network")
    }
    return judge(
        min(mean, key=mean.get) == "Audio Network" and max(mean, key=mean.get) == "Pose Network",
        "mean rest of the CCC rows: "
        + ", ".join(f"{name.split()[0]} {value:.5f}" for name, value in mean.items()),
    )


@check("orgil-f12")
def eq10_compares_directions():
    """Eq. 10 sums x_j y_(j+1) - x_(j+1) y_j over the columns and back to the first (Appendix, Eq. 10)."""
    x, y = (0.3, -0.1), (0.2, 0.4)
    terms = [x[j] * y[(j + 1) % 2] - x[(j + 1) % 2] * y[j] for j in range(2)]
    return judge(
        abs(sum(terms)) > 1e-12,
        f"with two columns the terms are {terms[0]:+.2f} and {terms[1]:+.2f}: always 0 together",
    )
