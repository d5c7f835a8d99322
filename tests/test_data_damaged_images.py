"""Image sets that were damaged on purpose: each case is one error with the file in it, and the doctor goes on."""

import gzip
import lzma
import os
import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import sim_files
from PIL import Image

from emolib import EMOTIONS, data
from emolib.data.files import Damaged, LeftOut
from emolib.data.sim import face_sets, worlds
from emolib.ground.errors import EmolibError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 139608\n"
RAN = (
    Path(tempfile.gettempdir()) / f"emolib-ran-{os.getpid()}"
)  # there only if code in a pickle was run


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One folder with every set, written once; tests damage a copy of the set they are about."""
    folder = tmp_path_factory.mktemp("whole")
    fer = worlds.fer2013(0, 20)
    sim_files.write(fer, folder / "table")
    for i, (image, label, part) in enumerate(zip(fer.images, fer.label, fer.split)):
        path = (
            folder
            / "folders"
            / "fer2013"
            / ("train" if part == "Training" else "test")
            / EMOTIONS[label]
            / f"{i:02d}.png"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    how = dict(subjects=2, sequences=5, length=3, size=32)
    sim_files.write_ckplus(
        face_sets.ckplus(1, **how), folder, truth=face_sets.ckplus_truth(1, **how)
    )
    sim_files.write(worlds.rafd(0, 2, size=32, yaws=(90,), gazes=("frontal",)), folder)
    sim_files.write(worlds.vggface(0, 3, 4, size=32), folder)
    sim_files.write(sim_files.letters(2, 1), folder)
    cifar = worlds.cifar100(0, 1, 1)
    sim_files.write(cifar, folder)
    sim_files.write_cifar100(cifar, folder / "pickles", layout="pickle")
    (folder / "people" / "vggface" / "files").mkdir(parents=True)
    (folder / "people" / "vggface" / "files" / "A_B.txt").write_text(
        "1 http://x.org/1.jpg 1 2 3 4 3 2.9 1\n"
    )
    return folder


def first(root, pattern):
    return sorted(root.glob(pattern))[0]


def put(pattern, content):
    """A step that overwrites the first file of `pattern` with bytes or text."""

    def act(root):
        path = first(root, pattern)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return act


def cut(pattern, share):
    def act(root):
        path = first(root, pattern)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        return path

    return act


def line(number, change, name="fer2013.csv"):
    """A step that changes one line of a table: `change` takes and returns its cells."""

    def act(root):
        path = root / "fer2013" / name
        lines = path.read_text().split("\n")
        lines[number - 1] = ",".join(change(lines[number - 1].split(",")))
        path.write_text("\n".join(lines))
        return path

    return act


def pixels(change):
    return lambda cells: [cells[0], " ".join(change(cells[1].split())), cells[2]]


def squeezed(kind, module, share=0.7, flip=False):
    def act(root):
        plain = root / "fer2013" / "fer2013.csv"
        path = plain.with_name(plain.name + kind)
        raw = module.compress(plain.read_bytes())
        at = len(raw) // 2
        path.write_bytes(
            raw[:at] + bytes([raw[at] ^ 255]) + raw[at + 1 :]
            if flip
            else raw[: int(share * len(raw))]
        )
        plain.unlink()
        return path

    return act


def image(pattern, size, mode="L"):
    def act(root):
        path = first(root, pattern)
        Image.new(mode, size).save(path)
        return path

    return act


def loop(pattern):
    """The first file or folder of `pattern` becomes a link to itself."""

    def act(root):
        path = first(root, pattern)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.symlink_to(path.name)
        return path

    return act


def renamed(pattern, change):
    def act(root):
        path = first(root, pattern)
        return path.rename(path.with_name(change(path.name)))

    return act


class Evil:
    def __reduce__(self):
        return os.system, (f"touch {RAN}",)


def npz(**change):
    def act(root):
        path = root / "cifar100" / "cifar100_subset.npz"
        with np.load(path) as opened:
            held = dict(opened) | change
        np.savez(path, **{k: v for k, v in held.items() if v is not None})
        return path

    return act


def idx(part, kind, change):
    def act(root):
        path = first(root, f"emnist/emnist-letters-{part}-{kind}*")
        path.write_bytes(gzip.compress(change(bytearray(gzip.decompress(path.read_bytes())))))
        return path

    return act


def changed(at, value):
    def act(raw):
        raw[at] = value
        return bytes(raw)

    return act


def repickled(name, **change):
    def act(root):
        path = root / "cifar100" / "cifar-100-python" / name
        held = pickle.loads(path.read_bytes()) | change
        path.write_bytes(pickle.dumps({k: v for k, v in held.items() if v is not None}))
        return path

    return act


def extra(path, content, is_file=True):
    def act(root):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
        return root / path if is_file else (root / path).parent

    return act


TABLE, VOTES, CK, RAFD, FACES = (
    "fer2013/fer2013.csv",
    "fer2013/fer2013new.csv",
    "ckplus/cohn-kanade-images/*/*/*.png",
    "rafd/*.jpg",
    "vggface/train/*/*.jpg",
)

# set, folder of `whole`, what is done to it, what the error says; then whether the rest loads with damaged='skip'
ONE_FILE = [
    ("fer2013", "table", squeezed(".xz", lzma), "breaks off after line"),
    ("fer2013", "table", squeezed(".gz", gzip), "breaks off after line"),
    ("fer2013", "table", squeezed(".xz", lzma, flip=True), "breaks off after line"),
    (
        "fer2013",
        "table",
        squeezed(".gz", gzip, flip=True),
        "breaks off after line|line .* (has|holds|pixel|expected)",
    ),
    ("fer2013", "table", put(TABLE, b""), "is empty"),
    ("fer2013", "table", put(TABLE, "emotion,pixels,Usage\n"), "no rows below its first line"),
    ("fer2013", "table", put(TABLE, POINTER), "Git-LFS pointer"),
    ("fer2013", "table", put(TABLE, b"\xff\xd8\xff" * 50), "line 1 is"),
    (
        "fer2013",
        "table",
        line(1, lambda c: ["label", "pixels", "Usage"]),
        "line 1 is 'label,pixels,usage', expected emotion,pixels,Usage",
    ),
    (
        "fer2013",
        "table",
        line(1, lambda c: ["emotion", "pixels"]),
        "line 2 has 3 cells, expected 2",
    ),
    (
        "fer2013",
        "table",
        line(4, pixels(lambda p: ["12a", *p[1:]])),
        "line 4: pixel '12a', expected a whole number from 0 to 255",
    ),
    ("fer2013", "table", line(4, pixels(lambda p: ["-3", *p[1:]])), "line 4: pixel '-3'"),
    ("fer2013", "table", line(4, pixels(lambda p: ["1.5", *p[1:]])), "line 4: pixel '1.5'"),
    ("fer2013", "table", line(4, pixels(lambda p: ["\t", *p[1:]])), "line 4: pixel"),
    (
        "fer2013",
        "table",
        line(4, pixels(lambda p: p[1:])),
        "line 4 holds 2303 pixels, expected 2304",
    ),
    ("fer2013", "table", line(4, pixels(lambda p: [*p, "7"])), "line 4 holds 2305 pixels"),
    ("fer2013", "table", line(4, pixels(lambda p: [])), "line 4 holds 0 pixels"),
    ("fer2013", "table", line(5, pixels(lambda p: ["256", *p[1:]])), "line 5: pixel 256"),
    (
        "fer2013",
        "table",
        line(5, pixels(lambda p: ["4294967296", *p[1:]])),
        "line 5: pixel 4294967296",
    ),
    ("fer2013", "table", line(5, pixels(lambda p: ["9" * 30, *p[1:]])), "line 5: pixel 9"),
    ("fer2013", "table", line(6, lambda c: ["7", *c[1:]]), "line 6: emotion '7', expected 0 to 6"),
    ("fer2013", "table", line(6, lambda c: ["", *c[1:]]), "line 6: emotion ''"),
    (
        "fer2013",
        "table",
        line(7, lambda c: [*c[:2], "Testing"]),
        "line 7: Usage 'Testing', expected Training",
    ),
    ("fer2013", "table", line(7, lambda c: c[:2]), "line 7 has 2 cells, expected 3"),
    ("fer2013", "table", cut(TABLE, 0.52), r"line \d+ (has|holds)"),
    ("fer2013", "table", loop(TABLE), "a link that leads nowhere or back to itself"),
    ("ferplus", "table", put(VOTES, POINTER), "Git-LFS pointer"),
    ("ferplus", "table", put(VOTES, b"\xff\xfe\xfa" * 40), "not a readable table"),
    (
        "ferplus",
        "table",
        line(1, lambda c: c[:-1], "fer2013new.csv"),
        "fer2013new.csv: (line 1|not a readable table)",
    ),
    (
        "ferplus",
        "table",
        line(3, lambda c: [*c[:4], "x", *c[5:]], "fer2013new.csv"),
        "line 3: surprise holds 'x', expected 0 to 10 votes",
    ),
    (
        "ferplus",
        "table",
        line(3, lambda c: [*c[:4], "-1", *c[5:]], "fer2013new.csv"),
        "line 3: surprise holds '-1'",
    ),
    (
        "ferplus",
        "table",
        line(3, lambda c: [*c[:2], *["0"] * 10], "fer2013new.csv"),
        "line 3 holds 0 votes",
    ),
    (
        "ferplus",
        "table",
        line(3, lambda c: [*c[:2], *["5"] * 10], "fer2013new.csv"),
        "line 3 holds 50 votes",
    ),
    (
        "ferplus",
        "table",
        line(3, lambda c: ["PublicTest", *c[1:]], "fer2013new.csv"),
        "line 3: Usage 'PublicTest', but fer2013.csv has 'Training'",
    ),
    (
        "ferplus",
        "table",
        lambda root: put(VOTES, "\n".join(first(root, VOTES).read_text().split("\n")[:-2]))(root),
        "19 rows, but fer2013.csv has 20",
    ),
    ("ferplus", "table", line(4, pixels(lambda p: p[1:])), "fer2013.csv: line 4 holds 2303 pixels"),
    (
        "emnist_letters",
        "",
        idx("train", "images", changed(3, 7)),
        "magic number 2055, expected 2051",
    ),
    (
        "emnist_letters",
        "",
        idx("train", "images", lambda raw: bytes(raw[:-9])),
        "bytes below its head, which says 52 x 28 x 28",
    ),
    ("emnist_letters", "", idx("train", "images", lambda raw: bytes(raw[:10])), "below its head"),
    ("emnist_letters", "", idx("train", "images", lambda raw: b"ab"), "magic number None"),
    ("emnist_letters", "", idx("train", "images", changed(4, 255)), "below its head"),
    (
        "emnist_letters",
        "",
        idx("test", "labels", changed(8, 27)),
        "label 27 of picture 0, expected 1 to 26",
    ),
    ("emnist_letters", "", idx("test", "labels", changed(9, 0)), "label 0 of picture 1"),
    (
        "emnist_letters",
        "",
        idx("test", "labels", lambda raw: bytes(raw[:7]) + bytes([25]) + bytes(raw[8:-1])),
        "25 labels, but .* holds 26 pictures",
    ),
    ("emnist_letters", "", cut("emnist/*train-images*", 0.5), "the compressed data breaks off"),
    ("emnist_letters", "", put("emnist/*train-images*", POINTER), "Git-LFS pointer"),
    (
        "emnist_letters",
        "",
        put("emnist/*train-images*", b"not gz"),
        "the compressed data breaks off",
    ),
    (
        "emnist_letters",
        "",
        lambda root: first(root, "emnist/*test-labels*").unlink() or root / "emnist",
        "no such file, raw or .gz",
    ),
    ("emnist_letters", "", loop("emnist/*test-labels*"), "a link that leads nowhere"),
    (
        "cifar100",
        "",
        npz(x_train=np.array([Evil()], dtype=object)),
        "not a readable npz file of plain arrays .*Object arrays",
    ),
    ("cifar100", "", npz(y_test=None), "no array y_test"),
    ("cifar100", "", npz(y_test=np.full(100, 100)), "label 100 of picture 0, expected 0 to 99"),
    ("cifar100", "", npz(y_test=np.zeros(100)), "labels are float64"),
    ("cifar100", "", npz(y_test=np.zeros(99, int)), r"labels are int64 \(99,\), expected 100"),
    ("cifar100", "", npz(x_test=np.zeros((100, 32, 32), np.uint8)), "pictures are uint8"),
    ("cifar100", "", npz(classes=np.array(["a", "a"])), "no list of different names"),
    ("cifar100", "", cut("cifar100/*.npz", 0.6), "not a readable npz file"),
    ("cifar100", "", put("cifar100/*.npz", POINTER), "Git-LFS pointer"),
    (
        "cifar100",
        "pickles",
        put("cifar100/*/train", pickle.dumps({"data": Evil()})),
        "asks for posix.system, which could run code",
    ),
    (
        "cifar100",
        "pickles",
        put("cifar100/*/meta", pickle.dumps([1, 2])),
        "a pickle without 'fine_label_names'",
    ),
    ("cifar100", "pickles", cut("cifar100/*/train", 0.5), "not a readable pickle"),
    (
        "cifar100",
        "pickles",
        repickled("test", data=np.zeros((100, 99), np.uint8)),
        r"data is uint8 \(100, 99\)",
    ),
    ("cifar100", "pickles", repickled("test", data="abc"), "expected uint8"),
    (
        "cifar100",
        "pickles",
        repickled("test", fine_labels=[[1], [1, 2]]),
        "expected 100 whole numbers",
    ),
    (
        "cifar100",
        "pickles",
        repickled("test", coarse_labels=[20] * 100),
        "label 20 of picture 0, expected 0 to 19",
    ),
    ("cifar100", "pickles", repickled("train", fine_labels=None), "a pickle without 'fine_labels'"),
]
MANY_FILES = [
    ("fer2013", "folders", cut("fer2013/train/*/*.png", 0.6), "without its end; it is cut short"),
    ("fer2013", "folders", put("fer2013/train/*/*.png", b"hello"), "not a readable picture"),
    ("fer2013", "folders", put("fer2013/train/*/*.png", POINTER), "Git-LFS pointer"),
    (
        "fer2013",
        "folders",
        image("fer2013/train/*/*.png", (47, 48)),
        "47 x 48 pixels, expected 48 x 48",
    ),
    ("fer2013", "folders", image("fer2013/train/*/*.png", (48, 48), "I;16"), "pixels of kind I;16"),
    (
        "fer2013",
        "folders",
        image("fer2013/train/*/*.png", (9000, 2)),
        "9000 x 2 pixels, expected at most 8192",
    ),
    (
        "fer2013",
        "folders",
        loop("fer2013/train/*/*.png"),
        "a link that leads nowhere or back to itself",
    ),
    ("fer2013", "folders", loop("fer2013/test/*"), "a link that leads nowhere or back to itself"),
    (
        "fer2013",
        "folders",
        extra("fer2013/train/contempt/1.png", b"x", False),
        "contempt: no class of FER2013",
    ),
    (
        "ckplus",
        "",
        put("ckplus/Emotion/*/*/*.txt", "  nonsense\n"),
        "line 1 is 'nonsense', expected numbers",
    ),
    (
        "ckplus",
        "",
        put("ckplus/Emotion/*/*/*.txt", "   9.0000000e+00\n"),
        "holds 9, expected one emotion code from 1 to 7",
    ),
    ("ckplus", "", put("ckplus/Emotion/*/*/*.txt", "2.5"), "holds 2.5, expected one emotion code"),
    ("ckplus", "", put("ckplus/Emotion/*/*/*.txt", "1 2"), "expected 1 finite numbers"),
    ("ckplus", "", put("ckplus/Emotion/*/*/*.txt", "nan"), "expected 1 finite numbers"),
    ("ckplus", "", put("ckplus/Emotion/*/*/*.txt", b""), "is empty"),
    ("ckplus", "", put("ckplus/Emotion/*/*/*.txt", b"\n \n"), "no number in it"),
    (
        "ckplus",
        "",
        extra("ckplus/Emotion/S999/001/S999_001_00000003_emotion.txt", b"3.0"),
        "a label without the pictures",
    ),
    (
        "ckplus",
        "",
        extra("ckplus/Emotion/S999/one/S999_one_00000003_emotion.txt", b"3.0"),
        "a label without the pictures",
    ),
    ("ckplus", "", cut(CK, 0.8), "without its end"),
    ("ckplus", "", put(CK, POINTER), "Git-LFS pointer"),
    ("ckplus", "", image(CK, (64, 64)), "64 x 64 pixels among ones of 32 x 32"),
    (
        "ckplus",
        "",
        renamed(CK, lambda n: "S998" + n[4:]),
        "its name is not S005_001_ and eight digits",
    ),
    ("ckplus", "", loop("ckplus/cohn-kanade-images/S005/*"), "a link that leads nowhere"),
    ("ckplus", "", loop(CK), "a link that leads nowhere"),
    (
        "ckplus",
        "",
        extra("ckplus/cohn-kanade-images/S005/abc/S005_abc_00000001.png", b"x", False),
        "named by the number of a sequence",
    ),
    (
        "rafd",
        "",
        renamed(RAFD, lambda n: n.replace("angry", "bored")),
        "its name says emotion 'bored', expected angry, contemptuous",
    ),
    ("rafd", "", renamed(RAFD, lambda n: n.replace("090", "091")), "its name says angle '91'"),
    ("rafd", "", renamed(RAFD, lambda n: n.replace("frontal", "up")), "its name says gaze 'up'"),
    (
        "rafd",
        "",
        renamed(RAFD, lambda n: n.replace("_01_", "_")),
        "its name is not as Rafd090_01_Caucasian",
    ),
    ("rafd", "", cut(RAFD, 0.7), "without its end"),
    (
        "rafd",
        "",
        put(RAFD, b"\xff\xd8\xff\xe0" + bytes(300) + b"\xff\xd9"),
        "not a readable picture",
    ),
    ("rafd", "", image(RAFD, (33, 32), "RGB"), "33 x 32 pixels among ones of 32 x 32"),
    ("rafd", "", loop(RAFD), "a link that leads nowhere"),
    ("vggface", "", cut(FACES, 0.7), "without its end"),
    ("vggface", "", put(FACES, POINTER), "Git-LFS pointer"),
    ("vggface", "", loop("vggface/train/n000001"), "a link that leads nowhere"),
]


def named(case):
    return [
        f"{i}-{c[0]}-{''.join(ch for ch in c[3] if ch.isalnum() or ch == ' ')[:30]}"
        for i, c in enumerate(case)
    ]


def snapshot(root):
    return {
        path: path.is_symlink() or (path.is_file() and path.read_bytes())
        for path in root.rglob("*")
    }


def damage(whole, tmp_path, folder, name, act):
    place = {"ferplus": "fer2013", "emnist_letters": "emnist"}.get(name, name)
    shutil.copytree(whole / folder / place, tmp_path / "data" / place)
    return tmp_path / "data", act(tmp_path / "data")


def refused(root, broken, name, told, monkeypatch):
    """load refuses, also with source='auto'; check and doctor report; nothing is written."""
    before = snapshot(root)
    monkeypatch.setenv("EMOLIB_DATA", str(root))
    for ask in (lambda: data.load(name, root=root), lambda: data.load(name)):
        with pytest.raises(EmolibError, match=told) as error:
            ask()
        assert "\n" not in str(error.value) and str(broken) in str(error.value)
        assert isinstance(pickle.loads(pickle.dumps(error.value)), Damaged)
    row = data.doctor(root).set_index("set").loc[name]
    assert row.state in ("damaged", "partly") and str(broken) in row.damaged
    assert snapshot(root) == before
    return row


@pytest.mark.parametrize("name, folder, act, told", ONE_FILE, ids=named(ONE_FILE))
def test_a_damaged_file_is_refused_with_its_name_and_the_reason(
    whole, tmp_path, monkeypatch, name, folder, act, told
):
    root, broken = damage(whole, tmp_path, folder, name, act)
    row = refused(root, broken, name, told, monkeypatch)
    assert row.state == "damaged" and row.found == 0
    with pytest.raises(EmolibError, match=told):
        data.load(name, root=root, damaged="skip")
    kept = data.settings.cache() / "sets"
    assert not kept.exists() or all(path.suffix == ".npz" for path in kept.iterdir())
    assert not os.path.exists(RAN)


@pytest.mark.parametrize("name, folder, act, told", MANY_FILES, ids=named(MANY_FILES))
def test_a_damaged_picture_can_be_left_out(whole, tmp_path, monkeypatch, name, folder, act, told):
    root, broken = damage(whole, tmp_path, folder, name, act)
    row = refused(root, broken, name, told, monkeypatch)
    assert row.state == "partly"
    with pytest.warns(LeftOut, match=told):
        rest = data.load(name, root=root, damaged="skip")
    every = data.load(name, root=whole / folder)
    assert 0 < len(rest) <= len(every)
    good = {bytes(image) for image in every.images}
    assert all(bytes(image) in good for image in rest.images)


def test_a_byte_changed_inside_a_picture_is_seen_on_reading_or_changes_pixels_only(whole, tmp_path):
    shutil.copytree(whole / "ckplus", tmp_path / "ckplus")
    path = first(tmp_path, CK)
    raw, refused = path.read_bytes(), 0
    for at in range(0, len(raw), max(1, len(raw) // 60)):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :])
        try:
            assert len(data.load("ckplus", root=tmp_path)) == 15
        except Damaged as error:
            assert error.path == path
            refused += 1
    assert refused > 30


def test_a_sequence_with_a_damaged_label_is_left_out_and_not_called_unlabelled(whole, tmp_path):
    root, broken = damage(
        whole, tmp_path, "", "ckplus", put("ckplus/Emotion/*/*/*.txt", "nonsense")
    )
    with pytest.warns(LeftOut, match="1 damaged files left out"):
        rest = data.load("ckplus", root=root, damaged="skip")
    assert len(rest) == 12
    assert f"{broken.parent.parent.name}/{broken.parent.name}" not in {
        image.rsplit("/", 1)[0] for image in rest.meta.image
    }


@pytest.mark.parametrize(
    "name, folder, act, told",
    [
        ("ckplus", "", put("ckplus/FACS/*/*/*.txt", "4 9\n"), "intensities from 0 to 5"),
        ("ckplus", "", put("ckplus/FACS/*/*/*.txt", "x y\n"), "expected numbers"),
        ("ckplus", "", put("ckplus/Landmarks/*/*/*.txt", "4 9\n" * 67), "67 points, expected 68"),
        (
            "vggface",
            "people",
            put("vggface/files/*.txt", "1 http://x.org/1.jpg 1 2 3\n"),
            "line 1 is",
        ),
        ("vggface", "people", put("vggface/files/*.txt", "1 u 1 2 3 4 3 x 1\n"), "line 1 is"),
        ("vggface", "people", put("vggface/files/*.txt", "1 u 1 2 3 4 nan 1 1\n"), "line 1 is"),
        ("vggface", "people", put("vggface/files/*.txt", "\n"), "no picture in it"),
    ],
)
def test_the_doctor_tells_of_files_beside_the_pictures(whole, tmp_path, name, folder, act, told):
    root, broken = damage(whole, tmp_path, folder, name, act)
    row = data.doctor(root).set_index("set").loc[name]
    assert str(broken) in row.damaged and told in row.damaged


def test_folders_may_have_any_name_and_links_to_folders_are_followed(whole, tmp_path):
    root = tmp_path / "данные ü 数据"
    root.mkdir()
    for name in ("ckplus", "rafd", "vggface", "emnist", "cifar100"):
        (root / name).symlink_to(whole / name)
    (root / "fer2013").symlink_to(whole / "folders" / "fer2013")
    for name in ("ckplus", "rafd", "vggface", "emnist_letters", "cifar100", "fer2013"):
        assert data.load(name, root=root).source == "real"


def test_a_folder_that_links_to_one_above_it_does_not_trap_the_walk(whole, tmp_path):
    shutil.copytree(whole / "ckplus", tmp_path / "ckplus")
    every = data.load("ckplus", root=tmp_path).fingerprint
    (tmp_path / "ckplus" / "cohn-kanade-images" / "S005" / "002").rename(tmp_path / "x")
    (tmp_path / "x").rename(tmp_path / "ckplus" / "cohn-kanade-images" / "S005" / "002")
    (tmp_path / "ckplus" / "cohn-kanade-images" / "S900").symlink_to(tmp_path / "ckplus")
    assert data.load("ckplus", root=tmp_path).fingerprint == every


@pytest.mark.parametrize(
    "name, options, told",
    [
        ("fer2013", dict(damaged="ignore"), "damaged='ignore' is not known"),
        ("ferplus", dict(targets="majorty"), "did you mean majority"),
        ("ferplus", dict(classes=9), "classes=9"),
        ("ckplus", dict(frames="some"), "frames='some' is not known"),
    ],
)
def test_an_unknown_option_is_said(whole, name, options, told):
    root = whole / "table" if name.startswith("fer") else whole
    with pytest.raises(EmolibError, match=told):
        data.load(name, root=root, **options)
