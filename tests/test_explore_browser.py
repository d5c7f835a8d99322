"""The explorer in a real browser, as a page and in JupyterLab."""

import csv
import json
import shutil
import socket
import sys
import time
from pathlib import Path

import browser_help as help_
import numpy as np
import pytest

from emolib import data as datasets
from emolib.reproduction import explore
from emolib.reproduction.course import build
from emolib.reproduction.runs.explored import Explored, Model

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        bool(help_.missing()),
        reason=f"NOT TESTED IN A BROWSER: this machine has no {help_.missing()}",
    ),
]
CLIPS = 40  # points of the small bundle: one simulated clip each
MANY = 20_000


def clouds(name: str, data, count: int) -> Explored:
    """Points in four clouds, named at random: something of every kind in every lasso."""
    rng = np.random.default_rng(5)
    true, rows = np.arange(count) % 4, np.arange(count) % min(count, len(data))
    x = rng.normal(size=(count, 3)) + 4 * np.eye(4)[true][:, :3]
    models = tuple(
        Model(m, x + k, rng.integers(0, 4, count)) for k, m in enumerate(("one", "other"))
    )
    return Explored(
        f"{count} points",
        ("angry", "calm", "happy", "sad"),
        true,
        data.subject[rows],
        true,
        np.full(count, "both"),
        np.array([f"{name} {i}" for i in range(count)]),
        models,
        data,
        rows,
        "smoke",
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with two bundles: clips to hear and see, and 20,000 points."""
    place = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        for key, value in help_.places(place).items():
            patch.setenv(key, value)
        clips = datasets.load("ravdess", source="simulated", profile="smoke", actors=2, size=32)
        explore.bundle("clips", clouds("clip", clips, CLIPS))
        from emolib.reproduction.explore import bundles, layout

        patch.setattr(
            layout, "place", lambda x, method, **_: layout._unit(np.asarray(x)[:, :2])
        )  # where the points lie is not what is tested
        bundles.bundle(
            "many",
            clouds(
                "point",
                datasets.load("ferplus", source="simulated", profile="smoke", count=64),
                MANY,
            ),
        )
    return place


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def chromium():
    with help_.browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(home):
    with help_.server(help_.page_command("smoke", free_port()), home, help_.places(home)) as url:
        yield url


@pytest.fixture(scope="module")
def opened(chromium, address):
    opened = chromium.new_page(viewport={"width": 1400, "height": 1500})
    opened.asked = []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("requestfinished", lambda request: opened.asked.append("got " + request.url))
    started = time.monotonic()
    opened.goto(address, timeout=help_.SLOW, wait_until="commit")
    opened.locator("#loading_text").wait_for(timeout=10_000)  # a word while the views are made
    ready(opened)
    print(f"views after {time.monotonic() - started:.1f} s")
    yield opened
    opened.close()


@pytest.fixture
def page(opened):
    """The page, with nothing selected."""
    opened.get_by_role("button", name="clear selection").click()
    opened.wait_for_function(
        "() => document.querySelector('.emolib-said').innerText.includes('nothing is selected')",
        timeout=help_.SLOW,
    )
    return opened


def ready(page) -> None:
    page.locator(".emolib-cell").first.wait_for(timeout=help_.SLOW)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.emolib-explorer canvas')].filter(c => c.clientWidth > 200).length >= 2",
        timeout=help_.SLOW,
    )
    page.wait_for_timeout(1000)


def selected(page) -> int:
    """What the status line says; waits for it."""
    said = page.wait_for_function(
        "() => /([\\d,]+) selected/.exec(document.querySelector('.emolib-said').innerText)?.[1]",
        timeout=help_.SLOW,
    )
    return int(said.json_value().replace(",", ""))


def counted(page) -> list[int]:
    """Sums of the two matrices."""
    cells = [int(v.replace(",", "")) for v in page.locator(".emolib-cell").all_inner_texts()]
    return [sum(cells[: len(cells) // 2]), sum(cells[len(cells) // 2 :])]


def test_the_page_asks_nothing_of_anybody_else_and_wants_its_token(page, address, chromium):
    assert not [u for u in page.asked if u.startswith("got http") and "//127.0.0.1" not in u]
    stranger = chromium.new_page()
    stranger.goto(address.split("?")[0], timeout=help_.SLOW)
    assert stranger.locator(".emolib-cell").count() == 0 and "token" in stranger.content().lower()
    stranger.close()


def test_the_command_leaves_no_server_behind(home, tmp_path):
    port = free_port()
    with help_.server(help_.page_command("smoke", port), tmp_path, help_.places(home)):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def drawn(page) -> None:
    """Both plots show their points, spread over them: waits for it."""
    for _ in range(60):
        seen = [help_.coloured(page, plot) for plot in range(2)]
        if all(count > 200 and share > 0.4 for count, share in seen):
            return
        page.wait_for_timeout(1000)
    raise AssertionError(f"coloured pixels and the width they span, left and right: {seen}")


def choose(page, name: str, words: str) -> None:
    """Show another set, and wait for its headline."""
    page.locator(".emolib-explorer select").first.select_option(name)
    page.wait_for_function(
        "words => document.querySelector('.emolib-explorer').innerText.includes(words)",
        arg=words,
        timeout=help_.SLOW,
    )


def test_every_set_is_drawn_and_begins_with_no_selection(page):
    drawn(page)
    for name, words in (("many", "20,000 points"), ("clips", "40 points")) * 2:
        help_.lasso(page, 0, 0.6)
        assert selected(page) > 1
        choose(page, name, words)
        page.wait_for_function(
            "() => document.querySelector('.emolib-said').innerText.includes('nothing is selected')",
            timeout=help_.SLOW,
        )
        drawn(page)
    assert counted(page) == [CLIPS, CLIPS]


def test_a_closed_lasso_counts_in_both_matrices_and_the_groups(page):
    assert counted(page) == [CLIPS, CLIPS]
    help_.lasso(page, 0, 0.6)
    caught = selected(page)
    page.wait_for_timeout(500)
    assert 1 < caught < CLIPS and counted(page) == [caught, caught]
    bars = page.locator(".emolib-bar").all_inner_texts()
    assert sum(int(b.split(" of ")[0].strip()) for b in bars) == caught


def test_a_click_on_a_cell_lights_up_its_samples_and_a_sound_plays(page):
    cells = page.locator(".emolib-cell")
    at = next(k for k in range(16) if int(cells.nth(k).inner_text()) > 1)
    wanted = int(cells.nth(at).inner_text())
    cells.nth(at).click()
    assert selected(page) == wanted
    page.locator(".emolib-sample audio:not([hidden])").wait_for(timeout=help_.SLOW)
    assert page.locator(".emolib-sample img:not([hidden])").count() == 2
    assert {"true", "one", "other", "actor", "fold"} <= set(
        page.locator(".emolib-sample dt").all_inner_texts()
    )
    first, last = (
        page.evaluate("""async () => {const a = document.querySelector('.emolib-sample audio'); await a.play(); const t = a.currentTime;
        await new Promise(r => setTimeout(r, 700)); return [t, a.currentTime]}""")
    )
    assert last > first


def test_everything_but_the_lasso_can_be_done_by_keyboard(page):
    cells = page.locator(".emolib-cell")
    next(cells.nth(k) for k in range(4, 16) if int(cells.nth(k).inner_text()) > 1).focus()
    page.keyboard.press("Enter")
    assert selected(page) > 1
    name = page.locator(".emolib-sample dd").first
    name.wait_for(timeout=help_.SLOW)
    before = name.inner_text()
    page.get_by_role("button", name="next").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => document.querySelector('.emolib-sample dd').innerText !== before",
        arg=before,
        timeout=help_.SLOW,
    )


def test_a_group_lights_its_points_and_keeps_the_focus(page):
    group = page.locator(".emolib-group").nth(1)
    group.focus()
    page.keyboard.press("Enter")
    assert selected(page) == CLIPS / 4
    assert page.evaluate(
        "() => document.activeElement === document.querySelectorAll('.emolib-group')[1]"
    )
    shapes = {t.split()[0] for t in page.locator(".emolib-group").all_inner_texts()}
    assert len(shapes) == 4, "a shape for each class"


def test_the_selection_is_saved_as_a_file(page, tmp_path):
    help_.lasso(page, 1, 0.6)
    caught = selected(page)
    with page.expect_download(timeout=help_.SLOW) as download:
        page.get_by_role("button", name="selection to CSV").click()
    assert download.value.suggested_filename == "clips-selection.csv"
    download.value.save_as(tmp_path / "clips-selection.csv")
    rows = list(csv.DictReader((tmp_path / "clips-selection.csv").read_text().splitlines()))
    assert len(rows) == caught and set(rows[0]) >= {
        "sample",
        "true",
        "named by one",
        "actor",
        "fold",
    }


def test_a_slider_recomputes_and_both_plots_are_drawn(page):
    handle = page.locator(".emolib-explorer .noUi-handle").nth(1)
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "() => document.querySelector('.emolib-explorer').innerText.includes('computing t-SNE')",
        timeout=help_.SLOW,
    )
    page.wait_for_function(
        "() => !document.querySelector('.emolib-explorer').innerText.includes('computing')",
        timeout=help_.SLOW,
    )
    drawn(page)


def test_twenty_thousand_points_answer_a_lasso(page):
    choose(page, "many", "20,000 points")
    ready(page)
    page.evaluate("""() => { const root = document.querySelector('.emolib-explorer'); window.answered = null;
        document.addEventListener('mouseup', () => { window.let_go = performance.now(); }, true);
        new MutationObserver(() => { if (window.let_go && root.querySelector('.emolib-said').innerText.match(/\\d selected/)) window.answered ??= performance.now() - window.let_go; })
            .observe(root, {subtree: true, childList: true, characterData: true, attributes: true}); }""")
    help_.lasso(page, 0, 0.7)
    assert selected(page) > 1000
    took = page.evaluate("() => window.answered")
    print(
        f"lasso of {selected(page)} among 20,000 points: {took:.0f} ms from letting go to the count"
    )
    assert (
        took < 5000
    )  # busy machines and software GPUs: the 200 ms are benchmarked, see bench_explore.py


def test_in_jupyterlab_a_cell_opens_the_views_and_keeps_no_picture(
    home, chromium, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("lab")
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": "from emolib.reproduction import explore\nexplore.open('clips', profile='smoke')",
    }
    path = folder / "try.ipynb"
    path.write_text(
        json.dumps(
            {
                "cells": [cell],
                "metadata": {
                    "kernelspec": {
                        "name": "python3",
                        "display_name": "Python 3",
                        "language": "python",
                    }
                },
                "nbformat": 4,
                "nbformat_minor": 5,
            }
        )
    )
    with help_.server(help_.lab_command(folder, free_port()), folder, help_.places(home)) as url:
        page = chromium.new_page(viewport={"width": 1500, "height": 1600})
        page.goto(url.replace("/lab", "/lab/tree/try.ipynb"), timeout=help_.SLOW)
        help_.run_first_cell(page)
        ready(page)
        help_.lasso(page, 0, 0.6)
        assert 0 < selected(page) < CLIPS
        page.locator(".emolib-cell").nth(0).click()
        page.locator(".emolib-sample img:not([hidden])").first.wait_for(timeout=help_.SLOW)
        page.locator(".jp-Notebook").first.click(position={"x": 5, "y": 5})
        page.keyboard.press("Control+s")
        page.wait_for_timeout(3000)
        page.close()
    saved = path.read_text()
    assert "widget-view+json" in saved, "the output was not saved: nothing was tested"
    assert "iVBORw0KGgo" not in saved and "UklGR" not in saved  # PNG and WAV in base64


@pytest.mark.parametrize("number", ["01"])
def test_a_student_opens_an_exercise_in_jupyterlab(chromium, tmp_path_factory, number):
    pytest.importorskip(
        "otter", reason="NOT TESTED: otter-grader is not installed (pip install 'emolib[course]')"
    )
    place = tmp_path_factory.mktemp(
        "lab"
    )  # a short name: the path of a kernel's socket may have 107 characters
    source = build.sources()[number]
    made = next(
        p
        for p in build.exercises(place / "course")
        if p.parent.name == "student" and p.stem == source.stem
    )
    with help_.server(
        help_.lab_command(made.parent, free_port()), place, help_.places(place)
    ) as url:
        page = chromium.new_page(viewport={"width": 1400, "height": 3000})
        page.goto(url.replace("/lab", f"/lab/tree/{made.name}"), timeout=help_.SLOW)
        page.get_by_role("heading", name="Exercise 1").first.wait_for(timeout=help_.SLOW)
        cells = page.locator(".jp-Notebook .jp-CodeCell")
        cells.first.locator(".cm-content").click(timeout=help_.SLOW)
        for _ in range(
            8
        ):  # as far as the first check: to otter, two imports, a drawing, the question
            page.keyboard.press("Shift+Enter")
        page.locator(".jp-OutputArea-output", has_text="q1").first.wait_for(timeout=help_.SLOW)
        told = page.locator(".jp-OutputArea-output").all_inner_texts()
        assert page.locator(".jp-OutputArea-output img").count() == 1, (
            "the drawing of the second cell"
        )
        assert any("nothing came back yet" in t for t in told), (
            "the check says that the question is not answered"
        )
        assert not [t for t in told if t.startswith("Traceback") or "ModuleNotFoundError" in t]
        assert page.locator("mjx-container").count() > 0, "formulas are set"
        page.close()


def test_a_machine_without_chromium_skips_loudly(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("EMOLIB_CHROMIUM", raising=False)
    assert "chromium" in help_.missing() and Path(sys.executable).exists()
