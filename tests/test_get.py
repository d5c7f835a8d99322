"""`get` against a server on this machine: whole, interrupted, changed, a page, a full disk, a hostile archive."""

import errno
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sim_files
from hypothesis import given
from hypothesis import strategies as st

from emolib import data
from emolib.data import catalog, fetch
from emolib.data.catalog import CATALOG, MODELS, Download
from emolib.data.files import Damaged
from emolib.ground.errors import EmolibError
from emolib.reproduction.cli import main as cli


class Server(http.server.ThreadingHTTPServer):
    """Files by path; `breaks` bytes are sent before the line is cut, once; `ranges` says what was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.kinds, self.ranges, self.breaks = {}, {}, [], None
        self.resumes = True

    def url(self, name):
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request, address):
        pass  # the client hung up


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        body = server.files.get(self.path.lstrip("/").partition("?")[0])
        asked = self.headers.get("Range", "")
        server.ranges.append(asked)
        if body is None:
            self.send_error(404)
            return
        begin = int(asked[6:-1]) if asked and server.resumes else 0
        if begin >= len(body) > 0:
            self.send_error(416)
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Type", server.kinds.get(self.path[1:], "application/zip"))
        self.send_header("Content-Length", str(len(body) - begin))
        self.end_headers()
        end = len(body)
        if server.breaks is not None:
            end, server.breaks = begin + server.breaks, None
        self.wfile.write(body[begin:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def zipped(members) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def of_folder(folder: Path, prefix="") -> dict:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {prefix + path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def letters(tmp_path_factory):
    """EMNIST's archive, small: the letters as the set ships them, and another part of it."""
    folder = tmp_path_factory.mktemp("letters")
    sim_files.write(sim_files.letters(3, 2), folder)
    members = of_folder(folder / "emnist", "gzip/")
    return zipped(members | {"gzip/emnist-digits-test-labels-idx1-ubyte.gz": b"not wanted"})


def offered(server, name, body, *, checksum="md5", **changes):
    """The set's own entry, its archive on the loopback server; a right checksum unless it is given."""
    entry, (download, *_) = CATALOG[name], CATALOG[name].downloads
    server.files["file.zip"] = body
    if checksum in ("md5", "sha256"):
        checksum = f"{checksum}:{hashlib.new(checksum, body).hexdigest()}"
    changes = {"url": server.url("file.zip"), "size": len(body), "checksum": checksum} | changes
    return replace(entry, downloads=(replace(download, **changes),))


def left(root: Path) -> list[str]:
    """Files in the data folder, those that wait in .downloads apart."""
    return [p.relative_to(root).as_posix() for p in sorted(root.rglob("*")) if p.is_file()]


def nothing_of_the_set(root: Path) -> bool:
    return all(name.startswith(".downloads/") for name in left(root))


def test_a_whole_set_is_there_and_is_read(server, letters, tmp_path):
    written = fetch.fetch(offered(server, "emnist_letters", letters), tmp_path)
    assert len(written) == 4 and left(tmp_path) == sorted(
        path.relative_to(tmp_path).as_posix() for path in written
    )
    read = data.load("emnist_letters", root=tmp_path)
    assert len(read) == 26 * 5 and (read.source, server.ranges) == ("real", [""])
    assert fetch.complete(offered(server, "emnist_letters", letters), tmp_path)


@pytest.mark.parametrize("resumes", [True, False])
def test_what_broke_off_goes_on_from_there(server, letters, tmp_path, resumes, monkeypatch):
    monkeypatch.setattr(fetch, "PIECE", 100)  # what is written at a time
    entry = offered(server, "emnist_letters", letters)
    server.breaks, server.resumes = 1000, resumes
    with pytest.raises(EmolibError, match="broke off .*MB are kept, the same command goes on"):
        fetch.fetch(entry, tmp_path)
    (partial,) = left(tmp_path)
    assert partial == ".downloads/file.zip.partial" and nothing_of_the_set(tmp_path)
    kept = (tmp_path / partial).stat().st_size
    assert 0 < kept <= 1000 and (tmp_path / partial).read_bytes() == letters[:kept]
    fetch.fetch(entry, tmp_path)
    assert server.ranges == ["", f"bytes={kept}-"]  # a server that cannot resume sends all
    assert len(data.load("emnist_letters", root=tmp_path)) == 26 * 5
    assert not [name for name in left(tmp_path) if name.startswith(".downloads")]


def test_a_whole_partial_file_is_not_got_again(server, letters, tmp_path):
    (tmp_path / ".downloads").mkdir()
    (tmp_path / ".downloads" / "file.zip.partial").write_bytes(letters)
    fetch.fetch(offered(server, "emnist_letters", letters), tmp_path)
    assert len(data.load("emnist_letters", root=tmp_path)) == 26 * 5


@pytest.mark.parametrize("partial", [b"", b"of another file", b"x" * 100_000])
def test_a_wrong_checksum_leaves_nothing(server, letters, tmp_path, partial):
    entry = offered(server, "emnist_letters", letters, checksum="md5:" + 32 * "0")
    if partial:
        (tmp_path / ".downloads").mkdir()
        (tmp_path / ".downloads" / "file.zip.partial").write_bytes(partial)
    with pytest.raises(EmolibError, match="not the file that was expected.*see https://www.nist"):
        fetch.fetch(entry, tmp_path)
    assert left(tmp_path) == []


def test_a_page_in_place_of_the_file_is_told_apart(server, letters, tmp_path):
    page = b"\n<!DOCTYPE html><html>Please sign in</html>"
    for kind in ("text/html; charset=utf-8", "application/zip"):
        entry = offered(server, "emnist_letters", letters)
        server.files["file.zip"], server.kinds["file.zip"] = page, kind
        with pytest.raises(EmolibError, match="a web page, not the file"):
            fetch.fetch(entry, tmp_path)
        assert left(tmp_path) == []


def test_an_answer_that_is_none(server, letters, tmp_path):
    gone = offered(server, "emnist_letters", letters, url=server.url("moved.zip"))
    with pytest.raises(EmolibError, match="the server says 404 Not Found; see https"):
        fetch.fetch(gone, tmp_path)
    closed = offered(server, "emnist_letters", letters, url="http://127.0.0.1:9/file.zip")
    with pytest.raises(EmolibError, match=r"no connection.*Connection refused"):
        fetch.fetch(closed, tmp_path)
    assert left(tmp_path) == []


class Full(io.BytesIO):
    def write(self, piece):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_one_line_and_gives_its_room_back(server, letters, tmp_path, monkeypatch):
    entry = offered(server, "emnist_letters", letters)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: type("Free", (), {"free": 10_000}))
    with pytest.raises(EmolibError, match="MB are needed and 0 MB are free"):
        fetch.fetch(entry, tmp_path)
    assert server.ranges == []  # told before the first byte
    monkeypatch.undo()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    real = open

    def full(path, mode="r", **more):
        real(path, mode, **more).close()
        return Full() if str(path).endswith(".partial") else real(path, mode, **more)

    monkeypatch.setattr(fetch, "open", full, raising=False)
    with pytest.raises(EmolibError, match="the disk is full; make room; nothing half-written"):
        fetch.fetch(entry, tmp_path)
    assert left(tmp_path) == []
    monkeypatch.setattr(fetch, "open", real, raising=False)

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch.shutil, "copyfileobj", no_room)
    with pytest.raises(EmolibError, match="the disk is full"):
        fetch.fetch(entry, tmp_path)
    assert nothing_of_the_set(tmp_path) and not list(tmp_path.rglob("*.unpacked"))


def test_a_folder_that_may_not_be_written_is_told(server, letters, tmp_path):
    (tmp_path / ".downloads").write_text("in the way")
    with pytest.raises(EmolibError, match="cannot be written"):
        fetch.fetch(offered(server, "emnist_letters", letters), tmp_path)


def test_the_first_download_is_kept_where_nobody_publishes_a_checksum(server, tmp_path):
    entry = offered(server, "ferplus", b"Usage,Image name\n", checksum="", size=0)
    told = []
    fetch.fetch(entry, tmp_path, told.append)
    assert "nobody publishes a checksum" in told[0]
    assert (tmp_path / "fer2013/fer2013new.csv").read_bytes() == b"Usage,Image name\n"
    (tmp_path / "fer2013/fer2013new.csv").unlink()
    server.files["file.zip"] = b"Usage,Image nome\n"
    with pytest.raises(EmolibError, match="not the file that was expected"):
        fetch.fetch(entry, tmp_path)
    assert nothing_of_the_set(tmp_path)


def test_several_files_are_there_together_or_not_at_all(server, tmp_path):
    downloads = []
    for name in ("a.task", "b.task"):
        server.files[name] = name.encode() * 50
        downloads.append(Download(server.url(name), 0, "", f"models/{name}"))
    entry = replace(MODELS, downloads=tuple(downloads))
    held = server.files.pop("b.task")
    with pytest.raises(EmolibError, match="404"):
        fetch.fetch(entry, tmp_path, lambda _: None)
    assert nothing_of_the_set(tmp_path) and not fetch.complete(entry, tmp_path)
    server.files["b.task"] = held
    fetch.fetch(entry, tmp_path, lambda _: None)
    assert len(server.ranges) == 3 and fetch.complete(entry, tmp_path)  # a.task came once


# ---------------------------------------------------------------- archives


@pytest.mark.parametrize(
    "bad", ["../outside", "a/../../outside", "/etc/outside", "..\\outside", "C:/outside"]
)
@pytest.mark.parametrize("tar", [False, True])
def test_an_archive_that_writes_elsewhere_is_refused_whole(tmp_path, bad, tar):
    path = tmp_path / "deep" / "a.archive"
    path.parent.mkdir()
    members = {"good": b"1", bad: b"2"}
    if tar:
        with tarfile.open(path, "w:gz") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    else:
        path.write_bytes(zipped(members))
    with pytest.raises(Damaged, match="would be written elsewhere; refused"):
        fetch.unpack(path, path.parent / "into", "(.*)", path.parent / "beside")
    assert left(tmp_path) == ["deep/a.archive"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("good")
        archive.addfile(info, io.BytesIO(b""))
        info = tarfile.TarInfo("odd")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(Damaged, match="its member odd is a link or a device"):
        fetch.unpack(tmp_path / "a.tar", tmp_path / "into", "(.*)", tmp_path / "beside")
    assert left(tmp_path) == ["a.tar"]


def test_a_broken_archive_leaves_nothing(tmp_path):
    whole = zipped({f"Actor_01/{k}": bytes(2000) + bytes([k]) for k in range(5)})
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 255
    for raw in (whole[: len(whole) // 2], bytes(flipped), b"no archive", b""):
        (tmp_path / "a.zip").write_bytes(raw)
        with pytest.raises(Damaged, match="not a readable archive"):
            fetch.unpack(tmp_path / "a.zip", tmp_path / "into", "(.*)", tmp_path / "beside")
        assert left(tmp_path) == ["a.zip"]
    (tmp_path / "a.zip").write_bytes(zipped({"readme": b"1"}))
    with pytest.raises(Damaged, match="none of its 1 members is one of the set's files"):
        fetch.unpack(tmp_path / "a.zip", tmp_path / "into", "(Actor.*)", tmp_path / "beside")


@given(
    names=st.lists(st.text("ab./\\", min_size=1, max_size=8), min_size=1, max_size=4, unique=True)
)
def test_whatever_the_members_are_called_nothing_lands_outside(tmp_path_factory, names):
    place = tmp_path_factory.mktemp("names")
    deep = place / "deep" / "er"
    deep.mkdir(parents=True)
    (deep / "a.zip").write_bytes(zipped(dict.fromkeys(names, b"1")))
    try:
        fetch.unpack(deep / "a.zip", deep / "into", "(.*)", deep / "beside")
    except (Damaged, OSError):
        pass
    outside = [
        name for name in left(place) if not name.startswith(("deep/er/into/", "deep/er/a.zip"))
    ]
    assert outside == []


def test_members_of_the_real_archives_land_where_the_loaders_look(tmp_path):
    members = {
        "ravdess": ["Actor_01/03-01-01-01-01-01-01.wav", "Actor_24/03-01-08-02-02-02-24.wav"],
        "ravdess_tracking": ["01-01-01-01-01-01-01.csv", "01-02-05-02-02-02-24.csv"],
        "emnist_letters": ["gzip/emnist-letters-train-images-idx3-ubyte.gz"],
        "cifar100": ["cifar-100-python/train", "cifar-100-python/meta"],
    }
    for name, names in members.items():
        (download,) = CATALOG[name].downloads
        path = tmp_path / f"{name}.zip"
        path.write_bytes(zipped(dict.fromkeys([*names, "__MACOSX/._junk", "readme.txt"], b"1")))
        written = fetch.unpack(path, tmp_path / download.into, download.members, tmp_path / "b")
        assert len(written) == len(names)
        assert data._any(CATALOG[name], tmp_path, CATALOG[name].mark), name
        assert fetch.complete(CATALOG[name], tmp_path), name


def test_a_part_of_a_set_is_not_taken_for_what_would_be_downloaded(tmp_path):
    for name, other in {"cifar100": "cifar100_subset.npz", "ravdess": "Actor_01/a.flac"}.items():
        path = tmp_path / name / other
        path.parent.mkdir(parents=True)
        path.write_bytes(b"1")
        assert not fetch.complete(CATALOG[name], tmp_path)


def test_ceap360vr_is_read_as_its_repository_ships_it(tmp_path):
    import json

    from test_data_real import write_ceap360vr

    held = dict(np.load(write_ceap360vr(tmp_path / "npz"), allow_pickle=False))
    people = {}
    for name, track in held.items():
        steps = [
            {"TimeStamp": float(t), "Valence": float(v), "Arousal": float(a)} for t, v, a in track
        ]
        person, video = name[1:].split("_")
        film = {"VideoID": video, "TimeStamp_Valence_Arousal": steps}
        people.setdefault(person, []).append(film)
    for person, films in people.items():
        shipped = {"ParticipantID": person, "Video_Annotation_FrameData": films}
        path = tmp_path / "json" / "ceap360vr" / f"P{person}_Annotation_FrameData.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"ContinuousAnnotation_FrameData": [shipped]}))
    a, b = (data.load("ceap360vr", root=tmp_path / kind) for kind in ("npz", "json"))
    assert a.fingerprint == b.fingerprint and len(b) == 6
    for text in ("{", '{"a": 1}', json.dumps({"ContinuousAnnotation_FrameData": [{}]}), "[]"):
        path.write_text(text)
        with pytest.raises(Damaged, match="not annotation as CEAP-360VR ships it"):
            data.load("ceap360vr", root=tmp_path / "json")


# ---------------------------------------------------------------- the command and its table


@pytest.fixture
def offer(server, letters, monkeypatch, tmp_path):
    """The command line with EMNIST on the loopback server and an empty data folder."""
    entry = offered(server, "emnist_letters", letters)
    monkeypatch.setitem(catalog.CATALOG, "emnist_letters", entry)
    (tmp_path / "data").mkdir()
    return ["get", "emnist_letters", "--data", str(tmp_path / "data")]


def test_the_command_says_size_and_licence_before_the_first_byte(
    offer, server, capsys, monkeypatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))  # no terminal: nobody can be asked
    assert cli.main(offer) == 2
    shown = capsys.readouterr()
    assert "MB from https://www.nist.gov" in shown.out and "licence: public domain" in shown.out
    assert "in a script say --yes" in shown.err and server.ranges == []
    assert cli.main([*offer, "--yes"]) == 0
    assert "4 files in" in capsys.readouterr().out and server.ranges == [""]
    assert cli.main([*offer, "--yes"]) == 0
    assert "already" in capsys.readouterr().out and server.ranges == [""]
    assert cli.main(["doctor", *offer[2:]]) == 0
    line = next(x for x in capsys.readouterr().out.split("\n") if x.startswith("emnist_letters"))
    assert "partly   130 of 145600 images" in line


def test_who_sits_before_the_screen_is_asked(offer, server, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", type("Tty", (io.StringIO,), {"isatty": lambda self: True})())
    for answer, asked in (("n", []), ("", []), ("yes", [""])):
        monkeypatch.setattr("builtins.input", lambda _, answer=answer: answer)
        assert cli.main(offer) == 0
        assert server.ranges == asked
    assert capsys.readouterr().out.count("nothing was downloaded") == 2


def test_gated_sets_say_who_to_ask(capsys, tmp_path):
    assert cli.main(["get", "ckplus", "sfew", "--data", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "University of Pittsburgh, on request" in shown and "https://www.jeffcohn.net" in shown
    assert "Australian National University" in shown and left(tmp_path) == []
    assert cli.main(["get", "ravdes", "--data", str(tmp_path)]) == 2
    assert "did you mean ravdess" in capsys.readouterr().err


def test_doctor_and_get_tell_the_same_of_every_set(capsys, tmp_path):
    assert cli.main(["get", "--data", str(tmp_path)]) == 0
    table = capsys.readouterr().out.strip().split("\n")
    assert [line.split()[0] for line in table] == [*CATALOG, "models"]
    assert cli.main(["doctor", "--data", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    for line in table:
        assert line.split(maxsplit=1)[1] in shown, line
    for name in ("ravdess", "ravdess_tracking", "cifar100", "emnist_letters", "ferplus", "models"):
        assert f"./reproduce.sh get {name} (" in shown


def test_every_set_says_where_it_is_and_every_download_how_it_is_checked():
    for entry in (*CATALOG.values(), MODELS):
        assert entry.page.startswith("https://") and entry.licence and entry.access
        for download in entry.downloads:
            assert download.url.startswith("https://")
            kind, _, digits = download.checksum.partition(":")
            assert not kind or len(digits) == {"md5": 32, "sha256": 64}[kind]
            assert download.size or not download.checksum
    checked = {d.checksum for entry in CATALOG.values() for d in entry.downloads}
    assert {
        "md5:bc696df654c87fed845eb13823edef8a",
        "md5:58c8d27c78d21e728a6bc7b3cc06412e",
    } <= checked
    assert "md5:eb9058c3a382ffc7106e4002c42a8d85" in checked


def test_the_files_at_hand_have_the_checksums_of_the_table(real_data):
    (votes,) = CATALOG["ferplus"].downloads
    path = real_data / votes.into
    if not path.exists():
        pytest.skip(f"NOT TESTED ON REAL DATA: no {path}")
    raw = path.read_bytes()
    assert (len(raw), f"sha256:{hashlib.sha256(raw).hexdigest()}") == (votes.size, votes.checksum)
