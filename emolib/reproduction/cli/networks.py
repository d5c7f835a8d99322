"""`emolib networks`: train, try and write the two networks that come with emolib."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from emolib import data as datasets
from emolib.ground.errors import EmolibError
from emolib.models import trained
from emolib.reproduction.report.files import write
from emolib.reproduction.studies.shipped import trials

NEEDED = {"faces": "ferplus", "speech": "ravdess"}
COLUMNS = ("set", "counting", "emotion", "right", "clips", "people", "calibration")
USE = {
    "faces": (
        "Which of seven emotions a face seems to show to others: FERPlus's labels are ten raters' "
        "votes on a picture, not what a person felt."
    ),
    "speech": (
        "Which of eight emotions an English actor was asked to speak with. Acted speech is louder "
        "and clearer than what people say when they feel."
    ),
}
TERMS = {
    "faces": (
        "FERPlus's votes are under the MIT licence; its pictures are FER2013's, under the terms of "
        "the Kaggle competition. CK+ and JAFFE were looked at for the trial only. The first "
        "weights are EfficientNet-Lite0's (Apache 2.0), learnt on ImageNet."
    ),
    "speech": (
        "RAVDESS (Livingstone and Russo 2018) is under CC BY-NC-SA 4.0, and so are these weights: "
        "no commercial use. The first weights are EfficientNet-Lite0's (Apache 2.0), learnt on "
        "ImageNet."
    ),
}
NEVER = (
    "Not for decisions about people: hiring, schooling, policing, insurance, medicine, or what "
    "anybody feels. It is wrong about one answer in three or more on strangers, and not equally "
    "wrong about all of them: read the rows below."
)


def act(options) -> int:
    """The command: train (or take from the store), try on strangers, write weights and card."""
    wanted = list(options.names) or list(trained.NAMES)
    for name in wanted:
        if name not in NEEDED:
            raise EmolibError(f"network '{name}' is not known: expected faces or speech")
        if not datasets.at_hand(NEEDED[name]):
            raise EmolibError(
                f"network '{name}' learns from {NEEDED[name]}, which is not in the data folder; "
                f"`./reproduce.sh get {NEEDED[name]}` says where to get it"
            )
    for name in wanted:
        run = trials.train_faces() if name == "faces" else trials.train_speech()
        print(written(name, run))
    return 0


def written(name: str, run: dict) -> Path:
    """Try the network of a run and write its weights and its card; returns the weights' path."""
    classes = trials.FACES if name == "faces" else trials.VOICES
    about = {"classes": classes, "prior": [round(float(p), 5) for p in run["prior"]]}
    about["mirrored"] = name == "faces"
    state = _halved(run["weights"])
    rows = (
        trials.try_faces(trained.assembled(state, about))
        if name == "faces"
        else trials.try_speech(**trials.VOICE_TRIAL)
    )
    about["trial"] = _in_a_line(rows)
    path = trained.FOLDER / f"{name}.safetensors"
    write(path.with_suffix(".md"), card(name, rows, run))
    _save(path, state, about)
    trained.load.cache_clear()
    return path


def _halved(weights: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Half precision; counters stay whole numbers."""
    tensors = {k: torch.as_tensor(v) for k, v in weights.items()}
    return {k: v.half() if v.is_floating_point() else v for k, v in tensors.items()}


def _save(path: Path, state: dict, about: dict) -> None:
    from safetensors.torch import save_file

    partial = path.with_suffix(".partial")
    save_file(state, partial, metadata={"about": json.dumps(about)})
    partial.chmod(0o644)  # its own default is for the owner alone
    partial.replace(path)


def _in_a_line(rows: pd.DataFrame) -> str:
    """'right in 88 % of PrivateTest, 74 % of CK+ copies ... (chance 14 %)'."""
    whole = rows[(rows.emotion == "all") & (rows.counting != trials.NATURAL)]
    shares = [f"{100 * row.right:.0f} % of {row.set}" for row in whole.itertuples()]
    classes = rows.emotion.nunique() - 1
    return f"right in {', '.join(shares)} (chance {100 / classes:.0f} %)"


def card(name: str, rows: pd.DataFrame, run: dict) -> str:
    """The model card, Markdown."""
    shown = rows.assign(
        right=[f"{100 * r:.1f} [{100 * a:.1f}, {100 * b:.1f}]" for r, a, b in _bounds(rows)],
        calibration=rows.calibration.map("{:.3f}".format),
    )[list(COLUMNS)]
    shown = shown.loc[:, shown.astype(str).ne("").any()]
    head = " | ".join(shown.columns)
    rule = " | ".join(["---"] * len(shown.columns))
    lines = [head, rule, *(" | ".join(row) for row in shown.astype(str).to_numpy())]
    table = "\n".join(f"| {line} |" for line in lines)
    learnt = {
        "faces": f"{run.get('pictures', 0):,} pictures of FERPlus's training part, by their votes; "
        f"{run.get('twins', 0):,} that stand in a test part too were left out.",
        "speech": "All 1,440 spoken clips of RAVDESS's 24 actors. The rows below are of the "
        "same recipe trained anew without the actors that it is tried on.",
    }
    return (
        f"# The network on {name} that comes with emolib\n\n"
        "Written by `./reproduce.sh networks`; the recipe is in "
        f"`emolib/reproduction/studies/shipped/{name}.py`.\n\n"
        f"**For what.** {USE[name]}\n\n**Not for.** {NEVER}\n\n"
        f"**Learnt from.** {learnt[name]} EfficientNet-Lite0, 3.4 million numbers, from ImageNet; "
        f"{run['seconds'] / 60:.0f} minutes of one processor core.\n\n**Terms.** {TERMS[name]}\n\n"
        "**How often it is right** (%, interval over people; calibration: mean distance between "
        f"what it claims and how often it is right)\n\n{table}\n"
    )


def _bounds(rows: pd.DataFrame):
    return rows[["right", "low", "high"]].itertuples(index=False)
