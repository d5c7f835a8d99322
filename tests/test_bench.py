"""The CSV of the benchmarks and the README's table made of it."""

import json

import pandas as pd
import pytest

from emolib.ground.errors import EmolibError
from emolib.reproduction.cli import bench

PATH = {
    "unit": "clips",
    "a second": 2391.0,
    "floor, a second": 6168.0,
    "exponent": 1.0,
    "floor set by": "arithmetic",
}


@pytest.fixture
def report(tmp_path):
    """A report of pytest-benchmark with one hot path and one bench that measured nothing but time."""
    stats = {"median": 0.5, "iqr": 0.1, "rounds": 3}
    found = [
        {
            "fullname": "tests/bench_paths.py::test_growth_and_floor[log-mel]",
            "name": "test_growth_and_floor[log-mel]",
            "param": "log-mel",
            "stats": stats,
            "extra_info": PATH,
        },
        {
            "fullname": "tests/bench_x.py::test_y",
            "name": "test_y",
            "param": None,
            "stats": stats,
            "extra_info": {},
        },
    ]
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"benchmarks": found}))
    return path


def test_each_measure_is_a_row_and_time_alone_becomes_a_rate(report):
    frame = bench.table(report)
    assert len(frame) == len(PATH) + 1 and set(frame.bench) == {"bench_paths", "bench_x"}
    last = frame.iloc[-1]
    assert (last.case, last.measure, last.value, last.spread_s) == ("y", "a second", 2.0, 0.1)


def test_the_readme_reads_what_was_written(report, tmp_path):
    path = bench.write(report, tmp_path / "bench.csv")
    assert (
        list(pd.read_csv(path).columns) == list(bench.COLUMNS)
        and {"cores", "torch", "commit"} <= json.loads(path.with_suffix(".json").read_text()).keys()
    )
    assert "| log-mel | 2,391 clips | work^1.0 | 6,168 | arithmetic |" in bench.growth(path)
    assert "bench --keep" in bench.growth(tmp_path / "nothing.csv")


def test_another_file_is_said(tmp_path):
    (tmp_path / "a.json").write_text("[]")
    for name in ("a.json", "none.json"):
        with pytest.raises(EmolibError, match=name):
            bench.table(tmp_path / name)
