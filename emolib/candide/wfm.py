"""Reader of Candide-3's wire-frame file (.wfm), written from the file's own comments.

A line that starts with `#` names what follows: a list (`# VERTEX LIST:`) or, inside the two lists of units,
one unit (`# Jaw drop`). A list begins with its length; a unit with the number of vertices it moves, and
then one `vertex dx dy dz` a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emolib.data.files import LARGEST, Damaged, guard

VERTICES = 113
LISTS = ("VERTEX LIST", "FACE LIST", "ANIMATION UNITS LIST", "SHAPE UNITS LIST")
END = "END OF FILE"


@dataclass(frozen=True)
class Wireframe:
    """What a .wfm holds: vertices (113, 3), x to the subject's left, y up, z to the viewer; faces (F, 3), and
    every unit by its name, (113, 3) displacements at intensity 1."""

    vertices: np.ndarray
    faces: np.ndarray
    animation: dict[str, np.ndarray]
    shape: dict[str, np.ndarray]


def read(path: Path | str) -> Wireframe:
    """All vertices, faces and units of the file; textures and parameters are left unread.

    Raises Damaged with the line number for anything that is not as the file's own headings promise.
    """
    lines = _Lines(guard(path))
    titles = lines.sections()
    for title in LISTS:
        if title not in titles:
            raise Damaged(
                path,
                f"line {len(lines.text)}: the file ends without its '# {title}:'; it is cut short, get it anew",
            )
    if END not in titles:
        raise Damaged(
            path,
            f"line {len(lines.text)}: the file ends without '# {END}'; it is cut short, get it anew",
        )
    lines.go(titles["VERTEX LIST"])
    count = lines.count("vertices")
    if count != VERTICES:
        lines.fail(f"{count} vertices, expected the {VERTICES} of Candide-3")
    vertices = np.array([lines.numbers(3, "a vertex x y z") for _ in range(count)])
    lines.go(titles["FACE LIST"])
    faces = np.array([lines.vertices(3) for _ in range(lines.count("faces"))])
    lines.go(titles["ANIMATION UNITS LIST"])
    animation = lines.units()
    lines.go(titles["SHAPE UNITS LIST"])
    return Wireframe(vertices, faces, animation, lines.units())


class _Lines:
    """The file's lines and the place one is at; every complaint carries the line number."""

    def __init__(self, path: Path):
        self.path, self.at = path, 0
        try:
            self.text = path.read_text(encoding="ascii").splitlines()
        except UnicodeDecodeError as error:
            raise Damaged(
                path, f"byte {error.start} is not text, expected a .wfm wire frame; get it anew"
            ) from None

    def fail(self, why: str):
        raise Damaged(self.path, f"line {self.at}: {why}")

    def go(self, line: int):
        self.at = line

    def sections(self) -> dict[str, int]:
        """Title of each comment in capitals and the line it stands in."""
        titles = (
            (i, line.lstrip("# ").rstrip(": "))
            for i, line in enumerate(self.text, 1)
            if line.startswith("#")
        )
        return {title: i for i, title in titles if title.isupper()}

    def next(self, what: str) -> str:
        while self.at < len(self.text):
            self.at += 1
            line = self.text[self.at - 1].strip()
            if line:
                return line
        self.fail(f"the file ends where {what} was expected; it is cut short, get it anew")

    def numbers(self, many: int, what: str) -> list[float]:
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

    def vertices(self, many: int) -> list[int]:
        values = self.numbers(many, f"{many} vertices")
        for value in values:
            if value != int(value) or not 0 <= value < VERTICES:
                self.fail(f"vertex {value:g}, expected 0 to {VERTICES - 1}")
        return [int(v) for v in values]

    def units(self) -> dict[str, np.ndarray]:
        """A list of named units: {name: (113, 3) displacements}; a vertex that stands twice moves by the sum."""
        out = {}
        for _ in range(self.count("units")):
            name = self.next("the name of a unit")
            if not name.startswith("#") or name.strip("# ") in out:
                self.fail(f"'{name[:40]}', expected '# ' and the name of a new unit")
            unit = np.zeros((VERTICES, 3))
            for _ in range(self.count("vertices of the unit")):
                index, *move = self.numbers(4, "vertex dx dy dz")
                if index != int(index) or not 0 <= index < VERTICES:
                    self.fail(f"vertex {index:g}, expected 0 to {VERTICES - 1}")
                unit[int(index)] += move
            out[name.strip("# ")] = unit
        return out
