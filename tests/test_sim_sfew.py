"""The simulated SFEW table: shape, determinism, the leak it is there to show, and its file."""

import numpy as np
import openpyxl
import pytest
import sim_files
from hypothesis import given, settings
from hypothesis import strategies as st

from emolib import EMOTIONS
from emolib.data.sim import sfew, worlds
from emolib.ground.errors import EmolibError


def test_shape_and_class_counts_are_those_of_the_real_table():
    world = worlds.sfew_table()
    counts = [(world.label == EMOTIONS.index(c)).sum() for c in sfew.CLASSES]
    assert world.features.shape == (674, 10)
    assert counts == [100, 75, 99, 100, 100, 100, 100]
    assert (world.source, world.name, set(world.split)) == ("simulated", "sfew", {""})
    sizes = np.sort(np.unique(world.subject, return_counts=True)[1])
    assert (len(sizes), sizes[-1], sizes[0]) == (54, 83, 1)
    np.testing.assert_allclose(world.features.std(0), sfew.SPREAD, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(14, 900), seed=st.integers(0, 2**31))
def test_any_size_keeps_the_proportions(rows, seed):
    world = worlds.sfew_table(seed, rows)
    count = np.bincount(world.meta["code"], minlength=8)[1:]
    assert len(world) == rows and len(set(world.meta["image"])) == rows
    assert np.abs(count - rows * np.array(sfew.COUNTS) / 674).max() < 1
    np.testing.assert_array_equal(world.subject, world.meta["image"].str.split("_").str[0])


def test_same_seed_same_bytes_and_dials_leave_other_streams_alone():
    a, b = worlds.sfew_table(3), worlds.sfew_table(3)
    assert a.fingerprint == b.fingerprint != worlds.sfew_table(4).fingerprint
    louder = worlds.sfew_table(3, signal=0.5)
    assert list(louder.meta["image"]) == list(a.meta["image"])  # movies, shots and labels untouched
    assert not np.allclose(louder.features, a.features)


def test_too_few_rows_or_a_wild_dial_is_refused():
    with pytest.raises(EmolibError, match="expected at least 14"):
        worlds.sfew_table(rows=10)
    with pytest.raises(EmolibError, match="shot is 1.5"):
        worlds.sfew_table(shot=1.5)


def _accuracy(world, grouped, seed):
    from sklearn.model_selection import GroupKFold, KFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    folds = (GroupKFold if grouped else KFold)(5, shuffle=True, random_state=seed)
    return cross_val_score(
        make_pipeline(StandardScaler(), SVC()),
        world.features,
        world.label,
        groups=world.subject if grouped else None,
        cv=folds,
    ).mean()


def test_golden_random_splits_leak_and_movie_grouped_ones_do_not():
    world = [worlds.sfew_table(s) for s in range(4)]
    random = np.mean([_accuracy(w, False, s) for s, w in enumerate(world)])
    grouped = np.mean([_accuracy(w, True, s) for s, w in enumerate(world)])
    assert 0.22 <= random <= 0.30, random  # real table: 0.25
    assert 0.145 <= grouped <= 0.215, grouped  # real table: 0.16
    no_shots = worlds.sfew_table(0, duplicates=0.0, movie=0.0)
    assert abs(_accuracy(no_shots, False, 0) - _accuracy(no_shots, True, 0)) < 0.045


def test_file_has_the_real_layout(tmp_path):
    world = worlds.sfew_table(rows=20)
    (path,) = sim_files.write(world, tmp_path, flaws=True)
    sheet = openpyxl.load_workbook(path)["SFEW.csv"]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:3] == (None, "label", sim_files.TITLES[0]) and rows[0][7] == sim_files.TITLES[1]
    assert len(rows) == 22 and rows[-1][-1] == "NaN"
    assert [r[0] for r in rows[1:21]] == list(world.meta["image"])
    np.testing.assert_allclose(
        np.array([r[2:12] for r in rows[1:21]], float), world.features, rtol=1e-12
    )


def test_unknown_world_has_no_layout(tmp_path):
    from dataclasses import replace

    with pytest.raises(EmolibError, match="sfew"):
        sim_files.write(replace(worlds.sfew_table(rows=20), name="sfew2"), tmp_path)
