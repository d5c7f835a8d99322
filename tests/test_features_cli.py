"""`emolib features`: one command for a whole set."""

import numpy as np
import pytest

from emolib import data
from emolib.data.sim import worlds
from emolib.reproduction.cli import main as cli


@pytest.fixture
def tiny(monkeypatch):
    """Sets as small as a test needs, whatever loaders there are; keeps what was asked for."""
    asked = []

    def load(name, **options):
        asked.append((name, options))
        return worlds.adfes(0, models=1, size=48, seconds=0.4).select(np.arange(2))

    monkeypatch.setattr(data, "load", load)
    return asked


def test_a_whole_set_by_one_command(tiny, capsys):
    assert (
        cli.main(
            [
                "features",
                "--set",
                "adfes",
                "--feature",
                "landmarks",
                "--feature",
                "pose",
                "--detector",
                "simulator",
                "--profile",
                "smoke",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == [
        "set",
        "source",
        "feature",
        "videos",
        "new",
        "frames",
        "frames/s",
        "missing",
        "MB",
    ]
    assert [line.split()[:6] for line in out[1:]] == [
        ["adfes", "simulated", f, "2", "2", "20"] for f in ("landmarks", "pose")
    ]
    assert (
        tiny[0][0] == "adfes"
        and tiny[0][1]["profile"] == "smoke"
        and tiny[0][1]["source"] == "auto"
    )
    assert cli.main(["features", "--set", "adfes", "--detector", "simulator"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:6] == [
        "adfes",
        "simulated",
        "landmarks",
        "2",
        "0",
        "20",
    ]
    assert cli.main(["features", "--set", "adfes", "--detector", "simulator", "--fresh"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[4] == "2"


@pytest.mark.parametrize(
    "arguments,hint",
    [
        (["--set", "adfs"], "adfes"),
        (["--set", "adfes", "--feature", "landmark"], "landmarks"),
        (["--set", "adfes", "--detector", "dlb"], "dlib"),
        (
            [
                "--set",
                "adfes",
                "--detector",
                "simulator",
                "--feature",
                "backbone",
                "--backbone",
                "resnet18",
            ],
            "resnet18-random",
        ),
        (["--set", "adfes", "--detector", "simulator", "--feature", "backbone"], "notebook 13"),
        (["--set", "adfes", "--profile", "quik"], "quick"),
        (["--set", "adfes", "--feature", "mel"], "no sound"),
    ],
)
def test_what_cannot_be_done_names_the_nearest(tiny, capsys, arguments, hint):
    assert cli.main(["features", *arguments]) == 2
    assert hint in capsys.readouterr().err


def test_time_is_up_ends_with_three(tiny, capsys):
    assert (
        cli.main(
            ["features", "--set", "adfes", "--detector", "simulator", "--max-minutes", "0.0000001"]
        )
        == 3
    )
    assert "goes on from here" in capsys.readouterr().err


def test_options_are_given_only_where_they_are_taken():
    assert (
        data.takes("aff_wild", "kind")
        and data.takes("ravdess", "modality")
        and not data.takes("adfes", "modality")
    )
