"""nbval runs the start notebook as a reader would, cell by cell; every cell has to pass."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_start_notebook_runs_under_nbval(tmp_path):
    shown = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--nbval-lax",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "ignore",
            "notebooks/00_start_here.ipynb",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout[-2000:] + shown.stderr[-500:]
