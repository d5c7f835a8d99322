"""Where things are and how much to use: read from the environment, so that notebooks name no path.

The command line writes these variables before it starts anything; a reader in JupyterLab gets the
defaults. Nothing here changes a result: results depend on profile, data and seed only.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

from emolib.ground.errors import EmolibError


def project() -> Path:
    """The folder that places are relative to: the checkout, else the working directory."""
    checkout = Path(__file__).resolve().parents[2]
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def search_path() -> str:
    """$PYTHONPATH for processes that start in another folder: a checkout need not be installed."""
    checkout = [str(project())] if (project() / "pyproject.toml").is_file() else []
    places = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    return os.pathsep.join(dict.fromkeys([*checkout, *places]))


def data_root() -> Path:
    """Folder of the real data sets: $EMOLIB_DATA, else data/. It need not exist.

    EmolibError where something else stands there: a file would otherwise mean that no set is.
    """
    root = Path(os.environ.get("EMOLIB_DATA") or project() / "data")
    place = next((p for p in (root, *root.parents) if os.path.lexists(p)), root)
    if os.path.lexists(place) and not place.is_dir():
        raise EmolibError(
            f"data folder {root} (EMOLIB_DATA): {place} is no folder, expected a folder"
        )
    return root


def models() -> list[Path]:
    """Folders of the detectors' model files: models/ in the data folder, then $EMOLIB_ASSETS."""
    further = os.environ.get("EMOLIB_ASSETS")
    return [data_root() / "models", *([Path(further)] if further else [])]


def cache() -> Path:
    """Folder of stored runs, simulated sets and features: $EMOLIB_CACHE, else .cache/."""
    return Path(os.environ.get("EMOLIB_CACHE") or project() / ".cache")


def results(profile: str) -> Path:
    """Folder a run of `profile` writes to: $EMOLIB_OUT, else results/local/<profile>."""
    return Path(os.environ.get("EMOLIB_OUT") or project() / "results" / "local" / profile)


def committed(profile: str) -> Path:
    """The reference results of `profile` that the project ships."""
    return project() / "results" / profile


def jobs() -> int:
    """Processes that runs are spread over: $EMOLIB_JOBS, else the processors this one may use."""
    wanted = os.environ.get("EMOLIB_JOBS")
    if not wanted:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    if not wanted.isdecimal() or int(wanted) < 1:
        raise EmolibError(f"--jobs is '{wanted}': expected a whole number of at least 1")
    return int(wanted)


def cluster() -> str | None:
    """Address of a Dask scheduler, or None for this machine alone: $EMOLIB_CLUSTER."""
    return os.environ.get("EMOLIB_CLUSTER") or None


def device(asked: str | None = None) -> str:
    """'cpu' or 'cuda': `asked`, else $EMOLIB_DEVICE; 'auto' (the default) takes a GPU if there is
    one, and says in one line when a driver too old for PyTorch makes it take the CPU."""
    wanted = asked or os.environ.get("EMOLIB_DEVICE") or "auto"
    if wanted not in ("auto", "cpu", "cuda"):
        raise EmolibError(f"--device is '{wanted}': expected cpu, cuda or auto")
    if wanted == "cpu":
        return "cpu"
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what PyTorch says of an old driver, we say below
        if torch.cuda.is_available():
            return "cuda"
    driver = _driver()
    why = f"PyTorch {torch.__version__} is built for CUDA {torch.version.cuda or 'of no version'}"
    why += f", which this machine's driver {driver} does not serve"
    if wanted == "cuda":
        raise EmolibError(
            f"--device cuda: PyTorch sees no GPU here{f' ({why})' if driver else ''}; "
            "use --device cpu, or check the driver with nvidia-smi"
        )
    if driver:
        print(f"emolib: {why}: computing on the CPU", file=sys.stderr)
        os.environ["EMOLIB_DEVICE"] = "cpu"  # settled for every process that starts from here
    return "cpu"


def _driver(file: Path = Path("/proc/driver/nvidia/version")) -> str:
    """The version of NVIDIA's driver, as Linux has it; '' where there is none."""
    words = file.read_text().split() if file.exists() else []
    return next((word for word in words if word[0].isdigit() and "." in word), "")


def command() -> str:
    """Names the command that is running (one per reproduce.sh or kernel): tells stored runs from
    fresh ones."""
    return os.environ.setdefault("EMOLIB_COMMAND", f"{os.getpid()}-{os.urandom(4).hex()}")


def fresh() -> bool:
    """Compute anew, whatever is stored (--fresh)? $EMOLIB_FRESH, set to anything."""
    return bool(os.environ.get("EMOLIB_FRESH"))


def deadline() -> float | None:
    """Unix time after which no run is started (--max-minutes), or None: $EMOLIB_DEADLINE."""
    wanted = os.environ.get("EMOLIB_DEADLINE")
    return float(wanted) if wanted else None
