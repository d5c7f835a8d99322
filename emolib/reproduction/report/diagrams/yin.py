"""The diagram of yin2022: the convolutional network in front of the recurrent one."""

from __future__ import annotations

from matplotlib.patches import Polygon

from emolib.reproduction.report.diagrams.sheet import BLUE, ORANGE, Sheet

GREY = "#888888"


def convolutional_network() -> Sheet:
    """Three convolutions, quadrant pooling and 300 features (yin2022, Fig. 3; section 4.1)."""
    s = Sheet(9.0, 3.3)
    y, x = 1.95, 0.65
    maps = (  # name, colour, channels, size, height on the sheet, distance to the next
        ("face, grey", GREY, 1, 96, 1.25, 0.9),
        ("conv 5 x 5", BLUE, 64, 96, 1.25, 0.95),
        ("max pool", ORANGE, 64, 48, 0.95, 0.95),
        ("conv 5 x 5", BLUE, 128, 48, 0.95, 1.02),
        ("max pool", ORANGE, 128, 24, 0.7, 1.02),
        ("conv 5 x 5", BLUE, 256, 24, 0.7, 1.08),
        ("quadrants", ORANGE, 256, 2, 0.38, 0),
    )
    right = None
    for name, colour, channels, size, high, step in maps:
        depth = {1: 0.04, 64: 0.14, 128: 0.24, 256: 0.36}[channels]
        if right is not None:
            s.arrow((right + 0.03, y), (x - 0.2 - 0.05, y))
        _block(s, x, y, high, depth, colour)
        s.text(x + depth / 2, y - high / 2 - 0.42, name, colour=colour)
        s.aside(x + depth / 2, y - high / 2 - 0.6, f"{channels} x {size} x {size}")
        right = x + 0.2 + depth
        x += step
    flat = s.box(7.55, y, "1024", 0.5, 0.45, "data")
    dense = s.box(8.4, y, "linear\n-> 300", 0.66, 0.5)
    s.arrow((right + 0.03, y), flat.left)
    s.chain(flat, dense)
    around = "BatchNorm in front, ReLU after each convolution; "
    s.aside(4.5, 3.05, around + "the 300 features of ten frames go to a GRU of 10 units")
    printed = "the paper prints 258 filters and no layer between 4 x 258 and 300; "
    s.aside(4.5, 0.5, printed + "256 and a linear layer are our reading", style="italic")
    s.aside(4.5, 0.27, "sizes for a crop of 96 x 96 (ours)", style="italic")
    return s


def _block(s: Sheet, x, y, high, depth, colour):
    """Feature maps in oblique projection: front face seen from the side, `depth` for channels."""
    x0, x1, half = x - 0.2, x + 0.2, high / 2
    a, b = (x0, y - half - 0.12), (x1, y - half + 0.12)
    c, d = (x1, y + half + 0.12), (x0, y + half - 0.12)
    behind_b, behind_c, behind_d = ((px + depth, py) for px, py in (b, c, d))
    edge = {"edgecolor": colour, "lw": 0.8, "zorder": 2}
    for points, alpha in (((d, c, behind_c, behind_d), 0.30), ((b, behind_b, behind_c, c), 0.45)):
        s.ax.add_patch(Polygon(points, facecolor=colour, alpha=alpha, **edge))
    for ground, alpha in (("white", None), (colour, 0.25)):
        look = {"facecolor": ground, "alpha": alpha, "edgecolor": colour, "lw": 1.0, "zorder": 3}
        s.ax.add_patch(Polygon((a, b, c, d), **look))
