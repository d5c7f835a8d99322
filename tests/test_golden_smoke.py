"""Every notebook at smoke on simulated data gives the bytes of tests/golden/smoke.csv.

The file holds a SHA-256 for each table, figure and the claims, as they come out on one kind of machine (its first
row); elsewhere rows and sums must agree within the project's tolerance. `python tests/test_golden_smoke.py FOLDER`
writes it anew from a result folder: only where an issue changes results on purpose.
"""

import hashlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from emolib.reproduction.report.files import ABSOLUTE, RELATIVE

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "smoke.csv"
MACHINE = "(machine)"


def machine() -> str:
    """What decides the last digits: system, processor (model and instructions), PyTorch."""
    vectors = torch.backends.cpu.get_cpu_capability()
    version = torch.__version__.split("+")[0]
    about = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = "-".join(re.findall(r"^(?:cpu family|model)\s*: (\d+)", about, re.MULTILINE)[:2])
    return f"{platform.system()} {platform.machine()} {model} {vectors} torch {version}"


def measured(folder: Path) -> pd.DataFrame:
    """file, rows, sum of the absolute values of its numbers, sha256: of every CSV in a result folder."""
    rows = []
    for path in sorted(
        [*folder.glob("tables/*.csv"), *folder.glob("figures/*.csv"), folder / "claims.csv"]
    ):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        numbers = frame.apply(pd.to_numeric, errors="coerce").abs()
        about = {"file": path.relative_to(folder).as_posix(), "rows": len(frame)}
        about["sum"] = f"{numbers.sum().sum():.6g}"
        rows.append(about | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    return pd.DataFrame(rows)


def faults(now: pd.DataFrame, golden: pd.DataFrame, pinned: bool) -> list[str]:
    """What differs from the golden rows: bytes on the pinned machine, rows and sums elsewhere."""
    both = golden.merge(now, on="file", how="outer", suffixes=("", "_now"), indicator="side")
    found = [
        f"{r.file}: only {'golden' if r.side == 'left_only' else 'made'}"
        for r in both[both.side != "both"].itertuples()
    ]
    for row in both[both.side == "both"].itertuples():
        if pinned and row.sha256 != row.sha256_now:
            found.append(f"{row.file}: other bytes")
        total, total_now = float(row.sum), float(row.sum_now)
        allowed = ABSOLUTE * int(row.rows) + RELATIVE * abs(total)
        if int(row.rows) != int(row.rows_now) or abs(total - total_now) > allowed:
            found.append(
                f"{row.file}: {row.rows_now} rows, sum {row.sum_now}; golden {row.rows}, {row.sum}"
            )
    return found


def read_golden() -> tuple[str, pd.DataFrame]:
    table = pd.read_csv(GOLDEN, dtype=str, keep_default_na=False)
    return table.sha256[table.file == MACHINE].iloc[0], table[table.file != MACHINE]


def write(folder: Path) -> None:
    head = pd.DataFrame([{"file": MACHINE, "rows": 0, "sum": 0, "sha256": machine()}])
    pd.concat([head, measured(folder)]).to_csv(GOLDEN, index=False, lineterminator="\n")


def test_the_check_itself_can_fail():
    golden = pd.DataFrame(
        {"file": ["a", "b"], "rows": ["1", "2"], "sum": ["5", "7"], "sha256": ["x", "y"]}
    )
    assert faults(golden, golden, pinned=True) == []
    assert faults(golden.assign(sha256="z"), golden, pinned=True)
    assert not faults(golden.assign(sha256="z"), golden, pinned=False)
    assert faults(golden.assign(sum="9"), golden, pinned=False)
    assert faults(golden[:1], golden, pinned=False) and faults(golden, golden[:1], pinned=False)


@pytest.mark.slow
def test_smoke_gives_the_golden_bytes(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("EMOLIB_")}
    environment["PYTHONPATH"] = str(ROOT)
    places = ["--out", tmp_path / "out", "--cache", tmp_path / "cache"]
    (tmp_path / "none").mkdir()
    command = [
        sys.executable,
        "-P",
        "-m",
        "emolib",
        "reproduce",
        "--profile",
        "smoke",
        "--device",
        "cpu",
    ]
    command += ["--data", tmp_path / "none", *places]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    kind, golden = read_golden()
    assert faults(measured(tmp_path / "out"), golden, pinned=kind == machine()) == []


if __name__ == "__main__":
    write(Path(sys.argv[1]))
