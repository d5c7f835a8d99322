"""Candide-3 as chang2021 uses it: point pairs and lists of units of section 4.1, pages 36-39.

113 vertices, 8 action units, 7 shape units, 35 points shared with dlib's 68.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from emolib.candide import mask, wfm
from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest

# The text's action units, in its order: FACS numbers, and the unit of the file.
ACTION_UNITS = {
    "AU26/27": "Jaw drop",
    "AU4": "Brow lowerer",
    "AU13/15": "Lip corner depressor",
    "AU10": "Upper lip raiser",
    "AU20": "Lip stretcher",
    "AU7": "Lid tightener",
    "AU9": "Nose wrinkler",
    "AU42-45": "Eyes closed",
}
SHAPE_UNITS = (
    "Eyebrows vertical position",
    "Eyes vertical position",
    "Eyes width",
    "Eyes separation distance",
    "Mouth vertical position",
    "Mouth width",
    "Eyes vertical difference",
)
# The file at hand has these four in place of the first; other editions have it whole.
BROWS = [f"Eyebrows {part} vertical position" for part in ("between", "inner", "middle", "outer")]


@dataclass(frozen=True)
class Candide:
    """The model: x to the subject's left (the picture's right), y up, z to the viewer.

    vertices      (113, 3) float64
    faces         (F, 3) int, vertices of each triangle
    action_units  {name: (113, 3)} displacement at intensity 1, names as in ACTION_UNITS
    shape_units   {name: (113, 3)} the same, names as in SHAPE_UNITS
    pairs         (35, 2) int: dlib's point and the vertex it shows
    source        'real' from a Candide-3 file, 'simulated' for our own mask
    """

    vertices: np.ndarray
    faces: np.ndarray
    action_units: Mapping[str, np.ndarray]
    shape_units: Mapping[str, np.ndarray]
    pairs: np.ndarray
    source: str
    name: ClassVar[str] = "candide3"

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits of vertices and units, as a data set's: it names what a fit was made by."""
        from emolib.ground.containers import digest  # here: it brings pandas along

        return digest(self.vertices, self.basis)

    @cached_property
    def basis(self) -> np.ndarray:
        """(1 + 7 + 8, 35, 3): resting points, shape and action units at the vertices dlib sees."""
        stack = np.stack([self.vertices, *self.shape_units.values(), *self.action_units.values()])
        return stack[:, self.pairs[:, 1]]

    def deformed(self, shape=(), action=()) -> np.ndarray:
        """Vertices (113, 3) with the units at these intensities (Eq. 15 and 16 before the pose)."""
        vertices = self.vertices.copy()
        for units, values in ((self.shape_units, shape), (self.action_units, action)):
            for unit, value in zip(units.values(), values):
                vertices += value * unit
        return vertices


def load(path: Path | str | None = None) -> Candide:
    """Candide-3 from `path`, else from candide3/candide3.wfm in the data folder, else our own mask.

    Raises Damaged, with the line, for a file that cannot be used or a `path` that is not there. A
    folder or a link to nowhere in the file's place is damage too, never a reason for the mask.
    """
    file = settings.data_root() / "candide3" / "candide3.wfm" if path is None else Path(path)
    if path is None and not os.path.lexists(file):
        return own_mask()
    return _model(wfm.read(file), "real")


def check() -> tuple[str, str]:
    """For the doctor: state of the file in the data folder (absent, damaged, found), and why."""
    try:
        model = load()
    except EmolibError as error:
        return "damaged", str(error)
    if model.source == "simulated":
        return "absent", "a mask of our own is used"
    return "found", f"{len(model.vertices)} vertices, {len(model.faces)} faces"


def own_mask() -> Candide:
    """The mask of our own, whatever lies in the data folder: what a result may show."""
    return _model(mask.wireframe(pairs()), "simulated")


def pairs() -> np.ndarray:
    """(35, 2) int: dlib's point, Candide-3's vertex, in the order of chang2021's listing in 4.1."""
    file = Path(__file__).with_name("points.csv")
    return np.loadtxt(file, dtype=int, delimiter=",", skiprows=1)


def _model(frame: wfm.Wireframe, source: str) -> Candide:
    action = {name: _unit(frame.animation, unit) for name, unit in ACTION_UNITS.items()}
    shape = {name: _unit(frame.shape, name) for name in SHAPE_UNITS}
    return Candide(frame.vertices, frame.faces, action, shape, pairs(), source)


def _unit(units: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    if name in units:
        return units[name]
    parts = BROWS if name == SHAPE_UNITS[0] else [name]
    for part in parts:
        if part not in units:
            raise nearest(part, units, what="unit of this Candide file")
    return sum(units[part] for part in parts)
