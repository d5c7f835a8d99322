"""yin2022's pieces: faces prepared as listed, the CNN's shapes, and GRUs of several sizes side by side."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from emolib.features import greyface
from emolib.features.landmarks import crops
from emolib.ground.errors import EmolibError
from emolib.models import members, path
from emolib.models.path import DEEP, SMALL, PathGRU, QuadrantCNN, parameter_count, sliding


def rand(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def fill(net):
    with torch.no_grad():
        for i, p in enumerate(net.double().parameters()):
            p.copy_(0.5 * rand(*p.shape, seed=i))
    return net


# ---------------------------------------------------------------- faces


def test_grey_is_the_mean_of_three_colours():
    frames = np.array([[[[0, 0, 1], [0, 1, 1], [255, 255, 255], [10, 20, 60]]]], np.uint8)
    assert greyface.grey(frames).tolist() == [[[0, 1, 255, 30]]]
    assert greyface.grey(frames[..., 0]) is not None and greyface.grey(frames[..., 0]).shape == (
        1,
        1,
        4,
    )
    with pytest.raises(EmolibError, match="expected uint8"):
        greyface.grey(frames.astype(float))


def test_equalisation_is_opencvs():
    cv2 = pytest.importorskip("cv2", reason="NOT COMPARED: OpenCV is not installed")
    rng = np.random.default_rng(0)
    pictures = np.stack(
        [
            rng.integers(0, 256, (30, 40)),
            rng.normal(90, 12, (30, 40)).clip(0, 255),
            np.full((30, 40), 77),
            np.arange(1200).reshape(30, 40) % 3,
        ]
    ).astype(np.uint8)
    for mine, picture in zip(greyface.equalised(pictures), pictures, strict=True):
        assert (mine == cv2.equalizeHist(picture)).all()


@given(st.integers(0, 2**32 - 1), st.integers(2, 200))
def test_equalisation_keeps_the_order_of_grey_levels_and_uses_the_whole_range(seed, spread):
    picture = np.random.default_rng(seed).integers(20, 20 + spread, (1, 12, 12)).astype(np.uint8)
    out = greyface.equalised(picture)
    if picture.min() < picture.max():
        assert out.min() == 0 and out.max() == 255
    order = np.argsort(picture.ravel(), kind="stable")
    assert (np.diff(out.ravel()[order].astype(int)) >= 0).all()


def test_a_square_holds_its_points_and_a_grey_crop_is_a_channel_of_the_colour_crop():
    points = np.array([[[10.0, 20], [30, 60]]])
    assert greyface.squares(points, 1.5).tolist() == [[-10.0, 10, 50, 70]]
    frames = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    box = np.tile([5.0, 6, 30, 31], (2, 1))
    assert (crops(frames[..., 1], box, 0, 20) == crops(frames, box, 0, 20)[..., 1]).all()
    assert (greyface.mirrored(greyface.mirrored(frames[..., 0])) == frames[..., 0]).all()


# ---------------------------------------------------------------- networks


def test_the_cnn_has_the_printed_sizes():
    net = QuadrantCNN()
    assert net(torch.zeros(2, 1, 96, 96)).shape == (2, 300) and net.out.in_features == 1024
    assert QuadrantCNN((64, 128, 258)).out.in_features == 1032  # what the paper prints
    assert (
        sum(p.numel() for p in net.parameters())
        == 2 + 64 * 26 + 128 * (64 * 25 + 1) + 256 * (128 * 25 + 1) + 300 * 1025
    )
    with pytest.raises(EmolibError, match="expected"):
        net(torch.zeros(2, 3, 96, 96))


def test_quadrants_tell_where_a_feature_is():
    """The same spot in another quadrant gives other features; the same quadrant moved by a pixel hardly."""
    torch.manual_seed(0)
    net = QuadrantCNN((4, 6, 8), 20).eval()
    faces = torch.zeros(2, 1, 32, 32)
    faces[0, 0, 6:10, 6:10], faces[1, 0, 22:26, 22:26] = 1, 1
    a, b = net(faces).detach()
    assert (a - b).norm() > 0.05 * a.norm()


@pytest.mark.parametrize("reset", ["after", "before"])
def test_a_gru_step_is_its_equation(reset):
    """Eq. 3 to 6 of yin2022 with the candidate in Eq. 6, gate by gate; PyTorch's update gate keeps the old state."""
    net, x = fill(members.GRU(2, 3, 4, reset=reset)), rand(2, 5, 6, 3, seed=9)
    out = net(x)
    for m in range(2):
        w, u, b, c = net.weight_in[m], net.weight_hidden[m], net.bias_in[m], net.bias_hidden[m]
        h = torch.zeros(5, 4, dtype=torch.float64)
        for t in range(6):
            a = x[m, :, t] @ w + b
            r, z = (
                torch.sigmoid(a[:, :4] + h @ u[:, :4] + c[:, :4]),
                torch.sigmoid(a[:, 4:8] + h @ u[:, 4:8] + c[:, 4:8]),
            )
            back = (
                r * (h @ u[:, 8:] + c[:, 8:]) if reset == "after" else (r * h) @ u[:, 8:] + c[:, 8:]
            )
            h = (1 - z) * torch.tanh(a[:, 8:] + back) + z * h
            torch.testing.assert_close(out[m, :, t], h)


def test_gru_is_nn_gru_for_each_member_in_value_and_gradient():
    net, x = fill(members.GRU(3, 5, 4)), rand(3, 6, 7, 5)
    out = net(x)
    out.square().sum().backward()
    for m in range(3):
        plain = nn.GRU(5, 4, batch_first=True).double()
        with torch.no_grad():
            for name, value in zip(
                ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
                (
                    net.weight_in[m].T,
                    net.weight_hidden[m].T,
                    net.bias_in[m, 0],
                    net.bias_hidden[m, 0],
                ),
                strict=True,
            ):
                getattr(plain, name).copy_(value)
        y = plain(x[m])[0]
        torch.testing.assert_close(out[m], y)
        y.square().sum().backward()
        torch.testing.assert_close(net.weight_hidden.grad[m], plain.weight_hh_l0.grad.T)
        torch.testing.assert_close(net.weight_in.grad[m], plain.weight_ih_l0.grad.T)
    with pytest.raises(EmolibError, match="before"):
        members.GRU(1, 2, 3, reset="befor")


def test_members_of_other_sizes_train_as_if_alone():
    """Adam, twenty steps, beside wider company: the padding stays zero and the numbers are those of the network alone."""
    sizes, seeds = [(3, 2), (5, 4), (2, 4)], [0, 0, 7]
    crowd = PathGRU(sizes, 6).initialise(seeds)
    alone = [PathGRU([s], 6).initialise([seed]) for s, seed in zip(sizes, seeds, strict=True)]
    x, y = rand(3, 8, 5, 6).float(), rand(3, 8, 5, 2, seed=1).float()
    for nets, inputs, targets in [
        ([crowd], [x], [y]),
        (alone, [x[m : m + 1] for m in range(3)], [y[m : m + 1] for m in range(3)]),
    ]:
        for net, a, b in zip(nets, inputs, targets, strict=True):
            step = torch.optim.Adam(net.parameters(), lr=0.01)
            for _ in range(20):
                step.zero_grad()
                (net(a) - b).square().sum().backward()
                step.step()
    for m in range(3):
        torch.testing.assert_close(crowd(x)[m], alone[m](x[m : m + 1])[0], atol=1e-5, rtol=1e-4)
    assert (
        not crowd.layers[0].weight_in[2].unflatten(-1, (3, 5))[..., 2:].any()
    )  # member 2 has 2 of 5 units
    with pytest.raises(EmolibError, match="one depth"):
        PathGRU([(3,), (3, 3)])


def test_parameters_are_counted_without_padding():
    net = PathGRU([SMALL, (20,)], 300)
    assert (
        parameter_count(net, 0)
        == 3 * 10 * (300 + 10 + 2) + 22
        == sum(p[0].numel() for p in PathGRU([SMALL], 300).parameters())
    )
    assert parameter_count(PathGRU([DEEP], 300)) == 9382 - 22 + 3 * 10 * 22 + 3 * 5 * 17 + 12


def test_sliding_is_the_last_output_of_each_window():
    net, x = PathGRU([(4,), (4,)], 3).initialise([1, 2]).double(), rand(2, 5, 9, 3)
    points = sliding(net, x, 4)
    assert points.shape == (2, 5, 9, 2)
    for t in range(9):
        torch.testing.assert_close(points[:, :, t], net(x[:, :, max(0, t - 3) : t + 1])[:, :, -1])
    torch.testing.assert_close(
        path.sliding(net, x[:, :, :2], 4), net(x[:, :, :2])
    )  # a film shorter than the window
