"""Eulerian magnification: by signals whose growth is known, and by a slow float64 reference of the whole pipeline."""

import warnings

import numpy as np
import pytest
import sim_files
import torch
from hypothesis import given
from hypothesis import strategies as st

from emolib import evm
from emolib.data import media
from emolib.evm import bands, magnifier, pyramid
from emolib.ground.errors import EmolibError
from emolib.reproduction.cli import main as cli

FPS = 30.0


# ---- signals


def flickering(count=300, size=32, hertz=(0.2, 1.0, 6.0), dtype=np.uint8, fps=FPS):
    """Grey frames whose brightness carries sines of amplitude 1, dithered so that whole numbers hold them."""
    time = np.arange(count) / fps
    level = 120 + sum((np.sin(2 * np.pi * f * time) for f in hertz), np.zeros(count))
    noise = (
        np.random.default_rng(0).uniform(-0.5, 0.5, (count, size, size, 3))
        if dtype == np.uint8
        else 0
    )
    film = level[:, None, None, None] + np.zeros((count, size, size, 3)) + noise
    return np.round(film).astype(dtype) if dtype == np.uint8 else film.astype(dtype)


def swaying(amplitude, wave=32.0, size=128, count=150, hertz=1.0, dtype=np.float32):
    """A grating of wavelength `wave` pixels that sways by `amplitude` pixels."""
    moved = amplitude * np.sin(2 * np.pi * hertz * np.arange(count) / FPS)
    line = 128 + 40 * np.sin(2 * np.pi * (np.arange(size) - moved[:, None]) / wave)
    return np.repeat(np.repeat(line[:, None, :, None], size, 1), 1, 3).astype(dtype)


def tone(signal, hertz, fps=FPS):
    time = np.arange(len(signal)) / fps
    return 2 * abs(np.mean((signal - signal.mean()) * np.exp(-2j * np.pi * hertz * time)))


def brightness(film):
    return film[:, 8:-8, 8:-8].astype(np.float64).mean((1, 2, 3))


def place(film, wave=32.0):
    """Where the grating is, in pixels: from the phase of the middle of the picture."""
    size = film.shape[2]
    start, end = size // 2 - int(wave), size // 2 + int(wave)
    turn = np.exp(-2j * np.pi * np.arange(start, end) / wave)
    return (
        -np.unwrap(
            np.angle(
                (
                    film[:, size // 4 : -size // 4, start:end].astype(np.float64).mean((1, 3))
                    * turn
                ).mean(1)
            )
        )
        * wave
        / (2 * np.pi)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize(
    "alpha,gain,expected", [(5, "1+alpha", 6.0), (20, "1+alpha", 21.0), (5, "1+alpha/2", 3.5)]
)
def test_what_is_in_the_band_grows_and_nothing_else(dtype, alpha, gain, expected):
    film = flickering(dtype=dtype)
    out = evm.magnify(film, FPS, 0.8, 3.0, alpha, gain=gain)
    assert out.dtype == dtype and out.shape == film.shape
    grown = [tone(brightness(out), f) / tone(brightness(film), f) for f in (0.2, 1.0, 6.0)]
    assert grown[1] == pytest.approx(expected, rel=0.02 if dtype == np.uint8 else 1e-4)
    assert grown[0] == pytest.approx(1, abs=0.02) and grown[2] == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("fps", [12.5, 23.976, 59.94])
def test_any_frame_rate(fps):
    count = round(10 * fps)
    film = flickering(count, hertz=(fps * 10 / count,), dtype=np.float32, fps=fps)
    out = evm.magnify(film, fps, 0.8, 3.0, 5)
    assert np.ptp(brightness(out)) / np.ptp(brightness(film)) == pytest.approx(6, rel=0.01)


@pytest.mark.parametrize("mode", evm.MODES)
@pytest.mark.parametrize("filter", evm.FILTERS)
def test_alpha_0_changes_nothing(mode, filter):
    film = np.random.default_rng(1).integers(0, 256, (60, 33, 47, 3), np.uint8)
    for given_ in (film, film.astype(np.float32), torch.from_numpy(film), film.astype(np.float64)):
        out = evm.magnify(given_, FPS, 0.8, 3.0, 0, mode=mode, filter=filter)
        assert type(out) is type(given_) and out.dtype == given_.dtype and (out == given_).all()


@pytest.mark.parametrize("amplitude", [0.02, 0.05, 0.1, 0.2])
def test_a_small_motion_grows_by_one_plus_alpha(amplitude):
    """Waves of 32 pixels: the bound on (1 + alpha) * displacement is 4 pixels, reached at 0.364; up to 0.2 the phase follows within 10 %."""
    film = swaying(amplitude)
    with warnings.catch_warnings():
        warnings.simplefilter("error", evm.TooLarge)
        out = evm.magnify(film, FPS, 0.8, 5.0, 10, mode="motion")
    assert tone(place(film), 1) == pytest.approx(amplitude, rel=1e-3)
    assert tone(place(out), 1) / amplitude == pytest.approx(11, rel=0.10)


@pytest.mark.parametrize("amplitude,warns", [(0.34, False), (0.40, True), (1.0, True)])
def test_beyond_the_bound_it_warns(amplitude, warns):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        out = evm.magnify(swaying(amplitude), FPS, 0.8, 5.0, 10, mode="motion")
    assert [w.category for w in said] == [evm.TooLarge] * warns
    if not warns:  # what is added is still the displacement times the slope: within 10 % of the brightness that is meant
        slope = 40 * 2 * np.pi / 32 * amplitude * 10
        added = tone((out - swaying(amplitude)).astype(np.float64)[:, 64, 64, 0], 1)
        assert added == pytest.approx(slope, rel=0.10)


def test_shorter_waves_are_magnified_less():
    assert [round(pyramid.passed(k), 1) for k in range(4)] == [5.0, 10.0, 21.1, 42.7]
    settings = magnifier.Settings(FPS, 0.8, 5, 10, mode="motion", wavelength=42)
    assert magnifier.attenuated(settings, range(4)) == pytest.approx(
        {0: 0.309, 1: 1.616, 2: 4.516, 3: 10}, abs=0.01
    )
    fine, coarse = swaying(0.05, 8.0), swaying(0.05, 64.0)
    grown = [
        tone(place(evm.magnify(f, FPS, 0.8, 5, 10, mode="motion", wavelength=64), w), 1) / 0.05
        for f, w in ((fine, 8.0), (coarse, 64.0))
    ]
    assert grown[0] < 2 and grown[1] > 6
    assert (
        tone(place(evm.magnify(coarse, FPS, 0.8, 5, 10, mode="motion", wavelength=0), 64.0), 1)
        / 0.05
        > grown[1]
    )


def test_motion_leaves_flicker_alone():
    film = flickering(size=64, dtype=np.float32)
    assert np.abs(evm.magnify(film, FPS, 0.8, 5, 10, mode="motion") - film).max() < 1e-3


def test_chroma_spares_the_colour():
    film = flickering(dtype=np.float64, hertz=())
    film[..., 0] += np.sin(2 * np.pi * np.arange(300) / FPS)[:, None, None]
    change = (evm.magnify(film, FPS, 0.8, 3, 5, chroma=0.0) - film)[:, 16, 16]
    assert np.allclose(change, change[:, :1]) and tone(change[:, 0], 1) == pytest.approx(
        5 * 0.299, rel=1e-3
    )


# ---- the reference: every level of every frame by hand, in float64


def reference(video, fps, low, high, alpha, mode, levels, wavelength):
    """Wu et al. word by word: build the pyramid of each frame, filter each level over time, weigh, collapse, add."""

    def smooth(x, axis, weights):
        n = x.shape[axis]
        index = np.abs(np.arange(-2, n + 2))
        index = np.where(index >= n, 2 * (n - 1) - index, index)
        padded = np.take(x, index, axis)
        return sum(w * np.take(padded, np.arange(k, k + n), axis) for k, w in enumerate(weights))

    def down(x):
        kernel = np.array([1, 4, 6, 4, 1]) / 16
        return smooth(smooth(x, 1, kernel), 2, kernel)[:, ::2, ::2]

    def up(x, shape):
        out = np.zeros((len(x), *shape, x.shape[-1]))
        out[:, ::2, ::2] = x
        kernel = np.array([1, 4, 6, 4, 1]) / 8
        return smooth(smooth(out, 1, kernel), 2, kernel)

    def band(x):
        spectrum = np.fft.fft(x, axis=0)
        hertz = np.abs(np.fft.fftfreq(len(x), 1 / fps))
        spectrum[(hertz < low) | (hertz > high)] = 0
        return np.fft.ifft(spectrum, axis=0).real

    pyramids = [video.astype(np.float64)]
    for _ in range(levels):
        pyramids.append(down(pyramids[-1]))

    def collapse(x, level):
        for k in range(level, 0, -1):
            x = up(x, pyramids[k - 1].shape[1:3])
        return x

    if mode == "color":
        return video + alpha * collapse(band(pyramids[-1]), levels)
    factors = [
        min(alpha, max(0, pyramid.passed(k) * (1 + alpha) / wavelength - 1)) for k in range(levels)
    ]
    laplace = [g - up(pyramids[k + 1], g.shape[1:3]) for k, g in enumerate(pyramids[:-1])]
    total = sum(factors[k] * collapse(band(laplace[k]), k) for k in range(1, levels))
    return (
        video + total + factors[1] / 4 * collapse(band(laplace[1]), 1)
    )  # what the finest level took from longer waves


@pytest.mark.parametrize(
    "mode,levels,wavelength",
    [
        ("color", 0, 8),
        ("color", 1, 8),
        ("color", 2, 8),
        ("motion", 2, 8),
        ("motion", 3, 40),
        ("motion", 3, 8),
    ],
)
@pytest.mark.parametrize(
    "dtype,tolerance", [(np.float64, 1e-9), (np.float32, 1e-3), (np.uint8, 0.995)]
)
def test_agrees_with_the_slow_reference(mode, levels, wavelength, dtype, tolerance):
    """Sides of 2**k + 1 lines, where the mirror of the pyramid's ends is the mirror of the zeros between its lines."""
    film = (60 + 120 * np.random.default_rng(2).random((24, 17, 25, 3))).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", evm.TooLarge)
        out = evm.magnify(
            film, 12.0, 1.0, 3.0, 2.0, mode=mode, levels=levels, wavelength=wavelength
        )
    expected = reference(film, 12.0, 1.0, 3.0, 2.0, mode, levels, wavelength)
    inside = (
        (expected > 0) & (expected < 255) if dtype == np.uint8 else np.ones_like(expected, bool)
    )
    assert np.abs(out.astype(np.float64) - expected)[inside].max() < tolerance
    assert np.abs(expected - film).max() > 3


@pytest.mark.parametrize("size", [(37, 50), (8, 5), (1, 1), (2, 3)])
@pytest.mark.parametrize("times", [0, 1, 3])
def test_compiled_loops_and_tensors_are_one_filter(size, times):
    film = torch.randint(0, 256, (3, *size, 2), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    loops, tensors = (
        pyramid.Steps(*size, times, torch.float32, torch.device("cpu"), compiled)
        for compiled in (True, False)
    )
    small = loops.shrink(film)
    assert torch.allclose(small, tensors.shrink(film), atol=1e-3)
    base = film.float()
    assert torch.allclose(
        loops.grow_onto(base.clone(), small, 0.3),
        tensors.grow_onto(base.clone(), small, 0.3),
        atol=1e-3,
    )
    one, two = torch.empty_like(film), torch.empty_like(film)
    loops.add_to(film, small, one), tensors.add_to(film, small, two)
    assert (one.int() - two.int()).abs().max() <= 1 and (one == two).float().mean() > 0.98


# ---- properties

films = st.builds(
    lambda seed, h, w, c: (
        np.random.default_rng(seed).integers(60, 190, (20, h, w, c)).astype(np.uint8)
    ),
    st.integers(0, 99),
    st.integers(1, 20),
    st.integers(1, 20),
    st.sampled_from([1, 3]),
)


@given(
    films,
    st.sampled_from(["uint8", "float32", "float64", "float16"]),
    st.sampled_from(evm.MODES),
    st.sampled_from(evm.FILTERS),
    st.booleans(),
)
def test_kind_shape_and_dtype_are_kept(film, dtype, mode, filter, tensor):
    film = film.astype(dtype)
    before, video = film.copy(), torch.from_numpy(film) if tensor else film
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", evm.TooLarge)
        out = evm.magnify(video, 10.0, 1.0, 3.0, 2.0, mode=mode, filter=filter)
    assert type(out) is type(video) and out.shape == video.shape and out.dtype == video.dtype
    assert (film == before).all()  # the input is left as it was


@given(films, st.floats(0.05, 0.5), st.sampled_from(evm.FILTERS), st.sampled_from(evm.MODES))
def test_what_is_added_is_linear_in_alpha(film, alpha, filter, mode):
    film = film.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", evm.TooLarge)
        one, two = (
            evm.magnify(film, 10.0, 1.0, 3.0, a, mode=mode, filter=filter, wavelength=0) - film
            for a in (alpha, 2 * alpha)
        )
    assert np.allclose(two, 2 * one, atol=1e-9)


@given(
    st.integers(0, 255),
    st.sampled_from(evm.MODES),
    st.sampled_from(evm.FILTERS),
    st.sampled_from(["uint8", "float32", "float64"]),
)
def test_a_film_that_stands_still_stays(level, mode, filter, dtype):
    still = np.repeat(np.random.default_rng(level).integers(0, 256, (1, 12, 17, 3)), 20, 0).astype(
        dtype
    )
    assert (evm.magnify(still, 10.0, 1.0, 3.0, 20.0, mode=mode, filter=filter) == still).all()


# ---- streams and files


@pytest.mark.parametrize("filter", ["iir", "butterworth"])
@pytest.mark.parametrize("mode", evm.MODES)
def test_a_stream_gives_what_the_whole_gives(filter, mode):
    film = np.random.default_rng(3).integers(0, 256, (70, 24, 31, 3), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", evm.TooLarge)
        whole = evm.magnify(film, FPS, 0.8, 3, 5, mode=mode, filter=filter)
    frames = list(evm.stream(iter(film), FPS, 0.8, 3, 5, mode=mode, filter=filter))
    assert frames[0].shape == film.shape[1:] and (np.stack(frames) == whole).all()
    pieces = list(
        evm.stream([film[:7], film[7:50], film[50:]], FPS, 0.8, 3, 5, mode=mode, filter=filter)
    )
    assert (np.concatenate(pieces) == whole).all()


def test_causal_filters_do_what_their_theory_says():
    """The size of the response of each filter at 1 Hz, after it has settled."""
    from scipy.signal import butter, sosfreqz

    film = flickering(900, 16, (1.0,), np.float64)
    for kind in ("iir", "butterworth"):
        band = bands.Causal(kind, FPS, 0.8, 3.0)(torch.from_numpy(film))[600:, 8, 8, 0].numpy()
        if kind == "butterworth":
            expected = abs(
                sosfreqz(butter(2, (0.8, 3.0), "bandpass", fs=FPS, output="sos"), [1.0], fs=FPS)[1][
                    0
                ]
            )
        else:
            z, rates = (
                np.exp(-2j * np.pi / FPS),
                [1 - np.exp(-2 * np.pi * f / FPS) for f in (3.0, 0.8)],
            )
            expected = abs(np.subtract(*[r / (1 - (1 - r) * z) for r in rates]))
        assert tone(band, 1) == pytest.approx(expected, rel=1e-3)


def test_a_film_from_file_to_file(tmp_path, capsys):
    film = flickering(90, 48, (1.0,))
    path = sim_files.save_mp4(tmp_path / "small.mp4", film, 30)
    for filter, least in (("ideal", 4.5), ("iir", 2.0)):
        assert (
            cli.main(
                [
                    "magnify",
                    str(path),
                    "--alpha",
                    "5",
                    "--filter",
                    filter,
                    "--out",
                    str(tmp_path / f"{filter}.mp4"),
                ]
            )
            == 0
        )
        out = media.read_frames(tmp_path / f"{filter}.mp4")
        assert out.shape == film.shape and media.probe_video(tmp_path / f"{filter}.mp4").fps == 30
        assert tone(brightness(out), 1) / tone(brightness(film), 1) > least
    assert capsys.readouterr().out.splitlines()[0].endswith("ideal.mp4")
    assert (
        cli.main(["magnify", str(path), "--mode", "motion"]) == 0
        and (tmp_path / "small-motion.mp4").exists()
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "ideal.mp4",
        "iir.mp4",
        "small-motion.mp4",
        "small.mp4",
    ]  # nothing unfinished is left


@pytest.mark.parametrize(
    "arguments,hint",
    [
        (["--high", "20"], "15 Hz"),
        (["--mode", "colour"], "color"),
        (["--filter", "ideel"], "ideal"),
        (["--fps", "0"], "fps"),
        (["--low", "0"], "low"),
        (["--out", "nowhere/x.mp4"], "nowhere"),
        (["--gain", "alpha"], "1+alpha"),
        (["--alpha", "-1"], "alpha"),
        (["--out", "SAME"], "overwrite"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, capsys, arguments, hint):
    path = sim_files.save_mp4(tmp_path / "film.mp4", flickering(30, 32), 30)
    assert (
        cli.main(["magnify", str(path), *(str(path) if a == "SAME" else a for a in arguments)]) == 2
    )
    error = capsys.readouterr().err
    assert hint in error and error.count("\n") == 1 and list(tmp_path.iterdir()) == [path]


# ---- errors and warnings


def test_twenty_frames_hold_less_than_a_period():
    with pytest.warns(evm.TooShort, match="20 frames .* less than one period of 0.8 Hz"):
        evm.magnify(flickering(20), FPS, 0.8, 3, 5)
    with pytest.raises(EmolibError, match="no frequency between 0.8 and 1.2 Hz"):
        evm.magnify(flickering(20), FPS, 0.8, 1.2, 5)


@pytest.mark.parametrize(
    "bad,hint",
    [
        (dict(fps=0), "fps"),
        (dict(fps=-1), "fps"),
        (dict(fps=float("nan")), "fps"),
        (dict(high=16.0), "half the frame rate"),
        (dict(low=4.0), "above low"),
        (dict(low=0.0), "low"),
        (dict(alpha=-1), "alpha"),
        (dict(alpha=float("nan")), "alpha"),
        (dict(mode="colour"), "color"),
        (dict(filter="fft"), "filter"),
        (dict(gain="2"), "gain"),
        (dict(chroma=2.0), "chroma"),
        (dict(wavelength=-1), "wavelength"),
        (dict(levels=1.5), "levels"),
        (dict(order=0), "order"),
        (dict(high=15.0, filter="butterworth"), "less than half"),
        (dict(video=np.zeros((30, 8, 8))), "shape"),
        (dict(video=np.zeros((0, 8, 8, 3), np.uint8)), "shape"),
        (dict(video=np.zeros((30, 8, 8, 3), int)), "int64"),
        (dict(video=[1, 2]), "list"),
        (dict(video=np.zeros((60, 8, 8, 1), np.uint8), chroma=0.5), "chrominance"),
    ],
)
def test_misuse_is_one_line(bad, hint):
    with pytest.raises(EmolibError, match=hint) as caught:
        evm.magnify(
            **{"video": flickering(60, 8), "fps": FPS, "low": 0.8, "high": 3.0, "alpha": 5} | bad
        )
    assert "\n" not in str(caught.value)


def test_a_stream_refuses_what_it_cannot_do():
    with pytest.raises(EmolibError, match="whole film"):
        evm.stream([], FPS, 0.8, 3, 5, filter="ideal")
    with pytest.raises(EmolibError, match="one size"):
        list(
            evm.stream(
                [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 9, 8, 3), np.uint8)], FPS, 0.8, 3, 5
            )
        )


# ---- a pulse


@pytest.fixture(scope="module")
def pulsing():
    """A simulated face of 10 s whose skin pulses at 1.2 Hz (72 beats a minute) by half a grey level; and where the skin is."""
    from emolib.reproduction.studies.signals.plan import pulsing_face

    return pulsing_face(300, 64, 1.2, 0.5)


def peak(spectrum, low, high):
    """Hz of the largest amplitude of green between `low` and `high`."""
    inside = np.flatnonzero((spectrum.hertz >= low) & (spectrum.hertz <= high))
    return spectrum.hertz[inside[spectrum.amplitude[inside, 1].argmax()]]


def test_the_pulse_of_a_face_is_found_and_magnified(pulsing):
    film, skin = pulsing
    before, after = (
        evm.spectrum(f, FPS, skin) for f in (film, evm.magnify(film, FPS, 0.8, 3.0, 20))
    )
    for found in (before, after):
        assert 60 * peak(found, 0.8, 3.0) == pytest.approx(72, abs=2)
    at = np.abs(before.hertz - 1.2).argmin()
    assert after.amplitude[at, 1] > 8 * before.amplitude[at, 1]


def test_spectrum_of_known_sines():
    found = evm.spectrum(flickering(dtype=np.float64, hertz=(1.5, 4.0)), FPS)
    at = np.abs(found.hertz - 1.5).argmin()
    assert found.amplitude[at, 0] == pytest.approx(1, abs=0.02)
    assert peak(found, 2, 6) == pytest.approx(4, abs=0.03)
    with pytest.raises(EmolibError, match="mask"):
        evm.spectrum(flickering(30, 8), FPS, np.zeros((8, 8)))


def test_on_a_gpu_as_on_the_cpu():
    if not torch.cuda.is_available():
        pytest.skip("NOT TESTED ON A GPU: none here")
    film = np.random.default_rng(5).integers(60, 190, (60, 90, 70, 3), np.uint8)
    for mode in evm.MODES:
        for filter in evm.FILTERS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", evm.TooLarge)
                cpu, gpu = (
                    evm.magnify(
                        torch.from_numpy(film).to(d), FPS, 0.8, 3, 5, mode=mode, filter=filter
                    )
                    for d in ("cpu", "cuda")
                )
            assert gpu.is_cuda and (cpu.int() - gpu.cpu().int()).abs().max() <= 1
