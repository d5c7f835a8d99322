"""Spectrograms against librosa and torchaudio, the printed equation by hand, and a click that lands in its video frame."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolib.features import mel
from emolib.features.mel import (
    aligned,
    decibels,
    filter_bank,
    log_mel,
    log_spectrogram,
    mel_spectrogram,
    segments,
)
from emolib.ground.errors import EmolibError

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")),
]


def sound(samples=30_000, seed=0, dtype=np.float64):
    """A gliding tone with a gap of silence and a little noise."""
    rng, t = np.random.default_rng(seed), np.arange(samples) / 22_050
    wave = 0.4 * np.sin(2 * np.pi * (200 + 1500 * t) * t) + 0.02 * rng.standard_normal(samples)
    wave[samples // 2 : samples // 2 + 4000] = 0
    return wave.astype(dtype)


def librosas(wave, rate=22_050, scale="slaney"):
    """Mel power and its decibels, both (frames, bands)."""
    import librosa

    power = librosa.feature.melspectrogram(
        y=wave, sr=rate, n_fft=2048, hop_length=512, n_mels=128, htk=scale == "htk", norm="slaney"
    )
    return power.T, librosa.power_to_db(power).T


def apart(a, b):
    """Largest difference relative to the largest value."""
    return np.abs(np.asarray(a) - b).max() / np.abs(b).max()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype, close", [(np.float64, 1e-6), (np.float32, 1e-5)])
@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_equal_to_librosa_on_both_scales(scale, dtype, close, device):
    wave = sound(dtype=dtype)
    power, loud = librosas(wave, scale=scale)
    given = wave if device == "cpu" else torch.as_tensor(wave, device=device)
    ours = np.asarray(torch.as_tensor(mel_spectrogram(given, scale=scale)).cpu())
    decibel = np.asarray(torch.as_tensor(log_mel(given, scale=scale)).cpu())
    assert type(mel_spectrogram(given)) is type(given)
    assert ours.dtype == dtype and ours.shape == (1 + 30_000 // 512, 128)
    assert apart(ours, power) < close
    assert np.abs(decibel - loud).max() < (1e-4 if dtype == np.float64 else 5e-3)  # in dB of 80


def test_equal_to_torchaudio():
    from torchaudio.transforms import MelSpectrogram

    wave = torch.as_tensor(np.stack([sound(seed=0), sound(seed=1)]))
    for scale in mel.SCALES:
        theirs = MelSpectrogram(
            22_050,
            2048,
            hop_length=512,
            n_mels=128,
            pad_mode="constant",
            norm="slaney",
            mel_scale=scale,
        ).double()
        ours = mel_spectrogram(wave, scale=scale)
        assert (
            isinstance(ours, torch.Tensor) and apart(ours, theirs(wave).mT.numpy()) < 1e-5
        )  # its filters are float32


@pytest.mark.parametrize(
    "rate, n_fft, bands",
    [(22_050, 2048, 128), (16_000, 512, 40), (16_000, 2048, 128), (44_100, 4096, 64)],
)
def test_filter_bank_is_librosas(rate, n_fft, bands):
    import librosa

    for scale in mel.SCALES:
        theirs = librosa.filters.mel(
            sr=rate, n_fft=n_fft, n_mels=bands, htk=scale == "htk", norm="slaney", dtype=np.float64
        )
        bank = filter_bank(rate, n_fft, bands, scale)
        np.testing.assert_allclose(bank.T, theirs, rtol=1e-9, atol=1e-15)
        assert filter_bank(rate, n_fft, bands, scale) is bank  # made once
    assert (
        apart(filter_bank(rate, n_fft, bands), filter_bank(rate, n_fft, bands, "htk").numpy()) > 0.1
    )


def test_the_printed_equation_and_its_inverse():
    """Eq. 7 by hand: 1000 Hz is 2595 log10(17/7) = 999.99 mel; 700 Hz is 2595 log10 2."""
    assert float(mel.htk_mel(700)) == pytest.approx(2595 * math.log10(2), rel=1e-14)
    assert float(mel.htk_mel(1000)) == pytest.approx(999.9855, abs=1e-3)
    assert float(mel.slaney_mel(200 / 3)) == pytest.approx(1) and float(
        mel.slaney_mel(6400)
    ) == pytest.approx(42)
    f = torch.linspace(0, 11_025, 500, dtype=torch.float64)
    for there, back in ((mel.htk_mel, mel.htk_hertz), (mel.slaney_mel, mel.slaney_hertz)):
        torch.testing.assert_close(back(there(f)), f)
        assert (there(f).diff() > 0).all()


def test_a_batch_is_its_clips_one_by_one_each_with_its_own_floor():
    waves = np.stack([sound(seed=0), 0.01 * sound(seed=1), np.zeros(30_000)])
    together = log_mel(waves)
    assert together.shape == (3, 59, 128)
    for row, wave in zip(together, waves):
        np.testing.assert_allclose(row, log_mel(wave), atol=1e-9)
    assert (
        together[1].max() - together[1].min() == pytest.approx(80) and (together[2] == -100).all()
    )
    assert decibels(np.array([[1.0, 10.0, 1e-30]])).tolist() == [[0.0, 10.0, -70.0]]


def test_views_and_read_only_arrays_are_taken():
    wave, stereo = sound(8000), np.stack([sound(8000), sound(8000, 1)], 1)
    fixed = wave.copy()
    fixed.setflags(write=False)
    np.testing.assert_array_equal(log_mel(wave[::-1][::-1]), log_mel(fixed))
    np.testing.assert_allclose(log_mel(stereo[:, 0]), log_mel(wave), atol=1e-9)
    assert log_mel(wave[::-1]).shape == (16, 128)


@given(st.floats(0.01, 100))
def test_louder_by_a_factor_is_higher_by_its_decibels(gain):
    wave = sound(8000)
    np.testing.assert_allclose(
        log_mel(gain * wave), log_mel(wave) + 20 * math.log10(gain), atol=1e-6
    )


@pytest.mark.parametrize("frequency", [150, 440, 1000, 3000, 8000])
@pytest.mark.parametrize("scale", mel.SCALES)
def test_a_tone_is_loudest_in_the_band_around_it(scale, frequency):
    tone = np.sin(2 * np.pi * frequency * np.arange(22_050) / 22_050)
    band = int(log_mel(tone, scale=scale)[20].argmax())
    to_mel = mel.slaney_mel if scale == "slaney" else mel.htk_mel
    place = (
        float(to_mel(frequency) / to_mel(11_025)) * 129 - 1
    )  # bands are centred on 1 ... 128 of 129 equal steps
    assert abs(band - place) <= 1


# ---- video frames


@pytest.mark.parametrize(
    "rate, hop, fps",
    [(22_050, 512, 25), (22_050, 512, 30), (22_050, 512, 30_000 / 1001), (16_000, 160, 30)],
)
def test_a_click_is_loudest_in_the_frame_it_falls_into(rate, hop, fps):
    for frame in range(3, 40, 4):
        wave = np.zeros(2 * rate)
        wave[round((frame + 0.5) / fps * rate)] = 1.0
        rows = mel_spectrogram(wave, rate, hop_length=hop, bands=64)
        assert int(aligned(rows, rate, hop, fps, int(2 * fps)).sum(1).argmax()) == frame


@pytest.mark.parametrize(
    "fps, frames", [(25, 50), (30, 60), (30, 31), (60, 120), (200, 400), (1, 2)]
)
def test_rows_are_averaged_or_taken_from_the_nearest(fps, frames):
    """Against the rule, frame by frame and row by row."""
    rows = np.random.default_rng(0).random((87, 5))  # 2.02 s
    time = np.arange(87) * 512 / 22_050
    expected = np.empty((frames, 5))
    for t in range(frames):
        inside = (time >= t / fps) & (time < (t + 1) / fps)
        expected[t] = (
            rows[inside].mean(0) if inside.any() else rows[np.abs(time - (t + 0.5) / fps).argmin()]
        )
    ours = aligned(rows, 22_050, 512, fps, frames)
    assert ours.shape == (frames, 5) and ours.dtype == np.float64
    np.testing.assert_allclose(ours, expected)
    assert isinstance(aligned(torch.as_tensor(rows), 22_050, 512, fps, frames), torch.Tensor)


def test_a_border_belongs_to_the_later_frame_and_a_short_sound_is_refused():
    rows = np.arange(10.0)[:, None]  # one row each 0.1 s, frames of 0.3 s: 0 1 2 | 3 4 5 | ...
    np.testing.assert_allclose(aligned(rows, 1000, 100, 10 / 3, 3)[:, 0], [1, 4, 7])
    assert aligned(rows, 1000, 100, 10, 20)[10:, 0].tolist() == [9.0] * 10
    with pytest.raises(EmolibError, match="ends 1.1 s before the video"):
        aligned(rows, 1000, 100, 10, 21)


# ---- chang's linear spectrogram


def test_linear_spectrogram_is_librosas_and_a_second_is_250_frames():
    import librosa

    wave = sound(16_000)
    ours = log_spectrogram(wave)
    assert ours.shape == (257, 250)
    padded = np.pad(wave, (512 - 64) // 2)
    theirs = librosa.power_to_db(
        np.abs(librosa.stft(padded, n_fft=512, hop_length=64, center=False)) ** 2
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    click = np.zeros(16_000)
    click[100 * 64 + 32] = 1
    assert log_spectrogram(click).sum(0).argmax() == 100


@given(st.integers(250, 1500), st.sampled_from([0.0, 0.25, 0.5, 0.8]))
def test_segments_are_pieces_of_the_whole_at_equal_steps(frames, overlap):
    whole = np.arange(3 * frames, dtype=float).reshape(3, frames)
    cut = segments(whole, 1.0, overlap)
    step = round(250 * (1 - overlap))
    assert cut.shape == ((frames - 250) // step + 1, 3, 250)
    for i, piece in enumerate(cut):
        assert (piece == whole[:, i * step : i * step + 250]).all()


def test_segments_of_a_clip():
    wave = torch.as_tensor(sound(56_000, dtype=np.float32))  # 3.5 s, as RAVDESS
    assert segments(log_spectrogram(wave)).shape == (6, 257, 250) and segments(
        log_spectrogram(wave), overlap=0
    ).shape == (3, 257, 250)
    cut = segments(np.zeros(500))
    cut[0] = 1  # pieces are copies: one may be changed
    assert (cut[1] == 0).all()


# ---- what cannot be used


def broken(at, value):
    wave = sound(5000)
    wave[at] = value
    return wave


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: log_mel(sound(2047)), "2047 samples, expected at least one window of 2048"),
        (lambda: log_mel(np.zeros(0)), r"shape \(0,\)"),
        (lambda: log_mel(np.zeros((2, 2, 4000))), r"shape \(2, 2, 4000\)"),
        (lambda: log_mel(np.zeros((4000, 2))), "2 samples"),
        (lambda: log_mel(np.zeros(4000, np.int16)), "int16, expected floats"),
        (lambda: log_mel(torch.zeros(4000, dtype=torch.int16)), "expected floats"),
        (lambda: log_mel("voice.wav"), "expected floats"),
        (lambda: log_mel(broken(77, np.nan)), "nan at sample 77"),
        (lambda: log_mel(broken(9, np.inf)), "inf at sample 9"),
        (lambda: log_mel(sound(5000), 0), "rate is 0"),
        (lambda: log_mel(sound(5000), 22_050.5), "rate is 22050.5"),
        (lambda: log_mel(sound(5000), hop_length=-1), "hop_length is -1"),
        (lambda: log_mel(sound(5000), scale="bark"), "slaney or htk"),
        (lambda: log_mel(sound(5000), n_fft=256), "mel band .* holds no bin"),
        (lambda: log_spectrogram(sound(511)), "511 samples"),
        (lambda: log_spectrogram(sound(5000), 22_050), "22050 Hz, expected 16000; resample"),
        (lambda: segments(np.zeros(249)), "no segment of 250"),
        (lambda: segments(np.zeros(500), overlap=1), "overlap 1"),
        (lambda: aligned(np.zeros(9), 22_050, 512, 30, 3), r"shape \(9,\)"),
        (lambda: aligned(np.zeros((9, 2)), 22_050, 512, 0, 3), "fps above 0"),
        (lambda: aligned(np.zeros((9, 2)), 22_050, 512, 30, 0), "frames is 0"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(call, said):
    with pytest.raises(EmolibError, match=said) as error:
        call()
    assert "\n" not in str(error.value)


def test_real_speech_equals_librosa(real_data):
    """Three clips of RAVDESS (16 kHz here), as they are and resampled to the rate of the paper."""
    import soundfile
    from torchaudio.functional import resample

    clips = [
        p
        for a in ("01", "12", "24")
        for p in sorted((real_data / "ravdess" / f"Actor_{a}").glob("03-01-05-02-*"))[:1]
    ]
    if len(clips) < 3:
        pytest.skip(
            f"NOT TESTED ON REAL DATA: no RAVDESS speech of actors 1, 12 and 24 in {real_data}"
        )
    for clip in clips:
        wave, rate = soundfile.read(clip)
        for wave_, rate_ in (
            (wave, rate),
            (resample(torch.as_tensor(wave), rate, 22_050).numpy(), 22_050),
        ):
            for scale in mel.SCALES:
                power, loud = librosas(wave_, rate_, scale)
                assert apart(mel_spectrogram(wave_, rate_, scale=scale), power) < 1e-6, clip
                assert np.abs(log_mel(wave_, rate_, scale=scale) - loud).max() < 1e-3, clip
