"""The 68 points of a face: our own drawing from curves, numbered as dlib does (chang2021, 4.1)."""

from __future__ import annotations

import numpy as np

from emolib.reproduction.report.diagrams.sheet import BLUE, GREEN, INK, ORANGE, PURPLE, SMALL, Sheet

# group -> (first index, how many, colour, closed outline)
GROUPS = {
    "jaw": (0, 17, INK, False),
    "brow, left in the picture": (17, 5, BLUE, False),
    "brow, right in the picture": (22, 5, BLUE, False),
    "bridge of the nose": (27, 4, GREEN, False),
    "base of the nose": (31, 5, GREEN, False),
    "eye, left in the picture": (36, 6, ORANGE, True),
    "eye, right in the picture": (42, 6, ORANGE, True),
    "outer lips": (48, 12, PURPLE, True),
    "inner lips": (60, 8, "#8a4a78", True),
}


def points() -> np.ndarray:
    """(68, 2) points of a schematic face made of arcs: x to the right, y up, width about 2."""
    p = np.zeros((68, 2))
    angle = np.pi + np.linspace(0, np.pi, 17)
    p[0:17] = np.c_[np.cos(angle), 1.28 * np.sin(angle) + 0.12 * np.cos(2 * angle) - 0.12]
    t = np.linspace(-1, 1, 5)
    p[17:22] = np.c_[-0.48 + 0.30 * t, 0.50 + 0.13 * (1 - t**2) + 0.03 * t]
    p[22:27] = np.c_[0.48 + 0.30 * t, 0.50 + 0.13 * (1 - t**2) - 0.03 * t]
    p[27:31] = np.c_[np.zeros(4), np.linspace(0.30, -0.20, 4)]
    p[31:36] = np.c_[np.linspace(-0.20, 0.20, 5), -0.34 - 0.06 * np.cos(t * np.pi / 2)]
    corner = np.radians([180, 122, 58, 0, -58, -122])
    for first, x in ((36, -0.46), (42, 0.46)):
        p[first : first + 6] = np.c_[x + 0.20 * np.cos(corner), 0.24 + 0.105 * np.sin(corner)]
    outer = np.radians([180, 146, 113, 90, 67, 34, 0, -34, -67, -90, -113, -146])
    height = np.where(np.sin(outer) > 0, 0.22, 0.27)
    p[48:60] = np.c_[0.44 * np.cos(outer), -0.80 + height * np.sin(outer)]
    p[51, 1] -= 0.03  # the dip of the upper lip
    inner = np.radians([180, 125, 90, 55, 0, -55, -90, -125])
    p[60:68] = np.c_[0.33 * np.cos(inner), -0.80 + 0.125 * np.sin(inner)]
    return p


def sixty_eight_points() -> Sheet:
    """The points with their numbers, by group (chang2021, Fig. 4.1; section 4.1)."""
    s = Sheet(8.4, 5.9)
    centre = np.array([2.95, 4.0])
    place = centre + 2.4 * points()
    written = place + _label_shifts(place, centre)
    for first, count, colour, closed in GROUPS.values():
        own = place[first : first + count]
        outline = np.vstack([own, own[:1]]) if closed else own
        s.ax.plot(*outline.T, color=colour, lw=1.0, alpha=0.6, zorder=2)
        s.ax.plot(*own.T, ls="", marker="o", ms=4, color=colour, zorder=3)
        for i in range(first, first + count):
            s.text(*written[i], str(i), size=SMALL, colour=colour)
    y = 5.5
    for name, (first, count, colour, _) in GROUPS.items():
        s.ax.plot([5.95], [y], "o", ms=5, color=colour)
        s.text(6.1, y, f"{first} - {first + count - 1}", ha="left", weight="bold", colour=colour)
        s.text(6.68, y, name, ha="left")
        y -= 0.3
    sides = "Left and right are those of the\npicture: 36 to 41 is the right eye\nof the person. "
    sides += "The listing of\nsection 4.1 calls it left."
    s.aside(5.9, 2.55, sides, ha="left", va="top")
    partners = (
        "35 of the 68 points have a\npartner among the vertices of\nCandide-3; the jaw has none."
    )
    s.aside(5.9, 1.55, partners, ha="left", va="top")
    return s


def _label_shifts(place: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """From each point to its number: away from the middle of its group, inner lips towards it."""
    shift = np.zeros((68, 2))
    for first, count, _, closed in GROUPS.values():
        own = slice(first, first + count)
        if closed:
            away = place[own] - place[own].mean(0)
        elif first == 0:
            away = place[own] - centre
        else:
            away = np.tile((0.0, 1.0), (count, 1))
        shift[own] = 0.145 * away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    shift[27:31] = (0.17, 0.0)
    shift[31:36] = (0.0, -0.14)
    shift[60], shift[64] = (0.15, 0.0), (-0.15, 0.0)
    shift[61:64], shift[65:68] = (0.0, -0.13), (0.0, 0.13)
    return shift
