"""Sets of images: what is written in the real layout is read back as it was, by every option; then the real files."""

import gzip
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import sim_files
from PIL import Image

from emolib import EMOTIONS, data
from emolib.data import checks, ckplus, emnist_letters, fer2013, ferplus, pictures, votes
from emolib.data.sim import face_sets, face_traits, worlds
from emolib.ground.errors import EmolibError

SETS = ("fer2013", "ferplus", "ckplus", "rafd", "emnist_letters", "cifar100", "vggface")
SMALLER = {"fer2013": dict(count=150), "ferplus": dict(count=150), "ckplus": dict(sequences=14)}
LOSSY = ("rafd", "vggface")


@pytest.fixture(scope="module")
def made():
    kept = {}

    def make(name):
        if name == "emnist_letters":
            kept[name] = sim_files.letters()
        elif name not in kept:
            kept[name] = worlds.make(name, "smoke", **SMALLER.get(name, {}))
        return kept[name]

    return make


def parted(subject):
    """A partition without the names of its parts: number of the first row of each."""
    return [np.flatnonzero(subject == s)[0] for s in subject]


@pytest.mark.parametrize("name", SETS)
def test_a_written_world_is_read_back_as_it_was(name, made, tmp_path):
    world = made(name)
    sim_files.write(world, tmp_path)
    real = data.load(name, root=tmp_path)
    drawn = name != "emnist_letters"  # whose place is taken by real letters of other hands
    assert (real.source, real.name) == ("real", name) and (world.source == "simulated") == drawn
    keys = [
        [f"{s}/{w}/{n}" for s, w, n in zip(d.split, d.subject, d.meta["image"])]
        if name in LOSSY
        else range(len(d))
        for d in (world, real)
    ]
    at = {key: i for i, key in enumerate(keys[1])}
    rows = [at[key] for key in keys[0]]
    assert sorted(rows) == list(range(len(world)))
    real = real.select(rows)
    assert real.classes == world.classes
    np.testing.assert_array_equal(real.label, world.label)
    np.testing.assert_array_equal(real.split, world.split)
    if (world.subject != "").any():
        assert parted(real.subject) == parted(world.subject)
    if name in LOSSY:
        assert (
            real.images.shape[0] == len(world)
            and np.abs(_same_size(real, world) - world.images.astype(int)).mean() < 4
        )
    else:
        np.testing.assert_array_equal(real.images, world.images)
    for column in set(world.meta) & set(real.meta) - {"row"}:
        assert real.meta[column].tolist() == world.meta[column].tolist(), column
    assert set(world.meta) <= set(real.meta) | {"row", *votes.VOTES}
    seen = data.doctor(tmp_path).set_index("set").loc[name]
    assert seen.state == "partly" and not seen.damaged and seen.found


def _same_size(real, world):
    assert real.images.shape[1:3] == world.images.shape[1:3] or real.name == "vggface"
    side = world.images.shape[1]
    return np.array(
        [np.asarray(Image.fromarray(image).resize((side, side))) for image in real.images], int
    )


@pytest.mark.parametrize("name", sorted(set(SETS) & set(worlds.WORLDS)))
def test_options_of_the_real_set_are_options_of_its_stand_in_or_left_unused(name, made, tmp_path):
    options = {
        "ferplus": dict(targets="probability", classes=8),
        "ckplus": dict(frames="all", size=48),
        "rafd": dict(angles=(90,), size=64),
        "vggface": dict(size=32),
    }.get(name, {})
    world = data.load(name, source="simulated", profile="smoke", **options, **SMALLER.get(name, {}))
    sim_files.write(made(name), tmp_path)
    real = data.load(name, root=tmp_path, **options)
    assert set(world.meta) - set(votes.VOTES) - {"row"} <= set(real.meta)
    assert data.resolve(data.reference(world)).fingerprint == world.fingerprint
    data.resolve.cache_clear()


# ---------------------------------------------------------------- FER2013


def test_codes_of_fer2013_are_the_first_emotions():
    assert (
        fer2013.CODES
        == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
        == EMOTIONS[:7]
    )


def small(count=30, seed=0):
    return worlds.fer2013(seed, count)


def write_table(folder, name, world, columns=("emotion", "pixels", "Usage"), quote=""):
    path = folder / "fer2013" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [
        {"emotion": str(c), "pixels": quote + " ".join(map(str, image.ravel())) + quote, "Usage": u}
        for c, image, u in zip(world.label, world.images, world.split)
    ]
    text = (
        "\n".join(
            [",".join(columns), *(",".join(row[c.strip()] for c in columns) for row in cells)]
        )
        + "\n"
    )
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".xz":
        import lzma

        path.write_bytes(lzma.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize(
    "name, columns, quote",
    [
        ("fer2013.csv", ("emotion", "pixels", "Usage"), ""),
        ("fer2013.csv.gz", ("emotion", "pixels", "Usage"), ""),
        ("fer2013.csv.xz", ("emotion", "pixels", "Usage"), ""),
        ("icml_face_data.csv", ("emotion", " Usage", " pixels"), ""),
        ("fer2013.csv", ("emotion", "pixels", "Usage"), '"'),
    ],
)
def test_every_form_of_the_table_is_the_same_set(tmp_path, name, columns, quote):
    world = small()
    write_table(tmp_path, name, world, columns, quote)
    real = data.load("fer2013", root=tmp_path)
    np.testing.assert_array_equal(real.images, world.images)
    np.testing.assert_array_equal(real.label, world.label)
    assert real.split.tolist() == world.split.tolist() and real.meta.row.tolist() == list(range(30))


def test_the_tables_of_the_competition(tmp_path):
    world = small()
    train, test = world.select(world.split == "Training"), world.select(world.split != "Training")
    write_table(tmp_path, "train.csv", train, ("emotion", "pixels"), '"')
    write_table(tmp_path, "test.csv", test, ("pixels",), '"')
    real = data.load("fer2013", root=tmp_path)
    np.testing.assert_array_equal(real.images, train.images)
    assert set(real.split) == {"Training"}
    assert f"{len(test)} test rows without labels" in fer2013.check(tmp_path).detail
    write_table(tmp_path, "test.csv", test, ("emotion", "pixels"))
    real = data.load("fer2013", root=tmp_path)
    np.testing.assert_array_equal(real.label, np.r_[train.label, test.label])
    assert real.split.tolist() == ["Training"] * len(train) + ["Test"] * len(test)


def write_folders(folder, world, named=False, kind="png"):
    for i, (image, label, split) in enumerate(zip(world.images, world.label, world.split)):
        part = "train" if split == "Training" else "test"
        path = (
            folder
            / "fer2013"
            / part
            / EMOTIONS[label]
            / (f"{split}_{i}.{kind}" if named else f"{i:05d}.{kind}")
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    (folder / "fer2013" / "train" / ".DS_Store").write_bytes(b"\0")


@pytest.mark.parametrize("named", [False, True])
def test_folders_of_pictures(tmp_path, named):
    world = small()
    write_folders(tmp_path, world, named)
    real = data.load("fer2013", root=tmp_path)
    assert sorted(map(bytes, real.images)) == sorted(map(bytes, world.images))
    by_content = {
        bytes(image): (label, split)
        for image, label, split in zip(world.images, world.label, world.split)
    }
    for image, label, split in zip(real.images, real.label, real.split):
        expected, part = by_content[bytes(image)]
        assert label == expected and split == (
            part if named else "Training" if part == "Training" else "Test"
        )


def test_identical_pictures_share_a_subject_and_are_counted(tmp_path):
    world = small()
    first = np.flatnonzero(world.split == "Training")[:2]
    tests = [np.flatnonzero(world.split == part)[0] for part in ("PublicTest", "PrivateTest")]
    images, label = world.images.copy(), world.label.copy()
    images[tests] = images[first[0]]
    images[first[1]] = images[first[0]]
    label[tests[0]] = (label[first[0]] + 1) % 7
    label[tests[1]] = (label[first[0]] + 2) % 7
    from dataclasses import replace

    write_table(tmp_path, "fer2013.csv", replace(world, images=images, label=label))
    real = data.load("fer2013", root=tmp_path)
    assert len({real.subject[i] for i in [*first, *tests]}) == 1 and len(set(real.subject)) == 27
    told = fer2013.check(tmp_path).duplicates
    for part in (
        "1 of PublicTest stand in Training",
        "1 of PrivateTest stand in Training",
        "1 of PrivateTest stand in PublicTest",
        "1 in Training stand there before",
        "1 distinct images carry two labels",
    ):
        assert part in told, part


def test_the_parsed_copy_is_used_and_made_anew_when_damaged_or_old(tmp_path, monkeypatch):
    world, calls = small(), []
    path = write_table(tmp_path, "fer2013.csv", world)
    parse = fer2013._parse
    monkeypatch.setattr(fer2013, "_parse", lambda p: calls.append(p) or parse(p))
    whole = data.load("fer2013", root=tmp_path).fingerprint
    assert data.load("fer2013", root=tmp_path).fingerprint == whole and len(calls) == 1
    (copy,) = (Path(os.environ["EMOLIB_CACHE"]) / "sets").iterdir()
    raw = copy.read_bytes()  # times in the archive differ, its arrays do not
    for broken in (raw[:-100], raw[:5000] + bytes([raw[5000] ^ 255]) + raw[5001:], b"", b"PK\3\4"):
        copy.write_bytes(broken)
        calls.clear()
        assert data.load("fer2013", root=tmp_path).fingerprint == whole and len(calls) == 1
        assert data.load("fer2013", root=tmp_path).fingerprint == whole and len(calls) == 1
    write_table(tmp_path, "fer2013.csv", small(seed=1))
    assert data.load("fer2013", root=tmp_path).fingerprint != whole
    assert path.exists() and not list(copy.parent.glob("*.partial"))


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(tmp_path, monkeypatch):
    write_table(tmp_path, "fer2013.csv", small())
    (tmp_path / "cache").write_text("a file where the folder should be")
    monkeypatch.setenv("EMOLIB_CACHE", str(tmp_path / "cache"))
    with pytest.warns(UserWarning, match="cannot be kept"):
        assert len(data.load("fer2013", root=tmp_path)) == 30


# ---------------------------------------------------------------- FERPlus


@pytest.mark.parametrize(
    "targets, classes", [("majority", 7), ("majority", 8), ("cross_entropy", 7), ("probability", 8)]
)
def test_votes_decide_alike_in_the_loader_and_in_the_simulator(made, tmp_path, targets, classes):
    sim_files.write(made("fer2013"), tmp_path)
    real = data.load("ferplus", root=tmp_path, targets=targets, classes=classes)
    world = data.load(
        "ferplus", source="simulated", profile="smoke", targets=targets, classes=classes, count=150
    )
    np.testing.assert_array_equal(real.images, world.images)
    np.testing.assert_array_equal(real.label, world.label)
    assert (
        real.meta.astype(int).to_numpy().tolist()
        == world.meta[real.meta.columns].astype(int).to_numpy().tolist()
    )
    assert 80 < len(real) <= 150


def test_votes_without_pictures_are_seen_but_never_loaded(made, tmp_path, monkeypatch):
    sim_files.write(made("fer2013"), tmp_path)
    (tmp_path / "fer2013" / "fer2013.csv").unlink()
    row = data.doctor(tmp_path).set_index("set").loc["ferplus"]
    assert row.state == "partly" and "none of fer2013.csv" in row.detail and not row.damaged
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    assert data.load("ferplus", profile="smoke", count=30).source == "simulated"
    with pytest.raises(EmolibError, match="is not in"):
        data.load("ferplus", root=tmp_path)


# ---------------------------------------------------------------- CK+, RaFD, VGG-Face


@pytest.fixture(scope="module")
def ck(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ck")
    how = dict(subjects=3, sequences=8, length=9, frames="all", size=64)
    world, truth = face_sets.ckplus(5, **how), face_sets.ckplus_truth(5, **how)
    sim_files.write_ckplus(world, folder, truth=truth)
    return folder, world, truth


def test_ends_are_the_first_and_last_three_frames(ck):
    folder, world, _ = ck
    whole, ends = (data.load("ckplus", root=folder, frames=f) for f in ("all", "ends"))
    np.testing.assert_array_equal(whole.images, world.images)
    rows = (world.meta.frame <= 3) | (world.meta.frame > 6)
    np.testing.assert_array_equal(ends.images, world.images[rows])
    assert data.load(
        "ckplus", source="simulated", profile="smoke", sequences=10, length=9
    ).meta.frame[:6].tolist() == [1, 2, 3, 7, 8, 9]


def test_frames_are_reduced_cut_to_one_aspect_and_never_enlarged(ck, tmp_path):
    folder, world, _ = ck
    assert data.load("ckplus", root=folder, size=32).images.shape[1:] == (32, 32)
    assert data.load("ckplus", root=folder, size=500).images.shape[1:] == (64, 64)
    shutil.copytree(folder / "ckplus", tmp_path / "ckplus")
    tall = sorted((tmp_path / "ckplus/cohn-kanade-images/S005/001").iterdir())[0]
    image = np.asarray(Image.open(tall))
    Image.fromarray(np.pad(image, ((1, 1), (0, 0)))).save(tall)  # as 490 among 480
    real = data.load("ckplus", root=tmp_path, frames="all")
    assert real.meta.height[0] == 66 and (real.meta.height[1:] == 64).all()
    np.testing.assert_array_equal(real.images, world.images)


def test_action_units_and_landmarks_are_looked_over_as_drawn(ck):
    folder, world, (units, points) = ck
    assert "8 FACS and 72 landmark files" in ckplus.check(folder).detail
    images = data.load("ckplus", root=folder, frames="all").meta.image.map(Path)
    for i, image in enumerate(images):
        path = folder / "ckplus/Landmarks" / image.parent / f"{image.stem}_landmarks.txt"
        np.testing.assert_allclose(ckplus._points(path), points[i], atol=1e-3)
    last = np.flatnonzero(world.meta.frame == 9)
    for i in last:
        (path,) = (folder / "ckplus/FACS" / images[i].parent).iterdir()
        expected = [
            [face_traits.UNITS[u], min(5, 1 + int(5 * units[i, u]))]
            for u in np.flatnonzero(units[i] >= 0.2)
        ]
        assert sorted(ckplus._coded(path).tolist()) == sorted(expected)


def test_labels_may_lie_in_the_other_folder_and_colour_becomes_grey(ck, tmp_path):
    folder, world, _ = ck
    shutil.copytree(folder / "ckplus", tmp_path / "ckplus")
    (tmp_path / "ckplus" / "Emotion").rename(tmp_path / "ckplus" / "Emotion_labels")
    for path in (tmp_path / "ckplus/cohn-kanade-images/S005/001").iterdir():
        Image.open(path).convert("RGB").save(path)
    real = data.load("ckplus", root=tmp_path, frames="all")
    assert real.meta.code.tolist() == world.meta.code.tolist()
    np.testing.assert_array_equal(real.images, world.images)


def test_rafd_takes_angles_sizes_and_folders(tmp_path):
    world = worlds.rafd(2, 2, size=64, yaws=(45, 90), gazes=("frontal",))
    files = sim_files.write(world, tmp_path)
    real = data.load("rafd", root=tmp_path, angles=[90], size=32)
    assert real.images.shape == (16, 32, 32, 3) and set(real.meta.angle) == {90}
    (tmp_path / "rafd" / "älle Bilder").mkdir()
    for path in files[::2]:
        path.rename(tmp_path / "rafd" / "älle Bilder" / path.name)
    assert len(data.load("rafd", root=tmp_path)) == 32
    for column in ("angle", "model", "gender", "code", "gaze"):
        assert sorted(data.load("rafd", root=tmp_path).meta[column]) == sorted(world.meta[column])
    with pytest.raises(EmolibError, match="angles: 30"):
        data.load("rafd", root=tmp_path, angles=(30,))


def test_the_list_of_people_is_read_alone_and_never_loaded_as_pictures(tmp_path, made, monkeypatch):
    place = tmp_path / "vggface" / "vgg_face_dataset" / "files"
    place.mkdir(parents=True)
    (place / "Zoë_Example.txt").write_text(
        "00000001 http://x.org/1.jpg 132.15 48.06 263.91 179.82 3 2.90 1\n"
        "00000002 http://x.org/2.jpg 1 2 3.5 4 1 1.5 0\n",
        encoding="utf-8",
    )
    row = data.doctor(tmp_path).set_index("set").loc["vggface"]
    assert row.state == "partly" and "1 people in the list, 0 pictures" in row.detail
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    assert data.load("vggface", profile="smoke").source == "simulated"
    sim_files.write(made("vggface"), tmp_path)
    assert data.load("vggface").source == "real"


def test_pictures_of_any_size_are_cut_square(tmp_path):
    folder = tmp_path / "vggface" / "train" / "n000001"
    folder.mkdir(parents=True)
    for i, size in enumerate([(100, 60), (30, 40), (96, 96)]):
        Image.new("RGB", size, (10 * i, 20, 30)).save(folder / f"{i}.png")
    real = data.load("vggface", root=tmp_path)
    assert real.images.shape == (3, 96, 96, 3) and (real.images[1] == (10, 20, 30)).all()


# ---------------------------------------------------------------- EMNIST, CIFAR-100


@pytest.mark.parametrize("place", emnist_letters.PLACES)
@pytest.mark.parametrize("raw", [False, True])
def test_letters_are_found_where_tools_put_them(made, tmp_path, place, raw):
    (tmp_path / place).mkdir(parents=True)
    for path in sim_files.write(made("emnist_letters"), tmp_path / "written"):
        target = tmp_path / place / path.name
        target.write_bytes(path.read_bytes())
        if raw:
            target.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
            target.unlink()
    np.testing.assert_array_equal(
        data.load("emnist_letters", root=tmp_path).images, made("emnist_letters").images
    )


def test_cifar_comes_as_pickles_too_and_a_subset_says_so(made, tmp_path):
    world = made("cifar100")
    sim_files.write(world, tmp_path / "npz")
    sim_files.write_cifar100(world, tmp_path / "pickle", layout="pickle")
    small, whole = (data.load("cifar100", root=tmp_path / kind) for kind in ("npz", "pickle"))
    np.testing.assert_array_equal(whole.images, world.images)
    np.testing.assert_array_equal(whole.label, world.label)
    assert whole.classes == small.classes == world.classes
    assert set(small.meta.file) == {"cifar100_subset.npz"} and set(whole.meta.file) == {
        "train",
        "test",
    }
    assert whole.meta.coarse.tolist() == (world.label // 10).tolist()
    assert (
        "a subset of CIFAR-100"
        in data.doctor(tmp_path / "npz").set_index("set").loc["cifar100"].detail
    )


# ---------------------------------------------------------------- helpers


def test_pictures_are_cut_around_the_centre_and_averaged(tmp_path):
    image = np.zeros((40, 60), np.uint8)
    image[:, 10:50] = np.tile([100, 200], (40, 20))
    Image.fromarray(image).save(tmp_path / "a.png")
    assert (pictures.read(tmp_path / "a.png", (20, 20), grey=True) == 150).all()
    assert pictures.common([(4, 8), (2, 2), (4, 8)], 2) == (2, 4) and pictures.common(
        [(4, 8)], 9
    ) == (4, 8)


def test_repeats_are_told_once():
    told = checks.duplicates(list("aabcab"), ["x", "x", "x", "y", "y", "y"])
    assert told == "2 of y stand in x; 1 in x stand there before"
    assert checks.duplicates(list("aba")) == "1 in the set stand there before"
    assert checks.duplicates(list("abc")) == checks.duplicates([]) == ""


# ---------------------------------------------------------------- real files


def real(real_data, *names):
    for name in names:
        if not (real_data / name).exists():
            pytest.skip(f"NOT TESTED ON REAL DATA: no {name} in {real_data}")


@pytest.mark.slow
def test_the_real_fer2013_is_what_the_protocol_says(real_data):
    real(real_data, "fer2013/fer2013.csv.xz")
    start = time.process_time()
    faces = data.load("fer2013", source="real")
    first = time.process_time() - start
    assert [(faces.split == u).sum() for u in fer2013.USAGES] == [28709, 3589, 3589]
    assert np.bincount(faces.label).tolist() == [4953, 547, 5121, 8989, 6077, 4002, 6198]
    start = time.process_time()
    again = data.load("fer2013", source="real")
    second = time.process_time() - start
    assert again.fingerprint == faces.fingerprint
    told = fer2013.check(real_data).duplicates
    for part in (
        "280 of PublicTest stand in Training",
        "288 of PrivateTest stand in Training",
        "44 of PrivateTest stand in PublicTest",
        "57 distinct images carry two labels",
    ):
        assert part in told, part
    print(f"FER2013: {first:.1f} s of processor time, then {second:.2f} s")
    assert first < 25 and second < 1  # of this process, whatever else the machine does


@pytest.mark.slow
def test_the_real_ferplus_has_the_protocols_3137(real_data):
    real(real_data, "fer2013/fer2013.csv.xz", "fer2013/fer2013new.csv")
    faces = data.load("ferplus", source="real")
    assert (faces.split == "PrivateTest").sum() == 3137 and (
        faces.split == "PublicTest"
    ).sum() == 3186
    table = faces.meta[list(votes.VOTES)].to_numpy()
    share = votes.probabilities(table)
    np.testing.assert_array_equal(share.argmax(1), faces.label)
    assert (
        data.load("ferplus", source="real", targets="cross_entropy").split == "PrivateTest"
    ).sum() == 3480
    kept = data.load("ferplus", source="real", classes=8)
    assert (kept.split == "PrivateTest").sum() == 3153 and (
        kept.label == EMOTIONS.index("contempt")
    ).sum() == len(kept) - len(faces)
    assert (
        "3137 PrivateTest" in ferplus.check(real_data).detail
        and ferplus.check(real_data).found == 35887
    )


def test_the_real_cifar_subset(real_data):
    real(real_data, "cifar100/cifar100_subset.npz")
    pictures = data.load("cifar100", source="real")
    assert pictures.images.shape == (15_000, 32, 32, 3) and pictures.classes[:2] == (
        "apple",
        "aquarium_fish",
    )
    assert np.bincount(pictures.label[pictures.split == "train"]).tolist() == [100] * 100
    assert np.bincount(pictures.label[pictures.split == "test"]).tolist() == [50] * 100
