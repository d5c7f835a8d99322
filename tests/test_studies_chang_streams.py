"""Notebooks 42 and 43: what goes into the networks on films and voices, what is read off them, and both notebooks at their smallest."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sim_files
import torch
from conftest import run_notebook
from hypothesis import given
from hypothesis import strategies as st

from emolib import data as datasets
from emolib import metrics
from emolib.data import splits
from emolib.data.files import Damaged
from emolib.data.sim import clip_sets, worlds
from emolib.features import mel, speaker, spectra
from emolib.ground.containers import TableSet
from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import files as results
from emolib.reproduction.studies.speech import claims as speech_claims
from emolib.reproduction.studies.speech import plan, tables
from emolib.reproduction.studies.speech import training as speech_training
from emolib.reproduction.studies.video import claims as video_claims
from emolib.reproduction.studies.video import plan as video_plan
from emolib.reproduction.studies.video import tables as video_tables
from emolib.reproduction.studies.video import training as video_training

FAST = {"hop_length": 512, "pool": 16, "seconds": 1.0}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def world():
    """Four simulated actors, all clips; what the studies know by a reference is this."""
    return datasets.load("ravdess", source="simulated", modality="a", profile="smoke")


# ---------------------------------------------------------------- segments


@given(
    frames=st.lists(st.integers(31, 200), min_size=1, max_size=6),
    step=st.integers(1, 40),
    seed=st.integers(0, 99),
    chance=st.booleans(),
)
def test_segments_lie_inside_their_clip(frames, step, seed, chance):
    at, count = spectra.starts(
        np.array(frames), 31, step, np.random.default_rng(seed) if chance else None
    )
    assert at.shape == (len(frames), count.max()) and (count >= 1).all() and (at >= 0).all()
    for clip, (first, n) in enumerate(zip(at, count, strict=True)):
        assert (
            first.max() + 31 <= frames[clip]
            and (np.diff(first[:n]) == step).all()
            and (first[n:] == first[n - 1]).all()
        )
        assert (
            first[0] < step and frames[clip] - (first[n - 1] + 31) < step
        )  # nothing more would fit
        if not chance:
            assert first[0] == 0


def test_segments_in_order_are_those_of_the_figure():
    whole = np.arange(3 * 700.0).reshape(3, 700)
    at, count = spectra.starts(np.array([700]), 250, 125)
    np.testing.assert_array_equal(
        np.stack([whole[:, f : f + 250] for f in at[0, : count[0]]]), mel.segments(whole, 1.0, 0.5)
    )


def test_random_slicing_moves_and_order_does_not():
    drawn = [
        spectra.starts(np.full(50, 300), 100, 50, np.random.default_rng(s))[0][:, 0]
        for s in (1, 1, 2)
    ]
    assert (drawn[0] == drawn[1]).all() and (drawn[0] != drawn[2]).any() and len(set(drawn[0])) > 20
    with pytest.raises(EmolibError, match="shorter than a segment"):
        spectra.starts(np.array([99]), 100, 50)


def test_spectrograms_are_kept_and_equal_what_makes_them(world, monkeypatch):
    few = world.select(np.arange(0, 240, 60))
    made = spectra.spectra(few, hop_length=256, pool=4)
    first = mel.log_spectrogram(few.waveform[1](), hop_length=256)
    mine = made.decibels[made.first[1] : made.first[1] + made.frames[1]]
    np.testing.assert_allclose(mine[:, 3], first[12:16].mean(0), atol=0.05)
    assert (
        made.per_second == 62.5
        and mine.shape == (first.shape[1], 64)
        and made.decibels.dtype == np.float16
    )
    monkeypatch.setattr(spectra, "pooled", lambda *_: pytest.fail("made again"))
    np.testing.assert_array_equal(
        spectra.spectra(few, hop_length=256, pool=4).decibels, made.decibels
    )


@pytest.mark.parametrize("hop", [32, 64, 128, 256])
def test_every_hop_gives_whole_frames_of_the_same_sound(hop):
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    found = mel.log_spectrogram(tone, hop_length=hop)
    assert found.shape == (257, 16_000 // hop) and (found[:, 4:-4].argmax(0) == 32).all()
    with pytest.raises(EmolibError, match="even number"):
        mel.log_spectrogram(tone, hop_length=33)


def clips_of(world, **more):
    n = 16
    made = spectra.spectra(world.select(np.arange(n)), hop_length=512, pool=16)
    rows = torch.as_tensor(made.decibels)
    return speech_training.Sounds(
        rows,
        torch.zeros(n),
        rows.float().mean(0),
        rows.float().std(0),
        made.first,
        made.frames,
        31,
        15,
    )


def test_batches_hold_the_clips_they_say(world):
    clips = clips_of(world)
    x, count = clips.segments(np.array([3, 5]))
    assert x.shape == (2, int(count.max()), 1, 16, 31)
    row = clips.first[5] + 15  # second segment of the second clip
    expected = (clips.decibels[row : row + 31].float() - clips.mean) / clips.spread
    torch.testing.assert_close(x[1, 1, 0], expected.T)


def test_masks_blank_bands_and_spans_and_nothing_else():
    x = torch.randn(3, 4, 24, 40)
    y = speech_training.masked(x, np.random.default_rng(0))
    hidden = y == 0
    assert (y[~hidden] == x[~hidden]).all() and 0.02 < hidden.float().mean() < 0.45
    rows, columns = hidden.all(3), hidden.all(2)  # whole bands, whole spans
    assert (
        torch.equal(hidden, rows[..., None] | columns[:, :, None])
        and rows.sum(2).max() <= 2 * 3
        and columns.sum(2).max() <= 2 * 5
    )
    assert len({tuple(r.tolist()) for r in rows.flatten(0, 1)}) > 3  # every segment has its own


def test_the_same_epoch_has_the_same_batches_and_t_differs_from_nt(world):
    clips, label = clips_of(world), torch.arange(16) % 8
    t, again, nt = (
        list(speech_training.batches(clips, np.arange(15), label, 3, 7, slicing, False)(1))
        for slicing in (True, True, False)
    )
    assert len(t) == 2 and all(torch.equal(a[0], b[0]) for a, b in zip(t, again, strict=True))
    assert [y.tolist() for *_, y in t] == [
        y.tolist() for *_, y in nt
    ]  # the same clips in the same order
    shared = min(t[0][0].shape[1], nt[0][0].shape[1])
    assert not torch.equal(t[0][0][:, :shared], nt[0][0][:, :shared])


# ---------------------------------------------------------------- folds


def test_every_actor_is_tested_once_and_never_decides_on_itself(world):
    seen = []
    for fold in ("A1,2", "A3,4"):
        split = speech_training.split_of(world, speech_training.PAIRS, fold)
        people = [set(world.subject[part]) for part in (split.train, split.validation, split.test)]
        assert (
            not split.leaky
            and not people[0] & people[1]
            and not people[2] & (people[0] | people[1])
        )
        seen += sorted(people[2])
    assert seen == ["Actor_01", "Actor_02", "Actor_03", "Actor_04"]


def test_the_leaking_split_leaks_and_says_so(world):
    split = speech_training.split_of(world, speech_training.RANDOM, "2")
    assert split.leaky and set(world.subject[split.test]) <= set(world.subject[split.train])
    with pytest.raises(EmolibError, match="fold of ravdess-12x2"):
        speech_training.split_of(world, speech_training.PAIRS, "A1,3")


def test_a_share_of_the_clips_has_every_actor_and_emotion(world):
    few = speech_training.chosen(world, 2)
    assert len(few) == 4 * 8 * 2 and (pd.Series(few.subject).value_counts() == 16).all()
    assert speech_training.chosen(world, None) is world
    assert sorted(set(speech_training.codes(world))) == list(range(8))


# ---------------------------------------------------------------- a training


def arguments(world, **more):
    common = {
        "data": datasets.reference(world),
        "protocol": speech_training.PAIRS,
        "fold": "A1,2",
        "seed": 0,
        "slicing": True,
        "masks": True,
        "level": True,
        "start": None,
        "width": 2,
        "each": 2,
        **FAST,
        "overlap": 0.0,
        "epochs": 2,
        "rate": 3e-3,
        "batch": 8,
        "plateau": 3,
        "patience": 9,
    }
    json.dumps(common)
    return common | more


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"CACHE": tmp_path_factory.mktemp("speech"), "DEVICE": "cpu"}.items():
            patch.setenv(f"EMOLIB_{name}", str(value))
        one, again = (speech_training.run(**arguments(world)) for _ in range(2))
    return one, again


def test_a_training_repeats_and_keeps_both_epochs(trained):
    one, again = trained
    assert all(np.array_equal(one[k], again[k]) for k in one)
    assert (
        one["scores"].shape == (32, 8)
        and one["features"].shape == (32, 16)
        and len(one["right"]) == len(one["loss"]) == 2
    )
    truth = np.array([int(name.split("-")[2]) - 1 for name in one["clips"]])
    assert (one["scores_as_printed"].argmax(1) == truth).mean() == one[
        "right"
    ].max()  # nobody chooses better than the test itself
    assert (one["scores"].argmax(1) == truth).mean() == one["right"][one["best_epoch"]]
    assert one["validation_right"][one["best_epoch"]] == one["validation_right"].max()


def test_the_tested_clips_take_no_part_in_the_scaling(world, monkeypatch):
    split = speech_training.split_of(
        speech_training.chosen(world, 2), speech_training.PAIRS, "A1,2"
    )
    _, clips = speech_training.sounds(
        datasets.reference(world), split.train, each=2, **FAST, overlap=0.0
    )
    rows = np.concatenate(
        [np.arange(clips.first[i], clips.first[i] + clips.frames[i], 8) for i in split.train]
    )
    torch.testing.assert_close(clips.mean, clips.decibels[torch.as_tensor(rows)].float().mean(0))


@pytest.mark.parametrize("gain", [-20, 20])
def test_without_level_a_louder_clip_is_the_same_input(world, monkeypatch, gain):
    some, train = world.select(np.arange(6)), np.arange(4)
    given = []
    for times in (1, 10 ** (gain / 20)):
        louder = [lambda w=w, k=times: np.float32(k) * w() for w in some.waveform]
        content = np.array([f"{k} {times}" for k in range(6)])
        data = dataclasses.replace(some, waveform=louder, content=content)
        monkeypatch.setattr(speech_training.datasets, "resolve", lambda ref, data=data: data)
        for level in (True, False):
            speech_training._on_device.cache_clear()
            _, clips = speech_training.sounds(
                f"{times}", train, each=None, **FAST, overlap=0.0, level=level
            )
            given.append(clips.segments(np.arange(4, 6))[0] * clips.spread[:, None])  # decibels
            given[-1] = given[-1] + clips.mean[:, None]
    speech_training._on_device.cache_clear()
    kept, free, kept_louder, free_louder = given
    assert (kept_louder - kept).median().item() == pytest.approx(gain, abs=0.2)
    assert (free_louder - free).abs().max() < 0.2  # kept in float16


def test_a_source_task_hands_on_its_extractor(world):
    crowd = datasets.load("speakers", source="simulated", profile="smoke", each=5)
    source = {
        "data": datasets.reference(crowd),
        "seed": 0,
        "width": 2,
        **FAST,
        "epochs": 1,
        "rate": 1e-3,
        "batch": 8,
    }
    made = speech_training.identify(**source)
    assert made["chance"] == 1 / 6 and len(made["right"]) == 1
    kept = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            speech_training, "load_extractor", lambda stream, weights: kept.update(weights)
        )
        speech_training.run(**arguments(world, start=source, epochs=1))
    assert all(np.array_equal(kept[k].numpy(), v) for k, v in made["weights"].items())
    with pytest.raises(EmolibError, match="at least five clips"):
        speech_training.identify(
            **source
            | {
                "data": datasets.reference(
                    datasets.load("speakers", source="simulated", profile="smoke")
                )
            }
        )


# ---------------------------------------------------------------- what others made of voices


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """A file of weights as the package has it, with numbers of no meaning, where imports look."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = speaker.SpeakerEncoder().state_dict()
    state |= {"similarity_weight": torch.ones(1), "similarity_bias": torch.zeros(1)}
    package = tmp_path / speaker.PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('never imported')")
    torch.save({"step": 1, "model_state": state}, package / speaker.FILE)
    monkeypatch.syspath_prepend(tmp_path)
    return package / speaker.FILE


def test_the_weights_of_a_speaker_encoder_are_found_without_its_code(encoder, world):
    assert speaker.weights() == encoder
    net, waves = speaker.load(encoder), [w() for w in world.waveform[:3]]
    made = speaker.embedded(net, waves, 16_000)
    assert made.shape == (3, 256) and np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    faint = [wave * np.float32(1e-3 / np.abs(wave).max()) for wave in waves]
    fainter = [wave / 2 for wave in faint]  # both are raised to the same level
    a, b = (speaker.windows(some[0]) for some in (faint, fainter))
    assert np.allclose(a, b, rtol=1e-2) and not np.allclose(made[0], made[1], atol=1e-4)
    data = datasets.reference(world)
    how = {"data": data, "each": 1, "weights": speaker.fingerprint(encoder)}
    r = speech_training.embeddings(subject=str(world.subject[0]), **how)
    assert r["features"].shape == (8, 256) and len(set(r["clips"])) == 8
    with pytest.raises(EmolibError, match="start again"):
        speech_training.embeddings(subject="Actor_01", **how | {"weights": "other"})
    with pytest.raises(EmolibError, match="expected 16000"):
        speaker.embedded(net, waves, 8_000)
    encoder.write_bytes(b"cut short")
    with pytest.raises(Damaged, match="install it anew"):
        speaker.load(encoder)


def test_a_recording_is_heard_in_windows_without_its_silent_ends():
    rng, rate = np.random.default_rng(0), speaker.RATE
    sound = rng.normal(0, 0.1, 3 * rate).astype(np.float32)
    inside = speaker.windows(sound)
    assert inside.shape == (3, 160, 40)  # 301 frames: at 0, 77 and 154
    silent = np.zeros(2 * rate, np.float32)
    assert len(speaker.windows(np.r_[silent, sound, silent])) == 3
    assert speaker.windows(sound[: rate // 2]).shape == (1, 160, 40)
    assert np.isfinite(speaker.windows(silent)).all()


def test_stock_classifiers_answer_for_every_row_of_unseen_actors(monkeypatch):
    rng, label = np.random.default_rng(0), np.tile(np.arange(6), 36)
    subject = np.repeat(np.arange(1001, 1037), 6).astype(str)
    about = {"label": label, "subject": subject, "split": [""] * 216}
    table = {
        "features": rng.normal(size=(216, 6)) + 4 * np.eye(6)[label],
        "columns": tuple("abcdef"),
    }
    data = TableSet(name="crema_d_features", source="real", **table, **about)
    monkeypatch.setattr(speech_training.datasets, "resolve", lambda ref: data)
    for machine in speech_training.MACHINES:
        r = speech_training.stock(data="", each=None, protocol="crema_d-9", machine=machine)
        assert sorted(r["subject"]) == sorted(subject) and (r["said"] == r["truth"]).mean() > 0.9
        assert len(set(r["fold"])) == 9


def test_people_stand_beside_no_classifier_where_there_are_no_features():
    frame = tables.crema(plan.Study("smoke")).frame
    assert "crema_d_features in the data folder" in frame.row[0] and np.isnan(frame.measured[0])
    assert frame.measured[1] == pytest.approx(63.6) and frame.source[1] == "print"


# ---------------------------------------------------------------- plans


def test_every_pair_of_table_5_1_is_planned_with_and_without_slicing(monkeypatch):
    everybody = worlds.ravdess(0, 24, modality="a")
    monkeypatch.setattr(plan.datasets, "load", lambda name, **_: everybody)
    for profile in ("quick", "overnight", "full"):
        grid = plan.Study(profile).plan
        main = [
            (way.slicing, fold)
            for way, fold, seed in grid
            if way == plan.Way(way.slicing) and seed == 0
        ]
        assert sorted(main) == sorted((s, f) for s in ("NT", "T") for f in plan.printed("T"))
        json.dumps(list(grid.values()))
    assert np.mean(list(plan.printed("NT").values())) == pytest.approx(59.18, abs=0.01)
    assert np.mean(list(plan.printed("T").values())) == pytest.approx(69.34, abs=0.01)


def test_full_is_printed_width():
    narrow = plan.Study("quick")
    assert narrow.sizes.narrow and narrow.label("from scratch") == "narrow, from scratch"
    full = plan.Study("full").sizes
    assert (full.width, full.hop_length, full.pool, full.rate, full.plateau) == (
        64,
        64,
        1,
        5e-5,
        10,
    ) and not full.narrow
    with pytest.raises(EmolibError, match="profile"):
        plan.Study("fulll")


def test_simulated_speakers_are_never_behind_the_main_rows(monkeypatch):
    for voices, rows, first in (
        ("real", "real", plan.SPEAKERS),
        ("simulated", "real", plan.SCRATCH),
        ("real", "simulated", plan.SCRATCH),
    ):
        sources = {"speakers": voices, "ravdess": rows}
        monkeypatch.setattr(
            plan.datasets, "load", lambda name, s=sources, **_: SimpleNamespace(source=s[name])
        )
        assert plan.Study("quick").start == first


# ---------------------------------------------------------------- what is read off


def test_measures_by_hand():
    clips = pd.DataFrame(
        {"truth": [0, 0, 0, 1], "right": [1.0, 1.0, 1.0, 0.0], "subject": list("aabb")}
    )
    found = {r["metric"]: r for r in tables.measures(plan.Study("smoke"), clips)}
    assert found["accuracy"]["measured"] == 75 and found["balanced accuracy"]["measured"] == 50
    assert found["accuracy"]["low"] == 50 and found["accuracy"]["high"] == 100


def test_two_people_can_say_little():
    two, many = np.repeat(["a", "b"], 50), np.repeat(np.arange(24), 5)
    few = metrics.difference(np.ones(100), two, test="floored bootstrap", draws=200)
    assert few["measured"] == 1 and few["p"] == 0.5
    gap = np.ones(120) + 0.1 * np.arange(120)
    assert metrics.difference(gap, many, test="floored bootstrap", draws=200)["p"] < 0.05
    rows = metrics.with_holm(
        [
            {"metric": "difference in x", "p": 0.02, "measured": 1.0},
            {"metric": "difference in x", "p": 0.04, "measured": 2.0},
        ]
    )
    assert [r["measured"] for r in rows if r["metric"].startswith("p, Holm")] == [
        0.04,
        0.04,
    ] and not any("p" in r for r in rows)


def test_flicker_counts_changes():
    named = np.array([[0, 0, 0, 0], [0, 1, 0, 1], [2, 2, 5, 5]])
    np.testing.assert_array_equal(video_tables.flicker(named), [0, 3, 1])


def test_a_memory_speaks_after_every_frame_and_knows_nothing_of_the_next():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, x = video_training.OneStream(3, 8, width=2).eval(), torch.randn(2, 6, 16)
    with torch.no_grad():
        whole = video_training.stepwise(net, x)
        later = x.clone()
        later[:, 4:] = 9.0
        torch.testing.assert_close(video_training.stepwise(net, later)[:, :4], whole[:, :4])
        torch.testing.assert_close(net.score(net.stream.aggregate(x)), whole[:, -1])
    assert whole.shape == (2, 6, 8)


class Crowd:
    """Three films whose pictures are their numbers."""

    name, fingerprint = "crema_d", "by hand"

    def __len__(self):
        return 3


def test_faces_lie_in_a_file_and_are_cut_anew_where_it_is_cut_short(monkeypatch, capsys):
    cut = []
    monkeypatch.setattr(
        video_training,
        "_cut",
        lambda data, i, frames, side: (
            cut.append(i) or np.full((frames, side, side, 3), i, np.uint8)
        ),
    )
    made, again = (video_training.faces(Crowd(), 2, 4) for _ in range(2))
    assert cut == [0, 1, 2] and isinstance(again, np.memmap) and again.shape == (3, 2, 4, 4, 3)
    assert np.array_equal(made, again) and again[[2, 0]].mean((1, 2, 3, 4)).tolist() == [2, 0]
    del made, again
    (path,) = (video_training.settings.cache() / "sets").glob("faces-*")
    for damage in (lambda raw: raw[:-1], lambda raw: b""):
        path.write_bytes(damage(path.read_bytes()))
        assert video_training.faces(Crowd(), 2, 4)[2].max() == 2
        assert "is damaged" in capsys.readouterr().err
    assert cut == [0, 1, 2] * 3


def test_faces_that_do_not_fit_on_the_disk_are_one_line(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(video_training, "_cut", full)
    with pytest.raises(EmolibError, match=r"0\.0 GB cannot be written .*make room") as said:
        video_training.faces(Crowd(), 2, 5)
    folder = video_training.settings.cache() / "sets"
    assert "\n" not in str(said.value) and not list(folder.glob("faces-*"))


def test_silent_films_differ_in_the_mouth_only():
    speaking, silent = (worlds.ravdess(0, 2, modality="v", size=48, talks=t) for t in (True, False))
    assert speaking.fingerprint != silent.fingerprint
    a, b = (clip_sets.film(w, 20) for w in (speaking, silent))
    jaw = [clip_sets.face.UNITS.index(u) for u in (25, 26)]
    rest = np.setdiff1d(np.arange(a.units.shape[1]), jaw)
    np.testing.assert_array_equal(a.units[:, rest], b.units[:, rest])
    assert (a.units[:, jaw] >= b.units[:, jaw]).all() and (
        a.units[:, jaw] - b.units[:, jaw]
    ).max() > 0.2
    assert (a.scene == b.scene).all()


def test_verdicts_on_sizes_need_no_data():
    verdicts = {v.claim: v for v in video_claims.judge(video_plan.Study("smoke"))}
    assert {claim: v.outcome for claim, v in verdicts.items()} == {
        "chang-d28": "not replicated",
        "chang-f9": "replicated",
        "chang-f9_2": "replicated",
        "chang-f9_3": "not replicated",
    }
    assert {v.source for v in verdicts.values()} == {"counted"}


def test_two_costs_of_one_clip_would_be_said_to_agree(monkeypatch):
    """Were 25 frames printed for both, or 15 times the cost counted, the verdicts would turn."""
    study = video_plan.Study("smoke")
    costs = {clips: video_tables.cost(study, clips, 25) / 1e9 for clips in (False, True)}
    monkeypatch.setattr(video_claims, "printed", lambda table, metric: costs[table == "b"])
    assert video_claims.same_clip(study)[0]
    monkeypatch.setattr(video_claims.tables, "cost", lambda study, clips, frames: 1 + 15 * clips)
    assert video_claims.fifteen_times(study)[0]


@pytest.mark.parametrize(
    "notebook, rules", [("42", video_claims.claim), ("43", speech_claims.claim)]
)
def test_each_claim_beyond_print_has_a_rule(notebook, rules):
    known = papers.claims()
    mine = known[(known.notebook == notebook) & (known.needs != "print")]
    assert set(rules.rules) == set(mine.id)
    assert rules.standing is None  # no claim of these notebooks compares networks: it has no gates


def test_recordings_are_counted_where_they_are_real_and_whole(monkeypatch, world):
    def counted(clips, actors, source="real"):
        subject = np.arange(clips) % actors
        told = {"source": source, "subject": subject, "__len__": lambda self: clips}
        made = type("Set", (), told)()
        monkeypatch.setattr(plan.datasets, "load", lambda *_, **__: made)
        (verdict,) = speech_claims.judge(plan.Study("smoke"))
        return verdict

    assert counted(1440, 24).outcome == "not replicated" and counted(1440, 24).source == "real"
    assert counted(2880, 24).outcome == "replicated"
    part = counted(240, 4)
    assert part.outcome == "not strong enough" and "only 4 of 24 actors" in part.because
    drawn = counted(2880, 24, "simulated")
    assert drawn.outcome == "needs the real set" and "ravdess would decide" in drawn.because


# ---------------------------------------------------------------- speakers on disk


def test_voices_in_voxcelebs_layout(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    made = worlds.speakers(0, 3, 5)
    sim_files.write(made, tmp_path)
    moved = tmp_path / "speakers" / "wav" / "id10002"
    (moved / "film").mkdir()
    for path in moved.glob("*.wav"):
        path.rename(moved / "film" / path.name)
    real = datasets.load("speakers")
    assert (
        real.source == "real"
        and real.classes == made.classes
        and len(real) == 15
        and set(real.meta.film) == {"", "film"}
    )
    assert [(real.split[real.label == k] == "test").sum() for k in range(3)] == [1, 1, 1]
    np.testing.assert_allclose(real.waveform[0](), made.waveform[0](), atol=1e-4)
    assert len(datasets.load("speakers", people=2, each=3)) == 6
    row = datasets.doctor(tmp_path).set_index("set").loc["speakers"]
    assert row.found == 3 and row.state == "partly" and "15 clips of 3 people" in row.detail
    (tmp_path / "speakers" / "wav" / "id10001" / "a" / "b").mkdir(parents=True)
    stray = tmp_path / "speakers" / "wav" / "id10001" / "a" / "b" / "1.wav"
    stray.write_bytes((moved / "film" / "00005.wav").read_bytes())
    with pytest.raises(Damaged, match="expected wav/idNNNNN"):
        datasets.load("speakers")
    assert str(stray) in datasets.doctor(tmp_path).set_index("set").loc["speakers"].damaged


# ---------------------------------------------------------------- real data


def test_real_ravdess_has_the_clips_of_the_twelve_pairs(real_data):
    if not datasets.at_hand("ravdess"):
        pytest.skip(f"NOT TESTED ON REAL DATA: no ravdess in {real_data}")
    data = datasets.load("ravdess", modality="a")
    assert (
        len(data) == 1440
        and [len(s.test) for s in splits.literature_folds(data, speech_training.PAIRS)]
        == [120] * 12
    )
    assert np.bincount(speech_training.codes(data)).tolist() == [96] + [192] * 7
    assert video_plan.Study("smoke").films.source == "simulated"  # sound alone is no film
    at, count = spectra.starts(np.array([len(data.waveform[0]()) // 64]), 250, 125)
    assert count[0] >= 4


@pytest.mark.slow
def test_functionals_of_a_real_voice(real_data):
    if not speech_training.opensmile_at_hand() or not datasets.at_hand("ravdess"):
        pytest.skip(f"NOT TESTED: opensmile or ravdess is not here ({real_data})")
    found = speech_training.functionals(
        data=datasets.reference(datasets.load("ravdess", modality="a")), subject="Actor_01", each=1
    )
    assert found["features"].shape == (8, 88) and np.isfinite(found["features"]).all()
    pitch = found["features"][:, found["names"].index("F0semitoneFrom27.5Hz_sma3nz_amean")]
    assert 15 < np.median(pitch) < 45  # 65 to 370 Hz


def test_the_converged_pair_differs_by_slicing_alone_and_averages_seeds(world, monkeypatch):
    asked = []

    def said(clips, apart, seed, stretched):
        """Two groups of two actors; with slicing all clips are right, without in one seed of two."""
        asked.append({"apart": apart, "seed": seed, "stretched": stretched})
        groups, label = np.array(sorted(set(clips.subject))).reshape(-1, apart), tables.codes(clips)
        rows = [np.flatnonzero(np.isin(clips.subject, actors)) for actors in groups]
        scores = [np.eye(8)[(label[r] + (not stretched and seed == 1)) % 8] for r in rows]
        return [{"rows": r, "label": label[r], "scores": s} for r, s in zip(rows, scores)]

    monkeypatch.setattr(plan.trials, "voice_trials", said)
    study = plan.Study("smoke", tuned_seeds=2, tuned_apart=2)
    monkeypatch.setattr(type(study), "speech", world)
    both = {slicing: tables.tuned(study, slicing) for slicing in (plan.NT, plan.T)}
    assert both[plan.T].right.eq(1).all() and both[plan.NT].right.eq(0.5).all()
    assert both[plan.T]["clip"].equals(both[plan.NT]["clip"]) and len(both[plan.T]) == len(world)
    assert both[plan.T].fold.unique().tolist() == ["Actor_01 to Actor_02", "Actor_03 to Actor_04"]
    assert [a["stretched"] for a in asked] == [False, False, True, True]
    assert tables.tuned(plan.Study("smoke"), plan.T) is None, "no such trainings at smoke"


# ---------------------------------------------------------------- the notebooks, end to end


def check(folder, notebook):
    assert results.problems(folder) == []
    listed = papers.everything()
    for row in listed[listed.notebook == notebook].itertuples():
        place = folder / ("tables" if row.kind == "table" else "figures")
        assert all(
            (place / f"{row.id}.{kind}").stat().st_size > 0
            for kind in (("csv", "json") if row.kind == "table" else ("csv", "json", "svg", "png"))
        )
        sources = json.loads((place / f"{row.id}.json").read_text())["sources"]
        expected = set(filter(None, row.data.split(";"))) - {"crema_d_features"}  # no stand-in
        assert set(sources) == expected, row.id
        assert {s["source"] for s in sources.values()} <= {"simulated"}


@pytest.mark.slow
def test_notebook_42(tmp_path_factory):
    folder = run_notebook("42", tmp_path_factory.mktemp("n42"))
    check(folder, "42")
    for id, cost in (("chang2021-u4_4a", "1 frame"), ("chang2021-u4_4b", "25 frames")):
        frame = pd.read_csv(folder / "tables" / f"{id}.csv")
        assert set(frame[frame.metric.str.contains("params")].verdict) == {"equal"}
        assert set(frame[(frame.metric == "Mult-Adds") & (frame.verdict == "equal")].protocol) == {
            cost
        }
    said = pd.read_csv(folder / "tables" / "chang2021-x35.csv")
    assert (
        said[said.metric.str.startswith("p, Holm")].measured.between(0, 1).all()
        and len(said) == 3 * 2 * 3 + 4 * 6
    )


@pytest.mark.slow
def test_notebook_43(tmp_path_factory):
    folder = run_notebook("43", tmp_path_factory.mktemp("n43"))
    check(folder, "43")
    frame = pd.read_csv(folder / "tables" / "chang2021-x30.csv")
    assert set(frame.protocol) == {
        "narrow, from scratch, nested",
        "narrow, from scratch, epoch chosen on the pair (as printed)",
    }
    mean = frame[(frame.actors == tables.ALL) & (frame.metric == "accuracy")].pivot(
        index="time_augmentation", columns="protocol", values="measured"
    )
    assert (
        mean.iloc[:, 0] >= mean.iloc[:, 1]
    ).all()  # the pair's own choice is never below the nested one
    leaking = pd.read_csv(folder / "tables" / "chang2021-x31.csv")
    assert (
        leaking.row.str.contains("leaking").any()
        and not leaking.against.astype(str).str.contains("leaking").any()
    )


def test_a_running_mean_may_forget():
    said = np.random.default_rng(0).random((2, 2, 3, 6, 8), dtype=np.float32)
    for recent, first in ((None, 0), (2, 4), (1, 5)):
        made = video_tables.probabilities(
            video_plan.Study("smoke", recent=recent), {"probabilities": said}
        )
        assert made.shape == (2, 3, 3, 6, 8)
        np.testing.assert_array_equal(made[:, [0, 2]], said)
        mean = said[:, 0, :, first:].mean(2)
        np.testing.assert_allclose(made[:, 1, :, -1], mean, atol=1e-6)
