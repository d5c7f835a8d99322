"""Reader of Candide-3's wire-frame file (.wfm), written from the file's own comments.

A line that starts with `#` names what follows: a list (`# VERTEX LIST:`) or, inside the two lists
of units, one unit (`# Jaw drop`). A list begins with its length; a unit with the number of
vertices it moves, and then one `vertex dx dy dz` a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolib.ground.errors import Damaged, guard

VERTICES = 113
LISTS = ("VERTEX LIST", "FACE LIST", "ANIMATION UNITS LIST", "SHAPE UNITS LIST")
END = "END OF FILE"


@dataclass(frozen=True)
class Wireframe:
    """What a .wfm holds.

    vertices (113, 3), x to the subject's left, y up, z to the viewer; faces (F, 3), and every unit
    by its name, (113, 3) displacements at intensity 1
    """

    vertices: np.ndarray
    faces: np.ndarray
    animation: dict[str, np.ndarray]
    shape: dict[str, np.ndarray]


def read(path: Path | str) -> Wireframe:
    """All vertices, faces and units of the file; textures and parameters are left unread.

    Raises Damaged with the line number for anything that is not as the file's headings promise.
    """
    lines = _Lines(path)
    titles = lines.sections()
    for title, heading in [*((name, f"its '# {name}:'") for name in LISTS), (END, f"'# {END}'")]:
        if title not in titles:
            lines.at = len(lines.text)
            lines.fail(f"the file ends without {heading}; it is cut short, get it anew")
    lines.at = titles["VERTEX LIST"]
    count = lines.count("vertices")
    if count != VERTICES:
        lines.fail(f"{count} vertices, expected the {VERTICES} of Candide-3")
    vertices = np.array([lines.numbers(3, "a vertex x y z") for _ in range(count)])
    lines.at = titles["FACE LIST"]
    faces = np.array([lines.triangle() for _ in range(lines.count("faces"))])
    lines.at = titles["ANIMATION UNITS LIST"]
    animation = lines.units()
    lines.at = titles["SHAPE UNITS LIST"]
    return Wireframe(vertices, faces, animation, lines.units())


class _Lines:
    """The file's lines and the place one is at; every complaint carries the line number."""

    def __init__(self, path):
        self.path, self.at = guard(path), 0
        try:
            self.text = self.path.read_text(encoding="ascii").splitlines()
        except UnicodeDecodeError as error:
            why = f"byte {error.start} is not text, expected a .wfm wire frame; get it anew"
            raise Damaged(path, why) from None

    def fail(self, why: str):
        raise Damaged(self.path, f"line {self.at}: {why}")

    def sections(self) -> dict[str, int]:
        """Title of each comment in capitals and the line it stands in."""
        titles = {}
        for number, line in enumerate(self.text, 1):
            title = line.lstrip("# ").rstrip(": ")
            if line.startswith("#") and title.isupper():
                titles[title] = number
        return titles

    def next(self, what: str) -> str:
        while self.at < len(self.text):
            self.at += 1
            line = self.text[self.at - 1].strip()
            if line:
                return line
        self.fail(f"the file ends where {what} was expected; it is cut short, get it anew")

    def numbers(self, many: int, what: str) -> list[float]:
        from emolib.data.files import LARGEST  # here: emolib.data brings pandas along

        line = self.next(what)
        try:
            values = [float(v) for v in line.split()]
        except ValueError:
            self.fail(f"'{line[:40]}', expected {what}")
        if len(values) != many or not (np.abs(values) < LARGEST).all():
            self.fail(f"'{line[:40]}', expected {what}: {many} finite numbers")
        return values

    def count(self, what: str) -> int:
        (value,) = self.numbers(1, f"the number of {what}")
        if value < 1 or value != int(value):
            self.fail(f"{value:g}, expected the number of {what}")
        return int(value)

    def vertex(self, value: float) -> int:
        if value != int(value) or not 0 <= value < VERTICES:
            self.fail(f"vertex {value:g}, expected 0 to {VERTICES - 1}")
        return int(value)

    def triangle(self) -> list[int]:
        return [self.vertex(value) for value in self.numbers(3, "3 vertices")]

    def units(self) -> dict[str, np.ndarray]:
        """{name: (113, 3) displacements}; a vertex that stands twice moves by the sum."""
        units = {}
        for _ in range(self.count("units")):
            heading = self.next("the name of a unit")
            name = heading.strip("# ")
            if not heading.startswith("#") or name in units:
                self.fail(f"'{heading[:40]}', expected '# ' and the name of a new unit")
            units[name] = np.zeros((VERTICES, 3))
            for _ in range(self.count("vertices of the unit")):
                index, *move = self.numbers(4, "vertex dx dy dz")
                units[name][self.vertex(index)] += move
        return units
