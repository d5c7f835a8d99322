"""The networks that come with emolib: what they are fed depends on the face and the voice alone, their files are what they were, and their recipes teach."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torchaudio.functional import resample

from emolib import data as datasets
from emolib.features import portrait, utterance
from emolib.ground.errors import Damaged, EmolibError
from emolib.models import trained
from emolib.models.classifiers import efficientnet_lite0, lite0_at_hand
from emolib.reproduction import runs
from emolib.reproduction.studies.shipped import faces, speech

pytestmark = pytest.mark.usefixtures("one_thread")


# ---------------------------------------------------------------- faces as they are fed


def head(scale=1.0, turn=0.0, middle=(150.0, 140.0), size=(300, 320)):
    """A picture (H, W) of three discs at eyes and mouth, and the 68 points that a detector would
    give: a jaw, two eyes, a mouth."""
    jaw = np.stack([np.linspace(-58, 58, 17), 70 - np.linspace(-1, 1, 17) ** 2 * 60], 1)
    rest = np.tile([0.0, 20.0], (19, 1))  # brows and nose: inside
    ring = np.stack([np.cos(np.arange(6)), np.sin(np.arange(6))], 1)
    ring = 5 * (ring - ring.mean(0))
    lips = np.stack([np.cos(np.arange(20)), np.sin(np.arange(20))], 1)
    lips = 8 * (lips - lips.mean(0))
    eyes = [ring + [-25, 0], ring + [25, 0]]
    points = np.concatenate([jaw, rest, *eyes, lips + [0, 56]])
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = points @ matrix.T + middle
    y, x = np.mgrid[: size[0], : size[1]]
    picture = np.full(size, 60.0)
    for k, grey in ((slice(36, 42), 250), (slice(42, 48), 200), (slice(48, 68), 130)):
        at = points[k].mean(0)
        picture[np.hypot(x - at[0], y - at[1]) < 9 * scale] = grey
    return picture.round().astype(np.uint8), points


def test_a_portrait_has_its_eyes_and_mouth_where_fer2013_has_them():
    picture, points = head()
    look = portrait.portraits(picture[None], points[None])[0].astype(float)
    right, left = look == look[:, :24].max(), look[:, 24:] > 190
    middle = (np.argwhere(look > 180).mean(0) + 0.5) / 48  # of both eyes, row and column
    assert abs(middle[0] - portrait.EYES_AT[1]) < 0.02 and right.any() and left.any()
    mouth = (np.argwhere((look > 115) & (look < 145))[:, 0].max() + 0.5) / 48
    assert 0.75 < mouth < 0.95


@given(st.floats(0.5, 2.0), st.floats(-0.6, 0.6), st.floats(120, 180), st.floats(120, 170))
def test_a_portrait_does_not_depend_on_size_turn_or_place(scale, turn, x, y):
    plain = portrait.portraits(*(v[None] for v in head()))[0].astype(float)
    moved = portrait.portraits(*(v[None] for v in head(scale, turn, (x, y))))[0].astype(float)
    assert np.abs(plain - moved).mean() < 6  # of 255; edges of the discs are pixels
    assert np.corrcoef(plain.ravel(), moved.ravel())[0, 1] > 0.95


def test_points_without_a_face_are_said():
    picture, points = head()
    with pytest.raises(EmolibError, match="expected finite"):
        portrait.portraits(picture[None], points[None] * np.nan)


@given(st.floats(0.3, 3.0), st.floats(-60, 60))
def test_light_and_contrast_are_taken_out_of_a_face(gain, offset):
    x = torch.from_numpy(np.random.default_rng(0).normal(128, 20, (2, 1, 8, 8))).float()
    assert torch.allclose(
        trained.standardised(x), trained.standardised(gain * x + offset), atol=1e-4
    )


def test_a_blank_face_is_no_noise():
    x = torch.full((1, 1, 48, 48), 99.0) + 0.1 * torch.randn(1, 1, 48, 48)
    assert trained.standardised(x).abs().max() < 0.2


def test_faces_of_another_kind_are_refused():
    with pytest.raises(EmolibError, match="expected uint8"):
        trained.face_fed(np.zeros((2, 50, 48), np.uint8))


# ---------------------------------------------------------------- voices as they are fed


def voice(seconds=1.5, rate=16_000):
    """A gliding tone with overtones between two silences."""
    time = np.arange(int(seconds * rate)) / rate
    glide = 2 * np.pi * (180 * time + 60 * time**2)
    tone = sum(np.sin(k * glide) / k for k in (1, 2, 3, 5)) * np.hanning(len(time))
    return np.pad(0.2 * tone, rate // 2).astype(np.float32)


@given(st.floats(0.001, 50), st.floats(-0.5, 0.5))
def test_gain_and_offset_are_not_in_the_picture_of_a_voice(gain, offset):
    plain = utterance.picture(voice(), 16_000)
    other = utterance.picture((gain * voice() + gain * offset).astype(np.float32), 16_000)
    assert plain.shape == other.shape and np.abs(plain - other).max() < 0.5  # decibels


def test_the_rate_is_not_in_the_picture_of_a_voice():
    wave = voice()
    plain = utterance.picture(wave, 16_000)
    other = utterance.picture(resample(torch.from_numpy(wave), 16_000, 44_100).numpy(), 44_100)
    frames = min(plain.shape[1], other.shape[1])
    assert abs(plain.shape[1] - other.shape[1]) <= 1
    assert np.abs(plain[:100, :frames] - other[:100, :frames]).mean() < 1.5


def test_silent_ends_are_cut_off_and_a_steady_sound_has_no_frame():
    seconds = utterance.picture(voice(1.5), 16_000).shape[1] * utterance.HOP / utterance.RATE
    assert 1.0 < seconds < 1.7
    assert utterance.picture(np.full(16_000, 0.3, np.float32), 16_000).shape == (utterance.BANDS, 0)
    with pytest.raises(EmolibError, match="expected at least"):
        utterance.picture(voice()[:500], 16_000)


@given(st.integers(1, 700))
def test_windows_cover_every_frame(frames):
    picture = np.arange(1, frames + 1, dtype=np.float32)[None].repeat(utterance.BANDS, 0)
    cut = utterance.windows(picture)
    assert cut.shape[1:] == (utterance.BANDS, utterance.FRAMES)
    assert set(np.unique(cut)) - {0.0} == set(range(1, frames + 1))


# ---------------------------------------------------------------- what recipes show


@pytest.mark.parametrize("side", [64, 96])
def test_a_face_is_moved_by_its_generator_alone(side):
    images = torch.randint(0, 256, (12, 48, 48), dtype=torch.uint8)
    make = lambda seed: faces.moved(images, side, torch.Generator().manual_seed(seed))  # noqa: E731
    torch.manual_seed(1)
    one = make(3)
    torch.manual_seed(2)
    assert torch.equal(one, make(3)) and not torch.equal(one, make(4))
    assert one.shape == (12, 3, side, side) and torch.isfinite(one).all()


def test_a_face_that_is_not_moved_is_only_mirrored():
    images = torch.randint(0, 256, (12, 48, 48), dtype=torch.uint8)
    still = faces.moved(images, 96, torch.Generator().manual_seed(0), much=0.0)
    plain = trained.face_fed(images)
    as_it_is = (still - plain).abs().amax((1, 2, 3))
    mirrored = (still - plain.flip(-1)).abs().amax((1, 2, 3))
    assert torch.minimum(as_it_is, mirrored).max() < 1e-3
    assert 0 < (as_it_is < 1e-3).sum() < 12, "some are mirrored, some are not"
    whole = faces.moved(images, 96, torch.Generator().manual_seed(0))
    assert (whole - plain).abs().amax((1, 2, 3)).min() > 0.1


def test_a_run_goes_on_from_the_weights_of_another(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_CACHE", str(tmp_path))
    known = datasets.load("ferplus", source="simulated", targets="cross_entropy", profile="smoke")
    common = {"data": datasets.reference(known), "sides": [32], "batch": 16, "train": 32}
    common |= {"seed": 0, "weight_decay": 0.0, "average": 0.5}
    first = common | {"rate": 1e-2}
    (before,) = runs.map(faces.run, [first], jobs=1)
    still = faces.run(**common, rate=1e-12, begin=first)["weights"]["conv_stem.weight"]
    np.testing.assert_allclose(still, before["weights"]["conv_stem.weight"], atol=1e-6)
    begun = faces.run(**common, rate=1e-12)["weights"]["conv_stem.weight"]
    assert np.abs(begun - still).max() > 1e-3


@pytest.mark.parametrize("stretched", [True, False])
def test_a_voice_stays_in_its_window(stretched):
    x = torch.zeros(6, utterance.BANDS, 220)
    frames = torch.tensor([20, 60, 100, 192, 205, 220])
    for row, count in enumerate(frames):
        x[row, :, :count] = 45.0
    where = speech._placed(x[:, None], frames, torch.Generator().manual_seed(0), stretched)[:, 0]
    kept = (where[:, utterance.BANDS // 2] > 20).sum(1)  # frames with sound, in the middle band
    tempo = kept / torch.clamp(frames, max=utterance.FRAMES)
    assert (tempo > 0.8).all() and (tempo < 1.2).all()
    if not stretched:
        assert torch.allclose(tempo, torch.ones(6), atol=0.06)


@given(st.floats(0, 1))
def test_mixed_labels_are_the_shares_of_mixed_pictures(share):
    y = speech.one_hot(torch.arange(8))
    x = y[:, None, None].clone()  # each picture is its label
    mixed_x, mixed_y = speech.mixed(x, y, share, torch.Generator().manual_seed(0))
    assert torch.allclose(mixed_x[:, 0, 0], mixed_y) and torch.allclose(
        mixed_y.sum(1), torch.ones(8)
    )


# ---------------------------------------------------------------- their files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "FOLDER", tmp_path)
    trained.load.cache_clear()
    yield tmp_path
    trained.load.cache_clear()


def written(folder, harm=lambda state, about: None):
    net = efficientnet_lite0(classes=7, pretrained="none")
    state = {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    about = {"classes": list("abcdefg"), "prior": [1 / 7] * 7, "mirrored": True, "trial": ""}
    harm(state, about)
    save_file(state, folder / "faces.safetensors", metadata={"about": json.dumps(about)})
    return net.eval()


def test_a_network_from_its_file_says_what_it_said(folder):
    net = written(folder)
    fed = trained.face_fed(np.random.default_rng(0).integers(0, 256, (3, 48, 48), np.uint8))
    with torch.no_grad():
        odds = (net(fed).softmax(1) + net(fed.flip(-1)).softmax(1)) / 2
    assert np.allclose(np.exp(trained.load("faces").logits(fed)), odds, atol=5e-3)


@pytest.mark.parametrize(
    "harm",
    [
        lambda state, about: state.pop("classifier.weight"),
        lambda state, about: about.pop("prior"),
        lambda state, about: about.update(classes=["a", "b"]),
    ],
)
def test_a_damaged_file_is_said_in_a_line(folder, harm):
    written(folder, harm)
    with pytest.raises(Damaged, match="install emolib anew"):
        trained.load("faces")
    with pytest.raises(EmolibError, match="faces"):
        trained.load("face")


def shipped(name):
    if not (trained.FOLDER / f"{name}.safetensors").exists():
        pytest.skip(f"NOT TESTED: no weights of '{name}' in {trained.FOLDER}")
    return trained.load(name)


@pytest.mark.parametrize("name", trained.NAMES)
def test_weights_come_with_their_card_and_are_small(name):
    network = shipped(name)
    path = trained.FOLDER / f"{name}.safetensors"
    card = path.with_suffix(".md").read_text()
    assert path.stat().st_size < 9e6
    for word in ("For what", "Not for", "Learnt from", "Terms", "How often it is right"):
        assert f"**{word}" in card
    assert len(network.classes) == len(network.prior) and network.prior.sum() == pytest.approx(
        1, abs=1e-3
    )


@pytest.mark.slow
@pytest.mark.skipif(not lite0_at_hand(), reason="NOT TESTED: EfficientNet-Lite0 is not installed")
def test_the_network_on_faces_is_right_as_often_as_its_card_says(real_data):
    from emolib.reproduction.studies.shipped import trials

    rows = trials.try_faces(shipped("faces"))
    whole = rows[(rows.emotion == "all") & (rows.counting == trials.NATURAL)]
    right = whole.set_index("set").right
    card = (trained.FOLDER / "faces.md").read_text()
    for name, share in right.items():
        assert f"| {name} | {trials.NATURAL} | all | {100 * share:.1f} " in card
    assert right["PrivateTest"] > 0.85
