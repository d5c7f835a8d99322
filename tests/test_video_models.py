"""The networks of orgil2021's Fig. 3, alone and stacked: an ensemble is its members side by side."""

import pytest
import torch
from torch import nn

from emolib import losses, training
from emolib.ground.errors import EmolibError
from emolib.models import members, video
from emolib.models.video import NETWORKS, WIDTHS, Audio, Full, Pose, WithoutMel

M, B, T = 3, 4, 6
NARROW = {"image": 10, "landmarks": 6, "pose": 4, "mel": 5}
SMALL = {Full: (9, 7, 5), WithoutMel: (9, 5), Audio: (5,), Pose: (5,)}


def rand(*shape, seed=0, dtype=torch.float64):
    return torch.rand(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def close(a, b, atol=1e-10):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


def small(kind, seeds=(3, 1, 4), **options):
    return kind(sizes=SMALL[kind], hidden=8, widths=NARROW, seeds=list(seeds), **options).double()


def inputs(*lead, widths=NARROW, seed=0, dtype=torch.float64):
    return {
        name: rand(*lead, width, seed=seed + i, dtype=dtype)
        for i, (name, width) in enumerate(widths.items())
    }


def of(given, m):
    return {name: x[m] for name, x in given.items()}


# ---------------------------------------------------------------- the networks as printed


def block(a, b):
    return a * b + b + 2 * b


@pytest.mark.parametrize(
    "make, body, lstm_in",
    [
        (Full, block(2048 + 140, 1024) + block(1024 + 36, 512) + block(512 + 128, 256), 256),
        (WithoutMel, block(2048 + 140, 1024) + block(1024 + 36, 256), 256),
        (
            lambda: WithoutMel(sizes=(1024, 512)),
            block(2048 + 140, 1024) + block(1024 + 36, 512),
            512,
        ),
        (Audio, block(128, 256), 256),
        (Pose, block(36, 256), 256),
    ],
)
def test_parameter_counts(make, body, lstm_in):
    count = body + 4 * 256 * (lstm_in + 256 + 2) + 256 * 2 + 2
    assert sum(p.numel() for p in make().parameters()) == count
    if make is not WithoutMel and isinstance(make, type):
        assert members.parameter_count(make(seeds=[0])) == count


def test_totals_of_the_four_networks():
    assert [sum(p.numel() for p in net().parameters()) for net in NETWORKS.values()] == [
        3_479_298,
        3_042_562,
        560_386,
        536_834,
    ]


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes_in_and_out_and_streams_by_name(name):
    net = NETWORKS[name]().eval()
    given = inputs(2, 5, widths=WIDTHS, dtype=torch.float32)
    assert net(given).shape == (2, 5, 2)
    assert torch.equal(
        net(given), net(**{stream: given[stream] for stream in net.widths})
    )  # reads nothing else


def test_full_is_the_chain_of_the_figure():
    """Against the chain written out with functions: what enters where, and in which order a block works."""
    net = Full(sizes=(9, 7, 5), hidden=8, widths=NARROW).double().eval()
    given = inputs(B, T)
    flat = {name: x.reshape(B * T, -1) for name, x in given.items()}

    def step(x, block):
        return block.norm(x @ block.linear.weight.T + block.linear.bias).clamp(min=0)

    with torch.no_grad():
        for b in net.blocks:  # statistics that do something
            b.norm.running_mean.uniform_(-1, 1)
            b.norm.running_var.uniform_(0.5, 2)
    x = step(torch.cat([flat["image"], flat["landmarks"]], 1), net.blocks[0])
    x = step(torch.cat([x, flat["pose"]], 1), net.blocks[1])
    x = step(torch.cat([x, flat["mel"]], 1), net.blocks[2])
    x, _ = net.lstm(x.view(B, T, -1))
    close(net(given), x @ net.classifier.weight.T + net.classifier.bias)
    assert (net.classifier(x) != net.classifier.bias).any()


def test_normalisation_is_over_all_frames_of_the_batch():
    net = Pose(sizes=(5,), hidden=8, widths={"pose": 4}, dropout=0.0).double()
    x = rand(B, T, 4)
    seen = net.blocks[0].linear(x).flatten(0, 1)
    net(pose=x)
    close(net.blocks[0].norm.running_mean, 0.1 * seen.mean(0))
    close(net.blocks[0].norm.running_var, 0.9 + 0.1 * seen.var(0))


def test_the_recurrent_stage_looks_back_only_and_windows_do_not_meet():
    net, x = Audio(sizes=(5,), hidden=8, widths={"mel": 5}).double().eval(), rand(B, T, 5)
    later = x.clone()
    later[1, 3:] += 1
    a, b = net(mel=x), net(mel=later)
    close(a[1, :3], b[1, :3])
    close(a[[0, 2, 3]], b[[0, 2, 3]])
    assert (a[1, 3:] != b[1, 3:]).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Full()(pose=rand(1, 2, 36)), "no 'image' among the inputs .pose."),
        (lambda: Pose()(pose=rand(1, 2, 35)), r"'pose' is \(1, 2, 35\), expected \(1, 2, 36\)"),
        (lambda: Pose()(pose=rand(2, 36)), r"'pose' is \(2, 36\)"),
        (
            lambda: small(Full)({**inputs(B, T), "mel": rand(B, T + 1, 5)}),
            r"'mel' is \(4, 7, 5\), expected \(3, 4, 6, 5\)",
        ),
        (lambda: small(Pose)(pose=rand(M + 1, B, T, 4)), r"expected \(3, 4, 6, 4\)"),
        (
            lambda: Pose()(pose=rand(2, 3, 36), mask=torch.ones(2, 3, dtype=torch.bool)),
            "and an ensemble",
        ),
        (lambda: small(Pose)(pose=rand(B, T, 4), mask=torch.ones(B, T)), "expected bool"),
        (lambda: small(Pose)(pose=rand(1, 1, 4)), "fewer than two frames"),
        (
            lambda: small(Pose)(pose=rand(B, T, 4), mask=torch.zeros(B, T, dtype=torch.bool)),
            "fewer than two frames",
        ),
        (lambda: Pose(widths={"poses": 3}), "did you mean pose"),
        (lambda: members.LSTM(2, 3, 4, steps="apar"), "did you mean apart"),
    ],
)
def test_misuse_is_an_error_with_names(call, message):
    with pytest.raises(EmolibError, match=message):
        call()


# ---------------------------------------------------------------- stacked layers are PyTorch's


@pytest.mark.parametrize("steps", ["auto", "stacked", "apart"])
@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_stacked_lstm_is_nn_lstm(length, steps):
    layer = members.initialise(members.LSTM(M, 3, 5, steps=steps), [0, 1, 2]).double()
    x = rand(M, B, length, 3).requires_grad_()
    out, weight = layer(x), rand(M, B, length, 5, seed=9)
    (out * weight).sum().backward()
    for m in range(M):
        plain, z = nn.LSTM(3, 5, batch_first=True).double(), x[m].detach().clone().requires_grad_()
        with torch.no_grad():
            for name, ours in zip(
                ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
                layer.parameters(),
                strict=True,
            ):
                getattr(plain, name).copy_(ours[m].T if ours.shape[1] > 1 else ours[m, 0])
        y = plain(z)[0]
        (y * weight[m]).sum().backward()
        close(out[m], y)
        close(x.grad[m], z.grad)
        for p, ours in zip(plain.parameters(), layer.parameters(), strict=True):
            close(ours.grad[m].T if ours.shape[1] > 1 else ours.grad[m, 0], p.grad)


def test_gradient_of_the_stacked_lstm_agrees_with_finite_differences():
    layer = members.initialise(members.LSTM(2, 2, 3, steps="stacked"), [0, 1]).double()
    names, weights = zip(*layer.named_parameters(), strict=True)

    def call(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), x)

    x = rand(2, 2, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(
        call, (x, *(w.detach().clone().requires_grad_() for w in weights)), eps=1e-6, atol=1e-7
    )


def test_stacked_normalisation_is_nn_batch_norm_in_training_and_after():
    layer, plain = (
        members.BatchNorm1d(M, 4).double(),
        [nn.BatchNorm1d(4).double() for _ in range(M)],
    )
    with torch.no_grad():
        layer.weight.copy_(rand(M, 1, 4, seed=1))
        layer.bias.copy_(rand(M, 1, 4, seed=2))
        for m in range(M):
            plain[m].weight.copy_(layer.weight[m, 0])
            plain[m].bias.copy_(layer.bias[m, 0])
    for seed in range(3):
        x = (1 + m_scale() * rand(M, 9, 4, seed=seed)).requires_grad_()
        y, weight = layer(x), rand(M, 9, 4, seed=7)
        (y * weight).sum().backward()
        for m in range(M):
            z = x[m].detach().clone().requires_grad_()
            (plain[m](z) * weight[m]).sum().backward()
            close(x.grad[m], z.grad)
    layer.eval()
    for m in range(M):
        close(layer(x)[m], plain[m].eval()(x[m]))
        close(layer.weight.grad[m, 0], plain[m].weight.grad)


def test_a_mask_of_all_frames_changes_nothing():
    plain, masked = (members.BatchNorm1d(M, 4).double() for _ in range(2))
    x = rand(M, 9, 4) * m_scale()
    for _ in range(2):
        close(plain(x), masked(x, torch.ones(9, dtype=torch.bool)))
    for a, b in zip(plain.state_dict().values(), masked.state_dict().values(), strict=True):
        close(a, b)


def m_scale():
    return torch.tensor([1.0, 5.0, 0.1], dtype=torch.float64).view(M, 1, 1)


def test_dropout_keeps_the_mean_and_its_streams_are_the_members_own():
    x = torch.ones(3, 4000, 5)
    first, second = members.Dropout([7, 7, 8], 0.3), members.Dropout([1, 7], 0.3)
    state = torch.get_rng_state()
    y, other = first(x), second(x[:2])
    assert torch.equal(state, torch.get_rng_state())
    assert y.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    torch.testing.assert_close(y.mean((1, 2)), torch.ones(3), atol=0.02, rtol=0)
    torch.testing.assert_close(y.mean((0, 1)), torch.ones(5), atol=0.03, rtol=0)  # every unit
    assert torch.equal(y[0], y[1]) and torch.equal(y[0], other[1]) and not torch.equal(y[0], y[2])
    assert float((y[0] * y[2]).mean()) == pytest.approx(1, abs=0.03)  # independent
    assert not torch.equal(y[0], first(x)[0])  # each call draws anew
    assert not torch.equal(y[0], members.Dropout([7, 7, 8], 0.3, stream=1)(x)[0])  # each layer too
    assert torch.equal(first.eval()(x), x)


def test_dropout_goes_on_where_a_stored_network_stopped():
    x, net = torch.ones(2, 50, 4), members.Dropout([1, 2])
    net(x)
    stored = net.state_dict()
    again = members.Dropout([1, 2])
    again.load_state_dict(stored)
    assert torch.equal(net(x), again(x))


def test_the_blocks_of_a_network_draw_apart():
    assert len({block.drop.stream for block in small(Full).blocks}) == 3


def test_training_that_was_killed_ends_with_the_same_weights(tmp_path):
    x, target = rand(B, T, 4), rand(M, B, T, 2, seed=3)

    def train(checkpoint=None, killed_at=None):
        def batches(epoch):
            if epoch == killed_at:
                raise KeyboardInterrupt
            return [(x, target)] * 2

        net = small(Pose)
        settings = training.Settings(epochs=4, rate=0.05, optimizer="sgd", momentum=0.9)
        training.fit(
            net,
            batches,
            lambda net, x, y: (net(pose=x) - y).square().sum(),
            settings,
            checkpoint=checkpoint,
            progress=False,
        )
        return net

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "net", killed_at=2)
    whole, again = train(), train(tmp_path / "net")
    for a, b in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


# ---------------------------------------------------------------- an ensemble is its members


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("steps", ["stacked", "apart"])
def test_a_member_equals_the_single_network(kind, shared, steps):
    net = small(kind, dropout=0.0)
    net.lstm.steps = steps
    given = inputs(B, T) if shared else inputs(M, B, T)
    for _ in range(2):  # moves the running statistics
        net(given)
    alone = [video.alone(net, m) for m in range(M)]
    for mode in (True, False):
        net.train(mode)
        out = net(given)
        assert out.shape == (M, B, T, 2)
        for m in range(M):
            close(out[m], alone[m].train(mode)(given if shared else of(given, m)))


@pytest.mark.parametrize("kind, steps", [(Full, "stacked"), (Audio, "apart")])
def test_an_ensemble_trains_as_its_members_one_by_one(kind, steps):
    """Five steps as in the paper, another loss for every member; batch statistics and the rest of the state agree too."""
    net, given, target = (
        small(kind, dropout=0.0),
        inputs(M, B, T),
        2 * rand(M, B, T, 2, seed=50) - 1,
    )
    kinds = (losses.mse, losses.ccc_loss, losses.non_inertial)
    net.lstm.steps = steps
    sgd = dict(lr=0.05, momentum=0.9, weight_decay=5e-4)
    alone = [video.alone(net, m) for m in range(M)]
    start = [p.detach().clone() for p in net.parameters()]
    step = torch.optim.SGD(net.parameters(), **sgd)
    for _ in range(5):
        step.zero_grad()
        out = net(given)
        sum(loss(out[m], target[m]) for m, loss in enumerate(kinds)).backward()
        step.step()
    for m, loss in enumerate(kinds):
        single = torch.optim.SGD(alone[m].parameters(), **sgd)
        for _ in range(5):
            single.zero_grad()
            loss(alone[m](of(given, m)), target[m]).backward()
            single.step()
        trained = video.alone(net, m)
        for a, b in zip(trained.state_dict().items(), alone[m].state_dict().items(), strict=True):
            if "num_batches" not in a[0]:
                close(a[1], b[1])
    assert all((p != s).any() for p, s in zip(net.parameters(), start, strict=True))


@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("steps", ["stacked", "apart"])
def test_no_gradient_leaks_between_members(kind, steps):
    net, given = small(kind), {name: x.requires_grad_() for name, x in inputs(M, B, T).items()}
    net.lstm.steps = steps
    net(given)[1].square().sum().backward()
    for p in [*net.parameters(), *(given[name] for name in net.widths)]:
        assert not p.grad[[0, 2]].any()
    assert all(p.grad[1].any() for p in net.parameters())


def test_start_weights_and_dropout_depend_on_the_seed_alone():
    given = inputs(B, T)
    one, three, four = small(Full, [7]), small(Full, [7, 1, 2]), small(Full, [5, 3, 7, 7])
    a, b, c = (net(given) for net in (one, three, four))
    close(a[0], b[0])
    close(a[0], c[2])
    close(a[0], c[3])
    assert (b[0] != b[1]).any() and (c[0] != c[1]).any()


def test_start_weights_of_the_recurrent_stage_are_within_pytorchs_bound():
    layer = members.initialise(members.LSTM(20, 3, 64), list(range(20)))
    for p in layer.parameters():
        assert 0.98 / 8 < p.detach().abs().max() <= 1 / 8
        assert float(p.detach().std()) == pytest.approx(1 / 8 / 3**0.5, rel=0.03)


def test_a_member_with_shorter_windows_is_padded_and_still_itself():
    """Windows of 3, 5 and 6 frames, batches of 4, 2 and 3 windows in one ensemble."""
    net, lengths, batches = small(Full, dropout=0.0), (3, 5, 6), (4, 2, 3)
    given = inputs(M, B, T)
    mask = torch.zeros(M, B, T, dtype=torch.bool)
    for m in range(M):
        mask[m, : batches[m], : lengths[m]] = True
    alone = [video.alone(net, m) for m in range(M)]
    out = net(given, mask=mask)
    for m in range(M):
        cut = {name: x[m, : batches[m], : lengths[m]] for name, x in given.items()}
        close(out[m, : batches[m], : lengths[m]], alone[m](cut))
        close(video.alone(net, m).blocks[0].norm.running_var, alone[m].blocks[0].norm.running_var)


def test_a_plain_network_of_a_member_leaves_the_global_stream_alone():
    net, before = small(Pose), torch.get_rng_state()
    video.alone(net, 0)
    assert torch.equal(before, torch.get_rng_state())
