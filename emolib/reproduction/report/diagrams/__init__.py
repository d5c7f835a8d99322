"""Our own drawings of the papers' diagrams, as code: no bitmap, no tracing, one vocabulary.

`sheet_of("orgil2021-f1")` gives the Sheet: its figure and, as a table, its parts. `show` writes
diagrams into the result folder and returns them for a notebook.
"""

from __future__ import annotations

from collections.abc import Callable

from emolib.ground.errors import nearest
from emolib.reproduction.report.diagrams import faces, fusion, learning, orgil, wang, yin
from emolib.reproduction.report.diagrams.sheet import Sheet

DIAGRAMS: dict[str, Callable[[], Sheet]] = {
    "orgil2021-f1": orgil.pipeline,
    "orgil2021-f2": orgil.non_inertial_loss,
    "orgil2021-f3": orgil.full_network,
    "orgil2022-f3_2": orgil.residual_network,
    "orgil2022-f3_4": orgil.transformer,
    "orgil2022-f3_5": orgil.weight_mixing,
    "wang-f4": wang.shallow_network,
    "wang-f5": wang.two_branches,
    "yin2022-f3": yin.convolutional_network,
    "chang2021-f2_3": learning.black_box,
    "chang2021-f2_4": learning.back_propagation,
    "chang2021-f2_13": learning.recurrent_network,
    "chang2021-f2_14": learning.lstm_cell,
    "chang2021-f3_3": learning.margin,
    "chang2021-f3_9": learning.transfer,
    "chang2021-f4_1": faces.sixty_eight_points,
    "chang2021-f5_2": fusion.distorted_gradients,
    "chang2021-f5_3": fusion.whole_system,
    "chang2021-f5_4": fusion.three_designs,
    "chang2021-f5_5": fusion.many_modalities,
}


def sheet_of(id: str) -> Sheet:
    """Draw one diagram by the id of its artefact."""
    if id not in DIAGRAMS:
        raise nearest(id, DIAGRAMS, what="diagram")
    return DIAGRAMS[id]()


def show(profile: str, *ids: str):
    """Write the diagrams (picture, table of parts, provenance), shown one below the other."""
    from emolib.reproduction import report
    from emolib.reproduction.runs.outcome import Outcome

    views = []
    for id in ids:
        sheet = sheet_of(id)
        views.append(report.figure(id, Outcome(sheet.frame, profile), sheet.fig))
    return report.View("".join(view.html for view in views), views[0].frame)
