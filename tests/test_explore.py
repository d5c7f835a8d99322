"""The explorer without a browser: bundles on disk, layouts, linked counts, and the widgets driven from Python."""

import json
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import run_notebook
from hypothesis import given
from hypothesis import strategies as st

from emolib import EMOTIONS
from emolib import data as datasets
from emolib.ground.errors import EmolibError
from emolib.reproduction import explore
from emolib.reproduction.explore import bundles, layout, linked, media
from emolib.reproduction.report import files as results
from emolib.reproduction.runs.explored import Explored, Model

N, C = 60, 3
CLASSES = ("angry", "calm", "sad")


def points(count=N, seed=0, **changed) -> Explored:
    """Two models of points in three clouds: one is always right, one never."""
    rng = np.random.default_rng(seed)
    true = np.arange(count) % C
    x = rng.normal(size=(count, 6)) + 6 * np.eye(6)[true]
    sure = np.full((count, C), 0.1) + 0.7 * np.eye(C)[true]
    data = datasets.load("ferplus", source="simulated", profile="smoke", count=64)
    parts = {
        "title": "Clouds",
        "classes": CLASSES,
        "true": true,
        "actor": np.array(["a", "b"])[np.arange(count) % 2],
        "fold": np.arange(count) % 5,
        "modality": np.full(count, "face"),
        "sample": np.array([f"s{i}" for i in range(count)]),
        "models": (Model("good", x, true, sure), Model("bad", x[:, ::-1] + 1, (true + 1) % C)),
        "data": data,
        "rows": np.arange(count) % len(data),
        "profile": "smoke",
    }
    return Explored(**(parts | changed))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATA", "CACHE", "OUT"):
            patch.setenv(f"EMOLIB_{name}", str(tmp_path_factory.mktemp(name.lower())))
        return explore.bundle("clouds", points())


# ---------------------------------------------------------------- bundles


def test_a_bundle_comes_back_as_it_was(made):
    again = bundles.load(bundles.save(made))
    for name in bundles.COLUMNS:
        assert np.array_equal(getattr(again, name), getattr(made, name)), name
    assert (
        again.classes == CLASSES
        and again.source == "simulated"
        and again.kind == "pictures"
        and again.reference == made.reference
    )
    for a, b in zip(again.models, made.models, strict=True):
        assert (
            a.name == b.name
            and np.array_equal(a.embedding, b.embedding)
            and np.array_equal(a.predicted, b.predicted)
        )
    assert again.models[1].probabilities is None and np.allclose(
        again.models[0].probabilities, made.models[0].probabilities
    )
    assert set(again.places) == {(m, how) for m in ("good", "bad") for how in ("PCA", "t-SNE")}
    assert all(np.array_equal(again.places[k], made.places[k]) for k in made.places)
    assert explore.find("clouds", "smoke").name == "clouds"


def test_the_same_bundle_is_the_same_bytes(made):
    path = bundles.save(made).with_suffix(".npz")
    first = path.read_bytes()
    bundles.save(explore.bundle("clouds", points()))
    assert path.read_bytes() == first


def test_no_picture_is_in_a_bundle_and_real_ones_stay_in_the_cache(made, tmp_path, monkeypatch):
    assert not any(np.asarray(v).ndim > 2 for m in made.models for v in (m.embedding, m.predicted))
    monkeypatch.setenv("EMOLIB_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("EMOLIB_CACHE", str(tmp_path / "cache"))
    assert bundles.save(made).is_relative_to(tmp_path / "out")
    with np.load(bundles.folder("smoke", "simulated") / "clouds.npz") as file:
        assert all(file[k].dtype != np.uint8 and file[k].nbytes < 10_000 for k in file.files)
    assert bundles.save(replace(made, name="secret", source="real")).is_relative_to(
        tmp_path / "cache"
    )
    assert set(explore.stored("smoke")) == {"clouds", "secret"}


def test_sets_with_islands_come_first_and_of_these_the_real_ones(made, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_OUT", str(tmp_path / "out"))
    monkeypatch.setenv("EMOLIB_CACHE", str(tmp_path / "cache"))
    blob = np.random.default_rng(0).normal(size=(N, 2)).astype(np.float32)
    even = dict.fromkeys(made.places, blob)
    for name, source, places in (
        ("a-blob", "simulated", even),
        ("b-real-blob", "real", even),
        ("c-islands", "simulated", made.places),
        ("d-real-islands", "real", made.places),
    ):
        bundles.save(replace(made, name=name, source=source, places=places))
    wanted = ["d-real-islands", "c-islands", "b-real-blob", "a-blob"]
    assert list(explore.stored("smoke")) == wanted


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"actor": np.array(["a"])}, "1 in `actor`"),
        ({"models": ()}, "no model"),
        ({"true": np.full(N, 3)}, "expected 60 entries from 0 to 2"),
        ({"rows": np.full(N, 10**6)}, "but ferplus has"),
        ({"models": (Model("m", np.ones((N, 1)), np.zeros(N, int)),)}, r"\(60, 2 or more\)"),
        ({"models": (Model("m", np.full((N, 2), np.nan), np.zeros(N, int)),)}, "row 0, column 0"),
        (
            {"models": (Model("m", np.ones((N, 2)), np.zeros(N, int), np.ones((N, C))),)},
            "summing to 1",
        ),
        (
            {"models": (Model("m", np.ones((N, 2)), np.zeros(N, int)),) * 2},
            "two models are called 'm'",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(changed, said):
    with pytest.raises(EmolibError, match=said):
        points(**changed)


def test_damage_is_said(made):
    path = bundles.save(made)
    raw = path.with_suffix(".npz").read_bytes()
    path.with_suffix(".npz").write_bytes(raw[:-1] + b"x")
    with pytest.raises(EmolibError, match="not those it was written with"):
        bundles.load(path)
    path.with_suffix(".npz").write_bytes(raw)
    about = json.loads(path.read_text())
    for text, said in (
        ("{", "not a readable"),
        (json.dumps(about | {"format": 99}), "format 99"),
        (json.dumps({"format": 1}), "KeyError"),
    ):
        path.write_text(text)
        with pytest.raises(EmolibError, match=said):
            bundles.load(path)
    path.with_suffix(".npz").unlink()
    with pytest.raises(EmolibError, match="clouds.npz: no such file"):
        bundles.load(path)


def test_names_and_absence_are_said(made):
    with pytest.raises(EmolibError, match="letters, digits"):
        explore.bundle("../escape", points())
    with pytest.raises(EmolibError, match="--only 90"):
        explore.find("clouds", "smoke")
    bundles.save(made)
    with pytest.raises(EmolibError, match="did you mean clouds"):
        explore.find("cloud", "smoke")
    with pytest.raises(EmolibError, match="unknown model"):
        made.model("god")


# ---------------------------------------------------------------- layouts


@pytest.mark.parametrize("method", ["PCA", "t-SNE"])
def test_clouds_stay_together_and_seeds_count(method):
    e = points(90)
    xy = layout.place(e.models[0].embedding, method, perplexity=15, seed=1)
    assert xy.shape == (90, 2) and xy.dtype == np.float32 and np.abs(xy).max() == pytest.approx(1)
    far = ((xy[:, None] - xy[None]) ** 2).sum(-1) + 9 * np.eye(90)
    assert (e.true[far.argmin(1)] == e.true).mean() > 0.95
    assert np.array_equal(xy, layout.place(e.models[0].embedding, method, perplexity=15, seed=1))
    assert np.array_equal(
        xy, layout.place(e.models[0].embedding, method, perplexity=15, seed=2)
    ) == (method == "PCA")


def test_pca_from_places_lies_as_near_to_them_as_it_can():
    x = np.random.default_rng(0).normal(size=(50, 3)) * (3, 2, 1)
    first = layout.place(x, "PCA")
    turned = layout.place(x[:, [1, 0, 2]] * (-1, 1, 1), "PCA", start=first)
    assert np.abs(turned - first).max() < 1e-3


def test_a_layout_reports_and_can_be_stopped():
    x, shares = points(80).models[0].embedding, []
    layout.place(x, "t-SNE", report=shares.append)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1) and len(shares) > 10
    with pytest.raises(layout.Stopped):
        layout.place(x, "t-SNE", stopped=lambda: True)


def test_in_the_background_the_last_order_wins():
    x, finished, failed, first = points(80).models[0].embedding, [], [], threading.Event()

    def progress(share):
        first.set()

    work = layout.Background(progress, finished.append, failed.append)
    work.start([x], "t-SNE", seed=1)
    assert first.wait(30)
    old = work._thread
    work.start([x, x], "t-SNE", seed=2)
    assert work.wait(60) and (old.join(60) or not old.is_alive())
    assert len(finished) == 1 and len(finished[0]) == 2 and not failed
    assert np.array_equal(finished[0][0], layout.place(x, "t-SNE", seed=2))
    work.start([x], "no such method")
    work.wait(30)
    assert "unknown projection" in str(failed[0])


# ---------------------------------------------------------------- counts


@given(st.lists(st.integers(0, N - 1), unique=True))
def test_counts_of_a_selection(made, rows):
    rows = np.array(rows, int)
    for model in ("good", "bad"):
        counts = linked.matrix(made, model, rows)
        assert counts.sum() == len(rows)
        assert np.array_equal(counts.sum(1), np.bincount(made.true[rows], minlength=C))
        assert all(counts[made.true[r], made.model(model).predicted[r]] > 0 for r in rows)
    assert len(linked.table(made, rows)) == len(rows)


def test_cells_part_the_points(made):
    for model in ("good", "bad"):
        cells = [linked.cell(made, model, t, n) for t in range(C) for n in range(C)]
        assert np.array_equal(np.sort(np.concatenate(cells)), np.arange(N))
        assert [len(c) for c in cells] == linked.matrix(made, model).ravel().tolist()
    assert len(linked.cell(made, "bad", 0, 1)) == 20 and len(linked.cell(made, "bad", 0, 0)) == 0
    assert (
        linked.words(made.classes, linked.matrix(made, "bad"))
        == "60 points, 0 right (0 %); most often angry is called calm (20)"
    )
    assert (
        linked.words(made.classes, linked.matrix(made, "good", [0])) == "1 point, 1 right (100 %)"
    )


def test_colours_say_what_they_mean(made):
    right = linked.colouring(made, "good", "correctness")
    assert (
        right.names == ("right", "wrong")
        and not right.groups.any()
        and linked.colouring(made, "bad", "correctness").groups.all()
    )
    assert set(linked.colouring(made, "good", "actor").names) == {"a", "b"}
    assert np.allclose(linked.colouring(made, "good", "confidence").values, 0.8)
    assert linked.colouring(made, "bad", "confidence").names == ("not known",)
    many = linked.colouring(
        replace(made, actor=np.array([f"p{i:02d}" for i in range(N)])), "good", "actor"
    )
    assert (
        len({*zip(many.colours[:16], many.markers[:16], strict=True)}) == 16
    )  # colour and shape together tell sixteen apart
    with pytest.raises(EmolibError, match="did you mean class"):
        linked.colouring(made, "good", "clas")


def test_the_table_holds_what_was_selected(made):
    frame = linked.table(made, [3, 1], {"good": made.places["good", "PCA"]})
    assert (
        frame["sample"].tolist() == ["s3", "s1"]
        and frame["named by bad"].tolist() == ["calm", "sad"]
        and frame.source.unique() == "simulated"
    )
    assert np.allclose(frame[["x of good", "y of good"]], made.places["good", "PCA"][[3, 1]])


# ---------------------------------------------------------------- pictures and sounds


def test_a_picture_is_fetched_by_reference(made):
    import io

    from PIL import Image

    shown = media.sample(made, 4)
    data = datasets.resolve(made.reference)
    assert (
        np.array_equal(np.asarray(Image.open(io.BytesIO(shown.picture))), data.images[made.rows[4]])
        and not shown.sound
    )
    gone = media.sample(replace(made, reference=made.reference.replace(":simulated:", ":real:")), 4)
    assert not gone.picture and "cannot be shown here" in gone.note
    assert "numbers only" in media.sample(replace(made, kind="numbers"), 0).note


def test_a_clip_brings_the_part_that_its_point_stands_for(made):
    import io

    import soundfile

    clips = datasets.load("ravdess", source="simulated", profile="smoke", actors=2, size=32)
    three = replace(
        made,
        reference=datasets.reference(clips),
        kind="clips",
        rows=np.zeros(N, int),
        modality=np.array(["both", "face", "sound"])[np.arange(N) % 3],
    )
    both, face, sound = (media.sample(three, k) for k in range(3))
    assert (
        both.picture == face.picture
        and both.sound == sound.sound
        and both.spectrogram
        and not face.sound
        and not sound.picture
    )
    wave, rate = soundfile.read(io.BytesIO(sound.sound))
    assert rate == clips.rate and np.abs(wave - clips.waveform[0]()).max() < 1e-4


def test_a_low_tone_stands_low_in_the_spectrogram():
    t = np.arange(16_000) / 16_000
    rows = [
        media.spectrogram(np.sin(2 * np.pi * f * t).astype(np.float32), 16_000).sum((1, 2)).argmax()
        for f in (200, 4000)
    ]
    assert rows[0] > media.BANDS / 2 > rows[1]


# ---------------------------------------------------------------- the widgets, driven without a browser


@pytest.fixture
def app(made):
    pytest.importorskip(
        "jscatter",
        reason="NOT TESTED: jupyter-scatter is not installed (pip install 'emolib[explore]')",
    )
    from emolib.reproduction.explore.views import Explorer

    opened = Explorer(
        {"clouds": made, "again": replace(made, name="again", true=made.true[::-1].copy())}
    )
    sent = []
    opened.panel.send = lambda content, buffers=None: sent.append((content, buffers))
    opened.sent = sent
    yield opened
    opened.background.stop()


def shown(matrix) -> np.ndarray:
    return np.reshape(matrix.shown["counts"], (C, C))


def counted(groups) -> list[tuple[int, int]]:
    """How many of each group are selected, and how many there are."""
    return [(entry["count"], entry["of"]) for entry in groups.shown["entries"]]


def press(widget, **what) -> None:
    """What the browser sends when an entry is clicked."""
    widget._handle_custom_msg(what, [])


def test_a_lasso_on_one_plot_reaches_every_view(app, made):
    app.plots[1].widget.selection = np.array([0, 3, 7], np.uint32)  # what the browser sends
    assert app.plots[0].widget.selection.tolist() == [0, 3, 7] and app.selected.tolist() == [
        0,
        3,
        7,
    ]
    assert np.array_equal(shown(app.matrices[0]), linked.matrix(made, "good", [0, 3, 7]))
    assert np.array_equal(shown(app.matrices[1]), linked.matrix(made, "bad", [0, 3, 7]))
    assert counted(app.groups) == [(2, 20), (1, 20), (0, 20)] and "3 selected" in app.said.value
    app.clear.click()
    assert shown(app.matrices[0]).sum() == N and not len(app.plots[0].widget.selection)


def test_a_click_lights_up_the_samples_of_a_cell(app):
    press(app.matrices[1], row=0, column=1)
    assert app.selected.tolist() == list(range(0, N, 3)) == app.plots[0].widget.selection.tolist()
    press(app.matrices[1], row=0, column=0)
    assert not len(app.selected) and "no angry is called angry by bad" in app.said.value
    press(app.groups, row=1)
    assert app.selected.tolist() == list(range(1, N, 3))


def test_hovering_shows_a_sample_and_a_click_keeps_it(app):
    app.plots[0].widget.hovering = 5
    app.fetched.result(30)
    words, picture = app.sent[-1]
    assert (
        words["words"] == linked.sample(app.bundle, 5)
        and words["picture"] == 0
        and picture[0].startswith(b"\x89PNG")
    )
    app.plots[0].widget.selection = np.array([5], np.uint32)
    app.plots[0].widget.hovering = 9
    assert app.shown == 5, "the way to the play button leads over other points"
    app.select(range(10, 13))
    app.step(1)
    assert app.shown == 11
    app.step(-1)
    app.step(-1)
    assert app.shown == 12
    app.fetched.result(30)


def test_nothing_shown_is_kept_in_the_state_of_a_widget(app):
    import base64

    from ipywidgets.widgets.widget import _instances

    app.look(5)
    app.fetched.result(30)
    raw = app.sent[-1][1][0]
    states = [w.get_state() for w in _instances.values()]
    assert raw.startswith(b"\x89PNG") and any("dark" in s for s in states)
    text = json.dumps(
        states,
        default=lambda v: (
            base64.b64encode(bytes(v)).decode() if isinstance(v, (bytes, memoryview)) else str(v)
        ),
    )
    assert (
        "emolib-cell" in text
        and base64.b64encode(raw).decode()[:120] not in text
        and "iVBORw0KGgo" not in text
    )


def test_places_are_kept_or_each_its_own(app, made):
    assert np.array_equal(app.places[0], app.places[1]) and np.array_equal(
        app.places[0], made.places["good", "t-SNE"]
    )
    app.keep.value = "each its own"
    assert np.array_equal(app.places[1], made.places["bad", "t-SNE"]) and not np.array_equal(
        app.places[0], app.places[1]
    )
    app.method.value = "PCA"
    assert np.allclose(
        app.plots[1].widget.points[:, :2] * 1.05, made.places["bad", "PCA"], atol=1e-3
    )


def test_a_slider_computes_in_the_background_and_is_remembered(app, made):
    app.seed.value = 3
    assert app.background.wait(60)
    assert (
        not np.array_equal(app.places[0], made.places["good", "t-SNE"])
        and app.bar.layout.visibility == "hidden"
    )
    moved = app.places[0]
    app.seed.value = 0
    assert np.array_equal(app.places[0], made.places["good", "t-SNE"])
    app.seed.value = 3
    assert app.places[0] is moved, "the second time it is known"
    app.seed.value = 4
    app.stop.click()
    app.background.wait(60)
    assert app.places[0] is moved and app.bar.layout.visibility == "hidden"


def test_every_colouring_and_theme_paints(app):
    for by in linked.COLOUR_BY:
        app.by.value = by
        assert len(app.plots[0].widget.color) >= 2
    assert len(app.groups.shown["entries"]) == 1  # modality is last: one group
    assert "emolib-dark" not in app.widget._dom_classes
    app.panel.dark = True  # what the page reports
    assert "emolib-dark" in app.widget._dom_classes and app.plots[0].widget.background_color[
        :3
    ] == pytest.approx([20 / 255, 23 / 255, 26 / 255], abs=0.01)


def test_a_group_can_be_told_apart_without_its_colour(app, made):
    app.by.value = "correctness"
    assert counted(app.groups) == [(60, 60), (0, 0)]
    app.left.value = "bad"
    press(app.groups, row=1)
    assert len(app.selected) == N and counted(app.groups) == [(0, 0), (60, 60)]
    app.by.value = "actor"
    press(app.groups, row=0)
    assert app.selected.tolist() == np.flatnonzero(made.actor == "a").tolist()
    glyphs = [entry["glyph"] for entry in app.groups.shown["entries"]]
    assert len(set(glyphs)) == len(glyphs) == 2


def test_a_plot_is_never_told_twice_what_it_may_still_be_drawing(app, monkeypatch):
    """The widget drops points that come while it draws: a change is one message with points."""
    from ipywidgets import Widget

    sent, send = [], Widget.send_state

    def heard(self, key=None):
        keys = {key} if isinstance(key, str) else set(key or ())
        sent.extend([self] if "points" in keys and not self._holding_sync else [])
        return send(self, key)

    app.keep.value = "each its own"
    monkeypatch.setattr(Widget, "send_state", heard)
    for change in (
        lambda: setattr(app.left, "value", "bad"),
        lambda: setattr(app.by, "value", "actor"),
        lambda: setattr(app.method, "value", "PCA"),
    ):
        sent.clear()
        change()
        assert sent and len(sent) == len({id(plot) for plot in sent}), "points went out twice"
    sent.clear()
    app.which.value = "again"
    assert not sent, "a new plot has its points and colours from the start"
    assert (
        np.ptp(app.plots[0].widget.points[:, 0]) > 1 and not app.plots[0].widget.transition_points
    )


def test_a_lasso_is_answered_in_few_messages(app, monkeypatch):
    from ipywidgets import Widget

    sent, send = [], Widget._send
    monkeypatch.setattr(
        Widget,
        "_send",
        lambda self, *a, **k: (sent.append(type(self).__name__), send(self, *a, **k)),
    )
    app.plots[0].widget.selection = np.array([0, 3, 7], np.uint32)
    assert sorted(set(sent) & {"Matrix", "Groups"}) == ["Groups", "Matrix"] and len(sent) < 10, (
        "a message for each view, not for each cell"
    )


def test_a_sample_is_fetched_once_and_again_for_a_new_page(app):
    app.look(5)
    app.fetched.result(30)
    count = len(app.sent)
    app.look(5)
    assert len(app.sent) == count, "nothing to do: it is shown already"
    press(app.panel, kind="ready")
    app.fetched.result(30)
    assert len(app.sent) == count + 2 and app.sent[-1][1]


def test_the_selection_can_be_taken_away(app):
    app.select([1, 2])
    app.csv.click()
    message, (raw,) = app.sent[-1]
    assert (
        message["kind"] == "file"
        and message["name"] == "clouds-selection.csv"
        and len(raw.decode().splitlines()) == 3
    )


def test_another_bundle_replaces_all_views(app):
    app.select([1, 2])
    app.which.value = "again"
    assert app.bundle.name == "again" and not len(app.selected), "other points, no selection"
    assert shown(app.matrices[0]).sum() == N and "nothing is selected" in app.said.value
    app.left.value = "bad"
    assert app.titles[0].value == "<b>bad</b>" and np.array_equal(
        app.places[0], app.bundle.places["bad", "t-SNE"]
    )


def test_without_the_packages_a_line_says_how_to_get_them(made, monkeypatch):
    import sys

    bundles.save(made)
    monkeypatch.setitem(sys.modules, "emolib.reproduction.explore.views", None)
    assert "pip install" in explore.open(profile="smoke").html


# ---------------------------------------------------------------- the page and the notebook


def test_the_page_listens_to_this_machine_only_and_asks_for_a_token(made, tmp_path):
    from emolib.reproduction.explore import page

    said = page.command(page.notebook("smoke"), port=1234, theme="dark", browser=False)
    assert {
        "--token",
        "--Voila.ip=127.0.0.1",
        "--port=1234",
        "--theme=dark",
        "--no-browser",
        "--KernelManager.transport=ipc",
    } <= set(said)
    server = json.loads((page.notebook("smoke").with_name("voila.json")).read_text())
    assert page.HERE_ONLY in str(server), "where the browser may fetch from"
    assert "default-src 'self'" in page.HERE_ONLY and "http" not in page.HERE_ONLY


def test_the_command_refuses_what_it_does_not_know(capsys):
    from emolib.reproduction.cli import main as cli

    assert cli.main(["explore", "--theme", "drak"]) == 2
    assert (
        cli.main(["explore", "--profile", "smoke", "--no-browser"]) == 2
        and "--only 90" in capsys.readouterr().err
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return run_notebook("90", tmp_path_factory.mktemp("explore"))


def test_the_notebook_writes_its_artefacts_and_bundles(folder):
    assert results.problems(folder) == []
    assert {p.stem for p in (folder / "figures").glob("*.svg")} == {"world-x21"}
    assert {p.stem for p in (folder / "explore").glob("*.npz")} == {"acted", "faces", "stills"}
    for path in (folder / "explore").glob("*.json"):
        held = bundles.load(path)
        assert held.source == "simulated" and len(held.models) == 2
    acted = bundles.load(folder / "explore" / "acted.json")
    assert (
        acted.classes == EMOTIONS[:7] + ("calm",)
        and set(acted.modality) == {"both", "face", "sound"}
        and len(set(acted.actor)) == 4
    )


def test_faces_are_seen_by_the_network_itself_and_by_one_that_met_none(monkeypatch, one_thread):
    from emolib.models import trained
    from emolib.reproduction.studies.explored import training

    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (30, 48, 48), dtype=np.uint8)
    split = np.repeat(["Training", "PublicTest", "PrivateTest"], (20, 2, 8))
    faces = SimpleNamespace(images=images, label=np.arange(30) % 5, split=split)
    monkeypatch.setattr(training.datasets, "resolve", lambda ref: faces)
    seen = training.look(data="", weights="", shown=6, taught=20)
    assert seen["rows"].tolist() == list(range(22, 28))
    theirs, first = (seen[f"features {name}"] for name in reversed(training.SEEN))
    assert first.shape == theirs.shape == (6, 1280) and np.abs(first - theirs).max() > 0.1
    with torch.inference_mode():
        asked = trained.load("faces").net(trained.face_fed(images[22:28])).numpy()
    np.testing.assert_allclose(seen[f"scores {training.SEEN[0]}"], asked, atol=1e-4)
    guessed = seen[f"scores {training.SEEN[1]}"]
    assert (guessed.argmax(1) < 5).all(), "a class that was not taught is never named"
