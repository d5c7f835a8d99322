"""The RO-Crate metadata of a result folder: read by a library nobody here wrote, and true to the files."""

import json
from pathlib import Path

import pytest

from emolib.reproduction.report import crate
from emolib.reproduction.report import files as results

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small result folder: one table with its note, and a note whose file is gone."""
    place = tmp_path_factory.mktemp("crate")
    for name in ("wang-t1", "wang-t2"):
        checksum = results.write(place / "tables" / f"{name}.csv", "a,b\n1,2\n")
        note = {
            "artefact": name,
            "paper": "wang",
            "commit": "0" * 40,
            "versions": {"numpy": "2.0"},
            "files": {f"tables/{name}.csv": checksum},
            "sources": {"sfew": {"source": "simulated", "fingerprint": "abc"}},
        }
        results.write(place / "tables" / f"{name}.json", json.dumps(note))
    (place / "tables" / "wang-t2.csv").unlink()
    crate.write(place, "smoke")
    return place


def test_every_reference_has_an_entry_and_every_file_is_there(folder):
    graph = json.loads((folder / crate.NAME).read_text())["@graph"]
    entries = {e["@id"]: e for e in graph}
    assert len(entries) == len(graph)
    for entry in graph:
        for value in entry.values():
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, dict):
                    assert part["@id"] in entries or part["@id"].startswith(
                        "https://w3id.org/ro/crate/"
                    ), part
    files = [e for e in graph if e["@type"] == "File"]
    assert [f["@id"] for f in files] == [
        "tables/wang-t1.csv"
    ]  # wang-t2.csv is gone and is not promised
    assert files[0]["sha256"] == results.sha((folder / files[0]["@id"]).read_bytes()) and files[0][
        "about"
    ] == {"@id": "#wang"}
    assert {e["identifier"] for e in graph if e["@id"].startswith("#data-")} == {"abc"}


def test_the_reference_library_reads_it(folder):
    rocrate = pytest.importorskip(
        "rocrate.rocrate", reason="NOT TESTED: the package rocrate is not installed"
    )
    read = rocrate.ROCrate(folder)
    assert read.root_dataset["name"] == "emolib results, profile smoke" and [
        f.id for f in read.data_entities if f.type == "File"
    ] == ["tables/wang-t1.csv"]


def test_an_empty_folder_has_a_crate_without_files(tmp_path):
    graph = crate.metadata(tmp_path, "quick")["@graph"]
    assert not [e for e in graph if e["@type"] == "File"]
