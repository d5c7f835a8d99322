"""`emolib predict`: what is missing is said, an unclear answer is no word, nothing is half-written."""

import os

import numpy as np
import pandas as pd
import pytest
import sim_files
import soundfile
import torch
from torchaudio.functional import resample

from emolib import data as datasets
from emolib.data import media
from emolib.data.sim import clip_sets, worlds
from emolib.features import utterance
from emolib.ground.errors import EmolibError
from emolib.models import trained
from emolib.reproduction.cli import main as cli
from emolib.reproduction.cli import predict
from emolib.reproduction.studies.mrpn.features import CLEAN

pytestmark = pytest.mark.usefixtures("one_thread")


class Fixed:
    """A predictor that says which witnesses it was given."""

    classes = ("angry", "happy", "sad")

    def seen(self, faces):
        return np.zeros((len(faces), 1))

    def heard(self, picture):
        return np.zeros((1, 1))

    def probabilities(self, face, sound):
        which = [face is not None and sound is not None, sound is None, face is None]
        return np.array(which) * 0.8 + 0.2 / 3

    def known(self, used):
        return f"right in 50 % of {used}"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    place, world = (tmp_path_factory.mktemp("predict"), worlds.ravdess(3, 2, size=128, dials=CLEAN))
    film, wave = clip_sets.drawn(world, 40, slice(20, 80)), world.waveform[40]()[:32000]
    sim_files.save_mp4(place / "both.mp4", film, 30, wave)
    sim_files.save_mp4(place / "silent.mp4", film, 30)
    sim_files.save_mp4(place / "dark.mp4", film * 0, 30, wave)
    sim_files.save_wav(place / "voice.wav", wave, 16000)
    sim_files.save_wav(place / "silence.wav", wave * 0, 16000)
    sim_files.save_wav(place / "steady.wav", wave * 0 + 0.4, 44100)
    (place / "cut.mp4").write_bytes((place / "both.mp4").read_bytes()[:4000])
    return place


@pytest.mark.parametrize(
    "name, used, told",
    [
        ("both.mp4", "both", ""),
        ("silent.mp4", "face", "sound: the film has none"),
        ("dark.mp4", "sound", "no face was found"),
        ("voice.wav", "sound", "picture: a recording has none"),
    ],
)
def test_what_is_missing_is_said_and_the_rest_is_used(files, name, used, told):
    pytest.importorskip("dlib")
    said = predict.predict(files / name, model=Fixed())
    assert (said.segments.used == used).mean() > 0.5 and any(told in line for line in said.told)
    assert said.whole.index[0] == {"both": "angry", "face": "happy", "sound": "sad"}[
        used
    ] and np.allclose(said.segments[list(said.classes)].to_numpy().sum(1), 1)
    assert said.told[-1].endswith(f"right in 50 % of {used}")


@pytest.fixture
def real_speech(real_data):
    return datasets.load("ravdess", modality="a", profile="full")


def test_neither_gain_nor_rate_decides(files, tmp_path, shipped, real_speech):
    """A recording 20 dB louder or fainter, at another rate, or off zero, is named alike."""
    for k in (3, 400, 1100):
        wave = real_speech.waveform[k]()
        wave = 0.05 * wave / np.abs(wave).max()
        plain, *others = (
            _answer(tmp_path, altered, rate)
            for altered, rate in (
                (wave, 16000),
                (10 * wave, 16000),
                (wave / 10, 16000),
                (wave + 0.2, 16000),
                (resample(torch.from_numpy(wave), 16000, 44100).numpy(), 44100),
            )
        )
        for other in others[:3]:
            assert np.abs(plain - other).max() < 0.02
        assert np.abs(plain - others[3]).max() < 0.1


def _answer(folder, wave, rate):
    soundfile.write(folder / "voice.wav", wave, rate, subtype="FLOAT")
    said = predict.predict(folder / "voice.wav")
    return said.segments[list(said.classes)].to_numpy().mean(0)


def test_only_what_is_asked_for_is_used(files):
    assert set(predict.predict(files / "both.mp4", "sound", model=Fixed()).segments.used) == {
        "sound"
    }


@pytest.mark.parametrize(
    "name, more, message",
    [
        ("cut.mp4", (), "cut short"),
        ("nothing.wav", (), "no such file"),
        ("silence.wav", (), "nothing to go by"),
        ("steady.wav", (), "silence from end to end"),
        ("voice.wav", ("--use", "voice"), "expected both, face or sound"),
        ("voice.wav", ("--plot", "x.gif"), "expected a .png"),
        ("voice.wav", ("--plot", "no/where.png"), "make it first"),
    ],
)
def test_bad_input_ends_with_two_and_leaves_nothing(files, capsys, name, more, message):
    before = sorted(files.iterdir())
    assert cli.main(["predict", str(files / name), *more]) == 2
    assert message in capsys.readouterr().err and sorted(files.iterdir()) == before


def test_the_command_writes_a_picture_and_a_table(files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(predict, "Networks", Fixed)
    assert cli.main(["predict", str(files / "voice.wav"), "--plot", str(tmp_path / "out.png")]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "out.png"] and (
        tmp_path / "out.png"
    ).read_bytes().startswith(b"\x89PNG")
    assert (
        "voice.wav: sad (0.87)" in capsys.readouterr().out
        and len(pd.read_csv(tmp_path / "out.csv")) == 1
    )


@pytest.mark.parametrize("name", ["caf\udce9", "two\nlines", "$x_$", "v" * 240, "é" * 120])
def test_any_name_that_a_file_can_have(files, tmp_path, capsys, monkeypatch, name):
    """A name that is not UTF-8, one with a line break, one that is mathematics, a long one."""
    monkeypatch.setattr(predict, "Networks", Fixed)
    (tmp_path / f"{name}.wav").write_bytes((files / "voice.wav").read_bytes())
    status = cli.main(["predict", str(tmp_path / f"{name}.wav")])
    said = capsys.readouterr()
    assert status == 0 and len(said.out.splitlines()) == 5, said
    assert {p.suffix for p in tmp_path.iterdir()} == {".wav", ".png", ".csv"}


def test_a_name_without_room_for_the_answer_is_said_before_anything_is_read(
    files, tmp_path, capsys
):
    path = tmp_path / f"{'v' * 250}.wav"
    path.write_bytes((files / "voice.wav").read_bytes())
    assert cli.main(["predict", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "too long" in line and "--plot" in line and len(list(tmp_path.iterdir())) == 1
    assert cli.main(["predict", str(tmp_path / f"{'v' * 300}.wav"), "--plot", "x.png"]) == 2


def test_a_film_with_a_name_that_is_not_utf8_is_read(files, tmp_path):
    path = tmp_path / "caf\udce9.mp4"
    path.write_bytes((files / "silent.mp4").read_bytes())
    assert predict.media.probe_video(path) == predict.media.probe_video(files / "silent.mp4")
    sound = tmp_path / "caf\udce9.wav"
    sound.write_bytes((files / "voice.wav").read_bytes())
    assert len(predict.media.read_sound(sound)) == len(
        predict.media.read_sound(files / "voice.wav")
    )


def test_a_pipe_is_no_recording(tmp_path, capsys):
    """To open one waits for somebody who writes into it, for ever."""
    os.mkfifo(tmp_path / "pipe.wav")
    assert cli.main(["predict", str(tmp_path / "pipe.wav")]) == 2
    assert "neither a file nor a folder" in capsys.readouterr().err


def test_all_files_or_none(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(EmolibError, match="cannot be written"):
        predict.write({tmp_path / "a": b"1", tmp_path / "gone" / "c": b"2"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b"]


# ---------------------------------------------------------------- what is said


def said(**odds):
    rows = pd.DataFrame([{"begin": 0.0, "used": "face", **odds}])
    return predict.Said(rows, tuple(odds), ())


@pytest.mark.parametrize(
    "odds, word",
    [
        ({"sad": 0.7, "neutral": 0.3}, "sad (0.70), then neutral (0.30)"),
        ({"sad": 0.4, "neutral": 0.6}, "no emotion stands out, neutral (0.60), then sad (0.40)"),
        ({"sad": 0.35, "fear": 0.33, "neutral": 0.32}, "unclear, sad (0.35) or fear (0.33)"),
    ],
)
def test_a_neutral_or_unclear_answer_is_no_emotion(odds, word):
    assert said(**odds).word == word


def test_a_part_that_is_quiet_beside_the_whole_holds_no_speech():
    time = np.arange(40_000) / 16_000
    loud = np.sin(2 * np.pi * 300 * time).astype(np.float32)
    assert predict._spoken(loud, loud).shape[0] == utterance.BANDS
    assert predict._spoken(0.01 * loud, loud) is None
    assert predict._spoken(loud[:4000], loud) is None


class Sure:
    """Half of the odds are angry's where it learnt, and its pictures say nothing."""

    classes, prior = ("angry", "happy"), np.array([0.8, 0.2])

    def logits(self, fed):
        return np.log(np.array([[0.8, 0.2]]))


def test_emotions_that_were_common_where_it_learnt_are_not_likelier_here():
    networks = object.__new__(predict.Networks)
    networks.classes = ("angry", "happy")
    with pytest.raises(KeyError):
        networks._named(
            Sure(), predict.even_odds(Sure(), None)
        )  # a network without neutral is no witness here
    Sure.classes, Sure.prior = ("angry", "neutral"), np.array([0.8, 0.2])
    networks.classes = ("angry", "neutral")
    assert np.allclose(networks._named(Sure(), predict.even_odds(Sure(), None)), 0.5)


def test_each_look_is_asked_once_however_many_segments_it_is_part_of(files, tmp_path):
    pytest.importorskip("dlib")
    short = np.concatenate(list(media.iterate_frames(files / "silent.mp4", 64)))  # 2 s
    sim_files.save_mp4(tmp_path / "long.mp4", np.concatenate([short] * 3), 30)
    asked = []

    class Counting(Fixed):
        def seen(self, faces):
            asked.append(len(faces))
            return super().seen(faces)

    said = predict.predict(tmp_path / "long.mp4", model=Counting())
    assert len(said.segments) == 8 and len(asked) == 1 and 20 <= asked[0] <= 26


@pytest.fixture
def shipped():
    """Both networks as they come; the test is skipped, loudly, in a checkout without them."""
    for name in trained.NAMES:
        if not (trained.FOLDER / f"{name}.safetensors").exists():
            pytest.skip(f"NOT TESTED: no weights of '{name}' in {trained.FOLDER}")
    return predict.Networks()
