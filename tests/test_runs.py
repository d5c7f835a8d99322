"""A grid of runs: each computed once, kept whole, resumed after a kill, and the same bytes whichever way it ran."""

import importlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from emolib.ground.errors import EmolibError
from emolib.reproduction import runs
from emolib.reproduction.runs import keys
from emolib.reproduction.runs.store import Store

CALLS: list = []
KEPT: list = []


def work(*, n, seed=0, data=""):
    """A run as studies write them; CALLS counts those that happen in this process."""
    CALLS.append(n)
    rng = np.random.default_rng([seed, n])
    x = rng.normal(size=(60, 60))
    return {
        "n": n,
        "product": x @ x.T,
        "torch": (torch.as_tensor(x) @ torch.as_tensor(x)).numpy(),
        "mean": x.mean(),
        "none": None,
        "nested": [{"label": np.array(["a", "bc"])}, np.float32(0.1), True],
        "nan": float("nan"),
    }


def threads(*, n):
    x = np.random.default_rng(n).normal(size=(50, 50))
    x @ x
    return {
        "torch": torch.get_num_threads(),
        "pools": [p["num_threads"] for p in threadpool_info()],
    }


def grows(*, n):
    """From its second run on, a process keeps 400 MB, as one does that has read a data set."""
    KEPT.append(np.ones(50_000_000 if len(KEPT) == 1 else 1))
    time.sleep(1.1)  # joblib looks at a process once a second
    return {"pid": os.getpid()}


def fails(*, n, ours):
    raise EmolibError("too few rows") if ours else ZeroDivisionError("by zero")


def returns(*, what):
    return {
        "object": np.array([{}, 1], object),
        "hidden object": np.zeros(1, [("x", object)]),
        "set": {1},
        "moment": np.datetime64("2020-01-01"),
        "complex": np.complex128(1j),
    }[what]


@pytest.fixture(autouse=True)
def fresh_calls():
    CALLS.clear()
    runs.ledger(clear=True)
    yield
    CALLS.clear()


GRID = [{"n": n} for n in (5, 1, 3)]


def texts(results):
    """Results as bytes, arrays with dtype and shape."""

    def plain(v):
        if isinstance(v, np.ndarray):
            return [str(v.dtype), v.shape, v.tobytes().hex()]
        if isinstance(v, dict):
            return {k: plain(x) for k, x in v.items()}
        return [plain(x) for x in v] if isinstance(v, list) else v

    return json.dumps(plain(results))


# ---------------------------------------------------------------- what comes back


def test_results_come_in_grid_order_and_are_computed_once(tmp_path):
    got = runs.map(work, GRID, jobs=1, store=tmp_path)
    assert [r["n"] for r in got] == [5, 1, 3] and sorted(CALLS) == [1, 3, 5]
    again = runs.map(work, GRID[::-1], jobs=1, store=tmp_path)
    assert [r["n"] for r in again] == [3, 1, 5] and len(CALLS) == 3
    assert texts(again[::-1]) == texts(got)


def test_equal_arguments_are_one_run_whatever_their_order(tmp_path):
    got = runs.map(
        work,
        [{"n": 1, "seed": 2}, {"seed": 2, "n": 1}, {"n": 1, "seed": 2}],
        jobs=1,
        store=tmp_path,
    )
    assert CALLS == [1] and texts(got[0]) == texts(got[1]) == texts(got[2])


def test_what_is_stored_equals_what_was_returned(tmp_path):
    (got,), expected = runs.map(work, [{"n": 4}], jobs=1, store=tmp_path), work(n=4)
    for name in ("product", "torch"):
        np.testing.assert_array_equal(got[name], expected[name], strict=True)
    assert got["mean"] == expected["mean"] and got["none"] is None and np.isnan(got["nan"])
    assert got["nested"][0]["label"].tolist() == ["a", "bc"] and got["nested"][1:] == [
        float(np.float32(0.1)),
        True,
    ]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5).filter(lambda k: k != "__array__"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_any_plain_value_comes_back_from_the_store(tmp_path_factory, value):
    store = Store(tmp_path_factory.mktemp("store"))
    store.write(
        "ab",
        {"value": value, "array": np.arange(3)},
        {"seconds": 0, "command": "", "device": "cpu"},
    )
    back = store.read("ab")["value"]
    assert back["value"] == value and back["array"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "what, told",
    [
        ("object", "array of Python objects"),
        ("hidden object", "array of Python objects"),
        ("set", "returned a set"),
        ("moment", "returned a date"),
        ("complex", "returned a complex"),
    ],
)
def test_what_cannot_be_stored_is_refused(tmp_path, what, told):
    with pytest.raises(EmolibError, match=told):
        runs.map(returns, [{"what": what}], jobs=1, store=tmp_path)
    assert not list(tmp_path.rglob("*.json"))


# ---------------------------------------------------------------- keys


def test_the_key_holds_function_arguments_and_data():
    base = keys.key(work, {"n": 1})
    assert len(base) == 32 and base == keys.key(work, {"n": 1})
    others = [
        keys.key(work, {"n": 2}),
        keys.key(work, {"n": 1, "seed": 0}),
        keys.key(work, {"n": 1.5}),
        keys.key(threads, {"n": 1}),
        keys.key(work, {"n": 1, "data": "sfew:real:0123456789abcdef"}),
        keys.key(work, {"n": 1, "data": "sfew:real:0123456789abcde0"}),
    ]
    assert len({base, *others}) == len(others) + 1


@pytest.mark.parametrize(
    "bad", [np.float64(1).astype(np.float32), np.arange(2), {1, 2}, float("nan"), Path("x"), b"x"]
)
def test_an_argument_that_is_no_json_is_refused(tmp_path, bad):
    with pytest.raises(EmolibError, match="run work: arguments must be plain JSON values"):
        runs.map(work, [{"n": bad}], jobs=1, store=tmp_path)
    assert not CALLS


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A module whose text a test may change: made(text) imports it anew."""
    monkeypatch.syspath_prepend(tmp_path)

    def load(text):
        (tmp_path / "made_runs.py").write_text(text)
        keys.sources_hash.cache_clear()
        importlib.invalidate_caches()
        sys.modules.pop("made_runs", None)
        return importlib.import_module("made_runs")

    yield load
    sys.modules.pop("made_runs", None)
    keys.sources_hash.cache_clear()


def test_the_key_changes_with_the_source_of_the_run(made):
    first = keys.key(made("def run(*, n):\n    return n\n").run, {"n": 1})
    assert keys.key(made("def run(*, n):\n    return n\n").run, {"n": 1}) == first
    assert keys.key(made("def run(*, n):\n    return n + 0\n").run, {"n": 1}) != first


@pytest.mark.parametrize(
    "text",
    [
        "import emolib.metrics.compare",
        "from emolib import metrics",
        "from emolib.metrics.compare import holm",
        "def run():\n    from emolib.metrics.compare import holm",
        "from emolib.reproduction.studies.sfew import training",
    ],
)
def test_the_key_changes_with_the_modules_behind_it_however_they_are_imported(
    made, monkeypatch, text
):
    made(text + "\n")
    before, read = keys.sources_hash("made_runs"), Path.read_bytes
    monkeypatch.setattr(
        Path,
        "read_bytes",
        lambda path: read(path) + (b"# edited" if path.name == "compare.py" else b""),
    )
    keys.sources_hash.cache_clear()
    assert keys.sources_hash("made_runs") != before


def test_a_package_without_a_source_of_its_own_does_not_stop_the_key(made):
    """emolib/models is a plain folder; `from emolib.models import members` names it."""
    text = "from emolib.models import members\n"
    made(text)
    assert keys.sources_hash("made_runs") != keys.sources_hash("emolib.metrics.scores")


def test_what_only_says_where_data_lie_does_not_change_the_key(made, monkeypatch):
    made("from emolib import data\nfrom emolib.ground import settings, errors\n")
    before, read = keys.sources_hash("made_runs"), Path.read_bytes
    monkeypatch.setattr(
        Path,
        "read_bytes",
        lambda path: (
            read(path) + (b"# edited" if path.name in ("settings.py", "errors.py") else b"")
        ),
    )
    keys.sources_hash.cache_clear()
    assert keys.sources_hash("made_runs") == before


# ---------------------------------------------------------------- damage


def entry(store, kind):
    (path,) = store.rglob(f"*.{kind}")
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def flip_in_values(path):
    path.write_text(path.read_text().replace('"n": 4', '"n": 5', 1))


def other_json(path):
    path.write_text('["not", "an", "entry"]')


@pytest.mark.parametrize(
    "kind, harm",
    [
        ("npz", cut),
        ("npz", flip),
        ("npz", Path.unlink),
        ("json", cut),
        ("json", flip_in_values),
        ("json", other_json),
        ("json", lambda p: p.write_bytes(b"")),
        ("json", lambda p: p.write_bytes(b"\xff\xfe{}")),
    ],
)
def test_a_damaged_entry_is_computed_again_and_said(tmp_path, capsys, kind, harm):
    before = texts(runs.map(work, [{"n": 4}], jobs=1, store=tmp_path))
    harm(entry(tmp_path, kind))
    assert texts(runs.map(work, [{"n": 4}], jobs=1, store=tmp_path)) == before
    assert CALLS == [4, 4]
    said = [line for line in capsys.readouterr().err.splitlines() if "damaged" in line]
    assert (
        len(said) == 1
        and str(entry(tmp_path, "json")) in said[0]
        and "computing it again" in said[0]
    )
    runs.map(work, [{"n": 4}], jobs=1, store=tmp_path)
    assert CALLS == [4, 4]


def test_an_interrupted_write_leaves_no_entry(tmp_path, monkeypatch):
    real = Path.replace

    def full_disk(path, target):
        if str(target).endswith(".json"):
            raise OSError(28, "No space left on device")
        return real(path, target)

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(
        EmolibError, match="cannot be written.*No space left.*free space or choose another --cache"
    ):
        runs.map(work, [{"n": 4}], jobs=1, store=tmp_path)
    assert not list(tmp_path.rglob("*.partial"))
    monkeypatch.setattr(Path, "replace", real)
    runs.map(work, [{"n": 4}], jobs=1, store=tmp_path)
    assert CALLS == [4, 4]


KILLED = """
    import os, signal, sys
    from pathlib import Path
    import numpy as np

    HERE = Path(__file__).parent

    def work(*, n):
        with (HERE / "log").open("a") as file:
            file.write(f"{n} ")
        if n == 3 and (HERE / "kill").exists():
            (HERE / "kill").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return {"x": np.random.default_rng(n).normal(size=1000), "n": n}

    if __name__ == "__main__":
        sys.path.insert(0, str(HERE))
        import killed
        from emolib.reproduction import runs
        got = runs.map(killed.work, [{"n": n} for n in range(6)], jobs=1, store=HERE / sys.argv[1])
        print("".join(r["x"].tobytes().hex() + str(r["n"]) for r in got))
"""


def test_killed_in_mid_run_it_goes_on_where_it_stopped_with_the_same_bytes(tmp_path):
    (tmp_path / "killed.py").write_text(textwrap.dedent(KILLED))
    (tmp_path / "kill").touch()

    def command(store):
        (tmp_path / "log").write_text("")
        ended = subprocess.run(
            [sys.executable, str(tmp_path / "killed.py"), store],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(runs.__file__).parents[1])},
        )
        return ended, (tmp_path / "log").read_text().split()

    ended, computed = command("store")
    assert ended.returncode == -signal.SIGKILL and computed == ["0", "1", "2", "3"]
    resumed, computed = command("store")
    assert resumed.returncode == 0, resumed.stderr
    assert computed == ["3", "4", "5"]
    whole, computed = command("another")
    assert (
        computed == list("012345")
        and resumed.stdout == whole.stdout
        and len(whole.stdout) > 6 * 16000
    )
    assert "damaged" not in resumed.stderr


# ---------------------------------------------------------------- jobs, threads, time


def test_one_process_and_two_give_the_same_bytes(tmp_path):
    grid = [{"n": n} for n in range(6)]
    one = runs.map(work, grid, jobs=1, store=tmp_path / "one")
    CALLS.clear()
    two = runs.map(work, grid, jobs=2, store=tmp_path / "two")
    assert not CALLS  # they happened elsewhere
    assert texts(one) == texts(two)
    files = {
        p.relative_to(tmp_path / "one"): p.read_bytes() for p in (tmp_path / "one").rglob("*.npz")
    }
    assert (
        files
        == {
            p.relative_to(tmp_path / "two"): p.read_bytes()
            for p in (tmp_path / "two").rglob("*.npz")
        }
        and len(files) == 6
    )


def test_a_process_that_keeps_its_data_is_kept(tmp_path):
    done = runs.map(grows, [{"n": n} for n in range(6)], jobs=2, store=tmp_path)
    assert len({r["pid"] for r in done}) == 2


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_has_one_thread_wherever_it_runs_and_gives_them_back(tmp_path, jobs):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threadpool_limits(2):
            got = runs.map(threads, [{"n": 1}, {"n": 2}], jobs=jobs, store=tmp_path)
            assert torch.get_num_threads() == 2
            assert 2 in [p["num_threads"] for p in threadpool_info()]
    finally:
        torch.set_num_threads(before)
    for one in got:
        assert one["torch"] == 1 and set(one["pools"]) == {1}


def test_no_run_is_started_after_the_deadline_and_what_stands_is_read(tmp_path, monkeypatch):
    runs.map(work, [{"n": 1}], jobs=1, store=tmp_path)
    monkeypatch.setenv("EMOLIB_DEADLINE", "1.0")
    with pytest.raises(EmolibError, match="time is up .*--max-minutes"):
        runs.map(work, [{"n": 1}, {"n": 2}], jobs=1, store=tmp_path)
    assert CALLS == [1]
    assert runs.map(work, [{"n": 1}], jobs=1, store=tmp_path)[0]["n"] == 1
    monkeypatch.setenv("EMOLIB_DEADLINE", "99999999999")
    runs.map(work, [{"n": 2}], jobs=1, store=tmp_path)
    assert CALLS == [1, 2]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_names_the_arguments_and_keeps_what_was_finished(tmp_path, jobs):
    with pytest.raises(EmolibError, match=r"too few rows \[run fails\(n=1, ours=True\)\]"):
        runs.map(fails, [{"n": 1, "ours": True}] * jobs, jobs=jobs, store=tmp_path)
    with pytest.raises(ZeroDivisionError) as error:
        runs.map(
            fails, [{"n": 2, "ours": False}, {"n": 2, "ours": False}], jobs=jobs, store=tmp_path
        )
    assert "in run fails(n=2, ours=False)" in getattr(error.value, "__notes__", []) or jobs == 2
    assert torch.get_num_threads() >= 1


def test_finished_runs_stay_when_a_later_one_fails(tmp_path, made):
    run = made("def run(*, n):\n    return [1, 1 / n][1]\n").run
    with pytest.raises(ZeroDivisionError):
        runs.map(run, [{"n": 2}, {"n": 1}, {"n": 0}, {"n": 4}], jobs=1, store=tmp_path)
    assert len(list(tmp_path.rglob("*.json"))) == 2


# ---------------------------------------------------------------- fresh, ledger


def test_fresh_computes_once_per_command(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_COMMAND", "first")
    runs.map(work, GRID, jobs=1, store=tmp_path)
    monkeypatch.setenv("EMOLIB_COMMAND", "second")
    monkeypatch.setenv("EMOLIB_FRESH", "1")
    runs.map(work, GRID, jobs=1, store=tmp_path)
    assert len(CALLS) == 6
    runs.map(work, GRID, jobs=1, store=tmp_path)  # its own results count
    assert len(CALLS) == 6


def test_the_ledger_tells_what_stood_before_this_command(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOLIB_COMMAND", "first")
    runs.map(work, GRID[:2], jobs=1, store=tmp_path)
    assert [u.cached for u in runs.ledger()] == [False, False]
    runs.map(work, GRID[:2], jobs=1, store=tmp_path)  # read again, but computed by this command
    assert [u.cached for u in runs.ledger(clear=True)] == [False] * 4 and runs.ledger() == []
    monkeypatch.setenv("EMOLIB_COMMAND", "second")
    runs.map(work, GRID, jobs=1, store=tmp_path)
    used = {u.key: u for u in runs.ledger()}
    assert [used[keys.key(work, a)].cached for a in GRID] == [True, True, False]
    assert all(u.device == "cpu" and u.seconds > 0 for u in used.values())


def test_a_run_under_way_has_a_place_for_its_checkpoint(tmp_path, made):
    run = made(
        "from emolib.reproduction import runs\n\ndef run(*, n):\n    return str(runs.scratch())\n"
    ).run
    assert runs.scratch() is None
    (a,), (b,) = (runs.map(run, [{"n": n}], jobs=1, store=tmp_path) for n in (1, 2))
    assert a != b and a.startswith(str(tmp_path)) and a.endswith(".safetensors")
    assert runs.scratch() is None
