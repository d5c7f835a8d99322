"""Our diagrams: every one is drawn, legible and complete, and no word lies where it cannot be read."""

import pytest

from emolib.ground.errors import EmolibError
from emolib.reproduction import papers
from emolib.reproduction.report import diagrams
from emolib.reproduction.report.diagrams.sheet import SMALL, Sheet


def _crosses(line, frame) -> bool:
    """Does a straight line enter the rectangle (x0, y0, x1, y1)? Liang and Barsky's clipping."""
    (xa, ya), (xb, yb) = line
    x0, y0, x1, y1 = frame
    enter, leave = 0.0, 1.0
    for step, low, high in ((xb - xa, x0 - xa, x1 - xa), (yb - ya, y0 - ya, y1 - ya)):
        if abs(step) < 1e-12:
            if low > 0 or high < 0:
                return False
            continue
        first, last = sorted((low / step, high / step))
        enter, leave = max(enter, first), min(leave, last)
    return enter < leave


def crowded(sheet: Sheet, slack: float = 0.01, margin: float = 0.03) -> list[str]:
    """What a reader would stumble over, in words.

    Text that leaves its box or the sheet, or lies on other text, on a box or on a line; boxes that
    overlap or leave the sheet.
    """
    renderer, inches = sheet.fig.canvas.get_renderer(), 1 / sheet.fig.dpi

    def extent(written):
        return tuple(v * inches for v in written.get_window_extent(renderer).extents)

    def overlap(a, b):
        across, up = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
        return across > slack and up > slack

    def outside(a):
        return a[0] < 0 or a[1] < 0 or a[2] > sheet.width or a[3] > sheet.height

    faults = []
    boxes = [(written.get_text(), box.extent, extent(written)) for box, written in sheet.boxes]
    for i, (text, frame, inner) in enumerate(boxes):
        out = (frame[0] - inner[0], frame[1] - inner[1], inner[2] - frame[2], inner[3] - frame[3])
        over = max(out) + margin
        if over > 0:
            faults.append(f"'{text}' needs {over:.2f} in more room in its box")
        if outside(frame):
            faults.append(f"the box '{text}' leaves the sheet")
        before = [other for other, place, _ in boxes[:i] if overlap(frame, place)]
        faults += [f"boxes '{text}' and '{other}' overlap" for other in before]
    free = [(written.get_text(), extent(written)) for written in sheet.words]
    for i, (text, place) in enumerate(free):
        x0, y0, x1, y1 = place
        core = (x0 + slack, y0 + 0.03, x1 - slack, y1 - 0.03)
        if outside(place):
            faults.append(f"'{text}' leaves the sheet")
        if any(_crosses(line, core) for line in sheet.lines):
            faults.append(f"'{text}' lies on a line")
        faults += [f"'{text}' lies on '{t}'" for t, other in free[:i] if overlap(place, other)]
        on = [other for other, frame, _ in boxes if overlap(place, frame)]
        faults += [f"'{text}' lies on the box '{other}'" for other in on]
    return faults


def test_each_own_diagram_has_its_code():
    table = papers.artefacts()
    own = table[(table.status == "own diagram") & (table.same_as == "")]
    assert set(diagrams.DIAGRAMS) == set(own.id)


@pytest.mark.parametrize("id", diagrams.DIAGRAMS)
def test_a_diagram_can_be_read(id):
    sheet = diagrams.sheet_of(id)
    assert crowded(sheet) == []
    texts = sheet.fig.findobj(match=lambda artist: hasattr(artist, "get_fontsize"))
    assert min(text.get_fontsize() for text in texts) >= SMALL
    assert sheet.width <= 9 and sheet.fig.get_facecolor() == (1, 1, 1, 1)  # a page; white ground
    frame = sheet.frame
    assert len(frame) >= 4
    assert frame.x.between(0, sheet.width).all() and frame.y.between(0, sheet.height).all()


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
