"""Points from four sources, their gaps, crops, the mesh and the turn of the head."""

import importlib.metadata

import films
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emolib.data.files import Damaged
from emolib.data.sim import affect, face
from emolib.features import detectors, landmarks, mediapipe_map, mesh, pose
from emolib.features.landmarks import Landmarks, crops, filled, scaled
from emolib.ground.errors import EmolibError


def marks(found, body=None, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.uniform(10, 90, (len(found), 68, 2)).astype(np.float32)
    points[~np.asarray(found)] = np.nan
    return Landmarks(points=points, found=found, body=body)


# ---- container, gaps, scaling


def test_a_found_frame_with_a_hole_is_refused():
    with pytest.raises(EmolibError, match="frame 1"):
        Landmarks(
            points=np.stack([np.zeros((68, 2)), np.full((68, 2), np.nan)]), found=[True, True]
        )
    with pytest.raises(EmolibError, match=r"expected \(2, 18, 3\)"):
        Landmarks(points=np.zeros((2, 68, 2)), found=[True, True], body=np.zeros((2, 25, 3)))


def test_box_and_seventy_points():
    one = marks([True, False])
    assert (
        np.array_equal(one.box[0], np.r_[one.points[0].min(0), one.points[0].max(0)])
        and np.isnan(one.box[1]).all()
    )
    assert one.seventy.shape == (2, 70, 2)
    assert np.allclose(one.seventy[0, 68], one.points[0, 36:42].mean(0)) and np.allclose(
        one.seventy[0, 69], one.points[0, 42:48].mean(0)
    )


@given(st.lists(st.booleans(), min_size=2, max_size=12).filter(any))
def test_gaps_stay_marked_however_they_are_filled(found):
    found, before = np.array(found), marks(found)
    for how in landmarks.GAPS:
        after = filled(before, how)
        assert np.array_equal(after.found, found)
        assert np.array_equal(after.points[found], before.points[found])
    assert np.isnan(filled(before, "mark").points[~found]).all()
    assert (filled(before, "zero").points[~found] == 0).all()
    made = filled(before, "interpolate").points
    assert (
        np.isfinite(made).all()
        and (made >= np.nanmin(before.points, 0)).all()
        and (made <= np.nanmax(before.points, 0)).all()
    )


def test_interpolation_is_linear_and_holds_the_ends():
    before = marks([False, True, False, False, True, False])
    p = filled(before, "interpolate").points
    assert np.allclose(p[2], (2 * p[1] + p[4]) / 3, atol=1e-4) and np.allclose(
        p[3], (p[1] + 2 * p[4]) / 3, atol=1e-4
    )
    assert np.array_equal(p[0], p[1]) and np.array_equal(p[5], p[4])


def test_unseen_joints_are_gaps_of_their_own():
    body = np.zeros((3, 18, 3), np.float32)
    body[0, 2], body[2, 2] = (10, 20, 0.9), (30, 40, 0.8)
    film = marks([True] * 3, body)
    assert (
        np.allclose(filled(film, "interpolate").body[1, 2], (20, 30, 0))
        and (filled(film, "interpolate").body[:, 3] == 0).all()
    )
    assert np.isnan(filled(film, "mark").body[1, 2, :2]).all() and np.array_equal(
        filled(film, "zero").body, body
    )


def test_nobody_in_the_whole_film_and_unknown_ways():
    with pytest.raises(EmolibError, match="no face in any of 3 frames"):
        filled(marks([False] * 3), "interpolate")
    with pytest.raises(EmolibError, match="interpolate"):
        filled(marks([True]), "interpolat")


def test_scaled_to_the_picture():
    body = np.zeros((2, 18, 3), np.float32)
    body[:, 0] = 320, 120, 1
    film = Landmarks(
        points=np.tile(np.array([320.0, 480.0]), (2, 68, 1)), found=[True, True], body=body
    )
    x, b = scaled(film, 480, 640)
    assert (
        x.shape == (2, 140)
        and b.shape == (2, 36)
        and np.allclose(x[:, 0::2], 0.5)
        and np.allclose(x[:, 1::2], 1.0)
    )
    assert np.allclose(b[0, :2], (0.5, 0.25)) and (b[:, 2:] == 0).all()
    assert scaled(marks([True]), 100, 100)[1] is None


# ---- crops


def test_crop_of_the_whole_picture_is_the_picture():
    frames = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    assert np.array_equal(crops(frames, np.tile([0.0, 0, 224, 224], (3, 1)), margin=0), frames)


def test_crop_takes_the_margin_and_stops_at_the_border():
    frames = np.zeros((2, 60, 80, 3), np.uint8)
    frames[:, 20:40, 30:50] = 200
    assert (
        crops(frames, np.tile([35.0, 25, 45, 35], (2, 1)), margin=5, size=40)[:, 1:-1, 1:-1] == 200
    ).all()
    wide = crops(
        frames, np.tile([25.0, 15, 55, 45], (2, 1)), margin=5, size=40
    )  # the square is half of a 40-pixel box
    assert abs(wide.mean() / 200 - 0.25) < 0.01
    corner = crops(
        frames, np.tile([-20.0, -10, 75, 55], (2, 1)), margin=5, size=60
    )  # cut to the whole picture
    assert np.allclose(corner[0, :, :, 0].mean(), frames[0, :, :, 0].mean(), atol=2)


def test_a_large_box_is_averaged_not_sampled():
    stripes = np.zeros((1, 896, 896, 3), np.uint8)
    stripes[:, :, ::4] = 240  # one column in four
    made = crops(stripes, np.array([[0.0, 0, 896, 896]]), margin=0)
    assert np.abs(made[:, :, 1:-1].astype(int) - 60).max() <= 1


@pytest.mark.parametrize("box", [[np.nan] * 4, [90, 90, 95, 95], [5, 5, 5, -40]])
def test_a_frame_without_a_usable_box_is_named(box):
    with pytest.raises(EmolibError, match="frame 1"):
        crops(np.zeros((2, 60, 80, 3), np.uint8), np.array([[10, 10, 40, 40], box], np.float32))


# ---- mesh and pose


@given(st.floats(0.2, 5), st.floats(-200, 200))
def test_mesh_forgets_place_and_size(scale, shift):
    raw = np.random.default_rng(1).normal(100, 30, (2, 468, 3))
    assert np.allclose(mesh.normalised(raw), mesh.normalised(raw * scale + shift), atol=1e-4)


def test_mesh_is_centred_with_eyes_one_apart_and_keeps_gaps():
    raw = face.mesh(face.faces(3, 4, yaw=(-30.0, 30.0)), 200)
    raw[2] = np.nan
    made = mesh.normalised(raw, mesh.SIMULATED_CORNERS)
    assert np.isnan(made[2]).all() and np.allclose(made[[0, 1, 3]].mean(1), 0, atol=1e-5)
    eyes = [made[:, list(pair)].mean(1) for pair in mesh.SIMULATED_CORNERS]
    assert np.allclose(np.linalg.norm(eyes[1] - eyes[0], axis=-1)[[0, 1, 3]], 1, atol=1e-5)
    with pytest.raises(EmolibError, match="both eyes"):
        mesh.normalised(np.zeros((1, 468, 3)))
    with pytest.raises(EmolibError, match="expected"):
        mesh.normalised(np.zeros((1, 478, 3)))


def test_turn_of_the_head_follows_the_truth():
    crowd = face.faces(5, 400, yaw=(-35.0, 35.0), pitch=(-20.0, 20.0), roll=(-20.0, 20.0))
    crowd = face.Faces(crowd.person, crowd.scene, affect.expressions(5, np.arange(400) % 7))
    truth = np.stack([crowd.scene[k] for k in ("yaw", "pitch", "roll")], 1)
    off = np.abs(pose.angles(face.points(crowd, 160)) - truth).mean(0)
    assert (off <= (2.6, 5.0, 1.6)).all(), off
    assert (off >= (0.5, 1.0, 0.2)).all(), off  # nobody is the mean head


def test_turn_of_the_mean_head_is_exact_and_nan_without_a_face():
    turn = np.array([25.0, -10.0, 15.0])
    scene = face.pictures(0, 1, yaw=turn[0], pitch=turn[1], roll=turn[2])
    from emolib.data.sim.face_shape import rotation

    points = np.zeros((2, 68, 2))
    points[0, pose.RIGID] = 37.0 * (pose.mean_head() @ rotation(scene)[0].T)[:, :2] + [300, 200]
    points[1] = np.nan
    made = pose.angles(points)
    assert np.allclose(made[0], turn, atol=1e-3) and np.isnan(made[1]).all()


# ---- detectors


def test_map_of_mediapipe():
    assert (
        len(mediapipe_map.FACE) == 68 == len(set(mediapipe_map.FACE))
        and max(mediapipe_map.FACE) < mediapipe_map.SKIN
    )
    assert (
        len(mediapipe_map.BODY) == 18
        and max(mediapipe_map.BODY) < 33
        and len(mesh.BLENDSHAPES) == 52
    )


def test_truth_of_the_simulator():
    crowd = face.faces(0, 3)
    crowd = crowd.pictured(cx=np.array([0.0, 6.0, 0.0]))
    frames = face.render(crowd, 96)
    truth = detectors.SimulatorDetector(crowd)
    found, dense = truth.detect_all(frames)
    assert found.found.tolist() == [True, False, True] and isinstance(truth, landmarks.Detector)
    assert (
        np.allclose(found.points[0], face.points(crowd, 96)[0], atol=1e-3)
        and (found.body[1] == 0).all()
        and dense.mesh.shape == (3, 468, 3)
    )
    with pytest.raises(EmolibError, match="3 faces"):
        truth.detect(frames[:2])


def test_missing_models_and_names(monkeypatch, tmp_path):
    monkeypatch.setenv("EMOLIB_ASSETS", str(tmp_path))
    with pytest.raises(EmolibError, match="face_landmarker.task is not in .*models.*get it from"):
        detectors.model_file("face_landmarker.task")
    (tmp_path / "face_landmarker.task").write_bytes(b"version https://git-lfs.github.com")
    with pytest.raises(Damaged, match="LFS"):
        detectors.model_file("face_landmarker.task")

    def absent(package):
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "files", absent)
    with pytest.raises(EmolibError, match="pip install face_recognition_models"):
        detectors.packaged("face_recognition_models", "shape_predictor_68_face_landmarks.dat")
    with pytest.raises(EmolibError, match="mediapipe"):
        detectors.make("mediapip")


def test_frames_of_another_kind_are_refused():
    with pytest.raises(EmolibError, match="float64"):
        landmarks.checked(np.zeros((2, 8, 8, 3)))
    assert landmarks.checked(np.zeros((2, 8, 8), np.uint8)).shape == (2, 8, 8, 3)


def test_joints_between_two_looks():
    body = np.zeros((6, 18, 3), np.float32)
    body[0, 0], body[4, 0], body[4, 1] = (0, 0, 1), (40, 8, 1), (5, 5, 1)
    made = detectors._between(body, np.array([0, 4]))
    assert (
        np.allclose(made[1, 0], (10, 2, 1))
        and np.allclose(made[5, 0], (40, 8, 1))
        and (made[1:4, 1] == 0).all()
    )


@pytest.mark.slow
@pytest.mark.parametrize("name,limit", [("dlib", 0.045), ("mediapipe", 0.06)])
def test_points_fall_on_the_true_ones(name, limit):
    frames, truth = films.film(30)
    frames[7] = 110  # nobody there
    found = films.detector(name).detect(frames)
    assert found.found.sum() == 29 and not found.found[7] and np.isnan(found.points[7]).all()
    assert 0.005 <= films.error(found, truth) <= limit
    again = films.detector(name).detect(np.asfortranarray(frames))  # memory in another order
    assert np.array_equal(again.points, found.points, equal_nan=True)
    if name == "mediapipe":
        seen = [0, 14, 15]  # nose, the subject's right eye, left eye
        nose_and_eyes = np.stack(
            [truth[:, 30], truth[:, 36:42].mean(1), truth[:, 42:48].mean(1)], 1
        )
        assert (found.body[:5, seen, 2] > 0.5).all() and np.linalg.norm(
            found.body[:5, seen, :2] - nose_and_eyes[:5], axis=-1
        ).mean() < 12
        assert (found.body[:5, 10] == 0).all()  # no ankle in a portrait


@pytest.mark.slow
def test_dlib_finds_small_and_large_faces():
    crowd = face.faces(100, 20)
    for size in (64, 96, 160, 320):
        assert films.detector("dlib").detect(face.render(crowd, size)).found.sum() >= 18, size


@pytest.mark.slow
def test_blendshapes_have_their_names():
    found = films.detector("mediapipe", body_every=0)
    crowd = face.faces(104, 1).acting(au26=1.0)
    dense = found.detect_all(face.render(crowd, 224))[1]
    assert (
        dense.mesh.shape == (1, 468, 3)
        and dense.blendshapes[0, mesh.BLENDSHAPES.index("jawOpen")] > 0.3
    )
