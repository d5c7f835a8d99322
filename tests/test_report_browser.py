"""The report in a real browser, from disk: what a reader sees in the first minute, on a phone, in print."""

import os

import browser_help as help_
import pytest

from emolib.ground import settings
from emolib.reproduction import papers
from emolib.reproduction.report import page as report_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        bool(help_.missing()),
        reason=f"NOT TESTED IN A BROWSER: this machine has no {help_.missing()}",
    ),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages of the committed results, beside their files."""
    place, committed = tmp_path_factory.mktemp("site"), settings.project() / "results" / "quick"
    for name, html in report_page.render(committed, "quick").items():
        (place / name).write_text(html)
    for folder in ("tables", "figures"):
        os.symlink(committed / folder, place / folder)
    return place


@pytest.fixture(scope="module")
def chromium():
    with help_.browser() as opened:
        yield opened


@pytest.fixture
def page(chromium):
    opened = chromium.new_page(viewport={"width": 1280, "height": 900})
    opened.asked, opened.odd = [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("requestfailed", lambda request: opened.odd.append(request.url))
    opened.on("pageerror", lambda error: opened.odd.append(str(error)))
    yield opened
    assert all(url.startswith("file://") for url in opened.asked), "no request outside"
    assert not opened.odd
    opened.close()


def test_the_first_page_answers_ten_questions(site, page):
    page.goto(f"{site.as_uri()}/index.html")
    cards = page.locator(".card")
    assert cards.count() == 10
    for k, question in enumerate(papers.questions().question):
        card = cards.nth(k).inner_text()
        assert question in card and "what would overturn it" in card
        assert cards.nth(k).locator(".badge").count() == 1
    assert page.locator(".answer").first.bounding_box()["y"] < 500, "an answer without scrolling"


def test_one_click_from_a_question_to_its_claim_and_its_work(site, page):
    page.goto(f"{site.as_uri()}/index.html")
    page.locator(".card").first.get_by_role("link", name="wang-f2").click()
    page.locator("#claim-wang-f2[open]").wait_for(timeout=help_.SLOW)  # the claim is open
    claim = page.locator("#claim-wang-f2")
    assert claim.locator("td.read").count() > 0, "with the printed cells that it reads"
    page.goto(f"{site.as_uri()}/index.html")
    page.get_by_role("link", name="not replicated").first.click()
    shown = page.locator("#board > .claim:visible")
    shown.nth(len(papers.claims()) - 1).wait_for(state="detached", timeout=help_.SLOW)
    assert 0 < shown.count() < len(papers.claims())
    assert {shown.nth(k).get_attribute("data-measured") for k in range(shown.count())} == {
        "not replicated"
    }


def test_a_table_stands_in_the_papers_grid_and_its_protocol_is_a_switch(site, page):
    page.goto(f"{site.as_uri()}/wang.html#wang-t3")
    section = page.locator("#wang-t3")
    heads = section.locator(".protocol:visible thead th").all_inner_texts()
    assert "CNN fusion model (Ours)" in heads, "methods across"
    sides = section.locator(".protocol:visible tbody th").all_inner_texts()
    assert sides[0] == "Angry" and "Average Accuracy" in sides, "emotions down"
    cell = section.locator(".protocol:visible td").first
    print_above, ours = cell.inner_text().split("\n")[:2]
    assert float(print_above) and "[" in ours
    first = section.locator(".protocol:visible").inner_text()
    section.locator("select").select_option("1")
    assert section.locator(".protocol:visible").count() == 1
    assert section.locator(".protocol:visible").inner_text() != first


def test_a_filter_leaves_what_was_asked_for(site, page):
    page.goto(f"{site.as_uri()}/wang.html")
    page.locator("[data-filter=kind]").select_option("table")
    kinds = page.locator(".artefact:visible").evaluate_all("all => all.map(a => a.dataset.kind)")
    assert set(kinds) == {"table"} and len(kinds) > 3


@pytest.mark.parametrize("name", ["index", "claims", *papers.PAPERS])
def test_a_phone_scrolls_one_way_only(site, page, name):
    page.set_viewport_size({"width": 420, "height": 800})
    page.goto(f"{site.as_uri()}/{name}.html")
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 420, f"{name}.html is {wide} pixels wide"


def test_print_has_the_tables_and_all_their_protocols(site, page):
    page.goto(f"{site.as_uri()}/wang.html")
    page.emulate_media(media="print")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    hidden = page.locator(".protocol").evaluate_all(
        "all => all.filter(p => !p.getBoundingClientRect().height).length"
    )
    assert hidden == 0 and page.locator(".protocol").count() > 10
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
