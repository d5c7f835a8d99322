"""Killed at any moment, run again: the same bytes as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emolib import results

ROOT = Path(__file__).parent.parent


def start(place: Path) -> subprocess.Popen:
    """`reproduce --only 20` at smoke in a session of its own, so that all it starts can be killed with it."""
    command = [sys.executable, "-m", "emolib", "reproduce", "--profile", "smoke", "--only", "20", "--cache", str(place / "cache"),
               "--out", str(place / "out")]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                            env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.drill
def test_killed_three_times_it_ends_with_the_same_bytes(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    begun = time.perf_counter()
    assert start(whole).wait(600) == 0
    seconds = time.perf_counter() - begun
    for share in (0.3, 0.5, 0.8):
        run = start(broken)
        time.sleep(share * seconds)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    assert start(broken).wait(600) == 0
    kept = [p.relative_to(whole / "out") for kind in ("tables/*.csv", "figures/*.csv", "figures/*.svg", "claims.csv")
            for p in (whole / "out").glob(kind)]
    assert len(kept) > 25
    different = [str(p) for p in kept if (whole / "out" / p).read_bytes() != (broken / "out" / p).read_bytes()]
    assert different == [] and results.problems(broken / "out") == []
