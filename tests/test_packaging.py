"""One truth about dependencies: pyproject.toml, the locks, environment.yml and the README agree."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import emolib
from emolib.reproduction.cli import docs

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {
    name: (ROOT / name).read_text()
    for name in (
        "requirements.lock",
        "requirements-torch.lock",
        "requirements-detectors.lock",
        "requirements-course.lock",
    )
}


def pins(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", text, flags=re.M):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize(
    "extra",
    [None, "networks", "media", "reproduce", "detectors", "backbones", "test", "explore", "course"],
)
def test_every_dependency_is_locked_at_a_version_that_fits(extra):
    locked = pins("\n".join(LOCKS.values()))
    wanted = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    for text in wanted:
        wish = Requirement(text)
        if wish.name == "emolib":  # an extra that takes others in
            assert wish.extras <= set(PROJECT["optional-dependencies"])
            continue
        versions = locked.get(canonicalize_name(wish.name), set())
        assert versions, f"{wish.name} is in pyproject.toml and in no lock; run tools/lock.sh"
        assert all(wish.specifier.contains(v) for v in versions), f"{text}: locked at {versions}"


def test_no_package_is_locked_twice_and_torch_stands_alone():
    names = {file: set(pins(text)) for file, text in LOCKS.items()}
    for file in ("requirements-detectors.lock", "requirements-course.lock"):
        assert not names["requirements.lock"] & names[file], file
    assert names["requirements-torch.lock"] == {"torch", "torchvision", "torchaudio"}
    assert not any(
        n.startswith(("nvidia-", "triton", "cuda-")) or n in names["requirements-torch.lock"]
        for n in names["requirements.lock"]
    )
    assert [n for file in LOCKS for n in names[file] if n.startswith("opencv")] == [
        "opencv-contrib-python"
    ]


def test_the_locks_carry_hashes():
    for file in LOCKS.keys() - {"requirements-torch.lock"}:
        blocks = re.split(r"^(?=[A-Za-z0-9])", LOCKS[file], flags=re.M)[1:]
        assert blocks and all("--hash=sha256:" in block for block in blocks), file


def test_the_licence_of_every_locked_package_is_listed():
    """Names and versions are the locks'; what an installed package says of itself is what stands there."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import licences
    finally:
        sys.path.pop(0)
    listed = licences.rows_of((ROOT / "docs" / "LICENCES.md").read_text())
    assert set(listed) == {(name, version) for name, version, _ in licences.locked()}, (
        "run `python tools/licences.py`"
    )
    said = {key: licences.stated(*key) for key in listed}
    assert {
        key: licence
        for key, licence in said.items()
        if licence is not None and licence != listed[key]
    } == {}, "run `python tools/licences.py`"
    assert (
        sum(licence == licences.UNKNOWN for licence in listed.values()) <= 3
    )  # packages of other systems
    strict = {
        name
        for (name, _), licence in listed.items()
        if re.search(r"\bA?GPL|Affero|non-?commercial|proprietary", licence, re.IGNORECASE)
    }
    # docutils' one file under the GPL is an editor's mode, which its wheel does not hold
    assert strict == {"docutils"}, "a licence that binds who passes emolib on"


def test_no_file_names_a_package_registry():
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "download.py" + "torch.org",
        "registry.np" + "mjs.org",
        "anaconda" + ".org",
    ]
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=False
    ).stdout.split()
    if not tracked:
        pytest.skip("NOT CHECKED: not a git checkout")
    for name in tracked:
        raw = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        assert not [h for h in hosts if h.encode() in raw], f"{name} names a package registry"


def test_generated_files_are_current():
    assert docs.stale() == [], "run `./reproduce.sh docs`"


def test_the_pictures_are_no_older_than_what_they_show():
    assert docs.old_pictures() == [], "run `./reproduce.sh docs --pictures`"


def test_a_changed_page_makes_its_picture_old(monkeypatch, tmp_path):
    for name in ("docs", "results/quick", "emolib/reproduction/explore"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setattr(docs.settings, "project", lambda: tmp_path)
    page = tmp_path / "results" / "quick" / "index.html"
    page.write_text("before")
    assert docs.old_pictures() == ["report.png", "explorer.png"]
    for name in docs.PICTURES:
        (tmp_path / "docs" / name).write_bytes(b"png")
    now = json.dumps({name: docs.shown_by(name) for name in docs.PICTURES})
    (tmp_path / docs.TAKEN).write_text(now)
    assert docs.old_pictures() == []
    page.write_text("after")
    assert docs.old_pictures() == ["report.png"]


def test_environment_yml_says_what_pyproject_says():
    text = (ROOT / "environment.yml").read_text()
    assert (
        f"python{PROJECT['requires-python']}" in text
        and "ffmpeg" in text
        and "-e .[reproduce,detectors,backbones,explore,test]" in text
    )


def test_the_version_is_one():
    assert PROJECT["version"] == emolib.__version__
    assert f"version: {emolib.__version__}" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize("forbidden", [True, False])
def test_bytecode_is_kept_in_the_environment_where_a_container_forbids_it(tmp_path, forbidden):
    sources = [path.name for path in ROOT.glob("requirements*.lock")] + ["pyproject.toml"]
    for name in ("reproduce.sh", *sources):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    said = 'echo "${PYTHONDONTWRITEBYTECODE:-} ${PYTHONPYCACHEPREFIX:-}"'
    python.write_text(f'#!/bin/sh\n[ "$1" != -P ] && exec {sys.executable} "$@"\n{said}\n')
    python.chmod(0o755)
    begun = (tmp_path / "reproduce.sh").read_text().split('case "${1:-}" in')[0]
    mark = f'{begun}\nwanted "$venv/bin/python" >"$done_"'
    (tmp_path / "mark.sh").write_text(mark)
    env = {"PATH": "/usr/bin:/bin"} | ({"PYTHONDONTWRITEBYTECODE": "1"} if forbidden else {})
    subprocess.run(["bash", tmp_path / "mark.sh"], check=True, env=env)
    shown = subprocess.check_output([tmp_path / "reproduce.sh", "list"], text=True, env=env)
    assert shown.rstrip("\n") == (f" {tmp_path}/.venv/bytecode" if forbidden else " ")


def test_the_script_parses_and_shows_an_example_of_each_command():
    subprocess.run(["bash", "-n", ROOT / "reproduce.sh"], check=True)
    shown = subprocess.run(
        [ROOT / "reproduce.sh", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"EMOLIB_NO_SETUP": "1", "EMOLIB_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    ).stdout
    for part in (
        "lab",
        "explore",
        "list",
        "doctor",
        "bench",
        "diff",
        "test --all",
        "--profile",
        "--only",
        "--data",
        "--jobs",
        "--cluster",
        "--device",
        "--out",
        "--fresh",
        "--max-minutes",
    ):
        assert f"{part}" in shown.split("examples:")[1], part


# ---------------------------------------------------------------- the library without the rest

# What `import emolib` may ask for: everything else is found only when a function needs it
FIVE = ("torch", "numpy", "scipy", "pandas", "scikit-learn")
LIBRARY = [
    "emolib",
    "emolib.losses",
    "emolib.evm",
    "emolib.candide",
    "emolib.continual",
    "emolib.pruning",
    "emolib.metrics",
    "emolib.metrics.calibration",
    "emolib.metrics.wheel",
    "emolib.data",
    "emolib.data.catalog",
    "emolib.data.sampler",
    "emolib.data.sim.face",
    "emolib.data.sim.worlds",
    "emolib.models.svm",
    "emolib.models.shallow",
    "emolib.models.mrpn",
    "emolib.models.video",
    "emolib.models.transformer",
    "emolib.models.resnet_lstm",
    "emolib.features.mel",
    "emolib.features.landmarks",
]
BLOCKED = """
import importlib.metadata, sys
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as plain

def closure(names, seen):
    for name in set(map(plain, names)) - seen:
        seen.add(name)
        try:
            wishes = map(Requirement, importlib.metadata.requires(name) or ())
        except importlib.metadata.PackageNotFoundError:
            continue
        closure([w.name for w in wishes if w.marker is None or w.marker.evaluate({"extra": ""})], seen)
    return seen

allowed = closure(sys.argv[1].split(","), set())
owners = importlib.metadata.packages_distributions()
refused = {m for m, who in owners.items() if not {plain(w) for w in who} & (allowed | {"emolib"})}

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r} (blocked)", name=name)

for name in refused & set(sys.modules):
    del sys.modules[name]
sys.meta_path.insert(0, Refuses())
assert {"papermill", "matplotlib", "librosa", "IPython", "numba", "tqdm"} <= refused
"""


def blocked(code: str, *arguments: str):
    """Run `code` in a Python that has the five packages, what they bring along, and no other."""
    command = [sys.executable, "-c", BLOCKED + code, ",".join(FIVE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_the_library_is_imported_with_five_packages_alone():
    done = blocked(f"for name in {LIBRARY!r}:\n    importlib.import_module(name)\n")
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_check_of_packages_can_fail():
    assert "blocked" in blocked("import emolib.models.classifiers\n").stderr


def test_a_command_without_its_packages_says_which_extra_brings_them():
    done = blocked("from emolib.reproduction.cli import main\nsys.exit(main.main(['reproduce']))\n")
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "pip install 'emolib[reproduce]'" in done.stderr


def test_what_every_installation_gets_holds_the_five_and_no_notebook_server():
    base = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    assert set(FIVE) <= base and len(base) <= 8
    assert not base & {"jupyterlab", "ipykernel", "papermill", "matplotlib", "librosa"}
