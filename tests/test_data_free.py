"""Real data that ships with emolib: what the script makes, loaded where there is no data folder."""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from emolib import data
from emolib.data import unipen
from emolib.data.checks import content_of

ROOT = Path(__file__).parent.parent
LISTED = pd.read_csv(data.FREE / "checksums.csv")


def test_every_file_is_the_one_that_the_script_made():
    there = [path for path in data.FREE.glob("*/*") if path.is_file()]
    assert sorted(path.relative_to(data.FREE).as_posix() for path in there) == sorted(LISTED.file)
    for row in LISTED.itertuples():
        raw = (data.FREE / row.file).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (row.bytes, row.sha256), row.file
    assert sum(path.stat().st_size for path in data.FREE.rglob("*") if path.is_file()) < 6e6


def test_it_is_packaged_and_its_licences_are_told():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    patterns = tool["setuptools"]["package-data"]["emolib.data"]
    packed = {path for pattern in patterns for path in (ROOT / "emolib" / "data").glob(pattern)}
    assert {path for path in data.FREE.rglob("*") if path.is_file()} <= packed
    told = (data.FREE / "LICENSES.md").read_text()
    for words in ("CC BY 4.0", "10.5281/zenodo.1195803", "Guyon", "CC0", "Labs", "Changed:"):
        assert words in told
    assert {path.name for path in data.FREE.iterdir() if path.is_dir()} == {
        "unipen",
        "studyforrest",
    }


def test_letters_are_there_without_a_data_folder():
    assert data.at_hand("unipen")
    for source in ("auto", "real"):
        read = data.load("unipen", source=source)
        assert (read.source, len(read), len(set(read.subject))) == ("real", 26 * 700, 308)
    for learns, each, writers in ((True, 560, 241), (False, 140, 67)):  # with validation, or test
        rows = (read.split != "test") == learns
        assert (np.bincount(read.label[rows]) == each).all()
        assert len(set(read.subject[rows])) == writers
        for letter in range(26):  # as many hands as can be among the first of a letter
            first = np.flatnonzero(rows & (read.label == letter))[:55]
            assert len(set(read.subject[first])) == 55
    most = pd.Series(read.subject).groupby([read.subject, read.label]).size().max()
    assert most <= 6 and len(set(content_of(read.images))) == len(read)
    assert [unipen.side(who) for who in read.subject] == read.split.tolist()
    assert data.resolve(data.reference(read)).fingerprint == read.fingerprint
    data.resolve.cache_clear()


def test_a_part_has_each_letter_once_and_as_many_hands_as_can_be():
    few = data.load("unipen", root=data.FREE, most=25)
    assert data.resolve(data.reference(few)).fingerprint == few.fingerprint
    data.resolve.cache_clear()
    hands = {}
    for side in ("train", "validation", "test"):
        rows = few.split == side
        assert (np.bincount(few.label[rows]) == 25).all()
        hands[side] = set(few.subject[rows])
        for letter in range(26):
            assert len(set(few.subject[rows & (few.label == letter)])) == 25
    assert not set.intersection(*hands.values()) and sum(map(len, hands.values())) > 200


def test_of_equal_pictures_one_stays_and_none_where_labels_differ():
    images = np.zeros((6, 28, 28), np.uint8)
    images[:, 0, 0] = [1, 1, 2, 2, 3, 4]
    turns = unipen.by_turns(images, np.array([0, 0, 0, 1, 0, 0]), np.array([0, 1, 0, 1, 1, 1]))
    assert sorted(turns.index) == [0, 4, 5] and turns.turn.tolist() == [0, 0, 1]


def test_tracks_are_there_without_a_data_folder():
    read = data.load("studyforrest")
    assert read.source == "real" and [len(t) for t in read.valence_arousal] == read_seconds(read)
    assert sum(read_seconds(read)) == 7079 and read.features[0]().shape[1] == 6
    for observers, character in (("ao", "allchar"), ("ao", "forrest"), ("av", "jenny")):
        data.load("studyforrest", observers=observers, character=character)


def read_seconds(read):
    return (read.meta.end - read.meta.start).tolist()


def test_the_doctor_says_what_is_used_where_a_set_is_absent(tmp_path):
    rows = data.doctor(tmp_path, deep=False).set_index("set")
    for name in ("unipen", "studyforrest"):
        assert rows.state[name] == "absent" and "ships with emolib" in rows.detail[name]
    assert rows.detail["sfew"] == "its simulated stand-in is used"


def test_a_folder_of_the_readers_goes_before_what_ships(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path))
    (tmp_path / "unipen").mkdir()
    (tmp_path / "unipen" / "letters28.npz").write_bytes(b"damaged")
    with pytest.raises(data.EmolibError, match="not a readable npz"):
        data.load("unipen")


def test_the_script_makes_it_from_the_originals(real_data, tmp_path):
    for name in ("unipen", "studyforrest"):
        if not (real_data / name).is_dir():
            pytest.skip(f"NOT TESTED ON REAL DATA: no {name} in {real_data}")
    script = ROOT / "tools" / "make_free_data.py"
    subprocess.run([sys.executable, script, real_data, tmp_path], check=True, cwd=ROOT)
    for name in LISTED.file:
        made, ships = tmp_path / name, data.FREE / name
        if made.suffix != ".npz":
            assert made.read_bytes() == ships.read_bytes(), name
            continue
        with np.load(made, allow_pickle=False) as a, np.load(ships, allow_pickle=False) as b:
            assert sorted(a.files) == sorted(b.files)
            for array in a.files:
                np.testing.assert_array_equal(a[array], b[array])
    whole = data.load("studyforrest", root=real_data)
    assert data.load("studyforrest", root=tmp_path).fingerprint == whole.fingerprint
