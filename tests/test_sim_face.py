"""Simulated faces: shapes, determinism, and pictures that agree with their ground truth."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emolib.data.sim import face, worlds
from emolib.ground.errors import EmolibError


def test_shapes_and_types():
    crowd = face.faces(0, 3)
    colour, grey = face.render(crowd, 40), face.render(crowd, 32, grey=True)
    assert (colour.shape, grey.shape) == ((3, 40, 40, 3), (3, 32, 32))
    assert (
        colour.dtype == grey.dtype == np.uint8
        and colour.flags.c_contiguous
        and grey.flags.c_contiguous
    )
    assert face.points(crowd, 40).shape == (3, 68, 2)
    assert face.mesh(crowd, 40).shape == (3, 468, 3)
    assert face.body(crowd, 40).shape == (3, 18, 3)


def test_bytes_do_not_depend_on_batch_or_threads():
    crowd = face.faces(1, 70, style="tight")
    whole = face.render(crowd, 24, threads=2)
    np.testing.assert_array_equal(whole, face.render(crowd, 24, threads=1))
    np.testing.assert_array_equal(whole[13:14], face.render(crowd.take(slice(13, 14)), 24))
    assert not np.array_equal(whole, face.render(face.faces(2, 70, style="tight"), 24))


def test_a_world_is_the_same_on_one_core_and_on_two(monkeypatch):
    seen = []
    for cores in ({0}, {0, 1}):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: cores, raising=False)
        seen.append(worlds.fer2013(3, 70))
    np.testing.assert_array_equal(seen[0].images, seen[1].images)
    assert seen[0].fingerprint == seen[1].fingerprint


@pytest.mark.slow
def test_a_second_process_finds_the_compiled_loop(tmp_path):
    draw = "from emolib.data.sim import face; print(int(face.render(face.faces(0, 2), 16).sum()))"
    where = os.environ | {
        "EMOLIB_CACHE": str(tmp_path),
        "PYTHONPATH": str(Path(face.__file__).parents[2]),
    }
    sums = [
        subprocess.run(
            [sys.executable, "-c", draw], env=where, check=True, capture_output=True
        ).stdout
        for _ in range(2)
    ]
    assert (
        sums[0] == sums[1] and len(list(tmp_path.rglob("*.nbc"))) == 1
    )  # one compiled loop, not one per process


def test_no_trait_turns_a_curve_inside_out():
    f = face.features(
        face.faces(12, 20_000).acting(**{f"au{u}": 1.0 for u in (12, 20, 23, 24, 25)})
    )
    for name, least in {
        "lip_up": 0.002,
        "lip_low": 0.003,
        "brow_th": 0.01,
        "nose_w": 0.1,
        "bridge": 0.015,
        "eye_w": 0.1,
        "mouth_w": 0.2,
        "head_w": 0.8,
    }.items():
        assert f[name].min() > least, (name, f[name].min())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), few=st.integers(1, 9), more=st.integers(10, 40))
def test_person_i_is_the_same_in_a_larger_crowd(seed, few, more):
    np.testing.assert_array_equal(face.people(seed, few), face.people(seed, more)[:few])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_every_face_has_finite_points_in_anatomical_order(data):
    crowd = face.faces(data.draw(st.integers(0, 10**6)), 4, yaw=(-25.0, 25.0))
    units = data.draw(st.lists(st.floats(0, 1), min_size=19, max_size=19))
    crowd = crowd.acting(**{f"au{u}": v for u, v in zip(face.UNITS, units)}).pictured(
        roll=0.0, pitch=0.0
    )
    p = face.points(crowd, 100)
    assert np.isfinite(p).all() and np.isfinite(face.mesh(crowd, 100)).all()
    assert (np.diff(p[:, :17, 0]) > -0.5).all()  # jaw runs left to right
    assert (
        (p[:, 36:48, 1].mean(1) < p[:, 30, 1]).all()
        and (p[:, 33, 1] < p[:, 57, 1]).all()
        and (p[:, 57, 1] < p[:, 8, 1]).all()
    )
    assert (p[:, 36:42, 0].max(1) < p[:, 42:48, 0].min(1)).all()  # 36-41 on the picture's left


def test_units_move_their_points():
    rest = face.faces(3, 20).pictured(yaw=0.0, pitch=0.0, roll=0.0)
    still = face.points(rest, 160)

    def moved(**units):
        return (face.points(rest.acting(**units), 160) - still).mean(0)

    assert (moved(au1=1.0)[[21, 22], 1] < -3).all() and (moved(au4=1.0)[[21, 22], 1] > 3).all()
    assert moved(au26=1.0)[57, 1] > 8 and moved(au26=1.0)[8, 1] > 8
    assert (moved(au12=1.0)[[48, 54], 1] < -3).all() and moved(au12=1.0)[54, 0] > 3 > -3 > moved(
        au12=1.0
    )[48, 0]
    assert (moved(au15=1.0)[[48, 54], 1] > 2).all()
    assert np.abs(moved(au12=1.0)[36:48]).max() < 2.5  # a smile leaves the eyes in place


def test_picture_shows_what_the_points_say():
    crowd = face.faces(4, 30).pictured(yaw=0.0, noise=0.0).changed(glasses=0.0)
    image, p = face.render(crowd, 160, grey=True).astype(float), face.points(crowd, 160)
    darker = 0
    for i in range(30):
        x, y = p[i, 42:48].mean(0).round().astype(int)  # pupil against the cheek under it
        darker += image[i, y, x] < image[i, y + 14, x] - 15
    assert darker >= 28


def test_closing_the_eyes_closes_the_points():
    crowd = face.faces(5, 10)
    shut = face.points(crowd.acting(au43=1.0), 160)
    gap = shut[:, [41, 40], 1].mean(1) - shut[:, [37, 38], 1].mean(1)
    open_gap = (lambda q: q[:, [41, 40], 1].mean(1) - q[:, [37, 38], 1].mean(1))(
        face.points(crowd, 160)
    )
    assert (gap < 1.2).all() and (open_gap > 2).all()


def test_misuse_is_said():
    crowd = face.faces(0, 2)
    with pytest.raises(EmolibError, match="unknown action unit 'au13': did you mean au1"):
        crowd.acting(au13=1.0)
    with pytest.raises(EmolibError, match="unknown scene setting 'yow'"):
        crowd.pictured(yow=3.0)
    with pytest.raises(EmolibError, match="at least 8"):
        face.render(crowd, 4)
    with pytest.raises(EmolibError, match="finite"):
        crowd.changed(age=np.nan)


def test_wrinkles_are_not_linear_in_the_units():
    crowd = face.faces(6, 1)
    f = [float(face.features(crowd.acting(au4=v))["frown"][0]) for v in (0.0, 0.5, 1.0)]
    assert abs(f[1] - 0.5 * (f[0] + f[2])) > 0.02


def test_golden_pixels():
    image = face.render(face.faces(7, 3).acting(au12=0.7, au25=0.5), 32, grey=True).astype(float)
    np.testing.assert_allclose(
        image.mean((1, 2)),
        GOLDEN_MEAN,
        atol=1.0,
        err_msg="did a trait, a curve or a stream change? then say so in DATASHEET.md",
    )


GOLDEN_MEAN = (88.5, 76.4, 77.6)


def test_tensors_draw_what_the_compiled_loop_draws():
    """face_torch is the GPU's renderer; on a CPU it must agree with face_numba, the default."""
    from emolib.data.sim import face_torch

    crowd = face.faces(8, 8, style="tight", yaw=(-25.0, 25.0)).acting(au12=0.6, au25=1.0)
    slow = face_torch.draw(face.features(crowd), 48, False, "cpu").astype(int)
    apart = np.abs(slow - face.render(crowd, 48).astype(int))
    assert apart.mean() < 0.1 and (apart > 2).mean() < 0.002, (apart.mean(), (apart > 2).mean())
