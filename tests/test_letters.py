"""The EMNIST network: every printed total of Table 4.4, and a dropout that means what the old one did."""

import warnings

import pytest
import torch
from torch import nn

from emolib.models import letters
from emolib.models.letters import Letters
from emolib.reproduction import papers


def weights(net):
    return sum(p.numel() for p in net.parameters())


def printed(metric):
    table = papers.published("orgil2022-t4_4")
    table = table[table.metric == metric].set_index("original_classes")["value"]
    return {int(k): int(v) for k, v in table.items()}


def test_the_body_has_the_counted_parameters_and_120_features():
    body = Letters()
    assert weights(body) == letters.BODY == 1_474_128
    assert body(torch.zeros(2, 1, 28, 28)).shape == (2, 120) and Letters(31)(
        torch.zeros(2, 1, 28, 28)
    ).shape == (2, 31)


def test_every_printed_total_is_a_network_of_ours():
    totals = printed("Total parameters")
    assert totals.pop(26) == weights(Letters(31))
    assert len(totals) == 5 and totals == {
        seen: weights(Letters(seen + 1)) for seen in (5, 10, 15, 20, 25)
    }


def test_counts_agree_with_the_networks_and_with_the_printed_605():
    assert [letters.counts(n)[1] for n in (6, 11, 31)] == [weights(Letters(n)) for n in (6, 11, 31)]
    trainable = printed("Trainable parameters")
    assert letters.counts(31) == (trainable.pop(26),) * 2 and set(trainable.values()) == {
        letters.counts(6, trained=5)[0]
    } == {605}
    net = Letters(5)
    for name, p in net.named_parameters():
        p.requires_grad_(name.startswith("head"))
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == 605


def test_dropout_draws_the_masks_that_dropout2d_drew_and_does_not_warn():
    x, old, net = torch.randn(8, 600), nn.Dropout2d(0.25), Letters().train()
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "dropout2d: Received a 2-D input", UserWarning)
        expected = old(x)
    torch.manual_seed(0)
    assert torch.equal(net.drop(x), expected)


def test_eval_is_repeatable_and_train_is_not():
    net, x = Letters(5), torch.rand(4, 1, 28, 28)
    net.eval()
    assert torch.equal(net(x), net(x)) and torch.equal(net(x), net.head(net.features(x)))
    net.train()
    assert not torch.equal(net(x), net(x))


@pytest.mark.parametrize("channels_last", [False, True])
def test_memory_layout_changes_no_answer(channels_last):
    torch.manual_seed(0)
    net, x = Letters(5).eval(), torch.rand(4, 1, 28, 28)
    expected = net(x)
    torch.testing.assert_close(
        net.to(memory_format=torch.channels_last if channels_last else torch.contiguous_format)(x),
        expected,
    )
