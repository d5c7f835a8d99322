"""ResNet-18, its aggregators and the systems of chang2021's section 4.4: the printed sizes, and that padding and order mean nothing they should not."""

import pytest
import torch
from torch import nn

from emolib.ground.errors import EmolibError
from emolib.models import aggregators
from emolib.models.aggregators import AGGREGATORS, aggregator
from emolib.models.costs import mult_adds, parameters
from emolib.models.resnet18 import ResNet18
from emolib.models.resnet_lstm import PICTURE, SEGMENT, OneStream, Stream, System, load_extractor
from emolib.reproduction import papers


def meta(make):
    with torch.device("meta"):
        return make()


# ---------------------------------------------------------------- section 4.4


@pytest.mark.parametrize("clips, table", [(False, "chang2021-u4_4a"), (True, "chang2021-u4_4b")])
def test_printed_parameters_to_the_last_one(clips, table):
    printed = papers.published(table).set_index("metric").value
    net = meta(lambda: System(clips=clips))
    assert (
        parameters(net)
        == round(printed["Total params"] * 1e6)
        == round(printed["Trainable params"] * 1e6)
    )
    assert parameters(net) == {False: 26_813_704, True: 44_638_600}[clips]
    assert [parameters(p) for p in (net.image, net.sound, net.head)] == {
        False: [11_176_512 + 2_101_248, 11_170_240 + 2_101_248, 264_456],
        True: [33_203_904, 11_170_240, 264_456],
    }[clips]


def test_printed_multiply_adds_are_of_one_frame_and_of_25():
    cost = {
        (c, t): mult_adds(lambda: System(clips=c), (1, t, *PICTURE), (1, 1, *SEGMENT))
        for c in (False, True)
        for t in (1, 25)
    }  # noqa: B023
    printed = [
        round(papers.published(f"chang2021-u4_4{k}").set_index("metric").value["Mult-Adds"] * 1e9)
        for k in "ab"
    ]
    assert printed == [cost[False, 1], cost[True, 25]] == [4_200_483_008, 56_933_271_744]
    assert cost[False, 25] == 47_776_402_112 and round(cost[True, 25] / cost[False, 25], 2) == 1.19


def test_the_two_ways_of_counting_agree():
    """On the network itself, and by arithmetic (studies.audit.counting): part by part."""
    from emolib.reproduction.papers.audit import counting

    parts = counting.frame_wise(3)
    assert (
        mult_adds(lambda: Stream(3), (1, 3, *PICTURE))
        == parts["image"].mult_adds + counting.lstm(512, 512, 3).mult_adds
    )
    assert (
        mult_adds(lambda: Stream(1, aggregator_=None), (1, 1, *SEGMENT)) == parts["sound"].mult_adds
    )


def test_a_cost_grows_with_batch_and_steps():
    cost = lambda batch, steps: mult_adds(lambda: OneStream(1, width=4), (batch, steps, 1, 33, 32))  # noqa: E731
    behind = 32 + 32 * 8  # norm and dense unit, once a clip
    assert cost(2, 3) == 2 * cost(1, 3) and cost(1, 6) - behind == 2 * (cost(1, 3) - behind)


# ---------------------------------------------------------------- parts


def test_weights_of_torchvision_fit_and_give_the_same():
    from torchvision import models

    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = models.resnet18().eval()
        x = torch.randn(2, 3, 64, 64)
    theirs.fc = nn.Identity()
    ours = load_extractor(Stream(3), theirs.state_dict()).extractor.eval()
    with torch.no_grad():
        assert torch.equal(ours(x), theirs(x))
    with pytest.raises(EmolibError, match="do not fit this extractor"):
        load_extractor(Stream(1), theirs.state_dict())


@pytest.mark.parametrize("name", AGGREGATORS)
def test_padding_changes_nothing(name):
    """What stands behind the steps that count, and who else is in the batch, must not matter; what counts must."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net, x = aggregator(name, 16).eval(), torch.randn(3, 5, 16)
    lengths = torch.tensor([2, 5, 3])
    with torch.no_grad():
        whole = net(x, lengths)
        dirty = x.clone()
        dirty[0, 2:], dirty[2, 3:] = 1e3, -1e3
        torch.testing.assert_close(net(dirty, lengths), whole)
        torch.testing.assert_close(net(x[:1, :2]), whole[:1])
        moved = x.clone()
        moved[0, 1] += 1
        assert (net(moved, lengths)[0] - whole[0]).abs().max() > 1e-3
    assert whole.shape == (3, 16)


def test_which_aggregators_hear_the_order():
    with torch.random.fork_rng():
        torch.manual_seed(2)
        x = torch.randn(2, 4, 16)
        nets = {name: aggregator(name, 16).eval() for name in AGGREGATORS}
    with torch.no_grad():
        gap = {name: (net(x) - net(x.flip(1))).abs().max().item() for name, net in nets.items()}
    assert (
        gap["LSTM"] > 1e-2
        and gap["BiLSTM"] > 1e-2
        and gap["average"] < 1e-6
        and gap["transformer average"] < 1e-5
    )


def test_a_stream_looks_at_what_counts_only():
    """Steps behind the end would move the batch statistics of the extractor."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net, x = Stream(1, width=4).train(), torch.randn(2, 3, 1, 33, 32)
    lengths = torch.tensor([3, 1])
    dirty = x.clone()
    dirty[1, 1:] = 50.0
    a, b = net.extract(x, lengths), net.extract(dirty, lengths)
    torch.testing.assert_close(a, b)
    assert (a[1, 1:] == 0).all() and (a[1, 0] != 0).any()
    torch.testing.assert_close(net.extract(x), net.extract(x, torch.tensor([3, 3])))
    torch.testing.assert_close(net(x, lengths), net.aggregate(net.extract(x, lengths), lengths))


def test_gradients_reach_every_part():
    net = OneStream(1, 8, width=2)
    net(torch.randn(4, 2, 1, 33, 32), torch.tensor([2, 1, 2, 2])).logsumexp(1).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    both = System(8, width=2)
    both(torch.randn(2, 2, 3, 64, 64), torch.randn(2, 1, 1, 33, 32)).square().sum().backward()
    assert all(p.grad is not None for p in both.parameters())


def test_misuse_is_said():
    with pytest.raises(EmolibError, match="did you mean|LSTM"):
        aggregator("LSMT")
    with pytest.raises(EmolibError, match="one step, not 3"):
        Stream(1, width=2, aggregator_=None)(torch.zeros(1, 3, 1, 33, 32))
    with pytest.raises(EmolibError, match="expected 2"):
        ResNet18(dims=1)
    with pytest.raises(EmolibError, match="even number"):
        aggregators.BiLSTM(5)
    with pytest.raises(EmolibError, match="no multiple"):
        aggregators.TransformerAverage(12)
