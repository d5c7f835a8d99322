"""Seconds and peak memory of loading each set: the stand-in written to files at its smallest, and the real one where it is at hand.

`emolib bench -k sets -s` prints the table; memory is Python's and NumPy's own (tracemalloc), in MB.
"""

import tracemalloc

import pytest
import sim_files

from emolib import data
from emolib.data.catalog import CATALOG
from emolib.data.sim import worlds

NAMES = tuple(CATALOG)


def peak(load) -> float:
    tracemalloc.start()
    try:
        load()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", list(worlds.WORLDS))
def test_sets_from_written_files(benchmark, tmp_path, name):
    world = worlds.make(name, "smoke")
    if hasattr(world, "content"):
        world = world.select(range(min(4, len(world))))
    sim_files.write(world, tmp_path)
    load = lambda: data.load(name, root=tmp_path)  # noqa: E731
    benchmark.group = "sets, written by the simulator"
    benchmark.extra_info |= {"samples": len(world), "peak_MB": round(peak(load), 1)}
    benchmark.pedantic(load, rounds=3)
    print(
        f"{name:15} {len(world):6} samples {benchmark.stats.stats.median:8.3f} s {benchmark.extra_info['peak_MB']:8.1f} MB"
    )


@pytest.mark.parametrize("name", NAMES)
def test_real_sets(benchmark, real_data, name):
    if not data.at_hand(name):
        pytest.skip(f"NOT MEASURED: no real {name} in {real_data}")
    load = lambda: data.load(name, source="real")  # noqa: E731
    benchmark.group = "real sets, after the first time"
    first = peak(load)
    benchmark.extra_info["peak_MB"] = round(peak(load), 1)
    benchmark.pedantic(load, rounds=3)
    print(
        f"{name:15} {len(load()):6} samples {benchmark.stats.stats.median:8.3f} s {benchmark.extra_info['peak_MB']:8.1f} MB (first time {first:.1f} MB)"
    )
