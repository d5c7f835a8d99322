"""The readers of files that strangers wrote, given what nobody would write: they read it or say `Damaged`, and nothing else.

A few hundred cases each by default; `test --all` draws 10,000 (the drill).
"""

import json
import string
import struct
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from emolib.candide import wfm
from emolib.data import (
    adfes,
    afew_va,
    ckplus,
    crema_d,
    fer2013,
    ferplus,
    media,
    rafd,
    ravdess,
    speakers,
    tracks,
)
from emolib.ground.errors import EmolibError

DRILL = 10_000
FEW = 150
WORDS = (
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-5",
    "1e300",
    "9" * 30,
    "9" * 400,
    "0x10",
    "1_0",
    "1,5",
    "٣",
    "²",
    "Ⅷ",
    "\u2003",
    "\x00",
    "\x85",
    "\ufeff",
    "é",
    "",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    ",",
    ",,",
    '"',
    "'",
    "#",
    "# ",
    "{",
    "}",
    "[",
    "]",
    ":",
    "-",
    "_",
    ".",
    "/",
    "1",
    "0",
    "-1",
    "1.5",
    "113",
    "68",
    "true",
    "null",
    "# VERTEX LIST:",
    "# END OF FILE",
    '{"a": 1}',
    "[[[",
    "id1",
    "Usage",
    "version https://git-lfs",
    "é" * 300,
)


@st.composite
def spoilt(draw, whole: bytes):
    """`whole` with up to four of its stretches taken out, doubled, moved or replaced by words that parsers trip over, or by noise."""
    raw = whole
    for _ in range(draw(st.integers(0, 4))):
        a = draw(st.integers(0, len(raw)))
        b = min(len(raw), a + draw(st.one_of(st.integers(0, 12), st.integers(0, len(raw)))))
        part = draw(
            st.one_of(
                st.sampled_from(WORDS).map(str.encode),
                st.binary(max_size=8),
                st.just(b""),
                st.just(raw[a:b] * 2),
                st.just(raw[:40]),
                st.text("0123456789 .,-e\n", max_size=12).map(str.encode),
            )
        )
        raw = raw[:a] + part + raw[b:]
    return raw


def anything(whole: bytes):
    return st.one_of(
        spoilt(whole),
        spoilt(whole),
        spoilt(whole),
        st.binary(max_size=200),
        st.text(max_size=80).map(lambda t: t.encode("utf-8", "replace")),
    )


def wfm_file() -> bytes:
    """A whole wire frame, as small as the format allows: 113 vertices, three faces, a unit of either kind."""
    lines = [
        "# VERTEX LIST:",
        "113",
        *(f"{k / 100:g} {-k / 50:g} 0.1" for k in range(113)),
        "",
        "# FACE LIST:",
        "3",
        "0 1 2",
        "2 1 3",
        "4 5 6",
        "",
        "# ANIMATION UNITS LIST:",
        "2",
        "# Jaw drop",
        "2",
        "1 0 0.1 0",
        "5 0 0 .2",
        "# Brow",
        "1",
        "7 0 1 0",
        "",
        "# SHAPE UNITS LIST:",
        "1",
        "# Head height",
        "1",
        "3 0 1 0",
        "",
        "# TEXTURE LIST:",
        "0",
        "# PARAMETERS:",
        "# END OF FILE",
        "",
    ]
    return "\n".join(lines).encode()


def wav(samples: int = 4096) -> bytes:
    sound = np.zeros(samples, "<i2").tobytes()
    return (
        b"RIFF"
        + struct.pack("<I", 36 + len(sound))
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
        + b"data"
        + struct.pack("<I", len(sound))
        + sound
    )


def afew_file() -> bytes:
    frame = {"landmarks": [[k, k + 0.5] for k in range(68)], "valence": 3.0, "arousal": -2}
    return json.dumps(
        {"video_id": "001", "actor": "A", "frames": {f"{k:05d}": frame for k in range(2)}}
    ).encode()


PIXELS = " ".join(str(k % 256) for k in range(48 * 48))

# what is read: name of the file, a whole one, the reader
FILES = {
    "candide wfm": ("candide3.wfm", wfm_file(), wfm.read),
    "aff_wild, one value": (
        "1.txt",
        b"0.1\n-0.25\n-5\n1\n",
        lambda p: tracks.values(p, tracks.text_lines(p), 1),
    ),
    "aff_wild2, two values": (
        "a.txt",
        b"0.1,0.2\n-0.25,1\n-5,-5\n",
        lambda p: tracks.values(p, tracks.text_lines(p), 2),
    ),
    "points": ("1.pts", b"version: 1\nn_points: 3\n{\n1 2\n3.5 4\n-1 1e3\n}\n", tracks.pts),
    "afew_va json": ("001.json", afew_file(), afew_va._read),
    "ckplus emotion": ("S1_1_emotion.txt", b"   3.0000000e+00\n", ckplus._emotion),
    "ckplus facs": ("S1_1_facs.txt", b"   1.0e+00   3.0e+00\n   4.0e+00   0.0\n", ckplus._coded),
    "ckplus landmarks": ("S1_1_landmarks.txt", b"   1.0e+00   3.0e+00\n" * 68, ckplus._points),
    "crema_d people": (
        "VideoDemographics.csv",
        b"ActorID,Age,Sex,Race,Ethnicity\n1001,51,Male,Caucasian,Not Hispanic\n1002,21,Female,Asian,Hispanic\n",
        crema_d._people,
    ),
    "ferplus votes": (
        "fer2013new.csv",
        (
            "Usage,Image name,"
            + ",".join(ferplus.VOTES)
            + "\nTraining,fer0.png,4,0,0,1,3,2,0,0,0,0\n"
            "PublicTest,fer1.png,0,10,0,0,0,0,0,0,0,0\n"
        ).encode(),
        ferplus.read,
    ),
    "fer2013 table": (
        "fer2013.csv",
        f"emotion,pixels,Usage\n0,{PIXELS},Training\n6,{PIXELS},PrivateTest\n".encode(),
        fer2013._parse,
    ),
    "wav header": ("a.wav", wav(), media.probe_sound),
    "wav, decoded": ("a.wav", wav(), media.read_sound),
}

# what is named: ending, names of the sets, the reader of a name
NAMES = {
    "ravdess": (
        ("03-01-06-01-02-01-12.wav", "01-02-01-01-01-01-24.mp4"),
        lambda p: ravdess._parse(p.parent.parent, p),
    ),
    "crema_d": (
        ("1001_DFA_ANG_XX.wav", "1091_IEO_SAD_HI.flv", "1001_TIE_NEU_X.wav"),
        crema_d._parse,
    ),
    "rafd": (("Rafd090_01_Caucasian_female_angry_frontal.jpg",), rafd.fields_of),
    "adfes": (("F01-Joy-Face Forward.mpeg", "M05-Anger-Turn Away.mpeg"), adfes._parse),
    "ckplus": (("S005_001_00000011_emotion.txt",), ckplus._whose),
    "speakers": (
        ("00001.wav",),
        lambda p: speakers._parse(
            p.parent.parent, p.parent.parent / "wav" / p.parent.name / p.name
        ),
    ),
}


def documented(read, path) -> bool:
    """True where the reader reads, False where it says that the file is damaged; anything else it raises is the test's failure."""
    try:
        read(path)
        return True
    except EmolibError as error:
        assert str(error).isprintable(), f"not one line: {error}"
        assert "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in path.name
        ) in str(error), f"{path} is not named: {error}"
        return False


def cases(many: int):
    return settings(max_examples=many, suppress_health_check=list(HealthCheck), deadline=None)


def fuzz_file(name: str, many: int):
    title, whole, read = FILES[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / title
        path.write_bytes(whole)
        assert documented(read, path), "the whole file is read"

        @cases(many)
        @given(raw=anything(whole))
        def one(raw):
            path.write_bytes(raw)
            documented(read, path)

        one()


def fuzz_name(name: str, many: int):
    known, read = NAMES[name]
    letters = string.ascii_letters + string.digits + "_-. ²٣Ⅷé\u2003'"
    broken = (
        st.sampled_from(known)
        .flatmap(lambda n: spoilt(n.encode()))
        .map(lambda raw: raw.decode("utf-8", "surrogateescape"))
    )
    shape = (
        st.sampled_from(known)
        .flatmap(
            lambda n: st.tuples(
                *(st.sampled_from((c, c, c, "²", "٣", "0", "9", "A", "x")) for c in n)
            )
        )
        .map("".join)
    )
    folders = st.sampled_from(("Actor_12", "001", "²", "id1", "S005", "wav"))

    @cases(many)
    @given(title=st.one_of(broken, shape, st.text(letters, max_size=30)), folder=folders)
    def one(title, folder):
        title = title.replace("/", "").replace("\0", "")
        if title in ("", ".", ".."):
            return
        documented(read, Path("set") / folder / title)

    one()


@pytest.mark.parametrize("name", FILES)
def test_a_spoilt_file_is_read_or_said_to_be_damaged(name):
    fuzz_file(name, FEW)


@pytest.mark.parametrize("name", NAMES)
def test_a_strange_name_is_read_or_said_to_be_damaged(name):
    fuzz_name(name, FEW)


@pytest.mark.drill
@pytest.mark.parametrize("name", FILES)
def test_ten_thousand_spoilt_files(name):
    fuzz_file(name, DRILL)


@pytest.mark.drill
@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_strange_names(name):
    fuzz_name(name, DRILL)


def test_the_cases_reach_both_ends():
    """Most of what is drawn is damaged and some of it is not: a fuzz that only ever sees one of the two tests nothing."""
    title, whole, read = FILES["aff_wild, one value"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / title

        def ends(wanted, raw):
            path.write_bytes(raw)
            return raw != whole and documented(read, path) == wanted

        for wanted in (True, False):
            find(
                anything(whole),
                partial(ends, wanted),
                settings=settings(database=None, max_examples=500),
            )
