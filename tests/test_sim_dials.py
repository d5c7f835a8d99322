"""Every dial of the simulated worlds: it moves what it names, the way it says, by as much as it says."""

from dataclasses import fields, replace

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from emolib import EMOTIONS
from emolib.data.sim import affect, clip_sets, face, worlds
from emolib.data.sim.dials import Dials, displays, noisy, posterior, taken_for
from emolib.data.sim.face_traits import PERSON
from emolib.data.sim.shift import MOVED, shifted

LABEL = np.arange(20_000) % 8
TURNED = (0.1, 0.4, 0.8)


def shown(**dials) -> dict[str, np.ndarray]:
    return displays(3, LABEL, 8, Dials(**dials))


# ---------------------------------------------------------------- what is felt, and its annotation


def annotations(roughness: float, *, videos: int = 20, worlds_: int = 5) -> list[np.ndarray]:
    """A minute of annotation of some videos of several worlds, at 30 frames a second."""
    tracks = []
    for seed in range(worlds_):
        for i in range(videos):
            felt = affect.feeling(seed, 1800, 30.0, i)
            tracks.append(affect.annotation(seed, felt, 30.0, i, roughness=roughness))
    return tracks


def steps(tracks: list[np.ndarray]) -> np.ndarray:
    """Length of each track's step from frame to frame, (videos, frames - 1)."""
    return np.stack([np.hypot(*np.diff(track.astype(float), axis=0).T) for track in tracks])


@pytest.fixture(scope="module")
def hands() -> dict[float, np.ndarray]:
    return {r: steps(annotations(r)) for r in (0.0, 0.1, 0.3, 0.6, 1.0)}


def test_a_rougher_hand_rests_more_jumps_farther_and_never_goes_a_shorter_way(hands):
    rests = [(step == 0).mean() for step in hands.values()]
    jumps = [np.median(step[step > 0]) for step in hands.values()]
    uneven = [np.sqrt((step**2).mean()) for step in hands.values()]
    way = [step.mean() for step in hands.values()]
    for measured in (rests, jumps, uneven, way):
        assert (np.diff(measured) > 0).all(), measured
    assert rests[0] < 0.2 and rests[-1] > 0.98 and way[-1] < 1.5 * way[0]
    assert 0.03 < jumps[-1] < 0.08  # studyforrest's rough hand moves by 0.16 every 2.9 s, faster


def test_a_constant_output_pays_no_more_than_print_allows(hands):
    """NI - MSE / 2 of a constant output is the annotation's mean step: in print under 0.0006."""
    for roughness in (0.0, 0.1, Dials().roughness):
        assert hands[roughness].mean() < 0.0006


def test_the_frozen_hand_rests_as_often_as_that_of_ceap(hands):
    assert abs((hands[Dials().roughness] == 0).mean() - 0.40) < 0.03


def test_feelings_move_smoothly_and_have_the_spread_and_the_correlation_of_ceap():
    felt = [affect.feeling(s, 54_000, 30.0, i) for s in range(5) for i in range(8)]  # half hours
    step = np.concatenate([np.diff(z, axis=0) for z in felt])
    assert np.corrcoef(step[1:, 0], step[:-1, 0])[0, 1] > 0.999
    assert abs(np.mean([z.std(0) for z in felt]) - 0.31) < 0.02
    within = np.concatenate([z - z.mean(0) for z in felt])
    assert abs(np.corrcoef(within.T)[0, 1] + 0.09) < 0.04


def test_short_films_move_as_fast_as_ceap():
    step = [
        np.hypot(*np.diff(affect.feeling(s, 1500, 25.0, i, every=affect.PACE["afew_va"]), axis=0).T)
        for s in range(3)
        for i in range(40)
    ]
    assert abs(np.mean(step) * 25 - 0.20) < 0.02  # of the axis a second


@pytest.mark.parametrize("every", affect.PACE.values())
def test_frames_a_second_only_sample_what_is_felt(every):
    slow, fast = (affect.feeling(2, 20 * f, float(f), 1, every=every) for f in (25, 50))
    np.testing.assert_allclose(slow, fast[::2], atol=1e-12)


@pytest.mark.parametrize("frames", [1, 2, 7])
@pytest.mark.parametrize("roughness", [0.0, 1.0])
def test_the_shortest_track_has_an_annotation(frames, roughness):
    felt = affect.feeling(0, frames, 30.0)
    hand = affect.annotation(0, felt, 30.0, roughness=roughness)
    assert hand.shape == (frames, 2) and np.isfinite(hand).all() and np.abs(hand).max() <= 1


# ---------------------------------------------------------------- face and voice


@pytest.mark.parametrize("share", TURNED)
@pytest.mark.parametrize("modality", ["face", "voice"])
def test_fuzz_is_the_share_that_shows_another_emotion(modality, share):
    said = shown(**{f"fuzz_{modality}": share, "mismatched": 0.0})
    assert abs((said[modality] != LABEL).mean() - share) < 0.01


@pytest.mark.parametrize("share", TURNED)
def test_coupling_is_the_correlation_of_the_strengths(share):
    said = shown(coupling=share)
    gains = np.log([said["face_gain"], said["voice_gain"]])
    assert abs(np.corrcoef(gains)[0, 1] - share) < 0.02
    assert np.allclose(gains.std(1), 0.25, atol=0.01)


@pytest.mark.parametrize("share", TURNED)
def test_mismatched_is_the_share_of_foreign_voices(share):
    said = shown(mismatched=share, fuzz_voice=0.0)
    assert abs(said["swapped"].mean() - share) < 0.01
    np.testing.assert_array_equal(said["voice"] != LABEL, said["swapped"])


@pytest.mark.parametrize("share", TURNED)
def test_label_noise_is_the_share_of_wrong_labels(share):
    assert abs((noisy(3, LABEL, 8, share) != LABEL).mean() - share) < 0.01


@pytest.mark.parametrize("share", TURNED)
def test_missing_is_the_share_of_frames_without_a_face_and_of_clips_without_sound(share):
    dials = replace(clip_sets.CLIPS, missing_face=share, missing_voice=share)
    world = clip_sets.ravdess(0, 12, size=16, dials=dials)
    mute = np.mean([sound.args[7] for sound in world.waveform])
    gone = [clip_sets.film(world, k).scene["cx"] == 6.0 for k in range(0, 720, 90)]
    assert abs(mute - share) < 0.06 and abs(np.mean(gone) - share) < 0.06


# ---------------------------------------------------------------- complementarity

SETTINGS = (0.0, 0.25, 0.5, 1.0)  # of the dial


def evidence(seed: int, complementarity: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Face and voice (N, 8) of clips of six classes and 12 people, each with noise, and labels."""
    rng = np.random.default_rng(seed)
    label, people = np.arange(1200) % 6, np.arange(1200) // 6 % 12
    means = rng.standard_normal((2, 6, 8))
    noise = 2.0 * rng.standard_normal((2, 1200, 8))

    def seen(shown_face: np.ndarray) -> np.ndarray:
        return means[0][shown_face] + noise[0]

    def read(shown_face: np.ndarray) -> np.ndarray:
        return taken_for(seed, posterior(seen(shown_face), shown_face, people))

    dials = Dials(fuzz_face=0.15, fuzz_voice=0.28, complementarity=complementarity)
    said = displays(seed, label, 6, dials, read)
    return seen(said["face"]), means[1][said["voice"]] + noise[1], label


def right(x: np.ndarray, label: np.ndarray) -> float:
    """Points of a linear head that learns on one half and is tested on the other."""
    half = np.arange(len(label)) // 6 % 2 == 0
    head = LinearDiscriminantAnalysis().fit(x[half], label[half])
    return 100 * head.score(x[~half], label[~half])


def gains(complementarity: float) -> np.ndarray:
    """What the joint adds to the better modality in each of 20 worlds, in points."""
    out = []
    for seed in range(20):
        seen, heard, label = evidence(seed, complementarity)
        alone = max(right(seen, label), right(heard, label))
        out.append(right(np.hstack([seen, heard]), label) - alone)
    return np.array(out)


@pytest.fixture(scope="module")
def gained() -> dict[float, np.ndarray]:
    return {c: gains(c) for c in SETTINGS}


def test_without_complementarity_joining_adds_nothing(gained):
    """Faces and voices carry independent noise here, as drawn and spoken clips do: what is shown
    alike in both would still be seen twice, and better."""
    assert -3 < gained[0.0].mean() < 1  # to learn from it costs something


def test_the_gain_of_joining_grows_with_complementarity(gained):
    """Up to 0.5; from there on a linear head, which cannot tell which of the two fails, stays."""
    mean = [gained[c].mean() for c in SETTINGS]
    assert (np.diff(mean[:3]) > 2).all() and abs(mean[3] - mean[2]) < 1.5, mean
    surely = gained[1.0].mean() - 3 * gained[1.0].std(ddof=1) / len(gained[1.0]) ** 0.5
    assert surely > 3


@pytest.mark.parametrize("complementarity", SETTINGS)
def test_the_ceiling_of_joining_is_what_at_least_one_shows_right(complementarity):
    said = shown(fuzz_face=0.3, fuzz_voice=0.4, complementarity=complementarity)
    both = (said["face"] != LABEL) & (said["voice"] != LABEL)
    assert abs(both.mean() - 0.3 * (1 - complementarity)) < 0.02


def test_a_voice_that_repeats_the_face_knows_nothing_of_the_label():
    """Given what a face is taken for, right and wrong faces have the same voices."""
    world = clip_sets.ravdess(0, 24, size=16, dials=replace(clip_sets.CLIPS, complementarity=0.0))
    kinds = world.meta["emotion"].to_numpy()
    faces = np.array([film.args[0].args[3] for film in world.frames])
    voices = np.array([sound.args[4] for sound in world.waveform])
    fuzzy = faces != kinds
    assert (voices == kinds)[fuzzy].mean() < 0.15 < 0.3 < (voices == kinds)[~fuzzy].mean()
    alike = (voices == faces)[fuzzy].mean(), (voices == faces)[~fuzzy].mean()
    assert abs(alike[0] - alike[1]) < 0.08


def test_a_reader_has_not_learnt_from_whom_it_reads():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(8), 24)
    label = np.tile(np.arange(4), 48)
    noise = rng.standard_normal((192, 30))
    likely = posterior(noise, label, people)
    assert likely.shape == (192, 4) and np.allclose(likely.sum(1), 1)
    assert abs((likely.argmax(1) == label).mean() - 0.25) < 0.1  # it would name its own clips
    clear = posterior(noise + 9 * np.eye(30)[label], label, people)
    assert (taken_for(0, clear) == label).mean() > 0.95


# ---------------------------------------------------------------- faces


@pytest.mark.parametrize("pull", TURNED)
def test_overlap_is_how_far_a_prototype_may_go_towards_another(pull):
    plain = np.stack([affect.prototype(e) for e in EMOTIONS])
    ways = []
    for seed in range(40):
        move = affect.prototypes(seed, pull) - plain
        for k in range(len(EMOTIONS)):
            length = np.linalg.norm(plain - plain[k], axis=1)
            along = (plain - plain[k]) @ move[k] / np.maximum(length, 1e-9) ** 2
            off = np.linalg.norm(move[k] - along[:, None] * (plain - plain[k]), axis=1)
            ways.append(along[np.argmin(off + (length == 0) * 9)])
    assert min(ways) >= 0 and max(ways) <= pull and abs(np.mean(ways) - pull / 2) < 0.06 * pull


@pytest.mark.parametrize("share", (0.3, 1.0))
def test_leak_is_the_share_of_test_pictures_of_people_seen_in_training(share):
    world = worlds.fer2013(1, 400, dials=Dials(leak=share))
    training = world.split == "Training"
    known = np.isin(world.subject[~training], world.subject[training])
    assert abs(known.mean() - share) < 0.12
    assert len(set(world.subject[training])) == training.sum()


def test_shift_moves_proportions_light_and_strength_by_what_it_says():
    crowd = face.faces(0, 5).acting(au12=0.8)
    turned = shifted(crowd, 0.5, 48)
    for name in MOVED:
        move = turned.person[name] - crowd.person[name]
        assert np.allclose(move, 0.5 * PERSON[name][1])
    assert np.allclose(turned.units, 0.8 * crowd.units)
    assert np.allclose(turned.scene["diffuse"] - crowd.scene["diffuse"], 0.125)


def test_side_skews_a_smile_by_as_much():
    crowd = face.faces(0, 1, yaw=0.0, roll=0.0, pitch=0.0).acting(au14=0.9)
    lean = []
    for side in (0.0, 0.2, 0.4):
        points = face.points(crowd.pictured(side=side), 96)[0]
        level = face.points(crowd.pictured(side=-side), 96)[0]
        lean.append(np.abs(points[[48, 54]] - level[[48, 54]]).sum())
    assert lean[0] == 0 and lean[2] == pytest.approx(2 * lean[1], rel=0.1) and lean[1] > 0.1


def test_every_dial_is_measured_here():
    """A new dial needs a test of its direction and size."""
    assert {f.name for f in fields(Dials)} == {
        *("fuzz_face", "fuzz_voice", "complementarity", "coupling", "mismatched"),
        *("missing_face", "missing_voice", "label_noise", "roughness", "overlap", "leak", "shift"),
    }
