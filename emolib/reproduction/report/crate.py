"""RO-Crate metadata of a result folder: what each file is, what made it and from which data, for machines and archives.

One file, `ro-crate-metadata.json` (RO-Crate 1.1, JSON-LD): the folder, its files with checksums, the run, the software and the five works.
It is written from the provenance notes alone, so it says nothing that they do not.
"""

from __future__ import annotations

import datetime
import json
import mimetypes
from pathlib import Path

from emolib import __version__
from emolib.reproduction import papers
from emolib.reproduction.report import files as results

NAME = "ro-crate-metadata.json"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
SOFTWARE, RUN = "#emolib", "#run"


def write(folder: Path, profile: str) -> Path:
    """Write the metadata of a result folder; returns the file."""
    made = metadata(folder, profile)
    entities = ",\n".join(
        json.dumps(entity, ensure_ascii=False, separators=(",", ":")) for entity in made["@graph"]
    )  # a line each: to read, and to compare
    results.write(
        folder / NAME,
        f'{{"@context": {json.dumps(made["@context"])}, "@graph": [\n{entities}\n]}}\n',
    )
    return folder / NAME


def metadata(folder: Path, profile: str) -> dict:
    """The JSON-LD document: descriptor, folder, software, works, data sets, the run, files."""
    notes = [
        json.loads(p.read_text())
        for p in sorted(
            [
                *folder.glob("tables/*.json"),
                *folder.glob("figures/*.json"),
                *folder.glob("claims.json"),
            ]
        )
    ]
    files = [entry for note in notes for entry in _files(folder, note)]
    works = [
        {"@id": f"#{id}", "@type": "CreativeWork", "identifier": id, "name": name}
        for id, name in papers.PAPERS.items()
    ]
    sets = _sets(notes)
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"emolib results, profile {profile}",
        "description": "Tables and figures of five works on emotion recognition, computed anew; every file has a provenance note beside it.",
        "datePublished": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "license": {"@id": "#licence"},
        "mentions": [_ref(w) for w in works],
        "hasPart": [_ref(f) for f in files],
    }
    run = {
        "@id": RUN,
        "@type": "CreateAction",
        "name": f"reproduce --profile {profile}",
        "instrument": {"@id": SOFTWARE},
        "object": [_ref(s) for s in sets],
        "result": [_ref(f) for f in files],
    }
    about = notes[0] if notes else {}
    software = {
        "@id": SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "emolib",
        "softwareVersion": __version__,
        "version": about.get("commit", ""),
        "softwareRequirements": [f"{k} {v}" for k, v in sorted(about.get("versions", {}).items())],
    }
    licence = {
        "@id": "#licence",
        "@type": "CreativeWork",
        "name": "MIT (code and results); the data sets keep their own licences",
    }
    descriptor = {
        "@id": NAME,
        "@type": "CreativeWork",
        "conformsTo": {"@id": CONTEXT.removesuffix("/context")},
        "about": {"@id": "./"},
    }
    return {
        "@context": CONTEXT,
        "@graph": [descriptor, root, licence, software, run, *works, *sets, *files],
    }


def _files(folder: Path, note: dict) -> list[dict]:
    """An entry for each file that a provenance note promises and that is there."""
    made = []
    for name, checksum in sorted(note.get("files", {}).items()):
        path = folder / name
        if path.is_file():
            entry = {
                "@id": name,
                "@type": "File",
                "name": note["artefact"],
                "encodingFormat": mimetypes.guess_type(name)[0] or "text/plain",
                "contentSize": str(path.stat().st_size),
                "sha256": checksum,
            }
            made.append(
                entry
                | (
                    {"about": {"@id": f"#{note['paper']}"}}
                    if note.get("paper") in papers.PAPERS
                    else {}
                )
            )
    return made


def _sets(notes: list[dict]) -> list[dict]:
    """Each data set behind the files, with its fingerprint and whether it is real or simulated."""
    found = {name: about for note in notes for name, about in note.get("sources", {}).items()}
    return [
        {
            "@id": f"#data-{name}",
            "@type": "Dataset",
            "name": name,
            "description": f"{about.get('source', '')} data",
            "identifier": str(about.get("fingerprint", "")),
        }
        for name, about in sorted(found.items())
    ]


def _ref(entry: dict) -> dict:
    return {"@id": entry["@id"]}
