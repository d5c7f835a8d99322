"""Explorer bundles: what is kept of a study so that its clusters can be explored later.

    explore/<name>.npz    arrays (no Python objects)
    explore/<name>.json   names, reference of the data, provenance, checksum
    explore/<name>.html   the same to look at, from disk (explore.static)

A bundle holds numbers only: `reference` and `rows` say which sample of which set a point is, and
`explore.media` fetches its picture and sound on this machine when somebody looks. So nothing of a
restricted face leaves the data folder. Bundles of real data lie in the cache, which git ignores.
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
from emolib.reproduction.runs.explored import Explored, Model, check

FORMAT = 1
COLUMNS = {
    "true": np.int16,
    "actor": str,
    "fold": np.int16,
    "modality": str,
    "sample": str,
    "rows": np.int64,
}
WORDS = ("name", "title", "profile", "source", "reference", "kind", "about")
START = ("PCA", "t-SNE")  # places that are kept with a bundle; others are computed when asked for


@dataclass(frozen=True)
class Bundle:
    """Everything the linked views need, of N samples and one or more models.

    source       'real' or 'simulated': the badge
    true ... rows       as in studies.explored.Explored
    models       embeddings float32 (N, D), predicted (N,), probabilities float32 (N, C) or None
    places       {(model, method): float32 (N, 2)}, in [-1, 1]
    reference    the data set as text (data.reference); data.resolve gives it back on this machine
    kind         'pictures', 'clips' or 'numbers': what a sample is
    about        provenance: commit, versions, settings
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
        columns = {c: getattr(self, c) for c in COLUMNS if c != "true"}
        check(self.name, self.classes, self.true, self.models, columns)
        for (model, method), xy in self.places.items():
            if np.shape(xy) != (len(self), 2) or not np.isfinite(xy).all():
                raise EmolibError(
                    f"{self.name}: places of {model} by {method} have shape {np.shape(xy)}; "
                    f"expected ({len(self)}, 2), finite"
                )

    def __len__(self) -> int:
        return len(self.true)

    def model(self, name: str) -> Model:
        """The model called `name`."""
        models = {m.name: m for m in self.models}
        if name not in models:
            raise nearest(name, models, what=f"model of {self.name}")
        return models[name]

    def _repr_html_(self) -> str:
        from emolib.reproduction import report

        return (
            f"{report.STYLE}<p><b>{self.title}</b>{report.badge(self.source)}<br>{len(self):,} "
            f"points, {len(self.classes)} classes, {', '.join(m.name for m in self.models)}</p>"
        )


def bundle(name: str, explored: Explored, *, perplexity: float = 30.0, seed: int = 0) -> Bundle:
    """Make an explorer bundle from what a study hands over, write it, and return it.

    name         of its files and in the explorer's menu: letters, digits, - and _
    explored     a clip with two modalities may stand up to three times, told apart by `modality`
    perplexity, seed      of the t-SNE that is kept; the explorer's sliders compute others

    Later models start their t-SNE from the places of the first, so that the same sample is found in
    the same region. A few thousand points cost seconds, 20,000 about a minute.
    Raises EmolibError if the name is none or the file cannot be written.
    """
    if not name or not all(c.isalnum() and c.isascii() or c in "-_" for c in name):
        raise EmolibError(
            f"explorer bundle '{name}': expected letters, digits, - and _ only, for it names a file"
        )
    models = tuple(_compact(model) for model in explored.models)
    places: dict[tuple[str, str], np.ndarray] = {}
    options = {"perplexity": perplexity, "seed": seed}
    for method in START:
        for m in models:
            first = places.get((models[0].name, method))
            places[m.name, method] = layout.place(m.embedding, method, start=first, **options)
    from emolib.reproduction.explore import static  # draws what is defined here

    data = explored.data
    kinds = {"ImageSet": "pictures", "ClipSet": "clips"}
    made = Bundle(
        name=name,
        title=explored.title,
        profile=explored.profile,
        source=data.source,
        classes=tuple(explored.classes),
        **{c: np.asarray(getattr(explored, c)).astype(kind) for c, kind in COLUMNS.items()},
        models=models,
        places=places,
        reference=datasets.reference(data),
        kind=kinds.get(type(data).__name__, "numbers"),
        about=options | explored.about,
    )
    save(made)
    static.write(made)
    return made


def _compact(model: Model) -> Model:
    """The model with arrays as they are stored."""
    odds = model.probabilities
    return replace(
        model,
        embedding=np.asarray(model.embedding, np.float32),
        predicted=np.asarray(model.predicted, np.int16),
        probabilities=None if odds is None else np.asarray(odds, np.float32),
    )


def folder(profile: str, source: str) -> Path:
    """Where bundles are written: real ones never into a folder that is meant to be committed."""
    if source == "simulated":
        return settings.results(profile) / "explore"
    return settings.cache() / "explore" / profile


def save(made: Bundle) -> Path:
    """Write a bundle whole or not at all; returns the path of its JSON, which is written last."""
    arrays = {c: getattr(made, c) for c in COLUMNS}
    models = []
    for k, m in enumerate(made.models):
        arrays |= {f"embedding{k}": m.embedding, f"predicted{k}": m.predicted}
        if m.probabilities is not None:
            arrays[f"probabilities{k}"] = m.probabilities
        sure = {"sure": m.sure, "probabilities": m.probabilities is not None}
        models.append({"name": m.name} | sure)
    order = sorted(made.places)
    arrays |= {f"places{k}": made.places[key] for k, key in enumerate(order)}
    raw = io.BytesIO()
    np.savez_compressed(raw, **arrays)
    path = folder(made.profile, made.source) / f"{made.name}.json"
    sha = results.write(path.with_suffix(".npz"), raw.getvalue())
    first = made.models[0]
    groupings = [made.true, first.predicted, made.modality, made.actor]
    marked = round(layout.islands(made.places[first.name, "t-SNE"], groupings), 2)
    about = {
        "format": FORMAT,
        "islands": marked,
        "classes": made.classes,
        "models": models,
        "places": order,
    }
    about |= {word: getattr(made, word) for word in WORDS} | results.environment()
    results.write_provenance(path, {f"explore/{made.name}.npz": sha}, about)
    return path


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
            arrays = dict(file)
        models = []
        for k, m in enumerate(about["models"]):
            odds = arrays[f"probabilities{k}"] if m["probabilities"] else None
            parts = arrays[f"embedding{k}"], arrays[f"predicted{k}"], odds
            models.append(Model(m["name"], *parts, m["sure"]))
        keys = [tuple(key) for key in about["places"]]
        return Bundle(
            **{word: about[word] for word in WORDS},
            **{column: arrays[column] for column in COLUMNS},
            classes=tuple(about["classes"]),
            models=tuple(models),
            places={key: arrays[f"places{k}"] for k, key in enumerate(keys)},
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
    """Name -> path of every bundle of a profile; the reader's own win over those that ship.

    Those with islands come first, and of these the real ones.
    """
    shipped = settings.committed(profile) / "explore"
    paths: dict[str, Path] = {}
    for place in (shipped, folder(profile, "simulated"), folder(profile, "real")):
        paths |= {path.stem: path for path in sorted(place.glob("*.json"))}
    return dict(sorted(paths.items(), key=_worth))


def _worth(named: tuple[str, Path]) -> tuple:
    """What sorts bundles: a silhouette below 0.25 is no structure (layout.islands)."""
    name, path = named
    try:
        about = json.loads(path.read_text())
        marked = about.get("islands", 0.0)
        return marked < 0.25, about["source"] != "real", -marked, name
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return True, True, 0.0, name  # damaged: said by `load`, to whoever opens it


def find(name: str, profile: str) -> Bundle:
    """The stored bundle called `name`; an unknown name is an error with the nearest."""
    paths = stored(profile)
    if not paths:
        raise EmolibError(
            f"no explorer bundle of profile '{profile}' yet; "
            f"`./reproduce.sh --only 90 --profile {profile}` makes some"
        )
    if name not in paths:
        raise nearest(name, paths, what="explorer bundle")
    return load(paths[name])
