"""What strangers' files can be: each kind of damage is one line with file and reason, and the good files beside it load.

Each case breaks a set of three good samples (clip_files.py). `LOAD`: the load refuses, damaged='skip' leaves out the
broken sample alone. `READ`: headers look whole, so that the load passes; the doctor and whoever reads the sample find it.
"""

import importlib
import json
import os
import re
import shutil

import clip_files as made
import numpy as np
import pytest

from emolib import data
from emolib.data import crema_d, media
from emolib.data.files import Damaged, LeftOut
from emolib.ground.errors import EmolibError

LOAD, READ, CHECK = (
    "load",
    "read",
    "check",
)  # CHECK: no sample is lost or read, the doctor alone tells


def put(path, content):
    """Write bytes to path(root)."""

    def change(root):
        where = root / path
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content.encode() if isinstance(content, str) else content)

    return change


def shorten(path, part):
    return lambda root: made.cut(root / path, part)


def lines(path, change):
    """Change the list of lines of a text file."""

    def apply(root):
        text = (root / path).read_text().splitlines()
        (root / path).write_text("\n".join(change(text)) + "\n")

    return apply


def record(path, change):
    """Change a JSON file as a Python value; what `change` returns takes its place, if anything."""

    def apply(root):
        held = json.loads((root / path).read_text())
        new = change(held)
        (root / path).write_text(json.dumps(held if new is None else new))

    return apply


def link(path, to):
    def apply(root):
        (root / path).unlink(missing_ok=True)
        os.symlink(to, root / path)

    return apply


def each(*changes):
    def apply(root):
        for change in changes:
            change(root)

    return apply


A1, A2 = "ravdess/Actor_01", "ravdess/Actor_02"
WAV, FLAC = f"{A2}/03-01-03-02-01-01-02.wav", f"{A2}/03-01-05-01-02-02-02.flac"
MP4, ADFES = "crema_d/VideoMP4/1001_IEO_HAP_HI.mp4", "adfes/F02-Anger-Face Forward.mp4"
V, A, FILM = (
    f"aff_wild/{p}"
    for p in (
        "annotations/train/valence/102.txt",
        "annotations/train/arousal/102.txt",
        "videos/train/102.mp4",
    )
)
V2, FILM2, JSON = (
    "aff_wild/annotations/VA_Set/Train_Set/video7.txt",
    "aff_wild/batch1/video7.mp4",
    "afew_va/002/002.json",
)
GARBAGE = bytes(range(256)) * 8


def frame(change):
    return record(JSON, lambda held: change(held["frames"]["00002"]))


CASES = [
    # --- sound
    ("ravdess", shorten(WAV, 0.6), "header announces 16000 bytes of sound, 9582 are there", LOAD),
    ("ravdess", lambda root: made.announce(root / WAV, 2), "header announces 16002 bytes", LOAD),
    ("ravdess", shorten(WAV, 0.0015), "a wav file without sound data", LOAD),
    ("ravdess", put(WAV, b""), r"is empty \(0 bytes\)", LOAD),
    (
        "ravdess",
        put(WAV, "not a sound at all\n"),
        "starts with b'not a so', expected b'RIFF'",
        LOAD,
    ),
    ("ravdess", put(WAV, made.POINTER), "Git-LFS pointer", LOAD),
    ("ravdess", put(WAV, b"RIFF\x24\x00\x00\x00WAVE" + GARBAGE), "without sound data", LOAD),
    (
        "ravdess",
        put(WAV, b"RIFF\x24\x00\x00\x00WAVEdata\x04\x00\x00\x00abcd"),
        "not a readable sound file",
        LOAD,
    ),
    ("ravdess", lambda root: shutil.copy(root / FLAC, root / WAV), "expected b'RIFF'", LOAD),
    (
        "ravdess",
        lambda root: made.save_wav(root / WAV, made.tone()[:0], 16_000),
        "holds no sample",
        LOAD,
    ),
    (
        "ravdess",
        lambda root: made.save_wav(root / WAV, made.tone()[:1400], 16_000),
        r"88 ms of sound \(1400 samples\), shorter than one analysis window of 93 ms",
        LOAD,
    ),
    (
        "ravdess",
        link(WAV, os.path.basename(WAV)),
        "a link that leads nowhere or back to itself",
        LOAD,
    ),
    ("ravdess", link(WAV, "nowhere.wav"), "a link that leads nowhere", LOAD),
    (
        "ravdess",
        each(lambda root: (root / WAV).unlink(), lambda root: (root / WAV).mkdir()),
        None,
        None,
    ),  # an empty folder: no clip
    ("ravdess", shorten(FLAC, 0.7), "cannot be decoded to its end|cut short", READ),
    ("ravdess", put(FLAC, b"fLaC" + GARBAGE), "not a readable sound file", LOAD),
    ("ravdess", put(FLAC, b"fLaC"), "not a readable sound file", LOAD),
    (
        "ravdess",
        lambda root: made.save_float_wav(
            root / WAV, np.where(np.arange(8000) == 70, np.nan, made.tone())
        ),
        r"sample 70 is not a finite number \(1 such",
        READ,
    ),
    (
        "ravdess",
        lambda root: made.save_float_wav(
            root / WAV, np.where(np.arange(8000) > 70, np.inf, made.tone())
        ),
        "sample 71 is not a finite",
        READ,
    ),
    (
        "ravdess",
        lambda root: made.save_float_wav(root / WAV, 30_000 * made.tone()),
        "holds values up to .*, expected -1 to 1",
        READ,
    ),
    # --- names
    (
        "ravdess",
        put(f"{A2}/03-01-09-01-01-01-02.wav", "x"),
        "its name says emotion 09, expected 01 to 08",
        LOAD,
    ),
    (
        "ravdess",
        put("ravdess/Actor_25/03-01-02-01-01-01-25.wav", "x"),
        "its name says actor 25, expected 01 to 24",
        LOAD,
    ),
    ("ravdess", put(f"{A2}/03-01-00-01-01-01-02.wav", "x"), "emotion 00, expected 01", LOAD),
    (
        "ravdess",
        put(f"{A2}/03-03-02-01-01-01-02.wav", "x"),
        "vocal channel 03, expected 01 to 02",
        LOAD,
    ),
    ("ravdess", put(f"{A2}/03-01-02-03-01-01-02.wav", "x"), "intensity 03", LOAD),
    ("ravdess", put(f"{A2}/03-01-01-02-01-01-02.wav", "x"), "neutral at strong intensity", LOAD),
    ("ravdess", put(f"{A2}/03-02-08-01-01-01-02.wav", "x"), "a song with emotion 08", LOAD),
    (
        "ravdess",
        put(f"{A1}/03-01-02-01-01-01-02.wav", "x"),
        "of actor 02 by its name, in folder ravdess/Actor_01; expected Actor_02",
        LOAD,
    ),
    ("ravdess", put(f"{A2}/01-01-02-01-01-01-02.wav", "x"), "modality 01, its ending .wav", LOAD),
    ("ravdess", put(f"{A2}/03-01-02-01-01-01-02.mp4", "x"), "modality 03, its ending .mp4", LOAD),
    ("ravdess", put(f"{A2}/copy of 03-01-02.wav", "x"), "is not MM-VV-EE-II-SS-RR-AA", LOAD),
    (
        "ravdess",
        lambda root: made.save_wav(
            root / "ravdess/z/Actor_02" / os.path.basename(WAV), made.tone(8), 16_000
        ),
        f"has the name of .*{WAV} and other content",
        LOAD,
    ),
    (
        "crema_d",
        put("crema_d/VideoMP4/1001_DFA_ANG.mp4", "x"),
        "is not ACTOR_SENTENCE_EMOTION_LEVEL",
        LOAD,
    ),
    (
        "crema_d",
        put("crema_d/VideoMP4/1092_DFA_ANG_XX.mp4", "x"),
        "actor 1092, expected 1001 to 1091",
        LOAD,
    ),
    (
        "crema_d",
        put("crema_d/AudioWAV/1001_DFA_CON_XX.wav", "x"),
        "emotion CON, expected one of ANG",
        LOAD,
    ),
    (
        "crema_d",
        put("crema_d/AudioWAV/1001_ABC_ANG_XX.wav", "x"),
        "sentence ABC, expected one of DFA",
        LOAD,
    ),
    (
        "crema_d",
        link("crema_d/AudioWAV", "AudioWAV"),
        "AudioWAV: a link that leads nowhere or back to itself",
        LOAD,
    ),
    (
        "adfes",
        put("adfes/F01-Boredom-Face Forward.mp4", "x"),
        "emotion Boredom, expected one of Joy",
        LOAD,
    ),
    (
        "adfes",
        put("adfes/F23-Joy-Face Forward.mp4", "x"),
        "model F23, expected numbers 01 to 22",
        LOAD,
    ),
    ("adfes", put("adfes/F03-Joy.avi", "x"), "is not MODEL-EMOTION-VIEW", LOAD),
    ("adfes", put("adfes/F03-Joy-Upside Down.mpg", "x"), "is not MODEL-EMOTION-VIEW", LOAD),
    # --- films
    ("crema_d", shorten(MP4, 0.6), "not a readable film", LOAD),
    ("crema_d", put(MP4, b""), "is empty", LOAD),
    ("crema_d", put(MP4, made.POINTER), "Git-LFS pointer", LOAD),
    ("crema_d", put(MP4, GARBAGE), "not a readable film", LOAD),
    (
        "crema_d",
        put("crema_d/VideoDemographics.csv", "ActorID,Age\n1001,51\n"),
        "VideoDemographics.csv: has no column Sex",
        LOAD,
    ),
    (
        "crema_d",
        put("crema_d/VideoDemographics.csv", b"\xff\xfe\x00broken"),
        "VideoDemographics.csv: not a readable table",
        LOAD,
    ),
    (
        "crema_d",
        put("crema_d/VideoDemographics.csv", "ActorID,Age,Sex,Race,Ethnicity\nx,1,2,3,4\n"),
        "ActorID holds something",
        LOAD,
    ),
    ("adfes", lambda root: made.save_film(root / ADFES, count=0), "holds no picture", LOAD),
    (
        "adfes",
        lambda root: made.save_film(
            root / "adfes/F03-Joy-Face Forward.avi", codec="mpeg4", count=0
        ),
        "a film of 0 frames",
        LOAD,
    ),
    (
        "adfes",
        lambda root: made.save_wav(root / ADFES, made.tone(), 16_000),
        "holds no picture",
        LOAD,
    ),
    (
        "adfes",
        lambda root: made.cut(made.save_film(root / ADFES, 5, 60, movflags="faststart"), 0.7),
        "cut short|not a readable film",
        READ,
    ),
    # --- annotated videos
    ("aff_wild", shorten(FILM, 0.5), "not a readable film", LOAD),
    ("aff_wild", put(FILM, made.POINTER), "Git-LFS pointer", LOAD),
    (
        "aff_wild",
        lambda root: (root / FILM).unlink(),
        "no such film, but .*102.txt annotates it",
        LOAD,
    ),
    ("aff_wild", lambda root: made.save_film(root / FILM, 1, 0, 16), "holds no picture", LOAD),
    (
        "aff_wild",
        each(*(lines(p, lambda text: text + text[:3]) for p in (V, A))),
        "43 annotated frames, but the film 102.mp4 has 40; a difference of at most 2",
        LOAD,
    ),
    (
        "aff_wild",
        each(*(lines(p, lambda text: text[:37]) for p in (V, A))),
        "37 annotated frames, but the film 102.mp4 has 40",
        LOAD,
    ),
    (
        "aff_wild",
        lines(V, lambda text: text[:-1]),
        "40 lines of arousal, but .*102.txt has 39 of valence",
        LOAD,
    ),
    (
        "aff_wild",
        lines(V, lambda text: [*text[:4], "happy", *text[5:]]),
        "line 5 is 'happy', expected a number",
        LOAD,
    ),
    (
        "aff_wild",
        lines(A, lambda text: [*text[:4], "7", *text[5:]]),
        r"line 5 holds 7, expected -1 to 1 \(or -5",
        LOAD,
    ),
    ("aff_wild", lines(A, lambda text: [*text[:9], "nan", *text[10:]]), "line 10 holds nan", LOAD),
    (
        "aff_wild",
        lines(V, lambda text: [*text[:9], "", *text[10:]]),
        "line 10 is '', expected a number",
        LOAD,
    ),
    (
        "aff_wild",
        lines(V, lambda text: [*text[:9], "0.1,0.2", *text[10:]]),
        "line 10 holds 2 values",
        LOAD,
    ),
    (
        "aff_wild",
        lambda root: (root / A).unlink(),
        "no such file, but .*valence/102.txt is there; valence and arousal come in pairs",
        LOAD,
    ),
    (
        "aff_wild",
        lambda root: (root / V).unlink(),
        "no such file, but .*arousal/102.txt is there",
        LOAD,
    ),
    (
        "aff_wild",
        lines(V, lambda text: ["-5"] * len(text)),
        r"none of its 40 frames is annotated \(-5 throughout\)",
        LOAD,
    ),
    ("aff_wild", put(V, "\n \n"), "holds no line", LOAD),
    ("aff_wild", put(V, b"\xff\xfe0\x00.\x005\x00"), "not a text file", LOAD),
    ("aff_wild", put(A, made.POINTER), "Git-LFS pointer", LOAD),
    ("aff_wild", link(V, "102.txt"), "a link that leads nowhere or back to itself", LOAD),
    (
        "aff_wild2",
        lines(V2, lambda text: ["arousal,valence", *text[1:]]),
        "line 1 is 'arousal,valence', expected 'valence,arousal'",
        LOAD,
    ),
    (
        "aff_wild2",
        lines(V2, lambda text: text[1:]),
        "line 1 is '.*', expected 'valence,arousal'",
        LOAD,
    ),
    ("aff_wild2", lines(V2, lambda text: text[:1]), "annotates no frame", LOAD),
    ("aff_wild2", lines(V2, lambda text: [text[0], *["-5,-5"] * 40]), "-5 throughout", LOAD),
    (
        "aff_wild2",
        lines(V2, lambda text: [*text[:6], "0.5", *text[7:]]),
        "line 7 holds 1 values",
        LOAD,
    ),
    (
        "aff_wild2",
        lines(V2, lambda text: [*text[:6], "0.5;0.1", *text[7:]]),
        "line 7 holds 1 values",
        LOAD,
    ),
    (
        "aff_wild2",
        lines(V2, lambda text: [*text[:6], "0.5,calm", *text[7:]]),
        "line 7 is '0.5,calm', expected numbers",
        LOAD,
    ),
    (
        "aff_wild2",
        lines(V2, lambda text: [*text[:6], "0.5,-1.2", *text[7:]]),
        "line 7 holds -1.2",
        LOAD,
    ),
    ("aff_wild2", lambda root: (root / FILM2).unlink(), "video7.mp4: no such film", LOAD),
    ("afew_va", shorten(JSON, 0.5), "not readable JSON", LOAD),
    ("afew_va", put(JSON, b""), "is empty", LOAD),
    ("afew_va", put(JSON, "[" * 100_000), "not readable JSON", LOAD),
    ("afew_va", put(JSON, b'{"frames": "\xff"}'), "not readable JSON", LOAD),
    ("afew_va", lambda root: (root / JSON).unlink(), "002.json: no such file", LOAD),
    ("afew_va", record(JSON, lambda held: [held]), "no annotated frame under 'frames'", LOAD),
    (
        "afew_va",
        record(JSON, lambda held: held | {"frames": {}}),
        "no annotated frame under 'frames'",
        LOAD,
    ),
    (
        "afew_va",
        record(JSON, lambda held: held | {"frames": {"first": {}}}),
        "frame 'first' has no number",
        LOAD,
    ),
    (
        "afew_va",
        record(JSON, lambda held: held["frames"].update({"99999": held["frames"]["00000"]})),
        "has no such picture|most are left out",
        LOAD,
    ),
    (
        "afew_va",
        record(JSON, lambda held: held["frames"].update({"00002": 5})),
        "frame 00002 is no record",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held.pop("landmarks") and None),
        "frame 00002 has no 68 landmarks",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held["landmarks"].pop() and None),
        "frame 00002 has no 68 landmarks",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held["landmarks"][3].append(1.0)),
        "frame 00002 has no 68 landmarks",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held["landmarks"].__setitem__(3, [float("nan"), 1])),
        "frame 00002 has no 68 landmarks",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held.update(valence=11)),
        "frame 00002 has valence 11, expected a number from -10 to 10",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held.update(arousal="high")),
        "frame 00002 has arousal 'high'",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held.update(arousal=None)),
        "frame 00002 has arousal None",
        LOAD,
    ),
    (
        "afew_va",
        frame(lambda held: held.update(arousal=True)),
        "frame 00002 has arousal True",
        LOAD,
    ),
    (
        "afew_va",
        lambda root: (root / "afew_va/002/00004.png").unlink(),
        "annotates frame 00004, but the folder has no such picture",
        LOAD,
    ),
    (
        "afew_va",
        link("afew_va/007", "007"),
        "007: a link that leads nowhere or back to itself",
        LOAD,
    ),
    ("afew_va", put("afew_va/002/00000.png", GARBAGE), "00000.png: not a readable picture", CHECK),
    ("afew_va", put("afew_va/002/00000.png", made.POINTER), "00000.png: a Git-LFS pointer", CHECK),
    (
        "afew_va",
        lambda root: made.cut(root / "afew_va/002/00000.png", 0.5),
        "00000.png: not a readable picture",
        CHECK,
    ),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Three good samples of each set, made once."""
    root = tmp_path_factory.mktemp("whole")
    for name in ("ravdess", "crema_d", "adfes", "aff_wild", "aff_wild2", "afew_va"):
        getattr(made, name)(root / name)
    return root


def named(case):
    name, _, told, when = case
    return f"{name}-{when}-{(told or 'nothing')[:36]}"


@pytest.mark.parametrize("case", CASES, ids=named)
def test_damage_is_one_line_with_file_and_reason(tmp_path, whole, case):
    name, change, told, when = case
    root, set_name = tmp_path / "ä ß 数据", name.removesuffix("2")
    shutil.copytree(whole / name, root)
    options = (
        {"modality": {"ravdess": "a", "crema_d": "av"}[name]}
        if name in ("ravdess", "crema_d")
        else {}
    )
    before = content(data.load(set_name, root, **options))
    change(root)
    seen = importlib.import_module(f"emolib.data.{set_name}").check(root)  # never raises
    if when is None:
        assert not seen.damaged
        return
    assert seen.found >= 2 and seen.state(3) == "partly" and len(seen.damaged) >= 1
    assert is_told(str(seen.damaged[0]), told)
    if when == LOAD:
        with pytest.raises(Damaged, match=told) as error:
            data.load(set_name, root, **options)
        assert (
            str(root / set_name) in str(error.value)
            and "\n" not in str(error.value)
            and "damaged='skip'" in str(error.value)
        )
        with pytest.warns(LeftOut, match="1 damaged files left out"):
            left = data.load(set_name, root, damaged="skip", **options)
        assert 2 <= len(left) <= 3 and content(left) <= before
    else:
        left = data.load(set_name, root, **options)
        assert len(left) == 3
        if when == READ:
            bad = 0
            for get in left.waveform or left.frames:
                try:
                    get()
                except Damaged as error:
                    bad += is_told(str(error), told)
            assert bad == 1


def content(container) -> set:
    return set(container.content)


def is_told(text, told) -> bool:
    return re.search(told, text) is not None and "\n" not in text


def test_nothing_but_damage_is_an_error_and_not_an_empty_set(tmp_path, whole):
    for name in ("ravdess", "adfes", "aff_wild", "afew_va"):
        shutil.copytree(whole / name, tmp_path / name)
        for path in (tmp_path / name).rglob("*"):
            if path.is_file():
                path.write_bytes(made.POINTER)
        with (
            pytest.warns(LeftOut, match="3 damaged files"),
            pytest.raises(EmolibError, match="no usable"),
        ):
            data.load(name, tmp_path / name, damaged="skip")
        seen = importlib.import_module(f"emolib.data.{name}").check(tmp_path / name)
        assert seen.found == 0 and len(seen.damaged) == 3 and seen.state(3) == "damaged"


def test_a_silent_film_serves_where_pictures_are_asked_for(tmp_path, whole):
    shutil.copytree(whole / "crema_d", tmp_path, dirs_exist_ok=True)
    made.save_film(tmp_path / MP4, 3)
    assert len(data.load("crema_d", tmp_path, modality="v")) == 3
    assert "3 films (32 x 32, 30 fps, 2 with sound)" in crema_d.check(tmp_path).detail
    for modality in ("a", "av"):
        with pytest.raises(Damaged, match=f"{MP4}: a film without sound"):
            data.load("crema_d", tmp_path, modality=modality)
    made.save_wav(
        tmp_path / "crema_d/AudioWAV" / os.path.basename(MP4).replace("mp4", "wav"),
        made.tone(),
        16_000,
    )
    assert len(data.load("crema_d", tmp_path, modality="av")) == 3  # its sound lies beside it


def test_a_film_that_ends_early_is_found_at_its_last_frame(tmp_path):
    path = made.cut(
        made.save_film(tmp_path / "a.avi", 5, 120, 64, codec="mpeg4", fflags="+bitexact"), 0.7
    )
    assert media.probe_video(path).frames == 120  # what its header says
    with pytest.raises(Damaged, match="cut short: its last readable frame is ..? of 120"):
        media.check_ends(path)
    with pytest.raises(Damaged, match="cut short|is damaged"):
        media.read_frames(path)


def test_the_doctor_tells_partly_and_which_file(tmp_path, whole):
    shutil.copytree(whole / "ravdess", tmp_path, dirs_exist_ok=True)
    made.cut(tmp_path / FLAC, 0.5)
    row = data.doctor(tmp_path).set_index("set").loc["ravdess"]
    assert row.state == "partly" and row.found == 2 and FLAC in row.damaged


def test_a_circle_of_folders_ends(tmp_path, whole):
    shutil.copytree(whole / "ravdess", tmp_path, dirs_exist_ok=True)
    os.symlink("..", tmp_path / "ravdess/Actor_01/back")
    os.symlink("Actor_02", tmp_path / "ravdess/linked")
    assert len(data.load("ravdess", tmp_path)) == 3


def test_folders_that_are_links_are_followed(tmp_path, whole):
    (tmp_path / "ravdess").mkdir()
    os.symlink(whole / "ravdess/ravdess/Actor_02", tmp_path / "ravdess/Actor_02")
    assert len(data.load("ravdess", tmp_path)) == 2


@pytest.mark.parametrize(
    "suffix, kind", [(".mp4", "libx264"), (".avi", "mpeg4"), (".wav", None), (".flac", None)]
)
def test_flipped_bytes_are_damage_or_are_read_and_never_anything_else(tmp_path, suffix, kind):
    path = tmp_path / f"a{suffix}"
    if kind:
        made.save_film(
            path, 1, 12, 16, codec=kind, **({} if kind == "libx264" else {"fflags": "+bitexact"})
        )
    else:
        (made.save_wav if suffix == ".wav" else made.save_flac)(path, made.tone(), 16_000)
    raw, read = path.read_bytes(), media.read_frames if kind else media.read_sound
    for at in np.linspace(0, len(raw) - 1, 60).astype(int):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :])
        try:
            read(path)
        except EmolibError as error:
            assert str(path) in str(error)
