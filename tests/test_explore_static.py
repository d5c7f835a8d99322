"""The explorer's pages that open from disk: what stands in them, and in a browser what they count."""

import re
from dataclasses import replace

import browser_help as help_
import numpy as np
import pytest

from emolib import data as datasets
from emolib.ground import settings
from emolib.reproduction import explore
from emolib.reproduction.explore import bundles, static
from emolib.reproduction.runs.explored import Explored, Model

pytest.importorskip("altair", reason="NOT TESTED: pip install 'emolib[explore]'")
pytest.importorskip("vl_convert", reason="NOT TESTED: pip install 'emolib[explore]'")

N, CLASSES = 48, ("angry", "calm", "sad")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three clouds of clips that can be seen and heard; the left model is right but for four."""
    clips = datasets.load("ravdess", source="simulated", profile="smoke", actors=2, size=32)
    rng = np.random.default_rng(3)
    true, rows = np.arange(N) % 3, np.arange(N) % 12
    x = rng.normal(size=(N, 4)) + 9 * np.eye(4)[true]
    left = np.where(np.arange(N) < 4, 2, true)
    held = Explored(
        title="Clouds </script><b>",
        classes=CLASSES,
        true=true,
        actor=clips.subject[rows],
        fold=true,
        modality=np.array(["both", "face", "sound"])[np.arange(N) // 16],
        sample=np.array([f"clip {i}" for i in range(N)]),
        models=(Model("left's", x, left), Model("right", x[:, ::-1], (true + 1) % 3)),
        data=clips,
        rows=rows,
        profile="smoke",
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATA", "CACHE", "OUT"):
            patch.setenv(f"EMOLIB_{name}", str(tmp_path_factory.mktemp(name.lower())))
        bundle = explore.bundle("clouds", held)
        yield bundle, bundles.folder("smoke", "simulated") / "clouds.html"


def test_a_page_lies_beside_its_bundle_and_holds_what_it_needs(made):
    bundle, path = made
    text = path.read_text()
    assert path.with_suffix(".npz").exists() and len(text) < 2e6
    assert text.count("data:image/webp") == 2 * 12, "a face and a spectrogram of each clip, once"
    assert text.count("data:audio/ogg") == 12
    assert not re.search(r"<(script|img|link|iframe|audio)[^>]+(src|href)=.?https?:", text)
    assert "default-src 'none'" in text and "Clouds </script>" not in text


def test_a_page_of_real_data_holds_no_picture_and_lies_in_the_cache(made):
    real = replace(made[0], name="secret", source="real")
    path = static.write(real)
    assert path.is_relative_to(settings.cache())
    text = path.read_text()
    assert "data:image" not in text and "data:audio" not in text
    assert "Pictures of real people" in text and text.count("clip 7,") == 1


def test_many_points_are_thinned_and_keep_one_perplexity(made, monkeypatch):
    assert static.perplexities(made[0]) == [10, 30, 100]
    monkeypatch.setattr(static, "DRAWN", 20)
    rows = static.drawn(made[0])
    assert len(rows) == len(set(rows)) == 20 and static.perplexities(made[0]) == [30]
    frame = static.points(made[0], rows)
    assert len(frame) == 20 and "x0_10" not in frame
    places = made[0].places["left's", "t-SNE"][rows]
    assert np.allclose(frame[["x0_30", "y0_30"]], places, atol=1e-3)


def test_without_the_packages_there_is_no_page(made, monkeypatch):
    monkeypatch.setattr(static, "find_spec", lambda name: None)
    assert static.write(made[0]) is None


def test_the_report_finds_the_page_of_an_artefact(made, monkeypatch):
    from emolib.reproduction.report import page as site

    folder = made[1].parent.parent
    monkeypatch.setenv("EMOLIB_OUT", str(folder))
    assert site.explored(folder)[""] == ["clouds"]
    bundles.save(replace(made[0], about=made[0].about | {"artefacts": ["wang-t3"]}))
    assert site.explored(folder)["wang-t3"] == ["clouds"]


# ---------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def page(made):
    if not help_.chromium():
        pytest.skip("NOT TESTED IN A BROWSER: this machine has no chromium")
    pytest.importorskip("playwright", reason="NOT TESTED IN A BROWSER: playwright is missing")
    with help_.browser() as chromium:
        opened = chromium.new_page(viewport={"width": 1300, "height": 1100})
        opened.asked, opened.errors = [], []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.goto(made[1].as_uri(), timeout=help_.SLOW)
        opened.locator("#views .mark-symbol.role-mark path").first.wait_for(timeout=help_.SLOW)
        yield opened


@pytest.fixture
def fresh(page):
    """The page with all points counted."""
    page.reload(timeout=help_.SLOW)
    said(page, f"{N} points")
    return page


def said(page, words: str) -> list[str]:
    """The lines above the two matrices, once one of them says `words`."""
    line = page.locator("#views text", has_text=re.compile(r"\d+ points?, \d+ right"))
    line.filter(has_text=words).first.wait_for(timeout=help_.SLOW)
    return line.all_text_contents()


def spots(page) -> list:
    """The points of the left plot."""
    every = page.locator("#views .mark-symbol.role-mark path")
    return [every.nth(k) for k in range(N)]


def middle(spot) -> tuple[float, float]:
    box = spot.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def cell(page, true: str, named: str):
    """A box of the left matrix."""
    label = f'path[aria-label*="class: {true}; named0: {named};"]'
    return page.locator(f"#views .mark-rect.role-mark {label}").first


@pytest.mark.browser
def test_the_page_asks_for_nothing_and_counts_everything(fresh):
    assert {url.split(":")[0] for url in fresh.asked} <= {"file", "data", "blob"}
    assert not fresh.errors
    assert said(fresh, "points") == [f"{N} points, 45 right (94%)", f"{N} points, 0 right (0%)"]


@pytest.mark.browser
def test_a_frame_is_counted_in_both_matrices(fresh):
    at = np.array([middle(spot) for spot in spots(fresh)])  # (N, 2)
    box = np.array([at[::3].min(0) - 6, at[::3].max(0) + 6])  # around the angry cloud
    inside = int(((at > box[0]) & (at < box[1])).all(1).sum())
    assert 0 < inside < N
    fresh.mouse.move(*box[0])
    fresh.mouse.down()
    fresh.mouse.move(*box.mean(0), steps=4)
    fresh.mouse.move(*box[1], steps=4)
    fresh.mouse.up()
    lines = said(fresh, f"{inside} points")
    assert [line.split(",")[0] for line in lines] == [f"{inside} points"] * 2
    faint = [float(spot.get_attribute("opacity")) < 0.5 for spot in spots(fresh)]
    assert sum(faint) == N - inside


@pytest.mark.browser
def test_a_click_on_a_cell_lights_its_samples(fresh):
    cell(fresh, "calm", "sad").click(force=True)
    said(fresh, "1 points, 0 right")
    lit = [float(spot.get_attribute("opacity")) > 0.5 for spot in spots(fresh)]
    assert np.flatnonzero(lit).tolist() == [1]


@pytest.mark.browser
def test_an_address_with_a_cell_opens_with_its_samples_lit(made, page):
    other = page.context.browser.new_page()
    try:
        other.goto(made[1].as_uri() + "#true=calm&named=sad", timeout=help_.SLOW)
        said(other, "1 points, 0 right")
        lit = [float(spot.get_attribute("opacity")) > 0.5 for spot in spots(other)]
        assert np.flatnonzero(lit).tolist() == [1]
    finally:
        other.close()


@pytest.mark.browser
def test_a_sample_is_seen_and_heard(fresh):
    pictures = fresh.locator("#views image")
    fresh.mouse.move(*middle(spots(fresh)[5]))
    fresh.locator("#views text", has_text="clip 5").first.wait_for(timeout=help_.SLOW)
    assert pictures.count() == 2, "a face and its spectrogram"
    assert pictures.first.get_attribute("href").startswith("data:image/webp")
    fresh.mouse.click(*middle(spots(fresh)[5]))
    fresh.wait_for_function(
        "() => document.querySelector('#sound').currentTime > 0.05", timeout=help_.SLOW
    )
    assert fresh.locator("#heard").inner_text() == "clip 5"


@pytest.mark.browser
def test_another_perplexity_moves_the_points(fresh):
    before = np.array([middle(spot) for spot in spots(fresh)])
    fresh.locator("#menus select").first.select_option("10")
    fresh.wait_for_timeout(1500)
    after = np.array([middle(spot) for spot in spots(fresh)])
    assert np.abs(after - before).max() > 20 and np.ptp(after, 0).min() > 50
    fresh.locator("#menus select").nth(2).select_option("right or wrong")
    fresh.locator("#views .role-legend text", has_text="wrong").first.wait_for(timeout=help_.SLOW)


@pytest.mark.browser
def test_a_telephone_scrolls_the_views_and_not_the_page(fresh):
    fresh.set_viewport_size({"width": 420, "height": 800})
    assert fresh.evaluate("document.documentElement.scrollWidth") <= 420
    fresh.set_viewport_size({"width": 1300, "height": 1100})
