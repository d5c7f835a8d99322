"""Runs on a Dask cluster: the same bytes as on one machine, whoever dies on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cluster_runs
import numpy as np
import pytest

from emolib.ground.errors import EmolibError
from emolib.reproduction import runs

pytest.importorskip(
    "distributed", reason="NOT TESTED: no package 'distributed'; pip install 'emolib[cluster]'"
)
pytestmark = pytest.mark.drill
HERE = Path(__file__).parent


def begin(module: str, *arguments: str) -> subprocess.Popen:
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE)]),
        "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s",
    }
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}", *arguments],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Cluster:
    """A scheduler and its workers, each a process of its own that can be killed."""

    def __init__(self, place: Path, workers: int):
        self.place, self.file, self.workers = place, place / "scheduler.json", []
        self.scheduler = begin(
            "dask_scheduler",
            "--port",
            "0",
            "--no-dashboard",
            "--host",
            "127.0.0.1",
            "--scheduler-file",
            str(self.file),
        )
        self.diary = place / "diary"
        self.diary.mkdir()
        for _ in range(workers):
            self.join()
        until(lambda: self.file.exists(), "the scheduler")
        import json

        until(lambda: self.file.read_text().strip().endswith("}"), "the scheduler's file")
        self.address = json.loads(self.file.read_text())["address"]
        self.until_workers(workers)

    def join(self):
        until(lambda: self.file.exists(), "the scheduler")
        self.workers.append(
            begin(
                "dask_worker",
                "--scheduler-file",
                str(self.file),
                "--nthreads",
                "1",
                "--no-dashboard",
                "--no-nanny",
                "--host",
                "127.0.0.1",
                "--local-directory",
                str(self.place),
            )
        )

    def until_workers(self, count: int):
        from distributed import Client

        with Client(self.address, timeout="20s") as client:
            client.wait_for_workers(count, timeout=60)

    def seen(self) -> dict[int, set[int]]:
        """Worker process -> the runs it began."""
        out: dict[int, set[int]] = {}
        for path in self.diary.iterdir():
            n, pid = path.name.split("-")
            out.setdefault(int(pid), set()).add(int(n))
        return out


def until(done, what: str, seconds: float = 60):
    limit = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < limit, f"{what} did not come within {seconds} s"
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path):
    started = []

    def start(workers: int) -> Cluster:
        started.append(Cluster(tmp_path, workers))
        return started[-1]

    yield start
    for one in started:
        for process in (*one.workers, one.scheduler):
            process.kill()
            process.wait()


def grid(count: int, seconds: float = 0.0, diary: str = "") -> list[dict]:
    return [{"n": n, "seconds": seconds, "diary": diary} for n in range(count)]


def same(found: list[dict]) -> bool:
    """Are these the bytes that this process computes by itself?"""
    return all(np.array_equal(f["product"], cluster_runs.drawn(n=f["n"])["product"]) for f in found)


def stored(place: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(place.rglob("*.npz"))}


def test_two_workers_give_the_bytes_of_one_machine(tmp_path, cluster):
    two = cluster(2)
    arguments = grid(8, 0.2, str(two.diary))
    found = runs.map(cluster_runs.drawn, arguments, store=tmp_path / "far", cluster=two.address)
    here = runs.map(cluster_runs.drawn, arguments, store=tmp_path / "near", jobs=1)
    assert same(found) and same(here) and len(stored(tmp_path / "far")) == 8
    assert stored(tmp_path / "far") == stored(tmp_path / "near")
    assert len(set(two.seen()) - {os.getpid()}) == 2  # both worked


def test_a_worker_killed_in_mid_run_loses_nothing(tmp_path, cluster):
    two = cluster(2)

    def kill():
        until(lambda: len(two.seen()) == 2, "a run on each worker")
        two.workers[0].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    found = runs.map(
        cluster_runs.drawn,
        grid(8, 0.7, str(two.diary)),
        store=tmp_path / "store",
        cluster=two.address,
    )
    killer.join()
    assert [f["n"] for f in found] == list(range(8)) and same(found)
    begun = [n for ns in two.seen().values() for n in ns]
    assert (
        len(begun) > 8 and two.workers[0].wait(10) == -signal.SIGKILL
    )  # something was begun twice: the dead one's work


def test_a_late_worker_joins_in(tmp_path, cluster):
    one = cluster(1)

    def join():
        until(lambda: len(one.seen()) == 1, "the first run")
        one.join()

    late = threading.Thread(target=join)
    late.start()
    found = runs.map(
        cluster_runs.drawn,
        grid(80, 0.5, str(one.diary)),
        store=tmp_path / "store",
        cluster=one.address,
    )
    late.join()
    assert same(found)
    assert len(one.seen()) == 2, {pid: len(ns) for pid, ns in one.seen().items()}


def test_the_schedulers_loss_is_one_line_and_the_store_goes_on(tmp_path, cluster):
    two = cluster(2)

    def kill():
        until(lambda: len(list((tmp_path / "store").rglob("*.npz"))) >= 3, "three stored runs")
        two.scheduler.send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(EmolibError, match="the scheduler is gone.*stored"):
        runs.map(cluster_runs.drawn, grid(30, 0.4), store=tmp_path / "store", cluster=two.address)
    killer.join()
    kept = len(stored(tmp_path / "store"))
    assert 3 <= kept < 30
    found = runs.map(
        cluster_runs.drawn, grid(30, 0.4)[: kept + 2], store=tmp_path / "store", jobs=1
    )
    assert same(found)


def test_nobody_there_is_one_line(tmp_path):
    with pytest.raises(EmolibError, match="no scheduler answers there"):
        runs.map(cluster_runs.drawn, grid(1), store=tmp_path, cluster="tcp://127.0.0.1:9")


def test_a_run_costs_less_than_fifty_milliseconds_of_the_scheduler(tmp_path, cluster):
    two, count = cluster(2), 200
    runs.map(cluster_runs.drawn, grid(4), store=tmp_path / "warm", cluster=two.address)
    begun = time.process_time()
    runs.map(cluster_runs.drawn, grid(count), store=tmp_path / "store", cluster=two.address)
    each = (time.process_time() - begun) / count
    print(f"\noverhead of a run in the process that asks: {1e3 * each:.1f} ms")
    assert each < 0.05


def test_the_kubernetes_resource_starts_what_is_installed():
    """Its commands are those of the Dask that is here; the operator itself is not."""
    yaml = pytest.importorskip("yaml")
    spec = yaml.safe_load((HERE.parent / "tools" / "kubernetes.yaml").read_text())["spec"]
    for part in ("worker", "scheduler"):
        command = spec[part]["spec"]["containers"][0]["args"]
        told = subprocess.run(
            [sys.executable, "-m", "dask", command[1], "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for option in (word for word in command[2:] if word.startswith("--")):
            assert option in told, f"dask {command[1]} knows no {option}"
