"""RAVDESS, CREMA-D and ADFES: what is written in the real layouts is read back; sound and film in one place."""

import pickle
import shutil
import warnings

import clip_files as made
import numpy as np
import pytest
import sim_files

from emolib import EMOTIONS, data
from emolib.data import adfes, crema_d, media, ravdess
from emolib.data.files import Damaged
from emolib.data.sim import worlds
from emolib.ground.errors import EmolibError


def lag_free(read, true):
    """Correlation of two waveforms as they stand, over their common length."""
    count = min(len(read), len(true))
    return np.corrcoef(read[:count], true[:count])[0, 1]


# ---------------------------------------------------------------- sound


def test_a_wav_is_read_exactly_and_flac_alike(tmp_path):
    true = made.tone(1)
    for path in (
        made.save_wav(tmp_path / "a.wav", true, 16_000),
        made.save_flac(tmp_path / "a.flac", true),
    ):
        read = media.read_sound(path)
        assert read.dtype == np.float32 and read.shape == true.shape
        np.testing.assert_allclose(read, true, atol=2 / 32767)
        assert media.probe_sound(path) == media.Sound(16_000, 1, 8_000)


def test_two_channels_are_averaged(tmp_path):
    left, right = made.tone(0), made.tone(3)
    path = made.save_stereo(tmp_path / "a.wav", left, right)
    np.testing.assert_allclose(media.read_sound(path), (left + right) / 2, atol=2 / 32767)
    assert media.probe_sound(path).channels == 2


@pytest.mark.parametrize("own, rate", [(48_000, 16_000), (16_000, 22_050), (44_100, 16_000)])
def test_resampling_keeps_what_both_rates_can_hold_and_nothing_else(tmp_path, own, rate):
    time = np.arange(own) / own
    low, high = (
        np.sin(2 * np.pi * 500 * time),
        np.sin(2 * np.pi * 0.8 * own / 2 * time),
    )  # 19,200 Hz at 48,000
    read = media.read_sound(made.save_wav(tmp_path / "a.wav", 0.5 * low, own), rate)
    assert abs(len(read) - rate) <= 1
    wanted = 0.5 * np.sin(2 * np.pi * 500 * np.arange(len(read)) / rate)
    np.testing.assert_allclose(read[500:-500], wanted[500:-500], atol=2e-3)
    if rate < own:  # cannot be held: must be gone
        assert (
            np.abs(
                media.read_sound(made.save_wav(tmp_path / "b.wav", 0.5 * high, own), rate)[500:-500]
            ).max()
            < 1e-3
        )


def test_what_overshoots_a_little_is_clipped(tmp_path):
    read = media.read_sound(made.save_float_wav(tmp_path / "a.wav", 2.5 * made.tone()))
    assert read.max() == 1 and read.min() == -1


def test_a_wav_written_to_a_pipe_has_no_length_and_is_read(tmp_path):
    path = made.save_wav(tmp_path / "a.wav", made.tone(), 16_000)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"data") + 4 :][:4] = b"\xff" * 4
    at = raw.index(b"data") + 4
    path.write_bytes(bytes(raw[:at] + b"\xff" * 4 + raw[at + 4 :]))
    assert len(media.read_sound(path)) == 8_000


def test_the_sound_of_a_film_is_in_time(tmp_path):
    path = made.save_film(tmp_path / "a.mp4", 2, sound=True)
    read, true = media.read_sound(path), made.tone(2, 1.0)
    assert abs(len(read) - len(true)) < 2048 and lag_free(read, true) > 0.99
    assert lag_free(read[64:], true) < 0.9  # the measure sees 4 ms
    sound = media.probe_sound(path)
    assert sound.rate == 16_000 and abs(sound.samples - 16_000) <= 2048


# ---------------------------------------------------------------- films


@pytest.mark.parametrize(
    "name, codec, counted",
    [
        ("a.mp4", "libx264", True),
        ("a.flv", "flv", False),
        ("a.avi", "mpeg4", True),
        ("a.mpg", "mpeg1video", False),
    ],
)
def test_films_of_every_kind_are_read(tmp_path, name, codec, counted):
    path = made.save_film(
        tmp_path / name,
        1,
        30,
        32,
        codec=codec,
        **({} if codec == "libx264" else {"fflags": "+bitexact"}),
    )
    read, true = media.read_frames(path), made.pattern(1, 30, 32)
    assert read.dtype == np.uint8 and read.shape == true.shape
    assert np.abs(read.astype(int) - true).mean() < 12
    for seen in (media.probe_video(path), media.check_ends(path)):
        assert (seen.fps, seen.height, seen.width, seen.has_sound, seen.counted) == (
            30.0,
            32,
            32,
            False,
            counted,
        )
        assert seen.frames == 30


def test_a_long_film_comes_in_pieces_that_join_to_the_whole(tmp_path):
    path = made.save_film(tmp_path / "a.mp4", 0, 70)
    pieces = list(media.iterate_frames(path, 32))
    assert [len(p) for p in pieces] == [32, 32, 6]
    np.testing.assert_array_equal(np.concatenate(pieces), media.read_frames(path))


def test_grey_is_luma_and_size_shrinks_by_area(tmp_path):
    path = made.save_film(tmp_path / "a.mp4", 4, 10, 64)
    colour, grey = media.read_frames(path), media.read_frames(path, grey=True)
    assert np.abs(grey - colour @ [0.299, 0.587, 0.114]).max() < 2
    small = media.read_frames(path, 16)
    assert small.shape == (10, 16, 16, 3)
    means = colour.reshape(10, 16, 4, 16, 4, 3).mean((2, 4))
    assert np.abs(small - means).mean() < 4
    assert media.read_frames(path, (16, 24), grey=True).shape == (10, 16, 24)


def test_a_film_too_large_to_hold_says_how_to_read_it(tmp_path, monkeypatch):
    path = made.save_film(tmp_path / "a.mp4")
    monkeypatch.setattr(media, "LARGEST", 30 * 32 * 32 * 3 - 1)
    with pytest.raises(EmolibError, match="a.mp4: 30 frames of 32 x 32 .*iterate_frames"):
        media.read_frames(path)
    assert media.read_frames(path, 16).shape == (30, 16, 16, 3)


# ---------------------------------------------------------------- round trips


def contract(read, world):
    """Same rows in the same order, and all columns of the simulator's meta but those only it can know."""
    np.testing.assert_array_equal(read.label, world.label)
    np.testing.assert_array_equal(read.subject, world.subject)
    assert read.source == "real" and set(read.split) == {""}
    of_the_simulator = {"swapped"} | (
        {"sentence"} if world.name == "crema_d" else set()
    )  # it speaks two sentences, not twelve
    for column in set(world.meta.columns) - of_the_simulator:
        assert read.meta[column].tolist() == world.meta[column].tolist(), column


@pytest.mark.parametrize("modality", ["a", "av"])
def test_ravdess_round_trip(tmp_path, modality):
    world = made.light(
        worlds.ravdess(3, 2, modality=modality, size=32).select([0, 3, 17, 59, 60, 119])
    )
    sim_files.write(world, tmp_path)
    read = data.load("ravdess", tmp_path)
    contract(read, world)
    assert read.rate == 16_000 and (read.frames is None) == (modality == "a")
    for a, b in zip(read.waveform, world.waveform):
        if modality == "a":
            np.testing.assert_allclose(a(), b(), atol=2 / 32767)
        else:
            assert lag_free(a(), b()) > 0.99
    if modality == "av":
        assert read.fps == 30.0 and all(
            np.abs(a().astype(int) - b()).mean() < 6 for a, b in zip(read.frames, world.frames)
        )
        only = data.load(
            "ravdess", tmp_path, modality="v", size=16, grey=True
        )  # from 01 films, no 02 there
        assert only.waveform is None and only.frames[0]().shape == (30, 16, 16)
        assert data.load("ravdess", tmp_path, modality="a").frames is None
    else:
        with pytest.raises(EmolibError, match="no usable clip of ravdess"):
            data.load("ravdess", tmp_path, modality="v")


def test_ravdess_as_zenodo_unpacks_it(tmp_path):
    place = tmp_path / "ravdess"
    made.save_wav(
        place / "Audio_Speech_Actors_01-24/Actor_01/03-01-02-01-01-01-01.wav",
        made.tone(0, rate=48_000),
        48_000,
    )
    made.save_wav(
        place / "Audio_Song_Actors_01-24/Actor_01/03-02-02-01-01-01-01.wav",
        made.tone(1, rate=48_000),
        48_000,
    )
    made.save_film(place / "Video_Speech_Actor_01/Actor_01/01-01-02-01-01-01-01.mp4", 2, sound=True)
    made.save_film(place / "Video_Speech_Actor_01/Actor_01/02-01-02-01-01-01-01.mp4", 3)
    (place / "Video_Speech_Actor_01/Actor_01/._02-01-02-01-01-01-01.mp4").write_bytes(
        b"a Mac's companion file"
    )
    kinds = {m: data.load("ravdess", tmp_path, modality=m) for m in ("a", "v", "av")}
    assert [kinds[m].meta.image[0][:2] for m in kinds] == ["03", "02", "01"] and all(
        len(k) == 1 for k in kinds.values()
    )
    assert (
        len(kinds["a"].waveform[0]()) == 8_000
        and data.load("ravdess", tmp_path, modality="a", rate=None).rate == 48_000
    )
    song = data.load("ravdess", tmp_path, vocal="song")
    assert (
        EMOTIONS[song.label[0]] == "calm"
        and song.meta.image[0].startswith("03-02")
        and song.frames is None
    )
    seen = ravdess.check(tmp_path)
    assert (
        seen.found == 1
        and not seen.damaged
        and all(t in seen.detail for t in ("2 sounds (48000 Hz", "2 films", "1 song"))
    )


def test_ravdess_stereo_is_counted_and_repeats_are_told(tmp_path):
    wavs = made.ravdess(tmp_path)
    made.save_stereo(wavs[0], made.tone(0), made.tone(5))
    made.save_wav(wavs[1].with_name("03-01-03-02-01-02-02.wav"), made.tone(1), 16_000)
    seen = ravdess.check(tmp_path)
    assert seen.found == 4 and "1 stereo, averaged" in seen.detail
    assert (
        seen.duplicates
        == "1 clip with the content of another (03-01-03-02-01-01-02.wav and 03-01-03-02-01-02-02.wav)"
    )


def test_a_clip_as_wav_and_flac_is_one_clip(tmp_path):
    wav = made.ravdess(tmp_path)[0]
    made.save_flac(wav.with_suffix(".flac"), made.tone(0))
    shutil.copytree(wav.parent, tmp_path / "ravdess/again/Actor_01")  # as one mirror ships it
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = data.load("ravdess", tmp_path)
    assert len(read) == 3 and read.waveform[0].args[0] == wav
    seen = ravdess.check(tmp_path)
    assert (
        seen.found == 3
        and not seen.damaged
        and "3 spare files of clips that stand twice" in seen.detail
        and not seen.duplicates
    )


def test_crema_d_round_trip(tmp_path):
    for kind in ("a", "av"):
        world = made.light(worlds.crema_d(1, 3, modality=kind).select([0, 66, 67, 80, 100]))
        sim_files.write(world, tmp_path / kind)
        read = data.load("crema_d", tmp_path / kind)
        contract(read, world)
        assert all(lag_free(a(), b()) > 0.99 for a, b in zip(read.waveform, world.waveform)) and (
            read.frames is None
        ) == (kind == "a")
    assert read.frames[1]().shape == (30, 32, 32, 3) and "age" not in read.meta


def test_crema_d_joins_people_sound_and_film(tmp_path):
    made.crema_d(tmp_path)
    made.save_film(
        tmp_path / "crema_d/VideoFlash/1001_DFA_SAD_XX.flv", 7, codec="flv", fflags="+bitexact"
    )
    made.save_wav(tmp_path / "crema_d/AudioWAV/1001_DFA_SAD_X.wav", made.tone(9), 16_000)
    made.write(
        tmp_path / "crema_d/VideoDemographics.csv",
        "ActorID,Age,Sex,Race,Ethnicity\n"
        "1001,51,Male,Caucasian,Not Hispanic\n1002,21,Female,Asian,NA\n",
    )
    read = data.load("crema_d", tmp_path)  # films are more than sounds
    assert read.frames is not None
    assert read.meta.image.tolist() == [
        "1001_DFA_ANG_XX",
        "1001_DFA_SAD_X",
        "1001_IEO_HAP_HI",
        "1002_TAI_NEU_XX",
    ]
    assert read.meta.level.tolist() == ["XX", "XX", "HI", "XX"]
    assert read.meta.age.tolist() == [51, 51, 51, 21] and read.meta.ethnicity[3] == "NA"
    np.testing.assert_allclose(
        read.waveform[1](), made.tone(9), atol=2 / 32767
    )  # the wav, not the silent flv
    seen = crema_d.check(tmp_path)
    assert (
        seen.found == 4
        and "1 named X for XX" in seen.detail
        and "who the actors are" in seen.detail
        and not seen.damaged
    )


def test_adfes_round_trip_and_views(tmp_path):
    world = made.light(worlds.adfes(2, 4).select([0, 1, 9, 23]))
    sim_files.write(world, tmp_path)
    made.save_film(
        tmp_path / "adfes/more/F01-Joy-Turn Away.avi", 5, codec="mpeg4", fflags="+bitexact"
    )
    made.save_film(
        tmp_path / "adfes/more/F01-Embarrassment-Turn Towards.mpg",
        6,
        codec="mpeg1video",
        fflags="+bitexact",
        fps=25,
    )
    read = data.load("adfes", tmp_path)
    contract(read, world)
    assert read.fps == 25.0 and read.waveform is None and read.rate is None
    assert all(np.abs(a().astype(int) - b()).mean() < 6 for a, b in zip(read.frames, world.frames))
    assert data.load("adfes", tmp_path, view="away").meta.image.tolist() == [
        "F01-Joy-Turn Away.avi"
    ]
    assert EMOTIONS[data.load("adfes", tmp_path, view="toward").label[0]] == "embarrassment"
    assert len(data.load("adfes", tmp_path, view="all")) == 6
    seen = adfes.check(tmp_path)
    assert seen.found == 4 and "2 of them with models who turn" in seen.detail


@pytest.mark.parametrize(
    "call, told",
    [
        (dict(name="ravdess", vocal="speach"), "vocal 'speach'"),
        (dict(name="ravdess", modality="w"), "modality 'w'"),
        (dict(name="crema_d", modality="x"), "modality 'x'"),
        (dict(name="adfes", view="up"), "view 'up'"),
        (dict(name="ravdess", modalty="a"), "did you mean modality"),
    ],
)
def test_an_option_that_is_not_known_is_answered(tmp_path, call, told):
    for build in (made.ravdess, made.crema_d, made.adfes):
        build(tmp_path)
    with pytest.raises(EmolibError, match=told):
        data.load(root=tmp_path, **call)


def test_sounds_at_several_rates_must_be_made_alike(tmp_path):
    made.save_wav(made.ravdess(tmp_path)[0], made.tone(0, rate=48_000), 48_000)
    with pytest.raises(EmolibError, match="16000, 48000 Hz; say rate="):
        data.load("ravdess", tmp_path, rate=None)
    assert data.load("ravdess", tmp_path).rate == 16_000


def test_clips_travel_between_processes_and_their_place_is_no_content(tmp_path):
    made.crema_d(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "bé ü 表情")
    read, moved = data.load("crema_d", tmp_path / "a"), data.load("crema_d", tmp_path / "bé ü 表情")
    assert read.fingerprint == moved.fingerprint
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(moved.frames[0]))(), read.frames[0]())
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(moved.waveform[0]))(), read.waveform[0]()
    )
    options = ({"size": 16}, {"grey": True}, {"rate": 8000}, {"modality": "v"})
    others = [data.load("crema_d", tmp_path / "a", **o).fingerprint for o in options]
    made.save_film(tmp_path / "a/crema_d/VideoMP4/1001_DFA_ANG_XX.mp4", 8, sound=True)
    assert len({read.fingerprint, data.load("crema_d", tmp_path / "a").fingerprint, *others}) == 6


@pytest.mark.slow
@pytest.mark.parametrize("name, rows", [("ravdess", [1, 70]), ("crema_d", [5]), ("adfes", [3])])
def test_drawn_and_spoken_worlds_are_read_back(tmp_path, name, rows):
    world = worlds.make(name, "smoke").select(rows)
    sim_files.write(world, tmp_path)
    read = data.load(name, tmp_path)
    contract(read, world)
    for i in range(len(rows)):
        assert np.abs(read.frames[i]().astype(int) - world.frames[i]()).mean() < 5
        assert read.waveform is None or lag_free(read.waveform[i](), world.waveform[i]()) > 0.99


# ---------------------------------------------------------------- the real set


@pytest.fixture
def real_ravdess(real_data):
    if not any((real_data / "ravdess").glob("Actor_*")):
        pytest.skip(f"NOT TESTED ON REAL DATA: no ravdess/Actor_* in {real_data}")
    return real_data


def test_real_ravdess_is_what_its_authors_say(real_ravdess):
    read = data.load("ravdess", source="real", modality="a")
    assert (
        len(read) == 1440
        and len(set(read.subject)) == 24
        and set(np.unique(read.subject, return_counts=True)[1]) == {60}
    )
    counts = dict(zip(*np.unique([EMOTIONS[v] for v in read.label], return_counts=True)))
    assert counts.pop("neutral") == 96 and len(counts) == 7 and set(counts.values()) == {192}
    assert (
        read.meta.code.map(lambda c: EMOTIONS.index(ravdess.RAVDESS[c - 1])) == read.label
    ).all()
    assert (
        (read.meta.intensity == 2).sum() == 672
        and set(read.meta.repetition) == {1, 2}
        and set(read.meta.sentence) == {0, 1}
    )
    world = worlds.ravdess(modality="a")
    assert (
        read.meta.image.tolist() == world.meta.image.tolist()
        and read.label.tolist() == world.label.tolist()
    )
    samples = read.waveform[700]()
    assert (
        samples.dtype == np.float32
        and 0.001 < np.abs(samples).max() <= 1
        and 2.5 < len(samples) / 16_000 < 6
    )
    assert len(
        data.load("ravdess", source="real", modality="a", rate=22_050).waveform[700]()
    ) == round(len(samples) * 22_050 / 16_000)


def test_real_ravdess_has_one_recording_twice_and_no_damage(real_ravdess):
    seen = ravdess.check(real_ravdess)
    assert seen.found == 1440 and not seen.damaged and seen.state(1440) == "found"
    assert "24 actors; 96 neutral, 192 of each other emotion" in seen.detail
    assert (
        seen.duplicates
        == "1 clip with the content of another (03-01-03-01-02-01-07.flac and 03-01-03-01-02-02-07.flac)"
    )


def test_damaged_survives_a_process(tmp_path):
    with pytest.raises(Damaged) as error:
        media.read_sound(tmp_path / "no.wav")
    assert pickle.loads(pickle.dumps(error.value)).why == error.value.why == "no such file"
