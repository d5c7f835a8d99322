"""SFEW's table: read as it is, refused where it is damaged, simulated only where it is absent."""

import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
import sim_files

from emolib import EMOTIONS, data
from emolib.data import sfew
from emolib.data.sim import worlds
from emolib.ground.errors import EmolibError


@pytest.fixture
def folder(tmp_path):
    """A data folder with a simulated table of 40 rows in the real layout."""
    sim_files.write(worlds.sfew_table(7, rows=40), tmp_path)
    return tmp_path


def edit(folder, change):
    path = folder / "sfew" / "SFEW.xlsx"
    book = openpyxl.load_workbook(path)
    change(book.active)
    book.save(path)


def put(cell, value):
    return lambda sheet: sheet.__setitem__(cell, value)


# ---------------------------------------------------------------- round trip


def test_a_written_world_is_read_back_as_it_was(folder):
    world, read = worlds.sfew_table(7, rows=40), data.load("sfew", root=folder)
    assert (read.source, read.name, read.columns) == ("real", "sfew", world.columns)
    np.testing.assert_allclose(
        read.features, world.features, rtol=1e-14
    )  # a workbook keeps 16 digits
    np.testing.assert_array_equal(read.label, world.label)
    np.testing.assert_array_equal(read.subject, world.subject)
    assert read.meta.image.tolist() == world.meta.image.tolist()
    assert read.meta.code.tolist() == world.meta.code.tolist()
    assert set(read.split) == {""}


def test_labels_follow_the_sets_own_code(folder):
    read = data.load("sfew", root=folder)
    names = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
    assert [EMOTIONS[v] for v in read.label] == [names[c - 1] for c in read.meta.code]


def test_the_row_that_is_incomplete_as_shipped_is_left_out(tmp_path):
    world = worlds.sfew_table(7, rows=40)
    (path,) = sim_files.write(world, tmp_path, flaws=True)
    assert len(sfew.read(path)) == 41
    read = data.load("sfew", root=tmp_path)
    assert len(read) == 40
    np.testing.assert_allclose(read.features, world.features, rtol=1e-14)


@pytest.mark.parametrize(
    "image, movie, cast",
    [
        ("AlexEmma_000225840_00000024.mat", "AlexEmma", "AlexEmma"),
        (
            "HarryPotter_Goblet_Fire_012345600_00000011.mat",
            "HarryPotter_Goblet_Fire",
            "HarryPotter",
        ),
        ("OceansTwelve-001949614_00000089.mat", "OceansTwelve", "Oceans"),
        ("21_000225840_00000024.mat", "21", "21"),
        ("no time stamp", "no time stamp", "no time stamp"),
    ],
)
def test_film_and_cast_come_from_the_file_name(image, movie, cast):
    assert sfew.movie_of(image) == movie and sfew.cast_of(movie) == cast


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize(
    "change, told",
    [
        (put("D5", "abc"), "cell D5 holds 'abc', expected a number"),
        (put("D5", "n/a"), "cell D5 holds 'n/a', expected a number"),
        (put("B7", "happy"), "cell B7 holds 'happy', expected a number"),
        (put("B3", 9), "cell B3 holds label 9, expected 1 to 7"),
        (put("B3", 0), "cell B3 holds label 0, expected 1 to 7"),
        (put("B3", 2.5), "cell B3 holds label 2.5"),
        (put("B3", None), "cell B3 holds label nan"),
        (put("L41", None), r"cell L41 \(\w+\.mat, PHOG5\) is empty or NaN"),
        (put("F12", "NaN"), "cell F12 .*LPQ4.* is empty or NaN"),
        (put("C9", True), "cell C9 holds 'True'"),
        (lambda sheet: sheet.delete_cols(12), "11 columns"),
        (lambda sheet: sheet.insert_cols(3), "13 columns"),
        (
            lambda sheet: (sheet.delete_cols(2), sheet.insert_cols(12), put("L1", "label")(sheet)),
            "cell B1",
        ),
        (
            put("C1", "First 5 Principal Components of Local Binary Patterns"),
            "cell C1 is .*, expected 'LPQ'",
        ),
        (put("H1", None), "cell H1 is '', expected 'PHOG'"),
        (lambda sheet: sheet.delete_rows(2, 60), "1 rows"),
        (lambda sheet: sheet.delete_rows(1, 60), "0 columns"),
    ],
)
def test_a_damaged_table_is_one_error_that_names_file_and_cell(folder, change, told):
    edit(folder, change)
    with pytest.raises(EmolibError, match=told) as error:
        data.load("sfew", root=folder)
    assert str(folder / "sfew" / "SFEW.xlsx") in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("row", [b"<row/>", b"<x:row></x:row>", b'<row r="1">' + b" " * 99])
def test_a_workbook_that_unpacks_to_millions_of_rows_is_refused_before_it_is_read(
    folder, row, monkeypatch
):
    """Four million rows took two minutes and 457 MB to be refused: they are counted first."""
    path = folder / "sfew" / "SFEW.xlsx"
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b"<sheetData>", b"<sheetData>" + 9000 * row)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(EmolibError, match="SFEW.xlsx: .*675") as error:
        data.load("sfew", root=folder)
    assert "\n" not in str(error.value)


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 139608\n"


@pytest.mark.parametrize(
    "content, told",
    [
        (POINTER, "Git-LFS pointer"),
        (b"", "is empty"),
        (b"PK\x03\x04", "not a readable Excel file"),
        (b"image,label,LPQ\n", "not a readable Excel file"),
    ],
)
def test_what_is_no_workbook_is_said(folder, content, told):
    (folder / "sfew" / "SFEW.xlsx").write_bytes(content)
    for ask in (
        lambda: data.load("sfew", root=folder),
        lambda: data.load("sfew", root=folder, source="real"),
    ):
        with pytest.raises(EmolibError, match=told):
            ask()


def test_a_workbook_without_a_sheet_of_ours_is_said(folder):
    with zipfile.ZipFile(folder / "sfew" / "SFEW.xlsx", "w") as file:
        file.writestr("hello.txt", "hello")
    with pytest.raises(EmolibError, match="not a readable Excel file"):
        data.load("sfew", root=folder)


@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_file_is_an_error_and_never_a_reason_to_simulate(folder, part, monkeypatch):
    path = folder / "sfew" / "SFEW.xlsx"
    raw = path.read_bytes()
    path.write_bytes(raw[: int(part * len(raw))])
    monkeypatch.setenv("EMOLIB_DATA", str(folder))
    for ask in (lambda: data.load("sfew"), lambda: data.load("sfew", root=folder)):
        with pytest.raises(EmolibError, match="SFEW.xlsx: not a readable Excel file"):
            ask()


def test_a_flipped_byte_is_an_error_or_changes_nothing(folder):
    """Bytes outside the content (time stamps of the archive) may flip unseen; anything else is EmolibError, never a traceback."""
    path = folder / "sfew" / "SFEW.xlsx"
    raw, whole, refused = path.read_bytes(), data.load("sfew", root=folder).fingerprint, 0
    for at in np.linspace(0, len(raw) - 1, 120).astype(int):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :])
        try:
            assert data.load("sfew", root=folder).fingerprint == whole, f"byte {at}"
        except EmolibError as error:
            refused += "SFEW.xlsx" in str(error)
    assert refused >= 60


# ---------------------------------------------------------------- load and doctor


def test_absent_data_is_simulated_only_if_nobody_insisted(tmp_path, folder, monkeypatch):
    monkeypatch.setenv("EMOLIB_DATA", str(tmp_path / "nowhere"))
    assert data.load("sfew").source == "simulated"
    assert data.load("sfew").fingerprint == worlds.sfew_table().fingerprint
    with pytest.raises(EmolibError, match="access: Australian National University"):
        data.load("sfew", source="real")
    with pytest.raises(EmolibError, match="no such folder"):
        data.load("sfew", root=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    for source in ("auto", "real"):
        with pytest.raises(EmolibError, match="is not in .*empty"):
            data.load("sfew", root=tmp_path / "empty", source=source)
    monkeypatch.setenv("EMOLIB_DATA", str(folder))
    assert data.load("sfew").source == data.load("sfew", source="real").source == "real"
    assert data.load("sfew", source="simulated").source == "simulated"


@pytest.mark.parametrize(
    "call, told",
    [
        (lambda: data.load("sfwe"), "unknown data set 'sfwe': did you mean sfew"),
        (lambda: data.load("fer2031"), "fer2013"),
        (lambda: data.load("sfew", source="made up"), "source 'made up' is not known"),
    ],
)
def test_an_unknown_name_or_source_is_answered(call, told):
    with pytest.raises(EmolibError, match=told):
        call()


def test_a_reference_finds_the_same_data_and_refuses_changed_data(folder, monkeypatch):
    monkeypatch.setenv("EMOLIB_DATA", str(folder))
    data.resolve.cache_clear()
    ref = data.reference(data.load("sfew"))
    assert ref.startswith("sfew:real:") and data.resolve(ref).fingerprint == ref.split(":")[2]
    data.resolve.cache_clear()
    edit(folder, put("C2", 0.5))
    with pytest.raises(EmolibError, match="changed while runs were under way"):
        data.resolve(ref)
    data.resolve.cache_clear()


def sfew_row(table):
    return table.set_index("set").loc["sfew"]


def test_the_doctor_tells_absent_partly_and_damaged_apart(tmp_path, folder, monkeypatch):
    assert sfew_row(data.doctor()).state == "absent"
    assert "simulated" in sfew_row(data.doctor()).detail
    row = sfew_row(data.doctor(folder))
    assert row.state == "partly" and row.found == 40 and row.licence
    (folder / "sfew" / "SFEW.xlsx").write_bytes(POINTER)
    row = sfew_row(data.doctor(folder))
    assert (
        row.state == "damaged" and "Git-LFS pointer" in row.damaged and "SFEW.xlsx" in row.damaged
    )
    assert sfew_row(data.doctor(folder, deep=False)).state == "there"
    with pytest.raises(EmolibError, match="no such folder"):
        data.doctor(tmp_path / "nowhere")


def test_the_doctor_finds_a_whole_table(tmp_path):
    sim_files.write(worlds.sfew_table(), tmp_path, flaws=True)
    row = sfew_row(data.doctor(tmp_path))
    assert row.state == "found" and row.found == 675 and "674 usable" in row.detail


# ---------------------------------------------------------------- the real table


def test_the_real_table_is_what_the_protocol_says(real_sfew):
    table = data.load("sfew", source="real")
    every = sfew.read(real_sfew / "sfew" / "SFEW.xlsx")
    assert (len(every), len(table), table.features.shape) == (675, 674, (674, 10))
    assert np.bincount(table.meta.code, minlength=8)[1:].tolist() == [
        100,
        75,
        99,
        100,
        100,
        100,
        100,
    ]
    assert table.meta.movie.nunique() == 58
    assert len(set(table.subject)) == 50
    twice = table.meta[table.meta.image.duplicated(keep=False)]
    assert sorted(twice.code) == [3, 7] and twice.image.nunique() == 1
    assert np.abs(table.features).max() < 0.17  # the outlier left with its row
    seen = sfew.check(real_sfew)
    assert seen.state(sfew.ROWS) == "found" and twice.image.iloc[0] in seen.duplicates


def test_the_real_tables_fingerprint_is_stable(real_sfew):
    """Another fingerprint makes every stored run anew: change it knowingly."""
    assert data.load("sfew", source="real").fingerprint == "66f85dbeae74a926"
    drawn = worlds.sfew_table()  # rotated by LAPACK: equal to rounding from processor to processor
    assert np.abs(drawn.features).sum() == pytest.approx(42.49727504481046, rel=1e-9)
    assert np.bincount(drawn.label).tolist() == [100, 75, 99, 100, 100, 100, 100]
