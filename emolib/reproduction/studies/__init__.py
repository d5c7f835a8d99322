"""One module per notebook: which runs make which table. No drawing and no file writing here."""

from __future__ import annotations

import importlib

from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import papers

# Notebook -> the module that fills its part of the run store by `train(profile)`.
MODULES = {
    "11": "video_networks.video",
    "12": "transformers.transformers",
    "13": "ferplus.plan",
    "14": "continual.plan",
    "20": "sfew.wang",
    "30": "adfes.yin",
    "40": "candide.candide",
    "41": "transfer.transfer",
    "42": "video.streaming",
    "43": "speech.speech",
    "44": "mrpn.mrpn",
    "90": "explored.explorer",
}


def tasks(name: str) -> list[tuple[str, object]]:
    """(notebook, function of the profile) for each study behind a paper, a notebook or an artefact."""
    table = papers.everything()
    if name in table.paper.values:
        notebooks = sorted(set(table.notebook[table.paper == name]))
    elif name[:2].isdigit():
        notebooks = [name[:2]]
    elif name in table.id.values:
        notebooks = [papers.artefact(name).notebook]
    else:
        raise nearest(
            name,
            [*papers.PAPERS, *papers.HOUSE, *MODULES, *table.id],
            what="paper, notebook or artefact",
        )
    ready = [n for n in notebooks if n in MODULES]
    if not ready:
        raise EmolibError(
            f"{name}: no runs to store in this version (ready: notebook {', '.join(MODULES)})"
        )
    return [(n, _train(MODULES[n])) for n in ready]


def _train(name: str):
    """Function of the profile that fills the store for a study: Study(profile).train."""
    try:
        plan = importlib.import_module(f"{__name__}.{name.split('.')[0]}.plan")
    except ModuleNotFoundError:
        return importlib.import_module(f"{__name__}.{name}").train
    return lambda profile: plan.Study(profile).train()
