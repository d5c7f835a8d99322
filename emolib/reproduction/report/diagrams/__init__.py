"""Our own drawings of the papers' diagrams, as code: no bitmap, no tracing, one vocabulary (`sheet.py`).

    orgil     the pipeline, the non-inertial loss, the Full network, ResNet, the transformer, weight mixing
    wang      the shallow network and the two branches of the CNN
    yin       the convolutional network
    learning  black box, back-propagation, recurrent network, LSTM, margin, transfer (chang2021, chapters 2-3)
    faces     the 68 points (chang2021, chapter 4)
    fusion    distorted gradients, the whole system, N0-N1-N2, the general form (chang2021, chapter 5)

`sheet_of("orgil2021-f1")` gives the Sheet: its figure and, as a table, its parts. `show` writes diagrams into
the result folder and returns them for a notebook.
"""

from __future__ import annotations

from collections.abc import Callable

from emolib.ground.errors import nearest
from emolib.reproduction.report.diagrams import faces, fusion, learning, orgil, wang, yin
from emolib.reproduction.report.diagrams.sheet import Sheet, crowded

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

__all__ = ["DIAGRAMS", "Sheet", "crowded", "sheet_of"]


def sheet_of(id: str) -> Sheet:
    """Draw one diagram by the id of its artefact."""
    if id not in DIAGRAMS:
        raise nearest(id, DIAGRAMS, what="diagram")
    return DIAGRAMS[id]()


def show(profile: str, *ids: str):
    """Write the diagrams `ids` (picture, table of parts, provenance) and show them one below the other."""
    from emolib.reproduction import report
    from emolib.reproduction.runs.outcome import Outcome

    sheets = {id: sheet_of(id) for id in ids}
    views = [
        report.figure(id, sheet.fig, Outcome(sheet.frame, profile)) for id, sheet in sheets.items()
    ]
    return report.View("".join(view.html for view in views), views[0].frame)
