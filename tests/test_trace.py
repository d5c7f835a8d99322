"""`emolib trace`: points of a running film are those of the whole one, one face is followed, nothing is half-written, memory stays constant."""

import csv
import re
import resource
import xml.dom.minidom
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sim_files
import torch

from emolib.data.files import Damaged
from emolib.data.sim import clip_sets
from emolib.features import greyface
from emolib.ground.errors import EmolibError
from emolib.models.path import PathGRU, sliding
from emolib.reproduction.cli import main as cli
from emolib.reproduction.cli import trace
from emolib.reproduction.report import plots
from emolib.reproduction.studies.adfes import plan

ANCHORS = pd.DataFrame(
    {"valence": [0.9, -0.5, 0.0], "arousal": [0.1, -0.8, 0.0]},
    index=pd.Index(["Joy", "Sadness", "Neutral"], name="emotion"),
)


class Told:
    """A detector that is told where faces are: bright squares of 20 pixels or more, the largest first."""

    def everyone(self, frames):
        return [_squares(frame[..., 0] > 180) for frame in frames]


def _squares(mask):
    """Corner points repeated to 68 of each run of bright columns."""
    edges = np.flatnonzero(np.diff(np.r_[0, mask.any(0).astype(int), 0]))
    faces = []
    for left, right in edges.reshape(-1, 2):
        rows = np.flatnonzero(mask[:, left:right].any(1))
        faces.append(np.resize(np.float32([[left, rows[0]], [right, rows[-1]]]), (68, 2)))
    return np.array(sorted(faces, key=lambda f: -np.ptp(f, axis=0).prod()), np.float32).reshape(
        -1, 68, 2
    )


def network(length=4, pace=25.0):
    net = PathGRU([(5,)], 4).initialise([3]).eval()
    return trace.Network(
        partial(greyface.prepared, side=8),
        lambda faces: np.stack(
            [faces.reshape(len(faces), -1)[:, k::4].mean(1) / 100 for k in range(4)], 1
        ).astype(np.float32),
        net,
        length,
        pace,
        ANCHORS,
        "made by hand",
    )


def film(path: Path, *faces, count=40, size=(80, 120)):
    """A grey film; each face (left, top, side, grey) is a bright square that drifts a pixel a frame to the right."""
    frames = np.full((count, *size, 3), 60, np.uint8)
    for t in range(count):
        for left, top, side, grey in faces:
            frames[t, top : top + side, left + t // 4 : left + t // 4 + side] = grey
    return sim_files.save_mp4(path, frames, 25)


def rows(path: Path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# ---------------------------------------------------------------- points


@pytest.mark.parametrize("stride", [1, 2])
def test_a_film_in_pieces_has_the_points_of_the_whole(stride):
    made, x = network(), np.random.default_rng(0).normal(size=(23, 4)).astype(np.float32)
    walker = trace.Walker(made, stride)
    points = np.concatenate([walker(part) for part in np.split(x, [1, 3, 10])])
    for t in range(23):
        past = x[t::-stride][:4][::-1].copy()
        expected = (
            sliding(made.net, torch.from_numpy(past)[None, None], 4)[0, 0, -1].detach().numpy()
        )
        assert np.allclose(points[t], expected, atol=1e-6), t


def test_odds_weigh_the_anchors_and_name_the_emotion():
    net = trace.Weighted(ANCHORS.to_numpy())
    odds = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 1, 0]])
    said = net(odds[None])[0]
    assert torch.allclose(said[:, :2][1], torch.tensor([0.2, -0.35]), atol=1e-6)
    assert said[:, 2:].argmax(1).tolist() == [0, 0, 1]


def test_the_sketch_stays_small_and_even():
    sketch = trace.Sketch()
    for k in range(10_000):
        sketch.add({"k": k}, lambda: np.zeros(1))
    kept = [row["k"] for row in sketch.rows]
    assert (
        len(kept) == len(sketch.images) <= trace.KEPT
        and len(kept) > trace.KEPT / 2
        and len(set(np.diff(kept))) == 1
        and kept[0] == 0
    )


def test_the_face_that_was_there_is_followed_though_a_larger_one_comes():
    face = lambda left, side: np.resize(np.float32([[left, 10], [left + side, 10 + side]]), (68, 2))  # noqa: E731
    follow = trace.Follower(patience=2)
    assert (
        follow(np.stack([face(50, 30), face(5, 20)]), 100) == face(50, 30)
    ).all()  # the largest at first
    assert (follow(np.stack([face(0, 40), face(52, 30)]), 100) == face(52, 30)).all()
    assert (
        follow(np.stack([face(0, 40)]), 100) is None
    )  # it has left: nobody else takes its place at once
    assert [follow(np.empty((0, 68, 2), np.float32), 100) for _ in range(2)] == [None, None]
    assert (follow(np.stack([face(0, 40)]), 100) == face(0, 40)).all()  # ... but after a while
    assert (
        (follow.crowded, follow.most) == (2, 2)
        and "number 2 from the left" in follow.words
        and "x = 65 of 100" in follow.words
    )


# ---------------------------------------------------------------- a film


def test_a_film_becomes_rows_a_drawing_and_a_page(tmp_path):
    path = film(tmp_path / "a b.mp4", (10, 20, 24, 230))
    done = trace.trace(path, network(), detector=Told(), progress=False)
    found = rows(tmp_path / "a b-trace.csv")
    assert (
        len(found) == 40
        and tuple(found[0]) == trace.COLUMNS
        and {r["faces"] for r in found} == {"1"}
    )
    assert (
        all(r["emotion"] in ANCHORS.index and abs(float(r["valence"])) < 3 for r in found)
        and found[25]["second"] == "1.000"
    )
    assert {p.suffix for p in done.files} == {".csv", ".svg", ".html"} and (
        done.frames,
        done.found,
        done.follow.crowded,
    ) == (40, 40, 0)
    page = (tmp_path / "a b-trace.html").read_text()
    assert (
        page.count("data:image/jpeg") == 40
        and "<script" not in page
        and not re.search(r"(?:src|href)=.?https?:", page)
    )
    xml.dom.minidom.parseString(re.search(r"<svg.*</svg>", page, re.S)[0])  # well formed
    assert str(done).splitlines()[-1].startswith("a b: 40 frames, a face in 40,") and re.search(
        r"\d+ frames a second, (keeps up with|slower than) the film's 25$", str(done)
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a b-trace.csv",
        "a b-trace.html",
        "a b-trace.svg",
        "a b.mp4",
    ]


def test_without_a_face_there_is_a_header_and_a_message(tmp_path):
    done = trace.trace(film(tmp_path / "empty.mp4"), network(), detector=Told(), progress=False)
    assert (tmp_path / "empty-trace.csv").read_text() == ",".join(trace.COLUMNS) + "\n"
    assert "no face was found in any of 40 frames" in str(done) and done.files == [
        tmp_path / "empty-trace.csv"
    ]
    assert not list(tmp_path.glob("*.svg"))


def test_of_two_faces_it_says_which_one(tmp_path):
    done = trace.trace(
        film(tmp_path / "two.mp4", (5, 30, 20, 230), (60, 20, 32, 230)),
        network(),
        detector=Told(),
        progress=False,
    )
    assert done.follow.crowded == 40 and done.follow.most == 2
    assert (
        "40 of 40 frames show more than one face, up to 2: followed the largest, number 2 from the left"
        in str(done)
    )
    assert all(float(r["left"]) > 40 for r in rows(tmp_path / "two-trace.csv"))


def test_frames_without_the_face_have_empty_cells(tmp_path):
    frames = np.full((30, 80, 120, 3), 60, np.uint8)
    frames[10:20, 20:50, 40:70] = 230
    sim_files.save_mp4(tmp_path / "part.mp4", frames, 25)
    done = trace.trace(tmp_path / "part.mp4", network(), tmp_path, detector=Told(), progress=False)
    found = rows(tmp_path / "part-trace.csv")
    assert done.found == 10 and [r["frame"] for r in found if r["emotion"]] == [
        str(t) for t in range(10, 20)
    ]
    assert all(
        r["valence"] == r["left"] == "" and r["faces"] == "0" for r in found if not r["emotion"]
    )


def test_a_damaged_film_leaves_nothing_behind(tmp_path):
    whole = sim_files.save_mp4(
        tmp_path / "whole.avi",
        np.random.default_rng(0).integers(0, 255, (60, 80, 120, 3), dtype=np.uint8),
        25,
    )
    raw = whole.read_bytes()
    whole.unlink()
    broken = tmp_path / "broken.avi"
    broken.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(Damaged, match="broken.avi"):
        trace.trace(broken, network(), detector=Told(), progress=False)
    assert [p.name for p in tmp_path.iterdir()] == ["broken.avi"]


def test_only_the_first_seconds(tmp_path):
    done = trace.trace(
        film(tmp_path / "a.mp4", (10, 20, 24, 230)),
        network(),
        detector=Told(),
        seconds=0.8,
        progress=False,
    )
    assert done.frames == 20 and len(rows(tmp_path / "a-trace.csv")) == 20


# ---------------------------------------------------------------- a webcam


class Camera:
    """Sixty frames with a face, then somebody pulls the plug or presses Ctrl-C."""

    def __init__(self, number, ends=None):
        self.number, self.left, self.ends, self.open = number, 60, ends, True

    def isOpened(self):  # noqa: N802
        return self.number == 1

    def get(self, what):
        return 30.0

    def read(self):
        self.left -= 1
        if self.left < 0:
            if self.ends:
                raise self.ends
            return False, None
        picture = np.full((80, 120, 3), 60, np.uint8)
        picture[20:50, 40:70] = 230
        return True, picture

    def release(self):
        self.open = False


@pytest.mark.parametrize("ends", [None, KeyboardInterrupt])
def test_a_webcam_is_traced_until_it_ends(tmp_path, monkeypatch, ends):
    cv2 = pytest.importorskip("cv2", reason="NOT TESTED: OpenCV is not installed")
    monkeypatch.setattr(cv2, "VideoCapture", lambda number: Camera(number, ends))
    done = trace.trace("webcam:1", network(pace=15.0), tmp_path, detector=Told(), progress=False)
    assert done.frames >= 48 and done.fps == 30 and (tmp_path / "webcam-trace.html").exists()
    with pytest.raises(EmolibError, match="webcam:0: no camera answers"):
        trace.trace("webcam", network(), tmp_path, detector=Told())
    with pytest.raises(EmolibError, match="webcam:1 for the second"):
        trace.trace("webcam:front", network(), tmp_path, detector=Told())


# ---------------------------------------------------------------- as a command


@pytest.fixture
def by_hand(monkeypatch):
    """The command with a network made by hand; asked for only once the film is known to be sound."""
    asked = []

    def by_study(study):
        asked.append(study.profile)
        return vars(network())

    def that_ships():
        asked.append("emolib")
        return network()

    monkeypatch.setattr(plan.Study, "network", by_study)
    monkeypatch.setattr(trace, "shipped", that_ships)
    return asked


@pytest.mark.slow  # the simulator compiles itself anew in each test's cache
def test_a_command_on_a_drawn_face(tmp_path, by_hand, capsys):
    """dlib finds the simulator's face; the whole command, from an mp4 to three files."""
    pytest.importorskip("dlib", reason="NOT TESTED: dlib is not installed")
    world = clip_sets.adfes(0, 1, size=160, seconds=1.0, span=0.8)
    sim_files.save_mp4(tmp_path / "joy.mp4", clip_sets.drawn(world, 0, slice(0, 12)), 25)
    (tmp_path / "out").mkdir()
    assert (
        cli.main(
            [
                "trace",
                str(tmp_path / "joy.mp4"),
                "--out",
                str(tmp_path / "out"),
                "--profile",
                "smoke",
                "--network",
                "paper",
            ]
        )
        == 0
    )
    assert (
        by_hand == ["smoke"]
        and "keeps up with"
        in capsys.readouterr().out.replace("slower than", "keeps up with").splitlines()[-1]
    )
    found = rows(tmp_path / "out" / "joy-trace.csv")
    assert len(found) == 12 and sum(r["emotion"] != "" for r in found) >= 10


@pytest.mark.parametrize(
    "words, told",
    [
        (["nowhere.mp4"], "nowhere.mp4"),
        (["broken.mp4"], "broken.mp4: "),
        (["--seconds", "0", "broken.mp4"], "--seconds is 0.0"),
        (["good.mp4", "--out", "none"], "no such folder"),
        (["good.mp4", "--network", "yin"], "expected emolib or paper"),
    ],
)
def test_bad_input_is_one_line_status_2_and_no_file(
    tmp_path, monkeypatch, by_hand, capsys, words, told
):
    monkeypatch.chdir(tmp_path)
    film(tmp_path / "good.mp4", (10, 20, 24, 230), count=4)
    (tmp_path / "broken.mp4").write_bytes((tmp_path / "good.mp4").read_bytes()[:900])
    before = sorted(tmp_path.iterdir())
    assert cli.main(["trace", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line and sorted(tmp_path.iterdir()) == before
    assert by_hand == (["emolib"] if "none" in words else [])


def test_a_moving_page_shows_names_as_text():
    path = pd.DataFrame(
        {
            "frame": [0, 5],
            "second": [0.0, 0.2],
            "valence": [0.1, 0.2],
            "arousal": [0.0, 0.1],
            "named": ["Joy", "Neutral"],
        }
    )
    page = plots.moving(
        path, np.zeros((2, 8, 8, 3), np.uint8), ANCHORS, title="<b>&", source="simulated"
    )._repr_html_()
    assert "<b>" not in page and "&lt;b&gt;&amp;" in page and page.count("<animate ") == 3


@pytest.mark.slow
def test_ten_minutes_of_film_at_constant_memory(tmp_path):
    """15,000 frames: the peak after the first minute is that of the end, within 60 MB."""
    face = np.full((240, 320, 3), 60, np.uint8)
    face[80:160, 120:200] = 230
    sim_files.save_mp4(tmp_path / "long.mp4", np.broadcast_to(face, (15_000, 240, 320, 3)), 25)
    trace.trace(tmp_path / "long.mp4", network(), detector=Told(), seconds=60, progress=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = trace.trace(tmp_path / "long.mp4", network(), detector=Told(), progress=False)
    assert (
        done.frames == 15_000
        and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    )
    assert (tmp_path / "long-trace.html").stat().st_size < 5 << 20
