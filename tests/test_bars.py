"""Progress bars: a line in logs, silent where they are not wanted, and nothing of theirs outlives the process."""

import subprocess
import sys

import pytest

from emolib.ground import bars


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves: `clock[0] += seconds`."""
    now = [100.0]
    monkeypatch.setattr(bars.time, "monotonic", lambda: now[0])
    return now


def test_at_a_terminal_it_is_tqdms(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with bars.bar(label="films", unit="film", total=4, start=1) as bar:
        assert (bar.mininterval, bar.delay, bar.n, bar.total) == (0.1, 1, 1, 4)


def test_a_log_gets_one_line_and_none_from_bars_inside(capsys, clock):
    with bars.bar(label="runs", unit="run", total=3) as outer:
        for _ in range(3):
            for _ in bars.bar(range(50), label="training", unit="epoch"):
                clock[0] += 2
            outer.update()
    assert capsys.readouterr().err == "runs: 3 of 3 runs, 300 s\n"


def test_what_is_done_in_a_second_is_not_worth_a_line(capsys):
    assert list(bars.bar(range(3), label="films", unit="film")) == [0, 1, 2]
    assert capsys.readouterr().err == ""


def test_hours_of_work_are_heard_of_every_ten_minutes(capsys, clock):
    for _ in bars.bar(range(40), label="faces", unit="run"):
        clock[0] += 61
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "faces: 10 of 40 runs, 610 s" and len(lines) == 5


def test_a_bar_that_is_left_early_says_how_far_it_came_and_leaves_the_floor(capsys, clock):
    def broken():
        for k in bars.bar(range(9), label="films", unit="film"):
            clock[0] += 2
            if k == 4:
                raise ValueError("film 4")

    with pytest.raises(ValueError, match="film 4"):
        broken()
    with bars.bar(label="data", unit="B", total=2_000_000, scaled=True) as bar:
        clock[0] += 2
        bar.update(1_500_000)
    told = capsys.readouterr().err.splitlines()
    assert told == ["films: 4 of 9 films, 10 s", "data: 1.50MB of 2.00MB, 2 s"]


def test_it_may_be_silent_and_a_line_is_said_as_it_is(capsys, clock):
    for _ in bars.bar(range(3), label="films", unit="film", shown=False):
        clock[0] += 2
    bars.say("a line")
    assert capsys.readouterr().err == "a line\n"


def test_a_process_that_works_for_another_is_silent():
    code = (
        "import time, joblib\nfrom emolib.ground import bars\n"
        "def work(k):\n    bars.DELAY = 0\n    return sum(bars.bar(range(3), label='inner', unit='run'))\n"
        "assert joblib.Parallel(2)(joblib.delayed(work)(k) for k in range(2)) == [3, 3]\nassert work(0) == 3"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "inner: 3 of 3 runs, 0 s\n", done.stderr


def test_it_leaves_no_semaphore_to_be_swept_up():
    code = (
        "import multiprocessing\nfrom multiprocessing import resource_tracker as tracker\nfrom emolib.ground import bars\n"
        "multiprocessing.set_start_method('spawn')\n"  # where processes are forked, semaphores have no name
        "list(bars.bar(range(3), label='films', unit='film'))\nassert tracker._resource_tracker._fd is None"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
