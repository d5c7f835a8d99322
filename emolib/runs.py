"""A grid of runs: stored, resumable, parallel, on one machine or a cluster.

A run is a plain function of JSON-able keyword arguments that returns plain values and arrays. Its
result is stored under a key made of the function, its arguments (data sets stand there with their
fingerprints) and the emolib sources the function imports; so a run is computed once, an edit of the
code it uses computes it again, and a killed command goes on where it stopped.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from emolib import settings
from emolib.errors import EmolibError

# Sources that do not count: what these hand out stands in the arguments with a fingerprint of its content, and
# messages and places change no number. Otherwise an edit of one simulator would compute every study again.
PINNED = ("emolib", "emolib.data", "emolib.settings", "emolib.errors")

THREADS = 1        # per run, wherever it runs: more threads would change the order of sums, and so the bytes
# joblib ends a process that has grown by 3e8 bytes, as if it leaked; ours keep the data they have read. The next one imports all anew, and
# where several end at once the command waits for ever.
GROWTH = float("inf")


# ---------------------------------------------------------------- keys

def key(fn: Callable, arguments: dict) -> str:
    """32 hex digits that name one run: function, arguments and the sources the function stands on."""
    try:
        plain = json.dumps(arguments, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EmolibError(f"run {fn.__qualname__}: arguments must be plain JSON values ({error})") from None
    text = "\n".join([f"{fn.__module__}.{fn.__qualname__}", plain, sources_hash(fn.__module__)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@functools.cache
def sources_hash(module: str) -> str:
    """SHA-256 over the source of `module` and of every emolib module it imports, directly or not, but PINNED."""
    seen, todo = {}, [module]
    while todo:
        name = todo.pop()
        if name in seen or name in PINNED:
            continue
        origin = importlib.util.find_spec(name).origin
        seen[name] = Path(origin).read_bytes() if origin else b""             # a folder without __init__.py has no source
        todo += [m for m in _imported(seen[name], name) if m.split(".")[0] == "emolib" and m not in seen]
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name}\0{len(seen[name])}\0".encode() + seen[name])
    return digest.hexdigest()


def _imported(source: bytes, module: str) -> Iterator[str]:
    """Modules named in the import statements of `source`, those inside functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:                                   # relative: counted from the package of `module`
                base = importlib.util.resolve_name("." * node.level + base, module.rpartition(".")[0])
            yield base
            for alias in node.names:                         # `from emolib import metrics` names a module too
                with contextlib.suppress(ModuleNotFoundError, ValueError):
                    if base.startswith("emolib") and importlib.util.find_spec(f"{base}.{alias.name}"):
                        yield f"{base}.{alias.name}"


# ---------------------------------------------------------------- the store

class Store:
    """Results on disk: <key>.json (plain values, checksums, provenance) beside <key>.npz (arrays).

    The arrays are written first and the JSON last, each under a temporary name that is then renamed: an
    entry exists when its JSON does, and is whole when both checksums hold. A damaged entry counts as
    absent and is said.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def read(self, name: str) -> dict | None:
        """The stored entry {'value', 'seconds', 'command', 'device'}, or None if absent or damaged."""
        path = self._path(name)
        if not path.exists():
            return None
        try:
            entry = json.loads(path.read_bytes())
            body = entry["body"]
            if _sum_of(body, entry["about"]) != entry["checksum"]:
                raise ValueError("its values do not match their checksum")
            arrays = {}
            if body["arrays"]:
                raw = path.with_suffix(".npz").read_bytes()
                if _sha(raw) != body["arrays"]:
                    raise ValueError("its arrays do not match their checksum")
                with np.load(path.with_suffix(".npz"), allow_pickle=False) as file:
                    arrays = {k: file[k] for k in file.files}
            if settings.fresh() and entry["about"]["command"] != settings.command():
                return None                                  # --fresh: only what this command itself computed counts
            return {"value": _join(body["value"], arrays), **entry["about"]}
        except (ValueError, KeyError, TypeError, OSError) as error:
            print(f"run store: {path} is damaged ({error}); computing it again", file=sys.stderr)
            return None

    def write(self, name: str, value, about: dict) -> None:
        """Store one result; on a full disk or a kill nothing half-written is left under the final name."""
        path = self._path(name)
        arrays: dict[str, np.ndarray] = {}
        body = {"value": _split(value, arrays), "arrays": None}
        about = json.loads(json.dumps(about))                # as it will be read: the checksum covers it too
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if arrays:
                with partial.open("wb") as file:
                    np.savez_compressed(file, **arrays)
                body["arrays"] = _sha(partial.read_bytes())
                partial.replace(path.with_suffix(".npz"))
            partial.write_text(json.dumps({"body": body, "checksum": _sum_of(body, about), "about": about}))
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):               # the folder itself may be what is missing
                partial.unlink()
            raise EmolibError(f"run store: {path} cannot be written ({error.strerror or error}); what was finished before is stored; "
                              "free space or choose another --cache, and the same command goes on from here") from None

    def scratch(self, name: str) -> Path:
        """Where the run `name` may keep a checkpoint while it is under way."""
        return self.folder / "checkpoints" / name

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.json"


def _sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _sum_of(body: dict, about: dict) -> str:
    return _sha(json.dumps([body, about], sort_keys=True).encode())


def _split(value, arrays: dict):
    """Plain JSON with {'__array__': name} in place of each array, which goes to `arrays`."""
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise EmolibError("a run returned an array of Python objects: return numbers or fixed-length text")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"__array__": name}
    if isinstance(value, dict):
        return {str(k): _split(v, arrays) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_split(v, arrays) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise EmolibError(f"a run returned a {type(value).__name__}: expected plain values, lists, dicts and arrays")


def _as_read(value, about: dict) -> dict:
    """The entry that reading this one back would give."""
    arrays: dict[str, np.ndarray] = {}
    return {"value": _join(_split(value, arrays), arrays), **about}


def _join(plain, arrays: dict):
    if isinstance(plain, dict):
        return arrays[plain["__array__"]] if "__array__" in plain else {k: _join(v, arrays) for k, v in plain.items()}
    return [_join(v, arrays) for v in plain] if isinstance(plain, list) else plain


# ---------------------------------------------------------------- the ledger: what a table was made from

@dataclass(frozen=True)
class Used:
    """One run that was asked for: its key, its own seconds, and whether it stood before this command began."""

    key: str
    seconds: float
    cached: bool
    device: str


_ledger: list[Used] = []


def ledger(clear: bool = False) -> list[Used]:
    """The runs asked for since the ledger was last cleared; reports take their `cached` and `device` from it."""
    taken = list(_ledger)
    if clear:
        _ledger.clear()
    return taken


def once(study: Callable) -> Callable:
    """Decorator for the functions of a study: computed once per process, arguments and place of the data.

    A table and the figures drawn from it often ask for the same outcome. A repeated call returns the kept one,
    which is read only, and still puts the runs behind it into the ledger.
    """
    kept: dict = {}

    @functools.wraps(study)
    def wrapped(*arguments, **options):
        name = (arguments, tuple(sorted(options.items())), settings.data_root(), settings.cache())
        if name not in kept:
            before = len(_ledger)
            kept[name] = (study(*arguments, **options), _ledger[before:])
        else:
            _ledger.extend(kept[name][1])
        return kept[name][0]

    return wrapped


# ---------------------------------------------------------------- running

def map(fn: Callable, grid: Sequence[dict], *, jobs: int | None = None, store: Path | Store | None = None,
        cluster: str | None = None, label: str = "") -> list:
    """Results of fn(**arguments) for each `arguments` in `grid`, in that order; only missing ones are computed.

    jobs     processes (default: settings.jobs()); with 1 the runs happen in this process
    store    folder of the run store (default: settings.cache() / 'runs')
    cluster  address of a Dask scheduler, or 'local:N' for N workers started here (default: this machine)

    Two equal entries of the grid are one run. An error in a run names its arguments; results that were
    finished before it stay stored. After --max-minutes no further run is started and EmolibError says so.
    """
    store = store if isinstance(store, Store) else Store(store or settings.cache() / "runs")
    cluster = cluster or settings.cluster()
    names = [key(fn, arguments) for arguments in grid]
    entries = {name: store.read(name) for name in dict.fromkeys(names)}
    missing = {name: arguments for name, arguments in zip(names, grid, strict=True) if entries[name] is None}
    if missing:
        for name, value, seconds in _compute(fn, missing, jobs or settings.jobs(), store, cluster, label):
            about = {"seconds": seconds, "command": settings.command(), "device": settings.device(),
                     "run": f"{fn.__module__}.{fn.__qualname__}", "arguments": missing[name]}
            store.write(name, value, about)
            # what a later command would read, to the last bit; if another command in this folder has just written over it, what we have
            entries[name] = store.read(name) or _as_read(value, about)
    _ledger.extend(Used(n, e["seconds"], e["command"] != settings.command(), e["device"]) for n, e in entries.items())
    return [entries[name]["value"] for name in names]


def _compute(fn, missing: dict, jobs: int, store: Store, cluster: str | None, label: str):
    """Yield (name, value, seconds) as runs finish, under one progress bar."""
    jobs = 1 if settings.device() == "cuda" and not cluster else max(1, min(jobs, len(missing)))
    bar = tqdm(total=len(missing), desc=label or fn.__name__.lstrip("_"), unit="run", delay=1,
               mininterval=0.1 if sys.stderr.isatty() else 5.0)          # in a log, a line every five seconds
    calls = [(fn, name, arguments, store.scratch(name), settings.deadline()) for name, arguments in missing.items()]
    with bar:
        for found in _far(calls, cluster) if cluster else _near(calls, jobs):
            bar.update()
            yield found


def _near(calls: list[tuple], jobs: int):
    """On this machine: in this process, or in `jobs` of them."""
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    try:
        with parallel_config(backend="loky" if jobs > 1 else "sequential", inner_max_num_threads=THREADS if jobs > 1 else None):
            yield from Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(delayed(_one)(*call) for call in calls)
    except TerminatedWorkerError:
        raise EmolibError(f"one of {jobs} processes was killed, most likely because memory ran out; what is finished is stored, and the "
                          f"same command with fewer of them (--jobs {jobs // 2}) goes on from here") from None


def _far(calls: list[tuple], cluster: str):
    """On a Dask cluster. Not through joblib's backend: with a single worker at the start it computes in the process that asks,
    and nobody who joins later finds anything to do. Dask begins the runs of a dead worker anew elsewhere.
    """
    try:
        from distributed import CancelledError, Client, as_completed
        from distributed.client import FutureCancelledError
        from distributed.comm import CommClosedError
    except ImportError:
        raise EmolibError("--cluster needs the package 'distributed': pip install 'emolib[cluster]'") from None
    local = cluster.removeprefix("local:") if cluster.startswith("local:") else None
    try:
        client = Client(n_workers=int(local), threads_per_worker=1, dashboard_address=None) if local \
            else Client(cluster, timeout="10s")
    except (OSError, ValueError) as error:
        raise EmolibError(f"--cluster {cluster}: no scheduler answers there ({error}); "
                          "expected tcp://host:port or local:N") from None
    with client:
        try:
            for future in as_completed([client.submit(_one, *call, pure=False) for call in calls]):
                yield future.result()
                future.release()
        except (CancelledError, FutureCancelledError, CommClosedError):
            raise EmolibError(f"--cluster {cluster}: the scheduler is gone; what is finished is stored, and the same command, with a "
                              "scheduler that answers or without --cluster, goes on from here") from None


_current_scratch: Path | None = None


def scratch(name: str = "checkpoint") -> Path | None:
    """A file the run that is under way may resume from, or None outside `map`."""
    return None if _current_scratch is None else _current_scratch.with_name(f"{_current_scratch.name}-{name}.safetensors")


def _one(fn, name, arguments, where: Path, deadline: float | None):
    """One run in its process: fixed threads, its own scratch place, an error that names the arguments."""
    from joblib.externals.loky import process_executor

    global _current_scratch

    if deadline is not None and time.time() > deadline:
        raise EmolibError("time is up (--max-minutes): what is finished is stored; the same command goes on from here")
    process_executor._MAX_MEMORY_LEAK_SIZE = GROWTH
    start, threads = time.perf_counter(), _set_threads(THREADS)
    _current_scratch = where
    try:
        with threadpool_limits(THREADS):                     # BLAS and OpenMP too: with jobs=1 no pool limits them
            value = fn(**arguments)
    except EmolibError as error:
        raise EmolibError(f"{error} [run {fn.__name__}({_short(arguments)})]") from None
    except Exception as error:
        error.add_note(f"in run {fn.__name__}({_short(arguments)})")
        raise
    finally:
        _current_scratch = None
        _set_threads(threads)
    return name, value, time.perf_counter() - start


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
