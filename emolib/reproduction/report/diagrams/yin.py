"""The diagram of yin2022: the convolutional network in front of the recurrent one."""

from __future__ import annotations

from matplotlib.patches import Polygon

from emolib.reproduction.report.diagrams.sheet import BLUE, FAINT, ORANGE, Sheet


def convolutional_network() -> Sheet:
    """Three convolutions, quadrant pooling and 300 features (yin2022, Fig. 3; section 4.1)."""
    s = Sheet(9.0, 3.3)
    y, x = 1.95, 0.65
    maps = [
        ("face, grey", 1, 96, 1.25),
        ("conv 5 x 5", 64, 96, 1.25),
        ("max pool", 64, 48, 0.95),
        ("conv 5 x 5", 128, 48, 0.95),
        ("max pool", 128, 24, 0.7),
        ("conv 5 x 5", 256, 24, 0.7),
        ("quadrants", 256, 2, 0.38),
    ]
    right = None
    for i, (name, channels, size, high) in enumerate(maps):
        depth = {1: 0.04, 64: 0.14, 128: 0.24, 256: 0.36}[channels]
        colour = "#888888" if i == 0 else ORANGE if "pool" in name or name == "quadrants" else BLUE
        if right is not None:
            s.arrow((right + 0.03, y), (x - 0.2 - 0.05, y))
        _block(s, x, y, high, depth, colour)
        s.text(x + depth / 2, y - high / 2 - 0.42, name, colour=colour)
        s.text(x + depth / 2, y - high / 2 - 0.6, f"{channels} x {size} x {size}", colour=FAINT)
        right = x + 0.2 + depth
        x += (0.9, 0.95, 0.95, 1.02, 1.02, 1.08, 0)[i]
    flat = s.box(7.55, y, "1024", 0.5, 0.45, "data")
    dense = s.box(8.4, y, "linear\n-> 300", 0.66, 0.5)
    s.arrow((right + 0.03, y), flat.left)
    s.arrow(flat.right, dense.left)
    s.text(
        4.5,
        3.05,
        "BatchNorm in front, ReLU after each convolution; the 300 features of ten frames go to a GRU of 10 units",
        colour=FAINT,
    )
    s.text(
        4.5,
        0.5,
        "the paper prints 258 filters and no layer between 4 x 258 and 300; 256 and a linear layer are our reading",
        colour=FAINT,
        italic=True,
    )
    s.text(4.5, 0.27, "sizes for a crop of 96 x 96 (ours)", colour=FAINT, italic=True)
    return s


def _block(s: Sheet, x, y, high, depth, colour):
    """A stack of feature maps in oblique projection: front face seen from the side, `depth` for the channels."""
    slant, half = 0.2, high / 2
    front = [
        (x - slant, y - half - 0.12),
        (x + slant, y - half + 0.12),
        (x + slant, y + half + 0.12),
        (x - slant, y + half - 0.12),
    ]
    back = [(a + depth, b) for a, b in front]
    for points, alpha in (
        ([front[3], front[2], back[2], back[3]], 0.30),
        ([front[1], back[1], back[2], front[2]], 0.45),
    ):
        s.ax.add_patch(
            Polygon(points, facecolor=colour, alpha=alpha, edgecolor=colour, lw=0.8, zorder=2)
        )
    s.ax.add_patch(Polygon(front, facecolor="white", edgecolor=colour, lw=1.0, zorder=3))
    s.ax.add_patch(Polygon(front, facecolor=colour, alpha=0.25, edgecolor=colour, lw=1.0, zorder=3))
