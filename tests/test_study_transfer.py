"""Notebook 41: what is balanced and held back, what a start means, whose error it is, and the notebook at its smallest."""

import dataclasses
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import run_notebook
from hypothesis import given
from hypothesis import strategies as st

from emolib import data as datasets
from emolib import metrics, training
from emolib.data.checks import content_of
from emolib.data.files import Damaged, digest_of
from emolib.data.votes import VOTES
from emolib.ground.containers import ImageSet
from emolib.ground.errors import EmolibError
from emolib.models import vgg
from emolib.reproduction import papers, report, runs
from emolib.reproduction.report import files as results
from emolib.reproduction.runs import keys
from emolib.reproduction.runs.claims import (
    NEEDS_REAL,
    NOT_REPLICATED,
    REPLICATED,
    WEAK,
    failed_gate,
    floor,
)
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.studies.faces import PARTS, STOCK
from emolib.reproduction.studies.transfer import care, claims, plan, tables
from emolib.reproduction.studies.transfer import training as networks

SMALL = {
    "data": "by hand",
    "start": "scratch",
    "way": "whole",
    "rates": [1e-3],
    "seed": 0,
    "identity": None,
    "weights": None,
    "width": 1 / 16,
    "dropout": 0.0,
    "train": None,
    "validation": None,
    "test": None,
    "side": 32,
    "batch": 16,
    "draws": 160,
    "epochs": 6,
    "plateau": 3,
    "patience": 6,
}


@pytest.fixture(scope="module")
def faces():
    """220 grey pictures whose class is plain to see: a bright bar at a height of its own. Test picture 0 stands in training too."""
    rng, n = np.random.default_rng(0), 220
    label = np.r_[
        np.arange(7).repeat(3), rng.choice(7, n - 21, p=[0.1, 0.04, 0.1, 0.4, 0.1, 0.1, 0.16])
    ]
    images = rng.integers(0, 60, (n, 48, 48), dtype=np.uint8)
    for i, k in enumerate(label):
        images[i, 4 + 6 * k : 9 + 6 * k] += 180
    split = np.repeat(PARTS, (160, 20, 40))
    images[180], label[180], images[30], label[30] = images[5], label[5], images[6], label[6]
    votes = np.zeros((n, len(VOTES)), int)
    votes[
        np.arange(n),
        np.array(
            [
                VOTES.index(v)
                for v in ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
            ]
        )[label],
    ] = 10
    return ImageSet(
        name="fer2013",
        source="simulated",
        images=images,
        label=label,
        split=split,
        subject=np.arange(n).astype(str),
        meta=pd.DataFrame(votes, columns=list(VOTES)).assign(code=label, row=np.arange(n)),
    )


@pytest.fixture(scope="module")
def crowd():
    """Three people who differ by a bright bar, twelve pictures each."""
    rng = np.random.default_rng(1)
    who = np.tile(np.arange(3), 12)
    images = rng.integers(0, 60, (36, 32, 32, 3), dtype=np.uint8)
    for i, k in enumerate(who):
        images[i, 4 + 9 * k : 10 + 9 * k] += 150
    return ImageSet(
        name="vggface",
        source="simulated",
        images=images,
        label=who,
        classes=("a", "b", "c"),
        subject=who.astype(str),
        split=np.repeat(["train", "test"], (27, 9)),
        meta=pd.DataFrame({"image": who}),
    )


# ---------------------------------------------------------------- balance and split


@given(st.lists(st.integers(0, 6), min_size=1, max_size=200))
def test_balance_is_exact_and_copies_only_fill_up(label):
    label = np.array(label)
    at, copied = networks.balanced(label)
    count = np.bincount(label[at])
    assert set(count[count > 0]) == {np.bincount(label).max()}  # well within 5 %
    assert (np.sort(at[~copied]) == np.arange(len(label))).all()
    used = np.bincount(at[copied], minlength=len(label))
    for k in np.unique(label):
        assert np.ptp(used[label == k]) <= 1  # no row is copied twice more than another


def test_the_rows_held_back_share_no_picture_with_those_that_train(faces):
    kept, held = networks.split(faces)
    content = content_of(faces.images)
    assert (
        not set(content[kept]) & set(content[held])
        and len(kept) + len(held) == 160
        and 5 < len(held) < 30
    )
    assert (faces.split[np.r_[kept, held]] == "Training").all()


def test_only_copies_are_moved_and_nothing_that_is_read(faces):
    bench = networks.Bench.of(faces, (None, None, None), 32, "cpu")
    rows, held = networks.split(faces)
    at, copied = networks.balanced(faces.label[rows])
    images = bench.images.numpy()
    assert (images[bench.train][~copied] == faces.images[rows]).all()
    assert (images[bench.train][copied] != faces.images[rows[at[copied]]]).any((1, 2)).all()
    assert (images[bench.held] == faces.images[held]).all() and (
        images[bench.private] == faces.images[180:]
    ).all()
    assert (bench.label[bench.public] == faces.label[160:180]).all() and (
        bench.label[bench.train] == faces.label[rows[at]]
    ).all()


# ---------------------------------------------------------------- starts


def test_a_narrow_start_takes_all_but_the_last_layer(crowd, faces, monkeypatch, one_thread):
    monkeypatch.setattr(datasets, "resolve", lambda ref: crowd if ref == "people" else faces)
    how = {
        "data": "people",
        "seed": 0,
        "width": 1 / 16,
        "dropout": 0.0,
        "side": 32,
        "batch": 9,
        "draws": None,
        "epochs": 25,
        "rate": 1e-3,
    }
    source = networks.identify(**how)
    assert (
        source["people"] == 3
        and source["pictures"] == 27
        and source["accuracy"] > 0.8
        and source["loss"][-1] < 0.5 * source["loss"][0]
    )
    monkeypatch.setattr(
        runs,
        "map",
        lambda fn, grid, jobs: [source] if (fn, grid) == (networks.identify, [how]) else 1 / 0,
    )
    body, head = networks.network("faces", 1 / 16, 0.0, how, None)
    assert torch.equal(body[0][0].weight, torch.as_tensor(source["weights"]["features.0.weight"]))
    assert (
        torch.equal(head[3].weight, torch.as_tensor(source["weights"]["classifier.3.weight"]))
        and head[6].out_features == 7
    )
    with pytest.raises(EmolibError, match="scratch"):
        networks.network("scrath", 1 / 16, 0.0, None, None)


def test_weights_of_the_face_descriptor_under_both_names(tmp_path, monkeypatch):
    """A small VGG-16 stands for the real one: names are mapped, other shapes are refused by `transfer`."""
    from safetensors.torch import save_file

    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    assert vgg.face_file() is None
    net = vgg.Vgg16(10, width=1 / 16)
    state = net.state_dict()
    published = {
        f"{new}.{kind}": state[f"{old}.{kind}"]
        for old, new in zip(*vgg._layers(), strict=True)
        for kind in ("weight", "bias")
    }
    assert (
        list(published)[:2] == ["conv1_1.weight", "conv1_1.bias"]
        and list(published)[-1] == "fc8.bias"
        and len(published) == 32
    )
    (tmp_path / "models").mkdir()
    for name, write in (("vgg_face_dag.pth", torch.save), ("vgg_face.safetensors", save_file)):
        write(
            published if name.endswith("pth") else {k: v.clone() for k, v in state.items()},
            tmp_path / "models" / name,
        )
        found = vgg.face_weights(vgg.face_file())
        assert (
            vgg.face_file().name == name
            and set(found) == set(state)
            and all(torch.equal(found[k], state[k]) for k in state)
        )
    body, head = networks.network("faces", 1 / 16, 0.0, None, digest_of(vgg.face_file()))
    assert torch.equal(head[0].weight, state["classifier.0.weight"])
    grey = body[0](torch.full((1, 3, 2, 2), 2 * 100 / 255 - 1))
    assert torch.allclose(grey[0, :, 0, 0], 100 - torch.tensor(vgg.FACE_MEAN), atol=1e-4)
    with pytest.raises(EmolibError, match="changed"):
        networks.network("faces", 1 / 16, 0.0, None, "another")
    (tmp_path / "models" / "vgg_face.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(Damaged, match="VGG"):
        vgg.face_weights(vgg.face_file())


# ---------------------------------------------------------------- a run


@pytest.fixture(scope="module")
def trained(faces, one_thread):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "resolve", lambda ref: faces)
        patch.setenv("EMOLIB_DEVICE", "cpu")
        frozen = SMALL | {"way": "frozen", "rates": [1e-3, 1e-6], "epochs": 12}
        yield [
            networks.transfer(**how)["models"]
            for how in (SMALL | {"epochs": 16}, frozen, SMALL | {"epochs": 1})
        ]


def test_a_network_learns_bars_of_light(trained, faces):
    (whole,), *_ = trained
    true = faces.label[faces.split == "PrivateTest"]
    assert (
        whole["private"].shape == (40, 7)
        and whole["public"].shape == (20, 7)
        and whole["parameters"] == 527_083
    )
    assert (whole["private"].argmax(1) == true).mean() > 0.6 and whole["loss"][-1] < 1.2 < whole[
        "loss"
    ][0]
    assert (
        whole["best_epoch"] == whole["validation"].argmin()
        and 0 <= whole["accuracy"].min() <= whole["accuracy"].max() <= 1
    )
    assert len(whole["accuracy"]) == len(whole["validation_accuracy"]) == len(whole["loss"])


def test_frozen_networks_train_less_and_a_tiny_rate_moves_nothing(trained):
    _, (fast, slow), *_ = trained
    assert (fast["rate"], slow["rate"]) == (1e-3, 1e-6) and fast["parameters"] == slow[
        "parameters"
    ] == 469_255
    assert np.ptp(slow["loss"]) < 0.05 and fast["loss"].min() < slow["loss"].min() - 0.02


def test_the_same_run_gives_the_same_scores(trained, faces, monkeypatch):
    *_, (once,) = trained
    monkeypatch.setattr(datasets, "resolve", lambda ref: faces)
    (again,) = networks.transfer(**SMALL | {"epochs": 1})["models"]
    assert (again["private"] == once["private"]).all()


def test_a_frozen_run_is_the_same_whatever_rates_stand_beside(faces, monkeypatch, one_thread):
    monkeypatch.setattr(datasets, "resolve", lambda ref: faces)
    how = SMALL | {"way": "frozen", "dropout": 0.5, "epochs": 2}
    (alone,), (_, beside) = (
        networks.transfer(**how | {"rates": r})["models"] for r in ([1e-4], [1e-3, 1e-4])
    )
    assert (alone["private"] == beside["private"]).all()


def test_a_rate_that_breaks_the_loss_is_a_result(faces, monkeypatch, one_thread):
    monkeypatch.setattr(datasets, "resolve", lambda ref: faces)
    (broken,) = networks.transfer(**SMALL | {"rates": [1e6], "epochs": 3})["models"]
    assert (
        broken["diverged"]
        and not broken["private"].any()
        and plan.worth(broken) == np.inf
        and not claims.learnt(broken)
    )


def test_notes_of_a_validation_survive_a_checkpoint(tmp_path):
    x, y = torch.randn(8, 3), torch.randn(8, 1)
    how = training.Settings(3, 1e-2)

    def go(epochs, stop=None):
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 1)

        def validate(net, epoch):
            if epoch == stop:
                raise KeyboardInterrupt
            return -float(((net(x) - y) ** 2).mean()), {"epoch": epoch}

        return training.fit(
            net,
            lambda epoch: [(x, y)],
            lambda net, x, y: ((net(x) - y) ** 2).mean(),
            epochs,
            validate=validate,
            checkpoint=tmp_path / "c.safetensors",
            progress=False,
        )

    with pytest.raises(KeyboardInterrupt):
        go(how, stop=2)
    assert [note["epoch"] for note in go(how).notes] == [0, 1, 2]


# ---------------------------------------------------------------- networks that work

CAREFUL = {
    "data": "by hand",
    "start": "nothing",
    "weights": None,
    "fixed": False,
    "seed": 0,
    "sides": [104] * 4,
    "batch": 16,
    "rate": 2e-3,
    "weight_decay": 0.01,
    "average": 0.5,
    "much": 0.5,
    "patience": None,
    "bfloat16": False,
    "train": None,
    "validation": None,
    "test": None,
}


def test_a_network_of_the_recipe_learns_and_says_what_it_did(faces, monkeypatch, one_thread):
    monkeypatch.setattr(datasets, "resolve", lambda ref: faces)
    monkeypatch.setattr(
        care.shipped, "moved", lambda x, side, rng, much: care.trained.face_fed(x, side)
    )
    done = care.run(**CAREFUL)
    true = faces.label[faces.split == "PrivateTest"]
    assert done["private"].shape == (40, 7) and done["public"].shape == (20, 7)
    np.testing.assert_allclose(np.exp(done["private"]).sum(1), 1, atol=1e-4)
    assert (done["private"].argmax(1) == true).mean() > 0.4  # of seven, 0.4 are one class
    assert done["loss"][-1] < 0.8 * done["loss"][0] and len(done["validation"]) == 4
    assert done["parameters"] == sum(
        p.numel() for p in torch.nn.Sequential(*care.network("nothing", None)).parameters()
    )
    assert not done["diverged"] and done["best_epoch"] == 3


def test_with_patience_a_network_ends_at_rest_on_its_best_epoch(faces, monkeypatch, one_thread):
    monkeypatch.setattr(datasets, "resolve", lambda ref: faces)
    monkeypatch.setattr(
        care.shipped, "moved", lambda x, side, rng, much: care.trained.face_fed(x, side)
    )
    # a rate at which nothing gets better: two epochs without gain end it
    still = CAREFUL | {"rate": 0.0, "patience": 2, "sides": [104] * 12}
    monkeypatch.setattr(care.F, "cross_entropy", worse(care.F.cross_entropy))
    done = care.run(**still)
    assert len(done["loss"]) == 3 and done["settled"] and done["best_epoch"] == 0


def worse(cross_entropy):
    """The same loss, a little higher each time it is asked."""
    asked = itertools.count()

    def loss(*args, **options):
        return cross_entropy(*args, **options) + next(asked)

    return loss


def test_a_network_learns_in_bfloat16_too(faces, monkeypatch, one_thread):
    monkeypatch.setattr(datasets, "resolve", lambda ref: faces)
    monkeypatch.setattr(
        care.shipped, "moved", lambda x, side, rng, much: care.trained.face_fed(x, side)
    )
    wide, half = care.run(**CAREFUL), care.run(**CAREFUL | {"bfloat16": True})
    assert not np.array_equal(wide["loss"], half["loss"])
    np.testing.assert_allclose(half["loss"], wide["loss"], rtol=0.1)
    assert half["private"].dtype == np.float32


def test_a_training_says_itself_whether_it_rests():
    falling, flat = np.linspace(2, 1, 10), np.ones(10)
    assert plan.at_rest({"validation": falling, "settled": True})
    assert not plan.at_rest({"validation": flat, "settled": False})
    assert plan.at_rest({"validation": flat}) and not plan.at_rest({"validation": falling})


def test_fixed_convolutions_stay_as_they_were_and_their_norms_too(one_thread):
    torch.manual_seed(0)
    body, head = care.network("nothing", None)
    fixed = care.Fixed(body)
    net = torch.nn.Sequential(fixed, head).train()
    before = {k: v.clone() for k, v in fixed.state_dict().items()}
    step = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], 0.1)
    net(torch.randn(4, 3, 104, 104)).square().sum().backward()
    step.step()
    assert all(torch.equal(v, before[k]) for k, v in fixed.state_dict().items())
    assert not fixed.training and head.training
    with pytest.raises(EmolibError, match="nothing"):
        care.network("nothin", None)


def test_claims_about_faces_rest_on_real_people_where_their_weights_are(monkeypatch):
    monkeypatch.setattr(plan.identity, "weights", lambda: "digest")
    study = plan.Study("smoke")
    assert study.judged(plan.KNOWN) == plan.KNOWN and study.people_behind.source == "real"
    monkeypatch.setattr(plan.identity, "weights", lambda: None)
    study = plan.Study("smoke")
    names = [study.judged(name) for name in (plan.KNOWN, plan.BLANK, plan.KNOWN_FIXED)]
    assert names == [plan.OURS, plan.PLAIN, plan.FIXED]
    assert not {plan.KNOWN, plan.BLANK} & set(study.models)


def test_only_networks_that_saw_simulated_people_say_so(monkeypatch):
    monkeypatch.setattr(plan.identity, "weights", lambda: "digest")
    made = SimpleNamespace(name="vggface", source="simulated", fingerprint="x")
    real = SimpleNamespace(name="fer2013", source="real", fingerprint="y")
    monkeypatch.setattr(plan.Study, "source_task", made)
    monkeypatch.setattr(plan.Study, "faces", real)
    study = plan.Study("overnight")
    assert study.source_of(plan.KNOWN) == study.source_of(plan.BLANK) == "real"
    assert study.source_of(plan.OURS) == "simulated"
    assert study.protocol("PrivateTest", name=plan.KNOWN) == "PrivateTest"
    assert study.protocol("PrivateTest", name=plan.OURS) == "small runs, PrivateTest"


# ---------------------------------------------------------------- the grid


@pytest.mark.parametrize("profile", ["smoke", "quick", "overnight", "full"])
def test_every_model_is_trained_at_the_rates_it_may_choose_from(profile, faces, crowd, monkeypatch):
    monkeypatch.setattr(plan.Study, "faces", faces)
    monkeypatch.setattr(plan.Study, "people", crowd)
    study = plan.Study(profile)
    grid, s = study.grid, study.sizes
    assert len({keys.key(networks.transfer, a) for _, a in grid}) == len(grid)
    for name in [one for one in study.models if not study.with_care(one)]:
        rates = sorted(r for n, a in grid if n == name for r in a["rates"])
        assert set(s.tried) <= set(rates) and len(rates) == len(set(rates))
        assert all(
            (a["identity"] is not None) == (a["start"] == "faces") for n, a in grid if n == name
        )
    assert set(s.rates) == {r for n, a in grid if n == plan.OURS for r in a["rates"]}


def test_full_is_the_thesis():
    s = plan.Study("full").sizes
    assert (
        not plan.Study("full").narrow
        and s.vgg.side == 224
        and s.dropout == 0.5
        and s.rates == (1e-3, 1e-4, 1e-5, 1e-6)
        and s.tried == s.rates[1:3]  # chang2021-c43
    )
    with pytest.raises(EmolibError, match="quick"):
        plan.Study("quik")


def test_the_rate_is_chosen_by_the_rows_held_back(monkeypatch):
    made = [
        {"rate": r, "validation": np.array(v), "diverged": d}
        for r, v, d in (
            (1e-3, [1.9, 1.2], True),
            (1e-4, [1.9, 1.6, 1.8], False),
            (1e-5, [1.9, 1.7], False),
            (1e-6, [0.1], False),
        )
    ]
    monkeypatch.setattr(plan.Study, "sweep", lambda study, name: made)
    study = plan.Study("quick", tried=(1e-3, 1e-4, 1e-5))
    assert study.chosen("from faces")["rate"] == 1e-4


def test_one_seed_asks_for_no_further_run(monkeypatch):
    found = {"rate": 1e-4, "validation": np.array([1.0])}
    monkeypatch.setattr(plan.Study, "chosen", lambda study, name: found)
    assert plan.Study("quick", seeds=1).results(plan.OURS) == [found]


def test_epochs_of_a_knob_hold_for_every_network(faces, crowd, monkeypatch):
    monkeypatch.setattr(plan.Study, "faces", faces)
    monkeypatch.setattr(plan.Study, "people", crowd)
    own, more = (plan.Study("quick", epochs=epochs).grid for epochs in (None, 9))
    assert {a["epochs"] for _, a in more} == {9} and {a["epochs"] for _, a in own} == {3, 4}


# ---------------------------------------------------------------- what is read off


@pytest.fixture
def on_hand(monkeypatch):
    """A study of forty test pictures and three models: one right, one with the raters, one that always says happy."""
    label = np.tile(np.arange(7), 6)[:40]
    raters = np.where(np.arange(40) < 10, (label + 1) % 7, label)
    raters[30:] = -1
    said = {
        "from faces": label,
        "from faces, frozen": np.where(raters >= 0, raters, 3),
        "from scratch": np.full(40, 3),
    }
    fake = ImageSet(
        name="fer2013",
        source="simulated",
        images=np.zeros((40, 2, 2), np.uint8),
        label=label,
        subject=np.arange(40).astype(str),
        split=np.full(40, "PrivateTest"),
        meta=pd.DataFrame({"row": np.arange(40)}),
    )
    people = SimpleNamespace(name="vggface", source="simulated", fingerprint="x")

    class ByHand(plan.Study):
        faces, source_task, settled = fake, people, frozenset()
        ballots = np.ones((40, 10), int)
        models = {name: plan.MODELS[name] for name in said}

        def tested(self, part):
            rows = np.arange(40)
            return plan.Tested(rows, label, rows.astype(str), rows >= 4)

        def named(self, name, part):
            return said[name][None]

        def results(self, name):
            return [{"validation": np.ones(20)}]

    blind = {tables.CONSTANT: np.full((1, 40), 6), STOCK: label[None] // 2}
    monkeypatch.setattr(tables, "without_network", lambda study, part: blind)
    monkeypatch.setattr(tables, "majority", lambda study: raters)
    return ByHand("smoke"), label


def test_errors_are_divided_by_what_raters_say(on_hand):
    study, label = on_hand
    frame = tables.label_error(study).frame.set_index(["model", "metric"]).measured
    crowd = "majority of ten raters"
    assert frame[crowd, "right by FER2013's label"] == pytest.approx(100 * 20 / 30)
    assert frame[crowd, "right by FER2013's label, no majority counted as wrong"] == pytest.approx(
        50
    )
    frozen = {m: v for (n, m), v in frame.items() if n == "VGG-16, narrow, from faces, frozen"}
    assert (
        frozen["right by the raters' majority"] == 100
        and frozen["errors: raters back the label"] == 0
    )
    wrong = 10 + (label[30:] != 3).sum()
    assert frozen["errors: raters contradict the label and back the model"] == pytest.approx(
        100 * 10 / wrong
    )
    for name in ("VGG-16, narrow, from faces, frozen", "VGG-16, narrow, from scratch"):
        assert sum(
            v for (n, m), v in frame.items() if n == name and m.startswith("errors")
        ) == pytest.approx(100)
    assert not [
        m for n, m in frame.index if n == "VGG-16, narrow, from faces" and m.startswith("errors")
    ]  # it makes none


def test_accuracy_of_a_perfect_and_of_a_happy_network(on_hand):
    study, label = on_hand
    frame = tables.accuracies(study)
    frame = frame[frame.protocol == "small runs, PrivateTest"].set_index("name").measured
    assert frame["from faces"] == 100
    assert frame["from scratch"] == pytest.approx(100 * (label == 3).mean())


def test_contrasts_are_paired_and_corrected(on_hand):
    study, label = on_hand
    frame = tables.contrasts(study).frame.set_index(["pair", "metric"])
    assert list(frame.index.levels[0]) == [
        "from faces - from faces, frozen",
        "from faces - from scratch",
    ]
    row = frame.loc["from faces - from scratch", "difference in accuracy"]
    assert (
        row.measured == pytest.approx(100 * (label[4:] != 3).mean())
        and row.low > 0
        and row.source == "simulated"
    )
    assert (frame.xs("p, Holm", level="metric").measured <= 0.05).all()
    reading = frame.xs("p, Holm", level="metric")[["reading", "gate"]]
    assert list(reading.loc["from faces - from scratch"]) == [WEAK, "trivial"]  # it says happy
    assert list(reading.loc["from faces - from faces, frozen"]) == ["more", ""]
    limits = frame.loc["from faces - from scratch"].measured
    assert limits["smallest p possible (Holm)"] == floor(36, 2)
    gap = 100.0 * (label[4:] != 3)
    shown = metrics.detectable(gap, np.arange(36), family=2)
    assert limits["smallest effect detectable"] == pytest.approx(shown)


def test_two_answers_without_a_network_stand_in_table_4_3(on_hand):
    study, label = on_hand
    frame = tables.table_4_3(study).frame
    rows = frame[frame.protocol == study.protocol("PrivateTest", plan.UNIQUE)].set_index("method")
    right = rows.measured[[tables.CONSTANT, STOCK]]
    assert right[tables.CONSTANT] == pytest.approx(100 * (label[4:] == 6).mean())
    assert right[STOCK] == pytest.approx(100 * (label[4:] == 0).mean())


def test_they_learn_from_the_rows_that_train_the_models(faces, monkeypatch):
    monkeypatch.setattr(plan.Study, "faces", faces)
    study = plan.Study("smoke", train=150)
    said, tested = tables.without_network(study, "PrivateTest"), study.tested("PrivateTest")
    train = networks.split(faces)[0][:150]
    assert (said[tables.CONSTANT] == np.bincount(faces.label[train]).argmax()).all()
    assert (said[STOCK][0] == tested.truth).mean() > 0.6


def test_the_printed_row_keeps_its_key_and_rows_keep_their_badges(on_hand):
    outcome = tables.table_4_3(on_hand[0])
    long = report.beside_print("chang2021-t4_3", outcome)
    assert long.printed.notna().sum() == 10 and set(
        long["reported by"][long.printed.notna()]
    ) == set(papers.published("chang2021-t4_3").source)
    assert set(long.source[long.measured.isna()]) == {"print"} and set(
        long.verdict[long.measured.notna() & long.printed.notna()]
    ) == {WEAK}


def test_rows_of_one_table_may_differ_in_source():
    frame = pd.DataFrame(
        {"what": ["a", "b"], "metric": "m", "measured": [1.0, 2.0], "source": ["real", "simulated"]}
    )
    long = report.beside_print(
        "chang2021-x21",
        Outcome(frame, "smoke", {"fer2013": {"source": "simulated", "fingerprint": "x"}}),
    )
    assert list(long.source) == ["real", "simulated"]


# ---------------------------------------------------------------- the claims and their gates


def test_every_claim_has_its_rule_or_is_a_matter_of_print():
    known = papers.claims()
    measured = known[(known.notebook == "41") & (known.needs != "print")]
    assert set(claims.claim.rules) == set(measured.id)


def told(study, name):
    needs = papers.claims().set_index("id").needs[name]
    return claims.claim._verdict(study, name, needs, "")


def contrast(low, high, p):
    """What `contrasts` says of the gain, as a table of one pair."""
    key = {"pair": "from faces - from scratch", "first": "a", "second": "b", "protocol": "P"}
    middle = {"measured": (low + high) / 2, "low": low, "high": high}
    rows = [{"metric": "difference in accuracy"} | middle, {"metric": "p, Holm", "measured": p}]
    return Outcome(pd.DataFrame([key | row for row in rows]), "full")


@pytest.fixture
def at_full_width(on_hand, monkeypatch):
    """Networks of full width on 'real' faces and people, flat and above the constant class."""
    study, label = on_hand
    kind = type(study)
    real = SimpleNamespace(name="any", source="real", fingerprint="x")
    monkeypatch.setattr(kind, "faces", real, raising=False)
    monkeypatch.setattr(kind, "source_task", real)
    monkeypatch.setattr(kind, "narrow", False)
    wrong = np.where(np.arange(40) < 12, (label + 1) % 7, label)
    monkeypatch.setattr(kind, "named", lambda study, name, part: wrong[None])
    monkeypatch.setattr(tables, "contrasts", lambda study: contrast(1, 4, 0.01))
    return study


@pytest.mark.parametrize(
    "low, high, p, outcome",
    [
        (4, 7, 0.01, REPLICATED),
        (-1, 7, 0.2, WEAK),
        (4, 7, 0.06, WEAK),
        (1, 4, 0.01, NOT_REPLICATED),
    ],
)
def test_the_gain_is_an_interval_about_five_points(
    low, high, p, outcome, at_full_width, monkeypatch
):
    monkeypatch.setattr(tables, "contrasts", lambda study: contrast(low, high, p))
    verdict = told(at_full_width, "chang-d25")
    assert verdict.outcome == outcome and verdict.people == 36
    assert verdict.gate == ("interval" if outcome == WEAK else "")


def test_simulated_people_leave_the_gain_to_the_real_ones(at_full_width, monkeypatch):
    people = SimpleNamespace(name="vggface", source="simulated", fingerprint="x")
    monkeypatch.setattr(type(at_full_width), "source_task", people)
    assert told(at_full_width, "chang-d25").outcome == NEEDS_REAL


@pytest.mark.parametrize("gate", ["size", "trivial", "plateau", "people", "stock"])
def test_each_gate_closes_for_one_model_of_two(gate, at_full_width, monkeypatch):
    study, kind = at_full_width, type(at_full_width)
    plain = kind.named
    if gate == "size":
        monkeypatch.setattr(kind, "narrow", True)
    elif gate == "trivial":
        happy = {"from scratch": np.full((1, 40), 3)}
        monkeypatch.setattr(kind, "named", lambda s, n, p: happy.get(n, plain(s, n, p)))
    elif gate == "plateau":
        falls = {"from scratch": np.linspace(2, 1, 20)}
        monkeypatch.setattr(
            kind, "results", lambda s, name: [{"validation": falls.get(name, np.ones(20))}]
        )
    elif gate == "people":
        whole = kind.tested
        few = dataclasses.replace(whole(study, "PrivateTest"), pixels=np.arange(40) % 5)
        monkeypatch.setattr(kind, "tested", lambda study, part: few)
    else:
        monkeypatch.setattr(tables, "STOCK", "another")
    verdict = told(study, "chang-d25")
    assert (verdict.outcome, verdict.gate) == (WEAK, gate) and "points" not in verdict.because


def test_a_constant_classifier_passes_no_gate(on_hand):
    """However frequent its class: 'always happy' is what any network is held against."""
    study, label = on_hand
    always = tables.standing(study, "from scratch")
    assert always.low < always.trivial == np.bincount(label[4:]).max() / 36
    assert failed_gate([always])[0] == "trivial"
    assert failed_gate([tables.standing(study, "from faces")]) == ("", "")


def test_best_at_present_is_a_matter_of_print_and_boasts_with_no_number_of_ours():
    assert "chang-d26" not in claims.claim.rules
    assert papers.claims().set_index("id").needs["chang-d26"] == "print"


def test_layers_and_parameters_of_the_real_network():
    rules = (claims.halvings, claims.chain, claims.parameters)
    assert [rule(None)[0] for rule in rules] == [False] * 3
    assert "145.0 million with 2,622" in claims.parameters(None)[1]
    assert "has 5, which leave 7" in claims.halvings(None)[1]


@pytest.mark.parametrize(
    "ends, outcome",
    [((1.95, 1.2, 1.1, 1.0), NOT_REPLICATED), ((1.95, 1.95, 1.94, 1.0), REPLICATED)],
)
def test_a_rate_above_the_limit_that_learns_refutes_it(ends, outcome, at_full_width, monkeypatch):
    made = [
        {"rate": r, "loss": np.array([1.95, v]), "diverged": False}
        for r, v in zip(plan.RATES, ends, strict=True)
    ]
    monkeypatch.setattr(type(at_full_width), "sweep", lambda study, name: made)
    assert told(at_full_width, "chang-d24").outcome == outcome
    monkeypatch.setattr(type(at_full_width), "narrow", True)  # other widths bear other rates
    at_full_width.memory.clear()
    assert told(at_full_width, "chang-d24").gate == "size"


def test_counts_of_real_faces_are_real_though_the_people_are_simulated(faces, crowd, monkeypatch):
    monkeypatch.setattr(plan.Study, "faces", dataclasses.replace(faces, source="real"))
    monkeypatch.setattr(plan.Study, "people", crowd)
    study = plan.Study("smoke")
    assert {one.source for one in study.sources} == {"real", "simulated"}
    counts = told(study, "chang-d40"), told(study, "chang-d29")
    assert {(v.outcome, v.source) for v in counts} == {(NOT_REPLICATED, "real")}


# ---------------------------------------------------------------- real data


@pytest.mark.slow
def test_counts_and_votes_of_the_real_set(real_data, monkeypatch):
    if not datasets.at_hand("ferplus"):
        pytest.skip(f"NOT TESTED ON REAL DATA: no FERPlus in {real_data}")
    study = plan.Study("full")
    frame = tables.no_use(study).frame.set_index(["reason", "part"])
    assert (
        frame["count"]["blank", "Training"] == 12
        and frame["count"]["majority contradicts the label", "PrivateTest"] == 3137 - 2114
    )
    assert (
        frame.measured["any of these", "Training"]
        > frame.measured["majority contradicts the label", "Training"]
        > 25
    )
    monkeypatch.setattr(plan.Study, "face_weights", None)  # the people are simulated
    assert study.source_task.source == "simulated"
    counts = told(study, "chang-d29"), told(study, "chang-d40")
    assert [v.outcome for v in counts] == [NOT_REPLICATED, REPLICATED]
    assert {v.source for v in counts} == {"real"} and "35,887" in counts[1].because
    unrelated = told(study, "chang-d47")
    assert unrelated.outcome == NOT_REPLICATED and "cannot tell 1.1 %" in unrelated.because
    assert (~study.tested("PrivateTest").fresh).sum() == 288
    assert (~study.tested("PublicTest").fresh).sum() == 280


# ---------------------------------------------------------------- frozen networks that met real faces


@pytest.fixture
def looking(faces, monkeypatch):
    """A study whose frozen networks see the class itself (people), noise (objects) or are not installed."""
    rng = np.random.default_rng(3)

    class Looking(plan.Study):
        def features(self, network):
            if network == networks.NOTHING:
                return None
            parts = []
            for rows in self.looked_at:
                clear = np.eye(7)[faces.label[rows]]
                parts.append(clear if network == networks.PEOPLE else rng.normal(size=clear.shape))
            return parts

        def named(self, name, part):
            return faces.label[faces.split == part][None]

    monkeypatch.setattr(plan.Study, "faces", faces)
    return Looking("smoke", frozen=plan.Frozen(100, 40, 40))


def test_frozen_networks_are_compared_in_pairs_on_both_tests(looking):
    frame = tables.do_faces_transfer(looking).frame
    accuracy = frame[(frame.metric == "accuracy") & (frame.protocol == tables.BOTH + plan.UNIQUE)]
    accuracy = accuracy.set_index("model").measured
    people, objects = (tables.LOOKS[name] for name in (networks.PEOPLE, networks.OBJECTS))
    assert accuracy[people] == 100 and accuracy[objects] < 60
    gap = frame[frame.model == f"{people} less {objects}"].set_index("metric")
    assert gap.measured["difference in accuracy"] == pytest.approx(100 - accuracy[objects])
    assert gap.measured["p, Holm"] < 1e-6
    absent = frame[frame.model == tables.LOOKS[networks.NOTHING]]
    assert absent.reading.tolist() == ["not installed"] and absent.measured.isna().all()
    assert tables.GRADIENTS in accuracy and STOCK in accuracy
    assert len(frame[frame.metric == "p, Holm"]) == 2  # people less objects, people less gradients


def test_what_is_no_better_than_the_most_frequent_class_is_not_read(looking):
    frame = tables.do_faces_transfer(looking).frame
    noise = frame[frame.model.str.endswith(f"less {tables.LOOKS[networks.OBJECTS]}")]
    assert set(noise.gate) == {"trivial"} and set(noise.reading) == {"not strong enough"}


def test_chunks_are_parts_of_one_whole(faces, monkeypatch):
    """However many pictures a run has, rows that train, validate and test come back in their order."""
    monkeypatch.setattr(plan.Study, "faces", faces)
    monkeypatch.setattr(networks, "known_weights", lambda network: "x")
    monkeypatch.setattr(plan.datasets, "reference", lambda data: "")

    def seen(fn, grid, label):
        rows = np.concatenate(networks.asked(faces, 30, 10, 5))
        return [{"features": rows[run["first"] : run["last"], None]} for run in grid]

    monkeypatch.setattr(plan.runs, "map", seen)
    for chunk in (7, 500):
        study = plan.Study("smoke", frozen=plan.Frozen(30, 10, 5, chunk))
        parts = study.features(networks.PEOPLE)
        assert [part[:, 0].tolist() for part in parts] == [r.tolist() for r in study.looked_at]


@pytest.mark.slow
@pytest.mark.parametrize("network, width", [*zip(networks.NETWORKS, (128, 1280, 1280))])
def test_frozen_networks_tell_pictures_apart_and_repeat(network, width, faces, monkeypatch):
    if networks.known_weights(network) is None:
        pytest.skip(f"NOT TESTED: {network}: its weights are not installed")
    monkeypatch.setattr(datasets, "resolve", lambda _: faces)
    shared = {"data": "", "network": network, "weights": "", "validation": 1, "test": 1}
    shared |= {"train": 3}
    first, again = (networks.seen(**shared, first=0, last=3)["features"] for _ in range(2))
    assert first.shape == (3, width) and np.isfinite(first).all() and first.std(0).max() > 0
    np.testing.assert_array_equal(first, again)
    alone = networks.seen(**shared, first=1, last=2)["features"]
    np.testing.assert_allclose(alone[0], first[1], atol=1e-3)


# ---------------------------------------------------------------- the notebook, end to end


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Result folder of notebook 41 at smoke on simulated faces, run as the command line runs it."""
    return run_notebook("41", tmp_path_factory.mktemp("transfer"))


@pytest.mark.slow
def test_every_artefact_is_there_with_its_provenance(smoke):
    assert results.problems(smoke) == []
    listed = papers.everything()
    for row in listed[listed.notebook == "41"].itertuples():
        folder = smoke / ("tables" if row.kind == "table" else "figures")
        assert all(
            (folder / f"{row.id}.{kind}").stat().st_size > 0
            for kind in (("csv", "json") if row.kind == "table" else ("csv", "json", "svg", "png"))
        )
        about = json.loads((folder / f"{row.id}.json").read_text())
        assert set(about["sources"]) == set(row.data.split(";")) and {
            s["source"] for s in about["sources"].values()
        } == {"simulated"}


@pytest.mark.slow
def test_claims_say_what_a_small_run_can_say(smoke):
    frame = pd.read_csv(smoke / "claims.csv", dtype=str, keep_default_na=False)
    mine = frame[frame.notebook == "41"].set_index("id")
    counted = mine[mine.needs == "counting"]
    asked = mine[mine.needs.str.startswith(("fer2013", "ferplus"))]
    assert len(mine) == 10 == 1 + len(counted) + len(asked)
    assert set(counted.outcome) == {NOT_REPLICATED} and set(asked.outcome) == {NEEDS_REAL}
    assert (
        mine.outcome["chang-d26"] == "arithmetic only" and "27.0" not in mine.because["chang-d26"]
    )
