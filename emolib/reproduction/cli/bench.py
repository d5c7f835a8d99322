"""What the benchmarks found, as one CSV: `./reproduce.sh bench` writes it, the README shows it."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pandas as pd

from emolib.ground import settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.report import files as results

COLUMNS = ("bench", "case", "measure", "value", "median_s", "spread_s", "rounds")
PATHS = "bench_paths"  # the bench whose rows the README's table of growth and floors is made of


def table(report: Path) -> pd.DataFrame:
    """pytest-benchmark's JSON as long rows: one for each measure of each case, with the seconds of the timed call and their spread (IQR)."""
    try:
        found = json.loads(Path(report).read_text())["benchmarks"]
    except (OSError, ValueError, KeyError, TypeError):
        raise EmolibError(
            f"{report}: not a report of pytest-benchmark; expected what --benchmark-json writes"
        ) from None
    rows = []
    for one in found:
        bench, case = (
            Path(one["fullname"].split("::")[0]).stem,
            one.get("param") or one["name"].removeprefix("test_"),
        )
        common = {
            "bench": bench,
            "case": case,
            "median_s": one["stats"]["median"],
            "spread_s": one["stats"]["iqr"],
            "rounds": one["stats"]["rounds"],
        }
        measures = one.get("extra_info") or {"a second": 1 / one["stats"]["median"]}
        rows += [common | {"measure": name, "value": value} for name, value in measures.items()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def machine() -> dict[str, str]:
    """What the numbers belong to: processor, cores, system, versions."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in _lines("/proc/cpuinfo")
            if line.startswith("model name")
        ),
        platform.processor() or "unknown",
    )
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "commit": results.commit(),
        "python": platform.python_version(),
        **results.environment()["versions"],
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def write(report: Path, path: Path) -> Path:
    """Write the CSV and, beside it, the machine; returns the CSV."""
    results.write(path, results.table_text(table(report)))
    results.write(path.with_suffix(".json"), json.dumps(machine(), indent=1, sort_keys=True) + "\n")
    return path


def growth(path: Path | None = None) -> str:
    """The README's table of hot paths from a committed CSV: speed, growth, floor. Empty text where nothing has been measured."""
    path = path or settings.project() / "results" / "bench.csv"
    if not path.exists():
        return "Nothing has been measured yet: `./reproduce.sh bench --keep`."
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    wide = frame[frame.bench == PATHS].pivot_table(
        index="case", columns="measure", values="value", aggfunc="first", sort=False
    )
    about = json.loads(path.with_suffix(".json").read_text())
    lines = [
        "| hot path | a second | grows as | the machine's floor | limited by |",
        "|---|---|---|---|---|",
    ]
    for case, row in wide.iterrows():
        lines.append(
            f"| {case} | {float(row['a second']):,.0f} {row['unit']} | work^{row['exponent']} | {float(row['floor, a second']):,.0f} | {row['floor set by']} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            f"One thread of {about['processor']}; every other benchmark beside its peer is in [results/bench.csv](results/bench.csv).",
        ]
    )
