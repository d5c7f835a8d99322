"""The fusion networks of chang2021's section 5.2: printed sizes, what a side branch costs, and one set of words for one network and for many."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from emolib.ground.errors import EmolibError
from emolib.models import members, mrpn
from emolib.models.costs import mult_adds, parameters
from emolib.models.mrpn import (
    DESIGNS,
    MRPN,
    N0,
    N1,
    N2,
    Design,
    Fusion,
    FusionComponent,
    ResPerceptron,
    Scoring,
    multi_term_loss,
)
from emolib.models.resnet_lstm import PICTURE, SEGMENT

PRINTED = {"N0": 26_818_312, "N1": 26_826_520, "N2": 27_353_880}


def meta(make):
    with torch.device("meta"):
        return make()


@pytest.mark.parametrize("name", PRINTED)
def test_sizes_at_eight_classes(name):
    assert parameters(meta(lambda: MRPN(8, DESIGNS[name]))) == PRINTED[name]


def test_where_the_numbers_come_from():
    """Side scores 2 x 4,104; residual perceptrons 2 x (262,656 + 1,024); F14: no norm after the concatenation, Scoring at the side."""
    head = lambda how: parameters(meta(lambda: Fusion((512, 512), 8, how)))  # noqa: E731
    assert head(N1) - head(N0) == 2 * 4_104 and head(N2) - head(N1) == 527_360
    assert (
        head(DESIGNS["N1 + equal block"])
        == head(DESIGNS["N2, side scores before the block"])
        == head(N2)
    )
    assert head(N0) - head(Design(joint_norm=False)) == 2_048
    assert (
        parameters(Scoring(512, 8)) == 133_896
        and head(Design(mrpn.NORMED, scoring=True)) - head(N0) == 2 * 133_896
    )


def test_side_branches_cost_nothing_at_inference():
    """N0 and N1 are one network in testing mode (5.2.1, observation 3); N2 pays for its blocks alone."""
    cost = {
        n: mult_adds(lambda n=n: MRPN(8, DESIGNS[n], width=4), (1, 2, 3, 32, 32), (1, 2, 1, 33, 32))
        for n in PRINTED
    }
    assert cost["N0"] == cost["N1"] and cost["N2"] - cost["N1"] == 2 * (32 * 32 + 32)
    net = Fusion((6, 5), 4, N1).eval()
    for side in net.sides:
        side.forward = None  # would raise if it were called
    assert net([torch.randn(3, 6), torch.randn(3, 5)]).shape == (3, 4)


def test_a_whole_system_of_section_4_4_is_not_larger_than_its_frames():
    assert mult_adds(lambda: MRPN(8, N0), (1, 1, *PICTURE), (1, 1, *SEGMENT)) == pytest.approx(
        4_200_483_008, rel=1e-5
    )


def test_a_residual_perceptron_is_equation_29():
    block, x = ResPerceptron(5).train(), torch.randn(40, 5)
    update = torch.sigmoid(x @ block.dense.weight.T + block.dense.bias)
    expected = x + (update - update.mean(0)) / (update.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(block(x), expected)
    bare = ResPerceptron(5, shortcut=False)
    bare.load_state_dict(block.state_dict())
    torch.testing.assert_close(bare.train()(x), expected - x)


def test_a_fusion_component_is_equation_26():
    net, parts = FusionComponent(7, 3, hidden=4), [torch.randn(20, 5), torch.randn(20, 2)]
    norm = lambda v: (v - v.mean(0)) / (v.var(0, unbiased=False) + 1e-5).sqrt()  # noqa: E731
    first, _, _, last = net.scoring
    torch.testing.assert_close(net(parts), last(norm(first(norm(torch.cat(parts, 1))).relu())))


@pytest.mark.parametrize("name", DESIGNS)
def test_a_stack_of_one_is_the_network(name):
    """One set of words: with equal weights the stacked network gives the plain one's scores, in training and after."""
    one, many = (
        Fusion((4, 3, 2), 5, DESIGNS[name], hidden=6),
        Fusion((4, 3, 2), 5, DESIGNS[name], hidden=6, members=2),
    )
    members.initialise(many, [3, 4])
    with torch.no_grad():
        for (n, p), q in zip(one.named_parameters(), many.parameters(), strict=True):
            p.copy_(q[1].T if p.dim() == 2 else q[1, 0])
            assert q.shape[0] == 2, n
    parts = [torch.randn(2, 12, f) for f in (4, 3, 2)]
    for mode in (True, False):
        one.train(mode), many.train(mode)
        joint, sides = many.all_scores(parts)
        alone, beside = one.all_scores([p[1] for p in parts])
        torch.testing.assert_close(joint[1], alone)
        assert len(sides) == len(beside) == (3 if DESIGNS[name].side else 0)
        for a, b in zip(sides, beside, strict=True):
            torch.testing.assert_close(a[1], b)
    torch.testing.assert_close(many(parts), many.all_scores(parts)[0])
    if sides:
        torch.testing.assert_close(many.alone(1, parts[1]), sides[1])


@given(st.integers(1, 4), st.sampled_from(sorted(DESIGNS)), st.integers(1, 5))
def test_any_number_of_modalities_and_outputs(count, name, outputs):
    net = Fusion([3 + k for k in range(count)], outputs, DESIGNS[name], hidden=4).eval()
    joint, sides = net.all_scores([torch.randn(2, 3 + k) for k in range(count)])
    assert joint.shape == (2, outputs) and all(s.shape == (2, outputs) for s in sides)


def test_it_learns_classes_and_numbers():
    """Classification by cross-entropy, regression by squares: the same network, another loss (Fig. 5.5)."""
    torch.manual_seed(0)
    x = [torch.randn(256, 6), torch.randn(256, 4)]
    y = torch.stack([x[0][:, 0] * x[1][:, 0], x[0][:, 1]], 1)
    for criterion, target, outputs in (
        (nn.functional.mse_loss, y, 2),
        (nn.functional.cross_entropy, (y[:, 0] > 0).long(), 2),
    ):
        net = Fusion((6, 4), outputs, N2, hidden=32)
        step, first = torch.optim.AdamW(net.parameters(), 1e-2), None
        for _ in range(60):
            loss = multi_term_loss(criterion, *net.all_scores(x), target)
            first = first if first is not None else loss.item()
            step.zero_grad(), loss.backward(), step.step()
        joint, sides = net.all_scores(x)
        assert (
            criterion(joint, target).item() < 0.5 * min(criterion(s, target).item() for s in sides)
            and loss.item() < 0.7 * first
        )


def test_the_loss_is_the_sum_of_its_terms():
    joint, sides, y = (
        torch.randn(4, 3),
        [torch.randn(4, 3), torch.randn(4, 3)],
        torch.tensor([0, 1, 2, 0]),
    )
    of = nn.functional.cross_entropy
    torch.testing.assert_close(
        multi_term_loss(of, joint, sides, y), of(joint, y) + of(sides[0], y) + of(sides[1], y)
    )
    torch.testing.assert_close(multi_term_loss(of, joint, sides, y, (0, 0, 1)), of(joint, y))
    with pytest.raises(EmolibError, match="2 weights for 2 side"):
        multi_term_loss(of, joint, sides, y, (1, 1))


@pytest.mark.parametrize("aggregator", ["LSTM", "BiLSTM", "transformer average"])
def test_every_aggregator_and_padding(aggregator):
    net = MRPN(4, N2, width=2, aggregator_=aggregator).eval()
    frames, sound = torch.randn(2, 3, 3, 16, 16), torch.randn(2, 2, 1, 17, 16)
    count = torch.tensor([3, 2])
    said = net(frames, sound, lengths=(count, None))
    frames[1, 2] = 99.0
    torch.testing.assert_close(net(frames, sound, lengths=(count, None)), said)
    assert said.shape == (2, 4)


def test_misuse_is_named():
    with pytest.raises(EmolibError, match="sigmoid"):
        Design(activation="sigmoit")
    with pytest.raises(EmolibError, match="fusion network 'N3'"):
        mrpn.design("N3")
    with pytest.raises(EmolibError, match="of 2 modalities was given 1"):
        Fusion((3, 3), 2)([torch.randn(2, 3)])
    with pytest.raises(EmolibError, match="needs every modality"):
        Fusion((3, 3), 2, N0).alone(0, torch.randn(2, 3))
    with pytest.raises(EmolibError, match="at least one"):
        Fusion((), 2)
