"""The networks of chang2021, sections 4.2 and 4.3: parameters to the last one, shapes, paddings, augmentation."""

import pytest
import torch
from torch import nn

from emolib import training
from emolib.ground.errors import EmolibError
from emolib.models import face_cnn
from emolib.models.vgg import Vgg16
from emolib.training import augment as aug

PRINTED = {
    face_cnn.au_dnn: 108,
    face_cnn.fp68_dnn: 2_292,
    face_cnn.cnn_1: 551_164,
    face_cnn.cnn_2: 53_492,
    face_cnn.cnn_3: 266_020,
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def parameters(net):
    return sum(p.numel() for p in net.parameters())


def walk(net, size):
    """Channels and side of the picture after every layer."""
    x, out = torch.zeros(2, 1, size, size), []
    for layer in net.eval():
        x = layer(x)
        if x.ndim == 4 and isinstance(layer, (face_cnn.Conv, face_cnn.Unit, nn.MaxPool2d)):
            out.append((x.shape[1], x.shape[2]))
    assert x.shape == (2, 4)
    return out


# ---------------------------------------------------------------- networks


@pytest.mark.parametrize("make", PRINTED, ids=lambda m: m.__name__)
def test_parameters_as_printed(make):
    assert parameters(make()) == PRINTED[make]


def test_shapes_of_cnn_1():
    assert walk(face_cnn.cnn_1(), 75) == [
        (16, 71),
        (16, 36),
        (32, 36),
        (32, 18),
        (64, 18),
        (64, 9),
        (64, 9),
        (128, 5),
        (256, 5),
        (128, 3),
        (256, 3),
        (4, 2),
    ]
    assert walk(face_cnn.cnn_1(), 50)[::2] == [
        (16, 46),
        (32, 23),
        (64, 12),
        (64, 6),
        (256, 3),
        (256, 2),
    ]


def test_shapes_of_cnn_2_and_3():
    assert walk(face_cnn.cnn_2(), 75) == [
        (8, 73),
        (8, 71),
        (16, 36),
        (32, 18),
        (64, 9),
        (128, 5),
        (4, 5),
    ]
    assert walk(face_cnn.cnn_3(), 150) == [(32, 74), (32, 36), (64, 17), (64, 7)]
    with pytest.raises(EmolibError, match="40 pixels"):
        face_cnn.cnn_3(size=40)


@pytest.mark.parametrize(
    "size,kernel,stride,pads",
    [
        (75, 5, 2, (2, 2)),
        (50, 5, 2, (1, 2)),
        (36, 3, 2, (0, 1)),
        (9, 3, 2, (1, 1)),
        (6, 3, 1, (1, 1)),
        (7, 1, 2, (0, 0)),
    ],
)
def test_same_padding_is_keras_padding(size, kernel, stride, pads):
    x = face_cnn.same(torch.ones(1, 1, size, size), kernel, stride)
    (rows,) = x[0, 0].any(1).nonzero(as_tuple=True)
    assert (
        int(rows[0]),
        len(x[0, 0]) - 1 - int(rows[-1]),
    ) == pads  # what is odd goes below and to the right
    assert torch.equal(x, x.mT)


def test_pooling_never_sees_the_padding():
    x = -torch.ones(1, 1, 6, 6)
    assert (face_cnn.MaxPool()(x) == -1).all()


def test_relu_only_where_the_chain_has_an_r():
    net = face_cnn.cnn_1()
    assert [layer.relu for layer in net[:-1]] == [
        False,
        True,
        False,
        True,
        False,
        True,
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    assert all(layer.norm is not None for layer in net[:-1])
    assert [m.bias is None for m in face_cnn.cnn_2().modules() if isinstance(m, nn.Conv2d)].count(
        False
    ) == 1


def test_both_readings_of_eighty_percent():
    rates = [
        [m.p for m in face_cnn.fp68_dnn(reading=r) if isinstance(m, nn.Dropout)]
        for r in ("drop", "keep")
    ]
    assert rates == [[0.8], [0.2]]
    with pytest.raises(EmolibError, match="keep"):
        face_cnn.fp68_dnn(reading="kept")


@pytest.mark.parametrize(
    "make", [face_cnn.au_dnn, face_cnn.cnn_1, face_cnn.cnn_2], ids=lambda m: m.__name__
)
def test_they_learn_in_the_training_loop(make):
    torch.manual_seed(0)
    y = torch.arange(24) % 4
    if make is face_cnn.au_dnn:
        x, epochs = nn.functional.one_hot(y, 8).float(), 150
    else:
        x, epochs = torch.zeros(24, 1, 32, 32), 12
        for row, k in enumerate(y):
            x[row, 0, 16 * (k // 2) : 16 * (k // 2) + 16, 16 * (k % 2) : 16 * (k % 2) + 16] = 1
        x += 0.05 * torch.randn(x.shape)
    net = make()
    history = training.fit(
        net,
        lambda epoch: [(x, y)],
        lambda net, x, y: nn.functional.cross_entropy(net(x), y),
        training.Settings(epochs=epochs, rate=0.02),
        progress=False,
    )
    assert history.loss[-1] < 0.5 * history.loss[0]


# ---------------------------------------------------------------- augmentation


def pictures(count=400, size=20):
    x = torch.zeros(count, 1, size, size)
    x[:, :, size // 4 : size // 2, : size // 4] = (
        200.0  # a block at the left edge, above the middle
    )
    return x


def test_mirror_exchanges_left_and_right_in_half_of_the_pictures():
    x = pictures()
    out = aug.mirror(x, rng())
    turned = (out[:, 0, 5, -1] == 200) & (out[:, 0, 5, 0] == 0)
    kept = (out == x).all(-1).all(-1)[:, 0]
    assert (turned ^ kept).all() and 0.42 < turned.float().mean() < 0.58
    assert torch.equal(out.sum(3), x.sum(3))  # rows keep their content


def test_crop_cuts_at_most_a_tenth():
    at = torch.arange(100.0).expand(300, 1, 100, 100)  # value = column
    out = aug.crop(at, rng())
    first, last = out[:, 0, 50, 2], out[:, 0, 50, -3]
    width = (last - first) / 95
    assert width.min() > 0.895 and width.max() <= 1.0001 and 0.93 < width.mean() < 0.97
    assert first.min() >= 1.74 and last.max() <= 97.26 and first.std() > 1


def test_blur_spreads_a_point_by_at_most_half_a_pixel():
    x = torch.zeros(400, 1, 11, 11)
    x[:, :, 5, 5] = 100
    out = aug.blur(x, rng())
    assert torch.allclose(out.sum((1, 2, 3)), torch.tensor(100.0))
    untouched = (out[:, 0, 5, 5] > 99.9).float().mean()
    assert 0.5 < untouched < 0.85  # half are left, and small sigmas change nothing either
    spread = (out[:, 0] * (torch.arange(11.0) - 5) ** 2).sum((1, 2)) / 100
    assert 0.15 < spread.max() < 0.27  # 0.5 squared, sampled at whole pixels
    assert torch.allclose(out, out.mT)


def test_contrast_turns_about_128_and_noise_has_its_deviation():
    x = torch.full((500, 1, 4, 4), 148.0)
    factor = (aug.contrast(x, rng())[:, 0, 0, 0] - 128) / 20
    assert 0.75 <= factor.min() < 0.77 and 1.48 < factor.max() <= 1.5
    assert torch.equal(
        aug.contrast(torch.full((9, 1, 2, 2), 128.0), rng()), torch.full((9, 1, 2, 2), 128.0)
    )
    assert (
        aug.noise(torch.full((50, 1, 20, 20), 128.0), rng()) - 128
    ).std().item() == pytest.approx(25, rel=0.02)
    assert aug.noise(torch.zeros(9, 1, 9, 9), rng()).min() == 0


def test_affine_moves_the_centre_by_at_most_a_tenth_and_turns_by_at_most_25_degrees():
    down, across = torch.meshgrid(torch.arange(101.0) - 50, torch.arange(101.0) - 50, indexing="ij")
    field = (
        torch.stack([across, down]).expand(300, 2, 101, 101) + 1000
    )  # value = place, so the map can be read off
    out = aug.affine(field, rng()) - 1000
    slope = torch.stack(
        [
            (out[:, :, 50, 55] - out[:, :, 50, 45]) / 10,
            (out[:, :, 55, 50] - out[:, :, 45, 50]) / 10,
        ],
        2,
    )
    there = torch.linalg.inv(slope)  # old picture -> new picture
    moved = -(there @ out[:, :, 50, 50, None])[..., 0]
    assert 9 < moved.abs().max() <= 10.3
    turn = torch.rad2deg(torch.atan2(there[:, 1, 0], there[:, 0, 0]))
    assert 23 < turn.abs().max() <= 25.1 and turn.mean().abs() < 2
    size = torch.linalg.det(there)
    assert (
        0.80 < size.min() < 0.84 and 1.18 < size.max() < 1.22
    )  # 0.9 and 1.1 squared; shear keeps areas


def test_affine_keeps_angles_on_pictures_that_are_not_square():
    down, across = torch.meshgrid(torch.arange(61.0) - 30, torch.arange(121.0) - 60, indexing="ij")
    field = torch.stack([across, down]).expand(100, 2, 61, 121) + 1000
    out = aug.affine(field, rng()) - 1000
    slope = torch.stack(
        [
            (out[:, :, 30, 65] - out[:, :, 30, 55]) / 10,
            (out[:, :, 35, 60] - out[:, :, 25, 60]) / 10,
        ],
        2,
    )
    size = torch.linalg.det(torch.linalg.inv(slope))
    assert size.min() > 0.80 and size.max() < 1.22
    assert slope[:, 0, 1].abs().max() < 0.7 and 0.38 < slope[:, 1, 0].abs().max() < 0.5


def test_every_picture_goes_through_all_operations_in_its_own_order():
    trace = []

    def mark(k):
        def operation(x, rng):
            trace.append(len(x))
            return x * 10 + k

        return operation

    out = aug.augment(
        torch.zeros(200, 1, 2, 2, dtype=torch.float64), rng(), tuple(mark(k) for k in range(1, 5))
    )
    orders = {"".join(sorted(str(int(v)))) for v in out[:, 0, 0, 0]}
    assert orders == {"1234"} and len(out[:, 0, 0, 0].unique()) == 24 and sum(trace) == 800


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_augmentation_is_repeatable_and_leaves_its_input_alone(kind):
    x = (pictures(16) + 20).to(kind)
    before = x.clone()
    first, again, other = (aug.augment(x, rng(s)) for s in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other) and torch.equal(x, before)
    assert (
        first.dtype == kind and first.shape == x.shape and first.min() >= 0 and first.max() <= 255
    )
    with pytest.raises(EmolibError, match="expected"):
        aug.augment(x[0], rng())


# ---------------------------------------------------------------- VGG-16


def test_vgg_16_is_torchvisions_with_seven_outputs():
    from torchvision.models import vgg16

    with torch.device("meta"):
        ours, theirs = Vgg16(), vgg16(num_classes=7)
    shapes = lambda net: {k: v.shape for k, v in net.state_dict().items()}  # noqa: E731
    assert shapes(ours) == shapes(theirs) and parameters(ours) == 134_289_223
    layers = [type(layer) for layer in ours.features]
    assert layers.count(nn.Conv2d) == 13 and layers.count(nn.MaxPool2d) == 5


def test_same_numbers_as_torchvision_where_the_weights_are_the_same():
    from torchvision.models.vgg import VGG, make_layers

    torch.manual_seed(0)
    ours = Vgg16(width=1 / 64).eval()
    with torch.device("meta"):  # its own dense layers cannot be made smaller
        theirs = VGG(nn.Identity(), init_weights=False).eval()
    theirs.features = make_layers(
        [
            c if c == "M" else c // 64
            for c in (
                64,
                64,
                "M",
                128,
                128,
                "M",
                256,
                256,
                256,
                "M",
                512,
                512,
                512,
                "M",
                512,
                512,
                512,
                "M",
            )
        ]
    )
    theirs.classifier = ours.classifier
    theirs.features.load_state_dict(ours.features.state_dict())
    x = torch.randn(2, 3, 64, 64)
    assert torch.equal(ours(x), theirs(x)) and ours(x).shape == (2, 7)


def test_weights_of_another_task_are_taken_but_for_the_last_layer():
    torch.manual_seed(0)
    source, target = Vgg16(12, width=1 / 32), Vgg16(7, width=1 / 32)
    fresh = target.classifier[6].weight.clone()
    target.transfer(source.state_dict())
    for name, layer in (("features.0", target.features[0]), ("classifier.3", target.classifier[3])):
        assert torch.equal(layer.weight, source.state_dict()[f"{name}.weight"])
    assert torch.equal(target.classifier[6].weight, fresh)
    with pytest.raises(
        EmolibError, match="features.0.weight is .2, 3, 3, 3., expected .1, 3, 3, 3."
    ):
        Vgg16(7, width=1 / 64).transfer(source.state_dict())
    with pytest.raises(EmolibError, match="features.0.weight is absent"):
        target.transfer({})


@pytest.mark.parametrize(
    "name, count",
    [("CNN-1 75x75x1", 36_856), ("CNN-2 75x75x1", 5_108), ("CNN-3 150x150x1", 16_780)],
)
def test_a_narrow_network_has_the_same_layers(name, count):
    make, size = face_cnn.CNNS[name]
    wide, narrow = make(), make(narrow=4)
    assert (
        sum(p.numel() for p in narrow.parameters())
        == count
        < sum(p.numel() for p in wide.parameters())
    )
    assert [type(m) for m in narrow.modules()] == [type(m) for m in wide.modules()]
    assert narrow.eval()(torch.zeros(2, 1, size, size)).shape == (2, 4)
