"""Simulated voices: the cue table is what librosa and openSMILE hear."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from emolib.data.sim import voice
from emolib.ground.errors import EmolibError


@pytest.fixture(scope="module")
def clips():
    """24 speakers x 8 emotions x 2 sentences at normal intensity: waves, emotion and speaker of each."""
    cast = voice.speakers(5, 24)
    plan = [(s, e, k) for s in range(24) for e in voice.CUES for k in range(2)]
    return (
        [
            voice.speak(cast[s], k, e, seed=5, take=i, intensity=1 + 0.6 * k * (e != "neutral"))
            for i, (s, e, k) in enumerate(plan)
        ],
        np.array([e for _, e, _ in plan]),
        np.array([s for s, _, _ in plan]),
    )


def order(values, emotion, cue) -> float:
    """Kendall's tau between an emotion's mean value and its cue."""
    names = list(voice.CUES)
    return kendalltau(
        [np.nanmean(values[emotion == e]) for e in names], [voice.CUES[e][cue] for e in names]
    )[0]


def spoken(wave) -> np.ndarray:
    """The clip without the silence before and after it: rates are counted per second of speech, not of clip."""
    energy = np.convolve(wave**2, np.ones(400) / 400, "same")
    on = np.flatnonzero(energy > max(1e-3 * energy.max(), 4e-6))
    return wave[on[0] : on[-1] + 1]


def test_shape_range_and_repeatability():
    who = voice.speakers(0, 2)[1]
    a = voice.speak(who, 0, "angry", take=4)
    assert a.shape == (56_000,) and a.dtype == np.float32 and 0.05 < np.abs(a).max() < 1
    np.testing.assert_array_equal(a, voice.speak(who, 0, "angry", take=4))
    assert not np.array_equal(a, voice.speak(who, 0, "angry", take=5))
    jaw = voice.jaw(who, 1, "happy")
    assert jaw.shape == (280,) and jaw.min() >= 0 and 0.5 < jaw.max() <= 1
    np.testing.assert_array_equal(jaw, voice.jaw(who, 1, "happy"))
    takes = [voice.speak(who, 1, "happy", take=t).reshape(280, 200) for t in (0, 1)]
    own, other = (np.corrcoef(jaw, np.abs(w).mean(1))[0, 1] for w in takes)
    assert own > 0.7 > other, (own, other)  # it opens where its own clip sounds
    assert not np.array_equal(jaw, voice.jaw(who, 1, "happy", take=1))
    np.testing.assert_array_equal(voice.speakers(3, 4), voice.speakers(3, 9)[:4])


def test_loudness_and_rate_follow_the_cues(clips):
    waves, emotion, _ = clips
    level = np.array([10 * np.log10((w**2).mean()) for w in waves])
    assert order(level, emotion, 4) >= 0.8
    assert order(1 / np.array([len(spoken(w)) for w in waves]), emotion, 3) >= 0.8


@pytest.mark.slow
def test_pitch_and_its_range_follow_the_cues_by_pyin(clips):
    librosa = pytest.importorskip("librosa")
    waves, emotion, who = clips
    chosen = np.flatnonzero(who < 8)
    level, spread = [], []
    for i in chosen:
        f0 = librosa.pyin(
            spoken(waves[i]), fmin=65, fmax=900, sr=16_000, frame_length=1024, hop_length=512
        )[0]
        tone = 12 * np.log2(f0[np.isfinite(f0)] / 100)
        level.append(tone.mean())
        spread.append(tone.std())
    assert order(np.array(level), emotion[chosen], 0) >= 0.8
    assert order(np.array(spread), emotion[chosen], 1) >= 0.8


@pytest.fixture(scope="module")
def egemaps(clips):
    opensmile = pytest.importorskip("opensmile")
    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    return np.stack(
        [smile.process_signal(spoken(w), 16_000).values[0] for w in clips[0]]
    ), smile.feature_names


@pytest.mark.slow
@pytest.mark.parametrize(
    "feature,cue",
    [
        ("F0semitoneFrom27.5Hz_sma3nz_amean", 0),
        ("F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2", 1),
        ("loudnessPeaksPerSec", 3),
        ("loudness_sma3_amean", 4),
        ("equivalentSoundLevel_dBp", 4),
        ("alphaRatioV_sma3nz_amean", 5),
    ],
)
def test_egemaps_orders_the_emotions_as_the_cues_do(clips, egemaps, feature, cue):
    values, names = egemaps
    tau = order(values[:, names.index(feature)], clips[1], cue)
    print(f"{feature}: tau {tau:.2f}")
    assert tau >= 0.8


@pytest.mark.slow
def test_golden_linear_classifier_on_egemaps(clips, egemaps):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, C=0.1))
    score = cross_val_score(model, egemaps[0], clips[1], groups=clips[2], cv=GroupKFold(6)).mean()
    print(f"eGeMAPS, speakers disjoint: {score:.3f}")
    assert 0.45 <= score <= 0.80, score


def test_misuse_is_said():
    who = voice.speakers(0, 1)[0]
    with pytest.raises(EmolibError, match="did you mean happy"):
        voice.speak(who, 0, "hapy")
    with pytest.raises(EmolibError, match="sentence 2"):
        voice.speak(who, 2, "happy")
