"""Killed, starved, corrupted and crowded: nothing is half-written, what can go on goes on, and what failed is named.

Every drill runs the command line as a reader does, in processes of its own.
"""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from emolib.data import kept as kept_sets
from emolib.features import store
from emolib.reproduction.report import files as results
from emolib.reproduction.runs.store import Store

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.drill


def start(
    place: Path,
    *words: str,
    only: str = "20",
    out: str = "out",
    project: Path | None = None,
    before=None,
    **more,
) -> subprocess.Popen:
    """`reproduce --only N` at smoke in a session of its own, so that all it starts can be killed with it; it says what it has to say in `place`/said.

    project   a folder with notebooks/ that stands in for the checkout;   before   called in the new process before anything else
    Always on simulated data, also where the tests know of real ones: a fixture of the module and a test see different environments.
    """
    place.mkdir(parents=True, exist_ok=True)
    main = (
        "import sys; from emolib.ground import settings; from emolib.reproduction.cli import main as cli; from pathlib import Path\n"
        + (f"settings.project = lambda: Path({str(project)!r})\n" if project else "")
        + "sys.exit(cli.main(sys.argv[1:]))"
    )
    command = [
        sys.executable,
        "-c",
        main,
        "reproduce",
        "--profile",
        "smoke",
        "--only",
        only,
        "--cache",
        str(place / "cache"),
        "--out",
        str(place / out),
        "--jobs",
        "2",
        *words,
    ]
    with (place / "said").open("ab") as said:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=said,
            stderr=said,
            start_new_session=True,
            preexec_fn=before,
            env={k: v for k, v in os.environ.items() if k != "EMOLIB_DATA"}
            | {"PYTHONPATH": str(ROOT)},
            **more,
        )


def finish(place: Path, *words, seconds: float = 600, **more) -> tuple[int, str]:
    """Exit status and what was said."""
    (place / "said").unlink(missing_ok=True)
    run = start(place, *words, **more)
    return run.wait(seconds), (place / "said").read_text()


def heeding_interrupts() -> None:
    """As at a terminal: who is started in the background of a shell, tests among them, passes on that Ctrl-C is not meant for it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def family(place: Path) -> list[int]:
    """Processes that still work for a command in `place`: they carry its result folder in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (
                f"EMOLIB_OUT={place}".encode() in (folder / "environ").read_bytes()
                and (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            ):
                found.append(int(folder.name))
        except OSError:  # it has just ended
            continue
    return found


def kept(out: Path) -> dict[str, bytes]:
    """What must be the same twice: tables, data of figures, figures, claims."""
    return {
        str(p.relative_to(out)): p.read_bytes()
        for kind in ("tables/*.csv", "figures/*.csv", "figures/*.svg", "claims.csv")
        for p in out.glob(kind)
    }


def differ(out: Path, whole: dict[str, bytes]) -> list[str]:
    here = kept(out)
    return sorted(set(here) ^ set(whole)) + [
        name for name in set(here) & set(whole) if here[name] != whole[name]
    ]


def rubbish(place: Path) -> list[str]:
    return [str(p) for p in place.rglob("*") if p.name.endswith((".partial", ".part", ".probe"))]


def notebook(project: Path, name: str, *cells: str):
    """A small notebook in a checkout of its own."""
    first = nbformat.v4.new_code_cell('profile = "smoke"', metadata={"tags": ["parameters"]})
    made = nbformat.v4.new_notebook(
        cells=[first, *(nbformat.v4.new_code_cell(textwrap.dedent(c)) for c in cells)],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    (project / "notebooks").mkdir(parents=True, exist_ok=True)
    nbformat.write(made, project / "notebooks" / name)


WRITES = """
    from emolib.ground import settings\n    from emolib.reproduction.report import files as results
    results.write(settings.results(profile) / "tables" / "{0}.csv", "v\\n{1}\\n")
"""


@pytest.fixture
def project(tmp_path) -> Path:
    """A checkout with two sound notebooks, 30 and 99: a drill adds a 20 that goes wrong."""
    folder = tmp_path / "project"
    notebook(folder, "30_sound.ipynb", WRITES.format("sound", 1))
    notebook(folder, "99_report.ipynb", WRITES.format("report", 2))
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[dict[str, bytes], float, Path]:
    """Notebook 20 and the report, undisturbed: the bytes, the seconds it took, and the place."""
    place = tmp_path_factory.mktemp("whole")
    begun = time.perf_counter()
    status, said = finish(place)
    assert status == 0, said
    made = kept(place / "out")
    assert len(made) > 25 and results.problems(place / "out") == []
    return made, time.perf_counter() - begun, place


# ---------------------------------------------------------------- kills


def test_killed_at_twenty_random_moments_it_ends_with_the_same_bytes(tmp_path, whole):
    """One store, twenty kills in a row at moments drawn anew; each resumes what the one before left. A kill may miss the kernel, which
    then works on beside the next command until it notices that it is alone: that must do no harm either."""
    made, seconds, _ = whole
    seed = random.SystemRandom().randrange(10**6)
    draw = random.Random(seed)
    print(f"seed {seed}")
    for turn in range(20):
        run = start(tmp_path)
        wait = draw.uniform(0.05, 1.0) * seconds
        print(f"kill {turn + 1} after {wait:.2f} s")
        time.sleep(wait)
        os.killpg(run.pid, signal.SIGKILL)
        for pid in family(tmp_path / "out") if turn % 2 else ():
            os.kill(pid, signal.SIGKILL)
        run.wait()
    status, said = finish(tmp_path)
    assert status == 0, said
    assert differ(tmp_path / "out", made) == [] and results.problems(tmp_path / "out") == []
    assert rubbish(tmp_path / "out") == []


def test_interrupted_twice_it_ends_at_once_without_a_traceback_and_leaves_nobody_behind(
    tmp_path, whole
):
    made, seconds, _ = whole
    for share in (0.3, 0.6):
        run = start(tmp_path, before=heeding_interrupts)
        time.sleep(share * seconds)
        os.killpg(run.pid, signal.SIGINT)
        time.sleep(0.3)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGINT)
        assert run.wait(30) in (130, -signal.SIGINT)
        deadline = time.time() + 15
        while family(tmp_path / "out") and time.time() < deadline:
            time.sleep(0.2)
        assert family(tmp_path / "out") == []
    said = (tmp_path / "said").read_text()
    assert "Traceback" not in said and said.count("the same command goes on from here") >= 1, said
    status, said = finish(tmp_path)
    assert (
        status == 0
        and differ(tmp_path / "out", made) == []
        and results.problems(tmp_path / "out") == []
    ), said


# ---------------------------------------------------------------- two at once, and a clock that is wrong


def test_two_commands_in_one_folder_end_with_the_same_bytes(tmp_path, whole):
    made = whole[0]
    first, second = start(tmp_path), start(tmp_path)
    assert (first.wait(900), second.wait(900)) == (0, 0), (tmp_path / "said").read_text()
    assert differ(tmp_path / "out", made) == [] and results.problems(tmp_path / "out") == []
    assert "is damaged" not in (tmp_path / "said").read_text()


CLOCK = """
    import time as _time
    _real, _first = _time.time, _time.time()
    _time.time = lambda: _real() - 86400 * int(10 * (_real() - _first))      # ten times a second it falls back by a day
"""


def test_a_clock_that_jumps_backwards_changes_no_byte(tmp_path, whole):
    """time.time falls back by a day ten times a second in every process, and files are stamped in the future."""
    made, _, place = whole
    shutil.copytree(place / "cache", tmp_path / "cache")
    for n, path in enumerate(sorted(p for p in (tmp_path / "cache").rglob("*") if p.is_file())):
        os.utime(path, (2e9, 2e9))
        if n % 2:
            path.unlink()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(textwrap.dedent(CLOCK))
    os.environ["PYTHONPATH"] = f"{tmp_path / 'site'}:{ROOT}"
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "emolib",
            "reproduce",
            "--profile",
            "smoke",
            "--only",
            "20",
            "--cache",
            str(tmp_path / "cache"),
            "--out",
            str(tmp_path / "out"),
            "--max-minutes",
            "60",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert differ(tmp_path / "out", made) == [] and results.problems(tmp_path / "out") == []


# ---------------------------------------------------------------- no room, no permission, no memory


def small_files():
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (4096, 4096)
    )  # "File too large" instead of "No space left": the same OSError


def test_two_small_commands_at_once_have_kernels_of_their_own(tmp_path, project):
    """Four at once, in one folder: no kernel gets the messages of another."""
    notebook(
        project, "20_small.ipynb", "import os, time", "time.sleep(1)", WRITES.format("small", 1)
    )
    every = [start(tmp_path, project=project) for _ in range(4)]
    assert [run.wait(120) for run in every] == [0, 0, 0, 0], (tmp_path / "said").read_text()
    assert "Invalid" not in (tmp_path / "said").read_text()
    assert sorted(p.name for p in (tmp_path / "out" / "tables").iterdir()) == [
        "report.csv",
        "small.csv",
    ]


def test_a_disk_without_room_is_said_in_a_line_and_nothing_is_half_written(tmp_path, whole):
    made = whole[0]
    status, said = finish(tmp_path, before=small_files)
    assert (
        status == 2
        and "FAILED 20_" in said
        and "cannot be written (File too large)" in said
        and "Traceback" not in said
    ), said
    assert rubbish(tmp_path) == [] and "not made: " in said
    assert results.problems(tmp_path / "out") == []
    status, said = finish(tmp_path)
    assert status == 0 and differ(tmp_path / "out", made) == [], said


def test_a_really_full_disk(tmp_path):
    """The same on a file system of 300 kB that fills up; only where mounting is permitted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        not mount
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=300k", "drill", disk], capture_output=True
        ).returncode
    ):
        pytest.skip(
            "NOT TESTED ON A FULL DISK: mounting a tmpfs is not permitted here; the drill with RLIMIT_FSIZE stands in for it"
        )
    try:
        status, said = finish(tmp_path, out="disk/out")
        assert (
            status == 2
            and "FAILED 20_" in said
            and "No space left on device" in said
            and "Traceback" not in said
        ), said
        assert rubbish(tmp_path) == [] and results.problems(disk / "out") == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_may_only_be_read_is_refused_before_anything_runs(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    if os.getuid() == 0:
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "ro,size=64k", "drill", locked], capture_output=True
        ).returncode:
            pytest.skip(
                "NOT TESTED ON A READ-ONLY FOLDER: root may write everywhere, and mounting is not permitted here"
            )
    else:
        locked.chmod(0o500)
    try:
        status, said = finish(tmp_path, out="locked/out")
        assert (
            status == 2
            and said.count("\n") == 1
            and "cannot be written" in said
            and "choose another folder" in said
        ), said
        assert not (tmp_path / "cache").exists()
    finally:
        if os.getuid() == 0:
            subprocess.run(["umount", locked], check=True)


STARVED = """
    import sys
    sys.path.insert(0, {where!r})
    import starved
    from emolib.reproduction import runs
    runs.map(starved.work, [{{"n": n}} for n in range(4)], jobs=2)
"""
STARVED_RUN = """
    import os, resource, signal
    import numpy as np
    from pathlib import Path

    def work(*, n):
        if n == 2 and Path({where!r}, "starve").exists():
            if {how!r} == "killed":                       # what the kernel's out-of-memory killer does
                os.kill(os.getpid(), signal.SIGKILL)
            held = sum(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmSize")) * 1024
            resource.setrlimit(resource.RLIMIT_AS, (held + 2**26, held + 2**26))
            return {{"x": np.ones(2**28)}}
        return {{"x": np.arange(3.0) + n}}
"""


@pytest.mark.parametrize(
    "how, told",
    [
        ("killed", "one of 2 processes was killed, most likely because memory ran out"),
        ("limit", "Unable to allocate 2.00 GiB"),
    ],
)
def test_a_worker_without_memory_is_said_and_the_next_notebook_runs(tmp_path, project, how, told):
    (tmp_path / "starved.py").write_text(
        textwrap.dedent(STARVED_RUN.format(where=str(tmp_path), how=how))
    )
    (tmp_path / "starve").touch()
    notebook(
        project,
        "20_starved.ipynb",
        STARVED.format(where=str(tmp_path)),
        WRITES.format("starved", 3),
    )
    status, said = finish(tmp_path, "--only", "30", project=project)
    assert (
        status in (1, 2)
        and f"FAILED 20_starved: {'' if how == 'killed' else ''}" in said
        and told in said
        and "30_sound: done" in said
    ), said
    assert "99_report: done" in said and sorted(
        p.name for p in (tmp_path / "out" / "tables").iterdir()
    ) == ["report.csv", "sound.csv"]
    (tmp_path / "starve").unlink()
    status, said = finish(tmp_path, "--only", "30", project=project)
    assert status == 0 and (tmp_path / "out" / "tables" / "starved.csv").exists(), said


@pytest.mark.parametrize(
    "cell, told",
    [
        ("raise ValueError('two\\nlines')", "ValueError: two lines (cell 4 of "),
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            "its process was killed, most likely because memory ran out",
        ),
        ("import os\nos._exit(3)", "its process was killed"),
        ("import sys\nsys.exit(4)", "FAILED 20_wrong: SystemExit: 4"),
        ("raise KeyboardInterrupt", "FAILED 20_wrong: KeyboardInterrupt"),
        ("def f(: pass", "SyntaxError"),
    ],
)
def test_a_notebook_that_goes_wrong_is_named_and_the_others_run(tmp_path, project, cell, told):
    notebook(project, "20_wrong.ipynb", WRITES.format("early", 1), cell, WRITES.format("late", 1))
    status, said = finish(tmp_path, "--only", "30", project=project)
    assert (
        status == 1
        and told in said
        and said.count("FAILED") == 1
        and "30_sound: done" in said
        and "99_report: done" in said
    ), said
    (line,) = [line for line in said.splitlines() if line.startswith("FAILED")]
    assert line.startswith("FAILED 20_wrong: ") and "  not made: " in said
    assert (
        sorted(p.name for p in (tmp_path / "out" / "tables").iterdir())
        == ["early.csv", "report.csv", "sound.csv"]
        and rubbish(tmp_path) == []
    )


def test_a_notebook_that_is_no_notebook_is_named_and_the_others_run(tmp_path, project):
    (project / "notebooks" / "20_cut.ipynb").write_text('{"cells": [')
    status, said = finish(tmp_path, "--only", "30", project=project)
    assert status in (1, 2) and "20_cut" in said and "Traceback" not in said, said


# ---------------------------------------------------------------- what is stored, and broken


def stored_run(place: Path):
    store = Store(place)
    store.write(
        "ab" * 16,
        {"x": np.arange(50.0), "loss": [0.25, float("nan")], "name": "run"},
        {"seconds": 1.5, "command": "c", "device": "cpu"},
    )
    return sorted(place.rglob("*.json")) + sorted(place.rglob("*.npz")), lambda: store.read(
        "ab" * 16
    )


def kept_set(place: Path):
    os.environ["EMOLIB_CACHE"] = str(place)
    fresh = {"images": np.arange(64, dtype=np.uint8).reshape(4, 4, 4), "label": np.arange(4)}
    kept_sets.arrays("drill", "key", lambda: fresh)
    (copy,) = place.rglob("*.npz")
    return [copy], lambda: kept_sets._read(copy)


def stored_features(place: Path):
    path = store.write(
        place / "a.safetensors",
        {"points": np.arange(40, dtype=np.float32).reshape(10, 4), "found": np.ones(10, bool)},
        {"content": "c0ffee"},
    )
    return [path], lambda: store.sound(path, "c0ffee")


KINDS = {"run": stored_run, "kept set": kept_set, "features": stored_features}


@pytest.mark.parametrize("kind", KINDS)
def test_any_byte_of_what_is_stored_may_turn_and_it_is_seen_and_said(tmp_path, capsys, kind):
    """Every byte in turn gets another value, and the file is cut after it: what is read is what was written, or nothing, and then that is said."""
    paths, read = KINDS[kind](tmp_path)
    before = plain(read())
    seen = 0
    for path in paths:
        whole = path.read_bytes()
        for at in range(len(whole)):
            for broken in (
                whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :],
                whole[:at],
            ):
                path.write_bytes(broken)
                capsys.readouterr()
                got, said = read(), capsys.readouterr().err
                if got is None:
                    seen += 1
                    assert str(path.with_suffix("")) in said and said.count("\n") == 1, said
                else:
                    assert plain(got) == before, (
                        f"byte {at} of {path.name}: other values, and nobody noticed"
                    )
        path.write_bytes(whole)
    assert plain(read()) == before and seen > 1.5 * sum(len(p.read_bytes()) for p in paths)


def plain(value) -> str:
    """Text that is the same for the same values, types and shapes."""
    if isinstance(value, dict):
        return repr({k: plain(v) for k, v in sorted(value.items())})
    return (
        repr((value.dtype.str, value.shape, value.tobytes()))
        if isinstance(value, np.ndarray)
        else repr(value)
    )


def test_a_store_of_broken_entries_is_computed_anew_and_said(tmp_path, whole):
    """Half of the files of a whole cache cut, turned or emptied: the command says which, and ends with the same bytes."""
    made, _, place = whole
    shutil.copytree(place / "cache", tmp_path / "cache")
    draw = random.Random(5)
    broken = [
        p
        for p in sorted((tmp_path / "cache").rglob("*"))
        if p.suffix in (".json", ".npz", ".safetensors")
        and p.is_file()
        and "executed" not in p.parts
    ]
    broken = broken[::2]
    for path in broken:
        raw = bytearray(path.read_bytes())
        raw[draw.randrange(len(raw))] ^= 255
        path.write_bytes(draw.choice((bytes(raw), raw[: len(raw) // 2], b"")))
    status, said = finish(tmp_path)
    assert (
        status == 0
        and differ(tmp_path / "out", made) == []
        and results.problems(tmp_path / "out") == []
    ), said
    assert len(broken) > 3 and said.count("is damaged") >= len(broken) / 2 - 1, said


def test_damaged_tables_of_rows_are_said_and_written_again(tmp_path, whole):
    made, _, place = whole
    shutil.copytree(place / "out", tmp_path / "out")
    shutil.copytree(place / "cache", tmp_path / "cache")
    for name in ("claims.csv", "claims.json", "timings.csv"):
        raw = (tmp_path / "out" / name).read_bytes()
        (tmp_path / "out" / name).write_bytes(raw[: len(raw) // 2 - 3])
    status, said = finish(tmp_path)
    assert (
        status == 0
        and differ(tmp_path / "out", made) == []
        and results.problems(tmp_path / "out") == []
    ), said
    assert (
        said.count("is damaged") == 3
        and len((tmp_path / "out" / "timings.csv").read_text().splitlines()) > 2
    ), said
