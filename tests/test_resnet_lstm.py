"""ResNet-18, its aggregators and the systems of chang2021's section 4.4: the printed sizes, and that padding and order mean nothing they should not."""

import pytest
import torch
from torch import nn

from emolib import papers
from emolib.errors import EmolibError
from emolib.models import aggregators
from emolib.models.aggregators import AGGREGATORS, aggregator
from emolib.models.costs import mult_adds, parameters
from emolib.models.resnet18 import ResNet18
from emolib.models.resnet_lstm import PICTURE, SEGMENT, OneStream, Stream, System, load_extractor


def meta(make):
    with torch.device("meta"):
        return make()


# ---------------------------------------------------------------- section 4.4

@pytest.mark.parametrize("clips, table", [(False, "chang2021-u4_4a"), (True, "chang2021-u4_4b")])
def test_printed_parameters_to_the_last_one(clips, table):
    printed = papers.published(table).set_index("metric").value
    net = meta(lambda: System(clips=clips))
    assert parameters(net) == round(printed["Total params"] * 1e6) == round(printed["Trainable params"] * 1e6)
    assert parameters(net) == {False: 26_813_704, True: 44_638_600}[clips]
    assert [parameters(p) for p in (net.image, net.sound, net.head)] == {
        False: [11_176_512 + 2_101_248, 11_170_240 + 2_101_248, 264_456], True: [33_203_904, 11_170_240, 264_456]}[clips]


def test_printed_multiply_adds_are_of_one_frame_and_of_25():
    cost = {(c, t): mult_adds(lambda: System(clips=c), (1, t, *PICTURE), (1, 1, *SEGMENT)) for c in (False, True) for t in (1, 25)}  # noqa: B023
    printed = [round(papers.published(f"chang2021-u4_4{k}").set_index("metric").value["Mult-Adds"] * 1e9) for k in "ab"]
    assert printed == [cost[False, 1], cost[True, 25]] == [4_200_483_008, 56_933_271_744]
    assert cost[False, 25] == 47_776_402_112 and round(cost[True, 25] / cost[False, 25], 2) == 1.19


def test_the_two_ways_of_counting_agree():
    """On the network itself, and by arithmetic (studies.audit.counting): part by part."""
    from emolib.studies.audit import counting

    parts = counting.frame_wise(3)
    assert mult_adds(lambda: Stream(3), (1, 3, *PICTURE)) == parts["image"].mult_adds + counting.lstm(512, 512, 3).mult_adds
    assert mult_adds(lambda: Stream(1, aggregator_=None), (1, 1, *SEGMENT)) == parts["sound"].mult_adds


def test_a_cost_grows_with_batch_and_steps():
    cost = lambda batch, steps: mult_adds(lambda: OneStream(1, width=4), (batch, steps, 1, 33, 32))          # noqa: E731
    assert cost(2, 3) == 2 * cost(1, 3) and cost(1, 6) - cost(1, 3) == cost(1, 3) - 2 * (32 + 32 * 8) // 2 + (32 + 32 * 8) - 0 * cost(1, 1)
