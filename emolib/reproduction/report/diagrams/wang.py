"""Diagrams of wang: the shallow network that is pruned, and the two-branch CNN."""

from __future__ import annotations

from matplotlib.patches import Rectangle

from emolib.reproduction.report.diagrams.sheet import FAINT, KINDS, ORANGE, SMALL, Box, Sheet

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def shallow_network() -> Sheet:
    """5 inputs, 6 to 16 hidden units, 7 outputs, and what pruning takes away (wang, Fig. 4; section 3.1)."""
    s = Sheet(6.6, 3.7)
    columns = [
        (1.5, [0.75 + 0.5 * i for i in range(5)]),
        (3.3, [0.55 + 0.42 * i for i in range(7)]),
        (5.1, [0.5 + 0.44 * i for i in range(7)]),
    ]
    gone = 3
    for (x0, left), (x1, right) in zip(columns[:-1], columns[1:], strict=True):
        for i, a in enumerate(left):
            for j, b in enumerate(right):
                cut = (x1 == 3.3 and j == gone) or (x0 == 3.3 and i == gone)
                s.ax.plot(
                    [x0, x1],
                    [a, b],
                    color=ORANGE if cut else "#b8b8b8",
                    lw=0.6,
                    ls=(0, (2, 2)) if cut else "-",
                    zorder=1,
                )
    for k, (x, ys) in enumerate(columns):
        for i, y in enumerate(ys):
            pruned = k == 1 and i == gone
            s.dot(
                x,
                y,
                "" if not pruned else "x",
                0.13,
                "frozen" if pruned else ("data", "layer", "data")[k],
            )
    for y, emotion in zip(reversed(columns[2][1]), EMOTIONS, strict=True):
        s.text(5.3, y, emotion, ha="left")
    s.text(1.25, 1.75, "5 components\nof LPQ or PHOG", ha="right")
    s.text(1.5, 3.42, "input", weight="bold")
    s.text(3.3, 3.42, "6 to 16 sigmoids", weight="bold")
    s.text(5.1, 3.42, "7 scores", weight="bold")
    s.text(3.3, 0.2, "a unit too close to another is taken out", colour=ORANGE)
    return s


def two_branches() -> Sheet:
    """A convolutional branch for each kind of features, joined by two linear layers (wang, Fig. 5; section 3.2)."""
    s = Sheet(8.4, 3.2)
    ends = []
    for y, name in ((2.35, "5 components\nof LPQ"), (1.15, "5 components\nof PHOG")):
        before = s.box(0.75, y, name, 1.1, 0.5, "data")
        for i, channels in enumerate((16, 32, 64, 64, 64)):
            conv = s.box(1.85 + 0.92 * i, y, f"conv 3\n{channels}", 0.56, 0.5, size=SMALL)
            s.arrow(before.right, conv.left)
            s.ax.add_patch(
                Rectangle((conv.x + 0.28, y - 0.25), 0.16, 0.5, **KINDS["step"], zorder=3)
            )
            before = Box(conv.x + 0.08, y, conv.w + 0.16, conv.h)
            s.text(1.87 + 0.92 * i, y + 0.37, f"{5 - i} -> {max(4 - i, 1)}", colour=FAINT)
        ends.append(before)
    first = s.box(6.75, 1.75, "linear\n-> 14", 0.75, 0.6)
    second = s.box(7.75, 1.75, "linear\n-> 7", 0.75, 0.6)
    for end in ends:
        s.elbow(end.right, first.left, 6.2)
    s.arrow(first.right, second.left)
    s.text(7.75, 1.28, "seven emotions")
    s.text(
        3.7,
        0.55,
        "narrow bars: ReLU and max pooling of 2, stride 1; the fifth would leave nothing and is the identity",
        colour=FAINT,
    )
    s.text(
        3.7,
        0.3,
        "numbers: values left of the five; channels are our choice",
        colour=FAINT,
        italic=True,
    )
    s.text(3.7, 2.98, "values before and after pooling", colour=FAINT)
    return s
