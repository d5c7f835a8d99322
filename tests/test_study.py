"""A study at one profile: parts are made once, knobs are checked, and every table knows its runs."""

from dataclasses import dataclass

import pandas as pd
import pytest

from emolib.ground.errors import EmolibError
from emolib.reproduction import runs
from emolib.reproduction.runs import grid, held, part

CALLS = []


@dataclass(frozen=True)
class Sizes:
    width: int = 8
    epochs: int = 3


def double(*, n: int) -> int:
    return 2 * n


class Study(runs.Study):
    SIZES = {"smoke": Sizes(width=2), "quick": Sizes(), "full": Sizes(width=64)}

    @part
    def doubled(self) -> list[int]:
        CALLS.append(self.profile)
        return grid.map(double, [{"n": self.sizes.width}, {"n": 1}], jobs=1)


@held
def table(study: Study, factor: int = 1):
    return study.outcome(
        pd.DataFrame({"measured": [factor * v for v in study.doubled]}, index=[5, 9])
    )


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_CACHE", str(tmp_path))
    CALLS.clear()
    grid.ledger(clear=True)


def test_a_part_is_made_once_for_each_study():
    study, other = Study("smoke"), Study("smoke")
    assert table(study).frame.measured.tolist() == [4, 2] and table(study) is table(study)
    assert table(study, 3).frame.measured.tolist() == [12, 6]
    assert CALLS == ["smoke"]
    table(other)
    assert CALLS == ["smoke", "smoke"]


def test_asking_again_names_the_runs_again():
    study = Study("smoke")
    table(study)
    first = grid.ledger(clear=True)
    assert len(first) == 2
    table(study)
    assert grid.ledger(clear=True) == first
    table(study, 2)
    assert grid.ledger(clear=True) == first, "through the part that it reads"


def test_knobs_change_sizes_and_none_leaves_them():
    assert Study("quick", width=None).sizes == Sizes()
    assert Study("quick", width=5, epochs=None).sizes == Sizes(width=5)
    assert Study("full", epochs=1).sizes == Sizes(width=64, epochs=1)


def test_misspelt_names_raise_with_the_nearest():
    with pytest.raises(EmolibError, match="did you mean width"):
        Study("quick", widht=3)
    with pytest.raises(EmolibError, match="did you mean quick"):
        Study("qiuck")


def test_an_outcome_carries_its_caps_and_a_plain_index():
    outcome = table(Study("quick", epochs=1))
    assert outcome.caps == {"width": 8, "epochs": 1} and outcome.profile == "quick"
    assert outcome.sources == {} and outcome.frame.index.tolist() == [0, 1]
