"""One truth about dependencies: pyproject.toml, the locks, environment.yml and the README agree."""

import re
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
    for name in ("requirements.lock", "requirements-torch.lock", "requirements-detectors.lock")
}


def pins(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", text, flags=re.M):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize("extra", [None, "detectors", "backbones", "test", "explore"])
def test_every_dependency_is_locked_at_a_version_that_fits(extra):
    locked = pins("\n".join(LOCKS.values()))
    wanted = PROJECT["dependencies"] if extra is None else PROJECT["optional-dependencies"][extra]
    for text in wanted:
        wish = Requirement(text)
        versions = locked.get(canonicalize_name(wish.name), set())
        assert versions, f"{wish.name} is in pyproject.toml and in no lock; run tools/lock.sh"
        assert all(wish.specifier.contains(v) for v in versions), f"{text}: locked at {versions}"


def test_no_package_is_locked_twice_and_torch_stands_alone():
    names = {file: set(pins(text)) for file, text in LOCKS.items()}
    assert not names["requirements.lock"] & names["requirements-detectors.lock"]
    assert names["requirements-torch.lock"] == {"torch", "torchvision", "torchaudio"}
    assert not any(
        n.startswith(("nvidia-", "triton", "cuda-")) or n in names["requirements-torch.lock"]
        for n in names["requirements.lock"]
    )
    assert [n for file in LOCKS for n in names[file] if n.startswith("opencv")] == [
        "opencv-contrib-python"
    ]


def test_the_locks_carry_hashes():
    for file in ("requirements.lock", "requirements-detectors.lock"):
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
    assert strict == set(), "a licence that binds who passes emolib on"


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


def test_environment_yml_says_what_pyproject_says():
    text = (ROOT / "environment.yml").read_text()
    assert (
        f"python{PROJECT['requires-python']}" in text
        and "ffmpeg" in text
        and "-e .[detectors,backbones,explore,test]" in text
    )


def test_the_version_is_one():
    assert PROJECT["version"] == emolib.__version__
    assert f"version: {emolib.__version__}" in (ROOT / "CITATION.cff").read_text()


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
