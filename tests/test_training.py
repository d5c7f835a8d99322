"""The one training loop: what it does is what was asked, and a kill leaves no trace."""

from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from emolib import training
from emolib.ground.errors import EmolibError
from emolib.training import loop
from emolib.training.loop import Settings, fit, plateaued


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 2)
    )


def batches(epoch):
    made = torch.Generator().manual_seed(epoch)
    for _ in range(3):
        x = torch.randn(6, 4, generator=made)
        yield x, torch.stack([x.sum(1), x[:, 0] * x[:, 1]], dim=1)


def loss(net, x, y):
    return nn.functional.mse_loss(net(x), y)


def held_out(net, epoch):
    x, y = next(iter(batches(1000)))
    return -float(loss(net, x, y))


class Killed(Exception):
    """Stands for the kill: nothing in the loop may catch it."""


def killed_at(epoch, step=1):
    """The same batches, until the process dies in the middle of `epoch`."""

    def dying(e):
        for i, batch in enumerate(batches(e)):
            if (e, i) == (epoch, step):
                raise Killed
            yield batch

    return dying


def state(net):
    return {k: v.numpy().tobytes() for k, v in net.state_dict().items()}


# ---------------------------------------------------------------- resume

ADAM = Settings(epochs=8, rate=1e-2)
SGD = Settings(epochs=8, rate=1e-2, optimizer="sgd", momentum=0.9, weight_decay=1e-3)
COOLING = Settings(epochs=8, rate=0.2, optimizer="sgd", momentum=0.9, plateau=0, factor=0.5)
ADAMW = Settings(
    epochs=8, rate=1e-2, optimizer="adamw", weight_decay=0.1, patience=6, validate_every=2
)


CYCLED = replace(ADAMW, patience=None, cycle=3, average=0.9, clip=1.0)


@pytest.mark.parametrize("settings", [ADAM, SGD, COOLING, ADAMW, CYCLED])
@pytest.mark.parametrize("keep_best", [False, True])
@pytest.mark.parametrize("dies", [(1,), (5,), (2, 6, 7)])
def test_killed_and_started_again_it_ends_with_the_same_bytes(tmp_path, settings, keep_best, dies):
    more = {"validate": held_out, "keep_best": keep_best, "progress": False}
    whole = network()
    expected = fit(whole, batches, loss, settings, **more)
    file = tmp_path / "deep" / "run.safetensors"
    for epoch in dies:
        with pytest.raises(Killed):
            fit(network(), killed_at(epoch), loss, settings, checkpoint=file, **more)
    resumed = network(seed=987)  # other weights, another stream: the checkpoint has both
    history = fit(resumed, batches, loss, settings, checkpoint=file, **more)
    assert history == expected and state(resumed) == state(whole)
    assert not file.exists() and not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("settings", [ADAM, SGD, replace(ADAMW, patience=None)])
def test_resumed_moments_lie_in_memory_as_their_parameters_do(tmp_path, settings, layout):
    """A fused step walks parameter, gradient and moments in the order of their bytes: moments in
    another layout than the parameter's are those of other weights, and nothing says so."""

    def pictures(epoch):
        made = torch.Generator().manual_seed(epoch)
        for _ in range(3):
            x = torch.randn(6, 3, 8, 8, generator=made).contiguous(memory_format=layout)
            yield x, torch.stack([x.mean((1, 2, 3)), x[:, 0, 0, 0]], dim=1)

    def convolutions(seed=0):
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
        return net.to(memory_format=layout)

    def killed(epoch):
        if epoch == 5:
            raise Killed
        return pictures(epoch)

    whole, resumed, file = convolutions(), convolutions(seed=987), tmp_path / "c"
    fit(whole, pictures, loss, settings, progress=False)
    with pytest.raises(Killed):
        fit(convolutions(), killed, loss, settings, checkpoint=file, progress=False)
    step = loop.optimizer(resumed, settings)
    fit(resumed, pictures, loss, settings, step=step, checkpoint=file, progress=False)
    assert state(resumed) == state(whole)
    for parameter, moments in step.state.items():
        for value in moments.values():
            assert value.shape != parameter.shape or value.stride() == parameter.stride()


def test_epochs_that_stand_in_the_checkpoint_are_not_trained_again(tmp_path):
    file, seen = tmp_path / "c", []
    with pytest.raises(Killed):
        fit(network(), killed_at(5), loss, ADAM, checkpoint=file, progress=False)
    fit(
        network(),
        lambda e: seen.append(e) or batches(e),
        loss,
        ADAM,
        checkpoint=file,
        progress=False,
    )
    assert seen == [5, 6, 7]


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    """Killed between the last checkpoint and the end, it must not go on training."""
    file, settings, seen = tmp_path / "c", Settings(epochs=9, rate=0.1, patience=2), []
    constant = lambda net, epoch: 1.0  # noqa: E731
    real, whole = loop._save, network()

    def save_and_die(path, net, step, state_):
        real(path, net, step, state_)
        if state_.history.stopped_early:
            raise Killed

    expected = fit(whole, batches, loss, settings, validate=constant, progress=False)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loop, "_save", save_and_die)
        fit(network(), batches, loss, settings, validate=constant, checkpoint=file, progress=False)
    net = network()
    history = fit(
        net,
        lambda e: seen.append(e) or batches(e),
        loss,
        settings,
        validate=constant,
        checkpoint=file,
        progress=False,
    )
    assert (
        seen == [] and history == expected and history.stopped_early and state(net) == state(whole)
    )


@pytest.mark.parametrize(
    "harm",
    [
        lambda p: p.write_bytes(p.read_bytes()[: len(p.read_bytes()) // 2]),
        lambda p: p.write_bytes(b""),
        lambda p: p.write_bytes(b"not a checkpoint"),
        lambda p: p.write_bytes(p.read_bytes()[:40] + b"\x00" * 40 + p.read_bytes()[80:]),
    ],
)
def test_a_damaged_checkpoint_starts_over_and_is_said(tmp_path, capsys, harm):
    file, seen, whole, net = tmp_path / "c", [], network(), network(seed=5)
    fit(net, batches, loss, ADAM, progress=False)
    with pytest.raises(Killed):
        fit(whole, killed_at(4), loss, ADAM, checkpoint=file, progress=False)
    harm(file)
    again = network(seed=5)
    fit(again, lambda e: seen.append(e) or batches(e), loss, ADAM, checkpoint=file, progress=False)
    assert seen == list(range(8)) and state(again) == state(net)
    assert f"checkpoint {file} cannot be used" in capsys.readouterr().err


def test_a_flipped_bit_in_the_weights_is_not_trained_on(tmp_path):
    file, seen = tmp_path / "c", []
    with pytest.raises(Killed):
        fit(network(), killed_at(4), loss, ADAM, checkpoint=file, progress=False)
    raw = bytearray(file.read_bytes())
    raw[-3] ^= 0x40
    file.write_bytes(bytes(raw))
    fit(
        network(),
        lambda e: seen.append(e) or batches(e),
        loss,
        ADAM,
        checkpoint=file,
        progress=False,
    )
    assert seen == list(range(8))


def test_the_checkpoint_of_another_network_starts_over(tmp_path):
    file, seen = tmp_path / "c", []
    with pytest.raises(Killed):
        fit(network(), killed_at(4), loss, ADAM, checkpoint=file, progress=False)
    torch.manual_seed(0)
    wider = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3)
    )
    before = state(wider)
    fit(
        wider,
        lambda e: seen.append((e, state(wider) == before)) or batches(e),
        lambda net, x, y: net(x).square().mean(),
        ADAM,
        checkpoint=file,
        progress=False,
    )
    assert seen[0] == (0, True) and len(seen) == 8


# ---------------------------------------------------------------- rules


def scripted(scores):
    """A validation that returns these scores in turn."""
    left = iter(scores)
    return lambda net, epoch: next(left)


def rates(settings, scores):
    """Learning rate in each epoch."""
    used, real = [], loop.optimizer

    def watched(net, settings_):
        made = real(net, settings_)
        made.register_step_pre_hook(lambda step, *_: used.append(step.param_groups[0]["lr"]))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "optimizer", watched)
        fit(
            network(),
            batches,
            lambda *of: 1e-9 * loss(*of),
            settings,
            validate=scripted(scores),
            progress=False,
        )
    return used[::3]  # three batches per epoch


def test_the_rate_falls_after_more_than_plateau_epochs_without_progress():
    scores = [1, 2, 2, 1, 2, 3, 3, 3, 3, 3]  # progress in epochs 0, 1 and 5; equal is no progress
    got = rates(Settings(epochs=10, rate=1.0, optimizer="sgd", plateau=2), scores)
    np.testing.assert_allclose(got, [1, 1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01], rtol=1e-12)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 3))
def test_the_plateau_rule_is_pytorchs(scores, plateau):
    settings = Settings(epochs=len(scores), rate=1.0, optimizer="sgd", plateau=plateau, factor=0.5)
    step = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    rule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        step, mode="max", patience=plateau, factor=0.5, threshold=0, eps=0
    )
    expected = []
    for score in scores:
        expected.append(step.param_groups[0]["lr"])
        rule.step(score)
    assert rates(settings, scores) == expected


def test_the_rate_goes_up_and_down_as_pytorchs_one_cycle_does():
    weight = nn.Parameter(torch.zeros(1))
    step = torch.optim.SGD([weight], lr=1.0)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        step, max_lr=2.0, total_steps=41, pct_start=13 / 41, cycle_momentum=False
    )
    theirs = []
    for _ in range(41):
        theirs.append(step.param_groups[0]["lr"])
        step.step()
        cycle.step()
    ours = [loop.cycled(t / 40, 2.0, rise=12 / 40) for t in range(41)]
    assert np.allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize("average", [0.0, 0.5])
def test_training_ends_with_the_running_average_of_the_weights(average):
    seen = []

    def watched(net, x, y):
        seen.append({k: v.clone() for k, v in net.state_dict().items()})
        return loss(net, x, y)

    net = network()
    fit(net, batches, watched, replace(ADAM, average=average), progress=False)
    last = network()
    fit(last, batches, loss, ADAM, progress=False)
    after = [*seen[1:], last.state_dict()]  # the weights after each step
    mean = after[0]["0.weight"]
    for weights in after[1:]:
        mean = average * mean + (1 - average) * weights["0.weight"]
    assert torch.allclose(net.state_dict()["0.weight"], mean, atol=1e-6)


def test_steps_are_no_longer_than_the_clip():
    net, steep = network(), replace(SGD, epochs=1, rate=1.0, momentum=0.0, weight_decay=0.0)
    before = nn.utils.parameters_to_vector(net.parameters()).detach().clone()
    one = lambda epoch: [next(batches(epoch))]  # noqa: E731
    fit(net, one, lambda *a: 1000 * loss(*a), replace(steep, clip=0.5), progress=False)
    after = nn.utils.parameters_to_vector(net.parameters()).detach()
    assert float((after - before).norm()) == pytest.approx(0.5, rel=1e-4)


def test_training_stops_after_patience_epochs_without_progress():
    for scores, patience, epochs, best in (
        ([3, 1, 2, 3, 9], 3, 4, 0),
        ([1, 2, 1, 1, 9], 2, 4, 1),
        ([1, 2, 3, 4, 5], 2, 5, 4),
        ([2, 1, 3, 1, 1], 2, 5, 2),
    ):
        history = fit(
            network(),
            batches,
            loss,
            Settings(epochs=5, rate=0.01, patience=patience),
            validate=scripted(scores),
            progress=False,
        )
        assert len(history.loss) == epochs and history.best_epoch == best, scores
        assert history.stopped_early == (
            history.validated[-1][1] <= max(s for _, s in history.validated[:-patience])
        )
        assert history.validated == list(enumerate(map(float, scores[:epochs])))


def test_patience_counts_epochs_and_not_validations():
    settings = Settings(epochs=20, rate=0.01, patience=4, validate_every=2)
    history = fit(
        network(), batches, loss, settings, validate=lambda net, epoch: 1.0, progress=False
    )
    assert [e for e, _ in history.validated] == [1, 3, 5] and history.stopped_early


def test_the_last_epoch_is_always_validated():
    history = fit(
        network(),
        batches,
        loss,
        Settings(epochs=5, rate=0.01, validate_every=3),
        validate=held_out,
        progress=False,
    )
    assert [e for e, _ in history.validated] == [2, 4]


@pytest.mark.parametrize("keep_best, expected", [(True, 2), (False, 4)])
def test_keep_best_ends_with_the_weights_of_the_best_validation(keep_best, expected):
    seen, scores = {}, [1, 2, 5, 4, 3]

    def validate(net, epoch):
        assert not net.training
        seen[epoch] = state(net)
        return scores[epoch]

    net = network()
    history = fit(
        net,
        batches,
        loss,
        Settings(epochs=5, rate=0.05),
        validate=validate,
        keep_best=keep_best,
        progress=False,
    )
    assert state(net) == seen[expected] and history.best_epoch == 2


def test_the_history_tells_the_mean_loss_of_each_epoch():
    net, told = network(), []

    def watched(net_, x, y):
        value = loss(net_, x, y)
        told.append(float(value.detach()))
        return value

    history = fit(net, batches, watched, Settings(epochs=4, rate=0.01), progress=False)
    np.testing.assert_allclose(history.loss, np.reshape(told, (4, 3)).mean(1), rtol=1e-6)
    assert history.validated == [] and not history.stopped_early


def test_it_learns():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
    history = fit(net, batches, loss, Settings(epochs=150, rate=2e-2), progress=False)
    assert np.mean(history.loss[-20:]) < 0.15 * np.mean(history.loss[:3])


# ---------------------------------------------------------------- misuse


@pytest.mark.parametrize("bad, at", [(float("nan"), 2), (float("inf"), 1)])
def test_a_loss_that_is_not_finite_is_an_error_with_the_epoch(bad, at):
    def spoilt(epoch):
        for x, y in batches(epoch):
            yield x, y * (bad if epoch == at else 1)

    with pytest.raises(
        EmolibError,
        match=rf"training of wang: the loss is (nan|inf) in epoch {at + 1}; lower the rate \(0.01\)",
    ):
        fit(network(), spoilt, loss, Settings(epochs=5, rate=0.01), label="wang", progress=False)


@pytest.mark.parametrize("wrong", [{"epoch": 3}, {"learning_rate": 0.1}, {"patiance": 2}])
def test_a_misspelt_setting_raises(wrong):
    with pytest.raises(TypeError, match=next(iter(wrong))):
        Settings(**{"epochs": 1, "rate": 0.1, **wrong})


def test_settings_are_frozen_and_plain():
    with pytest.raises(FrozenInstanceError):
        ADAM.rate = 1.0
    assert {f.name for f in fields(Settings)} >= {
        "epochs",
        "rate",
        "optimizer",
        "plateau",
        "patience",
        "validate_every",
        "mixed",
    }


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"optimizer": "adma"}, "optimizer 'adma' is not known"),
        ({"plateau": 3}, "need a `validate`"),
        ({"patience": 3}, "need a `validate`"),
    ],
)
def test_settings_that_cannot_work_are_said(wrong, told):
    with pytest.raises(EmolibError, match=told):
        fit(network(), batches, loss, Settings(epochs=1, rate=0.1, **wrong), progress=False)


def test_an_epoch_without_a_batch_is_said():
    with pytest.raises(EmolibError, match="without a batch"):
        fit(network(), lambda epoch: [], loss, Settings(epochs=1, rate=0.1), progress=False)


@pytest.mark.parametrize(
    "name, plain",
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_optimizers_are_pytorchs(name, plain):
    ours, theirs = (
        nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double() for _ in range(2)
    )
    theirs.load_state_dict(ours.state_dict())
    fit_settings = Settings(
        epochs=2,
        rate=0.03,
        optimizer=name,
        weight_decay=0.02,
        momentum=0.9 if name == "sgd" else 0.0,
    )
    step = plain(
        theirs.parameters(),
        lr=0.03,
        weight_decay=0.02,
        **({"momentum": 0.9} if name == "sgd" else {}),
    )
    as_double = lambda epoch: [(x.double(), y.double()) for x, y in batches(epoch)]  # noqa: E731
    fit(ours, as_double, loss, fit_settings, progress=False)
    for epoch in range(2):
        for x, y in as_double(epoch):
            step.zero_grad()
            loss(theirs, x, y).backward()
            step.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=0)


def test_parameters_that_are_frozen_stay():
    net = network()
    net[0].requires_grad_(False)
    before = net[0].weight.clone()
    fit(net, batches, loss, ADAM, progress=False)
    assert torch.equal(net[0].weight, before)


# ---------------------------------------------------------------- has a curve settled?


@pytest.mark.parametrize(
    "curve, settled",
    [
        ([5, 4, 3, 2, 1, 0.5, 0.4, 0.3, 0.2, 0.1], False),  # falls to the end
        ([5, 3, 2, 1.5, 1.2, 1.1, 1.0, 1.0, 1.0, 1.0], True),
        ([5, 3, 2, 1, 1, 1, 1.2, 1.4, 1.6, 1.8], True),  # turned upwards: over
        ([1.0] * 10, True),
        ([1.0] * 4, False),
        ([], False),  # too short to tell
        ([1.0] * 8 + [0.995] * 2, True),
        ([1.0] * 8 + [0.985] * 2, False),
    ],
)  # a gain of 1 % is the bound
def test_when_a_curve_has_settled(curve, settled):
    assert plateaued(curve) is settled


@given(st.lists(st.floats(0.1, 10), min_size=5, max_size=30), st.floats(0.01, 100))
def test_settling_does_not_depend_on_the_unit(curve, unit):
    a, b = plateaued(curve, gain=0.0123), plateaued([unit * v for v in curve], gain=0.0123)
    assert a == b


# ---------------------------------------------------------------- which epoch counts


def test_the_best_epoch_is_the_first_of_equals_by_either_rule():
    rng = np.random.default_rng(0)
    validation, tested = rng.integers(0, 4, (2, 3, 5, 6))  # ties
    epochs = training.best_epochs(validation, tested)
    assert list(epochs) == ["nested", "as printed"]
    for chosen, by in zip(epochs.values(), (validation, tested)):
        for place in np.ndindex(3, 5):
            row = by[place].tolist()
            assert chosen[place] == row.index(max(row))
    reported = {rule: training.at_epoch(tested, epoch) for rule, epoch in epochs.items()}
    for place in np.ndindex(3, 5):
        assert reported["nested"][place] == tested[place][epochs["nested"][place]]
    np.testing.assert_array_equal(reported["as printed"], tested.max(-1))
    assert (reported["as printed"] > reported["nested"]).any()  # it flatters
