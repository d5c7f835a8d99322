"""An ensemble is nothing but its members side by side: the same numbers as plain PyTorch networks, one by one."""

import math

import pytest
import torch
from torch import nn

from emolib import training
from emolib.ground.errors import EmolibError
from emolib.models import fusion1d, members
from emolib.models.fusion1d import Fusion1d
from emolib.models.members import Conv1d, Linear, initialise, parameter_count
from emolib.models.shallow import Shallow
from emolib.reproduction.studies.sfew.training import smooth_l1

M = 4


def randn(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def fill(net):
    """Any weights at all, in float64."""
    net = net.double()
    with torch.no_grad():
        for i, p in enumerate(net.parameters()):
            p.copy_(0.5 * randn(*p.shape, seed=i))
    return net


def close(a, b, atol=1e-12):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


# ---------------------------------------------------------------- plain copies of one member


def plain_linear(layer, m):
    plain = nn.Linear(layer.weight.shape[1], layer.weight.shape[2]).to(layer.weight.dtype)
    with torch.no_grad():
        plain.weight.copy_(layer.weight[m].T)
        plain.bias.copy_(layer.bias[m, 0])
    return plain


def plain_conv(layer, m):
    taps = layer.weight[m].unflatten(0, (3, -1))  # (tap, in, out)
    plain = nn.Conv1d(*taps.shape[1:], 3, padding=1).to(taps.dtype)
    with torch.no_grad():
        plain.weight.copy_(taps.permute(2, 1, 0))  # (out, in, tap)
        plain.bias.copy_(layer.bias[m, 0])
    return plain


def plain_shallow(net, m):
    """nn.Sequential with only the units that are alive."""
    alive = net.alive[m]
    into, out = plain_linear(net.into, m), plain_linear(net.out, m)
    small = nn.Sequential(
        nn.Linear(into.in_features, int(alive.sum())),
        nn.Sigmoid(),
        nn.Linear(int(alive.sum()), out.out_features),
    ).double()
    with torch.no_grad():
        small[0].weight.copy_(into.weight[alive])
        small[0].bias.copy_(into.bias[alive])
        small[2].weight.copy_(out.weight[:, alive])
        small[2].bias.copy_(out.bias)
    return small


class PlainFusion(nn.Module):
    """Fig. 5 with PyTorch's own layers, channels first."""

    def __init__(self, net, m):
        super().__init__()
        self.same, self.inputs = net.branch[0].pool.padding == "same", net.inputs
        self.branch = nn.ModuleList(
            nn.ModuleList(plain_conv(c, m) for c in b.conv) for b in net.branch
        )
        self.reduce, self.out = plain_linear(net.reduce, m), plain_linear(net.out, m)

    def forward(self, x):
        parts = []
        for convs, part in zip(self.branch, x.split(self.inputs, dim=-1), strict=True):
            y = part.unsqueeze(1)  # (B, 1, 5)
            for conv in convs:
                y = torch.relu(conv(y))
                if self.same:
                    y = nn.functional.pad(y, (0, 1), mode="replicate")
                y = nn.functional.max_pool1d(y, 2, stride=1) if y.shape[-1] > 1 else y
            parts.append(
                y.transpose(1, 2).flatten(1)
            )  # channels last, as the ensemble lays them out
        return self.out(torch.relu(self.reduce(torch.cat(parts, 1))))


# ---------------------------------------------------------------- layers


def test_linear_is_nn_linear_for_each_member():
    layer, x = fill(Linear(M, 5, 3)), randn(M, 7, 5)
    close(layer(x), torch.stack([plain_linear(layer, m)(x[m]) for m in range(M)]))


@pytest.mark.parametrize("length", [1, 2, 3, 5, 11])
def test_conv1d_is_nn_conv1d_for_each_member(length):
    layer, x = fill(Conv1d(M, 3, 6)), randn(M, 7, length, 3)
    expected = torch.stack(
        [plain_conv(layer, m)(x[m].transpose(1, 2)).transpose(1, 2) for m in range(M)]
    )
    assert layer(x).shape == (M, 7, length, 6)
    close(layer(x), expected)


def test_pooling_is_nn_max_pool():
    x = randn(M, 7, 5, 3)
    flat = x.flatten(0, 1).transpose(1, 2)
    close(
        fusion1d.MaxPool("valid")(x),
        nn.functional.max_pool1d(flat, 2, 1).transpose(1, 2).unflatten(0, (M, 7)),
    )
    padded = nn.functional.pad(flat, (0, 1), mode="replicate")
    close(
        fusion1d.MaxPool("same")(x),
        nn.functional.max_pool1d(padded, 2, 1).transpose(1, 2).unflatten(0, (M, 7)),
    )
    one = x[:, :, :1]
    assert torch.equal(fusion1d.MaxPool("valid")(one), one) and torch.equal(
        fusion1d.MaxPool("same")(one), one
    )
    with pytest.raises(EmolibError, match="'half' is not known"):
        fusion1d.MaxPool("half")


@pytest.mark.parametrize("units", [[8, 8, 8, 8], [8, 5, 1, 3]])
def test_a_shallow_member_is_a_plain_network_of_its_own_size(units):
    net, x = fill(Shallow(range(M), hidden=8, units=torch.tensor(units))), randn(M, 7, 5)
    close(net(x), torch.stack([plain_shallow(net, m)(x[m]) for m in range(M)]))
    assert [plain_shallow(net, m)[0].out_features for m in range(M)] == units


@pytest.mark.parametrize("branches", [1, 2])
@pytest.mark.parametrize("pool", ["valid", "same"])
@pytest.mark.parametrize("channels", [(3, 4), (2, 3, 4, 4, 5), (2, 2, 2, 2, 2, 2, 3)])
def test_a_fusion_member_is_the_plain_network_of_figure_5(branches, pool, channels):
    net, x = (
        fill(Fusion1d(range(M), branches=branches, channels=channels, pool=pool)),
        randn(M, 7, 5 * branches),
    )
    assert net(x).shape == (M, 7, 7)
    close(net(x), torch.stack([PlainFusion(net, m)(x[m]) for m in range(M)]))


@pytest.mark.parametrize(
    "layer, shape",
    [
        (Linear(2, 3, 2), (2, 4, 3)),
        (Conv1d(2, 2, 3), (2, 2, 4, 2)),
        (Conv1d(2, 2, 3), (2, 2, 1, 2)),
        (Shallow([0, 1], hidden=3, units=torch.tensor([3, 2])), (2, 3, 5)),
        (Fusion1d([0, 1], branches=2, channels=(2, 2)), (2, 2, 10)),
    ],
)
def test_gradients_agree_with_finite_differences(layer, shape):
    layer = fill(layer)
    names, weights = zip(*layer.named_parameters(), strict=True)

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), x)

    x = randn(*shape, seed=9).requires_grad_()
    assert torch.autograd.gradcheck(
        call, (x, *(w.detach().clone().requires_grad_() for w in weights)), eps=1e-6, atol=1e-7
    )


# ---------------------------------------------------------------- start weights


def test_start_weights_are_uniform_within_pytorchs_bound():
    """1 / sqrt(fan in): 0.447 for 5 inputs, 1 / sqrt(units alive) behind the hidden layer, 1 / sqrt(3 c) for a convolution."""
    units = torch.tensor([16, 4] * 200)
    net = Shallow(range(400), units=units)
    for weight, bound in (
        (net.into.weight, 5**-0.5),
        (net.into.bias, 5**-0.5),
        (net.out.weight[0::2], 1 / 4),
        (net.out.weight[1::2], 1 / 2),
    ):
        weight = weight.detach()
        assert 0.98 * bound < weight.abs().max() <= bound
        assert float(weight.mean()) == pytest.approx(0, abs=0.02 * bound)
        assert float(weight.std()) == pytest.approx(bound / 3**0.5, rel=0.02)
    plain = nn.Linear(5, 20_000)
    assert float(plain.weight.detach().std()) == pytest.approx(
        float(net.into.weight.detach().std()), rel=0.02
    )
    conv = initialise(Conv1d(200, 4, 8), list(range(200)))
    assert 0.98 * 12**-0.5 < conv.weight.detach().abs().max() <= 12**-0.5


@pytest.mark.parametrize(
    "make",
    [lambda seeds: Shallow(seeds), lambda seeds: Fusion1d(seeds, branches=2, channels=(3, 4))],
)
def test_start_weights_depend_on_the_seed_alone_and_not_on_the_company(make):
    alone, first, last = make([7]), make([7, 1, 2]), make([5, 3, 7, 7])
    for a, b, c in zip(*(net.parameters() for net in (alone, first, last)), strict=True):
        assert torch.equal(a[0], b[0]) and torch.equal(a[0], c[2]) and torch.equal(a[0], c[3])
        assert not torch.equal(b[0], b[1]) and not torch.equal(c[0], c[1])


def test_start_weights_leave_the_global_stream_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    Shallow([1, 2, 3]).reset()
    assert torch.equal(before, torch.get_rng_state())


def test_reset_returns_to_the_start_and_a_pruned_network_starts_wider():
    net = Shallow([3, 4], hidden=8)
    start = net.out.weight.detach().clone()
    with torch.no_grad():
        net.out.weight.add_(1)
    assert torch.equal(net.reset().out.weight, start)
    net.alive[:, 2:] = False
    torch.testing.assert_close(net.reset().out.weight, start * math.sqrt(8 / 2))


@pytest.mark.parametrize(
    "net, plain",
    [
        (Shallow([0, 1], hidden=16), nn.Sequential(nn.Linear(5, 16), nn.Linear(16, 7))),
        (
            Fusion1d([0]),
            nn.Sequential(
                nn.Conv1d(1, 16, 3),
                nn.Conv1d(16, 32, 3),
                nn.Conv1d(32, 64, 3),
                nn.Conv1d(64, 64, 3),
                nn.Conv1d(64, 64, 3),
                nn.Linear(64, 14),
                nn.Linear(14, 7),
            ),
        ),
    ],
)
def test_parameters_of_one_member_are_those_of_the_plain_network(net, plain):
    assert parameter_count(net) == sum(p.numel() for p in plain.parameters())


def test_parameter_counts():
    assert parameter_count(Shallow([0])) == 5 * 16 + 16 + 16 * 7 + 7 == 215
    branch = sum(
        3 * a * b + b for a, b in zip((1, 16, 32, 64, 64), (16, 32, 64, 64, 64), strict=True)
    )
    assert parameter_count(Fusion1d([0])) == branch + 64 * 14 + 14 + 14 * 7 + 7
    assert parameter_count(Fusion1d([0], branches=2)) == 2 * branch + 128 * 14 + 14 + 14 * 7 + 7
    assert parameter_count(Fusion1d([0], pool="same")) == branch + 320 * 14 + 14 + 14 * 7 + 7


# ---------------------------------------------------------------- training together is training alone

STEPS = 20


def feeds(inputs, settings=1):
    """20 batches of 10: x (M, 10, inputs), y (M / settings, 10, 7)."""
    x = torch.sigmoid(randn(STEPS, M, 10, inputs, seed=1))
    kind = torch.randint(
        0, 7, (STEPS, M // settings, 10), generator=torch.Generator().manual_seed(2)
    )
    return x, nn.functional.one_hot(kind, 7).double()


def train_alone(plain, x, y, rate):
    step = torch.optim.Adam(plain.parameters(), lr=rate)
    for batch, target in zip(x, y, strict=True):
        step.zero_grad()
        nn.functional.smooth_l1_loss(plain(batch), target).backward()
        step.step()
    return plain


@pytest.mark.parametrize("rate", [1e-4, 3e-2])
@pytest.mark.parametrize(
    "make, copy_of, inputs",
    [
        (lambda: Shallow([3, 1, 4, 1]), plain_shallow, 5),
        (lambda: Shallow([3, 1, 4, 1], units=torch.tensor([16, 11, 6, 1])), plain_shallow, 5),
        (lambda: Fusion1d([3, 1, 4, 1], channels=(4, 6, 8, 8, 8)), PlainFusion, 5),
        (
            lambda: Fusion1d([3, 1, 4, 1], branches=2, channels=(4, 6, 8, 8, 8), pool="same"),
            PlainFusion,
            10,
        ),
    ],
)
def test_an_ensemble_trains_as_its_members_do_one_by_one(make, copy_of, inputs, rate):
    net = make().double()
    alone = [copy_of(net, m) for m in range(M)]
    x, y = feeds(inputs)
    training.fit(
        net,
        lambda epoch: zip(x, y, strict=True),
        smooth_l1,
        training.Settings(epochs=1, rate=rate),
        progress=False,
    )
    probe = torch.sigmoid(randn(M, 30, inputs, seed=5))
    for m in range(M):
        start = alone[m](probe[m]).detach()
        train_alone(alone[m], x[:, m], y[:, m], rate)
        close(net(probe)[m], alone[m](probe[m]), atol=1e-9)
        assert (alone[m](probe[m]) - start).abs().max() > 10 * rate  # it did learn


def test_settings_that_share_targets_train_as_alone():
    """Targets stand once for all settings of an ensemble: (M, B, .) inputs, (M / S, B, 7) targets."""
    net = Shallow([0, 1, 0, 1]).double()
    alone = [plain_shallow(net, m) for m in range(M)]
    x, y = feeds(5, settings=2)
    training.fit(
        net,
        lambda epoch: zip(x, y, strict=True),
        smooth_l1,
        training.Settings(epochs=1, rate=1e-2),
        progress=False,
    )
    for m in range(M):
        train_alone(alone[m], x[:, m], y[:, m % 2], 1e-2)
        close(net.out.bias[m, 0], alone[m][2].bias, atol=1e-9)
        close(net.into.weight[m].T, alone[m][0].weight, atol=1e-9)


def test_no_member_touches_another():
    net = fill(Shallow(range(M)))
    x = randn(M, 6, 5).requires_grad_()
    net(x)[1].sum().backward()
    assert (x.grad[1] != 0).any() and not x.grad[[0, 2, 3]].any()
    assert all(not p.grad[[0, 2, 3]].any() for p in net.parameters())
    assert members.parameter_count(net) == 215
