"""Our diagrams: every one is drawn, legible and complete, and no word lies where it cannot be read."""

import pytest

from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import diagrams
from emolib.reproduction.report.diagrams.sheet import SMALL, Sheet, crowded


def test_each_own_diagram_has_its_code():
    table = papers.artefacts()
    own = table[(table.status == "own diagram") & (table.same_as == "")]
    assert set(diagrams.DIAGRAMS) == set(own.id)


@pytest.mark.parametrize("id", diagrams.DIAGRAMS)
def test_a_diagram_can_be_read(id):
    sheet = diagrams.sheet_of(id)
    assert crowded(sheet) == []
    assert (
        min(
            text.get_fontsize()
            for text in sheet.fig.findobj(match=lambda a: hasattr(a, "get_fontsize"))
        )
        >= SMALL
    )
    assert sheet.width <= 9 and sheet.fig.get_facecolor() == (
        1,
        1,
        1,
        1,
    )  # fits a page; white ground on a dark one
    frame = sheet.frame
    assert (
        len(frame) >= 4
        and frame.x.between(0, sheet.width).all()
        and frame.y.between(0, sheet.height).all()
    )


@pytest.mark.parametrize(
    "id, words",
    [
        ("orgil2021-f3", ["2188 -> 1024", "1060 -> 512", "640 -> 256"]),
        ("orgil2022-f3_5", ["N + K + 1", "alpha = N / (N + K)"]),
        ("yin2022-f3", ["256 x 24 x 24", "linear -> 300"]),
        ("wang-f5", ["1 -> 1", "linear -> 14"]),
        ("chang2021-f5_4", ["fusion component", "dense, sigmoid, FeatureNorm"]),
    ],
)
def test_a_diagram_says_what_it_is_about(id, words):
    text = " | ".join(diagrams.sheet_of(id).frame.text)
    for word in words:
        assert word in text


def test_the_68_points_are_numbered_once():
    frame = diagrams.sheet_of("chang2021-f4_1").frame
    numbers = [int(t) for t in frame.text if t.isdigit()]
    assert sorted(numbers) == list(range(68))


def test_three_designs_differ_where_they_should():
    text = list(diagrams.sheet_of("chang2021-f5_4").frame.text)
    assert text.count("FeatureNorm") == 6  # one for each modality of each design
    assert text.count("dense") == 4 and text.count("dense, sigmoid, FeatureNorm") == 2
    assert text.count(r"$\mathcal{L}_{va}$") == 3 and text.count(r"$\mathcal{L}_v$") == 2


def test_crowding_is_noticed():
    sheet = Sheet(4, 2)
    sheet.box(1, 1, "far too many words for so small a box", 0.8, 0.4)
    sheet.box(1.3, 1, "b", 0.8, 0.4)
    sheet.text(3, 1, "one text")
    sheet.text(3.1, 1.02, "on another")
    sheet.text(3.95, 0.5, "outside")
    sheet.text(3, 0.4, "on a line")
    sheet.arrow((2, 0.2), (3.5, 0.55))
    faults = " | ".join(crowded(sheet))
    for fault in (
        "more room in its box",
        "overlap",
        "'on another' lies on 'one text'",
        "'outside' leaves the sheet",
        "'on a line' lies on a line",
    ):
        assert fault in faults


def test_an_unknown_diagram_is_answered_with_the_nearest():
    with pytest.raises(EmolibError, match="orgil2021-f3"):
        diagrams.sheet_of("orgil2021-f33")
