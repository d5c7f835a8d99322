"""Notebook 44's study: features, spoilt worlds, ways to fuse trained side by side, verdicts, and the notebook at its smallest."""

import dataclasses
import json
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import run_notebook
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from emolib import EMOTIONS, metrics
from emolib import data as datasets
from emolib.data import reference
from emolib.data.sim import worlds
from emolib.ground.containers import TableSet
from emolib.ground.errors import EmolibError
from emolib.models.mrpn import design
from emolib.models.mrpn_stack import Stack, gated
from emolib.reproduction import papers, report
from emolib.reproduction.runs import Standing
from emolib.reproduction.runs.outcome import Outcome
from emolib.reproduction.studies.mrpn import claims, features, plan, tables, training
from emolib.reproduction.studies.mrpn.features import Job
from emolib.reproduction.studies.mrpn.training import (
    ALONE,
    FACE,
    JOINT,
    LATE,
    METHODS,
    SOUND,
    Recipe,
)

HOW = Recipe(hidden=6, epochs=6, rate=1e-2, batch=16, option="VA+AO", late=True)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def made():
    """12 actors, 4 classes, 4 clips each, two strengths: the class is plain in the sound and, a little less, in the points."""
    rng = np.random.default_rng(0)
    label, actor, turn = (v.ravel() for v in np.meshgrid(np.arange(4), np.arange(12), np.arange(4)))
    face = rng.normal(size=(4, 136))[label][:, None] * 0.6 + rng.normal(size=(192, 4, 136))
    sound = rng.normal(size=(4, 10))[label][:, None] + rng.normal(size=(192, 40, 10))
    pad = lambda v: np.concatenate([v, np.zeros_like(v[:1])]).astype(np.float32)  # noqa: E731
    return features.Bank(
        pad(face),
        pad(sound),
        label,
        np.char.mod("Actor_%02d", actor),
        np.char.mod("clip %d", np.arange(192)),
        turn // 2,
    )


def split(bank, seed=0):
    actor = np.char.replace(bank.subject, "Actor_", "").astype(int)
    rows = np.arange(len(bank.label))
    return Job(
        rows,
        rows,
        bank.label,
        bank.label,
        *(np.flatnonzero(np.isin(actor % 4, k)) for k in ((0, 1), (2,), (3,))),
        seed,
    )


# ---------------------------------------------------------------- features


def test_mirrored_twice_is_as_before():
    assert (features.MIRROR[features.MIRROR] == np.arange(68)).all()
    from emolib.data.sim import face

    crowd = face.faces(3, 2, yaw=0, pitch=0, roll=0)
    xy = face.points(crowd, 200)
    about = (xy[0, 27, 0] + xy[0, 8, 0]) / 2
    seen = xy[0, features.MIRROR] * [-1, 1] + [2 * about, 0]
    assert np.abs(seen - xy[0]).mean() < 8  # a frontal face is nearly its own mirror image


@given(st.floats(-60, 60), st.floats(0.2, 5), st.floats(-300, 300))
def test_points_forget_place_size_and_roll(angle, size, shift):
    rng = np.random.default_rng(1)
    xy = rng.normal(size=(3, 68, 2)) + np.where(
        np.arange(68)[:, None] >= 42, [3.0, 0.0], [0.0, 0.0]
    )
    a = np.deg2rad(angle)
    moved = size * xy @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + shift
    here = features.points(xy, np.array([True, True, False]))
    assert (
        np.allclose(here, features.points(moved, np.array([True, True, False])), atol=1e-4)
        and (here[2] == 0).all()
    )
    eyes = here.reshape(3, 68, 2)[:2]
    assert np.allclose(
        (eyes[:, 36:48].reshape(2, 2, 6, 2).mean(2)), [[[-0.5, 0], [0.5, 0]]] * 2, atol=1e-5
    )


def test_seconds_are_means_and_spreads_of_what_they_hold():
    decibels = np.random.default_rng(2).normal(size=(5, 40))
    held = features.seconds(decibels)
    assert held.shape == (10, 10)
    mean = decibels[:, 3:34].mean(1)
    assert np.allclose(held[3, :5], mean - mean.mean(), atol=1e-6)
    assert np.allclose(held[3, 5:], decibels[:, 3:34].std(1))
    assert np.allclose(features.seconds(decibels + 20), held, atol=1e-5)  # 20 dB louder
    assert features.seconds(decibels[:, :7]).shape == (1, 10)


@pytest.mark.parametrize("gain", [-20, 10, 20])
@pytest.mark.parametrize("offset", [0.0, 0.3])
def test_a_second_of_sound_forgets_gain_and_offset(gain, offset):
    world = worlds.ravdess(0, 1, size=32, dials=features.CLEAN)
    wave = 0.05 * world.waveform[30]() / np.abs(world.waveform[30]()).max()
    wave[:24000] *= 1e-3  # a faint beginning: a second of its own in `predict`
    for part in (wave, wave[:16000]):
        here = features.heard([part], world.rate)
        louder = features.heard([part * 10 ** (gain / 20) + np.float32(offset)], world.rate)
        least = 1e-3 if offset == 0 else 3.0  # float32 beside an offset holds faint sounds coarsely
        assert np.ptp(here[0]) > 10 and np.abs(louder - here).max() < least  # decibels


def test_a_bank_of_simulated_clips_ends_with_nothing():
    world = worlds.ravdess(0, 1, size=32, dials=features.CLEAN).select(np.array([0, 30]))
    face = np.stack([features.watched(world, i, 3) for i in range(2)])
    assert face.shape == (2, 3, 136) and np.isfinite(face).all() and np.abs(face).max() < 10
    sound = features.heard([w() for w in world.waveform], world.rate)
    assert (
        sound.shape[0] == 3
        and np.ptp(sound[-1]) == sound[-1].max() - sound[-1].min()
        and (sound[-1, :, 32:] == 0).all()
    )


# ---------------------------------------------------------------- worlds


def test_a_donor_is_the_same_actor_showing_what_is_asked(made):
    shown = (made.label + 1) % 4
    rows = features.donors(made, shown, 3, "face")
    assert (
        (made.subject[rows] == made.subject).all()
        and (made.label[rows] == shown).all()
        and (made.strength[rows] == made.strength).all()
    )
    assert (features.donors(made, made.label, 3, "face") == np.arange(192)).all()


@pytest.mark.parametrize("dial", features.SWEPT)
def test_a_dial_spoils_what_it_says_and_where(made, dial):
    parts = features.thirds(made, 3)
    plain, spoilt = (
        features.jobs(made, 5, *turned, parts)[0] for turned in (("", 0.0), (dial, 0.6))
    )
    changed = {k: (getattr(plain, k) != getattr(spoilt, k)) for k in ("face", "sound", "told")}
    modality = {"face": "face", "voice": "sound"}.get(dial.split("_")[-1])
    learnt = np.isin(np.arange(192), plain.train)
    if dial == "complementarity":
        assert changed["sound"].any() and not changed["face"].any() and not changed["told"].any()
        return
    if dial == "label_noise":
        assert (
            changed["told"][learnt].mean() > 0.3
            and not changed["told"][~learnt].any()
            and not changed["face"].any()
        )
        return
    other = "sound" if modality == "face" else "face"
    assert (
        not changed["told"].any()
        and not changed[other].any()
        and changed[modality][learnt].mean() > 0.2
    )
    assert changed[modality][~learnt].any() == (not dial.startswith("mismatched"))
    gone = getattr(spoilt, modality) == made.blank
    assert gone.any() == dial.startswith("missing") and (spoilt.truth == made.label).all()


def test_folds_of_actors_cover_everybody_once(made):
    parts = features.thirds(made, 3)
    assert sorted(np.concatenate([p[2] for p in parts])) == list(range(192))
    for p in parts:
        people = [set(made.subject[k]) for k in p]
        assert (
            not people[0] & people[1]
            and not people[0] & people[2]
            and not people[1] & people[2]
            and all(people)
        )


def test_worlds_refuse_what_they_cannot_do(made):
    with pytest.raises(EmolibError, match="dial of a fusion world 'fuzz_fase'"):
        features.jobs(made, 0, "fuzz_fase", 0.5, [])
    with pytest.raises(EmolibError, match="expected 0 to 1"):
        features.jobs(made, 0, "fuzz_face", 1.5, [])
    with pytest.raises(EmolibError, match="no clip of class"):
        features.donors(made, np.full(192, 9), 0, "face")


# ---------------------------------------------------------------- real pairs, and half-real ones


@pytest.fixture(scope="module")
def vectors(made):
    """The same clips, each summed up in a row."""
    mean = {k: getattr(made, k).mean(1, keepdims=True) for k in ("face", "sound")}
    return dataclasses.replace(made, **mean)


def test_columns_of_sound_are_the_sound_and_all_others_the_face():
    columns = ("sound: pitch", "face: AU01", "score: anger")
    rows = np.arange(6.0).reshape(2, 3)
    meta = pd.DataFrame({"image": ["a", "b"], "intensity": [1, 2]})
    about = {"label": [0, 3], "subject": ["x", "y"], "split": ["", ""], "meta": meta}
    bank = features.summaries(
        TableSet(name="ravdess_av", source="real", features=rows, columns=columns, **about)
    )
    assert bank["sound"].tolist() == [[[0]], [[3]], [[0]]]
    assert bank["face"].tolist() == [[[1, 2]], [[4, 5]], [[0, 0]]]
    assert bank["label"].tolist() == [0, 1]


def test_summaries_are_scaled_by_the_training_clips_of_their_own_job(vectors):
    jobs = [split(vectors), dataclasses.replace(split(vectors), train=np.arange(40))]
    feed = features.Feed(vectors, jobs, features.OPTIONS["summaries"], 16)
    for k, job in enumerate(jobs):
        rows = torch.as_tensor(job.train)[None].repeat(2, 1)
        for x in feed.clips(rows, np.random.default_rng(0)):  # in training as in tests
            values = x[k, :, 0]
            assert values.mean(0).abs().max() < 1e-4 and (values.std(0) - 1).abs().max() < 1e-3
            assert torch.equal(x, feed.clips(rows)[0 if x.shape[-1] == 136 else 1])


@pytest.mark.parametrize("where", features.BROKEN)
def test_a_broken_pair_shows_another_emotion_of_the_same_actor(vectors, where):
    parts = features.thirds(vectors, 3)
    whole = features.broken(vectors, 0, where, 0.0, parts)
    for job, wrong in zip(whole, features.broken(vectors, 0, where, 0.5, parts), strict=True):
        for role, rows in enumerate((job.train, job.validation, job.test)):
            assert (job.face[rows] == rows + 192 * role).all()  # faces of the role's own part
            shown = wrong.face[rows] - 192 * role
            assert (vectors.subject[shown] == vectors.subject[rows]).all()
            other = vectors.label[shown] != vectors.label[rows]
            assert other.mean() == pytest.approx(0.5, abs=0.15) or not other.any()
            assert other.any() == (role == 0 or where == "in every clip")
        assert (wrong.sound == np.arange(192)).all() and (wrong.told == vectors.label).all()
    with pytest.raises(EmolibError, match="place of broken pairs 'in tests'"):
        features.broken(vectors, 0, "in tests", 0.5, parts)


def test_half_real_faces_show_the_emotion_and_come_from_their_part(monkeypatch):
    speech = worlds.ravdess(0, 2, modality="a")
    label, part = (v.ravel() for v in np.meshgrid(np.arange(7), np.arange(3)))
    images = np.broadcast_to((10 * label + part)[:, None, None], (21, 48, 48)).astype(np.uint8)
    faces = SimpleNamespace(images=images, label=label, split=np.array(features.PARTS)[part])
    monkeypatch.setattr(
        features.datasets, "resolve", lambda ref: {"speech": speech, "faces": faces}[ref]
    )
    seen = []
    monkeypatch.setattr(
        features.texture, "lbp", lambda x, _: seen.append(x[:, 0, 0]) or x[:, :20, 0].astype(float)
    )
    bank = features.half_real(data="speech", faces="faces", each=1, seed=0)
    count = len(bank["label"])
    assert count == 2 * 7 and len(bank["face"]) == 3 * count + 1
    emotion = np.tile(bank["label"], 3)  # calm is left out: codes are those of FER2013
    assert "calm" in EMOTIONS and (seen[0] // 10 == emotion).all()
    assert (seen[0] % 10 == np.repeat([0, 1, 2], count)).all()


def test_an_epoch_may_be_chosen_by_its_loss():
    """In the second epoch more are right, in the first the loss is lower."""
    people = (torch.tensor([[0, 1]]), torch.tensor([[0, 1]]), torch.ones(1, 2))
    first = torch.tensor([[[5.0, 0.0], [0.1, 0.0]]])
    second = torch.tensor([[[0.01, 0.0], [0.0, 0.01]]])
    for by_loss, chosen in ((True, first), (False, second)):
        said = iter([first, first, second, second])  # of those who decide, and of the tested
        judge = training.Judge(lambda rows: torch.stack([next(said)] * 3), {}, by_loss)
        judge.people = dict.fromkeys(("validation", "test"), people)
        judge()
        judge()
        assert torch.equal(judge.kept["scores"][JOINT], chosen)


def test_without_real_signals_a_line_says_which_sets_would_add_them():
    study = plan.Study("smoke")
    assert study.paired == () and study.half_real is None and study.decide == tuple(plan.SETS)
    for table, named in ((tables.pairs, "ravdess_av"), (tables.half_real, "fer2013")):
        made = table(study)
        assert made.frame.measured.isna().all() and made.sources == {}
        assert named in made.frame.iloc[0, 0]


def test_real_pairs_are_complementary_and_nobody_is_on_two_sides(real_data):
    if not datasets.at_hand("ravdess_av"):
        pytest.skip(f"NOT TESTED ON REAL DATA: no ravdess_av in {real_data}")
    study = plan.Study("smoke")
    bank = study.bank("ravdess_av")
    assert bank.face.shape == (361, 1, 42) and bank.sound.shape == (361, 1, 66)
    assert study.bank("ravdess_av+scores").face.shape == (361, 1, 56)
    right = {}
    for score in (FACE, SOUND, JOINT):
        cell = plan.Cell(tables.LOGISTIC, score=score)
        right[score] = tables.joined(tables.answers(study, "ravdess_av", cell)).accuracy["measured"]
    assert right[JOINT] > right[FACE] + 0.1 and right[JOINT] > right[SOUND] + 0.1, right
    assert min(right.values()) > 0.4


# ---------------------------------------------------------------- ways to fuse


@pytest.fixture(scope="module")
def fitted(made):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOLIB_DEVICE", "cpu")
        yield training.fit(made, [split(made), split(made, 1)], list(METHODS), HOW)


def test_every_way_learns_and_both_are_better_than_one(fitted, made):
    truth = made.label[split(made).test]
    right = {m: (r["scores"].argmax(-1) == truth).mean((1, 2)) for m, r in fitted.items()}
    assert set(fitted) == {*METHODS, LATE}
    assert right[ALONE][FACE] > 0.5 < right[ALONE][SOUND] and right[ALONE][JOINT] < 0.5
    assert all(v[JOINT] > 0.6 for m, v in right.items() if m != ALONE), right
    for r in fitted.values():
        assert (r["scores_as_printed"].argmax(-1) == truth).mean() >= (
            r["scores"].argmax(-1) == truth
        ).mean() - 1e-9
        assert r["loss"].shape == r["validation"].shape == (6, 2, 3) and r["features"].shape == (
            2,
            2,
            48,
            6,
        )


def test_a_way_does_not_depend_on_its_company(fitted, made):
    alone = training.fit(made, [split(made)], ["N0"], HOW)["N0"]
    assert np.allclose(alone["loss"][:, 0], fitted["N0"]["loss"][:, 0], atol=1e-3)


def test_folds_keep_their_names_and_the_curve_a_plateau_is_read_from(made, monkeypatch):
    job = split(made)
    people = {"train": job.train, "validation": job.validation, "test": job.test}
    parts = [SimpleNamespace(name=name, **people) for name in ("A1,2", "A3,4")]
    monkeypatch.setattr(training, "made", lambda clips: made)
    monkeypatch.setattr(training, "parts", lambda name, subject: parts)
    monkeypatch.setenv("EMOLIB_DEVICE", "cpu")
    how = asdict(HOW) | {"epochs": 2, "late": False}
    done = training.folds(clips={}, name="ravdess", seeds=[0, 1], methods=["N0"], recipe=how)
    assert done["fold"] == ["A1,2", "A3,4"] * 2 and list(done["seed"]) == [0, 0, 1, 1]
    assert done["results"]["N0"]["validation"].shape == (2, 4, 3)


def test_late_fusion_leaves_the_modalities_alone(fitted):
    alone, late = (fitted[m]["scores"] for m in (ALONE, LATE))
    assert np.allclose(
        late[:JOINT], alone[:JOINT], rtol=0.01
    )  # weights of side scores decay a little
    assert not np.allclose(late[JOINT], alone[JOINT], rtol=0.01)
    assert fitted[LATE]["loss"][-1, :, JOINT].mean() < fitted[LATE]["loss"][0, :, JOINT].mean()


def test_late_fusion_starts_from_what_the_first_epoch_learnt(made):
    """Where no later epoch is better: after one epoch, each branch is as that epoch left it."""
    jobs = [split(made)]
    feed = features.Feed(made, jobs, features.OPTIONS["VA+AO"], HOW.batch)
    net = training.stack(made, feed, design(METHODS[ALONE].design), HOW)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    watch = training.Watch(net, feed, [METHODS[ALONE].terms], [METHODS[ALONE]])
    watch.train(dataclasses.replace(HOW, epochs=1), ALONE)
    after = net.state_dict()
    assert all(torch.equal(watch.best[k], after[k]) for k in watch.best)
    assert any(not torch.equal(watch.best[k], before[k]) for k in watch.best)


def test_side_scores_that_watch_move_no_branch():
    x = torch.randn(2, 3, requires_grad=True)
    (gated(x, torch.tensor([[0.0], [0.5]])) * 2).sum().backward()
    assert (x.grad == torch.tensor([[0.0] * 3, [1.0] * 3])).all() and torch.equal(
        gated(x, torch.zeros(1)).detach(), x.detach()
    )


def test_blending_gives_more_to_what_overfits_less():
    curve = lambda first, last: np.linspace(first, last, 5)[:, None]  # noqa: E731

    def told(loss, validation):
        return {
            "loss": np.stack([curve(2, v) for v in loss], -1),
            "validation": np.stack([curve(2, v) for v in validation], -1),
        }

    alone, joint = told((1.0, 0.2, 1.0), (1.2, 1.2, 1.2)), told((1.0, 1.0, 0.6), (1.2, 1.2, 1.2))
    (weights,) = training.blended(alone, joint)
    assert sum(weights) == pytest.approx(3) and weights[FACE] > weights[JOINT] > weights[SOUND]


def test_options_change_what_they_say(made):
    feeds = {k: features.Feed(made, [split(made)], o, 8) for k, o in features.OPTIONS.items()}
    now = torch.arange(8)[None]
    still = [feeds["IA"].clips(now) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(*still, strict=True))
    assert feeds["VA+AO"].clips(now)[1].shape[2] > feeds["VA+WO"].clips(now)[1].shape[2] >= 1
    rng = np.random.default_rng(0)
    assert torch.equal(feeds["IA"].clips(now, rng)[1], still[0][1]) and not torch.equal(
        feeds["VA+WO"].clips(now, rng)[1], still[0][1]
    )


def test_methods_are_fed_alike(made):
    jobs = [split(made), split(made)]
    one, three = (
        features.Feed(made, jobs, features.OPTIONS["VA+AO"], 8, times) for times in (1, 3)
    )
    for a, b in zip(one.batches(1), three.batches(1), strict=True):
        assert all(torch.equal(torch.cat([x, x, x]), y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("aggregator", ["LSTM", "BiLSTM", "transformer average"])
def test_aggregators_of_a_stack_keep_members_apart(aggregator):
    net = Stack([0, 1], (5, 4), 3, design("N2"), hidden=4, aggregator=aggregator).eval()
    x = [torch.randn(2, 6, 3, 5), torch.randn(2, 6, 2, 4)]
    before = net(x)[1]
    x[0][1] += 1
    after = net(x)[1]
    assert torch.equal(before[0], after[0]) and not torch.allclose(before[1], after[1])


def test_misspelt_ways_are_named(made):
    with pytest.raises(EmolibError, match="way to fuse 'N3'"):
        training.fit(made, [split(made)], ["N3"], HOW)
    with pytest.raises(EmolibError, match="profile 'quik'"):
        plan.Study("quik")


# ---------------------------------------------------------------- from pictures and spectrograms


def test_networks_learn_end_to_end(monkeypatch):
    judges = []

    class Kept(training.Judge):
        def __init__(self, *given):
            super().__init__(*given)
            judges.append(self)

    monkeypatch.setattr(training, "Judge", Kept)
    data = plan.simulated("crema_d", 9, size=32)
    size = training.Size(
        each=1, width=2, frames=1, side=32, hop_length=512, pool=8, epochs=2, rate=2e-3
    )
    how = {"option": "VA+AO", "aggregator": "average", "start": None, "size": asdict(size)}
    about = {"data": reference(data), "name": "crema_d", "fold": "S1", "seed": 0}
    results = [training.end_to_end(**about, method=m, **how) for m in (ALONE, "N0")]
    for r in results:
        assert r["scores"].shape == r["scores_as_printed"].shape == (3, len(r["clips"]), 6)
        assert r["validation"].shape == (2,) and np.isfinite(r["scores"]).all()
    alone, n0 = (r["scores"] for r in results)
    assert (n0[FACE] == n0[JOINT]).all() and not np.allclose(alone[FACE], alone[JOINT])
    # the rate follows the scores that learn: of 'alone' not the joint one, whose loss counts nothing
    for result, judge, decide in zip(results, (judges[0], judges[2]), ([FACE, SOUND], [JOINT])):
        followed = np.stack(judge.validation)[:, 0, decide].mean(1)
        assert np.allclose(result["validation"], followed)
    with pytest.raises(EmolibError, match="way to fuse end to end 'N3'"):
        training.end_to_end(**about, method="N3", **how)


# ---------------------------------------------------------------- tests over folds


@given(st.lists(st.floats(-5, 5), min_size=3, max_size=12, unique=True))
def test_without_shared_training_it_is_the_plain_t_test(gaps):
    if np.ptp(gaps) < 1e-3:
        return
    mean, low, high, p = metrics.corrected_t(gaps, 0, 10)
    plain = stats.ttest_1samp(gaps, 0)
    assert p == pytest.approx(plain.pvalue, abs=1e-9) and (low, high) == pytest.approx(
        tuple(plain.confidence_interval()), abs=1e-9
    )
    wide = metrics.corrected_t(gaps, 1, 10)
    assert wide[0] == mean and wide[3] >= p and wide[1] < low and wide[2] > high


def test_the_correction_is_nadeau_and_bengio():
    """Ten folds, a tenth tested: the variance is 1/10 + 1/9 instead of 1/10."""
    gaps = np.arange(10.0)
    mean, low, _, p = metrics.corrected_t(gaps, 10, 90)
    t = 4.5 / np.sqrt((0.1 + 1 / 9) * gaps.var(ddof=1))
    assert p == pytest.approx(2 * stats.t.sf(t, 9)) and low == pytest.approx(
        4.5 - stats.t.ppf(0.975, 9) * 4.5 / t
    )
    assert np.isnan(metrics.corrected_t([1.0], 1, 9)[3]) and np.isnan(
        metrics.corrected_t([1.0, 1.0], 1, 9)[3]
    )


def test_printed_cells_are_tested_alike_and_badged_as_print(monkeypatch, made):
    """Also N0 less each modality; and what our own folds hold changes nothing in them."""
    study, folds = plan.Study("smoke"), {"ravdess": 12, "crema_d": 9}
    monkeypatch.setattr(features, "parts", lambda name, subject: [split(made)])
    monkeypatch.setattr(plan.Study, "bank", lambda self, name: made)
    monkeypatch.setattr(
        tables, "by_fold", lambda study, name, cell: pd.Series(np.zeros(folds[name]))
    )
    monkeypatch.setattr(tables, "settled", lambda study: frozenset())
    monkeypatch.setattr(plan.Study, "sources", ())
    frame = tables.tests.__wrapped__(study).frame
    said = frame[(frame.protocol == "print") & (frame.metric == "difference")]
    assert set(said.source) == {"print"} and not frame[frame.protocol != "print"].source.any()
    pairs = said[said.dataset == "RAVDESS"].set_index("difference")
    assert set(pairs.index) == set(tables.FAMILIES["ravdess"]) - {
        "N2, transformer - LSTM",
        "N0, overlap - none",
    }
    cells = tables.printed_cells("ravdess")
    gap = cells["N0 (end-to-end)"] - cells["Visual Modality, T"]
    row = pairs.loc["N0 - picture alone"]
    assert row.measured == pytest.approx(gap.mean())
    assert (row.low, row.high) == pytest.approx(metrics.corrected_t(gap, 2, 22)[1:3])


def test_rows_may_bring_their_own_badge():
    frame = pd.DataFrame(
        {"k": ["a", "b"], "metric": "m", "measured": [1.0, 2.0], "source": ["real", None]}
    )
    made = report.beside_print(
        "chang2021-x50",
        Outcome(frame, "smoke", {"ravdess": {"source": "simulated", "fingerprint": ""}}),
    )
    assert list(made.source) == ["real", "simulated"]


# ---------------------------------------------------------------- claims


def test_each_claim_beyond_print_has_a_rule():
    known = papers.claims()
    mine = known[(known.notebook == "44") & (known.needs != "print")]
    assert set(claims.claim.rules) == set(mine.id)


def at_hand(monkeypatch, simulated=()):
    """Both sets are real, but those named are not."""

    def clips(self, name):
        source = "simulated" if name in simulated else "real"
        return SimpleNamespace(name=name, source=source, fingerprint="")

    monkeypatch.setattr(plan.Study, "clips", clips)


@pytest.fixture
def study(made, monkeypatch):
    """A study whose clips are `made` on both sets, and where N2 says of every clip what is true."""
    monkeypatch.setattr(plan.Study, "bank", lambda self, name: made)
    folds = [
        SimpleNamespace(
            name=f"A{k}",
            train=np.arange(96),
            validation=np.arange(72, 96),
            test=np.arange(96 + 24 * k, 120 + 24 * k),
        )
        for k in range(4)
    ]
    monkeypatch.setattr(features, "parts", lambda name, subject: folds)
    at_hand(monkeypatch)
    truth = np.stack([np.eye(4)[made.label[fold.test]] for fold in folds])
    scores = np.stack([truth] * 3)
    falling = np.repeat(np.linspace(2, 1, 10), 4 * 3).reshape(10, 4, 3)
    settles = np.repeat(np.r_[np.linspace(2, 1, 5), [1.0] * 5], 4 * 3).reshape(10, 4, 3)
    right = {"scores": scores, "scores_as_printed": scores, "validation": settles}
    wrong = right | {"scores": np.roll(scores, 1, -1), "validation": falling}
    stack = {
        "fold": [fold.name for fold in folds],
        "count": [24] * 4,
        "tested": [fold.test for fold in folds],
    }
    made_stack = stack | {
        "results": {"N2": right} | dict.fromkeys(["N0", "N1", LATE, ALONE, *plan.CONTROLS], wrong)
    }
    stacks = {
        (name, option, aggregator): made_stack
        for name in plan.SETS
        for option in ("VA+AO", "IA", "VA+WO")
        for aggregator in (plan.LSTM, plan.TRANSFORMER)
    }
    monkeypatch.setattr(plan.Study, "stacks", stacks)
    monkeypatch.setattr(plan.Study, "end_to_end", False)
    monkeypatch.setattr(plan.Study, "classes", lambda self, name: tuple("abcd"))
    return plan.Study("smoke")


def test_what_a_network_has_shown(study, made, monkeypatch):
    """Right answers that have settled, and wrong ones that still improve; people are actors."""
    n2 = claims.standing(study, tables.N2_ROW, "ravdess crema_d")
    assert n2.low == 1 and n2.flat and n2.trivial == pytest.approx(0.25)
    assert n2.people == len(np.unique(made.subject[96:])) and n2.family == 14
    assert n2.stock == (tables.RIDGE.method,) and "features rest" in n2.smaller
    assert n2.name.endswith("on RAVDESS")  # six people in a family of 14 fail there
    n0 = claims.standing(study, tables.N0_ROW, "ravdess crema_d")
    assert n0.name.endswith("on RAVDESS")  # the first set on which it fails a gate
    n0 = claims.standing(study, tables.N0_ROW, "crema_d")
    assert n0.low < n0.trivial and not n0.flat and n0.family == 11
    monkeypatch.setattr(claims, "FAMILIES", {"ravdess": ["one"], "crema_d": ["one"]})
    n2 = claims.standing(plan.Study("smoke"), tables.N2_ROW, "ravdess crema_d")
    assert n2.name.endswith("on RAVDESS and Crema-d")


def test_the_stock_method_learns_what_is_plain(study):
    right = [part.right.mean() for part in tables.answers(study, "ravdess", tables.RIDGE).values()]
    assert len(right) == 4 and min(right) > 0.6


GATES = {
    "trivial": {"low": 0.1},
    "plateau": {"flat": False},
    "people": {"people": 6},
    "stock": {"stock": ()},
    "size": {"smaller": "without the printed extractors"},
}


def test_real_people_decide_once_every_gate_is_passed(study, monkeypatch):
    """N2 is right where all others are wrong: never worse, and no six points; then gates close."""
    passed = dict(low=0.5, trivial=0.14, flat=True, people=24, stock=("ridge",), family=14)

    def judged(claim, **worse):
        stands = lambda study, name, trained: Standing(name, **passed | worse)  # noqa: E731
        monkeypatch.setattr(claims.claim, "standing", stands)
        return claims.claim._verdict(study, claim, "ravdess crema_d", "")

    assert judged("chang-d5").outcome == "replicated"
    assert judged("chang-d5_3").gate == "interval"  # of luck nothing is decided
    assert judged("chang-d2_2").outcome == "not replicated"  # 100 % and not 83.15
    for gate, worse in GATES.items():
        assert judged("chang-d2_2", **worse).gate == gate
        assert judged("chang-d5", **worse).gate == ("" if gate == "size" else gate)
    at_hand(monkeypatch, simulated=("ravdess",))
    assert judged("chang-d5").outcome == "needs the real set"
    assert judged("chang-d2_2").outcome == "not replicated"  # rests on CREMA-D alone


def test_real_pairs_decide_an_ordering_where_films_are_simulated(study, monkeypatch):
    """N2 is right where all others are wrong: so it is on real pairs; a level waits for films."""
    passed = dict(low=0.5, trivial=0.14, flat=True, people=24, stock=("logistic",), family=14)
    monkeypatch.setattr(
        claims.claim, "standing", lambda study, name, trained: Standing(name, **passed)
    )
    at_hand(monkeypatch, simulated=plan.SETS)
    needs = papers.claims().set_index("id").needs
    judged = lambda claim: claims.claim._verdict(  # noqa: E731
        plan.Study("smoke"), claim, needs[claim], ""
    )
    assert judged("chang-d5").outcome == "needs the real set"
    stack = study.stacks["ravdess", "VA+AO", plan.LSTM]
    stacks = {(name, "summaries", "average"): stack for name in plan.PAIRED} | study.stacks
    monkeypatch.setattr(plan.Study, "stacks", stacks)
    monkeypatch.setattr(plan.Study, "paired", tuple(plan.PAIRED))
    ordered = judged("chang-d5")
    assert (ordered.outcome, ordered.source) == ("replicated", "real")
    assert "RAVDESS summaries" in ordered.because and "Crema-d" not in ordered.because
    assert judged("chang-d7").outcome == judged("chang-d9").outcome == "needs the real set"
    alike = dict.fromkeys(stack["results"], stack["results"]["N2"])
    monkeypatch.setattr(plan.Study, "stacks", dict.fromkeys(stacks, stack | {"results": alike}))
    assert judged("chang-d6").outcome == "not strong enough"  # nobody is ahead of anybody


def test_ways_on_real_pairs_stand_beside_stock_methods(study, monkeypatch):
    stack = study.stacks["ravdess", "VA+AO", plan.LSTM]
    stacks = {(name, "summaries", "average"): stack for name in plan.PAIRED} | study.stacks
    monkeypatch.setattr(plan.Study, "stacks", stacks)
    monkeypatch.setattr(plan.Study, "paired", tuple(plan.PAIRED))
    frame = tables.pairs(plan.Study("smoke")).frame.set_index("way")
    assert set(frame.source) == {"real"} and set(frame.pairs) == set(plan.PAIRED.values())
    nested = frame[(frame.protocol == plan.NESTED) & (frame.metric == "accuracy")].measured
    assert (nested["N2"] == 100).all() and (nested["N0"] < 50).all()
    assert (nested[tables.COMMONEST] < 50).all() and (nested["linear SVM, both"] > 50).all()
    assert "N2 is not below logistic regression on both" in frame.index


# ---------------------------------------------------------------- the notebook at its smallest


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    return run_notebook("44", tmp_path_factory.mktemp("mrpn"))


@pytest.mark.slow
def test_the_notebook_writes_everything_it_owns(smoke):
    known = papers.everything()
    for row in known[known.notebook == "44"].itertuples():
        about = json.loads((smoke / f"{row.kind}s" / f"{row.id}.json").read_text())
        frame = pd.read_csv(smoke / f"{row.kind}s" / f"{row.id}.csv")
        assert len(frame) and about["profile"] == "smoke"
        assert "real" not in set(frame.get("source", pd.Series(dtype=str)))


@pytest.mark.slow
def test_two_ways_to_fuse_wait_in_the_explorer(smoke):
    from emolib.reproduction import explore

    stored = explore.load(next(smoke.rglob("explore/fusion.json")))
    assert (
        [m.name for m in stored.models] == ["N0", "N2"]
        and len(stored) > 0
        and set(stored.fold) != {-1}
    )


@pytest.mark.slow
def test_every_printed_cell_and_both_readings_are_there(smoke):
    for id, fold in (
        ("chang2021-t5_1", "actors"),
        ("chang2021-t5_2", "actors"),
        ("chang2021-t5_3", "split"),
    ):
        frame = pd.read_csv(smoke / "tables" / f"{id}.csv")
        assert frame.printed.notna().sum() >= len(papers.published(id))
        said = frame[
            frame.protocol.str.startswith("features at rest", na=False)
            & (frame.metric == "accuracy")
        ]
        means = said[(said[fold] == "mean of all folds") & (said.iloc[:, 0] != tables.RIDGE.method)]
        nested, printed = (
            means[means.protocol.str.endswith(k)].measured.mean()
            for k in ("nested", "(as printed)")
        )
        assert printed >= nested and set(said.verdict.dropna()) <= {"not strong enough"}
        if "model" in frame:  # where features rest, no row of ours goes by a name of print
            stock = frame.model == tables.RIDGE.method
            at_rest = frame.model.str.contains("on resting features") | stock
            assert frame.measured.notna().equals(at_rest) and frame.printed.isna().equals(at_rest)


@pytest.mark.slow
def test_verdicts_of_the_notebook(smoke):
    frame = pd.read_csv(smoke / "claims.csv", dtype=str, keep_default_na=False)
    mine = frame[frame.notebook == "44"].set_index("id")
    assert len(mine) == 27 and (mine.because != "").all()
    for claim in ("chang-d41", "chang-f14"):
        assert mine.outcome[claim] == "not replicated" and mine.source[claim] == "counted"
    assert "527,360" in mine.because["chang-d41"]
    assert set(mine.outcome[mine.needs == "print"]) == {"arithmetic only"}
    sets = mine.needs.isin(["ravdess", "crema_d", "ravdess crema_d", "ravdess crema_d|ravdess_av"])
    assert sets.sum() == 13 and set(mine.outcome[sets]) == {"needs the real set"}


@pytest.mark.slow
def test_a_stock_method_and_what_a_family_can_reach_are_in_the_tables(smoke):
    for table in ("t5_1", "t5_2", "t5_3", "t5_4"):
        frame = pd.read_csv(smoke / "tables" / f"chang2021-{table}.csv")
        text = frame[frame.columns[0]].astype(str)
        assert (text == tables.RIDGE.method).any(), table
    tests = pd.read_csv(smoke / "tables" / "chang2021-x50.csv")
    reach = tests[tests.metric == "smallest p possible (Holm)"].groupby("dataset").measured.max()
    assert reach["RAVDESS"] == pytest.approx(14 * 2.0**-5, abs=1e-6)
    assert reach["Crema-d"] == pytest.approx(11 * 2.0**-8, abs=1e-6)
    effect = tests[tests.metric == "smallest effect detectable"]
    assert len(effect) == 25 and (effect.measured.dropna() > 0).all()


@pytest.mark.slow
def test_counts_are_those_of_print(smoke):
    frame = pd.read_csv(smoke / "tables" / "chang2021-x51.csv").pivot(
        index="network", columns="metric", values="measured"
    )
    assert list(frame.loc[["N0", "N1", "N2"], "parameters in training"]) == [
        26_818_312,
        26_826_520,
        27_353_880,
    ]
    assert (
        frame.loc["N0", "multiply-adds at inference"]
        == frame.loc["N1", "multiply-adds at inference"]
    )
