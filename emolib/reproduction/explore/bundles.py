"""Explorer bundles: what is kept on disk of a study so that its clusters and confusions can be explored later.

    explore/<name>.npz    arrays (no Python objects)        explore/<name>.json    names, reference of the data, provenance, checksum

A bundle holds numbers only. Pictures and sounds stay where they are: `reference` and `rows` say which sample of which set a point
is, and `explore.media` fetches it on this machine when somebody looks. So nothing of a restricted face leaves the data folder.
Bundles of simulated data lie in the result folder; those of real data in the cache, which git ignores.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from emolib import data as datasets
from emolib.ground import settings
from emolib.ground.errors import EmolibError, nearest
from emolib.reproduction.explore import layout
from emolib.reproduction.report import files as results
from emolib.reproduction.studies.explored.plan import Explored, Model, check

FORMAT = 1
COLUMNS = ("true", "actor", "fold", "modality", "sample", "rows")
START = ("PCA", "t-SNE")  # places that are kept with a bundle; others are computed when asked for


@dataclass(frozen=True)
class Bundle:
    """Everything the linked views need, of N samples and one or more models.

    name, title, profile, source     'real' or 'simulated': the badge
    classes                          C names
    true, actor, fold, modality, sample, rows     as in studies.explored.Explored
    models                           embeddings float32 (N, D), predicted (N,), probabilities float32 (N, C) or None
    places                           {(model, method): float32 (N, 2)}, in [-1, 1]
    reference                        the data set as text (data.reference); data.resolve gives it back on this machine
    kind                             'pictures', 'clips' or 'numbers': what a sample is
    about                            provenance: commit, versions, settings
    """

    name: str
    title: str
    profile: str
    source: str
    classes: tuple[str, ...]
    true: np.ndarray
    actor: np.ndarray
    fold: np.ndarray
    modality: np.ndarray
    sample: np.ndarray
    rows: np.ndarray
    models: tuple[Model, ...]
    places: dict[tuple[str, str], np.ndarray]
    reference: str
    kind: str
    about: dict = field(default_factory=dict)

    def __post_init__(self):
        check(
            self.name,
            self.classes,
            self.true,
            self.models,
            {c: getattr(self, c) for c in COLUMNS[1:]},
        )
        for (model, method), xy in self.places.items():
            if np.shape(xy) != (len(self), 2) or not np.isfinite(xy).all():
                raise EmolibError(
                    f"{self.name}: places of {model} by {method} have shape {np.shape(xy)}; expected ({len(self)}, 2), finite"
                )

    def __len__(self) -> int:
        return len(self.true)

    def model(self, name: str) -> Model:
        """The model called `name`."""
        for m in self.models:
            if m.name == name:
                return m
        raise nearest(name, [m.name for m in self.models], what=f"model of {self.name}")

    def _repr_html_(self) -> str:
        from emolib.reproduction import report

        return (
            f"{report.STYLE}<p><b>{self.title}</b>{report.badge(self.source)}<br>{len(self):,} points, {len(self.classes)} classes, "
            f"{', '.join(m.name for m in self.models)}</p>"
        )


def bundle(name: str, explored: Explored, *, perplexity: float = 30.0, seed: int = 0) -> Bundle:
    """Make an explorer bundle from what a study hands over, write it, and return it: one line in any notebook.

        from emolib import explore
        explore.bundle("speech", speech.explored(profile))       # in notebook 43
        explore.open("speech")                                   # linked views, in JupyterLab or as a page

    name         file name of the bundle and its entry in the explorer's menu: letters, digits, - and _
    explored     studies.explored.Explored: title, classes, true, actor, fold, modality, sample, models (each with an embedding (N, D),
                 predicted (N,) and maybe probabilities (N, C)), and the container with the row of each sample. A clip with two
                 modalities may stand twice or three times, told apart by `modality`; all its points then name the same row.
    perplexity, seed      of the t-SNE that is kept; the explorer's sliders compute others

    The second and later models start their t-SNE from the places of the first, so that the same sample is found in the same region.
    A few thousand points cost seconds, 20,000 about a minute: a study decides how many it hands over.
    Raises EmolibError if the parts do not fit together or the file cannot be written.
    """
    if not name or not all(c.isalnum() and c.isascii() or c in "-_" for c in name):
        raise EmolibError(
            f"explorer bundle '{name}': expected letters, digits, - and _ only, for it names a file"
        )
    data, places = explored.data, {}
    models = tuple(
        replace(
            m,
            embedding=np.asarray(m.embedding, np.float32),
            predicted=np.asarray(m.predicted, np.int16),
            probabilities=None
            if m.probabilities is None
            else np.asarray(m.probabilities, np.float32),
        )
        for m in explored.models
    )
    for method in START:
        for m in models:
            before = places.get((models[0].name, method))
            places[m.name, method] = layout.place(
                m.embedding, method, perplexity=perplexity, seed=seed, start=before
            )
    made = Bundle(
        name,
        explored.title,
        explored.profile,
        data.source,
        tuple(explored.classes),
        np.asarray(explored.true, np.int16),
        _text(explored.actor),
        np.asarray(explored.fold, np.int16),
        _text(explored.modality),
        _text(explored.sample),
        np.asarray(explored.rows, np.int64),
        models,
        places,
        datasets.reference(data),
        _kind(data),
        {"perplexity": perplexity, "seed": seed, **explored.about},
    )
    save(made)
    return made


def _text(values) -> np.ndarray:
    return np.asarray(values).astype(str)


def _kind(data) -> str:
    return {"ImageSet": "pictures", "ClipSet": "clips"}.get(type(data).__name__, "numbers")


def folder(profile: str, source: str) -> Path:
    """Where bundles of this source are written: real ones never into a folder that is meant to be committed."""
    return (
        settings.results(profile) / "explore"
        if source == "simulated"
        else settings.cache() / "explore" / profile
    )


def save(made: Bundle) -> Path:
    """Write a bundle whole or not at all; returns the path of its JSON, which is written last."""
    arrays = {c: getattr(made, c) for c in COLUMNS}
    for k, m in enumerate(made.models):
        arrays |= {f"embedding{k}": m.embedding, f"predicted{k}": m.predicted}
        if m.probabilities is not None:
            arrays[f"probabilities{k}"] = m.probabilities
    order = sorted(made.places)
    arrays |= {f"places{k}": made.places[key] for k, key in enumerate(order)}
    raw = io.BytesIO()
    np.savez_compressed(raw, **arrays)
    where = folder(made.profile, made.source)
    files = {f"explore/{made.name}.npz": results.write(where / f"{made.name}.npz", raw.getvalue())}
    about = {
        "format": FORMAT,
        "name": made.name,
        "title": made.title,
        "profile": made.profile,
        "source": made.source,
        "classes": made.classes,
        "models": [
            {"name": m.name, "sure": m.sure, "probabilities": m.probabilities is not None}
            for m in made.models
        ],
        "places": order,
        "reference": made.reference,
        "kind": made.kind,
        "about": made.about,
        **results.environment(),
    }
    results.write_provenance(where / f"{made.name}.json", files, about)
    return where / f"{made.name}.json"


def load(path: Path) -> Bundle:
    """Read a bundle by its JSON; EmolibError if a file is missing, damaged or of another format."""
    path = Path(path)
    again = "remove it and run its notebook again"
    try:
        about = json.loads(path.read_text())
        raw = path.with_suffix(".npz").read_bytes()
        if about["format"] != FORMAT:
            raise EmolibError(f"{path}: format {about['format']}, expected {FORMAT}; {again}")
        if results.sha(raw) != about["files"][f"explore/{about['name']}.npz"]:
            raise EmolibError(
                f"{path.with_suffix('.npz')}: its bytes are not those it was written with; {again}"
            )
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            held = {k: file[k] for k in file.files}
        models = tuple(
            Model(
                m["name"],
                held[f"embedding{k}"],
                held[f"predicted{k}"],
                held[f"probabilities{k}"] if m["probabilities"] else None,
                m["sure"],
            )
            for k, m in enumerate(about["models"])
        )
        places = {
            (model, method): held[f"places{k}"] for k, (model, method) in enumerate(about["places"])
        }
        return Bundle(
            **{
                k: about[k]
                for k in ("name", "title", "profile", "source", "reference", "kind", "about")
            },
            classes=tuple(about["classes"]),
            models=models,
            places=places,
            **{c: held[c] for c in COLUMNS},
        )
    except FileNotFoundError as error:
        raise EmolibError(
            f"{error.filename}: no such file; a bundle is a .json and a .npz beside it"
        ) from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise EmolibError(
            f"{path}: not a readable explorer bundle ({type(error).__name__}: {error}); {again}"
        ) from None


def stored(profile: str) -> dict[str, Path]:
    """Name -> path of every bundle of a profile: written here first, then those the project ships; the reader's own win."""
    found: dict[str, Path] = {}
    for place in (
        settings.committed(profile) / "explore",
        folder(profile, "simulated"),
        folder(profile, "real"),
    ):
        found |= {p.stem: p for p in sorted(place.glob("*.json"))}
    return found


def find(name: str, profile: str) -> Bundle:
    """The stored bundle called `name`; an unknown name is an error with the nearest."""
    here = stored(profile)
    if not here:
        raise EmolibError(
            f"no explorer bundle of profile '{profile}' yet; `./reproduce.sh --only 90 --profile {profile}` makes some"
        )
    if name not in here:
        raise nearest(name, here, what="explorer bundle")
    return load(here[name])
