"""Compiled beforehand: what the notebooks will ask for is on disk by then, and the process that compiles never outlives the command."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from emolib.reproduction.cli import warm


def test_the_second_process_ends_with_what_it_stands_beside(monkeypatch, tmp_path):
    note = tmp_path / "pid"
    monkeypatch.setenv("EMOLIB_JOBS", "2")
    monkeypatch.setattr(
        warm,
        "COMMAND",
        (
            sys.executable,
            "-c",
            f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)",
        ),
    )
    start = time.monotonic()
    with pytest.raises(KeyError), warm.beside():
        while not (note.exists() and note.read_text()):
            assert time.monotonic() - start < 20
            time.sleep(0.02)
        raise KeyError
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)
    assert time.monotonic() - start < 30


def test_one_process_stays_one(monkeypatch):
    monkeypatch.setenv("EMOLIB_JOBS", "1")
    monkeypatch.setattr(warm, "COMMAND", ("/no/such/program",))
    with warm.beside():
        pass


@pytest.mark.slow
def test_the_next_process_compiles_nothing_anew(tmp_path):
    environment = os.environ | {"EMOLIB_CACHE": str(tmp_path)}
    subprocess.run(warm.COMMAND, env=environment, check=True, timeout=300)
    compiled = _compiled(tmp_path)
    used = textwrap.dedent("""
        import numpy as np
        from emolib import evm
        from emolib.sim import face, voice
        face.render(face.faces(seed=1, count=30), 48, grey=True)
        face.render(face.faces(seed=1, count=3), 64)
        voice.speak(voice.speakers(0, 3)[2], 1, "happy")
        for mode in evm.MODES:
            evm.magnify(np.random.default_rng(0).integers(0, 255, (60, 96, 96, 3), np.uint8), fps=30, low=0.8, high=3, alpha=5, mode=mode)
    """)
    subprocess.run([sys.executable, "-c", used], env=environment, check=True, timeout=300)
    assert len(compiled) >= 5 and _compiled(tmp_path) == compiled


def _compiled(cache: Path) -> dict[str, int]:
    return {str(p.relative_to(cache)): p.stat().st_mtime_ns for p in sorted(cache.rglob("*.nbc"))}
