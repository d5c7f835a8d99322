"""Features of a set in files: made once, resumed, checked."""

import numpy as np
import pandas as pd
import pytest

from emolib.data.files import Damaged
from emolib.data.sim import worlds
from emolib.data.sim.dials import Dials
from emolib.features import extract, footage, store
from emolib.ground.containers import ClipSet, ImageSet
from emolib.ground.errors import EmolibError


@pytest.fixture
def clips():
    return worlds.adfes(0, models=1, size=48, seconds=0.4, dials=Dials(missing_face=0.0)).select(
        np.arange(4)
    )


def truth(feature="landmarks"):
    return extract.recipe(feature, detector="simulator")


def run(data, recipe):
    return store.extract(data, recipe, progress=False).iloc[0]


def test_a_set_is_extracted_once(clips):
    row = run(clips, truth())
    assert (row["set"], row.source, row.videos, row.new, row.frames, row.missing) == (
        "adfes",
        "simulated",
        4,
        4,
        40,
        0.0,
    )
    assert row["frames/s"] > 0 and row.MB > 0
    again = run(clips, truth())
    assert (
        again.new == 0 and again.frames == 40 and np.isnan(again["frames/s"]) and again.MB == row.MB
    )
    arrays = store.stored(clips, truth())
    assert [a["points"].shape for a in arrays] == [(10, 68, 2)] * 4 and (
        arrays[0]["size"] == 48
    ).all()


def counting(recipe, stop_after=None):
    """The recipe, which counts its calls and breaks after some."""
    calls = []

    def compute(film):
        if len(calls) == stop_after:
            raise KeyboardInterrupt
        calls.append(film.name)
        return recipe.compute(film)

    return extract.Recipe(recipe.feature, recipe.made_with, compute), calls


def test_a_stopped_set_goes_on_where_it_stopped(clips):
    broken, done = counting(truth(), stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        run(clips, broken)
    whole, rest = counting(truth())
    assert run(clips, whole).new == 2 and len(done) == 2 and not set(done) & set(rest)
    folder = store.place("adfes", whole, footage.footage(clips)[0]).parent
    assert len(list(folder.iterdir())) == 4  # no temporary file is left


def test_a_full_disk_leaves_nothing_half_written(clips, monkeypatch):
    def full(arrays, path, metadata):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "save_file", full)
    with pytest.raises(EmolibError, match="cannot be written.*No space"):
        run(clips, truth())
    assert not [p for p in store.settings.cache().rglob("*") if p.is_file()]


@pytest.mark.parametrize("harm", ["cut", "flip", "other"])
def test_a_damaged_file_is_made_anew_and_said(clips, capsys, harm):
    run(clips, truth())
    path = store.place("adfes", truth(), footage.footage(clips)[1])
    before, raw = store.read(path)[0], bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(raw[: len(raw) // 2])
    elif harm == "flip":
        raw[-3] ^= 1
        path.write_bytes(raw)
    else:
        arrays, about = store.read(path)
        store.write(path, arrays, about | {"content": "something else"})
    if harm != "other":
        with pytest.raises(Damaged):
            store.read(path)
    again, calls = counting(truth())
    assert run(clips, again).new == 1 and calls == [footage.footage(clips)[1].name]
    assert path.name in capsys.readouterr().err
    assert np.array_equal(store.read(path)[0]["points"], before["points"])


def test_what_decides_the_numbers_decides_the_place(clips):
    film = footage.footage(clips)[0]
    places = {
        store.place("adfes", r, film)
        for r in (truth(), truth("pose"), extract.Recipe("landmarks", "another detector", None))
    }
    assert len(places) == 3
    other = worlds.adfes(1, models=1, size=48, seconds=0.4)
    assert footage.footage(other)[0].name != film.name  # the same film of another world


def test_frames_without_a_face_are_marked_and_counted():
    world = worlds.adfes(0, models=1, size=48, seconds=0.8, dials=Dials(missing_face=0.4)).select(
        np.arange(3)
    )
    row = run(world, truth())
    assert 0.15 < row.missing < 0.65
    net = extract.recipe("backbone", detector="simulator", backbone="resnet18-random")
    assert run(world, net).missing == row.missing
    for marks, made, turn in zip(
        store.stored(world, truth()),
        store.stored(world, net),
        [truth("pose").compute(f) for f in footage.footage(world)],
    ):
        assert (
            np.array_equal(np.isnan(made["features"]).all(1), ~marks["found"])
            and np.isfinite(made["features"][marks["found"]]).all()
        )
        assert np.array_equal(np.isnan(turn["angles"]).all(1), ~marks["found"]) and turn[
            "body"
        ].shape == (20, 18, 3)


def test_nobody_in_a_film():
    blank = ClipSet(
        name="blank",
        label=[0],
        subject=["a"],
        split=[""],
        content=["blank"],
        frames=[lambda: np.zeros((3, 96, 96, 3), np.uint8)],
        fps=25,
    )

    class Nobody:
        def detect(self, frames):
            return extract.Landmarks(
                points=np.full((len(frames), 68, 2), np.nan), found=np.zeros(len(frames), bool)
            )

    class Look:
        def at(self, film):
            return ((frames, Nobody()) for frames in film.chunks())

    for compute in (
        lambda f: extract._landmarks(Look(), f),
        lambda f: extract._on_crops(Look(), f, None, 224),
        lambda f: extract._pose(Look(), f),
    ):
        row = store.extract(
            blank, extract.Recipe("test", repr(compute), compute), progress=False
        ).iloc[0]
        assert row.missing == 1 and row.frames == 3


def test_pictures_go_through_whole_and_tracks_are_drawn():
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 48), dtype=np.uint8)
    faces = ImageSet(
        name="fer2013",
        images=images,
        label=[0] * 5,
        subject=["a"] * 5,
        split=[""] * 5,
        meta=pd.DataFrame(index=range(5)),
    )
    made = store.is_pictures(faces) and extract.recipe(
        "backbone", backbone="resnet18-random", pictures=True
    )
    assert run(faces, made).frames == 5 and store.stored(faces, made)[0]["features"].shape == (
        5,
        512,
    )
    film = worlds.aff_wild(0, videos=2, kind="rendered", seconds=(0.4, 0.5))
    assert run(film, truth("mesh")).videos == 2
    assert store.stored(film, truth("mesh"))[0]["mesh"].shape[1:] == (468, 3)
    with pytest.raises(EmolibError, match="kind='rendered'"):
        run(worlds.aff_wild(0, videos=1, seconds=(0.4, 0.5)), truth())


def test_what_cannot_be_made_is_said(clips):
    with pytest.raises(EmolibError, match="landmarks"):
        extract.recipe("landmark")
    with pytest.raises(EmolibError, match="not dlib"):
        extract.recipe("mesh", detector="dlib")
    with pytest.raises(EmolibError, match="no sound"):
        run(clips, extract.recipe("mel"))
    with pytest.raises(EmolibError, match="sound only"):
        run(worlds.speakers(0, 1, 1), truth())
    with pytest.raises(EmolibError, match="table of numbers"):
        run(worlds.sfew_table(0), truth())
    with pytest.raises(EmolibError, match="no landmarks of"):
        store.stored(clips, truth())


def test_time_is_up(clips, monkeypatch):
    monkeypatch.setenv("EMOLIB_DEADLINE", "1")
    with pytest.raises(store.TimeIsUp):
        run(clips, truth())


def test_mel_is_brought_to_the_frames():
    pytest.importorskip("emolib.features.mel", reason="NOT TESTED: mel.py is not here")
    world = worlds.ravdess(0, actors=1, size=32).select([0])
    assert run(world, extract.recipe("mel")).frames == 105
    assert store.stored(world, extract.recipe("mel"))[0]["mel"].shape == (105, 128)


def test_texture_of_the_crops(clips):
    pytest.importorskip("emolib.features.texture", reason="NOT TESTED: texture.py is not here")
    one = clips.select([0])
    made = extract.recipe("texture", detector="simulator")
    run(one, made)
    assert {"lpq", "lbp", "phog", "found"} == set(store.stored(one, made)[0])


def test_a_film_from_a_file_in_pieces(tmp_path, monkeypatch):
    pytest.importorskip("emolib.data.media", reason="NOT TESTED: media.py is not here")
    from sim_files import save_mp4

    from emolib.data.sim import track_sets

    frames = np.random.default_rng(0).integers(0, 256, (7, 48, 64, 3), dtype=np.uint8)
    path = save_mp4(tmp_path / "1.mp4", frames, 30)
    monkeypatch.setattr(footage, "LONGEST", 3)
    world = track_sets.aff_wild(0, 1, seconds=(0.4, 0.5))
    real = type(world)(
        **{
            k: getattr(world, k)
            for k in (
                "label",
                "subject",
                "split",
                "features",
                "valence_arousal",
                "content",
                "fps",
                "name",
            )
        },
        meta=world.meta.assign(path=str(path)),
        source="real",
    )
    assert [len(c) for c in footage.footage(real)[0].chunks()] == [3, 3, 1]
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    for name, fine in (
        ("1.mp4", True),
        ("", False),
    ):  # loaders name films relative to the data folder, '' for none
        real.meta["path"] = name
        if fine:
            assert sum(len(c) for c in footage.footage(real)[0].chunks()) == 7
        else:
            with pytest.raises(EmolibError, match="film is not here"):
                footage.footage(real)
