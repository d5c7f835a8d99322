"""The transformers of orgil2022: what enters, what a frame may see, and that labels stay out of evaluation."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from emolib.ground.errors import EmolibError
from emolib.models.transformer import (
    NETWORKS,
    WIDTHS,
    Evm,
    Feature,
    Mesh,
    Multi,
    Transformer,
    positions,
)

B, T = 2, 9
NARROW = {"mesh": 12, "image": 5, "evm": 7}
SIZES = dict(width=16, heads=2, layers=2, feedforward=24, max_length=32)
WAYS = [(decoder, causal) for decoder in ("queries", "shifted") for causal in (False, True)]

pytestmark = pytest.mark.usefixtures("one_thread")


def small(kind=Multi, **options):
    torch.manual_seed(0)
    net = kind(widths=NARROW, **{**SIZES, **options}).double().eval()
    with torch.no_grad():  # biases and norms that do something
        for p in net.parameters():
            p.add_(0.1 * torch.randn_like(p))
    return net


def inputs(length=T, seed=0):
    g = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(B, length, width, dtype=torch.float64, generator=g)
        for name, width in NARROW.items()
    }


def labels(length=T, seed=5):
    return (
        2
        * torch.rand(
            B, length, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
        )
        - 1
    )


def close(a, b, atol=1e-10):
    torch.testing.assert_close(a, b, atol=atol, rtol=0)


# ---------------------------------------------------------------- what they are


def attention(d):
    return 4 * d * d + 4 * d


def core(d, f, layers):
    """Parameters of nn.Transformer, counted by hand: attention, two linear maps, norms; a norm behind either stack."""
    ends = d * f + f + f * d + d
    return (
        layers * (attention(d) + ends + 2 * 2 * d)
        + layers * (2 * attention(d) + ends + 3 * 2 * d)
        + 2 * 2 * d
    )


@pytest.mark.parametrize(
    "kind, streams",
    [(Mesh, ("mesh",)), (Feature, ("image",)), (Evm, ("evm",)), (Multi, ("mesh", "image", "evm"))],
)
@pytest.mark.parametrize("decoder", ["queries", "shifted"])
def test_parameter_counts(kind, streams, decoder):
    with torch.device("meta"):
        net = kind(decoder=decoder)
    ends = sum(WIDTHS[s] for s in streams) * 512 + 512 + 512 * 2 + 2
    enters = 2048 * 512 if decoder == "queries" else 2 * 512 + 512 + 512
    assert tuple(net.widths) == streams
    assert sum(p.numel() for p in net.parameters()) == core(512, 2048, 6) + ends + enters


def test_totals_of_the_four():
    with torch.device("meta"):
        assert [sum(p.numel() for p in net().parameters()) for net in NETWORKS.values()] == [
            45_909_506,
            46_239_234,
            46_239_234,
            48_006_658,
        ]


@pytest.mark.parametrize("decoder, causal", WAYS)
def test_shapes_and_a_mesh_of_points(decoder, causal):
    net = Mesh(decoder=decoder, causal=causal, **SIZES).eval()
    points = torch.rand(B, 4, 468, 3)
    with torch.no_grad():
        assert net(mesh=points).shape == (B, 4, 2)
        assert torch.equal(net(mesh=points), net({"mesh": points.flatten(2), "mel": None}))


def test_positions_are_distinct_and_of_bounded_size():
    p = positions(2048, 16)
    torch.testing.assert_close(p.square().sum(-1), torch.full((2048,), 8.0))
    assert torch.equal(p[0], torch.tensor([0.0, 1.0] * 8))
    assert float(torch.pdist(p[:300]).min()) > 0.1
    assert float(p[7, 0]) == pytest.approx(0.6569866) and float(p[7, 3]) == pytest.approx(
        torch.cos(torch.tensor(7 * 10_000 ** (-2 / 16))).item(), abs=1e-6
    )


def test_the_order_of_the_frames_matters():
    net, x = small(), inputs()
    turned = {name: v.flip(1) for name, v in x.items()}
    assert (net(turned).flip(1) - net(x)).abs().max() > 1e-3
    assert (net(turned) - net(x)).abs().max() > 1e-3  # a set of frames would give the same twice


# ---------------------------------------------------------------- what a frame may see


@pytest.mark.parametrize("decoder", ["queries", "shifted"])
@pytest.mark.parametrize("mode", ["evaluation", "training"])
def test_a_causal_output_does_not_change_with_what_comes_after(decoder, mode):
    net, x, target = (
        small(decoder=decoder, causal=True, dropout=0.0).train(mode == "training"),
        inputs(),
        labels(),
    )
    options = dict(target=target) if decoder == "shifted" and mode == "training" else {}
    for t in (0, 4, T - 2):
        later = {name: v.clone() for name, v in x.items()}
        for v in later.values():
            v[:, t + 1 :] += 1
        a, b = net(x, **options), net(later, **options)
        close(a[:, : t + 1], b[:, : t + 1])
        assert ((a - b)[:, t + 1 :].abs() > 1e-6).all()


def test_a_causal_output_does_not_change_with_the_length_of_the_window():
    for decoder in ("queries", "shifted"):
        net, x = small(decoder=decoder, causal=True), inputs()
        close(net({name: v[:, :5] for name, v in x.items()}), net(x)[:, :5])


@pytest.mark.parametrize("decoder", ["queries", "shifted"])
def test_with_full_attention_the_first_frame_sees_the_last(decoder):
    net, x = small(decoder=decoder), inputs()
    later = {name: v.clone() for name, v in x.items()}
    later["evm"][:, -1] += 1
    assert ((net(x) - net(later))[:, 0].abs() > 1e-6).all()


@pytest.mark.parametrize("causal", [False, True])
def test_in_training_a_frame_sees_earlier_labels_and_never_its_own(causal):
    net, x, target = (
        small(decoder="shifted", causal=causal, dropout=0.0).train(),
        inputs(),
        labels().requires_grad_(),
    )
    out = net(x, target=target)
    for t in range(T):
        seen = torch.autograd.grad(out[:, t].sum(), target, retain_graph=True)[0]
        assert not seen[:, t:].any() and (seen[:, :t].abs().sum(-1) > 0).all()


def test_windows_of_a_batch_do_not_meet():
    for decoder, causal in WAYS:
        net, x = small(decoder=decoder, causal=causal), inputs()
        close(net({name: v[1:] for name, v in x.items()})[0], net(x)[1])


# ---------------------------------------------------------------- free running


def slow_free_running(net, x):
    """Free running as one would write it down: the whole decoder again for every frame."""
    memory = net._encode(net._joined(x))  # (B, T, width)
    said = memory.new_zeros(B, 0, 2)
    for t in range(memory.shape[1]):
        before = torch.cat(
            [said, memory.new_full((B, 1, 2), torch.nan)], 1
        )  # (B, t+1, 2); the last one is shifted out
        seen = memory[:, : t + 1] if net.causal else memory
        state = net._decode(net._shifted(before), seen, causal=True)  # (B, t+1, width)
        said = torch.cat([said, net.out(state[:, -1:])], 1)
    return said


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [1, 2, T, 32])
def test_free_running_is_step_by_step_decoding(causal, length):
    net, x = small(decoder="shifted", causal=causal), inputs(length)
    with torch.no_grad():
        close(net(x), slow_free_running(net, x))


@pytest.mark.parametrize("causal", [False, True])
def test_free_running_is_teacher_forcing_with_its_own_outputs(causal):
    """A third way to the same numbers, through nn.Transformer alone; and true labels give others."""
    net, x = small(decoder="shifted", causal=causal), inputs()
    with torch.no_grad():
        said = net(x)
        close(net(x, target=said, leak=True), said)
        assert (net(x, target=labels(), leak=True) - said)[:, 1:].abs().max() > 1e-3


def test_a_leak_copies_labels_that_cannot_be_known():
    """Slow random labels and inputs that say nothing: teacher-forced evaluation looks right, free running does not."""
    torch.manual_seed(1)
    net = Feature(
        widths={"image": 2}, decoder="shifted", **{**SIZES, "layers": 1}, dropout=0.0
    ).train()
    step = torch.optim.Adam(net.parameters(), lr=1e-2)

    def walk():
        return torch.cumsum(0.1 * torch.randn(16, 16, 2), 1), torch.rand(16, 16, 2)

    for _ in range(60):
        target, x = walk()
        step.zero_grad()
        (net(image=x, target=target) - target).square().mean().backward()
        step.step()
    target, x = walk()
    net.eval()
    with torch.no_grad():
        leaking, honest = (
            (out - target).square().mean()
            for out in (net(image=x, target=target, leak=True), net(image=x))
        )
    assert leaking < 0.6 * target.square().mean() < 0.6 * honest


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: small(decoder="shifted")(inputs(), target=labels()), "give the answer away"),
        (lambda: small(decoder="shifted")(inputs(), leak=True), "go together"),
        (lambda: small(decoder="shifted").train()(inputs()), "needs the labels"),
        (
            lambda: small(decoder="shifted").train()(inputs(), target=labels(), leak=True),
            "without `leak`",
        ),
        (
            lambda: small(decoder="shifted").train()(inputs(), target=labels(3)),
            r"target is \(2, 3, 2\), expected \(2, 9, 2\)",
        ),
        (lambda: small()(inputs(), target=labels()), "no place in a decoder of queries"),
        (lambda: small()(inputs(33)), "windows of 33 frames, expected 1 to 32"),
        (lambda: small()({"mesh": inputs()["mesh"]}), "no 'image' among the inputs .mesh."),
        (
            lambda: small()({**inputs(), "evm": labels()}),
            r"'evm' is \(2, 9, 2\), expected \(2, 9, 7\)",
        ),
        (lambda: Mesh(decoder="query"), "did you mean queries"),
        (lambda: Transformer(("meshes",)), "did you mean mesh"),
        (lambda: Mesh(width=12, heads=8), "no multiple of 16"),
    ],
)
def test_misuse_is_an_error_with_names(call, message):
    with pytest.raises(EmolibError, match=message):
        call()


# ---------------------------------------------------------------- long windows


class Largest(TorchDispatchMode):
    """The largest tensor that any operation gives back, in elements."""

    size = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for v in out if isinstance(out, tuple | list) else [out]:
            if isinstance(v, torch.Tensor):
                self.size = max(self.size, v.untyped_storage().nbytes() // v.element_size())
        return out


@pytest.mark.parametrize("decoder, causal", WAYS)
@pytest.mark.parametrize("backward", [False, True])
def test_attention_over_2048_frames_never_holds_a_matrix_per_head(decoder, causal, backward):
    """At most one mask of T x T for everything; one matrix per head and window would be 8 times that."""
    length, heads, batch = 2048, 4, 2
    net = Mesh(
        widths={"mesh": 3},
        decoder=decoder,
        causal=causal,
        width=8,
        heads=heads,
        layers=1,
        feedforward=8,
        dropout=0.0,
    ).train(backward)
    x, target = torch.rand(batch, length, 3), torch.zeros(batch, length, 2)
    options = {} if decoder == "queries" else dict(target=target, leak=not backward)
    with Largest() as seen, torch.set_grad_enabled(backward):
        out = net(mesh=x, **options)
        if backward:
            out.square().sum().backward()
    assert out.shape == (batch, length, 2) and torch.isfinite(out).all()
    assert seen.size <= length * length


@pytest.mark.slow
def test_free_running_over_2048_frames():
    net = Mesh(
        widths={"mesh": 3}, decoder="shifted", width=8, heads=2, layers=1, feedforward=8
    ).eval()
    with torch.no_grad(), Largest() as seen:
        assert net(mesh=torch.rand(1, 2048, 3)).shape == (1, 2048, 2)
    assert seen.size < 2048 * 64


def test_every_weight_learns():
    for decoder, causal in WAYS:
        net = small(decoder=decoder, causal=causal, max_length=T).train()
        net(inputs(), target=labels() if decoder == "shifted" else None).square().sum().backward()
        assert all(p.grad is not None and p.grad.any() for p in net.parameters())
