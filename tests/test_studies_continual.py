"""Notebook 14's study: what its runs must satisfy whatever is learnt, and Table 4.4's printed counts."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from emolib import continual as transforms
from emolib import data as datasets
from emolib import metrics
from emolib.data.sim import worlds
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.runs import Standing
from emolib.reproduction.studies.continual import claims, plan, tables
from emolib.reproduction.studies.continual import training as networks
from emolib.reproduction.studies.continual.heads import GROWN, KINDS, Lesson, merged, task_heads
from emolib.reproduction.studies.continual.training import METHODS, UNASKED

TINY = {"train": 10, "test": 6, "body_epochs": 1, "head_epochs": 8, "exemplars": 3}

pytestmark = pytest.mark.usefixtures("one_thread")


def letters():
    return datasets.load("unipen", root=datasets.FREE, most=10)


@pytest.fixture(scope="module")
def untrained():
    """One run on a body that was never trained: two orders, heads only."""
    made = letters()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "resolve", lambda _: made)
        patch.setenv("EMOLIB_DEVICE", "cpu")
        return networks.run(
            kind="letters",
            data="",
            other="",
            body="untrained",
            seed=0,
            orders=plan.orders(2),
            **TINY,
        )


def lesson(seed=0, orders=2, letters=26, each=6, features=5):
    g = np.random.default_rng(seed)
    order = np.array([np.arange(letters), g.permutation(letters)][:orders])
    centres = torch.from_numpy(g.normal(size=(letters, features))).float()
    x = centres.repeat_interleave(each, 0) + 0.1 * torch.randn(
        letters * each, features, generator=torch.Generator().manual_seed(seed)
    )
    place = np.arange(letters * each).reshape(letters, each)[order]
    return Lesson(
        x.expand(orders, -1, -1),
        place[:, :25].reshape(orders, 5, 5, each)[..., :-1],
        place[:, :25].reshape(orders, 5, 5, each)[..., -1:],
        place[:, 25],
        seed,
    )


# ---------------------------------------------------------------- runs


def test_every_order_has_25_letters_in_tasks_and_the_first_is_the_alphabet():
    orders = plan.orders(5)
    assert orders[0] == list(range(26)) and all(sorted(o) == list(range(26)) for o in orders)
    assert len({tuple(o) for o in orders}) == 5 and orders == plan.orders(5)


def test_answers_are_letters_learnt_so_far_or_unknown(untrained):
    named, orders, truth = untrained["named"], untrained["orders"], untrained["truth"]
    assert named.shape == (len(METHODS), 2, 5, 26 * 6)
    for o, t in np.ndindex(2, 5):
        seen = np.isin(truth, orders[o][: 5 * (t + 1)])
        assert (named[:, o, t][:, ~seen] == networks.NOT_SEEN).all()
        assert np.isin(named[:, o, t][:, seen], [*orders[o][: 5 * (t + 1)], networks.UNKNOWN]).all()
    may_refuse = [METHODS.index(k) for k in KINDS[1:]]
    assert not (np.delete(named, may_refuse, 0) == networks.UNKNOWN).any()


def test_blending_never_beats_the_same_heads_without_their_unknown_row(untrained):
    right = untrained["named"] == untrained["truth"]
    assert (right[METHODS.index(UNASKED)] >= right[METHODS.index("alpha blending")]).all()


def test_the_first_task_is_the_same_for_all_growing_heads(untrained):
    first = untrained["named"][[METHODS.index(m) for m in GROWN], :, 0]
    assert (first == first[0]).all()


def test_a_run_repeats(untrained):
    made = letters()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "resolve", lambda _: made)
        again = networks.run(
            kind="letters",
            data="",
            other="",
            body="untrained",
            seed=0,
            orders=plan.orders(2),
            **TINY,
        )
    np.testing.assert_array_equal(again["named"], untrained["named"])


def test_only_five_rows_of_a_blended_head_are_trained():
    """605 numbers: the unknown row stays as it was drawn, unless it has examples."""
    part = lesson()
    heads, _ = task_heads(part, 3)
    start, _ = task_heads(part, 0)
    for kind, moves in zip(KINDS, (False, False, True), strict=True):
        for new, old in zip(heads[kind], start[kind], strict=True):
            assert torch.equal(new[:, :, -1], old[:, :, -1]) != moves and not torch.equal(
                new[:, :, :5], old[:, :, :5]
            )


def test_heads_learn_separable_letters_and_joining_is_concatenation():
    part = lesson(features=20)
    heads, curves = task_heads(part, 60)
    assert networks._trained(part, heads).min() > 0.9 and curves["loss"][-1] < curves["loss"][0]
    joined = merged(heads["concatenation"], blend=False)
    assert [w.shape[1] for w, _ in joined] == [5, 10, 15, 20, 25]
    blended = merged(heads["alpha blending"], blend=True)
    assert [w.shape[1] for w, _ in blended] == [6, 11, 16, 21, 26]
    w, b = heads["alpha blending"]
    by_hand = transforms.alpha_blend((w[:, 0], b[:, 0]), (w[:, 1], b[:, 1]), 10 / 15)
    torch.testing.assert_close(blended[1][0], by_hand[0])


def test_examples_of_the_unknown_teach_one_head_only():
    part = lesson(features=20)
    heads, _ = task_heads(part, 60)
    x = part.pick(part.spare)  # (O, n, F): the letter that no task has
    refused = {
        k: float(
            ((torch.einsum("onf,otcf->otnc", x, w) + b[:, :, None]).argmax(-1) == 5).float().mean()
        )
        for k, (w, b) in heads.items()
    }
    assert refused["alpha blending, unknown trained"] > 0.95 > 0.8 > refused["alpha blending"]


def test_replay_keeps_what_fine_tuning_forgets():
    """The ladder that any sane implementation climbs: fine-tuning well below replay."""
    part = lesson(orders=1, features=30)
    order = np.arange(26)[None]
    out = networks.learn_letters(part, part.features[0], order, np.repeat(np.arange(26), 6), 40, 3)
    final = dict(
        zip(
            METHODS,
            (out["named"][:, 0, -1] == np.repeat(np.arange(26), 6))[:, :150].mean(-1),
            strict=True,
        )
    )
    assert (
        final["fine-tuning"] < final["replay"] - 0.1
        and final["joint training"] > 0.9
        and final["nearest class mean"] > 0.9
    )


def test_loss_is_the_cross_entropy_of_the_letters_seen():
    part = lesson(orders=1)
    truth = np.repeat(np.arange(26), 6)
    heads, _ = task_heads(part, 5)
    out = networks.learn_letters(part, part.features[0], np.arange(26)[None], truth, 5, 3)
    w, b = merged(heads["alpha blending"], blend=True)[1]
    x = part.features[0][:60]
    expected = torch.nn.functional.cross_entropy(x @ w[0].T + b[0], torch.from_numpy(truth[:60]))
    assert out["loss"][METHODS.index("alpha blending"), 0, 1] == pytest.approx(
        float(expected), rel=1e-5
    )


def test_small_grey_takes_the_middle():
    images = np.zeros((2, 32, 32, 3), np.uint8)
    images[0, 2, 2] = 255
    grey = networks.small_grey(images)
    assert grey.shape == (2, 1, 28, 28) and grey[0, 0, 0, 0] == 1 and grey.sum() == 1


def test_a_class_without_samples_is_named():
    made = letters()
    some = made.select(made.label != 3)
    with pytest.raises(EmolibError, match="class 'D' has no sample in split 'train'"):
        networks.first_of_each(some, "train", 5)
    with pytest.raises(EmolibError, match="split 'dev'"):
        networks.first_of_each(made, "dev", 5)


def test_every_tenth_picture_validates_and_is_by_another_hand():
    table = letters()
    rows, tests = networks.chosen(table, 12, 6)
    assert rows.shape == (26, 10) and tests.shape == (26, 6)
    assert set(table.split[rows[:, 9]]) == {"validation"}
    assert set(table.split[rows[:, :9]].ravel()) == {"train"}
    assert (table.label[rows] == np.arange(26)[:, None]).all() and len(set(rows.ravel())) == 260
    sides = [set(table.subject[part.ravel()]) for part in (rows[:, :9], rows[:, 9], tests)]
    assert not any(a & b for a, b in itertools.combinations(sides, 2))


def test_intervals_are_over_writers_where_they_are_known():
    """The same answers by one writer a picture, and by two who are always right or always wrong."""
    named = np.tile([1, 0], 100)[None, None, None]  # (M, O, T, N)
    answered = {"named": named, "truth": np.ones(200, int), "task": np.zeros((1, 200), int)}
    wide = tables.summary(answered | {"who": np.tile([0, 1], 100)}, [(0, 0)], 500, 0.95)
    narrow = tables.summary(answered | {"who": np.arange(200)}, [(0, 0)], 500, 0.95)
    assert wide["accuracy"][:, 0, 0].tolist() == [0.5, 0, 1]
    assert np.ptp(narrow["accuracy"]) < 0.2


# ---------------------------------------------------------------- a body that has met all classes


@pytest.fixture
def small_body(monkeypatch):
    """A small network in the place of EfficientNet-Lite0, and 100 classes of one colour each."""

    def made():
        with torch.random.fork_rng():
            torch.manual_seed(1)
            convolution = torch.nn.Conv2d(3, 16, 3, stride=4)
        pool = torch.nn.AdaptiveAvgPool2d(1)
        return torch.nn.Sequential(convolution, torch.nn.ReLU(), pool, torch.nn.Flatten())

    monkeypatch.setattr(networks.classifiers, "efficientnet_lite0", made)
    monkeypatch.setenv("EMOLIB_DEVICE", "cpu")
    world = worlds.make("cifar100", "smoke")
    monkeypatch.setattr(datasets, "resolve", lambda _: world)
    arguments = {"data": "", "body": "imagenet", "seeds": [0], "train": 4, "test": 2, "size": 16}
    arguments |= {"rates": [0.03], "epochs": 3, "body_epochs": 0, "task": 5}
    return made, arguments


def test_a_tuned_body_is_shown_all_classes_and_every_weight_moves(small_body):
    made, _ = small_body
    label = torch.arange(100).repeat_interleave(3)
    net, before = networks.Enlarged(16), made().state_dict()
    pictures = 255 * torch.rand(300, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    shown = networks.tune(net, pictures, label, 2)
    assert (shown.bincount() == 6).all() and len(shown.unique()) == 100
    for name, value in net.net.state_dict().items():
        assert not torch.equal(value, before[name]), name
    assert not net.training


def test_the_row_of_the_tuned_body_says_how_many_classes_it_has_met(small_body):
    _, arguments = small_body
    frozen, tuned = (networks.pictures_run(**arguments, tuned_epochs=n) for n in (0, 1))
    assert (frozen["met"], tuned["met"]) == (0, 100)
    assert frozen["right"].shape == (len(networks.TRANSFORMS), 200)
    assert not np.array_equal(frozen["weight"], tuned["weight"])


# ---------------------------------------------------------------- outcomes, at smoke on the letters that ship


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Outcomes at smoke without a data folder, one order of tasks a body; the pictures' body trained here."""
    place = tmp_path_factory.mktemp("continual")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "DATA": place / "none",
            "CACHE": place / "cache",
            "DEVICE": "cpu",
            "JOBS": "1",
        }.items():
            patch.setenv(f"EMOLIB_{name}", str(value))
        patch.setattr(plan, "picture_body", lambda: "trained here")
        study = plan.Study("smoke", head_epochs=2, pictures_epochs=2)
        yield {
            "table": tables.table_4_4(study),
            "methods": tables.methods(study),
            "judged": claims.judge(study),
            "study": study,
            "weights": tables.weights(study, "CLAHE"),
            "first": tables.first_task(study),
            "by_task": tables.by_task(study),
            "bodies": tables.picture_bodies(study),
            "again": {b: (accuracies(study, b), tables.measured(study, b)) for b in plan.BODIES},
            "plan": study.plan,
        }


def accuracies(study, body):
    """(M, O, T, T): accuracy on the letters of task j (last axis) after task t."""
    answered = tables.answers(study, body)
    right = answered["named"] == answered["truth"]
    each = [
        [right[:, o][..., of == j].mean(-1) for j in range(5)]
        for o, of in enumerate(answered["task"])
    ]
    return np.moveaxis(np.array(each), (2, 3), (0, 2))


@pytest.mark.slow
def test_printed_counts_come_out(smoke):
    from emolib.reproduction import report

    frame = report.beside_print("orgil2022-t4_4", smoke["table"])
    assert frame.printed.notna().sum() >= len(papers.published("orgil2022-t4_4").dropna())
    counted = frame[frame.protocol == "counted"]
    assert len(counted) == 6 * 2 + 5 and (counted.verdict == "equal").all()
    trained = frame[
        frame.printed.notna()
        & frame.metric.isin(["Test accuracy", "Training accuracy", "Test loss"])
        & frame.measured.notna()
    ]
    stock = trained.protocol.isin([f"{name}, {tables.PIXELS}" for name in tables.STOCK])
    stock |= trained.protocol == tables.TRIVIAL
    assert trained.verdict[stock].str.startswith("on another set: ").all()
    assert set(trained.verdict[~stock]) <= {"not strong enough", "not equal"}
    simulated = frame.protocol.str.endswith("body (c)")  # which has learnt from drawn pictures
    assert ((frame.source == "simulated") == simulated)[frame.source != "print"].all()


@pytest.mark.slow
def test_two_ways_to_the_same_accuracy_and_forgetting(smoke):
    """From accuracies by task, and from images resampled: equal counts of each letter make them equal."""
    for accuracy, measured in smoke["again"].values():
        np.testing.assert_allclose(
            metrics.forgetting(accuracy).mean(1),
            measured["forgetting"][0, : len(METHODS)],
            atol=1e-12,
        )
        np.testing.assert_allclose(measured["backward transfer"][0], -measured["forgetting"][0])
        final = accuracy[..., -1, :].mean((1, 2))
        known = measured["accuracy"][0, : len(METHODS), -1]
        np.testing.assert_allclose(final, known, atol=1e-12)
        value, low, high = measured["accuracy"]
        assert (low <= value + 1e-9).all() and (value <= high + 1e-9).all()


@pytest.mark.slow
def test_outcomes_carry_both_sets_and_their_badge(smoke):
    kinds = {name: said["source"] for name, said in smoke["table"].sources.items()}
    assert kinds == {"unipen": "real", "cifar100": "simulated"}
    assert set(smoke["weights"].sources) == {"cifar100"}
    assert smoke["weights"].frame.filter(like="feature ").shape == (100, 120)
    total = smoke["first"].frame.groupby("weights").measured.sum()
    assert len(total) == 3 and (total == 5 * 120).all()
    json.dumps(smoke["plan"])
    bodies = smoke["bodies"].frame  # trained here: either has met every class
    assert set(bodies.protocol) == {"as it came, 100 classes met", "fine-tuned, 100 classes met"}
    assert set(bodies.weights) == set(networks.TRANSFORMS) and len(bodies) == 8


def test_each_claim_beyond_print_has_a_rule():
    known = papers.claims()
    mine = known[(known.notebook == "14") & (known.needs != "print")]
    assert list(claims.claim.rules) == list(mine.id)


@pytest.mark.slow
def test_levels_on_emnist_ask_for_it_and_one_world_is_not_enough(smoke):
    verdicts = {v.claim: v for v in smoke["judged"]}
    for claim in ("orgil-a6_18", "orgil-a6_18_2", "orgil-a6_19"):
        assert verdicts[claim].outcome == "needs the real set" and verdicts[claim].source == "real"
        assert verdicts[claim].because.startswith("emnist_letters would decide; on real unipen: ")
    assert verdicts["orgil-a6_26"].outcome == "not strong enough"
    assert verdicts["orgil-f5"].gate == "worlds"
    assert verdicts["orgil-a6_15"].outcome == "arithmetic only"


@pytest.mark.slow
def test_a_stock_method_stands_beside_the_ways_of_learning(smoke):
    table, methods = smoke["table"].frame, smoke["methods"].frame
    for name in tables.STOCK:
        steps = table[table.protocol == f"{name}, {tables.PIXELS}"]
        ends = methods[methods.method == name]
        assert len(steps) == 5 and steps.measured.iloc[-1] == ends.measured.iloc[0] > 3 / 25
        assert (steps.low <= steps.measured).all() and (steps.measured <= steps.high).all()
    trivial = table[table.protocol == tables.TRIVIAL].measured
    np.testing.assert_allclose(trivial, 1 / np.array([5, 10, 15, 20, 25]))


@pytest.mark.slow
def test_what_ends_below_the_nearest_neighbour_is_said(smoke):
    """By the interval of the paired difference, which is that of the two accuracies."""
    frame = smoke["methods"].frame
    less = frame[frame.metric == tables.LESS].set_index(["method", "protocol"])
    accuracy = frame[frame.metric == "accuracy"].set_index(["method", "protocol"]).measured
    nearest = accuracy[tables.NEAREST, tables.PIXELS]
    np.testing.assert_allclose(less.measured, accuracy[less.index] - nearest, atol=1e-12)
    said = tables.below_stock(smoke["study"])
    assert len(said) == (less.high < 0).sum() > 0


@pytest.mark.slow
def test_what_a_way_of_learning_has_shown(smoke, monkeypatch):
    """The height of its lower bound, guessing, its plateau, the pictures and the size are its own."""
    study, name = smoke["study"], f"{tables.BLEND}, body (a)"
    shown = claims.standing(study, name, None)
    told = tables.measured(study, "all letters")["accuracy"][1, METHODS.index(tables.BLEND), -1]
    writers = datasets.load("unipen", root=datasets.FREE, most=12)
    rows = networks.first_of_each(writers, "test", 6)[:25]
    assert shown.low == told and shown.trivial == 1 / 25
    assert shown.people == len(set(writers.subject[rows.ravel()])) < 67
    assert shown.flat == tables.answers(study, "all letters")["settled"]
    assert shown.smaller == "taught by 10 of 4,800 pictures a letter"
    assert shown.stock == ("ridge regression", "nearest neighbour")
    assert claims.standing(study, f"{tables.BLEND}, body (d)", None).low != shown.low


GATES = {
    "trivial": {"low": 0.04},
    "plateau": {"flat": False},
    "people": {"people": 6},
    "stock": {"stock": ()},
    "size": {"smaller": "taught by 12 pictures"},
}


@pytest.mark.slow
def test_real_letters_decide_once_every_gate_is_passed(smoke, monkeypatch):
    """Courses that fall as printed, and others; then each gate closes."""
    study = smoke["study"]
    passed = dict(low=0.6, trivial=0.04, flat=True, people=150, stock=("ridge",), family=3)
    printed = 0.95 * 0.92 ** np.arange(5)
    monkeypatch.setattr(claims.claim, "standing", lambda s, name, _: Standing(name, **passed))
    for data in ("letters", "pictures"):
        monkeypatch.setattr(plan.Study, data, SimpleNamespace(source="real"))
    monkeypatch.setattr(
        claims, "course", lambda study: printed + np.array([[0], [-0.001], [0.001]])
    )

    def outcome(claim):
        return next(v for v in claims.judge(study) if v.claim == claim)

    assert outcome("orgil-a6_18").outcome == "replicated"
    assert outcome("orgil-a6_18_2").outcome == "not replicated"
    assert outcome("orgil-f5").outcome == "not replicated"
    for gate, worse in GATES.items():
        worse = passed | worse
        monkeypatch.setattr(
            claims.claim, "standing", lambda s, name, _, w=worse: Standing(name, **w)
        )
        closed = outcome("orgil-a6_18")
        assert closed.outcome == "not strong enough" and closed.gate == gate
        joins = outcome("orgil-a6_26")  # a contrast: it asks for no size
        assert (joins.gate == gate) == (gate != "size")


# ---------------------------------------------------------------- nothing frozen


@pytest.fixture(scope="module")
def whole():
    """One order of the alphabet in which every weight learns."""
    made = letters()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "resolve", lambda _: made)
        patch.setenv("EMOLIB_DEVICE", "cpu")
        return networks.whole_run(
            data="", seed=0, order=plan.orders(2)[1], train=12, test=6, body_epochs=3, epochs=4
        )


def test_whole_networks_name_letters_they_have_met(whole):
    named, truth, order = whole["named"], whole["truth"], whole["order"]
    assert named.shape == (2, 5, 26 * 6)
    for t in range(5):
        seen = np.isin(truth, order[: 5 * (t + 1)])
        assert (named[:, t][:, ~seen] == networks.NOT_SEEN).all() and np.isin(
            named[:, t][:, seen], order[: 5 * (t + 1)]
        ).all()


def test_joint_training_remembers_what_fine_tuning_forgets(whole):
    first = np.isin(whole["truth"], whole["order"][:5])
    kept = (whole["named"][:, -1] == whole["truth"])[:, first].mean(1)
    assert kept[0] + 0.1 < kept[1]  # ten pictures of a letter, by ten people
    assert (
        whole["named"][0, 0] == whole["named"][1, 0]
    ).all()  # the first task is the same lesson for both


def test_a_gain_is_the_difference_of_final_accuracies():
    rng = np.random.default_rng(5)
    truth, task = (
        np.repeat(np.arange(26), 4),
        np.stack([np.repeat(rng.permutation(26), 4) // 5 for _ in range(2)]),
    )
    named = np.where(
        task[None, :, None] <= np.arange(5)[:, None],
        rng.integers(0, 26, (3, 2, 5, len(truth))),
        networks.NOT_SEEN,
    )
    answered = {"named": named, "truth": truth, "task": task, "who": np.arange(len(truth))}
    got = tables.summary(answered, [(2, 0), (1, 2)], 100, 0.9)
    accuracy = np.array(
        [
            np.mean([(named[m, o, -1] == truth)[task[o] < 5] for o in range(2)], axis=(0, 1))
            for m in range(3)
        ]
    )
    assert got["accuracy"][0][:, -1] == pytest.approx(accuracy, abs=0.02) and got["accuracy"][
        0
    ].shape == (3, 5)
    assert got["gain"][0] == pytest.approx(accuracy[[2, 1]] - accuracy[[0, 2]], abs=0.02)
    assert (got["gain"][1] <= got["gain"][0]).all() and (got["gain"][0] <= got["gain"][2]).all()
