"""A grid of runs: stored, resumable, parallel, on one machine or a cluster.

A run is a plain function of JSON-able keyword arguments that returns plain values and arrays. Its
result is stored under a key made of the function, its arguments (data sets stand there with their
fingerprints) and the emolib sources the function imports; so a run is computed once, an edit of the
code it uses computes it again, and a killed command goes on where it stopped.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from emolib.ground import bars, settings
from emolib.ground.errors import EmolibError
from emolib.reproduction.runs.keys import key
from emolib.reproduction.runs.store import Store, as_read

# Per run, wherever it runs: more threads would change the order of sums, and so the bytes
THREADS = 1
# joblib ends a process that has grown by 3e8 bytes, as if it leaked; ours keep the data they have
# read. The next one imports all anew, and where several end at once the command waits for ever.
GROWTH = float("inf")


# ---------------------------------------------------------------- what a table was made from


@dataclass(frozen=True)
class Used:
    """A run that was asked for, its own seconds, and whether it stood before this command began."""

    key: str
    seconds: float
    cached: bool
    device: str


_ledger: list[Used] = []


def ledger(clear: bool = False) -> list[Used]:
    """The runs asked for since the ledger was last cleared: a report's `cached` and `device`."""
    taken = list(_ledger)
    if clear:
        _ledger.clear()
    return taken


def remember(used: Sequence[Used]) -> None:
    """Put runs into the ledger again: a result that is held was asked for once more."""
    _ledger.extend(used)


# ---------------------------------------------------------------- running


def map(
    fn: Callable,
    grid: Sequence[dict],
    *,
    jobs: int | None = None,
    store: Path | Store | None = None,
    cluster: str | None = None,
    label: str = "",
    host: bool = False,
) -> list:
    """Results of fn(**arguments) for each `arguments` in `grid`; missing ones are computed.

    jobs     processes (default: settings.jobs()); with 1 the runs happen in this process
    store    folder of the run store (default: settings.cache() / 'runs')
    cluster  address of a Dask scheduler, or 'local:N' for N workers here (default: this machine)
    host     these runs have no tensor on a GPU: they go side by side also where the device is one

    Two equal entries of the grid are one run. An error in a run names its arguments; what was
    finished before it stays stored. After --max-minutes no further run starts (EmolibError).
    """
    store = store if isinstance(store, Store) else Store(store or settings.cache() / "runs")
    cluster = cluster or settings.cluster()
    names = [key(fn, arguments) for arguments in grid]
    entries = {name: store.read(name) for name in dict.fromkeys(names)}
    place = "cpu" if host else settings.device()
    if place == "cuda":
        _say_foreign(entries, label or fn.__name__)
    missing = {
        name: arguments
        for name, arguments in zip(names, grid, strict=True)
        if entries[name] is None
    }
    if place == "cuda" and not cluster:
        jobs = 1  # a GPU serves one process
    made = ()
    if missing:
        made = _compute(fn, missing, jobs or settings.jobs(), store, cluster, label, host)
    for name, value, seconds in made:
        about = {
            "seconds": seconds,
            "command": settings.command(),
            "device": place,
            "run": f"{fn.__module__}.{fn.__qualname__}",
            "arguments": missing[name],
        }
        store.write(name, value, about)
        # what a later command would read, to the last bit; or what we have, if another command has
        # just written over it
        entries[name] = store.read(name) or as_read(value, about)
    for name, entry in entries.items():
        cached = entry["command"] != settings.command()
        _ledger.append(Used(name, entry["seconds"], cached, entry["device"]))
    return [entries[name]["value"] for name in names]


def stored(fn: Callable, arguments: dict) -> bool:
    """Would `map` find this run computed?"""
    return Store(settings.cache() / "runs").read(key(fn, arguments)) is not None


def _say_foreign(entries: dict, label: str) -> None:
    """One line where stored runs of a CPU stand in for a GPU's: the device is no part of a key."""
    kept = [entry["device"] for entry in entries.values() if entry is not None]
    if foreign := len(kept) - kept.count("cuda"):
        print(
            f"{label}: {foreign} of {len(entries)} runs were computed on a CPU and are taken as "
            "they are (--fresh computes them anew)",
            file=sys.stderr,
        )


def _compute(fn, missing: dict, jobs: int, store: Store, cluster: str | None, label: str, host):
    """Yield (name, value, seconds) as runs finish, under one progress bar."""
    jobs = max(1, min(jobs, len(missing)))
    bar = bars.bar(label=label or fn.__name__.lstrip("_"), unit="run", total=len(missing))
    calls = [
        (fn, name, arguments, store.scratch(name), settings.deadline(), host)
        for name, arguments in missing.items()
    ]
    with bar:
        for ended in _far(calls, cluster) if cluster else _near(calls, jobs):
            bar.update()
            yield ended


def _near(calls: list[tuple], jobs: int):
    """On this machine: in this process, or in `jobs` of them."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    where = {"backend": "sequential"}
    if jobs > 1:
        where = {"backend": "loky", "inner_max_num_threads": THREADS}
    try:
        with parallel_config(**where):
            parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
            yield from parallel(delayed(_one)(*call) for call in calls)
    except TerminatedWorkerError:
        raise EmolibError(
            f"one of {jobs} processes was killed, most likely because memory ran out; what is "
            f"finished is stored, and the same command with fewer of them (--jobs {jobs // 2}) "
            "goes on from here"
        ) from None


def _far(calls: list[tuple], cluster: str):
    """On a Dask cluster, which begins the runs of a dead worker anew elsewhere.

    Not through joblib's backend: with a single worker at the start it computes in the process that
    asks, and nobody who joins later finds anything to do.
    """
    try:
        from distributed import CancelledError, Client, as_completed
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
    except ImportError:
        raise EmolibError(
            "--cluster needs the package 'distributed': pip install 'emolib[cluster]'"
        ) from None
    try:
        if cluster.startswith("local:"):
            workers = int(cluster.removeprefix("local:"))
            client = Client(n_workers=workers, threads_per_worker=1, dashboard_address=None)
        else:
            client = Client(cluster, timeout="10s")
    except (OSError, ValueError) as error:
        raise EmolibError(
            f"--cluster {cluster}: no scheduler answers there ({error}); "
            "expected tcp://host:port or local:N"
        ) from None
    with client:
        try:
            futures = [client.submit(_one, *call, pure=False) for call in calls]
            for future in as_completed(futures):
                yield future.result()
                future.release()
        except (CancelledError, FutureCancelledError, CommClosedError):
            raise EmolibError(
                f"--cluster {cluster}: the scheduler is gone; what is finished is stored, and the "
                "same command, with a scheduler that answers or without --cluster, "
                "goes on from here"
            ) from None


_current_scratch: Path | None = None


def scratch(name: str = "checkpoint") -> Path | None:
    """A file the run that is under way may resume from, or None outside `map`."""
    if _current_scratch is None:
        return None
    return _current_scratch.with_name(f"{_current_scratch.name}-{name}.safetensors")


def _one(fn, name, arguments, where: Path, deadline: float | None, host: bool):
    """One run in its process: fixed threads, a scratch place, an error that names the arguments."""
    from joblib.externals.loky import process_executor

    global _current_scratch

    if deadline is not None and time.time() > deadline:
        raise EmolibError(
            "time is up (--max-minutes): what is finished is stored; "
            "the same command goes on from here"
        )
    process_executor._MAX_MEMORY_LEAK_SIZE = GROWTH
    start, threads = time.perf_counter(), _set_threads(THREADS)
    _current_scratch, asked = where, os.environ.get("EMOLIB_DEVICE")
    if host:  # so that none of many processes opens a GPU
        os.environ["EMOLIB_DEVICE"] = "cpu"
    try:
        with threadpool_limits(THREADS):  # BLAS and OpenMP too: with jobs=1 no pool limits them
            value = fn(**arguments)
    except EmolibError as error:
        raise EmolibError(f"{error} [run {fn.__name__}({_short(arguments)})]") from None
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":  # PyTorch's, by name: a run may not need it
            raise EmolibError(_too_large(fn, arguments)) from None
        error.add_note(f"in run {fn.__name__}({_short(arguments)})")
        raise
    finally:
        _current_scratch = None
        if host:
            os.environ.pop("EMOLIB_DEVICE")
            os.environ |= {} if asked is None else {"EMOLIB_DEVICE": asked}
        _set_threads(threads)
    return name, value, time.perf_counter() - start


def _too_large(fn, arguments: dict) -> str:
    """What to say when the GPU's memory runs out: the batch, and what to do."""
    nested = [arguments, *(v for v in arguments.values() if isinstance(v, dict))]
    batch = next((some["batch"] for some in nested if "batch" in some), "unknown size")
    return (
        f"the GPU's memory ran out with batches of {batch} [run {fn.__name__}]: end what else uses "
        "the GPU, or take a smaller batch (--set batch=N where the notebook has that parameter) or "
        "--device cpu; what is finished is stored, and the same command goes on from here"
    )


def _set_threads(count: int) -> int:
    """Fix PyTorch's threads for a run and return what they were."""
    if "torch" not in sys.modules and not importlib.util.find_spec("torch"):
        return count
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    return before


def _short(arguments: dict, limit: int = 160) -> str:
    text = ", ".join(f"{k}={v!r}" for k, v in arguments.items())
    return text if len(text) <= limit else text[:limit] + " ..."
