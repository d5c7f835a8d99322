"""Whole simulated sets: real sizes and names, independent dials, files in the real layouts."""

import gzip
import pickle

import numpy as np
import pytest
import sim_files
from hypothesis import given, settings
from hypothesis import strategies as st

from emolib import EMOTIONS
from emolib.data.sim import affect, worlds
from emolib.data.sim.dials import Dials, displays, noisy
from emolib.ground.errors import EmolibError


@pytest.mark.parametrize("name", sorted(worlds.WORLDS))
def test_smoke_world_is_made_twice_alike_and_written(name, tmp_path):
    world = worlds.make(name, "smoke")
    assert (
        world.source == "simulated" and world.fingerprint == worlds.make(name, "smoke").fingerprint
    )
    assert world.fingerprint != worlds.make(name, "smoke", seed=1).fingerprint
    if hasattr(world, "content"):
        world = world.select(np.arange(2))
    files = sim_files.write(world, tmp_path)
    assert files and all(f.is_file() and f.stat().st_size for f in files)


def test_real_sizes():
    clips = worlds.ravdess(modality="a")
    assert len(clips) == 1440 and (clips.label == EMOTIONS.index("neutral")).sum() == 96
    assert (
        len(set(clips.meta["image"])) == 1440 and clips.meta["image"][0] == "03-01-01-01-01-01-01"
    )
    assert len(worlds.crema_d(modality="a")) == 7442 and len(worlds.adfes()) == 216
    assert len(worlds.make("aff_wild", "full", seconds=(1.0, 2.0))) == 298


def test_clips_are_lazy_picklable_and_repeatable():
    world = worlds.make("ravdess", "smoke")
    film, again = world.frames[3](), pickle.loads(pickle.dumps(world.frames[3]))()
    assert film.shape == (105, 64, 64, 3) and film.dtype == np.uint8
    np.testing.assert_array_equal(film, again)
    sound = world.waveform[3]()
    assert (
        sound.shape == (56_000,) and sound.dtype == np.float32 and 0.02 < np.abs(sound).max() <= 1
    )
    np.testing.assert_array_equal(sound, world.waveform[3]())


def test_fer_files_hold_what_the_world_holds(tmp_path):
    import pandas as pd

    world = worlds.make("fer2013", "smoke")
    main, votes = map(pd.read_csv, sim_files.write(world, tmp_path))
    assert list(main["emotion"]) == list(world.label) and list(main["Usage"]) == list(world.split)
    np.testing.assert_array_equal(
        np.array(main["pixels"][5].split(), np.uint8).reshape(48, 48), world.images[5]
    )
    assert (votes.iloc[:, 2:].sum(axis=1) == 10).all()


def test_emnist_file_is_transposed_and_counts_from_one(tmp_path):
    world = sim_files.letters()
    images, labels, *_ = sim_files.write(world, tmp_path)
    raw = np.frombuffer(gzip.decompress(images.read_bytes()), np.uint8, offset=16).reshape(
        -1, 28, 28
    )
    np.testing.assert_array_equal(raw[7].T, world.images[7])
    assert gzip.decompress(labels.read_bytes())[8] == world.label[0] + 1


DIAL = st.sampled_from(["fuzz_face", "fuzz_voice", "complementarity", "coupling", "mismatched"])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), dial=DIAL, value=st.floats(0, 1))
def test_a_dial_moves_only_what_it_names(seed, dial, value):
    label = np.arange(200) % 7
    a, b = displays(seed, label, 7, Dials()), displays(seed, label, 7, Dials(**{dial: value}))
    own = {
        "fuzz_face": {"face"},
        "fuzz_voice": {"voice"},
        "complementarity": {"voice"},
        "coupling": {"voice_gain"},
        "mismatched": {"voice", "swapped"},
    }[dial]
    for key in set(a) - own:
        np.testing.assert_array_equal(a[key], b[key])


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(0.1, 1))
def test_shift_changes_the_test_split_and_nothing_else(seed, shift):
    for build, train in (
        (worlds.fer2013, "Training"),
        (lambda s, n, **k: worlds.vggface(s, n // 10, 10, size=24, **k), "train"),
    ):
        plain, turned = build(seed, 40), build(seed, 40, dials=Dials(shift=shift))
        same = (plain.images == turned.images).all((1, 2) if plain.images.ndim == 3 else (1, 2, 3))
        np.testing.assert_array_equal(same, plain.split == train)
        for part in ("label", "subject", "split"):
            np.testing.assert_array_equal(getattr(plain, part), getattr(turned, part))
        assert plain.meta.equals(turned.meta)


def test_shift_reaches_every_picture_of_a_target_set():
    sets = [
        worlds.rafd(0, 1, size=24, yaws=(90,), gazes=("frontal",), dials=Dials(shift=s))
        for s in (0.0, 0.6)
    ]
    assert (sets[0].images != sets[1].images).any((1, 2, 3)).all() and sets[0].meta.equals(
        sets[1].meta
    )
    for build in (worlds.adfes, worlds.ravdess):
        films = [
            build(0, 1, size=16, dials=Dials(label_noise=0.0, missing_face=0.0, shift=s)).frames[
                0
            ]()
            for s in (0.0, 0.6)
        ]
        assert (films[0] != films[1]).any((1, 2, 3)).all()


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), leak=st.floats(0.2, 1))
def test_leak_changes_who_is_pictured_in_the_test_and_nothing_else(seed, leak):
    plain, leaky = worlds.fer2013(seed, 60), worlds.fer2013(seed, 60, dials=Dials(leak=leak))
    same = (plain.images == leaky.images).all((1, 2))
    np.testing.assert_array_equal(same, plain.subject == leaky.subject)
    assert same[plain.split == "Training"].all() and len(set(plain.subject)) == 60
    assert set(leaky.subject[~same]) <= set(plain.subject[plain.split == "Training"])
    np.testing.assert_array_equal(plain.label, leaky.label)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 1000), noise=st.floats(0, 1))
def test_label_noise_leaves_the_pictures(seed, noise):
    np.testing.assert_array_equal(
        worlds.fer2013(seed, 20).images,
        worlds.fer2013(seed, 20, dials=Dials(label_noise=noise)).images,
    )


MEANINGLESS = [
    ("fer2013", "fuzz_face"),
    ("rafd", "leak"),
    ("ckplus", "shift"),
    ("ckplus", "leak"),
    ("vggface", "label_noise"),
    ("adfes", "fuzz_voice"),
    ("adfes", "leak"),
    ("ravdess", "roughness"),
    ("crema_d", "leak"),
    ("aff_wild", "shift"),
]


@pytest.mark.parametrize("name,dial", MEANINGLESS)
def test_a_dial_without_meaning_is_refused(name, dial):
    with pytest.raises(EmolibError, match=f"{name}: dial '{dial}' is 0.7, but means nothing there"):
        worlds.make(name, "smoke", dials=Dials(**{dial: 0.7}))


def test_label_noise_only_adds_changes():
    label = np.zeros(5000, int)
    few, many = noisy(0, label, 7, 0.1), noisy(0, label, 7, 0.3)
    assert (
        (few[few != 0] == many[few != 0]).all()
        and 0.08 < (few != 0).mean() < 0.12
        and 0.27 < (many != 0).mean() < 0.33
    )


def test_overlap_pulls_prototypes_together_and_differs_between_worlds():
    plain, pulled = affect.prototypes(0, 0.0), affect.prototypes(0, 0.8)
    assert np.linalg.norm(pulled - pulled.mean(0)) < np.linalg.norm(plain - plain.mean(0))
    assert not np.allclose(pulled, affect.prototypes(1, 0.8)) and np.allclose(
        plain, affect.prototypes(1, 0.0)
    )


def test_a_dial_is_between_0_and_1():
    with pytest.raises(EmolibError, match="roughness"):
        Dials(roughness=1.5)


def test_unknown_names_are_said():
    with pytest.raises(EmolibError, match="ravdess"):
        worlds.make("ravdes")
    with pytest.raises(EmolibError, match="unknown profile"):
        worlds.make("sfew", "tiny")


def test_a_few_frames_are_those_of_the_whole_film():
    from emolib.data.sim import clip_sets

    world = worlds.make("ravdess", "smoke", size=32)
    np.testing.assert_array_equal(clip_sets.drawn(world, 5, [3, 50]), world.frames[5]()[[3, 50]])
