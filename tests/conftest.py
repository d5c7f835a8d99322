"""What the tests share: the real data where it is at hand, and an environment that every test leaves as it was."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Times vary too much on shared machines for a limit per example; derandomised, so that a red test stays red.
settings.register_profile("emolib", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("emolib")

DATA = os.environ.get("EMOLIB_DATA")
ASSETS = os.environ.get("EMOLIB_ASSETS") or (
    DATA and str(Path(DATA) / "models")
)  # model files of detectors


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path_factory):
    """Commands write EMOLIB_* variables: no test sees another's, and none touches the project's cache or results."""
    kept = dict(os.environ)
    for name in [n for n in os.environ if n.startswith("EMOLIB_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("places")
    for name in ("DATA", "CACHE", "OUT"):
        monkeypatch.setenv(f"EMOLIB_{name}", str(home / name.lower()))
    monkeypatch.setenv("EMOLIB_DEVICE", "cpu")
    if ASSETS:
        monkeypatch.setenv("EMOLIB_ASSETS", ASSETS)
    yield
    monkeypatch.undo()
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture
def real_data(monkeypatch) -> Path:
    """Folder of the real sets, as $EMOLIB_DATA names it when the tests start; skips without it."""
    if not DATA or not Path(DATA).is_dir():
        pytest.skip(
            f"NOT TESTED ON REAL DATA: $EMOLIB_DATA is {DATA or 'not set'}; point it at the folder of the real sets"
        )
    monkeypatch.setenv("EMOLIB_DATA", DATA)
    return Path(DATA)


@pytest.fixture
def real_sfew(real_data) -> Path:
    if not (real_data / "sfew" / "SFEW.xlsx").exists():
        pytest.skip(f"NOT TESTED ON REAL DATA: no sfew/SFEW.xlsx in {real_data}")
    return real_data


def run_notebook(number: str, place: Path) -> Path:
    """Run a notebook (and the report) at smoke on simulated data, as the command line does; returns its result folder in `place`."""
    from emolib.reproduction.cli import kernels, runner

    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("EMOLIB_")]:
            patch.delenv(name)
        for name, value in {
            "DATA": place / "none",
            "CACHE": place / "cache",
            "OUT": place / "out",
            "DEVICE": "cpu",
            "COMMAND": "test",
        }.items():
            patch.setenv(f"EMOLIB_{name}", str(value))
        patch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
        with kernels.Kernel() as kernel:
            ended = [
                runner.execute(path, {"profile": "smoke"}, place / "executed" / path.name, kernel)
                for path in runner.selected([number]).values()
            ]
    assert [e.error for e in ended] == [""] * len(ended)
    return place / "out"


@pytest.fixture(scope="module")
def one_thread():
    """One thread for PyTorch, as every run has it: two add in another order, so the same training ends a last digit apart, and on small
    networks they lose more to waiting than they gain. A whole module asks for it by `pytestmark = pytest.mark.usefixtures("one_thread")`.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
