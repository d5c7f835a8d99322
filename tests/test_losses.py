"""Losses by their worked examples, by their gradients, and against torchmetrics."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional import concordance_corrcoef

from emolib import losses
from emolib.ground.errors import EmolibError

FORMS = [
    ("table", "outer"),
    ("half", "outer"),
    ("eq3", "outer"),
    ("appendix", "outer"),
    ("appendix", "element"),
]


def tracks(seed, batch=3, time=7):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(batch, time, 2, generator=g, dtype=torch.float64) * 2 - 1, torch.rand(
        batch, time, 2, generator=g, dtype=torch.float64
    ) * 2 - 1


def test_worked_example_of_equation_14():
    """Annotation at 90 degrees, prediction at 30: the product is sin 60 degrees; at 180 degrees it sees nothing."""
    at = lambda degrees: torch.tensor([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])  # noqa: E731
    assert losses.cross(at(30), at(90)).item() == pytest.approx(np.sqrt(3) / 2)
    assert losses.cross(at(30), at(210)).abs().item() < 1e-12


def test_hand_made_tracks():
    y = torch.tensor(
        [[[0.0, 0.0], [0.1, 0.0], [0.2, 0.0]]], dtype=torch.float64
    )  # 0.1 a frame to the right
    x = torch.tensor(
        [[[0.0, 0.0], [0.0, 0.3], [0.0, 0.6]]], dtype=torch.float64
    )  # 0.3 a frame upwards
    distance = (0 + 0.01 + 0.09 + 0.04 + 0.36) / 6
    assert losses.mse(x, y).item() == pytest.approx(distance)
    speed, direction = 0.2, 0.03
    assert losses.non_inertial(x, y).item() == pytest.approx(distance + speed + direction)
    assert losses.non_inertial(x, y, terms=("distance", "speed")).item() == pytest.approx(
        distance + speed
    )
    assert losses.non_inertial(x, y, reading="half").item() == pytest.approx((distance + speed) / 2)
    euclid = (0 + np.hypot(0.1, 0.3) + np.hypot(0.2, 0.6)) / 3
    assert losses.non_inertial(x, y, reading="eq3").item() == pytest.approx(
        euclid + speed + (0 + 0.03 + 0.12) / 3
    )
    assert losses.non_inertial(x, y, reading="appendix").item() == pytest.approx(
        (2 * distance + abs(0.3 - 0.1) / 2) / 4
    )
    assert losses.non_inertial(
        x, y, reading="appendix", absolute="element"
    ).item() == pytest.approx((2 * distance + 0.2 + 0.03) / 4)


@pytest.mark.parametrize("reading, half_of", [("table", 2.0), ("half", 1.0), ("appendix", 1.0)])
def test_a_constant_error_costs_half_of_the_squared_error_as_that_reading_counts_it(
    reading, half_of
):
    y = torch.full((2, 9, 2), 0.2, dtype=torch.float64)
    error = losses.non_inertial(y + 0.3, y, reading=reading).item()
    assert error == pytest.approx(half_of * 0.09 / 2)  # sum over axes, or mean


def test_the_printed_appendix_sees_only_the_end_points():
    x, y = tracks(0)
    still = x.clone()
    still[:, 2:-2] = 0.0  # whatever happens between
    rest = lambda p: losses.non_inertial(p, y, reading="appendix", terms=("speed", "direction"))  # noqa: E731
    assert rest(x).item() == pytest.approx(rest(still).item())
    assert not np.isclose(
        losses.non_inertial(x, y, terms=("speed",)).item(),
        losses.non_inertial(still, y, terms=("speed",)).item(),
    )


@pytest.mark.parametrize("reading, absolute", FORMS)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_gradients(reading, absolute, reduction):
    x, y = tracks(1)
    mask = torch.rand(3, 7, generator=torch.Generator().manual_seed(2)) > 0.2
    for m in (None, mask):
        assert torch.autograd.gradcheck(
            lambda p, m=m: losses.non_inertial(
                p, y, reading=reading, absolute=absolute, mask=m, reduction=reduction
            ),
            x.clone().requires_grad_(),
        )


@pytest.mark.parametrize("dim", ["batch", "sequence"])
def test_gradient_of_concordance(dim):
    x, y = tracks(3)
    y[0, :, 1] = 0.4  # one axis stands still
    for m in (None, torch.arange(7).expand(3, 7) > 1):
        assert torch.autograd.gradcheck(
            lambda p, m=m: losses.ccc_loss(p, y, dim=dim, mask=m), x.clone().requires_grad_()
        )


@pytest.mark.parametrize(
    "case",
    [
        "equal",
        "still",
        "both constant and equal",
        "constant target",
        "constant prediction",
        "nothing counts",
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nothing_is_nan(case, dtype):
    x, y = (t.to(dtype) for t in tracks(4))
    mask = None
    if case == "equal":
        x = y.clone()
    elif case == "still":
        x, y = torch.zeros_like(x), torch.zeros_like(y)
    elif case == "both constant and equal":
        x, y = torch.full_like(x, 0.1), torch.full_like(y, 0.1)
    elif case == "constant target":
        y = torch.full_like(y, 1 / 3)
    elif case == "constant prediction":
        x = torch.full_like(x, 1 / 3)
    else:
        mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    calls = [
        lambda p, r=r, a=a: losses.non_inertial(p, y, reading=r, absolute=a, mask=mask)
        for r, a in FORMS
    ]
    calls += [
        lambda p, d=d: losses.ccc_loss(p, y, dim=d, mask=mask) for d in ("batch", "sequence")
    ] + [lambda p: losses.mse(p, y, mask=mask)]
    for call in calls:
        p = x.clone().requires_grad_()
        value = call(p)
        value.backward()
        assert torch.isfinite(value) and torch.isfinite(p.grad).all()
    if case in ("still", "both constant and equal", "constant target"):
        assert losses.ccc_loss(x, y) == 1 and losses.constant(y).all()  # CCC 0, and it is seen


def test_concordance_is_torchmetrics():
    x, y = tracks(5, 4, 300)
    theirs = concordance_corrcoef(x.reshape(-1, 2), y.reshape(-1, 2)).mean()
    assert losses.ccc_loss(x, y).item() == pytest.approx(1 - theirs.item(), abs=1e-6)
    each = torch.stack([concordance_corrcoef(a, b).mean() for a, b in zip(x, y)])
    torch.testing.assert_close(
        losses.ccc_loss(x, y, dim="sequence", reduction="none"), 1 - each, atol=1e-6, rtol=0
    )


@pytest.mark.parametrize("shape", [(2, 0, 2), (0, 5, 2), (0, 0, 2)])
@pytest.mark.parametrize("loss", [losses.mse, losses.ccc_loss, losses.non_inertial])
def test_no_frame_is_one_error_that_says_so(loss, shape):
    empty = torch.zeros(shape)
    for more in ({}, {"mask": torch.ones(shape[:2], dtype=torch.bool)}):
        with pytest.raises(EmolibError, match="at least one frame"):
            loss(empty, empty, **more)


def test_concordance_by_meaning():
    x, y = tracks(6, 1, 50)
    assert losses.ccc_loss(y, y).item() == pytest.approx(0) and losses.ccc_loss(
        -y + 2 * y.mean(1, keepdim=True), y
    ).item() == pytest.approx(2)
    assert (
        losses.ccc_loss(y + 0.5, y).item() > 0.2 and losses.ccc_loss(0.5 * y, y).item() > 0.1
    )  # Pearson would call both perfect


@given(seed=st.integers(0, 10_000), keep=st.integers(3, 7))
def test_masked_frames_do_not_matter(seed, keep):
    x, y = tracks(seed)
    mask = torch.arange(7).expand(3, 7) < keep
    for loss in (
        losses.mse,
        losses.ccc_loss,
        *(
            lambda p, t, r=r, a=a, **k: losses.non_inertial(p, t, reading=r, absolute=a, **k)
            for r, a in FORMS
        ),
    ):
        whole = loss(x, y, mask=mask).item()
        assert whole == pytest.approx(loss(x[:, :keep], y[:, :keep]).item(), abs=1e-12)
        other = x.clone()
        other[:, keep:] = 9.0
        assert whole == pytest.approx(loss(other, y, mask=mask).item(), abs=1e-12)


@given(seed=st.integers(0, 10_000))
def test_turning_the_plane_leaves_the_loss(seed):
    """Distances, speeds and cross products do not depend on where the axes point; the element-wise appendix does."""
    x, y = tracks(seed)
    turn = torch.tensor([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]])
    for reading in ("table", "half", "eq3"):
        assert losses.non_inertial(x @ turn, y @ turn, reading=reading).item() == pytest.approx(
            losses.non_inertial(x, y, reading=reading).item()
        )


def test_windows_are_separate():
    x, y = tracks(7, 4, 6)
    each = losses.non_inertial(x, y, reduction="none")
    assert each.shape == (4,) and losses.non_inertial(x, y).item() == pytest.approx(
        each.mean().item()
    )
    assert losses.non_inertial(x[1:2], y[1:2]).item() == pytest.approx(each[1].item())


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda x, y: losses.mse(x[0], y[0]), r"expected \(B, T, 2\)"),
        (lambda x, y: losses.mse(x[:, 1:], y), r"expected \(B, T, 2\)"),
        (lambda x, y: losses.non_inertial(x, y, reading="tabel"), "did you mean table"),
        (lambda x, y: losses.non_inertial(x, y, terms=("speeds",)), "did you mean speed"),
        (lambda x, y: losses.non_inertial(x, y, absolute="inner"), "unknown place"),
        (lambda x, y: losses.mse(x, y, mask=torch.ones(3, 7)), "mask is torch.float32"),
        (lambda x, y: losses.mse(x, y, reduction="sum"), "unknown reduction"),
        (lambda x, y: losses.ccc_loss(x, y, dim="video"), "unknown extent"),
        (lambda x, y: losses.ccc_loss(x, y, reduction="none"), "dim='sequence'"),
    ],
)
def test_misuse_is_said(call, told):
    with pytest.raises(EmolibError, match=told):
        call(*tracks(8))
