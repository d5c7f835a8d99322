"""Aff-Wild, Aff-Wild2 and AFEW-VA: annotations, films and points that are written in the real layouts are read back."""

import json
import pickle
import shutil
import warnings

import clip_files as made
import numpy as np
import pytest
import sim_files

from emolib import data
from emolib.data import afew_va, aff_wild
from emolib.data.files import Damaged
from emolib.data.sim import worlds
from emolib.data.sim.dials import Dials
from emolib.ground.errors import EmolibError


def same_annotation(read, world, atol=1e-6):
    for a, b in zip(read.valence_arousal, world.valence_arousal):
        np.testing.assert_allclose(a, b, atol=atol)


# ---------------------------------------------------------------- Aff-Wild


def test_annotations_alone_are_read_back(tmp_path):
    world = worlds.aff_wild(4, 7, seconds=(1.0, 3.0))
    sim_files.write(world, tmp_path)
    read = data.load("aff_wild", tmp_path)
    assert (
        read.source == "real"
        and read.meta.video.tolist() == world.meta.video.tolist() == read.subject.tolist()
    )
    assert (
        read.split.tolist() == world.split.tolist()
        and read.meta.frames.tolist() == world.meta.frames.tolist()
    )
    same_annotation(read, world)
    assert (
        read.fps == 30.0
        and read.missing is None
        and set(read.label) == {-1}
        and set(read.meta.path) == {""}
    )
    assert read.features[2]().shape == (world.meta.frames[2], 0) and set(read.meta.kind) == {"none"}


def test_films_say_how_long_and_where(tmp_path):
    films = made.aff_wild(tmp_path)
    made.save_film(films[2], 2, 40, 16, fps=25.0)
    made.save_film(films[2].with_name("200.mp4"), 5, 10, 16)  # nobody annotated it
    read = data.load("aff_wild", tmp_path)
    assert read.meta.path.tolist() == [f"aff_wild/videos/train/{n}.mp4" for n in (101, 102, 103)]
    assert all((tmp_path / p).is_file() for p in read.meta.path)
    assert (
        read.meta.fps.tolist() == [30.0, 30.0, 25.0]
        and read.fps == 30.0
        and read.meta.frames.tolist() == [40] * 3
    )
    shutil.copy(films[0], tmp_path / "aff_wild/videos/train/104.mp4")
    for axis in ("valence", "arousal"):
        made.write(tmp_path / f"aff_wild/annotations/train/{axis}/104.txt", "\n".join(made.va()))
    seen = aff_wild.check(tmp_path)
    assert seen.duplicates == "1 clip with the content of another (101.mp4 and 104.mp4)"
    assert (
        seen.found == 4
        and not seen.damaged
        and "1 film without annotation" in seen.detail
        and "4 videos (4 train)" in seen.detail
    )


@pytest.mark.parametrize("change, frames", [(-2, 38), (-1, 39), (1, 40), (2, 40)])
def test_a_difference_of_two_frames_is_cut_and_said(tmp_path, change, frames):
    made.aff_wild(tmp_path)
    for axis in ("valence", "arousal"):
        made.write(
            tmp_path / f"aff_wild/annotations/train/{axis}/102.txt", "\n".join(made.va(40 + change))
        )
    read = data.load("aff_wild", tmp_path)
    assert (
        read.meta.cut.tolist() == [0, change, 0]
        and len(read.valence_arousal[1]) == len(read.features[1]()) == frames
    )
    assert "1 cut by 1 or 2 frames" in aff_wild.check(tmp_path).detail


def points(path, rows):
    inside = "".join(f"{x:.3f} {y:.3f}\n" for x, y in rows)
    return made.write(path, f"version: 1\nn_points: {len(rows)}\n{{\n{inside}}}\n")


@pytest.mark.parametrize("first", [0, 1])
def test_the_sets_own_points_are_scaled_by_the_film(tmp_path, first):
    made.aff_wild(tmp_path)
    true = np.random.default_rng(0).uniform(2, 14, (40, 68, 2))
    for name in ("101", "102", "103"):
        for t in range(40):
            if t != 5:  # no face found there
                points(tmp_path / f"aff_wild/landmarks/train/{name}/{t + first}.pts", true[t])
                points(
                    tmp_path / f"aff_wild/bboxes/train/{name}/{t + first}.pts",
                    [(3, 4), (3, 12), (9, 12), (9, 4)],
                )
    read = data.load("aff_wild", tmp_path)
    got = pickle.loads(pickle.dumps(read.features[1]))()
    assert got.shape == (40, 140) and got.dtype == np.float32 and set(read.meta.kind) == {"points"}
    np.testing.assert_allclose(got[[0, 39], :136], true[[0, 39]].reshape(2, 136) / 16, atol=1e-4)
    np.testing.assert_allclose(got[8, 136:], np.array([3, 4, 9, 12]) / 16)
    assert not got[5].any()
    assert "own landmarks or boxes" in aff_wild.check(tmp_path).detail
    shutil.rmtree(tmp_path / "aff_wild/landmarks/train/102")  # not every video has them: not used
    assert data.load("aff_wild", tmp_path).features[0]().shape == (40, 4)
    (tmp_path / f"aff_wild/bboxes/train/103/{first + 20}.pts").write_text("version: 1\n{\n3 4\n")
    (tmp_path / f"aff_wild/bboxes/train/101/{first + 39}.pts").write_text("version: 1\n{\n3 4\n")
    with pytest.raises(Damaged, match=f"103/{first + 20}.pts: not a file of points"):
        data.load("aff_wild", tmp_path).features[2]()
    assert [e.path.name for e in aff_wild.check(tmp_path).damaged] == [f"{first + 39}.pts"]


# ---------------------------------------------------------------- Aff-Wild2


def test_frames_that_nobody_annotated_are_marked(tmp_path):
    world = worlds.aff_wild(4, 7, seconds=(2.0, 4.0))
    sim_files.write(world, tmp_path, layout="aff_wild2")
    read = data.load("aff_wild", tmp_path)
    assert read.split.tolist() == ["train"] * 6 + ["validation"]
    for a, b, gone in zip(read.valence_arousal, world.valence_arousal, read.missing):
        assert gone.sum() < len(gone) / 4 and not a[gone].any()
        np.testing.assert_allclose(a[~gone], b[~gone], atol=1e-6)
    count = sum(g.sum() for g in read.missing)
    assert count > 20 and f"{count} of them not annotated" in aff_wild.check(tmp_path).detail


def test_two_people_of_one_video_are_one_subject(tmp_path):
    films = made.aff_wild2(tmp_path)
    notes = tmp_path / "aff_wild/annotations/VA_Set"
    (notes / "Train_Set/video9.txt").rename(notes / "Train_Set/video9_left.txt")
    shutil.copy(notes / "Train_Set/video7.txt", notes / "Train_Set/video9_right.txt")
    made.write(tmp_path / "aff_wild/cropped_aligned/video9_left/00001.jpg", "a picture")
    read = data.load("aff_wild", tmp_path)
    assert read.meta.video.tolist() == ["11-24", "video7", "video9_left", "video9_right"]
    assert (
        read.subject.tolist() == read.meta.base.tolist() == ["11-24", "video7", "video9", "video9"]
    )
    assert (
        read.meta.path.tolist()[2:] == ["aff_wild/batch1/video9.mp4"] * 2
        and (tmp_path / read.meta.path[0]) == films[0]
    )
    assert (
        read.meta.faces.tolist() == ["", "", "aff_wild/cropped_aligned/video9_left", ""]
        and read.missing is None
    )
    seen = aff_wild.check(tmp_path)
    assert seen.found == 4 and not seen.duplicates  # one film, two people: no repeat


def test_where_both_layouts_lie_the_first_is_taken_unless_asked(tmp_path):
    made.aff_wild(tmp_path)
    made.aff_wild2(tmp_path)
    assert data.load("aff_wild", tmp_path).meta.video[0] == "101"
    assert data.load("aff_wild", tmp_path, layout="aff_wild2").meta.video[0] == "11-24"
    seen = aff_wild.check(tmp_path)
    assert (
        seen.found == 6
        and "aff_wild: 3 videos" in seen.detail
        and "aff_wild2: 3 videos" in seen.detail
    )
    assert (
        seen.duplicates == "3 of aff_wild2 train also in aff_wild train (101.mp4 and 11-24.mp4)"
    )  # the helper's films are the same
    with pytest.raises(EmolibError, match="layout 'aff_wild3'"):
        data.load("aff_wild", tmp_path, layout="aff_wild3")


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["aff_wild", "aff_wild2"])
def test_a_rendered_world_is_read_back_as_it_was_drawn(tmp_path, layout):
    from emolib.data import media
    from emolib.data.sim import face
    from emolib.data.sim.track_sets import script

    dials = Dials(overlap=0.9, roughness=0.1)
    world = worlds.aff_wild(5, 2, kind="rendered", seconds=(1.0, 1.5), dials=dials)
    sim_files.write(world, tmp_path, size=48, layout=layout)
    read = data.load("aff_wild", tmp_path)
    assert read.meta.cut.tolist() == [0, 0]
    row = world.meta.iloc[0]
    film, apart = media.read_frames(tmp_path / read.meta.path[0]).astype(int), {}
    for overlap in (0.9, 0.2):  # the films show the world's own dials
        drawn = face.render(
            script(row.seed, 0, row.frames, row.person, row.people, Dials(overlap=overlap)), 48
        )
        apart[overlap] = np.abs(film - drawn).mean()
    assert apart[0.9] < 5 and apart[0.9] < apart[0.2]


# ---------------------------------------------------------------- AFEW-VA


def test_afew_va_round_trip(tmp_path):
    world = worlds.afew_va(2, 6, size=64)
    sim_files.write(world, tmp_path)
    read = data.load("afew_va", tmp_path)
    assert (
        read.meta.video.tolist() == world.meta.video.tolist()
        and read.subject.tolist() == world.subject.tolist()
    )
    assert (
        read.fps == world.fps == 25.0
        and read.missing is None
        and read.meta.pictures.tolist() == [0] * 6
    )
    same_annotation(read, world, atol=1e-7)
    for a, b in zip(read.features, world.features):
        assert a().shape == b().shape and a().dtype == np.float32
        np.testing.assert_allclose(pickle.loads(pickle.dumps(a))(), b(), atol=1e-3)
    held = json.loads((tmp_path / "afew_va/001/001.json").read_text())
    assert set(held) == {"actor", "frames", "video_id"} and set(held["frames"]["00000"]) == {
        "landmarks",
        "valence",
        "arousal",
    }
    assert all(
        isinstance(f[k], int) and -10 <= f[k] <= 10
        for f in held["frames"].values()
        for k in ("valence", "arousal")
    )


def test_afew_va_real_size_and_spread():
    world = worlds.make("afew_va", "full")
    assert (
        len(world) == 600
        and len(set(world.subject)) > 200
        and world.meta.frames.min() >= 10
        and world.meta.frames.max() <= 150
    )
    both = np.concatenate(world.valence_arousal)
    assert 20_000 < len(both) < 50_000 and both.std() > 0.15
    np.testing.assert_allclose(both * 10, np.round(both * 10), atol=1e-5)
    assert worlds.afew_va(0, 2).features[0]().shape == (world.meta.frames[0], 136)
    with pytest.raises(EmolibError, match="expected 'landmarks' or 'rendered'"):
        worlds.afew_va(kind="features")


def test_frames_that_a_file_leaves_out_are_missing(tmp_path):
    made.afew_va(tmp_path)
    path = tmp_path / "afew_va/002/002.json"
    held = json.loads(path.read_text())
    whole = data.load("afew_va", tmp_path)
    for name in ("00003", "00004"):
        del held["frames"][name]
    path.write_text(json.dumps(held))
    read = data.load("afew_va", tmp_path)
    assert np.flatnonzero(read.missing[1]).tolist() == [3, 4] and not read.missing[0].any()
    assert (
        not read.features[1]()[3:5].any() and len(read.valence_arousal[1]) == whole.meta.frames[1]
    )
    assert "2 of them not annotated" in afew_va.check(tmp_path).detail


def test_afew_va_a_folder_deeper_and_without_an_actor(tmp_path):
    made.afew_va(tmp_path / "made")
    shutil.copytree(tmp_path / "made/afew_va", tmp_path / "afew_va/01")
    path = tmp_path / "afew_va/01/003/003.json"
    held = json.loads(path.read_text())
    del held["actor"]
    path.write_text(json.dumps(held))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = data.load("afew_va", tmp_path)
    assert read.subject.tolist()[2] == "003" and read.meta.path.tolist()[0] == "afew_va/01/001"
    assert (read.meta.pictures == read.meta.frames).all()
    shutil.copytree(tmp_path / "afew_va/01/001", tmp_path / "afew_va/01/004")
    (tmp_path / "afew_va/01/004/001.json").rename(tmp_path / "afew_va/01/004/004.json")
    assert (
        afew_va.check(tmp_path).duplicates
        == "1 clip with the content of another (001.json and 004.json)"
    )


@pytest.mark.slow
def test_a_rendered_afew_va_has_its_pictures(tmp_path):
    from PIL import Image

    world = worlds.make("afew_va", "smoke").select([0, 1])
    sim_files.write(world, tmp_path)
    read = data.load("afew_va", tmp_path)
    assert (read.meta.pictures == read.meta.frames).all()
    picture = np.asarray(Image.open(tmp_path / read.meta.path[0] / "00000.png"))
    assert picture.shape == (48, 48, 3) and picture.std() > 10
    x, y = read.features[0]()[0].reshape(68, 2).T
    assert (x > 0).all() and (x < 48).all() and (y > 0).all() and (y < 48).all()
