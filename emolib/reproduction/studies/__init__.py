"""One module per notebook: which runs make which table. No drawing and no file writing here."""

from __future__ import annotations

import importlib

from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction import papers

# Notebook -> the folder whose plan.Study fills its part of the run store.
FOLDERS = {
    "11": "video_networks",
    "12": "transformers",
    "13": "ferplus",
    "14": "continual",
    "20": "sfew",
    "30": "adfes",
    "40": "candide",
    "41": "transfer",
    "42": "video",
    "43": "speech",
    "44": "mrpn",
    "90": "explored",
}


def tasks(name: str) -> list[tuple[str, object]]:
    """(notebook, function of the profile) for each study behind a paper, notebook or artefact."""
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
            [*papers.PAPERS, *papers.HOUSE, *FOLDERS, *table.id],
            what="paper, notebook or artefact",
        )
    ready = [n for n in notebooks if n in FOLDERS]
    if not ready:
        raise EmolibError(
            f"{name}: no runs to store in this version (ready: notebook {', '.join(FOLDERS)})"
        )
    return [(n, _train(FOLDERS[n])) for n in ready]


def _train(folder: str):
    """Function of the profile that fills the store for a study."""
    plan = importlib.import_module(f"{__name__}.{folder}.plan")
    return lambda profile: plan.Study(profile).train()
