"""Sets that have no simulated stand-in: read whole where they are at hand, and refused by file and reason when damaged.

Small files in the real layout are written here, so that every damage is tried where the real files may not lie.
"""

import itertools
import os
import shutil
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import sim_files
from PIL import Image

from emolib import EMOTIONS, data
from emolib.data import ckplus48, crema_d_features, ravdess_tracking, studyforrest, tables, unipen
from emolib.data.checks import content_of
from emolib.data.files import Damaged, LeftOut
from emolib.data.sim import clip_sets, worlds
from emolib.data.splits import cross_validation, literature_folds
from emolib.ground.errors import EmolibError

# ---------------------------------------------------------------- the real files

# set: samples, people (or segments), what the doctor counts, what stands twice
REAL = {
    "unipen": (89429, 308, "67 of them for tests; 1636 to 7687 a letter", "2021 in the set"),
    "studyforrest": (8, 8, "7079 whole seconds, 8 annotations, 6 features; 19 levels", ""),
    "ceap360vr": (256, 32, "32 people, 8 films, 451200 frames at 25 and 30 Hz, 40 %", ""),
    "ravdess_av": (360, 24, "66 sound, 42 face, 14 score columns, 3 with gaps left out", ""),
    "crema_d_features": (7442, 91, "91 actors; 1271 angry, 1271 disgust", "3 in the set"),
    "ckplus48": (981, 118, "118 people, 327 sequences; 135 anger, 54 contempt", ""),
    "jaffe": (213, 10, "10 people; 30 angry, 29 disgust, 32 fear, 31 happy", ""),
}


def there(real_data, name):
    if not (real_data / data.CATALOG[name].folder).is_dir():
        pytest.skip(f"NOT TESTED ON REAL DATA: no {name} in {real_data}")
    return real_data


@pytest.mark.parametrize("name", REAL)
def test_the_real_set_is_read_whole(real_data, name):
    root = there(real_data, name)
    samples, people, detail, twice = REAL[name]
    read = data.load(name, root=root)
    assert (read.source, len(read), len(set(read.subject))) == ("real", samples, people)
    seen = import_module(f"emolib.data.{name}").check(root)
    assert detail in seen.detail and seen.damaged == []
    assert seen.duplicates.startswith(twice) if twice else seen.duplicates == ""
    assert seen.state(data.CATALOG[name].samples) == "found"
    assert data.resolve(data.reference(data.load(name))).fingerprint == read.fingerprint
    data.resolve.cache_clear()


def test_writers_of_unipen_are_on_one_side(real_data):
    read = data.load("unipen", root=there(real_data, "unipen"))
    sides = [set(read.subject[read.split == s]) for s in ("train", "validation", "test")]
    assert not any(a & b for a, b in itertools.combinations(sides, 2)) and all(sides)
    assert np.bincount(read.label[read.split == "test"]).min() >= 300
    # 'O' is round: ink on its rim and none in its middle
    rings = read.images[read.label == 14].mean(0)
    assert rings[14, 14] < 0.35 * rings[:, 14].max()


def test_pieces_of_the_film_lie_where_their_overlaps_say(real_data):
    """The end of each piece and the beginning of the next show the same frames: loudness agrees best at STARTS."""
    there(real_data, "studyforrest")
    held = np.load(real_data / "studyforrest" / "features_25hz.npz", allow_pickle=False)
    for k in range(7):
        here, after = held[f"seg{k}"], held[f"seg{k + 1}"]
        expected = round((studyforrest.STARTS[k + 1] - studyforrest.STARTS[k]) * 25)
        agreement = {}
        for lag in range(expected - 40, expected + 41):
            shared = len(here) - lag
            a, b = here[lag + 60 : lag + shared - 100], after[60 : shared - 100]
            both = [np.corrcoef(a[:, c], b[:, c])[0, 1] for c in (0, 2, 5)]
            agreement[lag] = np.mean(both)
        assert abs(max(agreement, key=agreement.get) - expected) <= 1, k


def test_a_rate_averages_the_features_and_holds_the_annotation(real_data):
    root = there(real_data, "studyforrest")
    slow, fast = (data.load("studyforrest", root=root, rate=rate, gap=5) for rate in (1, 25))
    assert (slow.fps, fast.fps) == (1, 25) and slow.fingerprint != fast.fingerprint
    for one, many, a, b in zip(
        slow.features, fast.features, slow.valence_arousal, fast.valence_arousal
    ):
        np.testing.assert_allclose(one(), many().reshape(-1, 25, 6).mean(1), rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(a, b[::25])
    whole = data.load("studyforrest", root=root)
    assert (whole.meta.end - whole.meta.start - slow.meta.end + slow.meta.start == 10).all()
    assert (whole.meta.start[1:].to_numpy() >= whole.meta.end[:-1].to_numpy()).all()


def test_people_of_ceap360vr_rest_in_the_middle_and_stay_inside(real_data):
    read = data.load("ceap360vr", root=there(real_data, "ceap360vr"))
    assert sorted(set(read.meta.fps)) == [25, 30] and set(read.meta.video[read.meta.fps == 25]) == {
        "V1"
    }
    began = np.array([track[0] for track in read.valence_arousal])  # the joystick rests at 5
    assert (began == 0).all(1).mean() > 0.9
    seconds = read.meta.frames / read.meta.fps
    assert ((seconds > 59.9) & (seconds < 60.1)).all()
    assert read.features[3]().shape == (read.meta.frames[3], 0)


def test_scores_of_a_foreign_network_stay_out_unless_asked_for(real_data):
    root = there(real_data, "ravdess_av")
    plain, scored = (data.load("ravdess_av", root=root, scores=s) for s in (False, True))
    assert len(scored.columns) - len(plain.columns) == 14
    assert not [name for name in plain.columns if "happiness" in name or name.startswith("score")]
    sound, face = (data.load("ravdess_av", root=root, modality=m) for m in ("a", "v"))
    assert sound.columns + face.columns == plain.columns
    folds = literature_folds(plain, "ravdess-12x2")
    assert len(folds) == 12 and sum(len(fold.test) for fold in folds) == 360


def test_people_of_crema_d_fold_as_the_clips_do(real_data):
    read = data.load("crema_d_features", root=there(real_data, "crema_d_features"))
    folds = literature_folds(read, "crema_d-9")
    assert len(folds) == 9 and sum(len(fold.test) for fold in folds) == 7442
    assert set(read.meta.level) == {"LO", "MD", "HI", "XX"}


def test_frames_of_a_sequence_stay_together_when_people_do(real_data):
    read = data.load("ckplus48", root=there(real_data, "ckplus48"))
    assert (read.meta.groupby("sequence").size() == 3).all()
    for fold in cross_validation(read, 5):
        assert not set(read.meta.sequence[fold.train]) & set(read.meta.sequence[fold.test])
    happy = read.meta[read.label == EMOTIONS.index("happy")]
    assert happy.AU12.mean() > 0.95 and happy.AU4.mean() < 0.1


def test_no_face_of_the_research_sets_is_in_the_results(real_data):
    """Pictures of CK+ and JAFFE are in no committed bundle, as they are or enlarged."""
    root = Path(__file__).parent.parent
    content = set()
    for name in ("ckplus48", "jaffe"):
        content |= set(content_of(data.load(name, root=there(real_data, name)).images))
    for path in (root / "results").rglob("*.npz"):
        held = np.load(path, allow_pickle=False)
        for array in (held[name] for name in held.files):
            if array.dtype == np.uint8 and array.ndim >= 3:
                assert not content & set(content_of(array)), path


# ---------------------------------------------------------------- small files in the same layout

RNG = np.random.default_rng(0)


def write_unipen(root):
    count = 60
    arrays = {
        "x": RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8),
        "y": np.arange(count, dtype=np.uint8) % 26,
        "upper": np.arange(count) % 3 == 0,
        "writer": np.arange(count, dtype=np.int32) % 8,
        "writer_name": np.array([f"aga/writer{k}" for k in range(8)]),
        "contributor": np.full(count, "aga"),
        "quality": np.full(count, "OK"),
    }
    return pack(root / "unipen" / "letters28.npz", arrays)


def write_studyforrest(root):
    place = root / "studyforrest"
    place.mkdir(parents=True)
    lines = [f"{-0.5 if s % 40 < 20 else 0.25},{0.5 if s % 90 < 30 else 0},0" for s in range(7085)]
    (place / "ioats_1s_av_allchar.csv").write_text("\n".join(["arousal,valence,fear", *lines]))
    ends = [891.24, 1759.2, 2618.84, 3578.48, 4488.0, 5349.2, 6418.12, 7085.521]
    rows = [f"{a},{b},{k + 1}" for k, (a, b) in enumerate(zip([0, *ends], ends))]
    (place / "segments.csv").write_text("\n".join(["start,end,id", *rows]))
    arrays = {"columns": np.array(studyforrest.COLUMNS)}
    for k, (start, end) in enumerate(zip(studyforrest.STARTS, ends)):
        frames = int((end - start) * 25) + 50
        arrays[f"seg{k}"] = RNG.random((frames, 6), dtype=np.float32)
    return pack(place / "features_25hz.npz", arrays)


def write_ceap360vr(root):
    time = np.arange(50) / 25
    arrays = {}
    for person in (1, 2, 10):
        for video in (1, 2):
            track = np.column_stack([time * (1.2 if video == 1 else 1), RNG.uniform(1, 9, (50, 2))])
            arrays[f"P{person}_V{video}"] = track.astype(np.float32)
    return pack(root / "ceap360vr" / "annotations_25hz.npz", arrays)


WORDS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")


def write_ravdess_av(root):
    place = root / "ravdess_av"
    place.mkdir(parents=True)
    sound = [f"mfcc{k}_mean" for k in range(66)] + ["cpp_mean", "cpp_var", "shimmer_apq11"]
    face = list(dict.fromkeys(import_module("emolib.data.ravdess_av").SCORES))
    face += [f"AU{k:02d}_mean" for k in range(56 - len(face))]
    clips = [(e, i, a) for a in (1, 2) for e in range(1, 9) for i in (1, 2) if (e, i) != (1, 2)]
    for name, columns, end in (("audio", sound, "wav"), ("video", face, "mp4")):
        lines = [",".join([*columns, "file", "emotion", "intensity", "actor", "gender"])]
        for e, i, a in clips if name == "audio" else clips[::-1]:
            cells = [f"{v:.4f}" for v in RNG.random(len(columns))]
            cells = ["" if c.startswith("cpp") else v for c, v in zip(columns, cells)]
            file = f"01-01-{e:02d}-{i:02d}-01-01-{a:02d}.{end}"
            lines.append(",".join([*cells, file, WORDS[e - 1], str(i), str(a), "male"]))
        (place / f"{name}_summary.csv").write_text("\n".join(lines))
    return place / "audio_summary.csv"


def write_crema(root):
    path = root / "crema_d_features" / "crema_d.csv"
    path.parent.mkdir(parents=True)
    lines = [",".join(["", *crema_d_features.ABOUT, *crema_d_features.FEATURES])]
    for k in range(24):
        emotion = ("angry", "disgust", "fear", "happy", "sad", "neutral")[k % 6]
        about = [str(k), str(1001 + k // 6), "IEO", emotion, "X" if k == 7 else "HI", "2.5"]
        lines.append(",".join([*about, *(f"{v:.5f}" for v in RNG.random(35))]))
    path.write_text("\n".join(lines))
    return path


def write_ckplus48(root):
    count = 24
    sequence = [f"S{10 + k // 6:03d}_{1 + k // 3 % 2:03d}" for k in range(count)]
    label = [list(ckplus48.NAMES)[k // 3 % 7] for k in range(count)]
    arrays = {
        "images": RNG.integers(0, 256, (count, 48, 48), dtype=np.uint8),
        "label": np.array(label),
        "subject": np.array([s[:4] for s in sequence]),
        "sequence": np.array(sequence),
    }
    path = pack(root / "ckplus48" / "ckplus48.npz", arrays)
    lines = [",".join(["subject", "video", "emotion", "AU.combination", *ckplus48.UNITS])]
    for s, code in dict(zip(sequence, label)).items():
        units = ["1" if k % 5 == 0 else "0" for k in range(len(ckplus48.UNITS))]
        lines.append(",".join([s[:4], s, code, "1_4", *units]))
    path.with_name("ckplus_facs_emotion.csv").write_text("\n".join(lines))
    return path


def write_jaffe(root):
    place = root / "jaffe"
    place.mkdir(parents=True)
    for k, (who, code) in enumerate([("KA", "AN"), ("KA", "NE"), ("KL", "HA"), ("KL", "SU")]):
        image = RNG.integers(0, 256, (256, 256), dtype=np.uint8)
        Image.fromarray(image).save(place / f"{who}.{code}1.{k + 1}.tiff")
    return place / "KA.AN1.1.tiff"


@pytest.fixture(scope="module")
def world():
    return clip_sets.ravdess(0, actors=2, size=32).select(np.arange(0, 120, 30))


def write_tracking(root, world):
    return sim_files.write_ravdess_tracking(world, root)[0]


WRITE = {
    "unipen": write_unipen,
    "studyforrest": write_studyforrest,
    "ceap360vr": write_ceap360vr,
    "ravdess_av": write_ravdess_av,
    "crema_d_features": write_crema,
    "ckplus48": write_ckplus48,
    "jaffe": write_jaffe,
}
MAIN = {}


def pack(path, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory, world):
    """Every set in a folder of its own; tests damage copies."""
    folder = tmp_path_factory.mktemp("whole")
    for name, write in WRITE.items():
        MAIN[name] = write(folder / name).relative_to(folder / name)
    root = folder / "ravdess_tracking"
    MAIN["ravdess_tracking"] = write_tracking(root, world).relative_to(root)
    return folder


@pytest.mark.parametrize("name", [*WRITE, "ravdess_tracking"])
def test_small_files_are_read_and_looked_into(whole, name):
    read = data.load(name, root=whole / name)
    assert read.source == "real" and read.name == name and len(read)
    row = data.doctor(whole / name).set_index("set").loc[name]
    assert row.state == "partly" or name == "studyforrest"
    assert row.damaged == "" and row.found
    assert data.load(name, root=whole / name).fingerprint == read.fingerprint


# ---------------------------------------------------------------- damage


def put(content):
    def act(path):
        path.write_bytes(content)

    return act


def cut(share):
    def act(path):
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return act


def as_folder(path):
    path.unlink()
    path.mkdir()


def dangling(path):
    path.unlink()
    path.symlink_to("nowhere")


def circle(path):
    path.unlink()
    path.symlink_to(path.name)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 139608\n"
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>\n"
# what may befall any file
ANY = {
    "empty": (put(b""), r"is empty \(0 bytes\)"),
    "pointer": (put(POINTER), "Git-LFS pointer"),
    "page": (put(PAGE), "."),
    "bytes": (put(bytes(range(256)) * 40), "."),
    "folder": (as_folder, "a folder, expected a file"),
    "dangling": (dangling, "a link that leads nowhere"),
    "circle": (circle, "leads nowhere or back|cannot be opened"),
    "cut": (cut(0.6), "."),
    "cut to a few bytes": (put(b"\x00\x01"), "."),
}


@pytest.mark.parametrize("damage", ANY)
@pytest.mark.parametrize("name", [*WRITE, "ravdess_tracking"])
def test_whatever_befalls_the_file_is_one_line_that_names_it(whole, tmp_path, name, damage):
    act, told = ANY[damage]
    root = tmp_path / name
    shutil.copytree(whole / name, root)
    path = root / MAIN[name]
    act(path)
    if name in ("jaffe", "ravdess_tracking") and damage == "folder":
        return  # a folder among the files is walked into
    if name == "ravdess_tracking" and damage == "cut":  # the head is whole: who reads it finds it
        with pytest.raises(Damaged, match=f"{path.name}: line .* cells"):
            data.load(name, root=root).features[0]()
        assert [error.path for error in ravdess_tracking.check(root).damaged] == [path]
        return
    with pytest.raises(Damaged, match=told) as caught:
        data.load(name, root=root)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)
    row = data.doctor(root).set_index("set").loc[name]
    assert str(path) in row.damaged and row.state in ("damaged", "partly")


def array(name, change):
    """A step that changes one array of the set's npz, or leaves it out."""

    def act(path):
        held = dict(np.load(path, allow_pickle=False))
        made = change(held[name])
        held.pop(name)
        np.savez(path, **(held if made is None else held | {name: made}))

    return act


def cell(line, column, text, file=None):
    def act(path):
        path = path.with_name(file) if file else path
        rows = [row.split(",") for row in path.read_text().split("\n")]
        head = [name.strip() for name in rows[0]]
        rows[line - 1][head.index(column)] = text
        path.write_text("\n".join(",".join(row) for row in rows))

    return act


def lines(change, file=None):
    def act(path):
        path = path.with_name(file) if file else path
        path.write_text("\n".join(change(path.read_text().split("\n"))))

    return act


def renamed(to):
    return lambda path: path.rename(path.with_name(to))


def at(index, value):
    def change(held):
        held = held.copy()
        held[index] = value
        return held

    return change


VIDEO, FACS = "video_summary.csv", "ckplus_facs_emotion.csv"
AV = "ioats_1s_av_allchar.csv"
CASES = [
    ("unipen", array("x", lambda x: x.astype(np.float32)), "x is float32"),
    ("unipen", array("x", lambda x: x[:, :27]), r"x is uint8 \(60, 27, 28\)"),
    ("unipen", array("y", lambda y: y[:-1]), r"y is uint8 \(59,\), expected one entry a picture"),
    ("unipen", array("y", at(3, 26)), "y of picture 3 is 26, expected 0 to 25"),
    ("unipen", array("writer", at(5, -1)), "writer of picture 5 is -1, expected 0 to 7"),
    ("unipen", array("writer_name", at(1, "aga/writer0")), "no list of different names"),
    ("unipen", array("quality", lambda q: None), "no array quality in it"),
    ("unipen", array("upper", lambda u: u.astype(object)), "no.* npz file of plain arrays"),
    ("studyforrest", array("seg3", at((7, 2), np.nan)), "seg3 holds no number in frame 7"),
    ("studyforrest", array("seg5", lambda s: s[:9000]), "seg5 holds 9000 frames, but its segment"),
    ("studyforrest", array("seg5", lambda s: s[:, :5]), "seg5 is float32"),
    ("studyforrest", array("seg0", lambda s: None), "no array seg0"),
    ("studyforrest", array("columns", lambda c: c[::-1]), "columns are .'normdiff'"),
    ("studyforrest", cell(9, "valence", "1.5", AV), "line 9: valence is '1.5', expected a number"),
    ("studyforrest", cell(9, "arousal", "high", AV), "line 9: arousal is 'high'"),
    ("studyforrest", cell(9, "arousal", "", AV), "line 9: arousal is ''"),
    ("studyforrest", lines(lambda rows: rows[:700], AV), "699 seconds, expected 7085"),
    ("studyforrest", cell(1, "valence", "valenz", AV), "no column 'valence'"),
    ("studyforrest", cell(4, "end", "100", "segments.csv"), "8 segments, one after the other"),
    ("studyforrest", lines(lambda rows: rows[:5], "segments.csv"), "8 segments"),
    ("ceap360vr", array("P2_V1", at((4, 1), 9.5)), "P2_V1 holds 9.5 in row 4, expected 1 to 9"),
    ("ceap360vr", array("P2_V1", at((4, 2), np.nan)), "P2_V1 holds nan in row 4"),
    ("ceap360vr", array("P2_V1", at((4, 0), 0.0)), "goes back in time"),
    ("ceap360vr", array("P2_V1", lambda t: t[:1]), r"P2_V1 is float32 \(1, 3\)"),
    ("ceap360vr", array("P2_V1", lambda t: t[:, :2]), r"\(50, 2\)"),
    ("ceap360vr", lambda p: np.savez(p, hello=np.zeros(3)), "a track 'hello', expected names"),
    ("ceap360vr", lambda p: np.savez(p), "no track in it"),
    ("ravdess_av", cell(3, "mfcc4_mean", ""), "line 3: mfcc4_mean is '', expected a number"),
    ("ravdess_av", cell(3, "mfcc4_mean", "inf"), "line 3: mfcc4_mean is 'inf'"),
    (
        "ravdess_av",
        cell(3, "emotion", "angry"),
        "emotion is 'angry', expected calm, as in 01-01-02",
    ),
    ("ravdess_av", cell(3, "actor", "9"), "actor is '9', expected 1, as in"),
    ("ravdess_av", cell(3, "file", "clip.wav"), "the name 'clip' is not MM-VV-EE"),
    ("ravdess_av", lines(lambda rows: rows[:-1]), "is in one of the two tables only"),
    ("ravdess_av", lines(lambda rows: [*rows, rows[-1]]), "stands twice"),
    ("ravdess_av", lines(lambda rows: rows[:1]), "a head without a row"),
    ("ravdess_av", cell(1, "AU03_mean", "file", VIDEO), "55 features, expected 56"),
    ("ravdess_av", lines(lambda rows: [*rows[:4], rows[4] + ",1"], VIDEO), "line 5 holds 62 cells"),
    ("crema_d_features", cell(4, "mfcc_3_std", "nan"), "line 4: mfcc_3_std is 'nan'"),
    ("crema_d_features", cell(4, "emotion", "joy"), "emotion is 'joy', expected one of angry"),
    ("crema_d_features", cell(4, "actor_id", "999"), "actor_id is '999', expected one of 1001"),
    ("crema_d_features", cell(4, "sentence", "ABC"), "sentence is 'ABC'"),
    ("crema_d_features", cell(4, "intensity", "XXX"), "intensity is 'XXX', expected one of LO"),
    ("crema_d_features", cell(4, "audio_duration", "-1"), "audio_duration is '-1', expected a num"),
    ("crema_d_features", cell(1, "zcr_mean", "zcr"), "no column 'zcr_mean'"),
    ("crema_d_features", lines(lambda rows: [*rows[:5], "\x00," * 30]), "line 6 holds 31 cells"),
    ("ckplus48", array("images", lambda x: x[:, :, :40]), r"images are uint8 \(24, 48, 40\)"),
    ("ckplus48", array("label", at(2, "joy")), "label of picture 2 is 'joy'"),
    ("ckplus48", array("label", lambda x: x[:-1]), "label is .* expected a word a picture"),
    ("ckplus48", array("label", at(2, "fear")), "picture 2 of S010_001 shows fear"),
    ("ckplus48", array("subject", at(2, "S999")), "sequence of picture 2 is 'S010_001', of 'S999'"),
    ("ckplus48", array("sequence", at(2, "S010_009")), "expected one of ckplus_facs_emotion.csv"),
    ("ckplus48", cell(3, "AU12", "2", FACS), "line 3: AU12 is '2', expected a number from 0 to 1"),
    ("ckplus48", cell(3, "AU12", "0.5", FACS), "line 3: AU12 is '0.5', expected 0 or 1"),
    ("ckplus48", lines(lambda rows: [*rows, rows[-1]], FACS), "stands twice"),
    ("ckplus48", lambda p: p.with_name(FACS).unlink(), f"{FACS}: no such file"),
    ("jaffe", renamed("KA.XX1.1.tiff"), "its name is not PERSON.EMOTION.NUMBER"),
    ("jaffe", renamed("portrait.tiff"), "its name is not PERSON.EMOTION.NUMBER"),
    ("jaffe", lambda p: Image.new("L", (64, 64)).save(p), "64 x 64 pixels, expected 256 x 256"),
    ("jaffe", lambda p: Image.new("F", (256, 256)).save(p), "pixels of kind F"),
    ("ravdess_tracking", renamed("03-01-01-01-01-01-01.csv"), "modality 03, expected 01"),
    ("ravdess_tracking", renamed("01-01-09-01-01-01-01.csv"), "its name says emotion 09"),
    ("ravdess_tracking", renamed("track.csv"), "the name 'track' is not MM-VV-EE"),
    ("ravdess_tracking", cell(1, "x_67", "x_68"), "line 1 has no column 'x_67'"),
    ("ravdess_tracking", lines(lambda rows: rows[:1]), "0 frames, expected 1 to 2000"),
    ("ravdess_tracking", lines(lambda rows: rows[:1] + rows[1:2] * 2001), "2001 frames"),
]
READ = [
    ("ravdess_tracking", cell(5, "y_3", "nan"), "line 5: y_3 is 'nan', expected a number"),
    ("ravdess_tracking", cell(5, "y_3", "1e9"), "line 5: y_3 is '1e9'"),
    ("ravdess_tracking", cell(5, "y_3", ""), "line 5: y_3 is ''"),
    ("ravdess_tracking", lines(lambda rows: [*rows[:4], rows[4] + ",1"]), "line 5 holds 713 cells"),
]


@pytest.mark.parametrize(
    "name, act, told", CASES, ids=[f"{n}-{k}" for k, (n, *_) in enumerate(CASES)]
)
def test_damage_is_refused_by_file_and_reason(whole, tmp_path, name, act, told):
    root = tmp_path / name
    shutil.copytree(whole / name, root)
    act(root / MAIN[name])
    with pytest.raises(Damaged, match=told) as caught:
        data.load(name, root=root)
    assert str(root) in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(Damaged):
        data.load(name, root=root, source="real")
    seen = import_module(f"emolib.data.{name}").check(root)
    assert seen.damaged and any(error.why in str(caught.value) for error in seen.damaged)


@pytest.mark.parametrize("name, act, told", READ)
def test_damage_inside_a_trial_is_told_to_who_reads_it(whole, tmp_path, name, act, told):
    root = tmp_path / name
    shutil.copytree(whole / name, root)
    act(root / MAIN[name])
    with pytest.raises(Damaged, match=told):
        data.load(name, root=root).features[0]()
    assert [told.split(":")[0] in str(e) for e in ravdess_tracking.check(root).damaged] == [True]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", WRITE)
def test_a_closed_file_says_so(whole, tmp_path, name):
    root = tmp_path / name
    shutil.copytree(whole / name, root)
    (root / MAIN[name]).chmod(0)
    with pytest.raises(Damaged, match="cannot be opened|not a readable"):
        data.load(name, root=root)


@pytest.mark.parametrize("name", ["jaffe", "ravdess_tracking"])
def test_damaged_files_of_many_are_left_out_if_asked(whole, tmp_path, name):
    root = tmp_path / name
    shutil.copytree(whole / name, root)
    put(b"")(root / MAIN[name])
    with pytest.warns(LeftOut, match="1 damaged file"):
        read = data.load(name, root=root, damaged="skip")
    assert len(read) == len(data.load(name, root=whole / name)) - 1


def test_options_that_are_not_known_are_told(whole):
    for name, options, told in (
        ("studyforrest", {"rate": 2}, "rate is 2"),
        ("studyforrest", {"gap": 600}, "leaves nothing of a segment"),
        ("studyforrest", {"gap": -1}, "gap is -1"),
        ("studyforrest", {"character": "nobody"}, "ioats_1s_av_nobody.csv: no such file"),
        ("ravdess_av", {"modality": "x"}, "modality 'x'"),
        ("ravdess_tracking", {"vocal": "hum"}, "vocal 'hum'"),
        ("ravdess_tracking", {"kind": "point"}, "did you mean points"),
        ("unipen", {"size": 3}, "unknown option of data set 'unipen' 'size'"),
    ):
        with pytest.raises(EmolibError, match=told):
            data.load(name, root=whole / name, **options)


def test_a_set_without_a_stand_in_is_not_made_up(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    for source in ("auto", "real"):
        with pytest.raises(EmolibError, match="'jaffe' is not in .*jaffe; access"):
            data.load("jaffe", source=source)
    with pytest.raises(EmolibError, match="no simulated stand-in"):
        data.load("jaffe", source="simulated")
    row = data.doctor(tmp_path).set_index("set").loc["jaffe"]
    assert (row.state, row.detail) == ("absent", "not used")
    assert not data.at_hand("jaffe") and set(worlds.WORLDS) < set(data.CATALOG)


# ---------------------------------------------------------------- tracked faces


@pytest.mark.parametrize("folders", [False, True])
def test_tracked_points_and_units_are_those_that_were_drawn(tmp_path, world, folders):
    files = sim_files.write_ravdess_tracking(world, tmp_path, folders=folders)
    assert len(files[0].read_text().split("\n")[0].split(",")) == 712
    read = data.load("ravdess_tracking", root=tmp_path)
    order = [read.meta.image.tolist().index(f"01{name[2:]}") for name in world.meta["image"]]
    assert read.label[order].tolist() == world.label.tolist()
    assert read.subject[order].tolist() == world.subject.tolist()
    for name in ("actor", "sentence", "strength", "code", "intensity"):
        if name in world.meta:
            assert read.meta[name].iloc[order].tolist() == world.meta[name].tolist(), name
    for k, row in enumerate(order):
        crowd = clip_sets.film(world, k)
        points = read.features[row]().reshape(-1, 68, 2)
        true = sim_files.face.points(crowd, 720) + np.array([280, 0])
        np.testing.assert_allclose(points, true, atol=2e-3)
        assert read.missing[row].all() and len(read.missing[row]) == len(points)
    units = data.load("ravdess_tracking", root=tmp_path, kind="units").features[order[0]]()
    smile = ravdess_tracking.AU.index("12")
    drawn = clip_sets.film(world, 0).units[:, sim_files.face.UNITS.index(12)]
    np.testing.assert_allclose(units[:, smile], 5 * drawn, atol=2e-3)
    shapes = {
        kind: data.load("ravdess_tracking", root=tmp_path, kind=kind)
        for kind in ravdess_tracking.KINDS
    }
    widths = {kind: made.features[0]().shape[1] for kind, made in shapes.items()}
    assert widths == {"points": 136, "units": 17, "pose": 6, "gaze": 2, "confidence": 1}


def test_a_trial_in_two_places_is_refused(tmp_path, world):
    one = sim_files.write_ravdess_tracking(world, tmp_path)[0]
    (one.parent / "again").mkdir()
    shutil.copy(one, one.parent / "again" / one.name)
    with pytest.raises(Damaged, match="stands at .* as well"):
        data.load("ravdess_tracking", root=tmp_path)


# ---------------------------------------------------------------- tables


def test_a_cell_in_quotes_may_hold_a_comma(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a, b\n"x, y",2\n')
    table = tables.read(path, ("a", "b"))
    assert table.text("a") == ["x, y"] and table.numbers(("b",)).tolist() == [[2.0]]


def test_the_side_of_a_writer_does_not_depend_on_the_company():
    names = [f"aga/w{k}" for k in range(2000)]
    sides = [unipen.side(name) for name in names]
    assert sides == [unipen.side(name) for name in names]
    assert 0.17 < np.mean(np.array(sides) == "test") < 0.23
