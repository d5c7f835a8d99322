"""No code comes out of data: what could run it is not used, or only behind a reader that refuses; archives are unpacked member by member (test_get.py); pages are for this machine."""

import ast
import os
import sys
from pathlib import Path

import pytest

from emolib.reproduction.cli import commands
from emolib.reproduction.cli import main as cli

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "emolib").rglob("*.py"))

NEVER = {
    "eval",
    "exec",
    "pickle.load",
    "pickle.loads",
    "marshal.load",
    "marshal.loads",
    "shelve.open",
    "dill.load",
    "dill.loads",
    "cloudpickle.load",
    "cloudpickle.loads",
    "joblib.load",
    "pd.read_pickle",
    "pandas.read_pickle",
    "yaml.load",
    "yaml.unsafe_load",
    "yaml.full_load",
    "os.system",
    "os.popen",
    "torch.hub.load",
    "torch.jit.load",
    "torch.package.PackageImporter",
    "np.lib.format.read_array",
    "shutil.unpack_archive",
    "zipfile.Path",
}
# the reader that refuses what a pickle asks for
PICKLE = {"emolib/data/files.py"}


def dangers(source: str, name: str) -> list[str]:
    """What a module does that could run code from a file, or write where an archive says."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
            if {m.split(".")[0] for m in modules} & {
                "pickle",
                "dill",
                "cloudpickle",
                "marshal",
                "shelve",
            } and name not in PICKLE:
                found.append(f"{name}:{node.lineno}: imports {modules[0]}")
        if not isinstance(node, ast.Call):
            continue
        call, given_ = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
        if call in NEVER:
            found.append(f"{name}:{node.lineno}: {call}")
        if call == "torch.load" and given_.get("weights_only") != "True":
            found.append(f"{name}:{node.lineno}: torch.load without weights_only=True")
        if call in ("np.load", "numpy.load") and given_.get("allow_pickle") != "False":
            found.append(f"{name}:{node.lineno}: np.load without allow_pickle=False")
        if call.endswith("load_state_dict_from_url") and given_.get("weights_only") != "True":
            found.append(f"{name}:{node.lineno}: {call} without weights_only=True")
        if (
            given_.get("allow_pickle") == "True"
            or given_.get("shell") == "True"
            or given_.get("trust_remote_code") == "True"
        ):
            found.append(f"{name}:{node.lineno}: {call} with {given_}")
        if call.endswith(".extractall"):
            found.append(f"{name}:{node.lineno}: {call}: a member may land outside the folder")
    return found


def test_nothing_in_the_package_can_run_code_from_a_file():
    assert len(SOURCES) > 100
    assert [
        line for path in SOURCES for line in dangers(path.read_text(), str(path.relative_to(ROOT)))
    ] == []


@pytest.mark.parametrize(
    "bad",
    [
        "import pickle",
        "from pickle import loads",
        "eval(text)",
        "exec(text)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "joblib.load(path)",
        "archive.extractall(here)",
        "pd.read_pickle(path)",
        "subprocess.run(text, shell=True)",
        "torch.hub.load(name)",
        "os.system(text)",
        "torch.hub.load_state_dict_from_url(url)",
    ],
)
def test_the_watch_sees_each_of_these(bad):
    assert dangers(bad, "emolib/other.py")


def test_the_one_reader_of_pickles_may_look_up_five_names():
    from emolib.data import files

    assert {m.split(".")[0] for m, _ in files._Plain.ALLOWED} == {"numpy", "_codecs"} and len(
        files._Plain.ALLOWED
    ) == 5
    tree = ast.parse(Path(files.__file__).read_text())
    assert [
        ast.unparse(n)
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and ast.unparse(n).startswith("pickle.")
    ] == ["pickle.Unpickler"]


# ---------------------------------------------------------------- pages


def test_the_notebooks_are_served_to_this_machine_only(monkeypatch):
    asked = []
    monkeypatch.setattr(
        commands.subprocess,
        "run",
        lambda command, **more: asked.append(command) or type("Ended", (), {"returncode": 0}),
    )
    monkeypatch.setattr(sys, "argv", ["emolib", "lab", "--no-browser"])
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PYTHONPATH", "")  # which `run` writes
    with pytest.raises(SystemExit):
        cli.run()
    (command,) = asked
    assert "--ServerApp.ip=127.0.0.1" in command and command[-1] == "--no-browser"
    assert not [
        word for word in command if "token" in word.lower() or "password" in word.lower()
    ]  # the server draws a token of its own
