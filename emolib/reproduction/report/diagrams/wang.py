"""Diagrams of wang: the shallow network that is pruned, and the two-branch CNN."""

from __future__ import annotations

from itertools import pairwise, product

from matplotlib.patches import Rectangle

from emolib.reproduction.report.diagrams.sheet import KINDS, ORANGE, SMALL, Box, Sheet

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def shallow_network() -> Sheet:
    """5 inputs, 6 to 16 hidden units, 7 outputs, and what pruning takes (wang, Fig. 4; 3.1)."""
    s = Sheet(6.6, 3.7)
    columns = [
        (1.5, "data", [0.75 + 0.5 * i for i in range(5)]),
        (3.3, "layer", [0.55 + 0.42 * i for i in range(7)]),
        (5.1, "data", [0.5 + 0.44 * i for i in range(7)]),
    ]
    pruned = (3.3, columns[1][2][3])
    for (x0, _, left), (x1, _, right) in pairwise(columns):
        for a, b in product(left, right):
            look = {"color": "#b8b8b8", "ls": "-"}
            if pruned in ((x0, a), (x1, b)):
                look = {"color": ORANGE, "ls": (0, (2, 2))}
            s.ax.plot([x0, x1], [a, b], lw=0.6, zorder=1, **look)
    for x, kind, ys in columns:
        for y in ys:
            gone = (x, y) == pruned
            s.dot(x, y, "x" if gone else "", 0.13, "frozen" if gone else kind)
    for y, emotion in zip(reversed(columns[2][2]), EMOTIONS):
        s.text(5.3, y, emotion, ha="left")
    s.text(1.25, 1.75, "5 components\nof LPQ or PHOG", ha="right")
    s.text(1.5, 3.42, "input", weight="bold")
    s.text(3.3, 3.42, "6 to 16 sigmoids", weight="bold")
    s.text(5.1, 3.42, "7 scores", weight="bold")
    s.text(3.3, 0.2, "a unit too close to another is taken out", colour=ORANGE)
    return s


def two_branches() -> Sheet:
    """A convolutional branch for each kind of features, joined (wang, Fig. 5; section 3.2)."""
    s = Sheet(8.4, 3.2)
    ends = []
    for y, name in ((2.35, "5 components\nof LPQ"), (1.15, "5 components\nof PHOG")):
        before = s.box(0.75, y, name, 1.1, 0.5, "data")
        for i, channels in enumerate((16, 32, 64, 64, 64)):
            conv = s.box(1.85 + 0.92 * i, y, f"conv 3\n{channels}", 0.56, 0.5, size=SMALL)
            s.chain(before, conv)
            pooling = Rectangle((conv.x + 0.28, y - 0.25), 0.16, 0.5, **KINDS["step"], zorder=3)
            s.ax.add_patch(pooling)
            before = Box(conv.x + 0.08, y, conv.w + 0.16, conv.h)
            s.aside(1.87 + 0.92 * i, y + 0.37, f"{5 - i} -> {max(4 - i, 1)}")
        ends.append(before)
    first = s.box(6.75, 1.75, "linear\n-> 14", 0.75, 0.6)
    second = s.box(7.75, 1.75, "linear\n-> 7", 0.75, 0.6)
    for end in ends:
        s.elbow(end.right, first.left, 6.2)
    s.chain(first, second)
    s.text(7.75, 1.28, "seven emotions")
    bars = "narrow bars: ReLU and max pooling of 2, stride 1; "
    s.aside(3.7, 0.55, bars + "the fifth would leave nothing and is the identity")
    numbers = "numbers: values left of the five; channels are our choice"
    s.aside(3.7, 0.3, numbers, style="italic")
    s.aside(3.7, 2.98, "values before and after pooling")
    return s
