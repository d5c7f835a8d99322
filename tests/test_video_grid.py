"""The grid of video networks: what it joins, how it learns, what it measures."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolib import losses, metrics
from emolib.ground.errors import EmolibError
from emolib.models import members, video
from emolib.models.video_grid import Grid, windows
from emolib.reproduction.studies.video_networks import streams, training
from emolib.reproduction.studies.video_networks.streams import Frames
from emolib.reproduction.studies.video_networks.training import MAIN

WIDTHS = {"image": 6, "landmarks": 5, "pose": 4, "mel": 3}
SHAPES = {
    "Full Network": [6, 5, 4],
    "Without mel Spectrogram": [6, 4],
    "Audio Network": [4],
    "Pose Network": [4],
}

pytestmark = pytest.mark.usefixtures("one_thread")


def options(names=tuple(SHAPES), of=MAIN, dropout=0.0):
    return {
        name: {"losses": list(of), "sizes": SHAPES[name], "hidden": 4, "dropout": dropout}
        for name in names
    }


def frames(videos=24, seed=0, kind=torch.float32) -> Frames:
    """Videos of 30 to 70 frames of 12 people; valence and arousal can be read off the first two columns of the pose."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(30, 70, videos)
    start = np.concatenate([[0], np.cumsum(lengths)])
    truth = np.concatenate([np.cumsum(rng.normal(0, 0.12, (n, 2)), 0) for n in lengths]).clip(-1, 1)
    values = {name: rng.random((start[-1], width)) for name, width in WIDTHS.items()}
    values["pose"][:, :2] = 0.5 + truth / 2
    return Frames(
        {name: torch.tensor(x, dtype=kind) for name, x in values.items()},
        torch.tensor(truth, dtype=torch.float32),
        torch.ones(start[-1], dtype=torch.bool),
        start,
        np.array([f"person{i % 12}" for i in range(videos)]),
    )


def streams_of(count):
    g = torch.Generator().manual_seed(count)
    return {name: torch.rand(count, width, generator=g) for name, width in WIDTHS.items()}


# ---------------------------------------------------------------- the joint network


@pytest.mark.parametrize("learning", [True, False])
def test_each_member_is_the_network_it_would_be_alone(learning):
    nets = {
        name: video.NETWORKS[name](
            sizes=tuple(o["sizes"]), hidden=4, dropout=0.0, widths=WIDTHS, seeds=[3, 4]
        )
        for name, o in options().items()
    }
    singles = [video.alone(net, m).train(learning) for net in nets.values() for m in (0, 1)]
    grid = Grid(nets).train(learning)
    given = streams_of(24)
    said = grid(given, 8)
    assert said.shape == (8, 3, 8, 2)
    for m, single in enumerate(singles):
        alone = single({name: x.view(3, 8, -1) for name, x in given.items()})
        assert torch.allclose(said[m], alone, atol=1e-6), m


def test_what_stands_behind_the_end_reaches_no_frame_before_it():
    grid, _ = training.grid(options(), 0, WIDTHS)
    grid.eval()
    given = streams_of(21)
    assert torch.allclose(
        grid(given, 8).flatten(1, 2)[:, :16],
        grid({n: x[:16] for n, x in given.items()}, 8).flatten(1, 2),
        atol=1e-6,
    )
    assert grid(given, 64).shape == (
        12,
        1,
        21,
        2,
    )  # shorter than a window: a window of its own length


def test_windows_are_views_where_they_fit():
    x = torch.arange(24.0).view(12, 2)
    assert windows(x, 4).data_ptr() == x.data_ptr() and windows(x, 4).shape == (3, 4, 2)
    assert windows(x, 5).shape == (3, 5, 2) and (windows(x, 5)[2, 2:] == 0).all()


def test_recurrent_stages_must_fit():
    nets = {
        "a": video.Audio(sizes=(4,), hidden=4, widths={"mel": 3}, seeds=[0]),
        "b": video.Pose(sizes=(5,), hidden=4, widths={"pose": 3}, seeds=[0]),
    }
    with pytest.raises(EmolibError, match="recurrent stages differ"):
        Grid(nets)


def test_training_a_member_is_training_the_network_alone():
    """Three steps of the grid's optimiser against PyTorch's own SGD on plain layers; a doubled rate is that member's alone."""
    net, names = training.grid(options(of=("MSE", "Non-Inertial, doubled rate")), 5, WIDTHS)
    at = names.index(("Full Network", "MSE"))
    twin = video.Full(sizes=(6, 5, 4), hidden=4, dropout=0.0, widths=WIDTHS, seeds=[5])
    single = video.alone(twin, 0)
    rates = torch.tensor([0.1 * training.loss_of(loss).rate for _, loss in names])
    step, other = (
        net.optimizer(rates, momentum=0.9, weight_decay=5e-4),
        torch.optim.SGD(single.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4),
    )
    given, target = streams_of(16), torch.rand(2, 8, 2, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(2, 8, dtype=torch.bool)
    together = training.Together([loss for _, loss in names])
    for _ in range(3):
        for optimizer in (step, other):
            optimizer.zero_grad()
        together(net(given, 8), target, mask).backward()
        (2 * losses.mse(single({n: x.view(2, 8, -1) for n, x in given.items()}), target)).backward()
        step.step()
        other.step()
    assert torch.allclose(
        net(given, 8)[at], single({n: x.view(2, 8, -1) for n, x in given.items()}), atol=1e-5
    )


def test_a_rate_of_zero_leaves_a_member_as_it_is():
    p = torch.nn.Parameter(torch.ones(3, 2, 2))
    q = torch.nn.Parameter(torch.ones(3, 2, 2))
    rates = torch.tensor([0.0, 0.1, 0.2])
    step = members.SGD(
        [([p], slice(None)), ([q], slice(None))], rates, momentum=0.9, weight_decay=0.1
    )
    for _ in range(2):
        p.grad, q.grad = torch.ones_like(p), torch.zeros_like(q)
        step.step()
    assert (p[0] == 1).all() and (p[1] < 1).all() and (p[2] < p[1]).all() and (q[0] == 1).all()
    rates[1] = 0.0
    before = p[1].clone()
    step.step()
    assert (p[1] == before).all() and (p[2] < 1).all()


# ---------------------------------------------------------------- losses together


def test_losses_together_are_the_losses_one_by_one():
    g = torch.Generator().manual_seed(0)
    names = ["MSE", "CCC", "Non-Inertial", "MSE", "0.5 x MSE"]
    pred, target = torch.rand(len(names), 3, 6, 2, generator=g), torch.rand(3, 6, 2, generator=g)
    mask = torch.ones(3, 6, dtype=torch.bool)
    mask[2, 4:] = False
    target[1, :, 0] = 0.25  # an axis that stands still
    one = {
        "MSE": lambda p: 2 * losses.mse(p, target, mask=mask),
        "0.5 x MSE": lambda p: losses.mse(p, target, mask=mask),
        "CCC": lambda p: losses.ccc_loss(p, target, mask=mask),
        "Non-Inertial": lambda p: losses.non_inertial(p, target, mask=mask),
    }
    together = training.Together(names)(pred, target, mask)
    assert together.item() == pytest.approx(
        sum(one[n](p).item() for n, p in zip(names, pred, strict=True)), rel=1e-5
    )


def test_an_unknown_loss_is_an_error():
    with pytest.raises(EmolibError, match="Non-Inertial"):
        training.loss_of("Non-inertial")


# ---------------------------------------------------------------- who is where, and what a batch holds


@given(st.integers(0, 20), st.sampled_from([0.1, 0.3]))
def test_people_stand_on_one_side(seed, share):
    subject = np.array([f"p{i % 30}" for i in range(90)])
    s = training.split(subject, share, seed)
    sides = [set(subject[v]) for v in (s.train, s.validation, s.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2]) and all(sides)
    assert (
        len(s.train) + len(s.validation) + len(s.test) == 90
        and abs(len(s.test) / 90 - share) < 0.06
    )


def test_repeats_take_turns_until_every_video_was_tested():
    subject = np.array([f"p{i % 30}" for i in range(90)])
    tested = np.concatenate([training.split(subject, 0.1, seed).test for seed in range(10)])
    assert sorted(tested) == list(range(90))


def test_a_batch_is_a_video_in_order():
    held = frames()
    chosen = training.split(held.subject, 0.3, 0)
    feed = training.batches(held, chosen, seed=0, length=8, batch=64)
    epoch = list(feed(0))
    assert len(epoch) == len(chosen.train)
    lengths = {int(n) for n in np.diff(held.start)[chosen.train]}
    for target, mask, read in epoch:
        count = int(mask.sum())
        assert (
            count in lengths
            and read["pose"].shape[0] == count
            and target.shape == (-(-count // 8), 8, 2)
        )
        assert torch.allclose(
            target.flatten(0, 1)[:count], 2 * read["pose"][:, :2] - 1, atol=1e-6
        )  # frames and annotation belong together
    again = list(feed(0))
    assert all(
        torch.equal(a[0], b[0]) for a, b in zip(epoch, again, strict=True)
    )  # the same epoch, the same batches


def test_long_videos_come_in_pieces_and_nothing_is_lost():
    start = np.array([0, 100, 101, 130])
    rows = training.pieces(start, np.array([0, 2]), 8, 4)
    assert [(r.start, r.stop) for r in rows] == [(0, 32), (32, 64), (64, 96), (96, 100), (101, 130)]
    assert training.pieces(start, np.array([1]), 8, 4) == []  # no variance in a single frame


def test_only_the_redrawn_split_trains_on_what_it_reports():
    held = frames()
    chosen = training.split(held.subject, 0.3, 0)
    hidden = {round(float(held.target[held.start[v] + 3, 0]), 6) for v in chosen.test}

    def seen(**how):
        feed = training.batches(held, chosen, seed=0, length=8, batch=64, **how)
        return {
            round(float(v), 6)
            for epoch in range(3)
            for target, _, _ in feed(epoch)
            for v in target[..., 0].flatten()
        }

    assert not hidden & seen() and not hidden & seen(mixed=True)
    assert hidden & seen(redrawn=True)
    mixed = list(training.batches(held, chosen, seed=0, length=8, batch=64, mixed=True)(0))
    assert all(mask.all() for _, mask, _ in mixed) and len(mixed) > 5


# ---------------------------------------------------------------- what is measured


def test_sums_give_the_scores_of_the_predictions():
    held = frames(kind=torch.float32)
    held.seen[5:9] = False
    net, names = training.grid(options(("Pose Network",)), 1, WIDTHS)
    net.eval()
    chosen = [0, 3, 4, 7]
    assert any(
        (held.start[v + 1] - held.start[v]) % 8 for v in chosen
    )  # some last windows are filled up
    k = training.sums(net, held, np.array(chosen), 8)
    said = training.scores(k)
    for v, at in enumerate(chosen):
        y, mask, read = held.batch(held.video(at), 8)
        with torch.no_grad():
            x = net(read, 8)
        for m in range(len(names)):
            p, t = x[m][mask].numpy(), y[mask].numpy()
            ccc = metrics.ccc(p, t, dim=0)
            assert said["valence"][m, v] == pytest.approx(ccc[0], abs=1e-6) and said["CCC"][
                m, v
            ] == pytest.approx(ccc.mean(), abs=1e-6)
            assert said["MSE"][m, v] == pytest.approx(
                2 * losses.mse(x[m], y, mask=mask).item(), rel=1e-5
            )
            assert said["Non-Inertial"][m, v] == pytest.approx(
                losses.non_inertial(x[m], y, mask=mask).item(), rel=1e-5
            )


def test_a_constant_annotation_has_no_concordance():
    k = np.zeros(14)
    k[:2], k[4:6], k[8:10] = (10, 9), (5.0, 2.0), (2.5, 0.4)  # y = 0.5 and 0.2 throughout
    k[2:4], k[6:8], k[10:12] = (5.0, 2.0), (4.0, 1.0), (2.5, 0.4)
    said = training.scores(k)
    assert said["CCC"] == 0 and np.isfinite(said["MSE"])


def test_own_loss_is_the_one_a_member_is_judged_by():
    rng = np.random.default_rng(0)
    k = np.abs(rng.normal(1, 0.1, (3, 4, 14))) * 100
    said = training.scores(k)
    own = training.own_loss(k, list(MAIN))
    assert (
        own[0] == said["MSE"][0].mean()
        and own[1] == 1 - said["CCC"][1].mean()
        and own[2] == said["Non-Inertial"][2].mean()
    )


def told(validation, rates, patience):
    """A judge of members whose MSE is given epoch by epoch, and what it answered."""
    judge = training.Judge(["MSE"] * len(validation), rates, plateau=1, patience=patience)
    answers = []
    for epoch in range(len(validation[0])):
        k = np.zeros((len(validation), 1, 14))
        k[..., :2] = 1.0
        k[..., 0, 6] = [v[epoch] for v in validation]  # xx of valence
        answers.append(judge(k, k))
    return judge, answers


def test_each_member_has_its_own_rate_stop_and_best_epoch():
    rates = torch.tensor([1.0, 1.0])
    judge, answers = told([[5, 4, 3, 2, 1, 1], [5, 6, 6, 6, 6, 4]], rates, patience=4)
    for chosen in judge.epochs():  # here both kinds of videos say the same
        assert list(chosen) == [4, 0]  # what a stopped member does later is not its own
    assert list(judge.stopped) == [-1, 4]
    assert rates[0] == 1 and rates[1] == 0 and all(np.isfinite(answers))
    _, answers = told([[1] * 4], torch.tensor([1.0]), patience=3)
    assert answers[:3] == [0, 1, 2] and answers[3] == -np.inf  # nobody is left: training ends


def test_epochs_are_chosen_on_validation_or_on_the_reported_videos():
    judge = training.Judge(["MSE"], torch.tensor([1.0]), plateau=9, patience=9)
    for mine, reported in ((5, 1), (3, 2), (4, 3)):
        validation, test = np.ones((2, 1, 1, 14))
        validation[..., 6], test[..., 6] = mine, reported
        judge(validation, test)
    chosen, best = judge.epochs()
    assert chosen == [1] and best == [0]


def test_a_plateau_lowers_the_rate_of_the_member_that_rests():
    rates = torch.tensor([1.0, 1.0])
    told([[5, 4, 3], [5, 6, 6]], rates, patience=9)
    assert rates[0] == 1 and rates[1] == pytest.approx(0.1)


# ---------------------------------------------------------------- a run

COMMON = {
    "data": "made by hand",
    "held_out": 0.3,
    "length": 16,
    "seed": 0,
    "rate": 0.05,
    "plateau": 20,
    "patience": 20,
    "batch": 64,
}


@pytest.fixture
def by_hand(monkeypatch):
    monkeypatch.setattr(streams, "frames", lambda ref, device: frames())


def test_a_run_learns_what_stands_in_the_pose(by_hand):
    result = training.run(
        networks=options(("Pose Network", "Audio Network"), of=("MSE", "CCC")),
        epochs=12,
        shown=True,
        **COMMON,
    )
    said = training.scores(result["chosen"])["CCC"].mean(1)
    names = [tuple(m) for m in result["members"]]
    assert (
        said[names.index(("Pose Network", "CCC"))] > 0.5
        and said[names.index(("Audio Network", "CCC"))] < 0.2
    )
    assert (
        result["curves"].shape == (3, 12, 4)
        and result["track"].shape[0] == 4
        and result["track"].shape[1:] == result["truth"].shape
    )
    best, chosen = (
        training.own_loss(result[k], [training.loss_of(loss).judged for _, loss in names])
        for k in ("best", "chosen")
    )
    assert (best <= chosen + 1e-12).all()  # choosing on the reported videos cannot look worse there


def test_a_member_does_not_depend_on_its_company(by_hand):
    alone = training.run(
        networks=options(("Pose Network",), of=("CCC",), dropout=0.3), epochs=2, **COMMON
    )
    among = training.run(
        networks=options(("Pose Network", "Audio Network"), of=MAIN, dropout=0.3),
        epochs=2,
        **COMMON,
    )
    at = [tuple(m) for m in among["members"]].index(("Pose Network", "CCC"))
    assert np.allclose(alone["chosen"][0], among["chosen"][at], rtol=1e-4, atol=1e-5)


def test_bfloat16_frames_run_and_say_nearly_the_same(monkeypatch):
    said = {}
    for kind in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(streams, "frames", lambda ref, device, kind=kind: frames(kind=kind))
        said[kind] = training.run(
            networks=options(("Full Network",), of=("MSE",)), epochs=2, **COMMON
        )["curves"][0]
    assert np.allclose(said[torch.float32], said[torch.bfloat16], rtol=0.1)


# ---------------------------------------------------------------- streams


def test_streams_need_no_statistics():
    assert np.allclose(streams.squashed(np.array([-1.0, 0.0, 1.0, 99.0])), [0, 0, 0.5, 0.99])
    mel = np.array([[0.0, -40.0], [-90.0, -80.0]])
    assert np.allclose(streams.loudness(mel), [[1, 0.5], [0, 0]])


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9))
def test_flipped_signs_are_exact_and_symmetric(values):
    values = np.array(values)
    p = metrics.sign_flip_p(values, np.arange(len(values)))
    assert 2 / 2 ** len(values) - 1e-12 <= p <= 1 and p == metrics.sign_flip_p(
        -values, np.arange(len(values))
    )


def test_flipped_signs_move_whole_clusters():
    assert metrics.sign_flip_p([1.0] * 5, np.arange(5)) == 2 / 32
    assert (
        metrics.sign_flip_p([1.0] * 50, np.arange(50) % 5) == 2 / 32
    )  # fifty frames of five people are five people
    assert metrics.sign_flip_p([1.0, -1.0], [0, 1]) == 1.0
    assert metrics.sign_flip_p(np.r_[np.full(20, 1.0)], np.arange(20)) < 1e-3
